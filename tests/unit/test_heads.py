"""The Vault's daily head: its one spelling, when it is made, how it gets its token, and how it is shown."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typing_extensions import override

from holdgate.adapters.head_files import HeadFiles
from holdgate.adapters.host import SetClock
from holdgate.adapters.http_witness import WitnessApp
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.timestamping import TimestampAuthority
from holdgate.ledger.head import open_head, write_head
from holdgate.ledger.note import (
    KIND_COSIGNATURE,
    Checkpoint,
    Notary,
    make_vkey,
    parse_checkpoint,
    parse_vkey,
    sign_note,
)
from holdgate.sites.heads import REST_S, TICK_S, DailyHead
from holdgate.sites.vault import Vault
from holdgate.sites.vault_face import VaultFace, WitnessFace
from holdgate.terms import instant
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import HEAD_BYTES_MAX, HEAD_REST_S_MAX
from tests.unit.test_sites import HUB, VAULT, House, founded, settled
from tests.witnesses import T_S, witness_at

NAME = "lab.test/VAULT"
KEY = SigningKey.from_seed(sha256(b"vault"))
COSIGNER = parse_vkey(make_vkey(NAME, KEY.public, KIND_COSIGNATURE))
LOGS = (Checkpoint("lab.test/HUB", 5, bytes(32)), Checkpoint("lab.test/N-1", 7, bytes([1]) * 32))
HEAD = write_head(NAME, KEY, T_S, LOGS)
DAY_US = 86_400 * instant.SECOND_US


# ---- the document --------------------------------------------------------------------------------------------------


def test_a_head_reads_back_under_the_key_that_cosigns() -> None:
    head = open_head(HEAD, [COSIGNER])
    assert (head.vault, head.time_s, head.logs) == (NAME, T_S, LOGS)
    assert write_head(NAME, KEY, T_S, reversed(LOGS)) == HEAD, "one spelling"
    assert HEAD.startswith(f"holdgate/vault-head/v1\n{NAME}\ntime {T_S}\nlog 5 AAAA".encode())


def test_a_head_is_no_checkpoint_and_a_checkpoint_is_no_head() -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(HEAD)
    with pytest.raises(Malformed, match="no head"):
        open_head(Notary(NAME, KEY).checkpoint(5, bytes(32)), [COSIGNER])


def changed(old: bytes, new: bytes) -> bytes:
    """The head with another text, truly signed."""
    text = HEAD[: HEAD.index(b"\n\n") + 1]
    assert old in text
    return sign_note(text.replace(old, new), NAME, KEY)


@pytest.mark.parametrize(
    "raw",
    [
        changed(b"v1", b"v2"),
        changed(b"time ", b"time 0"),
        changed(b"log 5", b"log 0"),
        changed(b"log 5", b"log 05"),
        changed(b"log 5", b"log  5"),
        changed(b"HUB", b"Z"),
        changed(b"N-1", b"HUB"),
        changed(b"AAA=", b"AA=="),
        changed(b"AAA= ", b"AAB= "),
        changed(b"log 7", b"lag 7"),
        changed(b"N-1\n", b"N-1 more\n"),
        changed(b"N-1\n", b"N-1\nmore\n"),
        changed(NAME.encode(), b"lab.test/OTHER"),
        HEAD + b"\n",
        b"",
        b"x" * (HEAD_BYTES_MAX + 1),
    ],
)
def test_a_head_in_another_spelling_is_refused_though_it_is_signed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        open_head(raw, [COSIGNER])


def test_a_head_that_no_trusted_vault_signed_is_refused() -> None:
    other = parse_vkey(make_vkey(NAME, SigningKey.from_seed(sha256(b"other")).public, KIND_COSIGNATURE))
    for raw, keys in ((HEAD, [other]), (HEAD, []), (HEAD.replace(b"log 5", b"log 6"), [COSIGNER])):
        with pytest.raises(Tampered):
            open_head(raw, keys)


def test_a_head_of_nothing_or_of_a_log_twice_is_not_written() -> None:
    for logs in ((), (LOGS[0], LOGS[0]), (Checkpoint("lab.test/HUB", 0, bytes(32)),)):
        with pytest.raises(Malformed):
            write_head(NAME, KEY, T_S, logs)


def test_a_shop_of_a_thousand_logs_has_one_head() -> None:
    logs = [Checkpoint(f"lab.test/node-{number:04}", 10**9, bytes(32)) for number in range(1_000)]
    assert len(open_head(write_head(NAME, KEY, T_S, logs), [COSIGNER]).logs) == 1_000


# ---- files ---------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_never_replaced_and_odd_names_reach_no_file(tmp_path: Path) -> None:
    files = HeadFiles(tmp_path / "heads")
    assert (files.days(), files.head("2026-04-01")) == ([], None)
    files.keep_head("2026-04-01", b"head")
    with pytest.raises(Malformed, match="not replaced"):
        files.keep_head("2026-04-01", b"other")
    (tmp_path / "heads" / "2026-04-02.note.part").write_bytes(b"ha")
    files.keep_head("2026-04-02", b"half a file of before a crash was in the way")
    (tmp_path / "heads" / "readme.note").write_bytes(b"")
    assert files.days() == ["2026-04-01", "2026-04-02"]
    assert (files.head("2026-04-01"), files.token("2026-04-01")) == (b"head", None)
    (tmp_path / "x.note").write_bytes(b"secret")
    assert files.head("../x") is None
    with pytest.raises(Malformed):
        files.keep_token("../2026-04-01", b"")
    (tmp_path / "heads" / "2026-04-03.note").mkdir()
    with pytest.raises(Unavailable):
        files.head("2026-04-03")


# ---- once a day ----------------------------------------------------------------------------------------------------


class Fake(TimestampAuthority):
    """An authority that does as it is told."""

    name = "fake"

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.fails: Exception | None = None

    @override
    async def stamp(self, document: bytes) -> bytes:
        self.asked.append(document)
        if self.fails is not None:
            raise self.fails
        return b"token of " + sha256(document)


class Place:
    """Heads of a Vault in a folder. `opened`: after a restart."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.authority, self.logs = SetClock(T_S * instant.SECOND_US), Fake(), list(LOGS)
        self.files = HeadFiles(folder / "heads")
        self.daily = self.opened()

    def opened(self) -> DailyHead:
        self.daily = DailyHead(NAME, KEY, self.clock, lambda: self.logs, self.files, self.authority)
        return self.daily

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            asyncio.run(self.daily.look())

    def later(self, us: int) -> None:
        self.clock.instant += us


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def day_of(place: Place) -> str:
    return instant.show(place.clock.now())[:10]


def test_one_head_a_day_is_made_and_stamped_once(place: Place) -> None:
    first = day_of(place)
    place.look(3)
    assert (place.files.days(), len(place.authority.asked)) == ([first], 1)
    head = place.files.head(first)
    assert head is not None
    assert open_head(head, [COSIGNER]).logs == LOGS
    assert place.files.token(first) == b"token of " + sha256(head)
    place.later(DAY_US)
    place.logs[0] = Checkpoint("lab.test/HUB", 9, bytes(32))
    place.look(3)
    assert (place.files.days(), len(place.authority.asked)) == ([first, day_of(place)], 2)


def test_an_empty_vault_makes_no_head(place: Place) -> None:
    place.logs.clear()
    place.look()
    assert (place.files.days(), place.authority.asked, place.daily.fault) == ([], [], None)


def test_a_clock_that_goes_back_makes_no_second_head_of_a_day(place: Place) -> None:
    place.look()
    place.clock.instant -= 3 * DAY_US
    place.look()
    assert len(place.files.days()) == 1


@pytest.mark.parametrize(
    "failure", [Unavailable("away"), Malformed("busy"), Tampered("lies"), RuntimeError("a defect")]
)
def test_while_the_authority_is_away_the_same_head_is_asked_about_again_after_longer_rests(
    place: Place, failure: Exception
) -> None:
    place.authority.fails = failure
    assert place.daily.rest_s == TICK_S
    rests = []
    for _ in range(9):
        place.look()
        rests.append(place.daily.rest_s)
    assert rests[:3] == [REST_S, 2 * REST_S, 4 * REST_S]
    assert rests[-1] == HEAD_REST_S_MAX
    assert isinstance(place.daily.fault, HoldgateError)
    assert isinstance(place.daily.fault, InvariantBroken) == isinstance(failure, RuntimeError)
    place.opened()  # a restart between
    place.authority.fails = None
    place.look()
    assert (place.daily.rest_s, str(place.daily.fault)) == (TICK_S, "None")
    assert len(set(place.authority.asked)) == 1, "the same head, byte for byte"
    assert place.files.token(day_of(place)) is not None


def test_only_the_newest_head_is_stamped(place: Place) -> None:
    place.authority.fails = Unavailable("away")
    place.look()
    old = day_of(place)
    place.later(DAY_US)
    place.look()
    place.authority.fails = None
    place.look()
    assert (place.files.token(old), place.files.token(day_of(place)) is None) == (None, False)


def test_a_disk_that_is_full_is_a_fault_and_ends_nothing(place: Place) -> None:
    place.files.folder.write_bytes(b"a file where the folder should be")
    place.look()
    assert isinstance(place.daily.fault, Unavailable)
    assert place.authority.asked == []


# ---- at a Vault ----------------------------------------------------------------------------------------------------


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110  # what is waited for is a file
            await asyncio.sleep(0.01)


def test_a_vault_keeps_its_head_beside_its_mirror_and_shows_it_read_only(tmp_path: Path) -> None:
    house = founded(tmp_path)
    authority = Fake()

    async def story() -> None:
        house.open_vault()
        vault: Vault = house.shop.vaults[VAULT]
        await house.open(HUB)
        assert (await house.ask(HUB, house.material("B-1"))).decision.allowed
        await settled(house.shop)
        files = HeadFiles(tmp_path / "heads")
        vault.heads = DailyHead(NAME, house.desk.key(VAULT), house.clock, vault.mirrored, files, authority)
        vault.wake()
        await until(lambda: bool(files.days()) and files.token(files.days()[0]) is not None)
        (day,) = files.days()
        note = files.head(day) or b""
        vkey = parse_vkey(make_vkey(NAME, house.desk.key(VAULT).public, KIND_COSIGNATURE))
        (log,) = open_head(note, [vkey]).logs
        newest = vault.store.latest(f"lab.test/{HUB}")
        assert newest is not None
        assert (log.origin, log.size) == (f"lab.test/{HUB}", parse_checkpoint(newest).size)
        await shown(vault, day, note, files.token(day) or b"")
        authority.fails = Unavailable("away for ever")
        house.clock.instant += DAY_US
        await vault.heads.look()
        assert (await house.ask(HUB, house.material("B-2"))).decision.allowed, "nobody waits for an authority"
        await house.close()

    asyncio.run(story())


async def shown(vault: Vault, day: str, note: bytes, token: bytes) -> None:
    transport = httpx.ASGITransport(app=WitnessApp(VaultFace(vault)).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://vault") as client:
        assert (await client.get("/heads")).json() == {"heads": [{"day": day, "stamped": True}]}
        assert (await client.get(f"/heads/{day}.note")).content == note
        got = await client.get(f"/heads/{day}.tsr")
        assert (got.content, got.headers["content-type"]) == (token, "application/timestamp-reply")
        for path in ("/heads/2020-01-01.note", "/heads/x.note", f"/heads/{day}", f"/heads/..%2f{day}.note"):
            assert (await client.get(path)).status_code == 404, path
        for verb in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/heads", f"/heads/{day}.note", f"/heads/{day}.tsr"):
                assert (await client.request(verb, path, content=b"x")).status_code == 405, (verb, path)


def test_a_witness_and_a_vault_without_an_authority_have_no_heads(tmp_path: Path) -> None:
    house: House = founded(tmp_path)
    house.open_vault()
    witness = witness_at(tmp_path / "w")
    for face in (VaultFace(house.shop.vaults[VAULT]), WitnessFace(witness, house.clock)):
        assert asyncio.run(face.heads()) == []
        assert asyncio.run(face.head("2026-04-01", token=False)) is None
    house.shop.close()
    witness.store.close()

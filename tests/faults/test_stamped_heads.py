"""A record made anew with all of the shop's keys, held against an older head that an authority outside had stamped."""

import asyncio
import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdgate.adapters.head_files import HeadFiles
from holdgate.backup import back_up, restore
from holdgate.bootstrap import HEADS, TIMESTAMP, read_premises
from holdgate.cli.app import main
from holdgate.cli.ledger import export_bundle, export_heads
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.head import open_head, write_head
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import KIND_COSIGNATURE, Checkpoint, make_vkey, parse_vkey
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from tests.faults.test_made_anew import history
from tests.timestamps import NOW, Authority, configured, served
from tests.unit.test_heads import until
from tests.unit.test_sites import HUB, VAULT, House, founded, settled

rfc3161 = pytest.importorskip("rfc3161_client", reason="rfc3161-client is not installed (extra: timestamp)")
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
ORIGIN, NAME = f"lab.test/{HUB}", f"lab.test/{VAULT}"
TSA = Authority()
AT = instant.show(int(NOW.timestamp()) * 1_000_000)


class Lab:
    """A shop, the same shop made anew with the same keys, and the auditor's things: trust, pins, stamped heads of the first."""

    def __init__(self, place: Path) -> None:
        true = founded(place)
        anew = House(Path(shutil.copytree(true.directory, place / "anew")), seed=5 << 16)
        self.place, self.true, self.anew = place, true.directory, anew.directory
        self.leaves = asyncio.run(history(true, "B-1", "B-2", "B-3", "B-4"))
        self.other = asyncio.run(history(anew, "X-1", "B-2", "B-3", "B-4"))
        self.size = min(len(self.leaves), len(self.other)) - 1
        self.key = true.desk.key(VAULT)
        self.trust = Path(shutil.copy(true.directory / "trust.json", place / "auditor.json"))
        self.pem = place / "auditor.pem"
        self.pem.write_bytes(TSA.pem)
        self.kept = self.stamped("kept", self.size)

    def stamped(self, name: str, size: int, **changes: Any) -> Path:
        """A head that names this much of the true log, and a token over it."""
        log = Checkpoint(changes.pop("origin", ORIGIN), size, root_of(self.leaves[:size]))
        head = write_head(NAME, changes.pop("key", self.key), int(NOW.timestamp()), [log])
        path = self.place / f"{name}.note"
        path.write_bytes(head)
        tsa: Authority = changes.pop("tsa", TSA)
        over = sha256(changes.pop("over", head)).digest()
        path.with_suffix(".tsr").write_bytes(tsa.answer(over, 99, **changes))
        return path

    def audit(self, which: Path, *more: str | Path, pins: bool = True) -> int:
        words = ["audit", str(which), "--trust", str(self.trust), *map(str, more)]
        return main([*words, "--authority", str(self.pem)] if pins else words)

    def told(self, capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any]]:
        code = self.audit(Path(words[0]), *words[1:], "--json")
        (record,) = json.loads(capsys.readouterr().out)["records"]
        return code, record


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("stamped"))


def test_the_true_record_says_how_much_existed_when_according_to_whom(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab.audit(lab.true / HUB, "--timestamped", lab.kept) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{lab.size} entries of {ORIGIN} existed at {AT} according to CN=Test TSA" in said
    code, record = lab.told(capsys, lab.true / HUB, "--timestamped", lab.kept.with_suffix(".tsr"))
    assert (code, record["findings"]) == (0, [])
    at_us = int(NOW.timestamp()) * 1_000_000
    assert record["existed"] == [{"size": lab.size, "at": at_us, "authority": "CN=Test TSA"}]


def test_a_record_made_anew_contradicts_the_stamped_head_and_log_size_and_both_roots_are_named(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab.told(capsys, lab.anew / HUB)[0] == 0, "by itself it passes every check"
    code, record = lab.told(capsys, lab.anew / HUB, "--timestamped", lab.kept)
    (finding,) = record["findings"]
    assert (code, record["existed"]) == (1, [])
    for wanted in (
        "CN=Test TSA",
        "kept.note",
        f"{ORIGIN} at {lab.size}",
        root_of(lab.leaves[: lab.size]).hex(),
        root_of(lab.other[: lab.size]).hex(),
    ):
        assert wanted in finding["what"]


def test_the_vaults_copy_made_anew_is_shown_too(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    for which, expected in ((lab.true, 0), (lab.anew, 1)):
        code, _ = lab.told(capsys, which / VAULT / "mirror.db", "--timestamped", lab.kept)
        assert code == expected


def test_a_record_that_lost_its_end_is_found(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    longer = lab.stamped("longer", len(lab.leaves))
    log = Checkpoint(ORIGIN, len(lab.leaves) + 5, bytes(32))
    longer.write_bytes(write_head(NAME, lab.key, int(NOW.timestamp()), [log]))
    longer.with_suffix(".tsr").write_bytes(TSA.answer(sha256(longer.read_bytes()).digest(), 1))
    code, record = lab.told(capsys, lab.true / HUB, "--timestamped", longer)
    assert code == 1
    assert f"but only {len(lab.leaves)} are here" in record["findings"][0]["what"]


def test_of_two_heads_of_one_size_the_earliest_time_counts(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    later = lab.stamped("later", lab.size, at=NOW + dt.timedelta(days=3))
    small = lab.stamped("small", 2, at=NOW + dt.timedelta(days=4))
    heads = [word for path in (later, lab.kept, small) for word in ("--timestamped", path)]
    code, record = lab.told(capsys, lab.true / HUB, *heads)
    assert code == 0
    assert [one["size"] for one in record["existed"]] == [2, lab.size]
    assert record["existed"][1]["at"] == int(NOW.timestamp()) * 1_000_000


def _by_somebody(lab: Lab) -> Path:
    return lab.stamped("bad", lab.size, key=SigningKey.from_seed(bytes(32)))


def _without_token(lab: Lab) -> Path:
    path = lab.stamped("bad", lab.size)
    path.with_suffix(".tsr").unlink()
    return path


BAD: dict[str, tuple[Callable[[Lab], Path], str]] = {
    "a token over another head": (lambda lab: lab.stamped("bad", lab.size, over=b"other"), "another document"),
    "a token of another authority": (lambda lab: lab.stamped("bad", 3, tsa=Authority("Other")), "another authority"),
    "a token of before its certificate": (
        lambda lab: lab.stamped("bad", lab.size, at=NOW - dt.timedelta(days=999)),
        "not in force",
    ),
    "a head that no trusted Vault signed": (_by_somebody, "no known key"),
    "a head about other logs": (lambda lab: lab.stamped("bad", 3, origin="lab.test/ELSE"), "lab.test/ELSE"),
    "a head without a token": (_without_token, "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_proves_nothing_is_refused_before_it_accuses_anybody(
    lab: Lab, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = BAD[name]
    assert lab.audit(lab.true / HUB, "--timestamped", make(lab)) not in (0, 1)
    assert words in " ".join(capsys.readouterr().err.split())


def test_without_a_pinned_authority_a_token_says_nothing(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab.audit(lab.true / HUB, "--timestamped", lab.kept, pins=False) not in (0, 1)
    assert "--authority" in capsys.readouterr().err


# ---- from the Vault to the auditor ---------------------------------------------------------------------------------


def test_a_shops_vault_stamps_its_day_and_an_auditor_finds_it_in_the_shops_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = founded(tmp_path)
    place = house.directory

    def answering(request: bytes) -> bytes:
        asked = rfc3161._rust.parse_timestamp_request(request)
        return TSA.answer(asked.message_imprint.message, asked.nonce)

    with served(answering) as tsa:
        configured(place / VAULT, TSA, tsa.url)
        files = HeadFiles(place / VAULT / HEADS)

        async def story() -> None:
            house.open_vault()
            vault = house.shop.vaults[VAULT]
            await house.open(HUB)
            assert (await house.ask(HUB, house.material("B-1"))).decision.allowed
            await settled(house.shop)
            vault.wake()
            await until(lambda: bool(files.days()) and files.token(files.days()[0]) is not None)
            await house.close()

        asyncio.run(story())
    (day,) = files.days()
    seat = read_premises(place).seat(VAULT)
    head = open_head(files.head(day) or b"", [parse_vkey(make_vkey(NAME, seat.key, KIND_COSIGNATURE))])
    (tmp_path / "tsa.pem").write_bytes(TSA.pem)
    assert main(["audit", str(place), "--authority", str(tmp_path / "tsa.pem"), "--json"]) == 0
    told = msgspec.json.decode(capsys.readouterr().out.encode())
    hubs = [record for record in told["records"] if record["origin"] == ORIGIN]
    assert len(hubs) == 2, "the hub's own and the Vault's copy"
    out = tmp_path / "out"
    export_bundle(place / HUB / "ledger.db", out / f"{HUB}.bundle")
    assert export_heads(files.folder, out / HEADS) == 1
    auditors = ["--trust", str(place / "trust.json"), "--authority", str(tmp_path / "tsa.pem"), "--json"]
    assert main(["audit", str(out), *auditors]) == 0
    (bundled,) = msgspec.json.decode(capsys.readouterr().out.encode())["records"]
    assert bundled["existed"] == hubs[0]["existed"] != []
    back_up(place, tmp_path / "backup", house.clock.now())
    restore(tmp_path / "backup", tmp_path / "again")
    again = HeadFiles(tmp_path / "again" / VAULT / HEADS)
    assert (again.days(), again.head(day), again.token(day)) == ([day], files.head(day), files.token(day))
    assert (tmp_path / "again" / VAULT / "tsa.pem").read_bytes() == TSA.pem
    assert all([one["size"] for one in record["existed"]] == [head.logs[0].size] for record in hubs)


def test_a_vault_whose_authority_is_misconfigured_says_so_at_the_start(tmp_path: Path) -> None:
    house = founded(tmp_path)
    os.truncate(configured(house.directory / VAULT, TSA, "http://127.0.0.1:1/"), 10)
    assert (house.directory / VAULT / TIMESTAMP).is_file()
    with pytest.raises(Malformed, match="configures no time-stamping authority"):
        house.open_vault()

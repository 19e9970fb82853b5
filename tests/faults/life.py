"""What is done to a store while storage fails, and what has to be true of it afterwards.

A floor hub and its Vault live for a while in a child process: five callers work at once, one waits for replication, the store is
checkpointed, a snapshot is saved, all is closed. The child says what the product acknowledged, and nothing else. Afterwards
the product opens what lies there: everything acknowledged is on record once, as it was, every receipt holds, the Vault's
mirror has what was called replicated, everybody resends and gets the first answers, work goes on, and the audit makes every
decision again.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.answer import REPLICATED, Answer
from holdgate.engine.opening import save
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import parse_checkpoint, read_note
from holdgate.sites.site import Site
from holdgate.terms.errors import HoldgateError, Tampered
from tests.faults.intercept import say
from tests.faults.test_append_faults import Act, callers, check_log
from tests.unit.test_sites import FLOOR, VAULT, House, founded, settled, unsound

OPENED: Final = b"opened"
REFUSED: Final = b"refused "
CALM_S: Final = 0.2
"""How long a site on a failing disk may go on trying before it is closed."""
REPLICATION_S: Final = 0.5
"""How long somebody waits for the Vault's copy before he gives up."""
ANSWER_S: Final = 20.0
"""Within this time a site answers or refuses, whatever its disk does."""
PRAGMAS: Final = ["wal_autocheckpoint=24"]
"""The write-ahead log is moved into the file amid the work. A test of these tests weakens the store here."""


class Acknowledged(msgspec.Struct):
    """The product told a caller: this is on record. `act`: which one of `acts_of`."""

    act: int
    answer: Answer


@contextlib.contextmanager
def ground() -> Iterator[Path]:
    """A folder in memory, where there is such a place: what is synced is for the images to say, not for this machine's disk."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None, prefix="holdgate-faults-") as folder:
        yield Path(folder).resolve()


def template(place: Path) -> Path:
    """A shop that is founded and in which nothing has happened, to be copied."""
    return founded(place).directory


def house_of(directory: Path, seed: int) -> House:
    """The shop there, as a new process finds it."""
    house = House(directory, seed=seed << 16)
    house._nonce = seed << 16
    return house


class Script(NamedTuple):
    """What everybody does: all acts, signed, and per caller the numbers of those that are his, in order. The same at every call."""

    acts: list[Act]
    streams: list[list[int]]

    def part(self, first: bool) -> "Script":
        """The first half of what everybody does, or the second."""
        cut = [(len(stream) + 1) // 2 for stream in self.streams]
        return Script(self.acts, [s[:c] if first else s[c:] for s, c in zip(self.streams, cut, strict=True)])


def script_of(directory: Path) -> Script:
    """The script for the shop there."""
    streams = callers(House(directory))
    numbers = iter(range(1000))
    numbered = [[next(numbers) for _ in stream] for stream in streams]
    return Script([act for stream in streams for act in stream], numbered)


# ---- in the child --------------------------------------------------------------------------------------------------


class TunedStore(SqliteStore):
    """The store, with `PRAGMAS`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        for pragma in PRAGMAS:
            self._writer.execute(f"PRAGMA {pragma}")


def lived(directory: Path, script: Script, seed: int) -> None:
    """One life of the floor hub, beginning with its opening. What fails as the product says it may is said, and no fault.

    Raises:
        Exception: whatever else escapes the product.
    """
    strange: list[BaseException] = []

    async def life() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: _note(told, strange))
        try:
            await _work(directory, script, seed)
        except HoldgateError as error:
            say(REFUSED + str(error).encode())

    asyncio.run(life())
    if strange:
        raise strange[0]


def _note(told: dict[str, Any], strange: list[BaseException]) -> None:
    error = told.get("exception")
    if not isinstance(error, HoldgateError):
        strange.append(error or RuntimeError(str(told.get("message"))))


async def _work(directory: Path, script: Script, seed: int) -> None:
    house = house_of(directory, seed)
    house.open_vault()
    store = TunedStore(directory / FLOOR / "ledger.db")
    site = await house.open(FLOOR, store=store)
    say(OPENED)
    work = [_call(site, script.acts, stream, replicated=not index) for index, stream in enumerate(script.streams)]
    done = await asyncio.gather(*work, return_exceptions=True)
    failed = [error for error in done if isinstance(error, BaseException)]
    for error in failed:
        if not isinstance(error, HoldgateError):
            raise error
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(house.shop.settle(), CALM_S if failed else CALM_S * 5)
    if site.spine.whole and not failed:
        save(store, site.chronicle)
    try:
        house.shop.close()
    except HoldgateError:
        store.close()
        raise
    finally:
        await asyncio.sleep(0)
    if failed:
        raise failed[0]


async def _call(site: Site, acts: list[Act], stream: list[int], *, replicated: bool) -> None:
    for number in stream:
        waits = replicated and number == stream[0]
        try:
            if waits:
                answer = await asyncio.wait_for(site.submit_replicated(*acts[number]), REPLICATION_S)
            else:
                answer = await asyncio.wait_for(site.submit(*acts[number]), ANSWER_S)
        except TimeoutError:
            if not waits:
                raise
            continue  # the Vault may be the one that fails; who gives up was acknowledged nothing
        say(msgspec.msgpack.encode(Acknowledged(act=number, answer=msgspec.structs.replace(answer, entry=b""))))


# ---- afterwards ----------------------------------------------------------------------------------------------------


def acknowledged(said: Iterable[bytes]) -> list[Acknowledged]:
    """The acknowledgements among what a child said."""
    return [msgspec.msgpack.decode(word, type=Acknowledged) for word in said if word[:1] == b"\x82"]


def verified(directory: Path, script: Script, known: list[Acknowledged], seed: int) -> None:
    """Open what lies there, by the product, and let it go on.

    Raises:
        AssertionError, HoldgateError: something acknowledged is not there, or there otherwise, or it cannot go on.
    """
    _mirrored(directory, known)
    resumed(directory, script, known, seed)
    assert unsound(house_of(directory, seed).audits()) == []


def resumed(directory: Path, script: Script, known: list[Acknowledged], seed: int) -> None:
    """The same, but for what the mirror held before, and for the audit."""
    asyncio.run(_again(directory, script, known, seed))


def _mirrored(directory: Path, known: list[Acknowledged]) -> None:
    """What was called replicated is in the mirror as it lies there, before the site tells it again."""
    wanted = [one.answer for one in known if one.answer.kept == REPLICATED]
    if not wanted:
        return
    mirror = SqliteMirror(directory / VAULT / "mirror.db")
    entries = mirror.entries(f"lab.test/{FLOOR}")
    mirror.close()
    lost = [answer.seq for answer in wanted if answer.seq >= len(entries)]
    assert not lost, f"called replicated, and not in the mirror: {lost}"


async def _again(directory: Path, script: Script, known: list[Acknowledged], seed: int) -> None:
    house = house_of(directory, seed)
    try:
        house.open_vault()
        site = await house.open(FLOOR)
        await _resent(house, site, script, known)
        await house.close()
    finally:
        await _let_go(house)


async def _let_go(house: House) -> None:
    """Close what is open still, whatever it says: nothing of it is on its way to another test."""
    with contextlib.suppress(Exception):
        house.shop.close()
    for site in house.shop.sites.values():
        with contextlib.suppress(Exception):
            site.means.store.close()
    for vault in house.shop.vaults.values():
        with contextlib.suppress(Exception):
            vault.close()
    await asyncio.sleep(0)


async def _resent(house: House, site: Site, script: Script, known: list[Acknowledged]) -> None:
    acts = script.acts
    before = {one.act: one.answer for one in known}
    rows = [row.leaf for row in site.means.store.rows(0, 1 << 40)]
    lost = [answer.seq for answer in before.values() if answer.seq >= len(rows)]
    assert not lost, f"acknowledged, and not on record: {lost}"
    answers = {}
    for number, (raw, pins) in enumerate(acts):
        answers[number] = await site.submit(raw, pins)
    for number, first in before.items():
        again = answers[number]
        assert (again.seq, again.decision, again.resent) == (first.seq, first.decision, True), "answered otherwise"
    more = house.sign(house.slip("PO-more", ("M",)))
    assert (await site.submit(more)).decision.allowed
    await settled(house.shop)
    receipts = [(acts[one.act][0], one.answer) for one in known]
    receipts += [(acts[number][0], answer) for number, answer in answers.items()]
    stored = list(site.means.store.rows(0, 1 << 40))
    assert all(leaf_hash(row.body) == row.leaf for row in stored)
    check_log(site, [*(raw for raw, _ in acts), more], receipts)
    mirror = house.shop.vaults[VAULT].store.entries(site.notary.origin)
    if root_of([leaf_hash(body) for body in mirror]) != cosigned_root(house, site):
        raise Tampered("whoever reads the mirror finds that it is not what the Vault cosigned")
    assert mirror == [row.body for row in stored], "the Vault's mirror is not the log"
    assert house.shop.vaults[VAULT].store.evidence(site.notary.origin) == [], "the Vault accuses an honest site"


def cosigned_root(house: House, site: Site) -> bytes:
    """The root of a site's log that the Vault cosigned last."""
    note = house.shop.vaults[VAULT].store.latest(site.notary.origin)
    assert note is not None
    return parse_checkpoint(read_note(note)[0]).root


def copy(source: Path, target: Path) -> Path:
    """A copy of a shop's directory as it lies there, without what a process maps into its memory."""
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("*-shm")))

"""A store that fails in the middle of an append: nothing acknowledged is lost, nothing is there twice, no log forks.

Each writing operation of the SQLite store fails once, before it was done or after it was done all the same, while several
callers work at the floor hub. Then the site is opened anew from its store, and everybody resends what was not answered.
"""

import asyncio
import itertools
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.engine.answer import Answer
from holdgate.law.case import Pin
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import parse_checkpoint, parse_vkey
from holdgate.ledger.proof import read_proof, verify_proof
from holdgate.sites.site import Site
from holdgate.terms.errors import HoldgateError, Tampered, Unavailable
from tests.unit.test_sites import FLOOR, READERS, VAULT, House, founded, settled, unsound

# ---- a store with one fault ----------------------------------------------------------------------------------------

STEPS = {
    "begin": "BEGIN",
    "entry": "INSERT INTO entry",
    "blob": "INSERT OR IGNORE INTO blob",
    "head": "INSERT OR REPLACE INTO head",
    "commit": "COMMIT",
    "cosignature": "INSERT OR REPLACE INTO cosignature",
    "cursor": "INSERT OR REPLACE INTO cursor",
    "checkpoint": "UPDATE head SET checkpoint",
    "snapshot": "INSERT OR REPLACE INTO snapshot",
    "older snapshots": "DELETE FROM snapshot",
}
BEFORE, AMID, AFTER = "before", "amid", "after"


class Fault:
    """The `nth` operation of a kind fails. `step` None: the `nth` operation of any kind."""

    def __init__(self, step: str | None, when: str, nth: int) -> None:
        self.start = "" if step is None else STEPS[step]
        self.when = when
        self.left = nth
        self.fired = ""

    def strikes(self, statement: str) -> bool:
        """Whether this operation is the one."""
        if self.fired or not statement.startswith(self.start):
            return False
        self.left -= 1
        if self.left:
            return False
        self.fired = statement
        return True


class FailingConnection:
    """A writing connection of a store, with a fault."""

    def __init__(self, real: sqlite3.Connection, fault: Fault) -> None:
        self._real = real
        self._fault = fault

    @property
    def in_transaction(self) -> bool:
        return self._real.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        if statement.startswith("SELECT") or not self._fault.strikes(statement):
            return self._real.execute(statement, values)
        if self._fault.when == AFTER:
            self._real.execute(statement, values)
        raise sqlite3.OperationalError(f"disk I/O error {self._fault.when} {statement[:20]}")

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> Any:
        rows = list(rows)
        if not self._fault.strikes(statement):
            return self._real.executemany(statement, rows)
        done = {BEFORE: 0, AMID: (len(rows) + 1) // 2, AFTER: len(rows)}[self._fault.when]
        self._real.executemany(statement, rows[:done])
        raise sqlite3.OperationalError(f"disk I/O error after {done} of {len(rows)} rows")

    def close(self) -> None:
        self._real.close()


class FailingStore(SqliteStore):
    """A store with one fault, from its opening on: in its log or in its hints."""

    def __init__(self, path: Path, fault: Fault) -> None:
        super().__init__(path)
        self._writer = FailingConnection(self._writer, fault)  # type: ignore[assignment]
        self._hints = FailingConnection(self._hints, fault)  # type: ignore[assignment]


# ---- what is done there --------------------------------------------------------------------------------------------

Act = tuple[bytes, tuple[Pin, ...]]
ORDERS = 4


def callers(house: House) -> list[list[Act]]:
    """Who does what, each in order: the business hub hands slips in, readers scan, somebody tries to release by hand."""
    bodies = {f"PO-{n}": f"sealed body {n}".encode() for n in range(ORDERS)}
    staging: list[Act] = [
        (house.sign(house.slip(order, (f"{order}-a", f"{order}-b"))), (Pin(sha256=digest(body), content=body),))
        for order, body in bodies.items()
    ]
    scans: list[list[Act]] = [
        [
            (house.sign(house.arrival(order, reader, 1 + n, (f"{order}-{mark}",))), ())
            for n, order in enumerate(bodies)
            for mark in ("a" if reader == READERS[0] else "b")
        ]
        for reader in READERS
    ]
    by_hand: list[Act] = [(house.sign(house.release(order)), ()) for order in bodies]
    return [staging, *scans, by_hand]


class Answered:
    """What was acknowledged, by the bytes that were sent."""

    def __init__(self) -> None:
        self.answers: dict[bytes, Answer] = {}

    async def drive(self, site: Site, streams: list[list[Act]]) -> list[HoldgateError]:
        """Everybody works until done or until told that the store failed."""
        found = await asyncio.gather(*(self._work(site, stream) for stream in streams), return_exceptions=True)
        failed = [error for error in found if error is not None]
        assert all(isinstance(error, Unavailable) for error in failed), failed
        return [error for error in failed if isinstance(error, HoldgateError)]

    async def _work(self, site: Site, stream: list[Act]) -> None:
        for raw, pins in stream:
            if raw not in self.answers:
                self.answers[raw] = await site.submit(raw, pins)


async def calm() -> None:
    """Every task but this one has ended."""
    for _ in range(2000):
        await asyncio.sleep(0.001)
        if len(asyncio.all_tasks()) == 1:
            return
    raise AssertionError(asyncio.all_tasks())


async def abandon(house: House, site: Site) -> bool:
    """Let go of a site as it stands; whether it could be closed in good order."""
    await calm()
    try:
        site.stop()
    except Unavailable:
        site.means.store.close()
        return False
    await calm()
    return True


def payloads(bodies: Iterable[bytes]) -> list[bytes]:
    """The signed payloads of all actions on record."""
    found = [read_entry(body) for body in bodies]
    return [open_envelope(bytes(entry.action)).payload for entry in found if entry.kind == "action"]


def check_log(site: Site, sent: Iterable[bytes], answers: Iterable[tuple[bytes, Answer]]) -> None:
    """Every sent action stands there once; every receipt ever given proves its entry in a prefix of this very log."""
    rows = list(site.means.store.rows(0, 1 << 40))
    assert [row.seq for row in rows] == list(range(len(rows)))
    recorded = payloads(row.body for row in rows)
    assert sorted(recorded) == sorted(open_envelope(raw).payload for raw in sent)
    leaves, vkey = [row.leaf for row in rows], parse_vkey(site.notary.vkey)
    for raw, answer in answers:
        covering = verify_proof(answer.receipt, leaves[answer.seq], vkey)
        assert read_proof(answer.receipt).index == answer.seq
        assert root_of(leaves[: covering.size]) == covering.root, "the log forked"
        assert payloads([rows[answer.seq].body]) == [open_envelope(raw).payload]


async def reopened(house: House, streams: list[list[Act]], before: Answered) -> None:
    """Open the site anew, resend everything, and compare."""
    site = await house.open(FLOOR)
    rest = Answered()
    assert not await rest.drive(site, streams)
    await settled(house.shop)
    for raw, first in before.answers.items():
        again = rest.answers[raw]
        assert (again.seq, again.decision, again.resent) == (first.seq, first.decision, True)
    sent = [raw for stream in streams for raw, _ in stream]
    check_log(site, sent, [*before.answers.items(), *rest.answers.items()])
    vault = house.shop.vaults[VAULT]
    mirrored = vault.store.entries(site.notary.origin)
    assert mirrored == [row.body for row in site.means.store.rows(0, 1 << 40)]
    await house.close()
    assert unsound(house.audits()) == []


async def fails_once(house: House, fault: Fault) -> None:
    """The floor hub works on a failing store, is opened anew on a sound one, and everything is there once."""
    house.open_vault()
    streams, answered = callers(house), Answered()
    store = FailingStore(house.directory / FLOOR / "ledger.db", fault)
    try:
        site = await house.open(FLOOR, store=store)
    except Unavailable:
        site = house.shop.sites[FLOOR]
    else:
        await answered.drive(site, streams)
    await abandon(house, site)
    if fault.fired:
        await reopened(house, streams, answered)
    else:
        house.shop.vaults[VAULT].store.close()


MANY = [
    (step, when, nth) for step in ("begin", "entry", "head", "commit") for when in (BEFORE, AFTER) for nth in (1, 2, 5)
]
CASES = [
    *MANY,
    *(("entry", AMID, nth) for nth in (3, 4, 5, 6)),
    *(("blob", when, nth) for when in (BEFORE, AFTER) for nth in (1, 3)),
    *((step, when, nth) for step in ("cosignature", "cursor") for when in (BEFORE, AFTER) for nth in (1, 2)),
    *((step, when, 1) for step in ("checkpoint", "snapshot", "older snapshots") for when in (BEFORE, AFTER)),
]


@pytest.mark.parametrize(("step", "when", "nth"), CASES)
def test_one_failed_write_loses_nothing_acknowledged_and_doubles_nothing(
    tmp_path: Path, step: str, when: str, nth: int
) -> None:
    fault = Fault(step, when, nth)
    asyncio.run(fails_once(founded(tmp_path), fault))
    assert fault.fired, "the fault was never hit: this case tests nothing"


@pytest.mark.parametrize("first", range(1, 33, 4))
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_every_single_write_may_fail(tmp_path: Path, when: str, first: int) -> None:
    for nth in range(first, first + 4):
        fault = Fault(None, when, nth)
        place = tmp_path / str(nth)
        asyncio.run(fails_once(founded(place), fault))
        assert fault.fired, f"write {nth} was never hit"


def test_after_a_failed_write_nobody_is_acknowledged_until_the_site_is_opened_anew(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        fault = Fault("commit", BEFORE, 4)
        store = FailingStore(house.directory / FLOOR / "ledger.db", fault)
        site = await house.open(FLOOR, store=store)
        streams, answered = callers(house), Answered()
        failed = await answered.drive(site, streams)
        assert fault.fired
        assert len(failed) == len(streams), "everybody is told, at once"
        assert all("could not keep" in str(error) for error in failed)
        size = store.head().size
        for raw, pins in streams[0]:
            with pytest.raises(Unavailable):
                await site.submit(raw, pins)
        for stranger in (b"", b"{}"):
            with pytest.raises(HoldgateError):
                await site.submit(stranger)
        assert store.head().size == size
        assert not site.spine.whole
        await abandon(house, site)
        assert SqliteStore(store.path).load_snapshot() is None, "a broken site saves no standing"

    asyncio.run(story(founded(tmp_path)))


# ---- crashes -------------------------------------------------------------------------------------------------------


def crash_copy(house: House, place: Path) -> None:
    """What a power cut would leave: the files as they are. The Vault first: it never holds more than the site does."""
    for part in (VAULT, FLOOR):
        (place / part).mkdir(parents=True)
        for suffix in ("", "-wal"):
            for file in sorted((house.directory / part).glob(f"*.db{suffix}")):
                shutil.copy2(file, place / part / file.name)
        shutil.copy2(house.directory / part / "site.key", place / part)
    for name in ("charter.json", "trust.json"):
        shutil.copy2(house.directory / name, place)
    for absent in house.directory.iterdir():
        if absent.is_dir() and absent.name not in (VAULT, FLOOR):
            shutil.copytree(absent, place / absent.name)


def test_a_process_that_vanishes_leaves_every_acknowledged_entry(tmp_path: Path) -> None:
    async def story(house: House) -> tuple[list[tuple[Path, dict[bytes, Answer]]], list[list[Act]]]:
        house.open_vault()
        site = await house.open(FLOOR)
        streams, answered = callers(house), Answered()
        work = asyncio.ensure_future(answered.drive(site, streams))
        crashes = []
        for number in itertools.count():
            known = dict(answered.answers)
            crash_copy(house, tmp_path / f"crash-{number}")
            crashes.append((tmp_path / f"crash-{number}", known))
            if work.done():
                break
            await asyncio.sleep(0.002)
        await work
        await house.close()
        return crashes, streams

    async def recover(place: Path, known: dict[bytes, Answer], streams: list[list[Act]]) -> None:
        before = Answered()
        before.answers = known
        house = House(place)
        house.open_vault()
        await reopened(house, streams, before)

    crashes, streams = asyncio.run(story(founded(tmp_path)))
    assert len(crashes) >= 3
    for place, known in crashes[:12]:
        asyncio.run(recover(place, known, streams))


def test_a_store_that_lost_its_last_commit_is_not_taken_for_whole(tmp_path: Path) -> None:
    """An entry that its head speaks of is gone: the site does not open, and says which one."""

    async def story(house: House) -> None:
        site = await house.open(FLOOR)
        await Answered().drive(site, callers(house))
        await house.close()
        with sqlite3.connect(house.directory / FLOOR / "ledger.db") as db:
            db.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")
            db.execute("DELETE FROM snapshot")
        db.close()
        with pytest.raises(Tampered, match="ends at entry"):
            await house.open(FLOOR)

    asyncio.run(story(founded(tmp_path)))


def test_an_entry_with_one_flipped_bit_is_named_and_not_served(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        site = await house.open(FLOOR)
        await Answered().drive(site, callers(house))
        await house.close()
        with sqlite3.connect(house.directory / FLOOR / "ledger.db") as db:
            (body,) = db.execute("SELECT body FROM entry WHERE seq = 3").fetchone()
            at = body.index(b'"at":') + 7
            altered = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            db.execute("UPDATE entry SET body = ? WHERE seq = 3", (altered,))
            db.execute("DELETE FROM snapshot")
        db.close()
        with pytest.raises(HoldgateError, match=r"\b3\b"):
            await house.open(FLOOR)

    asyncio.run(story(founded(tmp_path)))


def test_checkpoints_are_only_signed_over_what_is_durable(tmp_path: Path) -> None:
    """No receipt and no cosignature ever covers more than the store's head."""

    async def story(house: House) -> None:
        house.open_vault()
        site = await house.open(FLOOR)
        store = site.means.store
        streams = callers(house)
        for raw, pins in itertools.chain(*streams):
            answer = await site.submit(raw, pins)
            assert parse_checkpoint(read_proof(answer.receipt).checkpoint).size <= store.head().size
        await settled(house.shop)
        cosigned = store.cosignatures()[VAULT]
        assert parse_checkpoint(cosigned).size <= store.head().size
        await house.close()

    asyncio.run(story(founded(tmp_path)))


# ---- hints: a second file that nobody relies on --------------------------------------------------------------------


def hints_gone(place: Path) -> None:
    for file in place.glob("*.hints.db*"):
        file.unlink()


def hints_spoiled(place: Path) -> None:
    """What a power cut may leave of a file that is never flushed."""
    hints_gone(place)
    (place / "ledger.hints.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 32)


def hints_ahead(place: Path) -> None:
    """Hints that are newer than the log beside them."""
    with sqlite3.connect(place / "ledger.hints.db") as db:
        db.execute("UPDATE cursor SET position = position + 1000")
    db.close()


@pytest.mark.parametrize(
    "spoil",
    [
        hints_gone,
        hints_spoiled,
        hints_ahead,
    ],
)
def test_hints_may_be_lost_spoiled_or_of_another_day(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """The log is whole, so the site opens, and everything still reaches the Vault."""

    async def story(house: House) -> None:
        house.open_vault()
        site = await house.open(FLOOR)
        streams, answered = callers(house), Answered()
        await answered.drive(site, streams)
        await house.close()
        spoil(house.directory / FLOOR)
        back = House(house.directory, seed=7 << 16)
        back.open_vault()
        try:
            await reopened(back, streams, answered)
        except BaseException:
            await back.close()
            raise

    asyncio.run(story(founded(tmp_path)))


class SlowToCommit(FailingConnection):
    """A connection whose commit waits until it is told to go on, and then fails."""

    def __init__(self, real: sqlite3.Connection) -> None:
        super().__init__(real, Fault("commit", BEFORE, 1))
        self.reached, self.go = threading.Event(), threading.Event()

    @override
    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        if statement == "COMMIT":
            self.reached.set()
            self.go.wait(5)
        return super().execute(statement, values)


def test_the_vault_says_nothing_that_it_has_not_kept(tmp_path: Path) -> None:
    """Its commit fails in the end; meanwhile it is asked."""

    async def story(house: House) -> None:
        house.open_vault()
        vault = house.shop.vaults[VAULT]
        mirror = vault.store
        assert isinstance(mirror, SqliteMirror)
        slow = SlowToCommit(mirror._db)
        mirror._db = slow  # type: ignore[assignment]
        site = await house.open(FLOOR)
        for _ in range(500):
            if slow.reached.is_set():
                break
            await asyncio.sleep(0.002)
        reached = slow.reached.is_set()
        told = mirror.held(site.notary.origin)[0], mirror.latest(site.notary.origin)
        slow.go.set()
        await calm()
        await house.close()
        assert reached, "the commit was never reached: this tests nothing"
        assert told == (0, None)

    asyncio.run(story(founded(tmp_path)))


class NeverCommits(FailingConnection):
    """A connection of a disk that takes no commit."""

    def __init__(self, real: sqlite3.Connection) -> None:
        super().__init__(real, Fault("commit", BEFORE, 1))

    @override
    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, values)


def test_a_vault_whose_disk_fails_answers_no_offer(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        site = await house.open(FLOOR)
        house.open_vault()
        vault = house.shop.vaults[VAULT]
        mirror = vault.store
        assert isinstance(mirror, SqliteMirror)
        mirror._db = NeverCommits(mirror._db)  # type: ignore[assignment]
        segment = site.links[VAULT].next_segment(0)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await vault.offer(segment, FLOOR)
        assert mirror.held(site.notary.origin)[0] == 0
        await house.close()

    asyncio.run(story(founded(tmp_path)))

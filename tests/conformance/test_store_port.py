"""The store and bus ports: one suite each, run on every adapter. A new adapter adds a subclass and nothing else.

`RememberingStore` is the port's contract in the fewest words; it keeps the suite honest about what it really demands.
"""

import asyncio
import hashlib
import itertools
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer, Taken
from holdgate.engine.ports import Head, Row, Snapshot, Store
from holdgate.law.case import Pin
from holdgate.law.chronicle import Draft
from holdgate.law.decision import allow
from holdgate.law.segments import Segment
from holdgate.ledger.merkle import extend, root_from_frontier, root_of
from holdgate.terms.errors import HoldgateError, Unavailable
from tests.sim.disk import Disk, Faults, SimStore

# ---- the reference -------------------------------------------------------------------------------------------------


class RememberingStore(Store):
    """The port in memory: durable as long as the process lives."""

    def __init__(self) -> None:
        self._drafts: tuple[Draft, ...] = ()
        self._blobs: dict[str, bytes] = {}
        self._head = Head(size=0, frontier=())
        self._snapshots: dict[int, Snapshot] = {}
        self._cursors: dict[str, int] = {}
        self._cosigned: dict[str, bytes] = {}

    @override
    def commit(self, drafts: Sequence[Draft], head: Head) -> None:
        known = {draft.seq for draft in self._drafts}
        if any(draft.seq in known for draft in drafts) or len({draft.seq for draft in drafts}) != len(drafts):
            raise Unavailable("an entry is there already")
        for draft in drafts:
            self._blobs = {**draft.blobs, **self._blobs}
        self._drafts, self._head = (*self._drafts, *drafts), head

    @override
    def head(self) -> Head:
        return self._head

    @override
    def save_checkpoint(self, checkpoint: bytes) -> None:
        self._head = replace(self._head, checkpoint=checkpoint)

    @override
    def rows(self, start: int, stop: int) -> Iterator[Row]:
        for draft in self._drafts:
            if start <= draft.seq < stop:
                yield Row(seq=draft.seq, leaf=draft.leaf, body=draft.body)

    @override
    def found(self, start: int, stop: int) -> Iterator[Row]:
        return self.rows(start, stop)

    @override
    def leaves(self, start: int, stop: int) -> list[bytes]:
        return [row.leaf for row in self.rows(start, stop)]

    @override
    def last_of(self, subject: str, before: int) -> bytes | None:
        found = (d.leaf for d in reversed(self._drafts) if d.subject == subject and d.seq < before)
        return next(found, None)

    @override
    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        found = (d.seq for d in self._drafts if (d.subject, d.digest) == (subject, digest) and d.seq < before)
        return next(found, None)

    @override
    def blob(self, key: str) -> bytes | None:
        body = self._blobs.get(key)
        return body if body is not None and key in names_of(body) else None

    @override
    def blob_keys(self) -> list[str]:
        return sorted(self._blobs)

    @override
    def save_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshots[snapshot.size] = snapshot

    @override
    def load_snapshot(self) -> Snapshot | None:
        sound = [s for s in self._snapshots.values() if hashlib.sha256(s.body).digest() == s.digest]
        return max(sound, key=lambda s: s.size, default=None)

    @override
    def cursor(self, peer: str) -> int:
        return self._cursors.get(peer, 0)

    @override
    def set_cursor(self, peer: str, position: int) -> None:
        self._cursors[peer] = position

    @override
    def save_cosignature(self, witness: str, note: bytes) -> None:
        self._cosigned[witness] = note

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        return dict(sorted(self._cosigned.items()))

    @override
    def close(self) -> None:
        pass


def names_of(body: bytes) -> tuple[str, str]:
    """The two keys that a blob may have: of a document, and of another log's entry."""
    return hashlib.sha256(body).hexdigest(), leaf_hash(body).hex()


# ---- what is put in ------------------------------------------------------------------------------------------------


def draft(seq: int, subject: str = "order:PO-1", blobs: dict[str, bytes] | None = None) -> Draft:
    """An entry's draft; its mark is its number."""
    body = f"entry {seq} of {subject}".encode()
    mark = seq.to_bytes(16, "big")
    kept = {} if blobs is None else blobs
    return Draft(seq=seq, subject=subject, body=body, leaf=leaf_hash(body), digest=mark, decision=allow(), blobs=kept)


def head_after(drafts: Sequence[Draft], checkpoint: bytes = b"") -> Head:
    """The head of a log of exactly these entries."""
    frontier = extend(0, (), [item.leaf for item in drafts])
    return Head(size=len(drafts), frontier=frontier, checkpoint=checkpoint)


def fill(store: Store, count: int, group: int = 3) -> list[Draft]:
    """A log of so many entries, committed group by group; subjects take turns."""
    drafts = [draft(seq, f"order:PO-{seq % 4}") for seq in range(count)]
    for start in range(0, count, group):
        store.commit(drafts[start : start + group], head_after(drafts[: start + group]))
    return drafts


def snapshot(size: int, body: bytes = b"standing") -> Snapshot:
    """A sound snapshot."""
    return Snapshot(size=size, root=bytes(32), digest=hashlib.sha256(body).digest(), body=body)


# ---- the suite of the store port -----------------------------------------------------------------------------------


class StorePort:
    """What every store does. A subclass says how one is made, and how it is opened again (None: it cannot be)."""

    def made(self, place: Path) -> Store:
        raise NotImplementedError

    def reopened(self, store: Store, place: Path) -> Store | None:
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = self.made(tmp_path)
        yield store
        store.close()

    def test_an_empty_store_holds_nothing(self, store: Store) -> None:
        assert store.head() == Head(size=0, frontier=())
        assert list(store.rows(0, 10)) == []
        assert store.leaves(0, 10) == []
        assert store.last_of("order:PO-1", 100) is None
        assert store.find("order:PO-1", bytes(16), 100) is None
        assert store.blob("0" * 64) is None
        assert store.load_snapshot() is None
        assert store.cursor("HUB") == 0
        assert dict(store.cosignatures()) == {}

    def test_entries_come_back_in_order_whatever_the_groups_were(self, store: Store) -> None:
        drafts = fill(store, 11, group=4)
        rows = list(store.rows(0, 100))
        assert [(row.seq, row.leaf, row.body) for row in rows] == [(d.seq, d.leaf, d.body) for d in drafts]
        assert store.leaves(0, 100) == [d.leaf for d in drafts]

    @pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (3, 7), (10, 11), (11, 20), (5, 5), (7, 3)])
    def test_a_stretch_begins_with_its_start_and_ends_before_its_stop(
        self, store: Store, start: int, stop: int
    ) -> None:
        drafts = fill(store, 11)
        assert [row.seq for row in store.rows(start, stop)] == [d.seq for d in drafts[start:stop]]
        assert store.leaves(start, stop) == [d.leaf for d in drafts[start:stop]]

    def test_the_head_is_the_last_commit_s(self, store: Store) -> None:
        drafts = fill(store, 7)
        head = store.head()
        assert (head.size, head.frontier) == (7, head_after(drafts).frontier)
        assert root_from_frontier(head.frontier, head.size) == root_of(store.leaves(0, 7))

    def test_a_saved_checkpoint_belongs_to_the_present_head(self, store: Store) -> None:
        fill(store, 3)
        store.save_checkpoint(b"signed at 3")
        assert (store.head().size, store.head().checkpoint) == (3, b"signed at 3")

    def test_a_failed_commit_leaves_nothing_of_itself(self, store: Store) -> None:
        drafts = fill(store, 5)
        before, blob = store.head(), b"a document"
        key = names_of(blob)[0]
        fresh = draft(5, "order:PO-9", {key: blob})
        with pytest.raises(Unavailable):
            store.commit([fresh, draft(4)], head_after([*drafts, fresh]))
        assert store.head() == before
        assert store.leaves(0, 100) == [d.leaf for d in drafts]
        assert store.blob(key) is None
        assert store.last_of("order:PO-9", 100) is None
        store.commit([fresh], head_after([*drafts, fresh]))
        assert store.head().size == 6, "and the store goes on"

    def test_an_entry_is_never_written_over(self, store: Store) -> None:
        drafts = fill(store, 3)
        with pytest.raises(Unavailable):
            store.commit([draft(1, "order:FORGED")], store.head())
        assert [row.body for row in store.rows(0, 3)] == [d.body for d in drafts]

    def test_the_last_entry_of_a_subject(self, store: Store) -> None:
        drafts = fill(store, 10)
        assert store.last_of("order:PO-1", 100) == drafts[9].leaf
        assert store.last_of("order:PO-2", 100) == drafts[6].leaf
        assert store.last_of("order:PO-1", 9) == drafts[5].leaf, "as it was when the log was shorter"
        assert store.last_of("order:PO-1", 1) is None
        assert store.last_of("order:PO", 100) is None, "a part of a name is another subject"

    def test_an_entry_is_found_by_its_subject_and_its_mark_together(self, store: Store) -> None:
        drafts = fill(store, 10)
        assert store.find("order:PO-2", drafts[6].digest, 100) == 6
        assert store.find("order:PO-2", drafts[6].digest, 7) == 6
        assert store.find("order:PO-2", drafts[6].digest, 6) is None, "as it was when the log was shorter"
        assert store.find("order:PO-3", drafts[6].digest, 100) is None
        assert store.find("order:PO-2", drafts[6].digest[:8], 100) is None

    def test_blobs_come_back_under_the_key_of_their_content(self, store: Store) -> None:
        document, entry = b"a contract", b"another log's entry"
        keys = (names_of(document)[0], names_of(entry)[1])
        store.commit([draft(0, blobs={keys[0]: document, keys[1]: entry})], head_after([draft(0)]))
        assert [store.blob(key) for key in keys] == [document, entry]

    def test_a_blob_that_is_not_what_its_key_says_is_not_returned(self, store: Store) -> None:
        key = names_of(b"the true document")[0]
        store.commit([draft(0, blobs={key: b"a false document"})], head_after([draft(0)]))
        assert store.blob(key) is None

    def test_the_same_blob_may_come_twice(self, store: Store) -> None:
        body = b"a contract"
        key = names_of(body)[0]
        drafts = [draft(0, blobs={key: body}), draft(1, blobs={key: body})]
        store.commit(drafts[:1], head_after(drafts[:1]))
        store.commit(drafts[1:], head_after(drafts))
        assert store.blob(key) == body

    def test_the_newest_sound_snapshot_is_loaded(self, store: Store) -> None:
        for size in (3, 9, 6):
            store.save_snapshot(snapshot(size, f"standing at {size}".encode()))
        assert store.load_snapshot() == snapshot(9, b"standing at 9")

    def test_a_snapshot_whose_digest_does_not_hold_is_not_loaded(self, store: Store) -> None:
        store.save_snapshot(replace(snapshot(3), body=b"altered"))
        assert store.load_snapshot() is None

    def test_cursors_are_kept_by_peer(self, store: Store) -> None:
        for peer, position in (("HUB", 4), ("VAULT", 7), ("HUB", 9)):
            store.set_cursor(peer, position)
        assert [store.cursor(peer) for peer in ("HUB", "VAULT", "N-1")] == [9, 7, 0]

    def test_the_newest_cosignature_of_each_witness(self, store: Store) -> None:
        for witness, note in (("W-2", b"two"), ("W-1", b"one"), ("W-2", b"two, later")):
            store.save_cosignature(witness, note)
        assert dict(store.cosignatures()) == {"W-1": b"one", "W-2": b"two, later"}

    def test_readers_see_whole_commits_only(self, store: Store) -> None:
        """One writes groups of seven, another reads all the while."""
        drafts, group = [draft(seq) for seq in range(7 * 40)], 7
        heads = [head_after(drafts[: end + group]) for end in range(0, len(drafts), group)]
        failed: list[BaseException] = []

        def write() -> None:
            try:
                for number, head in enumerate(heads):
                    store.commit(drafts[number * group : number * group + group], head)
            except BaseException as error:  # noqa: BLE001  # told to the test
                failed.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        seen: list[int] = []
        while writer.is_alive() or not seen or seen[-1] != len(drafts):
            head = store.head()
            leaves = store.leaves(0, 1 << 40)
            assert len(leaves) % group == 0, "half a commit was seen"
            assert len(leaves) >= head.size, "a head was seen before its entries"
            assert head.size % group == 0
            assert root_from_frontier(head.frontier, head.size) == root_of(leaves[: head.size])
            seen.append(len(leaves))
            assert not failed, failed
        writer.join()
        assert seen == sorted(seen)

    def test_everything_is_there_after_it_was_opened_again(self, store: Store, tmp_path: Path) -> None:
        drafts, blob = fill(store, 5), b"a document"
        last = draft(5, blobs={names_of(blob)[0]: blob})
        store.commit([last], head_after([*drafts, last], b"signed at 5"))
        store.save_snapshot(snapshot(5))
        store.set_cursor("HUB", 4)
        store.save_cosignature("VAULT", b"cosigned")
        again = self.reopened(store, tmp_path)
        if again is None:
            return
        assert again.head() == store.head()
        assert list(again.rows(0, 10)) == list(store.rows(0, 10))
        assert again.blob(names_of(blob)[0]) == blob
        assert again.load_snapshot() == snapshot(5)
        assert again.cursor("HUB") == 4
        assert dict(again.cosignatures()) == {"VAULT": b"cosigned"}
        again.close()


class TestRememberingStore(StorePort):
    @override
    def made(self, place: Path) -> Store:
        return RememberingStore()

    @override
    def reopened(self, store: Store, place: Path) -> Store | None:
        return None


class TestSimStore(StorePort):
    """The simulator's store, on a disk without faults."""

    @override
    def made(self, place: Path) -> Store:
        return SimStore(Disk(Faults(random.Random(0), Counter())))

    @override
    def reopened(self, store: Store, place: Path) -> Store | None:
        assert isinstance(store, SimStore)
        return SimStore(store.disk)


TABLES = ("entry", "blob", "head", "snapshot", "aside")


class TestSqliteStore(StorePort):
    @override
    def made(self, place: Path) -> Store:
        return SqliteStore(place / "site" / "ledger.db")

    @override
    def reopened(self, store: Store, place: Path) -> Store | None:
        """While the first one is still open: what was committed is durable, closing adds nothing."""
        return SqliteStore(place / "site" / "ledger.db")

    def test_an_older_sound_snapshot_serves_where_the_newest_is_broken(self, tmp_path: Path) -> None:
        """Not asked of every store: older ones may go."""
        store = SqliteStore(tmp_path / "ledger.db")
        store.save_snapshot(replace(snapshot(9), body=b"altered"))
        older = (3, bytes(32), snapshot(3).digest, snapshot(3).body)
        store._writer.execute("INSERT INTO snapshot VALUES(?, ?, ?, ?)", older)
        assert store.load_snapshot() == snapshot(3)
        store.close()

    def test_a_snapshot_whose_table_is_damaged_is_not_loaded(self, tmp_path: Path) -> None:
        """One bit of the table's definition makes its key an ordinary column, in which nothing stands."""
        store = SqliteStore(tmp_path / "ledger.db")
        store.save_snapshot(snapshot(3))
        store.close()
        raw = (tmp_path / "ledger.db").read_bytes()
        assert raw.count(b"size INTEGER PRIMARY KEY, root") == 1
        (tmp_path / "ledger.db").write_bytes(
            raw.replace(b"size INTEGER PRIMARY KEY, root", b"size INTEGER PRIOARY KEY, root")
        )
        damaged = SqliteStore(tmp_path / "ledger.db")
        assert damaged.load_snapshot() is None
        damaged.close()

    @pytest.mark.parametrize(("damaged", "shown"), [*itertools.permutations(TABLES, 2)])
    def test_a_table_that_shows_another_ones_rows_is_damaged_and_no_defect(
        self, tmp_path: Path, damaged: str, shown: str
    ) -> None:
        """A bit of a table's page number: whatever is asked is answered, or refused in one of the product's own errors."""
        store = SqliteStore(tmp_path / "ledger.db")
        drafts = fill(store, 6)
        store.save_snapshot(snapshot(4))
        store.set_aside(head_after(drafts[:4]))
        store.close()
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
            raw.execute("PRAGMA writable_schema=ON")
            page = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
            raw.execute(f"UPDATE sqlite_schema SET rootpage = ({page}) WHERE name = ?", (shown, damaged))
            raw.commit()
        questions: tuple[Callable[[SqliteStore], object], ...] = (
            SqliteStore.head,
            SqliteStore.load_snapshot,
            SqliteStore.aside,
            SqliteStore.blob_keys,
            lambda one: [*one.blobs()],
            lambda one: [*one.rows(0, 4)],
            lambda one: one.leaves(0, 4),
            lambda one: one.last_of("order:PO-1", 4),
            lambda one: one.find("order:PO-1", drafts[1].digest, 4),
        )
        for ask in questions:
            with closing(SqliteStore(tmp_path / "ledger.db")) as again, suppress(HoldgateError):
                ask(again)

    def test_a_reader_cannot_write(self, tmp_path: Path) -> None:
        store = SqliteStore(tmp_path / "ledger.db")
        fill(store, 3)
        reader = SqliteStore(tmp_path / "ledger.db", read_only=True)
        assert reader.head().size == 3
        with pytest.raises(Unavailable):
            reader.commit([draft(3)], head_after([draft(3)]))
        with pytest.raises(Unavailable):
            reader.set_cursor("HUB", 1)
        with pytest.raises(Unavailable):
            reader.save_cosignature("VAULT", b"note")
        reader.close()
        store.close()

    def test_a_file_that_is_no_store_is_unavailable_and_left_as_it_is(self, tmp_path: Path) -> None:
        place = tmp_path / "ledger.db"
        place.write_bytes(b"not a database" * 400)
        with pytest.raises(Unavailable, match="cannot be opened"):
            SqliteStore(place)
        assert place.read_bytes() == b"not a database" * 400

    def test_a_closed_store_is_unavailable(self, tmp_path: Path) -> None:
        store = SqliteStore(tmp_path / "ledger.db")
        store.close()
        for use in (store.head, store.load_snapshot, lambda: store.commit([draft(0)], head_after([draft(0)]))):
            with pytest.raises(Unavailable):
                use()


# ---- the suite of the bus port -------------------------------------------------------------------------------------


class Echo(Peer):
    """A site that says what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[tuple[str, str]] = []

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        self.asked.append(("deliver", sender))
        return Answer(seq=len(raw), decision=allow(), receipt=raw)

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        self.asked.append(("offer", sender))
        return Taken(size=segment.size)

    @override
    async def held(self, origin: str, sender: str) -> int:
        self.asked.append(("held", sender))
        return len(origin)

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        self.asked.append(("latest", sender))
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        self.asked.append(("attest", sender))
        return origin.encode()


SEGMENT = Segment(origin="o", start=0, size=3, checkpoint=b"", leaves=(), entries={})


async def ask_all(peer: Peer, sender: str) -> list[object]:
    """Every question that there is."""
    answer = await peer.deliver(b"raw", (), sender)
    taken = await peer.offer(SEGMENT, sender)
    return [
        answer.seq,
        taken.size,
        await peer.held("o", sender),
        await peer.latest("o", sender),
        await peer.attest("o", sender),
    ]


def each_call(peer: Peer, sender: str) -> list[Callable[[], object]]:
    """Every question, one by one."""
    return [
        lambda: asyncio.run(peer.deliver(b"raw", (), sender)),
        lambda: asyncio.run(peer.offer(SEGMENT, sender)),
        lambda: asyncio.run(peer.held("o", sender)),
        lambda: asyncio.run(peer.latest("o", sender)),
        lambda: asyncio.run(peer.attest("o", sender)),
    ]


class BusPort:
    """What every bus does whose links can be cut (a subclass makes one, with three sites on it)."""

    def made(self) -> MemoryBus:
        raise NotImplementedError

    @pytest.fixture
    def bus(self) -> MemoryBus:
        return self.made()

    @pytest.fixture
    def seen(self, bus: MemoryBus) -> dict[str, list[tuple[str, bool]]]:
        """Three sites on the bus; what their watchers are told."""
        told: dict[str, list[tuple[str, bool]]] = {name: [] for name in "ABC"}
        for name in "ABC":
            bus.attach(name, Echo(name), lambda peer, up, name=name: told[name].append((peer, up)))  # type: ignore[misc]
        return told

    def test_every_question_reaches_the_site_and_its_answer_comes_back(self, bus: MemoryBus, seen: object) -> None:
        assert asyncio.run(ask_all(bus.peer("A", "B"), "A")) == [3, 3, 1, None, b"o"]

    def test_who_is_not_on_the_bus_is_out_of_reach(self, bus: MemoryBus, seen: object) -> None:
        assert not bus.linked("A", "X")
        for call in each_call(bus.peer("A", "X"), "A"):
            with pytest.raises(Unavailable, match="X is out of reach of A"):
                call()

    def test_a_cut_link_is_down_both_ways_and_no_other(self, bus: MemoryBus, seen: object) -> None:
        bus.cut("A", ["B"])
        assert [bus.linked(*pair) for pair in ("AB", "BA", "AC", "CA", "BC")] == [False, False, True, True, True]
        for call in (*each_call(bus.peer("A", "B"), "A"), *each_call(bus.peer("B", "A"), "B")):
            with pytest.raises(Unavailable, match="out of reach"):
                call()
        assert asyncio.run(ask_all(bus.peer("A", "C"), "A"))

    def test_a_peer_that_was_taken_before_the_cut_notices_it(self, bus: MemoryBus, seen: object) -> None:
        peer = bus.peer("A", "B")
        bus.cut("A")
        with pytest.raises(Unavailable):
            asyncio.run(peer.held("o", "A"))
        bus.mend("A")
        assert asyncio.run(peer.held("o", "A")) == 1

    def test_a_site_is_cut_from_everybody_by_default(self, bus: MemoryBus, seen: object) -> None:
        bus.cut("A")
        assert [bus.linked(*pair) for pair in ("AB", "CA", "BC")] == [False, False, True]
        bus.mend("A")
        assert all(bus.linked(*pair) for pair in ("AB", "CA", "BC"))

    def test_both_ends_are_told_of_a_cut_and_of_its_end(
        self, bus: MemoryBus, seen: dict[str, list[tuple[str, bool]]]
    ) -> None:
        bus.cut("A", ["B"])
        bus.mend("A", ["B"])
        assert seen == {"A": [("B", False), ("B", True)], "B": [("A", False), ("A", True)], "C": []}

    def test_mending_what_was_not_cut_tells_nobody(
        self, bus: MemoryBus, seen: dict[str, list[tuple[str, bool]]]
    ) -> None:
        bus.mend("A")
        assert seen == {"A": [], "B": [], "C": []}

    def test_a_link_is_already_in_its_new_state_when_its_ends_are_told(self, bus: MemoryBus) -> None:
        told: list[bool] = []
        bus.attach("A", Echo("A"), lambda peer, up: told.append(bus.linked("A", peer) == up))
        bus.attach("B", Echo("B"), lambda peer, up: told.append(bus.linked("B", peer) == up))
        bus.cut("B", ["A"])
        bus.mend("A", ["B"])
        assert told == [True] * 4

    def test_a_site_that_comes_back_takes_its_place(self, bus: MemoryBus, seen: object) -> None:
        peer, newer = bus.peer("A", "B"), Echo("B")
        bus.attach("B", newer, lambda _peer, _up: None)
        asyncio.run(peer.held("o", "A"))
        assert newer.asked == [("held", "A")]


class TestMemoryBus(BusPort):
    @override
    def made(self) -> MemoryBus:
        return MemoryBus()

    def test_the_link_to_a_site_that_is_not_there_yet_can_be_cut(self) -> None:
        bus = MemoryBus()
        bus.attach("A", Echo("A"), lambda _peer, _up: None)
        bus.cut("A", ["B"])
        bus.attach("B", Echo("B"), lambda _peer, _up: None)
        assert not bus.linked("A", "B")

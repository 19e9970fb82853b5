"""Reading the own log for all links together: each entry is read and decoded once, however many peers are told of it.

A site with a hundred nodes tells all of them the same entry at the same moment. What costs the same for everybody (reading a
stretch, decoding its entries, hashing up to its end, signing the checkpoint of that size) is done for the first one and kept
for a while. Entries are the site's own durable ones: whoever gets them proves their form.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from holdgate.engine import buggify
from holdgate.engine.ports import Row, Store
from holdgate.law.event import AnyEvent
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry_once
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import Notary
from holdgate.terms.errors import Tampered, Unavailable

KEPT_BYTES: Final = 2_097_152
"""Bytes of entries that are kept ready, the newest reads of them."""
MARK: Final = 1_024
"""Entries between two frontiers that are kept for good, so that no frontier costs more hashes than this."""
ENDS_KEPT: Final = 8
"""Ends of stretches whose frontier and checkpoint are kept."""

_T = TypeVar("_T")


class Read:
    """A durable entry of the own log, decoded when somebody looks into it, and once."""

    __slots__ = ("_entry", "_events", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self._entry: Entry | None = None
        self._events: tuple[AnyEvent, ...] | None = None

    @property
    def entry(self) -> Entry:
        """The entry.

        Raises:
            Malformed: it is none that this version reads.
        """
        if self._entry is None:
            self._entry = read_entry_once(self.row.body)
        return self._entry

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """What the entry made true.

        Raises:
            Malformed: the entry or its decision is none that this version reads.
        """
        if self._events is None:
            self._events = decision_of(self.entry).events
        return self._events


class LogReader:
    """Reads one log, which only grows: where its end is set aside, a new reader is wanted.

    Args:
        store: of the log.
        notary: signs its checkpoints.
        known: a size of the log, and the frontier that it is known to have there. No checkpoint is signed before the leaves that
            lie in the store lead to it: a bit that turned over on the disk would else be signed as another history.
    """

    def __init__(self, store: Store, notary: Notary, known: tuple[int, tuple[bytes, ...]] = (0, ())) -> None:
        self._known = known
        self.notary = notary
        self._store = store
        self._reads: dict[int, Read] = {}
        self._bytes = 0
        self._marks: list[tuple[bytes, ...]] = [()]
        self._ends: dict[int, tuple[bytes, ...]] = {}
        self._signed: dict[int, bytes] = {}

    def reads(self, start: int, stop: int) -> list[Read]:
        """Entries [start, stop) in order, as far as the store shows them."""
        if buggify.on and buggify.unlucky("reading: what was kept ready is gone"):
            self._reads, self._bytes, self._ends, self._signed = {}, 0, {}, {}
        kept, found = self._reads, []
        for seq in range(start, stop):
            read = kept.get(seq)
            if read is None:
                found += [self._keep(row) for row in self._store.rows(seq, stop)]
                break
            found.append(read)
        return found

    def _keep(self, row: Row) -> Read:
        kept = self._reads
        read = kept.get(row.seq)
        if read is None:
            read = kept[row.seq] = Read(row)
            self._bytes += len(row.body)
            while self._bytes > KEPT_BYTES:
                self._bytes -= len(kept.pop(next(iter(kept))).row.body)
        return read

    def blob(self, key: str) -> bytes | None:
        """What an entry pins, or None where the store does not hold it."""
        return self._store.blob(key)

    def checkpoint(self, size: int) -> bytes:
        """The signed checkpoint of the first `size` entries. They must be durable.

        Raises:
            Unavailable: the store does not show all of them. Tampered: they are not what they were.
        """
        found = self._signed.get(size)
        if found is None:
            found = self.notary.checkpoint(size, root_from_frontier(self.frontier(size), size))
            _put(self._signed, size, found)
        return found

    def frontier(self, size: int) -> tuple[bytes, ...]:
        """The Merkle frontier of the first `size` entries.

        Raises:
            Unavailable: the store does not show all of them. Tampered: they are not what they were.
        """
        found = self._ends.get(size)
        if found is None:
            self._prove()
            found = self._hashed(size)
            _put(self._ends, size, found)
        return found

    def _prove(self) -> None:
        """The leaves in the store lead to the frontier that is known; looked at once."""
        size, known = self._known
        if size and self._hashed(size) != known:
            raise Tampered(
                "the leaf hashes in the store are not those of its log: it was damaged; ask the Vault for its copy"
            )
        self._known = (0, ())

    def _hashed(self, size: int) -> tuple[bytes, ...]:
        """The frontier, from the nearest one before it; marks that are passed are kept."""
        marks = self._marks
        place = min(size // MARK, len(marks) - 1) * MARK
        frontier = marks[place // MARK]
        near = max((end for end in self._ends if place < end <= size), default=place)
        if near > place:
            place, frontier = near, self._ends[near]
        while place < size:
            stop = min(size, (place // MARK + 1) * MARK)
            frontier = extend(place, frontier, self._leaves(place, stop))
            place = stop
            if place == len(marks) * MARK:
                marks.append(frontier)
        return frontier

    def _leaves(self, start: int, stop: int) -> Sequence[bytes]:
        kept = [self._reads.get(seq) for seq in range(start, stop)]
        leaves = [read.row.leaf for read in kept if read is not None]
        if len(leaves) != len(kept):
            leaves = self._store.leaves(start, stop)
        if len(leaves) != stop - start:
            raise Unavailable("the store does not show all durable entries yet")
        return leaves


def _put(kept: dict[int, _T], size: int, value: _T) -> None:
    """Keep the value of one more end; the oldest ones go."""
    kept[size] = value
    while len(kept) > ENDS_KEPT:
        del kept[next(iter(kept))]

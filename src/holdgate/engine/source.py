"""A store for its readers: as an auditor's source, as a record to put questions to, as the history of closed subjects."""

from collections.abc import Iterator, Mapping

from typing_extensions import override

from holdgate.engine.ports import Store
from holdgate.ledger.merkle import root_from_frontier
from holdgate.query.record import Record

PAGE: int = 2048
"""Entries read at a time."""


class StoreSource:
    """Reads a store page by page."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Index, recorded leaf hash and bytes of every entry."""
        start, more = 0, True
        while more:
            more = False
            for row in self._store.found(start, start + PAGE):
                more = True
                yield row.seq, row.leaf, row.body
            start += PAGE

    def blob(self, key: str) -> bytes | None:
        """A pinned blob."""
        return self._store.blob(key)

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint that the store kept."""
        return self._store.head().checkpoint

    def cosignatures(self) -> Mapping[str, bytes]:
        """The newest cosigned checkpoints."""
        return self._store.cosignatures()


class StoreRecord(Record):
    """A store as a record (`holdgate.query.record.Record`), as far as it was when it was opened. `root`: of its head."""

    def __init__(self, store: Store) -> None:
        head = store.head()
        self.store = store
        self.size = head.size
        self.root = root_from_frontier(head.frontier, head.size)

    @override
    def rows(self, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        while start < self.size:
            for row in self.store.rows(start, min(start + PAGE, self.size)):
                yield row.seq, row.leaf, row.body
            start += PAGE

    @override
    def body(self, seq: int) -> bytes | None:
        return next((row.body for row in self.store.rows(seq, seq + 1)), None) if 0 <= seq < self.size else None

    @override
    def blob(self, key: str) -> bytes | None:
        return self.store.blob(key)


class StoreHistory:
    """A store as the history of closed subjects (`holdgate.law.chronicle.History`), for readers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def head(self, subject: str, before: int) -> bytes | None:
        """The leaf hash of the subject's last entry among the log's first `before`."""
        return self._store.last_of(subject, before)

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        """The entry of this subject whose payload has this digest, among the log's first `before`."""
        return self._store.find(subject, digest, before)

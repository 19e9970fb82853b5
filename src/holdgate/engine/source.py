"""A store as an auditor's source (`holdgate.audit.replay.LogSource`): entries, blobs, checkpoint, cosignatures as found."""

from collections.abc import Iterator, Mapping

from holdgate.engine.ports import Store

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
            for row in self._store.rows(start, start + PAGE):
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


class StoreHistory:
    """A store as the history of closed subjects (`holdgate.law.chronicle.History`), for readers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def head(self, subject: str) -> bytes | None:
        """The leaf hash of the subject's last entry."""
        return self._store.last_of(subject)

    def find(self, subject: str, digest: bytes) -> int | None:
        """The entry of this subject whose payload has this digest."""
        return self._store.find(subject, digest)

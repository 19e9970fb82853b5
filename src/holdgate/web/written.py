"""A site's log as it is read by auditors while the site goes on writing it."""

from collections.abc import Iterator, Mapping

from typing_extensions import override

from holdgate.audit.replay import LogSource
from holdgate.engine.source import StoreRecord
from holdgate.web.face import Face


class Written(LogSource):
    """A site's log as far as it was when it was asked for, with a checkpoint signed for exactly that size.

    Made on the event loop, read in other threads. `size`: entries.
    """

    def __init__(self, face: Face) -> None:
        self._record = StoreRecord(face.store)
        self.size = self._record.size
        self._checkpoint = face.site.log.checkpoint(self.size)
        self._cosignatures = dict(face.store.cosignatures())

    @override
    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        return self._record.rows(0)

    @override
    def blob(self, key: str) -> bytes | None:
        return self._record.blob(key)

    @override
    def checkpoint(self) -> bytes:
        return self._checkpoint

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        return self._cosignatures

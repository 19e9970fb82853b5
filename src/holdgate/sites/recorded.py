"""A site's log as the history of closed subjects: what is durable, and what is on its way there."""

import asyncio

from holdgate.engine.answer import Answer
from holdgate.engine.ports import Store
from holdgate.engine.submit import Spine
from holdgate.ledger.entry import read_entry
from holdgate.terms.errors import Unavailable


class Recorded:
    """Looks into a site's own log."""

    _live: Spine | None = None
    """None while the log is being opened: everything is in the store then."""
    _store: Store

    def head(self, subject: str, before: int) -> bytes | None:
        """The leaf hash of a closed subject's last entry among the log's first `before`."""
        staged = None if self._live is None else self._live.staged_of(subject)
        return self._store.last_of(subject, before) if staged is None else staged.leaf

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        """The entry of a closed subject whose payload has this digest, among the log's first `before`."""
        staged = None if self._live is None else self._live.staged_of(subject)
        if staged is not None and staged.digest == digest:
            return staged.seq
        return self._store.find(subject, digest, before)

    def entry(self, seq: int) -> bytes:
        """The bytes of a durable entry.

        Raises:
            Unavailable: it is not durable yet.
        """
        row = next(iter(self._store.rows(seq, seq + 1)), None)
        if row is None:
            raise Unavailable(f"entry {seq} is not durable yet")
        return row.body

    def entry_envelope(self, seq: int) -> tuple[bytes, tuple[str, ...]]:
        """The envelope of a durable action entry, and what it pins.

        Raises:
            Unavailable: it is not durable yet.
        """
        row = next(iter(self._store.rows(seq, seq + 1)), None)
        if row is None:
            raise Unavailable(f"entry {seq} is not durable yet")
        entry = read_entry(row.body)
        return bytes(entry.action), entry.pins


def overlooked(noted: "asyncio.Future[Answer]") -> None:
    """An error that nobody waits for is no defect: a site that stops tells everybody who asks."""
    if not noted.cancelled():
        noted.exception()

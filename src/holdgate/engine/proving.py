"""Proving what comes in: the signatures of another site's entries, checked in threads before the segment is taken in.

Only what holds is handed on. An entry that cannot be read, or whose signatures do not hold, is left out: it is proved again
when the segment is taken in, in log order and against the roster of that moment, and refused there with its place.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from holdgate.engine import buggify
from holdgate.engine.workers import Workers
from holdgate.identity.roster import Identity
from holdgate.law.segments import NOTHING_PROVED, Proved, Segment, Unproved, read_unproved
from holdgate.terms.errors import HoldgateError

CHUNK: Final = 16
"""Entries that one thread proves at a time."""
FEW: Final = 4
"""So many are proved sooner on the spot than threads are woken."""

_Items = list[tuple[int, bytes]]


async def prove_in_threads(segment: Segment, roster: Mapping[str, Identity], workers: Workers) -> Mapping[int, Proved]:
    """Prove a segment's disclosed entries.

    Args:
        segment: untrusted; it may be of any length, so the transport bounds it.
        roster: whose keys count; read only.
        workers: the threads.

    Returns:
        By index, what holds.
    """
    items = list(segment.entries.items())
    few, most = (0, 1) if buggify.on and buggify.unlucky("proving: a thread for each") else (FEW, CHUNK)
    if len(items) <= few:
        return NOTHING_PROVED
    chunks = [items[first : first + most] for first in range(0, len(items), most)]
    proving = _Proving(len(chunks), roster)
    for chunk in chunks:
        workers.put(partial(proving.prove, chunk))
    return await proving.done


class _Proving:
    """One segment on its way through the threads. The event loop is woken once, by whoever is the last."""

    def __init__(self, chunks: int, roster: Mapping[str, Identity]) -> None:
        self._roster = roster
        self._left = chunks
        self._found: dict[int, Proved] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Mapping[int, Proved]] = self._loop.create_future()

    def prove(self, items: _Items) -> None:
        """Prove some entries; in a thread."""
        found: dict[int, Proved] = {}
        with suppress(Exception):  # a defect here costs time: what is missing is proved again where it is told
            for index, unproved in self._read(items):
                with suppress(HoldgateError):
                    found[index] = unproved.check()
        with self._lock:
            self._found |= found
            self._left -= 1
            last = not self._left
        if last:
            with suppress(RuntimeError):  # the loop is closed: the site was abandoned
                self._loop.call_soon_threadsafe(self._answer)

    def _read(self, items: _Items) -> list[tuple[int, Unproved]]:
        """All of them before the first check: checks that follow on one another find the processor's caches warm."""
        read = []
        for index, body in items:
            with suppress(HoldgateError):
                read.append((index, read_unproved(body, self._roster)))
        return read

    def _answer(self) -> None:
        if not self.done.done():
            self.done.set_result(self._found)

"""Proving what comes in: the signatures of another site's entries, checked in threads before the segment is taken in.

Only what holds is handed on. An entry that cannot be read, or whose signatures do not hold, is left out: it is proved again
when the segment is taken in, in log order and against the roster of that moment, and refused there with its place.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from holdgate.engine.workers import Workers
from holdgate.identity.roster import Identity
from holdgate.law.segments import NOTHING_PROVED, Proved, Segment, prove
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
    if len(items) <= FEW:
        return NOTHING_PROVED
    loop = asyncio.get_running_loop()
    waiting = []
    for first in range(0, len(items), CHUNK):
        done: asyncio.Future[dict[int, Proved]] = loop.create_future()
        workers.put(partial(_prove, items[first : first + CHUNK], roster, loop, done))
        waiting.append(done)
    found: dict[int, Proved] = {}
    for chunk in await asyncio.gather(*waiting):
        found |= chunk
    return found


def _prove(
    items: _Items,
    roster: Mapping[str, Identity],
    loop: asyncio.AbstractEventLoop,
    done: "asyncio.Future[dict[int, Proved]]",
) -> None:
    found: dict[int, Proved] = {}
    with suppress(Exception):  # a defect here costs time: what is missing is proved again where it is told
        for index, body in items:
            with suppress(HoldgateError):
                found[index] = prove(body, roster)
    with suppress(RuntimeError):  # the loop is closed: the site was abandoned
        loop.call_soon_threadsafe(_answer, done, found)


def _answer(done: "asyncio.Future[dict[int, Proved]]", found: dict[int, Proved]) -> None:
    if not done.done():
        done.set_result(found)

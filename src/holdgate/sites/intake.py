"""Taking in: the stretches of other sites' logs that are on their way into a site's own log, in line for each sender.

A sender may offer the next stretch while its last one is being looked at. Signatures of the next are checked in the threads
meanwhile; it is folded after the one before, never beside it. What was checked early was checked under the keys of that
moment: where another key counts when it is folded, it is checked anew (`holdgate.law.segments.verify_segment`).

A stretch with a gap before it says nothing against its sender: something was lost on the way, or refused, or is not here any more.
It is asked for again and leaves no record; nor does one that came late or twice and says what is held already. Whatever
contradicts what is held is an attempt on the record.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from holdgate.engine import buggify
from holdgate.engine.answer import Answer
from holdgate.engine.bus import IN_FLIGHT, Taken
from holdgate.engine.ports import Clock
from holdgate.engine.submit import Spine
from holdgate.law.chronicle import Attempt, Chronicle
from holdgate.law.segments import Proved, Segment, Stretch, leaves_gap, said_before
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import ATTEMPT_WHY_CHARS_MAX


class _Place(NamedTuple):
    """A stretch's place in its sender's line. `folded`: set once it is folded, or never will be."""

    origin: str
    size: int
    folded: asyncio.Event


class Intake:
    """Takes stretches in.

    Args:
        spine: of the site.
        chronicle: of the site.
        clock: of the site.
    """

    def __init__(self, spine: Spine, chronicle: Chronicle, clock: Clock) -> None:
        self._spine = spine
        self._chronicle = chronicle
        self._clock = clock
        self._lines: dict[str, list[_Place]] = {}
        self._latest: dict[str, deque[Stretch]] = {}

    async def take(self, segment: Segment, sender: str) -> Taken:
        """Take a stretch in, once it is durable.

        Args:
            segment: untrusted; the transport bounds its bytes.
            sender: who brings it, as the transport vouches for it.

        Raises:
            Tampered, Malformed: it does not hold together, or contradicts what is held; that is on record.
            Unavailable: a stretch before it is missing, or too many are on their way; offer it again from what is held.
        """
        line = self._lines.setdefault(sender, [])
        before = line[-1] if line else None
        if len(line) >= IN_FLIGHT or (buggify.on and buggify.unlucky("intake: too many are on their way")):
            raise Unavailable(f"{len(line)} stretches of {sender} are being taken in; ask again")
        self._goes_on(segment, before)
        place = _Place(segment.origin, segment.size, asyncio.Event())
        line.append(place)
        try:
            proved = await self._spine.prove(segment)
            if before is not None:
                await before.folded.wait()
            recorded = self._fold(segment, proved, sender)
            place.folded.set()
            await recorded
        finally:
            place.folded.set()
            line.remove(place)
            if not line and self._lines.get(sender) is line:
                del self._lines[sender]
        return Taken(size=segment.size)

    async def passed(self, sender: str) -> None:
        """Wait until all that a sender has offered so far is folded or refused: only then what is held is an answer to it."""
        for place in tuple(self._lines.get(sender, ())):
            await place.folded.wait()

    def _fold(self, segment: Segment, proved: Mapping[int, Proved], sender: str) -> "asyncio.Future[Answer]":
        """Fold a stretch whose turn it is; the answer comes when it is durable.

        Raises:
            Tampered, Malformed: it does not hold; that is on record. Unavailable: the one before was not taken in.
        """
        self._goes_on(segment, None)
        self._spine.settle()
        known = self._chronicle.state.origins.get(segment.origin)
        try:
            recorded = self._spine.record(partial(self._chronicle.take_in, segment, self._clock.now(), proved))
        except (Tampered, Malformed) as error:
            attempt = Attempt(code="CHAIN_BROKEN", why=str(error)[:ATTEMPT_WHY_CHARS_MAX], source=sender, act="import")
            self._spine.record_attempt(attempt)
            raise
        frontier = () if known is None else known.frontier
        latest = self._latest.setdefault(segment.origin, deque(maxlen=IN_FLIGHT))
        latest.append(Stretch(segment.start, frontier, segment.leaves))
        return recorded

    def _goes_on(self, segment: Segment, before: _Place | None) -> None:
        """Whether a stretch goes on where the log ends here, or with the one `before` it in line.

        Raises:
            Unavailable: there is a gap, or it was taken in before. One that contradicts what is held, or that its origin did not
                sign, is looked at and refused.
        """
        if before is not None and before.origin == segment.origin and segment.start <= before.size:
            return
        if leaves_gap(self._chronicle.state, segment):
            raise Unavailable(
                f"something before entry {segment.start} of {segment.origin} is missing; go on from what is held"
            )
        if said_before(self._chronicle.state, segment, self._latest.get(segment.origin, ())):
            raise Unavailable(f"entry {segment.start} of {segment.origin} was taken in before; go on from what is held")

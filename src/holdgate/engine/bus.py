"""What sites say to each other, as a port. A link may be cut at any time; a delivery may come twice."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from holdgate.engine.answer import Answer
from holdgate.law.case import Pin
from holdgate.law.segments import Segment


class Taken(Struct, frozen=True, kw_only=True):
    """The answer to a segment: how much of the origin's log is now held; a witness adds its cosigned checkpoint."""

    size: int
    cosigned: bytes | None = None


class Peer(Protocol):
    """Another site, as seen over the bus. Every method raises Unavailable where the link is down."""

    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        """Submit a signed action to that site."""
        ...

    async def offer(self, segment: Segment, sender: str) -> Taken:
        """Offer a stretch of the sender's log.

        Raises:
            Tampered: the segment does not hold together.
        """
        ...

    async def held(self, origin: str, sender: str) -> int:
        """How much of that log the peer holds."""
        ...

    async def latest(self, origin: str, sender: str) -> bytes | None:
        """The last checkpoint of that log that the peer cosigned (witnesses only)."""
        ...

    async def attest(self, origin: str, sender: str) -> bytes | None:
        """The checkpoint of that log that the peer holds, cosigned anew at its present time (witnesses only)."""
        ...


class Bus(Protocol):
    """Gives access to other sites by their SMART-ID."""

    def peer(self, sender: str, receiver: str) -> Peer:
        """The other site, as reachable from the sender."""
        ...

    def linked(self, sender: str, receiver: str) -> bool:
        """Whether the link is up."""
        ...

"""What sites say to each other, as a port. A link may be cut at any time; a delivery may come twice."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from holdgate.engine.answer import Answer
from holdgate.engine.keeping import Fence, Standing
from holdgate.law.case import Pin
from holdgate.law.segments import Segment
from holdgate.terms.errors import Unavailable

IN_FLIGHT: Final = 2
"""Stretches of a log that are on their way to one peer: one that it folds, and one whose signatures it checks meanwhile."""
NO_KEEPER: Final = "this site keeps no log for another host"
NO_LOCKERS: Final = "this site keeps no sealed keys of badges"


def no_lockers(smart_id: str, sender: str) -> bytes | None:
    """What a site says that keeps no sealed keys of badges for others.

    Raises:
        Unavailable: always.
    """
    raise Unavailable(NO_LOCKERS)


class Taken(Struct, frozen=True, kw_only=True):
    """The answer to a segment: how much of the origin's log is now held; a witness adds its cosigned checkpoint.

    `written`: the term under which a keeper's copy counts (`holdgate.engine.keeping`).
    """

    size: int
    cosigned: bytes | None = None
    written: int = 0


class Peer(Protocol):
    """Another site, as seen over the bus. Every method raises Unavailable where the link is down."""

    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        """Submit a signed action to that site."""
        ...

    async def offer(self, segment: Segment, sender: str) -> Taken:
        """Offer a stretch of the sender's log.

        Raises:
            Tampered: the segment does not hold together. Unavailable: a stretch before it is not here (yet); `held` says how
            much is.
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

    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        """Somebody's sealed key, noise without their badge, as the hub has it (`docs/spec/badge.md`); None: it has none."""
        return no_lockers(smart_id, sender)

    # Of those who keep a log that two hosts write in turn (`holdgate.engine.keeping`); `sender` is one of those hosts.

    async def claim(self, origin: str, term: int, sender: str) -> Standing:
        """The sender wants to become the log's writer; the answer says whether this keeper promised it."""
        raise Unavailable(NO_KEEPER)

    async def renew(self, origin: str, fence: Fence, cursors: Mapping[str, int], sender: str) -> Standing:
        """The sender writes the log. `cursors`: how far its peers have confirmed it, as a hint for who writes next."""
        raise Unavailable(NO_KEEPER)

    async def pull(self, origin: str, start: int, sender: str) -> Segment:
        """A stretch of the log from `start`, with what its entries rest on. The checkpoint may be of another size, or none.

        Raises:
            Unavailable: there is nothing from there on (yet).
        """
        raise Unavailable(NO_KEEPER)


class Bus(Protocol):
    """Gives access to other sites by their SMART-ID."""

    def peer(self, sender: str, receiver: str) -> Peer:
        """The other site, as reachable from the sender."""
        ...

    def linked(self, sender: str, receiver: str) -> bool:
        """Whether the link is up."""
        ...

    def admit(self, site: str) -> None:
        """Listen to this site too from now on: it joined the shop. Who is listened to already stays so."""
        ...

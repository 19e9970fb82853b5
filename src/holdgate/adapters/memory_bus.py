"""The in-process bus: sites in one process, with links that can be cut."""

from collections.abc import Callable, Mapping, Sequence

from typing_extensions import override

from holdgate.engine.answer import Answer
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.engine.keeping import Fence, Standing
from holdgate.law.case import Pin
from holdgate.law.segments import Segment
from holdgate.terms.errors import Unavailable

Watcher = Callable[[str, bool], None]


class MemoryBus(Bus):
    """Delivers at once, in order, exactly once; cut links raise Unavailable."""

    def __init__(self) -> None:
        self._sites: dict[str, Peer] = {}
        self._watchers: dict[str, Watcher] = {}
        self._cut: dict[frozenset[str], None] = {}

    def attach(self, site: str, peer: Peer, watcher: Watcher) -> None:
        """Put a site on the bus; `watcher` is told when a link of its comes up or goes down."""
        self._sites[site] = peer
        self._watchers[site] = watcher

    def attached(self, site: str) -> Peer | None:
        """Who is on the bus under this name."""
        return self._sites.get(site)

    def detach(self, site: str) -> None:
        """Take a site off the bus."""
        if self._sites.pop(site, None) is not None:
            for other in self._sites:
                self._tell(site, other, up=False)
            self._watchers.pop(site, None)

    def cut(self, site: str, others: Sequence[str] | None = None) -> None:
        """Cut the links between a site and others (all of them by default)."""
        for other in self._others(site, others):
            self._cut[frozenset((site, other))] = None
            self._tell(site, other, up=False)

    def mend(self, site: str, others: Sequence[str] | None = None) -> None:
        """Bring the links up again."""
        for other in self._others(site, others):
            if self._cut.pop(frozenset((site, other)), 0) is None:
                self._tell(site, other, up=True)

    def _tell(self, site: str, other: str, *, up: bool) -> None:
        """Tell both ends, as far as they are there."""
        for end, far in ((site, other), (other, site)):
            if end in self._watchers:
                self._watchers[end](far, up)

    def _others(self, site: str, others: Sequence[str] | None) -> list[str]:
        return [other for other in (self._sites if others is None else others) if other != site]

    @override
    def linked(self, sender: str, receiver: str) -> bool:
        return receiver in self._sites and frozenset((sender, receiver)) not in self._cut

    @override
    def peer(self, sender: str, receiver: str) -> Peer:
        return _Reached(self, sender, receiver)

    @override
    def admit(self, site: str) -> None:
        """Whoever is attached is heard."""

    def reach(self, sender: str, receiver: str) -> Peer:
        """The other site itself.

        Raises:
            Unavailable: there is no such site, or the link is cut.
        """
        if not self.linked(sender, receiver):
            raise Unavailable(f"{receiver} is out of reach of {sender}")
        return self._sites[receiver]


class _Reached(Peer):
    """A site seen through its link."""

    def __init__(self, bus: MemoryBus, sender: str, receiver: str) -> None:
        self._bus = bus
        self._sender = sender
        self._receiver = receiver

    def _site(self) -> Peer:
        return self._bus.reach(self._sender, self._receiver)

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        return await self._site().deliver(raw, pins, sender)

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        return await self._site().offer(segment, sender)

    @override
    async def held(self, origin: str, sender: str) -> int:
        return await self._site().held(origin, sender)

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return await self._site().latest(origin, sender)

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return await self._site().attest(origin, sender)

    @override
    async def claim(self, origin: str, term: int, sender: str) -> Standing:
        return await self._site().claim(origin, term, sender)

    @override
    async def renew(self, origin: str, fence: Fence, cursors: Mapping[str, int], sender: str) -> Standing:
        return await self._site().renew(origin, fence, cursors, sender)

    @override
    async def pull(self, origin: str, start: int, sender: str) -> Segment:
        return await self._site().pull(origin, start, sender)

    @override
    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        return await self._site().locker(smart_id, sender)

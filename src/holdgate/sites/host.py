"""A host of a site that two hosts keep: it follows, becomes the writer when nobody writes, and follows again when it is replaced.

A claim, step by step (`claim`):
0. A host that never held the whole log does not claim: it may lack what was acknowledged. (The first host of a new site may.)
1. The other keepers are asked where they stand; the next term is claimed from them. One promise of theirs is wanted, from a copy
   that counted before: one that is new, its disk being lost, may have forgotten what it held.
2. This host promises itself: two of three now take nothing of an earlier term.
3. Of the copies that promised, the one of the highest rank holds everything that was acknowledged: it is taken over.
4. From here on this host's copy counts under the new term, and it begins to show itself.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Final, Protocol

from typing_extensions import override

from holdgate.engine.answer import Answer
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.engine.keeping import HOSTS, LEASE_S, Fence, Keeper, Standing, host_of, other_host
from holdgate.engine.replicate import STRETCH, Stretches
from holdgate.engine.tenure import BEATS, Renewal, Tenure
from holdgate.law.case import Pin
from holdgate.law.segments import Segment
from holdgate.sites.policies import Copying
from holdgate.sites.site import Site, Writing
from holdgate.sites.standby import Standby
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable

PATIENCE: Final = {"a": 1.0, "b": 1.5}
"""For how many leases a host hears nobody before it claims; not the same for both, so that they do not collide."""


async def claim(standby: Standby, keepers: Mapping[str, Peer], *, first: bool) -> Fence | None:
    """Try to become the writer. `first`: this is the first host of its site. None: not now.

    Raises:
        Unavailable: the copy that has to be taken over first cannot be had yet; the next claim goes one term further.
        Tampered: that copy is no log of this site.
    """
    origin, host, keeper = standby.origin, standby.host, standby.keeper
    known = await _ask(keepers, origin, 0, host)
    own = standby.standing
    new = own.promise.written == 0
    if new and not (first and _begins(own, known)):
        return None
    term = max(own.promise.term, *(standing.promise.term for standing in known.values()), 0) + 1
    granted = {
        name: standing
        for name, standing in (await _ask(keepers, origin, term, host)).items()
        if (standing.promise.term, standing.promise.host) == (term, host) and (new or standing.promise.written)
    }
    promise = await standby.promise(term) if granted else own.promise
    if (promise.term, promise.host) != (term, host):
        return None
    best = max(granted, key=lambda name: granted[name].rank)
    if granted[best].rank > standby.standing.rank:
        await standby.catch_up(keepers[best], granted[best].size)
    fence = Fence(term=term, since=standby.size)
    keeper.hear(origin, fence, host)
    keeper.grown(origin, standby.size)
    return fence


def _begins(own: Standing, known: Mapping[str, Standing]) -> bool:
    """Whether the log begins here: no keeper has counted under any term, or holds more than this host."""
    return bool(known) and all(s.promise.written == 0 and s.size <= own.size for s in known.values())


async def _ask(keepers: Mapping[str, Peer], origin: str, term: int, host: str) -> dict[str, Standing]:
    """What the other keepers say to a claim, as far as they answer. No keeper promises term 0: that only asks."""
    said: dict[str, Standing] = {}
    for name, keeper in keepers.items():
        with suppress(HoldgateError):
            said[name] = await keeper.claim(origin, term, host)
    return said


class Writer(Peer):
    """What a host that writes answers the other one: that it writes, and its log."""

    def __init__(self, site: Site, writing: Writing, keeper: Keeper) -> None:
        self._site = site
        self._writing = writing
        self._keeper = keeper
        self._stretches = Stretches(site.log, Copying(site.means.store), writing.tenure.term)

    @override
    async def claim(self, origin: str, term: int, sender: str) -> Standing:
        return self._standing(origin)

    @override
    async def renew(self, origin: str, fence: Fence, cursors: Mapping[str, int], sender: str) -> Standing:
        if fence.term > self._writing.tenure.term:
            self._writing.tenure.stop()
        return self._standing(origin)

    @override
    async def pull(self, origin: str, start: int, sender: str) -> Segment:
        size = self._standing(origin).size
        if start >= size:
            raise Unavailable(f"{self._writing.host} holds {size} entries")
        return self._stretches.cut(start, min(size, start + STRETCH))

    @override
    async def held(self, origin: str, sender: str) -> int:
        return self._standing(origin).size

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        raise Unavailable(f"ask {self._site.id}, not one of its hosts")

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        raise Unavailable(f"{self._writing.host} writes this log")

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return None

    def _standing(self, origin: str) -> Standing:
        if origin != self._site.notary.origin:
            raise Malformed(f"{self._writing.host} keeps {self._site.notary.origin}")
        return Standing(promise=self._keeper.promise(origin), size=self._site.spine.written.size)


class Line(Bus, Protocol):
    """A host's own line on the bus."""

    def attach(self, site: str, peer: Peer, watcher: Callable[[str, bool], None]) -> None:
        """Be there for others under this name."""
        ...


class Host:
    """One of the two hosts of a site.

    `standby`, `site`: what it is at the moment; one of them.

    Args:
        site: the site's SMART-ID.
        host: which of the two, "a" or "b".
        line: its own line, under `host_of(site, host)`.
        vaults: the shop's Vaults; the first one is the third keeper.
        follow: a standby on the host's store.
        write: the site on the host's store, and its line as itself; closed at the end of the context.
        beside: what goes on beside the site while this host writes.
        lease_s: see `holdgate.engine.keeping.LEASE_S`.
    """

    def __init__(
        self,
        site: str,
        host: str,
        line: Line,
        vaults: Sequence[str],
        follow: Callable[[], Standby],
        write: Callable[[Writing], AbstractAsyncContextManager[tuple[Site, Line]]],
        beside: Callable[[Site], AbstractAsyncContextManager[None]] | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        if host not in HOSTS:
            raise Malformed(f"a site's hosts are {' and '.join(HOSTS)}, not {host[:40]!r}")
        self.id = site
        self.host = host
        self.standby: Standby | None = None
        self.site: Site | None = None
        self._name = host_of(site, host)
        self._other = other_host(site, self._name)
        self._line = line
        self._vaults = tuple(vaults)
        self._follow_on = follow
        self._write_on = write
        self._beside = beside or _nothing
        self._lease_s = lease_s

    async def run(self) -> None:
        """Follow and write in turn, until cancelled.

        Raises:
            Tampered: the store does not hold what it says. Unavailable: the store failed.
        """
        while True:
            standby = self._follow_on()
            try:
                fence = await self._follow(standby)
            finally:
                standby.close()
                self.standby = None
            await self._write(standby.origin, standby.keeper, fence)

    @property
    def _keepers(self) -> dict[str, Peer]:
        return {name: self._line.peer(self._name, name) for name in (self._other, *self._vaults[:1])}

    async def _follow(self, standby: Standby) -> Fence:
        """Follow until this host is the writer."""
        self.standby = standby
        self._line.attach(self._name, standby, _ignore)
        origin, keeper = standby.origin, standby.keeper
        at_once = keeper.promise(origin).host in ("", self._name)
        while True:
            if at_once or keeper.silence_s(origin) > PATIENCE[self.host] * self._lease_s:
                try:
                    fence = await claim(standby, self._keepers, first=self.host == HOSTS[0])
                except HoldgateError as error:
                    standby.fault, fence = error, None
                if fence is not None:
                    return fence
                at_once = False
            await asyncio.sleep(self._lease_s / BEATS)

    async def _write(self, origin: str, keeper: Keeper, fence: Fence) -> None:
        """Write until another host does, or the site cannot go on."""
        shown = {name: _renewal(peer, origin, self._name) for name, peer in self._keepers.items()}
        tenure = Tenure(self._name, fence, shown, self._cursors, self._lease_s)
        writing = Writing(tenure, self._line, self._name, self._other)
        try:
            async with self._write_on(writing) as (site, bus):
                self._line.attach(self._name, Writer(site, writing, keeper), site.link_changed)
                await tenure.start()
                bus.attach(site.id, site, site.link_changed)
                await site.start()
                self.site = site
                async with self._beside(site):
                    while not tenure.over and site.spine.fault is None:
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self._lease_s / BEATS):
                                await tenure.ended()
        except Unavailable:
            if not tenure.over:
                raise  # not because it was replaced
        finally:
            self.site = None
            tenure.stop()

    def _cursors(self) -> dict[str, int]:
        return {} if self.site is None else {peer: link.position for peer, link in self.site.links.items()}


def _nothing(_: Site) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def _renewal(keeper: Peer, origin: str, host: str) -> Renewal:
    async def renew(fence: Fence, cursors: Mapping[str, int]) -> Standing:
        return await keeper.renew(origin, fence, cursors, host)

    return renew


def _ignore(_peer: str, _up: bool) -> None:
    """A standby waits to be spoken to."""

"""tenure: a host's time as the writer of a log that two hosts and a Vault keep.

It shows itself to the other keepers again and again; the time runs out when neither of them confirmed it for a lease, and at
once when one of them promised a later term, or this one to the other host. Entries are acknowledged when another keeper, whose
copy counts, holds them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from typing_extensions import override

from holdgate.engine.bus import Taken
from holdgate.engine.keeping import LEASE_S, Elsewhere, Fence, Standing
from holdgate.terms.errors import HoldgateError, Unavailable

Renewal = Callable[[Fence, Mapping[str, int]], Awaitable[Standing]]
"""Shows a keeper that this host writes; gives what the keeper says."""
BEATS: Final = 4
"""How often in a lease a writer shows itself."""

_OVER: Final = "another host of this site writes its log now; ask again"


class Tenure(Elsewhere):
    """One term of one writer.

    Args:
        host: whose time it is, by its name on the bus.
        fence: what it shows.
        keepers: the other two, by name.
        cursors: how far the peers have confirmed the log, for whoever writes next.
        lease_s: see `holdgate.engine.keeping.LEASE_S`.
    """

    def __init__(
        self,
        host: str,
        fence: Fence,
        keepers: Mapping[str, Renewal],
        cursors: Callable[[], Mapping[str, int]],
        lease_s: float = LEASE_S,
    ) -> None:
        self.host = host
        self.fence = fence
        self._keepers = keepers
        self._cursors = cursors
        self._lease_s = lease_s
        self._held: dict[str, int] = {}
        self._waiting: list[tuple[int, Callable[[HoldgateError | None], None]]] = []
        self._confirmed_s = 0.0
        self._over = asyncio.Event()
        self._confirmed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.wakes: tuple[Callable[[], None], ...] = ()
        """Called when there is something for the other keepers."""

    @property
    def term(self) -> int:
        """The term."""
        return self.fence.term

    @property
    def over(self) -> bool:
        """Whether this host writes no more."""
        return self._over.is_set()

    @property
    def held(self) -> Mapping[str, int]:
        """How much of the log each keeper holds whose copy counts."""
        return self._held

    # ---- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to show itself, and wait until a keeper confirmed it.

        Raises:
            Unavailable: nobody did in time, or another host was promised a later term.
        """
        loop = asyncio.get_running_loop()
        self._confirmed_s = loop.time()
        self._tasks = [loop.create_task(self._show(name)) for name in self._keepers]
        self._tasks.append(loop.create_task(self._watch()))
        await self._confirmed.wait()
        if self.over:
            raise Unavailable(_OVER)

    async def ended(self) -> None:
        """Wait until this host writes no more."""
        await self._over.wait()

    def stop(self) -> None:
        """Write no more: nobody who waits is acknowledged."""
        self._over.set()
        self._confirmed.set()
        for task in self._tasks:
            task.cancel()
        waiting, self._waiting = self._waiting, []
        for _, then in waiting:
            then(Unavailable(_OVER))

    async def _show(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        while not self.over:
            asked_s = loop.time()  # the lease runs from the asking: the keeper's own began later
            with suppress(HoldgateError, TimeoutError):
                async with asyncio.timeout(self._lease_s):
                    standing = await self._keepers[name](self.fence, self._cursors())
                self._heard(name, standing, asked_s)
            await asyncio.sleep(self._lease_s / BEATS)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.over:
            await asyncio.sleep(self._lease_s / BEATS / 2)
            if loop.time() - self._confirmed_s > self._lease_s:
                self.stop()

    def _heard(self, name: str, standing: Standing, asked_s: float) -> None:
        promise = standing.promise
        own = (self.fence.term, self.host)
        if (promise.term, promise.host) != own and promise.term >= self.fence.term:
            self.stop()
        elif (promise.term, promise.host) == own:
            self._confirmed_s = max(self._confirmed_s, asked_s)
            self._confirmed.set()
            self.took(name, Taken(size=standing.size, written=promise.written))

    # ---- what is held elsewhere ------------------------------------------------------------------------------------

    def took(self, keeper: str, taken: Taken) -> None:
        """A keeper holds the log so far."""
        if keeper not in self._keepers or taken.written != self.fence.term:
            return
        self._held[keeper] = max(taken.size, self._held.get(keeper, 0))
        self._tell()

    @override
    def when(self, size: int, then: Callable[[HoldgateError | None], None]) -> None:
        if self.over:
            then(Unavailable(_OVER))
            return
        self._waiting.append((size, then))
        for wake in self.wakes:
            wake()
        self._tell()

    def _tell(self) -> None:
        most = max(self._held.values(), default=0)
        ready = [then for size, then in self._waiting if size <= most]
        self._waiting = [(size, then) for size, then in self._waiting if size > most]
        for then in ready:
            then(None)

"""A simulated bus: calls are real bytes (`holdgate.engine.wire`), and come late, twice, in another order, or never.

What one site asks another is begun in the order in which it was asked, as on every bus (tests/conformance/test_bus.py); only what
was held up on the way, and copies, come out of turn. Whoever hears nothing gives up after `ASK_S`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial
from typing import Any, Final, TypeVar

from typing_extensions import override

from holdgate.engine.bus import Bus, Peer
from holdgate.engine.wire import Remote, serve
from holdgate.terms.errors import Unavailable
from tests.sim.loop import LIFE, Life, SimLoop

ASK_S: Final = 10.0
NOTICED_S: Final = 4.0
"""How long it takes at most until a site notices that a link came up or went down."""
T = TypeVar("T")


def in_life(life: Life) -> Context:
    """A context in which everything belongs to a life."""
    context = Context()
    context.run(LIFE.set, life)
    return context


class Weather:
    """What goes wrong on the way: a chance per message."""

    def __init__(self) -> None:
        self.loss = self.twice = self.late = 0.0


class Attached:
    """A site on the bus."""

    def __init__(self, peer: Peer, told: Callable[[str, bool], None], life: Life) -> None:
        self.peer = peer
        self.told = told
        self.life = life


class Network(Bus):
    """All links of one world. `defect`: told of what a site raised outside of the four families."""

    def __init__(
        self, loop: SimLoop, rng: random.Random, hits: "Counter[str]", defect: Callable[[str, Exception], None]
    ) -> None:
        self.weather = Weather()
        self.hits = hits
        self._loop = loop
        self._rng = rng
        self._defect = defect
        self._sites: dict[str, Attached] = {}
        self._cut: dict[frozenset[str], None] = {}
        self._turn: dict[tuple[str, str], float] = {}

    # ---- who is there ------------------------------------------------------------------------------------------------

    def attach(self, site: str, peer: Peer, told: Callable[[str, bool], None], life: Life) -> None:
        """A site is there (again)."""
        self._sites[site] = Attached(peer, told, life)
        for other in list(self._sites):
            self._notice(site, other)

    def detach(self, site: str) -> None:
        """A site is gone."""
        if self._sites.pop(site, None) is not None:
            for other in list(self._sites):
                self._notice(site, other)

    def cut(self, one: str, other: str) -> None:
        """Nothing passes between two sites."""
        self._cut[frozenset((one, other))] = None
        self._notice(one, other)

    def mend(self, one: str, other: str) -> None:
        """It passes again."""
        if self._cut.pop(frozenset((one, other)), 0) is None:
            self._notice(one, other)

    def mend_all(self) -> None:
        """Every link is whole again."""
        for pair in list(self._cut):
            self.mend(*sorted(pair))

    def _notice(self, one: str, other: str) -> None:
        """Both ends see, some time later, how the link is then."""
        for end, far in ((one, other), (other, one)):
            if end != far and end in self._sites:
                delay = self._rng.random() * NOTICED_S
                self._loop.call_later(delay, self._tell, end, far, context=Context())

    def _tell(self, end: str, far: str) -> None:
        attached = self._sites.get(end)
        if attached is not None:
            self._loop.call_soon(self._told, attached, end, far, context=in_life(attached.life))

    def _told(self, attached: Attached, end: str, far: str) -> None:
        attached.told(far, self.linked(end, far))

    @override
    def linked(self, sender: str, receiver: str) -> bool:
        return receiver in self._sites and frozenset((sender, receiver)) not in self._cut

    @override
    def admit(self, site: str) -> None:
        """Whoever is attached is heard."""

    # ---- calls -------------------------------------------------------------------------------------------------------

    @override
    def peer(self, sender: str, receiver: str) -> Peer:
        return Remote(receiver, partial(self._ask, sender, receiver))

    async def _ask(self, sender: str, receiver: str, raw: bytes) -> bytes:
        if not self.linked(sender, receiver):
            raise Unavailable(f"{receiver} is out of reach of {sender}")

        async def answered(peer: Peer) -> bytes:
            return await serve(peer, raw, sender, partial(self._defect, receiver))

        return await self.call(sender, receiver, answered)

    async def call(self, sender: str, receiver: str, work: Callable[[Peer], Awaitable[T]]) -> T:
        """Have something done at a site, in its present life.

        Raises:
            Unavailable: no answer came in time. Whatever else the work raised.
        """
        reply: asyncio.Future[T] = self._loop.create_future()
        self._send(sender, receiver, work, reply)
        if self._drawn(self.weather.twice, "message twice"):
            self._send(sender, receiver, work, self._loop.create_future())
        silence = self._loop.call_later(ASK_S, self._silent, reply, receiver)
        try:
            return await reply
        finally:
            silence.cancel()

    @staticmethod
    def _silent(reply: "asyncio.Future[T]", receiver: str) -> None:
        if not reply.done():
            reply.set_exception(Unavailable(f"{receiver} did not answer"))

    def _drawn(self, chance: float, name: str) -> bool:
        if chance and self._rng.random() < chance:
            self.hits[name] += 1
            return True
        return False

    def _send(
        self, sender: str, receiver: str, work: Callable[[Peer], Awaitable[T]], reply: "asyncio.Future[T]"
    ) -> None:
        if self._drawn(self.weather.loss, "message lost"):
            return
        now = self._loop.time()
        if self._drawn(self.weather.late, "message late"):
            at = now + self._rng.random() * 60
        else:
            at = max(now + self._rng.random() * 0.05, self._turn.get((sender, receiver), 0.0))
            self._turn[sender, receiver] = at
        self._loop.call_at(at, self._arrive, sender, receiver, work, reply, context=Context())

    def _arrive(
        self, sender: str, receiver: str, work: Callable[[Peer], Awaitable[T]], reply: "asyncio.Future[T]"
    ) -> None:
        attached = self._sites.get(receiver)
        if attached is None or frozenset((sender, receiver)) in self._cut:
            self.hits["message to nobody"] += 1
            return
        self._loop.create_task(self._work(attached, sender, receiver, work, reply), context=in_life(attached.life))

    async def _work(
        self,
        attached: Attached,
        sender: str,
        receiver: str,
        work: Callable[[Peer], Awaitable[T]],
        reply: "asyncio.Future[T]",
    ) -> None:
        found: Any
        error: Exception | None
        try:
            found, error = await work(attached.peer), None
        except Exception as raised:  # noqa: BLE001  # handed on to who asked
            found, error = None, raised
        if self._drawn(self.weather.loss, "answer lost") or frozenset((sender, receiver)) in self._cut:
            return
        delay = self._rng.random() * 0.05
        self._loop.call_later(delay, self._answer, reply, found, error, context=Context())

    @staticmethod
    def _answer(reply: "asyncio.Future[T]", found: T, error: Exception | None) -> None:
        if reply.done():
            return
        if error is None:
            reply.set_result(found)
        else:
            reply.set_exception(error)
            reply.exception()  # nobody may wait for it any more

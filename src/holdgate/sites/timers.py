"""timers: what comes due by itself at the business hub. The running hub signs it with its own key and submits it to itself.

Nothing is decided here: a review window closes in the Vault's time and a delivery date in the hub's, as the law says of the
same acts by anybody's hand. A timer whose moment passed while the hub was off, or could not reach the Vault, is submitted
when it is back; the law marks it late. Source: the scenario vocabulary, convention 22; foundations 4.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

from holdgate.engine import buggify
from holdgate.engine.answer import Answer
from holdgate.engine.ports import Clock
from holdgate.law import command as c
from holdgate.law.state import State
from holdgate.sites.policies import Sender
from holdgate.terms.errors import HoldgateError
from holdgate.terms.instant import SECOND_US

TICK_S: Final = 30
"""How often the hub looks at its clock."""
AGAIN_S: Final = 600
"""How long after a refusal the hub asks for the same thing again: its clock had been set back, say, and stands right by then."""


def due(state: State, signers: tuple[c.Signer, ...], now: int) -> list[c.CloseWindow | c.CloseDelivery]:
    """The acts that time asks for.

    Args:
        state: the business hub's; its `witnessed_at` is the Vault's time as it knows it.
        signers: who asks: the hub.
        now: the hub's time (UTC µs).
    """
    head: dict[str, Any] = {"site": state.site, "at": now, "signers": signers}
    windows = [
        c.CloseWindow(**head, nonce=f"window {report.id}", report=report.id)
        for report in state.reports.values()
        if report.status == "issued" and report.closes_at is not None and report.closes_at <= state.witnessed_at
    ]
    deliveries = [
        c.CloseDelivery(**head, nonce=f"delivery {order.id} {order.delivery_due}", order=order.id)
        for order in state.orders.values()
        if order.status != "proposed" and not order.delivery_closed and _is_over(order.delivery_due, now)
    ]
    return [*windows, *deliveries]


def _is_over(moment: int | None, now: int) -> bool:
    return moment is not None and moment <= now


def missing_us(state: State, now: int) -> int:
    """How much time the Vault has still to tell before the first window closes that is over by the hub's clock; 0: none."""
    ends = [
        report.closes_at
        for report in state.reports.values()
        if report.status == "issued" and report.closes_at is not None and state.witnessed_at < report.closes_at <= now
    ]
    return min(ends) - state.witnessed_at if ends else 0


class Timekeeper:
    """Looks at the time when the Vault has told it, and every TICK_S seconds.

    Args:
        state: the business hub's.
        clock: the hub's.
        sender: signs as the hub.
        submit: takes an act like anybody's.
        ask_vault: has the Vault cosign the log anew, for its time.
        ready: whether the hub may go on by itself (a witness has confirmed its log since it started).
    """

    def __init__(
        self,
        state: State,
        clock: Clock,
        sender: Sender,
        submit: Callable[[bytes], "asyncio.Future[Answer]"],
        ask_vault: Callable[[], Awaitable[None]],
        ready: Callable[[], bool],
    ) -> None:
        self._state = state
        self._clock = clock
        self._sender = sender
        self._submit = submit
        self._ask_vault = ask_vault
        self._ready = ready
        self._asked: dict[str, float] = {}
        self._vault_again = 0
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = self._stopped = False

    @property
    def idle(self) -> bool:
        """Whether nothing is being submitted."""
        return self._task is None

    def start(self) -> None:
        """Look now, and from now on."""
        self.wake()
        self._tick()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()
        if self._task is not None:
            self._task.cancel()

    def wake(self) -> None:
        """The time may have come for something."""
        if self._stopped or not self._ready() or (buggify.on and buggify.unlucky("timers: a look too few")):
            return
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        else:
            self._again = True

    def _tick(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        self.wake()

    async def _run(self) -> None:
        try:
            while True:
                self._again = False
                await self._once()
                if not self._again:
                    return
        except HoldgateError:
            return  # the Vault is out of reach, or the hub stops: what is due stays due
        finally:
            self._task = None

    async def _once(self) -> None:
        await self._close()
        now = self._clock.now()
        missing = missing_us(self._state, now)
        if missing and now >= self._vault_again:
            self._vault_again = now + max(missing, TICK_S * SECOND_US)  # a Vault whose clock is behind is not pressed
            await self._ask_vault()
            await self._close()

    async def _close(self) -> None:
        """Submit what is due and was not submitted before, or was refused some time ago."""
        loop = asyncio.get_running_loop()
        for command in due(self._state, self._sender.signer(), self._clock.now()):
            if self._asked.get(command.nonce, 0.0) > loop.time():
                continue
            self._asked[command.nonce] = math.inf
            try:
                answer = await self._submit(self._sender.seal(command))
            except HoldgateError:
                self._asked.pop(command.nonce, None)
                raise
            if not answer.decision.allowed:
                self._asked[command.nonce] = loop.time() + AGAIN_S

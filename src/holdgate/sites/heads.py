"""The Vault's daily head: made once a day in the Vault's time, kept, and stamped by an authority outside of the shop.

Nothing waits for it. The head is durable before anybody is asked, so the same head is asked about again after a restart. While the
authority is away it is asked again, after longer and longer rests. Only the newest head is: a later one names all that an older
one names, and a token over the older one would not be older for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from holdgate.crypto.keys import SigningKey
from holdgate.engine.ports import Clock
from holdgate.engine.timestamping import HeadStore, TimestampAuthority
from holdgate.ledger.head import write_head
from holdgate.ledger.note import Checkpoint
from holdgate.terms import instant
from holdgate.terms.errors import HoldgateError, InvariantBroken
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import HEAD_REST_S_MAX

TICK_S: Final = 60.0
"""How often the Vault looks at its clock."""
REST_S: Final = 60.0
"""After the first attempt that failed; doubled with each, up to the longest."""


class DailyHead:
    """The heads of one Vault."""

    def __init__(
        self,
        vault: str,
        key: SigningKey,
        clock: Clock,
        held: Callable[[], Sequence[Checkpoint]],
        store: HeadStore,
        authority: TimestampAuthority,
    ) -> None:
        """Prepare.

        Args:
            vault: its origin.
            key: its key.
            clock: the Vault's time.
            held: what is mirrored of each log: only logs that hold something. Costs reading: called in a thread.
            store: where heads and tokens are kept.
            authority: who stamps.
        """
        self.store = store
        self.authority = authority
        self.fault: HoldgateError | None = None
        self._vault = vault
        self._key = key
        self._clock = clock
        self._held = held
        self._failed = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look once now and then, until stopped."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Look no more. An attempt on its way ends by its own deadline, and what it brings is not kept."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @property
    def rest_s(self) -> float:
        """How long to wait before the next look."""
        return min(REST_S * 2 ** (self._failed - 1), HEAD_REST_S_MAX) if self._failed else TICK_S

    async def look(self) -> None:
        """Make the head that is due, and have the newest one stamped if it is not yet."""
        try:
            await asyncio.to_thread(self._make)
            await self._stamp()
        except HoldgateError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  # a defect is shown as this part's fault, it ends nothing unseen
            self._fail(InvariantBroken(f"the daily head failed: {error!r}"))
        else:
            self.fault, self._failed = None, 0

    def _fail(self, error: HoldgateError) -> None:
        self.fault = error
        self._failed = min(self._failed + 1, 16)

    def _make(self) -> None:
        now, days = self._clock.now(), self.store.days()
        day = instant.show(now)[:10]
        if days and days[-1] >= day:  # this day has one; or the clock went back, and days are not made twice
            return
        held = self._held()
        if held:
            self.store.keep_head(day, write_head(self._vault, self._key, now // SECOND_US, held))

    async def _stamp(self) -> None:
        days = await asyncio.to_thread(self.store.days)
        if not days or await asyncio.to_thread(self.store.token, days[-1]) is not None:
            return
        head = await asyncio.to_thread(self.store.head, days[-1])
        if head is not None:
            token = await self.authority.stamp(head)
            await asyncio.to_thread(self.store.keep_token, days[-1], token)

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self.rest_s)

"""notifier: a running site tells its targets what its log says, each at its own pace.

Every target has a task of its own, which looks at one message at a time: the next notice of the log behind the target's cursor;
where there is none, what time sets off. The cursor moves when the receiver has the message. A process that dies in between tells
it again, under the same id. Nothing here decides, appends, or keeps anybody waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.engine.answer import Sealed
from holdgate.engine.ports import Entropy
from holdgate.engine.telling import (
    LONGEST_US,
    Channel,
    Cursor,
    Message,
    Outbox,
    Reply,
    Target,
    TargetStatus,
    pause_us,
)
from holdgate.query.notice_timers import alarm, closing, running_out, unheard_us
from holdgate.query.notices import REVIEW_CLOSING, Notice, Saying, facts_of, is_for, notice_of, sayings
from holdgate.sites.site import Site
from holdgate.sites.watch import Alarm
from holdgate.terms import instant
from holdgate.terms.errors import HoldgateError, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US

STRETCH: Final = 256
"""Entries that are looked through before others get their turn, and before it is noted that there was nothing to tell."""
LOOKED: Final = 32
"""Entries that are kept as they were read, for targets that keep pace."""
TICK_US: Final = 30 * SECOND_US
"""How often a target that has everything is looked at, for what time sets off."""
RECHECK_US: Final = 2 * SECOND_US
"""How soon it is seen that somebody resumed a target."""
LOOK_US: Final = 5 * SECOND_US
"""How long what time sets off stays as it was found."""
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 24 * HOUR_US
VAULT_AGAIN_US: Final = 600 * SECOND_US
"""A Vault that was asked for the time is not asked again sooner."""
_PATIENCE_US: Final = 3 * DAY_US


class Timing(Struct, frozen=True, kw_only=True):
    """When things are told.

    `ahead_us`: how long before its end a review window is told of. `stages`: days before something runs out. `digest_us`: the
    time of the (UTC) day from which digests go out. `patience_us`: how long a target is tried before it counts as failed.
    """

    ahead_us: int = DAY_US
    stages: tuple[int, ...] = (30, 7, 0)
    digest_us: int = 6 * HOUR_US
    patience_us: int = _PATIENCE_US


class Reading:
    """The log as the tellers read it, and what was learned of it."""

    def __init__(self, site: Site, outbox: Outbox) -> None:
        """Begin where it was left.

        Raises:
            Tampered: the log is shorter than what was told of it. Unavailable: the outbox cannot be read.
        """
        self._site = site
        self._outbox = outbox
        self.size = self._kept = outbox.learned()
        if self.size > site.spine.size:
            raise Tampered(
                f"{site.id} holds {site.spine.size} entries, and {self.size} were told of: the log was put back. "
                "Move its notify.db away; targets are then told of what comes from now on"
            )
        self._lock = asyncio.Lock()
        self._looked: dict[int, tuple[Saying, ...]] = {}

    def at(self, seq: int) -> tuple[Saying, ...]:
        """The events that an entry brings.

        Raises:
            HoldgateError: it cannot be read.
        """
        found = self._looked.get(seq)
        if found is None:
            site = self._site
            read = next(iter(site.log.reads(seq, seq + 1)), None)
            if read is None:
                raise Unavailable(f"entry {seq} of {site.id} cannot be read yet")
            state = site.chronicle.state
            found = self._looked[seq] = tuple(sayings(site.notary.origin, read.entry, site.log.blob, state.retired))
            if len(self._looked) > LOOKED:
                del self._looked[next(iter(self._looked))]
        return found

    async def catch_up(self) -> None:
        """Learn from what is durable.

        Raises:
            HoldgateError: it cannot be read or kept.
        """
        async with self._lock:
            while self.size < self._site.spine.size:
                stop = min(self._site.spine.size, self.size + STRETCH)
                self._site.log.reads(self.size, stop)  # at once, and kept for the looks that follow
                facts = [fact for seq in range(self.size, stop) for saying in self.at(seq) for fact in facts_of(saying)]
                if facts or stop - self._kept >= STRETCH:
                    await asyncio.to_thread(self._outbox.learn, stop, facts)
                    self._kept = stop
                self.size = stop
                await asyncio.sleep(0)


class Calendar:
    """What time sets off at a site, looked up now and then. Use it on the site's event loop."""

    def __init__(self, site: Site, outbox: Outbox, timing: Timing, alarms: Callable[[], Sequence[Alarm]]) -> None:
        self._site = site
        self._outbox = outbox
        self._timing = timing
        self._alarms = alarms
        self._soon: tuple[int, list[Notice]] = (-LOOK_US, [])
        self._due: tuple[int, list[Notice]] = (-HOUR_US, [])
        self._vault_again = 0

    def soon(self, now: int) -> list[Notice]:
        """Alarms, and windows that are closing."""
        if not 0 <= now - self._soon[0] < LOOK_US:
            site, found = self._site, [alarm(a.origin, a.site, a.seq, a.at) for a in self._alarms()]
            if site.kind == "business_hub":
                found += closing(site.chronicle.state, self._outbox, site.notary.origin, self._timing.ahead_us)
            self._soon = (now, found)
        return self._soon[1]

    def due(self, now: int) -> list[Notice]:
        """What runs out."""
        if self._site.kind == "business_hub" and not 0 <= now - self._due[0] < HOUR_US:
            chronicle = self._site.chronicle
            origin, stages = self._site.notary.origin, self._timing.stages
            self._due = (now, running_out(chronicle.state, chronicle.library, origin, now, stages))
        return self._due[1]

    async def hear_vault(self) -> None:
        """Have the Vault tell its time where a window is closing by the hub's clock, and the Vault was not heard since."""
        site, now = self._site, self._site.means.clock.now()
        missing = unheard_us(site.chronicle.state, now, self._timing.ahead_us)
        if missing and now >= self._vault_again and site.reconciled:
            self._vault_again = now + max(missing, VAULT_AGAIN_US)
            await site.refresh_witness()


class Teller:
    """Tells one target.

    Args:
        target: whom.
        channel: how.
        outbox: how far.
        reading: the log.
        calendar: what time sets off.
        timing: when.
        now: the site's clock.
        entropy: chance for pauses.
    """

    def __init__(
        self,
        target: Target,
        channel: Channel,
        outbox: Outbox,
        reading: Reading,
        calendar: Calendar,
        timing: Timing,
        now: Callable[[], int],
        entropy: Entropy,
    ) -> None:
        self.target = target
        self._channel = channel
        self._outbox = outbox
        self._reading = reading
        self._calendar = calendar
        self._timing = timing
        self._now = now
        self._entropy = entropy
        self._place = (0, 0)
        self._noted_at = 0
        self.defect = ""
        self.woken = asyncio.Event()

    async def run(self) -> None:
        """Tell, for ever; a defect is shown, and the next look is a moment later."""
        while True:
            self.woken.clear()
            try:
                wait_us = await self.step()
                self.defect = ""
            except Exception as error:  # noqa: BLE001  # whatever one target does, the site and the other targets go on
                self.defect = f"{type(error).__name__}: {error}"[:400]
                wait_us = TICK_US
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_us / SECOND_US):
                    await self.woken.wait()

    async def step(self) -> int:
        """One look, and one message at most.

        Returns:
            How long nothing has to be looked at if nobody wakes the teller (µs).

        Raises:
            HoldgateError: the log or the outbox cannot be read.
        """
        name, now = self.target.name, self._now()
        cursor = self._outbox.cursors()[name]
        self._place = max(self._place, (cursor.seq, cursor.n))
        if cursor.failed:
            return RECHECK_US
        if cursor.tries and now < cursor.next_at <= now + LONGEST_US:
            return min(cursor.next_at - now, RECHECK_US)
        message = await self._next(now)
        if message is None:
            await self._note(cursor, now)
            return TICK_US
        reply = await self._channel.send(message.notices)
        if reply.told:
            await asyncio.to_thread(self._outbox.told, name, message, self._now())
            self._place = message.behind
        else:
            await self._failed(message, cursor, reply)
        return 0

    async def _failed(self, message: Message, cursor: Cursor, reply: Reply) -> None:
        now, tries = self._now(), cursor.tries + 1
        pause = pause_us(tries, self._entropy.token(), reply.after_s)
        for_good = reply.gone or now - (cursor.failing_since or now) >= self._timing.patience_us
        keep, name = self._outbox.failed, self.target.name
        await asyncio.to_thread(keep, name, message, now, now + pause, reply.says[:400], for_good=for_good)

    async def _next(self, now: int) -> Message | None:
        """The next message: of the log, else of what time sets off."""
        target, reading = self.target, self._reading
        await reading.catch_up()
        seq, turn = self._place
        while seq < reading.size:
            for saying in reading.at(seq):
                notice = notice_of(saying, self._outbox) if saying.turn >= turn else None
                if notice is not None and is_for(notice, target.kinds, target.client):
                    return Message(notices=(notice,), seq=seq, n=saying.turn)
            seq, turn = seq + 1, 0
            self._place = (seq, turn)
            if seq % STRETCH == 0:
                await asyncio.to_thread(self._outbox.pass_over, target.name, seq)
                await asyncio.sleep(0)
        return self._by_time(now)

    def _by_time(self, now: int) -> Message | None:
        soon = self._wanted(self._calendar.soon(now))
        if soon:
            return self._apart(soon[:1])
        day, of_day = instant.show(now - now % DAY_US)[:10], now % DAY_US
        mark = f"digest/{day}"
        if self._channel.gathers and (of_day < self._timing.digest_us or self._has((mark,))):
            return None
        found = self._wanted(self._calendar.due(now))
        if not found:
            return None
        return self._apart(found, mark) if self._channel.gathers else self._apart(found[:1])

    def _wanted(self, notices: Sequence[Notice]) -> list[Notice]:
        """Those for this target that it does not have."""
        wanted = [notice for notice in notices if is_for(notice, self.target.kinds, self.target.client)]
        has = self._has([notice.id for notice in wanted]) if wanted else set[str]()
        return [notice for notice in wanted if notice.id not in has]

    def _has(self, ids: Sequence[str]) -> set[str]:
        return self._outbox.told_apart(self.target.name, ids)

    def _apart(self, notices: Sequence[Notice], *marks: str) -> Message:
        seq, turn = self._place
        ids = tuple(notice.id for notice in notices)
        return Message(notices=tuple(notices), seq=seq, n=turn, apart=(*ids, *marks))

    async def _note(self, cursor: Cursor, now: int) -> None:
        """Note, once in a while, that there was nothing to tell."""
        seq, _ = self._place
        if seq > cursor.seq and not 0 <= now - self._noted_at < TICK_US:
            self._noted_at = now
            await asyncio.to_thread(self._outbox.pass_over, self.target.name, seq)

    def status(self, size: int) -> TargetStatus:
        """How the target stands; `size`: of the log."""
        name = self.target.name
        try:
            cursor = self._outbox.cursors()[name]
        except HoldgateError as error:  # the site's own status does not depend on it
            cursor = Cursor(seq=self._place[0], fault=str(error))
        seq, _ = max(self._place, (cursor.seq, cursor.n))
        shown = status_of(name, replace(cursor, seq=seq), size)
        return replace(shown, fault=self.defect or shown.fault)


def status_of(name: str, cursor: Cursor, size: int) -> TargetStatus:
    """A target as its cursor shows it; `size`: of the log."""
    return TargetStatus(
        name=name,
        behind=max(size - cursor.seq, 0),
        tries=cursor.tries,
        next_at=cursor.next_at,
        told=cursor.told,
        told_at=cursor.told_at,
        fault=cursor.fault,
        failed=cursor.failed,
    )


class Notifier:
    """Tells every target of a site.

    Args:
        site: started.
        outbox: closed by whoever made it, after `stop`.
        targets: whom, and how.
        timing: when.
        alarms: of a Vault in the same process.
    """

    def __init__(
        self,
        site: Site,
        outbox: Outbox,
        targets: Sequence[tuple[Target, Channel]],
        timing: Timing,
        alarms: Callable[[], Sequence[Alarm]] = tuple,
    ) -> None:
        """Begin where each target was left; a new one is told of what comes from now on.

        Raises:
            Tampered: the log is shorter than what was told of it. Unavailable: the outbox cannot be used.
        """
        self._site = site
        self._closes = any(REVIEW_CLOSING in target.kinds for target, _ in targets)
        reading = Reading(site, outbox)
        self._calendar = Calendar(site, outbox, timing, alarms)
        means, known = site.means, outbox.cursors()
        for target, _ in targets:
            if target.name not in known:
                outbox.begin(target.name, site.spine.size)
        self.tellers = [
            Teller(target, channel, outbox, reading, self._calendar, timing, means.clock.now, means.entropy)
            for target, channel in targets
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Tell, from now on. Call it on the site's event loop."""
        loop = asyncio.get_running_loop()
        self._site.watchers.append(self._sealed)
        self._site.targets = self.status
        self._tasks = [loop.create_task(teller.run()) for teller in self.tellers]
        if self._closes and self._site.kind == "business_hub":
            self._tasks.append(loop.create_task(self._every_tick(self._calendar.hear_vault)))

    async def stop(self) -> None:
        """Tell no more; an attempt that is under way is cut off."""
        if self._sealed in self._site.watchers:
            self._site.watchers.remove(self._sealed)
        self._site.targets = tuple
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def status(self) -> tuple[TargetStatus, ...]:
        """How every target stands."""
        size = self._site.spine.size
        return tuple(teller.status(size) for teller in self.tellers)

    def _sealed(self, sealed: Sealed) -> None:
        for teller in self.tellers:
            teller.woken.set()

    @staticmethod
    async def _every_tick(do: Callable[[], Awaitable[None]]) -> None:
        while True:
            with suppress(HoldgateError):  # the Vault is out of reach: it is asked again
                await do()
            await asyncio.sleep(TICK_US / SECOND_US)

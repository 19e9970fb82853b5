"""forwarder: readers' broadcasts on the last stretch, from a broker to the floor hub's gate.

A broadcast is submitted as any other action; the broker lets go of it only when its entry is durable, and the reader is told
what it would be told over HTTP. So a crash at any point means that a broadcast is given once more, which the ledger answers
as it did the first time (foundations 5; docs/decisions/0026).

Nobody holds up the others. Each reader has a line here, and beside others one broadcast under way (docs/decisions/0038). What
cannot be read is on record as an attempt and let go; while the site cannot take anything, what was given is tried again; what
sets off a defect is tried a few times, and then left to its reader, which still has it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final

from holdgate.engine.broadcasts import WINDOW, BroadcastSource, Faults, Heard, told
from holdgate.engine.inbox import Inbox
from holdgate.engine.shares import Shares, slow_down
from holdgate.sites.reply import Submits, problem_of, reply_of
from holdgate.terms.errors import InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import BROADCASTS_HELD_BYTES_MAX, DEFECTS_MAX

FIRST_S: Final = 0.05
LONGEST_S: Final = 1.0
"""The wait before the site is asked again; it doubles."""
HOLD_S: Final = 1.0
"""How often the broker hears that what waits here is not lost."""
REFUSED_S: Final = 0.5
"""How long somebody of whom too much waits is not answered."""


class Forwarder:
    """Hands what one source gives to one site: each reader's broadcasts in the order in which they came, the readers by turns.

    Args:
        source: where broadcasts come from; started and closed here.
        site: the floor hub.
        unwrap: finds the signed envelope in what a reader sent; raises Malformed.
        faults: hears what goes wrong.
    """

    def __init__(
        self, source: BroadcastSource, site: Submits, unwrap: Callable[[bytes], bytes], faults: Faults
    ) -> None:
        self._source = source
        self._site = site
        self._unwrap = unwrap
        self._faults = faults
        self._inbox: Inbox[Heard] = Inbox(Shares(_loop_time, WINDOW))
        self._held_bytes: Counter[str] = Counter()
        self._refused: set[Heard] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to forward."""
        self._source.start()
        self._spawn(self._hear())
        self._spawn(self._hold())

    async def stop(self) -> None:
        """Leave. What has no answer yet will be given again."""
        self._inbox.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._source.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)  # tasks begin in the order of their making
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _hear(self) -> None:
        """Take whatever comes: who waits is told apart here, where everybody has a line, and not in the broker, which has one."""
        while True:
            heard = await self._source.next()
            if self._waits(heard):
                self._begin()
            else:
                self._spawn(self._refuse(heard))

    def _waits(self, heard: Heard) -> bool:
        """Whether it has a place in its reader's line."""
        source, size = heard.source, len(heard.body)
        if self._held_bytes[source] + size > BROADCASTS_HELD_BYTES_MAX:
            return False
        with suppress(Unavailable):
            self._inbox.add(heard)
            self._held_bytes[source] += size
            return True
        return False

    def _begin(self) -> None:
        while (heard := self._inbox.take()) is not None:
            self._spawn(self._take(heard)).add_done_callback(partial(self._taken, heard))

    def _taken(self, heard: Heard, _: "asyncio.Task[None]") -> None:
        source = heard.source
        self._inbox.ends(source)
        self._held_bytes[source] -= len(heard.body)
        if not self._held_bytes[source]:
            del self._held_bytes[source]
        self._begin()

    async def _hold(self) -> None:
        """What waits here is not to be given again by the broker."""
        while True:
            await asyncio.sleep(HOLD_S)
            for heard in (*self._inbox, *self._refused):
                await heard.hold()

    async def _refuse(self, heard: Heard) -> None:
        """Too much of this reader waits: it keeps this one. It hears so after a while, so that it does not send at once again."""
        self._refused.add(heard)
        try:
            await asyncio.sleep(REFUSED_S)
            problem = problem_of(slow_down(heard.source))
            await heard.settle(told(heard.body, problem.status, problem))
        finally:
            self._refused.discard(heard)

    async def _take(self, heard: Heard) -> None:
        try:
            await heard.settle(await self._decided(heard))
        except Exception as error:  # noqa: BLE001  # it is given again; the next ones must not suffer
            self._faults.note(heard.source, error)

    async def _decided(self, heard: Heard) -> bytes:
        """What the reader is told, once its broadcast is on record, or proved not to be one."""
        wait, defects = FIRST_S, 0
        while True:
            try:
                answer = await self._site.deliver(self._unwrap(heard.body), (), heard.source)
                if wait > FIRST_S:
                    self._faults.mended()
                return told(heard.body, 200, reply_of(self._site, answer))
            except (Malformed, Tampered) as error:
                problem = problem_of(error)
                return told(heard.body, problem.status, problem)
            except Unavailable as error:
                self._faults.note(heard.source, error)
            except Exception as error:  # noqa: BLE001  # a defect that this one set off
                defects += 1
                self._faults.note(heard.source, error)
                if defects == DEFECTS_MAX:
                    problem = problem_of(InvariantBroken("the floor hub could not decide this; tell the administrator"))
                    return told(heard.body, problem.status, problem)
            await heard.hold()
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_S)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()

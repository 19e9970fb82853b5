"""forwarder: readers' broadcasts on the last stretch, from a broker to the floor hub's gate.

A broadcast is submitted as any other action; the broker lets go of it only when its entry is durable, and the reader is told
what it would be told over HTTP. So a crash at any point means that a broadcast is given once more, which the ledger answers
as it did the first time (foundations 5; docs/decisions/0026).

Nobody holds up the others: what cannot be read is on record as an attempt and let go; while the site cannot take anything, what
was given is tried again; what sets off a defect is tried a few times, and then left to its reader, which still has it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from holdgate.engine.broadcasts import WINDOW, BroadcastSource, Faults, Heard, told
from holdgate.sites.reply import Submits, problem_of, reply_of
from holdgate.terms.errors import InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import DEFECTS_MAX

FIRST_S: Final = 0.05
LONGEST_S: Final = 1.0
"""The wait before the site is asked again; it doubles."""


class Forwarder:
    """Hands what one source gives to one site, in the order in which it came.

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
        self._room = asyncio.Semaphore(WINDOW)
        self._running: asyncio.Task[None] | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._faults = faults

    def start(self) -> None:
        """Begin to forward."""
        self._source.start()
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Leave. What has no answer yet will be given again."""
        tasks = [*self._taking, *([] if self._running is None else [self._running])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._source.close()

    async def _run(self) -> None:
        while True:
            await self._room.acquire()
            heard = await self._source.next()
            task = asyncio.get_running_loop().create_task(self._take(heard))  # tasks begin in the order of their making
            self._taking.add(task)
            task.add_done_callback(self._taken)

    def _taken(self, task: "asyncio.Task[None]") -> None:
        self._taking.discard(task)
        self._room.release()

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

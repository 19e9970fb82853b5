"""An event loop of simulated time: no threads, no sockets, no real clock; every choice comes from one seed.

Each machine's life (from its start to its crash) has a lane of its own. Within a lane callbacks run in asyncio's order; which
lane is next is drawn, as between processes. A life that ended runs nothing more, not even a `finally`: that is what kill -9 is.
"""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, ContextVar
from typing import Any

from typing_extensions import override


class Life:
    """One life of one machine. `alive` ends with it, and never begins again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True


WORLD = Life("world")
LIFE: ContextVar[Life] = ContextVar("LIFE", default=WORLD)


class Crashed(BaseException):
    """The machine ended in the middle of a call; nothing above it may go on."""


class Stuck(AssertionError):
    """Nothing is left to run, and somebody still waits."""


class SimLoop(asyncio.BaseEventLoop):
    """Runs everything of one world. `before`: told the life whose callback is next; it may end it.

    `slow`: how long what a thread did stays unheard of.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(f"loop {seed}")
        self.steps = 0
        self.before: Callable[[Life], None] | None = None
        self.slow: Callable[[str], float] | None = None
        self._now = 0.0
        self._lanes: dict[Life, deque[asyncio.Handle]] = {}
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0
        self._ended: set[asyncio.Task[Any]] = set()
        self._buried: list[
            asyncio.Handle
        ] = []  # kept to the end, so that nothing of a dead life is finalised in between

    @override
    def time(self) -> float:
        return self._now

    def _call_soon(self, callback: Any, args: Any, context: Context | None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._add(handle)
        return handle

    @override
    def call_at(  # type: ignore[override]  # as typeshed had it before
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    @override
    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        delay = 0.0 if self.slow is None else self.slow("slow sync")
        if not delay:
            return self.call_soon(callback, *args, context=context)
        return self.call_later(delay, callback, *args, context=context)

    def _write_to_self(self) -> None:
        """There are no threads to be woken from."""

    def _process_events(self, event_list: Any) -> None:
        """There are no sockets."""

    @override
    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> "asyncio.Future[Any]":
        """A job of a thread: begun later, and its answer seen later still."""
        done: asyncio.Future[Any] = self.create_future()

        def work() -> None:
            try:
                found, error = func(*args), None
            except Exception as raised:  # noqa: BLE001  # handed on, as an executor does
                found, error = None, raised
            self.call_later(self.rng.random() * 0.002, answer, found, error)

        def answer(found: Any, error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(found)
            else:
                done.set_exception(error)
                done.exception()  # nobody may wait for it any more

        self.call_later(self.rng.random() * 0.002, work)
        return done

    def _add(self, handle: asyncio.Handle) -> None:
        life = handle._context.get(LIFE, WORLD)  # type: ignore[attr-defined]
        if life.alive:
            self._lanes.setdefault(life, deque()).append(handle)
        else:
            self._buried.append(handle)

    def bury(self, life: Life) -> None:
        """End a life."""
        life.alive = False
        self._buried.extend(self._lanes.pop(life, ()))

    def _run_once(self) -> None:
        if not self._lanes:
            self._advance()
        while self._timers and self._timers[0][0] <= self._now:
            self._add(heapq.heappop(self._timers)[2])
        if not self._lanes:
            return
        lives = list(self._lanes)
        life = lives[0] if len(lives) == 1 else lives[int(self.rng.random() * len(lives))]
        lane = self._lanes[life]
        handle = lane.popleft()
        if not lane:
            del self._lanes[life]
        if handle._cancelled:
            return
        self.steps += 1
        if life is not WORLD and self.before is not None:
            self.before(life)
            if not life.alive:
                self._buried.append(handle)
                return
        handle._run()

    def _advance(self) -> None:
        while self._timers and (self._timers[0][2]._cancelled or not self._alive(self._timers[0][2])):
            self._buried.append(heapq.heappop(self._timers)[2])
        if not self._timers:
            raise Stuck("nothing is ready and no timer runs")
        self._now = max(self._now, self._timers[0][0])

    @staticmethod
    def _alive(handle: asyncio.Handle) -> bool:
        return bool(handle._context.get(LIFE, WORLD).alive)  # type: ignore[attr-defined]

    @override
    def close(self) -> None:
        """End what dead lives left behind, quietly, and the loop."""
        asyncio._set_running_loop(self)
        try:
            while left := [task for task in asyncio.all_tasks(self) if task not in self._ended]:
                for task in left:
                    self._ended.add(task)
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    with suppress(Exception, Crashed):
                        task.get_coro().close()
        finally:
            asyncio._set_running_loop(None)
        super().close()

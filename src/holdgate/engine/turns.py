"""Turns: what one sender asks is begun in the order in which it came, what several ask is done side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from holdgate.terms.errors import Unavailable

Work = Callable[[], Awaitable[None]]


class Turns:
    """A queue for each sender.

    Args:
        waiting_max: how many pieces of work of one sender may wait.
        defect: told of an exception that a piece of work raised; the next one is done all the same.
        at_once: how many pieces of one sender's work may be under way.
    """

    def __init__(self, waiting_max: int, defect: Callable[[Exception], None], at_once: int = 1) -> None:
        self._waiting_max = waiting_max
        self._defect = defect
        self._queues: dict[str, deque[Work]] = {}
        self._at_once = at_once
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    def add(self, sender: str, work: Work) -> None:
        """Let a sender's work take its turn.

        Raises:
            Unavailable: too much of it waits already.
        """
        queue = self._queues.setdefault(sender, deque())
        if len(queue) >= self._waiting_max:
            raise Unavailable(f"{len(queue)} requests wait already; ask again later")
        queue.append(work)
        tasks = self._tasks.setdefault(sender, [])
        if len(tasks) < self._at_once:
            task = asyncio.get_running_loop().create_task(self._run(queue))
            tasks.append(task)
            task.add_done_callback(tasks.remove)

    async def _run(self, queue: deque[Work]) -> None:
        while queue:
            try:
                await queue.popleft()()
            except Exception as error:  # noqa: BLE001  # one request's defect is not the next one's
                self._defect(error)

    async def stop(self) -> None:
        """Begin nothing more, and end what is under way."""
        self._queues.clear()
        tasks = [task for tasks in self._tasks.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

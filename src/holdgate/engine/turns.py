"""Turns: what one sender asks is done in the order in which it came, what several ask side by side."""

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
    """

    def __init__(self, waiting_max: int, defect: Callable[[Exception], None]) -> None:
        self._waiting_max = waiting_max
        self._defect = defect
        self._queues: dict[str, deque[Work]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, sender: str, work: Work) -> None:
        """Let a sender's work take its turn.

        Raises:
            Unavailable: too much of it waits already.
        """
        queue = self._queues.setdefault(sender, deque())
        if len(queue) >= self._waiting_max:
            raise Unavailable(f"{len(queue)} requests wait already; ask again later")
        queue.append(work)
        if sender not in self._tasks:
            self._tasks[sender] = asyncio.get_running_loop().create_task(self._run(sender, queue))

    async def _run(self, sender: str, queue: deque[Work]) -> None:
        try:
            while queue:
                try:
                    await queue.popleft()()
                except Exception as error:  # noqa: BLE001  # one request's defect is not the next one's
                    self._defect(error)
        finally:
            del self._tasks[sender]

    async def stop(self) -> None:
        """Begin nothing more, and end what is under way."""
        self._queues.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

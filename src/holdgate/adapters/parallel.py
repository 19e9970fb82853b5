"""Signature checks beside the re-execution: in threads for a short record, in processes for a long one.

libsodium releases the interpreter while it works, but the threads around it take turns with the re-execution; processes do
not, and cost half a second to start. Checks are handed over in chunks; only so many wait at a time, so that an audit of any
length needs the memory of a short one.
"""

import os
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Final, Self

from typing_extensions import override

from holdgate.audit.replay import Checks
from holdgate.law.signers import Keys, check_signatures

CHUNK: Final = 64
"""Actions that are handed over to a thread at a time; to a process, eight times as many."""
WAITING_PER_WORKER: Final = 4
"""Chunks on their way for each worker; beyond that, whoever adds waits."""
LONG: Final = 5_000
"""Entries from which processes are worth their start."""

_Action = tuple[int, bytes, Keys]
_Failure = tuple[int, str]


class ParallelChecks(Checks):
    """Checks signatures in a pool; as a context, it releases it.

    Args:
        entries: how many entries there are about: decides between threads and processes.
        workers: how many; None: as many as there are cores.
    """

    def __init__(self, entries: int = 0, workers: int | None = None) -> None:
        count = workers or os.cpu_count() or 1
        self._pool: Executor
        if entries < LONG:
            self._pool = ThreadPoolExecutor(count, thread_name_prefix="holdgate-audit")
        else:
            self._pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
        self._size = CHUNK if entries < LONG else CHUNK * 8
        self._waiting_max = count * WAITING_PER_WORKER
        self._waiting: deque[Future[list[_Failure]]] = deque()
        self._chunk: list[_Action] = []
        self._failed: list[_Failure] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @override
    def add(self, seq: int, envelope: bytes, keys: Keys) -> None:
        """Check an action's signatures soon."""
        self._chunk.append((seq, envelope, keys))
        if len(self._chunk) >= self._size:
            self._hand_over()

    @override
    def failures(self) -> list[tuple[int, str]]:
        """Wait for all checks; those that failed, in the order of their entries."""
        if not self._waiting:  # all of a short log: done before a thread would have begun
            self._failed.extend(_check(self._chunk))
            self._chunk = []
        self._hand_over()
        while self._waiting:
            self._collect()
        return sorted(self._failed)

    def _hand_over(self) -> None:
        if self._chunk:
            self._waiting.append(self._pool.submit(_check, self._chunk))
            self._chunk = []
        if len(self._waiting) > self._waiting_max:
            self._collect()

    def _collect(self) -> None:
        self._failed.extend(self._waiting.popleft().result())


def _check(chunk: list[_Action]) -> list[_Failure]:
    return [(seq, why) for seq, envelope, keys in chunk if (why := check_signatures(envelope, keys))]

"""The host's clock and entropy; and a clock that stands where it is set, for scenarios and demonstrations."""

import secrets
import time

from typing_extensions import override

from holdgate.engine.ports import Clock, Entropy


class HostClock(Clock):
    """The machine's clock, in UTC µs."""

    @override
    def now(self) -> int:
        return time.time_ns() // 1000


class SetClock(Clock):
    """A clock that stands at `instant` until it is set anew."""

    def __init__(self, instant: int = 0) -> None:
        self.instant = instant

    @override
    def now(self) -> int:
        return self.instant


class HostEntropy(Entropy):
    """The operating system's randomness."""

    @override
    def token(self) -> str:
        return secrets.token_hex(8)


class CountedEntropy(Entropy):
    """Tokens that follow from a seed: for scenarios that must come out the same every time. Never for a shop."""

    def __init__(self, seed: int = 0) -> None:
        self._next = seed

    @override
    def token(self) -> str:
        self._next += 1
        return f"{self._next:016x}"

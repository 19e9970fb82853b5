"""The clock and the chance of the machine that a gate runs on. A controller with better ones hands them in."""

import secrets
import sys
import time
from typing import Protocol

from typing_extensions import override


class Clock(Protocol):
    """Two ways to tell time, so that neither can be set to stretch a permit."""

    def now(self) -> int:
        """UTC µs since 1970; comparable with the site's."""
        ...

    def ticks(self) -> int:
        """µs since some moment of its own; nobody can set it, and it runs on while the machine sleeps."""
        ...


class MachineClock(Clock):
    """The machine's own. The ticks count sleep where the system can tell (Linux, macOS)."""

    @override
    def now(self) -> int:
        return time.time_ns() // 1000

    @override
    def ticks(self) -> int:
        return _steady_ns() // 1000


if sys.platform == "linux":

    def _steady_ns() -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
elif sys.platform == "darwin":

    def _steady_ns() -> int:
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
else:
    _steady_ns = time.monotonic_ns


def machine_token() -> str:
    """16 hex digits that nobody can guess."""
    return secrets.token_hex(8)

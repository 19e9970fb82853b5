"""The clock and the chance of the machine that a reader runs on. A device with better ones hands them in."""

import secrets
import time
from typing import Protocol

from typing_extensions import override


class Clock(Protocol):
    """Tells the time of a scan."""

    def now(self) -> int:
        """UTC µs since 1970; comparable with the floor hub's."""
        ...


class MachineClock(Clock):
    """The machine's own."""

    @override
    def now(self) -> int:
        return time.time_ns() // 1000


def machine_token() -> str:
    """16 hex digits that nobody can guess."""
    return secrets.token_hex(8)

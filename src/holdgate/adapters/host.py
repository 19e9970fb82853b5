"""The host's clock and entropy; and a clock that stands where it is set, for scenarios and demonstrations."""

import ctypes
import secrets
import sys
from typing import Final

from typing_extensions import override

from holdgate.engine.ports import Entropy, Timepiece
from holdgate.gate.host import MachineClock
from holdgate.sites.status import ClockQuality


class HostClock(MachineClock, Timepiece):
    """The machine's clock and ticks, as modules' gates know them; the kernel says whether a time source disciplines it (Linux)."""

    @override
    def disciplined(self) -> bool:
        return clock_quality().synchronised is True


class SetClock(Timepiece):
    """A clock that stands at `instant` until it is set anew, which is right whatever it is."""

    def __init__(self, instant: int = 0) -> None:
        self.instant = instant

    @override
    def now(self) -> int:
        return self.instant

    @override
    def ticks(self) -> int:
        return self.instant

    @override
    def disciplined(self) -> bool:
        return True


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


_TIMEX_BYTES: Final = 208
_MAXERROR_AT: Final = 24
_STATUS_AT: Final = 40
_STA_UNSYNC: Final = 0x40


def clock_quality() -> ClockQuality:
    """What the kernel says of the machine's clock (Linux, `ntp_adjtime` in read mode); unknown elsewhere."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_long) != 8:
        return ClockQuality()
    timex = (ctypes.c_byte * _TIMEX_BYTES)()
    try:
        told = ctypes.CDLL(None, use_errno=True).ntp_adjtime(timex)
    except (OSError, AttributeError):
        return ClockQuality()
    if told < 0:
        return ClockQuality()
    status = ctypes.c_int.from_buffer(timex, _STATUS_AT).value
    error_us = ctypes.c_long.from_buffer(timex, _MAXERROR_AT).value
    return ClockQuality(synchronised=not status & _STA_UNSYNC, error_us=error_us)

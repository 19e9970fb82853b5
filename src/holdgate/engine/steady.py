"""A site's time: its machine's clock, unless that leaps ahead and nothing speaks for it.

A log cannot go back. One entry with a time hours ahead makes its site refuse, for as many hours, what people sign rightly. So a
clock that is further ahead than the shop's skew, of what the machine's ticks make of the time that was trusted last, is followed
only where the machine says that a time source disciplines it, or where a Vault told a time like it. Until then the site goes by
its ticks. A clock that is put back needs no guard: a log's times never go back. Source: docs/decisions/0041.
"""

from typing_extensions import override

from holdgate.engine.ports import Clock, Timepiece


class SteadyClock(Clock):
    """The time that a site, or a Vault, goes by from its start to its end.

    Args:
        timepiece: the machine's. Its clock is trusted as it stands now; a Vault may speak against that (`compare`).
        leap_us: how far ahead of the trusted time the machine's clock is followed without a word (µs).
    """

    def __init__(self, timepiece: Timepiece, leap_us: int) -> None:
        self._timepiece = timepiece
        self._leap_us = leap_us
        self._trusted = timepiece.now() - timepiece.ticks()  # what, on top of the ticks, makes the trusted time

    @override
    def now(self) -> int:
        return self._read()[0]

    @property
    def ahead_us(self) -> int:
        """How far ahead the machine's clock is, where it is not followed (µs); 0: it is."""
        told, shown = self._read()
        return shown - told

    def heard(self, at: int) -> None:
        """A Vault told this time (UTC µs, verified), now or before: so late it is at least."""
        self._trusted = max(self._trusted, at - self._timepiece.ticks())

    def compare(self, at: int) -> None:
        """A Vault that was asked now tells this time (UTC µs, verified): a clock that began a leap ahead of it is not followed."""
        told = at - self._timepiece.ticks()
        if self._trusted > told + self._leap_us and not self._timepiece.disciplined():
            self._trusted = told
        self._trusted = max(self._trusted, told)

    def _read(self) -> tuple[int, int]:
        """The time to go by, and what the machine's clock shows."""
        ticks, shown = self._timepiece.ticks(), self._timepiece.now()
        if shown - ticks <= self._trusted + self._leap_us:
            return shown, shown
        if self._timepiece.disciplined():
            self._trusted = shown - ticks
            return shown, shown
        return self._trusted + ticks, shown

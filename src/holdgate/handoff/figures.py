"""Figures as plain values: what a fold hands to whoever shows them. No clock, no float, no spelling of any tool.

A duration is an integer of microseconds all the way; whoever writes it out makes seconds of it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from holdgate.terms.instant import SECOND_US

Labels = tuple[tuple[str, str], ...]
Kind = Literal["counter", "gauge", "histogram"]

DWELL_BOUNDS_US: Final = tuple(
    seconds * SECOND_US
    for seconds in (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800, 2_592_000)
)
"""Upper bounds of the dwell buckets, inclusive: a minute to thirty days."""
DECISION_BOUNDS_US: Final = tuple(
    thousandths * SECOND_US // 1_000
    for thousandths in (100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000)
)
"""Upper bounds of the decision buckets, inclusive: a tenth of a second to two hours (buffered scans)."""


class Sample(Struct, frozen=True):
    """One value of a figure: a count, or µs where the figure is a duration."""

    labels: Labels
    value: int


class Spread(Struct, frozen=True):
    """How durations are spread. `counts`: one a bound, and one for what is beyond the last; each stands alone."""

    labels: Labels
    bounds_us: tuple[int, ...]
    counts: tuple[int, ...]
    sum_us: int

    @property
    def upto(self) -> tuple[int, ...]:
        """The counts added up: how many lie within each bound, and last how many there are."""
        total, found = 0, []
        for count in self.counts:
            total += count
            found.append(total)
        return tuple(found)


class Figure(Struct, frozen=True, kw_only=True):
    """A figure with its values. `name`: words joined by underscores. `duration`: the values are µs.

    A `counter` never falls while the record grows; a `gauge` may.
    """

    name: str
    kind: Kind
    means: str
    duration: bool = False
    samples: tuple[Sample, ...] = ()
    spreads: tuple[Spread, ...] = ()


class Buckets:
    """Durations counted into fixed buckets."""

    __slots__ = ("_bounds_us", "_counts", "_sum_us")

    def __init__(self, bounds_us: tuple[int, ...]) -> None:
        self._bounds_us = bounds_us
        self._counts = [0] * (len(bounds_us) + 1)
        self._sum_us = 0

    def add(self, duration_us: int) -> None:
        """Count one duration (µs); one below zero, by a clock that runs ahead, counts as none."""
        duration_us = max(0, duration_us)
        self._counts[bisect_left(self._bounds_us, duration_us)] += 1
        self._sum_us += duration_us

    def spread(self, labels: Labels = ()) -> Spread:
        """What was counted so far."""
        return Spread(labels, self._bounds_us, tuple(self._counts), self._sum_us)


def counter(name: str, means: str, samples: Iterable[Sample], *, duration: bool = False) -> Figure:
    """A figure that never falls."""
    return Figure(name=name, kind="counter", means=means, samples=tuple(samples), duration=duration)


def gauge(name: str, means: str, samples: Iterable[Sample], *, duration: bool = False) -> Figure:
    """A figure that may fall."""
    return Figure(name=name, kind="gauge", means=means, samples=tuple(samples), duration=duration)


def histogram(name: str, means: str, spreads: Sequence[Spread]) -> Figure:
    """How durations are spread."""
    return Figure(name=name, kind="histogram", means=means, spreads=tuple(spreads), duration=True)


def one(value: int) -> tuple[Sample, ...]:
    """The only value of a figure without labels."""
    return (Sample((), value),)


def by(label: str, values: Iterable[tuple[str, int]]) -> tuple[Sample, ...]:
    """The values of a figure with one label, in the order of the label's values."""
    return tuple(Sample(((label, name),), value) for name, value in sorted(values))


def seconds(us: int) -> str:
    """Microseconds (not below 0) as seconds, exactly: `90`, `0.5`."""
    whole, rest = divmod(us, SECOND_US)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)

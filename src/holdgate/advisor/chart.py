"""The individuals and moving range chart, and the rules that tell a signal from chance. Exact: fractions, no floats.

Centre: the mean of the baseline. Sigma: the mean of its moving ranges / 1.128 (d2 of two). Natural limits: three sigma to
either side. Sources: ISO 7870-2:2023 (individuals chart); NIST/SEMATECH e-Handbook 6.3.2.2, whose example is a test; the
zone rules of the Western Electric handbook (1956), and Nelson's rule 3 (Journal of Quality Technology 16-4, 1984).
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct

D2: Final = Fraction(1128, 1000)
"""Mean range of two values of a normal process, in sigma (tables give three decimals)."""
LIMIT_SIGMA: Final = 3
UP, DOWN = 1, -1


class Chart(NamedTuple):
    """What a process is known to do. `baseline`: how many of the first readings it was learned from."""

    centre: Fraction
    sigma: Fraction
    moving_range: Fraction
    baseline: int

    @property
    def lower(self) -> Fraction:
        """The lower natural limit."""
        return self.centre - LIMIT_SIGMA * self.sigma

    @property
    def upper(self) -> Fraction:
        """The upper natural limit."""
        return self.centre + LIMIT_SIGMA * self.sigma


class Signal(Struct, frozen=True):
    """A rule that spoke. `point`: index of the reading that completed it. `side`: UP or DOWN."""

    rule: str
    point: int
    side: int


def learn(values: Sequence[Fraction], baseline: int) -> Chart:
    """The chart of a process from its first readings (at least two)."""
    known = values[:baseline]
    moving = mean([abs(b - a) for a, b in pairwise(known)])
    return Chart(mean(known), moving / D2, moving, len(known))


def mean(values: Sequence[Fraction]) -> Fraction:
    """The mean of at least one value."""
    return sum(values, Fraction(0)) / len(values)


BEYOND_3 = "one beyond three sigma"
BEYOND_2 = "two of three beyond two sigma"
BEYOND_1 = "four of five beyond one sigma"
ONE_SIDE = "eight on one side of the centre"
TREND = "six steadily rising or falling"


def signals(values: Sequence[Fraction], chart: Chart) -> tuple[Signal, ...]:
    """Every point at which a rule speaks, in the order of the readings."""
    found: list[Signal] = []
    for point in range(len(values)):
        for side in (UP, DOWN):
            found += [Signal(rule, point, side) for rule, speaks in _RULES if speaks(values, chart, point, side)]
    return tuple(found)


def _zone(count: int, window: int, sigmas: int) -> "_Rule":
    """`count` of the last `window` readings, this one among them, beyond so many sigma on one side."""

    def speaks(values: Sequence[Fraction], chart: Chart, point: int, side: int) -> bool:
        if point + 1 < count:
            return False
        beyond = [
            side * (value - chart.centre) > sigmas * chart.sigma
            for value in values[max(0, point + 1 - window) : point + 1]
        ]
        return beyond[-1] and sum(beyond) >= count

    return speaks


def _trend(values: Sequence[Fraction], chart: Chart, point: int, side: int) -> bool:
    last = values[max(0, point - 5) : point + 1]
    return len(last) == 6 and all(side * (b - a) > 0 for a, b in pairwise(last))


_Rule = Callable[[Sequence[Fraction], Chart, int, int], bool]
_RULES: Final[tuple[tuple[str, _Rule], ...]] = (
    (BEYOND_3, _zone(1, 1, 3)),
    (BEYOND_2, _zone(2, 3, 2)),
    (BEYOND_1, _zone(4, 5, 1)),
    (ONE_SIDE, _zone(8, 8, 0)),
    (TREND, _trend),
)


def longest_run(values: Sequence[Fraction], centre: Fraction, side: int) -> int:
    """The most readings in a row on one side of the centre."""
    longest = run = 0
    for value in values:
        run = run + 1 if side * (value - centre) > 0 else 0
        longest = max(longest, run)
    return longest

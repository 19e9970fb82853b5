"""What a series of readings says of its process: known or not, in control, or departed, and on which side.

A sustained change is one that two looks find: the segmentation (`change`), and a rule of the chart that speaks on the same
side after it. A rule alone speaks by chance about every 92 readings; a process in control is left alone.
"""

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

from msgspec import Struct

from holdgate.advisor.change import SEGMENT_MIN, differ, find_changes
from holdgate.advisor.chart import DOWN, UP, Chart, Signal, learn, mean, signals
from holdgate.terms.quantity import EXACT

POINTS_MIN: Final = 20
"""Readings below which nothing is said about a process."""
BASELINE_MIN: Final = 12
"""Readings before a change, below which it is not known what the process did."""
TOO_FEW, CONSTANT, COARSE = "too few", "constant", "coarse"
IN_CONTROL, RETURNED, SHIFT, DRIFT = "in control", "returned", "shift", "drift"
DIRECTIONS: Final = {UP: "up", DOWN: "down"}


class Found(Struct, frozen=True, kw_only=True):
    """What the series itself says.

    `starts`: where each level begins. `side`: UP or DOWN, where the process is away from what it was; 0: it is not. `since`:
    the first reading of the present level.
    """

    verdict: str
    told: tuple[str, ...]
    chart: Chart | None = None
    starts: tuple[int, ...] = ()
    signals: tuple[Signal, ...] = ()
    side: int = 0
    since: int = 0


def look(values: Sequence[Fraction], places: int) -> Found:
    """The verdict on a series."""
    if len(values) < POINTS_MIN:
        told = f"{len(values)} readings are too few to know a process; {POINTS_MIN} are the least."
        return Found(verdict=TOO_FEW, told=(told,))
    chart = learn(values, len(values))
    if not chart.sigma:
        return Found(verdict=CONSTANT, told=("Every reading is the same: there is nothing to chart.",))
    step = Fraction(1, 10**places)
    if chart.sigma < step:
        told = f"One step of the readings ({show(step)}) is more than one sigma ({show(chart.sigma)}): read finer."
        return Found(verdict=COARSE, told=(told,))
    changes = find_changes(values)
    if not changes.at:
        return _steady(values, chart)
    starts = (0,) if changes.slope else (0, *changes.at)
    least = POINTS_MIN + SEGMENT_MIN
    if changes.slope and len(values) < least:
        told = f"The readings drift all along, and {len(values)} are too few to say from what; {least} are the least."
        return Found(verdict=TOO_FEW, told=(told,))
    baseline = POINTS_MIN if changes.slope else changes.at[0]
    if baseline < BASELINE_MIN:
        told = (
            f"The process changed at reading {baseline + 1}, before it was known: {BASELINE_MIN} readings before a change are "
            "the least. Name a later --since, from which on it is as it should be."
        )
        return Found(verdict=TOO_FEW, told=(told,), starts=starts)
    before = learn(values, baseline)
    if before.sigma < step:
        told = f"The first {baseline} readings hardly vary: one step ({show(step)}) is more than one sigma ({show(before.sigma)})."
        return Found(verdict=COARSE, told=(told,), starts=starts)
    return _changed(values, before, starts, slope=changes.slope)


def _steady(values: Sequence[Fraction], chart: Chart) -> Found:
    spoke = signals(values, chart)
    told = ["In control: no sustained change; a process in control is left alone."]
    if spoke:
        told.append(f"Rules spoke {len(spoke)} times ({_counted(spoke)}); by chance one does about every 92 readings.")
    return Found(verdict=IN_CONTROL, told=tuple(told), chart=chart, starts=(0,), signals=spoke)


def _changed(values: Sequence[Fraction], chart: Chart, starts: tuple[int, ...], *, slope: bool) -> Found:
    """A series with a change in it: whether the process is away from what it was, and on which side."""
    since = chart.baseline if slope else starts[-1]
    now = values[since:]
    side = UP if mean(now) > chart.centre else DOWN
    spoke = signals(values, chart)
    after = [signal for signal in signals(now, chart) if signal.side == side]
    if not after or not differ(values[: chart.baseline], now, chart.sigma):
        back = f"The process changed and is back: at about {show(mean(now))}, before the first change at {show(chart.centre)}."
        return Found(verdict=RETURNED, told=(back,), chart=chart, starts=starts, signals=spoke)
    verdict = DRIFT if slope or _staircase(values, starts, side) else SHIFT
    first = "all along" if slope else f"from reading {starts[1] + 1} of {len(values)} on"
    where = (
        f"A {verdict} {DIRECTIONS[side]} {first}: at about {show(mean(now))} in the last {len(now)} readings; the "
        f"{chart.baseline} readings that it was learned from have the mean {show(chart.centre)} and the natural limits "
        f"{show(chart.lower)} to {show(chart.upper)}."
    )
    rules = f"Since then the rules spoke {len(after)} times on that side ({_counted(after)})."
    return Found(
        verdict=verdict, told=(where, rules), chart=chart, starts=starts, signals=spoke, side=side, since=since
    )


def _staircase(values: Sequence[Fraction], starts: tuple[int, ...], side: int) -> bool:
    """Whether the levels go one way, in more than one step."""
    ends = (*starts[1:], len(values))
    levels = [mean(values[a:b]) for a, b in zip(starts, ends, strict=True)]
    return len(levels) > 2 and all(side * (b - a) > 0 for a, b in pairwise(levels))


def _counted(spoke: Sequence[Signal]) -> str:
    return ", ".join(f"{rule} {count}x" for rule, count in Counter(signal.rule for signal in spoke).items())


def show(number: Fraction) -> str:
    """Six significant digits, without an exponent."""
    if not number:
        return "0"
    digits = 5 - math.floor(math.log10(abs(number)))
    scaled = round(number * Fraction(10) ** digits)
    text = format(EXACT.scaleb(Decimal(scaled), -digits), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

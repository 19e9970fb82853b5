"""The chart as text: one column a reading, one row half a sigma."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from holdgate.advisor.chart import Chart, Signal
from holdgate.advisor.look import show

COLUMNS_MAX: Final = 64
"""Readings shown: the last ones."""
ROWS: Final = 9
"""Half sigmas shown to either side of the centre; what lies further out stands in the outermost row."""
LINES: Final = {6: "upper", 0: "centre", -6: "lower"}


def plot(values: Sequence[Fraction], chart: Chart, signals: Sequence[Signal], starts: Sequence[int]) -> tuple[str, ...]:
    """The lines of the chart.

    `o` is a reading, `x` one at which a rule spoke, `|` below marks where a new level begins.
    """
    first = max(0, len(values) - COLUMNS_MAX)
    rows = [_row(value, chart) for value in values[first:]]
    spoke = {signal.point - first for signal in signals}
    edges = {"upper": show(chart.upper), "centre": show(chart.centre), "lower": show(chart.lower)}
    width = max(len(text) for text in edges.values())
    lines = []
    for level in range(min(max([*rows, 6]), ROWS), max(min([*rows, -6]), -ROWS) - 1, -1):
        name = LINES.get(level)
        blank = " " if name is None else "-" if name == "centre" else "="
        marks = "".join(("x" if column in spoke else "o") if row == level else blank for column, row in enumerate(rows))
        lines.append(f"{'' if name is None else edges[name]:>{width}} |{marks}".rstrip())
    levels = "".join("|" if first + column in starts and first + column else " " for column in range(len(rows)))
    return (*lines, f"{'':>{width}}  {levels}".rstrip()) if levels.strip() else tuple(lines)


def _row(value: Fraction, chart: Chart) -> int:
    """Half sigmas from the centre, at most the outermost row."""
    return max(-ROWS, min(ROWS, round((value - chart.centre) * 2 / chart.sigma)))

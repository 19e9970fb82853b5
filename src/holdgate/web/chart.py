"""Charts as SVG of our own: bars with their values written beside them, hatched as well as coloured, readable without either."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

ROW: Final = 28
LABEL: Final = 190
PLOT: Final = 380
WIDTH: Final = LABEL + PLOT + 110
COLUMN: Final = 24
HEIGHT: Final = 140


class Bar(NamedTuple):
    """One bar. `shown`: its value as text; `hatched`: of another kind than the plain ones, which the label says."""

    label: str
    value: int
    shown: str = ""
    hatched: bool = False


_HATCH: Final = Markup(
    '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" class="bar-back"/><rect width="4" height="8" class="bar"/></pattern></defs>'
)


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars under each other, the longest filling the plot. `title`: what a reader without eyes hears first."""
    longest = max((row.value for row in rows), default=0) or 1
    height = max(len(rows), 1) * ROW
    parts = [_head(title, rows, WIDTH, height)]
    for index, row in enumerate(rows):
        y, width = index * ROW, max(row.value * PLOT // longest, 1 if row.value else 0)
        fill = Markup('fill="url(#hatch)"') if row.hatched else Markup('class="bar"')
        parts.append(
            Markup(
                '<text x="{x}" y="{text}" text-anchor="end" class="axis">{label}</text>'
                '<rect x="{left}" y="{top}" width="{width}" height="{thick}" {fill}/>'
                '<text x="{right}" y="{text}" class="value">{shown}</text>'
            ).format(
                x=LABEL - 8,
                text=y + ROW - 9,
                label=row.label,
                left=LABEL,
                top=y + 4,
                width=width,
                thick=ROW - 8,
                fill=fill,
                right=LABEL + width + 8,
                shown=row.shown or str(row.value),
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


def columns(title: str, rows: Sequence[Bar]) -> Markup:
    """Columns beside each other, as of the hours of a day."""
    tallest = max((row.value for row in rows), default=0) or 1
    width = max(len(rows), 1) * COLUMN + 8
    parts = [_head(title, rows, width, HEIGHT + 40)]
    for index, row in enumerate(rows):
        x, tall = index * COLUMN + 4, row.value * HEIGHT // tallest
        shown = str(row.value) if row.value else ""
        parts.append(
            Markup(
                '<rect x="{x}" y="{top}" width="{wide}" height="{tall}" class="bar"/>'
                '<text x="{middle}" y="{above}" text-anchor="middle" class="value small">{shown}</text>'
                '<text x="{middle}" y="{below}" text-anchor="middle" class="axis small">{label}</text>'
            ).format(
                x=x,
                top=HEIGHT + 16 - tall,
                wide=COLUMN - 4,
                tall=tall,
                middle=x + COLUMN // 2 - 2,
                above=HEIGHT + 12 - tall,
                below=HEIGHT + 34,
                label=row.label,
                shown=shown,
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _head(title: str, rows: Sequence[Bar], width: int, height: int) -> Markup:
    said = "; ".join(f"{row.label}: {row.shown or row.value}" for row in rows)
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{said}">{hatch}'
    ).format(w=width, h=height, said=f"{escape(title)}. {said or 'nothing yet'}", hatch=_HATCH)

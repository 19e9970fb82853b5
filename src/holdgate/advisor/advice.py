"""Advice: what the chart of a characteristic says, and the tightening that follows from it, if any.

1. What the series says is `look`'s. Too few readings, readings that do not vary, a resolution coarser than the process, a
   process in control or back again: said, and nothing else.
2. What follows from a departure is the natural limit that the process kept before: it becomes the limit of the adaptable
   parameter on that side, rounded to the readings' resolution towards the stricter side, inside what the contract declares.
   So a process that moved is stopped where it would have been stopped when it was known.
3. Never looser than what holds now. Where the contract declares nothing that could be tightened, the finding is a thought for
   people (`ai.suggest`).
The same readings give the same advice, to the letter.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from msgspec import Struct

from holdgate.advisor.chart import DOWN, UP, Chart, Signal, longest_run, mean
from holdgate.advisor.look import DIRECTIONS, Found, look, show
from holdgate.advisor.plot import plot
from holdgate.advisor.record import Reading, ShopRecord, Stream, Version
from holdgate.crypto.hashes import digest
from holdgate.law.contract import Adaptable, Characteristic
from holdgate.terms import canon, instant
from holdgate.terms.errors import Malformed
from holdgate.terms.quantity import EXACT, require_decimal

POINTS_MAX: Final = 5_000
"""Readings that are charted at a time."""


class Segment(Struct, frozen=True, kw_only=True):
    """Readings on one level. `first`: its first reading, counted from 1. Numbers for people, six digits."""

    first: int
    points: int
    mean: str
    began: str


class Figures(Struct, frozen=True, kw_only=True):
    """The chart's numbers (six significant digits) and how many readings they were learned from."""

    baseline: int
    centre: str
    sigma: str
    lower: str
    upper: str
    moving_range: str


class Suggestion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The draft: of `tune.suggest` (param, value, evidence) or of `ai.suggest` (change).

    `now`: the value that holds. `missed`: how many of the readings since the change would not conform under the new value.
    """

    act: str
    contract: str
    version: str
    param: str = ""
    value: str = ""
    now: str = ""
    missed: int = 0
    evidence: str = ""
    change: str = ""


class Advice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that was found.

    `readings_sha256`: of the readings' canonical JSON (`holdgate.terms.canon`). `plot`: the chart's lines.
    """

    contract: str
    version: str
    step: str
    characteristic: str
    site: str
    unit: str
    verdict: str
    told: tuple[str, ...]
    readings_sha256: str
    readings: tuple[Reading, ...]
    direction: str = ""
    figures: Figures | None = None
    segments: tuple[Segment, ...] = ()
    signals: tuple[Signal, ...] = ()
    longest_run: int = 0
    plot: tuple[str, ...] = ()
    suggestion: Suggestion | None = None


class _Case(NamedTuple):
    """One stream, looked at. `places`: decimal places of its readings."""

    record: ShopRecord
    version: Version
    stream: Stream
    readings: Sequence[Reading]
    values: Sequence[Fraction]
    places: int
    found: Found
    sha256: str


def advise(record: ShopRecord, version: Version, stream: Stream, readings: Sequence[Reading]) -> Advice:
    """The advice on one stream of readings.

    Args:
        record: for what is tuned and what waits.
        version: the contract version of the stream.
        stream: what the readings are of.
        readings: in order of their time.

    Raises:
        Malformed: readings in several units, one that is no number, or too many of them.
    """
    units = sorted({reading.unit for reading in readings})
    if len(units) != 1:
        raise Malformed(
            f"{stream.characteristic} was read in {', '.join(units) or 'no unit'}; units are never converted"
        )
    if len(readings) > POINTS_MAX:
        raise Malformed(f"{len(readings)} readings are more than the {POINTS_MAX} of a chart; name a later --since")
    decimals = [require_decimal(reading.value, stream.characteristic) for reading in readings]
    values = [Fraction(value) for value in decimals]
    places = max(-int(value.as_tuple().exponent) for value in decimals)
    found = look(values, places)
    sha256 = digest(canon.encode(tuple(readings)))
    chart = found.chart
    suggestion, more = _suggest(_Case(record, version, stream, readings, values, places, found, sha256))
    return Advice(
        contract=version.contract,
        version=version.version,
        step=stream.step,
        characteristic=stream.characteristic,
        site=stream.site,
        unit=units[0],
        verdict=found.verdict,
        told=(*found.told, *more),
        readings_sha256=sha256,
        readings=tuple(readings),
        direction=DIRECTIONS.get(found.side, ""),
        figures=None if chart is None else _figures(chart),
        segments=_segments(readings, values, found.starts),
        signals=found.signals,
        longest_run=0 if chart is None else max(longest_run(values, chart.centre, side) for side in (UP, DOWN)),
        plot=() if chart is None else plot(values, chart, found.signals, found.starts),
        suggestion=suggestion,
    )


# ---- what follows --------------------------------------------------------------------------------------------------


def _suggest(case: _Case) -> tuple[Suggestion | None, tuple[str, ...]]:
    """The draft on a departure; or none, and why."""
    version, stream, found = case.version, case.stream, case.found
    chart = found.chart
    if chart is None or not found.side:
        return None, ()
    measured, param = _measured(version, stream), _adaptable(version, stream, found.side)
    if measured is None or param is None:
        side = "maximum" if found.side == UP else "minimum"
        return _thought(
            case, f"The contract declares no adaptable {side} of {stream.characteristic} at {stream.step}."
        ), ()
    now = require_decimal(case.record.tuned.get((version.sha256, param.id), param.value), param.id)
    value = tightened(chart, measured, param, found.side, case.places)
    if found.side * (now - value) <= 0:
        why = (
            f"{param.id} stands at {now:f} {measured.unit}; the natural limit gives {value:f}, which is no tightening."
        )
        return _thought(case, why), ()
    waiting = case.record.waiting.get((version.sha256, param.id))
    if waiting is not None and found.side * (require_decimal(waiting, param.id) - value) <= 0:
        return None, (f"{param.id} {waiting} waits for approval already; nothing is suggested again.",)
    limit, since = _moved(Fraction(value), measured, -found.side), case.values[found.since :]
    missed = sum(found.side * (one - limit) > 0 for one in since)
    told = f"{missed} of the last {len(since)} readings would not conform at {value:f} {measured.unit}."
    suggestion = Suggestion(
        act="tune.suggest",
        contract=version.contract,
        version=version.version,
        param=param.id,
        value=f"{value:f}",
        now=f"{now:f}",
        missed=missed,
        evidence=f"{_evidence(case)} {told}",
    )
    return suggestion, ()


def _thought(case: _Case, why: str) -> Suggestion:
    """What people should read, where the contract lets nobody act on it."""
    return Suggestion(
        act="ai.suggest",
        contract=case.version.contract,
        version=case.version.version,
        change=f"{why} {_evidence(case)}",
    )


def tightened(chart: Chart, measured: Characteristic, param: Adaptable, side: int, places: int) -> Decimal:
    """The parameter's value under which the acceptance limit is the natural limit, on the safe side of rounding.

    Args:
        chart: what the process did before.
        measured: the characteristic; a guard band stands between its limit and its acceptance limit.
        param: the adaptable parameter; its bounds are kept.
        side: UP: a maximum, DOWN: a minimum.
        places: decimal places of the readings.
    """
    natural = chart.upper if side == UP else chart.lower
    scaled = _moved(natural, measured, side) * 10**places
    whole = math.floor(scaled) if side == UP else math.ceil(scaled)
    value = EXACT.scaleb(Decimal(whole), -places)
    low, high = require_decimal(param.min, param.id), require_decimal(param.max, param.id)
    return min(max(value, low), high)


def _moved(limit: Fraction, measured: Characteristic, sign: int) -> Fraction:
    """A limit moved by the guard band: outwards with the side's sign, inwards with the opposite one."""
    if measured.rule != "guard_band" or measured.U is None:
        return limit
    return limit + sign * Fraction(require_decimal(measured.U, measured.id))


def _measured(version: Version, stream: Stream) -> Characteristic | None:
    steps = (step for step in version.technique.steps if step.id == stream.step)
    return next((one for step in steps for one in step.characteristics if one.id == stream.characteristic), None)


def _adaptable(version: Version, stream: Stream, side: int) -> Adaptable | None:
    """The parameter that tightens the limit on this side; one that is declared the other way round is none."""
    kind, tighter = ("characteristic_max", "lower") if side == UP else ("characteristic_min", "higher")
    return next(
        (
            param
            for param in version.technique.adaptable
            if (param.kind, param.tighter, param.step, param.characteristic)
            == (kind, tighter, stream.step, stream.characteristic)
        ),
        None,
    )


def _evidence(case: _Case) -> str:
    """What goes beside the suggestion, so that anybody can look again."""
    stream, first, last = case.stream, case.readings[0], case.readings[-1]
    return (
        f"Individuals chart of {len(case.readings)} readings of {stream.characteristic} at {stream.step}, {stream.site}, entries "
        f"{first.seq} to {last.seq} ({instant.show(first.at)} to {instant.show(last.at)}). {' '.join(case.found.told)} "
        f"Readings sha256 {case.sha256}."
    )


def _figures(chart: Chart) -> Figures:
    return Figures(
        baseline=chart.baseline,
        centre=show(chart.centre),
        sigma=show(chart.sigma),
        lower=show(chart.lower),
        upper=show(chart.upper),
        moving_range=show(chart.moving_range),
    )


def _segments(readings: Sequence[Reading], values: Sequence[Fraction], starts: tuple[int, ...]) -> tuple[Segment, ...]:
    ends = (*starts[1:], len(values))
    return tuple(
        Segment(first=a + 1, points=b - a, mean=show(mean(values[a:b])), began=instant.show(readings[a].at))
        for a, b in zip(starts, ends, strict=bool(starts))
    )

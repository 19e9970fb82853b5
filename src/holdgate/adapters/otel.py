"""A site's figures for OpenTelemetry: the names of `/metrics` with dots for underscores.

`points` says what is handed over, as plain values. `offer` hands it to the observable instruments of opentelemetry-api, if that
package is here (extra `otel`); which SDK and exporter stand behind it is set where the process is started. Observable instruments
know no histograms, so each becomes counters as in the text format: `….bucket` by `le`, `….sum`, `….count`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError as TookTooLong
from typing import Any, Final

from msgspec import Struct

from holdgate.handoff.figures import Figure, Spread, seconds
from holdgate.terms.errors import HoldgateError
from holdgate.terms.instant import SECOND_US

ANSWER_S: Final = 5
"""How long an exporter's thread waits for the site's event loop."""


class Point(Struct, frozen=True, kw_only=True):
    """One value under one name. `unit`: `s` (the value is µs, handed over as seconds) or `1`. `counter`: it never falls."""

    name: str
    counter: bool
    unit: str
    means: str
    attributes: tuple[tuple[str, str], ...]
    value: int


class Instrument(Struct, frozen=True, kw_only=True):
    """What a name is created as."""

    name: str
    counter: bool
    unit: str
    means: str


def points(figures: Iterable[Figure]) -> tuple[Point, ...]:
    """Every value of the figures."""
    return tuple(point for figure in figures for point in _points(figure))


def instruments(figures: Iterable[Figure]) -> tuple[Instrument, ...]:
    """Every name of the figures, also those without a value so far."""
    return tuple(instrument for figure in figures for instrument in _instruments(figure))


def _dotted(name: str) -> str:
    return name.replace("_", ".")


def _instruments(figure: Figure) -> Iterator[Instrument]:
    name, unit = _dotted(figure.name), "s" if figure.duration else "1"
    if figure.kind != "histogram":
        yield Instrument(name=name, counter=figure.kind == "counter", unit=unit, means=figure.means)
        return
    yield Instrument(name=f"{name}.bucket", counter=True, unit="1", means=figure.means)
    yield Instrument(name=f"{name}.sum", counter=True, unit="s", means=figure.means)
    yield Instrument(name=f"{name}.count", counter=True, unit="1", means=figure.means)


def _points(figure: Figure) -> Iterator[Point]:
    made = {instrument.name: instrument for instrument in _instruments(figure)}
    for sample in figure.samples:
        yield _point(made[_dotted(figure.name)], sample.labels, sample.value)
    for spread in figure.spreads:
        yield from _spread(tuple(made.values()), spread)


def _spread(made: Sequence[Instrument], spread: Spread) -> Iterator[Point]:
    bucket, total, count = made
    bounds = (*(seconds(bound) for bound in spread.bounds_us), "+Inf")
    for bound, upto in zip(bounds, spread.upto, strict=True):
        yield _point(bucket, (*spread.labels, ("le", bound)), upto)
    yield _point(total, spread.labels, spread.sum_us)
    yield _point(count, spread.labels, spread.upto[-1])


def _point(made: Instrument, attributes: tuple[tuple[str, str], ...], value: int) -> Point:
    return Point(
        name=made.name,
        counter=made.counter,
        unit=made.unit,
        means=made.means,
        attributes=attributes,
        value=value,
    )


# ---- handed over -------------------------------------------------------------------------------------------------------


def offer(site: str, shown: Sequence[Figure], collect: Callable[[], Awaitable[Sequence[Figure]]]) -> bool:
    """Offer a site's figures to whatever exports them. Call it on the site's event loop.

    Args:
        site: the site; each point carries it.
        shown: its figures at present, for their names.
        collect: gives them on this loop, whenever they are asked for.

    Returns:
        Whether opentelemetry-api is here. Without an SDK behind it nobody asks.
    """
    try:
        from opentelemetry import metrics  # noqa: PLC0415  # optional: the extra `otel`
    except ImportError:
        return False
    pull = Pull(asyncio.get_running_loop(), collect)
    attach(metrics.get_meter(f"holdgate.{site}"), metrics.Observation, site, shown, pull)
    return True


class Pull:
    """Asks the event loop of a site from an exporter's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, collect: Callable[[], Awaitable[Sequence[Figure]]]) -> None:
        self._loop = loop
        self._collect = collect

    def __call__(self) -> tuple[Point, ...]:
        """The points now; none where the site is closed, cannot tell, or takes too long, so that nothing false is exported."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not None or self._loop.is_closed():
            return ()  # on a loop's own thread there is no waiting
        asked = asyncio.run_coroutine_threadsafe(self._points(), self._loop)
        try:
            return asked.result(ANSWER_S)
        except (HoldgateError, TookTooLong):
            asked.cancel()
            return ()

    async def _points(self) -> tuple[Point, ...]:
        return points(await self._collect())


def attach(
    meter: Any, observation: Callable[..., Any], site: str, shown: Sequence[Figure], pull: Callable[[], Sequence[Point]]
) -> None:
    """Create one observable instrument a name.

    Args:
        meter: a meter of opentelemetry-api.
        observation: its type of values: makes one of a value and its attributes.
        site: goes with each value.
        shown: figures, for their names.
        pull: gives the points, on the exporter's thread.
    """
    for made in instruments(shown):
        create = meter.create_observable_counter if made.counter else meter.create_observable_gauge
        create(
            made.name, callbacks=[_asked(made.name, observation, site, pull)], unit=made.unit, description=made.means
        )


def _asked(
    name: str, observation: Callable[..., Any], site: str, pull: Callable[[], Sequence[Point]]
) -> Callable[[Any], list[Any]]:
    def asked(_: Any) -> list[Any]:
        return [
            observation(
                point.value / SECOND_US if point.unit == "s" else point.value, {**dict(point.attributes), "site": site}
            )
            for point in pull()
            if point.name == name
        ]

    return asked

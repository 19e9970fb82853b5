"""`GET /metrics`: a site's figures in the text format of Prometheus (version 0.0.4), written by hand.

A figure is a HELP line, a TYPE line and one line a value; a histogram has its buckets added up, its sum and its count.
Durations are in seconds, as decimals of whole microseconds. Source: the exposition formats page of the Prometheus documentation.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from holdgate.handoff.figures import Figure, Labels, Spread, seconds
from holdgate.terms.errors import HoldgateError

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Collect = Callable[[], Awaitable[Sequence[Figure]]]


def metrics_routes(collect: Collect) -> Sequence[BaseRoute]:
    """The route `/metrics`.

    Args:
        collect: gives the figures now.
    """

    async def show(_: Request) -> Response:
        try:
            body, status = exposition(await collect()), 200
        except HoldgateError as error:
            body, status = f"# the figures cannot be told now: {_one_line(str(error))}\n", 503
        return Response(body, status, {"Content-Type": TEXT_TYPE, "Cache-Control": "no-store"})

    return (Route("/metrics", show, methods=["GET"]),)


def exposition(figures: Sequence[Figure]) -> str:
    """The figures as text."""
    return "".join(f"{line}\n" for figure in figures for line in _lines(figure))


def _lines(figure: Figure) -> Iterator[str]:
    yield f"# HELP {figure.name} {_one_line(figure.means)}"
    yield f"# TYPE {figure.name} {figure.kind}"
    for sample in figure.samples:
        value = seconds(sample.value) if figure.duration else str(sample.value)
        yield f"{figure.name}{_labels(sample.labels)} {value}"
    for spread in figure.spreads:
        yield from _histogram(figure.name, spread)


def _histogram(name: str, spread: Spread) -> Iterator[str]:
    bounds = (*(seconds(bound) for bound in spread.bounds_us), "+Inf")
    for bound, upto in zip(bounds, spread.upto, strict=True):
        yield f"{name}_bucket{_labels((*spread.labels, ('le', bound)))} {upto}"
    yield f"{name}_sum{_labels(spread.labels)} {seconds(spread.sum_us)}"
    yield f"{name}_count{_labels(spread.labels)} {spread.upto[-1]}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    spelled = ",".join(f'{name}="{_one_line(value).replace(_QUOTE, _ESCAPED)}"' for name, value in labels)
    return f"{{{spelled}}}"


_QUOTE: Final = '"'
_ESCAPED: Final = '\\"'


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")

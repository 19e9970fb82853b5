"""The figures for OpenTelemetry: names, units, values; and how an exporter's thread gets them."""

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from holdgate.adapters import otel
from holdgate.adapters.otel import Point, Pull, attach, instruments, offer, points
from holdgate.handoff.figures import Buckets, Figure, by, counter, gauge, histogram, one
from holdgate.handoff.metrics_fold import MetricsFold
from holdgate.terms.errors import Unavailable


def figures() -> tuple[Figure, ...]:
    buckets = Buckets((500_000, 2_592_000_000_000))
    buckets.add(1_500_000)
    return (
        counter("x_events_total", "Events.", by("reason", (("none", 3),))),
        gauge("x_oldest_seconds", "Age.", one(1_500_000), duration=True),
        gauge("x_nothing", "No value so far.", ()),
        histogram("x_dwell_seconds", "Dwell.", (buckets.spread((("phase", "p"),)),)),
    )


def point(name: str, value: int, *attributes: tuple[str, str], unit: str = "1", falls: bool = False) -> Point:
    means = {"events": "Events.", "oldest": "Age.", "dwell": "Dwell."}[name.split(".")[1]]
    return Point(name=name, counter=not falls, unit=unit, means=means, attributes=attributes, value=value)


def test_points_are_the_figures_with_dots() -> None:
    phase = ("phase", "p")
    assert points(figures()) == (
        point("x.events.total", 3, ("reason", "none")),
        point("x.oldest.seconds", 1_500_000, unit="s", falls=True),
        point("x.dwell.seconds.bucket", 0, phase, ("le", "0.5")),
        point("x.dwell.seconds.bucket", 1, phase, ("le", "2592000")),
        point("x.dwell.seconds.bucket", 1, phase, ("le", "+Inf")),
        point("x.dwell.seconds.sum", 1_500_000, phase, unit="s"),
        point("x.dwell.seconds.count", 1, phase),
    )


def test_every_name_has_an_instrument_before_it_has_a_value() -> None:
    assert [made.name for made in instruments(figures())] == [
        "x.events.total", "x.oldest.seconds", "x.nothing", "x.dwell.seconds.bucket", "x.dwell.seconds.sum",
        "x.dwell.seconds.count",
    ]  # fmt: skip


def test_the_gates_figures_have_names_of_their_own() -> None:
    shown = MetricsFold().figures(0)
    names = [made.name for made in instruments(shown)]
    assert len(set(names)) == len(names)
    assert {figure.name.replace("_", ".") for figure in shown if figure.kind != "histogram"} <= set(names)
    assert {p.name for p in points(shown)} <= set(names)


class Observation(NamedTuple):
    value: float
    attributes: dict[str, str]


Callback = Callable[[Any], list[Observation]]


class Meter:
    """What opentelemetry-api's meter offers, as far as it is used."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, str, Callback]] = {}

    def _create(self, kind: str, name: str, callbacks: Sequence[Callback], unit: str, description: str) -> None:
        assert description
        assert name not in self.made, "an instrument is created once"
        self.made[name] = (kind, unit, callbacks[0])

    def create_observable_counter(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> None:
        self._create("counter", name, callbacks, unit, description)

    def create_observable_gauge(self, name: str, callbacks: Any = None, unit: str = "", description: str = "") -> None:
        self._create("gauge", name, callbacks, unit, description)


def test_instruments_give_their_own_points_in_seconds_with_the_site() -> None:
    meter = Meter()
    attach(meter, Observation, "FLOOR", figures(), lambda: points(figures()))
    assert {name: (kind, unit) for name, (kind, unit, _) in meter.made.items()} == {
        "x.events.total": ("counter", "1"),
        "x.oldest.seconds": ("gauge", "s"),
        "x.nothing": ("gauge", "1"),
        "x.dwell.seconds.bucket": ("counter", "1"),
        "x.dwell.seconds.sum": ("counter", "s"),
        "x.dwell.seconds.count": ("counter", "1"),
    }
    assert meter.made["x.oldest.seconds"][2](None) == [Observation(1.5, {"site": "FLOOR"})]
    assert meter.made["x.events.total"][2](None) == [Observation(3, {"reason": "none", "site": "FLOOR"})]
    assert meter.made["x.nothing"][2](None) == []


async def collected() -> tuple[Figure, ...]:
    assert threading.current_thread() is threading.main_thread(), "the fold is read on its own loop"
    return figures()


def test_an_exporters_thread_asks_the_sites_loop() -> None:
    async def go() -> tuple[Point, ...]:
        pull = Pull(asyncio.get_running_loop(), collected)
        assert pull() == (), "on the loop itself there is no waiting"
        return await asyncio.to_thread(pull)

    assert asyncio.run(go()) == points(figures())


def test_a_site_that_cannot_tell_or_is_closed_gives_no_points(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> tuple[Figure, ...]:
        raise Unavailable("the disk is gone")

    async def slow() -> tuple[Figure, ...]:
        await asyncio.sleep(30)
        return ()

    async def go(collect: Callable[[], Any]) -> Pull:
        pull = Pull(asyncio.get_running_loop(), collect)
        assert await asyncio.to_thread(pull) == ()
        return pull

    monkeypatch.setattr(otel, "ANSWER_S", 0.05)
    asyncio.run(go(slow))
    closed = asyncio.run(go(broken))
    assert closed() == ()


def test_without_the_package_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert offer("FLOOR", figures(), collected) is False


def test_with_the_package_every_figure_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    meters: dict[str, Meter] = {}
    api, metrics = ModuleType("opentelemetry"), ModuleType("opentelemetry.metrics")
    metrics.__dict__.update(get_meter=lambda name: meters.setdefault(name, Meter()), Observation=Observation)
    api.__dict__["metrics"] = metrics
    monkeypatch.setitem(sys.modules, "opentelemetry", api)
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", metrics)

    async def go() -> list[Observation]:
        assert offer("FLOOR", figures(), collected)
        asked = meters["holdgate.FLOOR"].made["x.events.total"][2]
        return await asyncio.to_thread(asked, None)

    assert asyncio.run(go()) == [Observation(3, {"reason": "none", "site": "FLOOR"})]

"""Staging analytics: the gate's figures as plots and tables (HC-11 to HC-13), from the same fold that `/metrics` shows."""

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup
from msgspec import Struct

from holdgate.handoff.figures import Figure, Spread
from holdgate.law.denial import BY_NAME
from holdgate.law.state import StagedSlip
from holdgate.terms.instant import show_duration
from holdgate.terms.limits import STAGED_SHOWN_MAX
from holdgate.web.chart import Bar, bars, columns
from holdgate.web.page import Page, View

WANTED_ZERO: Final = ("holdgate_release_without_arrival_total", "holdgate_routing_mismatch_total")


class Number(Struct, frozen=True, kw_only=True):
    """One figure of the head line. `good`: None where it is neither good nor bad."""

    label: str
    value: str
    means: str
    good: bool | None = None


class Routed(Struct, frozen=True, kw_only=True):
    """Where an order went, and by which entry (HC-13)."""

    order: str
    part: str
    node: str
    state: str
    staged_at: int
    entry: int
    serials: tuple[str, ...]


class Analytics(Struct, frozen=True, kw_only=True):
    """The page. `charts`: titles with their plots."""

    numbers: tuple[Number, ...]
    charts: tuple[tuple[str, Markup], ...]
    routed: tuple[Routed, ...]
    more: int


async def analytics(view: View) -> Analytics:
    """The figures now."""
    await view.face.catch_up()
    figures = {figure.name: figure for figure in view.face.figures()}
    wanted = view.query.get("node", "")
    slips = [slip for slip in view.face.state.slips.values() if not wanted or slip.node == wanted]
    newest = sorted(slips, key=lambda slip: (-slip.staged_at, slip.order))
    return Analytics(
        numbers=tuple(_numbers(figures)),
        charts=tuple(_charts(figures)),
        routed=tuple(_routed(slip) for slip in newest[:STAGED_SHOWN_MAX]),
        more=max(len(newest) - STAGED_SHOWN_MAX, 0),
    )


def _numbers(figures: dict[str, Figure]) -> Iterable[Number]:
    for name in WANTED_ZERO:
        figure = figures[name]
        value = _sum(figure)
        yield Number(label=_title(name), value=str(value), means=figure.means, good=value == 0)
    due, in_time = (_sum(figures[f"holdgate_arrival_{name}_total"]) for name in ("due", "confirmed_in_time"))
    yield Number(
        label="Confirmed in time", value=_share(in_time, due), means="Of the orders whose arrival was due by now."
    )
    matched, voided = (_sum(figures[f"holdgate_arrival_{name}_total"]) for name in ("matched", "match_voided"))
    yield Number(
        label="Match accuracy", value=_share(matched - voided, matched), means="Matches that nobody took back."
    )
    oldest = figures["holdgate_staging_oldest_held_seconds"]
    yield Number(label="Oldest order waiting", value=show_duration(_sum(oldest)), means=oldest.means)
    decision = next(iter(figures["holdgate_arrival_decision_seconds"].spreads), None)
    yield Number(
        label="Half of the scans answered within",
        value=_median(decision),
        means="From the reader's time to the gate's decision.",
    )
    alone = figures["holdgate_offline_seconds_total"]
    yield Number(label="Worked alone", value=show_duration(_sum(alone)), means=alone.means)


def _charts(figures: dict[str, Figure]) -> Iterable[tuple[str, Markup]]:
    queue = figures["holdgate_staging_queue_orders"]
    yield "Orders at the gate", bars("Orders by state", [Bar(dict(s.labels)["state"], s.value) for s in queue.samples])
    for spread in figures["holdgate_staging_dwell_seconds"].spreads:
        phase = dict(spread.labels)["phase"].replace("_", " ")
        yield f"How long: {phase}", bars(phase, list(_buckets(spread)))
    causes = sorted(figures["holdgate_hold_causes_total"].samples, key=lambda s: -s.value)[:8]
    yield (
        "Why scans released nothing",
        bars("Causes", [Bar(_cause(dict(s.labels)["reason"]), s.value, hatched=True) for s in causes]),
    )
    wrong = figures["holdgate_wrong_arrivals_total"].samples
    yield (
        "Wrong arrivals",
        bars("Wrong arrivals", [Bar(dict(s.labels)["outcome"].replace("_", " "), s.value) for s in wrong]),
    )
    hours = [0] * 24
    for sample in figures["holdgate_broadcast_arrivals_total"].samples:
        hours[int(dict(sample.labels)["hour"])] += sample.value
    yield (
        "Scans by hour of the day (UTC)",
        columns("Scans by hour", [Bar(f"{hour:02d}", n) for hour, n in enumerate(hours)]),
    )
    for name, title in (
        ("gap", "Scans lost on the way"),
        ("late", "Scans that came late"),
        ("duplicate", "Scanned twice"),
    ):
        samples = figures[f"holdgate_broadcast_{name}_total"].samples
        yield title, bars(title, [Bar(dict(s.labels)["reader"], s.value) for s in samples])


def _buckets(spread: Spread) -> Iterable[Bar]:
    """The counts between two bounds, up to the last that holds any."""
    last = max((index for index, count in enumerate(spread.counts) if count), default=-1)
    for index, count in enumerate(spread.counts[: last + 1]):
        within = index < len(spread.bounds_us)
        bound = spread.bounds_us[min(index, len(spread.bounds_us) - 1)]
        yield Bar(f"{'up to' if within else 'beyond'} {show_duration(bound)}", count)


def _median(spread: Spread | None) -> str:
    if spread is None or not sum(spread.counts):
        return "–"
    half = (sum(spread.counts) + 1) // 2
    index = next(i for i, total in enumerate(spread.upto) if total >= half)
    if index == len(spread.bounds_us):
        return f"more than {show_duration(spread.bounds_us[-1])}"
    bound = spread.bounds_us[index]
    return f"{bound // 1000} ms" if bound < 1_000_000 else show_duration(bound)


def _routed(slip: StagedSlip) -> Routed:
    return Routed(
        order=slip.order,
        part=f"{slip.part_no} rev {slip.rev}",
        node=slip.node,
        state=slip.state,
        staged_at=slip.staged_at,
        entry=slip.ref,
        serials=tuple(dict.fromkeys((*slip.released, *slip.arrived))),
    )


def _sum(figure: Figure) -> int:
    return sum(sample.value for sample in figure.samples)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "none yet"


def _title(name: str) -> str:
    return name.removeprefix("holdgate_").removesuffix("_total").replace("_", " ").capitalize()


def _cause(code: str) -> str:
    return code.replace("_", " ").capitalize() if code in BY_NAME else code


STAGING: Final = Page(
    name="staging",
    title="Staging analytics",
    kinds=("floor_hub",),
    roles=("project_manager", "qa", "admin", "receiving", "compliance", "auditor"),
    model=analytics,
)

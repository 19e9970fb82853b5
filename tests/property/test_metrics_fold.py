"""The running figures against figures made anew: whatever the record holds, however it is cut, whenever it is asked."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.handoff.metrics import Metrics
from holdgate.handoff.metrics_fold import MetricsFold, Seen
from holdgate.law import event as ev
from holdgate.terms.instant import SECOND_US
from tests.unit.test_metrics_fold import accepted, at, contact, entry, gone, here, plain, scan, stage

ORDERS, NODES = st.sampled_from(["PO-1", "PO-2", "PO-3"]), st.sampled_from(["N1", "N2"])
SERIALS = st.sampled_from([("A1",), ("A1", "A2"), ("B1",)])
DUES = st.none() | st.integers(0, 60)
CODES = st.sampled_from(["", "PART_MISMATCH", "DUPLICATE_ARRIVAL", "QTY_MISMATCH", "REPLAYED_BROADCAST"])


@st.composite
def entries(draw: st.DrawFn, minute: int) -> Seen:
    """One entry at a minute; the law would refuse many of these."""
    order, node, serials = draw(ORDERS), draw(NODES), draw(SERIALS)
    kind = draw(st.integers(0, 8))
    if kind <= 1:
        return stage(minute, order, node, *serials, due=draw(DUES), amendment=bool(kind))
    if kind == 2:
        return accepted(minute, order, node, *serials)
    if kind == 3:
        return entry(minute, ev.ArrivalVoided(order=order, serials=serials))
    if kind == 4:
        return contact(minute, draw(st.sampled_from(["HUB", "VAULT"])), up=draw(st.booleans()))
    if kind == 5:
        return entry(minute, ev.Booted(epoch="e", reconciled=draw(st.booleans()), again=draw(st.booleans())))
    if kind == 6:
        return entry(minute, denied="BROADCAST_UNVERIFIED", attempts=draw(st.integers(1, 5)))
    facts: list[ev.AnyEvent] = [here(order, *serials)] if draw(st.booleans()) else []
    release = [gone(order, node, *serials, complete=draw(st.booleans()))] if kind == 8 else []
    return scan(minute, draw(st.sampled_from(["R1", "R2"])), 1, *facts, *release, denied=draw(CODES))


@st.composite
def histories(draw: st.DrawFn) -> list[Seen]:
    steps = draw(st.lists(st.integers(0, 4), max_size=30))
    minutes = [sum(steps[: n + 1]) for n in range(len(steps))]
    return [draw(entries(minute)) for minute in minutes]


def whole(history: list[Seen]) -> MetricsFold:
    fold = MetricsFold()
    for one in history:
        fold.observe(one)
    return fold


@settings(max_examples=150, deadline=None)
@given(histories(), st.data())
def test_being_asked_in_between_changes_nothing(history: list[Seen], data: st.DataObject) -> None:
    asked = MetricsFold()
    for one in history:
        asked.observe(one)
        if data.draw(st.booleans()):
            asked.figures(one.at + data.draw(st.integers(0, 90)) * 60 * SECOND_US)
    end = at(data.draw(st.integers(130, 200)))
    assert asked.figures(end) == whole(history).figures(end)


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(120, 300))
def test_running_sums_equal_a_report_made_of_everything(history: list[Seen], minute: int) -> None:
    metrics, now = Metrics(), at(minute)
    for one in history:
        metrics.observe(one.decision.events, one.at, one.decision.verdict, one.decision.codes)
    report, found = metrics.report(now), plain(whole(history).figures(now))
    due = [order for order in metrics.orders.values() if order.due_at is not None and order.due_at <= now]
    in_time = [o for o in due if o.released_at is not None and o.due_at is not None and o.released_at <= o.due_at]
    expected: dict[str, Any] = {
        "holdgate_staging_queue_orders": report["queue"],
        "holdgate_staging_oldest_held_seconds": report["oldest_held_s"] * SECOND_US,
        "holdgate_arrival_due_total": len(due),
        "holdgate_arrival_confirmed_in_time_total": len(in_time),
        "holdgate_arrival_match_voided_total": report["voided"],
        "holdgate_wrong_arrivals_total": {
            "stopped": report["wrong_arrivals_stopped"],
            "found_later": report["voided"],
        },
        "holdgate_release_without_arrival_total": report["releases_without_arrival"],
        "holdgate_routing_mismatch_total": report["routing_mismatches"],
    }
    assert {name: found[name] for name in expected} == expected
    pending = found["holdgate_forward_pending"]
    assert (0 if pending == {} else sum(pending.values())) == report["forward_pending"]

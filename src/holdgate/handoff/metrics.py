"""Staging analytics: a fold of the floor hub's record, so that an auditor can recompute every figure.

`Metrics` observes every entry once, in record order, and reports at any instant. Integer arithmetic only; rates are
decimal strings with four places, rounded half up, or None where there is nothing to divide by (no order was due yet).
Source: the scenario vocabulary, convention 24; the floor page, staging analytics.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.terms.instant import SECOND_US


class Standing(Struct):
    """One order at the gate. `staged_at`: its first staging; `released_at`: when all its parts were let go (UTC µs).

    `arrived`: serial → which of all matched events it came by.
    """

    staged_at: int
    node: str
    parts: tuple[str, str, tuple[str, ...]]
    due_at: int | None = None
    arrived: dict[str, int] = {}
    released_at: int | None = None
    acknowledged: bool = False


class Metrics:
    """The running figures of one gate."""

    __slots__ = ("counts", "orders", "voided")

    def __init__(self) -> None:
        self.voided: dict[int, None] = {}
        self.orders: dict[str, Standing] = {}
        self.counts: dict[str, int] = dict.fromkeys(_COUNTS, 0)

    def observe(self, events: Sequence[ev.AnyEvent], at: int, verdict: str, codes: Sequence[str] = ()) -> None:
        """Take in one entry, also one without events: a refused broadcast is a figure too.

        Args:
            events: what the entry made known, in order.
            at: when the gate put it on its record (UTC µs).
            verdict: allow or deny.
            codes: the denial codes of a refusal.
        """
        for event in events:
            step = _STEPS.get(type(event))
            if step is not None:
                step(self, event, at)
        if verdict == "deny":
            for code, count in _BY_CODE.items():
                self.counts[count] += code in codes

    def report(self, now: int) -> dict[str, Any]:
        """The figures at an instant (UTC µs): over everything observed, and orders whose arrival is due by then."""
        counts, orders = self.counts, list(self.orders.values())
        due = [order for order in orders if order.due_at is not None and order.due_at <= now]
        held = [order.staged_at for order in orders if order.released_at is None]
        return {
            "queue": self._queue(),
            "oldest_held_s": (now - min(held)) // SECOND_US if held else 0,
            "dwell_median_s": _median_s([o.released_at - o.staged_at for o in orders if o.released_at is not None]),
            "confirmation_rate": rate(sum(_in_time(order) for order in due), len(due)),
            "match_accuracy": rate(counts["matched"] - len(self.voided), counts["matched"]),
            "voided": len(self.voided),
            "forward_pending": sum(o.released_at is not None and not o.acknowledged for o in orders),
            **{name: counts[name] for name in _COUNTS if name != "matched"},
        }

    def _queue(self) -> dict[str, int]:
        queue = {"held": 0, "partial": 0, "released": 0}
        for order in self.orders.values():
            queue["released" if order.released_at is not None else "partial" if order.arrived else "held"] += 1
        return queue


def _in_time(order: Standing) -> bool:
    return order.released_at is not None and order.due_at is not None and order.released_at <= order.due_at


def rate(part: int, whole: int) -> str | None:
    """`part` of `whole` as a decimal string with four places, rounded half up; None of nothing."""
    if not whole:
        return None
    shown = (2 * 10_000 * part + whole) // (2 * whole)
    return f"{shown // 10_000}.{shown % 10_000:04d}"


def _median_s(durations_us: list[int]) -> int | None:
    """The median in whole seconds (of an even number, the mean of the middle two)."""
    if not durations_us:
        return None
    ordered, half = sorted(durations_us), len(durations_us) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
    return middle // SECOND_US


def _staged(m: Metrics, e: ev.SlipStaged, at: int) -> None:
    parts = (e.part_no, e.rev, e.serials)
    order = m.orders.get(e.order)
    if order is None:
        m.orders[e.order] = Standing(staged_at=at, node=e.node, parts=parts, due_at=e.arrival_due, arrived={})
        return
    if order.parts != parts:
        order.arrived, order.released_at, order.parts = {}, None, parts
    order.node, order.due_at, order.acknowledged = e.node, e.arrival_due, False


def _advanced(m: Metrics, e: ev.ReaderAdvanced, at: int) -> None:
    m.counts["broadcast_gaps"] += e.gap


def _recorded(m: Metrics, e: ev.ArrivalRecorded, at: int) -> None:
    m.counts["matched"] += 1
    m.counts["late"] += e.late
    if e.order in m.orders:
        m.orders[e.order].arrived.update(dict.fromkeys(e.serials, m.counts["matched"]))


def _voided(m: Metrics, e: ev.ArrivalVoided, at: int) -> None:
    """A matched event counts as voided once, however many of its parts are taken back, and in however many acts."""
    order = m.orders.get(e.order)
    if order is None:
        return
    for serial in e.serials:
        event = order.arrived.pop(serial, None)
        if event is not None:
            m.voided[event] = None


def _quarantined(m: Metrics, e: ev.ArrivalQuarantined, at: int) -> None:
    m.counts["wrong_arrivals_stopped"] += 1
    m.counts["late"] += e.late


def _released(m: Metrics, e: ev.OrderReleased, at: int) -> None:
    order = m.orders.get(e.order)
    if order is None or not e.serials or any(serial not in order.arrived for serial in e.serials):
        m.counts["releases_without_arrival"] += 1
    if order is None:
        return
    m.counts["routing_mismatches"] += e.node != order.node
    if e.complete and order.released_at is None:  # an amendment of the same parts releases again; the first one counts
        order.released_at = at


def _acknowledged(m: Metrics, e: ev.ForwardAcknowledged, at: int) -> None:
    order = m.orders.get(e.order)
    if order is None or e.node != order.node:
        m.counts["routing_mismatches"] += 1
    elif order.released_at is not None:
        order.acknowledged = True


_STEPS: Final[dict[type[ev.Event], Callable[[Metrics, Any, int], None]]] = {
    ev.SlipStaged: _staged,
    ev.ReaderAdvanced: _advanced,
    ev.ArrivalRecorded: _recorded,
    ev.ArrivalQuarantined: _quarantined,
    ev.ArrivalVoided: _voided,
    ev.OrderReleased: _released,
    ev.ForwardAcknowledged: _acknowledged,
}

_BY_CODE: Final = {
    "DUPLICATE_ARRIVAL": "duplicates",
    "REPLAYED_BROADCAST": "replays",
    "BROADCAST_UNVERIFIED": "unverified",
}

_COUNTS: Final = (
    "wrong_arrivals_stopped",
    "duplicates",
    "replays",
    "unverified",
    "late",
    "broadcast_gaps",
    "matched",
    "routing_mismatches",
    "releases_without_arrival",
)

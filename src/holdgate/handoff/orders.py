"""Orders at the gate as running sums, so that a question costs what is open and not what ever was.

What an order's standing is, `Metrics` alone says. Here its standing before and after an entry is compared, and the sums move by
the difference.
"""

from collections.abc import Sequence

from holdgate.handoff.figures import DWELL_BOUNDS_US, Buckets
from holdgate.handoff.metrics import Metrics, Standing
from holdgate.law import event as ev

QUEUE = ("held", "partial", "released")

_OF_AN_ORDER = (ev.SlipStaged, ev.ArrivalRecorded, ev.ArrivalVoided, ev.OrderReleased, ev.ForwardAcknowledged)


class Orders:
    """The sums over all orders.

    `queue`: orders by state. `waiting`: unreleased order → its staging. `forwarded`: order that its node has not accepted → its
    last complete release (UTC µs). `nodes`: every node that orders were bound for.
    """

    __slots__ = (
        "_ahead",
        "_at",
        "_due",
        "_in_time",
        "_settled",
        "accepted",
        "forwarded",
        "metrics",
        "nodes",
        "queue",
        "released",
        "waiting",
    )

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.queue = dict.fromkeys(QUEUE, 0)
        self.waiting: dict[str, int] = {}
        self.forwarded: dict[str, int] = {}
        self.nodes: dict[str, None] = {}
        self.released, self.accepted = Buckets(DWELL_BOUNDS_US), Buckets(DWELL_BOUNDS_US)
        self._at = 0
        self._ahead: dict[str, int] = {}
        self._settled: dict[str, bool] = {}
        self._due = self._in_time = 0

    def observe(self, events: Sequence[ev.AnyEvent], at: int, verdict: str, codes: Sequence[str]) -> None:
        """Take in one entry (`Metrics.observe`)."""
        self._at = max(self._at, at)
        touched = dict.fromkeys(event.order for event in events if isinstance(event, _OF_AN_ORDER))
        orders = self.metrics.orders
        before = {name: _shown(orders[name]) for name in touched if name in orders}
        self.metrics.observe(events, at, verdict, codes)
        let_go = {event.order: None for event in events if isinstance(event, ev.OrderReleased) and event.complete}
        for name in touched:
            if name in orders:
                self._move(name, before.get(name), orders[name], at, again=name in let_go)

    def due(self, now: int) -> tuple[int, int]:
        """Orders whose arrival was due by an instant (UTC µs), and how many of them were released by then.

        An instant before the last entry counts as that entry's: the sums do not go back.
        """
        orders = self.metrics.orders
        for name in [name for name, due_at in self._ahead.items() if due_at <= self._at]:
            del self._ahead[name]  # no entry comes before this instant any more: it is due for good
            self._settled[name] = _in_time(orders[name])
            self._due += 1
            self._in_time += self._settled[name]
        coming = [orders[name] for name, due_at in self._ahead.items() if due_at <= now]
        return self._due + len(coming), self._in_time + sum(_in_time(order) for order in coming)

    def pending(self) -> dict[str, int]:
        """Orders that were released and not accepted, by node; also 0, for nodes that orders were bound for before."""
        found = dict.fromkeys(self.nodes, 0)
        for name in self.forwarded:
            found[self.metrics.orders[name].node] += 1
        return found

    def _move(self, name: str, before: tuple[str, int | None] | None, order: Standing, at: int, *, again: bool) -> None:
        """Move the sums by what one entry changed of one order; `again`: the entry let it go."""
        state, released_at = _shown(order)
        if before is not None:
            self.queue[before[0]] -= 1
        self.queue[state] += 1
        self.nodes[order.node] = None
        if released_at is None:
            self.waiting[name] = order.staged_at
        else:
            self.waiting.pop(name, None)
            if before is None or before[1] != released_at:
                self.released.add(released_at - order.staged_at)
        self._forward(name, order, at, again=again)
        self._expect(name, order)

    def _forward(self, name: str, order: Standing, at: int, *, again: bool) -> None:
        if order.released_at is None:
            self.forwarded.pop(name, None)
        elif order.acknowledged:
            since = self.forwarded.pop(name, None)
            if since is not None:
                self.accepted.add(at - since)
        elif again or name not in self.forwarded:
            self.forwarded[name] = at

    def _expect(self, name: str, order: Standing) -> None:
        """The due time or the release may be another now: the order is weighed anew."""
        self._ahead.pop(name, None)
        in_time = self._settled.pop(name, None)
        if in_time is not None:
            self._due -= 1
            self._in_time -= in_time
        if order.due_at is not None:
            self._ahead[name] = order.due_at


def _shown(order: Standing) -> tuple[str, int | None]:
    """An order's state in a word, and when it was released (UTC µs)."""
    if order.released_at is not None:
        return "released", order.released_at
    return ("partial" if order.arrived else "held"), None


def _in_time(order: Standing) -> bool:
    return order.released_at is not None and order.due_at is not None and order.released_at <= order.due_at

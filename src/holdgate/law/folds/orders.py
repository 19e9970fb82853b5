"""Orders: terms, staging, assignment, money; at a node: what was forwarded."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.money import book
from holdgate.law.state import Acceptance, Order, State, job_key


def order_of(state: State, order: str) -> Order:
    """An order; a new one where nothing is known of it yet."""
    found = state.orders.get(order)
    if found is None:
        found = state.orders[order] = Order(id=order, documents={}, acceptances=[], reviews={}, jobs=[], fired={})
    return found


def _terms_accepted(state: State, _: Library, e: ev.TermsAccepted, at: int, ref: int) -> None:
    acceptance = Acceptance(sha256=e.sha256, org=e.org, by=e.by, on_silence=e.on_silence, ref=ref)
    order_of(state, e.order).acceptances.append(acceptance)


def _order_reviewed(state: State, _: Library, e: ev.OrderReviewed, at: int, ref: int) -> None:
    order_of(state, e.order).reviews.setdefault(e.document_digest, {})[e.role] = e.by


def _order_staged(state: State, _: Library, e: ev.OrderStaged, at: int, ref: int) -> None:
    order = order_of(state, e.order)
    same_parts = (order.part_no, order.rev, order.serials) == (e.part_no, e.rev, e.serials)
    book(state.money, e, at, ref)
    if order.node != e.node:
        _unassign(state, e.order)
    order.status, order.sha256, order.contract, order.version = "staged", e.sha256, e.contract, e.version
    order.node, order.client, order.part_no, order.rev, order.serials = e.node, e.client, e.part_no, e.rev, e.serials
    order.documents = _documents(state, e)
    order.silence, order.staged_at, order.ref = e.silence, at, ref
    order.delivery_closed = order.delivery_closed and e.delivery_due == order.delivery_due
    order.delivery_due = e.delivery_due
    if not (e.amendment and same_parts):
        order.arrived, order.attested_parts, order.attested = (), (), False


def _documents(state: State, e: ev.OrderStaged | ev.OrderReceived) -> dict[str, int | None]:
    """The documents that an order came with, and those that Compliance verified."""
    return {name: e.document_until.get(name) for name in e.documents} | state.verified.get(e.order, {})


def _job_assigned(state: State, _: Library, e: ev.JobAssigned, at: int, ref: int) -> None:
    state.assigned[job_key(e.order, e.job)] = e.technician


def _unassign(state: State, order: str) -> None:
    """An order that goes to another node: that node has not heard who was named, so they are named anew."""
    for key in [key for key in state.assigned if key.startswith(f"{order}/")]:
        del state.assigned[key]


def _delivery_closed(state: State, _: Library, e: ev.DeliveryClosed, at: int, ref: int) -> None:
    order = state.orders[e.order]
    order.delivery_closed, order.ref = True, ref


def _invoice_issued(state: State, _: Library, e: ev.InvoiceIssued, at: int, ref: int) -> None:
    order = state.orders[e.order]
    book(state.money, e, at, ref)
    order.fired[f"invoice:{e.milestone}"] = ref


def _payout_released(state: State, _: Library, e: ev.PayoutReleased, at: int, ref: int) -> None:
    order = state.orders[e.order]
    book(state.money, e, at, ref)
    order.fired[f"payout:{e.job}:{e.rule}:{e.payee}"] = ref


def _order_received(state: State, _: Library, e: ev.OrderReceived, at: int, ref: int) -> None:
    order = order_of(state, e.order)
    order.status, order.ref = "received", ref
    if state.kind == "node":
        order.sha256, order.client, order.part_no, order.rev = e.sha256, e.client, e.part_no, e.rev
        order.serials, order.node, order.body = e.ordered, state.site, e.body
        order.documents = _documents(state, e)
        order.arrived += tuple(s for s in e.serials if s not in order.arrived)


def _order_noticed(state: State, _: Library, e: ev.OrderNoticed, at: int, ref: int) -> None:
    if state.kind == "node":
        state.notices[e.order] = f"{e.node} {e.state}"


STEPS: Final[Steps] = {
    ev.TermsAccepted: _terms_accepted,
    ev.OrderReviewed: _order_reviewed,
    ev.OrderStaged: _order_staged,
    ev.JobAssigned: _job_assigned,
    ev.DeliveryClosed: _delivery_closed,
    ev.InvoiceIssued: _invoice_issued,
    ev.PayoutReleased: _payout_released,
    ev.OrderReceived: _order_received,
    ev.OrderNoticed: _order_noticed,
}

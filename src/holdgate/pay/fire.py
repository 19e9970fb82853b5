"""fire: the business hub's money, which goes out by itself on the entry that completes its conditions.

Called after the events of one entry (an own decision, or an import) were folded. Nobody asks for an invoice or a
payout: a wish to issue one by hand is refused, before and after. What went out stands in `order.fired`, and goes out
once.
Source: foundations 11 and 12; the scenario vocabulary, convention 17.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from holdgate.law import event as ev
from holdgate.law.contract import Billing, PayoutRule, SmartClientPO, Surcharge
from holdgate.law.library import Library
from holdgate.law.money import Bill
from holdgate.law.state import OVER, Job, Order, State, job_key
from holdgate.terms.errors import Tampered
from holdgate.terms.instant import SECOND_US

_BY_ORDER: Final = (
    ev.OrderStaged,
    ev.ArrivalRecorded,
    ev.QaAccepted,
    ev.ComplianceAccepted,
    ev.RetestAuthorised,
    ev.ChargeAgreed,
    ev.OrderSettled,
)
_BY_REPORT: Final = (ev.ReportApproved, ev.ReviewWindowLapsed)


def fire(state: State, library: Library, events: Sequence[ev.AnyEvent], at: int) -> tuple[ev.AnyEvent, ...]:
    """The invoices and payouts that these events made due.

    Args:
        state: the business hub's, with `events` folded in; not changed.
        library: the pinned law documents.
        events: of one entry; only the orders that they speak of are looked at.
        at: when the entry was put on the record (UTC µs); conditions are facts, so nothing depends on it.

    Returns:
        What an amendment corrects, `InvoiceIssued` in the contract's order of milestones, its surcharges, then
        `PayoutReleased` job by job; none that fired before.

    Raises:
        Tampered: an order rests on a template that the store does not hold.
    """
    if state.kind != "business_hub":
        return ()
    due: list[ev.AnyEvent] = []
    amended = {event.order for event in events if isinstance(event, ev.OrderStaged) and event.amendment}
    for order in _touched(state, events):
        if order.id in amended:
            due.extend(_corrections(state, library, order))
        due.extend(_invoices(state, library, order))
        due.extend(_surcharges(state, library, order, events))
        due.extend(_payouts(state, library, order))
    return tuple(due)


def _touched(state: State, events: Sequence[ev.AnyEvent]) -> list[Order]:
    names: dict[str, None] = {}
    for event in events:
        if isinstance(event, _BY_ORDER):
            names[event.order] = None
        elif isinstance(event, _BY_REPORT):
            report = state.reports.get(event.report)
            if report is not None:
                names[report.order] = None
    orders = (state.orders.get(name) for name in names)
    return [order for order in orders if order is not None and order.sha256]


def _template(library: Library, order: Order) -> SmartClientPO:
    template = library.template(order.sha256)
    if template is None:
        raise Tampered(f"the template of order {order.id} is on the record, but its document is not in the store")
    return template


def _invoices(state: State, library: Library, order: Order) -> Iterator[ev.InvoiceIssued]:
    template = _template(library, order)
    for item in template.billing:
        reached = _MILESTONES.get(item.when)
        if f"invoice:{item.id}" in order.fired or reached is None or not order.serials:
            continue
        if item.id in order.settlements:
            yield _invoice(order, item.id, order.settlements[item.id], template.currency)
        elif reached(state, order):
            yield _invoice(order, item.id, item.amount_minor, template.currency)


def _invoice(order: Order, item: str, amount_minor: int, currency: str) -> ev.InvoiceIssued:
    return ev.InvoiceIssued(order=order.id, milestone=item, amount_minor=amount_minor, currency=currency)


def _corrections(state: State, library: Library, order: Order) -> Iterator[ev.AnyEvent]:
    """What was invoiced for milestones becomes what the amended terms say: credit notes for less, an invoice for more.

    What was given up in a dispute stays given up. The currency is the same: an order that was invoiced is amended in no other.
    """
    template = _template(library, order)
    wanted = {item.id: min(item.amount_minor, _settled(order, item)) for item in template.billing}
    for item, invoices in _invoiced(state, order).items():
        missing = max(0, wanted.get(item, 0) - sum(invoice.conceded_minor for invoice in invoices))
        for invoice in invoices:
            kept = invoice.net_minor - invoice.credited_minor
            stays = min(kept, missing)
            missing -= stays
            if stays < kept:
                yield ev.CreditNoteIssued(invoice=invoice.number, amount_minor=kept - stays, reason=_AMENDED)
        if missing:
            yield _invoice(order, item, missing, template.currency)


def _settled(order: Order, item: Billing) -> int:
    """What a milestone was settled for; that is no more than the amended terms say either."""
    return order.settlements.get(item.id, item.amount_minor)


_AMENDED: Final = "the order was amended"
_OF_THE_LIST: Final = ":"
"""Stands in the item of a surcharge (`charge:item`), and in no milestone's id."""


def _invoiced(state: State, order: Order) -> dict[str, list[Bill]]:
    """The invoices of an order's milestones, by milestone, in their order."""
    found: dict[str, list[Bill]] = {}
    for bill in state.money.bills.values():
        if bill.order == order.id and not bill.corrects and _OF_THE_LIST not in bill.item:
            found.setdefault(bill.item, []).append(bill)
    return found


def _surcharges(
    state: State, library: Library, order: Order, events: Sequence[ev.AnyEvent]
) -> Iterator[ev.InvoiceIssued]:
    """The price list's charges that these events set off: retests for a cause that the client pays for, and what was agreed."""
    template = _template(library, order)
    prices = {one.id: one for one in template.surcharges}
    for charge, item in (*_agreed(order, prices, events), *_retests(state, order, prices, events)):
        name = f"{charge.id}{_OF_THE_LIST}{item}"
        if f"invoice:{name}" not in order.fired:
            yield _invoice(order, name, charge.amount_minor, template.currency)


Charges = Iterator[tuple[Surcharge, str]]


def _agreed(order: Order, prices: dict[str, Surcharge], events: Sequence[ev.AnyEvent]) -> Charges:
    for event in events:
        if isinstance(event, ev.ChargeAgreed) and event.order == order.id and event.charge in prices:
            yield prices[event.charge], event.item


def _retests(state: State, order: Order, prices: dict[str, Surcharge], events: Sequence[ev.AnyEvent]) -> Charges:
    """Each retest once, told by its number: several at one step may come with one import."""
    paid = {one.cause: one for one in prices.values() if one.when == "retest"}
    later: dict[tuple[str, str], int] = {}
    found: list[tuple[Surcharge, str]] = []
    for event in reversed(events):
        if not isinstance(event, ev.RetestAuthorised) or event.order != order.id:
            continue
        job = state.jobs.get(job_key(event.order, event.job))
        at = (event.job, event.step)
        number = (0 if job is None else job.retests.get(event.step, 0)) - later.get(at, 0)
        later[at] = later.get(at, 0) + 1
        if event.cause in paid:
            found.append((paid[event.cause], f"{event.job}.{event.step}.{number}"))
    yield from reversed(found)


def _arrived(state: State, order: Order) -> bool:
    """Every part of the order is here."""
    return frozenset(order.arrived).issuperset(order.serials)


def _qa_accepted(state: State, order: Order) -> bool:
    """QA accepted the record of every part."""
    return _every_part(state, order, lambda job: bool(job.qa_by))


def _client_accepted(state: State, order: Order) -> bool:
    """The client approved the report of every part, or stayed silent under a clause that this client signed."""
    return _every_part(state, order, lambda job: _report_accepted(state, order, job))


def _every_part(state: State, order: Order, holds: Callable[[Job], bool]) -> bool:
    """Whether every serial is in a job, and every job that holds one of them is so far.

    A split job lives on in its sub-lots. A lot that is not accepted blocks, whatever became of another job on its part.
    """
    wanted = frozenset(order.serials)
    covered: list[str] = []
    for key in order.jobs:
        job = state.jobs.get(key)
        if job is None or job.status in OVER or wanted.isdisjoint(job.serials):
            continue
        if not holds(job):
            return False
        covered.extend(job.serials)
    return wanted.issubset(covered)


def _report_accepted(state: State, order: Order, job: Job) -> bool:
    report = state.reports.get(job.report)
    if report is None or report.order != order.id:
        return False
    if report.status == "approved":
        return True
    return report.status == "lapsed" and report.outcome == "deemed_accepted" and _silence_signed(order)


def _silence_signed(order: Order) -> bool:
    """Silence means acceptance only where this order's client signed that it does, under this very contract version."""
    return order.silence == "deemed_accepted" and any(
        (signed.org, signed.sha256, signed.on_silence) == (order.client, order.sha256, "deemed_accepted")
        for signed in order.acceptances
    )


_MILESTONES: Final[dict[str, Callable[[State, Order], bool]]] = {
    "arrival": _arrived,
    "qa_accepted": _qa_accepted,
    "client_accepted": _client_accepted,
}


def _payouts(state: State, library: Library, order: Order) -> Iterator[ev.PayoutReleased]:
    template = _template(library, order)
    rules, cap = library.payouts(template), library.cap(template)
    for key in order.jobs if rules else ():
        job = state.jobs.get(key)
        if job is None or job.status != "complete" or not (job.qa_by and job.compliance_by):
            continue
        due = [payout for rule in rules if _within(job, rule) for payout in _each_signer(order, job, rule)]
        yield from due if cap is None else _capped(due, cap - _paid(order, job, rules))


def _paid(order: Order, job: Job, rules: tuple[PayoutRule, ...]) -> int:
    """What a job has paid out so far (minor units)."""
    return sum(rule.amount_minor for rule in rules for payee in job.signers if _key(job, rule, payee) in order.fired)


def _capped(due: list[ev.PayoutReleased], left: int) -> Iterator[ev.PayoutReleased]:
    """As many of the payouts, in their order, as fit into what is left; one that does not fit is not paid in part."""
    for payout in due:
        if payout.amount_minor <= left:
            left -= payout.amount_minor
            yield payout


def _key(job: Job, rule: PayoutRule, payee: str) -> str:
    return f"payout:{job.id}:{rule.id}:{payee}"


def _within(job: Job, rule: PayoutRule) -> bool:
    """From the first start of all to the last completion is within the rule, inclusive."""
    return 0 < job.first_start_at <= job.last_done_at <= job.first_start_at + rule.within_s * SECOND_US


def _each_signer(order: Order, job: Job, rule: PayoutRule) -> Iterator[ev.PayoutReleased]:
    """The amount to everybody who signed a step, once; any other kind of payee is none that this law version pays."""
    for payee in job.signers if rule.payee == "each_signer" else ():
        if _key(job, rule, payee) not in order.fired:
            yield ev.PayoutReleased(
                order=order.id,
                job=job.id,
                rule=rule.id,
                payee=payee,
                amount_minor=rule.amount_minor,
                currency=rule.currency,
            )

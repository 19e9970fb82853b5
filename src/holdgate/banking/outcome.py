"""What a bank said, held against the order that it was given. What does not fit the order is listed, never dropped.

A result counts for a payment only where the bank names it as it was named to the bank: the message id and the end-to-end
id, or trace and identification number; and, where the bank repeats amount, count or sum, these have to be the order's.
"""

from typing import Final

from msgspec import Struct

from holdgate.banking import nacha, nacha_returns, pain001
from holdgate.banking.results import FAILED, PAID, Change, Group, Results, Said, Statement, Status
from holdgate.pay.payment import Payment, PaymentOrder, PaymentResult
from holdgate.terms import money

_STATEMENT: Final = "statement"


class Unmatched(Struct, frozen=True, kw_only=True):
    """Something that a bank said and that counts for nothing: `id` as it named it, and why."""

    id: str
    status: Status
    why: str
    reason: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """`results`: at most one for each payment of the order, in its order. `changes`: account data to correct, by payment id."""

    results: tuple[PaymentResult, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    changes: tuple[Change, ...] = ()


def settle(order: PaymentOrder, results: Results) -> Outcome:
    """What a pain.002, a file of returns or a statement (`of_statement`) says of an order's payments."""
    if results.kind == nacha_returns.KIND:
        return _returned(order, results)
    if results.kind == _STATEMENT:
        return _booked(order, results)
    return _reported(order, results)


def of_statement(statement: Statement) -> Results:
    """The transfers in a statement that are named by an end-to-end id: debited is paid, come back is failed."""
    said = [
        Said(
            id=out.id,
            status=FAILED if out.returned else PAID,
            reason=out.reason,
            amount_minor=out.amount_minor,
            currency=out.currency,
        )
        for out in statement.outgoing
        if out.id
    ]
    return Results(kind=_STATEMENT, id=statement.id, said=tuple(said))


def _reported(order: PaymentOrder, results: Results) -> Outcome:
    why = _other_message(order, results)
    if why:
        everything = [*results.said, *(Said(id=g.id, status=g.status, reason=g.reason) for g in _groups(results))]
        return Outcome(unmatched=tuple(_unmatched(said, why) for said in everything))
    known = {payment.id: payment for payment in order.payments}
    told: dict[str, Said] = {}
    lost: list[Unmatched] = []
    for said in results.said:
        why = _misfit(order, known.get(said.id), said)
        if why:
            lost.append(_unmatched(said, why))
        else:
            told[said.id] = said
    disputed = {one.id for one in lost}
    found = [
        _result(payment, told.get(payment.id), _groups(results))
        for payment in order.payments
        if payment.id in told or payment.id not in disputed
    ]
    return Outcome(results=tuple(one for one in found if one is not None), unmatched=tuple(lost))


def _groups(results: Results) -> list[Group]:
    """From the narrowest to the widest."""
    return [*results.batches, *([results.message] if results.message else [])]


def _other_message(order: PaymentOrder, results: Results) -> str:
    wanted = pain001.message_id(order)
    if results.original != wanted:
        return f"it answers the message {results.original!r}; this order's is {wanted!r}"
    total = sum(payment.amount_minor for payment in order.payments)
    for group in _groups(results):
        if group is not results.message and group.id != pain001.batch_id(order):
            return f"it names the batch {group.id!r}; this order's is {pain001.batch_id(order)!r}"
        if group.count is not None and group.count != len(order.payments):
            return f"it counts {group.count} payments; the order has {len(order.payments)}"
        if group.total and money.minor(group.total, order.currency) != total:
            return f"it names the sum {group.total}; the order comes to {money.show(total, order.currency)}"
    return ""


def _result(payment: Payment, said: Said | None, groups: list[Group]) -> PaymentResult | None:
    """What is said of the payment itself, else of its batch, else of the message; None where nothing is."""
    if said is not None:
        return PaymentResult(id=payment.id, status=said.status, reason=said.reason)
    group = next((group for group in groups if group.code), None)
    if group is None:
        return None
    return PaymentResult(id=payment.id, status=group.status, reason=group.reason)


def _returned(order: PaymentOrder, results: Results) -> Outcome:
    if order.debtor.account is None or not order.payments:
        return Outcome(unmatched=tuple(_unmatched(said, "the order has no ACH account") for said in results.said))
    known = dict(zip(nacha.traces(order), order.payments, strict=True))
    told: dict[str, PaymentResult] = {}
    lost: list[Unmatched] = []
    for said in results.said:
        payment = known.get(said.id)
        why = _misfit(order, payment, said) or _ident_misfit(payment, said.ident)
        if why or payment is None:
            lost.append(_unmatched(said, why))
        else:
            told[payment.id] = PaymentResult(id=payment.id, status=said.status, reason=said.reason)
    changes: list[Change] = []
    for change in results.changes:
        payment = known.get(change.id)
        if payment is None or _ident_misfit(payment, change.ident):
            lost.append(
                Unmatched(id=change.id, status=PAID, reason=change.code, why="a change of no payment of this order")
            )
        else:
            changes.append(Change(id=payment.id, ident=change.ident, code=change.code, corrected=change.corrected))
    ordered = tuple(told[payment.id] for payment in order.payments if payment.id in told)
    return Outcome(results=ordered, unmatched=tuple(lost), changes=tuple(changes))


def _booked(order: PaymentOrder, results: Results) -> Outcome:
    known = {payment.id: payment for payment in order.payments}
    told: dict[str, PaymentResult] = {}
    lost: list[Unmatched] = []
    seen: set[tuple[str, Status]] = set()
    for said in results.said:
        why = _misfit(order, known.get(said.id), said)
        if not why and (said.id, said.status) in seen:
            why = f"it is booked twice as {said.status}; ask the bank before anything else is paid"
        seen.add((said.id, said.status))
        if why:
            lost.append(_unmatched(said, why))
        elif said.id not in told or said.status == FAILED:  # what came back is failed, wherever it stands in the file
            told[said.id] = PaymentResult(id=said.id, status=said.status, reason=said.reason)
    ordered = tuple(told[payment.id] for payment in order.payments if payment.id in told)
    return Outcome(results=ordered, unmatched=tuple(lost))


def _misfit(order: PaymentOrder, payment: Payment | None, said: Said) -> str:
    if payment is None:
        return "no payment of this order has this id"
    if said.amount_minor is not None and (said.amount_minor, said.currency) != (payment.amount_minor, order.currency):
        told, due = money.show(said.amount_minor, said.currency), money.show(payment.amount_minor, order.currency)
        return f"the bank says {told}; ordered were {due}"
    return ""


def _ident_misfit(payment: Payment | None, said: str) -> str:
    if payment is None or said == nacha.ident(payment):
        return ""
    return f"it is of {said!r}; the payment was sent as {nacha.ident(payment)!r}"


def _unmatched(said: Said, why: str) -> Unmatched:
    return Unmatched(id=said.id, status=said.status, reason=said.reason, why=why)

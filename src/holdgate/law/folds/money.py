"""Parties, accounts, charges, settlements, disputes and payments: what they change; the sums are `holdgate.law.money`'s."""

from typing import Any, Final

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.money import book
from holdgate.law.state import State


def _charge_agreed(state: State, _: Library, e: ev.ChargeAgreed, at: int, ref: int) -> None:
    state.orders[e.order].charges[e.item] = e.charge


def _order_settled(state: State, _: Library, e: ev.OrderSettled, at: int, ref: int) -> None:
    """A void milestone is done with; any other one is invoiced by what follows."""
    order = state.orders[e.order]
    order.settlements[e.milestone] = e.amount_minor
    if not e.amount_minor:
        order.fired[f"invoice:{e.milestone}"] = ref


def _booked(state: State, _: Library, e: Any, at: int, ref: int) -> None:
    book(state.money, e, at, ref)


STEPS: Final[Steps] = {
    ev.ChargeAgreed: _charge_agreed,
    ev.OrderSettled: _order_settled,
    **dict.fromkeys(
        (
            ev.PartyRegistered,
            ev.AccountRegistered,
            ev.CreditNoteIssued,
            ev.InvoiceDisputed,
            ev.DisputeResolved,
            ev.PaymentReceived,
            ev.PaymentsOrdered,
            ev.PayoutPaid,
            ev.PayoutFailed,
            ev.PayoutReversed,
        ),
        _booked,
    ),
}

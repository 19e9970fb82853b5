"""What becomes true when people decide about money: outcomes, deciding nothing any more. Sums are `holdgate.law.money`'s."""

from collections.abc import Callable
from typing import Any, Final

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.terms.party import Account, Party, Tax

Events = tuple[ev.AnyEvent, ...]


def party(case: Case, m: c.RegisterParty) -> Events:
    """The organisation as it is registered; the shop's own where it is that."""
    account = Account(iban=m.iban, bic=m.bic, routing=m.routing, number=m.account)
    registered = Party(
        org=m.org,
        name=m.name,
        street=m.street,
        city=m.city,
        postal_code=m.postal_code,
        country=m.country,
        region=m.region,
        vat_id=m.vat_id,
        tax_id=m.tax_id,
        register_id=m.register_id,
        email=m.email,
        phone=m.phone,
        endpoint_scheme=m.endpoint_scheme,
        endpoint=m.endpoint,
        account=account if m.iban or m.routing else None,
        tax=Tax(category=m.tax_category, rate=m.tax_rate, reason=m.tax_reason) if m.tax_category else None,
        payment_days=m.payment_days,
    )
    return (ev.PartyRegistered(party=registered, by=case.actor.id, own=m.org == case.state.charter.org),)


def account(case: Case, m: c.RegisterAccount) -> Events:
    """Where somebody is paid."""
    return (ev.AccountRegistered(owner=m.owner, commitment=m.commitment, by=case.actor.id),)


def charge(case: Case, m: c.AgreeCharge) -> Events:
    """A charge that both agreed to; its invoice follows by itself."""
    return (ev.ChargeAgreed(order=m.order, charge=m.charge, item=m.item, by=case.actor.id),)


def settle(case: Case, m: c.SettleOrder) -> Events:
    """A milestone that is not reached any more; its invoice, if any, follows by itself."""
    return (ev.OrderSettled(order=m.order, milestone=m.milestone, amount_minor=m.amount_minor, by=case.actor.id),)


def dispute(case: Case, m: c.DisputeInvoice) -> Events:
    """The invoice is held."""
    return (ev.InvoiceDisputed(invoice=m.invoice, by=case.actor.id, reason=m.reason),)


def resolve(case: Case, m: c.ResolveDispute) -> Events:
    """The invoice is owed again, less what the two agreed on."""
    resolved = ev.DisputeResolved(invoice=m.invoice, credit_minor=m.credit_minor, by=case.actor.id)
    if not m.credit_minor:
        return (resolved,)
    return (resolved, ev.CreditNoteIssued(invoice=m.invoice, amount_minor=m.credit_minor, reason=m.reason))


def payments(case: Case, m: c.RecordPayments) -> Events:
    """Each payment, for its invoice."""
    return tuple(
        ev.PaymentReceived(
            invoice=one.invoice,
            amount_minor=one.amount_minor,
            currency=one.currency,
            bank_ref=one.bank_ref,
            booked_on=one.booked_on,
            by=case.actor.id,
        )
        for one in m.payments
    )


def run(case: Case, m: c.RunPayments) -> Events:
    """The bank is told to pay."""
    return (ev.PaymentsOrdered(run=m.run, payouts=m.payouts, currency=m.currency, pay_on=m.pay_on, by=case.actor.id),)


def results(_: Case, m: c.RecordResults) -> Events:
    """What became of each."""
    return tuple(
        ev.PayoutPaid(payout=one.payout, run=m.run)
        if one.status == "paid"
        else ev.PayoutFailed(payout=one.payout, run=m.run, reason=one.reason)
        for one in m.results
    )


def reverse(case: Case, m: c.ReversePayout) -> Events:
    """A counter-entry."""
    return (ev.PayoutReversed(payout=m.payout, by=case.actor.id, reason=m.reason),)


OUTCOMES: Final[dict[type[c.Command], Callable[[Case, Any], Events]]] = {
    c.RegisterParty: party,
    c.RegisterAccount: account,
    c.AgreeCharge: charge,
    c.SettleOrder: settle,
    c.DisputeInvoice: dispute,
    c.ResolveDispute: resolve,
    c.RecordPayments: payments,
    c.RunPayments: run,
    c.RecordResults: results,
    c.ReversePayout: reverse,
}

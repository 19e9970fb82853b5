"""Gates of money that people decide about: who signs, what is there to be decided, and that each thing happens once."""

from typing import Any, Final

import pytest

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Surcharge
from tests.builders import CLIENT, PO, World, hub
from tests.gate_cases import Pair, Row, case, checked, rows_of, two

SHA: Final = digest(b"account")
SURCHARGES: Final = (
    Surcharge(id="again", when="retest", cause="client_cause", amount_minor=7_000),
    Surcharge(id="express", when="agreed", amount_minor=5_000),
)


def billed() -> World:
    """A hub with an order whose first milestone was invoiced (I-000001)."""
    world = hub()
    world.release(surcharges=SURCHARGES)
    world.accepted().staged()
    item = world.order_template.billing[0]
    currency = world.order_template.currency
    return world.fold(ev.InvoiceIssued(order=PO, milestone=item.id, amount_minor=item.amount_minor, currency=currency))


def disputed() -> World:
    return billed().fold(ev.InvoiceDisputed(invoice="I-000001", by="BUYER", reason="r"))


def paid_out(*payees: str) -> World:
    """A hub with a payout for each of these (P-000001 …), whose accounts are on record."""
    world = billed()
    for payee in payees or ("TECH",):
        payout: dict[str, Any] = {"order": PO, "job": "J-1", "rule": "bonus", "payee": payee}
        world.fold(ev.PayoutReleased(**payout, amount_minor=1_500, currency="USD"))
        world.fold(ev.AccountRegistered(owner=payee, commitment=SHA, by="FIN"))
    return world


def ordered() -> World:
    """The payout is with the bank, in RUN-1."""
    world = paid_out()
    payouts = tuple(world.state.money.payables)
    return world.fold(ev.PaymentsOrdered(run="RUN-1", payouts=payouts, currency="USD", pay_on="2026-04-30", by="FIN"))


def line(world: World, **changes: Any) -> tuple[c.PaymentIn, ...]:
    bill = world.state.money.bills["I-000001"]
    usual: dict[str, Any] = {"bank_ref": "B-1", "invoice": "I-000001", "amount_minor": bill.open_minor}
    return (c.PaymentIn(**usual | {"currency": bill.currency, "booked_on": "2026-04-02"} | changes),)


def received(**changes: Any) -> Pair:
    """A payment with these changes, and as it should be."""
    world = billed()
    return (
        world.ask(c.RecordPayments, payments=line(world, **changes)),
        world.ask(c.RecordPayments, payments=line(world)),
    )


# ---- parties and accounts ------------------------------------------------------------------------------------------


@case("money.party_complete", "PARTY_INCOMPLETE")
def a_party_in_no_country() -> Pair:
    return two(hub(), c.RegisterParty, country="Germany")


@case("money.party_complete", "PARTY_INCOMPLETE")
def a_party_whose_account_has_a_wrong_digit() -> Pair:
    return two(hub(), c.RegisterParty, iban="DE89370400440532013001")


@case("money.party_complete", "PARTY_INCOMPLETE")
def a_party_with_a_tax_that_contradicts_itself() -> Pair:
    return two(hub(), c.RegisterParty, tax_category="S", tax_rate="0")


@case("money.second_person", "CONSENT_MISSING")
def a_party_that_one_person_registers() -> Pair:
    return two(hub(), c.RegisterParty, others=())


@case("money.second_person", "CONSENT_MISSING")
def a_payout_that_one_person_takes_back() -> Pair:
    return two(paid_out(), c.ReversePayout, others=())


@case("money.owner_signs", "CONSENT_MISSING")
def an_account_that_its_owner_does_not_sign() -> Pair:
    return two(hub(), c.RegisterAccount, by="PM")


@case("money.owner_signs", "CONSENT_MISSING")
def an_account_that_finance_does_not_sign() -> Pair:
    return two(hub(), c.RegisterAccount, others=())


@case("money.owner_signs", "PARTY_INCOMPLETE")
def an_account_in_clear() -> Pair:
    return two(hub(), c.RegisterAccount, commitment="DE89370400440532013000")


# ---- charges and settlements ---------------------------------------------------------------------------------------


@case("money.consent", "CONSENT_MISSING")
def a_charge_without_the_client() -> Pair:
    return two(billed(), c.AgreeCharge, others=())


@case("money.consent", "CONSENT_MISSING")
def a_settlement_with_another_client() -> Pair:
    world = billed()
    return two(world, c.SettleOrder, others=(("BUYER2", "client"),))


@case("money.consent", "CONSENT_MISSING")
def a_dispute_that_the_client_settles_with_itself() -> Pair:
    return two(disputed(), c.ResolveDispute, by="BUYER", others=())


@case("money.charge_known", "CHARGE_UNKNOWN")
def a_charge_that_is_in_no_price_list() -> Pair:
    return two(billed(), c.AgreeCharge, charge="weekend")


@case("money.charge_known", "CHARGE_UNKNOWN")
def a_charge_that_is_not_for_agreeing() -> Pair:
    return two(billed(), c.AgreeCharge, charge="again")


@case("money.charge_known", "ALREADY_DONE")
def a_charge_that_was_agreed_on() -> Pair:
    before = billed()
    after = before.copy()
    after.do(c.AgreeCharge)
    return after.ask(c.AgreeCharge), before.ask(c.AgreeCharge)


@case("money.settleable", "MILESTONE_UNKNOWN")
def a_milestone_that_is_in_no_terms() -> Pair:
    return two(billed(), c.SettleOrder, milestone="none")


@case("money.settleable", "ALREADY_DONE")
def a_milestone_that_was_invoiced() -> Pair:
    return two(billed(), c.SettleOrder, milestone="in")


@case("money.settleable", "MILESTONE_OPEN")
def a_milestone_of_a_job_that_goes_on() -> Pair:
    return billed().job().ask(c.SettleOrder), billed().ask(c.SettleOrder)


@case("money.settleable", "AMOUNT_REFUSED")
def a_settlement_for_more_than_it_is_worth() -> Pair:
    return two(billed(), c.SettleOrder, amount_minor=51)


@case("orders.same_currency", "TERMS_MISMATCH")
def an_amendment_in_another_currency() -> Pair:
    """What was invoiced in USD is amended to terms in EUR; and to the same terms once more."""
    world = billed()
    usual = world.order_template
    amends = world.ask(c.StageOrder, amendment=True)
    world.release(version="2", currency="EUR", payouts=())
    world.accepted()
    other = world.ask(c.StageOrder, amendment=True, version="2")
    before = billed()
    assert before.order_template == usual
    return other, amends._replace(world=before)


# ---- invoices ------------------------------------------------------------------------------------------------------


@case("money.invoice_known", "INVOICE_UNKNOWN")
def an_invoice_that_is_not_there() -> Pair:
    return two(billed(), c.DisputeInvoice, invoice="I-000002")


@case("money.invoice_known", "INVOICE_UNKNOWN")
def an_invoice_of_another_client() -> Pair:
    return two(billed(), c.DisputeInvoice, by="BUYER2")


@case("money.disputable", "ALREADY_DONE")
def an_invoice_in_dispute_already() -> Pair:
    return disputed().ask(c.DisputeInvoice), billed().ask(c.DisputeInvoice)


@case("money.disputable", "AMOUNT_REFUSED")
def an_invoice_that_was_credited_in_full() -> Pair:
    whole = ev.CreditNoteIssued(invoice="I-000001", amount_minor=20, reason="r")
    return billed().fold(whole).ask(c.DisputeInvoice), billed().ask(c.DisputeInvoice)


@case("money.resolvable", "INVOICE_NOT_DISPUTED")
def a_dispute_that_there_is_not() -> Pair:
    return billed().ask(c.ResolveDispute), disputed().ask(c.ResolveDispute)


@case("money.resolvable", "AMOUNT_REFUSED")
def a_credit_of_more_than_the_invoice() -> Pair:
    return two(disputed(), c.ResolveDispute, credit_minor=21)


@case("money.receivable", "INVOICE_UNKNOWN")
def a_payment_for_no_invoice() -> Pair:
    return received(invoice="I-000009")


@case("money.receivable", "AMOUNT_REFUSED")
def a_payment_in_another_currency() -> Pair:
    return received(currency="EUR")


@case("money.receivable", "AMOUNT_REFUSED")
def more_taken_back_than_was_paid() -> Pair:
    return received(amount_minor=-1)


@case("money.receivable", "AMOUNT_REFUSED")
def a_payment_without_a_date() -> Pair:
    return received(booked_on="2026-13-01")


@case("money.receivable", "AMOUNT_REFUSED")
def a_statement_without_payments() -> Pair:
    world = billed()
    return world.ask(c.RecordPayments, payments=()), world.ask(c.RecordPayments, payments=line(world))


@case("money.receivable", "ALREADY_DONE")
def a_payment_that_is_on_record() -> Pair:
    before = billed()
    wish = before.ask(c.RecordPayments, payments=line(before))
    after = before.copy()
    after.fold(*wish.decide().events)
    return after.ask(c.RecordPayments, payments=line(before)), wish


# ---- payouts -------------------------------------------------------------------------------------------------------


@case("money.payable", "ALREADY_DONE")
def a_run_that_was_ordered() -> Pair:
    return ordered().ask(c.RunPayments), paid_out().ask(c.RunPayments)


@case("money.payable", "PAYOUT_NOT_DUE")
def a_payout_that_is_with_the_bank() -> Pair:
    return ordered().ask(c.RunPayments, run="RUN-2"), paid_out().ask(c.RunPayments, run="RUN-2")


@case("money.payable", "PAYOUT_UNKNOWN")
def a_payout_that_is_not_there() -> Pair:
    return two(paid_out(), c.RunPayments, payouts=("P-000009",))


@case("money.payable", "AMOUNT_REFUSED")
def a_run_of_nothing() -> Pair:
    return two(paid_out(), c.RunPayments, payouts=())


@case("money.payable", "ACCOUNT_MISSING")
def a_payee_without_an_account() -> Pair:
    poor = paid_out()
    poor.state.money.accounts.clear()
    return poor.ask(c.RunPayments), paid_out().ask(c.RunPayments)


@case("money.run_signed", "CONSENT_MISSING")
def a_run_under_one_name() -> Pair:
    return two(paid_out(), c.RunPayments, others=())


@case("money.run_signed", "SELF_APPROVAL")
def a_run_that_pays_who_signs_it() -> Pair:
    return paid_out("CO").ask(c.RunPayments), paid_out().ask(c.RunPayments)


@case("money.results_fit", "PAYOUT_UNKNOWN")
def an_answer_to_a_run_that_there_is_not() -> Pair:
    return two(ordered(), c.RecordResults, run="RUN-9")


@case("money.results_fit", "PAYOUT_NOT_DUE")
def an_answer_that_says_nothing_a_bank_can_say() -> Pair:
    return two(ordered(), c.RecordResults, results=(c.PayoutResult(payout="P-000001", status="perhaps"),))


@case("money.results_fit", "AMOUNT_REFUSED")
def an_answer_about_nothing() -> Pair:
    return two(ordered(), c.RecordResults, results=())


@case("money.reversible", "PAYOUT_UNKNOWN")
def a_payout_taken_back_that_is_not_there() -> Pair:
    return two(paid_out(), c.ReversePayout, payout="P-000009")


@case("money.reversible", "PAYOUT_NOT_DUE")
def a_payout_taken_back_from_the_bank() -> Pair:
    return ordered().ask(c.ReversePayout), paid_out().ask(c.ReversePayout)


@case("money.reversible", "PAYOUT_NOT_DUE")
def a_payout_taken_back_twice() -> Pair:
    world = paid_out()
    back = world.copy().fold(ev.PayoutReversed(payout="P-000001", by="FIN", reason="paid by mistake"))
    return back.ask(c.ReversePayout), world.ask(c.ReversePayout)


@case("money.reversible", "SELF_APPROVAL")
def a_payout_taken_back_by_its_payee() -> Pair:
    return paid_out("FIN").ask(c.ReversePayout), paid_out().ask(c.ReversePayout)


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)


def test_a_client_is_known_by_its_organisation() -> None:
    assert billed().state.money.bills["I-000001"].client == CLIENT

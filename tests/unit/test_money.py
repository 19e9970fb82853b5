"""Money that people decide about: who signs, what is refused, and what the books say afterwards."""

from typing import Any

import pytest

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.money import tax_of
from tests.builders import CLIENT, PO, Asked, hub
from tests.unit.test_gates_money import billed, line, ordered, paid_out

TAXED: dict[str, Any] = {"tax_category": "S", "tax_rate": "19"}


def codes(asked: Asked) -> tuple[str, ...]:
    return asked.decide().codes


# ---- parties and accounts ------------------------------------------------------------------------------------------


def test_two_people_register_an_organisation_and_it_is_the_shop_where_it_is() -> None:
    world = hub()
    world.do(c.RegisterParty)
    assert world.state.money.own == ""
    world.do(c.RegisterParty, org=world.state.charter.org)
    assert world.state.money.own == world.state.charter.org


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"country": "de"},
        {"country": "Germany"},
        {"payment_days": 366},
        {"iban": "DE89370400440532013001"},
        {"iban": "DE89 3704 0044 0532 0130 00"},
        {"routing": "021000022", "account": "1"},
        {"routing": "021000021"},
        {"iban": "DE89370400440532013000", "routing": "021000021", "account": "1"},
        {"tax_category": "X"},
        {"tax_category": "S", "tax_rate": "0"},
        {"tax_category": "S", "tax_rate": "101"},
        {"tax_category": "S", "tax_rate": "19.00001"},
        {"tax_category": "AE", "tax_reason": ""},
        {"tax_category": "AE", "tax_rate": "19", "tax_reason": "reverse charge"},
    ],
)
def test_an_organisation_that_no_invoice_could_name_is_refused(wrong: dict[str, Any]) -> None:
    assert set(codes(hub().ask(c.RegisterParty, **wrong))) == {"PARTY_INCOMPLETE"}


@pytest.mark.parametrize(
    "right",
    [
        {"iban": "DE89370400440532013000", "bic": "COBADEFFXXX"},
        {"routing": "021000021", "account": "000123456789"},
        {"tax_category": "AE", "tax_rate": "0", "tax_reason": "reverse charge"},
        {"tax_category": "S", "tax_rate": "8.875"},
    ],
)
def test_accounts_and_taxes_in_their_right_form_are_taken(right: dict[str, Any]) -> None:
    assert hub().ask(c.RegisterParty, **right).decide().allowed


def test_one_person_alone_registers_no_organisation() -> None:
    assert codes(hub().ask(c.RegisterParty, others=())) == ("CONSENT_MISSING",)


def test_a_persons_account_is_registered_by_that_person_and_finance() -> None:
    world = hub()
    world.do(c.RegisterAccount)
    assert world.state.money.accounts == {"TECH": digest(b"account")}
    assert codes(world.ask(c.RegisterAccount, others=())) == ("CONSENT_MISSING",)
    assert codes(world.ask(c.RegisterAccount, by="PM")) == ("CONSENT_MISSING",)
    assert codes(world.ask(c.RegisterAccount, commitment="DE89")) == ("PARTY_INCOMPLETE",)


def test_finance_does_not_register_its_own_account_alone() -> None:
    asked = hub().ask(c.RegisterAccount, by="FIN", owner="FIN", others=())
    assert codes(asked) == ("CONSENT_MISSING",)


# ---- charges and settlements ---------------------------------------------------------------------------------------


def test_a_charge_of_the_price_list_is_agreed_on_by_both_and_once() -> None:
    world = billed()
    world.do(c.AgreeCharge)
    assert world.state.orders[PO].charges == {"X-1": "express"}
    assert codes(world.ask(c.AgreeCharge)) == ("ALREADY_DONE",)
    assert codes(world.ask(c.AgreeCharge, item="X-2", others=())) == ("CONSENT_MISSING",)
    assert codes(world.ask(c.AgreeCharge, item="X-2", charge="again")) == ("CHARGE_UNKNOWN",)


def test_a_milestone_that_can_still_be_reached_is_not_settled() -> None:
    world = billed()
    last = world.order_template.billing[-1]
    wish: dict[str, Any] = {"milestone": last.id, "amount_minor": last.amount_minor}
    running = world.copy().job()
    assert codes(running.ask(c.SettleOrder, **wish)) == ("MILESTONE_OPEN",)
    assert codes(world.ask(c.SettleOrder, **wish | {"amount_minor": last.amount_minor + 1})) == ("AMOUNT_REFUSED",)
    assert codes(world.ask(c.SettleOrder, **wish | {"amount_minor": -1})) == ("AMOUNT_REFUSED",)
    assert codes(world.ask(c.SettleOrder, milestone="none", amount_minor=0)) == ("MILESTONE_UNKNOWN",)
    first = world.order_template.billing[0].id
    assert codes(world.ask(c.SettleOrder, milestone=first, amount_minor=0)) == ("ALREADY_DONE",)
    assert codes(world.ask(c.SettleOrder, **wish, others=())) == ("CONSENT_MISSING",)
    world.do(c.SettleOrder, **wish)
    assert world.state.orders[PO].settlements == {last.id: last.amount_minor}


def test_a_void_milestone_is_done_with() -> None:
    world = billed()
    last = world.order_template.billing[-1].id
    world.do(c.SettleOrder, milestone=last, amount_minor=0)
    assert f"invoice:{last}" in world.state.orders[PO].fired


# ---- disputes ------------------------------------------------------------------------------------------------------


def test_a_disputed_invoice_is_held_until_both_agree_and_is_corrected_by_a_credit_note() -> None:
    world = billed()
    bill = world.state.money.bills["I-000001"]
    world.do(c.DisputeInvoice)
    assert bill.disputed
    assert bill.held_minor == bill.open_minor
    assert codes(world.ask(c.DisputeInvoice)) == ("ALREADY_DONE",)
    assert codes(world.ask(c.ResolveDispute, others=())) == ("CONSENT_MISSING",)
    assert codes(world.ask(c.ResolveDispute, credit_minor=bill.net_minor + 1)) == ("AMOUNT_REFUSED",)
    world.do(c.ResolveDispute, credit_minor=bill.net_minor)
    assert not bill.disputed
    assert bill.open_minor == 0
    assert world.state.money.bills["C-000001"].corrects == "I-000001"
    assert codes(world.ask(c.ResolveDispute)) == ("INVOICE_NOT_DISPUTED",)
    assert codes(world.ask(c.DisputeInvoice)) == ("AMOUNT_REFUSED",)


def test_another_client_cannot_tell_whether_an_invoice_is_there() -> None:
    world = billed()
    world.fold(ev.IdentityEnrolled(id="OTHER", name="O", org="OTHER", kind="person", key=bytes(32), roles=("client",)))
    there, nowhere = (world.ask(c.DisputeInvoice, by="OTHER", invoice=name) for name in ("I-000001", "I-000002"))
    assert codes(there) == codes(nowhere) == ("INVOICE_UNKNOWN",)


def test_a_credit_note_is_not_disputed() -> None:
    world = billed().fold(ev.CreditNoteIssued(invoice="I-000001", amount_minor=10, reason="r"))
    assert codes(world.ask(c.DisputeInvoice, invoice="C-000001")) == ("INVOICE_UNKNOWN",)


# ---- payments in ---------------------------------------------------------------------------------------------------


def test_a_payment_counts_once_by_the_banks_reference() -> None:
    world = billed()
    first = line(world)
    world.do(c.RecordPayments, payments=first)
    assert world.state.money.bills["I-000001"].open_minor == 0
    assert codes(world.ask(c.RecordPayments, payments=first)) == ("ALREADY_DONE",)
    assert codes(world.ask(c.RecordPayments, payments=line(world, bank_ref="B-2", amount_minor=1) * 2)) == (
        "ALREADY_DONE",
    )


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"invoice": "I-000009"}, "INVOICE_UNKNOWN"),
        ({"currency": "XXX"}, "AMOUNT_REFUSED"),
        ({"amount_minor": 0}, "AMOUNT_REFUSED"),
        ({"amount_minor": -1}, "AMOUNT_REFUSED"),
        ({"bank_ref": " "}, "AMOUNT_REFUSED"),
        ({"booked_on": "2026-13-01"}, "AMOUNT_REFUSED"),
    ],
)
def test_a_payment_that_fits_no_invoice_is_refused(wrong: dict[str, Any], code: str) -> None:
    world = billed()
    assert codes(world.ask(c.RecordPayments, payments=line(world, **wrong))) == (code,)


def test_what_was_paid_can_be_taken_back_and_is_owed_again() -> None:
    world = billed()
    whole = world.state.money.bills["I-000001"].open_minor
    world.do(c.RecordPayments, payments=line(world))
    world.do(c.RecordPayments, payments=line(world, bank_ref="B-2", amount_minor=-whole))
    assert world.state.money.bills["I-000001"].open_minor == whole


# ---- payouts -------------------------------------------------------------------------------------------------------


def test_a_payout_is_with_the_bank_once_and_again_only_after_it_failed() -> None:
    world = paid_out()
    world.do(c.RunPayments)
    assert codes(world.ask(c.RunPayments)) == ("ALREADY_DONE", "PAYOUT_NOT_DUE")
    assert codes(world.ask(c.RunPayments, run="RUN-2")) == ("PAYOUT_NOT_DUE",)
    failed = (c.PayoutResult(payout="P-000001", status="failed", reason="AC04"),)
    world.do(c.RecordResults, results=failed)
    assert codes(world.ask(c.RecordResults, results=failed)) == ("PAYOUT_NOT_DUE",)
    world.do(c.RunPayments, run="RUN-2")
    world.do(c.RecordResults, run="RUN-2")
    assert world.state.money.payables["P-000001"].status == "paid"
    assert codes(world.ask(c.RunPayments, run="RUN-3")) == ("PAYOUT_NOT_DUE",)


def test_what_came_back_after_it_was_paid_is_owed_again() -> None:
    world = ordered()
    world.do(c.RecordResults)
    world.do(c.RecordResults, results=(c.PayoutResult(payout="P-000001", status="failed", reason="R03"),))
    assert world.state.money.payables["P-000001"].status == "failed"


def test_two_people_sign_a_payment_run_and_none_of_them_is_paid_by_it() -> None:
    assert codes(paid_out().ask(c.RunPayments, others=())) == ("CONSENT_MISSING",)
    assert codes(paid_out("FIN").ask(c.RunPayments)) == ("SELF_APPROVAL",)
    assert codes(paid_out("CO").ask(c.RunPayments)) == ("SELF_APPROVAL",)
    assert codes(paid_out("TECH").ask(c.RunPayments, by="PM", role="project_manager")) == ("ROLE_NOT_AUTHORISED",)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"payouts": ("P-000002",)}, "PAYOUT_UNKNOWN"),
        ({"payouts": ()}, "AMOUNT_REFUSED"),
        ({"payouts": ("P-000001", "P-000001")}, "AMOUNT_REFUSED"),
        ({"currency": "EUR"}, "AMOUNT_REFUSED"),
        ({"pay_on": "tomorrow"}, "AMOUNT_REFUSED"),
    ],
)
def test_a_payment_run_that_does_not_hold_together_is_refused(wrong: dict[str, Any], code: str) -> None:
    assert codes(paid_out().ask(c.RunPayments, **wrong)) == (code,)


def test_nobody_is_paid_whose_account_is_not_on_record() -> None:
    world = paid_out()
    world.state.money.accounts.clear()
    assert codes(world.ask(c.RunPayments)) == ("ACCOUNT_MISSING",)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"run": "RUN-9"}, "PAYOUT_UNKNOWN"),
        ({"results": ()}, "AMOUNT_REFUSED"),
        ({"results": (c.PayoutResult(payout="P-000002", status="paid"),)}, "PAYOUT_UNKNOWN"),
        ({"results": (c.PayoutResult(payout="P-000001", status="perhaps"),)}, "PAYOUT_NOT_DUE"),
    ],
)
def test_a_banks_answer_that_fits_no_run_is_refused(wrong: dict[str, Any], code: str) -> None:
    assert codes(ordered().ask(c.RecordResults, **wrong)) == (code,)


def test_a_late_answer_to_an_earlier_run_does_not_touch_the_next_try() -> None:
    world = ordered()
    failed = (c.PayoutResult(payout="P-000001", status="failed", reason="AC04"),)
    world.do(c.RecordResults, results=failed)
    world.do(c.RunPayments, run="RUN-2")
    assert codes(world.ask(c.RecordResults, results=failed)) == ("PAYOUT_NOT_DUE",)


def test_a_payout_is_taken_back_by_two_and_not_while_it_is_with_the_bank() -> None:
    assert codes(ordered().ask(c.ReversePayout)) == ("PAYOUT_NOT_DUE",)
    assert codes(paid_out().ask(c.ReversePayout, others=())) == ("CONSENT_MISSING",)
    assert codes(paid_out("CO").ask(c.ReversePayout)) == ("SELF_APPROVAL",)
    assert codes(paid_out().ask(c.ReversePayout, payout="P-000009")) == ("PAYOUT_UNKNOWN",)
    world = paid_out()
    world.do(c.ReversePayout)
    assert codes(world.ask(c.ReversePayout)) == ("PAYOUT_NOT_DUE",)
    assert codes(world.ask(c.RunPayments)) == ("PAYOUT_NOT_DUE",)


# ---- taxes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "rate", "tax"),
    [
        (10_000, "19", 1_900),
        (50, "19", 10),
        (5, "10", 1),
        (4, "10", 0),
        (-5, "10", -1),
        (1, "0", 0),
        (12_345, "8.875", 1_096),
    ],
)
def test_tax_is_rounded_half_a_cent_away_from_zero(net: int, rate: str, tax: int) -> None:
    assert tax_of(net, rate) == tax


def test_an_invoice_is_taxed_when_its_client_is_registered_and_keeps_its_tax() -> None:
    world = billed()
    bill = world.state.money.bills["I-000001"]
    assert bill.tax is None
    world.do(c.RegisterParty, org=CLIENT, **TAXED)
    assert bill.tax_minor == tax_of(bill.net_minor, "19")
    world.do(c.RegisterParty, org=CLIENT, tax_category="S", tax_rate="7")
    assert bill.tax_minor == tax_of(bill.net_minor, "19")
    assert bill.buyer == f"{CLIENT}/1"


def test_credit_notes_take_back_the_invoices_tax_to_the_cent() -> None:
    world = billed()
    world.do(c.RegisterParty, org=CLIENT, **TAXED)
    bill = world.state.money.bills["I-000001"]
    for part in (1, 1, 1, bill.net_minor - 3):
        world.fold(ev.CreditNoteIssued(invoice="I-000001", amount_minor=part, reason="r"))
    notes = [note for note in world.state.money.bills.values() if note.corrects]
    assert sum(note.tax_minor for note in notes) == bill.tax_minor
    assert bill.open_minor == 0


@pytest.mark.parametrize("days", [0, 365])
def test_a_party_pays_at_once_or_within_a_year(days: int) -> None:
    world = hub()
    world.do(c.RegisterParty, payment_days=days)
    assert world.state.money.parties[world.state.money.party[CLIENT]].payment_days == days


def test_an_order_that_is_staged_twice_is_not_told_about_the_currency() -> None:
    world = billed()
    world.release(version="2", currency="EUR", payouts=())
    world.accepted()
    assert "TERMS_MISMATCH" not in codes(world.ask(c.StageOrder, version="2"))

"""The books as they are read from a ledger: documents, what is owed, payment orders, and what bank files are matched with."""

import csv
import io
import re
from typing import Any

import pytest

from holdgate.law import event as ev
from holdgate.law.money import BANK, Money
from holdgate.pay.books import Books, Payee, balances_of, end_to_end_id, invoice_of, missing_for, owed, payment_order
from holdgate.pay.export import accounting_csv, beancount, trial_balance
from holdgate.pay.matching import incoming, outgoing
from holdgate.pay.payment import PaymentResult, Receipt
from holdgate.terms.errors import Unavailable
from holdgate.terms.party import Account, Party, Tax

DAY_US = 86_400_000_000
IBAN = "DE89370400440532013000"


def day(at: int) -> str:
    return f"2026-04-{1 + at // DAY_US:02d}"


def party(org: str, **more: Any) -> Party:
    usual: dict[str, Any] = {"name": f"{org} GmbH", "street": "Weg 1", "city": "Ulm", "postal_code": "89073"}
    return Party(org=org, country="DE", **usual | more)


STAGED = ev.OrderStaged(
    order="PO-1", contract="VT", version="2", sha256="a" * 64, node="N", client="AERO", part_no="P", rev="A",
    serials=("S",), documents=(), policy="full", evidence=(), buffer_max_us=0, body="b", silence="escalate",
)  # fmt: skip
INVOICE = ev.InvoiceIssued(order="PO-1", milestone="final", amount_minor=10_001, currency="EUR")
PAYOUT = ev.PayoutReleased(order="PO-1", job="J-1", rule="bonus", payee="TECH", amount_minor=2_500, currency="EUR")
ACCOUNT = ev.AccountRegistered(owner="TECH", commitment="salted-" + "0" * 64, by="TECH")


def registered(org: str, *, own: bool = False, **more: Any) -> ev.PartyRegistered:
    return ev.PartyRegistered(party=party(org, **more), by="FIN", own=own)


def ordered(run: str) -> ev.PaymentsOrdered:
    return ev.PaymentsOrdered(run=run, payouts=("P-000001",), currency="EUR", pay_on="2026-04-03", by="FIN")


def books(*entries: tuple[ev.AnyEvent, ...]) -> Books:
    read = Books(money=Money(), site="HUB")
    for ref, events in enumerate(entries):
        read.take(ref * DAY_US, ref, events)
        read.digests[ref] = f"{ref:064x}"
    return read


def whole(*more: tuple[ev.AnyEvent, ...]) -> Books:
    own = registered("LAB", own=True, account=Account(iban=IBAN))
    client = registered("AERO", tax=Tax(category="S", rate="19"), payment_days=14)
    return books((own,), (client,), (STAGED,), (INVOICE,), (PAYOUT, ACCOUNT), *more)


def test_an_invoice_is_the_same_document_later_whatever_was_registered_since() -> None:
    first = invoice_of(whole(), "I-000001", day)
    moved = registered("AERO", street="Other Street 9", tax=Tax(category="S", rate="7"))
    assert invoice_of(whole((moved,)), "I-000001", day) == first
    assert (first.net_minor, first.tax_minor, first.gross_minor) == (10_001, 1_900, 11_901)
    assert (first.issued_on, first.due_on, first.entry) == ("2026-04-04", "2026-04-18", "HUB/3")
    assert first.order == "PO-1"
    assert "VT rev 2" in first.lines[0].text


def test_what_is_missing_is_named_before_an_invoice_is_written() -> None:
    bare = books((STAGED,), (INVOICE,))
    bill = bare.money.bills["I-000001"]
    assert len(missing_for(bare, bill)) == 2
    with pytest.raises(Unavailable, match="AERO is not registered"):
        invoice_of(bare, "I-000001", day)
    untaxed = books((STAGED,), (INVOICE,), (registered("LAB", own=True),), (registered("AERO"),))
    assert missing_for(untaxed, untaxed.money.bills["I-000001"]) == (
        "how AERO is taxed is not registered (party.register, tax category)",
    )
    with pytest.raises(Unavailable, match="no invoice I-000009"):
        invoice_of(bare, "I-000009", day)


def test_a_credit_note_names_the_invoice_and_its_date_and_is_due_at_once() -> None:
    read = whole((ev.CreditNoteIssued(invoice="I-000001", amount_minor=1, reason="r"),))
    note = invoice_of(read, "C-000001", day)
    assert (note.kind, note.corrects, note.corrected_on) == ("credit_note", "I-000001", "2026-04-04")
    assert note.due_on == note.issued_on


@pytest.mark.parametrize(
    ("today", "more", "status"),
    [
        ("2026-04-18", (), "open"),
        ("2026-04-19", (), "overdue"),
        ("2026-04-19", (ev.InvoiceDisputed(invoice="I-000001", by="C", reason="r"),), "disputed"),
    ],
)
def test_an_invoice_is_overdue_the_day_after_it_was_due_unless_it_is_disputed(
    today: str, more: tuple[ev.AnyEvent, ...], status: str
) -> None:
    (row,) = owed(whole(more), today, day)
    assert (row.status, row.due_on) == (status, "2026-04-18")


def paid(amount: int) -> ev.PaymentReceived:
    return ev.PaymentReceived(
        invoice="I-000001", amount_minor=amount, currency="EUR", bank_ref=f"B{amount}", booked_on="2026-04-05", by="FIN"
    )


def test_what_is_paid_is_not_owed_and_what_is_overpaid_says_so() -> None:
    assert owed(whole((paid(11_901),)), "2026-05-01", day) == ()
    (over,) = owed(whole((paid(11_902),)), "2026-05-01", day)
    assert (over.status, over.open_minor) == ("overpaid", -1)


# ---- payment runs --------------------------------------------------------------------------------------------------

PAYEES = {"TECH": Payee(name="T. Echnik", account=Account(iban=IBAN))}


def test_a_payment_order_is_the_same_later_and_each_try_has_an_id_of_its_own() -> None:
    failed = ev.PayoutFailed(payout="P-000001", run="R1", reason="AC04")
    read = whole((ordered("R1"),), (failed,), (ordered("R2"),))
    first, second = (payment_order(read, run, PAYEES) for run in ("R1", "R2"))
    assert payment_order(whole((ordered("R1"),)), "R1", PAYEES) == first
    assert [one.payments[0].id for one in (first, second)] == ["P-000001-1", "P-000001-2"]
    assert first.digest != second.digest
    assert (first.debtor.org, first.payments[0].amount_minor) == ("LAB", 2_500)


def test_a_run_pays_from_and_to_the_accounts_that_its_signers_saw_whatever_is_registered_afterwards() -> None:
    before = whole((ordered("R1"),))
    other = ev.AccountRegistered(owner="TECH", commitment="salted-" + "1" * 64, by="TECH")
    moved = registered("LAB", own=True, account=Account(iban="GB82WEST12345698765432"))
    after = whole((ordered("R1"),), (other,), (moved,))
    assert after.money.runs["R1"].accounts == {"TECH": ACCOUNT.commitment}
    assert payment_order(after, "R1", PAYEES) == payment_order(before, "R1", PAYEES)


def test_no_payment_order_is_made_without_every_account() -> None:
    read = whole((ordered("R1"),))
    with pytest.raises(Unavailable, match="account of TECH"):
        payment_order(read, "R1", {})
    with pytest.raises(Unavailable, match="no payment run R9"):
        payment_order(read, "R9", PAYEES)
    poor = books((STAGED,), (PAYOUT, ACCOUNT), (ordered("R1"),))
    with pytest.raises(Unavailable, match="own account"):
        payment_order(poor, "R1", PAYEES)


def test_a_late_answer_to_the_first_try_says_nothing_of_the_second() -> None:
    failed = ev.PayoutFailed(payout="P-000001", run="R1", reason="AC04")
    read = whole((ordered("R1"),), (failed,), (ordered("R2"),))
    late = outgoing(read, "R1", [PaymentResult(id=end_to_end_id(read, "R1", "P-000001"), status="failed")])
    assert late.results == ()
    assert [one.ref for one in late.unmatched] == ["P-000001-1"]
    now = outgoing(read, "R2", [PaymentResult(id="P-000001-2", status="paid"), PaymentResult(id="X", status="paid")])
    assert [(one.payout, one.status) for one in now.results] == [("P-000001", "paid")]
    assert [one.ref for one in now.unmatched] == ["X"]
    assert outgoing(read, "R2", [PaymentResult(id="P-000001-2", status="pending")]).results == ()


# ---- payments that came in -----------------------------------------------------------------------------------------


def receipt(ref: str, text: str, **more: Any) -> Receipt:
    usual: dict[str, Any] = {"amount_minor": 11_901, "currency": "EUR", "booked_on": "2026-04-05", "text": text}
    return Receipt(ref=ref, **usual | more)


def test_a_receipt_pays_the_one_invoice_that_it_names() -> None:
    found = incoming(whole(), [receipt("B1", "thanks, I-000001!"), receipt("B2", "", invoices=("I-000001",))])
    assert [(one.bank_ref, one.invoice) for one in found.payments] == [("B1", "I-000001"), ("B2", "I-000001")]
    assert found.unmatched == ()


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("for your work", {}, "it names no invoice of this shop"),
        ("XI-000001", {}, "it names no invoice of this shop"),
        ("I-000002", {}, "it names no invoice of this shop"),
        ("I-000001", {"currency": "USD"}, "I-000001 is in EUR, this is USD"),
    ],
)
def test_a_receipt_that_fits_no_invoice_is_told(text: str, more: dict[str, Any], why: str) -> None:
    found = incoming(whole(), [receipt("B1", text, **more)])
    assert found.payments == ()
    assert [(one.ref, one.why) for one in found.unmatched] == [("B1", why)]


def test_a_receipt_that_is_on_record_is_left_out_when_statements_overlap() -> None:
    found = incoming(whole((paid(11_901),)), [receipt("B11901", "I-000001")])
    assert found == ((), ())


def test_a_receipt_for_two_invoices_is_divided_by_a_person() -> None:
    again = ev.InvoiceIssued(order="PO-1", milestone="mid", amount_minor=1, currency="EUR")
    found = incoming(whole((again,)), [receipt("B1", "I-000001 and I-000002")])
    assert [one.why for one in found.unmatched] == ["it names I-000001, I-000002; divide it by hand"]


# ---- exports -------------------------------------------------------------------------------------------------------


def test_text_of_a_bank_is_no_formula_no_directive_and_no_new_line() -> None:
    evil = ev.PaymentReceived(
        invoice="I-000001", amount_minor=1, currency="EUR", bank_ref='=1"\n2026-01-01 open Assets:Evil', booked_on="2026-04-05",
        by="FIN",
    )  # fmt: skip
    read = whole((evil,))
    assert "\n2026-01-01 open" not in beancount(read, day)
    rows = accounting_csv(read, day).split("\n")
    assert not any(cell.startswith(('"=', '"+', '"@')) for row in rows for cell in row.split(","))


def test_quotes_and_backslashes_of_a_bank_come_back_as_they_were() -> None:
    evil = ev.PaymentReceived(
        invoice="I-000001", amount_minor=1, currency="EUR", bank_ref='a "b" \\ c\\', booked_on="2026-04-05", by="FIN"
    )  # fmt: skip
    texts = re.findall(r'"((?:[^"\\]|\\.)*)"', beancount(whole((evil,)), day))
    assert any('a "b" \\ c\\' in re.sub(r"\\(.)", r"\1", text) for text in texts)


def test_quotes_of_a_bank_are_doubled_in_the_table() -> None:
    paid = ev.PaymentReceived(
        invoice="I-000001", amount_minor=1, currency="EUR", bank_ref='a "b" c', booked_on="2026-04-05", by="FIN"
    )
    cells = [cell for row in csv.reader(io.StringIO(accounting_csv(whole((paid,)), day))) for cell in row]
    assert any('a "b" c' in cell for cell in cells)


def test_the_trial_balance_ends_in_nothing() -> None:
    assert trial_balance(whole()).splitlines()[-1].split() == ["sum", "0.00", "EUR"]


def test_what_was_paid_left_what_the_client_owes_and_is_at_the_bank() -> None:
    paid = ev.PaymentReceived(
        invoice="I-000001", amount_minor=4_000, currency="EUR", bank_ref="B-1", booked_on="2026-04-04", by="FIN"
    )
    read = whole((paid,))
    now = balances_of(read.money)
    assert now == {key: amount for key, amount in read.balances().items() if amount}
    assert now[BANK, "EUR"] == 4_000


PAID = ev.PayoutPaid(payout="P-000001", run="R1")
FAILED = ev.PayoutFailed(payout="P-000001", run="R1", reason="AC04")
TAKEN_BACK = ev.PayoutReversed(payout="P-000001", by="FIN", reason="twice")


@pytest.mark.parametrize(
    ("since", "accounts"),
    [
        ((), ("Liabilities Payouts TECH",)),
        ((ordered("R1"),), ("Liabilities Ordered TECH",)),
        ((ordered("R1"), PAID), ("Assets Bank",)),
        ((ordered("R1"), FAILED), ("Liabilities Payouts TECH",)),
        ((ordered("R1"), PAID, FAILED), ("Liabilities Payouts TECH",)),
        ((TAKEN_BACK,), ()),
        ((ordered("R1"), PAID, TAKEN_BACK), ("Assets Bank", "Assets Claims TECH")),
    ],
    ids=["released", "ordered", "paid", "failed", "sent back", "reversed", "paid and reversed"],
)
def test_a_payout_stands_on_one_account_of_its_payee_whatever_became_of_it(
    since: tuple[ev.AnyEvent, ...], accounts: tuple[str, ...]
) -> None:
    read = whole(*((event,) for event in since))
    now = balances_of(read.money)
    assert now == {key: amount for key, amount in read.balances().items() if amount}
    held = [" ".join(account) for account, _ in now if "TECH" in account or account == BANK]
    assert tuple(held) == accounts

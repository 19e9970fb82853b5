"""Books in the browser: what stands on them and what can be done about it, over a played shop with more money folded in."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.demo.shop import CLIENT, PLANNER, TECHNICIAN
from holdgate.law import event as ev
from holdgate.law import options as law_options
from holdgate.law.decide import decide
from holdgate.law.money import Agreed, Money, book
from holdgate.pay.books import Books, balances_of
from holdgate.pay.invoice import Invoice
from holdgate.terms.instant import SECOND_US
from holdgate.terms.party import Party, Tax
from holdgate.web.billing import Billing, Unwritten, Written
from holdgate.web.bills import bill_row, settling
from holdgate.web.page import View
from holdgate.web.pages import account, books, client, organisations, payouts
from holdgate.web.paging import ROWS
from holdgate.web.problem import Problem
from tests import hub_shop as hub

DAY_US: Final = 86_400 * SECOND_US
FIN: Final = hub.FINANCE


def told(office: hub.Office, *events: ev.AnyEvent) -> None:
    """Money that went on: folded as the law folds it, some entries after the last one."""
    for event in events:
        book(office.face.state.money, event, office.now - DAY_US, office.face.size - 1)


def invoiced(order: str, amount: int = 50_000, item: str = "receipt") -> ev.InvoiceIssued:
    return ev.InvoiceIssued(order=order, milestone=item, amount_minor=amount, currency="USD")


def paid(invoice: str, amount: int, ref: str) -> ev.PaymentReceived:
    fields = {"bank_ref": ref, "booked_on": "2026-04-30", "by": FIN}
    return ev.PaymentReceived(invoice=invoice, amount_minor=amount, currency="USD", **fields)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hub.Office]:
    """I-000001 (the story's) is open, I-000002 settled, 3 overpaid, 4 disputed, 5 credited in part; 6 is BORA's."""
    hub.played()
    with hub.office(tmp_path_factory.mktemp("books")) as found:
        told(found, *(invoiced(hub.EXCEPTIONS, item=f"part-{n}") for n in range(4)))
        told(found, paid("I-000002", 50_000, "B-1"), paid("I-000003", 60_000, "B-2"))
        told(found, ev.InvoiceDisputed(invoice="I-000004", by=CLIENT, reason="two parts were not tested"))
        told(found, ev.CreditNoteIssued(invoice="I-000005", amount_minor=20_000, reason="rebate"))
        told(found, invoiced(hub.REPORTED))
        yield found


def later(view: View, days: int) -> View:
    """The same look, days later."""
    return view._replace(asker=replace(view.asker, now=view.asker.now + days * DAY_US))


# ---- invoices ------------------------------------------------------------------------------------------------------


def test_each_invoice_stands_as_its_payments_credits_and_disputes_say(office: hub.Office) -> None:
    rows = {row.number: row for row in books.invoices(office.view(FIN)).rows}
    stands = {number: (row.status, row.left) for number, row in rows.items()}
    assert stands == {
        "I-000006": ("open", "500.00 USD"),
        "C-000001": ("credit note", ""),
        "I-000005": ("open", "300.00 USD"),
        "I-000004": ("disputed", "500.00 USD"),
        "I-000003": ("overpaid", "-100.00 USD"),
        "I-000002": ("settled", "0.00 USD"),
        "I-000001": ("open", "1200.00 USD"),
    }
    assert next(iter(rows)) == "I-000006", "the newest first"
    assert rows["I-000006"].missing == ("BORA is not registered as a party (party.register)",)
    assert rows["I-000006"].formats == ()
    assert rows["I-000001"].formats == ("pdf",)


def test_what_is_owed_is_overdue_from_the_day_after_it_was_due(office: hub.Office) -> None:
    view = office.view(FIN)
    due = {row.due_on for row in books.invoices(view).rows} - {""}
    assert len(due) <= 2  # by the shop's day of each
    overdue = books.invoices(later(office.view(FIN, {"show": "overdue"}), 40)).rows
    assert {row.number for row in overdue} == {"I-000001", "I-000005", "I-000006"}
    assert books.invoices(office.view(FIN, {"show": "overdue"})).rows == ()
    bill = office.face.state.money.bills["I-000001"]
    on_the_day = next(n for n in range(40) if bill_row(later(view, n), bill).status == "overdue")
    assert bill_row(later(view, on_the_day - 1), bill).status == "open"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"show": "owed"}, ["I-000006", "I-000005", "I-000004", "I-000003", "I-000001"]),
        ({"show": "disputed"}, ["I-000004"]),
        ({"q": "bora"}, ["I-000006"]),
        ({"q": "c-0"}, ["C-000001"]),
        ({"show": "nonsense", "q": "I-000002"}, ["I-000002"]),
    ],
)
def test_invoices_are_found(office: hub.Office, query: dict[str, str], found: list[str]) -> None:
    assert [row.number for row in books.invoices(office.view(FIN, query)).rows] == found


def test_an_invoice_names_its_credit_notes_and_the_decision_it_rests_on(office: hub.Office) -> None:
    found = books.invoice(office.view(FIN, number="I-000005"))
    assert not isinstance(found, Problem)
    assert [note.number for note in found.notes] == ["C-000001"]
    story = books.invoice(office.view(FIN, number="I-000001"))
    assert not isinstance(story, Problem)
    assert any("Invoice" in line for line in story.why.followed)
    assert isinstance(books.invoice(office.view(FIN, number="I-9")), Problem)


@pytest.mark.parametrize(("who", "co_signs"), [(FIN, CLIENT), (PLANNER, CLIENT), (CLIENT, PLANNER)])
def test_a_dispute_is_settled_by_one_of_each_side(office: hub.Office, who: str, co_signs: str) -> None:
    bill = office.face.state.money.bills["I-000004"]
    (wish,) = settling(office.view(who), bill)
    assert (wish.act, wish.allowed) == ("invoice.resolve", True)
    assert [name for name, _, _ in wish.others] == [co_signs]


def test_the_client_alone_disputes(office: hub.Office) -> None:
    bill = office.face.state.money.bills["I-000001"]
    (wish,) = settling(office.view(CLIENT), bill)
    assert (wish.act, wish.allowed) == ("invoice.dispute", True)
    assert settling(office.view(FIN), bill) == ()
    assert settling(office.view(hub.OTHER_CLIENT), bill) == ()


# ---- a client ------------------------------------------------------------------------------------------------------


def test_a_client_sees_its_own_invoices(office: hub.Office) -> None:
    mine = client.invoices(office.view(CLIENT))
    assert {row.client for row in mine.rows} == {"AERODYNE"}
    assert len(mine.rows) == 6
    assert mine.totals == (("Owed in USD", "1900.00 USD"),)
    assert [row.number for row in client.invoices(office.view(hub.OTHER_CLIENT)).rows] == ["I-000006"]
    found = client.sheet(office.view(CLIENT, order=hub.INVOICED))
    assert not isinstance(found, Problem)
    (one,) = found.bills
    assert (one.row.number, one.row.gross, one.row.status) == ("I-000001", "1200.00 USD", "open")
    assert [wish.act for wish in one.wishes] == ["invoice.dispute"]


# ---- payouts -------------------------------------------------------------------------------------------------------


def test_a_run_offers_what_is_due_to_others_with_an_account_and_says_what_it_leaves_out(office: hub.Office) -> None:
    state = office.face.state
    due = [one for one in state.money.payables.values() if one.status == "due"]
    ready = tuple(one.number for one in due if one.payee == TECHNICIAN)
    assert ready
    (order,) = payouts.orders(office.view(FIN))
    assert order.wish is not None
    picked = next(ask for ask in order.wish.asks if ask.name == "payouts")
    assert tuple(picked.value) == ready
    assert [value for value, _ in picked.choices] == [*ready]
    assert order.wish.allowed
    assert order.wish.fields["run"] == "RUN-2"
    without = {one.payee for one in due} - {TECHNICIAN}
    assert len(order.left_out) == len(without)
    assert payouts.orders(office.view(PLANNER)) == ()


def test_a_payout_is_taken_back_by_finance_and_a_second_one(office: hub.Office) -> None:
    number = next(one.number for one in office.face.state.money.payables.values() if one.status == "due")
    found = payouts.payout(office.view(FIN, number=number))
    assert not isinstance(found, Problem)
    assert found.reverse is not None
    assert found.reverse.allowed
    assert len(found.reverse.others) == 1
    assert isinstance(payouts.payout(office.view(FIN, number="P-9")), Problem)


def test_a_run_says_how_its_payouts_stand(tmp_path: Any) -> None:
    with hub.office(tmp_path) as other:
        every = other.face.state.money.payables.values()
        numbers = tuple(one.number for one in every if one.status == "due")
        told(other, ev.PaymentsOrdered(run="RUN-2", payouts=numbers, currency="USD", pay_on="2026-04-30", by=FIN))
        told(other, ev.PayoutFailed(payout=numbers[0], run="RUN-2", reason="R03"))
        told(other, ev.PaymentsOrdered(run="RUN-3", payouts=numbers[:1], currency="USD", pay_on="2026-05-01", by=FIN))
        rows = payouts.runs(other.view(FIN)).rows
        assert [(row.name, row.payouts) for row in rows] == [
            ("RUN-3", 1),
            ("RUN-2", len(numbers)),
            ("RUN-1", 1),
        ]
        assert "1 in RUN-3 since" in rows[1].stands
        assert rows[0].stands == "1 with the bank"
        found = payouts.run(other.view(FIN, run="RUN-2"))
        assert not isinstance(found, Problem)
        assert [row.number for row in found.payouts] == [*numbers]


# ---- organisations and accounts ------------------------------------------------------------------------------------


def test_who_is_missing_stands_first_and_every_field_can_be_given(office: hub.Office) -> None:
    rows = organisations.organisations(office.view(FIN)).rows
    assert [(row.org, row.party is not None, row.own) for row in rows] == [
        ("BORA", False, False),
        ("LAB", True, True),
        ("AERODYNE", True, False),
    ]
    new = organisations.organisation(office.view(FIN, org="BORA")).register
    assert new is not None
    assert new.allowed
    assert new.fields == {"org": "BORA"}
    asked = {ask.name: ask for ask in new.asks}
    assert asked["name"].value is None
    assert asked["tax_category"].choices
    known = organisations.organisation(office.view(FIN, org="LAB")).register
    assert known is not None
    stands = {ask.name: ask.value for ask in known.asks}
    assert (stands["routing"], stands["account"], stands["city"]) == ("021000021", "000123456789", "Rockford")
    assert len(known.others) == 1


def test_somebodys_account_is_named_by_its_commitment_alone(office: hub.Office) -> None:
    found = account.account(office.view(TECHNICIAN))
    assert found.commitment.startswith("salted-")
    assert found.register is not None
    assert found.register.allowed
    assert [name for name, _, _ in found.register.others] == [FIN]
    assert account.account(office.view(hub.SECOND)).commitment == ""


# ---- the trial balance ---------------------------------------------------------------------------------------------


def party(org: str, rate: str = "", *, own: bool = False) -> ev.PartyRegistered:
    tax = Tax(category="S", rate=rate) if rate else None
    where = Party(org=org, name=org, street="S", city="C", postal_code="1", country="DE", tax=tax)
    return ev.PartyRegistered(party=where, by=FIN, own=own)


def payout_of(payee: str) -> ev.PayoutReleased:
    named = {"order": "PO-1", "job": "J-1", "rule": "bonus", "payee": payee}
    return ev.PayoutReleased(**named, amount_minor=1_501, currency="EUR")


def test_the_balance_from_documents_is_the_one_from_the_bookings() -> None:
    kept = Books(money=Money(), site="HUB")
    kept.money.agreed["PO-1"] = Agreed(client="ACME")
    run = ev.PaymentsOrdered(
        run="RUN-1", payouts=("P-000001", "P-000002", "P-000003"), currency="EUR", pay_on="x", by="F"
    )
    events: list[ev.AnyEvent] = [
        ev.InvoiceIssued(order="PO-1", milestone="a", amount_minor=10_005, currency="EUR"),
        ev.InvoiceIssued(order="PO-1", milestone="b", amount_minor=777, currency="USD"),
        party("ACME", "19"),
        ev.InvoiceIssued(order="PO-1", milestone="c", amount_minor=333, currency="EUR"),
        ev.InvoiceDisputed(invoice="I-000001", by="X", reason="y"),
        ev.CreditNoteIssued(invoice="I-000003", amount_minor=111, reason="z"),
        ev.PaymentReceived(invoice="I-000001", amount_minor=500, currency="EUR", bank_ref="1", booked_on="d", by="F"),
        *(payout_of(name) for name in ("T1", "T2", "T3", "T4", "T5")),
        run,
        ev.PayoutPaid(payout="P-000001", run="RUN-1"),
        ev.PayoutPaid(payout="P-000002", run="RUN-1"),
        ev.PayoutFailed(payout="P-000002", run="RUN-1", reason="R"),
        ev.PayoutReversed(payout="P-000001", by="F", reason="r"),
        ev.PayoutReversed(payout="P-000002", by="F", reason="r"),
        ev.PayoutReversed(payout="P-000004", by="F", reason="r"),
        ev.DisputeResolved(invoice="I-000001", credit_minor=0, by="F"),
        ev.InvoiceDisputed(invoice="I-000003", by="X", reason="y"),
    ]
    for ref, event in enumerate(events):
        kept.take(ref, ref, (event,))
        booked = {key: amount for key, amount in kept.balances().items() if amount}
        assert balances_of(kept.money) == booked, event


def test_the_trial_balance_of_each_currency_is_even(office: hub.Office) -> None:
    (sheet,) = books.balance(office.view(FIN)).sheets
    assert sheet.even
    assert sheet.debit == sheet.credit
    assert any(line.account == "Assets: Disputed: AERODYNE" and line.debit == "500.00 USD" for line in sheet.lines)


# ---- documents -----------------------------------------------------------------------------------------------------


class _Writer:
    """Writes the number; refuses UBL."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.busy = False

    def formats(self, seller: str, buyer: str) -> tuple[str, ...]:
        return ("pdf",)

    def write(self, invoice: Invoice, wanted: str) -> Written | Unwritten:
        assert not self.busy, "one at a time"
        self.busy = True
        self.asked.append((invoice.number, wanted))
        self.busy = False
        if wanted == "ubl":
            return Unwritten((("HG-FORMAT", "not as ubl"),))
        return Written(f"{invoice.number}.pdf", invoice.number.encode(), "application/pdf")

    def close(self) -> None:
        """Nothing to end."""


def test_documents_are_made_one_at_a_time_and_kept(office: hub.Office) -> None:
    async def ask() -> None:
        writer = _Writer()
        billing = Billing(office.face, writer)
        made = await asyncio.gather(*(billing.document(f"I-00000{n}", "") for n in (1, 2, 3)))
        assert [one.data for one in made if isinstance(one, Written)] == [b"I-000001", b"I-000002", b"I-000003"]
        assert await billing.document("I-000001", "") is made[0]
        assert len(writer.asked) == 3
        refused = await billing.document("I-000001", "ubl")
        assert isinstance(refused, tuple)
        assert [(one.code, one.says) for one in refused] == [("HG-FORMAT", "not as ubl")]
        missing = await billing.document("I-000006", "")
        assert isinstance(missing, tuple)
        assert [one.code for one in missing] == ["PARTY_MISSING"]

    asyncio.run(ask())


# ---- many of them --------------------------------------------------------------------------------------------------


def test_lists_of_many_show_a_page_and_ask_the_law_for_one_form(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [0]

    def counted(*args: Any) -> Any:
        asked[0] += 1
        return decide(*args)

    with hub.office(tmp_path) as crowd:
        told(crowd, *(invoiced(hub.EXCEPTIONS, item=f"m-{n}") for n in range(300)))
        released = next(iter(crowd.face.state.money.payables.values()))
        for n in range(300):
            more = {"order": released.order, "job": f"J-{n}", "rule": "bonus", "payee": TECHNICIAN}
            told(crowd, ev.PayoutReleased(**more, amount_minor=1, currency="USD"))
        monkeypatch.setattr(law_options, "decide", counted)
        found = books.invoices(crowd.view(FIN, {"page": "2"}))
        assert (len(found.rows), found.pager.total, found.pager.first) == (ROWS, 301, ROWS + 1)
        assert asked[0] == 0
        (order,) = payouts.payouts(crowd.view(FIN)).orders
        assert asked[0] <= 4
        assert order.wish is not None
        assert len(order.wish.asks[0].value) == payouts.CHOOSABLE
        assert any("more are due" in line for line in order.left_out)

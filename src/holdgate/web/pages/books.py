"""Books: invoices, payouts and payment runs, what clients owe, the trial balance, organisations as documents name them."""

from typing import Final

from msgspec import Struct

from holdgate.law.money import Bill
from holdgate.pay.books import balances_of
from holdgate.query.why import Why, why
from holdgate.terms import money
from holdgate.web.bills import ALL, SHOWN, BillRow, bill_row, chosen, owed_by_currency, settling
from holdgate.web.page import Page, View
from holdgate.web.pages.organisations import organisation, organisations
from holdgate.web.pages.payouts import payout, payouts, run, runs
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing
from holdgate.web.waiting import PaperLine, papers_of
from holdgate.web.wish import Wish

ROLES: Final = ("finance", "project_manager", "admin")


class Invoices(Struct, frozen=True, kw_only=True):
    """The list. `totals`: what is owed, by currency."""

    rows: tuple[BillRow, ...]
    pager: Pager
    totals: tuple[tuple[str, str], ...]
    shown: str
    choices: tuple[str, ...]
    asked: str


class Invoice(Struct, frozen=True, kw_only=True):
    """One invoice or credit note. `notes`: credit notes on it; `why`: the decision that it rests on."""

    row: BillRow
    notes: tuple[BillRow, ...]
    why: Why
    wishes: tuple[Wish, ...]
    papers: tuple[PaperLine, ...]


class Line(Struct, frozen=True, kw_only=True):
    """An account of the trial balance; either side is "" where nothing stands on it."""

    account: str
    debit: str
    credit: str


class Sheet(Struct, frozen=True, kw_only=True):
    """The trial balance of one currency. `debit`, `credit`: totals; `even`: they are the same."""

    currency: str
    lines: tuple[Line, ...]
    debit: str
    credit: str
    even: bool


class Balance(Struct, frozen=True, kw_only=True):
    """The trial balance, as of an entry of the record."""

    sheets: tuple[Sheet, ...]
    size: int


def invoices(view: View) -> Invoices:
    """Invoices and credit notes, the newest first (`show`, `q`)."""
    asked = view.query.get("q", "").strip().lower()[:64]
    shown = view.query.get("show", ALL)
    shown = shown if shown in SHOWN else ALL
    rows, pager = paged(chosen(view, shown, asked), view.query)
    return Invoices(
        rows=tuple(bill_row(view, bill) for bill in rows),
        pager=pager,
        totals=owed_by_currency(view),
        shown=shown,
        choices=SHOWN,
        asked=asked,
    )


def invoice(view: View) -> Invoice | Problem:
    """One of them, with what can be done about it."""
    bill = view.face.state.money.bills.get(view.path["number"])
    if bill is None:
        return missing("there is no invoice of this number on the books")
    return Invoice(
        row=bill_row(view, bill),
        notes=tuple(bill_row(view, note) for note in notes_on(view, bill)),
        why=why(view.face.record(), bill.ref),
        wishes=settling(view, bill),
        papers=papers_of(view),
    )


def notes_on(view: View, bill: Bill) -> list[Bill]:
    """The credit notes on an invoice."""
    if not bill.credited_minor:
        return []
    return [note for note in view.face.state.money.bills.values() if note.corrects == bill.number]


def balance(view: View) -> Balance:
    """The trial balance, by currency."""
    face = view.face
    sheets = face.kept(("money", "balance"), face.size, lambda: _sheets(view))
    return Balance(sheets=sheets, size=face.size)


def _sheets(view: View) -> tuple[Sheet, ...]:
    balances = balances_of(view.face.state.money)
    return tuple(
        _sheet(currency, {account: amount for (account, of), amount in balances.items() if of == currency})
        for currency in sorted({currency for _, currency in balances})
    )


def _sheet(currency: str, balances: dict[tuple[str, ...], int]) -> Sheet:
    debit = sum(amount for amount in balances.values() if amount > 0)
    credit = -sum(amount for amount in balances.values() if amount < 0)
    return Sheet(
        currency=currency,
        lines=tuple(
            Line(
                account=": ".join(account),
                debit=money.show(amount, currency) if amount > 0 else "",
                credit=money.show(-amount, currency) if amount < 0 else "",
            )
            for account, amount in balances.items()
        ),
        debit=money.show(debit, currency),
        credit=money.show(credit, currency),
        even=debit == credit,
    )


BOOKS: Final = Page(
    name="books",
    title="Books",
    kinds=("business_hub",),
    roles=ROLES,
    model=invoices,
    below=(
        ("/invoices/{number}", "books_invoice", invoice),
        ("/payouts", "books_payouts", payouts),
        ("/payouts/{number}", "books_payout", payout),
        ("/runs", "books_runs", runs),
        ("/runs/{run}", "books_run", run),
        ("/balance", "books_balance", balance),
        ("/organisations", "books_organisations", organisations),
        ("/organisations/{org}", "books_organisation", organisation),
    ),
)

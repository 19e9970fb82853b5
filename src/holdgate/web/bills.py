"""Invoices, credit notes and payouts as rows of pages; and which of many are shown, without asking each of them anew."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.money import Bill, Money, Payable
from holdgate.pay.books import left_minor, missing_for, standing
from holdgate.terms import money
from holdgate.web.billing import books_of
from holdgate.web.page import View
from holdgate.web.show import dates
from holdgate.web.wish import Wish

ALL, OWED, OVERDUE, IN_DISPUTE = "all", "owed", "overdue", "disputed"
SHOWN: Final = (ALL, OWED, OVERDUE, IN_DISPUTE)
CREDIT: Final = "credit note"
PAYABLE: Final = ("due", "failed")
"""Payouts that a payment run takes."""
SETTLING: Final = frozenset(str(act.__struct_config__.tag) for act in (c.DisputeInvoice, c.ResolveDispute))
NOT_MINE: Final = frozenset({"ROLE_NOT_AUTHORISED", "CLIENT_ROLE_REQUIRED", "NOT_YOUR_ORDER"})
"""Codes of what is another role's to do: no form is shown for it."""


class BillRow(Struct, frozen=True, kw_only=True):
    """An invoice or credit note.

    `status`: open, overdue, disputed, settled, overpaid or credit note; `due_on`: ISO date ("" for credit notes); `disputed`: the
    client's reason; `missing`: what is to be registered before it can be written; `formats`: that it is given out in.
    """

    number: str
    at: int
    client: str
    order: str
    item: str
    net: str
    gross: str
    paid: str
    left: str
    status: str
    due_on: str
    entry: int
    corrects: str
    disputed: str
    missing: tuple[str, ...]
    formats: tuple[str, ...]


class PayoutRow(Struct, frozen=True, kw_only=True):
    """A payout. `account`: where it is paid is on record."""

    number: str
    at: int
    payee: str
    amount: str
    order: str
    job: str
    rule: str
    status: str
    run: str
    tries: int
    entry: int
    account: bool
    claimed: bool


def bill_row(view: View, bill: Bill) -> BillRow:
    """An invoice as a page shows it, on the day of the request."""
    face = view.face
    books, day = books_of(face), dates(face.zone)
    stands = None if bill.corrects else standing(books.money, bill, day(view.asker.now), day)
    return BillRow(
        number=bill.number,
        at=bill.at,
        client=bill.client,
        order=bill.order,
        item=bill.item,
        net=money.show(bill.net_minor, bill.currency),
        gross=money.show(bill.gross_minor, bill.currency),
        paid=money.show(bill.paid_minor, bill.currency),
        left="" if stands is None else money.show(stands.open_minor, bill.currency),
        status=CREDIT if stands is None else stands.status,
        due_on="" if stands is None else stands.due_on,
        entry=bill.ref,
        corrects=bill.corrects,
        disputed=bill.disputed,
        missing=missing_for(books, bill),
        formats=_formats(view, books.money, bill),
    )


def _formats(view: View, books: Money, bill: Bill) -> tuple[str, ...]:
    seller, buyer = books.parties.get(bill.seller), books.parties.get(bill.buyer)
    if view.face.formats is None or seller is None or buyer is None or bill.tax is None:
        return ()
    return view.face.formats(seller.country, buyer.country)


def payout_row(view: View, payable: Payable) -> PayoutRow:
    """A payout as a page shows it."""
    return PayoutRow(
        number=payable.number,
        at=payable.at,
        payee=view.who(payable.payee),
        amount=money.show(payable.amount_minor, payable.currency),
        order=payable.order,
        job=payable.job,
        rule=payable.rule,
        status=payable.status,
        run=payable.run,
        tries=payable.tries,
        entry=payable.ref,
        account=payable.payee in view.face.state.money.accounts,
        claimed=payable.claimed,
    )


def settling(view: View, bill: Bill) -> tuple[Wish, ...]:
    """What somebody can do about an invoice, or will be able to: dispute it, settle the dispute."""
    wishes = (wish for wish in view.wishes(f"invoice:{bill.number}") if wish.act in SETTLING and wish.group != "done")
    return tuple(wish for wish in wishes if not NOT_MINE & set(wish.codes))


# ---- which ones ----------------------------------------------------------------------------------------------------


def chosen(view: View, shown: str, asked: str) -> list[Bill]:
    """Invoices and credit notes by what is shown, narrowed by what is searched for (lower case), the newest first."""
    bills = view.face.state.money.bills
    found: Iterable[Bill] = bills.values() if shown == ALL else (bills[number] for number in _open(view))
    if shown == IN_DISPUTE:
        found = (bill for bill in found if bill.disputed)
    elif shown == OVERDUE:
        found = (bills[number] for number in _overdue(view))
    if asked:
        found = (bill for bill in found if asked in f"{bill.number}\n{bill.order}\n{bill.client}".lower())
    return [*found][::-1]


def _overdue(view: View) -> tuple[str, ...]:
    """The invoices that are overdue on the day of the request; kept until it ends, or the record goes on."""
    face, day = view.face, dates(view.face.zone)
    today, books = day(view.asker.now), face.state.money

    def found() -> tuple[str, ...]:
        return tuple(n for n in _open(view) if standing(books, books.bills[n], today, day).status == OVERDUE)

    return face.kept(("bills", OVERDUE, today), face.size, found)


def _open(view: View) -> tuple[str, ...]:
    """The invoices that are not settled; kept until the record goes on."""
    face = view.face

    def found() -> tuple[str, ...]:
        bills = face.state.money.bills.values()
        return tuple(bill.number for bill in bills if not bill.corrects and (bill.disputed or left_minor(bill)))

    return face.kept(("bills", "open"), face.size, found)


def of_client(view: View, client: str) -> list[Bill]:
    """A client's invoices and credit notes on orders that whoever looks may see, the oldest first."""
    state = view.face.state
    mine = [bill for bill in state.money.bills.values() if bill.client == client] if client else []
    seen = {
        name for name in {bill.order for bill in mine} if name in state.orders and view.asker.sees(state.orders[name])
    }
    return [bill for bill in mine if bill.order in seen]


def owed_by_currency(view: View, client: str = "") -> tuple[tuple[str, str], ...]:
    """What clients owe in all, or one of them does, by currency."""
    bills, sums = view.face.state.money.bills, dict[str, int]()
    for number in _open(view):
        bill = bills[number]
        if client not in ("", bill.client):
            continue
        sums[bill.currency] = sums.get(bill.currency, 0) + left_minor(bill)
    return tuple((f"Owed in {name}", money.show(amount, name)) for name, amount in sorted(sums.items()))


def payable_now(view: View) -> list[Payable]:
    """The payouts that a payment run could take now, the oldest first; kept until the record goes on."""
    face = view.face
    every = face.state.money.payables

    def found() -> tuple[str, ...]:
        return tuple(one.number for one in every.values() if one.status in PAYABLE)

    return [every[number] for number in face.kept(("payables", "now"), face.size, found)]

"""Books: double entry, read from the business hub's ledger and from nothing else. Pure.

Every transaction is one event of one entry and is named after it (`HUB/17/2`: entry 17, event 2), so that nothing is booked twice
and everything can be looked up. Bookings are `holdgate.law.money`'s, the same fold that the law's decisions rest on. A
transaction's postings sum to 0, and so do the balances of each currency.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import leaf_hash
from holdgate.law.event import AnyEvent, PaymentsOrdered
from holdgate.law.money import (
    BANK,
    BONUSES,
    CLAIMS,
    DISPUTED,
    IN_TRANSIT,
    PAYOUTS,
    RECEIVABLE,
    SERVICES,
    TAX,
    Bill,
    Money,
    Posting,
    book,
)
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry_once
from holdgate.pay.invoice import Invoice, Line
from holdgate.pay.payment import Payment, PaymentOrder
from holdgate.terms.errors import InvariantBroken, Unavailable
from holdgate.terms.party import Account

Day = Callable[[int], str]
"""An instant (UTC µs) as the ISO date of the shop's zone."""
Balances = dict[tuple[tuple[str, ...], str], int]
"""(account, currency) → what it is debited with (minor units; credited: below 0)."""


class Transaction(Struct, frozen=True, kw_only=True):
    """One event in the books. `id`: site, entry and event; `at`: when the entry was made (UTC µs)."""

    id: str
    at: int
    about: str
    words: str
    currency: str
    postings: tuple[Posting, ...]


ACCOUNT: Final = "account"
"""The kind of payload that a payee's account is kept as."""


class Payee(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where somebody is paid, as it is kept off the ledger: the commitment on the ledger is to these bytes."""

    name: str
    account: Account


class Books(Struct):
    """What a ledger says about money: all transactions, and the documents and payouts as they stand.

    `site`: whose ledger it is. `digests`: leaf hash (hex) of the entries that ordered payment runs.
    """

    money: Money
    site: str = ""
    transactions: list[Transaction] = []
    digests: dict[int, str] = {}

    def take(self, at: int, ref: int, events: Iterable[AnyEvent]) -> None:
        """Book what an entry says.

        Raises:
            InvariantBroken: a booking does not balance.
            LookupError: it speaks of an invoice or payout that is not known.
        """
        for number, event in enumerate(events):
            for booking in book(self.money, event, at, ref):
                if sum(posting.amount_minor for posting in booking.postings):
                    raise InvariantBroken(f"the booking of entry {ref} does not balance: {booking.words}")
                self.transactions.append(
                    Transaction(
                        id=f"{self.site}/{ref}/{number}",
                        at=at,
                        about=booking.about,
                        words=booking.words,
                        currency=booking.currency,
                        postings=booking.postings,
                    )
                )

    def balances(self) -> Balances:
        """Every account's balance; those of one currency sum to 0."""
        found: Balances = {}
        for one in self.transactions:
            for posting in one.postings:
                key = (posting.account, one.currency)
                found[key] = found.get(key, 0) + posting.amount_minor
        return dict(sorted(found.items()))

    def invoices(self) -> Iterator[Bill]:
        """Invoices and credit notes, as they were issued."""
        return iter(self.money.bills.values())


def read_books(bodies: Iterable[bytes]) -> Books:
    """The books of a business hub's ledger.

    Args:
        bodies: its entries, in order, as they were verified (an audit does that).

    Raises:
        Malformed: an entry cannot be read.
    """
    books = Books(money=Money())
    for body in bodies:
        entry = read_entry_once(body)
        books.site = entry.site
        events = decision_of(entry).events
        books.take(entry.at, entry.seq, events)
        if any(type(event) is PaymentsOrdered for event in events):
            books.digests[entry.seq] = leaf_hash(body).hex()
    return books


# ---- documents -----------------------------------------------------------------------------------------------------


def missing_for(books: Books, bill: Bill) -> tuple[str, ...]:
    """What has to be registered before an invoice can be written, as sentences; empty where it can."""
    found = []
    if not bill.seller:
        found.append("the shop itself is not registered as a party (party.register)")
    if not bill.buyer:
        found.append(f"{bill.client} is not registered as a party (party.register)")
    elif bill.tax is None:
        found.append(f"how {bill.client} is taxed is not registered (party.register, tax category)")
    return tuple(found)


def invoice_of(books: Books, number: str, day: Day) -> Invoice:
    """An invoice or credit note as a document, the same at any later time.

    Raises:
        Unavailable: there is none of this number, or something has to be registered first.
    """
    bill = books.money.bills.get(number)
    if bill is None:
        raise Unavailable(f"there is no invoice {number} on this ledger")
    missing = missing_for(books, bill)
    if missing or bill.tax is None:
        raise Unavailable(f"{number} cannot be written yet: {'; '.join(missing)}")
    buyer = books.money.parties[bill.buyer]
    issued_on = day(bill.at)
    due_on = date.fromisoformat(issued_on) + timedelta(days=0 if bill.corrects else buyer.payment_days)
    corrected = books.money.bills.get(bill.corrects)
    return Invoice(
        number=number,
        kind="credit_note" if bill.corrects else "invoice",
        issued_on=issued_on,
        due_on=due_on.isoformat(),
        delivered_on=issued_on,
        currency=bill.currency,
        seller=books.money.parties[bill.seller],
        buyer=buyer,
        order=bill.order,
        contract=bill.contract,
        lines=(Line(id="1", text=_line(bill), amount_minor=bill.net_minor),),
        tax=bill.tax,
        net_minor=bill.net_minor,
        tax_minor=bill.tax_minor,
        gross_minor=bill.gross_minor,
        entry=f"{books.site}/{bill.ref}",
        reports=bill.reports,
        corrects=bill.corrects,
        corrected_on="" if corrected is None else day(corrected.at),
    )


def _line(bill: Bill) -> str:
    """What a client reads: the milestone or charge, and the technique that the order is done under."""
    return f"{bill.item}, technique {bill.contract}"


class Owed(Struct, frozen=True, kw_only=True):
    """An invoice and what is owed on it. `status`: open, overdue, disputed, settled or overpaid; `due_on`: ISO date."""

    bill: Bill
    due_on: str
    open_minor: int
    status: str


def owed(books: Books, today: str, day: Day) -> tuple[Owed, ...]:
    """What clients owe on a day (ISO), the oldest first."""
    return tuple(
        standing(books.money, bill, today, day) for bill in books.invoices() if not bill.corrects and bill.open_minor
    )


def standing(money: Money, bill: Bill, today: str, day: Day) -> Owed:
    """How an invoice stands on a day (ISO)."""
    left = left_minor(bill)
    buyer = money.parties.get(bill.buyer)
    days = DAYS if buyer is None else buyer.payment_days
    due_on = (date.fromisoformat(day(bill.at)) + timedelta(days=days)).isoformat()
    status = "overpaid" if left < 0 else "disputed" if bill.disputed else "open" if left else "settled"
    if status == "open" and today > due_on:
        status = "overdue"
    return Owed(bill=bill, due_on=due_on, open_minor=left, status=status)


def left_minor(bill: Bill) -> int:
    """What is owed on an invoice: `Bill.open_minor`, and no tax is worked out anew where nothing was credited."""
    return bill.open_minor if bill.credited_minor else bill.gross_minor - bill.paid_minor


def balances_of(money: Money) -> Balances:
    """Every account's balance, from the documents and payouts as they stand: what `Books.balances` sums from the bookings."""
    found: Balances = {}

    def put(currency: str, amount: int, debit: tuple[str, ...], credit: tuple[str, ...]) -> None:
        for account, signed in ((debit, amount), (credit, -amount)):
            found[account, currency] = found.get((account, currency), 0) + signed

    for (client, currency), (net, tax, held, paid) in _billed(money).items():
        owes = (*RECEIVABLE, client)
        put(currency, net, owes, SERVICES)
        put(currency, tax, owes, TAX)
        put(currency, held, (*DISPUTED, client), owes)
        put(currency, paid, BANK, owes)
    for (status, claimed, payee, currency), amount in _released(money).items():
        if status != "reversed" or claimed:
            put(currency, amount, *_legs_of(status, payee))
    return {key: amount for key, amount in sorted(found.items()) if amount}


def _billed(money: Money) -> dict[tuple[str, str], list[int]]:
    """By client and currency: net, tax, what stands apart in disputes, and what was paid."""
    found: dict[tuple[str, str], list[int]] = {}
    for bill in money.bills.values():
        sums = found.setdefault((bill.client, bill.currency), [0, 0, 0, 0])
        sign = -1 if bill.corrects else 1
        sums[0] += sign * bill.net_minor
        sums[1] += sign * bill.tax_minor
        sums[2] += bill.held_minor
        sums[3] += bill.paid_minor
    return found


def _released(money: Money) -> dict[tuple[str, bool, str, str], int]:
    """Payouts by how they stand, whether they are claimed back, payee and currency."""
    found: dict[tuple[str, bool, str, str], int] = {}
    for one in money.payables.values():
        key = (one.status, one.claimed, one.payee, one.currency)
        found[key] = found.get(key, 0) + one.amount_minor
    return found


def _legs_of(status: str, payee: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a payout is debited and credited to, as it stands; reversed: after it was paid."""
    if status == "reversed":
        return (*CLAIMS, payee), BANK
    if status == "paid":
        return BONUSES, BANK
    return BONUSES, ((*IN_TRANSIT, payee) if status == "ordered" else (*PAYOUTS, payee))


DAYS: Final = 30
"""Within which a client pays of whom nothing else is registered."""


def end_to_end_id(books: Books, run: str, payout: str) -> str:
    """The id that a transfer has at the banks: the payout and which try it is, one to one with payout and run."""
    names = list(books.money.runs)
    tries = [name for name in names[: names.index(run) + 1] if payout in books.money.runs[name].payouts]
    return f"{payout}-{len(tries)}"


def payment_order(books: Books, run: str, payees: Mapping[str, Payee]) -> PaymentOrder:
    """A payment run as the bank is told it, the same at any later time.

    Args:
        books: the business hub's.
        run: its id.
        payees: person → where they are paid; each opened from the commitment that the run holds (`Run.accounts`).

    Raises:
        Unavailable: there is no such run, the shop has no account on record, or a payee's account is not there.
    """
    found = books.money.runs.get(run)
    if found is None:
        raise Unavailable(f"there is no payment run {run} on this ledger")
    debtor = books.money.parties.get(found.debtor)
    if debtor is None or debtor.account is None:
        raise Unavailable("the shop's own account is not registered (party.register)")
    payments = []
    for number in found.payouts:
        payable = books.money.payables[number]
        payee = payees.get(payable.payee)
        if payee is None:
            raise Unavailable(f"the account of {payable.payee} is not in this site's store, or was erased")
        payments.append(
            Payment(
                id=end_to_end_id(books, run, number),
                name=payee.name,
                account=payee.account,
                amount_minor=payable.amount_minor,
                text=f"{number} {payable.rule} {payable.order}/{payable.job}",
            )
        )
    return PaymentOrder(
        id=run,
        digest=books.digests[found.ref],
        ordered_at=found.at,
        pay_on=found.pay_on,
        currency=found.currency,
        debtor=debtor,
        payments=tuple(payments),
    )

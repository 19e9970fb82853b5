"""Money: what the business hub's events make of an order's money, as a fold, and the bookings that each of them is.

One fold for two readers. The law's state holds a `Money`, because decisions ask it (is this invoice known, was this payout
ordered before); the books run the same fold and keep the bookings (`holdgate.pay.books`). Amounts are integers of minor units;
every booking balances within one currency. Numbers count the events of a series, so that none is left out and none is there
twice; they need no field in any event.

Source: foundations 12; Directive 2006/112/EC art. 226 (sequential numbers); EN 16931-1 (tax of an invoice).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.terms.party import Party, Tax
from holdgate.terms.quantity import parse_decimal, scaled

RATE_PLACES: Final = 4
"""Decimal places of a tax rate in per cent."""
_RATE_UNIT: Final = 100 * 10**RATE_PLACES


class Bill(Struct):
    """An invoice, or a credit note (`corrects` is the invoice that it corrects).

    `item`: the milestone or surcharge. `net_minor`: without tax. `tax`: None until the client's treatment is on record, then
    `tax_minor` is due on it. `buyer`, `seller`: versions of parties (`ORG/n`), "" until they are registered. `reports`: those
    that were issued when it was. `credited_minor`: net, by credit notes; `conceded_minor`: what of that was given up in disputes.
    `paid_minor`: gross. `held_minor`: what of it stands apart, because the client disputes it (`disputed`: why).
    """

    number: str
    order: str
    item: str
    client: str
    currency: str
    net_minor: int
    at: int
    ref: int
    contract: str = ""
    reports: tuple[str, ...] = ()
    corrects: str = ""
    tax: Tax | None = None
    tax_minor: int = 0
    buyer: str = ""
    seller: str = ""
    credited_minor: int = 0
    conceded_minor: int = 0
    paid_minor: int = 0
    held_minor: int = 0
    disputed: str = ""

    @property
    def gross_minor(self) -> int:
        """With tax."""
        return self.net_minor + self.tax_minor

    @property
    def open_minor(self) -> int:
        """What the client still owes on it; below 0 where more was paid."""
        left = self.net_minor - self.credited_minor
        return left + (0 if self.tax is None else tax_of(left, self.tax.rate)) - self.paid_minor


class Payable(Struct):
    """A payout. `status`: due, ordered, paid, failed or reversed; `run`: that ordered it last; `tries`: how often.

    `claimed`: it was reversed after it had been paid, so that the payee is to give it back.
    """

    number: str
    order: str
    job: str
    rule: str
    payee: str
    amount_minor: int
    currency: str
    at: int
    ref: int
    status: str = "due"
    run: str = ""
    tries: int = 0
    claimed: bool = False


class Run(Struct):
    """A payment run: which payouts, when to be paid (ISO date), in which entry and when it was ordered.

    `debtor`: the shop as it was registered then (`ORG/n`); `accounts`: payee → commitment to the account as it was then. What is
    registered later pays nothing of this run.
    """

    payouts: tuple[str, ...]
    currency: str
    pay_on: str
    at: int
    ref: int
    debtor: str = ""
    accounts: dict[str, str] = {}


class Agreed(Struct):
    """What an order's money rests on: whose it is, its contract, the reports so far."""

    client: str = ""
    contract: str = ""
    reports: tuple[str, ...] = ()


class Money(Struct):
    """All money of a shop.

    `parties`: every version of a party, by `ORG/n`; `party`: organisation → its last one; `own`: the shop's organisation, once
    it is registered. `accounts`: person → commitment to their bank account. `received`: the bank's reference → the entry.
    `invoices`, `credits`: how many of each series there are.
    """

    own: str = ""
    parties: dict[str, Party] = {}
    party: dict[str, str] = {}
    accounts: dict[str, str] = {}
    agreed: dict[str, Agreed] = {}
    bills: dict[str, Bill] = {}
    payables: dict[str, Payable] = {}
    runs: dict[str, Run] = {}
    received: dict[str, int] = {}
    invoices: int = 0
    credits: int = 0


class Posting(NamedTuple):
    """One leg: an account as a path, and what it is debited with (credited: below 0)."""

    account: tuple[str, ...]
    amount_minor: int


class Booking(NamedTuple):
    """What an event is in the books. `about`: the document or payout; `words`: for people. Its postings sum to 0."""

    about: str
    words: str
    currency: str
    postings: tuple[Posting, ...]


Bookings = Iterator[Booking]

BANK: Final = ("Assets", "Bank")
SERVICES: Final = ("Income", "Services")
TAX: Final = ("Liabilities", "Tax")
BONUSES: Final = ("Expenses", "Bonuses")
RECEIVABLE: Final = ("Assets", "Receivable")
DISPUTED: Final = ("Assets", "Disputed")
PAYOUTS: Final = ("Liabilities", "Payouts")
IN_TRANSIT: Final = ("Liabilities", "Ordered")
CLAIMS: Final = ("Assets", "Claims")


def tax_of(net_minor: int, rate: str) -> int:
    """The tax on an amount (minor units) at a rate in per cent, half a minor unit away from zero."""
    value = parse_decimal(rate)
    per = None if value is None else scaled(value, RATE_PLACES)
    if not per:
        return 0
    size = (2 * abs(net_minor) * per + _RATE_UNIT) // (2 * _RATE_UNIT)
    return -size if net_minor < 0 else size


def book(money: Money, event: ev.AnyEvent, at: int, ref: int) -> tuple[Booking, ...]:
    """Fold one event of the business hub's log into its money.

    Args:
        money: changed in place.
        event: any; most say nothing about money.
        at: when the hub put it on its record (UTC µs).
        ref: the entry that holds it.

    Returns:
        The bookings that the event is; each balances.

    Raises:
        LookupError: it speaks of an invoice or payout that is not known.
    """
    step = _STEPS.get(type(event))
    return () if step is None else tuple(step(money, event, at, ref))


def agreement(money: Money, order: str) -> Agreed:
    """What is known of an order; a new row where nothing is."""
    found = money.agreed.get(order)
    if found is None:
        found = money.agreed[order] = Agreed()
    return found


# ---- parties -------------------------------------------------------------------------------------------------------


def _party_registered(money: Money, e: ev.PartyRegistered, at: int, ref: int) -> Bookings:
    """A new version of a party. What waited for its tax treatment is taxed now; what has one keeps it."""
    org = e.party.org
    version = int(money.party.get(org, "/0").rpartition("/")[2]) + 1
    key = f"{org}/{version}"
    money.parties[key], money.party[org] = e.party, key
    if e.own:
        money.own = org
    for bill in money.bills.values():
        if e.own and not bill.seller:
            bill.seller = key
        if bill.client == org and not bill.buyer:
            bill.buyer = key
        if bill.client == org and bill.tax is None and e.party.tax is not None:
            yield from _taxed(money, bill, e.party.tax)


def _taxed(money: Money, bill: Bill, tax: Tax) -> Bookings:
    bill.tax = tax
    bill.tax_minor = _credited_tax(money, bill, tax) if bill.corrects else tax_of(bill.net_minor, tax.rate)
    if bill.tax_minor:
        sign = -1 if bill.corrects else 1
        legs = _legs(sign * bill.tax_minor, (*RECEIVABLE, bill.client), TAX)
        yield Booking(bill.number, f"tax on {bill.number}", bill.currency, legs)


def _credited_tax(money: Money, note: Bill, tax: Tax) -> int:
    """The tax of a credit note: what the invoice's tax becomes less by it, so that a full credit leaves nothing."""
    invoice = money.bills[note.corrects]
    notes = [bill for bill in money.bills.values() if bill.corrects == note.corrects and bill.ref <= note.ref]
    before = sum(bill.net_minor for bill in notes if bill.number < note.number)
    left = invoice.net_minor - before
    return tax_of(left, tax.rate) - tax_of(left - note.net_minor, tax.rate)


def _account_registered(money: Money, e: ev.AccountRegistered, at: int, ref: int) -> Bookings:
    money.accounts[e.owner] = e.commitment
    yield from ()


# ---- orders and invoices -------------------------------------------------------------------------------------------


def _order_staged(money: Money, e: ev.OrderStaged, at: int, ref: int) -> Bookings:
    found = agreement(money, e.order)
    found.client, found.contract = e.client, f"{e.contract} rev {e.version}"
    yield from ()


def _report_issued(money: Money, e: ev.ReportIssued, at: int, ref: int) -> Bookings:
    found = agreement(money, e.order)
    found.reports = (*(report for report in found.reports if report != e.replaces), e.report)
    yield from ()


def _legs(amount: int, debit: tuple[str, ...], credit: tuple[str, ...]) -> tuple[Posting, ...]:
    return (Posting(debit, amount), Posting(credit, -amount))


def _invoice_issued(money: Money, e: ev.InvoiceIssued, at: int, ref: int) -> Bookings:
    money.invoices += 1
    number = f"I-{money.invoices:06d}"
    bill = _bill(money, number, e.order, e.milestone, e.amount_minor, e.currency, at, ref)
    yield from _issued(money, bill, 1, f"invoice {number}, {e.milestone} of {e.order}")


def _credit_issued(money: Money, e: ev.CreditNoteIssued, at: int, ref: int) -> Bookings:
    invoice = money.bills[e.invoice]
    money.credits += 1
    number = f"C-{money.credits:06d}"
    note = _bill(money, number, invoice.order, invoice.item, e.amount_minor, invoice.currency, at, ref)
    note.corrects, note.tax, note.buyer, note.seller = invoice.number, invoice.tax, invoice.buyer, invoice.seller
    yield from _issued(money, note, -1, f"credit note {number} on {invoice.number}")
    invoice.credited_minor += e.amount_minor


def _bill(money: Money, number: str, order: str, item: str, net: int, currency: str, at: int, ref: int) -> Bill:
    agreed = agreement(money, order)
    buyer = money.party.get(agreed.client, "")
    bill = money.bills[number] = Bill(
        number=number,
        order=order,
        item=item,
        client=agreed.client,
        currency=currency,
        net_minor=net,
        at=at,
        ref=ref,
        contract=agreed.contract,
        reports=agreed.reports,
        buyer=buyer,
        seller=money.party.get(money.own, ""),
        tax=money.parties[buyer].tax if buyer else None,
    )
    return bill


def _issued(money: Money, bill: Bill, sign: int, words: str) -> Bookings:
    if bill.tax is not None:
        rate = bill.tax
        bill.tax_minor = _credited_tax(money, bill, rate) if bill.corrects else tax_of(bill.net_minor, rate.rate)
    legs = [Posting((*RECEIVABLE, bill.client), sign * bill.gross_minor), Posting(SERVICES, -sign * bill.net_minor)]
    if bill.tax_minor:
        legs.append(Posting(TAX, -sign * bill.tax_minor))
    yield Booking(bill.number, words, bill.currency, tuple(legs))


def _disputed(money: Money, e: ev.InvoiceDisputed, at: int, ref: int) -> Bookings:
    bill = money.bills[e.invoice]
    bill.disputed, bill.held_minor = e.reason or "disputed", bill.open_minor
    legs = _legs(bill.held_minor, (*DISPUTED, bill.client), (*RECEIVABLE, bill.client))
    yield Booking(bill.number, f"{bill.number} is disputed", bill.currency, legs)


def _resolved(money: Money, e: ev.DisputeResolved, at: int, ref: int) -> Bookings:
    """What stood apart is owed again; what the two agreed to give up follows as a credit note."""
    bill = money.bills[e.invoice]
    legs = _legs(bill.held_minor, (*RECEIVABLE, bill.client), (*DISPUTED, bill.client))
    bill.disputed, bill.held_minor = "", 0
    bill.conceded_minor += e.credit_minor
    yield Booking(bill.number, f"the dispute on {bill.number} is settled", bill.currency, legs)


def _payment_received(money: Money, e: ev.PaymentReceived, at: int, ref: int) -> Bookings:
    bill = money.bills[e.invoice]
    money.received[e.bank_ref] = ref
    bill.paid_minor += e.amount_minor
    words = f"payment {e.bank_ref} {'for' if e.amount_minor > 0 else 'taken back from'} {bill.number}"
    yield Booking(bill.number, words, bill.currency, _legs(e.amount_minor, BANK, (*RECEIVABLE, bill.client)))


# ---- payouts -------------------------------------------------------------------------------------------------------


def _payout_released(money: Money, e: ev.PayoutReleased, at: int, ref: int) -> Bookings:
    number = f"P-{len(money.payables) + 1:06d}"
    payable = money.payables[number] = Payable(
        number=number,
        order=e.order,
        job=e.job,
        rule=e.rule,
        payee=e.payee,
        amount_minor=e.amount_minor,
        currency=e.currency,
        at=at,
        ref=ref,
    )
    words = f"payout {number}, {e.rule} of {e.order}/{e.job}"
    yield _paid(payable, words, BONUSES, (*PAYOUTS, e.payee))


def _paid(payable: Payable, words: str, debit: tuple[str, ...], credit: tuple[str, ...]) -> Booking:
    return Booking(payable.number, words, payable.currency, _legs(payable.amount_minor, debit, credit))


def _payments_ordered(money: Money, e: ev.PaymentsOrdered, at: int, ref: int) -> Bookings:
    payables = [money.payables[number] for number in e.payouts]
    money.runs[e.run] = Run(
        payouts=e.payouts,
        currency=e.currency,
        pay_on=e.pay_on,
        at=at,
        ref=ref,
        debtor=money.party.get(money.own, ""),
        accounts={one.payee: money.accounts.get(one.payee, "") for one in payables},
    )
    for payable in payables:
        payable.status, payable.run, payable.tries = "ordered", e.run, payable.tries + 1
        words = f"{payable.number} is ordered in {e.run}"
        yield _paid(payable, words, (*PAYOUTS, payable.payee), (*IN_TRANSIT, payable.payee))


def _payout_paid(money: Money, e: ev.PayoutPaid, at: int, ref: int) -> Bookings:
    payable = money.payables[e.payout]
    payable.status = "paid"
    yield _paid(payable, f"{payable.number} is paid", (*IN_TRANSIT, payable.payee), BANK)


def _payout_failed(money: Money, e: ev.PayoutFailed, at: int, ref: int) -> Bookings:
    """Not paid, or sent back: it is owed again."""
    payable = money.payables[e.payout]
    came_from = BANK if payable.status == "paid" else (*IN_TRANSIT, payable.payee)
    payable.status = "failed"
    yield _paid(payable, f"{payable.number} failed: {e.reason}", came_from, (*PAYOUTS, payable.payee))


def _payout_reversed(money: Money, e: ev.PayoutReversed, at: int, ref: int) -> Bookings:
    """A counter-entry: it is not owed any more, or, where it was paid, to be given back."""
    payable = money.payables[e.payout]
    payable.claimed = payable.status == "paid"
    against = (*CLAIMS, payable.payee) if payable.claimed else (*PAYOUTS, payable.payee)
    payable.status = "reversed"
    yield _paid(payable, f"{payable.number} is reversed", against, BONUSES)


_STEPS: Final[dict[type[ev.Event], Callable[[Money, Any, int, int], Bookings]]] = {
    ev.PartyRegistered: _party_registered,
    ev.AccountRegistered: _account_registered,
    ev.OrderStaged: _order_staged,
    ev.ReportIssued: _report_issued,
    ev.InvoiceIssued: _invoice_issued,
    ev.CreditNoteIssued: _credit_issued,
    ev.InvoiceDisputed: _disputed,
    ev.DisputeResolved: _resolved,
    ev.PaymentReceived: _payment_received,
    ev.PayoutReleased: _payout_released,
    ev.PaymentsOrdered: _payments_ordered,
    ev.PayoutPaid: _payout_paid,
    ev.PayoutFailed: _payout_failed,
    ev.PayoutReversed: _payout_reversed,
}

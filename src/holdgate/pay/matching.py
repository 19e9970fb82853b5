"""Matching: what a bank's files say, as the acts that put it on the record. Pure; what fits nothing is told, never dropped."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from holdgate.law.command import PaymentIn, PayoutResult
from holdgate.pay.books import Books, end_to_end_id
from holdgate.pay.payment import PaymentResult, Receipt

_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])I-[0-9]{6,}(?![0-9A-Za-z])")


class Unmatched(NamedTuple):
    """A movement that no act can be made of, and why."""

    ref: str
    why: str


class Incoming(NamedTuple):
    """Payments for invoices, and what fits none."""

    payments: tuple[PaymentIn, ...]
    unmatched: tuple[Unmatched, ...]


def incoming(books: Books, receipts: Iterable[Receipt]) -> Incoming:
    """Receipts of a statement as payments of invoices: each names exactly one that is on the books, in its currency.

    A receipt that is on record already is left out in silence: statements overlap.
    """
    payments: list[PaymentIn] = []
    unmatched: list[Unmatched] = []
    for receipt in receipts:
        if receipt.ref in books.money.received:
            continue
        found = _named(books, receipt)
        if len(found) != 1:
            why = "it names no invoice of this shop" if not found else f"it names {', '.join(found)}; divide it by hand"
            unmatched.append(Unmatched(receipt.ref, why))
            continue
        bill = books.money.bills[found[0]]
        if bill.currency != receipt.currency:
            unmatched.append(Unmatched(receipt.ref, f"{bill.number} is in {bill.currency}, this is {receipt.currency}"))
            continue
        payments.append(
            PaymentIn(
                bank_ref=receipt.ref,
                invoice=bill.number,
                amount_minor=receipt.amount_minor,
                currency=receipt.currency,
                booked_on=receipt.booked_on,
            )
        )
    return Incoming(tuple(payments), tuple(unmatched))


def _named(books: Books, receipt: Receipt) -> list[str]:
    """The invoices that a receipt names, in a field of its own or in its text."""
    named = dict.fromkeys((*receipt.invoices, *_NUMBER.findall(receipt.text)))
    return [number for number in named if (bill := books.money.bills.get(number)) is not None and not bill.corrects]


class Outgoing(NamedTuple):
    """Results of payouts that are with the bank, and what fits none."""

    results: tuple[PayoutResult, ...]
    unmatched: tuple[Unmatched, ...]


def outgoing(books: Books, run: str, results: Iterable[PaymentResult]) -> Outgoing:
    """What became of the transfers of a run. A pending one is no result yet; what is on record already is left out."""
    payouts = {end_to_end_id(books, run, payout): payout for payout in books.money.runs[run].payouts}
    found: list[PayoutResult] = []
    unmatched: list[Unmatched] = []
    for result in results:
        payout = payouts.get(result.id)
        payable = None if payout is None else books.money.payables[payout]
        if payable is None or payable.run != run:
            unmatched.append(Unmatched(result.id, f"it is no transfer of {run} that counts"))
        elif result.status in ("paid", "failed") and payable.status != result.status:
            found.append(PayoutResult(payout=payable.number, status=result.status, reason=result.reason))
    return Outgoing(tuple(found), tuple(unmatched))

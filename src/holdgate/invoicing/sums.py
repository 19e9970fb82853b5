"""Sums to the minor unit: lines, tax (half a unit up), gross. Said of the invoice itself, before any format is made of it.

The tax is computed here again, apart from the books that made the invoice. Source: EN 16931-1 BR-CO-10, -13, -14, -15, -17.
"""

from collections.abc import Iterator
from typing import Final

from holdgate.invoicing.fault import Fault
from holdgate.pay.invoice import Invoice
from holdgate.terms.limits import INTEGER_ABS_MAX, LIST_ITEMS_MAX
from holdgate.terms.money import show
from holdgate.terms.quantity import parse_decimal, scaled

INVOICE: Final = "invoice"
CREDIT_NOTE: Final = "credit_note"
RATE_PLACES: Final = 4
"""Decimal places of a rate in per cent."""
_HUNDRED: Final = 100 * 10**RATE_PLACES


def tax_of(net_minor: int, rate: str) -> int | None:
    """The tax on a net amount at a rate in per cent, half a minor unit up; None where the rate is none."""
    value = parse_decimal(rate)
    parts = None if value is None else scaled(value, RATE_PLACES)
    return None if parts is None or parts < 0 else (2 * net_minor * parts + _HUNDRED) // (2 * _HUNDRED)


def faults_of_sums(invoice: Invoice) -> Iterator[Fault]:
    """Every sum that is not what it has to be."""
    if not 1 <= len(invoice.lines) <= LIST_ITEMS_MAX:
        yield Fault(
            "HG-LINES", f"an invoice has between 1 and {LIST_ITEMS_MAX} lines; this one has {len(invoice.lines)}"
        )
    if len({line.id for line in invoice.lines}) != len(invoice.lines):
        yield Fault("HG-LINES", "two lines have the same id; give each its own")
    amounts = [(f"line {line.id[:20]}", line.amount_minor) for line in invoice.lines]
    amounts += [("the net sum", invoice.net_minor), ("the gross sum", invoice.gross_minor)]
    for what, amount in amounts:
        if not 0 < amount <= INTEGER_ABS_MAX:
            yield Fault(
                "HG-AMOUNT", f"{what} is {amount} minor units; an amount is above 0 and at most {INTEGER_ABS_MAX}"
            )
    money = invoice.currency[:3]
    total = sum(line.amount_minor for line in invoice.lines)
    if total != invoice.net_minor:
        yield Fault("HG-SUM-NET", f"the lines add up to {show(total, money)}, not to {show(invoice.net_minor, money)}")
    yield from _fault_of_tax(invoice, money)
    if invoice.net_minor + invoice.tax_minor != invoice.gross_minor:
        right = show(invoice.net_minor + invoice.tax_minor, money)
        yield Fault("HG-SUM-GROSS", f"net and tax are {right}, not {show(invoice.gross_minor, money)}")


def _fault_of_tax(invoice: Invoice, money: str) -> Iterator[Fault]:
    """A credit note's tax is what the invoice's rounded tax becomes less by, so that none is left over: it may be one unit off."""
    right = tax_of(invoice.net_minor, invoice.tax.rate)
    if right is None:
        return  # holdgate.invoicing.tax refuses the rate
    slack = 1 if invoice.kind == CREDIT_NOTE and right else 0
    if abs(invoice.tax_minor - right) > slack:
        yield Fault(
            "HG-SUM-TAX",
            f"{invoice.tax.rate[:12]} % of {show(invoice.net_minor, money)} are {show(right, money)},"
            f" not {show(invoice.tax_minor, money)}",
        )

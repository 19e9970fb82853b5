"""What stands on the page of an invoice: words and sums as the template shows them, a pure function of the invoice.

Source: Directive 2006/112/EC art. 226 (what an invoice shows), the same content as the structured document beside it.
"""

from typing import Any, Final

from holdgate.invoicing.business_terms import payment_terms
from holdgate.invoicing.profiles import Profile
from holdgate.invoicing.sums import CREDIT_NOTE
from holdgate.pay.invoice import Invoice
from holdgate.terms.money import show
from holdgate.terms.party import Account, Party

GAP: Final = "\u00a0"
"""Between groups of three digits (ISO 80000-1): neither a comma nor a point, which countries read differently."""
_GROUP: Final = 3
_TREATMENTS: Final = {
    "Z": "zero rate",
    "E": "exempt",
    "AE": "reverse charge",
    "K": "intra-community supply",
    "G": "export",
    "O": "not subject to tax",
}
"""What the law wants to be read beside the sum (Directive 2006/112/EC art. 226 nos. 11 and 11a)."""


def page_of(invoice: Invoice, profile: Profile, attached: bytes = b"") -> dict[str, Any]:
    """The template's data. `attached`: the structured document that the page carries (empty: none)."""
    credit = invoice.kind == CREDIT_NOTE
    treatment = f"{invoice.tax.rate} %" if invoice.tax.category == "S" else f"({_TREATMENTS[invoice.tax.category]})"
    return {
        "paper": profile.paper,
        "title": "Credit note" if credit else "Invoice",
        "number": invoice.number,
        "seller": _block(invoice.seller, profile),
        "buyer": _block(invoice.buyer, profile),
        "contact": [text for text in (invoice.seller.email, invoice.seller.phone) if text],
        "facts": _facts(invoice),
        "lines": [[line.id, line.text, _amount(line.amount_minor, invoice)] for line in invoice.lines],
        "currency": invoice.currency,
        "sums": [
            ["Net", _amount(invoice.net_minor, invoice)],
            [f"{profile.tax_word} {treatment}", _amount(invoice.tax_minor, invoice)],
        ],
        "total": ["Total credited" if credit else "Total due", _amount(invoice.gross_minor, invoice)],
        "reason": invoice.tax.reason,
        "terms": payment_terms(invoice),
        "payment": [] if credit else _payment(invoice),
        "note": invoice.note,
        "entry": invoice.entry,
        "attached": list(attached),
    }


def _facts(invoice: Invoice) -> list[list[str]]:
    """Name and value of what the invoice rests on; what is not stated is left out."""
    facts = [
        ["Date of issue", invoice.issued_on],
        ["Date of supply", invoice.delivered_on],
        ["Due", "" if invoice.kind == CREDIT_NOTE else invoice.due_on],
        ["Corrects invoice", f"{invoice.corrects} of {invoice.corrected_on}" if invoice.corrects else ""],
        ["Your order", invoice.order],
        ["Order line", invoice.po_line],
        ["Contract", invoice.contract],
        ["Reports", ", ".join(invoice.reports)],
    ]
    return [fact for fact in facts if fact[1]]


def _block(party: Party, profile: Profile) -> dict[str, Any]:
    american = party.country == "US"
    place = f"{party.city}, {party.region} {party.postal_code}" if american else f"{party.postal_code} {party.city}"
    numbers = [
        ["VAT id", party.vat_id],
        ["EIN" if american else "Tax number", party.tax_id],
        ["Register", party.register_id],
    ]
    lines = [party.street, place, "" if american else party.region, party.country]
    return {
        "name": party.name,
        "lines": [text.strip() for text in lines if text.strip()],
        "numbers": [pair for pair in numbers if pair[1]],
    }


def _payment(invoice: Invoice) -> list[list[str]]:
    account = invoice.seller.account or Account()
    pairs = [
        ["Account holder", invoice.seller.name],
        ["IBAN", grouped_from_left(account.iban)],
        ["BIC", account.bic],
        ["Routing number (ABA)", account.routing],
        ["Account number", account.number],
        ["Reference", invoice.number],
    ]
    return [pair for pair in pairs if pair[1]]


def grouped_from_left(text: str) -> str:
    """An IBAN as it is printed: in groups of four (ISO 13616)."""
    return GAP.join(text[at : at + 4] for at in range(0, len(text), 4))


def _amount(minor: int, invoice: Invoice) -> str:
    whole, point, part = show(minor, invoice.currency).partition(" ")[0].partition(".")
    first = len(whole) % _GROUP
    groups = [whole[:first], *(whole[at : at + _GROUP] for at in range(first, len(whole), _GROUP))]
    return GAP.join(group for group in groups if group) + point + part

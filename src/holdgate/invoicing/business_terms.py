"""An invoice as EN 16931's business terms (BT-1 …): one list for both syntaxes, keyed as the factur-x package wants it.

Amounts become decimal strings from integers; nothing is rounded here. Source: EN 16931-1:2017 table 2.
"""

from typing import Any, Final

from holdgate.invoicing.sums import CREDIT_NOTE
from holdgate.invoicing.tax import EXEMPTION_CODES
from holdgate.pay.invoice import Invoice
from holdgate.terms.money import show
from holdgate.terms.party import Party

SPECIFICATION: Final = "urn:cen.eu:en16931:2017"
TYPE_CODES: Final = {CREDIT_NOTE: "381"}
"""UNCL 1001; everything else is a commercial invoice, 380."""
SEPA_TRANSFER: Final = "58"
TRANSFER: Final = "30"
"""UNCL 4461."""
ONE: Final = "C62"
"""UN/ECE Recommendation 20: one piece."""

Terms = dict[str, Any]


def terms_of(invoice: Invoice) -> Terms:
    """The business terms of an invoice that holds `holdgate.invoicing.invariants`. Terms without a value are left out."""
    net, tax, gross = (_amount(minor, invoice) for minor in (invoice.net_minor, invoice.tax_minor, invoice.gross_minor))
    terms: Terms = {
        "BT-1": invoice.number,
        "BT-2": invoice.issued_on,
        "BT-3": TYPE_CODES.get(invoice.kind, "380"),
        "BT-5": invoice.currency,
        "BT-9": invoice.due_on,
        "BT-12": invoice.contract,
        "BT-13": invoice.order,
        "BT-20": payment_terms(invoice),
        "BT-24": SPECIFICATION,
        "BT-72": invoice.delivered_on,
        "BG-1": [{"BT-22": text} for text in (invoice.note, f"Record entry {invoice.entry}") if text],
        "BG-3": [{"BT-25": invoice.corrects, "BT-26": invoice.corrected_on}] if invoice.corrects else [],
        "BG-4": _party(invoice.seller, with_vat_id=invoice.tax.category != "O"),
        "BG-7": _party(invoice.buyer, with_vat_id=invoice.tax.category != "O", is_buyer=True),
        "BG-13": _delivery(invoice.buyer) if invoice.tax.category == "K" else {},
        "BG-23": [_tax(invoice, net, tax)],
        "BG-24": [{"BT-122": number, "BT-123": "Test report"} for number in invoice.reports],
        "BG-25": [_line(invoice, at) for at in range(len(invoice.lines))],
        "BT-106": net,
        "BT-109": net,
        "BT-110": tax,
        "BT-112": gross,
        "BT-115": gross,
        **_payment(invoice),
    }
    filled: Terms = _filled(terms)
    return filled


def payment_terms(invoice: Invoice) -> str:
    """How and until when it is paid, in words."""
    if invoice.kind == CREDIT_NOTE:
        return f"Credited against {invoice.corrects}; no payment is due."
    return f"Payable without deduction by {invoice.due_on}, quoting {invoice.number}."


def _amount(minor: int, invoice: Invoice) -> str:
    return show(minor, invoice.currency).partition(" ")[0]


def _party(party: Party, *, with_vat_id: bool, is_buyer: bool = False) -> Terms:
    """BG-4 or BG-7. Category O forbids VAT ids (BR-O-02); a buyer has no tax number in the model (BT-48 alone), so it stays out."""
    return {
        "name": party.name,
        "addr_l1": party.street,
        "city": party.city,
        "postcode": party.postal_code,
        "country_code": party.country,
        "country_subdivision": party.region,
        "vat_identifier": party.vat_id if with_vat_id else "",
        "tax_identifier": "" if is_buyer else party.tax_id,
        "legal_identifier": party.register_id,
        "einvoicing_addr": party.endpoint,
        "einvoicing_addr_schemeid": party.endpoint_scheme,
        "contacts": [{"phone": party.phone, "email": party.email}],
    }


def _delivery(buyer: Party) -> Terms:
    """BG-13, which an intra-community supply has to name (BR-IC-12)."""
    return {
        "name": buyer.name,
        "addr_l1": buyer.street,
        "city": buyer.city,
        "postcode": buyer.postal_code,
        "country_code": buyer.country,
        "country_subdivision": buyer.region,
    }


def _payment(invoice: Invoice) -> Terms:
    account = invoice.seller.account
    if account is None or invoice.kind == CREDIT_NOTE:
        return {}
    return {
        "BT-81": SEPA_TRANSFER if invoice.currency == "EUR" else TRANSFER,
        "BT-83": invoice.number,
        "BT-84": account.iban,
        "BT-85": invoice.seller.name,
        "BT-86": account.bic,
    }


def _tax(invoice: Invoice, net: str, tax: str) -> Terms:
    """BG-23: the one tax breakdown. Category O states no rate (BR-O-05)."""
    return {
        "BT-116": net,
        "BT-117": tax,
        "BT-118": invoice.tax.category,
        "BT-119": "" if invoice.tax.category == "O" else invoice.tax.rate,
        "BT-120": invoice.tax.reason,
        "BT-121": EXEMPTION_CODES.get(invoice.tax.category, ""),
    }


def _line(invoice: Invoice, at: int) -> Terms:
    line = invoice.lines[at]
    amount = _amount(line.amount_minor, invoice)
    return {
        "BT-126": line.id,
        "BT-129": "1",
        "BT-130": ONE,
        "BT-131": amount,
        "BT-132": invoice.po_line,
        "BT-146": amount,
        "BT-151": invoice.tax.category,
        "BT-152": "" if invoice.tax.category == "O" else invoice.tax.rate,
        "BT-153": line.text,
    }


def _filled(value: Any) -> Any:
    """The same without what is empty, at every depth."""
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _filled(item)) not in ("", [], {})}
    if isinstance(value, list):
        return [kept for item in value if (kept := _filled(item)) not in ("", [], {})]
    return value

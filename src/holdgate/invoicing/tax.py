"""Whether a tax treatment is plausible for a seller's and a buyer's country and their VAT ids. It replaces no tax adviser.

A treatment that is possible somewhere but not known here is refused too: an invoice with wrong tax cannot be taken back, a missing
one can be written. So a domestic supply at S bears the standard rate (EN 16931 writes reduced rates as S too, but Annex III of the
directive knows none for technical testing), nothing is reverse-charged at home, and special territories (Canary Islands, Madeira,
overseas departments …) are not known. Sources: Directive 2006/112/EC art. 44, 138, 146, 196, 226; EN 16931-1 BR-S, -Z, -E, -AE,
-IC, -G, -O. US: combined state and local rates lie below `INVOICE_US_RATE_PERCENT_MAX` (Tax Foundation, 2025).
"""

from collections.abc import Iterator
from typing import Final

from holdgate.invoicing.countries import EU, RATES_KNOWN_FROM, US_STATES, same_rate, standard_rate
from holdgate.invoicing.fault import Fault
from holdgate.invoicing.sums import tax_of
from holdgate.pay.invoice import Invoice
from holdgate.terms.limits import INVOICE_US_RATE_PERCENT_MAX
from holdgate.terms.quantity import parse_decimal

EU_CATEGORIES: Final = ("S", "Z", "E", "AE", "K", "G", "O")
US_CATEGORIES: Final = ("S", "E", "O", "G")
EXEMPTION_CODES: Final = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
"""Category → the code list's reason for it (CEF VATEX); E has many, so that its reason stands in words alone."""
REASONED: Final = frozenset({"E", "AE", "K", "G", "O"})


def tax_point(invoice: Invoice) -> str:
    """The day whose rate holds (ISO): of the supply; for a credit note the corrected invoice's, whose tax it takes back."""
    return min(invoice.delivered_on, invoice.corrected_on) if invoice.corrected_on else invoice.delivered_on


def faults_of_treatment(invoice: Invoice) -> Iterator[Fault]:
    """What does not fit: category, rate, reason, countries, VAT ids. The seller's country has a profile."""
    tax = invoice.tax
    american = invoice.seller.country == "US"
    known = US_CATEGORIES if american else EU_CATEGORIES
    if tax.category not in known:
        yield Fault(
            "HG-TAX",
            f"the tax category {tax.category[:8]!r} is none of {', '.join(known)}; correct how the buyer is taxed",
        )
        return
    rate = parse_decimal(tax.rate)
    if rate is None or tax_of(1, tax.rate) is None or rate > 100:
        yield Fault(
            "HG-RATE", f"the tax rate {tax.rate[:20]!r} is no percentage such as 19 or 25.5 (four decimals at most)"
        )
        return
    if tax.category == "S" and not rate:
        yield Fault("HG-RATE", "category S has a rate above 0; where nothing is charged, another category says why")
    if tax.category != "S" and rate:
        yield Fault(
            "HG-RATE", f"category {tax.category} charges nothing, but the rate is {tax.rate} %; only S has a rate"
        )
    if tax.category in REASONED and not tax.reason.strip():
        yield Fault("HG-REASON", f"category {tax.category} needs a reason in words why nothing is charged")
    if tax.category not in REASONED and tax.reason:
        yield Fault("HG-REASON", f"category {tax.category} has no reason for charging nothing; leave it out")
    yield from (_american(invoice) if american else _european(invoice))


def _european(invoice: Invoice) -> Iterator[Fault]:
    category, seller, buyer = invoice.tax.category, invoice.seller, invoice.buyer
    home, inside = buyer.country == seller.country, buyer.country in EU
    if category == "S":
        yield from _standard(invoice)
    if category == "Z" and not home:
        yield Fault("HG-TAX", f"category Z is for a buyer in {seller.country}; across a border AE, K, G or O says why")
    if category == "E" and not inside:
        yield Fault(
            "HG-TAX", "category E is for a buyer in the European Union; outside of it G (goods) or O (services)"
        )
    if category in {"AE", "K"} and (home or not inside):
        yield Fault("HG-TAX", f"category {category} is for a buyer in another member state, not in {buyer.country}")
    if category in {"G", "O"} and inside:
        yield Fault("HG-TAX", f"category {category} is for a buyer outside the European Union, not in {buyer.country}")
    if category in {"AE", "K"} and not buyer.vat_id:
        yield Fault("HG-VAT-ID", f"category {category} needs the buyer's VAT id; register it, or charge tax")
    if category in {"AE", "K", "G"} and not seller.vat_id:
        yield Fault("HG-VAT-ID", f"category {category} needs the seller's VAT id; register it")
    if category in {"S", "Z", "E"} and not (seller.vat_id or seller.tax_id):
        yield Fault("HG-VAT-ID", "the seller's VAT id or tax number has to stand on the invoice; register it")
    if category == "O" and not (seller.register_id or seller.tax_id):
        yield Fault(
            "HG-TAX-ID",
            "category O shows no VAT id (BR-O-02): the seller needs a number of the trade register, or a tax number",
        )


def _standard(invoice: Invoice) -> Iterator[Fault]:
    seller, buyer = invoice.seller, invoice.buyer
    if buyer.country not in EU:
        yield Fault(
            "HG-TAX", f"a buyer in {buyer.country} is not charged {seller.country} tax: take O (services) or G (goods)"
        )
        return
    if buyer.country != seller.country and buyer.vat_id:
        yield Fault(
            "HG-TAX",
            f"a buyer in {buyer.country} with a VAT id owes the tax there: take AE (services) or K (goods), not S",
        )
        return
    right = standard_rate(seller.country, tax_point(invoice))
    if right is None:
        yield Fault(
            "HG-RATE",
            f"no tax rate is known for {seller.country} before {RATES_KNOWN_FROM}: check when it was delivered",
        )
    elif not same_rate(right, invoice.tax.rate):
        yield Fault(
            "HG-RATE",
            f"the standard rate in {seller.country} on {tax_point(invoice)[:10]} is {right} %, not {invoice.tax.rate[:12]} %;"
            " correct how the buyer is taxed",
        )


def _american(invoice: Invoice) -> Iterator[Fault]:
    category, buyer = invoice.tax.category, invoice.buyer
    rate = parse_decimal(invoice.tax.rate)
    if category == "S" and buyer.country != "US":
        yield Fault("HG-TAX", f"a buyer in {buyer.country} is charged no US sales tax: take O (services) or G (goods)")
    if category == "S" and rate is not None and rate > INVOICE_US_RATE_PERCENT_MAX:
        yield Fault(
            "HG-RATE",
            f"no combined sales tax is above {INVOICE_US_RATE_PERCENT_MAX} %, but the rate is {invoice.tax.rate[:12]} %",
        )
    if category == "G" and buyer.country == "US":
        yield Fault("HG-TAX", "category G is for a buyer outside the US; a sale that is free of tax is E or O")
    if buyer.country == "US" and buyer.region not in US_STATES:
        yield Fault(
            "HG-PARTY",
            f"the buyer's region {buyer.region[:8]!r} is no state of the US: sales tax depends on it; register WA or the like",
        )

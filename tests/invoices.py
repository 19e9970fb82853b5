"""Invoices that hold every rule, one of each kind, to be broken in one place."""

from typing import Any, Final

import msgspec

from holdgate.invoicing.sums import CREDIT_NOTE, INVOICE
from holdgate.pay.invoice import Invoice, Line
from holdgate.terms.party import Account, Party, Tax

SELLER: Final = Party(
    org="LAB",
    name="Prüflabor Nord GmbH",
    street="Werftstraße 12",
    city="Hamburg",
    postal_code="20457",
    country="DE",
    vat_id="DE136695976",
    tax_id="27/123/45678",
    register_id="HRB 12345",
    email="rechnung@lab.example",
    phone="+49 40 1234",
    endpoint_scheme="EM",
    endpoint="rechnung@lab.example",
    account=Account(iban="DE89370400440532013000", bic="COBADEFFXXX"),
)
BUYER: Final = Party(
    org="ACME",
    name="Flugwerk AG",
    street="Allee 1",
    city="München",
    postal_code="80331",
    country="DE",
    vat_id="DE129273398",
)
FRENCH: Final = Party(
    org="AV", name="Avions SA", street="Rue 1", city="Paris", postal_code="75001", country="FR", vat_id="FR40303265045"
)
AMERICAN: Final = Party(
    org="SEA",
    name="Seaplane Corp.",
    street="Dock St 2",
    city="Seattle",
    postal_code="98101",
    country="US",
    region="WA",
    tax_id="91-1144442",
)
JAPANESE: Final = Party(
    org="HO", name="Hikoki KK", street="1-2-3 Ginza", city="Tokyo", postal_code="104-0061", country="JP"
)
CASCADE: Final = Party(
    org="CNDT",
    name="Cascade NDT, Inc.",
    street="100 Pier Rd",
    city="Tacoma",
    postal_code="98402",
    country="US",
    region="WA",
    tax_id="94-2404110",
    email="ar@cascade.example",
    account=Account(routing="125000024", number="123456789"),
)
LINES: Final = (
    Line(id="1", text="Penetrant inspection: parts arrived", amount_minor=40_000),
    Line(id="2", text="Penetrant inspection: accepted by QA", amount_minor=60_001),
)
NONE_DUE: Final[dict[str, Any]] = {"tax_minor": 0, "gross_minor": 100_001}


def an_invoice(**changes: Any) -> Invoice:
    """A domestic invoice of a German seller, with changes."""
    plain: dict[str, Any] = {
        "number": "F-2026-0001",
        "kind": INVOICE,
        "issued_on": "2026-03-04",
        "due_on": "2026-04-03",
        "delivered_on": "2026-03-03",
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "order": "PO-77",
        "contract": "fpi-order 1.2",
        "lines": LINES,
        "tax": Tax(category="S", rate="19"),
        "net_minor": 100_001,
        "tax_minor": 19_000,
        "gross_minor": 119_001,
        "entry": "HUB/123",
        "po_line": "10",
        "reports": ("R-2026-0001", "R-2026-0002"),
    }
    return Invoice(**{**plain, **changes})


def untaxed(category: str, buyer: Party, **changes: Any) -> Invoice:
    """An invoice on which nothing is charged."""
    tax = Tax(category=category, reason="Because the law says so")
    return an_invoice(**{"buyer": buyer, "tax": tax, **NONE_DUE, **changes})


def party(of: Party, **changes: Any) -> Party:
    """A party with changes."""
    return msgspec.structs.replace(of, **changes)


CREDITED: Final = an_invoice(
    number="G-2026-0001", kind=CREDIT_NOTE, corrects="F-2026-0001", corrected_on="2026-02-02", due_on=""
)
SALES_TAX: Final = an_invoice(
    seller=CASCADE,
    buyer=AMERICAN,
    currency="USD",
    tax=Tax(category="S", rate="10.35"),
    tax_minor=10_350,
    gross_minor=110_351,
)
EUROPEAN: Final = {
    "domestic": an_invoice(),
    "reverse charge": untaxed("AE", FRENCH),
    "intra-community": untaxed("K", FRENCH),
    "export": untaxed("G", AMERICAN),
    "service abroad": untaxed("O", AMERICAN),
    "yen": untaxed("O", JAPANESE, currency="JPY"),
    "exempt": an_invoice(tax=Tax(category="E", reason="Exempt by § 4"), **NONE_DUE),
    "zero rate": an_invoice(tax=Tax(category="Z"), **NONE_DUE),
    "credit note": CREDITED,
    "with a note": an_invoice(note="Two\nlines <b> & ]]> of it"),
}

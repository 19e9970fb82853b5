"""Invoice: a document's content, as the books of the ledger give it. Its format (UBL, CII, PDF) is another layer's affair.

Source: EN 16931-1:2017 (what an invoice says); Directive 2006/112/EC art. 226.
"""

from msgspec import Struct

from holdgate.terms.party import Party, Tax


class Line(Struct, frozen=True, kw_only=True):
    """One position, a quantity of one: a milestone or a surcharge. `amount_minor`: without tax."""

    id: str
    text: str
    amount_minor: int


class Invoice(Struct, frozen=True, kw_only=True):
    """An invoice, or a credit note (whose amounts are positive too, and which `corrects` an invoice).

    `number`: gapless in its series. Dates are ISO ones in the shop's zone: `issued_on`; `due_on`; `delivered_on`, when what
    it is for was done; `corrected_on`: the issue date of what a credit note corrects ("" for an invoice). `order`: the
    client's PO number, `po_line` its line ("": not stated). `reports`: numbers of the reports that it is for. `contract`:
    name and version. `net_minor + tax_minor == gross_minor`; `tax_minor` is `net_minor` at the rate, half a minor unit up.
    `entry`: where the business hub's ledger releases it, as `SITE/sequence number`.
    """

    number: str
    kind: str
    issued_on: str
    due_on: str
    delivered_on: str
    currency: str
    seller: Party
    buyer: Party
    order: str
    contract: str
    lines: tuple[Line, ...]
    tax: Tax
    net_minor: int
    tax_minor: int
    gross_minor: int
    entry: str
    po_line: str = ""
    reports: tuple[str, ...] = ()
    corrects: str = ""
    corrected_on: str = ""
    note: str = ""

"""Invoices over the API: the document of an invoice or credit note, for the office and for the client whose it is."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from starlette.responses import Response

from holdgate.law.money import Bill
from holdgate.web.asker import Asker
from holdgate.web.billing import Billing
from holdgate.web.face import Face
from holdgate.web.grammar import Id
from holdgate.web.operation import Call, Operation
from holdgate.web.problem import Problem, missing

PDF: Final = "application/pdf"
XML: Final = "application/xml"
OFFICE: Final = ("finance", "project_manager", "admin")
"""Who reads every invoice."""
NO_INVOICE: Final = "no invoice of this number is yours to see"
NOT_HERE: Final = (
    "invoices are not written here: the extra `invoicing` is not installed; finance writes them with holdgate invoice"
)


class ByInvoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invoice or credit note. `format`: "" is the usual one of the countries of seller and buyer."""

    number: Id
    format: Literal["", "ubl", "cii", "facturx", "pdf"] = ""


def reads_invoices(asker: Asker) -> bool:
    """The office, and clients (their own)."""
    return (asker.staff and asker.holds(*OFFICE)) or bool(asker.clients)


def bill_of(face: Face, asker: Asker, number: str) -> Bill | None:
    """An invoice or credit note that the asker may read; another client's is as if it were not there."""
    bill = face.state.money.bills.get(number)
    if bill is None or not reads_invoices(asker):
        return None
    order = face.state.orders.get(bill.order)
    theirs = bill.client == asker.clients and order is not None and asker.sees(order)
    return bill if asker.staff or theirs else None


class Invoices:
    """Gives invoices out. `billing`: None where what writes them is not installed."""

    def __init__(self, billing: Billing | None) -> None:
        self._billing = billing

    async def give(self, call: Call) -> Response | Problem:
        """The document: the same bytes as `holdgate invoice` writes."""
        bill = bill_of(call.face, call.asker, call.asks.number)
        if bill is None:
            return missing(NO_INVOICE)
        if self._billing is None:
            return missing(NOT_HERE)
        made = await self._billing.document(bill.number, call.asks.format)
        if isinstance(made, tuple):
            return Problem(
                kind="about:InvoiceRefused",
                title="The invoice is not given out",
                status=422,
                detail="; ".join(one.says for one in made),
                code=made[0].code if made else "",
                refusals=made,
            )
        headers = {
            "Content-Disposition": f'attachment; filename="{made.name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return Response(made.data, media_type=made.media, headers=headers)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "GET",
                "/api/invoices/{number}",
                "An invoice as a document",
                self.give,
                asks=ByInvoice,
                who=reads_invoices,
                media=PDF,
                others=(XML,),
                kinds=("business_hub",),
            ),
        )

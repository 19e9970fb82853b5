"""Billing: invoices as documents for the web, which never writes or validates one itself; and those that were written before.

A process that has the writer installed hands it in; without it invoices are read on their pages, and written with
`holdgate invoice`.
"""

import asyncio
from collections import OrderedDict
from typing import Final, Protocol

from msgspec import Struct

from holdgate.pay.books import Books, invoice_of, missing_for
from holdgate.pay.invoice import Invoice
from holdgate.sites.reply import Refusal
from holdgate.terms.errors import Unavailable
from holdgate.web.face import Face
from holdgate.web.show import dates

KEPT: Final = 32
"""Documents that are kept ready."""
TURN_S: Final = 8.0
"""How long somebody waits for the documents of others; with a document's own deadline less than an HTTP answer may take."""


class Written(Struct, frozen=True):
    """A document that may be given out. `media`: its media type."""

    name: str
    data: bytes
    media: str


class Unwritten(Struct, frozen=True):
    """Nothing may be given out. `unmet`: every rule that is not held, with its sentence."""

    unmet: tuple[tuple[str, str], ...]


class InvoiceWriter(Protocol):
    """Writes invoices as documents, one at a time. It may hold a process of its own until it is closed."""

    def formats(self, seller: str, buyer: str) -> tuple[str, ...]:
        """In which formats an invoice goes out from one country to another; none where there is no way."""
        ...

    def write(self, invoice: Invoice, wanted: str) -> Written | Unwritten:
        """The document (`wanted`: its format; "": the usual one), or why there is none.

        Raises:
            Unavailable: it could not be validated in time, or the writer is closed.
        """
        ...

    def close(self) -> None:
        """Nothing is written any more; what is being written ends."""
        ...


class Billing:
    """Gives the invoices of one site out, one at a time, off the event loop."""

    def __init__(self, face: Face, writer: InvoiceWriter) -> None:
        self._face = face
        self._writer = writer
        self._turn = asyncio.Lock()
        self._made: OrderedDict[tuple[str, str], tuple[Invoice, Written]] = OrderedDict()

    async def document(self, number: str, wanted: str) -> Written | tuple[Refusal, ...]:
        """An invoice or credit note that is on the books, as a document; or every reason why it is not given out.

        Raises:
            Unavailable: it could not be validated, or too many documents are being written.
        """
        books = books_of(self._face)
        missing = missing_for(books, books.money.bills[number])
        if missing:
            return tuple(Refusal(code="PARTY_MISSING", says=says, helps=REGISTER) for says in missing)
        invoice = invoice_of(books, number, dates(self._face.zone))
        held = self._made.get((number, wanted))
        if held is not None and held[0] == invoice:
            return held[1]
        made = await self._written(invoice, wanted)
        if isinstance(made, Unwritten):
            return tuple(Refusal(code=rule, says=says, helps="") for rule, says in made.unmet)
        self._made[number, wanted] = (invoice, made)
        if len(self._made) > KEPT:
            self._made.popitem(last=False)
        return made

    async def _written(self, invoice: Invoice, wanted: str) -> Written | Unwritten:
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("other invoices are being written; ask again in a minute") from None
        try:
            return await asyncio.to_thread(self._writer.write, invoice, wanted)
        finally:
            self._turn.release()


REGISTER: Final = "Finance registers the organisation; then it can be written."


def books_of(face: Face) -> Books:
    """The documents and payouts of a site as they stand; its bookings are in its record alone."""
    return Books(money=face.state.money, site=face.id)

"""A writer of invoices that several ask: one document at a time, and an end to it from wherever it is closed."""

from threading import Lock
from typing import Final

from holdgate.invoicing.fault import Fault
from holdgate.invoicing.issuing import Issued, Refused, issue
from holdgate.invoicing.profiles import profile_of
from holdgate.invoicing.validate import Validator
from holdgate.pay.invoice import Invoice
from holdgate.terms.errors import Unavailable

CLOSED: Final = "invoices are not written any more: the site is being stopped"


class SharedWriter:
    """Writes invoices with one validator, from any thread. `validator`: closed with it."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._turn = Lock()
        self._closed = False

    def formats(self, seller: str, buyer: str) -> tuple[str, ...]:
        """In which formats an invoice goes out from one country to another (ISO 3166-1 alpha-2), the usual one first."""
        found = profile_of(seller, buyer)
        return () if isinstance(found, Fault) else found.formats

    def issue(self, invoice: Invoice, wanted: str) -> Issued | tuple[Fault, ...]:
        """The invoice as a file, or the rules that it does not hold; see `holdgate.invoicing.issuing.issue`.

        Raises:
            Unavailable: it could not be validated, or this is closed.
            InvariantBroken: a document does not say what the invoice says.
        """
        with self._turn:
            if self._closed:
                raise Unavailable(CLOSED)
            made = issue(invoice, self._validator, wanted)
        return made.faults if isinstance(made, Refused) else made

    def close(self) -> None:
        """Nothing is written any more. A document that is being validated fails at once, so that nobody waits for it."""
        self._closed = True
        self._validator.stop()
        with self._turn:
            self._validator.close()

"""UBL 2.1 and CII by the factur-x package, and read back: what was not written as it was meant is not given out.

The package drops terms that it holds for misplaced with a warning in a log; so every term is read again from the document and
compared. It is written for both syntaxes from one list of business terms, and carries their schemas and schematrons.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from holdgate.invoicing.business_terms import Terms, terms_of
from holdgate.invoicing.profiles import CII, UBL
from holdgate.pay.invoice import Invoice
from holdgate.terms.errors import InvariantBroken, Unavailable
from holdgate.terms.limits import INVOICE_XML_BYTES_MAX

LEVEL: Final = "en16931"


def document(invoice: Invoice, syntax: str) -> bytes:
    """The invoice as XML of a syntax (`ubl` or `cii`).

    Raises:
        Unavailable: factur-x is not installed. InvariantBroken: the document does not say what the invoice says.
    """
    facturx = _facturx()
    write: dict[str, Callable[..., bytes]] = {UBL: facturx.generate_ubl_xml, CII: facturx.generate_cii_xml}
    meant = terms_of(invoice)
    try:
        made = write[syntax](terms_of(invoice), level=LEVEL, check_xsd=False, check_schematron=False)
        read = facturx.parse_ubl_cii_xml(made, check_xsd=False)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise InvariantBroken(f"{invoice.number} cannot be written as {syntax}: {error}") from error
    if len(made) > INVOICE_XML_BYTES_MAX:
        raise InvariantBroken(
            f"{invoice.number} has {len(made)} bytes as {syntax}; {INVOICE_XML_BYTES_MAX} are the most"
        )
    if (lost := _differs(meant, _plain(read))) is not None:
        raise InvariantBroken(f"{invoice.number} as {syntax} says something else than the invoice: {lost}")
    return made


def read_terms(made: bytes) -> Terms:
    """The business terms that a document states, dates as ISO text."""
    terms: Terms = _plain(_facturx().parse_ubl_cii_xml(made, check_xsd=False))
    return terms


def _facturx() -> Any:
    try:
        import facturx  # noqa: PLC0415  # optional: the extra `invoicing`
    except ImportError:
        raise Unavailable("invoices need more packages: pip install 'holdgate[invoicing]'") from None
    return facturx


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _differs(meant: Any, read: Any, where: str = "") -> str | None:
    """The first term that is not read as it was meant, or that nobody meant."""
    if isinstance(meant, dict) and isinstance(read, dict):
        for key in sorted({*meant, *read}):
            if (lost := _differs(meant.get(key), read.get(key), f"{where} {key}".strip())) is not None:
                return lost
        return None
    if isinstance(meant, list) and isinstance(read, list) and len(meant) == len(read):
        return next(
            (lost for one, other in zip(meant, read, strict=True) if (lost := _differs(one, other, where))), None
        )
    return None if meant == read else where

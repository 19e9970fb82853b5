"""Giving an invoice out: nothing leaves that does not hold our invariants, its schema and its schematron."""

from typing import Final

from msgspec import Struct

from holdgate.invoicing.fault import Fault
from holdgate.invoicing.invariants import faults_of
from holdgate.invoicing.pdf import facturx_pdf, plain_pdf
from holdgate.invoicing.profiles import CII, FACTURX, FORMATS, PDF, UBL, Profile, profile_of
from holdgate.invoicing.syntax import document
from holdgate.invoicing.validate import Validator
from holdgate.pay.invoice import Invoice

OUR_RULES: Final = "Holdgate's own rules of invoices (HG)"


class Issued(Struct, frozen=True):
    """A file that may be given out. `held`: everything that it was held against."""

    name: str
    data: bytes
    format: str
    held: tuple[str, ...]


class Refused(Struct, frozen=True):
    """Nothing was made or given out. `faults`: every unmet rule of the first check that found any."""

    faults: tuple[Fault, ...]


def issue(invoice: Invoice, validator: Validator, wanted: str = "") -> Issued | Refused:
    """The invoice as a file, or why it is refused. The same invoice gives the same bytes.

    Args:
        invoice: as the books give it; nothing in it is trusted.
        validator: the process that validates; it is started when a document reaches it.
        wanted: `ubl`, `cii`, `facturx` or `pdf`; "": the profile's first.

    Raises:
        Unavailable: a package is missing, or the document could not be validated. InvariantBroken: a document does not say what
            the invoice says.
    """
    faults = faults_of(invoice)
    profile = profile_of(invoice.seller.country, invoice.buyer.country)
    if faults or isinstance(profile, Fault):
        return Refused(faults)
    chosen = wanted or profile.formats[0]
    if chosen not in profile.formats:
        given = ", ".join(profile.formats)
        return Refused(
            (Fault("HG-FORMAT", f"an invoice by {profile.name} is given out as {given}, not as {chosen[:12]!r}"),)
        )
    if chosen == PDF:
        return Issued(f"{_file_name(invoice)}.pdf", plain_pdf(invoice, profile), chosen, (OUR_RULES,))
    return _structured(invoice, profile, validator, chosen)


def _structured(invoice: Invoice, profile: Profile, validator: Validator, chosen: str) -> Issued | Refused:
    syntax = UBL if chosen == UBL else CII
    made = document(invoice, syntax)
    verdict = validator.check(syntax, made)
    if verdict.faults:
        return Refused(verdict.faults)
    held = (OUR_RULES, *verdict.held)
    if chosen == FACTURX:
        return Issued(f"{_file_name(invoice)}.pdf", facturx_pdf(invoice, profile, made), chosen, held)
    return Issued(f"{_file_name(invoice)}.{syntax}.xml", made, chosen, held)


def _file_name(invoice: Invoice) -> str:
    return invoice.number.replace("/", "-")


__all__ = ["FORMATS", "Issued", "Refused", "issue"]

"""The invoice as PDF: a plain page, or Factur-X (PDF/A-3 that carries the same invoice as CII). Same input, same bytes.

Typst sets the page, dates it and attaches the document; what is left for Factur-X is to say so in the file's metadata (XMP).
The factur-x package's own writer puts the clock's time in three places and lowers the page's PDF/A-3a to 3b, so it is not used
for this; its reader finds the document all the same (tests). Source: Factur-X 1.09 (XMP extension schema); ISO 19005-3;
ISO 16684-1 (XMP).
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from holdgate.invoicing.page import page_of
from holdgate.invoicing.profiles import Profile
from holdgate.paper.typeset import typeset
from holdgate.pay.invoice import Invoice
from holdgate.terms import canon
from holdgate.terms.errors import InvariantBroken, Unavailable
from holdgate.terms.instant import SECOND_US

TEMPLATE: Final = Path(__file__).parent / "templates" / "invoice.typ"
ATTACHMENT: Final = "factur-x.xml"
_FX: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES: Final = (
    ("DocumentFileName", ATTACHMENT, "The name of the embedded XML document"),
    ("DocumentType", "INVOICE", "The type of the hybrid document"),
    ("Version", "1.0", "The version of the standard that the embedded XML document follows"),
    ("ConformanceLevel", "EN 16931", "The conformance level of the embedded XML document"),
)
_BAG_END: Final = "</rdf:Bag></pdfaExtension:schemas>"
_RDF_END: Final = "</rdf:RDF>"


def plain_pdf(invoice: Invoice, profile: Profile) -> bytes:
    """The page alone, dated with the day of issue.

    Raises:
        Unavailable: the typesetter is not installed. InvariantBroken: the page cannot be set.
    """
    return _page(invoice, profile, b"")


def facturx_pdf(invoice: Invoice, profile: Profile, cii: bytes) -> bytes:
    """The page with the invoice as CII inside.

    Raises:
        Unavailable: a package is not installed. InvariantBroken: the page cannot be set, or does not carry exactly this document.
    """
    made = _declared(_page(invoice, profile, cii))
    if attached(made) != cii:
        raise InvariantBroken(f"the page of {invoice.number} does not carry the invoice that it shows")
    return made


def attached(pdf: bytes) -> bytes | None:
    """The document inside of a Factur-X file; None where there is none."""
    reader = _pypdf().PdfReader(BytesIO(pdf))
    found: list[bytes] = reader.attachments.get(ATTACHMENT, [])
    return bytes(found[0]) if len(found) == 1 else None


def _page(invoice: Invoice, profile: Profile, cii: bytes) -> bytes:
    midnight = datetime.fromisoformat(invoice.issued_on).replace(tzinfo=UTC)
    at = int(midnight.timestamp()) * SECOND_US
    return typeset(str(TEMPLATE), canon.encode(page_of(invoice, profile, cii)), at)


def _declared(pdf: bytes) -> bytes:
    """The file, its metadata declaring Factur-X. Everything else of it stays, its two ids and dates too.

    Raises:
        InvariantBroken: the metadata is not what the typesetter is known to write.
    """
    pypdf = _pypdf()
    writer = pypdf.PdfWriter(clone_from=BytesIO(pdf))
    writer.pdf_header = "%PDF-1.7"
    metadata = writer.root_object["/Metadata"].get_object()
    metadata.set_data(_xmp(metadata.get_data().decode()).encode())
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _xmp(packet: str) -> str:
    if packet.count(_BAG_END) != 1 or packet.count(_RDF_END) != 1:
        raise InvariantBroken(
            "the typesetter's metadata has another form than expected: Factur-X cannot be declared in it"
        )
    described = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
        for name, _, what in _PROPERTIES
    )
    schema = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value, _ in _PROPERTIES)
    description = f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">{values}</rdf:Description>'
    return packet.replace(_BAG_END, schema + _BAG_END).replace(_RDF_END, description + _RDF_END)


def _pypdf() -> Any:
    try:
        import pypdf  # noqa: PLC0415  # optional: the extra `invoicing`
    except ImportError:
        raise Unavailable("invoices need more packages: pip install 'holdgate[invoicing]'") from None
    return pypdf

"""Order files: which kind of file it is, read by what reads that kind. Picks the adapters; says of other files what to do."""

from collections.abc import Callable, Mapping
from typing import Final

from holdgate.adapters.sheet import read_sheet
from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.crypto.hashes import digest
from holdgate.query.order_fields import RawLine, ToInstant
from holdgate.query.order_files import OrderFile, columns_of, read_lines
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import ORDER_FILE_BYTES_MAX

CSV, UBL, FORM = "csv", "ubl", "form"
_OTHERS: Final = (
    (b"%PDF", "a PDF; type the order in, and choose the PDF as its paper at the review"),
    (b"PK\x03\x04", "a workbook or an archive; save its sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; save its sheet as CSV in UTF-8"),
    (b"ISA", "an X12 interchange, which is not read here; type the order in, or ask for CSV or UBL"),
    (b"UNA", "an EDIFACT interchange, which is not read here; type the order in, or ask for CSV or UBL"),
    (b"UNB", "an EDIFACT interchange, which is not read here; type the order in, or ask for CSV or UBL"),
    (b"{", "a JSON document, which is not read here; type the order in, or ask for CSV or UBL"),
)
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
"""How UTF-16 begins."""


def read_order_file(raw: bytes, tz: str) -> OrderFile:
    """Read a file of purchase orders: a UBL order, or a table.

    Args:
        raw: untrusted bytes.
        tz: the shop's zone, in which days end.

    Raises:
        Malformed: the file as a whole cannot be read. Faults of single lines are in the lines.
        Unavailable: it is a UBL order, and the package that reads XML is not installed.
    """
    if len(raw) > ORDER_FILE_BYTES_MAX:
        raise Malformed(f"the file has {len(raw)} bytes; {ORDER_FILE_BYTES_MAX} are the most, split it")
    begin = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    for sign, what in _OTHERS:
        if begin.startswith(sign):
            raise Malformed(f"the file is {what}")
    if raw.startswith(_WIDE):
        raise Malformed("the file is written in UTF-16; save it in UTF-8")
    kind, lines = (UBL, _ubl(raw)) if begin.startswith(b"<") else (CSV, _table(raw))
    return read_lines(kind, digest(raw), lines, _end(tz))


def read_order_form(cells: Mapping[str, str], tz: str) -> OrderFile:
    """Read what somebody typed: one line.

    Raises:
        Malformed: nothing is filled in.
    """
    if not any(text.strip() for text in cells.values()):
        raise Malformed("nothing is filled in; the PO number comes first")
    return read_lines(FORM, "", (RawLine(number=1, cells=dict(cells)),), _end(tz))


class OrderReader:
    """Both, for pages."""

    def file(self, raw: bytes, tz: str) -> OrderFile:
        """Read a file (see `read_order_file`)."""
        return read_order_file(raw, tz)

    def form(self, cells: Mapping[str, str], tz: str) -> OrderFile:
        """Read what somebody typed (see `read_order_form`)."""
        return read_order_form(cells, tz)


def _end(tz: str) -> ToInstant:
    def end(text: str) -> int:
        return instant_or_end_of_day(text, tz)

    return end


def _table(raw: bytes) -> list[RawLine]:
    sheet = read_sheet(raw)
    columns_of(sheet.columns)
    return [RawLine(number=row.number, cells=row.cells, faults=row.faults) for row in sheet.rows]


def _ubl(raw: bytes) -> list[RawLine]:
    return _reader()(raw)


def _reader() -> Callable[[bytes], list[RawLine]]:
    try:
        from holdgate.adapters.ubl_order import read_ubl  # noqa: PLC0415  # an extra, where it is installed
    except ImportError:
        raise Unavailable("XML is not read here: install holdgate with the extra `orders`, or ask for CSV") from None
    return read_ubl

"""Files of clients, readers and banks; invoices and paper."""

import datetime as dt
import subprocess
from functools import cache
from time import monotonic
from types import SimpleNamespace
from typing import Any, Final

from lxml import etree
from msgspec.structs import replace

from holdgate.adapters import env_csv, epcis, epcis_hash, epcis_links, epcis_uris, http_epcis, marks, sheet, ubl_order
from holdgate.banking import markup, nacha, order, pain001, pain002, statement_csv
from holdgate.invoicing import fields, tax, validate
from holdgate.invoicing.reading import invoice_from
from holdgate.paper import glyphs
from holdgate.paper.seal import seal_pdf
from holdgate.paper.typeset import typeset
from holdgate.query import order_checks, order_fields, order_files
from holdgate.terms import limits
from holdgate.terms.errors import Malformed
from holdgate.terms.party import Tax
from tests import bank_files
from tests.invoices import LINES, SALES_TAX, an_invoice
from tests.limits.case import Case, Cut, first

GTIN: Final = "04012345000016"
MONEY: Final = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:x">{}</Document>'


def nested(levels: int, name: str = "a") -> bytes:
    """XML of so many levels."""
    return b'<?xml version="1.0"?>' + f"<{name}>".encode() * levels + f"</{name}>".encode() * levels


def ubl(levels: int) -> bytes:
    """An order of so many levels."""
    names = "urn:oasis:names:specification:ubl:schema:xsd:"
    head = f'<Order xmlns="{names}Order-2" xmlns:cac="{names}CommonAggregateComponents-2">'.encode()
    return head + b"<cac:Party>" * (levels - 1) + b"</cac:Party>" * (levels - 1) + b"</Order>"


def _no_uri(_: str) -> marks.Identity:
    raise Malformed("no URI")


def _cell(name: str, text: str) -> None:
    raw = order_fields.RawLine(number=1, cells={name: text})
    first(f"{fault.column}: {fault.what}; {fault.do}" for fault in order_fields.read_line(raw, lambda _: 0)[1])


def _lines(count: int) -> object:
    raws = [order_fields.RawLine(number=n, cells={"po": f"P{n}", "client": "C"}) for n in range(count)]
    return order_files.read_lines("csv", "f", raws, lambda _: 0)


def _serials(size: int) -> None:
    """Serials that take so many bytes in an act."""
    named = tuple(f"{n:05d}" for n in range((size - 20) // 8))
    last = "X" * (size - 8 * len(named) - 3)
    line = SimpleNamespace(serials=(*named, last), cells={}, quantity=None)
    look: Any = SimpleNamespace(line=line, says=lambda _: "", earlier=tuple)
    first(item.says for item in order_checks.serials(look) if item.stops)


def _unmapped(count: int) -> int:
    found = tuple(order_fields.Unmapped(path=f"p{n}", value="v") for n in range(count))
    kept = ubl_order._most(found)
    return len(kept) - (kept[-1].path == "…")


def _attribute(size: int) -> object:
    body = http_epcis._Body(specversion="1.0", id="i" * size, source="s", type="t")
    try:
        return http_epcis._of_cloudevent(body)
    except http_epcis._Refused as refused:
        raise Malformed(str(refused.args)) from None


def _event_body(size: int) -> object:
    try:
        return http_epcis._read(http_epcis.JSON_TYPE, b" " * size)
    except http_epcis._Refused as refused:
        raise Malformed(str(refused.args)) from None


def _link(size: int) -> int:
    """How many characters of a link are looked into: all, or none."""
    text = f"https://example.org/01/{GTIN}/21/1?"
    text += "x" * (size - len(text))
    return size if epcis_links.canonical_link(text) != text else 0


def _named(path: str, value: str) -> etree._Element:
    inner = value
    for name in reversed(path.split("/")):
        inner = f"<{name}>{inner}</{name}>"
    return markup.parse(MONEY.format(inner).encode(), "file")


def _invoiced(**changes: Any) -> None:
    first(fields.faults_of_fields(an_invoice(**changes)))


def _day(count: int) -> str:
    return (dt.date(2026, 4, 1) + dt.timedelta(days=count)).isoformat()


def _paid(count: int) -> None:
    one = bank_files.sepa().payments[0]
    first(order.order_faults(bank_files.sepa(payments=tuple(replace(one, id=f"P{n}") for n in range(count)))))


@cache
def _glyphs(count: int) -> int:
    """Of so many characters that no font may have, how many are looked for: those beyond are written by number at once."""
    asked: list[str] = []
    kept, glyphs._has = glyphs._has, lambda text: not asked.append(text)  # type: ignore[assignment,func-returns-value]
    try:
        glyphs._out_of({chr(0x4E00 + n) for n in range(count)})
    finally:
        glyphs._has = kept
    return len(asked[0])


def _pdf(size: int) -> object:
    seal: Any = SimpleNamespace(certificate=b"", key=b"")
    try:
        return seal_pdf(bytes(size), seal, 0, "r")
    except Malformed:
        raise
    except Exception as error:  # noqa: BLE001  # it is no PDF, which is said by what reads PDFs
        raise Malformed(f"no PDF: {type(error).__name__}") from None


def _reason(size: int, path: str, place: int) -> int:
    report = _named(f"T/StsRsnInf/{path}", "A" * size)[0]
    return len(pain002._reason(report)[place])


def _status(size: int) -> int:
    return len(pain002._group(_named("G/GrpSts", "A" * size)[0], "n", "GrpSts").code)


def _remittance(size: int) -> int:
    return len(pain001._expected(bank_files.with_payment(bank_files.sepa(), text="a" * size)).transfers[0].text)


def _checked(size: int) -> object:
    """What a checking process answers, of so many bytes."""
    program = ["sh", "-c", f"head -c {size - 1} /dev/zero; echo; read line"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            return validate._ask(process, b"x\n", monotonic() + 60)
        except OSError as error:
            raise Malformed(str(error)) from None
        finally:
            process.kill()


CASES: Final = (
    # orders
    Case("ORDER_FILE_BYTES_MAX", lambda n: sheet.read_sheet(b"a" * n), "at most|2,097,152|2097152"),
    Case("ORDER_FILE_BYTES_MAX", lambda n: ubl_order.read_ubl(b" " * n), "at most|2,097,152|2097152"),
    Case("ORDER_LINES_MAX", _lines, "200 are the most, split it"),
    Case("SHEET_COLUMNS_MAX", lambda n: sheet.read_sheet(",".join(f"c{i}" for i in range(n)).encode()), "are the most"),
    Case("SHEET_ROWS_MAX", lambda n: sheet.read_sheet(b"po,client\n" + b"a,b\n" * n), "10,000|10000"),
    Case("UBL_DEPTH_MAX", lambda n: ubl_order.read_ubl(ubl(n)), "deep|nest"),
    Case(
        "UBL_ELEMENTS_MAX",
        lambda n: ubl_order.read_ubl(b"<Order>" + b"<a></a>" * (n - 1) + b"</Order>"),
        "elements; send",
    ),
    Case("ORDER_CELL_CHARS_MAX", lambda n: _cell("po", "a" * n), "200 are the most"),
    Case("ORDER_LIST_CHARS_MAX", lambda n: _cell("documents", "a" * n), "1000 are the most"),
    Case("ORDER_SERIALS_CHARS_MAX", lambda n: _cell("serials", "a" * n), "8000 are the most"),
    Case("ORDER_QUANTITY_MAX", lambda n: _cell("quantity", str(n)), "a whole number from 1 to 2000"),
    Case("ORDER_SERIALS_BYTES_MAX", _serials, "more than one order can name"),
    # the environment
    Case("ENV_FILE_BYTES_MAX", lambda n: env_csv.parse(b"a" * n, "degC"), "at most|16,777,216|16777216"),
    # readers and marks
    Case("MARK_CHARS_MAX", lambda n: marks.read_mark("A" * n, _no_uri), "1024|1,024|longer"),
    Case("EPCIS_URI_CHARS_MAX", lambda n: epcis_uris.check_uri("urn:a:" + "b" * (n - 6), "readPoint"), "readPoint"),
    Case("EPCIS_EVENT_BYTES_MAX", lambda n: epcis.read_object_event(b"{" * n), "262144|262,144"),
    Case("EPCIS_BODY_BYTES_MAX", _event_body, "send fewer parts in one event"),
    Case("EPCIS_ATTRIBUTE_CHARS_MAX", _attribute, "a CloudEvent has a id"),
    Case(
        "EPCIS_LOT_PIECES_MAX",
        lambda n: epcis._lot({"epcClass": f"https://id.gs1.org/01/{GTIN}/10/L", "quantity": n}),
        "a whole number of pieces",
    ),
    Case("EPCIS_NUMBER_CHARS_MAX", lambda n: epcis_hash._number("0" * n), "more than 128 characters"),
    Case("EPCIS_NUMBER_EXPONENT_MAX", lambda n: epcis_hash._number(f"1e{n}"), "beyond 10\\^64"),
    Case("EPCIS_PART_NO_CHARS_MAX", lambda n: epcis_uris.write_adi("1ABC2", "P" * n, "1"), "1 to 32 of"),
    Case("EPCIS_PART_NO_CHARS_MAX", lambda n: epcis_uris.read_part(f"urn:epc:id:adi:1ABC2.{'P' * n}.1"), "at most 32"),
    Case("EPCIS_ADI_SERIAL_CHARS_MAX", lambda n: epcis_uris.write_adi("1ABC2", "P", "1" * n), "1 to 30 of"),
    Case(
        "EPCIS_ADI_SERIAL_CHARS_MAX",
        lambda n: epcis_uris.read_part(f"urn:epc:id:adi:1ABC2.P.{'1' * n}"),
        "30 of serial",
    ),
    Case(
        "EPCIS_SERIAL_CHARS_MAX",
        lambda n: epcis_uris.read_part(f"urn:epc:id:sgtin:4012345.000001.{'1' * n}"),
        "longer than 20",
    ),
    Case(
        "EPCIS_SERIAL_CHARS_MAX",
        lambda n: epcis_uris.read_lot(f"https://id.gs1.org/01/{GTIN}/10/{'L' * n}"),
        "longer than 20",
    ),
    Case(
        "EPCIS_ASSET_CHARS_MAX", lambda n: epcis_uris.read_part(f"https://id.gs1.org/8004/{'4' * n}"), "longer than 30"
    ),
    # banks
    Case("BANK_FILE_BYTES_MAX", lambda n: markup.parse(b" " * n, "file"), "16777216|16,777,216|MiB|at most|larger"),
    Case("BANK_DEPTH_MAX", lambda n: markup.parse(nested(n), "file"), "nested deeper"),
    Case("BANK_TAGS_MAX", lambda n: markup.parse(b"<" * n, "file"), "more than 600000 tags"),
    Case("BANK_CSV_ROWS_MAX", lambda n: statement_csv.read_csv(b"date\n" + b"a\n" * (n - 1)), "more than 20000 rows"),
    Case("BANK_PAYMENTS_MAX", _paid, "1 to 2000 can go in one file"),
    Case(
        "BANK_PAY_AHEAD_DAYS_MAX",
        lambda n: first(order.day_faults(bank_files.sepa(pay_on=_day(n)))),
        "check the year",
    ),
    Case(
        "SEPA_AMOUNT_MINOR_MAX",
        lambda n: first(pain001.faults(bank_files.with_payment(bank_files.sepa(), amount_minor=n))),
        "split it",
    ),
    Case(
        "NACHA_AMOUNT_MINOR_MAX",
        lambda n: first(nacha.faults(bank_files.with_payment(bank_files.ach(), amount_minor=n - 7))),
        "split the order",
    ),
    # invoices and paper
    Case("INVOICE_BYTES_MAX", lambda n: invoice_from(b" " * n), "this one is longer"),
    Case("INVOICE_NAME_CHARS_MAX", lambda n: _invoiced(po_line="1" * n), "200 are the most"),
    Case(
        "INVOICE_TEXT_CHARS_MAX",
        lambda n: _invoiced(lines=(replace(LINES[0], text="a" * n), *LINES[1:])),
        "1000 are the most",
    ),
    Case("INVOICE_NOTE_CHARS_MAX", lambda n: _invoiced(note="a" * n), "4000 are the most"),
    Case("INVOICE_REPORTS_MAX", lambda n: _invoiced(reports=tuple(f"R{i}" for i in range(n))), "at most 100 reports"),
    Case(
        "INVOICE_US_RATE_PERCENT_MAX",
        lambda n: first(tax._american(replace(SALES_TAX, tax=Tax(category="S", rate=str(n))))),
        "above 15 %",
    ),
    Case("INVOICE_CHECK_BYTES_MAX", _checked, "its answer has no end"),
    Case("PAPER_DATA_BYTES_MAX", lambda n: typeset("plain.typ", b" " * n, 0), "at most|8388608|8,388,608"),
    Case("PDF_BYTES_MAX", _pdf, "leave attachments out"),
)
CUTS: Final = (
    Cut("UBL_UNMAPPED_MAX", _unmapped),
    Cut("EPCIS_LINK_CHARS_MAX", _link),
    Cut("BANK_TEXT_CHARS_MAX", lambda n: len(markup.clean("a" * n))),
    Cut(
        "BANK_NAME_CHARS_MAX",
        lambda n: len(markup.text(_named("P/Nm", "a" * n), "P/Nm", most=limits.BANK_NAME_CHARS_MAX)),
    ),
    Cut("BANK_WORDS_CHARS_MAX", lambda n: _reason(n, "AddtlInf", 1)),
    Cut("BANK_TOLD_ID_CHARS_MAX", lambda n: _reason(n, "Rsn/Cd", 0)),
    Cut("BANK_ID_CHARS_MAX", _status),
    Cut("SEPA_TEXT_CHARS_MAX", _remittance),
    Cut("SEPA_NAME_CHARS_MAX", lambda n: len(pain001._name("a" * n, "a name"))),
    Cut("PAPER_WORD_CHARS_MAX", lambda n: len(max(glyphs.shown("a" * n).split("\u200b"), key=len))),
    Cut("PAPER_GLYPHS_MAX", _glyphs),
)

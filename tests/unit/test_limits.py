"""At each limit a thing is let pass, one past it it is refused for that reason: a table, for limits no other test goes up to.

At the limit something else may still be wrong with what the table makes (a file of commas is no statement); then it is refused with
another sentence.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest

from holdgate.adapters import epcis_uris, marks, sheet, tls_files, ubl_order
from holdgate.banking import markup, statement_csv
from holdgate.crypto import keyfile
from holdgate.invoicing.reading import invoice_from
from holdgate.ledger.note import read_note
from holdgate.ledger.policy import parse_policy
from holdgate.ledger.proof import read_proof
from holdgate.package.archive import check_name
from holdgate.paper.typeset import typeset
from holdgate.terms import canon, ids, limits
from holdgate.terms.errors import HoldgateError, Malformed


class Case(NamedTuple):
    """`give`: what is done with so many; `says`: the sentence of the limit."""

    limit: str
    give: Callable[[int], object]
    says: str


def _nested(levels: int, name: str = "a") -> bytes:
    return b'<?xml version="1.0"?>' + f"<{name}>".encode() * levels + f"</{name}>".encode() * levels


def _order(levels: int) -> bytes:
    ubl = "urn:oasis:names:specification:ubl:schema:xsd:"
    head = f'<Order xmlns="{ubl}Order-2" xmlns:cac="{ubl}CommonAggregateComponents-2">'.encode()
    return head + b"<cac:Party>" * (levels - 1) + b"</cac:Party>" * (levels - 1) + b"</Order>"


def _note(lines: int) -> bytes:
    return b"log\n1\n\n" + b"\xe2\x80\x94 log AAAAAAAA\n" * lines


def _no_uri(_: str) -> marks.Identity:
    raise Malformed("no URI")


CASES = (
    Case("ID_CHARS_MAX", lambda n: ids.check_id("A" * n), "id"),
    Case("TEXT_CHARS_MAX", lambda n: canon.check_text("a" * n, "note"), "characters"),
    Case("LIST_ITEMS_MAX", lambda n: canon.check_text([1] * n, "list"), "items"),
    Case("INTEGER_ABS_MAX", lambda n: canon.check_text(n, "number"), "integer|number|2\\^53|2\\*\\*53"),
    Case("PIN_CHARS_MAX", lambda n: keyfile.check_pin(("abcdefg" * 40)[:n]), "longer than"),
    Case("KEY_FILE_BYTES_MAX", lambda n: keyfile.read_key_file(b" " * n), "at most 4096 bytes"),
    Case("MARK_CHARS_MAX", lambda n: marks.read_mark("A" * n, _no_uri), "1024|1,024|longer"),
    Case("EPCIS_URI_CHARS_MAX", lambda n: epcis_uris.check_uri("urn:a:" + "b" * (n - 6), "readPoint"), "readPoint"),
    Case("ORDER_FILE_BYTES_MAX", lambda n: sheet.read_sheet(b"a" * n), "at most|2,097,152|2097152"),
    Case("ORDER_FILE_BYTES_MAX", lambda n: ubl_order.read_ubl(b" " * n), "at most|2,097,152|2097152"),
    Case("SHEET_COLUMNS_MAX", lambda n: sheet.read_sheet(",".join(f"c{i}" for i in range(n)).encode()), "are the most"),
    Case("SHEET_ROWS_MAX", lambda n: sheet.read_sheet(b"po,client\n" + b"a,b\n" * n), "10,000|10000"),
    Case("UBL_DEPTH_MAX", lambda n: ubl_order.read_ubl(_order(n)), "deep|nest"),
    Case("BANK_FILE_BYTES_MAX", lambda n: markup.parse(b" " * n, "file"), "16777216|16,777,216|MiB|at most|larger"),
    Case("BANK_DEPTH_MAX", lambda n: markup.parse(_nested(n), "file"), "nested deeper"),
    Case("BANK_TAGS_MAX", lambda n: markup.parse(b"<" * n, "file"), "more than 600000 tags"),
    Case("INVOICE_BYTES_MAX", lambda n: invoice_from(b" " * n), "this one is longer"),
    Case("PAPER_DATA_BYTES_MAX", lambda n: typeset("plain.typ", b" " * n, 0), "at most|8388608|8,388,608"),
    Case("NOTE_BYTES_MAX", lambda n: read_note(b"a" * n), "65536|65,536|bytes"),
    Case("NOTE_SIGNATURES_MAX", lambda n: read_note(_note(n)), "1 to 64 signature lines"),
    Case("POLICY_BYTES_MAX", lambda n: parse_policy(b"#" * n), "bytes; at most"),
    Case("POLICY_LINES_MAX", lambda n: parse_policy(b"\n".join([b"#"] * n)), "lines; at most"),
    Case("PROOF_BYTES_MAX", lambda n: read_proof(b"a" * n), "131072|131,072|bytes"),
    Case("PACKAGE_NAME_CHARS_MAX", lambda n: check_name("a" * n), "name"),
    Case("TLS_NAMES_MAX", lambda n: tls_files._checked([f"h{i}.lan" for i in range(n)]), "name 1 to 50 hosts"),
    Case("BANK_CSV_ROWS_MAX", lambda n: statement_csv.read_csv(b"date\n" + b"a\n" * (n - 1)), "more than 20000 rows"),
)


def refusal(work: Callable[[int], object], number: int) -> str:
    """Why it was refused; empty where it was not."""
    try:
        work(number)
    except HoldgateError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case.limit}" for n, case in enumerate(CASES)])
def test_at_the_limit_it_passes_and_one_past_it_is_refused(case: Case) -> None:
    most = getattr(limits, case.limit)
    at, past = refusal(case.give, most), refusal(case.give, most + 1)
    assert past, "one past the limit was taken"
    assert len(past) < 500, "a refusal does not repeat what was too long"
    matches = re.compile(case.says)
    assert matches.search(past), past
    assert at != past
    assert not matches.search(at), at

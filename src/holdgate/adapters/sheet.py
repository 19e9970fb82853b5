"""Tables as spreadsheets save them: CSV in UTF-8, with commas, semicolons or tabs, with or without a byte order mark.

What a spreadsheet does to a file by itself is taken as it is: the mark, CRLF, quotes, cells with line ends, empty lines at
the end. What could mean two things is refused: another encoding, a column twice, a row with other cells than its head,
and formulas, which say something else to whoever opens the file than to whoever reads its text.

Source: RFC 4180; OWASP on formula injection.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from holdgate.terms.errors import Malformed
from holdgate.terms.limits import (
    ORDER_FILE_BYTES_MAX,
    SHEET_COLUMNS_MAX,
    SHEET_LINES_MAX,
    SHEET_ROWS_MAX,
    TEXT_CHARS_MAX,
)

DELIMITERS: Final = ",;\t"
FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""
_HEAD_CHARS: Final = 8_192
"""As much of the head as its delimiter is looked for in."""
_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class SheetRow(Struct, frozen=True, kw_only=True):
    """One row. `number`: its line in the file, as an editor counts. `cells`: by column; `faults`: (column, what, to do)."""

    number: int
    cells: dict[str, str]
    faults: tuple[tuple[str, str, str], ...] = ()


class Sheet(Struct, frozen=True, kw_only=True):
    """A table with a head."""

    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def read_sheet(raw: bytes) -> Sheet:
    """Read a table.

    Args:
        raw: untrusted bytes of a file.

    Raises:
        Malformed: the file as a whole cannot be read; the sentence says what to do. Faults of single rows are in the rows.
    """
    text = _text(raw)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        numbered = [*_numbered(reader)]
    except csv.Error as error:
        raise Malformed(
            f"line {reader.line_num} of the file is no row of a table: {error}; save it again as CSV"
        ) from None
    if not numbered:
        raise Malformed("the file is empty; the first line names the columns")
    columns = _columns(numbered[0][1])
    if len(numbered) - 1 > SHEET_ROWS_MAX:
        raise Malformed(f"the file has {len(numbered) - 1} rows; {SHEET_ROWS_MAX} are the most, split it")
    return Sheet(columns=columns, rows=tuple(_row(number, cells, columns) for number, cells in numbered[1:]))


def _text(raw: bytes) -> str:
    if len(raw) > ORDER_FILE_BYTES_MAX:
        raise Malformed(f"the file has {len(raw)} bytes; {ORDER_FILE_BYTES_MAX} are the most, split it")
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            raise Malformed(f"the file is written in {name}; save it as CSV in UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(f"line {line} of the file is not UTF-8; save it as CSV in UTF-8") from None
    if "\0" in text:
        raise Malformed("the file holds null characters; it is no text, save it as CSV")
    if text.count("\n") + text.count("\r") - text.count("\r\n") > SHEET_LINES_MAX:
        raise Malformed(f"the file has more than {SHEET_LINES_MAX} lines; split it, or take the empty rows out")
    return text


def _delimiter(text: str) -> str:
    """The sign that parts the head's cells most often, outside of quotes; the beginning of a long head shows it too."""
    head: list[str] = []
    quoted = False
    for sign in text[:_HEAD_CHARS]:
        quoted = quoted != (sign == '"')
        if sign in "\r\n" and not quoted and head:
            break
        if not quoted:
            head.append(sign)
    counts = [head.count(sign) for sign in DELIMITERS]
    return DELIMITERS[counts.index(max(counts))]


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that each begins at; empty lines are left out."""
    begin = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begin, cells
        begin = reader.line_num + 1


def _columns(head: list[str]) -> tuple[str, ...]:
    last = next(
        filter(str.strip, reversed(head)), None
    )  # spreadsheets write empty columns after it, files of attackers a million
    width = 0 if last is None else len(head) - head[::-1].index(last)
    if width > SHEET_COLUMNS_MAX:
        raise Malformed(f"the file has {width} columns; {SHEET_COLUMNS_MAX} are the most")
    columns = tuple("_".join(cell.strip().lower().split()) for cell in head[:width])
    empty = next((index for index, name in enumerate(columns, start=1) if not name), None)
    if empty is not None:
        raise Malformed(f"column {empty} has no name; give it one, or take it out")
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise Malformed(f"the column {twice[:80]!r} is there twice; keep one of them")
    return columns


def _row(number: int, cells: list[str], columns: tuple[str, ...]) -> SheetRow:
    values = [cell.strip() for cell in cells]
    while len(values) > len(columns) and not values[-1]:
        values.pop()
    named = dict(zip(columns, values, strict=False))
    faults: list[tuple[str, str, str]] = []
    if len(values) != len(columns):
        what = f"the row has {len(values)} cells, the head has {len(columns)}"
        faults.append(("", what, "quote a cell that holds a comma or semicolon, or fill in what is missing"))
    for column, value in named.items():
        if value.startswith(FORMULA):
            faults.append((column, f"{value[:40]!r} is a formula", "write the value itself"))
        elif len(value) > TEXT_CHARS_MAX:
            faults.append((column, f"the cell has {len(value)} characters", f"{TEXT_CHARS_MAX} are the most"))
    return SheetRow(number=number, cells={name: named.get(name, "") for name in columns}, faults=tuple(faults))

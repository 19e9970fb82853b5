"""A data logger's CSV file as values of an environmental series. Nothing is guessed, converted, sorted or left out.

The first row names the columns; one holds the time, one the value, others are ignored. The separator is a comma, a
semicolon or a tab, whichever stands in that row. A time carries its offset, or stands in the zone that the caller names.
Values are decimals as the law reads them; a decimal comma only where the caller says so. Times rise from row to row.
A file is taken whole or not at all: every row that is wrong is named with its number, as a spreadsheet counts.

Source: RFC 4180 (quotes); RFC 3339 (times).
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from holdgate.law import command as c
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ENV_FILE_BYTES_MAX, ENV_ROWS_MAX
from holdgate.terms.quantity import parse_decimal

SEPARATORS: Final = (",", ";", "\t")
DECIMAL_COMMA: Final = "write 21.5, or say that this file has decimal commas"

LocalTime = Callable[[str], int]
"""A wall-clock time without an offset as an instant (`holdgate.adapters.zones.local_instant` for a zone)."""


class Columns(NamedTuple):
    """How the file names its columns. `unit`: a column that states the unit of each row; None: there is none."""

    time: str = "time"
    value: str = "value"
    unit: str | None = None


USUAL: Final = Columns()


class Value(NamedTuple):
    """One value. `row`: where it stands in the file, the row of names being 1. `at`: when it was observed (UTC µs)."""

    row: int
    at: int
    value: str


class Fault(NamedTuple):
    """A row that cannot be taken, and why."""

    row: int
    why: str


class Parsed(NamedTuple):
    """What is in a file: values to take, or the faults that forbid it."""

    values: tuple[Value, ...]
    faults: tuple[Fault, ...]


def parse(
    raw: bytes, unit: str, columns: Columns = USUAL, local: LocalTime | None = None, *, decimal_comma: bool = False
) -> Parsed:
    """Read a logger's file.

    Args:
        raw: untrusted.
        unit: the unit that the series is written in; a unit column must say the same.
        columns: the names of the columns.
        local: what a time without an offset means; None: such a time is a fault.
        decimal_comma: whether values are written like 21,5.

    Raises:
        Malformed: the file as a whole cannot be read: too large, not UTF-8, no such columns, too many rows, no row.
    """
    if len(raw) > ENV_FILE_BYTES_MAX:
        raise Malformed(f"the file has {len(raw)} bytes; at most {ENV_FILE_BYTES_MAX} are read at a time")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"the file is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    names, rows = _rows(text)
    places = [_place(names, name) for name in (columns.time, columns.value, columns.unit) if name is not None]
    values: list[Value] = []
    faults: list[Fault] = []
    for number, cells in rows:
        try:
            found = _cells(cells, names, places)
            if len(found) > 2 and found[2] != unit:
                raise Malformed(f"the unit is {found[2][:20]!r}, not {unit!r}; values are never converted")
            at = _time(found[0], local)
            value = _value(found[1], decimal_comma=decimal_comma)
            if values and at <= values[-1].at:
                raise Malformed(f"the time is not after that of row {values[-1].row}")
        except Malformed as error:
            faults.append(Fault(number, str(error)))
        else:
            values.append(Value(number, at, value))
    if not values and not faults:
        raise Malformed("the file holds no values")
    return Parsed(() if faults else tuple(values), tuple(faults))


def commands(
    values: Sequence[Value], *, series: str, unit: str, site: str, signer: c.Signer, at: int, nonce: Callable[[], str]
) -> Iterator[c.LogEnvironment]:
    """The acts that the sensor signs, one a value, marked as kept and late.

    Args:
        values: in order of their time.
        series: the series, as the contract names it.
        unit: its unit.
        site: the node.
        signer: the sensor.
        at: when it signs (UTC µs).
        nonce: one for each act.

    Raises:
        Malformed: a value lies in the future.
    """
    for one in values:
        if one.at > at:
            raise Malformed(f"row {one.row} lies in the future ({instant.show(one.at)}); set the logger's clock")
        yield c.LogEnvironment(
            site=site,
            at=at,
            nonce=nonce(),
            signers=(signer,),
            series=series,
            value=one.value,
            unit=unit,
            observed_at=one.at,
            buffered=True,
        )


def _rows(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and every row with its number; rows that are empty are passed over."""
    lines = text.count("\n")
    if lines > 2 * ENV_ROWS_MAX:  # some rows may go over several lines; before any of them is read
        raise Malformed(f"the file has {lines} lines; at most {ENV_ROWS_MAX} are read at a time")
    head = text.partition("\n")[0]
    found = [separator for separator in SEPARATORS if separator in head]
    if len(found) > 1:
        raise Malformed("the first row holds more than one kind of separator; use commas, semicolons or tabs")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=found[0] if found else ",", strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for number, cells in enumerate(reader, 1):
            rows.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise Malformed(f"row {len(rows) + 1} cannot be read: {error}") from None
    if len(rows) > ENV_ROWS_MAX + 1:
        raise Malformed(f"the file has {len(rows) - 1} rows; at most {ENV_ROWS_MAX} are read at a time")
    names = rows[0][1] if rows else []
    return names, [(number, cells) for number, cells in rows[1:] if any(cells)]


def _place(names: list[str], name: str) -> int:
    if names.count(name) != 1:
        raise Malformed(
            f"the first row names {names.count(name)} columns {name!r}; it has {', '.join(names)[:200] or 'none'}"
        )
    return names.index(name)


def _cells(cells: list[str], names: list[str], places: list[int]) -> list[str]:
    if len(cells) != len(names):
        raise Malformed(f"the row has {len(cells)} columns, the first row {len(names)}")
    return [cells[place] for place in places]


def _time(text: str, local: LocalTime | None) -> int:
    try:
        return instant.parse(text)
    except Malformed:
        if local is None:
            raise
        return local(text)


def _value(text: str, *, decimal_comma: bool) -> str:
    written = text.replace(",", ".") if decimal_comma and "." not in text else text
    if parse_decimal(written) is None:
        hint = DECIMAL_COMMA if "," in text and not decimal_comma else "write a plain decimal such as 21.5"
        raise Malformed(f"{text[:40]!r} is not a number; {hint}")
    return written

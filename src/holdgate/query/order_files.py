"""Files of purchase orders: every line read, and what may be taken of them.

Of a file with a faulty line nothing is taken by itself: a buyer's line that cannot be read may be the one that changes
what the others mean. Whoever looked at the file takes sound lines out of it one by one, by their number. A line that is faulty
is never taken.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.query.imports import Fault
from holdgate.query.order_fields import BY_NAME, COLUMNS, OrderLine, RawLine, ToInstant, read_line
from holdgate.query.order_number import order_id
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ORDER_LINES_MAX

TEMPLATE: Final = ",".join(COLUMNS) + "\r\n"
"""An empty table: the head alone."""


class FileLine(Struct, frozen=True, kw_only=True):
    """One line of a file. `order`: its number here, as it would be; `read`: None where there are faults."""

    number: int
    order: str
    read: OrderLine | None
    faults: tuple[Fault, ...] = ()


class OrderFile(Struct, frozen=True, kw_only=True):
    """A file that was read. `kind`: csv or ubl; `file`: SHA-256 of its bytes."""

    kind: str
    file: str
    lines: tuple[FileLine, ...]

    @property
    def sound(self) -> bool:
        """Whether every line can be read."""
        return all(line.read is not None for line in self.lines)

    def taken(self, wanted: Iterable[int] = ()) -> tuple[FileLine, ...]:
        """The lines that become drafts: all of a sound file, else those that are named.

        Args:
            wanted: numbers of lines that somebody looked at and takes; none: the whole file, or nothing of it.

        Raises:
            Malformed: a line is named that is not there, or that is faulty.
        """
        numbers = tuple(dict.fromkeys(wanted))
        if not numbers:
            return self.lines if self.sound else ()
        there = {line.number: line for line in self.lines}
        for number in numbers:
            if number not in there:
                raise Malformed(f"the file has no order at line {number}; there are {_few([*there])}")
            if there[number].read is None:
                raise Malformed(f"line {number} cannot be taken before it is mended: {there[number].faults[0].what}")
        return tuple(there[number] for number in numbers)


def columns_of(columns: Sequence[str]) -> None:
    """Hold a table's head against the fields.

    Raises:
        Malformed: a column is not known, or the one of PO numbers is missing; the sentence says which and what to do.
    """
    for place, name in enumerate(columns, start=1):
        if name not in BY_NAME:
            raise Malformed(
                f"line 1, column {place}: {name[:40]!r} is not known; rename it or take it out. "
                f"Known are {', '.join(COLUMNS)}"
            )
    if "po" not in columns:
        raise Malformed("line 1: there is no column 'po' (the PO number); take the head of the template")


def read_lines(kind: str, file: str, raws: Sequence[RawLine], end: ToInstant) -> OrderFile:
    """Read every line.

    Args:
        kind: csv or ubl.
        file: SHA-256 of the file.
        raws: its lines, untrusted.
        end: the end of a day in the shop's zone.

    Raises:
        Malformed: there are no lines, or too many.
    """
    if not raws:
        raise Malformed("there is no order in the file; below its head it is empty")
    if len(raws) > ORDER_LINES_MAX:
        raise Malformed(f"the file has {len(raws)} orders; {ORDER_LINES_MAX} are the most, split it")
    found: list[FileLine] = []
    first: dict[str, int] = {}
    for raw in raws:
        line, faults = read_line(raw, end)
        order = "" if line is None else order_id(line)
        one = FileLine(number=raw.number, order=order, read=line, faults=faults)
        before = first.setdefault(order, raw.number) if order else raw.number
        found.append(one if before == raw.number else _again(one, before))
    return OrderFile(kind=kind, file=file, lines=tuple(found))


def _again(line: FileLine, before: int) -> FileLine:
    what = f"line {before} is order {line.order} too"
    fault = Fault(column="order", what=what, do="keep one of the two, or give one another line or order number")
    return replace(line, read=None, faults=(fault,))


def _few(numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:8]))
    return f"{named} and {len(numbers) - 8} more" if len(numbers) > 8 else named

"""Fields of a purchase order as a form, a table or an order document says them, and how they are read.

One table for all three: a CSV file has these columns, the form these fields, and a UBL order is brought to them. A cell that
says nothing is no fault: the contract review asks for it. A cell that cannot be read is one, and what to write is said.
Nothing here knows the shop.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from holdgate.query.imports import Fault
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import (
    ID_CHARS_MAX,
    LIST_ITEMS_MAX,
    ORDER_CELL_CHARS_MAX,
    ORDER_LIST_CHARS_MAX,
    ORDER_QUANTITY_MAX,
    ORDER_SERIALS_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from holdgate.terms.quantity import EXACT, parse_decimal, scaled

ToInstant = Callable[[str], int]
"""A day or time as a person writes it to an instant (UTC µs), a day to its end in the shop's zone; raises Malformed."""
TEXT, LONG, LIST, WHOLE, AMOUNT, DAY = "text", "long", "list", "whole", "amount", "day"


class Field(Struct, frozen=True, kw_only=True):
    """A field. `kind`: text, long (text of several lines), list, whole (number), amount (of money), day. `most`: characters."""

    name: str
    label: str
    kind: str = TEXT
    hint: str = ""

    @property
    def most(self) -> int:
        """Characters at most."""
        if self.name == "serials":
            return ORDER_SERIALS_CHARS_MAX
        return {LONG: TEXT_CHARS_MAX, LIST: ORDER_LIST_CHARS_MAX}.get(self.kind, ORDER_CELL_CHARS_MAX)


FIELDS: Final = (
    Field(name="client", label="Client", hint="the company that places the order, as it is enrolled"),
    Field(name="po", label="PO number"),
    Field(name="line", label="PO line"),
    Field(name="po_revision", label="PO revision"),
    Field(name="order", label="Order number here", hint="where it is to be another than PO number and line"),
    Field(name="addressed_to", label="Made out to"),
    Field(name="part_no", label="Part number"),
    Field(name="rev", label="Drawing revision"),
    Field(name="description", label="Description"),
    Field(name="quantity", label="Quantity", kind=WHOLE),
    Field(name="unit", label="Unit of the quantity", hint="left empty: pieces"),
    Field(name="serials", label="Serials", kind=LIST, hint="with blanks, commas or semicolons between them"),
    Field(name="lot", label="Lot"),
    Field(name="material", label="Material"),
    Field(name="heat", label="Heat number"),
    Field(name="contract", label="Technique", hint="the process contract by its id"),
    Field(name="version", label="Technique revision"),
    Field(name="agreement", label="Framework agreement"),
    Field(name="node", label="Area"),
    Field(name="documents", label="Documents with the order", kind=LIST, hint="such as drawing, material_certificate"),
    Field(name="wants", label="Documents wanted", kind=LIST, hint="such as EN_10204_3.1"),
    Field(name="delivery_due", label="Delivery due", kind=DAY),
    Field(name="price", label="Price of the line", kind=AMOUNT),
    Field(name="unit_price", label="Price of one", kind=AMOUNT),
    Field(name="currency", label="Currency", hint="ISO 4217, such as USD"),
    Field(name="end_customer", label="End customer"),
    Field(name="export_class", label="Export class", hint="such as EAR99, EAR 9E610, ITAR, none"),
    Field(name="acceptance", label="Acceptance class"),
    Field(name="inspection", label="Hold and witness points"),
    Field(name="valid_until", label="Order valid until", kind=DAY),
    Field(name="notes", label="Notes", kind=LONG),
)
"""Every field, in the order of the form and of the template's head."""
BY_NAME: Final = {field.name: field for field in FIELDS}
COLUMNS: Final = tuple(BY_NAME)


class Unmapped(Struct, frozen=True, kw_only=True):
    """What an order document says beyond the fields. `path`: where; `value` "": personal data or a file, which is not kept.

    `weighs`: it may change what is asked or paid (terms, charges, properties), so somebody has to read it.
    """

    path: str
    value: str
    weighs: bool = False


class RawLine(Struct, frozen=True, kw_only=True):
    """A line as its file says it. `number`: its line in the file; `faults`: (column, what is wrong with it as text, to do)."""

    number: int
    cells: dict[str, str]
    faults: tuple[tuple[str, str, str], ...] = ()
    unmapped: tuple[Unmapped, ...] = ()


class OrderLine(Struct, frozen=True, kw_only=True):
    """A line that was read. `cells`: by field, what they say; the rest is what the cells mean.

    `delivery_at`, `valid_at`: the last instant of the day (UTC µs); None: nothing is said.
    """

    cells: dict[str, str]
    quantity: int | None = None
    serials: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    delivery_at: int | None = None
    valid_at: int | None = None
    unmapped: tuple[Unmapped, ...] = ()

    def says(self, name: str) -> str:
        """What a field says; "" for nothing."""
        return self.cells.get(name, "")


def read_line(raw: RawLine, end: ToInstant) -> tuple[OrderLine | None, tuple[Fault, ...]]:
    """Read a line: either all of it can be read, or every fault is named.

    Args:
        raw: untrusted.
        end: the end of a day in the shop's zone.
    """
    faults = [Fault(column=column, what=what, do=do) for column, what, do in raw.faults]
    unknown = [name for name in raw.cells if name not in BY_NAME]
    faults += [Fault(column=name[:80], what="there is no such field", do="take it out") for name in unknown]
    cells = {name: _tidy(raw.cells.get(name, "")) for name in COLUMNS}
    faults += [fault for field in FIELDS for fault in _fault_of(field, cells[field.name])]
    days: dict[str, int | None] = {}
    for name in ("delivery_due", "valid_until"):
        days[name] = None
        try:
            days[name] = end(cells[name]) if cells[name] else None
        except Malformed:
            faults.append(Fault(column=name, what=f"{_short(cells[name])} is no day", do="write it as 2026-04-30"))
    if faults:
        return None, tuple(faults)
    quantity = parse_decimal(cells["quantity"])
    line = OrderLine(
        cells={name: text for name, text in cells.items() if text},
        quantity=None if quantity is None else scaled(quantity, 0),
        serials=listed(cells["serials"]),
        documents=tuple(dict.fromkeys(document_name(name) for name in listed(cells["documents"]))),
        wants=listed(cells["wants"]),
        delivery_at=days["delivery_due"],
        valid_at=days["valid_until"],
        unmapped=raw.unmapped,
    )
    return line, ()


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _fault_of(field: Field, text: str) -> Iterable[Fault]:
    """What is wrong with one cell as it stands, the worst alone."""
    if not text:
        return
    odd = next((sign for sign in text if _odd(sign, long=field.kind in (LONG, LIST))), None)
    if odd is not None:
        what = f"it holds the sign U+{ord(odd):04X}, which nobody sees"
        yield Fault(column=field.name, what=what, do="type the text anew, on one line")
    elif len(text) > field.most:
        yield Fault(column=field.name, what=f"it has {len(text)} characters", do=f"{field.most} are the most")
    else:
        what, do = _unreadable(field, text)
        if what:
            yield Fault(column=field.name, what=what, do=do)


def _odd(sign: str, *, long: bool) -> bool:
    """Control characters, and those that turn the direction of what stands beside them."""
    if long and sign in "\n\t":
        return False
    return unicodedata.category(sign) in ("Cc", "Cs") or sign in _TURNS


_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def _unreadable(field: Field, text: str) -> tuple[str, str]:
    """What is wrong with a cell of its kind, and what to write instead; two empty texts where nothing is."""
    said = _short(text)
    if field.kind == WHOLE:
        value = parse_decimal(text)
        if value is None or scaled(value, 0) is None or not 1 <= value <= ORDER_QUANTITY_MAX:
            return f"{said} is no number of parts", f"write a whole number from 1 to {ORDER_QUANTITY_MAX}, such as 12"
    if field.kind == AMOUNT:
        value = parse_decimal(text)
        if value is None or value < 0 or EXACT.to_integral_value(value) >= 10**13:
            return f"{said} is no amount", "write it as 1200.00, without currency and without separators"
    if field.name == "currency" and not _CURRENCY.fullmatch(text):
        return f"{said} is no currency", "write its three letters (ISO 4217), such as USD"
    if field.kind == LIST:
        items = listed(text)
        long = next((item for item in items if len(item) > ID_CHARS_MAX), None)
        if long is not None:
            return f"{_short(long)} is longer than {ID_CHARS_MAX} characters", "put blanks or commas between the items"
        if len(items) > LIST_ITEMS_MAX:
            return f"it names {len(items)} items", f"{LIST_ITEMS_MAX} are the most; split the line"
    return "", ""


_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_BETWEEN: Final = re.compile(r"[\s,;]+")


def listed(text: str) -> tuple[str, ...]:
    """The items of a list, as often as they are named."""
    return tuple(item for item in _BETWEEN.split(text) if item)


def document_name(text: str) -> str:
    """A kind of document as contracts name them: `Material certificate` → `material_certificate`."""
    return re.sub(r"[^a-z0-9.]+", "_", text.lower()).strip("_") or text


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")

"""UBL 2.1 orders as lines of purchase orders: what has a field is brought to it, everything else is listed, nothing is dropped.

A buyer's file is nobody's friend: no document type, no entities, no network, limits on size, depth and number before anything is
built, UTF-8 alone. Elements of other namespaces than UBL's are refused, except inside of its extensions.

Of the lab's side: `SellersItemIdentification` is what this lab sells, a technique; `BuyersItemIdentification` is the client's part.
Attributes that only name a code list (`schemeID`, `listID` …) are not listed. The values of contacts and persons, and files inside
the order, are named by their place and not kept.
Source: OASIS UBL 2.1 (ISO/IEC 19845), Order; Peppol BIS Ordering 3; OWASP on XML entities.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from holdgate.query.order_fields import RawLine, Unmapped
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import (
    ORDER_CELL_CHARS_MAX,
    ORDER_FILE_BYTES_MAX,
    ORDER_LINES_MAX,
    UBL_DEPTH_MAX,
    UBL_ELEMENTS_MAX,
    UBL_UNMAPPED_MAX,
)

ORDER: Final = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"
_AGGREGATE: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_BASIC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_EXTENSION: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"
_NS: Final = {"o": ORDER, "cac": _AGGREGATE, "cbc": _BASIC}
_SHORT: Final = {ORDER: "", _AGGREGATE: "", _BASIC: "", _EXTENSION: "ext:"}
_ENCODING: Final = re.compile(rb"""^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_UTF8: Final = (b"utf-8", b"utf8", b"us-ascii", b"ascii")
_PERSONAL: Final = ("Contact", "Person", "Telephone", "Telefax", "ElectronicMail", "OriginatorParty")
_INSIDE: Final = "EmbeddedDocumentBinaryObject"
_WEIGHTY: Final = (
    "AllowanceCharge",
    "DeliveryTerms",
    "PaymentTerms",
    "TransactionConditions",
    "AdditionalItemProperty",
    "ItemSpecificationDocumentReference",
    "ItemInstance",
    "Note",
    "Price",
    "SubLineItem",
    "UBLExtensions",
)
"""What may change what is asked or paid."""
_PROPERTIES: Final = {
    "revision": "rev",
    "rev": "rev",
    "drawing_revision": "rev",
    "drawing_rev": "rev",
    "material": "material",
    "heat": "heat",
    "heat_no": "heat",
    "heat_number": "heat",
    "lot": "lot",
    "export_class": "export_class",
    "export_classification": "export_class",
    "end_customer": "end_customer",
    "acceptance_class": "acceptance",
    "inspection": "inspection",
    "technique": "contract",
    "process_contract": "contract",
    "technique_revision": "version",
    "process_contract_version": "version",
    "area": "node",
    "po_revision": "po_revision",
}
"""`AdditionalItemProperty` by its name, in small letters with underscores."""


def read_ubl(raw: bytes) -> list[RawLine]:
    """Read an order.

    Args:
        raw: untrusted bytes of a file.

    Returns:
        A line for each `OrderLine`, numbered by where it begins in the file.

    Raises:
        Malformed: it is no UBL order, or more than is read; the sentence says what to do.
    """
    return _Order(_tree(raw)).lines()


def _tree(raw: bytes) -> Any:
    """The document, once everything that a parser could be led astray by is ruled out."""
    if len(raw) > ORDER_FILE_BYTES_MAX:
        raise Malformed(
            f"the file has {len(raw)} bytes; {ORDER_FILE_BYTES_MAX} are the most, send it without attachments"
        )
    text = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    named = _ENCODING.match(text)
    if named is not None and named[1].lower() not in _UTF8:
        raise Malformed(f"the file says that it is written in {named[1].decode()}; save it in UTF-8")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Malformed(f"line {line} of the file is not UTF-8; save it in UTF-8") from None
    for sign in (b"<!DOCTYPE", b"<!ENTITY"):
        if sign in text:
            line = text.count(b"\n", 0, text.index(sign)) + 1
            raise Malformed(
                f"line {line}: {sign.decode()} is not read; an order needs no DTD and no entities (where it is cXML, ask for UBL)"
            )
    if text.count(b"<") > 2 * UBL_ELEMENTS_MAX:
        raise Malformed(f"the file has more than {UBL_ELEMENTS_MAX} elements; send an order of fewer lines")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise Malformed(f"line {line} of the file is no XML: {_plain(error.msg or 'it ends too early')}") from None
    _check(root)
    return root


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:120]


def _check(root: Any) -> None:
    """The root is an order's, and everything below it UBL's, not too deep."""
    space, name = _named(root)
    if (space, name) != (ORDER, "Order"):
        if space.startswith("urn:oasis:names:specification:ubl:schema:xsd:"):
            raise Malformed(f"the file is a UBL {name[:60]}; an order (Order) is read here")
        if name == "Order":
            raise Malformed(f"the Order is of the namespace {_plain(space) or 'none'!s}; UBL's is {ORDER}")
        raise Malformed(f"the file is a document <{_plain(name)[:60]}>; a UBL 2 <Order> is read here")
    version = root.findtext("cbc:UBLVersionID", None, _NS)
    if version is not None and not version.strip().startswith("2."):
        raise Malformed(f"the order says that it is UBL {_plain(version)[:20]!r}; UBL 2.1 is read")
    todo = [(root, 1)]
    while todo:
        parent, depth = todo.pop()
        if depth > UBL_DEPTH_MAX:
            raise Malformed(f"line {parent.sourceline}: the order nests deeper than {UBL_DEPTH_MAX} elements")
        between = [parent.text, *(child.tail for child in parent)] if len(parent) else []
        if any(text and not text.isspace() for text in between):
            raise Malformed(f"line {parent.sourceline}: there is text between elements; UBL has none there")
        for child in parent:
            space, name = _named(child)
            if space not in _SHORT or space == ORDER:
                raise Malformed(
                    f"line {child.sourceline}: <{_plain(name)[:60]}> of the namespace {_plain(space) or 'none'} "
                    "is no part of a UBL order; take it out"
                )
            if name != "UBLExtensions":  # what is inside is the sender's own; it is listed and not read
                todo.append((child, depth + 1))


def _named(element: Any) -> tuple[str, str]:
    tag = etree.QName(element)
    return tag.namespace or "", tag.localname


class _Order:
    """An order that is being read: what was brought to a field is ticked off, the rest is listed in the end."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._read: set[Any] = set()

    def lines(self) -> list[RawLine]:
        """Every order line, each with what the order says for all of them."""
        found = self._root.findall("cac:OrderLine", _NS)
        if not found:
            raise Malformed("the order has no line (OrderLine); there is nothing to do")
        if len(found) > ORDER_LINES_MAX:
            raise Malformed(f"the order has {len(found)} lines; {ORDER_LINES_MAX} are the most, send several orders")
        self._tick(self._root.find("cbc:UBLVersionID", _NS))
        head = self._head()
        own = [(line, self._line(line, head)) for line in found]
        common = tuple(self._left(self._root, skip=frozenset(found)))
        return [
            RawLine(number=line.sourceline, cells=cells, unmapped=_most((*self._left(line), *common)))
            for line, cells in own
        ]

    # ---- what the order says for every line ----------------------------------------------------------------------------

    def _head(self) -> dict[str, str]:
        cells = {
            "po": self._text(self._root, "cbc:ID"),
            "client": self._party("cac:BuyerCustomerParty"),
            "addressed_to": self._party("cac:SellerSupplierParty"),
            "end_customer": self._party("cac:OriginatorCustomerParty"),
            "agreement": self._text(self._root, "cac:Contract/cbc:ID"),
            "valid_until": self._text(self._root, "cac:ValidityPeriod/cbc:EndDate"),
            "notes": "\n".join(self._texts(self._root, "cbc:Note")),
            "documents": " ".join(self._documents(self._root, "cac:AdditionalDocumentReference")),
        }
        return {name: text for name, text in cells.items() if text}

    def _party(self, path: str) -> str:
        name = self._text(self._root, f"{path}/cac:Party/cac:PartyName/cbc:Name")
        return name or self._text(self._root, f"{path}/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName")

    def _documents(self, parent: Any, path: str) -> Iterator[str]:
        """Kinds of documents that come with the order, with blanks taken out of their names."""
        for one in parent.findall(path, _NS):
            kind = self._text(one, "cbc:DocumentType") or self._text(one, "cbc:ID")
            if kind:
                yield re.sub(r"[\s,;]+", "_", kind)

    # ---- one line ------------------------------------------------------------------------------------------------------

    def _line(self, line: Any, head: dict[str, str]) -> dict[str, str]:
        item, what = line.find("cac:LineItem", _NS), line.find("cac:LineItem/cac:Item", _NS)
        cells = dict(head)
        if item is None:
            return cells
        cells["line"] = self._text(item, "cbc:ID")
        cells |= self._amounts(item)
        due = "cac:Delivery/cac:RequestedDeliveryPeriod/cbc:EndDate"
        cells["delivery_due"] = self._text(item, due) or self._text(self._root, due)
        notes = [head.get("notes", ""), *self._texts(line, "cbc:Note"), *self._texts(item, "cbc:Note")]
        cells["notes"] = "\n".join(note for note in notes if note)
        named = self._documents(line, "cac:DocumentReference")
        cells["documents"] = " ".join([head.get("documents", ""), *named]).strip()
        if what is not None:
            cells |= self._item(what)
        return {name: text for name, text in cells.items() if text}

    def _amounts(self, item: Any) -> dict[str, str]:
        quantity = item.find("cbc:Quantity", _NS)
        whole, one = item.find("cbc:LineExtensionAmount", _NS), item.find("cac:Price/cbc:PriceAmount", _NS)
        base = item.find("cac:Price/cbc:BaseQuantity", _NS)
        if base is not None and _number(base.text or "") != "1":
            one = None  # a price of several: listed, not divided
        else:
            self._tick(base)
        currencies = [amount.get("currencyID", "") for amount in (whole, one) if amount is not None]
        told = self._root.find("cbc:DocumentCurrencyCode", _NS)
        if told is not None and (not currencies or set(currencies) == {(told.text or "").strip()}):
            self._tick(told)
            currencies = [(told.text or "").strip()]
        return {
            "quantity": _number(self._take(quantity)),
            "unit": "" if quantity is None else quantity.get("unitCode", "")[:ORDER_CELL_CHARS_MAX],
            "price": _number(self._take(whole)),
            "unit_price": _number(self._take(one)),
            "currency": " ".join(dict.fromkeys(currencies)),
        }

    def _item(self, item: Any) -> dict[str, str]:
        cells = {
            "contract": self._text(item, "cac:SellersItemIdentification/cbc:ID"),
            "part_no": self._text(item, "cac:BuyersItemIdentification/cbc:ID"),
            "description": self._text(item, "cbc:Description") or self._text(item, "cbc:Name"),
            "lot": self._text(item, "cac:ItemInstance/cac:LotIdentification/cbc:LotNumberID"),
            "serials": " ".join(self._serials(item)),
            "wants": " ".join(self._certificates(item)),
        }
        for one in item.findall("cac:AdditionalItemProperty", _NS):
            name, value = one.find("cbc:Name", _NS), one.find("cbc:Value", _NS)
            field = "" if name is None else _PROPERTIES.get(_key(name.text or ""), "")
            if field and value is not None and not cells.get(field):
                self._tick(name)
                cells[field] = self._take(value)
        return cells

    def _serials(self, item: Any) -> Iterator[str]:
        """Serials without blanks; one with a blank would become two, and is listed instead."""
        for one in item.findall("cac:ItemInstance/cbc:SerialID", _NS):
            text = (one.text or "").strip()
            if text and not re.search(r"[\s,;]", text):
                self._tick(one)
                yield text

    def _certificates(self, item: Any) -> Iterator[str]:
        for one in item.findall("cac:Certificate", _NS):
            kind = self._text(one, "cbc:CertificateType") or self._text(one, "cbc:ID")
            if kind:
                yield re.sub(r"[\s,;]+", "_", kind)

    # ---- ticking off -----------------------------------------------------------------------------------------------------

    def _text(self, parent: Any, path: str) -> str:
        """The text of the first element at a path, ticked off; "" where there is none."""
        return self._take(parent.find(path, _NS))

    def _texts(self, parent: Any, path: str) -> list[str]:
        return [text for one in parent.findall(path, _NS) if (text := self._take(one))]

    def _take(self, element: Any) -> str:
        if element is None:
            return ""
        self._tick(element)
        return (element.text or "").strip()

    def _tick(self, element: Any) -> None:
        if element is not None:
            self._read.add(element)

    def _left(self, parent: Any, skip: frozenset[Any] = frozenset(), path: str = "") -> Iterator[Unmapped]:
        """Everything below an element that was not brought to a field."""
        for child in parent:
            if child in skip:
                continue
            space, name = _named(child)
            here = f"{path}/{_SHORT.get(space, '')}{name}".lstrip("/")
            if name == "UBLExtensions":
                yield Unmapped(path=here, value="", weighs=True)
            elif len(child):
                yield from self._left(child, skip, here)
            elif child not in self._read and (text := (child.text or "").strip()):
                yield _unmapped(here, text, child)


def _most(found: tuple[Unmapped, ...]) -> tuple[Unmapped, ...]:
    """As many as somebody reads; how many more there are is said in their place."""
    if len(found) <= UBL_UNMAPPED_MAX:
        return found
    rest = found[UBL_UNMAPPED_MAX:]
    more = Unmapped(path="…", value=f"and {len(rest)} more", weighs=any(one.weighs for one in rest))
    return (*found[:UBL_UNMAPPED_MAX], more)


def _unmapped(path: str, text: str, element: Any) -> Unmapped:
    parts = path.split("/")
    hidden = parts[-1] == _INSIDE or any(part.endswith(_PERSONAL) for part in parts)
    unit = element.get("currencyID") or element.get("unitCode") or ""
    said = " ".join((*text.split(), *((unit,) if unit else ())))
    value = "" if hidden else "".join(sign if sign.isprintable() else "\ufffd" for sign in said[:ORDER_CELL_CHARS_MAX])
    weighs = any(part in _WEIGHTY for part in parts) and not hidden
    return Unmapped(path=path, value=value, weighs=weighs)


def _number(text: str) -> str:
    """A decimal as XML writes it (`+4.00`, `04`), without what says nothing; any other text as it is."""
    text = text.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{0,12})?", text):
        return text
    sign, digits = ("-" if text.startswith("-") else ""), text.lstrip("+-")
    whole, _, rest = digits.partition(".")
    rest = rest.rstrip("0")
    return f"{sign}{whole.lstrip('0') or '0'}" + (f".{rest}" if rest else "")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")

"""The EPCIS event hash of CBV 2.0: one name for an event, however it was written down.

    ni:///sha-256;<64 hex digits>?ver=CBV2.0

It is the SHA-256 of a pre-hash string: the event's fields in the canonical order, without separators, each as `name=value`.
Lists are sorted, times are UTC with milliseconds (half up), numbers without needless zeros, GS1 identifiers canonical Digital
Links (`epcis_links`), vocabulary words full URIs, extension fields `{namespace}name`. `eventID`, `recordTime`,
`errorDeclaration` and comments do not count. Nothing is fetched: the standard context's words are frozen here.

Fields are joined without separators, so two made-up events can have one pre-hash string. The hash names an event; it is no seal
over its bytes. What an arrival rests on is signed beside it, field by field.

Where the published text of the algorithm and its published vectors differ, the vectors count: transactions, destinations, ILMD,
sources and extensions come after the sensors, sorted together, and a `type` stands before its value. One thing is ours: a text
that looks like a number stays a text (a part number 0100 is not 100) where the field is none of numbers. Only JSON is read, no XML.

Source: GS1 CBV 2.0, section 8.9; RFC 6920. Vectors: tests/conformance/test_epcis_hash.py.
"""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from holdgate.adapters.epcis_links import canonical_link
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import (
    EPCIS_DEPTH_MAX,
    EPCIS_NUMBER_CHARS_MAX,
    EPCIS_NUMBER_EXPONENT_MAX,
    EPCIS_PREHASH_CHARS_MAX,
)

NAMESPACES: Final = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes that the standard context declares and protects."""

_TIME: Final = re.compile(r"([0-9-]{10}T[0-9:]{8})(?:\.([0-9]+))?(Z|[+-][0-9:]{5})")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,9})?")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_URNS: Final = {
    "urn:epcglobal:cbv:bizstep:": "https://ref.gs1.org/cbv/BizStep-",
    "urn:epcglobal:cbv:disp:": "https://ref.gs1.org/cbv/Disp-",
    "urn:epcglobal:cbv:btt:": "https://ref.gs1.org/cbv/BTT-",
    "urn:epcglobal:cbv:sdt:": "https://ref.gs1.org/cbv/SDT-",
    "urn:epcglobal:cbv:er:": "https://ref.gs1.org/cbv/ER-",
}
_COMMENTS: Final = frozenset({"comment", f"{{{NAMESPACES['rdfs']}}}comment"})
_NOT_HASHED: Final = frozenset({"type", "@context", "eventID", "recordTime", "errorDeclaration"})


class Fraction(msgspec.Struct, frozen=True):
    """A JSON number that is no integer, kept as its text."""

    text: str


class _Field(msgspec.Struct, frozen=True):
    """A field of the canonical order. `item`: what each entry of a list is called (None: the field's own name is repeated).

    `words`: what a bare word of the vocabulary is short for. `time`: it holds one. `fields`: the order inside.
    """

    name: str
    item: str | None = None
    words: str = ""
    time: bool = False
    number: bool = False
    fields: "tuple[_Field, ...]" = ()


def _plain(*names: str) -> tuple[_Field, ...]:
    return tuple(_Field(name) for name in names)


def _numbers(*names: str) -> tuple[_Field, ...]:
    return tuple(_Field(name, number=True) for name in names)


def _typed(name: str, item: str, words: str) -> _Field:
    return _Field(name, item="", fields=(_Field("type", words=f"https://ref.gs1.org/cbv/{words}-"), _Field(item)))


_DISPOSITION: Final = "https://ref.gs1.org/cbv/Disp-"
_VOC: Final = "https://gs1.org/voc/"
_QUANTITY: Final = (_Field("epcClass"), *_numbers("quantity"), _Field("uom"))
_DEVICE: Final = _plain("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod")
_METADATA: Final = (
    *(_Field(name, time=True) for name in ("time", "startTime", "endTime")),
    *_DEVICE,
    _Field("bizRules"),
)
_REPORT: Final = (
    _Field("type", words=_VOC),
    _Field("exception", words=_VOC),
    *_DEVICE,
    _Field("time", time=True),
    *_plain("microorganism", "chemicalSubstance"),
    *_numbers("value"),
    _Field("component", words="https://ref.gs1.org/cbv/Comp-"),
    *_plain("stringValue", "booleanValue", "hexBinaryValue", "uriValue"),
    *_numbers("minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"),
    *_plain("uom", "coordinateReferenceSystem"),
)
_SENSOR: Final = (_Field("sensorMetadata", fields=_METADATA), _Field("sensorReport", fields=_REPORT))
_ORDER: Final = (
    _Field("eventTime", time=True),
    *_plain("eventTimeZoneOffset", "certificationInfo"),
    _Field("epcList", item="epc"),
    _Field("parentID"),
    _Field("inputEPCList", item="epc"),
    _Field("childEPCs", item="epc"),
    *(
        _Field(name, item="quantityElement", fields=_QUANTITY)
        for name in ("quantityList", "childQuantityList", "inputQuantityList")
    ),
    _Field("outputEPCList", item="epc"),
    _Field("outputQuantityList", item="quantityElement", fields=_QUANTITY),
    *_plain("action", "transformationID"),
    _Field("bizStep", words="https://ref.gs1.org/cbv/BizStep-"),
    _Field("disposition", words=_DISPOSITION),
    _Field("persistentDisposition", fields=(_Field("set", words=_DISPOSITION), _Field("unset", words=_DISPOSITION))),
    _Field("readPoint", fields=_plain("id")),
    _Field("bizLocation", fields=_plain("id")),
    _Field("sensorElementList", item="sensorElement", fields=_SENSOR),
)
_AFTER: Final = {
    field.name: field
    for field in (
        _typed("bizTransactionList", "bizTransaction", "BTT"),
        _typed("sourceList", "source", "SDT"),
        _typed("destinationList", "destination", "SDT"),
    )
}
"""Sorted with ILMD and the extensions, after the ordered fields."""


def event_hash(event: Mapping[str, Any], namespaces: Mapping[str, str]) -> str:
    """The hash of an event, as a URI of RFC 6920.

    Args:
        event: untrusted, decoded JSON: text, integers, booleans, `Fraction`, lists and objects.
        namespaces: what the prefixes of its `@context` (and its document's) stand for.

    Raises:
        Malformed: nested too deep, too long, or a time or number that cannot be written.
    """
    try:
        text = pre_hash(event, namespaces).encode()
    except UnicodeEncodeError:
        raise Malformed("the event holds a text that is no Unicode") from None
    return f"ni:///sha-256;{hashlib.sha256(text).hexdigest()}?ver=CBV2.0"


def pre_hash(event: Mapping[str, Any], namespaces: Mapping[str, str]) -> str:
    """The string that is hashed; `event_hash` says what is handed in and raised."""
    walk = _Walk({**namespaces, **NAMESPACES})
    return f"eventType={event.get('type')}{walk.fields(event, _ORDER, EPCIS_DEPTH_MAX, top=True)}"


class _Walk:
    """One event's way to its string; counts what it writes."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = namespaces
        self._left = EPCIS_PREHASH_CHARS_MAX

    def fields(self, holder: Mapping[str, Any], order: tuple[_Field, ...], levels: int, *, top: bool = False) -> str:
        """The fields of an object: those of the order first, then the others, sorted."""
        written = [text for field in order for text in sorted(self._field(field, holder.get(field.name), levels))]
        ordered = {field.name for field in order}
        others: list[str] = []
        for name, value in holder.items():
            full = self._name(name)
            if name in ordered or full in _COMMENTS or (top and name in _NOT_HASHED):
                continue
            field = (_AFTER.get(name) if top else None) or _Field(full)
            others += self._field(field, value, levels)
        return "".join((*written, *sorted(others)))

    def _field(self, field: _Field, value: Any, levels: int) -> list[str]:
        """What a field says: a text for each of its values, a single one for a list that has a name of its own."""
        if value is None:
            return []
        if field.item is None:
            return self._values(field.name, field, value, levels)
        inside = sorted(self._values(field.item, field, value, levels))
        return [self._spent(field.name) + "".join(inside)] if inside else []

    def _values(self, name: str, field: _Field, value: Any, levels: int) -> list[str]:
        if not levels:
            raise Malformed(f"the event is nested deeper than {EPCIS_DEPTH_MAX} levels")
        if isinstance(value, list):
            return [text for item in value for text in self._values(name, field, item, levels - 1)]
        if isinstance(value, Mapping):
            inside = self.fields(value, field.fields, levels - 1)
            return [self._spent(name) + inside] if inside or name.startswith("{") else []
        text = "" if value is None else self._text(field, value)
        if text:
            return [self._spent(f"{name}={text}" if name else text)]
        return [self._spent(name)] if name.startswith("{") else []

    def _spent(self, text: str) -> str:
        """The text, which is written now; each level above copies it once more, so the work is bounded with the sum."""
        self._left -= len(text)
        if self._left < 0:
            raise Malformed(
                f"the event's pre-hash string is longer than {EPCIS_PREHASH_CHARS_MAX} characters; send less"
            )
        return text

    def _name(self, name: str) -> str:
        prefix, colon, local = name.partition(":")
        namespace = self._namespaces.get(prefix) if colon else None
        return name if namespace is None else f"{{{namespace}}}{local}"

    def _text(self, field: _Field, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, Fraction)):
            return _number(value.text if isinstance(value, Fraction) else str(value))
        text = str(value).strip()
        if field.time:
            return _time(text)
        if field.number:
            return _number(text)
        if field.words and _WORD.fullmatch(text):
            return field.words + text
        for urn, web in _URNS.items():
            if text.startswith(urn):
                return web + text.removeprefix(urn)
        prefix, colon, local = text.partition(":")
        if colon and prefix in ("gs1", "cbv", "epcis"):
            return NAMESPACES[prefix] + local
        return canonical_link(text)


def _number(text: str) -> str:
    """A number without needless zeros, sign or exponent; a text that is none stays."""
    if len(text) > EPCIS_NUMBER_CHARS_MAX:
        raise Malformed(f"the event holds a number of more than {EPCIS_NUMBER_CHARS_MAX} characters")
    if not _NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    if not number:
        return "0"
    if abs(number.adjusted()) > EPCIS_NUMBER_EXPONENT_MAX:
        raise Malformed(f"the event holds a number beyond 10^{EPCIS_NUMBER_EXPONENT_MAX}")
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _time(text: str) -> str:
    """A time in UTC with milliseconds, half up; a text that is no time stays."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    digits = (match[2] or "").ljust(4, "0")
    try:
        seconds = instant.parse(match[1] + match[3])
        shown = instant.show(seconds + (int(digits[:3]) + (digits[3] >= "5")) * 1_000)
    except (Malformed, OverflowError):
        return text
    whole, point, fraction = shown.removesuffix("Z").partition(".")
    return f"{whole}.{fraction[:3] if point else '000'}Z"

"""Part marks: what a barcode scanner types, as the part that it names.

A mark is read by how it begins:
1. `[)>`: ISO/IEC 15434, formats 06 (data identifiers of MH10.8.2, as MIL-STD-130 asks), 05 (GS1), 12 and DD (text element
   identifiers of SPEC 2000);
2. `urn:` or `https://`: an EPC or a GS1 Digital Link, which another reader is handed in for;
3. `(01)…`, or a symbology identifier of GS1 (`]C1`, `]d2`, `]Q3`, `]e0`), or 01 and 14 digits: GS1 element strings;
4. anything else: `PART/REV/SERIAL`, as a person types it; the revision may stay empty.

A scanner that cannot send the separators RS, GS and EOT may send their pictures (U+241E, U+241D, U+2404) or `<RS>`, `<GS>`,
`<EOT>`. Every text is untrusted; what is not understood is refused, never guessed: a wrong part number would be worse
than a second scan. A mark names one part; a mark of a lot or of a packing unit is refused.

Source: ISO/IEC 15434; ANSI MH10.8.2; MIL-STD-130N w/Change 1, 5.2; DoD Guide to Uniquely Identifying Items 3.0,
appendix D; GS1 General Specifications, section 3.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import quote

from msgspec import Struct

from holdgate.terms.errors import Malformed
from holdgate.terms.limits import MARK_CHARS_MAX

RS, GS, EOT = "\x1e", "\x1d", "\x04"
_PICTURES: Final = {"\u241e": RS, "\u241d": GS, "\u2404": EOT, "<RS>": RS, "<GS>": GS, "<EOT>": EOT}
_HEADER: Final = f"[)>{RS}"
_FIELD: Final = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")

PART: Final = "part"
REVISION: Final = "revision"
SERIAL: Final = "serial"
LOT: Final = "lot"
OTHER: Final = "other"
"""Known, and not needed to find the part."""

_DATA_IDENTIFIERS: Final[dict[str, str]] = {
    "1P": PART,  # part number of the supplier or maker
    "2P": REVISION,
    "S": SERIAL,
    "1T": LOT,
    "17V": OTHER,  # CAGE code of the enterprise
    "18V": OTHER,  # issuing agency code and enterprise
    "3V": OTHER,
    "12V": OTHER,  # DUNS
    "7L": OTHER,  # DoDAAC
    "Q": OTHER,
    "4L": OTHER,
    "9D": OTHER,
    "10D": OTHER,
    "16D": OTHER,
}
"""Data identifiers of MH10.8.2 as marks of parts carry them."""
_CONCATENATED: Final = ("18S", "25S", "22S", "UID", "USN", "UST")
"""Unique item identifiers in one piece: where the part number in them ends cannot be told."""
_TEXT_ELEMENTS: Final[dict[str, str]] = {
    "PNO": PART,  # original part number
    "PNR": PART,  # present part number: it wins over the original one
    "SEQ": SERIAL,  # within the part number
    "SER": SERIAL,  # within the enterprise
    "LOT": LOT,
    "LTN": LOT,
    "BII": LOT,
    "MFR": OTHER,
    "SPL": OTHER,
    "CAG": OTHER,
    "DUN": OTHER,
    "EUC": OTHER,
    "DMF": OTHER,
}
_TEXT_ELEMENT: Final = re.compile(r"([A-Z]{3}) +(.+)")
_DATA_ELEMENT: Final = re.compile(r"([0-9]{0,3}[A-Z])(.+)")
_FIXED: Final[dict[str, int]] = {
    "00": 18, "01": 14, "02": 14, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6, "20": 2, "410": 13, "414": 13,
}  # fmt: skip
"""Application identifiers of a fixed length, which need no separator behind them."""
_VARIABLE: Final[dict[str, int]] = {
    "10": 20, "21": 20, "22": 20, "30": 8, "37": 8, "235": 28, "240": 30, "241": 30, "250": 30, "251": 30, "254": 20,
    "8004": 30, "8200": 70, "90": 30, "91": 90,
}  # fmt: skip
_BRACKETED: Final = re.compile(r"\(([0-9]{2,4})\)([^()]+)")
_SYMBOLOGY: Final = ("]C1", "]d2", "]Q3", "]e0")
_PLAIN_ELEMENTS: Final = re.compile(r"01[0-9]{14}.*")


class Identity(Protocol):
    """What a URI names (`holdgate.adapters.epcis_uris` reads such)."""

    @property
    def part_no(self) -> str | None:
        """The part number; None where the scheme names none."""
        ...

    @property
    def number(self) -> str:
        """The serial."""
        ...


ReadUri = Callable[[str], Identity]


class Mark(Struct, frozen=True, kw_only=True):
    """The part that a mark names. `rev`: None where the mark carries no revision."""

    part_no: str
    serial: str
    rev: str | None = None


def read_mark(text: str, read_uri: ReadUri) -> Mark:
    """Read one mark.

    Args:
        text: untrusted, as the scanner sent it.
        read_uri: reads an EPC or a Digital Link.

    Raises:
        Malformed: it names no single part; the sentence says what is missing.
    """
    if len(text) > MARK_CHARS_MAX:
        raise Malformed(f"the mark is longer than {MARK_CHARS_MAX} characters; scan one mark at a time")
    for picture, sign in _PICTURES.items():
        text = text.replace(picture, sign)
    text = text.strip(" \t\r\n")
    if text.startswith("[)>"):
        return _read_15434(text, read_uri)
    if text.lower().startswith(("urn:", "https://", "http://")):
        return _read_uri(text, read_uri)
    if text.startswith("("):
        return _of_gs1(_bracketed(text), read_uri)
    if text.startswith(_SYMBOLOGY):
        return _of_gs1(_element_string(text[3:]), read_uri)
    if _PLAIN_ELEMENTS.fullmatch(text) and "/" not in text:
        return _of_gs1(_element_string(text), read_uri)
    return _read_plain(text)


def _read_plain(text: str) -> Mark:
    fields = [field.strip() for field in text.split("/")]
    if len(fields) != 3 or not fields[0] or not fields[2]:
        raise Malformed(
            f"{_shown(text)} is no mark that is read here; type it as PART/REV/SERIAL (PART//SERIAL without)"
        )
    return _mark(fields[0], fields[2], fields[1] or None)


def _read_uri(text: str, read_uri: ReadUri) -> Mark:
    found = read_uri(text)
    if found.part_no is None:
        raise Malformed(f"{_shown(text)} names a thing without its part number; type it as PART/REV/SERIAL")
    return _mark(found.part_no, found.number, None)


# ---- ISO/IEC 15434 -------------------------------------------------------------------------------------------------


def _read_15434(text: str, read_uri: ReadUri) -> Mark:
    """The one format of a message that names the part; other formats of the message are left alone."""
    if not text.startswith(_HEADER):
        raise Malformed(
            "the mark begins as ISO 15434 does, but RS does not follow; let the scanner send control characters"
        )
    body = text.removeprefix(_HEADER).removesuffix(EOT).removesuffix(RS)
    marks = [mark for mark in (_read_format(block, read_uri) for block in body.split(RS)) if mark is not None]
    if len(marks) != 1:
        raise Malformed("the mark holds no format that names a part (05, 06, 12 or DD), or more than one")
    return marks[0]


def _read_format(block: str, read_uri: ReadUri) -> Mark | None:
    kind, _, data = block.partition(GS)
    if kind == "05":
        return _of_gs1(_element_string(data), read_uri)
    if kind == "06":
        return _of_elements(_elements(data, _DATA_ELEMENT, _DATA_IDENTIFIERS))
    if kind in ("12", "DD"):
        return _of_elements(_elements(data, _TEXT_ELEMENT, _TEXT_ELEMENTS))
    return None


def _elements(data: str, spelled: re.Pattern[str], known: Mapping[str, str]) -> dict[str, str]:
    """The data elements of a format, by identifier.

    Raises:
        Malformed: one is not known here, stands twice, or carries the identity in one piece.
    """
    found: dict[str, str] = {}
    for element in filter(None, data.split(GS)):
        match = spelled.fullmatch(element)
        if match is None:
            raise Malformed(f"{_shown(element)} in the mark is no data element")
        name, value = match[1], match[2]
        if name in _CONCATENATED:
            raise Malformed(
                f"the mark carries its identity in one piece ({name}); where its part number ends cannot be told, so type it "
                "as PART/REV/SERIAL"
            )
        if name not in known:
            raise Malformed(f"the mark's data identifier {name} is not read here; type the part as PART/REV/SERIAL")
        if name in found:
            raise Malformed(f"the mark gives {name} twice")
        found[name] = value
    return found


def _of_elements(found: Mapping[str, str]) -> Mark:
    kinds = {**_DATA_IDENTIFIERS, **_TEXT_ELEMENTS}

    def one(kind: str) -> str | None:
        values = {name: value for name, value in found.items() if kinds[name] == kind}
        if "PNR" in values:  # a part that was given a new number is ordered by that one
            return values["PNR"]
        if len(values) > 1:
            raise Malformed(f"the mark gives its {kind} in two ways: {', '.join(sorted(values))}")
        return next(iter(values.values()), None)

    part_no, serial = one(PART), one(SERIAL)
    if serial is None:
        raise Malformed(_no_serial(one(LOT)))
    if part_no is None:
        raise Malformed("the mark gives a serial without a part number; type it as PART/REV/SERIAL")
    return _mark(part_no, serial, one(REVISION))


# ---- GS1 -----------------------------------------------------------------------------------------------------------


def _bracketed(text: str) -> dict[str, str]:
    """Element strings as they are printed below a symbol."""
    pairs = _BRACKETED.findall(text)
    if "".join(f"({name}){value}" for name, value in pairs) != text:
        raise Malformed(f"{_shown(text)} is no GS1 element string; write it as (01)GTIN(21)SERIAL")
    found: dict[str, str] = {}
    for name, value in pairs:
        _take(found, name, value.strip())
    return found


def _element_string(text: str) -> dict[str, str]:
    """Element strings as a symbol carries them: fixed lengths, else up to GS."""
    found: dict[str, str] = {}
    rest = text
    while rest:
        name = next((rest[:n] for n in (2, 3, 4) if rest[:n] in _FIXED or rest[:n] in _VARIABLE), None)
        if name is None:
            raise Malformed(f"the mark's GS1 application identifier {_shown(rest[:4])} is not read here")
        rest = rest[len(name) :]
        if name in _FIXED:
            value, rest = rest[: _FIXED[name]], rest[_FIXED[name] :].removeprefix(GS)
        else:
            value, _, rest = rest.partition(GS)
        _take(found, name, value)
    return found


def _take(found: dict[str, str], name: str, value: str) -> None:
    """Take one element.

    Raises:
        Malformed: unknown, of another length, or there already.
    """
    if name in _FIXED:
        fits = len(value) == _FIXED[name] and value.isascii() and value.isdigit()
    elif name in _VARIABLE:
        fits = 1 <= len(value) <= _VARIABLE[name]
    else:
        raise Malformed(f"the mark's GS1 application identifier ({name}) is not read here")
    if not fits:
        raise Malformed(f"the mark's ({name}) holds {_shown(value)}, which is not of the length that GS1 gives it")
    if name in found:
        raise Malformed(f"the mark gives ({name}) twice")
    found[name] = value


def _of_gs1(found: Mapping[str, str], read_uri: ReadUri) -> Mark:
    """By way of the Digital Link of the same identity, so that check digits and characters are held to one rule."""
    if "01" not in found:
        what = "an asset without its part number" if "8004" in found else "a packing unit or a place, not a part"
        raise Malformed(f"the mark names {what}; scan the part's own mark, or type it as PART/REV/SERIAL")
    if "21" not in found:
        raise Malformed(_no_serial(found.get("10")))
    return _read_uri(f"https://id.gs1.org/01/{found['01']}/21/{quote(found['21'], safe='')}", read_uri)


# ---- one part ------------------------------------------------------------------------------------------------------


def _mark(part_no: str, serial: str, rev: str | None) -> Mark:
    for what, value in (("part number", part_no), ("serial", serial), ("revision", rev)):
        if value is not None and not _FIELD.fullmatch(value):
            raise Malformed(f"the mark's {what} {_shown(value)} is not 1 to 64 printable ASCII signs; scan it again")
    return Mark(part_no=part_no, serial=serial, rev=rev)


def _no_serial(lot: str | None) -> str:
    what = "no serial" if lot is None else f"the lot {_shown(lot)} and no serial"
    return f"the mark names {what}; scan each part's own mark"


def _shown(text: str) -> str:
    """An untrusted text for a sentence."""
    return repr(text[:60])

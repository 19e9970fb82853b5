"""GS1 identifiers in the one spelling that the EPCIS event hash uses: the constrained canonical GS1 Digital Link URI.

A GS1 key can be written as an EPC URN, a class or pattern URN, or a Digital Link of any resolver. All of them come out as
`https://id.gs1.org/<key>/<value>[/<qualifier>/<value>]`: the finest level of identification, no query, no other qualifiers. What is
no such identifier, or is against its scheme's grammar, stays as it was written.

Source: GS1 EPC Tag Data Standard, section 6.3 and the class and pattern URIs; GS1 Digital Link: URI Syntax, 4.11; CBV 2.0, 8.9.
"""

import re
from collections.abc import Callable
from typing import Final

from holdgate.terms.limits import EPCIS_LINK_CHARS_MAX

CANONICAL: Final = "https://id.gs1.org"

_URN: Final = re.compile(r"urn:epc:(id|class|idpat):([a-z]+):(.+)")
_GS3A3: Final = re.compile(r"(?:[A-Za-z0-9!'()*+,.:;=_-]|%[0-9A-Fa-f]{2})+")
_ESCAPED: Final = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "!()*+,:"})
_LINK: Final = re.compile(r"https?://[^/?#]+((?:/[^/?#]*)+)(?:[?#].*)?")
_SHORT: Final = {
    "gtin": "01",
    "itip": "8006",
    "cpid": "8010",
    "gln": "414",
    "party": "417",
    "gsrnp": "8017",
    "gsrn": "8018",
    "gcn": "255",
    "sscc": "00",
    "gdti": "253",
    "ginc": "401",
    "gsin": "402",
    "grai": "8003",
    "giai": "8004",
    "cpv": "22",
    "lot": "10",
    "ser": "21",
}
"""Words that an older Digital Link may have in place of the application identifier."""
_KEYS: Final = {
    "00": re.compile(r"[0-9]{18}"),
    "01": re.compile(r"[0-9]{8}|[0-9]{12,14}"),
    "253": re.compile(r"[0-9]{13}[^/]{0,17}"),
    "255": re.compile(r"[0-9]{13,25}"),
    "401": re.compile(r"[0-9]{4}[^/]{1,80}"),
    "402": re.compile(r"[0-9]{17}"),
    "414": re.compile(r"[0-9]{13}"),
    "417": re.compile(r"[0-9]{13}"),
    "8003": re.compile(r"[0-9]{14}[^/]{0,48}"),
    "8004": re.compile(r"[0-9]{4}[^/]{1,80}"),
    "8006": re.compile(r"[0-9]{18}"),
    "8010": re.compile(r"[0-9]{4}[^/]{1,80}"),
    "8017": re.compile(r"[0-9]{18}"),
    "8018": re.compile(r"[0-9]{18}"),
}
"""Primary keys and their values, as they stand in a path."""
_FINER: Final = {"01": ("21", "235", "10"), "414": ("254",), "8006": ("21", "10"), "8010": ("8011",)}
"""Qualifiers that identify more finely, the finest first; at most one is kept."""


def canonical_link(text: str) -> str:
    """The text, or the canonical Digital Link of the GS1 identifier that it is. Linear in its length."""
    if len(text) > EPCIS_LINK_CHARS_MAX or not text.isascii():
        return text
    if text.startswith("urn:epc:"):
        return _of_urn(text) or text
    if text.startswith(("http://", "https://")):
        return _of_link(text) or text
    return text


def _of_link(text: str) -> str | None:
    match = _LINK.fullmatch(text)
    if match is None:
        return None
    parts = [_SHORT.get(part, part) for part in match[1].split("/")[1:]]
    for at in range(len(parts) - 1):
        form = _KEYS.get(parts[at])
        if form is not None and form.fullmatch(parts[at + 1]):
            return _finest(parts[at], parts[at + 1], parts[at + 2 :])
    return None


def _finest(key: str, value: str, rest: list[str]) -> str:
    found = dict(zip(rest[::2], rest[1::2], strict=False))
    head = f"{CANONICAL}/{key}/{value.zfill(14) if key == '01' else value}"
    for qualifier in _FINER.get(key, ()):
        if found.get(qualifier):
            return f"{head}/{qualifier}/{found[qualifier]}"
    return head


def _of_urn(text: str) -> str | None:
    match = _URN.fullmatch(text)
    if match is None:
        return None
    kind, scheme, rest = match.groups()
    write = _URNS.get((kind, scheme))
    parts = rest.split(".", 1)
    return None if write is None or len(parts) != 2 or not parts[0].isdecimal() else write(parts[0], parts[1])


def _checked(digits: str) -> str:
    """The digits with their check digit (GS1 General Specifications, 7.9.1)."""
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _plain(text: str) -> str | None:
    """A free component, escaped as a Digital Link wants it."""
    return text.translate(_ESCAPED) if _GS3A3.fullmatch(text) else None


Writer = Callable[[str, str], str | None]
"""Writes a link from company prefix and what follows it; None where that is against the grammar."""


def _numbered(key: str, digits: int, *, indicator: bool = False, lead: str = "", tail: str = "") -> Writer:
    """A scheme whose prefix and reference are so many digits together.

    Args:
        key: the application identifier.
        digits: of prefix and reference.
        indicator: the reference's first digit goes in front (GTIN, SSCC).
        lead: what stands before the digits.
        tail: what follows the reference: "" nothing, "*" the pattern's star (dropped), "+" a serial that is put on, else the
            qualifier that it becomes.
    """

    def write(prefix: str, rest: str) -> str | None:
        reference, dot, more = rest.partition(".") if tail else (rest, "", "")
        if len(prefix) + len(reference) != digits or not (prefix + reference).isdecimal() or bool(tail) != bool(dot):
            return None
        number = reference[:1] + prefix + reference[1:] if indicator else prefix + reference
        head = f"{CANONICAL}/{key}/{lead}{_checked(lead + number)[len(lead) :]}"
        if tail == "*":
            return head if more == "*" else None
        if not tail:
            return head
        serial = _plain(more)
        if serial is None:
            return None
        if tail == "+":
            return head + serial
        return head if tail == "254" and serial == "0" else f"{head}/{tail}/{serial}"

    return write


def _joined(key: str) -> Writer:
    """A scheme whose prefix and reference are one text (GIAI, GINC)."""

    def write(prefix: str, rest: str) -> str | None:
        reference = _plain(rest)
        return None if reference is None else f"{CANONICAL}/{key}/{prefix}{reference}"

    return write


def _component(prefix: str, rest: str) -> str | None:
    """CPI: a component or part with its serial; or all of them."""
    reference, dot, serial = rest.rpartition(".")
    part = _plain(reference) if dot else None
    if part is None or not (serial == "*" or serial.isdecimal()):
        return None
    head = f"{CANONICAL}/8010/{prefix}{part}"
    return head if serial == "*" else f"{head}/8011/{serial}"


def _pieces(prefix: str, rest: str) -> str | None:
    """ITIP: a piece of a trade item, with its serial; or all of them."""
    fields = rest.split(".", 3)
    if len(fields) != 4 or not all(len(count) == 2 and count.isdecimal() for count in fields[1:3]):
        return None
    gtin = _numbered("8006", 13, indicator=True)(prefix, fields[0])
    head = None if gtin is None else gtin + fields[1] + fields[2]
    if head is None or fields[3] == "*":
        return head
    serial = _plain(fields[3])
    return None if serial is None else f"{head}/21/{serial}"


_URNS: Final[dict[tuple[str, str], Writer]] = {
    ("id", "sgtin"): _numbered("01", 13, indicator=True, tail="21"),
    ("id", "sscc"): _numbered("00", 17, indicator=True),
    ("id", "sgln"): _numbered("414", 12, tail="254"),
    ("id", "grai"): _numbered("8003", 12, lead="0", tail="+"),
    ("id", "giai"): _joined("8004"),
    ("id", "gsrn"): _numbered("8018", 17),
    ("id", "gsrnp"): _numbered("8017", 17),
    ("id", "gdti"): _numbered("253", 12, tail="+"),
    ("id", "cpi"): _component,
    ("id", "sgcn"): _numbered("255", 12, tail="+"),
    ("id", "ginc"): _joined("401"),
    ("id", "gsin"): _numbered("402", 16),
    ("id", "itip"): _pieces,
    ("id", "upui"): _numbered("01", 13, indicator=True, tail="235"),
    ("id", "pgln"): _numbered("417", 12),
    ("class", "lgtin"): _numbered("01", 13, indicator=True, tail="10"),
    ("idpat", "sgtin"): _numbered("01", 13, indicator=True, tail="*"),
    ("idpat", "grai"): _numbered("8003", 12, lead="0", tail="*"),
    ("idpat", "gdti"): _numbered("253", 12, tail="*"),
    ("idpat", "sgcn"): _numbered("255", 12, tail="*"),
    ("idpat", "cpi"): _component,
    ("idpat", "itip"): _pieces,
    ("idpat", "upui"): _numbered("01", 13, indicator=True, tail="*"),
}

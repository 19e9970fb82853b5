"""Single values of an EPCIS event: the URIs that name parts, lots, places and orders; vocabulary words and times.

Every text here is untrusted. A URI is read by the grammar of its own scheme, because the JSON schema of GS1 accepts any
text where a URI belongs. Two spellings of one identity (SGTIN as URN or as GS1 Digital Link, an escaped sign in upper
or lower case) give the same identity; the part number of a GTIN scheme is the GTIN-14 with its check digit.

Source: GS1 EPC Tag Data Standard, section 6.3 (pure identity URIs) and its class URIs; GS1 Digital Link: URI Syntax;
CBV 2.0 (business steps, dispositions, business transaction types).
"""

import re
from typing import Final

import msgspec

from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import Instant
from holdgate.terms.limits import (
    EPCIS_ADI_SERIAL_CHARS_MAX,
    EPCIS_ASSET_CHARS_MAX,
    EPCIS_PART_NO_CHARS_MAX,
    EPCIS_SERIAL_CHARS_MAX,
    EPCIS_URI_CHARS_MAX,
)

_GS3A3: Final = r"((?:[A-Za-z0-9!'()*+,.:;=_-]|%[0-9A-Fa-f]{2})+)"
_AI82: Final = re.compile(r"[A-Za-z0-9!\"%&'()*+,./:;<=>?_-]+")
_ADI: Final = re.compile(
    r"urn:epc:id:adi:([0-9A-HJ-NP-Z]{5,6})\.((?:[0-9A-Z-]|%2[Ff])*)\.((?:%23)?(?:[0-9A-Z-]|%2[Ff])+)"
)
_ADI_CAGE: Final = re.compile(r"[0-9A-HJ-NP-Z]{5,6}")
_ADI_PART_NO: Final = re.compile(r"[0-9A-Z/-]+")
_ADI_SERIAL: Final = re.compile(r"#?[0-9A-Z/-]+")
_SGTIN: Final = re.compile(rf"urn:epc:id:sgtin:([0-9]{{6,12}})\.([0-9]{{1,7}})\.{_GS3A3}")
_LGTIN: Final = re.compile(rf"urn:epc:class:lgtin:([0-9]{{6,12}})\.([0-9]{{1,7}})\.{_GS3A3}")
_GIAI: Final = re.compile(rf"urn:epc:id:giai:([0-9]{{6,12}})\.{_GS3A3}")
_LINK_SERIAL: Final = re.compile(
    rf"https://id\.gs1\.org/01/([0-9]{{14}})(?:/22/{_GS3A3})?(?:/10/{_GS3A3})?/21/{_GS3A3}"
)
_LINK_LOT: Final = re.compile(rf"https://id\.gs1\.org/01/([0-9]{{14}})/10/{_GS3A3}")
_LINK_GIAI: Final = re.compile(rf"https://id\.gs1\.org/8004/{_GS3A3}")
_SGLN: Final = re.compile(rf"urn:epc:id:sgln:([0-9]{{6,12}})\.([0-9]{{0,6}})\.{_GS3A3}")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{1,31}:.+", re.IGNORECASE)
_CBV: Final = re.compile(r"(?:urn:epcglobal:cbv|https?://(?:ref|ns)\.gs1\.org/cbv|cbv:)", re.IGNORECASE)
_ORDER_TOKEN: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=@%-]{1,64}")

_ARRIVAL_STEPS: Final = ("arriving", "receiving")
_DISPOSITIONS: Final = frozenset(
    """
    active available completeness_inferred completeness_verified conformant container_closed container_open
    damaged destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_class
    mismatch_instance mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other
    partially_dispensed recalled reserved retail_sold returned sellable_accessible sellable_not_accessible
    stolen unavailable unknown
    """.split()  # noqa: SIM905 - a table of words
)
_TRANSACTIONS: Final = frozenset(
    "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt".split()  # noqa: SIM905 - a table of words
)
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
)


class EpcIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What one EPC URI names: a part by serial, or a lot of parts; `kind` is its scheme, spellings set aside."""

    kind: str
    """`adi`, `gtin` or `giai`: two numbers are comparable only within one kind."""
    cage: str | None = None
    """CAGE code or DoDAAC that gave the ADI part number."""
    part_no: str | None = None
    """ADI part number or GTIN-14; None where the scheme names none (GIAI, ADI without a part number)."""
    number: str
    """The serial of an instance, the lot of a class."""


def read_part(uri: object) -> EpcIdentity:
    """The single part that an untrusted EPC URI of an `epcList` names.

    Raises:
        Malformed: not an ADI, SGTIN, GIAI or `https://id.gs1.org/01/…/21/…` URI, or against its scheme's grammar.
    """
    text = check_uri(uri, "an entry of epcList")
    if match := _ADI.fullmatch(text):
        return _adi(match[1], match[2], match[3], text)
    if match := _SGTIN.fullmatch(text):
        return _of_gtin(_gtin(match[1], match[2], text), match[3], text)
    if match := _LINK_SERIAL.fullmatch(text):
        for qualifier in filter(None, match.group(2, 3)):
            _decoded(qualifier, EPCIS_SERIAL_CHARS_MAX, text)
        return _of_gtin(_checked_gtin(match[1], text), match[4], text)
    if match := _GIAI.fullmatch(text):
        return EpcIdentity(kind="giai", number=_decoded(match[1] + match[2], EPCIS_ASSET_CHARS_MAX, text))
    if match := _LINK_GIAI.fullmatch(text):
        return EpcIdentity(kind="giai", number=_decoded(match[1], EPCIS_ASSET_CHARS_MAX, text))
    raise Malformed(
        f"{text[:80]!r} does not name a part with its serial; use urn:epc:id:adi:CAGE.PART.SERIAL, urn:epc:id:sgtin:…, "
        "urn:epc:id:giai:… or https://id.gs1.org/01/GTIN/21/SERIAL, written by the rules of its scheme"
    )


def read_lot(uri: object) -> EpcIdentity:
    """The lot that an untrusted class URI of a `quantityList` names.

    Raises:
        Malformed: not an LGTIN or `https://id.gs1.org/01/…/10/…` URI, or against its scheme's grammar.
    """
    text = check_uri(uri, "epcClass")
    if match := _LGTIN.fullmatch(text):
        return _of_gtin(_gtin(match[1], match[2], text), match[3], text)
    if match := _LINK_LOT.fullmatch(text):
        return _of_gtin(_checked_gtin(match[1], text), match[2], text)
    raise Malformed(
        f"{text[:80]!r} does not name a lot; use urn:epc:class:lgtin:… or https://id.gs1.org/01/GTIN/10/LOT"
    )


def write_adi(cage: str, part_no: str, serial: str) -> str:
    """The ADI URI of a part; `/` and a leading `#` are escaped, which is all that the ADI rules let a URI escape.

    Args:
        cage: CAGE code (5) or DoDAAC (6) of the enterprise that gave the part number.
        part_no: part number, 1 to 32 of A-Z 0-9 - /.
        serial: 1 to 30 of A-Z 0-9 - /, a `#` allowed in front.

    Raises:
        Malformed: a component that an ADI cannot carry (small letters, dots, blanks …): it would name another part.
    """
    if not _ADI_CAGE.fullmatch(cage):
        raise Malformed(f"{cage[:20]!r} is not a CAGE code: 5 (DoDAAC: 6) of 0-9 A-Z without I and O")
    if not _ADI_PART_NO.fullmatch(part_no) or len(part_no) > EPCIS_PART_NO_CHARS_MAX:
        raise Malformed(f"part number {part_no[:40]!r} does not fit an ADI identifier: 1 to 32 of A-Z 0-9 - /")
    if not _ADI_SERIAL.fullmatch(serial) or len(serial) > EPCIS_ADI_SERIAL_CHARS_MAX:
        raise Malformed(f"serial {serial[:40]!r} does not fit an ADI identifier: 1 to 30 of A-Z 0-9 - / (# in front)")
    return f"urn:epc:id:adi:{cage}.{_adi_escaped(part_no)}.{_adi_escaped(serial)}"


def check_uri(value: object, what: str) -> str:
    """Return the untrusted value if it is an absolute URI of at most 512 characters.

    Raises:
        Malformed: it is not (source: RFC 3986).
    """
    if not isinstance(value, str) or len(value) > EPCIS_URI_CHARS_MAX or not _URI.fullmatch(value):
        raise Malformed(f"{what} must be a URI such as urn:epc:id:… or https://…, not {brief(value)}")
    return value


def check_place(value: object, what: str) -> str:
    """Return the untrusted value if it can name a place: an SGLN, or a URI outside the `urn:epc:` schemes, as written.

    Raises:
        Malformed: not a URI, a broken SGLN, or an EPC that names something else than a place.
    """
    text = check_uri(value, what)
    if not text.lower().startswith("urn:epc:"):
        return text
    match = _SGLN.fullmatch(text)
    if not match or len(match[1]) + len(match[2]) != 12:
        raise Malformed(f"{what} {text[:80]!r} is not a place; use urn:epc:id:sgln:… or an https address")
    _decoded(match[3], EPCIS_SERIAL_CHARS_MAX, text)
    return text


def order_of(value: object) -> str:
    """The order number in an untrusted purchase-order URI: the last path segment; in a URN what follows the last colon.

    Raises:
        Malformed: not a URI, or it ends in no single number (a query, a fragment, nothing).
    """
    text = check_uri(value, "the purchase order of bizTransactionList")
    if "?" not in text and "#" not in text:
        token = ""  # nosec B105  # a part of an address
        if "://" in text:
            _, slash, path = text.split("://", 1)[1].partition("/")
            token = path.rpartition("/")[2] if slash else ""
        elif _URN.fullmatch(text):
            token = text.rpartition(":")[2]
        if _ORDER_TOKEN.fullmatch(token):
            return token
    raise Malformed(f"{text[:80]!r} does not end in an order number; write https://…/po/NUMBER or urn:…:NUMBER")


def read_step(value: object) -> str:
    """`arriving` or `receiving`, from any of the three spellings of a business step.

    Raises:
        Malformed: another step, another vocabulary, or none.
    """
    step = _word(value, "urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-")
    if step not in _ARRIVAL_STEPS:
        raise Malformed(f"an arrival has the business step arriving or receiving, not {brief(value)}")
    return step


def check_disposition(value: object) -> None:
    """Refuse a disposition that is neither of the CBV nor a URI of somebody's own vocabulary. It is not used further.

    Raises:
        Malformed: it is neither.
    """
    word = _word(value, "urn:epcglobal:cbv:disp:", "https://ref.gs1.org/cbv/Disp-")
    if word not in _DISPOSITIONS and not _own_vocabulary(value):
        raise Malformed(f"disposition {brief(value)} is not in the core business vocabulary")


def is_purchase_order(kind: object) -> bool:
    """Whether this type of a business transaction, in any of its three spellings, is `po`.

    Raises:
        Malformed: a type that is neither of the CBV nor a URI of somebody's own vocabulary.
    """
    word = _word(kind, "urn:epcglobal:cbv:btt:", "https://ref.gs1.org/cbv/BTT-")
    if word not in _TRANSACTIONS and not _own_vocabulary(kind):
        raise Malformed(f"business transaction type {brief(kind)} is not in the core business vocabulary")
    return word == "po"


def read_time(value: object, what: str) -> Instant:
    """The instant of an untrusted time, which must carry its offset.

    Raises:
        Malformed: not `YYYY-MM-DDThh:mm:ss[.f]` with `Z` or an offset of at most 14 h, or outside the years 1 to 9999.
    """
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Malformed(f"{what} must be a time with its offset such as 2026-04-01T13:00:00+02:00, not {brief(value)}")
    when = instant.parse(value)
    show_time(when)
    return when


def show_time(us: int) -> str:
    """UTC microseconds as EPCIS writes a time.

    Raises:
        Malformed: outside the years 1 to 9999.
    """
    try:
        return instant.show(us)
    except OverflowError:
        raise Malformed("a time outside the years 1 to 9999 cannot be written") from None


def brief(value: object) -> str:
    """An untrusted value for a message: short, and nothing of a nested one."""
    if value is None:
        return "nothing"
    return repr(value[:60]) if isinstance(value, str) else f"a {type(value).__name__}"


def _own_vocabulary(value: object) -> bool:
    if not isinstance(value, str) or len(value) > EPCIS_URI_CHARS_MAX or not _URI.fullmatch(value):
        return False
    return not _CBV.match(value)


def _word(value: object, urn: str, web: str) -> str | None:
    """The bare word of a vocabulary value in any of its three spellings; another text as it is; None for no text."""
    if not isinstance(value, str):
        return None
    for stem in (urn, web):
        if value.startswith(stem):
            return value.removeprefix(stem)
    return value


def _adi(cage: str, part_no: str, serial: str, uri: str) -> EpcIdentity:
    part_no, serial = _adi_plain(part_no), _adi_plain(serial)
    if len(part_no) > EPCIS_PART_NO_CHARS_MAX or len(serial) > EPCIS_ADI_SERIAL_CHARS_MAX:
        raise Malformed(f"{uri[:80]!r}: an ADI holds at most 32 characters of part number and 30 of serial")
    return EpcIdentity(kind="adi", cage=cage, part_no=part_no or None, number=serial)


def _of_gtin(gtin: str, number: str, uri: str) -> EpcIdentity:
    return EpcIdentity(kind="gtin", part_no=gtin, number=_decoded(number, EPCIS_SERIAL_CHARS_MAX, uri))


def _adi_plain(component: str) -> str:
    return component.replace("%2F", "/").replace("%2f", "/").replace("%23", "#")


def _adi_escaped(component: str) -> str:
    return component.replace("/", "%2F").replace("#", "%23")


def _decoded(component: str, chars_max: int, uri: str) -> str:
    plain = re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), component)
    if len(plain) > chars_max or not _AI82.fullmatch(plain):
        raise Malformed(f"{uri[:80]!r}: a number in it is longer than {chars_max} or holds a sign that GS1 forbids")
    return plain


def _gtin(prefix: str, item: str, uri: str) -> str:
    if len(prefix) + len(item) != 13:
        raise Malformed(f"{uri[:80]!r}: company prefix and item reference must be 13 digits together")
    digits = item[0] + prefix + item[1:]
    return digits + _check_digit(digits)


def _checked_gtin(gtin: str, uri: str) -> str:
    if _check_digit(gtin[:13]) != gtin[13]:
        raise Malformed(f"{uri[:80]!r}: the check digit of the GTIN is wrong; read the mark again")
    return gtin


def _check_digit(digits: str) -> str:
    return str(-sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(digits)) % 10)

"""Arrivals as EPCIS 2.0: from untrusted JSON to the parts that a reader saw, and from parts to a valid document.

The event is material, never evidence: only the reader's own signature over what was read here counts (foundations 6),
and the gate compares. Nothing is fetched, no clock is read, and no JSON-LD processor runs: words are read by the
standard context's names, so a context that could give them another meaning is refused. What is read:

* one ObjectEvent, bare or alone in an EPCISDocument, OBSERVE or ADD, business step `arriving` or `receiving`;
* parts of one part number: serials from `epcList`, lots from `quantityList` (whole pieces, no unit of measure);
* the purchase order from `bizTransactionList` (type `po`);
* the drawing revision, for which EPCIS has no field: an extension field of the event whose local name is
  `drawingRevision`, under any namespace prefix that the document or the event declares; absent means None.

Sensor data, sources, destinations, ILMD content and other extensions are bounded but not interpreted. An event has two names:
its hash (CBV 2.0, `epcis_hash`), which is the same however the event is spelled, and the digest of the exact bytes handed in, what
`sha256sum` prints for the stored message. Uniqueness rests on the reader's counter and on (order, part), never on either.

Source: GS1 EPCIS 2.0 (sections 7.4, 9.5 and its JSON schema), CBV 2.0; identifiers: `epcis_uris`.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from holdgate.adapters import epcis_uris as uris
from holdgate.adapters.epcis_hash import Fraction, event_hash
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.instant import Instant
from holdgate.terms.limits import EPCIS_DEPTH_MAX, EPCIS_EVENT_BYTES_MAX, EPCIS_LOT_PIECES_MAX

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
"""The standard context: a name that is written and compared, never an address that is fetched."""
NAMESPACE: Final = "urn:holdgate:epcis:"
"""Namespace of the one extension field that we write."""

_CONTEXTS: Final = frozenset(
    {
        CONTEXT,
        "https://ref.gs1.org/standards/epcis/2.0.1/epcis-context.jsonld",
        "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "https://gs1.github.io/EPCIS/epcis-context.jsonld",
    }
)
_REVISION: Final = "drawingRevision"
_DOCUMENT_FIELDS: Final = frozenset(
    "@context id type schemaVersion creationDate instanceIdentifier sender receiver epcisHeader epcisBody".split()  # noqa: SIM905 - a table of words
)
_EVENT_FIELDS: Final = frozenset(
    """
    @context type eventTime recordTime eventTimeZoneOffset eventID certificationInfo errorDeclaration action
    epcList quantityList bizStep disposition persistentDisposition readPoint bizLocation bizTransactionList
    sourceList destinationList sensorElementList ilmd
    """.split()  # noqa: SIM905 - a table of words
)
_SCHEMES: Final = frozenset({"urn", "http", "https", "ni", "geo", "tag", "did"})
"""As prefixes these would turn a URI of the event into another one."""
_OWN_NAMESPACES: Final = ("https://ref.gs1.org/epcis", "http://ref.gs1.org/epcis", "urn:epcglobal:epcis")
_REVISION_TEXT: Final = re.compile(r"[!-~](?:[ -~]{0,30}[!-~])?")
_OFFSET: Final = re.compile(r"[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00")
_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class ObservedParts(msgspec.Struct, frozen=True, kw_only=True):
    """What one arrival event says was seen. Claims of its writer, in the writer's spelling of numbers."""

    part_no: str | None
    """ADI part number or GTIN-14; None where the identifiers carry none (GIAI)."""
    rev: str | None
    serials: tuple[str, ...]
    """In the event's order, each once."""
    lots: tuple[tuple[str, int], ...]
    """(lot, pieces), each lot once."""
    quantity: int
    """Serials plus the pieces of all lots; at least 1."""
    read_point: str
    """The place's URI exactly as written; the gate compares it with the one that the reader is enrolled for."""
    biz_location: str | None
    observed_at: Instant
    """The event's own time: a claim."""
    order: str | None
    """The purchase order's number, where the event names one."""
    action: str
    """`OBSERVE` or `ADD`."""
    biz_step: str
    """`arriving` or `receiving`, however it was spelled."""
    event_hash: str
    """The event's name, `ni:///sha-256;…?ver=CBV2.0`: what its reader signs, and the id of a CloudEvent that carries it."""
    event_digest: str
    """SHA-256 in hex over the exact bytes that were handed in: what readers signed before they knew event hashes."""


def read_object_event(raw: bytes) -> ObservedParts:
    """Read the parts that an arrival event names.

    Args:
        raw: untrusted bytes: a bare ObjectEvent, or an EPCISDocument that holds exactly one event.

    Raises:
        Malformed: anything that this module's description does not allow; the sentence says what to mend. Whether the
            time is in the future, the place enrolled or the parts expected is the gate's to say.
    """
    event, namespaces = _single_event(_decode(raw))
    _check_fields(event)
    action, biz_step = _action(event), uris.read_step(event.get("bizStep"))
    observed_at = uris.read_time(event.get("eventTime"), "eventTime")
    serials, lots, part_no = _parts(event)
    return ObservedParts(
        part_no=part_no,
        rev=_revision(event, namespaces),
        serials=serials,
        lots=lots,
        quantity=len(serials) + sum(pieces for _, pieces in lots),
        read_point=_place(event, "readPoint"),
        biz_location=_place(event, "bizLocation") if "bizLocation" in event else None,
        observed_at=observed_at,
        order=_order(event),
        action=action,
        biz_step=biz_step,
        event_hash=event_hash(event, namespaces),
        event_digest=hashlib.sha256(raw).hexdigest(),
    )


def write_object_event(
    order: str | None,
    part_no: str,
    rev: str | None,
    serials: Iterable[str],
    read_point: str,
    observed_at_us: int,
    cage: str,
) -> bytes:
    """The canonical bytes of an EPCISDocument with one event: these parts were seen on receiving.

    Args:
        order: order id, or None where the reader knows none.
        part_no: part number, A-Z 0-9 - / (what an ADI can carry).
        rev: drawing revision, or None.
        serials: one or more, each once.
        read_point: `urn:epc:id:sgln:…` or another URI of the place.
        observed_at_us: UTC microseconds; also written as the document's creation time, since no clock is read here.
        cage: CAGE code (or DoDAAC) of the enterprise that gave the part number.

    Raises:
        Malformed: a value that the standard's form cannot carry; nothing is changed to fit.
    """
    listed = list(serials)
    if not 1 <= len(listed) <= limits.LIST_ITEMS_MAX or len(set(listed)) != len(listed):
        raise Malformed(f"an arrival names 1 to {limits.LIST_ITEMS_MAX} serials, each once")
    when = uris.show_time(observed_at_us)
    event: dict[str, Any] = {
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "bizStep": "receiving",
        "eventTime": when,
        "eventTimeZoneOffset": "+00:00",
        "epcList": [uris.write_adi(cage, part_no, serial) for serial in listed],
        "readPoint": {"id": uris.check_place(read_point, "the read point")},
    }
    if order is not None:
        po = f"urn:holdgate:po:{check_id(order, 'order')}"
        event["bizTransactionList"] = [{"type": "po", "bizTransaction": po}]
    if rev is not None:
        event[f"holdgate:{_REVISION}"] = _revision_text(rev)
    return _document(event, when)


def _document(event: dict[str, Any], when: str) -> bytes:
    document = {
        "@context": [CONTEXT, {"holdgate": NAMESPACE}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": when,
        "epcisBody": {"eventList": [event]},
    }
    raw = canon.encode(document)
    if len(raw) > EPCIS_EVENT_BYTES_MAX:
        raise Malformed(
            f"the event would be longer than {EPCIS_EVENT_BYTES_MAX} bytes; name fewer serials in one event"
        )
    return raw


def _decode(raw: bytes) -> dict[str, Any]:
    """The JSON object in untrusted bytes: bounded, each key once, no floating point."""
    if len(raw) > EPCIS_EVENT_BYTES_MAX:
        raise Malformed(f"the event is longer than {EPCIS_EVENT_BYTES_MAX} bytes; send fewer parts in one event")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=Fraction,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise Malformed(f"the event is nested deeper than {EPCIS_DEPTH_MAX} levels") from None
    except ValueError as error:
        raise Malformed(f"the event is not JSON in UTF-8: {error}") from None
    if not isinstance(value, dict):
        raise Malformed("the event must be a JSON object")
    _bound(value, EPCIS_DEPTH_MAX)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Malformed(f"the field {name[:60]!r} stands twice in one object; each may stand once")
            seen.add(name)
    return found


def _integer(text: str) -> int:
    if len(text) > 16 or abs(int(text)) > limits.INTEGER_ABS_MAX:
        raise Malformed("the event holds an integer beyond 2^53 - 1")
    return int(text)


def _no_number(text: str) -> None:
    raise Malformed(f"{text} is not a JSON number")


def _bound(value: object, levels: int) -> None:
    """Refuse what is nested too deep, too long, or no Unicode text."""
    if isinstance(value, str):
        if len(value) > limits.TEXT_CHARS_MAX or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Malformed(f"the event holds a text that is broken or longer than {limits.TEXT_CHARS_MAX} characters")
    elif isinstance(value, (dict, list)):
        if not levels or len(value) > limits.LIST_ITEMS_MAX:
            raise Malformed(f"the event is nested deeper than {EPCIS_DEPTH_MAX} levels or lists too many items")
        for item in value:
            _bound(item, levels - 1)
            if isinstance(value, dict):
                _bound(value[item], levels - 1)


def _single_event(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The only event, and what the namespace prefixes stand for that hold in it."""
    kind = document.get("type")
    namespaces = _namespaces(document, standard=True)
    if kind == "ObjectEvent":
        return document, namespaces
    if kind != "EPCISDocument":
        raise Malformed(f"an arrival is an ObjectEvent or an EPCISDocument with one, not {uris.brief(kind)}")
    _check_names(document, _DOCUMENT_FIELDS)
    if document.get("schemaVersion") not in ("2.0", "2.0.0", "2.0.1"):
        raise Malformed(f"only EPCIS 2.0 is read; schemaVersion is {uris.brief(document.get('schemaVersion'))}")
    uris.read_time(document.get("creationDate"), "creationDate")
    body = document.get("epcisBody")
    events = body.get("eventList") if isinstance(body, dict) else None
    if not isinstance(events, list) or len(events) != 1:
        count = len(events) if isinstance(events, list) else "no list of"
        raise Malformed(f"the document holds {count} events; send each arrival as a document of its own")
    event = events[0]
    if not isinstance(event, dict) or event.get("type") != "ObjectEvent":
        kind = event.get("type") if isinstance(event, dict) else event
        raise Malformed(f"an arrival is an ObjectEvent, not {uris.brief(kind)}")
    return event, namespaces | _namespaces(event, standard=False)


def _namespaces(holder: dict[str, Any], *, standard: bool) -> dict[str, str]:
    """What the namespace prefixes of a `@context` stand for; one that could re-define EPCIS words is refused."""
    given = holder.get("@context", [])
    items = given if isinstance(given, list) else [given]
    if standard and not any(isinstance(item, str) and item in _CONTEXTS for item in items):
        raise Malformed(f"@context must name the EPCIS 2.0 context, {CONTEXT}")
    found: dict[str, str] = {}
    for item in items:
        if isinstance(item, dict):
            found.update((name, meaning) for name, meaning in item.items() if _declares(name, meaning))
        elif not isinstance(item, str) or item not in _CONTEXTS:
            raise Malformed(
                f"@context names {uris.brief(item)}, which is never fetched; declare its namespace in place"
            )
    return found


def _declares(name: str, meaning: object) -> bool:
    """Whether this entry of a context declares a prefix; a typed term (`prefix:name`) may pass, else refused."""
    prefix, _, local = name.partition(":")
    taken = _EVENT_FIELDS | _DOCUMENT_FIELDS | _SCHEMES
    if not _PREFIX.fullmatch(prefix) or prefix.lower() in taken or prefix in taken or _REVISION in (prefix, local):
        raise Malformed(
            f"@context gives {name[:60]!r} a meaning of its own; only namespace prefixes may be declared there"
        )
    if local:
        return False
    namespace = uris.check_uri(meaning, f"namespace {name[:60]!r} in @context")
    if namespace.startswith(_OWN_NAMESPACES):
        raise Malformed(
            f"@context declares {name[:60]!r} for EPCIS itself; its fields are written by their short names"
        )
    return True


def _check_fields(event: dict[str, Any]) -> None:
    """Refuse a withdrawn reading, unknown fields, and what the standard forbids beside an arrival."""
    if "errorDeclaration" in event:
        raise Malformed(
            "the event carries an errorDeclaration: a withdrawn reading is not an arrival; to take an arrival back, "
            "un-receive it, which is an act of its own"
        )
    _check_names(event, _EVENT_FIELDS)
    if "ilmd" in event:
        ilmd = event["ilmd"]
        if event.get("action") != "ADD" or not isinstance(ilmd, dict) or not all(":" in name for name in ilmd):
            raise Malformed("ilmd belongs to an event of action ADD only, and each of its fields needs a namespace")
    if "eventID" in event:
        uris.check_uri(event["eventID"], "eventID")
    if "recordTime" in event:
        uris.read_time(event["recordTime"], "recordTime")
    certificates = event.get("certificationInfo", [])
    for item in certificates if isinstance(certificates, list) else [certificates]:
        uris.check_uri(item, "certificationInfo")
    if "disposition" in event:
        uris.check_disposition(event["disposition"])
    offset = event.get("eventTimeZoneOffset")
    if not isinstance(offset, str) or not _OFFSET.fullmatch(offset):
        raise Malformed(f"eventTimeZoneOffset must be written as +02:00 or -06:00, not {uris.brief(offset)}")


def _check_names(holder: dict[str, Any], known: frozenset[str]) -> None:
    """Refuse a bare name that EPCIS does not know, and an EPCIS field under its long name, which would be read past."""
    for name in holder:
        if name not in known and ":" not in name:
            raise Malformed(f"{name[:60]!r} is no field of EPCIS here; take it out or give it a namespace")
        if name.startswith(("epcis:", *_OWN_NAMESPACES)):
            raise Malformed(f"{name[:60]!r} is a field of EPCIS under its long name; write it by its short name")


def _action(event: dict[str, Any]) -> str:
    action = event.get("action")
    if action not in ("OBSERVE", "ADD"):
        raise Malformed(f"an arrival has the action OBSERVE or ADD, not {uris.brief(action)}")
    return str(action)


def _parts(event: dict[str, Any]) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...], str | None]:
    """Serials, lots and the one part number of all of them."""
    singles = [uris.read_part(item) for item in _list(event, "epcList")]
    counted = [_lot(item) for item in _list(event, "quantityList")]
    named = [*singles, *(lot for lot, _ in counted)]
    if not named:
        raise Malformed("the event names no part: epcList and quantityList are empty")
    if len({(part.kind, part.cage, part.part_no) for part in named}) != 1:
        raise Malformed("the event names parts of more than one part number; send one event for each part number")
    serials, lots = [part.number for part in singles], [(lot.number, pieces) for lot, pieces in counted]
    if len(set(serials)) != len(serials) or len({lot for lot, _ in lots}) != len(lots):
        raise Malformed("the event names a serial or a lot twice; each may stand in it once")
    return tuple(serials), tuple(lots), named[0].part_no


def _lot(item: object) -> tuple[uris.EpcIdentity, int]:
    if not isinstance(item, dict) or not item.keys() <= {"epcClass", "quantity", "uom"}:
        raise Malformed("an entry of quantityList has the fields epcClass and quantity, and no others")
    if "uom" in item:
        raise Malformed(
            f"the quantity is measured in {uris.brief(item['uom'])}; an arrival counts pieces, so leave uom out"
        )
    pieces = item.get("quantity")
    if type(pieces) is not int or not 1 <= pieces <= EPCIS_LOT_PIECES_MAX:
        raise Malformed("the quantity of a lot must be a whole number of pieces, at least 1, written without a point")
    return uris.read_lot(item.get("epcClass")), pieces


def _place(event: dict[str, Any], field: str) -> str:
    place = event.get(field)
    if not isinstance(place, dict):
        raise Malformed(f"{field} must be given as an object with the id of the place")
    _check_names(place, frozenset({"id"}))
    return uris.check_place(place.get("id"), field)


def _order(event: dict[str, Any]) -> str | None:
    orders: set[str] = set()
    for item in _list(event, "bizTransactionList"):
        if not isinstance(item, dict) or not item.keys() <= {"type", "bizTransaction"}:
            raise Malformed("an entry of bizTransactionList has the fields type and bizTransaction, and no others")
        link = uris.check_uri(item.get("bizTransaction"), "bizTransaction")
        if "type" in item and uris.is_purchase_order(item["type"]):
            orders.add(uris.order_of(link))
    if len(orders) > 1:
        raise Malformed("the event names more than one purchase order; send one event for each order")
    return orders.pop() if orders else None


def _revision(event: dict[str, Any], namespaces: dict[str, str]) -> str | None:
    found: set[str] = set()
    for name, value in event.items():
        prefix, _, local = name.rpartition(":")
        if local != _REVISION:
            continue
        if prefix not in namespaces:
            raise Malformed(f"{name[:60]!r} is under a namespace that @context does not declare")
        found.add(_revision_text(value))
    if len(found) > 1:
        raise Malformed("the event names more than one drawing revision")
    return found.pop() if found else None


def _revision_text(value: object) -> str:
    if not isinstance(value, str) or not _REVISION_TEXT.fullmatch(value):
        raise Malformed(f"the drawing revision must be 1 to 32 printable ASCII signs, not {uris.brief(value)}")
    return value


def _list(event: dict[str, Any], field: str) -> list[Any]:
    value = event.get(field, [])
    if not isinstance(value, list):
        raise Malformed(f"{field} must be a list")
    return value

"""Arrivals as EPCIS events over HTTP: `POST /epcis` on the floor hub's address.

An event is material. What counts is the reader's signature over the parts and over the event's hash, so an event comes
with a signed `part.arrival`, in one of two forms:

    {"event": <EPCIS JSON>, "envelope": <DSSE>}                       application/json
    a CloudEvent, structured: `data` (or `data_base64`) is the event,
    the extension attribute `dsse` the envelope in base64             application/cloudevents+json

The event is read strictly (`holdgate.adapters.epcis`, handed in), its event hash (CBV 2.0) must be the one that was signed, and
what was signed must be what the event says: part number, revision, serials, quantity, order. Where the event is silent (EPCIS
has no field for a revision, a GIAI has no part number) the reader's signed word stands. The `id` of a CloudEvent is the event's
hash too; its other attributes are no evidence and are not compared. A reader of before event hashes signed the SHA-256 of the
event's bytes as they stand in the body: that is taken as well.

The envelope is then handed to the site, which verifies the signature and decides; the event is not kept.
Source: GS1 EPCIS 2.0; CloudEvents 1.0.2, JSON format 3; RFC 9457; foundations 6.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.law.command import ReportArrival, parse_command
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import EPCIS_ATTRIBUTE_CHARS_MAX, EPCIS_BODY_BYTES_MAX

PROBLEM_TYPE: Final = "application/problem+json"
JSON_TYPE: Final = "application/json"
CLOUDEVENT_TYPE: Final = "application/cloudevents+json"

HandIn = Callable[[bytes, str], Awaitable[Response]]
"""Hands a signed action to the site and answers as the site does. Arguments: the envelope, and where it came from."""


class Observed(Protocol):
    """What an event says was seen."""

    @property
    def part_no(self) -> str | None:
        """None where the identifiers carry none."""
        ...

    @property
    def rev(self) -> str | None:
        """None where the event says none."""
        ...

    @property
    def serials(self) -> tuple[str, ...]:
        """In the event's order."""
        ...

    @property
    def quantity(self) -> int:
        """Of all parts."""
        ...

    @property
    def order(self) -> str | None:
        """None where the event names none."""
        ...

    @property
    def event_hash(self) -> str:
        """The event's name (CBV 2.0)."""
        ...


class FieldProblem(Struct, frozen=True, kw_only=True, rename={"kind": "type"}):
    """RFC 9457, with the field that has to be mended."""

    kind: str
    title: str
    status: int
    detail: str
    field: str


class _Refused(Exception):
    """The request is refused for one field."""

    def __init__(self, field: str, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.field = field
        self.status = status


class _Body(Struct, frozen=True):
    """Either form. An event that comes bare has neither `event` nor `data`."""

    event: Raw = Raw()
    envelope: Raw = Raw()
    specversion: str = ""
    id: str = ""
    source: str = ""
    type: str = ""
    data: Raw = Raw()
    data_base64: str = ""
    dsse: str = ""


_BODY: Final = msgspec.json.Decoder(_Body)


def epcis_route(read_event: Callable[[bytes], Observed], hand_in: HandIn) -> Route:
    """The route.

    Args:
        read_event: reads an event strictly; raises Malformed.
        hand_in: hands the envelope to the site.
    """

    async def capture(request: Request) -> Response:
        try:
            came = _read(request.headers.get("content-type", ""), await request.body())
            _agree(read_event, came)
        except _Refused as refused:
            return _problem(refused)
        source = f"epcis:{request.client.host}" if request.client is not None else "epcis"
        return await hand_in(came.envelope, source)

    return Route("/epcis", capture, methods=["POST"])


def envelope_in(read_event: Callable[[bytes], Observed]) -> Callable[[bytes], bytes]:
    """What a broadcast over a broker carries: a signed envelope as it is, or a structured CloudEvent with event and envelope.

    The envelope is given; of a CloudEvent once its event was found to be the one that was signed, and to say what was signed.
    Anything that is no CloudEvent is given as it is. Raises Malformed, with the field to be mended.
    """

    def unwrap(raw: bytes) -> bytes:
        if not _is_cloudevent(raw):
            return raw
        try:
            came = _read(CLOUDEVENT_TYPE, raw)
            _agree(read_event, came)
        except _Refused as refused:
            raise Malformed(f"{refused.field}: {refused}") from None
        return came.envelope

    return unwrap


def _is_cloudevent(raw: bytes) -> bool:
    """Whether it says of itself that it is one."""
    try:
        return len(raw) <= EPCIS_BODY_BYTES_MAX and bool(_BODY.decode(raw).specversion)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return False


class _Came(Struct, frozen=True):
    """What came. `id`: of the CloudEvent; None where it is none."""

    event: bytes
    envelope: bytes
    id: str | None


def _read(kind: str, raw: bytes) -> _Came:
    """The event and the envelope, each as bytes."""
    kind = kind.partition(";")[0].strip().lower()
    if kind not in (JSON_TYPE, CLOUDEVENT_TYPE):
        raise _Refused(
            "Content-Type", f"send {JSON_TYPE} with event and envelope, or one CloudEvent as {CLOUDEVENT_TYPE}", 415
        )
    if len(raw) > EPCIS_BODY_BYTES_MAX:
        raise _Refused(
            "body", f"the body is longer than {EPCIS_BODY_BYTES_MAX} bytes; send fewer parts in one event", 413
        )
    try:
        body = _BODY.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise _Refused("body", f"the body cannot be read: {error}") from None
    event, envelope = _of_cloudevent(body) if kind == CLOUDEVENT_TYPE else (bytes(body.event), bytes(body.envelope))
    if not event and not envelope:
        event = b"{}"  # an event that came bare: what is missing is the signature
    if not envelope:
        missing = "dsse" if kind == CLOUDEVENT_TYPE else "envelope"
        raise _Refused(missing, "nobody signed this event; send it with the reader's signed part.arrival")
    if not event:
        raise _Refused("data" if kind == CLOUDEVENT_TYPE else "event", "the event itself is missing")
    return _Came(event, envelope, body.id if kind == CLOUDEVENT_TYPE else None)


def _of_cloudevent(body: _Body) -> tuple[bytes, bytes]:
    if body.specversion != "1.0":
        raise _Refused("specversion", "only CloudEvents 1.0 are read")
    for name in ("id", "source", "type"):
        if not 1 <= len(getattr(body, name)) <= EPCIS_ATTRIBUTE_CHARS_MAX:
            raise _Refused(name, f"a CloudEvent has a {name}")
    if bytes(body.data) and body.data_base64:
        raise _Refused("data_base64", "a CloudEvent carries data or data_base64, not both")
    event = _base64("data_base64", body.data_base64) if body.data_base64 else bytes(body.data)
    return event, _base64("dsse", body.dsse)


def _base64(field: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused(field, f"{field} is not base64") from None


def _agree(read_event: Callable[[bytes], Observed], came: _Came) -> None:
    """The event is sound, it is the one that was signed, and it says what was signed. Whose signature it is, the site verifies."""
    try:
        observed = read_event(came.event)
    except Malformed as error:
        raise _Refused("event", str(error)) from None
    try:
        signed = parse_command(open_envelope(came.envelope).payload)
    except Malformed as error:
        raise _Refused("envelope", str(error)) from None
    if not isinstance(signed, ReportArrival):
        raise _Refused("envelope", "the envelope holds another act; an event goes with a part.arrival")
    if signed.event not in (observed.event_hash, digest(came.event)):
        raise _Refused(
            "envelope.event", f"the reader signed the event {_shown(signed.event)}; this one is {observed.event_hash}"
        )
    if came.id not in (None, observed.event_hash):
        raise _Refused(
            "id", f"the id of the CloudEvent is its event's hash, {observed.event_hash}, not {_shown(came.id)}"
        )
    wanted: tuple[tuple[str, Any, Any], ...] = (
        ("part_no", signed.part_no, observed.part_no),
        ("rev", signed.rev, observed.rev),
        ("serials", sorted(signed.serials), sorted(observed.serials)),
        ("quantity", signed.quantity, observed.quantity),
        ("order", signed.order, observed.order),
    )
    for field, said, seen in wanted:
        if seen is not None and said != seen and not (field == "order" and said is None):
            raise _Refused(f"envelope.{field}", f"the reader signed {_shown(said)}; the event says {_shown(seen)}")


def _shown(value: object) -> str:
    """An untrusted value for a sentence."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


def _problem(refused: _Refused) -> Response:
    found = FieldProblem(
        kind="about:event-refused",
        title="The event is not taken",
        status=refused.status,
        detail=str(refused),
        field=refused.field,
    )
    return Response(msgspec.json.encode(found), status_code=refused.status, media_type=PROBLEM_TYPE)

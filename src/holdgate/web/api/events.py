"""Events over the API: a stream that says when a site's record grew, and that the site is alive."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import StreamingResponse

from holdgate.web.face import Face
from holdgate.web.operation import Call, Operation, signed_in
from holdgate.web.stream import STREAM_TYPE, Changes


class Seen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`shows`: what the page shows that listens (its `data-live`). Who was here before says so by the header `Last-Event-ID`."""

    shows: Annotated[str, Meta(pattern="^([0-9]{1,16}\\.[0-9]{1,16})?$")] = ""


class Events:
    """The event stream of one site."""

    def __init__(self, face: Face) -> None:
        self._changes = Changes(face)

    def listen(self, call: Call) -> StreamingResponse:
        """`changed` and `beat`, each with the size of the record and the site's time; what changed, one asks for."""
        return self._changes.stream(call.raw.headers.get("last-event-id") or call.asks.shows)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (Operation("GET", "/api/events", "Events", self.listen, asks=Seen, who=signed_in, media=STREAM_TYPE),)

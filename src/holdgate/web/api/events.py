"""Events over the API: a stream that says when a site's record grew, and that the site is alive."""

from collections.abc import Sequence

from starlette.responses import StreamingResponse

from holdgate.web.face import Face
from holdgate.web.operation import Call, Operation, signed_in
from holdgate.web.stream import STREAM_TYPE, Changes


class Events:
    """The event stream of one site."""

    def __init__(self, face: Face) -> None:
        self._changes = Changes(face)

    def listen(self, _: Call) -> StreamingResponse:
        """`changed` and `beat`, each with the size of the record and the site's time; what changed, one asks for."""
        return self._changes.stream()

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (Operation("GET", "/api/events", "Events", self.listen, who=signed_in, media=STREAM_TYPE),)

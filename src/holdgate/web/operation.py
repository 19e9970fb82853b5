"""Operations: the API as a table. One row says path, who may ask, what goes in and what comes out; routes and OpenAPI read it.

Inputs are structs: what is named in braces in the path, and the query. Everything is checked before a handler sees it.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdgate.terms.errors import HoldgateError, Malformed
from holdgate.web.asker import Asker
from holdgate.web.face import Face
from holdgate.web.problem import NOT_YOURS, SIGN_IN, Problem, answered, of_error

JSON_TYPE: Final = "application/json"
ENVELOPE_TYPE: Final = "application/vnd.dsse+json"

Who = Callable[[Asker], bool]


def anybody(_: Asker) -> bool:
    """No session is wanted."""
    return True


def signed_in(asker: Asker) -> bool:
    """Any person, or a workstation."""
    return asker.person is not None or asker.place is not None


def person(asker: Asker) -> bool:
    """Any person."""
    return asker.person is not None


def staff(asker: Asker) -> bool:
    """The lab's own people."""
    return asker.staff


def floor(asker: Asker) -> bool:
    """The lab's own people, and its workstations."""
    return asker.staff or (asker.person is None and asker.place is not None)


class Nothing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No parameters."""


class Call(NamedTuple):
    """One request. `asks`: its parameters; `body`: as declared, or raw bytes; `raw`: the request itself, for headers."""

    face: Face
    asker: Asker
    asks: Any
    body: Any
    raw: Request


Handler = Callable[[Call], Awaitable[Any] | Any]


class Operation(NamedTuple):
    """One row. `gives`: the struct that is answered (None: no content); `asks`: parameters; `body`: a struct, or bytes.

    `media`: what an answer is that is no JSON. `takes`: what a body of bytes is. `kinds`: which sites have it.
    """

    method: str
    path: str
    summary: str
    handle: Handler
    gives: Any = None
    asks: type[Struct] = Nothing
    body: Any = None
    who: Who = staff
    media: str = JSON_TYPE
    takes: str = ENVELOPE_TYPE
    kinds: tuple[str, ...] = ("business_hub", "floor_hub", "node")


Finds = Callable[[Request], Asker]
"""Who asks, by the request's cookies."""


def routes(face: Face, operations: Sequence[Operation], asker: Finds) -> list[Route]:
    """The routes of the operations that this kind of site has."""
    return [
        Route(row.path, _endpoint(face, row, asker), methods=[row.method])
        for row in operations
        if face.kind in row.kinds
    ]


def _endpoint(face: Face, row: Operation, find: Finds) -> Callable[[Request], Awaitable[Response]]:
    decoder = msgspec.json.Decoder(row.body) if row.body not in (None, bytes) else None

    async def endpoint(request: Request) -> Response:
        try:
            asker = find(request)
            if not row.who(asker):
                return answered(NOT_YOURS if signed_in(asker) else SIGN_IN)
            asks = _asks(row.asks, request)
            body = None if row.body is None else await _body(request, decoder)
            found = row.handle(Call(face, asker, asks, body, request))
            return _answer(row, await found if inspect.isawaitable(found) else found)
        except HoldgateError as error:
            return answered(of_error(error))

    return endpoint


def _asks(kind: type[Struct], request: Request) -> Struct:
    """The parameters of path and query.

    Raises:
        Malformed: one is unknown, given twice, or not of its kind; it is named.
    """
    given: dict[str, str] = dict(request.path_params)
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Malformed(f"the parameter {name[:40]} is given twice")
        given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"a parameter of this address cannot be read: {error}") from None


async def _body(request: Request, decoder: "msgspec.json.Decoder[Any] | None") -> Any:
    raw = await request.body()
    if decoder is None:
        return raw
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body cannot be read: {error}") from None


def _answer(row: Operation, found: Any) -> Response:
    if isinstance(found, Response):
        return found
    if isinstance(found, Problem):
        return answered(found)
    headers = {"Cache-Control": "no-store"}
    if row.gives is None:
        return Response(status_code=204, headers=headers)
    return Response(msgspec.json.encode(found), media_type=JSON_TYPE, headers=headers)

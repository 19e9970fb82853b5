"""Operations: the API as a table. One row says path, who may ask, what goes in and what comes out; routes and OpenAPI read it.

Inputs are structs: what is named in braces in the path, and the query. Everything is checked before a handler sees it.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from holdgate.crypto.envelope import PAYLOAD_TYPE
from holdgate.terms.errors import HoldgateError, Malformed
from holdgate.terms.limits import SUBMISSION_HEAD_BYTES_MAX
from holdgate.web.asker import WORKSTATION, Asker
from holdgate.web.face import Face
from holdgate.web.grammar import plainly
from holdgate.web.problem import (
    ELSEWHERE,
    NOT_YOURS,
    SIGN_IN,
    Problem,
    answered,
    missing,
    not_taken,
    of_error,
    too_long,
)

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


def at_device(asker: Asker) -> bool:
    """A browser that is an enrolled device, whoever sits at it."""
    return asker.place is not None


def at_workstation(asker: Asker) -> bool:
    """A browser that is an enrolled workstation, whoever sits at it."""
    return asker.place is not None and WORKSTATION in asker.place.roles


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

    `media`: what an answer is that is no JSON, `others`: what it may be too. `takes`: what a body of bytes is, and `payload` what
    its envelope holds; `beside`: the struct that may come in its place. `most`: bytes of a body. `kinds`: which sites have it.
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
    payload: str = PAYLOAD_TYPE
    beside: type[Struct] | None = None
    others: tuple[str, ...] = ()
    most: int = SUBMISSION_HEAD_BYTES_MAX
    kinds: tuple[str, ...] = ("business_hub", "floor_hub", "node")


Finds = Callable[[Request], Asker]
"""Who asks, by the request's cookies."""


def routes(face: Face, operations: Sequence[Operation], asker: Finds) -> list[Route]:
    """The routes of the operations that this kind of site has: one for each address."""
    addresses: dict[str, dict[str, _Endpoint]] = {}
    for row in operations:
        if face.kind in row.kinds:
            addresses.setdefault(row.path, {})[row.method] = _endpoint(face, row, asker)
    return [Route(path, _Address(endpoints)) for path, endpoints in addresses.items()]


_Endpoint = Callable[[Request], Awaitable[Response]]


class _Address:
    """An address of the API: by its method, a request finds its operation; another method hears which ones there are."""

    def __init__(self, endpoints: dict[str, _Endpoint]) -> None:
        self._endpoints = {**endpoints, **({"HEAD": endpoints["GET"]} if "GET" in endpoints else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        endpoint = self._endpoints.get(request.method)
        response = not_taken(self._endpoints) if endpoint is None else await endpoint(request)
        await response(scope, receive, send)


class Elsewhere(BaseRoute):
    """Every other address of the API: a program hears in the API's own form that there is no such thing here."""

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a path lies below /api, whatever its characters are."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        return (Match.FULL if scope["type"] == "http" and path.startswith("/api/") else Match.NONE), {}

    @override
    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """It has no address of its own."""
        raise NoMatchFound(name, path_params)

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await answered(missing("the API's document, /api/openapi.json, lists every address"))(scope, receive, send)


_ANOTHER: Final = frozenset({"cross-site", "same-site"})
"""What a browser says of a request that a page of another origin made (W3C Fetch Metadata); programs say nothing."""


def _endpoint(face: Face, row: Operation, find: Finds) -> _Endpoint:
    decoder = msgspec.json.Decoder(row.body) if row.body not in (None, bytes) else None

    async def endpoint(request: Request) -> Response:
        try:
            if row.method != "GET" and request.headers.get("sec-fetch-site") in _ANOTHER:
                return answered(ELSEWHERE)
            asker = find(request)
            if not row.who(asker):
                return answered(NOT_YOURS if signed_in(asker) else SIGN_IN)
            asks = _asks(row.asks, request)
            raw = b"" if row.body is None else await request.body()
            if len(raw) > row.most:
                return answered(too_long(row.most))
            body = None if row.body is None else _body(raw, decoder)
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
        raise Malformed(f"a parameter of this address cannot be read: {plainly(error)}") from None


def _body(raw: bytes, decoder: "msgspec.json.Decoder[Any] | None") -> Any:
    if decoder is None:
        return raw
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body cannot be read: {plainly(error)}") from None


def _answer(row: Operation, found: Any) -> Response:
    if isinstance(found, Response):
        return found
    if isinstance(found, Problem):
        return answered(found)
    headers = {"Cache-Control": "no-store"}
    if row.gives is None:
        return Response(status_code=204, headers=headers)
    return Response(msgspec.json.encode(found), media_type=JSON_TYPE, headers=headers)

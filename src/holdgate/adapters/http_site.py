"""A site's address on the network: hand in a signed action, ask how the site stands. ASGI, by Starlette.

Nothing here decides anything and nobody is logged in: what counts is the envelope's own signatures. An action is answered once
its entry is durable, with the decision and a receipt; a denial is an answer, not an error.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from holdgate.engine.answer import LOCAL, REPLICATED
from holdgate.law.case import Pin
from holdgate.sites.reply import Submits, problem_of, reply_of
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.limits import BLOB_BYTES_MAX, ENVELOPE_BYTES_MAX, PINS_MAX

ENVELOPE_TYPE: Final = "application/vnd.dsse+json"
PROBLEM_TYPE: Final = "application/problem+json"
JSON_TYPE: Final = "application/json"
BODY_BYTES_MAX: Final = 2 * ENVELOPE_BYTES_MAX + PINS_MAX * BLOB_BYTES_MAX * 4 // 3
"""The largest body that is taken: an envelope with documents beside it, in base64."""

Handler = Callable[[Request], Awaitable[Response]]


class _Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An envelope with documents beside it. `documents`: content by SHA-256 (hex)."""

    envelope: msgspec.Raw
    documents: dict[str, bytes] = {}


_SUBMISSION: Final = msgspec.json.Decoder(_Submission)


def site_app(site: Submits, status: Callable[[], Struct], more: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI application of a deciding site.

    Args:
        site: takes the actions.
        status: how the site stands now.
        more: further routes of the same process.
    """

    async def act(request: Request) -> Response:
        raw, pins = _read(request.headers.get("content-type", ""), await request.body())
        source = f"http:{request.client.host}" if request.client is not None else "http"
        kept = request.query_params.get("kept", LOCAL)
        if kept not in (LOCAL, REPLICATED):
            raise Malformed(f"an answer is waited for until its entry is {LOCAL} or {REPLICATED}, not {kept[:40]!r}")
        submit = site.submit_replicated if kept == REPLICATED else site.deliver
        return _json(reply_of(site, await submit(raw, pins, source)))

    async def show(_: Request) -> Response:
        return _json(status())

    routes = [
        Route("/actions", _guarded(act), methods=["POST"]),
        Route("/status", _guarded(show), methods=["GET"]),
        *more,
    ]
    return Starlette(routes=routes)


def handing_in(site: Submits) -> Callable[[bytes, str], Awaitable[Response]]:
    """How another route of this process hands in a signed action: answered as one that came to /actions.

    The two arguments are the envelope and where it came from, in the route's words.
    """

    async def hand_in(raw: bytes, source: str) -> Response:
        return _json(reply_of(site, await site.deliver(raw, (), source)))

    async def answered(raw: bytes, source: str) -> Response:
        return await _or_problem(hand_in(raw, source))

    return answered


def status_app(status: Callable[[], Struct], more: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI application of what takes no actions: it only tells how it stands."""

    async def show(_: Request) -> Response:
        return _json(status())

    return Starlette(routes=[Route("/status", _guarded(show), methods=["GET"]), *more])


def standby_app(status: Callable[[], Struct], why: str) -> Starlette:
    """The ASGI application of what does not decide at the moment: whoever hands something in is told to ask again.

    `why`: in words, and where to ask.
    """

    async def show(_: Request) -> Response:
        return _json(status())

    async def refuse(_: Request) -> Response:
        raise Unavailable(why)

    methods = ["GET", "POST"]
    return Starlette(
        routes=[
            Route("/status", _guarded(show), methods=["GET"]),
            Route("/{rest:path}", _guarded(refuse), methods=methods),
        ]
    )


class Changing:
    """An ASGI application that is another one from time to time: `now` says which."""

    def __init__(self, now: Callable[[], ASGIApp]) -> None:
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request by the application of this moment."""
        await self._now()(scope, receive, send)


def index_app(apps: Mapping[str, ASGIApp], more: Sequence[BaseRoute] = (), page: Handler | None = None) -> Starlette:
    """Several applications as one: each under /NAME.

    At / their names; or, for browsers, the `page`. `more`: further routes above the applications.
    """

    async def show(request: Request) -> Response:
        if page is not None and "text/html" in request.headers.get("accept", ""):
            return await page(request)
        return _json(tuple(apps))

    return Starlette(
        routes=[*more, Route("/", show, methods=["GET"]), *(Mount(f"/{name}", app) for name, app in apps.items())]
    )


def _read(kind: str, body: bytes) -> tuple[bytes, tuple[Pin, ...]]:
    """An envelope as it is, or in a JSON object with the documents beside it.

    Raises:
        Malformed: it is neither.
    """
    if kind.partition(";")[0].strip() != JSON_TYPE:
        return body, ()
    try:
        submission = _SUBMISSION.decode(body)
    except msgspec.MsgspecError as error:
        raise Malformed(f"send an envelope as {ENVELOPE_TYPE}, or {{envelope, documents}} as JSON: {error}") from None
    if len(submission.documents) > PINS_MAX:
        raise Malformed(f"at most {PINS_MAX} documents go beside an action")
    pins = tuple(Pin(sha256=name, content=content) for name, content in submission.documents.items())
    return bytes(submission.envelope), pins


def _guarded(handler: Handler) -> Handler:
    """A handler whose errors are answered as problems."""

    async def guarded(request: Request) -> Response:
        return await _or_problem(handler(request))

    return guarded


async def _or_problem(answer: Awaitable[Response]) -> Response:
    try:
        return await answer
    except HoldgateError as error:
        found = problem_of(error)
        return Response(msgspec.json.encode(found), status_code=found.status, media_type=PROBLEM_TYPE)


def _json(found: Struct | tuple[str, ...]) -> Response:
    return Response(msgspec.json.encode(found), media_type=JSON_TYPE, headers={"Cache-Control": "no-store"})

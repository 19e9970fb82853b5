"""A site's address on the network: hand in a signed action, ask how the site stands. ASGI, by Starlette.

Nothing here decides anything and nobody is logged in: what counts is the envelope's own signatures. An action is answered once
its entry is durable, with the decision and a receipt; a denial is an answer, not an error.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from holdgate.engine.answer import LOCAL, REPLICATED
from holdgate.law.case import Pin
from holdgate.sites.reply import Reply, Submits, problem_of, reply_of
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.limits import PINS_MAX

ENVELOPE_TYPE: Final = "application/vnd.dsse+json"
PROBLEM_TYPE: Final = "application/problem+json"
JSON_TYPE: Final = "application/json"

_REPLY: Final = ((b"content-type", JSON_TYPE.encode()), (b"cache-control", b"no-store"))

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

    async def show(_: Request) -> Response:
        return _json(status())

    act = _Act(site)
    routes = [
        Route("/actions", act, methods=["POST"]),
        Route("/status", _guarded(show), methods=["GET"]),
        *more,
    ]
    return _SiteApp(act, routes)


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


class Only:
    """An application of which some paths are shown, and what lies under them; everything else is not there.

    Paths with a `.` or `..` in them, or with nothing between two slashes, are not there either: nobody has to agree on what
    they mean.
    """

    def __init__(self, app: ASGIApp, paths: Sequence[str]) -> None:
        self._app = app
        self._paths = tuple(path.rstrip("/") for path in paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, if it is for one of the paths."""
        if scope["type"] == "http" and self._shows(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await Response(b"there is no such thing here\n", 404, media_type="text/plain")(scope, receive, send)

    def _shows(self, path: str) -> bool:
        if any(part in (".", "..", "") for part in path.removesuffix("/").split("/")[1:]) or "\\" in path:
            return False
        return any(path == shown or path.startswith(f"{shown}/") for shown in self._paths)


def index_app(apps: Mapping[str, ASGIApp], more: Sequence[BaseRoute] = (), page: Handler | None = None) -> Starlette:
    """Several applications as one: each under /NAME.

    At / their names; or, for browsers, the `page`. `more`: further routes above the applications.
    """

    async def show(request: Request) -> Response:
        if page is not None and "text/html" in request.headers.get("accept", ""):
            return await page(request)
        return _json(tuple(apps))

    mounts = (Mount(f"/{name}", app) for name, app in apps.items())
    return _IndexApp(apps, [*more, Route("/", show, methods=["GET"]), *mounts])


class _Act:
    """`POST /actions`, without what a page needs: it is what a site is asked for most."""

    def __init__(self, site: Submits) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one submission."""
        try:
            body = msgspec.json.encode(await self._reply(scope, receive))
        except HoldgateError as error:
            await _problem(error)(scope, receive, send)
            return
        headers = [*_REPLY, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        raw, pins = _read(kind.decode("latin-1"), await _body(receive))
        client = scope.get("client")
        source = "http" if client is None else f"http:{client[0]}"
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("kept") if scope["query_string"] else None
        kept = LOCAL if asked is None else asked[-1]
        if kept not in (LOCAL, REPLICATED):
            raise Malformed(f"an answer is waited for until its entry is {LOCAL} or {REPLICATED}, not {kept[:40]!r}")
        submit = self._site.submit_replicated if kept == REPLICATED else self._site.deliver
        return reply_of(self._site, await submit(raw, pins, source))


async def _body(receive: Receive) -> bytes:
    """All of a request's body.

    Raises:
        Malformed: the client went away before its end.
    """
    whole: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Malformed("the request ended before its end")
        whole += message.get("body", b"")
        if not message.get("more_body", False):
            return whole


class _SiteApp(Starlette):
    """Starlette, and a signed action's way past its routing."""

    def __init__(self, act: _Act, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes=routes)
        self._act = act

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and _path_of(scope) == "/actions":
            await self._act(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _IndexApp(Starlette):
    """Starlette, and the way past its routing to each application under its name."""

    def __init__(self, apps: Mapping[str, ASGIApp], routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes=routes)
        self._apps = {f"/{name}": app for name, app in apps.items()}

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path_of(scope) if scope["type"] == "http" else ""
        name = path[: path.find("/", 1)]
        app = self._apps.get(name)
        if app is None:
            await super().__call__(scope, receive, send)
        else:
            await app({**scope, "root_path": scope.get("root_path", "") + name}, receive, send)


def _path_of(scope: Scope) -> str:
    """The path below where the application is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _read(kind: str, body: bytes) -> tuple[bytes, tuple[Pin, ...]]:
    """An envelope as it is, or in a JSON object with the documents beside it.

    Raises:
        Malformed: it is neither.
    """
    if kind.partition(";")[0].strip() != JSON_TYPE:
        return body, ()
    try:
        submission = _SUBMISSION.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
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
        return _problem(error)


def _problem(error: HoldgateError) -> Response:
    found = problem_of(error)
    return Response(msgspec.json.encode(found), status_code=found.status, media_type=PROBLEM_TYPE)


def _json(found: Struct | tuple[str, ...]) -> Response:
    return Response(msgspec.json.encode(found), media_type=JSON_TYPE, headers={"Cache-Control": "no-store"})

"""Serving an ASGI application on hypercorn, within the running event loop, with deadlines and caps of our own.

| what | limit |
| --- | --- |
| from the connection, or the answer before, to the end of the headers | `header_s`, however the bytes drip |
| bytes of headers | `header_bytes`: 431 |
| from the end of the headers to the end of the body | `body_s`, however the bytes drip: 408 |
| bytes of the body | `body_bytes`: 413 |
| from there to the end of the answer | `answer_s`: cut off |
| a reader that takes nothing | `answer_s`: cut off by the kernel |
| requests that have come whole, at once | `at_once`: 503 |

The application gets no lifespan, no websocket and no server state: HTTP requests and nothing else.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

import hypercorn.asyncio
from hypercorn.config import Config
from msgspec import Struct

from holdgate.terms.errors import Unavailable

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
LOOPBACK: Final = "127.0.0.1"


class Limits(Struct, frozen=True, kw_only=True):
    """Deadlines in seconds, caps in bytes."""

    header_s: float = 10.0
    body_s: float = 10.0
    answer_s: float = 30.0
    header_bytes: int = 16_384
    body_bytes: int = 1_048_576
    at_once: int = 64


class _TooSlow(Exception):
    """The body did not come in time."""


class _TooMuch(Exception):
    """The body is longer than the cap."""


class Bounded:
    """An ASGI application within limits."""

    def __init__(self, app: Application, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; other kinds of scopes are turned away."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._limits.header_bytes:
            await _say(send, 431, b"the headers are too long\n")
            return
        await self._within(scope, receive, send)

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._body(receive)
        except _TooSlow:
            await _say(send, 408, b"the request did not come in time\n")
            return
        except _TooMuch:
            await _say(send, 413, b"the request is too long\n")
            return
        if body is None:
            return
        if self._running >= self._limits.at_once:
            await _say(send, 503, b"too many requests at once\n")
            return
        self._running += 1
        try:
            await self._answer(scope, _Replayed(body, receive), send)
        finally:
            self._running -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's answer, in time; nothing of the server's own state goes to it."""
        answer = _Answer(send)
        bare = {key: value for key, value in scope.items() if key not in ("state", "extensions")}
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await self._app(bare, receive, answer)
        except TimeoutError:
            if not answer.begun:
                await _say(send, 503, b"the answer took too long\n")

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None where the client went away.

        Raises:
            _TooSlow, _TooMuch: beyond the limits.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self._limits.body_bytes:
                        raise _TooMuch
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise _TooSlow from None


class _Answer:
    """Sends, and knows whether the answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


class _Replayed:
    """Gives the application the body that was read, and then what really comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()


async def _say(send: Send, status: int, sentence: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(sentence)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence})


def listen(host: str, port: int, answer_s: float = Limits().answer_s) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        Unavailable: the address cannot be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # inherited by connections: data that nobody takes ends them
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(answer_s * 1000))
        sock.bind((host, port))
        sock.listen(128)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise Unavailable(f"{host}:{port} cannot be listened on: {error.strerror or error}") from error
    return sock


@asynccontextmanager
async def serving(
    app: Application, host: str = LOOPBACK, port: int = 0, limits: Limits | None = None
) -> AsyncIterator[int]:
    """Serve the application until the block is left; gives the port. Requests under way get a second to end.

    Raises:
        Unavailable: the address cannot be taken.
    """
    limits = limits or Limits()
    sock = listen(host, port, limits.answer_s)
    number = int(sock.getsockname()[1])
    stop = asyncio.Event()
    bounded: Any = Bounded(app, limits)  # hypercorn types every message by itself
    task = asyncio.create_task(
        hypercorn.asyncio.serve(bounded, _config(sock, limits), shutdown_trigger=stop.wait, mode="asgi")
    )
    try:
        yield number
    finally:
        stop.set()
        await _ended(task)


async def _ended(task: asyncio.Task[None]) -> None:
    """Wait for the server's end. Where requests outlast their grace, hypercorn ends in a cancellation of its own."""
    await asyncio.wait([task])
    with contextlib.suppress(asyncio.CancelledError):
        task.result()


def _config(sock: socket.socket, limits: Limits) -> Config:
    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.accesslog = None
    config.loglevel = "ERROR"
    config.include_server_header = False
    config.keep_alive_timeout = limits.header_s  # counted from the connection, or the last answer, to whole headers
    config.h11_max_incomplete_size = limits.header_bytes
    config.max_app_queue_size = 4
    config.graceful_timeout = 1.0
    return config

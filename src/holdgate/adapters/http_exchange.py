"""One request and its answer: the application's side of it (ASGI), framed as HTTP/1.1 on the way out."""

import asyncio
import logging
import re
from http import HTTPStatus
from typing import Final, Protocol

from holdgate.adapters.http_limits import RETRY_S, Load, Message, Scope

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_STREAM: Final = b"text/event-stream"
_OURS: Final = frozenset({b"connection", b"date", b"server", b"transfer-encoding", b"keep-alive", b"upgrade"})
_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_log: Final = logging.getLogger(__name__)


class ClientGone(ConnectionError):
    """Nobody takes the answer any more."""


class Wire(Protocol):
    """The connection, as an answer sees it."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    async def drained(self) -> None:
        """Wait until the reader has taken enough."""

    def cut(self) -> None:
        """End at once; what was not sent is lost."""

    def finished(self, exchange: "Exchange") -> None:
        """The application is done with this one."""

    def streams(self, exchange: "Exchange") -> None:
        """The answer turned out to be an event stream."""


def answer(load: Load, status: int, body: bytes, *, close: bool) -> bytes:
    """A whole answer of the server's own, in words."""
    return b"".join(
        (
            _line(status),
            load.standing(),
            b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(body),
            b"retry-after: %d\r\n" % RETRY_S if status == 503 else b"",
            b"connection: close\r\n\r\n" if close else b"\r\n",
            body,
        )
    )


def _line(status: int) -> bytes:
    return _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


class Exchange:
    """One request on its way through the application.

    `task` is set while it runs. `streaming`: it counts among the event streams; `counted`: among the requests. `begun`: bytes of
    the answer are out. `kept`: the connection may serve another one after it.
    """

    __slots__ = (
        "_body",
        "_chunked",
        "_gone",
        "_head",
        "_left",
        "_load",
        "_silent",
        "_since_rest",
        "_wire",
        "begun",
        "complete",
        "counted",
        "kept",
        "lost",
        "scope",
        "size",
        "streaming",
        "task",
    )

    def __init__(self, wire: Wire, load: Load, scope: Scope, body: bytes, *, kept: bool) -> None:
        self._wire = wire
        self._load = load
        self._body: bytes | None = body
        self._gone: asyncio.Event | None = None
        self._head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._chunked = False
        self._silent = scope["method"] == "HEAD"
        self._left: int | None = None
        self._since_rest = 0
        self.scope = scope
        self.size = len(body)
        self.kept = kept
        self.begun = self.complete = self.lost = self.streaming = self.counted = False
        self.task: asyncio.Task[None] | None = None

    @property
    def asks_for_events(self) -> bool:
        """Whether the client wants an event stream. All screens come back at once after a restart, so they are counted apart."""
        return any(name == b"accept" and value.lower().startswith(_STREAM) for name, value in self.scope["headers"])

    async def run(self) -> None:
        """The application's answer."""
        try:
            await self._load.app(self.scope, self.receive, self.send)
            if not self.complete and not self.lost:
                raise RuntimeError("the application ended before its answer did")
        except asyncio.CancelledError:
            if not self.complete and not self.lost:
                self._wire.cut()
        except Exception:  # noqa: BLE001  # whatever it was, this request alone is spoiled
            if not self.complete and not self.lost:
                _log.exception("%s failed", self.scope["path"])
                self._spoiled()
        finally:
            self._wire.finished(self)

    async def turn_away(self, after_s: float) -> None:
        """Tell the client, a moment later, that there is no room for its request. What came of it is let go at once."""
        self._body = None
        try:
            await asyncio.sleep(after_s)
            if not self.lost:
                self.begun = self.complete = True
                said = b"" if self._silent else b"too many requests at once\n"
                self._wire.write(answer(self._load, 503, said, close=not self.kept))
        finally:
            self._wire.finished(self)

    def leave(self) -> None:
        """Nobody takes the answer any more. What has not begun to answer goes on to its end: an act may be under way."""
        self.lost = True
        if self._gone is not None:
            self._gone.set()
        if self.begun and self.task is not None:
            self.task.cancel()

    def give_up(self) -> None:
        """The answer's time is over."""
        if not self.begun and not self.lost:
            self.refuse(503, b"the answer took too long\n")
        elif not self.complete:
            self._wire.cut()
        self.lost = True
        if self.task is not None:
            self.task.cancel()

    def refuse(self, status: int, body: bytes) -> None:
        """Answer in the server's words, and end the connection after it."""
        self.begun = self.complete = True
        self.kept = False
        self._wire.write(answer(self._load, status, b"" if self._silent else body, close=True))

    def _spoiled(self) -> None:
        if self.begun:
            self._wire.cut()
        else:
            self.refuse(500, b"this could not be answered\n")

    # ---- ASGI ------------------------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """The body, whole; and later that the client is gone."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.lost and not self.complete:
            self._gone = self._gone or asyncio.Event()
            await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A part of the answer.

        Raises:
            ClientGone: nobody takes it. RuntimeError: it is no answer in HTTP.
        """
        if self.lost:
            raise ClientGone("the client is gone")
        if message["type"] == "http.response.start":
            if self._head is not None:
                raise RuntimeError("an answer begins once")
            self._start(message["status"], [(bytes(n).lower(), bytes(v)) for n, v in message.get("headers", ())])
            return
        if self._head is None or self.complete or message["type"] != "http.response.body":
            raise RuntimeError(f"{message['type']} has no place here")
        body, more = message.get("body", b""), message.get("more_body", False)
        self._write(bytes(body), more=more)
        self._since_rest += len(body)
        await self._wire.drained()
        if more and self._since_rest > self._load.limits.unsent_bytes:
            self._since_rest = 0
            await asyncio.sleep(0)  # a reader that keeps up is no reason to keep others waiting

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
                raise RuntimeError(f"the header {name[:40]!r} would be read as something else")
        self._head = status, headers
        if any(name == b"content-type" and value.lower().startswith(_STREAM) for name, value in headers):
            if not self.streaming and self._load.streams >= self._load.limits.streams:
                self.refuse(503, b"too many screens are being kept up to date; ask again\n")
                raise ClientGone("there are too many event streams")
            self._wire.streams(self)
            self._wire.write(self._framed(status, headers, None))

    def _framed(self, status: int, headers: list[tuple[bytes, bytes]], whole: int | None) -> bytes:
        """The answer's head. `whole`: the length of the body, where all of it is known."""
        self.begun = True
        lines = [_line(status), self._load.standing()]
        bodiless = status in (204, 304) or status < 200
        for name, value in headers:
            if name == b"connection" and b"close" in value.lower():
                self.kept = False
            if name == b"content-length":
                self._left = int(value)
            if name not in _OURS and not (bodiless and name == b"content-length" and status != 304):
                lines.append(b"%s: %s\r\n" % (name, value))
        if status == 503 and all(name != b"retry-after" for name, _ in headers):
            lines.append(b"retry-after: %d\r\n" % RETRY_S)
        if bodiless:
            self._silent = True
        elif self._left is None and whole is not None:
            self._left = whole
            lines.append(b"content-length: %d\r\n" % whole)
        elif self._left is None and not self._silent:
            self._chunked = self.scope["http_version"] == "1.1"
            self.kept = self.kept and self._chunked
            lines.append(b"transfer-encoding: chunked\r\n" if self._chunked else b"")
        lines.append(b"\r\n" if self.kept else b"connection: close\r\n\r\n")
        return b"".join(lines)

    def _write(self, body: bytes, *, more: bool) -> None:
        head = b""
        if not self.begun and self._head is not None:
            head = self._framed(*self._head, None if more else len(body))
        if self._silent:
            body = b""
        elif self._chunked:
            body = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            body += b"" if more else b"0\r\n\r\n"
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("the answer is not as long as it says")
        if head or body:
            self._wire.write(head + body)
        self.complete = not more

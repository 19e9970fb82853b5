"""One connection: reads requests (llhttp, by httptools), has them answered one after the other, keeps every deadline.

A request goes to the application when all of it is here. While one is answered the next may be read, and then nothing more:
who sends faster than he is answered is slowed down by TCP. Deadlines are looked at a few times a second, all in `look`.
"""

import asyncio
import enum
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, Final, NoReturn, cast

import httptools
from typing_extensions import override

from holdgate.adapters.http_exchange import Exchange, answer
from holdgate.adapters.http_head import Head, Headers, Refused, read_head
from holdgate.adapters.http_limits import Load

LINGER_S: Final = 1.0
"""How long somebody who was refused is still listened to, so that he reads why before the connection is reset."""


class Stage(enum.Enum):
    """What is read at the moment."""

    HEAD = enum.auto()
    BODY = enum.auto()
    NOTHING = enum.auto()


class Connection(asyncio.Protocol):
    """A client's connection, from its acceptance to its end."""

    def __init__(self, load: Load, address: str, on_lost: Callable[[], None]) -> None:
        self._load = load
        self._limits = load.limits
        self._client = address
        self._on_lost = on_lost
        self._parser: Any = httptools.HttpRequestParser(self)
        self._stage = Stage.HEAD
        self._exchange: Exchange | None = None
        self._line: deque[Exchange | Refused] = deque()
        self._refused: Refused | None = None
        self._drained: asyncio.Future[None] | None = None
        self._closed = self._lingers = self._flushing = self._cut_short = False
        self._read_due = self._answer_due = self._stalled_due = inf
        self._waits_since = 0.0
        self._fresh()

    def _fresh(self) -> None:
        """Nothing of the next request is here."""
        self._target = bytearray()
        self._headers: Headers = []
        self._head: Head | None = None
        self._body = bytearray()
        self._head_bytes = self._raw_bytes = 0
        self._begun = False

    # ---- the transport ---------------------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._limits.unsent_bytes, low=0)
        client, server = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._scope_of = {
            "scheme": "https" if self._load.secure else "http",
            "client": (client[0], client[1]) if isinstance(client, tuple) else None,
            "server": (server[0], server[1]) if isinstance(server, tuple) else None,
        }
        self._load.comes(self)
        self._wait()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._stage = Stage.NOTHING
        self._on_lost()
        self._load.held -= len(self._body) + sum(one.size for one in self._line if isinstance(one, Exchange))
        self._body.clear()
        self._line.clear()
        self._parser = None  # it refers to this connection
        self._read_due = inf
        self._flushing = False
        self._resume()
        if self._exchange is None:
            self._load.goes(self)
        else:
            self._exchange.leave()

    @override
    def pause_writing(self) -> None:
        self._stalled_due = self._load.loop.time() + self._limits.answer_s
        self._drained = self._drained or self._load.loop.create_future()

    @override
    def resume_writing(self) -> None:
        self._resume()

    def _resume(self) -> None:
        self._stalled_due = inf
        waiting, self._drained = self._drained, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    # ---- reading ---------------------------------------------------------------------------------------------------

    @override
    def data_received(self, data: bytes) -> None:
        while data and not self._deaf:
            request = self._headers if self._stage is Stage.HEAD and self._begun else None
            rest = b""
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._parser = httptools.HttpRequestParser(self)  # an offer that is not taken up: HTTP/1.1 goes on
                rest = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                if not self._deaf:
                    self._refuse(self._refused or Refused(400, "this is no request of HTTP"))
                return
            if request is self._headers and self._stage is Stage.HEAD:  # the same head, and still not whole
                self._raw_bytes += len(data)
                if self._raw_bytes > self._limits.header_bytes:
                    self._refuse(Refused(431, "the headers are too long"))
            data = rest

    @property
    def _deaf(self) -> bool:
        """Whether nothing more is read from this connection."""
        return self._stage is Stage.NOTHING

    def on_message_begin(self) -> None:
        """A request begins (httptools)."""
        self._begun = True

    def on_url(self, part: bytes) -> None:
        """A part of the target (httptools)."""
        self._target += part
        self._counted(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or one that comes after the body and is left aside (httptools)."""
        self._counted(len(name) + len(value) + 4)
        if self._head is None:
            self._headers.append((name.lower(), value.strip(b" \t")))
            if len(self._headers) > self._limits.headers:
                self._stop(Refused(431, "there are too many headers"))

    def _counted(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.header_bytes:
            self._stop(Refused(431, "the headers are too long"))

    def on_headers_complete(self) -> None:
        """The headers are whole (httptools)."""
        parser = self._parser
        try:
            head = read_head(
                parser.get_method().decode("ascii"), parser.get_http_version(), bytes(self._target), self._headers
            )
            if head.length is not None and head.length > self._limits.body_bytes:
                raise Refused(413, f"the request is too long; at most {self._limits.body_bytes} bytes are taken")
        except Refused as refused:
            self._stop(refused)
        self._head = head
        self._head_bytes = 0
        self._stage = Stage.BODY
        self._read_due = self._load.loop.time() + self._limits.body_s
        if head.waits and head.length != 0 and self._exchange is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        """A part of the body (httptools)."""
        if len(self._body) + len(part) > self._limits.body_bytes:
            self._stop(Refused(413, f"the request is too long; at most {self._limits.body_bytes} bytes are taken"))
        if self._load.held + len(part) > self._limits.held_bytes:
            self._stop(Refused(503, "too many long requests at once"))
        self._body += part
        self._load.held += len(part)

    def on_message_complete(self) -> None:
        """A request is whole (httptools)."""
        head, limits = cast("Head", self._head), self._limits
        head.scope.update(self._scope_of)
        kept = head.scope["http_version"] == "1.1" and self._parser.should_keep_alive() and not self._load.ending
        exchange = Exchange(self, self._load, head.scope, bytes(self._body), kept=kept)
        self._fresh()
        self._stage = Stage.HEAD
        self._read_due = inf
        if self._exchange is None and not self._line:
            self._begin(exchange)
        else:
            self._cut_short = len(self._line) + 1 >= limits.pipelined
            exchange.kept = kept and not self._cut_short
            self._line.append(exchange)
            self._transport.pause_reading()
        if not exchange.kept:
            self._stage = Stage.NOTHING
            raise _Enough

    def _stop(self, refused: Refused) -> NoReturn:
        """Leave the parser."""
        self._refused = refused
        raise refused

    # ---- answering -------------------------------------------------------------------------------------------------

    def _begin(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._flushing = False
        self._answer_due = self._load.loop.time() + self._limits.answer_s
        load, limits = self._load, self._limits
        exchange.streaming = exchange.asks_for_events and load.streams < limits.streams
        load.streams += exchange.streaming
        exchange.counted = not exchange.asks_for_events and load.begins(self._client)
        if exchange.streaming or exchange.counted:
            work = exchange.run()
        else:
            load.held -= exchange.size
            exchange.size = 0
            work = exchange.turn_away(limits.turned_away_s)
        exchange.task = load.loop.create_task(work)
        load.tasks.add(exchange.task)
        exchange.task.add_done_callback(load.tasks.discard)

    def streams(self, exchange: Exchange) -> None:
        """The answer is an event stream: it lasts, and no longer counts among the requests."""
        if not exchange.streaming:
            self._uncounted(exchange)
            exchange.streaming = True
            self._load.streams += 1
        self._answer_due = inf

    def finished(self, exchange: Exchange) -> None:
        """The application is done with a request."""
        if exchange.streaming:
            self._load.streams -= 1
        self._uncounted(exchange)
        self._ended(exchange)

    def _uncounted(self, exchange: Exchange) -> None:
        if exchange.counted:
            exchange.counted = False
            self._load.ends(self._client)

    def _ended(self, exchange: Exchange) -> None:
        self._load.held -= exchange.size
        self._exchange = None
        if self._closed:
            self._load.goes(self)
        elif not exchange.kept or self._load.ending:
            self._close()
        elif self._line:
            self._next()
        else:
            self._flushing = self._transport.get_write_buffer_size() > 0
            if not self._flushing:
                self._wait()

    def _next(self) -> None:
        following = self._line.popleft()
        if isinstance(following, Refused):
            self._refuse(following)
            return
        if not self._line and self._stage is not Stage.NOTHING:
            self._transport.resume_reading()
        self._begin(following)

    def _wait(self) -> None:
        """The next request may come."""
        self._answer_due = inf
        self._waits_since = self._load.loop.time()
        if self._stage is Stage.HEAD:
            self._read_due = self._waits_since + self._limits.header_s

    def _refuse(self, refused: Refused) -> None:
        """Say why, once what came before is answered; then listen for a moment, and end."""
        self._stage = Stage.NOTHING
        self._read_due = inf
        self._load.held -= len(self._body)
        self._body.clear()
        if self._exchange is not None or self._line:
            self._line.append(refused)
            return
        self._transport.write(answer(self._load, refused.status, refused.body, close=True))
        self._linger()

    def _linger(self) -> None:
        """Nothing more is said; what still comes is taken and thrown away, for a moment."""
        self._answer_due = inf
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._lingers = True
        self._read_due = self._load.loop.time() + LINGER_S

    def _close(self) -> None:
        self._stage = Stage.NOTHING
        self._answer_due = self._load.loop.time() + self._limits.answer_s
        self._read_due = inf
        if self._cut_short:
            self._linger()
        else:
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if not self._closed:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the reader has taken what was sent, where that is much."""
        if self._drained is not None:
            await self._drained

    def cut(self) -> None:
        """End at once."""
        if not self._closed:
            self._transport.abort()

    # ---- what the server asks --------------------------------------------------------------------------------------

    @property
    def idle_since(self) -> float | None:
        """Since when it waits for a request; None while it has one, or is ended."""
        busy = self._exchange is not None or bool(self._line) or self._stage is not Stage.HEAD
        return None if busy or self._closed else self._waits_since

    def make_room(self) -> None:
        """End, because others want the place."""
        self._stage = Stage.NOTHING
        self._transport.abort()

    def end(self) -> None:
        """The server ends: after what is being answered, streams at once."""
        if self._exchange is None and not self._line:
            self._transport.close()
        elif self._exchange is not None and self._exchange.streaming:
            self.cut()

    def look(self, now: float) -> None:
        """Cut off what is beyond its deadline."""
        if self._flushing and self._transport.get_write_buffer_size() == 0:
            self._flushing = False
            self._wait()
        if now >= self._stalled_due:
            self.cut()
        if now >= self._answer_due:
            self._answer_due = now + self._limits.answer_s
            if self._exchange is None:
                self.cut()
            else:
                self._exchange.give_up()
                self._transport.close()
        if now >= self._read_due:
            self._late()

    def _late(self) -> None:
        self._read_due = inf
        if self._lingers or (self._stage is Stage.HEAD and not self._begun):
            self._transport.abort()
        else:
            self._refuse(Refused(408, "the request did not come in time"))


class _Enough(Exception):  # no error: the parser is left
    """No further request is read from this connection."""

"""What a server of HTTP allows, and what is under way on it at the moment.

| what | limit |
| --- | --- |
| from the connection, or the answer before, to the end of the headers | `header_s`, however the bytes drip: 408, or cut off |
| bytes of the request line and headers; how many headers | `header_bytes`, `headers`: 431 |
| from the end of the headers to the end of the body | `body_s`, however the bytes drip: 408 |
| bytes of the body | `body_bytes`: 413 |
| bytes of all bodies that are held at once | `held_bytes`: 503 |
| from there until the kernel has the whole answer | `answer_s`: 503, or cut off where the answer has begun |
| a reader that takes nothing | `answer_s`: cut off, by the kernel too |
| requests that have come whole, at once | `at_once`: 503, after `turned_away_s` |
| of them, the last quarter | for addresses with fewer than `HTTP_FEW_EACH_MAX` under way; others get 503 |
| requests of a connection that wait behind one another | `pipelined`: the rest is left, and the connection closed |
| connections | `connections`: the longest idle one makes room; where none is idle, 503 |
| connections of one address (an IPv6 network of 64 bits) | `per_address`: 503; this machine's own loopback is exempt |
| event streams (`text/event-stream`, asked for or answered), in place of `answer_s` and `at_once` | `streams`: 503 |
| bytes that a reader may be behind before the application waits for it | `unsent_bytes` |
"""

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from typing import Any, Final, Protocol

from msgspec import Struct

from holdgate.terms import limits as terms

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

RETRY_S: Final = 1
"""After how many seconds somebody who was turned away may ask again."""
_OWN: Final = frozenset({"127.0.0.1", "::1"})


class Limits(Struct, frozen=True, kw_only=True):
    """Deadlines in seconds, caps in bytes or numbers; the table above says what each bounds."""

    header_s: float = terms.HTTP_HEADER_S_MAX
    body_s: float = terms.HTTP_BODY_S_MAX
    answer_s: float = terms.HTTP_ANSWER_S_MAX
    header_bytes: int = terms.HTTP_HEADER_BYTES_MAX
    headers: int = terms.HTTP_HEADERS_MAX
    body_bytes: int = terms.HTTP_BODY_BYTES_MAX
    held_bytes: int = terms.HTTP_HELD_BYTES_MAX
    at_once: int = terms.HTTP_AT_ONCE_MAX
    pipelined: int = terms.HTTP_PIPELINED_MAX
    connections: int = terms.HTTP_CONNECTIONS_MAX
    per_address: int = terms.HTTP_PER_ADDRESS_MAX
    streams: int = terms.HTTP_STREAMS_MAX
    unsent_bytes: int = terms.HTTP_UNSENT_BYTES_MAX

    @property
    def turned_away_s(self) -> float:
        """How long somebody who was turned away hears nothing: who asks again at once does not take up the server's time."""
        return min(0.5, self.answer_s / 4)

    @property
    def tick_s(self) -> float:
        """How often deadlines are looked at."""
        return max(0.02, min(0.5, min(self.header_s, self.body_s, self.answer_s) / 5))


class Looked(Protocol):
    """A connection, as the server sees it."""

    def end(self) -> None:
        """End after what is being answered; an event stream at once."""

    def cut(self) -> None:
        """End at once."""

    def look(self, now: float) -> None:
        """Cut off what is beyond its deadline. `now`: of the loop's clock, seconds."""

    def make_room(self) -> None:
        """End, because others want the place."""

    @property
    def idle_since(self) -> float | None:
        """Since when it waits for a request, of the loop's clock; None while it has one."""


class Load:
    """What one server has under way. Everything here runs on one event loop.

    `secure`: it speaks TLS.
    """

    def __init__(self, app: Application, limits: Limits, *, secure: bool) -> None:
        self.app = app
        self.limits = limits
        self.secure = secure
        self.loop = asyncio.get_running_loop()
        self.running = 0
        self.streams = 0
        self.held = 0
        self.opened = 0
        self.connections: set[Looked] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.ending = False
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._by_address: Counter[str] = Counter()
        self._running_at: Counter[str] = Counter()
        self._second = -1
        self._standing = b""

    def admits(self, address: str) -> bool:
        """Count a connection from this address, if there is room for it."""
        source = network_of(address)
        if source not in _OWN and self._by_address[source] >= self.limits.per_address:
            return False
        if self.opened >= self.limits.connections and not self._room():
            return False
        self.opened += 1
        self._by_address[source] += 1
        return True

    def leaves(self, address: str) -> None:
        """A connection that was counted is closed."""
        source = network_of(address)
        self.opened -= 1
        self._by_address[source] -= 1
        if not self._by_address[source]:
            del self._by_address[source]

    def begins(self, address: str) -> bool:
        """Count a request of this address as under way, if there is room. Who has some already leaves a quarter to the others."""
        source, most = network_of(address), self.limits.at_once
        if self._running_at[source] >= terms.HTTP_FEW_EACH_MAX:
            most -= most // 4
        if self.running >= most:
            return False
        self.running += 1
        self._running_at[source] += 1
        return True

    def ends(self, address: str) -> None:
        """A request that was counted is no longer under way."""
        source = network_of(address)
        self.running -= 1
        self._running_at[source] -= 1
        if not self._running_at[source]:
            del self._running_at[source]

    def comes(self, connection: Looked) -> None:
        """A connection can speak."""
        self.connections.add(connection)
        self.quiet.clear()

    def goes(self, connection: Looked) -> None:
        """A connection is closed, and its last request is done with. `quiet` tells when none is left."""
        self.connections.discard(connection)
        if not self.connections:
            self.quiet.set()

    def _room(self) -> bool:
        """Whether the connection that has been idle for longest could be ended for a new one."""
        idle = [(since, id(one), one) for one in self.connections if (since := one.idle_since) is not None]
        if not idle:
            return False
        min(idle)[2].make_room()
        return True

    def standing(self) -> bytes:
        """The headers of every answer: the date, and over TLS that the host is reached by TLS alone."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._standing = f"date: {formatdate(second, usegmt=True)}\r\n".encode()
            if self.secure:
                self._standing += b"strict-transport-security: max-age=31536000\r\n"
        return self._standing


def network_of(address: str) -> str:
    """Who is counted as one: an IPv4 address, an IPv6 network of 64 bits."""
    if ":" not in address or address in _OWN:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))

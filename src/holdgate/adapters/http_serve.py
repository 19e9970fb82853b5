"""Serving an ASGI application over HTTP/1.1, within the running event loop, with deadlines and caps of our own.

`Limits` (`holdgate.adapters.http_limits`) says what is bounded. The application gets no lifespan, no websocket and no server
state: HTTP requests and nothing else, each with its whole body.
"""

import asyncio
import contextlib
import errno
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from holdgate.adapters.http_connection import Connection
from holdgate.adapters.http_exchange import answer
from holdgate.adapters.http_limits import Application, Limits, Load
from holdgate.terms.errors import Unavailable

__all__ = ["LOOPBACK", "Application", "Limits", "listen", "serving"]

LOOPBACK: Final = "127.0.0.1"
GRACE_S: Final = 1.0
"""How long requests under way get to end when the server stops."""
BACKLOG: Final = 1_024
FILES: Final = 1_024
"""Files that a process may want beside its connections."""
_NO_MORE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Secure = Callable[[], ssl.SSLContext]
"""Gives the TLS context for the next connection."""


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
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise Unavailable(f"{host}:{port} cannot be listened on: {error.strerror or error}") from error
    return sock


@asynccontextmanager
async def serving(
    app: Application, host: str = LOOPBACK, port: int = 0, limits: Limits | None = None, secure: Secure | None = None
) -> AsyncIterator[int]:
    """Serve the application until the block is left; gives the port. Requests under way get a second to end.

    Args:
        app: what answers.
        host: an address of this machine.
        port: 0 takes a free one.
        limits: what is allowed.
        secure: speak TLS, by the context that this gives for each connection; None: plain HTTP.

    Raises:
        Unavailable: the address cannot be taken.
    """
    limits = limits or Limits()
    sock = listen(host, port, limits.answer_s)
    number = int(sock.getsockname()[1])
    _more_files(limits.connections + FILES)
    server = _Server(Load(app, limits, secure=secure is not None), sock, secure)
    try:
        yield number
    finally:
        await server.stop()


def _more_files(wanted: int) -> None:
    """Connections are files; many systems give a process 1,024 unless it asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server:
    """Takes connections from a listening socket, and looks after them."""

    def __init__(self, load: Load, sock: socket.socket, secure: Secure | None) -> None:
        self._load = load
        self._sock = sock
        self._secure = secure
        self._joining: set[asyncio.Task[None]] = set()
        self._tasks = [load.loop.create_task(self._accept()), load.loop.create_task(self._look())]

    async def _accept(self) -> None:
        while True:
            try:
                connection, address = await self._load.loop.sock_accept(self._sock)
            except OSError as error:
                await asyncio.sleep(0.1 if error.errno in _NO_MORE else 0)
                continue
            self._take(connection, str(address[0]))
            await asyncio.sleep(0)  # many who come at once do not keep those who are here waiting

    def _take(self, connection: socket.socket, address: str) -> None:
        if not self._load.admits(address):
            if self._secure is None:
                with contextlib.suppress(OSError):
                    connection.setblocking(False)
                    connection.send(answer(self._load, 503, b"too many connections; ask again\n", close=True))
            connection.close()
            return
        task = self._load.loop.create_task(self._join(connection, address))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, connection: socket.socket, address: str) -> None:
        """Make it a connection of this server; over TLS, its handshake."""
        left = _once(partial(self._load.leaves, address))
        limits = self._load.limits
        try:
            connection.setblocking(False)
            await self._load.loop.connect_accepted_socket(
                lambda: Connection(self._load, address, left),
                connection,
                ssl=None if self._secure is None else self._secure(),
                ssl_handshake_timeout=None if self._secure is None else limits.header_s,
                ssl_shutdown_timeout=None if self._secure is None else GRACE_S,
            )
        except (OSError, Unavailable):  # it went away, or speaks something else
            connection.close()
            left()
        except asyncio.CancelledError:
            connection.close()
            left()
            raise

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._load.limits.tick_s)
            now = self._load.loop.time()
            for connection in tuple(self._load.connections):
                connection.look(now)

    async def stop(self) -> None:
        """Take nothing more; let what is under way end, for a moment."""
        load = self._load
        load.ending = True
        accepting, looking = self._tasks
        await _cancelled({accepting, *self._joining})
        self._sock.close()
        for connection in tuple(load.connections):
            connection.end()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(load.quiet.wait(), GRACE_S)
        for connection in tuple(load.connections):
            connection.cut()
        await _cancelled({looking, *load.tasks})
        await asyncio.sleep(0)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    """End tasks; one that does not let itself be ended is left."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=5 * GRACE_S)


def _once(done: Callable[[], None]) -> Callable[[], None]:
    """The first call counts."""
    pending = [done]

    def once() -> None:
        if pending:
            pending.pop()()

    return once

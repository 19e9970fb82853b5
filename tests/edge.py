"""A server's edge as tests meet it: small applications, raw sockets, and both event loops where both are installed."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from holdgate.adapters.event_loop import _faster
from holdgate.adapters.http_serve import Limits, serving

WAIT_S = 30.0
LOOPS = {"asyncio": asyncio.new_event_loop} | ({} if _faster() is None else {"uvloop": _faster()})


def run_on(loop: str, main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main)


class Echo:
    """Answers every request with what it was, and keeps a list."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        self.seen.append((scope["method"], scope["path"], body))
        self.scopes.append(scope)
        headers = [(b"content-type", b"text/plain"), (b"server", b"secret/1.0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": f"{scope['method']} {scope['path']} {len(body)}".encode()})


def ask(port: int, data: bytes, *, source: str = "", until: bytes | None = None) -> bytes:
    """Send, and read to the end of the connection, or to these bytes."""
    address = (source, 0) if source else None
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S, source_address=address) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(data)
        return heard(sock, until)


def heard(sock: socket.socket, until: bytes | None = None) -> bytes:
    """What comes until the end of the connection, or to these bytes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while until is None or until not in said:
            part = sock.recv(65_536)
            if not part:
                break
            said += part
    return said


def with_server(
    app: Any, told: Callable[[int], Awaitable[Any]], limits: Limits | None = None, loop: str = "asyncio", **more: Any
) -> Any:
    """Serve an application and do this with its port."""

    async def run() -> Any:
        async with serving(app, limits=limits, **more) as port:
            return await told(port)

    return run_on(loop, run())


def asked(app: Any, data: bytes, limits: Limits | None = None, loop: str = "asyncio") -> bytes:
    """Send these bytes to a server of this application; what it said until it ended the connection."""

    async def told(port: int) -> bytes:
        return await asyncio.to_thread(ask, port, data)

    found: bytes = with_server(app, told, limits, loop)
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something, with a deadline."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.01)

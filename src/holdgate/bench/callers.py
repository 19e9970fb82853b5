"""Clients of a site's address, as a process of their own: each hands in its acts one after the other over one connection.

Run as a program: PORT PATH FILE TOOK, or PORT COUNT TOOK for so many listeners to events (`Listener`). FILE holds for each client
the envelopes that it hands in. To TOOK is written what each act took, and the processor time of this process. Bytes are sent and
read with as little work as possible, since the clients share the machine with the server that is measured.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Final, cast

import msgspec
from msgspec import Struct
from typing_extensions import override

from holdgate.adapters.event_loop import run

HOST: Final = "127.0.0.1"
KIND: Final = "application/vnd.dsse+json"


class Acts(Struct, frozen=True, kw_only=True):
    """What the clients hand in: a list of envelopes each."""

    lists: tuple[tuple[bytes, ...], ...]


class Took(Struct, frozen=True, kw_only=True):
    """What came of it. Times in seconds."""

    latencies: tuple[float, ...]
    wall_s: float
    cpu_s: float


class Delays(Struct, frozen=True, kw_only=True):
    """How long after it was told each listener heard each event, in seconds, in order of length."""

    delays: tuple[float, ...]


class Listener(asyncio.Protocol):
    """A screen: hears events, each of which says when it was told, until the server ends the stream."""

    def __init__(self) -> None:
        self._rest = b""
        self.delays: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        said = f"GET /events HTTP/1.1\r\nhost: {HOST}\r\naccept: text/event-stream\r\n\r\n"
        cast("asyncio.Transport", transport).write(said.encode())

    @override
    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for event in whole:
            told = event.rpartition(b"data: ")[2]
            if told.strip():
                self.delays.append(now - float(told))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


async def listen(port: int, count: int) -> Delays:
    """Open so many streams, and hear all that they say."""
    loop = asyncio.get_running_loop()
    listeners = [(await loop.create_connection(Listener, HOST, port))[1] for _ in range(count)]
    await asyncio.gather(*(listener.ended for listener in listeners))
    return Delays(delays=tuple(sorted(delay for listener in listeners for delay in listener.delays)))


class Caller(asyncio.Protocol):
    """One client: the next act goes out when the last one is answered."""

    def __init__(self, path: str, envelopes: tuple[bytes, ...]) -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: {KIND}\r\ncontent-length: "
        self._requests = [b"%s%d\r\n\r\n%s" % (head.encode(), len(raw), raw) for raw in reversed(envelopes)]
        self._heard = b""
        self._sent_at = 0.0
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        """Hand the next one in."""
        if not self._requests:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests.pop())

    @override
    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self.latencies.append(time.perf_counter() - self._sent_at)
        if not head.startswith(b"HTTP/1.1 200 ") or b'"verdict":"allow"' not in body:
            self._end(RuntimeError(f"the bench's own act was refused: {self._heard[:600]!r}"))
            return
        self._heard = b""
        self.begin()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(RuntimeError(f"the server hung up: {exc}"))

    def _end(self, error: RuntimeError) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self._transport.close()


async def call(port: int, path: str, acts: Acts) -> Took:
    """Connect all clients, then hand in everything."""
    loop = asyncio.get_running_loop()
    callers = [Caller(path, envelopes) for envelopes in acts.lists]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, HOST, port)  # type: ignore[misc]
    wall, cpu = time.perf_counter(), time.process_time()
    for caller in callers:
        caller.begin()
    await asyncio.gather(*(caller.done for caller in callers))
    return Took(
        latencies=tuple(sorted(took for caller in callers for took in caller.latencies)),
        wall_s=time.perf_counter() - wall,
        cpu_s=time.process_time() - cpu,
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        found: Struct = run(listen(int(sys.argv[1]), int(sys.argv[2])))
    else:
        given = msgspec.msgpack.decode(Path(sys.argv[3]).read_bytes(), type=Acts)
        found = run(call(int(sys.argv[1]), sys.argv[2], given))
    Path(sys.argv[-1]).write_bytes(msgspec.msgpack.encode(found))

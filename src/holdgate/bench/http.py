"""http: signed acts over real connections, from clients in a process of their own, until each is durable and answered.

The node is the one of `holdgate bench`: the whole technique with every gate, two signatures an act, full flushes. Before it
the same number of callers hands in acts without HTTP, in the same process: what the address costs is the difference. Then events
to many screens.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.adapters.event_loop import loop_name, run
from holdgate.adapters.host import clock_quality
from holdgate.adapters.http_limits import Receive, Scope, Send
from holdgate.adapters.http_serve import Limits, serving
from holdgate.adapters.http_site import index_app, site_app
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bench.callers import Acts, Delays, Took
from holdgate.bench.load import NODE, open_shop
from holdgate.bench.run import Bench, Measurement, step_us
from holdgate.sites.status import site_status
from holdgate.terms.limits import SUBMISSION_BYTES_MAX

CALLERS: Final = 16
JOBS: Final = 640
QUICK_JOBS: Final = 16
STREAMS: Final = 500
QUICK_STREAMS: Final = 20
EVENTS: Final = 10
EVERY_S: Final = 0.5
WAIT_S: Final = 120.0
BAR_PER_S: Final = 3_500
BAR_P99_MS: Final = 20.0
BAR_EVENT_MS: Final = 1_000.0


class Served(Struct, frozen=True, kw_only=True):
    """Acts a second over HTTP, as the clients saw it.

    `cpu_us`: of the server's process for a request, all threads; `client_cpu_us`: of the clients' process. `alone_per_s`,
    `alone_cpu_us`: the same callers without HTTP, in the same process just before. `busy`: cores that both processes had.
    """

    op: str = "http"
    clients: int
    actions: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    client_cpu_us: float
    alone_per_s: float
    alone_cpu_us: float
    fsync_p50_ms: float
    busy: float
    loop: str
    bar_per_s: int = BAR_PER_S
    bar_p99_ms: float = BAR_P99_MS
    limit: str = ""


class Streamed(Struct, frozen=True, kw_only=True):
    """Events to many screens: from being told until a screen has it.

    `cpu_us`: of the server for an event to one screen; `kb_each`: what a screen adds to the memory of its process.
    """

    op: str = "streams"
    clients: int
    events: int
    p50_ms: float
    worst_ms: float
    cpu_us: float
    memory_mb: float
    kb_each: float
    bar_ms: float = BAR_EVENT_MS


async def measure_http(folder: Path, jobs: int = JOBS) -> Served:
    """Without HTTP, then with it, on one shop."""
    shop, desk, clock = await open_shop(folder, CALLERS)
    bench = Bench(shop, desk, clock)
    try:
        alone = await bench.submit("alone", jobs, CALLERS)
        acts = Acts(lists=tuple(tuple(envelopes) for envelopes in await bench.load(jobs, CALLERS)))
        file = folder / "acts.bin"
        file.write_bytes(msgspec.msgpack.encode(acts))
        app = index_app({NODE: site_app(bench.node, lambda: site_status(bench.node, clock_quality()))})
        async with serving(app, limits=Limits(body_bytes=SUBMISSION_BYTES_MAX)) as port:
            return await _served(bench, port, file, alone)
    finally:
        shop.close()


async def _served(bench: Bench, port: int, file: Path, alone: Measurement) -> Served:
    store = bench.node.means.store
    flushes = store.flush_us if isinstance(store, SqliteStore) else None
    bench.clock.step_us = step_us(CALLERS)
    gc.collect()
    gc.freeze()
    if flushes is not None:
        flushes.clear()
    cpu = time.process_time()
    took = await _called(port, file)
    cpu = time.process_time() - cpu
    gc.unfreeze()
    count, times = len(took.latencies), took.latencies
    ordered = sorted(flushes or [0.0])
    busy = (cpu + took.cpu_s) / took.wall_s
    return Served(
        clients=CALLERS,
        actions=count,
        per_s=round(count / took.wall_s, 0),
        p50_ms=round(times[count // 2] * 1e3, 2),
        p99_ms=round(times[min(count - 1, count * 99 // 100)] * 1e3, 2),
        cpu_us=round(cpu / count * 1e6, 1),
        client_cpu_us=round(took.cpu_s / count * 1e6, 1),
        alone_per_s=alone.per_s,
        alone_cpu_us=alone.cpu_us,
        fsync_p50_ms=round(ordered[len(ordered) // 2] / 1e3, 3),
        busy=round(busy, 2),
        loop=loop_name(),
        limit=_limit(alone.cpu_us, cpu / count * 1e6, took.cpu_s / count * 1e6),
    )


def _limit(alone_us: float, server_us: float, client_us: float) -> str:
    cores = os.cpu_count() or 1
    most = cores * 1e6 / (server_us + client_us)
    return (
        f"{alone_us / server_us:.0%} of the server's processor time is the act itself, signature checks above all; {cores} cores "
        f"with nothing else on them, and never idle, would give {most:,.0f}/s of this cost"
    )


async def _called(port: int, file: Path) -> Took:
    """The clients' process, from its start to its end."""
    told = file.with_suffix(".took")
    await _finished(await _started(port, f"/{NODE}/actions", file, told))
    return msgspec.msgpack.decode(told.read_bytes(), type=Took)


async def _started(*arguments: object) -> asyncio.subprocess.Process:
    program = [sys.executable, "-m", "holdgate.bench.callers", *map(str, arguments)]
    return await asyncio.create_subprocess_exec(*program)


async def _finished(clients: asyncio.subprocess.Process) -> None:
    if await clients.wait():
        raise RuntimeError("the clients ended with an error; it stands above")


class Screens:
    """An event stream for everybody who asks: one event a round, told to all."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes]] = set()

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._queues)

    async def tell(self) -> None:
        """An event for everybody, which says when it was told."""
        event = b"data: %.6f\n\n" % time.monotonic()
        for queue in self._queues:
            queue.put_nowait(event)

    def end(self) -> None:
        """Nothing more comes."""
        for queue in self._queues:
            queue.put_nowait(b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One screen."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(EVENTS + 1)
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self._queues.add(queue)
        try:
            while event := await queue.get():
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._queues.discard(queue)


async def measure_streams(folder: Path, count: int) -> Streamed:
    """Events to so many screens of one server, their clients in a process of their own."""
    screens = Screens()
    told = folder.with_suffix(".told")
    loop = asyncio.get_running_loop()
    before = _memory_mb()
    async with serving(screens, limits=Limits(streams=count)) as port:
        clients = await _started(port, count, told)
        end = loop.time() + WAIT_S
        while screens.count < count:  # seldom, while the screens come
            if loop.time() > end or clients.returncode is not None:
                raise RuntimeError(f"{screens.count} of {count} screens came")
            await asyncio.sleep(0.05)
        cpu = time.process_time()
        for _ in range(EVENTS):
            await screens.tell()
            await asyncio.sleep(EVERY_S)
        cpu = time.process_time() - cpu
        after = _memory_mb()
        screens.end()
        await _finished(clients)
    delays = msgspec.msgpack.decode(told.read_bytes(), type=Delays).delays
    return Streamed(
        clients=count,
        events=len(delays),
        p50_ms=round(delays[len(delays) // 2] * 1e3, 1),
        worst_ms=round(delays[-1] * 1e3, 1),
        cpu_us=round(cpu / len(delays) * 1e6, 1),
        memory_mb=round(after, 1),
        kb_each=round((after - before) / count * 1024, 1),
    )


def _memory_mb() -> float:
    """What this process holds in memory (resident, MB)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def run_http(folder: Path, *, quick: bool = False) -> Iterator[Served | Streamed]:
    """The measurements, small or whole."""
    yield run(measure_http(folder, QUICK_JOBS if quick else JOBS))
    yield run(measure_streams(folder, QUICK_STREAMS if quick else STREAMS))

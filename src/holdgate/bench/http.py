"""http: signed acts over real connections, from clients in a process of their own, until each is durable and answered.

The node is the one of `holdgate bench`: the whole technique with every gate, two signatures an act, full flushes. Before it
the same number of callers hands in acts without HTTP, in the same process: what the address costs is the difference.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.adapters.event_loop import loop_name, run
from holdgate.adapters.host import clock_quality
from holdgate.adapters.http_serve import Limits, serving
from holdgate.adapters.http_site import BODY_BYTES_MAX, index_app, site_app
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bench.callers import Acts, Took
from holdgate.bench.load import NODE, open_shop
from holdgate.bench.run import Bench, Measurement, step_us
from holdgate.sites.status import site_status

CALLERS: Final = 16
JOBS: Final = 640
QUICK_JOBS: Final = 16
BAR_PER_S: Final = 3_500
BAR_P99_MS: Final = 20.0


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
        async with serving(app, limits=Limits(body_bytes=BODY_BYTES_MAX)) as port:
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
        limit=f"{alone.cpu_us / (cpu / count * 1e6):.0%} of the server's processor time is the act, the rest HTTP",
    )


async def _called(port: int, file: Path) -> Took:
    """The clients' process, from its start to its end."""
    told = file.with_suffix(".took")
    program = [sys.executable, "-m", "holdgate.bench.callers", str(port), f"/{NODE}/actions", str(file), str(told)]
    callers = await asyncio.create_subprocess_exec(*program)
    if await callers.wait():
        raise RuntimeError("the clients ended with an error; it stands above")
    return msgspec.msgpack.decode(told.read_bytes(), type=Took)


def run_http(folder: Path, *, quick: bool = False) -> Iterator[Served]:
    """The measurement, small or whole."""
    yield run(measure_http(folder, QUICK_JOBS if quick else JOBS))

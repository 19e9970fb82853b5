"""sync: a node that was away comes back with a long record. How fast the business hub takes it in, and the Vault mirrors it.

The node works cut off from everybody. Then its link to the business hub comes up alone: every entry is verified there (the
checkpoint's signature, the leaf hashes, every signature of every act, what each act can say) and folded into the hub's state,
in segments, each durable before the next is sent. Then the link to the Vault comes up: it verifies, keeps and cosigns.
Sending and taking in share one process here, so that the figures are below what two machines give.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bench.load import NODE, open_shop
from holdgate.bench.run import CALLERS, Bench, verify_rate
from holdgate.bootstrap import BUSINESS_HUB, VAULT
from holdgate.terms.limits import IMPORT_ENTRIES_MAX

ACTS_PER_JOB: Final = 33
ENTRIES: Final = 50_000
QUICK_ENTRIES: Final = 600
BAR_PER_S: Final = 5_000
WAIT_S: Final = 600.0


class Synced(Struct, frozen=True, kw_only=True):
    """One record taken in. `to`: who took it in; `cpu_us`: of both sides, each entry, all threads.

    `jobs`: jobs that the receiver knows by it (a Vault folds nothing). `bar_per_s`: what is wanted. `checks_per_s`: entries a
    second whose two signatures this machine checks in two threads, measured just before, with nothing else of ours beside it.
    """

    op: str = "sync"
    to: str
    entries: int
    per_s: float
    cpu_us: float
    segments: int
    jobs: int
    fsync_p50_ms: float
    checks_per_s: float
    bar_per_s: int = BAR_PER_S
    limit: str = "two signatures an entry, checked in two threads; a Vault checks none, it hashes and keeps"


async def measure_sync(folder: Path, entries: int = ENTRIES) -> list[Synced]:
    """Work at a node that is cut off, then let the hub take it in, then the Vault."""
    shop, desk, clock = await open_shop(folder, CALLERS)
    bench = Bench(shop, desk, clock)
    try:
        callers = CALLERS if entries > CALLERS * ACTS_PER_JOB * 2 else 1  # fewer would not let the dwell times pass
        await bench.submit("fill", -(-entries // ACTS_PER_JOB), callers)
        return [await _taken(bench, BUSINESS_HUB), await _taken(bench, VAULT)]
    finally:
        shop.close()


async def _taken(bench: Bench, receiver: str) -> Synced:
    """The link to one receiver comes up; until it holds everything."""
    shop, node = bench.shop, bench.node
    link, hub = node.links[receiver], shop.sites[BUSINESS_HUB]
    behind, before = node.spine.size, hub.spine.size
    store = hub.means.store
    if isinstance(store, SqliteStore):
        store.flush_us.clear()
    held, checks = await _held(bench, receiver), verify_rate(2) / 2
    wall, cpu = time.perf_counter(), time.process_time()
    shop.bus.mend(NODE, [receiver])
    while link.backlog:
        await asyncio.sleep(0.001)
        if time.perf_counter() - wall > WAIT_S:
            raise RuntimeError(f"the node's record did not reach {receiver} in {WAIT_S:.0f} s: {link.fault}")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await shop.settle()
    count = behind - held
    flushes = sorted(store.flush_us) if isinstance(store, SqliteStore) else []
    folds = receiver == BUSINESS_HUB
    return Synced(
        to=receiver,
        entries=count,
        per_s=round(count / wall, 0),
        cpu_us=round(cpu / count * 1e6, 1),
        segments=hub.spine.size - before if folds else -(-count // IMPORT_ENTRIES_MAX),
        jobs=len(hub.chronicle.state.jobs) if folds else 0,
        checks_per_s=round(checks, 0),
        fsync_p50_ms=round(flushes[len(flushes) // 2] / 1e3, 3) if flushes else 0.0,
    )


async def _held(bench: Bench, receiver: str) -> int:
    shop, origin = bench.shop, bench.node.notary.origin
    peer = shop.sites.get(receiver) or shop.vaults[receiver]
    return await peer.held(origin, NODE)


def run_sync(folder: Path, *, quick: bool = False) -> Iterator[Synced]:
    """The measurement, small or whole."""
    yield from asyncio.run(measure_sync(folder, QUICK_ENTRIES if quick else ENTRIES))

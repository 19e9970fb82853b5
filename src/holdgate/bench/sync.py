"""sync: a node that was away comes back with a long record. How fast the business hub takes it in, and the Vault mirrors it.

The node works cut off from everybody. Then its link to the business hub comes up alone: every entry is verified there (the
checkpoint's signature, the leaf hashes, every signature of every act, what each act can say) and folded into the hub's state,
in segments, each durable before the next is sent. Then the link to the Vault comes up: it verifies, keeps and cosigns.
Sending and taking in share one process there, so that the figures are below what two machines give. Last, the same with the node
and the business hub as processes of their own on a NATS broker, the Vault being away.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bench.fleet import Fleet
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
    """One record taken in.

    `to`: who took it in; `cpu_us`: each entry, all threads, of both sides, or of the receiver where each has a process (`apart`).
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
    apart: bool = False
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


async def _worked(folder: Path, entries: int) -> str:
    """A shop's directory in which a node worked alone; the origin of its log."""
    shop, desk, clock = await open_shop(folder, CALLERS)
    bench = Bench(shop, desk, clock)
    try:
        callers = CALLERS if entries > CALLERS * ACTS_PER_JOB * 2 else 1
        await bench.submit("fill", -(-entries // ACTS_PER_JOB), callers)
        return bench.node.notary.origin
    finally:
        shop.close()


def measure_apart(folder: Path, entries: int) -> Synced:
    """The node and the hub as processes: from the hub's first durable import of the record to its last."""
    origin = asyncio.run(_worked(folder, entries))
    with closing(SqliteStore(folder / NODE / "ledger.db", read_only=True)) as store:
        size = store.head().size
    checks = verify_rate(2) / 2
    fleet = Fleet(folder)
    try:
        fleet.start_broker()
        fleet.start([BUSINESS_HUB])
        cpu = fleet.cpu_s(BUSINESS_HUB)
        fleet.start([NODE])
        fleet.until(lambda: _reached(fleet, origin) >= size, "the hub to take the record in")
        cpu = fleet.cpu_s(BUSINESS_HUB) - cpu
        told = [told for told in fleet.told(BUSINESS_HUB) if told.origin == origin]
    finally:
        fleet.stop()
    first, last = told[0], next(one for one in told if one.size >= size)
    seconds = max(1, last.at - first.at) / 1e6
    return Synced(
        to=BUSINESS_HUB,
        entries=last.size - first.start,
        per_s=round((last.size - first.size) / seconds, 0),
        cpu_us=round(cpu / (last.size - first.start) * 1e6, 1),
        segments=len(told),
        jobs=0,
        checks_per_s=round(checks, 0),
        fsync_p50_ms=0.0,
        apart=True,
    )


def _reached(fleet: Fleet, origin: str) -> int:
    return max((told.size for told in fleet.told(BUSINESS_HUB) if told.origin == origin), default=0)


def run_sync(folder: Path, *, quick: bool = False) -> Iterator[Synced]:
    """The measurement, small or whole."""
    entries = QUICK_ENTRIES if quick else ENTRIES
    yield from asyncio.run(measure_sync(folder / "one", entries))
    yield measure_apart(folder / "apart", entries)

"""arrival: from a reader's signature until the node holds the order durably, sites being processes on a NATS broker.

Thousands of orders are accepted and staged first, in one process and in batches (the time is shown). Then a business hub, a
floor hub, a node, a Vault and a broker are started as processes on that record. A reader signs a scan of one order and hands
it in over HTTP, at a steady pace; the floor hub matches and releases, forwards over the broker, and the node verifies,
decides and flushes. The clock starts before the signature and stops when the node's entry is durable, in one clock.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.adapters.host import HostClock
from holdgate.bench.fleet import Fleet
from holdgate.bench.load import NODE, lasting_world, order_acts, scan_of
from holdgate.bootstrap import BUSINESS_HUB, VAULT, Shop
from holdgate.scenario.opening import Opening
from holdgate.sites.desk import Desk

FLOOR: Final = "FLOOR"
STAGED: Final = 10_000
SCANS: Final = 400
QUICK_STAGED: Final = 40
QUICK_SCANS: Final = 10
BATCH: Final = 256
"""Acts that are handed in at a time."""
PACE_S: Final = 0.1
"""From one scan to the next: ten readers who scan an order a second each."""
BAR_MS: Final = 50.0


class Arrived(Struct, frozen=True, kw_only=True):
    """From signature to durable acceptance. `staging_s`: accepting and staging all orders, in one process."""

    op: str = "arrival"
    staged: int
    scans: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    staging_s: float
    start_s: float
    bar_p99_ms: float = BAR_MS
    limit: str = (
        "three flushes one after the other (reader's answer apart): floor hub, node, and what else the disk does"
    )


def order_of(number: int) -> str:
    """The name of the bench's order."""
    return f"PO-{number:05d}"


def serials_of(number: int) -> tuple[str, ...]:
    """Its parts."""
    return tuple(f"{number}-{part}" for part in range(4))


async def stage_many(shop: Shop, desk: Desk, count: int) -> None:
    """Accept and stage orders in batches, until the floor hub has all of them."""
    hub, floor = shop.of_kind("business_hub"), shop.of_kind("floor_hub")
    acts = (act for number in range(count) for act in order_acts(desk, order_of(number), serials_of(number)))
    batch = []
    for act in acts:
        batch.append(hub.submit(desk.sign(act)))
        if len(batch) == BATCH:
            await asyncio.gather(*batch)
            batch.clear()
    await asyncio.gather(*batch)
    await shop.settle()
    if len(floor.chronicle.state.slips) != count:
        raise RuntimeError(f"{len(floor.chronicle.state.slips)} of {count} orders came to the gate")


async def _prepare(folder: Path, count: int) -> tuple[Desk, float]:
    """The shop's directory with all orders staged; the desk that signs, and how long staging took."""
    opening = Opening(folder, lasting_world(1), HostClock().now())
    shop = await opening.open()
    try:
        opening.clock.instant = HostClock().now()
        began = time.perf_counter()
        await stage_many(shop, opening.desk, count)
        return opening.desk, time.perf_counter() - began
    finally:
        shop.close()


def _scan_all(fleet: Fleet, desk: Desk, numbers: list[int], pace_s: float) -> dict[str, int]:
    """Scan orders one after the other; when each was signed."""
    signed: dict[str, int] = {}
    for seq, number in enumerate(numbers):
        due = time.monotonic() + pace_s
        order = order_of(number)
        signed[order] = HostClock().now()
        scan = replace(scan_of(desk, order, serials_of(number), seq + 1), at=signed[order])
        answer = fleet.ask(FLOOR, "/actions", desk.sign(scan))
        if answer["verdict"] != "allow":
            raise RuntimeError(f"the bench's own scan was refused: {answer}")
        time.sleep(max(0.0, due - time.monotonic()))
    return signed


def run_arrival(folder: Path, *, quick: bool = False) -> Iterator[Arrived]:
    """Stage, start the processes, scan, and wait for the node."""
    count, scans = (QUICK_STAGED, QUICK_SCANS) if quick else (STAGED, SCANS)
    desk, staging_s = asyncio.run(_prepare(folder, count))
    fleet = Fleet(folder)
    try:
        began = time.perf_counter()
        fleet.start_broker()
        fleet.start([VAULT])
        fleet.start([BUSINESS_HUB, FLOOR, NODE], reached=[BUSINESS_HUB, FLOOR, NODE])
        three = [BUSINESS_HUB, FLOOR, NODE]
        fleet.until(lambda: fleet.quiet(three, [*three, VAULT]), "the sites to hear from each other")
        start_s = time.perf_counter() - began
        step = count // scans
        signed = _scan_all(fleet, desk, [number * step for number in range(scans)], 0.0 if quick else PACE_S)
        fleet.until(lambda: len(_accepted(fleet)) >= scans, "the node to take every order")
        accepted = _accepted(fleet)
    finally:
        fleet.stop()
    times = sorted((accepted[order] - at) / 1e3 for order, at in signed.items())
    yield Arrived(
        staged=count,
        scans=scans,
        p50_ms=round(times[len(times) // 2], 1),
        p99_ms=round(times[min(len(times) - 1, len(times) * 99 // 100)], 1),
        worst_ms=round(times[-1], 1),
        staging_s=round(staging_s, 1),
        start_s=round(start_s, 1),
    )


def _accepted(fleet: Fleet) -> dict[str, int]:
    """When the node held each order durably."""
    return {told.order: told.at for told in fleet.told(NODE) if told.order}

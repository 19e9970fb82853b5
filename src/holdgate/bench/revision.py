"""revision: how long one signed release takes until every node process holds it durably, over a NATS broker.

A shop with a hundred nodes: a business hub, a floor hub, a Vault and each node is a process of its own, all on this machine.
The new versions are proposed and approved beforehand. The release is one signed act, handed in at the business hub over HTTP;
the clock starts at its signature and stops, for each node, when its import of that very entry is durable. For the second
release some of the nodes do not run, and the hub has to name them.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.adapters.host import HostClock
from holdgate.bench.arrival import FLOOR
from holdgate.bench.fleet import Fleet
from holdgate.bench.load import CONTRACT, NODE, lasting_world
from holdgate.bench.spread import Apart
from holdgate.bootstrap import BUSINESS_HUB, VAULT, read_premises
from holdgate.scenario.files import Node, revise

NODES: Final = 100
QUICK_NODES: Final = 3
ABSENT: Final = 5
BATCH: Final = 10
"""Processes that are started at a time."""
VERSIONS: Final = ("4", "5")
BAR_MS: Final = 1_000.0


class Revised(Struct, frozen=True, kw_only=True):
    """One release. `nodes`: processes that took it in. `absent`: those that have not confirmed it, as the hub's status says.

    `node_mb`: memory of a node's process (the middle one). `start_s`: until all processes were up and had heard everything.
    """

    op: str = "revision"
    nodes: int
    p50_ms: float
    p99_ms: float
    last_ms: float
    absent: tuple[str, ...]
    start_s: float
    node_mb: float
    hub_mb: float
    load: float
    bar_p99_ms: float = BAR_MS
    limit: str = "all processes share this machine's cores: each import is verified, folded and flushed once a node"


async def _prepare(folder: Path, nodes: int) -> list[bytes]:
    """The shop's directory with both versions approved; the two acts that release them, yet to be handed in."""
    names = [NODE, *(f"NODE-{number:03d}" for number in range(2, nodes + 1))]
    world = replace(lasting_world(1), nodes=tuple(Node(id=name) for name in names))
    opening = Apart(folder, world, HostClock().now())
    shop = await opening.open()
    try:
        for version in VERSIONS:
            await opening.propose(shop, revise(world.contracts[0], {"version": version}))
        await shop.settle()
        return [opening.desk.sign(opening.activation(CONTRACT, version, "unstarted_jobs")) for version in VERSIONS]
    finally:
        shop.close()


class _Floor:
    """The processes, and what is measured on them."""

    def __init__(self, folder: Path, nodes: list[str]) -> None:
        self.fleet = Fleet(folder)
        self.nodes = nodes
        self.start_s = 0.0
        seats = read_premises(folder).charter.sites
        self._origin = next(seat.origin for seat in seats if seat.id == BUSINESS_HUB)

    def start(self) -> None:
        """Everybody, in batches; until the hub has told everybody everything."""
        began, fleet = time.perf_counter(), self.fleet
        fleet.start_broker()
        fleet.start([VAULT])
        fleet.start([BUSINESS_HUB, FLOOR], reached=[BUSINESS_HUB])
        for first in range(0, len(self.nodes), BATCH):
            fleet.start(self.nodes[first : first + BATCH])
        fleet.until(lambda: fleet.quiet([BUSINESS_HUB], [FLOOR, VAULT, *self.nodes]), "the hub to tell every node")
        fleet.still(BUSINESS_HUB)  # what a hundred starts set off is no part of a release
        self.start_s = time.perf_counter() - began

    def release(self, act: bytes) -> Revised:
        """Hand the act in, and wait for every node that runs."""
        fleet = self.fleet
        here = [node for node in self.nodes if node in fleet.running]
        began = HostClock().now()
        answer = fleet.ask(BUSINESS_HUB, "/actions", act)
        if answer["verdict"] != "allow":
            raise RuntimeError(f"the bench's own release was refused: {answer}")
        seq = answer["seq"]
        fleet.until(lambda: all(self._taken_at(node, seq) for node in here), "every node to take the release in")
        times = sorted((self._taken_at(node, seq) - began) / 1e3 for node in here)
        fleet.until(lambda: fleet.quiet([BUSINESS_HUB], here), "the hub to hear so")
        status = fleet.ask(BUSINESS_HUB, "/status")
        memory = sorted(fleet.memory_mb(node) for node in here)
        return Revised(
            nodes=len(here),
            p50_ms=round(times[len(times) // 2], 1),
            p99_ms=round(times[min(len(times) - 1, len(times) * 99 // 100)], 1),
            last_ms=round(times[-1], 1),
            absent=tuple(
                sorted(
                    link["peer"]
                    for link in status["links"]
                    if link["peer"] in self.nodes and status["size"] - link["backlog"] <= seq
                )
            ),
            start_s=round(self.start_s, 1),
            node_mb=memory[len(memory) // 2],
            hub_mb=fleet.memory_mb(BUSINESS_HUB),
            load=round(os.getloadavg()[0], 1),
        )

    def _taken_at(self, node: str, seq: int) -> int:
        """When the hub's entry was durable at a node; 0: not yet."""
        told = (t for t in self.fleet.told(node) if t.origin == self._origin and t.start <= seq < t.size)
        return next((t.at for t in told), 0)

    def leave(self, count: int) -> None:
        """The last nodes end; until the hub has noticed."""
        gone = self.nodes[-count:]
        self.fleet.stop(gone)
        self.fleet.until(
            lambda: not any(link["up"] for peer, link in self.fleet.links(BUSINESS_HUB).items() if peer in gone),
            "the hub to notice who left",
        )
        self.fleet.still(BUSINESS_HUB)


def run_revision(folder: Path, *, quick: bool = False, nodes: int = NODES) -> Iterator[Revised]:
    """Two releases: to all node processes, and with some of them ended."""
    count, absent = (QUICK_NODES, 1) if quick else (nodes, ABSENT)
    acts = asyncio.run(_prepare(folder, count))
    seats = read_premises(folder).charter.sites
    floor = _Floor(folder, [seat.id for seat in seats if seat.kind == "node"])
    try:
        floor.start()
        yield floor.release(acts[0])
        floor.leave(absent)
        yield floor.release(acts[1])
    finally:
        floor.fleet.stop()

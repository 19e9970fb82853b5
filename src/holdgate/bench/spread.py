"""spread: how long one signed release takes until every node decides by it, and who does not.

Real sites in one process: a business hub, a floor hub, a Vault and the nodes, each with its own key, store and flushes, on
the in-process bus. Before the release some nodes hold an order under the old version. The clock starts when the one signed
act is submitted at the hub, and stops when the version is in force in the state that the last node decides on (looked at
once a turn of the event loop). Afterwards those orders are started at their nodes, which have to refuse under the new
release. A network is not in it; in return all sites share this machine's processors and disk.
"""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.host import SetClock
from holdgate.bench.load import CONTRACT, FIRST, NODE, VERSION, bench_world, order_acts, scan_of
from holdgate.bootstrap import Shop
from holdgate.law import command as c
from holdgate.law.notation import Tree
from holdgate.scenario.files import Node, World, revise
from holdgate.scenario.opening import Opening
from holdgate.sites.site import Site
from holdgate.sites.spread import absent

ABSENT: Final = 3
"""Nodes that are cut off for the second release."""
ORDERS: Final = 3
"""Nodes that hold an order under the old version; every order is noticed at every node."""
WAIT_S: Final = 100.0
"""How long a release may take before the bench gives up."""


class Spread(Struct, frozen=True, kw_only=True):
    """One release: from its submission until the last node in reach decides by it.

    `nodes`: those in reach. `absent`: those that have not confirmed it afterwards, as the hub names them.
    """

    op: str = "release"
    nodes: int
    last_ms: float
    absent: tuple[str, ...] = ()


def spread_world(nodes: int) -> World:
    """The bench's world with so many nodes."""
    world = bench_world(1)
    names = [NODE, *(f"NODE-{number:03d}" for number in range(2, nodes + 1))]
    return replace(world, nodes=tuple(Node(id=name) for name in names))


async def measure_spread(folder: Path, nodes: int = 100, cut: int = ABSENT) -> list[Spread]:
    """Two releases: with every node in reach, and with some of them cut off."""
    world, clock = spread_world(nodes), SetClock()
    opening = Apart(folder, world, FIRST, clock)
    shop = await opening.open()
    clock.instant = FIRST
    try:
        await _orders(shop, opening)
        for name in _nodes(shop)[ORDERS:]:
            shop.bus.mend(name)
        await shop.settle()
        tree: Mapping[str, Tree] = world.contracts[0]
        whole = await _release(shop, opening, tree, "4")
        for name in _nodes(shop)[-cut:] if cut else ():
            shop.bus.cut(name)
        return [whole, await _release(shop, opening, tree, "5")]
    finally:
        shop.close()


class Apart(Opening):
    """Sets the world up while the nodes are off line: they take it in at once, and not act by act."""

    @override
    async def _found(self) -> Shop:
        shop = await super()._found()
        for name in _nodes(shop):
            shop.bus.cut(name)
        return shop


def _nodes(shop: Shop) -> list[str]:
    return [site.id for site in shop.sites.values() if site.kind == "node"]


async def _orders(shop: Shop, opening: Opening) -> None:
    """An order under the old version for some nodes, with its part on the floor."""
    hub, floor = shop.of_kind("business_hub"), shop.of_kind("floor_hub")
    for name in _nodes(shop)[:ORDERS]:
        shop.bus.mend(name)
    await shop.settle()
    for number, node in enumerate(_nodes(shop)[:ORDERS]):
        order, serials = f"PO-{number:03d}", (f"S-{number:03d}",)
        for command in order_acts(opening.desk, order, serials, node=node):
            await _allowed(hub, opening.desk.sign(command))
        await shop.settle()
        await _allowed(floor, opening.desk.sign(scan_of(opening.desk, order, serials, number + 1)))
    await shop.settle()


async def _allowed(site: Site, raw: bytes) -> int:
    answer = await site.submit(raw)
    if not answer.decision.allowed:
        raise RuntimeError(f"the bench's own act was refused: {answer.decision.denials}")
    return answer.seq


async def _release(shop: Shop, opening: Opening, tree: Mapping[str, Tree], version: str) -> Spread:
    await opening.propose(shop, revise(tree, {"version": version}))
    await shop.settle()
    hub = shop.of_kind("business_hub")
    sha256 = hub.chronicle.state.versions[f"{CONTRACT}/{version}"]
    waiting = [shop.sites[name] for name in _nodes(shop) if shop.bus.linked(hub.id, name)]
    act = opening.desk.sign(opening.activation(CONTRACT, version, "unstarted_jobs"))
    reached, last_s = len(waiting), 0.0
    began = time.perf_counter()
    released = asyncio.ensure_future(_allowed(hub, act))
    while waiting:
        await asyncio.sleep(0)
        last_s = time.perf_counter() - began
        if last_s > WAIT_S:
            raise RuntimeError(f"{waiting[0].id} does not know the release after {WAIT_S:.0f} s")
        waiting = [node for node in waiting if node.chronicle.state.in_force.get(CONTRACT) != sha256]
    seq = await released
    await shop.settle()
    await _prove(shop, opening)
    links = {name: hub.links[name] for name in _nodes(shop)}
    return Spread(nodes=reached, last_ms=round(last_s * 1e3, 1), absent=absent(links, hub.spine.size, seq))


async def _prove(shop: Shop, opening: Opening) -> None:
    """The nodes refuse to start what was staged under the old version."""
    for number, name in enumerate(_nodes(shop)[:ORDERS]):
        head: dict[str, Any] = {"site": name, "at": FIRST, "nonce": opening.desk.nonce()}
        signer = c.Signer(id="SID-TEC-1000", role="technician")
        start = c.StartJob(**head, signers=(signer,), order=f"PO-{number:03d}", job="J-1", node=name)
        answer = await shop.sites[name].submit(opening.desk.sign(start))
        if answer.decision.codes != ("CONTRACT_SUPERSEDED",):
            raise RuntimeError(f"{name} decides by something else than the release: {answer.decision}")


__all__ = ["VERSION", "Spread", "measure_spread", "spread_world"]

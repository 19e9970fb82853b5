"""day: a shop's day with ever more nodes, to see what grows with their number, and how.

Every site is real (its own key, store, flushes and signatures) on the in-process bus, under a simulated clock. Each node gets
the same: so many orders a day, each accepted, staged, scanned in, worked as one job of the FPI technique with every reading, and
accepted by QA. What people sign is signed beforehand and is not counted. Of a very large shop a part of the nodes is given orders
(`working`); all the others are there, and hear what everybody hears.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.adapters.host import SetClock
from holdgate.bench.load import FIRST, NODE, Place, Work, lasting_world, order_acts, scan_of
from holdgate.bench.spread import Apart
from holdgate.bootstrap import BUSINESS_HUB, VAULT, Shop
from holdgate.engine.answer import Answer
from holdgate.engine.opening import standing_bytes
from holdgate.law import command as c
from holdgate.law.view import job_view
from holdgate.ledger.entry import read_entry
from holdgate.scenario.files import Node
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms.instant import SECOND_US

FLOOR: Final = "FLOOR"
ORDERS_A_DAY: Final = 4
SIZES: Final = ((10, 10), (100, 100), (1_000, 10))
"""Nodes, and how many of them are given orders: the day of a thousand would take hours in one process."""
QUICK_SIZES: Final = ((2, 2), (4, 4))
QUICK_ORDERS: Final = 1
DAY_S: Final = 86_400


class Day(Struct, frozen=True, kw_only=True):
    """A day of a shop with so many nodes. What is "each order" is divided by the orders that were worked.

    `acts`: signed by people and readers. `entries`, `bytes`: on record at all deciding sites. `notices`: entries by which nodes
    learn of other nodes' orders. `cpu_ms`: of the whole process, the sites' alone; `hub_state_kb`, `floor_state_kb`: the state
    that the site keeps in memory, as a snapshot writes it; `node_state_kb`: of one node. `vault_mb`: entries that the Vault mirrors, of
    the whole time.
    """

    op: str = "day"
    nodes: int
    working: int
    orders: int
    acts: int
    wall_s: float
    cpu_ms_order: float
    cpu_us_entry: float
    entries_order: float
    kb_order: float
    notices_order: float
    hub_entries_order: float
    hub_state_kb: float
    floor_state_kb: float
    node_state_kb: float
    vault_mb: float
    rss_mb: float
    limit: str = "notices: every order is told to every node, twice, in a signed act that each of them verifies and keeps"


class _Sizes(Struct):
    """What is on record at a moment, by site."""

    entries: dict[str, int]
    octets: dict[str, int]


class _Shop:
    """A shop whose nodes wait for their day."""

    def __init__(self, shop: Shop, desk: Desk, clock: SetClock) -> None:
        self.shop = shop
        self.desk = desk
        self.clock = clock
        self.nodes = [site for site in shop.sites.values() if site.kind == "node"]
        self.hub, self.floor = shop.sites[BUSINESS_HUB], shop.sites[FLOOR]
        self.acts = 0
        self.signing_s = 0.0

    async def hand_in(self, site: Site, commands: list[c.AnyCommand]) -> None:
        """Sign acts, off the clock, and hand them in together."""
        began = time.process_time()
        envelopes = [self.desk.sign(command) for command in commands]
        self.signing_s += time.process_time() - began
        self.acts += len(envelopes)
        _all_allowed(await asyncio.gather(*(site.submit(raw) for raw in envelopes)))

    async def round(self, number: int, nodes: list[Site]) -> None:
        """One order for each of these nodes, from the client's terms to QA."""
        places = {node.id: self._place(number, at, node) for at, node in enumerate(nodes)}
        accepted, staged, scans = [], [], []
        for at, node in enumerate(nodes):
            place = places[node.id]
            terms, stage = order_acts(self.desk, place.order, place.serials, node=node.id)
            accepted.append(terms)
            staged.append(stage)
            scans.append(scan_of(self.desk, place.order, place.serials, number * len(nodes) + at + 1))
        await self.hand_in(self.hub, [*accepted, *staged])
        await self.shop.settle()
        await self.hand_in(self.floor, scans)
        await self.shop.settle()
        await asyncio.gather(*(self._job(node, places[node.id]) for node in nodes))
        await self.shop.settle()
        await self.hand_in(self.hub, [self._quality(places[node.id]) for node in nodes])
        await self.shop.settle()

    def _place(self, number: int, at: int, node: Site) -> Place:
        name = f"{number}-{at}"
        return Place("SID-TEC-1000", f"PO-{name}", f"J-{name}", tuple(f"{name}-{part}" for part in range(4)))

    async def _job(self, node: Site, place: Place) -> None:
        chronicle = node.chronicle
        contract = next(iter(chronicle.state.in_force.values()))
        template = chronicle.library.template(contract)
        technique = None if template is None else chronicle.library.technique(template.process)
        if technique is None:
            raise RuntimeError("the bench's contract is not at the node")
        work = Work(self.desk, technique, contract)
        await self.hand_in(node, [replace(act, site=node.id) for act in _at(work.acts(place), node.id)])

    def _quality(self, place: Place) -> c.AnyCommand:
        job = self.hub.chronicle.state.jobs[f"{place.order}/{place.job}"]
        parts = len(job.serials)
        auth = c.Auth(components=("badge", "pin"), session=f"qa-{place.order}")
        return c.SignQa(
            site=self.hub.id,
            at=self.clock.instant,
            nonce=self.desk.nonce(),
            signers=(c.Signer(id="SID-QA-01", role="qa", meaning="reviewed and accepted", auth=auth),),
            place="WS-OFFICE",
            seen=job_view(job),
            order=job.order,
            job=job.id,
            quantities=c.Quantities(received=parts, accepted=parts, rejected=0, scrapped=0),
        )

    def sizes(self) -> _Sizes:
        """Entries and bytes on record now."""
        return _Sizes(
            entries={name: site.spine.size for name, site in self.shop.sites.items()},
            octets={name: _octets(self.shop.directory / name / "ledger.db", "entry") for name in self.shop.sites},
        )


def _at(acts: Iterator[c.AnyCommand], node: str) -> Iterator[c.AnyCommand]:
    for act in acts:
        yield replace(act, node=node) if isinstance(act, c.StartJob) else act


def _all_allowed(answers: list[Answer]) -> None:
    for answer in answers:
        if not answer.decision.allowed:
            raise RuntimeError(f"the bench's own act was refused: {answer.decision.denials}")


def _octets(store: Path, table: str) -> int:
    """Bytes of entries in a store, whatever its files hold beside them."""
    with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as reader:
        (found,) = reader.execute(f"SELECT coalesce(sum(length(body)), 0) FROM {table}").fetchone()  # noqa: S608  # our own word
    return int(found)


async def measure_day(folder: Path, nodes: int, working: int, orders: int) -> Day:
    """One size: found the shop, let everybody hear the law, then the day."""
    world, clock = lasting_world(1), SetClock()
    names = [NODE, *(f"NODE-{number:04d}" for number in range(2, nodes + 1))]
    stations = tuple(replace(station, node=None) for station in world.workstations)
    opening = Apart(folder, replace(world, nodes=tuple(map(_node, names)), workstations=stations), FIRST, clock)
    shop = await opening.open()
    clock.instant = FIRST
    try:
        for name in names:
            shop.bus.mend(name)
        await shop.settle()
        day = _Shop(shop, opening.desk, clock)
        busy = [shop.sites[name] for name in names[:working]]
        before, wall, cpu = day.sizes(), time.perf_counter(), time.process_time()
        for number in range(orders):
            await day.round(number, busy)
            clock.instant += DAY_S // orders * SECOND_US
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu - day.signing_s
        return _told(day, before, wall, cpu, orders * working, working)
    finally:
        shop.close()


def _node(name: str) -> Node:
    return Node(id=name)


def _told(day: _Shop, before: _Sizes, wall_s: float, cpu_s: float, orders: int, working: int) -> Day:
    after, names = day.sizes(), list(day.shop.sites)
    entries = sum(after.entries[name] - before.entries[name] for name in names)
    octets = sum(after.octets[name] - before.octets[name] for name in names)
    vault = _octets(day.shop.directory / VAULT / "mirror.db", "mirror")
    return Day(
        nodes=len(day.nodes),
        working=working,
        orders=orders,
        acts=day.acts,
        wall_s=round(wall_s, 1),
        cpu_ms_order=round(cpu_s / orders * 1e3, 1),
        cpu_us_entry=round(cpu_s / entries * 1e6, 0),
        entries_order=round(entries / orders, 1),
        kb_order=round(octets / orders / 1e3, 1),
        notices_order=round(_noticed(day, before) / orders, 1),
        hub_entries_order=round((after.entries[BUSINESS_HUB] - before.entries[BUSINESS_HUB]) / orders, 1),
        hub_state_kb=_state_kb(day.hub),
        floor_state_kb=_state_kb(day.floor),
        node_state_kb=_state_kb(day.nodes[0]),
        vault_mb=round(vault / 1e6, 1),
        rss_mb=resident_mb(),
    )


def _noticed(day: _Shop, before: _Sizes) -> int:
    """Entries of the day by which nodes learned of orders; counted at the first nodes, and taken for all alike."""
    looked = day.nodes[:10]
    found: Counter[str] = Counter()
    for node in looked:
        for row in node.means.store.rows(before.entries[node.id], node.spine.size):
            found[b'"OrderNoticed"' in row.body and read_entry(row.body).kind or "other"] += 1
    return found["action"] * len(day.nodes) // len(looked)


def _state_kb(site: Site) -> float:
    return round(len(standing_bytes(site.chronicle)) / 1e3, 1)


def resident_mb() -> float:
    """This process's memory now (resident, MB); 0 where the machine does not say."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmRSS:")), 0.0)


def run_day(folder: Path, *, quick: bool = False) -> Iterator[Day]:
    """Every size, in a shop of its own."""
    for nodes, working in QUICK_SIZES if quick else SIZES:
        place = folder / str(nodes)
        yield asyncio.run(measure_day(place, nodes, working, QUICK_ORDERS if quick else ORDERS_A_DAY))

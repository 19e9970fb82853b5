"""day: a shop's day with ever more nodes, to see what grows with their number, and how.

Every site is real (its own key, store, flushes and signatures) on the in-process bus, under a simulated clock. Each node gets
the same: so many orders a day, each accepted, staged, scanned in, worked as one job of the FPI technique with every reading,
and accepted by QA. What people sign is signed beforehand and is not counted. With areas, a node hears of the orders of its own
area only. A thousand nodes are ten shops of a hundred, all open in this process: more do not fit one charter.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.host import SetClock
from holdgate.bench.load import FIRST, NODE, Place, Work, lasting_world, order_acts, scan_of
from holdgate.bench.spread import Apart
from holdgate.bootstrap import BUSINESS_HUB, VAULT, Shop
from holdgate.engine.answer import Answer
from holdgate.engine.opening import standing_bytes
from holdgate.law import command as c
from holdgate.law.view import job_view
from holdgate.scenario.files import Node, World
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms.instant import SECOND_US

FLOOR: Final = "FLOOR"
ORDERS_A_DAY: Final = 4


class Size(NamedTuple):
    """How large. `area`: nodes in an area (0: no areas); `shops`: they are divided among."""

    nodes: int
    area: int = 0
    shops: int = 1


SIZES: Final = (Size(10), Size(40), Size(10, 10), Size(100, 10), Size(1_000, 10, 10))
QUICK_SIZES: Final = (Size(2), Size(4, 2, 2))
QUICK_ORDERS: Final = 1
NO_AREAS: Final = (
    "notices: each order is told to each node, twice, in a signed act that all of them verify, keep and hand on"
)
IN_AREAS: Final = (
    "the work itself; the hub's leaf hashes, which each node keeps with whatever it hears, grow with all orders"
)
DAY_S: Final = 86_400


class Day(Struct, frozen=True, kw_only=True):
    """A day of shops with so many nodes in all. What is "each order" is divided by the orders that were worked.

    `area`: nodes in an area (0: no areas). `acts`: signed by people and readers. `entries`, `kb`: on record at all deciding
    sites. `notices`: entries by which nodes learn of other nodes' orders. `cpu`: of the whole process, the sites' alone.
    `..._state_kb`: the state that such a site (of the first shop) keeps in memory, as a snapshot writes it. `vault_mb`: entries
    that the first shop's Vault mirrors, of the whole time. `rss_mb`: the whole process.
    """

    op: str = "day"
    nodes: int
    shops: int
    area: int
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
    limit: str = (
        "notices: every order is told to every node, twice, in a signed act that each of them verifies and keeps"
    )


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

    async def hand_in(self, site: Site, commands: Sequence[c.Command]) -> None:
        """Sign acts, off the clock, and hand them in together."""
        began = time.process_time()
        envelopes = [self.desk.sign(command) for command in commands]
        self.signing_s += time.process_time() - began
        self.acts += len(envelopes)
        _all_allowed(await asyncio.gather(*(site.submit(raw) for raw in envelopes)))

    async def round(self, number: int) -> None:
        """One order for each node, from the client's terms to QA."""
        nodes = self.nodes
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


class _InAreas(Apart):
    """A world whose nodes are in areas of so many."""

    def __init__(self, folder: Path, world: World, clock: SetClock, size: int) -> None:
        super().__init__(folder, world, FIRST, clock)
        self._size = size

    @override
    def areas(self) -> Mapping[str, str]:
        if not self._size:
            return {}
        return {node.id: f"A-{number // self._size}" for number, node in enumerate(self.world.nodes)}


async def measure_day(folder: Path, size: Size, orders: int) -> Day:
    """One size: found the shops, let everybody hear the law, then the day."""
    days: list[_Shop] = []
    try:
        while len(days) < size.shops:
            days.append(await _open(folder / f"shop-{len(days)}", size))
        before, wall, cpu = [day.sizes() for day in days], time.perf_counter(), time.process_time()
        for number in range(orders):
            for day in days:
                await day.round(number)
                day.clock.instant += DAY_S // orders * SECOND_US
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu - sum(day.signing_s for day in days)
        return _told(size, days, before, wall, cpu, orders * size.nodes)
    finally:
        for day in days:
            day.shop.close()


async def _open(folder: Path, size: Size) -> _Shop:
    world, clock = lasting_world(1), SetClock()
    names = [NODE, *(f"NODE-{number:04d}" for number in range(2, size.nodes // size.shops + 1))]
    stations = tuple(replace(station, node=None) for station in world.workstations)
    world = replace(world, nodes=tuple(map(_node, names)), workstations=stations)
    opening = _InAreas(folder, world, clock, size.area)
    shop = await opening.open()
    clock.instant = FIRST
    for name in names:
        shop.bus.mend(name)
    await shop.settle()
    return _Shop(shop, opening.desk, clock)


def _node(name: str) -> Node:
    return Node(id=name)


def _told(size: Size, days: list[_Shop], before: list[_Sizes], wall_s: float, cpu_s: float, orders: int) -> Day:
    after = [day.sizes() for day in days]
    entries = _grown([s.entries for s in before], [s.entries for s in after])
    octets = _grown([s.octets for s in before], [s.octets for s in after])
    hub = _grown([{"": s.entries[BUSINESS_HUB]} for s in before], [{"": s.entries[BUSINESS_HUB]} for s in after])
    first = days[0]
    return Day(
        nodes=size.nodes,
        shops=size.shops,
        area=size.area,
        orders=orders,
        acts=sum(day.acts for day in days),
        wall_s=round(wall_s, 1),
        cpu_ms_order=round(cpu_s / orders * 1e3, 1),
        cpu_us_entry=round(cpu_s / entries * 1e6, 0),
        entries_order=round(entries / orders, 1),
        kb_order=round(octets / orders / 1e3, 1),
        notices_order=round(_noticed(first, before[0]) * size.shops / orders, 1),
        hub_entries_order=round(hub / orders, 1),
        hub_state_kb=_state_kb(first.hub),
        floor_state_kb=_state_kb(first.floor),
        node_state_kb=_state_kb(first.nodes[0]),
        vault_mb=round(_octets(first.shop.directory / VAULT / "mirror.db", "mirror") / 1e6, 1),
        rss_mb=resident_mb(),
        limit=IN_AREAS if size.area else NO_AREAS,
    )


def _grown(before: list[dict[str, int]], after: list[dict[str, int]]) -> int:
    return sum(map(_total, after)) - sum(map(_total, before))


def _total(counts: dict[str, int]) -> int:
    return sum(counts.values())


def _noticed(day: _Shop, before: _Sizes) -> int:
    """Entries of the day by which nodes learned of orders; counted at the first nodes, and taken for all alike."""
    looked = day.nodes[:10]
    found = sum(
        b'"ev":"OrderNoticed"' in row.body
        for node in looked
        for row in node.means.store.rows(before.entries[node.id], node.spine.size)
    )
    return found * len(day.nodes) // len(looked)


def _state_kb(site: Site) -> float:
    return round(len(standing_bytes(site.chronicle)) / 1e3, 1)


def resident_mb() -> float:
    """This process's memory now (resident, MB); 0 where the machine does not say."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmRSS:")), 0.0)


def run_day(folder: Path, *, quick: bool = False) -> Iterator[Day]:
    """Every size, in a shop of its own."""
    for size in QUICK_SIZES if quick else SIZES:
        place = folder / "-".join(map(str, size))
        yield asyncio.run(measure_day(place, size, QUICK_ORDERS if quick else ORDERS_A_DAY))

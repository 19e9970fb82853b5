"""Releases while work goes on: a job's decisions name one version, and follow it; a release reaches every node in reach."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
from holdgate.bench.load import (
    CONTRACT,
    FIRST,
    NODE,
    VERSION,
    LogicalClock,
    Place,
    Work,
    bench_world,
    order_acts,
    scan_of,
    stage_orders,
)
from holdgate.bench.spread import measure_spread
from holdgate.bootstrap import Shop
from holdgate.engine.reading import Read
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry
from holdgate.scenario.files import World, revise
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import audit_shop
from holdgate.sites.policies import Telling
from holdgate.sites.site import Site
from holdgate.terms.instant import SECOND_US

CALLERS = 6
STORM = ("4", "5", "6", "7")
WAITS_AFTER = 20
"""Acts of a job before the storm is over; the rest come afterwards."""


def patient(world: World) -> World:
    """The world with dwell windows that hold however the acts of several people fall between each other."""
    patch: Any = [
        {"id": step, "window": {"from": since, "min_s": "0"}} for step, since in (("S40", "S30"), ("S70", "S60"))
    ]
    return replace(world, contracts=(revise(world.contracts[0], {"steps_patch": patch}),))


def stricter(world: World, version: str) -> dict[str, Any]:
    """The next version: the lamp has to give more, so that what conforms under one does not under the other."""
    tree = world.contracts[0]
    steps: Any = tree["steps"]
    first = [dict(item) for item in steps[0]["characteristics"]]
    first[0]["min"] = str(2000 + 100 * int(version))
    patch: Any = {"version": version, "steps_patch": [{"id": "S10", "characteristics": first}]}
    return revise(tree, patch)


class Storm:
    """A shop whose node works off jobs while one version after the other is released."""

    def __init__(self, shop: Shop, opening: Opening, world: World) -> None:
        self.shop = shop
        self.opening = opening
        self.world = world
        self.over = asyncio.Event()

    @property
    def node(self) -> Site:
        return self.shop.sites[NODE]

    async def allow(self, site: Site, command: c.Command) -> None:
        answer = await site.submit(self.opening.desk.sign(command))
        assert answer.decision.allowed, answer.decision.denials

    def work(self, version: str) -> Work:
        chronicle = self.node.chronicle
        sha256 = chronicle.state.versions[f"{CONTRACT}/{version}"]
        template = chronicle.library.template(sha256)
        assert template is not None
        technique = chronicle.library.technique(template.process)
        assert technique is not None
        return Work(self.opening.desk, technique, sha256)

    async def whole_job(self, place: Place) -> None:
        """Every act of a job under the first version; a stricter limit would refuse its signature."""
        for number, command in enumerate(self.work(VERSION).acts(place)):
            if number == WAITS_AFTER:
                await self.over.wait()
            await self.allow(self.node, command)

    async def releases(self) -> None:
        """One version after the other, each with a job of its own that is begun under it."""
        hub = self.shop.of_kind("business_hub")
        for number, version in enumerate(STORM):
            await self.opening.propose(self.shop, stricter(self.world, version))
            await self.allow(hub, self.opening.activation(CONTRACT, version))
            place = await self.ordered(f"PO-STORM-{version}", (f"S-{version}",), version, number)
            begun = self.work(version).acts(place)
            for command in (next(begun) for _ in range(3)):
                await self.allow(self.node, command)
        self.over.set()

    async def ordered(self, order: str, serials: tuple[str, ...], version: str, number: int) -> Place:
        """An order under this version, at the node; nobody waits for the shop to be quiet."""
        floor = self.shop.of_kind("floor_hub")
        for command in order_acts(self.opening.desk, order, serials, version=version):
            await self.allow(self.shop.of_kind("business_hub"), command)
        await until(lambda: order in floor.chronicle.state.slips)
        await self.allow(floor, scan_of(self.opening.desk, order, serials, 10**6 + number))
        await until(lambda: order in self.node.chronicle.state.orders)
        return Place(f"SID-TEC-{1000 + CALLERS}", order, f"J-{version}", serials)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # sites tell nobody how far they are
        await asyncio.sleep(0.001)


async def storm(folder: Path) -> list[Entry]:
    """The node's entries, after jobs ran and versions were released at the same time."""
    clock, world = LogicalClock(), patient(bench_world(CALLERS + 1))
    opening = Opening(folder, world, FIRST, clock)
    shop = await opening.open()
    try:
        clock.instant = FIRST
        run = Storm(shop, opening, world)
        places = await stage_orders(shop, opening.desk, CALLERS)
        clock.step_us = SECOND_US
        jobs = [run.whole_job(place._replace(technician=f"SID-TEC-{1000 + i}")) for i, place in enumerate(places)]
        await asyncio.gather(run.releases(), *jobs)
        await shop.settle()
        return [read_entry(row.body) for row in run.node.means.store.rows(0, run.node.spine.size)]
    finally:
        shop.close()


def by_job(entries: list[Entry]) -> Iterator[tuple[ev.JobStarted, list[Entry]]]:
    """Each job's start and the entries about it from then on."""
    started: dict[str, tuple[ev.JobStarted, list[Entry]]] = {}
    for entry in entries:
        for event in decision_of(entry).events:
            if isinstance(event, ev.JobStarted):
                started[entry.subject] = (event, [])
        if entry.subject in started:
            started[entry.subject][1].append(entry)
    yield from started.values()


def test_no_decision_is_made_under_a_mixed_version_while_releases_come_and_jobs_run(tmp_path: Path) -> None:
    jobs = [*by_job(asyncio.run(storm(tmp_path / "shop")))]
    assert len(jobs) == CALLERS + len(STORM)
    for start, own in jobs:
        for entry in own[1:]:
            assert (entry.law.contract, entry.law.version) == (start.sha256, start.version), entry.seq
        said = [event for entry in own for event in decision_of(entry).events]
        lamps = [event for event in said if isinstance(event, ev.ReadingRecorded) and event.characteristic == "uva"]
        assert [(event.value, event.conforms) for event in lamps] == [("2100", start.version == VERSION)]
    begun = [own[0].seq for start, own in jobs if start.version in STORM]
    for start, own in jobs:
        if start.version == VERSION:
            assert own[0].seq < min(begun), "every release comes while the job runs"
            assert max(begun) < own[-1].seq
    for report in audit_shop(tmp_path / "shop"):
        assert not report.findings, report.findings


def test_one_signed_release_reaches_every_node_and_those_that_are_absent_are_named(tmp_path: Path) -> None:
    whole, part = asyncio.run(measure_spread(tmp_path / "shop", nodes=5, cut=2))
    assert (whole.nodes, whole.absent) == (5, ())
    assert (part.nodes, part.absent) == (3, ("NODE-005", NODE))
    assert whole.last_ms > 0


def test_a_version_that_is_stricter_is_told_apart() -> None:
    """What the storm rests on: the value that its jobs read conforms under the first version and under no other."""
    world = replace(bench_world(1))
    limits = [stricter(world, version)["steps"][0]["characteristics"][0]["min"] for version in STORM]
    assert limits == ["2400", "2500", "2600", "2700"]


def test_what_a_peer_may_not_see_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet entries are read once for each peer, are not sent by themselves however many there are, and none is forgotten.

    Sent by themselves they would be taken in, and each taking-in is a quiet entry again: a hub with a hundred nodes would
    never be done.
    """
    looked: list[int] = []
    discloses = Telling.discloses

    def counted(self: Telling, read: Read) -> bool:
        looked.append(read.row.seq)
        return discloses(self, read)

    async def story() -> None:
        clock, world = LogicalClock(), bench_world(1)
        opening = Opening(tmp_path / "shop", world, FIRST, clock)
        shop = await opening.open()
        try:
            clock.instant = FIRST
            hub, node = shop.of_kind("business_hub"), shop.sites[NODE]
            before = hub.spine.size
            held = node.chronicle.state.origins[hub.notary.origin].size
            monkeypatch.setattr(Telling, "discloses", counted)
            monkeypatch.setattr("holdgate.engine.replicate.STRETCH", 4)
            for number in range(12):
                terms = next(order_acts(opening.desk, f"PO-{number}", (f"S-{number}",)))
                assert (await hub.submit(opening.desk.sign(terms))).decision.allowed
                await shop.settle()
            assert node.chronicle.state.origins[hub.notary.origin].size == held, "nothing of it is for the node"
            quiet = [seq for seq in looked if before <= seq < before + 12]
            assert len(quiet) <= 12 * len(hub.links) * 2
            await opening.propose(shop, stricter(world, "4"))
            await shop.settle()
            assert f"{CONTRACT}/4" in node.chronicle.state.versions
            assert node.chronicle.state.origins[hub.notary.origin].size > before + 12
        finally:
            shop.close()

    asyncio.run(asyncio.wait_for(story(), 60))

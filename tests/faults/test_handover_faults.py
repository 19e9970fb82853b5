"""A bus that loses requests and answers: between the sites everything arrives once, and everybody sees the same in the end.

Each call from site to site fails, either before it reached the peer or after the peer did it and only the answer was
lost: by kind of call, and at random positions under printed seeds.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from holdgate.adapters.memory_bus import MemoryBus
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer, Taken
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.segments import Segment
from holdgate.law.state import job_key
from holdgate.law.view import job_view
from holdgate.ledger.merkle import root_from_frontier
from holdgate.sites.site import Site
from holdgate.terms.errors import Unavailable
from tests.unit.test_sites import (
    FLOOR,
    HUB,
    NODE,
    OTHER,
    SITES,
    VAULT,
    House,
    entries,
    events,
    governed,
    settled,
    unsound,
)

CALLS = ("deliver", "offer", "held", "latest", "attest")
LOST, UNANSWERED = "not delivered", "delivered, the answer lost"

# ---- a bus with faults ---------------------------------------------------------------------------------------------


class Weather:
    """Says what happens to a call: nothing, or one of the two losses. Counts what it did."""

    def __init__(self) -> None:
        self.fair = True
        self.done: Counter[tuple[str, str]] = Counter()

    def strikes(self, call: str) -> str:
        """The loss of this call; empty: it gets through."""
        found = "" if self.fair else self.draw(call)
        if found:
            self.done[call, found] += 1
        return found

    def draw(self, call: str) -> str:
        """What befalls this call."""
        raise NotImplementedError


class Every(Weather):
    """The `first`-th to `last`-th call of one kind are lost."""

    def __init__(self, call: str, loss: str, first: int, last: int) -> None:
        super().__init__()
        self._call, self._loss, self._calls = call, loss, itertools.count(1)
        self._range = range(first, last + 1)

    @override
    def draw(self, call: str) -> str:
        return self._loss if call == self._call and next(self._calls) in self._range else ""


class Chance(Weather):
    """Any call may be lost."""

    def __init__(self, seed: int, rate: float) -> None:
        super().__init__()
        self._random, self._rate = random.Random(seed), rate

    @override
    def draw(self, call: str) -> str:
        return self._random.choice((LOST, UNANSWERED)) if self._random.random() < self._rate else ""


class StormyBus(MemoryBus):
    """The in-process bus in bad weather."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self.weather = weather

    @override
    def peer(self, sender: str, receiver: str) -> Peer:
        return Stormy(super().peer(sender, receiver), self.weather)


class Stormy(Peer):
    """A peer behind a lossy link."""

    def __init__(self, peer: Peer, weather: Weather) -> None:
        self._peer = peer
        self._weather = weather

    def _before(self, call: str) -> str:
        loss = self._weather.strikes(call)
        if loss == LOST:
            raise Unavailable(f"{call} was lost on the way")
        return loss

    def _after(self, call: str, loss: str) -> None:
        if loss:
            raise Unavailable(f"the answer to {call} was lost")

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        loss = self._before("deliver")
        answer = await self._peer.deliver(raw, pins, sender)
        self._after("deliver", loss)
        return answer

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        loss = self._before("offer")
        taken = await self._peer.offer(segment, sender)
        self._after("offer", loss)
        return taken

    @override
    async def held(self, origin: str, sender: str) -> int:
        loss = self._before("held")
        size = await self._peer.held(origin, sender)
        self._after("held", loss)
        return size

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        loss = self._before("latest")
        note = await self._peer.latest(origin, sender)
        self._after("latest", loss)
        return note

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        loss = self._before("attest")
        note = await self._peer.attest(origin, sender)
        self._after("attest", loss)
        return note


# ---- the story -----------------------------------------------------------------------------------------------------

ORDERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (("PO-1", NODE, ("S1", "S2")), ("PO-2", OTHER, ("S3",)))
READER_OF = {"PO-1": "SCN-1", "PO-2": "SCN-2"}


def wake(house: House) -> None:
    """The transport says that all links are up: everybody tries again."""
    for site in house.shop.sites.values():
        for link in site.links.values():
            link.wake()


async def through(house: House) -> None:
    """As far as the weather lets things go, with some patience."""
    for _ in range(3):
        await settled(house.shop)
        wake(house)
    await settled(house.shop)


async def attested(site: Site) -> None:
    """Ask the Vault for its time until it answers."""
    for _ in range(50):
        try:
            return await site.refresh_witness()
        except Unavailable:
            await asyncio.sleep(0)
    raise AssertionError("the Vault never answered")


async def work(house: House) -> None:
    """Two orders, from the client's signature to a job started, in whatever weather there is."""
    for order, node, serials in ORDERS:
        assert (await house.accept(order)).decision.allowed
        assert (await house.ask(HUB, house.stage(order, serials, node))).decision.allowed
        await through(house)
    house.shop.bus.weather.fair = True  # type: ignore[attr-defined]  # the gate can only scan for what it has heard of
    wake(house)
    await settled(house.shop)
    house.shop.bus.weather.fair = False  # type: ignore[attr-defined]
    for order, _, serials in ORDERS:
        assert (await house.ask(FLOOR, house.arrival(order, READER_OF[order], 1, serials))).decision.allowed
        await through(house)
    await attested(house.shop.sites[HUB])
    house.shop.bus.weather.fair = True  # type: ignore[attr-defined]
    wake(house)
    await settled(house.shop)
    started = await house.ask(NODE, house.start("PO-1", "J-1"))
    assert started.decision.allowed, started.decision
    await settled(house.shop)


def check_once(house: House) -> None:
    """Released once, received once, acknowledged once; each signed act of each log is there once."""
    sites = house.shop.sites
    for order, node, serials in ORDERS:
        staged = [event for event in events(sites[FLOOR], ev.SlipStaged) if event.order == order]
        released = [event for event in events(sites[FLOOR], ev.OrderReleased) if event.order == order]
        received = [(s.id, e) for s in sites.values() for e in events(s, ev.OrderReceived) if e.order == order]
        acknowledged = [e for e in events(sites[FLOOR], ev.ForwardAcknowledged) if e.order == order]
        assert [len(found) for found in (staged, released, received, acknowledged)] == [1, 1, 1, 1], order
        assert received[0][0] == node == released[0].node == acknowledged[0].node
        assert released[0].serials == received[0][1].serials == acknowledged[0].serials == serials
    for site in sites.values():
        acts = Counter(bytes(entry.action) for entry in entries(site) if entry.kind == "action")
        assert not [raw for raw, times in acts.items() if times > 1], site.id
        assert not [entry for entry in entries(site) if entry.kind == "attempt"], f"{site.id} took a peer for a forger"


def check_whole(house: House) -> None:
    """The business hub holds every log to its end, and so does the Vault; both saw what the node saw."""
    sites, vault = house.shop.sites, house.shop.vaults[VAULT]
    hub = sites[HUB].chronicle.state
    for name in (FLOOR, NODE, OTHER):
        site = sites[name]
        origin = hub.origins[site.notary.origin]
        # What the site records about this very contact (a cosignature, an import) may still be on its way; no more is.
        assert origin.size == site.spine.size, f"{name}: {origin.size} of {site.spine.size}"
        assert root_from_frontier(origin.frontier, origin.size) == site.chronicle.tree.root()
    for site in sites.values():
        bodies = [row.body for row in site.means.store.rows(0, 1 << 40)]
        assert vault.store.entries(site.notary.origin) == bodies, site.id
    key = job_key("PO-1", "J-1")
    assert job_view(hub.jobs[key]) == job_view(sites[NODE].chronicle.state.jobs[key])
    for order, _, serials in ORDERS:
        assert hub.orders[order].arrived == serials
    faults = {f"{site.id}→{peer}": link.fault for site in sites.values() for peer, link in site.links.items()}
    assert not [place for place, fault in faults.items() if fault is not None], faults


async def hand_over(house: House, weather: Weather, *, fair_at_first: bool = True) -> None:
    """The story in this weather, and everything that must hold after it."""
    house.shop.bus = StormyBus(weather)
    weather.fair = fair_at_first
    await house.shop.open()
    weather.fair = False
    try:
        await work(house)
        check_once(house)
        check_whole(house)
    finally:
        await house.close()
    assert unsound(house.audits()) == []


RANGES = {
    "deliver": ((1, 1), (3, 5), (1, 12)),
    "offer": ((1, 1), (3, 5), (1, 12)),
    "held": ((1, 1), (2, 4), (1, 12)),
    "attest": ((1, 1), (1, 5)),
}
CASES = [(call, loss, *span) for call, spans in RANGES.items() for loss in (LOST, UNANSWERED) for span in spans]


@pytest.mark.parametrize(("call", "loss", "first", "last"), CASES)
def test_lost_calls_of_one_kind(tmp_path: Path, call: str, loss: str, first: int, last: int) -> None:
    weather = Every(call, loss, first, last)
    # Sites ask what is held when they open, and hardly ever again.
    asyncio.run(hand_over(governed(tmp_path), weather, fair_at_first=call != "held"))
    assert weather.done[call, loss], "the loss was never met: this case tests nothing"


@pytest.mark.parametrize("loss", [LOST, UNANSWERED])
def test_a_site_starts_unreconciled_where_the_vault_does_not_answer(tmp_path: Path, loss: str) -> None:
    async def story(house: House) -> None:
        house.shop.bus = StormyBus(weather)
        house.open_vault()
        weather.fair = False
        try:
            site = await house.open(FLOOR)
            assert not events(site, ev.Booted)[-1].reconciled
        finally:
            weather.fair = True
            await house.close()

    weather = Every("latest", loss, 1, 1)
    asyncio.run(story(governed(tmp_path)))


@pytest.mark.parametrize("seed", range(8))
def test_calls_lost_by_chance(tmp_path: Path, seed: int) -> None:
    rate = (0.1, 0.3, 0.5, 0.8)[seed % 4]
    print(f"seed {seed}, rate {rate}")
    weather = Chance(seed, rate)
    asyncio.run(hand_over(governed(tmp_path), weather))
    assert weather.done


@pytest.mark.parametrize("seed", range(3))
def test_links_cut_and_mended_by_chance(tmp_path: Path, seed: int) -> None:
    """Whole links go down and come up while the story runs."""
    print(f"seed {seed}")

    async def story(house: House) -> None:
        chance, bus = random.Random(seed), house.shop.bus
        await house.shop.open()
        pairs = [*itertools.combinations((*SITES, VAULT), 2)]
        for order, node, serials in ORDERS:
            assert (await house.accept(order)).decision.allowed
            assert (await house.ask(HUB, house.stage(order, serials, node))).decision.allowed
            for _ in range(6):
                one, other = chance.choice(pairs)
                (bus.cut if chance.random() < 0.5 else bus.mend)(one, [other])
                for _ in range(chance.randrange(30)):
                    await asyncio.sleep(0)
            bus.mend(HUB, [FLOOR])
            await settled(house.shop)
            assert (await house.ask(FLOOR, house.arrival(order, READER_OF[order], 1, serials))).decision.allowed
        for one, other in pairs:
            bus.mend(one, [other])
        await settled(house.shop)
        assert (await house.ask(NODE, house.start("PO-1", "J-1"))).decision.allowed
        await settled(house.shop)
        check_once(house)
        check_whole(house)
        await house.close()
        assert unsound(house.audits()) == []

    asyncio.run(story(governed(tmp_path)))


def test_a_replicated_answer_comes_also_when_the_vault_s_own_answer_was_lost(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        weather = Every("offer", UNANSWERED, 1, 1)
        house.shop.bus = StormyBus(weather)
        house.open_vault()
        floor = await house.open(FLOOR)
        await settled(house.shop)
        weather.fair = False
        try:
            asked = asyncio.ensure_future(floor.submit_replicated(house.sign(house.slip("PO-1"))))
            for _ in range(50):
                await asyncio.sleep(0.002)
                floor.links[VAULT].wake()
            assert weather.done
            assert house.shop.vaults[VAULT].store.held(floor.notary.origin)[0] == floor.spine.size
            await asyncio.wait_for(asked, 0.5)
        finally:
            await house.close()

    asyncio.run(story(governed(tmp_path)))

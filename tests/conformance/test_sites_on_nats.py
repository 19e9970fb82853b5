"""A whole small order on sites that have nothing in common but a NATS server, which is killed in the middle of it.

Hub, floor hub, one node and the Vault, each with its own connection, store and key. The second node of the shop stays away.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from typing_extensions import override

from holdgate.adapters.nats_bus import NatsBus, Timing, TransportKey
from holdgate.adapters.nkeys import public_text
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.engine.bus import Peer
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import document_digest
from holdgate.sites.build import policies_for
from holdgate.sites.site import Site
from holdgate.terms.limits import BLOB_BYTES_MAX, PINS_MAX, WIRE_BYTES_MAX
from tests.broker import SHOP, Server, broker, key_of
from tests.conformance.test_bus import until
from tests.unit.test_sites import (
    FLOOR,
    HUB,
    LIMITS,
    NODE,
    TEMPLATE,
    VAULT,
    House,
    entries,
    events,
    governed,
    unsound,
)

pytestmark = pytest.mark.enable_socket  # one server, on this machine's loopback

THERE: Final = (VAULT, HUB, FLOOR, NODE)
QUICK: Final = Timing(beat_s=0.2, silence_s=0.8, first_s=0.05, longest_s=0.2)


class Lossy(NatsBus):
    """Loses the next answers that it would send."""

    lose = 0

    @override
    async def _reply(self, client: Any, reply: str, key: bytes, said: bytes) -> None:
        if self.lose:
            self.lose -= 1
        else:
            await super()._reply(client, reply, key, said)


class Wired:
    """The shop's sites, each on its own line to the server."""

    def __init__(self, house: House, server: Server) -> None:
        self.house = house
        self.server = server
        self.buses: dict[str, Lossy] = {}

    async def open(self) -> None:
        for name in THERE:
            await self.open_site(name)
        await self.settle()

    async def open_site(self, name: str) -> None:
        shop, key = self.house.shop, key_of(name)
        seats = [seat.id for seat in shop.charter.sites]
        bus = Lossy(name, SHOP, seats, [self.server.url], TransportKey(public_text(key), key.sign), timing=QUICK)
        self.buses[name] = bus
        assert await bus.connect(10), bus.faults
        await bus.meet([other for other in self.buses if other != name], 10)
        if name == VAULT:
            self.house.open_vault()
            vault = shop.vaults[VAULT]
            vault.introduce(bus.admit)
            bus.attach(name, vault, vault.link_changed)
            return
        means = shop._premises.means(shop._premises.seat(name), bus, shop.clock, shop.entropy)
        site = shop.sites[name] = Site(means, policies_for, timers=True)
        await site.start()
        bus.attach(name, site, site.link_changed)
        for other in seats:
            if other != name:
                site.link_changed(other, bus.linked(name, other))

    async def settle(self) -> None:
        """Everything that those who are there have to tell each other was told."""
        calm = 0
        while calm < 5:
            await asyncio.sleep(0.01)
            quiet = all(
                site.idle and all(link.backlog == 0 for peer, link in site.links.items() if peer in THERE)
                for site in self.house.shop.sites.values()
            )
            calm = calm + 1 if quiet else 0

    async def settled(self) -> None:
        await asyncio.wait_for(self.settle(), 40)

    async def close(self) -> None:
        self.house.shop.close()
        for bus in self.buses.values():
            await bus.close()
        await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """The server dies; everybody notices."""
        await asyncio.to_thread(self.server.kill)
        await until(lambda: not any(bus.connected for bus in self.buses.values()))

    async def revive(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def allowed(self, site: str, command: c.AnyCommand) -> None:
        answer = await self.house.ask(site, command)
        assert answer.decision.allowed, answer.decision


@contextlib.asynccontextmanager
async def wired(house: House, place: Path, *later: str) -> AsyncIterator[Wired]:
    """The shop on a broker, which also knows those who come `later`."""
    names = [*(seat.id for seat in house.shop.charter.sites), *later]
    with broker(place / "broker", *names) as server:
        shop = Wired(house, server)
        try:
            await asyncio.wait_for(shop.open(), 60)
            yield shop
        finally:
            await shop.close()


def told(place: Path, story: Callable[[Wired], Awaitable[None]]) -> None:
    """A story; every log is audited in the end."""

    house = governed(place)

    async def run() -> None:
        async with wired(house, place) as shop:
            await story(shop)

    asyncio.run(run())
    assert unsound(house.audits()) == []


async def staged(shop: Wired, order: str, serials: tuple[str, ...]) -> None:
    assert (await shop.house.accept(order)).decision.allowed
    await shop.allowed(HUB, shop.house.stage(order, serials))


async def worked(shop: Wired, order: str, job: str) -> None:
    """The job, from its start to its last signature."""
    house, node = shop.house, shop.house.shop.sites[NODE]
    await shop.allowed(NODE, house.start(order, job))
    step: dict[str, Any] = {"order": order, "job": job, "step": "S10", "contract": document_digest(TEMPLATE)}
    who = ("TEC", "technician")
    await shop.allowed(NODE, c.StartStep(**house.head(NODE, who, place="WS-1"), **step, equipment=(), materials=()))
    reading: dict[str, Any] = {"characteristic": "forceatbreak", "value": LIMITS[0], "unit": "kN", "capture": "manual"}
    await shop.allowed(NODE, c.RecordReading(**house.head(NODE, who, place="WS-1"), **step, **reading))
    signer = house.unlocked("TEC", "technician", "performed and accepted")
    signed = c.SignStep(**house.head(NODE, signer, place="WS-1"), **step, result="pass")
    await shop.allowed(NODE, house.desk.shown(signed, node.chronicle.state))


def everybody_knows_everything(shop: Wired) -> None:
    """The hub holds both other logs, the Vault all three."""
    sites, vault = shop.house.shop.sites, shop.house.shop.vaults[VAULT]
    for name, site in sites.items():
        assert vault.store.held(site.notary.origin)[0] == site.spine.size, name
        if name != HUB:
            assert sites[HUB].chronicle.state.origins[site.notary.origin].size == site.spine.size, name


def test_a_whole_order_with_the_server_killed_in_the_middle(tmp_path: Path) -> None:
    async def story(shop: Wired) -> None:
        house, sites = shop.house, shop.house.shop.sites
        await staged(shop, "PO-1", ("S1",))
        await staged(shop, "PO-2", ("S2",))
        await shop.settled()
        await shop.allowed(FLOOR, house.arrival("PO-1", "SCN-1", 1))
        await asyncio.to_thread(shop.server.kill)  # while the release is on its way
        await shop.allowed(FLOOR, house.arrival("PO-2", "SCN-1", 2, ("S2",)))
        await until(lambda: not any(bus.connected for bus in shop.buses.values()))
        assert not any(bus.linked(bus.site, other) for bus in shop.buses.values() for other in THERE)
        assert len(events(sites[FLOOR], ev.OrderReleased)) == 2, "the dock works on"
        assert "PO-2" not in [e.order for e in events(sites[HUB], ev.InvoiceIssued)], "money waits for the office"
        await shop.revive()
        await shop.settled()
        assert sorted(e.order for e in events(sites[NODE], ev.OrderReceived)) == ["PO-1", "PO-2"]
        await worked(shop, "PO-1", "J-1")
        await shop.kill()
        await worked(shop, "PO-2", "J-2")
        await shop.revive()
        await shop.settled()
        for order, job in (("PO-1", "J-1"), ("PO-2", "J-2")):
            quantities = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
            qa = c.SignQa(
                **house.head(HUB, house.unlocked("QAM", "qa"), place="WS-OFFICE"),
                order=order,
                job=job,
                quantities=quantities,
            )
            await shop.allowed(HUB, house.desk.shown(qa, sites[HUB].chronicle.state))
        await shop.settled()
        paid = sorted((e.order, e.milestone) for e in events(sites[HUB], ev.InvoiceIssued))
        assert paid == [("PO-1", "final"), ("PO-1", "receipt"), ("PO-2", "final"), ("PO-2", "receipt")]
        everybody_knows_everything(shop)
        assert not [fault for bus in shop.buses.values() for fault in bus.faults if "defect" in fault]

    told(tmp_path, story)


def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_happens_twice(tmp_path: Path) -> None:
    async def story(shop: Wired) -> None:
        sites = shop.house.shop.sites
        for bus in shop.buses.values():
            bus._timing = QUICK._replace(ask_s=0.3)
        await staged(shop, "PO-1", ("S1",))
        await shop.settled()
        for name in (NODE, HUB, VAULT):
            shop.buses[name].lose = 2
        await shop.allowed(FLOOR, shop.house.arrival("PO-1", "SCN-1", 1))
        await shop.settled()
        assert not any(bus.lose for bus in shop.buses.values()), "answers were lost"
        assert len(events(sites[NODE], ev.OrderReceived)) == 1
        assert len(events(sites[HUB], ev.InvoiceIssued)) == 1
        acts = [open_envelope(bytes(e.action)).payload for e in entries(sites[NODE]) if e.kind == "action"]
        forwarded = [payload for payload in acts if b"order.forward" in payload]
        assert len(forwarded) == 1, "the same bytes again are no new entry"
        everybody_knows_everything(shop)

    told(tmp_path, story)


def test_the_same_action_delivered_twice_gets_the_first_answer(tmp_path: Path) -> None:
    async def story(shop: Wired) -> None:
        raw = shop.house.sign(shop.house.material("B-77"))
        hub: Peer = shop.buses[FLOOR].peer(FLOOR, HUB)
        first = await hub.deliver(raw, (), FLOOR)
        size = shop.house.shop.sites[HUB].spine.size
        again = await hub.deliver(raw, (), FLOOR)
        assert first.decision.allowed
        assert not first.resent
        assert (again.resent, again.seq, again.decision) == (True, first.seq, first.decision)
        assert len([e for e in events(shop.house.shop.sites[HUB], ev.MaterialRegistered) if e.batch == "B-77"]) == 1
        assert size <= shop.house.shop.sites[HUB].spine.size
        await shop.settled()

    told(tmp_path, story)


def test_a_site_that_starts_finds_the_vault_and_reconciles(tmp_path: Path) -> None:
    async def story(shop: Wired) -> None:
        for name in (HUB, FLOOR, NODE):
            boot = [entry for entry in entries(shop.house.shop.sites[name]) if entry.kind == "boot"][-1]
            assert b'"reconciled":true' in bytes(boot.record), name

    told(tmp_path, story)


def test_more_documents_than_one_message_holds_reach_the_vault_in_several(tmp_path: Path) -> None:
    """A shop that was cut off for long has more to tell than one message may hold."""

    async def story(shop: Wired) -> None:
        house, hub = shop.house, shop.house.shop.sites[HUB]
        await shop.kill()
        for number in range(3):
            documents = [bytes([number, n]) * (BLOB_BYTES_MAX // 2) for n in range(PINS_MAX)]
            named: dict[str, Any] = {"contract": f"SP-{number}", "version": "1", "sha256": digest(documents[0])}
            head = house.head(HUB, ("AUT", "author"))
            await house.ask(HUB, c.SubmitContract(**head, **named), *documents)  # refused, and kept
        assert [len(entry.pins) for entry in entries(hub) if entry.kind == "action"][-3:] == [PINS_MAX] * 3
        assert 3 * PINS_MAX * BLOB_BYTES_MAX > WIRE_BYTES_MAX
        await shop.revive()
        await shop.settled()
        everybody_knows_everything(shop)

    told(tmp_path, story)

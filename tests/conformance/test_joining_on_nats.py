"""A node joins a shop whose sites have nothing in common but a NATS server, as its process does; others restart and hear it too."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from holdgate.adapters.nkeys import seed_text
from holdgate.bootstrap import SEAT
from holdgate.engine.address import BusAddress
from holdgate.law import event as ev
from holdgate.process import BUS_ADDRESS, BUS_FOLDER, BUS_KEY, SiteConfig, open_one
from holdgate.sites.site import Site
from tests.broker import SHOP, key_of
from tests.conformance.test_bus import until as within
from tests.conformance.test_sites_on_nats import Wired, wired
from tests.unit.test_joining import NEW, allowed, enrolment, laid_out
from tests.unit.test_sites import FLOOR, HUB, VAULT, events, governed, unsound

pytestmark = pytest.mark.enable_socket  # one server, on this machine's loopback


async def until(true: Callable[[], bool]) -> None:
    """Wait for it; a slow machine has time."""
    await within(true, 60)


async def again(shop: Wired, name: str) -> None:
    """A site's process ends and is started anew, with the charter and its own store alone."""
    house = shop.house.shop
    bus = shop.buses.pop(name)
    if name == VAULT:
        house.vaults.pop(name).close()
    else:
        house.sites.pop(name).stop()
    await bus.close()
    await shop.open_site(name)


def machine(shop: Wired, place: Path) -> SiteConfig:
    """The newcomer's own machine: charter, trust, its folder, and the way to the broker."""
    (place / BUS_FOLDER).mkdir(parents=True)
    for name in ("charter.json", "trust.json"):
        shutil.copyfile(shop.house.directory / name, place / name)
    shutil.move(shop.house.directory / NEW, place / NEW)
    address = BusAddress(shop=SHOP, servers=(shop.server.url,))
    (place / BUS_FOLDER / BUS_ADDRESS).write_bytes(msgspec.json.encode(address))
    (place / NEW / BUS_KEY).write_text(seed_text(key_of(NEW)), encoding="ascii")
    assert (place / NEW / SEAT).is_file()
    return SiteConfig(site=NEW, data=str(place))


def test_a_node_joins_over_the_broker_and_is_known_after_every_restart(tmp_path: Path) -> None:
    house = governed(tmp_path)

    async def joins(shop: Wired, config: SiteConfig, origin: str) -> None:
        async with open_one(config, "node") as (node, _):
            assert isinstance(node, Site)
            await until(lambda: set(node.links) == {HUB, FLOOR, VAULT})
            await until(lambda: house.shop.vaults[VAULT].store.held(origin)[0] == node.spine.size)
            for name in (VAULT, HUB, FLOOR):
                await again(shop, name)
                await until(lambda name=name: shop.buses[name].linked(name, NEW))  # type: ignore[misc]

    async def works(config: SiteConfig, origin: str) -> None:
        sites = house.shop.sites
        async with AsyncExitStack() as opened:
            assert (await house.accept("PO-1")).decision.allowed
            await allowed(house, HUB, house.stage("PO-1", ("S1",), NEW))
            await until(lambda: "PO-1" in sites[FLOOR].chronicle.state.slips)
            await allowed(house, FLOOR, house.arrival("PO-1", "SCN-1", 1))
            node, _ = await opened.enter_async_context(open_one(config, "node"))
            assert isinstance(node, Site)
            await until(lambda: bool(events(sites[FLOOR], ev.ForwardAcknowledged)))
            assert [e.order for e in events(node, ev.OrderReceived)] == ["PO-1"]
            await until(lambda: house.shop.vaults[VAULT].store.held(origin)[0] == node.spine.size)

    async def run() -> None:
        async with wired(house, tmp_path, NEW) as shop:
            await shop.settled()
            seat = laid_out(house)
            config = machine(shop, tmp_path / "elsewhere")
            await allowed(house, HUB, enrolment(house, seat))
            await until(lambda: seat.origin in house.shop.vaults[VAULT].origins)
            await joins(shop, config, seat.origin)
            await works(config, seat.origin)

    asyncio.run(run())
    shutil.move(tmp_path / "elsewhere" / NEW, house.directory / NEW)
    assert unsound(house.audits()) == []

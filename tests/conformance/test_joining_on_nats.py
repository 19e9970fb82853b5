"""A node joins a shop whose sites have nothing in common but a NATS server; whoever restarts afterwards hears it too."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from holdgate.law import event as ev
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


def test_a_node_joins_over_the_broker_and_is_known_after_every_restart(tmp_path: Path) -> None:
    house = governed(tmp_path)

    async def story(shop: Wired) -> None:
        sites, vaults = house.shop.sites, house.shop.vaults
        await shop.settled()
        seat = laid_out(house)
        await allowed(house, HUB, enrolment(house, seat))
        await until(lambda: NEW in sites[HUB].links and NEW in sites[FLOOR].links)
        await until(lambda: seat.origin in vaults[VAULT].origins)
        await shop.open_site(NEW)
        node = sites[NEW]
        await until(lambda: set(node.links) == {HUB, FLOOR, VAULT})
        await until(lambda: vaults[VAULT].store.held(seat.origin)[0] >= node.spine.size > 2)
        await until(lambda: sites[HUB].links[NEW].up)
        for name in (VAULT, HUB, FLOOR, NEW):
            await again(shop, name)
        await until(lambda: set(sites[NEW].links) == {HUB, FLOOR, VAULT})
        assert (await house.accept("PO-1")).decision.allowed
        await allowed(house, HUB, house.stage("PO-1", ("S1",), NEW))
        await until(lambda: "PO-1" in sites[FLOOR].chronicle.state.slips)
        await allowed(house, FLOOR, house.arrival("PO-1", "SCN-1", 1))
        await until(lambda: bool(events(sites[FLOOR], ev.ForwardAcknowledged)))
        await until(lambda: vaults[VAULT].store.held(seat.origin)[0] >= sites[NEW].spine.size)

    async def run() -> None:
        async with wired(house, tmp_path, NEW) as shop:
            await story(shop)

    asyncio.run(run())
    assert unsound(house.audits()) == []

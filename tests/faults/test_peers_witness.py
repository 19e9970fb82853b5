"""Other sites hold what they took of a log, under its own signed checkpoint: they find a store that was set back, too."""

import asyncio
import shutil
from pathlib import Path

import pytest

from holdgate.sites.site import Site
from holdgate.terms.errors import Tampered
from tests.unit.test_sites import FLOOR, HUB, NODE, OTHER, VAULT, House, founded, governed, settled, unsound

PEERS = (FLOOR, NODE, OTHER)


async def opened(house: House, *peers: str, vault: bool = False) -> Site:
    """The peers, then the business hub."""
    if vault:
        house.open_vault()
    for peer in peers:
        await house.open(peer)
    return await house.open(HUB)


async def told_everybody(house: House) -> None:
    """Everybody works together once, so that the hub's log is known everywhere."""
    hub = await opened(house, *PEERS, vault=True)
    for peer in PEERS:
        hub.link_changed(peer, up=True)
    await settled(house.shop)
    await house.close()


def anew(house: House, seed: int) -> House:
    return House(house.directory, seed=seed << 16)


@pytest.mark.parametrize(("peers", "confirmed"), [((), False), ((FLOOR,), False), ((FLOOR, NODE), True), (PEERS, True)])
def test_without_the_vault_more_than_half_of_the_sites_that_take_the_log_confirm_it(
    tmp_path: Path, peers: tuple[str, ...], confirmed: bool
) -> None:
    async def story(house: House) -> None:
        await told_everybody(house)
        again = anew(house, 7)
        hub = await opened(again, *peers)
        assert hub.reconciled is confirmed
        await again.close()
        assert unsound(again.audits()) == []

    asyncio.run(story(governed(tmp_path)))


def test_a_restored_backup_is_found_by_a_single_site_that_took_more_of_the_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await told_everybody(house)
        backup = Path(shutil.copytree(house.directory / HUB, house.directory.parent / "backup"))
        later = anew(house, 8)
        hub = await opened(later, NODE, vault=True)
        hub.link_changed(NODE, up=True)
        assert (await later.ask(HUB, later.material("B-9"))).decision.allowed
        await settled(later.shop)
        await later.close()
        shutil.rmtree(house.directory / HUB)
        shutil.copytree(backup, house.directory / HUB)
        again = anew(house, 9)
        await again.open(NODE)
        with pytest.raises(Tampered, match=rf"but {NODE} holds \d+: the store was set back"):
            await again.open(HUB)
        again.shop.close()

    asyncio.run(story(governed(tmp_path)))


def test_a_peer_that_never_heard_of_the_log_confirms_a_new_one_and_blames_nobody(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub = await opened(house, *PEERS)
        assert hub.reconciled, "three say that they hold nothing of it"
        assert hub.spine.size > 0
        await house.close()

    asyncio.run(story(founded(tmp_path)))
    assert VAULT not in PEERS

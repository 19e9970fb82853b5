"""What a scenario does to a node's disk is done with the product's own backups, and what it says of it was really refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdgate.bootstrap import VAULT, Shop
from holdgate.scenario.files import ScenarioStep
from holdgate.scenario.links import Done, Links
from holdgate.scenario.opening import Opening
from holdgate.scenario.restores import RESTORES
from holdgate.scenario.run import audit_shop
from holdgate.terms.errors import Malformed
from tests.unit.test_scenario_links import AT, NODE, OTHER, world

ANY: Any = None


class Stage:
    """A running shop of the small world, and what is done to its disks."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.links = Links(shop)

    async def do(self, action: str, **inputs: str) -> Done:
        step = ScenarioStep(
            n=7, at=AT, node=None, actor_id="SYS", actor_role="system", action=action, inputs={**inputs}, expect=ANY
        )
        done = await RESTORES[action](self.links, step)
        await self.shop.settle()
        return done

    async def happen(self, site: str, source: str) -> None:
        """Something is recorded there: an attempt."""
        with pytest.raises(Malformed):
            await self.shop.sites[site].submit(b"noise", source=source)
        await self.shop.settle()

    def size(self, site: str) -> int:
        return self.shop.sites[site].spine.size


async def opened(folder: Path) -> Stage:
    return Stage(await Opening(folder / "shop", world(folder), AT).open())


def test_an_older_copy_is_refused_and_its_node_is_down_until_the_vaults_copy_is_put_back(tmp_path: Path) -> None:
    async def story() -> None:
        stage = await opened(tmp_path)
        assert (await stage.do("shop.backup")).effects == ("backed_up",)
        await stage.happen(NODE, "a")
        before = stage.size(NODE)
        refused = await stage.do("node.restore", node=NODE, source="backup")
        assert (refused.decision.codes, refused.effects) == (("CHAIN_BROKEN",), ())
        assert f"but {VAULT} cosigned {before}: the store was set back" in str(refused.decision.denials)
        assert NODE not in stage.shop.sites
        assert not stage.shop.bus.linked(OTHER, NODE)
        again = await stage.do("node.restore", node=NODE, source="vault")
        assert (again.decision.allowed, again.effects) == (True, ("restored",))
        await stage.happen(NODE, "b")
        assert stage.size(NODE) > before
        stage.shop.close()

    asyncio.run(story())
    assert [finding for report in audit_shop(tmp_path / "shop") for finding in report.findings] == []


def test_the_newest_backup_is_put_back(tmp_path: Path) -> None:
    async def story() -> None:
        stage = await opened(tmp_path)
        await stage.do("shop.backup")
        await stage.happen(NODE, "a")
        await stage.do("shop.backup")
        held = stage.size(NODE)
        assert (await stage.do("node.restore", node=NODE, source="backup")).decision.allowed
        assert stage.size(NODE) > held, "all that it had, and its start"
        stage.shop.close()

    asyncio.run(story())


def test_without_a_backup_nothing_can_be_put_back_and_the_step_is_named(tmp_path: Path) -> None:
    async def story() -> None:
        stage = await opened(tmp_path)
        with pytest.raises(Malformed, match="step 7: there is no backup to put back"):
            await stage.do("node.restore", node=NODE, source="backup")
        await stage.happen(NODE, "a")
        stage.shop.close()

    asyncio.run(story())

"""The shop that a scenario file leaves behind, as a directory; and a log as it lies on a disk."""

import asyncio
from contextlib import closing
from pathlib import Path

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bootstrap import Shop
from holdgate.scenario.files import apply_given, read_scenario, read_world
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import Run
from tests.places import SCENARIOS


def played(folder: Path, number: str) -> Path:
    """Play a scenario of the project in `folder/shop`, and close it."""
    scenario = read_scenario(next((SCENARIOS).glob(f"{number}-*.yaml")))
    world = read_world(SCENARIOS / "worlds" / f"{scenario.world}.yaml")
    opening = Opening(folder / "shop", apply_given(world, scenario.given), scenario.steps[0].at)

    async def play() -> Shop:
        shop = await opening.open()
        await Run(shop, opening).whole(scenario)
        await shop.settle()
        return shop

    asyncio.run(play()).close()
    return folder / "shop"


def bodies(place: Path, site: str) -> list[bytes]:
    """A site's log as it lies in its store."""
    with closing(SqliteStore(place / site / "ledger.db", read_only=True)) as store:
        return [row.body for row in store.rows(0, 1 << 40)]

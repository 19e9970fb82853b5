"""The shop that a scenario file leaves behind, as a directory; and a log as it lies on a disk."""

import asyncio
import contextlib
import io
from contextlib import closing
from pathlib import Path

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bootstrap import Shop
from holdgate.cli.app import main
from holdgate.scenario.files import apply_given, read_scenario, read_world
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import Run
from tests.kept import copied
from tests.places import SCENARIOS


def played(folder: Path, number: str) -> Path:
    """The shop that a scenario of the project leaves behind, closed, in `folder/shop`; played once in a run of tests."""
    return copied(f"scenario-{number}", lambda place: _play(place, number), folder) / "shop"


def _play(folder: Path, number: str) -> None:
    scenario = read_scenario(next((SCENARIOS).glob(f"{number}-*.yaml")))
    world = read_world(SCENARIOS / "worlds" / f"{scenario.world}.yaml")
    opening = Opening(folder / "shop", apply_given(world, scenario.given), scenario.steps[0].at)

    async def play() -> Shop:
        shop = await opening.open()
        await Run(shop, opening).whole(scenario)
        await shop.settle()
        return shop

    asyncio.run(play()).close()


def demonstration(folder: Path) -> tuple[Path, Path]:
    """The shop that the demonstration leaves behind, and its bundles: in `folder/shop` and `folder/out`; played once in a run."""
    copied("demonstration", _demonstrate, folder)
    return folder / "shop", folder / "out"


def _demonstrate(folder: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(("demo", "--fast", "--json", "--data", str(folder / "shop"))) == 0
        assert main(("ledger", "export", "--data", str(folder / "shop"), "--bundles", str(folder / "out"))) == 0


def bodies(place: Path, site: str) -> list[bytes]:
    """A site's log as it lies in its store."""
    with closing(SqliteStore(place / site / "ledger.db", read_only=True)) as store:
        return [row.body for row in store.rows(0, 1 << 40)]

"""Places of bad luck: nobody chooses in production, none is in the pure core, and each asks first whether anybody does."""

import asyncio
import re
from collections import Counter
from pathlib import Path

from holdgate.engine import buggify
from tests.sim.luck import SOURCE, places
from tests.unit.test_sites import HUB, founded, settled

PURE = ("terms", "crypto", "identity", "ledger", "law", "handoff", "pay")
LOOKS_MAX = 40
"""How often one act of a lone person may ask, at the site that decides it; a look is some 20 ns."""


def test_nobody_chooses_in_production() -> None:
    assert not buggify.on
    assert not buggify.unlucky("vault: busy")
    outside = [path for path in SOURCE.rglob("*.py") if "buggify.choose" in path.read_text("utf-8")]
    assert not outside, "only tests let somebody choose"


def test_there_are_places_and_none_is_in_the_pure_core() -> None:
    assert len(places()) >= 12
    assert not [path for name in PURE for path in (SOURCE / name).rglob("*.py") if "buggify" in path.read_text("utf-8")]


def test_each_place_asks_first_whether_anybody_chooses() -> None:
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        asked = len(re.findall(r"buggify\.on and buggify\.unlucky\(", text))
        assert asked == text.count("buggify.unlucky("), path


def test_one_act_asks_a_handful_of_times(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def count(place: str) -> bool:
        asked[place] += 1
        return False

    async def story() -> None:
        house = founded(tmp_path)
        await house.open(HUB)
        await settled(house.shop)
        buggify.choose(count)
        try:
            answer = await house.ask(HUB, house.material("B-1"))
        finally:
            buggify.choose(None)
        assert answer.decision.allowed
        await house.close()

    asyncio.run(story())
    print(dict(asked))
    assert 0 < sum(asked.values()) <= LOOKS_MAX

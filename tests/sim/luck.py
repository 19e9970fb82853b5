"""Bad luck: which places of the product go the rarer way in a world, and how often (`holdgate.engine.buggify`)."""

import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src" / "holdgate"
_PLACE: Final = re.compile(r'buggify\.unlucky\(\s*"([^"]+)"\s*\)')


@cache
def places() -> tuple[str, ...]:
    """Every place that there is, as the product's own text names it."""
    found = [place for path in sorted(SOURCE.rglob("*.py")) for place in _PLACE.findall(path.read_text("utf-8"))]
    assert len(set(found)) == len(found), "two places have one name"
    return tuple(found)


class Luck:
    """Chooses for one world: each place is on in two worlds of three, and then goes the rarer way at a drawn rate.

    Args:
        seed: the world's.
        hits: what happened is counted here.
        now: whether anything goes wrong at this moment.
    """

    def __init__(self, seed: int, hits: "Counter[str]", now: Callable[[], bool]) -> None:
        self._rng = random.Random(f"luck {seed}")
        self._hits = hits
        self._now = now
        self._rates = {place: self._rng.choice((0.0, 0.1, 0.4)) for place in places()}

    def __call__(self, place: str) -> bool:
        rate = self._rates[place]
        if rate and self._now() and self._rng.random() < rate:
            self._hits[f"unlucky {place}"] += 1
            return True
        return False

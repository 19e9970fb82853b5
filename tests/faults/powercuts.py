"""Power cuts at drawn moments of recorded lives, opened by the product."""

import random
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.images import Disk
from tests.faults.intercept import SAID, Call, watched
from tests.faults.life import copy
from tests.faults.sweep import Story

SPARED: Final = ("", "", "VAULT", "FLOOR")
"""Whose machine has power still; both are cut in half of the images."""


class Recorded(NamedTuple):
    """A life in which nothing failed, call by call. `place`: as it was before."""

    story: Story
    place: Path
    calls: list[Call]


def recorded(story: Story, ground: Path) -> Recorded:
    """Live a story and write every call down."""
    calls: list[Call] = []
    before = copy(story.place, ground / f"recorded {story.name}")
    place = copy(story.place, ground / "living")
    outcome = watched(lambda: story.live(place), place, lambda call, number: calls.append(call))
    assert outcome.code == 0, outcome
    shutil.rmtree(place)
    here, there = str(place), str(before)
    return Recorded(story, before, [call._replace(path=call.path.replace(here, there, 1)) for call in calls])


class Cut(NamedTuple):
    """One image: the power goes before the n-th call. `due`: words said by then. `bad`: what is wrong ("": nothing)."""

    story: str
    number: int
    spared: str
    due: int
    bad: str


def cut(run: Recorded, seed: int, ground: Path) -> Cut:
    """Draw an image, and have the product open it."""
    chance = random.Random(seed)
    number = chance.randrange(len(run.calls) + 1)
    spared = chance.choice(SPARED)
    disk = Disk(run.place, names_follow=chance.random() < 0.5)
    said: list[bytes] = []
    for call in run.calls[:number]:
        disk.do(call)
        if call.name == SAID:
            said.append(call.data)
    place = ground / "image"
    disk.cut(place, chance, spared)
    bad = ""
    try:
        run.story.check(place, said)
    except Exception as error:  # noqa: BLE001  # whatever it is, this image is bad
        bad = f"{type(error).__name__}: {error}"
    shutil.rmtree(place)
    return Cut(run.story.name, number, spared, len(said), bad)

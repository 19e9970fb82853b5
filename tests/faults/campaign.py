"""`make faults`: storage that fails in every way that this project knows, at length; a table in the end.

The seed is drawn and printed; with `--seed` the same run comes again. What this machine does not offer is named, and not done.
"""

import argparse
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests import kept
from tests.faults import ext4
from tests.faults.flips import BAD, Lived, Played, Sealed
from tests.faults.full import filled, on_a_small_disk
from tests.faults.intercept import possible
from tests.faults.life import ground
from tests.faults.powercuts import cut, recorded
from tests.faults.restores import all_of_them
from tests.faults.sweep import logs, points, stories, tried
from tests.played import played
from tests.scores import record

LAST_WORDS = 12
"""Bad ones that are told in full."""


class Part(NamedTuple):
    """One row of the table. `row`, `check`: of the scoreboard; `unit`: what is counted. `run`: gives "" for each good one."""

    row: int
    check: str
    unit: str
    run: Callable[[], Iterator[str]]


class Campaign:
    """The parts, over one folder.

    Args:
        words: the command's options.
        place: where everything lies; thrown away in the end.
    """

    def __init__(self, words: argparse.Namespace, place: Path) -> None:
        self._words = words
        self._place = place
        self._logs = logs(place)
        self._begun = stories(self._logs, place)
        self._notes: Counter[str] = Counter()

    def parts(self) -> list[Part]:
        """Everything that is asked for."""
        return [
            Part(1, "system-calls", "points at which a storage call failed or killed", self._points),
            Part(2, "power-cuts", "power-cut images", self._images),
            Part(2, "power-cuts-ext4", "power-cut images under ext4", self._ext4),
            Part(1, "full-disks", "disks that ran full", self._full),
            Part(7, "bit-flips", "bits turned over", self._flips),
            Part(6, "restores", "kinds of copies put back", self._restores),
        ]

    def _points(self) -> Iterator[str]:
        every = points(self._begun, self._place)
        print(f"          {len(every)} points there are; calls that a run does not come to are not counted")
        wanted = self._words.points or len(every)
        for point in random.Random(self._words.seed).sample(every, min(wanted, len(every))):
            found = tried(point, self._place)
            if found.hit or found.bad:
                yield f"{point}: {found.bad}" if found.bad else ""

    def _images(self) -> Iterator[str]:
        runs = [recorded(story, self._place) for story in self._begun]
        for number in range(self._words.images):
            found = cut(runs[number % len(runs)], self._words.seed * 1_000_000 + number, self._place)
            yield f"image {self._words.seed * 1_000_000 + number}: {found}" if found.bad else ""

    def _ext4(self) -> Iterator[str]:
        if why := ext4.missing():
            print(f"          not done here: {why}")
            return
        runs = [ext4.recorded(story, self._place / "noted") for story in self._begun]
        for number in range(self._words.ext4):
            seed = self._words.seed * 1_000_000 + number
            _, bad = ext4.cut(runs[number % len(runs)], seed, self._place)
            yield f"image {seed} of {runs[number % len(runs)].story.name}: {bad}" if bad else ""

    def _full(self) -> Iterator[str]:
        for story in self._begun:
            for room in range(20_000, 340_000, 8_192):
                found = filled(story, room, self._place)
                if found.refused or found.bad:
                    yield f"{story.name}: {found}" if found.bad else ""
        try:
            for room in range(20_000, 340_000, 65_536):
                found = on_a_small_disk(self._begun[0], room, self._place)
                yield f"tmpfs: {found}" if found.bad else ""
        except OSError as error:
            print(f"          no mounted disk: {error}")

    def _flips(self) -> Iterator[str]:
        chance = random.Random(self._words.seed)
        shop = played(self._place / "played", "101")
        targets = (Played(shop, self._place), Lived(self._logs, self._place), Sealed(self._place))
        for number in range(self._words.flips):
            found = targets[number % 4 % 3].flip(chance)
            self._notes[found.came] += 1
            yield str(found) if found.came in BAD else ""

    def _restores(self) -> Iterator[str]:
        for name, why in all_of_them(self._place / "restores").items():
            yield f"{name}: {why}" if why else ""

    def run(self, part: Part) -> int:
        """Do a part, and record it; how many came out badly."""
        self._notes.clear()
        began, count, bad = time.monotonic(), 0, list[str]()
        for word in part.run():
            count += 1
            if word:
                bad.append(word)
                if len(bad) <= LAST_WORDS:
                    print(f"     BAD  {word}", flush=True)
        seconds = time.monotonic() - began
        note = ", ".join(f"{number} {came}" for came, number in sorted(self._notes.items()))
        print(f"{part.row:>7}  {part.check:<16}{count:>8}{len(bad):>6}{seconds:>8.0f} s  {part.unit}", flush=True)
        if note:
            print(f"          {note}")
        again = sys.argv[1:] if "--seed" in sys.argv else [*sys.argv[1:], "--seed", str(self._words.seed)]
        command = f'make faults FAULTS_ARGS="{" ".join(again)}"'
        if count:
            record(
                part.row, part.check, count, part.unit, len(bad), seconds=seconds, command=command, soak=True, note=note
            )
        return len(bad)


def main() -> int:
    """Everything, or the parts that are named; 1 if anything came out badly."""
    words = argparse.ArgumentParser(prog="make faults", description=__doc__)
    words.add_argument("--seed", type=int, default=secrets.randbelow(1 << 16))
    words.add_argument("--points", type=int, default=2_500, help="of the sweep; 0: every one")
    words.add_argument("--images", type=int, default=2_000)
    words.add_argument("--ext4", type=int, default=500)
    words.add_argument("--flips", type=int, default=10_000)
    words.add_argument("--only", nargs="*", default=[], help="names of checks")
    asked = words.parse_args()
    if why := possible():
        print(f"not here: {why}")
        return 1
    print(f"seed {asked.seed}\n    row  check             tried   bad")
    kept.begin()
    try:
        with ground() as place:
            campaign = Campaign(asked, place)
            parts = [part for part in campaign.parts() if not asked.only or part.check in asked.only]
            return int(sum(campaign.run(part) for part in parts) > 0)
    finally:
        kept.end()


if __name__ == "__main__":
    sys.exit(main())

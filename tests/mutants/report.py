"""What came of a run: figures with their interval, and every mutant that lives and that docs/mutants.md does not explain."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.operators import Mutant, shown
from tests.mutants.running import PACKAGE, ROOT

PAGE: Final = ROOT / "docs" / "mutants.md"
_ROW: Final = re.compile(r"^- `([^`]+)` `([^`]+)`: `([^`]+)` → `([^`]+)`: \S.*$", re.MULTILINE)
_SURE: Final = 1.96

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant and what came of it: "killed", "timeout" (counts as killed), "survived" or "explained"."""

    path: str
    mutant: Mutant
    outcome: str
    by: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a run. `low`, `high`: where the share killed of all lies, as a sample says it, in 95 of 100 samples."""

    tried: int
    killed: int
    explained: int
    lives: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Killed, or explained."""
        return (self.killed + self.explained) / max(self.tried, 1)


def explained(page: Path = PAGE) -> frozenset[Key]:
    """Module, name, line and what became of it, of every mutant that the page explains."""
    return frozenset(_ROW.findall(page.read_text(encoding="utf-8"))) if page.exists() else frozenset()


def key(path: str, mutant: Mutant) -> Key:
    source = (PACKAGE / path).read_text(encoding="utf-8")
    return (path, mutant.name, *shown(source, mutant.number))


def judged(path: str, mutant: Mutant, line: Mapping[str, str], known: frozenset[Key]) -> Tried:
    lives = line["outcome"] == "survived"
    outcome = "explained" if lives and key(path, mutant) in known else line["outcome"]
    return Tried(path, mutant, outcome, line["by"])


def figures(tried: Sequence[Tried]) -> Figures:
    """The counts, and Wilson's interval of the share killed or explained."""
    counts = Counter(one.outcome for one in tried)
    number, killed = len(tried), counts["killed"] + counts["timeout"]
    good = killed + counts["explained"]
    share, weight = good / max(number, 1), _SURE**2 / max(number, 1)
    middle = (share + weight / 2) / (1 + weight)
    wide = math.sqrt(share * (1 - share) * weight + weight**2 / 4) / (1 + weight)
    return Figures(number, killed, counts["explained"], counts["survived"], middle - wide, middle + wide)


def text(tried: Sequence[Tried], *, sample: bool) -> str:
    """The survivors, each with its change and the command that shows it; then a table by package."""
    out = []
    for one in sorted(tried, key=lambda t: (t.path, t.mutant.number)):
        if one.outcome == "survived":
            _, name, was, now = key(one.path, one.mutant)
            show = f'make mutants MUTANTS_ARGS="--show {one.path}:{one.mutant.number}"'
            out += [f"{one.path}:{one.mutant.first} {name}", f"  - {was}", f"  + {now}", f"    {show}"]
    out.append(f"{'':10}{'tried':>7}{'killed':>8}{'hung':>6}{'explained':>11}{'lives':>7}{'good':>8}")
    packages = sorted({one.path.partition("/")[0] for one in tried})
    for package in [*packages, ""]:
        of = [one for one in tried if one.path.startswith(package)]
        counts = Counter(one.outcome for one in of)
        cells = [len(of), counts["killed"], counts["timeout"], counts["explained"], counts["survived"]]
        row = "".join(f"{cell:>{wide}}" for cell, wide in zip(cells, (7, 8, 6, 11, 7), strict=True))
        out.append(f"{package or 'all':10}{row}{figures(of).share:>8.1%}")
    all_of = figures(tried)
    if sample and tried:
        out.append(f"killed or explained of all, in 95 of 100 samples: {all_of.low:.1%} to {all_of.high:.1%}")
    return "\n".join(out)

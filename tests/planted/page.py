"""docs/planted.md: every planted defect, and what found it when all were run last."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Final

from tests.planted.catalogue import AREAS, DEFECTS
from tests.planted.defect import WORLDS, Defect, Outcome
from tests.scores import ROOT

PAGE: Final = ROOT / "docs" / "planted.md"
_TOP: Final = f"""# Planted defects

Bugs that the product could have, each planted by a test as one small change of one module, in the memory of a process of its own;
the list says which check finds it. A check is a world of [the simulator](reliability.md#a-shop-in-simulated-time) (seeds from 1
on, at most {WORLDS} of them), or one test of the suite. Most unit tests were written for the rule that the defect breaks; worlds,
properties, scenario files, published vectors and sweeps of faults know no bug by name.

Made by `make planted`, which runs all of them and then every check without any defect; a test holds the list and the catalogue
(`tests/planted/areas`) together. CI runs those without *soak* in the last column. Seconds are of CPU, without importing the
product.

The list was made by trying: a defect that no check noticed got a check
([the gaps](reliability.md#gaps-in-the-tests-that-planted-defects-showed)), was replaced where another guard makes it
harmless, or is still open: that a backup's copy is put back without its root, and that a booking does not balance. So "all found"
says that the suite notices these, not that it notices any.
"""


def start_of(defect: Defect) -> str:
    """What the catalogue says of a defect: the beginning of its row."""
    name = f"{defect.name} ({defect.after})" if defect.after else defect.name
    check = str(defect.check).replace("|", "\\|").removeprefix("tests/")
    return f"| {name} | `{defect.module.removeprefix('holdgate.')}` | {defect.kind} | `{check}` |"


def row(defect: Defect, outcome: Outcome) -> str:
    """A defect's row of the list."""
    seed = f"{outcome.seed}" if outcome.seed else ""
    how = "" if outcome.how == "found" else f" **{outcome.how}**"
    return f"{start_of(defect)} {seed} | {outcome.cpu_s:.1f}{' soak' if defect.soak else ''}{how} |"


def page(outcomes: Mapping[str, Outcome], commit: str, machine: str) -> str:
    """The whole page."""
    found = [defect for defect in DEFECTS if outcomes[defect.name].how == "found"]
    kinds = Counter(defect.kind for defect in found)
    told = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common())
    cpu_s = sum(one.cpu_s for one in outcomes.values())
    day = dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d")
    out = [
        _TOP,
        f"Last run: {day}, commit {commit}, {machine}: {len(found)} of {len(DEFECTS)} found in {cpu_s:.0f} s of CPU",
    ]
    out += [f"({told}).", ""]
    for area, defects in AREAS.items():
        out += [
            f"## {area}",
            "| defect | in | kind of check | check | seed | s |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        out += [row(defect, outcomes[defect.name]) for defect in defects]
        out.append("")
    return "\n".join(out)

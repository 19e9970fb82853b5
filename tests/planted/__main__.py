"""`make planted`: plants every defect, runs every check without any, and writes docs/planted.md.

With names (or beginnings of names) only those are planted, and nothing is written.
"""

import sys
import time
from collections.abc import Sequence

from tests import scores
from tests.planted.catalogue import DEFECTS
from tests.planted.defect import Defect, Outcome
from tests.planted.page import PAGE, page
from tests.planted.zygote import Zygote


def main(names: Sequence[str]) -> int:
    """Plant them; 1 where one was not found, or a check finds something in the sound product."""
    chosen = [one for one in DEFECTS if not names or any(one.name.startswith(name) for name in names)]
    began, zygote = time.monotonic(), Zygote()
    try:
        outcomes = {one.name: _planted(zygote, one) for one in chosen}
        bad = [name for name, outcome in outcomes.items() if outcome.how != "found"]
        unsound = _unsound(zygote, chosen) if not bad else []
    finally:
        zygote.close()
    print(f"{len(chosen) - len(bad)} of {len(chosen)} found; not: {bad}; checks that fail without a defect: {unsound}")
    if not names:
        commit, machine = scores._commit(), scores._machine()  # as the scoreboard names them
        what, seconds = (4, "planted-defects", len(chosen), "planted defects", len(bad)), time.monotonic() - began
        scores.record(
            *what, seconds=seconds, command="make planted"
        )  # before the page: a changed file is no clean commit
        PAGE.write_text(page(outcomes, commit, machine), encoding="utf-8")
    return 1 if bad or unsound else 0


def _planted(zygote: Zygote, defect: Defect) -> Outcome:
    outcome = zygote.judge(defect)
    where = f"seed {outcome.seed}" if outcome.seed else ""
    print(
        f"{outcome.how:7}{outcome.cpu_s:5.1f} s  {defect.name} {where} {' '.join(outcome.what.split())[:100]}",
        flush=True,
    )
    return outcome


def _unsound(zygote: Zygote, chosen: Sequence[Defect]) -> list[str]:
    """Checks that fail without any defect: what they found was nothing, then."""
    checks = {str(one.check): one for one in chosen}
    outcomes = {name: zygote.sound(one.check, one.budget + 20) for name, one in checks.items()}
    return [f"{name}: {one.how} {one.what}" for name, one in outcomes.items() if one.how != "missed"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

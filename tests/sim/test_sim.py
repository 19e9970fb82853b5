"""The simulator: whole shops of the real code in simulated time, under drawn faults. One seed is one world.

HOLDGATE_SEED=n runs world n alone; HOLDGATE_SIM_SEEDS, HOLDGATE_SIM_FIRST and HOLDGATE_SIM_ORDERS make longer runs.
"""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sim.story import ORDERS
from tests.sim.tally import MOST, WORLDS, Tally, outcome


def seeds() -> list[int]:
    """The worlds of this run."""
    if one := os.environ.get("HOLDGATE_SEED"):
        return [int(one)]
    first = int(os.environ.get("HOLDGATE_SIM_FIRST", "1"))
    return list(range(first, first + int(os.environ.get("HOLDGATE_SIM_SEEDS", str(WORLDS)))))


@pytest.mark.timeout(0 if "HOLDGATE_SIM_SEEDS" in os.environ else 1800)
def test_whatever_goes_wrong_nothing_is_lost_forged_or_paid_twice() -> None:
    began = time.monotonic()
    tally = Tally(int(os.environ.get("HOLDGATE_SIM_ORDERS", str(ORDERS))))
    for seed in seeds():
        tally.add(outcome(seed, tally.orders))
    more = itertools.count(seeds()[-1] + 1)
    while tally.missing() and not tally.bad and tally.worlds < MOST:
        tally.add(outcome(next(more), tally.orders))
    print(f"worlds {seeds()[0]}..{seeds()[-1]}: {tally.words()}\n{dict(sorted(tally.hits.items()))}")
    soak = "HOLDGATE_SIM_SEEDS" in os.environ
    if "HOLDGATE_SEED" not in os.environ:
        tally.score(time.monotonic() - began, "pytest tests/sim/test_sim.py", soak=soak)
    assert not tally.bad, "\n".join(tally.bad)
    missing = tally.missing()
    assert not missing, f"never in {tally.worlds} worlds: {missing}"


@pytest.mark.timeout(1200)
def test_one_seed_is_one_world_whatever_the_hash_seed() -> None:
    """Every leaf of every log, every fault and every event, in their order, in processes of their own; twice in the first."""
    first, again, other, _ = told("0", 5, 5, 6)
    assert first == again != other
    assert told("4711", 5)[0] == first


def told(hash_seed: str, *seeds: int) -> list[str]:
    """The traces of these worlds, run one after the other in a process of its own."""
    script = (
        "from tests.sim.story import lived; from tests.sim.trouble import FAULTS; "
        f"[print(lived(seed, 2, frozenset(FAULTS)).ran.trace) for seed in {seeds}]"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=root, capture_output=True, text=True, timeout=900, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout.split("\n")

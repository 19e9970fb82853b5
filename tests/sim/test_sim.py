"""The simulator: whole shops of the real code in simulated time, under drawn faults. One seed is one world.

HOLDGATE_SEED=n runs world n alone; HOLDGATE_SIM_SEEDS, HOLDGATE_SIM_FIRST and HOLDGATE_SIM_ORDERS make longer runs.
"""

import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from holdgate.engine import buggify
from tests.sim.story import ORDERS, lived
from tests.sim.tally import MOST, WORLDS, Tally, outcome
from tests.sim.trouble import FAULTS


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
    """Every leaf of every log, every fault and every event, in their order: twice here, once in a process of its own."""
    seed, orders, swarm = 5, 2, frozenset(FAULTS)
    first, second = lived(seed, orders, swarm).ran, lived(seed, orders, swarm).ran
    assert (first.trace, first.steps, first.hits) == (second.trace, second.steps, second.hits)
    script = (
        "from tests.sim.story import lived; from tests.sim.trouble import FAULTS; "
        f"print(lived({seed}, {orders}, frozenset(FAULTS)).ran.trace)"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=root, capture_output=True, text=True, timeout=900, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.strip() == first.trace
    assert lived(seed + 1, orders, swarm).ran.trace != first.trace


@pytest.mark.timeout(1200)
def test_a_site_of_another_test_that_lives_on_in_a_thread_changes_no_world() -> None:
    """Seen once in a whole run: a served shop in the background drew from the seed of the world."""
    ended = threading.Event()

    def lives_on() -> None:
        while not ended.wait(0.001):
            if buggify.on:
                buggify.unlucky("inbox: another source's turn")

    alone = lived(7, 1, frozenset(FAULTS)).ran.trace
    thread = threading.Thread(target=lives_on)
    thread.start()
    try:
        assert lived(7, 1, frozenset(FAULTS)).ran.trace == alone
    finally:
        ended.set()
        thread.join()

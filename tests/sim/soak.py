"""Many worlds in processes of their own: `python -m tests.sim.soak --first 1 --seeds 1000 --processes 2`.

Tells its progress, each violation with the command that shows it again, and what never happened. Ends with 1 where there is either.
With HOLDGATE_SCORES set to a directory it keeps the scores of the run there.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.sim.story import ORDERS
from tests.sim.tally import Outcome, Tally, outcome

EVERY_S: Final = 30.0
"""How often progress is told."""
PER_PROCESS: Final = 50
"""Worlds after which a process begins anew, so that it does not grow for days."""


def outcomes(seeds: range, orders: int, processes: int) -> Iterator[Outcome]:
    """The worlds, as they end."""
    if processes == 1:
        yield from (outcome(seed, orders) for seed in seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=PER_PROCESS) as pool:
        yield from pool.imap_unordered(partial(outcome, orders=orders), seeds)


def main(args: list[str]) -> int:
    """Run it; 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.soak", description=__doc__)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="an end before all seeds were run")
    asked = parser.parse_args(args)
    tally, began, told = Tally(asked.orders), time.monotonic(), time.monotonic()
    for one in outcomes(range(asked.first, asked.first + asked.seeds), asked.orders, asked.processes):
        tally.add(one)
        for bad in one.bad:
            print(f"{bad}\n  again: {bad.split(':', 1)[0]} pytest tests/sim/test_sim.py -k whatever -s", flush=True)
        if time.monotonic() - told > EVERY_S:
            told = time.monotonic()
            print(f"{told - began:.0f} s: {tally.words()}", flush=True)
        if asked.minutes is not None and time.monotonic() - began > 60 * asked.minutes:
            break
    seconds = time.monotonic() - began
    command = f"python -m tests.sim.soak {' '.join(args)}".strip()
    missing = tally.missing()
    print(f"{seconds:.0f} s: {tally.words()}")
    print(dict(sorted(tally.hits.items())))
    if missing:
        print(f"never in {tally.worlds} worlds: {missing}")
    tally.score(seconds, command, soak=True)
    return 1 if tally.bad or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""match: what one scan costs a floor hub, by how many orders wait at its gate.

The gate of a real shop (its roster, its readers) is filled with staged orders by the very events that staging makes. Then the
same number of scans, spread over all of them, is decided and folded at each size in turn, round by round, so that a change of
the machine's pace meets both. A scan that names its order looks it up; one that names none finds it by its serials.
"""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.bench.load import FIRST, open_shop, scan_of
from holdgate.bootstrap import Shop
from holdgate.handoff.match import match
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.evolve import evolve
from holdgate.law.library import Library
from holdgate.law.state import State
from holdgate.sites.desk import Desk

FEW: Final = 100
MANY: Final = 100_000
QUICK_MANY: Final = 2_000
ROUNDS: Final = 15
RATIO_MAX: Final = 1.5
PARTS: Final = 4


class Matched(Struct, frozen=True, kw_only=True):
    """What a scan costs with so many orders staged: the best round's mean, in µs of CPU. `ratio`: to the smallest number."""

    op: str = "match"
    staged: int
    named_us: float
    unnamed_us: float
    named_ratio: float = 1.0
    unnamed_ratio: float = 1.0
    bar_ratio: float = RATIO_MAX
    limit: str = "one thread of the interpreter; no signature, no disk"


class Gate:
    """A floor hub's state with so many orders staged, and scans that each release one of them."""

    def __init__(self, state: State, library: Library, desk: Desk, staged: int) -> None:
        self.state = state
        self._library = library
        for number in range(staged):
            self.fold(self.staged(number))
        step = staged // FEW
        scans = [_scan(desk, number * step) for number in range(FEW)]
        self.scans = {True: scans, False: [replace(scan, order=None) for scan in scans]}

    def fold(self, event: ev.AnyEvent) -> None:
        """Apply an event to the gate."""
        evolve(self.state, self._library, event, FIRST, 1)

    def round(self, *, named: bool) -> float:
        """Decide and fold every scan once; the mean in µs. Afterwards the orders wait again."""
        spent = 0
        for scan in self.scans[named]:
            began = time.thread_time_ns()
            decision = self.decide(scan)
            for event in decision.events:
                self.fold(event)
            spent += time.thread_time_ns() - began
            self._again(decision)
        return spent / FEW / 1e3

    def ask(self, scan: c.ReportArrival) -> Decision:
        """The gate's decision."""
        return match(self.state, self._library, scan, FIRST)

    def decide(self, scan: c.ReportArrival) -> Decision:
        """The gate's decision, which has to release an order.

        Raises:
            RuntimeError: it does not.
        """
        decision = self.ask(scan)
        if not any(isinstance(event, ev.OrderReleased) for event in decision.events):
            raise RuntimeError(f"the bench's own scan released nothing: {decision.denials}")
        return decision

    def _again(self, decision: Decision) -> None:
        order = next(event.order for event in decision.events if isinstance(event, ev.OrderReleased))
        self.state.readers.clear()
        self.fold(self.staged(int(order.removeprefix("PO-"))))

    @staticmethod
    def staged(number: int) -> ev.SlipStaged:
        """The event by which an order comes to the gate."""
        return ev.SlipStaged(
            order=f"PO-{number:06d}",
            node="NODE-FPI",
            slip="0" * 64,
            body="0" * 64,
            part_no="4512-7",
            rev="C",
            serials=_serials(number),
            policy="all",
            evidence=("broadcast",),
            buffer_max_us=0,
            arrival_due=None,
            amendment=False,
        )


def _serials(number: int) -> tuple[str, ...]:
    return tuple(f"{number}-{part}" for part in range(PARTS))


def _scan(desk: Desk, number: int) -> c.ReportArrival:
    scan = scan_of(desk, f"PO-{number:06d}", _serials(number), number + 1)
    if not isinstance(scan, c.ReportArrival):
        raise TypeError("a scan is a broadcast")
    return scan


def gates(shop: Shop, desk: Desk, sizes: Sequence[int]) -> list[Gate]:
    """The shop's own floor hub as it stands, once for each size."""
    floor = shop.of_kind("floor_hub").chronicle
    return [
        Gate(replace(floor.state, slips={}, awaited={}, early=[], readers={}), floor.library, desk, size)
        for size in sizes
    ]


def run_match(folder: Path, *, quick: bool = False) -> Iterator[Matched]:
    """Both sizes, measured round by round in turn."""
    sizes = (FEW, QUICK_MANY if quick else MANY)
    shop, desk, _ = asyncio.run(open_shop(folder, 1))
    shop.close()
    both = gates(shop, desk, sizes)
    gc.collect()
    gc.freeze()
    rounds = [[(gate.round(named=True), gate.round(named=False)) for gate in both] for _ in range(ROUNDS)]
    gc.unfreeze()
    best = [[min(turn[at][which] for turn in rounds) for which in (0, 1)] for at in range(len(sizes))]
    for size, (named, unnamed) in zip(sizes, best, strict=True):
        yield Matched(
            staged=size,
            named_us=round(named, 2),
            unnamed_us=round(unnamed, 2),
            named_ratio=round(named / best[0][0], 2),
            unnamed_ratio=round(unnamed / best[0][1], 2),
        )

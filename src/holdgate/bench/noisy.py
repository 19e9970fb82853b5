"""noisy: what eight quiet people notice of one who sends as fast as they can, in one process and over HTTP.

The quiet ones hand in an act every `PACE_S`; the noisy one keeps `LANES` acts under way, over several addresses: genuine acts, then
one act again and again, then acts with a signature that does not hold. What counts is the quiet ones' time beside the noise as a
multiple of their time right before it, without: the median of several rounds, since other work on the machine comes and goes.
"""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.adapters.event_loop import run
from holdgate.adapters.host import clock_quality
from holdgate.adapters.http_serve import Limits, serving
from holdgate.adapters.http_site import index_app, site_app
from holdgate.bench.lanes import AGAIN, BAD, GENUINE, Plan, Send, Told, play
from holdgate.bench.load import FIRST, NODE, LogicalClock, lasting_world, stage_orders
from holdgate.bench.run import Bench
from holdgate.scenario.opening import Opening
from holdgate.sites.site import Site
from holdgate.sites.status import site_status
from holdgate.terms.errors import HoldgateError
from holdgate.terms.limits import SUBMISSION_BYTES_MAX

QUIET: Final = 8
LANES: Final = 64
ROUNDS: Final = 7
SPARE: Final = 6
"""Jobs of each of the noisy one's lanes in a round: more than it comes to."""
QUICK_SPARE: Final = 2
WARM_S: Final = 0.5
BAR: Final = 2.0
STEP_US: Final = 1_000


class Noise(Struct, frozen=True, kw_only=True):
    """What the quiet ones' acts took beside noise of one kind. `alone_*`: right before, without it.

    All are medians of rounds. `refused`: how often a quiet one was told to slow down. `noise_per_s`: acts answered to the noisy
    one; `refused_per_s`: how often it was told to slow down.
    """

    op: str = "noisy"
    way: str
    kind: str
    acts: int
    alone_p50_ms: float
    alone_p99_ms: float
    p50_ms: float
    p99_ms: float
    p50_ratio: float
    p99_ratio: float
    refused: int
    noise_per_s: float
    refused_per_s: float
    bar_ratio: float = BAR


class Beside(NamedTuple):
    """What the quiet ones were told, and the noisy one, in how many seconds."""

    quiet: Told
    noisy: Told
    seconds: float


Way = Callable[[Plan, Plan | None], Awaitable[Beside]]
"""How they are played: the quiet ones, and beside them the noisy one."""


class _Jobs:
    """Makes envelopes: jobs whose parts are here."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def lanes(self, technicians: list[str], jobs: int) -> list[list[bytes]]:
        """A list of envelopes for each of these people: so many jobs."""
        bench, count = self._bench, len(technicians) * jobs
        bench.clock.step_us = 0
        bench.shop.bus.mend(NODE)
        places = iter(await stage_orders(bench.shop, bench.desk, count, bench.take_orders(count)))
        bench.shop.bus.cut(NODE)
        await bench.shop.settle()
        work = bench.work()
        bench.clock.step_us = STEP_US
        return [
            [raw for _ in range(jobs) for raw in work.signed(next(places)._replace(technician=technician))]
            for technician in technicians
        ]


async def _measured(way: Way, name: str, bench: Bench, *, quick: bool) -> AsyncIterator[Noise]:
    made = _Jobs(bench)
    rounds, spare = (1, QUICK_SPARE) if quick else (ROUNDS, SPARE)
    quiet, noisy = [f"SID-TEC-{1000 + n}" for n in range(QUIET)], [f"SID-TEC-{1000 + QUIET}"] * LANES
    for kind in (GENUINE, AGAIN, BAD):
        played: list[tuple[Beside, Beside]] = []
        for _ in range(rounds):
            before, beside = Plan(lanes=await made.lanes(quiet, 1)), Plan(lanes=await made.lanes(quiet, 1))
            noise = Plan(lanes=await made.lanes(noisy, spare if kind == GENUINE else 1), kind=kind)
            gc.collect()
            gc.freeze()
            played.append((await way(before, None), await way(beside, noise)))
            gc.unfreeze()
        yield _line(name, kind, played)


def _line(way: str, kind: str, played: list[tuple[Beside, Beside]]) -> Noise:
    alone = [[_at(one.quiet.took, percent) for one, _ in played] for percent in (50, 99)]
    found = [[_at(one.quiet.took, percent) for _, one in played] for percent in (50, 99)]
    ratios = [median(b / a for a, b in zip(first, then, strict=True)) for first, then in zip(alone, found, strict=True)]
    return Noise(
        way=way,
        kind=kind,
        acts=sum(len(one.quiet.took) for _, one in played),
        alone_p50_ms=round(median(alone[0]), 2),
        alone_p99_ms=round(median(alone[1]), 2),
        p50_ms=round(median(found[0]), 2),
        p99_ms=round(median(found[1]), 2),
        p50_ratio=round(ratios[0], 2),
        p99_ratio=round(ratios[1], 2),
        refused=sum(one.quiet.refused for _, one in played),
        noise_per_s=round(median(one.noisy.done / one.seconds for _, one in played)),
        refused_per_s=round(median(one.noisy.refused / one.seconds for _, one in played)),
    )


def _at(times: list[float], percent: int) -> float:
    """In ms."""
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)] * 1e3


def inside(site: Site) -> Way:
    """All of them in this process."""

    async def opened(address: str) -> Send:
        async def send(raw: bytes) -> bool:
            try:
                await site.submit(raw, source=address)
            except HoldgateError:
                return False
            return True

        return send

    async def way(quiet: Plan, noise: Plan | None) -> Beside:
        told, noisy = Told(), Told()
        playing = None
        if noise is not None:
            playing = asyncio.get_running_loop().create_task(play(noise, opened, noisy))
            await asyncio.sleep(WARM_S)
        noisy.done = noisy.refused = 0
        began = time.perf_counter()
        await play(quiet, opened, told)
        seconds = time.perf_counter() - began
        if playing is not None:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing
        return Beside(told, noisy, seconds)

    return way


def over(port: int, folder: Path) -> Way:
    """Each side a process of its own, over HTTP."""

    async def way(quiet: Plan, noise: Plan | None) -> Beside:
        began = time.perf_counter()
        noisy = None if noise is None else await _started(port, folder, "noisy", noise)
        await asyncio.sleep(0 if noise is None else 2 * WARM_S)
        told = await _told(await _started(port, folder, "quiet", quiet), folder, "quiet")
        seconds = time.perf_counter() - began
        return Beside(told, Told() if noisy is None else await _told(noisy, folder, "noisy"), seconds)

    return way


async def _started(port: int, folder: Path, name: str, plan: Plan) -> asyncio.subprocess.Process:
    file = folder / f"{name}.plan"
    file.write_bytes(msgspec.msgpack.encode(plan))
    program = [sys.executable, "-m", "holdgate.bench.lanes", str(port), f"/{NODE}/actions", str(file)]
    return await asyncio.create_subprocess_exec(*program, str(folder / name), stdin=asyncio.subprocess.PIPE)


async def _told(process: asyncio.subprocess.Process, folder: Path, name: str) -> Told:
    """What a side was told, once it is done; the end of its input ends noise.

    Raises:
        RuntimeError: it failed.
    """
    await process.communicate(b"")
    if process.returncode:
        raise RuntimeError("a side of the bench ended with an error; it stands above")
    return msgspec.msgpack.decode((folder / name).read_bytes(), type=Told)


@asynccontextmanager
async def opened_shop(folder: Path) -> AsyncIterator[Bench]:
    """A shop on a logical clock, with one technician for each of them."""
    clock = LogicalClock()
    opening = Opening(folder, lasting_world(QUIET + 1), FIRST, clock)
    shop = await opening.open()
    clock.instant = FIRST
    try:
        yield Bench(shop, opening.desk, clock)
    finally:
        shop.close()


async def measure_noise(folder: Path, *, quick: bool = False) -> AsyncIterator[Noise]:
    """In one process, then over HTTP."""
    async with opened_shop(folder) as bench:
        node = bench.node
        async for line in _measured(inside(node), "in one process", bench, quick=quick):
            yield line
        app = index_app({NODE: site_app(node, lambda: site_status(node, clock_quality()))})
        async with serving(app, limits=Limits(body_bytes=SUBMISSION_BYTES_MAX)) as port:
            async for line in _measured(over(port, folder), "over HTTP", bench, quick=quick):
                yield line


def run_noisy(folder: Path, *, quick: bool = False) -> Iterator[Noise]:
    """The measurements, small or whole."""

    async def all_of_them() -> list[Noise]:
        return [line async for line in measure_noise(folder, quick=quick)]

    yield from run(all_of_them())

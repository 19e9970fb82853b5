"""A site with a long past: 200,000 entries, 2,000 open jobs. How long it takes to open, what it holds, what an append costs.

Closed jobs went all the way: worked, taken in by the business hub, accepted by QA there, and known as accepted at the node.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from holdgate.bench.load import NODE, Place, open_shop, stage_orders
from holdgate.bench.recall import measure_recall
from holdgate.bench.reopen import Opened
from holdgate.bench.run import CALLERS, Bench, Measurement
from holdgate.law import command as c
from holdgate.law.view import job_view

ROUND: Final = CALLERS * 10
"""Jobs that are worked and closed at a time."""


async def build(folder: Path, entries: int, open_jobs: int) -> list[Measurement]:
    """Fill a node; measure appends at the beginning and at the end of the same run."""
    shop, desk, clock = await open_shop(folder, CALLERS)
    bench = Bench(shop, desk, clock)
    lines = [replace(await bench.submit("submit", CALLERS * 2, CALLERS), note="nearly empty site")]
    await close_jobs(bench)
    while bench.node.spine.size < entries - 4 * open_jobs:
        await bench.submit("fill", ROUND, CALLERS)
        await close_jobs(bench)
    await start_jobs(bench, open_jobs)
    size = bench.node.spine.size
    lines.append(
        replace(await bench.submit("submit", CALLERS * 2, CALLERS), note=f"{size} entries, {open_jobs} open jobs")
    )
    shop.close()
    return lines


async def close_jobs(bench: Bench) -> None:
    """The node syncs, QA accepts every complete job, the node hears of it."""
    hub, node = bench.shop.of_kind("business_hub"), bench.node
    bench.clock.step_us = 0
    bench.shop.bus.mend(NODE)
    await bench.shop.settle()
    auth = c.Auth(components=("badge", "pin"), session=f"qa-{bench.desk.nonce()}")
    signer = c.Signer(id="SID-QA-01", role="qa", meaning="reviewed and accepted", auth=auth)
    pending = []
    for job in list(hub.chronicle.state.jobs.values()):
        if job.status != "complete" or job.qa_by:
            continue
        parts = len(job.serials)
        command = c.SignQa(
            site=hub.id,
            at=bench.clock.instant,
            nonce=bench.desk.nonce(),
            signers=(signer,),
            place="WS-OFFICE",
            seen=job_view(job),
            order=job.order,
            job=job.id,
            quantities=c.Quantities(received=parts, accepted=parts, rejected=0, scrapped=0),
        )
        pending.append(hub.submit(bench.desk.sign(command)))
    for answer in pending:
        if not (await answer).decision.allowed:
            raise RuntimeError(f"QA of the bench's own job was refused: {(await answer).decision.denials}")
    await bench.shop.settle()
    if any(job.status == "complete" for job in node.chronicle.state.jobs.values()):
        raise RuntimeError("the node did not hear of QA")
    bench.shop.bus.cut(NODE)
    await bench.shop.settle()


async def start_jobs(bench: Bench, count: int) -> None:
    """Jobs with their first readings taken, left open."""
    bench.shop.bus.mend(NODE)
    places = await stage_orders(bench.shop, bench.desk, count, bench.take_orders(count))
    bench.shop.bus.cut(NODE)
    await bench.shop.settle()
    work = bench.work()
    bench.clock.step_us = 40_000_000
    for place in places:
        acts = islice(work.acts(Place("SID-TEC-1000", place.order, place.job, place.serials)), 3)
        for answer in [bench.node.submit(bench.desk.sign(command)) for command in acts]:
            await answer
    bench.clock.step_us = 0


def measure_big(folder: Path, entries: int = 200_000, open_jobs: int = 2_000) -> Iterator[Measurement | Opened]:
    """Build the site, ask what things touched there, then open it in a process of its own."""
    yield from asyncio.run(build(folder, entries, open_jobs))
    yield from measure_recall(folder / NODE / "ledger.db")
    program = [sys.executable, "-m", "holdgate.bench.reopen", str(folder)]
    done = subprocess.run(program, capture_output=True, check=True)  # noqa: S603  # our own module, our own folder
    yield msgspec.json.decode(done.stdout, type=Opened)

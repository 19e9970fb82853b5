"""holdgate bench: what a site costs on this machine."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from holdgate.bench.big import measure_big
from holdgate.bench.reopen import Opened
from holdgate.bench.run import Machine, Measurement, run
from holdgate.bench.spread import Spread, measure_spread
from holdgate.terms.errors import Malformed

Line = Machine | Measurement | Opened | Spread


def bench(*, jobs: int = 640, nodes: int = 100, big: bool = False, json: bool = False) -> int:
    """Measure submitting, deciding, re-executing; durable, with every flush and every signature; and how a release spreads.

    Parameters
    ----------
    jobs
        Jobs of the loaded measurement; each has 33 signed acts.
    nodes
        Nodes that one signed release has to reach (0: not measured).
    big
        Also fill a node with 200,000 entries and 2,000 open jobs, and open it in a process of its own (minutes).
    json
        One JSON line a measurement, and nothing else.
    """
    if jobs < 1:
        raise Malformed("--jobs must be at least 1")
    if nodes < 0:
        raise Malformed("--nodes cannot be less than 0")
    console = Console()
    for line in _lines(jobs, nodes, big=big):
        if json:
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()
        else:
            console.print(_told(line), soft_wrap=True, highlight=False)
    return 0


def _lines(jobs: int, nodes: int, *, big: bool) -> Iterator[Line]:
    yield from run(jobs)
    if nodes:
        with tempfile.TemporaryDirectory(prefix="holdgate-bench-") as folder:
            yield from asyncio.run(measure_spread(Path(folder) / "shop", nodes))
    if big:
        with tempfile.TemporaryDirectory(prefix="holdgate-bench-") as folder:
            yield from measure_big(Path(folder) / "shop")


def _told(line: Line) -> str:
    if isinstance(line, Spread):
        absent = f"; not reached, and named: {', '.join(line.absent)}" if line.absent else ""
        return f"release    until the last of {line.nodes} nodes in reach decides by it: {line.last_ms:,.0f} ms{absent}"
    if isinstance(line, Machine):
        return (
            f"this machine: one signature check {line.verify_us:.0f} µs; {line.two_threads_per_s:,.0f} a second in two threads; "
            f"bound for submit {line.bound_per_s:,.0f}/s"
        )
    if isinstance(line, Opened):
        return (
            f"open: {line.entries:,} entries, {line.open_jobs:,} open jobs in {line.open_s:.3f} s "
            f"(program loaded in {line.import_s:.2f} s), {line.rss_mb:.0f} MB"
        )
    flush = f", flush {line.fsync_p50_ms:.2f} ms" if line.durable else ""
    return (
        f"{line.op:<10} x{line.concurrency:<3} {line.per_s:>10,.0f}/s  p50 {line.p50_ms:.3f} ms  p99 {line.p99_ms:.3f} ms  "
        f"CPU {line.cpu_us:.1f} µs{flush}  {line.note}"
    )

"""holdgate bench: what a site costs on this machine."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from holdgate.bench.big import measure_big
from holdgate.bench.reopen import Opened
from holdgate.bench.run import Machine, Measurement, run
from holdgate.bench.spread import Spread
from holdgate.terms.errors import Malformed


def bench(*, jobs: int = 640, big: bool = False, json: bool = False) -> int:
    """Measure submitting, deciding, re-executing, and a release to 100 nodes; durable, with every flush and signature.

    Parameters
    ----------
    jobs
        Jobs of the loaded measurement; each has 33 signed acts.
    big
        Also fill a node with 200,000 entries and 2,000 open jobs, and open it in a process of its own (minutes).
    json
        One JSON line a measurement, and nothing else.
    """
    if jobs < 1:
        raise Malformed("--jobs must be at least 1")
    console = Console()
    for line in _lines(jobs, big=big):
        if json:
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()
        else:
            console.print(_told(line), soft_wrap=True, highlight=False)
    return 0


def _lines(jobs: int, *, big: bool) -> Iterator[Machine | Measurement | Spread | Opened]:
    yield from run(jobs)
    if big:
        with tempfile.TemporaryDirectory(prefix="holdgate-bench-") as folder:
            yield from measure_big(Path(folder) / "shop")


def _told(line: Machine | Measurement | Spread | Opened) -> str:
    if isinstance(line, Machine):
        return (
            f"this machine: one signature check {line.verify_us:.0f} µs; {line.two_threads_per_s:,.0f} a second in two threads; "
            f"bound for submit {line.bound_per_s:,.0f}/s"
        )
    if isinstance(line, Spread):
        absent = f"; absent: {', '.join(line.absent)}" if line.absent else ""
        return (
            f"release    one signed act, {line.nodes} nodes in reach: the last decides by it after {line.last_ms:.0f} ms "
            f"(in one process, no network){absent}"
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

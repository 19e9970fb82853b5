"""holdgate bench: what a site costs on this machine, and what many cost."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from rich.console import Console

from holdgate.bench.arrival import Arrived, run_arrival
from holdgate.bench.big import measure_big
from holdgate.bench.day import Day, run_day
from holdgate.bench.http import Served, Streamed, run_http
from holdgate.bench.match import Matched, run_match
from holdgate.bench.noisy import Noise, run_noisy
from holdgate.bench.reopen import Opened
from holdgate.bench.revision import Revised, run_revision
from holdgate.bench.run import Machine, Measurement, machine, run
from holdgate.bench.spread import Spread
from holdgate.bench.sync import Synced, run_sync
from holdgate.terms.errors import Malformed

What = Literal["site", "match", "sync", "arrival", "revision", "day", "http", "noisy"]
_RUNS: Final[dict[str, Callable[..., Iterator[Struct]]]] = {
    "match": run_match,
    "sync": run_sync,
    "arrival": run_arrival,
    "revision": run_revision,
    "day": run_day,
    "http": run_http,
    "noisy": run_noisy,
}
"""What is measured beside a single site; each takes a folder and `quick`."""


def bench(
    what: What = "site", /, *, jobs: int = 640, big: bool = False, quick: bool = False, json: bool = False
) -> int:
    """Measure on real sites: durable, with every flush and signature. Each begins with what the machine gives.

    Parameters
    ----------
    what
        site: submitting, deciding, re-executing, a release to 100 nodes in one process. match: a scan at the gate, with few
        and with many orders staged. sync: a node that was away comes back with 50,000 entries. arrival: from a reader's scan
        to the node, as processes on a broker. revision: a release to 100 node processes. day: a shop's day with 10 to 1,000
        nodes. http: signed acts over real connections, and events to 500 screens. noisy: eight quiet people beside one who
        sends as fast as they can.
    jobs
        Jobs of the loaded measurement of a site; each has 33 signed acts.
    big
        With site: also fill a node with 200,000 entries and 2,000 open jobs, and open it in a process of its own (minutes).
    quick
        Everything but site in a small size, to see that it works: its figures say nothing.
    json
        One JSON line a measurement, and nothing else.
    """
    if jobs < 1:
        raise Malformed("--jobs must be at least 1")
    if quick and what == "site":
        raise Malformed("--quick is for the others; of a site, measure fewer jobs: --jobs 64")
    console = Console()
    for line in _site(jobs, big=big) if what == "site" else _other(what, quick=quick):
        if json:
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()
        else:
            console.print(_told(line), soft_wrap=True, highlight=False)
    return 0


def _site(jobs: int, *, big: bool) -> Iterator[Struct]:
    yield from run(jobs)
    if big:
        with tempfile.TemporaryDirectory(prefix="holdgate-bench-") as folder:
            yield from measure_big(Path(folder) / "shop")


def _other(what: str, *, quick: bool) -> Iterator[Struct]:
    yield machine()
    with tempfile.TemporaryDirectory(prefix="holdgate-bench-") as folder:
        yield from _RUNS[what](Path(folder) / "shop", quick=quick)


def _told(line: Struct) -> str:
    return _TELLS[type(line)](line)


def _tell_machine(line: Machine) -> str:
    return (
        f"this machine: {line.cores} cores, load {line.load}; one signature check {line.verify_us:.0f} µs, "
        f"{line.two_threads_per_s:,.0f} a second in two threads; a flush {line.fsync_p50_ms:.2f} ms; "
        f"bound for submit {line.bound_per_s:,.0f}/s"
    )


def _tell_spread(line: Spread) -> str:
    return (
        f"release    one signed act, {line.nodes} nodes in reach: the last decides by it after {line.last_ms:.0f} ms "
        f"(in one process, no network){_absent(line.absent)}"
    )


def _absent(names: tuple[str, ...]) -> str:
    return f"; absent: {', '.join(names)}" if names else ""


def _tell_opened(line: Opened) -> str:
    return (
        f"open: {line.entries:,} entries, {line.open_jobs:,} open jobs in {line.open_s:.3f} s "
        f"(program loaded in {line.import_s:.2f} s), {line.rss_mb:.0f} MB"
    )


def _tell_measurement(line: Measurement) -> str:
    flush = f", flush {line.fsync_p50_ms:.2f} ms" if line.durable else ""
    return (
        f"{line.op:<10} x{line.concurrency:<3} {line.per_s:>10,.0f}/s  p50 {line.p50_ms:.3f} ms  p99 {line.p99_ms:.3f} ms  "
        f"CPU {line.cpu_us:.1f} µs{flush}  {line.note}"
    )


def _tell_matched(line: Matched) -> str:
    return (
        f"match      {line.staged:>7,} orders staged: {line.named_us:.1f} µs a scan that names its order "
        f"({line.named_ratio:.2f} times), {line.unnamed_us:.1f} µs one that names none ({line.unnamed_ratio:.2f} times); "
        f"bar {line.bar_ratio} times. Limit: {line.limit}"
    )


def _flush(median_ms: float) -> str:
    return f", flush {median_ms:.2f} ms" if median_ms else ""


def _tell_synced(line: Synced) -> str:
    return (
        f"sync       {line.entries:,} entries to {line.to}{', each a process, over NATS' if line.apart else ''}: "
        f"{line.per_s:,.0f}/s in {line.segments:,} segments, "
        f"CPU {line.cpu_us:.0f} µs an entry{_flush(line.fsync_p50_ms)}; bar {line.bar_per_s:,}/s, "
        f"signatures alone {line.checks_per_s:,.0f}/s. Limit: {line.limit}"
    )


def _tell_arrived(line: Arrived) -> str:
    return (
        f"arrival    {line.scans} scans with {line.staged:,} orders staged: p50 {line.p50_ms:.1f} ms, p99 {line.p99_ms:.1f} ms, "
        f"worst {line.worst_ms:.1f} ms; bar p99 {line.bar_p99_ms:.0f} ms (staging took {line.staging_s:.0f} s). "
        f"Limit: {line.limit}"
    )


def _tell_revised(line: Revised) -> str:
    return (
        f"revision   {line.nodes} node processes: p50 {line.p50_ms:.0f} ms, p99 {line.p99_ms:.0f} ms, last {line.last_ms:.0f} ms"
        f"{_absent(line.absent)}; bar p99 {line.bar_p99_ms:.0f} ms (start {line.start_s:.0f} s, a node {line.node_mb:.0f} MB, "
        f"load {line.load}). Limit: {line.limit}"
    )


def _tell_day(line: Day) -> str:
    shops = "" if line.shops == 1 else f" in {line.shops} shops"
    areas = f", areas of {line.area}" if line.area else ", no areas"
    return (
        f"day        {line.nodes:>5,} nodes{shops}{areas}, {line.orders:,} orders, {line.acts:,} acts in {line.wall_s:,.0f} s: "
        f"an order {line.cpu_ms_order:.0f} ms of CPU, {line.entries_order:.0f} entries ({line.notices_order:.0f} of them notices, "
        f"{line.hub_entries_order:.0f} at the hub), {line.kb_order:.0f} kB; state of a hub {line.hub_state_kb:,.0f} kB, of a floor "
        f"hub {line.floor_state_kb:,.0f} kB, of a node {line.node_state_kb:,.0f} kB; a Vault mirrors {line.vault_mb:,.1f} MB; "
        f"all in {line.rss_mb:,.0f} MB. Limit: {line.limit}"
    )


def _tell_served(line: Served) -> str:
    return (
        f"http       {line.clients} clients, {line.actions:,} acts of two signatures: {line.per_s:,.0f}/s, "
        f"p50 {line.p50_ms:.1f} ms, p99 {line.p99_ms:.1f} ms; bar {line.bar_per_s:,}/s, p99 {line.bar_p99_ms:.0f} ms. "
        f"CPU of the server {line.cpu_us:.0f} µs a request, of the clients {line.client_cpu_us:.0f} µs, "
        f"{line.busy:.1f} cores busy, loop {line.loop}{_flush(line.fsync_p50_ms)}. "
        f"Without HTTP {line.alone_per_s:,.0f}/s, {line.alone_cpu_us:.0f} µs. Limit: {line.limit}"
    )


def _tell_streamed(line: Streamed) -> str:
    return (
        f"streams    {line.clients} screens: an event is there after p50 {line.p50_ms:.1f} ms, the last one after "
        f"{line.worst_ms:.1f} ms; bar {line.bar_ms:.0f} ms. CPU {line.cpu_us:.0f} µs an event and screen, "
        f"{line.memory_mb:.0f} MB in all, {line.kb_each:.0f} kB a screen"
    )


def _tell_noise(line: Noise) -> str:
    return (
        f"noisy      {line.way}, {line.kind}: {line.acts:,} acts of quiet people take p50 {line.p50_ms:.1f} ms, "
        f"p99 {line.p99_ms:.1f} ms; without the noise {line.alone_p50_ms:.1f} and {line.alone_p99_ms:.1f} ms "
        f"({line.p50_ratio:.2f} and {line.p99_ratio:.2f} times; bar {line.bar_ratio:.0f}), {line.refused} told to wait. "
        f"The noisy one: {line.noise_per_s:,.0f}/s, told to slow down {line.refused_per_s:,.0f}/s"
    )


_TELLS: Final[dict[type[Struct], Callable[[Any], str]]] = {
    Machine: _tell_machine,
    Measurement: _tell_measurement,
    Spread: _tell_spread,
    Opened: _tell_opened,
    Matched: _tell_matched,
    Synced: _tell_synced,
    Arrived: _tell_arrived,
    Revised: _tell_revised,
    Day: _tell_day,
    Served: _tell_served,
    Streamed: _tell_streamed,
    Noise: _tell_noise,
}

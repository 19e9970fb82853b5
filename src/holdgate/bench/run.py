"""run: measurements, one after the other, each one line.

Every measurement prints op, concurrency, rate, latencies, CPU, whether entries were durable, the median flush of the same
run and the signatures per act. Rates of different machines do not compare; ratios within one run do.
"""

import asyncio
import gc
import os
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.parallel import ParallelChecks
from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.sqlite_watch import SqliteWatch
from holdgate.audit.replay import audit_log
from holdgate.bench.load import FIRST, JOBS_PER_ORDER, NODE, LogicalClock, Work, open_shop, stage_orders
from holdgate.bench.spread import Spread, measure_spread
from holdgate.bootstrap import Shop, read_premises, read_trust
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.keys import SigningKey, verify
from holdgate.engine.ports import Head
from holdgate.engine.source import StoreSource
from holdgate.law.chronicle import Draft
from holdgate.law.command import parse_command
from holdgate.law.decide import decide
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.sites.watch import Watch
from holdgate.terms.instant import SECOND_US

CALLERS: Final = 64
REPEATS: Final = 200


class Measurement(Struct, frozen=True, kw_only=True):
    """One line of the bench. Times in ms or µs as the names say; `cpu_us` per act, all threads."""

    op: str
    concurrency: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    durable: bool
    fsync_p50_ms: float
    signatures: int
    note: str = ""


class SlowStore(SqliteStore):
    """A store whose every flush takes longer, as on another disk."""

    def __init__(self, path: Path, delay_s: float) -> None:
        super().__init__(path)
        self._delay_s = delay_s

    @override
    def commit(self, drafts: Sequence[Draft], head: Head) -> None:
        super().commit(drafts, head)
        time.sleep(self._delay_s)
        self.flush_us[-1] += self._delay_s * 1e6


class Timed:
    """Wall, CPU and latencies of one run."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def line(
        self, op: str, concurrency: int, count: int, flush_us: list[float], signatures: int, note: str = ""
    ) -> Measurement:
        """The measurement, from construction to now."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        ordered = sorted(self.latencies) or [wall / count]
        return Measurement(
            op=op,
            concurrency=concurrency,
            per_s=round(count / wall, 1),
            p50_ms=round(ordered[len(ordered) // 2] * 1e3, 4),
            p99_ms=round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1e3, 4),
            cpu_us=round(cpu / count * 1e6, 2),
            durable=bool(flush_us),
            fsync_p50_ms=round(statistics.median(flush_us) / 1e3, 4) if flush_us else 0.0,
            signatures=signatures,
            note=note,
        )


def verify_us() -> float:
    """One Ed25519 verification, in µs (median)."""
    key = SigningKey.from_seed(bytes(32))
    message = bytes(600)
    signature = key.sign(message)
    times = []
    for _ in range(400):
        began = time.perf_counter_ns()
        verify(key.public, message, signature)
        times.append((time.perf_counter_ns() - began) / 1e3)
    return statistics.median(times)


def verify_rate(threads: int) -> float:
    """Ed25519 verifications a second in so many threads: what this machine's cores really give."""
    key = SigningKey.from_seed(bytes(32))
    message = bytes(600)
    signature = key.sign(message)

    def work() -> None:
        for _ in range(2000):
            verify(key.public, message, signature)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 2000 * threads / (time.perf_counter() - began)


def step_us(callers: int) -> int:
    """How far the logical clock goes on from act to act: dwell times pass, however many callers take turns."""
    return (1300 if callers == 1 else 2560 // callers) * SECOND_US


class Bench:
    """A shop, its node cut off, and jobs to be worked there."""

    def __init__(self, shop: Shop, desk: Desk, clock: LogicalClock) -> None:
        self.shop = shop
        self.desk = desk
        self.clock = clock
        self._orders = 0

    @property
    def node(self) -> Site:
        """The site that is measured."""
        return self.shop.sites[NODE]

    async def load(self, jobs: int, callers: int) -> list[list[bytes]]:
        """Jobs whose parts are here, and each caller's envelopes; the node is cut off afterwards."""
        self.clock.step_us = 0
        self.shop.bus.mend(NODE)
        places = await stage_orders(self.shop, self.desk, jobs, self.take_orders(jobs))
        self.shop.bus.cut(NODE)
        await self.shop.settle()
        work = self.work()
        lists: list[list[bytes]] = [[] for _ in range(callers)]
        for number, place in enumerate(places):
            caller = number % callers
            lists[caller] += work.signed(place._replace(technician=f"SID-TEC-{1000 + caller}"))
        return lists

    def take_orders(self, jobs: int) -> int:
        """The number of the first of the orders that so many jobs need; they are taken."""
        first = self._orders
        self._orders += (jobs + JOBS_PER_ORDER - 1) // JOBS_PER_ORDER
        return first

    def work(self) -> Work:
        """The load's maker for the contract in force."""
        chronicle = self.node.chronicle
        contract = next(iter(chronicle.state.in_force.values()))
        template = chronicle.library.template(contract)
        technique = None if template is None else chronicle.library.technique(template.process)
        if technique is None:
            raise RuntimeError("the bench's contract is not at the node")
        return Work(self.desk, technique, contract)

    async def submit(self, op: str, jobs: int, callers: int) -> Measurement:
        """Submit jobs from so many callers, each waiting for its answer before its next act."""
        lists = await self.load(jobs, callers)
        self.clock.step_us = step_us(callers)
        store = self.node.means.store
        flush_us = store.flush_us if isinstance(store, SqliteStore) else deque()
        flush_us.clear()
        gc.collect()
        gc.freeze()
        timed = Timed()

        async def call(envelopes: list[bytes]) -> None:
            for raw in envelopes:
                began = time.perf_counter()
                answer = await self.node.submit(raw)
                timed.latencies.append(time.perf_counter() - began)
                if not answer.decision.allowed:
                    raise RuntimeError(f"the bench's own act was refused: {answer.decision.denials}")

        await asyncio.gather(*(call(envelopes) for envelopes in lists))
        line = timed.line(op, callers, len(timed.latencies), list(flush_us), 2)
        gc.unfreeze()
        self.clock.step_us = 0
        return line


async def measure_submit(folder: Path, delay_s: float, jobs: int, lone_jobs: int, note: str) -> list[Measurement]:
    """Alone and with 64 callers, on a fresh shop whose node's flushes take `delay_s` longer."""
    shop, desk, clock = await open_shop(folder, CALLERS)
    if delay_s:
        shop.sites.pop(NODE).stop()
        await shop.open_site(NODE, SlowStore(folder / NODE / "ledger.db", delay_s))
        await shop.settle()
    bench = Bench(shop, desk, clock)
    lines = [
        replace(await bench.submit("submit", lone_jobs, 1), note=note),
        replace(await bench.submit("submit", jobs, CALLERS), note=note),
    ]
    shop.close()
    return lines


def measure_audit(folder: Path, *, signatures: bool) -> Measurement:
    """Re-execute the node's ledger as an auditor does; it has to hold."""
    store = SqliteStore(folder / NODE / "ledger.db", read_only=True)
    trust = read_trust(folder / "trust.json")
    with ParallelChecks(entries=store.head().size if signatures else 0) as checks:
        timed = Timed()
        report = audit_log(StoreSource(store), trust, checks if signatures else None)
        line = timed.line("re-execute", 2 if signatures else 1, report.size, [], 2 if signatures else 0)
    store.close()
    if not report.holds:
        raise RuntimeError(f"the bench's own ledger does not hold: {report.findings[0]}")
    return line


async def measure_watch(folder: Path) -> Measurement:
    """Have the Vault mirror the node's ledger, then decide all that it mirrors again, in its one thread beside."""
    shop = Shop(folder, LogicalClock(FIRST))
    vault = shop.open_vault("VAULT")
    node = await shop.open_site(NODE)
    node.link_changed(vault.id, up=True)
    await shop.settle()
    premises, store = read_premises(folder), SqliteWatch(folder / "watch.db")
    held = {origin: vault.store.held(origin)[0] for origin in vault.origins}
    watch = Watch(premises.charter, premises.roots, SqliteMirror(folder / "VAULT" / "mirror.db"), store, shop.clock)
    timed = Timed()
    watch.wake()
    while any(watch.watched(origin).size < size for origin, size in held.items()):
        if watch.alarms:
            raise RuntimeError(f"the bench's own ledger raises an alarm: {watch.alarms[0]}")
        await asyncio.sleep(0.01)
    line = timed.line("watch", 1, sum(held.values()), [], 2, "the Vault decides again what it mirrors")
    watch.stop()
    shop.close()
    return line


async def measure_decide(folder: Path) -> list[Measurement]:
    """The law alone, no signature and no disk: every act of one job's technique, and a denial with its trace."""
    shop, desk, clock = await open_shop(folder, CALLERS)
    bench = Bench(shop, desk, clock)
    lists = await bench.load(1, 1)
    clock.step_us = 1300 * SECOND_US
    node = bench.node
    spent_ns = denied_ns = count = 0
    for raw in lists[0]:
        command = parse_command(open_envelope(raw).payload)
        state, library = node.chronicle.state, node.chronicle.library
        at = clock.instant + clock.step_us
        wrong = replace(command, signers=(replace(command.signers[0], role="client"),))
        decide(state, library, command, at)
        began = time.perf_counter_ns()
        for _ in range(REPEATS):
            decide(state, library, command, at)
        spent_ns += time.perf_counter_ns() - began
        began = time.perf_counter_ns()
        for _ in range(REPEATS):
            decide(state, library, wrong, at)
        denied_ns += time.perf_counter_ns() - began
        count += REPEATS
        answer = await node.submit(raw)
        if not answer.decision.allowed:
            raise RuntimeError(f"the bench's own act was refused: {answer.decision.denials}")
    shop.close()
    return [_pure("decide", spent_ns / count), _pure("deny", denied_ns / count)]


def _pure(op: str, each_ns: float) -> Measurement:
    return Measurement(
        op=op,
        concurrency=1,
        per_s=round(1e9 / each_ns, 1),
        p50_ms=round(each_ns / 1e6, 5),
        p99_ms=round(each_ns / 1e6, 5),
        cpu_us=round(each_ns / 1e3, 2),
        durable=False,
        fsync_p50_ms=0.0,
        signatures=0,
        note="mean over every act of the FPI technique, all gates",
    )


class Machine(Struct, frozen=True, kw_only=True):
    """What this machine gives before Holdgate does anything.

    `verify_us`: one Ed25519 check. `two_threads_per_s`: checks a second in two threads (two cores that share one core's
    units give less than twice one). `fsync_p50_ms`: writing 4 KiB and flushing it, where the bench keeps its stores. `load`: of
    the last minute, by the system. `bound_per_s`: half of cores · 10⁶ / (2 · verify_us + 25), the bar for a noisy host.
    """

    op: str = "machine"
    cores: int
    verify_us: float
    two_threads_per_s: float
    fsync_p50_ms: float
    load: float
    bound_per_s: float


def fsync_ms(folder: Path | None = None) -> float:
    """Writing 4 KiB to a file and flushing it, in ms (median)."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(60):
            began = time.perf_counter_ns()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter_ns() - began) / 1e6)
    return statistics.median(times)


def machine() -> Machine:
    """Measure the machine."""
    cores, each_us = os.cpu_count() or 1, verify_us()
    return Machine(
        cores=cores,
        verify_us=round(each_us, 2),
        two_threads_per_s=round(verify_rate(2), 0),
        fsync_p50_ms=round(fsync_ms(), 3),
        load=round(os.getloadavg()[0], 2),
        bound_per_s=round(0.5 * cores * 1e6 / (2 * each_us + 25), 0),
    )


def run(jobs: int = 640) -> Iterator[Machine | Measurement | Spread]:
    """Every measurement, in order.

    Args:
        jobs: jobs of the loaded submit measurement (33 acts each).
    """
    yield machine()
    with tempfile.TemporaryDirectory(prefix="holdgate-bench-") as folder:
        base = Path(folder)
        yield from asyncio.run(measure_submit(base / "plain", 0.0, jobs, 20, ""))
        yield measure_audit(base / "plain", signatures=False)
        yield measure_audit(base / "plain", signatures=True)
        yield asyncio.run(measure_watch(base / "plain"))
        yield from asyncio.run(measure_decide(base / "decide"))
        for delay_s in (0.001, 0.005):
            note = f"{delay_s * 1e3:.0f} ms added to each flush"
            yield from asyncio.run(measure_submit(base / f"slow{delay_s}", delay_s, jobs // 2, 5, note))
        yield from asyncio.run(measure_spread(base / "spread"))

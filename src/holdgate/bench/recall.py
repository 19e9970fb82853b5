"""Recalls on a long record: how long the rows beside the store take to fold, and how long the widest questions take."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from holdgate.adapters.sqlite_shelf import SqliteShelf
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bench.load import BATCH, CONTRACT, INSTRUMENT, VERSION
from holdgate.bench.run import Measurement
from holdgate.engine.source import StoreRecord
from holdgate.query import uses
from holdgate.query.recall import ALWAYS, Source, contract_key, recall
from holdgate.query.shelf import OWN, TAKEN, Span, bring_up

TIMES: Final = 5
"""Each question is put so often; the median is told."""


def measure_recall(ledger: Path) -> Iterator[Measurement]:
    """Fold the rows of a store, then ask what was touched in its whole past: nothing wider can be asked."""
    with closing(SqliteStore(ledger, read_only=True)) as store:
        record = StoreRecord(store)
        shelves = {stretch: SqliteShelf(ledger.with_suffix(f".bench-{stretch}.db")) for stretch in (OWN, TAKEN)}
        began = time.perf_counter()
        for stretch, shelf in shelves.items():
            bring_up(shelf, record, stretch, record.root)
        spent_s = time.perf_counter() - began
        size_mb = sum(shelf.path.stat().st_size for shelf in shelves.values() if shelf.path is not None) / 1e6
        yield _line(
            "fold rows", spent_s / record.size, record.size / spent_s, f"{record.size} entries, {size_mb:.0f} MB"
        )
        sources = [Source(shelf) for shelf in shelves.values()]
        for kind, key in _things(sources):
            yield _asked(sources, kind, key)
        for shelf in shelves.values():
            shelf.close()


def _things(sources: list[Source]) -> Iterator[tuple[str, str]]:
    yield uses.EQUIPMENT, INSTRUMENT["radiometer"]
    yield uses.BATCH, BATCH["penetrant"]
    yield uses.PERSON, "SID-TEC-1000"
    yield uses.CONTRACT, contract_key(sources, CONTRACT, VERSION)


def _asked(sources: list[Source], kind: str, key: str) -> Measurement:
    spent: list[float] = []
    jobs = 0
    for _ in range(TIMES):
        began = time.perf_counter()
        jobs = len(recall(sources, Span(kind, key, *ALWAYS)).jobs)
        spent.append(time.perf_counter() - began)
    middle = sorted(spent)[TIMES // 2]
    return _line("recall", middle, 1 / middle, f"{kind} over all time: {jobs} jobs", max(spent))


def _line(op: str, each_s: float, per_s: float, note: str, worst_s: float | None = None) -> Measurement:
    return Measurement(
        op=op,
        concurrency=1,
        per_s=round(per_s, 1),
        p50_ms=round(each_s * 1e3, 3),
        p99_ms=round((each_s if worst_s is None else worst_s) * 1e3, 3),
        cpu_us=round(each_s * 1e6, 2),
        durable=False,
        fsync_p50_ms=0.0,
        signatures=0,
        note=note,
    )

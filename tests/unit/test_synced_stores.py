"""What a store's call returned from survives a power cut: every file of facts syncs each commit.

Nothing else shows it where no power is cut: the operating system keeps what a killed process wrote.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.adapters.sqlite_promises import SqlitePromises
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.sqlite_watch import SqliteWatch
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.reader.outbox import Outbox

FULL: Final = (2,)
STORES: Final[dict[str, Callable[[Path], tuple[sqlite3.Connection, Callable[[], None]]]]] = {
    "site": lambda path: ((one := SqliteStore(path))._writer, one.close),
    "mirror": lambda path: ((one := SqliteMirror(path))._db, one.close),
    "promises": lambda path: ((one := SqlitePromises(path))._db, one.close),
    "witness": lambda path: ((one := SqliteWitness(path))._db, one.close),
    "watch": lambda path: ((one := SqliteWatch(path))._db, one.close),
    "payloads": lambda path: ((one := SqlitePayloads(path))._db, one.close),
    "keys of payloads": lambda path: ((one := SqlitePayloads(path))._keys, one.close),
    "notices": lambda path: ((one := SqliteOutbox(path))._db, one.close),
    "reader": lambda path: ((one := Outbox(path, "READER-1", "FLOOR"))._db, one.close),
}


@pytest.mark.parametrize("name", STORES)
def test_each_commit_is_on_the_disk_before_it_returns(name: str, tmp_path: Path) -> None:
    connection, close = STORES[name](tmp_path / "facts.db")
    try:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == FULL
    finally:
        close()

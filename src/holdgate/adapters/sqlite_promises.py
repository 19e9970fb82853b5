"""What a keeper promised about logs that two hosts write in turn, in one small SQLite file: WAL, synchronous=FULL."""

import sqlite3
from pathlib import Path
from typing import Final

from typing_extensions import override

from holdgate.engine.keeping import Promise, Promises
from holdgate.terms.errors import Unavailable

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS promise(
    origin TEXT PRIMARY KEY, term INTEGER NOT NULL, host TEXT NOT NULL, written INTEGER NOT NULL) WITHOUT ROWID"""


class SqlitePromises(Promises):
    """Promises in a file. Read once and kept in memory; every new one is on the disk before it is given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
            rows = self._db.execute("SELECT origin, term, host, written FROM promise").fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error
        self._known = {origin: Promise(term=term, host=host, written=written) for origin, term, host, written in rows}

    @override
    def load(self, origin: str) -> Promise:
        return self._known.get(origin, Promise())

    @override
    def save(self, origin: str, promise: Promise) -> None:
        row = (origin, promise.term, promise.host, promise.written)
        try:
            self._db.execute("INSERT OR REPLACE INTO promise VALUES(?,?,?,?)", row)
        except sqlite3.Error as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error
        self._known[origin] = promise

    @override
    def close(self) -> None:
        self._db.close()

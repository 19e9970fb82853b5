"""What a keeper promised about logs that two hosts write in turn, in one small SQLite file: WAL, synchronous=FULL.

A promise that the disk changed would be broken unnoticed, so each row lies with its own hash.
"""

import sqlite3
from pathlib import Path
from typing import Final

from typing_extensions import override

from holdgate.crypto.hashes import sha256
from holdgate.engine.keeping import Promise, Promises
from holdgate.terms.errors import Tampered, Unavailable

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS promise(
    origin TEXT PRIMARY KEY, term INTEGER NOT NULL, host TEXT NOT NULL, written INTEGER NOT NULL) WITHOUT ROWID"""
_HASHED: Final = "ALTER TABLE promise ADD COLUMN hash BLOB NOT NULL DEFAULT x''"


class SqlitePromises(Promises):
    """Promises in a file. Read once and kept in memory; every new one is on the disk before it is given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            named = {name for (name,) in self._db.execute("SELECT name FROM sqlite_schema")}
            self._db.execute(_SCHEMA)
            if "hash" not in {name for _, name, *_ in self._db.execute("PRAGMA table_info(promise)")}:
                self._db.execute(_HASHED)  # of an earlier release
            whole = named <= {"promise"} and self._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = self._db.execute("SELECT origin, term, host, written, hash FROM promise").fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error
        if not whole or any(kept not in (_hash(*row), b"") for *row, kept in rows):
            self._db.close()
            raise Tampered(f"{path} is not what was promised: it was damaged; the disk of this keeper counts as lost")
        self._known = {
            origin: Promise(term=term, host=host, written=written) for origin, term, host, written, _ in rows
        }

    @override
    def load(self, origin: str) -> Promise:
        return self._known.get(origin, Promise())

    @override
    def save(self, origin: str, promise: Promise) -> None:
        row = (origin, promise.term, promise.host, promise.written)
        try:
            self._db.execute(
                "INSERT OR REPLACE INTO promise(origin, term, host, written, hash) VALUES(?,?,?,?,?)",
                (*row, _hash(*row)),
            )
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error
        self._known[origin] = promise

    @override
    def close(self) -> None:
        self._db.close()


def _hash(*row: object) -> bytes:
    return sha256(repr(row).encode())

"""The Vault's store in one SQLite file: mirrors, cosignatures, evidence of contradictions. WAL, synchronous=FULL."""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from holdgate.crypto.hashes import leaf_hash
from holdgate.sites.vault import MirrorStore
from holdgate.terms.errors import Unavailable

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS mirror(
        origin TEXT, seq INTEGER, body BLOB NOT NULL, PRIMARY KEY(origin, seq)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS seat(
        origin TEXT PRIMARY KEY, size INTEGER NOT NULL, frontier BLOB NOT NULL, cosigned BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS blob(key TEXT PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS evidence(
        origin TEXT, checkpoint BLOB NOT NULL, why TEXT NOT NULL, PRIMARY KEY(origin, checkpoint))""",
)
_HASH: Final = 32
_ALL: Final = 2**62


class SqliteMirror(MirrorStore):
    """The embedded default of the Vault. `read_only`: for who only looks; nothing can be written."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._reading = threading.Lock()  # proofs and tiles are made in other threads
        self._writing = threading.Lock()  # a stretch whose sender gave up may still be on its way to the disk
        try:
            if read_only:
                self._db = self._reader = sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
                )
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            for statement in _SCHEMA:
                self._db.execute(statement)
            self._reader = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise Unavailable(f"the mirror {path} cannot be opened: {error}") from error

    @override
    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        row = self._one("SELECT size, frontier FROM seat WHERE origin = ?", origin)
        if row is None:
            return 0, ()
        return int(row[0]), tuple(row[1][i : i + _HASH] for i in range(0, len(row[1]), _HASH))

    @override
    def keep(
        self,
        origin: str,
        start: int,
        entries: Sequence[bytes],
        frontier: tuple[bytes, ...],
        cosigned: bytes,
        blobs: dict[str, bytes],
    ) -> None:
        rows = [(origin, start + index, body) for index, body in enumerate(entries)]
        seat = (origin, start + len(entries), b"".join(frontier), cosigned)
        db = self._db
        try:
            with self._writing:
                db.execute("BEGIN IMMEDIATE")
                try:
                    db.executemany("INSERT INTO mirror VALUES(?,?,?)", rows)
                    db.executemany("INSERT OR IGNORE INTO blob VALUES(?,?)", blobs.items())
                    db.execute("INSERT OR REPLACE INTO seat VALUES(?,?,?,?)", seat)
                    db.execute("COMMIT")
                except sqlite3.Error:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            raise Unavailable(f"the mirror could not keep a stretch of {origin}: {error}") from error

    @override
    def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        return [leaf_hash(body) for body in self.entries(origin, start, stop)]

    @override
    def latest(self, origin: str) -> bytes | None:
        row = self._one("SELECT cosigned FROM seat WHERE origin = ?", origin)
        return None if row is None else bytes(row[0])

    @override
    def keep_evidence(self, origin: str, checkpoint: bytes, why: str) -> None:
        try:
            with self._writing:
                self._db.execute("INSERT OR IGNORE INTO evidence VALUES(?,?,?)", (origin, checkpoint, why))
        except sqlite3.Error as error:
            raise Unavailable(f"the mirror could not keep evidence about {origin}: {error}") from error

    @override
    def evidence(self, origin: str) -> list[tuple[bytes, str]]:
        return [(row[0], row[1]) for row in self._all("SELECT checkpoint, why FROM evidence WHERE origin = ?", origin)]

    @override
    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """The mirror of a log, or a stretch of it."""
        query = "SELECT body FROM mirror WHERE origin = ? AND seq >= ? AND seq < ? ORDER BY seq"
        return [body for (body,) in self._all(query, origin, start, _ALL if stop is None else stop)]

    def origins(self) -> list[str]:
        """The logs that there is a mirror of."""
        return [origin for (origin,) in self._all("SELECT origin FROM seat ORDER BY origin")]

    def blob(self, key: str) -> bytes | None:
        """A document that a mirrored entry pins, by its digest."""
        row = self._one("SELECT body FROM blob WHERE key = ?", key)
        return None if row is None else bytes(row[0])

    @override
    def close(self) -> None:
        self._reader.close()
        self._db.close()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(query, *values)), None)

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._reading:
                return list(self._reader.execute(query, values))
        except sqlite3.Error as error:
            raise Unavailable(f"the mirror cannot be read: {error}") from error

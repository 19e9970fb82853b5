"""The Vault's store in one SQLite file: mirrors, cosignatures, evidence of contradictions. WAL, synchronous=FULL."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    """CREATE TABLE IF NOT EXISTS upcoming(
        origin TEXT, seq INTEGER, body BLOB NOT NULL, PRIMARY KEY(origin, seq)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS undocumented(origin TEXT PRIMARY KEY, start INTEGER NOT NULL) WITHOUT ROWID",
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
        except (sqlite3.Error, UnicodeDecodeError) as error:
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
        with self._transaction(f"a stretch of {origin}") as db:
            db.executemany("INSERT INTO mirror VALUES(?,?,?)", rows)
            db.executemany("INSERT OR IGNORE INTO blob VALUES(?,?)", blobs.items())
            db.execute("INSERT OR REPLACE INTO seat VALUES(?,?,?,?)", seat)
            db.execute("DELETE FROM upcoming WHERE origin = ? AND seq < ?", (origin, start + len(entries)))

    @contextmanager
    def _transaction(self, what: str) -> Iterator[sqlite3.Connection]:
        """All or nothing, and durable at its end."""
        db = self._db
        try:
            with self._writing:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the mirror could not keep {what}: {error}") from error

    # ---- what is uploaded ahead of the mirror ----------------------------------------------------------------------

    @override
    def upcoming(self, origin: str) -> int:
        row = self._one("SELECT max(seq) FROM upcoming WHERE origin = ?", origin)
        return max(self.held(origin)[0], 0 if row is None or row[0] is None else int(row[0]) + 1)

    @override
    def upcoming_entries(self, origin: str, start: int, stop: int) -> list[bytes]:
        query = "SELECT body FROM upcoming WHERE origin = ? AND seq >= ? AND seq < ? ORDER BY seq"
        return [body for (body,) in self._all(query, origin, start, stop)]

    @override
    def keep_upcoming(self, origin: str, start: int, entries: Sequence[bytes]) -> None:
        with self._transaction(f"what was uploaded of {origin}") as db:
            size = (db.execute("SELECT size FROM seat WHERE origin = ?", (origin,)).fetchone() or (0,))[0]
            rows = [(origin, seq, body) for seq, body in enumerate(entries, start) if seq >= size]
            db.executemany("INSERT OR IGNORE INTO upcoming VALUES(?,?,?)", rows)

    @override
    def commit_upcoming(self, origin: str, size: int, stop: int, frontier: tuple[bytes, ...], cosigned: bytes) -> None:
        span = (origin, size, stop)
        with self._transaction(f"what was uploaded of {origin}") as db:
            moved = db.execute(
                "INSERT INTO mirror SELECT origin, seq, body FROM upcoming WHERE origin = ? AND seq >= ? AND seq < ?",
                span,
            ).rowcount
            if moved != stop - size:
                raise Unavailable(f"{moved} of the {stop - size} uploaded entries of {origin} are there; ask again")
            db.execute("DELETE FROM upcoming WHERE origin = ? AND seq < ?", (origin, stop))
            db.execute("INSERT OR IGNORE INTO undocumented VALUES(?,?)", (origin, size))
            db.execute("INSERT OR REPLACE INTO seat VALUES(?,?,?,?)", (origin, stop, b"".join(frontier), cosigned))

    @override
    def documented(self, origin: str) -> int:
        row = self._one("SELECT start FROM undocumented WHERE origin = ?", origin)
        return self.held(origin)[0] if row is None else int(row[0])

    @override
    def document(self, origin: str, stop: int, blobs: dict[str, bytes]) -> None:
        with self._transaction(f"documents of {origin}") as db:
            db.executemany("INSERT OR IGNORE INTO blob VALUES(?,?)", blobs.items())
            db.execute("UPDATE undocumented SET start = ? WHERE origin = ? AND start < ?", (stop, origin, stop))
            db.execute(
                "DELETE FROM undocumented WHERE origin = ? AND start >= (SELECT size FROM seat WHERE origin = ?)",
                (origin, origin),
            )

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
        except (sqlite3.Error, UnicodeDecodeError) as error:
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

    @override
    def blob(self, key: str) -> bytes | None:
        row = self._one("SELECT body FROM blob WHERE key = ?", key)
        return None if row is None else bytes(row[0])

    @override
    def close(self) -> None:
        with self._writing, self._reading:  # whoever is at it in another thread finishes first
            self._reader.close()
            self._db.close()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(query, *values)), None)

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._reading:
                return list(self._reader.execute(query, values))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the mirror cannot be read: {error}") from error

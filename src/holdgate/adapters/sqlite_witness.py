"""A witness's store in one SQLite file: what was accepted, what contradicts it, what others cosigned. WAL, synchronous=FULL."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from typing_extensions import override

from holdgate.engine.witnessing import OutsideStore
from holdgate.ledger.note import parse_checkpoint, read_note
from holdgate.ledger.witness import Evidence, WitnessStore
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import WITNESS_EVIDENCE_MAX

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS accepted(origin TEXT PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS history(origin TEXT, size INTEGER, note BLOB NOT NULL, PRIMARY KEY(origin, size))",
    """CREATE TABLE IF NOT EXISTS evidence(
        number INTEGER PRIMARY KEY, origin TEXT NOT NULL, why TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
        held BLOB NOT NULL, seen BLOB NOT NULL, at_s INTEGER NOT NULL, settled INTEGER NOT NULL,
        UNIQUE(origin, why, size, root))""",
    """CREATE TABLE IF NOT EXISTS outside(
        origin TEXT, size INTEGER, name TEXT, lines BLOB NOT NULL, PRIMARY KEY(origin, size, name))""",
)
_HISTORY: Final = "INSERT OR IGNORE INTO history VALUES(?,?,?)"


class SqliteWitness(WitnessStore, OutsideStore):
    """For one process; any of its threads may call."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, and make it where there is none.

        Raises:
            Unavailable: it cannot be opened.
        """
        self.path = path
        self._lock = threading.Lock()
        try:
            if read_only:
                uri = f"{path.absolute().as_uri()}?mode=ro"
                self._db = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
                self._db.execute("SELECT 1 FROM accepted LIMIT 1")
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            for statement in _SCHEMA:
                self._db.execute(statement)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the witness's store {path} cannot be opened: {error}") from error

    # ---- what was accepted -----------------------------------------------------------------------------------------

    @override
    def latest(self, origin: str) -> bytes | None:
        return self._note("SELECT note FROM accepted WHERE origin = ?", origin)

    @override
    def at(self, origin: str, size: int) -> bytes | None:
        return self._note("SELECT note FROM history WHERE origin = ? AND size = ?", origin, size)

    @override
    def root_at(self, origin: str, size: int) -> bytes | None:
        return None  # a witness holds no entries

    @override
    def advance(self, origin: str, before: bytes | None, note: bytes, size: int) -> bool:
        with self._transaction() as db:
            if before is None:
                done = db.execute("INSERT OR IGNORE INTO accepted VALUES(?,?)", (origin, note))
            else:
                done = db.execute("UPDATE accepted SET note = ? WHERE origin = ? AND note = ?", (note, origin, before))
            if done.rowcount == 1:
                db.execute(_HISTORY, (origin, size, note))
            return done.rowcount == 1

    # ---- evidence --------------------------------------------------------------------------------------------------

    @override
    def keep_evidence(self, evidence: Evidence) -> None:
        seen = parse_checkpoint(evidence.seen)
        with self._transaction() as db:
            count = db.execute(
                "SELECT count(*) FROM evidence WHERE origin = ? AND why = ?", (evidence.origin, evidence.why)
            ).fetchone()[0]
            if count >= WITNESS_EVIDENCE_MAX:
                return
            db.execute(
                "INSERT OR IGNORE INTO evidence(origin, why, size, root, held, seen, at_s, settled) "
                "VALUES(?,?,?,?,?,?,?,?)",
                (
                    evidence.origin,
                    evidence.why,
                    seen.size,
                    seen.root,
                    evidence.held,
                    evidence.seen,
                    evidence.at_s,
                    int(evidence.settled),
                ),
            )

    @override
    def settle(self, origin: str, note: bytes) -> None:
        seen = parse_checkpoint(note)
        with self._transaction() as db:
            db.execute(
                "UPDATE evidence SET settled = 1 "
                "WHERE origin = ? AND why = 'not_continued' AND size = ? AND root = ? AND settled = 0",
                (origin, seen.size, seen.root),
            )

    @override
    def evidence(self) -> list[Evidence]:
        query = "SELECT origin, held, seen, why, at_s, settled FROM evidence ORDER BY number"
        with self._reading() as db:
            return [
                Evidence(origin=origin, held=held, seen=seen, why=why, at_s=at_s, settled=bool(settled))
                for origin, held, seen, why, at_s, settled in db.execute(query)
            ]

    # ---- what others cosigned --------------------------------------------------------------------------------------

    @override
    def keep_outside(self, origin: str, name: str, note: bytes) -> None:
        text, _ = read_note(note)
        size = parse_checkpoint(text).size
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO outside VALUES(?,?,?,?)", (origin, size, name, note))

    @override
    def outside(self, origin: str, size: int) -> list[bytes]:
        query = "SELECT lines FROM outside WHERE origin = ? AND size = ? ORDER BY name"
        with self._reading() as db:
            return [lines for (lines,) in db.execute(query, (origin, size))]

    @override
    def outside_sizes(self, origin: str) -> list[int]:
        query = "SELECT DISTINCT size FROM outside WHERE origin = ? ORDER BY size DESC LIMIT 64"
        with self._reading() as db:
            return [size for (size,) in db.execute(query, (origin,))]

    @override
    def close(self) -> None:
        with self._lock:  # whoever is at it in another thread finishes first
            self._db.close()

    def _note(self, query: str, *values: object) -> bytes | None:
        with self._reading() as db:
            row = db.execute(query, values).fetchone()
        return None if row is None else bytes(row[0])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                yield self._db
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the witness's store cannot be read: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and durable at its end."""
        db = self._db
        try:
            with self._lock:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the witness's store could not keep it: {error}") from error

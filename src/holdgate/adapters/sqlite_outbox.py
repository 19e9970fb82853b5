"""How far each target was told, in one small SQLite file beside the site's store: WAL, synchronous=FULL.

The file can be lost: then targets are new, and are told of what comes from then on. It is never the site's ledger store.
"""

import sqlite3
import threading
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from holdgate.engine.telling import Cursor, Message, Outbox
from holdgate.query.notices import Fact
from holdgate.terms.errors import Unavailable

BUSY_S: Final = 5.0
"""How long another process may hold the file."""
_AT_ONCE: Final = 500
"""Ids that one question names."""
_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS target(
        name TEXT PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL, tries INTEGER NOT NULL, failing_since INTEGER NOT NULL,
        next_at INTEGER NOT NULL, fault TEXT NOT NULL, failed INTEGER NOT NULL, told INTEGER NOT NULL, told_at INTEGER NOT NULL,
        apart TEXT NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS apart(target TEXT, id TEXT, at INTEGER NOT NULL, PRIMARY KEY(target, id)) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS staged(
        order_id TEXT, seq INTEGER, client TEXT NOT NULL, PRIMARY KEY(order_id, seq)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS report(report TEXT PRIMARY KEY, order_id TEXT NOT NULL, job TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS learned(one INTEGER PRIMARY KEY CHECK(one = 1), size INTEGER NOT NULL)",
)
_CURSOR: Final = "seq, n, tries, failing_since, next_at, fault, failed, told, told_at"
_CALM: Final = "tries = 0, failing_since = 0, next_at = 0, fault = '', failed = 0, apart = ''"

Change = tuple[str, Sequence[tuple[object, ...]]]


class SqliteOutbox(Outbox):
    """The embedded default. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            for statement in _SCHEMA:
                self._db.execute(statement)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error

    @override
    def learned(self) -> int:
        return int(next(iter(self._all("SELECT size FROM learned")), (0,))[0])

    @override
    def learn(self, size: int, facts: Sequence[Fact]) -> None:
        staged = [(fact.key, fact.seq, fact.one) for fact in facts if fact.table == "order"]
        reports = [(fact.key, fact.one, fact.two) for fact in facts if fact.table == "report"]
        self._together(
            ("INSERT OR REPLACE INTO staged VALUES(?,?,?)", staged),
            ("INSERT OR IGNORE INTO report VALUES(?,?,?)", reports),
            ("INSERT OR REPLACE INTO learned VALUES(1,?)", [(size,)]),
        )

    @override
    def client_of(self, order: str, before: int) -> str:
        query = "SELECT client FROM staged WHERE order_id = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
        return str(next(iter(self._all(query, order, before)), ("",))[0])

    @override
    def report_of(self, report: str) -> tuple[str, str] | None:
        found = self._all("SELECT order_id, job FROM report WHERE report = ?", report)
        return (str(found[0][0]), str(found[0][1])) if found else None

    @override
    def cursors(self) -> dict[str, Cursor]:
        rows = self._all(f"SELECT name, {_CURSOR} FROM target ORDER BY name")  # noqa: S608  # names of columns
        return {
            name: Cursor(
                seq=seq,
                n=n,
                tries=tries,
                failing_since=since,
                next_at=next_at,
                fault=fault,
                failed=bool(failed),
                told=told,
                told_at=told_at,
            )
            for name, seq, n, tries, since, next_at, fault, failed, told, told_at in rows
        }

    @override
    def begin(self, target: str, seq: int) -> None:
        row = (target, seq, 0, 0, 0, 0, "", 0, 0, 0, "")
        self._together(("INSERT OR IGNORE INTO target VALUES(?,?,?,?,?,?,?,?,?,?,?)", [row]))

    @override
    def pass_over(self, target: str, seq: int) -> None:
        self._together(("UPDATE target SET seq = ?, n = 0 WHERE name = ? AND seq < ?", [(seq, target, seq)]))

    @override
    def told(self, target: str, message: Message, at: int) -> None:
        seq, n = message.behind
        self._together(
            (
                f"UPDATE target SET seq = ?, n = ?, told = told + 1, told_at = ?, {_CALM} WHERE name = ?",  # noqa: S608
                [(seq, n, at, target)],
            ),
            ("INSERT OR IGNORE INTO apart VALUES(?,?,?)", [(target, key, at) for key in message.apart]),
        )

    @override
    def told_apart(self, target: str, ids: Collection[str]) -> set[str]:
        wanted, found = list(ids), set[str]()
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            query = f"SELECT id FROM apart WHERE target = ? AND id IN ({marks})"  # noqa: S608  # marks, no values
            found |= {row[0] for row in self._all(query, target, *part)}
        return found

    @override
    def failed(self, target: str, message: Message, at: int, next_at: int, fault: str, *, for_good: bool) -> None:
        statement = """UPDATE target SET seq = ?, n = ?, tries = tries + 1, next_at = ?, fault = ?, failed = ?, apart = ?,
            failing_since = CASE WHEN failing_since = 0 THEN ? ELSE failing_since END WHERE name = ?"""
        row = (message.seq, message.n, next_at, fault, int(for_good), "\n".join(message.apart), at, target)
        self._together((statement, [row]))

    @override
    def resume(self, target: str, *, skip: bool) -> bool:
        known = self._all("SELECT seq, n, tries, apart, told_at FROM target WHERE name = ?", target)
        if not known:
            return False
        seq, n, tries, apart, at = known[0]
        left = [(target, key, at) for key in str(apart).split("\n") if key] if skip else []
        n += 1 if skip and tries and not left else 0
        self._together(
            (f"UPDATE target SET n = ?, {_CALM} WHERE name = ? AND seq = ?", [(n, target, seq)]),  # noqa: S608
            ("INSERT OR IGNORE INTO apart VALUES(?,?,?)", left),
        )
        return True

    @override
    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock, closing(self._db.execute(query, values)) as found:
                return found.fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{self._path} cannot be read: {error}") from error

    def _together(self, *changes: Change) -> None:
        """All or nothing."""
        db = self._db
        try:
            with self._lock:
                db.execute("BEGIN IMMEDIATE")
                try:
                    for statement, rows in changes:
                        db.executemany(statement, rows)
                    db.execute("COMMIT")
                except sqlite3.Error:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error

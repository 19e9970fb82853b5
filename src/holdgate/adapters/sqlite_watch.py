"""The watch's store in one SQLite file: alarms, and how far each log was decided again. WAL, synchronous=FULL.

Only alarms are worth their flush; the rest saves time. It is written every some thousand entries, and can be thrown away: then
every mirrored entry is decided again.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from holdgate.crypto.hashes import sha256
from holdgate.engine.ports import Snapshot
from holdgate.sites.watch import Alarm, Mark, WatchStore
from holdgate.terms.errors import Unavailable

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS alarm(
        origin TEXT, seq INTEGER, site TEXT NOT NULL, leaf TEXT NOT NULL, expected TEXT NOT NULL, found TEXT NOT NULL,
        at INTEGER NOT NULL, PRIMARY KEY(origin, seq)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS standing(
        origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS mark(
        origin TEXT, subject TEXT, seq INTEGER, leaf BLOB NOT NULL, digest BLOB NOT NULL,
        PRIMARY KEY(origin, subject, seq)) WITHOUT ROWID""",
)


class SqliteWatch(WatchStore):
    """The embedded default."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            for statement in _SCHEMA:
                self._db.execute(statement)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(
                f"the watch's store {path} cannot be opened: {error}; keep it, and move it away: it is made anew"
            ) from error

    @override
    def load(self, origin: str) -> Snapshot | None:
        for size, root, digest, body in self._all(
            "SELECT size, root, digest, body FROM standing WHERE origin = ?", origin
        ):
            if sha256(body) == digest:
                return Snapshot(size=size, root=root, digest=digest, body=body)
        return None

    @override
    def save(self, origin: str, snapshot: Snapshot, marks: Sequence[Mark]) -> None:
        rows = [(origin, mark.subject, mark.seq, mark.leaf, mark.digest) for mark in marks]
        self._together(
            ("INSERT OR REPLACE INTO mark VALUES(?,?,?,?,?)", rows),
            (
                "INSERT OR REPLACE INTO standing VALUES(?,?,?,?,?)",
                [(origin, snapshot.size, snapshot.root, snapshot.digest, snapshot.body)],
            ),
        )

    @override
    def forget(self, origin: str) -> None:
        self._together(
            ("DELETE FROM standing WHERE origin = ?", [(origin,)]), ("DELETE FROM mark WHERE origin = ?", [(origin,)])
        )

    @override
    def last_of(self, origin: str, subject: str) -> bytes | None:
        query = "SELECT leaf FROM mark WHERE origin = ? AND subject = ? ORDER BY seq DESC LIMIT 1"
        return next((bytes(leaf) for (leaf,) in self._all(query, origin, subject)), None)

    @override
    def find(self, origin: str, subject: str, digest: bytes) -> int | None:
        query = "SELECT seq FROM mark WHERE origin = ? AND subject = ? AND digest = ? LIMIT 1"
        return next((int(seq) for (seq,) in self._all(query, origin, subject, digest)), None)

    @override
    def keep_alarm(self, alarm: Alarm) -> None:
        row = (alarm.origin, alarm.seq, alarm.site, alarm.leaf, alarm.expected, alarm.found, alarm.at)
        self._together(("INSERT OR IGNORE INTO alarm VALUES(?,?,?,?,?,?,?)", [row]))

    @override
    def alarms(self) -> list[Alarm]:
        query = "SELECT origin, seq, site, leaf, expected, found, at FROM alarm ORDER BY origin, seq"
        return [
            Alarm(origin=origin, seq=seq, site=site, leaf=leaf, expected=expected, found=found, at=at)
            for origin, seq, site, leaf, expected, found, at in self._all(query)
        ]

    @override
    def close(self) -> None:
        with self._lock:  # whoever is at it in another thread finishes first
            self._db.close()

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock, closing(self._db.execute(query, values)) as found:
                return found.fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the watch's store {self._path.name} cannot be read: {error}") from error

    def _together(self, *changes: tuple[str, Sequence[tuple[object, ...]]]) -> None:
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
            raise Unavailable(f"the watch's store {self._path.name} cannot be written: {error}") from error

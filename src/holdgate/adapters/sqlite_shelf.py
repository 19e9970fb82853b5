"""A shelf of rows in an SQLite file beside the store that they were folded from (`holdgate.query.shelf.Shelf`).

The file can be deleted at any time: it is folded anew. It is written without flushes, since what a power cut takes is
folded again; a file that cannot be read, or is of another fold, is thrown away.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from typing_extensions import override

from holdgate.ledger.merkle import root_from_frontier
from holdgate.query.shelf import Progress, Shelf, Span, Touch
from holdgate.query.uses import FOLD, Counted, Note, Row, Use
from holdgate.terms.errors import Malformed, Unavailable

_SCHEMA: Final = (
    """CREATE TABLE progress(
        one INTEGER PRIMARY KEY CHECK (one = 1), fold INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
        frontier BLOB NOT NULL)""",
    """CREATE TABLE use(
        kind TEXT NOT NULL, key TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, site TEXT NOT NULL,
        seq INTEGER NOT NULL, po TEXT NOT NULL, job TEXT NOT NULL, step TEXT NOT NULL, what TEXT NOT NULL,
        detail TEXT NOT NULL, readings INTEGER NOT NULL)""",
    "CREATE INDEX use_key ON use(kind, key, since)",
    "CREATE INDEX use_open ON use(po, job) WHERE until IS NULL",
    """CREATE TABLE note(
        topic TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, site TEXT NOT NULL, seq INTEGER NOT NULL,
        what TEXT NOT NULL, job TEXT NOT NULL, detail BLOB NOT NULL)""",
    "CREATE INDEX note_key ON note(topic, key)",
)
_TABLES: Final = ("progress", "use", "note")
_HASH: Final = 32
_SPAN: Final = "kind = ? AND key = ? AND since <= ? AND (until IS NULL OR until >= ?) AND (? IS NULL OR site = ?)"
_COUNT: Final = "UPDATE use SET readings = readings + 1 WHERE until IS NULL AND po = ? AND job = ? AND step = ?"
_END_STEP: Final = "UPDATE use SET until = ? WHERE until IS NULL AND po = ? AND job = ? AND step = ?"
_END_JOB: Final = "UPDATE use SET until = ? WHERE until IS NULL AND po = ? AND job = ?"
_KEYS: Final = 500
"""Keys of one question."""

_ENCODE: Final = msgspec.json.Encoder().encode
_DETAIL: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class SqliteShelf(Shelf):
    """Rows in a file, or in memory where no file can be kept.

    Args:
        path: the file; None: in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        try:
            self._db = self._open(path)
        except sqlite3.Error:
            self._db = self._fresh(path)

    @staticmethod
    def _open(path: Path | None) -> sqlite3.Connection:
        db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'progress'").fetchone() is None:
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute("COMMIT")
        return db

    def _fresh(self, path: Path | None) -> sqlite3.Connection:
        """A new file in the place of one that cannot be used; memory where there is no place for one."""
        if path is None:
            raise Unavailable("a shelf could not be opened in memory")
        try:
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            return self._open(path)
        except (OSError, sqlite3.Error):
            self.path = None
            return self._open(None)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @override
    def progress(self) -> Progress:
        """How much was folded; nothing, where what the file says of itself does not fit together."""
        found = self._all("SELECT fold, size, root, frontier FROM progress")
        for fold, size, root, peaks in found:
            frontier = tuple(peaks[i : i + _HASH] for i in range(0, len(peaks), _HASH))
            try:
                if fold == FOLD and root_from_frontier(frontier, size) == root:
                    return Progress(size, frontier)
            except Malformed:
                break
        self.clear()
        return Progress()

    @override
    def keep(self, rows: Sequence[Row], progress: Progress) -> None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            try:
                for row in rows:
                    self._put(row)
                values = (FOLD, progress.size, progress.root, b"".join(progress.frontier))
                db.execute("INSERT OR REPLACE INTO progress VALUES(1,?,?,?,?)", values)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the rows beside the store could not be kept: {error}; delete {self.path}") from error

    def _put(self, row: Row) -> None:
        if isinstance(row, Use):
            self._db.execute("INSERT INTO use VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", row)
        elif isinstance(row, Counted):
            self._db.execute(_COUNT, row)
        elif isinstance(row, Note):
            self._db.execute("INSERT INTO note VALUES(?,?,?,?,?,?,?,?)", (*row[:7], _ENCODE(row.detail)))
        elif row.step:
            self._db.execute(_END_STEP, (row.at, row.order, row.job, row.step))
        else:
            self._db.execute(_END_JOB, (row.at, row.order, row.job))

    @override
    def clear(self) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # the names stand above
            self._db.execute("COMMIT")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the rows beside the store could not be thrown away: {error}") from error

    @override
    def touches(self, span: Span, site: str | None = None) -> list[Touch]:
        query = f"""SELECT po, job, what, group_concat(DISTINCT step), min(since), max(coalesce(until, since)), count(*),
            sum(until IS NULL), sum(readings) FROM use WHERE {_SPAN} GROUP BY po, job, what"""  # noqa: S608
        return [
            Touch(po, job, what, tuple(sorted(filter(None, steps.split(",")))), *counts)
            for po, job, what, steps, *counts in self._all(query, *_bounds(span, site))
        ]

    @override
    def uses(self, span: Span, site: str | None = None) -> list[Use]:
        query = f"SELECT * FROM use WHERE {_SPAN} ORDER BY since, site, seq"  # noqa: S608
        return [Use(*row) for row in self._all(query, *_bounds(span, site))]

    @override
    def notes(self, topic: str, keys: Iterable[str], site: str | None = None) -> list[Note]:
        found: list[Note] = []
        wanted = [*keys]
        for start in range(0, len(wanted), _KEYS):
            some = wanted[start : start + _KEYS]
            marks = ",".join("?" * len(some))
            query = (
                f"SELECT * FROM note WHERE topic = ? AND key IN ({marks}) AND (? IS NULL OR site = ?) ORDER BY rowid"  # noqa: S608
            )
            for about, key, at, where, seq, what, job, detail in self._all(query, topic, *some, site, site):
                found.append(Note(about, key, at, where, seq, what, job, _DETAIL.decode(detail)))
        return found

    @override
    def sites(self) -> list[str]:
        return [site for (site,) in self._all("SELECT site FROM use UNION SELECT site FROM note ORDER BY site")]

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the rows beside the store cannot be read: {error}; delete {self.path}") from error


def _bounds(span: Span, site: str | None) -> tuple[object, ...]:
    return (span.kind, span.key, span.until, span.since, site, site)

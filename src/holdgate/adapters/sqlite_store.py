"""A site's store in one SQLite file: WAL, synchronous=FULL, one transaction per group commit.

Hints (cursors, the newest cosignatures) lie in a second file without flushes: they prove themselves or are asked for anew,
and must neither wait for the writer nor make anybody wait.

Nothing unhashed is believed: entries are covered by the log's tree, blobs by their keys, snapshots by their digest,
cosignatures by themselves; cursors are hints. SQLite does not notice a bit that turned over: what finds entries by subject
lies in the table and in an index over the same columns, and both are compared before they are asked. Source:
docs/spec/entry.md; SQLite WAL documentation.
"""

import hashlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.ports import CopyStore, Head, Row, Snapshot
from holdgate.law.chronicle import Draft
from holdgate.terms.errors import Tampered, Unavailable

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS entry(
        seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, leaf BLOB NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS entry_by_subject ON entry(subject, seq, digest)",
    "DROP INDEX IF EXISTS entry_subject",  # of earlier releases
    # With row ids, so that documents are written one after the other; sorted by their digests, each would go to a page of its own.
    "CREATE TABLE IF NOT EXISTS blob(key TEXT PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS head(
        one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, frontier BLOB NOT NULL, checkpoint BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS snapshot(
        size INTEGER PRIMARY KEY, root BLOB NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS aside(number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL)",
)
_HINTS: Final = (
    "CREATE TABLE IF NOT EXISTS cursor(peer TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS cosignature(witness TEXT PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID",
)
_HASH: Final = 32
_ODD: Final = """SELECT count(*) FROM entry AS lying NOT INDEXED WHERE NOT EXISTS (
    SELECT 1 FROM entry AS named INDEXED BY entry_by_subject
    WHERE named.subject = lying.subject AND named.seq = lying.seq AND named.digest = lying.digest)"""


class SqliteStore(CopyStore):
    """The embedded default.

    Args:
        path: the database file; made where it is missing.
        read_only: open for readers and auditors: nothing can be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.flush_us: deque[float] = deque(maxlen=50_000)
        self._compared = False
        self._writing = threading.Lock()  # whoever closes waits for what another thread still writes
        try:
            hints = path.with_suffix(".hints.db")
            if read_only:
                self._writer = self._reader = _connect(f"{path.absolute().as_uri()}?mode=ro")
                self._hints = _connect(f"{hints.absolute().as_uri()}?mode=ro" if hints.exists() else ":memory:")
                if not hints.exists():
                    self._make(self._hints, _HINTS)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path.absolute().as_uri())
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000"):
                self._writer.execute(f"PRAGMA {pragma}")
            self._make(self._writer, _SCHEMA)
            self._hints = self._open_hints(hints)
            self._reader = _connect(f"{path.absolute().as_uri()}?mode=ro")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the store {path} cannot be opened: {error}") from error

    def _open_hints(self, path: Path) -> sqlite3.Connection:
        """The hints; those that cannot be read are thrown away."""
        for last in (False, True):
            hints = _connect(path.absolute().as_uri())
            try:
                hints.execute("PRAGMA journal_mode=WAL")
                hints.execute("PRAGMA synchronous=OFF")
                self._make(hints, _HINTS)
                if hints.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                    raise sqlite3.DatabaseError("the hints are damaged")  # as if SQLite had noticed
            except sqlite3.Error:
                hints.close()
                if last:
                    raise
                self._throw_away(path)
            else:
                return hints
        raise Unavailable(f"the hints {path} cannot be opened")

    @staticmethod
    def _throw_away(path: Path) -> None:
        try:
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"the hints {path} can neither be read nor removed: {error}") from error

    @staticmethod
    def _make(connection: sqlite3.Connection, schema: tuple[str, ...]) -> None:
        for statement in schema:
            connection.execute(statement)

    @override
    def commit(self, drafts: Sequence[Draft], head: Head) -> None:
        began = time.perf_counter_ns()
        with self._at_once(f"keep {len(drafts)} entries", head) as writer:
            writer.executemany(
                "INSERT INTO entry VALUES(?,?,?,?,?)",
                [(draft.seq, draft.subject, draft.leaf, draft.digest, draft.body) for draft in drafts],
            )
            for draft in drafts:
                if draft.blobs:
                    writer.executemany("INSERT OR IGNORE INTO blob VALUES(?,?)", draft.blobs.items())
        self.flush_us.append((time.perf_counter_ns() - began) / 1e3)

    @override
    def set_aside(self, head: Head) -> None:
        cut = (head.size,)
        with self._at_once("set its end aside", head) as writer:
            writer.execute("INSERT INTO aside(seq, body) SELECT seq, body FROM entry WHERE seq >= ? ORDER BY seq", cut)
            writer.execute("DELETE FROM entry WHERE seq >= ?", cut)
            writer.execute("DELETE FROM snapshot WHERE size > ?", cut)

    @contextmanager
    def _at_once(self, what: str, head: Head) -> Iterator[sqlite3.Connection]:
        """A transaction that ends with a new head.

        Raises:
            Unavailable: the storage failed; nothing of it was kept.
        """
        writer = self._writer
        try:
            with self._writing:
                yield from self._in_transaction(writer, head)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the store {self.path.name} could not {what}: {error}") from error

    @staticmethod
    def _in_transaction(writer: sqlite3.Connection, head: Head) -> Iterator[sqlite3.Connection]:
        writer.execute("BEGIN IMMEDIATE")
        try:
            yield writer
            writer.execute(
                "INSERT OR REPLACE INTO head VALUES(1,?,?,?)", (head.size, b"".join(head.frontier), head.checkpoint)
            )
            writer.execute("COMMIT")
        except sqlite3.Error:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise

    def aside(self) -> list[bytes]:
        """The entries that were set aside, in the order in which that happened."""
        return [_bytes(body) for (body,) in self._all("SELECT body FROM aside ORDER BY number")]

    @override
    def head(self) -> Head:
        row = self._one("SELECT size, frontier, checkpoint FROM head")
        if row is None:
            return Head(size=0, frontier=())
        size, frontier, checkpoint = self._whole(row[0]), row[1], row[2]
        if not isinstance(frontier, bytes) or not isinstance(checkpoint, bytes):
            raise self._damaged("the head")
        peaks = tuple(frontier[i : i + _HASH] for i in range(0, len(frontier), _HASH))
        return Head(size=size, frontier=peaks, checkpoint=checkpoint)

    @override
    def save_checkpoint(self, checkpoint: bytes) -> None:
        self._write(self._writer, "UPDATE head SET checkpoint = ?", checkpoint)

    @override
    def rows(self, start: int, stop: int) -> Iterator[Row]:
        for seq, row in enumerate(self.found(start, stop), max(start, 0)):
            if row.seq != seq or leaf_hash(row.body) != row.leaf:
                raise Tampered(
                    f"entry {seq} in {self.path} is not what was recorded: it was altered or damaged; "
                    "ask the Vault for its copy"
                )
            yield row

    @override
    def found(self, start: int, stop: int) -> Iterator[Row]:
        for seq, leaf, body in self._all(
            "SELECT seq, leaf, body FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq", start, stop
        ):
            yield Row(seq=seq, leaf=_bytes(leaf), body=_bytes(body))

    @override
    def leaves(self, start: int, stop: int) -> list[bytes]:
        query = "SELECT leaf FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq"
        return [_bytes(leaf) for (leaf,) in self._all(query, start, stop)]

    @override
    def last_of(self, subject: str, before: int) -> bytes | None:
        self._compare()
        row = self._one("SELECT max(seq) FROM entry WHERE subject = ? AND seq < ?", subject, before)
        if row is None or row[0] is None:
            return None
        seq = self._whole(row[0])
        for found in self.rows(seq, seq + 1):
            return found.leaf
        raise self._damaged(f"entry {seq}")

    @override
    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        self._compare()
        query = "SELECT seq FROM entry WHERE subject = ? AND digest = ? AND seq < ? LIMIT 1"
        row = self._one(query, subject, digest, before)
        return None if row is None else self._whole(row[0])

    def _whole(self, value: object) -> int:
        """A number of a column of numbers.

        Raises:
            Tampered: it is none; a table's definition was damaged.
        """
        if not isinstance(value, int):
            raise self._damaged("a number")
        return value

    def _damaged(self, what: str) -> Tampered:
        return Tampered(f"{what} in {self.path} is damaged; make the store anew from the Vault's copy")

    def _compare(self) -> None:
        """Hold the index of subjects against the table, once: a bit that turned over in one of them leaves the other.

        Raises:
            Tampered: they differ.
        """
        if self._compared:
            return
        if (
            self._one("SELECT 1 FROM sqlite_schema WHERE name = 'entry_by_subject'") is not None
        ):  # else: an earlier release's
            [(odd,)] = self._all(_ODD)
            if odd:
                raise Tampered(
                    f"{odd} entries in {self.path} are not found by their subject: the file was damaged; "
                    "make the store anew from the Vault's copy"
                )
        self._compared = True

    @override
    def blob(self, key: str) -> bytes | None:
        row = self._one("SELECT body FROM blob WHERE key = ?", key)
        if row is None:
            return None
        body = _bytes(row[0])
        holds = key in (hashlib.sha256(body).hexdigest(), hashlib.sha256(b"\0" + body).hexdigest())
        return body if holds else None

    @override
    def blob_keys(self) -> list[str]:
        return [key for (key,) in self._all("SELECT key FROM blob ORDER BY key")]

    def blobs(self) -> Iterator[bytes]:
        """Every pinned blob."""
        for (body,) in self._all("SELECT body FROM blob ORDER BY key"):
            yield _bytes(body)

    @override
    def save_snapshot(self, snapshot: Snapshot) -> None:
        self._write(
            self._writer,
            "INSERT OR REPLACE INTO snapshot VALUES(?,?,?,?)",
            snapshot.size,
            snapshot.root,
            snapshot.digest,
            snapshot.body,
        )
        self._write(self._writer, "DELETE FROM snapshot WHERE size < ?", snapshot.size)

    @override
    def load_snapshot(self) -> Snapshot | None:
        for size, root, digest, body in self._all("SELECT size, root, digest, body FROM snapshot ORDER BY size DESC"):
            if isinstance(size, int) and hashlib.sha256(_bytes(body)).digest() == digest:
                return Snapshot(size=size, root=root, digest=digest, body=body)
        return None

    @override
    def cursor(self, peer: str) -> int:
        rows = self._ask(self._hints, "SELECT position FROM cursor WHERE peer = ?", peer)
        return rows[0][0] if rows and isinstance(rows[0][0], int) else 0

    @override
    def set_cursor(self, peer: str, position: int) -> None:
        self._write(self._hints, "INSERT OR REPLACE INTO cursor VALUES(?,?)", peer, position)

    @override
    def save_cosignature(self, witness: str, note: bytes) -> None:
        self._write(self._hints, "INSERT OR REPLACE INTO cosignature VALUES(?,?)", witness, note)

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        return dict(self._ask(self._hints, "SELECT witness, note FROM cosignature ORDER BY witness"))

    @override
    def close(self) -> None:
        with self._writing:
            self._reader.close()
            self._hints.close()
            if self._writer is not self._reader:
                self._writer.close()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        rows = self._all(query, *values)
        return rows[0] if rows else None

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._ask(self._reader, query, *values)

    def _ask(self, connection: sqlite3.Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the store {self.path.name} cannot be read: {error}") from error

    def _write(self, connection: sqlite3.Connection, statement: str, *values: object) -> None:
        try:
            with self._writing:
                connection.execute(statement, values)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the store {self.path.name} cannot be written: {error}") from error


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, cached_statements=64)


def _bytes(value: object) -> bytes:
    """A value of a column of bytes; of one whose type was damaged, bytes that no hash covers."""
    return value if isinstance(value, bytes) else repr(value).encode()

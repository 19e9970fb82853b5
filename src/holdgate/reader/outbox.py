"""A reader's outbox: every scan, from the moment it is made until a proven receipt covers it. One SQLite file.

WAL with synchronous=FULL: what a call has returned from survives a power cut. The process may be killed at any moment:
  1. a scan is there once `keep` has returned;
  2. a counter and the bytes signed with it are stored in one transaction, before anything is sent, so that no counter is
     ever used for two broadcasts and a resend is the same bytes;
  3. a scan goes only by `done`, which names the very bytes that were proven.
Several processes, and several threads of one, may use one file: each step is a transaction of its own, and names what it
expects to find.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final, NamedTuple

import msgspec

from holdgate.reader.broadcast import Scan
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.limits import INTEGER_ABS_MAX

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS owner(
        one INTEGER PRIMARY KEY CHECK (one = 1), reader TEXT NOT NULL, site TEXT NOT NULL, seq INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS scan(
        id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, captured_at INTEGER NOT NULL,
        late INTEGER NOT NULL DEFAULT 0, envelope BLOB)""",
)
_BUSY_S: Final = 10.0
_SCAN: Final = msgspec.json.Decoder(Scan)

Sign = Callable[["Waiting", int], bytes]
"""Signs a waiting scan under a counter."""


class Waiting(NamedTuple):
    """A scan that is not proven yet.

    `captured_at`: when it was made (UTC µs). `late`: it has to go as a buffered one. `envelope`: its broadcast, once signed.
    """

    id: int
    scan: Scan
    captured_at: int
    late: bool
    envelope: bytes | None


class Outbox:
    """The file.

    Args:
        path: the file; made where it is missing.
        reader: whose outbox it is.
        site: the floor hub that its broadcasts are for.
        after: the last counter that this reader is known to have used; the outbox's own counter is never set back.

    Raises:
        Unavailable: the file cannot be opened. Malformed: it is another reader's, or for another site.
    """

    def __init__(self, path: Path, reader: str, site: str, *, after: int = 0) -> None:
        self.path = path
        check_id(reader, "reader")
        check_id(site, "site")
        if not 0 <= after < INTEGER_ABS_MAX:
            raise Malformed(f"a reader's counter lies between 0 and {INTEGER_ABS_MAX}")
        self._one_at_a_time = RLock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
        except sqlite3.Error as error:
            raise Unavailable(f"the outbox {path} cannot be opened: {error}") from error
        try:
            self._begin(reader, site, after)
        except BaseException:
            self._db.close()
            raise

    def _begin(self, reader: str, site: str, after: int) -> None:
        with self._stored():
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
        with self._transaction():
            for statement in _SCHEMA:
                self._db.execute(statement)
            self._db.execute("INSERT OR IGNORE INTO owner VALUES (1, ?, ?, 0)", (reader, site))
            owner = self._db.execute("SELECT reader, site FROM owner").fetchone()
            if owner == (reader, site):
                self._db.execute("UPDATE owner SET seq = max(seq, ?)", (after,))
        if owner != (reader, site):
            raise Malformed(f"the outbox {self.path} is that of {owner[0]} for {owner[1]}; name a file of its own")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @property
    def seq(self) -> int:
        """The last counter that was used."""
        with self._stored():
            return int(self._db.execute("SELECT seq FROM owner").fetchone()[0])

    def __len__(self) -> int:
        with self._stored():
            return int(self._db.execute("SELECT count(*) FROM scan").fetchone()[0])

    def keep(self, scan: Scan, captured_at: int) -> None:
        """Keep a scan; it is durable when this returns."""
        with self._transaction():
            self._db.execute("INSERT INTO scan(body, captured_at) VALUES (?, ?)", (canon.encode(scan), captured_at))

    def first(self) -> Waiting | None:
        """The oldest scan that waits."""
        with self._stored():
            return self._read(self._db.execute("SELECT * FROM scan ORDER BY id LIMIT 1").fetchone())

    def sign(self, waiting: Waiting, make: Sign) -> bytes | None:
        """The broadcast of a scan: as it was signed, else signed now under the next counter. None: the scan is gone."""
        with self._transaction():
            found = self._read(self._db.execute("SELECT * FROM scan WHERE id = ?", (waiting.id,)).fetchone())
            if found is None or found.envelope is not None:
                return None if found is None else found.envelope
            seq = self._db.execute("SELECT seq FROM owner").fetchone()[0] + 1
            envelope = make(found, seq)
            self._db.execute("UPDATE owner SET seq = ?", (seq,))
            self._db.execute("UPDATE scan SET envelope = ? WHERE id = ?", (envelope, waiting.id))
        return envelope

    def done(self, waiting: Waiting, envelope: bytes) -> None:
        """A receipt covers this broadcast: the scan goes."""
        with self._transaction():
            self._db.execute("DELETE FROM scan WHERE id = ? AND envelope = ?", (waiting.id, envelope))

    def again(self, waiting: Waiting, envelope: bytes) -> None:
        """It is proven that this broadcast came too late to count as live: the scan is signed anew, as a buffered one."""
        with self._transaction():
            self._db.execute(
                "UPDATE scan SET envelope = NULL, late = 1 WHERE id = ? AND envelope = ?", (waiting.id, envelope)
            )

    @staticmethod
    def _read(row: tuple[int, bytes, int, int, bytes | None] | None) -> Waiting | None:
        if row is None:
            return None
        number, body, captured_at, late, envelope = row
        return Waiting(number, canon.decode(body, _SCAN, "a kept scan"), captured_at, bool(late), envelope)

    @contextmanager
    def _stored(self) -> Iterator[None]:
        try:
            with self._one_at_a_time:
                yield
        except sqlite3.Error as error:
            raise Unavailable(f"the outbox {self.path} cannot be used: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing, durable at the end."""
        with self._stored():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

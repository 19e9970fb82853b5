"""Evidence in an SQLite file of its own beside a site's store (`holdgate.sites.evidence`). What is erased is overwritten."""

import sqlite3
from pathlib import Path
from typing import Final

from typing_extensions import override

from holdgate.crypto.hashes import digest
from holdgate.sites.evidence import Evidence, EvidenceStore
from holdgate.terms.errors import Unavailable

BYTES_MAX: Final = 64 * 1024**3
"""Bytes of evidence that are kept at one place; beyond it the disk is not this product's to fill."""
_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS evidence(
    sha256 TEXT PRIMARY KEY, media TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, content BLOB NOT NULL)"""


class SqliteEvidence(EvidenceStore):
    """The embedded default.

    Args:
        path: the file; made where it is not there.
        bytes_max: of all that is kept.

    Raises:
        Unavailable: the file cannot be opened.
    """

    def __init__(self, path: Path, bytes_max: int = BYTES_MAX) -> None:
        self._path = path
        self._bytes_max = bytes_max
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON", _SCHEMA):
                self._db.execute(statement)
        except sqlite3.Error as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error
        path.chmod(0o600)

    @override
    def put(self, evidence: Evidence) -> None:
        if self._path.stat().st_size + len(evidence.content) > self._bytes_max:
            raise Unavailable("the place for evidence is full; have an administrator make room")
        row = (evidence.sha256, evidence.media, evidence.by, evidence.at, evidence.content)
        self._run("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)", row)

    @override
    def get(self, sha256: str) -> Evidence | None:
        rows = self._run("SELECT media, by, at, content FROM evidence WHERE sha256 = ?", (sha256,))
        if not rows:
            return None
        media, by, at, content = rows[0]
        if digest(content) != sha256:
            raise Unavailable(f"the evidence {sha256[:12]}… was damaged where it is kept")
        return Evidence(sha256=sha256, media=media, by=by, at=at, content=content)

    @override
    def erase(self, sha256: str) -> bool:
        rows = self._run("DELETE FROM evidence WHERE sha256 = ? RETURNING 1", (sha256,))
        self._run("PRAGMA wal_checkpoint(TRUNCATE)", ())
        return bool(rows)

    @override
    def close(self) -> None:
        self._db.close()

    def _run(self, sql: str, values: tuple[object, ...]) -> list[tuple[str, str, int, bytes]]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"the evidence cannot be read or written: {error}") from error

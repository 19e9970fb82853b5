"""Payloads in SQLite files of their own beside a site's store (`holdgate.sites.payloads`): bytes in one, keys in another.

Each payload is sealed under a key of its own (AES-256-GCM; commitment, kind, owner, media, who brought it and when are the
associated data, so that none of them changes unseen; of payloads from before, the commitment alone). To erase it is to
destroy that key, then the row: both files run with `secure_delete` and their write-ahead logs are cut off, so that neither
holds it any more. A copy of the first file alone opens nothing. Keys are used once, so that a nonce of zeros is sound.
Rows of the table `evidence` are from before: in clear, under their plain SHA-256.
Source: NIST SP 800-38D; SQLite, pragma secure_delete and wal_checkpoint; NIST SP 800-88r1 (cryptographic erase).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from holdgate.crypto.commitments import SALT_BYTES, commit, opens
from holdgate.sites.payloads import EVIDENCE, Held, Payload, PayloadStore
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import EVIDENCE_STORE_BYTES_MAX

FILE: Final = "evidence.db"
"""The file of the bytes, in a shop's directory."""
KEYS: Final = "-keys"
"""What the name of the file of keys has more than that of the bytes: `evidence.db`, `evidence-keys.db`."""
_NONCE: Final = bytes(12)
_KEY_BITS: Final = 256
_BYTES: Final = (
    """CREATE TABLE IF NOT EXISTS evidence(
    sha256 TEXT PRIMARY KEY, media TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, content BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS payload(
    commitment TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, media TEXT NOT NULL, by TEXT NOT NULL,
    at INTEGER NOT NULL, size INTEGER NOT NULL, sealed BLOB NOT NULL)""",
)
_KEYS: Final = ("CREATE TABLE IF NOT EXISTS key(commitment TEXT PRIMARY KEY, key BLOB NOT NULL, salt BLOB NOT NULL)",)


class SqlitePayloads(PayloadStore):
    """The embedded default.

    Args:
        path: the file of the bytes; it and the file of the keys beside it are made where they are not there.
        bytes_max: of all that is kept.

    Raises:
        Unavailable: a file cannot be opened.
    """

    def __init__(self, path: Path, bytes_max: int = EVIDENCE_STORE_BYTES_MAX) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._db = _open(path, _BYTES)
        try:
            self._keys = _open(path.with_name(f"{path.stem}{KEYS}{path.suffix}"), _KEYS)
        except Unavailable:
            self._db.close()
            raise

    @override
    def put(self, content: bytes, *, kind: str, by: str, at: int, owner: str = "", media: str = "") -> str:
        if self._path.stat().st_size + len(content) > self._bytes_max:
            raise Unavailable("the place for evidence is full; have an administrator make room")
        salt, key = token_bytes(SALT_BYTES), AESGCM.generate_key(_KEY_BITS)
        commitment = commit(salt, content)
        sealed = AESGCM(key).encrypt(_NONCE, content, _beside(commitment, kind, owner, media, by, at))
        _run(self._keys, "INSERT INTO key VALUES (?, ?, ?)", (commitment, key, salt))
        row = (commitment, kind, owner, media, by, at, len(content), sealed)
        _run(self._db, "INSERT INTO payload VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return commitment

    @override
    def get(self, reference: str) -> Payload | None:
        rows = _run(
            self._db, "SELECT kind, owner, media, by, at, sealed FROM payload WHERE commitment = ?", (reference,)
        )
        keys = _run(self._keys, "SELECT key, salt FROM key WHERE commitment = ?", (reference,))
        if not rows or not keys:
            return self._from_before(reference)
        (kind, owner, media, by, at, sealed), (key, salt) = rows[0], keys[0]
        content = _opened(key, sealed, (_beside(reference, kind, owner, media, by, at), reference.encode()))
        if content is None or not opens(reference, salt, content):
            raise _damaged(reference)
        return Payload(
            commitment=reference, kind=kind, content=content, salt=salt, owner=owner, media=media, by=by, at=at
        )

    def _from_before(self, reference: str) -> Payload | None:
        rows = _run(self._db, "SELECT media, by, at, content FROM evidence WHERE sha256 = ?", (reference,))
        if not rows:
            return None
        media, by, at, content = rows[0]
        if not opens(reference, b"", content):
            raise _damaged(reference)
        return Payload(commitment=reference, kind=EVIDENCE, content=content, salt=b"", media=media, by=by, at=at)

    @override
    def erase(self, references: Iterable[str]) -> int:
        gone = 0
        named = [(reference,) for reference in references]
        for one in named:
            _run(self._keys, "DELETE FROM key WHERE commitment = ?", one)
        _cut(self._keys)
        for one in named:
            gone += len(_run(self._db, "DELETE FROM payload WHERE commitment = ? RETURNING 1", one))
            gone += len(_run(self._db, "DELETE FROM evidence WHERE sha256 = ? RETURNING 1", one))
        _cut(self._db)
        return gone

    @override
    def held(self) -> Iterator[Held]:
        keyed = {name for (name,) in _run(self._keys, "SELECT commitment FROM key", ())}
        rows = _run(self._db, "SELECT commitment, kind, owner, by, at, size FROM payload ORDER BY commitment", ())
        for name, kind, owner, by, at, size in rows:
            yield Held(commitment=name, kind=kind, owner=owner, by=by, at=at, size=size, whole=name in keyed)
        before = _run(self._db, "SELECT sha256, by, at, length(content) FROM evidence ORDER BY sha256", ())
        for name, by, at, size in before:
            yield Held(commitment=name, kind=EVIDENCE, owner="", by=by, at=at, size=size, whole=True)

    @override
    def close(self) -> None:
        self._db.close()
        self._keys.close()


def _beside(*words: str | int) -> bytes:
    """What is sealed along with a payload's bytes."""
    return msgspec.json.encode(words)


def _opened(key: object, sealed: object, beside: tuple[bytes, ...]) -> bytes | None:
    """The bytes of a payload, sealed with any of these beside it; None where none of them holds."""
    for one in beside:
        try:
            return AESGCM(key).decrypt(_NONCE, sealed, one)  # type: ignore[arg-type]  # a damaged column may hold anything
        except (InvalidTag, ValueError, TypeError):
            continue
    return None


def _damaged(reference: str) -> Unavailable:
    return Unavailable(f"the payload {reference[:20]}… was damaged where it is kept")


def _open(path: Path, schema: Iterable[str]) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON", *schema):
            db.execute(statement)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} cannot be opened: {error}") from error
    path.chmod(0o600)
    return db


def _run(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    try:
        return db.execute(sql, values).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise Unavailable(f"payloads cannot be read or written: {error}") from error


def _cut(db: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file and cut it off: nothing that was overwritten stays in it."""
    [(busy, *_)] = _run(db, "PRAGMA wal_checkpoint(TRUNCATE)", ())
    if busy:
        raise Unavailable("another process reads the payloads; what is erased is cleaned up once it is done")

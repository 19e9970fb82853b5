"""The reception in a small SQLite file beside a site's store (`holdgate.sites.reception.Reception`)."""

import sqlite3
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from typing_extensions import override

from holdgate.sites.reception import Invitation, Lodged, Paper, Reception
from holdgate.terms.errors import Unavailable

T = TypeVar("T", bound=Struct)
_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS kept(
    kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"""


class SqliteReception(Reception):
    """The embedded default. `path`: the file; made where it is not there.

    Raises:
        Unavailable: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(_SCHEMA)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error
        path.chmod(0o600)

    @override
    def put_locker(self, locker: Lodged) -> None:
        self._put("locker", locker.id, 0, locker)

    @override
    def locker(self, smart_id: str) -> Lodged | None:
        return self._get("locker", smart_id, Lodged)

    @override
    def put_invitation(self, invitation: Invitation) -> None:
        self._put("invitation", invitation.token, invitation.until, invitation)

    @override
    def invitation(self, token: str) -> Invitation | None:
        return self._get("invitation", token, Invitation)

    @override
    def drop_invitation(self, token: str) -> None:
        self._drop("invitation", token)

    @override
    def invitations(self) -> list[Invitation]:
        return self._all("invitation", Invitation)

    @override
    def put_paper(self, paper: Paper) -> None:
        self._put("paper", paper.digest, paper.at, paper)

    @override
    def paper(self, digest: str) -> Paper | None:
        return self._get("paper", digest, Paper)

    @override
    def drop_paper(self, digest: str) -> None:
        self._drop("paper", digest)

    @override
    def papers(self) -> list[Paper]:
        return self._all("paper", Paper)

    @override
    def close(self) -> None:
        self._db.close()

    def _put(self, kind: str, key: str, at: int, value: Struct) -> None:
        self._run("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", (kind, key, at, msgspec.json.encode(value)))

    def _drop(self, kind: str, key: str) -> None:
        self._run("DELETE FROM kept WHERE kind = ? AND key = ?", (kind, key))

    def _get(self, kind: str, key: str, as_type: type[T]) -> T | None:
        rows = self._run("SELECT body FROM kept WHERE kind = ? AND key = ?", (kind, key))
        return msgspec.json.decode(rows[0][0], type=as_type) if rows else None

    def _all(self, kind: str, as_type: type[T]) -> list[T]:
        rows = self._run("SELECT body FROM kept WHERE kind = ? ORDER BY at, key", (kind,))
        return [msgspec.json.decode(body, type=as_type) for (body,) in rows]

    def _run(self, sql: str, values: tuple[object, ...]) -> list[tuple[bytes]]:
        try:
            return self._db.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"the reception cannot be read or written: {error}") from error

"""A database of views in one SQLite file. Decimals and times are text; times as `2025-04-01T13:00:00.000000Z`, which sort."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from holdgate.query.sql_views import SqlViews
from holdgate.query.view_queries import VIEWS
from holdgate.query.view_tables import (
    BOOL,
    BY_NAME,
    DECIMAL,
    INTEGER,
    SCHEMA_VERSION,
    TABLES,
    TEXT,
    TIME,
    VERSION_TABLE,
    Row,
    Table,
    Value,
    values_of,
)
from holdgate.terms.errors import Malformed, Unavailable

_TYPES: Final = {TEXT: "TEXT", INTEGER: "INTEGER", TIME: "TEXT", BOOL: "INTEGER", DECIMAL: "TEXT"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteViews(SqlViews):
    """The file is made where it is missing; a database of something else is not touched."""

    types = _TYPES
    mark = "?"

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error

    @override
    def begin(self, *, rebuild: bool) -> None:
        self._run("BEGIN IMMEDIATE")
        version = self._version()
        if version not in (None, SCHEMA_VERSION):
            for view in reversed(VIEWS):
                self._run(f"DROP VIEW IF EXISTS {view.name}")
            for table in TABLES:
                self._run(f"DROP TABLE IF EXISTS {table.name}")
            self._run(f"DROP TABLE {VERSION_TABLE}")
        if version != SCHEMA_VERSION:
            self._make()
        elif rebuild:
            for table in TABLES:
                self._run(f"DELETE FROM {table.name}")  # noqa: S608  # the names are our own

    def _version(self) -> int | None:
        names = [name for (name,) in self._run("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
        if VERSION_TABLE in names:
            return next((int(version) for (version,) in self._run(f"SELECT version FROM {VERSION_TABLE}")), 0)  # noqa: S608
        if names:
            raise Malformed(f"{self._path} is a database of something else; name a new file")
        return None

    @override
    def add(self, rows: Sequence[tuple[str, Row]]) -> None:
        by_table: dict[str, list[tuple[Value, ...]]] = {}
        for name, row in rows:
            by_table.setdefault(name, []).append(_spelled(BY_NAME[name], row))
        try:
            for name, values in by_table.items():
                marks = ",".join("?" * len(BY_NAME[name].columns))
                self._db.executemany(f"INSERT INTO {name} VALUES ({marks})", values)  # noqa: S608
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error

    @override
    def commit(self) -> None:
        self._run("COMMIT")

    @override
    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()

    @override
    def _run(self, statement: str, *values: Value) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"{self._path} is no database of views, or is in use: {error}") from error


def _spelled(table: Table, row: Row) -> tuple[Value, ...]:
    return tuple(
        _time(value) if column.kind == TIME and isinstance(value, int) else value
        for column, value in zip(table.columns, values_of(table, row), strict=True)
    )


def _time(us: int) -> str | None:
    """An instant as text that sorts; None for one beyond the calendar."""
    try:
        return (_EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except OverflowError:
        return None

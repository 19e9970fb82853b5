"""A database of views in PostgreSQL, in a schema of its own: times as timestamptz, decimals as numeric, text sorted by its bytes.

Where it is told to go comes from the person (a libpq connection string); what it answers goes into error sentences, the string
itself does not: it may hold a password.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from typing_extensions import override

from holdgate.query.view_queries import VIEWS, create_view
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
    Progress,
    Row,
    Table,
    ViewStore,
    create_table,
    frontier_of,
    names_of,
    values_of,
)
from holdgate.terms.errors import Malformed, Unavailable

SCHEMA: Final = "holdgate"
CONNECT_S: Final = 10
LOCK: Final = 4_608_514_903
"""An advisory lock: one run at a time."""
_TYPES: Final = {
    TEXT: 'text COLLATE "C"',
    INTEGER: "bigint",
    TIME: "timestamptz",
    BOOL: "boolean",
    DECIMAL: "numeric",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresViews(ViewStore):
    """The schema is made where it is missing; one of something else is not touched.

    Args:
        dsn: a libpq connection string or address.

    Raises:
        Malformed: it is none. Unavailable: nobody answers there, or not to this role.
    """

    def __init__(self, dsn: str) -> None:
        try:
            conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:  # its words repeat the string
            raise Malformed(
                "the PostgreSQL address cannot be read; write postgresql://USER@HOST/DATABASE or service=NAME"
            ) from None
        try:
            self._db = psycopg.connect(dsn, connect_timeout=CONNECT_S, application_name="holdgate views")
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL cannot be reached: {_said(error)}") from None

    @override
    def begin(self, *, rebuild: bool) -> None:
        self._run("SELECT pg_advisory_xact_lock(%s)", LOCK)
        if not self._run("SELECT 1 FROM pg_namespace WHERE nspname = %s", SCHEMA):
            self._run(f"CREATE SCHEMA {SCHEMA}")
        self._run(f"SET LOCAL search_path TO {SCHEMA}")
        self._run("SET LOCAL timezone TO 'UTC'")
        version = self._version()
        if version not in (None, SCHEMA_VERSION):
            self._drop()
        if version != SCHEMA_VERSION:
            self._make()
        elif rebuild:
            for table in TABLES:
                self._run(f"DELETE FROM {table.name}")  # noqa: S608  # the names are our own

    def _version(self) -> int | None:
        found = self._run(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relkind IN ('r', 'v', 'm', 'p', 'f')",
            SCHEMA,
        )
        names = [name for (name,) in found]
        if VERSION_TABLE in names:
            return next((int(version) for (version,) in self._run(f"SELECT version FROM {VERSION_TABLE}")), 0)  # noqa: S608
        if names:
            raise Malformed(f"the schema {SCHEMA} holds something else; use a database of its own")
        return None

    def _drop(self) -> None:
        """What an older version made. What others built on it is not taken with it: they are told."""
        try:
            for view in reversed(VIEWS):
                self._db.execute(f"DROP VIEW IF EXISTS {view.name}")
            for table in TABLES:
                self._db.execute(f"DROP TABLE IF EXISTS {table.name}")
            self._db.execute(f"DROP TABLE {VERSION_TABLE}")
        except psycopg.errors.DependentObjectsStillExist as error:
            raise Malformed(
                f"the tables have to be made anew, and something of yours rests on them; drop that first: {_said(error)}"
            ) from None
        except psycopg.Error as error:
            raise Unavailable(f"the tables of an older version cannot be dropped: {_said(error)}") from None

    def _make(self) -> None:
        self._run(f"CREATE TABLE {VERSION_TABLE} (version integer NOT NULL)")
        self._run(f"INSERT INTO {VERSION_TABLE} VALUES (%s)", SCHEMA_VERSION)  # noqa: S608
        for table in TABLES:
            self._run(create_table(table, _TYPES))
        for view in VIEWS:
            self._run(create_view(view))

    @override
    def origins(self) -> list[str]:
        return [origin for (origin,) in self._run("SELECT origin FROM logs ORDER BY origin")]

    @override
    def progress(self, origin: str) -> Progress:
        for size, frontier in self._run("SELECT size, frontier FROM logs WHERE origin = %s", origin):
            return Progress(int(size), frontier_of(frontier))
        return Progress(0, ())

    @override
    def forget(self, origin: str) -> None:
        for table in TABLES:
            self._run(f"DELETE FROM {table.name} WHERE origin = %s", origin)  # noqa: S608

    @override
    def forget_head(self, origin: str) -> None:
        for name in ("logs", "checkpoints"):
            self._run(f"DELETE FROM {name} WHERE origin = %s", origin)  # noqa: S608

    @override
    def add(self, rows: Sequence[tuple[str, Row]]) -> None:
        by_table: dict[str, list[Row]] = {}
        for name, row in rows:
            by_table.setdefault(name, []).append(row)
        try:
            with self._db.cursor() as cursor:
                for name, found in by_table.items():
                    table = BY_NAME[name]
                    with cursor.copy(f"COPY {name} ({names_of(table.columns)}) FROM STDIN") as copy:
                        for row in found:
                            copy.write_row(_spelled(table, row))
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL did not take the rows: {_said(error)}") from None

    @override
    def commit(self) -> None:
        try:
            self._db.commit()
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL did not keep the run: {_said(error)}") from None

    @override
    def close(self) -> None:
        with suppress(psycopg.Error):
            self._db.close()

    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            cursor = self._db.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description is not None else []
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL refuses: {_said(error)}") from None


def _said(error: psycopg.Error) -> str:
    """The server's own first line."""
    primary = error.diag.message_primary
    return primary or str(error).strip().partition("\n")[0] or type(error).__name__


def _spelled(table: Table, row: Row) -> tuple[object, ...]:
    return tuple(_spell(column.kind, value) for column, value in zip(table.columns, values_of(table, row), strict=True))


def _spell(kind: str, value: object) -> object:
    if kind == TIME and isinstance(value, int):
        try:
            return _EPOCH + timedelta(microseconds=value)
        except OverflowError:
            return None  # beyond the calendar
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value

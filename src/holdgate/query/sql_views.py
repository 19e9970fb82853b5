"""What databases of views have in common: the statements are the same but for the types of columns and the mark of a value."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from holdgate.query.view_queries import VIEWS, create_view
from holdgate.query.view_tables import (
    SCHEMA_VERSION,
    TABLES,
    VERSION_TABLE,
    Progress,
    ViewStore,
    create_table,
    frontier_of,
)


class SqlViews(ViewStore):
    """A database that understands the SQL of these pages. `types`: of columns, by kind; `mark`: stands for a value."""

    types: Mapping[str, str]
    mark: str

    @abstractmethod
    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement of our own and give its rows.

        Raises:
            Unavailable: the database refuses, or is out of reach.
        """

    def _make(self) -> None:
        self._run(f"CREATE TABLE {VERSION_TABLE} (version integer NOT NULL)")
        self._run(f"INSERT INTO {VERSION_TABLE} VALUES ({self.mark})", SCHEMA_VERSION)  # noqa: S608  # our own words
        for table in TABLES:
            self._run(create_table(table, self.types))
        for view in VIEWS:
            self._run(create_view(view))

    @override
    def origins(self) -> list[str]:
        return [origin for (origin,) in self._run("SELECT origin FROM logs ORDER BY origin")]

    @override
    def progress(self, origin: str) -> Progress:
        for size, frontier in self._run(f"SELECT size, frontier FROM logs WHERE origin = {self.mark}", origin):  # noqa: S608
            return Progress(int(size), frontier_of(frontier))
        return Progress(0, ())

    @override
    def forget(self, origin: str) -> None:
        for table in TABLES:
            self._run(f"DELETE FROM {table.name} WHERE origin = {self.mark}", origin)  # noqa: S608

    @override
    def forget_head(self, origin: str) -> None:
        for name in ("logs", "checkpoints"):
            self._run(f"DELETE FROM {name} WHERE origin = {self.mark}", origin)  # noqa: S608

"""Databases of views: one suite on SQLite and on a real PostgreSQL, over a shop's mirrors; the documented queries on both."""

import asyncio
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
from typing_extensions import override

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_views import SqliteViews
from holdgate.cli.app import main
from holdgate.law import command as c
from holdgate.ledger.merkle import extend
from holdgate.query import view_rows, view_tables, views
from holdgate.query.record import said
from holdgate.query.view_queries import VIEWS
from holdgate.query.view_tables import TABLES, ViewStore
from holdgate.query.views import bring_up
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from tests import postgres
from tests.played import played
from tests.tidy.tree import ROOT
from tests.unit.test_sites import HUB, T0, founded

DAY_US = 86_400_000_000
PAGE = (ROOT / "docs" / "views.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"^### ([^\n]+)\n(?:[^`#\n][^\n]*\n)*```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
Answer = list[tuple[Any, ...]]


class Database(Protocol):
    """One database of views under test."""

    name: str
    target: list[str]

    def store(self) -> ViewStore: ...

    def ask(self, query: str) -> Answer: ...

    def do(self, statement: str) -> None: ...


class Sqlite(Database):
    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.target = ["--out", str(path)]

    @override
    def store(self) -> ViewStore:
        return SqliteViews(self.path)

    @override
    def ask(self, query: str) -> Answer:
        db = sqlite3.connect(self.path)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    @override
    def do(self, statement: str) -> None:
        db = sqlite3.connect(self.path)
        db.execute(statement)
        db.commit()
        db.close()


class Postgres(Database):
    name = "postgres"

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.target = ["--postgres", dsn]

    @override
    def store(self) -> ViewStore:
        from holdgate.adapters.postgres_views import PostgresViews

        return PostgresViews(self.dsn)

    def _run(self, statement: str) -> Answer:
        import psycopg

        with psycopg.connect(self.dsn) as db:
            db.execute("SET search_path TO holdgate")
            cursor = db.execute(statement.encode())
            return cursor.fetchall() if cursor.description is not None else []

    @override
    def ask(self, query: str) -> Answer:
        return self._run(query)

    @override
    def do(self, statement: str) -> None:
        self._run(statement)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as dsn:
        yield dsn


def made(kind: str, folder: Path, request: pytest.FixtureRequest, name: str = "one") -> Database:
    """A new database."""
    if kind == "sqlite":
        return Sqlite(folder / f"{name}.sqlite")
    dsn = request.getfixturevalue("server")
    import psycopg

    with psycopg.connect(f"{dsn} dbname=postgres", autocommit=True) as db:
        [(number,)] = db.execute("SELECT count(*) FROM pg_database").fetchall()
        db.execute(f"CREATE DATABASE lab{number}".encode())
    return Postgres(f"{dsn} dbname=lab{number}")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return made(request.param, tmp_path, request)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out-of-limit reading and retest, to the report."""
    return played(tmp_path_factory.mktemp("views"), "115")


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One order from the client's signature to the payout."""
    return played(tmp_path_factory.mktemp("paid"), "101")


@pytest.fixture(scope="module")
def lapsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose gauge ran out of calibration a day before its last entry; another one, out of service, did too."""
    house = founded(tmp_path_factory.mktemp("lapsed"))

    async def story() -> None:
        house.open_vault()
        await house.open(HUB)
        for name, until, in_service in (("GAU-1", T0, True), ("GAU-2", T0, False), ("GAU-3", T0 + 9 * DAY_US, True)):
            act = c.RegisterEquipment(
                **house.head(HUB, ("ADM", "admin")),
                id=name,
                equipment_class="gauge",
                cal_from=T0 - DAY_US,
                cal_until=until,
                in_service=in_service,
            )
            assert (await house.ask(HUB, act)).decision.allowed
        house.clock.instant += DAY_US
        assert (await house.ask(HUB, house.material("B-1"))).decision.allowed
        await house.close()

    asyncio.run(story())
    return house.directory


class Part(SqliteMirror):
    """A mirror that shows only so much of each log."""

    def __init__(self, shop: Path, part: int = 100) -> None:
        super().__init__(shop / "VAULT" / "mirror.db", read_only=True)
        self.part = part

    @override
    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        size, frontier = super().held(origin)
        shown = size * self.part // 100
        return (size, frontier) if shown == size else (shown, tuple(extend(0, (), self.leaves(origin, 0, shown))))


def run(database: Database, mirror: SqliteMirror, *, rebuild: bool = False) -> int:
    """One run; gives how many entries are new."""
    store = database.store()
    try:
        return sum(log.new for log in bring_up(store, mirror, rebuild=rebuild))
    finally:
        store.close()


def plain(value: Any) -> Any:
    """A value as both databases mean it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value) if isinstance(value, Decimal) else int(value) if isinstance(value, bool) else value


def content(database: Database) -> dict[str, Answer]:
    """Everything that is in it, each table and view in one order."""
    return {
        thing.name: sorted(
            (tuple(plain(value) for value in row) for row in database.ask(f"SELECT * FROM {thing.name}")), key=repr
        )
        for thing in (*TABLES, *VIEWS)
    }


def entries(mirror: SqliteMirror) -> list[Any]:
    return [said(body) for origin in mirror.origins() for body in mirror.entries(origin)]


# ---- both ---------------------------------------------------------------------------------------------------------------


def test_many_runs_give_what_one_run_gives_and_a_repeated_run_adds_nothing(
    database: Database, request: pytest.FixtureRequest, tmp_path: Path, shop: Path
) -> None:
    mirror = Part(shop)
    total = sum(mirror.held(origin)[0] for origin in mirror.origins())
    added = 0
    for part in (0, 1, 30, 31, 77, 100):
        mirror.part = part
        added += run(database, mirror)
    assert added == total
    filled = content(database)
    assert run(database, mirror) == 0
    assert content(database) == filled
    at_once = made(database.name, tmp_path, request, "two")
    assert run(at_once, mirror) == total
    assert content(at_once) == filled
    assert run(database, mirror, rebuild=True) == total
    assert content(database) == filled
    mirror.close()


def test_rows_are_what_the_entries_say(database: Database, shop: Path) -> None:
    mirror = Part(shop)
    run(database, mirror)
    every = entries(mirror)
    rows = database.ask("SELECT site, seq, kind, verdict FROM entries ORDER BY origin, seq")
    assert rows == [(*one.place, one.entry.kind, one.decision.verdict) for one in every]
    codes = Counter(code for one in every for code in one.decision.codes)
    assert dict(database.ask("SELECT code, count(*) FROM denials GROUP BY code")) == codes
    assert len(codes) > 1
    signers = Counter(signer.id for one in every if one.command for signer in one.command.signers)
    assert dict(database.ask("SELECT signer, count(*) FROM signatures GROUP BY signer")) == signers
    kinds = ("ReadingRecorded", "ReadingCorrected")
    values = Counter(event.value for one in every for event in one.decision.events if type(event).__name__ in kinds)
    assert dict(database.ask("SELECT value, count(*) FROM readings GROUP BY value")) == values
    numbers = database.ask("SELECT number, value FROM readings WHERE number IS NOT NULL")
    assert numbers
    assert all(str(number) == value for number, value in numbers)
    mirror.close()


def test_times_are_instants_and_nothing_is_a_float(database: Database, shop: Path) -> None:
    mirror = Part(shop)
    run(database, mirror)
    for name, rows in content(database).items():
        assert not [row for row in rows if any(isinstance(value, float) for value in row)], name
    for at, at_us in database.ask("SELECT at, at_us FROM entries"):
        assert (
            plain(at)
            == datetime.fromtimestamp(at_us // 10**6, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_us % 10**6:06}Z"
        )
        assert isinstance(at, datetime if database.name == "postgres" else str)
    mirror.close()


def test_no_name_of_a_person_is_in_any_row(database: Database, shop: Path) -> None:
    mirror = Part(shop)
    run(database, mirror)
    enrolled = [
        event for one in entries(mirror) for event in one.decision.events if type(event).__name__ == "IdentityEnrolled"
    ]
    names = {event.name for event in enrolled if event.name != event.id}
    assert names
    text = repr(content(database))
    assert [name for name in sorted(names) if name in text] == []
    mirror.close()


def test_another_shops_mirror_replaces_the_logs_of_the_same_name(database: Database, shop: Path, paid: Path) -> None:
    """A database never mixes two histories of one log."""
    first, second = Part(shop), Part(paid)
    run(database, first)
    run(database, second)
    fresh = content(database)
    run(database, second, rebuild=True)
    assert content(database) == fresh
    first.close()
    second.close()


def test_a_run_that_fails_leaves_nothing(database: Database, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Part(shop, 50)
    run(database, mirror)
    before, mirror.part = content(database), 100
    real = view_rows.rows_of
    calls = iter(range(10**6))

    def failing(origin: str, body: bytes) -> Any:
        if next(calls) > 40:
            raise Malformed("the entry cannot be read")
        return real(origin, body)

    monkeypatch.setattr(views, "PAGE", 16)
    monkeypatch.setattr(view_rows, "rows_of", failing)
    with pytest.raises(Malformed):
        run(database, mirror)
    assert content(database) == before
    monkeypatch.setattr(view_rows, "rows_of", real)
    assert run(database, mirror) > 0
    mirror.close()


def test_an_altered_mirror_is_not_projected(database: Database, shop: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shop, tmp_path / "shop"))
    db = sqlite3.connect(copy / "VAULT" / "mirror.db")
    db.execute("UPDATE mirror SET body = CAST(replace(body, 'allow', 'alloy') AS BLOB) WHERE seq = 9")
    db.commit()
    db.close()
    mirror = Part(copy)
    with pytest.raises(Tampered, match="does not lead to the root"):
        run(database, mirror)
    mirror.close()


def test_a_database_of_an_older_schema_is_made_anew(
    database: Database, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Part(shop)
    total = run(database, mirror)
    filled = content(database)
    database.do("UPDATE holdgate_views SET version = 0")
    database.do("ALTER TABLE readings ADD COLUMN old TEXT")
    assert run(database, mirror) == total
    assert content(database) == filled
    assert database.ask("SELECT version FROM holdgate_views") == [(view_tables.SCHEMA_VERSION,)]
    mirror.close()


def test_the_whole_life_of_an_order_can_be_read(database: Database, paid: Path) -> None:
    mirror = Part(paid)
    run(database, mirror)
    [order] = database.ask(
        "SELECT order_id, state, node, jobs, price_minor, currency, invoiced_minor, paid_out_minor FROM orders"
    )
    assert order == ("PO-1001", "approved", "NODE-FPI", 1, 120000, "USD", 120000, 2500)
    [job] = database.ask("SELECT job, node, state, started_by FROM jobs")
    assert job == ("J-1", "NODE-FPI", "accepted", "SID-TEC-11")
    life = "accepted_at, staged_at, arrived_at, released_at, received_at, started_at, qa_at, reported_at, approved_at"
    [moments] = database.ask(f"SELECT {life} FROM orders")
    assert None not in moments
    assert [plain(moment) for moment in moments] == sorted(plain(moment) for moment in moments)
    assert database.ask("SELECT report, state FROM reports") == [("R-1", "approved")]
    assert len(database.ask("SELECT * FROM steps WHERE result = 'pass'")) == 8
    signers = {signer for (signer,) in database.ask("SELECT signer FROM checkpoints WHERE witnessed_at IS NOT NULL")}
    assert len(signers) == 1
    assert signers.pop().endswith("/VAULT")
    assert database.ask("SELECT count(*) FROM cosignatures")[0][0] > 0
    mirror.close()


@pytest.mark.parametrize("title", QUERIES)
def test_a_documented_query_gives_the_same_answer_on_both(
    title: str, request: pytest.FixtureRequest, tmp_path: Path, shop: Path, paid: Path, lapsed: Path
) -> None:
    answered = []
    for place in (shop, paid, lapsed):
        mirror = Part(place)
        answers = []
        for kind in ("sqlite", "postgres"):
            database = made(kind, tmp_path, request, place.parent.name)
            run(database, mirror)
            answers.append([tuple(plain(value) for value in row) for row in database.ask(QUERIES[title])])
        mirror.close()
        assert answers[0] == answers[1]
        answered += answers[0]
    assert answered, "a query without an answer shows nothing"


# ---- what the queries mean, counted by hand --------------------------------------------------------------------------------


def asked(place: Path, tmp_path: Path, title: str) -> Answer:
    database, mirror = Sqlite(tmp_path / "asked.sqlite"), Part(place)
    run(database, mirror)
    mirror.close()
    return database.ask(QUERIES[title])


def test_the_documented_queries_are_there() -> None:
    assert {"First-pass yield", "Overdue calibrations", "Turnaround by contract", "Top denial codes"} <= set(QUERIES)


def test_first_pass_yield_counts_the_step_that_was_retested(shop: Path, paid: Path, tmp_path: Path) -> None:
    rows = asked(shop, tmp_path, "First-pass yield")
    assert [row[1:] for row in rows if row[4] != 100], "one step needed a second attempt"
    (tmp_path / "asked.sqlite").unlink()
    assert {row[4] for row in asked(paid, tmp_path, "First-pass yield")} == {100}


def test_turnaround_runs_from_staging_to_the_report(paid: Path, tmp_path: Path) -> None:
    [(contract, orders, shortest, mean, longest)] = asked(paid, tmp_path, "Turnaround by contract")
    assert (contract, orders) == ("SP-FPI-4512", 1)
    assert shortest == mean == longest == (14 * 3600 + 47 * 60 + 20) - 13 * 3600


def test_a_lapsed_calibration_is_overdue(lapsed: Path, tmp_path: Path) -> None:
    assert [row[0] for row in asked(lapsed, tmp_path, "Overdue calibrations")] == ["GAU-1"]


# ---- PostgreSQL alone --------------------------------------------------------------------------------------------------------


def test_an_analyst_reads_and_cannot_write(request: pytest.FixtureRequest, tmp_path: Path, paid: Path) -> None:
    database = made("postgres", tmp_path, request)
    assert isinstance(database, Postgres)
    import psycopg

    mirror = Part(paid)
    run(database, mirror)
    [grants] = re.findall(r"<!-- roles -->\n```sql\n(.*?)```", PAGE, re.DOTALL)
    for statement in filter(None, map(str.strip, grants.split(";"))):
        database.do(statement)
    database.do("CREATE ROLE reader LOGIN IN ROLE analyst")
    database.do("UPDATE holdgate_views SET version = 0")
    run(database, mirror)  # tables are made anew, and the right stays
    mirror.close()
    with psycopg.connect(f"{database.dsn} user=reader", autocommit=True) as db:
        assert db.execute("SELECT count(*) FROM holdgate.orders").fetchall() == [(1,)]
        for attack in (
            "DELETE FROM holdgate.entries",
            "INSERT INTO holdgate.denials VALUES ('o', 1, 0, 'X', 'y')",
            "UPDATE holdgate.readings SET value = '1'",
            "DROP VIEW holdgate.orders",
            "CREATE TABLE holdgate.mine (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(attack.encode())


def test_what_an_analyst_built_is_not_dropped_with_an_older_schema(
    request: pytest.FixtureRequest, tmp_path: Path, paid: Path
) -> None:
    database, mirror = made("postgres", tmp_path, request), Part(paid)
    run(database, mirror)
    database.do("CREATE VIEW public.mine AS SELECT * FROM holdgate.orders")
    database.do("UPDATE holdgate_views SET version = 0")
    with pytest.raises(Malformed, match="drop that first"):
        run(database, mirror)
    assert database.ask("SELECT count(*) FROM public.mine") == [(1,)]
    mirror.close()


def test_a_password_in_the_address_is_not_repeated(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed: pip install 'psycopg[binary]'")
    from holdgate.adapters.postgres_views import PostgresViews

    with pytest.raises(Unavailable, match="cannot be reached") as refused:
        PostgresViews(f"host={tmp_path} dbname=lab user=u password=s3cret-w0rd")
    assert "s3cret-w0rd" not in str(refused.value)
    with pytest.raises(Malformed, match="cannot be read") as unread:
        PostgresViews("postgres//u:s3cret-w0rd@h/lab")
    assert "s3cret-w0rd" not in str(unread.value)


# ---- the command ---------------------------------------------------------------------------------------------------------------


def test_the_command_brings_a_database_up(database: Database, paid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["views", str(paid), *database.target]) == 0
    assert "HUB" in capsys.readouterr().out
    assert main(["views", str(paid / "VAULT"), *database.target]) == 0
    assert " 0 of them new" in capsys.readouterr().out
    assert main(["views", str(paid / "VAULT" / "mirror.db"), *database.target, "--rebuild"]) == 0
    assert database.ask("SELECT state FROM orders") == [("approved",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one database"),
        (["--out", "x.sqlite", "--postgres", "dbname=x"], "name one database"),
    ],
)
def test_one_database_is_named(arguments: list[str], said: str, paid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["views", str(paid), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_file_of_something_else_is_not_touched(paid: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE invoices (a)")
    db.commit()
    db.close()
    before = other.read_bytes()
    (tmp_path / "text.sqlite").write_text("no database, " * 99, encoding="utf-8")
    mirror = Part(paid)
    with pytest.raises(Malformed, match="something else"):
        run(Sqlite(other), mirror)
    with pytest.raises(HoldgateError, match="no database"):
        run(Sqlite(tmp_path / "text.sqlite"), mirror)
    mirror.close()
    assert other.read_bytes() == before


def test_no_vault_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["views", str(tmp_path), "--out", str(tmp_path / "x.sqlite")]) == 2
    assert "there is no mirror.db" in capsys.readouterr().err

"""The record of a job as QA reads it, over shop stories that go wrong: splits, repeats, failures, attested parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.ledger.entry import read_entry_once
from holdgate.web.pages import qa
from holdgate.web.problem import Problem
from tests.hub_shop import Office, opened
from tests.played import bodies, played


@contextmanager
def scenario(folder: Path, number: str) -> Iterator[Office]:
    """The office of the shop that a scenario leaves behind."""
    shop = played(folder, number)
    now = read_entry_once(bodies(shop, "HUB")[-1]).at + 1_000_000
    reception = SqliteReception(folder / "reception.db")
    with opened(shop, now) as sites:
        yield Office(sites, reception, now)
    reception.close()


def sheet(office: Office, job: str) -> qa.Sheet:
    """A job's record, as somebody of QA sees it."""
    somebody = next(one.id for one in office.face.state.identities.values() if "qa" in one.roles)
    found = qa.sheet(office.view(somebody, order=job.partition("/")[0], job=job.partition("/")[2]))
    assert not isinstance(found, Problem)
    return found


def kinds(found: qa.Sheet) -> list[str]:
    """What is out of the ordinary, by kind."""
    return [item.kind for item in found.exceptions]


def rounds(found: qa.Sheet) -> list[int]:
    """How often each op was begun."""
    return [len(op.rounds) for op in found.ops]


def test_a_sub_lots_record_begins_with_its_parents_and_goes_on_alone(tmp_path: Path) -> None:
    with scenario(tmp_path, "119") as office:
        assert rounds(sheet(office, "PO-1001/J-1"))[:3] == [1, 1, 0]
        ahead, behind = sheet(office, "PO-1001/J-1A"), sheet(office, "PO-1001/J-1B")
        assert rounds(ahead)[:4] == [1, 1, 1, 0]
        assert rounds(behind)[:4] == [1, 1, 0, 0]
        assert ahead.ops[0].rounds[0].signed == behind.ops[0].rounds[0].signed != ()
        for lot in (ahead, behind):
            serials = {row.read.serial for op in lot.ops for one in op.rounds for row in one.readings}
            assert serials <= {"", *lot.job.serials}


def test_an_op_that_was_done_again_shows_both_attempts_and_why_the_first_does_not_count(tmp_path: Path) -> None:
    with scenario(tmp_path, "115") as office:
        found = sheet(office, "PO-1001/J-1")
        assert rounds(found) == [1, 1, 2]
        first, second = found.ops[2].rounds
        assert first.attempt.over
        assert second.attempt.over == ""
        assert kinds(found).count("does not conform") == 1
        assert "done again" in kinds(found)
        assert found.refused > 0


def test_the_environment_that_broke_while_a_job_ran_stands_beside_its_exceptions(tmp_path: Path) -> None:
    with scenario(tmp_path, "134") as office:
        found = sheet(office, "PO-1/J-1")
        assert [(stretch.kind, stretch.until > stretch.since) for stretch in found.breaks] == [("excursion", True)]
        assert "failed execution" in kinds(found)


def test_parts_that_people_attested_are_named_among_the_exceptions(tmp_path: Path) -> None:
    with scenario(tmp_path, "141") as office:
        told = {key: kinds(sheet(office, key)) for key in office.face.state.jobs}
        attested = {key for key, found in told.items() if "arrival attested by people" in found}
        orders = office.face.state.orders
        assert attested == {key for key in told if orders[key.partition("/")[0]].attested}
        assert attested

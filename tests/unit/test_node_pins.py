"""Tests pinned by themselves: which revision each step of a job is judged by, and that the record says so."""

from typing import Any

import pytest

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Characteristic, Step
from holdgate.law.library import Library
from holdgate.law.pinning import version_for
from holdgate.law.state import Job
from holdgate.ledger.entry import read_entry
from tests.builders import JOB, NODE, PO, Log, World, running
from tests.labs import BARE

TEMP: dict[str, Any] = {"characteristics": (Characteristic(id="temp", unit="degC", min="80"),)}
WAXED: dict[str, Any] = {"characteristic": "temp", "unit": "degC"}
BY_TEST = {"pin": "test"}


def job_of(world: World) -> Job:
    return world.state.jobs[f"{PO}/{JOB}"]


def judged_by(world: World, step: str) -> str:
    return version_for(world.state, world.library, job_of(world), step)


def revised(*done: str, patch: dict[str, dict[str, Any]] | None = None, **sheet: Any) -> World:
    """A job that pins by test, and then a second revision: wax above 80 degrees."""
    world = running(None, *done, sheet=BY_TEST)
    world.release({"S20": TEMP} | (patch or {}), version="2", sheet=sheet or BY_TEST)
    return world


@pytest.mark.parametrize("pin", ["test", "job"])
def test_a_test_that_was_not_started_takes_the_new_revision_and_keeps_it(pin: str) -> None:
    """Whatever the revision says of its own pinning: the job's contract is what pins by test."""
    world = revised("S10", pin=pin)
    started = world.do(c.StartStep).events[0]
    assert isinstance(started, ev.StepStarted)
    assert (started.contract, started.version) == (world.sha, "2")
    cold = world.do(c.RecordReading, **WAXED, value="75").events[0]
    assert isinstance(cold, ev.ReadingRecorded)
    assert not cold.conforms
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)
    world.release(version="3", sheet=BY_TEST)
    world.do(c.RecordReading, **WAXED, value="85", contract=judged_by(world, "S20"))
    assert judged_by(world, "S20") == started.contract


def test_a_revision_whose_documents_are_not_here_judges_nothing() -> None:
    world = revised("S10")
    first = job_of(world).sha256
    assert judged_by(world, "S20") == world.sha != first
    world.blobs.pop(world.sha)
    world.library = Library(world.blobs.get)
    assert judged_by(world, "S20") == first


def test_a_started_test_keeps_what_it_was_started_under() -> None:
    world = running(None, sheet=BY_TEST)
    world.do(c.StartStep, step="S10", **BARE)
    world.do(c.SignStep, step="S10")
    old = world.sha
    world.do(c.StartStep)
    world.release({"S20": TEMP}, version="2", sheet=BY_TEST)
    warm = world.do(c.RecordReading, **WAXED, value="75", contract=old).events[0]
    assert isinstance(warm, ev.ReadingRecorded)
    assert warm.conforms
    assert world.ask(c.RecordReading, **WAXED, value="75").decide().codes == ("CONTRACT_PINNED",)
    assert (judged_by(world, "S10"), judged_by(world, "S20"), judged_by(world, "S30")) == (old, old, world.sha)


def test_a_correction_of_an_older_test_is_judged_by_its_own_limits() -> None:
    world = running(None, sheet=BY_TEST)
    world.do(c.StartStep, step="S10", **BARE)
    world.do(c.SignStep, step="S10")
    world.do(c.StartStep)
    old = world.sha
    world.readings().do(c.SignStep)
    world.release({"S20": TEMP}, version="2", sheet=BY_TEST)
    corrected = world.do(c.CorrectEntry, new_value="76").events[0]
    assert isinstance(corrected, ev.ReadingCorrected)
    assert corrected.conforms
    world.do(c.SignStep, contract=old)
    assert world.ask(c.CorrectEntry, new_value="105").decide().allowed


def test_a_test_that_is_done_anew_takes_the_revision_in_force() -> None:
    world = running(None, "S10", sheet=BY_TEST)
    world.do(c.StartStep)
    world.release({"S20": TEMP}, version="2", sheet=BY_TEST)
    old = judged_by(world, "S20")
    world.do(c.RestartStep)
    assert old != judged_by(world, "S20") == world.sha
    world.do(c.StartStep)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(("S10", "S20"), id="one less"),
        pytest.param(("S20", "S10", "S30"), id="another order"),
        pytest.param(("S10", "S20", "S30", "S40"), id="one more"),
        pytest.param(("S10", "S20", "S31"), id="another name"),
    ],
)
def test_a_revision_with_other_steps_is_not_taken(steps: tuple[str, ...]) -> None:
    world = running(None, "S10", sheet=BY_TEST)
    old = world.sha
    world.release(version="2", sheet={**BY_TEST, "steps": tuple(bare(name) for name in steps)})
    assert judged_by(world, "S20") == old
    started = world.do(c.StartStep, contract=old).events[0]
    assert isinstance(started, ev.StepStarted)
    assert started.version == "1"


def bare(name: str) -> Step:
    return Step(id=name, name=name, role="technician", zones=("LAB",))


def test_a_job_that_pins_by_job_takes_no_revision() -> None:
    world = running(None, "S10")
    old = world.sha
    world.release({"S20": TEMP}, version="2", sheet=BY_TEST)
    assert (judged_by(world, "S20"), judged_by(world, "S99")) == (old, old)
    started = world.do(c.StartStep, contract=old).events[0]
    assert isinstance(started, ev.StepStarted)
    assert (started.contract, started.version) == ("", "")


def test_a_draft_is_no_revision() -> None:
    world = running(None, "S10", sheet=BY_TEST)
    old = world.sha
    world.proposed({"S20": TEMP}, version="2", sheet=BY_TEST)
    assert judged_by(world, "S20") == old


def test_lots_keep_the_versions_of_their_tests() -> None:
    world = running(None, "S10", sheet=BY_TEST)
    world.do(c.StartStep)
    world.readings().do(c.SignStep)
    old = world.sha
    world.do(c.SplitJob)
    world.release({"S20": TEMP}, version="2", sheet=BY_TEST)
    for name in ("J-1a", "J-1b"):
        lot = world.state.jobs[f"{PO}/{name}"]
        assert version_for(world.state, world.library, lot, "S20") == old
        assert version_for(world.state, world.library, lot, "S30") == world.sha


def test_the_record_names_the_version_that_a_test_was_judged_by() -> None:
    log = Log(NODE, "node").begin()
    log.people().register().release(sheet=BY_TEST)
    log.received().job().done("S10")
    log.release({"S20": TEMP}, version="2", sheet=BY_TEST)
    newer, refused = log.allow(c.StartStep), log.act(c.SignStep, step="S10")
    whole = log.act(c.SplitJob)
    assert [read_entry(draft.body).law.version for draft in (newer, refused, whole)] == ["2", "1", "1"]

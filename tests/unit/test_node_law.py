"""What happens to parts, tests and jobs that do not conform, told at law level: acts decided and folded one after another."""

from typing import Any

import pytest

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Hold
from holdgate.law.state import Job, open_ncrs, remaining
from holdgate.terms import canon
from tests.builders import JOB, PO, POINTS, S, World, encoded, running
from tests.labs import AUTO, BARE, GRANTED, failed, one_bad_part, open_step


def job_of(world: World, job: str = JOB) -> Job:
    return world.state.jobs[f"{PO}/{job}"]


def tag(world: World, *serials: str, ncr: str = "NCR-1", job: str = JOB, **decided: Any) -> World:
    """A red tag on these parts, and what is decided of it."""
    world.do(c.OpenNonconformance, ncr=ncr, serials=serials, job=job)
    world.do(c.DisposeNonconformance, ncr=ncr, job=job, **decided)
    return world


# ---- parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", ["scrap", "return_to_client", "reject"])
@pytest.mark.parametrize("back", ["use_as_is", "repair"])
def test_a_part_that_left_the_job_does_not_come_back_by_another_red_tag(gone: str, back: str) -> None:
    world = tag(running(), "A", disposition=gone)
    world.do(c.OpenNonconformance, ncr="NCR-2")
    again = world.ask(c.DisposeNonconformance, ncr="NCR-2", **(GRANTED | {"disposition": back})).decide()
    assert again.codes == ("RULE_NOT_MET",)
    assert remaining(job_of(world)) == ("B",)


def test_a_decision_on_several_parts_leaves_those_alone_that_left_the_job() -> None:
    world = running()
    world.do(c.OpenNonconformance, ncr="NCR-1", serials=("A", "B"))
    world.do(c.OpenNonconformance, ncr="NCR-2", serials=("A",))
    world.do(c.DisposeNonconformance, ncr="NCR-2", disposition="scrap")
    world.do(c.DisposeNonconformance, ncr="NCR-1", **GRANTED)
    assert job_of(world).parts == {"A": "scrapped", "B": "conceded"}


def test_a_rejected_part_can_still_be_scrapped_and_a_scrapped_one_is_not_merely_rejected() -> None:
    world = tag(tag(running(), "A", disposition="reject"), "A", ncr="NCR-2", disposition="scrap")
    assert job_of(world).parts == {"A": "scrapped"}
    world.do(c.OpenNonconformance, ncr="NCR-3")
    assert not world.ask(c.DisposeNonconformance, ncr="NCR-3").decide().allowed
    world.do(c.DisposeNonconformance, ncr="NCR-3", disposition="rework")


def test_a_recall_of_a_whole_job_is_decided_for_the_parts_that_are_left() -> None:
    world = tag(running(None, "S10", "S20"), "A", disposition="scrap")
    world.tagged("B", ncr="NCR-9")
    job_of(world).ncrs["NCR-9"].serials = ()
    world.disposed("use_as_is", "NCR-9", "CON-1")
    assert job_of(world).parts == {"A": "scrapped", "B": "conceded"}


def test_a_lot_counts_only_its_own_parts() -> None:
    """The nonconformance came with the split; what is decided of it in one lot is no reject of the other."""
    world = running(None, "S10").tagged("A")
    world.do(c.SplitJob)
    for job in ("J-1a", "J-1b"):
        world.do(c.DisposeNonconformance, job=job)
    assert (job_of(world, "J-1a").parts, job_of(world, "J-1b").parts) == ({"A": "rejected"}, {})


# ---- ending a job --------------------------------------------------------------------------------------------------


def test_an_ended_job_frees_its_parts() -> None:
    world = running(None, "S10")
    assert world.ask(c.StartJob, job="J-2").decide().codes == ("QTY_NOT_RECONCILED",)
    world.do(c.TerminateJob)
    world.do(c.StartJob, job="J-2")
    assert job_of(world, "J-2").serials == ("A", "B")
    assert world.ask(c.StartJob, job=JOB).decide().codes == ("ALREADY_DONE",)


@pytest.mark.parametrize("gone", ["reject", "scrap", "return_to_client"])
def test_ending_a_job_does_not_bring_back_the_parts_that_left_it(gone: str) -> None:
    world = tag(running(), "A", disposition=gone)
    world.do(c.TerminateJob)
    assert world.ask(c.StartJob, job="J-2").decide().codes == ("QTY_NOT_RECONCILED",)
    world.do(c.StartJob, job="J-2", serials=("B",))


# ---- done again ----------------------------------------------------------------------------------------------------


def test_what_is_done_again_is_released_and_witnessed_again() -> None:
    """The client let these parts go as they were; the process that made them so is done again."""
    world = running(POINTS, "S10", "S20")
    world.do(c.ReleaseHold)
    world.do(c.NotifyWitness)
    world.later(3600 * S).do(c.ReprocessJob)
    assert world.ask(c.StartStep).decide().codes == ("WITNESS_NOTICE",)
    world.do(c.NotifyWitness)
    world.later(3600 * S).do(c.StartStep)
    world.readings().do(c.SignStep)
    world.later(700 * S)
    third: dict[str, Any] = {"step": "S30", **BARE}
    assert world.ask(c.StartStep, **third).decide().codes == ("HOLD_POINT",)
    world.do(c.ReleaseHold)
    world.do(c.StartStep, **third)


def test_a_release_of_an_earlier_step_outlives_what_is_done_again() -> None:
    world = running({"S20": {"hold": Hold(party="client")}}, "S10")
    world.do(c.ReleaseHold, step="S20")
    world.done("S20", "S30").do(c.ReprocessJob, step="S30")
    assert list(job_of(world).released) == ["S20"]


@pytest.mark.parametrize(
    ("equipment", "step", "over"),
    [("OVEN-1", "S20", True), ("OVEN-1", "S30", False), ("THERM-1", "S20", True), ("THERM-1", "S30", False)],
)
def test_a_recall_ends_only_where_all_that_was_done_with_it_is_done_again(
    equipment: str, step: str, over: bool
) -> None:
    """Also where it was no machine of the step but what its readings were taken with."""
    world = running(None, "S10").opened("S20")
    world.do(c.RecordReading)
    world.readings().signed("S20").opened("S30")
    recall = f"recall-{equipment}-{JOB}"
    world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=recall, step="", equipment=equipment))
    world.do(c.ReprocessJob, step=step)
    assert [ncr.id for ncr in open_ncrs(job_of(world))] == ([] if over else [recall])


# ---- nonconformances -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ncr", ["auto-J-1-S20", "recall-OVEN-1-J-1", "sync-J-1-S20"])
def test_nobody_takes_the_id_of_what_the_rules_open(ncr: str) -> None:
    """A red tag in its place would be written over by the failed step's own, or hide a recall that comes later."""
    assert running(None, "S10").ask(c.OpenNonconformance, ncr=ncr).decide().codes == ("RULE_NOT_MET",)


def test_what_a_failed_step_opens_can_always_be_named() -> None:
    """The ids of job and step may be as long as ids are; what is opened over them is decided on by a signed act."""
    long = "J" * 64
    world = running(None)
    world.do(c.TerminateJob)
    world.job(long).opened("S10", long)
    world.do(c.SignStep, job=long, step="S10", result="fail")
    (ncr,) = job_of(world, long).ncrs
    asked = world.ask(c.DisposeNonconformance, job=long, ncr=ncr, disposition="rework")
    assert c.parse_command(canon.encode(asked.command)) == asked.command
    assert asked.decide().allowed


def test_only_a_failure_that_is_signed_stands() -> None:
    """The failed step was corrected before its nonconformance was decided: what is signed next fails anew, and can be repeated."""
    world = failed()
    world.do(c.CorrectEntry, new_value="121")
    world.do(c.DisposeNonconformance, ncr=AUTO, disposition="report_nonconforming")
    attempt = job_of(world).attempts[1]
    assert attempt is not None
    assert not attempt.stands
    world.do(c.SignStep, result="fail")
    assert [ncr.id for ncr in open_ncrs(job_of(world))] == [AUTO]
    world.do(c.AuthoriseRetest)


def test_a_decision_about_an_unknown_step_changes_nothing() -> None:
    """Another site's word: it is dropped whole."""
    world = running(None, "S10")
    world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr="NCR-1", step="S99", serials=("A",)))
    before = encoded(world.state)
    with pytest.raises(LookupError):
        world.disposed("reject")
    assert encoded(world.state) == before


# ---- concessions ---------------------------------------------------------------------------------------------------

ACCEPT: dict[str, Any] = {"result": "accepted_under_concession"}


def test_a_concession_lets_the_step_be_accepted_under_it() -> None:
    world = one_bad_part()
    assert world.ask(c.SignStep, **ACCEPT).decide().codes == ("CONCESSION_MISSING",)
    tag(world, "A", **GRANTED)
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)
    world.do(c.SignStep, **ACCEPT)
    attempt = job_of(world).attempts[1]
    assert attempt is not None
    assert (attempt.result, attempt.passed) == ("accepted_under_concession", True)
    assert job_of(world).parts == {"A": "conceded"}


def test_a_concession_does_not_cover_what_is_read_after_it() -> None:
    """The client agreed to what was found then."""
    world = tag(one_bad_part(), "A", **GRANTED)
    world.do(c.RecordReading, characteristic="gap", value="0.1", unit="mm", serial="A", instrument=None)
    assert world.ask(c.SignStep, **ACCEPT).decide().codes == ("CONCESSION_MISSING",)
    tag(world, "A", ncr="NCR-2", **GRANTED)
    world.do(c.SignStep, **ACCEPT)


def test_a_concession_does_not_cover_what_is_corrected_after_it() -> None:
    world = tag(one_bad_part(), "A", **GRANTED)
    world.do(c.CorrectEntry, characteristic="gap", new_value="0.1", serial="A")
    assert world.ask(c.SignStep, **ACCEPT).decide().codes == ("CONCESSION_MISSING",)


def test_a_concession_for_a_scratch_covers_no_reading_of_a_later_step() -> None:
    world = tag(running(None, "S10"), "A", **GRANTED)
    world.do(c.StartStep)
    for serial, value in (("A", "0.5"), ("B", "1.5")):
        world.do(c.RecordReading, characteristic="gap", value=value, unit="mm", serial=serial, instrument=None)
    world.do(c.RecordReading)
    world.do(c.RecordReading, characteristic="press", value="100", unit="kPa", instrument=None)
    assert world.ask(c.SignStep, **ACCEPT).decide().codes == ("CONCESSION_MISSING",)
    world.do(c.SignStep, result="fail")


def test_one_reading_for_all_parts_needs_the_concession_of_each() -> None:
    world = open_step().readings()
    world.do(c.RecordReading, characteristic="press", value="170", unit="kPa", instrument=None)
    tag(world, "A", **GRANTED)
    assert world.ask(c.SignStep, **ACCEPT).decide().codes == ("CONCESSION_MISSING",)
    tag(world, "B", ncr="NCR-2", **(GRANTED | {"disposition": "repair"}))
    world.do(c.SignStep, **ACCEPT)


# ---- deviations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["restart", "reprocess"])
def test_a_deviation_ends_with_the_attempt_that_used_it(again: str) -> None:
    """One step, one use: the next attempt is signed where the technique says."""
    world = running(None, "S10", "S20").later(700 * S)
    world.do(c.AuthoriseDeviation, waive=("LOCATION_NOT_PERMITTED",))
    third: dict[str, Any] = {"step": "S30", **BARE}
    world.do(c.StartStep, **third, place="WS-STORE", deviation="D-1")
    assert world.ask(c.SignStep, step="S30", place="WS-STORE").decide().allowed
    if again == "restart":
        world.do(c.RestartStep, step="S30")
    else:
        world.do(c.ReprocessJob, step="S30")
    world.do(c.StartStep, **third)
    assert world.ask(c.SignStep, step="S30", place="WS-STORE").decide().codes == ("LOCATION_NOT_PERMITTED",)
    world.do(c.SignStep, step="S30")


def test_a_deviation_covers_the_new_signature_after_a_correction() -> None:
    world = running(None, "S10")
    world.do(c.AuthoriseDeviation, step="S20", waive=("LOCATION_NOT_PERMITTED",))
    world.do(c.StartStep, place="WS-STORE", deviation="D-1")
    world.readings().do(c.SignStep, place="WS-STORE")
    world.do(c.CorrectEntry)
    world.do(c.SignStep, place="WS-STORE")

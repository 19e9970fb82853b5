"""What happens to parts, tests and jobs that do not conform, told at law level: acts decided and folded one after another."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Hold
from holdgate.law.state import Job, open_ncrs, remaining
from holdgate.law.view import job_view
from holdgate.terms import canon
from tests.builders import FULL_SHEET, JOB, PO, POINTS, RETEST, S, World, accepted_job, encoded, running
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


def test_a_split_that_names_more_jobs_than_lots_is_none() -> None:
    world = running(None, "S10")
    with pytest.raises(LookupError, match="names 2 jobs and 1 lots"):
        world.fold(ev.JobSplit(order=PO, job=JOB, jobs=("J-1a", "J-1b"), serials=(("A", "B"),)))


def test_lots_are_recalled_with_what_their_job_used_and_with_nothing_that_another_job_used() -> None:
    world = running(None, "S10", "S20")
    world.state.uses["OVEN-2"] = {"PO-9/J-9": 1}
    world.do(c.SplitJob)
    used = world.state.uses
    assert set(used["OVEN-1"]) == {f"{PO}/J-1a", f"{PO}/J-1b"}
    assert set(used["OVEN-2"]) == {"PO-9/J-9"}


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


# ---- a failed test -------------------------------------------------------------------------------------------------


def sign_fail(world: World) -> World:
    """The second step is signed as the fail that it is."""
    world.do(c.SignStep, result="fail")
    return world


def test_fail_retest_pass() -> None:
    world = running(None, "S10", sheet={"retest": RETEST}).opened("S20").readings()
    world.do(c.RecordReading, value="120")
    opened = sign_fail(world).state.jobs[f"{PO}/{JOB}"].ncrs[AUTO]
    assert (opened.step, opened.serials, opened.disposition) == ("S20", ("A", "B"), "")
    assert set(world.ask(c.StartStep).decide().codes) == {"NCR_OPEN", "RETEST_NOT_AUTHORISED", "ALREADY_DONE"}
    assert "NCR_OPEN" in world.ask(c.StartStep, step="S30", **BARE).decide().codes
    world.do(c.AuthoriseRetest)
    job = job_of(world)
    assert (job.ncrs[AUTO].disposition, job.retests, len(job.past), job.attempts[1]) == ("retest", {"S20": 1}, 1, None)
    world.do(c.StartStep)
    assert world.ask(c.SignStep).decide().codes == ("DATA_INCOMPLETE",) * 4, (
        "nothing is taken over from the failed test"
    )
    world.readings().do(c.SignStep)
    world.later(700 * S).do(c.StartStep, step="S30", **BARE)


def test_a_contract_bounds_the_retests_of_each_step() -> None:
    world = running(None, sheet={"retest": replace(RETEST, max=2)})
    for _ in range(2):
        world.failed("S10", (), JOB).do(c.AuthoriseRetest, step="S10")
    world.failed("S10", (), JOB)
    assert world.ask(c.AuthoriseRetest, step="S10").decide().codes == ("RETEST_NOT_AUTHORISED",)
    world.disposed("report_nonconforming", f"auto-{JOB}-S10").failed()
    world.do(c.AuthoriseRetest)


def test_the_number_of_retests_outlives_reprocessing_and_splitting() -> None:
    world = failed()
    world.do(c.AuthoriseRetest)
    world.failed().do(c.ReprocessJob)
    assert job_of(world).ncrs[AUTO].disposition == "reprocess"
    world.do(c.SplitJob)
    world.opened("S20", "J-1a").signed("S20", result="fail", job="J-1a")
    assert world.ask(c.AuthoriseRetest, job="J-1a").decide().codes == ("RETEST_NOT_AUTHORISED",)


def test_a_fail_is_opened_on_the_parts_that_failed() -> None:
    world = sign_fail(one_bad_part())
    assert job_of(world).ncrs[AUTO].serials == ("A",)
    whole = one_bad_part()
    whole.do(c.RecordReading, value="120")
    assert job_of(sign_fail(whole)).ncrs[AUTO].serials == ("A", "B")
    judged = sign_fail(open_step().readings())
    assert job_of(judged).ncrs[AUTO].serials == ("A", "B"), "a fail for what no reading shows is every part's"


@pytest.mark.parametrize("disposition", ["reject", "scrap", "return_to_client", "report_nonconforming"])
def test_a_failure_that_is_decided_lets_the_rest_go_on(disposition: str) -> None:
    world = sign_fail(one_bad_part())
    world.do(c.DisposeNonconformance, ncr=AUTO, disposition=disposition)
    attempt = job_of(world).attempts[1]
    assert attempt is not None
    assert (attempt.result, attempt.stands, attempt.passed) == ("fail", True, True)
    world.later(700 * S).do(c.StartStep, step="S30", **BARE)
    kept = ("A", "B") if disposition == "report_nonconforming" else ("B",)
    assert remaining(job_of(world)) == kept


def test_one_rejected_part_and_the_step_is_signed_on_the_rest() -> None:
    world = tag(one_bad_part(), "A", disposition="reject")
    world.do(c.SignStep)
    assert job_of(world).parts == {"A": "rejected"}


def test_a_rejected_part_is_not_read_any_more() -> None:
    world = open_step().read("temp", "75").read("gap", "1.5", "B").read("press", "100")
    assert world.ask(c.SignStep).decide().codes == ("DATA_INCOMPLETE",)
    tag(world, "A", disposition="scrap")
    world.do(c.SignStep)


def test_rework_takes_the_step_back() -> None:
    world = sign_fail(one_bad_part())
    world.do(c.DisposeNonconformance, ncr=AUTO, disposition="rework")
    job = job_of(world)
    assert (job.attempts[1], job.parts, len(job.past)) == (None, {}, 1)
    world.do(c.StartStep)
    world.readings().do(c.SignStep)


def test_a_step_that_failed_again_has_its_nonconformance_again() -> None:
    world = sign_fail(one_bad_part())
    world.do(c.DisposeNonconformance, ncr=AUTO, disposition="rework")
    world.do(c.StartStep)
    sign_fail(world.readings())
    assert [ncr.id for ncr in open_ncrs(job_of(world))] == [AUTO]


def test_nothing_but_facts_goes_on_while_a_red_tag_is_open() -> None:
    world = open_step().readings().tagged("A")
    assert world.ask(c.SignStep).decide().codes == ("NCR_OPEN",)
    assert world.ask(c.SignStep, result="fail").decide().codes == ("NCR_OPEN",)
    assert world.ask(c.StartStep, step="S30", **BARE).decide().codes[0] == "NCR_OPEN"
    world.do(c.RecordReading)
    world.do(c.RecordLate, observed_at=world.now)
    world.do(c.CorrectEntry)
    world.do(c.OpenNonconformance, ncr="NCR-2")


# ---- at the hub: what QA may count ---------------------------------------------------------------------------------


def counts(accepted: int, rejected: int, scrapped: int = 0) -> c.Quantities:
    return c.Quantities(received=2, accepted=accepted, rejected=rejected, scrapped=scrapped)


@pytest.mark.parametrize(
    ("disposition", "quantities"),
    [
        ("reject", counts(1, 1)),
        ("return_to_client", counts(1, 1)),
        ("report_nonconforming", counts(1, 1)),
        ("scrap", counts(1, 0, 1)),
        ("use_as_is", counts(2, 0)),
        ("repair", counts(2, 0)),
    ],
)
def test_qa_counts_what_was_decided_of_the_parts(disposition: str, quantities: c.Quantities) -> None:
    world = accepted_job()
    world.fold(ev.JobReprocessed(order=PO, job=JOB, step="S30", by="L3"))
    world.failed("S30", ("A",))
    assert world.ask(c.SignQa).decide().codes == ("NCR_OPEN", "STEP_INCOMPLETE")
    world.disposed(disposition, f"auto-{JOB}-S30", "CON-1")
    for wrong in (counts(2, 0), counts(1, 1), counts(1, 0, 1), counts(0, 2)):
        assert world.ask(c.SignQa, quantities=wrong).decide().allowed == (wrong == quantities)


def test_a_job_without_a_part_left_can_be_closed() -> None:
    world = accepted_job()
    world.fold(ev.JobReprocessed(order=PO, job=JOB, step="S20", by="L3"))
    assert world.ask(c.SignQa).decide().codes == ("STEP_INCOMPLETE",)
    world.tagged("A", "B").disposed("scrap")
    world.do(c.SignQa, quantities=counts(0, 0, 2))


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


def test_reprocessing_counts_windows_and_takes_every_later_step_back() -> None:
    world = running(None, "S10", "S20").later(700 * S).done("S30")
    assert job_of(world).status == "complete"
    first_start, signers = job_of(world).first_start_at, job_of(world).signers
    world.later(S).do(c.ReprocessJob)
    job = job_of(world)
    assert (job.status, job.attempts[1:], len(job.past)) == ("running", [None, None], 2)
    assert (job.first_start_at, job.signers) == (first_start, signers), "the clock and the signers of the bonus stay"
    third: dict[str, Any] = {"step": "S30", **BARE}
    assert "STEP_OUT_OF_ORDER" in world.ask(c.StartStep, **third).decide().codes
    world.do(c.StartStep)
    world.readings().do(c.SignStep)
    assert world.ask(c.StartStep, **third).decide().codes == ("WINDOW_NOT_REACHED",)
    world.later(600 * S).do(c.StartStep, **third)


def test_reprocessing_takes_an_open_step_back_too() -> None:
    world = running(None, "S10", "S20").later(700 * S).opened("S30")
    world.do(c.ReprocessJob)
    assert job_of(world).open_step == -1


def test_a_restart_keeps_clock_signers_and_the_abandoned_attempt() -> None:
    world = running({"S20": {"signatures": 2}}, "S10").later(S).opened("S20").readings()
    world.do(c.SignStep)
    before = job_of(world)
    first_start, view = before.first_start_at, job_view(before)
    world.later(S).do(c.RestartStep, by="TECH2")
    job = job_of(world)
    assert (job.first_start_at, job.signers, job.open_step) == (first_start, ("TECH",), -1)
    assert (job.attempts[1], len(job.past)) == (None, 1)
    assert job_view(job) != view
    world.do(c.StartStep, by="TECH2")
    assert world.ask(c.SignStep, by="TECH2").decide().codes == ("DATA_INCOMPLETE",) * 4


def test_two_abandoned_attempts_are_two() -> None:
    world = open_step().readings()
    world.do(c.RestartStep)
    other = world.copy().opened("S20").read("temp", "76")
    other.do(c.RestartStep)
    again = world.opened("S20").read("temp", "77")
    again.do(c.RestartStep)
    assert job_view(job_of(other)) != job_view(job_of(again))


# ---- splitting -----------------------------------------------------------------------------------------------------


def lots(world: World) -> tuple[Job, Job]:
    world.do(c.SplitJob)
    return job_of(world, "J-1a"), job_of(world, "J-1b")


def test_splitting_is_no_way_out_of_a_nonconformance() -> None:
    world = failed()
    for lot in lots(world):
        assert [ncr.id for ncr in open_ncrs(lot)] == [AUTO]
        assert "NCR_OPEN" in world.ask(c.StartStep, job=lot.id, step="S30", **BARE).decide().codes
    world.do(c.DisposeNonconformance, job="J-1a", ncr=AUTO)
    assert (job_of(world, "J-1a").parts, job_of(world, "J-1b").parts) == ({"A": "rejected"}, {})
    assert open_ncrs(job_of(world, "J-1b")), "what is decided in one lot is decided there only"
    world.do(c.AuthoriseRetest, job="J-1b")


def test_lots_of_a_job_that_is_complete_are_complete() -> None:
    """Else nobody who signed it would ever be paid."""
    assert [lot.status for lot in lots(running(None, "S10", "S20", "S30"))] == ["complete", "complete"]
    assert [lot.status for lot in lots(tag(running(), "A", disposition="scrap"))] == ["complete", "running"]


def test_a_split_takes_along_what_was_decided_of_its_parts() -> None:
    world = tag(running(None, "S10"), "A", disposition="scrap")
    first, second = lots(world)
    assert (first.parts, second.parts) == ({"A": "scrapped"}, {})
    assert "JOB_CLOSED" in world.ask(c.DisposeNonconformance).decide().codes


def test_a_split_takes_along_points_retests_and_limits_but_no_permit() -> None:
    world = running(POINTS, "S10", sheet={**FULL_SHEET, "environment": ()})
    world.do(c.ReleaseHold)
    world.do(c.NotifyWitness)
    world.do(c.AskModule)
    for lot in lots(world):
        assert (list(lot.released), list(lot.noticed), lot.permits) == (["S30"], ["S20"], {})
        assert world.ask(c.ReportModule, job=lot.id).decide().codes == ("PERMIT_UNKNOWN",)


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


# ---- late entries --------------------------------------------------------------------------------------------------


def late(world: World, minutes: int, **fields: Any) -> World:
    """An observation of so many minutes ago, with QA."""
    world.do(c.RecordLate, observed_at=world.now - minutes * 60 * S, **fields)
    return world


def test_an_older_observation_does_not_stand_in_for_a_later_one() -> None:
    """The part was too warm when it was last looked at; that it was not, an hour earlier, does not make it a pass."""
    world = open_step().readings()
    world.do(c.RecordReading, value="120")
    late(world, 60, value="75")
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)


def test_an_older_observation_that_is_bad_counts_where_every_reading_does() -> None:
    press: dict[str, Any] = {"characteristic": "press", "unit": "kPa", "instrument": None}
    world = late(open_step().readings(), 60, **press, value="170")
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)
    world.do(c.CorrectEntry, characteristic="press", new_value="101")
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)
    assert late(open_step().readings(), 60, value="120").ask(c.SignStep).decide().allowed


def test_late_entries_stand_in_the_order_in_which_they_were_observed() -> None:
    world = open_step().read("gap", "1.5", "A").read("gap", "1.5", "B").read("press", "100")
    late(late(world, 20, value="75"), 30, value="120")
    assert world.ask(c.SignStep).decide().allowed
    late(world, 10, value="121")
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)


def test_a_late_entry_stays_marked() -> None:
    world = open_step()
    (event,) = world.do(c.RecordLate, observed_at=world.now).events
    assert isinstance(event, ev.ReadingRecorded)
    assert (event.late, event.observed_at) == (True, world.now)
    (event,) = world.do(c.RecordReading, observed_at=world.now).events
    assert isinstance(event, ev.ReadingRecorded)
    assert (event.late, event.observed_at) == (False, None)


def test_a_late_entry_after_a_first_signature_is_signed_anew() -> None:
    world = running({"S20": {"signatures": 2}}, "S10").opened("S20").readings()
    world.do(c.SignStep)
    late(world, 1)
    assert "NOT_PERFORMER" in world.ask(c.SignStep, by="TECH2").decide().codes


@pytest.mark.parametrize("step", ["S10", "S30"])
def test_a_late_entry_is_for_the_open_step(step: str) -> None:
    assert not open_step().ask(c.RecordLate, step=step).decide().allowed

"""Logged series at law level: what silence, excursions and late values do to steps, executions and reports."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Characteristic, OnFailed
from holdgate.law.environment import good
from holdgate.law.folds.environment import BREAKS_KEPT
from holdgate.law.gates.acts import FAILED, JOB_ACTS, NODE_ACTS
from holdgate.terms.limits import FAILED_AT_ONCE_MAX
from tests.builders import FULL_SHEET, GAP, JOB, LAB_TEMP, NODE, PO, T0, Log, S, World, accepted_job, node, running
from tests.labs import broken, lab, mended, opened, watch_key

# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0.0000000", "-0.0000001", "0.000000000001"])
def test_a_small_number_is_kept_as_it_was_written(value: str) -> None:
    """A number that Python would show with an exponent is read again by the next start."""
    world = lab("S10").later(S)
    world.do(c.LogEnvironment, value=value)
    assert world.state.series[f"{LAB_TEMP.series}/PROBE"].value == value
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)


def test_small_limits_are_shown_as_the_contract_writes_them() -> None:
    world = lab("S10", environment=(replace(LAB_TEMP, min="0.0000001", max="0.0000002"),))
    (denial,) = world.ask(c.StartStep).decide().denials
    assert denial.values["limits"] == "0.0000001..0.0000002 degC"
    small = Characteristic(id="leak", unit="mbar", max="0.0000001")
    measured = running({"S20": {"characteristics": (small,)}}, "S10").opened("S20")
    measured.do(c.RecordReading, characteristic="leak", value="1", unit="mbar", instrument=None)
    (denial,) = measured.ask(c.SignStep).decide().denials
    assert denial.values["limits"] == "..0.0000001 mbar"


def test_a_value_in_another_unit_is_not_compared() -> None:
    """It was logged before a contract said which unit counts: 24 degF is no temperature of this room."""
    world = node()
    world.do(c.LogEnvironment, value="24", unit="degF")
    world.release(sheet={"environment": (LAB_TEMP,)})
    world.received().job().done("S10")
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)
    world.later(S).do(c.LogEnvironment, value="24")
    assert world.ask(c.StartStep).decide().allowed


def test_two_contracts_that_name_two_units_do_not_read_each_others_values() -> None:
    world = node()
    world.release(sheet={"environment": (replace(LAB_TEMP, unit="degF", min="68", max="79"),)}, version="0")
    world.release(sheet={"environment": (LAB_TEMP,)})
    world.received().job().done("S10")
    world.do(c.LogEnvironment, value="24", unit="degF")
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)


def watched_late(value: str) -> World:
    """A series was logged, then the first contract that declares it was released, and a job started."""
    world = node()
    world.do(c.LogEnvironment, value=value)
    world.later(S).release(sheet={"environment": (LAB_TEMP,)})
    return world.received().later(S).job()


@pytest.mark.parametrize(("value", "bad"), [("26", False), ("26.1", True)])
@pytest.mark.parametrize("after", [None, "22", "27"])
def test_an_excursion_counts_that_began_before_the_contract_was_known(value: str, after: str | None, bad: bool) -> None:
    world = watched_late(value)
    start = world.now
    if after is not None:
        world.later(S).do(c.LogEnvironment, value=after)
    (watch,) = next(iter(world.library.techniques.values())).watches
    found = good(world.state, watch, start, start + 1, world.now)
    assert (found is not None) == bad
    assert found is None or not found[0]


def test_a_resumption_looks_at_every_series() -> None:
    """Two series of one sensor with the same limits are two."""
    bath = replace(LAB_TEMP, series="bath_temp")
    world = lab("S10", environment=(LAB_TEMP, bath))
    world.do(c.LogEnvironment, series="bath_temp")
    world.later(S).opened("S20").readings().later(S)
    world.do(c.LogEnvironment, value="30")
    assert world.ask(c.ResumeJob).decide().codes == ("ENV_OUT_OF_LIMIT",)
    world.later(S).do(c.LogEnvironment)
    world.do(c.ResumeJob)


def test_a_job_that_is_over_does_not_fail() -> None:
    world = lab("S10").later(S).opened("S20")
    world.do(c.TerminateJob)
    events = world.do(c.LogEnvironment, value="30").events
    assert [type(event).__name__ for event in events] == ["EnvironmentLogged", "EnvironmentBroken"]


# ---- silence -------------------------------------------------------------------------------------------------------


def logged(world: World, later: int = 0, value: str = "22.0", **fields: Any) -> list[str]:
    """One more value, so much later; what it made known."""
    world.later(later)
    return [type(event).__name__ for event in world.do(c.LogEnvironment, value=value, **fields).events]


def test_exactly_the_longest_gap_is_none() -> None:
    world = lab("S10").opened("S20")
    assert logged(world, GAP) == ["EnvironmentLogged"]
    assert logged(world, GAP + 1) == ["EnvironmentLogged", "EnvironmentBroken", "JobFailed"]


def test_a_silence_is_noted_whether_or_not_a_step_is_open() -> None:
    assert logged(lab("S10"), GAP + 1) == ["EnvironmentLogged", "EnvironmentBroken"]


def test_values_that_a_sensor_kept_fill_the_silence() -> None:
    world = lab("S10").opened("S20").readings()
    start = world.now
    world.later(2 * GAP)
    for at in (start + GAP, start + 2 * GAP):
        assert logged(world, observed_at=at, buffered=True) == ["EnvironmentLogged"]
    world.do(c.SignStep)


def test_a_signature_before_the_kept_values_came_fails_the_execution() -> None:
    world = lab("S10").opened("S20").readings().later(GAP + 1)
    refused = world.ask(c.SignStep).decide()
    assert refused.codes == ("ENV_LOG_GAP",)
    world.fold(*refused.events)
    logged(world, observed_at=world.now - 10, buffered=True)
    assert world.ask(c.SignStep).decide().codes == ("JOB_FAILED",)


def test_somebody_elses_signature_fails_nothing() -> None:
    world = lab("S10").opened("S20").readings().later(GAP + 1)
    refused = world.ask(c.SignStep, by="TECH2").decide()
    assert (refused.codes, refused.events) == (("ENV_LOG_GAP", "NOT_PERFORMER"), ())


def test_a_refused_signature_says_once_that_the_execution_failed() -> None:
    """Two series broke: it is one failure."""
    world = lab("S10", environment=(LAB_TEMP, replace(LAB_TEMP, series="bath_temp")))
    logged(world, series="bath_temp")
    refused = world.opened("S20").readings().later(GAP + 1).ask(c.SignStep).decide()
    assert refused.codes == ("ENV_LOG_GAP", "ENV_LOG_GAP")
    assert refused.events == (ev.JobFailed(order=PO, job=JOB, why="an environmental log broke while S20 was open"),)


# ---- excursions ----------------------------------------------------------------------------------------------------


def test_a_value_at_the_instant_of_the_start_counts() -> None:
    """The step and the value came at one and the same time, in this order."""
    world = lab("S10").later(S).opened("S20").readings()
    assert logged(world, value="26.1") == ["EnvironmentLogged", "EnvironmentBroken", "JobFailed"]
    before = lab("S10").later(S)
    logged(before, value="26.1")
    assert before.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)


def test_an_excursion_that_ended_at_the_start_is_over() -> None:
    world = lab("S10")
    assert logged(world, S, "26.1") == ["EnvironmentLogged", "EnvironmentBroken"]
    assert logged(world, S, "27") == ["EnvironmentLogged"], "it goes on"
    assert logged(world, S, "26") == ["EnvironmentLogged", "EnvironmentRestored"]
    world.do(c.StartStep)
    world.readings().do(c.SignStep)


def test_a_report_rests_on_its_job_and_on_nothing_before_or_after() -> None:
    minute = 60 * S
    for since, until, bad in ((-9, 0, False), (-9, 1, True), (minute - 1, None, True), (minute, None, False)):
        world = accepted_job(sheet={"environment": (LAB_TEMP,)}, lasting=minute)
        start, end = T0, T0 + minute
        value = ev.EnvironmentLogged(series=LAB_TEMP.series, sensor="PROBE", value="22", unit="degC", observed_at=end)
        (watch,) = world.library.technique(world.order_template.process).watches  # type: ignore[union-attr]
        stop = None if until is None else start + until
        broke = ev.EnvironmentBroken(
            series=LAB_TEMP.series, sensor="PROBE", watch=watch.key, kind="excursion", since=start + since, until=stop
        )
        decision = world.fold(value, broke).qa_accepted().ask(c.GenerateReport).decide()
        assert decision.codes == (("ENV_OUT_OF_LIMIT",) if bad else ())


@pytest.mark.parametrize(("first", "anew"), [("S10", True), ("S20", False)])
def test_a_process_that_is_done_anew_from_its_first_step_is_reported_under_the_logs_since_then(
    first: str, anew: bool
) -> None:
    """Else a series that broke between two steps would keep the job from its report for ever."""
    world = accepted_job(sheet={"environment": (LAB_TEMP,)}, lasting=60 * S)
    world.later(S).fold(ev.JobReprocessed(order=PO, job=JOB, step=first, by="L3"))
    assert world.state.jobs[f"{PO}/{JOB}"].resumed_at == (world.now if anew else 0)


def flapping(world: World, times: int) -> int:
    """It is too warm and good again, so often; how many stretches are known then."""
    for _ in range(times):
        logged(world, S, "30")
        logged(world, S)
    return len(world.state.series[f"{LAB_TEMP.series}/PROBE"].breaks[watch_key(world)])


def test_stretches_that_no_job_rests_on_any_more_are_forgotten() -> None:
    world = lab()
    key = watch_key(world)
    assert flapping(world, 100) == 100, "this job's report rests on them"
    world.do(c.TerminateJob)
    world.do(c.StartJob, job="J-2")
    start = world.now
    for _ in range(100):
        logged(world, S, "30")
        logged(world, S)
    kept = world.state.series[f"{LAB_TEMP.series}/PROBE"].breaks[key]
    assert 100 <= len(kept) < 100 + BREAKS_KEPT
    assert sum(one.since >= start for one in kept) == 100


# ---- who shares a series -------------------------------------------------------------------------------------------


def test_two_jobs_that_rest_on_one_series_both_fail() -> None:
    world = node()
    world.release(sheet=FULL_SHEET)
    world.received()
    for name, serial in (("J-1", "A"), ("J-2", "B"), ("J-3", "C")):
        world.job(name, (serial,)).opened("S10", name).signed("S10", job=name)
    logged(world)
    world.opened("S20", "J-1").opened("S20", "J-2")
    events = world.later(S).do(c.LogEnvironment, value="30").events
    assert [event.job for event in events if isinstance(event, ev.JobFailed)] == ["J-1", "J-2"]
    assert world.ask(c.StartStep, job="J-3").decide().codes == ("ENV_OUT_OF_LIMIT",)


def test_only_steps_that_rest_on_the_series_fail() -> None:
    world = lab("S10", "S20").later(700 * S).opened("S30")
    assert logged(world, value="30") == ["EnvironmentLogged", "EnvironmentBroken"]


def test_two_sensors_that_call_their_series_alike_are_kept_apart() -> None:
    world = node()
    world.release(sheet={"environment": (LAB_TEMP,)})
    world.release({}, "2", sheet={"environment": (replace(LAB_TEMP, sensor="PROBE2"),)})
    world.received().job().done("S10")
    logged(world, by="PROBE")
    assert world.ask(c.StartStep).decide().codes == ("ENV_LOG_GAP",)
    logged(world, by="PROBE2")
    world.opened("S20").readings()
    assert "JobFailed" not in logged(world, S, "30", by="PROBE")
    world.do(c.SignStep)


def test_a_series_that_no_contract_declares_is_logged_all_the_same() -> None:
    world = running(None, "S10")
    assert logged(world, series="hall_humidity", value="40", unit="%", by="PROBE2") == ["EnvironmentLogged"]


def test_a_declaration_that_is_released_later_sees_what_was_logged() -> None:
    """Fresh enough at the start; what comes in from then on is held against its limits."""
    world = node()
    logged(world)
    world.release(sheet={"environment": (LAB_TEMP,)})
    world.received().job().done("S10")
    assert world.copy().later(GAP + 1).ask(c.StartStep).decide().codes == ("ENV_LOG_GAP",)
    world.do(c.StartStep)
    assert logged(world, S, "30") == ["EnvironmentLogged", "EnvironmentBroken", "JobFailed"]


def test_a_draft_declares_nothing_yet() -> None:
    world = node()
    world.proposed(sheet={"environment": (LAB_TEMP,)})
    assert logged(world, value="72", unit="degF", by="PROBE2") == ["EnvironmentLogged"]


# ---- an execution that failed --------------------------------------------------------------------------------------


def test_what_is_still_possible_in_an_execution_that_failed() -> None:
    world = broken()
    allowed: list[tuple[type[c.Command], dict[str, Any]]] = [
        (c.RecordReading, {}),
        (c.RecordLate, {"observed_at": world.now}),
        (c.OpenNonconformance, {}),
        (c.TerminateJob, {}),
        (c.LogEnvironment, {}),
    ]
    for act, fields in allowed:
        assert world.copy().later(1).ask(act, **fields).decide().allowed, act
    for act in FAILED:
        if act in NODE_ACTS:
            assert "JOB_FAILED" in world.ask(act).decide().codes, act
    assert set(JOB_ACTS) - set(FAILED) == {
        c.RecordReading, c.RecordLate, c.OpenNonconformance, c.TerminateJob, c.ResumeJob, c.RepinJob
    }  # fmt: skip


def test_a_resumption_abandons_the_open_attempt_and_keeps_it() -> None:
    world = mended()
    world.do(c.ResumeJob)
    job = world.state.jobs[f"{PO}/{JOB}"]
    assert (job.failed, job.attempts[1], job.open_step, len(job.past), job.resumed_at) == ("", None, -1, 1, world.now)
    world.do(c.StartStep)
    world.readings().do(c.SignStep)


def test_an_execution_fails_once_until_it_is_resumed() -> None:
    world = broken()
    assert logged(world, S, "30") == ["EnvironmentLogged"]
    assert logged(world, GAP + 1, "30") == ["EnvironmentLogged", "EnvironmentBroken"]
    logged(world, S)
    world.do(c.ResumeJob)
    world.opened("S20")
    assert logged(world, S, "30") == ["EnvironmentLogged", "EnvironmentBroken", "JobFailed"]


@pytest.mark.parametrize("roles", [("level3",), ("qa", "level3")])
def test_only_the_roles_that_the_contract_names_resume(roles: tuple[str, ...]) -> None:
    world = opened(on_failed=OnFailed(resume=roles)).later(S)
    logged(world, value="30")
    logged(world, S)
    for by, role in (("L3", "level3"), ("QA", "qa"), ("PM", "project_manager"), ("TECH", "technician")):
        decision = world.ask(c.ResumeJob, by=by).decide()
        assert decision.codes == (() if role in roles else ("ROLE_NOT_AUTHORISED",))


def test_an_execution_that_failed_can_be_ended() -> None:
    world = broken()
    world.do(c.TerminateJob)
    world.do(c.StartJob, job="J-2")


def test_one_value_that_fails_very_many_executions_still_fits_its_entry() -> None:
    """The executions beyond what one entry holds fail with their own signature; none of them is signed off."""
    log = Log(NODE, "node").begin()
    log.people().register().release(sheet=FULL_SHEET)
    log.received()
    names = [f"{number}{'x' * 60}" for number in range(600)]
    for name in names:
        log.job(name, ("A",)).opened("S10", name).signed("S10", job=name)
    log.allow(c.LogEnvironment)
    for name in names:
        log.opened("S20", name)
    log.now += S
    broke = log.allow(c.LogEnvironment, value="30")
    failed = [event.job for event in broke.decision.events if isinstance(event, ev.JobFailed)]
    assert failed == names[:FAILED_AT_ONCE_MAX]
    log.now += S
    later = log.act(c.SignStep, job=names[-1])
    assert [type(event) for event in later.decision.events] == [ev.JobFailed]
    assert log.act(c.SignStep, job=names[0]).decision.codes[0] == "JOB_FAILED"


# ---- a correction afterwards ---------------------------------------------------------------------------------------


def reopened() -> World:
    """The step was signed in good air; the next day a reading of it is corrected."""
    world = opened()
    world.do(c.SignStep)
    world.later(60 * S).do(c.LogEnvironment)
    assert logged(world, 86_400 * S) == ["EnvironmentLogged", "EnvironmentBroken"]
    world.do(c.CorrectEntry)
    return world


def test_a_correction_is_signed_over_the_air_in_which_the_work_was_done() -> None:
    """The sensor slept at night, and it was warm in the morning: the step was complete by then."""
    world = reopened()
    assert logged(world, S, "30") == ["EnvironmentLogged", "EnvironmentBroken"]
    world.do(c.SignStep)


def test_what_is_read_anew_is_read_in_good_air() -> None:
    world = reopened().later(S)
    world.do(c.RecordReading)
    assert world.ask(c.SignStep).decide().codes == ("ENV_LOG_GAP",)


def test_an_excursion_while_the_work_was_done_is_found_at_any_signature() -> None:
    world = opened()
    start = world.now
    world.do(c.SignStep)
    world.later(GAP).do(c.CorrectEntry)
    assert logged(world, value="30", observed_at=start + 1, buffered=True)[-1] == "EnvironmentBroken"
    world.do(c.SignStep)
    early = opened().later(10 * S)
    early.do(c.SignStep)
    early.later(GAP).do(c.CorrectEntry)
    logged(early, value="30", observed_at=early.now - GAP - 9 * S, buffered=True)
    assert early.ask(c.SignStep).decide().codes == ("ENV_OUT_OF_LIMIT",)


def test_a_resumption_takes_back_what_was_done_after_the_step_that_failed() -> None:
    """The later step was done on a step that is done anew."""
    world = lab("S10", "S20").later(700 * S).done("S30")
    world.do(c.CorrectEntry)
    world.fold(ev.JobFailed(order=PO, job=JOB, why="the log broke"))
    logged(world)
    world.do(c.ResumeJob)
    job = world.state.jobs[f"{PO}/{JOB}"]
    assert (job.attempts[1:], len(job.past)) == ([None, None], 2)

"""Gates of the node's own law: points, environment, modules, nonconformances, late entries (see `tests.gate_cases`)."""

from typing import Any

import pytest

from holdgate.law import command as c
from holdgate.law import event as ev
from tests.builders import (
    FULL_SHEET,
    GAP,
    JOB,
    LAB_TEMP,
    PO,
    POINTS,
    RETEST,
    T0,
    S,
    World,
    accepted_job,
    running,
)
from tests.gate_cases import Pair, Row, case, checked, rows_of, two
from tests.labs import (
    AUTO,
    BARE,
    GRANTED,
    before_the_hold,
    broken,
    failed,
    invited,
    lab,
    mended,
    one_bad_part,
    open_step,
    opened,
    permit,
    recalled,
    watch_key,
)

# ---- a failed execution --------------------------------------------------------------------------------------------


@case("sequence.not_failed", "JOB_FAILED")
def signing_in_an_execution_that_failed() -> Pair:
    return broken().ask(c.SignStep), opened().ask(c.SignStep)


@case("sequence.not_failed", "JOB_FAILED")
def deciding_on_parts_of_an_execution_that_failed() -> Pair:
    return broken().tagged("A").ask(c.DisposeNonconformance), opened().tagged("A").ask(c.DisposeNonconformance)


@case("sequence.not_failed", "JOB_FAILED")
def a_permit_for_an_execution_that_failed() -> Pair:
    return broken().ask(c.AskModule), opened().ask(c.AskModule)


@case("sequence.not_failed", "JOB_FAILED")
def qa_of_an_execution_that_failed() -> Pair:
    world = accepted_job()
    failed = ev.JobFailed(order=PO, job=JOB, why="the log broke")
    return world.copy().fold(failed).ask(c.SignQa), world.ask(c.SignQa)


@case("sequence.not_failed", "JOB_FAILED")
def abandoning_the_attempt_that_failed() -> Pair:
    return broken().ask(c.RestartStep), opened().ask(c.RestartStep)


# ---- hold and witness points ---------------------------------------------------------------------------------------


@case("points.held", "HOLD_POINT")
def a_hold_point_that_nobody_released() -> Pair:
    world = before_the_hold()
    start: dict[str, Any] = {"step": "S30", **BARE}
    released = world.copy()
    released.do(c.ReleaseHold)
    return world.ask(c.StartStep, **start), released.ask(c.StartStep, **start)


@case("points.held", "HOLD_POINT")
def a_permit_at_a_hold_point_that_nobody_released() -> Pair:
    world = running(POINTS, "S10", "S20", sheet=FULL_SHEET)
    wish: dict[str, Any] = {"by": "LOCK", "module": "LOCK", "deed": "unlock", "step": "S30", "operator": None}
    released = world.copy()
    released.do(c.ReleaseHold)
    return world.ask(c.AskModule, **wish), released.ask(c.AskModule, **wish)


@case("points.releasable", "RULE_NOT_MET")
def releasing_what_is_no_hold_point() -> Pair:
    return two(before_the_hold(), c.ReleaseHold, step="S20")


@case("points.releasable", "ROLE_NOT_AUTHORISED")
def qa_releases_the_clients_hold_point() -> Pair:
    return two(before_the_hold(), c.ReleaseHold, by="QA")


@case("points.releasable", "NOT_YOUR_ORDER")
def another_client_releases_the_hold_point() -> Pair:
    return two(before_the_hold(), c.ReleaseHold, by="BUYER2")


@case("points.releasable", "ALREADY_DONE")
def released_twice_by_the_party() -> Pair:
    world = before_the_hold()
    released = world.copy()
    released.do(c.ReleaseHold)
    return released.ask(c.ReleaseHold), world.ask(c.ReleaseHold)


@case("points.witnessed", "WITNESS_NOTICE")
def a_witness_who_was_not_told() -> Pair:
    return running(POINTS, "S10").later(3600 * S).ask(c.StartStep), invited().later(3600 * S).ask(c.StartStep)


@case("points.witnessed", "WITNESS_NOTICE")
def one_microsecond_short_of_the_notice() -> Pair:
    return invited().later(3600 * S - 1).ask(c.StartStep), invited().later(3600 * S).ask(c.StartStep)


@case("points.noticeable", "RULE_NOT_MET")
def a_notice_for_what_is_no_witness_point() -> Pair:
    return two(running(POINTS, "S10"), c.NotifyWitness, step="S30")


# ---- environment ---------------------------------------------------------------------------------------------------


@case("environment.fit_to_start", "ENV_LOG_GAP")
def a_series_that_was_never_logged() -> Pair:
    return running(None, "S10", sheet=FULL_SHEET).ask(c.StartStep), lab("S10").ask(c.StartStep)


@case("environment.fit_to_start", "ENV_LOG_GAP")
def one_microsecond_more_than_the_longest_silence() -> Pair:
    return lab("S10").later(GAP + 1).ask(c.StartStep), lab("S10").later(GAP).ask(c.StartStep)


@case("environment.fit_to_start", "ENV_OUT_OF_LIMIT")
def too_warm_to_start() -> Pair:
    world, last = lab("S10").later(S), lab("S10").later(S)
    world.do(c.LogEnvironment, value="26.001")
    last.do(c.LogEnvironment, value="26.000")
    return world.ask(c.StartStep), last.ask(c.StartStep)


@case("environment.fit_to_start", "ENV_OUT_OF_LIMIT")
def too_cold_to_start() -> Pair:
    world, last = lab("S10").later(S), lab("S10").later(S)
    world.do(c.LogEnvironment, value="19.9")
    last.do(c.LogEnvironment, value="20")
    return world.ask(c.StartStep), last.ask(c.StartStep)


@case("environment.good_to_sign", "ENV_LOG_GAP", facts=(ev.JobFailed,))
def a_silence_that_reaches_into_the_step() -> Pair:
    world = lab("S10").opened("S20").readings()
    return world.copy().later(GAP + 1).ask(c.SignStep), world.later(GAP).ask(c.SignStep)


@case("environment.good_to_sign", "ENV_OUT_OF_LIMIT", facts=(ev.JobFailed,))
def too_warm_between_start_and_signature() -> Pair:
    """A value that made no execution fail (it came in before this contract did, say) stops the signature all the same."""
    world = opened()
    out = ev.EnvironmentBroken(
        series=LAB_TEMP.series, sensor="PROBE", watch=watch_key(world), kind="excursion", since=world.now, until=None
    )
    return world.copy().fold(out).later(S).ask(c.SignStep), world.later(S).ask(c.SignStep)


def reported(*, broke: tuple[int, int | None] | None = None, kind: str = "gap", last: int = 0) -> World:
    """A record that QA accepted, of a job over a minute in a logged room; broken in this stretch of it."""
    world = accepted_job(sheet={"environment": (LAB_TEMP,)}, lasting=60 * S)
    value = ev.EnvironmentLogged(series=LAB_TEMP.series, sensor="PROBE", value="22", unit="degC", observed_at=T0 + last)
    world.fold(value)
    if broke is not None:
        since, until = broke
        world.fold(
            ev.EnvironmentBroken(
                series=LAB_TEMP.series,
                sensor="PROBE",
                watch=watch_key(world),
                kind=kind,
                since=T0 + since,
                until=None if until is None else T0 + until,
            )
        )
    return world.qa_accepted()


@case("environment.good_to_report", "ENV_LOG_GAP")
def a_report_over_a_series_that_was_never_logged() -> Pair:
    never = accepted_job(sheet={"environment": (LAB_TEMP,)}).qa_accepted()
    return never.ask(c.GenerateReport), reported(last=60 * S).ask(c.GenerateReport)


@case("environment.good_to_report", "ENV_LOG_GAP")
def a_report_over_a_silence() -> Pair:
    silent = reported(broke=(59 * S, 2000 * S), last=2000 * S)
    before = reported(broke=(-2000 * S, 0), last=2000 * S)
    return silent.ask(c.GenerateReport), before.ask(c.GenerateReport)


@case("environment.good_to_report", "ENV_LOG_GAP")
def a_report_while_nobody_has_logged_since() -> Pair:
    world = reported(last=30 * S)
    return world.copy().later(GAP).ask(c.GenerateReport), world.ask(c.GenerateReport)


@case("environment.good_to_report", "ENV_OUT_OF_LIMIT")
def a_report_over_an_excursion() -> Pair:
    warm = reported(broke=(59 * S, None), kind="excursion", last=61 * S)
    before = reported(broke=(-59 * S, 0), kind="excursion", last=61 * S)
    return warm.ask(c.GenerateReport), before.ask(c.GenerateReport)


@case("environment.resumable", "ALREADY_DONE")
def resuming_what_did_not_fail() -> Pair:
    return opened().ask(c.ResumeJob), mended().ask(c.ResumeJob)


@case("environment.resumable", "ROLE_NOT_AUTHORISED")
def resumed_by_a_role_that_the_contract_does_not_name() -> Pair:
    return two(mended(), c.ResumeJob, by="QA")


@case("environment.resumable", "ENV_OUT_OF_LIMIT")
def resumed_while_it_is_still_too_warm() -> Pair:
    return broken().ask(c.ResumeJob), mended().ask(c.ResumeJob)


@case("environment.resumable", "ENV_LOG_GAP")
def resumed_while_nobody_logs() -> Pair:
    return mended().later(GAP + 1).ask(c.ResumeJob), mended().later(GAP).ask(c.ResumeJob)


@case("environment.logged", "ROLE_NOT_AUTHORISED")
def a_sensor_that_the_contract_does_not_name() -> Pair:
    return two(lab().later(S), c.LogEnvironment, by="PROBE2")


@case("environment.logged", "UNIT_MISMATCH")
def a_series_in_another_unit() -> Pair:
    return two(lab().later(S), c.LogEnvironment, unit="degF", value="72")


@case("environment.logged", "VALUE_INVALID")
def a_logged_value_that_is_no_number() -> Pair:
    return two(lab().later(S), c.LogEnvironment, value="2.2e1")


@case("environment.forward", "BACKDATED")
def a_value_as_old_as_the_last_one() -> Pair:
    world = lab()
    at = world.now
    world.later(S)
    return (
        world.ask(c.LogEnvironment, observed_at=at, buffered=True),
        world.ask(c.LogEnvironment, observed_at=at + 1, buffered=True),
    )


@case("entries.observed_time", "BACKDATED")
def an_old_value_that_was_not_buffered() -> Pair:
    world = lab().later(1000 * S)
    old: dict[str, Any] = {"observed_at": world.now - 200 * S}
    return world.ask(c.LogEnvironment, **old), world.ask(c.LogEnvironment, **old, buffered=True)


@case("entries.observed_time", "FUTURE_DATED")
def a_buffered_value_from_the_future() -> Pair:
    world = lab()
    ahead = world.now + 120 * S
    return (
        world.ask(c.LogEnvironment, observed_at=ahead + 1, buffered=True),
        world.ask(c.LogEnvironment, observed_at=ahead, buffered=True),
    )


# ---- modules -------------------------------------------------------------------------------------------------------


@case("modules.named", "MODULE_NOT_PERMITTED")
def a_module_that_asks_for_another() -> Pair:
    return two(lab("S10"), c.AskModule, by="LOCK")


@case("modules.named", "MODULE_NOT_PERMITTED")
def a_module_that_the_contract_does_not_name_for_that() -> Pair:
    return two(lab("S10"), c.AskModule, by="LOCK", module="LOCK")


@case("modules.named", "MODULE_NOT_PERMITTED")
def a_module_at_a_step_that_it_is_not_named_for() -> Pair:
    world = lab()
    first: dict[str, Any] = {"step": "S10"}
    return world.ask(c.AskModule, **first), lab("S10").ask(c.AskModule)


@case("modules.named", "MODULE_NOT_PERMITTED")
def a_deed_that_the_contract_does_not_name() -> Pair:
    return two(lab("S10"), c.AskModule, deed="heat")


@case("modules.new_permit", "ALREADY_DONE")
def a_permits_id_that_was_used() -> Pair:
    world = lab("S10")
    world.do(c.AskModule)
    return world.ask(c.AskModule), world.ask(c.AskModule, permit="P-2")


@case("modules.new_permit", "ALREADY_DONE")
def a_permit_for_a_step_that_is_signed() -> Pair:
    return lab("S10", "S20").ask(c.AskModule), opened().ask(c.AskModule)


@case("modules.operator", "CREDENTIAL_MISSING")
def a_machine_without_an_operator() -> Pair:
    return two(lab("S10"), c.AskModule, operator=None)


@case("modules.operator", "CREDENTIAL_MISSING")
def an_operator_without_the_training() -> Pair:
    return two(lab("S10"), c.AskModule, operator="NOVICE")


@case("modules.operator", "CREDENTIAL_EXPIRED")
def an_operator_whose_training_is_over() -> Pair:
    world = lab("S10")
    world.fold(ev.CredentialGranted(person="TECH", credential="VT", until=world.now))
    return world.copy().later(1).ask(c.AskModule), world.ask(c.AskModule)


@case("modules.operator", "CREDENTIAL_REVOKED")
def an_operator_whose_training_was_revoked() -> Pair:
    world = lab("S10").fold(ev.CredentialRevoked(person="TECH", credential="VT"))
    return world.ask(c.AskModule), world.ask(c.AskModule, operator="TECH2")


@case("modules.operator", "UNKNOWN_IDENTITY")
def an_operator_who_is_a_stranger() -> Pair:
    return two(lab("S10"), c.AskModule, operator="STRANGER")


@case("modules.operator", "IDENTITY_DISABLED")
def an_operator_who_was_disabled() -> Pair:
    world = lab("S10").fold(ev.IdentityDisabled(id="TECH"))
    return world.ask(c.AskModule), world.ask(c.AskModule, operator="TECH2")


@case("modules.permitted", "PERMIT_UNKNOWN")
def a_permit_that_was_never_issued() -> Pair:
    return two(permit(), c.ReportModule, permit="P-9")


@case("modules.permitted", "MODULE_NOT_PERMITTED")
def another_module_acts_on_the_permit() -> Pair:
    return two(permit(), c.ReportModule, by="LOCK")


@case("modules.permitted", "MODULE_NOT_PERMITTED")
def another_deed_than_the_permits() -> Pair:
    return two(permit(), c.ReportModule, deed="heat")


@case("modules.permitted", "MODULE_NOT_PERMITTED")
def another_step_than_the_permits() -> Pair:
    world = lab("S10")
    world.do(c.AskModule, by="LOCK", module="LOCK", deed="unlock", operator=None)
    return two(world, c.ReportModule, by="LOCK", deed="unlock", step="S10")[0], permit().ask(c.ReportModule)


@case("modules.permitted", "ALREADY_DONE")
def a_permit_used_twice() -> Pair:
    world = permit()
    used = world.copy()
    used.do(c.ReportModule)
    return used.ask(c.ReportModule), world.ask(c.ReportModule)


@case("modules.permitted", "PERMIT_EXPIRED")
def a_permit_one_microsecond_past_its_end() -> Pair:
    return permit().later(600 * S + 1).ask(c.ReportModule), permit().later(600 * S).ask(c.ReportModule)


@case("modules.permitted", "ALREADY_DONE")
def a_permit_whose_step_was_signed_meanwhile() -> Pair:
    world = permit()
    return world.copy().done("S20").ask(c.ReportModule), world.opened("S20").ask(c.ReportModule)


@case("sequence.nonconformances", "NCR_OPEN")
def a_module_acts_while_a_red_tag_is_open() -> Pair:
    return permit().tagged("A").ask(c.ReportModule), permit().ask(c.ReportModule)


@case("sequence.in_order", "STEP_OUT_OF_ORDER")
def a_module_acts_after_the_job_went_back_to_an_earlier_step() -> Pair:
    back = ev.JobReprocessed(order=PO, job=JOB, step="S10", by="L3")
    return permit().fold(back).ask(c.ReportModule), permit().ask(c.ReportModule)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_person_asks_for_a_permit() -> Pair:
    return two(lab("S10"), c.AskModule, by="TECH", module="TECH")


@case("sequence.in_order", "PRECHECK_INCOMPLETE")
def a_permit_before_the_pre_check() -> Pair:
    return lab().ask(c.AskModule), lab("S10").ask(c.AskModule)


@case("sequence.in_order", "STEP_OUT_OF_ORDER")
def a_permit_before_the_earlier_step() -> Pair:
    wish: dict[str, Any] = {"by": "LOCK", "module": "LOCK", "deed": "unlock", "step": "S30", "operator": None}
    return lab("S10").ask(c.AskModule, **wish), lab("S10", "S20").ask(c.AskModule, **wish)


@case("sequence.nonconformances", "NCR_OPEN")
def a_permit_while_a_red_tag_is_open() -> Pair:
    return lab("S10").tagged("A").ask(c.AskModule), lab("S10").ask(c.AskModule)


# ---- nonconformances -----------------------------------------------------------------------------------------------


@case("people.role", "ROLE_NOT_AUTHORISED")
def somebody_of_the_office_opens_a_red_tag() -> Pair:
    return two(running(), c.OpenNonconformance, by="PM")


@case("nonconformances.new", "ALREADY_DONE")
def a_red_tags_id_that_is_taken() -> Pair:
    return two(running().tagged("B"), c.OpenNonconformance)[0], running().tagged("B", ncr="NCR-0").ask(
        c.OpenNonconformance
    )


@case("nonconformances.new", "RULE_NOT_MET")
def a_red_tag_under_an_id_that_the_rules_use() -> Pair:
    """Else it would be taken for a recall (which can end without impact), or stand where the failed step's own comes."""
    return two(running(None, "S10"), c.OpenNonconformance, ncr="recall-OVEN-1-J-1")


@case("nonconformances.new", "SERIAL_UNKNOWN")
def a_red_tag_on_a_part_that_is_not_in_the_job() -> Pair:
    return two(running(), c.OpenNonconformance, serials=("A", "Z"))


@case("nonconformances.new", "QTY_NOT_RECONCILED")
def a_red_tag_on_no_part() -> Pair:
    return two(running(), c.OpenNonconformance, serials=())


@case("nonconformances.authorised", "ROLE_NOT_AUTHORISED")
def a_technician_decides_on_a_red_tag() -> Pair:
    return two(running().tagged("A"), c.DisposeNonconformance, by="TECH")


@case("nonconformances.known", "NCR_UNKNOWN")
def deciding_on_a_red_tag_that_there_is_not() -> Pair:
    return two(running().tagged("A"), c.DisposeNonconformance, ncr="NCR-9")


@case("nonconformances.known", "ALREADY_DONE")
def deciding_on_a_red_tag_twice() -> Pair:
    world = running().tagged("A")
    return world.copy().disposed("reject").ask(c.DisposeNonconformance), world.ask(c.DisposeNonconformance)


@case("nonconformances.known", "RULE_NOT_MET")
def a_red_tag_reported_as_a_result() -> Pair:
    return two(running().tagged("A"), c.DisposeNonconformance, disposition="report_nonconforming")


@case("nonconformances.known", "RULE_NOT_MET")
def a_failed_test_without_impact() -> Pair:
    world = running(None, "S10").failed()
    on: dict[str, Any] = {"ncr": AUTO}
    return (
        world.ask(c.DisposeNonconformance, **on, disposition="no_impact", evidence="report 4"),
        world.ask(c.DisposeNonconformance, **on, disposition="report_nonconforming"),
    )


@case("nonconformances.known", "RULE_NOT_MET")
def a_recall_reworked() -> Pair:
    world = recalled()
    on: dict[str, Any] = {"ncr": "recall-OVEN-1-J-1"}
    return (
        world.ask(c.DisposeNonconformance, **on, disposition="rework"),
        world.ask(c.DisposeNonconformance, **on, disposition="scrap"),
    )


@case("nonconformances.known", "RULE_NOT_MET")
def a_disposition_that_there_is_not() -> Pair:
    return two(running().tagged("A"), c.DisposeNonconformance, disposition="ship it")


@case("nonconformances.parts_left", "RULE_NOT_MET")
def a_scrapped_part_that_is_used_all_the_same() -> Pair:
    world = running().tagged("A").disposed("scrap").tagged("A", ncr="NCR-2")
    return world.ask(c.DisposeNonconformance, ncr="NCR-2", **GRANTED), running().tagged("A").ask(
        c.DisposeNonconformance, **GRANTED
    )


@case("nonconformances.parts_left", "RULE_NOT_MET")
def a_second_tag_on_a_scrapped_part_that_says_another_end_of_it() -> Pair:
    """That it is scrap for this finding too can be said; else the tag could end only as rework of a part that is gone."""
    world = running().tagged("A").disposed("scrap").tagged("A", ncr="NCR-2")
    return (
        world.ask(c.DisposeNonconformance, ncr="NCR-2", disposition="return_to_client"),
        world.ask(c.DisposeNonconformance, ncr="NCR-2", disposition="scrap"),
    )


@case("nonconformances.authorised", "CONCESSION_MISSING")
def used_as_it_is_without_a_concession() -> Pair:
    world = running().tagged("A")
    return (
        world.ask(c.DisposeNonconformance, **(GRANTED | {"concession": " "})),
        world.ask(c.DisposeNonconformance, **GRANTED),
    )


@case("nonconformances.authorised", "DISPOSITION_NOT_AUTHORISED")
def used_as_it_is_without_the_client() -> Pair:
    world = running().tagged("A")
    return (
        world.ask(c.DisposeNonconformance, **(GRANTED | {"others": ()})),
        world.ask(c.DisposeNonconformance, **GRANTED),
    )


@case("nonconformances.authorised", "DISPOSITION_NOT_AUTHORISED")
def repaired_with_another_client() -> Pair:
    world = running().tagged("A")
    repair = GRANTED | {"disposition": "repair"}
    return (
        world.ask(c.DisposeNonconformance, **(repair | {"others": (("BUYER2", "client"),)})),
        world.ask(c.DisposeNonconformance, **repair),
    )


@case("nonconformances.authorised", "SELF_APPROVAL")
def who_did_the_test_decides_on_its_failure() -> Pair:
    world = running(None, "S10").opened("S20", by="BOTH").readings().signed("S20", by="BOTH", result="fail")
    world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=AUTO, step="S20", serials=("A", "B")))
    mine: dict[str, Any] = {"ncr": AUTO, "role": "level3"}
    return world.ask(c.DisposeNonconformance, **mine, by="BOTH"), world.ask(c.DisposeNonconformance, **mine, by="L3")


@case("nonconformances.authorised", "SELF_APPROVAL")
def who_did_the_work_decides_on_a_red_tag() -> Pair:
    """A red tag names no step: whoever has a step of the job in hand, or did one, decides on none of it."""
    world = running(None, "S10").opened("S20", by="BOTH").tagged("A")
    return (
        world.ask(c.DisposeNonconformance, by="BOTH", role="level3"),
        world.ask(c.DisposeNonconformance, by="L3"),
    )


@case("nonconformances.authorised", "SELF_APPROVAL")
def who_used_the_instrument_decides_on_its_recall() -> Pair:
    world = running(None, "S10").opened("S20", by="BOTH").readings().signed("S20", by="BOTH")
    world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr="recall-OVEN-1-J-1", step="", equipment="OVEN-1"))
    on: dict[str, Any] = {"ncr": "recall-OVEN-1-J-1", "disposition": "no_impact", "evidence": "check 7"}
    return (
        world.ask(c.DisposeNonconformance, **on, by="BOTH", role="level3"),
        world.ask(c.DisposeNonconformance, **on, by="L3"),
    )


@case("nonconformances.authorised", "EVIDENCE_REQUIRED")
def no_impact_without_evidence() -> Pair:
    world = recalled()
    on: dict[str, Any] = {"ncr": "recall-OVEN-1-J-1", "disposition": "no_impact"}
    return (
        world.ask(c.DisposeNonconformance, **on, evidence=" "),
        world.ask(c.DisposeNonconformance, **on, evidence="check 7"),
    )


@case("entries.reason", "REASON_REQUIRED")
def a_disposition_without_a_reason() -> Pair:
    return two(running().tagged("A"), c.DisposeNonconformance, reason="")


@case("location.workstation", "LOCATION_NOT_PERMITTED")
def a_disposition_at_no_workstation() -> Pair:
    return two(running().tagged("A"), c.DisposeNonconformance, place="BUYER")


# ---- retests, restarts, reprocessing, termination ------------------------------------------------------------------


@case("nonconformances.retest", "RETEST_NOT_AUTHORISED")
def a_retest_of_what_has_not_failed() -> Pair:
    sheet = {"retest": FULL_SHEET["retest"]}
    return running(None, "S10", "S20", sheet=sheet).ask(c.AuthoriseRetest), failed().ask(c.AuthoriseRetest)


@case("nonconformances.retest", "RETEST_NOT_AUTHORISED")
def a_retest_of_a_result_that_stands() -> Pair:
    world = failed()
    return world.copy().disposed("reject", AUTO).ask(c.AuthoriseRetest), world.ask(c.AuthoriseRetest)


@case("nonconformances.retest", "RETEST_NOT_AUTHORISED")
def a_retest_because_the_client_asked() -> Pair:
    return two(failed(), c.AuthoriseRetest, cause="client_asked")


@case("nonconformances.retest", "RETEST_NOT_AUTHORISED")
def one_retest_more_than_the_contract_allows() -> Pair:
    world = failed()
    again = world.copy()
    again.do(c.AuthoriseRetest)
    return again.failed().ask(c.AuthoriseRetest), world.ask(c.AuthoriseRetest)


@case("nonconformances.retest", "RETEST_NOT_AUTHORISED")
def a_retest_where_the_contract_has_none() -> Pair:
    return running(None, "S10").failed().ask(c.AuthoriseRetest), failed().ask(c.AuthoriseRetest)


@case("nonconformances.retest", "SELF_APPROVAL")
def who_did_the_test_authorises_its_retest() -> Pair:
    world = running(None, "S10", sheet={"retest": FULL_SHEET["retest"]})
    world.opened("S20", by="BOTH").readings().signed("S20", by="BOTH", result="fail")
    return world.ask(c.AuthoriseRetest, by="BOTH", role="level3"), world.ask(c.AuthoriseRetest)


@case("entries.evidence", "EVIDENCE_REQUIRED")
def a_retest_without_evidence() -> Pair:
    return two(failed(), c.AuthoriseRetest, evidence=None)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_authorises_a_retest() -> Pair:
    return two(failed(), c.AuthoriseRetest, by="TECH2")


@case("sequence.not_started", "RETEST_NOT_AUTHORISED")
def a_failed_test_done_again_without_a_retest() -> Pair:
    world = failed()
    allowed = world.copy()
    allowed.do(c.AuthoriseRetest)
    return world.ask(c.StartStep), allowed.ask(c.StartStep)


@case("sequence.step_open", "STEP_NOT_STARTED")
def abandoning_what_was_not_started() -> Pair:
    return running(None, "S10").ask(c.RestartStep), running(None, "S10").opened("S20").ask(c.RestartStep)


@case("sequence.step_open", "ALREADY_SIGNED")
def abandoning_what_is_signed() -> Pair:
    return running(None, "S10", "S20").ask(c.RestartStep), running(None, "S10").opened("S20").ask(c.RestartStep)


@case("readings.not_hidden", "READING_OUT_OF_LIMITS")
def abandoning_an_attempt_because_it_fails() -> Pair:
    """Every reading counts here; a new attempt would begin without the bad one, and without anybody's authority."""
    world = open_step().read("press", "170", conforms=False).read("press", "100")
    return world.ask(c.RestartStep), open_step().read("press", "100").ask(c.RestartStep)


@case("entries.reason", "REASON_REQUIRED")
def a_restart_without_a_reason() -> Pair:
    return two(running(None, "S10").opened("S20"), c.RestartStep, reason=" ")


@case("people.step_role", "ROLE_NOT_AUTHORISED")
def a_restart_in_another_role() -> Pair:
    return two(running(None, "S10").opened("S20"), c.RestartStep, by="L3")


@case("tokens.credentials", "CREDENTIAL_MISSING")
def a_restart_by_somebody_who_may_not_do_the_step() -> Pair:
    return two(running(None, "S10").opened("S20"), c.RestartStep, by="NOVICE")


def corrected(*, later: bool) -> World:
    """A reading of the second step is corrected; the third step was done on it, or was not begun."""
    world = running(None, "S10", "S20", *(("S30",) if later else ()), sheet={"retest": RETEST})
    world.do(c.CorrectEntry)
    return world


def refused_since(*, later: bool) -> World:
    """The second step is a fail after its correction."""
    world = corrected(later=later)
    world.do(c.SignStep, result="fail")
    return world


@case("sequence.nothing_after", "RULE_NOT_MET")
def a_step_done_anew_after_what_was_done_on_it() -> Pair:
    return corrected(later=True).ask(c.RestartStep), corrected(later=False).ask(c.RestartStep)


@case("sequence.nothing_after", "RULE_NOT_MET")
def a_retest_after_what_was_done_on_the_test() -> Pair:
    return refused_since(later=True).ask(c.AuthoriseRetest), refused_since(later=False).ask(c.AuthoriseRetest)


@case("sequence.nothing_after", "RULE_NOT_MET")
def a_rework_after_what_was_done_on_the_step() -> Pair:
    rework: dict[str, Any] = {"ncr": AUTO, "disposition": "rework"}
    return (
        refused_since(later=True).ask(c.DisposeNonconformance, **rework),
        refused_since(later=False).ask(c.DisposeNonconformance, **rework),
    )


@case("nonconformances.reprocess", "STEP_NOT_STARTED")
def reprocessing_from_a_step_that_was_not_begun() -> Pair:
    return running(None, "S10").ask(c.ReprocessJob), running(None, "S10", "S20").ask(c.ReprocessJob)


@case("nonconformances.reprocess", "SELF_APPROVAL")
def who_did_the_work_has_it_done_again() -> Pair:
    world = running(None, "S10").opened("S20", by="BOTH")
    return world.ask(c.ReprocessJob, by="BOTH", role="level3"), world.ask(c.ReprocessJob)


@case("nonconformances.reprocess", "SELF_APPROVAL")
def who_failed_a_later_step_has_it_done_again_with_the_earlier_ones() -> Pair:
    """Else their own failed test would be repeated on their own word."""
    world = running(None, "S10", "S20").opened("S30", by="BOTH").signed("S30", by="BOTH", result="fail")
    return world.ask(c.ReprocessJob, by="BOTH", role="level3"), world.ask(c.ReprocessJob)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_has_a_job_done_again() -> Pair:
    return two(running(None, "S10", "S20"), c.ReprocessJob, by="TECH2")


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_ends_a_job() -> Pair:
    return two(running(), c.TerminateJob, by="TECH2")


@case("entries.reason", "REASON_REQUIRED")
def a_job_ended_without_a_reason() -> Pair:
    return two(running(), c.TerminateJob, reason="")


@case("people.step_role", "ROLE_NOT_AUTHORISED")
def help_that_is_called_by_somebody_who_has_nothing_to_do_with_the_job() -> Pair:
    return two(opened(), c.CallHelp, by="BUYER")


@case("sequence.job_open", "STEP_UNKNOWN")
def help_that_is_called_to_a_step_that_there_is_not() -> Pair:
    return two(opened(), c.CallHelp, step="S99")


@case("sequence.job_open", "JOB_CLOSED")
def help_that_is_called_to_a_job_that_is_over() -> Pair:
    world = opened()
    ended = world.copy()
    ended.do(c.TerminateJob)
    return ended.ask(c.CallHelp), world.ask(c.CallHelp)


@case("sequence.job_open", "JOB_CLOSED")
def a_job_that_was_ended() -> Pair:
    world = running(None, "S10")
    ended = world.copy()
    ended.do(c.TerminateJob)
    return ended.ask(c.StartStep), world.ask(c.StartStep)


@case("entries.reason", "REASON_REQUIRED")
def resumed_without_a_reason() -> Pair:
    return two(mended(), c.ResumeJob, reason="")


@case("entries.evidence", "EVIDENCE_REQUIRED")
def resumed_without_evidence() -> Pair:
    return two(mended(), c.ResumeJob, evidence=None)


@case("readings.recorded", "CHARACTERISTIC_UNKNOWN")
def correcting_a_part_that_was_not_read() -> Pair:
    world = running(None, "S10").opened("S20").read("gap", "1.5", "B")
    fields: dict[str, Any] = {"characteristic": "gap", "new_value": "1.6"}
    return world.ask(c.CorrectEntry, **fields, serial="A"), world.ask(c.CorrectEntry, **fields, serial="B")


# ---- late entries --------------------------------------------------------------------------------------------------


@case("entries.late", "BACKDATED")
def a_signature_that_comes_late() -> Pair:
    return two(open_step(), c.RecordLate, kind="signature")


@case("entries.late", "FUTURE_DATED")
def a_late_entry_of_what_has_not_happened() -> Pair:
    world = open_step()
    return world.ask(c.RecordLate, observed_at=world.now + 1), world.ask(c.RecordLate, observed_at=world.now)


@case("entries.late", "ROLE_NOT_AUTHORISED")
def a_late_entry_that_a_colleague_approves() -> Pair:
    return two(open_step(), c.RecordLate, others=(("TECH2", "technician"),))


@case("entries.late", "ROLE_NOT_AUTHORISED")
def a_late_entry_that_nobody_approves() -> Pair:
    return two(open_step(), c.RecordLate, others=())


@case("entries.reason", "REASON_REQUIRED")
def a_late_entry_without_a_reason() -> Pair:
    return two(open_step(), c.RecordLate, reason=" ")


@case("entries.evidence", "EVIDENCE_REQUIRED")
def a_late_entry_without_evidence() -> Pair:
    return two(open_step(), c.RecordLate, evidence=None)


@case("readings.characteristic", "UNIT_MISMATCH")
def a_late_entry_in_another_unit() -> Pair:
    return two(open_step(), c.RecordLate, unit="degF")


@case("equipment.instrument", "EQUIPMENT_NOT_IN_CONTRACT")
def a_late_entry_with_another_instrument() -> Pair:
    return two(open_step(), c.RecordLate, instrument="OVEN-1")


# ---- results -------------------------------------------------------------------------------------------------------


@case("readings.conceded", "RULE_NOT_MET")
def a_concession_that_nothing_needs() -> Pair:
    return two(open_step().readings(), c.SignStep, result="accepted_under_concession")


@case("readings.conceded", "CONCESSION_MISSING")
def accepted_without_a_concession() -> Pair:
    world = one_bad_part()
    granted = world.copy()
    granted.do(c.OpenNonconformance)
    granted.do(c.DisposeNonconformance, **GRANTED)
    accept: dict[str, Any] = {"result": "accepted_under_concession"}
    return world.ask(c.SignStep, **accept), granted.ask(c.SignStep, **accept)


@case("readings.conceded", "CONCESSION_MISSING")
def a_concession_for_another_part() -> Pair:
    world = one_bad_part()
    for serial, granted in (("A", {"disposition": "rework"}), ("B", GRANTED)):
        world.do(c.OpenNonconformance, ncr=f"NCR-{serial}", serials=(serial,))
        world.do(c.DisposeNonconformance, ncr=f"NCR-{serial}", **granted)
    accept: dict[str, Any] = {"result": "accepted_under_concession"}
    return world.ask(c.SignStep, **accept), world.ask(c.SignStep, result="fail")


@case("quality.reconciled", "QTY_NOT_RECONCILED")
def a_scrapped_part_counted_as_rejected() -> Pair:
    world = accepted_job().tagged("A").disposed("scrap")
    return (
        world.ask(c.SignQa, quantities=c.Quantities(received=2, accepted=1, rejected=1, scrapped=0)),
        world.ask(c.SignQa, quantities=c.Quantities(received=2, accepted=1, rejected=0, scrapped=1)),
    )


@case("quality.whole", "STEP_INCOMPLETE")
def qa_of_a_job_with_parts_left_and_a_step_undone() -> Pair:
    world = accepted_job().fold(ev.JobReprocessed(order=PO, job=JOB, step="S30", by="L3"))
    one, all_ = world.copy().tagged("A").disposed("scrap"), world.tagged("A", "B").disposed("scrap")
    return (
        one.ask(c.SignQa, quantities=c.Quantities(received=2, accepted=1, rejected=0, scrapped=1)),
        all_.ask(c.SignQa, quantities=c.Quantities(received=2, accepted=0, rejected=0, scrapped=2)),
    )


# ---- tests pinned by themselves ------------------------------------------------------------------------------------


def revised(*, started: bool) -> World:
    """A job that pins by test, after a second revision came into force; its step started before or did not."""
    world = running(None, "S10", sheet={"pin": "test"})
    if started:
        world.opened("S20")
    world.release(version="2")
    return world


@case("sequence.pinned", "CONTRACT_PINNED")
def a_test_under_the_revision_that_was_replaced() -> Pair:
    world = revised(started=False)
    first = world.state.jobs[f"{PO}/{JOB}"].sha256
    return world.ask(c.StartStep, contract=first), world.ask(c.StartStep)


@case("sequence.pinned", "CONTRACT_PINNED")
def a_reading_under_a_revision_that_came_after_the_start() -> Pair:
    world = revised(started=True)
    first = world.state.jobs[f"{PO}/{JOB}"].sha256
    return world.ask(c.RecordReading), world.ask(c.RecordReading, contract=first)


# ---- the tests -----------------------------------------------------------------------------------------------------


@case("sequence.new_job", "NCR_OPEN")
def a_job_ended_to_test_its_red_tagged_part_anew() -> Pair:
    """Ending a job is no way around a decision on its parts."""
    undecided = running().tagged("A")
    undecided.do(c.TerminateJob)
    decided = undecided.copy()
    decided.do(c.DisposeNonconformance, disposition="rework")
    return undecided.ask(c.StartJob, job="J-2"), decided.ask(c.StartJob, job="J-2")


@case("sequence.new_job", "NCR_OPEN")
def a_job_ended_to_test_anew_what_is_undecided_about_all_of_it() -> Pair:
    """A nonconformance that names no part is about each of them."""
    undecided = running().fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr="NCR-1", step="S10", serials=()))
    decided = running()
    for world in (undecided, decided):
        world.do(c.TerminateJob)
    return undecided.ask(c.StartJob, job="J-2"), decided.ask(c.StartJob, job="J-2")


@case("sequence.nonconformances", "NCR_OPEN")
def compliance_accepts_what_a_recall_stands_open_on() -> Pair:
    world = accepted_job(qa=True)
    recalled_job = world.copy()
    flag = ev.JobFlagged(order=PO, job=JOB, ncr=f"recall-OVEN-1-{JOB}", why="out of tolerance", equipment="OVEN-1")
    return recalled_job.fold(flag).ask(c.SignCompliance), world.ask(c.SignCompliance)


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)


def test_who_did_another_step_decides_on_a_failed_one() -> None:
    world = running().opened("S10", by="BOTH").signed("S10", by="BOTH").failed()
    decision = world.ask(c.DisposeNonconformance, ncr=AUTO, by="BOTH", role="level3").decide()
    assert decision.allowed, decision.codes


def test_a_retest_ends_the_failure_and_no_other_finding_at_the_step() -> None:
    world = (
        lab("S10").failed().fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr="NCR-1", step="S20", serials=("A",)))
    )
    world.fold(ev.RetestAuthorised(order=PO, job=JOB, step="S20", cause="specimen_defect", by="L3"))
    ncrs = world.state.jobs[f"{PO}/{JOB}"].ncrs
    assert (ncrs[AUTO].disposition, ncrs["NCR-1"].disposition) == ("retest", "")


def test_what_broke_after_a_step_was_signed_is_no_fault_of_it() -> None:
    decision = lab("S10", "S20").later(GAP + 1).ask(c.SignStep).decide()
    assert decision.codes
    assert not {"ENV_LOG_GAP", "ENV_OUT_OF_LIMIT"} & set(decision.codes)
    assert not any(isinstance(event, ev.JobFailed) for event in decision.events)

"""Permits of modules, and points at which somebody else lets a step start, over the life of a step."""

from typing import Any

import pytest

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Hold
from tests.builders import JOB, PO, POINTS, S, World, running
from tests.labs import BARE, before_the_hold, lab, opened, permit

UNLOCK: dict[str, Any] = {"by": "LOCK", "module": "LOCK", "deed": "unlock", "permit": "L-1", "operator": None}


def test_a_permit_says_what_until_when_and_by_whom_it_is_operated() -> None:
    world = lab("S10")
    (event,) = world.do(c.AskModule).events
    assert event == ev.PermitIssued(
        order=PO,
        job=JOB,
        step="S20",
        permit="P-1",
        module="PUMP",
        deed="pump",
        until=world.now + 600 * S,
        operator="TECH",
    )


def test_permits_of_two_modules_live_side_by_side() -> None:
    world = permit()
    world.do(c.AskModule, **UNLOCK)
    world.do(c.ReportModule)
    world.do(c.ReportModule, by="LOCK", permit="L-1", deed="unlock")
    assert all(one.used for one in world.state.jobs[f"{PO}/{JOB}"].permits.values())


def test_a_used_permit_is_asked_for_anew_under_another_id() -> None:
    world = permit()
    world.do(c.ReportModule)
    assert world.ask(c.AskModule).decide().codes == ("ALREADY_DONE",)
    world.do(c.AskModule, permit="P-2")
    world.do(c.ReportModule, permit="P-2")


def test_a_permit_is_for_its_job() -> None:
    world = permit()
    world.received(serials=("C",)).job("J-2", ("C",)).opened("S10", "J-2").signed("S10", job="J-2")
    assert world.ask(c.ReportModule, job="J-2").decide().codes == ("PERMIT_UNKNOWN",)
    world.do(c.AskModule, job="J-2")


def test_a_permit_of_the_next_step_waits_for_this_one() -> None:
    world = opened()
    assert world.ask(c.AskModule, **(UNLOCK | {"step": "S30"})).decide().codes == ("STEP_OUT_OF_ORDER",)
    world.do(c.SignStep)
    world.do(c.AskModule, **(UNLOCK | {"step": "S30"}))


def test_no_module_moves_in_an_execution_that_failed() -> None:
    world = opened()
    world.do(c.AskModule)
    world.later(S).do(c.LogEnvironment, value="30")
    assert world.ask(c.ReportModule).decide().codes == ("JOB_FAILED",)
    assert world.ask(c.AskModule, permit="P-2").decide().codes == ("JOB_FAILED",)
    world.later(S).do(c.LogEnvironment)
    world.do(c.ResumeJob)
    world.do(c.ReportModule)


@pytest.mark.parametrize("over", [c.TerminateJob, c.SplitJob])
def test_no_module_moves_in_a_job_that_is_over(over: type[c.Command]) -> None:
    world = permit()
    world.do(over)
    assert world.ask(c.ReportModule).decide().codes == ("JOB_CLOSED",)


def test_a_module_that_is_disabled_uses_no_permit() -> None:
    world = permit().fold(ev.IdentityDisabled(id="PUMP"))
    assert world.ask(c.ReportModule).decide().codes == ("IDENTITY_DISABLED",)


# ---- points --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("party", "by"), [("client", "BUYER"), ("qa", "QA"), ("level3", "L3")])
def test_a_hold_point_is_released_by_its_party_and_nobody_else(party: str, by: str) -> None:
    world = before_the_hold(party)
    for name in ("BUYER", "QA", "L3", "PM", "TECH"):
        assert world.ask(c.ReleaseHold, by=name).decide().allowed == (name == by)


def test_a_role_that_somebody_does_not_hold_releases_nothing() -> None:
    assert not before_the_hold().ask(c.ReleaseHold, by="QA", role="client").decide().allowed


def test_a_hold_point_is_for_its_step_and_job() -> None:
    world = running({name: {"hold": Hold(party="client")} for name in ("S20", "S30")}, "S10")
    world.do(c.ReleaseHold, step="S20")
    assert "HOLD_POINT" in world.ask(c.StartStep, step="S30", **BARE).decide().codes
    world.received(serials=("C",)).job("J-2", ("C",))
    assert "HOLD_POINT" in world.ask(c.StartStep, job="J-2").decide().codes


def test_a_deviation_does_not_open_a_hold_point() -> None:
    assert before_the_hold().ask(c.AuthoriseDeviation, waive=("HOLD_POINT",)).decide().codes == (
        "DEVIATION_NOT_ALLOWED",
    )


def test_a_deviation_waives_the_notice_of_a_witness_once() -> None:
    world = running(POINTS, "S10")
    world.do(c.AuthoriseDeviation, step="S20", waive=("WITNESS_NOTICE",))
    assert world.ask(c.StartStep).decide().codes == ("WITNESS_NOTICE",)
    world.do(c.StartStep, deviation="D-1")
    world.do(c.RestartStep)
    assert set(world.ask(c.StartStep, deviation="D-1").decide().codes) == {"DEVIATION_NOT_ALLOWED", "WITNESS_NOTICE"}


def test_a_second_notice_counts_from_anew() -> None:
    """The witness was told of another time."""
    world = running(POINTS, "S10")
    world.do(c.NotifyWitness)
    world.later(3000 * S).do(c.NotifyWitness)
    assert world.later(3599 * S).ask(c.StartStep).decide().codes == ("WITNESS_NOTICE",)
    assert world.later(S).ask(c.StartStep).decide().allowed


def test_pre_checks_are_said_to_be_complete_with_the_last_of_them() -> None:
    two: dict[str, dict[str, Any]] = {"S20": {"kind": "precheck"}}

    def said(world: World, step: str, **fields: Any) -> list[str]:
        return [type(event).__name__ for event in world.do(c.SignStep, step=step, **fields).events]

    world = running(two).opened("S10")
    assert said(world, "S10") == ["StepSigned"]
    assert said(world.opened("S20").readings(), "S20") == ["StepSigned", "PrechecksCompleted"]
    again = running(two).opened("S10").signed("S10").opened("S20").readings()
    assert said(again, "S20", result="fail") == ["StepSigned", "NonconformanceOpened"]

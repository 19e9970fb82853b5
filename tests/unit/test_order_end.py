"""The end of an order: who is named for the work, what a contract sets off, dates that close, reports that are replaced."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.audit.authorities import AUTHORITIES
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.completeness import faults
from holdgate.law.contract import Trigger
from holdgate.law.timers import came_late
from holdgate.law.triggers import ON
from holdgate.pay.fire import fire
from holdgate.terms.limits import TRIGGERS_MAX
from tests.builders import (
    HUB,
    JOB,
    NODE,
    OTHER_NODE,
    PO,
    REPORT,
    VAULT,
    Log,
    S,
    World,
    accepted_job,
    documents,
    hub,
    hub_log,
    node,
    node_log,
    running,
)

KEY = f"{PO}/{JOB}"


def assigned(world: World, technician: str = "TECH", job: str = JOB) -> World:
    return world.fold(ev.JobAssigned(order=PO, job=job, technician=technician))


# ---- assignment ----------------------------------------------------------------------------------------------------


def test_a_step_of_another_role_is_not_the_assignees_and_anybody_of_that_role_starts_it() -> None:
    world = assigned(running({"S20": {"role": "level3"}}, "S10"))
    assert world.ask(c.StartStep, by="L3").decide().allowed


def test_sub_lots_stay_with_the_person_who_was_named() -> None:
    world = assigned(running())
    world.do(c.SplitJob)
    assert world.state.assigned == {f"{PO}/J-1a": "TECH", f"{PO}/J-1b": "TECH"}
    fields: dict[str, Any] = {"job": "J-1a", "step": "S10", "equipment": (), "materials": ()}
    assert world.ask(c.StartStep, by="TECH2", **fields).decide().codes == ("NOT_ASSIGNED",)
    assert world.ask(c.StartStep, **fields).decide().allowed


def test_a_step_that_is_open_is_signed_by_its_performer_whoever_is_named_meanwhile() -> None:
    """The hub assigned on what it had imported; the node applies it when no step is open."""
    world = assigned(running(None, "S10").opened("S20").readings(), "TECH2")
    world.do(c.SignStep)
    world.later(700 * S)
    fields: dict[str, Any] = {"step": "S30", "equipment": (), "materials": ()}
    assert world.ask(c.StartStep, **fields).decide().codes == ("NOT_ASSIGNED",)
    assert world.ask(c.StartStep, by="TECH2", **fields).decide().allowed


def test_an_order_that_goes_to_another_node_is_assigned_anew() -> None:
    world = hub()
    world.release()
    assigned(world.accepted().staged())
    assert world.copy().staged(amendment=True).state.assigned == {KEY: "TECH"}
    assert world.staged(amendment=True, node=OTHER_NODE).state.assigned == {}


def test_the_second_assignment_says_so() -> None:
    world = hub()
    world.release()
    world.accepted().staged()
    (first,) = world.do(c.AssignJob).events
    (second,) = world.do(c.AssignJob, technician="TECH2", reason="shift").events
    assert isinstance(first, ev.JobAssigned)
    assert isinstance(second, ev.JobAssigned)
    assert (first.again, second.again) == (False, True)


# ---- pre-checks and triggers ---------------------------------------------------------------------------------------


def prechecked(*also: str) -> World:
    """S10 is a pre-check, and these too."""
    return running({step: {"kind": "precheck", "characteristics": ()} for step in also})


def signs(world: World, step: str, **changes: Any) -> list[type[Any]]:
    return [type(event) for event in world.do(c.SignStep, step=step, **changes).events]


def test_the_signature_of_the_last_precheck_completes_them() -> None:
    one = prechecked().opened("S10")
    assert signs(one, "S10") == [ev.StepSigned, ev.PrechecksCompleted]
    two = prechecked("S20").opened("S10")
    assert signs(two, "S10") == [ev.StepSigned]
    assert signs(two.opened("S20"), "S20") == [ev.StepSigned, ev.PrechecksCompleted]


def test_a_precheck_that_failed_completes_nothing() -> None:
    world = prechecked().opened("S10")
    assert signs(world, "S10", result="fail") == [ev.StepSigned, ev.NonconformanceOpened]
    two = prechecked("S20").opened("S10").signed("S10", result="fail").opened("S20")
    two.state.jobs[KEY].ncrs.clear()
    assert signs(two, "S20") == [ev.StepSigned]


def test_the_first_of_two_signatures_completes_nothing() -> None:
    world = running({"S10": {"signatures": 2}}).opened("S10")
    assert signs(world, "S10") == [ev.StepSigned]
    assert signs(world, "S10", by="TECH2") == [ev.StepSigned, ev.PrechecksCompleted]


def test_another_step_completes_no_precheck_and_a_correction_does_not_say_it_again() -> None:
    world = prechecked("S20").done("S10").opened("S20").signed("S20").opened("S30")
    assert signs(world, "S30", by="TECH") == [ev.StepSigned]
    again = running({"S20": {"kind": "precheck"}}, "S10", "S20")
    again.do(c.CorrectEntry)
    assert signs(again, "S20") == [ev.StepSigned]


TRIGGERS = tuple(Trigger(on=on, effect=f"{on}!") for on in ON)


def followed(world: World, *events: ev.AnyEvent) -> list[str]:
    """What the events set off, once they are folded."""
    world.fold(*events)
    out = AUTHORITIES[world.state.kind].follow(world.state, world.library, events, world.now)
    return [event.effect for event in out if isinstance(event, ev.Triggered)]


def with_triggers(*, qa: bool = False) -> World:
    world = hub()
    world.release(triggers=TRIGGERS)
    world.accepted().staged(delivery_due=world.now).contact(NODE, up=True).job().done("S10", "S20", "S30")
    return world.qa_accepted() if qa else world


SET_OFF: dict[str, ev.AnyEvent] = {
    "job_assigned": ev.JobAssigned(order=PO, job=JOB, technician="TECH"),
    "qa_accepted": ev.QaAccepted(order=PO, job=JOB, by="QA", accepted=2, rejected=0, scrapped=0),
    "compliance_accepted": ev.ComplianceAccepted(order=PO, job=JOB, by="CO"),
    "report_issued": ev.ReportIssued(order=PO, job=JOB, report="R-2", digest="x", fields=(), deviations=()),
    "delivery_window_closed": ev.DeliveryClosed(order=PO, in_time=True),
    "review_window_closed": ev.ReviewWindowLapsed(report=REPORT, outcome="escalate"),
}


@pytest.mark.parametrize("on", list(SET_OFF))
def test_the_hub_sets_off_what_its_own_entries_produce(on: str) -> None:
    world = with_triggers(qa=on == "compliance_accepted").reported()
    assert followed(world, SET_OFF[on]) == [f"{on}!"]


def test_a_node_sets_off_the_end_of_the_prechecks_and_the_hub_does_not_once_more() -> None:
    done = ev.PrechecksCompleted(order=PO, job=JOB)
    here = node()
    here.release(triggers=TRIGGERS)
    here.received().job()
    assert followed(here, done) == ["prechecks_complete!"]
    assert followed(with_triggers(), done) == []
    accepted = ev.QaAccepted(order=PO, job=JOB, by="QA", accepted=2, rejected=0, scrapped=0)
    assert followed(here, accepted) == []


def test_what_is_set_off_stands_in_the_same_entry() -> None:
    shop = Log(HUB, "business_hub").begin().staffed()
    log = shop.governed(version="2", triggers=TRIGGERS).act
    assert log(c.AcceptTerms, version="2").decision.allowed
    assert log(c.StageOrder, version="2").decision.allowed
    draft = log(c.AssignJob)
    assert [type(event) for event in draft.decision.events] == [ev.JobAssigned, ev.Triggered]
    assert shop.again() == shop.bodies()


@pytest.mark.parametrize(
    ("triggers", "why"),
    [
        ((Trigger(on="full_moon", effect="x"),), "nothing that happens"),
        ((Trigger(on="qa_accepted", effect=" "),), "says nothing"),
        ((Trigger(on="qa_accepted", effect="x" * 201),), "more than 200"),
        ((Trigger(on="qa_accepted", effect="x"),) * (TRIGGERS_MAX + 1), "more than"),
    ],
)
def test_a_trigger_that_can_never_fire_or_says_nothing_is_a_fault(triggers: tuple[Trigger, ...], why: str) -> None:
    assert [fault for fault in faults(*documents(triggers=triggers)) if why in fault]
    assert not [*faults(*documents(triggers=TRIGGERS))]


def test_an_assignment_is_open_or_required() -> None:
    assert [*faults(*documents(sheet={"assignment": "maybe"}))] == ["assignment is open or required, not 'maybe'"]
    assert not [*faults(*documents(sheet={"assignment": "required"}))]


# ---- dates that close ----------------------------------------------------------------------------------------------


def closing(*, delivered: int | None, due: int = 100 * S) -> ev.DeliveryClosed:
    """The first report comes so long after the staging; the date closes a second after it was due."""
    world = hub()
    world.release()
    world.accepted().staged(delivery_due=world.now + due).job().done("S10", "S20", "S30").qa_accepted()
    start = world.now
    if delivered is not None:
        world.now = start + delivered
        world.reported()
    world.now = start + due + S
    (closed,) = world.do(c.CloseDelivery).events
    assert isinstance(closed, ev.DeliveryClosed)
    return closed


@pytest.mark.parametrize(("delivered", "in_time"), [(0, True), (100 * S, True), (100 * S + 1, False), (None, False)])
def test_delivered_in_time_is_a_report_at_the_date_or_before(delivered: int | None, in_time: bool) -> None:
    assert closing(delivered=delivered).in_time is in_time


def test_the_first_report_delivers_not_the_amended_one() -> None:
    world = accepted_job(qa=True).reported()
    first = world.state.orders[PO].delivered_at
    world.later(S).reported("R-1A", REPORT)
    assert world.state.orders[PO].delivered_at == first == world.now - S


OUTAGE: dict[str, tuple[tuple[ev.AnyEvent, int], ...]] = {
    "restarted": ((ev.Booted(epoch="e", reconciled=True, heard_until=10 * S), 20 * S),),
    "cut off": (
        (ev.ContactChanged(site=VAULT, up=True), 0),
        (ev.ContactChanged(site=VAULT, up=False), 10 * S),
        (ev.ContactChanged(site=VAULT, up=True), 20 * S),
    ),
}


@pytest.mark.parametrize("name", list(OUTAGE))
@pytest.mark.parametrize(("due", "late"), [(10 * S - 1, False), (10 * S, True), (20 * S, True), (20 * S + 1, False)])
def test_late_is_what_was_due_while_the_hub_was_off_or_had_no_vault(name: str, due: int, late: bool) -> None:
    world = hub()
    for event, at in OUTAGE[name]:
        world.fold(event, at=at)
    assert came_late(world.state, due) is late


def test_the_first_start_of_a_shop_ends_no_outage() -> None:
    world = hub().fold(ev.Booted(epoch="e", reconciled=True), at=100 * S)
    assert not any(came_late(world.state, due) for due in (0, 1, 50 * S, 100 * S))


def test_an_outage_that_goes_on_counts_and_the_loss_of_a_node_does_not() -> None:
    world = hub().fold(ev.ContactChanged(site=VAULT, up=True), at=0)
    world.fold(ev.ContactChanged(site=NODE, up=True), at=0)
    world.fold(ev.ContactChanged(site=NODE, up=False), at=5)
    world.fold(ev.ContactChanged(site=NODE, up=True), at=9)
    assert not came_late(world.state, 7)
    world.fold(ev.ContactChanged(site=VAULT, up=False), at=10)
    assert not came_late(world.state, 9)
    assert came_late(world.state, 10)


def test_outages_are_bounded_and_the_last_ones_are_kept() -> None:
    world = hub()
    for n in range(1, 300):
        world.fold(ev.Booted(epoch="e", reconciled=True, heard_until=n * 10), at=n * 10 + 1)
    assert len(world.state.outages) == 100
    assert world.state.outages[-1] == (2990, 2991)
    assert not came_late(hub().fold(ev.Booted(epoch="e", reconciled=True, heard_until=7), at=7).state, 7)


def test_a_window_that_lapsed_while_the_hub_was_off_says_so() -> None:
    for outage, late in (((0, 9), False), ((3599 * S, 3600 * S), True)):
        world = accepted_job(qa=True).reported()
        start = world.now
        world.fold(ev.ReviewWindowOpened(report=REPORT, opened_at=start, closes_at=start + 3600 * S))
        world.fold(ev.Cosigned(witness=VAULT, size=99, witnessed_at=start + 3600 * S))
        world.state.outages.append((start + outage[0], start + outage[1]))
        (lapsed,) = world.do(c.CloseWindow).events
        assert lapsed == ev.ReviewWindowLapsed(report=REPORT, outcome="escalate", late=late)


def test_an_amended_delivery_date_can_close_again() -> None:
    world = hub()
    world.release()
    world.accepted().staged(delivery_due=world.now)
    world.do(c.CloseDelivery)
    same = world.copy().staged(delivery_due=world.now, amendment=True)
    assert same.ask(c.CloseDelivery).decide().codes == ("ALREADY_DONE",)
    later = world.staged(delivery_due=world.now + S, amendment=True).later(S)
    assert later.ask(c.CloseDelivery).decide().allowed


# ---- reports -------------------------------------------------------------------------------------------------------


def test_an_amended_report_replaces_and_is_another_text() -> None:
    world = accepted_job(qa=True)
    (first,) = world.do(c.GenerateReport).events
    (second,) = world.do(c.AmendReport).events
    assert isinstance(first, ev.ReportIssued)
    assert isinstance(second, ev.ReportIssued)
    assert (second.report, second.replaces) == ("R-1A", REPORT)
    assert second.digest != first.digest
    old, new = world.state.reports[REPORT], world.state.reports["R-1A"]
    assert (old.status, old.replaced_by, new.status) == ("superseded", "R-1A", "issued")
    assert world.state.jobs[KEY].report == "R-1A"


def test_the_client_signs_that_people_attested_the_arrival() -> None:
    scanned, attested = accepted_job(qa=True), accepted_job(qa=True)
    attested.state.orders[PO].attested = True
    reports = [world.do(c.GenerateReport).events[0] for world in (scanned, attested)]
    assert [isinstance(report, ev.ReportIssued) and report.attested_arrival for report in reports] == [False, True]
    assert len({report.digest for report in reports if isinstance(report, ev.ReportIssued)}) == 2


@pytest.mark.parametrize("became", ["issued", "approved", "rejected", "lapsed"])
def test_a_report_is_amended_whatever_became_of_it(became: str) -> None:
    world = accepted_job(qa=True).reported()
    world.state.reports[REPORT].status = became
    assert world.ask(c.AmendReport).decide().allowed


def test_only_the_newest_opens_a_window() -> None:
    world = accepted_job(qa=True).reported().reported("R-1A", REPORT)
    cosigned = ev.Cosigned(witness=VAULT, size=10_000, witnessed_at=world.now)
    world.fold(cosigned)
    opened = AUTHORITIES["business_hub"].follow(world.state, world.library, (cosigned,), world.now)
    assert [event.report for event in opened if isinstance(event, ev.ReviewWindowOpened)] == ["R-1A"]


def test_the_final_invoice_goes_out_once_on_the_newest_report() -> None:
    world = accepted_job(qa=True, compliance=True).reported().reported("R-1A", REPORT)
    old = ev.ReportApproved(report=REPORT, by="BUYER")
    assert final(world.copy(), old) == [], "the one that was replaced approves nothing"
    assert final(world, ev.ReportApproved(report="R-1A", by="BUYER")) == ["final"]
    world.reported("R-1B", "R-1A")
    assert final(world, ev.ReportApproved(report="R-1B", by="BUYER")) == []


def final(world: World, approved: ev.ReportApproved) -> list[str]:
    world.fold(approved)
    due = fire(world.state, world.library, (approved,), world.now)
    world.fold(*due)
    return [event.milestone for event in due if isinstance(event, ev.InvoiceIssued) and event.milestone == "final"]


@pytest.mark.parametrize(
    ("mark", "stated"),
    [
        (lambda job: None, False),
        (lambda job: job.parts.update(A="rejected"), False),
        (lambda job: job.parts.update(A="nonconforming"), True),
        (lambda job: setattr(job.attempts[1], "stands", True), True),
        (lambda job: setattr(job.attempts[1], "result", "fail"), True),
    ],
)
def test_a_report_states_a_result_that_does_not_conform_and_stands(mark: Any, stated: bool) -> None:
    world = accepted_job(qa=True)
    mark(world.state.jobs[KEY])
    (issued,) = world.do(c.GenerateReport).events
    assert isinstance(issued, ev.ReportIssued)
    assert issued.nonconforming is stated


# ---- complaints ----------------------------------------------------------------------------------------------------


def lapsed(outcome: str = "deemed_accepted") -> World:
    return accepted_job(qa=True).reported().fold(ev.ReviewWindowLapsed(report=REPORT, outcome=outcome))


def test_a_rejection_after_silence_was_consent_is_refused_and_opens_a_complaint() -> None:
    decision = lapsed().ask(c.ReviewReport, decision="reject", reason="marking wrong").decide()
    assert decision.codes == ("REVIEW_WINDOW_CLOSED",)
    assert decision.events == (ev.ComplaintOpened(report=REPORT, by="BUYER", reason="marking wrong"),)


def test_a_complaint_without_its_reason_is_heard_all_the_same() -> None:
    decision = lapsed().ask(c.ReviewReport, decision="reject").decide()
    assert decision.codes == ("REASON_REQUIRED", "REVIEW_WINDOW_CLOSED")
    assert [type(event) for event in decision.events] == [ev.ComplaintOpened]


@pytest.mark.parametrize(
    "changes",
    [
        {"by": "BUYER2"},
        {"by": "PM"},
        {"by": "PM", "role": "client"},
        {"auth": c.Auth(components=("badge", "pin"), session="x", presented_by="BUYER2")},
        {"auth": None},
        {"meaning": None},
        {"at": 0},
        {"decision": "approve"},
    ],
    ids=["another client", "staff", "staff as a client", "a borrowed badge", "unlocked", "meaning", "old", "approval"],
)
def test_nobody_else_complains_in_the_clients_name(changes: dict[str, Any]) -> None:
    asked = lapsed().ask(c.ReviewReport, **({"decision": "reject", "reason": "x"} | changes))
    decision = asked.decide()
    assert "REVIEW_WINDOW_CLOSED" in decision.codes
    assert decision.events == ()


def test_a_rejection_after_an_escalation_is_a_review() -> None:
    decision = lapsed("escalate").ask(c.ReviewReport, decision="reject", reason="x").decide()
    assert [type(event) for event in decision.events] == [ev.ReportRejected]


def test_a_complaint_is_on_the_record_and_changes_no_report() -> None:
    shop = hub_log()
    log = node_log(shop)
    log.worked()
    shop.now = log.now
    shop.heard(NODE)
    shop.take_in(log.segment())
    shop.allow(c.SignQa)
    shop.allow(c.GenerateReport)
    shop.cosigned(shop.now // S)
    shop.later(3601 * S)
    shop.cosigned(shop.now // S)
    shop.allow(c.CloseWindow)
    shop.state.reports[REPORT].outcome = "deemed_accepted"
    before = replace(shop.state.reports[REPORT])
    draft = shop.act(c.ReviewReport, decision="reject", reason="late")
    assert [type(event) for event in draft.decision.events] == [ev.ComplaintOpened]
    assert shop.state.reports[REPORT] == before


def test_a_correction_is_refused_by_name_before_and_after_the_report() -> None:
    closed = running(None, "S10", "S20", "S30").qa_accepted()
    assert closed.ask(c.CorrectEntry).decide().codes[0] == "QA_ALREADY_SIGNED"
    closed.reported("R-7")
    (denial, *_) = closed.ask(c.CorrectEntry).decide().denials
    assert (denial.code, denial.values["report"]) == ("REPORT_ISSUED", "R-7")
    assert closed.state.reports == {}, "a node remembers only that there is one"

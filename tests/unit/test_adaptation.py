"""Adaptation: values move inside their bounds, by the people whom the contract names, and never inside a started step."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.contract import Window, document_digest, encode_document
from holdgate.law.decision import Decision
from holdgate.law.state import Attempt, ContractRecord, job_key
from holdgate.law.technique import Technique, moved, prepare, under
from holdgate.law.timers import open_windows
from holdgate.terms.errors import Tampered
from holdgate.terms.instant import SECOND_US
from holdgate.terms.quantity import parse_decimal
from tests.builders import (
    ADAPTABLE,
    CLIENT,
    CONTRACT,
    HUB,
    JOB,
    PO,
    S,
    World,
    accepted_job,
    documents,
    hub,
    hub_log,
    node,
    node_log,
    pins_of,
    running,
)

OWN: dict[str, Any] = {"sheet": {"adaptable": ADAPTABLE}}


def ready() -> Technique:
    return prepare(documents(**OWN)[1], "0" * 64)


def adaptable_hub() -> World:
    world = hub()
    world.release(**OWN)
    return world


def working(*done: str) -> World:
    """A node with a running job under the adaptable contract; these steps are done."""
    world = node()
    world.release(**OWN)
    return world.received().job().done(*done)


def tuned(world: World, param: str, value: str, client: str = "") -> World:
    return world.fold(ev.ParameterTuned(sha256=world.sha, param=param, value=value, client=client))


def kinds(decision: Decision) -> list[str]:
    return [type(event).__name__ for event in decision.events]


def record(world: World) -> ContractRecord:
    return world.state.contracts[world.sha]


def attempt_at(world: World, position: int) -> Attempt:
    attempt = world.state.jobs[job_key(PO, JOB)].attempts[position]
    assert attempt is not None
    return attempt


# ---- a step under tuned values -------------------------------------------------------------------------------------


def test_each_kind_moves_its_own_limit_and_nothing_else() -> None:
    technique = ready()
    s20, s30 = technique.operations[1], technique.operations[2]
    assert s30.dwell is not None
    later = under(s30, (("dwell_min", "700"),))
    assert later == replace(s30, dwell=replace(s30.dwell, low_us=700 * SECOND_US))
    cooler = under(s20, (("temp_max", "90.5"),))
    assert cooler.measures["temp"] == replace(s20.measures["temp"], high=parse_decimal("90.5"))
    assert {name: m for name, m in cooler.measures.items() if name != "temp"} == {
        name: m for name, m in s20.measures.items() if name != "temp"
    }
    assert s20.measures["temp"].high == parse_decimal("100.0"), "the contract's own step is left as it is"


def test_a_guard_band_keeps_its_width() -> None:
    s20 = ready().operations[1]
    gap = under(s20, (("gap_min", "1.1"),)).measures["gap"]
    assert (gap.low, gap.high) == (parse_decimal("1.2"), parse_decimal("1.9"))


def test_a_longest_time_moves_too() -> None:
    item = replace(
        ADAPTABLE[0], id="dwell_max", kind="window_max_s", value="1200", min="900", max="1500", tighter="lower"
    )
    technique = prepare(documents(sheet={"adaptable": (item,)})[1], "0" * 64)
    dwell = under(technique.operations[2], (("dwell_max", "950"),)).dwell
    assert dwell is not None
    assert (dwell.low_us, dwell.high_us) == (600 * SECOND_US, 950 * SECOND_US)


def test_only_what_differs_from_the_contract_is_said_of_a_step() -> None:
    s20 = ready().operations[1]
    values = {"temp_max": "90", "gap_min": "1.00", "dwell_min": "700", "unknown": "1"}
    assert moved(s20, values, {}, CLIENT) == (("temp_max", "90"),)


def test_a_step_under_tuned_values_is_made_once() -> None:
    world = adaptable_hub()
    technique = world.library.technique(world.order_template.process)
    assert technique is not None
    s20 = technique.operations[1]
    first = world.library.tuned(technique, s20, (("temp_max", "90"),))
    assert world.library.tuned(technique, s20, (("temp_max", "90"),)) is first
    assert world.library.tuned(technique, s20, (("temp_max", "91"),)) != first


def test_steps_that_are_kept_ready_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdgate.law.library.TUNED_KEPT", 3)
    world = adaptable_hub()
    technique = world.library.technique(world.order_template.process)
    assert technique is not None
    for tenth in range(20):
        world.library.tuned(technique, technique.operations[1], (("temp_max", f"90.{tenth}"),))
        assert len(world.library._tuned) <= 3


# ---- at the node ---------------------------------------------------------------------------------------------------


def test_a_step_starts_under_the_value_in_force_and_says_so() -> None:
    world = tuned(working("S10"), "temp_max", "90")
    (started,) = world.do(c.StartStep).events
    assert isinstance(started, ev.StepStarted)
    assert started.tuned == (("temp_max", "90"),)
    assert attempt_at(world, 1).tuned == (("temp_max", "90"),)
    (read,) = world.do(c.RecordReading, value="95").events
    assert isinstance(read, ev.ReadingRecorded)
    assert not read.conforms


def test_a_step_under_the_contract_s_own_values_says_nothing() -> None:
    world = tuned(working("S10"), "temp_max", "100")
    (started,) = world.do(c.StartStep).events
    assert isinstance(started, ev.StepStarted)
    assert started.tuned == ()


@pytest.mark.parametrize(("before", "after", "conforms"), [("90", "110", False), ("110", "90", True)])
def test_a_started_step_keeps_its_limits_to_the_signature(before: str, after: str, conforms: bool) -> None:
    world = tuned(working("S10"), "temp_max", before)
    world.do(c.StartStep)
    tuned(world, "temp_max", after)
    later: tuple[dict[str, Any], dict[str, Any]] = {"value": "105"}, {"new_value": "105"}
    acts: tuple[type[c.Command], ...] = (c.RecordReading, c.CorrectEntry)
    for act, value in zip(acts, later, strict=True):
        event = world.do(act, **value).events[0]
        assert isinstance(event, (ev.ReadingRecorded, ev.ReadingCorrected))
        assert event.conforms == conforms
    for serial in ("A", "B"):
        world.read("gap", "1.5", serial)
    world.read("press", "100")
    codes = world.ask(c.SignStep).decide().codes
    assert codes == (() if conforms else ("READING_OUT_OF_LIMITS",))


def test_a_denied_signature_shows_the_limits_that_the_step_was_started_under() -> None:
    world = tuned(working("S10"), "temp_max", "90")
    world.do(c.StartStep)
    world.readings().do(c.RecordReading, value="95")
    (denial,) = world.ask(c.SignStep).decide().denials
    assert denial.values["limits"] == "50..90 degC"


def test_a_dwell_window_is_the_tuned_one_when_the_step_starts() -> None:
    world = tuned(working("S10", "S20"), "dwell_min", "700").later(650 * S)
    bare: dict[str, Any] = {"step": "S30", "equipment": (), "materials": ()}
    assert world.ask(c.StartStep, **bare).decide().codes == ("WINDOW_NOT_REACHED",)
    assert world.copy().later(50 * S).ask(c.StartStep, **bare).decide().allowed
    back = world.copy().fold(ev.TuneReverted(sha256=world.sha, param="dwell_min", by="QA"))
    assert back.ask(c.StartStep, **bare).decide().allowed


def test_a_new_start_is_under_the_values_of_its_time() -> None:
    """Whatever opened the step again, the attempt that is kept does not give the new one its limits."""
    world = tuned(working("S10"), "temp_max", "90")
    world.do(c.StartStep)
    tuned(world, "temp_max", "95")
    world.state.jobs[job_key(PO, JOB)].attempts[1] = None
    world.state.jobs[job_key(PO, JOB)].open_step = -1
    (started,) = world.do(c.StartStep).events
    assert isinstance(started, ev.StepStarted)
    assert started.tuned == (("temp_max", "95"),)


def test_a_decision_rests_on_the_entry_that_tuned_its_version() -> None:
    world = tuned(working("S10"), "temp_max", "90")
    assert record(world).ref in world.ask(c.StartStep).decide().reads


def test_a_sub_lot_keeps_what_its_step_was_started_under() -> None:
    world = tuned(working("S10"), "temp_max", "90")
    world.do(c.StartStep)
    world.readings().do(c.SignStep)
    world.do(c.SplitJob)
    attempt = world.state.jobs[job_key(PO, "J-1a")].attempts[1]
    assert attempt is not None
    assert attempt.tuned == (("temp_max", "90"),)


def test_what_a_client_agreed_to_loosen_is_loose_for_that_client_alone() -> None:
    """Another client's parts are worked under the same version; nobody asked that client."""
    item = replace(ADAPTABLE[1], approve=("level3", "client"))
    world = node()
    world.release(sheet={"adaptable": (item,)})
    world.received().job().done("S10")
    for value, agreed, started_under in (
        ("110", CLIENT, (("temp_max", "110"),)),
        ("110", "OTHER", ()),
        ("90", "OTHER", (("temp_max", "90"),)),
        ("90", "", (("temp_max", "90"),)),
    ):
        other = tuned(world.copy(), "temp_max", value, client=agreed)
        (started,) = other.do(c.StartStep).events
        assert isinstance(started, ev.StepStarted)
        assert started.tuned == started_under


# ---- at the business hub -------------------------------------------------------------------------------------------


def test_a_tightening_applies_by_itself_where_the_contract_lets_it() -> None:
    world = adaptable_hub()
    assert kinds(world.do(c.SuggestTune, value="700")) == ["SuggestionRecorded", "ParameterTuned"]
    assert record(world).tuned == {"dwell_min": "700"}


def test_a_loosening_waits_for_every_named_role() -> None:
    world = adaptable_hub()
    world.do(c.SuggestTune, value="700")
    assert kinds(world.do(c.SuggestTune, value="650")) == ["SuggestionRecorded", "TuneSuggested"]
    assert record(world).tuned == {"dwell_min": "700"}
    assert kinds(world.do(c.ApproveTune, by="L3")) == ["TuneApproved"]
    assert record(world).tuned == {"dwell_min": "700"}
    assert kinds(world.do(c.ApproveTune, value="650.0")) == ["TuneApproved", "ParameterTuned"]
    assert record(world).tuned == {"dwell_min": "650"}
    assert record(world).suggested == {}


def test_a_tightening_that_may_not_apply_by_itself_waits() -> None:
    world = adaptable_hub()
    assert kinds(world.do(c.SuggestTune, param="temp_max", value="90")) == ["SuggestionRecorded", "TuneSuggested"]


def test_another_suggestion_drops_the_one_that_waited_with_its_approvals() -> None:
    world = adaptable_hub()
    world.do(c.SuggestTune, value="700")
    world.do(c.SuggestTune, value="650")
    world.do(c.ApproveTune, by="L3")
    world.do(c.SuggestTune, value="610")
    assert world.ask(c.ApproveTune, value="650").decide().codes == ("NO_PENDING_SUGGESTION",)
    assert kinds(world.do(c.ApproveTune, value="610")) == ["TuneApproved"]


def test_a_tightening_drops_what_waited_before_it() -> None:
    """Level III agreed to 650 while 700 was in force; that is no agreement to loosen 800."""
    world = adaptable_hub()
    world.do(c.SuggestTune, value="700")
    world.do(c.SuggestTune, value="650")
    world.do(c.ApproveTune, by="L3")
    world.do(c.SuggestTune, value="800")
    assert world.ask(c.ApproveTune).decide().codes == ("NO_PENDING_SUGGESTION",)


def test_taking_back_returns_to_the_contract_and_drops_what_waits() -> None:
    world = adaptable_hub()
    world.do(c.SuggestTune, value="700")
    world.do(c.SuggestTune, value="650")
    world.do(c.RevertTune)
    assert (record(world).tuned, record(world).suggested, record(world).ref) == ({}, {}, world.ref)
    assert world.ask(c.RevertTune).decide().codes == ("ALREADY_DONE",)
    assert world.ask(c.SuggestTune, value="600").decide().codes == ("ALREADY_DONE",)


def test_a_thought_changes_no_rule() -> None:
    world = adaptable_hub()
    before = replace(record(world))
    (event,) = world.do(c.SuggestChange).events
    assert event == ev.SuggestionRecorded(contract="SP-1", by="AI")
    assert record(world) == before


# ---- what a denial carries -----------------------------------------------------------------------------------------


def test_a_suggestion_beyond_the_contract_is_refused_and_kept() -> None:
    decision = adaptable_hub().ask(c.SuggestTune, param="sensitivity").decide()
    assert decision.codes == ("AI_NOT_AUTHORITY",)
    assert decision.events == (ev.SuggestionRecorded(contract="SP-1", by="AI"),)


@pytest.mark.parametrize(
    "changes",
    [{"by": "TECH"}, {"by": "AI", "role": "level3"}, {"version": "9"}, {"at": 0}, {"site": "NODE-1"}],
    ids=["a-technician", "a-role-not-held", "no-such-version", "back-dated", "another-site"],
)
def test_what_nobody_entitled_suggested_is_not_kept(changes: dict[str, Any]) -> None:
    decision = adaptable_hub().ask(c.SuggestTune, param="sensitivity", **changes).decide()
    assert not decision.allowed
    assert decision.events == ()


def test_a_value_out_of_bounds_is_refused_and_not_kept() -> None:
    decision = adaptable_hub().ask(c.SuggestTune, value="1e9").decide()
    assert (decision.codes, decision.events) == (("VALUE_INVALID",), ())


def test_a_fact_is_noted_once_and_only_for_a_denial() -> None:
    world = adaptable_hub()
    fact = ev.SuggestionRecorded(contract="SP-1", by="AI")
    case = Case(world.state, world.library, world.ask(c.SuggestTune).command, world.now, ())
    case.fact(fact)
    assert case.facts == [], "the first round only asks whether anything is found"
    case.gate = "tuning.declared"
    case.fact(fact)
    case.fact(fact)
    assert case.facts == [fact]
    case.begin()
    assert case.facts == []


# ---- the client's window -------------------------------------------------------------------------------------------


def window_s(world: World, client: str = CLIENT) -> int:
    """How long the window is that opens for a report of an order of this client."""
    other = world.copy()
    other.state.orders[PO].client = client
    cosigned = ev.Cosigned(witness="VAULT", size=other.ref + 1, witnessed_at=other.now)
    (opened,) = open_windows(other.state, other.library, (cosigned,))
    return (opened.closes_at - opened.opened_at) // SECOND_US


def reported() -> World:
    world = hub()
    world.release(**OWN)
    return world.accepted().staged().job().done("S10", "S20", "S30").qa_accepted().reported()


@pytest.mark.parametrize(("beyond", "opens"), [(0, False), (1, True)])
def test_a_window_opens_only_by_a_cosignature_that_covers_its_report(beyond: int, opens: bool) -> None:
    world = reported()
    [report] = world.state.reports.values()
    cosigned = ev.Cosigned(witness="VAULT", size=report.issued_seq + beyond, witnessed_at=world.now)
    assert bool(open_windows(world.state, world.library, (cosigned,))) is opens


def test_a_longer_window_is_every_client_s() -> None:
    world = tuned(reported(), "review", "7200")
    assert (window_s(world), window_s(world, "OTHER")) == (7200, 7200)


def test_a_shorter_window_is_that_of_the_client_who_agreed() -> None:
    world = tuned(reported(), "review", "1800", client=CLIENT)
    assert (window_s(world), window_s(world, "OTHER")) == (1800, 3600)


def test_without_any_client_s_agreement_the_signed_window_holds() -> None:
    assert window_s(tuned(reported(), "review", "1800")) == 3600


def test_the_client_who_agreed_is_on_the_record() -> None:
    world = adaptable_hub().accepted().staged()
    world.do(c.SuggestTune, param="review", value="1800")
    world.do(c.ApproveTune, by="BUYER", param="review", value="1800")
    events = world.do(c.ApproveTune, param="review", value="1800").events
    assert events[-1] == ev.ParameterTuned(sha256=world.sha, param="review", value="1800", client=CLIENT)
    assert record(world).agreed == {"review": CLIENT}
    world.do(c.RevertTune, param="review")
    assert record(world).agreed == {}


# ---- stop-work -----------------------------------------------------------------------------------------------------


def test_stopping_work_counts_the_running_jobs_that_rest_on_the_version() -> None:
    world = hub()
    world.release()
    assert world.ask(c.SuspendContract).decide().events == (ev.ContractSuspended(sha256=world.sha, by="L3", jobs=0),)
    world.accepted().staged().job()
    event = world.ask(c.SuspendContract).decide().events[0]
    assert isinstance(event, ev.ContractSuspended)
    assert event.jobs == 1
    whole = accepted_job()
    event = whole.ask(c.SuspendContract).decide().events[0]
    assert isinstance(event, ev.ContractSuspended)
    assert event.jobs == 0, "a job whose steps are all done does not run"


def test_a_reading_is_recorded_under_stop_work() -> None:
    world = running(None, "S10").opened("S20")
    world.fold(ev.ContractSuspended(sha256=world.sha, by="L3"))
    assert world.ask(c.RecordReading).decide().allowed
    assert "CONTRACT_SUSPENDED" in world.readings().ask(c.SignStep).decide().codes


def test_an_open_test_that_is_pinned_to_a_stopped_revision_is_stopped_alone() -> None:
    """Its job is pinned to a version that goes on; the revision of this very test does not."""
    by_test = {"pin": "test"}
    world = running(None, "S10", sheet=by_test).opened("S20").readings()
    first, template, technique = world.sha, world.order_template, world.technique
    second = world.release(version="2", sheet=by_test)
    world.order_template, world.technique = template, technique
    attempt_at(world, 1).contract = second
    world.fold(ev.ContractSuspended(sha256=second, by="L3"))
    assert "CONTRACT_SUSPENDED" in world.ask(c.SignStep, contract=second).decide().codes
    attempt_at(world, 1).contract = ""
    assert world.ask(c.SignStep, contract=first).decide().allowed


def test_qa_does_not_accept_a_record_that_rests_on_a_stopped_revision() -> None:
    world = accepted_job()
    template, technique = world.order_template, world.technique
    second = world.release(version="2")
    world.order_template, world.technique = template, technique
    attempt_at(world, 2).contract = second
    world.fold(ev.ContractSuspended(sha256=second, by="L3"))
    assert world.ask(c.SignQa).decide().codes == ("CONTRACT_SUSPENDED",)


# ---- access policies -----------------------------------------------------------------------------------------------


def policy(world: World, **changes: Any) -> World:
    usual: dict[str, Any] = {"policy": "AP-1", "zone": "LAB", "credential": "OVEN", "version": 1}
    return world.fold(ev.PolicyUpdated(**(usual | changes)))


def test_a_policy_that_became_known_after_the_start_is_not_asked_at_the_signature() -> None:
    """The hub put it in force before the step started, but this node was off line and heard of it later."""
    world = running(None, "S10").later(60 * S).opened("S20").readings()
    usual: dict[str, Any] = {"policy": "AP-1", "zone": "LAB", "credential": "OVEN", "version": 1}
    world.fold(ev.PolicyUpdated(**usual), at=world.now - 30 * S)
    assert world.ask(c.SignStep).decide().allowed
    world.do(c.SignStep)
    bare: dict[str, Any] = {"step": "S30", "equipment": (), "materials": ()}
    assert world.later(700 * S).ask(c.StartStep, **bare).decide().codes == ("CREDENTIAL_MISSING",)


def test_a_policy_asks_what_is_held_and_in_date() -> None:
    world = policy(running(None, "S10"))
    world.fold(ev.CredentialGranted(person="TECH", credential="OVEN", until=world.now))
    assert world.ask(c.StartStep).decide().allowed
    assert world.copy().later(1).ask(c.StartStep).decide().codes == ("CREDENTIAL_EXPIRED",)
    world.fold(ev.CredentialRevoked(person="TECH", credential="OVEN"))
    assert world.ask(c.StartStep).decide().codes == ("CREDENTIAL_REVOKED",)


def test_a_policy_counts_its_versions_and_can_be_taken_back() -> None:
    world = hub()
    officers = (("CO", "compliance"), ("QA", "qa"), ("PM", "project_manager"))
    assert world.do(c.UpdatePolicy).events[0] == ev.PolicyUpdated(
        policy="AP-1", zone="LAB", credential="OVEN", version=1
    )
    assert world.ask(c.UpdatePolicy, withdraw=True).decide().codes == ("CONTRACT_NOT_APPROVED",)
    (taken,) = world.do(c.UpdatePolicy, withdraw=True, others=officers).events
    assert isinstance(taken, ev.PolicyUpdated)
    assert (taken.version, taken.withdrawn) == (2, True)
    (again,) = world.do(c.UpdatePolicy, credential="VT").events
    assert isinstance(again, ev.PolicyUpdated)
    assert (again.version, again.withdrawn) == (3, False)


def test_a_policy_that_was_taken_back_asks_for_nothing() -> None:
    world = policy(running(None, "S10"))
    assert not world.ask(c.StartStep).decide().allowed
    assert policy(world, version=2, withdrawn=True).ask(c.StartStep).decide().allowed


def test_a_second_policy_for_an_area_adds_and_does_not_replace() -> None:
    world = policy(policy(running(None, "S10")), policy="AP-2", credential="CRANE")
    assert world.ask(c.StartStep).decide().codes == ("CREDENTIAL_MISSING",) * 2


# ---- drafts --------------------------------------------------------------------------------------------------------


BROKEN: dict[str, dict[str, Any]] = {"S30": {"window": Window(since="S99")}}


def test_a_draft_may_be_as_broken_as_it_likes_and_is_not_certified() -> None:
    world = hub()
    sha = world.proposed(BROKEN)
    assert record(world).sha256 == sha
    assert world.ask(c.CertifyContract).decide().codes == ("CONTRACT_INCOMPLETE",)
    assert world.ask(c.ApproveContract).decide().allowed, "approvals and certification come in either order"


def test_a_draft_whose_documents_are_not_in_the_store_is_not_believed() -> None:
    world = hub()
    template, technique = documents()
    sha = document_digest(template)
    event = ev.ContractSubmitted(contract="SP-1", version="1", sha256=sha, author="AUTHOR")
    for document in (template, technique):
        with pytest.raises(Tampered, match="not in the store"):
            world.fold(event)
        assert world.state.contracts == {}
        world.blobs[document_digest(document)] = encode_document(document)
    world.fold(event)
    assert list(world.state.contracts) == [sha]


def test_a_site_that_hears_of_a_broken_draft_works_on() -> None:
    shop = hub_log()
    pins = pins_of(*documents(BROKEN, "2"))
    shop.allow(c.SubmitContract, pins=pins, sha256=pins[0].sha256, version="2")
    log = node_log(shop)
    assert f"{CONTRACT}/2" in log.state.versions
    log.worked()
    assert log.again() == log.bodies()
    assert shop.again() == shop.bodies()


def test_what_the_hub_tuned_stopped_and_policed_is_heard_by_its_nodes_and_repeated_to_the_byte() -> None:
    shop = hub_log()
    shop.allow(c.SuspendContract)
    shop.act(c.SuggestTune, param="sensitivity")
    shop.allow(c.UpdatePolicy)
    log = node_log(shop)
    assert log.state.contracts[log.sha].suspended
    assert list(log.state.policies) == ["AP-1"]
    assert log.act(c.StartJob).decision.codes == ("CONTRACT_SUSPENDED",)
    shop.allow(c.ResumeContract)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    log.allow(c.StartJob)
    assert log.again() == log.bodies()
    assert shop.again() == shop.bodies()

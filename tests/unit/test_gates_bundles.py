"""Gates over whole contracts: what comes with a proposal, who decides under a SmartQA, whom a job is about."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.contract import Demand, Hold, SmartQA, SmartSafety, Yield, document_digest, encode_document
from holdgate.law.families import Bundle
from tests.builders import JOB, PO, T0, VERSION, Asked, World, hub, node
from tests.families import DAY, MATRIX, PAY, TRAINS, WHOLE, bundle, drafted, in_force, staged, worked
from tests.gate_cases import Pair, Row, case, checked, rows_of

# ---- whom a job is about -------------------------------------------------------------------------------------------


def training_of(who: str, held: Bundle = TRAINS, site: Callable[[], World] = node) -> World:
    world = in_force(site(), held)
    if world.state.kind == "node":
        world.received(serials=(who,), ordered=(who,))
    else:
        staged(world, who, part_no="VT")
    return world.job(serials=(who,))


def failed_training(who: str) -> World:
    world = training_of(who).opened("E1", by="TECH2").signed("E1", by="TECH2", result="fail")
    return world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=f"auto-{JOB}-E1", step="E1", serials=(who,)))


@case("signatures.not_subject", "SELF_APPROVAL")
def who_is_trained_signs_their_own_training() -> Pair:
    own, other = (training_of(who).opened("E1") for who in ("TECH", "NOVICE"))
    return own.ask(c.SignStep, step="E1"), other.ask(c.SignStep, step="E1")


@case("signatures.not_subject", "SELF_APPROVAL")
def compliance_signs_the_course_that_it_took() -> Pair:
    own, other = (
        training_of(who, site=hub).opened("E1", by="TECH2").signed("E1", by="TECH2").qa_accepted()
        for who in ("CO", "NOVICE")
    )
    return own.ask(c.SignCompliance), other.ask(c.SignCompliance)


@case("signatures.not_subject", "SELF_APPROVAL")
def level_three_retests_themselves() -> Pair:
    fields: dict[str, Any] = {"by": "L3", "step": "E1", "cause": "again", "evidence": "list 9"}
    return failed_training("L3").ask(c.AuthoriseRetest, **fields), failed_training("NOVICE").ask(
        c.AuthoriseRetest, **fields
    )


@case("signatures.not_subject", "SELF_APPROVAL")
def level_three_decides_on_their_own_failure() -> Pair:
    fields: dict[str, Any] = {"by": "L3", "ncr": f"auto-{JOB}-E1", "disposition": "reject", "reason": "course again"}
    own, other = (failed_training(who).ask(c.DisposeNonconformance, **fields) for who in ("L3", "NOVICE"))
    return own, other


@case("signatures.not_subject", "SELF_APPROVAL")
def level_three_has_their_own_course_done_again() -> Pair:
    own, other = (
        training_of(who).opened("E1", by="TECH2").signed("E1", by="TECH2").ask(c.ReprocessJob, by="L3", step="E1")
        for who in ("L3", "NOVICE")
    )
    return own, other


@case("signatures.not_subject", "SELF_APPROVAL")
def level_three_lets_themselves_off_a_window() -> Pair:
    own, other = (training_of(who).ask(c.AuthoriseDeviation, step="E1") for who in ("L3", "NOVICE"))
    return own, other


@case("signatures.not_subject", "SELF_APPROVAL")
def who_is_trained_releases_the_hold_point() -> Pair:
    course = bundle(
        SmartSafety, step={"hold": Hold(party="qa")}, yields=(Yield(fact="credential", valid_s=DAY, name="VT"),)
    )
    own, other = (training_of(who, course).ask(c.ReleaseHold, by="QA", step="E1") for who in ("QA", "NOVICE"))
    return own, other


# ---- what a contract demands ---------------------------------------------------------------------------------------


def demanding(act: str, *names: str) -> Bundle:
    return bundle(terms={"demands": (Demand(act=act, credentials=names),)})


@case("tokens.demanded", "CREDENTIAL_EXPIRED")
def a_review_that_asks_qa_for_a_cert_which_ran_out() -> Pair:
    def review(until: int) -> Asked:
        world = staged(in_force(hub(), demanding("qa.sign", "VT")), "A", "B")
        world.fold(ev.CredentialGranted(person="QA", credential="VT", until=until))
        return worked(world, "A", "B").ask(c.SignQa)

    return review(T0 - 1), review(T0)


@case("tokens.demanded", "CREDENTIAL_REVOKED")
def a_demand_that_is_met_no_more() -> Pair:
    world = in_force(node(), demanding("job.start", "VT")).received()
    before = world.copy()
    world.fold(ev.CredentialRevoked(person="TECH", credential="VT"))
    return world.ask(c.StartJob), before.ask(c.StartJob)


# ---- authority matrix ----------------------------------------------------------------------------------------------

NCR = f"auto-{JOB}-E1"


def failed(quality: SmartQA | None = MATRIX) -> World:
    world = in_force(node(), bundle(quality=quality)).received().job().opened("E1").signed("E1", result="fail")
    return world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=NCR, step="E1", serials=("A",)))


def decided(world: World, disposition: str, by: str = "L3", *, client: str = "", **fields: Any) -> Asked:
    others = ((client, "client"),) if client else ()
    usual: dict[str, Any] = {"by": by, "others": others, "ncr": NCR, "disposition": disposition, "reason": "seen"}
    return world.ask(c.DisposeNonconformance, **(usual | fields))


@case("nonconformances.authorised", "ROLE_NOT_AUTHORISED")
def qa_decides_what_only_level_three_may() -> Pair:
    return decided(failed(), "rework", "QA"), decided(failed(), "rework")


@case("nonconformances.authorised", "ROLE_NOT_AUTHORISED")
def a_technician_decides() -> Pair:
    return decided(failed(), "reject", "TECH"), decided(failed(), "reject", "QA")


@case("nonconformances.known", "RULE_NOT_MET")
def a_decision_that_the_matrix_does_not_have() -> Pair:
    return decided(failed(), "report_nonconforming"), decided(failed(None), "report_nonconforming")


@case("nonconformances.authorised", "DISPOSITION_NOT_AUTHORISED")
def the_clients_part_is_scrapped_without_the_client() -> Pair:
    return decided(failed(), "scrap"), decided(failed(), "scrap", client="BUYER")


@case("nonconformances.authorised", "DISPOSITION_NOT_AUTHORISED")
def another_client_agrees() -> Pair:
    return decided(failed(), "scrap", client="BUYER2"), decided(failed(), "scrap", client="BUYER")


@case("nonconformances.authorised", "EVIDENCE_REQUIRED")
def a_concession_without_evidence() -> Pair:
    given = {"client": "BUYER", "concession": "C-1"}
    return decided(failed(), "use_as_is", **given), decided(failed(), "use_as_is", **given, evidence="photo")


@case("nonconformances.authorised", "EVIDENCE_REQUIRED")
def under_the_laws_own_matrix_evidence_is_not_asked_for() -> Pair:
    given = {"client": "BUYER", "concession": "C-1"}
    return decided(failed(), "use_as_is", **given), decided(failed(None), "use_as_is", **given)


# ---- proposals -----------------------------------------------------------------------------------------------------


def proposed(held: Bundle, *more: bytes, without: object = None) -> Asked:
    raws = [encode_document(document) for document in held.documents if document is not without]
    pins = [Pin(sha256=digest(raw), content=raw) for raw in (*raws, *more)]
    return hub().ask(c.SubmitContract, pins=pins, version=VERSION, sha256=document_digest(held.template))


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_matrix_did_not_come_along() -> Pair:
    return proposed(WHOLE, without=MATRIX), proposed(WHOLE)


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_bonus_rules_did_not_come_along() -> Pair:
    return proposed(WHOLE, without=PAY), proposed(WHOLE)


@case("contracts.document", "CONTRACT_INCOMPLETE")
def something_came_along_that_nobody_named() -> Pair:
    return proposed(WHOLE, encode_document(replace(MATRIX, title="another"))), proposed(WHOLE)


@case("contracts.document", "CONTRACT_INCOMPLETE")
def pay_that_is_named_as_the_matrix() -> Pair:
    wrong = replace(WHOLE.template, quality=document_digest(PAY))
    return proposed(Bundle(wrong, WHOLE.technique, None, PAY)), proposed(WHOLE)


def certified(held: Bundle) -> Asked:
    return drafted(hub(), held).ask(c.CertifyContract)


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_technique_that_yields_what_its_subject_cannot() -> Pair:
    odd = bundle(SmartSafety, yields=(Yield(fact="batch", valid_s=DAY),))
    return certified(odd), certified(TRAINS)


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_matrix_that_leaves_the_client_out() -> Pair:
    alone = replace(MATRIX, dispositions=tuple(replace(one, client=False) for one in MATRIX.dispositions))
    return certified(bundle(quality=alone)), certified(bundle(quality=MATRIX))


@case("contracts.complete", "PAYOUT_DEPENDS_ON_RESULT")
def bonus_rules_that_pay_for_a_result() -> Pair:
    tied = replace(PAY, payouts=(replace(PAY.payouts[0], depends_on="all_parts_accepted"),))
    return certified(bundle(pay=tied)), certified(bundle(pay=PAY))


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def bonus_rules_in_another_currency() -> Pair:
    foreign = replace(PAY, payouts=(replace(PAY.payouts[0], currency="EUR"),))
    return certified(bundle(pay=foreign)), certified(bundle(pay=PAY))


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)

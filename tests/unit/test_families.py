"""The nine families: what a contract yields, what it requires, who may decide under it, what is wrong with it.

Each row gives a pair, as in test_gates: the act that is refused for this reason, and its neighbour that is not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from holdgate.audit.authorities import AUTHORITIES
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.contract import (
    TECHNIQUES,
    Authority,
    Characteristic,
    Demand,
    Hold,
    PayoutRule,
    Retest,
    SmartCompliance,
    SmartInventory,
    SmartMaintenance,
    SmartPay,
    SmartQA,
    SmartSafety,
    SmartSP,
    SmartStandards,
    Source,
    Standard,
    Step,
    Yield,
    document_digest,
    encode_document,
)
from holdgate.law.denial import remedy, sentence
from holdgate.law.families import Bundle, bundle_faults, bundled
from holdgate.law.view import job_view
from holdgate.law.yields import yielded
from holdgate.terms.errors import Malformed
from tests.builders import (
    CONTRACT,
    JOB,
    NODE,
    OFFICE,
    PO,
    T0,
    VERSION,
    YEAR,
    Asked,
    S,
    World,
    documents,
    fresh_auth,
    hub,
    node,
)

DAY: int = 86_400
HEAD: dict[str, Any] = {"id": CONTRACT, "version": VERSION, "title": "A test", "author": "AUTHOR"}
Pair = tuple[Asked, Asked]


# ---- contracts of other families -----------------------------------------------------------------------------------


def bundle(
    kind: type[SmartSP] = SmartSP,
    *,
    characteristics: tuple[Characteristic, ...] = (),
    quality: SmartQA | None = None,
    pay: SmartPay | None = None,
    terms: dict[str, Any] | None = None,
    step: dict[str, Any] | None = None,
    **technique: Any,
) -> Bundle:
    """A contract with one step `E1` under a technique of this family."""
    one: dict[str, Any] = {"id": "E1", "name": "look", "role": "technician", "zones": ("LAB",)}
    process = kind(**HEAD, steps=(Step(**(one | (step or {})), characteristics=characteristics),), **technique)
    order, _ = documents()
    named = {
        "process": document_digest(process),
        "quality": "" if quality is None else document_digest(quality),
        "pay": "" if pay is None else document_digest(pay),
        "payouts": order.payouts if pay is None else (),
    }
    return Bundle(replace(order, **(named | (terms or {}))), process, quality, pay)


def in_force(world: World, held: Bundle) -> World:
    """The contract is released here."""
    world.order_template, world.technique = held.template, held.technique
    for document in held.documents:
        world.blobs[document_digest(document)] = encode_document(document)
    world.fold(ev.ContractSubmitted(contract=CONTRACT, version=VERSION, sha256=world.sha, author="AUTHOR"))
    world.certified(world.sha)
    for role, by in (("admin", "ADMIN"), ("compliance", "CO"), ("qa", "QA"), ("project_manager", "PM")):
        world.fold(ev.ContractApproved(sha256=world.sha, approval_role=role, by=by))
    return world.fold(ev.ContractActivated(sha256=world.sha, effectivity="new_orders"))


def staged(world: World, *serials: str, part_no: str = "P-1", rev: str = "A") -> World:
    """At the hub: an order for these, accepted and staged."""
    return world.accepted().staged(part_no=part_no, rev=rev, serials=serials).contact(NODE, up=True)


def worked(world: World, *serials: str, by: str = "TECH", result: str = "pass") -> World:
    """The one step is done."""
    world.job(serials=serials).opened("E1", by=by)
    return world.signed("E1", by=by, result=result)


def asked(
    world: World, kind: type[c.Command], by: str, role: str, others: tuple[tuple[str, str], ...] = (), **fields: Any
) -> Asked:
    """An act of which the builders hold no usual case."""
    auth = fresh_auth()
    signers = tuple(
        c.Signer(id=name, role=held, meaning="responsibility", auth=auth) for name, held in ((by, role), *others)
    )
    world.nonce += 1
    head: dict[str, Any] = {
        "site": world.state.site,
        "at": world.now,
        "nonce": str(world.nonce),
        "signers": signers,
        "place": OFFICE,
    }
    command: Any = kind(**(head | {"place": OFFICE} | fields))
    return Asked(world, command, world.now, ())


# ---- rows ----------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    gate: str
    code: str
    name: str
    pair: Callable[[], Pair]


ROWS: list[Row] = []


def case(gate: str, code: str) -> Callable[[Callable[[], Pair]], Callable[[], Pair]]:
    def keep(pair: Callable[[], Pair]) -> Callable[[], Pair]:
        ROWS.append(Row(gate, code, pair.__name__, pair))
        return pair

    return keep


NEEDS = bundle(requires=(Standard(standard="E-8", edition="21"),))


def under_standard(*adopted: ev.StandardAdopted) -> Asked:
    world = in_force(node(), NEEDS).received()
    return world.fold(*adopted).ask(c.StartJob)


def adopted(edition: str = "21", until: int = T0 + YEAR) -> ev.StandardAdopted:
    return ev.StandardAdopted(standard="E-8", edition=edition, until=until)


@case("standards.in_force", "STANDARD_NOT_IN_FORCE")
def a_standard_that_nobody_adopted() -> Pair:
    return under_standard(), under_standard(adopted())


@case("standards.in_force", "STANDARD_NOT_IN_FORCE")
def another_edition_came_after_it() -> Pair:
    return under_standard(adopted(), adopted("22")), under_standard(adopted("22"), adopted())


@case("standards.in_force", "STANDARD_NOT_IN_FORCE")
def an_adoption_that_has_run_out() -> Pair:
    return under_standard(adopted(until=T0 - 1)), under_standard(adopted(until=T0))


def about(kind: type[SmartSP], part_no: str, serial: str) -> Asked:
    facts = {
        SmartMaintenance: "calibration",
        SmartSafety: "credential",
        SmartCompliance: "document",
        SmartInventory: "batch",
        SmartStandards: "standard",
    }
    name = "VT" if kind is SmartSafety else None
    world = in_force(hub(), bundle(kind, yields=(Yield(fact=facts[kind], valid_s=DAY, name=name),))).accepted()
    return world.ask(c.StageOrder, part_no=part_no, serials=(serial,))


@case("orders.subject", "EQUIPMENT_UNKNOWN")
def a_survey_of_a_furnace_that_is_not_on_the_register() -> Pair:
    return about(SmartMaintenance, "oven", "OVEN-7"), about(SmartMaintenance, "oven", "OVEN-1")


@case("orders.subject", "EQUIPMENT_NOT_IN_CONTRACT")
def a_survey_under_another_class() -> Pair:
    return about(SmartMaintenance, "oven", "THERM-1"), about(SmartMaintenance, "thermometer", "THERM-1")


@case("orders.subject", "UNKNOWN_IDENTITY")
def training_of_a_stranger() -> Pair:
    return about(SmartSafety, "VT", "STRANGER"), about(SmartSafety, "VT", "NOVICE")


@case("orders.subject", "PO_NOT_STAGED")
def a_document_for_an_order_that_is_not_there() -> Pair:
    return about(SmartCompliance, "sheet", "PO-9"), about(SmartCompliance, "sheet", PO)


TRAINS = bundle(
    SmartSafety,
    yields=(Yield(fact="credential", valid_s=DAY, name="VT"),),
    retest=Retest(max=1, allowed_causes=("again",)),
)


def training_of(who: str, *, done: bool, site: Callable[[], World] = node) -> World:
    world = in_force(site(), TRAINS)
    if world.state.kind == "node":
        world.received(serials=(who,), ordered=(who,))
    else:
        staged(world, who, part_no="VT")
    world.job(serials=(who,)).opened("E1", by="TECH2")
    return world.signed("E1", by="TECH2") if done else world


@case("signatures.not_subject", "SELF_APPROVAL")
def who_is_trained_signs_their_own_training() -> Pair:
    own = in_force(node(), TRAINS).received(serials=("TECH",), ordered=("TECH",)).job(serials=("TECH",)).opened("E1")
    other = in_force(node(), TRAINS).received(serials=("NOVICE",), ordered=("NOVICE",)).job(serials=("NOVICE",))
    return own.ask(c.SignStep, step="E1"), other.opened("E1").ask(c.SignStep, step="E1")


@case("signatures.not_subject", "SELF_APPROVAL")
def qa_accepts_the_course_that_it_took() -> Pair:
    one = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
    return tuple(training_of(who, done=True, site=hub).ask(c.SignQa, quantities=one) for who in ("QA", "NOVICE"))  # type: ignore[return-value]


@case("signatures.not_subject", "SELF_APPROVAL")
def level_three_retests_themselves() -> Pair:
    fields: dict[str, Any] = {"order": PO, "job": JOB, "step": "E1", "cause": "again", "evidence": "list 9"}

    def retest(who: str) -> Asked:
        world = training_of(who, done=False).signed("E1", by="TECH2", result="fail")
        world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=f"auto-{JOB}-E1", step="E1", serials=(who,)))
        return asked(world, c.AuthoriseRetest, "L3", "level3", **fields)

    return retest("L3"), retest("NOVICE")


@case("signatures.not_subject", "SELF_APPROVAL")
def level_three_decides_on_their_own_failure() -> Pair:
    fields: dict[str, Any] = {
        "order": PO,
        "job": JOB,
        "ncr": f"auto-{JOB}-E1",
        "disposition": "reject",
        "reason": "course again",
    }

    def decide(who: str) -> Asked:
        world = training_of(who, done=False).signed("E1", by="TECH2", result="fail")
        world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=f"auto-{JOB}-E1", step="E1", serials=(who,)))
        return asked(world, c.DisposeNonconformance, "L3", "level3", **fields)

    return decide("L3"), decide("NOVICE")


@case("signatures.not_subject", "SELF_APPROVAL")
def compliance_signs_the_course_that_it_took() -> Pair:
    return tuple(training_of(who, done=True, site=hub).qa_accepted().ask(c.SignCompliance) for who in ("CO", "NOVICE"))  # type: ignore[return-value]


def demanding(act: str, *names: str) -> Bundle:
    return bundle(terms={"demands": (Demand(act=act, credentials=names),)})


@case("tokens.demanded", "CREDENTIAL_MISSING")
def a_job_start_that_asks_for_more_than_its_steps() -> Pair:
    world = in_force(node(), demanding("job.start", "VT")).received()
    return world.ask(c.StartJob, by="NOVICE"), world.ask(c.StartJob)


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

MATRIX = SmartQA(
    **HEAD,
    dispositions=(
        Authority(disposition="rework", roles=("level3",)),
        Authority(disposition="reject", roles=("qa", "level3")),
        Authority(disposition="scrap", roles=("level3",), client=True),
        Authority(disposition="use_as_is", roles=("level3",), client=True, evidence=True),
    ),
)
NCR = f"auto-{JOB}-E1"


def failed(quality: SmartQA | None = MATRIX) -> World:
    world = in_force(node(), bundle(quality=quality)).received().job().opened("E1").signed("E1", result="fail")
    return world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr=NCR, step="E1", serials=("A",)))


def decided(world: World, disposition: str, by: str = "L3", *, client: str = "", **fields: Any) -> Asked:
    role = {"L3": "level3", "QA": "qa", "TECH": "technician"}[by]
    others = ((client, "client"),) if client else ()
    usual: dict[str, Any] = {"order": PO, "job": JOB, "ncr": NCR, "disposition": disposition, "reason": "seen"}
    return asked(world, c.DisposeNonconformance, by, role, others, **(usual | fields))


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

PAY = SmartPay(
    **HEAD,
    currency="USD",
    payouts=(
        PayoutRule(id="bonus", depends_on="on_time", payee="each_signer", amount_minor=5, currency="USD", within_s=60),
    ),
    cap_minor=10,
)
WHOLE = bundle(quality=MATRIX, pay=PAY)


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


@case("contracts.document", "CONTRACT_INCOMPLETE")
def a_technique_that_yields_what_its_subject_cannot() -> Pair:
    odd = bundle(SmartSafety, yields=(Yield(fact="batch", valid_s=DAY),))
    return proposed(odd), proposed(TRAINS)


@case("contracts.document", "PAYOUT_DEPENDS_ON_RESULT")
def bonus_rules_that_pay_for_a_result() -> Pair:
    tied = replace(PAY, payouts=(replace(PAY.payouts[0], depends_on="all_parts_accepted"),))
    return proposed(bundle(pay=tied)), proposed(bundle(pay=PAY))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    refused, neighbour = row.pair()
    answer = refused.decide()
    assert (row.gate, row.code) in [(denial.gate, denial.code) for denial in answer.denials], answer.denials
    assert not answer.events
    for denial in answer.denials:
        assert "{" not in sentence(denial)
        assert remedy(denial)
    other = neighbour.decide()
    assert other.allowed, other.denials


@pytest.mark.parametrize("gate", sorted({row.gate for row in ROWS}))
def test_no_gate_is_dead(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the gate, the answer to its own cases changes."""
    refused = [row.pair()[0] for row in ROWS if row.gate == gate]
    without = {act: tuple(g for g in gates if g.name != gate) for act, gates in law._GATES.items()}
    before = [[denial.gate for denial in asked.decide().denials] for asked in refused]
    monkeypatch.setattr(law, "_GATES", without)
    assert all(gate in found for found in before)
    assert all(gate not in [denial.gate for denial in asked.decide().denials] for asked in refused)
    assert any(asked.decide().allowed for asked in refused)


# ---- what is wrong with a contract ---------------------------------------------------------------------------------

FAULTS: dict[str, tuple[Bundle, str]] = {
    "an unknown subject": (bundle(subject="weather"), "there is no subject 'weather'"),
    "a fact of another subject": (
        bundle(SmartMaintenance, yields=(Yield(fact="credential", valid_s=1, name="VT"),)),
        "a equipment does not yield 'credential'",
    ),
    "a fact that there is not": (
        bundle(SmartMaintenance, yields=(Yield(fact="wisdom", valid_s=1),)),
        "does not yield 'wisdom'",
    ),
    "valid for no time": (
        bundle(SmartInventory, yields=(Yield(fact="batch", valid_s=0),)),
        "the batch is valid for 0 s",
    ),
    "a credential without a name": (
        bundle(SmartSafety, yields=(Yield(fact="credential", valid_s=1),)),
        "the credential that is yielded has no name",
    ),
    "about something and yields nothing": (bundle(SmartStandards), "it is about a standard and yields nothing"),
    "a part yields nothing": (bundle(yields=(Yield(fact="batch", valid_s=1),)), "a part does not yield 'batch'"),
    "a standard without its edition": (
        bundle(requires=(Standard(standard="E-8", edition=" "),)),
        "a standard is required without its name or its edition",
    ),
    "an unknown disposition": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="melt", roles=("qa",)),))),
        "there is no disposition 'melt'",
    ),
    "nobody decides": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="reject", roles=()),))),
        "nobody may decide reject",
    ),
    "the worker decides": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="reject", roles=("qa", "technician")),))),
        "who works or computes may not decide reject",
    ),
    "a machine decides": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="reject", roles=("ai",)),))),
        "who works or computes may not decide reject",
    ),
    "the client is left out": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="repair", roles=("level3",)),))),
        "repair belongs to the client, who has to co-sign it",
    ),
    "no impact on somebody's word": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="no_impact", roles=("qa",)),))),
        "no_impact needs evidence",
    ),
    "a disposition twice": (
        bundle(quality=replace(MATRIX, dispositions=MATRIX.dispositions[1:2] * 2)),
        "the disposition reject is there twice",
    ),
    "bonus rules in two places": (
        bundle(pay=PAY, terms={"payouts": PAY.payouts}),
        "bonus rules stand in the order template and in its SmartPay",
    ),
    "another currency": (bundle(pay=replace(PAY, currency="EUR")), "the SmartPay is in EUR, the order in USD"),
    "a cap above the price": (bundle(pay=replace(PAY, cap_minor=101)), "a job may pay out 101 in all"),
    "a cap below nothing": (bundle(pay=replace(PAY, cap_minor=-1)), "a job may pay out -1 in all"),
    "a source of nothing": (
        bundle(sources=(Source(what="steps[E9]", basis="a book"),)),
        "a source is about steps[E9], where no number stands",
    ),
    "a source that says nothing": (
        bundle(sources=(Source(what="offline_max_s", basis=" "),)),
        "the source of offline_max_s says nothing",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name: str) -> None:
    held, said = FAULTS[name]
    found = [*bundle_faults(held)]
    assert len(found) == 1, found
    assert said in found[0]


def test_a_whole_contract_has_no_fault() -> None:
    assert not [*bundle_faults(WHOLE)]
    assert not [*bundle_faults(TRAINS)]
    assert not [*bundle_faults(bundle(sources=(Source(what="offline_max_s", basis="our own"),)))]


def test_what_is_named_is_found_by_hash() -> None:
    raws = {document_digest(document): encode_document(document) for document in WHOLE.documents}
    assert bundled(document_digest(WHOLE.template), raws.get) == WHOLE
    assert WHOLE.terms.payouts == PAY.payouts
    with pytest.raises(Malformed, match="the SmartQA did not come"):
        bundled(
            document_digest(WHOLE.template),
            {key: raw for key, raw in raws.items() if raw != encode_document(MATRIX)}.get,
        )
    with pytest.raises(Malformed, match="the order template is a SmartSP"):
        bundled(document_digest(WHOLE.technique), raws.get)


def test_every_executed_family_has_its_subject() -> None:
    subjects = {kind(**HEAD, steps=()).subject for kind in TECHNIQUES.values()}
    assert subjects == {"part", "equipment", "person", "batch", "standard", "document"}


# ---- what an accepted execution makes true -------------------------------------------------------------------------

ACCEPTED = ev.QaAccepted(order=PO, job=JOB, by="QA", accepted=1, rejected=0, scrapped=0)


def facts(world: World, *events: ev.AnyEvent) -> tuple[ev.AnyEvent, ...]:
    world.fold(*(events or (ACCEPTED,)))
    return yielded(world.state, world.library, events or (ACCEPTED,), world.now)


def executed(kind: type[SmartSP], serial: str, part_no: str, rev: str = "A", **fields: Any) -> World:
    return worked(staged(in_force(hub(), bundle(kind, **fields)), serial, part_no=part_no, rev=rev), serial)


def test_a_survey_yields_the_calibration_from_the_acceptance_on() -> None:
    world = executed(SmartMaintenance, "OVEN-1", "oven", yields=(Yield(fact="calibration", valid_s=DAY),))
    world.later(5 * S)
    assert facts(world) == (
        ev.EquipmentCalibrated(
            equipment="OVEN-1",
            as_found="in_tolerance",
            cal_from=T0 + 5 * S,
            cal_until=T0 + 5 * S + DAY * S,
            certificate=f"{PO}/{JOB}",
        ),
    )


AS_FOUND = Characteristic(id="found", unit="degF", min="-3", max="3", effect="as_found", per_serial=True)


@pytest.mark.parametrize(("conforms", "as_found"), [(True, "in_tolerance"), (False, "out_of_tolerance")])
def test_how_an_instrument_was_met_goes_with_its_calibration(conforms: bool, as_found: str) -> None:
    held = bundle(SmartMaintenance, characteristics=(AS_FOUND,), yields=(Yield(fact="calibration", valid_s=DAY),))
    world = staged(in_force(hub(), held), "OVEN-1", part_no="oven").job(serials=("OVEN-1",)).opened("E1")
    world.fold(
        ev.ReadingRecorded(
            order=PO,
            job=JOB,
            step="E1",
            characteristic="found",
            value="4",
            unit="degF",
            conforms=conforms,
            serial="OVEN-1",
        )
    )
    (event,) = facts(world.signed("E1"))
    assert isinstance(event, ev.EquipmentCalibrated)
    assert event.as_found == as_found


def test_an_as_found_reading_fails_nothing_now() -> None:
    held = bundle(SmartMaintenance, characteristics=(AS_FOUND,), yields=(Yield(fact="calibration", valid_s=DAY),))
    world = (
        in_force(node(), held).received(serials=("OVEN-1",), ordered=("OVEN-1",)).job(serials=("OVEN-1",)).opened("E1")
    )
    world.fold(
        ev.ReadingRecorded(
            order=PO,
            job=JOB,
            step="E1",
            characteristic="found",
            value="4",
            unit="degF",
            conforms=False,
            serial="OVEN-1",
        )
    )
    assert world.ask(c.SignStep, step="E1").decide().allowed


@pytest.mark.parametrize("disposition", ["reject", "scrap", "return_to_client", "report_nonconforming"])
def test_an_instrument_that_was_not_accepted_is_withdrawn(disposition: str) -> None:
    world = staged(
        in_force(hub(), bundle(SmartMaintenance, yields=(Yield(fact="calibration", valid_s=DAY),))),
        "OVEN-1",
        part_no="oven",
    )
    assert facts(refused(world, "OVEN-1", disposition)) == (ev.EquipmentWithdrawn(equipment="OVEN-1"),)


def refused(world: World, serial: str, disposition: str = "reject") -> World:
    worked(world, serial, result="fail")
    world.fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr="N", step="E1", serials=(serial,)))
    return world.fold(
        ev.NonconformanceDisposed(order=PO, job=JOB, ncr="N", disposition=disposition, by="L3", concession="")
    )


OTHERS: dict[str, tuple[type[SmartSP], Yield, str, ev.AnyEvent]] = {
    "credential": (
        SmartSafety,
        Yield(fact="credential", valid_s=DAY, name="SAFE"),
        "NOVICE",
        ev.CredentialGranted(person="NOVICE", credential="SAFE", until=T0 + DAY * S),
    ),
    "batch": (
        SmartInventory,
        Yield(fact="batch", valid_s=DAY),
        "WAX-7",
        ev.MaterialRegistered(batch="WAX-7", material_kind="wax", until=T0 + DAY * S, approved=True),
    ),
    "standard": (
        SmartStandards,
        Yield(fact="standard", valid_s=DAY),
        "COPY-1",
        ev.StandardAdopted(standard="wax", edition="A", until=T0 + DAY * S),
    ),
}


@pytest.mark.parametrize("fact", OTHERS)
def test_each_family_yields_its_fact(fact: str) -> None:
    kind, item, serial, expected = OTHERS[fact]
    assert facts(executed(kind, serial, "wax", yields=(item,))) == (expected,)


@pytest.mark.parametrize("fact", OTHERS)
def test_what_was_not_accepted_yields_nothing(fact: str) -> None:
    kind, item, serial, _ = OTHERS[fact]
    world = staged(in_force(hub(), bundle(kind, yields=(item,))), serial, part_no="wax")
    assert not facts(refused(world, serial))


def test_a_document_is_verified_for_the_order_that_the_serial_names() -> None:
    world = executed(SmartCompliance, PO, "sheet", yields=(Yield(fact="document", valid_s=DAY),))
    (event,) = facts(world)
    assert isinstance(event, ev.DocumentVerified)
    assert (event.order, event.document, event.by, event.until) == (PO, "sheet", "QA", T0 + DAY * S)
    assert event.digest == job_view(world.state.jobs[f"{PO}/{JOB}"])


def test_a_batch_keeps_its_makers_expiry_where_that_comes_first() -> None:
    def until(expiry: int) -> int:
        world = in_force(hub(), bundle(SmartInventory, yields=(Yield(fact="batch", valid_s=DAY),)))
        world.material("WAX-7", until=expiry, approved=False)
        (event,) = facts(worked(staged(world, "WAX-7", part_no="wax"), "WAX-7"))
        assert isinstance(event, ev.MaterialRegistered)
        return event.until

    assert until(T0 + 9) == T0 + 9
    assert until(T0 + YEAR) == T0 + DAY * S


def test_a_conceded_part_counts_as_accepted() -> None:
    kind, item, serial, expected = OTHERS["batch"]
    world = staged(in_force(hub(), bundle(kind, yields=(item,))), serial, part_no="wax")
    assert facts(refused(world, serial, "use_as_is")) == (expected,)


def test_nothing_is_yielded_before_qa_accepted() -> None:
    kind, item, serial, _ = OTHERS["credential"]
    world = executed(kind, serial, "wax", yields=(item,))
    signed = ev.StepSigned(order=PO, job=JOB, step="E1", by="TECH", result="pass", complete=True)
    compliance = ev.ComplianceAccepted(order=PO, job=JOB, by="CO")
    assert not facts(world, signed, compliance)


def test_a_node_yields_nothing() -> None:
    kind, item, serial, _ = OTHERS["credential"]
    world = worked(
        in_force(node(), bundle(kind, yields=(item,))).received(serials=(serial,), ordered=(serial,)), serial
    )
    assert not yielded(world.state, world.library, (ACCEPTED,), world.now)


def test_what_is_yielded_stands_in_the_entry_of_qas_signature_and_holds_at_once() -> None:
    kind, item, serial, expected = OTHERS["credential"]
    world = executed(kind, serial, "wax", yields=(item,))
    one = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
    decision = world.do(c.SignQa, quantities=one)
    more = AUTHORITIES["business_hub"].follow(world.state, world.library, decision.events, world.now)
    assert expected in more
    world.fold(*more)
    assert world.state.identities[serial].credentials["SAFE"].until == T0 + DAY * S


# ---- what goes with them -------------------------------------------------------------------------------------------


def test_the_release_of_a_hold_point_is_for_one_attempt() -> None:
    world = in_force(node(), bundle(step={"hold": Hold(party="qa")})).received().job()
    released = ev.HoldReleased(order=PO, job=JOB, step="E1", by="QA")
    noticed = ev.WitnessNotified(order=PO, job=JOB, step="E1")
    job = world.state.jobs[f"{PO}/{JOB}"]
    world.fold(released, noticed).opened("E1")
    world.fold(ev.StepRestarted(order=PO, job=JOB, step="E1", by="TECH"))
    assert not job.released
    assert job.noticed
    world.fold(released).opened("E1").signed("E1")
    world.fold(ev.JobReprocessed(order=PO, job=JOB, step="E1", by="L3"))
    assert not job.released
    assert not job.noticed


def test_readings_are_counted_and_a_correction_is_none() -> None:
    value = Characteristic(id="v", unit="degF", max="9")
    world = in_force(node(), bundle(characteristics=(value,))).received().job().opened("E1")
    reading = ev.ReadingRecorded(
        order=PO, job=JOB, step="E1", characteristic="v", value="1", unit="degF", conforms=True
    )
    attempt = world.state.jobs[f"{PO}/{JOB}"].attempts[0]
    assert attempt is not None
    world.fold(reading, reading)
    assert attempt.last["v"].count == 2
    world.fold(
        ev.ReadingCorrected(
            order=PO, job=JOB, step="E1", characteristic="v", old_value="1", value="2", conforms=True, by="TECH"
        ),
        reading,
    )
    assert attempt.last["v"].count == 3

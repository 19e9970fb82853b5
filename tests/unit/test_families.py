"""The nine families: what an accepted execution makes true, and what is wrong with a contract beyond its steps.

Their gates stand in test_gates_families.py and test_gates_bundles.py.
"""

from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.audit.authorities import AUTHORITIES
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import (
    TECHNIQUES,
    Authority,
    Characteristic,
    Hold,
    SmartCompliance,
    SmartInventory,
    SmartMaintenance,
    SmartSafety,
    SmartSP,
    SmartStandards,
    Source,
    Standard,
    Yield,
    document_digest,
    encode_document,
)
from holdgate.law.families import Bundle, bundle_faults, bundled
from holdgate.law.view import job_view
from holdgate.law.yields import yielded
from holdgate.terms.errors import Malformed
from tests.builders import JOB, PO, T0, YEAR, S, World, accepted_job, hub, node
from tests.families import DAY, HEAD, MATRIX, PAY, TRAINS, WHOLE, bundle, in_force, staged, worked

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
    "a test bench decides": (
        bundle(quality=replace(MATRIX, dispositions=(Authority(disposition="reject", roles=("module", "qa")),))),
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


CALIBRATED: Final = (SmartMaintenance, Yield(fact="calibration", valid_s=DAY), "OVEN-1", None)
"""As a row of OTHERS."""


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


def calibrated(as_found: str) -> ev.EquipmentCalibrated:
    until = T0 + YEAR
    return ev.EquipmentCalibrated(
        equipment="OVEN-1", as_found=as_found, cal_from=T0, cal_until=until, certificate="PO-9/M-1"
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
    withdrawn = ev.EquipmentWithdrawn(equipment="OVEN-1", as_found="in_tolerance")
    assert facts(refused(world, "OVEN-1", disposition)) == (withdrawn,)


@pytest.mark.parametrize(
    ("event", "recalls"),
    [
        (ev.EquipmentWithdrawn(equipment="OVEN-1", as_found="out_of_tolerance"), True),
        (ev.EquipmentWithdrawn(equipment="OVEN-1", as_found="in_tolerance"), False),
        (ev.EquipmentWithdrawn(equipment="OVEN-1"), False),
        (calibrated("out_of_tolerance"), True),
        (calibrated("in_tolerance"), False),
    ],
)
def test_what_was_met_out_of_tolerance_recalls_whether_or_not_it_is_used_again(
    event: ev.AnyEvent, recalls: bool
) -> None:
    world = accepted_job()
    world.fold(event)
    owe = AUTHORITIES["business_hub"].owe
    assert owe is not None
    found = owe(world.state, world.library, [(world.now, event)], {})
    assert [type(one) for one in found] == ([ev.JobFlagged] if recalls else [])


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


@pytest.mark.parametrize("kind", ["calibration", *OTHERS])
def test_qas_second_signature_over_the_same_work_renews_no_fact(kind: str) -> None:
    """Else deciding on an escape years later would prolong a calibration that nobody made again, or recall what came after it."""
    family, item, serial, _ = CALIBRATED if kind == "calibration" else OTHERS[kind]
    world = executed(family, serial, "wax", yields=(item,))
    assert facts(world)
    tag = ev.NonconformanceOpened(order=PO, job=JOB, ncr="recall-X", step="", serials=(), equipment="X")
    kept = ev.NonconformanceDisposed(
        order=PO, job=JOB, ncr="recall-X", disposition="use_as_is", by="L3", concession="CON-1"
    )
    world.later(DAY * S).fold(tag, kept)
    assert not world.state.jobs[f"{PO}/{JOB}"].qa_by
    assert facts(world) == ()


def test_an_instrument_whose_survey_is_rejected_afterwards_is_withdrawn_with_qas_second_signature() -> None:
    kind, item, serial, _ = CALIBRATED
    world = executed(kind, serial, "oven", yields=(item,))
    assert facts(world)
    tag = ev.NonconformanceOpened(order=PO, job=JOB, ncr="recall-X", step="", serials=(), equipment="X")
    away = ev.NonconformanceDisposed(order=PO, job=JOB, ncr="recall-X", disposition="reject", by="L3", concession="")
    world.fold(tag, away)
    assert facts(world) == (ev.EquipmentWithdrawn(equipment=serial, as_found="in_tolerance"),)


def test_work_that_was_taken_up_again_yields_anew() -> None:
    kind, item, serial, _ = CALIBRATED
    world = executed(kind, serial, "oven", yields=(item,))
    (before,) = facts(world)
    world.later(S).fold(ev.StepRestarted(order=PO, job=JOB, step="E1", by="TECH")).opened("E1").signed("E1")
    (after,) = facts(world)
    assert isinstance(before, ev.EquipmentCalibrated)
    assert isinstance(after, ev.EquipmentCalibrated)
    assert after.cal_from > before.cal_from


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

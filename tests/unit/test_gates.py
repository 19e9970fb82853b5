"""Gates: what they refuse, under which code, and the neighbouring case that they let pass (see `tests.gate_cases`)."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.certificate import HOLDS, STRUCTURE, Check
from holdgate.law.contract import Billing, Characteristic, PayoutRule, Window, encode_document
from holdgate.law.decision import SEMANTICS
from holdgate.law.denial import remedy, sentence
from holdgate.law.folds.identities import LAPSES_KEPT
from holdgate.law.library import Library
from holdgate.law.rules.nodes import Call, Const, Field, Name, Quant
from holdgate.law.state import Contact
from tests.builders import (
    ADAPTABLE,
    BENCH,
    FLOOR,
    HUB,
    JOB,
    NODE,
    OTHER_NODE,
    PO,
    REPORT,
    T0,
    TERMS,
    YEAR,
    Asked,
    S,
    World,
    accepted_job,
    at_most,
    certificate,
    documents,
    forwarded,
    hub,
    key_of,
    node,
    own_rule,
    pins_of,
    running,
)
from tests.gate_cases import Pair, Row, case, checked, rows_of, two

# ---- site, people, time --------------------------------------------------------------------------------------------


@case("location.site", "WRONG_SITE")
def signed_for_another_site() -> Pair:
    return two(running(None, "S10"), c.StartStep, site=OTHER_NODE)


@case("decide", "WRONG_SITE")
def an_act_that_another_kind_of_site_decides() -> Pair:
    world = accepted_job()
    refused = world.ask(c.SignQa)
    at_node = running(None, "S10", "S20", "S30")
    return Asked(at_node, refused.command, refused.now, ()), refused


@case("refusals.vault", "VAULT_READ_ONLY")
def writing_to_the_vault() -> Pair:
    world = running()
    return world.ask(c.WriteVault), world.ask(c.NoticeOrder)


@case("people.identity", "UNKNOWN_IDENTITY")
def a_stranger_acts() -> Pair:
    return two(running(None, "S10"), c.SignStep, by="STRANGER")[0], running(None, "S10").ask(c.StartStep)


@case("people.identity", "UNKNOWN_IDENTITY")
def a_stranger_cosigns() -> Pair:
    return two(running(), c.AuthoriseDeviation, others=(("BUYER", "client"), ("STRANGER", "level3")))


@case("people.identity", "UNKNOWN_IDENTITY")
def a_workstation_that_is_not_enrolled() -> Pair:
    return two(running(), c.AuthoriseDeviation, place="WS-NEW")


@case("people.identity", "IDENTITY_DISABLED")
def a_person_who_was_disabled() -> Pair:
    world, before = hub(), hub()
    world.fold(ev.IdentityDisabled(id="METRO"))
    return world.ask(c.RegisterEquipment), before.ask(c.RegisterEquipment)


@case("people.identity", "ROLE_NOT_AUTHORISED")
def acting_in_a_role_that_is_not_held() -> Pair:
    return two(hub(), c.RegisterEquipment, by="QA", role="metrology")


@case("people.identity", "IDENTITY_DISABLED")
def a_workstation_that_was_disabled() -> Pair:
    world, before = running(None, "S10"), running(None, "S10")
    world.fold(ev.IdentityDisabled(id=BENCH))
    return world.ask(c.StartStep), before.ask(c.StartStep)


@case("people.site_key", "ROLE_NOT_AUTHORISED")
def a_person_who_holds_the_role_of_a_site_forwards_an_order() -> Pair:
    world = receiving()
    world.state.identities["PM"].roles = ("floor_hub",)
    return forward(world, changes={"by": "PM"}), forward(world)


@case("people.site_key", "ROLE_NOT_AUTHORISED")
def a_site_that_was_disabled_sends_a_notice() -> Pair:
    world, before = receiving(), receiving()
    world.fold(ev.IdentityDisabled(id=FLOOR))
    return world.ask(c.NoticeOrder), before.ask(c.NoticeOrder)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_signs_for_qa() -> Pair:
    return two(accepted_job(), c.SignQa, by="TECH2", role="technician")


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_qualified_person_splits_a_job() -> Pair:
    return two(running(), c.SplitJob, by="TECH")


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_reviews_a_paper_order() -> Pair:
    return two(hub(), c.ReviewOrder, by="TECH")


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_registers_a_batch() -> Pair:
    return two(hub(), c.RegisterMaterial, by="TECH")


@case("people.client", "CLIENT_ROLE_REQUIRED")
def staff_accepts_for_the_client() -> Pair:
    world = hub()
    world.release()
    return two(world, c.AcceptTerms, by="PM")


@case("people.client", "NOT_YOUR_ORDER")
def another_client_reviews_the_report() -> Pair:
    return two(accepted_job(qa=True).reported(), c.ReviewReport, by="BUYER2")


@case("people.step_role", "ROLE_NOT_AUTHORISED")
def a_step_of_another_role() -> Pair:
    return two(running(None, "S10"), c.StartStep, by="L3")


@case("people.step_role", "ROLE_NOT_AUTHORISED")
def a_job_is_started_by_somebody_without_a_step_in_it() -> Pair:
    world = node()
    world.release()
    return two(world.received(), c.StartJob, by="L3")


@case("people.step_role", "ROLE_NOT_AUTHORISED")
def a_correction_in_another_role() -> Pair:
    return two(running(None, "S10", "S20"), c.CorrectEntry, by="L3")


@case("entries.claimed_time", "BACKDATED")
def signed_one_microsecond_too_early() -> Pair:
    world = running(None, "S10")
    return (
        world.ask(c.StartStep, at=world.now - 120 * S - 1),
        world.ask(c.StartStep, at=world.now - 120 * S),
    )


@case("entries.claimed_time", "FUTURE_DATED")
def signed_one_microsecond_too_late() -> Pair:
    world = running(None, "S10")
    return (
        world.ask(c.StartStep, at=world.now + 120 * S + 1),
        world.ask(c.StartStep, at=world.now + 120 * S),
    )


@case("entries.observed_time", "BACKDATED")
def a_reading_observed_too_long_ago() -> Pair:
    world = running(None, "S10").opened("S20")
    return (
        world.ask(c.RecordReading, observed_at=world.now - 120 * S - 1),
        world.ask(c.RecordReading, observed_at=world.now - 120 * S),
    )


@case("entries.observed_time", "FUTURE_DATED")
def a_reading_observed_in_the_future() -> Pair:
    world = running(None, "S10").opened("S20")
    return (
        world.ask(c.RecordReading, observed_at=world.now + 120 * S + 1),
        world.ask(c.RecordReading, observed_at=world.now + 120 * S),
    )


@case("entries.reason", "REASON_REQUIRED")
def a_correction_without_a_reason() -> Pair:
    return two(running(None, "S10", "S20"), c.CorrectEntry, reason=" \t")


@case("entries.evidence", "EVIDENCE_REQUIRED")
def a_credential_without_evidence() -> Pair:
    return two(hub(), c.GrantCredential, evidence="  ")


@case("entries.evidence", "EVIDENCE_REQUIRED")
def a_deviation_without_evidence() -> Pair:
    return two(running(), c.AuthoriseDeviation, evidence=None)


# ---- enrolment and credentials -------------------------------------------------------------------------------------


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_key_of_small_order() -> Pair:
    return two(hub(), c.EnrolIdentity, key=bytes(32))


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_key_that_somebody_else_holds() -> Pair:
    return two(hub(), c.EnrolIdentity, key=key_of("TECH").public)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_kind_of_identity_that_there_is_not() -> Pair:
    return two(hub(), c.EnrolIdentity, kind="ghost")


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_site_that_is_not_of_the_charter() -> Pair:
    return two(hub(), c.EnrolIdentity, kind="site", roles=("business_hub",))


@case("enrolment.key", "ALREADY_DONE")
def an_id_that_is_taken() -> Pair:
    return two(hub(), c.EnrolIdentity, id="TECH", others=(("QA", "qa"), ("TECH", "technician")))


@case("enrolment.sponsors", "SELF_APPROVAL")
def one_officer_alone_enrols() -> Pair:
    return two(hub(), c.EnrolIdentity, others=(("TECH", "technician"), ("NEW", "newcomer")))


@case("enrolment.sponsors", "SELF_APPROVAL")
def a_module_that_sponsors_as_an_officer() -> Pair:
    world = hub()
    world.state.identities["SYS"].roles = ("qa",)
    return two(world, c.EnrolIdentity, others=(("SYS", "qa"), ("NEW", "newcomer")))


@case("enrolment.sponsors", "KEY_NOT_ACCEPTED")
def the_newcomer_does_not_sign() -> Pair:
    return two(hub(), c.EnrolIdentity, others=(("QA", "qa"),))


@case("enrolment.disabled", "SELF_APPROVAL")
def disabling_oneself() -> Pair:
    return two(hub(), c.DisableIdentity, id="ADMIN")


@case("enrolment.disabled", "UNKNOWN_IDENTITY")
def disabling_somebody_who_is_not_enrolled() -> Pair:
    return two(hub(), c.DisableIdentity, id="STRANGER")


@case("enrolment.disabled", "ALREADY_DONE")
def disabling_somebody_again() -> Pair:
    world, before = hub(), hub()
    world.fold(ev.IdentityDisabled(id="TECH"))
    return world.ask(c.DisableIdentity), before.ask(c.DisableIdentity)


@case("tokens.known_person", "UNKNOWN_IDENTITY")
def a_credential_for_a_stranger() -> Pair:
    return two(hub(), c.GrantCredential, person="STRANGER")


@case("tokens.known_person", "CREDENTIAL_MISSING")
def revoking_what_is_not_held() -> Pair:
    return two(hub(), c.RevokeCredential, credential="UT")


@case("tokens.known_person", "ALREADY_DONE")
def revoking_what_was_revoked() -> Pair:
    world, before = hub(), hub()
    world.fold(ev.CredentialRevoked(person="TECH", credential="VT"))
    return world.ask(c.RevokeCredential), before.ask(c.RevokeCredential)


@case("tokens.known_person", "SELF_APPROVAL")
def granting_oneself_a_credential() -> Pair:
    return two(hub(), c.GrantCredential, person="TRAIN")


# ---- standards, and what comes from a file -------------------------------------------------------------------------


@case("standards.adoptable", "RULE_NOT_MET")
def adopting_a_standard_without_an_edition() -> Pair:
    return two(hub(), c.AdoptStandard, edition=" ")


@case("standards.adoptable", "RULE_NOT_MET")
def adopting_a_standard_without_a_name() -> Pair:
    return two(hub(), c.AdoptStandard, standard="")


@case("standards.adoptable", "RULE_NOT_MET")
def an_adoption_that_is_over_by_a_microsecond() -> Pair:
    world = hub()
    return world.ask(c.AdoptStandard, until=world.now - 1), world.ask(c.AdoptStandard, until=world.now)


@case("standards.adoptable", "ALREADY_DONE")
def adopting_what_is_in_force_as_it_is() -> Pair:
    world = hub()
    world.do(c.AdoptStandard)
    return world.ask(c.AdoptStandard), world.ask(c.AdoptStandard, edition="25")


@case("entries.evidence", "EVIDENCE_REQUIRED")
def adopting_a_standard_without_the_copy() -> Pair:
    return two(hub(), c.AdoptStandard, evidence=None)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_adopts_a_standard() -> Pair:
    return two(hub(), c.AdoptStandard, by="TECH")


@case("people.second_officer", "SELF_APPROVAL")
def adopting_a_standard_alone() -> Pair:
    return two(hub(), c.AdoptStandard, others=())


@case("people.second_officer", "SELF_APPROVAL")
def an_approver_who_is_no_officer() -> Pair:
    return two(hub(), c.AdoptStandard, others=(("TECH", "technician"),))


@case("people.second_officer", "SELF_APPROVAL")
def a_module_that_approves_as_an_officer() -> Pair:
    world = hub()
    world.state.identities["SYS"].roles = ("qa",)
    return two(world, c.AdoptStandard, others=(("SYS", "qa"),))


def imported(act: type[c.Command]) -> Pair:
    """An act from a file: signed by its importer alone, and with an officer who approves."""
    world, file = hub(), digest(b"people.csv")
    alone = world.ask(act, from_file=file, others=())
    return alone, world.ask(act, from_file=file, others=(("PM", "project_manager"),))


@case("people.second_officer", "SELF_APPROVAL")
def a_credential_from_a_file_by_one_person() -> Pair:
    return imported(c.GrantCredential)


@case("people.second_officer", "SELF_APPROVAL")
def approving_a_credential_of_ones_own() -> Pair:
    world, file = hub(), digest(b"people.csv")
    own = world.ask(c.GrantCredential, person="QA", from_file=file, others=(("QA", "qa"),))
    return own, world.ask(c.GrantCredential, person="QA", from_file=file, others=(("PM", "project_manager"),))


@case("people.second_officer", "SELF_APPROVAL")
def an_instrument_from_a_file_by_one_person() -> Pair:
    return imported(c.RegisterEquipment)


@case("people.second_officer", "SELF_APPROVAL")
def a_batch_from_a_file_by_one_person() -> Pair:
    return imported(c.RegisterMaterial)


@case("tokens.credentials", "CREDENTIAL_MISSING")
def a_person_without_the_credential() -> Pair:
    return two(running(None, "S10"), c.StartStep, by="NOVICE")


@case("tokens.credentials", "CREDENTIAL_MISSING")
def a_correction_by_a_person_without_the_credential() -> Pair:
    return two(running(None, "S10", "S20"), c.CorrectEntry, by="NOVICE")


@case("tokens.credentials", "CREDENTIAL_EXPIRED")
def a_credential_one_microsecond_past_its_end() -> Pair:
    world = running(None, "S10")
    world.fold(ev.CredentialGranted(person="TECH", credential="VT", until=world.now))
    last = world.ask(c.StartStep)
    return world.copy().later(1).ask(c.StartStep), last


@case("tokens.credentials", "CREDENTIAL_REVOKED")
def a_credential_that_was_revoked() -> Pair:
    world, renewed = running(None, "S10"), running(None, "S10")
    for site in (world, renewed):
        site.fold(ev.CredentialRevoked(person="TECH", credential="VT"))
    renewed.fold(ev.CredentialGranted(person="TECH", credential="VT", until=world.now + YEAR))
    return world.ask(c.StartStep), renewed.ask(c.StartStep)


# ---- contracts -----------------------------------------------------------------------------------------------------


def proposal(world: World, parts: tuple[Any, ...], **changes: Any) -> Asked:
    """A proposal of the first of these documents, with all of them beside it."""
    pins = pins_of(*parts)
    return world.ask(c.SubmitContract, pins=pins, sha256=pins[0].sha256, **changes)


def changed(template: dict[str, Any] | None = None, **patch: dict[str, Any]) -> Pair:
    """The certification of a draft with these changes, and of the draft without; its certificate says that all is well."""
    world, usual = hub(), hub()
    world.proposed(patch, **(template or {}))
    usual.proposed()
    return world.ask(c.CertifyContract), usual.ask(c.CertifyContract)


@case("contracts.document", "VERSION_EXISTS")
def a_version_is_never_overwritten() -> Pair:
    world = hub()
    world.release()
    return proposal(world, documents(), version="1"), proposal(world, documents(None, "2"))


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_document_did_not_come_along() -> Pair:
    world = hub()
    whole = proposal(world, documents(None, "2"))
    return whole._replace(pins=()), whole


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_technique_did_not_come_along() -> Pair:
    world = hub()
    whole = proposal(world, documents(None, "2"))
    return whole._replace(pins=whole.pins[:1]), whole


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_document_is_no_contract() -> Pair:
    world = hub()
    return proposal(world, (b'{"family":"SmartFish"}',)), proposal(world, documents(None, "2"))


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_document_is_not_canonical() -> Pair:
    world = hub()
    template, technique = documents(None, "2")
    return proposal(world, (encode_document(template) + b" ", technique)), proposal(world, (template, technique))


@case("contracts.document", "CONTRACT_INCOMPLETE")
def the_document_names_another_version() -> Pair:
    world = hub()
    return proposal(world, documents(None, "3")), proposal(world, documents(None, "2"))


@case("contracts.complete", "TERMS_MISMATCH")
def the_milestones_do_not_sum_to_the_price() -> Pair:
    return changed({"price_minor": 101})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_milestone_waits_for_nothing_that_happens() -> Pair:
    return changed({"billing": (Billing(id="x", when="never", amount_minor=100),)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_window_from_a_later_step() -> Pair:
    return changed(S10={"window": documents()[1].steps[2].window})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_limit_that_is_no_number() -> Pair:
    return changed(S20={"characteristics": (Characteristic(id="t", unit="C", max="warm"),)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def limits_the_wrong_way_round() -> Pair:
    return changed(S20={"characteristics": (Characteristic(id="t", unit="C", min="2", max="1"),)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_guard_band_without_an_uncertainty() -> Pair:
    return changed(S20={"characteristics": (Characteristic(id="t", unit="C", max="1", rule="guard_band"),)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_characteristic_without_unit_limit_or_name() -> Pair:
    odd = Characteristic(id="a/b", unit="")
    return changed(S20={"characteristics": (odd, replace(odd, rule="guess", max="1"))})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_step_without_role_or_area() -> Pair:
    return changed(S20={"role": "", "zones": (), "signatures": 3, "id": "S 20"})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_step_twice() -> Pair:
    return changed(S20={"id": "S10"}, S30={"window": None})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_rule_that_is_none() -> Pair:
    odd = replace(
        own_rule("r", "sometimes", at_most("parts", 2)), normal=own_rule("x", "sign", Name(n="a", t="int")).normal
    )
    return changed(S20={"rules": (odd,)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def silence_means_something_else() -> Pair:
    return changed({"on_silence": "yes"})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_step_that_takes_longer_than_a_month() -> Pair:
    return changed(S20={"duration_s": 31 * 86_400 + 1})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_step_that_takes_less_than_nothing() -> Pair:
    return changed(S20={"duration_s": -1})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_kind_of_step_that_there_is_not() -> Pair:
    return changed(S10={"kind": "precheque"})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_window_that_opens_before_its_step() -> Pair:
    return changed(S30={"window": Window(since="S20", min_s=-1)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_window_of_more_than_ten_years() -> Pair:
    return changed(S30={"window": Window(since="S20", max_s=3653 * 86_400 + 1)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_review_window_of_less_than_nothing() -> Pair:
    return changed({"client_window_s": -1})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_buffer_of_less_than_nothing() -> Pair:
    return changed({"buffer_max_s": -1})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def more_decimals_than_a_quantity_has() -> Pair:
    return changed(S20={"characteristics": (Characteristic(id="t", unit="C", max="1", resolution=13),)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_guard_band_wider_than_the_limits() -> Pair:
    item = Characteristic(id="t", unit="C", min="1", max="2", U="0.51", rule="guard_band")
    narrow = replace(item, U="0.5")
    return changed(S20={"characteristics": (item,)})[0], changed(S20={"characteristics": (narrow,)})[0]


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def an_uncertainty_below_zero() -> Pair:
    item = Characteristic(id="t", unit="C", max="1", U="-0.1", rule="guard_band")
    return changed(S20={"characteristics": (item,)})


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def a_way_of_pinning_that_this_law_does_not_have() -> Pair:
    return changed({"sheet": {"pin": "shift"}})[0], changed({"sheet": {"pin": "test"}})[0]


@case("contracts.complete", "PAYOUT_DEPENDS_ON_RESULT")
def a_bonus_for_passing() -> Pair:
    usual = documents()[0].payouts[0]
    return changed({"payouts": (replace(usual, depends_on="accept_rate"),)})


@case("contracts.known", "CONTRACT_UNKNOWN")
def approving_a_version_that_there_is_not() -> Pair:
    world = hub()
    world.proposed()
    return two(world, c.ApproveContract, version="9")


@case("contracts.known", "CONTRACT_UNKNOWN")
def staging_under_a_version_that_there_is_not() -> Pair:
    world = hub()
    world.release()
    world.accepted()
    return two(world, c.StageOrder, version="9")


@case("contracts.approval", "ROLE_NOT_AUTHORISED")
def approving_in_a_role_that_approves_nothing() -> Pair:
    world = hub()
    world.proposed()
    return two(world, c.ApproveContract, by="L3", approval_role="level3")


@case("contracts.approval", "ALREADY_DONE")
def a_second_approval_in_one_role() -> Pair:
    world, before = hub(), hub()
    for site in (world, before):
        site.proposed()
    world.fold(ev.ContractApproved(sha256=world.sha, approval_role="qa", by="CO"))
    return world.ask(c.ApproveContract), before.ask(c.ApproveContract)


@case("contracts.approval", "SELF_APPROVAL")
def the_author_approves() -> Pair:
    world, other = hub(), hub()
    for site, author in ((world, "QA"), (other, "AUTHOR")):
        site.proposed()
        site.state.contracts[site.sha].author = author
    return world.ask(c.ApproveContract), other.ask(c.ApproveContract)


@case("contracts.approval", "SELF_APPROVAL")
def the_certifier_approves() -> Pair:
    world, other = hub(), hub()
    for site, by in ((world, "QA"), (other, "CERT")):
        site.proposed()
        site.fold(ev.ContractCertified(sha256=site.sha, certificate=digest(b"proof"), by=by))
    return world.ask(c.ApproveContract), other.ask(c.ApproveContract)


@case("contracts.approval", "SELF_APPROVAL")
def one_person_approves_in_two_roles() -> Pair:
    world, other = hub(), hub()
    for site, by in ((world, "QA"), (other, "ADMIN")):
        site.proposed()
        site.fold(ev.ContractApproved(sha256=site.sha, approval_role="admin", by=by))
    return world.ask(c.ApproveContract), other.ask(c.ApproveContract)


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def the_certificate_did_not_come_along() -> Pair:
    world = hub()
    world.proposed()
    return two(world, c.CertifyContract, certificate=digest(b"proof"))


def vouching(said: dict[str, Any]) -> Pair:
    """A certificate that says something else of the version, and one that says what is so."""
    world = hub()
    world.proposed()
    raw = certificate(world.order_template, world.technique, said)
    return world.ask(c.CertifyContract, pins=pins_of(raw), certificate=digest(raw)), world.ask(c.CertifyContract)


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_of_another_technique() -> Pair:
    return vouching(said={"technique": digest(b"another")})


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_of_another_order_template() -> Pair:
    return vouching(said={"template": digest(b"another")})


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_for_another_engine() -> Pair:
    return vouching(said={"semantics": SEMANTICS + 1})


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_with_a_check_that_does_not_hold() -> Pair:
    checks = tuple(Check(name=name, verdict="unknown" if name == "bound" else HOLDS) for name in STRUCTURE)
    return vouching(said={"checks": checks})


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_that_leaves_a_check_out() -> Pair:
    return vouching(said={"checks": tuple(Check(name=name, verdict=HOLDS) for name in STRUCTURE[1:])})


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_without_proofs_where_the_shop_asks_for_them() -> Pair:
    world, trusting = hub(), hub()
    strict = replace(world.state.charter.settings, certificates="proof")
    world.state.charter = replace(world.state.charter, settings=strict)
    world.proposed()
    trusting.proposed()
    return world.ask(c.CertifyContract), trusting.ask(c.CertifyContract)


@case("contracts.certificate", "CONTRACT_NOT_CERTIFIED")
def a_certificate_that_cannot_be_read() -> Pair:
    world = hub()
    world.proposed()
    raw = b'{"holdgate":"holdgate-certificate/1"}'
    return world.ask(c.CertifyContract, pins=pins_of(raw), certificate=digest(raw)), world.ask(c.CertifyContract)


@case("contracts.certificate", "ALREADY_DONE")
def certified_twice() -> Pair:
    world, before = hub(), hub()
    world.certified(world.proposed())
    before.proposed()
    return world.ask(c.CertifyContract), before.ask(c.CertifyContract)


@case("contracts.certificate", "SELF_APPROVAL")
def an_approver_certifies() -> Pair:
    world, other = hub(), hub()
    for site, by in ((world, "CERT"), (other, "ADMIN")):
        site.proposed()
        site.fold(ev.ContractApproved(sha256=site.sha, approval_role="admin", by=by))
    return world.ask(c.CertifyContract), other.ask(c.CertifyContract)


def approved(
    *, certificate: bool = True, roles: tuple[str, ...] = ("admin", "compliance", "qa", "project_manager")
) -> World:
    world = hub()
    sha = world.proposed()
    if certificate:
        world.certified(sha)
    for role in roles:
        world.fold(ev.ContractApproved(sha256=sha, approval_role=role, by=f"BY-{role}"))
    return world


@case("contracts.releasable", "CONTRACT_NOT_APPROVED")
def released_with_three_of_four_approvals() -> Pair:
    return approved(roles=("admin", "compliance", "qa")).ask(c.ActivateContract), approved().ask(c.ActivateContract)


@case("contracts.releasable", "CONTRACT_NOT_CERTIFIED")
def released_without_a_certificate() -> Pair:
    return approved(certificate=False).ask(c.ActivateContract), approved().ask(c.ActivateContract)


@case("contracts.releasable", "CONTRACT_INCOMPLETE")
def released_for_work_that_is_not_named() -> Pair:
    world = approved()
    return world.ask(c.ActivateContract, effectivity="all"), world.ask(c.ActivateContract, effectivity="unstarted_jobs")


@case("contracts.releasable", "ALREADY_DONE")
def released_twice() -> Pair:
    world = approved()
    world.fold(ev.ContractActivated(sha256=world.sha, effectivity="new_orders"))
    return world.ask(c.ActivateContract), approved().ask(c.ActivateContract)


@case("contracts.in_force", "CONTRACT_NOT_CERTIFIED")
def accepting_terms_of_a_draft() -> Pair:
    world, certified = hub(), hub()
    world.proposed()
    certified.certified(certified.proposed())
    return world.ask(c.AcceptTerms), certified.ask(c.AcceptTerms)


@case("contracts.in_force", "CONTRACT_NOT_ACTIVE")
def staging_under_a_version_that_is_certified_and_not_released() -> Pair:
    world, released = hub(), hub()
    world.certified(world.proposed())
    released.release()
    return world.accepted().ask(c.StageOrder), released.accepted().ask(c.StageOrder)


@case("contracts.in_force", "CONTRACT_SUPERSEDED")
def staging_under_a_version_that_was_replaced() -> Pair:
    world, current = hub(), hub()
    for shop in (world, current):
        shop.release()
        shop.accepted()
    world.release(version="2")
    return world.ask(c.StageOrder, version="1"), current.ask(c.StageOrder)


def replaced(effectivity: str, *, job: bool = False) -> World:
    """A node with an order under version 1, after version 2 came into force."""
    world = node()
    world.release()
    world.received()
    first = world.order_template, world.technique
    world.release(version="2", effectivity=effectivity)
    world.order_template, world.technique = first
    return world.job() if job else world


@case("contracts.startable", "CONTRACT_SUPERSEDED")
def a_replaced_version_that_may_not_start_any_more() -> Pair:
    return replaced("unstarted_jobs").ask(c.StartJob), replaced("new_orders").ask(c.StartJob)


@case("contracts.startable", "CONTRACT_NOT_ACTIVE")
def a_job_under_a_version_that_was_never_released() -> Pair:
    world, released = node(), node()
    world.proposed()
    released.release()
    return world.received().ask(c.StartJob), released.received().ask(c.StartJob)


@case("contracts.startable", "CONTRACT_UNKNOWN")
def a_job_under_a_document_that_is_not_here() -> Pair:
    world = node()
    world.release()
    known = world.copy().received()
    return world.received(sha256="0" * 64).ask(c.StartJob), known.ask(c.StartJob)


@case("contracts.complete", "CONTRACT_INCOMPLETE")
def an_adaptable_parameter_of_a_characteristic_that_there_is_not() -> Pair:
    usual = ADAPTABLE[1]
    odd = changed({"sheet": {"adaptable": (replace(usual, characteristic="warmth"),)}})[0]
    return odd, changed({"sheet": {"adaptable": (usual,)}})[0]


@case("contracts.complete", "PAYOUT_DEPENDS_ON_RESULT")
def a_bonus_for_passing_that_names_nothing_else() -> Pair:
    return changed({"payouts": (PayoutRule(id="b", depends_on="test_result", amount_minor=5000, currency="USD"),)})


# ---- stop-work -----------------------------------------------------------------------------------------------------


def stopped(world: World) -> World:
    """The version of this world's order, stopped."""
    return world.fold(ev.ContractSuspended(sha256=world.sha, by="L3"))


def in_force(**template: Any) -> World:
    """A business hub with a released version, adaptable in every way."""
    world = hub()
    world.release(sheet={"adaptable": ADAPTABLE}, **template)
    return world


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_stops_work() -> Pair:
    return two(in_force(), c.SuspendContract, by="TECH")


@case("people.role", "ROLE_NOT_AUTHORISED")
def an_admin_resumes_work() -> Pair:
    return two(stopped(in_force()), c.ResumeContract, by="ADMIN")


@case("entries.reason", "REASON_REQUIRED")
def work_is_stopped_without_a_reason() -> Pair:
    return two(in_force(), c.SuspendContract, reason=" ")


@case("contracts.stop_work", "ALREADY_DONE")
def work_is_stopped_twice() -> Pair:
    return stopped(in_force()).ask(c.SuspendContract), in_force().ask(c.SuspendContract)


@case("contracts.stop_work", "ALREADY_DONE")
def work_is_resumed_that_was_not_stopped() -> Pair:
    return in_force().ask(c.ResumeContract), stopped(in_force()).ask(c.ResumeContract)


@case("contracts.suspended", "CONTRACT_SUSPENDED")
def terms_of_a_stopped_version() -> Pair:
    return stopped(in_force()).ask(c.AcceptTerms), in_force().ask(c.AcceptTerms)


@case("contracts.suspended", "CONTRACT_SUSPENDED")
def an_order_under_a_stopped_version() -> Pair:
    return stopped(in_force()).accepted().ask(c.StageOrder), in_force().accepted().ask(c.StageOrder)


@case("contracts.suspended", "CONTRACT_SUSPENDED")
def a_job_under_a_stopped_version() -> Pair:
    world = node()
    world.release()
    world.received()
    return stopped(world.copy()).ask(c.StartJob), world.ask(c.StartJob)


@case("contracts.suspended", "CONTRACT_SUSPENDED")
def a_step_under_a_stopped_version() -> Pair:
    return stopped(running(None, "S10")).ask(c.StartStep), running(None, "S10").ask(c.StartStep)


@case("contracts.suspended", "CONTRACT_SUSPENDED")
def a_signature_under_a_stopped_version() -> Pair:
    return stopped(signing()).ask(c.SignStep), signing().ask(c.SignStep)


@case("contracts.suspended", "CONTRACT_SUSPENDED")
def the_record_of_a_stopped_version() -> Pair:
    return stopped(accepted_job()).ask(c.SignQa), accepted_job().ask(c.SignQa)


# ---- adaptation ----------------------------------------------------------------------------------------------------


def suggested(value: str = "650", param: str = "dwell_min", by: str = "AI", **approvals: str) -> World:
    """A suggestion waits, with these approvals (role → who)."""
    world = in_force()
    world.fold(ev.TuneSuggested(sha256=world.sha, param=param, value=value, by=by))
    for role, who in approvals.items():
        world.fold(ev.TuneApproved(sha256=world.sha, param=param, role=role, by=who))
    return world


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_suggests_another_limit() -> Pair:
    return two(in_force(), c.SuggestTune, by="TECH")


@case("entries.evidence", "EVIDENCE_REQUIRED")
def a_suggestion_without_evidence() -> Pair:
    return two(in_force(), c.SuggestTune, evidence=None)


@case("contracts.known", "CONTRACT_UNKNOWN")
def a_suggestion_for_a_version_that_there_is_not() -> Pair:
    return two(in_force(), c.SuggestTune, version="9")


@case("tuning.released", "CONTRACT_NOT_ACTIVE")
def a_suggestion_for_a_draft() -> Pair:
    world = hub()
    world.proposed(sheet={"adaptable": ADAPTABLE})
    return world.ask(c.SuggestTune), in_force().ask(c.SuggestTune)


@case("tuning.released", "CONTRACT_UNKNOWN")
def a_suggestion_for_a_technique_that_is_not_here() -> Pair:
    world, whole = in_force(), in_force()
    world.blobs.pop(world.order_template.process)
    world.library = Library(world.blobs.get)
    return world.ask(c.SuggestTune), whole.ask(c.SuggestTune)


@case("tuning.declared", "AI_NOT_AUTHORITY", facts=(ev.SuggestionRecorded,))
def a_suggestion_for_what_is_not_adaptable() -> Pair:
    return two(in_force(), c.SuggestTune, param="sensitivity")


@case("tuning.in_range", "TUNE_OUT_OF_RANGE")
def a_suggestion_one_second_beyond_the_bounds() -> Pair:
    world = in_force()
    return world.ask(c.SuggestTune, value="901"), world.ask(c.SuggestTune, value="900")


@case("tuning.in_range", "TUNE_OUT_OF_RANGE")
def a_suggestion_of_half_a_second() -> Pair:
    world = in_force()
    return world.ask(c.SuggestTune, value="700.5"), world.ask(c.SuggestTune, value="700.0")


@case("tuning.in_range", "VALUE_INVALID")
def a_suggestion_that_is_no_number() -> Pair:
    return two(in_force(), c.SuggestTune, value="7e2")


@case("tuning.changes", "ALREADY_DONE")
def a_suggestion_of_the_value_in_force() -> Pair:
    return two(in_force(), c.SuggestTune, value="600.0")


@case("tuning.changes", "ALREADY_DONE")
def a_suggestion_of_the_value_that_waits() -> Pair:
    world = suggested("105", "temp_max")
    fields: dict[str, Any] = {"param": "temp_max"}
    return world.ask(c.SuggestTune, value="105.0", **fields), world.ask(c.SuggestTune, value="106", **fields)


@case("tuning.waits", "NO_PENDING_SUGGESTION")
def an_approval_of_another_value() -> Pair:
    return two(suggested(), c.ApproveTune, value="651")


@case("tuning.waits", "NO_PENDING_SUGGESTION")
def an_approval_where_nothing_waits() -> Pair:
    return in_force().ask(c.ApproveTune), suggested().ask(c.ApproveTune)


@case("tuning.named", "ROLE_NOT_AUTHORISED")
def an_approval_in_a_role_that_the_contract_does_not_name() -> Pair:
    return two(suggested(), c.ApproveTune, by="PM")


@case("tuning.named", "ROLE_NOT_AUTHORISED")
def a_change_taken_back_in_a_role_that_the_contract_does_not_name() -> Pair:
    return two(suggested(), c.RevertTune, by="PM")


@case("tuning.named", "NOT_YOUR_ORDER")
def a_client_without_an_order_agrees() -> Pair:
    world = suggested("1800", "review").accepted().staged()
    fields: dict[str, Any] = {"param": "review", "value": "1800"}
    return world.ask(c.ApproveTune, by="BUYER2", **fields), world.ask(c.ApproveTune, by="BUYER", **fields)


@case("tuning.named", "NOT_YOUR_ORDER")
def a_client_agrees_before_there_is_any_order() -> Pair:
    """Accepted terms are a wish; an order is what the shop staged."""
    world = suggested("1800", "review").accepted()
    fields: dict[str, Any] = {"param": "review", "value": "1800", "by": "BUYER"}
    return world.ask(c.ApproveTune, **fields), world.copy().staged().ask(c.ApproveTune, **fields)


@case("tuning.each_once", "ALREADY_DONE")
def a_second_approval_of_a_value_in_one_role() -> Pair:
    return suggested(qa="QA").ask(c.ApproveTune), suggested(level3="L3").ask(c.ApproveTune)


@case("tuning.each_once", "SELF_APPROVAL")
def a_suggester_approves() -> Pair:
    world = suggested(by="L3")
    return world.ask(c.ApproveTune, by="L3"), world.ask(c.ApproveTune, by="L3B")


@case("tuning.each_once", "SELF_APPROVAL")
def one_person_approves_a_value_in_two_roles() -> Pair:
    return suggested(level3="QA").ask(c.ApproveTune), suggested(level3="L3").ask(c.ApproveTune)


@case("tuning.revertible", "ALREADY_DONE")
def taking_back_what_was_never_changed() -> Pair:
    return in_force().ask(c.RevertTune), suggested().ask(c.RevertTune)


@case("entries.reason", "REASON_REQUIRED")
def a_change_taken_back_without_a_reason() -> Pair:
    return two(suggested(), c.RevertTune, reason="")


@case("tuning.known_contract", "CONTRACT_UNKNOWN")
def a_thought_about_a_contract_that_there_is_not() -> Pair:
    return two(in_force(), c.SuggestChange, contract="SP-9")


@case("refusals.authority", "AI_NOT_AUTHORITY", by_hand=True)
def a_module_changes_a_rule() -> Pair:
    return in_force().ask(c.ApplyChange), in_force().ask(c.SuggestChange)


# ---- access policies -----------------------------------------------------------------------------------------------

OFFICERS: Final = (("CO", "compliance"), ("QA", "qa"), ("PM", "project_manager"))


def policed(world: World, **changes: Any) -> World:
    """An access policy is in force."""
    usual: dict[str, Any] = {"policy": "AP-1", "zone": "LAB", "credential": "OVEN", "version": 1}
    return world.fold(ev.PolicyUpdated(**(usual | changes)))


@case("people.role", "ROLE_NOT_AUTHORISED")
def qa_releases_an_access_policy() -> Pair:
    return two(hub(), c.UpdatePolicy, by="QA")


@case("tokens.policy", "LOCATION_NOT_PERMITTED")
def a_policy_for_an_area_without_a_workstation() -> Pair:
    return two(hub(), c.UpdatePolicy, zone="LAP")


@case("tokens.policy", "ALREADY_DONE")
def a_policy_that_asks_for_nothing_new() -> Pair:
    return policed(hub()).ask(c.UpdatePolicy), hub().ask(c.UpdatePolicy)


@case("tokens.policy", "ALREADY_DONE")
def a_policy_withdrawn_that_is_not_in_force() -> Pair:
    return hub().ask(c.UpdatePolicy, withdraw=True), policed(hub()).ask(c.UpdatePolicy, withdraw=True, others=OFFICERS)


@case("tokens.policy", "CONTRACT_NOT_APPROVED")
def a_policy_that_asks_for_less_by_an_admin_alone() -> Pair:
    world = policed(hub())
    fields: dict[str, Any] = {"credential": "VT", "others": OFFICERS}
    return world.ask(c.UpdatePolicy, **(fields | {"others": OFFICERS[:2]})), world.ask(c.UpdatePolicy, **fields)


@case("tokens.policies", "CREDENTIAL_MISSING")
def a_step_in_an_area_that_asks_for_more() -> Pair:
    return policed(running(None, "S10")).ask(c.StartStep), policed(running(None, "S10"), zone="STORE").ask(c.StartStep)


@case("tokens.policies", "CREDENTIAL_MISSING")
def a_signature_of_a_step_that_started_under_the_policy() -> Pair:
    before = policed(running(None, "S10")).opened("S20").readings()
    after = policed(running(None, "S10").opened("S20").readings())
    return before.ask(c.SignStep), after.ask(c.SignStep)


# ---- orders --------------------------------------------------------------------------------------------------------


def offered(**changes: Any) -> Pair:
    world = hub()
    world.release()
    return two(world, c.AcceptTerms, terms=replace(TERMS, **changes))


@case("orders.terms", "TERMS_MISMATCH")
def another_price() -> Pair:
    return offered(price_minor=99)


@case("orders.terms", "TERMS_MISMATCH")
def another_currency() -> Pair:
    return offered(currency="EUR")


@case("orders.terms", "TERMS_MISMATCH")
def other_milestones() -> Pair:
    return offered(milestones=TERMS.milestones[:2])


@case("orders.terms", "TERMS_MISMATCH")
def a_milestone_twice() -> Pair:
    return offered(milestones=(*TERMS.milestones, TERMS.milestones[0]))


@case("orders.terms", "TERMS_MISMATCH")
def another_review_window() -> Pair:
    return offered(client_window_s=3601)


@case("orders.terms", "TERMS_MISMATCH")
def silence_that_means_nothing_known() -> Pair:
    return offered(on_silence="yes")


@case("orders.terms", "CONTRACT_UNKNOWN")
def terms_of_a_contract_whose_document_is_not_here() -> Pair:
    world, known = hub(), hub()
    for site in (world, known):
        site.release()
    world.blobs.clear()
    world.library.templates.clear()
    return world.ask(c.AcceptTerms), known.ask(c.AcceptTerms)


def stageable() -> World:
    world = hub()
    world.release()
    return world.accepted()


@case("orders.agreed", "TERMS_NOT_ACCEPTED")
def staged_before_anybody_accepted() -> Pair:
    world = hub()
    world.release()
    return world.ask(c.StageOrder), stageable().ask(c.StageOrder)


@case("orders.agreed", "TERMS_NOT_ACCEPTED")
def accepted_by_another_client() -> Pair:
    world = hub()
    world.release()
    return world.accepted(org="OTHER").ask(c.StageOrder), stageable().ask(c.StageOrder)


def reviewed(*rows: tuple[str, str, bytes]) -> World:
    world = hub()
    world.release()
    for role, by, paper in rows:
        world.fold(ev.OrderReviewed(order=PO, document_digest=digest(paper), role=role, by=by))
    return world


@case("orders.agreed", "TERMS_NOT_ACCEPTED")
def two_reviews_of_different_papers() -> Pair:
    half = reviewed(("project_manager", "PM", b"1"), ("qa", "QA", b"2"))
    whole = reviewed(("project_manager", "PM", b"1"), ("qa", "QA", b"1"))
    return half.ask(c.StageOrder), whole.ask(c.StageOrder)


@case("orders.agreed", "TERMS_NOT_ACCEPTED")
def one_person_reviews_in_both_roles() -> Pair:
    one = reviewed(("project_manager", "PM", b"1"), ("qa", "PM", b"1"))
    whole = reviewed(("project_manager", "PM", b"1"), ("qa", "QA", b"1"))
    return one.ask(c.StageOrder), whole.ask(c.StageOrder)


@case("orders.stageable", "ALREADY_DONE")
def staged_twice() -> Pair:
    world = stageable().staged()
    return world.ask(c.StageOrder), world.ask(c.StageOrder, amendment=True)


@case("orders.stageable", "WRONG_NODE")
def staged_for_a_site_that_is_no_node() -> Pair:
    return two(stageable(), c.StageOrder, node=FLOOR)


@case("orders.stageable", "QTY_NOT_RECONCILED")
def a_part_named_twice() -> Pair:
    return two(stageable(), c.StageOrder, serials=("A", "A"))


@case("orders.stageable", "QTY_NOT_RECONCILED")
def an_order_without_parts() -> Pair:
    return two(stageable(), c.StageOrder, serials=())


@case("orders.stageable", "TERMS_MISMATCH")
def an_arrival_policy_that_there_is_not() -> Pair:
    world = stageable()
    return world.ask(c.StageOrder, arrival_policy="some"), world.ask(c.StageOrder, arrival_policy="partial")


@case("orders.stageable", "CONTRACT_PINNED")
def amended_after_a_job_started() -> Pair:
    world = stageable().staged()
    return world.copy().job().ask(c.StageOrder, amendment=True), world.ask(c.StageOrder, amendment=True)


@case("orders.stageable", "PO_NOT_STAGED")
def amending_what_was_never_staged() -> Pair:
    return two(stageable(), c.StageOrder, amendment=True)


@case("orders.stageable", "TERMS_MISMATCH")
def scans_buffered_for_less_than_nothing() -> Pair:
    world = stageable()
    return world.ask(c.StageOrder, buffer_max_s=-1), world.ask(c.StageOrder, buffer_max_s=0)


@case("orders.stageable", "TERMS_MISMATCH")
def scans_buffered_for_more_than_ten_years() -> Pair:
    world = stageable()
    most = 3653 * 86_400
    return world.ask(c.StageOrder, buffer_max_s=most + 1), world.ask(c.StageOrder, buffer_max_s=most)


def papered(world: World, **documents: int | None) -> World:
    """The order's documents, and until when they are valid."""
    world.state.orders[PO].documents = dict(documents)
    return world


@case("orders.documents", "DOCUMENT_MISSING")
def a_job_starts_without_the_drawing() -> Pair:
    world = receiving()
    return papered(world.received(), photo=None).ask(c.StartJob), receiving().received().ask(c.StartJob)


@case("orders.documents", "DOCUMENT_EXPIRED")
def a_step_starts_on_a_drawing_that_ran_out() -> Pair:
    world = running(None, "S10")
    return (
        papered(world.copy(), drawing=world.now - 1).ask(c.StartStep),
        papered(world.copy(), drawing=world.now).ask(c.StartStep),
    )


@case("orders.documents", "DOCUMENT_EXPIRED")
def a_step_is_signed_on_a_drawing_that_ran_out() -> Pair:
    world = running(None, "S10").opened("S20").readings()
    return (
        papered(world.copy(), drawing=world.now - 1).ask(c.SignStep),
        papered(world.copy(), drawing=world.now).ask(c.SignStep),
    )


@case("orders.documents", "DOCUMENT_MISSING")
def a_report_without_the_drawing() -> Pair:
    return papered(accepted_job(qa=True)).ask(c.GenerateReport), accepted_job(qa=True).ask(c.GenerateReport)


@case("orders.staged", "PO_NOT_STAGED")
def a_document_of_no_order() -> Pair:
    return two(accepted_job(), c.VerifyDocument, order="PO-9")


@case("orders.staged", "PO_NOT_STAGED")
def a_job_assigned_before_its_order_is_staged() -> Pair:
    return stageable().ask(c.AssignJob), stageable().staged().ask(c.AssignJob)


def forward(world: World, *, changes: dict[str, Any] | None = None, slip: dict[str, Any] | None = None) -> Asked:
    fields, pins = forwarded(world, **(slip or {}))
    return world.ask(c.ForwardOrder, pins=pins, **(fields | (changes or {})))


def receiving() -> World:
    world = node()
    world.release()
    return world


@case("orders.forwarded", "BODY_MISMATCH")
def a_slip_that_the_hub_did_not_sign() -> Pair:
    world = receiving()
    fields, pins = forwarded(world, key=key_of("TECH"))
    return world.ask(c.ForwardOrder, pins=pins, **fields), forward(world)


@case("orders.forwarded", "BODY_MISMATCH")
def a_slip_that_did_not_come_along() -> Pair:
    whole = forward(receiving())
    return whole._replace(pins=whole.pins[1:]), whole


@case("orders.forwarded", "BODY_MISMATCH")
def a_body_that_did_not_come_along() -> Pair:
    whole = forward(receiving())
    return whole._replace(pins=whole.pins[:1]), whole


@case("orders.forwarded", "BODY_MISMATCH")
def a_body_that_is_none() -> Pair:
    world = receiving()
    junk = pins_of(b"junk")
    fields, pins = forwarded(world, body=junk[0].sha256)
    return world.ask(c.ForwardOrder, pins=(*pins, *junk), **fields), forward(world)


@case("orders.forwarded", "BODY_MISMATCH")
def a_body_that_differs_from_its_slip() -> Pair:
    world = receiving()
    return forward(world, slip={"rev": "B"}), forward(world)


@case("orders.forwarded", "BODY_MISMATCH")
def parts_that_the_slip_does_not_name() -> Pair:
    world = receiving()
    return forward(world, changes={"serials": ("A", "Z")}), forward(world, changes={"serials": ("A",)})


@case("orders.forwarded", "BODY_MISMATCH")
def a_slip_of_a_site_that_is_not_of_the_charter() -> Pair:
    world = receiving()
    hub_ = world.state.identities[HUB]
    world.state.identities[HUB] = replace(hub_, key=key_of("another hub").public)
    fields, pins = forwarded(world, key=key_of("another hub"))
    return world.ask(c.ForwardOrder, pins=pins, **fields), forward(receiving())


@case("orders.forwarded", "QTY_NOT_RECONCILED")
def a_part_forwarded_twice_at_once() -> Pair:
    world = receiving()
    return forward(world, changes={"serials": ("A", "A")}), forward(world, changes={"serials": ("A", "B")})


@case("orders.forwarded", "QTY_NOT_RECONCILED")
def nothing_forwarded() -> Pair:
    world = receiving()
    return forward(world, changes={"serials": ()}), forward(world)


def forwarded_once(*serials: str) -> World:
    world = receiving()
    world.fold(*forward(world, changes={"serials": serials}).decide().events)
    return world


@case("orders.forwarded", "ALREADY_DONE")
def an_order_forwarded_again() -> Pair:
    return forward(forwarded_once("A", "B")), forward(forwarded_once("A", "B"), slip={"amendment": True})


@case("orders.forwarded", "ALREADY_DONE")
def a_lot_forwarded_again() -> Pair:
    world = forwarded_once("A")
    return forward(world, changes={"serials": ("A",)}), forward(world, changes={"serials": ("B",)})


@case("orders.forwarded", "WRONG_NODE")
def a_slip_for_another_node() -> Pair:
    world = receiving()
    return forward(world, slip={"node": OTHER_NODE}), forward(world)


@case("orders.forwarded", "CONTRACT_UNKNOWN")
def an_order_under_law_that_is_not_here_yet() -> Pair:
    world = receiving()
    bare = node()
    bare.order_template, bare.technique = world.order_template, world.technique
    return forward(bare), forward(world)


# ---- jobs ----------------------------------------------------------------------------------------------------------


@case("sequence.arrived", "PO_NOT_STAGED")
def a_job_on_an_order_that_nobody_staged() -> Pair:
    world = receiving()
    return world.ask(c.StartJob), world.copy().received().ask(c.StartJob)


@case("sequence.arrived", "NO_ARRIVAL")
def a_job_on_an_order_that_is_only_staged() -> Pair:
    world = receiving()
    world.fold(ev.OrderNoticed(order=PO, node=NODE, state="staged"))
    return world.ask(c.StartJob), world.copy().received().ask(c.StartJob)


@case("sequence.arrived", "NO_ARRIVAL")
def a_job_on_parts_that_are_not_here() -> Pair:
    world = receiving().received(serials=("A",))
    return world.ask(c.StartJob, serials=("A", "B")), world.ask(c.StartJob, serials=("A",))


@case("sequence.arrived", "NO_ARRIVAL")
def a_job_on_no_parts() -> Pair:
    return two(receiving().received(), c.StartJob, serials=())


@case("location.node", "WRONG_NODE")
def a_job_for_another_node() -> Pair:
    return two(receiving().received(), c.StartJob, node=OTHER_NODE)


@case("location.node", "WRONG_NODE", by_hand=True)
def an_order_that_went_to_another_node() -> Pair:
    world, here = receiving(), receiving()
    for site, name in ((world, OTHER_NODE), (here, NODE)):
        site.fold(ev.OrderNoticed(order=PO, node=name, state="released"))
    return world.ask(c.StartJob), here.ask(c.StartJob)


def cut_off(us: int) -> World:
    world = running(None, "S10")
    return world.contact(HUB, up=False).later(us)


@case("location.freshness", "OFFLINE_FRESHNESS_EXCEEDED")
def cut_off_one_microsecond_longer_than_allowed() -> Pair:
    return cut_off(3600 * S + 1).ask(c.StartStep), cut_off(3600 * S).ask(c.StartStep)


@case("location.freshness", "OFFLINE_FRESHNESS_EXCEEDED")
def a_job_while_cut_off_for_too_long() -> Pair:
    world = receiving().received().contact(HUB, up=False).contact(FLOOR, up=False)
    late = world.copy().later(3600 * S + 1)
    back = late.copy().contact(HUB, up=True)
    return late.ask(c.StartJob), back.ask(c.StartJob)


@case("sequence.new_job", "ALREADY_DONE")
def a_job_started_twice() -> Pair:
    return running().ask(c.StartJob), receiving().received().ask(c.StartJob)


@case("sequence.new_job", "ALREADY_DONE")
def a_job_that_qa_closed_started_again() -> Pair:
    return running().qa_accepted().ask(c.StartJob), receiving().received().ask(c.StartJob)


@case("sequence.new_job", "QTY_NOT_RECONCILED")
def a_part_in_two_running_jobs() -> Pair:
    world = receiving().received().job(serials=("A",))
    return world.ask(c.StartJob, job="J-2", serials=("A", "B")), world.ask(c.StartJob, job="J-2", serials=("B",))


@case("sequence.new_job", "QTY_NOT_RECONCILED")
def a_part_named_twice_in_a_job() -> Pair:
    return two(receiving().received(), c.StartJob, serials=("A", "A"))


@case("sequence.new_job", "QTY_NOT_RECONCILED")
def a_part_whose_record_qa_accepted() -> Pair:
    world = receiving().received().job("J-0", ("A",)).qa_accepted("J-0")
    return world.ask(c.StartJob), world.ask(c.StartJob, serials=("B",))


@case("sequence.job_open", "WRONG_NODE")
def a_step_of_a_job_at_another_node() -> Pair:
    world, here = running(None, "S10"), running(None, "S10")
    world.fold(ev.OrderNoticed(order="PO-2", node=OTHER_NODE, state="released"))
    return world.ask(c.StartStep, order="PO-2"), here.ask(c.StartStep)


@case("sequence.job_open", "JOB_UNKNOWN")
def a_step_of_a_job_that_there_is_not() -> Pair:
    return two(running(None, "S10"), c.StartStep, job="J-9")


@case("sequence.job_open", "JOB_CLOSED")
def a_step_of_a_job_that_qa_closed() -> Pair:
    closed = running(None, "S10", "S20", "S30").qa_accepted()
    return closed.ask(c.StartStep), running(None, "S10").ask(c.StartStep)


@case("sequence.job_open", "QA_ALREADY_SIGNED")
def a_correction_after_qa() -> Pair:
    world = running(None, "S10", "S20", "S30")
    return world.copy().qa_accepted().ask(c.CorrectEntry), world.ask(c.CorrectEntry)


def split_job(world: World) -> World:
    return world.fold(ev.JobSplit(order=PO, job=JOB, jobs=("J-1a", "J-1b"), serials=(("A",), ("B",))))


@case("sequence.job_open", "JOB_CLOSED")
def a_step_of_a_job_that_was_split() -> Pair:
    world = split_job(running(None, "S10"))
    return world.ask(c.StartStep), world.ask(c.StartStep, job="J-1a")


@case("sequence.job_open", "STEP_UNKNOWN")
def a_step_that_the_technique_does_not_have() -> Pair:
    return two(running(None, "S10"), c.StartStep, step="S99")


@case("sequence.pinned", "CONTRACT_PINNED")
def a_step_under_another_contract_than_the_job() -> Pair:
    return two(running(None, "S10"), c.StartStep, contract="0" * 64)


@case("sequence.pinned", "CONTRACT_PINNED")
def pinning_a_job_anew() -> Pair:
    world = running(None, "S10")
    return world.ask(c.RepinJob), world.ask(c.StartStep)


@case("sequence.nonconformances", "NCR_OPEN")
def a_step_while_a_nonconformance_is_open() -> Pair:
    world = running(None, "S10")
    open_ncr = world.copy().fold(ev.NonconformanceOpened(order=PO, job=JOB, ncr="N-1", step="S10"))
    return open_ncr.ask(c.StartStep), world.ask(c.StartStep)


@case("sequence.in_order", "PRECHECK_INCOMPLETE")
def a_step_before_the_pre_check() -> Pair:
    return running().ask(c.StartStep), running(None, "S10").ask(c.StartStep)


@case("sequence.in_order", "STEP_OUT_OF_ORDER")
def a_step_before_the_one_before_it() -> Pair:
    world = running(None, "S10")
    after = running(None, "S10", "S20").later(600 * S)
    third: dict[str, Any] = {"step": "S30", "equipment": (), "materials": ()}
    return world.ask(c.StartStep, **third), after.ask(c.StartStep, **third)


@case("sequence.not_started", "ALREADY_DONE")
def a_step_that_is_done_started_again() -> Pair:
    return running(None, "S10", "S20").ask(c.StartStep), running(None, "S10").ask(c.StartStep)


@case("sequence.not_started", "STEP_IN_PROGRESS")
def a_step_that_is_open_started_again() -> Pair:
    return running(None, "S10").opened("S20").ask(c.StartStep), running(None, "S10").ask(c.StartStep)


@case("sequence.not_started", "STEP_IN_PROGRESS")
def a_step_while_another_is_open() -> Pair:
    patch: dict[str, dict[str, Any]] = {"S20": {"kind": "precheck"}}
    first: dict[str, Any] = {"step": "S10", "equipment": (), "materials": ()}
    return running(patch).opened("S20").ask(c.StartStep, **first), running(patch).ask(c.StartStep, **first)


@case("sequence.no_open_step", "STEP_IN_PROGRESS")
def a_split_while_a_step_is_open() -> Pair:
    return running().opened("S10").ask(c.SplitJob), running(None, "S10").ask(c.SplitJob)


def lots(*serials: tuple[str, ...], names: tuple[str, ...] = ("J-1a", "J-1b", "J-1c")) -> tuple[c.SubLot, ...]:
    return tuple(c.SubLot(job=name, serials=parts) for name, parts in zip(names, serials, strict=False))


@case("sequence.partition", "QTY_NOT_RECONCILED")
def a_split_that_loses_a_part() -> Pair:
    return two(running(), c.SplitJob, into=lots(("A",), ("Z",)))


@case("sequence.partition", "QTY_NOT_RECONCILED")
def a_split_into_one() -> Pair:
    return two(running(), c.SplitJob, into=lots(("A", "B")))


@case("sequence.partition", "QTY_NOT_RECONCILED")
def a_split_with_an_empty_lot() -> Pair:
    return two(running(), c.SplitJob, into=lots(("A",), ("B",), ()))


@case("sequence.partition", "ALREADY_DONE")
def a_split_under_its_own_id() -> Pair:
    return two(running(), c.SplitJob, into=lots(("A",), ("B",), names=(JOB, "J-2")))


@case("sequence.partition", "ALREADY_DONE")
def a_split_under_one_id_twice() -> Pair:
    return two(running(), c.SplitJob, into=lots(("A",), ("B",), names=("J-2", "J-2")))


# ---- where, how long, with what ------------------------------------------------------------------------------------


@case("location.zone", "LOCATION_NOT_PERMITTED")
def the_wrong_area() -> Pair:
    return two(running(None, "S10"), c.StartStep, place="WS-STORE")


@case("location.zone", "LOCATION_NOT_PERMITTED")
def nowhere() -> Pair:
    return two(running(None, "S10"), c.StartStep, place=None)


@case("location.zone", "LOCATION_NOT_PERMITTED")
def a_correction_from_nowhere() -> Pair:
    return two(running(None, "S10", "S20"), c.CorrectEntry, place=None)


@case("location.workstation", "LOCATION_NOT_PERMITTED")
def a_signature_from_nowhere() -> Pair:
    return two(running(), c.AuthoriseDeviation, place=None)


@case("location.workstation", "LOCATION_NOT_PERMITTED")
def a_signature_at_something_that_is_no_workstation() -> Pair:
    return two(accepted_job(), c.SignQa, place="SYS")


@case("location.zone", "WRONG_NODE")
def a_workstation_of_another_node() -> Pair:
    return two(running(None, "S10"), c.StartStep, place="WS-FAR")


@case("location.zone", "LOCATION_NOT_PERMITTED")
def a_reading_from_the_wrong_area() -> Pair:
    world = running(None, "S10").opened("S20")
    return world.ask(c.RecordReading, place="WS-STORE"), world.ask(c.RecordReading, place=None)


def third_step(us: int) -> Asked:
    world = running(None, "S10", "S20").later(us)
    return world.ask(c.StartStep, step="S30", equipment=(), materials=())


@case("windows.dwell", "WINDOW_NOT_REACHED")
def one_microsecond_before_the_window() -> Pair:
    return third_step(600 * S - 1), third_step(600 * S)


@case("windows.dwell", "WINDOW_EXCEEDED")
def a_correction_and_its_signature_do_not_start_the_window_again() -> Pair:
    world = running(None, "S10", "S20").later(1000 * S)
    world.do(c.CorrectEntry)
    world.do(c.SignStep)
    third: dict[str, Any] = {"step": "S30", "equipment": (), "materials": ()}
    in_time = world.copy().later(200 * S)
    return world.later(200 * S + 1).ask(c.StartStep, **third), in_time.ask(c.StartStep, **third)


@case("windows.dwell", "WINDOW_EXCEEDED")
def one_microsecond_after_the_window() -> Pair:
    return third_step(1200 * S + 1), third_step(1200 * S)


def deviated(waive: tuple[str, ...], step: str = "S30") -> World:
    world = running(None, "S10", "S20")
    return world.fold(ev.DeviationAuthorised(order=PO, job=JOB, step=step, deviation="D-1", waive=waive, by="L3"))


@case("windows.dwell", "WINDOW_EXCEEDED")
def a_deviation_that_waives_the_other_end() -> Pair:
    fields: dict[str, Any] = {"step": "S30", "equipment": (), "materials": (), "deviation": "D-1"}
    other, this = deviated(("WINDOW_NOT_REACHED",)), deviated(("WINDOW_EXCEEDED",))
    return other.later(9999 * S).ask(c.StartStep, **fields), this.later(9999 * S).ask(c.StartStep, **fields)


@case("windows.dwell", "WINDOW_NOT_REACHED")
def a_deviation_that_waives_the_late_end() -> Pair:
    fields: dict[str, Any] = {"step": "S30", "equipment": (), "materials": (), "deviation": "D-1"}
    return (
        deviated(("WINDOW_EXCEEDED",)).ask(c.StartStep, **fields),
        deviated(("WINDOW_NOT_REACHED",)).ask(c.StartStep, **fields),
    )


@case("sequence.step_open", "STEP_NOT_STARTED")
def a_reading_in_a_step_that_is_not_open() -> Pair:
    return running(None, "S10").ask(c.RecordReading), running(None, "S10").opened("S20").ask(c.RecordReading)


@case("sequence.step_open", "ALREADY_SIGNED")
def a_reading_in_a_step_that_is_signed() -> Pair:
    return running(None, "S10", "S20").ask(c.RecordReading), running(None, "S10").opened("S20").ask(c.RecordReading)


def equipped(**changes: Any) -> Asked:
    return running(None, "S10").equipment(**changes).ask(c.StartStep)


@case("equipment.declared", "EQUIPMENT_UNKNOWN")
def equipment_that_is_not_registered() -> Pair:
    return two(running(None, "S10"), c.StartStep, equipment=("OVEN-1", "OVEN-7"))


@case("equipment.declared", "EQUIPMENT_NOT_IN_CONTRACT")
def equipment_of_a_class_that_the_step_does_not_name() -> Pair:
    return two(running(None, "S10"), c.StartStep, equipment=("OVEN-1", "THERM-1"))


@case("equipment.declared", "EQUIPMENT_NOT_IN_CONTRACT")
def a_step_without_the_equipment_that_it_needs() -> Pair:
    return two(running(None, "S10"), c.StartStep, equipment=())


@case("equipment.declared", "EQUIPMENT_OUT_OF_SERVICE")
def equipment_that_was_withdrawn() -> Pair:
    return equipped(in_service=False), equipped()


@case("equipment.declared", "EQUIPMENT_CAL_EXPIRED")
def calibration_that_ended_a_microsecond_ago() -> Pair:
    now = running().now
    return equipped(cal_until=now - 1), equipped(cal_until=now + 600 * S)


@case("equipment.declared", "EQUIPMENT_CAL_EXPIRED")
def calibration_that_begins_in_a_microsecond() -> Pair:
    now = running().now
    return equipped(cal_from=now + 1), equipped(cal_from=now)


@case("equipment.declared", "EQUIPMENT_CAL_LAPSES_IN_STEP")
def calibration_that_ends_a_microsecond_before_the_step() -> Pair:
    now = running().now
    return equipped(cal_until=now + 600 * S - 1), equipped(cal_until=now + 600 * S)


@case("equipment.declared", "EQUIPMENT_CAL_EXPIRED")
def calibration_that_ended_before_the_signature() -> Pair:
    world = running(None, "S10").opened("S20").readings()
    end = world.now + 700 * S
    world.equipment(cal_until=end).later(700 * S)
    last = world.ask(c.SignStep)
    return world.copy().later(1).ask(c.SignStep), last


@case("materials.batches", "MATERIAL_NOT_APPROVED")
def a_batch_that_is_not_registered() -> Pair:
    return two(running(None, "S10"), c.StartStep, materials=("WAX-1", "WAX-7"))


@case("materials.batches", "MATERIAL_NOT_APPROVED")
def a_batch_that_is_not_approved() -> Pair:
    return running(None, "S10").material(approved=False).ask(c.StartStep), running(None, "S10").ask(c.StartStep)


@case("materials.batches", "MATERIAL_NOT_APPROVED")
def a_batch_of_another_kind() -> Pair:
    world = running(None, "S10").material("OIL-1", material_kind="oil")
    return two(world, c.StartStep, materials=("WAX-1", "OIL-1"))


@case("materials.batches", "MATERIAL_NOT_APPROVED")
def a_step_without_the_batch_that_it_needs() -> Pair:
    return two(running(None, "S10"), c.StartStep, materials=())


@case("materials.batches", "MATERIAL_EXPIRED")
def a_batch_one_microsecond_past_its_end() -> Pair:
    world = running(None, "S10")
    world.material(until=world.now)
    last = world.ask(c.StartStep)
    return world.copy().later(1).ask(c.StartStep), last


@case("materials.batches", "MATERIAL_EXPIRED")
def a_batch_that_expired_before_the_signature() -> Pair:
    world = running(None, "S10").opened("S20").readings()
    world.material(until=world.now)
    last = world.ask(c.SignStep)
    return world.copy().later(1).ask(c.SignStep), last


# ---- readings ------------------------------------------------------------------------------------------------------


def reading(**changes: Any) -> Pair:
    return two(running(None, "S10").opened("S20"), c.RecordReading, **changes)


@case("readings.characteristic", "CHARACTERISTIC_UNKNOWN")
def a_characteristic_that_the_step_does_not_measure() -> Pair:
    return reading(characteristic="colour")


@case("readings.characteristic", "UNIT_MISMATCH")
def another_unit() -> Pair:
    return reading(unit="degF")


@case("readings.characteristic", "VALUE_INVALID")
def a_value_that_is_no_number() -> Pair:
    return reading(value="7e1")


@case("readings.characteristic", "PART_NOT_ASKED")
def a_part_where_none_is_asked_for() -> Pair:
    return reading(serial="A")


@case("readings.characteristic", "SERIAL_UNKNOWN")
def a_part_that_is_not_on_the_order() -> Pair:
    world = running(None, "S10").opened("S20")
    gap: dict[str, Any] = {"characteristic": "gap", "value": "1.5", "unit": "mm"}
    return world.ask(c.RecordReading, **gap, serial="Z"), world.ask(c.RecordReading, **gap, serial="B")


@case("readings.characteristic", "PART_NOT_IN_JOB")
def a_part_of_the_order_that_is_in_another_job() -> Pair:
    world = node()
    world.release()
    world.received().job(serials=("A",)).done("S10").opened("S20")
    gap: dict[str, Any] = {"characteristic": "gap", "value": "1.5", "unit": "mm"}
    return world.ask(c.RecordReading, **gap, serial="B"), world.ask(c.RecordReading, **gap, serial="A")


@case("readings.characteristic", "PART_NOT_NAMED")
def no_part_where_one_is_asked_for() -> Pair:
    world = running(None, "S10").opened("S20")
    gap: dict[str, Any] = {"characteristic": "gap", "value": "1.5", "unit": "mm"}
    return world.ask(c.RecordReading, **gap), world.ask(c.RecordReading, **gap, serial="A")


@case("readings.characteristic", "VALUE_INVALID")
def a_correction_to_something_that_is_no_number() -> Pair:
    return two(running(None, "S10", "S20"), c.CorrectEntry, new_value="NaN")


@case("readings.recorded", "CHARACTERISTIC_UNKNOWN")
def correcting_what_was_not_recorded() -> Pair:
    world = running(None, "S10").opened("S20")
    return world.ask(c.CorrectEntry), world.copy().read("temp", "75").ask(c.CorrectEntry)


@case("equipment.instrument", "INSTRUMENT_MISSING")
def a_reading_without_its_instrument() -> Pair:
    return reading(instrument=None)


@case("equipment.instrument", "EQUIPMENT_UNKNOWN")
def a_reading_with_an_instrument_that_is_not_registered() -> Pair:
    return reading(instrument="THERM-7")


@case("equipment.instrument", "EQUIPMENT_NOT_IN_CONTRACT")
def a_reading_with_another_kind_of_instrument() -> Pair:
    return reading(instrument="OVEN-1")


@case("equipment.instrument", "EQUIPMENT_CAL_EXPIRED")
def a_reading_with_an_instrument_out_of_calibration() -> Pair:
    world = running(None, "S10").opened("S20")
    world.equipment("THERM-1", "thermometer", cal_until=world.now)
    return world.copy().later(1).ask(c.RecordReading), world.ask(c.RecordReading)


@case("equipment.instrument", "EQUIPMENT_OUT_OF_SERVICE")
def a_reading_with_an_instrument_that_was_withdrawn() -> Pair:
    world = running(None, "S10").opened("S20")
    bad = world.copy().equipment("THERM-1", "thermometer", in_service=False)
    return bad.ask(c.RecordReading), world.ask(c.RecordReading)


def signing(*, temp: str = "75", gap: str = "1.5", press: tuple[str, ...] = ("100",)) -> World:
    """S20 with these readings, taken through the law."""
    world = running(None, "S10").opened("S20")
    world.do(c.RecordReading, value=temp)
    for serial in ("A", "B"):
        world.do(c.RecordReading, characteristic="gap", value=gap, unit="mm", serial=serial, instrument=None)
    for value in press:
        world.do(c.RecordReading, characteristic="press", value=value, unit="kPa", instrument=None)
    return world


@case("readings.complete", "DATA_INCOMPLETE")
def a_signature_before_every_part_was_measured() -> Pair:
    world = running(None, "S10").opened("S20").read("temp", "75").read("gap", "1.5", "A").read("press", "100")
    return world.ask(c.SignStep), world.copy().read("gap", "1.5", "B").ask(c.SignStep)


@case("readings.complete", "DATA_INCOMPLETE")
def a_signature_before_everything_was_measured() -> Pair:
    world = running(None, "S10").opened("S20").read("temp", "75").read("gap", "1.5", "A").read("gap", "1.5", "B")
    return world.ask(c.SignStep), world.copy().read("press", "1").ask(c.SignStep)


@case("readings.conforming", "READING_OUT_OF_LIMITS")
def a_pass_just_above_the_upper_limit() -> Pair:
    return signing(temp="100.000000000001").ask(c.SignStep), signing(temp="100").ask(c.SignStep)


@case("readings.conforming", "READING_OUT_OF_LIMITS")
def a_pass_just_below_the_lower_limit() -> Pair:
    return signing(temp="49.999999999999").ask(c.SignStep), signing(temp="50.000").ask(c.SignStep)


@case("readings.conforming", "READING_OUT_OF_LIMITS")
def a_pass_inside_the_limits_and_outside_the_guard_band() -> Pair:
    return signing(gap="1.95").ask(c.SignStep), signing(gap="1.9").ask(c.SignStep)


@case("readings.conforming", "READING_OUT_OF_LIMITS")
def a_pass_below_the_guard_band() -> Pair:
    return signing(gap="1.09").ask(c.SignStep), signing(gap="1.10").ask(c.SignStep)


@case("readings.conforming", "READING_OUT_OF_LIMITS")
def a_pass_after_one_bad_reading_where_all_must_conform() -> Pair:
    return signing(press=("160.1", "100")).ask(c.SignStep), signing(press=("160", "100")).ask(c.SignStep)


@case("readings.conforming", "READING_OUT_OF_LIMITS")
def a_pass_on_a_bad_last_reading() -> Pair:
    world = signing()
    bad = world.copy()
    bad.do(c.RecordReading, value="101")
    mended = bad.copy()
    mended.do(c.RecordReading, value="99")
    return bad.ask(c.SignStep), mended.ask(c.SignStep)


@case("readings.result", "RULE_NOT_MET")
def a_result_that_a_step_cannot_have() -> Pair:
    return two(signing(), c.SignStep, result="perhaps")


@case("readings.result", "RULE_NOT_MET")
def a_second_signature_that_makes_a_pass_of_a_fail() -> Pair:
    world = running(None, "S10", "S20").opened("S30")
    world.do(c.SignStep, step="S30", result="fail")
    second: dict[str, Any] = {"step": "S30", "by": "TECH2"}
    return world.ask(c.SignStep, **second), world.ask(c.SignStep, **second, result="fail")


# ---- own rules, deviations -----------------------------------------------------------------------------------------


def ruled(when: str, most: int, field: str = "parts") -> World:
    world = running({"S20": {"rules": (own_rule("few", when, at_most(field, most)),)}}, "S10")
    return world if when == "start" else world.opened("S20").readings()


@case("own_rules", "RULE_NOT_MET")
def a_rule_of_the_contract_at_the_start() -> Pair:
    return ruled("start", 1).ask(c.StartStep), ruled("start", 2).ask(c.StartStep)


@case("own_rules", "RULE_NOT_MET")
def a_rule_of_the_contract_at_the_signature() -> Pair:
    return ruled("sign", 1).ask(c.SignStep), ruled("sign", 2).ask(c.SignStep)


@case("own_rules", "RULE_FAILED")
def a_rule_that_cannot_be_evaluated() -> Pair:
    return ruled("start", 9, "fish").ask(c.StartStep), ruled("start", 9).ask(c.StartStep)


@case("own_rules", "RULE_FAILED")
def a_rule_that_reads_more_decimals_than_were_declared() -> Pair:
    value = Field(r=Name(n="r", t="record"), f="value", t="int")
    most = Quant(
        q="all", l=Name(n="readings", t="list<record>"), v="r", b=Call(o="<=", a=(value, Const(v=15, t="int")))
    )
    item = Characteristic(id="t", unit="C", max="9", resolution=1)
    patch = {"S20": {"characteristics": (item,), "rules": (own_rule("most", "sign", most),)}}
    fine, exact = (running(patch, "S10").opened("S20").read("t", text) for text in ("1.49", "1.500"))
    return fine.ask(c.SignStep), exact.ask(c.SignStep)


@case("deviations.usable", "DEVIATION_NOT_ALLOWED")
def a_start_under_a_deviation_that_there_is_not() -> Pair:
    return two(running(None, "S10"), c.StartStep, deviation="D-9")


@case("deviations.usable", "DEVIATION_NOT_ALLOWED")
def a_start_under_the_deviation_of_another_step() -> Pair:
    fields: dict[str, Any] = {"step": "S30", "equipment": (), "materials": (), "deviation": "D-1"}
    other, this = (deviated(("WINDOW_EXCEEDED",), step).later(600 * S) for step in ("S20", "S30"))
    return other.ask(c.StartStep, **fields), this.ask(c.StartStep, **fields)


@case("deviations.usable", "DEVIATION_NOT_ALLOWED")
def a_deviation_used_twice() -> Pair:
    fields: dict[str, Any] = {"step": "S30", "equipment": (), "materials": (), "deviation": "D-1"}
    world = deviated(("WINDOW_EXCEEDED",)).later(600 * S)
    used = world.copy().fold(ev.DeviationUsed(order=PO, job=JOB, deviation="D-1"))
    return used.ask(c.StartStep, **fields), world.ask(c.StartStep, **fields)


@case("deviations.waivable", "DEVIATION_NOT_ALLOWED")
def waiving_a_credential() -> Pair:
    return two(running(), c.AuthoriseDeviation, waive=("WINDOW_EXCEEDED", "CREDENTIAL_EXPIRED"))


@case("deviations.waivable", "DEVIATION_NOT_ALLOWED")
def waiving_nothing() -> Pair:
    return two(running(), c.AuthoriseDeviation, waive=())


@case("deviations.waivable", "ALREADY_DONE")
def a_deviation_under_an_id_that_is_taken() -> Pair:
    world = running()
    taken = world.copy().fold(
        ev.DeviationAuthorised(order=PO, job=JOB, step="S10", deviation="D-1", waive=("WITNESS_NOTICE",), by="L3")
    )
    return taken.ask(c.AuthoriseDeviation), world.ask(c.AuthoriseDeviation)


@case("deviations.client_agrees", "DISPOSITION_NOT_AUTHORISED")
def a_deviation_without_the_client() -> Pair:
    return two(running(), c.AuthoriseDeviation, others=())


@case("deviations.client_agrees", "DISPOSITION_NOT_AUTHORISED")
def a_deviation_with_another_client() -> Pair:
    return two(running(), c.AuthoriseDeviation, others=(("BUYER2", "client"),))


# ---- quality, reports, money ---------------------------------------------------------------------------------------


@case("quality.job_known", "JOB_UNKNOWN")
def accepting_a_job_that_there_is_not() -> Pair:
    return two(accepted_job(), c.SignQa, job="J-9")


@case("quality.job_known", "JOB_CLOSED")
def accepting_a_job_that_was_split() -> Pair:
    world = split_job(accepted_job())
    one = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
    return world.ask(c.SignQa), world.ask(c.SignQa, job="J-1a", quantities=one)


@case("quality.job_known", "JOB_UNKNOWN")
def a_report_of_a_job_that_there_is_not() -> Pair:
    return two(accepted_job(qa=True), c.GenerateReport, job="J-9")


@case("quality.whole", "NODE_NOT_SYNCED")
def accepting_while_the_node_is_away() -> Pair:
    return accepted_job().contact(NODE, up=False).ask(c.SignQa), accepted_job().ask(c.SignQa)


@case("quality.whole", "NODE_NOT_SYNCED")
def accepting_before_the_node_was_ever_heard_of() -> Pair:
    world = accepted_job()
    heard = world.copy()
    world.state.contacts = {"ELSEWHERE": Contact(up=True, since=0, ref=0)}
    return world.ask(c.SignQa), heard.ask(c.SignQa)


@case("quality.whole", "STEP_INCOMPLETE")
def accepting_before_the_last_step() -> Pair:
    world = hub()
    world.release()
    world.accepted().staged().contact(NODE, up=True).job().done("S10", "S20")
    return world.ask(c.SignQa), world.copy().done("S30").ask(c.SignQa)


@case("quality.whole", "CONTRACT_UNKNOWN")
def accepting_a_job_whose_technique_is_not_here() -> Pair:
    world, before = accepted_job(), accepted_job()
    world.state.jobs[f"{PO}/{JOB}"].technique = "0" * 64
    return world.ask(c.SignQa), before.ask(c.SignQa)


@case("quality.unsigned", "QA_ALREADY_SIGNED")
def accepting_twice() -> Pair:
    return accepted_job(qa=True).ask(c.SignQa), accepted_job().ask(c.SignQa)


@case("quality.unsigned", "TESTS_NOT_PASSED_QA")
def compliance_before_qa() -> Pair:
    return accepted_job().ask(c.SignCompliance), accepted_job(qa=True).ask(c.SignCompliance)


@case("quality.unsigned", "ALREADY_DONE")
def compliance_twice() -> Pair:
    return accepted_job(qa=True, compliance=True).ask(c.SignCompliance), accepted_job(qa=True).ask(c.SignCompliance)


def counted(received: int, accepted: int, rejected: int, scrapped: int) -> Pair:
    q = c.Quantities(received=received, accepted=accepted, rejected=rejected, scrapped=scrapped)
    return two(accepted_job(), c.SignQa, quantities=q)


@case("quality.reconciled", "QTY_NOT_RECONCILED")
def more_parts_accepted_than_received() -> Pair:
    return counted(2, 3, 0, 0)


@case("quality.reconciled", "QTY_NOT_RECONCILED")
def more_parts_received_than_the_job_has() -> Pair:
    return counted(3, 3, 0, 0)


@case("quality.reconciled", "QTY_NOT_RECONCILED")
def a_negative_count() -> Pair:
    return counted(2, 3, -1, 0)


@case("quality.reconciled", "QTY_NOT_RECONCILED")
def a_failed_step_counted_as_accepted() -> Pair:
    world = accepted_job()
    world.fold(ev.JobReprocessed(order=PO, job=JOB, step="S30", by="L3"))
    world.failed("S30").disposed("report_nonconforming", f"auto-{JOB}-S30")
    none = c.Quantities(received=2, accepted=0, rejected=2, scrapped=0)
    return world.ask(c.SignQa), world.ask(c.SignQa, quantities=none)


@case("reports.accepted", "TESTS_NOT_PASSED_QA")
def a_report_before_qa() -> Pair:
    return accepted_job().ask(c.GenerateReport), accepted_job(qa=True).ask(c.GenerateReport)


@case("reports.accepted", "ALREADY_DONE")
def a_second_report_of_a_job() -> Pair:
    world = accepted_job(qa=True)
    return world.copy().reported().ask(c.GenerateReport, report="R-2"), world.ask(c.GenerateReport, report="R-2")


@case("reports.accepted", "ALREADY_DONE")
def a_report_under_an_id_that_is_taken() -> Pair:
    world = split_job(accepted_job()).qa_accepted("J-1a").qa_accepted("J-1b")
    world.fold(ev.ReportIssued(order=PO, job="J-1a", report=REPORT, digest="", fields=(), deviations=()))
    return world.ask(c.GenerateReport, job="J-1b"), world.ask(c.GenerateReport, job="J-1b", report="R-2")


@case("reports.content", "REPORT_INCOMPLETE")
def a_report_without_its_results() -> Pair:
    world = accepted_job(qa=True)
    return (
        world.ask(c.GenerateReport, fields=("title",)),
        world.ask(c.GenerateReport, fields=("title", "results", "more")),
    )


@case("reports.known", "REPORT_UNKNOWN")
def a_report_that_there_is_not() -> Pair:
    return two(accepted_job(qa=True).reported(), c.ReviewReport, report="R-9")


@case("reports.known", "ALREADY_DONE")
def a_report_reviewed_twice() -> Pair:
    world = accepted_job(qa=True).reported()
    return world.copy().fold(ev.ReportApproved(report=REPORT, by="BUYER")).ask(c.ReviewReport), world.ask(
        c.ReviewReport
    )


def lapsed(outcome: str) -> World:
    world = accepted_job(qa=True).reported()
    return world.fold(ev.ReviewWindowLapsed(report=REPORT, outcome=outcome))


@case("reports.in_window", "REVIEW_WINDOW_CLOSED", facts=(ev.ComplaintOpened,))
def a_review_after_silence_was_taken_for_consent() -> Pair:
    too_late: dict[str, Any] = {"decision": "reject", "reason": "the wrong part"}
    return lapsed("deemed_accepted").ask(c.ReviewReport, **too_late), lapsed("escalate").ask(c.ReviewReport, **too_late)


def windowed(witnessed_us: int) -> World:
    world = accepted_job(qa=True).reported()
    world.fold(ev.ReviewWindowOpened(report=REPORT, opened_at=world.now, closes_at=world.now + 3600 * S))
    return world.fold(ev.Cosigned(witness="VAULT", size=99, witnessed_at=world.now + witnessed_us))


@case("reports.known", "ALREADY_DONE")
def a_window_closed_twice() -> Pair:
    world = windowed(3600 * S)
    closed = world.copy().fold(ev.ReviewWindowLapsed(report=REPORT, outcome="escalate"))
    return closed.ask(c.CloseWindow), world.ask(c.CloseWindow)


def replaced_report() -> World:
    return accepted_job(qa=True).reported().reported("R-1A", REPORT)


@case("reports.known", "STALE_VERSION")
def a_review_of_a_report_that_was_replaced() -> Pair:
    world = replaced_report()
    return world.ask(c.ReviewReport), world.ask(c.ReviewReport, report="R-1A")


@case("reports.known", "STALE_VERSION")
def amending_what_was_amended_already() -> Pair:
    world = replaced_report()
    return world.ask(c.AmendReport, new_report="R-1B"), world.ask(c.AmendReport, report="R-1A", new_report="R-1B")


@case("reports.known", "STALE_VERSION")
def the_window_of_a_report_that_was_replaced() -> Pair:
    world = windowed(3600 * S)
    return world.copy().reported("R-1A", REPORT).ask(c.CloseWindow), world.ask(c.CloseWindow)


@case("reports.known", "REPORT_UNKNOWN")
def amending_no_report() -> Pair:
    return two(accepted_job(qa=True).reported(), c.AmendReport, report="R-9")


@case("reports.amended", "TESTS_NOT_PASSED_QA")
def amending_what_qa_has_not_seen_since_it_changed() -> Pair:
    world = accepted_job(qa=True).reported()
    changed = world.copy().tagged("A").disposed("scrap")
    return changed.ask(c.AmendReport), world.ask(c.AmendReport)


@case("reports.amended", "VERSION_EXISTS")
def amending_under_a_number_that_is_taken() -> Pair:
    return two(accepted_job(qa=True).reported(), c.AmendReport, new_report=REPORT)


@case("reports.amended", "EVIDENCE_REQUIRED")
def another_result_without_evidence() -> Pair:
    world = accepted_job(qa=True).reported()
    changed_result: dict[str, Any] = {"changes_result": True, "evidence": " "}
    return world.ask(c.AmendReport, **changed_result), world.ask(c.AmendReport, changes_result=True, evidence="test 2")


@case("entries.reason", "REASON_REQUIRED")
def amending_without_a_reason() -> Pair:
    return two(accepted_job(qa=True).reported(), c.AmendReport, reason=" ")


@case("sequence.nonconformances", "NCR_OPEN")
def a_report_over_an_escape() -> Pair:
    world = accepted_job(qa=True)
    return flagged(world.copy()).ask(c.GenerateReport), world.ask(c.GenerateReport)


@case("sequence.nonconformances", "NCR_OPEN")
def amending_over_an_escape() -> Pair:
    world = accepted_job(qa=True).reported()
    return flagged(world.copy()).ask(c.AmendReport), world.ask(c.AmendReport)


@case("sequence.nonconformances", "NCR_OPEN")
def qa_over_a_recall() -> Pair:
    return flagged(accepted_job()).ask(c.SignQa), accepted_job().ask(c.SignQa)


@case("reports.verdict", "RULE_NOT_MET")
def a_verdict_that_is_none() -> Pair:
    return two(accepted_job(qa=True).reported(), c.ReviewReport, decision="maybe")


@case("reports.verdict", "REASON_REQUIRED")
def a_rejection_without_a_reason() -> Pair:
    world = accepted_job(qa=True).reported()
    return (
        world.ask(c.ReviewReport, decision="reject", reason=" "),
        world.ask(c.ReviewReport, decision="reject", reason="scratches"),
    )


@case("reports.window_over", "WINDOW_NOT_REACHED")
def a_window_closed_one_microsecond_of_witnessed_time_too_early() -> Pair:
    return windowed(3600 * S - 1).ask(c.CloseWindow), windowed(3600 * S).ask(c.CloseWindow)


@case("reports.window_over", "WINDOW_NOT_REACHED")
def a_window_that_no_witness_opened() -> Pair:
    world = accepted_job(qa=True).reported().later(9 * YEAR)
    return world.ask(c.CloseWindow), windowed(3600 * S).ask(c.CloseWindow)


@case("money.invoice", "PO_NOT_STAGED", by_hand=True)
def an_invoice_of_no_order() -> Pair:
    return two(accepted_job(), c.IssueInvoice, order="PO-9")


@case("money.invoice", "MILESTONE_UNKNOWN", by_hand=True)
def an_invoice_of_no_milestone() -> Pair:
    return two(accepted_job(), c.IssueInvoice, milestone="tip")


@case("money.invoice", "INVOICE_PRECONDITION", by_hand=True)
def an_invoice_before_its_milestone() -> Pair:
    world = accepted_job()
    fired = ev.InvoiceIssued(order=PO, milestone="mid", amount_minor=30, currency="USD")
    return world.ask(c.IssueInvoice), world.copy().fold(fired).ask(c.IssueInvoice)


@case("money.invoice", "ALREADY_DONE", by_hand=True)
def an_invoice_after_it_went_out() -> Pair:
    before, after = an_invoice_before_its_milestone()
    return after, before


@case("money.payout", "JOB_UNKNOWN", by_hand=True)
def a_payout_of_no_job() -> Pair:
    return two(accepted_job(), c.ReleasePayout, job="J-9")


@case("money.payout", "PAYOUT_RULE_UNKNOWN", by_hand=True)
def a_payout_under_no_rule() -> Pair:
    return two(accepted_job(), c.ReleasePayout, rule="tip")


@case("money.payout", "PAYEE_NOT_ENTITLED", by_hand=True)
def a_payout_to_somebody_who_signed_nothing() -> Pair:
    return two(accepted_job(), c.ReleasePayout, payee="NOVICE")


@case("money.payout", "PAYOUT_PRECONDITION", by_hand=True)
def a_payout_before_qa_and_compliance() -> Pair:
    world = accepted_job(qa=True, compliance=True)
    fired = ev.PayoutReleased(order=PO, job=JOB, rule="bonus", payee="TECH", amount_minor=5, currency="USD")
    return accepted_job().ask(c.ReleasePayout), world.fold(fired).ask(c.ReleasePayout)


@case("money.payout", "ALREADY_DONE", by_hand=True)
def a_payout_after_it_was_paid() -> Pair:
    before, after = a_payout_before_qa_and_compliance()
    return after, before


# ---- facts, assignment, delivery, escapes --------------------------------------------------------------------------


def flagged(world: World, ncr: str = f"recall-OVEN-1-{JOB}") -> World:
    """The business hub opened this nonconformance on the job."""
    equipment = "OVEN-1" if ncr.startswith("recall") else ""
    return world.fold(ev.JobFlagged(order=PO, job=JOB, ncr=ncr, why="OVEN-1 failed a check", equipment=equipment))


@case("facts.calibrated", "EQUIPMENT_UNKNOWN")
def calibrating_what_is_not_registered() -> Pair:
    return two(hub(), c.CalibrateEquipment, id="OVEN-7")


@case("facts.calibrated", "DOCUMENT_MISSING")
def a_calibration_without_its_certificate() -> Pair:
    return two(hub(), c.CalibrateEquipment, certificate=" ")


@case("facts.calibrated", "RULE_NOT_MET")
def found_in_a_way_that_is_none() -> Pair:
    return two(hub(), c.CalibrateEquipment, as_found="fine")


@case("facts.calibrated", "EQUIPMENT_CAL_EXPIRED")
def a_calibration_that_is_over_already() -> Pair:
    world = hub()
    return world.ask(c.CalibrateEquipment, until=world.now - 1), world.ask(c.CalibrateEquipment, until=world.now)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_calibrates() -> Pair:
    return two(hub(), c.CalibrateEquipment, by="TECH")


@case("facts.checked", "EQUIPMENT_UNKNOWN")
def checking_what_is_not_registered() -> Pair:
    return two(running(), c.CheckEquipment, id="OVEN-7")


@case("facts.checked", "RULE_NOT_MET")
def a_check_that_neither_passes_nor_fails() -> Pair:
    return two(running(), c.CheckEquipment, result="nearly")


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_planner_checks_an_oven() -> Pair:
    return two(running(), c.CheckEquipment, by="PM")


@case("facts.extended", "MATERIAL_NOT_APPROVED")
def extending_a_batch_that_is_not_registered() -> Pair:
    return two(hub(), c.ExtendMaterial, batch="WAX-7")


@case("facts.extended", "RULE_NOT_MET")
def extending_a_batch_to_the_day_it_has() -> Pair:
    world = hub()
    until = world.state.materials["WAX-1"].until
    return world.ask(c.ExtendMaterial, until=until), world.ask(c.ExtendMaterial, until=until + 1)


@case("facts.extended", "MATERIAL_EXPIRED")
def extending_a_batch_to_a_day_that_is_over() -> Pair:
    world = hub().material(until=1)
    return world.ask(c.ExtendMaterial, until=world.now - 1), world.ask(c.ExtendMaterial, until=world.now)


@case("entries.evidence", "EVIDENCE_REQUIRED")
def extending_a_batch_without_evidence() -> Pair:
    return two(hub(), c.ExtendMaterial, evidence=None)


@case("facts.verified", "DOCUMENT_MISSING")
def verifying_a_document_without_a_name() -> Pair:
    return two(accepted_job(), c.VerifyDocument, document=" ")


@case("facts.verified", "EVIDENCE_REQUIRED")
def verifying_a_document_that_nobody_read() -> Pair:
    return two(accepted_job(), c.VerifyDocument, digest="")


@case("facts.verified", "DOCUMENT_EXPIRED")
def verifying_a_document_that_is_over() -> Pair:
    world = accepted_job()
    return world.ask(c.VerifyDocument, until=world.now - 1), world.ask(c.VerifyDocument, until=world.now)


@case("people.role", "ROLE_NOT_AUTHORISED")
def qa_verifies_a_document() -> Pair:
    return two(accepted_job(), c.VerifyDocument, by="QA")


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_assigns_a_job() -> Pair:
    return two(stageable().staged(), c.AssignJob, by="TECH")


@case("assignment.assignee", "UNKNOWN_IDENTITY")
def a_job_for_a_stranger() -> Pair:
    return two(stageable().staged(), c.AssignJob, technician="NEW")


@case("assignment.assignee", "IDENTITY_DISABLED")
def a_job_for_somebody_who_was_disabled() -> Pair:
    world = stageable().staged()
    return world.copy().fold(ev.IdentityDisabled(id="TECH")).ask(c.AssignJob), world.ask(c.AssignJob)


@case("assignment.assignee", "SELF_APPROVAL")
def a_job_for_the_assigner() -> Pair:
    world = stageable().staged()
    world.state.identities["PM"].roles = ("project_manager", "technician")
    world.fold(ev.CredentialGranted(person="PM", credential="VT", until=world.now))
    return world.ask(c.AssignJob, technician="PM"), world.ask(c.AssignJob)


@case("assignment.assignee", "ROLE_NOT_AUTHORISED")
def a_job_for_somebody_who_does_none_of_its_steps() -> Pair:
    return two(stageable().staged(), c.AssignJob, technician="METRO")


@case("assignment.assignee", "CREDENTIAL_MISSING")
def a_job_for_a_novice() -> Pair:
    return two(stageable().staged(), c.AssignJob, technician="NOVICE")


@case("assignment.assignee", "CREDENTIAL_REVOKED")
def a_job_for_somebody_whose_qualification_was_revoked() -> Pair:
    world = stageable().staged()
    revoked = ev.CredentialRevoked(person="TECH", credential="VT")
    return world.copy().fold(revoked).ask(c.AssignJob), world.ask(c.AssignJob)


@case("assignment.assignee", "CREDENTIAL_EXPIRED")
def a_job_for_somebody_whose_qualification_ran_out() -> Pair:
    world = stageable().staged()
    expired = ev.CredentialGranted(person="TECH", credential="VT", until=world.now - 1)
    return world.copy().fold(expired).ask(c.AssignJob), world.ask(c.AssignJob)


def named(world: World, technician: str = "TECH") -> World:
    """The job is assigned."""
    return world.fold(ev.JobAssigned(order=PO, job=JOB, technician=technician))


@case("assignment.again", "REASON_REQUIRED")
def another_assignment_without_a_reason() -> Pair:
    world = named(stageable().staged(), "TECH2")
    return world.ask(c.AssignJob), world.ask(c.AssignJob, reason="shift change")


@case("assignment.again", "ALREADY_DONE")
def the_same_assignment_once_more() -> Pair:
    return named(stageable().staged()).ask(c.AssignJob), stageable().staged().ask(c.AssignJob)


@case("sequence.no_open_step", "STEP_IN_PROGRESS")
def another_assignment_while_a_step_is_open() -> Pair:
    world = named(stageable().staged().job().done("S10"), "TECH2")
    return world.copy().opened("S20").ask(c.AssignJob, reason="shift"), world.ask(c.AssignJob, reason="shift")


@case("assignment.open_job", "JOB_CLOSED")
def assigning_a_job_that_qa_accepted() -> Pair:
    return accepted_job(qa=True).ask(c.AssignJob), accepted_job().ask(c.AssignJob)


@case("assignment.assigned", "NOT_ASSIGNED")
def a_job_that_is_somebody_elses() -> Pair:
    world = named(receiving().received())
    return world.ask(c.StartJob, by="TECH2"), world.ask(c.StartJob)


@case("assignment.assigned", "NOT_ASSIGNED")
def a_step_of_a_job_that_is_somebody_elses() -> Pair:
    world = named(running(None, "S10"))
    return world.ask(c.StartStep, by="TECH2"), world.ask(c.StartStep)


@case("assignment.assigned", "NOT_ASSIGNED")
def a_job_that_nobody_was_named_for() -> Pair:
    world = node()
    world.release(sheet={"assignment": "required"})
    world.received()
    return world.ask(c.StartJob), named(world.copy()).ask(c.StartJob)


def due(in_us: int = 0, **changes: Any) -> World:
    """An order that is to be delivered then."""
    world = stageable()
    return world.staged(delivery_due=world.now + in_us, **changes)


@case("windows.delivery", "WINDOW_NOT_REACHED")
def a_delivery_date_closed_one_microsecond_early() -> Pair:
    return due(1).ask(c.CloseDelivery), due(0).ask(c.CloseDelivery)


@case("windows.delivery", "ALREADY_DONE")
def a_delivery_date_closed_twice() -> Pair:
    return due().fold(ev.DeliveryClosed(order=PO, in_time=False)).ask(c.CloseDelivery), due().ask(c.CloseDelivery)


@case("windows.delivery", "RULE_NOT_MET")
def a_delivery_date_that_the_order_does_not_name() -> Pair:
    return stageable().staged().ask(c.CloseDelivery), due().ask(c.CloseDelivery)


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_person_closes_a_delivery_date() -> Pair:
    return two(due(), c.CloseDelivery, by="PM")


def escaped() -> World:
    return flagged(accepted_job(qa=True))


RECALL: Final[dict[str, Any]] = {
    "ncr": f"recall-OVEN-1-{JOB}",
    "disposition": "no_impact",
    "reason": "the oven was off by less than the limits leave",
    "evidence": "study 4",
}
"""A decision on an escape."""


def decided(**changes: Any) -> Pair:
    """The decision with these changes, and without."""
    world = escaped()
    return world.ask(c.DisposeNonconformance, **(RECALL | changes)), world.ask(c.DisposeNonconformance, **RECALL)


@case("nonconformances.here", "WRONG_NODE")
def a_recall_that_its_node_decides() -> Pair:
    return flagged(accepted_job()).ask(c.DisposeNonconformance, **RECALL), decided()[1]


@case("nonconformances.known", "NCR_UNKNOWN")
def a_nonconformance_that_is_no_escape() -> Pair:
    return decided(ncr="NCR-7")


@case("nonconformances.known", "ALREADY_DONE")
def an_escape_that_was_decided() -> Pair:
    after = escaped()
    after.do(c.DisposeNonconformance, **RECALL)
    return after.ask(c.DisposeNonconformance, **RECALL), decided()[1]


@case("nonconformances.known", "RULE_NOT_MET")
def rework_after_the_work_is_over() -> Pair:
    return decided(disposition="rework")


@case("nonconformances.authorised", "EVIDENCE_REQUIRED")
def a_recall_without_impact_and_without_evidence() -> Pair:
    return decided(evidence=None)


@case("entries.reason", "REASON_REQUIRED")
def an_escape_decided_without_a_reason() -> Pair:
    return decided(reason="")


@case("sequence.job_open", "REPORT_ISSUED")
def correcting_what_a_report_rests_on() -> Pair:
    world = running(None, "S10", "S20", "S30")
    closed = world.copy().qa_accepted()
    return closed.reported().ask(c.CorrectEntry), world.ask(c.CorrectEntry)


# ---- signatures ----------------------------------------------------------------------------------------------------


@case("signatures.performer", "NOT_PERFORMER")
def somebody_else_signs_the_step() -> Pair:
    world = running(None, "S10").opened("S20").readings()
    return world.ask(c.SignStep, by="TECH2"), world.ask(c.SignStep)


@case("signatures.performer", "SELF_APPROVAL")
def the_performer_gives_both_signatures() -> Pair:
    world = running(None, "S10", "S20").opened("S30").signed("S30", last=False)
    return world.ask(c.SignStep, step="S30"), world.ask(c.SignStep, step="S30", by="TECH2")


@case("signatures.independent", "SELF_APPROVAL")
def qa_accepts_their_own_work() -> Pair:
    world, other = accepted_job(), accepted_job()
    job = world.state.jobs[f"{PO}/{JOB}"]
    job.signers = (*job.signers, "QA")
    return world.ask(c.SignQa), other.ask(c.SignQa)


@case("signatures.independent", "SELF_APPROVAL")
def one_person_for_qa_and_compliance() -> Pair:
    return accepted_job().qa_accepted(by="CO").ask(c.SignCompliance), accepted_job(qa=True).ask(c.SignCompliance)


def unlocking(*, since: int | None, components: tuple[str, ...], **auth: Any) -> Asked:
    """The signature of S10 with these components, `since` µs after the last signing of the session."""
    world = running().opened("S10")
    if since is not None:
        world.state.sessions["TECH|shift"] = world.now - since
    return world.ask(c.SignStep, step="S10", auth=c.Auth(components=components, session="shift", **auth))


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_first_signing_with_one_component() -> Pair:
    return unlocking(since=None, components=("pin",)), unlocking(since=None, components=("badge", "pin"))


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def the_same_component_twice() -> Pair:
    return unlocking(since=None, components=("pin", "pin")), unlocking(since=None, components=("badge", "pin"))


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_session_idle_one_microsecond_too_long() -> Pair:
    return unlocking(since=600 * S + 1, components=("pin",)), unlocking(since=600 * S, components=("pin",))


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_later_signing_without_a_secret() -> Pair:
    return unlocking(since=1, components=("badge",)), unlocking(since=1, components=("password",))


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_first_signing_without_a_secret() -> Pair:
    return unlocking(since=None, components=("badge", "card")), unlocking(since=None, components=("badge", "key"))


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_borrowed_badge() -> Pair:
    return (
        unlocking(since=None, components=("badge", "pin"), presented_by="TECH2"),
        unlocking(since=None, components=("badge", "pin"), presented_by="TECH"),
    )


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_signature_that_nothing_unlocked() -> Pair:
    return two(running(), c.AuthoriseDeviation, auth=None)


@case("signatures.unlocked", "SIGNATURE_AUTH_FAILED")
def a_cosigner_who_presented_nothing() -> Pair:
    return two(running(), c.AuthoriseDeviation, co_auth=c.Auth(components=(), session="x"))


@case("signatures.meaning", "SIGNATURE_MEANING_MISSING")
def a_signature_without_a_meaning() -> Pair:
    return two(running(), c.AuthoriseDeviation, meaning=None)


@case("signatures.meaning", "SIGNATURE_MEANING_MISSING")
def a_signature_with_a_blank_meaning() -> Pair:
    return two(accepted_job(), c.SignQa, meaning=" ")


@case("signatures.seen", "STALE_VIEW")
def a_reading_came_after_the_view() -> Pair:
    world = running(None, "S10").opened("S20").readings()
    shown = world.ask(c.SignStep)
    return Asked(world.copy().read("temp", "76"), shown.command, shown.now, ()), shown


@case("signatures.seen", "STALE_VIEW")
def a_report_signed_unseen() -> Pair:
    return two(accepted_job(qa=True).reported(), c.ReviewReport, seen=None)


@case("signatures.seen", "STALE_VIEW")
def a_record_that_changed_under_qa() -> Pair:
    world = accepted_job()
    shown = world.ask(c.SignQa)
    late = ev.DeviationAuthorised(order=PO, job=JOB, step="S10", deviation="D-9", waive=("WITNESS_NOTICE",), by="L3")
    return Asked(world.copy().fold(late), shown.command, shown.now, ()), shown


# ---- the tests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)


# ---- beyond single gates -------------------------------------------------------------------------------------------


def test_an_act_that_comes_from_no_file_needs_no_second_officer() -> None:
    for act in (c.GrantCredential, c.RegisterEquipment, c.RegisterMaterial):
        assert hub().ask(act).decide().allowed


def test_another_edition_takes_the_place_of_the_one_in_force() -> None:
    world = hub()
    world.do(c.AdoptStandard)
    world.do(c.AdoptStandard, edition="25")
    assert [(name, adopted.edition) for name, adopted in world.state.standards.items()] == [("ASTM E1417/E1417M", "25")]


def test_every_unmet_condition_is_named_in_gate_order() -> None:
    world = running()
    asked = world.ask(c.StartStep, by="NOVICE", place="WS-STORE", equipment=(), materials=(), at=0)
    assert asked.decide().codes == (
        "BACKDATED",
        "CREDENTIAL_MISSING",
        "LOCATION_NOT_PERMITTED",
        "PRECHECK_INCOMPLETE",
        "STEP_OUT_OF_ORDER",
        "EQUIPMENT_NOT_IN_CONTRACT",
        "MATERIAL_NOT_APPROVED",
    )


def test_an_out_of_limit_reading_is_recorded_and_can_be_signed_as_a_fail() -> None:
    world = signing(temp="1000")
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)
    decision = world.do(c.SignStep, result="fail")
    assert [type(event) for event in decision.events] == [ev.StepSigned, ev.NonconformanceOpened]


def test_a_deviation_covers_the_step_until_its_signature() -> None:
    world = running(None, "S10", "S20")
    world.do(c.AuthoriseDeviation, waive=("WINDOW_EXCEEDED", "LOCATION_NOT_PERMITTED"))
    world.later(9999 * S)
    fields: dict[str, Any] = {"step": "S30", "equipment": (), "materials": (), "place": "WS-STORE"}
    assert world.ask(c.StartStep, **fields).decide().codes == ("LOCATION_NOT_PERMITTED", "WINDOW_EXCEEDED")
    world.do(c.StartStep, **fields, deviation="D-1")
    world.do(c.SignStep, step="S30", place="WS-STORE")
    assert world.ask(c.SignStep, step="S30", by="TECH2", place="WS-FAR").decide().codes == ("WRONG_NODE",)


def test_equipment_outside_of_the_contract_under_a_deviation() -> None:
    world = running(None, "S10")
    world.do(c.AuthoriseDeviation, step="S20", waive=("EQUIPMENT_NOT_IN_CONTRACT",))
    assert world.ask(c.StartStep, equipment=("THERM-1",)).decide().codes == ("EQUIPMENT_NOT_IN_CONTRACT",) * 2
    assert world.ask(c.StartStep, equipment=("THERM-1",), deviation="D-1").decide().allowed


def test_at_most_forty_unmet_conditions_are_listed() -> None:
    world = running(None, "S10")
    decision = world.ask(c.StartStep, equipment=tuple(f"X-{n}" for n in range(60))).decide()
    assert len(decision.denials) == 40


WORDS: list[tuple[Callable[[], Pair], str, str]] = [
    (
        amended_after_a_job_started,
        "Job J-1 keeps SP-1 version 1 until it ends.",
        "Finish the job under its own version.",
    ),
    (
        no_part_where_one_is_asked_for,
        "gap is read part by part, and no part is named.",
        "Name the serial of the part that was read.",
    ),
    (
        a_part_where_none_is_asked_for,
        "temp is read once for the whole step, not for part A.",
        "Record it without a serial.",
    ),
    (a_part_that_is_not_on_the_order, "Not on order PO-1: Z.", "Segregate the parts and tell the client."),
    (
        a_part_of_the_order_that_is_in_another_job,
        "Part B of this order is not in job J-1.",
        "Record it in the job that this part is in.",
    ),
    (
        a_reading_without_its_instrument,
        "temp is read with a thermometer, and no instrument is named.",
        "Name the instrument that it was read with.",
    ),
    (
        a_reading_with_an_instrument_that_is_not_registered,
        "THERM-7 is not in the register.",
        "Use registered equipment.",
    ),
]


@pytest.mark.parametrize(("pair", "says", "helps"), WORDS, ids=[pair.__name__ for pair, _, _ in WORDS])
def test_the_sentence_is_true_and_its_remedy_helps(pair: Callable[[], Pair], says: str, helps: str) -> None:
    (denial,) = pair()[0].decide().denials
    assert (sentence(denial), remedy(denial)) == (says, helps)


@pytest.mark.parametrize(
    ("payout", "code"),
    [
        pytest.param({"depends_on": "accept_rate"}, "PAYOUT_DEPENDS_ON_RESULT", id="a-result"),
        pytest.param(
            {"currency": "EUR"},
            "CONTRACT_INCOMPLETE",
            id="another-currency",
        ),
        pytest.param(
            {"amount_minor": 0},
            "CONTRACT_INCOMPLETE",
            id="no-amount",
        ),
    ],
)
def test_a_payout_fault_is_called_what_it_is(payout: dict[str, Any], code: str) -> None:
    usual: PayoutRule = documents()[0].payouts[0]
    assert changed({"payouts": (replace(usual, **payout),)})[0].decide().codes == (code,)


def test_a_disabled_workstation_attests_nothing() -> None:
    world = running(None, "S10").fold(ev.IdentityDisabled(id=BENCH))
    assert "IDENTITY_DISABLED" in world.ask(c.StartStep).decide().codes


@pytest.mark.parametrize("by", ["BUYER2", "WS-FAR", "NOVICE"])
def test_a_correction_is_made_by_somebody_who_may_do_the_step(by: str) -> None:
    assert not running(None, "S10", "S20").ask(c.CorrectEntry, by=by).decide().allowed


def test_correcting_the_last_reading_does_not_hide_an_earlier_bad_one() -> None:
    world = signing(press=("170", "100"))
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)
    world.do(c.CorrectEntry, characteristic="press", new_value="101")
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)


def test_a_fail_can_get_its_second_signature() -> None:
    world = running(None, "S10", "S20").opened("S30")
    world.do(c.SignStep, step="S30", result="fail")
    assert world.ask(c.SignStep, step="S30", by="TECH2", result="fail").decide().allowed


def test_a_signature_is_shown_its_own_step() -> None:
    world = running(None, "S10", "S20").opened("S30")
    before = world.ask(c.SignStep, step="S30").command.seen
    world.do(c.CorrectEntry)
    assert world.ask(c.SignStep, step="S30").command.seen == before


def test_no_step_is_signed_unseen() -> None:
    world = running(None, "S10", "S20").opened("S30")
    world.do(c.CorrectEntry)
    world.do(c.SignStep)
    assert not world.ask(c.SignStep, step="S30", seen=None).decide().allowed


def test_a_job_names_each_part_once() -> None:
    assert not receiving().received().ask(c.StartJob, serials=("A", "A")).decide().allowed


def test_a_split_does_not_take_the_id_of_a_closed_job() -> None:
    world = receiving().received(serials=("A", "B"), ordered=("A", "B", "C"))
    world.received(serials=("C",), ordered=("A", "B", "C")).job("J-0", ("C",)).qa_accepted("J-0").job()
    into = lots(("A",), ("B",), names=("J-0", "J-2"))
    assert "ALREADY_DONE" in world.ask(c.SplitJob, into=into).decide().codes


def test_effectivity_is_one_of_two_words() -> None:
    assert not approved().ask(c.ActivateContract, effectivity="unstarted_job").decide().allowed


def test_a_version_barred_from_new_starts_stays_barred() -> None:
    world = replaced("unstarted_jobs")
    first = world.order_template, world.technique
    world.release(version="3", effectivity="new_orders")
    world.order_template, world.technique = first
    assert world.ask(c.StartJob).decide().codes == ("CONTRACT_SUPERSEDED",)


def test_an_access_policy_asks_nothing_about_a_step_that_was_not_started() -> None:
    codes = policed(running(None, "S10")).ask(c.SignStep).decide().codes
    assert codes
    assert "CREDENTIAL_MISSING" not in codes


def test_the_first_times_without_a_credential_are_kept_as_one_once_there_are_many() -> None:
    """Nothing that was doubtful becomes good: what is put together covers what lay between."""
    world, spans = running(None, "S10"), list[tuple[int, int]]()
    for _ in range(LAPSES_KEPT + 2):
        gone = world.later(S).now
        world.fold(ev.CredentialRevoked(person="TECH", credential="VT"))
        world.later(S).fold(ev.CredentialGranted(person="TECH", credential="VT", until=T0 + YEAR))
        spans.append((gone, world.now))
    lapses = world.state.identities["TECH"].credentials["VT"].lapses
    assert lapses == ((spans[0][0], spans[2][1]), *spans[3:])
    assert len(lapses) == LAPSES_KEPT


def test_a_second_revocation_does_not_move_the_first() -> None:
    world = hub()
    world.do(c.RevokeCredential)
    first = world.state.identities["TECH"].credentials["VT"].revoked_at
    world.later(S)
    decision = world.ask(c.RevokeCredential).decide()
    world.fold(*decision.events)
    assert world.state.identities["TECH"].credentials["VT"].revoked_at == first


def test_the_id_of_somebody_who_was_disabled_stays_taken() -> None:
    world = hub().fold(ev.IdentityDisabled(id="TECH"))
    again = world.ask(c.EnrolIdentity, id="TECH", others=(("QA", "qa"), ("TECH", "newcomer")))
    assert "ALREADY_DONE" in again.decide().codes
    assert hub().ask(c.EnrolIdentity).decide().allowed


def test_a_second_disabling_does_not_move_the_first() -> None:
    world = hub()
    world.do(c.DisableIdentity)
    first = world.state.identities["TECH"].disabled_at
    world.later(S)
    decision = world.ask(c.DisableIdentity).decide()
    world.fold(*decision.events)
    assert world.state.identities["TECH"].disabled_at == first


def test_a_limit_is_never_rounded() -> None:
    item = Characteristic(id="big", unit="mm", min="100000000000000000.000000000001", U="0", rule="guard_band")
    world = running({"S20": {"characteristics": (item,)}}, "S10").opened("S20")
    fields: dict[str, Any] = {"characteristic": "big", "unit": "mm", "instrument": None}
    decision = world.do(c.RecordReading, **fields, value="100000000000000000.000000000000")
    event = decision.events[0]
    assert isinstance(event, ev.ReadingRecorded)
    assert not event.conforms


def test_a_resolution_without_bound_is_refused_at_the_door() -> None:
    rule = own_rule("few", "sign", at_most("parts", 9))
    item = Characteristic(id="t", unit="C", max="9", resolution=10**9)
    refused, _ = changed(S20={"characteristics": (item,), "rules": (rule,)})
    if refused.decide().allowed:
        world = running({"S20": {"characteristics": (item,), "rules": (rule,)}}, "S10").opened("S20").read("t", "1")
        assert world.ask(c.SignStep).decide().verdict in ("allow", "deny")
    assert not refused.decide().allowed


def test_every_denial_can_be_said() -> None:
    world = running({"S20": {"duration_s": 10**13}}, "S10")
    for denial in world.ask(c.StartStep).decide().denials:
        assert sentence(denial)


def test_the_true_constant_is_a_rule_too() -> None:
    yes = own_rule("yes", "start", Const(v=True, t="bool"))
    assert running({"S20": {"rules": (yes,)}}, "S10").ask(c.StartStep).decide().allowed


def test_what_changes_after_a_first_signature_is_signed_anew() -> None:
    world = running({"S20": {"signatures": 2}}, "S10").opened("S20").readings()
    for act in (c.CorrectEntry, c.RecordReading):
        later = world.copy()
        later.do(c.SignStep)
        later.do(act)
        assert "NOT_PERFORMER" in later.ask(c.SignStep, by="TECH2").decide().codes
        later.do(c.SignStep)
        assert later.do(c.SignStep, by="TECH2").events


def test_the_second_signer_is_shown_the_first_signature() -> None:
    world = running(None, "S10", "S20").opened("S30")
    before = world.ask(c.SignStep, step="S30").command.seen
    world.do(c.SignStep, step="S30")
    assert world.ask(c.SignStep, step="S30", by="TECH2", seen=before).decide().codes == ("STALE_VIEW",)


def test_a_fail_opens_its_nonconformance_once_and_counts() -> None:
    world = running(None, "S10", "S20").opened("S30")
    assert [type(event) for event in world.do(c.SignStep, step="S30").events] == [ev.StepSigned]
    second = world.do(c.SignStep, step="S30", by="TECH2", result="fail")
    assert [type(event) for event in second.events] == [ev.StepSigned, ev.NonconformanceOpened]
    attempt = world.state.jobs[f"{PO}/{JOB}"].attempts[2]
    assert attempt is not None
    assert (attempt.result, attempt.done) == ("fail", True)


def test_two_open_steps_stay_open_until_both_are_signed() -> None:
    world = running(None, "S10", "S20").opened("S30")
    world.do(c.CorrectEntry)
    world.do(c.SignStep)
    assert world.ask(c.SplitJob).decide().codes == ("STEP_IN_PROGRESS",)


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (("170",), ()),
        (("100",), ()),
        (("170", "171"), ("READING_OUT_OF_LIMITS",)),
        (("100", "170"), ()),
    ],
)
def test_a_correction_replaces_the_last_reading_only(values: tuple[str, ...], codes: tuple[str, ...]) -> None:
    world = signing(press=values)
    for wrong in ("180", "101"):
        world.do(c.CorrectEntry, characteristic="press", new_value=wrong)
    assert world.ask(c.SignStep).decide().codes == codes


def test_a_correction_to_a_bad_value_counts() -> None:
    world = signing(press=("100",))
    world.do(c.CorrectEntry, characteristic="press", new_value="180")
    world.do(c.RecordReading, characteristic="press", value="100", unit="kPa", instrument=None)
    assert world.ask(c.SignStep).decide().codes == ("READING_OUT_OF_LIMITS",)


def test_earlier_versions_are_barred_too() -> None:
    world = replaced("new_orders")
    first = world.order_template, world.technique
    assert world.ask(c.StartJob).decide().allowed
    world.release(version="3", effectivity="unstarted_jobs")
    world.order_template, world.technique = first
    assert world.ask(c.StartJob).decide().codes == ("CONTRACT_SUPERSEDED",)


def test_a_denial_repeats_little_of_a_long_text() -> None:
    billing = tuple(Billing(id=f"{n}{'x' * 999}", when="never", amount_minor=1) for n in range(60))
    denials = changed({"billing": billing, "price_minor": 60})[0].decide().denials
    assert [denial.code for denial in denials] == ["CONTRACT_INCOMPLETE"] * 10
    assert all(len(str(denial.values["why"])) <= 200 for denial in denials)
    items = tuple(f"{n}{'x' * 2000}" for n in range(40))
    many = running(None, "S10").ask(c.StartStep, equipment=items).decide().denials
    assert 10 < len(many) <= 40
    assert all(len(str(denial.values.get("equipment", ""))) <= 400 for denial in many)
    world = hub()
    noted = Case(world.state, world.library, world.ask(c.SignQa).command, 0, ())
    noted.gate = "quality.whole"
    noted.deny("STEP_INCOMPLETE", missing=("x" * 300, "y" * 300, "z"))
    assert noted.found[0].values["missing"] == ("x" * 300, "…")


def test_a_remedy_names_the_rule() -> None:
    for refused, _ in (
        a_result_that_a_step_cannot_have(),
        a_verdict_that_is_none(),
        a_rule_of_the_contract_at_the_start(),
    ):
        (denial,) = refused.decide().denials
        assert "?" not in remedy(denial)
        assert "{" not in remedy(denial)


@pytest.mark.parametrize("claimed", [-(2**53) + 1, 2**53 - 1, 10**19])
def test_a_time_beyond_the_calendar_is_said_all_the_same(claimed: int) -> None:
    world = running(None, "S10").opened("S20")
    for denial in world.ask(c.RecordReading, observed_at=claimed).decide().denials:
        assert sentence(denial)


def test_links_count_as_down_since_the_log_last_spoke() -> None:
    world = node().contact(HUB, up=True)
    quiet = world.copy().fold(ev.Booted(epoch="e", reconciled=True, heard_until=7))
    assert (quiet.state.contacts[HUB].up, quiet.state.contacts[HUB].since) == (False, 7)
    first = world.copy().fold(ev.Booted(epoch="e", reconciled=True))
    assert first.state.contacts[HUB].since == first.now
    down = world.contact(HUB, up=False).copy()
    since = down.state.contacts[HUB].since
    assert down.later(S).fold(ev.Booted(epoch="e", reconciled=True, heard_until=7)).state.contacts[HUB].since == since


def test_the_last_day_of_what_expired_is_said_as_a_date() -> None:
    (denial,) = running(None, "S10").material(until=T0 - S).ask(c.StartStep).decide().denials
    assert (denial.code, sentence(denial)) == ("MATERIAL_EXPIRED", "Batch WAX-1 expired 2025-04-01T12:59:59Z.")


def test_a_job_that_qa_accepts_once_more_keeps_its_report() -> None:
    world = running(None, "S10", "S20", "S30").qa_accepted().reported().qa_accepted()
    assert world.state.closed[f"{PO}/{JOB}"].report == REPORT


def test_a_report_of_an_order_that_is_not_known_is_kept() -> None:
    world = hub().reported()
    assert world.state.reports[REPORT].order == PO
    assert PO not in world.state.orders

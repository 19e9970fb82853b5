"""Planted defects: who signs, with what key, held to what."""

from typing import Final

from tests.planted.defect import Defect, gate, scenario

DEFECTS: Final = (
    Defect(
        name="somebody else signs what one performed",
        module="holdgate.law.gates.signatures",
        old="    elif not attempt.signers and operation.performer_signs and attempt.performer != actor:",
        new="    elif False:",
        check=scenario("122"),
    ),
    Defect(
        name="one person gives both signatures",
        module="holdgate.law.gates.signatures",
        old="    if actor in attempt.signers:",
        new="    if False:",
        check=scenario("128"),
    ),
    Defect(
        name="the performer may sign QA",
        module="holdgate.law.gates.signatures",
        old="    if actor in job.signers:",
        new="    if False:",
        check=scenario("222"),
    ),
    Defect(
        name="QA and compliance are one person",
        module="holdgate.law.gates.signatures",
        old="if type(case.command) is c.SignCompliance and actor == job.qa_by:",
        new="if False:",
        check=scenario("222"),
    ),
    Defect(
        name="something is signed unseen",
        module="holdgate.law.gates.signatures",
        old="if shown is None or case.command.seen != shown:",
        new="if shown is None:",
        check=scenario("208"),
    ),
    Defect(
        name="one component unlocks a signature",
        module="holdgate.law.signing",
        old="and len(set(auth.components)) < 2:",
        new="and False:",
        check=scenario("122"),
    ),
    Defect(
        name="a disabled identity signs",
        module="holdgate.law.signing",
        old="        if person.disabled_at is not None:",
        new="        if False:",
        check=scenario("201"),
        soak=True,
    ),
    Defect(
        name="a signature is dated back",
        module="holdgate.law.signing",
        old="    if off < -limit_us:",
        new="    if False:",
        check=scenario("123"),
    ),
    Defect(
        name="a revoked key still signs",
        module="holdgate.law.revocations",
        old="    if person.disabled_at is not None and person.disabled_at < at:",
        new="    if False:",
        check="tests/unit/test_rekey.py::test_who_was_disabled_too_is_flagged_once_for_each_step",
    ),
    Defect(
        name="a revoked credential still counts",
        module="holdgate.law.gates.tokens",
        old=('    if held.revoked_at is not None:\n        case.deny("CREDENTIAL_REVOKED"'),
        new=('    if False:\n        case.deny("CREDENTIAL_REVOKED"'),
        check=gate("a_credential_that_was_revoked"),
    ),
    Defect(
        name="a certificate that has run out counts",
        module="holdgate.law.gates.tokens",
        old="    elif case.now > held.until:",
        new="    elif False:",
        check=scenario("114"),
        soak=True,
    ),
    Defect(
        name="one officer enrols",
        module="holdgate.law.gates.enrolment",
        old="if len(officers_of(command, case.state.identities, command.id)) < 2:",
        new="if len(officers_of(command, case.state.identities, command.id)) < 1:",
        check=scenario("201"),
    ),
    Defect(
        name="a key without its holder's proof is enrolled",
        module="holdgate.law.gates.enrolment",
        old=("elif type(command) is not c.RetireSite and all(signer.id != command.id for signer in command.signers):"),
        new="elif False:",
        check=gate("the_newcomer_does_not_sign"),
    ),
    Defect(
        name="a lost badge's key is enrolled anew",
        module="holdgate.law.gates.enrolment",
        old="    if owner is not None:",
        new="    if False:",
        check=scenario("201"),
    ),
    Defect(
        name="a client acts on another one's order",
        module="holdgate.law.gates.people",
        old=("if order is not None and order.client and case.person is not None and case.person.org != order.client:"),
        new="if False:",
        check=scenario("117"),
    ),
    Defect(
        name="a person with a site's role sends as that site",
        module="holdgate.law.gates.people",
        old="if sender is not None and not holds_seat(case.state.charter, sender, case.actor.role):",
        new="if False:",
        check=scenario("207"),
    ),
)

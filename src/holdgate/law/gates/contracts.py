"""Governance of contracts: complete, certified, approved by four distinct persons who are not the author, released once.

A draft only has to be readable. What it lacks is said when it is to be certified, on the hub's record.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.certificate import objections, read_certificate
from holdgate.law.completeness import UNBALANCED, faults, tied_to_results, unbalanced
from holdgate.law.contract import SmartClientPO, document_digest
from holdgate.law.families import Bundle, bundle_faults, bundled
from holdgate.law.state import ContractRecord
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import DENIAL_FINDINGS_MAX, DENIAL_WHY_CHARS_MAX

EFFECTIVITIES: Final = ("new_orders", "unstarted_jobs")


def document(case: Case) -> None:
    """The order template and exactly what it names came beside the draft, and can be read; it is the one proposed."""
    command = case.command
    if type(command) is not c.SubmitContract:
        return
    if f"{command.contract}/{command.version}" in case.state.versions:
        case.deny("VERSION_EXISTS", contract=command.contract, version=command.version)
    try:
        bundle = bundled(command.sha256, case.pinned)
    except Malformed as error:
        case.deny("CONTRACT_INCOMPLETE", why=str(error)[:DENIAL_WHY_CHARS_MAX])
        return
    template = bundle.terms
    named = [document_digest(document) for document in bundle.documents]
    if any(pin.sha256 not in named for pin in case.pins):
        case.deny("CONTRACT_INCOMPLETE", why="a document came along that the order template does not name")
    if (template.id, template.version, template.author) != (command.contract, command.version, case.actor.id):
        case.deny("CONTRACT_INCOMPLETE", why="the document names another id, version or author than the proposal")


def complete(case: Case) -> None:
    """Nothing is missing in the documents, their money adds up, and no pay is tied to a result."""
    bundle = _bundle(case)
    if bundle is None:
        return
    template = bundle.terms
    for rule in islice(tied_to_results(template), DENIAL_FINDINGS_MAX):
        case.deny("PAYOUT_DEPENDS_ON_RESULT", rule=rule.id[:DENIAL_WHY_CHARS_MAX])
    if unbalanced(template):
        case.deny("TERMS_MISMATCH", why=UNBALANCED)
    found = [*islice((*faults(template, bundle.technique), *bundle_faults(bundle)), DENIAL_FINDINGS_MAX)]
    for why in found or _unready(case, template):
        case.deny("CONTRACT_INCOMPLETE", why=why[:DENIAL_WHY_CHARS_MAX])


def _bundle(case: Case) -> Bundle | None:
    """The version with everything that it names, as the library holds it."""
    try:
        return None if case.contract is None else bundled(case.contract.sha256, case.library.blob)
    except Malformed:
        return None


def _unready(case: Case, template: SmartClientPO) -> Iterable[str]:
    """Why the law could not work by this technique."""
    try:
        case.library.technique(template.process)
    except Malformed as error:
        return (str(error),)
    return ()


def known(case: Case) -> None:
    """The version is on the record."""
    command = case.command
    if case.contract is None:
        case.deny("CONTRACT_UNKNOWN", contract=str(command.contract), version=str(command.version))  # type: ignore[union-attr]
    else:
        case.reads.append(case.contract.ref)


def approval(case: Case) -> None:
    """One approval a role and a person; never the author's, never the certifier's."""
    command, record = case.command, case.contract
    if type(command) is not c.ApproveContract or record is None:
        return
    needed = case.settings.approval_roles
    if command.approval_role not in needed or command.approval_role != case.actor.role:
        case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=", ".join(needed))
    if command.approval_role in record.approvals:
        case.deny("ALREADY_DONE", what=f"the approval as {command.approval_role}")
    if case.actor.id == record.author:
        case.deny("SELF_APPROVAL", id=case.actor.id, why="they wrote it")
    elif case.actor.id in record.approvals.values() or case.actor.id == record.certified_by:
        case.deny("SELF_APPROVAL", id=case.actor.id, why="they approved or certified it already")


def certificate(case: Case) -> None:
    """The certificate came beside the act and vouches for this version; the certifier is neither author nor approver."""
    command, record = case.command, case.contract
    if type(command) is not c.CertifyContract or record is None:
        return
    raw = case.pinned(command.certificate)
    for why in (
        ("no certificate came with the act",) if raw is None else islice(_objections(case, raw), DENIAL_FINDINGS_MAX)
    ):
        case.deny(
            "CONTRACT_NOT_CERTIFIED", contract=command.contract, version=command.version, why=why[:DENIAL_WHY_CHARS_MAX]
        )
    if record.certificate is not None:
        case.deny("ALREADY_DONE", what="the certification")
    if case.actor.id == record.author or case.actor.id in record.approvals.values():
        case.deny("SELF_APPROVAL", id=case.actor.id, why="they wrote or approved it")


def _objections(case: Case, raw: bytes) -> Iterable[str]:
    bundle = _bundle(case)
    if bundle is None:
        return ("its documents are not here",)
    try:
        proof = case.settings.certificates == "proof"
        return objections(read_certificate(raw), bundle.template, bundle.technique, proof=proof)
    except Malformed as error:
        return (str(error),)


def releasable(case: Case) -> None:
    """Released once, certified and fully approved; it says for which work."""
    command, record = case.command, case.contract
    if type(command) is not c.ActivateContract or record is None:
        return
    if record.status != "submitted":
        case.deny("ALREADY_DONE", what="the release")
    if command.effectivity not in EFFECTIVITIES:
        why = f"it is released for {' or '.join(EFFECTIVITIES)}, not for {command.effectivity[:40]!r}"
        case.deny("CONTRACT_INCOMPLETE", why=why)
    missing = tuple(role for role in case.settings.approval_roles if role not in record.approvals)
    if missing:
        case.deny("CONTRACT_NOT_APPROVED", contract=record.contract, version=record.version, missing=missing)
    if record.certificate is None:
        _uncertified(case, record)


def _uncertified(case: Case, record: ContractRecord) -> None:
    why = "it has no certificate"
    case.deny("CONTRACT_NOT_CERTIFIED", contract=record.contract, version=record.version, why=why)


def in_force(case: Case) -> None:
    """Orders are staged under the version in force; the terms of one that is certified can be signed before and after."""
    record = case.contract
    if record is None:
        return
    if record.status == "submitted" and record.certificate is None:
        _uncertified(case, record)
    if type(case.command) is not c.StageOrder:
        return
    if record.status == "submitted":
        case.deny("CONTRACT_NOT_ACTIVE", contract=record.contract, version=record.version)
    elif record.status != "active":
        case.deny("CONTRACT_SUPERSEDED", contract=record.contract, version=record.version)


def startable(case: Case) -> None:
    """A job starts under the version its order was accepted for, if that may still start new work."""
    command, order = case.command, case.order
    if type(command) is not c.StartJob or order is None:
        return
    record = case.contract
    if record is None or case.technique is None:
        case.deny("CONTRACT_UNKNOWN", contract=order.contract, version=order.version)
        return
    case.reads.append(record.ref)
    if record.status == "submitted":
        case.deny("CONTRACT_NOT_ACTIVE", contract=record.contract, version=record.version)
    elif record.status == "barred":
        case.deny("CONTRACT_SUPERSEDED", contract=record.contract, version=record.version)


def stop_work(case: Case) -> None:
    """A version is stopped once, and resumed once."""
    command, record = case.command, case.contract
    if record is None:
        return
    if type(command) is c.SuspendContract and record.suspended:
        case.deny("ALREADY_DONE", what=f"the stop-work for {record.contract} version {record.version}")
    if type(command) is c.ResumeContract and not record.suspended:
        case.deny("ALREADY_DONE", what=f"the resumption of {record.contract} version {record.version}")


def suspended(case: Case) -> None:
    """Nothing starts and nothing is signed under a version for which stop-work is in force."""
    for sha256 in _governing(case):
        record = case.state.contracts.get(sha256)
        if record is None:
            continue
        case.reads.append(record.ref)
        if record.suspended:
            case.deny("CONTRACT_SUSPENDED", contract=record.contract, version=record.version)


def _governing(case: Case) -> tuple[str, ...]:
    """The versions that an act rests on: the one that it is judged by; QA's signature on those of all tests of the job."""
    job = case.job
    if type(case.command) is c.SignQa and job is not None:
        own = (attempt.contract for attempt in job.attempts if attempt is not None and attempt.contract)
        return tuple(dict.fromkeys((job.sha256, *own)))
    return () if case.contract is None else (case.contract.sha256,)

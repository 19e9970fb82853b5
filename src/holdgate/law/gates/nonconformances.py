"""Nonconformances: who opens one, on which parts, and who may decide what becomes of them.

The authority matrix is the contract's SmartQA, else `MATRIX`: QA or Level III who did not do the work; what leaves the drawing
(repair, use_as_is) belongs to the order's own client, with a concession. A result that stands is reported, not repaired.
Source: AS9100D 8.7; scenario vocabulary, convention 12.
"""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.contract import Authority
from holdgate.law.gates.deviations import client_signed
from holdgate.law.gates.readings import foreign_part
from holdgate.law.state import BECOMES, FLAGS, Ncr, may_become

_OF_A_TEST: Final = ("report_nonconforming",)
_OF_A_FLAG: Final = ("no_impact",)
_QUALITY: Final = ("qa", "level3")
MATRIX: Final = (
    *(Authority(disposition=name, roles=_QUALITY) for name in ("reject", "scrap", "return_to_client", "rework")),
    Authority(disposition="report_nonconforming", roles=_QUALITY),
    Authority(disposition="no_impact", roles=_QUALITY, evidence=True),
    Authority(disposition="repair", roles=_QUALITY, client=True),
    Authority(disposition="use_as_is", roles=_QUALITY, client=True),
)
"""Who may decide what, where the contract names no SmartQA."""


def matrix_of(case: Case) -> tuple[Authority, ...]:
    """The authority matrix of the case's contract."""
    template = None if case.contract is None else case.library.template(case.contract.sha256)
    quality = None if template is None else case.library.quality(template)
    return MATRIX if quality is None else quality.dispositions


def new(case: Case) -> None:
    """A red tag has an id of its own and names parts of the job."""
    command, job = case.command, case.job
    if type(command) is not c.OpenNonconformance or job is None:
        return
    if command.ncr in job.ncrs:
        case.deny("ALREADY_DONE", what=f"the opening of {command.ncr}")
    if command.ncr.startswith(FLAGS):
        say = f"{command.ncr} is an id of what the rules open by themselves ({', '.join(FLAGS)})."
        case.deny("RULE_NOT_MET", rule="red tag", say=say)
    for serial in command.serials:
        if serial not in job.serials:
            foreign_part(case, job, serial)
    if not command.serials:
        case.deny("QTY_NOT_RECONCILED", why="a red tag names the parts that it is for")


def known(case: Case) -> None:
    """What is decided on is open, and the decision is one that this kind of nonconformance can have."""
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or job is None:
        return
    ncr = job.ncrs.get(command.ncr)
    if ncr is None:
        case.deny("NCR_UNKNOWN", ncr=command.ncr, job=job.id)
        return
    case.reads.append(ncr.ref)
    if ncr.disposition:
        case.deny("ALREADY_DONE", what=f"the disposition of {ncr.id} ({ncr.disposition})")
    possible = _possible(ncr, matrix_of(case))
    if command.disposition not in possible:
        say = f"{ncr.id} can end as {', '.join(possible)}, not as {command.disposition[:40]!r}."
        case.deny("RULE_NOT_MET", rule="disposition", say=say)


def _possible(ncr: Ncr, matrix: tuple[Authority, ...]) -> tuple[str, ...]:
    """A failed test can stand; a flag (recall, late-known revocation) can turn out to be without consequence."""
    if is_flag(ncr):
        never: tuple[str, ...] = ("rework",)
    else:
        never = _OF_A_FLAG if ncr.step else (*_OF_A_FLAG, *_OF_A_TEST)
    return tuple(authority.disposition for authority in matrix if authority.disposition not in never)


def is_flag(ncr: Ncr) -> bool:
    """Whether it was opened over what was done, not over what was found: a recall, or a signature after a revocation."""
    return bool(ncr.equipment) or ncr.id.startswith(("recall-", "sync-"))


def here(case: Case) -> None:
    """A job's node decides while it works on it; the business hub, once QA accepted the record (an escape)."""
    job = case.job
    if job is not None and case.state.kind == "business_hub" and not job.handed_over:
        case.deny("WRONG_NODE", needed=job.node, node=case.state.site)


def parts_left(case: Case) -> None:
    """What is decided on is still in the job: a part that was scrapped, say, is not used any more.

    A further finding on a part that is gone can end as the first one did: it is scrap for this reason too.
    """
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or job is None:
        return
    ncr, becomes = job.ncrs.get(command.ncr), BECOMES.get(command.disposition)
    here = () if ncr is None else tuple(serial for serial in ncr.serials if serial in job.serials)
    if becomes is None or not here:
        return
    if any(may_become(job, serial, becomes) or job.parts.get(serial) == becomes for serial in here):
        return
    gone = ", ".join(f"{serial} ({job.parts[serial]})" for serial in here)
    case.deny("RULE_NOT_MET", rule="disposition", say=f"Decided already, and out of the job: {gone}.")


def authorised(case: Case) -> None:
    """Decided by a role that the matrix names, with the client and the evidence that it asks for, by nobody who did it.

    Where no step is named (a red tag, a recall), that is everybody who has, or did, a step of the job.
    """
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or job is None:
        return
    for authority in matrix_of(case):
        if authority.disposition == command.disposition:
            _fulfilled(case, command, authority, job.client)
    ncr = job.ncrs.get(command.ncr)
    for attempt in job.attempts:
        if ncr is not None and attempt is not None and ncr.step in ("", attempt.step):
            _did_not_do_it(case, (attempt.performer, *attempt.signers), attempt.step)


def _fulfilled(case: Case, command: c.DisposeNonconformance, authority: Authority, client: str) -> None:
    if case.actor.role not in authority.roles:
        needed = ", ".join(authority.roles)
        case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=needed)
    if authority.evidence and not (command.evidence or "").strip():
        case.deny("EVIDENCE_REQUIRED")
    if BECOMES.get(command.disposition) == "conceded" and not (command.concession or "").strip():
        case.deny("CONCESSION_MISSING", what=command.ncr)
    if authority.client and not client_signed(case, client):
        case.deny("DISPOSITION_NOT_AUTHORISED", client=client)


def _did_not_do_it(case: Case, who: tuple[str, ...], step: str) -> None:
    if case.actor.id in who:
        case.deny("SELF_APPROVAL", id=case.actor.id, why=f"they did {step}")


def retest(case: Case) -> None:
    """A test is repeated after it failed, for a cause that the contract allows, as often as it allows; decided by others."""
    command, attempt, technique, job = case.command, case.attempt, case.technique, case.job
    if type(command) is not c.AuthoriseRetest or technique is None or job is None or case.operation is None:
        return
    if attempt is None or not attempt.done or attempt.passed:
        case.deny("RETEST_NOT_AUTHORISED", step=command.step, why="it has not failed")
        return
    _did_not_do_it(case, (attempt.performer, *attempt.signers), command.step)
    if command.cause not in technique.retest_causes:
        causes = ", ".join(technique.retest_causes) or "none"
        case.deny("RETEST_NOT_AUTHORISED", step=command.step, why=f"allowed causes are {causes}")
    if job.retests.get(command.step, 0) >= technique.retest_max:
        case.deny("RETEST_NOT_AUTHORISED", step=command.step, why=f"at most {technique.retest_max} are allowed")


def reprocess(case: Case) -> None:
    """The process is done again from a step that was begun; decided by somebody who did none of what is done again."""
    command, attempt, operation, job = case.command, case.attempt, case.operation, case.job
    if type(command) is not c.ReprocessJob or operation is None or job is None:
        return
    if attempt is None:
        case.deny("STEP_NOT_STARTED", step=command.step)
        return
    for again in job.attempts[operation.position :]:
        if again is not None:
            _did_not_do_it(case, (again.performer, *again.signers), again.step)

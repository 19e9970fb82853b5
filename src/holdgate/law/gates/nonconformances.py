"""Nonconformances: who opens one, on which parts, and who may decide what becomes of them.

The authority matrix (scenario vocabulary, convention 12): QA or Level III who did not do the work; what leaves the drawing
(repair, use_as_is) belongs to the order's own client, with a concession. A result that stands is reported, not repaired.
Source: AS9100D 8.7.
"""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import BECOMES, FLAGS, Ncr, may_become

CONCEDED: Final = ("repair", "use_as_is")
"""What only the client can grant."""
_OF_A_TEST: Final = ("report_nonconforming",)
_OF_A_FLAG: Final = ("no_impact",)
DISPOSITIONS: Final = (*BECOMES, "rework", *_OF_A_FLAG)


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
    strange = tuple(serial for serial in command.serials if serial not in job.serials)
    if strange:
        case.deny("SERIAL_UNKNOWN", serials=", ".join(strange), order=job.order)
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
    if command.disposition not in _possible(ncr):
        say = f"{ncr.id} can end as {', '.join(_possible(ncr))}, not as {command.disposition[:40]!r}."
        case.deny("RULE_NOT_MET", rule="disposition", say=say)


def _possible(ncr: Ncr) -> tuple[str, ...]:
    """A failed test can stand; a flag (recall, late-known revocation) can turn out to be without consequence."""
    if is_flag(ncr):
        return tuple(name for name in DISPOSITIONS if name not in (*_OF_A_TEST, "rework"))
    never = _OF_A_FLAG if ncr.step else (*_OF_A_FLAG, *_OF_A_TEST)
    return tuple(name for name in DISPOSITIONS if name not in never)


def is_flag(ncr: Ncr) -> bool:
    """Whether it was opened over what was done, not over what was found: a recall, or a signature after a revocation."""
    return bool(ncr.equipment) or ncr.id.startswith(("recall-", "sync-"))


def parts_left(case: Case) -> None:
    """What is decided on is still in the job: a part that was scrapped, say, is not used any more."""
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or job is None:
        return
    ncr, becomes = job.ncrs.get(command.ncr), BECOMES.get(command.disposition)
    here = () if ncr is None else tuple(serial for serial in ncr.serials if serial in job.serials)
    if becomes is None or not here or any(may_become(job, serial, becomes) for serial in here):
        return
    gone = ", ".join(f"{serial} ({job.parts[serial]})" for serial in here)
    case.deny("RULE_NOT_MET", rule="disposition", say=f"Decided already, and out of the job: {gone}.")


def authorised(case: Case) -> None:
    """Repair and use-as-is belong to the client, with a concession; who did the work decides nothing about it.

    Where no step is named (a red tag, a recall), that is everybody who has, or did, a step of the job.
    """
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or job is None:
        return
    if command.disposition in CONCEDED:
        _granted(case, command, job.client)
    ncr = job.ncrs.get(command.ncr)
    for attempt in job.attempts:
        if ncr is not None and attempt is not None and ncr.step in ("", attempt.step):
            _did_not_do_it(case, (attempt.performer, *attempt.signers), attempt.step)


def _granted(case: Case, command: c.DisposeNonconformance, client: str) -> None:
    if not (command.concession or "").strip():
        case.deny("CONCESSION_MISSING", what=command.ncr)
    for signer in command.signers[1:]:
        person = case.state.identities.get(signer.id)
        if person is not None and signer.role == "client" and person.org == client:
            return
    case.deny("DISPOSITION_NOT_AUTHORISED", client=client)


def _did_not_do_it(case: Case, who: tuple[str, ...], step: str) -> None:
    if case.actor.id in who:
        case.deny("SELF_APPROVAL", id=case.actor.id, why=f"they did {step}")


def no_impact(case: Case) -> None:
    """That nothing was affected has to be shown."""
    command = case.command
    if type(command) is not c.DisposeNonconformance or command.disposition not in _OF_A_FLAG:
        return
    if not (command.evidence or "").strip():
        case.deny("EVIDENCE_REQUIRED")


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

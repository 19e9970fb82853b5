"""Escapes: nonconformances that the business hub opened on a job whose record QA had accepted already.

The job is closed at its node, so the business hub decides what becomes of them. Before QA's acceptance its node does.
Source: the scenario vocabulary, conventions 12, 14 and 15.
"""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.gates.deviations import client_signed
from holdgate.law.state import Job, Ncr

FLAGS: Final = ("recall-", "sync-")
WITH_CLIENT: Final = ("use_as_is",)
DECIDABLE: Final = ("no_impact", "report_nonconforming", "reject", "scrap", "return_to_client", *WITH_CLIENT)
"""What can be decided when the work is over; rework and repair would be a new job."""


def open_here(case: Case) -> None:
    """QA accepted the job, and the nonconformance is one that the business hub opened and nobody decided yet."""
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or case.state.kind != "business_hub":
        return
    if job is None:
        case.deny("JOB_UNKNOWN", job=command.job)
        return
    case.reads.append(job.ref)
    if not job.qa_by:
        case.deny("WRONG_NODE", needed=job.node, node=case.state.site)
        return
    ncr = _escape(job, command.ncr)
    if ncr is None:
        say = f"{command.ncr} is no recall or sync nonconformance of {job.id}."
        case.deny("RULE_NOT_MET", rule="nonconformances after QA", say=say)
        return
    case.reads.append(ncr.ref)
    if ncr.disposition:
        case.deny("ALREADY_DONE", what=f"the disposition of {ncr.id}")


def _escape(job: Job, name: str) -> Ncr | None:
    ncr = job.ncrs.get(name)
    return ncr if ncr is not None and ncr.id.startswith(FLAGS) else None


def decided(case: Case) -> None:
    """The decision is one that is left, on evidence where it says that nothing happened, and the client's where it is theirs."""
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance or case.state.kind != "business_hub" or job is None:
        return
    if command.disposition not in DECIDABLE:
        say = f"Once QA has accepted the record, a nonconformance is decided as one of {', '.join(DECIDABLE)}."
        case.deny("RULE_NOT_MET", rule="nonconformances after QA", say=say)
    if command.disposition == "no_impact" and not (command.evidence or "").strip():
        case.deny("EVIDENCE_REQUIRED")
    if command.disposition in WITH_CLIENT:
        if not (command.concession or "").strip():
            case.deny("CONCESSION_MISSING", what=command.ncr)
        if not client_signed(case, job.client):
            case.deny("DISPOSITION_NOT_AUTHORISED", client=job.client)

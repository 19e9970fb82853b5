"""QA and compliance: a whole record, reconciled quantities, nothing nonconforming taken for good."""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import OVER, Job, remaining


def job_known(case: Case) -> None:
    """The job is on the hub's record."""
    command, job = case.command, case.job
    if job is None:
        case.deny("JOB_UNKNOWN", job=command.job)  # type: ignore[union-attr]
        return
    case.reads.append(job.ref)
    if job.status in OVER:
        case.deny("JOB_CLOSED", job=job.id, status=OVER[job.status])


def whole(case: Case) -> None:
    """The node's chain has been taken in: the node is in contact, and every step of the job is complete."""
    job, technique = case.job, case.technique
    if job is None or job.status in OVER:
        return
    contact = case.state.contacts.get(job.node)
    if contact is None or not contact.up:
        case.deny("NODE_NOT_SYNCED", node=job.node)
    if technique is None:
        contract = "?" if case.order is None else case.order.contract
        case.deny("CONTRACT_UNKNOWN", contract=contract, version=job.version)
        return
    missing = tuple(
        operation.id
        for operation in technique.operations
        if (attempt := job.attempts[operation.position]) is None or not attempt.passed
    )
    if missing and remaining(job):
        case.deny("STEP_INCOMPLETE", missing=missing)


def unsigned(case: Case) -> None:
    """QA and compliance sign a job once; compliance after QA."""
    command, job = case.command, case.job
    if job is None:
        return
    if type(command) is c.SignQa and job.qa_by:
        case.deny("QA_ALREADY_SIGNED", job=job.id, by=job.qa_by)
    if type(command) is c.SignCompliance:
        if not job.qa_by:
            case.deny("TESTS_NOT_PASSED_QA", job=job.id)
        if job.compliance_by:
            case.deny("ALREADY_DONE", what=f"the compliance signature of {job.id}")


def reconciled(case: Case) -> None:
    """Received is accepted plus rejected plus scrapped, and each is what was decided of the parts on the record."""
    command, job = case.command, case.job
    if type(command) is not c.SignQa or job is None:
        return
    q = command.quantities
    if q.received != len(job.serials) or q.received != q.accepted + q.rejected + q.scrapped:
        case.deny(
            "QTY_NOT_RECONCILED",
            why=f"{len(job.serials)} received, but {q.accepted} accepted + {q.rejected} rejected + {q.scrapped} scrapped",
        )
    told = counts_of(job)
    if (q.rejected, q.scrapped) != (told.rejected, told.scrapped):
        why = (
            f"the record says {told.rejected} rejected and {told.scrapped} scrapped, not {q.rejected} and {q.scrapped}"
        )
        case.deny("QTY_NOT_RECONCILED", why=why)


_NOT_GOOD: Final = ("rejected", "returned", "nonconforming")


def counts_of(job: Job) -> c.Quantities:
    """The parts of a job as the record counts them."""
    scrapped = sum(what == "scrapped" for what in job.parts.values())
    rejected = sum(what in _NOT_GOOD for what in job.parts.values())
    parts = len(job.serials)
    return c.Quantities(received=parts, accepted=parts - rejected - scrapped, rejected=rejected, scrapped=scrapped)

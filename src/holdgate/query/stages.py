"""Where an order stands on its way from proposal to invoice, and since when; as the business hub knows it.

Read from a state, with no rule of its own. The least advanced of an order's jobs says where the order is.
"""

from collections.abc import Iterable
from typing import Final

from holdgate.law.library import Library
from holdgate.law.state import OVER, Job, Order, State

PROPOSED: Final = "proposed"
STAGED: Final = "staged"
HELD: Final = "held at dock"
RELEASED: Final = "released"
RUNNING: Final = "running"
AT_QA: Final = "at QA"
AT_COMPLIANCE: Final = "at compliance"
TO_REPORT: Final = "report to be issued"
REPORTED: Final = "reported"
REJECTED: Final = "report rejected"
UNANSWERED: Final = "client silent"
ACCEPTED: Final = "accepted"
INVOICED: Final = "invoiced"
ENDED: Final = "ended"
STAGES: Final = (
    PROPOSED,
    STAGED,
    HELD,
    RELEASED,
    RUNNING,
    AT_QA,
    AT_COMPLIANCE,
    TO_REPORT,
    REPORTED,
    REJECTED,
    UNANSWERED,
    ACCEPTED,
    INVOICED,
    ENDED,
)
_RANK: Final = {stage: rank for rank, stage in enumerate(STAGES)}


def job_stage(state: State, job: Job) -> str:
    """Where a job stands."""
    if job.status == "running":
        return RUNNING
    if not job.qa_by:
        return AT_QA
    if not job.compliance_by:
        return AT_COMPLIANCE
    report = state.reports.get(job.report)
    if report is None:
        return TO_REPORT
    if report.status == "issued":
        return REPORTED
    if report.status == "rejected":
        return REJECTED
    if report.status == "lapsed" and report.outcome != "deemed_accepted":
        return UNANSWERED
    return ACCEPTED


def stage(state: State, library: Library, order: Order) -> str:
    """Where an order stands (`STAGES`)."""
    if order.status == "proposed":
        return PROPOSED
    if not order.jobs:
        if order.status == "staged":
            return HELD if order.arrived else STAGED
        return RELEASED
    jobs = [job for key in order.jobs if (job := state.jobs.get(key)) is not None and job.status not in OVER]
    if not jobs:
        return ENDED
    first = job_stage(state, jobs[0]) if len(jobs) == 1 else least(job_stage(state, job) for job in jobs)
    if first != ACCEPTED:
        return first
    template = library.template(order.sha256)
    owed = template is None or any(f"invoice:{item.id}" not in order.fired for item in template.billing)
    return ACCEPTED if owed else INVOICED


def least(stages: Iterable[str]) -> str:
    """The least advanced of some stages."""
    return min(stages, key=_RANK.__getitem__)


def since(state: State, order: Order, at_stage: str) -> tuple[int, int]:
    """Since when an order is there: (UTC µs, or 0; the entry whose time says it, or -1)."""
    jobs = [job for key in order.jobs if (job := state.jobs.get(key)) is not None and job.status not in OVER]
    here = [job for job in jobs if job_stage(state, job) == at_stage] or jobs
    if at_stage == STAGED:
        return order.staged_at, -1
    if at_stage == PROPOSED:
        return 0, min((said.ref for said in order.acceptances), default=-1)
    if at_stage in (HELD, RELEASED) or not here:
        return 0, order.ref
    if at_stage == RUNNING:
        return min(job.started_at for job in here), -1
    if at_stage == AT_QA:
        return min(job.last_done_at for job in here), -1
    if at_stage in (AT_COMPLIANCE, TO_REPORT):
        return 0, min(job.ref for job in here)
    if at_stage == INVOICED:
        return 0, max(order.fired.values(), default=order.ref)
    reports = [report for job in here if (report := state.reports.get(job.report)) is not None]
    refs = [report.issued_seq if at_stage == REPORTED else report.ref for report in reports]
    return 0, min(refs, default=order.ref)

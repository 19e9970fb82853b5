"""QA's and Compliance's signatures, reports and the client's window."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds.facts import mark_unused
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.money import book
from holdgate.law.state import Closed, Report, State, job_key


def _qa_accepted(state: State, _: Library, e: ev.QaAccepted, at: int, ref: int) -> None:
    if state.kind == "node":
        _close(state, e, at)
        return
    job = state.jobs[job_key(e.order, e.job)]
    job.signed_again = job.handed_over
    job.qa_by, job.handed_over, job.ref = e.by, True, ref


def _close(state: State, e: ev.QaAccepted, at: int) -> None:
    """The node is done with the job, unless a step was taken up again meanwhile: QA accepted an earlier record then."""
    key = job_key(e.order, e.job)
    job, order, before = state.jobs.get(key), state.orders.get(e.order), state.closed.get(key)
    if job is not None and job.status != "complete":
        return
    if job is not None and order is not None:
        order.settled += job.serials
    state.jobs.pop(key, None)
    state.closed[key] = Closed(by=e.by, at=at, report="" if before is None else before.report)
    state.assigned.pop(key, None)
    for item in [*state.uses]:
        mark_unused(state, item, key)


def _compliance_accepted(state: State, _: Library, e: ev.ComplianceAccepted, at: int, ref: int) -> None:
    job = state.jobs.get(job_key(e.order, e.job))
    if job is not None:
        job.compliance_by = e.by


def _report_issued(state: State, _: Library, e: ev.ReportIssued, at: int, ref: int) -> None:
    """A node only remembers that there is one: what the job rests on is not corrected any more."""
    if state.kind == "node":
        closed = state.closed.get(job_key(e.order, e.job))
        if closed is not None:
            closed.report = e.report
        return
    book(state.money, e, at, ref)
    replaced, order = state.reports.get(e.replaces), state.orders.get(e.order)
    if replaced is not None:
        replaced.status, replaced.replaced_by, replaced.ref = "superseded", e.report, ref
    if order is not None:
        order.delivered_at = order.delivered_at or at
    state.reports[e.report] = Report(
        id=e.report,
        order=e.order,
        job=e.job,
        digest=e.digest,
        deviations=e.deviations,
        issued_seq=ref,
        ref=ref,
    )
    job = state.jobs.get(job_key(e.order, e.job))
    if job is not None:
        job.report = e.report


def _window_opened(state: State, _: Library, e: ev.ReviewWindowOpened, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.opened_at, report.closes_at, report.ref = e.opened_at, e.closes_at, ref


def _report_approved(state: State, _: Library, e: ev.ReportApproved, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.status, report.ref = "approved", ref


def _report_rejected(state: State, _: Library, e: ev.ReportRejected, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.status, report.ref = "rejected", ref


def _window_lapsed(state: State, _: Library, e: ev.ReviewWindowLapsed, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.status, report.outcome, report.ref = "lapsed", e.outcome, ref


def _complaint_opened(state: State, _: Library, e: ev.ComplaintOpened, at: int, ref: int) -> None:
    """On the record; it changes no report."""


STEPS: Final[Steps] = {
    ev.QaAccepted: _qa_accepted,
    ev.ComplianceAccepted: _compliance_accepted,
    ev.ReportIssued: _report_issued,
    ev.ReviewWindowOpened: _window_opened,
    ev.ReportApproved: _report_approved,
    ev.ReportRejected: _report_rejected,
    ev.ReviewWindowLapsed: _window_lapsed,
    ev.ComplaintOpened: _complaint_opened,
}

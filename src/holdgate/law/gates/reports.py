"""Reports and the client's window: no report before QA, all mandatory content, the present report, witnessed time."""

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.timers import review_window_us


def accepted(case: Case) -> None:
    """QA reviewed and accepted the record (a valid failing result is reported too); one report per job."""
    command, job = case.command, case.job
    if type(command) is not c.GenerateReport or job is None:
        return
    if not job.qa_by:
        case.deny("TESTS_NOT_PASSED_QA", job=job.id)
    if job.report or command.report in case.state.reports:
        case.deny("ALREADY_DONE", what=f"the report of {job.id}" if job.report else f"report {command.report}")


def content(case: Case) -> None:
    """Nothing mandatory is left out (ISO/IEC 17025 7.8.2.1)."""
    command = case.command
    if type(command) is not c.GenerateReport or command.fields is None:
        return
    missing = tuple(field for field in case.settings.report_fields if field not in command.fields)
    if missing:
        case.deny("REPORT_INCOMPLETE", missing=missing)


def known(case: Case) -> None:
    """The report is on the record, the newest of its job, and still open."""
    command, report = case.command, case.report
    if not isinstance(command, (c.ReviewReport, c.CloseWindow, c.AmendReport)):
        return
    if report is None:
        case.deny("REPORT_UNKNOWN", report=command.report)
        return
    case.reads.append(report.ref)
    if report.status == "superseded":
        case.deny("STALE_VERSION", report=report.id, replaced_by=report.replaced_by)
    elif type(command) is c.AmendReport:
        return  # approved, rejected or lapsed: a report is amended whatever became of it
    elif report.status in ("approved", "rejected") or (report.status == "lapsed" and type(command) is c.CloseWindow):
        case.deny("ALREADY_DONE", what=f"the review of {report.id}")


def amended(case: Case) -> None:
    """An amended report has a number of its own, and QA's signature; another result than before rests on evidence."""
    command, job = case.command, case.job
    if type(command) is not c.AmendReport:
        return
    if job is not None and not job.qa_by:
        case.deny("TESTS_NOT_PASSED_QA", job=job.id)
    if command.new_report in case.state.reports:
        case.deny("VERSION_EXISTS", contract="report", version=command.new_report)
    if command.changes_result and not (command.evidence or "").strip():
        case.deny("EVIDENCE_REQUIRED")


def verdict(case: Case) -> None:
    """The client approves, or rejects with a reason."""
    command = case.command
    if type(command) is not c.ReviewReport:
        return
    if command.decision not in ("approve", "reject"):
        say = f"A report is approved or rejected, not {command.decision[:40]!r}."
        case.deny("RULE_NOT_MET", rule="verdict on a report", say=say)
    if command.decision == "reject" and not (command.reason or "").strip():
        case.deny("REASON_REQUIRED")


def in_window(case: Case) -> None:
    """Where silence was acceptance, a review after the window is none; a rejection is heard as a complaint then.

    Asked after every other gate, so that a complaint is this client's own, properly signed (a reason may be missing).
    """
    command, report = case.command, case.report
    if type(command) is not c.ReviewReport or report is None:
        return
    if report.status != "lapsed" or report.outcome != "deemed_accepted":
        return
    if command.decision == "reject" and all(denial.code == "REASON_REQUIRED" for denial in case.found):
        case.fact(ev.ComplaintOpened(report=report.id, by=case.actor.id, reason=command.reason or ""))
    case.deny("REVIEW_WINDOW_CLOSED", report=report.id)


def window_over(case: Case) -> None:
    """The window closes in witnessed time: a cosignature at or past its end is on this site's record."""
    command, report = case.command, case.report
    if type(command) is not c.CloseWindow or report is None:
        return
    opened_at, closes_at = report.opened_at, report.closes_at
    if opened_at is None or closes_at is None:
        elapsed_us = 0
        limit_us = 0 if case.order is None else review_window_us(case.state, case.library, case.order)
    else:
        elapsed_us, limit_us = max(case.state.witnessed_at - opened_at, 0), closes_at - opened_at
    if closes_at is None or case.state.witnessed_at < closes_at:
        case.deny("WINDOW_NOT_REACHED", elapsed_us=elapsed_us, since="the report's issue", limit_us=limit_us)

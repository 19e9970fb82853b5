"""What becomes true when a report is issued, amended, reviewed, or its window closes: outcomes, deciding nothing any more."""

from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.state import Job
from holdgate.law.timers import came_late
from holdgate.law.view import job_view
from holdgate.terms import canon
from holdgate.terms.errors import InvariantBroken

Events = tuple[ev.AnyEvent, ...]


def generate(case: Case, m: c.GenerateReport) -> Events:
    """The first report of a job."""
    fields = case.settings.report_fields if m.fields is None else m.fields
    return (_issued(case, m.report, fields, ""),)


def amend(case: Case, m: c.AmendReport) -> Events:
    """A report in the place of an earlier one, with everything that the shop's reports carry."""
    return (_issued(case, m.new_report, case.settings.report_fields, m.report),)


def _issued(case: Case, report: str, fields: tuple[str, ...], replaces: str) -> ev.ReportIssued:
    job, order = case.job, case.order
    if job is None or order is None:
        raise InvariantBroken("a gate let a report pass without its job")
    issued = ev.ReportIssued(
        order=order.id,
        job=job.id,
        report=report,
        digest="",
        fields=fields,
        deviations=tuple(deviation.id for deviation in job.deviations.values()),
        attested_arrival=order.attested,
        nonconforming=nonconforming(job),
        concessions=tuple(ncr.concession for ncr in job.ncrs.values() if ncr.concession),
        replaces=replaces,
    )
    return replace(issued, digest=_digest(issued, order.client, job))


def _digest(issued: ev.ReportIssued, client: str, job: Job) -> str:
    return digest(canon.encode(content_of(issued, client, job)))


def content_of(issued: ev.ReportIssued, client: str, job: Job) -> dict[str, object]:
    """What the client is shown and signs: the report's digest is that of these fields as canonical JSON."""
    return content(issued, client, job.sha256, job_view(job))


def content(issued: ev.ReportIssued, client: str, contract: str, view: str) -> dict[str, object]:
    """The same from what the record says: the job's contract, and the digest of what QA was shown of the job."""
    content: dict[str, object] = {
        "client": client,
        "contract": contract,
        "deviations": list(issued.deviations),
        "fields": list(issued.fields),
        "job": issued.job,
        "order": issued.order,
        "report": issued.report,
        "view": view,
    }
    if issued.attested_arrival:
        content["attested_arrival"] = True
    if issued.nonconforming:
        content["nonconforming"] = True
    if issued.concessions:
        content["concessions"] = list(issued.concessions)
    if issued.replaces:
        content["replaces"] = issued.replaces
    return content


def nonconforming(job: Job) -> bool:
    """Whether a result of the job does not conform, and stands."""
    failed = any(attempt is not None and (attempt.result == "fail" or attempt.stands) for attempt in job.attempts)
    decided = any(ncr.disposition == "report_nonconforming" for ncr in job.ncrs.values())
    return failed or decided or "nonconforming" in job.parts.values()


def review(case: Case, m: c.ReviewReport) -> Events:
    """The client's word."""
    if m.decision == "approve":
        return (ev.ReportApproved(report=m.report, by=case.actor.id),)
    return (ev.ReportRejected(report=m.report, by=case.actor.id, reason=m.reason or ""),)


def close_window(case: Case, m: c.CloseWindow) -> Events:
    """Silence means what the client signed."""
    outcome = "escalate" if case.order is None else case.order.silence
    closes_at = None if case.report is None else case.report.closes_at
    late = closes_at is not None and came_late(case.state, closes_at)
    return (ev.ReviewWindowLapsed(report=m.report, outcome=outcome, late=late),)


def close_delivery(case: Case, m: c.CloseDelivery) -> Events:
    """Whether a report had been issued when the delivery date came."""
    order = case.order
    if order is None or order.delivery_due is None:
        raise InvariantBroken("a gate let a delivery date close that the order does not have")
    in_time = 0 < order.delivered_at <= order.delivery_due
    return (ev.DeliveryClosed(order=m.order, in_time=in_time, late=came_late(case.state, order.delivery_due)),)

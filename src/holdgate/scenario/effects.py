"""Events in the neutral words of the scenario vocabulary. Nothing is decided here, and nothing is said that does not hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from holdgate.law import event as ev
from holdgate.law.state import Report


def effects_of(events: Iterable[ev.AnyEvent]) -> list[str]:
    """The effect names that events stand for."""
    found: list[str] = []
    for event in events:
        words = _WORDS.get(type(event))
        if words is not None:
            found.extend(words(event))
    return found


def unsigned_lapses(events: Sequence[ev.AnyEvent], reports: Mapping[str, Report]) -> list[str]:
    """The word for each window that lapsed without becoming a client's signature.

    Args:
        events: all that followed from one step.
        reports: as the business hub knows them afterwards.
    """
    approved = [event.report for event in events if isinstance(event, ev.ReportApproved)]
    lapsed = [event.report for event in events if isinstance(event, ev.ReviewWindowLapsed)]
    unsigned = [name for name in lapsed if name not in approved and name in reports]
    return ["no_client_signature_created" for name in unsigned if reports[name].status == "lapsed"]


def _fixed(*words: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda _: words


def _late(event: ev.ArrivalRecorded | ev.ArrivalQuarantined, *words: str) -> tuple[str, ...]:
    return (*words, "arrival_late") if event.late else words


def _recorded(event: ev.ArrivalRecorded) -> tuple[str, ...]:
    return _late(event, "arrival_recorded", *(("attested_arrival",) if event.evidence == "attested" else ()))


def _report(event: ev.ReportIssued) -> tuple[str, ...]:
    words = ["report_issued"]
    if event.deviations:
        words.append("deviation_on_report")
    if event.attested_arrival:
        words.append("attested_arrival_on_report")
    return tuple(words)


def _lapsed(event: ev.ReviewWindowLapsed) -> tuple[str, ...]:
    return ("escalated" if event.outcome == "escalate" else event.outcome,)


_WORDS: Final[dict[type[ev.Event], Callable[[Any], tuple[str, ...]]]] = {
    ev.TermsAccepted: _fixed("terms_accepted"),
    ev.OrderReviewed: lambda e: (f"po_reviewed_by_{e.role}",),
    ev.OrderStaged: _fixed("po_staged"),
    ev.ArrivalRecorded: _recorded,
    ev.ArrivalQuarantined: lambda e: _late(e, "quarantined" if e.order else "unmatched_arrival_quarantined"),
    ev.ArrivalVoided: _fixed("arrival_voided"),
    ev.OrderReleased: lambda e: (f"po_released_to_{e.node}",),
    ev.JobStarted: lambda e: (f"contract_version_pinned_{e.version}",),
    ev.JobSplit: _fixed("sublots_created"),
    ev.StepStarted: _fixed("step_started"),
    ev.DeviationUsed: _fixed("deviation_used"),
    ev.DeviationAuthorised: _fixed("deviation_recorded"),
    ev.ReadingRecorded: lambda e: () if e.conforms else ("nonconforming_reading",),
    ev.StepSigned: lambda e: ("step_complete",) if e.complete else ("first_signature",),
    ev.NonconformanceOpened: _fixed("ncr_opened"),
    ev.QaAccepted: _fixed("qa_accepted"),
    ev.ComplianceAccepted: _fixed("compliance_accepted"),
    ev.ReportIssued: _report,
    ev.ReviewWindowOpened: _fixed("review_window_opened"),
    ev.ReportApproved: _fixed("report_approved"),
    ev.ReportRejected: _fixed("report_rejected"),
    ev.ReviewWindowLapsed: _lapsed,
    ev.InvoiceIssued: lambda e: (f"invoice_issued:{e.milestone}",),
    ev.PayoutReleased: lambda e: (f"payout_released:{e.rule}",),
    ev.Imported: _fixed("entries_accepted"),
}

"""Events in the neutral words of the scenario vocabulary. Words only: nothing is decided or derived here."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from holdgate.law import event as ev


def effects_of(events: Iterable[ev.AnyEvent]) -> list[str]:
    """The effect names that events stand for."""
    found: list[str] = []
    for event in events:
        words = _WORDS.get(type(event))
        if words is not None:
            found.extend(words(event))
    return found


def _fixed(*words: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda _: words


def _late(event: ev.ArrivalRecorded | ev.ArrivalQuarantined, word: str) -> tuple[str, ...]:
    return (word, "arrival_late") if event.late else (word,)


def _report(event: ev.ReportIssued) -> tuple[str, ...]:
    words = ["report_issued"]
    if event.deviations:
        words.append("deviation_on_report")
    if event.attested_arrival:
        words.append("attested_arrival_on_report")
    if event.nonconforming:
        words.append("nonconformity_stated")
    if event.concessions:
        words.append("concession_on_report")
    if event.replaces:
        words.append(f"replaces_{event.replaces}")
    return tuple(words)


def _lapsed(event: ev.ReviewWindowLapsed) -> tuple[str, ...]:
    outcome = "escalated" if event.outcome == "escalate" else event.outcome
    return ("review_window_closed", outcome, "no_client_signature_created", *_fired(event))


def _delivered(event: ev.DeliveryClosed) -> tuple[str, ...]:
    return ("delivery_window_closed", "delivered_in_time" if event.in_time else "delivery_late", *_fired(event))


def _fired(event: ev.ReviewWindowLapsed | ev.DeliveryClosed) -> tuple[str, ...]:
    return ("timer_fired_late",) if event.late else ()


def _checked(event: ev.EquipmentChecked) -> tuple[str, ...]:
    return ("equipment_checked",) if event.result == "pass" else ("equipment_check_failed",)


_WORDS: Final[dict[type[ev.Event], Callable[[Any], tuple[str, ...]]]] = {
    ev.TermsAccepted: _fixed("terms_accepted"),
    ev.OrderReviewed: lambda e: (f"po_reviewed_by_{e.role}",),
    ev.OrderStaged: _fixed("po_staged"),
    ev.EquipmentCalibrated: _fixed("calibration_recorded"),
    ev.EquipmentChecked: _checked,
    ev.EquipmentWithdrawn: _fixed("equipment_withdrawn"),
    ev.MaterialExtended: _fixed("shelf_life_extended"),
    ev.DocumentVerified: _fixed("document_verified"),
    ev.JobAssigned: lambda e: ("job_reassigned",) if e.again else ("job_assigned",),
    ev.JobFlagged: _fixed("ncr_opened"),
    ev.PrechecksCompleted: _fixed("prechecks_complete"),
    ev.Triggered: lambda e: (e.effect,),
    ev.ArrivalRecorded: lambda e: _late(e, "arrival_recorded"),
    ev.ArrivalQuarantined: lambda e: _late(e, "quarantined" if e.order else "unmatched_arrival_quarantined"),
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
    ev.DeliveryClosed: _delivered,
    ev.ComplaintOpened: _fixed("complaint_opened"),
    ev.InvoiceIssued: lambda e: (f"invoice_issued:{e.milestone}",),
    ev.PayoutReleased: lambda e: (f"payout_released:{e.rule}",),
    ev.Imported: _fixed("entries_accepted"),
}

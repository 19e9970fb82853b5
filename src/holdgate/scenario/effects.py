"""Events in the neutral words of the scenario vocabulary. Nothing is decided here, and nothing is said that does not hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from holdgate.law import event as ev
from holdgate.law.state import Report


def effects_of(events: Iterable[ev.AnyEvent]) -> list[str]:
    """The effect names that the events of one entry stand for."""
    found: list[str] = []
    kinds = []
    for event in events:
        kinds.append(type(event))
        words = _WORDS.get(type(event))
        if words is not None:
            found.extend(words(event))
    if ev.SuggestionRecorded in kinds and ev.ParameterTuned not in kinds:
        found.append("no_rule_changed")
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
    if event.nonconforming:
        words.append("nonconformity_stated")
    if event.concessions:
        words.append("concession_on_report")
    if event.replaces:
        words.append(f"replaces_{event.replaces}")
    return tuple(words)


def _lapsed(event: ev.ReviewWindowLapsed) -> tuple[str, ...]:
    outcome = "escalated" if event.outcome == "escalate" else event.outcome
    return ("review_window_closed", outcome, *_fired(event))


def _delivered(event: ev.DeliveryClosed) -> tuple[str, ...]:
    return ("delivery_window_closed", "delivered_in_time" if event.in_time else "delivery_late", *_fired(event))


def _fired(event: ev.ReviewWindowLapsed | ev.DeliveryClosed) -> tuple[str, ...]:
    return ("timer_fired_late",) if event.late else ()


def _checked(event: ev.EquipmentChecked) -> tuple[str, ...]:
    return ("equipment_checked",) if event.result == "pass" else ("equipment_check_failed",)


def _reading(event: ev.ReadingRecorded) -> tuple[str, ...]:
    words = ["marked_late_entry"] if event.late else []
    if not event.conforms:
        words.extend(
            ("nonconforming_reading", "characteristic_failed") if event.acceptance else ("nonconforming_reading",)
        )
    return tuple(words)


def _signed(event: ev.StepSigned) -> tuple[str, ...]:
    if not event.complete:
        return ("first_signature", "signature_recorded")
    return ("step_failed",) if event.result == "fail" else ("step_complete",)


def _disposed(event: ev.NonconformanceDisposed) -> tuple[str, ...]:
    kept = ("result_kept_as_nonconforming",) if event.disposition == "report_nonconforming" else ()
    return (f"ncr_dispositioned_{event.disposition}", *kept)


def _activated(event: ev.ContractActivated) -> tuple[str, ...]:
    return ("contract_active", "previous_version_superseded") if event.supersedes else ("contract_active",)


def _suspended(event: ev.ContractSuspended) -> tuple[str, ...]:
    return ("contract_suspended", "running_jobs_halted") if event.jobs else ("contract_suspended",)


_WORDS: Final[dict[type[ev.Event], Callable[[Any], tuple[str, ...]]]] = {
    ev.IdentityEnrolled: _fixed("identity_enrolled"),
    ev.IdentityDisabled: _fixed("identity_disabled"),
    ev.IdentityRekeyed: _fixed("identity_rekeyed"),
    ev.PayloadKept: _fixed("payload_kept"),
    ev.PayloadErased: _fixed("payload_erased"),
    ev.HoldPlaced: _fixed("hold_placed"),
    ev.HoldLifted: _fixed("hold_lifted"),
    ev.SiteEnrolled: _fixed("site_enrolled"),
    ev.SiteRetired: _fixed("site_retired"),
    ev.RootsRotated: _fixed("roots_rotated"),
    ev.CredentialGranted: _fixed("credential_granted"),
    ev.EquipmentRegistered: _fixed("equipment_registered"),
    ev.MaterialRegistered: lambda e: ("batch_released",) if e.approved else (),
    ev.StandardAdopted: _fixed("standard_adopted"),
    ev.PolicyUpdated: lambda e: ("policy_withdrawn",) if e.withdrawn else ("policy_in_force",),
    ev.ContractSubmitted: _fixed("contract_draft"),
    ev.ContractApproved: lambda e: (f"contract_approved_by_{e.approval_role}",),
    ev.ContractCertified: _fixed("contract_certified"),
    ev.ContractActivated: _activated,
    ev.ContractSuspended: _suspended,
    ev.ContractResumed: _fixed("contract_resumed"),
    ev.SuggestionRecorded: _fixed("suggestion_recorded"),
    ev.TuneSuggested: _fixed("awaiting_approval"),
    ev.TuneApproved: lambda e: (f"tune_approved_by_{e.role}",),
    ev.ParameterTuned: lambda e: (f"tuned:{e.param}",),
    ev.TuneReverted: lambda e: (f"tune_reverted:{e.param}",),
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
    ev.ArrivalRecorded: _recorded,
    ev.ArrivalQuarantined: lambda e: _late(e, "quarantined" if e.order else "unmatched_arrival_quarantined"),
    ev.ArrivalVoided: _fixed("arrival_voided"),
    ev.OrderReleased: lambda e: (f"po_released_to_{e.node}",),
    ev.OrderReceived: _fixed("po_received"),
    ev.JobStarted: lambda e: (f"contract_version_pinned_{e.version}",),
    ev.JobSplit: _fixed("sublots_created"),
    ev.StepStarted: lambda e: ("step_started", f"test_version_pinned_{e.version}") if e.contract else ("step_started",),
    ev.DeviationUsed: _fixed("deviation_used"),
    ev.DeviationAuthorised: _fixed("deviation_recorded"),
    ev.ReadingRecorded: _reading,
    ev.StepSigned: _signed,
    ev.NonconformanceOpened: lambda e: ("ncr_opened", "serials_on_hold") if e.serials else ("ncr_opened",),
    ev.NonconformanceDisposed: _disposed,
    ev.PrechecksCompleted: _fixed("prechecks_complete"),
    ev.StepRestarted: _fixed("attempt_kept_in_history"),
    ev.RetestAuthorised: _fixed("retest_authorised", "original_result_retained"),
    ev.HoldReleased: _fixed("hold_released"),
    ev.WitnessNotified: _fixed("witness_notified"),
    ev.HelpCalled: _fixed("help_called"),
    ev.JobReprocessed: _fixed("job_reprocessed", "attempt_kept_in_history"),
    ev.JobTerminated: _fixed("job_terminated"),
    ev.JobFailed: _fixed("job_failed"),
    ev.JobResumed: _fixed("job_resumed", "attempt_kept_in_history"),
    ev.PermitIssued: _fixed("permit_issued"),
    ev.ModuleActed: _fixed("module_acted"),
    ev.EnvironmentLogged: _fixed("env_recorded"),
    ev.EnvironmentBroken: lambda e: ("env_excursion",) if e.kind == "excursion" else ("env_gap",),
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
    ev.PartyRegistered: _fixed("party_registered"),
    ev.AccountRegistered: _fixed("account_registered"),
    ev.ChargeAgreed: _fixed("charge_agreed"),
    ev.OrderSettled: _fixed("order_settled"),
    ev.CreditNoteIssued: lambda e: (f"credit_note_issued:{e.invoice}",),
    ev.InvoiceDisputed: _fixed("invoice_disputed"),
    ev.DisputeResolved: _fixed("dispute_resolved"),
    ev.PaymentReceived: lambda e: (f"payment_received:{e.invoice}",),
    ev.PaymentsOrdered: _fixed("payments_ordered"),
    ev.PayoutPaid: lambda e: (f"payout_paid:{e.payout}",),
    ev.PayoutFailed: lambda e: (f"payout_failed:{e.payout}",),
    ev.PayoutReversed: lambda e: (f"payout_reversed:{e.payout}",),
}

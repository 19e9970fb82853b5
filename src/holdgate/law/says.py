"""What an act can say: the kinds of events that an entry of each act may hold, its facts on a denial included.

An importing site does not decide again what another site decided; it holds the events against the act that people signed:
their kind, their order, job and step, and whom they name.
"""

from typing import Any, Final

from holdgate.law import command as c
from holdgate.law import event as ev

_GATE: Final = (ev.ReaderAdvanced, ev.ArrivalRecorded, ev.ArrivalKept, ev.ArrivalQuarantined, ev.OrderReleased)

_YIELDED: Final = (
    ev.EquipmentCalibrated,
    ev.EquipmentWithdrawn,
    ev.CredentialGranted,
    ev.MaterialRegistered,
    ev.StandardAdopted,
    ev.DocumentVerified,
)
"""What an accepted execution may make true of its subject."""

SAYS: Final[dict[type[c.Command], tuple[type[ev.Event], ...]]] = {
    c.EnrolIdentity: (ev.IdentityEnrolled,),
    c.DisableIdentity: (ev.IdentityDisabled,),
    c.RekeyIdentity: (ev.IdentityRekeyed,),
    c.EnrolSite: (ev.SiteEnrolled,),
    c.RetireSite: (ev.SiteRetired,),
    c.RotateRoots: (ev.RootsRotated,),
    c.GrantCredential: (ev.CredentialGranted,),
    c.RevokeCredential: (ev.CredentialRevoked,),
    c.RegisterEquipment: (ev.EquipmentRegistered,),
    c.RegisterMaterial: (ev.MaterialRegistered,),
    c.CalibrateEquipment: (ev.EquipmentCalibrated,),
    c.ExtendMaterial: (ev.MaterialExtended,),
    c.AdoptStandard: (ev.StandardAdopted,),
    c.VerifyDocument: (ev.DocumentVerified,),
    c.AssignJob: (ev.JobAssigned,),
    c.CloseDelivery: (ev.DeliveryClosed,),
    c.SubmitContract: (ev.ContractSubmitted,),
    c.ApproveContract: (ev.ContractApproved,),
    c.CertifyContract: (ev.ContractCertified,),
    c.ActivateContract: (ev.ContractActivated,),
    c.SuspendContract: (ev.ContractSuspended,),
    c.ResumeContract: (ev.ContractResumed,),
    c.SuggestTune: (ev.SuggestionRecorded, ev.TuneSuggested, ev.ParameterTuned),
    c.ApproveTune: (ev.TuneApproved, ev.ParameterTuned),
    c.RevertTune: (ev.TuneReverted,),
    c.SuggestChange: (ev.SuggestionRecorded,),
    c.UpdatePolicy: (ev.PolicyUpdated,),
    c.KeepPayload: (ev.PayloadKept,),
    c.ErasePayload: (ev.PayloadErased,),
    c.PlaceHold: (ev.HoldPlaced,),
    c.LiftHold: (ev.HoldLifted,),
    c.AcceptTerms: (ev.TermsAccepted,),
    c.ReviewOrder: (ev.OrderReviewed,),
    c.StageOrder: (ev.OrderStaged, ev.InvoiceIssued, ev.CreditNoteIssued),
    c.SignQa: (ev.QaAccepted, *_YIELDED, ev.InvoiceIssued, ev.PayoutReleased),
    c.SignCompliance: (ev.ComplianceAccepted, ev.InvoiceIssued, ev.PayoutReleased),
    c.GenerateReport: (ev.ReportIssued,),
    c.AmendReport: (ev.ReportIssued,),
    c.ReviewReport: (
        ev.ReportApproved,
        ev.ReportRejected,
        ev.ComplaintOpened,
        ev.InvoiceIssued,
        ev.PayoutReleased,
    ),
    c.CloseWindow: (ev.ReviewWindowLapsed, ev.InvoiceIssued, ev.PayoutReleased),
    c.StageSlip: (ev.SlipStaged, ev.ArrivalRecorded, ev.OrderReleased),
    c.ReportArrival: _GATE,
    c.AttestArrival: (ev.ArrivalRecorded, ev.ArrivalQuarantined, ev.OrderReleased),
    c.VoidArrival: (ev.ArrivalVoided,),
    c.AcknowledgeForward: (ev.ForwardAcknowledged,),
    c.ForwardOrder: (ev.OrderReceived,),
    c.NoticeOrder: (ev.OrderNoticed,),
    c.StartJob: (ev.JobStarted,),
    c.SplitJob: (ev.JobSplit,),
    c.StartStep: (ev.StepStarted, ev.DeviationUsed),
    c.RecordReading: (ev.ReadingRecorded,),
    c.SignStep: (ev.StepSigned, ev.NonconformanceOpened, ev.PrechecksCompleted, ev.JobFailed),
    c.RecordLate: (ev.ReadingRecorded,),
    c.RestartStep: (ev.StepRestarted,),
    c.ReleaseHold: (ev.HoldReleased,),
    c.NotifyWitness: (ev.WitnessNotified,),
    c.AuthoriseRetest: (ev.RetestAuthorised,),
    c.OpenNonconformance: (ev.NonconformanceOpened,),
    c.DisposeNonconformance: (ev.NonconformanceDisposed,),
    c.ReprocessJob: (ev.JobReprocessed,),
    c.TerminateJob: (ev.JobTerminated,),
    c.ResumeJob: (ev.JobResumed,),
    c.CallHelp: (ev.HelpCalled,),
    c.AskModule: (ev.PermitIssued,),
    c.ReportModule: (ev.ModuleActed,),
    c.LogEnvironment: (ev.EnvironmentLogged, ev.EnvironmentBroken, ev.EnvironmentRestored, ev.JobFailed),
    c.CheckEquipment: (ev.EquipmentChecked, ev.NonconformanceOpened),
    c.CorrectEntry: (ev.ReadingCorrected,),
    c.AuthoriseDeviation: (ev.DeviationAuthorised,),
    c.RegisterParty: (ev.PartyRegistered,),
    c.RegisterAccount: (ev.AccountRegistered,),
    c.AgreeCharge: (ev.ChargeAgreed, ev.InvoiceIssued),
    c.SettleOrder: (ev.OrderSettled, ev.InvoiceIssued),
    c.DisputeInvoice: (ev.InvoiceDisputed,),
    c.ResolveDispute: (ev.DisputeResolved, ev.CreditNoteIssued),
    c.RecordPayments: (ev.PaymentReceived,),
    c.RunPayments: (ev.PaymentsOrdered,),
    c.RecordResults: (ev.PayoutPaid, ev.PayoutFailed),
    c.ReversePayout: (ev.PayoutReversed,),
}
"""Acts that are not named (wishes that are always refused) say nothing."""

WITHOUT_AN_ACT: Final = (ev.JobFlagged, ev.EquipmentWithdrawn)
"""What the business hub says in entries of kind `consequence`, signed by nobody but the hub's own checkpoint."""


SAME: Final[dict[type[ev.Event], tuple[str, ...]]] = {
    ev.IdentityEnrolled: ("id", "name", "org", "kind", "key", "roles"),
    ev.IdentityRekeyed: ("id", "key"),
    ev.SiteEnrolled: ("id", "kind", "origin", "key", "sealing_key"),
    ev.SiteRetired: ("id",),
    ev.PayloadKept: ("commitment", "kind", "subject"),
    ev.PayloadErased: ("commitment", "reason"),
    ev.HoldPlaced: ("subject", "reason"),
    ev.HoldLifted: ("subject",),
    ev.JobStarted: ("serials",),
    ev.StepStarted: ("equipment", "materials"),
    ev.DeviationUsed: ("deviation",),
    ev.ReadingRecorded: ("characteristic", "serial", "value", "unit", "instrument"),
    ev.ReadingCorrected: ("characteristic", "serial"),
    ev.StepSigned: ("result",),
    ev.NonconformanceOpened: ("ncr", "serials"),
    ev.NonconformanceDisposed: ("ncr", "disposition", "concession"),
    ev.RetestAuthorised: ("cause",),
    ev.DeviationAuthorised: ("deviation", "waive"),
    ev.PermitIssued: ("permit", "module", "deed", "operator"),
    ev.ModuleActed: ("permit",),
    ev.EnvironmentLogged: ("series", "value", "unit"),
}
"""What an event repeats of the act that was signed, word for word, where the act says it."""


_STANDS: Final = ("zone", "node", "sealing_key")
"""What an enrolment may leave open; what it leaves open, nobody fills in."""


def can_say(command: c.AnyCommand, event: ev.AnyEvent) -> bool:
    """Whether an entry of this act may hold this event: its kind, its subject, what it repeats, and whom it names."""
    if not isinstance(event, SAYS.get(type(command), ())):
        return False
    if isinstance(command, c.SignQa) and isinstance(event, _YIELDED):
        return True  # it speaks of the subject, which may be an order of its own
    order = command.slip.order if isinstance(command, c.StageSlip) else getattr(command, "order", None)
    if order is not None and getattr(event, "order", None) not in (None, order):
        return False
    for field in ("job", "step", *SAME.get(type(event), ())):
        named: Any = getattr(command, field, None)
        if named is not None and getattr(event, field, named) != named:
            return False
    if isinstance(command, (c.CalibrateEquipment, c.CheckEquipment)) and event.equipment != command.id:  # type: ignore[union-attr]
        return False
    if isinstance(command, c.AdoptStandard) and (event.standard, event.edition) != (command.standard, command.edition):  # type: ignore[union-attr]
        return False
    if isinstance(command, c.EnrolIdentity) and any(getattr(event, f, None) != getattr(command, f) for f in _STANDS):
        return False
    if isinstance(command, c.RekeyIdentity) and getattr(event, "sealing_key", None) != command.sealing_key:
        return False
    if isinstance(command, c.EnrolSite) and getattr(event, "area", None) != (command.area or ""):
        return False
    if isinstance(command, c.CorrectEntry) and getattr(event, "value", None) != command.new_value:
        return False
    who = getattr(event, "by", getattr(event, "sensor", None))
    return who is None or any(signer.id == who for signer in command.signers)

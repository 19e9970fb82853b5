"""Acts by what they have in common: which site decides them, who signs them, what a stop or a failure does to them.

The rows of `table.GATES` name these groups, so that a new act is guarded by joining the groups that it belongs to.
"""

from typing import Final

from holdgate.law import command as c

Acts = tuple[type[c.Command], ...]

HUB_ACTS: Final[Acts] = (
    c.EnrolIdentity,
    c.DisableIdentity,
    c.RekeyIdentity,
    c.EnrolSite,
    c.RetireSite,
    c.RotateRoots,
    c.GrantCredential,
    c.RevokeCredential,
    c.RegisterEquipment,
    c.RegisterMaterial,
    c.CalibrateEquipment,
    c.ExtendMaterial,
    c.AdoptStandard,
    c.VerifyDocument,
    c.SubmitContract,
    c.ApproveContract,
    c.CertifyContract,
    c.ActivateContract,
    c.SuspendContract,
    c.ResumeContract,
    c.SuggestTune,
    c.ApproveTune,
    c.RevertTune,
    c.SuggestChange,
    c.ApplyChange,
    c.UpdatePolicy,
    c.KeepPayload,
    c.ErasePayload,
    c.PlaceHold,
    c.LiftHold,
    c.AcceptTerms,
    c.ReviewOrder,
    c.StageOrder,
    c.AssignJob,
    c.CloseDelivery,
    c.SignQa,
    c.SignCompliance,
    c.DisposeNonconformance,
    c.GenerateReport,
    c.AmendReport,
    c.ReviewReport,
    c.CloseWindow,
    c.IssueInvoice,
    c.ReleasePayout,
    c.RegisterParty,
    c.RegisterAccount,
    c.AgreeCharge,
    c.SettleOrder,
    c.DisputeInvoice,
    c.ResolveDispute,
    c.RecordPayments,
    c.RunPayments,
    c.RecordResults,
    c.ReversePayout,
)
NODE_ACTS: Final[Acts] = (
    c.ForwardOrder,
    c.NoticeOrder,
    c.StartJob,
    c.RepinJob,
    c.SplitJob,
    c.StartStep,
    c.RecordReading,
    c.SignStep,
    c.CorrectEntry,
    c.AuthoriseDeviation,
    c.RecordLate,
    c.RestartStep,
    c.ReleaseHold,
    c.NotifyWitness,
    c.AuthoriseRetest,
    c.OpenNonconformance,
    c.DisposeNonconformance,
    c.ReprocessJob,
    c.TerminateJob,
    c.ResumeJob,
    c.CallHelp,
    c.AskModule,
    c.ReportModule,
    c.LogEnvironment,
    c.CheckEquipment,
    c.WriteVault,
)
BETWEEN_SITES: Final[Acts] = (c.ForwardOrder, c.NoticeOrder)
SIGNING: Final[Acts] = (
    c.ApproveContract,
    c.CertifyContract,
    c.ApproveTune,
    c.RevertTune,
    c.UpdatePolicy,
    c.AcceptTerms,
    c.ReviewOrder,
    c.SignStep,
    c.AuthoriseDeviation,
    c.ReleaseHold,
    c.DisposeNonconformance,
    c.ResumeJob,
    c.SignQa,
    c.SignCompliance,
    c.ReviewReport,
    c.RegisterParty,
    c.RegisterAccount,
    c.AgreeCharge,
    c.SettleOrder,
    c.DisputeInvoice,
    c.ResolveDispute,
    c.RunPayments,
    c.ReversePayout,
)
"""Acts that carry a person's signature with components, session and meaning."""
EVERY: Final[Acts] = tuple(dict.fromkeys((*HUB_ACTS, *NODE_ACTS)))
MODULE_ACTS: Final[Acts] = (c.AskModule, c.ReportModule)
STEP_ACTS: Final[Acts] = (c.StartStep, c.RecordReading, c.RecordLate, c.SignStep)
"""What a performer does at a step: each names the contract that it is done under."""
PERFORMED: Final[Acts] = (*STEP_ACTS, c.CorrectEntry, c.RestartStep)
"""What only somebody qualified for the step does."""
JOB_ACTS: Final[Acts] = (
    *PERFORMED,
    c.SplitJob,
    c.RepinJob,
    c.AuthoriseDeviation,
    c.ReleaseHold,
    c.NotifyWitness,
    c.AuthoriseRetest,
    c.OpenNonconformance,
    c.DisposeNonconformance,
    c.ReprocessJob,
    c.TerminateJob,
    c.ResumeJob,
    c.AskModule,
    c.ReportModule,
)
REPORTED: Final[Acts] = (c.SignQa, c.SignCompliance, c.GenerateReport)
"""The way of a job's record to its report."""
GOES_ON: Final[Acts] = (
    c.RecordReading,
    c.RecordLate,
    c.OpenNonconformance,
    c.RepinJob,
    c.TerminateJob,
    c.ResumeJob,
)
"""What a failed execution does not stop: facts, its resumption and its end (a repin is refused anyway)."""
FAILED: Final[Acts] = tuple(act for act in (*JOB_ACTS, *REPORTED) if act not in GOES_ON)
"""What a failed execution stops: a new act of a job too, unless it is listed above."""
REASONED: Final[Acts] = (
    c.CorrectEntry,
    c.AuthoriseDeviation,
    c.DisableIdentity,
    c.RekeyIdentity,
    c.RetireSite,
    c.RotateRoots,
    c.RevokeCredential,
    c.RecordLate,
    c.RestartStep,
    c.DisposeNonconformance,
    c.ReprocessJob,
    c.TerminateJob,
    c.ResumeJob,
    c.SuspendContract,
    c.ResumeContract,
    c.RevertTune,
    c.UpdatePolicy,
    c.ErasePayload,
    c.PlaceHold,
    c.LiftHold,
    c.AmendReport,
    c.AgreeCharge,
    c.SettleOrder,
    c.DisputeInvoice,
    c.ResolveDispute,
    c.ReversePayout,
)
EVIDENCED: Final[Acts] = (
    c.AuthoriseDeviation,
    c.GrantCredential,
    c.RecordLate,
    c.AuthoriseRetest,
    c.ResumeJob,
    c.SuggestTune,
    c.ExtendMaterial,
    c.AdoptStandard,
)
FROM_FILES: Final[Acts] = (
    c.GrantCredential,
    c.RegisterEquipment,
    c.RegisterMaterial,
    c.CalibrateEquipment,
    c.ExtendMaterial,
    c.AdoptStandard,
)
"""Acts that an import makes (an enrolment has two officers anyway)."""
HOLDS: Final[Acts] = (c.PlaceHold, c.LiftHold)
TUNING: Final[Acts] = (c.SuggestTune, c.ApproveTune, c.RevertTune)
STOPPED: Final[Acts] = (
    c.AcceptTerms,
    c.StageOrder,
    c.SignQa,
    c.SignCompliance,
    c.StartJob,
    c.StartStep,
    c.SignStep,
    c.AskModule,
    c.ReportModule,
)
"""What stop-work refuses. Readings are recorded all the same."""

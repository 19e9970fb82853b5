"""GATES: every gate, in the order in which it is asked, with the acts that it guards. This is the order of precedence."""

from collections.abc import Callable
from typing import Final, NamedTuple

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.gates import (
    contracts,
    deviations,
    enrolment,
    entries,
    environment,
    equipment,
    location,
    materials,
    modules,
    money,
    nonconformances,
    orders,
    own_rules,
    people,
    points,
    quality,
    readings,
    refusals,
    reports,
    sequence,
    signatures,
    standards,
    tokens,
    windows,
)

Acts = tuple[type[c.Command], ...]


class Gate(NamedTuple):
    """A named check and the acts that it guards."""

    name: str
    check: Callable[[Case], None]
    acts: Acts

    @property
    def passed(self) -> str:
        """What the trace says where the gate found nothing."""
        return f"{self.name} ok"


HUB_ACTS: Final[Acts] = (
    c.EnrolIdentity,
    c.DisableIdentity,
    c.GrantCredential,
    c.RevokeCredential,
    c.RegisterEquipment,
    c.RegisterMaterial,
    c.SubmitContract,
    c.ApproveContract,
    c.CertifyContract,
    c.ActivateContract,
    c.AcceptTerms,
    c.ReviewOrder,
    c.StageOrder,
    c.SignQa,
    c.SignCompliance,
    c.GenerateReport,
    c.ReviewReport,
    c.CloseWindow,
    c.IssueInvoice,
    c.ReleasePayout,
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
    c.AskModule,
    c.ReportModule,
    c.LogEnvironment,
    c.WriteVault,
)
BETWEEN_SITES: Final[Acts] = (c.ForwardOrder, c.NoticeOrder)
SIGNING: Final[Acts] = (
    c.ApproveContract,
    c.CertifyContract,
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
)
"""Acts that carry a person's signature with components, session and meaning."""

EVERY: Final[Acts] = (*HUB_ACTS, *NODE_ACTS)
STEP_ACTS: Final[Acts] = (c.StartStep, c.RecordReading, c.RecordLate, c.SignStep)
"""What a performer does at a step: each names the contract that it is done under."""
PERFORMED: Final[Acts] = (*STEP_ACTS, c.CorrectEntry, c.RestartStep)
"""What only somebody qualified for the step does."""
STOPPED: Final[Acts] = (
    c.StartStep,
    c.SignStep,
    c.CorrectEntry,
    c.RestartStep,
    c.SplitJob,
    c.AuthoriseDeviation,
    c.ReleaseHold,
    c.NotifyWitness,
    c.AuthoriseRetest,
    c.DisposeNonconformance,
    c.ReprocessJob,
    c.AskModule,
    c.ReportModule,
    c.SignQa,
    c.SignCompliance,
    c.GenerateReport,
)
"""What a failed execution stops: all but facts (readings, red tags), its resumption and its end."""
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

REASONED: Final[Acts] = (
    c.CorrectEntry,
    c.AuthoriseDeviation,
    c.DisableIdentity,
    c.RevokeCredential,
    c.RecordLate,
    c.RestartStep,
    c.DisposeNonconformance,
    c.ReprocessJob,
    c.TerminateJob,
    c.ResumeJob,
)
EVIDENCED: Final[Acts] = (c.AuthoriseDeviation, c.GrantCredential, c.RecordLate, c.AuthoriseRetest, c.ResumeJob)

GATES: Final[tuple[Gate, ...]] = (
    Gate("location.site", location.site, EVERY),
    Gate("refusals.vault", refusals.vault, (c.WriteVault,)),
    Gate("people.identity", people.identity, EVERY),
    Gate("people.role", people.role, tuple(people.ROLES)),
    Gate("people.site_key", people.site_key, BETWEEN_SITES),
    Gate("people.client", people.client, (c.AcceptTerms, c.ReviewReport)),
    Gate("entries.claimed_time", entries.claimed_time, tuple(a for a in EVERY if a not in BETWEEN_SITES)),
    Gate("enrolment.key", enrolment.key, (c.EnrolIdentity,)),
    Gate("enrolment.sponsors", enrolment.sponsors, (c.EnrolIdentity,)),
    Gate("enrolment.disabled", enrolment.disabled, (c.DisableIdentity,)),
    Gate("tokens.known_person", tokens.known_person, (c.GrantCredential, c.RevokeCredential)),
    Gate("contracts.document", contracts.document, (c.SubmitContract,)),
    Gate(
        "contracts.known",
        contracts.known,
        (c.ApproveContract, c.CertifyContract, c.ActivateContract, c.AcceptTerms, c.StageOrder),
    ),
    Gate("contracts.approval", contracts.approval, (c.ApproveContract,)),
    Gate("contracts.certificate", contracts.certificate, (c.CertifyContract,)),
    Gate("contracts.releasable", contracts.releasable, (c.ActivateContract,)),
    Gate("contracts.in_force", contracts.in_force, (c.AcceptTerms, c.StageOrder)),
    Gate("orders.terms", orders.terms, (c.AcceptTerms,)),
    Gate("orders.agreed", orders.agreed, (c.StageOrder,)),
    Gate("orders.stageable", orders.stageable, (c.StageOrder,)),
    Gate("orders.documents", orders.documents, (c.StageOrder,)),
    Gate("orders.forwarded", orders.forwarded, (c.ForwardOrder,)),
    Gate("sequence.arrived", sequence.arrived, (c.StartJob,)),
    Gate("location.node", location.node, (c.StartJob,)),
    Gate("contracts.startable", contracts.startable, (c.StartJob,)),
    Gate("location.freshness", location.freshness, (c.StartJob, c.StartStep)),
    Gate("sequence.new_job", sequence.new_job, (c.StartJob,)),
    Gate("sequence.job_open", sequence.job_open, JOB_ACTS),
    Gate("sequence.not_failed", sequence.not_failed, STOPPED),
    Gate("sequence.pinned", sequence.pinned, (*STEP_ACTS, c.RepinJob)),
    Gate("people.step_role", people.step_role, (c.StartJob, *PERFORMED)),
    Gate("tokens.credentials", tokens.credentials, PERFORMED),
    Gate("tokens.demanded", tokens.demanded, (*JOB_ACTS, c.StartJob, *REPORTED)),
    Gate("standards.in_force", standards.in_force, (c.StartJob,)),
    Gate("orders.subject", orders.subject, (c.StageOrder,)),
    Gate("location.zone", location.zone, (*STEP_ACTS, c.CorrectEntry)),
    Gate("location.workstation", location.workstation, SIGNING),
    Gate("sequence.nonconformances", sequence.nonconformances, (c.StartStep, c.SignStep, c.SignQa, c.AskModule)),
    Gate("deviations.usable", deviations.usable, (c.StartStep,)),
    Gate("sequence.in_order", sequence.in_order, (c.StartStep, c.AskModule)),
    Gate("sequence.not_started", sequence.not_started, (c.StartStep,)),
    Gate("sequence.no_open_step", sequence.no_open_step, (c.SplitJob,)),
    Gate("sequence.partition", sequence.partition, (c.SplitJob,)),
    Gate("windows.dwell", windows.dwell, (c.StartStep,)),
    Gate("points.held", points.held, (c.StartStep, c.AskModule)),
    Gate("points.witnessed", points.witnessed, (c.StartStep,)),
    Gate("points.releasable", points.releasable, (c.ReleaseHold,)),
    Gate("points.noticeable", points.noticeable, (c.NotifyWitness,)),
    Gate("environment.fit_to_start", environment.fit_to_start, (c.StartStep,)),
    Gate("environment.good_to_sign", environment.good_to_sign, (c.SignStep,)),
    Gate("environment.good_to_report", environment.good_to_report, (c.GenerateReport,)),
    Gate("environment.resumable", environment.resumable, (c.ResumeJob,)),
    Gate("environment.logged", environment.logged, (c.LogEnvironment,)),
    Gate("environment.forward", environment.forward, (c.LogEnvironment,)),
    Gate("sequence.step_open", sequence.step_open, (c.RecordReading, c.RecordLate, c.SignStep, c.RestartStep)),
    Gate("modules.named", modules.named, (c.AskModule,)),
    Gate("modules.new_permit", modules.new_permit, (c.AskModule,)),
    Gate("modules.operator", modules.operator, (c.AskModule,)),
    Gate("modules.permitted", modules.permitted, (c.ReportModule,)),
    Gate("nonconformances.new", nonconformances.new, (c.OpenNonconformance,)),
    Gate("nonconformances.known", nonconformances.known, (c.DisposeNonconformance,)),
    Gate("nonconformances.authorised", nonconformances.authorised, (c.DisposeNonconformance,)),
    Gate("nonconformances.retest", nonconformances.retest, (c.AuthoriseRetest,)),
    Gate("nonconformances.reprocess", nonconformances.reprocess, (c.ReprocessJob,)),
    Gate("equipment.declared", equipment.declared, (c.StartStep, c.SignStep)),
    Gate("materials.batches", materials.batches, (c.StartStep, c.SignStep)),
    Gate("readings.characteristic", readings.characteristic, (c.RecordReading, c.RecordLate, c.CorrectEntry)),
    Gate("readings.recorded", readings.recorded, (c.CorrectEntry,)),
    Gate("equipment.instrument", equipment.instrument, (c.RecordReading, c.RecordLate)),
    Gate("entries.observed_time", entries.observed_time, (c.RecordReading, c.LogEnvironment)),
    Gate("entries.late", entries.late, (c.RecordLate,)),
    Gate("entries.reason", entries.reason, REASONED),
    Gate("entries.evidence", entries.evidence, EVIDENCED),
    Gate("deviations.waivable", deviations.waivable, (c.AuthoriseDeviation,)),
    Gate("deviations.client_agrees", deviations.client_agrees, (c.AuthoriseDeviation,)),
    Gate("readings.complete", readings.complete, (c.SignStep,)),
    Gate("readings.result", readings.result, (c.SignStep,)),
    Gate("readings.conforming", readings.conforming, (c.SignStep,)),
    Gate("readings.conceded", readings.conceded, (c.SignStep,)),
    Gate("quality.job_known", quality.job_known, (c.SignQa, c.SignCompliance, c.GenerateReport)),
    Gate("quality.whole", quality.whole, (c.SignQa,)),
    Gate("quality.unsigned", quality.unsigned, (c.SignQa, c.SignCompliance)),
    Gate("quality.reconciled", quality.reconciled, (c.SignQa,)),
    Gate("reports.accepted", reports.accepted, (c.GenerateReport,)),
    Gate("reports.content", reports.content, (c.GenerateReport,)),
    Gate("reports.known", reports.known, (c.ReviewReport, c.CloseWindow)),
    Gate("reports.verdict", reports.verdict, (c.ReviewReport,)),
    Gate("reports.window_over", reports.window_over, (c.CloseWindow,)),
    Gate("money.invoice", money.invoice, (c.IssueInvoice,)),
    Gate("money.payout", money.payout, (c.ReleasePayout,)),
    Gate("own_rules", own_rules.own_rules, (c.StartStep, c.SignStep)),
    Gate("signatures.performer", signatures.performer, (c.SignStep,)),
    Gate("signatures.independent", signatures.independent, (c.SignQa, c.SignCompliance)),
    Gate(
        "signatures.not_subject",
        signatures.not_subject,
        (c.SignStep, c.SignQa, c.AuthoriseRetest, c.DisposeNonconformance),
    ),
    Gate("signatures.unlocked", signatures.unlocked, SIGNING),
    Gate("signatures.meaning", signatures.meaning, SIGNING),
    Gate("signatures.seen", signatures.seen, (c.SignStep, c.SignQa, c.SignCompliance, c.ReviewReport)),
)


def gates_of(act: type[c.Command]) -> tuple[Gate, ...]:
    """The gates that guard an act, in order."""
    return tuple(gate for gate in GATES if act in gate.acts)

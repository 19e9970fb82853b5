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
    equipment,
    location,
    materials,
    money,
    orders,
    own_rules,
    people,
    quality,
    readings,
    refusals,
    reports,
    sequence,
    signatures,
    tokens,
    tuning,
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
    c.SuspendContract,
    c.ResumeContract,
    c.SuggestTune,
    c.ApproveTune,
    c.RevertTune,
    c.SuggestChange,
    c.ApplyChange,
    c.UpdatePolicy,
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
    c.SignQa,
    c.SignCompliance,
    c.ReviewReport,
)
"""Acts that carry a person's signature with components, session and meaning."""

EVERY: Final[Acts] = (*HUB_ACTS, *NODE_ACTS)
STEP_ACTS: Final[Acts] = (c.StartStep, c.RecordReading, c.SignStep)
JOB_ACTS: Final[Acts] = (*STEP_ACTS, c.CorrectEntry, c.SplitJob, c.RepinJob, c.AuthoriseDeviation)
TUNING: Final[Acts] = (c.SuggestTune, c.ApproveTune, c.RevertTune)
STOPPED: Final[Acts] = tuple(
    act
    for act in (
        c.AcceptTerms,
        c.StageOrder,
        c.SignQa,
        c.StartJob,
        c.StartStep,
        c.SignStep,
        c.AskModule,
        c.ReportModule,
    )
    if act in EVERY
)
"""Acts that stop-work refuses, as far as this law version decides them. Readings are recorded all the same."""

GATES: Final[tuple[Gate, ...]] = (
    Gate("location.site", location.site, EVERY),
    Gate("refusals.vault", refusals.vault, (c.WriteVault,)),
    Gate("refusals.authority", refusals.authority, (c.ApplyChange,)),
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
        (
            c.ApproveContract,
            c.CertifyContract,
            c.ActivateContract,
            c.SuspendContract,
            c.ResumeContract,
            *TUNING,
            c.AcceptTerms,
            c.StageOrder,
        ),
    ),
    Gate("contracts.approval", contracts.approval, (c.ApproveContract,)),
    Gate("contracts.complete", contracts.complete, (c.CertifyContract,)),
    Gate("contracts.certificate", contracts.certificate, (c.CertifyContract,)),
    Gate("contracts.releasable", contracts.releasable, (c.ActivateContract,)),
    Gate("contracts.stop_work", contracts.stop_work, (c.SuspendContract, c.ResumeContract)),
    Gate("tuning.released", tuning.released, TUNING),
    Gate("tuning.known_contract", tuning.known_contract, (c.SuggestChange,)),
    Gate("tuning.declared", tuning.declared, (c.SuggestTune,)),
    Gate("tuning.in_range", tuning.in_range, (c.SuggestTune,)),
    Gate("tuning.changes", tuning.changes, (c.SuggestTune,)),
    Gate("tuning.waits", tuning.waits, (c.ApproveTune,)),
    Gate("tuning.named", tuning.named, (c.ApproveTune, c.RevertTune)),
    Gate("tuning.each_once", tuning.each_once, (c.ApproveTune,)),
    Gate("tuning.revertible", tuning.revertible, (c.RevertTune,)),
    Gate("tokens.policy", tokens.policy, (c.UpdatePolicy,)),
    Gate("contracts.in_force", contracts.in_force, (c.AcceptTerms, c.StageOrder)),
    Gate("contracts.suspended", contracts.suspended, STOPPED),
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
    Gate("sequence.pinned", sequence.pinned, (*STEP_ACTS, c.RepinJob)),
    Gate("people.step_role", people.step_role, (c.StartJob, *STEP_ACTS, c.CorrectEntry)),
    Gate("tokens.credentials", tokens.credentials, (*STEP_ACTS, c.CorrectEntry)),
    Gate("tokens.policies", tokens.policies, (c.StartStep, c.SignStep)),
    Gate("location.zone", location.zone, (*STEP_ACTS, c.CorrectEntry)),
    Gate("location.workstation", location.workstation, SIGNING),
    Gate("sequence.nonconformances", sequence.nonconformances, (c.StartStep, c.SignStep, c.SignQa)),
    Gate("deviations.usable", deviations.usable, (c.StartStep,)),
    Gate("sequence.in_order", sequence.in_order, (c.StartStep,)),
    Gate("sequence.not_started", sequence.not_started, (c.StartStep,)),
    Gate("sequence.no_open_step", sequence.no_open_step, (c.SplitJob,)),
    Gate("sequence.partition", sequence.partition, (c.SplitJob,)),
    Gate("windows.dwell", windows.dwell, (c.StartStep,)),
    Gate("sequence.step_open", sequence.step_open, (c.RecordReading, c.SignStep)),
    Gate("equipment.declared", equipment.declared, (c.StartStep, c.SignStep)),
    Gate("materials.batches", materials.batches, (c.StartStep, c.SignStep)),
    Gate("readings.characteristic", readings.characteristic, (c.RecordReading, c.CorrectEntry)),
    Gate("readings.recorded", readings.recorded, (c.CorrectEntry,)),
    Gate("equipment.instrument", equipment.instrument, (c.RecordReading,)),
    Gate("entries.observed_time", entries.observed_time, (c.RecordReading,)),
    Gate(
        "entries.reason",
        entries.reason,
        (
            c.CorrectEntry,
            c.AuthoriseDeviation,
            c.DisableIdentity,
            c.RevokeCredential,
            c.SuspendContract,
            c.ResumeContract,
            c.RevertTune,
            c.UpdatePolicy,
        ),
    ),
    Gate("entries.evidence", entries.evidence, (c.AuthoriseDeviation, c.GrantCredential, c.SuggestTune)),
    Gate("deviations.waivable", deviations.waivable, (c.AuthoriseDeviation,)),
    Gate("deviations.client_agrees", deviations.client_agrees, (c.AuthoriseDeviation,)),
    Gate("readings.complete", readings.complete, (c.SignStep,)),
    Gate("readings.result", readings.result, (c.SignStep,)),
    Gate("readings.conforming", readings.conforming, (c.SignStep,)),
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
    Gate("signatures.unlocked", signatures.unlocked, SIGNING),
    Gate("signatures.meaning", signatures.meaning, SIGNING),
    Gate("signatures.seen", signatures.seen, (c.SignStep, c.SignQa, c.SignCompliance, c.ReviewReport)),
)


def gates_of(act: type[c.Command]) -> tuple[Gate, ...]:
    """The gates that guard an act, in order."""
    return tuple(gate for gate in GATES if act in gate.acts)

"""Outcomes: what becomes true when an action passed all its gates. One function per act; it decides nothing any more."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import erasures, interruptions, paying, registers, reporting
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.environment import heard
from holdgate.law.gates.modules import permission_of
from holdgate.law.gates.orders import body_of, slip_of
from holdgate.law.gates.readings import failing
from holdgate.law.gates.tuning import applies_at_once, waiting_for
from holdgate.law.orders import body_digest
from holdgate.law.rotation import rotated
from holdgate.law.state import Job, flag_id, remaining
from holdgate.law.technique import Parameter
from holdgate.terms.errors import InvariantBroken
from holdgate.terms.instant import SECOND_US

Events = tuple[ev.AnyEvent, ...]


def _enrol(_: Case, m: c.EnrolIdentity) -> Events:
    return (
        ev.IdentityEnrolled(
            id=m.id,
            name=m.name,
            org=m.org,
            kind=m.kind,
            key=m.key,
            roles=m.roles,
            zone=m.zone,
            node=m.node,
            sealing_key=m.sealing_key,
        ),
    )


def _disable(_: Case, m: c.DisableIdentity) -> Events:
    return (ev.IdentityDisabled(id=m.id),)


def _rekey(_: Case, m: c.RekeyIdentity) -> Events:
    return (ev.IdentityRekeyed(id=m.id, key=m.key, sealing_key=m.sealing_key),)


def _enrol_site(_: Case, m: c.EnrolSite) -> Events:
    seat = {"id": m.id, "kind": m.kind, "origin": m.origin, "area": m.area or ""}
    return (ev.SiteEnrolled(**seat, key=m.key, sealing_key=m.sealing_key),)


def _retire_site(_: Case, m: c.RetireSite) -> Events:
    return (ev.SiteRetired(id=m.id),)


def _grant(_: Case, m: c.GrantCredential) -> Events:
    return (ev.CredentialGranted(person=m.person, credential=m.credential, until=m.until),)


def _revoke(_: Case, m: c.RevokeCredential) -> Events:
    return (ev.CredentialRevoked(person=m.person, credential=m.credential),)


def _equipment(_: Case, m: c.RegisterEquipment) -> Events:
    return (
        ev.EquipmentRegistered(
            id=m.id,
            equipment_class=m.equipment_class,
            cal_from=m.cal_from,
            cal_until=m.cal_until,
            in_service=m.in_service,
        ),
    )


def _material(_: Case, m: c.RegisterMaterial) -> Events:
    return (ev.MaterialRegistered(batch=m.batch, material_kind=m.material_kind, until=m.until, approved=m.approved),)


def _submit_contract(case: Case, m: c.SubmitContract) -> Events:
    return (ev.ContractSubmitted(contract=m.contract, version=m.version, sha256=m.sha256, author=case.actor.id),)


def _sha256(case: Case) -> str:
    if case.contract is None:
        raise InvariantBroken("a gate let an act pass on a contract that is not there")
    return case.contract.sha256


def _approve(case: Case, m: c.ApproveContract) -> Events:
    return (ev.ContractApproved(sha256=_sha256(case), approval_role=m.approval_role, by=case.actor.id),)


def _certify(case: Case, m: c.CertifyContract) -> Events:
    return (ev.ContractCertified(sha256=_sha256(case), certificate=m.certificate, by=case.actor.id),)


def _activate(case: Case, m: c.ActivateContract) -> Events:
    before = case.state.in_force.get(m.contract, "")
    return (ev.ContractActivated(sha256=_sha256(case), effectivity=m.effectivity, supersedes=before),)


def _suspend(case: Case, _: c.SuspendContract) -> Events:
    sha256 = _sha256(case)
    running = [job for job in case.state.jobs.values() if job.status == "running" and sha256 in _pinned_to(job)]
    return (ev.ContractSuspended(sha256=sha256, by=case.actor.id, jobs=len(running)),)


def _pinned_to(job: Job) -> tuple[str, ...]:
    """The versions that a running job rests on: its own, and that of its open test."""
    attempt = job.attempts[job.open_step] if job.open_step >= 0 else None
    return (job.sha256,) if attempt is None else (job.sha256, attempt.contract)


def _resume(case: Case, _: c.ResumeContract) -> Events:
    return (ev.ContractResumed(sha256=_sha256(case), by=case.actor.id),)


def _parameter(case: Case) -> Parameter:
    if case.parameter is None:
        raise InvariantBroken("a gate let a change pass of something that is not adaptable")
    return case.parameter


def _suggest(case: Case, m: c.SuggestTune) -> Events:
    sha256, parameter = _sha256(case), _parameter(case)
    recorded = ev.SuggestionRecorded(contract=m.contract, by=case.actor.id)
    tuned = {} if case.contract is None else case.contract.tuned
    if applies_at_once(parameter, m.value, tuned):
        return (recorded, ev.ParameterTuned(sha256=sha256, param=m.param, value=m.value))
    return (recorded, ev.TuneSuggested(sha256=sha256, param=m.param, value=m.value, by=case.actor.id))


def _approve_tune(case: Case, m: c.ApproveTune) -> Events:
    """The last approval that the contract asks for brings the value into force."""
    sha256, parameter, waiting, actor = _sha256(case), _parameter(case), waiting_for(case), case.actor
    if waiting is None:
        raise InvariantBroken("a gate let an approval pass of nothing")
    approved = ev.TuneApproved(sha256=sha256, param=m.param, role=actor.role, by=actor.id)
    agreed = {**waiting.approvals, actor.role: actor.id}
    if any(role not in agreed for role in parameter.approve):
        return (approved,)
    client = case.state.identities.get(agreed.get("client", ""))
    org = "" if client is None else client.org
    return (approved, ev.ParameterTuned(sha256=sha256, param=m.param, value=waiting.value, client=org))


def _revert_tune(case: Case, m: c.RevertTune) -> Events:
    return (ev.TuneReverted(sha256=_sha256(case), param=m.param, by=case.actor.id),)


def _suggest_change(case: Case, m: c.SuggestChange) -> Events:
    return (ev.SuggestionRecorded(contract=m.contract, by=case.actor.id),)


def _update_policy(case: Case, m: c.UpdatePolicy) -> Events:
    before = case.state.policies.get(m.policy)
    if before is None:
        return (ev.PolicyUpdated(policy=m.policy, zone=m.zone, credential=m.credential, version=1),)
    asked = (before.zone, before.credential) if m.withdraw else (m.zone, m.credential)
    version = before.version + 1
    return (
        ev.PolicyUpdated(policy=m.policy, zone=asked[0], credential=asked[1], version=version, withdrawn=m.withdraw),
    )


def _accept_terms(case: Case, m: c.AcceptTerms) -> Events:
    org = "" if case.person is None else case.person.org
    return (
        ev.TermsAccepted(order=m.order, sha256=_sha256(case), org=org, by=case.actor.id, on_silence=m.terms.on_silence),
    )


def _review(case: Case, m: c.ReviewOrder) -> Events:
    return (ev.OrderReviewed(order=m.order, document_digest=m.document_digest, role=case.actor.role, by=case.actor.id),)


def _stage(case: Case, m: c.StageOrder) -> Events:
    sha256 = _sha256(case)
    template = case.library.template(sha256)
    if template is None:
        raise InvariantBroken("a released contract has no document")
    silence = "escalate"
    for acceptance in () if case.order is None else case.order.acceptances:
        if acceptance.sha256 == sha256 and acceptance.org == m.client:
            silence = acceptance.on_silence
    buffer_max_s = template.buffer_max_s if m.buffer_max_s is None else m.buffer_max_s
    verified = case.state.verified.get(m.order, {})
    until = m.document_until | verified
    staged = ev.OrderStaged(
        order=m.order,
        contract=m.contract,
        version=m.version,
        sha256=sha256,
        node=m.node,
        client=m.client,
        part_no=m.part_no,
        rev=m.rev,
        serials=m.serials,
        documents=(*m.documents, *(name for name in verified if name not in m.documents)),
        document_until={name: end for name, end in until.items() if end is not None},
        policy=m.arrival_policy,
        evidence=template.arrival_evidence,
        buffer_max_us=buffer_max_s * SECOND_US,
        body="",
        silence=silence,
        arrival_due=m.arrival_due,
        delivery_due=m.delivery_due,
        amendment=m.amendment,
    )
    return (replace(staged, body=body_digest(staged)),)


def _forward(case: Case, m: c.ForwardOrder) -> Events:
    slip = slip_of(case)
    body = None if slip is None else body_of(case, slip)
    if slip is None or body is None:
        raise InvariantBroken("a gate let a forwarded order pass without its body")
    return (
        ev.OrderReceived(
            order=m.order,
            sha256=body.sha256,
            client=body.client,
            part_no=body.part_no,
            rev=body.rev,
            serials=m.serials,
            ordered=body.serials,
            documents=body.documents,
            document_until=body.document_until,
            body=slip.body,
        ),
    )


def _notice(_: Case, m: c.NoticeOrder) -> Events:
    return (ev.OrderNoticed(order=m.order, node=m.node, state=m.state),)


def _start_job(case: Case, m: c.StartJob) -> Events:
    order, record = case.order, case.contract
    if order is None or record is None:
        raise InvariantBroken("a gate let a job start without its order")
    serials = order.arrived if m.serials is None else m.serials
    return (
        ev.JobStarted(
            order=m.order,
            job=m.job,
            sha256=record.sha256,
            version=record.version,
            serials=serials,
            by=case.actor.id,
        ),
    )


def _split(_: Case, m: c.SplitJob) -> Events:
    jobs = tuple(lot.job for lot in m.into)
    return (ev.JobSplit(order=m.order, job=m.job, jobs=jobs, serials=tuple(lot.serials for lot in m.into)),)


def _start_step(case: Case, m: c.StartStep) -> Events:
    pinned = None if case.job is None else case.library.technique(case.job.technique)
    own = case.contract if pinned is not None and pinned.by_test else None
    started = ev.StepStarted(
        order=m.order,
        job=m.job,
        step=m.step,
        by=case.actor.id,
        equipment=m.equipment,
        materials=m.materials,
        tuned=case.tuned,
        contract="" if own is None else own.sha256,
        version="" if own is None else own.version,
    )
    if case.deviation is None:
        return (started,)
    return (started, ev.DeviationUsed(order=m.order, job=m.job, deviation=case.deviation.id))


def _record(case: Case, m: c.RecordReading | c.RecordLate) -> Events:
    measure, value = case.measure, case.value
    if measure is None or value is None:
        raise InvariantBroken("a gate let a reading pass that is none")
    return (
        ev.ReadingRecorded(
            order=m.order,
            job=m.job,
            step=m.step,
            characteristic=m.characteristic,
            value=m.value,
            unit=m.unit,
            conforms=measure.conforms(value),
            serial=m.serial,
            instrument=m.instrument,
            acceptance=measure.acceptance,
            late=type(m) is c.RecordLate,
            observed_at=m.observed_at if type(m) is c.RecordLate else None,
        ),
    )


def _sign_step(case: Case, m: c.SignStep) -> Events:
    attempt, operation = case.attempt, case.operation
    if attempt is None or operation is None:
        raise InvariantBroken("a gate let a signature pass without an open step")
    signed = ev.StepSigned(
        order=m.order,
        job=m.job,
        step=m.step,
        by=case.actor.id,
        result=m.result,
        complete=len(attempt.signers) + 1 >= operation.signatures,
    )
    if m.result == "fail" and signed.complete:
        return (signed, _failed_step(case, m))
    return (signed, *_prechecks(case, signed))


def _failed_step(case: Case, m: c.SignStep) -> ev.NonconformanceOpened:
    """On the parts whose readings failed; on all that remain where a reading is for the whole job."""
    job, operation, attempt = case.job, case.operation, case.attempt
    if job is None or operation is None or attempt is None:
        raise InvariantBroken("a gate let a signature pass without an open step")
    missed = [key.partition("/")[2] for key, _ in failing(operation, attempt, job)]
    serials = tuple(dict.fromkeys(missed)) if missed and "" not in missed else remaining(job)
    ncr = flag_id("auto", m.job, m.step)
    return ev.NonconformanceOpened(order=m.order, job=m.job, ncr=ncr, step=m.step, serials=serials)


def _prechecks(case: Case, signed: ev.StepSigned) -> tuple[ev.PrechecksCompleted, ...]:
    """The signature that completes the last pre-check says so (a correction signed anew does not say it again)."""
    job, operation, technique, attempt = case.job, case.operation, case.technique, case.attempt
    if job is None or operation is None or technique is None or attempt is None:
        return ()
    if not operation.precheck or not signed.complete or attempt.completed_at:
        return ()
    others = [job.attempts[position] for position in technique.prechecks if position != operation.position]
    if any(other is None or not other.passed for other in others):
        return ()
    return (ev.PrechecksCompleted(order=signed.order, job=signed.job),)


def _correct(case: Case, m: c.CorrectEntry) -> Events:
    measure, value, attempt = case.measure, case.value, case.attempt
    if measure is None or value is None or attempt is None:
        raise InvariantBroken("a gate let a correction pass that corrects nothing")
    key = m.characteristic if m.serial is None else f"{m.characteristic}/{m.serial}"
    return (
        ev.ReadingCorrected(
            order=m.order,
            job=m.job,
            step=m.step,
            characteristic=m.characteristic,
            old_value=attempt.last[key].value,
            value=m.new_value,
            conforms=measure.conforms(value),
            by=case.actor.id,
            serial=m.serial,
        ),
    )


def _authorise(case: Case, m: c.AuthoriseDeviation) -> Events:
    return (
        ev.DeviationAuthorised(
            order=m.order, job=m.job, step=m.step, deviation=m.deviation, waive=m.waive, by=case.actor.id
        ),
    )


def _permit(case: Case, m: c.AskModule) -> Events:
    permission = permission_of(case, m.module, m.deed)
    if permission is None:
        raise InvariantBroken("a gate let a module pass that the contract does not name")
    return (
        ev.PermitIssued(
            order=m.order,
            job=m.job,
            step=m.step,
            permit=m.permit,
            module=m.module,
            deed=m.deed,
            until=case.now + permission.permit_us,
            operator=m.operator or "",
        ),
    )


def _module_acted(_: Case, m: c.ReportModule) -> Events:
    return (ev.ModuleActed(order=m.order, job=m.job, step=m.step, permit=m.permit),)


def _log(case: Case, m: c.LogEnvironment) -> Events:
    if case.value is None:
        raise InvariantBroken("a gate let a value pass that is none")
    at = case.now if m.observed_at is None else m.observed_at
    return heard(case.state, case.library, m.series, case.actor.id, m.unit, case.value, at)


def _sign_qa(case: Case, m: c.SignQa) -> Events:
    q = m.quantities
    return (
        ev.QaAccepted(
            order=m.order,
            job=m.job,
            by=case.actor.id,
            accepted=q.accepted,
            rejected=q.rejected,
            scrapped=q.scrapped,
        ),
    )


def _sign_compliance(case: Case, m: c.SignCompliance) -> Events:
    return (ev.ComplianceAccepted(order=m.order, job=m.job, by=case.actor.id),)


def _never(_: Case, m: c.AnyCommand) -> Events:
    raise InvariantBroken(f"{type(m).__name__} is always refused, and no gate refused it")


OUTCOMES: Final[dict[type[c.Command], Callable[[Case, Any], Events]]] = {
    c.EnrolIdentity: _enrol,
    c.DisableIdentity: _disable,
    c.RekeyIdentity: _rekey,
    c.EnrolSite: _enrol_site,
    c.RetireSite: _retire_site,
    c.RotateRoots: rotated,
    c.GrantCredential: _grant,
    c.RevokeCredential: _revoke,
    c.RegisterEquipment: _equipment,
    c.RegisterMaterial: _material,
    c.CalibrateEquipment: registers.calibrate,
    c.ExtendMaterial: registers.extend,
    c.AdoptStandard: registers.adopt,
    c.VerifyDocument: registers.verify,
    c.SubmitContract: _submit_contract,
    c.ApproveContract: _approve,
    c.CertifyContract: _certify,
    c.ActivateContract: _activate,
    c.SuspendContract: _suspend,
    c.ResumeContract: _resume,
    c.SuggestTune: _suggest,
    c.ApproveTune: _approve_tune,
    c.RevertTune: _revert_tune,
    c.SuggestChange: _suggest_change,
    c.ApplyChange: _never,
    c.UpdatePolicy: _update_policy,
    c.KeepPayload: erasures.keep,
    c.ErasePayload: erasures.erase,
    c.PlaceHold: erasures.place_hold,
    c.LiftHold: erasures.lift_hold,
    c.AcceptTerms: _accept_terms,
    c.ReviewOrder: _review,
    c.StageOrder: _stage,
    c.AssignJob: registers.assign,
    c.CloseDelivery: reporting.close_delivery,
    c.ForwardOrder: _forward,
    c.NoticeOrder: _notice,
    c.StartJob: _start_job,
    c.RepinJob: _never,
    c.SplitJob: _split,
    c.StartStep: _start_step,
    c.RecordReading: _record,
    c.SignStep: _sign_step,
    c.CorrectEntry: _correct,
    c.AuthoriseDeviation: _authorise,
    c.RecordLate: _record,
    c.RestartStep: interruptions.restart,
    c.ReleaseHold: interruptions.release_hold,
    c.NotifyWitness: interruptions.notify,
    c.AuthoriseRetest: interruptions.retest,
    c.OpenNonconformance: interruptions.open_ncr,
    c.ReprocessJob: interruptions.reprocess,
    c.TerminateJob: interruptions.terminate,
    c.ResumeJob: interruptions.resume_job,
    c.CallHelp: interruptions.call_help,
    c.AskModule: _permit,
    c.ReportModule: _module_acted,
    c.LogEnvironment: _log,
    c.CheckEquipment: registers.check,
    c.WriteVault: _never,
    c.SignQa: _sign_qa,
    c.SignCompliance: _sign_compliance,
    c.DisposeNonconformance: registers.dispose,
    c.GenerateReport: reporting.generate,
    c.AmendReport: reporting.amend,
    c.ReviewReport: reporting.review,
    c.CloseWindow: reporting.close_window,
    c.IssueInvoice: _never,
    c.ReleasePayout: _never,
    **paying.OUTCOMES,
}

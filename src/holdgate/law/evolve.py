# LONG: everything that changes state lives in this file, one function per event
"""evolve: the fold. One function per event; state changes here and nowhere else.

`evolve(state, library, event, at, ref)` applies an event that entry `ref` of the own log made known at `at`. It decides
nothing: whatever is in the log has been decided. It is deterministic and touches only `state`.

An event of another site may speak of what is not known here. So each function looks up first and changes then: where it
raises, nothing is half changed.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.identity.roster import Credential, Identity
from holdgate.law import event as ev
from holdgate.law import view
from holdgate.law.library import Library, require_documents, require_technique
from holdgate.law.state import (
    BECOMES,
    OVER,
    Acceptance,
    Adopted,
    Attempt,
    Break,
    Closed,
    Contact,
    ContractRecord,
    Deviation,
    Doubt,
    EarlyArrival,
    Equipment,
    Job,
    Last,
    Material,
    Ncr,
    Order,
    Permit,
    Policy,
    Report,
    Series,
    StagedSlip,
    State,
    Suggestion,
    job_key,
    may_become,
    remaining,
)

Step = Callable[[State, Library, Any, int, int], None]

LAPSES_KEPT: Final = 8
"""Earlier revocations of a credential, and doubts about an instrument, that are kept; the oldest two become one."""
OUTAGES_KEPT: Final = 100
"""Outages in memory; older ones are in the log alone."""
BREAKS_KEPT: Final = 64
"""Stretches of a series after which those that nothing rests on any more are forgotten."""


def evolve(state: State, library: Library, event: ev.AnyEvent, at: int, ref: int) -> None:
    """Apply one event to the state.

    Args:
        state: changed in place.
        library: the pinned law documents.
        event: what became true.
        at: when this site put it on its record (UTC µs).
        ref: the own-log entry that holds it.

    Raises:
        Tampered: the event speaks of a law document that the store does not hold.
        LookupError: it speaks of something else that is not known here. Either way the state is as it was.
    """
    _STEPS[type(event)](state, library, event, at, ref)


# ---- identities and facts ------------------------------------------------------------------------------------------


def enrolled(e: ev.IdentityEnrolled, ref: int) -> Identity:
    """The roster's row of somebody who was just enrolled."""
    return Identity(
        id=e.id,
        name=e.name,
        org=e.org,
        kind=e.kind,
        key=e.key,
        roles=e.roles,
        ref=ref,
        zone=e.zone,
        node=e.node,
        sealing_key=e.sealing_key,
        credentials={},
    )


def _identity_enrolled(state: State, _: Library, e: ev.IdentityEnrolled, at: int, ref: int) -> None:
    state.identities[e.id] = enrolled(e, ref)
    state.key_owners[e.key.hex()] = e.id


def _identity_disabled(state: State, _: Library, e: ev.IdentityDisabled, at: int, ref: int) -> None:
    identity = state.identities[e.id]
    identity.disabled_at, identity.ref = at, ref


def _credential_granted(state: State, _: Library, e: ev.CredentialGranted, at: int, ref: int) -> None:
    """A new grant ends a revocation; what was signed meanwhile by somebody who did not know of it stays doubtful."""
    credentials = state.identities[e.person].credentials
    held = credentials.get(e.credential)
    lapses = () if held is None else held.lapses
    if held is not None and held.revoked_at is not None:
        lapses += ((held.revoked_at, at),)
    if len(lapses) > LAPSES_KEPT:
        lapses = ((lapses[0][0], lapses[1][1]), *lapses[2:])
    credentials[e.credential] = Credential(until=e.until, ref=ref, lapses=lapses)


def _credential_revoked(state: State, _: Library, e: ev.CredentialRevoked, at: int, ref: int) -> None:
    credential = state.identities[e.person].credentials[e.credential]
    credential.revoked_at, credential.ref = at, ref


def _equipment_registered(state: State, _: Library, e: ev.EquipmentRegistered, at: int, ref: int) -> None:
    """Registered anew, it keeps what is known of its past use."""
    known = state.equipment.get(e.id)
    state.equipment[e.id] = Equipment(
        id=e.id,
        equipment_class=e.equipment_class,
        cal_from=e.cal_from,
        cal_until=e.cal_until,
        in_service=e.in_service,
        ref=ref,
        good_at=0 if known is None else known.good_at,
        doubts=() if known is None else known.doubts,
        unheard=known is not None and known.unheard,
    )


def _equipment_calibrated(state: State, _: Library, e: ev.EquipmentCalibrated, at: int, ref: int) -> None:
    """In service again, unless it failed a check here since, of which the business hub does not know yet."""
    equipment = state.equipment[e.equipment]
    equipment.cal_from, equipment.cal_until, equipment.ref = e.cal_from, e.cal_until, ref
    equipment.in_service = not equipment.unheard
    if e.as_found == "in_tolerance":
        _found_good(state, equipment, at)
    else:
        _found_bad(equipment)
        _end_doubt(equipment, at)


def _equipment_withdrawn(state: State, _: Library, e: ev.EquipmentWithdrawn, at: int, ref: int) -> None:
    equipment = state.equipment[e.equipment]
    equipment.in_service, equipment.unheard, equipment.ref = False, False, ref
    if e.as_found == "out_of_tolerance":
        _found_bad(equipment)


def _equipment_checked(state: State, _: Library, e: ev.EquipmentChecked, at: int, ref: int) -> None:
    """A failed check withdraws it until it is calibrated; a pass says nothing for one that is withdrawn."""
    equipment = state.equipment[e.equipment]
    if e.result == "pass":
        if equipment.in_service:
            _found_good(state, equipment, at)
            equipment.ref = ref
        return
    equipment.in_service, equipment.unheard, equipment.ref = False, state.kind == "node", ref
    _found_bad(equipment)


def _found_good(state: State, equipment: Equipment, at: int) -> None:
    """What was done with it until then is not recalled any more by a later finding."""
    _end_doubt(equipment, at)
    uses = state.uses.get(equipment.id)
    if uses is None:
        return
    left = {job: last for job, last in uses.items() if last > at}
    if left:
        state.uses[equipment.id] = left
    else:
        del state.uses[equipment.id]


def _found_bad(equipment: Equipment) -> None:
    """Every use since the last good finding is in doubt, and each later one until the next."""
    if all(doubt.until is not None for doubt in equipment.doubts):
        equipment.doubts += (Doubt(since=equipment.good_at, until=None),)
    if len(equipment.doubts) > LAPSES_KEPT:
        first, second, *later = equipment.doubts
        equipment.doubts = (Doubt(since=first.since, until=second.until), *later)


def _end_doubt(equipment: Equipment, at: int) -> None:
    equipment.doubts = tuple(replace(d, until=at) if d.until is None else d for d in equipment.doubts)
    equipment.good_at = max(equipment.good_at, at)


def _used(state: State, item: str, job: str, at: int) -> None:
    """An instrument or machine was used for a job: a later bad finding recalls it."""
    equipment = state.equipment.get(item)
    if equipment is None or at <= equipment.good_at:
        return
    uses = state.uses.get(item)
    if uses is None:
        state.uses[item] = {job: at}
    else:
        uses[job] = max(at, uses.get(job, 0))


def _unused(state: State, item: str, job: str) -> None:
    """A use that is recalled is dealt with; and so are the uses of a job that is closed."""
    uses = state.uses.get(item)
    if uses is not None and uses.pop(job, None) is not None and not uses:
        del state.uses[item]


def _material_registered(state: State, _: Library, e: ev.MaterialRegistered, at: int, ref: int) -> None:
    state.materials[e.batch] = Material(
        batch=e.batch, material_kind=e.material_kind, until=e.until, approved=e.approved, ref=ref
    )


def _standard_adopted(state: State, _: Library, e: ev.StandardAdopted, at: int, ref: int) -> None:
    state.standards[e.standard] = Adopted(edition=e.edition, until=e.until, ref=ref)


def _policy_updated(state: State, _: Library, e: ev.PolicyUpdated, at: int, ref: int) -> None:
    state.policies[e.policy] = Policy(
        id=e.policy,
        zone=e.zone,
        credential=e.credential,
        version=e.version,
        at=at,
        ref=ref,
        withdrawn=e.withdrawn,
    )


def _material_extended(state: State, _: Library, e: ev.MaterialExtended, at: int, ref: int) -> None:
    batch = state.materials[e.batch]
    batch.until, batch.ref = e.until, ref


def _document_verified(state: State, _: Library, e: ev.DocumentVerified, at: int, ref: int) -> None:
    """A node may hear of it before the order itself comes."""
    state.verified.setdefault(e.order, {})[e.document] = e.until
    order = state.orders.get(e.order)
    if order is not None:
        order.documents[e.document], order.ref = e.until, ref


# ---- contracts -----------------------------------------------------------------------------------------------------


def _contract_submitted(state: State, library: Library, e: ev.ContractSubmitted, at: int, ref: int) -> None:
    """A draft: whether its technique could ever be worked by is nobody's concern before it is certified."""
    require_documents(library, e.sha256)
    state.contracts[e.sha256] = ContractRecord(
        sha256=e.sha256, contract=e.contract, version=e.version, author=e.author, ref=ref, approvals={}
    )
    state.versions[f"{e.contract}/{e.version}"] = e.sha256


def _contract_approved(state: State, _: Library, e: ev.ContractApproved, at: int, ref: int) -> None:
    state.contracts[e.sha256].approvals[e.approval_role] = e.by


def _contract_certified(state: State, _: Library, e: ev.ContractCertified, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.certificate, record.certified_by = e.certificate, e.by


def _contract_activated(state: State, _: Library, e: ev.ContractActivated, at: int, ref: int) -> None:
    """The version before it is superseded; with `unstarted_jobs` no earlier one starts anything any more, ever."""
    record = state.contracts[e.sha256]
    for other in state.contracts.values():
        if other.contract == record.contract and other.status in ("active", "superseded"):
            other.status = "barred" if e.effectivity == "unstarted_jobs" else "superseded"
    record.status, record.effectivity, record.ref = "active", e.effectivity, ref
    state.in_force[record.contract] = e.sha256


def _contract_suspended(state: State, _: Library, e: ev.ContractSuspended, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.suspended, record.ref = True, ref


def _contract_resumed(state: State, _: Library, e: ev.ContractResumed, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.suspended, record.ref = False, ref


def _suggestion_recorded(state: State, _: Library, e: ev.SuggestionRecorded, at: int, ref: int) -> None:
    """On the record, for people to read; it changes no rule."""


def _tune_suggested(state: State, _: Library, e: ev.TuneSuggested, at: int, ref: int) -> None:
    state.contracts[e.sha256].suggested[e.param] = Suggestion(value=e.value, by=e.by, approvals={})


def _tune_approved(state: State, _: Library, e: ev.TuneApproved, at: int, ref: int) -> None:
    state.contracts[e.sha256].suggested[e.param].approvals[e.role] = e.by


def _parameter_tuned(state: State, _: Library, e: ev.ParameterTuned, at: int, ref: int) -> None:
    """What was agreed to before another value came into force is agreed to anew: a waiting suggestion falls."""
    record = state.contracts[e.sha256]
    record.tuned[e.param], record.ref = e.value, ref
    record.suggested.pop(e.param, None)
    record.agreed.pop(e.param, None)
    if e.client:
        record.agreed[e.param] = e.client


def _tune_reverted(state: State, _: Library, e: ev.TuneReverted, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.ref = ref
    for held in (record.tuned, record.agreed):
        held.pop(e.param, None)
    record.suggested.pop(e.param, None)


# ---- orders at the business hub ------------------------------------------------------------------------------------


def _order(state: State, order: str) -> Order:
    found = state.orders.get(order)
    if found is None:
        found = state.orders[order] = Order(id=order, documents={}, acceptances=[], reviews={}, jobs=[], fired={})
    return found


def _terms_accepted(state: State, _: Library, e: ev.TermsAccepted, at: int, ref: int) -> None:
    acceptance = Acceptance(sha256=e.sha256, org=e.org, by=e.by, on_silence=e.on_silence, ref=ref)
    _order(state, e.order).acceptances.append(acceptance)


def _order_reviewed(state: State, _: Library, e: ev.OrderReviewed, at: int, ref: int) -> None:
    _order(state, e.order).reviews.setdefault(e.document_digest, {})[e.role] = e.by


def _order_staged(state: State, _: Library, e: ev.OrderStaged, at: int, ref: int) -> None:
    order = _order(state, e.order)
    same_parts = (order.part_no, order.rev, order.serials) == (e.part_no, e.rev, e.serials)
    if order.node != e.node:
        _unassign(state, e.order)
    order.status, order.sha256, order.contract, order.version = "staged", e.sha256, e.contract, e.version
    order.node, order.client, order.part_no, order.rev, order.serials = e.node, e.client, e.part_no, e.rev, e.serials
    order.documents = _documents(state, e)
    order.silence, order.staged_at, order.ref = e.silence, at, ref
    order.delivery_closed = order.delivery_closed and e.delivery_due == order.delivery_due
    order.delivery_due = e.delivery_due
    if not (e.amendment and same_parts):
        order.arrived, order.attested_parts, order.attested = (), (), False


def _documents(state: State, e: ev.OrderStaged | ev.OrderReceived) -> dict[str, int | None]:
    """The documents that an order came with, and those that Compliance verified."""
    return {name: e.document_until.get(name) for name in e.documents} | state.verified.get(e.order, {})


def _job_assigned(state: State, _: Library, e: ev.JobAssigned, at: int, ref: int) -> None:
    state.assigned[job_key(e.order, e.job)] = e.technician


def _unassign(state: State, order: str) -> None:
    """An order that goes to another node: that node has not heard who was named, so they are named anew."""
    for key in [key for key in state.assigned if key.startswith(f"{order}/")]:
        del state.assigned[key]


def _delivery_closed(state: State, _: Library, e: ev.DeliveryClosed, at: int, ref: int) -> None:
    order = state.orders[e.order]
    order.delivery_closed, order.ref = True, ref


def _job_flagged(state: State, _: Library, e: ev.JobFlagged, at: int, ref: int) -> None:
    """At its node, a job that QA accepted is closed: the business hub deals with it alone."""
    key = job_key(e.order, e.job)
    _unused(state, e.equipment, key)
    job = state.jobs.get(key)
    if job is not None:
        job.ncrs[e.ncr] = Ncr(id=e.ncr, step=e.step, serials=(), equipment=e.equipment, ref=ref)
        job.ref = ref


def _qa_accepted(state: State, _: Library, e: ev.QaAccepted, at: int, ref: int) -> None:
    if state.kind == "node":
        _closed(state, e, at)
        return
    job = state.jobs[job_key(e.order, e.job)]
    job.qa_by, job.handed_over, job.ref = e.by, True, ref


def _closed(state: State, e: ev.QaAccepted, at: int) -> None:
    """The node is done with the job, unless a step was taken up again meanwhile: QA accepted an earlier record then."""
    key = job_key(e.order, e.job)
    job, order, before = state.jobs.get(key), state.orders.get(e.order), state.closed.get(key)
    if job is not None and job.status != "complete":
        return
    if job is not None and order is not None:
        order.settled += job.serials
    state.jobs.pop(key, None)
    state.closed[key] = Closed(by=e.by, at=at, report="" if before is None else before.report)
    state.assigned.pop(key, None)
    for item in [*state.uses]:
        _unused(state, item, key)


def _unaccepted(job: Job) -> None:
    """QA and Compliance signed another record than this one; they look at it, and sign, anew."""
    job.qa_by = job.compliance_by = ""


def _compliance_accepted(state: State, _: Library, e: ev.ComplianceAccepted, at: int, ref: int) -> None:
    job = state.jobs.get(job_key(e.order, e.job))
    if job is not None:
        job.compliance_by = e.by


def _report_issued(state: State, _: Library, e: ev.ReportIssued, at: int, ref: int) -> None:
    """A node only remembers that there is one: what the job rests on is not corrected any more."""
    if state.kind == "node":
        closed = state.closed.get(job_key(e.order, e.job))
        if closed is not None:
            closed.report = e.report
        return
    replaced, order = state.reports.get(e.replaces), state.orders.get(e.order)
    if replaced is not None:
        replaced.status, replaced.replaced_by, replaced.ref = "superseded", e.report, ref
    if order is not None:
        order.delivered_at = order.delivered_at or at
    state.reports[e.report] = Report(
        id=e.report,
        order=e.order,
        job=e.job,
        digest=e.digest,
        deviations=e.deviations,
        issued_seq=ref,
        ref=ref,
    )
    job = state.jobs.get(job_key(e.order, e.job))
    if job is not None:
        job.report = e.report


def _window_opened(state: State, _: Library, e: ev.ReviewWindowOpened, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.opened_at, report.closes_at, report.ref = e.opened_at, e.closes_at, ref


def _report_approved(state: State, _: Library, e: ev.ReportApproved, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.status, report.ref = "approved", ref


def _report_rejected(state: State, _: Library, e: ev.ReportRejected, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.status, report.ref = "rejected", ref


def _window_lapsed(state: State, _: Library, e: ev.ReviewWindowLapsed, at: int, ref: int) -> None:
    report = state.reports[e.report]
    report.status, report.outcome, report.ref = "lapsed", e.outcome, ref


def _complaint_opened(state: State, _: Library, e: ev.ComplaintOpened, at: int, ref: int) -> None:
    """On the record; it changes no report."""


def _invoice_issued(state: State, _: Library, e: ev.InvoiceIssued, at: int, ref: int) -> None:
    state.orders[e.order].fired[f"invoice:{e.milestone}"] = ref


def _payout_released(state: State, _: Library, e: ev.PayoutReleased, at: int, ref: int) -> None:
    state.orders[e.order].fired[f"payout:{e.job}:{e.rule}:{e.payee}"] = ref


# ---- the gate ------------------------------------------------------------------------------------------------------


def _slip_staged(state: State, _: Library, e: ev.SlipStaged, at: int, ref: int) -> None:
    before = state.slips.get(e.order)
    slip = StagedSlip(
        order=e.order,
        node=e.node,
        slip=e.slip,
        body=e.body,
        part_no=e.part_no,
        rev=e.rev,
        serials=e.serials,
        policy=e.policy,
        evidence=e.evidence,
        buffer_max_us=e.buffer_max_us,
        staged_at=at,
        ref=ref,
        staged_seq=ref,
    )
    if (
        e.amendment
        and before is not None
        and (before.part_no, before.rev, before.serials) == (e.part_no, e.rev, e.serials)
    ):
        slip.arrived, slip.staged_at, slip.gone = before.arrived, before.staged_at, before.gone + before.released
        slip.state = "partial" if before.arrived else "held"
    state.slips[e.order] = slip


def _reader_advanced(state: State, _: Library, e: ev.ReaderAdvanced, at: int, ref: int) -> None:
    state.readers[e.reader] = e.seq


def _arrival_recorded(state: State, _: Library, e: ev.ArrivalRecorded, at: int, ref: int) -> None:
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.arrived += tuple(s for s in e.serials if s not in slip.arrived)
        slip.state = "partial" if slip.state == "held" else slip.state
        slip.late = slip.late or e.late
        slip.ref = ref
    order = state.orders.get(e.order)
    if order is not None and state.kind == "business_hub":
        order.arrived += tuple(s for s in e.serials if s not in order.arrived)
        if e.evidence == "attested":
            order.attested_parts += e.serials
        order.attested, order.ref = bool(order.attested_parts), ref
    state.early = [early for early in state.early if early.order != e.order]


def _arrival_kept(state: State, _: Library, e: ev.ArrivalKept, at: int, ref: int) -> None:
    if state.kind == "floor_hub":
        state.early.append(
            EarlyArrival(
                order=e.order, part_no=e.part_no, rev=e.rev, serials=e.serials, captured_at=e.captured_at, ref=ref
            )
        )


def _arrival_quarantined(state: State, _: Library, e: ev.ArrivalQuarantined, at: int, ref: int) -> None:
    """On the record; it changes no order."""


def _arrival_voided(state: State, _: Library, e: ev.ArrivalVoided, at: int, ref: int) -> None:
    """These parts are waited for again. A scan that is kept for an order to come loses them too."""
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.arrived = _without(slip.arrived, e.serials)
        slip.state, slip.ref = "partial" if slip.arrived else "held", ref
    order = state.orders.get(e.order)
    if order is not None and state.kind == "business_hub":
        order.arrived, order.attested_parts = (
            _without(order.arrived, e.serials),
            _without(order.attested_parts, e.serials),
        )
        order.attested, order.ref = bool(order.attested_parts), ref
    kept = [_less(early, e) for early in state.early]
    state.early = [early for early in kept if early.serials]


def _less(early: EarlyArrival, e: ev.ArrivalVoided) -> EarlyArrival:
    return replace(early, serials=_without(early.serials, e.serials)) if early.order == e.order else early


def _without(serials: tuple[str, ...], voided: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(serial for serial in serials if serial not in voided)


def _order_released(state: State, _: Library, e: ev.OrderReleased, at: int, ref: int) -> None:
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.released += tuple(s for s in e.serials if s not in slip.released)
        slip.state = "released" if e.complete else "partial"
        slip.ref = ref
    order = state.orders.get(e.order)
    if order is not None:
        order.status, order.ref = "released", ref


def _forward_acknowledged(state: State, _: Library, e: ev.ForwardAcknowledged, at: int, ref: int) -> None:
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.state = "acknowledged" if slip.state == "released" else slip.state


# ---- jobs and steps ------------------------------------------------------------------------------------------------


def _order_received(state: State, _: Library, e: ev.OrderReceived, at: int, ref: int) -> None:
    order = _order(state, e.order)
    order.status, order.ref = "received", ref
    if state.kind == "node":
        order.sha256, order.client, order.part_no, order.rev = e.sha256, e.client, e.part_no, e.rev
        order.serials, order.node, order.body = e.ordered, state.site, e.body
        order.documents = _documents(state, e)
        order.arrived += tuple(s for s in e.serials if s not in order.arrived)


def _order_noticed(state: State, _: Library, e: ev.OrderNoticed, at: int, ref: int) -> None:
    if state.kind == "node":
        state.notices[e.order] = f"{e.node} {e.state}"


def _job_started(state: State, library: Library, e: ev.JobStarted, at: int, ref: int) -> None:
    technique = require_technique(library, e.sha256)
    order = _order(state, e.order)
    key = job_key(e.order, e.job)
    state.jobs[key] = Job(
        id=e.job,
        order=e.order,
        sha256=e.sha256,
        technique=technique.sha256,
        version=e.version,
        node=order.node,
        client=order.client,
        serials=e.serials,
        attempts=[None] * len(technique.operations),
        started_by=e.by,
        started_at=at,
        ref=ref,
    )
    order.jobs.append(key)


def _job_split(state: State, _: Library, e: ev.JobSplit, at: int, ref: int) -> None:
    parent, order = state.jobs[job_key(e.order, e.job)], state.orders[e.order]
    if len(e.jobs) != len(e.serials):
        raise LookupError(f"the split of {e.job} names {len(e.jobs)} jobs and {len(e.serials)} lots")
    parent.status, parent.ref = "split", ref
    for job, serials in zip(e.jobs, e.serials, strict=True):
        key = job_key(e.order, job)
        state.jobs[key] = lot = Job(
            id=job,
            order=parent.order,
            sha256=parent.sha256,
            technique=parent.technique,
            version=parent.version,
            node=parent.node,
            client=parent.client,
            serials=serials,
            attempts=[None if a is None else _copy(a) for a in parent.attempts],
            started_by=parent.started_by,
            started_at=parent.started_at,
            resumed_at=parent.resumed_at,
            first_start_at=parent.first_start_at,
            last_done_at=parent.last_done_at,
            signers=parent.signers,
            deviations={name: replace(deviation) for name, deviation in parent.deviations.items()},
            past=parent.past,
            ncrs={name: replace(ncr) for name, ncr in parent.ncrs.items()},
            parts={serial: parent.parts[serial] for serial in serials if serial in parent.parts},
            retests=dict(parent.retests),
            released=dict(parent.released),
            noticed=dict(parent.noticed),
            ref=ref,
        )
        _settle(lot)
        order.jobs.append(key)
    _inherit(state, job_key(e.order, e.job), tuple(job_key(e.order, job) for job in e.jobs))


def _inherit(state: State, parent: str, lots: tuple[str, ...]) -> None:
    """Sub-lots have their job's assignee and are recalled with what it used."""
    if parent in state.assigned:
        state.assigned.update(dict.fromkeys(lots, state.assigned.pop(parent)))
    for uses in state.uses.values():
        if parent in uses:
            uses.update(dict.fromkeys(lots, uses.pop(parent)))


def _copy(attempt: Attempt) -> Attempt:
    """An attempt of its own for a sub-lot: what is corrected in one is not corrected in the other."""
    return replace(attempt, last=dict(attempt.last), missed=dict(attempt.missed))


def _position(library: Library, job: Job, step: str) -> int:
    technique = library.techniques.get(job.technique) or require_technique(library, job.sha256)
    return technique.position[step]


def _attempt(job: Job, position: int, step: str) -> Attempt:
    """The attempt at a step.

    Raises:
        LookupError: the step was never started here.
    """
    attempt = job.attempts[position]
    if attempt is None:
        raise LookupError(f"{step} of {job.id} was never started here")
    return attempt


def _open_step(job: Job) -> int:
    """The last step that is started and not signed off; -1: none."""
    attempts = job.attempts
    for position in range(len(attempts) - 1, -1, -1):
        attempt = attempts[position]
        if attempt is not None and not attempt.done:
            return position
    return -1


def _step_started(state: State, library: Library, e: ev.StepStarted, at: int, ref: int) -> None:
    job = state.jobs[f"{e.order}/{e.job}"]
    position = _position(library, job, e.step)
    job.attempts[position] = Attempt(
        step=e.step,
        performer=e.by,
        started_at=at,
        equipment=e.equipment,
        materials=e.materials,
        tally=view.opened(e.order, e.job, e.step, e.by, e.equipment, e.materials),
        last={},
        missed={},
        contract=e.contract,
        tuned=e.tuned,
        ref=ref,
    )
    job.open_step, job.ref = position, ref
    if not job.first_start_at:
        job.first_start_at = at
    for item in e.equipment:
        _used(state, item, f"{e.order}/{e.job}", at)


def _reading_recorded(state: State, library: Library, e: ev.ReadingRecorded, at: int, ref: int) -> None:
    """An older observation that is entered late counts, and does not stand in for one that was made after it."""
    job = state.jobs[f"{e.order}/{e.job}"]
    attempt = _attempt(job, _position(library, job, e.step), e.step)
    key = e.characteristic if e.serial is None else f"{e.characteristic}/{e.serial}"
    observed_at = at if e.observed_at is None else e.observed_at
    last = attempt.last.get(key)
    if last is None or observed_at >= last.at:
        attempt.last[key] = Last(
            value=e.value,
            conforms=e.conforms,
            missed_before=key in attempt.missed,
            at=observed_at,
            count=1 if last is None else last.count + 1,
        )
    else:
        last.missed_before |= not e.conforms
        last.count += 1
    if e.instrument is not None and e.instrument not in attempt.instruments:
        attempt.instruments += (e.instrument,)
    if not e.conforms:
        attempt.missed.setdefault(key, e.value)
        _uncover(attempt, e.serial)
    attempt.tally = view.added(attempt.tally, key, e.value, e.unit)
    if attempt.signers:
        _void(attempt)
    if e.instrument is not None:
        _used(state, e.instrument, f"{e.order}/{e.job}", at)


def _uncover(attempt: Attempt, serial: str | None) -> None:
    """What is found bad after a concession is not covered by it (no serial: it is bad for every part)."""
    attempt.conceded = () if serial is None else tuple(part for part in attempt.conceded if part != serial)


def _void(attempt: Attempt) -> None:
    """A signature holds for what was signed: what changes afterwards is signed anew."""
    attempt.done, attempt.signers, attempt.result, attempt.stands = False, (), "", False


def _step_signed(state: State, library: Library, e: ev.StepSigned, at: int, ref: int) -> None:
    job = state.jobs[f"{e.order}/{e.job}"]
    position = _position(library, job, e.step)
    attempt = _attempt(job, position, e.step)
    attempt.signers += (e.by,)
    attempt.signed_at, attempt.result = at, e.result
    if e.by not in job.signers:
        job.signers += (e.by,)
    if e.complete:
        attempt.done, attempt.completed_at = True, attempt.completed_at or at
        job.open_step, job.last_done_at, job.ref = _open_step(job), at, ref
        _settle(job)


def _settle(job: Job) -> None:
    """Whether anything of a running job is left to do: every step is passed, or no part is left to do it on."""
    if job.status in ("running", "complete"):
        passed = all(attempt is not None and attempt.passed for attempt in job.attempts)
        job.status = "complete" if passed or not remaining(job) else "running"
        if job.status == "running":
            _unaccepted(job)
            job.handed_over = False


def _set_aside(job: Job, position: int) -> None:
    """The attempt at a step is over without being the one that counts: its digest stays in the job's view.

    The release of a hold point was for that attempt; the next one is let go of anew.
    """
    attempt = job.attempts[position]
    if attempt is not None:
        job.released.pop(attempt.step, None)
        job.past += (digest(f"{attempt.tally} {attempt.result} {','.join(attempt.signers)}".encode()),)
        job.attempts[position] = None
        job.open_step = _open_step(job)
        for deviation in job.deviations.values():
            deviation.over = deviation.over or (deviation.used and deviation.step == attempt.step)
        _settle(job)


def _step_restarted(state: State, library: Library, e: ev.StepRestarted, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    _set_aside(job, _position(library, job, e.step))
    job.ref = ref


def _prechecks_completed(state: State, _: Library, e: ev.PrechecksCompleted, at: int, ref: int) -> None:
    """On the record; what it sets off is the contract's."""


def _retest_authorised(state: State, library: Library, e: ev.RetestAuthorised, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    _set_aside(job, _position(library, job, e.step))
    job.retests[e.step] = job.retests.get(e.step, 0) + 1
    _close_auto(job, e.step, "retest")
    job.ref = ref


def _close_auto(job: Job, step: str, disposition: str) -> None:
    """The nonconformance that a failed step opened ends with what is done about the step."""
    for ncr in job.ncrs.values():
        if ncr.step == step and not ncr.disposition and ncr.id.startswith("auto-"):
            ncr.disposition = disposition


def _job_reprocessed(state: State, library: Library, e: ev.JobReprocessed, at: int, ref: int) -> None:
    """What was released or announced is so no more. Recalls end where nothing that is left was done with the instrument."""
    job = state.jobs[job_key(e.order, e.job)]
    technique = library.techniques.get(job.technique) or require_technique(library, job.sha256)
    for operation in technique.operations[technique.position[e.step] :]:
        position = operation.position
        job.released.pop(operation.id, None)
        job.noticed.pop(operation.id, None)
        attempt = job.attempts[position]
        if attempt is not None:
            _close_auto(job, attempt.step, "reprocess")
        _set_aside(job, position)
    for ncr in job.ncrs.values():
        if ncr.equipment and all(
            a is None or ncr.equipment not in (*a.equipment, *a.instruments) for a in job.attempts
        ):
            ncr.disposition = ncr.disposition or "reprocess"
    job.ref = ref


def _job_terminated(state: State, _: Library, e: ev.JobTerminated, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.status, job.ref = "terminated", ref


def _job_failed(state: State, _: Library, e: ev.JobFailed, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.failed, job.ref = e.why, ref


def _job_resumed(state: State, _: Library, e: ev.JobResumed, at: int, ref: int) -> None:
    """The open attempt is set aside, and with it what was done after its step (where a correction had opened it again)."""
    job = state.jobs[job_key(e.order, e.job)]
    for position in range(job.open_step, len(job.attempts)) if job.open_step >= 0 else ():
        _set_aside(job, position)
    job.failed, job.resumed_at, job.ref = "", at, ref


def _hold_released(state: State, _: Library, e: ev.HoldReleased, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.released[e.step], job.ref = e.by, ref


def _witness_notified(state: State, _: Library, e: ev.WitnessNotified, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.noticed[e.step], job.ref = at, ref


def _nonconformance_disposed(state: State, library: Library, e: ev.NonconformanceDisposed, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    ncr = job.ncrs[e.ncr]
    position = _position(library, job, ncr.step) if ncr.step and not ncr.equipment else -1
    becomes = BECOMES.get(e.disposition)
    if becomes is not None:
        kept = [serial for serial in ncr.serials or remaining(job) if may_become(job, serial, becomes)]
        job.parts.update(dict.fromkeys(kept, becomes))
        _unaccepted(job)
        for started in job.attempts if becomes == "conceded" else ():
            if started is not None and not started.done:
                started.conceded += tuple(kept)
    ncr.disposition, ncr.concession, ncr.ref, job.ref = e.disposition, e.concession, ref, ref
    attempt = job.attempts[position] if position >= 0 else None
    if attempt is not None and e.disposition == "rework":
        _set_aside(job, position)
    elif attempt is not None and becomes is not None:
        attempt.stands = attempt.done and attempt.result == "fail"
    _settle(job)


def _permit_issued(state: State, _: Library, e: ev.PermitIssued, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.permits[e.permit] = Permit(id=e.permit, module=e.module, deed=e.deed, step=e.step, until=e.until, ref=ref)


def _module_acted(state: State, _: Library, e: ev.ModuleActed, at: int, ref: int) -> None:
    state.jobs[job_key(e.order, e.job)].permits[e.permit].used = True


# ---- environment ---------------------------------------------------------------------------------------------------


def _environment_logged(state: State, _: Library, e: ev.EnvironmentLogged, at: int, ref: int) -> None:
    name = f"{e.series}/{e.sensor}"
    series = state.series.get(name)
    if series is None:
        state.series[name] = Series(last_at=e.observed_at, value=e.value, unit=e.unit, ref=ref, breaks={})
    else:
        series.last_at, series.value, series.unit, series.ref = e.observed_at, e.value, e.unit, ref


def _environment_broken(state: State, _: Library, e: ev.EnvironmentBroken, at: int, ref: int) -> None:
    series = state.series[f"{e.series}/{e.sensor}"]
    known = series.breaks.setdefault(e.watch, [])
    if known and len(known) % BREAKS_KEPT == 0:
        since = _rested_on_since(state, at)
        known[:] = [broken for broken in known if broken.until is None or broken.until > since]
    known.append(Break(kind=e.kind, since=e.since, until=e.until))


def _rested_on_since(state: State, at: int) -> int:
    """What ended before then is of no job that is not reported yet, and of none that starts from now on."""
    jobs = (job for job in state.jobs.values() if job.status not in OVER and not job.report)
    return min((job.started_at for job in jobs), default=at)


def _environment_restored(state: State, _: Library, e: ev.EnvironmentRestored, at: int, ref: int) -> None:
    for broken in state.series[f"{e.series}/{e.sensor}"].breaks.get(e.watch, ()):
        if broken.until is None:
            broken.until = e.at


def _reading_corrected(state: State, library: Library, e: ev.ReadingCorrected, at: int, ref: int) -> None:
    """It replaces the last reading only: one before it that did not conform still counts."""
    job = state.jobs[f"{e.order}/{e.job}"]
    attempt = _attempt(job, _position(library, job, e.step), e.step)
    key = e.characteristic if e.serial is None else f"{e.characteristic}/{e.serial}"
    last = attempt.last[key]
    missed_before = last.missed_before
    attempt.last[key] = Last(
        value=e.value, conforms=e.conforms, missed_before=missed_before, at=last.at, count=last.count
    )
    attempt.tally = view.added(attempt.tally, key, e.value, "corrected")
    if attempt.signers:
        _void(attempt)
        job.open_step = _open_step(job)
        _settle(job)
    if not e.conforms:
        _uncover(attempt, e.serial)
    if not missed_before:
        attempt.missed.pop(key, None)
        if not e.conforms:
            attempt.missed[key] = e.value


def _nonconformance_opened(state: State, _: Library, e: ev.NonconformanceOpened, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.ncrs[e.ncr] = Ncr(id=e.ncr, step=e.step, serials=e.serials, equipment=e.equipment, ref=ref)
    job.ref = ref
    _unused(state, e.equipment, job_key(e.order, e.job))


def _deviation_authorised(state: State, _: Library, e: ev.DeviationAuthorised, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.deviations[e.deviation] = Deviation(id=e.deviation, step=e.step, waive=e.waive, by=e.by, ref=ref)


def _deviation_used(state: State, _: Library, e: ev.DeviationUsed, at: int, ref: int) -> None:
    state.jobs[job_key(e.order, e.job)].deviations[e.deviation].used = True


# ---- the site itself -----------------------------------------------------------------------------------------------


def _imported(state: State, _: Library, e: ev.Imported, at: int, ref: int) -> None:
    """The origin's frontier is kept by the chronicle, which verified it."""


def _contact_changed(state: State, _: Library, e: ev.ContactChanged, at: int, ref: int) -> None:
    """Without the Vault nothing that runs in its time can come due: that is an outage."""
    before = state.contacts.get(e.site)
    if e.up and before is not None and not before.up and _is_vault(state, e.site):
        _outage(state, before.since, at)
    state.contacts[e.site] = Contact(up=e.up, since=at, ref=ref)


def _is_vault(state: State, site: str) -> bool:
    return any(seat.id == site and seat.kind == "vault" for seat in state.charter.sites)


def _outage(state: State, since: int, until: int) -> None:
    state.outages.append((since, until))
    if len(state.outages) > OUTAGES_KEPT:
        del state.outages[0]


def _triggered(state: State, _: Library, e: ev.Triggered, at: int, ref: int) -> None:
    """On the record; whoever it is meant for reads it there."""


def _cosigned(state: State, _: Library, e: ev.Cosigned, at: int, ref: int) -> None:
    state.witnessed_at = max(state.witnessed_at, e.witnessed_at)
    state.witnessed_size = max(state.witnessed_size, e.size)


def _booted(state: State, _: Library, e: ev.Booted, at: int, ref: int) -> None:
    """A restart ends every signing session; links are down until they are heard of again."""
    if e.again:
        return
    state.sessions.clear()
    if 0 < e.heard_until < at:
        _outage(state, e.heard_until, at)
    for site in state.contacts:
        contact = state.contacts[site]
        since = (e.heard_until or at) if contact.up else contact.since
        state.contacts[site] = Contact(up=False, since=since, ref=ref)


_STEPS: Final[dict[type[ev.Event], Step]] = {
    ev.IdentityEnrolled: _identity_enrolled,
    ev.IdentityDisabled: _identity_disabled,
    ev.CredentialGranted: _credential_granted,
    ev.CredentialRevoked: _credential_revoked,
    ev.EquipmentRegistered: _equipment_registered,
    ev.MaterialRegistered: _material_registered,
    ev.StandardAdopted: _standard_adopted,
    ev.PolicyUpdated: _policy_updated,
    ev.EquipmentCalibrated: _equipment_calibrated,
    ev.EquipmentWithdrawn: _equipment_withdrawn,
    ev.EquipmentChecked: _equipment_checked,
    ev.MaterialExtended: _material_extended,
    ev.DocumentVerified: _document_verified,
    ev.ContractSubmitted: _contract_submitted,
    ev.ContractApproved: _contract_approved,
    ev.ContractCertified: _contract_certified,
    ev.ContractActivated: _contract_activated,
    ev.ContractSuspended: _contract_suspended,
    ev.ContractResumed: _contract_resumed,
    ev.SuggestionRecorded: _suggestion_recorded,
    ev.TuneSuggested: _tune_suggested,
    ev.TuneApproved: _tune_approved,
    ev.ParameterTuned: _parameter_tuned,
    ev.TuneReverted: _tune_reverted,
    ev.TermsAccepted: _terms_accepted,
    ev.OrderReviewed: _order_reviewed,
    ev.OrderStaged: _order_staged,
    ev.JobAssigned: _job_assigned,
    ev.DeliveryClosed: _delivery_closed,
    ev.JobFlagged: _job_flagged,
    ev.QaAccepted: _qa_accepted,
    ev.ComplianceAccepted: _compliance_accepted,
    ev.ReportIssued: _report_issued,
    ev.ReviewWindowOpened: _window_opened,
    ev.ReportApproved: _report_approved,
    ev.ReportRejected: _report_rejected,
    ev.ReviewWindowLapsed: _window_lapsed,
    ev.ComplaintOpened: _complaint_opened,
    ev.InvoiceIssued: _invoice_issued,
    ev.PayoutReleased: _payout_released,
    ev.SlipStaged: _slip_staged,
    ev.ReaderAdvanced: _reader_advanced,
    ev.ArrivalRecorded: _arrival_recorded,
    ev.ArrivalKept: _arrival_kept,
    ev.ArrivalQuarantined: _arrival_quarantined,
    ev.ArrivalVoided: _arrival_voided,
    ev.OrderReleased: _order_released,
    ev.ForwardAcknowledged: _forward_acknowledged,
    ev.OrderReceived: _order_received,
    ev.OrderNoticed: _order_noticed,
    ev.JobStarted: _job_started,
    ev.JobSplit: _job_split,
    ev.StepStarted: _step_started,
    ev.ReadingRecorded: _reading_recorded,
    ev.StepSigned: _step_signed,
    ev.ReadingCorrected: _reading_corrected,
    ev.NonconformanceOpened: _nonconformance_opened,
    ev.NonconformanceDisposed: _nonconformance_disposed,
    ev.RetestAuthorised: _retest_authorised,
    ev.StepRestarted: _step_restarted,
    ev.HoldReleased: _hold_released,
    ev.WitnessNotified: _witness_notified,
    ev.JobReprocessed: _job_reprocessed,
    ev.JobTerminated: _job_terminated,
    ev.JobFailed: _job_failed,
    ev.JobResumed: _job_resumed,
    ev.PermitIssued: _permit_issued,
    ev.ModuleActed: _module_acted,
    ev.EnvironmentLogged: _environment_logged,
    ev.EnvironmentBroken: _environment_broken,
    ev.EnvironmentRestored: _environment_restored,
    ev.PrechecksCompleted: _prechecks_completed,
    ev.DeviationAuthorised: _deviation_authorised,
    ev.DeviationUsed: _deviation_used,
    ev.Imported: _imported,
    ev.ContactChanged: _contact_changed,
    ev.Cosigned: _cosigned,
    ev.Triggered: _triggered,
    ev.Booted: _booted,
}

"""Offers: what could be done beside the work on steps, orders and contracts that `options` spells out. One row an act.

Each row says, of one subject (a job, an order, a report, a contract, the site), which acts somebody could ask for, with the
fields filled in as far as the state says them. Rows know no rule: whether it may be done is what `decide` answers. An act
that this kind of site does not decide (yet) is left out by whoever reads the tables.
"""

from collections.abc import Callable
from typing import Any, Final

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN, Candidate, Candidates, View
from holdgate.law.gates.nonconformances import MATRIX
from holdgate.law.state import BECOMES, Attempt, ContractRecord, Job, Order, open_ncrs
from holdgate.terms.instant import SECOND_US

# ---- a running job, at its node ------------------------------------------------------------------------------------


def _named(job: Job) -> dict[str, Any]:
    return {"order": job.order, "job": job.id}


def _open(job: Job) -> Attempt | None:
    return job.attempts[job.open_step] if job.open_step >= 0 else None


def _restart(view: View, job: Job) -> Candidates:
    attempt = _open(job)
    if attempt is not None:
        yield Candidate(c.RestartStep, {**_named(job), "step": attempt.step, "reason": STAND_IN}, ("reason",))


def _late(view: View, job: Job) -> Candidates:
    """The first characteristic of the open step, observed before the present could still be given."""
    attempt, document = _open(job), view.technique(job)
    step = (
        None
        if attempt is None or document is None
        else next((step for step in document.steps if step.id == attempt.step), None)
    )
    if step is None or not step.characteristics:
        return
    first = step.characteristics[0]
    filled = {"characteristic": first.id, "value": "0", "unit": first.unit, "reason": STAND_IN, "evidence": STAND_IN}
    observed_at = view.now - 2 * view.state.charter.settings.entry_skew_s * SECOND_US
    fields = {**_named(job), "step": step.id, "contract": job.sha256, **filled, "observed_at": observed_at}
    yield Candidate(c.RecordLate, fields, (*filled, "observed_at"), view.somebody("qa"))


def _points(view: View, job: Job) -> Candidates:
    """Hold and witness points of steps that are not started yet."""
    document = view.technique(job)
    for step, attempt in zip(() if document is None else document.steps, job.attempts, strict=False):
        if attempt is not None:
            continue
        if step.hold is not None:
            yield Candidate(c.ReleaseHold, {**_named(job), "step": step.id})
        if step.witness is not None:
            yield Candidate(c.NotifyWitness, {**_named(job), "step": step.id})


def _retest(view: View, job: Job) -> Candidates:
    document = view.technique(job)
    causes = document.retest.allowed_causes if document is not None and document.retest is not None else ()
    for attempt in job.attempts:
        if attempt is not None and attempt.done and attempt.result == "fail":
            fields = {**_named(job), "step": attempt.step, "cause": causes[0] if causes else STAND_IN}
            yield Candidate(c.AuthoriseRetest, {**fields, "evidence": STAND_IN}, ("cause", "evidence"))


def _red_tag(view: View, job: Job) -> Candidates:
    fields = {"ncr": f"N-{len(job.ncrs) + 1}", "serials": job.serials, "description": STAND_IN}
    yield Candidate(c.OpenNonconformance, {**_named(job), **fields}, tuple(fields))


def dispose(view: View, job: Job) -> Candidates:
    """What can become of open nonconformances, by the contract's authority matrix."""
    template = view.library.template(job.sha256)
    quality = None if template is None else view.library.quality(template)
    for ncr in open_ncrs(job):
        for authority in MATRIX if quality is None else quality.dispositions:
            fields = {"ncr": ncr.id, "disposition": authority.disposition, "reason": STAND_IN, "evidence": STAND_IN}
            if BECOMES.get(authority.disposition) == "conceded":
                fields["concession"] = "C-1"
            others = view.somebody("client", org=job.client) if authority.client else ()
            asks = tuple(name for name in fields if name not in ("ncr", "disposition"))
            yield Candidate(c.DisposeNonconformance, {**_named(job), **fields}, asks, others)


def _ways_out(view: View, job: Job) -> Candidates:
    """Doing the process again, ending the job, taking a failed one up."""
    started = [attempt.step for attempt in job.attempts if attempt is not None]
    if started:
        yield Candidate(c.ReprocessJob, {**_named(job), "step": started[0], "reason": STAND_IN}, ("step", "reason"))
    yield Candidate(c.TerminateJob, {**_named(job), "reason": STAND_IN}, ("reason",))
    if job.failed:
        fields = {**_named(job), "reason": STAND_IN, "evidence": STAND_IN}
        yield Candidate(c.ResumeJob, fields, ("reason", "evidence"))


def _modules(view: View, job: Job) -> Candidates:
    """What the contract lets a module do, and the permits that it was given."""
    document = view.technique(job)
    for right in () if document is None else document.modules:
        fields = {"step": right.step, "module": right.module, "deed": right.act, "permit": f"P-{len(job.permits) + 1}"}
        operator = next((a.performer for a in job.attempts if a is not None and a.step == right.step), None)
        yield Candidate(c.AskModule, {**_named(job), **fields, "operator": operator}, ("permit", "operator"))
    for permit in job.permits.values():
        fields = {"step": permit.step, "permit": permit.id, "deed": permit.deed}
        yield Candidate(c.ReportModule, {**_named(job), **fields})


NODE_JOB: Final[tuple[Callable[[View, Job], Candidates], ...]] = (
    _restart,
    _late,
    _points,
    _retest,
    _red_tag,
    dispose,
    _ways_out,
    _modules,
)


def at_node(view: View) -> Candidates:
    """What belongs to no job: series that running jobs rest on, and instruments that are in use."""
    series: dict[str, str] = {}
    used: dict[str, None] = {}
    for job in view.state.jobs.values():
        document = view.technique(job)
        series.update({item.series: item.unit for item in (() if document is None else document.environment)})
        attempt = _open(job)
        used.update(dict.fromkeys(() if attempt is None else attempt.equipment))
    for name, unit in series.items():
        fields = {"series": name, "value": "0", "unit": unit, "observed_at": view.now}
        yield Candidate(c.LogEnvironment, fields, ("value", "observed_at"))
    asked = view.about.removeprefix("equipment:") if view.about else ""
    if asked in view.state.equipment:
        used[asked] = None
    for item in used or [*view.state.equipment][:1]:
        for result in ("pass", "fail"):
            yield Candidate(c.CheckEquipment, {"id": item, "result": result, "evidence": STAND_IN}, ("id", "evidence"))


# ---- at the business hub -------------------------------------------------------------------------------------------


def of_order(view: View, order: Order) -> Candidates:
    """An order that is staged: the assignment of its next job, its documents, an amendment."""
    if order.status == "proposed":
        return
    technicians = [i.id for i in view.state.identities.values() if "technician" in i.roles and i.disabled_at is None]
    free = [f"J-{number}" for number in range(1, len(order.jobs) + 2)]
    job = next((name for name in free if f"{order.id}/{name}" not in order.jobs), free[-1])
    assigned = {"job": job, "technician": technicians[0] if technicians else STAND_IN}
    yield Candidate(c.AssignJob, {"order": order.id, **assigned}, tuple(assigned))
    paper = digest(STAND_IN.encode())
    for document in order.documents:
        fields = {"order": order.id, "document": document, "digest": paper, "until": None}
        yield Candidate(c.VerifyDocument, fields, ("digest", "until"))
    same: dict[str, Any] = {name: getattr(order, name) for name in _AMENDED}
    amended = {"order": order.id, **same, "documents": tuple(order.documents), "amendment": True}
    yield Candidate(c.StageOrder, amended, (*_AMENDED[2:], "documents"))
    yield from _by_agreement(view, order)


def _by_agreement(view: View, order: Order) -> Candidates:
    """What the client and the project manager agree on: charges of the price list, milestones that are not reached any more."""
    template = view.library.template(order.sha256)
    if template is None:
        return
    both = (*view.somebody("project_manager"), *view.somebody("client", org=order.client))
    for one in template.surcharges:
        if one.when == "agreed":
            fields = {"order": order.id, "charge": one.id, "item": f"X-{len(order.charges) + 1}", "reason": STAND_IN}
            yield Candidate(c.AgreeCharge, fields, ("item", "reason"), both)
    for item in template.billing:
        if f"invoice:{item.id}" not in order.fired:
            sum_of: dict[str, Any] = {"milestone": item.id, "amount_minor": item.amount_minor, "reason": STAND_IN}
            yield Candidate(c.SettleOrder, {"order": order.id, **sum_of}, ("amount_minor", "reason"), both)


_AMENDED: Final = ("contract", "version", "node", "client", "part_no", "rev", "serials")


def of_contract(view: View, record: ContractRecord) -> Candidates:
    """A version in force: stop-work, its end, adaptations, thoughts about it."""
    if record.status == "submitted":
        return
    named = {"contract": record.contract, "version": record.version}
    act = c.ResumeContract if record.suspended else c.SuspendContract
    yield Candidate(act, {**named, "reason": STAND_IN}, ("reason",))
    yield from _tuning(view, record, named)
    yield Candidate(c.SuggestChange, {"contract": record.contract, "change": STAND_IN}, ("change",))


def _tuning(view: View, record: ContractRecord, named: dict[str, str]) -> Candidates:
    technique = view.process(record.sha256)
    for param in () if technique is None else technique.adaptable:
        fields = {**named, "param": param.id, "value": param.min, "evidence": STAND_IN}
        yield Candidate(c.SuggestTune, fields, ("value", "evidence"))
    for name, waiting in record.suggested.items():
        yield Candidate(c.ApproveTune, {**named, "param": name, "value": waiting.value})
    for name in dict.fromkeys((*record.tuned, *record.suggested)):
        yield Candidate(c.RevertTune, {**named, "param": name, "reason": STAND_IN}, ("reason",))

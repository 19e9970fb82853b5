"""options: what an actor could do now at this site, and why not. Dashboards show this and know no rule of their own.

Candidates are built from the state (fitting equipment and batches are filled in), put before the same `decide`, and come
back with its answer. A candidate is a command in the making: unsigned, with the present view as `seen` and with a badge
and a PIN (or a passkey, where the signer has one) as if they had been presented, so that only substantive reasons remain.
What only a person can know (a value, a reason) is filled with a stand-in and named in `asks`; what `decide` says of the rest
holds.

Offered is every act that this kind of site decides and that somebody could ask for: work on steps and orders is spelled
out here, the rest in the tables of `offers` and `offers_registers`. NOT_OFFERED names the acts that are left out, and why.
An act that this version does not decide yet is not offered either. Arrivals are the floor hub's.

At most OPTIONS_MAX candidates are decided (about 5 µs each where they are allowed, 20 µs where not), in the order in
which orders and jobs came up; of one subject where it is asked for.
"""

from itertools import islice
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import offers, offers_money, offers_registers
from holdgate.law.candidate import STAND_IN, Candidates, View, best_batch, best_equipment, presented
from holdgate.law.candidate import Candidate as _Candidate
from holdgate.law.case import Pin
from holdgate.law.certificate import CERTIFICATE, HOLDS, STRUCTURE, Certificate, Check
from holdgate.law.contract import NOTATION, SmartSP
from holdgate.law.decide import decide
from holdgate.law.decision import SEMANTICS, Denial
from holdgate.law.gates.acts import HUB_ACTS, NODE_ACTS
from holdgate.law.gates.quality import counts_of
from holdgate.law.library import Library
from holdgate.law.state import OVER, ContractRecord, Job, Order, State
from holdgate.law.technique import Measure, Operation, Technique
from holdgate.law.view import view_of
from holdgate.terms import canon
from holdgate.terms.limits import OPTION_READINGS_MAX, OPTIONS_MAX

NOT_OFFERED: Final[dict[type[c.Command], str]] = {
    c.ForwardOrder: "the floor hub's own message to a node",
    c.NoticeOrder: "the floor hub's own message to a node",
    c.RepinJob: "always refused",
    c.WriteVault: "always refused",
    c.ApplyChange: "always refused",
    c.RotateRoots: "its document comes from the keepers of the roots, each on a machine of their own",
}
"""Acts of the hub and the nodes that nobody is offered, and why."""


class Option(Struct, frozen=True, kw_only=True):
    """One thing that could be done.

    `subject`: what it is about. `fields`: the act's own fields as filled in. `asks`: those that a person still fills in.
    `others`: who would co-sign (SMART-ID, role). `allowed`, `denials`: what the law says now.
    """

    act: str
    subject: str
    fields: dict[str, Any]
    asks: tuple[str, ...]
    allowed: bool
    denials: tuple[Denial, ...]
    others: tuple[tuple[str, str], ...] = ()


def options(
    state: State,
    library: Library,
    actor_id: str,
    role: str,
    now: int,
    place: str | None = None,
    about: str | None = None,
) -> list[Option]:
    """What this actor, in this role, could do now.

    Args:
        state: what the site knows; not changed.
        library: the pinned law documents.
        actor_id: the SMART-ID that would act.
        role: the role that it would act in.
        now: the time of the question (UTC µs).
        place: the workstation that it would act at; None: the office.
        about: one subject: `order/job`, a job's, report's or contract's id, a person's, …; an order with its jobs; None: all.

    Returns:
        Every candidate with the law's answer, allowed or not; none for a site whose decider is not the law.
    """
    build = _KINDS.get(state.kind)
    if build is None:
        return []
    place = state.charter.settings.office if place is None else place
    view = View(state, library, actor_id, role, now, about)
    decided = _DECIDED[state.kind]
    offered = ((made, _command(view, made, place)) for made in build(view) if made.act in decided)
    wanted = (pair for pair in offered if about is None or _is_about(c.subject_of(pair[1]), about))
    return [_option(view, candidate, command) for candidate, command in islice(wanted, OPTIONS_MAX)]


def option(
    state: State,
    library: Library,
    actor_id: str,
    role: str,
    now: int,
    place: str | None,
    candidate: _Candidate,
) -> Option:
    """One act in the making, with the law's answer: for lists in which every row asks for the same.

    Args:
        state: what the site knows; not changed.
        library: the pinned law documents.
        actor_id: the SMART-ID that would act.
        role: the role that it would act in.
        now: the time of the question (UTC µs).
        place: the workstation that it would act at; None: the office.
        candidate: the act, of this kind of site.
    """
    place = state.charter.settings.office if place is None else place
    view = View(state, library, actor_id, role, now)
    return _option(view, candidate, _command(view, candidate, place))


def _is_about(subject: str, about: str) -> bool:
    """Whether a subject (`order/job` or `kind:id`) is the one that is asked for."""
    order, slash, job = subject.partition("/")
    return about in (subject, subject.partition(":")[2], job) or bool(slash and about == order)


def _command(view: View, candidate: _Candidate, place: str) -> c.AnyCommand:
    """The act as it would be signed, on the present view."""
    actor = (view.actor, view.role)
    others = (other for other in candidate.others if other[0] != actor[0])
    state = view.state
    signers = tuple(presented(state.identities.get(name), name, role) for name, role in (actor, *others))
    head: dict[str, Any] = {"site": state.site, "at": view.now, "nonce": "options", "signers": signers, "place": place}
    command: Any = candidate.act(**head, **candidate.fields)
    shown: c.AnyCommand = replace(command, seen=view_of(state, command))
    return shown


def _option(view: View, candidate: _Candidate, command: c.AnyCommand) -> Option:
    decision = decide(view.state, view.library, command, view.now, candidate.pins)
    own = {name: value for name, value in asdict(command).items() if name in candidate.fields}
    return Option(
        act=str(candidate.act.__struct_config__.tag),
        subject=c.subject_of(command),
        fields=own,
        asks=candidate.asks,
        allowed=decision.allowed,
        denials=decision.denials,
        others=tuple(other for other in candidate.others if other[0] != view.actor),
    )


# ---- at a node -----------------------------------------------------------------------------------------------------


def _at_node(view: View) -> Candidates:
    for order in view.orders():
        yield from _new_job(view.state, order)
    for job in view.jobs():
        technique = view.library.technique(job.technique)
        if technique is None:
            continue
        yield from _of_job(view.state, job, technique)
        for offer in offers.NODE_JOB:
            yield from offer(view, job)
    yield from offers.at_node(view)


def _new_job(state: State, order: Order) -> Candidates:
    """The parts that are here and in no job, running or accepted by QA."""
    running = (state.jobs.get(key) for key in order.jobs)
    busy = [serial for job in running if job is not None and job.status not in OVER for serial in job.serials]
    taken = frozenset((*busy, *order.settled))
    free = tuple(serial for serial in order.arrived if serial not in taken)
    if free or not order.jobs:
        number = len(order.jobs) + 1
        fields = {"order": order.id, "job": f"J-{number}", "node": state.site, "serials": free}
        yield _Candidate(c.StartJob, fields, ("job", "serials"))


def _of_job(state: State, job: Job, technique: Technique) -> Candidates:
    named = {"order": job.order, "job": job.id}
    for operation in technique.operations:
        attempt = job.attempts[operation.position]
        step = {**named, "step": operation.id}
        if attempt is None:
            yield from _start(state, job, operation, step)
        elif not attempt.done:
            yield from _open_step(state, job, operation, step)
        recorded = [] if attempt is None else list(attempt.last.items())
        for key, last in recorded[:OPTION_READINGS_MAX]:
            name, _, serial = key.partition("/")
            value = {"characteristic": name, "serial": serial or None, "new_value": last.value}
            yield _Candidate(c.CorrectEntry, {**step, **value, "reason": STAND_IN}, ("new_value", "reason"))
    if len(job.serials) > 1:
        half = len(job.serials) // 2
        lots = ((f"{job.id}a", job.serials[:half]), (f"{job.id}b", job.serials[half:]))
        into = tuple(c.SubLot(job=name, serials=serials) for name, serials in lots)
        yield _Candidate(c.SplitJob, {**named, "into": into}, ("into",))


def _start(state: State, job: Job, operation: Operation, step: dict[str, Any]) -> Candidates:
    fields = {
        **step,
        "contract": job.sha256,
        "equipment": tuple(best_equipment(state, kind) for kind in operation.equipment_classes),
        "materials": tuple(best_batch(state, kind) for kind in operation.material_kinds),
    }
    ready = [deviation for deviation in job.deviations.values() if deviation.step == operation.id]
    yield _Candidate(c.StartStep, fields)
    for deviation in ready:
        yield _Candidate(c.StartStep, {**fields, "deviation": deviation.id})
    clients = [i.id for i in state.identities.values() if i.org == job.client and "client" in i.roles]
    waived: dict[str, Any] = {"deviation": f"D-{len(job.deviations) + 1}", "waive": ("WINDOW_EXCEEDED",)}
    yield _Candidate(
        c.AuthoriseDeviation,
        {**step, **waived, "reason": STAND_IN, "evidence": STAND_IN},
        ("deviation", "waive", "reason", "evidence"),
        tuple((name, "client") for name in clients[:1]),
    )


def _open_step(state: State, job: Job, operation: Operation, step: dict[str, Any]) -> Candidates:
    pinned = {**step, "contract": job.sha256}
    wanted = [
        (measure, serial)
        for measure in operation.measures.values()
        for serial in (job.serials if measure.per_serial else (None,))
    ]
    for measure, serial in wanted[:OPTION_READINGS_MAX]:
        yield _Candidate(c.RecordReading, {**pinned, **_reading(state, measure, serial)}, ("value",))
    for result in ("pass", "fail"):
        yield _Candidate(c.SignStep, {**pinned, "result": result})


def _reading(state: State, measure: Measure, serial: str | None) -> dict[str, Any]:
    kind = measure.instrument_class
    return {
        "characteristic": measure.id,
        "value": "0",
        "unit": measure.unit,
        "capture": "manual",
        "instrument": None if kind is None else best_equipment(state, kind),
        "serial": serial,
    }


# ---- at the business hub -------------------------------------------------------------------------------------------


def _at_hub(view: View) -> Candidates:
    state, library, role = view.state, view.library, view.role
    for job in view.jobs():
        yield from _record_of(job)
        yield from offers.dispose(view, job)
    for report in view.reports():
        for decision in ("approve", "reject"):
            reason = None if decision == "approve" else STAND_IN
            fields = {"report": report.id, "decision": decision, "reason": reason}
            yield _Candidate(c.ReviewReport, fields, () if reason is None else ("reason",))
        yield _Candidate(c.CloseWindow, {"report": report.id})
        amended = {"report": report.id, "new_report": f"{report.id[:63]}A", "reason": STAND_IN, "evidence": None}
        yield _Candidate(c.AmendReport, amended, ("new_report", "reason", "evidence"))
    for order in view.orders():
        yield from _of_order(state, library, order)
        yield from offers.of_order(view, order)
    for record in view.contracts():
        yield from _of_contract(library, record, role)
        yield from offers.of_contract(view, record)
        yield from offers_registers.next_version(view, record)
    yield from offers_registers.at_hub(view)
    yield from offers_money.at_hub(view)


def _record_of(job: Job) -> Candidates:
    named = {"order": job.order, "job": job.id}
    yield _Candidate(c.SignQa, {**named, "quantities": counts_of(job)}, ("quantities",))
    yield _Candidate(c.SignCompliance, named)
    yield _Candidate(c.GenerateReport, {**named, "report": f"R-{job.order}-{job.id}"[:64]}, ("report",))
    yield _Candidate(c.AssignJob, {**named, "technician": job.started_by, "reason": STAND_IN}, ("technician", "reason"))


def _of_order(state: State, library: Library, order: Order) -> Candidates:
    if order.status == "proposed":
        for sha256 in state.in_force.values():
            yield from _proposed(state, library, order, state.contracts[sha256])
        return
    template = library.template(order.sha256)
    if template is None:
        return
    if order.delivery_due is not None:
        yield _Candidate(c.CloseDelivery, {"order": order.id})
    for item in template.billing:
        yield _Candidate(c.IssueInvoice, {"order": order.id, "milestone": item.id})
    for job in (job for key in order.jobs if (job := state.jobs.get(key)) is not None):
        for rule in library.payouts(template):
            named = {"order": order.id, "job": job.id, "rule": rule.id}
            for payee in job.signers:
                yield _Candidate(c.ReleasePayout, {**named, "payee": payee})


def _proposed(state: State, library: Library, order: Order, record: ContractRecord) -> Candidates:
    template = library.template(record.sha256)
    if template is None:
        return
    named = {"order": order.id, "contract": record.contract, "version": record.version}
    terms = c.Terms(
        price_minor=template.price_minor,
        currency=template.currency,
        milestones=tuple(c.Milestone(id=item.id, amount_minor=item.amount_minor) for item in template.billing),
        client_window_s=template.client_window_s,
        on_silence=template.on_silence,
    )
    yield _Candidate(c.AcceptTerms, {**named, "terms": terms}, ("terms",))
    for paper in order.reviews or (digest(STAND_IN.encode()),):
        yield _Candidate(c.ReviewOrder, {"order": order.id, "document_digest": paper}, ("document_digest",))
    clients = [accepted.org for accepted in order.acceptances if accepted.sha256 == record.sha256]
    nodes = [seat.id for seat in state.charter.sites if seat.kind == "node"]
    filled = {
        "node": nodes[0] if nodes else STAND_IN,
        "client": clients[-1] if clients else STAND_IN,
        "part_no": STAND_IN,
        "rev": STAND_IN,
        "serials": (STAND_IN,),
        "documents": template.documents,
    }
    yield _Candidate(c.StageOrder, {**named, **filled}, tuple(filled))


def _of_contract(library: Library, record: ContractRecord, role: str) -> Candidates:
    if record.status != "submitted":
        return
    named = {"contract": record.contract, "version": record.version}
    proof = _certificate(library, record)
    yield _Candidate(c.ApproveContract, {**named, "approval_role": role})
    yield _Candidate(c.CertifyContract, {**named, "certificate": proof.sha256}, ("certificate",), (), (proof,))
    yield _Candidate(c.ActivateContract, {**named, "effectivity": "new_orders"}, ("effectivity",))


def _certificate(library: Library, record: ContractRecord) -> Pin:
    """Stands in for what the validators would say if they found nothing wrong."""
    template = library.template(record.sha256)
    technique = None if template is None else library.document(template.process)
    said = STAND_IN.encode()
    if template is not None and isinstance(technique, SmartSP):
        certificate = Certificate(
            holdgate=CERTIFICATE,
            scope=STAND_IN,
            contract=template.id,
            version=template.version,
            template=record.sha256,
            technique=template.process,
            notation=NOTATION,
            profile=technique.profile,
            semantics=SEMANTICS,
            facts=STAND_IN,
            parser=STAND_IN,
            checks=tuple(Check(name=name, verdict=HOLDS) for name in STRUCTURE),
            rules=(),
        )
        said = canon.encode(certificate)
    return Pin(sha256=digest(said), content=said)


_KINDS: Final = {"node": _at_node, "business_hub": _at_hub}
_DECIDED: Final = {"node": frozenset(NODE_ACTS), "business_hub": frozenset(HUB_ACTS)}

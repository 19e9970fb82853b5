"""QA: what waits for it, the oldest first; and the whole record of one job, what is out of the ordinary first."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.gates.quality import counts_of
from holdgate.law.state import OVER, Job, Ncr, Order, Report, State, open_ncrs
from holdgate.law.technique import Operation, Technique
from holdgate.query.calls import Called
from holdgate.query.job_record import Attempted, Exceptional, JobRecord, Read, SignedOff, by_age
from holdgate.query.timeline import Told
from holdgate.web.hub import limits_of, not_yet, record_of, timeline_of
from holdgate.web.page import Page, View
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing
from holdgate.web.wish import Wish, best, blank, with_asks

ROLES: Final = ("qa", "level3")


class Waits(Struct, frozen=True, kw_only=True):
    """A job whose record waits. `marks`: what is out of the ordinary, in a few words; `why`: why QA cannot sign ("": it can)."""

    key: str
    part: str
    client: str
    node: str
    parts: int
    since: int
    marks: tuple[str, ...]
    why: str


class Issue(Struct, frozen=True, kw_only=True):
    """A job whose report is to be issued, or a report that is to be amended."""

    key: str
    report: str
    client: str
    why: str


class Help(Struct, frozen=True, kw_only=True):
    """A job that Level III was called to, by its newest call. `times`: how often."""

    key: str
    part: str
    node: str
    call: Called
    times: int


class Queue(Struct, frozen=True, kw_only=True):
    """What waits for QA: records, the oldest first; reports to be issued; reports that a client rejected.

    `calls`: jobs under way that Level III was called to, the newest first; they end when QA accepts the record.
    """

    waits: tuple[Waits, ...]
    pager: Pager
    issues: tuple[Issue, ...]
    more_issues: int
    rejected: tuple[Issue, ...]
    more_rejected: int
    calls: tuple[Help, ...]
    more_calls: int


class Used(Struct, frozen=True, kw_only=True):
    """An instrument or batch as it was used. `note`: its calibration or shelf life; `good`: that held at the time."""

    id: str
    kind: str
    note_from: int
    note_until: int
    note: str
    good: bool


class Reading(Struct, frozen=True, kw_only=True):
    """A reading with its limits."""

    read: Read
    limits: str
    by: str


class Round(Struct, frozen=True, kw_only=True):
    """One attempt at an op, for reading."""

    attempt: Attempted
    number: int
    by: str
    used: tuple[Used, ...]
    readings: tuple[Reading, ...]
    signed: tuple[tuple[SignedOff, str], ...]


class OpSheet(Struct, frozen=True, kw_only=True):
    """One op. `stands`: as signed off, or that it is not."""

    id: str
    number: int
    name: str
    stands: str
    rounds: tuple[Round, ...]


class Tag(Struct, frozen=True, kw_only=True):
    """A nonconformance, and what can be decided on it here. `elsewhere`: the area that decides it while the job is there."""

    ncr: Ncr
    about: str
    decisions: tuple[Wish, ...]
    elsewhere: str


class Stretch(Struct, frozen=True, kw_only=True):
    """A stretch of the environment that does not count as good. `until`: UTC µs; 0: it goes on."""

    series: str
    kind: str
    limits: str
    since: int
    until: int


class Sheet(Struct, frozen=True, kw_only=True):
    """The whole record of one job."""

    key: str
    job: Job
    order: Order
    technique: str
    counts: c.Quantities
    exceptions: tuple[Exceptional, ...]
    breaks: tuple[Stretch, ...]
    refused: int
    ops: tuple[OpSheet, ...]
    tags: tuple[Tag, ...]
    accept: Wish | None
    not_yet: str
    comply: Wish | None
    red_tag: Wish | None
    issue: Wish | None
    amend: Wish | None
    report: Report | None
    timeline: tuple[Told, ...]


# ---- the queue -----------------------------------------------------------------------------------------------------


def queue(view: View) -> Queue:
    """What waits for QA."""
    state, index = view.face.state, view.face.orders.rows().values()
    waiting = sorted((row.done_at, key) for row in index if row.at_qa for key in row.at_qa)
    issues = [key for row in index if row.to_report for key in row.to_report]
    rejected = [name for row in index if row.rejected for name in row.rejected]
    rows, pager = paged(waiting, view.query)
    calls = [key for key in view.face.calls().jobs() if _under_way(state, key)]
    return Queue(
        waits=tuple(_waits(view, state.jobs[key]) for _, key in rows),
        pager=pager,
        issues=tuple(_issue(view, state.jobs[key]) for key in issues[:SHORT]),
        more_issues=max(len(issues) - SHORT, 0),
        rejected=tuple(_rejected(state, state.reports[name]) for name in rejected[:SHORT]),
        more_rejected=max(len(rejected) - SHORT, 0),
        calls=tuple(_help(view, key) for key in calls[:SHORT]),
        more_calls=max(len(calls) - SHORT, 0),
    )


def _under_way(state: State, key: str) -> bool:
    """Whether a job is at its node or waits for QA."""
    job = state.jobs.get(key)
    return job is not None and job.status not in OVER and not job.qa_by


def _help(view: View, key: str) -> Help:
    job = view.face.state.jobs[key]
    order, calls = view.face.state.orders[job.order], view.face.calls().of(key)
    return Help(key=key, part=f"{order.part_no} rev {order.rev}", node=job.node, call=calls[0], times=len(calls))


SHORT: Final = 10
"""Rows of a short list."""


def _waits(view: View, job: Job) -> Waits:
    order = view.face.state.orders[job.order]
    return Waits(
        key=f"{job.order}/{job.id}",
        part=f"{order.part_no} rev {order.rev}",
        client=job.client,
        node=job.node,
        parts=len(job.serials),
        since=job.last_done_at,
        marks=tuple(_marks(order, job)),
        why=not_yet(_accept(view, job)),
    )


def _marks(order: Order, job: Job) -> Iterator[str]:
    """What is out of the ordinary, as far as the state says it: the record itself says more."""
    missed = sum(len(attempt.missed) for attempt in job.attempts if attempt is not None)
    tags, still_open = len(job.ncrs), len(open_ncrs(job))
    if still_open:
        yield f"{still_open} red tag{_s(still_open)} open"
    if tags - still_open:
        yield f"{tags - still_open} red tag{_s(tags - still_open)} decided"
    if missed:
        yield f"{missed} out of limits"
    if job.deviations:
        yield f"{len(job.deviations)} deviation{_s(len(job.deviations))}"
    if job.past:
        yield f"{len(job.past)} done again"
    if set(order.attested_parts) & set(job.serials):
        yield "arrival attested"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _accept(view: View, job: Job) -> Wish | None:
    named = {"order": job.order, "job": job.id, "quantities": counts_of(job)}
    return view.offer(c.SignQa, named, ("quantities",))


def _issue(view: View, job: Job) -> Issue:
    fields = {"order": job.order, "job": job.id, "report": _number(job)}
    wish = view.offer(c.GenerateReport, fields, ("report",))
    return Issue(key=f"{job.order}/{job.id}", report="", client=job.client, why=not_yet(wish))


def _number(job: Job) -> str:
    return f"R-{job.order}-{job.id}"[:64]


def _rejected(state: State, report: Report) -> Issue:
    client = state.orders[report.order].client
    return Issue(key=f"{report.order}/{report.job}", report=report.id, client=client, why="")


# ---- one job -------------------------------------------------------------------------------------------------------


def sheet(view: View) -> Sheet | Problem:
    """The whole record of one job."""
    state, key = view.face.state, f"{view.path['order']}/{view.path['job']}"
    job, order = state.jobs.get(key), state.orders.get(view.path["order"])
    technique = None if job is None else view.face.library.technique(job.technique)
    if job is None or order is None or technique is None or not view.asker.sees(order):
        return missing(f"no record of {key} has come to the office yet")
    record = record_of(view, job)
    if record is None:
        return missing(f"no record of {key} has come to the office yet")
    accept = _accept(view, job)
    return Sheet(
        key=key,
        job=job,
        order=order,
        technique=technique.id,
        counts=counts_of(job),
        exceptions=tuple(_of_lot(record, job)),
        breaks=tuple(_breaks(state, job, technique)),
        refused=record.refused,
        ops=tuple(_op(view, job, op, record) for op in technique.operations),
        tags=tuple(_tags(view, job)),
        accept=accept,
        not_yet=not_yet(accept),
        comply=None if job.compliance_by else view.offer(c.SignCompliance, {"order": job.order, "job": job.id}),
        red_tag=_red_tag(view, job),
        issue=_to_issue(view, job),
        amend=_to_amend(view, job),
        report=state.reports.get(job.report),
        timeline=tuple(timeline_of(view, job.order, job.id)[:LINES]),
    )


LINES: Final = 200
"""Lines of a timeline on a page; the newest."""


def _of_lot(record: JobRecord, job: Job) -> Iterator[Exceptional]:
    """What is out of the ordinary about this lot: what is still open first, then by age."""
    still_open = {ncr.id for ncr in open_ncrs(job)}
    found = [*by_age(record)]
    yield from (item for item in found if item.id in still_open)
    yield from (item for item in found if item.id not in still_open)


def _breaks(state: State, job: Job, technique: Technique) -> Iterator[Stretch]:
    """Stretches of the environment that did not count as good while the job ran."""
    watched = {watch.key: watch for watch in technique.watches}
    end = job.last_done_at if job.status == "complete" else 1 << 62
    for name, series in state.series.items():
        for key, breaks in series.breaks.items():
            watch = watched.get(key)
            if watch is None:
                continue
            for stretch in breaks:
                if stretch.since <= end and (stretch.until is None or stretch.until >= job.started_at):
                    yield Stretch(
                        series=name,
                        kind=stretch.kind,
                        limits=watch.show_limits(),
                        since=stretch.since,
                        until=stretch.until or 0,
                    )


def _op(view: View, job: Job, op: Operation, record: JobRecord) -> OpSheet:
    rounds = record.attempts.get(op.id, [])
    attempt = job.attempts[op.position]
    signed = "" if attempt is None or not attempt.done else attempt.result
    return OpSheet(
        id=op.id,
        number=(op.position + 1) * 10,
        name=op.name,
        stands=signed or ("open" if attempt is not None else "not started"),
        rounds=tuple(_round(view, job, op, one, number + 1) for number, one in enumerate(rounds)),
    )


def _round(view: View, job: Job, op: Operation, attempt: Attempted, number: int) -> Round:
    reads = [read for read in attempt.reads if not read.serial or read.serial in job.serials]
    instruments = dict.fromkeys((*attempt.equipment, *(read.instrument for read in reads if read.instrument)))
    until = attempt.signed[-1].at if attempt.signed else attempt.at
    return Round(
        attempt=attempt,
        number=number,
        by=view.who(attempt.by),
        used=(
            *(_instrument(view.face.state, item, attempt.at, until) for item in instruments),
            *(_batch(view.face.state, item, until) for item in attempt.materials),
        ),
        readings=tuple(
            Reading(
                read=read,
                limits=limits_of(op, read.characteristic),
                by=view.who(read.by),
            )
            for read in reads
        ),
        signed=tuple((signed, view.who(signed.by)) for signed in attempt.signed),
    )


def _instrument(state: State, name: str, at: int, until: int) -> Used:
    item = state.equipment.get(name)
    if item is None:
        return Used(id=name, kind="", note_from=0, note_until=0, note="not on the office's register", good=False)
    note, good = "calibrated", item.cal_from <= at and until <= item.cal_until
    if item.doubted(at) or item.doubted(until):
        note, good = "recalled for this use; calibrated", False
    elif item.cal_from > at:
        note, good = "calibrated again since; now", True
    return Used(
        id=name, kind=item.equipment_class, note_from=item.cal_from, note_until=item.cal_until, note=note, good=good
    )


def _batch(state: State, name: str, until: int) -> Used:
    batch = state.materials.get(name)
    if batch is None:
        return Used(id=name, kind="", note_from=0, note_until=0, note="not on the office's register", good=False)
    good = batch.approved and until <= batch.until
    return Used(id=name, kind=batch.material_kind, note_from=0, note_until=batch.until, note="usable", good=good)


# ---- what QA can do ------------------------------------------------------------------------------------------------


def _tags(view: View, job: Job) -> Iterator[Tag]:
    """Nonconformances with what can be decided on each; the hub decides once QA accepted the record, the area before."""
    decided_here = job.handed_over and bool(open_ncrs(job))
    found = view.wishes(f"{job.order}/{job.id}") if decided_here else []
    wishes = best(wish for wish in found if wish.act == "ncr.disposition")
    for ncr in job.ncrs.values():
        mine = tuple(wish for wish in wishes if wish.fields.get("ncr") == ncr.id)
        elsewhere = job.node if not ncr.disposition and not job.handed_over else ""
        about = ", ".join(ncr.serials) or "the whole job"
        yield Tag(ncr=ncr, about=about, decisions=() if elsewhere else mine, elsewhere=elsewhere)


def _red_tag(view: View, job: Job) -> Wish | None:
    """Reject by a red tag: it is opened at the area where the job was done, and sends the record back there."""
    role = next((role for role in ROLES if role in view.asker.roles), None)
    if role is None or job.status in OVER or job.report:
        return None
    fields = {"order": job.order, "job": job.id}
    wish = blank(view.face.state, c.OpenNonconformance, role, f"{job.order}/{job.id}", **fields)
    free = next(name for name in (f"N-{n}" for n in range(1, len(job.ncrs) + 2)) if name not in job.ncrs)
    return with_asks(_at_node(wish, job.node), ncr=free, serials=job.serials)


def _at_node(wish: Wish, node: str) -> Wish:
    return Wish(**{name: getattr(wish, name) for name in wish.__struct_fields__} | {"site": node})


def _to_issue(view: View, job: Job) -> Wish | None:
    if job.report or not job.qa_by:
        return None
    return view.offer(c.GenerateReport, {"order": job.order, "job": job.id, "report": _number(job)}, ("report",))


def _to_amend(view: View, job: Job) -> Wish | None:
    if not job.report:
        return None
    fields = {
        "report": job.report,
        "new_report": f"{job.report[:63]}A",
        "reason": STAND_IN,
        "changes_result": False,
        "evidence": None,
    }
    return view.offer(c.AmendReport, fields, ("new_report", "reason", "changes_result", "evidence"))


QA: Final = Page(
    name="qa",
    title="QA",
    kinds=("business_hub",),
    roles=ROLES,
    model=queue,
    below=(("/{order}/{job}", "qa_job", sheet),),
)

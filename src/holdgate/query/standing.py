"""What stands open, and for whom it waits.

Nonconformances (SMART-QA), hold and witness points (the client's and SMART-Safety's), failed executions and stop-work
(SMART-Compliance).

Read from a state, with no rule of its own: who may decide on a nonconformance is what the contract's authority matrix
says, who releases a hold point is what the technique says.
"""

from collections.abc import Iterator

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.contract import SmartSP, Step
from holdgate.law.gates.nonconformances import MATRIX
from holdgate.law.gates.people import ROLES
from holdgate.law.library import Library
from holdgate.law.state import OVER, Job, State, open_ncrs

NONCONFORMANCE = "nonconformance"
HOLD = "hold point"
WITNESS = "witness point"
FAILURE = "failed execution"
STOP_WORK = "stop-work"


class Open(Struct, frozen=True, kw_only=True):
    """Something that stands open.

    `about`: `order/job`, or a contract version. `next`: work waits for it now (a point of a step that is next).
    `waits_for`: whose word it waits for.
    """

    kind: str
    id: str
    about: str
    client: str
    node: str
    step: str
    next: bool
    waits_for: tuple[str, ...]
    why: str = ""
    entry: int = 0


def standing(state: State, library: Library) -> list[Open]:
    """Everything that stands open at this site, what holds work up now first.

    Args:
        state: of the business hub or a node; not changed.
        library: its documents.
    """
    found = [item for job in state.jobs.values() if job.status not in OVER for item in _of_job(library, job)]
    found += stopped(state)
    return sorted(found, key=lambda item: (not item.next, item.kind, item.about, item.step, item.id))


def troubles(state: State, library: Library, order: str) -> Iterator[Open]:
    """Nonconformances and failures that stand open on one order's jobs; points of what is still to come are none.

    Args:
        state: of the business hub or a node; not changed.
        library: its documents.
        order: the order's id.
    """
    known = state.orders.get(order)
    for key in () if known is None else known.jobs:
        job = state.jobs.get(key)
        if job is not None and job.status not in OVER:
            yield from _troubles(library, job)


def _of_job(library: Library, job: Job) -> Iterator[Open]:
    yield from _troubles(library, job)
    document = library.document(job.technique) if job.status == "running" else None
    if isinstance(document, SmartSP):
        yield from _points(job, document.steps)


def _troubles(library: Library, job: Job) -> Iterator[Open]:
    yield from _ncrs(library, job)
    if job.failed:
        ready = library.technique(job.technique)
        resume = () if ready is None else ready.resume_roles
        yield _open(job, FAILURE, "", "", resume, job.failed, now=True)


def _ncrs(library: Library, job: Job) -> Iterator[Open]:
    if not job.ncrs:
        return
    template = library.template(job.sha256)
    quality = None if template is None else library.quality(template)
    matrix = MATRIX if quality is None else quality.dispositions
    roles = tuple(dict.fromkeys(role for authority in matrix for role in authority.roles))
    client = (f"the client ({job.client})",) if any(authority.client for authority in matrix) else ()
    for ncr in open_ncrs(job):
        parts = ", ".join(ncr.serials) or "the whole job"
        why = f"recall of {ncr.equipment}" if ncr.equipment else parts
        yield _open(job, NONCONFORMANCE, ncr.id, ncr.step, (*roles, *client), why, now=True, entry=ncr.ref)


def _points(job: Job, steps: tuple[Step, ...]) -> Iterator[Open]:
    """Points of steps that are not started; the first such step is next where nothing before it is open."""
    ahead = [index for index, attempt in enumerate(job.attempts) if attempt is None]
    first = ahead[0] if ahead and job.open_step < 0 else -1
    for index in ahead:
        step = steps[index]
        if step.hold is not None and step.id not in job.released:
            why = f"{step.name}: released before it starts"
            yield _open(job, HOLD, step.id, step.id, (step.hold.party,), why, now=index == first)
        if step.witness is not None and step.id not in job.noticed:
            why = f"{step.name}: told at least {step.witness.notice_s} s before"
            yield _open(job, WITNESS, step.id, step.id, (f"notice to {step.witness.party}",), why, now=index == first)


def _open(
    job: Job, kind: str, key: str, step: str, waits_for: tuple[str, ...], why: str, *, now: bool, entry: int = 0
) -> Open:
    return Open(
        kind=kind,
        id=key,
        about=f"{job.order}/{job.id}",
        client=job.client,
        node=job.node,
        step=step,
        next=now,
        waits_for=waits_for,
        why=why,
        entry=entry,
    )


def stopped(state: State) -> Iterator[Open]:
    """Contract versions under which work is stopped."""
    for record in state.contracts.values():
        if record.suspended:
            yield Open(
                kind=STOP_WORK,
                id=record.sha256[:16],
                about=f"{record.contract} version {record.version}",
                client="",
                node="",
                step="",
                next=True,
                waits_for=ROLES[c.ResumeContract],
                entry=record.ref,
            )

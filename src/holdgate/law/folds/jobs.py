"""Jobs: started, split, done again, ended, failed, resumed; permits of modules."""

from typing import Final

from msgspec.structs import replace

from holdgate.law import event as ev
from holdgate.law.folds.attempts import close_opened, set_aside, settle
from holdgate.law.folds.orders import order_of
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library, require_technique
from holdgate.law.state import Attempt, Job, Permit, State, job_key


def _job_started(state: State, library: Library, e: ev.JobStarted, at: int, ref: int) -> None:
    technique = require_technique(library, e.sha256)
    order = order_of(state, e.order)
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
        settle(lot)
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


def _job_reprocessed(state: State, library: Library, e: ev.JobReprocessed, at: int, ref: int) -> None:
    """What was released or announced is so no more. Recalls end where nothing that is left was done with the instrument.

    Where nothing at all is left, environmental logs count from now: what was done under the old ones is not reported.
    """
    job = state.jobs[job_key(e.order, e.job)]
    technique = library.techniques.get(job.technique) or require_technique(library, job.sha256)
    for operation in technique.operations[technique.position[e.step] :]:
        position = operation.position
        job.released.pop(operation.id, None)
        job.noticed.pop(operation.id, None)
        attempt = job.attempts[position]
        if attempt is not None:
            close_opened(job, attempt.step, "reprocess")
        set_aside(job, position)
    for ncr in job.ncrs.values():
        if ncr.equipment and all(
            a is None or ncr.equipment not in (*a.equipment, *a.instruments) for a in job.attempts
        ):
            ncr.disposition = ncr.disposition or "reprocess"
    if not any(job.attempts):
        job.resumed_at = at
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
        set_aside(job, position)
    job.failed, job.resumed_at, job.ref = "", at, ref


def _help_called(state: State, _: Library, e: ev.HelpCalled, at: int, ref: int) -> None:
    """On the record; who is called is told, and nothing of the job changes."""


def _permit_issued(state: State, _: Library, e: ev.PermitIssued, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.permits[e.permit] = Permit(id=e.permit, module=e.module, deed=e.deed, step=e.step, until=e.until, ref=ref)


def _module_acted(state: State, _: Library, e: ev.ModuleActed, at: int, ref: int) -> None:
    state.jobs[job_key(e.order, e.job)].permits[e.permit].used = True


STEPS: Final[Steps] = {
    ev.JobStarted: _job_started,
    ev.JobSplit: _job_split,
    ev.JobReprocessed: _job_reprocessed,
    ev.JobTerminated: _job_terminated,
    ev.JobFailed: _job_failed,
    ev.JobResumed: _job_resumed,
    ev.HelpCalled: _help_called,
    ev.PermitIssued: _permit_issued,
    ev.ModuleActed: _module_acted,
}

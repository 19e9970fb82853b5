"""Nonconformances: opened, flagged, decided on."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds.attempts import position_of, set_aside, settle, unaccept
from holdgate.law.folds.facts import mark_unused
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import BECOMES, Ncr, State, job_key, may_become, remaining


def _nonconformance_opened(state: State, _: Library, e: ev.NonconformanceOpened, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.ncrs[e.ncr] = Ncr(id=e.ncr, step=e.step, serials=e.serials, equipment=e.equipment, ref=ref)
    job.ref = ref
    mark_unused(state, e.equipment, job_key(e.order, e.job))


def _job_flagged(state: State, _: Library, e: ev.JobFlagged, at: int, ref: int) -> None:
    """At its node, a job that QA accepted is closed: the business hub deals with it alone."""
    key = job_key(e.order, e.job)
    mark_unused(state, e.equipment, key)
    job = state.jobs.get(key)
    if job is not None:
        job.ncrs[e.ncr] = Ncr(id=e.ncr, step=e.step, serials=(), equipment=e.equipment, ref=ref)
        job.ref = ref


def _nonconformance_disposed(state: State, library: Library, e: ev.NonconformanceDisposed, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    ncr = job.ncrs[e.ncr]
    position = position_of(library, job, ncr.step) if ncr.step and not ncr.equipment else -1
    becomes = BECOMES.get(e.disposition)
    if becomes is not None:
        kept = [serial for serial in ncr.serials or remaining(job) if may_become(job, serial, becomes)]
        if kept:
            job.parts.update(dict.fromkeys(kept, becomes))
            unaccept(job)
        for started in job.attempts if becomes == "conceded" else ():
            if started is not None and not started.done:
                started.conceded += tuple(kept)
    ncr.disposition, ncr.concession, ncr.ref, job.ref = e.disposition, e.concession, ref, ref
    attempt = job.attempts[position] if position >= 0 else None
    if attempt is not None and e.disposition == "rework":
        set_aside(job, position)
    elif attempt is not None and becomes is not None:
        attempt.stands = attempt.done and attempt.result == "fail"
    settle(job)


STEPS: Final[Steps] = {
    ev.JobFlagged: _job_flagged,
    ev.NonconformanceOpened: _nonconformance_opened,
    ev.NonconformanceDisposed: _nonconformance_disposed,
}

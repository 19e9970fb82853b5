"""Steps: started, read, signed, corrected, repeated; their hold and witness points and deviations."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law import view
from holdgate.law.folds.attempts import (
    attempt_at,
    close_opened,
    open_step,
    position_of,
    set_aside,
    settle,
    uncover,
    void,
)
from holdgate.law.folds.facts import mark_used
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import Attempt, Deviation, Last, State, job_key


def _step_started(state: State, library: Library, e: ev.StepStarted, at: int, ref: int) -> None:
    job = state.jobs[f"{e.order}/{e.job}"]
    position = position_of(library, job, e.step)
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
        mark_used(state, item, f"{e.order}/{e.job}", at)


def _reading_recorded(state: State, library: Library, e: ev.ReadingRecorded, at: int, ref: int) -> None:
    """An older observation that is entered late counts, and does not stand in for one that was made after it."""
    job = state.jobs[f"{e.order}/{e.job}"]
    attempt = attempt_at(job, position_of(library, job, e.step), e.step)
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
        uncover(attempt, e.serial)
    attempt.tally = view.added(attempt.tally, key, e.value, e.unit)
    if attempt.signers:
        void(attempt)
    if e.instrument is not None:
        mark_used(state, e.instrument, f"{e.order}/{e.job}", at)


def _step_signed(state: State, library: Library, e: ev.StepSigned, at: int, ref: int) -> None:
    job = state.jobs[f"{e.order}/{e.job}"]
    position = position_of(library, job, e.step)
    attempt = attempt_at(job, position, e.step)
    attempt.signers += (e.by,)
    attempt.signed_at, attempt.result = at, e.result
    if e.by not in job.signers:
        job.signers += (e.by,)
    if e.complete:
        attempt.done, attempt.completed_at = True, attempt.completed_at or at
        job.open_step, job.last_done_at, job.ref = open_step(job), at, ref
        settle(job)


def _step_restarted(state: State, library: Library, e: ev.StepRestarted, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    set_aside(job, position_of(library, job, e.step))
    job.ref = ref


def _prechecks_completed(state: State, _: Library, e: ev.PrechecksCompleted, at: int, ref: int) -> None:
    """On the record; what it sets off is the contract's."""


def _retest_authorised(state: State, library: Library, e: ev.RetestAuthorised, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    set_aside(job, position_of(library, job, e.step))
    job.retests[e.step] = job.retests.get(e.step, 0) + 1
    close_opened(job, e.step, "retest")
    job.ref = ref


def _hold_released(state: State, _: Library, e: ev.HoldReleased, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.released[e.step], job.ref = e.by, ref


def _witness_notified(state: State, _: Library, e: ev.WitnessNotified, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.noticed[e.step], job.ref = at, ref


def _reading_corrected(state: State, library: Library, e: ev.ReadingCorrected, at: int, ref: int) -> None:
    """It replaces the last reading only: one before it that did not conform still counts."""
    job = state.jobs[f"{e.order}/{e.job}"]
    attempt = attempt_at(job, position_of(library, job, e.step), e.step)
    key = e.characteristic if e.serial is None else f"{e.characteristic}/{e.serial}"
    last = attempt.last[key]
    missed_before = last.missed_before
    attempt.last[key] = Last(
        value=e.value, conforms=e.conforms, missed_before=missed_before, at=last.at, count=last.count
    )
    attempt.tally = view.added(attempt.tally, key, e.value, "corrected")
    if attempt.signers:
        void(attempt)
        job.open_step = open_step(job)
        settle(job)
    if not e.conforms:
        uncover(attempt, e.serial)
    if not missed_before:
        attempt.missed.pop(key, None)
        if not e.conforms:
            attempt.missed[key] = e.value


def _deviation_authorised(state: State, _: Library, e: ev.DeviationAuthorised, at: int, ref: int) -> None:
    job = state.jobs[job_key(e.order, e.job)]
    job.deviations[e.deviation] = Deviation(id=e.deviation, step=e.step, waive=e.waive, by=e.by, ref=ref)


def _deviation_used(state: State, _: Library, e: ev.DeviationUsed, at: int, ref: int) -> None:
    state.jobs[job_key(e.order, e.job)].deviations[e.deviation].used = True


STEPS: Final[Steps] = {
    ev.StepStarted: _step_started,
    ev.ReadingRecorded: _reading_recorded,
    ev.StepSigned: _step_signed,
    ev.ReadingCorrected: _reading_corrected,
    ev.RetestAuthorised: _retest_authorised,
    ev.StepRestarted: _step_restarted,
    ev.HoldReleased: _hold_released,
    ev.WitnessNotified: _witness_notified,
    ev.PrechecksCompleted: _prechecks_completed,
    ev.DeviationAuthorised: _deviation_authorised,
    ev.DeviationUsed: _deviation_used,
}

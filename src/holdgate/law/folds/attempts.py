"""Attempts at steps: what the folds of jobs, steps and nonconformances have in common."""

from holdgate.crypto.hashes import digest
from holdgate.law.library import Library, require_technique
from holdgate.law.state import Attempt, Job, remaining


def position_of(library: Library, job: Job, step: str) -> int:
    """Where a step stands in its technique.

    Raises:
        Tampered, LookupError: the technique, or the step, is not known here.
    """
    technique = library.techniques.get(job.technique) or require_technique(library, job.sha256)
    return technique.position[step]


def attempt_at(job: Job, position: int, step: str) -> Attempt:
    """The attempt at a step.

    Raises:
        LookupError: the step was never started here.
    """
    attempt = job.attempts[position]
    if attempt is None:
        raise LookupError(f"{step} of {job.id} was never started here")
    return attempt


def open_step(job: Job) -> int:
    """The last step that is started and not signed off; -1: none."""
    attempts = job.attempts
    for position in range(len(attempts) - 1, -1, -1):
        attempt = attempts[position]
        if attempt is not None and not attempt.done:
            return position
    return -1


def settle(job: Job) -> None:
    """Whether anything of a running job is left to do: every step is passed, or no part is left to do it on."""
    if job.status in ("running", "complete"):
        passed = all(attempt is not None and attempt.passed for attempt in job.attempts)
        job.status = "complete" if passed or not remaining(job) else "running"
        if job.status == "running":
            unaccept(job)
            job.handed_over = False


def unaccept(job: Job) -> None:
    """QA and Compliance signed another record than this one; they look at it, and sign, anew."""
    job.qa_by = job.compliance_by = ""


def set_aside(job: Job, position: int) -> None:
    """The attempt at a step is over without being the one that counts: its digest stays in the job's view.

    The release of a hold point was for that attempt; the next one is let go of anew.
    """
    attempt = job.attempts[position]
    if attempt is not None:
        job.released.pop(attempt.step, None)
        job.past += (digest(f"{attempt.tally} {attempt.result} {','.join(attempt.signers)}".encode()),)
        job.attempts[position] = None
        job.open_step = open_step(job)
        for deviation in job.deviations.values():
            deviation.over = deviation.over or (deviation.used and deviation.step == attempt.step)
        settle(job)


def close_opened(job: Job, step: str, disposition: str) -> None:
    """The nonconformance that a failed step opened ends with what is done about the step."""
    for ncr in job.ncrs.values():
        if ncr.step == step and not ncr.disposition and ncr.id.startswith("auto-"):
            ncr.disposition = disposition


def uncover(attempt: Attempt, serial: str | None) -> None:
    """What is found bad after a concession is not covered by it (no serial: it is bad for every part)."""
    attempt.conceded = () if serial is None else tuple(part for part in attempt.conceded if part != serial)


def void(attempt: Attempt) -> None:
    """A signature holds for what was signed: what changes afterwards is signed anew."""
    attempt.done, attempt.signers, attempt.result, attempt.stands = False, (), "", False

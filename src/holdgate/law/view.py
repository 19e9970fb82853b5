"""What a signer is shown, as a digest: the `seen` of a signing act. What you see is what you sign.

The digest covers the state that the act is about (attempt, readings, exceptions; report content), through running tallies,
so that a signature costs the same however many readings there are.
"""

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.state import Job, State, job_key


def view_of(state: State, command: c.AnyCommand) -> str | None:
    """The digest of what this act's signers have to be shown; None where the act is about nothing that changes."""
    if isinstance(command, c.SignStep):
        job = state.jobs.get(f"{command.order}/{command.job}")
        return None if job is None else step_view(job, command.step)
    if isinstance(command, (c.SignQa, c.SignCompliance)):
        job = state.jobs.get(job_key(command.order, command.job))
        return None if job is None else job_view(job)
    if isinstance(command, c.ReviewReport):
        report = state.reports.get(command.report)
        return None if report is None else report.digest
    return None


def opened(
    order: str, job: str, step: str, performer: str, equipment: tuple[str, ...], materials: tuple[str, ...]
) -> str:
    """The tally of an attempt that was just opened."""
    return digest(f"{order}/{job}/{step} {performer} {','.join(equipment)} {','.join(materials)}".encode())


def added(tally: str, key: str, value: str, unit: str) -> str:
    """The tally with one more reading (`key`: characteristic, or characteristic/serial)."""
    return digest(f"{tally} {key} {value} {unit}".encode())


def step_view(job: Job, step: str) -> str | None:
    """The view of a step: its attempt, every reading in it and what was signed so far; None before it was started."""
    for attempt in job.attempts:
        if attempt is not None and attempt.step == step:
            if not attempt.signers:
                return attempt.tally
            return digest(f"{attempt.tally} {attempt.result} {','.join(attempt.signers)}".encode())
    return None


def job_view(job: Job) -> str:
    """The view of a whole job: every attempt, result, deviation and nonconformance, and what became of the parts."""
    parts = [job.id, job.version, *job.serials]
    parts.extend("-" if a is None else f"{a.tally} {a.result} {a.contract} {a.stands}" for a in job.attempts)
    parts.extend(job.past)
    parts.extend(job.deviations)
    parts.extend(f"{ncr.id} {ncr.disposition} {ncr.concession}" for ncr in job.ncrs.values())
    parts.extend(f"{serial} {what}" for serial, what in job.parts.items())
    return digest("\n".join(parts).encode())

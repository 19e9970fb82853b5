"""revocations: signatures that an off-line node took from somebody who may not sign any more.

The node works on by what it last knew, and nothing is deleted: when its record is imported, the business hub flags the
job for each step that was signed after its signer was de-authorised, or had lost a credential that the step asks for, or
under a key (the signer's, or the workstation's) that had been replaced.
Source: the scenario vocabulary, convention 15.
"""

from collections.abc import Mapping

from holdgate.identity.roster import Identity
from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.recalls import Said
from holdgate.law.state import State, flag_id, job_key
from holdgate.law.technique import Operation


def signed_too_late(
    state: State, library: Library, said: Said, outdated: Mapping[int, tuple[str, ...]]
) -> tuple[ev.JobFlagged, ...]:
    """The flags that the business hub sets over the signatures of an import.

    Args:
        state: the business hub's, with the events folded in; not changed.
        library: the pinned law documents.
        said: the imported events, each with its node's time.
        outdated: by place among them, who had signed the act under a key that was replaced before that time.
    """
    found: dict[tuple[str, str], str] = {}
    for index, (at, event) in enumerate(said):
        if isinstance(event, ev.StepSigned):
            why = _why(state, library, event, at, outdated.get(index, ()))
            if why:
                found[job_key(event.order, event.job), event.step] = why
        elif isinstance(event, ev.JobSplit):
            _to_lots(event, found)
    flagged = (_flag(state, key, step, why) for (key, step), why in found.items())
    return tuple(flag for flag in flagged if flag is not None)


def _to_lots(event: ev.JobSplit, found: dict[tuple[str, str], str]) -> None:
    """A job that was split lives on in its lots."""
    parent = job_key(event.order, event.job)
    for key, step in [signed for signed in found if signed[0] == parent]:
        why = found.pop((key, step))
        found.update({(job_key(event.order, job), step): why for job in event.jobs})


def _flag(state: State, key: str, step: str, why: str) -> ev.JobFlagged | None:
    """The flag, unless the job has this nonconformance open already."""
    job = state.jobs.get(key)
    if job is None:
        return None
    ncr = flag_id("sync", job.id, step)
    known = job.ncrs.get(ncr)
    if known is not None and not known.disposition:
        return None
    return ev.JobFlagged(order=job.order, job=job.id, ncr=ncr, why=why, step=step)


def _why(state: State, library: Library, event: ev.StepSigned, at: int, outdated: tuple[str, ...]) -> str:
    """Why this signature is in doubt; empty where it is not."""
    person = state.identities.get(event.by)
    operation = _operation(state, library, event)
    if person is None or operation is None:
        return ""
    if person.disabled_at is not None and person.disabled_at < at:
        return f"{person.id} signed {event.step} after being de-authorised"
    if outdated:
        return f"{event.step} was signed under a key of {outdated[0]} that had been replaced"
    lost = next((name for name in operation.credentials if _revoked(person, name, at)), None)
    return "" if lost is None else f"{person.id} signed {event.step} after {lost} was revoked"


def _operation(state: State, library: Library, event: ev.StepSigned) -> Operation | None:
    job = state.jobs.get(job_key(event.order, event.job))
    technique = None if job is None else library.technique(job.technique)
    position = None if technique is None else technique.position.get(event.step)
    return None if technique is None or position is None else technique.operations[position]


def _revoked(person: Identity, credential: str, at: int) -> bool:
    """Whether it was revoked at this time, as the business hub knows by now."""
    held = person.credentials.get(credential)
    if held is None:
        return False
    now = held.revoked_at is not None and held.revoked_at < at
    return now or any(revoked < at <= anew for revoked, anew in held.lapses)

"""recalls: an instrument or machine that is found bad takes back what was done with it since it was last found good.

At a node, a failed check opens a nonconformance on each of its own jobs in the same act (`at_node`). At the business hub,
a calibration that met it out of tolerance and the import of a failed check flag every other such job, those that QA
accepted included; a use that is heard of only later (a node was off line) is flagged when it is imported (`recalled`).
Source: the scenario vocabulary, convention 14; ISO/IEC 17025 6.4.9, 7.10.
"""

from collections.abc import Sequence
from typing import TypeGuard

from holdgate.law import event as ev
from holdgate.law.state import Job, State, flag_id, job_key
from holdgate.terms.limits import RECALLED_AT_ONCE_MAX

Said = Sequence[tuple[int, ev.AnyEvent]]
"""Events of one entry or import, in order, each with the time (UTC µs) at which its site put it on the record."""

_Recall = tuple[str, str]
"""Equipment and job key."""


def at_node(state: State, equipment: str) -> tuple[ev.NonconformanceOpened, ...]:
    """The nonconformances that a failed check opens on this node's own jobs."""
    jobs = (state.jobs.get(key) for key in state.uses.get(equipment, {}))
    recalled = [job for job in jobs if job is not None and not _is_over(job)]
    return tuple(
        ev.NonconformanceOpened(
            order=job.order, job=job.id, ncr=flag_id("recall", equipment, job.id), step="", equipment=equipment
        )
        for job in recalled[:RECALLED_AT_ONCE_MAX]
    )


def recalled(state: State, said: Said) -> tuple[ev.AnyEvent, ...]:
    """What the business hub says after these events: instruments that nobody uses any more, and jobs that are flagged.

    Args:
        state: the business hub's, with the events folded in; not changed.
        said: its own act's events, or those of an import.
    """
    withdrawn: dict[str, None] = {}
    found: dict[_Recall, str] = {}
    for at, event in said:
        if isinstance(event, ev.EquipmentChecked) and event.result != "pass":
            withdrawn[event.equipment] = None
            _all_uses(state, event.equipment, "failed a check", found)
        elif _met_bad(event):
            _all_uses(state, event.equipment, "was found out of tolerance", found)
        elif isinstance(event, (ev.StepStarted, ev.ReadingRecorded)):
            _late_use(state, at, event, found)
        elif isinstance(event, ev.JobSplit):
            _to_lots(event, found)
    flagged = (_flag(state, equipment, key, why) for (equipment, key), why in found.items())
    return (
        *(ev.EquipmentWithdrawn(equipment=equipment) for equipment in withdrawn if equipment in state.equipment),
        *(flag for flag in flagged if flag is not None),
    )


def _met_bad(event: ev.AnyEvent) -> TypeGuard[ev.EquipmentCalibrated | ev.EquipmentWithdrawn]:
    """A calibration met it out of tolerance, whether or not it could be brought back into service."""
    if isinstance(event, ev.EquipmentCalibrated):
        return event.as_found != "in_tolerance"
    return isinstance(event, ev.EquipmentWithdrawn) and event.as_found == "out_of_tolerance"


def _all_uses(state: State, equipment: str, why: str, found: dict[_Recall, str]) -> None:
    for key in state.uses.get(equipment, {}):
        found[equipment, key] = f"{equipment} {why}"


def _late_use(state: State, at: int, event: ev.StepStarted | ev.ReadingRecorded, found: dict[_Recall, str]) -> None:
    """A use that is heard of after the finding that recalls it."""
    for item in event.equipment if isinstance(event, ev.StepStarted) else (event.instrument or "",):
        equipment = state.equipment.get(item)
        if equipment is not None and equipment.doubts and equipment.doubted(at):
            found[item, job_key(event.order, event.job)] = f"{item} was used while it was in doubt"


def _to_lots(event: ev.JobSplit, found: dict[_Recall, str]) -> None:
    """A job that was split lives on in its lots."""
    parent = job_key(event.order, event.job)
    for equipment, key in [recall for recall in found if recall[1] == parent]:
        why = found.pop((equipment, key))
        found.update({(equipment, job_key(event.order, job)): why for job in event.jobs})


def _flag(state: State, equipment: str, key: str, why: str) -> ev.JobFlagged | None:
    """The flag, unless the job is over, has this nonconformance open already, or is the one that is about the instrument."""
    job = state.jobs.get(key)
    if job is None or _is_over(job) or equipment in job.serials:
        return None
    ncr = flag_id("recall", equipment, job.id)
    known = job.ncrs.get(ncr)
    if known is not None and not known.disposition:
        return None
    return ev.JobFlagged(order=job.order, job=job.id, ncr=ncr, why=why, equipment=equipment)


def _is_over(job: Job) -> bool:
    return job.status in ("split", "terminated")

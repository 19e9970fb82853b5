"""Where it is too warm, too bright, or nobody looked: steps and reports that rest on a logged series."""

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.environment import Finding, fit, good, open_watches, watches_of, worked_until


def _deny(case: Case, finding: Finding | None) -> bool:
    if finding is None:
        return False
    silent, values = finding
    if silent:
        case.deny("ENV_LOG_GAP", **values)
    else:
        case.deny("ENV_OUT_OF_LIMIT", **values)
    return True


def fit_to_start(case: Case) -> None:
    """A step starts only while every series that it rests on is fresh and inside its limits."""
    for watch in () if case.operation is None else case.operation.watches:
        _deny(case, fit(case.state, watch, case.now))


def good_to_sign(case: Case) -> None:
    """A step is signed only if every series was good all the time that it was worked on; else the execution has failed."""
    operation, attempt, job = case.operation, case.attempt, case.job
    if operation is None or attempt is None or job is None or attempt.done:
        return
    broken = False
    for watch in operation.watches:
        broken |= _deny(case, good(case.state, watch, attempt.started_at, worked_until(attempt, case.now), case.now))
    if broken and not job.failed and case.actor.id == attempt.performer:
        why = f"an environmental log broke while {operation.id} was open"
        case.fact(ev.JobFailed(order=job.order, job=job.id, why=why))


def good_to_report(case: Case) -> None:
    """A report leaves only if the series that it rests on were good from the start (or resumption) to the last signature."""
    job, technique = case.job, case.technique
    if job is None or technique is None:
        return
    since = max(job.started_at, job.resumed_at)
    for watch in technique.watches:
        if watch.report:
            _deny(case, good(case.state, watch, since, job.last_done_at, case.now))


def resumable(case: Case) -> None:
    """A failed execution is resumed by somebody whom the contract names, once what broke is good again."""
    job, technique = case.job, case.technique
    if type(case.command) is not c.ResumeJob or job is None or technique is None:
        return
    if not job.failed:
        case.deny("ALREADY_DONE", what=f"the resumption of {job.id}, which has not failed,")
    if case.actor.role not in technique.resume_roles:
        needed = ", ".join(technique.resume_roles)
        case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=needed)
    rests_on = (*(watch for watch in technique.watches if watch.report), *open_watches(case.library, job))
    for watch in dict.fromkeys(rests_on):
        _deny(case, fit(case.state, watch, case.now))


def logged(case: Case) -> None:
    """A series is logged by the sensor that the contracts name, in their unit, as a number, forward in time."""
    command = case.command
    if type(command) is not c.LogEnvironment:
        return
    watches = watches_of(case.state, case.library, command.series)
    sensors = tuple(dict.fromkeys(watch.sensor for watch in watches))
    if watches and case.actor.id not in sensors:
        case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role="another sensor", needed=", ".join(sensors))
    units = tuple(dict.fromkeys(watch.unit for watch in watches if watch.sensor == case.actor.id))
    if units and command.unit not in units:
        case.deny("UNIT_MISMATCH", characteristic=command.series, needed=", ".join(units), unit=command.unit)
    if case.value is None:
        case.deny("VALUE_INVALID", value=command.value[:40])


def forward(case: Case) -> None:
    """A value is not older than the last one of its series: what was logged is not rewritten."""
    command = case.command
    if type(command) is not c.LogEnvironment:
        return
    at = case.now if command.observed_at is None else command.observed_at
    series = case.state.series.get(f"{command.series}/{case.actor.id}")
    if series is not None and at <= series.last_at:
        case.deny("BACKDATED", claimed_at=at, by_us=series.last_at - at, limit_us=0)

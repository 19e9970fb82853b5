"""In which order: arrival first, pre-checks before everything, steps in contract order, one signature each."""

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import LOST, OVER, Job, job_key, open_ncrs


def arrived(case: Case) -> None:
    """A job starts only on parts that a verified arrival put here."""
    command, order = case.command, case.order
    if type(command) is not c.StartJob:
        return
    notice = case.state.notices.get(command.order, "")
    if order is None:
        named = notice.partition(" ")[0]
        if not notice:
            case.deny("PO_NOT_STAGED", order=command.order)
        if not named or named == case.state.site:
            case.deny("NO_ARRIVAL", order=command.order)
        return
    case.reads.append(order.ref)
    wanted = order.arrived if command.serials is None else command.serials
    missing = tuple(serial for serial in wanted if serial not in order.arrived)
    if missing or not wanted:
        case.deny("NO_ARRIVAL", order=order.id)


def new_job(case: Case) -> None:
    """A job's id is used once in its order, and each part once: in no other running job, in none that QA accepted."""
    command, order = case.command, case.order
    if type(command) is not c.StartJob or order is None:
        return
    key = job_key(command.order, command.job)
    if key in case.state.jobs or key in case.state.closed:
        case.deny("ALREADY_DONE", what=f"the start of {command.job}")
        return
    serials = order.arrived if command.serials is None else command.serials
    wanted = frozenset(serials)
    if len(wanted) != len(serials):
        case.deny("QTY_NOT_RECONCILED", why="a job names each part once")
    for other in order.jobs:
        job = case.state.jobs.get(other)
        if job is None:
            continue
        if job.status in OVER:
            _none_left(case, job, wanted)
            continue
        busy = tuple(serial for serial in job.serials if serial in wanted)
        if busy:
            case.deny("QTY_NOT_RECONCILED", why=f"{', '.join(busy)} are in job {job.id} already")
    settled = tuple(serial for serial in order.settled if serial in wanted)
    if settled:
        case.deny("QTY_NOT_RECONCILED", why=f"QA accepted the record of {', '.join(settled)} already")


def _none_left(case: Case, job: Job, wanted: frozenset[str]) -> None:
    """What was rejected, scrapped or returned in a job that is over is not started again."""
    for ncr in open_ncrs(job) if job.status == "terminated" else ():
        if not ncr.serials or not wanted.isdisjoint(ncr.serials):
            case.deny("NCR_OPEN", ncr=ncr.id)
    gone = tuple(
        f"{serial} ({job.parts[serial]})"
        for serial in job.serials
        if serial in wanted and job.parts.get(serial) in LOST
    )
    if gone:
        case.deny("QTY_NOT_RECONCILED", why=f"{', '.join(gone)} left job {job.id} for good")


def job_open(case: Case) -> None:
    """The job exists and runs; the step is one of its technique's."""
    command, job = case.command, case.job
    if job is None:
        named = job_key(str(getattr(command, "order", "")), str(getattr(command, "job", "")))
        closed = case.state.closed.get(named)
        if closed is None:
            case.deny("JOB_UNKNOWN", job=named)
            _elsewhere(case)
        elif type(command) is c.CorrectEntry and closed.report:
            case.deny("REPORT_ISSUED", report=closed.report, job=command.job)
        elif type(command) is c.CorrectEntry:
            case.deny("QA_ALREADY_SIGNED", job=command.job, by=closed.by)
        else:
            case.deny("JOB_CLOSED", job=named, status="accepted by QA")
        return
    case.reads.append(job.ref)
    if job.status in OVER and not _undecided(case, job):
        case.deny("JOB_CLOSED", job=job.id, status=OVER[job.status])
    step = getattr(command, "step", None)
    if step is not None and case.operation is None:
        case.deny("STEP_UNKNOWN", step=step, contract=case.technique.id if case.technique else "?")


def _undecided(case: Case, job: Job) -> bool:
    """What stands open on the parts of a job that was ended is decided all the same."""
    return type(case.command) is c.DisposeNonconformance and job.status == "terminated"


def _elsewhere(case: Case) -> None:
    """The floor hub's notice says that the order is another node's."""
    bound_for = case.state.notices.get(str(getattr(case.command, "order", "")), "").partition(" ")[0]
    if bound_for and bound_for != case.state.site:
        case.deny("WRONG_NODE", needed=bound_for, node=case.state.site)


def pinned(case: Case) -> None:
    """What is done names the contract that the job is pinned to."""
    command, job = case.command, case.job
    if job is None:
        return
    record = case.contract
    judged_by = job.sha256 if record is None else record.sha256
    if type(command) is c.RepinJob or getattr(command, "contract", judged_by) != judged_by:
        contract = case.technique.id if case.technique is not None else "?"
        case.deny(
            "CONTRACT_PINNED", job=job.id, contract=contract, version=job.version if record is None else record.version
        )


def nonconformances(case: Case) -> None:
    """Nothing goes on while a nonconformance of the job is open."""
    found = () if case.job is None or not case.job.ncrs else open_ncrs(case.job)
    if found:
        case.deny("NCR_OPEN", ncr=", ".join(ncr.id for ncr in found))


def in_order(case: Case) -> None:
    """Every earlier step is complete; the pre-checks first of all."""
    job, operation, technique = case.job, case.operation, case.technique
    if job is None or operation is None or technique is None:
        return
    attempts = job.attempts
    if not operation.precheck:
        for position in technique.prechecks:
            attempt = attempts[position]
            if attempt is None or not attempt.passed:
                case.deny("PRECHECK_INCOMPLETE", missing=_name(case, position))
    for position in range(operation.position):
        attempt = attempts[position]
        if attempt is None or not attempt.passed:
            case.deny("STEP_OUT_OF_ORDER", missing=_name(case, position), step=operation.id)
            break


def _name(case: Case, position: int) -> str:
    technique = case.technique
    if technique is None:
        return "?"
    operation = technique.operations[position]
    return f"{operation.id} ({operation.name})"


def not_started(case: Case) -> None:
    """The step was not started before, and no other step of the job is open."""
    job, operation, attempt = case.job, case.operation, case.attempt
    if job is None or operation is None:
        return
    if attempt is not None and attempt.done:
        if not attempt.passed:
            case.deny("RETEST_NOT_AUTHORISED", step=operation.id, why="no retest is authorised")
        case.deny("ALREADY_DONE", what=f"the start of {operation.id}")
    elif attempt is not None:
        case.deny("STEP_IN_PROGRESS", step=operation.id)
    elif job.open_step >= 0:
        case.deny("STEP_IN_PROGRESS", step=_name(case, job.open_step))


def nothing_after(case: Case) -> None:
    """A step is done anew by itself only while nothing was done after it; else the job is reprocessed from there."""
    job, technique = case.job, case.technique
    step = _set_aside(case)
    position = None if technique is None else technique.position.get(step)
    if job is None or position is None:
        return
    later = tuple(attempt.step for attempt in job.attempts[position + 1 :] if attempt is not None)
    if later:
        say = f"{', '.join(later)} came after {step}: the job is reprocessed from {step}."
        case.deny("RULE_NOT_MET", rule="order of steps", say=say)


def _set_aside(case: Case) -> str:
    """The step whose attempt this act sets aside; "": none."""
    command, job = case.command, case.job
    if type(command) is not c.DisposeNonconformance:
        return str(getattr(command, "step", ""))
    ncr = None if job is None else job.ncrs.get(command.ncr)
    return "" if ncr is None or ncr.equipment or command.disposition != "rework" else ncr.step


def not_failed(case: Case) -> None:
    """A failed execution stands still until somebody whom the contract names resumes it."""
    job = case.job
    if job is not None and job.failed:
        roles = () if case.technique is None else case.technique.resume_roles
        case.deny("JOB_FAILED", job=job.id, why=job.failed, roles=roles)


def no_open_step(case: Case) -> None:
    """Not while a step of the job is open."""
    if case.job is not None and case.job.open_step >= 0:
        case.deny("STEP_IN_PROGRESS", step=_name(case, case.job.open_step))


def step_open(case: Case) -> None:
    """The step has an open attempt."""
    operation, attempt = case.operation, case.attempt
    if operation is None:
        return
    if attempt is None:
        case.deny("STEP_NOT_STARTED", step=operation.id)
    elif attempt.done:
        case.deny("ALREADY_SIGNED", step=operation.id, by=", ".join(attempt.signers), signed_at=attempt.signed_at)


def partition(case: Case) -> None:
    """The sub-lots hold every part of the job exactly once, under new ids."""
    command, job = case.command, case.job
    if type(command) is not c.SplitJob or job is None:
        return
    parts = [serial for lot in command.into for serial in lot.serials]
    if sorted(parts) != sorted(job.serials) or any(not lot.serials for lot in command.into) or len(command.into) < 2:
        case.deny("QTY_NOT_RECONCILED", why="the sub-lots do not hold every part of the job exactly once")
    names = [lot.job for lot in command.into]
    jobs, closed = case.state.jobs, case.state.closed
    known = [name for name in names if (key := job_key(job.order, name)) in jobs or key in closed]
    taken = known or [name for name in names if names.count(name) > 1]
    if taken:
        case.deny("ALREADY_DONE", what=f"the job id {taken[0]}")

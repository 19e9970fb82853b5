"""Assignment: whom the project manager may name for a job, and who then starts it and its steps.

Source: the scenario vocabulary, convention 18.
"""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.gates.tokens import check_held
from holdgate.law.state import job_key

OVER: Final = {"split": "split into sub-lots", "terminated": "terminated"}


def open_job(case: Case) -> None:
    """Work that is over is given to nobody."""
    job = case.job
    if job is None:
        return
    case.reads.append(job.ref)
    status = "accepted by QA" if job.qa_by else OVER.get(job.status)
    if status is not None:
        case.deny("JOB_CLOSED", job=job.id, status=status)


def assignee(case: Case) -> None:
    """Somebody else than the assigner, who is enrolled, in force, does a step's role and holds what those steps ask for."""
    command = case.command
    if type(command) is not c.AssignJob:
        return
    person = case.state.identities.get(command.technician)
    if person is None:
        case.deny("UNKNOWN_IDENTITY", id=command.technician)
        return
    case.reads.append(person.ref)
    if person.disabled_at is not None:
        case.deny("IDENTITY_DISABLED", id=person.id)
    if person.id == case.actor.id:
        case.deny("SELF_APPROVAL", id=person.id, why="nobody assigns a job to themselves")
    operations = () if case.technique is None else case.technique.operations
    theirs = [operation for operation in operations if operation.role in person.roles]
    if operations and not theirs:
        needed = ", ".join(dict.fromkeys(operation.role for operation in operations))
        case.deny("ROLE_NOT_AUTHORISED", id=person.id, role=", ".join(person.roles), needed=needed)
    check_held(case, person, tuple(dict.fromkeys(name for operation in theirs for name in operation.credentials)))


def again(case: Case) -> None:
    """A job is given to another person with a reason."""
    command = case.command
    if type(command) is not c.AssignJob:
        return
    before = case.state.assigned.get(job_key(command.order, command.job))
    if before == command.technician:
        case.deny("ALREADY_DONE", what=f"the assignment of {command.job} to {before}")
    elif before is not None and not (command.reason or "").strip():
        case.deny("REASON_REQUIRED")


def assigned(case: Case) -> None:
    """Whoever a job is assigned to starts it, and its steps of their role; some contracts start nothing before that."""
    command, technique = case.command, case.technique
    if not isinstance(command, (c.StartJob, c.StartStep)) or technique is None:
        return
    name = case.state.assigned.get(f"{command.order}/{command.job}")
    if name is None:
        if technique.assignment == "required":
            case.deny("NOT_ASSIGNED", job=command.job, why="assigned to nobody, and its contract asks for it")
        return
    if name == case.actor.id:
        return
    person, operation = case.state.identities.get(name), case.operation
    if operation is None or person is None or operation.role in person.roles:
        case.deny("NOT_ASSIGNED", job=command.job, why=f"assigned to {name}")

"""Modules: which may do what, at which step, when; and that a permit is used as it was issued, once, in time.

The contract names module, act and step. A permit is asked for by the module itself, and is issued only where a person
could start or continue that very step: earlier steps complete, nothing open, stopped or failed. The same is asked again
when the module acts: a permit is no more than leave to go on now.
Source: SC-13, SC-15; scenario vocabulary, convention 20.
"""

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.gates.tokens import check_held
from holdgate.law.technique import Permission


def permission_of(case: Case, module: str, deed: str) -> Permission | None:
    """What the contract allows this module at the case's step."""
    operation = case.operation
    for permission in () if operation is None else operation.permissions:
        if (permission.module, permission.deed) == (module, deed):
            return permission
    return None


def named(case: Case) -> None:
    """The module asks for itself, and the contract names it for this act and step."""
    command, operation = case.command, case.operation
    if type(command) is not c.AskModule or operation is None:
        return
    why = ""
    if command.module != case.actor.id:
        why = f"{case.actor.id} asks for it"
    elif permission_of(case, command.module, command.deed) is None:
        why = "the contract does not name it for that"
    if why:
        case.deny("MODULE_NOT_PERMITTED", module=command.module, deed=command.deed, step=operation.id, why=why)


def new_permit(case: Case) -> None:
    """A permit's id is used once in its job, and its step is not over."""
    command, job, attempt = case.command, case.job, case.attempt
    if type(command) is not c.AskModule or job is None:
        return
    if command.permit in job.permits:
        case.deny("ALREADY_DONE", what=f"the issue of permit {command.permit}")
    if attempt is not None and attempt.done:
        case.deny("ALREADY_DONE", what=f"{command.step}")


def operator(case: Case) -> None:
    """The person at the machine holds every credential that the contract asks for, at this moment."""
    command = case.command
    if type(command) is not c.AskModule:
        return
    permission = permission_of(case, command.module, command.deed)
    if permission is None or not permission.operator_tokens:
        return
    person = None if command.operator is None else case.state.identities.get(command.operator)
    if command.operator is not None and person is None:
        case.deny("UNKNOWN_IDENTITY", id=command.operator)
    elif person is not None and person.disabled_at is not None:
        case.deny("IDENTITY_DISABLED", id=person.id)
    elif person is None:
        for name in permission.operator_tokens:
            case.deny("CREDENTIAL_MISSING", id="nobody (no operator is named)", credential=name)
    else:
        check_held(case, person, permission.operator_tokens)


def permitted(case: Case) -> None:
    """The permit was issued to this module, for this act and step, is not used up and not over; nor is the step."""
    command, job, attempt = case.command, case.job, case.attempt
    if type(command) is not c.ReportModule or job is None:
        return
    if attempt is not None and attempt.done:
        case.deny("ALREADY_DONE", what=f"{command.step}")
    permit = job.permits.get(command.permit)
    if permit is None:
        case.deny("PERMIT_UNKNOWN", permit=command.permit)
        return
    case.reads.append(permit.ref)
    if (permit.module, permit.deed, permit.step) != (case.actor.id, command.deed, command.step):
        why = f"permit {permit.id} is for {permit.module} to {permit.deed} at {permit.step}"
        case.deny("MODULE_NOT_PERMITTED", module=case.actor.id, deed=command.deed, step=command.step, why=why)
    if permit.used:
        case.deny("ALREADY_DONE", what=f"what permit {permit.id} is for")
    elif case.now > permit.until:
        case.deny("PERMIT_EXPIRED", permit=permit.id, until=permit.until)

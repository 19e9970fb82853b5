"""Qualifications: SMART-TokenAccessLayer's part. What the step names is held, in date and not revoked, at this moment."""

from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.case import Case


def credentials(case: Case) -> None:
    """Every credential that the step names."""
    person, operation = case.person, case.operation
    if person is not None and operation is not None:
        hold(case, person, operation.credentials)


def hold(case: Case, person: Identity, names: tuple[str, ...]) -> None:
    """Deny for each credential that this person does not hold at this moment."""
    for name in names:
        held = person.credentials.get(name)
        if held is None:
            case.deny("CREDENTIAL_MISSING", id=person.id, credential=name)
            continue
        case.reads.append(held.ref)
        if held.revoked_at is not None:
            case.deny("CREDENTIAL_REVOKED", id=person.id, credential=name, revoked_at=held.revoked_at)
        elif case.now > held.until:
            case.deny("CREDENTIAL_EXPIRED", id=person.id, credential=name, until=held.until)


def demanded(case: Case) -> None:
    """The contract may ask for credentials at any act of its orders, a module's too."""
    job, order, person = case.job, case.order, case.person
    sha256 = job.sha256 if job is not None else "" if order is None else order.sha256
    template = case.library.template(sha256) if sha256 else None
    if template is None or not template.demands or person is None:
        return
    act = str(type(case.command).__struct_config__.tag)
    for demand in template.demands:
        if demand.act == act:
            hold(case, person, demand.credentials)


def known_person(case: Case) -> None:
    """A credential is granted to, or taken from, somebody who is enrolled (and holds it)."""
    command = case.command
    if not isinstance(command, (c.GrantCredential, c.RevokeCredential)):
        return
    person = case.state.identities.get(command.person)
    if person is None:
        case.deny("UNKNOWN_IDENTITY", id=command.person)
    elif type(command) is c.RevokeCredential and command.credential not in person.credentials:
        case.deny("CREDENTIAL_MISSING", id=command.person, credential=command.credential)
    elif type(command) is c.RevokeCredential and person.credentials[command.credential].revoked_at is not None:
        case.deny("ALREADY_DONE", what=f"the revocation of {command.credential} of {command.person}")
    elif command.person == case.actor.id:
        case.deny("SELF_APPROVAL", id=command.person, why="nobody grants or revokes their own credentials")

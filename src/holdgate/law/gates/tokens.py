"""Qualifications: SMART-TokenAccessLayer's part. What the step names is held, in date and not revoked, at this moment."""

from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import Policy


def credentials(case: Case) -> None:
    """Every credential that the step names is held, in date and not revoked."""
    person, operation = case.person, case.operation
    if person is not None and operation is not None:
        check_held(case, person, operation.credentials)


def check_held(case: Case, person: Identity, names: tuple[str, ...]) -> None:
    """Deny for each credential that this person does not hold at this moment."""
    for name in names:
        _held(case, person, name)


def _held(case: Case, person: Identity, name: str) -> None:
    held = person.credentials.get(name)
    if held is None:
        case.deny("CREDENTIAL_MISSING", id=person.id, credential=name)
        return
    case.reads.append(held.ref)
    if held.revoked_at is not None:
        case.deny("CREDENTIAL_REVOKED", id=person.id, credential=name, revoked_at=held.revoked_at)
    elif case.now > held.until:
        case.deny("CREDENTIAL_EXPIRED", id=person.id, credential=name, until=held.until)


def policies(case: Case) -> None:
    """What the access policies of the workstation's zone add; a started step lives by those that were known when it started."""
    person, station, attempt = case.person, case.station, case.attempt
    if person is None or station is None or case.operation is None:
        return
    for policy in case.state.policies.values():
        if policy.withdrawn or policy.zone != station.zone:
            continue
        if type(case.command) is c.StartStep or (attempt is not None and policy.ref < attempt.ref):
            case.reads.append(policy.ref)
            _held(case, person, policy.credential)


def policy(case: Case) -> None:
    """A policy that only adds is an admin's; what makes it ask for less is co-signed in every approval role."""
    command = case.command
    if type(command) is not c.UpdatePolicy:
        return
    places = [person.zone for person in case.state.identities.values() if "workstation" in person.roles]
    if command.zone not in places:
        needed = "the area of an enrolled workstation"
        case.deny("LOCATION_NOT_PERMITTED", place="no workstation", zone=command.zone[:40], needed=needed)
    present = case.state.policies.get(command.policy)
    if present is not None:
        case.reads.append(present.ref)
    if _asks_the_same(command, present):
        case.deny("ALREADY_DONE", what=f"the {'withdrawal' if command.withdraw else 'release'} of {command.policy}")
    elif present is not None and not present.withdrawn:
        roles = [signer.role for signer in command.signers]
        missing = tuple(role for role in case.settings.approval_roles if role not in roles)
        if missing:
            version = str(present.version + 1)
            case.deny("CONTRACT_NOT_APPROVED", contract=command.policy, version=version, missing=missing)


def _asks_the_same(command: c.UpdatePolicy, present: Policy | None) -> bool:
    """Whether nothing would change."""
    in_force = present is not None and not present.withdrawn
    if command.withdraw or not in_force or present is None:
        return command.withdraw and not in_force
    return (present.zone, present.credential) == (command.zone, command.credential)


def demanded(case: Case) -> None:
    """The contract may ask for credentials at an act on a job, a module's too."""
    job, order, person = case.job, case.order, case.person
    sha256 = job.sha256 if job is not None else "" if order is None else order.sha256
    template = case.library.template(sha256) if sha256 else None
    if template is None or not template.demands or person is None:
        return
    act = str(type(case.command).__struct_config__.tag)
    for demand in template.demands:
        if demand.act == act:
            check_held(case, person, demand.credentials)


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

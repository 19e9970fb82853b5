"""Hold and witness points (ITP): stop until the named party let go; invite the witness in time and go on."""

from holdgate.law import command as c
from holdgate.law.case import Case


def held(case: Case) -> None:
    """A hold point opens when its party has released it."""
    operation, job = case.operation, case.job
    if operation is None or job is None or not operation.hold_party:
        return
    if operation.id not in job.released:
        case.deny("HOLD_POINT", step=operation.id, party=operation.hold_party)


def witnessed(case: Case) -> None:
    """The witness was notified, and the notice is over; whether they came is theirs."""
    operation, job = case.operation, case.job
    if operation is None or job is None or not operation.witness_party or "WITNESS_NOTICE" in case.waived:
        return
    noticed = job.noticed.get(operation.id)
    if noticed is None or case.now - noticed < operation.notice_us:
        case.deny("WITNESS_NOTICE", step=operation.id)


def releasable(case: Case) -> None:
    """Only the party that the contract names releases its hold point, once; a client only its own order's."""
    operation, job, person = case.operation, case.job, case.person
    if type(case.command) is not c.ReleaseHold or operation is None or job is None:
        return
    if not operation.hold_party:
        case.deny("RULE_NOT_MET", rule="hold point", say=f"{operation.id} is no hold point.")
        return
    if case.actor.role != operation.hold_party:
        case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=operation.hold_party)
    elif case.actor.role == "client" and person is not None and person.org != job.client:
        case.deny("NOT_YOUR_ORDER", id=person.id, org=person.org, order=job.order)
    if operation.id in job.released:
        case.deny("ALREADY_DONE", what=f"the release of {operation.id}")


def noticeable(case: Case) -> None:
    """A notice is for a witness point."""
    operation = case.operation
    if type(case.command) is c.NotifyWitness and operation is not None and not operation.witness_party:
        case.deny("RULE_NOT_MET", rule="witness point", say=f"{operation.id} is no witness point.")

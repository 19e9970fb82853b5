"""Outcomes of erasure and legal hold: what becomes true when such an act passed all its gates."""

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.gates.retention import approvers
from holdgate.terms.errors import InvariantBroken

Events = tuple[ev.AnyEvent, ...]


def keep(case: Case, m: c.KeepPayload) -> Events:
    """A payload is on the record."""
    return (ev.PayloadKept(commitment=m.commitment, kind=m.kind, by=case.actor.id, subject=m.subject or ""),)


def erase(case: Case, m: c.ErasePayload) -> Events:
    """A payload is gone; the second officer is the first who signs besides the actor and is not whom it is about."""
    second = next((name for name in approvers(case.state, m) if name != case.actor.id), None)
    if second is None:
        raise InvariantBroken("a gate let an erasure pass that one person alone signed")
    return (ev.PayloadErased(commitment=m.commitment, by=case.actor.id, approved_by=second, reason=m.reason),)


def place_hold(case: Case, m: c.PlaceHold) -> Events:
    """A legal hold is in force."""
    return (ev.HoldPlaced(subject=m.subject, by=case.actor.id, reason=m.reason),)


def lift_hold(case: Case, m: c.LiftHold) -> Events:
    """A legal hold is over."""
    return (ev.HoldLifted(subject=m.subject, by=case.actor.id),)

"""Erasure and legal hold: of what can be erased, by two officers, when nothing holds it and its time is over."""

from holdgate.crypto.commitments import is_reference
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.retention import hold_on, is_known, kept_for
from holdgate.law.signers import officers_of
from holdgate.law.state import State
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id


def approvers(state: State, command: c.ErasePayload | c.LiftHold) -> tuple[str, ...]:
    """The officers who sign, none of whom the payload is about."""
    officers = officers_of(command, state.identities, "")
    payload = state.payloads.get(command.commitment) if isinstance(command, c.ErasePayload) else None
    return tuple(name for name in officers if payload is None or name not in payload.persons)


def known(case: Case) -> None:
    """What is kept is a commitment, under a kind; what is erased is on the record as a payload, and not erased yet."""
    command, payloads = case.command, case.state.payloads
    if not isinstance(command, (c.KeepPayload, c.ErasePayload)):
        return
    reference = command.commitment
    if not is_reference(reference):
        case.deny("NOT_ERASABLE", commitment=reference, why="it is no commitment and no SHA-256")
        return
    if case.library.blob(reference) is not None:
        case.deny("NOT_ERASABLE", commitment=reference, why="it is a law document or an entry")
        return
    payload = payloads.get(reference)
    if isinstance(command, c.KeepPayload):
        try:
            check_id(command.kind, "kind")
        except Malformed as error:
            case.deny("MALFORMED", id=case.actor.id, why=str(error))
        if payload is not None and (payload.kind or payload.erased is not None):
            case.deny("ALREADY_DONE", what=f"the keeping of {reference}")
    elif payload is None:
        case.deny("NOT_ERASABLE", commitment=reference, why="nothing on the record names it as a payload")
    elif payload.erased is not None:
        case.deny("ALREADY_DONE", what=f"the erasure of {reference}")
    else:
        case.reads.append(payload.ref)


def subject(case: Case) -> None:
    """What a payload or a hold is about is on the record."""
    command = case.command
    if not isinstance(command, (c.KeepPayload, c.PlaceHold, c.LiftHold)) or command.subject is None:
        return
    if not is_known(case.state, command.subject):
        case.deny("SUBJECT_UNKNOWN", subject=command.subject, why="nothing on the record is called so")


def officers(case: Case) -> None:
    """Two officers sign, both of them people, and neither is the one whom the payload is about."""
    command = case.command
    if isinstance(command, (c.ErasePayload, c.LiftHold)) and len(approvers(case.state, command)) < 2:
        what = (
            "erase a payload, and neither is whom it is about" if isinstance(command, c.ErasePayload) else "lift a hold"
        )
        case.deny("SELF_APPROVAL", id=case.actor.id, why=f"two officers {what}")


def held(case: Case) -> None:
    """Nothing under legal hold is erased; a hold is placed once, and lifted where there is one."""
    command, state = case.command, case.state
    if isinstance(command, c.ErasePayload):
        payload = state.payloads.get(command.commitment)
        found = None if payload is None else hold_on(state, payload)
        if found is not None:
            about, hold = found
            case.reads.append(hold.ref)
            case.deny("LEGAL_HOLD", subject=about, placed_at=hold.at, why=hold.reason)
    elif isinstance(command, c.PlaceHold) and command.subject in state.holds:
        case.deny("ALREADY_DONE", what=f"the hold on {command.subject}")
    elif isinstance(command, c.LiftHold) and command.subject not in state.holds:
        case.deny("SUBJECT_UNKNOWN", subject=command.subject, why="it is under no hold")


def over(case: Case) -> None:
    """Retention is over for every order that names it; what no order and no person has waits for the nodes' records."""
    command, state = case.command, case.state
    payload = state.payloads.get(command.commitment) if isinstance(command, c.ErasePayload) else None
    if payload is None or payload.erased is not None:
        return
    kept = kept_for(state, case.library, payload, case.now)
    if kept is not None:
        case.deny("RETENTION_NOT_OVER", commitment=command.commitment, why=kept.why)  # type: ignore[union-attr]
    if payload.orders or payload.persons or payload.others:
        return
    for seat in state.charter.sites:
        contact = state.contacts.get(seat.id)
        if seat.kind == "node" and seat.id not in state.retired and (contact is None or not contact.up):
            case.deny("NODE_NOT_SYNCED", node=seat.id)

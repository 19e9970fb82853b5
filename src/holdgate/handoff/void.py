"""Void: an arrival is taken back. The label was of another box, the count was wrong: the parts are not here after all.

Only before the release: what went to its node is stopped there, by a nonconformance, and the gate recalls nothing. A scan
that came before its order was staged can be taken back too, before it releases anything.
Source: foundations 6; the scenario vocabulary, conventions 11 and 24.
"""

from typing import Final

from holdgate.handoff.staging import Inquiry, repeats
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law import signing
from holdgate.law.decision import Decision

ROLES: Final = ("receiving", "qa")
"""Who may take an arrival back."""


def void_arrival(inquiry: Inquiry, command: c.VoidArrival) -> Decision:
    """Decide whether these parts count as not arrived from now on."""
    sound = [
        inquiry.ask("signers", signing.enrolled, inquiry),
        inquiry.ask("role", _role, inquiry),
        inquiry.ask("time", signing.claimed_time, inquiry),
        inquiry.ask("reason", signing.reason, inquiry),
        inquiry.ask("parts", _parts, inquiry, command),
    ]
    if not all(sound):
        return inquiry.refuse()
    return inquiry.allow(ev.ArrivalVoided(order=command.order, serials=command.serials))


def _role(inquiry: Inquiry) -> None:
    actor = inquiry.command.actor
    known = inquiry.state.identities.get(actor.id)
    if actor.role not in ROLES or (known is not None and known.kind != "person"):
        inquiry.deny("ROLE_NOT_AUTHORISED", id=actor.id, role=actor.role, needed=f"people: {', '.join(ROLES)}")


def _parts(inquiry: Inquiry, command: c.VoidArrival) -> None:
    """Parts that are on the record as here, each named once, and none of which went to its node."""
    order, repeated = command.order, repeats(command.serials)
    if not command.serials:
        inquiry.deny("QTY_MISMATCH", why="no serial is named")
    elif repeated:
        inquiry.deny("QTY_MISMATCH", why=f"{', '.join(repeated)} is named twice")
    slip = inquiry.state.slips.get(order)
    if slip is None:
        _early(inquiry, command)
        return
    inquiry.reads.append(slip.ref)
    gone, here, ordered = frozenset(slip.released + slip.gone), frozenset(slip.arrived), frozenset(slip.serials)
    unknown = tuple(serial for serial in command.serials if serial not in ordered)
    if unknown:
        inquiry.deny("SERIAL_UNKNOWN", serials=unknown, order=order)
    if any(serial in gone for serial in command.serials):
        inquiry.deny("ALREADY_RELEASED", order=order)
    if any(serial in ordered and serial not in here for serial in command.serials):
        inquiry.deny("NO_ARRIVAL", order=order)


def _early(inquiry: Inquiry, command: c.VoidArrival) -> None:
    """Parts of an order that is not staged: a scan that named it is kept here."""
    kept = [early for early in inquiry.state.early if early.order == command.order]
    inquiry.reads.extend(early.ref for early in kept)
    here = frozenset(serial for early in kept for serial in early.serials)
    if not kept:
        inquiry.deny("PO_NOT_STAGED", order=command.order)
    elif not here.issuperset(command.serials):
        inquiry.deny("NO_ARRIVAL", order=command.order)

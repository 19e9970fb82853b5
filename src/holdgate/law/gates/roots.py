"""Roots: old and new ones signed their exchange, two officers hand it in, and no root is a key that somebody works with."""

from holdgate.crypto.keys import key_id
from holdgate.identity.roots import read_root
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.rotation import rotation
from holdgate.law.signers import officers_of
from holdgate.terms.errors import Malformed, Tampered


def officers(case: Case) -> None:
    """Two officers, both of them people, hand it in: whoever steals roots still needs them."""
    if len(officers_of(case.command, case.state.identities, "")) < 2:
        case.deny("SELF_APPROVAL", id=case.actor.id, why="two officers hand in an exchange of the roots")


def follow(case: Case) -> None:
    """The document is the next one after the roots in force; enough of these and enough of its own signed it."""
    command, state = case.command, case.state
    if type(command) is not c.RotateRoots:
        return
    try:
        rotation(state.roots, state.charter.org, command)
    except (Malformed, Tampered) as error:
        case.deny("ROOTS_NOT_ACCEPTED", why=str(error))


def apart(case: Case) -> None:
    """A root that comes in is no key of a person, device, module or site of this shop, nor was it one."""
    command, state = case.command, case.state
    if type(command) is not c.RotateRoots:
        return
    try:
        _, document = read_root(command.document)
    except Malformed:
        return  # the gate before says so
    for key in document.roots:
        owner = state.key_owners.get(key.hex())
        if owner is not None and key not in state.roots.keys:
            case.deny(
                "ROOTS_NOT_ACCEPTED", why=f"{key_id(key)} is, or was, the key of {owner}; a root is for this alone"
            )

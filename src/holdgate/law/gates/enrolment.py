"""Enrolment: a good key that is nobody else's, proven to be held, approved by two officers who are not the newcomer."""

from typing import Final

from holdgate.crypto.keys import check_enrollable
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.gates.people import OFFICERS
from holdgate.terms.errors import Malformed

KINDS: Final = ("person", "device", "module")
"""Sites are not enrolled: they come from the charter."""


def key(case: Case) -> None:
    """The key is canonical, of prime order, and not enrolled; the id is free."""
    command = case.command
    if type(command) is not c.EnrolIdentity:
        return
    owner = case.state.key_owners.get(command.key.hex())
    if owner is not None:
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why=f"it is enrolled as {owner}")
    if command.id in case.state.identities:
        case.deny("ALREADY_DONE", what=f"the enrolment of {command.id}")
    try:
        check_enrollable(command.key)
    except Malformed as error:
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why=str(error))
    if command.kind not in KINDS:
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why=f"nobody is enrolled as a {command.kind[:40]!r}")


def sponsors(case: Case) -> None:
    """Two officers, both of them people, and the new key itself sign the enrolment."""
    command, identities = case.command, case.state.identities
    if type(command) is not c.EnrolIdentity:
        return
    people = [s for s in command.signers if s.id in identities and identities[s.id].kind == "person"]
    officers = [s.id for s in people if s.role in OFFICERS and s.id != command.id]
    if len(officers) < 2:
        case.deny("SELF_APPROVAL", id=command.id, why="two officers approve an enrolment, and nobody enrols himself")
    if all(signer.id != command.id for signer in command.signers):
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why="the newcomer did not prove that they hold it")


def disabled(case: Case) -> None:
    """Somebody who is enrolled is disabled, by somebody else."""
    command = case.command
    if type(command) is not c.DisableIdentity:
        return
    known = case.state.identities.get(command.id)
    if known is None:
        case.deny("UNKNOWN_IDENTITY", id=command.id)
    elif known.disabled_at is not None:
        case.deny("ALREADY_DONE", what=f"the disabling of {command.id}")
    elif command.id == case.actor.id:
        case.deny("SELF_APPROVAL", id=command.id, why="nobody disables their own identity")

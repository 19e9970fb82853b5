"""Enrolment, and another key: a good one that is nobody else's, proven to be held, approved by two officers, not its holder."""

from typing import Final

from holdgate.crypto import keys
from holdgate.crypto.sealed import check_sealable
from holdgate.crypto.signatures import WEBAUTHN, check_enrollable, kind_of, raw_key
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.signers import BRINGS_A_KEY, is_newcomer, officers_of
from holdgate.terms.errors import Malformed

KINDS: Final = ("person", "device", "module")
"""Sites come from the charter, or are enrolled by an act of their own (`holdgate.law.gates.seats`)."""
_TWO: Final[dict[type[c.Command], str]] = {
    c.RetireSite: "two officers retire a site",
    c.RekeyIdentity: "two officers replace a key, and neither of them is its holder",
}


def key(case: Case) -> None:
    """The key is one that every library reads alike, and not enrolled; only people have passkeys; the id is free."""
    command = case.command
    if not isinstance(command, BRINGS_A_KEY):
        return
    owner = case.state.key_owners.get(raw_key(command.key).hex())
    if owner is not None:
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why=f"it is enrolled as {owner}")
    known = case.state.identities.get(command.id)
    if type(command) is c.RekeyIdentity:
        _good(case, command.key, "site" if known is None else known.kind)
        return
    if known is not None:
        case.deny("ALREADY_DONE", what=f"the enrolment of {command.id}")
    _good(case, command.key, command.kind if type(command) is c.EnrolIdentity else "site")
    if type(command) is c.EnrolIdentity and command.kind not in KINDS:
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why=f"nobody is enrolled as a {command.kind[:40]!r}")


def _good(case: Case, key: bytes, kind: str) -> None:
    """A key that somebody or something of this kind can have."""
    name: str = case.command.id  # type: ignore[union-attr]  # asked of acts that name whose key it is
    if kind != "person" and kind_of(key) == WEBAUTHN:
        case.deny("KEY_NOT_ACCEPTED", id=name, why="only people sign with a passkey; anything else has an Ed25519 key")
        return
    try:
        if kind == "person":
            check_enrollable(key)
        else:
            keys.check_enrollable(key)
    except Malformed as error:
        case.deny("KEY_NOT_ACCEPTED", id=name, why=str(error))


def sponsors(case: Case) -> None:
    """Two officers, both of them people, sign; and where there is a new key, it does too."""
    command = case.command
    if not isinstance(command, (*BRINGS_A_KEY, c.RetireSite)):
        return
    if len(officers_of(command, case.state.identities, command.id)) < 2:
        why = _TWO.get(type(command), "two officers approve an enrolment, and nobody enrols himself")
        case.deny("SELF_APPROVAL", id=case.actor.id if type(command) is c.RetireSite else command.id, why=why)
    if type(command) is c.RekeyIdentity and not any(is_newcomer(command, signer) for signer in command.signers):
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why="nobody proved that they hold it: the new key signs too")
    elif type(command) is not c.RetireSite and all(signer.id != command.id for signer in command.signers):
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why="the newcomer did not prove that they hold it")


def rekeyed(case: Case) -> None:
    """Another key is for a person, device or module that is enrolled and in force; what they read with is replaced too."""
    command = case.command
    if type(command) is not c.RekeyIdentity:
        return
    known = case.state.identities.get(command.id)
    if known is None:
        case.deny("UNKNOWN_IDENTITY", id=command.id)
        return
    case.reads.append(known.ref)
    if known.disabled_at is not None:
        case.deny("IDENTITY_DISABLED", id=command.id)
    if known.kind not in KINDS:
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why="a site keeps its key; retire it and let another one join")
    if (known.sealing_key is None) != (command.sealing_key is None):
        case.deny("KEY_NOT_ACCEPTED", id=command.id, why="a sealing key comes along exactly where there is one now")
    elif command.sealing_key is not None:
        try:
            check_sealable(command.sealing_key)
        except Malformed as error:
            case.deny("KEY_NOT_ACCEPTED", id=command.id, why=str(error))


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

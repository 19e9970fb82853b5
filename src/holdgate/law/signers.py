"""Which keys must have signed an action, and whether they did; which officers stand behind it: pure questions to the roster."""

from collections.abc import Mapping
from typing import Final

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.terms.errors import Malformed, Tampered

Keys = tuple[tuple[str, bytes], ...]
OFFICERS: Final = ("admin", "qa", "compliance", "project_manager")
"""Who approves enrolments, adoptions of standards, and what comes from a file."""


def officers_of(command: c.AnyCommand, identities: dict[str, Identity], about: str) -> tuple[str, ...]:
    """The people who sign as officers, as the act says; `about`: whom it is about, who is not one of them."""
    return tuple(
        signer.id
        for signer in command.signers
        if signer.id != about
        and signer.role in OFFICERS
        and signer.id in identities
        and identities[signer.id].kind == "person"
    )


def is_newcomer(command: c.AnyCommand, signer: c.Signer) -> bool:
    """Whether somebody signs an act that enrols them, with the key that it asks for."""
    return isinstance(command, (c.EnrolIdentity, c.EnrolSite)) and signer.id == command.id and signer.role == "newcomer"


def key_of(command: c.AnyCommand, signer: c.Signer, identity: Identity | None) -> bytes | None:
    """The key that a signer has to sign with; `identity`: their row of the roster. None: they are not enrolled."""
    if identity is not None:
        return identity.key
    if isinstance(command, (c.EnrolIdentity, c.EnrolSite)) and signer.id == command.id:
        return command.key
    return None


def keys_of(command: c.AnyCommand, identities: Mapping[str, Identity]) -> Keys | str:
    """The keys that must have signed: every signer's, and the workstation's; or the id of one who is not enrolled.

    The newcomer of an enrolment signs with the key that it asks for.
    """
    keys: list[tuple[str, bytes]] = []
    for signer in command.signers:
        key = key_of(command, signer, identities.get(signer.id))
        if key is None:
            return signer.id
        keys.append((signer.id, key))
    place = command.place
    if place is not None and all(place != signer.id for signer in command.signers):
        station = identities.get(place)
        if station is None:
            return place
        keys.append((place, station.key))
    return tuple(keys)


def check_signatures(envelope: bytes, keys: Keys) -> str:
    """Why an action's signatures do not hold; empty where they do."""
    try:
        verify_all(open_envelope(envelope), keys)
    except (Malformed, Tampered) as error:
        return str(error)
    return ""

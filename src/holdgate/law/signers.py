"""Which keys must have signed an action: a pure question to the roster; and whether they did."""

from collections.abc import Mapping

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.terms.errors import Malformed, Tampered

Keys = tuple[tuple[str, bytes], ...]


def keys_of(command: c.AnyCommand, identities: Mapping[str, Identity]) -> Keys | str:
    """The keys that must have signed: every signer's, and the workstation's; or the id of one who is not enrolled.

    The newcomer of an enrolment signs with the key that it asks for.
    """
    keys: list[tuple[str, bytes]] = []
    for signer in command.signers:
        identity = identities.get(signer.id)
        if identity is not None:
            keys.append((signer.id, identity.key))
        elif type(command) is c.EnrolIdentity and signer.id == command.id:
            keys.append((signer.id, command.key))
        else:
            return signer.id
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

"""Which keys must have signed an action, and whether they did; which officers stand behind it: pure questions to the roster."""

from collections.abc import Mapping
from typing import Final

from holdgate.crypto.envelope import Envelope, open_envelope, pae, verify_all
from holdgate.crypto.signatures import holds
from holdgate.identity.roster import EarlierKey, Identity
from holdgate.law import command as c
from holdgate.terms.errors import Malformed, Tampered

Keys = tuple[tuple[str, bytes], ...]
Replaced = tuple[tuple[str, int], ...]
"""Who signed under a key that was replaced, and when it was (UTC µs)."""
NO_EARLIER: Final[Mapping[str, tuple[EarlierKey, ...]]] = {}
OFFICERS: Final = ("admin", "qa", "compliance", "project_manager")
"""Who approves enrolments, other keys, adoptions of standards, and what comes from a file."""
BRINGS_A_KEY: Final = (c.EnrolIdentity, c.EnrolSite, c.RekeyIdentity)
"""Acts that a newcomer signs with the key that they ask for."""


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
    """Whether somebody signs an act that enrols them, or gives them another key, with the key that it asks for."""
    return isinstance(command, BRINGS_A_KEY) and signer.id == command.id and signer.role == "newcomer"


def key_of(command: c.AnyCommand, signer: c.Signer, identity: Identity | None) -> bytes | None:
    """The key that a signer has to sign with; `identity`: their row of the roster. None: they are not enrolled.

    Whoever is enrolled cannot be enrolled again, and signs with the key that they have; for another key they sign with that.
    """
    if identity is None:
        return command.key if isinstance(command, BRINGS_A_KEY) and signer.id == command.id else None
    return command.key if type(command) is c.RekeyIdentity and is_newcomer(command, signer) else identity.key


def keys_of(command: c.AnyCommand, identities: Mapping[str, Identity]) -> Keys | str:
    """The keys that must have signed: every signer's, and the workstation's; or the id of one who is not enrolled.

    Who gets a key by the act signs with that one.
    """
    keys: list[tuple[str, bytes]] = []
    rekeys = type(command) is c.RekeyIdentity
    for signer in command.signers:
        identity = identities.get(signer.id)
        key = key_of(command, signer, identity) if identity is None or rekeys else identity.key
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


def earlier_keys(keys: Keys, roster: Mapping[str, Identity], site: str) -> Mapping[str, tuple[EarlierKey, ...]]:
    """By SMART-ID, the replaced keys that an entry of another site may still be signed under.

    A site that was away does not know yet that a key was replaced, and what people signed there is not to be lost. The business
    hub decides itself when a key is replaced, so its own log has none of that.

    Args:
        keys: the keys that count now.
        roster: whose earlier keys count.
        site: whose entry it is, as it says; what takes it in holds that against the log.
    """
    writer = roster.get(site)
    if writer is not None and writer.kind == "site" and "business_hub" in writer.roles:
        return NO_EARLIER
    replaced = [(name, roster[name].earlier) for name, _ in keys if name in roster]
    return {name: earlier for name, earlier in replaced if earlier}


def verify_since(envelope: Envelope, keys: Keys, earlier: Mapping[str, tuple[EarlierKey, ...]]) -> Replaced:
    """Require exactly the demanded signatures, each under the key that counts now or under one that was replaced.

    Args:
        envelope: untrusted, from `open_envelope`.
        keys: as for `verify_all`.
        earlier: by SMART-ID, the keys before.

    Returns:
        Who signed under a replaced key, and when it was replaced (UTC µs).

    Raises:
        Tampered: a signature is missing, false, surplus or doubled.
    """
    if not earlier:
        verify_all(envelope, keys)
        return ()
    message = pae(envelope.payloadType, envelope.payload)
    held = {row.keyid: row.sig for row in envelope.signatures}
    chosen: list[tuple[str, bytes]] = []
    replaced: list[tuple[str, int]] = []
    for name, key in keys:
        row = held.get(name, b"")
        before = () if holds(key, message, row) else earlier.get(name, ())
        old = next((one for one in before if holds(one.key, message, row)), None)
        chosen.append((name, key if old is None else old.key))
        if old is not None:
            replaced.append((name, old.at))
    verify_all(envelope, chosen)
    return tuple(replaced)


def check_signatures(envelope: bytes, keys: Keys) -> str:
    """Why an action's signatures do not hold; empty where they do."""
    try:
        verify_all(open_envelope(envelope), keys)
    except (Malformed, Tampered) as error:
        return str(error)
    return ""

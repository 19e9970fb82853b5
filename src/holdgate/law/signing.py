"""signing: what is asked of every signed act, whoever decides it: who signs, when, where, unlocked how, meaning what.

The law's gates and the floor hub ask the same functions, so that a signature is worth the same everywhere.
Source: 21 CFR 11.50, 11.200; the scenario vocabulary, conventions 5, 8 and 10.
"""

from typing import Final, Protocol

from holdgate.crypto.keys import PUBLIC_BYTES
from holdgate.crypto.signatures import ED25519, WEBAUTHN, kind_of
from holdgate.identity.charter import Settings
from holdgate.law import command as c
from holdgate.law import signers
from holdgate.law.decision import Value
from holdgate.law.state import State
from holdgate.terms.instant import SECOND_US

SECRETS: Final = frozenset({"pin", "password", "key", "biometric"})
PASSKEY_COMPONENTS: Final = frozenset({"key", "user_verification"})
"""What a passkey's signature proves by itself; the act says it for people."""


class Asked(Protocol):
    """An act before an authority, at `now` (UTC µs). `reads`: what the answer rests on; `deny` notes an unmet condition."""

    reads: list[int]

    @property
    def command(self) -> c.AnyCommand:
        """The act, as signed."""
        ...

    @property
    def state(self) -> State:
        """What the site knows."""
        ...

    @property
    def settings(self) -> Settings:
        """What the shop settles for itself."""
        ...

    @property
    def now(self) -> int:
        """The deciding site's receipt time."""
        ...

    def deny(self, code: str, **values: Value) -> None:
        """Note an unmet condition."""
        ...


def enrolled(asked: Asked) -> None:
    """Every signer is enrolled, in force, holds the role that they sign in, and says which kind of key they sign with.

    The workstation is in force too.
    """
    command, identities = asked.command, asked.state.identities
    rekeys = type(command) is c.RekeyIdentity
    for signer in command.signers:
        person = identities.get(signer.id)
        if person is None:
            _says_kind(asked, signer, signers.key_of(command, signer, person))
            if not signers.is_newcomer(command, signer):
                asked.deny("UNKNOWN_IDENTITY", id=signer.id)
            continue
        asked.reads.append(person.ref)
        if signer.kind != ED25519 or len(person.key) != PUBLIC_BYTES or rekeys:
            _says_kind(asked, signer, signers.key_of(command, signer, person))
        if rekeys and signers.is_newcomer(command, signer):
            continue  # the gate of that act asks who may have another key
        if person.disabled_at is not None:
            asked.deny("IDENTITY_DISABLED", id=person.id)
        elif signer.role not in person.roles:
            asked.deny(
                "ROLE_NOT_AUTHORISED", id=person.id, role=signer.role, needed=f"somebody enrolled as {signer.role}"
            )
    place = command.place
    station = None if place is None else identities.get(place)
    if place is None:
        return
    if station is None:
        asked.deny("UNKNOWN_IDENTITY", id=place)
    elif station.disabled_at is not None:
        asked.deny("IDENTITY_DISABLED", id=place)


def _says_kind(asked: Asked, signer: c.Signer, key: bytes | None) -> None:
    """Who reads the act alone is told the truth about the key that signed it."""
    if key is not None and signer.kind != kind_of(key):
        asked.deny("SIGNATURE_AUTH_FAILED", id=signer.id, why=f"the key is of the kind {kind_of(key)}")


def within_skew(asked: Asked, claimed: int) -> None:
    """A claimed time (UTC µs) lies within the skew that the shop allows."""
    limit_us = asked.settings.entry_skew_s * SECOND_US
    off = claimed - asked.now
    if off < -limit_us:
        asked.deny("BACKDATED", claimed_at=claimed, by_us=-off, limit_us=limit_us)
    elif off > limit_us:
        asked.deny("FUTURE_DATED", claimed_at=claimed, by_us=off, limit_us=limit_us)


def claimed_time(asked: Asked) -> None:
    """The signer's own time: signatures are never late and never back-dated."""
    within_skew(asked, asked.command.at)


def reason(asked: Asked) -> None:
    """A reason is given."""
    text = getattr(asked.command, "reason", None)
    if not text or not text.strip():
        asked.deny("REASON_REQUIRED")


def workstation(asked: Asked) -> None:
    """A signature is given at a workstation, which signs too."""
    place = asked.command.place
    station = None if place is None else asked.state.identities.get(place)
    if station is None or "workstation" not in station.roles:
        asked.deny(
            "LOCATION_NOT_PERMITTED",
            place=place or "no workstation",
            zone="no area" if station is None or station.zone is None else station.zone,
            needed="a workstation of this shop",
        )


def unlocked(asked: Asked) -> None:
    """Two distinct components, one of them secret; one secret while the session is not idle; never somebody else's.

    A passkey proves both of its components with every signature, so it always says both.
    """
    sessions, idle_us = asked.state.sessions, asked.settings.session_idle_s * SECOND_US
    for signer in asked.command.signers:
        auth = signer.auth
        if auth is None:
            asked.deny("SIGNATURE_AUTH_FAILED", id=signer.id, why="no components were presented")
            continue
        if auth.presented_by is not None and auth.presented_by != signer.id:
            asked.deny("SIGNATURE_AUTH_FAILED", id=signer.id, why=f"the components are those of {auth.presented_by}")
            continue
        if signer.kind == WEBAUTHN and frozenset(auth.components) != PASSKEY_COMPONENTS:
            asked.deny("SIGNATURE_AUTH_FAILED", id=signer.id, why="a passkey is key and user_verification")
            continue
        secret = not SECRETS.isdisjoint(auth.components)
        last = sessions.get(f"{signer.id}|{auth.session}")
        if not secret:
            asked.deny("SIGNATURE_AUTH_FAILED", id=signer.id, why="no secret was presented")
        elif (last is None or asked.now - last > idle_us) and len(set(auth.components)) < 2:
            asked.deny("SIGNATURE_AUTH_FAILED", id=signer.id, why="a first signing needs two distinct components")


def meaning(asked: Asked) -> None:
    """The signature says what it means (responsibility, review, approval …)."""
    for signer in asked.command.signers:
        if signer.meaning is None or not signer.meaning.strip():
            asked.deny("SIGNATURE_MEANING_MISSING", id=signer.id)

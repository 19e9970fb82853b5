"""Inviting: a newcomer makes their own key in their own browser, and two officers put it on the roster.

An invitation grants nothing: it is a link for a day, and what the newcomer made lies beside it. What counts is the act that both
officers and the new key sign. Once the roster has that key, its locker is given out, and the invitation is used up.
Source: 21 CFR 11.100, 11.200(a)(3): nobody alone enrols a key, and nobody but its holder knows a secret.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.signers import OFFICERS
from holdgate.law.state import State
from holdgate.sites.reception import Invitation, Locker, Reception, lodged
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import (
    INVITATIONS_MAX,
    INVITED_KEY_BYTES_MAX,
    INVITED_NAME_CHARS_MAX,
    INVITED_REASON_CHARS_MAX,
    INVITED_ROLES_MAX,
)
from holdgate.web.asker import in_force
from holdgate.web.grammar import Id, IdOrNothing

VALID_S: Final = 24 * 3600
KINDS: Final = ("person", "device")
REKEY: Final = "identity.rekey"
"""The act by which somebody who is enrolled gets another key."""
_Name = Annotated[str, Meta(max_length=INVITED_NAME_CHARS_MAX)]


class Inviting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an officer invites. `second`: the other officer; `org` "": the shop's own; `rekey`: they get another key."""

    id: Id
    second: Id
    name: _Name = ""
    roles: Annotated[tuple[Id, ...], Meta(max_length=INVITED_ROLES_MAX)] = ()
    org: _Name = ""
    kind: Literal["person", "device"] = "person"
    zone: IdOrNothing | None = None
    node: IdOrNothing | None = None
    rekey: bool = False
    reason: Annotated[str, Meta(max_length=INVITED_REASON_CHARS_MAX)] = ""


def officer_role(identity: Identity) -> str:
    """The role in which somebody stands behind an enrolment: admin where they are one ("": they are no officer)."""
    if identity.kind != "person" or identity.disabled_at is not None:
        return ""
    return next((role for role in OFFICERS if role in identity.roles), "")


def officers_of(state: State, invitation: Invitation) -> tuple[tuple[Identity, str], ...]:
    """The two officers with the roles in which they sign, an admin first, as far as they are in force."""
    found = (in_force(state, name) for name in (invitation.by, invitation.second))
    pairs = [(identity, role) for identity in found if identity is not None and (role := officer_role(identity))]
    return tuple(sorted(pairs, key=lambda pair: pair[1] != "admin"))


def invite(state: State, by: Identity, wanted: Inviting, secret: str, now: int) -> Invitation:
    """Write an invitation.

    Args:
        state: the roster's site.
        by: the officer who invites.
        wanted: whom; untrusted.
        secret: of the link; only its digest is kept.
        now: UTC µs.

    Raises:
        Malformed: it could never become an enrolment; the sentence says why.
    """
    known = state.identities.get(check_id(wanted.id, "SMART-ID"))
    second = in_force(state, wanted.second)
    if second is None or not officer_role(second) or second.id in (by.id, wanted.id):
        raise Malformed(f"the second officer is another person in force, who is one of {', '.join(OFFICERS)}")
    if wanted.id == by.id:
        raise Malformed("nobody invites themselves: ask another officer")
    if "admin" not in (officer_role(by), officer_role(second)) and not wanted.rekey:
        raise Malformed("one of the two officers is an admin")
    if wanted.rekey:
        return _again(known, by, wanted, secret, now)
    if known is not None:
        raise Malformed(f"{wanted.id} is enrolled already; for another key of theirs, invite them to that")
    _check_newcomer(wanted)
    return Invitation(
        token=digest(secret.encode()),
        id=wanted.id,
        name=wanted.name.strip(),
        org=wanted.org.strip() or state.charter.org,
        roles=tuple(dict.fromkeys(wanted.roles)),
        by=by.id,
        second=wanted.second,
        until=now + VALID_S * SECOND_US,
        kind=wanted.kind,
        zone=wanted.zone or None,
        node=wanted.node or None,
    )


def _again(known: Identity | None, by: Identity, wanted: Inviting, secret: str, now: int) -> Invitation:
    if REKEY not in c.ACTS:
        raise Malformed("this version cannot give anybody another key; enrol them under another SMART-ID")
    if known is None or known.disabled_at is not None or known.kind not in KINDS:
        raise Malformed(f"{wanted.id} is nobody who could get another key here")
    if not wanted.reason.strip() or len(wanted.reason) > INVITED_REASON_CHARS_MAX:
        raise Malformed("another key has a reason, such as a lost badge")
    return Invitation(
        token=digest(secret.encode()),
        id=known.id,
        name=known.name,
        org=known.org,
        roles=known.roles,
        by=by.id,
        second=wanted.second,
        until=now + VALID_S * SECOND_US,
        kind=known.kind,
        zone=known.zone,
        node=known.node,
        rekey=True,
        reason=wanted.reason.strip(),
    )


def _check_newcomer(wanted: Inviting) -> None:
    if wanted.kind not in KINDS:
        raise Malformed(f"a browser makes keys of a {' or '.join(KINDS)}; other keys come as files")
    if not 0 < len(wanted.name.strip()) <= INVITED_NAME_CHARS_MAX or len(wanted.org) > INVITED_NAME_CHARS_MAX:
        raise Malformed(f"a name has 1 to {INVITED_NAME_CHARS_MAX} characters")
    if not 0 < len(wanted.roles) <= INVITED_ROLES_MAX:
        raise Malformed(f"somebody has 1 to {INVITED_ROLES_MAX} roles")
    for role in wanted.roles:
        check_id(role, "role")
    for name, value in (("area", wanted.zone), ("node", wanted.node)):
        if value:
            check_id(value, name)


def keep(reception: Reception, invitation: Invitation) -> None:
    """Keep an invitation.

    Raises:
        Unavailable: too many are open.
    """
    if len(reception.invitations()) >= INVITATIONS_MAX:
        raise Unavailable("too many invitations are open; take some of them back")
    reception.put_invitation(invitation)


def open_invitation(reception: Reception, secret: str, now: int) -> Invitation | None:
    """The invitation of a link, while it holds."""
    found = reception.invitation(digest(secret.encode()))
    return found if found is not None and found.until >= now else None


def bring(reception: Reception, invitation: Invitation, key: bytes, locker: Locker | None) -> None:
    """Lay what the newcomer made beside their invitation; a newer key takes the place of an older one.

    Raises:
        Malformed: it is no key, or no locker of theirs.
    """
    if not 32 <= len(key) <= INVITED_KEY_BYTES_MAX:
        raise Malformed(f"a public key has 32 to {INVITED_KEY_BYTES_MAX} bytes")
    if locker is not None and (locker.id != invitation.id or not lodged(locker, key).whole):
        raise Malformed("this is no sealed key of the one who is invited")
    reception.put_invitation(replace(invitation, key=key, locker=locker))


def is_done(state: State, invitation: Invitation) -> bool:
    """Whether the key that was made on an invitation is on the roster."""
    known = state.identities.get(invitation.id)
    return invitation.done or (known is not None and bool(invitation.key) and known.key == invitation.key)


def settle(state: State, reception: Reception, now: int) -> list[Invitation]:
    """The invitations that are open. Those whose key is on the roster hand their lockers over and are used up; old ones go."""
    still = []
    for invitation in reception.invitations():
        if invitation.until < now or (not is_done(state, invitation) and _overtaken(state, invitation)):
            reception.drop_invitation(invitation.token)
        elif not is_done(state, invitation):
            still.append(invitation)
        elif not invitation.done:
            if invitation.locker is not None:
                reception.put_locker(lodged(invitation.locker, invitation.key))
            reception.put_invitation(replace(invitation, locker=None, done=True))
    return still


def _overtaken(state: State, invitation: Invitation) -> bool:
    """Somebody of this name was enrolled otherwise meanwhile."""
    return invitation.id in state.identities and not invitation.rekey


def brings_a_key(command: c.AnyCommand) -> bool:
    """Whether an act is signed by a key that the roster does not know yet."""
    return isinstance(command, (c.EnrolIdentity, c.EnrolSite)) or command.__struct_config__.tag == REKEY


def is_invited(reception: Reception, command: c.AnyCommand, now: int) -> bool:
    """Whether the new key of an act was made on an invitation that holds."""
    named = (getattr(command, "id", None), getattr(command, "key", b""))
    return any(
        named == (found.id, found.key) and found.until >= now and not found.done for found in reception.invitations()
    )


Token = Callable[[], str]
"""An unpredictable text of 16 characters, anew each time."""

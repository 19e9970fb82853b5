"""Who is enrolled, has another key, is disabled, qualified; which sites joined and left; the roots."""

from typing import Final

from msgspec.structs import replace

from holdgate.crypto.signatures import raw_key
from holdgate.identity.charter import SiteSeat
from holdgate.identity.roots import replaced
from holdgate.identity.roster import Credential, EarlierKey, Identity
from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.founding import seated
from holdgate.law.library import Library
from holdgate.law.state import State

LAPSES_KEPT: Final = 8
"""Earlier revocations of a credential that are kept; the oldest two become one."""


def enrolled(e: ev.IdentityEnrolled, ref: int) -> Identity:
    """The roster's row of somebody who was just enrolled."""
    return Identity(
        id=e.id,
        name=e.name,
        org=e.org,
        kind=e.kind,
        key=e.key,
        roles=e.roles,
        ref=ref,
        zone=e.zone,
        node=e.node,
        sealing_key=e.sealing_key,
        credentials={},
    )


def rekeyed(identity: Identity, e: ev.IdentityRekeyed, at: int, ref: int) -> Identity:
    """The roster's row of somebody who has another key from `at` on. The row before is left as it is: threads read it."""
    earlier = (*identity.earlier, EarlierKey(key=identity.key, at=at))
    return replace(identity, key=e.key, sealing_key=e.sealing_key, earlier=earlier, ref=ref)


def _identity_enrolled(state: State, _: Library, e: ev.IdentityEnrolled, at: int, ref: int) -> None:
    state.identities[e.id] = enrolled(e, ref)
    state.key_owners[raw_key(e.key).hex()] = e.id


def _identity_disabled(state: State, _: Library, e: ev.IdentityDisabled, at: int, ref: int) -> None:
    identity = state.identities[e.id]
    identity.disabled_at, identity.ref = at, ref


def _identity_rekeyed(state: State, _: Library, e: ev.IdentityRekeyed, at: int, ref: int) -> None:
    """The earlier key stays its owner's, so that nobody enrols it; signing sessions end with it."""
    state.identities[e.id] = rekeyed(state.identities[e.id], e, at, ref)
    state.key_owners[raw_key(e.key).hex()] = e.id
    state.sessions = {name: last for name, last in state.sessions.items() if not name.startswith(f"{e.id}|")}


def _site_enrolled(state: State, _: Library, e: ev.SiteEnrolled, at: int, ref: int) -> None:
    """The charter as this site knows it has one seat more. What a seat has already, no other gets."""
    charter, owner = state.charter, state.key_owners.get(e.key.hex())
    if e.kind != "node" or e.id in state.identities or owner or any(s.origin == e.origin for s in charter.sites):
        raise LookupError(f"{e.id} cannot have a seat: its name, key or log is taken, or it is no node")
    seat = SiteSeat(id=e.id, kind=e.kind, origin=e.origin, key=e.key, sealing_key=e.sealing_key, area=e.area)
    state.charter = replace(charter, sites=(*charter.sites, seat))
    state.identities[e.id], state.joined[e.id] = seated(charter, seat, ref), ref
    state.key_owners[e.key.hex()] = e.id


def _site_retired(state: State, _: Library, e: ev.SiteRetired, at: int, ref: int) -> None:
    """Its seat stays, so that its log can be verified; its key signs nothing any more."""
    identity = state.identities[e.id]
    identity.disabled_at, identity.ref = at, ref
    state.retired[e.id] = at


def _roots_rotated(state: State, _: Library, e: ev.RootsRotated, at: int, ref: int) -> None:
    """Other roots are in force. Whoever was enrolled before stays: the first charter founded the shop, and goes on doing so."""
    if e.version != state.roots.version + 1:
        raise LookupError(f"version {e.version} of the roots does not follow version {state.roots.version}")
    state.roots = replaced(state.roots, e.roots, e.threshold, e.document)


def _credential_granted(state: State, _: Library, e: ev.CredentialGranted, at: int, ref: int) -> None:
    """A new grant ends a revocation; what was signed meanwhile by somebody who did not know of it stays doubtful."""
    credentials = state.identities[e.person].credentials
    held = credentials.get(e.credential)
    lapses = () if held is None else held.lapses
    if held is not None and held.revoked_at is not None:
        lapses += ((held.revoked_at, at),)
    if len(lapses) > LAPSES_KEPT:
        lapses = ((lapses[0][0], lapses[1][1]), *lapses[2:])
    credentials[e.credential] = Credential(until=e.until, ref=ref, lapses=lapses)


def _credential_revoked(state: State, _: Library, e: ev.CredentialRevoked, at: int, ref: int) -> None:
    credential = state.identities[e.person].credentials[e.credential]
    credential.revoked_at, credential.ref = at, ref


STEPS: Final[Steps] = {
    ev.IdentityEnrolled: _identity_enrolled,
    ev.IdentityDisabled: _identity_disabled,
    ev.IdentityRekeyed: _identity_rekeyed,
    ev.SiteEnrolled: _site_enrolled,
    ev.SiteRetired: _site_retired,
    ev.RootsRotated: _roots_rotated,
    ev.CredentialGranted: _credential_granted,
    ev.CredentialRevoked: _credential_revoked,
}

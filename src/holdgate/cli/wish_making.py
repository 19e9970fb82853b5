"""How a wish is made: an act's own fields, its signers and place, on what a site knows now. Nothing is recorded."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from holdgate.cli.standing import Standing
from holdgate.cli.wish_file import Known, WishFile, blank_wish
from holdgate.crypto.keys import PUBLIC_BYTES
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.signers import keys_of
from holdgate.law.view import view_of
from holdgate.terms.errors import Malformed

NEWCOMER: Final = "newcomer"
COMPONENTS: Final = ("key", "pin")
"""What unlocks a signature with a key file: the file that its owner has, and the PIN that its owner knows."""


class Ground(NamedTuple):
    """What a wish is made on, wherever it comes from: a site's own store today.

    `site`: who decides. `skew_s`: how far a claimed time may be off. `tz`: the shop's zone. `seen`: the digest of what the
    signers of an act are shown.
    """

    site: str
    skew_s: int
    tz: str
    identities: Mapping[str, Identity]
    seen: Callable[[c.AnyCommand], str | None]


class Wanted(Struct, frozen=True, kw_only=True):
    """Who signs what, where. `signers`: (SMART-ID, role, meaning), the actor first; "": the first role that they hold; no meaning.

    `session`, `nonce`: tokens that nobody used before. `at`: when it is to be handed in (UTC µs).
    """

    act: type[c.Command]
    fields: dict[str, Any]
    signers: tuple[tuple[str, str, str], ...]
    place: str | None
    at: int
    nonce: str
    session: str


def ground_of(standing: Standing) -> Ground:
    """The ground that a site's own store gives."""
    state = standing.state
    settings = state.charter.settings
    return Ground(
        state.site,
        settings.entry_skew_s,
        settings.tz,
        state.identities,
        lambda command: view_of(state, command),
    )


def read_signer(text: str) -> tuple[str, str, str]:
    """`ID:ROLE` or `ID:ROLE:MEANING`.

    Raises:
        Malformed: it is neither.
    """
    smart_id, _, rest = text.partition(":")
    role, _, meaning = rest.partition(":")
    if not smart_id or not role:
        raise Malformed(f"{text[:60]!r} names no signer; write ID:ROLE or ID:ROLE:MEANING")
    return smart_id, role, meaning


def make_wish(wanted: Wanted, ground: Ground) -> tuple[WishFile, c.AnyCommand]:
    """The wish, signed by nobody yet.

    Raises:
        Malformed: somebody who would sign is not enrolled, or a site would not read the act.
    """
    auth = None if wanted.place is None else c.Auth(components=COMPONENTS, session=wanted.session)
    signers = tuple(
        c.Signer(
            id=smart_id,
            role=role or _first_role(ground, smart_id),
            meaning=meaning or None,
            auth=auth if role != NEWCOMER else None,
        )
        for smart_id, role, meaning in wanted.signers
    )
    head: dict[str, Any] = {"site": ground.site, "at": wanted.at, "nonce": wanted.nonce, "signers": signers}
    bare: Any = wanted.act(**head, place=wanted.place, **wanted.fields)
    found = keys_of(bare, ground.identities)
    if isinstance(found, str):
        raise Malformed(f"{found[:80]} is not enrolled at {ground.site}, so nobody can sign as {found[:80]}")
    keys = dict(found)
    if len(keys) != len(found):
        raise Malformed("somebody signs twice; each signer is named once")
    kinds = tuple(replace(signer, kind=_kind(keys[signer.id])) for signer in signers)
    command: c.AnyCommand = replace(bare, signers=kinds, seen=ground.seen(bare))
    known = {name: Known(key=key, name=_name(ground, command, name)) for name, key in keys.items()}
    return blank_wish(command, known, ground.skew_s), command


def _first_role(ground: Ground, smart_id: str) -> str:
    identity = ground.identities.get(smart_id)
    if identity is None or not identity.roles:
        raise Malformed(f"{smart_id[:80]} is not enrolled at {ground.site}; name the role with --role")
    return identity.roles[0]


def _kind(key: bytes) -> str:
    """How the holder of a key signs: with the key itself, or with a passkey, which is longer than a bare key."""
    return "ed25519" if len(key) == PUBLIC_BYTES else "webauthn"


def _name(ground: Ground, command: c.AnyCommand, smart_id: str) -> str:
    identity = ground.identities.get(smart_id)
    return getattr(command, "name", "") if identity is None else identity.name

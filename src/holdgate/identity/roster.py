"""The roster: who is enrolled, with which key, roles and qualifications. `ref`: the own-log entry that it came by."""

from msgspec import Struct

from holdgate.identity.charter import Charter


class Credential(Struct, gc=False):
    """A qualification; `until`, `revoked_at`: UTC µs. `lapses`: earlier stretches [revoked, granted anew], the last ones."""

    until: int
    ref: int
    revoked_at: int | None = None
    lapses: tuple[tuple[int, int], ...] = ()


class EarlierKey(Struct, frozen=True, gc=False):
    """A key that an identity had until it was replaced (UTC µs). It signs nothing any more where that is known."""

    key: bytes
    at: int


class Identity(Struct):
    """A person, device, site or module. `zone`, `node`: where a workstation or reader stands.

    `earlier`: the keys before this one, the first first. Sites that did not know yet may still deliver what they signed.
    """

    id: str
    name: str
    org: str
    kind: str
    key: bytes
    roles: tuple[str, ...]
    ref: int
    zone: str | None = None
    node: str | None = None
    sealing_key: bytes | None = None
    disabled_at: int | None = None
    credentials: dict[str, Credential] = {}
    earlier: tuple[EarlierKey, ...] = ()


def holds_seat(charter: Charter, identity: Identity, kind: str) -> bool:
    """Whether an identity is the charter's site of this kind, with the key that the charter gives it, and in force.

    Sites come from the charter alone: a role of that name makes nobody a site.
    """
    return identity.disabled_at is None and any(
        (seat.id, seat.kind, seat.key) == (identity.id, kind, identity.key) for seat in charter.sites
    )

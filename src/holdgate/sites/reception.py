"""Reception: what lies at a site's front desk and is no record: sealed keys of badges, invitations, papers to be signed.

Losing it loses no fact and grants nothing: a badge is sealed anew, an invitation written again, a paper signed again.
"""

from typing import Protocol

from msgspec import Struct

from holdgate.terms.limits import SEALED_KEY_BYTES_MAX

_SALT_BYTES, _NONCE_BYTES = 16, 12


class Locker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's signing key, sealed under badge and PIN in their browser (`docs/spec/badge.md`). Noise without the badge."""

    id: str
    salt: bytes
    nonce: bytes
    sealed: bytes


class Lodged(Locker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A locker as it is kept. `key`: the public key of what it seals (b"": it was kept before that was noted)."""

    key: bytes = b""

    @property
    def whole(self) -> bool:
        """Whether its parts have the lengths that they must have."""
        lengths = (len(self.salt), len(self.nonce))
        return lengths == (_SALT_BYTES, _NONCE_BYTES) and 0 < len(self.sealed) <= SEALED_KEY_BYTES_MAX

    @property
    def locker(self) -> Locker:
        """What a workstation is given."""
        return Locker(id=self.id, salt=self.salt, nonce=self.nonce, sealed=self.sealed)


def lodged(locker: Locker, key: bytes) -> Lodged:
    """A locker with the public key of what it seals."""
    return Lodged(id=locker.id, salt=locker.salt, nonce=locker.nonce, sealed=locker.sealed, key=key)


class Invitation(Struct, frozen=True, kw_only=True):
    """Somebody may come with a key of their own. `token`: SHA-256 of the link's secret; `until`: UTC µs.

    `by`, `second`: the officers who will sign; who invited, and who else. `rekey`: they are enrolled already and get another key,
    for this `reason`. `key`: what they made (b"": nothing yet), with the `locker` that seals it where it is a badge's; both count
    once the roster has that key (`done`).
    """

    token: str
    id: str
    name: str
    org: str
    roles: tuple[str, ...]
    by: str
    until: int
    kind: str = "person"
    zone: str | None = None
    node: str | None = None
    second: str = ""
    rekey: bool = False
    reason: str = ""
    key: bytes = b""
    locker: Locker | None = None
    done: bool = False


class Paper(Struct, frozen=True, kw_only=True):
    """An act that some of its signers signed. `envelope`: with their signatures; `missing`: who is still to sign; `at`: UTC µs."""

    digest: str
    envelope: bytes
    missing: tuple[str, ...]
    at: int


class Reception(Protocol):
    """Keeps them. What is kept survives a restart."""

    def put_locker(self, locker: Lodged) -> None:
        """Keep a sealed key; a newer one takes its place."""
        ...

    def locker(self, smart_id: str) -> Lodged | None:
        """The sealed key of a person."""
        ...

    def put_invitation(self, invitation: Invitation) -> None:
        """Keep an invitation."""
        ...

    def invitation(self, token: str) -> Invitation | None:
        """An invitation by the digest of its secret."""
        ...

    def drop_invitation(self, token: str) -> None:
        """It was taken up, or taken back."""
        ...

    def invitations(self) -> list[Invitation]:
        """All of them, by when they end."""
        ...

    def put_paper(self, paper: Paper) -> None:
        """Keep a paper; a newer state of it takes its place."""
        ...

    def paper(self, digest: str) -> Paper | None:
        """A paper by the digest of what is signed."""
        ...

    def drop_paper(self, digest: str) -> None:
        """It was handed in, or withdrawn."""
        ...

    def papers(self) -> list[Paper]:
        """All of them, the oldest first."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...

"""Ports around time-stamping authorities: who stamps a document, and where heads and their tokens are kept."""

from typing import Protocol

from msgspec import Struct

from holdgate.terms.instant import Instant


class Stamp(Struct, frozen=True, kw_only=True):
    """What a verified token says. `at`: the authority's time. `authority`: the subject of its certificate."""

    at: Instant
    authority: str


class TimestampAuthority(Protocol):
    """Somebody outside who says that a document existed at a time (RFC 3161)."""

    name: str
    """As it is configured."""

    async def stamp(self, document: bytes) -> bytes:
        """A token over the SHA-256 of a document, verified under the certificates that are pinned.

        Raises:
            Unavailable: no whole answer. Malformed: it refused, or gave no token. Tampered: the token does not hold.
        """
        ...


class HeadStore(Protocol):
    """Keeps the heads of a Vault and their tokens, by their day (`2026-04-01`). What is kept is durable, and never replaced."""

    def days(self) -> list[str]:
        """Every day that has a head, the oldest first."""
        ...

    def head(self, day: str) -> bytes | None:
        """The signed head of a day."""
        ...

    def token(self, day: str) -> bytes | None:
        """The authority's answer over it; None where it is not stamped."""
        ...

    def keep_head(self, day: str, head: bytes) -> None:
        """Keep a head.

        Raises:
            Unavailable: it could not be kept. Malformed: that day has one.
        """
        ...

    def keep_token(self, day: str, token: bytes) -> None:
        """Keep a verified token.

        Raises:
            Unavailable: it could not be kept. Malformed: that day has one.
        """
        ...

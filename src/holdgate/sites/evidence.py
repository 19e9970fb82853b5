"""Evidence: photos, charts and scans that acts name by their digest. Their bytes stay outside of the ledger, so that they can go.

The record holds the SHA-256 alone: whoever has the bytes proves that they are the ones; who has not, loses no decision.
"""

from typing import Protocol

from msgspec import Struct


class Evidence(Struct, frozen=True, kw_only=True):
    """One piece. `media`: what its first bytes say that it is; `by`: the person or workstation that brought it; `at`: UTC µs."""

    sha256: str
    media: str
    by: str
    at: int
    content: bytes


class EvidenceStore(Protocol):
    """Keeps evidence by digest. What is kept survives a restart."""

    def put(self, evidence: Evidence) -> None:
        """Keep a piece; one that is kept already stays as it is.

        Raises:
            Unavailable: the storage failed, or is full.
        """
        ...

    def get(self, sha256: str) -> Evidence | None:
        """A piece by its digest; None where there is none, or it was erased."""
        ...

    def erase(self, sha256: str) -> bool:
        """Erase a piece for good; whether there was one. The record goes on naming its digest."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...

"""Ports around witnesses: what is shown of mirrors, who else cosigns, and where other people's cosignatures are kept."""

from collections.abc import Callable, Sequence
from typing import Protocol

from holdgate.ledger.cosigning import Behind, Given
from holdgate.ledger.witness import Evidence, Reply

ProofFrom = Callable[[int], Sequence[bytes]]
"""The proof that a checkpoint continues its log's first so many entries. Costs reading: called in a thread."""


class OutsideWitness(Protocol):
    """Somebody else's witness, as asked from here."""

    name: str
    """As its key says."""

    async def cosign(self, note: bytes, proof: ProofFrom) -> Given | Behind:
        """Have a signed checkpoint cosigned; or learn that the witness says it is ahead.

        Raises:
            Unavailable: it did not answer. Tampered: it says that this log forked. Malformed: no cosignature.
        """
        ...


class OutsideStore(Protocol):
    """Keeps cosignatures of outside witnesses."""

    def keep_outside(self, origin: str, name: str, note: bytes) -> None:
        """Keep a checkpoint with this witness's verified cosignature: the newest for each size and name."""
        ...

    def outside(self, origin: str, size: int) -> list[bytes]:
        """The notes of this size that outside witnesses cosigned, by their names."""
        ...

    def outside_sizes(self, origin: str) -> list[int]:
        """The latest sizes at which an outside witness cosigned, the largest first."""
        ...


class Shown(Protocol):
    """What an HTTP face shows of a witness, or of a Vault and its mirrors. Logs go by the hash of their origin (hex)."""

    async def add_checkpoint(self, raw: bytes) -> Reply:
        """Judge untrusted bytes (C2SP tlog-witness)."""
        ...

    async def add_entries(self, raw: bytes) -> Reply:
        """Judge untrusted bytes (C2SP tlog-mirror)."""
        ...

    async def checkpoint(self, hashed: str) -> bytes | None:
        """The newest checkpoint of a log, with the cosignatures that are held for it."""
        ...

    async def tile(self, hashed: str, path: str) -> bytes | None:
        """A hash tile or a bundle of entries, by its path below the log (C2SP tlog-tiles); None where there is none."""
        ...

    async def evidence(self) -> list[Evidence]:
        """Every contradiction that was seen."""
        ...

    async def heads(self) -> list[tuple[str, bool]]:
        """The days that have a daily head, the oldest first, and whether an authority stamped it."""
        ...

    async def head(self, day: str, *, token: bool) -> bytes | None:
        """The head of a day, or the token over it; None where there is none."""
        ...

"""Payloads: bytes that acts name and that can go: photos, charts, scans, an account to pay to, the record of an eye test.

The record holds a commitment alone (`holdgate.crypto.commitments`); whoever has salt and bytes proves that they are the ones, who
has not, loses no decision. Whether one was erased says the record, not the store: `look_up` asks both.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from msgspec import Struct

from holdgate.law.retained import Erasure
from holdgate.law.state import State

EVIDENCE: Final = "evidence"
"""The kind of photos, charts and scans: what people may look at who see the order. No other kind is handed out over the API."""


class Payload(Struct, frozen=True, kw_only=True):
    """One payload. `commitment`: what the record names it by (records from before: the plain SHA-256, and no salt).

    `kind`: `evidence`, `account`, `medical` …; `owner`: the person whom it is about, where it is about one; `media`: what its
    first bytes say that it is; `by`: the person or workstation that brought it; `at`: when (UTC µs).
    """

    commitment: str
    kind: str
    content: bytes
    salt: bytes
    owner: str = ""
    media: str = ""
    by: str = ""
    at: int = 0


class Held(Struct, frozen=True, kw_only=True):
    """That a payload is kept, without its bytes. `whole`: its key and its bytes are both there. The rest: see `Payload`."""

    commitment: str
    kind: str
    owner: str
    by: str
    at: int
    size: int
    whole: bool


class PayloadStore(Protocol):
    """Keeps payloads by commitment. What is kept survives a restart; what is erased cannot be read from what is left behind."""

    def put(self, content: bytes, *, kind: str, by: str, at: int, owner: str = "", media: str = "") -> str:
        """Keep bytes under a new commitment. The same bytes, brought twice, are two payloads.

        Returns:
            The commitment, which an act then names.

        Raises:
            Unavailable: the storage failed, or is full.
        """
        ...

    def get(self, reference: str) -> Payload | None:
        """A payload by its commitment or plain digest; None where it is not here, or not any more.

        Raises:
            Unavailable: the storage failed, or what is kept was damaged.
        """
        ...

    def erase(self, references: Iterable[str]) -> int:
        """Destroy the keys of payloads, then the rest, also in what the storage leaves behind; how many there were.

        It can be asked again for what is gone: whatever an erasure that was cut short left is cleaned up then.

        Raises:
            Unavailable: the storage failed, or is being read by another process; ask again.
        """
        ...

    def held(self) -> Iterator[Held]:
        """All that is kept, by commitment."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...


class Missing(Struct, frozen=True):
    """A payload that is not here, though no erasure is on record. `named`: the site's record knows the commitment."""

    named: bool


def look_up(store: PayloadStore, state: State, reference: str) -> Payload | Erasure | Missing:
    """A payload; or that it was erased, when and by whom; or that it is missing.

    Args:
        store: of the site.
        state: what the site knows.
        reference: a commitment or plain digest.

    Raises:
        Unavailable: the storage failed, or what is kept was damaged.
    """
    known = state.payloads.get(reference)
    if known is not None and known.erased is not None:
        return known.erased
    return store.get(reference) or Missing(named=known is not None)

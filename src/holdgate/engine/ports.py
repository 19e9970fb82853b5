"""What the engine needs from outside. One abstract suite per port is run on every adapter (tests/conformance)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from holdgate.law.chronicle import Draft


class Clock(Protocol):
    """Tells the time of this site. It may jump; the chronicle never goes back."""

    def now(self) -> int:
        """UTC µs since 1970."""
        ...


class Timepiece(Clock, Protocol):
    """A machine's clock, and what there is to tell whether somebody set it."""

    def ticks(self) -> int:
        """µs since some moment of its own; nobody can set it, and it runs on while the machine sleeps."""
        ...

    def disciplined(self) -> bool:
        """Whether the machine says that a time source disciplines its clock now."""
        ...


class Entropy(Protocol):
    """Gives unpredictable tokens (epochs, nonces)."""

    def token(self) -> str:
        """16 lowercase hex characters."""
        ...


class Head(Struct, frozen=True, kw_only=True):
    """How far the log is durable: its size and Merkle frontier; and the last signed checkpoint (of an earlier size)."""

    size: int
    frontier: tuple[bytes, ...]
    checkpoint: bytes = b""


class Snapshot(Struct, frozen=True, kw_only=True):
    """A saved standing. `size`, `root`: the log it belongs to; `digest`: SHA-256 of `body`."""

    size: int
    root: bytes
    digest: bytes
    body: bytes


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """A durable entry."""

    seq: int
    leaf: bytes
    body: bytes


class Store(Protocol):
    """Keeps one site's log, its pinned blobs and what is derived from them.

    Durability: when `commit` returns, everything handed to it survives a power cut. When it raises, it may or may not
    have been kept (foundations: acknowledged means kept, not the other way round); the caller opens the store anew.
    One writer: `commit` is called by one thread at a time; readers may read meanwhile and see whole commits only.
    """

    def commit(self, drafts: Sequence[Draft], head: Head) -> None:
        """Keep entries, their blobs and the new head, all or nothing.

        Raises:
            Unavailable: the storage failed.
        """
        ...

    def head(self) -> Head:
        """The durable head; size 0 for an empty log."""
        ...

    def save_checkpoint(self, checkpoint: bytes) -> None:
        """Keep the signed checkpoint of the present head."""
        ...

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        """Entries [start, stop), in order, each with the bytes that its leaf hash covers.

        Raises:
            Tampered: an entry was altered or damaged where it lies, or is missing before another.
        """
        ...

    def found(self, start: int, stop: int) -> Iterator[Row]:
        """Entries [start, stop) as they lie there, for who holds each against something himself (an audit, an opening)."""
        ...

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes [start, stop), in order."""
        ...

    def last_of(self, subject: str, before: int) -> bytes | None:
        """The leaf hash of the subject's last durable entry among the log's first `before`.

        Raises:
            Tampered: what finds entries by subject was damaged.
        """
        ...

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        """The durable entry of this subject whose payload has this (shortened) digest, among the log's first `before`.

        Raises:
            Tampered: what finds entries by subject was damaged.
        """
        ...

    def blob(self, key: str) -> bytes | None:
        """A pinned blob; its content is what the key says, or it is not returned."""
        ...

    def blob_keys(self) -> list[str]:
        """The keys of everything that is pinned, in order."""
        ...

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot (older ones may go)."""
        ...

    def load_snapshot(self) -> Snapshot | None:
        """The newest snapshot whose digest holds."""
        ...

    def cursor(self, peer: str) -> int:
        """How far a peer has confirmed this log. A hint: deliveries are idempotent."""
        ...

    def set_cursor(self, peer: str, position: int) -> None:
        """Remember how far a peer has confirmed this log."""
        ...

    def save_cosignature(self, witness: str, note: bytes) -> None:
        """Keep the newest cosigned checkpoint of a witness (it proves itself)."""
        ...

    def cosignatures(self) -> Mapping[str, bytes]:
        """The newest cosigned checkpoint by witness."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...


class CopyStore(Store, Protocol):
    """A store whose end can be set aside."""

    def set_aside(self, head: Head) -> None:
        """Move the entries from `head.size` on to where nobody takes them for the log, and make this the head.

        Raises:
            Unavailable: the storage failed; nothing was moved.
        """
        ...

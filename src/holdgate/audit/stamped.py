"""What a time-stamping authority said about logs: verified heads of a Vault, which the auditor brings, against a log as found."""

from collections.abc import Sequence

from msgspec import Struct

from holdgate.ledger.head import VaultHead


class StampedHead(Struct, frozen=True, kw_only=True):
    """A head and its verified token. `at`: the authority's time (UTC µs). `name`: of the file, for findings."""

    head: VaultHead
    at: int
    authority: str
    name: str


class Existed(Struct, frozen=True, kw_only=True):
    """So many entries of the audited log existed at this time (UTC µs), according to this authority."""

    size: int
    at: int
    authority: str


class Contradicted(Struct, frozen=True, kw_only=True):
    """The audited log does not lead through a head that was stamped. `why`: the sentence of the finding."""

    why: str


class StampedRoot(Struct, frozen=True, kw_only=True):
    """What one stamped head says of one log."""

    origin: str
    size: int
    root: bytes
    head: StampedHead


def roots_of(heads: Sequence[StampedHead], origin: str | None = None) -> list[StampedRoot]:
    """What stamped heads say of one log, or of every log."""
    return [
        StampedRoot(origin=log.origin, size=log.size, root=log.root, head=head)
        for head in heads
        for log in head.head.logs
        if origin is None or log.origin == origin
    ]


def compare(stamped: StampedRoot, size: int, root: bytes | None) -> Existed | Contradicted:
    """Hold one stamped root against the log here.

    Args:
        stamped: what the head says.
        size: entries of the log here.
        root: its root at the stamped size; None where it is shorter.
    """
    by = f"{stamped.head.authority} stamped"
    if root is None:
        return Contradicted(
            why=f"{by} {stamped.size} entries of {stamped.origin} ({stamped.head.name}), but only {size} are here"
        )
    if root != stamped.root:
        return Contradicted(
            why=f"{by} another log of {stamped.size} entries ({stamped.head.name}): it was made anew or forked. "
            f"{stamped.origin} at {stamped.size}: the root here is {root.hex()}, the one that was stamped {stamped.root.hex()}"
        )
    return Existed(size=stamped.size, at=stamped.head.at, authority=stamped.head.authority)

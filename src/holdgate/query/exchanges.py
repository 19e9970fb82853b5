"""Which roots a shop had, one version after the other, as the business hub's record tells it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from holdgate.crypto.envelope import Envelope, open_envelope
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.identity.roots import Roots, follow, founding_roots, read_root
from holdgate.law import event as ev
from holdgate.law.command import RotateRoots
from holdgate.query.record import Record, charter_of, command_of, entry_at, said

_MARK: Final = b'"RootsRotated"'
"""Bytes without which an entry is not read here."""


class Version(NamedTuple):
    """Roots from an entry on. `seq`, `at`: the entry (UTC µs); `document`: the charter's envelope, or the root document's."""

    seq: int
    at: int
    roots: Roots
    document: Envelope


def keeps_law(record: Record) -> bool:
    """Whether a record is the business hub's.

    Raises:
        Malformed: it does not begin with a charter.
    """
    first = entry_at(record, 0).entry
    return any(seat.id == first.site and seat.kind == "business_hub" for seat in charter_of(first).sites)


def versions(record: Record) -> Iterator[Version]:
    """The first roots and every exchange of them, each held against those before it.

    Args:
        record: the business hub's.

    Raises:
        Malformed, Tampered: an entry cannot be read, or an exchange does not follow.
    """
    first = entry_at(record, 0).entry
    charter = charter_of(first)
    roots = founding_roots(charter)
    yield Version(0, first.at, roots, open_envelope(bytes(first.action), CHARTER_TYPE))
    for seq, _, body in record.rows(1):
        if _MARK not in body:
            continue
        found = said(body)
        command = command_of(found.entry)
        if isinstance(command, RotateRoots) and any(isinstance(e, ev.RootsRotated) for e in found.decision.events):
            roots = follow(roots, charter.org, command.document)
            yield Version(seq, found.entry.at, roots, read_root(command.document)[0])

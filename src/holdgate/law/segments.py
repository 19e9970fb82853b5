"""Segments: a stretch of another site's log, as it travels between sites.

Every entry of the stretch is there as its leaf hash; those that the receiver may see are there in full. The receiver
extends the Merkle frontier that it holds for that origin and compares the root with the origin's signed checkpoint, so
that nothing can be left out, reordered or altered, also among the entries that it may not see.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.law.decision import Decision
from holdgate.law.event import AUTHORITY, AnyEvent
from holdgate.law.state import Origin, State
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import make_vkey, open_checkpoint, parse_vkey
from holdgate.terms import limits
from holdgate.terms.errors import Malformed, Tampered


class Segment(Struct, frozen=True, kw_only=True):
    """Entries [start, size) of `origin`, under a checkpoint of that size.

    `leaves`: all leaf hashes, in order. `entries`: index in the segment → entry bytes, for those that are disclosed.
    `blobs`: SHA-256 (hex) → law documents that disclosed entries pin. All of it is untrusted.
    """

    origin: str
    start: int
    size: int
    checkpoint: bytes
    leaves: tuple[bytes, ...]
    entries: dict[int, bytes]
    blobs: dict[str, bytes] = {}


class Verified(NamedTuple):
    """A segment that holds together: the origin's new frontier and what its disclosed entries made true, with times."""

    origin: Origin
    events: tuple[tuple[int, AnyEvent], ...]


_DECISION: Final = msgspec.json.Decoder(Decision)


def decision_of(entry: Entry) -> Decision:
    """The decision that an entry holds.

    Raises:
        Malformed: it is none of this law version.
    """
    try:
        return _DECISION.decode(entry.decision)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the decision of entry {entry.seq} cannot be read: {error}") from None


def verify_segment(state: State, segment: Segment) -> Verified:
    """Check a segment against what this site knows of its origin.

    1. The origin is a seat of this shop. 2. The stretch begins where the last one ended. 3. The checkpoint is signed by
    the origin's key and covers exactly this stretch. 4. The leaf hashes lead to the checkpoint's root. 5. Every disclosed
    entry is the one that its leaf hash stands for, names its place in the log, and says only what that site may say.

    Raises:
        Tampered: one of these does not hold, with the place. Malformed: the segment or an entry cannot be read.
    """
    seat = next((s for s in state.charter.sites if s.origin == segment.origin), None)
    if seat is None:
        raise Tampered(f"{segment.origin} is no site of this shop")
    known = state.origins.get(segment.origin) or Origin(site=seat.id, size=0, frontier=())
    if segment.start != known.size:
        raise Tampered(f"the stretch begins at {segment.start}, but {known.size} entries were taken in so far")
    if not 0 < len(segment.leaves) <= limits.IMPORT_ENTRIES_MAX or segment.size != segment.start + len(segment.leaves):
        raise Malformed("the stretch is empty, too long, or does not have the size that it names")
    checkpoint = open_checkpoint(segment.checkpoint, parse_vkey(make_vkey(segment.origin, seat.key)))
    frontier = extend(known.size, known.frontier, segment.leaves)
    if checkpoint.size != segment.size or checkpoint.root != root_from_frontier(frontier, segment.size):
        raise Tampered("the entries do not lead to the root that the site signed")
    events: list[tuple[int, AnyEvent]] = []
    for index, body in segment.entries.items():
        if not 0 <= index < len(segment.leaves) or leaf_hash(body) != segment.leaves[index]:
            raise Tampered(f"entry {segment.start + index} is not the one in the log")
        entry = read_entry(body)
        if entry.seq != segment.start + index or entry.site != seat.id:
            raise Tampered(f"entry {segment.start + index} names another place in another log")
        events.extend(_said(entry, seat.kind, segment))
    return Verified(Origin(site=seat.id, size=segment.size, frontier=frontier), tuple(events))


def _said(entry: Entry, kind: str, segment: Segment) -> list[tuple[int, AnyEvent]]:
    out: list[tuple[int, AnyEvent]] = []
    for event in decision_of(entry).events:
        authority = AUTHORITY[type(event)]
        if authority == "own":
            continue
        if authority != kind:
            raise Tampered(f"entry {entry.seq} says what only a {authority} may say")
        out.append((entry.at, event))
    for sha256 in entry.pins:
        blob = segment.blobs.get(sha256)
        if blob is not None and digest(blob) != sha256:
            raise Tampered(f"a document of entry {entry.seq} is not the one that it names")
    return out

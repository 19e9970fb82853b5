"""Segments: a stretch of another site's log, as it travels between sites.

Every entry of the stretch is there as its leaf hash; those that the receiver may see are there in full. The receiver
extends the Merkle frontier that it holds for that origin and compares the root with the origin's signed checkpoint, so
that nothing can be left out, reordered or altered, also among the entries that it may not see.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from holdgate.crypto.envelope import Envelope, open_envelope
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.identity.charter import SiteSeat
from holdgate.identity.roots import replaced
from holdgate.identity.roster import EarlierKey, Identity
from holdgate.law.command import AnyCommand, RotateRoots, parse_command
from holdgate.law.decision import Decision
from holdgate.law.event import (
    AUTHORITY,
    AnyEvent,
    IdentityEnrolled,
    IdentityRekeyed,
    PayloadErased,
    RootsRotated,
    SiteEnrolled,
    SiteRetired,
)
from holdgate.law.folds.identities import enrolled, rekeyed
from holdgate.law.founding import seated
from holdgate.law.retention import NAMING
from holdgate.law.rotation import rotation
from holdgate.law.says import WITHOUT_AN_ACT, can_say
from holdgate.law.signers import (
    NO_EARLIER,
    Keys,
    Replaced,
    earlier_keys,
    is_newcomer,
    keys_of,
    officers_of,
    verify_since,
)
from holdgate.law.state import Origin, State
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import Checkpoint, make_vkey, open_checkpoint, parse_vkey
from holdgate.terms import limits
from holdgate.terms.errors import Malformed, Tampered


class Segment(Struct, frozen=True, kw_only=True):
    """Entries [start, size) of `origin`, under a checkpoint of that size.

    `leaves`: all leaf hashes, in order. `entries`: index in the segment → entry bytes, for those that are disclosed.
    `blobs`: SHA-256 (hex) → everything that disclosed entries pin. All of it is untrusted. `term`: the writer's, where two hosts
    keep the log (`holdgate.engine.keeping`); it fences a writer that was replaced and says nothing of the entries.
    """

    origin: str
    start: int
    size: int
    checkpoint: bytes
    leaves: tuple[bytes, ...]
    entries: dict[int, bytes]
    blobs: dict[str, bytes] = {}
    term: int = 0


class Proved(Struct, frozen=True, gc=False):
    """A disclosed entry, read, whose act holds under `keys`: every signature of it was checked. `leaf`: its leaf hash.

    `command`, `keys`: None where the entry holds no act. `replaced`: who signed it under a key that was replaced, and when it
    was. It says nothing yet of the entry's place in a log.
    """

    body: bytes
    leaf: bytes
    entry: Entry
    decision: Decision
    command: AnyCommand | None
    keys: Keys | None
    replaced: Replaced = ()


NOTHING_PROVED: Final[Mapping[int, Proved]] = {}


Outdated = Mapping[int, tuple[str, ...]]
NOTHING_OUTDATED: Final[Outdated] = {}


class Verified(NamedTuple):
    """A segment that holds together: the origin's new frontier and what its disclosed entries made true, with times.

    `late`: how many events a retired site recorded after it had left; they are not among them. `outdated`: by place among the
    events, who had signed the act under a key that was replaced before. `naming`: at the business hub, the acts that name payloads
    (`holdgate.law.retention`), with their times and what they made true.
    """

    origin: Origin
    events: tuple[tuple[int, AnyEvent], ...]
    late: int = 0
    outdated: Outdated = NOTHING_OUTDATED
    naming: tuple[tuple[int, AnyCommand, tuple[AnyEvent, ...]], ...] = ()


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


def prove(body: bytes, roster: Mapping[str, Identity]) -> Proved:
    """Read a disclosed entry and check the signatures of its act. Pure, and most of the work: threads may do it beforehand.

    Args:
        body: untrusted.
        roster: whose keys count; whoever uses the answer later compares the keys with those that count then.

    Raises:
        Malformed: it cannot be read. Tampered: somebody whom it names is not enrolled, or did not sign.
    """
    return read_unproved(body, roster).check()


class Unproved(Struct, frozen=True, gc=False):
    """A disclosed entry that was read; its signatures are still to be checked.

    `envelope`: None where it holds no act. `earlier`: replaced keys that may have signed it too.
    """

    read: Proved
    envelope: Envelope | None
    earlier: Mapping[str, tuple[EarlierKey, ...]] = NO_EARLIER

    def check(self) -> Proved:
        """The entry, once its signatures were checked.

        Raises:
            Tampered: somebody whom it names did not sign.
        """
        if self.envelope is not None:
            try:
                replaced = verify_since(self.envelope, self.read.keys or (), self.earlier)
            except Tampered as error:
                raise Tampered(f"entry {self.read.entry.seq}: {error}") from None
            if replaced:
                return replace(self.read, replaced=replaced)
        return self.read


def read_unproved(body: bytes, roster: Mapping[str, Identity]) -> Unproved:
    """Read a disclosed entry, its act, and whose signatures that needs. Nothing of it is believed before `Unproved.check`.

    Raises:
        Malformed: it cannot be read. Tampered: somebody whom it names is not enrolled.
    """
    entry = read_entry(body)
    decision = decision_of(entry)
    if entry.kind != "action":
        return Unproved(Proved(body, leaf_hash(body), entry, decision, None, None), None)
    envelope = open_envelope(bytes(entry.action))
    command = parse_command(envelope.payload)
    keys = keys_of(command, roster)
    if isinstance(keys, str):
        raise Tampered(f"entry {entry.seq} is signed by {keys}, who is not enrolled")
    earlier = earlier_keys(keys, roster, entry.site)
    return Unproved(Proved(body, leaf_hash(body), entry, decision, command, keys), envelope, earlier)


def verify_segment(state: State, segment: Segment, proved: Mapping[int, Proved] = NOTHING_PROVED) -> Verified:
    """Check a segment against what this site knows of its origin.

    1. The origin is a seat of this shop. 2. The stretch begins where the last one ended. 3. The checkpoint is signed by
    the origin's key and covers exactly this stretch. 4. The leaf hashes lead to the checkpoint's root. 5. Every disclosed
    entry is the one that its leaf hash stands for, names its place in the log, comes with everything that it pins, and is
    signed by the people whom it names (at a site that may have been away, also under keys that were replaced meanwhile); it
    says only what that kind of site may say, and what the signed act can say (the business hub's consequences have no
    act). 6. The business hub is due every entry in full. 7. Nothing comes along that no disclosed entry pins.

    Args:
        state: what this site knows; not changed.
        segment: untrusted.
        proved: by index, entries of it that `prove` took beforehand; whatever is not among them, or was proved under keys
            that do not count any more, is proved here.

    Raises:
        Tampered: one of these does not hold, with the place. Malformed: the segment or an entry cannot be read.
    """
    seat = _seat(state, segment)
    if seat is None:
        raise Tampered(f"{segment.origin} is no site of this shop")
    known = state.origins.get(segment.origin) or Origin(site=seat.id, size=0, frontier=())
    frontier = _frontier(known, segment, seat)
    if state.kind == "business_hub" and len(segment.entries) != len(segment.leaves):
        raise Malformed(f"the business hub is due every entry of {seat.id} in full")
    reader = _Reader(state, seat, segment, proved)
    for index in sorted(segment.entries):
        reader.take(index, segment.entries[index])
    for sha256, blob in segment.blobs.items():
        if sha256 not in reader.pinned or digest(blob) != sha256:
            raise Tampered(f"the document {sha256[:12]}… came along, and no entry of the stretch pins it")
    taken = Origin(site=seat.id, size=segment.size, frontier=frontier, checkpoint=segment.checkpoint)
    return Verified(taken, tuple(reader.events), reader.late, reader.outdated, tuple(reader.naming))


def leaves_gap(state: State, segment: Segment) -> bool:
    """Whether a stretch is its origin's own, and begins beyond what is held of that log: something before it is missing.

    Its origin signed for it, so that whoever only relabels a stretch does not pass for a sender who went on too early.

    Args:
        state: what this site knows; not changed.
        segment: untrusted.
    """
    seat, known = _seat(state, segment), state.origins.get(segment.origin)
    if seat is None or segment.start <= (0 if known is None else known.size):
        return False
    try:
        _checkpoint(segment, seat)
    except (Malformed, Tampered):
        return False
    return True


class Stretch(NamedTuple):
    """A stretch of a log that was taken in: the frontier of the entries before it, and its own leaves."""

    start: int
    frontier: tuple[bytes, ...]
    leaves: tuple[bytes, ...]


def said_before(state: State, segment: Segment, taken: Sequence[Stretch]) -> bool:
    """Whether a stretch is its origin's own, begins within what is held of that log, and is part of the very same log.

    Nothing can be learned from it, and nothing stands against its sender: it came late, or twice. The root that its origin signed
    is made again from what is held.

    Args:
        state: what this site knows; not changed.
        segment: untrusted.
        taken: the stretches of that log that were taken in last, in order; the last one ends where the log ends here.
    """
    seat, known = _seat(state, segment), state.origins.get(segment.origin)
    if seat is None or known is None or segment.start >= known.size:
        return False
    base = next((held for held in taken if held.start < segment.size), Stretch(known.size, known.frontier, ()))
    leaves = [leaf for held in taken if held.start >= base.start for leaf in held.leaves]
    leaves += segment.leaves[known.size - segment.start :]
    try:
        signed = _checkpoint(segment, seat)
    except (Malformed, Tampered):
        return False
    if not base.start < segment.size <= base.start + len(leaves):
        return False
    frontier = extend(base.start, base.frontier, tuple(leaves[: segment.size - base.start]))
    return signed.root == root_from_frontier(frontier, segment.size)


def _seat(state: State, segment: Segment) -> SiteSeat | None:
    return next((seat for seat in state.charter.sites if seat.origin == segment.origin), None)


def _frontier(known: Origin, segment: Segment, seat: SiteSeat) -> tuple[bytes, ...]:
    """(2)-(4): the origin's new frontier."""
    if segment.start != known.size:
        raise Tampered(f"the stretch begins at {segment.start}, but {known.size} entries were taken in so far")
    checkpoint = _checkpoint(segment, seat)
    frontier = extend(known.size, known.frontier, segment.leaves)
    if checkpoint.root != root_from_frontier(frontier, segment.size):
        raise Tampered("the entries do not lead to the root that the site signed")
    return frontier


def _checkpoint(segment: Segment, seat: SiteSeat) -> Checkpoint:
    """(3): what the origin signed, for exactly this stretch."""
    if not 0 < len(segment.leaves) <= limits.IMPORT_ENTRIES_MAX or segment.size != segment.start + len(segment.leaves):
        raise Malformed("the stretch is empty, too long, or does not have the size that it names")
    checkpoint = open_checkpoint(segment.checkpoint, parse_vkey(make_vkey(segment.origin, seat.key)))
    if checkpoint.size != segment.size:
        raise Tampered(f"the site signed {checkpoint.size} entries, and the stretch ends at {segment.size}")
    return checkpoint


class _Reader:
    """(5): reads the disclosed entries of a stretch, in log order."""

    def __init__(self, state: State, seat: SiteSeat, segment: Segment, proved: Mapping[int, Proved]) -> None:
        self.events: list[tuple[int, AnyEvent]] = []
        self.pinned: dict[str, None] = {}
        self.late = 0
        self.outdated: dict[int, tuple[str, ...]] = {}
        self.naming: list[tuple[int, AnyCommand, tuple[AnyEvent, ...]]] = []
        self._indexes = state.kind == "business_hub"
        self._charter = state.charter
        self._left_at = state.retired.get(seat.id)
        self._seat = seat
        self._segment = segment
        self._proved = proved
        self._roster = state.identities
        self._roots = state.roots

    def take(self, index: int, body: bytes) -> None:
        """One disclosed entry."""
        segment, seat = self._segment, self._seat
        seq = segment.start + index
        found = self._still_proved(index, body)
        leaf = leaf_hash(body) if found is None else found.leaf
        if not 0 <= index < len(segment.leaves) or leaf != segment.leaves[index]:
            raise Tampered(f"entry {seq} is not the one in the log")
        if found is None:
            found = prove(body, self._roster)
        entry = found.entry
        if entry.seq != seq or entry.site != seat.id:
            raise Tampered(f"entry {seq} names another place in another log")
        for sha256 in entry.pins:
            self.pinned[sha256] = None
            if sha256 not in segment.blobs:
                raise Tampered(f"entry {seq} pins the document {sha256[:12]}…, which did not come along")
        decision, command = found.decision, found.command
        if self._indexes and command is not None and type(command) in NAMING and (decision.allowed or decision.events):
            self.naming.append((entry.at, command, decision.events))
        for event in found.decision.events:
            before = len(self.events)
            self._said(entry, event, found.command)
            if found.replaced and len(self.events) > before:
                self._outdated(before, found)

    def _still_proved(self, index: int, body: bytes) -> Proved | None:
        """What was proved beforehand of these very bytes, if the keys that it holds under are the ones that count now."""
        found = self._proved.get(index)
        if found is None or found.body != body:
            return None
        if found.command is not None and keys_of(found.command, self._roster) != found.keys:
            return None
        return found

    def _said(self, entry: Entry, event: AnyEvent, command: AnyCommand | None) -> None:
        authority = AUTHORITY[type(event)]
        if self._seat.kind == "business_hub" and entry.kind == "consequence" and isinstance(event, WITHOUT_AN_ACT):
            self.events.append((entry.at, event))
            return
        if authority == "own" or (command is None and self._seat.kind == "business_hub"):
            return  # what a site notices about itself, and what follows at the hub by itself, is nobody else's to fold
        if authority != self._seat.kind or command is None:
            raise Tampered(f"entry {entry.seq} says what only a {authority} may say, and only in an action")
        if not can_say(command, event):
            raise Tampered(f"entry {entry.seq} holds a {type(event).__name__}, which its signed act cannot say")
        if self._left_at is not None and max(entry.at, command.at) > self._left_at:
            self.late += 1
            return
        if isinstance(event, IdentityEnrolled):
            self._roster = {**self._roster, event.id: enrolled(event, entry.seq)}
        elif isinstance(event, IdentityRekeyed):
            self._replaced(entry, event, command)
        elif isinstance(event, (SiteEnrolled, SiteRetired)):
            self._sponsored(entry, event, command)
        elif isinstance(event, RootsRotated):
            self._rotated(entry, event, command)
        elif isinstance(event, PayloadErased) and len(officers_of(command, self._roster, "")) < 2:
            raise Tampered(f"entry {entry.seq} says that a payload was erased, and too few have signed that")
        self.events.append((entry.at, event))

    def _rotated(self, entry: Entry, event: RootsRotated, command: AnyCommand) -> None:
        """Which roots there are is not the business hub's word at all: old and new ones signed it, and two officers."""
        if not isinstance(command, RotateRoots) or len(officers_of(command, self._roster, "")) < 2:
            raise Tampered(f"entry {entry.seq} says that the roots were exchanged, and too few have signed that")
        try:
            signed = rotation(self._roots, self._charter.org, command)
        except (Malformed, Tampered) as error:
            raise Tampered(f"entry {entry.seq} says that the roots were exchanged: {error}") from None
        if event != signed:
            raise Tampered(f"entry {entry.seq} says something else of the roots than their keepers signed")
        self._roots = replaced(self._roots, event.roots, event.threshold, event.document)

    def _outdated(self, index: int, found: Proved) -> None:
        """Note who had signed under a key that was replaced by the time at which that site took the act in."""
        late = tuple(name for name, at in found.replaced if at < found.entry.at)
        if late:
            self.outdated[index] = late

    def _replaced(self, entry: Entry, event: IdentityRekeyed, command: AnyCommand) -> None:
        """Whose key is whose is not the business hub's word alone, or it could sign as anybody: two officers and the key signed."""
        proven = any(is_newcomer(command, signer) for signer in command.signers)
        if not proven or len(officers_of(command, self._roster, event.id)) < 2:
            raise Tampered(f"entry {entry.seq} says that {event.id} has another key, and too few have signed that")
        if event.id in self._roster:
            again = rekeyed(self._roster[event.id], event, entry.at, entry.seq)
            self._roster = {**self._roster, event.id: again}

    def _sponsored(self, entry: Entry, event: SiteEnrolled | SiteRetired, command: AnyCommand) -> None:
        """Which sites there are is not the business hub's word alone: the newcomer and two officers signed it."""
        newcomer = isinstance(event, SiteRetired) or any(signer.id == event.id for signer in command.signers)
        if not newcomer or len(officers_of(command, self._roster, event.id)) < 2:
            raise Tampered(f"entry {entry.seq} says that {event.id} joined or left, and too few have signed that")
        if isinstance(event, SiteEnrolled) and event.id not in self._roster:
            seat = SiteSeat(id=event.id, kind=event.kind, origin=event.origin, key=event.key)
            self._roster = {**self._roster, event.id: seated(self._charter, seat, entry.seq)}

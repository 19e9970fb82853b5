"""The Vault: a C2SP witness and mirror of every site. It looks and cosigns; it has no way to write.

It takes segments, verifies that they extend what it holds under the site's own checkpoint, keeps them cosigned, and only then
answers. Of another history it keeps both checkpoints as evidence. It has no key of a site; a signed action is refused.

A checkpoint that anybody hands in (C2SP tlog-mirror: add-checkpoint) is judged as a witness judges it and becomes the pending
one; what is mirrored later has to lead through it. The Vault cosigns nothing that it does not hold in full. Witnesses outside
of the shop may cosign what it cosigned; their lines are kept and shown beside its own. Once a day it writes down where all logs
stand, and has that stamped by an authority outside (`holdgate.sites.heads`). A watch (`holdgate.sites.watch`) decides what is
mirrored once more; it withholds no cosignature.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, Protocol

from msgspec.structs import replace
from typing_extensions import override

from holdgate.crypto.hashes import EMPTY_ROOT, digest, leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.engine import buggify
from holdgate.engine.bus import Taken
from holdgate.engine.keeping import Keeper
from holdgate.engine.steady import SteadyClock
from holdgate.engine.timestamping import HeadStore, TimestampAuthority
from holdgate.engine.witnessing import OutsideWitness
from holdgate.identity.charter import Charter, SiteSeat, origin_for
from holdgate.law.case import Pin
from holdgate.law.segments import Segment
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import (
    KIND_COSIGNATURE,
    Checkpoint,
    make_vkey,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    read_note,
)
from holdgate.ledger.policy import Policy
from holdgate.ledger.witness import (
    Cosigner,
    Evidence,
    Reply,
    Witness,
    contradiction,
    merged,
    origin_hash,
    signed_by,
)
from holdgate.sites.accepted import Accepted, Mirrored, SeenStore
from holdgate.sites.heads import DailyHead
from holdgate.sites.joined import joined
from holdgate.sites.outside import Asking
from holdgate.sites.uploads import Uploads, UploadStore
from holdgate.sites.vault_keeping import KeepsLogs, Mirrors
from holdgate.sites.watch import Watch
from holdgate.terms.errors import InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US

PAGE: Final = 1_024
"""Entries of a mirror that are looked at together."""


def _nobody(site: str) -> None:
    """Nobody wants to know."""


def _damaged(origin: str) -> Unavailable:
    return Unavailable(
        f"the Vault's mirror of {origin} is not what the Vault cosigned: it was damaged; restore it from a backup"
    )


class MirrorStore(Mirrors, UploadStore, Protocol):
    """Keeps mirrors of other sites' logs and the Vault's cosignatures."""

    def keep(
        self,
        origin: str,
        start: int,
        entries: Sequence[bytes],
        frontier: tuple[bytes, ...],
        cosigned: bytes,
        blobs: dict[str, bytes],
    ) -> None:
        """Keep a verified stretch and its cosigned checkpoint, all or nothing, before anybody is answered."""
        ...

    def documented(self, origin: str) -> int:
        """How far the mirror has the documents that its entries pin, too: less than its size after an upload."""
        ...

    def document(self, origin: str, stop: int, blobs: dict[str, bytes]) -> None:
        """Keep the documents of mirrored entries, which are there up to `stop` then."""
        ...

    def keep_evidence(self, origin: str, checkpoint: bytes, why: str) -> None:
        """Keep a signed checkpoint that contradicts the mirror."""
        ...

    def evidence(self, origin: str) -> list[tuple[bytes, str]]:
        """Signed checkpoints that contradict the mirror, with why."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...


class Vault(KeepsLogs):
    """The witness and mirror. `keeper`: its promises to hosts that write a log in turn.

    Without `seen` it takes no checkpoints from strangers and asks no outside witness. Without `watch` nothing is decided again.
    """

    def __init__(
        self,
        seat: SiteSeat,
        key: SigningKey,
        charter: Charter,
        store: MirrorStore,
        clock: SteadyClock,
        keeper: Keeper,
        seen: SeenStore | None = None,
        outside: Sequence[OutsideWitness] = (),
        policy: Policy | None = None,
        stamping: tuple[HeadStore, TimestampAuthority] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.id = seat.id
        self.kind = seat.kind
        self.store = self._mirrors = store
        self.keeper = keeper
        self.watch = watch
        self._seat = seat
        self._cosigner = Cosigner(seat.origin, key)
        self._own = parse_vkey(make_vkey(seat.origin, seat.key, KIND_COSIGNATURE))
        self._seats = {s.origin: s for s in charter.sites if s.kind != "vault"}
        self._charter = charter
        self._hub = next((s.origin for s in charter.sites if s.kind == "business_hub"), "")
        self._meet: Callable[[str], None] = _nobody
        self.clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._policy = policy
        self._logs = {s.origin: parse_vkey(make_vkey(s.origin, s.key)) for s in self._seats.values()}
        mirrored = Mirrored(store.leaves)
        self._seen = seen
        self._accepted = None if seen is None else Accepted(store, seen, mirrored)
        self._witness = None if self._accepted is None else Witness(self._logs, self._accepted)
        self._uploads = None
        if self._accepted is not None:
            self._uploads = Uploads(store, self._accepted, self._open_to_all, self._cosigner, self._contradicted)
        self._mirrored = mirrored
        self._by_hash = {origin_hash(origin): origin for origin in self._logs}
        self.asking: tuple[Asking, ...] = ()
        if seen is not None:
            self.asking = tuple(Asking(w, store.latest, mirrored.proof, seen.keep_outside) for w in outside)
        self.heads = None if stamping is None else DailyHead(seat.origin, key, clock, self.mirrored, *stamping)
        self._learn_again()

    def introduce(self, meet: Callable[[str], None]) -> None:
        """`meet` is told of every site that joined the shop since it was founded, and of each that joins from now on."""
        self._meet = meet
        for seat in self._seats.values():
            meet(seat.id)

    def _learn_again(self) -> None:
        """The sites that joined, as the mirror of the business hub's log has them."""
        start = 0
        while bodies := self.store.entries(self._hub, start, start + PAGE):
            self._learn(bodies)
            start += len(bodies)

    def _learn(self, bodies: Sequence[bytes]) -> None:
        """Sites that joined in these entries of the business hub's log: their logs are mirrored from now on."""
        for seat in joined(bodies):
            if seat.origin in self._seats or any(seat.id == known.id for known in self._seats.values()):
                continue
            self._seats[seat.origin] = seat
            self._logs[seat.origin] = parse_vkey(make_vkey(seat.origin, seat.key))
            self._by_hash[origin_hash(seat.origin)] = seat.origin
            if self.watch is not None:
                self.watch.add(seat)
            self._meet(seat.id)

    def mirrored(self) -> list[Checkpoint]:
        """Where each mirrored log stands that holds something, as this Vault cosigned it."""
        notes = (self.store.latest(origin) for origin in self._logs)
        return [found for note in notes if note is not None and (found := parse_checkpoint(note)).size]

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that it watches."""
        return tuple(self._seats)

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> NoReturn:
        raise Unavailable("the Vault takes no actions; correct a record by a new entry at its own site")

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        async with self._one_at_a_time:
            self.keeper.admit(segment.origin, segment.term)
            if buggify.on and buggify.unlucky("vault: busy"):
                raise Unavailable("the Vault is busy; ask again")
            taken = await self._take(segment, sender)
            if buggify.on and buggify.unlucky("vault: kept, and not said"):
                raise Unavailable("the Vault did not answer")
            return replace(taken, written=self.keeper.grown(segment.origin, taken.size).written)

    async def _take(self, segment: Segment, sender: str) -> Taken:
        """Verify, then keep, then answer.

        Raises:
            Tampered: another site's log, or another history than the one that is held (evidence is kept).
            Malformed: not whole. Unavailable: nobody said (yet) that the sender joined the shop.
        """
        seat = self._seats.get(segment.origin)
        if seat is None and segment.origin == origin_for(self._charter, sender):
            raise Unavailable(f"the Vault has not heard that {sender} joined this shop; ask again")
        if seat is None or seat.id != sender:
            raise Tampered(f"{segment.origin} is no log of {sender}")
        if segment.size != segment.start + len(segment.leaves) or len(segment.entries) != len(segment.leaves):
            raise Malformed("a mirror takes every entry in full")
        if any(digest(blob) != key for key, blob in segment.blobs.items()):
            raise Malformed("a document is not the one that its digest names")
        checkpoint = open_checkpoint(segment.checkpoint, self._logs[segment.origin])
        bodies = [segment.entries.get(index, b"") for index in range(len(segment.leaves))]
        leaves = [leaf_hash(body) for body in bodies]
        size = self.store.held(segment.origin)[0]
        if segment.start == self.store.documented(segment.origin) < size:
            self._overlap(segment, leaves, size)
            if segment.size <= size:
                return await self._documents(segment, checkpoint)
            await asyncio.to_thread(self.store.document, segment.origin, size, segment.blobs)
            return await self._extend(
                segment, checkpoint, bodies[size - segment.start :], leaves[size - segment.start :]
            )
        if segment.start > size:
            raise Unavailable(f"the stretch begins at {segment.start}, and {size} entries are held; go on from there")
        if segment.start != size:
            self._overlap(segment, leaves, size)
            raise Tampered(f"the stretch begins at {segment.start}, but {size} entries are held")
        return await self._extend(segment, checkpoint, bodies, leaves)

    async def _documents(self, segment: Segment, checkpoint: Checkpoint) -> Taken:
        """Entries that came before without their documents, and now come with them.

        Raises:
            Tampered: the log signed another root over them than it has here; evidence is kept.
        """
        root = await asyncio.to_thread(self._mirrored.root, segment.origin, segment.size)
        if checkpoint.size != segment.size or checkpoint.root != root:
            self._keep_evidence(segment, checkpoint, "another history than the mirror's")
            raise Tampered(f"{segment.origin} signed another root of {segment.size} entries than they have")
        await asyncio.to_thread(self.store.document, segment.origin, segment.size, segment.blobs)
        return Taken(size=segment.size, cosigned=self.store.latest(segment.origin))

    async def _extend(
        self, segment: Segment, checkpoint: Checkpoint, bodies: Sequence[bytes], leaves: list[bytes]
    ) -> Taken:
        """The stretch that follows the mirror: verify, keep, cosign.

        Raises:
            Tampered: it does not lead to what the log signed; evidence is kept.
        """
        size, frontier = self.store.held(segment.origin)
        extended = extend(size, frontier, leaves)
        if checkpoint.size != segment.size or checkpoint.root != root_from_frontier(extended, segment.size):
            self._keep_evidence(segment, checkpoint, "does not extend the mirror")
            raise Tampered(f"what {segment.origin} offers does not lead to the root that it signed")
        self._through_pending(segment, checkpoint, leaves)
        cosigned = self._cosign(segment.checkpoint)
        await asyncio.to_thread(self.store.keep, segment.origin, size, bodies, extended, cosigned, segment.blobs)
        if segment.origin == self._hub:
            self._learn(bodies)
        for asking in self.asking:
            asking.wake(segment.origin)
        if self.watch is not None:
            self.watch.wake()
        return Taken(size=segment.size, cosigned=cosigned)

    def _overlap(self, segment: Segment, leaves: list[bytes], size: int) -> None:
        """A stretch that begins elsewhere: where it says something else than the mirror, its checkpoint is evidence.

        Raises:
            Tampered: it does.
        """
        held = self.store.leaves(segment.origin, segment.start, min(size, segment.size))
        if held != leaves[: len(held)]:
            self._keep_evidence(segment, parse_checkpoint(segment.checkpoint), "another history than the mirror's")
            raise Tampered(f"the stretch begins at {segment.start} and says something else than what is held")

    def _through_pending(self, segment: Segment, checkpoint: Checkpoint, leaves: list[bytes]) -> None:
        """What is mirrored leads through the checkpoint that is pending.

        Raises:
            Tampered: it leads past it; both signed checkpoints are kept.
        """
        pending = None if self._seen is None else self._seen.latest(segment.origin)
        if pending is None:
            return
        wanted = parse_checkpoint(pending)
        size, frontier = self.store.held(segment.origin)
        if not size <= wanted.size <= checkpoint.size:
            return
        if root_from_frontier(extend(size, frontier, leaves[: wanted.size - size]), wanted.size) == wanted.root:
            return
        self._keep_evidence(
            segment, checkpoint, f"does not lead through the checkpoint of {wanted.size} that was handed in"
        )
        raise Tampered(f"the log signed another checkpoint of {wanted.size} entries than the ones that are offered")

    def _keep_evidence(self, segment: Segment, checkpoint: Checkpoint, why: str) -> None:
        """Keep a signed checkpoint that does not fit; as a pair with the accepted one, where such pairs are kept.

        Raises:
            Unavailable: the mirror is not what this Vault cosigned; nobody is accused by a disk that failed.
        """
        self._intact(segment.origin)
        self.store.keep_evidence(segment.origin, segment.checkpoint, why)
        held = None if self._accepted is None else self._accepted.latest(segment.origin)
        if self._accepted is None or held is None:
            return
        note, now = signed_by(segment.checkpoint, (self._logs[segment.origin],)), self.clock.now() // SECOND_US
        found = contradiction(self._accepted, checkpoint, note, now)
        self._accepted.keep_evidence(
            found or Evidence(origin=segment.origin, held=held, seen=note, why="not_continued", at_s=now)
        )

    def _intact(self, origin: str) -> None:
        """The mirror of a log, entry by entry, leads to the checkpoint that its site signed and this Vault cosigned.

        Raises:
            Unavailable: it does not.
        """
        size = self._believed(origin).size
        if size and self._mirrored.root(origin, size) != self._believed(origin).root:
            raise _damaged(origin)

    def _believed(self, origin: str) -> Checkpoint:
        """The checkpoint that was cosigned last; the mirror's size and frontier are its.

        Raises:
            Unavailable: they are not, or its signature does not hold: the mirror was damaged.
        """
        size, frontier = self.store.held(origin)
        note = self.store.latest(origin)
        try:
            found = Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)
            if note is not None:
                found = open_checkpoint(note, self._logs[origin], (self._own,))
            if (found.size, found.root) == (size, root_from_frontier(frontier, size)):
                return found
        except (Malformed, Tampered):
            pass
        raise _damaged(origin)

    @override
    async def held(self, origin: str, sender: str) -> int:
        return self.store.documented(origin)  # an upload brings no documents: the site sends that stretch again

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return self.store.latest(origin)

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        async with self._one_at_a_time:
            return await self._attest(origin)

    async def _attest(self, origin: str) -> bytes | None:
        held = self.store.latest(origin)
        if held is None:
            return None
        self._believed(origin)
        text, _ = read_note(held)
        own = f"\u2014 {origin} ".encode()
        first = next(line for line in held.splitlines(keepends=True) if line.startswith(own))
        cosigned = self._cosign(text + b"\n" + first)
        size, frontier = self.store.held(origin)
        await asyncio.to_thread(self.store.keep, origin, size, (), frontier, cosigned, {})
        return cosigned

    def _cosign(self, checkpoint: bytes) -> bytes:
        """The checkpoint with this Vault's cosignature at its present time."""
        text, _ = read_note(checkpoint)
        return checkpoint + self._cosigner.line(text, self.clock.now() // SECOND_US)

    def read(self, origin: str) -> tuple[list[bytes], bytes | None]:
        """What it shows of a log: every entry that it mirrors, and the checkpoint that it cosigned last.

        The reader verifies both (`holdgate.ledger.note`); the Vault's word alone proves nothing.
        """
        return self.store.entries(origin), self.store.latest(origin)

    # ---- what strangers may hand in and look at --------------------------------------------------------------------

    async def add_checkpoint(self, raw: bytes) -> Reply:
        """Judge a checkpoint that somebody hands in; what continues the mirror becomes pending. Nothing is cosigned.

        Raises:
            Unavailable: this Vault keeps no pending checkpoints, or its store fails.
        """
        witness = self._witness
        if witness is None:
            raise Unavailable("this Vault takes no checkpoints from strangers")
        async with self._one_at_a_time:
            return await asyncio.to_thread(witness.add_checkpoint, raw, self.clock.now() // SECOND_US)

    async def add_entries(self, raw: bytes) -> Reply:
        """Judge entries that somebody uploads; once they reach a pending checkpoint, mirror and cosign that.

        Raises:
            Unavailable: this Vault keeps no pending checkpoints, or its store fails.
        """
        uploads = self._uploads
        if uploads is None:
            raise Unavailable("this Vault takes no entries from strangers")
        whole, reply = await asyncio.to_thread(uploads.take, raw)
        if whole is not None:
            async with self._one_at_a_time:
                reply = await asyncio.to_thread(uploads.finish, whole, self.clock.now() // SECOND_US)
            for asking in self.asking:
                asking.wake(whole.origin)
        if reply is None:
            raise InvariantBroken("an upload was neither whole nor answered")
        return reply

    def _open_to_all(self, origin: str) -> bool:
        """Whether anybody may upload this log: a mirrored one that no two hosts write in turn."""
        return origin in self._logs and not self.keeper.promise(origin).term

    def _contradicted(self, origin: str, note: bytes) -> None:
        """A pending checkpoint that the mirrored entries do not lead to: kept with what was mirrored."""
        self._intact(origin)
        held = self.store.latest(origin)
        self.store.keep_evidence(origin, note, "what is mirrored does not lead to it")
        if self._accepted is not None and held is not None:
            now = self.clock.now() // SECOND_US
            self._accepted.keep_evidence(Evidence(origin=origin, held=held, seen=note, why="not_continued", at_s=now))

    def origin(self, hashed: str) -> str | None:
        """The mirrored log whose origin has this hash."""
        return self._by_hash.get(hashed)

    def shown(self, origin: str) -> bytes | None:
        """The newest checkpoint of a mirror whose cosignatures the policy calls enough; where there is none yet, the newest."""
        newest = self.store.latest(origin)
        if newest is None or self._seen is None:
            return newest
        newest = self._together(newest, self._seen.outside(origin, parse_checkpoint(newest).size))
        if self._enough(newest):
            return newest
        for size in self._seen.outside_sizes(origin):
            notes = self._seen.outside(origin, size)
            note = self._together(notes[0], notes)
            if self._enough(note):
                return note
        return newest

    def _together(self, note: bytes, others: Sequence[bytes]) -> bytes:
        """The note with the lines of others that have its very text."""
        text, _ = read_note(note)
        return merged((note, *(other for other in others if read_note(other)[0] == text)))

    def _enough(self, note: bytes) -> bool:
        return self._policy is None or self._policy.satisfied(self._policy.cosigned(note).keys())

    def contradictions(self) -> list[Evidence]:
        """Every pair of checkpoints that do not fit."""
        return [] if self._seen is None else self._seen.evidence()

    def wake(self) -> None:
        """Ask the outside witnesses about everything that is held, begin with the daily heads, decide again what was not yet."""
        if self.heads is not None:
            self.heads.start()
        if self.watch is not None:
            self.watch.wake()
        for asking in self.asking:
            for origin in self._logs:
                asking.wake(origin)

    def close(self) -> None:
        """Ask nobody any more, and release the storage."""
        if self.watch is not None:
            self.watch.stop()
        for asking in self.asking:
            asking.stop()
        if self.heads is not None:
            self.heads.stop()
        if self._seen is not None:
            self._seen.close()
        self.keeper.close()
        self.store.close()

    def link_changed(self, peer: str, up: bool) -> None:
        """The Vault waits to be spoken to."""

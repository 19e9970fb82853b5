"""The standby: the host of a site that does not write. It keeps a whole copy of the log, and decides everything again.

What the writer sends is done again on the copy's own standing and has to come out with the same bytes; then it is durable here,
and only then the writer is told. So whoever was acknowledged finds the entry here too, and this host can go on at once.

A host that wrote may hold entries at its end that nobody else held; nobody was acknowledged for them. Before the copy counts
under another writer they are set aside, in the same file, where they can be looked at.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Final, NoReturn

from typing_extensions import override

from holdgate.audit.authorities import AUTHORITIES
from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.engine.keeping import Fence, Keeper, Promise, Standing, other_host
from holdgate.engine.opening import open_log, save
from holdgate.engine.ports import CopyStore, Head
from holdgate.engine.reading import LogReader
from holdgate.engine.replicate import STRETCH, Stretches
from holdgate.engine.source import StoreHistory
from holdgate.identity.charter import Charter, SiteSeat
from holdgate.law.case import Pin
from holdgate.law.chronicle import Chronicle, Draft, blank_state
from holdgate.law.library import Library
from holdgate.law.replay import repeat
from holdgate.law.segments import Segment
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import Notary, make_vkey, open_checkpoint, parse_vkey
from holdgate.sites.policies import Copying
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable

LOOK_BACK: Final = STRETCH
"""How many entries at the copy's end are first compared with the writer's; four times as many each time it was not enough."""


class Standby(Peer):
    """A host that follows.

    Args:
        seat: of the site.
        host: this host's name on the bus.
        notary: signs the checkpoints of stretches that the other host asks for.
        charter: of the shop.
        roots: the trusted root keys.
        store: this host's copy.
        keeper: this host's promises.
        bus: this host's own line.
    """

    def __init__(
        self,
        seat: SiteSeat,
        host: str,
        notary: Notary,
        charter: Charter,
        roots: tuple[bytes, ...],
        store: CopyStore,
        keeper: Keeper,
        bus: Bus,
    ) -> None:
        self.id = seat.id
        self.kind = seat.kind
        self.host = host
        self.other = other_host(seat.id, host)
        self.store = store
        self.keeper = keeper
        self._seat = seat
        self._notary = notary
        self._bus = bus
        self._key = parse_vkey(make_vkey(seat.origin, seat.key))
        self._blank = blank_state(charter, seat.id, seat.kind)
        self._roots = roots
        self._stretches = self._reading()
        self._brought: Mapping[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()
        self._in_line = 0
        self._aligning: asyncio.Task[None] | None = None
        self.fault: HoldgateError | None = None
        self.chronicle = self._open()

    @property
    def origin(self) -> str:
        """The log that it keeps."""
        return self._seat.origin

    @property
    def size(self) -> int:
        """Entries of the copy."""
        return self.chronicle.tree.size

    @property
    def standing(self) -> Standing:
        """What this host says of the log."""
        return Standing(promise=self.keeper.promise(self.origin), size=self.size)

    def close(self) -> None:
        """Follow no more, and release the store; the standing is saved, so that the log opens at once."""
        if self._aligning is not None:
            self._aligning.cancel()
        with suppress(HoldgateError):
            if self.size == self.store.head().size:
                save(self.store, self.chronicle)
        self.store.close()

    def _reading(self) -> Stretches:
        """Cuts the copy as it stands; what was read of an end that is set aside is forgotten with the last one."""
        return Stretches(LogReader(self.store, self._notary), Copying(self.store))

    def _open(self) -> Chronicle:
        history = StoreHistory(self.store)
        chronicle = open_log(self.store, self._blank, AUTHORITIES[self.kind], history, self._roots).chronicle
        chronicle.library = Library(self._blob)
        return chronicle

    def _blob(self, key: str) -> bytes | None:
        return self._brought.get(key) or self.store.blob(key)

    # ---- what the writer says --------------------------------------------------------------------------------------

    @override
    async def renew(self, origin: str, fence: Fence, cursors: Mapping[str, int], sender: str) -> Standing:
        self._ask_for(origin, sender)
        if self.keeper.hear(origin, fence, sender):
            for peer, position in cursors.items():
                self.store.set_cursor(peer, position)
            if self._in_line != fence.term and (self._aligning is None or self._aligning.done()):
                self._aligning = asyncio.get_running_loop().create_task(self._fall_in(fence.term))
        return self.standing

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        self._ask_for(segment.origin, sender)
        async with self._one_at_a_time:
            self.keeper.admit(segment.origin, segment.term)
            if self._in_line != segment.term:
                raise Unavailable(f"{self.host} is bringing its copy into line; offer it again")
            await self._take(segment)
            return Taken(size=self.size, written=self.keeper.grown(self.origin, self.size).written)

    @override
    async def held(self, origin: str, sender: str) -> int:
        self._ask_for(origin, sender)
        if self._in_line != self.keeper.promise(origin).term:
            raise Unavailable(f"{self.host} is bringing its copy into line; ask again")
        return self.size

    @override
    async def claim(self, origin: str, term: int, sender: str) -> Standing:
        self._ask_for(origin, sender)
        async with self._one_at_a_time:  # nothing of an earlier term is still being kept when a later one is promised
            self.keeper.claim(origin, term, sender)
            return self.standing

    async def promise(self, term: int) -> Promise:
        """Promise a term to this host itself. From then on nothing of an earlier one is taken, and the copy's size stands."""
        async with self._one_at_a_time:
            return self.keeper.claim(self.origin, term, self.host)

    @override
    async def pull(self, origin: str, start: int, sender: str) -> Segment:
        self._ask_for(origin, sender)
        if start >= self.size:
            raise Unavailable(f"{self.host} holds {self.size} entries")
        return self._stretches.cut(start, min(self.size, start + STRETCH))

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        self._refuse()

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return None

    def _refuse(self) -> NoReturn:
        raise Unavailable(f"{self.host} does not write; ask {self.id}")

    def _ask_for(self, origin: str, sender: str) -> None:
        if origin != self.origin or sender != self.other:
            raise Malformed(f"{self.host} keeps {self.origin}, together with {self.other} alone")

    # ---- the copy --------------------------------------------------------------------------------------------------

    async def _fall_in(self, term: int) -> None:
        """Bring the copy into line with the writer of this term, so that it can count."""
        try:
            writer = self._bus.peer(self.host, self.other)
            async with self._one_at_a_time:
                await self.align(writer, await writer.held(self.origin, self.host))
                if self.keeper.promise(self.origin).term == term:  # else it is in line with a writer that was replaced
                    self._in_line = term
                    self.keeper.grown(self.origin, self.size)
            self.fault = None
        except HoldgateError as error:
            self.fault = error  # the writer shows itself again, and it is tried again

    async def align(self, with_whom: Peer, size: int) -> None:
        """Set aside what this copy holds beyond the part that it shares with another keeper's, which has so many entries.

        Raises:
            Unavailable: the other one does not answer.
        """
        shared, back = self.size, LOOK_BACK
        while shared:
            start = max(0, self.size - back)
            ours = self.store.leaves(start, self.size)
            theirs = await self._leaves(with_whom, start, min(size, self.size))
            shared = start + next(
                (i for i, pair in enumerate(zip_longest(ours, theirs)) if pair[0] != pair[1]), len(ours)
            )
            if shared > start or start == 0:
                break
            back *= 4
        if shared < self.size:
            frontier = extend(0, (), self.store.leaves(0, shared))
            await asyncio.to_thread(self.store.set_aside, self._head(shared, tuple(frontier)))
            self._stretches = self._reading()
            self.chronicle = self._open()

    async def _leaves(self, with_whom: Peer, start: int, stop: int) -> list[bytes]:
        """The leaf hashes [start, stop) of another keeper's copy."""
        leaves: list[bytes] = []
        while start + len(leaves) < stop:
            stretch = await with_whom.pull(self.origin, start + len(leaves), self.host)
            leaves += [leaf_hash(stretch.entries[index]) for index in range(len(stretch.leaves))]
        return leaves[: max(0, stop - start)]

    async def catch_up(self, with_whom: Peer, size: int) -> None:
        """Take what another keeper holds, up to so many entries.

        Raises:
            Unavailable: it does not answer, or an entry rests on what is not here yet. Tampered: it is no log of this site.
        """
        async with self._one_at_a_time:
            await self.align(with_whom, size)
            while self.size < size:
                await self._take(await with_whom.pull(self.origin, self.size, self.host))

    async def _take(self, segment: Segment) -> None:
        """Do every entry again, and keep them.

        Raises:
            Tampered: an entry does not come out as it stands there. Unavailable: the store failed.
        """
        if segment.start != self.size or len(segment.entries) != len(segment.leaves):
            raise Unavailable(f"the copy of {self.host} goes on at entry {self.size}, with every entry in full")
        if any(key not in (sha256(blob).hex(), leaf_hash(blob).hex()) for key, blob in segment.blobs.items()):
            raise Tampered("a document is not the one that its digest names")
        self._brought = segment.blobs
        try:
            drafts = [self._again(segment.entries[index]) for index in range(len(segment.leaves))]
            tree = self.chronicle.tree
            if segment.checkpoint:
                signed = open_checkpoint(segment.checkpoint, self._key)
                if signed.size == tree.size and signed.root != tree.root():
                    raise Tampered(f"the entries up to {tree.size} do not lead to the root that {self.id} signed")
            await asyncio.to_thread(self.store.commit, drafts, self._head(tree.size, tuple(tree.frontier())))
            for draft in drafts:
                self.chronicle.library.settle(draft.blobs)
        except BaseException:
            self.chronicle = self._open()  # the standing ran ahead of the store
            raise
        finally:
            self._brought = {}

    def _head(self, size: int, frontier: tuple[bytes, ...]) -> Head:
        checkpoint = self._notary.checkpoint(size, root_from_frontier(frontier, size))
        return Head(size=size, frontier=frontier, checkpoint=checkpoint)

    def _again(self, body: bytes) -> Draft:
        entry = read_entry(body)
        draft = repeat(self.chronicle, entry, self._roots)
        if draft.body != body:
            raise Tampered(
                f"entry {entry.seq} of {self.id} comes out as another one here: the two hosts decide differently"
            )
        return draft

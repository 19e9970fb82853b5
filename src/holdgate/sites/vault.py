"""The Vault: a C2SP witness and mirror of every site. It looks and cosigns; it has no way to write.

It takes segments, verifies that they extend what it holds and that the checkpoint is the site's own, keeps them with its
cosignature, and only then answers. A site that offers another history gets no cosignature, and the two signed
checkpoints are kept as evidence. It holds no key of a site and decides nothing: a signed action sent to it is refused.
"""

import asyncio
from collections.abc import Sequence
from typing import NoReturn, Protocol

from typing_extensions import override

from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.engine.bus import Peer, Taken
from holdgate.engine.ports import Clock
from holdgate.identity.charter import Charter, SiteSeat
from holdgate.law.case import Pin
from holdgate.law.segments import Segment
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import cosign, make_vkey, open_checkpoint, parse_vkey, read_note
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US


class MirrorStore(Protocol):
    """Keeps mirrors of other sites' logs and the Vault's cosignatures."""

    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        """Size and frontier of the mirror."""
        ...

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

    def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        """Leaf hashes [start, stop) of the mirror."""
        ...

    def entries(self, origin: str) -> list[bytes]:
        """The entries of the mirror, in order."""
        ...

    def latest(self, origin: str) -> bytes | None:
        """The last cosigned checkpoint."""
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


class Vault(Peer):
    """The witness and mirror."""

    def __init__(self, seat: SiteSeat, key: SigningKey, charter: Charter, store: MirrorStore, clock: Clock) -> None:
        self.id = seat.id
        self.kind = seat.kind
        self.store = store
        self._seat = seat
        self._key = key
        self._seats = {s.origin: s for s in charter.sites if s.kind != "vault"}
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

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
            return await self._take(segment, sender)

    async def _take(self, segment: Segment, sender: str) -> Taken:
        """Verify, then keep, then answer.

        Raises:
            Tampered: another log's, or another history than the one that is held (evidence is kept). Malformed: not whole.
        """
        seat = self._seats.get(segment.origin)
        if seat is None or seat.id != sender:
            raise Tampered(f"{segment.origin} is no log of {sender}")
        if segment.size != segment.start + len(segment.leaves) or len(segment.entries) != len(segment.leaves):
            raise Malformed("a mirror takes every entry in full")
        if any(digest(blob) != key for key, blob in segment.blobs.items()):
            raise Malformed("a document is not the one that its digest names")
        checkpoint = open_checkpoint(segment.checkpoint, parse_vkey(make_vkey(segment.origin, seat.key)))
        bodies = [segment.entries.get(index, b"") for index in range(len(segment.leaves))]
        leaves = [leaf_hash(body) for body in bodies]
        size, frontier = self.store.held(segment.origin)
        if segment.start != size:
            self._overlap(segment, leaves, size)
            raise Tampered(f"the stretch begins at {segment.start}, but {size} entries are held")
        extended = extend(size, frontier, leaves)
        if checkpoint.size != segment.size or checkpoint.root != root_from_frontier(extended, segment.size):
            self.store.keep_evidence(segment.origin, segment.checkpoint, "does not extend the mirror")
            raise Tampered(f"what {sender} offers does not lead to the root that it signed")
        cosigned = self._cosign(segment.checkpoint)
        await asyncio.to_thread(
            self.store.keep, segment.origin, segment.start, bodies, extended, cosigned, segment.blobs
        )
        return Taken(size=segment.size, cosigned=cosigned)

    def _overlap(self, segment: Segment, leaves: list[bytes], size: int) -> None:
        """A stretch that begins elsewhere: where it says something else than the mirror, its checkpoint is evidence."""
        held = self.store.leaves(segment.origin, segment.start, min(size, segment.size))
        if held != leaves[: len(held)]:
            self.store.keep_evidence(segment.origin, segment.checkpoint, "another history than the mirror's")

    @override
    async def held(self, origin: str, sender: str) -> int:
        return self.store.held(origin)[0]

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
        return checkpoint + cosign(text, self._seat.origin, self._key, self._clock.now() // SECOND_US)

    def read(self, origin: str) -> tuple[list[bytes], bytes | None]:
        """What it shows of a log: every entry that it mirrors, and the checkpoint that it cosigned last.

        The reader verifies both (`holdgate.ledger.note`); the Vault's word alone proves nothing.
        """
        return self.store.entries(origin), self.store.latest(origin)

    def link_changed(self, peer: str, up: bool) -> None:
        """The Vault waits to be spoken to."""

"""The Vault as the third keeper of logs that two hosts write in turn (`holdgate.engine.keeping`).

It promises terms and gives back what it mirrors. It still decides nothing, and has no way to write a site's log.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from typing_extensions import override

from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.bus import Peer
from holdgate.engine.keeping import Fence, Keeper, Standing, hosts_of
from holdgate.engine.replicate import STRETCH
from holdgate.identity.charter import SiteSeat
from holdgate.law.replay import read_import
from holdgate.law.segments import Segment
from holdgate.ledger.entry import Entry, read_entry
from holdgate.terms.errors import Tampered, Unavailable
from holdgate.terms.limits import SEGMENT_BYTES


class Mirrors(Protocol):
    """What is read of the Vault's store."""

    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        """Size and frontier of the mirror."""
        ...

    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """The entries of the mirror, or a stretch of them, in order."""
        ...

    def latest(self, origin: str) -> bytes | None:
        """The last cosigned checkpoint."""
        ...

    def blob(self, key: str) -> bytes | None:
        """A document that a mirrored entry pins, by its digest."""
        ...


class KeepsLogs(Peer):
    """What a Vault answers the hosts of a site. `keeper`: its promises."""

    keeper: Keeper
    _one_at_a_time: asyncio.Lock
    _mirrors: Mirrors
    _seats: dict[str, SiteSeat]

    @override
    async def claim(self, origin: str, term: int, sender: str) -> Standing:
        self._host(origin, sender)
        async with self._one_at_a_time:  # nothing of an earlier term is still being kept when a later one is promised
            self.keeper.claim(origin, term, sender)
            return self._standing(origin)

    @override
    async def renew(self, origin: str, fence: Fence, cursors: Mapping[str, int], sender: str) -> Standing:
        self._host(origin, sender)
        async with self._one_at_a_time:
            if self.keeper.hear(origin, fence, sender):
                self.keeper.grown(origin, self._mirrors.held(origin)[0])
            return self._standing(origin)

    @override
    async def pull(self, origin: str, start: int, sender: str) -> Segment:
        self._host(origin, sender)
        bodies = self._mirrors.entries(origin, start, start + STRETCH)
        if not bodies:
            raise Unavailable(f"the Vault holds {self._mirrors.held(origin)[0]} entries of {origin}")
        blobs: dict[str, bytes] = {}
        content = taken = 0
        for body in bodies:
            more = self._rests_on(read_entry(body))
            content += len(body) + sum(map(len, more.values()))
            if taken and content > SEGMENT_BYTES:
                break
            blobs |= more
            taken += 1
        return Segment(
            origin=origin,
            start=start,
            size=start + taken,
            checkpoint=self._mirrors.latest(origin) or b"",
            leaves=tuple(leaf_hash(body) for body in bodies[:taken]),
            entries=dict(enumerate(bodies[:taken])),
            blobs=blobs,
        )

    def _host(self, origin: str, sender: str) -> None:
        """Only the hosts of the log's site are spoken to.

        Raises:
            Tampered: somebody else asks.
        """
        seat = self._seats.get(origin)
        if seat is None or sender not in hosts_of(seat.id):
            raise Tampered(f"{sender} is no host of the site of {origin}")

    def _standing(self, origin: str) -> Standing:
        return Standing(promise=self.keeper.promise(origin), size=self._mirrors.held(origin)[0])

    def _rests_on(self, entry: Entry) -> dict[str, bytes]:
        """The documents that an entry pins, and the entries of other logs that it takes in, with theirs.

        Raises:
            Unavailable: the Vault does not hold all of it yet.
        """
        record = read_import(entry)
        if record is None:
            return {key: self._blob(key) for key in entry.pins}
        foreign = self._mirrors.entries(record.origin, record.start, record.size)
        if record.held and len(foreign) <= max(record.held):
            raise Unavailable(f"entry {entry.seq} rests on {record.origin}, of which the Vault holds less; ask again")
        bodies = [foreign[index] for index in record.held]
        pins = [key for body in bodies for key in read_entry(body).pins]
        return {leaf_hash(body).hex(): body for body in bodies} | {key: self._blob(key) for key in pins}

    def _blob(self, key: str) -> bytes:
        found = self._mirrors.blob(key)
        if found is None:
            raise Unavailable(f"the Vault does not hold the document {key[:12]}… yet; ask again")
        return found

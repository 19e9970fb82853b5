"""replicate: what other sites learn. The ledger is the outbox: what lies past a peer's cursor is still to be delivered.

One link per peer. It walks the durable entries in order. For each stretch it sends a segment (all leaf hashes, the
disclosed entries in full) under a checkpoint of exactly that size, and then the signed actions that these entries set off
at the peer. The next segment is offered while the peer looks at the one before; whatever is answered otherwise than expected,
the link forgets what is under way and goes on from what the peer says it holds. Deliveries are idempotent: segments by
position, actions by payload digest. A peer that is out of reach costs nothing but time; the link goes on where it stopped.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from holdgate.engine import buggify
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.engine.ports import Store
from holdgate.engine.reading import LogReader, Read
from holdgate.law.case import Pin
from holdgate.law.event import AnyEvent
from holdgate.law.segments import Segment
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import IMPORT_ENTRIES_MAX, PASSED_MAX, SEGMENT_BYTES

STRETCH: int = IMPORT_ENTRIES_MAX // 4
"""Entries of one segment in full. Up to IMPORT_ENTRIES_MAX more go with them as their leaf hashes alone."""
RETRY_S: float = 1.0
"""How long a link rests after a peer within reach did not answer."""
RETRIES: int = 3
"""How often an action that the peer refused for now is sent anew within one round."""
UNDER_WAY: int = 4
"""Turns of the event loop after which what was handed to the bus has left, or is being looked at."""


class Durable(Protocol):
    """Knows how far the own log is durable."""

    @property
    def size(self) -> int:
        """Durable entries."""
        ...


class Outgoing(NamedTuple):
    """A signed action for a peer, and what goes beside it."""

    raw: bytes
    pins: tuple[Pin, ...]


class Policy(Protocol):
    """What one site tells one peer; a pure function of the entry."""

    segments: bool
    """Whether the peer takes this log's segments at all."""

    def concerns(self, events: Iterable[AnyEvent]) -> bool:
        """Whether an entry with these events can be disclosed to the peer, or set off an action there."""
        ...

    def discloses(self, read: Read) -> bool:
        """Whether the peer may see this entry in full."""
        ...

    def beside(self, read: Read) -> Sequence[str]:
        """The keys of what goes along with an entry that the peer may see."""
        return read.entry.pins

    def outgoing(self, read: Read, round_number: int) -> Sequence[Outgoing]:
        """The actions that this entry sets off at the peer. Sent anew, a round has another nonce."""
        ...

    def try_again(self, answer: Answer) -> bool:
        """Whether a refused action should be sent anew later."""
        ...


class Owner(Protocol):
    """The site that a link belongs to."""

    async def taken(self, peer: str, taken: Taken) -> None:
        """The peer holds this log so far."""
        ...

    async def refused(self, peer: str, error: Tampered) -> bool:
        """The peer says that this log does not hold together, or holds more of it than there is. Whether that was looked into."""
        ...

    def undeliverable(self, peer: str, seq: int, error: Malformed) -> None:
        """An action that an entry set off cannot be read by the peer, now or ever."""
        ...


class Stretches:
    """Cuts a log into segments for one reader.

    Args:
        log: the log; its notary signs the checkpoint of every segment.
        policy: says what the reader may see.
        term: the writer's, where two hosts keep the log.
    """

    def __init__(self, log: LogReader, policy: Policy, term: int = 0) -> None:
        self._log = log
        self._policy = policy
        self._term = term

    def cut(self, start: int, stop: int) -> Segment:
        """The stretch from `start` up to `stop`, or as far as STRETCH entries in full and SEGMENT_BYTES of content go.

        Raises:
            InvariantBroken: something that an entry pins is gone from the store.
            Unavailable: the store does not show all of it.
        """
        entries: dict[int, bytes] = {}
        blobs: dict[str, bytes] = {}
        leaves: list[bytes] = []
        content = 0
        for index, read in enumerate(self._log.reads(start, stop)):
            if len(entries) == STRETCH:
                break
            if leaves and buggify.on and buggify.unlucky("replicate: a shorter stretch"):
                break
            body = read.row.body
            if self._policy.discloses(read):
                more = {key: self._pinned(key) for key in self._policy.beside(read) if key not in blobs}
                content += len(body) + sum(map(len, more.values()))
                if entries and content > SEGMENT_BYTES:
                    break
                entries[index] = body
                blobs |= more
            leaves.append(read.row.leaf)
        size = start + len(leaves)
        return Segment(
            origin=self._log.notary.origin,
            start=start,
            size=size,
            checkpoint=self._log.checkpoint(size),
            leaves=tuple(leaves),
            entries=entries,
            blobs=blobs,
            term=self._term,
        )

    def _pinned(self, key: str) -> bytes:
        blob = self._log.blob(key)
        if blob is None:
            raise InvariantBroken(
                f"what an entry pins as {key[:12]}… is gone from the store; ask the Vault for its copy"
            )
        return blob


class _Flight(NamedTuple):
    """A segment that was offered, and the peer's answer to come."""

    segment: Segment
    answer: "asyncio.Task[Taken]"

    @property
    def light(self) -> bool:
        """Whether another one may travel beside it: one entry alone may bring documents for more than the wire carries twice."""
        segment = self.segment
        return sum(map(len, (*segment.entries.values(), *segment.blobs.values()))) <= SEGMENT_BYTES


class Link:
    """One site's way to one peer. `log`: shared by all its links. `term`: the site's own, where two hosts keep its log."""

    def __init__(
        self,
        site: str,
        peer: str,
        bus: Bus,
        store: Store,
        durable: Durable,
        log: LogReader,
        policy: Policy,
        owner: Owner,
        term: int = 0,
    ) -> None:
        self.peer = peer
        self._site = site
        self._bus = bus
        self._store = store
        self._durable = durable
        self._log = log
        self._policy = policy
        self._owner = owner
        position = store.cursor(peer)
        self._position = self._saved = position if position <= durable.size else 0
        self._retry: asyncio.TimerHandle | None = None
        self._stretches = Stretches(log, policy, term)
        self._ahead: _Flight | None = None
        self._quiet_to = 0
        self._sent_to: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = self._stopped = False
        self._tries = 0
        self._unreachable = Unavailable(f"{peer} is out of reach")
        self.fault: HoldgateError | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is being sent (everything was, or the peer is out of reach)."""
        return self._task is None

    @property
    def up(self) -> bool:
        """Whether the peer is within reach."""
        return self._bus.linked(self._site, self.peer)

    @property
    def position(self) -> int:
        """How far the peer has confirmed this log."""
        return self._position

    @property
    def backlog(self) -> int:
        """Durable entries that the peer has not confirmed."""
        return self._durable.size - self._position

    def stop(self) -> None:
        """Send nothing more, and keep how far it went."""
        self._stopped = True
        if self._position != self._saved:
            with suppress(HoldgateError):  # a hint that is not kept costs the next start some reading
                self._save()
        if self._retry is not None:
            self._retry.cancel()
        if self._task is not None:
            self._task.cancel()

    def wake(self) -> None:
        """There may be something to send."""
        if self._stopped:
            return
        if not self._bus.linked(self._site, self.peer):
            self.fault = self._unreachable
            return
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        else:
            self._again = True

    def passes_over(self, first: int, size: int, events: Sequence[AnyEvent]) -> bool:
        """Whether entries [first, size) with these events are nothing to the peer; then they lie behind this link.

        A site with very many links looks at its new entries once for each, and reads none of them again. A link that is on its
        way, behind or out of reach passes over nothing: it reads the entries when it comes to them.
        """
        if self._task is not None or self._position != first or self._policy.concerns(events):
            return False
        if self._quiet_to == first:
            self._quiet_to = size
        self._position = size
        if size - self._saved >= PASSED_MAX:
            with suppress(HoldgateError):  # a hint that is not kept costs the next start some reading
                self._save()
        return True

    def _save(self) -> None:
        if buggify.on and buggify.unlucky("replicate: the cursor is not kept"):
            return
        self._store.set_cursor(self.peer, self._position)
        self._saved = self._position

    async def _run(self) -> None:
        try:
            while True:
                self._again = False
                await self._round()
                if not self._again:
                    return
        except HoldgateError as error:
            self.fault, self._sent_to = error, None
            if not isinstance(error, Tampered) or not await self._owner.refused(self.peer, error):
                self._try_later()
        except Exception as error:  # noqa: BLE001  # a defect is shown as this link's fault, it does not end the link unseen
            self.fault, self._sent_to = InvariantBroken(f"the link to {self.peer} failed: {error!r}"), None
            self._try_later()
        finally:
            self._drop_ahead()
            self._task = None

    def _try_later(self) -> None:
        if self._bus.linked(self._site, self.peer) and not self._stopped:
            rest = 30 * RETRY_S if buggify.on and buggify.unlucky("replicate: a long rest") else RETRY_S
            self._retry = asyncio.get_running_loop().call_later(rest, self.wake)

    async def _round(self) -> None:
        """Send everything up to the durable end."""
        while self._position < self._durable.size:
            if not self._bus.linked(self._site, self.peer):
                raise self._unreachable
            few = buggify.on and buggify.unlucky("replicate: one entry at a time")
            stop = min(self._durable.size, self._position + (1 if few else STRETCH))
            reads = self._log.reads(self._position, stop)
            if len(reads) != stop - self._position:
                raise Unavailable("the store does not show all durable entries yet")
            if self._policy.segments:
                await self._segments(stop)
            told = False
            for read in reads:
                told = await self._actions(read) or told
            self._position = stop
            if told or stop - self._saved >= STRETCH:  # how far segments went, the peer itself says
                self._save()
        self.fault = None

    # ---- segments --------------------------------------------------------------------------------------------------

    async def _segments(self, stop: int) -> None:
        peer = self._bus.peer(self._site, self.peer)
        if self._sent_to is None or (buggify.on and buggify.unlucky("replicate: ask once more what is held")):
            self._quiet_to = 0
            self._sent_to = await peer.held(self._log.notary.origin, self._site)
            if self._sent_to > self._durable.size:
                raise Tampered(f"{self.peer} holds {self._sent_to} entries of this log, which has {self._durable.size}")
            if self._sent_to:
                await self._owner.taken(self.peer, Taken(size=self._sent_to))
        while self._sent_to < stop:
            if not self._shows(self._sent_to, stop):
                # Nothing that the peer may see: it learns these leaves with the next entry that it may. Sent by themselves,
                # they would be taken in, which is an entry there, which is taken in here: with many peers without end.
                return
            flight, self._ahead = self._ahead, None
            if flight is None:
                last = min(stop, self._sent_to + IMPORT_ENTRIES_MAX)
                flight = self._offered(peer, self._stretches.cut(self._sent_to, last))
            try:
                taken = await self._answered(peer, flight)
            except Tampered as error:
                await self._come_late(peer, flight, error)
                raise
            self._sent_to = taken.size
            if taken.size != flight.segment.size:
                self._quiet_to = 0
                self._drop_ahead()
            await self._owner.taken(self.peer, taken)

    async def _come_late(self, peer: Peer, flight: _Flight, error: Tampered) -> None:
        """An offer that was given up may have been taken in after all, since the peer said what it held; then this one is refused.

        Raises:
            Unavailable: so it was. What the peer holds by now is held against this log in the next round.
        """
        if await peer.held(self._log.notary.origin, self._site) > flight.segment.start:
            raise Unavailable(f"{self.peer} took in meanwhile what was offered before") from error

    def _offered(self, peer: Peer, segment: Segment) -> _Flight:
        answer = asyncio.get_running_loop().create_task(peer.offer(segment, self._site))
        answer.add_done_callback(_overlooked)
        return _Flight(segment, answer)

    async def _answered(self, peer: Peer, flight: _Flight) -> Taken:
        """The answer to a segment. While the peer looks at it, the one after it is offered too, where a whole one is due."""
        try:
            start, stop = flight.segment.size, flight.segment.size + STRETCH
            if buggify.on and buggify.unlucky("replicate: one entry ahead"):
                stop = start + 1
            if stop <= self._durable.size and flight.light:
                for _ in range(UNDER_WAY):
                    await asyncio.sleep(0)
                with suppress(HoldgateError):  # what cannot be cut now is cut, and told of, when its turn comes
                    self._offer_ahead(peer, start, stop)
            return await flight.answer
        finally:
            flight.answer.cancel()

    def _offer_ahead(self, peer: Peer, start: int, stop: int) -> None:
        if self._shows(start, stop):
            self._ahead = self._offered(peer, self._stretches.cut(start, stop))

    def _drop_ahead(self) -> None:
        """Forget what was offered ahead. The peer may take it in all the same; then it says so when it is asked."""
        if self._ahead is not None:
            self._ahead.answer.cancel()
            self._ahead = None

    def _shows(self, start: int, stop: int) -> bool:
        """Whether the peer may see any of these entries; those that were looked at before are not read again."""
        for read in self._log.reads(max(start, self._quiet_to), stop):
            if self._policy.discloses(read):
                self._quiet_to = read.row.seq
                return True
        self._quiet_to = max(stop, self._quiet_to)
        return False

    def next_segment(self, start: int) -> Segment:
        """The stretch from `start` to the durable end, for a courier (at most STRETCH entries)."""
        return self._stretches.cut(start, min(self._durable.size, start + STRETCH))

    # ---- actions ---------------------------------------------------------------------------------------------------

    async def _actions(self, read: Read) -> bool:
        """Send what an entry sets off; whether it set anything off."""
        told = False
        peer = self._bus.peer(self._site, self.peer)
        for number in range(self._tries, self._tries + RETRIES):
            refused = False
            for outgoing in self._policy.outgoing(read, number):
                told = True
                try:
                    answer = await peer.deliver(outgoing.raw, outgoing.pins, self._site)
                    if buggify.on and buggify.unlucky("replicate: an answer is overheard"):
                        raise Unavailable(f"{self.peer} did not answer")
                except Malformed as error:
                    self._owner.undeliverable(self.peer, read.row.seq, error)
                    continue
                refused = refused or self._policy.try_again(answer)
            if not refused:
                self._tries = 0
                return told
            self._tries = number + 1
            await asyncio.sleep(0)
        raise Unavailable(f"{self.peer} cannot take entry {read.row.seq} yet")


def _overlooked(answer: "asyncio.Task[Taken]") -> None:
    """The answer to a segment that was dropped is nobody's any more, an error among them."""
    if not answer.cancelled():
        answer.exception()

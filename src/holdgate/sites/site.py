"""A deciding site: chronicle, appender, spine and links around one store, as one object on the bus.

Opening (foundations: alone, restart, restore): the log is brought to its durable end; with a witness in reach its last
cosigned checkpoint must be a prefix of that log, or the site refuses to go on under this origin; then a boot entry with
a fresh epoch is recorded.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace
from typing_extensions import override

from holdgate.audit.authorities import AUTHORITIES
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import SealingKey, open_sealed
from holdgate.engine.answer import REPLICATED, Answer, Sealed
from holdgate.engine.bus import Bus, Peer, Taken, no_lockers
from holdgate.engine.opening import open_log, save
from holdgate.engine.ports import Entropy, Store
from holdgate.engine.reading import LogReader
from holdgate.engine.replicate import Link, Policy
from holdgate.engine.steady import SteadyClock
from holdgate.engine.submit import Spine
from holdgate.engine.telling import TargetStatus
from holdgate.engine.tenure import Tenure
from holdgate.identity.charter import SiteSeat, open_charter, seat_of
from holdgate.law.case import Pin
from holdgate.law.chronicle import (
    Attempt,
    BootRecord,
    Chronicle,
    ContactRecord,
    CosignedRecord,
    blank_state,
)
from holdgate.law.segments import Segment
from holdgate.ledger.entry import read_entry
from holdgate.ledger.note import Notary
from holdgate.sites.intake import Intake
from holdgate.sites.permits import answer_of, read_wish, refusal_of
from holdgate.sites.policies import SEALED_INFO, Copying, Sender
from holdgate.sites.reconcile import Reconciler
from holdgate.sites.recorded import Recorded, overlooked
from holdgate.sites.timers import Timekeeper
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.limits import ATTEMPT_WHY_CHARS_MAX, BLOB_BYTES_MAX, PINS_MAX

_RELIES_ON: Final = (("business_hub", "vault"), ("floor_hub", "business_hub"), ("floor_hub", "vault"))
"""Kind of site, and kind of peer that it also keeps contact with."""


class Writing(NamedTuple):
    """Where two hosts keep the log: this host's tenure, its own line, its name there and the other host's."""

    tenure: Tenure
    bus: Bus
    host: str
    other: str


class Means(NamedTuple):
    """What a site is given: its keys, store, clock, entropy and bus; the founding charter and the roots it trusts.

    `writing`: this host writes the log of a site that two hosts keep.
    """

    seat: SiteSeat
    key: SigningKey
    sealing: SealingKey | None
    store: Store
    clock: SteadyClock
    entropy: Entropy
    bus: Bus
    charter: bytes
    roots: tuple[bytes, ...]
    writing: Writing | None = None


class Site(Recorded, Peer):
    """A business hub, floor hub or node.

    Args:
        means: what it is given.
        policies: says what it tells each peer.
        timers: a business hub submits what comes due by itself.
    """

    def __init__(self, means: Means, policies: "Callable[[Site], dict[str, Policy]]", *, timers: bool = False) -> None:
        self.means = means
        self._store = means.store
        self.id = means.seat.id
        self.kind = means.seat.kind
        charter = open_charter(means.charter, means.roots)
        opened = open_log(
            means.store, blank_state(charter, self.id, self.kind), AUTHORITIES[self.kind], self, means.roots
        )
        self.chronicle: Chronicle = opened.chronicle
        self.tail = opened.tail
        self.notary = Notary(means.seat.origin, means.key)
        tree = opened.chronicle.tree
        self.log = LogReader(means.store, self.notary, (tree.size, tree.frontier()))
        self._tenure = None if means.writing is None else means.writing.tenure
        self.spine = Spine(self.chronicle, means.store, means.clock, self.notary, self._sealed, self._tenure)
        self._live = self.spine
        self._intake = Intake(self.spine, self.chronicle, means.clock)
        self._charter = charter
        self._vaults = {seat.id: seat for seat in charter.sites if seat.kind == "vault"}
        self._policies = policies
        self._takers: list[str] = []
        self.links: dict[str, Link] = {}
        self._seats, self._left = tuple[SiteSeat, ...](), tuple[str, ...]()
        self._link_all()
        self._others = Reconciler(
            means.seat, self._vaults, self._takers, means.bus, means.store, lambda: self.spine.size, means.clock
        )
        if means.writing is not None:
            self._share(means.writing)
        self._reconciled = self._unwitnessed = self._started = False
        self._replicated = 0
        self._newest: tuple[int, CosignedRecord | None] = (0, None)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.watchers: list[Callable[[Sealed], None]] = []
        """Told of every group of entries once it is durable, on the event loop; they raise nothing."""
        self.targets: Callable[[], tuple[TargetStatus, ...]] = tuple  # who is told outside: a notifier says
        self.lockers: Callable[[str, str], bytes | None] = no_lockers  # sealed keys of badges, from the front desk
        self.timekeeper = self._timekeeper() if timers and self.kind == "business_hub" else None

    def _link_all(self) -> list[SiteSeat]:
        """Links to everybody whom this site tells something, as the shop is now; links that go on are not touched.

        Returns:
            The seats that are new to this site.

        Raises:
            Tampered: the shop knows this site under another log or key than its own.
        """
        state, known = self.chronicle.state, self._seats
        self._seats, self._left = state.charter.sites, tuple(state.retired)
        own, mine = seat_of(state.charter, self.id) or self.means.seat, self.means.seat
        if (own.kind, own.origin, own.key) != (mine.kind, mine.origin, mine.key):
            raise Tampered(f"the shop knows {self.id} by another log or key than those that are kept here")
        told = self._policies(self)
        other = None if self.means.writing is None else self.means.writing.other
        for gone in [peer for peer in self.links if peer not in told and peer != other]:
            self.links.pop(gone).stop()
        for peer, policy in told.items():
            if peer not in self.links:
                self.links[peer] = self._link(peer, policy)
        others = (*self._vaults, *state.retired)
        self._takers[:] = [peer for peer, policy in told.items() if policy.segments and peer not in others]
        return [seat for seat in self._seats if seat not in known and seat.id != self.id]

    def _keep_up(self) -> None:
        """A site joined, or left: links to it are made, or stopped."""
        state = self.chronicle.state
        if not self._started or (state.charter.sites is self._seats and len(state.retired) == len(self._left)):
            return
        try:
            new = self._link_all()
        except Tampered as error:
            self.spine.stop_for(error)
            return
        self._greet(new)
        for link in self.links.values():
            link.wake()

    def _greet(self, seats: Sequence[SiteSeat]) -> None:
        """Listen to these sites, as far as they are any matter here; who is there already is noted. Nodes tell nodes nothing."""
        for seat in seats:
            if seat.id != self.id and (self.kind, seat.kind) != ("node", "node"):
                self.means.bus.admit(seat.id)
                if self.means.bus.linked(self.id, seat.id):
                    self.link_changed(seat.id, up=True)

    def _link(self, peer: str, policy: Policy) -> Link:
        """The link to a peer. A Vault that keeps this log with two hosts gets entries before anybody is acknowledged."""
        means, tenure = self.means, self._tenure
        durable, term = (
            (self.spine, 0) if tenure is None or peer not in self._vaults else (self.spine.written, tenure.term)
        )
        return Link(self.id, peer, means.bus, means.store, durable, self.log, policy, self, term)

    def _share(self, writing: Writing) -> None:
        """The other host gets everything; it and the Vaults are woken before an entry is acknowledged."""
        copy, tenure, other = Copying(self.means.store), writing.tenure, writing.other
        store, written = self.means.store, self.spine.written
        self.links[other] = Link(writing.host, other, writing.bus, store, written, self.log, copy, self, tenure.term)
        tenure.wakes = tuple(self.links[peer].wake for peer in (other, *self._vaults))

    def _timekeeper(self) -> Timekeeper:
        means = self.means
        return Timekeeper(
            self.chronicle.state,
            means.clock,
            Sender(means.seat, means.key),
            self.submit,
            self.refresh_witness,
            lambda: self._reconciled,
        )

    # ---- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Reconcile, and record the start. Call once, on the event loop, before anything else.

        Raises:
            Tampered: the log rolled back or forked against what a witness cosigned; nothing was written.
        """
        try:
            self._reconciled = await self._reconcile()
        except Tampered as error:
            self.spine.stop_for(error)  # it is on the bus already: peers may ask it, but nothing is appended any more
            raise
        if self.chronicle.tree.size == 0:
            now, epoch = self.means.clock.now(), self.means.entropy.token()
            await self.spine.record(partial(self.chronicle.genesis, self._charter, self.means.charter, now, epoch))
        await self._note(BootRecord(epoch=self.means.entropy.token(), reconciled=self._reconciled))
        self._started = True
        self._greet(self.chronicle.state.charter.sites)
        for link in self.links.values():
            link.wake()
        if self.timekeeper is not None:
            self.timekeeper.start()

    async def _reconcile(self) -> bool:
        """Whether this log is not behind, or beside, what others hold of it, as far as they are within reach.

        Raises:
            Tampered: it is; a checkpoint that this site's own key signed proves it.
        """
        found = await self._others.look()
        self._confirm(found.covered)
        return found.confirmed

    @property
    def cosigned(self) -> tuple[int, int]:
        """How many entries a Vault's newest cosignature since the start covers, and its time (UTC µs)."""
        return self._others.cosigned

    def stop(self) -> None:
        """Release threads and storage, with a snapshot if everything is durable."""
        if self.timekeeper is not None:
            self.timekeeper.stop()
        for link in self.links.values():
            link.stop()
        self.spine.close()
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(Unavailable("the site was closed before a Vault held this; ask again"))
        if self.spine.whole:
            self.means.store.save_checkpoint(self.spine.checkpoint)
            save(self.means.store, self.chronicle)
        self.means.store.close()

    @property
    def reconciled(self) -> bool:
        """Whether a Vault confirmed this log since the start."""
        return self._reconciled

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way here or from here."""
        keeper, links = self.timekeeper, self.links.values()
        return self.spine.idle and all(link.idle for link in links) and (keeper is None or keeper.idle)

    # ---- what others ask of it -------------------------------------------------------------------------------------

    def submit(self, raw: bytes, pins: Sequence[Pin] = (), source: str = "local") -> "asyncio.Future[Answer]":
        """Submit a signed action; documents that come beside it are checked against their digests.

        Raises:
            Malformed: a document is not the one that its digest names, or they are too many or too large.
        """
        if len(pins) > PINS_MAX or any(len(pin.content) > BLOB_BYTES_MAX for pin in pins):
            raise Malformed(f"at most {PINS_MAX} documents of {BLOB_BYTES_MAX} bytes go beside an action")
        opened = tuple(self._open(pin) for pin in pins)
        return self.spine.submit(raw, opened, source)

    async def submit_replicated(self, raw: bytes, pins: Sequence[Pin] = (), source: str = "local") -> Answer:
        """Submit a signed action and wait until a Vault holds its entry too.

        Returns:
            The answer, kept `replicated`: the Vault's mirror covers the entry.
        """
        answer = await self.submit(raw, pins, source)
        if (
            answer.seq < 0 or answer.kept == REPLICATED
        ):  # an attempt that is only counted so far: no entry that a Vault could hold
            return answer
        if answer.seq >= self._replicated:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((answer.seq, waiter))
            await waiter
        return replace(answer, kept=REPLICATED)

    async def answer_module(self, raw: bytes, source: str = "local") -> bytes:
        """Decide a module's signed wish (`module.may`, `module.act`) and answer it in the site's signed word.

        Args:
            raw: the envelope; untrusted.
            source: where it came from, in the transport's words.

        Returns:
            A permit, a record of the deed, or a refusal (`holdgate.gate.permit`), once its entry is durable.

        Raises:
            Malformed: it cannot be read (which is on record), or it is another act than a module's (which is not handed in).
        """
        wish = read_wish(raw)
        answer = await self.submit(raw, source=source)
        if wish is None:
            raise Malformed("the wish cannot be read")
        row = next(iter(self.means.store.rows(answer.seq, answer.seq + 1)), None) if answer.seq >= 0 else None
        if row is None or read_entry(row.body).kind != "action":  # nobody's wish: it could not be authenticated
            return refusal_of(wish, self.id, answer.decision, self.means.clock.now(), self.means.key)
        return answer_of(row, self.means.key)

    def _open(self, pin: Pin) -> Pin:
        """What came beside an action, in clear where it was sealed to this site."""
        if digest(pin.content) != pin.sha256:
            raise Malformed(f"the document {pin.sha256[:12]}… is not the one that its digest names")
        if self.means.sealing is None or self.kind != "node":
            return pin
        try:
            content = open_sealed(self.means.sealing, pin.content, SEALED_INFO, self.id.encode())
        except HoldgateError:
            return pin
        return Pin(sha256=digest(content), content=content)

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        self._ready()
        return await self.submit(raw, pins, source=sender)

    def _ready(self) -> None:
        """Nothing comes before the entry of the start: a site may be on the bus before that.

        Raises:
            Unavailable: it has not started yet.
        """
        if not self._started:
            raise Unavailable(f"{self.id} is starting; ask again")

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        self._ready()
        return await self._intake.take(segment, sender)

    @override
    async def held(self, origin: str, sender: str) -> int:
        await self._intake.passed(sender)
        known = self.chronicle.state.origins.get(origin)
        return 0 if known is None else known.size

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        known = self.chronicle.state.origins.get(origin)
        return None if known is None else known.checkpoint

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return None

    @override
    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        self._ready()
        return self.lockers(smart_id, sender)

    # ---- what it notices -------------------------------------------------------------------------------------------

    def link_changed(self, peer: str, up: bool) -> None:
        """The transport says that a link came up or went down. Who keeps contact with that peer puts it on record."""
        if not self._started:
            return  # the start looks at every link itself
        if self._keeps_contact(peer):
            self.spine.settle()
            contact = self.chronicle.state.contacts.get(peer)
            if (contact.up != up) if contact is not None else self._notes_first(up):
                with suppress(HoldgateError):  # a stopped site notes nothing, and says so to everybody who asks
                    self._note(ContactRecord(site=peer, up=up))
        if up and peer in self.links:
            self.links[peer].wake()

    def _keeps_contact(self, peer: str) -> bool:
        """Hub and node count how long they are apart; the hub's timers need to know when no Vault told it the time.

        The floor hub's figures tell how long it worked without the hub or a Vault.
        """
        seat = seat_of(self.chronicle.state.charter, peer)
        other = "" if seat is None or peer in self.chronicle.state.retired else seat.kind
        return {self.kind, other} == {"business_hub", "node"} or (self.kind, other) in _RELIES_ON

    def _notes_first(self, up: bool) -> bool:
        """Whether the first word of a link goes on record. A floor hub notes a link from its first loss on."""
        return self.kind != "floor_hub" or not up

    def _sealed(self, sealed: Sealed) -> None:
        for draft in sealed.drafts:
            if draft.blobs:
                self.chronicle.library.settle(draft.blobs)
            own = draft.subject == "boot" or draft.subject.startswith(("witness:", "site:"))
            self._unwitnessed = self._unwitnessed or not own
        self._keep_up()
        events = [event for draft in sealed.drafts for event in draft.decision.events]
        for link in self.links.values():
            if not link.passes_over(sealed.first, sealed.size, events):
                link.wake()
        for told in self.watchers:
            told(sealed)
        with suppress(HoldgateError):  # a stopped site notes nothing, and says so to everybody who asks
            self._note_newest()

    async def taken(self, peer: str, taken: Taken) -> None:
        """A peer holds this log so far. A witness's cosignature goes on record if it covers anything new."""
        if self._tenure is not None:
            self._tenure.took(peer, taken)
        if peer not in self._vaults:
            return
        await self._others.ask_the_time()
        if taken.cosigned is None:  # a size alone proves nothing: what the Vault holds has to be this log
            try:
                await self._reconcile()
            except Tampered as proof:
                if taken.size >= self.spine.size:  # else the Vault refuses what comes next, and keeps it
                    self.spine.stop_for(proof)
            return
        self._confirm(self._others.proven(taken.cosigned, self._vaults[peer]).size)
        self.means.store.save_cosignature(peer, taken.cosigned)
        if not self._reconciled:
            self._reconciled = True
            self._notice(BootRecord(epoch=self.chronicle.standing.epoch, reconciled=True, again=True))
        self._newest = (taken.size, CosignedRecord(witness=peer, note=taken.cosigned))
        self._note_newest()

    def _note_newest(self) -> None:
        """Put the newest cosignature on record, if it covers all that is acknowledged, and something that none covered."""
        size, record = self._newest
        if record is not None and size >= self.spine.size and self._unwitnessed:
            self._unwitnessed = False
            self._notice(record)

    def _notice(self, record: BootRecord | CosignedRecord) -> None:
        """Note something and wait for nobody: a Vault that keeps this log with two hosts may have to take the entry first."""
        self._note(record)
        self._look()

    def _confirm(self, size: int) -> None:
        """Tell those who wait for a replicated answer."""
        self._replicated = max(self._replicated, size)
        for seq, waiter in self._waiting:
            if seq < self._replicated and not waiter.done():
                waiter.set_result(None)
        self._waiting = [(seq, waiter) for seq, waiter in self._waiting if seq >= self._replicated]

    async def refused(self, peer: str, error: Tampered) -> bool:
        """A peer refused what this log says; a witness that proves a rollback or a fork stops the site. False: nobody answered."""
        if peer not in self._vaults:
            return True
        try:
            return await self._reconcile()
        except Tampered as proof:
            self.spine.stop_for(proof)
            return True

    def undeliverable(self, peer: str, seq: int, error: Malformed) -> None:
        """An action that an entry set off can never be read by its peer: that goes on record, and the link goes on."""
        why = f"entry {seq} set off an action that {peer} cannot read: {error}"
        self.spine.record_attempt(Attempt(code="MALFORMED", why=why[:ATTEMPT_WHY_CHARS_MAX], source=peer))

    async def refresh_witness(self) -> None:
        """Ask the Vault to cosign this log's present checkpoint again, for its time; record what it says."""
        for vault in self._vaults:
            note = await self.means.bus.peer(self.id, vault).attest(self.notary.origin, self.id)
            if note is not None:
                await self.witnessed(vault, note)

    async def witnessed(self, vault: str, note: bytes) -> None:
        """Put a cosignature on record.

        Raises:
            Tampered: it is not the Vault's, or not of this log.
        """
        await self._note(CosignedRecord(witness=vault, note=note))
        self._look()

    def _look(self) -> None:
        """The time may have come for something."""
        if self.timekeeper is not None:
            self.timekeeper.wake()

    def _note(self, record: BootRecord | ContactRecord | CosignedRecord) -> "asyncio.Future[Answer]":
        """Put on record what this site notices about itself. Who does not wait for it need not look at what became of it."""
        noted = self.spine.record(partial(self.chronicle.note, record, self.means.clock.now()))
        noted.add_done_callback(overlooked)
        return noted

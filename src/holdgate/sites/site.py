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
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import SealingKey, open_sealed
from holdgate.engine.answer import REPLICATED, Answer, Sealed
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.engine.opening import open_log, save
from holdgate.engine.ports import Clock, Entropy, Store
from holdgate.engine.replicate import Link, Policy
from holdgate.engine.submit import Spine
from holdgate.identity.charter import SiteSeat, open_charter
from holdgate.law.case import Pin
from holdgate.law.chronicle import (
    Attempt,
    BootRecord,
    Chronicle,
    ContactRecord,
    CosignedRecord,
    blank_state,
)
from holdgate.law.command import parse_command
from holdgate.law.segments import Segment
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import (
    KIND_COSIGNATURE,
    Checkpoint,
    Notary,
    make_vkey,
    open_checkpoint,
    parse_vkey,
    verify_cosignature,
)
from holdgate.sites.permits import ModuleWish, answer_of, refusal_of
from holdgate.sites.policies import SEALED_INFO, Sender
from holdgate.sites.timers import Timekeeper
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import BLOB_BYTES_MAX, PINS_MAX

_RELIES_ON: Final = (("business_hub", "vault"), ("floor_hub", "business_hub"), ("floor_hub", "vault"))
"""Kind of site, and kind of peer that it also keeps contact with."""


class Means(NamedTuple):
    """What a site is given: its keys, store, clock, entropy and bus; the founding charter and the roots it trusts."""

    seat: SiteSeat
    key: SigningKey
    sealing: SealingKey | None
    store: Store
    clock: Clock
    entropy: Entropy
    bus: Bus
    charter: bytes
    roots: tuple[bytes, ...]


class Site(Peer):
    """A business hub, floor hub or node.

    `cosigned`: how many entries a Vault's newest cosignature since the start covers, and its time (UTC µs).

    Args:
        means: what it is given.
        policies: says what it tells each peer.
        timers: a business hub submits what comes due by itself.
    """

    def __init__(self, means: Means, policies: "Callable[[Site], dict[str, Policy]]", *, timers: bool = False) -> None:
        self.means = means
        self.id = means.seat.id
        self.kind = means.seat.kind
        charter = open_charter(means.charter, means.roots)
        opened = open_log(
            means.store, blank_state(charter, self.id, self.kind), AUTHORITIES[self.kind], self, means.roots
        )
        self.chronicle: Chronicle = opened.chronicle
        self.tail = opened.tail
        self.notary = Notary(means.seat.origin, means.key)
        self.spine = Spine(self.chronicle, means.store, means.clock, self.notary, self._sealed)
        self.links = {
            peer: Link(self.id, peer, means.bus, means.store, self.spine, self.notary, policy, self)
            for peer, policy in policies(self).items()
        }
        self._charter = charter
        self._vaults = {seat.id: seat for seat in charter.sites if seat.kind == "vault"}
        self._own_key = parse_vkey(make_vkey(means.seat.origin, means.seat.key))
        self._reconciled = self._unwitnessed = self._started = False
        self._replicated = 0
        self.cosigned = (0, 0)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.watchers: list[Callable[[Sealed], None]] = []
        """Told of every group of entries once it is durable, on the event loop; they raise nothing."""
        self.timekeeper = self._timekeeper() if timers and self.kind == "business_hub" else None

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
        now = self.means.clock.now()
        if self.chronicle.tree.size == 0:
            epoch = self.means.entropy.token()
            await self.spine.record(partial(self.chronicle.genesis, self._charter, self.means.charter, now, epoch))
        await self._note(BootRecord(epoch=self.means.entropy.token(), reconciled=self._reconciled))
        self._started = True
        for seat in self._charter.sites:
            if seat.id != self.id and self.means.bus.linked(self.id, seat.id):
                self.link_changed(seat.id, up=True)
        for link in self.links.values():
            link.wake()
        if self.timekeeper is not None:
            self.timekeeper.start()

    async def _reconcile(self) -> bool:
        """Whether a witness within reach confirmed that this log is not behind, or beside, what it cosigned.

        Raises:
            Tampered: it is; a checkpoint that this site's own key signed and the witness cosigned proves it.
        """
        confirmed = False
        for vault, seat in self._vaults.items():
            if not self.means.bus.linked(self.id, vault):
                continue
            try:
                note = await self.means.bus.peer(self.id, vault).latest(self.notary.origin, self.id)
                cosigned = None if note is None else self._proven(note, seat)
            except (Unavailable, Malformed, Tampered):
                continue  # out of reach, or it shows what proves nothing: not confirmed
            if cosigned is not None:
                self._compare(vault, cosigned)
                self._confirm(cosigned.size)
            confirmed = True
        return confirmed

    def _proven(self, note: bytes, vault: SiteSeat) -> Checkpoint:
        """A checkpoint of this log that this site's own key signed and the Vault cosigned.

        Raises:
            Malformed, Tampered: it is none; whoever shows it proves nothing by it.
        """
        checkpoint = open_checkpoint(note, self._own_key)
        time_s = verify_cosignature(note, parse_vkey(make_vkey(vault.origin, vault.key, KIND_COSIGNATURE)))
        self.cosigned = max(self.cosigned, (checkpoint.size, time_s * SECOND_US))
        return checkpoint

    def _compare(self, vault: str, cosigned: Checkpoint) -> None:
        """Hold this log against a checkpoint of its own that a witness holds.

        Raises:
            Tampered: this log is behind it, or is another one.
        """
        if cosigned.size > self.spine.size:
            raise Tampered(
                f"{self.id} holds {self.spine.size} entries, but {vault} cosigned {cosigned.size}: the store was set back. "
                "Restore it from the Vault's copy, or go on under a new origin."
            )
        if root_of(self.means.store.leaves(0, cosigned.size)) != cosigned.root:
            raise Tampered(f"the log of {self.id} is not the one that {vault} cosigned at {cosigned.size}: it forked")

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
        keeper = self.timekeeper
        links = all(link.idle for link in self.links.values())
        return self.spine.idle and links and (keeper is None or keeper.idle)

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
        if answer.seq < 0:  # an attempt that is only counted so far: no entry that a Vault could hold
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
        wish = _read_wish(raw)
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
        proved = await self.spine.prove(segment)
        self.spine.settle()
        try:
            recorded = self.spine.record(partial(self.chronicle.take_in, segment, self.means.clock.now(), proved))
        except (Tampered, Malformed) as error:
            self.spine.record_attempt(Attempt(code="CHAIN_BROKEN", why=str(error)[:400], source=sender, act="import"))
            raise
        await recorded
        return Taken(size=segment.size)

    @override
    async def held(self, origin: str, sender: str) -> int:
        known = self.chronicle.state.origins.get(origin)
        return 0 if known is None else known.size

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return None

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
        other = next((seat.kind for seat in self._charter.sites if seat.id == peer), "")
        return {self.kind, other} == {"business_hub", "node"} or (self.kind, other) in _RELIES_ON

    def _notes_first(self, up: bool) -> bool:
        """Whether the first word of a link goes on record. A floor hub notes a link from its first loss on."""
        return self.kind != "floor_hub" or not up

    def _sealed(self, sealed: Sealed) -> None:
        for draft in sealed.drafts:
            if draft.blobs:
                self.chronicle.library.settle(draft.blobs)
            if (
                not self._unwitnessed
                and not draft.subject.startswith(("witness:", "site:"))
                and draft.subject != "boot"
            ):
                self._unwitnessed = True
        events = [event for draft in sealed.drafts for event in draft.decision.events]
        for link in self.links.values():
            if not link.passes_over(sealed.first, sealed.size, events):
                link.wake()
        for told in self.watchers:
            told(sealed)

    async def taken(self, peer: str, taken: Taken) -> None:
        """A peer holds this log so far. A witness's cosignature goes on record if it covers anything new."""
        if peer not in self._vaults:
            return
        if taken.cosigned is None:
            with suppress(Tampered):  # the Vault will refuse the next stretch, keep the evidence, and stop this site
                await self._reconcile()  # a size alone proves nothing: what the Vault holds has to be this log
            return
        self._confirm(self._proven(taken.cosigned, self._vaults[peer]).size)
        self.means.store.save_cosignature(peer, taken.cosigned)
        if not self._reconciled:
            self._reconciled = True
            again = BootRecord(epoch=self.chronicle.standing.epoch, reconciled=True, again=True)
            await self._note(again)
            self._look()
        if taken.size == self.spine.size and self._unwitnessed:
            self._unwitnessed = False
            await self.witnessed(peer, taken.cosigned)

    def _confirm(self, size: int) -> None:
        """Tell those who wait for a replicated answer."""
        self._replicated = max(self._replicated, size)
        for seq, waiter in self._waiting:
            if seq < self._replicated and not waiter.done():
                waiter.set_result(None)
        self._waiting = [(seq, waiter) for seq, waiter in self._waiting if seq >= self._replicated]

    async def refused(self, peer: str, error: Tampered) -> None:
        """A peer refused what this log says. A witness that can prove a rollback or a fork stops the site."""
        if peer not in self._vaults:
            return
        try:
            await self._reconcile()
        except Tampered as proof:
            self.spine.stop_for(proof)

    def undeliverable(self, peer: str, seq: int, error: Malformed) -> None:
        """An action that an entry set off can never be read by its peer: that goes on record, and the link goes on."""
        why = f"entry {seq} set off an action that {peer} cannot read: {error}"
        self.spine.record_attempt(Attempt(code="MALFORMED", why=why[:400], source=peer))

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
        """Put on record what this site notices about itself."""
        return self.spine.record(partial(self.chronicle.note, record, self.means.clock.now()))

    # ---- the log as history (for subjects that are closed) ----------------------------------------------------------

    def head(self, subject: str) -> bytes | None:
        """The leaf hash of a closed subject's last entry."""
        staged = self.spine.staged_of(subject)
        return self.means.store.last_of(subject) if staged is None else staged.leaf

    def find(self, subject: str, digest: bytes) -> int | None:
        """The entry of a closed subject whose payload has this digest."""
        staged = self.spine.staged_of(subject)
        if staged is not None and staged.digest == digest:
            return staged.seq
        return self.means.store.find(subject, digest)

    def entry(self, seq: int) -> bytes:
        """The bytes of a durable entry.

        Raises:
            Unavailable: it is not durable yet.
        """
        row = next(iter(self.means.store.rows(seq, seq + 1)), None)
        if row is None:
            raise Unavailable(f"entry {seq} is not durable yet")
        return row.body

    def entry_envelope(self, seq: int) -> tuple[bytes, tuple[str, ...]]:
        """The envelope of a durable action entry, and what it pins.

        Raises:
            Unavailable: it is not durable yet.
        """
        row = next(iter(self.means.store.rows(seq, seq + 1)), None)
        if row is None:
            raise Unavailable(f"entry {seq} is not durable yet")
        entry = read_entry(row.body)
        return bytes(entry.action), entry.pins


def _read_wish(raw: bytes) -> ModuleWish | None:
    """A module's wish; None where the bytes cannot be read, which the spine puts on record.

    Raises:
        Malformed: it is another act.
    """
    try:
        wish = parse_command(open_envelope(raw).payload)
    except Malformed:
        return None
    if not isinstance(wish, ModuleWish):
        raise Malformed("only a module's wishes are answered here: module.may and module.act")
    return wish

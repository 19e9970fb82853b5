"""The chronicle: the pure heart of the spine. It turns what happens at a site into the exact bytes of the next entry.

A live site and an auditor use the same object: the site feeds it what arrives, the auditor feeds it what the log says
arrived, and compares bytes. Steps of one action:

1. A byte-identical resend is found by its payload digest: no new entry (foundations: uniqueness).
2. The authority decides on the present state.
3. The events are folded; what follows by itself is folded too and belongs to the same entry.
4. The entry is linked to its subject's previous entry, encoded, hashed and appended to the tree.

Signatures are verified before (in threads) and are not looked at here. No clock, no I/O: time and epoch are arguments.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from holdgate.crypto.hashes import leaf_hash
from holdgate.identity.charter import Charter
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.authority import Authority
from holdgate.law.case import Pin
from holdgate.law.consequences import ConsequenceRecord, Owed, about
from holdgate.law.decision import SEMANTICS, Decision, allow, deny
from holdgate.law.evolve import evolve
from holdgate.law.folds import payloads
from holdgate.law.founding import found_shop
from holdgate.law.gates.acts import SIGNING
from holdgate.law.library import Library
from holdgate.law.pinning import version_for
from holdgate.law.retention import NAMING
from holdgate.law.segments import NOTHING_OUTDATED, NOTHING_PROVED, Outdated, Proved, Segment, verify_segment
from holdgate.law.state import Job, State, job_key
from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry
from holdgate.ledger.merkle import Tree
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey, open_checkpoint, parse_vkey, verify_cosignature
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError, InvariantBroken, Tampered
from holdgate.terms.instant import SECOND_US

TAKES_DOCUMENTS: Final = (c.SubmitContract, c.CertifyContract, c.StageSlip, c.ForwardOrder)
"""Acts beside which documents come; whatever comes beside another act is dropped."""
KEEPS_SESSIONS: Final = (*SIGNING, c.AttestArrival)
"""Acts whose signers keep a signing session: those of the law, and the one that the floor hub decides."""
SESSIONS_KEPT: Final = 1_000
"""Signing sessions in memory before idle ones are forgotten."""
DIGEST_BYTES: Final = 16
"""Bytes of a payload digest that are kept to find resends."""


class Draft(Struct, frozen=True, kw_only=True, gc=False):
    """A new entry, not durable yet. `blobs`: what must be stored with it, by key (SHA-256 hex, or leaf hash hex)."""

    seq: int
    subject: str
    body: bytes
    leaf: bytes
    digest: bytes
    decision: Decision
    blobs: dict[str, bytes]


class History(Protocol):
    """Looks into the log for subjects that are closed and no longer in memory."""

    def head(self, subject: str, before: int) -> bytes | None:
        """The leaf hash of the subject's last entry among the log's first `before`."""
        ...

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        """The entry of this subject whose payload has this digest, among the log's first `before`."""
        ...


class Standing(Struct):
    """All that a chronicle carries from entry to entry; what a snapshot holds."""

    state: State
    heads: dict[str, bytes]
    digests: dict[str, dict[bytes, int]]
    owed: list[Owed] = []
    last_at: int = 0
    epoch: str = ""


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The record of input that could not be authenticated, as the site saw it. `count`: alike within one second."""

    code: str
    why: str
    source: str
    act: str = ""
    digest: str = ""
    count: int = 1


class ImportRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of a stretch of another log.

    `leaves`: all leaf hashes. `held`: indexes of those kept here in full, with everything that they pin.
    """

    origin: str
    start: int
    size: int
    checkpoint: bytes
    leaves: tuple[bytes, ...]
    held: tuple[int, ...]


class ContactRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of a link that came up or went down."""

    site: str
    up: bool


class CosignedRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of a witness's cosignature: this log's checkpoint with it, as received."""

    witness: str
    note: bytes


class BootRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The record of a start; `again`: of a witness's confirmation after a start that was alone."""

    epoch: str
    reconciled: bool
    again: bool = False


class Chronicle:
    """One site's log in the making: state, links and tree, advanced one entry at a time."""

    def __init__(
        self, standing: Standing, tree: Tree, library: Library, authority: Authority, history: History
    ) -> None:
        self.standing = standing
        self.state = standing.state
        self.tree = tree
        self.library = library
        self._authority = authority
        self._history = history
        self._site = standing.state.site
        self._bare = LawRef(semantics=SEMANTICS)
        self._refs: dict[str, LawRef] = {}

    # ---- what happens ----------------------------------------------------------------------------------------------

    def genesis(self, charter: Charter, envelope: bytes, at: int, epoch: str) -> Draft:
        """The first entry: the charter, verified by the caller against its trusted roots."""
        if self.tree.size:
            raise InvariantBroken("a log has one first entry")
        self.standing.epoch = epoch
        found_shop(self.state, charter)
        return self._append("genesis", "charter", allow(), at, action=envelope, module=self._site)

    def act(
        self, envelope: bytes, command: c.AnyCommand, digest: bytes, at: int, pins: tuple[Pin, ...] = ()
    ) -> Draft | int:
        """Decide a verified action and append it.

        Args:
            envelope: its canonical bytes.
            command: its payload, read; its signatures hold.
            digest: SHA-256 of the payload.
            at: receipt time (UTC µs); moved up to the last entry's where the clock went back.
            pins: what came beside it.

        Returns:
            The draft of the new entry; or the index of the entry that a byte-identical action has already.
        """
        subject = c.subject_of(command)
        if pins and type(command) not in TAKES_DOCUMENTS:
            pins = ()
        mark = digest[:DIGEST_BYTES]
        resent = self._find(subject, mark)
        if resent is not None:
            return resent
        self._owes_nothing()
        at = max(at, self.standing.last_at)
        state, authority = self.state, self._authority
        job = state.jobs.get(subject)
        law = self._bare if job is None else self._judged_by(job, command)
        decision = authority.decide(state, self.library, command, at, pins)
        if pins:
            self.library.admit({pin.sha256: pin.content for pin in pins})
        if decision.events:
            decision = self._fold(decision, at, self.tree.size)
        if decision.verdict == "allow":
            self._keep_sessions(command, at)
        if type(command) in NAMING and state.kind == "business_hub" and (decision.allowed or decision.events):
            payloads.name(state, command, decision.events, at, self.tree.size)
        module = command.place or command.signers[0].id
        return self._append(
            "action", subject, decision, at, action=envelope, module=module, mark=mark, pins=pins, law=law
        )

    def attempt(self, record: Attempt, at: int) -> Draft:
        """Put on record what could not be authenticated. It changes nothing."""
        self._owes_nothing()
        return self._append(
            "attempt", f"source:{record.source}", attempted(record), at, record=record, module=record.source
        )

    def take_in(self, segment: Segment, at: int, proved: Mapping[int, Proved] = NOTHING_PROVED) -> Draft:
        """Take in a stretch of another site's log. `proved`: entries of it that were proved beforehand, by index.

        Raises:
            Tampered, Malformed: it does not hold together; nothing changed.
        """
        self._owes_nothing()
        verified = verify_segment(self.state, segment, proved)
        at = max(at, self.standing.last_at)
        seq, state = self.tree.size, self.state
        blobs = {segment.leaves[index].hex(): body for index, body in segment.entries.items()} | dict(segment.blobs)
        self.library.admit(blobs)
        for said_at, event in verified.events:
            fold_foreign(state, self.library, event, said_at, seq)
        for said_at, command, events in verified.naming:
            payloads.name(state, command, events, said_at, seq)
        state.origins[segment.origin] = verified.origin
        self._forget_closed(verified.events)
        imported: tuple[ev.AnyEvent, ...] = (
            ev.Imported(origin=segment.origin, start=segment.start, size=segment.size),
        )
        if verified.late:
            imported += (ev.Disregarded(site=verified.origin.site, said=verified.late),)
        foreign = tuple(event for _, event in verified.events)
        try:
            more = self._follow((*foreign, *imported), at, seq)
            self._owe(verified.events, seq, verified.outdated)
        except (HoldgateError, LookupError) as error:
            raise InvariantBroken(f"what follows from entry {seq} could not be folded: {error!r}") from error
        record = ImportRecord(
            origin=segment.origin,
            start=segment.start,
            size=segment.size,
            checkpoint=segment.checkpoint,
            leaves=segment.leaves,
            held=tuple(sorted(segment.entries)),
        )
        draft = self._append(
            "import",
            f"origin:{segment.origin}",
            allow(*imported, *more),
            at,
            record=record,
            module=verified.origin.site,
        )
        return replace(draft, blobs=blobs)

    def note(self, record: ContactRecord | CosignedRecord | BootRecord, at: int) -> Draft:
        """Put on record what the site notices about itself: a link, a cosignature, a start.

        Raises:
            Tampered: a cosignature that does not hold, or is of another log or witness.
        """
        if not isinstance(record, BootRecord):
            self._owes_nothing()
        kind, subject, module, event = _noticed(self.standing, record)
        at = max(at, self.standing.last_at)
        if isinstance(record, BootRecord) and not record.again:
            self.standing.epoch = record.epoch
        decision = self._fold(allow(event), at, self.tree.size)
        return self._append(kind, subject, decision, at, record=record, module=module or self._site)

    def consequence(self, at: int) -> Draft:
        """The entry of the first thing that is owed. `standing.owed` says whether there is any.

        Raises:
            Tampered: nothing is owed.
        """
        if not self.standing.owed:
            raise Tampered("a consequence stands here, and no entry before has it")
        owed = self.standing.owed.pop(0)
        at = max(at, self.standing.last_at)
        decision = self._fold(allow(owed.event), at, self.tree.size)
        record = ConsequenceRecord(of=owed.of)
        return self._append("consequence", about(owed.event), decision, at, record=record, module=self._site)

    def _owes_nothing(self) -> None:
        """Consequences stand right after their entry; only a start may come between (the site went down).

        Raises:
            Tampered: something is owed.
        """
        if self.standing.owed:
            of = self.standing.owed[0].of
            raise Tampered(f"what follows from entry {of} comes before anything else, and it is not here")

    # ---- how an entry is made --------------------------------------------------------------------------------------

    def _keep_sessions(self, command: c.AnyCommand, at: int) -> None:
        """Signing sessions that stay open; idle ones are forgotten when there are many."""
        if type(command) not in KEEPS_SESSIONS:
            return
        sessions = self.state.sessions
        for signer in command.signers:
            if signer.auth is not None:
                sessions[f"{signer.id}|{signer.auth.session}"] = at
        if len(sessions) > SESSIONS_KEPT:
            idle_us = self.state.charter.settings.session_idle_s * SECOND_US
            self.state.sessions = {name: last for name, last in sessions.items() if at - last <= idle_us}

    def _fold(self, decision: Decision, at: int, seq: int) -> Decision:
        """Fold a decision's events and what follows from them.

        Raises:
            InvariantBroken: an event could not be folded; the standing is spoiled and the site has to be opened anew.
        """
        try:
            for event in decision.events:
                evolve(self.state, self.library, event, at, seq)
            more = self._follow(decision.events, at, seq)
            if self._authority.owe is not None:
                self._owe([(at, event) for event in (*decision.events, *more)], seq)
        except (HoldgateError, LookupError) as error:
            raise InvariantBroken(f"entry {seq} could not be folded: {error!r}") from error
        return replace(decision, events=decision.events + more) if more else decision

    def _follow(self, events: tuple[ev.AnyEvent, ...], at: int, seq: int) -> tuple[ev.AnyEvent, ...]:
        more = self._authority.follow(self.state, self.library, events, at)
        for event in more:
            evolve(self.state, self.library, event, at, seq)
        return more

    def _owe(self, said: Sequence[tuple[int, ev.AnyEvent]], seq: int, outdated: Outdated = NOTHING_OUTDATED) -> None:
        owe = self._authority.owe
        for event in () if owe is None else owe(self.state, self.library, said, outdated):
            self.standing.owed.append(Owed(of=seq, event=event))

    def _append(
        self,
        kind: str,
        subject: str,
        decision: Decision,
        at: int,
        *,
        module: str,
        action: bytes = b"null",
        record: Struct | None = None,
        mark: bytes = b"",
        pins: tuple[Pin, ...] = (),
        law: LawRef | None = None,
    ) -> Draft:
        standing, tree = self.standing, self.tree
        at = max(at, standing.last_at)
        head = standing.heads.get(subject)
        if head is None and subject in self.state.closed:
            head = self._history.head(subject, tree.size)
        body = encode_entry(
            Entry(
                site=self._site,
                seq=tree.size,
                epoch=standing.epoch,
                at=at,
                kind=kind,
                subject=subject,
                source=Source(module=module, node=self._site),
                law=law or self._bare,
                decision=Raw(_ENCODE(decision)),
                prev="" if head is None else head.hex(),
                action=Raw(action),
                record=Raw(b"null" if record is None else canon.encode(record)),
                pins=tuple(pin.sha256 for pin in pins),
            )
        )
        leaf = leaf_hash(body)
        seq = tree.size
        tree.append(leaf)
        standing.last_at = at
        self._link(subject, leaf, mark, seq)
        blobs = {pin.sha256: pin.content for pin in pins} if pins else _NO_BLOBS
        return Draft(seq=seq, subject=subject, body=body, leaf=leaf, digest=mark, decision=decision, blobs=blobs)

    def _link(self, subject: str, leaf: bytes, mark: bytes, seq: int) -> None:
        standing = self.standing
        if subject in self.state.closed:
            standing.heads.pop(subject, None)
            standing.digests.pop(subject, None)
            return
        standing.heads[subject] = leaf
        if mark:
            known = standing.digests.get(subject)
            if known is None:
                standing.digests[subject] = {mark: seq}
            else:
                known[mark] = seq

    def _forget_closed(self, events: tuple[tuple[int, ev.AnyEvent], ...]) -> None:
        """A job that QA accepted is history: its links and digests are found in the log from now on."""
        for _, event in events:
            if isinstance(event, ev.QaAccepted) and job_key(event.order, event.job) in self.state.closed:
                self.standing.heads.pop(job_key(event.order, event.job), None)
                self.standing.digests.pop(job_key(event.order, event.job), None)

    def _find(self, subject: str, mark: bytes) -> int | None:
        known = self.standing.digests.get(subject)
        if known is not None:
            return known.get(mark)
        return self._history.find(subject, mark, self.tree.size) if subject in self.state.closed else None

    def _judged_by(self, job: Job, command: c.AnyCommand) -> LawRef:
        sha256 = version_for(self.state, self.library, job, getattr(command, "step", None))
        version = job.version if sha256 == job.sha256 else self.state.contracts[sha256].version
        return self._law_ref(sha256, version)

    def _law_ref(self, sha256: str, version: str) -> LawRef:
        found = self._refs.get(sha256)
        if found is None:
            found = self._refs[sha256] = LawRef(semantics=SEMANTICS, contract=sha256, version=version)
        return found


_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_NO_BLOBS: Final[dict[str, bytes]] = {}


def attempted(record: Attempt) -> Decision:
    """The decision on input that could not be authenticated."""
    if record.code == "CHAIN_BROKEN":
        return deny(record.code, "import", origin=record.source, why=record.why)
    return deny(record.code, "envelope", id=record.source, why=record.why)


def _noticed(
    standing: Standing, record: ContactRecord | CosignedRecord | BootRecord
) -> tuple[str, str, str, ev.AnyEvent]:
    if isinstance(record, ContactRecord):
        return "contact", f"site:{record.site}", record.site, ev.ContactChanged(site=record.site, up=record.up)
    if isinstance(record, CosignedRecord):
        return "cosigned", f"witness:{record.witness}", record.witness, _cosigned(standing.state, record)
    heard_until = 0 if record.again else standing.last_at
    booted = ev.Booted(epoch=record.epoch, reconciled=record.reconciled, heard_until=heard_until, again=record.again)
    return "boot", "boot", "", booted


def _cosigned(state: State, record: CosignedRecord) -> ev.Cosigned:
    """What a cosignature says, once it is verified: by a Vault of the charter, over a checkpoint of this very log."""
    seats = {seat.id: seat for seat in state.charter.sites}
    vault, own = seats.get(record.witness), seats.get(state.site)
    if own is None:
        raise Tampered(f"{state.site} has no seat in this shop yet")
    if vault is None or vault.kind != "vault":
        raise Tampered(f"{record.witness} is no Vault of this shop")
    checkpoint = open_checkpoint(record.note, parse_vkey(make_vkey(own.origin, own.key)))
    time_s = verify_cosignature(record.note, parse_vkey(make_vkey(vault.origin, vault.key, KIND_COSIGNATURE)))
    return ev.Cosigned(witness=vault.id, size=checkpoint.size, witnessed_at=time_s * SECOND_US)


def fold_foreign(state: State, library: Library, event: ev.AnyEvent, at: int, ref: int) -> None:
    """Fold an event of another site; one that speaks of what is not known here changes nothing."""
    try:
        evolve(state, library, event, at, ref)
    except InvariantBroken:
        raise
    except (LookupError, ValueError, HoldgateError):
        return


def blank_state(charter: Charter, site: str, kind: str) -> State:
    """A state that knows nothing but the charter's name for the site."""
    return State(
        charter=charter,
        site=site,
        kind=kind,
        identities={},
        key_owners={},
        equipment={},
        materials={},
        contracts={},
        versions={},
        in_force={},
        orders={},
        notices={},
        jobs={},
        closed={},
        reports={},
        slips={},
        awaited={},
        readers={},
        early=[],
        contacts={},
        origins={},
        sessions={},
        standards={},
        policies={},
        series={},
        assigned={},
        uses={},
        outages=[],
        joined={},
        retired={},
    )

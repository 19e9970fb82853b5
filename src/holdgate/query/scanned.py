"""What a package takes from the business hub's record beside a job's own entries: leaf hashes, checkpoints, who gave whom a key.

The business hub took in every entry of every site in full, and every leaf hash: its record alone is enough to prove an entry of
another site's log under that site's checkpoint. Read in one pass over its own entries; costs time with the length of the record.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.hashes import leaf_hash
from holdgate.law import event as ev
from holdgate.law.chronicle import CosignedRecord, ImportRecord
from holdgate.ledger.note import parse_checkpoint, read_note
from holdgate.query.record import Record, Said, charter_of, entry_at, said
from holdgate.terms.errors import Malformed, Tampered

GIVES_A_KEY: Final = (ev.IdentityEnrolled, ev.IdentityRekeyed, ev.SiteEnrolled)
_IMPORT: Final = msgspec.json.Decoder(ImportRecord)
_COSIGNED: Final = msgspec.json.Decoder(CosignedRecord)
_MARKS: Final = (
    b'"kind":"import"',
    b'"kind":"cosigned"',
    b'"IdentityEnrolled"',
    b'"IdentityRekeyed"',
    b'"SiteEnrolled"',
)
"""Bytes without which an entry is not read here (one that has them by chance is read for nothing)."""


class Copied(Struct, kw_only=True):
    """A log as the record knows it. `held`: indexes that are here in full; `notes`: signed checkpoints, the newest last."""

    origin: str
    leaves: list[bytes] = []
    held: set[int] = set()
    notes: list[bytes] = []


class Scanned:
    """One pass over the business hub's record.

    `logs`: by site; `keys`: by SMART-ID the own entries that gave somebody a key; `contracts`: by id the own entries about it.
    """

    def __init__(self, record: Record, contracts: Iterable[str] = ()) -> None:
        """Read the record.

        Args:
            record: the business hub's.
            contracts: whose own entries are looked for.

        Raises:
            Malformed, Tampered: an entry cannot be read, or is not the one that was recorded.
        """
        self._record = record
        first = entry_at(record, 0)
        self.site = first.entry.site
        self.charter = charter_of(first.entry)
        self._origins = {seat.origin: seat.id for seat in self.charter.sites}
        origin = next((seat.origin for seat in self.charter.sites if seat.id == self.site), "")
        self._own = Copied(origin=origin)
        self.logs = {self.site: self._own}
        self.keys: dict[str, list[int]] = {}
        self.contracts: dict[str, list[int]] = {name: [] for name in contracts}
        marks = (*_MARKS, *(f'"subject":"contract:{name}"'.encode() for name in self.contracts))
        for seq, leaf, body in record.rows(0):
            if leaf_hash(body) != leaf:
                raise Tampered(f"entry {seq} is not the one that was recorded: audit the record first")
            self._own.leaves.append(leaf)
            self._own.held.add(seq)
            if any(mark in body for mark in marks):
                self._take(seq, said(body))

    def _take(self, seq: int, one: Said) -> None:
        entry = one.entry
        if entry.kind == "import":
            self._import(_IMPORT.decode(entry.record))
        elif entry.kind == "cosigned":
            self._own.notes.append(_COSIGNED.decode(entry.record).note)
        elif entry.subject.startswith("contract:"):
            self.contracts.setdefault(entry.subject.removeprefix("contract:"), []).append(seq)
        for event in one.decision.events:
            if isinstance(event, GIVES_A_KEY):
                self.keys.setdefault(event.id, []).append(seq)
            if isinstance(event, ev.SiteEnrolled):
                self._origins[event.origin] = event.id

    def _import(self, kept: ImportRecord) -> None:
        log = self.logs.setdefault(self._origins.get(kept.origin, kept.origin), Copied(origin=kept.origin))
        if kept.start != len(log.leaves):
            raise Malformed(
                f"the record takes in {kept.origin} from {kept.start}, and has {len(log.leaves)} entries of it"
            )
        log.leaves.extend(kept.leaves)
        log.held.update(kept.start + index for index in kept.held)
        log.notes.append(kept.checkpoint)

    def body(self, site: str, seq: int) -> bytes | None:
        """The bytes of an entry of any log that the record knows; None where it has not got it."""
        if site == self.site:
            return self._record.body(seq)
        log = self.logs.get(site)
        return None if log is None or seq not in log.held else self._record.blob(log.leaves[seq].hex())

    def note(self, site: str, size: int, brought: Iterable[bytes] = ()) -> bytes:
        """A signed checkpoint of a log over at least its first `size` entries: one with a cosignature where there is one.

        Args:
            site: whose log.
            size: how much it has to cover.
            brought: newer checkpoints of any log than the record holds itself.

        Raises:
            Malformed: no checkpoint covers so much.
        """
        log = self.logs[site]
        notes = [*self._cosigned(site), *brought, *reversed(log.notes)]
        covering = [note for note in notes if self._covers(log, note, size)]
        if not covering:
            raise Malformed(f"no checkpoint covers entry {size - 1} of {site} yet; ask again once one does")
        return next((note for note in covering if is_cosigned(note)), covering[0])

    def _covers(self, log: Copied, note: bytes, size: int) -> bool:
        checkpoint = parse_checkpoint(note)
        return checkpoint.origin == log.origin and size <= checkpoint.size <= len(log.leaves)

    def _cosigned(self, site: str) -> Iterator[bytes]:
        """The newest cosigned checkpoint that the log itself holds."""
        if site == self.site:
            yield from self._own.notes[-1:]
            return
        log = self.logs[site]
        for seq in sorted(log.held, reverse=True):
            body = self.body(site, seq)
            if body is not None and b'"kind":"cosigned"' in body:
                one = said(body)
                if one.entry.kind == "cosigned":
                    yield _COSIGNED.decode(one.entry.record).note
                    return


def is_cosigned(note: bytes) -> bool:
    """Whether a checkpoint carries more signatures than its log's own; they are not looked at."""
    return len(read_note(note)[1]) > 1

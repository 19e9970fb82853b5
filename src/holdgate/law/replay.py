"""Replay: feed the chronicle what a log says happened.

A site does so with the tail after its snapshot, an auditor with everything; both compare the bytes that come out with the
bytes that are there.
"""

from typing import Any, Final, NamedTuple

import msgspec

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import sha256
from holdgate.identity.charter import open_charter
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.chronicle import (
    Attempt,
    BootRecord,
    Chronicle,
    ContactRecord,
    CosignedRecord,
    Draft,
    ImportRecord,
)
from holdgate.law.consequences import ConsequenceRecord
from holdgate.law.segments import Segment, decision_of
from holdgate.ledger.entry import Entry, read_entry
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered

_ATTEMPT: Final = msgspec.json.Decoder(Attempt)
_IMPORT: Final = msgspec.json.Decoder(ImportRecord)
_CONSEQUENCE: Final = msgspec.json.Decoder(ConsequenceRecord)
_BEFORE: Final = 40
"""Characters that are shown before the place where two entries part."""
_SHOWN: Final = 200
_NOTES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "contact": msgspec.json.Decoder(ContactRecord),
    "cosigned": msgspec.json.Decoder(CosignedRecord),
    "boot": msgspec.json.Decoder(BootRecord),
}


class Action(NamedTuple):
    """The action of an entry, read: the envelope's bytes, the signed payload, and what it says."""

    raw: bytes
    payload: bytes
    command: c.AnyCommand


def read_action(entry: Entry) -> Action:
    """Read the action of an entry; its signatures are not looked at.

    Raises:
        Malformed: it is none.
    """
    raw = bytes(entry.action)
    payload = open_envelope(raw).payload
    return Action(raw, payload, c.parse_command(payload))


def repeat(chronicle: Chronicle, entry: Entry, roots: tuple[bytes, ...], action: Action | None = None) -> Draft:
    """Do again what an entry says was done, on the chronicle's present standing.

    Args:
        chronicle: standing just before this entry.
        entry: as read from the log; untrusted.
        roots: the trusted root keys (used for the first entry).
        action: the entry's action, where it has been read already.

    Raises:
        Malformed, Tampered: the entry cannot have come about like this.
    """
    if entry.kind == "genesis":
        charter = open_charter(bytes(entry.action), roots)
        return chronicle.genesis(charter, bytes(entry.action), entry.at, entry.epoch)
    if entry.kind == "action":
        return _act(chronicle, entry, action or read_action(entry))
    record = bytes(entry.record)
    if entry.kind == "attempt":
        return chronicle.attempt(canon.decode(record, _ATTEMPT, "the record"), entry.at)
    imported = read_import(entry)
    if imported is not None:
        return chronicle.take_in(segment_of(chronicle, imported), entry.at)
    if entry.kind == "consequence":
        canon.decode(record, _CONSEQUENCE, "the record")  # what it says comes out again, or the bytes differ
        return chronicle.consequence(entry.at)
    return chronicle.note(canon.decode(record, _NOTES[entry.kind], "the record"), entry.at)


def read_import(entry: Entry) -> ImportRecord | None:
    """The record of an import; None where the entry is none.

    Raises:
        Malformed: it cannot be read.
    """
    return canon.decode(bytes(entry.record), _IMPORT, "the record") if entry.kind == "import" else None


class Difference(NamedTuple):
    """How an entry that was done again differs from the one on record.

    `expected`: what comes out; `found`: what stands there; in words. `says`: both, as one sentence.
    """

    expected: str
    found: str
    says: str


def difference(made: Entry, found: Entry) -> Difference:
    """What differs between an entry as it comes out and as it is recorded.

    Raises:
        Malformed: the recorded decision cannot be read.
    """
    names = [name for name in Entry.__struct_fields__ if getattr(made, name) != getattr(found, name)]
    if "decision" in names:
        expected, stands = _decided(made), _decided(found)
        if expected == stands:
            expected, stands = _apart(_spelled(made, "decision"), _spelled(found, "decision"))
        says = f"decided again it comes out as {expected}; the record says {stands}"
        return Difference(expected, stands, says)
    says = f"done again it comes out with another {', '.join(names) or 'spelling'}"
    if not names:
        return Difference("the canonical spelling", "another spelling", says)
    pairs = [_apart(_spelled(made, name), _spelled(found, name)) for name in names]
    return Difference(
        "; ".join(f"{name} {pair[0]}" for name, pair in zip(names, pairs, strict=True)),
        "; ".join(f"{name} {pair[1]}" for name, pair in zip(names, pairs, strict=True)),
        says,
    )


def _decided(entry: Entry) -> str:
    """The verdict of an entry and its codes."""
    decision = decision_of(entry)
    return f"{decision.verdict} {', '.join(decision.codes)}".rstrip()


def _spelled(entry: Entry, name: str) -> str:
    return msgspec.json.encode(getattr(entry, name)).decode()


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two texts from a little before the place where they part, cut to a length that a person reads."""
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, place - _BEFORE)
    return one[start : start + _SHOWN], other[start : start + _SHOWN]


def read_cosigned(entry: Entry) -> CosignedRecord:
    """The record of a cosignature.

    Raises:
        Malformed: it is none.
    """
    record: CosignedRecord = canon.decode(bytes(entry.record), _NOTES["cosigned"], "the record")
    return record


def _act(chronicle: Chronicle, entry: Entry, action: Action) -> Draft:
    pins = tuple(Pin(sha256=key, content=_pinned(chronicle, key)) for key in entry.pins) if entry.pins else ()
    draft = chronicle.act(action.raw, action.command, sha256(action.payload), entry.at, pins)
    if isinstance(draft, int):
        raise Tampered(f"the action was on the record before, as entry {draft}")
    return draft


def segment_of(chronicle: Chronicle, record: ImportRecord) -> Segment:
    """The stretch that an import entry took in, from its record and the pinned blobs.

    Raises:
        Tampered: a blob is missing.
    """
    if any(not 0 <= index < len(record.leaves) for index in record.held):
        raise Malformed("the record of an import names an entry outside of it")
    entries = {index: _pinned(chronicle, record.leaves[index].hex()) for index in record.held}
    pins = [key for body in entries.values() for key in read_entry(body).pins]
    return Segment(
        origin=record.origin,
        start=record.start,
        size=record.size,
        checkpoint=record.checkpoint,
        leaves=record.leaves,
        entries=entries,
        blobs={key: _pinned(chronicle, key) for key in pins},
    )


def _pinned(chronicle: Chronicle, key: str) -> bytes:
    blob = chronicle.library.blob(key)
    if blob is None:
        raise Tampered(f"what was pinned as {key[:16]}… is missing, or is not what it was")
    return blob

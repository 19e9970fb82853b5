"""Reading a record: its entries, the entries of other sites that its imports hold, and where each of them stands.

A record is one site's log with what it pins: a closed store, a bundle, a Vault's copy. What is read here is checked against
the recorded leaf hashes and no further; `holdgate.audit` is what proves a record.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import msgspec
from typing_extensions import override

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import leaf_hash
from holdgate.identity.charter import CHARTER_TYPE, Charter
from holdgate.law.chronicle import ImportRecord
from holdgate.law.command import AnyCommand, parse_command
from holdgate.law.decision import Decision
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry_once
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered


class Record(Protocol):
    """One site's log and what it pins, as found. `size`: its entries."""

    size: int

    def rows(self, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Index, recorded leaf hash and bytes of every entry from `start` on, in order."""
        ...

    def body(self, seq: int) -> bytes | None:
        """The bytes of one entry, or None where there is none."""
        ...

    def blob(self, key: str) -> bytes | None:
        """What is pinned under a key: a document by its digest, an imported entry by its leaf hash."""
        ...


class Place(NamedTuple):
    """Where an entry stands: the site that decided it, and its index there."""

    site: str
    seq: int

    @override
    def __str__(self) -> str:
        return f"{self.site}:{self.seq}"


class Said(NamedTuple):
    """An entry with what it says. `held`: the own-log entry that took it in, where it came from another site."""

    place: Place
    entry: Entry
    decision: Decision
    held: int | None = None

    @property
    def command(self) -> AnyCommand | None:
        """The signed action, where there is one."""
        return command_of(self.entry)


_CHARTER: Final = msgspec.json.Decoder(Charter)
_IMPORT: Final = msgspec.json.Decoder(ImportRecord)


def command_of(entry: Entry) -> AnyCommand | None:
    """The signed action of an entry, as its signers wrote it; None for what the site noticed by itself.

    Raises:
        Malformed: it cannot be read.
    """
    return parse_command(open_envelope(bytes(entry.action)).payload) if entry.kind == "action" else None


def charter_of(entry: Entry) -> Charter:
    """The charter in a log's first entry, as it stands there; whether trusted roots signed it is for the audit.

    Raises:
        Malformed: it is none.
    """
    return canon.decode(open_envelope(bytes(entry.action), CHARTER_TYPE).payload, _CHARTER, "the charter")


def said(body: bytes, held: int | None = None) -> Said:
    """Read the bytes of an entry.

    Raises:
        Malformed: they are none.
    """
    return said_by(read_entry_once(body), held)


def said_by(entry: Entry, held: int | None = None) -> Said:
    """What an entry says.

    Raises:
        Malformed: its decision cannot be read.
    """
    return Said(Place(entry.site, entry.seq), entry, decision_of(entry), held)


def entry_at(record: Record, seq: int) -> Said:
    """One entry of a record.

    Raises:
        Malformed: there is no such entry, or it cannot be read.
    """
    body = record.body(seq)
    if body is None:
        raise Malformed(f"the record has no entry {seq}; it ends at {record.size - 1}")
    return said(body)


def taken_in(record: Record, entry: Entry) -> Iterator[Said]:
    """The entries of another site that an import entry holds in full.

    Raises:
        Malformed: the import cannot be read. Tampered: one that it says it holds is missing.
    """
    if entry.kind != "import":
        return
    kept = _kept(entry)
    for index in kept.held:
        body = record.blob(kept.leaves[index].hex()) if 0 <= index < len(kept.leaves) else None
        if body is None:
            raise Tampered(f"entry {entry.seq} took in entry {kept.start + index} of {kept.origin}, which is missing")
        yield said(body, entry.seq)


def _kept(entry: Entry) -> ImportRecord:
    try:
        return _IMPORT.decode(entry.record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the import of entry {entry.seq} cannot be read: {error}") from None


def walk(record: Record, start: int = 0) -> Iterator[Said]:
    """Every entry from `start` on, each import followed by the entries that it holds.

    Raises:
        Malformed, Tampered: an entry that cannot be read, or is not the one that was recorded.
    """
    for seq, leaf, body in record.rows(start):
        if leaf_hash(body) != leaf:
            raise Tampered(f"entry {seq} is not the one that was recorded: audit the record first")
        one = said(body)
        yield one
        yield from taken_in(record, one.entry)


def spoken(record: Record, places: list[tuple[int, int]]) -> Iterator[tuple[int, Said]]:
    """What stands at places of a record, in their order, and nothing else of it: (own entry, what it says).

    Args:
        record: the one that the places are of.
        places: own entry, and place among what that entry took in (-1: itself), as `holdgate.query.timeline.Timeline` finds them.

    Raises:
        Malformed, Tampered: an entry cannot be read, or is missing.
    """
    seq, kept, one = -1, None, None
    for own, inside in places:
        if own != seq or one is None:
            seq, one, kept = own, entry_at(record, own), None
        if inside < 0:
            yield own, one
            continue
        kept = kept or _kept(one.entry)
        index = kept.held[inside]
        body = record.blob(kept.leaves[index].hex())
        if body is None:
            raise Tampered(f"entry {own} took in entry {kept.start + index} of {kept.origin}, which is missing")
        yield own, said(body, own)

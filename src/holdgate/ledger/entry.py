"""Entries: what a site's log holds, one after the other, each linked to the previous entry of its subject.

The bytes of an entry are canonical JSON; an action's envelope is in it in canonical form, its payload byte for byte. The
leaf hash covers these bytes; the log's Merkle tree covers the leaf hashes; the checkpoint's signature covers the tree. From
a log and its pinned blobs alone every decision can be made again. Source: docs/spec/entry.md.
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from holdgate.terms import limits
from holdgate.terms.errors import InvariantBroken, Malformed

KINDS: Final = ("genesis", "boot", "action", "attempt", "import", "consequence", "contact", "cosigned")


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What set the entry off: the module (workstation, reader, site service) and the site it did so at."""

    module: str
    node: str


class LawRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The law that the decision was made under: engine semantics, and the pinned contract of a job."""

    semantics: int
    contract: str | None = None
    version: str | None = None


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One entry.

    `seq`: its index in the log. `epoch`: the random mark of the site's present start. `at`: the site's receipt time (UTC
    µs, never going back). `subject`, `prev`: the subject and the leaf hash (hex) of the subject's previous entry here.
    `action`: the envelope (kinds genesis and action). `record`: the site's own account (the other kinds).
    `pins`: SHA-256 (hex) of what came beside it and is kept. `decision`: what the law said.
    """

    site: str
    seq: int
    epoch: str
    at: int
    kind: str
    subject: str
    source: Source
    law: LawRef
    decision: Raw
    prev: str = ""
    action: Raw = Raw(b"null")
    record: Raw = Raw(b"null")
    pins: tuple[str, ...] = ()
    v: int = 1


_DECODER: Final = msgspec.json.Decoder(Entry)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_entry(entry: Entry) -> bytes:
    """The bytes of an entry.

    Raises:
        InvariantBroken: longer than an entry bundle can hold (the limits on payloads and denials exclude it).
    """
    body = _ENCODER.encode(entry)
    if len(body) > limits.ENTRY_BYTES_MAX:
        raise InvariantBroken(f"an entry of {len(body)} bytes came about; {limits.ENTRY_BYTES_MAX} is the most")
    return body


def read_entry(body: bytes) -> Entry:
    """Read the bytes of an entry; they must be exactly what this entry encodes to.

    Raises:
        Malformed: not an entry, of another version or kind, or not in canonical form.
    """
    entry = read_entry_once(body)
    if _ENCODER.encode(entry) != body:
        raise Malformed("the entry is not in canonical form")
    return entry


def read_entry_once(body: bytes) -> Entry:
    """Read the bytes of an entry that are going to be compared with the entry made again: that proves their form.

    Raises:
        Malformed: not an entry, or of another version or kind.
    """
    if len(body) > limits.ENTRY_BYTES_MAX:
        raise Malformed(f"an entry is longer than {limits.ENTRY_BYTES_MAX} bytes")
    try:
        entry = _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"the entry cannot be read: {error}") from None
    if entry.v != 1 or entry.kind not in KINDS:
        raise Malformed(f"the entry is of version {entry.v} and kind {entry.kind!r}, which this version does not read")
    return entry

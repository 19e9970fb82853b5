"""The roots of a shop over time: the charter names the first ones, and each root document exchanges those before it.

Version 1 is the charter. A root document is the next version: it names, by its payload's digest, the very charter or root document
that it replaces, and enough of the roots before it and enough of its own sign it. So whoever has too few of the keys in force
can exchange nothing, and a document counts once, in one shop, in one place. Pure: no clock, no I/O.

Source: The Update Framework (TUF) specification, 5.3 "Update the root role"; docs/spec/roots.md.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import Envelope, open_envelope
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import check_enrollable, key_id
from holdgate.identity.charter import Charter, check_keys, open_charter, signed_under
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import ROOTS_MAX

ROOT_TYPE: Final = "application/vnd.holdgate.root.v1+json"


class RootDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The roots of a shop from now on. `before`: digest of the payload (charter or root document) whose roots these replace."""

    org: str
    version: int
    before: str
    roots: tuple[bytes, ...]
    threshold: int
    v: int = 1


class Roots(Struct, frozen=True, kw_only=True):
    """The roots in force.

    `keys`, `threshold`: as the newest document says. `history`: digests of the payloads, the charter's first. `former`: keys that
    were roots and went; none of them comes back.
    """

    keys: tuple[bytes, ...] = ()
    threshold: int = 0
    history: tuple[str, ...] = ()
    former: tuple[bytes, ...] = ()

    @property
    def version(self) -> int:
        """1 for the charter's own, and one more with every root document."""
        return len(self.history)


_DECODER: Final = msgspec.json.Decoder(RootDocument)


def founding_roots(charter: Charter) -> Roots:
    """The roots that a shop begins with."""
    return Roots(keys=charter.roots, threshold=charter.threshold, history=(digest(canon.encode(charter)),))


def replaced(roots: Roots, keys: tuple[bytes, ...], threshold: int, document: str) -> Roots:
    """The roots after a root document (`document`: its payload's digest) that holds."""
    gone = tuple(key for key in roots.keys if key not in keys)
    return Roots(keys=keys, threshold=threshold, history=(*roots.history, document), former=(*roots.former, *gone))


def read_root(raw: bytes, least: int = 1) -> tuple[Envelope, RootDocument]:
    """A root document, read; it proves nothing yet. `least`: how many signatures there have to be.

    Raises:
        Malformed: it is none.
    """
    envelope = open_envelope(raw, ROOT_TYPE, least)
    if canon.encode(envelope) != raw:
        raise Malformed("the root document's envelope is not in its canonical spelling")
    return envelope, read_payload(envelope.payload)


def read_payload(payload: bytes) -> RootDocument:
    """A root document's payload, read. Proves nothing.

    Raises:
        Malformed: it is none.
    """
    return canon.decode(payload, _DECODER, "the root document")


def check_next(roots: Roots, org: str, document: RootDocument) -> None:
    """Whether a document, once it is signed, is the next one after these roots of this organisation's shop.

    Raises:
        Malformed: its version, its keys or its threshold are none that can follow. Tampered: it is of another shop, or replaces
            something else than what is in force.
    """
    if document.v != 1:
        raise Malformed(f"the root document has version {document.v} of the format; this program reads version 1")
    if document.version <= roots.version:
        raise Malformed(f"roots version {roots.version} is in force already; the next one is {roots.version + 1}")
    if document.version > roots.version + 1:
        raise Malformed(f"version {document.version} does not follow version {roots.version}: none is left out")
    if document.org != org or document.before != roots.history[-1]:
        raise Tampered(
            f"it replaces {document.before[:16]}… of {document.org[:64]!r}, which is not what is in force here"
        )
    if len(document.roots) > ROOTS_MAX:
        raise Malformed(f"{len(document.roots)} roots are too many; {ROOTS_MAX} are the most")
    for key in document.roots:
        check_enrollable(key)
    check_keys("the root document", document.roots, document.threshold)
    back = next((key for key in document.roots if key in roots.former), None)
    if back is not None:
        raise Malformed(f"{key_id(back)} was a root before and was replaced; a key that went does not come back")
    if (sorted(document.roots), document.threshold) == (sorted(roots.keys), roots.threshold):
        raise Malformed("it changes nothing: the same keys, and as many of them have to sign")


def missing(roots: Roots, envelope: Envelope, document: RootDocument) -> tuple[int, int]:
    """How many signatures of the roots before, and how many of its own, a document still needs.

    Raises:
        Tampered: a signature on it is false, or of a key that is neither.
    """
    every = tuple(dict.fromkeys((*roots.keys, *document.roots)))
    signed = signed_under(envelope, every, "the root document")
    old, new = sum(key in roots.keys for key in signed), sum(key in document.roots for key in signed)
    return max(0, roots.threshold - old), max(0, document.threshold - new)


def follow(roots: Roots, org: str, raw: bytes) -> Roots:
    """The roots after the next root document.

    Args:
        roots: in force.
        org: the shop's organisation.
        raw: the document's envelope; untrusted.

    Raises:
        Malformed: it cannot be read, or cannot follow. Tampered: it is of another shop, replaces something else, too few of the
            roots before it or of its own signed it, or a signature on it is false or nobody's of them.
    """
    envelope, document = read_root(raw)
    check_next(roots, org, document)
    old, new = missing(roots, envelope, document)
    if old or new:
        raise Tampered(
            f"too few signed it: {old} more of the roots before it and {new} more of its own have to; nothing is exchanged"
        )
    return replaced(roots, document.roots, document.threshold, digest(envelope.payload))


def follow_all(charter: Charter, rotations: Iterable[Envelope]) -> Roots:
    """The roots after all these documents, from the charter on.

    Raises:
        Malformed, Tampered: one of them does not follow.
    """
    roots = founding_roots(charter)
    for envelope in rotations:
        roots = follow(roots, charter.org, canon.encode(envelope))
    return roots


def open_under(raw: bytes, trusted_roots: tuple[bytes, ...], rotations: Sequence[Envelope] = ()) -> Charter:
    """Verify a charter against root keys that come from outside, and against the root documents that came with them.

    A charter that somebody makes with old roots alone is then not believed: the first document names the real one.

    Raises:
        Malformed, Tampered: as `open_charter`; or a root document does not follow from this charter.
    """
    charter = open_charter(raw, trusted_roots)
    try:
        follow_all(charter, rotations)
    except (Malformed, Tampered) as error:
        raise Tampered(f"the root documents that you trust do not follow from this charter: {error}") from None
    return charter

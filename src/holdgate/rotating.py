"""rotating: the ceremony by which the keepers of a shop's roots exchange them, each on a machine of their own.

The business hub's record says which roots are in force; the next root document is drawn up unsigned, with the payload of the
charter or document that it replaces beside it, so that a keeper without the shop sees which keys go and which come. Old and new
keepers sign it. What they signed is handed in by two officers (the act `root.rotate`), and proves itself.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.adapters.new_file import write_new
from holdgate.crypto.envelope import Envelope, Signature, open_envelope
from holdgate.crypto.hashes import digest
from holdgate.identity.charter import read_charter
from holdgate.identity.roots import ROOT_TYPE, RootDocument, Roots, check_next, missing, read_payload
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import ENVELOPE_BYTES_MAX

FIRST: Final = 2
"""The version of the first root document; the charter is the one before."""


class Exchange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file that goes from keeper to keeper. `before`: the payload that the document replaces; nothing in it is trusted."""

    before: bytes
    document: Envelope


class Drawn(NamedTuple):
    """A file of an exchange, read: the document with the signatures that it has, and the roots that it is to replace.

    `before`: known by its digest alone, which the document names; which keys went earlier it does not say.
    """

    file: Exchange
    document: RootDocument
    before: Roots

    @property
    def missing(self) -> tuple[int, int]:
        """How many signatures of the roots before, and how many of the new ones, it still needs."""
        return missing(self.before, self.file.document, self.document)


_DECODER: Final = msgspec.json.Decoder(Exchange)
_MOST: Final = 3 * ENVELOPE_BYTES_MAX
"""Bytes of a file: a payload and an envelope fit into it."""


def draw_up(path: Path, before: bytes, roots: Roots, org: str, keys: Sequence[bytes], threshold: int) -> Drawn:
    """Write the next root document, unsigned.

    Args:
        path: the new file.
        before: the payload of the charter or root document that is in force.
        roots: in force.
        org: the shop's organisation.
        keys: public keys of the keepers from then on.
        threshold: how many of them have to sign.

    Raises:
        Malformed: they cannot follow, or there is such a file already.
    """
    document = RootDocument(
        org=org, version=roots.version + 1, before=roots.history[-1], roots=tuple(keys), threshold=threshold
    )
    check_next(roots, org, document)
    write_new(path, canon.encode(Exchange(before=before, document=Envelope(canon.encode(document), ROOT_TYPE, []))))
    return read_exchange(path)


def is_exchange(path: Path) -> bool:
    """Whether a file is one of an exchange, rather than a charter's.

    Raises:
        Unavailable: it cannot be read.
    """
    return b'"before"' in _bytes(path)


def read_exchange(path: Path) -> Drawn:
    """A file of an exchange, signed by nobody yet, by some or by all. What it says is proven by its signatures alone.

    Raises:
        Unavailable: it cannot be read. Malformed: it is none. Tampered: it replaces something else than what lies beside it, or a
            signature on it is false or nobody's of the keepers.
    """
    file = canon.decode(_bytes(path), _DECODER, "the exchange of the roots")
    envelope = open_envelope(canon.encode(file.document), ROOT_TYPE, least=0)
    document = read_payload(envelope.payload)
    if digest(file.before) != document.before:
        raise Tampered(f"{path} replaces {document.before[:16]}…, and something else lies beside it: draw it up anew")
    known: RootDocument | None = None if document.version == FIRST else read_payload(file.before)
    named = read_charter(file.before) if known is None else known
    version = FIRST - 1 if known is None else known.version
    before = Roots(
        keys=named.roots, threshold=named.threshold, history=("",) * (version - 1) + (document.before,), former=()
    )
    check_next(before, named.org, document)
    drawn = Drawn(file, document, before)
    _ = drawn.missing
    return drawn


def merged(path: Path, copies: Sequence[Path]) -> Drawn:
    """An exchange with every signature that its copies bring.

    Raises:
        Unavailable, Malformed, Tampered: as `read_exchange`; or a copy says something else than the one that was drawn up.
    """
    drawn = read_exchange(path)
    envelope = drawn.file.document
    rows: dict[str, Signature] = {row.keyid: row for row in envelope.signatures}
    for copy in copies:
        other = read_exchange(copy).file.document
        if other.payload != envelope.payload:
            raise Tampered(
                f"{copy} is not the exchange that was drawn up as {path}: somebody altered it on its way, or it is another one"
            )
        rows = {**{row.keyid: row for row in other.signatures}, **rows}
    whole = Envelope(envelope.payload, ROOT_TYPE, list(rows.values()))
    return drawn._replace(file=Exchange(before=drawn.file.before, document=whole))


def handed_in(drawn: Drawn) -> bytes:
    """The document as the act carries it.

    Raises:
        Tampered: too few signed it.
    """
    old, new = drawn.missing
    if old or new:
        raise Tampered(
            f"{old} more of the roots before it and {new} more of its own have to sign this; nothing is exchanged. Let another "
            "keeper sign it (holdgate root sign)"
        )
    return canon.encode(drawn.file.document)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
    if len(raw) > _MOST:
        raise Malformed(f"{path} is longer than {_MOST} bytes; that is no exchange of roots")
    return raw

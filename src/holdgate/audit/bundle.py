"""Bundles: one site's log in one file that travels, to be audited anywhere.

Lines of JSON: a head (checkpoint and cosignatures), then every entry in order, then every pinned blob. Nothing in it is
trusted: entries prove themselves through the tree, blobs through their digests, the checkpoint through the site's key in
the charter, the charter through root keys that the auditor brings. Source: docs/spec/entry.md, "Bundles".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from typing_extensions import override

from holdgate.audit.replay import LogSource
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BLOB_BYTES_MAX

FORMAT: Final = "holdgate-bundle/1"


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="line"):
    """A line of a bundle."""


class _Head(_Line, frozen=True, kw_only=True, tag="head"):
    checkpoint: bytes
    cosignatures: dict[str, bytes]


class _Entry(_Line, frozen=True, kw_only=True, tag="entry"):
    leaf: bytes
    body: bytes


class _Blob(_Line, frozen=True, kw_only=True, tag="blob"):
    body: bytes


_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_DECODER: Final[msgspec.json.Decoder[_Head | _Entry | _Blob]] = msgspec.json.Decoder(_Head | _Entry | _Blob)


def write_bundle(source: LogSource, blobs: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a bundle.

    Args:
        source: the log.
        blobs: everything that it pins.
    """
    yield _ENCODE(_Head(checkpoint=source.checkpoint(), cosignatures=dict(source.cosignatures()))) + b"\n"
    for _, leaf, body in source.bodies():
        yield _ENCODE(_Entry(leaf=leaf, body=body)) + b"\n"
    for blob in blobs:
        yield _ENCODE(_Blob(body=blob)) + b"\n"


class Bundle(LogSource):
    """A bundle that was read; untrusted."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Read the lines of a bundle.

        Raises:
            Malformed: a line is none of a bundle's, or does not stand where it should; the message names it.
        """
        self._entries: list[tuple[bytes, bytes]] = []
        self._blobs: dict[str, bytes] = {}
        numbered = enumerate(lines, start=1)
        first = next((_read_line(raw, number) for number, raw in numbered), None)
        if not isinstance(first, _Head):
            raise Malformed(f"this is no bundle of format {FORMAT}: it begins with a head")
        self._head = first
        for number, raw in numbered:
            self._take(_read_line(raw, number), number)

    def _take(self, line: "_Head | _Entry | _Blob", number: int) -> None:
        """Take in a line after the head.

        Raises:
            Malformed: it does not stand where it should.
        """
        if isinstance(line, _Head):
            raise Malformed(f"line {number} of the bundle is a second head; there is one, and it comes first")
        if isinstance(line, _Blob):
            self._blobs[digest(line.body)] = line.body
            self._blobs[leaf_hash(line.body).hex()] = line.body
        elif self._blobs:
            raise Malformed(f"line {number} of the bundle is an entry after a document; documents come last")
        else:
            self._entries.append((line.leaf, line.body))

    @override
    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Index, recorded leaf hash and bytes of every entry."""
        for seq, (leaf, body) in enumerate(self._entries):
            yield seq, leaf, body

    @override
    def blob(self, key: str) -> bytes | None:
        """A pinned blob."""
        return self._blobs.get(key)

    @override
    def checkpoint(self) -> bytes:
        """The site's checkpoint."""
        return self._head.checkpoint

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        """The cosigned checkpoints."""
        return self._head.cosignatures


def _read_line(raw: bytes, number: int) -> _Head | _Entry | _Blob:
    if len(raw) > 2 * BLOB_BYTES_MAX:
        raise Malformed(f"line {number} of the bundle is too long")
    try:
        line = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"line {number} of the bundle cannot be read: {error}") from None
    if _ENCODE(line) != raw.removesuffix(b"\n"):
        _check_spelling(line, raw, number)
    return line


def _check_spelling(line: _Head | _Entry | _Blob, raw: bytes, number: int) -> None:
    """Blanks and the order of keys are free; a key twice and another base64 would let two readers see two things.

    Raises:
        Malformed: naming the line.
    """
    if canon.plain(raw, f"line {number} of the bundle") != msgspec.to_builtins(line):
        raise Malformed(f"line {number} of the bundle is not in standard base64: padding, no blanks, unused bits zero")

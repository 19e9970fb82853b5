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
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BLOB_BYTES_MAX

FORMAT: Final = "holdgate-bundle/1"


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="line"):
    """A line of a bundle."""


class _Head(_Line, frozen=True, kw_only=True, tag="head"):
    checkpoint: bytes
    cosignatures: dict[str, bytes]
    format: str = FORMAT


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
            Malformed: a line is none of a bundle's; the message names it.
        """
        self._entries: list[tuple[bytes, bytes]] = []
        self._blobs: dict[str, bytes] = {}
        head: _Head | None = None
        for number, raw in enumerate(lines, start=1):
            line = _read_line(raw, number)
            if isinstance(line, _Head):
                head = line
            elif isinstance(line, _Entry):
                self._entries.append((line.leaf, line.body))
            else:
                self._blobs[digest(line.body)] = line.body
                self._blobs[leaf_hash(line.body).hex()] = line.body
        if head is None or head.format != FORMAT:
            raise Malformed(f"this is no bundle of format {FORMAT}")
        self._head = head

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
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"line {number} of the bundle cannot be read: {error}") from None

"""What a package says of itself: its manifest, the lines of its logs, its list of evidence. All of it is read as untrusted.

Source: docs/spec/package.md, "Parts".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from holdgate.crypto.commitments import is_reference
from holdgate.crypto.hashes import digest
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

FORMAT: Final = "holdgate-package/1"
MANIFEST: Final = "manifest.json"
README: Final = "README.txt"
EVIDENCE: Final = "evidence.json"
RECORD: Final = "job/record.json"
AUDIT: Final = "job/audit.json"
WHOLE, CLIENT = "whole", "client"
PLACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}:(0|[1-9][0-9]{0,15})")
"""`SITE:seq`."""
NAMES_EVIDENCE: Final = ("evidence", "photo_digest")
"""Fields of acts that name evidence by its digest."""
_KNOWN: Final = re.compile(
    r"README\.txt|evidence\.json|logs/[^/]+/(checkpoint|entries\.jsonl)|documents/[0-9a-f]{64}|evidence/(salted-)?[0-9a-f]{64}"
    r"|reports/[^/]+\.json|job/(record\.json|audit\.(json|html|pdf))|papers/[^/]+"
)


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part: its length in bytes and its SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The list of a package's parts. `until`: receipt time of its newest entry (UTC µs).

    `withheld`: `SITE:seq` of entries about the job that are not for whoever gets it; `missing`: what is not here, in words.
    """

    org: str
    order: str
    job: str
    scope: str
    until: int
    withheld: tuple[str, ...]
    missing: tuple[str, ...]
    parts: tuple[Part, ...]
    format: str = FORMAT


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry with its inclusion path, from the leaf up."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]


class Piece(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of evidence: who names it (`SITE:seq`), and whether the package has it."""

    sha256: str
    named_by: tuple[str, ...]
    kept: bool


_MANIFEST: Final = msgspec.json.Decoder(Manifest)
_LINE: Final = msgspec.json.Decoder(Line)
_PIECES: Final = msgspec.json.Decoder(tuple[Piece, ...])


def listed(parts: Mapping[str, bytes]) -> tuple[Part, ...]:
    """The rows of a manifest over these parts."""
    return tuple(Part(name=name, size=len(parts[name]), sha256=digest(parts[name])) for name in sorted(parts))


def read_manifest(raw: bytes | None) -> Manifest:
    """A package's manifest.

    Raises:
        Malformed: there is none, or it is none of this format.
    """
    if raw is None:
        raise Malformed(f"this is no package: it has no {MANIFEST}")
    if len(raw) > limits.PACKAGE_MANIFEST_BYTES_MAX:
        raise Malformed(f"{MANIFEST} has {len(raw)} bytes; at most {limits.PACKAGE_MANIFEST_BYTES_MAX} are read")
    manifest = canon.decode(raw, _MANIFEST, MANIFEST)
    if manifest.format != FORMAT or manifest.scope not in (WHOLE, CLIENT):
        raise Malformed(f"{MANIFEST} is of format {manifest.format[:40]!r}; this reads {FORMAT}")
    return manifest


def differences(manifest: Manifest, parts: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Where a manifest and the parts differ: (part, what is wrong)."""
    if not all(PLACE.fullmatch(place) for place in manifest.withheld):
        yield MANIFEST, "what it says is withheld is not named as SITE:seq"
    names = [row.name for row in manifest.parts]
    if names != sorted({*names}):
        yield MANIFEST, "it does not name each part once, in order"
    for row in manifest.parts:
        content = parts.get(row.name)
        if row.name == MANIFEST or content is None:
            yield row.name, "the manifest names it, and it is not there"
        elif len(content) != row.size:
            yield row.name, f"it has {len(content)} bytes, and the manifest says {row.size}"
        elif digest(content) != row.sha256:
            yield row.name, "it was altered: its SHA-256 is not the one in the manifest"
    for name in sorted({*parts} - {*names} - {MANIFEST}):
        yield name, "it is there, and the manifest does not name it"
    for name in sorted({*parts} - {MANIFEST}):
        if not _KNOWN.fullmatch(name):
            yield name, "no package has a part of this name"
    for name in (README, EVIDENCE):
        if name not in parts:
            yield name, "every package has it, and it is not there"


def write_lines(lines: list[Line]) -> bytes:
    """The entries of one log."""
    return b"".join(canon.encode(line) + b"\n" for line in lines)


def read_lines(raw: bytes) -> Iterator[Line]:
    """The entries of one log, in order.

    Raises:
        Malformed: a line is none, or not in order.
    """
    last = -1
    if not raw.endswith(b"\n"):
        raise Malformed("it is empty, or its last line is cut off")
    for number, text in enumerate(raw[:-1].split(b"\n"), start=1):
        if len(text) > limits.PACKAGE_LINE_BYTES_MAX:
            raise Malformed(f"line {number} has more than {limits.PACKAGE_LINE_BYTES_MAX} bytes")
        line = canon.decode(text, _LINE, f"line {number}")
        if line.index <= last:
            raise Malformed(f"line {number} is not in the order of the log")
        last = line.index
        yield line


def read_pieces(raw: bytes) -> tuple[Piece, ...]:
    """The list of evidence.

    Raises:
        Malformed: it is none.
    """
    return canon.decode(raw, _PIECES, EVIDENCE)


def evidence_in(value: Any) -> Iterator[str]:
    """The commitments and digests of evidence that an act's payload names, in no order, each perhaps more than once."""
    if isinstance(value, dict):
        for name, held in value.items():
            if name in NAMES_EVIDENCE:
                named = held if isinstance(held, list) else [held]
                yield from (text for text in named if isinstance(text, str) and is_reference(text))
            yield from evidence_in(held)
    elif isinstance(value, list):
        for item in value:
            yield from evidence_in(item)


def pieces(named: Mapping[str, list[str]], kept: Mapping[str, bytes]) -> tuple[Piece, ...]:
    """The list of evidence: by digest the entries that name it, and which of it is here."""
    return tuple(
        Piece(sha256=sha256, named_by=tuple(in_order(named[sha256])), kept=sha256 in kept) for sha256 in sorted(named)
    )


def in_order(places: list[str]) -> list[str]:
    """`SITE:seq` by site and index, each once."""
    return sorted({*places}, key=lambda place: (place.partition(":")[0], int(place.partition(":")[2])))

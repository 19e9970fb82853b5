"""Uploads to a mirror (C2SP tlog-mirror, add-entries): what a request says, and how the answers are written.

    u16 length ‖ origin ‖ u64 upload_start ‖ u64 upload_end ‖ u16 length ‖ ticket ‖ packages

A package holds the entries between two multiples of 256, each with its length before it, then one byte and so many hashes: the
proof that these entries, as a subtree, stand in the log of `upload_end` entries. Requests hold the first packages of the sequence
that start and end determine; what follows comes in further requests.

Source: C2SP tlog-mirror (summarised in docs/spec/witness.md); every byte here is untrusted.
"""

import binascii
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import HASH_BYTES
from holdgate.ledger.witness import Reply
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import MIRROR_ORIGIN_BYTES_MAX, MIRROR_PACKAGES_MAX, MIRROR_TICKET_BYTES_MAX, PATH_HASHES_MAX

PACKAGE: Final = 256
INFO_TYPE: Final = "text/x.tlog.mirror-info"
BODY_TYPE: Final = "application/octet-stream"


class Upload(Struct, frozen=True, kw_only=True):
    """The head of a request. `packages`: what comes after it, unread."""

    origin: str
    start: int
    end: int
    ticket: bytes
    packages: bytes


class Span(Struct, frozen=True, kw_only=True):
    """Where a package belongs: entries [start, stop), in the subtree [base, stop)."""

    base: int
    start: int
    stop: int


class Package(Struct, frozen=True, kw_only=True):
    """One package as it came."""

    span: Span
    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]


def read_upload(raw: bytes) -> Upload:
    """The head of a request.

    Raises:
        Malformed: it is cut short, or its origin is no text.
    """
    origin, at = _sized(raw, 0, MIRROR_ORIGIN_BYTES_MAX, "origin")
    if len(raw) < at + 16:
        raise Malformed("the request ends within its start and end")
    start, end = int.from_bytes(raw[at : at + 8], "big"), int.from_bytes(raw[at + 8 : at + 16], "big")
    ticket, at = _sized(raw, at + 16, MIRROR_TICKET_BYTES_MAX, "ticket")
    if start > end:
        raise Malformed(f"an upload from {start} to {end} ends before it begins")
    try:
        return Upload(origin=origin.decode(), start=start, end=end, ticket=ticket, packages=raw[at:])
    except UnicodeDecodeError:
        raise Malformed("the origin is no text in UTF-8") from None


def spans(start: int, end: int) -> Iterator[Span]:
    """The packages that an upload from start to end consists of, in order."""
    base = start - start % PACKAGE
    while start < end:
        stop = min(end, base + PACKAGE)
        yield Span(base=base, start=start, stop=stop)
        base = start = stop


def packages(upload: Upload) -> Iterator[Package]:
    """The packages that came whole, in order, at most MIRROR_PACKAGES_MAX; a last one that was cut off is left out.

    Raises:
        Malformed: a proof of more hashes than any tree needs.
    """
    raw, at = upload.packages, 0
    for number, span in enumerate(spans(upload.start, upload.end)):
        found = None if number == MIRROR_PACKAGES_MAX else _package(raw, at, span)
        if found is None:
            return
        package, at = found
        yield package


def write_info(size: int, following: int) -> Reply:
    """409: what the mirror waits for. `size`: of a pending checkpoint; `following`: the next entry. No ticket is needed here."""
    return Reply(status=409, body=b"%d\n%d\n%b" % (size, following, binascii.b2a_base64(b"")), kind=INFO_TYPE)


def write_progress(size: int, following: int) -> Reply:
    """202: what was taken, and what is still to come."""
    info = write_info(size, following)
    return Reply(status=202, body=info.body, kind=info.kind)


def _package(raw: bytes, at: int, span: Span) -> tuple[Package, int] | None:
    """The package at a place and where the next begins; None where the bytes end within it."""
    entries: list[bytes] = []
    for _ in range(span.stop - span.start):
        begin = at + 2
        at = begin + int.from_bytes(raw[at:begin], "big")
        if len(raw) < begin or len(raw) < at:
            return None
        entries.append(raw[begin:at])
    if len(raw) <= at:
        return None
    count, at = raw[at], at + 1
    if count > PATH_HASHES_MAX:
        raise Malformed(f"a proof has at most {PATH_HASHES_MAX} hashes, not {count}")
    stop = at + count * HASH_BYTES
    if len(raw) < stop:
        return None
    proof = tuple(raw[place : place + HASH_BYTES] for place in range(at, stop, HASH_BYTES))
    return Package(span=span, entries=tuple(entries), proof=proof), stop


def _sized(raw: bytes, at: int, bytes_max: int, what: str) -> tuple[bytes, int]:
    length, begin = int.from_bytes(raw[at : at + 2], "big"), at + 2
    if len(raw) < begin or len(raw) < begin + length:
        raise Malformed(f"the request ends within its {what}")
    if length > bytes_max:
        raise Malformed(f"the {what} has {length} bytes; at most {bytes_max} are read")
    return raw[begin : begin + length], begin + length

"""Tiles: a log as static files that any C2SP client reads.

Level 0 tiles hold leaf hashes, 256 each; entry i of tile n at level L is the root over the leaves from (256n+i)·256^L
on, 256^L of them. The last tile of a level may be partial; its width stands in its path, and empty tiles do not exist.
Bundles hold the entries themselves, each after its length (u16be). Full tiles and bundles never change.

Everything here is derived from the store and may be written again at any time.
Source: C2SP tlog-tiles (commit 5ba5ee8); docs/spec/ledger.md.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from holdgate.crypto.hashes import HASH_BYTES
from holdgate.ledger.merkle import root_of
from holdgate.terms import limits
from holdgate.terms.errors import Malformed

TILE_WIDTH: Final = 256
"""Hashes of a full tile, entries of a full bundle."""
LEVEL_MAX: Final = 63
_LENGTH_BYTES: Final = 2
_LEVEL_SERVED: Final = 3
"""Logs of 2^32 entries and more are not served from here: a tile of level 4 stands over as many."""
_PATH: Final = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """The path of a hash tile below the log's prefix, without a leading slash: `tile/0/x001/x234/067.p/5`.

    Raises:
        Malformed: a level beyond 63, a negative number, or a width outside 1 to 256.
    """
    if not 0 <= level <= LEVEL_MAX:
        raise Malformed(f"there is no tile level {level}; levels run from 0 to {LEVEL_MAX}")
    return f"tile/{level}/{_place(number, width)}"


def entries_path(number: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle below the log's prefix, without a leading slash: `tile/entries/000.p/5`.

    Raises:
        Malformed: a negative number, or a width outside 1 to 256.
    """
    return f"tile/entries/{_place(number, width)}"


def tiles_for(size: int, leaf_hashes: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """All hash tiles of a log, level by level, with the partial one of each level last.

    Args:
        size: tree size to export.
        leaf_hashes: at least `size` leaf hashes (32 bytes each); more are left out.

    Yields:
        (path, content) of each tile.

    Raises:
        Malformed: fewer leaf hashes than the size.
    """
    if not 0 <= size <= len(leaf_hashes):
        raise Malformed(f"tiles for {size} entries need as many leaf hashes; there are {len(leaf_hashes)}")
    level, row = 0, leaf_hashes[:size]
    while row:
        for start in range(0, len(row), TILE_WIDTH):
            hashes = row[start : start + TILE_WIDTH]
            yield tile_path(level, start // TILE_WIDTH, len(hashes)), b"".join(hashes)
        full = len(row) - len(row) % TILE_WIDTH
        row = [root_of(row[start : start + TILE_WIDTH]) for start in range(0, full, TILE_WIDTH)]
        level += 1


def entry_bundles(size: int, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """All entry bundles of a log, the partial one last.

    Args:
        size: tree size to export.
        entries: at least `size` entries of at most 65,535 bytes; more are left out.

    Yields:
        (path, content) of each bundle.

    Raises:
        Malformed: fewer entries than the size, or an entry that is too long (its index is named).
    """
    if not 0 <= size <= len(entries):
        raise Malformed(f"bundles for {size} entries need as many entries; there are {len(entries)}")
    for start in range(0, size, TILE_WIDTH):
        chunk = entries[start : min(start + TILE_WIDTH, size)]
        yield entries_path(start // TILE_WIDTH, len(chunk)), bundle_of(chunk, start)


def bundle_of(chunk: Sequence[bytes], start: int) -> bytes:
    """The bundle of these entries, the first of which has index `start`.

    Raises:
        Malformed: an entry that is too long (its index is named).
    """
    parts: list[bytes] = []
    for index, entry in enumerate(chunk, start):
        if len(entry) > limits.ENTRY_BYTES_MAX:
            raise Malformed(
                f"entry {index} has {len(entry)} bytes; a bundle holds at most {limits.ENTRY_BYTES_MAX} each"
            )
        parts += (len(entry).to_bytes(_LENGTH_BYTES, "big"), entry)
    return b"".join(parts)


def parse_path(path: str) -> tuple[int | None, int, int]:
    """Level (None: a bundle of entries), number and width that an untrusted path names, in its one spelling.

    Raises:
        Malformed: any other spelling; nothing of that name exists.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise Malformed(f"{path[:80]!r} names no tile")
    level = None if match[1] == "entries" else int(match[1])
    number = int(match[2].replace("/", "").replace("x", ""))
    width = TILE_WIDTH if match[3] is None else int(match[3])
    if path != (entries_path(number, width) if level is None else tile_path(level, number, width)):
        raise Malformed(f"{path[:80]!r} is not how that tile is named")
    return level, number, width


def tile_at(
    level: int, number: int, width: int, size: int, leaves: Callable[[int, int], Sequence[bytes]]
) -> bytes | None:
    """One hash tile of a log of this size; None where the log does not fill it so far.

    Args:
        level: from 0.
        number: of the tile in its level.
        width: hashes asked for, 1 to 256; full tiles have 256.
        size: of the log.
        leaves: the leaf hashes [start, stop).
    """
    span = 1 << (8 * level)
    start = number * TILE_WIDTH * span
    stop = start + width * span
    if level > _LEVEL_SERVED or stop > size:
        return None
    row = list(leaves(start, stop))
    if len(row) != stop - start:
        return None
    return b"".join(row) if level == 0 else b"".join(root_of(row[at : at + span]) for at in range(0, len(row), span))


def read_tile(raw: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """The hashes of an untrusted tile of this width. Nothing is proven: recompute the root from them.

    Raises:
        Malformed: a width outside 1 to 256, or another length.
    """
    _check_width(width)
    if len(raw) != width * HASH_BYTES:
        raise Malformed(f"the tile has {len(raw)} bytes; {width} hashes take {width * HASH_BYTES}, so fetch it again")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def read_bundle(raw: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """The entries of an untrusted bundle of this width. Always ends: each step moves on by two bytes or more.

    Raises:
        Malformed: a width outside 1 to 256, bytes that end within an entry (its place in the bundle is named), or bytes
            left over.
    """
    _check_width(width)
    entries: list[bytes] = []
    at = 0
    for place in range(width):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(raw[at:start], "big")
        if end > len(raw):
            raise Malformed(f"the bundle ends within its entry {place} of {width}; fetch it again")
        entries.append(raw[start:end])
        at = end
    if at != len(raw):
        raise Malformed(f"the bundle holds {len(raw) - at} bytes after its {width} entries; fetch it again")
    return entries


def _place(number: int, width: int) -> str:
    """Number and width as in a path: groups of three digits, all but the last with an x; `.p/<width>` where partial."""
    _check_width(width)
    if number < 0:
        raise Malformed(f"there is no tile number {number}")
    text = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03d}/{text}"
    return text if width == TILE_WIDTH else f"{text}.p/{width}"


def _check_width(width: int) -> None:
    if not 1 <= width <= TILE_WIDTH:
        raise Malformed(f"a tile holds 1 to {TILE_WIDTH} items, not {width}")

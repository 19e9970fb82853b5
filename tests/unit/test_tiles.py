"""Tiles and bundles: paths, content, and readers that always end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.merkle import root_of
from holdgate.ledger.tiles import entries_path, entry_bundles, read_bundle, read_tile, tile_path, tiles_for
from holdgate.terms import limits
from holdgate.terms.errors import Malformed

ENTRIES = [b"entry %d" % i for i in range(700)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "000"),
        (67, "067"),
        (999, "999"),
        (1000, "x001/000"),
        (1_234_067, "x001/x234/067"),
        (1_000_000_000, "x001/x000/x000/000"),
    ],
)
def test_tile_numbers_are_written_in_groups(number: int, text: str) -> None:
    assert tile_path(0, number) == f"tile/0/{text}"
    assert tile_path(3, number, 5) == f"tile/3/{text}.p/5"
    assert entries_path(number) == f"tile/entries/{text}"
    assert entries_path(number, 255) == f"tile/entries/{text}.p/255"


@pytest.mark.parametrize(("level", "number", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_impossible_tiles_have_no_path(level: int, number: int, width: int) -> None:
    with pytest.raises(Malformed):
        tile_path(level, number, width)


def test_tiles_of_one_level() -> None:
    assert list(tiles_for(3, LEAVES)) == [("tile/0/000.p/3", b"".join(LEAVES[:3]))]
    assert list(tiles_for(0, LEAVES)) == []
    assert list(tiles_for(256, LEAVES)) == [
        ("tile/0/000", b"".join(LEAVES[:256])),
        ("tile/1/000.p/1", root_of(LEAVES[:256])),
    ]


def test_tiles_of_two_levels_hold_roots_of_256_leaves() -> None:
    tiles = dict(tiles_for(700, LEAVES))
    assert list(tiles) == ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]
    assert tiles["tile/1/000.p/2"] == root_of(LEAVES[:256]) + root_of(LEAVES[256:512])
    assert [h for path in list(tiles)[:3] for h in read_tile(tiles[path], len(tiles[path]) // 32)] == LEAVES


def test_third_level_begins_at_65536_leaves() -> None:
    many = [leaf_hash(i.to_bytes(3, "big")) for i in range(65_537)]
    tiles = dict(tiles_for(65_537, many))
    assert tiles["tile/2/000.p/1"] == root_of(many[:65_536])
    assert "tile/1/000" in tiles
    assert "tile/1/001.p/1" not in tiles
    assert tiles["tile/0/256.p/1"] == many[-1]
    assert len(tiles) == 257 + 1 + 1


@given(st.integers(0, 700))
@settings(deadline=None, max_examples=20)
def test_bundles_come_back_as_the_entries(size: int) -> None:
    found: list[bytes] = []
    for number, (path, raw) in enumerate(entry_bundles(size, ENTRIES)):
        width = min(256, size - 256 * number)
        assert path == entries_path(number, width)
        found += read_bundle(raw, width)
    assert found == ENTRIES[:size]


def test_a_bundle_has_the_length_of_each_entry_in_two_bytes_before_it() -> None:
    """C2SP tlog-tiles, log entries: big-endian uint16."""
    assert list(entry_bundles(2, [b"one", b"x" * 258])) == [
        ("tile/entries/000.p/2", b"\x00\x03one\x01\x02" + b"x" * 258)
    ]


def test_longest_and_empty_entries_fit_a_bundle() -> None:
    entries = [b"", b"x" * limits.ENTRY_BYTES_MAX]
    ((path, raw),) = entry_bundles(2, entries)
    assert path == "tile/entries/000.p/2"
    assert raw[:4] == b"\x00\x00\xff\xff"
    assert read_bundle(raw, 2) == entries


def test_too_long_entry_is_named() -> None:
    entries = [*ENTRIES[:300], b"x" * (limits.ENTRY_BYTES_MAX + 1)]
    with pytest.raises(Malformed, match="entry 300 "):
        list(entry_bundles(301, entries))


def test_export_beyond_the_entries_is_refused() -> None:
    for size in (-1, 4):
        with pytest.raises(Malformed):
            list(tiles_for(size, LEAVES[:3]))
        with pytest.raises(Malformed):
            list(entry_bundles(size, ENTRIES[:3]))


# ------------------------------------------------------------------ readers of untrusted bytes


@pytest.mark.parametrize(
    ("length", "width"), [(0, 1), (31, 1), (33, 1), (64, 1), (32, 2), (32, 256), (0, 0), (257 * 32, 257)]
)
def test_tile_of_another_length_is_refused(length: int, width: int) -> None:
    with pytest.raises(Malformed):
        read_tile(bytes(length), width)


@pytest.mark.parametrize(
    ("raw", "place"),
    [(b"", 0), (b"\x00", 0), (b"\x00\x01", 0), (b"\x00\x00", 1), (b"\x00\x00\x00", 1), (b"\x00\x01a\xff\xff", 1)],
)
def test_truncated_bundle_names_the_entry(raw: bytes, place: int) -> None:
    with pytest.raises(Malformed, match=f"entry {place} of 2"):
        read_bundle(raw, 2)


def test_bytes_after_the_last_entry_are_refused() -> None:
    with pytest.raises(Malformed, match="3 bytes after"):
        read_bundle(b"\x00\x01a\x00\x01b", 1)


@pytest.mark.parametrize("width", [-1, 0, 257])
def test_bundle_of_an_impossible_width_is_refused(width: int) -> None:
    with pytest.raises(Malformed, match="256"):
        read_bundle(b"", width)


@given(st.binary(max_size=300), st.integers(1, 256))
@settings(deadline=None)
def test_any_bytes_are_a_bundle_of_exactly_that_width_or_refused(raw: bytes, width: int) -> None:
    try:
        entries = read_bundle(raw, width)
    except Malformed:
        return
    assert len(entries) == width
    assert b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries) == raw


def test_corrupted_full_bundle_ends_with_a_reason() -> None:
    ((_, raw), *_) = entry_bundles(256, ENTRIES)
    for place in range(0, len(raw), 11):
        corrupted = bytearray(raw)
        corrupted[place] ^= 0x80
        try:
            entries = read_bundle(bytes(corrupted))
        except Malformed:
            continue
        assert root_of([leaf_hash(entry) for entry in entries]) != root_of(LEAVES[:256])

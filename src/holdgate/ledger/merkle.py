"""The Merkle tree of a log: RFC 6962 over SHA-256.

Theory. A tree of n leaves is a row of perfect subtrees, one per set bit of n, the largest first: its **frontier**.
Appending a leaf merges the smallest of them; folding them from the right gives the root. Level L holds the hashes of
the perfect subtrees of 2^L leaves; the path of leaf i takes at each level the neighbour of i >> L: a perfect subtree,
or, at the right border, the **edge**, the hash of what is left there. A tree of another size shares every perfect
subtree with this one, so a proof for an earlier size only needs that size's edges.

`Tree` keeps the recent subtrees only. The functions below it are for checkers and importers, and take untrusted values
where they say so.

Source: RFC 6962 section 2.1; RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verification).
"""

from collections.abc import Sequence
from typing import Final, NoReturn, Self

from holdgate.crypto.hashes import EMPTY_ROOT, HASH_BYTES, node_hash
from holdgate.terms.errors import Malformed, Unavailable

NODES_KEPT: Final = 4_096
"""At least so many of the latest nodes of each level stay in memory: proofs for the last 4,096 leaves need no store."""
_EDGES_KEPT: Final = 8


class _Edges:
    """What a size adds to the perfect subtrees: per level what lies right of the last one (or None), and the root."""

    __slots__ = ("right", "root")

    def __init__(self, right: list[bytes | None], root: bytes) -> None:
        self.right = right
        self.root = root


class Tree:
    """An append-only Merkle tree that forgets old inner nodes, never its root. For one thread."""

    __slots__ = ("_base", "_edges_by_size", "_rows", "size")

    size: int
    """Number of leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._rows: list[list[bytes]] = [[]]
        self._base = [0]
        self._edges_by_size: dict[int, _Edges] = {}

    @classmethod
    def restore(cls, size: int, frontier: Sequence[bytes]) -> Self:
        """The tree of a stored size and frontier; proofs reach back to the leaves appended from here on.

        Args:
            size: leaves.
            frontier: hashes of the perfect subtrees, left to right, as `frontier()` gives them.

        Raises:
            Malformed: the frontier does not have one hash of 32 bytes per set bit of the size.
        """
        _check_frontier(size, frontier)
        tree = cls()
        tree.size = size
        peaks = list(reversed(frontier))
        for level in range(1, size.bit_length()):
            tree._rows.append([])
            tree._base.append(size >> level)
        tree._base[0] = size
        for level in range(size.bit_length()):
            if size >> level & 1:
                tree._rows[level].append(peaks.pop(0))
                tree._base[level] -= 1
        return tree

    def append(self, leaf_hash: bytes) -> int:
        """Append a leaf (its hash, 32 bytes, trusted) and return its index."""
        rows = self._rows
        index = self.size
        level, place, node = 0, index, leaf_hash
        rows[0].append(node)
        while place & 1:
            node = node_hash(rows[level][-2], node)
            place >>= 1
            level += 1
            if level == len(rows):
                rows.append([])
                self._base.append(0)
            rows[level].append(node)
        self.size = index + 1
        if len(rows[0]) > 2 * NODES_KEPT:
            self._forget()
        return index

    def frontier(self) -> tuple[bytes, ...]:
        """Hashes of the perfect subtrees, left to right, the largest first: what `restore` needs beside the size."""
        size = self.size
        return tuple(
            self._node(level, (size >> level) - 1)
            for level in range(size.bit_length() - 1, -1, -1)
            if size >> level & 1
        )

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree, or of the tree that it was at an earlier size.

        Raises:
            Malformed: the size was never reached.
            Unavailable: the size lies too far back.
        """
        return self._edges(self.size if size is None else size).root

    def siblings(self, first: int, count: int, size: int) -> list[list[bytes | None]]:
        """What the paths of neighbouring leaves are made of, level by level from the leaves up.

        A level holds the neighbours of its nodes `first >> level` to `last >> level`; None where a path takes nothing.
        Paths of neighbours share all but their lowest nodes, so a batch costs about two nodes per leaf instead of log
        n.

        Args:
            first: index of the first leaf.
            count: leaves, at least 1.
            size: tree size that the paths prove; the tree may have grown since.

        Raises:
            Malformed: the leaves do not lie within the size, or the size was never reached.
            Unavailable: the leaves lie too far back.
        """
        last = first + count - 1
        if count < 1 or first < 0 or last >= size:
            raise Malformed(f"leaves {first} to {last} do not lie in a tree of {size} leaves")
        right = self._edges(size).right
        levels: list[list[bytes | None]] = []
        for level in range((size - 1).bit_length()):
            low, high, whole = first >> level, last >> level, size >> level
            row, base = self._rows[level], self._base[level]
            if low & ~1 < base:
                self._too_old(first)
            if low == high:
                place = low ^ 1
                levels.append([row[place - base] if place < whole else right[level] if place == whole else None])
            elif high | 1 < whole:
                levels.append([row[(place ^ 1) - base] for place in range(low, high + 1)])
            else:
                places = [place ^ 1 for place in range(low, high + 1)]
                levels.append([row[p - base] if p < whole else right[level] if p == whole else None for p in places])
        return levels

    def paths(self, first: int, count: int, size: int) -> list[tuple[bytes, ...]]:
        """The inclusion paths of neighbouring leaves in the tree of that size, each from the leaf up.

        Args, raises: as `siblings`.
        """
        above: list[tuple[bytes, ...]] = [()]
        levels = self.siblings(first, count, size)
        for level in range(len(levels) - 1, -1, -1):
            low, parent = first >> level, first >> (level + 1)
            above = [
                above[(low + i >> 1) - parent] if node is None else (node, *above[(low + i >> 1) - parent])
                for i, node in enumerate(levels[level])
            ]
        return above

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """The proof that the tree of `size` leaves (default: now) continues that of `old`; empty for 0 and equal sizes.

        Raises:
            Malformed: the sizes are out of order or were never reached.
            Unavailable: the old size lies too far back.
        """
        size = self.size if size is None else size
        if not 0 <= old <= size:
            raise Malformed(f"a tree of {size} leaves cannot continue one of {old}")
        right = self._edges(size).right
        if old in (0, size):
            return []
        start = _trailing_zeros(old)
        path = [] if old == 1 << start else [self._node(start, (old >> start) - 1)]
        for level in range(start, (size - 1).bit_length()):
            place, whole = (old - 1 >> level) ^ 1, size >> level
            node = self._node(level, place) if place < whole else right[level] if place == whole else None
            if node is not None:
                path.append(node)
        return path

    def _edges(self, size: int) -> _Edges:
        """The edges of a size, remembered for the latest few.

        Raises:
            Malformed: the size was never reached.
            Unavailable: the size lies too far back.
        """
        found = self._edges_by_size.get(size)
        if found is not None:
            return found
        if not 0 <= size <= self.size:
            raise Malformed(f"a tree of {self.size} leaves never had {size}")
        right: list[bytes | None] = []
        edge: bytes | None = None
        for level in range(size.bit_length()):
            right.append(edge)
            if size >> level & 1:
                peak = self._node(level, (size >> level) - 1)
                edge = peak if edge is None else node_hash(peak, edge)
        found = _Edges(right, EMPTY_ROOT if edge is None else edge)
        if len(self._edges_by_size) >= _EDGES_KEPT:
            del self._edges_by_size[next(iter(self._edges_by_size))]
        self._edges_by_size[size] = found
        return found

    def _node(self, level: int, place: int) -> bytes:
        """The perfect subtree number `place` of a level.

        Raises:
            Unavailable: it was forgotten.
        """
        at = place - self._base[level]
        if at < 0:
            self._too_old(place << level)
        return self._rows[level][at]

    def _too_old(self, index: int) -> NoReturn:
        raise Unavailable(f"the nodes around leaf {index} are no longer in memory; prove it from the stored tiles")

    def _forget(self) -> None:
        """Drop all but the latest nodes of each level."""
        for level, row in enumerate(self._rows):
            surplus = len(row) - NODES_KEPT
            if surplus > 0:
                del row[:surplus]
                self._base[level] += surplus


def root_from_frontier(frontier: Sequence[bytes], size: int) -> bytes:
    """The root of the tree with this frontier (left to right) and size.

    Raises:
        Malformed: the frontier does not have one hash of 32 bytes per set bit of the size.
    """
    _check_frontier(size, frontier)
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for peak in reversed(frontier[:-1]):
        root = node_hash(peak, root)
    return root


def extend(size: int, frontier: Sequence[bytes], leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """The frontier after these leaf hashes: how an importer follows another site's log with O(log n) of memory.

    Args:
        size: leaves so far.
        frontier: its perfect subtrees, left to right.
        leaves: hashes of the next leaves (32 bytes each).

    Raises:
        Malformed: the frontier does not belong to the size.
    """
    _check_frontier(size, frontier)
    peaks = list(frontier)
    for index, leaf in enumerate(leaves, size):
        node = leaf
        place = index
        while place & 1:
            node = node_hash(peaks.pop(), node)
            place >>= 1
        peaks.append(node)
    return tuple(peaks)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes (32 bytes each)."""
    return root_from_frontier(extend(0, (), leaves), len(leaves))


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The path of one leaf in the tree over all these leaf hashes, from the leaf up. Costs one hash per leaf.

    Raises:
        Malformed: no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise Malformed(f"leaf {index} does not lie in a tree of {len(leaves)} leaves")
    return _climb(leaves, index)


def inclusion_paths(leaves: Sequence[bytes], indexes: Sequence[int]) -> list[list[bytes]]:
    """The paths of many leaves of one tree, each as `inclusion_path` gives it. Costs one hash per leaf for all of them.

    Raises:
        Malformed: no such leaf.
    """
    outside = next((index for index in indexes if not 0 <= index < len(leaves)), None)
    if outside is not None:
        raise Malformed(f"leaf {outside} does not lie in a tree of {len(leaves)} leaves")
    paths: list[list[bytes]] = [[] for _ in indexes]
    row, level = leaves, 0
    while len(row) > 1:
        for path, index in zip(paths, indexes, strict=True):
            sibling = (index >> level) ^ 1
            if sibling < len(row):
                path.append(row[sibling])
        row, level = _row_above(row), level + 1
    return paths


def consistency_path(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """The proof that the tree over all these leaf hashes continues that over its first `old`; empty for 0 and all.

    Raises:
        Malformed: `old` is larger than the tree, or negative.
    """
    if not 0 <= old <= len(leaves):
        raise Malformed(f"a tree of {len(leaves)} leaves cannot continue one of {old}")
    if old in (0, len(leaves)):
        return []
    start = _trailing_zeros(old)
    row = list(leaves)
    for _ in range(start):
        row = _row_above(row)
    place = (old >> start) - 1
    return ([] if old == 1 << start else [row[place]]) + _climb(row, place)


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path proves that leaf number `index` of the tree with this size and root has this hash.

    All arguments may be untrusted; nothing is raised. Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size or not _all_hashes((leaf, root, *path)):
        return False
    place, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the tree of `new_size` continues the tree of `old_size`.

    All arguments may be untrusted; nothing is raised. An old size of 0 is refused, as the reference does: an empty tree
    proves nothing. Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if not path or not _all_hashes((old_root, new_root, *path)):
        return False
    proof = (old_root, *path) if old_size & (old_size - 1) == 0 else tuple(path)
    start = _trailing_zeros(old_size)
    place, last = old_size - 1 >> start, new_size - 1 >> start
    old_node = new_node = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            new_node = node_hash(new_node, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and old_node == old_root and new_node == new_root


def _climb(row: Sequence[bytes], place: int) -> list[bytes]:
    """The neighbours of a node from its row up to the root."""
    path: list[bytes] = []
    while len(row) > 1:
        sibling = place ^ 1
        if sibling < len(row):
            path.append(row[sibling])
        row = _row_above(row)
        place >>= 1
    return path


def _row_above(row: Sequence[bytes]) -> list[bytes]:
    """The next row: pairs hashed, a last odd node carried up (it is the edge of that level)."""
    above = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
    if len(row) & 1:
        above.append(row[-1])
    return above


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def _all_hashes(values: Sequence[bytes]) -> bool:
    """Whether each value has the length of a hash: other lengths would let bytes wander between two children."""
    return all(len(value) == HASH_BYTES for value in values)


def _check_frontier(size: int, frontier: Sequence[bytes]) -> None:
    if size < 0 or len(frontier) != size.bit_count() or not _all_hashes(frontier):
        raise Malformed(
            f"a tree of {size} leaves has another frontier than {len(frontier)} hashes; one of 32 bytes per set bit is "
            "wanted"
        )

"""Subtrees: whether the entries [start, end) of a log, hashed as a tree of their own, stand where a larger tree has them.

A subtree begins at a multiple of the smallest power of two that is not below its length. Its hash is the Merkle tree hash over its
leaves. A consistency proof leads from that hash to the root of the whole tree, without the leaves before and after.

Source: draft-ietf-plants-merkle-tree-certs-02, Subtrees; C2SP tlog-mirror. Vectors: tests/conformance/test_vectors.py.
"""

from collections.abc import Sequence

from holdgate.crypto.hashes import HASH_BYTES, node_hash


def is_subtree(start: int, end: int) -> bool:
    """Whether [start, end) is one."""
    return 0 <= start < end and not start & ((1 << (end - start - 1).bit_length()) - 1)


def verify_subtree(start: int, end: int, size: int, subtree: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of `size` leaves under `root` has this subtree. All values are untrusted.

    Args:
        start: first leaf of the subtree.
        end: the leaf after its last.
        size: leaves of the whole tree.
        subtree: the hash over the subtree's leaves.
        root: of the whole tree.
        path: the proof.
    """
    if not is_subtree(start, end) or end > size or any(len(node) != HASH_BYTES for node in (subtree, root, *path)):
        return False
    first, last, top = start, end - 1, size - 1
    while first != last and (last == top or last & 1):  # what the two trees have in common, from the last leaf up
        first, last, top = first >> 1, last >> 1, top >> 1
    nodes = list(path)
    if first == last:
        inner = outer = subtree
    elif nodes:
        inner = outer = nodes.pop(0)
    else:
        return False
    for node in nodes:
        if not top:
            return False
        if last & 1 or last == top:
            if first < last:
                inner = node_hash(node, inner)
            outer = node_hash(node, outer)
            while last and not last & 1:
                first, last, top = first >> 1, last >> 1, top >> 1
        else:
            outer = node_hash(outer, node)
        first, last, top = first >> 1, last >> 1, top >> 1
    return not top and inner == subtree and outer == root

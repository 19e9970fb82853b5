"""The Merkle tree against the recursive definition of RFC 6962, and against forged proofs."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto.hashes import EMPTY_ROOT, digest, leaf_hash, node_hash, sha256
from holdgate.ledger import merkle
from holdgate.ledger.merkle import (
    Tree,
    consistency_path,
    extend,
    inclusion_path,
    root_from_frontier,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from holdgate.terms.errors import Malformed, Unavailable

LEAVES = [leaf_hash(b"entry %d" % i) for i in range(600)]


# ------------------------------------------------------------------ the definition, word for word


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:]))


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def grown(leaves: Sequence[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree


# ------------------------------------------------------------------ hashes


def test_known_hashes_of_rfc_6962() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_entry_made_of_two_hashes_is_not_their_node() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


# ------------------------------------------------------------------ functions over all leaves


@pytest.mark.parametrize("size", range(40))
def test_roots_paths_and_consistency_equal_the_definition(size: int) -> None:
    leaves = LEAVES[:size]
    assert root_of(leaves) == naive_root(leaves)
    for index in range(size):
        assert inclusion_path(leaves, index) == naive_path(index, leaves)
    for old in range(1, size + 1):
        assert consistency_path(leaves, old) == naive_proof(old, leaves)


@pytest.mark.parametrize("size", range(1, 40))
def test_own_proofs_verify(size: int) -> None:
    leaves = LEAVES[:size]
    root = root_of(leaves)
    for index in range(size):
        assert verify_inclusion(index, size, leaves[index], inclusion_path(leaves, index), root)
    for old in range(1, size + 1):
        assert verify_consistency(old, size, root_of(leaves[:old]), root, consistency_path(leaves, old))


@given(size=st.integers(1, 600), data=st.data())
@settings(deadline=None, max_examples=40)
def test_no_changed_inclusion_proof_verifies(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    index = data.draw(st.integers(0, size - 1))
    root, path, leaf = root_of(leaves), inclusion_path(leaves, index), leaves[index]
    assert verify_inclusion(index, size, leaf, path, root)
    other = sha256(b"other")
    assert not verify_inclusion(index, size, other, path, root)
    assert not verify_inclusion(index, size, leaf, path, other)
    assert not verify_inclusion(index, size, leaf, [*path, other], root)
    assert not verify_inclusion(size, size, leaf, path, root)
    assert not verify_inclusion(-1, size, leaf, path, root)
    for place in range(len(path)):
        assert not verify_inclusion(index, size, leaf, [*path[:place], other, *path[place + 1 :]], root)
        assert not verify_inclusion(index, size, leaf, [*path[:place], *path[place + 1 :]], root)
    wrong = data.draw(st.integers(0, size - 1))
    assert verify_inclusion(wrong, size, leaf, path, root) == (wrong == index)


@given(new=st.integers(2, 600), data=st.data())
@settings(deadline=None, max_examples=40)
def test_no_changed_consistency_proof_verifies(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    leaves = LEAVES[:new]
    before, after, path = root_of(leaves[:old]), root_of(leaves), consistency_path(leaves, old)
    assert verify_consistency(old, new, before, after, path)
    other = sha256(b"other")
    assert not verify_consistency(old, new, other, after, path)
    assert not verify_consistency(old, new, before, other, path)
    assert not verify_consistency(new, old, after, before, path)
    assert not verify_consistency(old, new, before, after, [])
    assert not verify_consistency(old, new, before, after, [*path, other])
    for place in range(len(path)):
        assert not verify_consistency(old, new, before, after, [*path[:place], other, *path[place + 1 :]])
        assert not verify_consistency(old, new, before, after, [*path[:place], *path[place + 1 :]])


def test_rewritten_history_has_no_consistency_proof() -> None:
    forged = [leaf_hash(b"rewritten"), *LEAVES[1:20]]
    assert not verify_consistency(10, 20, root_of(LEAVES[:10]), root_of(forged), consistency_path(forged, 10))


def test_equal_sizes_need_equal_roots_and_an_empty_proof() -> None:
    root = root_of(LEAVES[:5])
    assert verify_consistency(5, 5, root, root, [])
    assert not verify_consistency(5, 5, root, root, [root])
    assert not verify_consistency(5, 5, root, sha256(b""), [])


def test_consistency_with_the_empty_tree_proves_nothing() -> None:
    assert not verify_consistency(0, 5, EMPTY_ROOT, root_of(LEAVES[:5]), [])
    assert not verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])


def test_bytes_moved_between_leaf_and_sibling_are_refused() -> None:
    left, right = LEAVES[0], LEAVES[1]
    assert node_hash(left + right[:1], right[1:]) == root_of([left, right])
    assert not verify_inclusion(0, 2, left + right[:1], [right[1:]], root_of([left, right]))
    path = consistency_path(LEAVES[:3], 2)
    short, root = node_hash(left, right)[:-1], root_of(LEAVES[:3])
    assert not verify_consistency(2, 3, short, root, [node_hash(left, right)[-1:] + path[0]])


@pytest.mark.parametrize(("size", "index"), [(0, 0), (3, 3), (3, -1)])
def test_path_of_a_leaf_that_is_not_there_is_refused(size: int, index: int) -> None:
    with pytest.raises(Malformed):
        inclusion_path(LEAVES[:size], index)


@pytest.mark.parametrize("old", [-1, 4])
def test_consistency_beyond_the_tree_is_refused(old: int) -> None:
    with pytest.raises(Malformed):
        consistency_path(LEAVES[:3], old)
    with pytest.raises(Malformed):
        grown(LEAVES[:3]).consistency(old)


# ------------------------------------------------------------------ the tree that forgets


def test_tree_equals_the_definition_at_every_size() -> None:
    tree = Tree()
    assert tree.root() == naive_root([])
    for size, leaf in enumerate(LEAVES[:70], 1):
        assert tree.append(leaf) == size - 1
        assert tree.size == size
        assert tree.root() == naive_root(LEAVES[:size])
        assert root_from_frontier(tree.frontier(), size) == tree.root()
        for earlier in range(size + 1):
            assert tree.root(earlier) == naive_root(LEAVES[:earlier])


def test_frontier_runs_from_the_largest_subtree_to_the_smallest() -> None:
    assert grown(LEAVES[:7]).frontier() == (root_of(LEAVES[:4]), root_of(LEAVES[4:6]), LEAVES[6])


@given(total=st.integers(1, 300), data=st.data())
@settings(deadline=None, max_examples=60)
def test_batch_paths_prove_an_earlier_size_after_the_tree_has_grown(total: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, total))
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, size - first))
    tree = grown(LEAVES[:total])
    paths = tree.paths(first, count, size)
    root = naive_root(LEAVES[:size])
    assert len(paths) == count
    for index, path in enumerate(paths, first):
        assert list(path) == inclusion_path(LEAVES[:size], index)
        assert verify_inclusion(index, size, LEAVES[index], path, root)


@given(old=st.integers(0, 300), more=st.integers(0, 120), data=st.data())
@settings(deadline=None, max_examples=60)
def test_tree_restored_from_its_frontier_equals_the_full_tree(old: int, more: int, data: st.DataObject) -> None:
    tree = Tree.restore(old, grown(LEAVES[:old]).frontier())
    full = grown(LEAVES[: old + more])
    for leaf in LEAVES[old : old + more]:
        tree.append(leaf)
    assert (tree.size, tree.root(), tree.frontier()) == (full.size, full.root(), full.frontier())
    assert tree.root(old) == naive_root(LEAVES[:old])
    assert tree.consistency(old) == full.consistency(old)
    if more:
        size = data.draw(st.integers(old + 1, old + more))
        assert tree.paths(old, size - old, size) == full.paths(old, size - old, size)
        assert tree.consistency(old, size) == consistency_path(LEAVES[:size], old)


def test_tree_consistency_equals_the_definition() -> None:
    tree = grown(LEAVES[:50])
    for size in range(1, 51):
        for old in range(1, size + 1):
            assert tree.consistency(old, size) == naive_proof(old, LEAVES[:size])
    assert tree.consistency(0) == []


def test_forgetful_tree_gives_true_proofs_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merkle, "NODES_KEPT", 8)
    tree = grown(LEAVES[:200])
    assert max(len(row) for row in tree._rows) <= 16
    given_out = 0
    for size in range(1, 201):
        for index in range(size):
            try:
                (path,) = tree.paths(index, 1, size)
            except Unavailable:
                assert index < 200 - 8
            else:
                given_out += 1
                assert list(path) == inclusion_path(LEAVES[:size], index)
    assert given_out >= 8 * 9 // 2
    for size in range(201):
        try:
            root = tree.root(size)
        except Unavailable:
            assert size < 200 - 8
        else:
            assert root == root_of(LEAVES[:size])
    for old in range(1, 200):
        try:
            path_between = tree.consistency(old)
        except Unavailable:
            assert old < 200 - 8
        else:
            assert path_between == consistency_path(LEAVES[:200], old)


def test_restored_tree_refuses_proofs_of_forgotten_leaves() -> None:
    tree = Tree.restore(6, grown(LEAVES[:6]).frontier())
    with pytest.raises(Unavailable, match="no longer in memory"):
        tree.paths(0, 1, 6)
    with pytest.raises(Unavailable, match="no longer in memory"):
        tree.root(3)


@pytest.mark.parametrize(
    ("first", "count", "size"), [(0, 0, 5), (-1, 1, 5), (4, 2, 5), (0, 1, 6), (5, 1, 6), (0, 1, 0)]
)
def test_paths_outside_the_tree_are_refused(first: int, count: int, size: int) -> None:
    tree = grown(LEAVES[:5])
    with pytest.raises(Malformed):
        tree.paths(first, count, size)


@pytest.mark.parametrize("size", [-1, 6])
def test_root_of_a_size_that_never_was_is_refused(size: int) -> None:
    with pytest.raises(Malformed):
        grown(LEAVES[:5]).root(size)


# ------------------------------------------------------------------ importers


@given(old=st.integers(0, 300), more=st.integers(0, 120))
@settings(deadline=None, max_examples=60)
def test_importer_follows_with_the_frontier_alone(old: int, more: int) -> None:
    frontier = extend(old, extend(0, (), LEAVES[:old]), LEAVES[old : old + more])
    assert frontier == grown(LEAVES[: old + more]).frontier()
    assert root_from_frontier(frontier, old + more) == naive_root(LEAVES[: old + more])


@pytest.mark.parametrize(
    ("size", "frontier"),
    [(3, (b"x" * 32,)), (4, (b"x" * 32, b"y" * 32)), (1, (b"x" * 31,)), (0, (b"x" * 32,)), (-1, ())],
)
def test_frontier_of_another_size_is_refused(size: int, frontier: tuple[bytes, ...]) -> None:
    with pytest.raises(Malformed):
        Tree.restore(size, frontier)
    with pytest.raises(Malformed):
        extend(size, frontier, ())
    with pytest.raises(Malformed):
        root_from_frontier(frontier, size)


@pytest.mark.parametrize("frontier", [(), LEAVES[:2], (b"short",)])
def test_a_frontier_that_belongs_to_another_size_is_not_extended(frontier: tuple[bytes, ...]) -> None:
    with pytest.raises(Malformed, match="another frontier"):
        extend(2, tuple(frontier), LEAVES[2:3])

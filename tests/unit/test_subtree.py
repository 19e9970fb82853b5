"""Proofs that a tree holds a subtree: each subtree of each small tree, and nothing else."""

from hashlib import sha256

import pytest

from holdgate.ledger.subtree import is_subtree, verify_subtree
from tests.trees import mth, subtree_proof

SIZES = range(1, 21)
LEAVES = [sha256(b"%d" % n).digest() for n in range(SIZES.stop)]


def subtrees(size: int) -> list[tuple[int, int]]:
    return [(start, end) for end in range(1, size + 1) for start in range(end) if is_subtree(start, end)]


def test_a_subtree_begins_where_a_whole_one_of_its_width_could() -> None:
    assert subtrees(5) == [(0, 1), (0, 2), (1, 2), (0, 3), (2, 3), (0, 4), (2, 4), (3, 4), (0, 5), (4, 5)]
    assert not any(is_subtree(start, end) for start, end in ((0, 0), (-1, 1), (3, 2), (-2, 0)))


@pytest.mark.parametrize("size", SIZES)
def test_the_proof_of_each_subtree_holds_for_it_and_for_nothing_else(size: int) -> None:
    leaves = LEAVES[:size]
    root = mth(leaves)
    for start, end in subtrees(size):
        proof, subtree = subtree_proof(start, end, leaves), mth(leaves[start:end])
        assert verify_subtree(start, end, size, subtree, root, proof)
        assert not verify_subtree(start, end, size, subtree, sha256(root).digest(), proof)
        assert not verify_subtree(start, end, size, sha256(subtree).digest(), root, proof)
        assert not verify_subtree(start, end, size, subtree, root, [*proof, root])
        for place in range(len(proof)):
            assert not verify_subtree(start, end, size, subtree, root, proof[:place] + proof[place + 1 :])
            assert not verify_subtree(start, end, size, subtree, root, [*proof[:place], root[:-1], *proof[place + 1 :]])


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_for_one_subtree_proves_no_other(size: int) -> None:
    """The draft's proofs have no second reading: neither another place nor a tree of another size takes them."""
    leaves = LEAVES[:size]
    root = mth(leaves)
    for start, end in subtrees(size):
        proof, subtree = subtree_proof(start, end, leaves), mth(leaves[start:end])
        for other in subtrees(size):
            assert verify_subtree(*other, size, subtree, root, proof) == (other == (start, end)), (start, end, other)
        assert not verify_subtree(start, end, end - 1, subtree, root, proof)

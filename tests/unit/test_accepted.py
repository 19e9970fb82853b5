"""Roots and proofs over a Vault's mirrors: the same as from all leaves, and each leaf read once."""

import random

from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.merkle import NODES_KEPT, consistency_path, root_of, verify_consistency
from holdgate.sites.accepted import Mirrored

LEAVES = [leaf_hash(b"%d" % n) for n in range(3 * NODES_KEPT)]


class Counted:
    """A mirror that counts what is read of it."""

    def __init__(self) -> None:
        self.read = 0

    def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        self.read += stop - start
        return LEAVES[start:stop]


def test_roots_at_every_size_are_those_of_all_leaves() -> None:
    mirror = Counted()
    mirrored = Mirrored(mirror.leaves)
    for size in (1, 2, 1_023, 1_024, 1_025, 5_000, 7, 3_072, len(LEAVES)):
        assert mirrored.root("o", size) == root_of(LEAVES[:size]), size


def test_asked_again_and_again_it_does_not_read_the_whole_mirror_again() -> None:
    """Somebody hands in one old signed checkpoint without end."""
    mirror = Counted()
    mirrored = Mirrored(mirror.leaves)
    for _ in range(50):
        mirrored.root("o", 12_000)
    assert mirror.read < len(LEAVES) + 50 * 1_024


def test_proofs_are_those_of_all_leaves_near_and_far_back() -> None:
    mirror = Counted()
    mirrored = Mirrored(mirror.leaves)
    size, drawn = 0, random.Random(7)
    while size < len(LEAVES):
        size = min(len(LEAVES), size + drawn.randrange(1, 900))
        old = drawn.randrange(max(0, size - 2_000), size + 1)
        assert mirrored.proof("o", old, size) == consistency_path(LEAVES[:size], old), (old, size)
    assert mirror.read == len(LEAVES), "each leaf once"
    far = mirrored.proof("o", 5, size)
    assert verify_consistency(5, size, root_of(LEAVES[:5]), root_of(LEAVES[:size]), far)
    assert mirrored.proof("o", 300, size - 50) == consistency_path(LEAVES[: size - 50], 300)


def test_logs_are_kept_apart() -> None:
    mirrored = Mirrored(
        lambda origin, start, stop: LEAVES[start:stop] if origin == "a" else LEAVES[-stop or None :][: stop - start]
    )
    assert mirrored.root("a", 5) == root_of(LEAVES[:5])
    assert mirrored.root("b", 5) != mirrored.root("a", 5)

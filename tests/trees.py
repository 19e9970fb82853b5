"""Roots and proofs of Merkle trees by the definitions of RFC 6962 and of the subtrees' draft: slow, and not from our code."""

from hashlib import sha256


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        return sha256(b"").digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def subtree_proof(start: int, end: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """The draft's subtree consistency proof, by its definition."""
    if (start, end) == (0, len(leaves)):
        return [] if known else [mth(leaves)]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if end <= k:
        return [*subtree_proof(start, end, leaves[:k], known), mth(leaves[k:])]
    if start >= k:
        return [*subtree_proof(start - k, end - k, leaves[k:], known), mth(leaves[:k])]
    return [*subtree_proof(0, end - k, leaves[k:], False), mth(leaves[:k])]


def consistency(old: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.2: that of the subtree which begins at 0."""
    return [] if old in {0, len(leaves)} else subtree_proof(0, old, leaves)

"""SHA-256 and the RFC 6962 hashes; there is no second hash in Holdgate.

Leaves and inner nodes carry different prefixes, so that no entry can be passed off as a node of the tree (second
preimage).
Source: FIPS 180-4; RFC 6962 section 2.1; docs/spec/ledger.md.
"""

import hashlib
from typing import Final

HASH_BYTES: Final = 32
"""Length of every hash."""


def sha256(data: bytes) -> bytes:
    """The SHA-256 of the bytes (32 bytes)."""
    return hashlib.sha256(data).digest()


def digest(data: bytes) -> str:
    """The SHA-256 of the bytes as 64 lowercase hex digits: the spelling of every digest in payloads and entries."""
    return hashlib.sha256(data).hexdigest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a log entry as a leaf: H(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children (32 bytes each): H(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT: Final = sha256(b"")
"""The root of a tree without leaves."""

"""Receipts as `tlog-proof` text: index, inclusion path and checkpoint of one entry, checked with the log's key alone.

    c2sp.org/tlog-proof@v1
    [extra <base64>]
    index <i>
    <base64 of each hash of the path, one a line, from the leaf up>
    <blank line>
    <the signed checkpoint, verbatim>

Source: C2SP tlog-proof (commit 5ba5ee8); docs/spec/ledger.md.
"""

import binascii
from collections.abc import Sequence
from typing import Final

import msgspec

from holdgate.crypto.hashes import HASH_BYTES
from holdgate.ledger.merkle import Tree, verify_inclusion
from holdgate.ledger.note import Checkpoint, Vkey, decode_base64, open_checkpoint, read_number
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import PATH_HASHES_MAX, PROOF_BYTES_MAX

_HEADER: Final = b"c2sp.org/tlog-proof@v1"


class Proof(msgspec.Struct, frozen=True):
    """What a receipt says. Untrusted until `verify_proof` has passed."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    """The signed checkpoint, verbatim."""
    extra: bytes | None = None
    """Opaque data of the writer; nothing vouches for it."""


def write_proof(index: int, path: Sequence[bytes], checkpoint: bytes, extra: bytes | None = None) -> bytes:
    """The receipt of one entry.

    Args:
        index: of the entry in its log.
        path: hashes from the leaf up.
        checkpoint: signed, of the size that the path proves.
        extra: opaque data that readers may ignore.
    """
    more = b"" if extra is None else b"extra " + binascii.b2a_base64(extra)
    return b"%b\n%bindex %d\n%b\n%b" % (_HEADER, more, index, b"".join(map(binascii.b2a_base64, path)), checkpoint)


def receipts(tree: Tree, first: int, count: int, size: int, checkpoint: bytes) -> list[bytes]:
    """The receipts of neighbouring entries; they equal `write_proof` of each path, at a fraction of the cost.

    Entries of a batch share the upper lines of their paths, so each node is spelled in base64 once.

    Args:
        tree: the log's tree; it may have grown past `size` meanwhile.
        first: index of the first entry.
        count: entries, at least 1.
        size: tree size of the checkpoint.
        checkpoint: signed, of that size.

    Raises:
        Malformed: the entries do not lie within the size, or the size was never reached.
        Unavailable: the entries lie too far back for the tree's memory.
    """
    spell = binascii.b2a_base64
    above = [b""]
    levels = tree.siblings(first, count, size)
    for level in range(len(levels) - 1, -1, -1):
        low, parent = first >> level, first >> (level + 1)
        nodes = levels[level]
        if len(nodes) == 1:
            node = nodes[0]
            above = above if node is None else [spell(node) + above[0]]
        else:
            lines = [b"" if node is None else spell(node) for node in nodes]
            above = [line + above[(place >> 1) - parent] for place, line in enumerate(lines, low)]
    tail = b"\n" + checkpoint
    return [b"c2sp.org/tlog-proof@v1\nindex %d\n%b%b" % (index, path, tail) for index, path in enumerate(above, first)]


def read_proof(raw: bytes) -> Proof:
    """Read untrusted bytes as a receipt. Proves nothing: `verify_proof` does.

    Raises:
        Malformed: too long, another header, an index that is no number, a line that is no hash, more than 63 hashes, no
            checkpoint.
    """
    if len(raw) > PROOF_BYTES_MAX:
        raise Malformed(f"the receipt has {len(raw)} bytes; at most {PROOF_BYTES_MAX} are read")
    head, blank, checkpoint = raw.partition(b"\n\n")
    header, *lines = head.split(b"\n")
    if header != _HEADER or not blank or not lines:
        raise Malformed(
            "this is not a receipt: it must begin with c2sp.org/tlog-proof@v1 and end with a checkpoint after a blank "
            "line"
        )
    extra = None
    if lines[0].startswith(b"extra "):
        extra = decode_base64(lines.pop(0).removeprefix(b"extra "), "the receipt's extra line")
    if not lines or not lines[0].startswith(b"index "):
        raise Malformed("the receipt names no index; after its header it reads: index <number>")
    index = read_number(lines[0].removeprefix(b"index "), "the receipt's index")
    if len(lines) - 1 > PATH_HASHES_MAX:
        raise Malformed(f"the receipt's path has {len(lines) - 1} hashes; no tree needs more than {PATH_HASHES_MAX}")
    path = tuple(decode_base64(line, "the receipt's path") for line in lines[1:])
    if any(len(node) != HASH_BYTES for node in path):
        raise Malformed(f"the receipt's path holds a hash that has not {HASH_BYTES} bytes")
    return Proof(index, path, checkpoint, extra)


def verify_proof(raw: bytes, leaf_hash: bytes, vkey: Vkey) -> Checkpoint:
    """Check that an entry is on the record of the log with this key, and return the checkpoint that covers it.

    Args:
        raw: the untrusted receipt.
        leaf_hash: computed by the caller from the entry in question.
        vkey: the trusted key of the log.

    Raises:
        Malformed: not a receipt, or its checkpoint is none.
        Tampered: the checkpoint is not signed by this log, or the path does not lead from this entry to its root.
    """
    proof = read_proof(raw)
    checkpoint = open_checkpoint(proof.checkpoint, vkey)
    if not verify_inclusion(proof.index, checkpoint.size, leaf_hash, proof.path, checkpoint.root):
        raise Tampered(
            f"the receipt does not prove this entry at index {proof.index} of {checkpoint.origin}; ask the log for a "
            "new one"
        )
    return checkpoint

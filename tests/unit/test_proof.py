"""Receipts: written, shared in batches, read, and refused when forged."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.merkle import Tree, inclusion_path
from holdgate.ledger.note import Checkpoint, Notary, parse_vkey
from holdgate.ledger.proof import Proof, read_proof, receipts, verify_proof, write_proof
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import PATH_HASHES_MAX, PROOF_BYTES_MAX

NOTARY = Notary("lab.example/node-fpi", SigningKey(b"\x01" * 32))
OTHER = Notary("lab.example/node-fpi", SigningKey(b"\x02" * 32))
LOG = parse_vkey(NOTARY.vkey)
LEAVES = [leaf_hash(b"entry %d" % i) for i in range(400)]
HEADER = b"c2sp.org/tlog-proof@v1\n"


def grown(total: int) -> Tree:
    tree = Tree()
    for leaf in LEAVES[:total]:
        tree.append(leaf)
    return tree


TREE = grown(20)
NOTE = NOTARY.checkpoint(20, TREE.root())
RECEIPT = receipts(TREE, 13, 1, 20, NOTE)[0]


def test_receipt_is_written_as_specified() -> None:
    lines = [base64.b64encode(node) + b"\n" for node in inclusion_path(LEAVES[:20], 13)]
    assert HEADER + b"index 13\n" + b"".join(lines) + b"\n" + NOTE == RECEIPT


def test_receipt_proves_its_entry() -> None:
    assert verify_proof(RECEIPT, LEAVES[13], LOG) == Checkpoint("lab.example/node-fpi", 20, TREE.root())


def test_first_entry_alone_has_an_empty_path() -> None:
    tree = grown(1)
    (receipt,) = receipts(tree, 0, 1, 1, NOTARY.checkpoint(1, tree.root()))
    assert read_proof(receipt).path == ()
    assert verify_proof(receipt, LEAVES[0], LOG).size == 1


@given(total=st.integers(1, 400), data=st.data())
@settings(deadline=None, max_examples=40)
def test_batch_of_receipts_equals_single_ones_after_the_tree_has_grown(total: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, total))
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, size - first))
    tree = grown(total)
    note = NOTARY.checkpoint(size, tree.root(size))
    batch = receipts(tree, first, count, size, note)
    singles = [write_proof(i, inclusion_path(LEAVES[:size], i), note) for i in range(first, first + count)]
    assert batch == singles
    assert verify_proof(batch[-1], LEAVES[first + count - 1], LOG).size == size


def test_receipts_of_forgotten_entries_are_unavailable() -> None:
    with pytest.raises(Unavailable):
        receipts(Tree.restore(20, TREE.frontier()), 0, 1, 20, NOTE)


@pytest.mark.parametrize("extra", [None, b"", b"\x00\xff anything"])
def test_receipt_comes_back_with_its_extra_line(extra: bytes | None) -> None:
    path = inclusion_path(LEAVES[:20], 13)
    raw = write_proof(13, path, NOTE, extra)
    assert read_proof(raw) == Proof(13, tuple(path), NOTE, extra)
    assert verify_proof(raw, LEAVES[13], LOG).size == 20


# ------------------------------------------------------------------ forged


def test_receipt_does_not_prove_another_entry() -> None:
    with pytest.raises(Tampered, match="index 13"):
        verify_proof(RECEIPT, LEAVES[12], LOG)


def test_receipt_does_not_prove_another_place() -> None:
    for index in (0, 12, 14, 19, 20, 2**40):
        with pytest.raises(Tampered):
            verify_proof(RECEIPT.replace(b"index 13\n", b"index %d\n" % index), LEAVES[13], LOG)


def test_receipt_under_another_logs_key_is_refused() -> None:
    forged = receipts(TREE, 13, 1, 20, OTHER.checkpoint(20, TREE.root()))[0]
    with pytest.raises(Tampered, match="no known key"):
        verify_proof(forged, LEAVES[13], LOG)


def test_path_under_a_checkpoint_of_another_size_is_refused() -> None:
    later = grown(33)
    with pytest.raises(Tampered):
        verify_proof(RECEIPT.replace(NOTE, NOTARY.checkpoint(33, later.root())), LEAVES[13], LOG)


def test_shortened_and_lengthened_paths_are_refused() -> None:
    path = inclusion_path(LEAVES[:20], 13)
    for other in (path[1:], path[:-1], [*path, path[0]], [path[0], *path], []):
        with pytest.raises(Tampered):
            verify_proof(write_proof(13, other, NOTE), LEAVES[13], LOG)


@given(st.integers(0, 600), st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_no_changed_byte_yields_another_believed_receipt(place: int, value: int) -> None:
    raw = bytearray(RECEIPT)
    raw[place % len(raw)] = value
    try:
        found = verify_proof(bytes(raw), LEAVES[13], LOG)
    except (Malformed, Tampered):
        assert bytes(raw) != RECEIPT
    else:
        assert found == verify_proof(RECEIPT, LEAVES[13], LOG)
        assert read_proof(bytes(raw)).index == 13


# ------------------------------------------------------------------ malformed

HASH = base64.b64encode(sha256(b"x")) + b"\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        HEADER,
        HEADER + b"\n" + NOTE,
        HEADER + b"index 13\n",
        HEADER + b"extra QQ==\n\n" + NOTE,
        HEADER + b"extra QQ==\nextra QQ==\nindex 1\n\n" + NOTE,
        HEADER + b"extra QQ\nindex 1\n\n" + NOTE,
        HEADER + b"index 1\nextra QQ==\n\n" + NOTE,
        HEADER + b"index 01\n\n" + NOTE,
        HEADER + b"index -1\n\n" + NOTE,
        HEADER + b"index \n\n" + NOTE,
        HEADER + b"index 1\n" + HASH[:-2] + b"\n\n" + NOTE,
        HEADER + b"index 1\n" + base64.b64encode(bytes(31)) + b"\n\n" + NOTE,
        HEADER + b"index 1\n" + HASH * (PATH_HASHES_MAX + 1) + b"\n" + NOTE,
        RECEIPT.replace(b"@v1", b"@v2"),
        RECEIPT.replace(b"\n", b"\r\n"),
        b"\n" + RECEIPT,
        RECEIPT + b" " * PROOF_BYTES_MAX,
    ],
)
def test_odd_receipts_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_proof(raw)


def test_longest_path_is_read() -> None:
    raw = HEADER + b"index 1\n" + HASH * PATH_HASHES_MAX + b"\n" + NOTE
    assert len(read_proof(raw).path) == PATH_HASHES_MAX


@given(st.binary(max_size=120))
@settings(deadline=None)
def test_no_bytes_raise_anything_but_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        verify_proof(raw, LEAVES[0], LOG)
    with pytest.raises(Malformed):
        verify_proof(HEADER + b"index 1\n\n" + raw, LEAVES[0], LOG)

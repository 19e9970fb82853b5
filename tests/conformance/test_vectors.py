"""Vectors of other projects (SOURCES.txt): RFC 6962, Tessera, Wycheproof, CCTV, JCS; and a second DSSE reader."""

import base64
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from holdgate.crypto.envelope import PAYLOAD_TYPE, open_envelope, seal
from holdgate.crypto.hashes import EMPTY_ROOT, leaf_hash
from holdgate.crypto.keys import SigningKey, check_enrollable, verify
from holdgate.ledger.merkle import (
    Tree,
    consistency_path,
    inclusion_path,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from holdgate.ledger.note import Checkpoint, Vkey, open_checkpoint, parse_vkey
from holdgate.ledger.proof import receipts, verify_proof, write_proof
from holdgate.ledger.subtree import verify_subtree
from holdgate.ledger.tiles import entries_path, entry_bundles, read_bundle, read_tile, tile_path, tiles_for
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered

TESSERA_SIZE = 15


def unpack(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def cases(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, json.loads(path.read_bytes())) for path in sorted(folder.rglob("*.json"))]


# ------------------------------------------------------------------ RFC 6962: transparency-dev/merkle


def test_inclusion_vectors(shared: Path) -> None:
    found = cases(shared / "vectors/merkle/testdata/inclusion")
    assert len(found) == 98
    assert {case["wantErr"] for _, case in found} == {True, False}
    for path, case in found:
        proof = [unpack(node) for node in case["proof"] or []]
        holds = verify_inclusion(
            case["leafIdx"], case["treeSize"], unpack(case["leafHash"]), proof, unpack(case["root"])
        )
        assert holds is not case["wantErr"], path


def test_subtree_consistency_vectors(shared: Path) -> None:
    found = cases(shared / "vectors/merkle/testdata/subtreeconsistency")
    assert len(found) == 118
    passed_over = 0
    for path, case in found:
        start, end, subtree, root = case["start"], case["end"], unpack(case["root1"]), unpack(case["root2"])
        holds = verify_subtree(start, end, case["size"], subtree, root, [unpack(node) for node in case["proof"] or []])
        if start == end or len(subtree) != 32:  # empty subtrees and texts in place of hashes: there good, here never
            assert not holds, path
            passed_over += not case["wantErr"]
        else:
            assert holds is not case["wantErr"], path
    assert passed_over == 7


def test_consistency_vectors(shared: Path) -> None:
    found = cases(shared / "vectors/merkle/testdata/consistency")
    assert len(found) == 98
    assert {case["wantErr"] for _, case in found} == {True, False}
    for path, case in found:
        proof = [unpack(node) for node in case["proof"] or []]
        holds = verify_consistency(case["size1"], case["size2"], unpack(case["root1"]), unpack(case["root2"]), proof)
        assert holds is not case["wantErr"], path


def test_consistency_with_the_empty_tree_is_rejected_as_by_the_reference(shared: Path) -> None:
    found = [case for _, case in cases(shared / "vectors/merkle/testdata/consistency") if case["size1"] == 0]
    would_pass = [case for case in found if not case["proof"] and case["size2"] >= 0]
    assert len(would_pass) >= 3
    for case in would_pass:
        assert case["wantErr"] is True
        assert not verify_consistency(0, case["size2"], unpack(case["root1"]), unpack(case["root2"]), [])


# ------------------------------------------------------------------ C2SP: a log written by Tessera


@pytest.fixture(scope="session")
def log(shared: Path) -> Path:
    return shared / "vectors/tessera/testdata/log"


@pytest.fixture(scope="session")
def log_key(shared: Path) -> Vkey:
    return parse_vkey((shared / "vectors/tessera/log.vkey").read_text().strip())


@pytest.fixture(scope="session")
def log_entries(log: Path) -> list[bytes]:
    return read_bundle((log / entries_path(0, TESSERA_SIZE)).read_bytes(), TESSERA_SIZE)


@pytest.mark.parametrize("size", range(TESSERA_SIZE + 1))
def test_tessera_checkpoint_is_signed_and_its_root_follows_from_the_entries(
    log: Path, log_key: Vkey, log_entries: list[bytes], size: int
) -> None:
    checkpoint = open_checkpoint((log / f"checkpoint.{size}").read_bytes(), log_key)
    assert checkpoint == Checkpoint(
        "example.com/log/testdata", size, root_of([leaf_hash(e) for e in log_entries[:size]])
    )
    assert size or checkpoint.root == EMPTY_ROOT


def test_changed_tessera_checkpoint_is_refused(log: Path, log_key: Vkey) -> None:
    raw = (log / "checkpoint").read_bytes()
    assert open_checkpoint(raw, log_key).size == TESSERA_SIZE
    with pytest.raises(Tampered):
        open_checkpoint(raw.replace(b"\n15\n", b"\n16\n"), log_key)


@pytest.mark.parametrize("size", range(1, TESSERA_SIZE + 1))
def test_tiles_and_bundles_equal_those_of_tessera(log: Path, log_entries: list[bytes], size: int) -> None:
    leaves = [leaf_hash(entry) for entry in log_entries]
    assert list(tiles_for(size, leaves)) == [(tile_path(0, 0, size), (log / tile_path(0, 0, size)).read_bytes())]
    assert list(entry_bundles(size, log_entries)) == [
        (entries_path(0, size), (log / entries_path(0, size)).read_bytes())
    ]
    assert read_tile((log / tile_path(0, 0, size)).read_bytes(), size) == leaves[:size]


def test_receipts_prove_under_the_checkpoints_of_tessera(log: Path, log_key: Vkey, log_entries: list[bytes]) -> None:
    tree = Tree()
    leaves = [leaf_hash(entry) for entry in log_entries]
    for leaf in leaves:
        tree.append(leaf)
    for size in range(1, TESSERA_SIZE + 1):
        note = (log / f"checkpoint.{size}").read_bytes()
        batch = receipts(tree, 0, size, size, note)
        for index, receipt in enumerate(batch):
            assert receipt == write_proof(index, inclusion_path(leaves[:size], index), note)
            assert verify_proof(receipt, leaves[index], log_key).size == size


def test_every_tessera_checkpoint_continues_the_earlier_ones(
    log: Path, log_key: Vkey, log_entries: list[bytes]
) -> None:
    roots = [open_checkpoint((log / f"checkpoint.{n}").read_bytes(), log_key).root for n in range(TESSERA_SIZE + 1)]
    leaves = [leaf_hash(entry) for entry in log_entries]
    for new in range(1, TESSERA_SIZE + 1):
        for old in range(1, new + 1):
            assert verify_consistency(old, new, roots[old], roots[new], consistency_path(leaves[:new], old))
            assert old == new or not verify_consistency(
                old, new, roots[old - 1], roots[new], consistency_path(leaves[:new], old)
            )


# ------------------------------------------------------------------ Ed25519


def test_wycheproof_ed25519(shared: Path) -> None:
    suite = json.loads((shared / "vectors/wycheproof/testvectors_v1/ed25519_test.json").read_bytes())
    verdicts: list[bool] = []
    for group in suite["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            holds = verify(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert holds is (case["result"] == "valid"), case["tcId"]
            verdicts.append(holds)
    assert len(verdicts) == suite["numberOfTests"]
    assert {True, False} <= set(verdicts)


def by_cryptography(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def enrollable(public: bytes) -> bool:
    try:
        check_enrollable(public)
    except Malformed:
        return False
    return True


def test_cctv_edge_cases_under_the_strict_rule(shared: Path) -> None:
    suite = json.loads((shared / "vectors/cctv/ed25519/ed25519vectors.json").read_bytes())
    assert len(suite) == 914
    accepted = [
        case for case in suite if verify(bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
    ]
    assert len(accepted) == 43
    for case in accepted:
        flags = set(case["flags"] or [])
        assert not flags & {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"}


def test_enrolled_keys_leave_libraries_one_disagreement_and_it_is_a_refusal_here(shared: Path) -> None:
    suite = json.loads((shared / "vectors/cctv/ed25519/ed25519vectors.json").read_bytes())
    disagreements, after_check, agreed = 0, [], 0
    for case in suite:
        public, message, signature = bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"])
        differs = verify(public, message, signature) is not by_cryptography(public, message, signature)
        disagreements += differs
        if enrollable(public):
            agreed += not differs
            if differs:
                after_check.append((case["number"], case["flags"], verify(public, message, signature)))
    assert disagreements == 208 - 43
    assert agreed > 0
    assert after_check == [(304, ["low_order_R"], False)]


# ------------------------------------------------------------------ JCS (RFC 8785)


def in_profile(value: object) -> bool:
    """Our profile of JSON: no floats, ASCII keys."""
    if isinstance(value, dict):
        return all(key.isascii() and in_profile(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(in_profile, value))
    return not isinstance(value, float)


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [found for item in value.values() for found in texts(item)]
    if isinstance(value, list):
        return [found for item in value for found in texts(item)]
    return [value] if isinstance(value, str) else []


def test_canonical_encoding_equals_jcs_within_the_profile(shared: Path) -> None:
    folder = shared / "vectors/jcs/testdata"
    checked = []
    for path in sorted((folder / "input").glob("*.json")):
        value = json.loads(path.read_bytes())
        if in_profile(value):
            assert canon.encode(value) == (folder / "output" / path.name).read_bytes()
            assert canon.encode(value) == bytes.fromhex((folder / "outhex" / f"{path.stem}.txt").read_text())
            checked.append(path.stem)
    assert checked == ["arrays", "unicode"]


def test_texts_are_escaped_as_in_jcs(shared: Path) -> None:
    folder = shared / "vectors/jcs/testdata"
    found = 0
    for path in sorted((folder / "input").glob("*.json")):
        expected = (folder / "output" / path.name).read_bytes()
        for text in texts(json.loads(path.read_bytes())):
            assert b":" + canon.encode(text) in expected
            found += 1
    assert found >= 15


def test_text_that_jcs_leaves_unnormalised_is_refused_here(shared: Path) -> None:
    value = json.loads((shared / "vectors/jcs/testdata/input/unicode.json").read_bytes())
    assert any(unicodedata.normalize("NFC", text) != text for text in texts(value))
    with pytest.raises(Malformed, match="NFC"):
        canon.check_text(value, "the vector")


# ------------------------------------------------------------------ DSSE: securesystemslib reads what we seal

PERSON, STATION = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)


def second_reader(raw: bytes) -> tuple[Any, list[Any]]:
    """The envelope and both keys as securesystemslib sees them."""
    dsse = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not installed")
    signer = pytest.importorskip("securesystemslib.signer", reason="securesystemslib is not installed")
    keys = [
        signer.SSlibKey(name, "ed25519", "ed25519", {"public": key.public.hex()})
        for name, key in (("SID-TEC-12", PERSON), ("WS-FPI-1", STATION))
    ]
    return dsse.Envelope.from_dict(json.loads(raw)), keys


@pytest.mark.parametrize("payload_type", [PAYLOAD_TYPE, "application/vnd.holdgate.contract.v1+json"])
def test_sealed_envelope_is_accepted_by_securesystemslib(payload_type: str) -> None:
    payload = b'{"command":"SignStep"}'
    raw = seal(payload, [("SID-TEC-12", PERSON), ("WS-FPI-1", STATION)], payload_type)
    envelope, keys = second_reader(raw)
    assert set(envelope.verify(keys, 2)) == {"SID-TEC-12", "WS-FPI-1"}
    assert (envelope.payload, envelope.payload_type) == (payload, payload_type)
    respelled = json.dumps(envelope.to_dict()).encode()
    assert open_envelope(respelled, payload_type) == open_envelope(raw, payload_type)


def test_changed_envelope_is_refused_by_securesystemslib_too() -> None:
    exceptions = pytest.importorskip("securesystemslib.exceptions", reason="securesystemslib is not installed")
    raw = seal(b'{"n":1}', [("SID-TEC-12", PERSON), ("WS-FPI-1", STATION)])
    forged = raw.replace(base64.b64encode(b'{"n":1}'), base64.b64encode(b'{"n":2}'))
    envelope, keys = second_reader(forged)
    with pytest.raises(exceptions.VerificationError):
        envelope.verify(keys, 2)

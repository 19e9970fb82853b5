"""Planted defects: trees, proofs, notes, entries."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = (
    Defect(
        name="a leaf is hashed like an inner node",
        module="holdgate.crypto.hashes",
        old='hashlib.sha256(b"\\x00" + entry)',
        new='hashlib.sha256(b"\\x01" + entry)',
        check=(
            "tests/conformance/test_vectors.py::"
            "test_tessera_checkpoint_is_signed_and_its_root_follows_from_the_entries[1]"
        ),
        after="CVE-2012-2459 (Bitcoin), second preimages in Merkle trees",
    ),
    Defect(
        name="a shortened path is a proof",
        module="holdgate.ledger.merkle",
        old="    return last == 0 and node == root",
        new="    return node == root",
        check="tests/conformance/test_vectors.py::test_inclusion_vectors",
        after="immudb CVE-2022-36111",
    ),
    Defect(
        name="a proof of consistency proves no old root",
        module="holdgate.ledger.merkle",
        old="return last == 0 and old_node == old_root and new_node == new_root",
        new="return last == 0 and new_node == new_root",
        check="tests/unit/test_merkle.py::test_no_changed_consistency_proof_verifies",
        after="immudb CVE-2022-36111",
        soak=True,
    ),
    Defect(
        name="the empty tree is continued by everything",
        module="holdgate.ledger.merkle",
        old=("    if not 0 < old_size <= new_size:\n        return False\n"),
        new=("    if not old_size:\n        return True\n    if not 0 < old_size <= new_size:\n        return False\n"),
        check=(
            "tests/conformance/test_vectors.py::test_consistency_with_the_empty_tree_is_rejected_as_by_the_reference"
        ),
    ),
    Defect(
        name="two histories of one size are one",
        module="holdgate.ledger.merkle",
        old="return not path and old_root == new_root",
        new="return not path",
        check="tests/conformance/test_vectors.py::test_consistency_vectors",
    ),
    Defect(
        name="bytes wander between two children",
        module="holdgate.ledger.merkle",
        old="return all(len(value) == HASH_BYTES for value in values)",
        new="return True",
        check="tests/conformance/test_vectors.py::test_inclusion_vectors",
    ),
    Defect(
        name="the peaks are hashed from the wrong end",
        module="holdgate.ledger.merkle",
        old=("    for peak in reversed(frontier[:-1]):\n        root = node_hash(peak, root)"),
        new=("    for peak in frontier[:-1]:\n        root = node_hash(peak, root)"),
        check=(
            "tests/conformance/test_vectors.py::"
            "test_tessera_checkpoint_is_signed_and_its_root_follows_from_the_entries[7]"
        ),
    ),
    Defect(
        name="a log that grew hands out paths of another size",
        module="holdgate.ledger.merkle",
        old=("levels.append([row[p - base] if p < whole else right[level] if p == whole else None for p in places])"),
        new="levels.append([row[p - base] if p - base < len(row) else None for p in places])",
        check="tests/unit/test_merkle.py::test_batch_paths_prove_an_earlier_size_after_the_tree_has_grown",
        soak=True,
    ),
    Defect(
        name="an entry has two spellings",
        module="holdgate.ledger.entry",
        old="if _ENCODER.encode(entry) != body:",
        new="if False:",
        check="tests/unit/test_entry.py::test_another_spelling_of_an_entry_is_none[a blank]",
    ),
    Defect(
        name="a receipt vouches for its own checkpoint",
        module="holdgate.ledger.proof",
        old="    checkpoint = open_checkpoint(proof.checkpoint, vkey)\n",
        new=(
            "    from holdgate.ledger.note import parse_checkpoint\n"
            "\n"
            "    checkpoint = parse_checkpoint(proof.checkpoint)\n"
        ),
        check="tests/unit/test_proof.py::test_receipt_under_another_logs_key_is_refused",
        after="immudb CVE-2022-39199",
        soak=True,
    ),
    Defect(
        name="a checkpoint of another log passes under our key",
        module="holdgate.ledger.note",
        old="if checkpoint.origin != log.name or log.name not in names:",
        new="if log.name not in names:",
        check="tests/unit/test_note.py::test_checkpoint_of_another_origin_under_our_key_is_refused",
    ),
    Defect(
        name="a false signature beside a true one is overlooked",
        module="holdgate.ledger.note",
        old=(
            "            raise Tampered(\n"
            '                f"the signature of {line.name[:80]!r} does not hold for this note; nothing '
            'of it is believed"\n'
            "            )"
        ),
        new="            continue",
        check="tests/unit/test_note.py::test_changed_note_of_the_go_library_is_refused",
    ),
    Defect(
        name="a cosignature does not sign its time",
        module="holdgate.ledger.note",
        old='return b"cosignature/v1\\ntime %d\\n%b" % (time_s, text)',
        new='return b"cosignature/v1\\ntime %d\\n%b" % (0, text)',
        check="tests/unit/test_note.py::test_cosignature_is_written_as_specified",
    ),
    Defect(
        name="base64 has several spellings",
        module="holdgate.ledger.note",
        old="if binascii.b2a_base64(data, newline=False) != text:",
        new="if not data:",
        check=(
            "tests/unit/test_note.py::"
            "test_odd_checkpoint_bodies_are_malformed[a\\n7\\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\\n]"
        ),
    ),
    Defect(
        name="a bundle may end within an entry",
        module="holdgate.ledger.tiles",
        old="        if end > len(raw):\n",
        new="        if False:\n",
        check="tests/unit/test_tiles.py::test_truncated_bundle_names_the_entry[-0]",
    ),
)

"""Planted defects: links, imports, the Vault, hosts, witnesses, the watch."""

from typing import Final

from tests.planted.defect import Defect, Worlds

DEFECTS: Final = (
    Defect(
        name="a store that was set back is believed",
        module="holdgate.sites.reconcile",
        old="        self._compare(f\"{who} {'holds' if vault is None else 'cosigned'}\", held)\n",
        new="",
        check=Worlds(("set back",)),
    ),
    Defect(
        name="a fork of one's own log is not seen",
        module="holdgate.sites.reconcile",
        old="if root_of(self._store.leaves(0, held.size)) != held.root:",
        new="if False:",
        check=("tests/faults/test_rollback.py::test_a_restored_backup_that_has_grown_again_forked_and_cannot_go_on"),
    ),
    Defect(
        name="one peer's word is a quorum",
        module="holdgate.sites.reconcile",
        old="enough = max(QUORUM_MIN, len(self._takers) // 2 + 1)",
        new="enough = 1",
        check=(
            "tests/faults/test_peers_witness.py::"
            "test_without_the_vault_more_than_half_of_the_sites_that_take_the_log_confirm_it[peers1-False]"
        ),
    ),
    Defect(
        name="the Vault cosigns what does not continue its mirror",
        module="holdgate.sites.vault",
        old=("if checkpoint.size != segment.size or checkpoint.root != root_from_frontier(extended, segment.size):"),
        new="if checkpoint.size != segment.size:",
        check=(
            "tests/faults/test_rollback.py::"
            "test_alone_a_restored_backup_starts_unreconciled_and_is_caught_when_it_meets_the_vault"
        ),
    ),
    Defect(
        name="the mirror is not compared with what is offered",
        module="holdgate.sites.vault",
        old="if held != leaves[: len(held)]:",
        new="if False:",
        check=("tests/faults/test_rollback.py::test_a_fork_that_is_offered_from_its_beginning_is_kept_as_evidence"),
        soak=True,
    ),
    Defect(
        name="evidence of a fork is not kept",
        module="holdgate.sites.vault",
        old="        self.store.keep_evidence(segment.origin, segment.checkpoint, why)\n",
        new="",
        check=(
            "tests/faults/test_rollback.py::"
            "test_alone_a_restored_backup_starts_unreconciled_and_is_caught_when_it_meets_the_vault"
        ),
    ),
    Defect(
        name="a document of another digest is mirrored",
        module="holdgate.sites.vault",
        old="if any(digest(blob) != key for key, blob in segment.blobs.items()):",
        new="if False:",
        check="tests/unit/test_sites.py::test_the_vault_keeps_no_document_under_a_key_that_is_not_its_own",
        soak=True,
    ),
    Defect(
        name="a mirror that was uploaded stays without documents",
        module="holdgate.sites.vault",
        old="return self.store.documented(origin)",
        new="return self.store.held(origin)[0]",
        check=(
            "tests/conformance/test_mirror_uploads.py::"
            "test_a_sites_log_that_was_uploaded_gets_its_documents_over_the_bus"
        ),
        after="an upload by a stranger would have left the Vault's mirror without documents",
        soak=True,
    ),
)

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
        name="the Vault answers for what it did not keep",
        module="holdgate.sites.vault",
        old=(
            "        await asyncio.to_thread(self.store.keep, segment.origin, size, bodies, extended, "
            "cosigned, segment.blobs)\n"
            "        if segment"
        ),
        new=(
            "        try:\n"
            "            await asyncio.to_thread(self.store.keep, segment.origin, size, bodies, "
            "extended, cosigned, segment.blobs)\n"
            "        except Unavailable:\n"
            "            pass\n"
            "        if segment"
        ),
        check="tests/faults/test_append_faults.py::test_a_vault_whose_disk_fails_answers_no_offer",
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
        name="another site's log is mirrored in its name",
        module="holdgate.sites.vault",
        old="if seat is None or seat.id != sender:",
        new="if seat is None:",
        check="tests/unit/test_mirror.py::test_a_log_is_taken_from_its_own_site_alone",
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
    Defect(
        name="an upload is mirrored without its proof",
        module="holdgate.sites.uploads",
        old=("if not verify_subtree(span.base, span.stop, upload.end, root_of(leaves), root, package.proof):"),
        new="if False:",
        check=(
            "tests/conformance/test_mirror_uploads.py::"
            "test_what_is_not_proven_is_refused_and_what_was_proven_before_it_stays"
        ),
        soak=True,
    ),
    Defect(
        name="a link never tries again",
        module="holdgate.engine.replicate",
        old=("        if self._bus.linked(self._site, self.peer) and not self._stopped:\n            rest"),
        new=("        if False:\n            rest"),
        check=Worlds(("loss", "disk")),
    ),
    Defect(
        name="an imported entry is not held against its leaf",
        module="holdgate.law.segments",
        old="if not 0 <= index < len(segment.leaves) or leaf != segment.leaves[index]:",
        new="if not 0 <= index < len(segment.leaves):",
        check=(
            "tests/unit/test_chronicle.py::"
            "test_a_stretch_is_refused_and_nothing_changed_when_it[holds_an_altered_entry]"
        ),
        soak=True,
    ),
    Defect(
        name="a segment's last leaf is not hashed",
        module="holdgate.law.segments",
        old=(
            "extend(known.size, known.frontier, segment.leaves)\n"
            "    if checkpoint.root != root_from_frontier(frontier, segment.size):"
        ),
        new=("extend(known.size, known.frontier, segment.leaves)\n    if False:"),
        check=(
            "tests/unit/test_chronicle.py::"
            "test_a_stretch_is_refused_and_nothing_changed_when_it[holds_an_altered_entry_with_its_own_hash]"
        ),
        soak=True,
    ),
    Defect(
        name="a pinned document comes along as another one",
        module="holdgate.law.segments",
        old="if sha256 not in reader.pinned or digest(blob) != sha256:",
        new="if sha256 not in reader.pinned:",
        check=(
            "tests/unit/test_chronicle.py::"
            "test_a_stretch_is_refused_and_nothing_changed_when_it[holds_another_document_than_its_entry_pins]"
        ),
        soak=True,
    ),
    Defect(
        name="a site puts other words beside a signed act",
        module="holdgate.law.segments",
        old="if not can_say(command, event):",
        new="if False:",
        check=(
            "tests/unit/test_chronicle.py::"
            "test_a_stretch_is_refused_and_nothing_changed_when_it[says_something_else_than_the_act_that_was_signed]"
        ),
    ),
    Defect(
        name="the hub alone hands out keys",
        module="holdgate.law.segments",
        old="if not proven or len(officers_of(command, self._roster, event.id)) < 2:",
        new="if not proven:",
        check=(
            "tests/unit/test_rekey.py::"
            "test_a_hub_that_gives_out_keys_by_itself_is_believed_by_no_other_site[one officer]"
        ),
        soak=True,
    ),
    Defect(
        name="a signature proved under an old key is taken over",
        module="holdgate.law.segments",
        old="if found.command is not None and keys_of(found.command, self._roster) != found.keys:",
        new="if False:",
        check=(
            "tests/unit/test_intake.py::"
            "test_signatures_that_were_checked_early_count_only_under_the_key_that_counts_when_they_are_folded[rekeyed-enrolled_anew-False]"
        ),
        soak=True,
    ),
    Defect(
        name="a writer that was replaced goes on writing",
        module="holdgate.engine.keeping",
        old="if term != promised:",
        new="if term > promised:",
        check="tests/unit/test_keeping.py::test_after_a_later_promise_nothing_of_an_earlier_term_is_taken",
    ),
    Defect(
        name="a keeper promises one term to two hosts",
        module="holdgate.engine.keeping",
        old="        if term <= promise.term or (",
        new="        if term < promise.term or (",
        check=("tests/unit/test_keeping.py::test_the_first_claim_is_granted_and_asking_with_term_0_promises_nothing"),
    ),
    Defect(
        name="the watch takes any entry for the one it made",
        module="holdgate.engine.follow",
        old="if draft.body != body:",
        new="if False:",
        check="tests/unit/test_watch.py::test_what_differs_is_told_in_words[<lambda>-allow-deny]",
        soak=True,
    ),
    Defect(
        name="the watch checks no signatures",
        module="holdgate.engine.follow",
        old="if action is not None and self._signatures:",
        new="if False:",
        check="tests/unit/test_watch.py::test_a_site_that_takes_an_act_without_its_signature_is_alarmed",
        soak=True,
    ),
    Defect(
        name="a node's word passes for the Vault's",
        module="holdgate.law.chronicle",
        old='if vault is None or vault.kind != "vault":',
        new="if vault is None:",
        check="tests/unit/test_chronicle.py::test_a_cosignature_of_anybody_else_is_refused",
    ),
    Defect(
        name="a witness takes a history that does not continue",
        module="holdgate.ledger.witness",
        old="if not verify_consistency(size, new.size, held.root, new.root, request.proof):",
        new="if False:",
        check=(
            "tests/unit/test_witness.py::"
            "test_what_is_refused_is_answered_by_its_status_and_changes_nothing[a proof of another fork]"
        ),
    ),
    Defect(
        name="a witness forgets what it signed before",
        module="holdgate.ledger.witness",
        old="if held is None or size == 0:\n",
        new="if True:\n",
        check="tests/unit/test_witness.py::test_a_checkpoint_that_continues_is_cosigned[1-2]",
    ),
)

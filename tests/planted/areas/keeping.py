"""Planted defects: legal hold, erasure, audit, machines."""

from typing import Final

from tests.planted.defect import Defect, gate, scenario

DEFECTS: Final = (
    Defect(
        name="a legal hold is ignored",
        module="holdgate.law.gates.retention",
        old=("        if found is not None:\n            about, hold = found"),
        new=("        if False:\n            about, hold = found"),
        check=scenario("211"),
    ),
    Defect(
        name="a payload is erased before its time",
        module="holdgate.law.gates.retention",
        old="    if kept is not None:",
        new="    if False:",
        check=scenario("211"),
    ),
    Defect(
        name="whom it is about signs the erasure",
        module="holdgate.law.gates.retention",
        old="return tuple(name for name in officers if payload is None or name not in payload.persons)",
        new="return tuple(officers)",
        check=gate("an_officer_whom_the_payload_is_about", "test_gates_retention"),
    ),
    Defect(
        name="an erased payload stays readable",
        module="holdgate.adapters.sqlite_payloads",
        old='            _run(self._keys, "DELETE FROM key WHERE commitment = ?", one)\n',
        new="            pass\n",
        check="tests/unit/test_payloads.py::test_what_is_erased_is_in_no_file_any_more",
    ),
    Defect(
        name="a payload is gone before its erasure is on record",
        module="holdgate.sites.erasing",
        old="payload.erased.ref < size and",
        new="",
        check="tests/unit/test_payloads.py::test_an_erasure_that_is_not_durable_yet_erases_nothing",
    ),
    Defect(
        name="an erased payload comes back",
        module="holdgate.sites.payloads",
        old=("    if known is not None and known.erased is not None:\n        return known.erased\n"),
        new="",
        check="tests/unit/test_payloads.py::test_an_erasure_is_told_with_date_people_and_reason",
    ),
    Defect(
        name="an auditor believes the decisions",
        module="holdgate.audit.replay",
        old=("        if draft.body != body:\n            raise Tampered(difference"),
        new=("        if False:\n            raise Tampered(difference"),
        check=(
            "tests/unit/test_verifier.py::"
            "test_an_altered_record_is_refused_and_the_first_fault_named[an_entry_in_another_spelling]"
        ),
        soak=True,
    ),
    Defect(
        name="an auditor checks no signatures",
        module="holdgate.audit.replay",
        old="        why = check_signatures(envelope, keys)\n",
        new='        why = ""\n',
        check="tests/unit/test_watch.py::test_a_site_that_takes_an_act_without_its_signature_is_alarmed",
        soak=True,
    ),
    Defect(
        name="an auditor believes the leaf hashes",
        module="holdgate.audit.replay",
        old="        if leaf_hash(body) != leaf:",
        new="        if False:",
        check=(
            "tests/unit/test_verifier.py::"
            "test_an_altered_record_is_refused_and_the_first_fault_named[a_byte_of_a_leaf_hash]"
        ),
        soak=True,
    ),
    Defect(
        name="two logs tell two stories and nobody compares",
        module="holdgate.audit.cross",
        old="            elif root_of(found).hex() != taken.root:",
        new="            elif False:",
        check="tests/unit/test_cross.py::test_a_log_that_shows_another_history_than_it_told_is_named",
    ),
    Defect(
        name="a stamped head that contradicts is passed over",
        module="holdgate.audit.stamped",
        old="    if root != stamped.root:",
        new="    if False:",
        check=(
            "tests/faults/test_stamped_heads.py::"
            "test_a_record_made_anew_contradicts_the_stamped_head_and_log_size_and_both_roots_are_named"
        ),
    ),
    Defect(
        name="a machine acts twice under one permit",
        module="holdgate.gate.client",
        old="            if self._permits.pop(permit.permit, None) is None:",
        new="            if self._permits.get(permit.permit) is None:",
        check="tests/unit/test_gate.py::test_what_is_remembered_of_used_permits_is_bounded",
    ),
    Defect(
        name="a machine acts under a permit that is over",
        module="holdgate.gate.client",
        old="        if left_us < 0:",
        new="        if False:",
        check="tests/unit/test_gate.py::test_attack_an_expired_permit",
    ),
    Defect(
        name="a machine believes a permit without its signature",
        module="holdgate.gate.permit",
        old="    verify_all(envelope, [(site, site_key)])  # (2)\n",
        new="",
        check="tests/property/test_gate.py::test_any_flipped_bit_halts",
        soak=True,
    ),
    Defect(
        name="a machine takes an answer to another question",
        module="holdgate.gate.permit",
        old="return next((name for name, value in asked.items() if getattr(answer, name) != value), None)",
        new="return None",
        check=(
            "tests/property/test_gate.py::"
            "test_anything_else_than_what_was_asked_halts_even_under_the_sites_own_signature"
        ),
        soak=True,
    ),
)

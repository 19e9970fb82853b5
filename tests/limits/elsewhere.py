"""Limits that no table goes up to: where another test does, and which are not reached by bytes or counts, each with its reason."""

from typing import Final

EDGE: Final = "tests/conformance/test_http_limits.py"
FORWARDER: Final = "tests/unit/test_forwarder.py"
BROADCASTS: Final = "tests/conformance/test_broadcasts.py"
NODE: Final = "tests/unit/test_node_environment.py"
HEADS: Final = "tests/unit/test_heads.py"
SCALE: Final = "tests/unit/test_scale.py"
BODIES: Final = "tests/web/test_rows.py::test_every_body_has_an_end"
ELSEWHERE: Final = {
    "NOTATION_BYTES_MAX": "tests/unit/test_notation.py::test_a_contract_holds_so_many_marks_and_bytes_and_no_more",
    "NOTATION_MARKS_MAX": "tests/unit/test_notation.py::test_a_contract_holds_so_many_marks_and_bytes_and_no_more",
    "ROOTS_MAX": "tests/unit/test_roots.py::test_as_many_roots_as_there_may_be",
    "SESSIONS_OF_ONE_MAX": "tests/web/test_sessions.py::test_one_person_has_so_many_sessions_and_no_more",
    "REFUSALS_TOLD_MAX": (
        "tests/web/test_sessions.py::test_refusals_beyond_the_limit_are_counted_and_sign_ins_always_told"
    ),
    "SIGN_IN_WORD_CHARS_MAX": (
        "tests/web/test_sessions.py::test_a_line_is_one_line_of_ascii_whatever_a_stranger_sends"
    ),
    "SHEET_LINES_MAX": "tests/unit/test_sheet_lines.py::test_a_table_has_so_many_lines_and_no_more",
    "SCANS_AT_ONCE_MAX": "tests/unit/test_scanner.py::test_so_many_scans_run_at_once_and_the_rest_wait",
    "DENIALS_MAX": "tests/unit/test_handoff.py::test_what_is_not_named_any_more_still_refuses",
    "DENIAL_VALUES_BYTES_MAX": "tests/unit/test_handoff.py::test_a_refusal_fits_its_entry_whatever_the_signers_wrote",
    "PAYLOAD_DEPTH_MAX": "tests/unit/test_notation.py::test_nesting_is_allowed_up_to_its_maximum_and_no_deeper",
    "BLOB_BYTES_MAX": "tests/unit/test_wire.py::test_what_a_site_would_refuse_for_its_size_is_not_sent",
    "PINS_MAX": "tests/unit/test_wire.py::test_what_a_site_would_refuse_for_its_size_is_not_sent",
    "IMPORT_ENTRIES_MAX": "tests/unit/test_wire.py::BAD",
    "RULE_DEPTH_MAX": "tests/unit/test_rules.py::test_a_rule_may_be_as_deep_and_as_large_as_the_limits",
    "RULE_STEPS_MAX": "tests/unit/test_rules.py::test_a_rule_past_its_budget_says_so_and_nothing_absorbs_it",
    "RULE_LIST_MAX": "tests/unit/test_rules.py::test_a_missing_fact_denies",
    "RULE_CAUSES_MAX": "tests/unit/test_rules.py::test_errors_and_budgets_are_explained_as_such",
    "WIRE_BYTES_MAX": "tests/unit/test_wire.py::test_a_call_is_measured_before_it_is_decoded",
    "WIRE_ANSWER_BYTES_MAX": "tests/unit/test_wire.py::test_a_peer_s_sentence_is_cut_and_freed_of_control_characters",
    "WIRE_WHY_CHARS_MAX": "tests/unit/test_wire.py::test_a_peer_s_sentence_is_cut_and_freed_of_control_characters",
    "SEGMENT_BYTES": "tests/unit/test_reading.py::test_one_stretch_travels_alone_where_its_documents_are_large",
    "BROADCAST_BYTES_MAX": f"{BROADCASTS}::test_a_reader_that_floods_fills_its_own_share_and_the_stream_is_mended",
    "BROADCASTS_HELD_BYTES_MAX": f"{FORWARDER}::test_what_is_too_much_of_one_reader_is_left_to_it_and_others_are_served",
    "BROKER_READER_MESSAGES_MAX": f"{BROADCASTS}::test_a_reader_that_floods_fills_its_own_share_and_the_stream_is_mended",
    "DEFECTS_MAX": f"{BROADCASTS}::test_what_sets_off_a_defect_is_left_to_its_reader_and_holds_up_nobody",
    "PACKAGE_BYTES_MAX": "tests/unit/test_package.py::test_a_file_that_is_too_long_is_refused_unread",
    "PACKAGE_PARTS_MAX": "tests/unit/test_package.py::_many",
    "PACKAGE_ENTRIES_MAX": "tests/unit/test_package.py::test_more_entries_than_a_package_may_have_are_refused",
    "FAILED_AT_ONCE_MAX": f"{NODE}::test_one_value_that_fails_very_many_executions_still_fits_its_entry",
    "RECALLED_AT_ONCE_MAX": "tests/unit/test_recalls.py::test_one_failed_check_fits_its_entry_and_the_hub_recalls_the_rest",
    "PERMIT_SENTENCE_CHARS_MAX": "tests/unit/test_permits.py::test_the_longest_refusal_fits_an_envelope",
    "PERMIT_UNMET_MAX": "tests/unit/test_permits.py::test_the_longest_refusal_fits_an_envelope",
    "ATTEMPTS_PER_S_MAX": "tests/unit/test_submit.py::test_the_quota_holds_in_every_second_of_an_attack_that_goes_on",
    "PASSED_MAX": f"{SCALE}::test_what_is_nothing_to_a_peer_is_passed_over_unread_and_what_is_comes_all_the_same",
    "LOCKERS_ASKED_MAX": "tests/unit/test_lockers.py::test_many_kiosks_ask_once_and_a_flood_is_refused",
    "READER_ANSWER_BYTES_MAX": "tests/unit/test_broker_answers.py::test_only_what_is_about_these_bytes_is_an_answer",
    "HTTP_HEADER_S_MAX": f"{EDGE}::test_no_slow_connection_is_held_beyond_its_deadline",
    "HTTP_BODY_S_MAX": f"{EDGE}::test_no_slow_connection_is_held_beyond_its_deadline",
    "HTTP_ANSWER_S_MAX": f"{EDGE}::test_no_slow_connection_is_held_beyond_its_deadline",
    "HTTP_HEADER_BYTES_MAX": f"{EDGE}::test_a_head_of_the_longest_length_is_taken",
    "HTTP_HEADERS_MAX": f"{EDGE}::test_what_is_too_long_is_refused_before_the_application_sees_it",
    "HTTP_BODY_BYTES_MAX": f"{EDGE}::test_what_is_too_long_is_refused_before_the_application_sees_it",
    "HTTP_HELD_BYTES_MAX": f"{EDGE}::test_all_bodies_at_once_are_bounded",
    "HTTP_AT_ONCE_MAX": f"{EDGE}::test_the_last_quarter_of_the_requests_is_for_who_has_few_under_way",
    "HTTP_FEW_EACH_MAX": f"{EDGE}::test_the_last_quarter_of_the_requests_is_for_who_has_few_under_way",
    "HTTP_PIPELINED_MAX": f"{EDGE}::test_a_flood_of_pipelined_requests_is_left_after_a_few",
    "HTTP_CONNECTIONS_MAX": f"{EDGE}::test_where_all_places_are_taken_the_longest_idle_makes_room_and_work_is_not_disturbed",
    "HTTP_PER_ADDRESS_MAX": f"{EDGE}::test_one_address_has_a_share_of_the_connections_and_others_are_served",
    "HTTP_STREAMS_MAX": f"{EDGE}::test_an_event_stream_outlives_the_time_for_answers_and_is_bounded_in_number",
    "HTTP_UNSENT_BYTES_MAX": f"{EDGE}::test_a_stream_that_nobody_reads_is_cut_off",
    "SUBMISSION_HEAD_BYTES_MAX": BODIES,
    "SUBMISSION_BYTES_MAX": BODIES,
    "DRAFT_BYTES_MAX": BODIES,
    "SESSIONS_MAX": "tests/web/test_browser_rules.py::test_sessions_and_challenges_are_bounded_and_the_oldest_goes",
    "ORDER_DRAFTS_MAX": "tests/web/test_order_drafts_page.py::test_the_drawer_takes_all_or_nothing_and_no_more_than_its_most",
    "OPTIONS_MAX": "tests/property/test_law.py::test_options_are_decided_by_the_law_and_change_nothing",
    "ENV_ROWS_MAX": "tests/unit/test_env_csv.py::test_every_wrong_row_is_named_and_none_is_taken",
    "EPCIS_DEPTH_MAX": "tests/unit/test_epcis.py::test_size_depth_and_items_are_bounded",
    "EPCIS_PREHASH_CHARS_MAX": "tests/conformance/test_epcis_hash.py::test_what_is_too_deep_or_too_long_is_refused",
    "WITNESS_EVIDENCE_MAX": "tests/unit/test_witness.py::test_the_same_contradiction_is_kept_once_and_nobody_fills_the_disk",
    "COSIGNING_ROUNDS_MAX": "tests/unit/test_cosigning.py::test_a_witness_that_tells_another_size_each_time_is_left_soon",
    "MIRROR_UPLOAD_BYTES_MAX": "tests/conformance/test_mirror_uploads.py::test_a_body_may_be_packed",
    "TIMESTAMP_ANSWER_BYTES_MAX": "tests/conformance/test_rfc3161.py::test_an_authority_that_is_away_slow_or_greedy_is_let_go",
    "HEAD_REST_S_MAX": f"{HEADS}::test_while_the_authority_is_away_the_same_head_is_asked_about_again_after_longer_rests",
    "INVOICE_XML_BYTES_MAX": "tests/unit/test_invoice_documents.py::test_a_document_that_is_too_long_is_not_given_out",
    "INVOICE_CHECKED_MAX": "tests/unit/test_invoice_documents.py::test_the_process_is_replaced_after_so_many_documents",
}
"""Limit → the test (or its table) that goes up to it or past it; some put a smaller figure in its place."""

_SHOWN: Final = (
    "bounds what a view shows of a whole shop's state; the rest is counted or found by a search, and nothing is refused"
)
UNREACHED: Final = {
    "DENIAL_WHY_CHARS_MAX": "cuts sentences of this product's own, whose lengths nobody chooses to the character",
    "DENIAL_FINDINGS_MAX": "cuts a list of findings that a contract needs many faults for; what fits the entry is DENIALS_MAX",
    "RULE_SENTENCE_CHARS_MAX": "cuts a sentence inside of the gate; DENIAL_VALUE_CHARS_MAX, as long, cuts it once more",
    "WATCH_WORDS_CHARS_MAX": "cuts what a difference between two decisions reads like; it takes an engine that decides otherwise",
    "COSIGNING_ANSWER_BYTES_MAX": "what is read of an answer of a witness, over TLS; the read itself has the figure",
    "ORDER_UNREAD_MAX": "bounds a cache: beyond it the list of orders is made anew, with the same rows",
    "SEARCH_FOUND_MAX": _SHOWN,
    "PAYOUTS_SHOWN_MAX": _SHOWN,
    "STAGED_SHOWN_MAX": _SHOWN,
    "OPTION_READINGS_MAX": _SHOWN,
    "OPTION_MONEY_MAX": _SHOWN,
    "FACTS_RESTED_MAX": _SHOWN,
    "FACTS_TOLD_MAX": _SHOWN,
}
"""Limit → why no case goes up to it."""

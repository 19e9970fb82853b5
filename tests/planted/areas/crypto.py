"""Planted defects: keys, envelopes, passkeys, canonical forms."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = (
    Defect(
        name="a key of small order is enrolled",
        module="holdgate.crypto.keys",
        old="if not crypto_core_ed25519_is_valid_point(public):",
        new="if False:",
        check=(
            "tests/conformance/test_vectors.py::"
            "test_enrolled_keys_leave_libraries_one_disagreement_and_it_is_a_refusal_here"
        ),
    ),
    Defect(
        name="a document of one purpose passes for another",
        module="holdgate.crypto.envelope",
        old="    if envelope.payloadType != payload_type:",
        new="    if not envelope.payloadType:",
        check="tests/unit/test_envelope.py::test_signature_for_one_payload_type_does_not_hold_for_another",
    ),
    Defect(
        name="the purpose is not signed",
        module="holdgate.crypto.envelope",
        old="    kind = payload_type.encode()\n",
        new='    kind = b"document"\n',
        check="tests/unit/test_envelope.py::test_pae_of_the_dsse_specification",
    ),
    Defect(
        name="an envelope with two payloads is read",
        module="holdgate.crypto.envelope",
        old="return envelope if canon.encode(envelope) == raw else None",
        new="return envelope",
        check="tests/unit/test_envelope.py::test_two_payloads_in_one_envelope_are_refused",
        soak=True,
    ),
    Defect(
        name="anybody adds a signature",
        module="holdgate.crypto.envelope",
        old="if len(envelope.signatures) != len(keys) or len(held) != len(keys) or not keys:",
        new="if not keys:",
        check="tests/unit/test_envelope.py::test_surplus_signature_is_refused_by_name",
        soak=True,
    ),
    Defect(
        name="the second signature is not checked",
        module="holdgate.crypto.envelope",
        old=("    for keyid, public in keys:\n        if not holds"),
        new=("    for keyid, public in keys[:1]:\n        if not holds"),
        check="tests/unit/test_envelope.py::test_no_changed_byte_yields_another_believed_envelope",
        soak=True,
    ),
    Defect(
        name="a passkey signs without a person",
        module="holdgate.crypto.passkeys",
        old="        and bool(flags & _VERIFIED)\n",
        new="",
        check=(
            "tests/unit/test_passkeys.py::"
            "test_the_authenticator_verified_a_person_for_this_relying_party[nobody was verified]"
        ),
    ),
    Defect(
        name="a page whose name ends alike signs",
        module="holdgate.crypto.passkeys",
        old='host.endswith(f".{rp_id}")',
        new="host.endswith(rp_id)",
        check=(
            "tests/unit/test_passkeys.py::"
            "test_what_the_browser_was_asked_for_is_this_act_on_our_page[a name that ends alike]"
        ),
    ),
    Defect(
        name="a passkey's old answer signs a new act",
        module="holdgate.crypto.passkeys",
        old='        and asked.get("challenge") == challenge_of(message)\n',
        new="",
        check=("tests/unit/test_passkeys.py::test_what_the_browser_was_asked_for_is_this_act_on_our_page[another act]"),
        soak=True,
    ),
    Defect(
        name="a document with a key twice is read",
        module="holdgate.terms.canon",
        old="    if len(found) != len(pairs):",
        new="    if not found:",
        check="tests/unit/test_envelope.py::test_two_payloads_in_one_envelope_are_refused",
    ),
    Defect(
        name="a payload has several spellings",
        module="holdgate.terms.canon",
        old="    if _ENCODER.encode(value) != raw:",
        new="    if False:",
        check="tests/property/test_law.py::test_keys_stand_in_one_order",
        soak=True,
    ),
    Defect(
        name="a payload is nested without end",
        module="holdgate.terms.canon",
        old="if depth > limits.PAYLOAD_DEPTH_MAX:",
        new="if False:",
        check=(
            "tests/unit/test_canon.py::"
            "test_a_value_passes_at_its_bound_and_not_beyond[fits0-is_too_much0-nested deeper]"
        ),
    ),
    Defect(
        name="an integer beyond 53 bits is read",
        module="holdgate.terms.canon",
        old="if abs(value) > limits.INTEGER_ABS_MAX:",
        new="if False:",
        check="tests/property/test_law.py::test_other_integers_have_53_bits_too",
        soak=True,
    ),
    Defect(
        name="two texts that look alike are two",
        module="holdgate.terms.canon",
        old='if not value.isascii() and unicodedata.normalize("NFC", value) != value:',
        new="if False:",
        check="tests/property/test_law.py::test_text_is_in_nfc",
        soak=True,
    ),
    Defect(
        name="a commitment does not cover its salt",
        module="holdgate.crypto.commitments",
        old="digest(_PREFIX + salt + content)",
        new="digest(_PREFIX + content)",
        check="tests/unit/test_payloads.py::test_a_commitment_is_what_the_specification_says",
    ),
)

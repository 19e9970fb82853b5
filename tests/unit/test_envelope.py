"""DSSE envelopes: what opens, what is refused, and who must have signed."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto import envelope as module
from holdgate.crypto.envelope import PAYLOAD_TYPE, Envelope, Signature, open_envelope, pae, seal, verify_all
from holdgate.crypto.keys import SigningKey
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed, Tampered

PERSON = SigningKey(b"\x01" * 32)
STATION = SigningKey(b"\x02" * 32)
PAYLOAD = b'{"command":"SignStep","step":"S10"}'
BOTH = [("SID-TEC-12", PERSON), ("WS-FPI-1", STATION)]
DEMAND = [(name, key.public) for name, key in BOTH]


def plain(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)
    return found


# ------------------------------------------------------------------ what is signed


def test_pae_of_the_dsse_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_pae_counts_bytes_not_characters() -> None:
    assert pae("ü", "é€".encode()) == b"DSSEv1 2 \xc3\xbc 5 \xc3\xa9\xe2\x82\xac"


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_fast_pae_of_our_type_equals_the_rule(payload: bytes) -> None:
    kind = PAYLOAD_TYPE.encode()
    assert pae(PAYLOAD_TYPE, payload) == b"DSSEv1 " + b" ".join(
        [str(len(kind)).encode(), kind, str(len(payload)).encode(), payload]
    )


def test_signature_for_one_payload_type_does_not_hold_for_another() -> None:
    raw = seal(PAYLOAD, BOTH, "application/vnd.holdgate.contract.v1+json")
    opened = open_envelope(raw, "application/vnd.holdgate.contract.v1+json")
    verify_all(opened, DEMAND)
    with pytest.raises(Tampered, match="SID-TEC-12"):
        verify_all(Envelope(opened.payload, PAYLOAD_TYPE, opened.signatures), DEMAND)
    with pytest.raises(Malformed, match="type"):
        open_envelope(raw)


# ------------------------------------------------------------------ opening


def test_sealed_envelope_opens_verifies_and_is_canonical() -> None:
    raw = seal(PAYLOAD, BOTH)
    opened = open_envelope(raw)
    assert opened.payload == PAYLOAD
    assert [row.keyid for row in opened.signatures] == ["SID-TEC-12", "WS-FPI-1"]
    assert canon.encode(opened) == raw
    verify_all(opened, DEMAND)


def test_other_spellings_open_to_the_same_envelope() -> None:
    payload = bytes(range(256))  # its base64 holds + and /
    raw = seal(payload, BOTH)
    fields = plain(raw)
    url = dict(fields, payload=base64.urlsafe_b64encode(payload).decode())
    for row in url["signatures"]:
        row["sig"] = row["sig"].translate(str.maketrans("+/", "-_"))
    for other in (json.dumps(plain(raw), indent=2), json.dumps(url), json.dumps(dict(reversed(fields.items())))):
        assert other.encode() != raw
        assert open_envelope(other.encode()) == open_envelope(raw)
        assert canon.encode(open_envelope(other.encode())) == raw


def test_envelope_beyond_the_byte_limit_is_refused_unread() -> None:
    fits = (limits.ENVELOPE_BYTES_MAX - 400) * 3 // 4
    assert open_envelope(seal(b"x" * fits, BOTH[:1])).payload == b"x" * fits
    with pytest.raises(Malformed, match="at most"):
        open_envelope(b"[" * (limits.ENVELOPE_BYTES_MAX + 1))


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(Malformed):
        open_envelope(b"[" * limits.ENVELOPE_BYTES_MAX)
    with pytest.raises(Malformed):
        open_envelope(b'{"payload":' * 4000)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        "{}".encode("utf-16"),
        b'{"payload":"!!!!","payloadType":"t","signatures":[]}',
        b'{"payload":"QQ","payloadType":"t","signatures":[]}',
        b'{"payload":1,"payloadType":"t","signatures":[]}',
        b'{"payload":"","payloadType":"t","signatures":{}}',
        b'{"payload":"","payloadType":"\\ud800","signatures":[]}',
        '{"payload":"é","payloadType":"t","signatures":[]}'.encode(),
    ],
)
def test_bytes_that_are_no_envelope_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed, match="envelope"):
        open_envelope(raw)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_raise_anything_but_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        open_envelope(raw)


@given(st.integers(0, 400), st.integers(0, 255))
@settings(deadline=None, max_examples=150)
def test_no_changed_byte_yields_another_believed_envelope(place: int, value: int) -> None:
    raw = bytearray(seal(PAYLOAD, BOTH))
    raw[place % len(raw)] = value
    try:
        opened = open_envelope(bytes(raw))
        verify_all(opened, DEMAND)
    except (Malformed, Tampered):
        return
    assert canon.encode(opened) == seal(PAYLOAD, BOTH)


def test_unknown_field_is_refused() -> None:
    fields = plain(seal(PAYLOAD, BOTH))
    with pytest.raises(Malformed):
        open_envelope(json.dumps(dict(fields, extra=1)).encode())
    fields["signatures"][0]["cert"] = "x"
    with pytest.raises(Malformed):
        open_envelope(json.dumps(fields).encode())


@pytest.mark.parametrize("field", ["keyid", "payloadType"])
def test_half_a_character_is_refused_since_no_one_could_write_it_down(field: str) -> None:
    found = plain(seal(PAYLOAD, BOTH))
    (found["signatures"][0] if field == "keyid" else found)[field] = "T\ud800ECH"
    with pytest.raises(Malformed, match="cannot be read"):
        open_envelope(json.dumps(found).encode())


def test_two_payloads_in_one_envelope_are_refused() -> None:
    raw = seal(PAYLOAD, BOTH)
    double = b'{"payload":"QUJD",' + raw[1:]
    assert msgspec.json.decode(double, type=Envelope).payload == PAYLOAD  # a plain reader takes the last one
    with pytest.raises(Malformed, match="twice"):
        open_envelope(double)


def test_two_signatures_under_one_keyid_are_refused() -> None:
    opened = open_envelope(seal(PAYLOAD, BOTH[:1]))
    row = opened.signatures[0]
    with pytest.raises(Malformed, match="'SID-TEC-12'"):
        open_envelope(canon.encode(Envelope(PAYLOAD, PAYLOAD_TYPE, [row, Signature(row.keyid, STATION.sign(b""))])))


@pytest.mark.parametrize("count", [0, limits.SIGNATURES_MAX + 1])
def test_number_of_signatures_is_bounded(count: int) -> None:
    rows = [Signature(f"k{i}", bytes(64)) for i in range(count)]
    with pytest.raises(Malformed, match=f"carries {count} signatures"):
        open_envelope(canon.encode(Envelope(PAYLOAD, PAYLOAD_TYPE, rows)))


def test_sixteen_signatures_are_accepted() -> None:
    keys = [(f"k{i}", SigningKey(bytes([i]) * 32)) for i in range(limits.SIGNATURES_MAX)]
    verify_all(open_envelope(seal(PAYLOAD, keys)), [(name, key.public) for name, key in keys])


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed, match=f"has {length} bytes"):
        open_envelope(canon.encode(Envelope(PAYLOAD, PAYLOAD_TYPE, [Signature("k", bytes(length))])))


# ------------------------------------------------------------------ who must have signed


def test_missing_signature_is_refused_by_name() -> None:
    with pytest.raises(Tampered, match=r"WS-FPI-1.*missing"):
        verify_all(open_envelope(seal(PAYLOAD, BOTH[:1])), DEMAND)


def test_surplus_signature_is_refused_by_name() -> None:
    with pytest.raises(Tampered, match="WS-FPI-1"):
        verify_all(open_envelope(seal(PAYLOAD, BOTH)), DEMAND[:1])


def test_signature_by_another_key_under_a_known_keyid_is_refused_by_name() -> None:
    forged = seal(PAYLOAD, [("SID-TEC-12", STATION), ("WS-FPI-1", STATION)])
    with pytest.raises(Tampered, match=r"SID-TEC-12.*does not hold"):
        verify_all(open_envelope(forged), DEMAND)


def test_swapped_keyids_are_refused() -> None:
    with pytest.raises(Tampered):
        verify_all(open_envelope(seal(PAYLOAD, [("SID-TEC-12", STATION), ("WS-FPI-1", PERSON)])), DEMAND)


def test_every_demanded_signature_is_checked() -> None:
    for place in range(2):
        rows = list(open_envelope(seal(PAYLOAD, BOTH)).signatures)
        rows[place] = Signature(rows[place].keyid, bytes(64))
        with pytest.raises(Tampered, match=rows[place].keyid):
            verify_all(Envelope(PAYLOAD, PAYLOAD_TYPE, rows), DEMAND)


def test_changed_payload_is_refused() -> None:
    opened = open_envelope(seal(PAYLOAD, BOTH))
    with pytest.raises(Tampered):
        verify_all(Envelope(PAYLOAD.replace(b"S10", b"S20"), PAYLOAD_TYPE, opened.signatures), DEMAND)


def test_demanding_nobody_believes_nothing() -> None:
    with pytest.raises(Tampered):
        verify_all(Envelope(PAYLOAD, PAYLOAD_TYPE, []), [])


def test_one_signature_does_not_count_for_two_demands() -> None:
    with pytest.raises(Tampered):
        verify_all(open_envelope(seal(PAYLOAD, BOTH[:1])), [DEMAND[0], DEMAND[0]])
    row = Signature("SID-TEC-12", PERSON.sign(pae(PAYLOAD_TYPE, PAYLOAD)))
    with pytest.raises(Tampered):
        verify_all(Envelope(PAYLOAD, PAYLOAD_TYPE, [row, row]), [DEMAND[0], DEMAND[0]])


def test_wrong_company_costs_no_signature_check(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []

    def record(public: bytes, message: bytes, signature: bytes) -> bool:
        checked.append(public)
        return True

    monkeypatch.setattr(module, "holds", record)
    with pytest.raises(Tampered):
        verify_all(open_envelope(seal(PAYLOAD, BOTH)), DEMAND[:1])
    assert checked == []
    verify_all(open_envelope(seal(PAYLOAD, BOTH)), DEMAND)
    assert checked == [PERSON.public, STATION.public]

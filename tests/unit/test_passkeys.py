"""Passkeys: which are enrolled, which signatures hold, and every way in which one is tried that must not."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.crypto import keys
from holdgate.crypto.envelope import PAYLOAD_TYPE, Envelope, Signature, open_envelope, pae, seal, verify_all
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.passkeys import EDDSA, ES256, RS256, Assertion, Passkey, parse_passkey, verify
from holdgate.crypto.signatures import check_enrollable, holds, kind_of, raw_key
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed, Tampered
from tests.passkey import AT, BE, BS, ED, P256_ORDER, RP, UP, UV, SoftPasskey, authenticator_data, client_data

ALGS: Final = (ES256, EDDSA, RS256)
KEYS: Final = {alg: SoftPasskey("TECH", alg=alg) for alg in ALGS}
TECH: Final = KEYS[ES256]
MESSAGE: Final = pae(PAYLOAD_TYPE, b'{"act":"step.sign"}')


def row(client: bytes | None = None, authenticator: bytes | None = None) -> bytes:
    """A signature of TECH over `MESSAGE`, with other parts signed."""
    return canon.encode(TECH.assertion(MESSAGE, client=client, authenticator=authenticator))


def changed(alg: int = ES256, **parts: bytes) -> bytes:
    """A signature that holds, with a part changed after it was given."""
    return canon.encode(replace(KEYS[alg].assertion(MESSAGE), **parts))


# ------------------------------------------------------------------ what holds


@pytest.mark.parametrize("alg", ALGS)
def test_a_passkey_signs_what_everybody_signs(alg: int) -> None:
    key = KEYS[alg]
    check_enrollable(key.public)
    assert kind_of(key.public) == "webauthn"
    assert parse_passkey(key.public).alg == alg
    assert verify(key.public, MESSAGE, key.sign(MESSAGE))
    assert holds(key.public, MESSAGE, key.sign(MESSAGE))


@pytest.mark.parametrize(
    ("origin", "rp_id"),
    [
        ("https://hub.floor.lan", RP),
        ("https://hub.floor.lan:8443", RP),
        ("https://hub.floor.lan", "floor.lan"),
        ("https://a.b.floor.lan", "floor.lan"),
        ("http://localhost:8080", "localhost"),
        ("https://localhost", "localhost"),
        ("https://holdgate", "holdgate"),
        ("https://hub.0xg", "hub.0xg"),
        ("https://0x1f.lan", "0x1f.lan"),
        ("https://7.lan", "7.lan"),
    ],
)
def test_pages_of_the_relying_party(origin: str, rp_id: str) -> None:
    key = SoftPasskey("TECH", rp_id=rp_id, origin=origin)
    check_enrollable(key.public)
    assert verify(key.public, MESSAGE, key.sign(MESSAGE))


@pytest.mark.parametrize(
    "client",
    [
        client_data(MESSAGE, crossOrigin=None),
        client_data(MESSAGE, other_keys_can_be_added_here="do not compare clientDataJSON against a template"),
        json.dumps(json.loads(client_data(MESSAGE)), indent=2).encode(),
    ],
    ids=["crossOrigin left out", "what a browser adds", "blanks"],
)
def test_spellings_of_client_data_that_browsers_may_use(client: bytes) -> None:
    assert verify(TECH.public, MESSAGE, row(client=client))


@pytest.mark.parametrize(
    "authenticator",
    [
        authenticator_data(counter=2**32 - 1),
        authenticator_data(flags=UP | UV | BE),
        authenticator_data(flags=UP | UV | BE | BS),
        authenticator_data(flags=UP | UV | ED, more=b"\xa1\x6bcredProtect\x03"),
    ],
    ids=["counter", "can be backed up", "backed up", "extensions"],
)
def test_what_authenticators_may_add(authenticator: bytes) -> None:
    assert verify(TECH.public, MESSAGE, row(authenticator=authenticator))


# ------------------------------------------------------------------ attacks: what was asked

OTHER_TYPE: Final = pae("application/vnd.holdgate.login.v1+json", b'{"act":"step.sign"}')
OTHER_PAYLOAD: Final = pae(PAYLOAD_TYPE, b'{"act":"step.sigm"}')
CHALLENGE: Final = json.loads(client_data(MESSAGE))["challenge"]
TWICE: Final = client_data(MESSAGE).replace(b'{"type"', b'{"challenge": "x", "type"', 1)
LIES: Final[dict[str, bytes]] = {
    "another act": client_data(OTHER_PAYLOAD),
    "the same bytes as another payload type": client_data(OTHER_TYPE),
    "the payload alone": client_data(b'{"act":"step.sign"}'),
    "challenge with padding": client_data(MESSAGE, challenge=CHALLENGE + "="),
    "challenge in hex": client_data(MESSAGE, challenge=sha256(MESSAGE).hex()),
    "challenge in standard base64": client_data(
        MESSAGE, challenge=base64.b64encode(sha256(MESSAGE)).decode().rstrip("=") + "+"
    ),
    "no challenge": client_data(MESSAGE, challenge=None),
    "challenge is a list": client_data(MESSAGE, challenge=[CHALLENGE]),
    "a passkey is being made": client_data(MESSAGE, type="webauthn.create"),
    "a payment": client_data(MESSAGE, type="payment.get"),
    "no type": client_data(MESSAGE, type=None),
    "another site": client_data(MESSAGE, "https://evil.lan"),
    "a name that ends alike": client_data(MESSAGE, "https://evilhub.floor.lan"),
    "a name that begins alike": client_data(MESSAGE, "https://hub.floor.lan.evil.net"),
    "the parent": client_data(MESSAGE, "https://floor.lan"),
    "user information": client_data(MESSAGE, "https://hub.floor.lan@evil.net"),
    "a path": client_data(MESSAGE, "https://hub.floor.lan/"),
    "not encrypted": client_data(MESSAGE, "http://hub.floor.lan"),
    "big letters": client_data(MESSAGE, "https://HUB.floor.lan"),
    "an empty label": client_data(MESSAGE, "https://.hub.floor.lan"),
    "two dots": client_data(MESSAGE, "https://a..hub.floor.lan"),
    "a line after it": client_data(MESSAGE, "https://hub.floor.lan\n"),
    "a port that is none": client_data(MESSAGE, "https://hub.floor.lan:x"),
    "an app": client_data(MESSAGE, "android:apk-key-hash:abc"),
    "no origin": client_data(MESSAGE, crossOrigin=False, origin=None),
    "origin is a list": client_data(MESSAGE).replace(b'"https://hub.floor.lan"', b'["https://hub.floor.lan"]'),
    "within a foreign page": client_data(MESSAGE, crossOrigin=True),
    "within a foreign page, as text": client_data(MESSAGE, crossOrigin="true"),
    "a key twice": TWICE,
    "the first of two keys": client_data(MESSAGE).replace(b'{"type"', b'{"type": "webauthn.create", "type"', 1),
    "a key twice, deeper": client_data(MESSAGE)[:-1] + b', "x": {"a": 1, "a": 2}}',
    "a key twice, once escaped": client_data(MESSAGE)[:-1] + b', "t\\u0079pe": "webauthn.create"}',
    "no number": client_data(MESSAGE)[:-1] + b', "x": NaN}',
    "more than every number": client_data(MESSAGE)[:-1] + b', "x": [Infinity]}',
    "less than every number": client_data(MESSAGE)[:-1] + b', "x": {"y": -Infinity}}',
    "a list": b"[]",
    "null": b"null",
    "not JSON": b"webauthn.get",
    "a mark before it": b"\xef\xbb\xbf" + client_data(MESSAGE),
    "not UTF-8": b"\xff" + client_data(MESSAGE),
    "something after it": client_data(MESSAGE) + b"{}",
    "nothing": b"",
}


@pytest.mark.parametrize("client", LIES.values(), ids=LIES)
def test_what_the_browser_was_asked_for_is_this_act_on_our_page(client: bytes) -> None:
    """The authenticator signed each of these; it is for the verifier to see that they are not what was to be signed."""
    assert not verify(TECH.public, MESSAGE, row(client=client))


def test_a_page_under_another_name_that_ends_alike() -> None:
    key = SoftPasskey("TECH", rp_id="floor.lan", origin="https://evilfloor.lan")
    assert not verify(key.public, MESSAGE, key.sign(MESSAGE))


@pytest.mark.parametrize("origin", ["http://sub.localhost", "http://localhost.evil.net", "http://127.0.0.1"])
def test_only_localhost_itself_goes_without_tls(origin: str) -> None:
    key = SoftPasskey("TECH", rp_id="localhost", origin=origin)
    assert not verify(key.public, MESSAGE, key.sign(MESSAGE))


# ------------------------------------------------------------------ attacks: who answered

ABSENT: Final[dict[str, bytes]] = {
    "for another relying party": authenticator_data("evil.lan"),
    "for the parent": authenticator_data("floor.lan"),
    "nobody was verified": authenticator_data(flags=UP),
    "nobody was present": authenticator_data(flags=UV),
    "nobody at all": authenticator_data(flags=0),
    "a new passkey comes along": authenticator_data(flags=UP | UV | AT, more=bytes(100)),
    "backed up, and cannot be": authenticator_data(flags=UP | UV | BS),
    "truncated by one byte": authenticator_data()[:-1],
    "truncated to the hash": authenticator_data()[:32],
    "truncated within the hash": authenticator_data()[:31],
    "empty": b"",
    "something after it": authenticator_data() + b"\x00",
    "extensions that are not there": authenticator_data(flags=UP | UV | ED),
}


@pytest.mark.parametrize("authenticator", ABSENT.values(), ids=ABSENT)
def test_the_authenticator_verified_a_person_for_this_relying_party(authenticator: bytes) -> None:
    assert not verify(TECH.public, MESSAGE, row(authenticator=authenticator))


# ------------------------------------------------------------------ attacks: the signature


def test_parts_that_were_changed_after_the_signature() -> None:
    assert verify(TECH.public, MESSAGE, changed())
    assert not verify(TECH.public, MESSAGE, changed(client_data=client_data(MESSAGE, crossOrigin=None)))
    assert not verify(TECH.public, MESSAGE, changed(authenticator_data=authenticator_data(counter=1)))
    assert not verify(TECH.public, OTHER_PAYLOAD, changed(client_data=client_data(OTHER_PAYLOAD)))


@pytest.mark.parametrize("alg", ALGS)
def test_a_flipped_bit_breaks_the_signature(alg: int) -> None:
    signature = KEYS[alg].assertion(MESSAGE).signature
    for bit in range(0, len(signature) * 8, 29):
        flipped = (int.from_bytes(signature, "big") ^ (1 << bit)).to_bytes(len(signature), "big")
        assert not verify(KEYS[alg].public, MESSAGE, changed(alg, signature=flipped))


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("spoil", [lambda s: s[:-1], lambda s: s + b"\x00", lambda s: b"\x00" + s, lambda s: b""])
def test_a_signature_of_another_length_is_refused(alg: int, spoil: Callable[[bytes], bytes]) -> None:
    signature = KEYS[alg].assertion(MESSAGE).signature
    assert not verify(KEYS[alg].public, MESSAGE, changed(alg, signature=spoil(signature)))


@pytest.mark.parametrize("alg", ALGS)
def test_somebody_elses_passkey(alg: int) -> None:
    other = SoftPasskey("OTHER", alg=alg)
    assert not verify(KEYS[alg].public, MESSAGE, other.sign(MESSAGE))


def test_der_has_one_spelling() -> None:
    r, s = decode_dss_signature(TECH.assertion(MESSAGE).signature)
    strict = encode_dss_signature(r, s)
    assert verify(TECH.public, MESSAGE, changed(signature=strict))
    long_form = b"\x30\x81" + strict[1:]
    padded = b"\x00" + r.to_bytes((r.bit_length() + 8) // 8, "big")
    with_zero = bytes((2, len(padded))) + padded
    body = with_zero + strict[4 + strict[3] :]
    for spelled in (long_form, bytes((0x30, len(body))) + body, strict + b"\x00", strict[:1] + b"\x80" + strict[2:]):
        assert not verify(TECH.public, MESSAGE, changed(signature=spelled)), spelled.hex()


def test_numbers_out_of_range_are_no_signature() -> None:
    r, s = decode_dss_signature(TECH.assertion(MESSAGE).signature)
    for pair in ((0, s), (r, 0), (r + P256_ORDER, s), (r, s + P256_ORDER), (0, 0), (P256_ORDER, P256_ORDER)):
        assert not verify(TECH.public, MESSAGE, changed(signature=encode_dss_signature(*pair)))


def test_ecdsa_has_a_second_spelling_of_each_signature() -> None:
    """It holds too: what makes an act one act is its payload's digest (see the spine's test), never its signatures."""
    r, s = decode_dss_signature(TECH.assertion(MESSAGE).signature)
    assert verify(TECH.public, MESSAGE, changed(signature=encode_dss_signature(r, P256_ORDER - s)))


def test_a_plain_signature_is_none_of_a_passkey_and_the_other_way() -> None:
    plain, own = SigningKey(b"\x07" * 32), KEYS[EDDSA]
    passkey = canon.encode(Passkey(alg=EDDSA, key=plain.public, rp_id=RP))
    assert not holds(passkey, MESSAGE, plain.sign(MESSAGE))
    assert not holds(own.raw, MESSAGE, own.sign(MESSAGE))
    assert not keys.verify(own.raw, MESSAGE, own.sign(MESSAGE))


def test_another_algorithm_under_the_same_key_bytes() -> None:
    for alg in (EDDSA, RS256):
        public = canon.encode(Passkey(alg=alg, key=TECH.raw, rp_id=RP))
        assert not verify(public, MESSAGE, TECH.sign(MESSAGE))


@pytest.mark.parametrize(
    "spelled",
    [
        lambda raw: raw.replace(b'{"', b'{ "', 1),
        lambda raw: raw[:-1] + b',"zz":1}',
        lambda raw: raw[:-1] + b',"signature":"AA=="}',
        lambda raw: raw.replace(b"==", b"", 1),
        lambda raw: b"[" + raw + b"]",
        lambda raw: b"",
    ],
)
def test_a_row_has_one_spelling(spelled: Callable[[bytes], bytes]) -> None:
    raw = TECH.sign(MESSAGE)
    assert spelled(raw) == raw or not verify(TECH.public, MESSAGE, spelled(raw))


def test_an_over_long_row_is_refused() -> None:
    client = client_data(MESSAGE, filler="x" * limits.SIGNATURE_BYTES_MAX)
    assert not verify(TECH.public, MESSAGE, row(client=client))


# ------------------------------------------------------------------ keys


def passkey(**changes: Any) -> bytes:
    return canon.encode({"alg": ES256, "key": base64.b64encode(TECH.raw).decode(), "rp_id": RP} | changes)


def der(bits: int = 2048, exponent: int = 65_537, modulus: int | None = None) -> str:
    """An RSA key's SubjectPublicKeyInfo, built by hand, so that a weak one can be spelled."""
    n = modulus or (1 << (bits - 1)) + (1 << 64) + 13
    numbers = _der(0x30, _integer(n) + _integer(exponent))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return base64.b64encode(_der(0x30, algorithm + _der(0x03, b"\x00" + numbers))).decode()


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    length = bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes((tag,)) + length + body


def p384() -> str:
    raw = ec.derive_private_key(7, ec.SECP384R1()).public_key()
    return base64.b64encode(raw.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


RSA_DER: Final = base64.b64decode(der())
BAD_KEYS: Final[dict[str, bytes]] = {
    "empty": b"",
    "an object": b"{}",
    "not canonical": passkey().replace(b'":', b'": ', 1),
    "an unknown field": passkey(zz=1),
    "alg as text": passkey(alg="-7"),
    "another curve's alg": passkey(alg=-35),
    "ES256K": passkey(alg=-47),
    "no alg": passkey(alg=0),
    "off the curve": passkey(key=b64(TECH.raw[:-1] + bytes((TECH.raw[-1] ^ 1,)))),
    "the point at infinity": passkey(key=b64(b"\x00")),
    "zeros": passkey(key=b64(b"\x04" + bytes(64))),
    "a compressed point": passkey(key=b64(b"\x02" + TECH.raw[1:33])),
    "a hybrid point": passkey(key=b64(b"\x06" + TECH.raw[1:])),
    "a point and more": passkey(key=b64(TECH.raw + b"\x00")),
    "Ed25519 of small order": passkey(alg=EDDSA, key=b64(b"\x01" + bytes(31))),
    "Ed25519 of 31 bytes": passkey(alg=EDDSA, key=b64(KEYS[EDDSA].raw[:31])),
    "RSA of 1,024 bits": passkey(alg=RS256, key=der(1024)),
    "RSA of 2,047 bits": passkey(alg=RS256, key=der(2047)),
    "RSA of 4,104 bits": passkey(alg=RS256, key=der(4104)),
    "RSA with exponent 1": passkey(alg=RS256, key=der(exponent=1)),
    "RSA with an even exponent": passkey(alg=RS256, key=der(exponent=65_538)),
    "RSA with an endless exponent": passkey(alg=RS256, key=der(exponent=2**33 + 1)),
    "RSA with an even modulus": passkey(alg=RS256, key=der(modulus=1 << 2047)),
    "RSA and more": passkey(alg=RS256, key=b64(RSA_DER + b"\x00")),
    "RSA cut short": passkey(alg=RS256, key=b64(RSA_DER[:-1])),
    "RSA in another DER": passkey(alg=RS256, key=b64(RSA_DER.replace(b"\x30\x0d\x06\x09", b"\x30\x81\x0d\x06\x09", 1))),
    "a point where RSA is said": passkey(alg=RS256, key=p384()),
    "no DER": passkey(alg=RS256, key=b64(b"hello")),
    "no relying party": passkey(rp_id=""),
    "big letters": passkey(rp_id="Hub.floor.lan"),
    "a port": passkey(rp_id="hub.floor.lan:443"),
    "a dot at the end": passkey(rp_id="hub.floor.lan."),
    "a dot at the beginning": passkey(rp_id=".floor.lan"),
    "an address": passkey(rp_id="192.168.1.7"),
    "an address in hex": passkey(rp_id="0x7f000001"),
    "a last label in hex": passkey(rp_id="a.0x1f"),
    "a last label of hex without digits": passkey(rp_id="a.0x"),
    "a last label in digits": passkey(rp_id="a.09"),
    "a space": passkey(rp_id="hub floor.lan"),
    "a line": passkey(rp_id="hub.floor.lan\n"),
    "a long label": passkey(rp_id="a" * 64),
    "a long name": passkey(rp_id=".".join(["a" * 60] * 5)),
    "too long": passkey(alg=RS256, rp_id="a" * 2_000),
}


@pytest.mark.parametrize("public", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_is_enrolled_by_nobody(public: bytes) -> None:
    with pytest.raises(Malformed):
        check_enrollable(public)
    assert not holds(public, MESSAGE, TECH.sign(MESSAGE))


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_rsa_of_the_sizes_that_are_accepted(bits: int) -> None:
    check_enrollable(passkey(alg=RS256, key=der(bits)))


def test_one_key_is_one_key_however_it_is_enrolled() -> None:
    own = KEYS[EDDSA]
    assert raw_key(own.public) == raw_key(own.raw) == own.raw
    assert raw_key(SoftPasskey("TECH", "a.lan").public) == raw_key(SoftPasskey("TECH", "b.lan").public)
    assert raw_key(b"{}") == b"{}"


@given(st.binary(max_size=300), st.binary(max_size=100), st.binary(max_size=600))
@settings(deadline=None, max_examples=200)
@example(b'{"alg":-7,"key":"","rp_id":"\\ud800"}', b"", b"{}")
@example(TECH.public, MESSAGE, b"[" * 2_000)
def test_nothing_is_raised_for_any_bytes(public: bytes, message: bytes, signature: bytes) -> None:
    assert not holds(public, message, signature)
    assert not holds(TECH.public, message, signature)
    raw_key(public)


@given(
    st.binary(max_size=80) | st.just(authenticator_data()),
    st.binary(max_size=80) | st.just(client_data(MESSAGE)) | st.text(max_size=40).map(str.encode),
    st.binary(max_size=100),
    st.sampled_from(ALGS),
)
@settings(deadline=None, max_examples=300)
def test_no_made_up_parts_are_a_signature(authenticator: bytes, client: bytes, signature: bytes, alg: int) -> None:
    made_up = Assertion(authenticator_data=authenticator, client_data=client, signature=signature)
    assert not verify(KEYS[alg].public, MESSAGE, canon.encode(made_up))


@given(st.integers(-300, 10), st.binary(max_size=80), st.text(max_size=20))
@settings(deadline=None, max_examples=300)
def test_no_made_up_key_raises(alg: int, raw: bytes, rp_id: str) -> None:
    public = canon.encode(Passkey(alg=alg, key=raw, rp_id=rp_id))
    assert not verify(public, MESSAGE, TECH.sign(MESSAGE))


# ------------------------------------------------------------------ envelopes

STATION: Final = SigningKey(b"\x02" * 32)
PAYLOAD: Final = b'{"act":"step.sign"}'


@pytest.mark.parametrize("alg", ALGS)
def test_an_envelope_of_a_passkey_and_a_workstation(alg: int) -> None:
    raw = seal(PAYLOAD, [("TECH", KEYS[alg]), ("WS", STATION)])
    opened = open_envelope(raw)
    verify_all(opened, [("TECH", KEYS[alg].public), ("WS", STATION.public)])
    with pytest.raises(Tampered, match="'TECH'"):
        verify_all(opened, [("TECH", STATION.public), ("WS", STATION.public)])
    with pytest.raises(Tampered, match="'TECH'"):
        verify_all(replace(opened, payload=PAYLOAD + b" "), [("TECH", KEYS[alg].public), ("WS", STATION.public)])


def test_rows_are_bounded_one_by_one_and_together() -> None:
    def enveloped(*sizes: int) -> bytes:
        rows = [Signature(f"k{n}", b"{" + bytes(size - 1)) for n, size in enumerate(sizes)]
        return canon.encode(Envelope(PAYLOAD, PAYLOAD_TYPE, rows))

    most = limits.SIGNATURE_BYTES_MAX
    open_envelope(enveloped(*(most,) * 4))
    with pytest.raises(Malformed, match=f"has {most + 1} bytes"):
        open_envelope(enveloped(most + 1))
    with pytest.raises(Malformed, match="let fewer people sign"):
        open_envelope(enveloped(*(most,) * 4, 2))
    with pytest.raises(Malformed, match="has 65 bytes"):
        open_envelope(canon.encode(Envelope(PAYLOAD, PAYLOAD_TYPE, [Signature("k", bytes(65))])))

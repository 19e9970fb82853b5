"""Sealed bodies: HPKE against a second computation from RFC 9180, and against everything that may not open."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto.sealed import OVERHEAD_BYTES, SealingKey, open_sealed, seal_to
from holdgate.terms.errors import Malformed, Tampered

NODE = SealingKey(b"\x07" * 32)
BODY = b'{"order":"PO-7"}'


# ------------------------------------------------------------------ RFC 9180 sections 4.1 and 5.1, written out


def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, hashlib.sha256).digest()


def expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.new(prk, text + b"\x01", hashlib.sha256).digest()[:length]


def rfc_9180_open(private: bytes, sealed: bytes, info: bytes) -> bytes:
    key = X25519PrivateKey.from_private_bytes(private)
    enc, ciphertext = sealed[:32], sealed[32:]
    shared = key.exchange(X25519PublicKey.from_public_bytes(enc))
    kem = b"KEM" + (0x0020).to_bytes(2, "big")
    context = enc + key.public_key().public_bytes_raw()
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", context, 32)
    suite = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (0x0020, 0x0001, 0x0002))
    schedule = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    prk = extract(suite, secret, b"secret", b"")
    nonce = expand(suite, prk, b"base_nonce", schedule, 12)
    return AESGCM(expand(suite, prk, b"key", schedule, 32)).decrypt(nonce, ciphertext, b"")


def test_sealed_body_opens_by_rfc_9180_written_out() -> None:
    sealed = seal_to(NODE.public, BODY, b"slip", b"PO-7")
    assert rfc_9180_open(NODE.private, sealed, b"\x00\x00\x00\x04slipPO-7") == BODY


# ------------------------------------------------------------------ what opens


@given(st.binary(max_size=200), st.binary(max_size=20), st.binary(max_size=20))
@settings(deadline=None, max_examples=30)
def test_what_is_sealed_opens(body: bytes, info: bytes, aad: bytes) -> None:
    sealed = seal_to(NODE.public, body, info, aad)
    assert len(sealed) == len(body) + OVERHEAD_BYTES
    assert open_sealed(NODE, sealed, info, aad) == body


def test_stored_key_opens_what_was_sealed_to_the_generated_one() -> None:
    key = SealingKey.generate()
    assert key.public != SealingKey.generate().public
    assert open_sealed(SealingKey(key.private), seal_to(key.public, BODY, b"", b""), b"", b"") == BODY


def test_two_seals_of_one_body_differ() -> None:
    assert seal_to(NODE.public, BODY, b"", b"") != seal_to(NODE.public, BODY, b"", b"")


# ------------------------------------------------------------------ what does not


def test_another_key_does_not_open() -> None:
    with pytest.raises(Tampered):
        open_sealed(SealingKey(b"\x08" * 32), seal_to(NODE.public, BODY, b"slip", b"PO-7"), b"slip", b"PO-7")


@pytest.mark.parametrize(
    ("info", "aad"),
    [(b"slip", b"PO-8"), (b"slap", b"PO-7"), (b"slipP", b"O-7"), (b"", b"slipPO-7"), (b"slipPO-7", b"")],
)
def test_another_purpose_or_order_does_not_open(info: bytes, aad: bytes) -> None:
    with pytest.raises(Tampered):
        open_sealed(NODE, seal_to(NODE.public, BODY, b"slip", b"PO-7"), info, aad)


def test_any_flipped_byte_does_not_open() -> None:
    sealed = seal_to(NODE.public, BODY, b"slip", b"PO-7")
    for place in range(len(sealed)):
        flipped = bytearray(sealed)
        flipped[place] ^= 1
        with pytest.raises(Tampered):
            open_sealed(NODE, bytes(flipped), b"slip", b"PO-7")


@pytest.mark.parametrize("length", [0, 31, 32, 47, 48, 63])
def test_truncated_body_does_not_open(length: int) -> None:
    with pytest.raises(Tampered):
        open_sealed(NODE, seal_to(NODE.public, BODY, b"", b"")[:length], b"", b"")


def test_small_order_encapsulation_does_not_open() -> None:
    sealed = seal_to(NODE.public, BODY, b"", b"")
    with pytest.raises(Tampered):
        open_sealed(NODE, bytes(32) + sealed[32:], b"", b"")


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(33), bytes(32), (1).to_bytes(32, "little")])
def test_bad_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(Malformed):
        seal_to(public, BODY, b"", b"")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_private_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        SealingKey(bytes(length))


def test_key_does_not_show_its_private_bytes() -> None:
    assert "0707" not in repr(NODE)

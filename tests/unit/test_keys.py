"""Ed25519 under the one named rule, and which keys may be enrolled."""

import sys
import threading
import time

import pytest

from holdgate.crypto.keys import SigningKey, check_enrollable, key_id, verify
from holdgate.terms.errors import Malformed

L = 2**252 + 27742317777372353535851937790883648493

RFC_8032 = [  # section 7.1: seed, public key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

SMALL_ORDER = [  # the points of order 1, 2, 4 and 8 in canonical form
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_rfc_8032_vectors(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey.from_seed(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.seed.hex() == seed
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert verify(key.public, bytes.fromhex(message), bytes.fromhex(signature))
    check_enrollable(key.public)


def test_any_flipped_bit_breaks_the_signature() -> None:
    key = SigningKey(bytes(32))
    message = b"release order PO-7"
    signature = key.sign(message)
    for bit in range(0, 512, 7):
        flipped = (int.from_bytes(signature, "big") ^ (1 << bit)).to_bytes(64, "big")
        assert not verify(key.public, message, flipped)
    assert not verify(key.public, message + b" ", signature)
    assert not verify(SigningKey(b"\x01" * 32).public, message, signature)


def test_malleated_signature_with_s_plus_the_group_order_is_refused() -> None:
    key = SigningKey(bytes(32))
    signature = key.sign(b"act")
    s = int.from_bytes(signature[32:], "little") + L
    assert not verify(key.public, b"act", signature[:32] + s.to_bytes(32, "little"))


def test_bytes_moved_from_message_to_signature_are_refused() -> None:
    key = SigningKey(bytes(32))
    signature = key.sign(b"act")
    assert verify(key.public, b"act", signature)
    assert not verify(key.public, b"ct", signature + b"a")
    assert not verify(key.public, signature[-1:] + b"act", signature[:-1])


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_key_of_another_length_verifies_nothing_and_is_not_enrolled(length: int) -> None:
    key = SigningKey(bytes(32))
    public = (key.public * 3)[:length]
    assert not verify(public, b"act", key.sign(b"act"))
    with pytest.raises(Malformed, match="32 bytes"):
        check_enrollable(public)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signature_of_another_length_is_refused(length: int) -> None:
    key = SigningKey(bytes(32))
    assert not verify(key.public, b"", (key.sign(b"") * 2)[:length])


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_small_order_key_is_not_enrolled(public: str) -> None:
    with pytest.raises(Malformed, match="prime order"):
        check_enrollable(bytes.fromhex(public))


def test_non_canonical_key_is_not_enrolled() -> None:
    for y in range(2**255 - 19, 2**255):  # the spellings beyond the field's prime
        with pytest.raises(Malformed, match="prime order"):
            check_enrollable(y.to_bytes(32, "little"))


def test_key_off_the_curve_is_not_enrolled() -> None:
    with pytest.raises(Malformed, match="prime order"):
        check_enrollable((2).to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed, match="32"):
        SigningKey.from_seed(bytes(length))


def test_generated_keys_differ_and_come_back_from_their_seed() -> None:
    one, two = SigningKey.generate(), SigningKey.generate()
    assert one.public != two.public
    check_enrollable(one.public)
    assert SigningKey.from_seed(one.seed).public == one.public
    assert verify(one.public, b"m", one.sign(b"m"))


def test_key_does_not_show_its_seed() -> None:
    key = SigningKey(b"\x5a" * 32)
    assert "5a5a" not in repr(key)
    assert "ZZ" not in repr(key)


def test_key_id_is_the_head_of_the_digest() -> None:
    assert key_id(b"abc") == "ba7816bf8f01cfea"


def test_verification_releases_the_interpreter_lock() -> None:
    key = SigningKey(bytes(32))
    message = bytes(48_000_000)
    signature = key.sign(message)
    turns, stop = [0], threading.Event()

    def turn() -> None:
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    other = threading.Thread(target=turn)
    other.start()
    try:
        sys.setswitchinterval(1000)  # from here on a thread runs only when another one lets go by itself
        time.sleep(0.01)
        before = turns[0]
        assert verify(key.public, message, signature)
        after = turns[0]
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        other.join()
    assert after > before

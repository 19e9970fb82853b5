"""NATS user keys as text. The server's own judgement of them stands in tests/conformance/test_nats_config.py."""

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.adapters.nkeys import public_text, read_public, read_seed, seed_text
from holdgate.crypto.keys import SigningKey
from holdgate.terms.errors import Malformed

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
"""A pair that the server's documentation shows (nkey authentication)."""
OTHERS = [
    "UBUUH7AE27YKKDVGZHWN3BY6LR6I3OFNTRVGSHIG4HSAS4D6K4OWRPO7",
    "UCQGTF5F2IAX7K4KIEINB4U4IEPDKVCRNWI6REMP3GFM32STOABSSURU",
]
"""Made by another implementation, and taken by a server."""


def test_the_documented_pair_is_read_and_written_as_it_stands() -> None:
    key = read_seed(SEED)
    assert public_text(key) == PUBLIC
    assert seed_text(key) == SEED
    assert read_public(PUBLIC) == key.public


@pytest.mark.parametrize("text", OTHERS)
def test_keys_of_another_implementation_are_read(text: str) -> None:
    assert len(read_public(text)) == 32


@given(st.binary(min_size=32, max_size=32))
def test_every_key_survives_its_text(seed: bytes) -> None:
    key = SigningKey.from_seed(seed)
    assert (len(public_text(key)), public_text(key)[0]) == (56, "U")
    assert (len(seed_text(key)), seed_text(key)[:2]) == (58, "SU")
    assert read_seed(seed_text(key)).seed == seed
    assert read_public(public_text(key)) == key.public


@pytest.mark.parametrize("place", [0, 1, 2, 17, 40, 55])
def test_one_wrong_character_is_noticed(place: int) -> None:
    for text, read in ((PUBLIC, read_public), (SEED, read_seed)):
        wrong = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(Malformed):
            read(wrong)


def summed(raw: bytes) -> str:
    whole = raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(whole).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "U",
        SEED,
        PUBLIC.lower(),
        PUBLIC + "\n",
        " " + PUBLIC,
        PUBLIC + "AA",
        PUBLIC[:-1],
        "0" * 56,
        summed(bytes([20 << 3]) + bytes(31)),
        summed(bytes([0]) + bytes(32)),
        summed(bytes([20 << 3]) + b"\x01" + bytes(31)),
    ],
    ids=["empty", "short", "a seed", "small", "line", "blank", "long", "cut", "alphabet", "31", "an account", "order"],
)
def test_what_is_no_public_user_key_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_public(text)


@pytest.mark.parametrize(
    "text",
    ["", PUBLIC, SEED.lower(), SEED[:-2], summed(bytes([18 << 3, 0]) + bytes(32)), summed(bytes([149, 7]) + bytes(32))],
    ids=["empty", "a public key", "small", "cut", "an account's", "loose bits"],
)
def test_what_is_no_user_s_seed_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_seed(text)
    assert not text or text not in str(caught.value)

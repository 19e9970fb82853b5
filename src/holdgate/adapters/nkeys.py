"""NATS user keys as text: Ed25519 keys in base32 with a prefix that says what they are, and a check sum.

A public user key begins with U, its seed with SU. These are transport keys: they open the line to the broker and are never
a SMART-ID. Source: NATS nkeys (`github.com/nats-io/nkeys`, strkey.go); CRC-16/XMODEM.
"""

import base64
import binascii
from typing import Final

from holdgate.crypto.keys import SigningKey, check_enrollable
from holdgate.terms.errors import Malformed

_SEED: Final = 18 << 3
_USER: Final = 20 << 3
_KEY_BYTES: Final = 32


def public_text(key: SigningKey) -> str:
    """The public user key: U and 55 more characters."""
    return _text(bytes([_USER]) + key.public)


def seed_text(key: SigningKey) -> str:
    """The seed: SU and 56 more characters. Secret."""
    # The second prefix is spread over two bytes, so that both letters show in base32.
    return _text(bytes([_SEED | _USER >> 5, (_USER & 31) << 3]) + key.seed)


def read_public(text: str) -> bytes:
    """The 32 bytes of a public user key.

    Raises:
        Malformed: another kind of key, a character too many, or a check sum that does not fit: it was mistyped.
    """
    raw = _raw(text, "public key")
    if len(raw) != 1 + _KEY_BYTES or raw[0] != _USER:
        raise Malformed("this is no public user key; it begins with U and has 56 characters")
    check_enrollable(raw[1:])
    return raw[1:]


def read_seed(text: str) -> SigningKey:
    """The key of a user's seed. The text is in no message.

    Raises:
        Malformed: as above.
    """
    raw = _raw(text, "seed")
    if len(raw) != 2 + _KEY_BYTES or raw[0] & 0xF8 != _SEED or (raw[0] & 7) << 5 | raw[1] >> 3 != _USER or raw[1] & 7:
        raise Malformed("this is no user's seed; it begins with SU and has 58 characters")
    return SigningKey.from_seed(raw[2:])


def _text(raw: bytes) -> str:
    return base64.b32encode(raw + _sum(raw)).decode().rstrip("=")


def _raw(text: str, what: str) -> bytes:
    try:
        whole = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise Malformed(f"this {what} is not written in base32 (A-Z, 2-7)") from None
    if base64.b32encode(whole).decode().rstrip("=") != text:  # one text for one key
        raise Malformed(f"this {what} is not written as it should be")
    raw, check = whole[:-2], whole[-2:]
    if _sum(raw) != check:
        raise Malformed(f"the check sum of this {what} does not fit: it was mistyped or cut")
    return raw


def _sum(raw: bytes) -> bytes:
    """CRC-16/XMODEM, low byte first."""
    return binascii.crc_hqx(raw, 0).to_bytes(2, "little")

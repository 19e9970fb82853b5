"""Badges: a person's signing key under something they hold and something they know.

The badge carries 128 random bits; the PIN goes through PBKDF2. Both make the key that seals the person's key (AES-256-GCM), so that
what a site keeps, the locker, is noise to whoever has not the badge, however short the PIN. Who has badge and locker still has to
guess the PIN, 600,000 rounds a try. Browsers do the same (`web/static/keys.js`); this is for printing badges and for tests.

Source: docs/spec/badge.md; RFC 8018 (PBKDF2), RFC 5869 (HKDF), RFC 8410 (the key's encoding).
"""

import base64
import re
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from holdgate.crypto.keys import SigningKey
from holdgate.terms.errors import Malformed, Tampered

SECRET_BYTES: Final = 16
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
ROUNDS: Final = 600_000
INFO: Final = b"holdgate badge v1"
_TEXT: Final = re.compile(r"hg1:([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([A-Za-z0-9_-]{22})")


class Badge(NamedTuple):
    """What is printed on a badge: whose it is, and 128 secret bits."""

    id: str
    secret: bytes

    @property
    def text(self) -> str:
        """As a scanner reads it."""
        return f"hg1:{self.id}:{base64.urlsafe_b64encode(self.secret).decode().rstrip('=')}"


class Sealed(NamedTuple):
    """A key under a badge and a PIN; worth nothing without them."""

    salt: bytes
    nonce: bytes
    body: bytes


def read_badge(text: str) -> Badge:
    """What a scanner read.

    Raises:
        Malformed: it is no badge.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise Malformed("this is no badge of ours; a badge reads hg1:SMART-ID:22 characters")
    return Badge(found[1], base64.urlsafe_b64decode(found[2] + "=="))


def seal_key(badge: Badge, pin: str, key: SigningKey, salt: bytes, nonce: bytes) -> Sealed:
    """Seal a key. `salt` (16 bytes), `nonce` (12 bytes): fresh random bytes."""
    return Sealed(salt, nonce, AESGCM(_key(badge, pin, salt)).encrypt(nonce, pkcs8(key), badge.id.encode()))


def pkcs8(key: SigningKey) -> bytes:
    """A private key as browsers import it (RFC 8410). Secret."""
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def open_key(badge: Badge, pin: str, sealed: Sealed) -> SigningKey:
    """The key of a badge.

    Raises:
        Tampered: the badge or the PIN is another one, or the sealed key was altered.
    """
    try:
        plain = AESGCM(_key(badge, pin, sealed.salt)).decrypt(sealed.nonce, sealed.body, badge.id.encode())
        private = load_der_private_key(plain, None)
    except (InvalidTag, ValueError):
        raise Tampered("badge and PIN do not open this key") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise Tampered("what is sealed there is no signing key")
    return SigningKey(private.private_bytes_raw())


def _key(badge: Badge, pin: str, salt: bytes) -> bytes:
    slow = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=ROUNDS).derive(pin.encode())
    return HKDF(algorithm=SHA256(), length=32, salt=badge.secret, info=INFO).derive(slow)

"""Ed25519 under one named rule: libsodium strict.

Libraries disagree about odd signatures (non-canonical points, small orders, large s). A record that is executed again
on another machine must not depend on which library that machine has, so there is one verifier, libsodium's, and keys
for which libraries could disagree are refused when they are enrolled (`check_enrollable`).

Theory: libsodium refuses s >= L, non-canonical and small-order A and R, and tests R = sB - hA without the cofactor.
For a public key of prime order every implementation of RFC 8032 then accepts what is accepted here. The reverse fails
in one way only: a dishonest signer can choose R of small order, which others accept and this rule refuses.
Source: RFC 8032; libsodium `crypto_sign_open`; C2SP CCTV ed25519.
"""

import hashlib
from typing import Final, Self

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_keypair,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from holdgate.terms.errors import Malformed

SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_KEY_ID_HEX: Final = 16


class SigningKey:
    """A private Ed25519 key. Its default `repr` shows no part of it."""

    __slots__ = ("_secret", "public")

    public: bytes
    """The public key (32 bytes)."""

    def __init__(self, seed: bytes) -> None:
        """Derive the key pair from a seed of 32 bytes (RFC 8032 section 5.1.5).

        Raises:
            Malformed: the seed is not 32 bytes.
        """
        if len(seed) != SEED_BYTES:
            raise Malformed(f"the seed of a signing key has {len(seed)} bytes; it must have {SEED_BYTES}")
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key of a stored seed (32 bytes).

        Raises:
            Malformed: the seed is not 32 bytes.
        """
        return cls(seed)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness (libsodium)."""
        _, secret = crypto_sign_keypair()
        return cls(secret[:SEED_BYTES])

    @property
    def seed(self) -> bytes:
        """The seed (32 bytes), for storing the key. Secret."""
        return self._secret[:SEED_BYTES]

    def sign(self, message: bytes) -> bytes:
        """The signature (64 bytes) of the message; deterministic, the same bytes each time."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature holds under libsodium's strict rule. The only place where an Ed25519 signature is judged.

    Releases the interpreter lock while it computes, so that two threads verify in parallel.

    Args:
        public: an enrolled key; any other length than 32 bytes is refused.
        message: untrusted bytes.
        signature: untrusted bytes; any other length than 64 is refused (otherwise bytes could wander between signature
            and message).

    Returns:
        False for everything that does not hold; nothing is raised for any bytes.
    """
    if len(signature) != SIGNATURE_BYTES or len(public) != PUBLIC_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def check_enrollable(public: bytes) -> None:
    """Let a public key pass only if all Ed25519 libraries treat it alike: canonical, on the curve, of prime order.

    Args:
        public: untrusted bytes.

    Raises:
        Malformed: another length, not canonical, not on the curve, of small order or with a small-order part.
    """
    if len(public) != PUBLIC_BYTES:
        raise Malformed(
            f"a public Ed25519 key has {PUBLIC_BYTES} bytes, this one has {len(public)}; enrol the key again"
        )
    if not crypto_core_ed25519_is_valid_point(public):
        raise Malformed(
            "this public key is not a canonical Ed25519 point of prime order; make a new key and enrol that one"
        )


def key_id(public: bytes) -> str:
    """A short name for a public key: 16 hex digits of its SHA-256. A hint for people and indexes, never a proof."""
    return hashlib.sha256(public).hexdigest()[:_KEY_ID_HEX]

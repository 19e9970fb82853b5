"""Sealed bodies: HPKE (RFC 9180), so that a site can carry what only another site may read.

Base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message per encapsulation. The business hub seals a
staging slip's body to the node; the floor hub forwards it unread. Sealing hides and protects the bytes; it does not say
who sealed them: the signed slip carries the digest for that.

The suite of `cryptography` binds its context through HPKE's `info` alone. Both of ours go there, in one unambiguous
encoding: `u32be length of info ‖ info ‖ aad`. RFC 9180 section 8.1 allows this: in a single-shot message either place
authenticates.

Source: RFC 9180; RFC 7748; docs/spec/staging.md.
"""

from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from holdgate.terms.errors import Malformed, Tampered

KEY_BYTES: Final = 32
OVERHEAD_BYTES: Final = 48
"""What sealing adds to the plaintext: the encapsulated key (32) and the tag (16)."""

_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes(KEY_BYTES))
"""Any scalar shows whether a point is of small order: the exchange then gives nothing but zeros (RFC 7748, section 6.1)."""
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealingKey:
    """A private X25519 key that opens what was sealed to its public half. Its default `repr` shows no part of it."""

    __slots__ = ("_key", "public")

    public: bytes
    """The public key (32 bytes)."""

    def __init__(self, private: bytes) -> None:
        """The key of 32 stored private bytes.

        Raises:
            Malformed: not 32 bytes.
        """
        if len(private) != KEY_BYTES:
            raise Malformed(f"a private sealing key has {KEY_BYTES} bytes, this one has {len(private)}")
        self._key = X25519PrivateKey.from_private_bytes(private)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness."""
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    def decrypt(self, ciphertext: bytes, context: bytes) -> bytes:
        """Open bytes that were sealed under exactly this context (see `open_sealed`, which callers use).

        Raises:
            InvalidTag, ValueError: of `cryptography`; anything does not fit.
        """
        return _SUITE.decrypt(ciphertext, self._key, context)

    @property
    def private(self) -> bytes:
        """The private bytes (32), for storing the key. Secret."""
        return self._key.private_bytes_raw()


def check_sealable(public: bytes) -> None:
    """Whether something can be sealed to a public key so that only its holder reads it.

    Raises:
        Malformed: the key has another length or is of small order.
    """
    if len(public) != KEY_BYTES:
        raise Malformed(f"a public sealing key has {KEY_BYTES} bytes, this one has {len(public)}")
    try:
        _PROBE.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Malformed(
            "this public sealing key is of small order and would hide nothing; ask the receiver for a new one"
        ) from None


def seal_to(public: bytes, plaintext: bytes, info: bytes, aad: bytes) -> bytes:
    """Seal bytes to a public key; only the holder of the private key reads them, only with the same `info` and `aad`.

    Each call draws a fresh ephemeral key, so two seals of the same bytes differ.

    Args:
        public: the receiver's X25519 key (32 bytes).
        plaintext: what to hide.
        info: what the sealing is for (a constant per use).
        aad: what it belongs to (the order, say).

    Returns:
        Encapsulated key ‖ ciphertext ‖ tag.

    Raises:
        Malformed: the public key has another length or is of small order.
    """
    if len(public) != KEY_BYTES:
        raise Malformed(f"a public sealing key has {KEY_BYTES} bytes, this one has {len(public)}")
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), _context(info, aad))
    except ValueError:
        raise Malformed(
            "this public sealing key is of small order and would hide nothing; ask the receiver for a new one"
        ) from None


def open_sealed(key: SealingKey, ciphertext: bytes, info: bytes, aad: bytes) -> bytes:
    """Open what was sealed to this key with the same `info` and `aad`.

    Args:
        key: the receiver's private key.
        ciphertext: untrusted bytes.
        info: as in `seal_to`.
        aad: as in `seal_to`.

    Raises:
        Tampered: any other bytes, key, `info` or `aad`; the cause is not told apart.
    """
    try:
        return key.decrypt(ciphertext, _context(info, aad))
    except (InvalidTag, ValueError):
        raise Tampered(
            "this sealed body does not open with this key for this purpose; ask the sender to seal it again"
        ) from None


def _context(info: bytes, aad: bytes) -> bytes:
    """Both contexts in one string that splits in one way only."""
    return len(info).to_bytes(4, "big") + info + aad

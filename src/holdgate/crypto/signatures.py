"""Keys of both kinds, and whether a signature holds under one: the only place that tells them apart.

A key is bytes on the roster. 32 bytes are an Ed25519 key (`holdgate.crypto.keys`); a JSON object is a person's passkey
(`holdgate.crypto.passkeys`). Neither can be read as the other.
"""

from typing import Final, Protocol

from holdgate.crypto import keys, passkeys
from holdgate.crypto.keys import PUBLIC_BYTES
from holdgate.terms.errors import Malformed

ED25519: Final = "ed25519"
WEBAUTHN: Final = "webauthn"


class Key(Protocol):
    """A private key of either kind, wherever it is kept."""

    @property
    def public(self) -> bytes:
        """What is enrolled of it."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of the message, in the form that `holds` judges."""
        ...


def holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature holds under a key of either kind.

    Args:
        public: an enrolled key.
        message: the bytes that were to be signed.
        signature: untrusted bytes.

    Returns:
        False for everything that does not hold; nothing is raised for any bytes.
    """
    if len(public) == PUBLIC_BYTES:
        return keys.verify(public, message, signature)
    return passkeys.verify(public, message, signature)


def kind_of(public: bytes) -> str:
    """What a signer's `kind` has to say of a key: `webauthn` for a passkey, else `ed25519`."""
    return WEBAUTHN if len(public) != PUBLIC_BYTES and public.startswith(b"{") else ED25519


def check_enrollable(public: bytes) -> None:
    """Let a person's key pass, of either kind.

    Raises:
        Malformed: it is neither, or one that libraries read differently.
    """
    if kind_of(public) == WEBAUTHN:
        passkeys.check_enrollable(public)
    else:
        keys.check_enrollable(public)


def raw_key(public: bytes) -> bytes:
    """The key without what is said beside it, so that nobody enrols one key twice: as it is, and as a passkey's."""
    if kind_of(public) != WEBAUTHN:
        return public
    try:
        return passkeys.parse_passkey(public).key
    except Malformed:
        return public


def looks_signed(signature: bytes) -> bool:
    """Whether bytes have the form of a signature of either kind; says nothing of whether it holds."""
    return len(signature) == keys.SIGNATURE_BYTES or signature.startswith(b"{")

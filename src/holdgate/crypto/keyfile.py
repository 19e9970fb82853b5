"""Key files: a person's Ed25519 key at rest, sealed under a PIN or passphrase that only this person knows.

The seed is encrypted with XChaCha20-Poly1305 under a key that Argon2id makes from the PIN. Everything else in the file
(name, public key, parameters) is authenticated with it. Guessing costs 256 MiB and about a second a try for whoever
copied the file; no site counts the tries, so a PIN that is short enough for a card reader is too short here (`check_pin`).

The file says what Argon2id costs; what it says is bounded before anything is computed (LEAST, MOST), so that a hostile file
eats neither memory nor hours.

Source: RFC 9106 (Argon2); libsodium, password hashing and XChaCha20-Poly1305-IETF; docs/security.md.
"""

import unicodedata
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from nacl import exceptions
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.pwhash import argon2id
from nacl.utils import random as random_bytes

from holdgate.crypto.keys import PUBLIC_BYTES, SEED_BYTES, SigningKey
from holdgate.crypto.pins import why_easy
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import KEY_FILE_BYTES_MAX, KEY_NAME_CHARS_MAX, PIN_CHARS_MAX

PIN_CHARS_MIN: Final = 8
PIN_DIFFERENT_MIN: Final = 4
"""How many different characters a PIN has at least."""
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_SEALED_BYTES: Final = SEED_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES


class Cost(NamedTuple):
    """What one try at a PIN costs. `passes`: over the memory. `memory`: in bytes."""

    passes: int
    memory: int


MODERATE: Final = Cost(argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE)
"""What new files are sealed with: 3 passes over 256 MiB."""
LEAST: Final = Cost(argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE)
"""What a file asks for at least: 2 passes over 64 MiB."""
MOST: Final = Cost(argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE)
"""What a file may ask for at most: 4 passes over 1 GiB."""


class Derivation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sealing key follows from the PIN. `salt`: 16 bytes. `passes`, `memory`: see `Cost`."""

    salt: bytes
    passes: int
    memory: int
    function: Literal["argon2id"] = "argon2id"


class KeyFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sealed key as it lies in its file. `name`: whose it is, a word for people. `public`: readable without the PIN.

    `sealed`: the seed (32 bytes) and its tag. Untrusted: name and public key are proven by nothing before `open_key`.
    """

    name: str
    public: bytes
    derivation: Derivation
    nonce: bytes
    sealed: bytes
    cipher: Literal["xchacha20-poly1305"] = "xchacha20-poly1305"
    format: Literal["holdgate-key/1"] = "holdgate-key/1"


def check_pin(pin: str, about: str = "") -> None:
    """Whether a PIN or passphrase is good enough for a key in a file.

    Args:
        pin: as it was typed.
        about: the name of whose key it is.

    Raises:
        Malformed: too short, too long, too few different characters, or one of the first that anybody tries; with the reason.
    """
    plain = _plain(pin)
    if len(plain) < PIN_CHARS_MIN:
        raise Malformed(
            f"the PIN has {len(plain)} characters; a key in a file wants {PIN_CHARS_MIN} at least: whoever copies the file "
            "tries PINs on machines of their own, where nothing locks after the third one. A few words are best"
        )
    if len(plain) > PIN_CHARS_MAX:
        raise Malformed(f"the PIN is longer than {PIN_CHARS_MAX} characters")
    few = "a few signs over and over" if len(frozenset(plain)) < PIN_DIFFERENT_MIN else ""
    if why := few or why_easy(plain, (about,)):
        raise Malformed(
            f"this PIN is {why}, and among the first that anybody tries; take a few words that belong together for you alone"
        )


def seal_key(key: SigningKey, pin: str, name: str = "", cost: Cost = MODERATE) -> bytes:
    """The bytes of a key file.

    Args:
        key: what to seal.
        pin: `check_pin` lets it pass.
        name: whose key it is.
        cost: within LEAST and MOST.

    Raises:
        Malformed: the PIN is too weak, or the name too long. Unavailable: there is not enough memory on this machine.
    """
    check_pin(pin, name)
    if len(name) > KEY_NAME_CHARS_MAX:
        raise Malformed(f"the name of a key has at most {KEY_NAME_CHARS_MAX} characters")
    derivation = Derivation(salt=random_bytes(argon2id.SALTBYTES), passes=cost.passes, memory=cost.memory)
    head = KeyFile(name=name, public=key.public, derivation=derivation, nonce=random_bytes(_NONCE_BYTES), sealed=b"")
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        key.seed, canon.encode(head), head.nonce, _derived(pin, derivation)
    )
    return msgspec.json.format(canon.encode(replace(head, sealed=sealed)), indent=1) + b"\n"


def read_key_file(raw: bytes) -> KeyFile:
    """Read untrusted bytes as a key file, still sealed.

    Raises:
        Malformed: it is none, or asks for more (or less) than any that Holdgate writes.
    """
    if len(raw) > KEY_FILE_BYTES_MAX:
        raise Malformed(f"a key file has at most {KEY_FILE_BYTES_MAX} bytes")
    try:
        found = msgspec.json.decode(raw, type=KeyFile)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"this is no key file: {error}") from None
    asked = found.derivation
    if not (LEAST.passes <= asked.passes <= MOST.passes and LEAST.memory <= asked.memory <= MOST.memory):
        raise Malformed(
            f"this key file asks for {asked.passes} passes over {asked.memory} bytes to try a PIN; between "
            f"{LEAST.passes} over {LEAST.memory} and {MOST.passes} over {MOST.memory} is computed here"
        )
    lengths = (len(found.public), len(asked.salt), len(found.nonce), len(found.sealed))
    if (
        lengths != (PUBLIC_BYTES, argon2id.SALTBYTES, _NONCE_BYTES, _SEALED_BYTES)
        or len(found.name) > KEY_NAME_CHARS_MAX
    ):
        raise Malformed("this is no key file: a part of it has another length than it must have")
    return found


def open_key(file: KeyFile, pin: str) -> SigningKey:
    """The key, if this is its PIN.

    Raises:
        Tampered: another PIN, or the file was altered; the two cannot be told apart. Unavailable: there is not enough memory
            on this machine.
    """
    try:
        seed = crypto_aead_xchacha20poly1305_ietf_decrypt(
            file.sealed, canon.encode(replace(file, sealed=b"")), file.nonce, _derived(pin, file.derivation)
        )
    except exceptions.CryptoError:
        raise Tampered(
            "this PIN does not open the key file: it is another PIN, or the file was altered. Try again; a PIN that is lost "
            "cannot be brought back, then a new key is made and enrolled"
        ) from None
    try:
        key = SigningKey.from_seed(seed)
    except Malformed:
        raise Tampered("the key file opens, but holds no key; make a new one") from None
    if key.public != file.public:
        raise Tampered("the key file opens, but its key is another one than it says; make a new one")
    return key


def _derived(pin: str, derivation: Derivation) -> bytes:
    try:
        return argon2id.kdf(_KEY_BYTES, _plain(pin).encode(), derivation.salt, derivation.passes, derivation.memory)
    except (exceptions.RuntimeError, MemoryError) as error:
        raise Unavailable(
            f"this machine has not the {derivation.memory // 2**20} MiB free that opening the key takes: {error}"
        ) from None


def _plain(pin: str) -> str:
    """One spelling of what was typed, whatever keyboard it came from."""
    return unicodedata.normalize("NFC", pin)

"""Keys as they lie in files: sealed under a PIN, in the clear (as a try-out makes them), a site's, or public ones."""

from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from holdgate.bootstrap import SiteKeys
from holdgate.cli.pin import ask_pin
from holdgate.crypto.keyfile import KeyFile, open_key, read_key_file
from holdgate.crypto.keys import SigningKey, check_enrollable
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import KEY_FILE_BYTES_MAX

PUBLIC: Final = ".pub"
"""What the name of a public key's file ends with."""


class PersonKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A SMART-ID's key as it is handed over in the clear: for devices, and for a try-out."""

    id: str
    signing: bytes


class PublicKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key as it is given to others. `public`: 64 hex digits, as they are read out on the telephone."""

    name: str
    public: str
    format: Literal["holdgate-public-key/1"] = "holdgate-public-key/1"


class FoundKey(Struct, frozen=True):
    """A private key's file. `name`: whose it says it is (""; nobody's). `sealed`: it opens with a PIN; else `plain` is the key."""

    path: Path
    name: str
    public: bytes
    sealed: KeyFile | None
    plain: SigningKey | None

    def open(self, pin_fd: int | None) -> SigningKey:
        """The private key; where it is sealed, its PIN is asked for.

        Raises:
            Tampered: another PIN. Unavailable: it cannot be asked for.
        """
        if self.plain is not None:
            return self.plain
        if self.sealed is None:
            raise Malformed(f"{self.path} holds no private key")
        return open_key(self.sealed, ask_pin(str(self.path), pin_fd))


def find_key(path: Path) -> FoundKey:
    """Read a file with a private key; a sealed one stays sealed.

    Raises:
        Unavailable: it cannot be read. Malformed: it holds no private key.
    """
    raw = read_small(path)
    try:
        person = msgspec.json.decode(raw, type=PersonKey)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    else:
        key = SigningKey.from_seed(person.signing)
        return FoundKey(path, person.id, key.public, None, key)
    try:
        site = msgspec.json.decode(raw, type=SiteKeys)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    else:
        key = SigningKey.from_seed(site.signing)
        return FoundKey(path, "", key.public, None, key)
    if _public_in(raw) is not None:
        raise Malformed(f"{path} holds the public key alone; to sign, name the file that it was made with")
    try:
        sealed = read_key_file(raw)
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from None
    return FoundKey(path, sealed.name, sealed.public, sealed, None)


def read_public(path: Path) -> PublicKey:
    """Read a public key's file. That the key is good is checked; whose it is, no file can prove.

    Raises:
        Unavailable: it cannot be read. Malformed: it holds no public key, or no good one.
    """
    found = _public_in(read_small(path))
    if found is None:
        raise Malformed(
            f"{path} holds no public key; `holdgate key make` writes one beside each key, ending in {PUBLIC}"
        )
    public_bytes(found.public, str(path))
    return found


def public_bytes(text: str, where: str) -> bytes:
    """A public key of 64 hex digits.

    Raises:
        Malformed: it is none, or none that is enrolled.
    """
    try:
        public = bytes.fromhex(text)
    except ValueError:
        raise Malformed(f"the key of {where} is not written in hex") from None
    check_enrollable(public)
    return public


def is_public(path: Path) -> bool:
    """Whether a file is there, and a public key's."""
    return path.is_file() and _public_in(read_small(path)) is not None


def _public_in(raw: bytes) -> PublicKey | None:
    try:
        return msgspec.json.decode(raw, type=PublicKey)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def read_small(path: Path) -> bytes:
    """A file that is no longer than a key's.

    Raises:
        Unavailable: it cannot be read. Malformed: it is longer.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(KEY_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
    if len(raw) > KEY_FILE_BYTES_MAX:
        raise Malformed(f"{path} is too long to be a key")
    return raw

"""Verification of what is submitted: parse, find the keys that must have signed, check every signature.

A pure function of the bytes and the roster; it runs in threads (libsodium releases the interpreter while it works). The
spine compares the keys once more when it decides, in case the roster moved meanwhile.
"""

from collections.abc import Container
from typing import Final, NamedTuple

import msgspec

from holdgate.crypto.envelope import Envelope, open_envelope, verify_all
from holdgate.crypto.hashes import sha256
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.chronicle import Attempt
from holdgate.law.signers import Keys, keys_of
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import ATTEMPT_WHY_CHARS_MAX


class Verified(NamedTuple):
    """An action whose signatures hold under `keys`. `envelope`: its canonical bytes, as they are logged."""

    envelope: bytes
    command: c.AnyCommand
    digest: bytes
    keys: Keys


class Unauthentic(NamedTuple):
    """Input that proves nothing about who sent it. `error`: for the sender, where it cannot even be read."""

    attempt: Attempt
    error: Malformed | None


class Busy(NamedTuple):
    """Not looked at further: too much of whom it names as its signer, rightly or not, waits already."""

    who: str


Found = Verified | Unauthentic | Busy
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode


def verify(raw: bytes, identities: dict[str, Identity], source: str, full: Container[str] = ()) -> Found:
    """Read and verify one submission.

    Args:
        raw: untrusted bytes.
        identities: the roster; read only.
        source: the transport's name for where it came from, for the record of an attempt.
        full: signers of whom no more is taken now. Only genuine acts of a signer bring its name in here, so that a stranger
            who claims it keeps nobody out.
    """
    digest = b""
    try:
        envelope = open_envelope(raw)
        digest = sha256(envelope.payload)
        command = c.parse_command(envelope.payload)
    except Malformed as error:
        attempt = Attempt(code="MALFORMED", why=str(error)[:ATTEMPT_WHY_CHARS_MAX], source=source, digest=digest.hex())
        return Unauthentic(attempt, error)
    if command.actor.id in full:
        return Busy(command.actor.id)
    keys = keys_of(command, identities)
    if isinstance(keys, str):
        return _refused(command, digest, source, "UNKNOWN_IDENTITY", f"{keys} is not enrolled")
    try:
        verify_all(envelope, keys)
    except Tampered as error:
        return _refused(command, digest, source, "SIGNATURE_AUTH_FAILED", str(error))
    return Verified(_canonical(envelope), command, digest, keys)


def _canonical(envelope: Envelope) -> bytes:
    return _ENCODE(envelope)


def _refused(command: c.AnyCommand, digest: bytes, source: str, code: str, why: str) -> Unauthentic:
    if type(command) is c.ReportArrival:
        code = "BROADCAST_UNVERIFIED"
    act = str(type(command).__struct_config__.tag)
    return Unauthentic(
        Attempt(code=code, why=why[:ATTEMPT_WHY_CHARS_MAX], source=source, act=act, digest=digest.hex()), None
    )

"""Signed envelopes: DSSE v1, as in-toto and sigstore use it.

The signatures cover the exact payload bytes and their type (`pae`), so nothing is canonicalised on the way to a
signature. Several people sign by further rows of `signatures`; all of them sign the same bytes. `keyid` only says which
key to try: it proves nothing.

Rules beyond DSSE, because an envelope that means two things to two readers is an attack:
  0. the bytes are bounded before they are read;
  1. each JSON key occurs once, no unknown field, one payload type, 1 to 16 signatures, each keyid once;
  2. base64 and base64url are both read (DSSE asks it); `canon.encode(envelope)` is the one spelling that is stored;
  3. exactly the demanded signatures are present: a missing, a false and a surplus one are all refused (`verify_all`).
Replay is keyed on the payload's digest, never on envelope bytes: their spelling is not signed.

Source: DSSE v1.0.2 (secure-systems-lab/dsse protocol.md, envelope.md); docs/spec/envelope.md.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import msgspec

from holdgate.crypto.keys import SIGNATURE_BYTES
from holdgate.crypto.signatures import Key, holds, looks_signed
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed, Tampered

PAYLOAD_TYPE: Final = "application/vnd.holdgate.action.v1+json"
"""The type of a signed action; documents of other kinds carry other types, so that none passes for another."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One signature (64 bytes, or a passkey's) and the name of the key to try. Untrusted until verified."""

    keyid: str
    sig: bytes


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A payload, its type and its signatures. Untrusted until `verify_all` has passed."""

    payload: bytes
    payloadType: str  # noqa: N815 (the spelling of DSSE)
    signatures: list[Signature]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A signature whose base64 is still text."""

    keyid: str
    sig: str


class _Spelled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An envelope whose base64 is still text."""

    payload: str
    payloadType: str  # noqa: N815 (the spelling of DSSE)
    signatures: list[_Row]


_DECODER: Final = msgspec.json.Decoder(Envelope)
_OWN_PREFIX: Final = b"DSSEv1 %d %b " % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode())


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding of type and payload."""
    if payload_type == PAYLOAD_TYPE:
        return b"%b%d %b" % (_OWN_PREFIX, len(payload), payload)
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, keys: Sequence[tuple[str, Key]], payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Sign a payload with every key and return the canonical envelope bytes.

    Args:
        payload: the exact bytes to sign.
        keys: (keyid, key) in the order in which the signatures are to stand; at least one.
        payload_type: what the payload is.
    """
    message = pae(payload_type, payload)
    return canon.encode(Envelope(payload, payload_type, [Signature(name, key.sign(message)) for name, key in keys]))


def add_signature(envelope: Envelope, keyid: str, key: Key) -> Envelope:
    """The envelope with one more signature: for signers who sign one after another, each on a machine of their own.

    Raises:
        Malformed: there is a signature under this keyid already, or no room for another one.
    """
    if any(row.keyid == keyid for row in envelope.signatures):
        raise Malformed(f"{keyid[:80]} signed this already; each signer signs once")
    if len(envelope.signatures) >= limits.SIGNATURES_MAX:
        raise Malformed(f"the envelope carries {limits.SIGNATURES_MAX} signatures already; no more are accepted")
    row = Signature(keyid, key.sign(pae(envelope.payloadType, envelope.payload)))
    return Envelope(envelope.payload, envelope.payloadType, [*envelope.signatures, row])


def open_envelope(raw: bytes, payload_type: str = PAYLOAD_TYPE, least: int = 1) -> Envelope:
    """Read untrusted bytes as an envelope. Proves nothing yet: `verify_all` follows.

    Args:
        raw: untrusted bytes, at most `limits.ENVELOPE_BYTES_MAX`.
        payload_type: the only type that is accepted here.
        least: how many signatures there have to be; 0 for one that still travels from signer to signer.

    Raises:
        Malformed: too long, not an envelope, another type, too few or too many signatures, a keyid twice, a signature that has
            the form of none, passkeys' signatures that are too long.
    """
    if len(raw) > limits.ENVELOPE_BYTES_MAX:
        raise Malformed(
            f"the envelope has {len(raw)} bytes; at most {limits.ENVELOPE_BYTES_MAX} are accepted, so send evidence by "
            "digest"
        )
    envelope = _read_canonical(raw) or _read_other_spelling(raw)
    if envelope.payloadType != payload_type:
        raise Malformed(
            f"the envelope holds a payload of type {envelope.payloadType[:80]!r}; {payload_type!r} is wanted here"
        )
    signatures = envelope.signatures
    if not least <= len(signatures) <= limits.SIGNATURES_MAX:
        raise Malformed(
            f"the envelope carries {len(signatures)} signatures; {least} to {limits.SIGNATURES_MAX} are accepted"
        )
    seen: set[str] = set()
    passkeys = 0
    for row in signatures:
        if row.keyid in seen:
            raise Malformed(
                f"the envelope carries two signatures under the keyid {row.keyid[:80]!r}; each signer signs once"
            )
        if len(row.sig) != SIGNATURE_BYTES:
            passkeys += _passkeys_bytes(row)
        seen.add(row.keyid)
    if passkeys > limits.PASSKEY_SIGNATURES_BYTES_MAX:
        raise Malformed(
            f"the passkeys' signatures on the envelope have {passkeys} bytes together; at most "
            f"{limits.PASSKEY_SIGNATURES_BYTES_MAX} are accepted, so let fewer people sign one act"
        )
    return envelope


def _passkeys_bytes(row: Signature) -> int:
    """The length of a signature that can be a passkey's only.

    Raises:
        Malformed: it has the form of none, or is too long.
    """
    size = len(row.sig)
    if size > limits.SIGNATURE_BYTES_MAX or not looks_signed(row.sig):
        raise Malformed(
            f"the signature under the keyid {row.keyid[:80]!r} has {size} bytes; Ed25519 signatures have 64, and a "
            f"passkey's is a JSON object of at most {limits.SIGNATURE_BYTES_MAX}"
        )
    return size


def verify_all(envelope: Envelope, keys: Sequence[tuple[str, bytes]]) -> None:
    """Require exactly the demanded signatures, every one of them valid.

    Surplus signatures are refused as well: anybody could add them, so they would make one act look like another.

    Args:
        envelope: untrusted, from `open_envelope`.
        keys: trusted (keyid, public key of either kind) of everyone who must have signed; at least one.

    Raises:
        Tampered: a signature is missing, false, surplus or doubled (the keyid is named), or nobody's signature is
            demanded.
    """
    held = {row.keyid: row.sig for row in envelope.signatures}
    for keyid, _ in keys:
        if keyid not in held:
            raise Tampered(f"the signature of {keyid[:80]!r} is missing; let this signer sign the same bytes")
    if len(envelope.signatures) != len(keys) or len(held) != len(keys) or not keys:
        wanted = {keyid for keyid, _ in keys}
        surplus = [row.keyid[:80] for row in envelope.signatures if row.keyid not in wanted]
        raise Tampered(
            f"the envelope carries signatures that nobody asked for: {surplus!r}; send it with the named signers only"
        )
    message = pae(envelope.payloadType, envelope.payload)
    for keyid, public in keys:
        if not holds(public, message, held[keyid]):
            raise Tampered(
                f"the signature of {keyid[:80]!r} does not hold for this payload and its key; nothing of it is believed"
            )


def _read_canonical(raw: bytes) -> Envelope | None:
    """The envelope if these bytes are its canonical spelling: the fast way, taken by all that Holdgate itself seals."""
    try:
        envelope = _DECODER.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return envelope if canon.encode(envelope) == raw else None


def _read_other_spelling(raw: bytes) -> Envelope:
    """Read an envelope that is not in canonical form: blanks, another order, base64url.

    Raises:
        Malformed: not UTF-8 JSON, too deep, a key twice, not an envelope, not base64, or half a character (a lone surrogate,
            which JSON can escape and nobody can write down again).
    """
    plain = canon.plain(raw, "the envelope")
    try:
        spelled = msgspec.convert(plain, _Spelled)
        canon.encode(spelled)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise Malformed(f"the envelope cannot be read: {error}") from None
    rows = [Signature(row.keyid, _from_base64(row.sig)) for row in spelled.signatures]
    return Envelope(_from_base64(spelled.payload), spelled.payloadType, rows)


def _from_base64(text: str) -> bytes:
    """Decode base64 or base64url with its padding.

    Raises:
        Malformed: other characters, missing padding.
    """
    try:
        return base64.b64decode(text.translate(_STANDARD), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(
            "the envelope holds text that is neither base64 nor base64url (RFC 4648, with padding)"
        ) from None


_STANDARD: Final = str.maketrans("-_", "+/")

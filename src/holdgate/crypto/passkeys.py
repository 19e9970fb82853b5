"""Passkeys: a person's key that lives in an authenticator and signs by WebAuthn, and the one rule under which that holds.

An authenticator signs no bytes of ours. It signs what the browser tells it: a challenge, and the page that asked. So the
challenge is the digest of the very bytes that every other signer signs (`envelope.pae`), and everything else that the
answer says is checked here. All of it is in the envelope, so that an auditor verifies it years later without asking anybody.

A key is bytes, like every other: the canonical JSON of `Passkey`. So is a signature: the canonical JSON of `Assertion`. It
holds iff
  1. the client data is JSON with each key once, of type `webauthn.get`, whose challenge is base64url (no padding) of the
     SHA-256 of the message, whose origin is https (or http://localhost) at the relying party's host or under it, and
     which was not asked for across origins;
  2. the authenticator data is for that relying party, and says that a person was present and was verified;
  3. the signature holds over `authenticator data || SHA-256(client data)` under the key, in the one spelling that it has.
The signature counter is not looked at: passkeys that are kept on several devices leave it at zero.

Libraries read odd encodings of keys and signatures differently; whatever is not the one canonical encoding is refused, and in
words of ours (they stand in denials), so that a record does not depend on which library a machine has.
Source: W3C WebAuthn Level 2, 5.8.1, 6.1, 7.2; WHATWG URL, 3.5; RFC 9053; FIPS 186-5; RFC 8017; docs/spec/envelope.md.
"""

import base64
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from holdgate.crypto import keys
from holdgate.crypto.hashes import sha256
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

ES256: Final = -7
EDDSA: Final = -8
RS256: Final = -257
ALGORITHMS: Final = (ES256, EDDSA, RS256)
"""What a browser is asked for when it makes a passkey, by COSE's numbers, the best first."""

_POINT_BYTES: Final = 65
_RSA_BITS: Final = (2_048, 4_096)
_EXPONENT_MAX: Final = 2**32 - 1
_HEADER_BYTES: Final = 37
"""Authenticator data without extensions: the relying party's hash (32), flags (1), counter (4)."""
_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_BACKUP_ELIGIBLE: Final = 0x08
_BACKED_UP: Final = 0x10
_ATTESTED: Final = 0x40
_EXTENDED: Final = 0x80
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NUMBER: Final = r"(?:[0-9]+|0x[0-9a-f]*)\Z"
"""A last label that makes a host an IPv4 address, or none at all: no browser has a page there (URL Standard, 3.5)."""
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?!{_NUMBER}){_LABEL}")
_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+)(?::[0-9]{1,5})?")
KEYS_KEPT: Final = 1_024
"""Passkeys that are kept read: a curve point takes as long to read as a tenth of a verification."""

Check = Callable[[bytes, bytes], bool]
"""Whether a signature (second) holds for a message (first); raises nothing."""


class Passkey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey's public half, as it is enrolled.

    `alg`: -7 (ES256), -8 (EdDSA) or -257 (RS256), as COSE counts them. `key`: the 65 bytes of an uncompressed point, the 32
    bytes of an Ed25519 key, or the DER of an RSA key's SubjectPublicKeyInfo. `rp_id`: the relying party, a host name.
    """

    alg: int
    key: bytes
    rp_id: str


class Assertion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an authenticator answered, as the browser hands it on. Untrusted until `verify` has passed."""

    authenticator_data: bytes
    client_data: bytes
    signature: bytes


_PASSKEY: Final = msgspec.json.Decoder(Passkey)
_ASSERTION: Final = msgspec.json.Decoder(Assertion)


def parse_passkey(public: bytes) -> Passkey:
    """Read a key as a passkey, and let it pass only if it can be enrolled.

    Args:
        public: untrusted bytes.

    Raises:
        Malformed: too long, not canonical, another algorithm, no host name, or a key that is not in its one encoding, not on
            its curve, or too weak.
    """
    return _open(public)[0]


def check_enrollable(public: bytes) -> None:
    """Let a passkey pass only if every library reads it alike and it is strong enough.

    Raises:
        Malformed: as `parse_passkey`.
    """
    _open(public)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a passkey's signature holds: all that the module's head lists.

    Args:
        public: an enrolled key; whatever is no passkey is refused.
        message: the bytes that every signer of the envelope signs.
        signature: untrusted: the canonical JSON of an `Assertion`.

    Returns:
        False for everything that does not hold; nothing is raised for any bytes.
    """
    if len(public) > limits.PASSKEY_BYTES_MAX or len(signature) > limits.SIGNATURE_BYTES_MAX:
        return False
    opened = _kept(public)
    if opened is None:
        return False
    passkey, check = opened
    try:
        said = canon.decode(signature, _ASSERTION, "the signature")
        asked = canon.plain(said.client_data, "the client data")
    except Malformed:
        return False
    return (
        _asks_for(asked, message, passkey.rp_id)
        and _attends(said.authenticator_data, passkey.rp_id)
        and check(said.authenticator_data + sha256(said.client_data), said.signature)
    )


def challenge_of(message: bytes) -> str:
    """The challenge under which a passkey signs a message: base64url of its SHA-256, without padding."""
    return base64.urlsafe_b64encode(sha256(message)).rstrip(b"=").decode()


# ---- what was asked, and who answered ------------------------------------------------------------------------------


def _asks_for(asked: object, message: bytes, rp_id: str) -> bool:
    """(1) The browser was asked to sign this message, by a page of this relying party."""
    if not isinstance(asked, dict):
        return False
    origin = asked.get("origin")
    return (
        asked.get("type") == "webauthn.get"
        and asked.get("challenge") == challenge_of(message)
        and asked.get("crossOrigin", False) is False
        and isinstance(origin, str)
        and _is_under(origin, rp_id)
    )


def _is_under(origin: str, rp_id: str) -> bool:
    """Whether an origin is the relying party's, or that of a host under it."""
    found = _ORIGIN.fullmatch(origin)
    if found is None or (found[1] == "http" and found[2] != "localhost"):
        return False
    host = found[2]
    return _HOST.fullmatch(host) is not None and (host == rp_id or host.endswith(f".{rp_id}"))


def _attends(data: bytes, rp_id: str) -> bool:
    """(2) The authenticator answered for this relying party, and a person was there and was verified."""
    if len(data) < _HEADER_BYTES or data[:32] != sha256(rp_id.encode()):
        return False
    flags = data[32]
    return (
        bool(flags & _PRESENT)
        and bool(flags & _VERIFIED)
        and not flags & _ATTESTED
        and not (flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE)
        and (len(data) > _HEADER_BYTES) == bool(flags & _EXTENDED)
    )


# ---- keys ----------------------------------------------------------------------------------------------------------


def _open(public: bytes) -> tuple[Passkey, Check]:
    """Read a passkey, and how signatures under it are checked.

    Raises:
        Malformed: it cannot be enrolled.
    """
    if len(public) > limits.PASSKEY_BYTES_MAX:
        raise Malformed(f"this passkey has {len(public)} bytes; at most {limits.PASSKEY_BYTES_MAX} are accepted")
    try:
        passkey = canon.decode(public, _PASSKEY, "the passkey")
    except Malformed:
        raise Malformed("this is no passkey in canonical JSON with alg, key and rp_id; enrol the key again") from None
    if _HOST.fullmatch(passkey.rp_id) is None:
        raise Malformed(
            "this passkey's rp_id is no host name in small letters, or an address; make the passkey on the shop's own page"
        )
    opens = _OPENS.get(passkey.alg)
    if opens is None:
        raise Malformed(
            f"this passkey is of the algorithm {passkey.alg}; let the browser make one of -7 (ES256), -8 (EdDSA) or "
            "-257 (RS256)"
        )
    return passkey, opens(passkey.key)


@lru_cache(maxsize=KEYS_KEPT)
def _kept(public: bytes) -> tuple[Passkey, Check] | None:
    """The same, kept; None where it cannot be read."""
    try:
        return _open(public)
    except Malformed:
        return None


def _open_point(raw: bytes) -> Check:
    """A key on P-256, uncompressed.

    Raises:
        Malformed: another length or form, or no point of the curve.
    """
    if len(raw) != _POINT_BYTES or raw[0] != 0x04:
        raise Malformed(f"an ES256 passkey is an uncompressed point of {_POINT_BYTES} bytes; make a new passkey")
    try:
        return partial(_point_signed, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw))
    except ValueError:
        raise Malformed("this ES256 passkey is no point of the curve P-256; make a new passkey") from None


def _point_signed(key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    """ECDSA in strict DER. (r, n - s) holds as well as (r, s): what is replayed is told by its payload, never by a signature."""
    try:
        if encode_dss_signature(*decode_dss_signature(signature)) != signature:
            return False
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def _open_ed25519(raw: bytes) -> Check:
    """An Ed25519 key, judged like all others.

    Raises:
        Malformed: as `keys.check_enrollable`.
    """
    keys.check_enrollable(raw)
    return partial(keys.verify, raw)


def _open_rsa(raw: bytes) -> Check:
    """An RSA key of 2,048 to 4,096 bits in the one DER that it has.

    Raises:
        Malformed: anything else.
    """
    key = _load_rsa(raw)
    if key is None:
        low, high = _RSA_BITS
        raise Malformed(
            f"an RS256 passkey is an RSA key of {low} to {high} bits with an odd exponent, as SubjectPublicKeyInfo in "
            "strict DER; make a new passkey"
        )
    return partial(_rsa_signed, key)


def _load_rsa(raw: bytes) -> rsa.RSAPublicKey | None:
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    numbers, low, high = key.public_numbers(), *_RSA_BITS
    fits = low <= key.key_size <= high and 1 < numbers.e <= _EXPONENT_MAX and numbers.e & 1 and numbers.n & 1
    strict = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == raw
    return key if fits and strict else None


def _rsa_signed(key: rsa.RSAPublicKey, message: bytes, signature: bytes) -> bool:
    if len(signature) != (key.key_size + 7) // 8:
        return False
    try:
        key.verify(signature, message, padding.PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


_OPENS: Final[dict[int, Callable[[bytes], Check]]] = {ES256: _open_point, EDDSA: _open_ed25519, RS256: _open_rsa}

"""Tokens of time-stamping authorities (RFC 3161): reading pinned certificates, and verifying an answer offline.

What is pinned is the authority's own certificate and the chain above it up to a root, as one PEM file; nothing is taken from the
machine's store and nothing is fetched (no revocation list either: a token made while the certificate was in force stays good until
the auditor unpins it). A token holds when

  1. the answer is short, reads as DER and says `granted`;
  2. it is over the SHA-256 of this very document, and answers this very request (its nonce) where there is one;
  3. it names the policy that is asked for, where one is;
  4. the pinned certificate and no other made its only signature, and that certificate may stamp (critical extended key usage,
     timeStamping and nothing else);
  5. chain and signature hold under the pinned roots, and all of the chain was in force at the token's time.

Steps 4 and 5 are done by rfc3161-client and cryptography (OpenSSL).
Source: RFC 3161, sections 2.3, 2.4.2; RFC 5816.
"""

import datetime as dt
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from msgspec import Struct

from holdgate.crypto.hashes import sha256
from holdgate.engine.timestamping import Stamp
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.instant import Instant
from holdgate.terms.limits import TIMESTAMP_ANSWER_BYTES_MAX, TIMESTAMP_CERTIFICATES_MAX

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

_SHA256: Final = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_GRANTED: Final = 0
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US: Final = dt.timedelta(microseconds=1)
_MISSING: Final = "tokens cannot be read here: pip install 'holdgate[timestamp]'"


class Pins(Struct, frozen=True, kw_only=True):
    """What is believed. `leaf`: the authority's own certificate; `between` and `roots`: the chain. `policy`: "" for any."""

    leaf: x509.Certificate
    between: tuple[x509.Certificate, ...]
    roots: tuple[x509.Certificate, ...]
    policy: str = ""


def read_pins(pem: bytes, policy: str = "") -> Pins:
    """The pinned certificates in a PEM file: the authority's own first, then the chain up to its root.

    Raises:
        Malformed: no certificates, no root among them, one that may not stamp, or no policy identifier.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
        if policy:
            ObjectIdentifier(policy)
    except ValueError as error:
        raise Malformed(f"these are no pinned certificates of a time-stamping authority: {error}") from None
    if len(found) > TIMESTAMP_CERTIFICATES_MAX:
        raise Malformed(f"{len(found)} certificates are too many; pin the authority's own and the chain above it")
    roots = tuple(certificate for certificate in found if _signed_itself(certificate))
    if not roots:
        raise Malformed("there is no root among the pinned certificates; add the self-signed one that ends the chain")
    _check_stamps(found[0])
    between = tuple(certificate for certificate in found[1:] if certificate not in roots)
    return Pins(leaf=found[0], between=between, roots=roots, policy=policy)


def make_request(document: bytes) -> tuple[bytes, int]:
    """A request for a token over a document's SHA-256, with a random nonce and with certificates; and that nonce.

    Raises:
        Unavailable: the library is not installed.
    """
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable(_MISSING) from None
    request = TimestampRequestBuilder(data=document, hash_algorithm=HashAlgorithm.SHA256).build()
    if request.nonce is None:
        raise Unavailable("the request has no nonce")
    return request.as_bytes(), request.nonce


def verify_token(document: bytes, answer: bytes, pins: Pins, nonce: int | None = None) -> Stamp:
    """Verify an untrusted answer over a document.

    Args:
        document: what was stamped.
        answer: the authority's whole answer (TimeStampResp), DER.
        pins: whose signature is believed.
        nonce: that of the request; None in an audit, where no request is at hand.

    Raises:
        Malformed: no token, or the authority refused. Tampered: it does not hold. Unavailable: the library is not installed.
    """
    try:
        from rfc3161_client import VerifierBuilder, decode_timestamp_response  # noqa: PLC0415
    except ImportError:
        raise Unavailable(_MISSING) from None
    if len(answer) > TIMESTAMP_ANSWER_BYTES_MAX:
        raise Malformed(f"the answer has {len(answer)} bytes; at most {TIMESTAMP_ANSWER_BYTES_MAX} are read")
    try:  # what is claimed, before it is believed
        reply = decode_timestamp_response(answer)
        _check_granted(reply)
        token = reply.tst_info
        at = Instant((_aware(token.gen_time) - _EPOCH) // _US)
        imprint = token.message_imprint
        if imprint.hash_algorithm != _SHA256 or imprint.message != sha256(document):
            raise Tampered("the token is over another document")
        if nonce is not None and token.nonce != nonce:
            raise Tampered("the token answers another request: its nonce is not the one that was asked with")
        if pins.policy and token.policy != ObjectIdentifier(pins.policy):
            raise Tampered(f"the token was made under the policy {token.policy.dotted_string}, not {pins.policy}")
        _check_signer(reply, pins)
    except HoldgateError:
        raise
    except Exception as error:  # noqa: BLE001  # the library reads parts of it late, and fails in ways of its own
        raise Malformed(f"the answer cannot be read as a time-stamp token: {error!r}") from None
    _check_in_force(pins.leaf, _aware(token.gen_time))
    verifier = VerifierBuilder(
        tsa_certificate=pins.leaf, intermediates=list(pins.between), roots=list(pins.roots), nonce=nonce
    ).build()
    try:
        verifier.verify(reply, sha256(document))
    except Exception as error:  # noqa: BLE001  # the libraries have many ways to say so, and none may pass for a yes
        raise Tampered(f"the token does not hold under the pinned certificates: {error}") from None
    return Stamp(at=at, authority=pins.leaf.subject.rfc4514_string())


def _check_granted(reply: "TimeStampResponse") -> None:
    if reply.status != _GRANTED:
        said = "; ".join(reply.status_string)[:200]
        raise Malformed(f"the authority refused: status {reply.status}{f', {said}' if said else ''}")


def _check_signer(reply: "TimeStampResponse", pins: Pins) -> None:
    """One signature, by the pinned certificate, which may stamp."""
    signed = reply.signed_data
    signers = [(info.issuer, info.serial_number) for info in signed.signer_infos]
    if signers != [(pins.leaf.issuer, pins.leaf.serial_number)]:
        raise Tampered("another authority than the pinned one made the token")
    _check_stamps(pins.leaf)


def _check_stamps(certificate: x509.Certificate) -> None:
    """RFC 3161, 2.3.

    Raises:
        Malformed: this certificate is not one for stamping.
    """
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError):
        usage = None
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        subject = certificate.subject.rfc4514_string()
        raise Malformed(
            f"the first pinned certificate ({subject}) may not stamp: its extended key usage has to be critical and "
            "timeStamping alone; put the authority's own certificate first"
        )


def _check_in_force(certificate: x509.Certificate, at: dt.datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise Tampered(f"the authority's certificate was not in force at {at.isoformat()}, when the token was made")


def _signed_itself(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)

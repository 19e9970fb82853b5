"""A shop's own certificates: a local authority that tablets and desks are told to believe, and a host's certificate by it.

DIR/ca.pem, ca.crt   the authority's certificate, as text and as bytes (DER): what is installed on devices
DIR/ca.key           its key (0600): wanted by `renew` alone, so it may lie elsewhere the rest of the time
DIR/host.pem         the host's key and certificate in one file (0600), so that both are replaced at once

The authority can vouch for the domains of its hosts and nothing else (name constraints, critical, and server authentication
alone), so that a stolen `ca.key` is no key to the rest of the web. ECDSA on P-256. Source: RFC 5280, 4.2.1.10; CA/Browser Forum
Baseline Requirements (398 days, names as subjectAltName).
"""

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from holdgate.adapters.new_file import put, write_new
from holdgate.adapters.tls_context import HOST
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import TLS_NAMES_MAX

CA_PEM: Final = "ca.pem"
CA_CRT: Final = "ca.crt"
CA_KEY: Final = "ca.key"
CA_DAYS: Final = 3_650
HOST_DAYS: Final = 398
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SLACK: Final = timedelta(hours=1)
"""Certificates begin a little earlier: the clocks of tablets differ."""


class Shown(Struct, frozen=True, kw_only=True):
    """What a folder's certificates say. Times in UTC µs.

    `fingerprint`: SHA-256 of the authority's certificate in groups, to compare by eye; "" where another one signed the host's.
    """

    hosts: tuple[str, ...]
    valid_from: int
    valid_to: int
    fingerprint: str
    domains: tuple[str, ...]
    authority_to: int | None


def make(directory: Path, hosts: Sequence[str], at: int, domains: Sequence[str] = ()) -> Shown:
    """Make an authority, and a certificate of these hosts by it. Nothing is overwritten.

    Args:
        directory: where to; made where it is missing.
        hosts: names (or addresses) under which the machine is reached.
        at: now, UTC µs.
        domains: what the authority may vouch for, beyond the domains of the hosts.

    Raises:
        Malformed: no name of a host, or certificates are there already.
    """
    names = _checked(hosts)
    allowed = _checked([*(domain_of(name) for name in names), *domains])
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _authority(key, allowed, at)
    write_new(directory / CA_KEY, _private(key), private=True)
    write_new(directory / CA_PEM, certificate.public_bytes(Encoding.PEM))
    write_new(directory / CA_CRT, certificate.public_bytes(Encoding.DER))
    write_new(directory / HOST, _host(key, certificate, names, at), private=True)
    return show(directory)


def renew(directory: Path, at: int, hosts: Sequence[str] = ()) -> Shown:
    """A new key and certificate for the host, by the same authority. A server that runs takes it up by itself.

    Args:
        directory: of `make`.
        at: now, UTC µs.
        hosts: the names from now on; none: the ones there are.

    Raises:
        Malformed: a name that this authority may not vouch for. Unavailable: its key is not here.
    """
    authority = _certificate(directory / CA_PEM)
    key = load_pem_private_key(_read(directory / CA_KEY), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != authority.public_key():
        raise Malformed(f"{directory / CA_KEY} is not the key of {directory / CA_PEM}")
    names = _checked(hosts) if hosts else show(directory).hosts
    allowed = _domains(authority)
    for name in names:
        if not any(_covers(domain, name) for domain in allowed):
            raise Malformed(f"this authority vouches for {', '.join(allowed)} only, not for {name}; make another one")
    if _at(at) > authority.not_valid_after_utc:
        raise Malformed(f"the authority ended on {authority.not_valid_after_utc:%Y-%m-%d}; make another one")
    put(directory / HOST, _host(key, authority, names, at), private=True)
    return show(directory)


def show(directory: Path) -> Shown:
    """What the certificates say.

    Raises:
        Unavailable: there are none. Malformed: they cannot be read.
    """
    own = _certificate(directory / HOST)
    authority = _certificate(directory / CA_PEM) if (directory / CA_PEM).exists() else None
    return Shown(
        hosts=names_of(own),
        valid_from=_us(own.not_valid_before_utc),
        valid_to=_us(own.not_valid_after_utc),
        fingerprint="" if authority is None else fingerprint(authority),
        domains=() if authority is None else _domains(authority),
        authority_to=None if authority is None else _us(authority.not_valid_after_utc),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, in groups of four digits."""
    digits = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest().upper()
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def domain_of(host: str) -> str:
    """What an authority of this host vouches for: its domain, where that is more than a last label (`floor.lan`, not `lan`)."""
    domain = host.partition(".")[2]
    return domain if "." in domain and _address(host) is None else host


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The hosts that a certificate names."""
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *named.get_values_for_type(x509.DNSName),
        *(str(one) for one in named.get_values_for_type(x509.IPAddress)),
    )


# ---- making ----------------------------------------------------------------------------------------------------------


def _authority(key: ec.EllipticCurvePrivateKey, domains: Sequence[str], at: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Holdgate authority of {domains[0]}"[:64])])
    names = [x509.DNSName(domain) for domain in domains if _address(domain) is None]
    places = [x509.IPAddress(ipaddress.ip_network(found)) for one in domains if (found := _address(one)) is not None]
    # What is not named in a kind of name is free in that kind, so the other kinds are shut.
    shut: list[x509.GeneralName] = [] if names else [x509.DNSName("")]
    if not places:
        shut += [x509.IPAddress(ipaddress.ip_network(every)) for every in ("0.0.0.0/0", "::/0")]
    return (
        _begun(name, name, key.public_key(), key.public_key(), at, timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints([*names, *places], shut or None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _host(key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, names: Sequence[str], at: int) -> bytes:
    """A new key, and its certificate by the authority, as text."""
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    named: list[x509.GeneralName] = [
        x509.DNSName(name) if (place := _address(name)) is None else x509.IPAddress(place) for name in names
    ]
    lasting = min(timedelta(days=HOST_DAYS), authority.not_valid_after_utc - _at(at) + _SLACK)
    certificate = (
        _begun(subject, authority.subject, own.public_key(), key.public_key(), at, lasting)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(named), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _private(own) + certificate.public_bytes(Encoding.PEM)


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    at: int,
    lasting: timedelta,
) -> x509.CertificateBuilder:
    begin = _at(at) - _SLACK
    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), begin, begin + lasting)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# ---- reading ---------------------------------------------------------------------------------------------------------


def _checked(hosts: Sequence[str]) -> tuple[str, ...]:
    """Names in small letters, each once.

    Raises:
        Malformed: none, too many, or one that is no name.
    """
    names = tuple(dict.fromkeys(host.lower().removesuffix(".") for host in hosts))
    if not 0 < len(names) <= TLS_NAMES_MAX:
        raise Malformed(f"name 1 to {TLS_NAMES_MAX} hosts: --host hub.floor.lan")
    for name in names:
        if _address(name) is None and (len(name) > 253 or _NAME.fullmatch(name) is None):
            raise Malformed(f"{name[:80]!r} is no name of a host; letters, digits, dashes and dots: hub.floor.lan")
    return tuple(name if (place := _address(name)) is None else str(place) for name in names)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _covers(domain: str, name: str) -> bool:
    return name == domain or (_address(name) is None and name.endswith(f".{domain}"))


def _domains(authority: x509.Certificate) -> tuple[str, ...]:
    """What an authority may vouch for."""
    try:
        permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value).removesuffix("/32").removesuffix("/128") for one in permitted)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError as error:
        raise Malformed(f"{path} holds no certificate: {error}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}; holdgate tls init writes it") from error


def _at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant // SECOND_US, UTC)


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND_US

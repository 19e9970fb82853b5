"""A time-stamping authority of tests: real certificates and real RFC 3161 tokens, with every part open to be made wrong.

Written from RFC 3161 and RFC 5652 with a small DER writer of its own, so that what reads tokens is tested against other code.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from typing_extensions import override

NOW = dt.datetime(2026, 4, 1, 8, tzinfo=dt.UTC)
POLICY = "1.2.3.4.1"
YEAR = dt.timedelta(days=365)
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
_SHA256, _TST, _DATA = "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.9.16.1.4", "1.2.840.113549.1.7.2"
_ECDSA = "1.2.840.10045.4.3.2"


def _tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 128 | len(size))) + size + body


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, *parts)


def _set(*parts: bytes) -> bytes:
    return _tlv(0x31, *sorted(parts))


def _integer(number: int) -> bytes:
    return _tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = b""
    for arc in (first * 40 + second, *rest):
        septets = [arc & 127]
        while arc := arc >> 7:
            septets.append(128 | arc & 127)
        body += bytes(reversed(septets))
    return _tlv(6, body)


def _algorithm(dotted: str) -> bytes:
    return _sequence(_oid(dotted), _tlv(5)) if dotted == _SHA256 else _sequence(_oid(dotted))


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Root, certificate and key. What it answers can be told otherwise with `Authority.answer(…)`."""

    def __init__(
        self,
        common: str = "Test TSA",
        *,
        usages: tuple[ObjectIdentifier, ...] = STAMPING,
        critical: bool = True,
        start: dt.datetime = NOW - YEAR,
        end: dt.datetime = NOW + YEAR,
        serial: int = 7,
        between: bool = True,
    ) -> None:
        self.root_key, self.mid_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self.root = _issue(f"{common} Root", self.root_key, f"{common} Root", self.root_key, 1)
        chain = [self.root]
        issuer, issuer_key = f"{common} Root", self.root_key
        if between:
            issuer, issuer_key = f"{common} Issuing", self.mid_key
            chain = [_issue(issuer, self.mid_key, f"{common} Root", self.root_key, 2), self.root]
        builder = _builder(common, self.key, issuer, serial, start, end)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
        self.leaf = builder.sign(issuer_key, hashes.SHA256())
        self.chain = chain

    @property
    def pem(self) -> bytes:
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in (self.leaf, *self.chain))

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def answer(
        self,
        imprint: bytes,
        nonce: int | None,
        *,
        at: dt.datetime = NOW,
        policy: str = POLICY,
        algorithm: str = _SHA256,
        status: int = 0,
        certificates: bool = True,
        signed_over: bytes | None = None,
        signers: int = 1,
    ) -> bytes:
        """A TimeStampResp. `signed_over`: another TSTInfo that the signature is made over."""
        if status:
            return _sequence(_sequence(_integer(status), _sequence(_tlv(0x0C, b"not today"))))
        info = _sequence(
            _integer(1),
            _oid(policy),
            _sequence(_algorithm(algorithm), _tlv(4, imprint)),
            _integer(4711),
            _tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode()),
            b"" if nonce is None else _integer(nonce),
        )
        signer = self._signer(info if signed_over is None else signed_over)
        held = b"".join(sorted(one.public_bytes(Encoding.DER) for one in (self.leaf, *self.chain[:-1])))
        signed = _sequence(
            _integer(3),
            _set(_algorithm(_SHA256)),
            _sequence(_oid(_TST), _tlv(0xA0, _tlv(4, info))),
            _tlv(0xA0, held) if certificates else b"",
            _tlv(0x31, *[signer] * signers),
        )
        return _sequence(_sequence(_integer(0)), _sequence(_oid(_DATA), _tlv(0xA0, signed)))

    def _signer(self, info: bytes) -> bytes:
        certificate = sha256(self.leaf.public_bytes(Encoding.DER)).digest()
        attributes = _set(
            _attribute("1.2.840.113549.1.9.3", _oid(_TST)),
            _attribute("1.2.840.113549.1.9.4", _tlv(4, sha256(info).digest())),
            _attribute("1.2.840.113549.1.9.16.2.47", _sequence(_sequence(_sequence(_tlv(4, certificate))))),
        )
        return _sequence(
            _integer(1),
            _sequence(self.leaf.issuer.public_bytes(), _integer(self.leaf.serial_number)),
            _algorithm(_SHA256),
            b"\xa0" + attributes[1:],
            _algorithm(_ECDSA),
            _tlv(4, self.key.sign(attributes, ec.ECDSA(hashes.SHA256()))),
        )


def _attribute(dotted: str, value: bytes) -> bytes:
    return _sequence(_oid(dotted), _set(value))


def _builder(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, serial: int, start: dt.datetime, end: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _issue(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, serial: int
) -> x509.Certificate:
    builder = _builder(subject, key, issuer, serial, NOW - 9 * YEAR, NOW + 9 * YEAR)
    ca = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return ca.sign(issuer_key, hashes.SHA256())


Answering = Callable[[bytes], bytes]
"""Makes the answer to a request."""


class Served:
    """An authority behind a loopback port. `requests`: what came; `status`, `kind`: of the answers; `slow_s`: before each byte."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.requests: list[bytes] = []
        self.status, self.kind, self.slow_s = 200, "application/timestamp-reply", 0.0
        self.url = ""


@contextmanager
def served(answering: Answering) -> Iterator[Served]:
    """Serve until the block is left."""
    told = Served(answering)

    class Counter(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # as the library calls it
            request = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-type"] == "application/timestamp-query"
            told.requests.append(request)
            body = told.answering(request)
            self.send_response(told.status)
            self.send_header("content-type", told.kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            try:
                for start in range(0, len(body), 1 if told.slow_s else len(body)):
                    time.sleep(told.slow_s)
                    self.wfile.write(body[start : start + 1] if told.slow_s else body)
            except OSError:
                return  # the client went away

        @override
        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/tsa"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configured(place: Path, authority: Authority, url: str, policy: str = "") -> Path:
    """The two files that configure an authority, in a Vault's folder; gives the first."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "tsa.pem").write_bytes(authority.pem)
    path = place / "timestamp.json"
    path.write_text(
        f'{{"name": "Test TSA", "url": "{url}", "certificates": "tsa.pem", "policy": "{policy}"}}', encoding="utf-8"
    )
    return path

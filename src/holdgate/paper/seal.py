"""Seals: a PDF signed by the shop (PAdES), with files inside it that the seal covers too.

A seal is the organisation's, as a stamp and not as a person's signature: whoever holds its key can make a page look like one of the
shop's, and changes nothing about the record, which the page is checked against. So the key may lie where a server seals by itself
(0600), or under a PIN where people do. RSA of 3,072 bits with SHA-256, because every PDF reader verifies it.

Deterministic but for two things: the second half of the document's ID is drawn anew by each seal (ISO 32000, 14.4), and so the
signature over it differs; the signing time is an argument.

Source: ETSI EN 319 142-1 (PAdES, baseline B-B); ISO 32000-1, 12.8; ISO 19005-3, 6.8 (files inside PDF/A-3).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.embed import EmbeddedFileObject, EmbeddedFileParams, FileSpec, embed_file
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from typing_extensions import override

from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import PDF_BYTES_MAX

KEY_BITS: Final = 3_072
YEARS: Final = 10
FIELD: Final = "HoldgateSeal"
_STORE: Final[Any] = SimpleCertificateStore  # without types for its constructor
_SLACK: Final = timedelta(hours=1)
"""Certificates begin a little earlier: the clocks of readers differ."""


class Attachment(NamedTuple):
    """A file inside a PDF. `mime`: its media type; `says`: what it is, for people."""

    name: str
    data: bytes
    mime: str
    says: str


class Made(NamedTuple):
    """A seal as it lies in files: key and certificate, both PEM. `key` is encrypted where a PIN was given."""

    key: bytes
    certificate: bytes


class Seal(NamedTuple):
    """A seal that was opened, ready to use."""

    key: bytes
    certificate: bytes


class Sealed(NamedTuple):
    """What a seal on a PDF says, after it was verified. `at`: the signing time that it claims (UTC µs; 0: none).

    `trusted`: it is by a certificate that the caller trusts. `attachments`: the names of the files inside.
    """

    by: str
    at: int
    trusted: bool
    attachments: tuple[str, ...]


def make_seal(organisation: str, at: int, pin: str | None = None) -> Made:
    """A new key with a certificate that it signs itself.

    Args:
        organisation: whose seal it is.
        at: now, UTC µs.
        pin: what the key is encrypted under; None: not at all.

    Raises:
        Malformed: the organisation's name fits no certificate.
    """
    if not 1 <= len(organisation) <= 64:
        raise Malformed("the name on a seal has 1 to 64 characters")
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organisation[:50]} report seal"),
        ]
    )
    began = datetime.fromtimestamp(at // SECOND_US, UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began - _SLACK)
        .not_valid_after(began + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    hidden: KeySerializationEncryption = NoEncryption() if pin is None else BestAvailableEncryption(pin.encode())
    return Made(
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden),
        certificate=certificate.public_bytes(Encoding.PEM),
    )


def open_seal(made: Made, pin: str | None = None) -> Seal:
    """A seal from its files.

    Raises:
        Tampered: another PIN. Malformed: no key and certificate that belong together.
    """
    try:
        key = load_pem_private_key(made.key, None if pin is None else pin.encode())
        certificate = x509.load_pem_x509_certificate(made.certificate)
    except TypeError:
        raise Tampered("the seal's key is under a PIN, or is not and a PIN was given") from None
    except ValueError:
        raise Tampered("this PIN does not open the seal's key, or its files were altered") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise Malformed("the seal's key and its certificate do not belong together")
    return Seal(
        key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        certificate=made.certificate,
    )


def seal_pdf(pdf: bytes, seal: Seal, at: int, reason: str, attachments: Sequence[Attachment] = ()) -> bytes:
    """A PDF with a seal that covers all of it, and allows no change.

    Args:
        pdf: from `typeset`.
        seal: opened.
        at: the signing time, UTC µs.
        reason: what the seal says it is for.
        attachments: files to put inside first.

    Raises:
        Malformed: it is no PDF, or too large, or cannot be sealed.
    """
    moment = datetime.fromtimestamp(at // SECOND_US, UTC)
    if len(pdf) + sum(len(item.data) for item in attachments) > PDF_BYTES_MAX:
        raise Malformed(f"a PDF of more than {PDF_BYTES_MAX} bytes is not sealed; leave attachments out")
    (certificate,) = load_certs_from_pemder_data(seal.certificate)
    signer = SimpleSigner(
        signing_cert=certificate,
        signing_key=load_private_key_from_pemder_data(seal.key, passphrase=None),
        cert_registry=_STORE(),
    )
    meta = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=reason,
    )
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        for item in attachments:
            embed_file(writer, _file(writer, item, moment))
        out = _At(meta, signer, moment).sign_pdf(writer)
    except (PdfError, SigningError) as error:
        raise Malformed(f"this PDF cannot be sealed: {error}") from None
    return bytes(out.getvalue())


class _At(PdfSigner):
    """Signs at a time that is an argument, not at the clock's."""

    def __init__(self, meta: PdfSignatureMetadata, signer: SimpleSigner, at: datetime) -> None:
        super().__init__(meta, signer)
        self._at = at

    @override
    def init_signing_session(self, pdf_out: Any, existing_fields_only: bool = False) -> Any:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._at
        return session


def _file(writer: IncrementalPdfFileWriter, item: Attachment, at: datetime) -> FileSpec:
    embedded = EmbeddedFileObject.from_file_data(
        writer,
        data=item.data,
        mime_type=item.mime,
        params=EmbeddedFileParams(creation_date=at, modification_date=at),
    )
    return FileSpec(
        file_spec_string=item.name,
        file_name=item.name,
        embedded_data=embedded,
        description=item.says,
        af_relationship=NameObject("/Data"),
    )


def check_seal(pdf: bytes, trusted: Sequence[bytes] = ()) -> Sealed:
    """Verify the seal on a PDF.

    Args:
        pdf: untrusted.
        trusted: certificates (PEM) that the caller trusts.

    Raises:
        Malformed: no PDF, or without a seal. Tampered: the seal does not hold, or does not cover all of the file.
    """
    if len(pdf) > PDF_BYTES_MAX:
        raise Malformed(f"a PDF has at most {PDF_BYTES_MAX} bytes here")
    try:
        reader = PdfFileReader(BytesIO(pdf))
        signatures = reader.embedded_signatures
        names = tuple(_names(reader))
    except Exception as error:  # noqa: BLE001  # whatever an untrusted file does to its reader
        raise Malformed(f"this cannot be read as a PDF: {type(error).__name__}") from None
    if len(signatures) != 1:
        raise Malformed(f"the PDF carries {len(signatures)} seals; one is expected")
    roots = [certificate for pem in trusted for certificate in load_certs_from_pemder_data(pem)]
    found = signatures[0]
    own = found.signer_cert
    held = own.dump() in [root.dump() for root in roots]
    try:
        context = ValidationContext(
            trust_roots=[*roots, *([] if held or not own.self_issued else [own])], allow_fetching=False
        )
        status = validate_pdf_signature(found, context)
    except Exception as error:  # noqa: BLE001  # as above: what cannot be verified does not hold
        raise Tampered(f"the seal cannot be verified: {type(error).__name__}: {error}") from None
    whole = status.coverage is not None and status.coverage.name == "ENTIRE_FILE"
    if not (status.intact and status.valid and whole):
        raise Tampered("the seal does not hold: the file was changed after it was sealed")
    claimed = found.self_reported_timestamp
    return Sealed(
        by=status.signing_cert.subject.human_friendly,
        at=0 if claimed is None else int(claimed.timestamp()) * SECOND_US,
        trusted=held or (bool(status.trusted) and not own.self_issued),
        attachments=names,
    )


def _names(reader: PdfFileReader) -> list[str]:
    """The names of the files inside (one level of the name tree, as it is written here)."""
    root = reader.root
    if "/Names" not in root or "/EmbeddedFiles" not in root["/Names"]:
        return []
    every = [*root["/Names"]["/EmbeddedFiles"]["/Names"]]
    return [str(name) for name in every[::2]]

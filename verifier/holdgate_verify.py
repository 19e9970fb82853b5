#!/usr/bin/env python3
"""The second verifier: checks a Holdgate ledger bundle, a package or a receipt without Holdgate.

One file. It needs Python 3.9 or later and the package `cryptography`, and nothing else; it imports no part of Holdgate, and was
written from the pages in `docs/spec` alone. Comments name the page that a rule is from. It reads files, and opens no connection.

It does not make decisions again: whether what a site allowed or refused was right under its contracts is for `holdgate audit`.

    holdgate_verify.py --trust trust.json HUB.bundle NODE-1.bundle
    holdgate_verify.py --trust trust.json J-1.package
    holdgate_verify.py --trust trust.json --receipt R --entry E [--charter charter.json | --bundle HUB.bundle]

Exit code 0: everything that was asked holds. 1: something does not hold. 2: it could not be judged at all.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import struct
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

VERSION = "1"

# Limits (envelope.md, entry.md, segment.md).
ENTRY_BYTES = 65_535
PAYLOAD_BYTES = 12_288
SLIP_BYTES = 1_024
ENVELOPE_BYTES = 49_152
SIGNATURES = 16
ROOTS = 8
PASSKEY_SIGNATURE_BYTES = 2_048
PASSKEY_SIGNATURES_BYTES = 8_192
PASSKEY_BYTES = 1_024
INTEGER_MAX = 2**53 - 1
TEXT_CHARS = 4_000
LIST_ITEMS = 2_000
LEVELS = 12
STRETCH = 512
PINS = 4
BLOB_BYTES = 2_097_152
FILE_BYTES = 2**32

ACTION_TYPE = "application/vnd.holdgate.action.v1+json"
CHARTER_TYPE = "application/vnd.holdgate.charter.v1+json"
ROOT_TYPE = "application/vnd.holdgate.root.v1+json"
SEMANTICS = 1
KINDS = ("genesis", "boot", "action", "attempt", "import", "consequence", "contact", "cosigned")
PINNING = ("contract.submit", "contract.certify", "slip.stage", "order.forward")
OWN = frozenset(("Imported", "Disregarded", "ContactChanged", "Cosigned", "Triggered", "Booted"))
SAYS = {  # segment.md, "Who may say what"; everything else is for the business hub to say
    "floor_hub": frozenset(
        (
            "SlipStaged",
            "ReaderAdvanced",
            "ArrivalRecorded",
            "ArrivalKept",
            "ArrivalQuarantined",
            "ArrivalVoided",
            "OrderReleased",
            "ForwardAcknowledged",
        )
    ),
    "node": frozenset(
        (
            "OrderReceived",
            "OrderNoticed",
            "JobStarted",
            "JobSplit",
            "StepStarted",
            "ReadingRecorded",
            "StepSigned",
            "ReadingCorrected",
            "NonconformanceOpened",
            "NonconformanceDisposed",
            "RetestAuthorised",
            "StepRestarted",
            "PrechecksCompleted",
            "HoldReleased",
            "WitnessNotified",
            "JobReprocessed",
            "JobTerminated",
            "JobFailed",
            "JobResumed",
            "HelpCalled",
            "PermitIssued",
            "ModuleActed",
            "EnvironmentLogged",
            "EnvironmentBroken",
            "EnvironmentRestored",
            "EquipmentChecked",
            "DeviationAuthorised",
            "DeviationUsed",
        )
    ),
}
OFFICERS = ("admin", "qa", "compliance", "project_manager")
HUB = "business_hub"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
HEX = re.compile(r"[0-9a-f]{64}\Z")

Row = dict[str, Any]  # a JSON object


class Refused(Exception):
    """What was looked at does not hold.

    `entry` is the number of the entry at fault, where one is; `part` names the part of a package.
    """

    def __init__(self, what: str, entry: int | None = None, part: str = "") -> None:
        super().__init__(what)
        self.what, self.entry, self.part = what, entry, part


class CannotJudge(Exception):
    """The question cannot be answered: a file is missing, or is not what was asked for."""


def need(holds: object, what: str) -> None:
    """Refuse with a sentence unless something holds."""
    if not holds:
        raise Refused(what)


# --- Canonical JSON (envelope.md, "Payload") ------------------------------------------------------------------------------


CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # but line feed and tab


def _pairs(pairs: list[tuple[str, Any]]) -> Row:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no whole number")


def _whole(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > INTEGER_MAX or text == "-0":
        raise ValueError("a number has more than 53 bits")
    return int(text)


_READER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_no_number, parse_int=_whole, parse_constant=_no_number
)
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(value: Any) -> bytes:
    """The one spelling of a value."""
    return _WRITER.encode(value).encode()


def canonical(raw: bytes, what: str) -> Any:
    """Read bytes that have to be in canonical form."""
    try:
        value = _READER.decode(raw.decode())
        same = encode(value) == raw
    except (ValueError, RecursionError) as fault:
        raise Refused(f"{what} cannot be read: {fault}") from None
    need(same, f"{what} is not in its one canonical spelling")
    return value


def canonical_object(raw: bytes, what: str) -> Row:
    """Read a canonical JSON object."""
    value = canonical(raw, what)
    need(isinstance(value, dict), f"{what} is no JSON object")
    return value


def check_texts(value: Any, what: str, level: int = 1) -> None:
    """Hold a payload against the limits for what people and machines sign."""
    if isinstance(value, str):
        need(len(value) <= TEXT_CHARS, f"{what} holds a text longer than {TEXT_CHARS} characters")
        need(not CONTROL.search(value), f"{what} holds control characters")
        need(value.isascii() or unicodedata.is_normalized("NFC", value), f"{what} holds a text that is not in NFC")
    elif isinstance(value, (dict, list)):
        need(level <= LEVELS, f"{what} has more than {LEVELS} levels")
        need(len(value) <= LIST_ITEMS, f"{what} holds a list of more than {LIST_ITEMS} items")
        for name in value if isinstance(value, dict) else ():
            need(name.isascii(), f"{what} has a key that is not ASCII")
        for item in value.values() if isinstance(value, dict) else value:
            check_texts(item, what, level + 1)


def unspell(text: Any, what: str, size: int | None = None) -> bytes:
    """Read base64 in its one spelling."""
    need(isinstance(text, str), f"{what} is no text")
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Refused(f"{what} is no base64") from None
    need(base64.b64encode(raw).decode() == text, f"{what} is not spelled as base64 is")
    need(size is None or len(raw) == size, f"{what} has not {size} bytes")
    return raw


def fields(row: Any, what: str, must: str, may: str = "") -> Row:
    """Hold an object against its fields: all of `must`, and none but those of `must` and `may` (names with blanks between)."""
    need(isinstance(row, dict), f"{what} is no JSON object")
    lacking = set(must.split()) - row.keys()
    surplus = row.keys() - set(must.split()) - set(may.split())
    if lacking or surplus:
        need(not lacking, f"{what} lacks {', '.join(sorted(lacking))}")
        raise Refused(f"{what} has unknown fields: {', '.join(sorted(surplus))}")
    return row


def whole(value: Any, what: str, least: int = 0) -> int:
    """A whole number, not below `least`."""
    need(type(value) is int and value >= least, f"{what} is no whole number from {least}")
    return int(value)


def text_of(value: Any, what: str) -> str:
    """A text that says something."""
    need(isinstance(value, str) and value, f"{what} is no text")
    return str(value)


def texts_of(value: Any, what: str) -> list[str]:
    """A list of texts."""
    need(isinstance(value, list), f"{what} is no list")
    return [text_of(item, what) for item in value]


def id_of(value: Any, what: str) -> str:
    """An id as the pages allow it."""
    need(isinstance(value, str) and ID.match(value), f"{what} is no id")
    return str(value)


def hex_of(value: Any, what: str) -> str:
    """A SHA-256 in 64 small hex digits."""
    need(isinstance(value, str) and HEX.match(value), f"{what} is no SHA-256 in hex")
    return str(value)


# --- Hashes and trees (ledger.md, RFC 6962) -------------------------------------------------------------------------------


def sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


Frontier = tuple[Any, ...]  # of (size, hash), from the largest perfect subtree to the smallest


def grow(frontier: Frontier, leaf: bytes) -> Frontier:
    """A tree with one more leaf."""
    stack, size, top = list(frontier), 1, leaf
    while stack and stack[-1][0] == size:
        top, size = node_hash(stack.pop()[1], top), size * 2
    return (*stack, (size, top))


def root_of(frontier: Frontier) -> bytes:
    """The root over a frontier."""
    if not frontier:
        return sha256(b"")
    *rest, (_, root) = frontier
    for _, left in reversed(rest):
        root = node_hash(left, root)
    return root


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion path leads to (RFC 9162, 2.1.3.2)."""
    need(0 <= index < size, "the index lies outside of the log")
    at, last, root = index, size - 1, leaf
    for step in path:
        need(last, "the inclusion path is too long")
        if at & 1 or at == last:
            root = node_hash(step, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, step)
        at, last = at >> 1, last >> 1
    need(last == 0, "the inclusion path is too short")
    return root


# --- Signatures (envelope.md) ---------------------------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_SMALL = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def _unsigned(point: bytes) -> bytes:
    return point[:31] + bytes([point[31] & 0x7F])


def _add(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Add two points in extended coordinates (RFC 8032, 5.1.4)."""
    left, right = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    c, d = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = right - left, d - c, d + c, right + left
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _point(raw: bytes) -> tuple[int, int, int, int] | None:
    """The point that canonical bytes stand for (RFC 8032, 5.1.3), or None."""
    y, sign = int.from_bytes(_unsigned(raw), "little"), raw[31] >> 7
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * v**3 * pow(u * v**7, (_P - 5) // 8, _P) % _P
    if v * x * x % _P == -u % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return (x, y, 1, x * y % _P)


@lru_cache(maxsize=65_536)
def is_strict_key(key: bytes) -> bool:
    """Whether 32 bytes are a canonical point of prime order: the only Ed25519 keys that are enrolled."""
    if len(key) != 32 or _unsigned(key) in _SMALL:
        return False
    point = _point(key)
    if point is None:
        return False
    total, left = (0, 1, 1, 0), _L
    while left:
        if left & 1:
            total = _add(total, point)
        point, left = _add(point, point), left >> 1
    return total[0] == 0 and (total[1] - total[2]) % _P == 0


@lru_cache(maxsize=65_536)
def ed25519_holds(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature holds under the strict rules: S below the order, no point of small order, R spelled canonically."""
    if len(signature) != 64 or not is_strict_key(key) or _unsigned(signature[:32]) in _SMALL:
        return False
    if int.from_bytes(signature[32:], "little") >= _L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Passkey(NamedTuple):
    """A key of kind webauthn (envelope.md, "A passkey's signature")."""

    alg: int
    key: bytes
    rp_id: str


_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")

_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)\Z")  # a last label that makes an address of a host (URL Standard, 3.5)


@lru_cache(maxsize=4_096)
def read_passkey(raw: bytes) -> Passkey:
    """Read and check a passkey."""
    need(len(raw) <= PASSKEY_BYTES, "a passkey is too long")
    row = fields(canonical(raw, "a passkey"), "a passkey", "alg key rp_id")
    key, host = unspell(row["key"], "a passkey's key"), text_of(row["rp_id"], "rp_id")
    need(_HOST.match(host) and not _NUMBER.match(host.rpartition(".")[2]), "rp_id is no host name")
    need(type(row["alg"]) is int and row["alg"] in (-7, -8, -257), "a passkey is of an unknown algorithm")
    found = Passkey(row["alg"], key, host)
    if found.alg == -8:
        need(is_strict_key(key), "a passkey's point is not a canonical one of prime order")
    else:
        _open_passkey(found)
    return found


def _open_passkey(passkey: Passkey) -> Any:
    try:
        if passkey.alg == -7:
            need(len(passkey.key) == 65 and passkey.key[0] == 4, "a passkey is no uncompressed point")
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), passkey.key)
        key = serialization.load_der_public_key(passkey.key)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("a passkey's key cannot be read") from None
    need(isinstance(key, rsa.RSAPublicKey), "a passkey is not the kind of key that it says")
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    need(der == passkey.key, "a passkey's DER is not the one spelling")
    exponent = key.public_numbers().e
    need(2_048 <= key.key_size <= 4_096, "a passkey has not 2,048 to 4,096 bits")
    need(exponent & 1 and exponent.bit_length() <= 32, "a passkey's exponent is even or too large")
    return key


def _client_data(raw: bytes, message: bytes, rp_id: str) -> None:
    """Rule 1 of a passkey's signature."""
    try:
        row = json.loads(raw.decode(), object_pairs_hook=_pairs, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused("client_data cannot be read") from None
    need(isinstance(row, dict) and row.get("type") == "webauthn.get", "client_data is not of webauthn.get")
    challenge = base64.urlsafe_b64encode(sha256(message)).rstrip(b"=").decode()
    need(row.get("challenge") == challenge, "client_data is about another challenge")
    need(row.get("crossOrigin", False) is False, "client_data is of another origin's frame")
    origin = row.get("origin")
    need(isinstance(origin, str), "client_data has no origin")
    match = re.match(r"(https://([^/:?#@\s]+)|http://localhost)(:[0-9]{1,5})?\Z", origin)
    need(match, "client_data is of an origin that is none")
    host = match.group(2) or "localhost"
    need(_HOST.match(host), "client_data is of a host that is none")
    need(host == rp_id or host.endswith("." + rp_id), "client_data is of another host")


def _authenticator_data(raw: bytes, rp_id: str) -> None:
    """Rule 2 of a passkey's signature."""
    need(len(raw) >= 37 and raw[:32] == sha256(rp_id.encode()), "authenticator_data is of another relying party")
    flags = raw[32]
    need(flags & 0x05 == 0x05, "user presence and verification are not both there")
    need(not flags & 0x40, "authenticator_data carries an attestation")
    need(not flags & 0x10 or flags & 0x08, "authenticator_data is backed up and cannot be")
    need((len(raw) > 37) == bool(flags & 0x80), "authenticator_data has another length than its flags say")


def passkey_holds(raw_key: bytes, message: bytes, raw: bytes) -> bool:
    """Whether a passkey's signature row holds for a message."""
    try:
        passkey = read_passkey(raw_key)
        row = fields(canonical(raw, "a signature"), "a signature", "authenticator_data client_data signature")
        data, client = unspell(row["authenticator_data"], "data"), unspell(row["client_data"], "client data")
        _client_data(client, message, passkey.rp_id)
        _authenticator_data(data, passkey.rp_id)
        return _assertion_holds(passkey, data + sha256(client), unspell(row["signature"], "the signature"))
    except (Refused, InvalidSignature, ValueError):
        return False


def _assertion_holds(passkey: Passkey, signed: bytes, signature: bytes) -> bool:
    """Rule 3 of a passkey's signature."""
    if passkey.alg == -8:
        return ed25519_holds(passkey.key, signed, signature)
    key = _open_passkey(passkey)
    if passkey.alg == -7:
        if encode_dss_signature(*decode_dss_signature(signature)) != signature:
            return False
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        return True
    if len(signature) != (key.key_size + 7) // 8:
        return False
    key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    return True


def check_key(raw: bytes, what: str) -> bytes:
    """A key that may be enrolled: 32 bytes of Ed25519, or a passkey."""
    if len(raw) == 32:
        need(is_strict_key(raw), f"{what} is not a canonical point of prime order")
    else:
        read_passkey(raw)
    return raw


def holds(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature holds under a key of either kind."""
    return ed25519_holds(key, message, signature) if len(key) == 32 else passkey_holds(key, message, signature)


# --- Envelopes (envelope.md) ----------------------------------------------------------------------------------------------


class Envelope(NamedTuple):
    """A DSSE envelope that has its form."""

    payload: bytes
    message: bytes
    signatures: dict[Any, Any]  # keyid -> bytes

    @classmethod
    def read(cls, row: Any, kind: str) -> Envelope:
        fields(row, "the envelope", "payload payloadType signatures")
        need(row["payloadType"] == kind, "the envelope is of another type")
        need(len(encode(row)) <= ENVELOPE_BYTES, "the envelope is too long")
        payload, rows = unspell(row["payload"], "the payload"), row["signatures"]
        need(
            isinstance(rows, list) and 1 <= len(rows) <= SIGNATURES,
            f"the envelope has not 1 to {SIGNATURES} signatures",
        )
        found: dict[str, bytes] = {}
        for item in rows:
            name = text_of(fields(item, "a signature", "keyid sig")["keyid"], "keyid")
            need(name not in found, f"{name} signed twice")
            found[name] = unspell(item["sig"], "a signature")
        for name, sig in found.items():
            need(0 < len(sig) <= PASSKEY_SIGNATURE_BYTES, f"the signature of {name} has an impossible length")
        need(sum(map(len, found.values())) <= PASSKEY_SIGNATURES_BYTES, "the signatures are too long together")
        head = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode()
        return cls(payload, head + payload, found)


class Act(NamedTuple):
    """The payload of a signed action."""

    row: Row
    name: str
    signers: tuple[Any, ...]  # of (id, role)
    place: str

    @classmethod
    def read(cls, payload: bytes) -> Act:
        row = canonical_object(payload, "the payload")
        check_texts(row, "the payload")
        name = text_of(row.get("act"), "act")
        most = PAYLOAD_BYTES + (SLIP_BYTES if name == "slip.stage" else 0)
        need(len(payload) <= most, "the payload is too long")
        id_of(row.get("site"), "the payload's site")
        need(type(row.get("at")) is int, "the payload's at is no time")
        text_of(row.get("nonce"), "the payload's nonce")
        need("v" not in row or row["v"] != 1, "a default was written out")
        rows = row.get("signers")
        need(isinstance(rows, list) and rows, "the payload names no signers")
        signers = []
        for item in rows:
            fields(item, "a signer", "id role", "meaning auth kind")
            need(item.get("kind", "webauthn") == "webauthn", "a signer is of an unknown kind")
            signers.append((id_of(item["id"], "a signer"), text_of(item["role"], "a role")))
        place = id_of(row["place"], "place") if "place" in row else ""
        return cls(row, name, tuple(signers), place)

    @property
    def newcomer(self) -> str:
        """Who signs with the key that the act asks for; empty in acts that ask for none."""
        if self.name not in ("identity.enrol", "identity.rekey", "site.enrol"):
            return ""
        return next((who for who, role in self.signers if role == "newcomer" and who == self.row.get("id")), "")

    def subject(self) -> str:
        """What the act is about (entry.md, "Kinds and their records")."""
        row = self.row
        if isinstance(row.get("slip"), dict):
            return f"order:{row['slip'].get('order')}"
        if self.name == "root.rotate":
            return "charter"
        if row.get("order") and row.get("job"):
            return f"{row['order']}/{row['job']}"
        for kind, name in SUBJECTS:
            if isinstance(row.get(name), str) and row[name]:
                return f"{'equipment' if name == 'id' and self.name.startswith('equipment.') else kind}:{row[name]}"
        return f"signer:{self.signers[0][0]}"


SUBJECTS = (
    ("order", "order"),
    ("report", "report"),
    ("contract", "contract"),
    ("identity", "id"),
    ("identity", "person"),
    ("material", "batch"),
    ("standard", "standard"),
    ("series", "series"),
    ("policy", "policy"),
    ("site", "target"),
    ("party", "org"),
    ("identity", "owner"),
    ("invoice", "invoice"),
    ("run", "run"),
    ("payout", "payout"),
    ("statement", "statement"),
    ("payload", "commitment"),
    ("hold", "subject"),
)


# --- Notes, checkpoints and cosignatures (ledger.md, C2SP) ----------------------------------------------------------------


class Vkey(NamedTuple):
    """A key with a name, as notes and trust files spell it."""

    name: str
    kind: int
    key: bytes

    @property
    def hint(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key)[:4]

    @classmethod
    def read(cls, text: Any) -> Vkey:
        parts = text.split("+", 2) if isinstance(text, str) else []
        need(len(parts) == 3, "a vkey has three parts")
        raw = unspell(parts[2], "a vkey", 33)
        found = cls(parts[0], raw[0], raw[1:])
        need(found.hint.hex() == parts[1], "a vkey's key id is another")
        need(is_strict_key(found.key), "a vkey is not a canonical point of prime order")
        return found


def read_note(raw: bytes) -> tuple[str, tuple]:
    """A signed note: its text without the last line feed, and its lines as (name, key id, signature)."""
    try:
        note = raw.decode()
    except ValueError:
        raise Refused("a note is no text") from None
    text, gap, rest = note.partition("\n\n")
    need(gap and rest.endswith("\n"), "a note has no signatures")
    return text, tuple(_signature_line(line) for line in rest[:-1].split("\n"))


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    match = re.match("— ([^ +\t\r\n]+) ([A-Za-z0-9+/=]+)\\Z", line)
    need(match, "a line of a note is no signature")
    raw = unspell(match.group(2), "a line of a note")  # type: ignore[union-attr]
    need(len(raw) > 4, "a line of a note is too short")
    return match.group(1), raw[:4], raw[4:]  # type: ignore[union-attr]


class Checkpoint(NamedTuple):
    """A signed note whose text is a checkpoint."""

    text: bytes
    origin: str
    size: int
    root: bytes
    lines: tuple[Any, ...]  # of (name, hint, signature)

    @classmethod
    def read(cls, raw: bytes) -> Checkpoint:
        text, lines = read_note(raw)
        parts = text.split("\n")
        need(len(parts) == 3, "a checkpoint has not three lines")
        need(re.match(r"(0|[1-9][0-9]{0,15})\Z", parts[1]), "a checkpoint's size is no number")
        root = unspell(parts[2], "a checkpoint's root", 32)
        return cls((text + "\n").encode(), parts[0], int(parts[1]), root, lines)

    def signed_by(self, key: Vkey) -> bool:
        """Whether the log's own key signed. A line under its name and key id that does not hold is refused."""
        found = [sig for name, hint, sig in self.lines if (name, hint) == (key.name, key.hint)]
        need(all(ed25519_holds(key.key, self.text, sig) for sig in found), f"the signature of {key.name} does not hold")
        return bool(found)

    def cosigned_by(self, key: Vkey) -> int | None:
        """When a witness cosigned, in UTC seconds; None where it did not."""
        at = None
        for name, hint, sig in self.lines:
            if (name, hint) != (key.name, key.hint):
                continue
            need(len(sig) == 72, f"the cosignature of {key.name} has an impossible length")
            at = struct.unpack(">Q", sig[:8])[0]
            message = f"cosignature/v1\ntime {at}\n".encode() + self.text
            need(ed25519_holds(key.key, message, sig[8:]), f"the cosignature of {key.name} does not hold")
        return at

    def of(self, seat: Seat) -> Checkpoint:
        """Hold it against the key of a log."""
        need(self.origin == seat.origin, f"a checkpoint is of {self.origin}, not of {seat.origin}")
        need(self.signed_by(seat.vkey), f"a checkpoint of {seat.origin} is not signed by its key")
        return self


class Trust(NamedTuple):
    """What the reader brings from outside of what is checked."""

    roots: frozenset[bytes]
    witnesses: tuple[Any, ...]
    rotations: tuple[Any, ...] = ()

    @classmethod
    def read(cls, raw: bytes) -> Trust:
        try:
            row = fields(json.loads(raw), "it", "roots", "witnesses rotations")
            roots = frozenset(unspell(text, "a root key", 32) for text in row["roots"])
            witnesses = tuple(Vkey.read(text) for text in row.get("witnesses", []))
            need(roots and all(map(is_strict_key, roots)), "a root key is none")
            need(all(key.kind == 4 for key in witnesses), "a witness has a key of another type")
            rotations = tuple(encode(row) for row in row.get("rotations", []))
        except (ValueError, KeyError, TypeError, AttributeError, Refused) as fault:
            raise CannotJudge(f"the trust file cannot be read: {fault}") from None
        return cls(roots, witnesses, rotations)


# --- Charter and roster (charter.md, envelope.md) -------------------------------------------------------------------------


class Seat(NamedTuple):
    """A site's place in the shop."""

    id: str
    kind: str
    origin: str
    key: bytes

    @property
    def vkey(self) -> Vkey:
        return Vkey(self.origin, 1, self.key)

    @classmethod
    def read(cls, row: Any, more: str = "") -> Seat:
        fields(row, "a site", "id kind origin key", "sealing_key area " + more)
        need(row["kind"] in (HUB, "floor_hub", "node", "vault"), "a site is of an unknown kind")
        key = unspell(row["key"], "a site's key", 32)
        need(is_strict_key(key), "a site's key is not a canonical point of prime order")
        if "sealing_key" in row:
            unspell(row["sealing_key"], "a sealing key", 32)
        origin = text_of(row["origin"], "an origin")
        need(not re.search(r"[\s+]", origin), "an origin holds blanks or a plus sign")
        return cls(id_of(row["id"], "a site's id"), row["kind"], origin, key)


class Roots(NamedTuple):
    """The root keys in force (roots.md). `history`: digests of the payloads that put roots in force, the charter's first."""

    org: str
    keys: tuple[Any, ...]
    threshold: int
    history: tuple[str, ...]
    former: frozenset[bytes] = frozenset()

    def follow(self, raw: bytes) -> Roots:
        """The roots after a root document (roots.md, "When a document follows")."""
        read = Envelope.read(canonical_object(raw, "the root document's envelope"), ROOT_TYPE)
        row = canonical_object(read.payload, "the root document")
        fields(row, "the root document", "before org roots threshold v version")
        need(row["v"] == 1, "the root document is of another version of the format")
        need(
            whole(row["version"], "version", 2) == len(self.history) + 1, "the root document is not of the next version"
        )
        need(row["org"] == self.org, "the root document is of another organisation")
        need(row["before"] == self.history[-1], "the root document replaces something else than what is in force")
        keys = tuple(unspell(text, "a root key", 32) for text in texts_of(row["roots"], "roots"))
        need(1 <= len(keys) <= ROOTS, f"the root document names not 1 to {ROOTS} keys")
        need(all(map(is_strict_key, keys)), "a root key is not a canonical point of prime order")
        need(len(set(keys)) == len(keys), "the root document names a root twice")
        threshold = whole(row["threshold"], "threshold", 1)
        need(threshold <= len(keys), "the root document's threshold cannot be met")
        need(not self.former & set(keys), "a key that went comes back as a root")
        need((set(keys), threshold) != (set(self.keys), self.threshold), "the root document changes nothing")
        self._signed(read, keys, threshold)
        former = self.former | (set(self.keys) - set(keys))
        return Roots(self.org, keys, threshold, (*self.history, sha256(read.payload).hex()), former)

    def _signed(self, read: Envelope, keys: tuple[Any, ...], threshold: int) -> None:
        by_id = {sha256(key)[:8].hex(): key for key in (*self.keys, *keys)}
        for name, signature in read.signatures.items():
            need(name in by_id, "the root document is signed by a key that is no root's")
            need(ed25519_holds(by_id[name], read.message, signature), "a root's signature does not hold")
        signed = {by_id[name] for name in read.signatures}
        need(len(signed & set(self.keys)) >= self.threshold, "too few of the roots before it signed the root document")
        need(len(signed & set(keys)) >= threshold, "too few of its own roots signed the root document")


class Person(NamedTuple):
    """Somebody or something with a key, other than a site."""

    kind: str
    roles: tuple[Any, ...]
    key: bytes
    earlier: tuple[Any, ...] = ()
    disabled: bool = False


IDENTITY = "id name org kind key roles"
IDENTITY_MORE = "zone node sealing_key"


def person_of(row: Row, more: str = "") -> tuple[str, Person]:
    """Read an identity as charters and enrolments spell it."""
    fields(row, "an identity", IDENTITY, f"{IDENTITY_MORE} {more}")
    key = check_key(unspell(row["key"], "a key"), "a key")
    need(row["kind"] in ("person", "device", "module"), "an identity is of an unknown kind")
    return id_of(row["id"], "an id"), Person(row["kind"], tuple(texts_of(row["roles"], "roles")), key)


@dataclass
class Roster:
    """Who is known, and under which key: the charter with what the business hub enrolled since."""

    payload: bytes = b""
    roots: Roots | None = None
    known: tuple[str, ...] = ()
    seats: dict[Any, Any] = field(default_factory=dict)
    people: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def found(cls, envelope: Any, trust: Trust) -> Roster:
        """Open a charter (charter.md)."""
        read = Envelope.read(envelope, CHARTER_TYPE)
        row = canonical_object(read.payload, "the charter")
        fields(row, "the charter", "founders org roots settings sites threshold v")
        need(row["v"] == 1, "the charter is of another version")
        roots = [unspell(text, "a root key", 32) for text in texts_of(row["roots"], "roots")]
        need(len(set(roots)) == len(roots), "the charter names a root twice")
        need(set(roots) == trust.roots, "the charter names other roots than those that are trusted")
        threshold = whole(row["threshold"], "threshold", 1)
        need(threshold <= len(roots), "the charter's threshold cannot be met")
        by_id = {sha256(root)[:8].hex(): root for root in roots}
        for name, signature in read.signatures.items():
            need(name in by_id, "the charter is signed by a key that is no root's")
            need(ed25519_holds(by_id[name], read.message, signature), "a root's signature does not hold")
        need(len(read.signatures) >= threshold, "too few roots signed the charter")
        first = Roots(text_of(row["org"], "org"), tuple(roots), threshold, (sha256(read.payload).hex(),))
        known = first
        for document in trust.rotations:
            known = known.follow(document)
        return cls(read.payload, first, known.history).seat_all(row)

    def seat_all(self, row: Row) -> Roster:
        """Take in the sites and founders of a charter."""
        for item in row["sites"]:
            seat = Seat.read(item)
            need(seat.id not in self.seats, "the charter names a site twice")
            need(seat.origin not in [other.origin for other in self.seats.values()], "the charter names a log twice")
            self.seats[seat.id] = seat
        for item in row["founders"]:
            name, person = person_of(item)
            need(name not in self.people and name not in self.seats, "the charter names an identity twice")
            self.people[name] = person
        return self

    def seat_by_origin(self, origin: Any) -> Seat | None:
        return next((seat for seat in self.seats.values() if seat.origin == origin), None)

    def keys_of(self, name: str, *, earlier: bool) -> tuple[Any, ...]:
        """The keys under which a signature counts; the present one first. Empty where nobody has that name."""
        if name in self.seats:
            return (self.seats[name].key,)
        person = self.people.get(name)
        if person is None:
            return ()
        return (person.key, *person.earlier) if earlier else (person.key,)

    def check(self, envelope: Envelope, act: Act, *, earlier: bool) -> int:
        """Hold signatures against whom the payload names: exactly those, each under its key. Gives their number."""
        wanted = {who for who, _ in act.signers} | ({act.place} if act.place else set())
        lacking, surplus = wanted - set(envelope.signatures), set(envelope.signatures) - wanted
        need(not lacking, f"the signature of {', '.join(sorted(lacking))} is missing")
        need(not surplus, f"{', '.join(sorted(surplus))} signed and is not named")
        for name, signature in envelope.signatures.items():
            if name == act.newcomer:
                keys: tuple[Any, ...] = (check_key(unspell(act.row.get("key"), "the new key"), "the new key"),)
            else:
                keys = self.keys_of(name, earlier=earlier)
            need(keys, f"{name} is not enrolled")
            need(any(holds(key, envelope.message, signature) for key in keys), f"the signature of {name} does not hold")
        return len(envelope.signatures)

    def officers(self, act: Act) -> int:
        """How many people other than the one whom the act is about stand under it in an officer's role."""
        found = set()
        for who, role in act.signers:
            person = self.people.get(who)
            in_force = person is not None and person.kind == "person" and not person.disabled
            if in_force and role in OFFICERS and role in person.roles and who != act.row.get("id"):
                found.add(who)
        return len(found)

    def learn(self, act: Act, events: list[Row]) -> None:
        """Fold what an allowed act at the business hub says about people and sites."""
        for event in events:
            fold = FOLDS.get(event["ev"])
            if fold is not None:
                need(act.name == fold[0], f"{event['ev']} does not follow from {act.name}")
                fold[1](self, act, event)
        said = [event for event in events if FOLDS.get(event["ev"], ("",))[0] == act.name]
        need(act.name not in ROSTER_ACTS or len(said) == 1, f"{act.name} was allowed and did not become true once")

    def _same(self, act: Act, event: Row, names: str) -> None:
        for name in names.split():
            need(act.row.get(name) == event.get(name), f"{event['ev']} says another {name} than was signed")

    def enrolled(self, act: Act, event: Row) -> None:
        name, person = person_of(event, "ev")
        self._same(act, event, f"{IDENTITY} {IDENTITY_MORE}")
        need(name not in self.people and name not in self.seats, f"{name} was enrolled before")
        need(act.newcomer, f"{name} did not sign its enrolment")
        need(self.officers(act) >= 2, "no two officers stand under an enrolment")
        self.people[name] = person

    def rekeyed(self, act: Act, event: Row) -> None:
        fields(event, "the event", "ev id key", "sealing_key")
        self._same(act, event, "id key sealing_key")
        name, key = event["id"], check_key(unspell(event["key"], "a key"), "the new key")
        need(name in self.people, f"{name} has no key that could be replaced")
        used = {old for person in self.people.values() for old in (person.key, *person.earlier)}
        need(key not in used | {seat.key for seat in self.seats.values()}, "the new key is or was somebody's")
        need(act.newcomer, f"{name} did not sign with the new key")
        need(self.officers(act) >= 2, "no two officers stand under a new key")
        was = self.people[name]
        self.people[name] = was._replace(key=key, earlier=(was.key, *was.earlier))

    def disabled(self, act: Act, event: Row) -> None:
        fields(event, "the event", "ev id")
        self._same(act, event, "id")
        need(event["id"] in self.people, f"{event['id']} is not enrolled")
        self.people[event["id"]] = self.people[event["id"]]._replace(disabled=True)

    def site_enrolled(self, act: Act, event: Row) -> None:
        seat = Seat.read(event, "ev")
        self._same(act, event, "id kind origin key sealing_key area")
        need(seat.kind == "node", "only nodes join later")
        need(seat.id not in self.seats and seat.id not in self.people, f"{seat.id} is somebody's name")
        need(self.seat_by_origin(seat.origin) is None, f"{seat.origin} is another site's log")
        need(seat.key not in {other.key for other in self.seats.values()}, "the site's key is another's")
        need(act.newcomer, f"{seat.id} did not sign its enrolment")
        need(self.officers(act) >= 2, "no two officers stand under a site's enrolment")
        self.seats[seat.id] = seat

    def site_retired(self, act: Act, event: Row) -> None:
        fields(event, "the event", "ev id")
        self._same(act, event, "id")
        need(self.officers(act) >= 2, "no two officers stand under a site's leaving")
        need(event["id"] in self.seats and self.seats[event["id"]].kind == "node", f"{event['id']} is no node")

    def rotated(self, act: Act, event: Row) -> None:
        fields(event, "the event", "ev version roots threshold document")
        need(self.officers(act) >= 2, "no two officers stand under an exchange of the roots")
        need(self.roots is not None, "nothing is known of the roots")
        after = self.roots.follow(unspell(act.row.get("document"), "document"))  # type: ignore[union-attr]
        said = [unspell(text, "a root key", 32) for text in texts_of(event["roots"], "roots")]
        told = (event["version"], said, event["threshold"], event["document"])
        held = (len(after.history), list(after.keys), after.threshold, after.history[-1])
        need(told == held, "the event says something else of the roots than the root document")
        both = min(len(after.history), len(self.known))
        need(after.history[:both] == self.known[:both], "the roots were exchanged for others than the reader knows of")
        self.roots = after


# A retired site keeps its key here: what it signed before it left still has to hold.
FOLDS: dict[Any, Any] = {
    "IdentityEnrolled": ("identity.enrol", Roster.enrolled),
    "IdentityRekeyed": ("identity.rekey", Roster.rekeyed),
    "IdentityDisabled": ("identity.disable", Roster.disabled),
    "SiteEnrolled": ("site.enrol", Roster.site_enrolled),
    "SiteRetired": ("site.retire", Roster.site_retired),
    "RootsRotated": ("root.rotate", Roster.rotated),
}
ROSTER_ACTS = frozenset(act for act, _ in FOLDS.values())


# --- Entries (entry.md) ---------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """An entry that has its form."""

    row: Row
    site: str
    seq: int
    at: int
    kind: str
    subject: str
    module: str
    events: list[Any]
    allowed: bool
    pins: list[Any]

    @classmethod
    def read(cls, raw: bytes) -> Entry:
        need(len(raw) <= ENTRY_BYTES, f"it is longer than {ENTRY_BYTES} bytes")
        row = canonical_object(raw, "it")
        fields(row, "it", "site seq epoch at kind subject source law action record decision", "prev pins")
        need(row["kind"] in KINDS, "it is of an unknown kind")
        signed = row["kind"] in ("genesis", "action")
        need((row["action"] is not None) == signed, "an act is missing, or one stands where none belongs")
        need((row["record"] is None) == signed, "a record is missing, or one stands where none belongs")
        source = fields(row["source"], "its source", "module node")
        need(source["node"] == row["site"], "its source is of another site")
        cls._law(row)
        events = cls._decision(row)
        pins = texts_of(row.get("pins", []), "pins")
        need("pins" not in row or 1 <= len(pins) <= PINS, f"it pins not 1 to {PINS} documents")
        for pin in pins:
            hex_of(pin, "a pin")
        if "prev" in row:
            hex_of(row["prev"], "prev")
        text_of(row["epoch"], "epoch")
        return cls(
            row,
            id_of(row["site"], "site"),
            whole(row["seq"], "seq"),
            whole(row["at"], "at"),
            row["kind"],
            text_of(row["subject"], "subject"),
            text_of(source["module"], "module"),
            events,
            row["decision"]["verdict"] == "allow",
            pins,
        )

    @staticmethod
    def _law(row: Row) -> None:
        law = fields(row["law"], "law", "semantics", "contract version")
        need(
            whole(law["semantics"], "semantics") == SEMANTICS,
            "it is of a version of the law that this program does not know",
        )
        need(("contract" in law) == ("version" in law), "a contract without a version, or the reverse")
        if "contract" in law:
            need(row["kind"] == "action", "an entry without an act names a contract")
            hex_of(law["contract"], "contract")
            text_of(law["version"], "version")

    @staticmethod
    def _decision(row: Row) -> list[Row]:
        decision = fields(row["decision"], "the decision", "verdict", "events denials trace reads")
        need(decision["verdict"] in ("allow", "deny"), "the decision has no verdict")
        need(
            ("denials" in decision) == (decision["verdict"] == "deny"), "the decision's verdict and its denials differ"
        )
        for name in set(decision) - {"verdict"}:
            need(isinstance(decision[name], list) and decision[name], f"the decision's {name} are empty")
        for read in decision.get("reads", []):
            need(type(read) is int and 0 <= read < row["seq"], "the decision rests on an entry that is not before it")
        events = decision.get("events", [])
        for event in events:
            need(isinstance(event, dict) and isinstance(event.get("ev"), str), "an event has no name")
        return events


def check_roster_events(seat: Seat, entry: Entry) -> None:
    """Who is who follows from allowed acts at the business hub alone."""
    for name in [event["ev"] for event in entry.events if event["ev"] in FOLDS]:
        need(seat.kind == HUB, f"{name} is not for {seat.id} to say")
        need(entry.allowed, f"{name} follows from an act that was refused")


def check_says(seat: Seat, entry: Entry) -> None:
    """Hold what another site tells against what that kind of site may say to others."""
    check_roster_events(seat, entry)
    for name in [event["ev"] for event in entry.events]:
        sayers = [kind for kind, names in SAYS.items() if name in names] or [HUB]
        need(name in OWN or seat.kind in sayers, f"{name} is not for {seat.id} to say")


def check_record(entry: Entry) -> Row:
    """Hold the site's own account against the fields of its kind; and subject and source with it."""
    row = entry.row["record"]
    if entry.kind == "boot":
        fields(row, "the record", "epoch reconciled", "again")
        subject, module = "boot", entry.site
    elif entry.kind == "attempt":
        fields(row, "the record", "code source why", "act digest count")
        subject, module = f"source:{row['source']}", row["source"]
    elif entry.kind == "import":
        fields(row, "the record", "origin start size checkpoint leaves held")
        subject, module = f"origin:{row['origin']}", entry.module
    elif entry.kind == "consequence":
        fields(row, "the record", "of")
        subject, module = entry.subject, entry.site
        need("/" in subject or subject.startswith("equipment:"), "a consequence is about neither a job nor equipment")
    elif entry.kind == "contact":
        fields(row, "the record", "site up")
        need(type(row["up"]) is bool, "a link is neither up nor down")
        subject, module = f"site:{row['site']}", row["site"]
    else:
        fields(row, "the record", "witness note")
        subject, module = f"witness:{row['witness']}", row["witness"]
    need(entry.subject == subject, f"its subject is {entry.subject}, and should be {subject}")
    need(entry.module == module, f"its source is {entry.module}, and should be {module}")
    return row


@dataclass
class Bundle:
    """One log in one file (entry.md, "Bundles")."""

    name: str
    head: Row  # checkpoint and cosignatures, as bytes
    entries: list[Any]  # of (leaf, bytes)
    blobs: dict[Any, Any]  # digest -> bytes, under their SHA-256 and under their leaf hash

    @classmethod
    def read(cls, name: str, raw: bytes) -> Bundle:
        head, entries, blobs, stage = None, [], {}, 0
        lines = raw.split(b"\n")
        for number, line in enumerate(lines[:-1] if raw.endswith(b"\n") else lines, 1):
            try:
                row = json.loads(line.decode(), object_pairs_hook=_pairs)
            except (ValueError, RecursionError):
                raise Refused(f"line {number} cannot be read") from None
            kind = row.get("line") if isinstance(row, dict) else None
            need(kind in ("head", "entry", "blob"), f"line {number} is neither head, entry nor blob")
            order = ("head", "entry", "blob").index(kind)
            need(order >= stage, f"line {number} is out of order")
            stage = order
            if kind == "head":
                need(head is None, "there are two heads")
                head = cls._head(fields(row, "the head", "line cosignatures checkpoint"))
            elif kind == "entry":
                fields(row, f"line {number}", "line leaf body")
                entries.append((unspell(row["leaf"], "a leaf"), unspell(row["body"], "an entry")))
            else:
                blob = unspell(fields(row, f"line {number}", "line body")["body"], "a blob")
                blobs[sha256(blob)] = blobs[leaf_hash(blob)] = blob
        need(head is not None, "there is no head")
        need(entries, "there are no entries")
        return cls(name, head, entries, blobs)

    @staticmethod
    def _head(row: Row) -> Row:
        beside = row["cosignatures"]
        need(isinstance(beside, dict), "the head's cosignatures are no object")
        notes = {name: unspell(note, "a cosignature beside the log") for name, note in beside.items()}
        return {"checkpoint": unspell(row["checkpoint"], "the checkpoint"), "cosignatures": notes}


class Held(NamedTuple):
    """How far another site's log was taken in."""

    size: int = 0
    frontier: Frontier = ()


@dataclass
class Told:
    """What is said about one log."""

    name: str
    site: str = ""
    origin: str = ""
    entries: int = 0
    signed: int = 0
    root: str = ""
    signatures: int = 0
    cosignatures: int = 0
    imported: int = 0
    hidden: int = 0
    outside: list[Any] = field(default_factory=list)
    witnessed: list[Any] = field(default_factory=list)
    kinds: dict[Any, Any] = field(default_factory=dict)
    fault: Any = None


class Log:
    """One site's log, read from its first entry to its last."""

    def __init__(self, bundle: Bundle, trust: Trust) -> None:
        self.bundle, self.trust = bundle, trust
        self.told = Told(bundle.name)
        self.roster = Roster()
        self.site = ""
        self.epoch = ""
        self.at = 0
        self.heads: dict[Any, Any] = {}
        self.acts: set[bytes] = set()
        self.held: dict[Any, Any] = {}
        self.cosigned: list[Any] = []
        self.newest: dict[Any, Any] = {}
        self.frontiers: list[Any] = [()]
        self.roots: dict[Any, Any] = {}
        self.last_cause = -1

    # What the whole log is.

    def verify(self) -> Told:
        """Check everything; the first fault is kept in what is told."""
        try:
            for seq, (leaf, body) in enumerate(self.bundle.entries):
                self._at(seq, lambda: self._entry(seq, leaf, body))  # noqa: B023 - called at once
            self._checkpoint()
            self._cosignatures()
        except Refused as fault:
            self.told.fault = {"entry": fault.entry, "what": fault.what}
        return self.told

    @staticmethod
    def _at(seq: int, step: Callable[[], None]) -> None:
        try:
            step()
        except Refused as fault:
            raise Refused(fault.what, seq if fault.entry is None else fault.entry) from None

    def root(self, size: int) -> bytes:
        """The log's root at a size."""
        if size not in self.roots:
            self.roots[size] = root_of(self.frontiers[size])
        return bytes(self.roots[size])

    def seat(self) -> Seat:
        """This site's own seat; charter or an enrolment that was imported gives it."""
        seat = self.roster.seats.get(self.site)
        need(seat is not None, f"{self.site} has no seat in this shop")
        return seat  # type: ignore[return-value]

    # Entry by entry.

    def _entry(self, seq: int, leaf: bytes, body: bytes) -> None:
        need(leaf_hash(body) == leaf, "its bytes do not give the recorded leaf hash: it was altered")
        entry = Entry.read(body)
        self.told.entries += 1
        self.told.kinds[entry.kind] = self.told.kinds.get(entry.kind, 0) + 1
        need(entry.seq == seq, f"it says that it is entry {entry.seq}")
        need((entry.kind == "genesis") == (seq == 0), "a log has one genesis, and begins with it")
        if seq == 0:
            self.site, self.epoch = entry.site, entry.row["epoch"]
        need(entry.site == self.site, f"it is of {entry.site}")
        need(entry.at >= self.at, "its time is before that of the entry before it")
        prev = self.heads.get(entry.subject)
        link = prev.hex() if prev else None
        need(entry.row.get("prev") == link, "its link does not lead to the entry before it about the same")
        self._kind(entry)
        need(entry.row["epoch"] == self.epoch, "it is of another start than the one before it")
        self.heads[entry.subject], self.at = leaf, entry.at
        self.frontiers.append(grow(self.frontiers[-1], leaf))

    def _kind(self, entry: Entry) -> None:
        if entry.kind not in ("consequence", "boot"):
            self.last_cause = entry.seq
        if entry.kind not in ("action", "genesis"):
            record = check_record(entry)
            need(not entry.pins, "it pins documents without an act")
            self._own_word(entry)
            getattr(self, "_" + entry.kind)(entry, record)
        elif entry.kind == "genesis":
            self._genesis(entry)
        else:
            self._action(entry)

    @staticmethod
    def _own_word(entry: Entry) -> None:
        for event in entry.events:
            need(event["ev"] not in FOLDS, f"{event['ev']} without an act")

    @staticmethod
    def _says(entry: Entry, **said: Any) -> None:
        """What a site notes by itself also stands in the decision (entry.md, "Kinds and their records")."""
        need(entry.allowed and said in entry.events, f"its decision does not say {said['ev']} as its record does")

    def _genesis(self, entry: Entry) -> None:
        need(
            entry.subject == "charter" and entry.module == entry.site,
            "a genesis is about the charter, by the site itself",
        )
        need(entry.allowed and not entry.events and not entry.pins, "a genesis decides nothing")
        self.roster = Roster.found(entry.row["action"], self.trust)
        self.told.site = self.site

    def _boot(self, entry: Entry, record: Row) -> None:
        epoch = text_of(record["epoch"], "epoch")
        need(type(record["reconciled"]) is bool, "reconciled is neither true nor false")
        need("again" not in record or record["again"] is True, "again is not true")
        if "again" in record:
            need(epoch == self.epoch, "a confirmation is of another start")
            return
        self.epoch = epoch
        self._says(entry, ev="Booted", epoch=epoch, reconciled=record["reconciled"], heard_until=self.at)

    def _attempt(self, entry: Entry, record: Row) -> None:
        denials = entry.row["decision"].get("denials", [])
        codes = [row.get("code") if isinstance(row, dict) else None for row in denials]
        need(codes == [record["code"]], "an attempt is denied as something else")
        if "digest" in record:
            hex_of(record["digest"], "digest")
        if "count" in record:
            whole(record["count"], "count", 1)

    def _contact(self, entry: Entry, record: Row) -> None:
        self._says(entry, ev="ContactChanged", site=id_of(record["site"], "a peer"), up=record["up"])

    def _consequence(self, entry: Entry, record: Row) -> None:
        need(self.seat().kind == HUB, "a consequence is not the business hub's")
        need(
            whole(record["of"], "of") == self.last_cause,
            "a consequence does not stand right after what it follows from",
        )

    def _action(self, entry: Entry) -> None:
        envelope = Envelope.read(entry.row["action"], ACTION_TYPE)
        act = Act.read(envelope.payload)
        self._fits(entry, act)
        digest = sha256(envelope.payload)
        need(digest not in self.acts, "what was signed once is recorded twice")
        self.acts.add(digest)
        self.told.signatures += self.roster.check(envelope, act, earlier=False)
        self._pinned(entry, act)
        if self.site not in self.roster.seats:
            need(not entry.allowed, "it was allowed at a site that has no seat yet")
            return
        check_roster_events(self.seat(), entry)
        if entry.allowed and self.seat().kind == HUB:
            self.roster.learn(act, entry.events)

    @staticmethod
    def _fits(entry: Entry, act: Act) -> None:
        need(act.row["site"] == entry.site or not entry.allowed, "it was allowed, and is meant for another site")
        need(entry.subject == act.subject(), f"its subject is {entry.subject}, and should be {act.subject()}")
        module = act.place or act.signers[0][0]
        need(entry.module == module, f"its source is {entry.module}, and should be {module}")

    def _pinned(self, entry: Entry, act: Act) -> None:
        need(not entry.pins or act.name in PINNING, f"{act.name} pins no documents")
        for pin in entry.pins:
            blob = self.bundle.blobs.get(bytes.fromhex(pin))
            need(blob is not None and sha256(blob).hex() == pin, f"the document {pin} is not there, or is another")
            need(len(blob or b"") <= BLOB_BYTES, f"the document {pin} is too long")

    # What was taken in of others (segment.md).

    def _import(self, entry: Entry, record: Row) -> None:
        origin, start = text_of(record["origin"], "origin"), whole(record["start"], "start")
        size, before = whole(record["size"], "size"), self.held.get(origin, Held())
        leaves = [unspell(text, "a leaf", 32) for text in texts_of(record["leaves"], "leaves")]
        need(start == before.size, f"a stretch of {origin} does not begin where the last one ended")
        need(1 <= len(leaves) == size - start, "a stretch has not as many leaf hashes as it says")
        need(len(leaves) <= STRETCH, f"a stretch has more than {STRETCH} entries")
        frontier = before.frontier
        for leaf in leaves:
            frontier = grow(frontier, leaf)
        bodies = self._disclosed(record, leaves)
        seat = self.roster.seat_by_origin(origin)
        need(seat is not None and seat.id == entry.module, f"{origin} is not the log of {entry.module}")
        need(seat.id != self.site, "a site took in its own log")
        self._says(entry, ev="Imported", origin=origin, start=start, size=size)
        note = Checkpoint.read(unspell(record["checkpoint"], "a checkpoint")).of(seat)
        need(note.size == size, "the checkpoint of a stretch is of another size")
        need(note.root == root_of(frontier), "a stretch does not lead to the root that its site signed")
        own = self.roster.seats.get(self.site)
        need(own is None or own.kind != HUB or len(bodies) == len(leaves), "the business hub was not given every entry")
        for index, body in bodies.items():
            self._foreign(seat, start + index, body)
        self.held[origin] = Held(size, frontier)
        self.told.imported += len(bodies)
        self.told.hidden += len(leaves) - len(bodies)

    def _disclosed(self, record: Row, leaves: list[bytes]) -> dict[int, bytes]:
        held = record["held"]
        need(isinstance(held, list) and all(type(n) is int for n in held), "held is no list of indexes")
        need(
            held == sorted(set(held)) and all(0 <= n < len(leaves) for n in held),
            "held names what is not in the stretch",
        )
        found = {}
        for index in held:
            blob = self.bundle.blobs.get(leaves[index])
            need(blob is not None and leaf_hash(blob) == leaves[index], "an entry that was taken in is not there")
            found[index] = blob
        return found  # type: ignore[return-value]

    def _foreign(self, seat: Seat, seq: int, body: bytes) -> None:
        """One entry of another site."""
        where = f"entry {seq} of {seat.id}, taken in here: "
        try:
            entry = Entry.read(body)
            need((entry.site, entry.seq) == (seat.id, seq), "it names another place")
            need((entry.kind == "genesis") == (seq == 0), "a log has one genesis, and begins with it")
            if entry.kind == "genesis":
                payload = Envelope.read(entry.row["action"], CHARTER_TYPE).payload
                need(payload == self.roster.payload, "it begins with another charter")
            elif entry.kind == "action":
                self._foreign_act(seat, entry)
            else:
                self._own_word(entry)
        except Refused as fault:
            raise Refused(where + fault.what) from None

    def _foreign_act(self, seat: Seat, entry: Entry) -> None:
        envelope = Envelope.read(entry.row["action"], ACTION_TYPE)
        act = Act.read(envelope.payload)
        self._fits(entry, act)
        self.told.signatures += self.roster.check(envelope, act, earlier=seat.kind != HUB)
        self._pinned(entry, act)
        check_says(seat, entry)
        if seat.kind == HUB and entry.allowed:
            self.roster.learn(act, entry.events)

    # Checkpoints and cosignatures (ledger.md).

    def _own_note(self, raw: bytes, most: int) -> Checkpoint:
        note = Checkpoint.read(raw).of(self.seat())
        self._leads(note, most)
        return note

    def _leads(self, note: Checkpoint, most: int) -> None:
        need(note.origin == self.seat().origin, f"{note.origin} was cosigned, which is another log")
        need(note.size <= most, f"a checkpoint covers {note.size} entries, and {most} are there")
        need(note.root == self.root(note.size), f"a checkpoint over {note.size} entries has another root than the log")

    def _cosigned(self, entry: Entry, record: Row) -> None:
        note = Checkpoint.read(unspell(record["note"], "a note"))
        seat = self.roster.seats.get(record["witness"])
        need(seat is not None and seat.kind == "vault", f"{record['witness']} is no Vault of this shop")
        at = note.cosigned_by(Vkey(seat.origin, 4, seat.key))  # type: ignore[union-attr]
        need(at is not None, f"{record['witness']} did not cosign the note that names it")
        self._says(entry, ev="Cosigned", witness=record["witness"], size=note.size, witnessed_at=(at or 0) * 1_000_000)
        if self.site in self.roster.seats:
            self._cosignature(record["witness"], record["note"], entry.seq)
        else:  # a node that joined later: its log's key comes with an import, and is asked for at the end
            self.cosigned.append((entry.seq, record))

    def _cosignatures(self) -> None:
        """Those that came before the log's key was known, the newest of each witness, and those beside the log."""
        for seq, record in self.cosigned:
            self._at(seq, lambda: self._cosignature(record["witness"], record["note"], seq))  # noqa: B023
        for witness, (_, note) in self.newest.items() if self.trust.witnesses else ():
            if not self.lead_through(note):
                raise Refused(f"what {witness} cosigned names no witness that you trust")
        for note in self.bundle.head["cosignatures"].values() if self.trust.witnesses else ():
            named = {(name, hint) for name, hint, _ in read_note(note)[1]}
            if named & {(key.name, key.hint) for key in self.trust.witnesses}:
                self.lead_through(Checkpoint.read(note))

    def _cosignature(self, witness: Any, text: Any, seq: int) -> None:
        note = self._own_note(unspell(text, "a note"), seq)
        self.told.cosignatures += 1
        if witness not in self.newest or self.newest[witness][1].size <= note.size:
            self.newest[witness] = (seq, note)

    def lead_through(self, note: Checkpoint) -> bool:
        """Hold the log against what trusted witnesses cosigned in a note; a note that none of them signed says nothing."""
        shop = {seat.key for seat in self.roster.seats.values()}
        found = [(key, note.cosigned_by(key)) for key in self.trust.witnesses]
        found = [(key, at) for key, at in found if at is not None]
        if found:
            self._leads(note, len(self.bundle.entries))
        for key, at in found:
            kept = self.told.witnessed if key.key in shop else self.told.outside
            if all(old["witness"] != key.name or old["size"] < note.size for old in kept):
                kept[:] = [old for old in kept if old["witness"] != key.name]
                kept.append({"witness": key.name, "size": note.size, "at": at})
        return bool(found)

    def _checkpoint(self) -> None:
        self.told.origin = self.seat().origin
        size = len(self.bundle.entries)
        note = self._own_note(self.bundle.head["checkpoint"], size)
        self.told.signed, self.told.root = note.size, note.root.hex()


# --- Several logs held against each other ---------------------------------------------------------------------------------


def cross(logs: list[Log]) -> list[str]:
    """What two records say differently of each other; logs that do not hold by themselves are left out."""
    found = []
    good = [log for log in logs if log.told.fault is None]
    for log in good:
        for other in good:
            held = log.held.get(other.told.origin)
            if log is other or held is None:
                continue
            size = min(held.size, len(other.bundle.entries))
            if held.size > len(other.bundle.entries):
                found.append(
                    f"{log.told.name} took in {held.size} entries of {other.site}, and {other.told.name} has {size}"
                )
            elif root_of(held.frontier) != other.root(size):
                found.append(f"{log.told.name} took in another history of {other.site} than {other.told.name} tells")
    for one, log in enumerate(good):
        for other in good[one + 1 :]:
            if log.told.origin == other.told.origin:
                size = min(len(log.bundle.entries), len(other.bundle.entries))
                if log.root(size) != other.root(size):
                    found.append(f"{log.told.name} and {other.told.name} are two histories of {log.site}")
            if log.roster.payload != other.roster.payload:
                found.append(f"{log.told.name} and {other.told.name} begin with different charters")
    return found


def lead_through(logs: list[Log], raw: bytes, name: str) -> list[str]:
    """Hold records against a cosigned checkpoint that was kept elsewhere."""
    try:
        note = Checkpoint.read(raw)
    except Refused as fault:
        raise CannotJudge(f"{name} is no checkpoint: {fault.what}") from None
    mine = [log for log in logs if log.told.fault is None and log.told.origin == note.origin]
    if not mine:
        return [f"{name} is of {note.origin}, and no record of that log is here that holds"]
    found = []
    for log in mine:
        try:
            if not log.lead_through(note):
                found.append(f"{name} names no witness that you trust")
        except Refused as fault:
            found.append(f"{log.told.name} does not lead through {name}: {fault.what}")
    return found


# --- Receipts (ledger.md, C2SP tlog-proof) --------------------------------------------------------------------------------


class Receipt(NamedTuple):
    """The proof that one entry stands in a log."""

    index: int
    path: list[Any]
    checkpoint: Checkpoint

    @classmethod
    def read(cls, raw: bytes) -> Receipt:
        head, gap, note = raw.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except ValueError:
            raise Refused("the receipt is no text") from None
        need(gap and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 2, "this is no receipt")
        match = re.match(r"index (0|[1-9][0-9]{0,15})\Z", lines[1])
        need(match, "the receipt names no index")
        need(len(lines) <= 65, "the receipt has too long a path")
        path = [unspell(line, "a line of the receipt", 32) for line in lines[2:]]
        return cls(int(match.group(1)), path, Checkpoint.read(note))  # type: ignore[union-attr]

    def proves(self, entry: bytes, key: Vkey) -> None:
        """Refuse unless the entry stands at its index under the checkpoint that the key signed."""
        need(self.checkpoint.origin == key.name, f"the receipt is of {self.checkpoint.origin}, the key of {key.name}")
        need(self.checkpoint.signed_by(key), f"the receipt's checkpoint is not signed by {key.name}")
        root = root_by_path(leaf_hash(entry), self.index, self.checkpoint.size, self.path)
        need(root == self.checkpoint.root, "the entry does not stand in the log where the receipt says")


# --- Packages (package.md) ------------------------------------------------------------------------------------------------

PACKAGE_BYTES = 134_217_728
PACKAGE_PARTS = 1_024
PACKAGE_ENTRIES = 20_000
PACKAGE_LOGS = 64
MANIFEST_BYTES = 524_288
LINE_BYTES = 131_072
PART_NAMES = re.compile(
    r"manifest\.json|README\.txt|evidence\.json|logs/[^/]+/(checkpoint|entries\.jsonl)|documents/[0-9a-f]{64}|evidence/(salted-)?[0-9a-f]{64}"
    r"|reports/[^/]+\.json|job/(record\.json|audit\.(json|html|pdf))|papers/[^/]+\Z"
)
SALT_BYTES, SALTED, PAYLOAD = 32, "salted-", b"holdgate payload v1\n"
SEGMENT = re.compile(r"[A-Za-z0-9._-]+\Z")
_LOCAL, _CENTRAL, _END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"


def zip_of(parts: dict[str, bytes]) -> bytes:
    """The one spelling of an archive with these parts, which stand in their order."""
    body, directory = bytearray(), bytearray()
    for name, raw in parts.items():
        spelled = name.encode()
        common = (20, 0, 0, 0, 0x21, zlib.crc32(raw), len(raw), len(raw), len(spelled), 0)
        directory += (
            struct.pack(_CENTRAL, b"PK\x01\x02", 3 << 8 | 20, *common, 0, 0, 0, 0o100644 << 16, len(body)) + spelled
        )
        body += struct.pack(_LOCAL, b"PK\x03\x04", *common) + spelled + raw
    end = struct.pack(_END, b"PK\x05\x06", 0, 0, len(parts), len(parts), len(directory), len(body), 0)
    return bytes(body + directory + end)


def read_zip(raw: bytes) -> dict[str, bytes]:
    """Take an archive apart that is in its one spelling; any other is not judged (package.md, "The file")."""

    def sound(holds: object, what: str) -> None:
        if not holds:
            raise CannotJudge(f"this is no package: {what}")

    sound(len(raw) <= PACKAGE_BYTES, f"it is longer than {PACKAGE_BYTES} bytes")
    sound(len(raw) >= 22 and raw[-22:-18] == b"PK\x05\x06", "it does not end as an archive without a comment does")
    _, _, _, _, count, _, start, _ = struct.unpack(_END, raw[-22:])
    sound(count <= PACKAGE_PARTS, f"it has more than {PACKAGE_PARTS} parts")
    parts: dict[str, bytes] = {}
    at = 0
    for _ in range(count):
        sound(at + 30 <= start <= len(raw), "its directory is not where it says")
        *_, size, length, _ = struct.unpack(_LOCAL, raw[at : at + 30])
        sound(at + 30 + length + size <= start, "a part reaches beyond the parts")
        try:
            name = raw[at + 30 : at + 30 + length].decode("ascii")
        except ValueError:
            raise CannotJudge("this is no package: a name is not sound") from None
        segments = name.split("/")
        sound(1 <= len(name) <= 200, "a name is not sound")
        sound(all(SEGMENT.match(part) and part not in (".", "..") for part in segments), "a name is not sound")
        sound(name not in parts, f"{name} is there twice")
        parts[name] = raw[at + 30 + length : at + 30 + length + size]
        at += 30 + length + size
    sound(list(parts) == sorted(parts), "its parts are not in order")
    sound(zip_of(parts) == raw, "it is not spelled as packages are")
    sound(len(parts.get("manifest.json", b"")) <= MANIFEST_BYTES, "the manifest is too long")
    return parts


class Packed(NamedTuple):
    """An entry of a package."""

    entry: Entry
    leaf: bytes
    body: bytes
    act: Any  # Act, or None where the entry is no action
    envelope: Any


def within(part: str) -> Any:
    """Name the part in whatever is refused inside."""
    return _Within(part)


class _Within:
    def __init__(self, part: str) -> None:
        self.part = part

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, Refused) and not fault.part:
            raise Refused(fault.what, fault.entry, self.part) from None


class Package:
    """One package, checked step by step as package.md numbers them."""

    def __init__(self, name: str, raw: bytes, trust: Trust) -> None:
        self.name, self.trust = name, trust
        self.parts = read_zip(raw)
        self.manifest: Row = {}
        self.logs: dict[str, list[Packed]] = {}
        self.proofs: dict[str, list[tuple[int, list[bytes]]]] = {}
        self.roster = Roster()
        self.hub = ""
        self.signatures = 0
        self.replaced: list[str] = []
        self.witnesses: dict[str, list[str]] = {}

    def verify(self) -> Row:
        """Check everything; gives what is told, with the first fault."""
        fault = None
        try:
            self._manifest()
            self._read_entries()
            self._charter()
            self._hub_acts()
            for site in self.logs:
                with within(f"logs/{site}/checkpoint"):
                    self._checkpoint(site)
            self._other_acts()
            self._gaps()
            self._documents()
            self._reports()
            self._evidence()
            self._tellings()
        except Refused as found:
            fault = {"part": found.part, "what": found.what}
        return {
            "file": self.name,
            "order": self.manifest.get("order"),
            "job": self.manifest.get("job"),
            "parts": len(self.parts),
            "entries": {site: len(rows) for site, rows in self.logs.items()},
            "signatures": self.signatures,
            "witnesses": self.witnesses,
            "under_replaced_keys": self.replaced,
            "missing": self.manifest.get("missing", []),
            "fault": fault,
        }

    def _part(self, name: str) -> bytes:
        need(name in self.parts, f"{name} is not there")
        return self.parts[name]

    def _readable_manifest(self) -> Row:
        """The manifest in its form (step 1)."""
        row = canonical_object(self._part("manifest.json"), "the manifest")
        fields(row, "the manifest", "format org order job scope until withheld missing parts")
        need(row["format"] == "holdgate-package/1", "the manifest is of another format")
        need(row["scope"] in ("whole", "client"), "the manifest's scope is unknown")
        need(type(row["until"]) is int, "until is no whole number")
        for name in ("org", "order", "job"):
            need(isinstance(row[name], str), f"{name} is no text")
        for name in ("withheld", "missing", "parts"):
            need(isinstance(row[name], list), f"{name} is no list")
        need(all(isinstance(text, str) for text in row["withheld"] + row["missing"]), "what is not here is no text")
        for item in row["parts"]:
            fields(item, "a part", "name sha256 size")
            need(isinstance(item["name"], str) and isinstance(item["sha256"], str), "a part is named by no text")
            need(type(item["size"]) is int, "a size is no whole number")
        return row

    def _manifest(self) -> None:
        """Step 2, and that there are no parts of other names."""
        try:
            row = self._readable_manifest()
        except Refused as fault:
            raise CannotJudge(f"this is no package: {fault.what}") from None
        for name in self.parts:
            if not PART_NAMES.fullmatch(name):
                raise Refused("a package has no part of this name", None, name)
        rows = row["parts"]
        with within("manifest.json"):
            for text in row["withheld"]:
                need(re.match(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[0-9]+\Z", text), "what is withheld is named wrongly")
            need(
                [item["name"] for item in rows] == sorted(set(self.parts) - {"manifest.json"}),
                "the manifest does not list exactly the parts that are here",
            )
        self.manifest = row
        for item in rows:
            with within(item["name"]):
                raw = self.parts[item["name"]]
                need(item["size"] == len(raw), "it has not the size that the manifest says")
                need(item["sha256"] == sha256(raw).hex(), "it is not what the manifest says")
        for name in ("README.txt", "evidence.json"):
            need(name in self.parts, f"{name} is not there")

    def _read_entries(self) -> None:
        """Step 6, but for what needs the checkpoint."""
        sites = sorted({name.split("/")[1] for name in self.parts if name.startswith("logs/")})
        need(len(sites) <= PACKAGE_LOGS, f"there are more than {PACKAGE_LOGS} logs")
        for site in sites:
            with within(f"logs/{site}/entries.jsonl"):
                id_of(site, "a log's name")
                raw = self._part(f"logs/{site}/entries.jsonl")
                need(raw.endswith(b"\n"), "a line is cut off")
                self.logs[site], self.proofs[site] = [], []
                for line in raw[:-1].split(b"\n"):
                    need(len(line) <= LINE_BYTES, f"a line has more than {LINE_BYTES} bytes")
                    self._read_entry(site, line)
            with within(f"logs/{site}/checkpoint"):
                self._part(f"logs/{site}/checkpoint")
        need(sum(map(len, self.logs.values())) <= PACKAGE_ENTRIES, f"there are more than {PACKAGE_ENTRIES} entries")

    def _read_entry(self, site: str, line: bytes) -> None:
        row = fields(canonical(line, "a line"), "a line", "entry index path")
        body, index = unspell(row["entry"], "an entry"), whole(row["index"], "index")
        need(isinstance(row["path"], list) and len(row["path"]) <= 63, "a path is none")
        path = [unspell(step, "a path", 32) for step in row["path"]]
        try:
            entry = Entry.read(body)
            need((entry.site, entry.seq) == (site, index), "it names another place")
            before = self.logs[site][-1].entry if self.logs[site] else None
            need(before is None or before.seq < index, "entries are not in order")
            need(before is None or before.at <= entry.at, "its time is before that of the entry before it")
            envelope = act = None
            if entry.kind == "action":
                envelope = Envelope.read(entry.row["action"], ACTION_TYPE)
                act = Act.read(envelope.payload)
                need(act.row["site"] == site or not entry.allowed, "it was allowed, and is meant for another site")
        except Refused as fault:
            raise Refused(f"entry {index}: {fault.what}", index) from None
        self.logs[site].append(Packed(entry, leaf_hash(body), body, act, envelope))
        self.proofs[site].append((index, path))

    def _charter(self) -> None:
        """Step 3, and how far the package says that it goes."""
        with within("manifest.json"):
            newest = max([row.entry.at for rows in self.logs.values() for row in rows], default=None)
            need(newest == self.manifest["until"], "the newest entry is of another time than the manifest says")
        first = {site: rows[0] for site, rows in self.logs.items() if rows and rows[0].entry.seq == 0}
        rosters = {}
        for site, row in first.items():
            with within(f"logs/{site}/entries.jsonl"):
                need(row.entry.kind == "genesis", "entry 0 is no genesis")
                rosters[site] = Roster.found(row.entry.row["action"], self.trust)
        hubs = [site for site, found in rosters.items() if site in found.seats and found.seats[site].kind == HUB]
        need(len(hubs) == 1, "the charter is not here: the business hub's log does not begin with its entry 0")
        self.hub = hubs[0]
        self.roster = rosters[self.hub]
        for site, found in rosters.items():
            with within(f"logs/{site}/entries.jsonl"):
                need(found.payload == self.roster.payload, "entry 0 holds another charter")

    def _hub_acts(self) -> None:
        """Step 7 for the business hub, in the order of its log."""
        with within(f"logs/{self.hub}/entries.jsonl"):
            for row in self.logs[self.hub]:
                if row.act is None:
                    continue
                try:
                    self.signatures += self.roster.check(row.envelope, row.act, earlier=False)
                    if row.entry.allowed:
                        self.roster.learn(row.act, row.entry.events)
                except Refused as fault:
                    raise Refused(f"entry {row.entry.seq}: {fault.what}", row.entry.seq) from None

    def _checkpoint(self, site: str) -> None:
        """Steps 4 and 5, and the paths of step 6."""
        seat = self.roster.seats.get(site)
        need(seat is not None, f"{site} has no seat in this shop")
        note = Checkpoint.read(self.parts[f"logs/{site}/checkpoint"]).of(seat)  # type: ignore[arg-type]
        found = [key.name for key in self.trust.witnesses if note.cosigned_by(key) is not None]
        need(found or not self.trust.witnesses, "no witness that you trust cosigned it")
        self.witnesses[site] = found
        with within(f"logs/{site}/entries.jsonl"):
            for row, (index, path) in zip(self.logs[site], self.proofs[site]):
                root = root_by_path(row.leaf, index, note.size, path)
                need(root == note.root, f"entry {index}: its proof does not lead to the root that {site} signed")

    def _other_acts(self) -> None:
        """Step 7 for every other log."""
        for site, rows in self.logs.items():
            with within(f"logs/{site}/entries.jsonl"):
                for row in rows if site != self.hub else ():
                    if row.act is not None:
                        self._other_act(site, row)

    def _other_act(self, site: str, row: Packed) -> None:
        try:
            self.signatures += self.roster.check(row.envelope, row.act, earlier=True)
            check_says(self.roster.seats[site], row.entry)
        except Refused as fault:
            raise Refused(f"entry {row.entry.seq}: {fault.what}", row.entry.seq) from None
        try:
            self.roster.check(row.envelope, row.act, earlier=False)
        except Refused:
            self.replaced.append(f"{site}:{row.entry.seq}")

    def _events(self, *names: str) -> Iterator[tuple[str, Packed, Row]]:
        for site, rows in self.logs.items():
            for row in rows:
                for event in row.entry.events:
                    if event["ev"] in names:
                        yield site, row, event

    def _jobs(self) -> set[str]:
        """The job, and those that it came out of."""
        jobs, grew = {self.manifest["job"]}, True
        splits = [event for _, _, event in self._events("JobSplit") if event.get("order") == self.manifest["order"]]
        while grew:
            parents = {event.get("job") for event in splits if jobs & set(event.get("jobs", []))}
            grew = not parents <= jobs
            jobs |= parents
        return jobs

    def _gaps(self) -> None:
        """Step 8."""
        order, jobs = self.manifest["order"], self._jobs()
        subjects = {f"order:{order}"} | {f"{order}/{job}" for job in jobs}
        for _, _, event in self._events("ReportIssued"):
            if event.get("order") == order and event.get("job") in jobs:
                subjects.add(f"report:{event.get('report')}")
        entries = [row.entry for rows in self.logs.values() for row in rows]
        with within("manifest.json"):
            need(any(entry.subject in subjects for entry in entries), "no entry is about the job that it names")
        for site, rows in self.logs.items():
            heads: dict[str, str] = {}
            gaps = 0
            for row in rows:
                subject = row.entry.subject
                if subject in subjects:
                    gaps += row.entry.row.get("prev") != heads.get(subject)
                    heads[subject] = row.leaf.hex()
            allowed = sum(text.rpartition(":")[0] == site for text in self.manifest["withheld"])
            with within(f"logs/{site}/entries.jsonl"):
                need(
                    gaps <= allowed, f"{gaps} links about this job lead to what is not here, and {allowed} are withheld"
                )

    def _documents(self) -> None:
        """Step 9."""
        documents = {name.split("/")[1]: raw for name, raw in self.parts.items() if name.startswith("documents/")}
        for digest, raw in documents.items():
            with within(f"documents/{digest}"):
                need(sha256(raw).hex() == digest, "it is not what its name says")
                need(len(raw) <= BLOB_BYTES, "it is too long")
        texts = [row.body for rows in self.logs.values() for row in rows]
        texts += [row.envelope.payload for rows in self.logs.values() for row in rows if row.envelope]
        named: set[str] = set()
        while texts:
            found = {text.decode() for raw in texts for text in re.findall(rb"[0-9a-f]{64}", raw)} & set(documents)
            texts = [documents[digest] for digest in found - named]
            named |= found
        for digest in sorted(set(documents) - named):
            raise Refused("nothing in the package names it", None, f"documents/{digest}")

    def _reports(self) -> None:
        """Step 10."""
        names = [name for name in self.parts if name.startswith("reports/")]
        for name in names:
            with within(name):
                self._report(name[len("reports/") : -len(".json")], self.parts[name])
        order, jobs = self.manifest["order"], self._jobs()
        for _, _, event in self._events("ReportIssued"):
            mine = event.get("order") == order and event.get("job") in jobs
            there = f"reports/{event.get('report')}.json" in self.parts
            need(
                not mine or there or self.manifest["missing"],
                f"the report {event.get('report')} is not here, and nothing says so",
            )

    def _report(self, report: str, raw: bytes) -> None:
        row, digest = canonical_object(raw, "the report"), sha256(raw).hex()
        issued = [
            event
            for site, packed, event in self._events("ReportIssued")
            if site == self.hub
            and packed.entry.kind == "action"
            and packed.entry.allowed
            and event.get("report") == report
        ]
        issued = [
            event for event in issued if event.get("order") == self.manifest["order"] and event.get("digest") == digest
        ]
        need(issued, "no entry of the business hub issued it")
        for name in ("report", "order", "job", "fields", "deviations"):
            need(row.get(name) == issued[0].get(name), f"its {name} are not those of the entry that issued it")
        for name in ("attested_arrival", "nonconforming", "concessions", "replaces"):
            need(
                (row.get(name) or None) == (issued[0].get(name) or None),
                f"its {name} is not that of the entry that issued it",
            )
        views = [
            packed.act.row.get("seen")
            for rows in self.logs.values()
            for packed in rows
            if packed.act
            and packed.entry.allowed
            and packed.act.name == "qa.sign"
            and packed.act.row.get("job") == row["job"]
        ]
        need(row.get("view") in views and row.get("view"), "its view of the job is not the one that QA signed")
        for _, packed, event in self._events("ReportApproved", "ReportRejected"):
            if event.get("report") == report and packed.act and packed.act.name == "client.review":
                said = packed.act.row
                need(
                    said.get("report") == report and said.get("seen") == digest,
                    "the client signed another report than this",
                )

    def _evidence(self) -> None:
        """Step 11."""
        with within("evidence.json"):
            rows = canonical(self._part("evidence.json"), "the list of evidence")
            named: dict[str, list[str]] = {}
            for site in sorted(self.logs):
                for packed in self.logs[site]:
                    for digest in sorted(_digests(packed.act.row)) if packed.act else ():
                        named.setdefault(digest, []).append(f"{site}:{packed.entry.seq}")
            wanted = [
                {"kept": f"evidence/{digest}" in self.parts, "named_by": named[digest], "sha256": digest}
                for digest in sorted(named)
            ]
            need(rows == wanted, "it is not the list of the evidence that the acts name")
        for name, raw in self.parts.items():
            if name.startswith("evidence/"):
                with within(name):
                    reference = name.split("/")[1]
                    opened = sha256(PAYLOAD + raw if reference.startswith(SALTED) else raw).hex()
                    need(opened == reference.removeprefix(SALTED), "it is not what its name says")
                    salt = SALT_BYTES if reference.startswith(SALTED) else 0
                    need(salt <= len(raw) <= salt + BLOB_BYTES, "its salt is not whole, or it is too long")
                    need(reference in named, "no act names it")

    def _tellings(self) -> None:
        """Step 12."""
        known = {f"{site}:{row.entry.seq}" for site, rows in self.logs.items() for row in rows} | set(
            self.manifest["withheld"]
        )
        for name in ("job/record.json", "job/audit.json"):
            if name in self.parts:
                with within(name):
                    for place in _places(canonical(self.parts[name], "it")):
                        need(place in known, f"it tells of {place}, which is not here")


def _digests(value: Any) -> set[str]:
    found: list[Any] = []
    for name, held in value.items() if isinstance(value, dict) else ():
        if name in ("evidence", "photo_digest"):
            found += held if isinstance(held, list) else [held]
    named = {text for text in found if isinstance(text, str) and HEX.match(text.removeprefix(SALTED))}
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        named |= _digests(item)
    return named


def _places(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        text = value.get("entry")
        if isinstance(text, str) and re.match(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[0-9]+\Z", text):
            yield text
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _places(item)


# --- The command ----------------------------------------------------------------------------------------------------------

NOT_CHECKED = (
    "whether a decision was right under its contract: `holdgate audit` makes every decision again",
    "whether what became true follows from the act, beyond who is who: the same",
    "entries of other logs that are here as digests only",
    "whether a person told the truth, and whether a newer record is held back",
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="holdgate-verify",
        description="Checks ledger bundles, packages and receipts without Holdgate. It does not make decisions again.",
        epilog="Exit code 0: it holds. 1: something does not hold. 2: it could not be judged.",
    )
    found.add_argument(
        "files", nargs="*", type=Path, help="*.bundle files and packages; several are held against each other"
    )
    found.add_argument(
        "--trust", type=Path, help="trust.json with the root keys and witnesses that you trust, from elsewhere"
    )
    found.add_argument(
        "--cosigned", type=Path, action="append", default=[], help="a cosigned checkpoint that was kept elsewhere"
    )
    found.add_argument("--receipt", type=Path, help="a receipt (tlog-proof); with --entry, and --vkey or --charter")
    found.add_argument("--entry", type=Path, help="the bytes of the entry that the receipt is about")
    found.add_argument("--vkey", type=Path, help="the key that the log signs with; it is believed as it is")
    found.add_argument("--charter", type=Path, help="the shop's charter, which names the log's key")
    found.add_argument("--json", action="store_true", help="one JSON document instead of sentences")
    found.add_argument("--version", action="version", version=f"holdgate-verify {VERSION}")
    return found


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES:
            raise CannotJudge(f"{path} is too large")
        return path.read_bytes()
    except OSError as fault:
        raise CannotJudge(f"{path} cannot be read: {fault.strerror}") from None


def check_receipt(asked: argparse.Namespace) -> Row:
    """One entry with its receipt."""
    if asked.entry is None:
        raise CannotJudge("name the entry that the receipt is about with --entry")
    fault = None
    entry, raw = _bytes(asked.entry), _bytes(asked.receipt)
    said: Row = {"file": str(asked.receipt)}
    try:
        receipt = Receipt.read(raw)
        said |= {"origin": receipt.checkpoint.origin, "index": receipt.index, "size": receipt.checkpoint.size}
        receipt.proves(entry, _log_key(asked, receipt))
        row = Entry.read(entry)
        need(row.seq == receipt.index, "the entry names another place than the receipt")
        said |= {"site": row.site, "kind": row.kind, "at": row.at, "subject": row.subject}
    except Refused as found:
        fault = {"what": found.what}
    return {**said, "fault": fault}


def _log_key(asked: argparse.Namespace, receipt: Receipt) -> Vkey:
    if asked.vkey is not None:
        return Vkey.read(_bytes(asked.vkey).decode("utf-8", "replace").strip())
    if asked.charter is None or asked.trust is None:
        raise CannotJudge("say which key the log signs with: --vkey FILE, or --charter FILE with --trust FILE")
    try:
        envelope = json.loads(_bytes(asked.charter), object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        raise CannotJudge(f"{asked.charter} is no charter") from None
    seat = Roster.found(envelope, Trust.read(_bytes(asked.trust))).seat_by_origin(receipt.checkpoint.origin)
    need(seat is not None, f"the charter names no log {receipt.checkpoint.origin}")
    return seat.vkey  # type: ignore[union-attr]


def check_files(asked: argparse.Namespace) -> Row:
    """Bundles and packages."""
    if asked.trust is None:
        raise CannotJudge(
            "name the keys that you trust with --trust trust.json; take the file from elsewhere than the record"
        )
    trust = Trust.read(_bytes(asked.trust))
    logs, records, packages = [], [], []
    for path in asked.files:
        raw = _bytes(path)
        if raw.startswith(b"PK"):
            packages.append(Package(str(path), raw, trust).verify())
            continue
        try:
            logs.append(Log(Bundle.read(str(path), raw), trust))
        except Refused as fault:
            records.append(vars(Told(str(path), fault={"entry": fault.entry, "what": fault.what})))
    for log in logs:
        log.verify()
    between = cross(logs)
    for path in asked.cosigned:
        between += lead_through(logs, _bytes(path), str(path))
    records += [vars(log.told) for log in logs]
    return {"records": records, "packages": packages, "between": between}


def verdict_of(said: Row) -> bool:
    rows = [*said.get("records", []), *said.get("packages", []), *([said["receipt"]] if "receipt" in said else [])]
    return not said.get("between") and all(row["fault"] is None for row in rows)


def _say_record(row: Row) -> Iterator[str]:
    yield f"{row['site'] or '?'}  {row['origin']}  ({row['name']})"
    if row["fault"] is not None:
        where = "" if row["fault"]["entry"] is None else f"entry {row['fault']['entry']}: "
        yield f"  DOES NOT HOLD  {where}{row['fault']['what']}"
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(row["kinds"].items(), key=lambda item: -item[1]))
    yield f"  entries     {row['entries']}: {kinds}"
    yield f"  signatures  {row['signatures']} checked, {row['cosignatures']} cosignatures"
    yield f"  taken in    {row['imported']} entries of other sites checked, {row['hidden']} by digest only"
    yield f"  checkpoint  the site signed {row['signed']} of {row['entries']}"
    if row["signed"] < row["entries"]:
        more = row["entries"] - row["signed"]
        yield f"  NOT SIGNED  {more} entries came after the last checkpoint: the site has not signed them yet"
    for item in row["witnessed"]:
        yield f"  cosigned    {item['size']} entries by {item['witness']}, a key of the shop's"
    for item in row["outside"]:
        yield f"  outside     {item['size']} entries by {item['witness']}"
    if not row["outside"]:
        yield "  no witness outside of the shop cosigned"
    yield f"  root        {row['root']}"


def _say_package(row: Row) -> Iterator[str]:
    yield f"Package  order {row['order']}, job {row['job']}  ({row['file']})"
    if row["fault"] is not None:
        yield f"  DOES NOT HOLD  {row['fault']['part'] or 'the package'}: {row['fault']['what']}"
        return
    counts = ", ".join(f"{count} of {site}" for site, count in row["entries"].items())
    yield f"  entries     {counts}, each in its log"
    yield f"  signatures  {row['signatures']} checked"
    for site, names in row["witnesses"].items():
        yield f"  cosigned    {site}: {', '.join(names) or 'you trust no witness'}"
    if row["under_replaced_keys"]:
        yield f"  replaced    signed under a key that was replaced later or before: {', '.join(row['under_replaced_keys'])}"
    for text in row["missing"]:
        yield f"  missing     {text}"


def say(said: Row) -> Iterator[str]:
    """Sentences for people."""
    for row in said.get("records", []):
        yield from _say_record(row)
        yield ""
    for row in said.get("packages", []):
        yield from _say_package(row)
        yield ""
    if "receipt" in said:
        row = said["receipt"]
        if row["fault"] is None:
            yield f"Entry {row['index']} of {row['origin']} stands in the log of {row['size']} entries that the site signed."
        else:
            yield f"The receipt DOES NOT HOLD: {row['fault']['what']}"
    for text in said.get("between", []):
        yield f"DOES NOT HOLD  {text}"
    if "receipt" not in said:
        yield "Verified unaltered." if said["holds"] else "This does not hold."
    yield "Not checked here:"
    yield from (f"  - {text}" for text in NOT_CHECKED)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    asked = parser().parse_args(arguments)
    try:
        if asked.receipt is None and not asked.files:
            raise CannotJudge("name at least one bundle or package, or a receipt with --receipt")
        said = {"receipt": check_receipt(asked)} if asked.receipt is not None else check_files(asked)
    except CannotJudge as fault:
        if asked.json:
            print(json.dumps({"holds": None, "why": str(fault)}))
        print(f"holdgate-verify: {fault}", file=sys.stderr)
        return 2
    except Refused as fault:
        said = {"records": [], "between": [fault.what]}
    said["holds"] = verdict_of(said)
    if asked.json:
        print(json.dumps({**said, "not_checked": NOT_CHECKED}, ensure_ascii=False, sort_keys=True))
    else:
        print("\n".join(say(said)))
    return 0 if said["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())

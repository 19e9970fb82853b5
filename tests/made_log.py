"""A log of any length that keeps every rule of the record but the law's: nothing was decided, so only the verifier page takes it.

For what the demonstration does not have: twenty thousand entries, several roots, signatures by passkey.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from holdgate.crypto.envelope import pae
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.law.command import PAYLOAD_TYPE
from holdgate.terms import canon
from tests.bundles import Row, Site, Taken, signed, spelled

HOST: Final = "hub.floor.lan"
ORIGIN: Final = "made.test/NODE-1"
START_US: Final = 1_743_508_800_000_000
_SITE: Final = SigningKey.from_seed(b"s" * 32)
_PERSON: Final = SigningKey.from_seed(b"p" * 32)
_STATION: Final = SigningKey.from_seed(b"w" * 32)
_ROOTS: Final = tuple(SigningKey.from_seed(bytes([n]) * 32) for n in (11, 12, 13))


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Passkey:
    """An authenticator of a test: ES256 (-7), EdDSA (-8) or RS256 (-257)."""

    def __init__(self, alg: int) -> None:
        self.alg = alg
        if alg == -7:
            self._ec = ec.generate_private_key(ec.SECP256R1())
            form = serialization.PublicFormat.UncompressedPoint
            raw = self._ec.public_key().public_bytes(serialization.Encoding.X962, form)
        elif alg == -8:
            self._ed = ed25519.Ed25519PrivateKey.generate()
            raw = self._ed.public_key().public_bytes_raw()
        else:
            self._rsa = rsa.generate_private_key(65537, 2048)
            info = serialization.PublicFormat.SubjectPublicKeyInfo
            raw = self._rsa.public_key().public_bytes(serialization.Encoding.DER, info)
        self.key = canon.encode({"alg": alg, "key": spelled(raw), "rp_id": HOST})

    def assertion(self, message: bytes, host: str = HOST, flags: int = 0x05, doubled: str = "", **client: Any) -> bytes:
        """The signature row of an envelope, over a message. `doubled`: put in the place of the client data's brace."""
        said: Row = {"type": "webauthn.get", "challenge": b64url(hashlib.sha256(message).digest())}
        said |= {"origin": f"https://{HOST}", "crossOrigin": False}
        said |= client
        raw = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
        raw = doubled.encode() + raw[1:] if doubled else raw
        data = hashlib.sha256(host.encode()).digest() + bytes([flags]) + bytes(4)
        signature = self._sign(data + hashlib.sha256(raw).digest())
        parts = {"authenticator_data": data, "client_data": raw, "signature": signature}
        return canon.encode({name: spelled(part) for name, part in parts.items()})

    def _sign(self, data: bytes) -> bytes:
        if self.alg == -7:
            return self._ec.sign(data, ec.ECDSA(hashes.SHA256()))
        if self.alg == -8:
            return self._ed.sign(data)
        return self._rsa.sign(data, padding.PKCS1v15(), hashes.SHA256())


def charter(people: list[Row]) -> Row:
    """A charter of three roots, signed by two of them."""
    settings = {
        "name": "Made Laboratory", "tz": "Europe/Berlin", "receiving_zones": ["DOCK"], "office": "WS-1",
        "session_idle_s": 600, "entry_skew_s": 120, "arrival_skew_s": 300, "arrival_fresh_s": 14400,
        "approval_roles": ["qa"], "report_fields": ["title"],
    }  # fmt: skip
    station = {"id": "WS-1", "name": "WS-1", "org": "LAB", "kind": "device", "key": spelled(_STATION.public)}
    value = {
        "org": "LAB",
        "settings": settings,
        "sites": [{"id": "NODE-1", "kind": "node", "origin": ORIGIN, "key": spelled(_SITE.public)}],
        "founders": [*people, station | {"roles": ["workstation"]}],
        "roots": [spelled(root.public) for root in _ROOTS],
        "threshold": 2,
        "v": 1,
    }
    return signed(value, CHARTER_TYPE, *((digest(root.public)[:16], root) for root in _ROOTS[:2]))


def made(
    folder: Path, acts: int, passkeys: tuple[Passkey, ...] = (), name: str = "P. Erson"
) -> tuple[Path, Path, Taken]:
    """A node's bundle with so many signed acts, its trust file, and the bundle taken apart; with passkeys they sign in turn."""
    row = {"name": name, "org": "LAB", "kind": "person", "roles": ["technician"]}
    people = [row | {"id": "SID-1", "key": spelled(_PERSON.public)}]
    people += [row | {"id": f"SID-K{n}", "key": spelled(key.key)} for n, key in enumerate(passkeys)]
    genesis: Row = {"site": "NODE-1", "seq": 0, "epoch": "e1", "at": START_US, "kind": "genesis", "subject": "charter"}
    genesis |= {"source": {"module": "NODE-1", "node": "NODE-1"}, "law": {"semantics": 1}, "record": None}
    genesis |= {"decision": {"verdict": "allow"}, "action": charter(people)}
    taken = Taken({"line": "head", "checkpoint": "", "cosignatures": {}}, [], [])
    taken.entries.append((b"", b""))
    taken.put(0, genesis)
    previous = ""
    for number in range(1, acts + 1):
        entry = _act(number, passkeys, previous)
        taken.entries.append((b"", b""))
        taken.put(number, entry)
        previous = taken.entries[-1][0].hex()
    taken.sign(Site(ORIGIN, _SITE))
    trust = folder / "trust.json"
    trust.write_text(json.dumps({"roots": [spelled(root.public) for root in _ROOTS], "witnesses": []}))
    return taken.write(folder / "made.bundle"), trust, taken


def _act(number: int, passkeys: tuple[Passkey, ...], previous: str) -> Row:
    """A reading, signed by a person and the workstation."""
    turn = number % len(passkeys) if passkeys else 0
    signer: Row = {"id": f"SID-K{turn}" if passkeys else "SID-1", "role": "technician"}
    if passkeys:
        signer["kind"] = "webauthn"
    command = {
        "act": "reading.record", "site": "NODE-1", "at": START_US + number, "nonce": f"{number:08x}", "place": "WS-1",
        "order": "PO-1", "job": "J-1", "step": "S1", "contract": "ab", "characteristic": "length", "value": f"{number}",
        "unit": "mm", "capture": "manual", "signers": [signer],
    }  # fmt: skip
    envelope = signed(command, PAYLOAD_TYPE, ("SID-1", _PERSON), ("WS-1", _STATION))
    if passkeys:
        message = pae(PAYLOAD_TYPE, canon.encode(command))
        envelope["signatures"][0] = {"keyid": signer["id"], "sig": spelled(passkeys[turn].assertion(message))}
    entry: Row = {"site": "NODE-1", "seq": number, "epoch": "e1", "at": START_US + number, "kind": "action"}
    entry |= {"subject": "PO-1/J-1", "source": {"module": "WS-1", "node": "NODE-1"}, "law": {"semantics": 1}}
    entry |= {"decision": {"verdict": "allow"}, "record": None, "action": envelope}
    return entry | ({"prev": previous} if previous else {})

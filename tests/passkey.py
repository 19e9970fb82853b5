"""A soft authenticator: passkeys whose private half lies in memory, and the answers that a browser would hand on.

`SoftPasskey("TECH")` signs like a `SigningKey`: `public` is what is enrolled, `sign` takes the bytes that every signer signs
(`envelope.pae`) and gives the signature's row. `assertion` gives the parts, with anything in them changed, for attacks.
"""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.passkeys import EDDSA, ES256, RS256, Assertion, Passkey
from holdgate.terms import canon

RP: Final = "hub.floor.lan"
ORIGIN: Final = "https://hub.floor.lan"
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def client_data(message: bytes, origin: str | None = ORIGIN, **changed: Any) -> bytes:
    """Client data as a browser writes them, in its order; `changed`: other values, or None to leave one out."""
    challenge = base64.urlsafe_b64encode(sha256(message)).rstrip(b"=").decode()
    said: dict[str, Any] = {"type": "webauthn.get", "challenge": challenge, "origin": origin, "crossOrigin": False}
    said |= changed
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def authenticator_data(rp_id: str = RP, flags: int = UP | UV, counter: int = 0, more: bytes = b"") -> bytes:
    """What an authenticator says beside its signature."""
    return sha256(rp_id.encode()) + bytes((flags,)) + counter.to_bytes(4, "big") + more


class SoftPasskey:
    """A passkey. Its key follows from its name, but for RSA, whose keys are drawn.

    Args:
        name: whose it is.
        rp_id: the relying party.
        alg: -7 (ES256), -8 (EdDSA) or -257 (RS256).
        origin: the page that asks.
    """

    def __init__(self, name: str, rp_id: str = RP, alg: int = ES256, origin: str | None = None) -> None:
        self.rp_id = rp_id
        self.alg = alg
        self.origin = origin or f"https://{rp_id}"
        self.raw, self._sign = _MAKE[alg](sha256(f"passkey {name}".encode()))
        self.public = canon.encode(Passkey(alg=alg, key=self.raw, rp_id=rp_id))

    def sign(self, message: bytes) -> bytes:
        """The row of a signature, as the browser makes it of a touch and a PIN."""
        return canon.encode(self.assertion(message))

    def assertion(
        self, message: bytes, *, client: bytes | None = None, authenticator: bytes | None = None, counter: int = 0
    ) -> Assertion:
        """The parts of a signature. `client`, `authenticator`: signed instead of what belongs there."""
        asked = client_data(message, self.origin) if client is None else client
        says = authenticator_data(self.rp_id, counter=counter) if authenticator is None else authenticator
        return Assertion(authenticator_data=says, client_data=asked, signature=self._sign(says + sha256(asked)))


Signs = Callable[[bytes], bytes]


def _es256(seed: bytes) -> tuple[bytes, Signs]:
    key = ec.derive_private_key(int.from_bytes(seed, "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())
    raw = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return raw, lambda message: key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))


def _eddsa(seed: bytes) -> tuple[bytes, Signs]:
    key = SigningKey(seed)
    return key.public, key.sign


def _rs256(_: bytes) -> tuple[bytes, Signs]:
    key = rsa.generate_private_key(65_537, 2_048)
    raw = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return raw, lambda message: key.sign(message, padding.PKCS1v15(), SHA256())


_MAKE: Final = {ES256: _es256, EDDSA: _eddsa, RS256: _rs256}

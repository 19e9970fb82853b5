"""The way to a floor hub over a broker: where it is, and what comes back. It proves nothing; the receipt does.

A reader publishes its broadcast under its own name, and waits for an answer under another that names these very bytes. An
answer to an earlier broadcast, or somebody else's noise, is passed over.
Source: docs/decisions/0026.
"""

import secrets
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct

from holdgate.crypto.hashes import digest
from holdgate.reader.receipt import ANSWER_BYTES_MAX
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.hosts import check_host
from holdgate.terms.topics import token

DEADLINE_S: Final = 10.0
HAIL_S: Final = 3.0
"""How long is waited to hear that the floor hub is there."""
OK: Final = 200
THERE: Final = 204
SECURE: Final = frozenset({"tls", "mqtts"})
_PORTS: Final = {"nats": 4222, "tls": 4222, "mqtt": 1883, "mqtts": 8883}


class Place(NamedTuple):
    """Where a floor hub's broker is: `scheme://host:port/SHOP/FLOOR`."""

    scheme: str
    host: str
    port: int
    shop: str
    floor: str

    @property
    def url(self) -> str:
        """The broker's own address."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def read_place(to: str) -> Place:
    """The place that an address names.

    Raises:
        Malformed: it names none, or leads beyond this machine without TLS.
    """
    try:
        parts = urlsplit(to)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    words = parts.path.strip("/").split("/")
    if parts.scheme not in _PORTS or not host or len(words) != 2 or parts.query or parts.username:
        raise Malformed(
            f"{to[:80]!r} is no address of a floor hub on a broker, such as mqtt://127.0.0.1:1883/SHOP/FLOOR"
        )
    token(words[0], "shop")
    token(words[1], "site")
    check_host(host, tls=parts.scheme in SECURE)
    return Place(parts.scheme, host, port or _PORTS[parts.scheme], *words)


class _Told(Struct, frozen=True):
    """As much of an answer as is looked at."""

    about: str
    status: int
    answer: Raw = Raw(b"null")


class _Problem(Struct, frozen=True):
    """As much of a problem document (RFC 9457) as is shown."""

    detail: str = ""


_TOLD: Final = msgspec.json.Decoder(_Told)
_PROBLEM: Final = msgspec.json.Decoder(_Problem)


def hail() -> bytes:
    """A question whether the floor hub is there, unlike any other."""
    return secrets.token_hex(16).encode()


def answer_to(body: bytes, raw: bytes, site: str) -> bytes | None:
    """The answer in an untrusted message; None where it is not about these bytes.

    Raises:
        Unavailable: the floor hub could not take them.
    """
    if len(raw) > ANSWER_BYTES_MAX:
        return None
    try:
        found = _TOLD.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    if found.about != digest(body):
        return None
    if found.status not in (OK, THERE):
        raise Unavailable(f"{site} answers: {_shown(found)}")
    return bytes(found.answer)


def _shown(found: _Told) -> str:
    try:
        detail = _PROBLEM.decode(found.answer).detail
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        detail = ""
    return "".join(sign if sign.isprintable() else " " for sign in (detail or str(found.status))[:400])

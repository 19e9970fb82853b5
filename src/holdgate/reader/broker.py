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
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.hosts import check_host
from holdgate.terms.limits import READER_ANSWER_BYTES_MAX, READER_SERVERS_MAX
from holdgate.terms.topics import token

DEADLINE_S: Final = 10.0
HAIL_S: Final = 3.0
"""How long is waited to hear that the floor hub is there."""
OK: Final = 200
THERE: Final = 204
SECURE: Final = frozenset({"tls", "mqtts"})
_PORTS: Final = {"nats": 4222, "tls": 4222, "mqtt": 1883, "mqtts": 8883}


class Place(NamedTuple):
    """Where a floor hub's broker is: `scheme://host:port/SHOP/FLOOR`, with commas between the servers of a cluster."""

    scheme: str
    servers: tuple[tuple[str, int], ...]
    shop: str
    floor: str

    @property
    def urls(self) -> tuple[str, ...]:
        """The servers' own addresses."""
        return tuple(f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{port}" for host, port in self.servers)


def read_place(to: str) -> Place:
    """The place that an address names.

    Raises:
        Malformed: it names none, or leads beyond this machine without TLS.
    """
    scheme, _, rest = to.partition("://")
    hosts, _, path = rest.partition("/")
    words = path.strip("/").split("/")
    servers = tuple(_server(scheme, text) for text in hosts.split(","))
    if scheme not in _PORTS or len(words) != 2 or len(servers) > READER_SERVERS_MAX:
        raise _no_address(to)
    token(words[0], "shop")
    token(words[1], "site")
    for host, _ in servers:
        check_host(host, tls=scheme in SECURE)
    return Place(scheme, servers, *words)


def _server(scheme: str, text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or port == 0 or parts.username is not None or parts.path or parts.query or parts.fragment:
        raise _no_address(f"{scheme}://{text}")
    return host, port or _PORTS.get(scheme, 0)


def _no_address(to: str) -> Malformed:
    return Malformed(f"{to[:80]!r} is no address of a floor hub on a broker, such as mqtt://127.0.0.1:1883/SHOP/FLOOR")


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
    if len(raw) > READER_ANSWER_BYTES_MAX:
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

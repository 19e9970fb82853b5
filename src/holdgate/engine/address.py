"""Addresses: of hosts and ports, and of a shop's broker. What leaves this machine wants TLS."""

from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from holdgate.terms.errors import Malformed
from holdgate.terms.hosts import check_host


class BusAddress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every site has to know: the shop's name on the broker, its servers, and whom to believe there (a file of CAs).

    `pairs`: the sites that two hosts keep (`holdgate.engine.keeping`).
    """

    shop: str
    servers: tuple[str, ...]
    authority: str | None = None
    pairs: tuple[str, ...] = ()


def read_address(raw: bytes) -> BusAddress:
    """The address, from its file.

    Raises:
        Malformed: it is none, or leads beyond this machine without TLS.
    """
    try:
        address = msgspec.json.decode(raw, type=BusAddress)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"this says not where a broker is: {error}") from None
    for url in address.servers:
        check_server(url, tls=address.authority is not None)
    return address


PORT_MAX: Final = 65_535


def host_and_port(text: str, least: int = 0, most: int = PORT_MAX) -> tuple[str, int]:
    """The two parts of `host:port` (`[host]:port` where the host is an IPv6 number); ports from `least` (0: a free one) to `most`.

    Raises:
        Malformed: it is something else.
    """
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and least <= int(port) <= most):
        raise Malformed(f"{text[:200]!r} is no host:port, such as 127.0.0.1:8460 (ports {least} to {most})")
    return host.removeprefix("[").removesuffix("]"), int(port)


def bracketed(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def check_server(url: str, *, tls: bool) -> None:
    """Let a server's address pass.

    Raises:
        Malformed: it is none, or beyond this machine without TLS.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in {"nats", "tls"}:
        raise Malformed(f"{url[:200]!r} is no server; write nats://host:port")
    check_host(host, tls=tls)

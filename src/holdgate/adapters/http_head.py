"""The head of a request, checked: what two parsers could read in two ways is refused. Source: RFC 9110, RFC 9112.

The parser below (llhttp, strict) refuses a length beside a coding, two lengths, control characters, folded headers and bad
chunks. Here stands what it leaves to the server: the version, the host, the target, codings and expectations.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from holdgate.adapters.http_limits import Scope

Headers = list[tuple[bytes, bytes]]
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_TARGET: Final = re.compile(rb'[!"$-~]+')
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]+)(.*)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Refused(Exception):
    """A request that is not handed on; it is answered with this status, and its connection ends."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.body = f"{sentence}\n".encode()


class Head(NamedTuple):
    """A request's head. `length`: of the body, where it is announced; `waits`: the client waits to be asked for the body."""

    scope: Scope
    length: int | None
    waits: bool


class _Named(NamedTuple):
    """The headers that the server itself looks at, each with all of its values."""

    host: list[bytes]
    length: list[bytes]
    coding: list[bytes]
    expect: list[bytes]
    upgrade: list[bytes]


_LOOKED_AT: Final = {
    b"host": 0,
    b"content-length": 1,
    b"transfer-encoding": 2,
    b"expect": 3,
    b"upgrade": 4,
}


def read_head(method: str, version: str, target: bytes, headers: Headers) -> Head:
    """Read a request's head.

    Args:
        method: the verb, a token.
        version: as it was written, "1.1".
        target: as it was written; untrusted.
        headers: names in small letters, values without white space around them.

    Raises:
        Refused: it is not one that is answered.
    """
    if version not in ("1.1", "1.0"):
        raise Refused(505, "only version 1.1 of HTTP is spoken here")
    named = _Named([], [], [], [], [])
    for name, value in headers:
        place = _LOOKED_AT.get(name)
        if place is not None:
            named[place].append(value)
    if method == "CONNECT" or any(b"websocket" in value.lower() for value in named.upgrade):
        raise Refused(501, "there are no tunnels and no websockets here")
    length = _length(version, named)
    host = _host(version, named.host)
    path, raw, query = _target(target, host)
    expected = [value.lower() for value in named.expect]
    if expected not in ([], [b"100-continue"]):
        raise Refused(417, "what the request expects is not done here")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": version,
        "method": method,
        "path": path,
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": headers,
    }
    return Head(scope, length, bool(expected) and version == "1.1")


def _length(version: str, named: _Named) -> int | None:
    """How long the body is; None where it comes in chunks, or there is none."""
    if named.coding:
        if version == "1.0" or named.length or [value.lower() for value in named.coding] != [b"chunked"]:
            raise Refused(400, "the body's length can be read in two ways")
        return None
    if len(named.length) > 1 or not all(value.isdigit() and len(value) < 16 for value in named.length):
        raise Refused(400, "the body's length is no number")
    return int(named.length[0]) if named.length else None


def _host(version: str, hosts: list[bytes]) -> bytes | None:
    if not hosts and version == "1.0":
        return None
    if len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None:
        raise Refused(400, "a request names one host")
    return hosts[0]


def _target(target: bytes, host: bytes | None) -> tuple[str, bytes, bytes]:
    """Path, path as it was written, query."""
    if _TARGET.fullmatch(target) is None:
        raise Refused(400, "the address of the request holds characters that no address has")
    if absolute := _ABSOLUTE.fullmatch(target):
        if host is None or absolute[1].lower() != host.lower():
            raise Refused(400, "the address and the host of the request differ")
        target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
    if not target.startswith(b"/"):
        raise Refused(400, "the address of a request begins with /")
    raw, _, query = target.partition(b"?")
    path = raw.decode("ascii")
    if "%" in path:
        path = unquote(path)
    if _CONTROL.search(path):
        raise Refused(400, "the address of the request holds characters that no address has")
    return path, raw, query

"""Asking a time-stamping authority over HTTP (RFC 3161, section 3.4), and the file that says which one.

    {"name": "…", "url": "https://…", "certificates": "tsa.pem", "policy": "1.2.3.4"}

`certificates`: a PEM file beside it (`holdgate.adapters.rfc3161`). `policy`: optional.
"""

import asyncio
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from typing_extensions import override

from holdgate.adapters.http_post import DEADLINE_S, Address
from holdgate.adapters.rfc3161 import Pins, make_request, read_pins, verify_token
from holdgate.engine.timestamping import TimestampAuthority
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import TIMESTAMP_ANSWER_BYTES_MAX

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"


class AuthorityConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of an authority."""

    name: str
    url: str
    certificates: str
    policy: str = ""


class HttpAuthority(TimestampAuthority):
    """One authority, under the certificates that are pinned for it."""

    def __init__(self, name: str, url: str, pins: Pins, deadline_s: float = DEADLINE_S) -> None:
        """Name the authority.

        Raises:
            Malformed: no address that can be asked.
        """
        self.name = name
        self.pins = pins
        self._address = Address(name, url, "a time-stamping authority")
        self._deadline_s = deadline_s

    @override
    async def stamp(self, document: bytes) -> bytes:
        return await asyncio.to_thread(self._stamp, document)

    def _stamp(self, document: bytes) -> bytes:
        request, nonce = make_request(document)
        said = self._address.post(self._address.path, request, QUERY, TIMESTAMP_ANSWER_BYTES_MAX, self._deadline_s)
        if said.status != 200:
            raise Unavailable(f"{self.name} answered with status {said.status}")
        if said.kind.partition(";")[0].strip().lower() != REPLY:
            raise Malformed(f"{self.name} answered with {said.kind[:80]!r}, not {REPLY}")
        verify_token(document, said.body, self.pins, nonce)
        return said.body


def read_authority(path: Path) -> HttpAuthority:
    """The authority that a file configures.

    Raises:
        Unavailable: the file or its certificates cannot be read. Malformed: one of them is none.
    """
    try:
        config = msgspec.json.decode(path.read_bytes(), type=AuthorityConfig)
        pem = (path.parent / config.certificates).read_bytes()
    except OSError as error:
        raise Unavailable(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} configures no time-stamping authority: {error}") from None
    return HttpAuthority(config.name, config.url, read_pins(pem, config.policy))

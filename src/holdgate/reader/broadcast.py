"""What a reader signs: these parts are physically here (`part.arrival`).

The payload is that of `holdgate.law.command` (ReportArrival), written here once more because a reader carries no law;
`tests/unit/test_reader.py` proves that the law reads exactly these bytes.
Source: docs/spec/envelope.md.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import open_envelope, seal
from holdgate.crypto.keys import SigningKey
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.limits import ID_CHARS_MAX, INTEGER_ABS_MAX, PAYLOAD_BYTES_MAX

ROLE: Final = "scanner"
"""The role that a reader is enrolled in."""
NONCE_CHARS: Final = 16
_EVENT: Final = re.compile(r"ni:///sha-256;[0-9a-f]{64}\?ver=CBV2\.0|[0-9a-f]{64}")


class Signer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reader, in its role."""

    id: str
    role: str


class Scan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was read off the parts, in the spelling of the marks.

    `order`: the order that the person named. `event`: the hash of the EPCIS event that goes with it, where there is one
    (`ni:///sha-256;…?ver=CBV2.0`; before that name was known, the SHA-256 of its bytes in hex).
    """

    part_no: str
    rev: str
    serials: tuple[str, ...]
    quantity: int
    order: str | None = None
    event: str | None = None


class Broadcast(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="act",
    tag="part.arrival",
):
    """A scan as it is signed.

    `site`: the floor hub. `at`: when it is signed (UTC µs). `place`: the enrolled place of the scan. `reader_seq`: the
    reader's counter. `observed_at`: when a live scan was made; `captured_at`: when a buffered one was.
    """

    site: str
    at: int
    nonce: str
    signers: tuple[Signer, ...]
    place: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    quantity: int
    reader_seq: int
    order: str | None = None
    observed_at: int | None = None
    buffered: bool = False
    captured_at: int | None = None
    event: str | None = None


_BROADCAST: Final = msgspec.json.Decoder(Broadcast)


def sign(broadcast: Broadcast, keys: Sequence[tuple[str, SigningKey]]) -> bytes:
    """The signed envelope; `keys` are the reader's, and the place's where that is another device."""
    return seal(canon.encode(broadcast), keys)


def read(envelope: bytes) -> Broadcast:
    """The broadcast in an envelope that was signed here.

    Raises:
        Malformed: it is none.
    """
    return canon.decode(open_envelope(envelope).payload, _BROADCAST, "the broadcast")


def check(scan: Scan) -> Scan:
    """Return the scan if a site can read it once it is signed: a scan that cannot would block the ones after it.

    Raises:
        Malformed: it cannot, and why.
    """
    if scan.order is not None:
        check_id(scan.order, "order")
    if scan.event is not None and not _EVENT.fullmatch(scan.event):
        raise Malformed("the event is named by its EPCIS event hash, ni:///sha-256;…?ver=CBV2.0 with 64 hex digits")
    longest = Broadcast(
        site="s" * ID_CHARS_MAX,
        at=INTEGER_ABS_MAX,
        nonce="n" * NONCE_CHARS,
        signers=(Signer(id="r" * ID_CHARS_MAX, role=ROLE),),
        place="p" * ID_CHARS_MAX,
        reader_seq=INTEGER_ABS_MAX,
        buffered=True,
        captured_at=INTEGER_ABS_MAX,
        **msgspec.structs.asdict(scan),
    )
    canon.check_text(msgspec.to_builtins(scan), "the scan")
    size = len(canon.encode(longest))
    if size > PAYLOAD_BYTES_MAX:
        raise Malformed(
            f"the scan would be {size} bytes long, {PAYLOAD_BYTES_MAX} is the most: scan fewer parts at a time"
        )
    return scan

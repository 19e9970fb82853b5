"""What a site answers a module: a permit, a refusal, or that the deed is on its record. Each is signed by the site's key.

Each kind has a payload type of its own, so that none passes for another. An answer is believed when
  1. its bytes are the one canonical spelling of an envelope (a flipped bit is another spelling, or breaks 2);
  2. exactly one signature is on it, under the site's name, and it holds under the key that the module was given;
  3. the payload is the canonical spelling of the kind that its type names, in a version that is read here;
  4. it speaks of the very wish that was made: permit, module, deed, order, job, step (`matches`).
Time is not looked at here: the gate does that each time it matters.
Source: docs/modules.md.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import open_envelope, seal, verify_all
from holdgate.crypto.keys import SigningKey
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ENVELOPE_BYTES_MAX, INTEGER_ABS_MAX

PERMIT_TYPE: Final = "application/vnd.holdgate.permit.v1+json"
REFUSAL_TYPE: Final = "application/vnd.holdgate.refusal.v1+json"
RECORDED_TYPE: Final = "application/vnd.holdgate.recorded.v1+json"


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every answer says: what was asked, who answers, and where it stands on record.

    `entry`: leaf hash (hex) of the entry in the site's log; "" where an unauthentic wish was only counted.
    """

    permit: str
    module: str
    deed: str
    order: str
    job: str
    step: str
    site: str
    entry: str
    v: int = 1


class Permit(Answer, frozen=True, kw_only=True):
    """The module may do this deed, once, from `issued_at` until `until` (UTC µs, inclusive).

    `contract`: SHA-256 (hex) of the contract version that the job is pinned to. `operator`: for whom ("": nobody named).
    """

    contract: str
    issued_at: int
    until: int
    operator: str = ""


class Unmet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One unmet condition: its code, a sentence for the person at the machine, and what helps."""

    code: str
    sentence: str
    remedy: str


class Refusal(Answer, frozen=True, kw_only=True):
    """The site refuses the wish, or the report: what is unmet, in the law's order."""

    at: int
    unmet: tuple[Unmet, ...]

    def told(self) -> str:
        """All of it in sentences."""
        return " ".join(f"{one.sentence} {one.remedy}" for one in self.unmet)


class Recorded(Answer, frozen=True, kw_only=True):
    """The deed is on the site's record."""

    at: int


class _Kind(Struct, frozen=True):
    """As much of an envelope as says of which type it is."""

    payloadType: str  # noqa: N815 (the spelling of DSSE)


_KIND: Final = msgspec.json.Decoder(_Kind)
_DECODERS: Final[dict[str, Any]] = {
    PERMIT_TYPE: msgspec.json.Decoder(Permit),
    REFUSAL_TYPE: msgspec.json.Decoder(Refusal),
    RECORDED_TYPE: msgspec.json.Decoder(Recorded),
}
_TYPES: Final[dict[type[Answer], str]] = {Permit: PERMIT_TYPE, Refusal: REFUSAL_TYPE, Recorded: RECORDED_TYPE}
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def seal_answer(answer: Permit | Refusal | Recorded, key: SigningKey) -> bytes:
    """The answer, signed by the site that it names."""
    return seal(canon.encode(answer), [(answer.site, key)], _TYPES[type(answer)])


def open_answer(raw: bytes, site: str, site_key: bytes) -> Permit | Refusal | Recorded:
    """Believe an answer, offline.

    Args:
        raw: untrusted bytes.
        site: the SMART-ID of the site that decides.
        site_key: its public key, from the shop's charter.

    Raises:
        Malformed: it cannot be read as an answer. Tampered: the site did not sign it.
    """
    answer_type = _type_of(raw)
    envelope = open_envelope(raw, answer_type)
    if canon.encode(envelope) != raw:  # (1)
        raise Malformed("the answer is not in canonical form")
    verify_all(envelope, [(site, site_key)])  # (2)
    decoder: msgspec.json.Decoder[Permit | Refusal | Recorded] = _DECODERS[answer_type]
    answer = canon.decode(envelope.payload, decoder, "the answer")  # (3)
    if answer.v != 1:
        raise Malformed(f"the answer has version {answer.v}; this module reads version 1")
    if isinstance(answer, Permit):
        _check_permit(answer)
    return answer


def _type_of(raw: bytes) -> str:
    """Which kind of answer it says it is; a permit where it says nothing sensible (`open_envelope` then says why not)."""
    try:
        named = _KIND.decode(raw[: ENVELOPE_BYTES_MAX + 1]).payloadType
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return PERMIT_TYPE
    return named if named in _DECODERS else PERMIT_TYPE


def _check_permit(permit: Permit) -> None:
    """Bounds that every true permit keeps.

    Raises:
        Malformed: it does not.
    """
    if not _HASH.fullmatch(permit.contract) or not _HASH.fullmatch(permit.entry):
        raise Malformed("the permit names no contract or no entry by its hash")
    if not 0 <= permit.issued_at <= permit.until <= INTEGER_ABS_MAX:
        raise Malformed("the permit ends before it begins")


def matches(answer: Answer, **asked: str) -> str | None:
    """The first field in which an answer speaks of something else than what was asked; None where it is the same."""
    return next((name for name, value in asked.items() if getattr(answer, name) != value), None)

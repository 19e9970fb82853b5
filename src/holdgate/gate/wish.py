"""What a module signs: its wish to act (`module.may`) and its report that it did (`module.act`).

The payloads are those of `holdgate.law.command` (AskModule, ReportModule), written here once more because a controller
carries neither law nor ledger; `tests/unit/test_gate.py` proves that the law reads exactly these bytes.
Source: docs/spec/envelope.md.
"""

from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import seal
from holdgate.crypto.keys import SigningKey
from holdgate.terms import canon


class Signer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The module, in its role."""

    id: str
    role: str


class Wish(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="act", tag="wish"
):
    """The header of both. `site`: who decides. `at`: the module's own time (UTC µs), a claim. `nonce`: one per wish."""

    site: str
    at: int
    nonce: str
    signers: tuple[Signer, ...]
    order: str
    job: str
    step: str
    permit: str
    deed: str


class May(Wish, frozen=True, kw_only=True, tag="module.may"):
    """May this module do this deed at this step? The permit gets the id that the module chose."""

    module: str
    operator: str | None = None


class Did(Wish, frozen=True, kw_only=True, tag="module.act"):
    """The module did it."""


_DID: Final = msgspec.json.Decoder(Did)


def sign(wish: Wish, key: SigningKey) -> bytes:
    """The signed envelope of a wish."""
    return seal(canon.encode(wish), [(wish.signers[0].id, key)])


def read_report(payload: bytes) -> Did:
    """A report that was kept.

    Raises:
        Malformed: it is none.
    """
    return canon.decode(payload, _DID, "the kept report")

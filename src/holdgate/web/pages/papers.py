"""Waiting for signatures: acts that several people sign, each at their own screen. What is asked, who signed, who is missing."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.law import command as c
from holdgate.query.words import shown
from holdgate.sites.reception import Paper
from holdgate.terms.instant import SECOND_US
from holdgate.web.page import Page, View
from holdgate.web.papers import waiting_for
from holdgate.web.wish import plain
from holdgate.web.words import label, wording

_HEADER: Final = frozenset(c.Command.__struct_fields__)
SHORT: Final = 50
"""Papers on one page."""


class Sheet(Struct, frozen=True, kw_only=True):
    """A paper on the desk. `mine`: the person's own signature is missing; `until`: it is too old then (UTC µs)."""

    digest: str
    site: str
    does: str
    means: str
    fields: tuple[tuple[str, str], ...]
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    mine: bool
    until: int


class Desk(Struct, frozen=True, kw_only=True):
    """Papers that wait for the person, then those that wait for others after them."""

    mine: tuple[Sheet, ...]
    others: tuple[Sheet, ...]


def desk(view: View) -> Desk:
    """The papers that are somebody's business: they are to sign them, or did."""
    who = "" if view.asker.person is None else view.asker.person.id
    papers = waiting_for(view.face, view.reception, who)[:SHORT]
    sheets = [_sheet(view, paper, who) for paper in papers]
    return Desk(mine=tuple(s for s in sheets if s.mine), others=tuple(s for s in sheets if not s.mine))


def _sheet(view: View, paper: Paper, who: str) -> Sheet:
    envelope = open_envelope(paper.envelope)
    command = c.parse_command(envelope.payload)
    own = next((signer for signer in command.signers if signer.id == who), None)
    words = wording(type(command), str(getattr(command, "result", "") or getattr(command, "decision", "") or ""))
    return Sheet(
        digest=paper.digest,
        site=command.site,
        does=words.does,
        means="" if own is None else own.meaning or "",
        fields=tuple(_fields(command)),
        signed=tuple(view.who(row.keyid) for row in envelope.signatures),
        missing=tuple(view.who(name) for name in paper.missing),
        mine=who in paper.missing,
        until=paper.at + view.face.settings.entry_skew_s * SECOND_US,
    )


def _fields(command: c.AnyCommand) -> Iterator[tuple[str, str]]:
    """What the act says, as people call it."""
    for name in command.__struct_fields__:
        value: Any = getattr(command, name)
        if name not in _HEADER and value not in (None, (), {}, ""):
            yield label(name), shown(name, value) if not isinstance(value, dict) else str(plain(value))


PAPERS: Final = Page(
    name="papers",
    title="Waiting for signatures",
    kinds=("business_hub", "floor_hub", "node"),
    roles=(),
    model=desk,
    outsiders=("client",),
    once=True,
)

"""Waiting for signatures: the papers on the desk that somebody is to sign, in words, read from the very bytes that are signed."""

from collections.abc import Collection

from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.law import command as c
from holdgate.query.words import shown
from holdgate.sites.reception import Paper
from holdgate.web.page import View
from holdgate.web.papers import waiting_for
from holdgate.web.words import label, wording

_HEADER = frozenset(c.Command.__struct_fields__)


class PaperLine(Struct, frozen=True, kw_only=True):
    """A paper. `rows`: label and value of each field; `mine`: it waits for the person who looks; `until`: UTC µs, too old then."""

    digest: str
    does: str
    rows: tuple[tuple[str, str], ...]
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    mine: bool
    until: int


def papers_of(view: View, about: Collection[str] = ()) -> tuple[PaperLine, ...]:
    """The papers that wait for the person, or for others after them. `about`: those of these subjects alone (none: all)."""
    person = view.asker.person
    if person is None:
        return ()
    skew_us = view.face.settings.entry_skew_s * 1_000_000
    papers = waiting_for(view.face, view.reception, person.id)
    read = [(paper, c.parse_command(open_envelope(paper.envelope).payload)) for paper in papers]
    shown = ((paper, command) for paper, command in read if not about or c.subject_of(command) in about)
    return tuple(_line(paper, command, person.id, paper.at + skew_us) for paper, command in shown)


def _line(paper: Paper, command: c.AnyCommand, person: str, until: int) -> PaperLine:
    envelope = open_envelope(paper.envelope)
    fields = (name for name in command.__struct_fields__ if name not in _HEADER)
    values = ((label(name), getattr(command, name), name) for name in fields)
    return PaperLine(
        digest=paper.digest,
        does=wording(type(command)).does,
        rows=tuple((title, shown(name, value)) for title, value, name in values if value not in (None, (), {}, "")),
        signed=tuple(row.keyid for row in envelope.signatures),
        missing=paper.missing,
        mine=person in paper.missing,
        until=until,
    )

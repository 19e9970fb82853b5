"""Why: one entry in words, from the decision down to the proof. Whoever may see the entry may ask."""

from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import leaf_hash
from holdgate.law import command as c
from holdgate.ledger.entry import Entry, encode_entry
from holdgate.query.record import Said, entry_at, taken_in
from holdgate.query.why import Why, why, why_taken
from holdgate.query.words import in_words
from holdgate.terms.errors import Malformed
from holdgate.web.page import Page, View
from holdgate.web.problem import Problem
from holdgate.web.sight import said_at
from holdgate.web.words import label, wording

NOWHERE: Final = 10**9
"""A place at which no import holds anything."""


class HeldEntry(Struct, frozen=True, kw_only=True):
    """An entry of another site that an import took in."""

    inside: int
    entry: str
    at: int
    says: tuple[str, ...]


class WhyCard(Struct, frozen=True, kw_only=True):
    """One entry. `does`: the act in the shop's words; `asked`: its fields, labelled; `leaf`: its leaf hash (hex); `at`: UTC µs.

    `names`: printed names of the signers; `held`: what an import took in; `inside`: -1 where it is an entry of this site's own.
    """

    why: Why
    does: str
    means: str
    asked: tuple[tuple[str, str], ...]
    at: int
    names: dict[str, str]
    seq: int
    inside: int
    leaf: str
    held: tuple[HeldEntry, ...]


def card(view: View) -> WhyCard | Problem:
    """One entry."""
    seq = _number(view.path["seq"])
    inside = _inside(view, seq)
    said = said_at(view.face, view.asker, seq, inside)
    if isinstance(said, Problem):
        return said
    record = view.face.record()
    told = why(record, seq) if inside < 0 else why_taken(record, said)
    act = c.ACTS.get(told.act)
    known = view.face.state.identities
    return WhyCard(
        why=told,
        does=wording(act).does if act is not None else told.kind.capitalize(),
        means=told.means.partition("`")[0].rstrip(" ;:(,"),
        asked=tuple((label(name), value) for name, value in told.asked.items()),
        at=said.entry.at,
        names={s.id: s.name or (known[s.id].name if s.id in known else "") for s in told.signers},
        seq=seq,
        inside=inside,
        leaf=_leaf(view, seq, said.entry, inside),
        held=() if inside >= 0 else tuple(_held(place, one) for place, one in enumerate(_taken(view, seq))),
    )


def _inside(view: View, seq: int) -> int:
    """Which entry is meant: the own one (-1), or by place or name (`entry=NODE-FPI:12`) one that it took in."""
    name = view.query.get("entry", "")
    if not name or name == f"{view.face.id}:{seq}" or not 0 <= seq < view.face.size:
        return _number(view.query.get("inside", "-1"))
    return next((place for place, one in enumerate(_taken(view, seq)) if str(one.place) == name), NOWHERE)


def _taken(view: View, seq: int) -> list[Said]:
    record = view.face.record()
    return [*taken_in(record, entry_at(record, seq).entry)]


def _held(place: int, said: Said) -> HeldEntry:
    says = tuple(in_words(event) for event in said.decision.events[:3])
    return HeldEntry(inside=place, entry=str(said.place), at=said.entry.at, says=says)


def _leaf(view: View, seq: int, entry: Entry, inside: int) -> str:
    body = view.face.record().body(seq) if inside < 0 else encode_entry(entry)
    return "" if body is None else leaf_hash(body).hex()


def _number(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise Malformed("an entry is named by its number")
    return int(text)


def _nowhere(_: View) -> Problem:
    return Problem(kind="about:Missing", title="Which entry?", status=404, detail="name an entry by its number")


WHY: Final = Page(
    name="why",
    title="Why",
    kinds=("business_hub", "floor_hub", "node"),
    roles=(),
    model=_nowhere,
    below=(("/{seq}", "why", card),),
    listed=False,
    signed=True,
)

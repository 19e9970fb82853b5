"""Retention: what is kept and why, what may be erased, what was, and what ought to be somewhere and is not.

Read from a business hub's state and from what the stores hold. Nothing is erased by it: that takes an act of two officers
(`payload.erase`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from holdgate.crypto.commitments import SALTED
from holdgate.law.library import Library
from holdgate.law.retained import Erasure, Payload
from holdgate.law.retention import hold_on, kept_for
from holdgate.law.state import State
from holdgate.query.words import moment

MISSING: Final = "missing"
"""A commitment that a store of this product made, which none of the stores holds, and no erasure is on record: an alarm."""
LEFT: Final = "left"
"""Erased on record, and still in a store: the site erases it when it starts, or hears of it."""
HELD: Final = "held"
KEPT: Final = "kept"
FREE: Final = "free"
"""Nothing keeps it: two officers may have it erased."""
ERASED: Final = "erased"
ELSEWHERE: Final = "elsewhere"
"""A plain digest that none of the stores knows: of bytes that were never brought here, perhaps."""
LOOSE: Final = "loose"
"""In a store, and nothing on the record names it (yet)."""
ORDER: Final = (MISSING, LEFT, HELD, FREE, KEPT, LOOSE, ELSEWHERE, ERASED)
"""How rows are sorted: what has to be looked after first."""
ALARMS: Final = (MISSING, LEFT)


class Retained(Struct, frozen=True, kw_only=True):
    """One payload. `about`: orders and people; `status`: see this module; `why`: in words; `until`: when retention ends."""

    commitment: str
    status: str
    why: str
    kind: str = ""
    about: tuple[str, ...] = ()
    until: str = ""


def in_short(gone: Erasure) -> str:
    """That something was erased: when, by whom, and why."""
    return f"erased on {moment(gone.at)} by {gone.by} and {gone.approved_by}: {gone.reason}"


def retention(state: State, library: Library, held: Mapping[str, bool], now: int) -> list[Retained]:
    """Every payload that the record names, or a store holds; what has to be looked after first.

    Args:
        state: of the business hub; not changed.
        library: its documents.
        held: what the stores hold: by commitment, whether key and bytes are both there.
        now: the time of the question (UTC µs).
    """
    found = [*_named(state, library, held, now), *_loose(state, held)]
    return sorted(found, key=lambda row: (ORDER.index(row.status), row.until, row.about, row.commitment))


def _named(state: State, library: Library, held: Mapping[str, bool], now: int) -> Iterator[Retained]:
    for name, payload in state.payloads.items():
        status, why, until = _status(state, library, name, payload, held, now)
        about = (*payload.orders, *payload.persons, *payload.others)
        shown = "" if until is None else moment(until)
        yield Retained(commitment=name, status=status, why=why, kind=payload.kind, about=about, until=shown)


def _status(
    state: State, library: Library, name: str, payload: Payload, held: Mapping[str, bool], now: int
) -> tuple[str, str, int | None]:
    gone = payload.erased
    if gone is not None:
        return (LEFT if name in held else ERASED), in_short(gone), None
    if not held.get(name, False):
        if name in held or name.startswith(SALTED):
            return MISSING, "no erasure is on record, and none of the stores can open it", None
        return ELSEWHERE, "none of the stores knows it", None
    found = hold_on(state, payload)
    if found is not None:
        subject, hold = found
        return HELD, f"legal hold on {subject} since {moment(hold.at)} by {hold.by}: {hold.reason}", None
    kept = kept_for(state, library, payload, now)
    if kept is not None:
        return KEPT, kept.why, kept.until
    return FREE, "its time is over, or nothing asks for one", None


def _loose(state: State, held: Mapping[str, bool]) -> Iterator[Retained]:
    for name in held:
        if name not in state.payloads:
            yield Retained(
                commitment=name, status=LOOSE, why="nothing on the record names it; put it there to erase it"
            )

"""Bring a database of views up to what a Vault's mirrors hold: what came since, log by log, in one run that is kept or not.

Before a log goes on, the Merkle frontier that the database keeps is led through the new entries to the root of the mirror. A log
that does not lead there (another shop's, a mirror that was put back) is taken out and projected anew; one that the mirrors do not
hold is taken out.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.query import view_rows
from holdgate.query.record import said
from holdgate.query.view_tables import Progress, Row, ViewStore
from holdgate.terms.errors import Malformed, Tampered

PAGE: Final = 2_048
"""Entries projected at a time."""


class Mirrors(Protocol):
    """A Vault's mirrors, read only."""

    def origins(self) -> list[str]:
        """The logs that there is a mirror of."""
        ...

    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        """Size and frontier of a mirror."""
        ...

    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """A stretch of a mirror, in order."""
        ...

    def latest(self, origin: str) -> bytes | None:
        """The last cosigned checkpoint."""
        ...


class Brought(NamedTuple):
    """One log after a run: its entries in all, and those that are new."""

    origin: str
    size: int
    new: int


def bring_up(store: ViewStore, mirrors: Mirrors, *, rebuild: bool = False) -> list[Brought]:
    """Project what came since, in one run.

    Args:
        store: the database.
        mirrors: what the Vault holds.
        rebuild: begin from nothing.

    Raises:
        Tampered: a mirror's entries do not lead to the root that the Vault keeps for it. Malformed: an entry cannot be read,
            or the database holds something else. Unavailable: a store is out of reach.
    """
    store.begin(rebuild=rebuild)
    wanted = mirrors.origins()
    for origin in store.origins():
        if origin not in wanted:
            store.forget(origin)
    brought = [_log(store, mirrors, origin) for origin in wanted]
    store.commit()
    return brought


def _log(store: ViewStore, mirrors: Mirrors, origin: str) -> Brought:
    held, frontier = mirrors.held(origin)
    known = store.progress(origin)
    wanted = root_from_frontier(frontier, held)
    if known.size > held or _led(mirrors, origin, known, held) != wanted:
        known = Progress(0, ())
        if _led(mirrors, origin, known, held) != wanted:
            raise Tampered(f"the mirror of {origin} does not lead to the root that was cosigned; audit it first")
        store.forget(origin)
    for start in range(known.size, held, PAGE):
        stop = min(held, start + PAGE)
        store.add([row for body in _page(mirrors, origin, start, stop) for row in view_rows.rows_of(origin, body)])
    store.forget_head(origin)
    store.add([_head(mirrors, origin, held, frontier), *_signed(mirrors, origin)] if held else [])
    return Brought(origin, held, held - known.size)


def _page(mirrors: Mirrors, origin: str, start: int, stop: int) -> Sequence[bytes]:
    found = mirrors.entries(origin, start, stop)
    if len(found) != stop - start:
        raise Malformed(f"the mirror of {origin} lacks entries between {start} and {stop}; audit it first")
    return found


def _led(mirrors: Mirrors, origin: str, known: Progress, held: int) -> bytes:
    """The root that the mirror's entries lead to from what is known."""
    frontier = known.frontier
    for start in range(known.size, held, PAGE):
        bodies = mirrors.entries(origin, start, min(held, start + PAGE))
        frontier = extend(start, frontier, [leaf_hash(body) for body in bodies])
    try:
        return root_from_frontier(frontier, held)
    except Malformed:
        return b""  # what the database keeps is no frontier of that size


def _head(mirrors: Mirrors, origin: str, held: int, frontier: tuple[bytes, ...]) -> tuple[str, Row]:
    site = said(mirrors.entries(origin, 0, 1)[0]).place.site
    return "logs", {
        "origin": origin,
        "site": site,
        "size": held,
        "root": root_from_frontier(frontier, held).hex(),
        "frontier": b"".join(frontier).hex(),
    }


def _signed(mirrors: Mirrors, origin: str) -> Sequence[tuple[str, Row]]:
    note = mirrors.latest(origin)
    return () if note is None else tuple(view_rows.checkpoint_rows(origin, note))

"""A site of a shop, opened for questions: its state and its documents as its record leads to them. Nothing is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.bootstrap import read_premises
from holdgate.engine.opening import open_log
from holdgate.engine.source import StoreHistory
from holdgate.law.chronicle import blank_state
from holdgate.law.founding import found_shop
from holdgate.law.library import Library
from holdgate.law.state import State
from holdgate.terms import instant
from holdgate.terms.errors import Malformed


class Standing(NamedTuple):
    """What a site knows. Documents are read from its store while it is open."""

    state: State
    library: Library


@contextmanager
def open_standing(data: Path, site: str | None = None, *, founded: bool = False) -> Iterator[Standing]:
    """A site of a shop; the business hub where none is named.

    `founded`: a site whose keys are here and that was never opened knows what its charter says; else it is an error.

    Raises:
        Unavailable: there is no shop, or not this site's store. Malformed: the site decides nothing.
    """
    premises = read_premises(data)
    charter, roots = premises.charter, premises.roots
    deciding = [seat for seat in premises.seats() if seat.kind in AUTHORITIES]
    seat = next((s for s in deciding if (s.kind == "business_hub" if site is None else s.id == site)), None)
    if seat is None:
        names = ", ".join(seat.id for seat in deciding)
        raise Malformed(f"{site or 'the business hub'} decides nothing in this shop; there are {names}")
    place = data / seat.id
    if founded and (place / "site.key").exists() and not (place / "ledger.db").exists():
        state = blank_state(charter, seat.id, seat.kind)
        found_shop(state, charter)
        yield Standing(state, Library(lambda _: None))
        return
    store = SqliteStore(place / "ledger.db", read_only=True)
    try:
        blank = blank_state(charter, seat.id, seat.kind)
        chronicle = open_log(store, blank, AUTHORITIES[seat.kind], StoreHistory(store), roots).chronicle
        yield Standing(chronicle.state, chronicle.library)
    finally:
        store.close()


def moment_of(text: str | None) -> int:
    """The time of a question: as written, else now (UTC µs).

    Raises:
        Malformed: not a time with its offset.
    """
    return HostClock().now() if text is None else instant.parse(text)

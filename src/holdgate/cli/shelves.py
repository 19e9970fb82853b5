"""Shelves of the records at a place, up to date: beside each store in a file, for bundles and copies in memory."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.adapters.sqlite_shelf import SqliteShelf
from holdgate.audit.authorities import AUTHORITIES
from holdgate.cli.reading import Log, StoredLog, open_logs
from holdgate.identity.charter import SiteSeat
from holdgate.query.recall import Source
from holdgate.query.record import charter_of, entry_at
from holdgate.query.shelf import OWN, TAKEN, Shelf, bring_up
from holdgate.query.uses import ORIGIN

SUFFIX: Final = {OWN: ".uses.db", TAKEN: ".taken.db"}
"""Beside `ledger.db`: the rows of its own entries, and of those that its imports hold. Both may be deleted at any time."""


class Shelves(NamedTuple):
    """Every entry at a place, counted once; and the shop's own time zone."""

    sources: list[Source]
    tz: str


@contextmanager
def open_shelves(path: Path, *, rebuild: bool = False) -> Iterator[Shelves]:
    """Every entry at a place, counted once: each site's own record where it is here whole, else what another took in of it.

    Args:
        path: a shop, a site, a store, a bundle or a folder of bundles.
        rebuild: throw away what lies beside the stores and fold everything anew.

    Raises:
        Unavailable: there is no record. Tampered, Malformed: one of them cannot be read to its end.
    """
    with open_logs(path) as logs, ExitStack() as held:
        tz = charter_of(entry_at(logs[0], 0).entry).settings.tz
        yield Shelves(_sources(_one_each(logs), held, rebuild=rebuild), tz)


def _one_each(logs: Sequence[Log]) -> list[Log]:
    """One record a site: its own before a bundle, a bundle before a Vault's copy; then the longest."""
    best: dict[str, Log] = {}
    for log in sorted(logs, key=lambda log: (not isinstance(log, StoredLog), log.mirror, -log.size)):
        best.setdefault(log.site, log)
    return list(best.values())


def _sources(logs: list[Log], held: ExitStack, *, rebuild: bool) -> list[Source]:
    own = {log.site: _shelf(log, OWN, held, rebuild=rebuild) for log in logs}
    seats = [seat for seat in charter_of(entry_at(logs[0], 0).entry).sites if seat.kind in AUTHORITIES]
    whole = [log.site for log in logs if _is_whole(log, seats, own.values())]
    sources = [Source(own[site], site) for site in whole]
    absent = {seat.id for seat in seats}.difference(whole)
    for log in sorted(logs, key=_kind_first):
        if not absent:
            break
        shelf = _shelf(log, TAKEN, held, rebuild=rebuild)
        for site in sorted(absent.intersection(shelf.sites())):
            sources.append(Source(shelf, site))
            absent.discard(site)
    return sources


def _is_whole(log: Log, seats: list[SiteSeat], shelves: Iterable[Shelf]) -> bool:
    """Whether a site's own record here is as long as what any other took in of it: an older copy is not."""
    origin = next((seat.origin for seat in seats if seat.id == log.site), "")
    notes = [note for shelf in shelves for note in shelf.notes(ORIGIN, [origin])]
    return all(int(dict(note.detail)["size"]) <= log.size for note in notes)


def _kind_first(log: Log) -> tuple[bool, str]:
    """The business hub first: it takes in every site's whole record."""
    charter = charter_of(entry_at(log, 0).entry)
    return (all(seat.id != log.site or seat.kind != "business_hub" for seat in charter.sites), log.site)


def _shelf(log: Log, stretch: str, held: ExitStack, *, rebuild: bool) -> Shelf:
    shelf = SqliteShelf(log.path.with_suffix(SUFFIX[stretch]) if isinstance(log, StoredLog) else None)
    held.callback(shelf.close)
    if rebuild:
        shelf.clear()
    bring_up(shelf, log, stretch, log.root if isinstance(log, StoredLog) else None)
    return shelf

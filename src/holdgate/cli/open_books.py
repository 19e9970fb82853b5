"""A shop's books, opened for questions: read from the business hub's ledger. Nothing is written."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from holdgate.adapters.sqlite_payloads import FILE, SqlitePayloads
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.zones import zone_of
from holdgate.bootstrap import read_premises
from holdgate.engine.source import StoreSource
from holdgate.pay.books import Books, Day, Payee, read_books
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US


class Opened(NamedTuple):
    """The books, and how an instant is a date in the shop's zone."""

    books: Books
    day: Day


def open_books(data: Path) -> Opened:
    """The books of a shop.

    Raises:
        Unavailable: there is no shop, or not its business hub's store. Malformed: an entry cannot be read.
    """
    premises = read_premises(data)
    hub = next((seat.id for seat in premises.seats() if seat.kind == "business_hub"), None)
    if hub is None:
        raise Malformed("this shop has no business hub, so it has no books")
    with closing(SqliteStore(data / hub / "ledger.db", read_only=True)) as store:
        books = read_books(body for _, _, body in StoreSource(store).bodies())
    return Opened(books, day_in(premises.charter.settings.tz))


def day_in(tz: str) -> Day:
    """How an instant (UTC µs) is an ISO date in a zone.

    Raises:
        Malformed: there is no such zone.
    """
    zone = zone_of(tz)
    return lambda at: datetime.fromtimestamp(at // SECOND_US, UTC).astimezone(zone).date().isoformat()


def payees_of(data: Path, books: Books, run: str) -> dict[str, Payee]:
    """Where the payees of a run are paid, each opened from the commitment on the ledger; those that are not here are left out.

    Raises:
        Unavailable: the storage failed. Malformed: what is kept is no account.
    """
    found = books.money.runs.get(run)
    payees: dict[str, Payee] = {}
    with closing(SqlitePayloads(data / FILE)) as store:
        for name, commitment in () if found is None else found.accounts.items():
            kept = store.get(commitment)
            if kept is not None:
                payees[name] = _payee(name, kept.content)
    return payees


def _payee(name: str, content: bytes) -> Payee:
    try:
        return msgspec.json.decode(content, type=Payee)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"what is kept as the account of {name} is none: {error}") from None

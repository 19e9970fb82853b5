"""Timeline: where a record speaks of an order, so that everything on it can be told in order without reading the rest.

An index over a record and what its imports hold; it grows with the record, and proves nothing. Orders are found by the subject of
an entry (a job's is `order/job`, an order's `order:id`, a report's `report:id`) and by the orders that its events name.
"""

from collections.abc import Iterator
from typing import NamedTuple

from holdgate.law.event import ReportIssued
from holdgate.ledger.entry import Entry
from holdgate.query.calls import Calls
from holdgate.query.record import Record, Said, command_of, spoken, walk
from holdgate.query.words import in_words, moment

OWN = -1
"""The place inside an entry of what is no import: the entry itself."""


class Told(NamedTuple):
    """One line of a timeline. `entry`: where it stands (`SITE:seq`); `seq`: the own entry that holds it; `at`: UTC µs."""

    entry: str
    seq: int
    at: int
    when: str
    site: str
    act: str
    by: tuple[str, ...]
    verdict: str
    says: tuple[str, ...]


class Timeline:
    """The index. `size`: how many entries of the record it covers; `calls`: those for Level III among them."""

    def __init__(self) -> None:
        self.size = 0
        self.calls = Calls()
        self._orders: dict[str, list[tuple[int, int]]] = {}
        self._reports: dict[str, str] = {}

    def catch_up(self, record: Record, stop: int | None = None) -> None:
        """Take in what the record has since, up to entry `stop`.

        Raises:
            Malformed, Tampered: an entry cannot be read, or is not the one that was recorded.
        """
        stop = record.size if stop is None else min(stop, record.size)
        if stop <= self.size:
            return
        inside = OWN
        for said in walk(record, self.size):
            seq = said.entry.seq if said.held is None else said.held
            if seq >= stop:
                break
            inside = OWN if said.held is None else inside + 1
            self.calls.take(said, seq)
            for order in sorted(orders_of(said) | self._by_report(said)):
                self._orders.setdefault(order, []).append((seq, inside))
        self.size = stop

    def _by_report(self, said: Said) -> set[str]:
        """The orders whose reports an entry is about: answered, amended, their windows opened and closed."""
        named = {said.entry.subject.removeprefix("report:")} if said.entry.subject.startswith("report:") else set[str]()
        for event in said.decision.events:
            report = getattr(event, "report", "")
            if isinstance(event, ReportIssued):
                self._reports[report] = event.order
            elif report:
                named.add(report)
        return {self._reports[name] for name in named if name in self._reports}

    def of(self, order: str) -> list[tuple[int, int]]:
        """Where the record speaks of an order, in order: own entry, and place among what that entry took in (OWN: itself)."""
        return self._orders.get(order, [])


def tell(record: Record, places: list[tuple[int, int]], job: str = "") -> Iterator[Told]:
    """The lines of a timeline.

    Args:
        record: the one that the places are of.
        places: from `Timeline.of`.
        job: only what is about this job of the order; all of it where none is named.

    Raises:
        Malformed, Tampered: an entry cannot be read, or is missing.
    """
    for own, said in spoken(record, places):
        if job and said.entry.subject.partition("/")[2] not in ("", job):
            continue
        yield _told(said, own)


def _told(said: Said, seq: int) -> Told:
    command = command_of(said.entry)
    return Told(
        entry=str(said.place),
        seq=seq,
        at=said.entry.at,
        when=moment(said.entry.at),
        site=said.place.site,
        act="" if command is None else str(type(command).__struct_config__.tag),
        by=() if command is None else tuple(signer.id for signer in command.signers),
        verdict=said.decision.verdict,
        says=tuple(in_words(event) for event in said.decision.events),
    )


def orders_of(said: Said) -> set[str]:
    """The orders that an entry is about."""
    found = {_named(said.entry)}
    found.update(getattr(event, "order", None) or "" for event in said.decision.events)
    return found - {""}


def _named(entry: Entry) -> str:
    kind, colon, key = entry.subject.partition(":")
    if colon:
        return key if kind == "order" else ""
    return entry.subject.partition("/")[0] if "/" in entry.subject else ""

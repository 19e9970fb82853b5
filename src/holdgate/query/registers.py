"""Registers as they stood at an entry: who somebody was, how an instrument was calibrated, which edition was in force.

A report says what was so when it was issued, and says the same whenever it is made again; the state of a site knows only what is so
now. This index grows with the record, and proves nothing.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec import Struct

from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import key_id
from holdgate.identity.charter import Charter
from holdgate.law import event as ev
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.query.record import Record, Said, charter_of, said, taken_in
from holdgate.terms.errors import Tampered
from holdgate.terms.party import Party

T = TypeVar("T")


class Kept(NamedTuple, Generic[T]):
    """What was said, in which own entry, and when (UTC µs)."""

    seq: int
    at: int
    value: T


class Person(Struct, frozen=True, gc=False):
    """Somebody or something that signs: the printed name, the organisation, and the short name of the key that is in force."""

    id: str
    name: str
    org: str
    key: str = ""


class Instrument(Struct, frozen=True, gc=False):
    """An instrument with its calibration interval (UTC µs, inclusive). `certificate` "": none is on the register."""

    id: str
    equipment_class: str
    cal_from: int
    cal_until: int
    certificate: str = ""


class Batch(Struct, frozen=True, gc=False):
    """A batch with its last instant of use (UTC µs)."""

    batch: str
    material_kind: str
    until: int


class Issue(Struct, frozen=True, kw_only=True):
    """A report that was issued: the event and the entry that holds it, with what one checks that against.

    `root`: of the log's first `seq + 1` entries; `leaf`: hash of the entry.
    """

    event: ev.ReportIssued
    said: Said
    seq: int
    leaf: bytes
    root: bytes


class Registers:
    """The index. `size`: how many entries of the record it covers.

    `people` to `logged`: everything that was said of one id, in order.
    """

    def __init__(self) -> None:
        self.size = 0
        self.charter: Charter | None = None
        self.reports: dict[str, Issue] = {}
        self.replaced: dict[str, str] = {}
        self._frontier: tuple[bytes, ...] = ()
        self.people: dict[str, list[Kept[Person]]] = {}
        self.organisations: dict[str, list[Kept[Party]]] = {}
        self.equipment: dict[str, list[Kept[Instrument]]] = {}
        self.batches: dict[str, list[Kept[Batch]]] = {}
        self.standards: dict[str, list[Kept[ev.StandardAdopted]]] = {}
        self.contracts: dict[str, list[Kept[ev.AnyEvent]]] = {}
        self.logged: dict[str, list[Kept[ev.AnyEvent]]] = {}

    def catch_up(self, record: Record) -> None:
        """Take in what the record has since.

        Raises:
            Malformed, Tampered: an entry cannot be read, or is not the one that was recorded.
        """
        for seq, leaf, body in record.rows(self.size):
            if leaf_hash(body) != leaf:
                raise Tampered(f"entry {seq} is not the one that was recorded: audit the record first")
            one = said(body)
            self._frontier = extend(seq, self._frontier, (leaf,))
            self.size = seq + 1
            if one.entry.kind == "genesis":
                self._found(charter_of(one.entry), one)
            for each in (one, *taken_in(record, one.entry)):
                for event in each.decision.events:
                    self._take(event, each, seq, leaf)

    def _found(self, charter: Charter, one: Said) -> None:
        self.charter = charter
        for founder in charter.founders:
            self.people[founder.id] = [
                Kept(one.entry.seq, one.entry.at, Person(founder.id, founder.name, founder.org, key_id(founder.key)))
            ]

    def _take(self, event: ev.AnyEvent, each: Said, seq: int, leaf: bytes) -> None:
        if isinstance(event, ev.ReportIssued):
            root = root_from_frontier(self._frontier, self.size)
            self.reports[event.report] = Issue(event=event, said=each, seq=seq, leaf=leaf, root=root)
            if event.replaces:
                self.replaced[event.replaces] = event.report
            return
        taken = _TAKEN.get(type(event))
        if taken is not None:
            taken(self, event, seq, each.entry.at)

    # ---- what stood there --------------------------------------------------------------------------------------

    def person(self, smart_id: str, stop: int) -> Person:
        """Who somebody was at entry `stop`; by the SMART-ID alone where nobody enrolled them."""
        return _last(self.people.get(smart_id), stop) or Person(smart_id, "", "")

    def parties(self, stop: int) -> dict[str, Party]:
        """Organisations by their id, as they were registered at entry `stop`; this shop's own under the charter's id too."""
        found = {org: _last(kept, stop) for org, kept in self.organisations.items()}
        return {org: party for org, party in found.items() if party is not None}

    def instrument(self, name: str, stop: int, at: int) -> Instrument | None:
        """An instrument as it was calibrated at a time of use (UTC µs), as known at entry `stop`."""
        kept = [item for item in self.equipment.get(name, ()) if item.seq <= stop]
        covering = [item for item in kept if item.value.cal_from <= at <= item.value.cal_until]
        found = (covering or kept)[-1:]
        return found[0].value if found else None

    def batch(self, name: str, stop: int) -> Batch | None:
        """A batch as it was registered at entry `stop`."""
        return _last(self.batches.get(name), stop)

    def edition(self, standard: str, stop: int) -> str:
        """The edition of a standard that was adopted at entry `stop` ("": none)."""
        adopted = _last(self.standards.get(standard), stop)
        return "" if adopted is None else adopted.edition

    def contract(self, sha256: str, stop: int) -> list[ev.AnyEvent]:
        """What was said of a contract version up to entry `stop`, in order."""
        return [item.value for item in self.contracts.get(sha256, ()) if item.seq <= stop]

    def series(self, name: str, stop: int) -> list[ev.AnyEvent]:
        """What was logged of a series of room conditions up to entry `stop`, in order."""
        return [item.value for item in self.logged.get(name, ()) if item.seq <= stop]


# ---- event by event ------------------------------------------------------------------------------------------------


def _enrolled(index: Registers, e: ev.IdentityEnrolled, seq: int, at: int) -> None:
    index.people.setdefault(e.id, []).append(Kept(seq, at, Person(e.id, e.name, e.org, key_id(e.key))))


def _rekeyed(index: Registers, e: ev.IdentityRekeyed, seq: int, at: int) -> None:
    before = index.people.get(e.id)
    if before:
        held = before[-1].value
        before.append(Kept(seq, at, Person(held.id, held.name, held.org, key_id(e.key))))


def _party(index: Registers, e: ev.PartyRegistered, seq: int, at: int) -> None:
    own = (index.charter.org,) if e.own and index.charter is not None else ()
    for org in dict.fromkeys((e.party.org, *own)):
        index.organisations.setdefault(org, []).append(Kept(seq, at, e.party))


def _registered(index: Registers, e: ev.EquipmentRegistered, seq: int, at: int) -> None:
    item = Instrument(e.id, e.equipment_class, e.cal_from, e.cal_until)
    index.equipment.setdefault(e.id, []).append(Kept(seq, at, item))


def _calibrated(index: Registers, e: ev.EquipmentCalibrated, seq: int, at: int) -> None:
    before = index.equipment.setdefault(e.equipment, [])
    kind = before[-1].value.equipment_class if before else ""
    item = Instrument(e.equipment, kind, e.cal_from, e.cal_until, e.certificate)
    before.append(Kept(seq, at, item))


def _batch(index: Registers, e: ev.MaterialRegistered, seq: int, at: int) -> None:
    index.batches.setdefault(e.batch, []).append(Kept(seq, at, Batch(e.batch, e.material_kind, e.until)))


def _extended(index: Registers, e: ev.MaterialExtended, seq: int, at: int) -> None:
    before = index.batches.setdefault(e.batch, [])
    kind = before[-1].value.material_kind if before else ""
    before.append(Kept(seq, at, Batch(e.batch, kind, e.until)))


def _adopted(index: Registers, e: ev.StandardAdopted, seq: int, at: int) -> None:
    index.standards.setdefault(e.standard, []).append(Kept(seq, at, e))


def _of_contract(index: Registers, e: Any, seq: int, at: int) -> None:
    index.contracts.setdefault(e.sha256, []).append(Kept(seq, at, e))


def _of_series(index: Registers, e: Any, seq: int, at: int) -> None:
    index.logged.setdefault(e.series, []).append(Kept(seq, at, e))


def _last(kept: list[Kept[T]] | None, stop: int) -> T | None:
    if not kept:
        return None
    place = bisect_right([item.seq for item in kept], stop)
    return kept[place - 1].value if place else None


_TAKEN: Final[dict[type[ev.Event], Callable[[Registers, Any, int, int], None]]] = {
    ev.IdentityEnrolled: _enrolled,
    ev.IdentityRekeyed: _rekeyed,
    ev.PartyRegistered: _party,
    ev.EquipmentRegistered: _registered,
    ev.EquipmentCalibrated: _calibrated,
    ev.MaterialRegistered: _batch,
    ev.MaterialExtended: _extended,
    ev.StandardAdopted: _adopted,
    ev.ContractSubmitted: _of_contract,
    ev.ContractApproved: _of_contract,
    ev.ContractCertified: _of_contract,
    ev.EnvironmentLogged: _of_series,
    ev.EnvironmentBroken: _of_series,
    ev.EnvironmentRestored: _of_series,
}

"""What runs out, and who asks: see the kinds.

Qualifications (SMART-Education), calibrations (SMART-Maintenance), batches (SMART-Inventory), documents of open orders
(SMART-Compliance), adopted editions of standards (SMART-Standards).

Read from a state: what is still meant to be used, and when its last instant is. What is over already is named too, until
somebody renews it or takes it out of use.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.law.contract import SmartSP
from holdgate.law.library import Library
from holdgate.law.state import Order, State
from holdgate.query.words import moment
from holdgate.terms.instant import SECOND_US

DAY_US: Final = 86_400 * SECOND_US

CREDENTIAL: Final = "credential"
CALIBRATION: Final = "calibration"
BATCH: Final = "batch"
DOCUMENT: Final = "document"
STANDARD: Final = "standard"


class Due(Struct, frozen=True, kw_only=True):
    """Something that runs out. `whose`: the person, class, kind or order. `days`: whole days left, below zero: since.

    `named_by`: contracts in force that ask for it.
    """

    kind: str
    id: str
    whose: str
    until: str
    days: int
    over: bool
    named_by: tuple[str, ...] = ()


def due(state: State, library: Library, now: int, days: int) -> list[Due]:
    """What runs out within so many days, the most urgent first.

    Args:
        state: of the business hub; not changed.
        library: its documents.
        now: the time of the question (UTC µs).
        days: how far ahead.
    """
    demands = _Demands(state, library)
    horizon = now + days * DAY_US
    found = [(until, row) for until, row in _every(state, demands, now) if until <= horizon]
    return [row for _, row in sorted(found, key=lambda item: (item[0], item[1].kind, item[1].id, item[1].whose))]


def _every(state: State, demands: "_Demands", now: int) -> Iterator[tuple[int, Due]]:
    for person in state.identities.values():
        for name, held in person.credentials.items() if person.disabled_at is None else ():
            if held.revoked_at is None:
                yield held.until, _due(CREDENTIAL, name, person.id, held.until, now, demands.credentials)
    for item in state.equipment.values():
        if item.in_service:
            named = demands.equipment.get(item.equipment_class, ())
            yield item.cal_until, _row(CALIBRATION, item.id, item.equipment_class, item.cal_until, now, named)
    for batch in state.materials.values():
        if batch.approved:
            named = demands.materials.get(batch.material_kind, ())
            yield batch.until, _row(BATCH, batch.batch, batch.material_kind, batch.until, now, named)
    for order in state.orders.values():
        for name, stated in order.documents.items() if is_open(state, order) else ():
            until = state.verified.get(order.id, {}).get(name, stated)
            if until is not None:
                named = (f"{order.contract} {order.version}",)
                yield until, _row(DOCUMENT, name, order.id, until, now, named)

    for standard, adopted in state.standards.items():
        named = demands.standards.get(f"{standard} {adopted.edition}", ())
        yield adopted.until, _row(STANDARD, standard, adopted.edition, adopted.until, now, named)


def _due(kind: str, key: str, whose: str, until: int, now: int, named: dict[str, tuple[str, ...]]) -> Due:
    return _row(kind, key, whose, until, now, named.get(key, ()))


def _row(kind: str, key: str, whose: str, until: int, now: int, named: tuple[str, ...]) -> Due:
    return Due(
        kind=kind,
        id=key,
        whose=whose,
        until=moment(until),
        days=(until - now) // DAY_US,
        over=until < now,
        named_by=named,
    )


def is_open(state: State, order: Order) -> bool:
    """Whether something may still be done under an order, as far as this site knows."""
    if order.status == "proposed":
        return False
    jobs = [job for key in order.jobs if (job := state.jobs.get(key)) is not None and job.status != "split"]
    if not jobs:
        return not order.jobs
    return any(job.status != "terminated" and not job.compliance_by for job in jobs)


class _Demands:
    """What the contracts in force ask for: credential, class or kind → `contract version`."""

    def __init__(self, state: State, library: Library) -> None:
        self.credentials: dict[str, tuple[str, ...]] = {}
        self.equipment: dict[str, tuple[str, ...]] = {}
        self.materials: dict[str, tuple[str, ...]] = {}
        self.standards: dict[str, tuple[str, ...]] = {}
        for contract, sha256 in sorted(state.in_force.items()):
            technique = technique_of(library, sha256)
            record = state.contracts.get(sha256)
            if technique is None or record is None:
                continue
            name = f"{contract} {record.version}"
            for needed in technique.requires:
                key = f"{needed.standard} {needed.edition}"
                self.standards[key] = (*self.standards.get(key, ()), name)
            for step in technique.steps:
                for table, asked in (
                    (self.credentials, step.credentials),
                    (self.equipment, (*step.equipment_classes, *_instruments(step.characteristics))),
                    (self.materials, step.material_kinds),
                ):
                    for key in asked:
                        table[key] = tuple(dict.fromkeys((*table.get(key, ()), name)))


def _instruments(characteristics: tuple[object, ...]) -> tuple[str, ...]:
    kinds = (getattr(item, "instrument_class", None) for item in characteristics)
    return tuple(kind for kind in kinds if kind is not None)


def technique_of(library: Library, sha256: str) -> SmartSP | None:
    """The technique document behind an order template's hash, or None where it is not held here."""
    template = library.template(sha256)
    document = None if template is None else library.document(template.process)
    return document if isinstance(document, SmartSP) else None

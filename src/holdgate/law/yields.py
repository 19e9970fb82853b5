"""What an accepted execution makes true: the facts that one family yields and another requires.

On QA's acceptance of a job under a technique with `yields`, each of its subjects that was accepted gets the fact, from that
moment for as long as the contract says: an instrument its calibration, a person a credential, a batch its release, a
standard its adoption, a document its verification. An instrument that was not accepted is withdrawn. Either way, how it was met
goes with it: out of tolerance, it recalls what was done before (`law.recalls`). Where QA signs again over the same work (what
became of a part was decided afterwards), no fact is given a second time: nobody calibrated or trained anew.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from holdgate.law import event as ev
from holdgate.law.contract import Yield
from holdgate.law.library import Library, require_technique
from holdgate.law.state import Job, Order, State, job_key
from holdgate.law.technique import Technique
from holdgate.law.view import job_view
from holdgate.terms.instant import SECOND_US


def yielded(state: State, library: Library, events: Sequence[ev.AnyEvent], at: int) -> tuple[ev.AnyEvent, ...]:
    """The facts that these events make true.

    Args:
        state: the business hub's, with `events` folded in; not changed.
        library: the pinned law documents.
        events: of one entry.
        at: its time (UTC µs): facts hold from here.
    """
    found: list[ev.AnyEvent] = []
    for event in events if state.kind == "business_hub" else ():
        if not isinstance(event, ev.QaAccepted):
            continue
        job, order = state.jobs[job_key(event.order, event.job)], state.orders[event.order]
        technique = require_technique(library, job.sha256)
        for item in technique.yields:
            found.extend(_facts(state, technique, item, order, job, at))
    return tuple(found)


def _facts(state: State, technique: Technique, item: Yield, order: Order, job: Job, at: int) -> Iterator[ev.AnyEvent]:
    for serial in job.serials:
        if job.parts.get(serial) in (None, "conceded"):
            if job.signed_again:
                continue
            yield _FACTS[item.fact](_Accepted(state, technique, item, order, job, serial, at))
        elif item.fact == "calibration":
            yield ev.EquipmentWithdrawn(equipment=serial, as_found=_as_found(technique, job, serial))


class _Accepted:
    """One accepted subject and what it is to be told of. `until`: the fact's last instant."""

    def __init__(
        self, state: State, technique: Technique, item: Yield, order: Order, job: Job, serial: str, at: int
    ) -> None:
        self.state = state
        self.technique = technique
        self.item = item
        self.order = order
        self.job = job
        self.serial = serial
        self.at = at
        self.until = at + item.valid_s * SECOND_US


def _calibration(a: _Accepted) -> ev.AnyEvent:
    return ev.EquipmentCalibrated(
        equipment=a.serial,
        as_found=_as_found(a.technique, a.job, a.serial),
        cal_from=a.at,
        cal_until=a.until,
        certificate=job_key(a.order.id, a.job.id),
    )


def _as_found(technique: Technique, job: Job, serial: str) -> str:
    return "in_tolerance" if _found_good(technique, job, serial) else "out_of_tolerance"


def _found_good(technique: Technique, job: Job, serial: str) -> bool:
    """Whether the instrument was met inside of its limits: every as-found reading, of it or of the whole job."""
    for operation in technique.operations:
        attempt = job.attempts[operation.position]
        for name, measure in operation.measures.items() if attempt is not None else ():
            key = f"{name}/{serial}" if measure.per_serial else name
            if measure.as_found and attempt is not None and key in attempt.missed:
                return False
    return True


def _credential(a: _Accepted) -> ev.AnyEvent:
    return ev.CredentialGranted(person=a.serial, credential=a.item.name or "", until=a.until)


def _batch(a: _Accepted) -> ev.AnyEvent:
    """A batch that is known keeps its own end of shelf life where that comes first."""
    known = a.state.materials.get(a.serial)
    until = a.until if known is None else min(a.until, known.until)
    return ev.MaterialRegistered(batch=a.serial, material_kind=a.order.part_no, until=until, approved=True)


def _standard(a: _Accepted) -> ev.AnyEvent:
    return ev.StandardAdopted(standard=a.order.part_no, edition=a.order.rev, until=a.until)


def _document(a: _Accepted) -> ev.AnyEvent:
    return ev.DocumentVerified(
        order=a.serial, document=a.order.part_no, digest=job_view(a.job), by=a.job.qa_by, until=a.until
    )


_FACTS: Final[dict[str, Callable[[_Accepted], ev.AnyEvent]]] = {
    "calibration": _calibration,
    "credential": _credential,
    "batch": _batch,
    "standard": _standard,
    "document": _document,
}
YIELDABLE: Final = tuple(_FACTS)

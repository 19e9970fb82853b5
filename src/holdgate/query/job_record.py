"""The record of one job, for whoever has to accept it: what is out of the ordinary first, then op by op.

Read from the entries that speak of the job (at the business hub: as its node's log was taken in), with the reasons and places that
only the signed acts hold. A sub-lot's record begins with its parent's. Nothing is decided here.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.technique import Technique
from holdgate.query.record import Said
from holdgate.query.words import in_words

OUT_OF_LIMIT: Final = "out of limits"
CORRECTION: Final = "correction"
LATE: Final = "late entry"
DEVIATION: Final = "deviation"
RED_TAG: Final = "red tag"
FLAG: Final = "flag"
FAILED_OP: Final = "does not conform"
AGAIN: Final = "done again"
FAILURE: Final = "failed execution"
ATTESTED: Final = "arrival attested by people"


class Exceptional(Struct, frozen=True, kw_only=True):
    """Something out of the ordinary. `entry`: `SITE:seq`; `seq`: the own entry that holds it; `reason`: as signed; `at`: UTC µs.

    `id`: of the red tag, flag or deviation.
    """

    kind: str
    step: str
    at: int
    by: tuple[str, ...]
    says: str
    reason: str
    entry: str
    seq: int
    id: str = ""


class Read(Struct, kw_only=True):
    """One reading. `at`: when it was recorded, `observed_at`: when it was made (0: then); `was`: values that were corrected."""

    characteristic: str
    serial: str
    value: str
    unit: str
    conforms: bool
    by: str
    place: str
    instrument: str
    at: int
    entry: str
    seq: int
    observed_at: int = 0
    was: tuple[str, ...] = ()


class SignedOff(Struct, frozen=True, kw_only=True):
    """A signature under an op. `unlocked`: what was presented."""

    by: str
    role: str
    at: int
    place: str
    result: str
    meaning: str
    unlocked: str
    entry: str
    seq: int


class Attempted(Struct, kw_only=True):
    """One attempt at an op. `over`: why it does not count any more ("": it does).

    `tuned`: adaptable parameters and the values that it was started under; `contract`: the version that it is pinned to by itself.
    """

    step: str
    by: str
    at: int
    place: str
    equipment: tuple[str, ...]
    materials: tuple[str, ...]
    deviation: str
    reads: list[Read]
    signed: list[SignedOff]
    over: str = ""
    tuned: tuple[tuple[str, str], ...] = ()
    contract: str = ""


class JobRecord(Struct, kw_only=True):
    """The whole of it. `attempts`: by op, the last one counts unless it is over. `refused`: attempts that the rules refused."""

    exceptions: list[Exceptional]
    attempts: dict[str, list[Attempted]]
    started_by: str = ""
    started_at: int = 0
    refused: int = 0


def job_record(entries: Iterable[tuple[int, Said]], job: str, technique: Technique) -> JobRecord:
    """The record of a job.

    Args:
        entries: those that speak of its order, in order: (own entry, what it says).
        job: the job's id.
        technique: which it is pinned to.
    """
    told = _Telling(job, technique)
    for own, said in entries:
        told.take(own, said)
    return told.record


class _Telling:
    """The record in the making. `job` changes to a sub-lot where the record so far is its parent's."""

    def __init__(self, job: str, technique: Technique) -> None:
        self.wanted = job
        self.technique = technique
        self.record = JobRecord(exceptions=[], attempts={})
        self._lots: dict[str, JobRecord] = {}

    def take(self, own: int, said: Said) -> None:
        command = said.command
        if said.decision.denials and getattr(command, "job", "") == self.wanted:
            self.record.refused += 1
        for event in said.decision.events:
            self._event(event, _Entry(own, said, command))

    def _event(self, event: ev.AnyEvent, entry: "_Entry") -> None:
        if isinstance(event, ev.ArrivalRecorded) and event.evidence == "attested":
            self.record.exceptions.append(entry.exceptional(ATTESTED, event))
            return
        job = getattr(event, "job", "")
        if not job:
            return
        told = self._of(job)
        if isinstance(event, ev.JobSplit):
            for lot in event.jobs:
                self._lots[lot] = _copied(told)
            self._rebase()
            return
        step = _STEPS.get(type(event))
        if step is not None:
            step(told, event, entry, self.technique)

    def _of(self, job: str) -> JobRecord:
        if job not in self._lots:
            self._lots[job] = self.record if job == self.wanted else JobRecord(exceptions=[], attempts={})
        return self._lots[job]

    def _rebase(self) -> None:
        """The job that is asked for came out of a split: its record so far is its parent's, with what its order had before."""
        lot = self._lots.get(self.wanted)
        if lot is not None and lot is not self.record:
            arrived = [item for item in self.record.exceptions if item.kind == ATTESTED]
            lot.exceptions[:0] = [item for item in arrived if item not in lot.exceptions]
            self.record = lot


class _Entry:
    """The entry that an event stands in."""

    def __init__(self, own: int, said: Said, command: c.AnyCommand | None) -> None:
        self.own, self.said, self.command = own, said, command
        self.at = said.entry.at
        self.place = "" if command is None else command.place or ""
        self.by = () if command is None else tuple(signer.id for signer in command.signers)
        self.name = str(said.place)

    def asked(self, name: str) -> str:
        """A field of the signed act."""
        value = getattr(self.command, name, None)
        return value if isinstance(value, str) else ""

    def exceptional(self, kind: str, event: ev.AnyEvent, name: str = "") -> Exceptional:
        """What is out of the ordinary about this event."""
        reasons = [self.asked(field) for field in ("reason", "description", "evidence")]
        return Exceptional(
            kind=kind,
            step=getattr(event, "step", ""),
            at=self.at,
            by=self.by,
            says=in_words(event),
            reason="; ".join(reason for reason in reasons if reason),
            entry=self.name,
            seq=self.own,
            id=name,
        )


def _copied(record: JobRecord) -> JobRecord:
    """A sub-lot goes on with its own copy of what its parent did."""
    attempts = {
        step: [_of_lot(attempt) for attempt in attempts_there] for step, attempts_there in record.attempts.items()
    }
    return JobRecord(
        exceptions=[*record.exceptions],
        attempts=attempts,
        started_by=record.started_by,
        started_at=record.started_at,
        refused=record.refused,
    )


def _of_lot(attempt: Attempted) -> Attempted:
    from_parent: dict[str, Any] = {name: getattr(attempt, name) for name in attempt.__struct_fields__}
    reads = [Read(**{name: getattr(read, name) for name in read.__struct_fields__}) for read in attempt.reads]
    return Attempted(**{**from_parent, "reads": reads, "signed": [*attempt.signed]})


# ---- event by event ------------------------------------------------------------------------------------------------


def _job_started(record: JobRecord, e: ev.JobStarted, entry: _Entry, _: Technique) -> None:
    record.started_by, record.started_at = e.by, entry.at


def _step_started(record: JobRecord, e: ev.StepStarted, entry: _Entry, _: Technique) -> None:
    attempt = Attempted(
        step=e.step,
        by=e.by,
        at=entry.at,
        place=entry.place,
        equipment=e.equipment,
        materials=e.materials,
        tuned=e.tuned,
        contract=e.contract,
        deviation=entry.asked("deviation"),
        reads=[],
        signed=[],
    )
    record.attempts.setdefault(e.step, []).append(attempt)


def _current(record: JobRecord, step: str) -> Attempted | None:
    found = record.attempts.get(step)
    return found[-1] if found else None


def _reading(record: JobRecord, e: ev.ReadingRecorded, entry: _Entry, _: Technique) -> None:
    attempt = _current(record, e.step)
    if attempt is not None:
        attempt.reads.append(
            Read(
                characteristic=e.characteristic,
                serial=e.serial or "",
                value=e.value,
                unit=e.unit,
                conforms=e.conforms,
                by=entry.by[0] if entry.by else "",
                place=entry.place,
                instrument=e.instrument or "",
                at=entry.at,
                entry=entry.name,
                seq=entry.own,
                observed_at=e.observed_at or 0,
            )
        )
    if e.late:
        record.exceptions.append(entry.exceptional(LATE, e))
    if not e.conforms:
        record.exceptions.append(entry.exceptional(OUT_OF_LIMIT, e))


def _corrected(record: JobRecord, e: ev.ReadingCorrected, entry: _Entry, _: Technique) -> None:
    attempt = _current(record, e.step)
    same = (
        [r for r in attempt.reads if (r.characteristic, r.serial) == (e.characteristic, e.serial or "")]
        if attempt
        else []
    )
    if same:
        last = same[-1]
        last.was, last.value, last.conforms = (*last.was, last.value), e.value, e.conforms
    record.exceptions.append(entry.exceptional(CORRECTION, e))
    if not e.conforms:
        record.exceptions.append(entry.exceptional(OUT_OF_LIMIT, e))


def _signed(record: JobRecord, e: ev.StepSigned, entry: _Entry, _: Technique) -> None:
    attempt = _current(record, e.step)
    signer = next((s for s in entry.command.signers if s.id == e.by), None) if entry.command is not None else None
    if attempt is not None:
        attempt.signed.append(
            SignedOff(
                by=e.by,
                role="" if signer is None else signer.role,
                at=entry.at,
                place=entry.place,
                result=e.result,
                meaning="" if signer is None else signer.meaning or "",
                unlocked="" if signer is None or signer.auth is None else ", ".join(signer.auth.components),
                entry=entry.name,
                seq=entry.own,
            )
        )
    if e.result == "fail":
        record.exceptions.append(entry.exceptional(FAILED_OP, e))


def _over(record: JobRecord, steps: Iterable[str], why: str) -> None:
    for step in steps:
        attempt = _current(record, step)
        if attempt is not None and not attempt.over:
            attempt.over = why


def _again(record: JobRecord, e: Any, entry: _Entry, technique: Technique) -> None:
    """An attempt is set aside, and with `JobReprocessed` every one after it."""
    first = technique.position.get(e.step, 0)
    after = (
        technique.operations[first:] if isinstance(e, ev.JobReprocessed) else technique.operations[first : first + 1]
    )
    _over(record, [operation.id for operation in after], entry.asked("reason") or entry.asked("cause") or "done again")
    record.exceptions.append(entry.exceptional(AGAIN, e))


def _opened(record: JobRecord, e: ev.NonconformanceOpened, entry: _Entry, _: Technique) -> None:
    kind = FLAG if e.equipment else FAILED_OP if e.step else RED_TAG
    last = record.exceptions[-1] if record.exceptions else None
    if kind == FAILED_OP and last is not None and (last.kind, last.entry) == (FAILED_OP, entry.name):
        record.exceptions.pop()  # the signature that opened it: one thing, told once
    record.exceptions.append(entry.exceptional(kind, e, e.ncr))


def _disposed(record: JobRecord, e: ev.NonconformanceDisposed, entry: _Entry, _: Technique) -> None:
    step = next((item.step for item in record.exceptions if item.id == e.ncr), "")
    if e.disposition == "rework" and step:
        _over(record, [step], "rework")
    record.exceptions.append(entry.exceptional(RED_TAG, e, e.ncr))


def _flagged(record: JobRecord, e: ev.JobFlagged, entry: _Entry, _: Technique) -> None:
    record.exceptions.append(entry.exceptional(FLAG, e, e.ncr))


def _deviated(record: JobRecord, e: Any, entry: _Entry, _: Technique) -> None:
    record.exceptions.append(entry.exceptional(DEVIATION, e, e.deviation))


def _failure(record: JobRecord, e: Any, entry: _Entry, _: Technique) -> None:
    record.exceptions.append(entry.exceptional(FAILURE, e))


_STEPS: Final[dict[type[ev.Event], Callable[[JobRecord, Any, _Entry, Technique], None]]] = {
    ev.JobStarted: _job_started,
    ev.StepStarted: _step_started,
    ev.ReadingRecorded: _reading,
    ev.ReadingCorrected: _corrected,
    ev.StepSigned: _signed,
    ev.StepRestarted: _again,
    ev.RetestAuthorised: _again,
    ev.JobReprocessed: _again,
    ev.NonconformanceOpened: _opened,
    ev.NonconformanceDisposed: _disposed,
    ev.JobFlagged: _flagged,
    ev.DeviationAuthorised: _deviated,
    ev.DeviationUsed: _deviated,
    ev.JobFailed: _failure,
    ev.JobResumed: _failure,
    ev.JobTerminated: _failure,
}


def by_age(record: JobRecord) -> Iterator[Exceptional]:
    """What is out of the ordinary, the oldest first."""
    return iter(sorted(record.exceptions, key=lambda item: item.at))

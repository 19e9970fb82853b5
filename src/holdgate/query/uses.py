"""What touched what: a fold of entries into rows that recalls are answered from.

Two kinds of rows come out of it:

- a **use**: an instrument, a batch, a person or a contract version had to do with a step, a reading or an act, from one
  instant to another; a step's uses begin with its start and end with its completion (or abandonment);
- a **note**: what became of an order, a job or a report, so that the jobs that a recall finds can be told in full.

Rows name the entry that they come from. They say nothing that the entries do not: a shelf of rows can be thrown away and
made again. Only what took effect counts; a refusal touches nothing.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.query.record import Said

FOLD: Final = 2
"""Version of this fold: rows of another version are thrown away and made again."""

EQUIPMENT: Final = "equipment"
BATCH: Final = "batch"
PERSON: Final = "person"
CONTRACT: Final = "contract"
"""Contract versions, by the SHA-256 of their document."""
VERSION: Final = "version"
"""`contract/version`; its detail is the SHA-256."""

STEP: Final = "step"
READING: Final = "reading"
RECORDED: Final = ("reading.record", "entry.late")
"""Acts that record a reading, as uses of the person who signed them."""

ORDER: Final = "order"
REPORT: Final = "report"
ORIGIN: Final = "origin"
"""How much of another site's log was taken in; by the log's origin."""


class Use(NamedTuple):
    """Something had to do with something, in [since, until] (UTC µs; None: it goes on).

    `what`: step, reading, or the name of an act. `detail`: the value that was read, the role of who signed, the result.
    `readings`: of a step, how many were recorded while it was open.
    """

    kind: str
    key: str
    since: int
    until: int | None
    site: str
    seq: int
    order: str = ""
    job: str = ""
    step: str = ""
    what: str = STEP
    detail: str = ""
    readings: int = 0


class Note(NamedTuple):
    """What became of an order (`topic` order, `key` its id), of a report (`topic` report) or of another log (`topic` origin).

    `what`: staged, job, split, report, qa, compliance, ncr, disposed, flagged, failed, terminated; of a report: approved,
    rejected, lapsed, replaced; of another log: imported. `detail`: what belongs to it, by the event's own fields.
    """

    topic: str
    key: str
    at: int
    site: str
    seq: int
    what: str
    job: str = ""
    detail: tuple[tuple[str, str], ...] = ()


class Ended(NamedTuple):
    """The open uses of a step ended; `step` "": of every open step of the job."""

    order: str
    job: str
    step: str
    at: int


class Counted(NamedTuple):
    """A reading was recorded at an open step."""

    order: str
    job: str
    step: str


Row = Use | Note | Ended | Counted


def rows_of(said: Said) -> Iterator[Row]:
    """The rows of one entry, in order.

    Raises:
        Malformed: its action cannot be read.
    """
    if not said.decision.events:
        return
    command = said.command
    for event in said.decision.events:
        yield from _of_event(said, command, event)
    if command is not None and said.decision.allowed:
        yield from _of_signers(said, command)


def _of_signers(said: Said, command: c.AnyCommand) -> Iterator[Use]:
    """Everybody who signed what took effect, the workstation too: whoever steals its key vouches for place and components."""
    act = str(type(command).__struct_config__.tag)
    order, job, step = (str(getattr(command, name, None) or "") for name in ("order", "job", "step"))
    at, place = said.entry.at, said.place
    for signer in command.signers:
        yield Use(PERSON, signer.id, at, at, place.site, place.seq, order, job, step, act, signer.role)
    station = command.place
    if station is not None and all(station != signer.id for signer in command.signers):
        yield Use(PERSON, station, at, at, place.site, place.seq, order, job, step, act, "workstation")


def _of_event(said: Said, command: c.AnyCommand | None, event: ev.AnyEvent) -> Iterator[Row]:
    at, (site, seq) = said.entry.at, said.place
    if isinstance(event, ev.StepStarted):
        yield from _started(said, event)
    elif isinstance(event, ev.ReadingRecorded):
        yield Counted(event.order, event.job, event.step)
        instrument = getattr(command, "instrument", None)
        if instrument:
            part = f" ({event.serial})" if event.serial else ""
            detail = f"{event.characteristic} {event.value} {event.unit}{part}"
            yield Use(EQUIPMENT, instrument, at, at, site, seq, event.order, event.job, event.step, READING, detail)
    elif isinstance(event, ev.StepSigned):
        if event.complete:
            yield Ended(event.order, event.job, event.step, at)
    elif isinstance(event, ev.StepRestarted):
        yield Ended(event.order, event.job, event.step, at)
    elif isinstance(event, (ev.JobReprocessed, ev.JobResumed)):
        yield Ended(event.order, event.job, "", at)
    elif isinstance(event, ev.EquipmentChecked):
        yield Use(EQUIPMENT, event.equipment, at, at, site, seq, what="equipment.check", detail=event.result)
    elif isinstance(event, ev.EquipmentCalibrated):
        yield Use(EQUIPMENT, event.equipment, at, at, site, seq, what="equipment.calibrate", detail=event.as_found)
    elif isinstance(event, ev.Imported):
        yield Note(ORIGIN, event.origin, at, site, seq, "imported", "", (("size", str(event.size)),))
    elif isinstance(event, ev.ContractSubmitted):
        key = f"{event.contract}/{event.version}"
        yield Use(VERSION, key, at, at, site, seq, what="contract.submit", detail=event.sha256)
    else:
        yield from _became(said, event)


def _started(said: Said, event: ev.StepStarted) -> Iterator[Use]:
    """A step's uses: its performer, instruments, batches and contract version, until it ends."""
    at, (site, seq) = said.entry.at, said.place
    contract = event.contract or said.entry.law.contract
    named = [(PERSON, event.by), *((EQUIPMENT, item) for item in event.equipment)]
    named += [(BATCH, item) for item in event.materials]
    named += [(CONTRACT, contract)] if contract else []
    for kind, key in named:
        yield Use(kind, key, at, None, site, seq, event.order, event.job, event.step)


def _became(said: Said, event: ev.AnyEvent) -> Iterator[Row]:
    """What became of orders, jobs and reports."""
    at, (site, seq) = said.entry.at, said.place
    if isinstance(event, (ev.OrderStaged, ev.JobStarted)):
        what = "po.stage" if isinstance(event, ev.OrderStaged) else "job.start"
        job = "" if isinstance(event, ev.OrderStaged) else event.job
        yield Use(CONTRACT, event.sha256, at, at, site, seq, event.order, job, "", what)
    if isinstance(event, ev.JobAssigned):
        yield Use(PERSON, event.technician, at, at, site, seq, event.order, event.job, "", "job.assign")
    if isinstance(event, ev.PermitIssued) and event.operator:
        yield Use(PERSON, event.operator, at, at, site, seq, event.order, event.job, event.step, "module.may")
    if isinstance(event, ev.JobTerminated):
        yield Ended(event.order, event.job, "", at)
    word = _NOTES.get(type(event))
    if word is not None:
        yield _note(said, event, *word)


_NOTES: Final[dict[type[ev.Event], tuple[str, str, tuple[str, ...]]]] = {
    ev.OrderStaged: (ORDER, "staged", ("client", "contract", "version", "sha256", "node", "part_no", "rev")),
    ev.OrderReceived: (ORDER, "received", ("client", "sha256", "part_no", "rev")),
    ev.JobStarted: (ORDER, "job", ("sha256", "version", "serials", "by")),
    ev.JobSplit: (ORDER, "split", ("jobs", "serials")),
    ev.ReportIssued: (ORDER, "report", ("report", "digest", "replaces")),
    ev.QaAccepted: (ORDER, "qa", ("by",)),
    ev.ComplianceAccepted: (ORDER, "compliance", ("by",)),
    ev.NonconformanceOpened: (ORDER, "ncr", ("ncr", "step", "equipment")),
    ev.NonconformanceDisposed: (ORDER, "disposed", ("ncr", "disposition")),
    ev.JobFlagged: (ORDER, "flagged", ("ncr", "step", "why")),
    ev.JobFailed: (ORDER, "failed", ("why",)),
    ev.JobTerminated: (ORDER, "terminated", ("by",)),
    ev.ReportApproved: (REPORT, "approved", ("by",)),
    ev.ReportRejected: (REPORT, "rejected", ("by", "reason")),
    ev.ReviewWindowLapsed: (REPORT, "lapsed", ("outcome",)),
}


def _note(said: Said, event: ev.AnyEvent, topic: str, what: str, fields: tuple[str, ...]) -> Note:
    at, (site, seq) = said.entry.at, said.place
    detail = tuple((name, _text(getattr(event, name))) for name in fields if getattr(event, name))
    key: str = getattr(event, topic)
    return Note(topic, key, at, site, seq, what, getattr(event, "job", ""), detail)


def _text(value: object) -> str:
    """A value as one text: serials of a lot with blanks, lots with a bar between them."""
    if isinstance(value, tuple):
        return ("|" if value and isinstance(value[0], tuple) else " ").join(_text(item) for item in value)
    return str(value)

"""The job audit view: the evidence on one job, requirement by requirement, as an auditor asks for it.

Each section says which requirements it shows (docs/records.md names them) and gives the entries that show it. Read from the entries
that speak of the job's order, refused ones too, and from what the registers say now; nothing is decided, and what the record does
not hold is not made up: a section without rows says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.state import Job, State
from holdgate.law.technique import Technique
from holdgate.query.record import Record, Said, command_of, entry_at, taken_in
from holdgate.query.words import in_words, moment
from holdgate.terms.instant import SECOND_US, show_duration

GOOD, BAD, WAITS, PLAIN = "good", "bad", "waits", ""
REQUIREMENTS: Final = {
    "SG-01": "every signature shows name, role, time with zone, and meaning",
    "SG-03": "two components first, one secret later",
    "SG-12": "what the signer was shown is bound to the signature",
    "SG-15": "a change after a signature is visible and signed again",
    "SG-16": "two signatures are two people; who reviews did not do it",
    "AU-01": "who, what, when, where, old and new value, and why",
    "AU-02": "nothing is written over; the first value is at hand",
    "AU-04": "refused attempts are on record with reason and rule",
    "AU-08": "failed, abandoned and repeated tests stay visible",
    "TM-02": "nobody types the time of an entry; late ones are marked",
    "SQ-02": "the right to act is looked at when it is used",
    "SQ-03": "known instruments; how a reading came in is said",
    "SQ-05": "equipment is valid over all of its use",
    "SQ-07": "only approved versions in force start work",
    "HC-01": "verified arrival before any work",
    "EN-01": "the environment was inside its limits, without gaps",
    "NC-03": "what did not conform was decided by whoever may",
    "RC-03": "the report rests on this record, and the client answered it",
}
"""What the sections show, in a few words each; the first two letters are those of the lists in docs/records.md."""


class Row(Struct, frozen=True, kw_only=True):
    """A row. `at`: the time of the entry (UTC µs; 0: none); `seq`, `inside`: where it stands (-1: nowhere); `tone`: how it is."""

    cells: tuple[str, ...]
    at: int = 0
    seq: int = -1
    inside: int = -1
    tone: str = PLAIN


class Section(Struct, frozen=True, kw_only=True):
    """One kind of evidence. `asks`: requirement and what it asks; `empty`: what it means that there are no rows."""

    id: str
    title: str
    asks: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str


class JobAudit(Struct, frozen=True, kw_only=True):
    """One job's evidence. `entries`: how many entries were read for it; `skew_us`: the largest difference of a claimed time."""

    order: str
    job: str
    sections: tuple[Section, ...]
    entries: int
    refused: int
    skew_us: int


class _Voice(NamedTuple):
    """An entry that speaks of the job: where it stands here, and what it says."""

    seq: int
    inside: int
    said: Said
    command: c.AnyCommand | None


def job_audit(
    record: Record, places: Sequence[tuple[int, int]], state: State, library: Library, order: str, job: str
) -> JobAudit:
    """The evidence on a job.

    Args:
        record: of the site that is asked.
        places: where it speaks of the order (`holdgate.query.timeline.Timeline.of`).
        state: what the site knows now; not changed.
        library: its documents.
        order: the order's id.
        job: the job's id.

    Raises:
        Malformed, Tampered: an entry cannot be read, or is missing.
    """
    voices = [voice for voice in _voices(record, places) if _concerns(voice, job)]
    about = _About(voices, state, library, state.jobs.get(f"{order}/{job}"))
    skews = (abs(voice.said.entry.at - voice.command.at) for voice in voices if voice.command is not None)
    return JobAudit(
        order=order,
        job=job,
        sections=tuple(_section(about, *kind) for kind in _SECTIONS),
        entries=len(voices),
        refused=sum(voice.said.decision.verdict == "deny" for voice in voices),
        skew_us=max(skews, default=0),
    )


class _About(NamedTuple):
    """What the sections read."""

    voices: list[_Voice]
    state: State
    library: Library
    job: Job | None

    def name(self, smart_id: str) -> str:
        """Somebody's printed name, and their SMART-ID."""
        known = self.state.identities.get(smart_id)
        return smart_id if known is None else f"{known.name} ({smart_id})"

    def technique(self) -> Technique | None:
        """What the job is pinned to."""
        return None if self.job is None else self.library.technique(self.job.technique)

    def events(self) -> Iterator[tuple[_Voice, ev.AnyEvent]]:
        """Everything that became true, with its entry."""
        for voice in self.voices:
            for event in voice.said.decision.events:
                yield voice, event

    def acts(self, *kinds: type[c.Command]) -> Iterator[tuple[_Voice, Any]]:
        """Granted acts of these kinds."""
        for voice in self.voices:
            if voice.said.decision.verdict != "deny" and isinstance(voice.command, kinds):
                yield voice, voice.command


def _voices(record: Record, places: Iterable[tuple[int, int]]) -> Iterator[_Voice]:
    held, at = list[Said](), -1
    for own, inside in places:
        if own != at:
            at, one = own, entry_at(record, own)
            held = [one, *taken_in(record, one.entry)]
        said = held[inside + 1]
        yield _Voice(own, inside, said, command_of(said.entry))


def _concerns(voice: _Voice, job: str) -> bool:
    """Whether an entry is about this job, or about its order as a whole."""
    if voice.said.entry.subject.partition("/")[2] not in ("", job):
        return False
    named = {getattr(event, "job", None) for event in voice.said.decision.events} - {None}
    return not named or job in named


def _section(
    about: _About,
    name: str,
    title: str,
    asks: Sequence[str],
    columns: Sequence[str],
    rows: Callable[[_About], Iterator[Row]],
    empty: str,
) -> Section:
    return Section(
        id=name,
        title=title,
        asks=tuple((ask, REQUIREMENTS[ask]) for ask in asks),
        columns=tuple(columns),
        rows=tuple(rows(about)),
        empty=empty,
    )


def _row(voice: _Voice, *cells: str, tone: str = PLAIN) -> Row:
    return Row(cells=cells, at=voice.said.entry.at, seq=voice.seq, inside=voice.inside, tone=tone)


# ---- signatures and times ------------------------------------------------------------------------------------------


def _signatures(about: _About) -> Iterator[Row]:
    for voice in about.voices:
        command = voice.command
        if command is None or voice.said.decision.verdict == "deny":
            continue
        for signer in command.signers:
            if signer.meaning is None:
                continue
            how = "" if signer.auth is None else ", ".join(signer.auth.components).replace("_", " ")
            what = str(type(command).__struct_config__.tag)
            step = getattr(command, "step", "")
            seen = "" if command.seen is None else f"{command.seen[:16]}…"
            said = f"{what} {step}".strip()
            yield _row(voice, about.name(signer.id), signer.role, signer.meaning, said, how, command.place or "", seen)


def _late(about: _About) -> Iterator[Row]:
    for voice, act in about.acts(c.RecordLate):
        told = f"{act.step} {act.characteristic} = {act.value} {act.unit}"
        yield _row(voice, told, f"observed {moment(act.observed_at)}", act.reason, act.evidence or "", tone=WAITS)
    for voice, act in about.acts(c.ReportArrival):
        if act.buffered:
            told = f"scan of {', '.join(act.serials)}"
            yield _row(voice, told, f"captured {moment(act.captured_at or 0)}", "kept by the reader", "", tone=WAITS)


def _corrections(about: _About) -> Iterator[Row]:
    reasons = {(voice.seq, voice.inside): act.reason for voice, act in about.acts(c.CorrectEntry)}
    for voice, event in about.events():
        if isinstance(event, ev.ReadingCorrected):
            what = " ".join(part for part in (event.step, event.characteristic, event.serial or "") if part)
            reason = reasons.get((voice.seq, voice.inside), "")
            yield _row(voice, what, event.old_value, event.value, about.name(event.by), reason, tone=WAITS)


# ---- what was done -------------------------------------------------------------------------------------------------


def _readings(about: _About) -> Iterator[Row]:
    captured = {(voice.seq, voice.inside): act.capture for voice, act in about.acts(c.RecordReading)}
    for voice, event in about.events():
        if isinstance(event, ev.ReadingRecorded):
            what = " ".join(part for part in (event.step, event.characteristic, event.serial or "") if part)
            by = "" if voice.command is None else about.name(voice.command.actor.id)
            how = captured.get((voice.seq, voice.inside), "late" if event.late else "")
            conforms = "conforms" if event.conforms else "out of limits"
            value = f"{event.value} {event.unit}"
            yield _row(
                voice, what, value, conforms, event.instrument or "", how, by, tone=PLAIN if event.conforms else BAD
            )


def _repeats(about: _About) -> Iterator[Row]:
    kinds = (ev.StepRestarted, ev.RetestAuthorised, ev.JobReprocessed, ev.JobFailed, ev.JobResumed)
    for voice, event in about.events():
        failed = isinstance(event, ev.StepSigned) and event.result == "fail"
        if failed or isinstance(event, kinds):
            yield _row(
                voice, in_words(event), getattr(voice.command, "reason", "") or "", tone=BAD if failed else WAITS
            )


def _equipment(about: _About) -> Iterator[Row]:
    for name, (voice, steps, last) in _used(about).items():
        item = about.state.equipment.get(name)
        if item is None:
            yield _row(voice, name, "", ", ".join(steps), "not on this site's register now", tone=WAITS)
            continue
        interval = f"{moment(item.cal_from)} to {moment(item.cal_until)}"
        doubted = item.doubted(last)
        covers = item.cal_from <= voice.said.entry.at and last <= item.cal_until
        says = (
            "use recalled" if doubted else "covers all of this use" if covers else "checked at the start, see the entry"
        )
        yield _row(
            voice,
            name,
            item.equipment_class,
            ", ".join(steps),
            f"{interval}: {says}",
            tone=BAD if doubted else GOOD if covers else PLAIN,
        )


def _used(about: _About) -> dict[str, tuple[_Voice, tuple[str, ...], int]]:
    """What was used: by name, the first entry that says so, the ops, and the time of the last one."""
    found: dict[str, tuple[_Voice, tuple[str, ...], int]] = {}
    for voice, event in about.events():
        if isinstance(event, ev.StepStarted):
            named = event.equipment
        elif isinstance(event, ev.ReadingRecorded) and event.instrument:
            named = (event.instrument,)
        else:
            continue
        for name in named:
            first, steps, _ = found.get(name, (voice, (), 0))
            found[name] = (first, tuple(dict.fromkeys((*steps, event.step))), voice.said.entry.at)
    return found


def _people(about: _About) -> Iterator[Row]:
    technique = about.technique()
    asked = {} if technique is None else {operation.id: operation for operation in technique.operations}
    told = set[tuple[str, str]]()
    for voice, event in about.events():
        if not isinstance(event, ev.StepStarted) or (event.by, event.step) in told:
            continue
        told.add((event.by, event.step))
        operation = asked.get(event.step)
        person = about.state.identities.get(event.by)
        wanted = () if operation is None else operation.credentials
        held = {} if person is None else person.credentials
        now = ", ".join(
            f"{name} until {moment(held[name].until)}" if name in held else f"{name}: none" for name in wanted
        )
        role = "" if operation is None else operation.role
        yield _row(voice, about.name(event.by), event.step, role, now or "none asked for")


def _materials(about: _About) -> Iterator[Row]:
    for voice, event in about.events():
        if isinstance(event, ev.StepStarted):
            for name in event.materials:
                batch = about.state.materials.get(name)
                if batch is None:
                    yield _row(voice, name, "", event.step, "not on this site's register now", tone=WAITS)
                    continue
                fits = voice.said.entry.at <= batch.until
                said = f"until {moment(batch.until)}"
                yield _row(voice, name, batch.material_kind, event.step, said, tone=GOOD if fits else PLAIN)


# ---- what it was done under ----------------------------------------------------------------------------------------


def _contract(about: _About) -> Iterator[Row]:
    job = about.job
    record = None if job is None else about.state.contracts.get(job.sha256)
    if job is None or record is None:
        return
    yield Row(cells=("version", f"{record.contract} rev {record.version}", record.sha256), seq=record.ref)
    for role, who in record.approvals.items():
        yield Row(cells=("approved as " + role.replace("_", " "), about.name(who), ""), tone=GOOD)
    if record.certificate:
        yield Row(cells=("certified", about.name(record.certified_by or ""), record.certificate), tone=GOOD)
    status = "stop-work is in force" if record.suspended else record.status
    yield Row(cells=("stands now", status, record.effectivity or ""), tone=BAD if record.suspended else PLAIN)


def _arrivals(about: _About) -> Iterator[Row]:
    kinds = (ev.ArrivalRecorded, ev.ArrivalVoided, ev.ArrivalQuarantined, ev.OrderReleased)
    for voice, event in about.events():
        if isinstance(event, kinds):
            by = "" if voice.command is None else ", ".join(about.name(signer.id) for signer in voice.command.signers)
            evidence = getattr(voice.command, "event", None) or getattr(voice.command, "photo_digest", None) or ""
            tone = GOOD if isinstance(event, (ev.ArrivalRecorded, ev.OrderReleased)) else BAD
            yield _row(voice, in_words(event), by, evidence, tone=tone)


def _environment(about: _About) -> Iterator[Row]:
    technique = about.technique()
    for watch in () if technique is None else technique.watches:
        series = about.state.series.get(watch.series)
        if series is None:
            yield Row(cells=(watch.series, "no value on this site's record", ""), tone=WAITS)
            continue
        broken = [gap for breaks in series.breaks.values() for gap in breaks]
        for gap in broken:
            until = "now" if gap.until is None else moment(gap.until)
            yield Row(cells=(watch.series, gap.kind, f"{moment(gap.since)} to {until}"), seq=series.ref, tone=BAD)
        if not broken:
            last = f"last {series.value} {series.unit} at {moment(series.last_at)}"
            yield Row(cells=(watch.series, "no gap and no excursion", last), seq=series.ref, tone=GOOD)


# ---- what went wrong, and what came out ----------------------------------------------------------------------------


def _ncrs(about: _About) -> Iterator[Row]:
    kinds = (
        ev.NonconformanceOpened,
        ev.NonconformanceDisposed,
        ev.JobFlagged,
        ev.DeviationAuthorised,
        ev.DeviationUsed,
    )
    for voice, event in about.events():
        if isinstance(event, kinds):
            why = getattr(voice.command, "reason", "") or getattr(voice.command, "description", "") or ""
            evidence = getattr(voice.command, "evidence", "") or ""
            tone = GOOD if isinstance(event, ev.NonconformanceDisposed) else WAITS
            yield _row(voice, in_words(event), why, evidence, tone=tone)


def _refusals(about: _About) -> Iterator[Row]:
    for voice in about.voices:
        if voice.said.decision.verdict == "deny" and voice.command is not None:
            act = str(type(voice.command).__struct_config__.tag)
            step = getattr(voice.command, "step", "")
            codes = ", ".join(voice.said.decision.codes)
            yield _row(voice, f"{act} {step}".strip(), about.name(voice.command.actor.id), codes, tone=BAD)


def _outcome(about: _About) -> Iterator[Row]:
    kinds = (
        *(ev.QaAccepted, ev.ComplianceAccepted, ev.ReportIssued, ev.ReviewWindowOpened, ev.ReportApproved),
        *(ev.ReportRejected, ev.ReviewWindowLapsed, ev.InvoiceIssued, ev.PayoutReleased),
    )
    for voice, event in about.events():
        if isinstance(event, kinds):
            yield _row(voice, in_words(event), getattr(event, "digest", ""))


_SECTIONS: Final[tuple[tuple[str, str, Sequence[str], Sequence[str], Callable[[_About], Iterator[Row]], str], ...]] = (
    (
        "signatures",
        "Signatures, and what each signer was shown",
        ("SG-01", "SG-03", "SG-12", "SG-16"),
        ("Name", "Role", "Meaning", "Act", "Unlocked by", "Place", "Shown (digest)"),
        _signatures,
        "Nobody signed yet.",
    ),
    (
        "refused",
        "Refused attempts",
        ("AU-04",),
        ("Act", "By", "Why"),
        _refusals,
        "Nothing was refused.",
    ),
    (
        "corrections",
        "Corrections",
        ("AU-01", "AU-02", "SG-15"),
        ("Reading", "First value", "New value", "By", "Reason"),
        _corrections,
        "Nothing was corrected.",
    ),
    (
        "late",
        "Late entries and kept scans",
        ("TM-02",),
        ("What", "When", "Reason", "Evidence"),
        _late,
        "Everything was entered as it happened.",
    ),
    (
        "repeats",
        "Failed, abandoned and repeated",
        ("AU-08",),
        ("What", "Reason"),
        _repeats,
        "Every op was done once.",
    ),
    (
        "nonconformances",
        "Red tags and deviations",
        ("NC-03",),
        ("What", "Reason", "Evidence"),
        _ncrs,
        "There were none.",
    ),
    (
        "readings",
        "Readings, all of them",
        ("AU-08", "SQ-03"),
        ("Reading", "Value", "Verdict", "Instrument", "Came in", "By"),
        _readings,
        "Nothing was read.",
    ),
    (
        "equipment",
        "Equipment and its calibration",
        ("SQ-05",),
        ("Instrument", "Class", "Ops", "Calibrated"),
        _equipment,
        "No instrument was used.",
    ),
    (
        "materials",
        "Batches",
        ("SQ-05",),
        ("Batch", "Kind", "Op", "Shelf life"),
        _materials,
        "No batch was used.",
    ),
    (
        "people",
        "Qualifications, asked for and held",
        ("SQ-02",),
        ("Name", "Op", "Role", "Asked for, and how it stands now"),
        _people,
        "No op was started.",
    ),
    (
        "contract",
        "Contract version and approvals",
        ("SQ-07",),
        ("What", "Who or which", "SHA-256 or effectivity"),
        _contract,
        "This site is done with the job: see the business hub.",
    ),
    (
        "arrival",
        "Arrival evidence",
        ("HC-01",),
        ("What", "By", "Event or photo"),
        _arrivals,
        "No part was reported as here.",
    ),
    (
        "environment",
        "Environment",
        ("EN-01",),
        ("Series", "Stands", "When"),
        _environment,
        "The contract rests on no series.",
    ),
    (
        "outcome",
        "Acceptance, report, client and money",
        ("RC-03",),
        ("What", "Digest"),
        _outcome,
        "The record is not accepted yet.",
    ),
)


def skew_in_words(audit: JobAudit) -> str:
    """How far the times that signers claimed were from those of the record."""
    return (
        show_duration(audit.skew_us - audit.skew_us % SECOND_US) if audit.skew_us >= SECOND_US else "less than a second"
    )

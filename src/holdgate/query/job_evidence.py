"""The rows of a job's evidence: what the entries that speak of a job show of one kind (`holdgate.query.job_audit`)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from holdgate.crypto.commitments import references_in
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.state import Job, State
from holdgate.law.technique import Technique
from holdgate.query.record import Said
from holdgate.query.retention import in_short
from holdgate.query.words import in_words, moment

GOOD, BAD, WAITS, PLAIN = "good", "bad", "waits", ""


class Row(Struct, frozen=True, kw_only=True):
    """A row. `at`: the time of the entry (UTC µs; 0: none); `seq`, `inside`: where it stands (-1: nowhere); `tone`: how it is."""

    cells: tuple[str, ...]
    at: int = 0
    seq: int = -1
    inside: int = -1
    tone: str = PLAIN


class Voice(NamedTuple):
    """An entry that speaks of the job: where it stands here, and what it says."""

    seq: int
    inside: int
    said: Said
    command: c.AnyCommand | None


class About(NamedTuple):
    """What the sections read."""

    voices: list[Voice]
    state: State
    library: Library
    job: Job | None

    def name(self, smart_id: str) -> str:
        """Somebody's printed name, and their SMART-ID."""
        known = self.state.identities.get(smart_id)
        return smart_id if known is None else f"{known.name} ({smart_id})"

    def paper(self, text: str) -> str:
        """What an act names as evidence, and of what was erased, when, by whom and why."""
        erased = [(name, known.erased) for name in references_in(text) if (known := self.state.payloads.get(name))]
        says = [f"{name[:20]}… {in_short(gone)}" for name, gone in erased if gone is not None]
        return f"{text} ({'; '.join(says)})" if says else text

    def technique(self) -> Technique | None:
        """What the job is pinned to."""
        return None if self.job is None else self.library.technique(self.job.technique)

    def events(self) -> Iterator[tuple[Voice, ev.AnyEvent]]:
        """Everything that became true, with its entry."""
        for voice in self.voices:
            for event in voice.said.decision.events:
                yield voice, event

    def acts(self, *kinds: type[c.Command]) -> Iterator[tuple[Voice, Any]]:
        """Granted acts of these kinds."""
        for voice in self.voices:
            if voice.said.decision.verdict != "deny" and isinstance(voice.command, kinds):
                yield voice, voice.command


def _row(voice: Voice, *cells: str, tone: str = PLAIN) -> Row:
    return Row(cells=cells, at=voice.said.entry.at, seq=voice.seq, inside=voice.inside, tone=tone)


# ---- signatures and times ------------------------------------------------------------------------------------------


def signatures(about: About) -> Iterator[Row]:
    """Every signature with its meaning: who, in which role, what for, unlocked how, where, and what was shown."""
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


def late(about: About) -> Iterator[Row]:
    """What was entered later than it happened."""
    for voice, act in about.acts(c.RecordLate):
        told = f"{act.step} {act.characteristic} = {act.value} {act.unit}"
        yield _row(
            voice, told, f"observed {moment(act.observed_at)}", act.reason, about.paper(act.evidence or ""), tone=WAITS
        )
    for voice, act in about.acts(c.ReportArrival):
        if act.buffered:
            told = f"scan of {', '.join(act.serials)}"
            yield _row(voice, told, f"captured {moment(act.captured_at or 0)}", "kept by the reader", "", tone=WAITS)


def corrections(about: About) -> Iterator[Row]:
    """Every corrected reading with its first value."""
    reasons = {(voice.seq, voice.inside): act.reason for voice, act in about.acts(c.CorrectEntry)}
    for voice, event in about.events():
        if isinstance(event, ev.ReadingCorrected):
            what = " ".join(part for part in (event.step, event.characteristic, event.serial or "") if part)
            reason = reasons.get((voice.seq, voice.inside), "")
            yield _row(voice, what, event.old_value, event.value, about.name(event.by), reason, tone=WAITS)


# ---- what was done -------------------------------------------------------------------------------------------------


def readings(about: About) -> Iterator[Row]:
    """Every reading as it was recorded, whatever became of it."""
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


def repeats(about: About) -> Iterator[Row]:
    """What failed, was abandoned, repeated or taken up again."""
    kinds = (ev.StepRestarted, ev.RetestAuthorised, ev.JobReprocessed, ev.JobFailed, ev.JobResumed)
    for voice, event in about.events():
        failed = isinstance(event, ev.StepSigned) and event.result == "fail"
        if failed or isinstance(event, kinds):
            yield _row(
                voice, in_words(event), getattr(voice.command, "reason", "") or "", tone=BAD if failed else WAITS
            )


def equipment(about: About) -> Iterator[Row]:
    """Every instrument that was used, with its calibration as the register has it now."""
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


def _used(about: About) -> dict[str, tuple[Voice, tuple[str, ...], int]]:
    """What was used: by name, the first entry that says so, the ops, and the time of the last one."""
    found: dict[str, tuple[Voice, tuple[str, ...], int]] = {}
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


def people(about: About) -> Iterator[Row]:
    """Who did which op, what the contract asks of them, and how that stands now."""
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


def materials(about: About) -> Iterator[Row]:
    """Every batch that was used, with its shelf life."""
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


def contract(about: About) -> Iterator[Row]:
    """The version that the job is pinned to, who approved it, and who certified it."""
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


def arrivals(about: About) -> Iterator[Row]:
    """How the parts were known to be here, and that the order was released."""
    kinds = (ev.ArrivalRecorded, ev.ArrivalVoided, ev.ArrivalQuarantined, ev.OrderReleased)
    for voice, event in about.events():
        if isinstance(event, kinds):
            by = "" if voice.command is None else ", ".join(about.name(signer.id) for signer in voice.command.signers)
            evidence = getattr(voice.command, "event", None) or getattr(voice.command, "photo_digest", None) or ""
            tone = GOOD if isinstance(event, (ev.ArrivalRecorded, ev.OrderReleased)) else BAD
            yield _row(voice, in_words(event), by, about.paper(evidence), tone=tone)


def environment(about: About) -> Iterator[Row]:
    """The series that the contract rests on, with every gap and excursion."""
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


def ncrs(about: About) -> Iterator[Row]:
    """Red tags, flags and deviations, and what was decided."""
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
            yield _row(voice, in_words(event), why, about.paper(evidence), tone=tone)


def refusals(about: About) -> Iterator[Row]:
    """What was asked for and refused."""
    for voice in about.voices:
        if voice.said.decision.verdict == "deny" and voice.command is not None:
            act = str(type(voice.command).__struct_config__.tag)
            step = getattr(voice.command, "step", "")
            codes = ", ".join(voice.said.decision.codes)
            yield _row(voice, f"{act} {step}".strip(), about.name(voice.command.actor.id), codes, tone=BAD)


def outcome(about: About) -> Iterator[Row]:
    """Acceptance, report, the client's word, and the money that followed."""
    kinds = (
        *(ev.QaAccepted, ev.ComplianceAccepted, ev.ReportIssued, ev.ReviewWindowOpened, ev.ReportApproved),
        *(ev.ReportRejected, ev.ReviewWindowLapsed, ev.InvoiceIssued, ev.PayoutReleased),
    )
    for voice, event in about.events():
        if isinstance(event, kinds):
            yield _row(voice, in_words(event), getattr(event, "digest", ""))

"""The rows of a report: limits and decision rules, attempts with their results, what was used, who signed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Characteristic, SmartSP
from holdgate.law.technique import CHARACTERISTIC_MAX, CHARACTERISTIC_MIN, Technique
from holdgate.query.job_evidence import Voice
from holdgate.query.job_record import Attempted, JobRecord, Read
from holdgate.query.registers import Registers
from holdgate.query.report_facts import Attempt, Batch, Departure, Instrument, Result, Room, Rule, Signature
from holdgate.terms.quantity import EXACT, parse_decimal

SIMPLE: Final = "simple acceptance"
GUARDED: Final = "guard band"
ISSUING: Final = ("report.generate", "report.amend")
"""Acts that issue a report; the site's own module may sign them, without a meaning."""


class About(NamedTuple):
    """What the rows are read from. `stop`: the own entry that issued the report; `org`: the laboratory's organisation."""

    record: JobRecord
    technique: Technique
    document: SmartSP
    registers: Registers
    voices: Sequence[Voice]
    stop: int
    org: str

    def name(self, smart_id: str) -> str:
        """The printed name, with the SMART-ID."""
        person = self.registers.person(smart_id, self.stop)
        return f"{person.name} ({smart_id})" if person.name else smart_id


# ---- limits --------------------------------------------------------------------------------------------------------


def rules(about: About) -> Iterator[Rule]:
    """How every characteristic of the technique is decided, as the contract has it."""
    for step in about.document.steps:
        for item in step.characteristics:
            yield Rule(
                op=step.id,
                characteristic=item.id,
                unit=item.unit,
                limits=between(item.min, item.max, item.equals),
                accepted=accepted(item, item.min, item.max),
                rule=GUARDED if item.rule == "guard_band" and item.U is not None else SIMPLE,
                uncertainty=item.U or "",
                acceptance=item.effect == "acceptance",
                basis=item.basis or "",
            )


def between(low: str | None, high: str | None, equals: str | None = None) -> str:
    """Limits for a person; both ends are inside."""
    if equals is not None:
        return f"= {equals}"
    if low is None:
        return "" if high is None else f"≤ {high}"
    return f"≥ {low}" if high is None else f"{low} to {high}"


def accepted(item: Characteristic, low: str | None, high: str | None) -> str:
    """The limits that a value is held against: moved inwards by the uncertainty where the contract says so."""
    if item.rule != "guard_band" or item.U is None:
        return between(low, high, item.equals)
    return between(_moved(low, item.U, 1), _moved(high, item.U, -1), item.equals)


def _moved(limit: str | None, by: str, sign: int) -> str | None:
    value, guard = (None if limit is None else parse_decimal(limit)), parse_decimal(by)
    if value is None or guard is None:
        return limit
    return f"{EXACT.add(value, guard) if sign > 0 else EXACT.subtract(value, guard):f}"


def _in_force(about: About, attempt: Attempted, item: Characteristic) -> tuple[str, str]:
    """The limits of this attempt, with the values that it was started under: as they are, and as a value is held against them."""
    low, high = item.min, item.max
    for name, new in attempt.tuned:
        parameter = about.technique.parameters.get(name)
        if parameter is None or (parameter.step, parameter.characteristic) != (attempt.step, item.id):
            continue
        if parameter.kind == CHARACTERISTIC_MIN:
            low = new
        elif parameter.kind == CHARACTERISTIC_MAX:
            high = new
    return between(low, high, item.equals), accepted(item, low, high)


# ---- results -------------------------------------------------------------------------------------------------------


def attempts(about: About) -> Iterator[Attempt]:
    """Every attempt at every op, in the technique's order, with all that was read in it."""
    for step in about.document.steps:
        items = {item.id: item for item in step.characteristics}
        for number, attempt in enumerate(about.record.attempts.get(step.id, ()), start=1):
            last = max([sign.at for sign in attempt.signed] or [read.at for read in attempt.reads] or [attempt.at])
            yield Attempt(
                op=step.id,
                name=step.name,
                number=number,
                over=attempt.over,
                result=attempt.signed[-1].result if attempt.signed else "",
                started_at=attempt.at,
                ended_at=last,
                by=about.name(attempt.by),
                place=attempt.place,
                zones=step.zones,
                results=tuple(_results(about, attempt, items)),
                tuned=attempt.tuned,
                contract=attempt.contract,
            )


def _results(about: About, attempt: Attempted, items: Mapping[str, Characteristic]) -> Iterator[Result]:
    """The last reading of a characteristic (of a part) counts; every one does where the contract says so."""
    last = {(read.characteristic, read.serial): read for read in attempt.reads}
    for read in attempt.reads:
        item = items.get(read.characteristic)
        counts = last[read.characteristic, read.serial] is read or (item is not None and item.all_readings)
        yield _result(about, attempt, read, item, counts=counts)


def _result(about: About, attempt: Attempted, read: Read, item: Characteristic | None, *, counts: bool) -> Result:
    limits, held_against = ("", "") if item is None else _in_force(about, attempt, item)
    person = about.registers.person(read.by, about.stop)
    late = read.observed_at not in (0, read.at)
    return Result(
        characteristic=read.characteristic,
        serial=read.serial,
        value=read.value,
        unit=read.unit,
        limits=limits,
        accepted=held_against,
        uncertainty="" if item is None else item.U or "",
        conforms=read.conforms,
        instrument=read.instrument,
        by=about.name(read.by),
        at=read.observed_at or read.at,
        entry=read.entry,
        late=late,
        entered_at=read.at if late else 0,
        was=read.was,
        counts=counts,
        external=person.org if person.org not in ("", about.org) else "",
    )


def departures(about: About) -> Iterator[Departure]:
    """What was out of the ordinary, the oldest first."""
    for item in sorted(about.record.exceptions, key=lambda found: found.at):
        yield Departure(
            kind=item.kind,
            op=item.step,
            says=item.says,
            reason=item.reason,
            by=tuple(about.name(name) for name in item.by),
            at=item.at,
            entry=item.entry,
            id=item.id,
        )


# ---- what was used -------------------------------------------------------------------------------------------------


def instruments(about: About) -> Iterator[Instrument]:
    """Every instrument, with the calibration that held when it was used last."""
    for name, uses in sorted(_uses(about).items()):
        first, last = min(at for _, at in uses), max(at for _, at in uses)
        ops = tuple(dict.fromkeys(op for op, _ in uses))
        item = about.registers.instrument(name, about.stop, last)
        if item is None:
            yield Instrument(id=name, equipment_class="", ops=ops)
            continue
        yield Instrument(
            id=name,
            equipment_class=item.equipment_class,
            ops=ops,
            cal_from=item.cal_from,
            cal_until=item.cal_until,
            certificate=item.certificate,
            covers=item.cal_from <= first and last <= item.cal_until,
        )


def _uses(about: About) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for step in about.document.steps:
        for attempt in about.record.attempts.get(step.id, ()):
            for name in attempt.equipment:
                found.setdefault(name, []).append((step.id, attempt.at))
            for read in attempt.reads:
                if read.instrument:
                    found.setdefault(read.instrument, []).append((step.id, read.observed_at or read.at))
    return found


def batches(about: About) -> Iterator[Batch]:
    """Every batch, with its shelf life."""
    found: dict[str, list[str]] = {}
    for step in about.document.steps:
        for attempt in about.record.attempts.get(step.id, ()):
            for name in attempt.materials:
                found.setdefault(name, []).append(step.id)
    for name, ops in sorted(found.items()):
        item = about.registers.batch(name, about.stop)
        kind, until = ("", 0) if item is None else (item.material_kind, item.until)
        yield Batch(batch=name, material_kind=kind, ops=tuple(dict.fromkeys(ops)), until=until)


def rooms(about: About, since: int, until: int) -> Iterator[Room]:
    """Room conditions that the technique asks for, over a stretch of time (UTC µs)."""
    for watch in about.technique.watches:
        told = about.registers.series(watch.series, about.stop)
        inside = [e for e in told if isinstance(e, ev.EnvironmentLogged) and since <= e.observed_at <= until]
        values = sorted((value, e.value) for e in inside if (value := parse_decimal(e.value)) is not None)
        broken = [e for e in told if isinstance(e, ev.EnvironmentBroken) and e.watch == watch.key]
        yield Room(
            series=watch.series,
            sensor=watch.sensor,
            limits=between(_text(watch.low), _text(watch.high)),
            unit=watch.unit,
            count=len(inside),
            low=values[0][1] if values else "",
            high=values[-1][1] if values else "",
            breaks=tuple(
                (e.kind, e.since, e.until or 0) for e in broken if e.since <= until and (e.until or until) >= since
            ),
        )


def _text(limit: object) -> str | None:
    return None if limit is None else f"{limit:f}"


# ---- signatures ----------------------------------------------------------------------------------------------------


def signatures(about: About) -> Iterator[Signature]:
    """Every granted signature on the job and its order, in order; and who issued its reports, which asks for no meaning."""
    for voice in about.voices:
        if voice.command is None or voice.said.decision.verdict == "deny":
            continue
        yield from _of_act(about, voice, voice.command)


def _of_act(about: About, voice: Voice, command: c.AnyCommand) -> Iterator[Signature]:
    act = str(type(command).__struct_config__.tag)
    step = getattr(command, "step", "")
    for signer in command.signers:
        if signer.meaning is None and act not in ISSUING:
            continue
        person = about.registers.person(signer.id, min(voice.seq, about.stop))
        yield Signature(
            name=person.name,
            org=person.org,
            stamp=f"{signer.id} / {person.key[:8]}" if person.key else signer.id,
            role=signer.role,
            meaning=signer.meaning or "",
            act=f"{act} {step}".strip(),
            at=voice.said.entry.at,
            place=command.place or "",
            entry=str(voice.said.place),
            unlocked="" if signer.auth is None else ", ".join(signer.auth.components).replace("_", " "),
        )


def authorising(signed: Iterable[Signature]) -> tuple[Signature, ...]:
    """Those who authorised the results: QA and Compliance, over the record that the report rests on."""
    return tuple(one for one in signed if one.act in ("qa.sign", "compliance.sign"))

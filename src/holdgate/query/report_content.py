"""What a report says, assembled from ledger facts alone: the same report, word by word, whenever it is made again.

Everything is as it stood at the entry that issued the report; what came after (an amendment that took its place) is marked and
changes nothing else. Names and addresses of organisations are on a register of their own (`holdgate.terms.party`); what is not on
record is said to be missing (`holdgate.query.report_letters`).

Source: ISO/IEC 17025:2017 7.8.2, 7.8.3, 7.8.6, 7.8.8.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import SmartClientPO, SmartSP
from holdgate.law.library import Library
from holdgate.law.state import BECOMES
from holdgate.law.technique import Technique
from holdgate.query.job_audit import voices_of
from holdgate.query.job_evidence import Voice
from holdgate.query.job_record import job_record
from holdgate.query.record import Record
from holdgate.query.registers import Issue, Registers
from holdgate.query.report_facts import (
    Anchor,
    Attempt,
    Departure,
    Method,
    Organisation,
    Received,
    ReportContent,
    Signature,
    Verdict,
)
from holdgate.query.report_letters import missing
from holdgate.query.report_rows import (
    About,
    attempts,
    authorising,
    batches,
    departures,
    instruments,
    rooms,
    rules,
    signatures,
)
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.party import Party

CONFORMS, FAILS = "conforms", "does not conform"


class _Job(NamedTuple):
    """A job as its order and start say."""

    staged: ev.OrderStaged
    serials: tuple[str, ...]
    documents: tuple[SmartClientPO, SmartSP, Technique]


def report_content(
    record: Record, registers: Registers, places: Sequence[tuple[int, int]], report: str, parties: Mapping[str, Party]
) -> ReportContent:
    """What a report says.

    Args:
        record: of the business hub.
        registers: over this record, caught up.
        places: where the record speaks of the report's order (`holdgate.query.timeline.Timeline.of`).
        report: its number.
        parties: organisations by their id, as registered.

    Raises:
        Malformed: the record knows no such report. Tampered: a document that it rests on is missing.
    """
    issue = issued(registers, report)
    made = _as_issued(record, registers, places, issue, parties)
    before = registers.reports.get(issue.event.replaces)
    if before is not None:
        earlier = _as_issued(record, registers, places, before, parties)
        made = replace(made, reason=_reason(issue), changes=tuple(changes(earlier, made)))
    made = replace(made, replaced_by=registers.replaced.get(report, ""))
    return replace(made, missing=tuple(missing(made)))


def issued(registers: Registers, report: str) -> Issue:
    """Where a report was issued.

    Raises:
        Malformed: nowhere on this record.
    """
    issue = registers.reports.get(report)
    if issue is None:
        known = ", ".join(sorted(registers.reports)[:8]) or "none"
        raise Malformed(f"no report {report[:80]!r} was issued on this record; there are: {known}")
    return issue


def _as_issued(
    record: Record, registers: Registers, known: Sequence[tuple[int, int]], issue: Issue, parties: Mapping[str, Party]
) -> ReportContent:
    event = issue.event
    places = [place for place in known if place[0] <= issue.seq]
    voices = voices_of(record, places, event.job)
    job = _job(record, voices, event)
    _, document, technique = job.documents
    told = job_record(((voice.seq, voice.said) for voice in voices), event.job, technique)
    charter = registers.charter
    org, zone = ("", "") if charter is None else (charter.org, charter.settings.tz)
    about = About(told, technique, document, registers, voices, issue.seq, org)
    tries, signed = tuple(attempts(about)), tuple(signatures(about))
    counted = [item for item in tries if not item.over]
    began = min((item.started_at for item in tries), default=0)
    ended = max((item.ended_at for item in counted), default=0)
    out = tuple(departures(about))
    verdicts = tuple(_verdicts(job.serials, counted, voices, event))
    lab = charter.settings.name if charter is not None else ""
    return ReportContent(
        report=event.report,
        title=job.documents[0].title,
        order=event.order,
        job=event.job,
        issued_at=issue.said.entry.at,
        zone=zone,
        lab=_organisation(org, parties, lab),
        client=_organisation(job.staged.client, parties),
        client_people=tuple(dict.fromkeys(_terms_signed(voices, about))),
        site=job.staged.node,
        places=tuple(dict.fromkeys(f"{item.place} ({', '.join(item.zones)})" for item in tries if item.place)),
        part_no=job.staged.part_no,
        rev=job.staged.rev,
        serials=job.serials,
        condition=tuple(_condition(out, began)),
        documents=job.staged.documents,
        method=_method(registers, job, issue.seq),
        received=tuple(_received(voices, job.serials, about)),
        started_at=began,
        ended_at=ended,
        conforming=not event.nonconforming and all(item.conforms or item.says != FAILS for item in verdicts),
        concessions=event.concessions,
        verdicts=verdicts,
        quantities=_quantities(voices),
        rules=tuple(rules(about)),
        attempts=tries,
        departures=out,
        signatures=signed,
        authorised=authorising(signed),
        instruments=tuple(instruments(about)),
        batches=tuple(batches(about)),
        rooms=tuple(rooms(about, began, ended)),
        externals=tuple(sorted({read.external for item in tries for read in item.results if read.external})),
        anchor=_anchor(registers, issue),
        attested=event.attested_arrival,
        replaces=event.replaces,
    )


def _job(record: Record, voices: Sequence[Voice], event: ev.ReportIssued) -> _Job:
    staged: ev.OrderStaged | None = None
    started: ev.JobStarted | None = None
    lots: dict[str, tuple[str, ...]] = {}
    for voice in voices:
        for said in voice.said.decision.events:
            if isinstance(said, ev.OrderStaged) and said.order == event.order:
                staged = said
            elif isinstance(said, ev.JobStarted):
                started = said
            elif isinstance(said, ev.JobSplit):
                lots.update(zip(said.jobs, said.serials, strict=True))
    if staged is None or started is None:
        raise Tampered(
            f"report {event.report} is on the record, but not the start of its job {event.order}/{event.job}"
        )
    library = Library(record.blob)
    template = library.template(started.sha256)
    process = None if template is None else library.document(template.process)
    technique = None if template is None else library.technique(template.process)
    if template is None or technique is None or not isinstance(process, SmartSP):
        raise Tampered(f"the contract {started.sha256[:16]}… that job {event.job} is pinned to is not in this record")
    return _Job(staged, lots.get(event.job, started.serials), (template, process, technique))


# ---- who and what --------------------------------------------------------------------------------------------------


def _organisation(org: str, parties: Mapping[str, Party], name: str = "") -> Organisation:
    """An organisation by its registered name and address; what it is called here where none is registered."""
    party = parties.get(org)
    if party is None:
        return Organisation(org=org, name=name or org)
    town = " ".join(part for part in (party.postal_code, party.city, party.region) if part)
    return Organisation(
        org=org,
        name=party.name,
        lines=tuple(line for line in (party.street, town, party.country) if line),
        contact=tuple(part for part in (party.email, party.phone) if part),
        known=True,
    )


def _terms_signed(voices: Sequence[Voice], about: About) -> Iterator[str]:
    for voice in voices:
        for said in voice.said.decision.events:
            if isinstance(said, ev.TermsAccepted):
                yield about.name(said.by)


def _method(registers: Registers, job: _Job, stop: int) -> Method:
    template, document, technique = job.documents
    told = registers.contract(job.staged.sha256, stop)
    approvals = [(e.approval_role, e.by) for e in told if isinstance(e, ev.ContractApproved)]
    certificates = [e.certificate for e in told if isinstance(e, ev.ContractCertified)]
    people = {by: registers.person(by, stop) for _, by in approvals}
    return Method(
        contract=template.id,
        version=template.version,
        sha256=job.staged.sha256,
        title=template.title,
        technique=document.id,
        technique_version=document.version,
        technique_sha256=technique.sha256,
        standards=tuple(dict.fromkeys((*template.standards, *document.standards))),
        editions=tuple(
            (item.standard, item.edition, registers.edition(item.standard, stop)) for item in document.requires
        ),
        approvals=tuple((role, people[by].name or by) for role, by in approvals),
        certificate=certificates[-1] if certificates else "",
    )


def _received(voices: Sequence[Voice], serials: tuple[str, ...], about: About) -> Iterator[Received]:
    """The arrivals of the job's own parts that were not taken back."""
    void = [
        serial
        for voice in voices
        for e in voice.said.decision.events
        if isinstance(e, ev.ArrivalVoided)
        for serial in e.serials
    ]
    for voice in voices:
        for said in voice.said.decision.events:
            if not isinstance(said, ev.ArrivalRecorded):
                continue
            own = tuple(serial for serial in said.serials if serial in serials)
            taken_back = [serial for serial in own if serial in void]
            for serial in taken_back:
                void.remove(serial)
            own = tuple(serial for serial in own if serial not in taken_back)
            if own:
                yield _arrival(voice, said, own, about)


def _arrival(voice: Voice, said: ev.ArrivalRecorded, own: tuple[str, ...], about: About) -> Received:
    command = voice.command
    signers = () if command is None else tuple(about.name(signer.id) for signer in command.signers)
    scanned = command if isinstance(command, c.ReportArrival) else None
    observed = 0 if scanned is None else scanned.captured_at or scanned.observed_at or 0
    return Received(
        serials=own,
        at=voice.said.entry.at,
        evidence=said.evidence,
        by=signers,
        place="" if command is None else command.place or "",
        entry=str(voice.said.place),
        late=said.late,
        observed_at=observed,
    )


def _condition(out: Sequence[Departure], began: int) -> Iterator[str]:
    """What was tagged on the items before work began."""
    for item in out:
        if item.at < began and item.id:
            yield f"{item.says} {item.reason}".strip()


def _quantities(voices: Sequence[Voice]) -> tuple[int, int, int]:
    """Accepted, rejected and scrapped, as QA counted last."""
    found = (0, 0, 0)
    for voice in voices:
        for said in voice.said.decision.events:
            if isinstance(said, ev.QaAccepted):
                found = (said.accepted, said.rejected, said.scrapped)
    return found


def _anchor(registers: Registers, issue: Issue) -> Anchor:
    charter = registers.charter
    site = issue.said.place.site
    origin = "" if charter is None else next((seat.origin for seat in charter.sites if seat.id == site), "")
    return Anchor(
        origin=origin,
        entry=str(issue.said.place),
        leaf=issue.leaf.hex(),
        size=issue.seq + 1,
        root=issue.root.hex(),
        content=issue.event.digest,
    )


# ---- conformity ----------------------------------------------------------------------------------------------------


def _verdicts(
    serials: tuple[str, ...], counted: Sequence[Attempt], voices: Sequence[Voice], event: ev.ReportIssued
) -> Iterator[Verdict]:
    """What is said of each part. Where the record says that a result does not conform, no part of the job conforms by silence."""
    decided = _decided(voices)
    bad = _failed(serials, counted)
    lost = event.nonconforming and not bad and not any(serial in decided for serial in serials)
    for serial in serials:
        fate = decided.get(serial, "")
        if fate == "nonconforming":
            yield Verdict(serial=serial, says=FAILS, conforms=False)
        elif fate.startswith("conceded"):
            yield Verdict(
                serial=serial, says=f"accepted under concession{fate.removeprefix('conceded')}", conforms=False
            )
        elif fate:
            yield Verdict(serial=serial, says=f"{FAILS}; {fate}", conforms=False)
        elif lost or serial in bad:
            yield Verdict(serial=serial, says=FAILS, conforms=False)
        else:
            yield Verdict(serial=serial, says=CONFORMS, conforms=True)


def _decided(voices: Sequence[Voice]) -> dict[str, str]:
    """What became of parts by a disposition: rejected, scrapped, returned, nonconforming, or conceded with its number."""
    tagged: dict[str, tuple[str, ...]] = {}
    fate: dict[str, str] = {}
    for voice in voices:
        for said in voice.said.decision.events:
            if isinstance(said, ev.NonconformanceOpened):
                tagged[said.ncr] = said.serials
            elif isinstance(said, ev.NonconformanceDisposed) and said.disposition in BECOMES:
                becomes = BECOMES[said.disposition]
                word = f"{becomes} {said.concession}".strip() if becomes == "conceded" else becomes
                fate.update(dict.fromkeys(tagged.get(said.ncr, ()), word))
    return fate


def _failed(serials: tuple[str, ...], counted: Sequence[Attempt]) -> tuple[str, ...]:
    """The parts with a result that counts and does not conform; all of them where it is of no part alone."""
    found: list[str] = []
    for attempt in counted:
        missed = [read.serial for read in attempt.results if read.counts and not read.conforms]
        if attempt.result == "fail" or missed:
            found += [serial for serial in missed if serial] or serials
            found += serials if "" in missed else ()
    return tuple(dict.fromkeys(found))


# ---- amendments ----------------------------------------------------------------------------------------------------


def _reason(issue: Issue) -> str:
    command = issue.said.command
    return command.reason if isinstance(command, c.AmendReport) else ""


def changes(before: ReportContent, after: ReportContent) -> Iterator[str]:
    """What an amended report says otherwise than the one that it replaces."""
    read = {_key(item, read): read for item in before.attempts for read in item.results}
    seen = {_key(item, read): read for item in after.attempts for read in item.results}
    for key, item in seen.items():
        old = read.get(key)
        name = f"{key[0]} {item.characteristic}" + (f" of {item.serial}" if item.serial else "")
        if old is None:
            yield f"{name}: {item.value} {item.unit} is new"
        elif (old.value, old.conforms) != (item.value, item.conforms):
            yield f"{name}: {old.value} became {item.value} {item.unit}"
    for then, now in zip(before.verdicts, after.verdicts, strict=False):
        if then.says != now.says:
            yield f"part {now.serial}: {then.says} became {now.says}"
    if len(after.departures) > len(before.departures):
        yield f"{len(after.departures) - len(before.departures)} more departures are on record"
    if _names(before.signatures) != _names(after.signatures):
        yield "it was signed again"


def _key(attempt: Attempt, read: object) -> tuple[str, int, str]:
    return attempt.op, attempt.number, getattr(read, "entry", "")


def _names(signed: Sequence[Signature]) -> list[tuple[str, str]]:
    return [(one.stamp, one.act) for one in signed if one.act in ("qa.sign", "compliance.sign")]

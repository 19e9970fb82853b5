"""The job audit view: the evidence on one job, requirement by requirement, as an auditor asks for it.

Each section says which requirements it shows (docs/records.md names them) and gives the entries that show it. Read from the entries
that speak of the job's order, refused ones too, and from what the registers say now; nothing is decided, and what the record does
not hold is not made up: a section without rows says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.state import State
from holdgate.query import job_evidence as evidence
from holdgate.query.job_evidence import About, Row, Voice
from holdgate.query.record import Record, Said, command_of, entry_at, taken_in
from holdgate.terms.instant import SECOND_US, show_duration

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
    voices = voices_of(record, places, job)
    about = About(voices, state, library, state.jobs.get(f"{order}/{job}"))
    skews = (abs(voice.said.entry.at - voice.command.at) for voice in voices if voice.command is not None)
    return JobAudit(
        order=order,
        job=job,
        sections=tuple(_section(about, *kind) for kind in _SECTIONS),
        entries=len(voices),
        refused=sum(voice.said.decision.verdict == "deny" for voice in voices),
        skew_us=max(skews, default=0),
    )


def voices_of(record: Record, places: Iterable[tuple[int, int]], job: str) -> list[Voice]:
    """The entries that are about a job, about one that it was split from, or about its order as a whole.

    Args:
        record: the one that the places are of.
        places: where it speaks of the job's order.
        job: the job's id.

    Raises:
        Malformed, Tampered: an entry cannot be read, or is missing.
    """
    every = [*_voices(record, places)]
    lots = _lineage(every, job)
    return [voice for voice in every if _concerns(voice, lots)]


def _voices(record: Record, places: Iterable[tuple[int, int]]) -> Iterator[Voice]:
    held, at = list[Said](), -1
    for own, inside in places:
        if own != at:
            at, one = own, entry_at(record, own)
            held = [one, *taken_in(record, one.entry)]
        said = held[inside + 1]
        yield Voice(own, inside, said, command_of(said.entry))


def _lineage(voices: Iterable[Voice], job: str) -> tuple[str, ...]:
    """The job, and the jobs that it was split from: their record is its own up to the split."""
    parents = {
        lot: event.job
        for voice in voices
        for event in voice.said.decision.events
        if isinstance(event, ev.JobSplit)
        for lot in event.jobs
    }
    found = [job]
    while (parent := parents.get(found[-1])) is not None and parent not in found:
        found.append(parent)
    return tuple(found)


def _concerns(voice: Voice, lots: tuple[str, ...]) -> bool:
    """Whether an entry is about this job (or one that it was split from), or about its order as a whole."""
    if voice.said.entry.subject.partition("/")[2] not in ("", *lots):
        return False
    named = [name for event in voice.said.decision.events if (name := getattr(event, "job", None)) is not None]
    return not named or any(name in lots for name in named)


def _section(
    about: About,
    name: str,
    title: str,
    asks: Sequence[str],
    columns: Sequence[str],
    rows: Callable[[About], Iterator[Row]],
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


_SECTIONS: Final[tuple[tuple[str, str, Sequence[str], Sequence[str], Callable[[About], Iterator[Row]], str], ...]] = (
    (
        "signatures",
        "Signatures, and what each signer was shown",
        ("SG-01", "SG-03", "SG-12", "SG-16"),
        ("Name", "Role", "Meaning", "Act", "Unlocked by", "Place", "Shown (digest)"),
        evidence.signatures,
        "Nobody signed yet.",
    ),
    (
        "refused",
        "Refused attempts",
        ("AU-04",),
        ("Act", "By", "Why"),
        evidence.refusals,
        "Nothing was refused.",
    ),
    (
        "corrections",
        "Corrections",
        ("AU-01", "AU-02", "SG-15"),
        ("Reading", "First value", "New value", "By", "Reason"),
        evidence.corrections,
        "Nothing was corrected.",
    ),
    (
        "late",
        "Late entries and kept scans",
        ("TM-02",),
        ("What", "When", "Reason", "Evidence"),
        evidence.late,
        "Everything was entered as it happened.",
    ),
    (
        "repeats",
        "Failed, abandoned and repeated",
        ("AU-08",),
        ("What", "Reason"),
        evidence.repeats,
        "Every op was done once.",
    ),
    (
        "nonconformances",
        "Red tags and deviations",
        ("NC-03",),
        ("What", "Reason", "Evidence"),
        evidence.ncrs,
        "There were none.",
    ),
    (
        "readings",
        "Readings, all of them",
        ("AU-08", "SQ-03"),
        ("Reading", "Value", "Verdict", "Instrument", "Came in", "By"),
        evidence.readings,
        "Nothing was read.",
    ),
    (
        "equipment",
        "Equipment and its calibration",
        ("SQ-05",),
        ("Instrument", "Class", "Ops", "Calibrated"),
        evidence.equipment,
        "No instrument was used.",
    ),
    (
        "materials",
        "Batches",
        ("SQ-05",),
        ("Batch", "Kind", "Op", "Shelf life"),
        evidence.materials,
        "No batch was used.",
    ),
    (
        "people",
        "Qualifications, asked for and held",
        ("SQ-02",),
        ("Name", "Op", "Role", "Asked for, and how it stands now"),
        evidence.people,
        "No op was started.",
    ),
    (
        "contract",
        "Contract version and approvals",
        ("SQ-07",),
        ("What", "Who or which", "SHA-256 or effectivity"),
        evidence.contract,
        "This site is done with the job: see the business hub.",
    ),
    (
        "arrival",
        "Arrival evidence",
        ("HC-01",),
        ("What", "By", "Event or photo"),
        evidence.arrivals,
        "No part was reported as here.",
    ),
    (
        "environment",
        "Environment",
        ("EN-01",),
        ("Series", "Stands", "When"),
        evidence.environment,
        "The contract rests on no series.",
    ),
    (
        "outcome",
        "Acceptance, report, client and money",
        ("RC-03",),
        ("What", "Digest"),
        evidence.outcome,
        "The record is not accepted yet.",
    ),
)


def skew_in_words(audit: JobAudit) -> str:
    """How far the times that signers claimed were from those of the record."""
    return (
        show_duration(audit.skew_us - audit.skew_us % SECOND_US) if audit.skew_us >= SECOND_US else "less than a second"
    )

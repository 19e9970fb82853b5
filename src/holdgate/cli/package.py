"""holdgate package and holdgate job-audit: one job's evidence, as one file to be checked elsewhere and as a paper."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from holdgate.adapters.new_file import write_new
from holdgate.adapters.sqlite_payloads import FILE, SqlitePayloads
from holdgate.adapters.zones import wall_clock
from holdgate.cli.reading import open_logs
from holdgate.cli.records import MirrorSource, find_logs, open_mirror
from holdgate.cli.standing import open_standing
from holdgate.law.event import ReportIssued
from holdgate.package.archive import check_name, pack
from holdgate.package.manifest import WHOLE
from holdgate.paper.audit import audit_pdf
from holdgate.paper.report import report_pdf
from holdgate.query.packed_words import audit_html, told_audit
from holdgate.query.packing import Asked, Source, packed, source_of
from holdgate.query.record import spoken
from holdgate.query.registers import Registers
from holdgate.query.report_content import report_content
from holdgate.query.timeline import Timeline
from holdgate.sites.payloads import EVIDENCE
from holdgate.terms.errors import InvariantBroken, Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.limits import BLOB_BYTES_MAX

HUB_KIND: Final = "business_hub"
KNOWN_SHOWN: Final = 5


def package(
    job: str,
    /,
    *,
    data: Path,
    out: Path,
    scope: Literal["whole", "client"] = "whole",
    paper: tuple[Path, ...] = (),
    pdf: bool = True,
    with_evidence: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write the package of a job: what was signed, proof of it, the documents it rests on, and papers, as one file.

    Whoever gets it checks it with holdgate verify, or with any program that follows docs/spec/package.md.

    Parameters
    ----------
    job
        ORDER/JOB, such as PO-1001/J-1.
    data
        The shop's directory.
    out
        The file to write; nothing is written over.
    scope
        whole, or client: without what concerns the shop's own registers (instruments, qualifications, approvals).
    paper
        A paper about the job that goes with it, such as the sealed report (R-1.pdf); repeat for more.
    pdf
        Make the reports and the job audit view as PDF, unsealed, where the typesetter is installed (extra paper).
    with_evidence
        Take the pieces of evidence along that acts name and that are kept, not their digests alone.
    """
    brought = {check_name(file.name): _paper(file) for file in paper}
    with open_job(data, job, scope) as source, ExitStack() as held:
        give = _evidence(data, held) if with_evidence else None
        papers, audit = _typeset(source, {*brought}) if pdf else ({}, b"")
        asked = Asked(
            scope=scope,
            papers={**papers, **brought},
            audit_pdf=audit,
            evidence=give,
            brought=tuple(_cosigned(data)),
        )
        found = packed(source, asked)
    raw = pack(found.parts)
    write_new(out, raw)
    sys.stdout.write(f"{out}: {len(raw)} bytes, {len(found.parts)} parts\n")
    for sentence in found.manifest.missing:
        sys.stdout.write(f"  {sentence}\n")
    for site in found.uncosigned:
        sys.stdout.write(f"  The checkpoint of {site} in it is cosigned by nobody yet; pack it again once it is.\n")
    return 0


def job_audit_view(job: str, /, *, data: Path, out: Path) -> int:
    """Write the job audit view, the evidence on a job requirement by requirement, as one page to be printed.

    Parameters
    ----------
    job
        ORDER/JOB, such as PO-1001/J-1.
    data
        The shop's directory.
    out
        The file to write, as its ending says: .html, .pdf (extra paper) or .json. Nothing is written over.
    """
    if out.suffix not in (".html", ".pdf", ".json"):
        raise Malformed(f"{out.name} ends in none of .html, .pdf and .json; say with its ending what to write")
    with open_job(data, job) as source:
        audit, known = source.known.audit, source.known
        if audit is None:
            raise InvariantBroken("a whole source has the job audit view")
        names = _names(source)
        if out.suffix == ".json":
            content = told_audit(audit, names, {*names.values()})
        elif out.suffix == ".pdf":
            content = audit_pdf(audit, names, known.org, known.about, _newest(source))
        else:
            content = audit_html(audit, names, (known.org, *known.about))
    write_new(out, content)
    sys.stdout.write(f"{out}: {len(content)} bytes\n")
    return 0


@contextmanager
def open_job(data: Path, name: str, scope: str = WHOLE) -> Iterator[Source]:
    """The business hub's record of a shop, opened for questions about one job.

    Raises:
        Unavailable: there is no shop. Malformed: it has no such job.
    """
    order, slash, job = name.partition("/")
    if not slash:
        raise Malformed(f"{name[:80]!r} names no job; write ORDER/JOB, such as PO-1001/J-1")
    check_id(order, "order")
    check_id(job, "job")
    with open_standing(data) as standing:
        hub = next(seat.id for seat in standing.state.charter.sites if seat.kind == HUB_KIND)
        if name not in standing.state.jobs:
            known = ", ".join([*standing.state.jobs][:KNOWN_SHOWN]) or "none yet"
            raise Malformed(f"{name} is no job that the business hub knows; it knows {known}")
        with open_logs(data / hub) as (log, *_):
            timeline = Timeline()
            timeline.catch_up(log)
            yield source_of(log, timeline.of(order), standing.state, standing.library, name, scope)


def _names(source: Source) -> dict[tuple[int, int], str]:
    """Where the record speaks of the order: `SITE:seq` by place."""
    every = spoken(source.record, [*source.places])
    return {place: str(one.place) for place, (_, one) in zip(source.places, every, strict=True)}


def _newest(source: Source) -> int:
    """The time of the newest entry about the order (UTC µs)."""
    return max((one.entry.at for _, one in spoken(source.record, [*source.places])), default=0)


def _typeset(source: Source, brought: set[str]) -> tuple[dict[str, bytes], bytes]:
    """The job's reports and its audit view as PDF; nothing where the typesetter is not installed."""
    known = source.known
    of_job = {
        event.report
        for _, one in spoken(source.record, [*source.places])
        for event in one.decision.events
        if isinstance(event, ReportIssued) and (event.order, event.job) == (known.order, known.job)
    }
    try:
        audit = (
            b""
            if known.audit is None
            else audit_pdf(known.audit, _names(source), known.org, known.about, _newest(source))
        )
        return {name: made for name, made in _reports(source, of_job) if name not in brought}, audit
    except Unavailable as error:
        sys.stderr.write(f"No PDF is made: {error}\n")
        return {}, b""


def _reports(source: Source, reports: set[str]) -> Iterator[tuple[str, bytes]]:
    registers = Registers()
    registers.catch_up(source.record)
    for report in sorted(reports):
        parties = registers.parties(registers.reports[report].seq)
        content = report_content(source.record, registers, source.places, report, parties)
        yield f"{report}.pdf", report_pdf(content, partial(wall_clock, tz=content.zone))


def _cosigned(data: Path) -> Iterator[bytes]:
    """What the shop's Vaults cosigned last, where their mirrors are here too."""
    for path in find_logs(data):
        if path.name == "mirror.db":
            with open_mirror(path) as mirror:
                for origin in mirror.origins():
                    yield from MirrorSource(mirror, origin).cosignatures().values()


def _evidence(data: Path, held: ExitStack) -> Callable[[str], bytes | None]:
    found = (data / FILE, *sorted(data.glob(f"*/{FILE}")))
    stores = [SqlitePayloads(path) for path in found if path.is_file()]
    for store in stores:
        held.callback(store.close)

    def give(reference: str) -> bytes | None:
        pieces = (store.get(reference) for store in stores)
        return next((one.salt + one.content for one in pieces if one is not None and one.kind == EVIDENCE), None)

    return give


def _paper(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > BLOB_BYTES_MAX:
        raise Malformed(f"{path} has {len(content)} bytes; a paper in a package has at most {BLOB_BYTES_MAX}")
    return content

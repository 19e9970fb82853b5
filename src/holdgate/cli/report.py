"""holdgate report: a report, an inspection certificate or a certificate of conformity as a PDF, from the record alone."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.adapters.new_file import write_new
from holdgate.adapters.zones import wall_clock
from holdgate.cli.reading import Log, open_logs
from holdgate.cli.seal import open_at
from holdgate.identity.charter import seat_of
from holdgate.paper.report import report_pdf
from holdgate.query.record import charter_of, entry_at
from holdgate.query.registers import Registers
from holdgate.query.report_content import report_content
from holdgate.query.report_facts import ReportContent
from holdgate.query.report_proof import Enclosed, enclosures
from holdgate.query.timeline import Timeline
from holdgate.terms.errors import Malformed

Kind = Literal["report", "certificate-3.1", "conformity"]


def report(
    path: Path,
    number: str,
    /,
    *,
    kind: Kind = "report",
    out: Path | None = None,
    seal: Path | None = None,
    pin_fd: int | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make the paper of a report from the record alone: the same bytes whenever it is made again, before it is sealed.

    It says what the record says; `holdgate audit` proves the record.

    Parameters
    ----------
    path
        A shop's directory, the business hub's directory, its ledger.db or *.bundle, or a Vault's mirror.db.
    number
        The report, such as R-1.
    kind
        The test report, an inspection certificate 3.1 (EN 10204), or a certificate of conformity.
    out
        Where the PDF goes (default: NUMBER.pdf, or NUMBER-KIND.pdf, here). Nothing is written over.
    seal
        A folder of `holdgate seal init`: the PDF is sealed, with the proof of its entry inside.
    pin_fd
        The file descriptor that gives the seal's PIN (default: asked on the terminal, where the seal has one).
    json
        What the report says, as one JSON document; no PDF is made.
    """
    with open_logs(path) as logs:
        content, enclosed = report_content_of(logs, number, proof=seal is not None)
    if json:
        sys.stdout.write(msgspec.json.encode(content).decode() + "\n")
        return 0
    made = report_pdf(content, partial(wall_clock, tz=content.zone), kind)
    if seal is not None:
        made = _sealed(made, seal, pin_fd, enclosed, content.report)
    place = out or Path(f"{number}.pdf" if kind == "report" else f"{number}-{kind}.pdf")
    write_new(place, made)
    _tell(content, place)
    return 0


def report_content_of(logs: list[Log], number: str, *, proof: bool) -> tuple[ReportContent, tuple[Enclosed, ...]]:
    """What a report says, and, where proofs are asked for, the files that prove its entry.

    Raises:
        Malformed: no such report was issued on a record that is here.
    """
    for log in logs:
        seat = seat_of(charter_of(entry_at(log, 0).entry), log.site)
        if seat is None or seat.kind != "business_hub":
            continue
        registers = Registers()
        registers.catch_up(log)
        issue = registers.reports.get(number)
        if issue is None:
            continue
        timeline = Timeline()
        timeline.catch_up(log)
        content = report_content(log, registers, timeline.of(issue.event.order), number, registers.parties(issue.seq))
        return content, enclosures(log, issue, log.checkpoint(), content) if proof else ()
    raise Malformed(
        f"no report {number[:80]!r} was issued on a record that is here; the business hub's has its reports"
    )


def _sealed(made: bytes, folder: Path, pin_fd: int | None, enclosed: tuple[Enclosed, ...], number: str) -> bytes:
    from holdgate.paper.seal import Attachment, seal_pdf  # noqa: PLC0415  # optional: the extra `paper`

    files = [Attachment(*item) for item in enclosed]
    return seal_pdf(made, open_at(folder, pin_fd), HostClock().now(), f"Report {number}", files)


def _tell(content: ReportContent, place: Path) -> None:
    console = Console(highlight=False, stderr=True)
    console.print(f"{place}: report {content.report} of {content.order}/{content.job}", soft_wrap=True)
    for item in content.missing:
        console.print(f"[yellow]not on record[/] ({item.letter}) {item.what}", soft_wrap=True)
    if content.replaced_by:
        console.print(f"[yellow]superseded[/] by {content.replaced_by}", soft_wrap=True)

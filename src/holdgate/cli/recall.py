"""holdgate recall: what an instrument, a batch, a person or a contract version touched, and who has to be told."""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.adapters.zones import instant_or_end_of_day, instant_or_start_of_day
from holdgate.cli.shelves import Shelves, open_shelves
from holdgate.query.recall import ALWAYS, Recall, TouchedJob, contract_key
from holdgate.query.recall import recall as ask
from holdgate.query.shelf import Span
from holdgate.query.uses import BATCH, CONTRACT, EQUIPMENT, PERSON
from holdgate.query.words import moment
from holdgate.terms.errors import Malformed

SERIALS: Final = 4
"""Serials of a job that its line names."""


def recall(
    path: Path,
    /,
    *,
    equipment: str | None = None,
    batch: str | None = None,
    person: str | None = None,
    contract: str | None = None,
    version: str | None = None,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: str | None = None,
    each: Annotated[bool, Parameter(negative=())] = False,
    rebuild: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List what an instrument, a batch, a person or a contract version touched: jobs, steps, readings, reports, clients.

    Parameters
    ----------
    path
        A shop's directory, a site's directory, one ledger.db, mirror.db or *.bundle, or a folder of bundles.
    equipment
        An instrument or machine, such as RAD-07.
    batch
        A batch, such as PEN-24117.
    person
        A SMART-ID: a person, reader, workstation or module that signed.
    contract
        A contract; with --version.
    version
        Its version.
    since
        From this time or day on (2025-04-01, or 2025-04-01T13:00:00Z); days are those of the shop.
    until
        Up to this time or day, all of it.
    each
        Also list every single use, with its entry.
    rebuild
        Fold the records anew instead of trusting the rows that lie beside them.
    json
        One JSON document.
    """
    with open_shelves(path, rebuild=rebuild) as shelves:
        kind, key = _thing(shelves, equipment, batch, person, contract, version)
        begin = ALWAYS[0] if since is None else instant_or_start_of_day(since, shelves.tz)
        end = ALWAYS[1] if until is None else instant_or_end_of_day(until, shelves.tz)
        if end < begin:
            raise Malformed("--until lies before --from")
        found = ask(shelves.sources, Span(kind, key, begin, end), each=each)
    if json:
        sys.stdout.write(msgspec.json.encode(_document(found)).decode() + "\n")
    else:
        named = f"{contract} version {version}" if contract else key
        _tell(Console(highlight=False), found, f"{kind} {named}")
    return 0


def _thing(
    shelves: Shelves,
    equipment: str | None,
    batch: str | None,
    person: str | None,
    contract: str | None,
    version: str | None,
) -> tuple[str, str]:
    """The kind and key that is asked for: exactly one."""
    named = [(EQUIPMENT, equipment), (BATCH, batch), (PERSON, person), (CONTRACT, contract)]
    given = [(kind, key) for kind, key in named if key is not None]
    if len(given) != 1 or (contract is None) != (version is None):
        raise Malformed("name one thing: --equipment, --batch, --person, or --contract with --version")
    if contract is not None and version is not None:
        return CONTRACT, contract_key(shelves.sources, contract, version)
    return given[0]


def _document(found: Recall) -> dict[str, object]:
    """The JSON document; a use has its times in words as well."""
    document = asdict(found)
    document["uses"] = [
        {
            **use._asdict(),
            "since": moment(use.since),
            "until": None if use.until is None else moment(use.until),
            "entry": f"{use.site}:{use.seq}",
        }
        for use in found.uses
    ]
    return document


def _tell(console: Console, found: Recall, what: str) -> None:
    interval = f" from {found.since or 'the beginning'} until {found.until or 'now'}"
    console.print(Text.assemble((what, "bold"), (interval, "dim")))
    readings = sum(job.readings or job.in_steps for job in found.jobs)
    reports = sum(len(job.reports) for job in found.jobs)
    counts = {"order": len(found.orders), "job": len(found.jobs), "reading": readings, "report": reports}
    counts["client"] = len(found.clients)
    console.print(f"{', '.join(f'{count} {noun}' + 's' * (count != 1) for noun, count in counts.items())}.")
    for job in found.jobs:
        _tell_job(console, job)
    for told in found.clients:
        reports_of = f"; reports {', '.join(told.reports)}" if told.reports else "; no report went out yet"
        line = f"Tell {told.client or 'a client that this record does not name'}: orders {', '.join(told.orders)}{reports_of}"
        console.print(line, soft_wrap=True)
    for act, count in found.besides.items():
        console.print(f"Besides jobs: {act} x{count}", style="dim")
    for use in found.uses:
        end = "goes on" if use.until is None else moment(use.until)
        place = f"{use.site}:{use.seq}"
        console.print(
            f"{place:<16} {moment(use.since)} .. {end}  {use.order}/{use.job} {use.step} {use.what} {use.detail}",
            soft_wrap=True,
        )


def _readings(job: TouchedJob) -> str:
    taken = f"readings taken {job.readings}; " if job.readings else ""
    return f"{taken}readings in these steps {job.in_steps}"


def _tell_job(console: Console, job: TouchedJob) -> None:
    more = len(job.serials) - SERIALS
    serials = ", ".join(job.serials[:SERIALS]) + (f" and {more} more" if more > 0 else "")
    inherits = f", split from {job.through}" if job.through else ""
    console.print(
        Text.assemble(
            (f"{job.order}/{job.job}", "bold"),
            f"  {job.client or '-'}  {serials or '-'}  {job.state}{inherits}{', still in use' if job.going_on else ''}",
        ),
        soft_wrap=True,
    )
    acts = ", ".join(f"{act} x{count}" for act, count in job.acts.items())
    parts = [f"{job.first} .. {job.last}", f"steps {', '.join(job.steps) or '-'}", f"{_readings(job)}"]
    console.print(f"    {'; '.join([*parts, *([acts] if acts else [])])}", style="dim", soft_wrap=True)
    for report in job.reports:
        console.print(
            f"    report {report.report} ({report.status}, {report.issued_at}, {report.entry})", soft_wrap=True
        )
    if job.open_ncrs:
        console.print(f"    open: {', '.join(job.open_ncrs)}", style="yellow", soft_wrap=True)

"""holdgate who: who may do an operation now, until when, and who would if what."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.cli.standing import moment_of, open_standing
from holdgate.query.who import Candidate, Who
from holdgate.query.who import who as ask


def who(
    contract: str,
    step: str,
    /,
    *,
    data: Path,
    site: str,
    version: str | None = None,
    job: str = "",
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show who may do an operation at a node now, until when, and who would if what. Nothing is recorded.

    Parameters
    ----------
    contract
        The contract, such as SP-FPI-4512.
    step
        The operation, such as S70.
    data
        The shop's directory.
    site
        The node, such as NODE-FPI.
    version
        The contract's version (default: the one in force, or the job's own).
    job
        A running job, ORDER/JOB: its assignment and its turn count too. Without: a job that was just started.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    now = moment_of(at)
    with open_standing(data, site) as standing:
        found = ask(standing.state, standing.library, contract, version, step, now, job)
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        _tell(Console(highlight=False), found)
    return 0


def _tell(console: Console, found: Who) -> None:
    head = f"{found.contract} version {found.version}, {found.step} ({found.name}) at {found.site}"
    asks = f"a {found.role} with {', '.join(found.credentials) or 'no qualification'}"
    console.print(Text(head, style="bold"))
    console.print(
        f"Asks for {asks}; done at {', '.join(found.places) or 'no workstation that is enrolled'}.", soft_wrap=True
    )
    for person in found.people:
        _tell_one(console, person)
    if not found.people:
        console.print("Nobody is enrolled who could.", style="yellow")
    for wait in found.waits:
        console.print(f"The job itself waits: {wait}", style="cyan", soft_wrap=True)


def _tell_one(console: Console, person: Candidate) -> None:
    if person.may:
        end = f"until {person.until} ({person.because})" if person.until else "no end is known"
        console.print(f"[green]may[/]    {person.id} ({person.name}), {end}", soft_wrap=True)
        return
    console.print(f"[yellow]would[/]  {person.id} ({person.name}), but for this:", soft_wrap=True)
    for lack in person.lacks:
        console.print(Text(f"         {lack.says} {lack.helps}", style="dim"), soft_wrap=True)

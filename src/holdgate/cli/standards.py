"""holdgate standards: which contracts name a standard, in which edition, and whether that is in force."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.cli.standing import moment_of, open_standing
from holdgate.query.standards import namings


def standards(
    text: str = "",
    /,
    *,
    data: Path,
    edition: str = "",
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List the contracts that name a standard, and whether the edition that they require is in force.

    Parameters
    ----------
    text
        Part of the standard's name, such as E1417; without, all of them.
    data
        The shop's directory.
    edition
        One edition only.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    now = moment_of(at)
    with open_standing(data) as standing:
        found = namings(standing.state, standing.library, now, text, edition)
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    console = Console(highlight=False)
    for row in found:
        needs = f"requires {row.edition}" if row.edition else "named for people, no edition required"
        known = f"; in force here is {row.adopted} until {row.until}" if row.adopted else ""
        lapsed = "; a job would be refused" if row.holds == "no" else ""
        line = Text.assemble(
            (row.standard, "bold"),
            f"  {row.contract} version {row.version} ({row.status}): {needs}{known}",
            (lapsed, "yellow"),
        )
        console.print(line, soft_wrap=True)
    if not found:
        console.print("No contract names such a standard.")
    return 0

"""holdgate due: what runs out in the next days, and what is over."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.cli.standing import moment_of, open_standing
from holdgate.query.due import due as ask
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import DUE_DAYS_MAX


def due(
    *,
    data: Path,
    days: int = 30,
    site: str | None = None,
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List what runs out: qualifications, calibrations, batches, documents of open orders, adopted standards.

    Parameters
    ----------
    data
        The shop's directory.
    days
        How far ahead.
    site
        As this site knows it (default: the business hub).
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    if not 0 <= days <= DUE_DAYS_MAX:
        raise Malformed(f"--days is between 0 and {DUE_DAYS_MAX}")
    now = moment_of(at)
    with open_standing(data, site) as standing:
        found = ask(standing.state, standing.library, now, days)
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    console = Console(highlight=False)
    for row in found:
        when = f"over for {-row.days} days" if row.over else f"in {row.days} days"
        named = f"; asked for by {', '.join(row.named_by)}" if row.named_by else ""
        line = Text.assemble(
            (f"{when:<18}", "yellow" if row.over else ""),
            f"{row.kind:<12}{row.id} ({row.whose}) until {row.until}",
            (named, "dim"),
        )
        console.print(line, soft_wrap=True)
    if not found:
        console.print(f"Nothing runs out within {days} days.")
    return 0

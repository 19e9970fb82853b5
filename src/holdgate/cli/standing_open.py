"""holdgate open: nonconformances, hold points and whatever else stands open, and for whom it waits."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.cli.standing import open_standing
from holdgate.query.standing import standing as ask


def standing_open(
    *,
    data: Path,
    site: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List what stands open and for whom it waits: nonconformances, hold and witness points, failed jobs, stop-work.

    Parameters
    ----------
    data
        The shop's directory.
    site
        As this site knows it (default: the business hub).
    json
        One JSON document.
    """
    with open_standing(data, site) as standing:
        found = ask(standing.state, standing.library)
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    console = Console(highlight=False)
    for row in found:
        where = " ".join(text for text in (row.client, row.node, row.step) if text)
        line = Text.assemble(
            ("now    " if row.next else "later  ", "yellow" if row.next else "dim"),
            f"{row.kind} {row.id}  {row.about}  {where}  waits for {', '.join(row.waits_for) or '-'}",
            (f"  {row.why}", "dim"),
        )
        console.print(line, soft_wrap=True)
    if not found:
        console.print("Nothing stands open.")
    return 0

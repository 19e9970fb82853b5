"""holdgate retention: what is kept and why, what may be erased, what was, and what is missing."""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.adapters.sqlite_payloads import FILE, SqlitePayloads
from holdgate.cli.standing import moment_of, open_standing
from holdgate.query.retention import ALARMS, FREE, HELD
from holdgate.query.retention import retention as ask
from holdgate.terms.errors import Unavailable

_STYLES: Final = {**dict.fromkeys(ALARMS, "bold red"), HELD: "yellow", FREE: "green"}


def retention(
    *,
    data: Path,
    store: tuple[Path, ...] = (),
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List what can be erased: held and why, kept until when, free to erase, erased by whom; and what is missing.

    Nothing is erased by it; that takes `payload.erase`, signed by two officers. 1 where something is missing, or was erased and is
    still there.

    Parameters
    ----------
    data
        The shop's directory, with the business hub's record.
    store
        An evidence.db besides the one in that directory: of a node that runs elsewhere, say. Can be given more than once.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    now = moment_of(at)
    own = data / FILE
    held = _held((*((own,) if own.is_file() else ()), *store))
    with open_standing(data) as standing:
        found = ask(standing.state, standing.library, held, now)
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        console = Console(highlight=False)
        for row in found:
            about = f" ({', '.join(row.about)})" if row.about else ""
            line = Text.assemble(
                (f"{row.status:<10}", _STYLES.get(row.status, "")), f"{row.commitment}{about}: {row.why}"
            )
            console.print(line, soft_wrap=True)
        if not found:
            console.print("Nothing that can be erased is on the record.")
    return 1 if any(row.status in ALARMS for row in found) else 0


def _held(paths: tuple[Path, ...]) -> dict[str, bool]:
    """What the stores hold: by commitment, whether it can be opened.

    Raises:
        Unavailable: one is not there, or cannot be read.
    """
    found: dict[str, bool] = {}
    for path in paths:
        if not path.is_file():
            raise Unavailable(f"there is no {path}")
        opened = SqlitePayloads(path)
        try:
            for row in opened.held():
                found[row.commitment] = found.get(row.commitment, False) or row.whole
        finally:
            opened.close()
    return found

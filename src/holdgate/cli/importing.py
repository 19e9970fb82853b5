"""holdgate import: what a table of people, equipment, materials or standards would change, and the acts that would do it."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.adapters.sheet import read_sheet
from holdgate.adapters.zones import TZDATA, instant_or_end_of_day, instant_or_start_of_day
from holdgate.cli.standing import moment_of, open_standing
from holdgate.crypto.hashes import digest
from holdgate.query.imports import FAULTY, Dates, Desk, Import, read_table
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import ORDER_FILE_BYTES_MAX

FAILED = 1


def importing(
    kind: str,
    file: Path,
    /,
    *,
    data: Path,
    actor: Annotated[str, Parameter(name="--as")],
    approver: str,
    out: Path | None = None,
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Read a table and say what it would change; with --out, write the acts that are then signed. Nothing is recorded.

    Parameters
    ----------
    kind
        people, equipment, materials or standards.
    file
        A table as a spreadsheet saves it: CSV in UTF-8, with a head.
    data
        The shop's directory.
    actor
        The SMART-ID of whoever imports.
    approver
        The SMART-ID of the officer who approves; another person. Both sign every act.
    out
        Write the acts into this new file, one JSON document a line. Only where every row can be taken.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    raw = _read(file)
    with open_standing(data) as standing:
        state = standing.state
        tz = state.charter.settings.tz
        dates = Dates(lambda text: instant_or_end_of_day(text, tz), lambda text: instant_or_start_of_day(text, tz))
        sheet = read_sheet(raw)
        desk = Desk(state, standing.library, actor, approver, moment_of(at), digest(raw), dates)
        found = read_table(kind, sheet.columns, sheet.rows, desk)
        site = state.site
    written = out is not None and found.sound
    if written and out is not None:
        _write(out, found, site)
    if json:
        document = {**asdict(found), "sound": found.sound, "tz": tz, "zones": TZDATA, "written": written}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _tell(Console(highlight=False), found, out if written else None)
    return 0 if found.sound else FAILED


def _read(file: Path) -> bytes:
    with file.open("rb") as source:
        raw = source.read(ORDER_FILE_BYTES_MAX + 1)
    if len(raw) > ORDER_FILE_BYTES_MAX:
        raise Malformed(f"{file} has more than {ORDER_FILE_BYTES_MAX} bytes; split it")
    return raw


def _write(out: Path, found: Import, site: str) -> None:
    """The acts, one a line: canonical JSON, without the signers' own time, which each sets when they sign."""
    try:
        with out.open("xb") as target:
            for draft in found.drafts:
                line: dict[str, Any] = {"site": site, **asdict(draft)}
                target.write(canon.encode(line) + b"\n")
    except FileExistsError:
        raise Malformed(f"{out} is there already; name a new file") from None
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error.strerror}") from error


def _tell(console: Console, found: Import, out: Path | None) -> None:
    for row in found.rows:
        style = "yellow" if row.status == FAULTY else "dim" if not row.faults and row.status == "there already" else ""
        line = Text.assemble((f"row {row.row:<5}", "dim"), (f"{row.status:<16}", style), row.says)
        console.print(line, soft_wrap=True)
        for fault in row.faults:
            where = f"column {fault.column}: " if fault.column else ""
            console.print(Text(f"         {where}{fault.what}. {fault.do}.", style="dim"), soft_wrap=True)
    counts = {
        status: sum(row.status == status for row in found.rows)
        for status in dict.fromkeys(r.status for r in found.rows)
    }
    said = ", ".join(f"{count} {status}" for status, count in counts.items()) or "none"
    console.print(f"{len(found.rows)} row{'s' * (len(found.rows) != 1)}: {said}.")
    for draft in found.drafts:
        if draft.remains:
            console.print(Text(f"row {draft.row}: {draft.act}: {draft.remains}.", style="cyan"), soft_wrap=True)
    if not found.sound:
        console.print("Nothing can be taken from this file before every row is right.", style="yellow")
    elif out is not None:
        console.print(
            f"{len(found.drafts)} acts are in {out}; importer and approver sign each of them.", soft_wrap=True
        )
    elif found.drafts:
        console.print(f"A dry run: {len(found.drafts)} acts would come of it. To write them: --out FILE.")

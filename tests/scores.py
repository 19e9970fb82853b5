"""What a run of a check came to, for the scoreboard: written only where HOLDGATE_SCORES names a directory.

A score says what was tried and how much of it came out badly, when, at which commit and on what machine. `make scoreboard`
collects them into docs/scores and writes the table of docs/reliability.md from them; nobody types a figure.

`python -m tests.scores FOLDER MORE OUT`: a run that was made in two parts, whose scores lie in two folders, as one.
"""

import datetime as dt
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

ROOT: Final = Path(__file__).parents[1]


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run of one check. `row` is the scoreboard's; `scale`: "ci", or "soak" for a longer run of the same check."""

    row: int
    check: str
    tried: int
    unit: str
    bad: int
    scale: str
    seconds: int
    command: str
    note: str
    date: str
    commit: str
    machine: str


def record(
    row: int,
    check: str,
    tried: int,
    unit: str,
    bad: int,
    *,
    seconds: float,
    command: str,
    soak: bool = False,
    note: str = "",
) -> None:
    """Keep what came of a run.

    Args:
        row: The scoreboard's row (1 to 14).
        check: A short name, unique in its row: letters, digits and hyphens.
        tried: How much was tried.
        unit: Of what, in words, like "power-cut images".
        bad: How much of it failed what the row promises; for mutants: those that live.
        seconds: How long it took.
        command: What runs it again, from the checkout.
        soak: A longer run than CI's.
        note: What limits the figure.
    """
    if not (kept := os.environ.get("HOLDGATE_SCORES")):
        return
    scale = "soak" if soak else "ci"
    score = Score(
        row=row,
        check=check,
        tried=tried,
        unit=unit,
        bad=bad,
        scale=scale,
        seconds=round(seconds),
        command=command,
        note=note,
        date=dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d"),
        commit=_commit(),
        machine=_machine(),
    )
    _write(Path(kept) / f"{row:02d}-{check}-{scale}.json", score)


def _commit() -> str:
    """The commit that ran, with a plus where files differ from it."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude", "*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()


def _machine() -> str:
    """The processor, how many of them, and the Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.machine()
    return f"{os.cpu_count()} x {name}, Python {platform.python_version()}"


def together(one: Score, more: Score) -> Score:
    """Two parts of one run.

    Raises:
        ValueError: they are not: another check, scale, commit or machine, or the same part twice.
    """
    if (one.row, one.check, one.unit, one.scale) != (more.row, more.check, more.unit, more.scale):
        raise ValueError(f"{one.check} ({one.scale}) and {more.check} ({more.scale}) are two checks")
    if (one.commit, one.machine) != (more.commit, more.machine):
        raise ValueError(f"{one.check}: {one.commit} on {one.machine} and {more.commit} on {more.machine} are two runs")
    if one.command == more.command:
        raise ValueError(f"{one.check}: the same part twice")
    return replace(
        one,
        tried=one.tried + more.tried,
        bad=one.bad + more.bad,
        seconds=one.seconds + more.seconds,
        command=f"{one.command}; {more.command}",
        note=one.note if one.note == more.note else f"in two parts: {one.note}; and {more.note}",
        date=max(one.date, more.date),
    )


def main(folder: Path, more: Path, out: Path) -> None:
    """Put the scores of two folders together, file by file."""
    for path in sorted(folder.glob("*.json")):
        first, second = (_DECODE(file.read_bytes()) for file in (path, more / path.name))
        _write(out / path.name, together(first, second))


def _write(path: Path, score: Score) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(score), indent=1) + b"\n")


_DECODE: Final = msgspec.json.Decoder(Score).decode

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

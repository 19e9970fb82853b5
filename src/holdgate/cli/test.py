"""holdgate test: scenario files on real sites, each step compared with its expectation."""

import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from holdgate.scenario.run import FileResult, run_file
from holdgate.terms.errors import HoldgateError, Unavailable

WORLDS: Final = "worlds"
_CONTRACT: Final = re.compile(rb"^(?:notation|family):", re.MULTILINE)
"""What a contract says of itself, and no scenario does."""


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file: its result, or why it could not be run at all."""

    path: str
    passed: bool
    seconds: float
    result: FileResult | None = None
    error: str | None = None


def scenarios(
    *paths: Path,
    json: Annotated[bool, Parameter(negative=())] = False,
    jobs: int | None = None,
) -> int:
    """Run scenario files on real sites and compare every step; then every ledger is audited.

    Parameters
    ----------
    paths
        Files or folders (of *.yaml; those that begin with _, contracts and the folder worlds are left out).
    json
        One JSON document per file, each on its own line.
    jobs
        How many files at the same time (default: as many as there are cores).
    """
    files = find_files(paths)
    console = Console(stderr=json, highlight=False)
    columns = (SpinnerColumn(), TextColumn("scenarios"), BarColumn(), MofNCompleteColumn())
    quiet = json or not console.is_terminal
    outcomes: list[Outcome] = []
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("scenarios", total=len(files))
        for outcome in run_files(files, jobs or os.cpu_count() or 1):
            outcomes.append(outcome)
            if json:
                sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
            else:
                _tell(bar.console, outcome)
            bar.advance(task)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if not json:
        _sum_up(console, outcomes, len(failed))
    return 1 if failed else 0


def find_files(paths: tuple[Path, ...]) -> list[Path]:
    """The scenario files at these places, each once.

    Raises:
        Unavailable: a place does not exist or cannot be read, or there is no scenario at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            if path.is_dir():
                below = (file for file in _below(path) if WORLDS not in file.relative_to(path).parts)
                found.update(dict.fromkeys(file for file in below if _is_scenario(file)))
            elif path.is_file():
                found[path] = None
            else:
                raise Unavailable(f"there is no file or folder {path}")
        except OSError as error:
            raise Unavailable(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    if not found:
        raise Unavailable("no scenario file was named; holdgate test FILE.yaml or FOLDER")
    return list(found)


def _is_scenario(file: Path) -> bool:
    """Whether a file of a folder is meant as a scenario. One that is broken is: it is not passed over."""
    return not file.name.startswith("_") and _CONTRACT.search(file.read_bytes()) is None


def _below(folder: Path) -> list[Path]:
    """The YAML files below a folder.

    Raises:
        OSError: a folder cannot be read. It may hold scenarios, so it is not passed over.
    """

    def refuse(error: OSError) -> None:
        raise error

    tops = os.walk(folder, onerror=refuse)
    return sorted(Path(top) / name for top, _, names in tops for name in names if name.endswith(".yaml"))


def run_files(files: list[Path], jobs: int) -> Iterator[Outcome]:
    """Run files, in their order; several at a time in processes of their own."""
    if jobs < 2 or len(files) < 2:
        yield from map(run_one, files)
        return
    fresh = multiprocessing.get_context("spawn")  # a fork would copy threads in the middle of something
    with ProcessPoolExecutor(min(jobs, len(files)), mp_context=fresh) as pool:
        waiting: list[Future[Outcome]] = [pool.submit(run_one, file) for file in files]
        for future in waiting:
            yield future.result()


def run_one(path: Path) -> Outcome:
    """Run one file; whatever goes wrong in it is its own failure."""
    began = time.perf_counter()
    result, error = None, None
    try:
        result = run_file(path)
    except HoldgateError as refused:
        error = str(refused)
    except Exception as defect:  # noqa: BLE001  # one file's defect must not hide the other files
        error = f"{type(defect).__name__}: {defect}"
    passed = result is not None and result.passed
    return Outcome(
        path=str(path), passed=passed, seconds=round(time.perf_counter() - began, 2), result=result, error=error
    )


def _tell(console: Console, outcome: Outcome) -> None:
    result = outcome.result
    mark, style = ("\u2713", "green") if outcome.passed else ("\u2717", "red")
    title = Path(outcome.path).stem if result is None else result.title
    figures = f"{outcome.seconds:.1f} s"
    if result is not None:
        figures = f"{result.steps} steps, {result.repeated} of {result.entries} entries repeated, {figures}"
    console.print(Text.assemble((mark, style), f" {title}"))
    console.print(Text(f"    {figures}", style="dim"))
    if outcome.passed:
        return
    console.print(Text(f"    {outcome.path}", style="dim"), soft_wrap=True)
    if outcome.error is not None:
        console.print(Text(f"    {outcome.error}", style=style))
    mismatch = None if result is None else result.mismatch
    if mismatch is not None:
        where = f"step {mismatch.step}, {mismatch.action}" if mismatch.step else mismatch.action
        console.print(Text(f"    {where}: {mismatch.what}", style=style))
        for line in mismatch.trace:
            console.print(Text(f"        {line}", style="dim"))


def _sum_up(console: Console, outcomes: list[Outcome], failed: int) -> None:
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    steps, repeated = sum(result.steps for result in results), sum(result.repeated for result in results)
    verdict = f"{failed} of {len(outcomes)} files failed" if failed else f"{len(outcomes)} files, all as expected"
    style = "bold red" if failed else "bold green"
    console.print(Text.assemble("\n", (verdict, style), f"; {steps} steps, {repeated} entries repeated."))

"""Mutation testing of the core: `make mutants MUTANTS_ARGS="--sample 400 --seed 1"`.

    --draw                      run the tests once and note which test runs which line (first, and after changes of either)
    --sample N --seed S         so many mutants, drawn from each package in proportion
    --module law/gates/money.py all of a module (with --sample: so many of it)
    --since REF                 those on lines that changed since a commit (with --sample: so many of them)
    (none of these)             all of them: hours; stopped and started again it goes on where it was
    --nearest                   write tests/mutants/nearest.json from the map, for tests/mutants/changed.py
    --again                     what lived in an earlier run is tried again
    --show law/money.py:12      the module with that change, as a diff

Outcomes are kept in .mutants/results.jsonl under a hash of the module, so nothing is tried twice.
"""

import argparse
import ast
import difflib
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutants import covered, report, running
from tests.mutants.operators import Mutant, mutants, mutated
from tests.mutants.running import PACKAGE, ROOT, Job
from tests.scores import record

PACKAGES: Final = ("terms", "identity", "ledger", "law", "handoff", "pay")
LEFT_OUT: Final = frozenset({"terms/limits.py"})
"""Maxima: docs/limits.md holds each of them, and a tidy test compares; tests of what is at a limit take it from there."""
CPU_S: Final = 15
NEAR: Final = "near"
"""No test of the nearest files failed on it; the others have still to be asked."""

One = tuple[str, Mutant]


def every(modules: Sequence[str] = ()) -> list[One]:
    """Every mutant of the core, or of these modules (paths below the package)."""
    paths = modules or [
        path.relative_to(PACKAGE).as_posix()
        for package in PACKAGES
        for path in sorted((PACKAGE / package).rglob("*.py"))
    ]
    texts = ((path, (PACKAGE / path).read_text(encoding="utf-8")) for path in paths if path not in LEFT_OUT)
    return [(path, mutant) for path, text in texts for mutant in mutants(text)]


def sampled(of: Sequence[One], number: int, seed: int) -> list[One]:
    """So many, from each package in proportion, one at least; a larger sample with the same seed holds a smaller one."""
    chosen = []
    for package in PACKAGES:
        here = [one for one in of if one[0].startswith(f"{package}/")]
        here.sort(key=lambda one: hashlib.sha256(f"{seed} {one[0]} {one[1].number}".encode()).digest())
        chosen += here[: max(1, round(number * len(here) / len(of)))]
    return chosen


def since(of: Sequence[One], ref: str) -> list[One]:
    """Those on lines that changed since a commit."""
    asked = ["git", "diff", "--unified=0", "--no-color", ref, "--", *(f"src/holdgate/{p}" for p in PACKAGES)]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines: dict[str, set[int]] = {}
    path = ""
    for line in said.splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/src/holdgate/")
        elif found := re.match(r"@@ \S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(found[1]), int(found[2] or 1)
            lines.setdefault(path, set()).update(range(first, first + count))
    return [(p, m) for p, m in of if lines.get(p, set()) & set(range(m.first, m.last + 1))]


def identity(path: str, mutant: Mutant) -> str:
    digest = hashlib.sha256((PACKAGE / path).read_bytes()).hexdigest()
    return f"{path}#{mutant.number}@{digest[:8]}"


def run(chosen: Sequence[One], place: Path, *, width: int = 1, again: bool = False) -> list[report.Tried]:
    """Tries those that are not known yet, and says what came of all of them."""
    results = place / "results.jsonl"
    known = {line["id"]: line["outcome"] for line in running.lines(results)}
    ordered = sorted(chosen, key=lambda one: (one[0], one[1].number))
    open_too = ("", NEAR, "error", *(("survived",) if again else ()))
    left = [one for one in ordered if known.get(identity(*one), "") in open_too]
    of = covered.Map(place)
    for near in (True, False):
        jobs = [job for one in left if not (job := _job(of, *one, near=near)).anew or not near]
        _side_by_side([jobs[at::width] for at in range(min(width, len(jobs)))], results)
        known = {line["id"]: line["outcome"] for line in running.lines(results)}
        left = [one for one in left if known.get(identity(*one), NEAR) == NEAR]
    found = {line["id"]: line for line in running.lines(results)}
    lines = [(path, mutant, found[identity(path, mutant)]) for path, mutant in chosen]
    killers = {line["by"] for _, _, line in lines if line["outcome"] == "killed"} - {"import", "crash"}
    doubted = set(running.unsound(sorted(killers)))
    for test in sorted(doubted):
        print(f"fails without any mutant, so what it killed is left out: {test}")
    told = report.explained()
    return [report.judged(p, m, line, told) for p, m, line in lines if line["by"] not in doubted]


def _job(of: covered.Map, path: str, mutant: Mutant, *, near: bool) -> Job:
    tests, anew = of.tests(path, mutant, near=near)
    return Job(
        identity(path, mutant),
        path,
        mutant.number,
        tuple(tests),
        CPU_S + round(4 * of.seconds(tests)),
        anew,
        NEAR if near else "survived",
    )


def _side_by_side(shares: Sequence[Sequence[Job]], results: Path) -> None:
    children = []
    for share in shares:
        if not (pid := os.fork()):
            running.tried(share, results)
            os._exit(0)
        children.append(pid)
    for child in children:
        os.waitpid(child, 0)


def show(name: str) -> str:
    path, _, number = name.partition(":")
    source = (PACKAGE / path).read_text(encoding="utf-8")
    before, after = ast.unparse(ast.parse(source)), ast.unparse(mutated(source, int(number)))
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), path, name, n=3, lineterm=""))


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("--module", "--since", "--show"):
        parser.add_argument(name)
    for name in ("--draw", "--again", "--nearest"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--place", type=Path, default=ROOT / ".mutants")
    asked = parser.parse_args()
    if asked.show:
        print(show(asked.show))
        return 0
    if asked.draw or not (asked.place / "times.json").exists():
        covered.draw(asked.place)
    if asked.nearest:
        _write_nearest(covered.Map(asked.place))
        return 0
    begun = time.monotonic()
    chosen = every([asked.module] if asked.module else ())
    chosen = since(chosen, asked.since) if asked.since else chosen
    of_all = len(chosen)
    if asked.sample:
        chosen = sampled(chosen, asked.sample, asked.seed)
    print(
        f"{len(chosen)} of {of_all} mutants" + (f", drawn with seed {asked.seed}" if asked.sample else ""), flush=True
    )
    tried = run(chosen, asked.place, width=asked.jobs, again=asked.again)
    print(report.text(tried, sample=bool(asked.sample)))
    if not asked.module and not asked.since:
        _score(report.figures(tried), of_all, time.monotonic() - begun)
    return 0


def _write_nearest(of: covered.Map) -> None:
    nearest = {path: of.nearest(path) for path in of.modules()}
    text = json.dumps({path: files for path, files in nearest.items() if files}, indent=1)
    (ROOT / "tests" / "mutants" / "nearest.json").write_text(text + "\n", encoding="utf-8")


def _score(found: report.Figures, of_all: int, seconds: float) -> None:
    whole = "" if found.tried == of_all else f" a sample of {of_all}: {found.low:.1%} to {found.high:.1%}."
    note = f"{found.killed} killed, {found.explained} explained in docs/mutants.md.{whole}"
    command = f'make mutants MUTANTS_ARGS="{" ".join(sys.argv[1:])}"'
    record(
        9, "core-mutants", found.tried, "mutants", found.lives, seconds=seconds, command=command, soak=True, note=note
    )


if __name__ == "__main__":
    sys.exit(main())

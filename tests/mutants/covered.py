"""Which tests run which lines of the core: a map that one run of the tests draws, and the tests that it gives for a mutant."""

import functools
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

import pytest
from coverage import CoverageData

from tests.mutants.operators import Mutant
from tests.mutants.running import PACKAGE, ROOT

FAST: Final = ("tests/unit", "tests/property", "tests/scenario", "tests/golden")
TESTS_MAX: Final = 1_000
SECONDS_MAX: Final = 45.0
"""So much is tried on one mutant, by the times of the map's run, before it counts as living."""
FILES_MAX: Final = 10
"""So many files are collected anew for a module that is imported anew."""
NEAREST_MAX: Final = 4
NEAREST_S: Final = 20.0
"""So many files of tests, and so much of their time, for a module in a run without a map."""
OFTEN: Final = 10
"""A line that so many tests run is run enough."""
TABLES: Final = "tests/golden/test_tables.py"
"""Every table and constant of the core is held there against what is written down: asked first of what is imported anew."""
_SETTINGS: Final = Path(__file__).with_name("coverage.ini")


def draw(place: Path, tests: Sequence[str] = FAST) -> None:
    """Runs the tests once and draws the map into the folder; tests that fail are left out of it."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "lines").unlink(missing_ok=True)
    asked = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.mutants.covered")
    cover = ("--cov", f"--cov-config={_SETTINGS}", "--cov-context=test", "--cov-report=")
    env = {**os.environ, "COVERAGE_FILE": str(place / "lines"), "HOLDGATE_MUTANTS_TIMES": str(place / "times.json")}
    subprocess.run([sys.executable, "-m", "pytest", "-q", *asked, *cover, *tests], cwd=ROOT, env=env, check=False)


_times: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """As a plugin of the map's run: how long each test took; less than none for one that failed."""
    known = _times.get(report.nodeid, 0.0)
    _times[report.nodeid] = -1.0 if report.failed or report.skipped or known < 0 else known + report.duration


def pytest_sessionfinish() -> None:
    if kept := os.environ.get("HOLDGATE_MUTANTS_TIMES"):
        passed = {test: round(took, 4) for test, took in _times.items() if took >= 0}
        Path(kept).write_text(json.dumps(passed), encoding="utf-8")


class Map:
    """The map as it was drawn."""

    def __init__(self, place: Path) -> None:
        self._times: dict[str, float] = json.loads((place / "times.json").read_text(encoding="utf-8"))
        self._data = CoverageData(str(place / "lines"))
        self._data.read()
        self._files = {name.rpartition("/holdgate/")[2]: name for name in self._data.measured_files()}

    def modules(self) -> list[str]:
        return sorted(self._files)

    def tests(self, path: str, mutant: Mutant, *, near: bool = False) -> tuple[list[str], bool]:
        """The tests to try on a mutant; whether the module has to be imported anew. `near`: of the nearest files only."""
        by_line = self._lines(path)
        hit = {test for line in range(mutant.first, mutant.last + 1) for test in by_line.get(line, ())}
        anew = not mutant.inside or not hit - {""}
        if anew:
            hit = self._naming(mutant.name) or {test for tests in by_line.values() for test in tests}
        hit = hit & self._times.keys() or set(self._times)
        if near:
            files = self.nearest(path)
            hit = {test for test in hit if test.partition("::")[0] in files}
        first = [test for test in self._times if anew and test.startswith(f"{TABLES}::")]
        return [*first, *self._ordered(hit.difference(first), anew=anew, name=mutant.name)], anew

    @functools.cache  # noqa: B019
    def nearest(self, path: str) -> list[str]:
        """The few files of tests that run most of a module, and often, for a run that has no map and little time."""
        of: dict[str, Counter[int]] = {}
        for line, tests in self._lines(path).items():
            for test in tests & self._times.keys():
                of.setdefault(test.partition("::")[0], Counter())[line] += 1
        wanted = Counter(dict.fromkeys(self._lines(path), OFTEN))
        left, chosen = NEAREST_S, list[str]()
        while len(chosen) < NEAREST_MAX:
            gains = {file: (of[file] & wanted).total() for file in sorted(of) if self._whole(file) <= left}
            if not any(gains.values()):
                break
            best = max(gains, key=lambda file: gains[file] / (1 + self._whole(file)))
            chosen.append(best)
            wanted -= of.pop(best)
            left -= self._whole(best)
        return chosen

    @functools.cache  # noqa: B019
    def _whole(self, file: str) -> float:
        return sum(took for test, took in self._times.items() if test.startswith(f"{file}::"))

    def seconds(self, tests: Iterable[str]) -> float:
        return sum(self._times[test] for test in tests)

    @functools.lru_cache(maxsize=16)  # noqa: B019 - one map a run
    def _lines(self, path: str) -> dict[int, set[str]]:
        """For each line the tests that run it; "" for what runs when tests are collected."""
        name = self._files.get(path)
        by_line = {} if name is None else self._data.contexts_by_lineno(name)
        return {line: {test.rpartition("|")[0] for test in tests} for line, tests in by_line.items()}

    def _naming(self, name: str) -> set[str]:
        """The tests that run a line of the core with one of these names in it."""
        word = _word(name)
        hit: set[str] = set()
        for path in self._files:
            text = (PACKAGE / path).read_text(encoding="utf-8")
            found = [number for number, line in enumerate(text.splitlines(), 1) if word.search(line)]
            if found:
                by_line = self._lines(path)
                hit.update(test for line in found for test in by_line.get(line, ()))
        return hit - {""}

    def _ordered(self, tests: set[str], *, anew: bool, name: str) -> list[str]:
        """By turns from each file, the fastest first, as far as there is time.

        `anew`: of a few files, as collecting takes longest then, and more of each: those with the name in them, and the busiest.
        """
        files: dict[str, list[str]] = {}
        for test in sorted(tests, key=lambda t: (self._times[t], t)):
            files.setdefault(test.partition("::")[0], []).append(test)
        turns = list(files.values())
        if anew:
            words = _word(name)
            turns.sort(key=lambda of: (not words.search(_text(of[0].partition("::")[0])), -len(of)))
            turns = turns[:FILES_MAX]
        left, most, chosen = SECONDS_MAX, TESTS_MAX * (2 if anew else 1), list[str]()
        for test in (test for turn in zip_longest(*turns) for test in turn if test is not None):
            if self._times[test] <= left and len(chosen) < most:
                chosen.append(test)
                left -= self._times[test]
        return chosen


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, name.split('.')))})\b")


@functools.cache
def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")

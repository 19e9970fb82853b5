"""Tries mutants: each in a forked process of its own, on the tests that run its lines, until one fails.

A change within a function is put into the functions of a process that has collected all tests already: the new code takes the
old one's place. What is made when a module is imported (tables, classes, what a function gave to either) needs a process that has
not imported the product: there a hook hands out the changed module, and pytest collects anew.
"""

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final

import pytest
from typing_extensions import override

from tests.mutants.operators import mutated

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "holdgate"
_QUIET: Final = (
    "-q", "-x", f"--rootdir={ROOT}", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist",
    "--assert=plain", "--timeout=60",
)  # fmt: skip
_THIRD: Final = (
    "hypothesis", "msgspec", "cryptography.x509", "cryptography.hazmat.primitives.asymmetric.ed25519", "nacl.signing",
    "yaml", "rich.console", "cyclopts", "starlette.applications", "jinja2", "anyio", "lxml.etree", "_pytest.python",
)  # fmt: skip
"""What every test needs of others' packages: imported once, before anything is forked."""
_WALL_S: Final = 60
ANEW: Final = "anew"


@dataclass(frozen=True, slots=True)
class Job:
    """A mutant to try. `id`: path below the package, number, and a hash of the module. `tests`: in this order."""

    id: str
    path: str
    number: int
    tests: tuple[str, ...]
    cpu_s: int
    """After so long it hangs."""
    anew: bool
    """The module has to be imported anew."""
    lives: str
    """What it is called when no test failed."""

    @property
    def file(self) -> Path:
        return PACKAGE / self.path


def tried(jobs: Sequence[Job], results: Path) -> None:
    """Tries them and adds a line for each to `results`: outcome, and by which test."""
    for name in _THIRD:
        with suppress(ImportError):
            importlib.import_module(name)
    _child(lambda: _in_place([job for job in jobs if not job.anew], results), cpu_s=0, wall_s=0)
    done = {line["id"]: line["outcome"] for line in lines(results)}
    for job in jobs:
        if done.get(job.id, ANEW) == ANEW:
            _note(results, job, *_imported_anew(job))


def lines(results: Path) -> list[dict[str, str]]:
    """What is known: the last word on each mutant."""
    if not results.exists():
        return []
    read = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return list({line["id"]: line for line in read}.values())


def unsound(killers: Sequence[str]) -> list[str]:
    """Those of the tests that fail without any mutant: what they killed may live."""
    _, said = _child(lambda: ("", json.dumps(_failures(killers))), cpu_s=0, wall_s=0)
    return list(json.loads(said))


def _note(results: Path, job: Job, outcome: str, by: str) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": job.id, "outcome": outcome, "by": by}) + "\n")


def _child(do: Callable[[], tuple[str, str]], cpu_s: int, wall_s: int) -> tuple[str, str]:
    """What `do` answers in a forked process; a time limit of 0 is none.

    Returns:
        The outcome and the test: ("timeout", "") when it took too long, ("killed", "crash") when the process died.
    """
    take, give = os.pipe()
    place = tempfile.mkdtemp(prefix="holdgate-mutant-")
    if not (pid := os.fork()):
        os.close(take)
        _alone(place, cpu_s)
        try:
            said = do()
        except BaseException:  # noqa: BLE001 - whatever it is, the parent has to hear of it
            said = ("error", traceback.format_exc()[-2000:])
        os.write(give, json.dumps(said).encode())
        os._exit(0)
    os.close(give)
    status = _awaited(pid, wall_s)
    with os.fdopen(take, "rb") as pipe:
        told = pipe.read()
    shutil.rmtree(place, ignore_errors=True)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return "timeout", ""
    outcome, by = json.loads(told) if told else ("killed", "crash")
    return outcome, by


def _alone(place: str, cpu_s: int) -> None:
    """The child says nothing, has limits, and its own place for what tests keep for each other."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    os.environ["HOLDGATE_TESTS_KEPT"] = place
    if cpu_s:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def _awaited(pid: int, wall_s: int) -> int:
    end = time.monotonic() + wall_s if wall_s else float("inf")
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG if wall_s else 0)
        if ended:
            return status
        if time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            end = float("inf")
        time.sleep(0.002)


# ---- in place ------------------------------------------------------------------------------------------------------


class _Quick:
    """pytest's settings for all: few drawn examples, always the same ones, nothing kept."""

    def pytest_collection(self) -> None:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile(
            "mutants", deadline=None, derandomize=True, database=None, phases=phases, max_examples=30
        )
        settings.load_profile("mutants")


class _Loop(_Quick):
    """Has pytest collect, and tries every job where pytest would run all tests."""

    def __init__(self, jobs: Sequence[Job], results: Path) -> None:
        self._jobs = jobs
        self._results = results
        self._failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = _functions({str(job.file) for job in self._jobs})
        gc.freeze()
        for job in self._jobs:
            chosen = [items[test] for test in job.tests if test in items]
            mine = functions.get(str(job.file), [])
            said = _child(lambda: self._try(job, chosen, mine), job.cpu_s, 4 * job.cpu_s + _WALL_S)  # noqa: B023
            _note(self._results, job, *said)
        return True

    def _try(self, job: Job, items: list[pytest.Item], functions: list[FunctionType]) -> tuple[str, str]:
        if not _patched(job, functions):
            return ANEW, ""
        for at, item in enumerate(items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=(*items, None)[at + 1])
            if self._failed:
                return "killed", self._failed
        return job.lives, ""


def _in_place(jobs: Sequence[Job], results: Path) -> tuple[str, str]:
    if jobs:
        pytest.main([*_QUIET, *_files(test for job in jobs for test in job.tests)], plugins=[_Loop(jobs, results)])
    return "", ""


def _functions(files: set[str]) -> dict[str, list[FunctionType]]:
    """Every function that lives, by the file that its code is from."""
    found: dict[str, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename in files:
            found.setdefault(thing.__code__.co_filename, []).append(thing)
    return found


def _patched(job: Job, functions: list[FunctionType]) -> bool:
    """The functions have the mutant's code. False: it takes a new import, as no living function is what changes."""
    source = job.file.read_text(encoding="utf-8")
    was = _codes(compile(source, str(job.file), "exec"))
    now = _codes(compile(mutated(source, job.number), str(job.file), "exec"))
    changed = False
    for function in functions:
        key = (function.__code__.co_qualname, function.__code__.co_firstlineno)
        if was.get(key) == now.get(key):
            continue
        code = now.get(key, [])
        if len(code) != 1 or len(was[key]) != 1 or code[0].co_freevars != function.__code__.co_freevars:
            return False
        function.__code__ = code[0]
        changed = True
    return changed


def _codes(code: CodeType) -> dict[tuple[str, int], list[CodeType]]:
    """Every code in it, by qualified name and line."""
    found: dict[tuple[str, int], list[CodeType]] = {}
    left = [code]
    while left:
        one = left.pop()
        found.setdefault((one.co_qualname, one.co_firstlineno), []).append(one)
        left.extend(const for const in one.co_consts if isinstance(const, CodeType))
    return found


# ---- imported anew -------------------------------------------------------------------------------------------------


class _Chosen(_Quick):
    """Has pytest run these tests in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: at for at, test in enumerate(tests)}
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self._order), key=lambda i: self._order[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


class _Hook(importlib.abc.MetaPathFinder):
    """Hands out the changed module."""

    def __init__(self, job: Job) -> None:
        parts = ("holdgate", *Path(job.path).with_suffix("").parts)
        self._name = ".".join(parts).removesuffix(".__init__")
        self._job = job

    @override
    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, str(self._job.file), self._job.number)
        return importlib.util.spec_from_file_location(fullname, self._job.file, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, number: int) -> None:
        super().__init__(name, path)
        self._number = number

    @override
    def get_code(self, fullname: str) -> CodeType:
        tree = mutated(Path(self.path).read_text(encoding="utf-8"), self._number)
        return compile(tree, self.path, "exec", dont_inherit=True)


def _imported_anew(job: Job) -> tuple[str, str]:
    """First with the tests of a few files, as collecting them all takes long."""
    first = _files(job.tests)[:3]
    some = [test for test in job.tests if test.partition("::")[0] in first]
    said = (job.lives, "")
    for tests in (some, [test for test in job.tests if test not in set(some)]):
        if tests and said[0] == job.lives:
            said = _child(lambda: _hooked(job, tests), job.cpu_s + 30, 4 * job.cpu_s + _WALL_S)  # noqa: B023
    return said


def _hooked(job: Job, tests: Sequence[str]) -> tuple[str, str]:
    sys.meta_path.insert(0, _Hook(job))
    chosen = _Chosen(tests)
    code = pytest.main([*_QUIET, *_files(tests)], plugins=[chosen])
    good = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return (job.lives, "") if good else ("killed", (chosen.failed or ["import"])[0])


def _failures(tests: Sequence[str]) -> list[str]:
    chosen = _Chosen(tests)
    pytest.main([arg for arg in (*_QUIET, *_files(tests)) if arg != "-x"], plugins=[chosen])
    return chosen.failed


def _files(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))

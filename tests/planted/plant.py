"""The inside of a process in which the product has a defect: one module's text is changed as it is imported."""

import importlib.machinery
import sys
import types
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import override

from tests.planted.defect import WORLDS, Defect, Outcome, Worlds

NO_JUDGEMENT: Final = ("ImportError", "ModuleNotFoundError", "NameError", "SyntaxError", "UnboundLocalError", "fixture '")
"""How a test fails where the change is no working program: that is not the defect's doing."""


_IMPORTED: Final = "Module already imported so cannot be rewritten"
"""pytest says so of its plugins, which the zygote has imported."""


PLUGINS: Final = ("pytest_socket", "pytest_timeout", "_hypothesis_pytestplugin", "no:cacheprovider")
"""No others are loaded: they cost more than most checks do."""


class Unplantable(Exception):
    """The text that a defect changes is not there exactly once."""


def planted(source: str, defect: Defect) -> str:
    """The module's text with the defect.

    Raises:
        Unplantable: what it changes is gone, or there more than once.
    """
    if (times := source.count(defect.old)) != 1:
        raise Unplantable(f"{defect.name}: its text stands {times} times in {defect.module}: {defect.old!r}")
    return source.replace(defect.old, defect.new)


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the changed text; what is cached of the module is neither read nor written."""

    def __init__(self, name: str, path: str, garden: "Garden") -> None:
        super().__init__(name, path)
        self._garden = garden

    @override
    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        source = planted(Path(path).read_text(encoding="utf-8"), self._garden.defect)
        code = compile(source, path, "exec", dont_inherit=True)
        self._garden.grown = True
        return code


class Garden(MetaPathFinder):
    """Finds the one module that is changed. `grown`: whether anybody imported it."""

    def __init__(self, defect: Defect) -> None:
        self.defect = defect
        self.grown = False

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.defect.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        spec.loader = _Loader(fullname, spec.origin, self)
        return spec


def judged(defect: Defect | None, check: Worlds | str) -> Outcome:
    """Run the check with the defect, or (None) without any, in this process, which has imported nothing of the product."""
    early = [name for name in sys.modules if name.split(".")[0] == "holdgate"]
    if early:
        return Outcome("broken", f"imported too early: {early[:3]}")
    garden = None if defect is None else Garden(defect)
    if garden is not None:
        sys.meta_path.insert(0, garden)
    said = _lived(check) if isinstance(check, Worlds) else _tested(check)
    if garden is not None and not garden.grown:
        return Outcome("broken", f"{garden.defect.module} was never imported: {said.what}")
    return said


def _lived(worlds: Worlds) -> Outcome:
    from tests.sim.story import lived  # the product comes in here  # noqa: PLC0415
    from tests.sim.world import base  # noqa: PLC0415

    base()
    for seed in range(1, WORLDS + 1):
        try:
            found = lived(seed, worlds.orders, frozenset(worlds.swarm)).findings
        except Exception as error:  # noqa: BLE001  # however it shows
            found = [repr(error)]
        if found:
            return Outcome("found", found[0][:300], seed)
    return Outcome("missed")


class _Watcher:
    """A plugin of pytest: what the one test came to."""

    def __init__(self) -> None:
        self.failed: list[tuple[str, str]] = []
        self.passed = 0
        self.uncollected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when in {"setup", "call"}:
            self.failed.append((report.nodeid, _crash(report)))
        self.passed += report.when == "call" and report.passed

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.uncollected.append(str(report.longrepr)[-300:])


def _crash(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return (str(report.longrepr)[-300:] if crash is None else str(crash.message)).strip()


def _tested(node: str) -> Outcome:
    watcher = _Watcher()
    flags = [flag for plugin in PLUGINS for flag in ("-p", plugin)]
    pytest.main(["-q", "-x", "--hypothesis-seed=1", "-W", f"ignore:{_IMPORTED}", *flags, node], plugins=[watcher])
    if watcher.uncollected or not (watcher.failed or watcher.passed):
        return Outcome("broken", " ".join(watcher.uncollected) or f"no test {node}")
    if not watcher.failed:
        return Outcome("missed")
    by, first = watcher.failed[0]
    return Outcome("broken" if first.startswith(NO_JUDGEMENT) else "found", first[:300], by=by)

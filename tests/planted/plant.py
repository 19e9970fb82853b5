"""The inside of a process whose product gets a defect: the changed functions take the place of the ones that stand there.

The product is imported already. The module's text is compiled with the change, and every function whose code differs from what
runs is given the new code. Whoever imported that function has it too, as it stays the same object. A change outside of functions
(a constant, a base class) is refused: it could not reach those who imported it.
"""

import gc
import importlib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.planted.defect import WORLDS, Defect, Outcome, Worlds
from tests.sim.story import lived
from tests.sim.world import base

NO_JUDGEMENT: Final = (
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "SyntaxError",
    "UnboundLocalError",
    "fixture '",
)
"""How a test fails where the change is no working program: that is not the defect's doing."""
PLUGINS: Final = ("pytest_socket", "pytest_timeout", "_hypothesis_pytestplugin", "no:cacheprovider")
"""No others are loaded: they cost more than most checks do."""
_IMPORTED: Final = "Module already imported so cannot be rewritten"
"""pytest says so of its plugins, which are imported already."""


class Unplantable(Exception):
    """A defect's change cannot be made."""


def planted(source: str, defect: Defect) -> str:
    """The module's text with the defect.

    Raises:
        Unplantable: what it changes is gone, or there more than once.
    """
    if (times := source.count(defect.old)) != 1:
        raise Unplantable(f"{defect.name}: its text stands {times} times in {defect.module}: {defect.old!r}")
    return source.replace(defect.old, defect.new)


def place(defect: Defect) -> Path:
    """Where its module's text lies."""
    found = importlib.import_module(defect.module).__file__
    if found is None:
        raise Unplantable(f"{defect.module} has no text")
    return Path(found)


def changes(defect: Defect) -> list[tuple[types.CodeType, types.CodeType]]:
    """The outermost functions that the defect changes: their code as it is, and with the change.

    Raises:
        Unplantable: its text is gone, or it changes something else than the inside of functions.
    """
    path = place(defect)
    source = path.read_text(encoding="utf-8")
    before, after = (compile(text, str(path), "exec", dont_inherit=True) for text in (source, planted(source, defect)))
    found = list(_differing(before, after))
    if not found or any(old.co_freevars != new.co_freevars for old, new in found):
        raise Unplantable(f"{defect.name}: it changes more than the inside of functions of {defect.module}")
    return found


def _differing(before: types.CodeType, after: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """Pairs of functions that differ, below a module or class whose own code does not."""
    olds, news = _inner(before), _inner(after)
    if _itself(before) != _itself(after) or [code.co_name for code in olds] != [code.co_name for code in news]:
        raise Unplantable(f"what stands outside of functions differs in {before.co_qualname}")
    for old, new in zip(olds, news, strict=True):
        if old.co_flags & _FUNCTION:
            if _whole(old) != _whole(new):
                yield old, new
        else:
            yield from _differing(old, new)


_FUNCTION: Final = 0x2
"""CO_NEWLOCALS: a function's code, not a class body's."""


def _inner(code: types.CodeType) -> list[types.CodeType]:
    return [const for const in code.co_consts if isinstance(const, types.CodeType)]


def _itself(code: types.CodeType) -> tuple[object, ...]:
    """What a piece of code does, without what it holds inside, and wherever its lines stand."""
    plain = tuple((type(const), const) for const in code.co_consts if not isinstance(const, types.CodeType))
    return (code.co_code, plain, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)


def _whole(code: types.CodeType) -> tuple[object, ...]:
    return (*_itself(code), *map(_whole, _inner(code)))


def plant(defect: Defect) -> None:
    """Give the running product the defect. There is no way back: the process ends with it.

    Raises:
        Unplantable: see `changes`; or no function runs the code that it changes.
    """
    wanted = {_named(old): new for old, new in changes(defect)}
    met = set[tuple[str, str, int]]()
    gc.unfreeze()
    for one in gc.get_objects():
        if isinstance(one, types.FunctionType) and (name := _named(one.__code__)) in wanted:
            one.__code__ = wanted[name]
            met.add(name)
    if met != set(wanted):
        raise Unplantable(f"{defect.name}: nothing runs {sorted(set(wanted) - met)}")


def _named(code: types.CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


# ---- the checks ----------------------------------------------------------------------------------------------------


def judged(defect: Defect | None, check: Worlds | str) -> Outcome:
    """Run the check with the defect, or (None) without any, in this process."""
    if defect is not None:
        plant(defect)
    return _lived(check) if isinstance(check, Worlds) else _tested(check)


def _lived(worlds: Worlds) -> Outcome:
    base()
    for seed in range(1, WORLDS + 1):
        try:
            found = lived(seed, worlds.orders, frozenset(worlds.swarm)).findings
        except Exception as error:  # noqa: BLE001  # however it shows
            found = [repr(error)]
        if found:
            return Outcome("broken" if found[0].startswith(NO_JUDGEMENT) else "found", found[0][:300], seed)
    return Outcome("missed")


class _Watcher:
    """A plugin of pytest: what the tests came to."""

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

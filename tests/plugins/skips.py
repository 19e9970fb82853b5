"""Writes every skipped or expected-to-fail test and its reason to the file that HOLDGATE_SKIPS names.

`.ci/run` compares that file with `.ci/allowed-skips.txt`, so that no test falls asleep unnoticed. Without the variable
nothing is written. Under xdist only the controlling process writes: it sees the reports of all workers.
"""

import os
from pathlib import Path

import pytest

Report = pytest.TestReport | pytest.CollectReport

_seen: dict[str, str] = {}


def line_of(report: Report) -> str | None:
    """`node id: reason` on one line for a skipped report, None for any other."""
    if not report.skipped:
        return None
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        reason = f"expected to fail: {expected}"
    elif isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
    else:
        reason = str(report.longrepr)
    return f"{report.nodeid}: {' '.join(reason.split())}"


def _note(report: Report) -> None:
    line = line_of(report)
    if line is not None:
        _seen[report.nodeid] = line


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    place = os.environ.get("HOLDGATE_SKIPS")
    if place and not hasattr(session.config, "workerinput"):
        Path(place).write_text("".join(f"{_seen[key]}\n" for key in sorted(_seen)), encoding="utf-8")

"""The pure core says nothing that differs between two runs: no float, clock, chance, file or accidental order."""

import pytest

from tests.tidy.core_rules import objections
from tests.tidy.tree import report, snippet, sources

CORE = ("terms", "identity", "ledger", "law", "handoff", "pay", "audit", "query")


def test_the_core_is_pure() -> None:
    read = sources(*(f"src/holdgate/{package}" for package in CORE))
    assert len(read) >= len(CORE), "the core was not found"
    found = [finding for source in read for finding in objections(source)]
    assert not found, report(found, "Not for the core:")


@pytest.mark.parametrize(
    "text",
    [
        # inexact numbers
        "x = 1.5",
        "x = 1e9",
        "def f(a: float): ...",
        "x = isinstance(y, float)",
        "x = a / b",
        "a /= 2",
        # clocks and chance
        "import time",
        "from time import monotonic",
        "import random",
        "import importlib",
        "import numpy",
        "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
        "import datetime\nx = datetime.date.today()",
        "x = time.time()",
        # the machine
        "x = hash(y)",
        "x = id(y)",
        "x = open('a')",
        "x = eval('1')",
        "exec('1')",
        "x = __import__('os')",
        "print(1)",
        # accidental order
        "for x in {1, 2}: ...",
        "for x in set(y): ...",
        "for x in a | {1}: ...",
        "x = [y for y in {z for z in w}]",
        "x = {y: 1 for y in frozenset(w)}",
        "x = list({1, 2})",
        "x = tuple(set(y))",
        "x = ','.join({'a'})",
        "x = [*{1, 2}]",
        "f(*set(y))",
        "x = next(iter(set(y)))",
        "x = max({1, 2}, key=f)",
        "def f(a: set[str]):\n    return [x for x in a]",
        "def f(a: frozenset[str] | None):\n    for x in a: ...",
        "def f():\n    a = set()\n    a.add(1)\n    for x in a: ...",
        "def f(b):\n    a: set[int] = b\n    return list(a)",
        "A: Final[frozenset[str]] = g()\nx = list(A)",
        "A = frozenset({1})\ndef f():\n    return [x for x in A]",
        "x = a.union(b)\nfor y in x: ...",
        "def f():\n    a = {1}\n    return a.pop()",
        "def f():\n    yield from {1, 2}",
    ],
)
def test_the_rule_objects(text: str) -> None:
    assert objections(snippet(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "A = frozenset({'x', 'y'})\ndef f(a):\n    return a in A",
        "for x in sorted({1, 2}): ...",
        "x = sorted(y.name for y in set(z))",
        "x = len({1, 2}) + sum(y for y in {1, 2})",
        "x = all(y for y in {1, 2})",
        "x = {f(y) for y in set(z)}",
        "x = frozenset(y for y in {1, 2})",
        "x = {*a, *{1}}",
        "x = max({1, 2})",
        "x = a | b",
        "x = a // 2",
        "for x in {'a': 1}: ...",
        "def f():\n    a = {1}\ndef g(a):\n    for x in a: ...",
        "import datetime as dt\nx = dt.timedelta(microseconds=1)",
        "def f(now):\n    return now + state.now",
        "id = 1\nx = id",
        "from holdgate.terms import ids\nfrom decimal import Decimal",
        "from . import gates",
    ],
)
def test_the_rule_lets_pass(text: str) -> None:
    assert not objections(snippet(text)), text

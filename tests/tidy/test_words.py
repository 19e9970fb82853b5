"""Names: a file, class or function is named after a thing of the field, not after its place in a program."""

import ast
import re
from pathlib import PurePosixPath

import pytest

from tests.tidy.tree import Finding, Source, report, snippet, sources

EMPTY_WORDS = frozenset(
    {"manager", "managers", "helper", "helpers", "util", "utils", "utility", "utilities", "handler", "handlers"}
)

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> list[str]:
    """`HTTPErrorHandler` and `http_error_handler` are both http, error, handler."""
    return [part.lower() for part in _PARTS.findall(name)]


def empty_names(source: Source) -> list[Finding]:
    named = [(1, part) for part in PurePosixPath(source.path).with_suffix("").parts]
    named += [
        (node.lineno, node.name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [
        Finding(source.path, line, f"{name} says nothing of the field: name what it does or holds")
        for line, name in named
        if EMPTY_WORDS.intersection(words(name))
    ]


def test_no_empty_name() -> None:
    found = [f for source in sources("src", "tests", "bench") for f in empty_names(source)]
    assert not found, report(found, "Empty names:")


@pytest.mark.parametrize(
    "text",
    [
        "class OrderManager: ...",
        "def path_helper(): ...",
        "async def errorHandler(): ...",
        "class A:\n def utils(self): ...",
    ],
)
def test_the_rule_objects(text: str) -> None:
    assert len(empty_names(snippet(text))) == 1


def test_the_rule_reads_file_names() -> None:
    assert len(empty_names(snippet("", path="src/holdgate/law/date_utils.py"))) == 1
    assert len(empty_names(snippet("", path="src/holdgate/helpers/dates.py"))) == 1


@pytest.mark.parametrize(
    "text", ["class Utilisation: ...", "def handle(): ...", "class HandoffCoordinator: ...", "def managed(): ..."]
)
def test_the_rule_lets_pass(text: str) -> None:
    assert not empty_names(snippet(text))

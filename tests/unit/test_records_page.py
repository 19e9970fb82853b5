"""The page on signatures and records: every requirement once, every named file there, and no `done` without a test."""

import re

import pytest

from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "records.md"
COUNTS = {"SG": 16, "AU": 8, "TM": 4, "SQ": 7, "RC": 7, "VA": 4, "NC": 4, "IM": 2}
IDS = [f"{area}-{n:02}" for area, count in COUNTS.items() for n in range(1, count + 1)]

_ROW = re.compile(r"^\| ([A-Z]{2}-\d{2}) \|.*\|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_TEST = re.compile(r"`tests/[\w/]+/test_\w+\.py`")


def rows(text: str) -> list[list[str]]:
    """The cells of each row that begins with an id."""
    return [[cell.strip() for cell in match[0].strip("|").split("|")] for match in _ROW.finditer(text)]


def faults(row: list[str]) -> list[str]:
    """What is wrong with a row: missing cells, files that are not there, an unknown status, a claim without its test."""
    if len(row) != 5 or not all(row):
        return ["a row has five cells, none of them empty"]
    where, shown, status = row[2:]
    named = [name for name in _CODE.findall(where + shown) if "/" in name]
    found = [f"there is no {name}" for name in named if not (ROOT / name).is_file()]
    word, _, missing = status.partition(":")
    if word not in ("done", "partly", "later"):
        found.append(f"no status {word!r}")
    if word == "done" and not _TEST.search(shown):
        found.append("done, and no test shows it")
    if word == "partly" and not missing.strip():
        found.append("partly, and what is missing is not said")
    if word == "later" and (where, shown) != ("none", "none"):
        found.append("later, and yet something is named")
    return found


def test_every_requirement_has_exactly_one_row() -> None:
    assert [row[0] for row in rows(PAGE.read_text(encoding="utf-8"))] == IDS


@pytest.mark.parametrize("row", rows(PAGE.read_text(encoding="utf-8")), ids=lambda row: row[0])
def test_a_row_is_whole_and_names_what_is_there(row: list[str]) -> None:
    assert faults(row) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["SG-01", "x", "`src/holdgate/none.py`", "none", "partly: y"], "there is no src/holdgate/none.py"),
        (["SG-01", "x", "none", "`tests/unit/test_none.py`", "done"], "there is no tests/unit/test_none.py"),
        (["SG-01", "x", "none", "scenario 122", "done"], "done, and no test shows it"),
        (["SG-01", "x", "none", "none", "partly"], "partly, and what is missing is not said"),
        (["SG-01", "x", "none", "none", "planned"], "no status 'planned'"),
        (["SG-01", "x", "none", "scenario 122", "later"], "later, and yet something is named"),
        (["SG-01", "x", "none", "done"], "a row has five cells, none of them empty"),
    ],
)
def test_the_rule_objects(row: list[str], fault: str) -> None:
    assert fault in faults(row)

"""The ASVS table has every item once, says what it says with files that exist, and the threat model names tests that exist."""

import re
from collections import Counter

from tests.tidy.tree import ROOT

TABLE = ROOT / "docs" / "security" / "asvs.md"
THREATS = ROOT / "docs" / "security.md"
STATUSES = {"met", "partly", "not met", "n/a"}
ITEMS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 5, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 4, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip
"""How many items of levels 1 and 2 (and two of level 3) each section of ASVS 5.0.0 has."""

_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([123]) \| ([^|]+) \| ([^|]+) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_FILE = re.compile(r"`((?:src|tests)/[\w./-]+)`")


def test_every_item_is_there_once() -> None:
    rows = _ROW.findall(TABLE.read_text(encoding="utf-8"))
    assert len({number for number, *_ in rows}) == len(rows) == 255
    assert Counter(number.rpartition(".")[0] for number, *_ in rows) == ITEMS


def test_every_status_has_what_it_rests_on() -> None:
    for number, _, asked, status, where, tested in _ROW.findall(TABLE.read_text(encoding="utf-8")):
        assert asked.strip(), number
        assert status in STATUSES, number
        assert where.strip(), f"{number}: where, or why not"
        assert not (status in {"n/a", "not met"} and tested.strip()), f"{number}: nothing is there, and a test is named"


def test_the_sums_are_those_of_the_rows() -> None:
    text = TABLE.read_text(encoding="utf-8")
    counted = Counter(row[3] for row in _ROW.findall(text))
    said = f"{counted['met']} met, {counted['partly']} partly, {counted['not met']} not met, {counted['n/a']} n/a."
    assert said in text


def test_every_file_and_test_that_is_named_exists() -> None:
    for page in (TABLE, THREATS):
        named = set(_FILE.findall(page.read_text(encoding="utf-8")))
        assert named
        assert not [name for name in sorted(named) if not (ROOT / name).exists()], page.name

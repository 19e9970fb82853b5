"""The scoreboard says what its runs said, and only that."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.scores import Score, together
from tests.tidy.scoreboard_page import BARS, PAGE, page, read_scores, verdict

RUN = Score(
    row=2,
    check="images",
    tried=500,
    unit="images",
    bad=0,
    scale="ci",
    seconds=9,
    command="make faults",
    note="",
    date="2026-11-22",
    commit="0000000",
    machine="2 x a processor",
)
IMAGES = BARS[1]


def test_the_page_has_what_the_runs_came_to() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text, read_scores()), "docs/reliability.md is behind docs/scores: make scoreboard"


def test_a_bar_is_met_only_by_as_much_as_it_asks_for() -> None:
    assert verdict(IMAGES, [RUN]) == "met in CI"
    assert verdict(IMAGES, [replace(RUN, tried=499)]) == "**not met**: 499 of 500"
    assert verdict(IMAGES, [replace(RUN, tried=499), replace(RUN, scale="soak")]) == "met by a longer run"
    assert verdict(IMAGES, []) == "**not run**"


def test_one_bad_run_undoes_all_good_ones() -> None:
    assert verdict(IMAGES, [RUN, replace(RUN, scale="soak", bad=1)]) == "**not met**: 1 bad of 500"


def test_a_tenth_of_the_mutants_may_live() -> None:
    mutants = next(bar for bar in BARS if bar.row == 9)
    assert verdict(mutants, [replace(RUN, row=9, tried=400, bad=40)]) == "met in CI"
    assert verdict(mutants, [replace(RUN, row=9, tried=400, bad=41)]).startswith("**not met**")


def test_two_parts_of_a_run_are_one() -> None:
    more = replace(RUN, tried=30, bad=2, seconds=1, command="make more", note="n", date="2026-11-23")
    whole = replace(RUN, tried=530, bad=2, seconds=10, date="2026-11-23")
    assert together(RUN, more) == replace(whole, command="make faults; make more", note="in two parts: ; and n")
    assert together(RUN, replace(more, note="")).note == "", "what both say is said once"


@pytest.mark.parametrize(
    "other",
    [
        {"check": "others"},
        {"row": 3},
        {"scale": "soak"},
        {"unit": "bits"},
        {"commit": "0000001"},
        {"machine": "a quiet one"},
        {"command": RUN.command},
    ],
)
def test_what_is_no_part_of_a_run_is_not_added_to_it(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"two|twice"):
        together(RUN, replace(RUN, **({"command": "make more"} | other)))

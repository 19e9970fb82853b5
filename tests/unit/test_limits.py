"""At each limit a thing is let pass, one past it it is refused for that reason, or left out: the tables of `tests/limits`.

At the limit something else may still be wrong with what a table makes (a file of commas is no statement); then it is refused with
another sentence.
"""

import re
from collections.abc import Callable

import pytest

from holdgate.adapters.http_limits import Limits
from holdgate.terms import limits
from holdgate.terms.errors import HoldgateError
from tests.limits import records
from tests.limits.case import Case, Cut
from tests.limits.tables import TABLES

CASES: tuple[Case, ...] = tuple(case for table in TABLES for case in table.CASES)
CUTS: tuple[Cut, ...] = tuple(cut for table in TABLES for cut in table.CUTS)


def refusal(work: Callable[[int], object], number: int) -> str:
    """Why it was refused; empty where it was not."""
    try:
        work(number)
    except HoldgateError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case.limit}" for n, case in enumerate(CASES)])
def test_at_the_limit_it_passes_and_one_past_it_is_refused(case: Case) -> None:
    at, past = refusal(case.give, case.most), refusal(case.give, case.most + 1)
    assert past, "one past the limit was taken"
    assert len(past) < 500, "a refusal does not repeat what was too long"
    matches = re.compile(case.says)
    assert matches.search(past), past
    assert at != past
    assert not matches.search(at), at


@pytest.mark.parametrize("cut", CUTS, ids=[f"{n}-{cut.limit}" for n, cut in enumerate(CUTS)])
def test_at_the_limit_all_is_kept_and_past_it_no_more(cut: Cut) -> None:
    assert cut.keep(cut.most) == cut.most
    assert cut.keep(cut.most + 1) <= cut.most


@pytest.mark.parametrize(("limit", "word", "text"), records.WRITTEN, ids=[f"{word}" for _, word, _ in records.WRITTEN])
def test_a_broker_is_told_what_it_may_take(limit: str, word: str, text: Callable[[], str]) -> None:
    assert re.search(rf"{word}\W+{getattr(limits, limit)}\b", text())


def test_the_edge_takes_its_limits_from_there() -> None:
    edge = Limits()
    for name in edge.__struct_fields__:
        assert getattr(edge, name) == getattr(limits, f"HTTP_{name.upper()}_MAX")

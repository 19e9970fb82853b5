"""Two logs that each hold together, and tell two stories."""

import pytest

from holdgate.audit.cross import compare_imports
from holdgate.audit.replay import LogReport, Taken
from holdgate.ledger.merkle import root_of

NODE = "lab.test/N-1"
LEAVES = [bytes([n]) * 32 for n in range(9)]


def hub(size: int, leaves: list[bytes]) -> LogReport:
    return LogReport(site="HUB", imports={NODE: Taken(size=size, root=root_of(leaves[:size]).hex())}, findings=[])


def shown(leaves: list[bytes]) -> LogReport:
    report = hub(6, LEAVES)
    compare_imports([report], lambda origin, size: leaves[:size] if origin == NODE else None)
    return report


@pytest.mark.parametrize("more", [0, 1, 3])
def test_what_was_taken_in_is_what_is_shown_however_far_the_log_has_grown(more: int) -> None:
    assert shown(LEAVES[: 6 + more]).holds


def test_a_log_that_shows_another_history_than_it_told_is_named() -> None:
    [finding] = shown([*LEAVES[:3], bytes(32), *LEAVES[4:]]).findings
    assert finding.what == f"the first 6 entries of {NODE} that it took in are not the ones that {NODE} shows"


def test_a_log_that_was_set_back_behind_what_it_told_is_named() -> None:
    [finding] = shown(LEAVES[:4]).findings
    assert finding.what == f"it took in 6 entries of {NODE}, which shows only 4 here"


def test_a_log_that_is_not_at_hand_is_not_judged() -> None:
    report = hub(6, LEAVES)
    compare_imports([report], lambda origin, size: None)
    assert report.holds

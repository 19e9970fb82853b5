"""Random histories of a node: no act escapes an answer, no rule is broken by any order of acts, the fold repeats itself.

`HOLDGATE_HISTORIES` says how many histories are lived (2,000 where the shop's own machine checks a change).
"""

import os

import pytest

from tests.builders import encoded
from tests.histories import Walk

HISTORIES = int(os.environ.get("HOLDGATE_HISTORIES", "200"))
PARTS = 10
STEPS = 60


@pytest.mark.parametrize("part", range(PARTS))
def test_no_order_of_acts_breaks_a_rule_and_the_fold_repeats_itself(part: int) -> None:
    for seed in range(part, HISTORIES, PARTS):
        walk = Walk(seed)
        try:
            walk.live(STEPS)
            assert walk.again() == encoded(walk.world.state)
        except BaseException:
            print(f"the history of seed {seed}")
            raise

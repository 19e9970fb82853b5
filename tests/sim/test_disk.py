"""The simulated disk keeps what was synced, and loses or tears what was not."""

import random
from collections import Counter

import pytest

from holdgate.terms.errors import Unavailable
from tests.conformance.test_store_port import draft, head_after, snapshot
from tests.sim.disk import Disk, Faults, SimStore
from tests.sim.loop import Crashed


def disk(seed: int = 0) -> Disk:
    made = Disk(Faults(random.Random(seed), Counter()))
    made.end_life = made.cut_power
    return made


def test_what_was_committed_is_there_after_the_power_was_cut() -> None:
    on = disk()
    SimStore(on).commit([draft(0)], head_after([draft(0)]))
    on.cut_power()
    assert SimStore(on).head().size == 1
    assert [row.seq for row in SimStore(on).rows(0, 9)] == [0]


def test_what_was_not_synced_is_lost_in_some_worlds_and_kept_in_others() -> None:
    found = set()
    for seed in range(20):
        on = disk(seed)
        SimStore(on).set_cursor("HUB", 7)
        assert SimStore(on).cursor("HUB") == 7
        on.cut_power()
        found.add(SimStore(on).cursor("HUB"))
    assert found == {0, 7}


def test_a_torn_snapshot_is_not_loaded() -> None:
    torn = 0
    for seed in range(20):
        on = disk(seed)
        SimStore(on).save_snapshot(snapshot(3, b"standing" * 9))
        on.cut_power()
        torn += on.faults.hits["torn write"]
        assert (SimStore(on).load_snapshot() is None) == bool(on.faults.hits["torn write"])
    assert torn


def test_a_commit_that_failed_is_kept_or_lost_and_a_crash_in_it_leaves_all_or_nothing() -> None:
    sizes: dict[str, set[int]] = {"fail": set(), "crash": set()}
    for seed in range(40):
        for kind, error in (("fail", Unavailable), ("crash", Crashed)):
            on = disk(seed)
            setattr(on.faults, kind, 0.5)
            try:
                SimStore(on).commit([draft(0), draft(1)], head_after([draft(0), draft(1)]))
            except error:
                on.cut_power()
                sizes[kind].add(SimStore(on).head().size)
                assert len(list(SimStore(on).rows(0, 9))) == SimStore(on).head().size
    assert sizes == {"fail": {0, 2}, "crash": {0, 2}}


@pytest.mark.parametrize("put_back", [True, False])
def test_a_disk_that_is_put_back_holds_what_the_copy_held(put_back: bool) -> None:
    on = disk()
    SimStore(on).commit([draft(0)], head_after([draft(0)]))
    copy = on.base.copied()
    SimStore(on).commit([draft(1)], head_after([draft(0), draft(1)]))
    if put_back:
        on.put_back(copy)
    assert SimStore(on).head().size == (1 if put_back else 2)

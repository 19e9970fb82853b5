"""Which uses of an instrument are recalled, over random histories of its findings: the folds say what a plain reading says."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.law import event as ev
from holdgate.law.folds.facts import DOUBTS_KEPT
from holdgate.law.state import Equipment
from tests.builders import T0, YEAR, hub

NAME = "OVEN-9"
CALIBRATED, MET_BAD, PASSED, FAILED, WITHDRAWN, WITHDRAWN_BAD, AGAIN = range(7)
EVENTS: dict[int, ev.AnyEvent] = {
    CALIBRATED: ev.EquipmentCalibrated(
        equipment=NAME, as_found="in_tolerance", cal_from=T0, cal_until=T0 + YEAR, certificate="c"
    ),
    MET_BAD: ev.EquipmentCalibrated(
        equipment=NAME, as_found="out_of_tolerance", cal_from=T0, cal_until=T0 + YEAR, certificate="c"
    ),
    PASSED: ev.EquipmentChecked(equipment=NAME, result="pass", by="TECH"),
    FAILED: ev.EquipmentChecked(equipment=NAME, result="fail", by="TECH"),
    WITHDRAWN: ev.EquipmentWithdrawn(equipment=NAME),
    WITHDRAWN_BAD: ev.EquipmentWithdrawn(equipment=NAME, as_found="out_of_tolerance"),
    AGAIN: ev.EquipmentRegistered(id=NAME, equipment_class="oven", cal_from=T0, cal_until=T0 + YEAR, in_service=True),
}


class Plain(NamedTuple):
    """Stretches of uses that are recalled, and whether it is in service."""

    recalled: set[int]
    in_service: bool


def read(findings: list[int]) -> Plain:
    """Finding n is made at 10 n + 10, use n at 10 n + 5. A bad one recalls back to the good one before, and on to the next."""
    recalled, good, open_, serves = set[int](), -1, False, True
    for number, finding in enumerate(findings):
        if open_:
            recalled.add(number)  # the use between this finding and the one before
        met_bad = finding in (MET_BAD, FAILED, WITHDRAWN_BAD)
        if met_bad:
            recalled |= set(range(good + 1, number + 1))
            open_ = True
        if finding in (CALIBRATED, MET_BAD) or (finding == PASSED and serves):
            good, open_ = number, False
        serves = finding in (CALIBRATED, MET_BAD, AGAIN) or (finding == PASSED and serves)
    if open_:
        recalled.add(len(findings))
    return Plain(recalled, serves)


def folded(findings: list[int]) -> Equipment:
    world = hub().equipment(NAME)
    for number, finding in enumerate(findings):
        world.fold(EVENTS[finding], at=T0 + 10 * number + 10)
    return world.state.equipment[NAME]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=DOUBTS_KEPT))
def test_a_bad_finding_recalls_back_to_the_last_good_one_and_on_to_the_next(findings: list[int]) -> None:
    oven, plain = folded(findings), read(findings)
    assert {n for n in range(len(findings) + 1) if oven.doubted(T0 + 10 * n + 5)} == plain.recalled
    assert oven.in_service == plain.in_service


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(sorted(EVENTS)), min_size=2 * DOUBTS_KEPT, max_size=4 * DOUBTS_KEPT))
def test_what_is_forgotten_of_many_doubts_recalls_more_and_never_less(findings: list[int]) -> None:
    oven, plain = folded(findings), read(findings)
    assert {n for n in range(len(findings) + 1) if oven.doubted(T0 + 10 * n + 5)} >= plain.recalled
    assert len(oven.doubts) <= DOUBTS_KEPT


def test_many_doubts_become_as_many_as_are_kept_and_only_the_oldest_run_together() -> None:
    """Every second use was between a bad finding and a good one; the oldest three recalls became one stretch."""
    findings = [PASSED, MET_BAD] * (DOUBTS_KEPT + 2)
    plain = read(findings)
    assert len(plain.recalled) == DOUBTS_KEPT + 2
    oven = folded(findings)
    assert len(oven.doubts) == DOUBTS_KEPT
    found = {n for n in range(len(findings) + 1) if oven.doubted(T0 + 10 * n + 5)}
    assert found - plain.recalled == {2, 4}

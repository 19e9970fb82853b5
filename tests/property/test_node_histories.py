"""Random histories of a node: no act escapes an answer, no order of acts breaks a rule, the fold repeats itself.

`HOLDGATE_HISTORIES` says how many are lived, of 60 wishes each (2,000 where a change is checked: about 70 s of one core).
A twentieth as many are lived on logs besides, signed, and taken in by a business hub (100: about 30 s).
"""

import os
from typing import Any

import pytest

from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.terms.errors import InvariantBroken
from tests.builders import HUB, encoded
from tests.histories import LoggedWalk, Walk

HISTORIES = int(os.environ.get("HOLDGATE_HISTORIES", "200"))
PARTS = 20
WISHES = 60


@pytest.mark.parametrize("part", range(PARTS))
def test_no_order_of_acts_breaks_a_rule_and_the_fold_repeats_itself(part: int) -> None:
    for seed in range(part, HISTORIES, PARTS):
        walk = Walk(seed)
        try:
            walk.live(WISHES)
            assert walk.again() == encoded(walk.world.state)
        except BaseException:
            print(f"the history of seed {seed}")
            raise


@pytest.mark.parametrize("part", range(PARTS // 2))
def test_two_sites_know_the_same_and_both_logs_are_repeated_to_the_byte(part: int) -> None:
    for seed in range(part, HISTORIES // 20, PARTS // 2):
        walk = LoggedWalk(seed)
        try:
            walk.live(WISHES // 2)
            walk.report()
            told = walk.log.state.origins[f"test/{HUB}"].size
            walk.log.now = max(walk.log.now, walk.shop.now)
            walk.log.take_in(walk.shop.segment(told))
            walk.live(WISHES // 4)
            walk.report()
            for log in (walk.log, walk.shop):
                again = log.remade()
                assert again.bodies() == log.bodies()
                assert again.frozen() == log.frozen()
        except BaseException:
            print(f"the logged history of seed {seed}")
            raise


def test_the_histories_get_somewhere() -> None:
    """Half of what is wished is allowed, and every kind of event of the node comes about."""
    walks = [Walk(seed) for seed in range(60)]
    for walk in walks:
        walk.live(WISHES)
    assert sum(walk.allowed for walk in walks) > 0.35 * WISHES * len(walks)
    kinds = {type(event).__name__ for walk in walks for event, _ in walk.said}
    assert len(kinds) >= 22, sorted(kinds)


def without(gate: str) -> dict[type[c.Command], Any]:
    return {act: tuple(g for g in gates if g.name != gate) for act, gates in law._GATES.items()}


def lived(count: int) -> None:
    for seed in range(count):
        Walk(seed).live(WISHES)


@pytest.mark.parametrize(
    "gate",
    [
        "sequence.job_open",
        "sequence.not_failed",
        "sequence.in_order",
        "sequence.no_open_step",
        "sequence.step_open",
        "windows.dwell",
        "points.witnessed",
        "points.releasable",
        "environment.fit_to_start",
        "environment.good_to_sign",
        "environment.resumable",
        "environment.forward",
        "modules.permitted",
        "nonconformances.known",
        "nonconformances.authorised",
        "nonconformances.retest",
        "nonconformances.reprocess",
        "readings.complete",
        "readings.conforming",
        "readings.conceded",
        "readings.not_hidden",
        "signatures.performer",
    ],
)
def test_the_watch_sees_what_a_missing_gate_lets_pass(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The invariants can fail: without this gate some history breaks one of them."""
    monkeypatch.setattr(law, "_GATES", without(gate))
    with pytest.raises((AssertionError, LookupError, InvariantBroken)):  # an invariant, or what relies on the gate
        lived(150)

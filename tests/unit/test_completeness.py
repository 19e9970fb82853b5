"""What a contract has to say before anybody may certify it, beyond what the gates' table shows: one fault, one sentence."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law.command import ACTS
from holdgate.law.completeness import LONG_S, demandable, incomplete
from holdgate.law.contract import (
    Adaptable,
    Billing,
    Characteristic,
    Demand,
    Environment,
    Hold,
    ModuleRight,
    OnFailed,
    PayoutRule,
    Trigger,
    Window,
    Witness,
)
from holdgate.law.gates.table import GATES
from holdgate.law.technique import prepare
from holdgate.terms.errors import Malformed
from tests.builders import ADAPTABLE, documents

DWELL, TEMP, GAP, REVIEW = ADAPTABLE
DWELL_MAX = Adaptable(
    id="dwell_max",
    kind="window_max_s",
    step="S30",
    value="1200",
    min="900",
    max="1500",
    tighter="lower",
    approve=("qa",),
)
TEMP_MIN = replace(TEMP, id="temp_min", kind="characteristic_min", value="50", min="40", max="80", tighter="higher")
LAB = Environment(series="lab", sensor="SNS-1", unit="degC", min="18", max="28", max_gap_s=600, steps=("S20", "report"))
HEAT = ModuleRight(module="MOD-1", act="heat", step="S20", permit_s=60, operator_tokens=("VT",))


def said(patch: dict[str, dict[str, Any]] | None = None, technique: Any = None, **template: Any) -> list[str]:
    return incomplete(*documents(patch, sheet=technique or {}, **template))


def adapted(*items: Adaptable) -> list[str]:
    return said(technique={"adaptable": items})


def test_what_is_sound_has_no_fault() -> None:
    assert adapted(*ADAPTABLE, DWELL_MAX, TEMP_MIN) == []
    points = {"S20": {"hold": Hold(party="client"), "witness": Witness(party="client", notice_s=3600)}}
    beyond = {"environment": (LAB,), "modules": (HEAT,), "assignment": "required", "pin": "test"}
    triggers = (Trigger(on="qa_accepted", effect="tell the client"),)
    demands = (Demand(act="job.start", credentials=("VT",)),)
    assert said(points, technique=beyond, triggers=triggers, demands=demands) == []


ODD_ADAPTABLE: list[tuple[Adaptable, str]] = [
    (replace(DWELL, id="dwell min"), "is not an id"),
    (replace(DWELL, kind="window_s"), "is of the kind 'window_s'"),
    (replace(DWELL, step="S99"), "at its place the contract says nothing"),
    (replace(DWELL, step=None), "at its place the contract says nothing"),
    (replace(DWELL, step="S20"), "at its place the contract says nothing"),
    (replace(DWELL, characteristic="temp"), "at its place the contract says nothing"),
    (replace(DWELL, value="601"), "gives 601; at its place the contract says 600"),
    (replace(DWELL, min="601"), "which is not between 601 and 900"),
    (replace(DWELL, max="599"), "which is not between 600 and 599"),
    (replace(DWELL, max="1e3"), "not a decimal number"),
    (replace(DWELL, max="900.5"), "whole seconds"),
    (replace(DWELL, max=str(LONG_S + 1)), "whole seconds"),
    (replace(DWELL, tighter="lower"), "calls 'lower' tighter"),
    (replace(DWELL, tighter="up"), "calls 'up' tighter"),
    (replace(DWELL, approve=()), "names nobody"),
    (replace(DWELL, approve=("qa", "qa")), "names a role twice"),
    (replace(DWELL, approve=("qa", " ")), "without a name"),
    (replace(DWELL, approve=("qa", "technician")), "has technician agree"),
    (replace(DWELL, approve=("ai",)), "has ai agree"),
    (replace(DWELL, max="1201"), "leave nothing between its limits"),
    (replace(TEMP, characteristic="warmth"), "at its place the contract says nothing"),
    (replace(TEMP, characteristic=None), "at its place the contract says nothing"),
    (replace(TEMP, value="100"), ""),
    (replace(TEMP, min="49.9"), "leave nothing between its limits"),
    (replace(GAP, max="1.8"), ""),
    (replace(GAP, max="1.81"), "leave nothing between its limits"),
    (replace(REVIEW, approve=("qa",)), "the client does not agree"),
    (replace(REVIEW, approve=("qa",), min="3600"), ""),
    (replace(REVIEW, step="S20"), "at its place the contract says nothing"),
    (replace(REVIEW, tighter="lower"), "calls 'lower' tighter"),
]


@pytest.mark.parametrize(
    ("item", "why"), ODD_ADAPTABLE, ids=[f"{n}-{why[:30]}" for n, (_, why) in enumerate(ODD_ADAPTABLE)]
)
def test_an_adaptable_parameter_is_a_number_of_this_contract(item: Adaptable, why: str) -> None:
    found = adapted(item)
    assert bool(found) == bool(why), found
    assert any(why in sentence for sentence in found) or not why, found


def test_two_parameters_do_not_move_one_number() -> None:
    assert any("moves what another one moves" in sentence for sentence in adapted(DWELL, replace(DWELL, id="other")))
    assert any("is there twice" in sentence for sentence in adapted(DWELL, replace(TEMP, id=DWELL.id)))


def test_two_bounds_do_not_cross() -> None:
    assert adapted(DWELL, DWELL_MAX) == []
    assert len(adapted(DWELL, replace(DWELL_MAX, min="899"))) == 2
    assert adapted(TEMP, TEMP_MIN) == []
    assert len(adapted(TEMP, replace(TEMP_MIN, max="80.1"))) == 2


def test_a_window_without_an_end_has_no_end_that_moves() -> None:
    open_ended = {"S30": {"window": Window(since="S20", min_s=600)}}
    assert said(open_ended, technique={"adaptable": (replace(DWELL, max="90000"),)}) == []
    assert said(open_ended, technique={"adaptable": (DWELL_MAX,)})


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"environment": (replace(LAB, series="the lab"),)}, "is not an id"),
    ({"environment": (replace(LAB, sensor=""),)}, "is not an id"),
    ({"environment": (replace(LAB, unit=""),)}, "has no unit"),
    ({"environment": (replace(LAB, min="cold"),)}, "not a decimal number"),
    ({"environment": (replace(LAB, min=None, max=None),)}, "no numeric limit"),
    ({"environment": (replace(LAB, min="29"),)}, "the wrong way round"),
    ({"environment": (replace(LAB, max_gap_s=0),)}, "may be silent for 0 s"),
    ({"environment": (replace(LAB, steps=()),)}, "nothing rests on"),
    ({"environment": (replace(LAB, steps=("S99",)),)}, "is for S99, which is no step"),
    ({"modules": (replace(HEAT, module=""),)}, "is not an id"),
    ({"modules": (replace(HEAT, act=" "),)}, "does not say what it may do"),
    ({"modules": (replace(HEAT, step="S99"),)}, "for a step that there is not"),
    ({"modules": (replace(HEAT, permit_s=0),)}, "lasts 0 s"),
    ({"modules": (replace(HEAT, operator_tokens=("",)),)}, "is not an id"),
    ({"modules": (HEAT, HEAT)}, "twice"),
    ({"on_failed": OnFailed(resume=())}, "resumed by nobody"),
    ({"on_failed": OnFailed(resume=("technician",))}, "resumed by technician"),
    ({"pin": "shift"}, "is pinned by job or test"),
    ({"assignment": "always"}, "assignment is open or required"),
]


@pytest.mark.parametrize(("technique", "why"), BEYOND, ids=[f"{n}-{why}" for n, (_, why) in enumerate(BEYOND)])
def test_what_a_technique_rests_on_hangs_together(technique: dict[str, Any], why: str) -> None:
    found = said(technique=technique)
    assert found
    assert all(why in sentence for sentence in found)


POINTS: list[tuple[dict[str, Any], str]] = [
    ({"hold": Hold(party="")}, "the hold point of S20 names no party"),
    ({"witness": Witness(party=" ")}, "the witness point of S20 names no party"),
    ({"witness": Witness(party="client", notice_s=-1)}, "is told -1 s before"),
]


@pytest.mark.parametrize("name", ["temp", "a/b"])
def test_a_characteristic_is_there_once_and_its_name_is_no_place(name: str) -> None:
    twice = tuple(Characteristic(id=one, unit="degC", min="50", max="100") for one in ("temp", name))
    found = said({"S20": {"characteristics": twice}})
    assert f"characteristic {name} of S20 is there twice, or its name is not an id" in found


@pytest.mark.parametrize(("step", "why"), POINTS)
def test_a_point_has_a_party_and_a_notice_that_can_be_given(step: dict[str, Any], why: str) -> None:
    (sentence,) = said({"S20": step})
    assert why in sentence


TERMS: list[tuple[dict[str, Any], str]] = [
    ({"triggers": (Trigger(on="lunch", effect="eat"),)}, "a trigger waits for 'lunch'"),
    ({"triggers": (Trigger(on="qa_accepted", effect=" "),)}, "says nothing"),
    ({"demands": (Demand(act="job.begin", credentials=("VT",)),)}, "is no act on a job"),
    ({"demands": (Demand(act="help.call", credentials=("VT",)),)}, "is no act on a job"),
    ({"demands": (Demand(act="policy.update", credentials=("VT",)),)}, "is no act on a job"),
    ({"demands": (Demand(act="po.stage", credentials=("VT",)),)}, "about 'po.stage', which is no act on a job"),
    ({"demands": (Demand(act="job.assign", credentials=("VT",)),)}, "about 'job.assign', which is no act on a job"),
    ({"demands": (Demand(act="job.start", credentials=()),)}, "asks for nothing"),
    ({"demands": (Demand(act="job.start", credentials=("",)),)}, "is not an id"),
    ({"price_minor": 99}, "do not sum to the price"),
    (
        {"payouts": (PayoutRule(id="b", depends_on="on_time", amount_minor=1, currency="USD"),)},
        "within how many seconds",
    ),
]


@pytest.mark.parametrize(("template", "why"), TERMS, ids=[why for _, why in TERMS])
def test_what_an_order_template_sets_off_is_something_that_happens(template: dict[str, Any], why: str) -> None:
    (sentence,) = said(**template)
    assert why in sentence


def step(**fields: Any) -> dict[str, Any]:
    return {"patch": {"S30": fields}}


def bonus(within_s: int) -> tuple[PayoutRule, ...]:
    return (PayoutRule(id="b", depends_on="on_time", amount_minor=1, currency="USD", within_s=within_s),)


ENDS: list[tuple[str, Callable[[int], dict[str, Any]], int, int]] = [
    ("the most that a window is open", lambda n: step(window=Window(since="S20", max_s=n)), 3653 * 86_400, 1),
    ("the least that a window is shut", lambda n: step(window=Window(since="S20", min_s=n)), 0, -1),
    ("a window's two ends", lambda n: step(window=Window(since="S20", min_s=10, max_s=n)), 10, -1),
    ("a step's length", lambda n: step(duration_s=n), 31 * 86_400, 1),
    ("a step's least length", lambda n: step(duration_s=n), 0, -1),
    ("signatures of a step", lambda n: step(signatures=n), 2, 1),
    ("the fewest signatures", lambda n: step(signatures=n), 1, -1),
    ("a witness's notice", lambda n: step(witness=Witness(party="client", notice_s=n)), 3653 * 86_400, 1),
    ("no notice", lambda n: step(witness=Witness(party="client", notice_s=n)), 0, -1),
    ("silence of a series", lambda n: {"technique": {"environment": (replace(LAB, max_gap_s=n),)}}, 3653 * 86_400, 1),
    ("the least silence", lambda n: {"technique": {"environment": (replace(LAB, max_gap_s=n),)}}, 1, -1),
    ("limits of a series", lambda n: {"technique": {"environment": (replace(LAB, min=str(n)),)}}, 28, 1),
    ("the client's window", lambda n: {"client_window_s": n}, 3653 * 86_400, 1),
    ("no window for the client", lambda n: {"client_window_s": n}, 0, -1),
    ("a reader's buffer", lambda n: {"buffer_max_s": n}, 3653 * 86_400, 1),
    ("no buffer", lambda n: {"buffer_max_s": n}, 0, -1),
    ("what is on time", lambda n: {"payouts": bonus(n)}, 3653 * 86_400, 1),
    ("what is barely on time", lambda n: {"payouts": bonus(n)}, 1, -1),
    ("a trigger's words", lambda n: {"triggers": (Trigger(on="qa_accepted", effect="x" * n),)}, 200, 1),
    (
        "a milestone's amount",
        lambda n: {"billing": (Billing(id="all", when="qa_accepted", amount_minor=n),), "price_minor": n},
        1,
        -1,
    ),
    ("triggers", lambda n: {"triggers": (Trigger(on="qa_accepted", effect="tell"),) * n}, 20, 1),
]
"""What a contract may say at the very end of a range, and the step by which it leaves it."""


@pytest.mark.parametrize(("made", "last", "beyond"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_the_end_of_a_range_is_in_it_and_one_past_it_is_not(
    made: Callable[[int], dict[str, Any]], last: int, beyond: int
) -> None:
    assert said(**made(last)) == []
    assert len(said(**made(last + beyond))) == 1


def test_what_a_contract_may_demand_is_what_the_gate_asks() -> None:
    (gate,) = (gate for gate in GATES if gate.name == "tokens.demanded")
    assert {act for act in ACTS.values() if demandable(act)} == {*gate.acts}


@pytest.mark.parametrize(
    ("patch", "technique"),
    [
        ({"S30": {"window": Window(since="S99")}}, {}),
        ({"S20": {"characteristics": (Characteristic(id="t", unit="C", max="warm"),)}}, {}),
        ({}, {"adaptable": (replace(DWELL, kind="mood"),)}),
        ({}, {"adaptable": (replace(DWELL, step="S99"),)}),
        ({}, {"adaptable": (replace(TEMP, characteristic="mood"),)}),
        ({}, {"adaptable": (replace(TEMP, max="warm"),)}),
    ],
)
def test_a_draft_that_cannot_be_made_ready_is_malformed(patch: dict[str, Any], technique: dict[str, Any]) -> None:
    _, broken = documents(patch, sheet=technique)
    with pytest.raises(Malformed):
        prepare(broken, "0" * 64)

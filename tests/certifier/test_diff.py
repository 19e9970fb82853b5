"""Revision diff: what a new revision lets pass that the old one did not is never called equal or stronger."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

pytest.importorskip("z3", reason="the certifier's extra (z3-solver) is not installed")
from holdgate.certifier import diff as diff_module
from holdgate.certifier import rule_diff
from holdgate.certifier.diff import Change, compare
from holdgate.law import contract
from holdgate.law.contract import Authority, SmartPay, SmartQA
from holdgate.law.families import Bundle
from tests.certifier.contracts import pair, sample, step_of

OLD = sample()


def diff(**changes: Any) -> tuple[Change, ...]:
    return compare(pair(OLD), pair(sample(**changes)))


def only(**changes: Any) -> Change:
    found = diff(**changes)
    assert len(found) == 1, found
    return found[0]


def patch(step: str, **changes: Any) -> dict[str, Any]:
    return {"steps_patch": [{"id": step, **changes}]}


def rule(cel: str, when: str = "sign") -> list[dict[str, str]]:
    return [{"id": "own", "when": when, "cel": cel, "say": "x"}]


def depth(**changes: str) -> list[dict[str, str]]:
    item, other = step_of(OLD, "A20")["characteristics"]
    return [{**item, **changes}, other]


def test_the_same_revision_has_no_difference() -> None:
    assert diff() == ()


@pytest.mark.parametrize(
    ("changes", "place", "counterexample"),
    [
        (patch("A20", credentials=["SAFETY"]), "A20", "a person without LEVEL-2"),
        (patch("A20", zones=["LINE", "TANK", "YARD"]), "A20", "a workstation in YARD"),
        (patch("A20", characteristics=depth(max="9.2")), "A20", "etch_depth reads 8.7 um"),
        (patch("A20", characteristics=depth(U="0.4")), "A20", "etch_depth reads 2.4 um"),
        (patch("A20", characteristics=depth()[:1]), "A20", "a step signed without a reading of clean"),
        (patch("A30", window={"from": "A20", "min_s": 50, "max_s": 3600}), "A30", "a start 50 s after A20"),
        (patch("A30", window={"from": "A20", "min_s": 60, "max_s": 3700}), "A30", "a start 3700 s after A20"),
        (patch("A30", window={"from": "A20", "min_s": 60}), "A30", "a start 3601 s after A20"),
        (patch("A10", signatures=1), "A10", "a step signed once"),
        (patch("A10", kind="operation"), "A10", "a later step before this pre-check"),
        (patch("A10", equipment_classes=[]), "A10", "a start without a thermometer"),
        ({"retest": {"max": 2, "allowed_causes": ["specimen_defect", "equipment_fault"]}}, "technique",
         "retest number 2 of a step"),
        ({"offline_max_s": 50000}, "technique", "a node that was cut off for 50000 s"),
        ({"on_failed": {"resume": ["level3", "technician"]}}, "technique", "a run resumed by technician"),
        ({"documents": []}, "order", "an order without purchase_order"),
        ({"client_window_s": 3600, "adaptable": []}, "order", "a client who answers after 432000 s"),
        ({"arrival_evidence": ["broadcast", "attested"]}, "order", "an arrival shown by attested"),
        ({"modules": [{"module": "SID-OVEN", "act": "heat", "step": "A30", "permit_s": 900, "operator_tokens": ["LEVEL-2"]}]},
         "SID-OVEN may heat at A30", "an act 900 s after the permit"),
        ({"environment": [{"series": "humidity", "sensor": "SID-SENSOR", "unit": "%RH", "min": "20", "max": "65",
                           "max_gap_s": 900, "steps": ["A20", "A30"]}]}, "environment humidity", "humidity at 65 %RH"),
        (patch("A20", rules=[]), "A20", "etch_depth reads 8.1 um, clean reads 1 bool01, result pass"),
    ],
)  # fmt: skip
def test_a_weakening_is_named_with_what_passes_now(changes: dict[str, Any], place: str, counterexample: str) -> None:
    weak = [change for change in diff(**changes) if change.verdict == "WEAKER"]
    assert [change.place for change in weak] == [place]
    if place != "A20" or "rules" not in changes["steps_patch"][0]:
        assert weak[0].counterexample == counterexample
    else:
        assert "etch_depth reads" in weak[0].counterexample


def test_a_hold_or_witness_point_that_is_gone_is_a_weakening() -> None:
    tree = sample()
    steps: Any = tree["steps"]
    for step in steps:
        step.pop("hold", None)
        step.pop("witness", None)
    found = compare(pair(OLD), pair(tree))
    assert {(change.place, change.verdict) for change in found} == {("A20", "WEAKER"), ("A40", "WEAKER")}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        (patch("A20", credentials=["LEVEL-2", "SAFETY", "VISION"]), "stronger"),
        (patch("A20", characteristics=depth(min="2.1")), "stronger"),
        (patch("A20", characteristics=depth(min="2.1", max="9.1")), "INCOMPARABLE"),
        (patch("A20", characteristics=depth(unit="mil")), "INCOMPARABLE"),
        (patch("A20", zones=["LINE", "YARD"]), "INCOMPARABLE"),
        (patch("A30", window={"from": "A20", "min_s": 90, "max_s": 1800}), "stronger"),
        (patch("A30", window={"from": "A10", "min_s": 60, "max_s": 3600}), "INCOMPARABLE"),
        (patch("A40", hold={"party": "qa"}), "INCOMPARABLE"),
        (patch("A40", role="technician"), "INCOMPARABLE"),
    ],
)
def test_what_is_not_weaker_is_told_apart(changes: dict[str, Any], verdict: str) -> None:
    assert only(**changes).verdict == verdict


@pytest.mark.parametrize(
    ("cel", "verdict"),
    [
        ("!(result == 'pass' && readings.exists(x, x.id == 'etch_depth' && x.value > 80))", "equal"),
        ("result != 'pass' || readings.all(r, r.id != 'etch_depth' || r.value < 81)", "equal"),
        ("result != 'pass' || readings.all(r, r.id != 'etch_depth' || r.value <= 79)", "stronger"),
        ("result != 'pass' || readings.all(r, r.id != 'etch_depth' || r.value <= 81)", "WEAKER"),
        ("result != 'pass' || !readings.exists(r, r.id == 'etch_depth' && r.value == 60)", "INCOMPARABLE"),
        ("readings.all(r, readings.exists(q, q.id != r.id))", "INCOMPARABLE"),
    ],
)
def test_rules_are_compared_by_what_they_mean(cel: str, verdict: str) -> None:
    assert only(**patch("A20", rules=rule(cel))).verdict == verdict


def test_a_milestone_that_comes_before_the_client_is_a_weakening() -> None:
    billing = [
        {"id": "receipt", "when": "arrival", "amount_minor": 20000},
        {"id": "review", "when": "qa_accepted", "amount_minor": 30000},
        {"id": "final", "when": "qa_accepted", "amount_minor": 40000},
    ]
    found = only(billing=billing)
    assert (found.place, found.verdict) == ("milestone final", "WEAKER")
    assert found.counterexample == "an invoice at qa_accepted, before client_accepted"


def test_silence_that_becomes_consent_is_a_weakening() -> None:
    found = compare(pair(sample(on_silence="escalate")), pair(OLD))
    assert [(change.place, change.verdict) for change in found] == [("order", "WEAKER")]


def test_a_wider_range_or_fewer_approvers_of_a_parameter_are_weakenings() -> None:
    tree = sample()
    knobs: Any = tree["adaptable"]
    knobs[0]["min"] = "600"
    knobs[1]["approve"] = ["level3"]
    found = compare(pair(OLD), pair(tree))
    assert [(change.place, change.verdict) for change in found] == [
        ("adaptable dry_max", "WEAKER"),
        ("adaptable etch_min", "WEAKER"),
    ]


def matrix(**changes: Any) -> Bundle:
    scrap = Authority(disposition="scrap", roles=("qa",))
    repair = Authority(disposition="repair", roles=("qa",), client=True, evidence=True)
    quality = SmartQA(id="Q", version="1", title="QA", author="A", dispositions=(scrap, replace(repair, **changes)))
    return Bundle(*pair(OLD), quality=quality)


@pytest.mark.parametrize(
    ("changes", "counterexample"),
    [
        ({"client": False}, "repair without the client"),
        ({"evidence": False}, "repair without evidence"),
        ({"roles": ("qa", "level3")}, "repair decided by level3"),
    ],
)
def test_a_looser_authority_matrix_is_a_weakening(changes: dict[str, Any], counterexample: str) -> None:
    (found,) = compare(matrix(), matrix(**changes))
    assert (found.place, found.verdict, found.counterexample) == ("SmartQA repair", "WEAKER", counterexample)
    (back,) = compare(matrix(**changes), matrix())
    assert back.verdict == "stronger"


def test_a_higher_cap_is_a_weakening_and_a_cap_at_all_is_none() -> None:
    template, technique = pair(OLD)
    bare = replace(template, payouts=())

    def paid(cap: int) -> Bundle:
        pay = SmartPay(
            id="P", version="1", title="Pay", author="A", currency="EUR", payouts=template.payouts, cap_minor=cap
        )
        return Bundle(bare, technique, pay=pay)

    assert [change.verdict for change in compare(paid(900), paid(1000))] == ["WEAKER"]
    assert [change.verdict for change in compare((template, technique), paid(1000))] == ["stronger"]


LIGHT = {"id": "light", "unit": "lux", "min": "1000", "instrument_class": "lamp"}
CRACKS = {"id": "cracks", "unit": "count", "max": "0", "per_serial": True, "effect": "acceptance"}
NEEDED = {"requires": [{"standard": "E8", "edition": "22"}]}
CALIBRATES: dict[str, Any] = {"subject": "equipment", "yields": [{"fact": "calibration", "valid_s": 86_400}]}


def effect(value: str) -> dict[str, Any]:
    return {"steps_patch": [{"id": "A40", "characteristics": [LIGHT, {**CRACKS, "effect": value}]}]}


@pytest.mark.parametrize(
    ("old", "new", "place", "counterexample"),
    [
        (NEEDED, {}, "technique", "a job that starts while E8 22 is not in force"),
        (CALIBRATES, {**CALIBRATES, "yields": [{"fact": "calibration", "valid_s": 864_000}]}, "technique",
         "calibration, 864000 s after it was accepted"),
        (CALIBRATES, {**CALIBRATES, **effect("as_found")}, "A40", "a pass with cracks beyond its limits"),
    ],
)  # fmt: skip
def test_a_weakening_beside_the_limits_is_listed(
    old: dict[str, Any], new: dict[str, Any], place: str, counterexample: str
) -> None:
    (found,) = compare(pair(sample(**old)), pair(sample(**new)))
    assert (found.place, found.verdict, found.counterexample) == (place, "WEAKER", counterexample)
    (back,) = compare(pair(sample(**new)), pair(sample(**old)))
    assert back.verdict == "stronger"


@pytest.mark.parametrize(
    ("old", "new"),
    [(NEEDED, {"requires": [{"standard": "E8", "edition": "21"}]}), ({}, CALIBRATES), ({}, effect("other"))],
)
def test_what_cannot_be_compared_is_listed_all_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = compare(pair(sample(**old)), pair(sample(**new)))
    assert "INCOMPARABLE" in {change.verdict for change in found}


def test_each_of_two_logs_of_one_series_is_compared() -> None:
    tree = sample()
    series: Any = tree["environment"]
    second = {**series[0], "steps": ["A40"], "max": "50"}
    old = {"environment": [*series, second]}
    looser = {"environment": [{**series[0], "max": "90"}, second]}
    (found,) = compare(pair(sample(**old)), pair(sample(**looser)))
    assert (found.place, found.verdict) == ("environment humidity", "WEAKER")
    (gone,) = compare(pair(sample(**old)), pair(tree))
    assert (gone.place, gone.verdict) == ("environment humidity (2)", "WEAKER")


EDITORIAL = {
    "id",
    "version",
    "title",
    "author",
    "notation",
    "sources",
    "what",
    "name",
    "basis",
    "verified",
    "say",
    "normal",
}
"""Fields that decide nothing, or whose change is a change of something else (`normal` is made from the text of the rule)."""
ELSEWHERE = {"process", "quality", "pay", "profile", "steps", "payee", "tighter", "value", "when"}
"""Hashes and lists whose content is compared, and what has one sound value in a contract that is complete."""


def test_every_field_that_decides_something_is_compared() -> None:
    text = Path(diff_module.__file__).read_text(encoding="utf-8") + Path(rule_diff.__file__).read_text(encoding="utf-8")
    parts = [part for part in vars(contract).values() if isinstance(part, type) and issubclass(part, contract.Part)]
    fields = {f"{part.__name__}.{field}" for part in parts for field in part.__struct_fields__}
    silent = {name for name in fields if not re.search(rf"\.{name.partition('.')[2]}\b", text)}
    assert {name for name in silent if name.partition(".")[2] not in EDITORIAL | ELSEWHERE} == set()

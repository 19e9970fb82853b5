"""Seeded defects: contracts that look right and are not. Each is named after its bug, and each is refused for that bug.

Most are written in the notation. What the notation cannot say, because the engine enforces it for every contract, is seeded in the
engine: one gate is taken out of its table, and the proofs about the life of orders must then find the way that it leaves open.
"""

from typing import Any

import pytest
from msgspec.structs import replace

pytest.importorskip("z3", reason="the certifier's extra (z3-solver) is not installed")
from holdgate.certifier.findings import Defect, Findings
from holdgate.certifier.life import Life, vocabulary
from holdgate.certifier.limit_proofs import prove_limits
from holdgate.certifier.money_proofs import prove_money
from holdgate.certifier.name_proofs import prove_names
from holdgate.certifier.prove import prove
from holdgate.law.contract import Authority, PayoutRule, SmartPay, SmartQA, document_digest
from holdgate.law.families import Bundle
from holdgate.law.gates.table import GATES
from holdgate.terms.errors import Malformed
from tests.certifier.contracts import changed, pair, sample, step_of, world

SAMPLE: dict[str, Any] = sample()


def refused(tree: dict[str, Any]) -> list[Defect]:
    """What stands against a contract; one that cannot even be read is refused by its reader."""
    try:
        return prove(Bundle(*pair(tree))).defects
    except Malformed as error:
        return [Defect(proof="readable", place="contract", what=str(error))]


def beyond_structure(tree: dict[str, Any]) -> list[Defect]:
    """What the proofs find that do not need a sound structure: the law's own checks of a proposal come before them."""
    try:
        contract = Bundle(*pair(tree))
    except Malformed:
        return []
    found = Findings()
    life = Life(contract, (True,) * len(contract.technique.steps))
    prove_limits(found, contract.template, contract.technique)
    prove_names(found, life)
    prove_money(found, life)
    return found.defects


def patch(step: str, **changes: Any) -> dict[str, Any]:
    return {"steps_patch": [{"id": step, **changes}]}


def ruled(step: str, cel: str, when: str = "sign") -> dict[str, Any]:
    return patch(step, rules=[{"id": "own", "when": when, "cel": cel, "say": "x"}])


def rules(step: str, *pairs: tuple[str, str]) -> dict[str, Any]:
    return patch(
        step, rules=[{"id": f"own{n}", "when": when, "cel": cel, "say": "x"} for n, (when, cel) in enumerate(pairs)]
    )


def depth(**changes: Any) -> dict[str, Any]:
    whole = step_of(SAMPLE, "A20")
    item, other = whole["characteristics"]
    return patch("A20", characteristics=[{**item, **changes}, other])


def knob(name: str, **changes: Any) -> dict[str, Any]:
    knobs: Any = SAMPLE["adaptable"]
    return {"adaptable": [{**item, **changes} if item["id"] == name else item for item in knobs]}


def air(**changes: Any) -> dict[str, Any]:
    series: Any = SAMPLE["environment"]
    return {"environment": [{**series[0], **changes}]}


def billed(**when: str) -> dict[str, Any]:
    milestones: Any = SAMPLE["billing"]
    return {"billing": [{**item, "when": when.get(item["id"], item["when"])} for item in milestones]}


def paid(**changes: Any) -> dict[str, Any]:
    payouts: Any = SAMPLE["payouts"]
    return {"payouts": [{**payouts[0], **changes}]}


MODULE = {"module": "SID-OVEN", "act": "heat", "step": "A30", "permit_s": 600}

IN_THE_NOTATION: dict[str, tuple[dict[str, Any], str]] = {
    # rules
    "a rule reads a fact that nobody declares": (ruled("A20", "bath.temp > 4"), "readable"),
    "a rule reads a field that readings do not have": (ruled("A20", "readings.all(r, r.colour == 1)"), "readable"),
    "a rule reads readings before the step takes them": (ruled("A20", "size(readings) > 1", "start"), "structure"),
    "a rule reads the result before anybody signs": (ruled("A20", "result != 'fail'", "start"), "structure"),
    "a vacuous rule: every list has a size": (ruled("A20", "size(readings) >= 0"), "rules-ask-for-something"),
    "a vacuous rule: a job has parts": (ruled("A20", "job.parts >= 1", "start"), "rules-ask-for-something"),
    "a vacuous rule: one thing or its opposite": (
        ruled("A20", "result == 'pass' || result != 'pass'"), "rules-ask-for-something"),
    "contradictory guards: at least three and fewer than two": (
        ruled("A20", "size(readings) >= 3 && size(readings) < 2"), "rules-can-be-true"),
    "contradictory guards: two rules of one moment": (
        rules("A20", ("sign", "job.parts >= 3"), ("sign", "job.parts <= 2")), "every-step-can-pass"),
    "contradictory guards: the start and the signature": (
        rules("A20", ("start", "job.parts >= 3"), ("sign", "job.parts <= 2")), "every-step-can-pass"),
    "contradictory guards: the rule and the limits": (
        ruled("A20", "result != 'pass' || readings.exists(r, r.id == 'etch_depth' && r.value > 85)"),
        "every-step-can-pass"),
    "a rule that no start can meet: time that has not passed": (
        ruled("A20", "now - step.started >= duration('1s')", "start"), "rules-can-be-true"),
    "a rule that always divides by zero": (ruled("A20", "1 / (job.parts - job.parts) == 1", "start"), "rules-can-be-true"),
    "a redundant conjunct": (
        ruled("A20", "now - step.started > duration('2m') && now - step.started > duration('1m')"),
        "no-conjunct-is-redundant"),
    "a rule that follows from another rule": (
        rules("A20", ("start", "job.parts >= 3"), ("start", "job.parts >= 2")), "no-conjunct-is-redundant"),
    "an outcome gap: the truth cannot be signed": (
        ruled("A20", "readings.all(r, r.conforms)"), "every-outcome-can-be-signed"),
    "an outcome gap: one value between two branches": (
        ruled("A20", "result == 'pass' ? readings.all(r, r.id != 'etch_depth' || r.value <= 80)"
              " : readings.exists(r, !r.conforms || (r.id == 'etch_depth' && r.value > 81))"),
        "every-outcome-can-be-signed"),
    "an outcome gap: signed within five minutes or never, pass or fail": (
        ruled("A20", "now - step.started >= duration('5m') && now - step.started < duration('5m')"), "rules-can-be-true"),
    "a rule that cannot see the limit it is about": (depth(resolution=0), "rules-can-read-what-the-limits-say"),
    "a rule that no solver can decide for every length": (
        ruled("A40", "result != 'pass' || readings.all(r, readings.exists(q, q.value > r.value || q.id != r.id))"),
        "every-outcome-can-be-signed"),
    # limits, windows, parameters
    "limits the wrong way round": (depth(min="9", max="2"), "structure"),
    "a guard band that leaves nothing": (depth(U="4"), "structure"),
    "a wanted value outside of its own limits": (
        patch("A30", characteristics=[{"id": "oven_temp", "unit": "degC", "max": "80", "equals": "90"}]), "limits-leave-room"),
    "a tuned range that a guard band swallows": (knob("etch_min", max="8.6"), "limits-leave-room"),
    "a tuned range that empties a window": (knob("dry_max", min="30"), "windows-open-before-they-close"),
    "a window that an operation in between outlasts": (
        {"steps_patch": [{"id": "A30", "duration_s": 5000},
                         {"id": "A40", "window": {"from": "A20", "min_s": 0, "max_s": 4000}}]}, "windows-can-be-met"),
    "a window that a wait in between outlasts": (
        patch("A40", window={"from": "A20", "min_s": 0, "max_s": 30}), "windows-can-be-met"),
    "a window that the strictest tuning closes too early": (
        {"steps_patch": [{"id": "A30", "duration_s": 1900},
                         {"id": "A40", "window": {"from": "A20", "min_s": 0, "max_s": 14400}}],
         "adaptable": [{"id": "read_max", "kind": "window_max_s", "step": "A40", "value": "14400", "min": "1000",
                        "max": "14400", "tighter": "lower", "approve": ["qa"]}]}, "windows-can-be-met"),
    "a parameter that says another value than the contract": (knob("dry_max", value="3000"), "parameters-are-bounded"),
    "a parameter whose loosening applies by itself": (knob("dry_max", tighter="higher"), "parameters-are-bounded"),
    "a parameter that nobody agrees to": (knob("dry_max", approve=[]), "parameters-are-bounded"),
    "a parameter that SMART-AI agrees to": (knob("dry_max", approve=["ai"]), "parameters-are-bounded"),
    "a parameter of a step that is not there": (knob("dry_max", step="A99"), "parameters-are-bounded"),
    "two parameters that move one number": (
        {"adaptable": [*SAMPLE["adaptable"], {"id": "again", "kind": "window_max_s", "step": "A30", "value": "3600",
                                              "min": "3000", "max": "3600", "tighter": "lower", "approve": ["qa"]}]},
        "parameters-are-bounded"),
    "a client's window that shrinks without the client": (knob("review", min="3600"), "parameters-are-bounded"),
    "an environment that is never good": (air(min="70"), "environment-can-be-good"),
    "an environment that is always silent": (air(max_gap_s=0), "environment-can-be-good"),
    "an environment of a step that is not there": (air(steps=["A99"]), "environment-can-be-good"),
    "two logs of one room that exclude each other": (
        {"environment": [*SAMPLE["environment"], {"series": "humidity", "sensor": "SID-SENSOR", "unit": "%RH", "min": "65",
                                                  "max": "70", "max_gap_s": 900, "steps": ["A20"]}]},
        "environment-can-be-good"),
    # people, modules
    "a deadlock: a hold point that nobody can release": (patch("A40", hold={"party": "module"}), "every-state-can-end"),
    "a deadlock: a step that only a sensor may do": (patch("A40", role="sensor"), "every-state-can-end"),
    "a deadlock: a witness that cannot be told": (patch("A20", witness={"party": "scanner"}), "every-state-can-end"),
    "a deadlock: a failed run that nobody resumes": ({"on_failed": {"resume": []}}, "what-is-named-exists"),
    "a deadlock: everybody has to be assigned, and no step is for people": (
        {"assignment": "required", "steps_patch": [{"id": f"A{n}0", "role": "sensor"} for n in (1, 2, 3, 4)]},
        "every-state-can-end"),
    "retests for no cause": ({"retest": {"max": 1, "allowed_causes": []}}, "what-is-named-exists"),
    "a module at a step that is not there": ({"modules": [{**MODULE, "step": "A99"}]}, "what-is-named-exists"),
    "a module whose permits are over at once": ({"modules": [{**MODULE, "permit_s": 0}]}, "what-is-named-exists"),
    "a trigger on nothing that happens": (
        {"triggers": [{"on": "moon_full", "effect": "howl"}]}, "what-is-named-exists"),
    "credentials for an act that there is not": (
        {"demands": [{"act": "job.finish", "credentials": ["LEVEL-2"]}]}, "structure"),
    # money
    "money that is not conserved: a cent is missing": ({"price_minor": 90001}, "structure"),
    "an invoice without the client: all is billed at QA": (
        billed(final="qa_accepted"), "no-final-invoice-without-the-client"),
    "an invoice without the client: all is billed at arrival": (
        billed(final="arrival", review="arrival"), "no-final-invoice-without-the-client"),
    "payouts beyond the price if enough people sign": (paid(amount_minor=20000), "payouts-stay-under-their-cap"),
    "pay tied to results": (paid(depends_on="accept_rate"), "structure"),
    "a payout in another currency": (paid(currency="USD"), "structure"),
}  # fmt: skip
"""Bug → how the sample is changed, and the property that must fail."""


@pytest.mark.parametrize("bug", IN_THE_NOTATION)
def test_a_contract_with_this_bug_is_refused(bug: str) -> None:
    changes, proof = IN_THE_NOTATION[bug]
    tree = changed(SAMPLE, **changes)
    found = refused(tree)
    assert found
    if proof not in {defect.proof for defect in found}:
        assert {defect.proof for defect in found} == {"structure"}, found
        assert proof in {defect.proof for defect in beyond_structure(tree)}


def test_a_deadlock_is_told_as_a_path_that_a_person_can_read() -> None:
    found = refused(changed(SAMPLE, **patch("A40", hold={"party": "module"})))
    stuck = next(defect for defect in found if defect.proof == "every-state-can-end")
    assert stuck.place == "A40"
    assert "A40 waits until A40 is released, and nothing brings that about" in stuck.what
    assert stuck.path[1:4] == ("the order is staged", "the parts arrive", "the job is started")
    assert stuck.path[-1] == "A30 is signed as pass"


def test_an_invoice_without_the_client_is_told_as_a_path() -> None:
    found = refused(changed(SAMPLE, **billed(final="qa_accepted")))
    early = next(defect for defect in found if defect.proof == "no-final-invoice-without-the-client")
    assert early.path[-1] == "QA accepts the record as conforming"
    assert "the last invoice goes out although the client has not approved" in early.what


def test_a_gap_names_the_readings_that_cannot_be_signed() -> None:
    changes, _ = IN_THE_NOTATION["an outcome gap: one value between two branches"]
    gap = next(d for d in refused(changed(SAMPLE, **changes)) if d.proof == "every-outcome-can-be-signed")
    assert any(f"etch_depth reads {depth} um" in gap.case for depth in ("8.1", "2.5")), "both lie in the gap"


# ---- what other documents of a contract can get wrong ----------------------------------------------------------------


def quality(*dispositions: str) -> SmartQA:
    matrix = tuple(Authority(disposition=name, roles=("qa",)) for name in dispositions)
    return SmartQA(id="SP-SAMPLE", version="1", title="QA", author="SID-AUTHOR", dispositions=matrix)


def decided(tree: dict[str, Any], *dispositions: str) -> Bundle:
    """A contract with an authority matrix of its own."""
    (template, technique), matrix = pair(tree), quality(*dispositions)
    return Bundle(replace(template, quality=document_digest(matrix)), technique, quality=matrix)


def test_a_deadlock_after_rework_is_found() -> None:
    tree = changed(SAMPLE, retest={"max": 0, "allowed_causes": []}, **ruled("A30", "result == 'fail'"))
    found = prove(decided(tree, "scrap"))
    assert {"every-step-can-pass", "every-state-can-end"} <= {defect.proof for defect in found.defects}


def test_a_result_that_may_stand_is_no_deadlock_though_it_can_only_fail() -> None:
    tree = changed(SAMPLE, retest={"max": 0, "allowed_causes": []}, **ruled("A30", "result == 'fail'"))
    found = prove(decided(tree, "scrap", "report_nonconforming"))
    assert "every-state-can-end" not in {defect.proof for defect in found.defects}
    assert "every-step-can-pass" in {defect.proof for defect in found.defects}


@pytest.mark.parametrize(("cap", "sound"), [(90_000, True), (90_001, False)])
def test_a_stated_cap_is_held_against_the_price(cap: int, *, sound: bool) -> None:
    template, technique = pair(SAMPLE)
    rule = PayoutRule(
        id="r", depends_on="on_time", payee="each_signer", amount_minor=20_000, currency="EUR", within_s=9
    )
    pay = SmartPay(id="P", version="1", title="Pay", author="A", currency="EUR", payouts=(rule,), cap_minor=cap)
    life = Life(Bundle(replace(template, payouts=()), technique, pay=pay), (True,) * 4)
    found = Findings()
    prove_money(found, life)
    assert ("payouts-stay-under-their-cap" not in {defect.proof for defect in found.defects}) is sound
    assert any("cuts them short" in note for note in found.notes)


# ---- what the engine could forget ------------------------------------------------------------------------------------

IN_THE_ENGINE: dict[str, tuple[str, str]] = {
    "a test before the parts are here": ("sequence.arrived", "no-test-before-arrival-and-prechecks"),
    "a test before the pre-checks": ("sequence.in_order", "no-test-before-arrival-and-prechecks"),
    "a report before QA": ("reports.accepted", "no-report-before-qa"),
    "QA records a nonconforming result as conforming": (
        "quality.reconciled", "nothing-nonconforming-recorded-as-conforming"),
    "an outcome overlap: a pass over a reading that does not conform": (
        "readings.conforming", "nothing-nonconforming-recorded-as-conforming"),
    "an invoice by hand": ("money.invoice", "no-final-invoice-without-the-client"),
    "silence that counts before the window is over": ("reports.window_over", "no-final-invoice-without-the-client"),
    "a payout by hand": ("money.payout", "no-payout-before-qa-and-compliance"),
    "a start before the hold point is released": ("points.held", "every-declared-condition-is-enforced"),
    "a start without the witness": ("points.witnessed", "every-declared-condition-is-enforced"),
    "a start outside of the window": ("windows.dwell", "every-declared-condition-is-enforced"),
    "a start in a bad environment": ("environment.fit_to_start", "every-declared-condition-is-enforced"),
    "work under an open nonconformance": ("sequence.nonconformances", "every-declared-condition-is-enforced"),
    "work in a failed run": ("sequence.not_failed", "every-declared-condition-is-enforced"),
    "work under a stop-work": ("contracts.suspended", "every-declared-condition-is-enforced"),
    "compliance before QA": ("quality.unsigned", "every-declared-condition-is-enforced"),
    "QA over an incomplete record": ("quality.whole", "every-declared-condition-is-enforced"),
    "retests without end": ("nonconformances.retest", "every-declared-condition-is-enforced"),
    "a module without its permit": ("modules.permitted", "every-declared-condition-is-enforced"),
    "an order that nobody agreed to": ("orders.agreed", "every-declared-condition-is-enforced"),
    "a signature over missing readings": ("readings.complete", "every-declared-condition-is-enforced"),
}  # fmt: skip
"""Bug → the gate that is taken out, and the property that must fail."""


@pytest.mark.parametrize("bug", IN_THE_ENGINE)
def test_an_engine_with_this_bug_certifies_nothing(bug: str) -> None:
    gate, proof = IN_THE_ENGINE[bug]
    without = tuple(item for item in GATES if item.name != gate)
    assert len(without) == len(GATES) - 1, f"the engine has no gate {gate}"
    found = prove(Bundle(*pair(SAMPLE)), vocabulary(without)).defects
    broken = [defect for defect in found if defect.proof == proof]
    assert broken, found
    assert broken[0].path


# ---- no false refusal ------------------------------------------------------------------------------------------------


def test_the_sample_has_no_defect() -> None:
    assert refused(SAMPLE) == []


@pytest.mark.parametrize("name", ["fpi", "ht", "ten"])
def test_the_contracts_of_the_worlds_have_no_defect(name: str) -> None:
    assert refused(world(name)) == []


@pytest.mark.parametrize("name", ["fpi", "ht", "ten"])
@pytest.mark.parametrize(
    ("changes", "proof"),
    [
        ({"payouts": [], "retest": {"max": 1, "allowed_causes": []}}, "what-is-named-exists"),
        ({"price_minor": 1}, "structure"),
        ({"client_window_s": 0, "adaptable": [{"id": "w", "kind": "client_window_s", "value": "1", "min": "0", "max": "1",
                                               "tighter": "lower", "approve": ["qa"]}]}, "parameters-are-bounded"),
    ],
)  # fmt: skip
def test_the_contracts_of_the_worlds_are_refused_once_broken(name: str, changes: dict[str, Any], proof: str) -> None:
    tree = changed(world(name), **changes)
    assert refused(tree)
    assert proof in {defect.proof for defect in (*refused(tree), *beyond_structure(tree))}


@pytest.mark.parametrize("name", ["fpi", "ht", "ten"])
def test_a_world_whose_client_is_not_asked_is_refused(name: str) -> None:
    tree = world(name)
    billing: Any = tree["billing"]
    early = [{**item, "when": "arrival"} for item in billing]
    assert "no-final-invoice-without-the-client" in {d.proof for d in refused(changed(tree, billing=early))}

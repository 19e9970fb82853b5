"""More seeded defects, found by trying to get a bad contract past the certifier; and unusual contracts that are sound.

Each defect is a mistake that is easily made, or a cheat that looks like one. Each is named by the property that has to fail, and is
told in words that name the place.
"""

from typing import Any

import pytest
from msgspec.structs import replace

pytest.importorskip("z3", reason="the certifier's extra (z3-solver) is not installed")
from holdgate.certifier import findings
from holdgate.certifier.findings import FAILS, Findings
from holdgate.certifier.graph import PAY_BLIND, Graph, moves_of, prove_graph
from holdgate.certifier.life import Life, present, vocabulary
from holdgate.certifier.limit_proofs import prove_limits
from holdgate.certifier.plan import plan_runs
from holdgate.certifier.prove import prove
from holdgate.certifier.smt import Query
from holdgate.certifier.solver import Answer
from holdgate.law.contract import Authority, PayoutRule, SmartPay, SmartQA, document_digest
from holdgate.law.families import Bundle
from holdgate.law.gates.table import GATES
from holdgate.scenario.certification import certification
from tests.certifier.contracts import changed, pair, sample, world

pytestmark = pytest.mark.timeout(600)

SAMPLE: dict[str, Any] = sample()
LIGHT = {"id": "light", "unit": "lux", "min": "1000", "instrument_class": "lamp"}
CRACKS = {"id": "cracks", "unit": "count", "max": "0", "per_serial": True, "effect": "acceptance"}
KNOBS: Any = SAMPLE["adaptable"]
SERIES: Any = SAMPLE["environment"]
PLAIN: dict[str, Any] = {"environment": [], "modules": [], "adaptable": [], "on_silence": "escalate"}


def patch(step: str, **changes: Any) -> dict[str, Any]:
    return {"steps_patch": [{"id": step, **changes}]}


def patches(**steps: dict[str, Any]) -> dict[str, Any]:
    return {"steps_patch": [{"id": step, **changes} for step, changes in steps.items()]}


def rule(cel: str, when: str = "sign") -> dict[str, str]:
    return {"id": "own", "when": when, "cel": cel, "say": "x"}


def ruled(step: str, cel: str, when: str = "sign") -> dict[str, Any]:
    return patch(step, rules=[rule(cel, when)])


def cracks(**changes: Any) -> dict[str, Any]:
    return patch("A40", characteristics=[LIGHT, {**CRACKS, **changes}])


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    # readings
    "an effect with a typo: the crack decides on nothing": (
        cracks(effect="aceptance"), "what-is-named-exists", "A40 cracks: its effect is 'aceptance'"),
    "a crack that is only looked at: found on a client's part, it fails nothing": (
        cracks(effect="as_found"), "what-is-named-exists", "no value of it fails anything"),
    "a guard band that leaves fewer cracks than none": (
        cracks(U="0.5", rule="guard_band"), "limits-leave-room", "no count of cracks conforms"),
    "a yes-or-no that has to be two": (
        patch("A40", characteristics=[{"id": "ok", "unit": "bool01", "equals": "2"}]), "limits-leave-room", "no bool01 of ok"),
    "a count between two whole numbers": (
        cracks(min="0.2", max="0.8"), "limits-leave-room", "no count of cracks conforms: 0.2..0.8"),
    "a unit without a name": (cracks(unit=" "), "what-is-named-exists", "its unit has no name"),
    # rules
    "an alternative that never is: another reading is meant": (
        ruled("A40", "result != 'pass' || readings.exists(r, r.id == 'craks' && r.value == 0)"
              " || readings.all(r, r.id != 'light' || r.value >= 1200)"),
        "rules-name-what-there-is", "'cracks' is meant, perhaps"),
    "a reading of another step": (
        ruled("A40", "result != 'pass' || readings.all(r, r.id != 'etch_depth' || r.value <= 80)"),
        "rules-name-what-there-is", "names the reading 'etch_depth', which A40 does not take"),
    "a result in capitals": (
        ruled("A40", "result in ['PASS', 'FAIL'] || readings.all(r, r.conforms)"),
        "rules-name-what-there-is", "the result 'PASS', which no step can have"),
    "an alternative that contradicts itself": (
        ruled("A40", "job.parts >= 2 && job.parts <= 1 || job.parts == 3", "start"),
        "no-alternative-is-dead", "`job.parts >= 2 && job.parts <= 1` can never be true"),
    "a deviation at the window after which its own step cannot start": (
        ruled("A30", "job.deviations == 0", "start"), "a-deviation-leaves-a-way", "A30: after a deviation"),
    "a deviation that ends the job three steps later": (
        ruled("A40", "job.deviations <= 1", "start"), "a-deviation-leaves-a-way", "A40: after 2 deviations"),
    "a waiting rule that outlasts the next window": (
        patches(A30={"rules": [rule("now - step.started >= duration('3h')")]},
                A40={"window": {"from": "A20", "min_s": 0, "max_s": 7200}}),
        "windows-can-be-met", "A30 takes 10800 s and waits 60 s"),
    # people
    "a hold point that the performer lets go of": (
        patch("A40", hold={"party": "inspector"}), "what-is-named-exists", "held for the inspector, who does it"),
    "a log that the author writes": (
        {"environment": [{**SERIES[0], "sensor": "SID-AUTHOR"}]}, "what-is-named-exists", "the author and no sensor"),
    "a module that is the author": (
        {"modules": [{"module": "SID-AUTHOR", "act": "heat", "step": "A30", "permit_s": 600}]}, "what-is-named-exists",
        "the author and no module"),
    "a demand at an act where nobody asks for it": (
        {"demands": [{"act": "po.stage", "credentials": ["LEVEL-2"]}]}, "structure",
        "a demand is about 'po.stage', which is no act on a job"),
    "a pre-check after the work that waits for it": (
        patch("A40", kind="precheck"), "every-state-can-end", "A20 waits until every pre-check is complete, and nothing"),
    "causes of retests, and no retest": (
        {"retest": {"max": 0, "allowed_causes": ["specimen_defect"]}}, "what-is-named-exists", "none is allowed"),
    "a cause of retests without a name": (
        {"retest": {"max": 1, "allowed_causes": [" "]}}, "what-is-named-exists", "a cause has no name"),
    # order
    "an arrival that nothing can show": ({"arrival_evidence": []}, "what-is-named-exists", "nothing is accepted as evidence"),
    "an arrival shown by what there is not": (
        {"arrival_evidence": ["telepathy"]}, "what-is-named-exists", "telepathy is accepted as evidence"),
    "a node that is never in contact long enough": ({"offline_max_s": -1}, "what-is-named-exists", "cut off for -1 s"),
    "a node cut off for ten thousand years": (
        {"offline_max_s": 315_360_000_000}, "what-is-named-exists", "0 s to 10 years can be asked for"),
    "a currency that is none": ({"currency": "euro", "payouts": []}, "what-is-named-exists", "'euro' is no currency code"),
    "a document without a name": ({"documents": [" "]}, "what-is-named-exists", "a document is required that has no name"),
    "two editions of one standard": (
        {"requires": [{"standard": "E8", "edition": "21"}, {"standard": "E8", "edition": "22"}]}, "what-is-named-exists",
        "two editions of E8 are required"),
    "silence that is acceptance at once": (
        {"client_window_s": 0, "adaptable": KNOBS[:2]}, "silence-leaves-time-to-answer", "no time to say anything"),
    "a review window that a tuning takes away": (
        {"adaptable": [*KNOBS[:2], {**KNOBS[2], "min": "0", "approve": ["client"]}]}, "silence-leaves-time-to-answer",
        "the client's window is 0 s"),
    "a bonus for work faster than its own windows": (
        {"payouts": [{"id": "quick", "depends_on": "on_time", "payee": "each_signer", "amount_minor": 500,
                      "currency": "EUR", "within_s": 30}]}, "payouts-can-be-earned", "nobody is ever paid"),
}  # fmt: skip
"""Bug → how the sample is changed, the property that must fail, and words of the sentence that a person reads."""


@pytest.mark.parametrize("bug", REFUSED)
def test_a_contract_with_this_bug_is_refused_in_words_that_name_it(bug: str) -> None:
    changes, proof, words = REFUSED[bug]
    told = [
        defect.sentence()
        for defect in prove(Bundle(*pair(changed(SAMPLE, **changes)))).defects
        if defect.proof == proof
    ]
    assert any(words in sentence for sentence in told), told


def test_a_role_with_a_typo_is_told_though_it_is_no_defect() -> None:
    found = prove(Bundle(*pair(changed(SAMPLE, **patch("A20", role="technican")))))
    assert found.defects == []
    assert any("'technician' is meant, perhaps" in note for note in found.notes)
    assert not any("is meant" in note for note in prove(Bundle(*pair(SAMPLE))).notes)


def test_more_states_than_can_be_searched_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdgate.certifier.graph.STATES_MAX", 100)
    (found,) = prove(Bundle(*pair(SAMPLE))).defects
    assert found.proof == "every-state-can-end"
    assert "more than 100 states" in found.what


# ---- what other documents say ----------------------------------------------------------------------------------------


def may(disposition: str, *roles: str) -> Authority:
    return Authority(disposition=disposition, roles=roles)


def decided(*matrix: Authority) -> Bundle:
    template, technique = pair(SAMPLE)
    quality = SmartQA(id="SP-SAMPLE", version="1", title="QA", author="SID-AUTHOR", dispositions=matrix)
    return Bundle(replace(template, quality=document_digest(quality)), technique, quality=quality)


def paid(cap: int) -> Bundle:
    template, technique = pair(SAMPLE)
    rule = PayoutRule(id="r", depends_on="on_time", amount_minor=500, currency="EUR", within_s=86_400)
    pay = SmartPay(
        id="SP-SAMPLE", version="1", title="Pay", author="SID-AUTHOR", currency="EUR", payouts=(rule,), cap_minor=cap
    )
    return Bundle(replace(template, pay=document_digest(pay), payouts=()), technique, pay=pay)


BY_OTHERS: dict[str, tuple[Bundle, str, str]] = {
    "a cap under one amount": (paid(499), "payouts-can-be-earned", "a job pays out 499 at most"),
    "a sensor that decides": (
        decided(may("report_nonconforming", "sensor"), may("scrap", "qa")), "people-decide-on-what-failed", "'sensor'"),
    "a test that is done until it passes": (
        decided(may("rework", "qa")), "a-failing-result-can-stand", "only be done again until it passes"),
    "a failing result that only the system may let stand": (
        decided(may("rework", "qa"), may("report_nonconforming", "system")), "a-failing-result-can-stand", "until it passes"),
    "nobody may decide anything": (decided(), "a-failing-result-can-stand", "none"),
    "an authority matrix that the order template does not name": (
        decided(may("scrap", "qa"))._replace(template=pair(SAMPLE)[0]), "structure", "another SmartQA"),
    "an authority matrix that did not come along": (
        decided(may("scrap", "qa"))._replace(quality=None), "structure", "another SmartQA"),
    "pay that the order template does not name": (
        paid(900)._replace(template=replace(pair(SAMPLE)[0], payouts=())), "structure", "another SmartPay"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BY_OTHERS)
def test_a_bug_in_another_document_is_refused(bug: str) -> None:
    contract, proof, words = BY_OTHERS[bug]
    told = [defect.sentence() for defect in prove(contract).defects if defect.proof == proof]
    assert any(words in sentence for sentence in told), told


@pytest.mark.parametrize(
    "contract", [paid(500), decided(may("scrap", "qa")), decided(may("report_nonconforming", "qa"))]
)
def test_what_is_just_enough_is_not_refused(contract: Bundle) -> None:
    assert prove(contract).defects == []


# ---- unusual and sound -----------------------------------------------------------------------------------------------

SOUND: dict[str, dict[str, Any]] = {
    "an oven that is its own sensor": {"environment": [{**SERIES[0], "sensor": "SID-OVEN"}]},
    "everybody is assigned, and the client does a step": {"assignment": "required", **patch("A30", role="client"), **PLAIN},
    "parts arrive by two people's word": {"arrival_evidence": ["attested"], **PLAIN},
    "a witness told ten days before a window of ten minutes": patch(
        "A40", witness={"party": "client", "notice_s": 864_000}, window={"from": "A30", "min_s": 0, "max_s": 600}
    ),
    "an internal order whose window is over at once": {"client_window_s": 0, **PLAIN},
    "every step is a pre-check": patches(A20={"kind": "precheck"}, A30={"kind": "precheck"}, A40={"kind": "precheck"}),
    "a step that reads nothing": patch("A30", characteristics=[]),
    "a guard band that leaves one value": {
        "adaptable": KNOBS[:1],
        **patch("A20", characteristics=[{"id": "d", "unit": "um", "min": "2", "max": "4", "U": "1", "rule": "guard_band"}],
                rules=[]),
    },
    "temperatures below zero": patch(
        "A30", characteristics=[{"id": "t", "unit": "degC", "min": "-60.5", "max": "-20", "resolution": 1}]
    ),
    "three parts exactly": ruled("A20", "job.parts == 3", "start"),
    "a lot of twenty": ruled("A20", "job.parts >= 20", "start"),
    "one machine, several rights": {
        "modules": [{"module": "SID-OVEN", "act": act, "step": step, "permit_s": 600}
                    for act, step in (("heat", "A30"), ("cool", "A30"), ("heat", "A20"))],
    },
    "QA does a step": patch("A40", role="qa"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_an_unusual_contract_that_is_sound_is_certified(name: str) -> None:
    found = certification(Bundle(*pair(changed(SAMPLE, **SOUND[name]))))
    assert [defect.sentence() for defect in found.defects] == []
    assert found.certificate is not None


# ---- the prover itself -----------------------------------------------------------------------------------------------


def test_a_solver_that_knows_nothing_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def ignorant(query: Query) -> Answer:
        return Answer(verdict="unknown")

    monkeypatch.setattr(findings, "ask", ignorant)
    tree = changed(SAMPLE, **ruled("A40", "job.deviations < 3 || result == 'fail'"))
    found = prove(Bundle(*pair(tree)))
    asked = [proof for proof in found.proofs if proof.queries]
    assert len(asked) > 12
    assert {proof.name: proof.verdict for proof in asked} == {proof.name: FAILS for proof in asked}


def test_what_was_not_looked_at_is_not_said_to_hold() -> None:
    template, technique = pair(changed(SAMPLE, adaptable=[{**KNOBS[0], "approve": ["sensor"]}]))
    found = Findings()
    prove_limits(found, template, technique)
    assert [proof.name for proof in found.proofs] == ["parameters-are-bounded"]


def test_pay_that_a_failing_result_holds_back_is_found() -> None:
    life = Life(Bundle(*pair(SAMPLE)), (True,) * 4)
    moves = moves_of(life, vocabulary())
    found = Findings()
    prove_graph(found, Graph(life, [move for move in moves if move.label != "compliance.sign nonconforming"]))
    (told,) = [defect for defect in found.defects if defect.proof == PAY_BLIND]
    assert told.path[-1] == "QA accepts the record as nonconforming"


def test_a_restart_that_hides_a_bad_reading_is_found() -> None:
    without = tuple(gate for gate in GATES if gate.name != "readings.not_hidden")
    found = prove(Bundle(*pair(SAMPLE)), vocabulary(without)).defects
    assert [(defect.proof, defect.path[-1]) for defect in found] == [
        ("every-declared-condition-is-enforced", "the attempt at A10 is abandoned")
    ]


@pytest.mark.parametrize("name", ["sample", "fpi", "ht", "ten"])
def test_every_condition_that_can_stand_in_the_way_is_run_into(name: str) -> None:
    """What the graph can run into, and no run shows, would have to be among what is left out."""
    life = Life(Bundle(*pair(SAMPLE if name == "sample" else world(name))), (True,) * 20)
    moves = moves_of(life, present())
    graph = Graph(life, moves)
    plan = plan_runs(life, present(), vocabulary())
    tried = {(deed.words, deed.code) for deed in plan.deeds if deed.code}
    for move in moves:
        for guard in move.guards:
            alone = any(
                move.offered(state) and [other for other in move.guards if not other.holds(state)] == [guard]
                for state in graph.edges
            )
            of_the_job = guard.code in ("JOB_FAILED", "CONTRACT_SUSPENDED", "NCR_OPEN", "STEP_IN_PROGRESS")
            if alone and not of_the_job and f"{move.words} although not: {guard.name}" not in plan.left_out:
                assert (move.words, guard.code) in tried, (move.words, guard.name)

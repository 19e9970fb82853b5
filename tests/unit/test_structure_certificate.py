"""The certificate of structure: it says what it does not prove, and no flawed contract gets one."""

import json
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from msgspec import Raw

from holdgate.law.case import Case
from holdgate.law.contract import (
    Billing,
    Characteristic,
    PayoutRule,
    SmartClientPO,
    SmartSP,
    Step,
    StepRule,
    Window,
    document_digest,
)
from holdgate.law.decision import SEMANTICS
from holdgate.law.gates.own_rules import facts_of
from holdgate.law.rules import normal
from holdgate.law.rules.nodes import Const
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
from holdgate.certifier.facts import RULE_FACTS, rule_parser
from holdgate.certifier.structure import certify

PARSE = rule_parser()
CEL = "size(readings) >= 2 && readings.all(r, r.conforms)"


def own(cel: str = CEL, *, when: str = "sign", name: str = "two", say: str = "Two readings") -> StepRule:
    return StepRule(id=name, when=when, cel=cel, say=say, normal=Raw(PARSE(cel)))


def technique(**changes: Any) -> SmartSP:
    """A sound technique, its second step changed."""
    limit = Characteristic(id="temp", unit="degF", min="40", max="125")
    first = Step(id="S10", name="Apply", role="technician", zones=("LINE",), characteristics=(limit,))
    second = Step(
        id="S20", name="Rinse", role="technician", zones=("LINE",), window=Window(since="S10"), rules=(own(),)
    )
    second = msgspec.structs.replace(second, **changes)
    return SmartSP(id="SP-1", version="3", title="FPI", author="SID-L3-01", steps=(first, second))


def template(process: SmartSP, **changes: Any) -> SmartClientPO:
    sound = SmartClientPO(
        id="SP-1",
        version="3",
        title="FPI",
        author="SID-L3-01",
        process=document_digest(process),
        price_minor=1000,
        currency="USD",
        billing=(Billing(id="final", when="client_accepted", amount_minor=1000),),
        client_window_s=3600,
        on_silence="escalate",
    )
    return msgspec.structs.replace(sound, **changes)


def findings(process: SmartSP, **changes: Any) -> str:
    with pytest.raises(Malformed) as caught:
        certify(template(process, **changes), process)
    return str(caught.value)


def test_a_sound_contract_gets_a_certificate_that_says_what_it_does_not_prove() -> None:
    process = technique()
    order = template(process)
    raw = certify(order, process)
    said = json.loads(raw)
    assert canon.encode(said) == raw
    assert raw == certify(order, process)
    assert said["holdgate"] == "holdgate-certificate/1"
    assert said["scope"] == "structure only: no proof of behaviour"
    assert (said["contract"], said["version"], said["semantics"]) == ("SP-1", "3", SEMANTICS)
    assert (said["template"], said["technique"]) == (document_digest(order), document_digest(process))
    names = ["complete", "named", "bound", "canonical", "same-meaning", "data-flow", "ready"]
    assert said["checks"] == [{"name": name, "verdict": "holds"} for name in names]
    tree = normal.decode(PARSE(CEL))
    assert said["rules"] == [{"step": "S20", "rule": "two", "when": "sign", "sha256": normal.digest(tree)}]


def test_any_change_of_the_contract_gives_another_certificate() -> None:
    process = technique()
    assert certify(template(process), process) != certify(template(process, title="Other"), process)


def test_a_rule_whose_normal_form_says_something_else_than_its_text_is_found() -> None:
    forged = StepRule(id="two", when="sign", cel=CEL, say="x", normal=Raw(canon.encode(Const(v=True, t="bool"))))
    assert "rule two of S20: its text says" in findings(technique(rules=(forged,)))


def test_a_normal_form_in_another_spelling_is_found() -> None:
    loose = StepRule(id="two", when="sign", cel=CEL, say="x", normal=Raw(b" " + PARSE(CEL)))
    said = findings(technique(rules=(loose,)))
    assert "its normal form says something else" in said


@pytest.mark.parametrize("cel", ["readings.all(r, r.colour == 1)", "client.org == 'X'", "1.5 < 2.0", "size(", "now"])
def test_a_rule_that_reads_what_the_law_does_not_lay_before_it_is_found(cel: str) -> None:
    with pytest.raises(Malformed):
        PARSE(cel)
    forged = StepRule(id="two", when="sign", cel=cel, say="x", normal=Raw(PARSE("true")))
    assert "rule two of S20" in findings(technique(rules=(forged,)))


@pytest.mark.parametrize("cel", [CEL, "result == 'pass'", "job.parts > 1 && !readings.exists(r, !r.conforms)"])
def test_a_rule_asked_at_the_start_cannot_read_what_does_not_exist_yet(cel: str) -> None:
    assert "asked at the start, where there is no" in findings(technique(rules=(own(cel, when="start"),)))


def test_a_rule_asked_at_the_start_may_read_job_step_and_time() -> None:
    rules = (own("job.parts <= 4 && job.deviations == 0 && now >= step.started", when="start"),)
    process = technique(rules=rules)
    assert certify(template(process), process)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "step S20 has no name"),
        ({"role": " "}, "step S20 names no role"),
        ({"zones": ()}, "step S20 names no area"),
        ({"zones": ("LINE", "")}, "step S20 asks for an area without a name"),
        ({"credentials": ("",)}, "step S20 asks for a competency without a name"),
        ({"equipment_classes": ("",)}, "step S20 asks for an equipment class without a name"),
        ({"material_kinds": (" ",)}, "step S20 asks for a material without a name"),
        ({"rules": (own(), own())}, "rule two of S20 is there twice"),
        ({"rules": (own(say=" "),)}, "has no sentence"),
        ({"rules": (own(name="a b"),)}, "is not an id"),
        ({"rules": (own(when="later"),)}, "at start or sign"),
        ({"window": Window(since="S99")}, "not an earlier step"),
        ({"id": "S10"}, "step S10 is there twice"),
    ],
)
def test_a_gap_in_the_technique_is_found(changes: dict[str, object], said: str) -> None:
    assert said in findings(technique(**changes))


def test_pay_that_depends_on_a_result_is_found() -> None:
    bonus = PayoutRule(
        id="bonus", depends_on="test_result", payee="each_signer", amount_minor=5, currency="USD", within_s=60
    )
    assert "payout bonus depends on 'test_result'" in findings(technique(), payouts=(bonus,))


def test_a_template_that_names_another_technique_is_found() -> None:
    with pytest.raises(Malformed, match="names another technique"):
        certify(template(technique(name="Soak")), technique())


def test_every_finding_is_in_the_one_refusal() -> None:
    said = findings(technique(zones=(), credentials=("",), rules=(own(when="later"),)), price_minor=7, version="4")
    for part in ("no area", "competency", "at start or sign", "sum to the price", "different ids or versions"):
        assert part in said


def test_a_technique_without_steps_is_refused() -> None:
    process = msgspec.structs.replace(technique(), steps=())
    assert "no steps" in findings(process)


def test_the_schema_is_what_the_law_lays_before_a_rule() -> None:
    reading = SimpleNamespace(value="21.5", conforms=True, count=2)
    case = SimpleNamespace(
        now=1,
        command=SimpleNamespace(result="pass"),
        job=SimpleNamespace(id="J-1", serials=("A",), deviations=()),
        operation=SimpleNamespace(id="S20", measures={"temp": SimpleNamespace(resolution=1)}),
        attempt=SimpleNamespace(started_at=1, last={"temp/A": reading}),
    )
    assert shape(facts_of(cast("Case", case))) == RULE_FACTS


def shape(value: object) -> object:
    """The schema of plain facts; times are integers there."""
    if isinstance(value, dict):
        return {key: "timestamp" if key in ("now", "started") else shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return {"str": "string", "bool": "bool", "int": "int"}[type(value).__name__]

"""Scenario files: all of them are read; what the law cannot say yet is refused by name, never dropped."""

from pathlib import Path

import msgspec
import pytest

from holdgate.law.completeness import incomplete, tied_to_results
from holdgate.law.contract import SmartClientPO, SmartSP, document_digest
from holdgate.law.notation import Tree, as_list
from holdgate.scenario.files import (
    WITHOUT_EFFECT,
    Credential,
    Person,
    ScenarioFile,
    World,
    apply_given,
    homeless,
    proposed,
    read_scenario,
    read_world,
    revise,
    split_contract,
)
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from tests.places import SCENARIOS


def no_rule(text: str) -> bytes:
    raise AssertionError(f"the worlds hold no rules, but {text!r} was parsed")


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {path.stem: read_world(path) for path in sorted((SCENARIOS / "worlds").glob("*.yaml"))}


@pytest.fixture(scope="module")
def scenarios() -> list[ScenarioFile]:
    return [read_scenario(path) for path in sorted((SCENARIOS).glob("[0-9]*.yaml"))]


# ---- the project's files


def test_every_scenario_is_read_whole(scenarios: list[ScenarioFile], worlds: dict[str, World]) -> None:
    assert len(scenarios) >= 34
    assert len({scenario.id for scenario in scenarios}) == len(scenarios)
    assert sum(len(scenario.steps) for scenario in scenarios) > 500
    for scenario in scenarios:
        assert scenario.path.stem == scenario.id
        assert scenario.world in worlds
        written = scenario.path.read_text(encoding="utf-8")
        assert len(scenario.steps) == written.count("\n  - n: ")


def test_every_world_is_read_whole(worlds: dict[str, World]) -> None:
    assert sorted(worlds) == ["fpi", "ht", "ten"]
    assert [worlds[name].site.tz for name in ("fpi", "ten")] == ["America/Chicago", "America/New_York"]
    fpi, furnaces = worlds["fpi"], worlds["ht"].equipment
    assert (fpi.site.session_idle_s, fpi.site.receiving_zones) == (600, ("RECEIVING",))
    assert [(batch.batch, batch.expiry, batch.approved) for batch in fpi.materials][1] == (
        "PEN-20003", "2025-03-01", True,
    )  # fmt: skip
    assert (furnaces[0].equipment_class, furnaces[0].last_cal) == ("furnace", "2025-03-31T12:00:00Z")
    assert [(place.id, place.node) for place in fpi.workstations][:2] == [("WS-REC", None), ("WS-FPI-1", "NODE-FPI")]
    assert [node.id for node in fpi.nodes] == ["NODE-FPI", "NODE-MT", "NODE-FPI-2"]


def test_steps_carry_what_a_runner_needs(scenarios: list[ScenarioFile]) -> None:
    terms = next(scenario for scenario in scenarios if scenario.id.startswith("130"))
    first = terms.steps[0]
    assert (first.n, first.at, first.node) == (1, instant.parse("2025-04-01T13:00:00Z"), None)
    assert (first.actor_id, first.actor_role, first.action) == ("SID-HUB-01", "business_hub", "po.stage")
    assert first.inputs["serials"] == ["T1"]
    assert (first.expect.decision, first.expect.reason) == ("deny", "TERMS_NOT_ACCEPTED")
    assert terms.steps[5].expect.effects == ("terms_accepted",)
    priced = terms.steps[2].inputs["terms"]
    assert isinstance(priced, dict)
    assert priced["price_minor"] == "45000", "numbers of inputs stay texts"
    metrics = [step.expect.values for scenario in scenarios for step in scenario.steps if step.expect.values]
    assert metrics


def test_contracts_of_the_files_split_and_are_complete(scenarios: list[ScenarioFile], worlds: dict[str, World]) -> None:
    """The 34 agreed files play in 36 contracts."""
    agreed = 0
    for scenario in scenarios:
        for contract in apply_given(worlds[scenario.world], scenario.given).contracts:
            assert homeless(contract) == ()
            assert incomplete(*split_contract(contract, no_rule)) == []
            agreed += scenario.id.startswith("1")
    assert agreed == 36


def test_a_payout_in_major_units_is_a_draft_that_is_tied_to_a_result(
    scenarios: list[ScenarioFile], worlds: dict[str, World]
) -> None:
    revision = next(scenario for scenario in scenarios if scenario.id.startswith("125"))
    body = revision.steps[2].inputs["body"]
    assert isinstance(body, dict)
    tree = proposed(worlds["ten"].contracts[0], body, "6", "SID-X")
    template, technique = split_contract(tree, no_rule)
    assert (template.version, template.author, technique.version) == ("6", "SID-X", "6")
    assert [(rule.amount_minor, rule.payee, rule.within_s) for rule in template.payouts] == [(5000, "each_signer", 0)]
    assert [rule.id for rule in tied_to_results(template)] == ["pass_bonus"]


@pytest.mark.parametrize(
    ("amount", "currency", "in_minor"),
    [("50", "USD", "5000"), ("0.5", "USD", "50"), ("50", "JPY", "50"), ("1.001", "USD", None), ("ten", "USD", None)],
)
def test_an_amount_is_put_in_minor_units_or_stays_as_it_is(amount: str, currency: str, in_minor: str | None) -> None:
    rule: Tree = {"id": "b", "amount": amount, "currency": currency}
    (made,) = as_list(proposed(None, {"payouts": [rule]}, "2", "A")["payouts"], "payouts")
    assert made == (rule if in_minor is None else {"id": "b", "currency": currency, "amount_minor": in_minor})


def test_every_world_contract_splits_under_one_id_and_version(worlds: dict[str, World]) -> None:
    for world in worlds.values():
        for contract in world.contracts:
            template, technique = split_contract(contract, no_rule)
            assert (template.id, template.version) == (technique.id, technique.version)
            assert template.process == document_digest(technique)
            assert str(template.price_minor) == contract["price_minor"]
            assert len(technique.steps) == len(contract["steps"])


def test_bodies_of_proposed_revisions_revise_the_version_they_come_from(
    scenarios: list[ScenarioFile], worlds: dict[str, World]
) -> None:
    revision = next(scenario for scenario in scenarios if scenario.id.startswith("135"))
    proposal = next(step for step in revision.steps if step.action == "contract.submit")
    body = proposal.inputs["body"]
    assert isinstance(body, dict)
    old = apply_given(worlds["ten"], revision.given).contracts[0]
    _, technique = split_contract(revise(old, {**body, "version": "6"}), no_rule)
    assert (technique.version, technique.pin) == ("6", "test")
    assert [step.characteristics[0].max for step in technique.steps][:2] == ["25", "12.6"]


# ---- overrides

WORLD = """\
site: {name: Lab, tz: UTC, receiving_zones: [R], session_idle_s: 600, entry_skew_s: 120, arrival_skew_s: 300,
  arrival_fresh_s: 14400, approval_roles: [qa], report_fields: [title]}
people:
  - {id: P1, name: One, org: LAB, roles: [technician],
     credentials: {A: {valid_to: '2026-01-01'}, B: {valid_to: '2026-02-02'}}}
  - {id: P2, name: Two, org: LAB, roles: [qa]}
equipment: [{id: E1, class: oven, cal_due: '2025-07-31', status: in_service, maker: X}]
materials: [{batch: M1, kind: penetrant, expiry: '2027-04-30', approved: true}]
workstations: [{id: W1, zone: R}]
nodes: [{id: N1}]
contracts:
  - id: SP-1
    template: SmartSP
    version: '1'
    status: active
    author: P2
    title: T
    steps:
      - {id: A, name: Aa, role: technician, zones: [Z], characteristics: [{id: c, unit: mm, max: '1'}]}
      - {id: B, name: Bb, role: technician, zones: [Z]}
    price_minor: 10
    currency: USD
    billing: [{id: final, when: client_accepted, amount_minor: 10}]
    client_window_s: 60
    on_silence: escalate
"""
SCENARIO = """\
id: 999-x
title: T
world: w
variant: v
templates: [SmartSP]
clauses: []
auditor_demand: d
steps:
  - {n: 1, at: '2025-04-01T13:00:00Z', actor: {id: P1, role: technician}, action: job.start, inputs: {job: 007},
     node: N1, expect: {decision: deny, reason: NO_ARRIVAL, absent: [x], values: {queue: {held: '1'}}}}
  - {n: 2, at: '2025-04-01T13:00:00Z', actor: {id: P1, role: technician}, action: staging.metrics,
     expect: {decision: allow}}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_of(tmp_path, WORLD)


def world_of(place: Path, text: str) -> World:
    (place / "w.yaml").write_text(text, encoding="utf-8")
    return read_world(place / "w.yaml")


def scenario_of(place: Path, text: str) -> ScenarioFile:
    (place / "s.yaml").write_text(text, encoding="utf-8")
    return read_scenario(place / "s.yaml")


def test_credentials_merge_and_other_keys_replace(world: World) -> None:
    changes: Tree = [
        {
            "id": "P1",
            "roles": ["level3"],
            "credentials": {"B": {"valid_to": "2025-04-01"}, "C": {"valid_to": "2030-01-01"}},
        }
    ]
    one, two = apply_given(world, {"people": changes}).people
    assert one == Person(
        id="P1",
        name="One",
        org="LAB",
        roles=("level3",),
        credentials={
            "A": Credential(valid_to="2026-01-01"),
            "B": Credential(valid_to="2025-04-01"),
            "C": Credential(valid_to="2030-01-01"),
        },
    )
    assert two == world.people[1]


def test_entries_are_overridden_by_id_materials_by_batch_and_unknown_ones_added(world: World) -> None:
    given: dict[str, Tree] = {
        "site": {"tz": "Europe/Berlin"},
        "equipment": [{"id": "E1", "cal_due": "2025-01-01"}],
        "materials": [
            {"batch": "M1", "approved": "false"},
            {"batch": "M2", "kind": "k", "expiry": "e", "approved": "true"},
        ],
        "workstations": [{"id": "W2", "zone": "Z", "node": "N2"}],
        "nodes": [{"id": "N2"}],
    }
    changed = apply_given(world, given)
    assert (changed.site.tz, changed.site.name) == ("Europe/Berlin", "Lab")
    assert (changed.equipment[0].cal_due, changed.equipment[0].equipment_class) == ("2025-01-01", "oven")
    assert [(batch.batch, batch.approved) for batch in changed.materials] == [("M1", False), ("M2", True)]
    assert [place.id for place in changed.workstations] == ["W1", "W2"]
    assert [node.id for node in changed.nodes] == ["N1", "N2"]


def test_overrides_leave_the_world_itself_as_it_was(world: World) -> None:
    before = msgspec.json.encode(world)
    apply_given(world, {"contracts": [{"id": "SP-1", "title": "U", "steps_patch": [{"id": "A", "signatures": "2"}]}]})
    assert msgspec.json.encode(world) == before


def test_a_steps_patch_updates_steps_by_id_and_other_keys_replace(world: World) -> None:
    patch: Tree = [
        {"id": "B", "signatures": "2"},
        {"id": "A", "characteristics": [{"id": "d", "unit": "s", "max": "2"}]},
    ]
    changed = apply_given(world, {"contracts": [{"id": "SP-1", "on_silence": "deemed_accepted", "steps_patch": patch}]})
    template, technique = split_contract(changed.contracts[0], no_rule)
    assert template.on_silence == "deemed_accepted"
    assert [(step.id, step.name, step.signatures) for step in technique.steps] == [("A", "Aa", 1), ("B", "Bb", 2)]
    assert [item.id for item in technique.steps[0].characteristics] == ["d"]


@pytest.mark.parametrize(
    "given",
    [
        {"peple": []},
        {"people": [{"name": "no id"}]},
        {"people": [{"id": "P1"}, {"id": "P1"}]},
        {"people": [{"id": "P3"}]},
        {"people": [{"id": "P1", "credentials": {"A": {"until": "2026-01-01"}}}]},
        {"people": [{"id": "P1", "colour": "red"}]},
        {"site": {"tzz": "UTC"}},
        {"materials": [{"batch": "M1", "approved": "yes"}]},
        {"contracts": [{"id": "SP-1", "steps_patch": [{"id": "Z", "signatures": "2"}]}]},
    ],
)
def test_an_override_that_cannot_mean_anything_is_refused(world: World, given: dict[str, Tree]) -> None:
    with pytest.raises(Malformed):
        apply_given(world, given)


# ---- contracts


def test_a_world_contract_becomes_a_template_and_a_technique(world: World) -> None:
    template, technique = split_contract(world.contracts[0], no_rule)
    assert isinstance(template, SmartClientPO)
    assert isinstance(technique, SmartSP)
    assert (template.price_minor, template.billing[0].amount_minor, template.author) == (10, 10, "P2")
    assert [step.id for step in technique.steps] == ["A", "B"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"status": "draft"}, "status"),
        ({"template": "SmartQA"}, "template"),
        ({"process": "0" * 64}, "process"),
        ({"colour": ""}, "colour"),
        ({"steps_patch": [{"id": "A", "halt": {"party": "client"}}]}, "steps[A].halt"),
        (
            {"steps_patch": [{"id": "A", "characteristics": [{"id": "c", "unit": "s", "hue": "1"}]}]},
            "steps[A].characteristics[c].hue",
        ),
    ],
)
def test_a_key_without_a_home_is_refused_by_name(world: World, changes: dict[str, Tree], key: str) -> None:
    contract = revise(world.contracts[0], changes)
    assert homeless(contract) == (key,)
    with pytest.raises(Malformed) as caught:
        split_contract(contract, no_rule)
    assert str(caught.value).startswith("the contract SP-1 version 1 needs")
    assert key in str(caught.value)


def test_a_key_that_says_what_holds_without_it_passes(world: World) -> None:
    assert split_contract({**world.contracts[0], **WITHOUT_EFFECT}, no_rule) == split_contract(
        world.contracts[0], no_rule
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"price_minor": "10.0"}, "version 1: the order template, at price_minor"),
        ({"billing": [{"id": "final", "when": "arrival", "amount": "10"}]}, "unknown field `amount`"),
        ({"offline_max_s": "a day"}, "the technique, at offline_max_s"),
        ({"notation": "other/1"}, "other/1"),
    ],
)
def test_a_value_that_cannot_be_read_names_contract_and_path(world: World, changes: dict[str, Tree], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        split_contract({**world.contracts[0], **changes}, no_rule)
    assert said in str(caught.value)


def test_rules_of_a_world_contract_are_parsed(world: World) -> None:
    rule: Tree = {"id": "r", "when": "sign", "cel": "true", "say": "x"}
    changed = revise(world.contracts[0], {"steps_patch": [{"id": "A", "rules": [rule]}]})
    _, technique = split_contract(changed, lambda _: b'{"k":"const","t":"bool","v":true}')
    assert [(own.id, own.cel) for own in technique.steps[0].rules] == [("r", "true")]


# ---- reading


def test_a_scenario_is_read_as_written(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, SCENARIO)
    first, second = scenario.steps
    assert (scenario.path, scenario.given) == (tmp_path / "s.yaml", {})
    assert (first.node, first.inputs, first.expect.absent) == ("N1", {"job": "007"}, ("x",))
    assert first.expect.values == {"queue": {"held": "1"}}
    assert (second.inputs, second.node) == ({}, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n: 2, at: '2025-04-01T13:00:00Z'", "n: 2, at: '2025-04-01T12:59:59Z'"),
        ("n: 2,", "n: 1,"),
        ("n: 2,", "n: two,"),
        ("at: '2025-04-01T13:00:00Z'", "at: '2025-04-01'"),
        ("reason: NO_ARRIVAL, ", ""),
        ("decision: allow", "decision: allow, reason: X"),
        ("decision: allow", "decision: maybe"),
        ("decision: allow", "decision: allow, effect: [x]"),
        ("actor: {id: P1, role: technician}", "actor: P1"),
        ("variant: v", "varient: v"),
        ("variant: v\n", ""),
        ("inputs: {job: 007}", "inputs: [007]"),
    ],
)
def test_a_scenario_with_a_slip_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in SCENARIO
    with pytest.raises(Malformed, match=r"^the scenario s\.yaml"):
        scenario_of(tmp_path, SCENARIO.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("people:", "persons:"),
        ("session_idle_s: 600", "session_idle_s: 10m"),
        ("class: oven", "kind: oven"),
        ("approved: true", "approved: True"),
        ("{id: N1}", "{id: N1, zone: R}"),
        ("{id: W1, zone: R}", "{id: W1, zone: R}, {id: W1, zone: R}"),
    ],
)
def test_a_world_with_a_slip_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in WORLD
    with pytest.raises(Malformed, match=r"^the world w\.yaml"):
        world_of(tmp_path, WORLD.replace(old, new, 1))

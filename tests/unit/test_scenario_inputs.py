"""A scenario file is held against what its actions know before anything runs: a slip is named with its step."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law.notation import Tree
from holdgate.scenario.acts import ACTIONS
from holdgate.scenario.draft import Draft, Scene
from holdgate.scenario.files import ScenarioStep, apply_given, read_scenario, read_world
from holdgate.scenario.inputs import KNOWN_INPUTS, NOT_SIGNED, SIGNED, Names, check_step, names_of
from holdgate.scenario.links import OPERATIONS as LINKS
from holdgate.scenario.restores import RESTORES
from holdgate.scenario.run import run_file
from holdgate.terms.errors import Malformed
from tests.places import SCENARIOS

NAMES = Names(tz="UTC", people=("P1", "P2"), places=("W1",), nodes=("N1",), sites=("DOCK",))
AUTH: Tree = {"components": ["badge", "pin"], "session": "S1"}
USUAL: dict[str, dict[str, Tree]] = {
    "po.accept": {
        "po": "PO-1",
        "contract": "C",
        "version": "1",
        "terms": {
            "price_minor": "10",
            "currency": "USD",
            "milestones": [{"id": "final", "amount_minor": "10"}],
            "client_window_s": "60",
            "on_silence": "escalate",
        },
        "auth": AUTH,
    },
    "po.stage": {
        "po": "PO-1",
        "contract": "C",
        "version": "1",
        "node": "N1",
        "client": "X",
        "part_no": "P",
        "rev": "-",
        "serials": ["A"],
        "documents": [],
    },
    "part.arrival": {
        "part_no": "P",
        "rev": "-",
        "serials": ["A"],
        "qty": "1",
        "workstation": "W1",
        "signature": "valid",
        "reader_seq": "1",
    },
    "arrival.attest": {"part_no": "P", "rev": "-", "serials": ["A"], "qty": "1", "approvals": ["P2"], "auth": AUTH},
    "po.forward": {"po": "PO-1", "node": "N1", "serials": ["A"]},
    "identity.enrol": {"person": "P3", "kind": "person", "roles": ["technician"]},
    "material.register": {"batch": "B1", "kind": "penetrant", "expiry": "2027-04-30", "approved": "true"},
    "job.start": {"po": "PO-1", "job": "J", "node": "N1"},
    "job.split": {"job": "J", "into": [{"job": "K", "serials": ["A"]}]},
    "qa.sign": {"job": "J", "quantities": {"received": "1", "accepted": "1", "rejected": "0", "scrapped": "0"}},
    "entry.late": {"job": "J", "step": "S", "observed_at": "2025-04-01T13:00:00Z", "approved_by": "P2"},
    "node.sync": {"node": "N1", "chain": "ok"},
    "site.sync": {"site": "vault"},
    "ledger.verify": {},
    "node.restore": {"node": "N1", "source": "vault"},
    "staging.metrics": {},
}


def step_of(action: str, changes: dict[str, Any] | None = None) -> ScenarioStep:
    """Step 7 with an action's usual inputs and these changes (None: left out)."""
    inputs = {**USUAL[action], **(changes or {})}
    return ScenarioStep(
        n=7,
        at=0,  # type: ignore[arg-type]
        node=None,
        actor_id="P1",
        actor_role="technician",
        action=action,
        inputs={key: value for key, value in inputs.items() if value is not None},
        expect=None,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("action", USUAL)
def test_usual_inputs_are_fine(action: str) -> None:
    check_step(step_of(action), NAMES)


@pytest.mark.parametrize(
    ("action", "changes", "said"),
    [
        ("po.stage", {"documets": []}, "po.stage has no input 'documets'; it knows po, contract,"),
        ("staging.metrics", {"po": "PO-1"}, "staging.metrics has no input 'po'; it takes none"),
        ("ledger.verify", {"auth": AUTH}, "ledger.verify has no input 'auth'"),
        ("po.stage", {"node": None}, "po.stage needs the input 'node'; add it"),
        ("po.stage", {"node": "null"}, "po.stage needs the input 'node'; add it"),
        ("job.start", {"node": "N9"}, "'N9', which is none of the nodes here; write one of N1"),
        ("node.sync", {"node": "N9"}, "'N9', which is none of the nodes here; write one of N1"),
        (
            "node.sync",
            {"chain": "brocken"},
            "'brocken', which is none of the values that it takes here; write one of ok,",
        ),
        (
            "site.sync",
            {"site": "floor"},
            "'floor', which is none of the values that it takes here; write one of business",
        ),
        ("part.arrival", {"workstation": "W9"}, "'W9', which is none of the workstations here; write one of W1"),
        ("part.arrival", {"qty": "one"}, "'qty' of part.arrival is 'one'; write a whole number such as 3"),
        ("part.arrival", {"qty": "1.0"}, "write a whole number"),
        ("part.arrival", {"qty": "1_0"}, "write a whole number"),
        ("part.arrival", {"qty": ["1"]}, "is a list; write a whole number"),
        ("part.arrival", {"reader_seq": "x"}, "write a whole number"),
        ("part.arrival", {"serials": "A"}, "is 'A'; write a list of texts"),
        ("part.arrival", {"serials": [["A"]]}, "is a list; write a list of texts"),
        ("part.arrival", {"rev": {"a": "b"}}, "is a mapping; write a text"),
        ("part.arrival", {"buffered": "yes"}, "write one of true, false"),
        ("part.arrival", {"captured_at": "2025-04-01"}, "write a time such as"),
        ("part.arrival", {"captured_at": "noon"}, "write a time such as"),
        ("part.arrival", {"signature": "vaild"}, "write one of valid, missing"),
        ("po.stage", {"arrival_due": "soon"}, "write a day such as 2025-04-01 or a time"),
        ("po.stage", {"arrival_due": ["2025-04-01"]}, "write a day such as 2025-04-01 or a time"),
        ("po.stage", {"document_validity": "2025-04-01"}, "write a mapping"),
        ("po.stage", {"document_validity": {"drawing": "soon"}}, "at drawing, is 'soon'; write a day"),
        ("po.stage", {"signed_at": "2025-04-01"}, "write a time such as"),
        ("po.stage", {"signed_for": "N9"}, "'N9', which is none of the nodes here; write one of N1"),
        ("po.stage", {"shown_at": "before"}, "'shown_at' of po.stage is 'before'; write a whole number"),
        (
            "po.forward",
            {"slip": "copied"},
            "'copied', which is none of the values that it takes here; write one of genuine",
        ),
        ("identity.enrol", {"key_of": "P3"}, "'P3', which is none of the people here; write one of P1, P2"),
        ("identity.enrol", {"kind": None}, "identity.enrol needs the input 'kind'; add it"),
        ("material.register", {"approved": "yes"}, "write one of true, false"),
        ("arrival.attest", {"approvals": ["P3"]}, "'P3', which is none of the people here; write one of P1, P2"),
        ("arrival.attest", {"approvals": "P2"}, "write a list of texts"),
        ("arrival.attest", {"auth": {"components": ["pin"]}}, "missing required field `session`"),
        ("arrival.attest", {"auth": {"components": ["pin"], "session": "S", "ass": "P2"}}, "unknown field `ass`"),
        ("arrival.attest", {"auth": "pin"}, "is 'pin'; write a mapping"),
        ("entry.late", {"approved_by": "P3"}, "'P3', which is none of the people here"),
        ("po.accept", {"terms": {"price_minor": "10"}}, "missing required field"),
        ("po.accept", {"terms": {**USUAL["po.accept"]["terms"], "price_minor": "ten"}}, "price_minor"),  # type: ignore[dict-item]
        ("qa.sign", {"quantities": {"received": "1"}}, "missing required field"),
        ("job.split", {"into": [{"job": "K"}]}, "missing required field `serials`"),
        ("job.split", {"into": "K"}, "into"),
        ("ledger.verify", {"tampered": "1"}, "write one of true, false"),
    ],
)
def test_a_slip_in_the_inputs_is_named_with_its_step(action: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_step(step_of(action, changes), NAMES)
    assert str(caught.value).startswith("step 7: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"action": "po.stagee"}, "there is no action 'po.stagee'; look at"),
        ({"actor_id": "P9"}, "the actor is 'P9', which is none of the people here; write one of P1, P2, DOCK"),
        ({"node": "N9"}, "node is 'N9', which is none of the nodes here; write one of N1"),
    ],
)
def test_a_name_that_the_world_does_not_have_is_named_with_its_step(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed, match=r"^step 7: ") as caught:
        check_step(replace(step_of("po.stage"), **fields), NAMES)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("po.stage", {"arrival_due": "2025-04-01", "delivery_due": "2025-04-01T13:00:00Z"}),
        ("po.stage", {"amendment": "client re-approved to v4", "buffer_max_s": "-1"}),
        ("po.stage", {"node": "N9", "client": "nobody"}),  # the law answers that
        (
            "po.stage",
            {"document_validity": {"drawing": "2025-04-01"}, "workstation": "W1", "meaning": "x", "auth": AUTH},
        ),
        ("part.arrival", {"reader_seq": None, "buffered": "true", "captured_at": "2025-04-01T13:00:00+02:00"}),
        ("part.arrival", {"reader_seq": "null"}),
        ("po.accept", {"workstation": "none"}),
        ("job.start", {"signed_for": "N1", "shown_at": "3"}),
        ("po.forward", {"slip": "forged", "serials": []}),
        ("identity.enrol", {"kind": "site", "roles": [], "key_of": "P1", "approvals": ["P2"]}),
        ("arrival.attest", {"auth": {"components": [], "session": "S", "as": "P2"}, "approvals": []}),
        ("part.arrival", {"serials": []}),
    ],
)
def test_what_only_the_law_can_judge_is_left_to_it(action: str, changes: dict[str, Any]) -> None:
    check_step(step_of(action, changes), NAMES)


def test_an_input_that_a_row_needs_and_the_table_does_not_know_is_named_too() -> None:
    """A second line of defence: an action's maker may ask for more than its line says."""
    draft = Draft(Scene("UTC", {}, {}, {}), step_of("job.start", {"job": None}), "1")
    with pytest.raises(Malformed, match=r"^step 7: job\.start needs the input 'job'; add it$"):
        ACTIONS["job.start"][1](draft, "N1")


def test_a_newcomer_and_the_dock_act_too() -> None:
    world = read_world(SCENARIOS / "worlds" / "fpi.yaml")
    enrolment, unknown = step_of("identity.enrol"), replace(step_of("ledger.verify"), actor_id="P3")
    check_step(unknown, names_of(world, [enrolment]))
    with pytest.raises(Malformed, match=r"the actor is 'P3', which is none of the people here"):
        check_step(unknown, names_of(world))
    check_step(replace(step_of("po.forward"), actor_id="DOCK"), NAMES)


# ---- the table and the vocabulary


def test_every_action_that_runs_has_its_line() -> None:
    unsigned = {*LINKS, *RESTORES}
    assert sorted({*ACTIONS, *unsigned} - {*KNOWN_INPUTS}) == []
    assert sorted(unsigned) == sorted(NOT_SIGNED)
    assert not {*ACTIONS} & unsigned


def actions_of(name: str) -> str:
    """The list of actions of a document in the scenarios' folder."""
    text = (SCENARIOS / name).read_text(encoding="utf-8")
    return text.partition("\n## Actions (inputs)\n")[2].partition("\n## ")[0]


def test_the_table_has_the_vocabularys_actions_and_the_projects_own() -> None:
    actions: dict[str, set[str]] = {"_VOCABULARY.md": set(), "README.md": set()}
    for name, found in actions.items():
        for family, verbs in re.findall(r"(?<![\w.])([a-z]+)\.([a-z]+(?:/[a-z]+)*)", actions_of(name)):
            found.update(f"{family}.{verb}" for verb in verbs.split("/"))
    agreed, own = actions.values()
    assert not agreed & own
    assert sorted(agreed | own) == sorted(KNOWN_INPUTS)


def test_the_projects_own_actions_have_the_inputs_that_are_written_down() -> None:
    signing = {word.partition(":")[0] for word in SIGNED.split()}
    listed = re.findall(r"([a-z]+\.[a-z]+)\(([^)]*)\)", actions_of("README.md"))
    assert listed
    for action, inputs in listed:
        names = [item.partition(" = ")[0] for item in inputs.split(", ") if item]
        known = [re.sub(r":\w+", "", word) for word in KNOWN_INPUTS[action].split()]
        assert [name for name in names if name not in signing] == known, action


def test_every_step_of_the_files_passes() -> None:
    checked = 0
    for path in sorted((SCENARIOS).glob("[0-9]*.yaml")):
        scenario = read_scenario(path)
        world = read_world(path.parent / "worlds" / f"{scenario.world}.yaml")
        names = names_of(apply_given(world, scenario.given), scenario.steps)
        for step in scenario.steps:
            check_step(step, names)
            checked += 1
    assert checked > 500


# ---- files that cannot be run at all

WORLD = """\
site: {name: Lab, tz: UTC, receiving_zones: [R], session_idle_s: 600, entry_skew_s: 120, arrival_skew_s: 300,
  arrival_fresh_s: 14400, approval_roles: [qa], report_fields: [title]}
people: [{id: P1, name: One, org: LAB, roles: [qa]}]
"""
HEAD = "id: x\ntitle: T\nworld: w\nvariant: v\ntemplates: []\nclauses: []\nauditor_demand: d\n"
STEP = """\
steps:
  - {n: 3, at: '2025-04-01T13:00:00Z', actor: {id: P1, role: qa}, action: staging.metrics, expect: {decision: allow}}
"""


def written(place: Path, scenario: bytes | None, world: bytes | None = WORLD.encode()) -> Path:
    (place / "worlds").mkdir()
    for path, content in ((place / "s.yaml", scenario), (place / "worlds" / "w.yaml", world)):
        if content is not None:
            path.write_bytes(content)
    return place / "s.yaml"


@pytest.mark.parametrize(
    ("scenario", "world", "said"),
    [
        (None, WORLD, "the scenario s.yaml cannot be read from .*: No such file or directory"),
        (HEAD + STEP, None, "the world w.yaml cannot be read from .*: No such file or directory"),
        (HEAD, WORLD, "the scenario s.yaml has no steps, .*; write at least one"),
        (HEAD + "steps: []\n", WORLD, "the scenario s.yaml has no steps"),
        (HEAD + STEP.replace("T13", "T25"), WORLD, r"the scenario s\.yaml, step 3\.at: "),
        (HEAD + STEP.replace("n: 3", "n: three"), WORLD, r"the scenario s\.yaml, at steps\[0\]"),
        (HEAD + STEP.replace("role: qa", "rule: qa"), WORLD, r"the scenario s\.yaml, step 3, at actor"),
        (HEAD + STEP.replace("P1", "P2"), WORLD, "step 3: the actor is 'P2'"),
        (HEAD + STEP.replace("metrics", "metric"), WORLD, "step 3: there is no action 'staging.metric'"),
        (HEAD + STEP, WORLD, "the world has nobody who is admin"),
    ],
)
def test_a_file_that_cannot_run_says_why_and_where(
    tmp_path: Path, scenario: str | None, world: str | None, said: str
) -> None:
    path = written(tmp_path, None if scenario is None else scenario.encode(), None if world is None else world.encode())
    with pytest.raises(Malformed, match=f"^{said}"):
        run_file(path)


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"title: \xff\xfe")
    with pytest.raises(Malformed, match=r"^the scenario s\.yaml is no UTF-8 text \(byte 7\); save it as UTF-8$"):
        run_file(path)
    path.write_text(HEAD + STEP)
    (tmp_path / "worlds" / "w.yaml").write_bytes(b"\xc3")
    with pytest.raises(Malformed, match=r"^the world w\.yaml is no UTF-8 text"):
        run_file(path)
    with pytest.raises(Malformed, match=r"^the scenario worlds cannot be read"):
        run_file(tmp_path / "worlds")

"""Real contracts to prove and to break: the sample beside this file, and those of the scenarios' worlds."""

from pathlib import Path
from typing import Any

from holdgate.certifier.facts import rule_parser
from holdgate.law.contract import SmartClientPO, SmartSP
from holdgate.law.notation import Tree, as_mapping, read_yaml
from holdgate.scenario.files import read_world, revise, split_contract
from tests.places import SCENARIOS

Pair = tuple[SmartClientPO, SmartSP]
PARSE = rule_parser()
SAMPLE = Path(__file__).parent / "sample.yaml"


def sample(**changes: Any) -> dict[str, Tree]:
    """The sample's tree; `steps_patch` updates steps by id, other keys replace."""
    tree = as_mapping(read_yaml(SAMPLE.read_text(encoding="utf-8"), "the sample"), "the sample")
    return revise(tree, spelled(changes))


def world(name: str) -> dict[str, Tree]:
    """The (first) contract of a scenario world."""
    return read_world(SCENARIOS / "worlds" / f"{name}.yaml").contracts[0]


def changed(tree: dict[str, Tree], **changes: Any) -> dict[str, Tree]:
    """A contract's tree with changes."""
    return revise(tree, spelled(changes))


def spelled(value: Any) -> Any:
    """Plain values as a file would spell them: every scalar a text."""
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [spelled(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def step_of(tree: dict[str, Tree], step: str) -> dict[str, Any]:
    """One step of a tree."""
    steps: Any = tree["steps"]
    found: dict[str, Any] = next(item for item in steps if item["id"] == step)
    return found


def pair(tree: dict[str, Tree]) -> Pair:
    """The two documents."""
    return split_contract(tree, PARSE)

"""Worlds that name a contract's file, and scenarios that go on where another one is."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from holdgate.certifier.facts import rule_parser
from holdgate.law.contract import SmartPay, SmartQA
from holdgate.scenario.bundles import bundle_of, bundles_of, read_contract
from holdgate.scenario.continued import read_whole
from holdgate.scenario.files import apply_given, read_world
from holdgate.terms.errors import Malformed, Unavailable
from tests.places import SCENARIOS
from tests.templates import HOME

PARSE = rule_parser()
ORDER = HOME / "client-order"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A template that a test may change."""
    shutil.copytree(ORDER, tmp_path / "client-order")
    return tmp_path / "client-order"


# ---- contracts from files


def test_a_contract_is_read_with_everything_that_it_names() -> None:
    (held,) = bundles_of(read_world(ORDER / "scenarios" / "worlds" / "lab.yaml"), PARSE)
    assert held.template.id == held.technique.id == "VIS-DIM-1"
    assert isinstance(held.quality, SmartQA)
    assert isinstance(held.pay, SmartPay)
    assert len(held.documents) == 4


def test_the_path_counts_from_the_worlds_folder_also_after_given() -> None:
    world = apply_given(read_world(ORDER / "scenarios" / "worlds" / "lab.yaml"), {"site": {"session_idle_s": "60"}})
    assert bundles_of(world, PARSE)[0].template.id == "VIS-DIM-1"


def test_a_contract_that_is_written_out_is_split_as_before() -> None:
    world = read_world(SCENARIOS / "worlds" / "fpi.yaml")
    (held,) = bundles_of(world, PARSE)
    assert (held.quality, held.pay) == (None, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "OTHER"}, "the contract OTHER version 1: its file holds VIS-DIM-1 version 1"),
        ({"version": "2"}, "its file holds VIS-DIM-1 version 1"),
        ({"price_minor": "1"}, "price_minor cannot be changed here"),
        ({"steps_patch": []}, "steps_patch cannot be changed here"),
    ],
)
def test_what_a_world_says_of_it_has_to_be_true(changes: dict[str, Any], said: str) -> None:
    tree = {"id": "VIS-DIM-1", "version": "1", "from": "contract.yaml"} | changes
    with pytest.raises(Malformed, match=said):
        bundle_of(tree, ORDER, PARSE)


@pytest.mark.parametrize("missing", ["contract.yaml", "technique.yaml", "quality.yaml", "pay.yaml"])
def test_a_file_that_is_missing_is_named(copy: Path, missing: str) -> None:
    (copy / missing).unlink()
    with pytest.raises(Unavailable, match=missing):
        read_contract(copy / "contract.yaml", PARSE)


def test_a_named_file_lies_beside_the_contract(copy: Path) -> None:
    path = copy / "contract.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("pay: pay.yaml", "pay: ../pay.yaml"), encoding="utf-8")
    with pytest.raises(Malformed, match="is not an id"):
        read_contract(path, PARSE)


# ---- scenarios that go on


def scenario(folder: Path, name: str, steps: list[tuple[int, int]], **head: Any) -> Path:
    """A scenario with steps at (number, minute)."""
    tree = {
        "id": name, "title": name, "world": "lab", "variant": "", "templates": [], "clauses": [], "auditor_demand": "",
        **head,
        "steps": [
            {"n": n, "at": f"2025-04-01T13:{minute:02}:00Z", "actor": {"id": "A", "role": "qa"}, "action": name,
             "expect": {"decision": "allow"}}
            for n, minute in steps
        ],
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return path


def told(path: Path) -> list[tuple[int, str]]:
    return [(step.n, step.action) for step in read_whole(path).steps]


def test_steps_of_the_other_file_come_first(tmp_path: Path) -> None:
    scenario(tmp_path, "first", [(1, 0), (2, 5), (4, 9)])
    whole = scenario(tmp_path, "whole", [(5, 9)], after="first.yaml")
    part = scenario(tmp_path, "part", [(3, 6)], after="first.yaml", until=2)
    further = scenario(tmp_path, "further", [(4, 7)], after="part.yaml")
    assert told(whole) == [(1, "first"), (2, "first"), (4, "first"), (5, "whole")]
    assert told(part) == [(1, "first"), (2, "first"), (3, "part")]
    assert told(further) == [(1, "first"), (2, "first"), (3, "part"), (4, "further")]


def test_given_is_the_later_files_where_it_has_any(tmp_path: Path) -> None:
    scenario(tmp_path, "first", [(1, 0)], given={"site": {"tz": "UTC"}})
    same = scenario(tmp_path, "same", [(2, 1)], after="first.yaml")
    own = scenario(tmp_path, "own", [(2, 1)], after="first.yaml", given={"site": {"tz": "Asia/Tokyo"}})
    assert read_whole(same).given == {"site": {"tz": "UTC"}}
    assert read_whole(own).given == {"site": {"tz": "Asia/Tokyo"}}


@pytest.mark.parametrize(
    ("steps", "head", "said"),
    [
        ([(2, 1)], {"after": "first.yaml", "until": 3}, "comes after step 3 of first.yaml, which has no such step"),
        ([(2, 1)], {"after": "first.yaml", "world": "other"}, "which is in the world lab, not in other"),
        ([(1, 1)], {"after": "first.yaml"}, "its number or time goes back"),
        ([(2, 0)], {"after": "first.yaml"}, "its number or time goes back"),
        ([(2, 1)], {"after": "../first.yaml"}, "is not an id"),
        ([(2, 1)], {"after": "next.yaml"}, "comes after next.yaml, which comes after it"),
        ([(2, 1)], {"after": "loop.yaml"}, "which comes after it"),
    ],
)
def test_what_does_not_go_on_is_refused(
    tmp_path: Path, steps: list[tuple[int, int]], head: dict[str, Any], said: str
) -> None:
    scenario(tmp_path, "first", [(1, 0 if "until" in head or "world" in head else 1)])
    scenario(tmp_path, "loop", [(1, 0)], after="next.yaml")
    with pytest.raises(Malformed, match=said):
        read_whole(scenario(tmp_path, "next", steps, **head))

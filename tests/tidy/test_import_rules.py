"""The import rules stay in force: each module that a contract names exists, so that a renamed file stays in its rule.

`lint-imports` checks the contracts; it takes a pattern that matches nothing for kept. This test does not.
"""

import re
import tomllib
from typing import Any

from tests.tidy.tree import PACKAGE, ROOT, sources

PENDING = frozenset(
    {
        "holdgate.adapters.registry",
    }
)
"""Named by a contract, not written yet. A name leaves this list when its module arrives, and never comes back."""


def contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def named(contract: dict[str, Any]) -> set[str]:
    """Every module or pattern of the project's own that the contract names."""
    found: set[str] = set()
    for layer in contract.get("layers", []):
        found.update(f"holdgate.{part.strip(' ()')}" for part in re.split(r"[|:]", layer))
    for key in ("source_modules", "forbidden_modules", "protected_modules", "allowed_importers", "modules"):
        found.update(contract.get(key, []))
    for pair in contract.get("ignore_imports", []):
        found.update(part.strip() for part in pair.split("->"))
    return {name for name in found if name.startswith("holdgate.")}


def unmatched(names: set[str], modules: set[str]) -> set[str]:
    return {name for name in names if not any(_pattern(name).fullmatch(module) for module in modules)}


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*\*", r".+").replace(r"\*", r"[^.]+"))


def test_every_named_module_exists_or_is_awaited() -> None:
    names = {name for contract in contracts() for name in named(contract)}
    missing = unmatched(names, {source.module for source in sources("src")})
    # A package may hold nothing but its __init__ so far; `holdgate.cli.**` then stands for what will come.
    missing = {
        name for name in missing if not (name.endswith(("**", ".*")) and (PACKAGE / name.split(".")[1]).is_dir())
    }
    lost = missing - PENDING
    assert not lost, f"Contracts in pyproject.toml name modules that do not exist, so they keep nothing: {sorted(lost)}"


def test_what_has_arrived_is_awaited_no_longer() -> None:
    arrived = PENDING - unmatched(set(PENDING), {source.module for source in sources("src")})
    assert not arrived, f"These are written; take them off PENDING, so that their rules cannot lapse: {sorted(arrived)}"


def test_the_rule_itself() -> None:
    modules = {"holdgate.engine.append", "holdgate.law.gates.order"}
    assert unmatched({"holdgate.*.append", "holdgate.engine.append", "holdgate.law.**"}, modules) == set()
    assert unmatched({"holdgate.*.order", "holdgate.engine.appends", "holdgate.engine"}, modules) == {
        "holdgate.*.order",
        "holdgate.engine.appends",
        "holdgate.engine",
    }
    contract = {
        "layers": ["cli", "(web) | adapters"],
        "ignore_imports": ["holdgate.a -> holdgate.b"],
        "modules": ["os"],
    }
    assert named(contract) == {"holdgate.cli", "holdgate.web", "holdgate.adapters", "holdgate.a", "holdgate.b"}

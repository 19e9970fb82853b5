"""Every module is imported by another or is an entry point: what nobody reaches still wants its use, or is dead."""

import ast
import tomllib
from collections.abc import Iterable

from tests.tidy.tree import ROOT, Source, snippet, sources

ALLOWED: dict[str, str] = {
    "holdgate.invoicing.schematron": "a program of its own, which holdgate.invoicing.validate starts by its name",
}
"""Module → why nothing imports it, though it is alive. Used from tests alone is not a reason."""


def imported_by(source: Source) -> set[str]:
    """Everything that the source imports, by full name; a name imported from a package counts as its module too."""
    found: set[str] = set()
    package = source.module if source.path.endswith("/__init__.py") else source.module.rpartition(".")[0]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def entry_points() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project.get("scripts", {}).values()]
    for group in project.get("entry-points", {}).values():
        named += group.values()
    return {value.partition(":")[0] for value in named}


def dead(every: Iterable[Source], entries: set[str]) -> list[str]:
    every = list(every)
    reached = set(entries)
    for source in every:
        reached |= imported_by(source) - {source.module}
    return [
        source.module
        for source in every
        if source.module not in reached and not source.path.endswith(("/__init__.py", "/__main__.py"))
    ]


def test_every_module_is_used() -> None:
    found = [module for module in dead(sources("src"), entry_points()) if module not in ALLOWED]
    assert not found, f"Nothing imports these; use or remove them, or say why in ALLOWED: {found}"


def test_the_allow_list_holds_nothing_else() -> None:
    found = dead(sources("src"), entry_points())
    stale = [module for module in ALLOWED if module not in found]
    assert not stale, f"In use, or gone: take them off ALLOWED: {stale}"
    assert all(ALLOWED.values()), "each says why"


def test_the_rule_itself() -> None:
    used = snippet("x = 1", path="src/holdgate/law/used.py")
    near = snippet("x = 1", path="src/holdgate/law/near.py")
    lonely = snippet("import holdgate.law.lonely", path="src/holdgate/law/lonely.py")
    start = snippet("from holdgate.law import used\nfrom ..law.near import x", path="src/holdgate/cli/app.py")
    init = snippet("", path="src/holdgate/law/__init__.py")
    every = [used, near, lonely, start, init]
    assert dead(every, {"holdgate.cli.app"}) == ["holdgate.law.lonely"], "importing oneself does not count"
    assert dead(every, set()) == ["holdgate.law.lonely", "holdgate.cli.app"]

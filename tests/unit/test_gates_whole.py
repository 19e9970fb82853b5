"""The table of gates, whole: every gate, act and code has its case, and no gate is dead.

Where a case is refused by its gate alone, `test_no_gate_is_dead` takes the gate away and sees the answer change.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law import event as ev
from holdgate.law.denial import BY_NAME
from holdgate.law.event import AUTHORITY
from holdgate.law.gates.table import GATES
from holdgate.law.outcomes import OUTCOMES
from holdgate.law.says import can_say
from holdgate.terms.errors import InvariantBroken
from tests.builders import Asked
from tests.gate_cases import every_row, names_twice

ROWS = every_row()
NEVER = {c.RepinJob, c.WriteVault, c.ApplyChange, c.IssueInvoice, c.ReleasePayout}
"""Wishes that are always refused."""


def gates_and_codes() -> set[tuple[str, str]]:
    return {(row.gate, row.code) for row in ROWS}


def test_every_gate_has_a_case() -> None:
    missing = {gate.name for gate in GATES} - {row.gate for row in ROWS}
    assert not missing


def test_every_act_has_a_case() -> None:
    asked = [asked for row in ROWS for asked in row.pair()]
    assert {type(one.command) for one in asked} == set(OUTCOMES)
    allowed = {type(one.command) for one in asked if one.decide().allowed}
    assert allowed == set(OUTCOMES) - NEVER


def codes_in(tree: ast.AST, *, denied: bool) -> set[str]:
    """The codes that this source names; `denied`: only where it denies by them."""
    found: set[str] = set()
    for part in ast.walk(tree):
        if denied:
            if not (isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "deny"):
                continue
            part = part.args[0]  # noqa: PLW2901  # the code
        for text in ast.walk(part):
            if isinstance(text, ast.Constant) and text.value in BY_NAME:
                found.add(str(text.value))
    return found


LAW = Path(law.__file__).parent
ELSEWHERE = {"environment": LAW / "environment.py"}
"""Codes that a gate module denies by, found by a module beside the gates."""


def produced() -> Iterator[tuple[str, str]]:
    """What the gates' sources can say: by gate where the gate itself says it, else by its module."""
    gates = {gate.name for gate in GATES}
    for path in sorted((LAW / "gates").glob("*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                name = f"{path.stem}.{function.name}"
                for code in codes_in(function, denied=True):
                    yield (name if name in gates else path.stem), code
    for module, path in ELSEWHERE.items():
        for code in codes_in(ast.parse(path.read_text(encoding="utf-8")), denied=False):
            yield module, code


def test_every_code_of_the_gates_has_a_case() -> None:
    shown = gates_and_codes()
    shown |= {(gate.partition(".")[0], code) for gate, code in shown}
    missing = sorted(set(produced()) - shown)
    assert not missing


def without(gate: str) -> dict[type[c.Command], Any]:
    return {act: tuple(g for g in gates if g.name != gate) for act, gates in law._GATES.items()}


@pytest.mark.parametrize("gate", [gate.name for gate in GATES])
def test_no_gate_is_dead(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [row.pair()[0] for row in ROWS if row.gate == gate]
    assert all(not one.decide().allowed for one in asked)
    monkeypatch.setattr(law, "_GATES", without(gate))

    def passes(one: Asked) -> bool:
        try:
            return one.decide().allowed
        except (InvariantBroken, KeyError):  # an outcome that relies on the gate
            return True

    assert any(passes(one) for one in asked)


def test_gates_guard_only_acts_that_have_an_outcome() -> None:
    for gate in GATES:
        assert gate.acts, gate.name
        assert set(gate.acts) <= set(OUTCOMES), gate.name
        assert len(set(gate.acts)) == len(gate.acts), gate.name
    names = [gate.name for gate in GATES]
    assert len(set(names)) == len(names)


def test_every_case_has_one_home() -> None:
    assert not list(names_twice())


def test_what_an_act_says_is_what_other_sites_let_it_say() -> None:
    """Every event of every case, allowed or fact, would be taken in: from this kind of site, in an entry of this act."""
    for row in ROWS:
        for asked in row.pair():
            for event in asked.decide().events:
                if not isinstance(
                    event, ev.NonconformanceDisposed
                ):  # an escape is decided at the hub, and told to nobody
                    assert AUTHORITY[type(event)] == asked.world.state.kind, (row.name, event)
                assert can_say(asked.command, event), (row.name, event)

"""The page of denial codes says what the table says, and the table what the sources produce.

`python -m tests.tidy.test_denial_docs` writes the page.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from holdgate.law.denial import BY_NAME, CODES
from holdgate.law.gates.table import GATES
from holdgate.law.reference import denial_reference
from tests.tidy.tree import ROOT, Source, snippet, sources

PAGE: Final = ROOT / "docs" / "denials.md"
DECIDERS: Final = tuple(f"src/holdgate/{name}" for name in ("law", "handoff", "engine", "sites", "scenario"))

SHARED: Final = "law.signing"
"""Checks that the law's gates and the floor hub ask alike."""

RESERVED: Final[dict[str, str]] = {}
"""Codes that nothing produces, with the reason why they stand in the table."""

_CODE = re.compile(r"[A-Z][A-Z_]{3,}")
GATE_NAMES: Final = frozenset(gate.name for gate in GATES)


def _denied(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that may hold a code: of `deny`, of something that is handed a `deny`, of an attempt."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "deny":
        return call.args[:1]
    if name == "Attempt":
        return [word.value for word in call.keywords if word.arg == "code"]
    if name == "_refused" or any(isinstance(arg, ast.Attribute) and arg.attr == "deny" for arg in call.args):
        return list(call.args)
    return []


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        held: list[ast.expr] = []
        if isinstance(node, ast.Call):
            held = _denied(node)
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "code" for t in node.targets):
            held = [node.value]
        for part in (found for expression in held for found in ast.walk(expression)):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and _CODE.fullmatch(part.value):
                yield part.value


def _places(source: Source) -> Iterator[tuple[str, str]]:
    """Code and place: the gate (also through a function of its module that it calls), else the module."""
    module = source.module.removeprefix("holdgate.")
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef)]
    if module == SHARED:
        return  # said by whoever asks it
    if not module.startswith("law.gates."):
        yield from ((code, module) for code in (*_codes(source.tree), *_asked_of_all(source.tree)))
        return
    stem = module.rpartition(".")[2]
    for function in functions:
        for code in (*_codes(function), *_asked_of_all(function)):
            callers = [f for f in functions if f is function or _calls(f, function.name)]
            names = [f"{stem}.{f.name}" if f"{stem}.{f.name}" in GATE_NAMES else stem for f in callers]
            yield from ((code, name) for name in names if name in GATE_NAMES)


def _calls(function: ast.FunctionDef, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(function))


@cache
def _shared() -> dict[str, tuple[str, ...]]:
    """What each function of the checks that all authorities share may say, also through one that it calls."""
    source = next(found for found in sources("src/holdgate/law") if found.module == f"holdgate.{SHARED}")
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef)]
    return {
        function.name: tuple(
            code for other in functions if other is function or _calls(function, other.name) for code in _codes(other)
        )
        for function in functions
    }


def _asked_of_all(tree: ast.AST) -> Iterator[str]:
    """The codes of the shared checks that this names (`signing.unlocked`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "signing":
            yield from _shared().get(node.attr, ())


def produced_by() -> dict[str, tuple[str, ...]]:
    """Code → the gates and modules that produce it."""
    found: dict[str, dict[str, None]] = {}
    for source in sources(*DECIDERS):
        for code, place in _places(source):
            found.setdefault(code, {})[place] = None
    return {code: tuple(sorted(places)) for code, places in found.items()}


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == denial_reference(produced_by()), (
        "docs/denials.md is not what the table says; run: python -m tests.tidy.test_denial_docs"
    )


def test_every_code_has_an_anchor() -> None:
    page = PAGE.read_text(encoding="utf-8")
    anchors = re.findall(r'<a id="([A-Z_]+)"></a>', page)
    assert anchors == [code.name for code in CODES]


def test_every_code_that_is_used_has_a_row() -> None:
    unknown = {code: places for code, places in produced_by().items() if code not in BY_NAME}
    assert not unknown


def test_every_row_is_produced_or_reserved() -> None:
    produced = produced_by()
    unused = [code.name for code in CODES if code.name not in produced and code.name not in RESERVED]
    assert not unused, f"Nothing produces these; use them, remove them or say why in RESERVED: {unused}"
    stale = [name for name in RESERVED if name in produced or name not in BY_NAME]
    assert not stale, f"These are produced, or gone; take them off RESERVED: {stale}"


def test_numbers_and_names_are_used_once() -> None:
    assert len({code.number for code in CODES}) == len(CODES) == len(BY_NAME)
    numbers = [code.number for code in CODES]
    assert numbers == sorted(numbers)
    for code in CODES:
        assert _CODE.fullmatch(code.name)
        assert code.remedy.endswith(".") or code.remedy.endswith(")")
        assert code.source


def test_the_rule_itself() -> None:
    assert list(_codes(ast.parse("case.deny('A_CODE' if why.startswith('payout') else 'B_CODE', why='C_CODE')"))) == [
        "A_CODE",
        "B_CODE",
    ]
    assert list(_codes(ast.parse("scan.ask('whole lot', scan.deny, 'A_CODE', why=1)"))) == ["A_CODE"]
    assert list(_codes(ast.parse("x = Attempt(code='A_CODE', why='B_CODE')"))) == ["A_CODE"]
    assert list(_codes(ast.parse("code = 'A_CODE'"))) == ["A_CODE"]
    assert list(_codes(ast.parse("AGAIN = ('A_CODE',)\nif code == 'B_CODE': ..."))) == []
    gate = "def _fit(case):\n case.deny('A_CODE')\ndef declared(case):\n _fit(case)\ndef other(case): ..."
    found = list(_places(snippet(gate, path="src/holdgate/law/gates/equipment.py")))
    assert found == [("A_CODE", "equipment.declared")]


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(denial_reference(produced_by()), encoding="utf-8")

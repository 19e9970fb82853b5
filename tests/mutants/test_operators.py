"""What counts as a small change, and what is left alone."""

import ast
from pathlib import Path

import pytest

from tests.mutants import report
from tests.mutants.operators import mutants, mutated, shown

ROOT = Path(__file__).resolve().parents[2]


def changes(source: str) -> set[str]:
    return {ast.unparse(mutated(source, mutant.number)) for mutant in mutants(source)}


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("x = a < b", {"x = a <= b", "x = a > b"}),
        ("x = a == b", {"x = a != b"}),
        ("x = a in b", {"x = a not in b"}),
        ("x = a and b", {"x = a or b", "x = a", "x = b"}),
        ("x = a or b or c", {"x = a and b and c", "x = b or c", "x = a or c", "x = a or b"}),
        ("x = not a", {"x = a"}),
        ("x = a + 1", {"x = a - 1", "x = a + 2"}),
        ("x = True", {"x = False"}),
        ("x = 'code'", {"x = 'codex'"}),
        ("x = a if b else c", {"x = a if True else c", "x = a if False else c"}),
        ("x = (a, b)", {"x = (b,)", "x = (a,)"}),
        ("x = {a: b}", {"x = {}"}),
        ("x = [a for a in b if c]", {"x = [a for a in b]"}),
        ("f()", {"pass"}),
        ("x[a] = b", {"pass"}),
        ("raise X('no')", {"pass"}),
        ("x += a", {"x -= a", "pass"}),
    ],
)
def test_a_line_has_these_mutants(source: str, becomes: set[str]) -> None:
    assert changes(source) == becomes


def test_branches_loops_returns_and_cases_have_theirs() -> None:
    source = (
        "def f(a):\n    while a:\n        continue\n    if a:\n        return\n"
        "    match a:\n        case b.c:\n            pass\n        case _:\n            return a"
    )
    said = "\n".join(changes(source))
    for one in ("while False:", "break", "if False:", "if True:", "return None"):
        assert one in said
    assert sum("case" not in one or one.count("case") == 1 for one in changes(source)) == 2


@pytest.mark.parametrize(
    "source",
    [
        '"""A sentence."""',
        "def f(a: tuple[int, ...] = x) -> int | None: ...",
        "class A(B, frozen=True):\n    a: int",
        "@cache(1)\ndef f(): ...",
        "__all__ = ['a', 'b']",
        "__slots__ = ('a', 'b')",
        "x = f'{a} b'",
        "x = 'two words'",
        "import a.b",
        "if TYPE_CHECKING:\n    x = 1",
        "class P(Protocol):\n    def f(self):\n        return a",
        "a, b = (c, d)",
        "x = a | None",
        "assert_never(x)",
        "if a < b or c:\n    raise InvariantBroken('never')",
    ],
)
def test_what_says_nothing_has_none(source: str) -> None:
    assert changes(source) <= {ast.unparse(ast.parse(source))}


def test_every_mutant_of_a_gate_compiles_and_is_another_module() -> None:
    source = (ROOT / "src/holdgate/law/gates/money.py").read_text(encoding="utf-8")
    whole = ast.unparse(ast.parse(source))
    found = mutants(source)
    assert [mutant.number for mutant in found] == list(range(len(found)))
    for mutant in found[::40]:
        tree = mutated(source, mutant.number)
        compile(tree, "money.py", "exec")
        assert ast.unparse(tree) != whole
        was, is_now = shown(source, mutant.number)
        assert was != is_now


def test_a_survivor_is_explained_by_its_module_its_place_and_its_change(tmp_path: Path) -> None:
    page = tmp_path / "mutants.md"
    page.write_text(
        "- `law/a.py` `f`: `x < 1` → `x <= 1`: x is never 1\n- `law/a.py` `f`: `x` → `y`:\nno\n", encoding="utf-8"
    )
    assert report.explained(page) == {("law/a.py", "f", "x < 1", "x <= 1")}


def test_every_explained_mutant_is_one_that_there_is() -> None:
    for path, name, was, is_now in report.explained():
        source = (ROOT / "src/holdgate" / path).read_text(encoding="utf-8")
        of_name = (mutant for mutant in mutants(source) if mutant.name == name)
        assert any(shown(source, mutant.number) == (was, is_now) for mutant in of_name), (path, name, was, is_now)

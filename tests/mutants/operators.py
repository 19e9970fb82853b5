"""Mutants: small changes to a module's syntax tree, numbered, so that a module and a number name one for ever.

Left out, as no test could or should notice: docstrings, annotations, decorators, options of classes, what `raise` says,
f-strings and sentences (texts with a blank), `__all__`, code for type checkers, protocols, and guards that raise InvariantBroken,
which stand for what cannot happen.
"""

import ast
import difflib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

_COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COUNTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
}
_TYPES: Final = frozenset(
    {"tuple", "list", "dict", "set", "frozenset", "type", "Callable", "Iterator", "Iterable", "Mapping", "Sequence"}
    | {"Final", "Literal", "ClassVar", "Generic", "Protocol", "Union", "Optional", "NewType"}
)
_SILENT: Final = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Global, ast.Nonlocal)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change, by its number in the module. `name`: the functions and classes around it, or the names assigned."""

    number: int
    name: str
    first: int
    last: int
    inside: bool
    """In the body of a function: the rest is made when the module is imported."""


class _Place(NamedTuple):
    owner: ast.AST
    field: str
    at: int | None

    def put(self, node: ast.AST | None) -> Callable[[], None]:
        def do() -> None:
            if self.at is None:
                setattr(self.owner, self.field, node)
            elif node is None:
                del getattr(self.owner, self.field)[self.at]
            else:
                getattr(self.owner, self.field)[self.at] = node

        return do


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    return [_mutant(number, stack) for number, (_, stack) in enumerate(_changes(ast.parse(source)))]


def _mutant(number: int, stack: list[ast.AST]) -> Mutant:
    around = [n for n in stack if isinstance(n, Function | ast.ClassDef)]
    at = next(n for n in reversed(stack) if isinstance(n, ast.stmt | ast.expr))
    name = ".".join([n.name for n in around] or _assigned(stack))
    inside = any(isinstance(n, Function | ast.Lambda) for n in stack)
    return Mutant(number, name, at.lineno, at.end_lineno or at.lineno, inside)


def mutated(source: str, number: int) -> ast.Module:
    """The module with that one change."""
    tree = ast.parse(source)
    do, _ = _nth(tree, number)
    do()
    return ast.fix_missing_locations(tree)


def shown(source: str, number: int) -> tuple[str, str]:
    """The line that changes and what becomes of it, both cut around the change where they are long."""
    tree = ast.parse(source)
    do, stack = _nth(tree, number)
    whole = next(n for n in reversed(stack[:-1]) if isinstance(n, ast.stmt | ast.Module))
    before = ast.unparse(whole)
    do()
    return _cut(before, ast.unparse(whole))


def _nth(tree: ast.Module, number: int) -> tuple[Callable[[], None], list[ast.AST]]:
    found = next(itertools.islice(_changes(tree), number, None), None)
    if found is None:
        raise LookupError(f"there is no mutant {number}")
    return found


def _cut(before: str, after: str) -> tuple[str, str]:
    """The first line that differs, before and after."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines())) if len(before) < 4000 else []
    was = next((line[2:] for line in lines if line.startswith("- ")), before)
    now = next((line[2:] for line in lines if line.startswith("+ ")), "(removed)" if lines else after)
    if max(len(was), len(now)) <= 160:
        return was.strip(), now.strip()
    same = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), 0)
    start = max(0, same - 60)
    return was[start : start + 160].strip(), now[start : start + 160].strip()


def _assigned(stack: list[ast.AST]) -> list[str]:
    """The names that a statement of the module assigns."""
    targets = next((_targets(n) for n in stack if isinstance(n, ast.Assign | ast.AnnAssign)), [])
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)] or ["module"]


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _changes(tree: ast.Module) -> Iterator[tuple[Callable[[], None], list[ast.AST]]]:
    """What to do for each mutant, and the nodes from the module to the one that changes."""
    yield from _below(tree, [tree])


def _below(node: ast.AST, stack: list[ast.AST]) -> Iterator[tuple[Callable[[], None], list[ast.AST]]]:
    for field, value in list(ast.iter_fields(node)):
        if _left_out(node, field):
            continue
        for index, child in list(enumerate(value)) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _says_nothing(child, node):
                here = [*stack, child]
                for do in _of(child, _Place(node, field, index), stack):
                    yield do, here
                yield from _below(child, here)


def _left_out(node: ast.AST, field: str) -> bool:
    """Fields that hold types, or what only shapes a class."""
    if isinstance(node, ast.Subscript) and field == "slice":
        return isinstance(node.value, ast.Name) and node.value.id in _TYPES
    return field in {"annotation", "returns", "decorator_list", "bases", "keywords"} and not isinstance(node, ast.Call)


def _says_nothing(node: ast.AST, owner: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in bases)
        case (
            ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")])
            | ast.AnnAssign(annotation=ast.Name(id="TypeAlias"))
        ):
            return True
        case ast.FunctionDef(decorator_list=by):
            return any(isinstance(one, ast.Name) and one.id == "overload" for one in by)
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            return True
        case ast.If(body=[ast.Raise(exc=ast.Call(func=ast.Name(id="InvariantBroken")))], orelse=[]):
            return True
        case _:
            return isinstance(node, _SILENT) or (isinstance(owner, ast.Raise) and isinstance(node, ast.expr))


def _of(node: ast.AST, place: _Place, stack: list[ast.AST]) -> Iterator[Callable[[], None]]:
    """The changes of one node, but for those below it."""
    match node:
        case ast.Compare():
            for index, by in enumerate(node.ops):
                for other in _COMPARED[type(by)]:
                    yield _Place(node, "ops", index).put(other())
        case ast.BoolOp():
            yield _Place(node, "op", None).put(ast.And() if isinstance(node.op, ast.Or) else ast.Or())
            if len(node.values) == 2:
                yield from (place.put(other) for other in reversed(node.values))
            else:
                yield from (_Place(node, "values", index).put(None) for index in range(len(node.values)))
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield place.put(operand)
        case ast.BinOp() | ast.AugAssign():
            if type(node.op) in _COUNTED and not _of_types(node):
                yield _Place(node, "op", None).put(_COUNTED[type(node.op)]())
            if isinstance(node, ast.AugAssign):
                yield place.put(ast.Pass())
        case ast.Constant():
            yield from (place.put(ast.Constant(other)) for other in _others(node.value))
        case ast.If() | ast.IfExp() | ast.While():
            yield _Place(node, "test", None).put(ast.Constant(value=False))
            if not isinstance(node, ast.While):
                yield _Place(node, "test", None).put(ast.Constant(value=True))
        case ast.comprehension(ifs=ifs):
            yield from (_Place(node, "ifs", index).put(None) for index in range(len(ifs)))
        case ast.Return(value=value) if not isinstance(value, ast.Constant):
            yield place.put(ast.Pass()) if value is None else _Place(node, "value", None).put(ast.Constant(None))
        case ast.Expr() | ast.Raise() | ast.Delete() | ast.Assert():
            yield place.put(ast.Pass())
        case ast.Continue() | ast.Break():
            yield place.put(ast.Break() if isinstance(node, ast.Continue) else ast.Continue())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield place.put(ast.Pass())
        case ast.Tuple() | ast.List() | ast.Set() if _holds(node, place, stack):
            yield from (_Place(node, "elts", index).put(None) for index in range(len(node.elts)))
        case ast.Dict(keys=keys):
            yield from (_without(node, index) for index in range(len(keys)))
        case ast.Match(cases=cases) if len(cases) > 1:
            yield from (_Place(node, "cases", index).put(None) for index in range(len(cases)))
        case _:
            return


def _others(value: object) -> tuple[str | bytes | int, ...]:
    match value:
        case bool():
            return (not value,)
        case int():
            return (value + 1,)
        case str():
            return () if any(mark.isspace() for mark in value) else (f"{value}x",)
        case bytes():
            return (value + b"x",)
        case _:
            return ()


def _of_types(node: ast.AST) -> bool:
    """`A | B` of names with a capital, or with None."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) else ()
    return any(isinstance(x, ast.Constant) or ast.unparse(x).rpartition(".")[2][:1].isupper() for x in sides)


def _holds(node: ast.Tuple | ast.List | ast.Set, place: _Place, stack: list[ast.AST]) -> bool:
    """A display that is a table, or a list of what is let through: not one that is taken apart at once."""
    if isinstance(node, ast.Tuple | ast.List) and not isinstance(node.ctx, ast.Load):
        return False
    if isinstance(node, ast.Tuple) and (len(node.elts) < 2 or isinstance(place.owner, ast.Return | ast.Subscript)):
        return False
    match stack[-1]:
        case ast.Assign(targets=[ast.Tuple(), *_]) | ast.BinOp(op=ast.Mod()):
            return False
        case ast.Compare(ops=[by]):
            return isinstance(by, ast.In | ast.NotIn)
        case _:
            return True


def _without(node: ast.Dict, index: int) -> Callable[[], None]:
    def do() -> None:
        node.keys, node.values = list(node.keys), list(node.values)
        del node.keys[index], node.values[index]

    return do

"""What the core may not say, because the same log must give the same answer on every machine, in every year.

The rules read syntax, not types: they know a set by how it is written, annotated or assigned within one function or
module. Determinism beyond that is for the replay tests to show.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Final

from typing_extensions import override

from tests.tidy.tree import Finding, Source

ALLOWED_IMPORTS: Final = frozenset(
    {
        "__future__", "abc", "base64", "binascii", "bisect", "collections", "copy", "dataclasses", "datetime",
        "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math",
        "operator", "re", "string", "struct", "textwrap", "types", "typing", "unicodedata",
        "ipaddress",  # terms.hosts, for whoever opens a line: text to numbers, no network, and no part of any decision
        "html",  # query.packed_words escapes text for a page that is written, and parses none
        "holdgate", "msgspec", "typing_extensions", "yaml",
    }
)  # fmt: skip
"""What the core may import. A name is added with a reason in the change that needs it: it must be pure."""

FORBIDDEN_CALLS: Final = {
    "hash": "differs from run to run: use crypto.hashes",
    "id": "is an address in memory",
    "open": "reads a file: bytes are arguments",
    "input": "reads a terminal",
    "print": "writes to a terminal: return the value",
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "runs text as code",
    "__import__": "imports past the import rules",
    "float": "is inexact: use Decimal or integers",
    "complex": "is inexact",
}
CLOCK_CALLS: Final = frozenset({"now", "utcnow", "today"})
CLOCK_NAMES: Final = frozenset(
    {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep", "random", "randint", "choice", "shuffle"}
)

SET_TYPES: Final = frozenset({"set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet"})
SET_METHODS: Final = frozenset({"union", "intersection", "difference", "symmetric_difference"})
ORDER_FREE: Final = frozenset({"sorted", "set", "frozenset", "len", "any", "all", "sum", "min", "max"})
"""Called on a set, these give the same whatever the order (min and max only without a key)."""
ORDERED: Final = frozenset({"list", "tuple", "iter", "enumerate", "map", "filter", "zip", "reversed", "dict", "deque"})
ORDERED_METHODS: Final = frozenset({"join", "extend", "fromkeys"})

WHY_SET: Final = "takes a set in its accidental order: wrap it in sorted(...)"

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def objections(source: Source) -> list[Finding]:
    """Everything in the source that the core may not say."""
    found = [*_imports(source), *_words(source)]
    _Sets(source.path, found).visit(source.tree)
    return found


def _imports(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in ALLOWED_IMPORTS:
                yield Finding(
                    source.path, node.lineno, f"imports {name}, which is not on the core's list of pure modules"
                )


def _words(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        why = _objection(node)
        if why is not None:
            yield Finding(source.path, getattr(node, "lineno", 1), why)


def _objection(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float() | complex()):
            return f"{node.value!r} is inexact: use Decimal or integers"
        case ast.Name(id="float" | "complex"):
            return f"{node.id} is inexact: use Decimal or integers"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "an integer divided by / is inexact: use //, or Fraction"
        case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS and name not in {"float", "complex"}:
            return f"{name}() {FORBIDDEN_CALLS[name]}"
        case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK_CALLS:
            return f".{name}() reads a clock: time is an argument"
        case ast.Attribute(value=ast.Name(id="time" | "random"), attr=name) if name in CLOCK_NAMES:
            return f"{ast.unparse(node)} reads a clock or chance: both are arguments"
        case ast.Name(id="__builtins__"):
            return "__builtins__ reaches past the rules"
        case _:
            return None


class _Sets(ast.NodeVisitor):
    """Finds where the order of a set would show."""

    def __init__(self, path: str, found: list[Finding]) -> None:
        self.path = path
        self.found = found
        self.known: list[set[str]] = []
        self.free: set[int] = set()

    def _object(self, node: ast.expr) -> None:
        self.found.append(Finding(self.path, node.lineno, f"{ast.unparse(node)[:60]} {WHY_SET}"))

    def _is_set(self, node: ast.expr | None) -> bool:
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id=name)):
                return name in {"set", "frozenset"}
            case ast.Call(func=ast.Attribute(value=owner, attr=name)):
                return name in SET_METHODS or (name == "copy" and self._is_set(owner))
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return self._is_set(left) or self._is_set(right)
            case ast.IfExp(body=body, orelse=orelse):
                return self._is_set(body) or self._is_set(orelse)
            case ast.NamedExpr(value=value):
                return self._is_set(value)
            case ast.Name(id=name):
                return any(name in scope for scope in self.known)
            case _:
                return False

    def _scope(self, node: Scope) -> None:
        self.known.append(set(_set_names(node, self._is_set)))
        self.generic_visit(node)
        self.known.pop()

    @override
    def visit_Module(self, node: ast.Module) -> None:
        self._scope(node)

    @override
    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._scope(node)

    @override
    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._scope(node)

    @override
    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._scope(node)

    @override
    def visit_For(self, node: ast.For) -> None:
        if self._is_set(node.iter):
            self._object(node.iter)
        self.generic_visit(node)

    @override
    def visit_Starred(self, node: ast.Starred) -> None:
        if id(node) not in self.free and self._is_set(node.value):
            self._object(node.value)
        self.generic_visit(node)

    @override
    def visit_Set(self, node: ast.Set) -> None:
        self.free.update(id(item) for item in node.elts)  # {*a, *b} is a set again
        self.generic_visit(node)

    @override
    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        if self._is_set(node.value):
            self._object(node.value)
        self.generic_visit(node)

    def _comprehension(self, node: Comprehension) -> None:
        if id(node) not in self.free and not isinstance(node, ast.SetComp):
            for generator in node.generators:
                if self._is_set(generator.iter):
                    self._object(generator.iter)
        self.generic_visit(node)

    @override
    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node)

    @override
    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node)

    @override
    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node)

    @override
    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node)

    @override
    def visit_Call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in ORDER_FREE:
                keyed = name in {"min", "max"} and any(word.arg == "key" for word in node.keywords)
                if keyed:
                    self._arguments(node)  # two items with the same key: the first in the set's order would win
                else:
                    self.free.update(id(item) for item in node.args)
            case ast.Name(id=name) if name in ORDERED:
                self._arguments(node)
            case ast.Attribute(value=owner, attr=name):
                if name in ORDERED_METHODS:
                    self._arguments(node)
                elif name == "pop" and self._is_set(owner):
                    self._object(node)
            case _:
                pass
        self.generic_visit(node)

    def _arguments(self, node: ast.Call) -> None:
        for item in node.args:
            if self._is_set(item):
                self._object(item)


def _set_names(scope: Scope, is_set: Callable[[ast.expr | None], bool]) -> Iterator[str]:
    """Names that hold a set in this scope: annotated as one, or assigned one."""
    if not isinstance(scope, ast.Module):
        arguments = scope.args
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            if _annotates_set(argument.annotation):
                yield argument.arg
    for node in _own(scope):
        match node:
            case ast.Assign(targets=targets, value=value) if is_set(value):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)) if _annotates_set(node.annotation) or is_set(node.value):
                yield name
            case ast.NamedExpr(target=ast.Name(id=name)) if is_set(node.value):
                yield name


def _own(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions inside it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _annotates_set(annotation: ast.expr | None) -> bool:
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in SET_TYPES
        case ast.Subscript(value=value, slice=inner):
            final = isinstance(value, ast.Name | ast.Attribute) and ast.unparse(value).endswith("Final")
            return _annotates_set(inner if final else value)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _annotates_set(left) or _annotates_set(right)
        case _:
            return False

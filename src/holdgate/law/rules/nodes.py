"""The nodes of a rule's normal form, their types, and the table of operators.

Eight kinds of node. Leaves say their type; every other type follows from `SIGNATURES`, so that a tree cannot claim one.
Field names are single letters because every contract carries and signs its rules in this form.

Source: cel-spec langdef.md (types, operators, macros); docs/spec/rules.md.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, Union

import msgspec

from holdgate.terms.errors import Malformed

Type: TypeAlias = Literal[
    "bool", "int", "string", "timestamp", "duration", "record",
    "list<bool>", "list<int>", "list<string>", "list<timestamp>", "list<duration>", "list<record>",
]  # fmt: skip
Scalar: TypeAlias = Literal["bool", "int", "string", "timestamp", "duration"]
Operator: TypeAlias = Literal[
    "&&", "||", "!", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "neg", "[]", "size"
]  # fmt: skip
Quantifier: TypeAlias = Literal["all", "exists", "exists_one"]


class Const(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="const"):
    """A literal `v` of type `t`; timestamps and durations in microseconds."""

    v: bool | int | str
    t: Scalar


class Name(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="name"):
    """A fact by its name `n`, or the variable of an enclosing quantifier."""

    n: str
    t: Type


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="field"):
    """The field `f` of the record `r`; an error where it is missing."""

    r: "Node"
    f: str
    t: Type


class Has(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="has"):
    """Whether the record `r` holds the field `f`."""

    r: "Node"
    f: str


class Items(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="list"):
    """A list written out: one or more items `i` of one scalar type."""

    i: tuple["Node", ...]


class Cond(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="cond"):
    """`c ? y : n`."""

    c: "Node"
    y: "Node"
    n: "Node"


class Quant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="quant"):
    """`l.q(v, b)`: all, exists or exists_one of the items of list `l`, named `v`, fulfil `b`."""

    q: Quantifier
    l: "Node"  # noqa: E741 (one-letter keys keep signed contracts short)
    v: str
    b: "Node"


class Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="k", tag="call"):
    """The operator `o` applied to its arguments `a`."""

    o: Operator
    a: tuple["Node", ...]


Node: TypeAlias = Union[Const, Name, Field, Has, Items, Cond, Quant, Call]  # noqa: UP007 (forward references)

SCALARS: Final[tuple[Scalar, ...]] = ("bool", "int", "string", "timestamp", "duration")
LISTS: Final[dict[str, Type]] = {
    "bool": "list<bool>", "int": "list<int>", "string": "list<string>", "timestamp": "list<timestamp>",
    "duration": "list<duration>", "record": "list<record>",
}  # fmt: skip
ELEMENTS: Final[dict[str, Type]] = {
    "list<bool>": "bool", "list<int>": "int", "list<string>": "string", "list<timestamp>": "timestamp",
    "list<duration>": "duration", "list<record>": "record",
}  # fmt: skip
"""The type of a list's items."""


def _signatures() -> dict[tuple[str, ...], Type]:
    """Every operator with its argument types, and the type that follows; what is not here is not in the profile."""
    table: dict[tuple[str, ...], Type] = {("!", "bool"): "bool", ("neg", "int"): "int"}
    for operator in ("+", "-", "*", "/", "%"):
        table[operator, "int", "int"] = "int"
    table["+", "timestamp", "duration"] = table["+", "duration", "timestamp"] = "timestamp"
    table["-", "timestamp", "duration"] = "timestamp"
    table["-", "timestamp", "timestamp"] = "duration"
    table["+", "duration", "duration"] = table["-", "duration", "duration"] = "duration"
    for operator in ("<", "<=", ">", ">="):
        table.update({(operator, t, t): "bool" for t in ("int", "timestamp", "duration")})
    for scalar in SCALARS:
        table["==", scalar, scalar] = table["!=", scalar, scalar] = table["in", scalar, LISTS[scalar]] = "bool"
    for listed, element in ELEMENTS.items():
        table["size", listed] = "int"
        table["[]", listed, "int"] = element
    return table


SIGNATURES: Final[Mapping[tuple[str, ...], Type]] = _signatures()
"""(operator, argument types …) -> type. `&&` and `||` take two or more bools and are not listed."""

RESERVED: Final = frozenset(
    [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "namespace", "null", "package", "return", "true", "var", "void", "while",
    ]
)  # fmt: skip
"""Words of CEL's grammar: neither a name nor a field."""
TAKEN: Final = RESERVED | frozenset(
    [
        "bool", "bytes", "double", "duration", "dyn", "int", "list", "map", "null_type", "string", "timestamp", "type",
        "uint", "has", "size", "matches", "google",
    ]
)  # fmt: skip
"""Words that mean something else at the start of an expression: no name or variable."""
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def check_word(word: str, what: str, taken: frozenset[str] = TAKEN) -> None:
    """Let a name pass that means the same in CEL text and in the tree (`taken=RESERVED` for a field).

    Raises:
        Malformed: empty, other characters than A-Z a-z 0-9 _, longer than 64, or one of CEL's own words.
    """
    if not _WORD.fullmatch(word):
        raise Malformed(f"{what} {word[:80]!r} is not a name: use A-Z a-z 0-9 _ and a letter first, 64 at most")
    if word in taken:
        raise Malformed(f"{what} {word!r} is a word of CEL itself; choose another name")


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text."""
    match node:
        case Field() | Has():
            return (node.r,)
        case Items():
            return node.i
        case Cond():
            return (node.c, node.y, node.n)
        case Quant():
            return (node.l, node.b)
        case Call():
            return node.a
        case _:
            return ()


def type_of(node: Node) -> Type:
    """The static type of a node that `check` has let pass or that the certifier built."""
    match node:
        case Const() | Name() | Field():
            return node.t
        case Has() | Quant():
            return "bool"
        case Items():
            return LISTS[type_of(node.i[0])]
        case Cond():
            return type_of(node.y)
        case Call():
            return "bool" if node.o in ("&&", "||") else SIGNATURES[(node.o, *map(type_of, node.a))]


def path_of(node: Node, scope: Mapping[str, str]) -> str:
    """Where a node reads from, such as `bath.temp_mC` or `readings[].um`; empty where it is computed.

    Args:
        node: a checked node, or one whose names have passed.
        scope: the paths of the bound variables (empty text: computed).
    """
    match node:
        case Name():
            return scope.get(node.n, node.n)
        case Field():
            place = path_of(node.r, scope)
            return place and f"{place}.{node.f}"
        case Call(o="[]"):
            place = path_of(node.a[0], scope)
            return place and f"{place}[]"
        case _:
            return ""


def paths(node: Node, scope: Mapping[str, str] | None = None) -> dict[str, Type]:
    """What a checked rule reads: each path with its type, in the order of the text."""
    scope = scope or {}
    found: dict[str, Type] = {}
    if isinstance(node, Name | Field):
        place = path_of(node, scope)
        if place:
            found[place] = node.t
    for index, child in enumerate(children(node)):
        inner = scope
        if isinstance(node, Quant) and index == 1:
            place = path_of(node.l, scope)
            inner = {**scope, node.v: place and f"{place}[]"}
        found.update({p: t for p, t in paths(child, inner).items() if p not in found})
    return found

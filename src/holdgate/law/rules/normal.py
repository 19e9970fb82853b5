"""The normal form of a rule: a small typed tree that evaluator, explainer, prover and digest share.

CEL text is for authors. What a contract carries, signs and runs is this tree, as canonical JSON: eight kinds of node,
no sugar, one spelling for one meaning. `&&` and `||` are flat (`a && (b && c)` and `(a && b) && c` are the same tree),
a negated literal is a literal, timestamps and durations are integers of microseconds, and no bound variable hides
another name. Leaves say their type; every other type follows from the operators, and `check` computes it anew for
whoever did not build the tree. Protobuf bytes are never hashed: they differ between processes and library versions.

A node in JSON: {"a":[{"f":"temp_mC","k":"field","r":{"k":"name","n":"bath","t":"record"},"t":"int"},
{"k":"const","t":"int","v":52000}],"k":"call","o":"<="}.

Source: cel-spec langdef.md (types, operators, macros); docs/spec/rules.md.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

import msgspec

from holdgate.law.rules.nodes import (
    ELEMENTS,
    LISTS,
    RESERVED,
    SCALARS,
    SIGNATURES,
    Call,
    Cond,
    Const,
    Field,
    Has,
    Items,
    Name,
    Node,
    Quant,
    Type,
    check_word,
    path_of,
)
from holdgate.terms import canon, instant, limits
from holdgate.terms.errors import Malformed

PROFILE: Final = "holdgate-cel/1"
"""The profile that a digest names. It never changes: another meaning is another profile with its own evaluator."""
_DECODER: Final["msgspec.json.Decoder[Node]"] = msgspec.json.Decoder(Node)
_Scope = Mapping[str, tuple[Type, str]]
"""Bound variables: their type and the path they stand for."""


def digest(node: Node) -> str:
    """The identity of a rule: SHA-256, in hex, over the canonical bytes of the profile's name and the tree."""
    return hashlib.sha256(canon.encode({"profile": PROFILE, "rule": node})).hexdigest()


def decode(raw: bytes, want: Type = "bool") -> Node:
    """Read a rule of type `want` from untrusted canonical JSON and check all of it.

    Raises:
        Malformed: not canonical JSON of the normal form, or what `check` refuses.
    """
    if len(raw) > limits.CONTRACT_BYTES_MAX:
        raise Malformed(f"the rule is longer than {limits.CONTRACT_BYTES_MAX} bytes")
    node = canon.decode(raw, _DECODER, "the rule")
    check(node, want)
    return node


def check(node: Node, want: Type = "bool") -> None:
    """Check an untrusted tree (as decoded inside a contract): size, depth, names, types, one meaning per name.

    Raises:
        Malformed: the first thing outside the profile, and what to do about it.
    """
    checker = _Checker()
    found = checker.type(node, (), {}, 1)
    if found != want:
        raise Malformed(f"the rule is of type {found}; it must be {want}")
    for word in checker.bound:
        if word in checker.free:
            raise Malformed(f"the variable {word!r} hides the name {word!r}; call the variable something else")


class _Checker:
    """One walk over an untrusted tree; it bounds the depth before it descends.

    `scope` maps bound variables to (type, path); a path such as `readings[].um` has one type throughout the rule.
    """

    def __init__(self) -> None:
        self.nodes = 0
        self.free: dict[str, None] = {}
        self.bound: dict[str, None] = {}
        self.paths: dict[str, Type] = {}

    def type(self, node: Node, above: tuple[str, ...], scope: _Scope, depth: int) -> Type:
        """The type of a node, once everything below it is known to be in order."""
        self.nodes += 1
        if depth > limits.RULE_DEPTH_MAX:
            raise Malformed(f"the rule is nested deeper than {limits.RULE_DEPTH_MAX}; split it into several rules")
        if self.nodes > limits.RULE_NODES_MAX:
            raise Malformed(f"the rule has more than {limits.RULE_NODES_MAX} nodes; split it into several rules")
        match node:
            case Const():
                return _const_type(node)
            case Name() | Field():
                return self._read(node, scope, depth)
            case Has():
                check_word(node.f, "the field", RESERVED)
                self._expect(node.r, "record", "has()", scope, depth)
                return "bool"
            case Items():
                return self._items(node, scope, depth)
            case Cond():
                return self._cond(node, scope, depth)
            case Quant():
                return self._quant(node, scope, depth)
            case Call():
                return self._call(node, above, scope, depth)

    def _expect(self, node: Node, want: Type, what: str, scope: _Scope, depth: int) -> None:
        found = self.type(node, (), scope, depth + 1)
        if found != want:
            raise Malformed(f"{what} needs a {want}, not a {found}")

    def _read(self, node: Name | Field, scope: _Scope, depth: int) -> Type:
        if isinstance(node, Field):
            check_word(node.f, "the field", RESERVED)
            self._expect(node.r, "record", f"the field {node.f!r}", scope, depth)
        else:
            check_word(node.n, "the name")
            if node.n not in scope:
                self.free[node.n] = None
            elif scope[node.n][0] != node.t:
                raise Malformed(f"the variable {node.n!r} is a {scope[node.n][0]}, not a {node.t}")
        path = path_of(node, {word: place for word, (_, place) in scope.items()})
        if path and self.paths.setdefault(path, node.t) != node.t:
            raise Malformed(f"{path} is read as {self.paths[path]} and as {node.t}; it has one type")
        return node.t

    def _items(self, node: Items, scope: _Scope, depth: int) -> Type:
        found = [self.type(item, (), scope, depth + 1) for item in node.i]
        if not found or found[0] not in SCALARS or any(other != found[0] for other in found):
            raise Malformed("a list in a rule needs one or more items, all of one type, none of them a list or record")
        return LISTS[found[0]]

    def _cond(self, node: Cond, scope: _Scope, depth: int) -> Type:
        self._expect(node.c, "bool", "the condition of ? :", scope, depth)
        found = self.type(node.y, (), scope, depth + 1)
        self._expect(node.n, found, "the second branch of ? :", scope, depth)
        return found

    def _quant(self, node: Quant, scope: _Scope, depth: int) -> Type:
        check_word(node.v, "the variable")
        if node.v in scope:
            raise Malformed(f"the variable {node.v!r} hides another of the same name; call it something else")
        self.bound[node.v] = None
        listed = self.type(node.l, (), scope, depth + 1)
        if listed not in ELEMENTS:
            raise Malformed(f"{node.q}() runs over a list, not over a {listed}")
        place = path_of(node.l, {word: path for word, (_, path) in scope.items()})
        inner = {**scope, node.v: (ELEMENTS[listed], place and f"{place}[]")}
        self._expect(node.b, "bool", f"{node.q}()", inner, depth)
        return "bool"

    def _call(self, node: Call, above: tuple[str, ...], scope: _Scope, depth: int) -> Type:
        found = tuple(self.type(arg, (node.o,), scope, depth + 1) for arg in node.a)
        if node.o in ("&&", "||"):
            if len(found) < 2 or any(t != "bool" for t in found):
                raise Malformed(f"{node.o} joins two or more conditions, not ({', '.join(found)})")
            if node.o in above:
                raise Malformed(f"{node.o} directly below {node.o} is not in normal form; join them in one node")
            return "bool"
        if (node.o, *found) not in SIGNATURES:
            raise Malformed(f"the operator {node.o} does not take ({', '.join(found)}); {_advice(found)}")
        if node.o == "neg" and isinstance(node.a[0], Const):
            raise Malformed("a negated literal is not in normal form; write the negative literal")
        return SIGNATURES[(node.o, *found)]


def _advice(found: tuple[Type, ...]) -> str:
    if any(t in ELEMENTS for t in found):
        return "lists take size, in, [place], all, exists and exists_one"
    if "record" in found:
        return "compare the fields of a record one by one"
    if "string" in found:
        return "texts take ==, != and in"
    return "conditions take &&, ||, !, == and !=" if "bool" in found else "see the operators of holdgate-cel/1"


def _const_type(node: Const) -> Type:
    held = "bool" if isinstance(node.v, bool) else "string" if isinstance(node.v, str) else "int"
    if held != ("int" if node.t in ("timestamp", "duration") else node.t):
        raise Malformed(f"a literal of type {node.t} does not hold a {held}")
    canon.check_text(node.v, "a literal of the rule")
    return node.t


_INFIX: Final = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_UNARY: Final = 6
_MEMBER: Final = 7


def unparse(node: Node, tight: int = 0) -> str:
    """The CEL text of a checked tree; parsed again it gives the same tree.

    Args:
        node: a checked tree.
        tight: how tightly the surrounding text binds (0: not at all); looser text gets parentheses.
    """
    match node:
        case Const():
            return _literal(node)
        case Name():
            return node.n
        case Field():
            return f"{unparse(node.r, _MEMBER)}.{node.f}"
        case Has():
            return f"has({unparse(node.r, _MEMBER)}.{node.f})"
        case Items():
            return f"[{', '.join(unparse(item) for item in node.i)}]"
        case Cond():
            text = f"{unparse(node.c, 1)} ? {unparse(node.y, 1)} : {unparse(node.n, 1)}"
            return f"({text})" if tight else text
        case Quant():
            return f"{unparse(node.l, _MEMBER)}.{node.q}({node.v}, {unparse(node.b)})"
        case Call():
            return _call_text(node, tight)


def _call_text(node: Call, tight: int) -> str:
    if node.o == "size":
        return f"size({unparse(node.a[0])})"
    if node.o == "[]":
        return f"{unparse(node.a[0], _MEMBER)}[{unparse(node.a[1])}]"
    if node.o in ("!", "neg"):
        text, binds = ("!" if node.o == "!" else "-") + unparse(node.a[0], _MEMBER), _UNARY
    else:
        binds = _INFIX[node.o]
        parts = [unparse(arg, binds + (index > 0)) for index, arg in enumerate(node.a)]
        text = f" {node.o} ".join(parts)
    return f"({text})" if binds < tight else text


def _literal(node: Const) -> str:
    if isinstance(node.v, bool):
        return "true" if node.v else "false"
    if isinstance(node.v, str):
        return json.dumps(node.v, ensure_ascii=False)
    if node.t == "timestamp":
        return f'timestamp("{instant.show(node.v)}")'
    return f'duration("{_duration(node.v)}")' if node.t == "duration" else str(node.v)


def _duration(us: int) -> str:
    """A duration as CEL writes it, exactly: `1h30m`, `20m`, `-2s500000us`."""
    rest, parts = abs(us), ""
    for unit, size in (("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("us", 1)):
        count, rest = divmod(rest, size)
        parts += f"{count}{unit}" if count else ""
    return ("-" if us < 0 else "") + (parts or "0s")

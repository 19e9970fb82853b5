"""Say why a rule does not allow: the conjuncts that fail, in CEL, and the facts they read, as people write them.

The smallest set: of a conjunction only the conjuncts that are not true; of `all` only the items that fail, each with
its place (`readings[2].um <= limits.max_um`); of a negation what would have to be false. What cannot be split (a
disjunction, `exists`, `? :`) is one cause. An explanation never decides anything; it reads the same facts again.

Numbers: inside a rule a quantity is an integer scaled by the resolution that its contract declares. `places` maps a
path (`bath.temp_mC`, `readings[].um`) to that number of decimals, and texts show the original: 541 with 1 is `54.1`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from holdgate.law.rules.evaluate import compile_rule
from holdgate.law.rules.nodes import Call, Cond, Const, Field, Has, Items, Name, Node, Quant, Type, children, type_of
from holdgate.law.rules.normal import unparse
from holdgate.law.rules.operators import EXHAUSTED, INT_MAX, INT_MIN, Env, Fault
from holdgate.terms import instant
from holdgate.terms.limits import RULE_CAUSES_MAX, RULE_SHOWN_CHARS_MAX

_HOLE: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)\}")
_PLACE: Final = re.compile(r"\[[^\]]*\]")
_NO_PLACES: Final[Mapping[str, int]] = {}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that a failing conjunct reads."""

    path: str
    """As the conjunct writes it: `readings[2].um`."""
    value: bool | int | str | None
    """The fact itself; of a list its length; None where there is none."""
    shown: str
    """As people write it: scaled decimals, UTC times; `?` where there is none."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One conjunct that is not true."""

    text: str
    """The conjunct in CEL."""
    kind: Literal["false", "error", "budget"]
    why: str = ""
    """The fault, unless the conjunct is plainly false."""
    reads: tuple[Read, ...] = ()


def explain(node: Node, env: Env, places: Mapping[str, int] = _NO_PLACES) -> tuple[Cause, ...]:
    """The causes why a checked rule is not true, at most RULE_CAUSES_MAX, in the order of its text; none where it is true.

    Args:
        node: a checked condition.
        env: the facts that it was evaluated over; untrusted as to types.
        places: declared decimals by path.
    """
    answer = compile_rule(node).answer(env)
    if answer is True:
        return ()
    if answer is EXHAUSTED:
        return (Cause(text=unparse(node), kind="budget", why=EXHAUSTED.why),)
    causes: list[Cause] = []
    for part in _failing(node, env):
        if len(causes) == RULE_CAUSES_MAX:
            break
        causes.append(_cause(part, env, places))
    return tuple(causes)


def _failing(node: Node, env: Env) -> Iterator[Node]:
    """The smallest parts of a condition that are not true; bound variables are replaced by the items they stand for."""
    answer = compile_rule(node).answer(env)
    if answer is True:
        return
    match node:
        case Call(o="&&"):
            for part in node.a:
                yield from _failing(part, env)
        case Quant(q="all") if _length(node.l, env) is not None:
            yield from _failing_items(node, env)
        case Call(o="!", a=(Call(o="||", a=parts),)):
            for part in parts:
                yield from _failing(_negated(part), env)
        case Call(o="!", a=(Quant(q="exists") as inner,)) if _length(inner.l, env) is not None:
            yield from _failing(Quant(q="all", l=inner.l, v=inner.v, b=_negated(inner.b)), env)
        case _:
            yield node


def _failing_items(node: Quant, env: Env) -> Iterator[Node]:
    items = compile_rule(node.l).answer(env)
    body = compile_rule(node.b)
    for place, item in enumerate(items):
        if body.answer({**env, node.v: item}) is not True:
            here = Call(o="[]", a=(node.l, Const(v=place, t="int")))
            yield from _failing(_replace(node.b, node.v, here), env)


def _length(node: Node, env: Env) -> int | None:
    items = compile_rule(node).answer(env)
    return None if isinstance(items, Fault) else len(items)


def _negated(node: Node) -> Node:
    return node.a[0] if isinstance(node, Call) and node.o == "!" else Call(o="!", a=(node,))


def _replace(node: Node, word: str, by: Node) -> Node:
    """The tree with a free variable replaced; nothing in `by` can be captured, since no variable hides a name."""
    match node:
        case Const():
            return node
        case Name():
            return by if node.n == word else node
        case Field():
            return Field(r=_replace(node.r, word, by), f=node.f, t=node.t)
        case Has():
            return Has(r=_replace(node.r, word, by), f=node.f)
        case Items():
            return Items(i=tuple(_replace(item, word, by) for item in node.i))
        case Cond():
            return Cond(c=_replace(node.c, word, by), y=_replace(node.y, word, by), n=_replace(node.n, word, by))
        case Quant():
            return Quant(q=node.q, l=_replace(node.l, word, by), v=node.v, b=_replace(node.b, word, by))
        case Call():
            return Call(o=node.o, a=tuple(_replace(arg, word, by) for arg in node.a))


def _cause(node: Node, env: Env, places: Mapping[str, int]) -> Cause:
    answer = compile_rule(node).answer(env)
    kind: Literal["false", "error", "budget"] = "false" if answer is False else "error"
    if answer is EXHAUSTED:
        kind = "budget"
    why = answer.why if isinstance(answer, Fault) else ""
    reads: dict[str, Read] = {}
    for leaf in _leaves(node, ()):
        path = unparse(leaf)
        if path not in reads:
            reads[path] = _read(leaf, path, env, places)
    return Cause(text=unparse(node), kind=kind, why=why, reads=tuple(reads.values()))


def _leaves(node: Node, bound: tuple[str, ...]) -> Iterator[Node]:
    """The names, fields and items that a condition reads outright, the longest path of each."""
    path = isinstance(node, Name | Field) or (isinstance(node, Call) and node.o == "[]")
    if path and type_of(node) != "record" and not _mentions(node, bound):
        yield node
        node = node.a[1] if isinstance(node, Call) else Const(v=True, t="bool")
    if isinstance(node, Quant):
        yield from _leaves(node.l, bound)
        yield from _leaves(node.b, (*bound, node.v))
        return
    for child in children(node):
        yield from _leaves(child, bound)


def _mentions(node: Node, words: tuple[str, ...]) -> bool:
    return (isinstance(node, Name) and node.n in words) or any(_mentions(child, words) for child in children(node))


def _read(leaf: Node, path: str, env: Env, places: Mapping[str, int]) -> Read:
    value = compile_rule(leaf).answer(env)
    if isinstance(value, Fault):
        return Read(path=path, value=None, shown="?")
    if not isinstance(value, bool | int | str):
        return Read(path=path, value=len(value), shown=f"{len(value)} items")
    return Read(path=path, value=value, shown=show(value, type_of(leaf), places.get(_PLACE.sub("[]", path), 0)))


def show(value: object, kind: Type | None = None, decimals: int = 0) -> str:
    """A fact as people write it.

    Args:
        value: an untrusted fact.
        kind: its type, where it is known; microseconds are shown as numbers where it is not.
        decimals: of a scaled integer.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _number(value, kind, decimals) if INT_MIN <= value <= INT_MAX else "?"
    if isinstance(value, str):
        return value if len(value) <= RULE_SHOWN_CHARS_MAX else value[: RULE_SHOWN_CHARS_MAX - 1] + "…"
    return f"{len(value)} items" if isinstance(value, list | tuple) else "?"


def _number(value: int, kind: Type | None, decimals: int) -> str:
    if kind == "duration":
        return ("-" if value < 0 else "") + instant.show_duration(value)
    if kind == "timestamp":
        try:
            return instant.show(value)
        except OverflowError:
            return "?"
    if decimals <= 0:
        return str(value)
    digits = str(abs(value)).rjust(decimals + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def say(
    template: str, env: Env, places: Mapping[str, int] = _NO_PLACES, types: Mapping[str, Type] | None = None
) -> str:
    """Fill a contract's sentence: `Bath at {bath.temp_mC} °C` -> `Bath at 54.1 °C`; `?` where there is no such fact.

    Args:
        template: the contract's own text; braces that hold no path stay as they are.
        env: the facts, untrusted.
        places: declared decimals by path.
        types: types by path (see `nodes.paths`), so that times are shown as times.
    """

    def fill(hole: "re.Match[str]") -> str:
        path = hole[1]
        value: object = env
        for word in path.split("."):
            value = value.get(word) if isinstance(value, Mapping) else None
        return show(value, (types or {}).get(path), places.get(path, 0))

    return _HOLE.sub(fill, template)

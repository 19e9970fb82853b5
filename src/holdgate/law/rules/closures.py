"""From nodes to closures: how a rule reads facts and how its structure runs. See `evaluate` for what it all means.

A closure takes the facts and a frame (steps left, then one slot for each enclosing quantifier's variable) and returns a
value or a `Fault`. Reading is the hot path: one look-up and one type test where the fact is what the rule expects.
"""

import operator
from collections.abc import Mapping
from typing import Any

from holdgate.law.rules.nodes import (
    ELEMENTS,
    Call,
    Cond,
    Const,
    Field,
    Has,
    Items,
    Name,
    Node,
    Quant,
    children,
    type_of,
)
from holdgate.law.rules.operators import (
    ARITHMETIC,
    COMPARE,
    EXHAUSTED,
    INT_MIN,
    PYTHON,
    RANGES,
    Env,
    Fault,
    Frame,
    Step,
    arithmetic,
    compare,
    compare_fixed,
    index,
    join,
    odd,
    unary,
    within,
)
from holdgate.terms import limits

_Slots = Mapping[str, int]


def cost(node: Node) -> int:
    """Nodes evaluated once per evaluation: all but the bodies of quantifiers, which each entry charges anew."""
    below = (node.l,) if isinstance(node, Quant) else children(node)
    return 1 + sum(cost(child) for child in below)


def depth(node: Node) -> int:
    """How many quantifiers enclose each other at most."""
    return (1 if isinstance(node, Quant) else 0) + max((depth(child) for child in children(node)), default=0)


def compile_node(node: Node, slots: _Slots) -> Step:
    """The closure of a checked node; `slots` says where in the frame each bound variable stands (from 1)."""
    match node:
        case Const():
            return _const(node.v)
        case Name():
            return _name(node, slots)
        case Field():
            return _field(node, slots)
        case Has():
            return _has(compile_node(node.r, slots), node.f)
        case Items():
            return _items([compile_node(item, slots) for item in node.i])
        case Cond():
            return _cond(*(compile_node(part, slots) for part in children(node)))
        case Quant():
            return _quant(node, slots)
        case Call():
            return _call(node, slots)


def _const(value: object) -> Step:
    return lambda env, frame: value


# ---- reading facts: the common case first, then whatever else it may be


def _name(node: Name, slots: _Slots) -> Step:
    name, want = node.n, node.t
    plain = PYTHON.get(want) if want not in RANGES else None
    slot = slots.get(name, 0)

    def bound(_: Env, frame: Frame) -> Any:
        value = frame[slot]
        return value if type(value) is plain else odd(value, want, name)

    def free(env: Env, _: Frame) -> Any:
        value = env.get(name)
        return value if type(value) is plain else odd(value, want, name)

    if want in ELEMENTS and not slot:
        return _list_fact(name, free)
    if want in RANGES and not slot:
        return _int_fact(name, *RANGES[want], free)
    return bound if slot else free


def _list_fact(name: str, free: Step) -> Step:
    def short(env: Env, frame: Frame) -> Any:
        value = env.get(name)
        return value if type(value) is list and len(value) <= limits.RULE_LIST_MAX else free(env, frame)

    return short


def _int_fact(name: str, low: int, high: int, free: Step) -> Step:
    def short(env: Env, frame: Frame) -> Any:
        value = env.get(name)
        return value if type(value) is int and low <= value <= high else free(env, frame)

    return short


def _field(node: Field, slots: _Slots) -> Step:
    """A field of any record; of a fact or variable, by a short cut that leaves all that is unusual to this one."""
    record, field, want = compile_node(node.r, slots), node.f, node.t

    def read(env: Env, frame: Frame) -> Any:
        held = record(env, frame)
        return held if type(held) is Fault else odd(held.get(field), want, f"the field {field}")

    if not isinstance(node.r, Name):
        return read
    slot = slots.get(node.r.n, 0)
    if want not in RANGES:
        return _plain_of_name(node.r.n, slot, field, PYTHON.get(want, Fault), read)
    low, high = RANGES[want]
    return _int_of_item(slot, field, low, high, read) if slot else _int_of_fact(node.r.n, field, low, high, read)


def _plain_of_name(name: str, slot: int, field: str, plain: type, read: Step) -> Step:
    def short(env: Env, frame: Frame) -> Any:
        held = frame[slot] if slot else env.get(name)
        if type(held) is dict:
            value = held.get(field)
            if type(value) is plain:
                return value
        return read(env, frame)

    return short


def _int_of_item(slot: int, field: str, low: int, high: int, read: Step) -> Step:
    def short(env: Env, frame: Frame) -> Any:
        held = frame[slot]
        if type(held) is dict:
            value = held.get(field)
            if type(value) is int and low <= value <= high:
                return value
        return read(env, frame)

    return short


def _int_of_fact(name: str, field: str, low: int, high: int, read: Step) -> Step:
    def short(env: Env, frame: Frame) -> Any:
        held = env.get(name)
        if type(held) is dict:
            value = held.get(field)
            if type(value) is int and low <= value <= high:
                return value
        return read(env, frame)

    return short


def _has(record: Step, field: str) -> Step:
    def has(env: Env, frame: Frame) -> Any:
        held = record(env, frame)
        return held if type(held) is Fault else held.get(field) is not None

    return has


# ---- structure


def _items(parts: list[Step]) -> Step:
    def items(env: Env, frame: Frame) -> Any:
        values = [part(env, frame) for part in parts]
        return next((value for value in values if type(value) is Fault), values)

    return items


def _cond(test: Step, yes: Step, no: Step) -> Step:
    def cond(env: Env, frame: Frame) -> Any:
        chosen = test(env, frame)
        if type(chosen) is Fault:
            return chosen
        return yes(env, frame) if chosen else no(env, frame)

    return cond


def _quant(node: Quant, slots: _Slots) -> Step:
    slot = len(slots) + 1
    listed, body = compile_node(node.l, slots), compile_node(node.b, {**slots, node.v: slot})
    each, stop, go = cost(node.b), node.q == "exists", node.q != "exists"

    def until(env: Env, frame: Frame) -> Any:
        items = listed(env, frame)
        if type(items) is Fault:
            return items
        frame[0] -= len(items) * each
        if frame[0] < 0:
            return EXHAUSTED
        fault = None
        for item in items:
            frame[slot] = item
            value = body(env, frame)
            if value is go:
                continue
            if value is stop:
                return stop
            fault = value if fault is None else fault
            if frame[0] < 0:
                return EXHAUSTED
        return go if fault is None else fault

    return until if node.q != "exists_one" else _exactly_one(listed, body, each, slot)


def _exactly_one(listed: Step, body: Step, each: int, slot: int) -> Step:
    def once(env: Env, frame: Frame) -> Any:
        items = listed(env, frame)
        if type(items) is Fault:
            return items
        frame[0] -= len(items) * each
        if frame[0] < 0:
            return EXHAUSTED
        found = 0
        for item in items:
            frame[slot] = item
            value = body(env, frame)
            if type(value) is Fault:
                return value
            found += value
        return found == 1

    return once


def _call(node: Call, slots: _Slots) -> Step:
    parts = [compile_node(arg, slots) for arg in node.a]
    if node.o in ("&&", "||"):
        return join(parts, stop=node.o == "||")
    if node.o == "!":
        return unary(parts[0], operator.not_)
    if node.o == "size":
        return unary(parts[0], len)
    if node.o == "neg":
        return unary(parts[0], lambda x: -x if x != INT_MIN else Fault("integer overflow"))
    if node.o == "in":
        return within(parts[0], parts[1], PYTHON[type_of(node.a[0])])
    if node.o == "[]":
        return index(parts[0], parts[1], type_of(node))
    if node.o in COMPARE:
        if isinstance(node.a[1], Const):
            return compare_fixed(parts[0], node.a[1].v, COMPARE[node.o])
        return compare(parts[0], parts[1], COMPARE[node.o])
    result = type_of(node)
    low, high = RANGES[result]
    return arithmetic(parts[0], parts[1], ARITHMETIC[node.o], low, high, result)

"""Values, faults and what each operator does with them. See `evaluate` for what it all means."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from holdgate.law.rules.nodes import ELEMENTS, Type
from holdgate.terms import limits

Env = Mapping[str, object]
"""Facts by name: bool, int, str, lists or tuples, and records (mappings with text keys). Untrusted as to types."""

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
TIMESTAMP_US_MIN: Final = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z."""
TIMESTAMP_US_MAX: Final = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z."""
DURATION_US_MAX: Final = 9_223_372_036_854_775
"""2^63 nanoseconds, in whole microseconds: the range of a CEL duration either way."""

RANGES: Final[dict[str, tuple[int, int]]] = {
    "int": (INT_MIN, INT_MAX),
    "timestamp": (TIMESTAMP_US_MIN, TIMESTAMP_US_MAX),
    "duration": (-DURATION_US_MAX, DURATION_US_MAX),
}
PYTHON: Final[dict[str, type]] = {
    "bool": bool, "int": int, "string": str, "timestamp": int, "duration": int, "record": dict
}  # fmt: skip

_SEQUENCES: Final = (list, tuple)


class Fault:
    """An error as a value: what went wrong, in words."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


EXHAUSTED: Final = Fault("the rule needs more steps than its budget")
"""The one fault that nothing absorbs."""

Frame = list[Any]
"""Steps left, then the bound variables by depth."""
Step = Callable[[Env, Frame], Any]


def odd(value: object, want: Type, place: str) -> Any:
    """A value that is not plainly of its type: a longer way to accept it, or the fault that says why not."""
    if type(value) is int and want in RANGES:
        low, high = RANGES[want]
        return value if low <= value <= high else Fault(f"{place} is out of the range of a {want}")
    if want in ELEMENTS and isinstance(value, _SEQUENCES):
        if len(value) <= limits.RULE_LIST_MAX:
            return value
        return Fault(f"{place} has more than {limits.RULE_LIST_MAX} items")
    if type(value) is Fault or (want == "record" and isinstance(value, Mapping)):
        return value
    if type(value) is PYTHON.get(want):
        return value
    return Fault(f"{place} has no value" if value is None else f"{place} is not a {want}")


COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
}  # fmt: skip


def join(parts: list[Step], *, stop: bool) -> Step:
    """`&&` (stop at false) or `||` (stop at true); a fault counts only where nothing stopped."""
    go = not stop

    def join(env: Env, frame: Frame) -> Any:
        fault = None
        for part in parts:
            value = part(env, frame)
            if value is go:
                continue
            if value is stop:
                return stop
            fault = value if fault is None else fault
        return go if fault is None else fault

    return join


def unary(part: Step, apply: Callable[[Any], Any]) -> Step:
    """A function of one value."""

    def unary(env: Env, frame: Frame) -> Any:
        value = part(env, frame)
        return value if type(value) is Fault else apply(value)

    return unary


def compare(left: Step, right: Step, apply: Callable[[Any, Any], bool]) -> Step:
    """A comparison of two computed values."""

    def compare(env: Env, frame: Frame) -> Any:
        value = left(env, frame)
        if type(value) is Fault:
            return value
        second = right(env, frame)
        return second if type(second) is Fault else apply(value, second)

    return compare


def compare_fixed(left: Step, fixed: object, apply: Callable[[Any, Any], bool]) -> Step:
    """A comparison with a literal, the most frequent node of all."""

    def compare(env: Env, frame: Frame) -> Any:
        value = left(env, frame)
        return value if type(value) is Fault else apply(value, fixed)

    return compare


def within(part: Step, listed: Step, plain: type) -> Step:
    """Membership; every item must be of the type that the rule says, so that 1 is never found in [true]."""

    def within(env: Env, frame: Frame) -> Any:
        value, items = part(env, frame), listed(env, frame)
        if type(value) is Fault or type(items) is Fault:
            return value if type(value) is Fault else items
        frame[0] -= len(items)
        if frame[0] < 0:
            return EXHAUSTED
        for item in items:
            if type(item) is not plain:
                return Fault("the list holds a value of another type")
        return value in items

    return within


def index(listed: Step, at: Step, want: Type) -> Step:
    """An item by its place, from 0."""

    def index(env: Env, frame: Frame) -> Any:
        items, place = listed(env, frame), at(env, frame)
        if type(items) is Fault or type(place) is Fault:
            return items if type(items) is Fault else place
        if not 0 <= place < len(items):
            return Fault(f"item {place} of a list of {len(items)} (the first is 0)")
        return odd(items[place], want, f"item {place}")

    return index


def _divide(x: int, y: int) -> Any:
    if y == 0:
        return Fault("division by zero")
    quotient = abs(x) // abs(y)
    return quotient if (x < 0) == (y < 0) else -quotient


def _remainder(x: int, y: int) -> Any:
    if y == 0:
        return Fault("remainder by zero")
    if x == INT_MIN and y == -1:
        return Fault("integer overflow")
    return abs(x) % abs(y) * (-1 if x < 0 else 1)


ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divide, "%": _remainder
}  # fmt: skip


def arithmetic(left: Step, right: Step, apply: Callable[[Any, Any], Any], low: int, high: int, what: str) -> Step:
    """Two integers (or instants, durations) to a third, within the range of its type."""
    overflow = Fault("integer overflow" if what == "int" else f"{what} overflow")

    def arithmetic(env: Env, frame: Frame) -> Any:
        value = left(env, frame)
        if type(value) is Fault:
            return value
        second = right(env, frame)
        if type(second) is Fault:
            return second
        result = apply(value, second)
        if type(result) is Fault:
            return result
        return result if low <= result <= high else overflow

    return arithmetic

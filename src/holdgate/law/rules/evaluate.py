"""Evaluate rules: a normal form becomes closures once and then answers as often as asked, in microseconds.

CEL's semantics, strictly: an error is a value (`Fault`) that travels upward; `&&` and `||` absorb it when the other
side decides, in either order; `all` and `exists` do so over items, `exists_one` does not. Faults are: int64 overflow,
division by zero, an index outside the list, a missing field or name, a value of another type than the rule says, a list
longer than RULE_LIST_MAX. Division truncates. Only an exact true allows. Timestamps and durations are integers of
microseconds in the facts; a bool is never an int.

Steps: an evaluation costs its nodes outside quantifiers; each quantifier that is reached costs the nodes of its body
times the items of its list (charged on entry: the cost depends on list lengths, not on luck); `in` costs the items of
its list. Past the budget the answer is `budget`, whatever else was found: nothing absorbs it.

Source: cel-spec langdef.md, "Evaluation", "Overflow", "Logical operators", "Macros".
"""

from typing import Any, Final, Literal

import msgspec

from holdgate.law.rules.closures import compile_node, cost, depth
from holdgate.law.rules.nodes import Node
from holdgate.law.rules.operators import EXHAUSTED, Env, Fault, Frame, Step
from holdgate.terms import limits


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says about the facts: it allows only where it is exactly true."""

    kind: Literal["true", "false", "error", "budget"]
    why: str = ""
    """The fault, for `error` and `budget`."""

    @property
    def allowed(self) -> bool:
        """Whether the rule is exactly true."""
        return self.kind == "true"


_TRUE: Final = Outcome(kind="true")
_FALSE: Final = Outcome(kind="false")


class Rule:
    """A compiled rule. It holds no state between evaluations and may be shared between threads."""

    __slots__ = ("_blank", "_cost", "_step", "node")

    def __init__(self, node: Node, step: Step, steps: int, slots: int) -> None:
        self.node = node
        self._step = step
        self._cost = steps
        self._blank: Frame = [0, *([None] * slots)]

    def answer(self, env: Env, budget: int = limits.RULE_STEPS_MAX) -> Any:
        """The value of the rule (bool, or int for an amount), or a `Fault`; `EXHAUSTED` past the budget."""
        frame = self._blank.copy()
        frame[0] = budget - self._cost
        if frame[0] < 0:
            return EXHAUSTED
        value = self._step(env, frame)
        return EXHAUSTED if frame[0] < 0 else value

    def evaluate(self, env: Env, budget: int = limits.RULE_STEPS_MAX) -> Outcome:
        """Whether the rule allows, given the facts.

        Args:
            env: untrusted facts by name; a value of another type than the rule reads is an error.
            budget: steps, as the module text counts them.
        """
        frame = self._blank.copy()
        frame[0] = budget - self._cost
        value = EXHAUSTED if frame[0] < 0 else self._step(env, frame)
        if frame[0] < 0:
            return Outcome(kind="budget", why=f"the rule needs more than {budget} steps")
        if value is True:
            return _TRUE
        if value is False:
            return _FALSE
        return Outcome(kind="error", why=value.why if type(value) is Fault else "the rule is not a condition")


def compile_rule(node: Node) -> Rule:
    """Compile a checked normal form (see `normal.check`); a name that is not bound is read from the facts."""
    return Rule(node, compile_node(node, {}), cost(node), depth(node))

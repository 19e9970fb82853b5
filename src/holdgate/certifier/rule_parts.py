"""The rules of a step, and what stands in them."""

from collections.abc import Iterator

from holdgate.law.contract import Step
from holdgate.law.rules.nodes import Const, Field, Node, children
from holdgate.law.rules.normal import decode


def rules_of(step: Step, when: str) -> tuple[Node, ...]:
    """The rules of a step that are asked at this moment."""
    return tuple(decode(bytes(rule.normal)) for rule in step.rules if rule.when == when)


def below(node: Node) -> Iterator[Node]:
    """A node and everything inside it."""
    yield node
    for child in children(node):
        yield from below(child)


def constants(node: Node) -> Iterator[Const]:
    """Every literal inside."""
    return (part for part in below(node) if isinstance(part, Const))


def reads_values(*rules: Node) -> bool:
    """Whether one of them reads the value of a reading."""
    return any(isinstance(part, Field) and part.f == "value" for rule in rules for part in below(rule))

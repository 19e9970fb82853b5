"""Words in a contract's own rules: a text that is compared with an id or a result has to be one that there can be."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from holdgate.certifier.facts import RULE_FACTS
from holdgate.certifier.findings import Findings
from holdgate.certifier.rule_parts import below
from holdgate.certifier.space import RESULTS
from holdgate.law.contract import SmartSP, Step
from holdgate.law.rules.nodes import Call, Const, Field, Items, Name, Node
from holdgate.law.rules.normal import decode

WORDS: Final = "rules-name-what-there-is"


def prove_words(found: Findings, technique: SmartSP) -> None:
    """Each rule names readings of its own step, and results that a step can have."""
    found.begin(WORDS)
    for step in technique.steps:
        for rule in step.rules:
            for what in dict.fromkeys(_unknown(step, decode(bytes(rule.normal)))):
                found.fail(WORDS, step.id, f"rule {rule.id} names {what}")


def _unknown(step: Step, node: Node) -> Iterator[str]:
    measured = tuple(item.id for item in step.characteristics)
    for left, text in _compared(node):
        if isinstance(left, Field) and left.f == "id" and isinstance(left.r, Name) and left.r.n not in RULE_FACTS:
            if text not in measured:
                yield f"the reading {text!r}, which {step.id} does not take{_meant(text, measured)}"
        elif isinstance(left, Name) and left.n == "result" and text not in RESULTS:
            yield f"the result {text!r}, which no step can have{_meant(text, RESULTS)}"


def _compared(node: Node) -> Iterator[tuple[Node, str]]:
    """What is compared with a text, and the text."""
    for part in below(node):
        if not isinstance(part, Call) or part.o not in ("==", "!=", "in"):
            continue
        left, right = part.a
        for term, texts in ((left, right), (right, left)):
            items = texts.i if isinstance(texts, Items) else (texts,)
            yield from ((term, item.v) for item in items if isinstance(item, Const) and isinstance(item.v, str))


def _meant(text: str, known: Sequence[str]) -> str:
    near = get_close_matches(text, known, n=1)
    return f"; {near[0]!r} is meant, perhaps" if near else ""

"""Whether the rules of one revision imply those of another, over all facts and all tunings."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from holdgate.certifier.encode import Cell, places_for
from holdgate.certifier.rule_parts import rules_of
from holdgate.certifier.smt import Term, both, either, no, same
from holdgate.certifier.solver import ask
from holdgate.certifier.space import Reading, StepFacts, inside
from holdgate.certifier.tuning import Tuning, limits_of, scale_of
from holdgate.law.contract import SmartSP, Step

Side = tuple[SmartSP, Step]
PLACES_TRIED: Final = 4
"""Places of a list where no number is known to be enough: a case found is a case, none found says nothing."""
UNDECIDED: Final = "the solver could not tell"


class Compared(NamedTuple):
    """`more`: something passes the new rules and not the old; `less`: the other way; `example`: a case."""

    more: bool
    less: bool
    example: str


def compare_rules(old: Side, new: Side, when: str) -> Compared:
    """Compare the rules of a step at one moment; what cannot be decided counts as both."""
    more, case = _passes_only(new, old, when)
    less, other = _passes_only(old, new, when)
    return Compared(more, less, case or other)


def _passes_only(one: Side, other: Side, when: str) -> tuple[bool, str]:
    """Whether something passes the rules of `one` and not those of `other`."""
    rules, against = rules_of(one[1], when), rules_of(other[1], when)
    enough = places_for(*rules, *against)
    facts = StepFacts(one[0], _union(one[1], other[1]))
    facts.scale = max(scale_of(one[1], one[0]), scale_of(other[1], other[0]))
    facts.job()
    started = facts.start()
    now, result = started, facts.script.text("")
    if when == "sign":
        now, result = facts.moment("now", started), facts.result()
        facts.record(enough or PLACES_TRIED)
    mine = facts.facts_of(now, started, result, _seen_by(facts, one, "one."))
    theirs = facts.facts_of(now, started, result, _seen_by(facts, other, "other."))
    facts.script.hold(facts.hold_all(rules, mine))
    facts.script.hold(no(facts.hold_all(against, theirs)))
    answer = ask(facts.script.query(f"what passes one revision's rules at {when} and not the other's"))
    if answer.verdict == "sat":
        return True, facts.tell(answer.values, *rules, *against)
    decided = answer.verdict == "unsat" and (enough is not None or when == "start")
    return (False, "") if decided else (True, UNDECIDED)


def _union(one: Step, other: Step) -> Step:
    """A step on which everything is measured that either measures."""
    known = {item.id for item in one.characteristics}
    more = tuple(item for item in other.characteristics if item.id not in known)
    return replace(one, characteristics=(*one.characteristics, *more))


def _seen_by(facts: StepFacts, side: Side, prefix: str) -> Sequence[Reading]:
    """The readings as a revision sees them: its own characteristics, limits, resolution and tuning."""
    technique, step = side
    tuning = Tuning(facts.script, prefix=f"{prefix}tune.")
    places = {item.id: item.resolution for item in facts.step.characteristics}
    same_places = all(places[item.id] == item.resolution for item in step.characteristics)
    seen: list[Reading] = []
    for number, reading in enumerate(facts.readings):
        known, good = [], []
        for item in step.characteristics:
            here = same(reading.id, facts.script.text(item.id))
            bounds = limits_of(technique, step, item, facts.scale)
            known.append(here)
            good.append(both(here, inside(bounds, tuning, reading.at)))
        cell = (
            Cell(reading.value, no(reading.readable))
            if same_places
            else _rescaled(facts, step, reading, f"{prefix}{number}")
        )
        filled = facts.script.named(both(reading.filled, either(*known)))
        conforms = facts.script.named(either(*good))
        seen.append(reading._replace(filled=filled, conforms=conforms, value=_term(cell), readable=no(cell.missing)))
    return seen


def _rescaled(facts: StepFacts, step: Step, reading: Reading, name: str) -> Cell:
    """The value of a reading at this revision's resolution."""
    s = facts.script
    value, rest = s.integer(f"{name}.value"), s.integer(f"{name}.rest", 0)
    for item in step.characteristics:
        factor = 10 ** (facts.scale - item.resolution)
        told = both(same(reading.at, f"(+ (* {factor} {value}) {rest})"), f"(< {rest} {factor})")
        s.hold(either(no(same(reading.id, s.text(item.id))), told))
    return Cell(value, no(same(rest, "0")))


def _term(cell: Cell) -> Term:
    return str(cell.value)

"""Proofs about a contract's own rules, over every fact and every tuning.

Each rule can be true, and can be not true; no conjunct of what is asked at one moment follows from the others; start and
sign rules agree with each other and with the step's limits (a pass is possible); and whatever was read, the step can be
signed as pass or as fail at some moment: nobody is left with readings that cannot be signed.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from holdgate.certifier.encode import Cell, Said, places_for
from holdgate.certifier.findings import Findings
from holdgate.certifier.rule_diff import PLACES_TRIED
from holdgate.certifier.rule_parts import below, constants, reads_values, rules_of
from holdgate.certifier.smt import TRUE, Term, both, either, no, num, same
from holdgate.certifier.space import TIME_MAX, Reading, StepFacts
from holdgate.certifier.tuning import LIMIT_KINDS, decimals
from holdgate.law.contract import SmartSP, Step
from holdgate.law.rules.nodes import Call, Node, Quant, children, paths
from holdgate.law.rules.normal import decode, unparse
from holdgate.law.technique import ACCEPTANCE
from holdgate.terms import limits

CAN_HOLD: Final = "rules-can-be-true"
NOT_VACUOUS: Final = "rules-ask-for-something"
NOT_REDUNDANT: Final = "no-conjunct-is-redundant"
READABLE: Final = "rules-can-read-what-the-limits-say"
PASSABLE: Final = "every-step-can-pass"
CAN_BE_SIGNED: Final = "every-outcome-can-be-signed"
NOT_DEAD: Final = "no-alternative-is-dead"
GOES_ON: Final = "a-deviation-leaves-a-way"
MOMENTS: Final = ("start", "sign")


class _Asked(NamedTuple):
    """A rule, parsed."""

    id: str
    node: Node


class _Moment(NamedTuple):
    """Facts to ask about. `enough`: where no case is found there is none."""

    facts: StepFacts
    env: Mapping[str, Cell]
    enough: bool


def prove_rules(found: Findings, technique: SmartSP) -> None:
    """All proofs about the rules of a technique's steps."""
    for proof in (CAN_HOLD, NOT_VACUOUS, NOT_REDUNDANT, NOT_DEAD, READABLE, PASSABLE, CAN_BE_SIGNED, GOES_ON):
        found.begin(proof)
    for step in technique.steps:
        for when in MOMENTS:
            rules = _rules(step, when)
            for rule in rules:
                _can_be_true(found, technique, step, when, rule)
                _can_be_not_true(found, technique, step, when, rule)
                _no_alternative_is_dead(found, technique, step, when, rule)
            _no_conjunct_follows(found, technique, step, when, rules)
        _values_are_readable(found, technique, step)
        _can_pass(found, technique, step)
        _can_be_signed(found, technique, step)
        _goes_on(found, technique, step)


def _rules(step: Step, when: str) -> tuple[_Asked, ...]:
    return tuple(_Asked(rule.id, decode(bytes(rule.normal))) for rule in step.rules if rule.when == when)


def _places(step: Step, *rules: Node) -> int | None:
    """How many parts or readings tell all cases apart; None: no number does.

    A step that takes nothing part by part has at most one reading of each characteristic, whatever its rules are.
    """
    if not any(item.per_serial for item in step.characteristics):
        return max(len(step.characteristics), 1)
    return places_for(*rules)


def _moment(technique: SmartSP, step: Step, when: str, rules: tuple[Node, ...], *, complete: bool) -> _Moment:
    """All facts at the start, or at a signature: over a complete record, or over whatever is recorded."""
    enough = _places(step, *rules)
    facts = StepFacts(technique, step)
    facts.job()
    started = facts.start()
    if when == "start":
        return _Moment(facts, facts.facts(started, started, facts.script.text(""), readings=False), enough=True)
    if complete:
        facts.complete(enough or PLACES_TRIED, scaled=reads_values(*rules))
    else:
        facts.record(enough or PLACES_TRIED)
    now = facts.moment("now", started)
    return _Moment(facts, facts.facts(now, started, facts.result()), enough is not None)


def _can_be_true(found: Findings, technique: SmartSP, step: Step, when: str, rule: _Asked) -> None:
    at = _moment(technique, step, when, (rule.node,), complete=True)
    at.facts.script.hold(at.facts.encoder.true(rule.node, at.env))
    query = at.facts.script.query(f"whether rule {rule.id} of {step.id} can be true")
    answer = found.ask(CAN_HOLD, query)
    if answer.verdict == "unsat" and at.enough:
        found.fail(CAN_HOLD, step.id, f"rule {rule.id} can never be true: {unparse(rule.node)}")
    elif answer.verdict != "sat":
        found.undecided(CAN_HOLD, step.id, query.name)


def _can_be_not_true(found: Findings, technique: SmartSP, step: Step, when: str, rule: _Asked) -> None:
    at = _moment(technique, step, when, (rule.node,), complete=False)
    at.facts.script.hold(no(at.facts.encoder.true(rule.node, at.env)))
    query = at.facts.script.query(f"whether rule {rule.id} of {step.id} can be untrue")
    answer = found.ask(NOT_VACUOUS, query)
    if answer.verdict == "unsat" and at.enough:
        found.fail(NOT_VACUOUS, step.id, f"rule {rule.id} is always true and asks for nothing: {unparse(rule.node)}")
    elif answer.verdict != "sat":
        found.undecided(NOT_VACUOUS, step.id, query.name)


# ---- redundancy ------------------------------------------------------------------------------------------------------


def _no_conjunct_follows(found: Findings, technique: SmartSP, step: Step, when: str, rules: tuple[_Asked, ...]) -> None:
    """Leaving a conjunct out changes an answer: from denied to allowed, or from plainly false to an error."""
    parts = [(rule.id, part) for rule in rules for part in _conjuncts(rule.node)]
    if len(parts) < 2:
        return
    nodes = tuple(part for _, part in parts)
    for index, (rule, part) in enumerate(parts):
        at = _moment(technique, step, when, nodes, complete=False)
        whole = _all_of(at, nodes)
        rest = _all_of(at, nodes[:index] + nodes[index + 1 :])
        lets_more = both(_true(rest), no(_true(whole)))
        at.facts.script.hold(either(lets_more, both(rest.error, no(whole.error))))
        query = at.facts.script.query(f"whether `{unparse(part)}` in rule {rule} of {step.id} matters")
        answer = found.ask(NOT_REDUNDANT, query)
        if answer.verdict == "unsat" and at.enough:
            found.fail(
                NOT_REDUNDANT, step.id, f"in rule {rule}, `{unparse(part)}` follows from what else is asked at {when}"
            )
        elif answer.verdict != "sat":
            found.undecided(NOT_REDUNDANT, step.id, query.name)


def _no_alternative_is_dead(found: Findings, technique: SmartSP, step: Step, when: str, rule: _Asked) -> None:
    """Where a rule says "this or that", each can be true: one that cannot says nothing, and was meant otherwise."""
    for part in _conjuncts(rule.node):
        for one in part.a if isinstance(part, Call) and part.o == "||" else ():
            at = _moment(technique, step, when, (one,), complete=False)
            at.facts.script.hold(at.facts.encoder.true(one, at.env))
            query = at.facts.script.query(f"whether `{unparse(one)}` in rule {rule.id} of {step.id} can be true")
            answer = found.ask(NOT_DEAD, query)
            if answer.verdict == "unsat" and at.enough:
                found.fail(NOT_DEAD, step.id, f"in rule {rule.id}, `{unparse(one)}` can never be true")
            elif answer.verdict != "sat":
                found.undecided(NOT_DEAD, step.id, query.name)


def _conjuncts(node: Node) -> tuple[Node, ...]:
    return node.a if isinstance(node, Call) and node.o == "&&" else (node,)


def _all_of(at: _Moment, nodes: tuple[Node, ...]) -> Said:
    node = nodes[0] if len(nodes) == 1 else Call(o="&&", a=nodes)
    return at.facts.encoder.said(node, at.env)


def _true(said: Said) -> Term:
    return both(said.term, no(said.error))


# ---- readings and outcomes -------------------------------------------------------------------------------------------


def _values_are_readable(found: Findings, technique: SmartSP, step: Step) -> None:
    """A rule reads integers of the declared resolution: a limit with more decimals is one that no rule can see."""
    for rule in _rules(step, "sign"):
        for item in step.characteristics:
            if item.id not in _values_read(step, rule.node):
                continue
            knobs = [
                a
                for a in technique.adaptable
                if a.kind in LIMIT_KINDS and a.characteristic == item.id and a.step == step.id
            ]
            written = [item.min, item.max, item.equals, item.U, *(t for a in knobs for t in (a.min, a.max))]
            if max((decimals(text) for text in written if text is not None), default=0) > item.resolution:
                what = f"rule {rule.id} reads {item.id} with {item.resolution} decimals, but its limits have more"
                case = f"a reading at the limit is an error to the rule; set the resolution of {item.id}"
                found.fail(READABLE, step.id, what, case)


def _values_read(step: Step, node: Node) -> tuple[str, ...]:
    """The characteristics whose values a rule reads: those that it names beside the value, or else all of them."""
    if not reads_values(node):
        return ()
    every = tuple(item.id for item in step.characteristics)
    if isinstance(node, Quant) and not any(isinstance(child, Quant) for child in below(node.b)):
        texts = [const.v for const in constants(node.b)]
        return tuple(name for name in every if name in texts) or every
    parts = children(node)
    if isinstance(node, Quant):
        parts = (node.b,)
    named = [name for part in parts for name in (_values_read(step, part) if reads_values(part) else ())]
    return tuple(dict.fromkeys(named)) or every


def _can_pass(found: Findings, technique: SmartSP, step: Step) -> None:
    """Under the strictest tuning, and so under every one, some complete and conforming readings can be signed as pass."""
    start, sign = rules_of(step, "start"), rules_of(step, "sign")
    enough = _places(step, *start, *sign)
    facts = StepFacts(technique, step, how="strictest")
    facts.job()
    started = facts.start()
    facts.complete(enough or PLACES_TRIED, scaled=reads_values(*sign))
    now = facts.moment("now", started)
    text = facts.script.text
    facts.script.hold(facts.hold_all(start, facts.facts(started, started, text(""), readings=False)))
    facts.script.hold(facts.hold_all(sign, facts.facts(now, started, text("pass"))))
    facts.script.hold(facts.all_conform)
    query = facts.script.query(f"whether {step.id} can be passed under the strictest tuning")
    answer = found.ask(PASSABLE, query)
    if answer.verdict == "unsat" and (enough is not None or not sign):
        why = "its limits and its own rules contradict each other" if start or sign else "its limits leave no value"
        found.fail(PASSABLE, step.id, f"no readings can be signed as pass: {why}")
    elif answer.verdict != "sat":
        found.undecided(PASSABLE, step.id, query.name)


def _can_be_signed(found: Findings, technique: SmartSP, step: Step) -> None:
    """Whatever was found on the parts, pass or fail can be signed: at some moment, and once the process is in order.

    A characteristic with `effect: acceptance` decides on the part, and is what it is. The others are about the process: a rule may
    ask that something be done and recorded first, so of those that it names any value will do that it tells apart.
    """
    rules = rules_of(step, "sign")
    if not rules:
        return
    enough = _places(step, *rules)
    facts = StepFacts(technique, step)
    facts.job()
    started = facts.start()
    facts.complete(enough or PLACES_TRIED, scaled=reads_values(*rules))
    text, ways = facts.script.text, []
    for readings in _redone(facts, rules):
        conform = both(*(either(no(r.filled), r.conforms) for r in readings))
        for now in _moments(facts, started, rules):
            ways.append(both(conform, facts.hold_all(rules, facts.facts_of(now, started, text("pass"), readings))))
            ways.append(facts.hold_all(rules, facts.facts_of(now, started, text("fail"), readings)))
    facts.script.hold(no(either(*ways)))
    query = facts.script.query(f"whether readings of {step.id} can be signed neither as pass nor as fail")
    answer = found.ask(CAN_BE_SIGNED, query)
    if answer.verdict == "sat":
        what = "these readings can be signed neither as pass nor as fail; a rule about a pass begins with `result != 'pass' ||`"
        found.fail(CAN_BE_SIGNED, step.id, what, facts.tell(answer.values, *rules))
    elif answer.verdict == "unknown" or enough is None:
        found.undecided(CAN_BE_SIGNED, step.id, query.name)


def _redone(facts: StepFacts, rules: tuple[Node, ...]) -> Iterator[list[Reading]]:
    """The readings as they are, and with those of the process that the rules name read again, at each value told apart."""
    yield facts.readings
    texts = {const.v for rule in rules for const in constants(rule) if const.t == "string"}
    step, s = facts.step, facts.script
    named = [item for item in step.characteristics if item.id in texts and item.effect != ACCEPTANCE]
    for item in named[:REDONE_MAX]:
        which = s.text(item.id)
        for value in _told_apart(rules):
            at = num(value * 10 ** (facts.scale - item.resolution))
            told, good = num(value), s.named(facts.conforms(item, at))
            again = [r._replace(at=at, value=told, conforms=good, readable=TRUE) for r in facts.readings]
            yield [new if r.id == which else r for r, new in zip(facts.readings, again, strict=True)]


REDONE_MAX: Final = 4
"""Characteristics of the process that are thought of as read again, one at a time."""


def _told_apart(rules: tuple[Node, ...]) -> tuple[int, ...]:
    """Whole numbers around each that the rules name."""
    numbers = [const.v for rule in rules for const in constants(rule) if const.t == "int" and isinstance(const.v, int)]
    return tuple(sorted({near for number in numbers for near in (number - 1, number, number + 1)} | {0, 1}))


def _moments(facts: StepFacts, started: Term, rules: tuple[Node, ...]) -> Iterator[Term]:
    """At once, at the end of time, and around each duration and instant that the rules name."""
    yield started
    if not any(path in ("now", "step.started") for rule in rules for path in paths(rule)):
        return
    yield num(TIME_MAX)
    for const in {(const.t, const.v): const for rule in rules for const in constants(rule)}.values():
        if not isinstance(const.v, int) or const.t not in ("timestamp", "duration"):
            continue
        for near in (const.v - 1, const.v, const.v + 1):
            at = f"(+ {started} {num(near)})" if const.t == "duration" else num(near)
            yield facts.script.named(f"(ite (<= {started} {at} {num(TIME_MAX)}) {at} {started})", "Int")


# ---- deviations ------------------------------------------------------------------------------------------------------


def _goes_on(found: Findings, technique: SmartSP, step: Step) -> None:
    """However many deviations were authorised for the job, the step can be started, and signed as pass or as fail."""
    start, sign = rules_of(step, "start"), rules_of(step, "sign")
    if not any("job.deviations" in paths(rule) for rule in (*start, *sign)):
        return
    numbers = [n for n in _told_apart((*start, *sign)) if 0 <= n <= limits.LIST_ITEMS_MAX]
    for count in dict.fromkeys((*numbers, limits.LIST_ITEMS_MAX)):
        enough = _places(step, *start, *sign)
        facts = StepFacts(technique, step)
        facts.job()
        facts.script.hold(same("|job.deviations|", num(count)))
        started = facts.start()
        facts.complete(enough or PLACES_TRIED, scaled=reads_values(*sign))
        now, result = facts.moment("now", started), facts.result()
        facts.script.hold(facts.hold_all(start, facts.facts(started, started, facts.script.text(""), readings=False)))
        facts.script.hold(facts.hold_all(sign, facts.facts(now, started, result)))
        facts.script.hold(either(facts.all_conform, no(same(result, facts.script.text("pass")))))
        query = facts.script.query(f"whether {step.id} can be done after {count} deviations")
        if found.ask(GOES_ON, query).verdict != "sat":
            told = "a deviation" if count == 1 else f"{count} deviations"
            what = f"after {told} it can neither be passed nor failed: the job can only be ended"
            found.fail(GOES_ON, step.id, what)
            return

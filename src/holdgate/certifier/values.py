"""Concrete values for witness runs: readings that conform or do not, and moments at which a contract's own rules are true."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from holdgate.certifier.rule_parts import constants, reads_values, rules_of
from holdgate.certifier.smt import both, no, num, same
from holdgate.certifier.solver import ask
from holdgate.certifier.space import COUNTED, StepFacts
from holdgate.certifier.tuning import Limits, limits_of, scale_of, shown
from holdgate.law.contract import Characteristic, SmartSP, Step
from holdgate.law.rules.evaluate import compile_rule
from holdgate.law.rules.nodes import Node
from holdgate.law.technique import AS_FOUND
from holdgate.terms.instant import SECOND_US
from holdgate.terms.quantity import parse_decimal, scaled

PARTS_TRIED: Final = (2, 1, 3, 4, 5, 6, 8, 10)
"""How many parts a witness run has: the first of these with which every step can be passed."""
PARTS_MAX: Final = 60
"""How many a witness run may have where a rule names a number."""


COUNT_MAX: Final = 12
"""How often a witness run takes the same reading, at most."""


class Read(NamedTuple):
    """A reading to be recorded. `conforms`: under the contract's own values. `times`: how often it is taken."""

    characteristic: Characteristic
    serial: str | None
    value: str
    conforms: bool
    times: int = 1


class JobFacts(NamedTuple):
    """What a rule may read of a job."""

    id: str
    serials: tuple[str, ...]
    deviations: int


# ---- readings --------------------------------------------------------------------------------------------------------


def readings(technique: SmartSP, step: Step, job: JobFacts, started: int, *, good: bool) -> tuple[Read, ...] | None:
    """Complete readings, all conforming or one of them not, over which the step can be signed; None: there are none."""
    rules = rules_of(step, "sign")
    if not rules:
        return _plain(technique, step, job.serials, good=good)
    facts = _laid_out(technique, step, job, started, rules)
    now = facts.moment("now", num(started))
    result = facts.script.text("pass" if good else "fail")
    facts.script.hold(facts.hold_all(rules, facts.facts(now, num(started), result)))
    facts.script.hold(facts.all_conform if good else no(facts.all_conform))
    if COUNTED:
        facts.script.hold(both(*(f"(<= {reading.times} {COUNT_MAX})" for reading in facts.readings)))
    answer = ask(facts.script.query(f"readings of {step.id}"))
    return _found(facts, job.serials, answer.values) if answer.verdict == "sat" else None


def _laid_out(technique: SmartSP, step: Step, job: JobFacts, started: int, rules: tuple[Node, ...]) -> StepFacts:
    facts = StepFacts(technique, step, "own")
    facts.job()
    script = facts.script
    script.hold(same("|job.id|", script.text(job.id)))
    script.hold(same("|job.parts|", num(len(job.serials))))
    script.hold(same("|job.deviations|", num(job.deviations)))
    facts.complete(len(job.serials), scaled=reads_values(*rules))
    if any(item.per_serial for item in step.characteristics):
        for place, serial in enumerate(job.serials):
            script.hold(same(f"|serial[{place}]|", script.text(serial)))
    return facts


def _found(facts: StepFacts, serials: Sequence[str], values: Mapping[str, int | bool]) -> tuple[Read, ...]:
    found: list[Read] = []
    for item in facts.step.characteristics:
        bounds = limits_of(facts.technique, facts.step, item, facts.scale)
        for place, serial in enumerate(serials) if item.per_serial else ((0, None),):
            name = item.id if serial is None else f"{item.id}/{place}"
            at = int(values.get(f"{name}.at", 0))
            if f"{name}.at" not in values:
                at = int(values.get(f"{name}.value", 0)) * 10 ** (facts.scale - item.resolution)
            count = int(values.get(f"{name}.count", 1))
            found.append(Read(item, serial, shown(at, facts.scale), _inside(bounds, at), count))
    return tuple(found)


def _plain(technique: SmartSP, step: Step, serials: Sequence[str], *, good: bool) -> tuple[Read, ...] | None:
    """Values at the limits, where no rule asks for more; for a failure, the first that counts lies just beyond."""
    scale = scale_of(step, technique)
    found: list[Read] = []
    spoiled = good
    for item in step.characteristics:
        bounds = limits_of(technique, step, item, scale)
        for serial in serials if item.per_serial else (None,):
            inside = spoiled or item.effect == AS_FOUND
            at = _edge(bounds) if inside else _beyond(bounds)
            spoiled = spoiled or not inside
            found.append(Read(item, serial, shown(at, scale), _inside(bounds, at)))
    return tuple(found) if spoiled else None


def _edge(bounds: Limits) -> int:
    if bounds.equals is not None:
        return bounds.equals
    if bounds.low is not None:
        return bounds.low.own + bounds.guard
    return 0 if bounds.high is None else bounds.high.own - bounds.guard


def _beyond(bounds: Limits) -> int:
    if bounds.equals is not None:
        return bounds.equals + 1
    if bounds.high is not None:
        return bounds.high.own - bounds.guard + 1
    return 0 if bounds.low is None else bounds.low.own + bounds.guard - 1


def _inside(bounds: Limits, at: int) -> bool:
    return (
        (bounds.low is None or at >= bounds.low.own + bounds.guard)
        and (bounds.high is None or at <= bounds.high.own - bounds.guard)
        and (bounds.equals is None or at == bounds.equals)
    )


# ---- moments ---------------------------------------------------------------------------------------------------------


def moment(
    technique: SmartSP, step: Step, when: str, job: JobFacts, now: int, started: int, read: Sequence[Read], result: str
) -> int | None:
    """The first moment from now on, of those that the rules tell apart, at which all of them are true; None: never."""
    rules = rules_of(step, when)
    for at in sorted({now, *_candidates(rules, now, started)}):
        if all(holds(rule, step, job, at, started, read, result) for rule in rules):
            return at
    return None


def holds(rule: Node, step: Step, job: JobFacts, now: int, started: int, read: Sequence[Read], result: str) -> bool:
    """What the engine's own evaluator says of a rule over these facts."""
    return compile_rule(rule).evaluate(_env(step, job, now, started, read, result)).allowed


def _env(step: Step, job: JobFacts, now: int, started: int, read: Sequence[Read], result: str) -> dict[str, object]:
    listed: list[dict[str, object]] = []
    for item in read:
        value = parse_decimal(item.value)
        as_whole = None if value is None else scaled(value, item.characteristic.resolution)
        told: dict[str, object] = {"id": item.characteristic.id, "serial": item.serial or "", "conforms": item.conforms}
        if COUNTED:
            told["count"] = item.times
        listed.append(told if as_whole is None else {**told, "value": as_whole})
    return {
        "now": now,
        "result": result,
        "job": {"id": job.id, "parts": len(job.serials), "deviations": job.deviations},
        "step": {"id": step.id, "started": started},
        "readings": listed,
    }


def _candidates(rules: Sequence[Node], now: int, started: int) -> Iterator[int]:
    for const in (const for rule in rules for const in constants(rule)):
        if isinstance(const.v, bool) or not isinstance(const.v, int):
            continue
        if const.t in ("timestamp", "duration"):
            base = const.v + (started if const.t == "duration" else 0)
            yield from (at for at in (base, base + SECOND_US) if at > now)

"""Proofs about limits, windows, adaptable parameters and the environment, under every tuning."""

from collections.abc import Iterator, Mapping
from typing import Final

from holdgate.certifier.findings import Findings
from holdgate.certifier.roles import are_people
from holdgate.certifier.rule_times import least_s
from holdgate.certifier.smt import Script, Term, both, either, num
from holdgate.certifier.solver import Answer
from holdgate.certifier.space import moved
from holdgate.certifier.tuning import (
    LIMIT_KINDS,
    WINDOW_KINDS,
    Limits,
    Range,
    Tuning,
    knob_of,
    limits_of,
    scale_of,
    shown,
    whole,
    window_of,
)
from holdgate.law.contract import Adaptable, Characteristic, Environment, SmartClientPO, SmartSP, Step
from holdgate.law.technique import CHARACTERISTIC_MIN, CLIENT_WINDOW, TIGHTER, WINDOW_MIN
from holdgate.terms.limits import DECIMALS_MAX
from holdgate.terms.quantity import parse_decimal

ROOM: Final = "limits-leave-room"
NOT_LOOSER: Final = "tuning-never-leaves-its-range"
OPEN: Final = "windows-open-before-they-close"
CAN_BE_MET: Final = "windows-can-be-met"
TUNED: Final = "parameters-are-bounded"
ENVIRONMENT: Final = "environment-can-be-good"
SILENCE: Final = "silence-leaves-time-to-answer"
COUNTS: Final = {"count": None, "bool01": 1}
"""Units that count, and the most that they count to: such a value is whole, and not below zero."""
DAY_S: Final = 86_400
LONG_S: Final = 400 * 365 * 86_400
"""Longer than any record."""


def prove_limits(found: Findings, template: SmartClientPO, technique: SmartSP) -> None:
    """All proofs about what limits, windows and parameters leave."""
    found.begin(TUNED)
    faulty = [*_faulty_parameters(template, technique)]
    for place, what in faulty:
        found.fail(TUNED, place, what)
    if faulty:
        return  # a range that is none proves nothing
    for proof in (ROOM, NOT_LOOSER, OPEN, CAN_BE_MET, ENVIRONMENT, SILENCE):
        found.begin(proof)
    for step in technique.steps:
        for item in step.characteristics:
            _room(found, technique, step, item)
        _window_opens(found, technique, step)
    _windows_can_be_met(found, technique)
    _environment(found, technique)
    _silence(found, template, technique)


# ---- adaptable parameters --------------------------------------------------------------------------------------------


def _faulty_parameters(template: SmartClientPO, technique: SmartSP) -> Iterator[tuple[str, str]]:
    moved_by: dict[tuple[str, str | None, str | None], str] = {}
    ids: dict[str, None] = {}
    for item in technique.adaptable:
        place, target = f"parameter {item.id}", (item.kind, item.step, item.characteristic)
        if item.id in ids:
            yield place, "it is there twice"
        if target in moved_by:
            yield place, f"it moves the same number as {moved_by[target]}"
        ids[item.id] = None
        moved_by[target] = item.id
        own, why = _own_value(template, technique, item)
        if why:
            yield place, why
            continue
        yield from ((place, fault) for fault in _faulty_range(item, own))


def _own_value(template: SmartClientPO, technique: SmartSP, item: Adaptable) -> tuple[str, str]:
    """The contract's own value of what a parameter moves; or why there is none."""
    if item.kind not in TIGHTER:
        return "", f"there is nothing of the kind {item.kind!r} to move"
    if item.kind == CLIENT_WINDOW:
        return str(
            template.client_window_s
        ), "" if item.step is item.characteristic is None else "a client's window is of no step"
    step = next((step for step in technique.steps if step.id == item.step), None)
    if step is None:
        return "", f"there is no step {item.step}"
    if item.kind in WINDOW_KINDS:
        if step.window is None:
            return "", f"{step.id} has no window"
        end = step.window.min_s if item.kind == WINDOW_MIN else step.window.max_s
        return ("", f"the window of {step.id} has no such end") if end is None else (str(end), "")
    measured = next((c for c in step.characteristics if c.id == item.characteristic), None)
    limit = None if measured is None else measured.min if item.kind == CHARACTERISTIC_MIN else measured.max
    return ("", f"{item.characteristic} of {step.id} has no such limit") if limit is None else (limit, "")


def _faulty_range(item: Adaptable, own: str) -> Iterator[str]:
    low, high, value, stands = (parse_decimal(text) for text in (item.min, item.max, item.value, own))
    if low is None or high is None or value is None or stands is None:
        yield "its bounds are not decimal numbers"
        return
    if item.kind not in LIMIT_KINDS and any(number != int(number) or number < 0 for number in (low, high, value)):
        yield "seconds are whole numbers, not below zero"
    if not low <= value <= high:
        yield f"its value {item.value} is outside of {item.min}..{item.max}"
    if value != stands:
        yield f"it says {item.value}, but the contract says {own}"
    if item.kind != CLIENT_WINDOW and item.tighter != TIGHTER[item.kind]:
        yield f"a {item.kind} gets tighter when it gets {TIGHTER[item.kind]}, not {item.tighter}: a loosening would apply by itself"
    if not item.approve:
        yield "nobody is named who agrees to a change"
    for role in item.approve:
        if not are_people(role):
            yield f"{role} is no role of people, so nobody can agree to a change"
    if item.kind == CLIENT_WINDOW and low < stands:
        if "client" not in item.approve:
            yield f"the client's window can shrink to {item.min} s, and the client is not asked"
        elif item.auto_tighten and item.tighter == "lower":
            yield "the client's window can shrink by itself"


# ---- limits and windows ----------------------------------------------------------------------------------------------


def _room(found: Findings, technique: SmartSP, step: Step, item: Characteristic) -> None:
    """Under every tuning some value conforms; and none conforms beyond what the range lets the limits be."""
    bounds = limits_of(technique, step, item, scale_of(step, technique))
    place = f"{step.id} {item.id}"
    script = Script()
    tuning = Tuning(script)
    script.hold(_empty(bounds, tuning, item.unit))
    answer = found.ask(ROOM, script.query(f"whether a tuning leaves no value of {item.id} in {step.id}"))
    if answer.verdict == "sat":
        kind = f"no {item.unit}" if item.unit in COUNTS else "no value"
        found.fail(ROOM, place, f"{kind} of {item.id} conforms: {_told(bounds)}", _tuned(answer, bounds.scale))
    elif answer.verdict == "unknown":
        found.undecided(ROOM, place, f"whether {item.id} has room")
    _not_looser(found, step, item, bounds)


def _tuned(answer: Answer, scale: int) -> str:
    values = answer.values.items()
    return ", ".join(f"{name.removeprefix('tune.')} tuned to {shown(int(value), scale)}" for name, value in values)


def _empty(bounds: Limits, tuning: Tuning, unit: str) -> Term:
    """No value lies inside the limits; of what is counted, no whole number that can be counted."""
    low = None if bounds.low is None else moved(tuning.least(bounds.low), bounds.guard)
    high = None if bounds.high is None else moved(tuning.most(bounds.high), -bounds.guard)
    ways: list[Term] = []
    if low is not None and high is not None:
        ways.append(f"(> {low} {high})")
    if bounds.equals is not None:
        ways += [f"(< {num(bounds.equals)} {low})"] if low is not None else []
        ways += [f"(> {num(bounds.equals)} {high})"] if high is not None else []
    if unit in COUNTS:
        at = None if bounds.equals is None else num(bounds.equals)
        ways.append(_uncountable(at or low, at or high, COUNTS[unit], 10**bounds.scale))
    return either(*ways)


def _uncountable(low: Term | None, high: Term | None, most: int | None, one: int) -> Term:
    """No whole number from 0 to `most` lies between two ends. `one`: the number 1 at their scale."""
    first = "0" if low is None else f"(ite (< {low} 0) 0 (- (div (- {low}) {one})))"
    ends = [f"(div {end} {one})" for end in (high,) if end is not None]
    ends += [num(most)] if most is not None else []
    return either(*(f"(> {first} {end})" for end in ends))


def _not_looser(found: Findings, step: Step, item: Characteristic, bounds: Limits) -> None:
    if (bounds.low is None or bounds.low.fixed) and (bounds.high is None or bounds.high.fixed):
        return
    script = Script()
    tuning = Tuning(script)
    at = script.integer("reading")
    beyond: list[Term] = []
    if bounds.low is not None:
        script.hold(f"(>= {at} {moved(tuning.least(bounds.low), bounds.guard)})")
        beyond.append(f"(< {at} {num(bounds.low.low + bounds.guard)})")
    if bounds.high is not None:
        script.hold(f"(<= {at} {moved(tuning.most(bounds.high), -bounds.guard)})")
        beyond.append(f"(> {at} {num(bounds.high.high - bounds.guard)})")
    script.hold(either(*beyond))
    query = script.query(f"whether a tuning lets a reading of {item.id} pass that no value in its range allows")
    answer = found.ask(NOT_LOOSER, query)
    if answer.verdict != "unsat":
        found.fail(NOT_LOOSER, f"{step.id} {item.id}", "a tuning lets a reading pass that its range does not allow")


def _told(bounds: Limits) -> str:
    ends = [_end(end, bounds.scale) for end in (bounds.low, bounds.high)]
    guard = f", guard band {shown(bounds.guard, bounds.scale)} on both sides" if bounds.guard else ""
    equal = f", equal to {shown(bounds.equals, bounds.scale)}" if bounds.equals is not None else ""
    return f"{ends[0]}..{ends[1]}{guard}{equal}"


def _end(end: Range | None, scale: int) -> str:
    if end is None:
        return ""
    return shown(end.low, scale) if end.fixed else f"[{shown(end.low, scale)} to {shown(end.high, scale)}]"


def _window_opens(found: Findings, technique: SmartSP, step: Step) -> None:
    gap = window_of(technique, step)
    if gap is None or gap.high is None:
        return
    script = Script()
    tuning = Tuning(script)
    script.hold(f"(> {tuning.least(gap.low)} {tuning.most(gap.high)})")
    answer = found.ask(OPEN, script.query(f"whether a tuning closes the window of {step.id} before it opens"))
    if answer.verdict == "sat":
        case = ", ".join(f"{name.removeprefix('tune.')} tuned to {value} s" for name, value in answer.values.items())
        found.fail(
            OPEN, step.id, f"its window closes before it opens: {_end(gap.low, 0)} s to {_end(gap.high, 0)} s", case
        )
    elif answer.verdict == "unknown":
        found.undecided(OPEN, step.id, f"whether the window of {step.id} opens before it closes")


def _windows_can_be_met(found: Findings, technique: SmartSP) -> None:
    """Steps in order, each as long as planned: every window can be kept, alone and together, under the strictest tuning."""
    timed = [
        step for step in technique.steps if (gap := window_of(technique, step)) is not None and gap.high is not None
    ]
    bad = 0
    lasts = {
        step.id: max(step.duration_s, least_s(found, CAN_BE_MET, technique, step)) for step in technique.steps if timed
    }
    for step in timed:
        query = timetable(technique, (step.id,), lasts).query(f"whether the window of {step.id} can be kept")
        if found.ask(CAN_BE_MET, query).verdict != "sat" and step.window is not None:
            bad += 1
            what = f"it must start at most {step.window.max_s} s after {step.window.since} is done, which what lies between"
            found.fail(CAN_BE_MET, step.id, f"{what} does not allow", _between(technique, step, lasts))
    if timed and not bad:
        query = timetable(technique, tuple(step.id for step in timed), lasts).query(
            "whether all windows can be kept in one job"
        )
        found.possible(CAN_BE_MET, query, "technique", "its windows cannot all be kept in one job")


def timetable(technique: SmartSP, closing: tuple[str, ...], lasts: Mapping[str, int]) -> Script:
    """A job in order: each step begins after the one before it and lasts at least so long (seconds); these windows close."""
    script = Script()
    tuning = Tuning(script, how="strictest")
    before: Term = "0"
    for step in technique.steps:
        start, end = script.integer(f"{step.id}.start", 0, LONG_S), script.integer(f"{step.id}.end", 0)
        script.hold(both(f"(<= {before} {start})", f"(<= (+ {start} {lasts[step.id]}) {end})"))
        gap = window_of(technique, step)
        if gap is not None and step.window is not None:
            since = f"(- {start} |{step.window.since}.end|)"
            script.hold(f"(>= {since} {tuning.least(gap.low)})")
            if gap.high is not None and step.id in closing:
                script.hold(f"(<= {since} {tuning.most(gap.high)})")
        before = end
    return script


def _between(technique: SmartSP, step: Step, lasts: Mapping[str, int]) -> str:
    """What lies between a window's opening step and the step itself."""
    ids = [item.id for item in technique.steps]
    since = ids.index(step.window.since) if step.window is not None else 0
    waits = technique.steps[since + 1 : ids.index(step.id)]
    return ", ".join(
        f"{item.id} takes {lasts[item.id]} s" + (f" and waits {item.window.min_s} s" if item.window is not None else "")
        for item in waits
    )


# ---- silence ---------------------------------------------------------------------------------------------------------


def _silence(found: Findings, template: SmartClientPO, technique: SmartSP) -> None:
    """Where silence is acceptance, every tuning leaves the client some time before it."""
    if template.on_silence != "deemed_accepted":
        return
    knob = knob_of(technique, CLIENT_WINDOW)
    least = template.client_window_s if knob is None else min(template.client_window_s, whole(knob.min, 0))
    if least <= 0:
        what = "silence is acceptance, and the client has no time to say anything"
        found.fail(SILENCE, "order", what, f"the client's window is {least} s")
    elif least < DAY_S:
        found.note(f"silence is acceptance after {least} s; that is less than a day")


# ---- the environment -------------------------------------------------------------------------------------------------


def _environment(found: Findings, technique: SmartSP) -> None:
    """Each step can find the series that it rests on inside their limits, all at once."""
    faults = [*_faulty_series(technique)]
    for place, what in faults:
        found.fail(ENVIRONMENT, place, what)
    if faults:
        return
    for name in (*(step.id for step in technique.steps), "report"):
        named = [item for item in technique.environment if name in item.steps]
        if not named:
            continue
        script = Script()
        for series in dict.fromkeys(item.series for item in named):
            at = script.integer(series)
            for item in (item for item in named if item.series == series):
                script.hold(both(*_inside(item, at)))
        query = script.query(f"whether the environment of {name} can be good")
        told = "; ".join(f"{item.series} {item.min or ''}..{item.max or ''} {item.unit}" for item in named)
        found.possible(ENVIRONMENT, query, name, f"its environment can never be good: {told}")


def _inside(item: Environment, at: Term) -> Iterator[Term]:
    for text, less in ((item.min, "<="), (item.max, ">=")):
        if text is not None:
            yield f"({less} {num(whole(text, DECIMALS_MAX))} {at})"


def _faulty_series(technique: SmartSP) -> Iterator[tuple[str, str]]:
    steps = {step.id for step in technique.steps}
    first: dict[str, Environment] = {}
    for item in technique.environment:
        place, other = f"environment {item.series}", first.setdefault(item.series, item)
        if (other.unit, other.sensor) != (item.unit, item.sensor):
            yield place, "it is logged in two units or by two sensors; one value cannot be both"
        for step in item.steps:
            if step not in steps and step != "report":
                yield place, f"there is no step {step}"
        if item.max_gap_s <= 0:
            yield place, f"its longest silence is {item.max_gap_s} s, so that it is always silent"
        if any(parse_decimal(text) is None for text in (item.min, item.max) if text is not None):
            yield place, "its limits are not decimal numbers"
        if not item.steps:
            yield place, "no step rests on it"

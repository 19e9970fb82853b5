"""What a new revision changes: each limit, window, credential, rule and amount equal, stronger, WEAKER or INCOMPARABLE.

Stronger: whatever the new revision lets pass, the old one let pass too. Weaker: the other way round, and something passes
now that did not, which the counterexample names: a reading, a time, a person. Incomparable: each lets something pass that
the other does not, or the two cannot be compared. Only what is written differently is listed; a rule that says the same
in other words is listed as equal. Rules are compared by the solver, over all facts and all tunings.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeVar

from msgspec import Struct

from holdgate.certifier.rule_diff import compare_rules
from holdgate.law.contract import (
    Adaptable,
    Billing,
    Characteristic,
    Environment,
    ModuleRight,
    PayoutRule,
    SmartClientPO,
    SmartSP,
    Step,
    Window,
)
from holdgate.terms.quantity import EXACT, parse_decimal

Pair = tuple[SmartClientPO, SmartSP]
Verdict = Literal["equal", "stronger", "WEAKER", "INCOMPARABLE"]

_T = TypeVar("_T")
_R = TypeVar("_R")

MILESTONES: Final = ("arrival", "qa_accepted", "client_accepted")
"""From the earliest to the latest."""


class Change(Struct, frozen=True, kw_only=True):
    """One difference.

    `place`: where, such as `S40` or `order`. `what`: in words, old and new. `counterexample`: what passes one revision and not
    the other, "" where there is nothing to name.
    """

    place: str
    what: str
    verdict: Verdict
    counterexample: str = ""


def compare(old: Pair, new: Pair) -> tuple[Change, ...]:
    """Every difference between two revisions, in the order of the documents."""
    template, technique = old
    return (*_technique(technique, new[1]), *_template(template, new[0]))


# ---- how single things compare -------------------------------------------------------------------------------------


def _verdict(*, more: bool, less: bool) -> Verdict:
    """Of what passes: does the new revision let more pass, does it let less pass?"""
    if more and less:
        return "INCOMPARABLE"
    return "WEAKER" if more else "stronger" if less else "equal"


def _asked(place: str, what: str, old: Sequence[str], new: Sequence[str], case: str) -> Iterator[Change]:
    """Things that are asked for: asking for fewer is weaker. `case` names what passes without one of them."""
    gone = [name for name in old if name not in new]
    more = [name for name in new if name not in old]
    if gone or more:
        example = case.format((gone or more)[0])
        said = f"{what}: {_list(old)} → {_list(new)}"
        yield Change(place=place, what=said, verdict=_verdict(more=bool(gone), less=bool(more)), counterexample=example)


def _allowed(place: str, what: str, old: Sequence[str], new: Sequence[str], case: str) -> Iterator[Change]:
    """Things that are allowed: allowing more is weaker."""
    gone = [name for name in old if name not in new]
    more = [name for name in new if name not in old]
    if gone or more:
        example = case.format((more or gone)[0])
        said = f"{what}: {_list(old)} → {_list(new)}"
        yield Change(place=place, what=said, verdict=_verdict(more=bool(more), less=bool(gone)), counterexample=example)


def _number(place: str, what: str, old: int, new: int, case: str, *, more_is: Verdict) -> Iterator[Change]:
    if old != new:
        other: Verdict = "stronger" if more_is == "WEAKER" else "WEAKER"
        verdict: Verdict = more_is if new > old else other
        yield Change(
            place=place, what=f"{what}: {old} → {new}", verdict=verdict, counterexample=case.format(max(old, new))
        )


def _either(place: str, what: str, old: object, new: object, *, weak: object, case: str = "") -> Iterator[Change]:
    """A choice of two, one of which is the weaker."""
    if old != new:
        verdict: Verdict = "WEAKER" if new == weak else "stronger" if old == weak else "INCOMPARABLE"
        yield Change(place=place, what=f"{what}: {_word(old)} → {_word(new)}", verdict=verdict, counterexample=case)


def _other(place: str, what: str, old: object, new: object, case: str = "") -> Iterator[Change]:
    if old != new:
        said = f"{what}: {_word(old)} → {_word(new)}"
        yield Change(place=place, what=said, verdict="INCOMPARABLE", counterexample=case)


def _two(read: Callable[[_T], _R], old: _T, new: _T) -> tuple[_R, _R]:
    """The same thing of both revisions."""
    return read(old), read(new)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


class _Span(NamedTuple):
    """What lies between two decimals, ends included; None: no end."""

    low: Decimal | None
    high: Decimal | None

    def holds(self, value: Decimal) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def empty(self) -> bool:
        return self.low is not None and self.high is not None and self.low > self.high


def _outside(inner: _Span, outer: _Span) -> Decimal | None:
    """A value that lies in `inner` and not in `outer`."""
    if inner.empty:
        return None
    step = Decimal(1).scaleb(-min(12, max(_places(end) for end in (*inner, *outer))))
    ends = [end for end in inner if end is not None]
    if outer.low is not None:
        ends.append(EXACT.subtract(outer.low, step))
    if outer.high is not None:
        ends.append(EXACT.add(outer.high, step))
    return next((end for end in ends if inner.holds(end) and not outer.holds(end)), None)


def _places(end: Decimal | None) -> int:
    exponent = 0 if end is None else end.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _span(place: str, what: str, old: _Span, new: _Span, case: str) -> Iterator[Change]:
    if old == new:
        return
    now, before = _outside(new, old), _outside(old, new)
    verdict = _verdict(more=now is not None, less=before is not None)
    example = now if now is not None else before
    said = f"{what}: {_bounds(old)} → {_bounds(new)}"
    told = "" if example is None else case.format(format(example, "f"))
    yield Change(place=place, what=said, verdict=verdict, counterexample=told)


def _bounds(span: _Span) -> str:
    return f"{'' if span.low is None else span.low}..{'' if span.high is None else span.high}"


# ---- the technique -------------------------------------------------------------------------------------------------


def _technique(old: SmartSP, new: SmartSP) -> Iterator[Change]:
    before, after = {step.id: step for step in old.steps}, {step.id: step for step in new.steps}
    for step in old.steps:
        if step.id in after:
            yield from _step(step, after[step.id])
            yield from _rules(old, new, step, after[step.id])
        else:
            said = f"the step {step.name!r} is gone"
            yield Change(
                place=step.id, what=said, verdict="WEAKER", counterexample=f"a job in which {step.id} was never done"
            )
    for step in new.steps:
        if step.id not in before:
            said = f"the step {step.name!r} is new"
            yield Change(place=step.id, what=said, verdict="stronger", counterexample=f"a job without {step.id}")
    shared = [step.id for step in old.steps if step.id in after]
    order = [step.id for step in new.steps if step.id in before]
    yield from _other("technique", "order of the steps", _list(shared), _list(order), "a job done in the old order")
    yield from _whole(old, new)
    yield from _adaptable(old.adaptable, new.adaptable)
    yield from _environment(old.environment, new.environment)
    yield from _modules(old.modules, new.modules)


def _whole(old: SmartSP, new: SmartSP) -> Iterator[Change]:
    place = "technique"
    case = "a node that was cut off for {} s"
    yield from _number(place, "offline_max_s", old.offline_max_s, new.offline_max_s, case, more_is="WEAKER")
    yield from _either(place, "pin", old.pin, new.pin, weak="test", case="a job whose next test takes a later revision")
    yield from _either(
        place, "assignment", old.assignment, new.assignment, weak="open", case="a job that nobody was assigned"
    )
    tries = _two(lambda item: 0 if item is None else item.max, old.retest, new.retest)
    yield from _number(place, "retests", *tries, "retest number {} of a step", more_is="WEAKER")
    causes = _two(lambda item: () if item is None else item.allowed_causes, old.retest, new.retest)
    yield from _allowed(place, "causes of a retest", *causes, "a retest because of {}")
    resume = _two(lambda item: ("level3",) if item is None else item.resume, old.on_failed, new.on_failed)
    yield from _allowed(place, "who resumes a failed run", *resume, "a run resumed by {}")
    standards = (_list(old.standards), _list(new.standards))
    yield from _other(place, "standards", *standards)


def _step(old: Step, new: Step) -> Iterator[Change]:
    place = old.id
    yield from _either(place, "kind", old.kind, new.kind, weak="operation", case="a later step before this pre-check")
    yield from _other(place, "role", old.role, new.role, f"a {old.role}, and a {new.role}")
    yield from _asked(place, "credentials", old.credentials, new.credentials, "a person without {}")
    yield from _allowed(place, "areas", old.zones, new.zones, "a workstation in {}")
    yield from _asked(place, "equipment", old.equipment_classes, new.equipment_classes, "a start without a {}")
    yield from _asked(place, "materials", old.material_kinds, new.material_kinds, "a start without {}")
    case = "equipment whose calibration ends within {} s"
    yield from _number(place, "duration_s", old.duration_s, new.duration_s, case, more_is="stronger")
    yield from _number(place, "signatures", old.signatures, new.signatures, "a step signed once", more_is="stronger")
    yield from _either(
        place,
        "performer_signs",
        old.performer_signs,
        new.performer_signs,
        weak=False,
        case="a signature of somebody else",
    )
    yield from _window(old, new)
    yield from _points(old, new)
    yield from _characteristics(old, new)


def _window(old: Step, new: Step) -> Iterator[Change]:
    if old.window is None and new.window is None:
        return
    if old.window is not None and new.window is not None and old.window.since != new.window.since:
        said = (f"from {old.window.since}", f"from {new.window.since}")
        yield from _other(old.id, "window", *said, "a start that is in time for one and not for the other")
        return
    spans = _two(_waits, old.window, new.window)
    since = old.window or new.window
    case = f"a start {{}} s after {since.since if since is not None else '?'}"
    yield from _span(old.id, "window in seconds", *spans, case)


def _waits(window: Window | None) -> _Span:
    """Seconds that a window allows; all of them where there is none."""
    high = None if window is None or window.max_s is None else Decimal(window.max_s)
    return _Span(Decimal(0 if window is None else window.min_s), high)


def _points(old: Step, new: Step) -> Iterator[Change]:
    """Hold and witness points: taking one away is weaker."""
    parties = _two(lambda item: "" if item is None else item.party, old.hold, new.hold)
    if all(parties):
        yield from _other(old.id, "hold point", *parties, f"a release by {parties[1]}")
    else:
        yield from _either(old.id, "hold point", *parties, weak="", case="a start that nobody released")
    told = _two(lambda item: "" if item is None else item.party, old.witness, new.witness)
    if all(told):
        yield from _other(old.id, "witness", *told)
    else:
        yield from _either(old.id, "witness", *told, weak="", case="a start that no witness was told of")
    if old.witness is not None and new.witness is not None:
        notice = (old.witness.notice_s, new.witness.notice_s)
        yield from _number(old.id, "notice_s", *notice, "a start less than {} s after the notice", more_is="stronger")


def _characteristics(old: Step, new: Step) -> Iterator[Change]:
    after = {item.id: item for item in new.characteristics}
    before = {item.id: item for item in old.characteristics}
    for item in old.characteristics:
        if item.id in after:
            yield from _characteristic(old.id, item, after[item.id])
        else:
            example = f"a step signed without a reading of {item.id}"
            yield Change(place=old.id, what=f"{item.id} is measured no more", verdict="WEAKER", counterexample=example)
    for item in new.characteristics:
        if item.id not in before:
            example = f"a step signed without a reading of {item.id}"
            yield Change(place=old.id, what=f"{item.id} is measured too", verdict="stronger", counterexample=example)


def _characteristic(place: str, old: Characteristic, new: Characteristic) -> Iterator[Change]:
    name = old.id
    if old.unit != new.unit:
        yield from _other(place, f"unit of {name}", old.unit, new.unit, f"a reading in {old.unit}")
        return
    spans = (_accepted(old), _accepted(new))
    yield from _span(place, f"limits of {name}", *spans, f"{name} reads {{}} {old.unit}")
    kind = (old.instrument_class, new.instrument_class)
    if all(kind):
        yield from _other(place, f"instrument of {name}", *kind, f"a reading with a {kind[1]}")
    else:
        yield from _either(
            place, f"instrument of {name}", *kind, weak=None, case=f"a reading of {name} with any instrument"
        )
    case = f"one reading of {name} for all parts"
    yield from _either(place, f"{name} part by part", old.per_serial, new.per_serial, weak=False, case=case)
    case = f"a first reading of {name} that does not conform"
    yield from _either(place, f"all readings of {name}", old.all_readings, new.all_readings, weak=False, case=case)


def _accepted(item: Characteristic) -> _Span:
    """What conforms, guard band taken off."""
    low, high, equals, guard = (parse_decimal(text or "") for text in (item.min, item.max, item.equals, item.U))
    if item.rule == "guard_band" and guard is not None:
        low = None if low is None else EXACT.add(low, guard)
        high = None if high is None else EXACT.subtract(high, guard)
    if equals is None:
        return _Span(low, high)
    return _Span(equals, equals) if _Span(low, high).holds(equals) else _Span(Decimal(1), Decimal(0))


def _rules(old: SmartSP, new: SmartSP, before: Step, after: Step) -> Iterator[Change]:
    for when in ("start", "sign"):
        texts = [tuple(rule.cel for rule in step.rules if rule.when == when) for step in (before, after)]
        if texts[0] == texts[1]:
            continue
        answer = compare_rules((old, before), (new, after), when)
        said = f"rules at {when}: {' and '.join(texts[0]) or 'none'} → {' and '.join(texts[1]) or 'none'}"
        verdict = _verdict(more=answer.more, less=answer.less)
        yield Change(place=before.id, what=said, verdict=verdict, counterexample=answer.example)


def _adaptable(old: Sequence[Adaptable], new: Sequence[Adaptable]) -> Iterator[Change]:
    before, after = {item.id: item for item in old}, {item.id: item for item in new}
    for item in old:
        if item.id not in after:
            yield Change(place=f"adaptable {item.id}", what="it moves no more", verdict="stronger")
            continue
        place, other = f"adaptable {item.id}", after[item.id]
        yield from _other(place, "what it moves", _moves(item), _moves(other))
        spans = _two(lambda a: _Span(parse_decimal(a.min), parse_decimal(a.max)), item, other)
        yield from _span(place, "range", *spans, "tuned to {}")
        yield from _asked(place, "who agrees to a change", item.approve, other.approve, "a change that no {} agreed to")
        case = "a tightening that nobody approved"
        yield from _either(place, "auto_tighten", item.auto_tighten, other.auto_tighten, weak=True, case=case)
    for item in new:
        if item.id not in before:
            said = f"{_moves(item)} may move in {item.min}..{item.max}"
            yield Change(
                place=f"adaptable {item.id}", what=said, verdict="WEAKER", counterexample=f"tuned to {item.max}"
            )


def _moves(item: Adaptable) -> str:
    return " ".join(part for part in (item.kind, item.step, item.characteristic) if part)


def _environment(old: Sequence[Environment], new: Sequence[Environment]) -> Iterator[Change]:
    before, after = {item.series: item for item in old}, {item.series: item for item in new}
    for item in old:
        place = f"environment {item.series}"
        if item.series not in after:
            yield Change(
                place=place, what="it is watched no more", verdict="WEAKER", counterexample="a start without a log"
            )
            continue
        other = after[item.series]
        yield from _other(place, "sensor", item.sensor, other.sensor)
        if item.unit != other.unit:
            yield from _other(place, "unit", item.unit, other.unit)
        else:
            spans = _two(lambda e: _Span(parse_decimal(e.min or ""), parse_decimal(e.max or "")), item, other)
            yield from _span(place, "limits", *spans, f"{item.series} at {{}} {item.unit}")
        yield from _number(place, "max_gap_s", item.max_gap_s, other.max_gap_s, "a silence of {} s", more_is="WEAKER")
        yield from _asked(place, "steps", item.steps, other.steps, "{} without a log")
    for item in new:
        if item.series not in before:
            place = f"environment {item.series}"
            yield Change(
                place=place, what="it is watched too", verdict="stronger", counterexample="a start without a log"
            )


def _modules(old: Sequence[ModuleRight], new: Sequence[ModuleRight]) -> Iterator[Change]:
    before, after = {_right(item): item for item in old}, {_right(item): item for item in new}
    yield from _allowed("modules", "rights", tuple(before), tuple(after), "{}")
    for name, item in before.items():
        if name in after:
            other = after[name]
            case = "an act {} s after the permit"
            yield from _number(name, "permit_s", item.permit_s, other.permit_s, case, more_is="WEAKER")
            case = "an operator without {}"
            yield from _asked(name, "operator's credentials", item.operator_tokens, other.operator_tokens, case)


def _right(item: ModuleRight) -> str:
    return f"{item.module} may {item.act} at {item.step}"


# ---- the order template ----------------------------------------------------------------------------------------------


def _template(old: SmartClientPO, new: SmartClientPO) -> Iterator[Change]:
    place = "order"
    yield from _other(place, "price", f"{old.price_minor} {old.currency}", f"{new.price_minor} {new.currency}")
    yield from _billing(old.billing, new.billing)
    yield from _payouts(old.payouts, new.payouts)
    case = "a client who answers after {} s"
    yield from _number(place, "client_window_s", old.client_window_s, new.client_window_s, case, more_is="stronger")
    case = "a client who says nothing"
    yield from _either(place, "on_silence", old.on_silence, new.on_silence, weak="deemed_accepted", case=case)
    case = "a scan that was kept {} s"
    yield from _number(place, "buffer_max_s", old.buffer_max_s, new.buffer_max_s, case, more_is="WEAKER")
    evidence = (old.arrival_evidence, new.arrival_evidence)
    yield from _allowed(place, "evidence of an arrival", *evidence, "an arrival shown by {}")
    yield from _asked(place, "documents", old.documents, new.documents, "an order without {}")
    demands = _two(_demands, old, new)
    yield from _asked(place, "demands", *demands, "an actor without {}")
    triggers = [tuple(f"{t.on}: {t.effect}" for t in document.triggers) for document in (old, new)]
    yield from _other(place, "triggers", _list(triggers[0]), _list(triggers[1]))


def _demands(document: SmartClientPO) -> tuple[str, ...]:
    return tuple(f"{name} for {demand.act}" for demand in document.demands for name in demand.credentials)


def _billing(old: Sequence[Billing], new: Sequence[Billing]) -> Iterator[Change]:
    before, after = {item.id: item for item in old}, {item.id: item for item in new}
    for item in (*old, *(item for item in new if item.id not in before)):
        place, now, then = f"milestone {item.id}", after.get(item.id), before.get(item.id)
        if now is None or then is None:
            what = "it is new" if then is None else "it is gone"
            yield Change(place=place, what=what, verdict="INCOMPARABLE")
            continue
        if then.when != now.when:
            early = (
                then.when in MILESTONES
                and now.when in MILESTONES
                and MILESTONES.index(now.when) < MILESTONES.index(then.when)
            )
            example = f"an invoice at {now.when}, before {then.when}" if early else f"no invoice at {then.when}"
            verdict: Verdict = "WEAKER" if early else "stronger"
            yield Change(place=place, what=f"{then.when} → {now.when}", verdict=verdict, counterexample=example)
        yield from _other(place, "amount", then.amount_minor, now.amount_minor)


def _payouts(old: Sequence[PayoutRule], new: Sequence[PayoutRule]) -> Iterator[Change]:
    before, after = {item.id: item for item in old}, {item.id: item for item in new}
    for item in old:
        place = f"payout {item.id}"
        if item.id not in after:
            yield Change(place=place, what="it is gone", verdict="stronger", counterexample="a job that was paid for")
            continue
        other = after[item.id]
        yield from _other(place, "depends on", item.depends_on, other.depends_on)
        yield from _other(place, "payee", item.payee, other.payee)
        yield from _other(place, "currency", item.currency, other.currency)
        case = "{} to each signer"
        yield from _number(place, "amount", item.amount_minor, other.amount_minor, case, more_is="WEAKER")
        yield from _number(place, "within_s", item.within_s, other.within_s, "a job done in {} s", more_is="WEAKER")
    for item in new:
        if item.id not in before:
            what, example = "it is new", f"{item.amount_minor} to each signer"
            yield Change(place=f"payout {item.id}", what=what, verdict="WEAKER", counterexample=example)

"""What a new revision changes: each limit, window, credential, rule and amount equal, stronger, WEAKER or INCOMPARABLE.

Stronger: whatever the new revision lets pass, the old one let pass too. Weaker: the other way round, and something passes
now that did not, which the counterexample names: a reading, a time, a person. Incomparable: each lets something pass that
the other does not, or the two cannot be compared. Only what is written differently is listed; a rule that says the same
in other words is listed as equal. Rules are compared by the solver, over all facts and all tunings.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from holdgate.certifier.changes import (
    Change,
    Span,
    Verdict,
    allowed,
    asked,
    choice,
    differs,
    listed,
    number,
    span,
    two,
    verdict_of,
)
from holdgate.certifier.rule_diff import compare_rules
from holdgate.law.contract import (
    Adaptable,
    Authority,
    Billing,
    Characteristic,
    Environment,
    ModuleRight,
    PayoutRule,
    SmartClientPO,
    SmartSP,
    Step,
    Surcharge,
    Window,
    Yield,
)
from holdgate.law.families import Bundle
from holdgate.law.gates.nonconformances import MATRIX
from holdgate.law.technique import AS_FOUND
from holdgate.terms.quantity import EXACT, parse_decimal

__all__ = ["Change", "Pair", "compare"]

Pair = tuple[SmartClientPO, SmartSP]
"""An order template and its technique, where nothing else is named."""

MILESTONES: Final = ("arrival", "qa_accepted", "client_accepted")
"""From the earliest to the latest."""


def compare(old: Pair | Bundle, new: Pair | Bundle) -> tuple[Change, ...]:
    """Every difference between two revisions, in the order of the documents: technique, order template, SmartQA, SmartPay."""
    before, after = Bundle(*old), Bundle(*new)
    return (
        *_technique(before.technique, after.technique),
        *_template(before.template, after.template),
        *_quality(_matrix(before), _matrix(after)),
        *asked("SmartQA", "what QA confirms", *two(_review, before, after), "a record of which QA did not confirm: {}"),
        *_pay(before, after),
    )


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
    yield from differs("technique", "order of the steps", listed(shared), listed(order), "a job done in the old order")
    yield from _whole(old, new)
    yield from _adaptable(old.adaptable, new.adaptable)
    yield from _environment(old.environment, new.environment)
    yield from _modules(old.modules, new.modules)


def _whole(old: SmartSP, new: SmartSP) -> Iterator[Change]:
    place = "technique"
    case = "a node that was cut off for {} s"
    yield from number(place, "offline_max_s", old.offline_max_s, new.offline_max_s, case, more_is="WEAKER")
    yield from choice(place, "pin", old.pin, new.pin, weak="test", case="a job whose next test takes a later revision")
    yield from choice(
        place, "assignment", old.assignment, new.assignment, weak="open", case="a job that nobody was assigned"
    )
    tries = two(lambda item: 0 if item is None else item.max, old.retest, new.retest)
    yield from number(place, "retests", *tries, "retest number {} of a step", more_is="WEAKER")
    causes = two(lambda item: () if item is None else item.allowed_causes, old.retest, new.retest)
    yield from allowed(place, "causes of a retest", *causes, "a retest because of {}")
    resume = two(lambda item: ("level3",) if item is None else item.resume, old.on_failed, new.on_failed)
    yield from allowed(place, "who resumes a failed run", *resume, "a run resumed by {}")
    standards = (listed(old.standards), listed(new.standards))
    yield from differs(place, "standards", *standards)
    needed = two(lambda sp: tuple(f"{item.standard} {item.edition}" for item in sp.requires), old, new)
    yield from asked(place, "standards in force", *needed, "a job that starts while {} is not in force")
    yield from differs(place, "subject", old.subject, new.subject)
    yield from _yields(old.yields, new.yields)


def _yields(old: Sequence[Yield], new: Sequence[Yield]) -> Iterator[Change]:
    """What becomes true by an accepted execution, and for how long: more of it, or longer, is weaker."""
    before, after = ({_fact(item): item for item in every} for every in (old, new))
    yield from allowed("technique", "yields", tuple(before), tuple(after), "{} by this contract")
    for name, item in before.items():
        if name in after:
            case = f"{name}, {{}} s after it was accepted"
            longer = (item.valid_s, after[name].valid_s)
            yield from number("technique", f"{name} is valid_s", *longer, case, more_is="WEAKER")


def _fact(item: Yield) -> str:
    return " ".join(part for part in (item.fact, item.name) if part)


def _step(old: Step, new: Step) -> Iterator[Change]:
    place = old.id
    yield from choice(place, "kind", old.kind, new.kind, weak="operation", case="a later step before this pre-check")
    yield from differs(place, "role", old.role, new.role, f"a {old.role}, and a {new.role}")
    yield from asked(place, "credentials", old.credentials, new.credentials, "a person without {}")
    yield from allowed(place, "areas", old.zones, new.zones, "a workstation in {}")
    yield from asked(place, "equipment", old.equipment_classes, new.equipment_classes, "a start without a {}")
    yield from asked(place, "materials", old.material_kinds, new.material_kinds, "a start without {}")
    case = "equipment whose calibration ends within {} s"
    yield from number(place, "duration_s", old.duration_s, new.duration_s, case, more_is="stronger")
    yield from number(place, "signatures", old.signatures, new.signatures, "a step signed once", more_is="stronger")
    yield from choice(
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
        yield from differs(old.id, "window", *said, "a start that is in time for one and not for the other")
        return
    spans = two(_waits, old.window, new.window)
    since = old.window or new.window
    case = f"a start {{}} s after {since.since if since is not None else '?'}"
    yield from span(old.id, "window in seconds", *spans, case)


def _waits(window: Window | None) -> Span:
    """Seconds that a window allows; all of them where there is none."""
    high = None if window is None or window.max_s is None else Decimal(window.max_s)
    return Span(Decimal(0 if window is None else window.min_s), high)


def _points(old: Step, new: Step) -> Iterator[Change]:
    """Hold and witness points: taking one away is weaker."""
    parties = two(lambda item: "" if item is None else item.party, old.hold, new.hold)
    if all(parties):
        yield from differs(old.id, "hold point", *parties, f"a release by {parties[1]}")
    else:
        yield from choice(old.id, "hold point", *parties, weak="", case="a start that nobody released")
    told = two(lambda item: "" if item is None else item.party, old.witness, new.witness)
    if all(told):
        yield from differs(old.id, "witness", *told)
    else:
        yield from choice(old.id, "witness", *told, weak="", case="a start that no witness was told of")
    if old.witness is not None and new.witness is not None:
        notice = (old.witness.notice_s, new.witness.notice_s)
        yield from number(old.id, "notice_s", *notice, "a start less than {} s after the notice", more_is="stronger")


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
        yield from differs(place, f"unit of {name}", old.unit, new.unit, f"a reading in {old.unit}")
        return
    spans = (_accepted(old), _accepted(new))
    yield from span(place, f"limits of {name}", *spans, f"{name} reads {{}} {old.unit}")
    kind = (old.instrument_class, new.instrument_class)
    if all(kind):
        yield from differs(place, f"instrument of {name}", *kind, f"a reading with a {kind[1]}")
    else:
        yield from choice(
            place, f"instrument of {name}", *kind, weak=None, case=f"a reading of {name} with any instrument"
        )
    case = f"one reading of {name} for all parts"
    yield from choice(place, f"{name} part by part", old.per_serial, new.per_serial, weak=False, case=case)
    yield from _effect(place, old, new)
    yield from differs(place, f"decimals of {name} that a rule reads", old.resolution, new.resolution)
    case = f"a first reading of {name} that does not conform"
    yield from choice(place, f"all readings of {name}", old.all_readings, new.all_readings, weak=False, case=case)


def _effect(place: str, old: Characteristic, new: Characteristic) -> Iterator[Change]:
    """What is read as found fails nothing; what counts for acceptance decides on the part, and not on the process."""
    effects = (old.effect, new.effect)
    if AS_FOUND in effects:
        case = f"a pass with {old.id} beyond its limits"
        yield from choice(place, f"effect of {old.id}", *effects, weak=AS_FOUND, case=case)
    else:
        yield from differs(place, f"effect of {old.id}", *effects)


def _accepted(item: Characteristic) -> Span:
    """What conforms, guard band taken off."""
    low, high, equals, guard = (parse_decimal(text or "") for text in (item.min, item.max, item.equals, item.U))
    if item.rule == "guard_band" and guard is not None:
        low = None if low is None else EXACT.add(low, guard)
        high = None if high is None else EXACT.subtract(high, guard)
    if equals is None:
        return Span(low, high)
    return Span(equals, equals) if Span(low, high).holds(equals) else Span(Decimal(1), Decimal(0))


def _rules(old: SmartSP, new: SmartSP, before: Step, after: Step) -> Iterator[Change]:
    for when in ("start", "sign"):
        texts = [tuple(rule.cel for rule in step.rules if rule.when == when) for step in (before, after)]
        if texts[0] == texts[1]:
            continue
        answer = compare_rules((old, before), (new, after), when)
        said = f"rules at {when}: {' and '.join(texts[0]) or 'none'} → {' and '.join(texts[1]) or 'none'}"
        verdict = verdict_of(more=answer.more, less=answer.less)
        yield Change(place=before.id, what=said, verdict=verdict, counterexample=answer.example)


def _adaptable(old: Sequence[Adaptable], new: Sequence[Adaptable]) -> Iterator[Change]:
    before, after = {item.id: item for item in old}, {item.id: item for item in new}
    for item in old:
        if item.id not in after:
            yield Change(place=f"adaptable {item.id}", what="it moves no more", verdict="stronger")
            continue
        place, other = f"adaptable {item.id}", after[item.id]
        yield from differs(place, "what it moves", _moves(item), _moves(other))
        spans = two(lambda a: Span(parse_decimal(a.min), parse_decimal(a.max)), item, other)
        yield from span(place, "range", *spans, "tuned to {}")
        yield from asked(place, "who agrees to a change", item.approve, other.approve, "a change that no {} agreed to")
        case = "a tightening that nobody approved"
        yield from choice(place, "auto_tighten", item.auto_tighten, other.auto_tighten, weak=True, case=case)
    for item in new:
        if item.id not in before:
            said = f"{_moves(item)} may move in {item.min}..{item.max}"
            yield Change(
                place=f"adaptable {item.id}", what=said, verdict="WEAKER", counterexample=f"tuned to {item.max}"
            )


def _moves(item: Adaptable) -> str:
    return " ".join(part for part in (item.kind, item.step, item.characteristic) if part)


def _environment(old: Sequence[Environment], new: Sequence[Environment]) -> Iterator[Change]:
    before, after = _by_series(old), _by_series(new)
    for name, item in before.items():
        place = f"environment {name}"
        if name not in after:
            yield Change(
                place=place, what="it is watched no more", verdict="WEAKER", counterexample="a start without a log"
            )
            continue
        other = after[name]
        yield from differs(place, "sensor", item.sensor, other.sensor)
        if item.unit != other.unit:
            yield from differs(place, "unit", item.unit, other.unit)
        else:
            spans = two(lambda e: Span(parse_decimal(e.min or ""), parse_decimal(e.max or "")), item, other)
            yield from span(place, "limits", *spans, f"{item.series} at {{}} {item.unit}")
        yield from number(place, "max_gap_s", item.max_gap_s, other.max_gap_s, "a silence of {} s", more_is="WEAKER")
        yield from asked(place, "steps", item.steps, other.steps, "{} without a log")
    for name in (name for name in after if name not in before):
        case = "a start without a log"
        yield Change(place=f"environment {name}", what="it is watched too", verdict="stronger", counterexample=case)


def _by_series(every: Sequence[Environment]) -> dict[str, Environment]:
    """Each by its series; where one is watched several times, by its number too."""
    found: dict[str, Environment] = {}
    for item in every:
        number_of = 1 + sum(other.series == item.series for other in found.values())
        found[item.series if number_of == 1 else f"{item.series} ({number_of})"] = item
    return found


def _modules(old: Sequence[ModuleRight], new: Sequence[ModuleRight]) -> Iterator[Change]:
    before, after = {_right(item): item for item in old}, {_right(item): item for item in new}
    yield from allowed("modules", "rights", tuple(before), tuple(after), "{}")
    for name, item in before.items():
        if name in after:
            other = after[name]
            case = "an act {} s after the permit"
            yield from number(name, "permit_s", item.permit_s, other.permit_s, case, more_is="WEAKER")
            case = "an operator without {}"
            yield from asked(name, "operator's credentials", item.operator_tokens, other.operator_tokens, case)


def _right(item: ModuleRight) -> str:
    return f"{item.module} may {item.act} at {item.step}"


# ---- the order template ----------------------------------------------------------------------------------------------


def _template(old: SmartClientPO, new: SmartClientPO) -> Iterator[Change]:
    place = "order"
    yield from differs(place, "price", f"{old.price_minor} {old.currency}", f"{new.price_minor} {new.currency}")
    yield from _billing(old.billing, new.billing)
    case = "a client who answers after {} s"
    yield from number(place, "client_window_s", old.client_window_s, new.client_window_s, case, more_is="stronger")
    case = "a client who says nothing"
    yield from choice(place, "on_silence", old.on_silence, new.on_silence, weak="deemed_accepted", case=case)
    case = "a scan that was kept {} s"
    yield from number(place, "buffer_max_s", old.buffer_max_s, new.buffer_max_s, case, more_is="WEAKER")
    evidence = (old.arrival_evidence, new.arrival_evidence)
    yield from allowed(place, "evidence of an arrival", *evidence, "an arrival shown by {}")
    yield from asked(place, "documents", old.documents, new.documents, "an order without {}")
    demands = two(_demands, old, new)
    yield from asked(place, "demands", *demands, "an actor without {}")
    triggers = [tuple(f"{t.on}: {t.effect}" for t in document.triggers) for document in (old, new)]
    yield from differs(place, "triggers", listed(triggers[0]), listed(triggers[1]))


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
        yield from differs(place, "amount", then.amount_minor, now.amount_minor)


def _surcharges(old: Sequence[Surcharge], new: Sequence[Surcharge]) -> Iterator[Change]:
    """The price list: charging more, or for more, is weaker for the client who signs it."""
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    yield from allowed("price list", "surcharges", tuple(before), tuple(after), "a client who is charged {}")
    for one in old:
        other = after.get(one.id)
        if other is not None:
            place = f"surcharge {one.id}"
            yield from differs(place, "for", f"{one.when} {one.cause}".strip(), f"{other.when} {other.cause}".strip())
            yield from number(place, "amount", one.amount_minor, other.amount_minor, "{} is charged", more_is="WEAKER")


def _payouts(old: Sequence[PayoutRule], new: Sequence[PayoutRule]) -> Iterator[Change]:
    before, after = {item.id: item for item in old}, {item.id: item for item in new}
    for item in old:
        place = f"payout {item.id}"
        if item.id not in after:
            yield Change(place=place, what="it is gone", verdict="stronger", counterexample="a job that was paid for")
            continue
        other = after[item.id]
        yield from differs(place, "depends on", item.depends_on, other.depends_on)
        yield from differs(place, "payee", item.payee, other.payee)
        yield from differs(place, "currency", item.currency, other.currency)
        case = "{} to each signer"
        yield from number(place, "amount", item.amount_minor, other.amount_minor, case, more_is="WEAKER")
        yield from number(place, "within_s", item.within_s, other.within_s, "a job done in {} s", more_is="WEAKER")
    for item in new:
        if item.id not in before:
            what, example = "it is new", f"{item.amount_minor} to each signer"
            yield Change(place=f"payout {item.id}", what=what, verdict="WEAKER", counterexample=example)


# ---- what it names besides -------------------------------------------------------------------------------------------


def _matrix(contract: Bundle) -> Sequence[Authority]:
    return MATRIX if contract.quality is None else contract.quality.dispositions


def _review(contract: Bundle) -> Sequence[str]:
    return () if contract.quality is None else contract.quality.review


def _quality(old: Sequence[Authority], new: Sequence[Authority]) -> Iterator[Change]:
    """Who may decide what on a nonconformance: more decisions, more roles, or fewer co-signers are weaker."""
    before, after = {item.disposition: item for item in old}, {item.disposition: item for item in new}
    yield from allowed("SmartQA", "decisions on a nonconformance", tuple(before), tuple(after), "{}")
    for name, item in before.items():
        if name not in after:
            continue
        place, other = f"SmartQA {name}", after[name]
        yield from allowed(place, "who decides", item.roles, other.roles, f"{name} decided by {{}}")
        case = f"{name} without the client"
        yield from choice(place, "client co-signs", item.client, other.client, weak=False, case=case)
        case = f"{name} without evidence"
        yield from choice(place, "evidence", item.evidence, other.evidence, weak=False, case=case)


def _pay(old: Bundle, new: Bundle) -> Iterator[Change]:
    """Bonus rules, wherever they stand, and the cap; without a SmartPay there is none."""
    rules = two(lambda c: c.template.payouts if c.pay is None else c.pay.payouts, old, new)
    yield from _payouts(*rules)
    yield from _surcharges(*two(lambda c: c.template.surcharges, old, new))
    alone = two(lambda c: 0 if c.pay is None else c.pay.one_signer_minor, old, new)
    yield from number("SmartPay", "one signer's limit", *alone, "a payment run of {} under one name", more_is="WEAKER")
    caps = two(lambda c: None if c.pay is None else c.pay.cap_minor, old, new)
    if None not in caps:
        yield from number("SmartPay", "cap", caps[0] or 0, caps[1] or 0, "a job that pays out {}", more_is="WEAKER")
    else:
        yield from choice("SmartPay", "cap", *caps, weak=None, case="a job that pays out more than the cap")

"""What a contract must say before anybody may approve it: structural checks, with a sentence for each that fails.

These are the checks that the certificate of this law version lists. They prove structure, not behaviour.
"""

from collections import Counter
from collections.abc import Container, Iterator

from holdgate.law import command as c
from holdgate.law.adaptable import UNFIT, adaptable_faults
from holdgate.law.contract import (
    PROFILE,
    Characteristic,
    Environment,
    ModuleRight,
    PayoutRule,
    SmartClientPO,
    SmartSP,
    Step,
    Window,
)
from holdgate.law.rules.normal import decode
from holdgate.law.triggers import ON
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.limits import (
    DECIMALS_MAX,
    MILESTONES_MAX,
    PAYOUTS_MAX,
    STEPS_MAX,
    SURCHARGES_MAX,
    TRIGGER_EFFECT_CHARS_MAX,
    TRIGGERS_MAX,
)
from holdgate.terms.quantity import EXACT, parse_decimal

DAY_S = 86_400
STEP_S = 31 * DAY_S
"""The longest step."""
LONG_S = 3653 * DAY_S
"""The longest window: ten years."""

ALLOWED_PAY = ("on_time_and_record_complete", "on_time", "record_complete")
"""What a bonus may depend on: time and completeness, never a result."""


MILESTONES = ("arrival", "qa_accepted", "client_accepted")

PINS = ("job", "test")
ASSIGNMENTS = ("open", "required")
REPORT = "report"
"""Stands for the report among the steps of an environmental series."""
UNBALANCED = "the milestones do not sum to the price"


def incomplete(template: SmartClientPO, technique: SmartSP) -> list[str]:
    """Everything that is missing or contradicts itself, as sentences; empty where the contract is complete."""
    tied = (f"payout {rule.id} depends on {rule.depends_on!r}" for rule in tied_to_results(template))
    return [*faults(template, technique), *((UNBALANCED,) if unbalanced(template) else ()), *tied]


def unbalanced(template: SmartClientPO) -> bool:
    """Whether the milestones do not sum to the price."""
    return template.price_minor < 0 or sum(item.amount_minor for item in template.billing) != template.price_minor


def tied_to_results(template: SmartClientPO) -> Iterator[PayoutRule]:
    """The payout rules that depend on something else than time and completeness."""
    return (rule for rule in template.payouts if rule.depends_on not in ALLOWED_PAY)


def faults(template: SmartClientPO, technique: SmartSP) -> Iterator[str]:
    """What is missing or contradicts itself, as sentences, found one by one."""
    yield from _head(template, technique)
    yield from _technique(technique)
    yield from _governance(technique)
    yield from adaptable_faults(template, technique, LONG_S)
    yield from _money(template)
    yield from _consequences(template)
    yield from _triggers(template)


def _head(template: SmartClientPO, technique: SmartSP) -> Iterator[str]:
    for document in (template, technique):
        for text in (document.id, document.version, document.author):
            try:
                check_id(text, "the contract's head")
            except Malformed as error:
                yield str(error)
    if (template.id, template.version) != (technique.id, technique.version):
        yield "the order template and the technique carry different ids or versions"
    if technique.profile != PROFILE:
        yield f"the rules are written in {technique.profile}; this version reads {PROFILE}"
    if template.on_silence not in ("escalate", "deemed_accepted"):
        yield f"silence cannot mean {template.on_silence!r}"
    if technique.pin not in PINS:
        yield f"a contract is pinned by {' or '.join(PINS)}, not by {technique.pin!r}"
    if technique.assignment not in ASSIGNMENTS:
        yield f"assignment is {' or '.join(ASSIGNMENTS)}, not {technique.assignment!r}"
    if not 0 <= template.client_window_s <= LONG_S:
        yield f"the client's window is {template.client_window_s} s; 0 s to 10 years can be asked for"
    if not 0 <= template.buffer_max_s <= LONG_S:
        yield f"scans are buffered for {template.buffer_max_s} s; 0 s to 10 years can be asked for"


def _technique(technique: SmartSP) -> Iterator[str]:
    seen: dict[str, None] = {}
    if len(technique.steps) > STEPS_MAX:
        yield f"the technique has more than {STEPS_MAX} steps"
    if not technique.steps:
        yield "the technique has no steps"
    for step in technique.steps:
        if step.id in seen:
            yield f"step {step.id} is there twice"
        yield from _step(step, seen)
        seen[step.id] = None


def _step(step: Step, earlier: Container[str]) -> Iterator[str]:
    try:
        check_id(step.id, "step")
    except Malformed as error:
        yield str(error)
    if not step.role:
        yield f"step {step.id} names no role"
    if not step.zones:
        yield f"step {step.id} names no area"
    if step.signatures not in (1, 2):
        yield f"step {step.id} asks for {step.signatures} signatures; one or two can be asked for"
    if step.kind not in ("operation", "precheck"):
        yield f"step {step.id} is of kind {step.kind!r}; a step is an operation or a precheck"
    if not 0 <= step.duration_s <= STEP_S:
        yield f"step {step.id} takes {step.duration_s} s; 0 s to 31 days can be planned"
    if step.window is not None:
        yield from _window(step, step.window, earlier)
    names = Counter(item.id for item in step.characteristics)
    for item in step.characteristics:
        if names[item.id] > 1 or "/" in item.id:
            yield f"characteristic {item.id} of {step.id} is there twice, or its name is not an id"
        yield from _characteristic(step, item)
    yield from _rules(step)
    yield from _points(step)


def _points(step: Step) -> Iterator[str]:
    """Hold and witness points name their party, and a notice that can be given."""
    for kind, point in (("hold", step.hold), ("witness", step.witness)):
        if point is not None and not point.party.strip():
            yield f"the {kind} point of {step.id} names no party"
    if step.witness is not None and not 0 <= step.witness.notice_s <= LONG_S:
        yield f"the witness of {step.id} is told {step.witness.notice_s} s before; 0 s to 10 years can be asked for"


def _window(step: Step, window: Window, earlier: Container[str]) -> Iterator[str]:
    if window.since not in earlier:
        yield f"the window of {step.id} counts from {window.since}, which is not an earlier step"
    ends = (window.min_s, window.min_s if window.max_s is None else window.max_s)
    if ends[1] < ends[0]:
        yield f"the window of {step.id} closes before it opens"
    if min(ends) < 0 or max(ends) > LONG_S:
        yield f"the window of {step.id} is not between 0 s and 10 years"


def _rules(step: Step) -> Iterator[str]:
    for rule in step.rules:
        if rule.when not in ("start", "sign"):
            yield f"rule {rule.id} of {step.id} is asked at start or sign, not at {rule.when!r}"
        try:
            decode(bytes(rule.normal))
        except Malformed as error:
            yield f"rule {rule.id} of {step.id}: {error}"


def _characteristic(step: Step, item: Characteristic) -> Iterator[str]:
    what = f"characteristic {item.id} of {step.id}"
    limits = [text for text in (item.min, item.max, item.equals) if text is not None]
    if not item.unit:
        yield f"{what} has no unit"
    if not limits:
        yield f"{what} has no numeric limit"
    if any(parse_decimal(text) is None for text in (*limits, *((item.U,) if item.U is not None else ()))):
        yield f"{what} has a limit that is not a decimal number"
        return
    if item.rule not in ("simple", "guard_band"):
        yield f"{what} has an unknown decision rule {item.rule!r}"
    if item.rule == "guard_band" and item.U is None:
        yield f"{what} has a guard band without an uncertainty"
    if not 0 <= item.resolution <= DECIMALS_MAX:
        yield f"{what} has {item.resolution} decimals; 0 to {DECIMALS_MAX} can be asked for"
    low, high, guard = (parse_decimal(text or "") for text in (item.min, item.max, item.U))
    if guard is not None and guard < 0:
        yield f"{what} has an uncertainty below zero"
    if low is None or high is None:
        return
    if low > high:
        yield f"{what} has its limits the wrong way round"
    elif item.rule == "guard_band" and guard is not None and EXACT.add(low, guard) > EXACT.subtract(high, guard):
        yield f"{what} has a guard band that leaves nothing between its limits"


def _governance(technique: SmartSP) -> Iterator[str]:
    """What the technique rests on beyond its steps: the environment, modules, and who resumes a failed run."""
    steps = {step.id: None for step in technique.steps}
    for watch in technique.environment:
        yield from _environment(watch, steps)
    rights = Counter((right.module, right.act, right.step) for right in technique.modules)
    for right in technique.modules:
        yield from _module(right, steps)
        if rights[right.module, right.act, right.step] > 1:
            yield f"module {right.module} has the right to {right.act} at {right.step} twice"
    resume = ("level3",) if technique.on_failed is None else technique.on_failed.resume
    if not resume or any(not role.strip() or role in UNFIT for role in resume):
        yield f"a failed run is resumed by {', '.join(resume) or 'nobody'}; that takes somebody who does not work on it"


def _environment(watch: Environment, steps: Container[str]) -> Iterator[str]:
    what = f"the series {watch.series}"
    yield from _names(what, watch.series, watch.sensor)
    if not watch.unit:
        yield f"{what} has no unit"
    low, high = (None if text is None else parse_decimal(text) for text in (watch.min, watch.max))
    if (watch.min is not None and low is None) or (watch.max is not None and high is None):
        yield f"{what} has a limit that is not a decimal number"
    elif low is None and high is None:
        yield f"{what} has no numeric limit"
    elif low is not None and high is not None and low > high:
        yield f"{what} has its limits the wrong way round"
    if not 0 < watch.max_gap_s <= LONG_S:
        yield f"{what} may be silent for {watch.max_gap_s} s; 1 s to 10 years can be asked for"
    if not watch.steps:
        yield f"nothing rests on {what}"
    for name in watch.steps:
        if name != REPORT and name not in steps:
            yield f"{what} is for {name}, which is no step"


def _module(right: ModuleRight, steps: Container[str]) -> Iterator[str]:
    what = f"the right of module {right.module} to {right.act!r} at {right.step}"
    yield from _names(what, right.module, *right.operator_tokens)
    if not right.act.strip():
        yield f"{what} does not say what it may do"
    if right.step not in steps:
        yield f"{what} is for a step that there is not"
    if not 0 < right.permit_s <= STEP_S:
        yield f"{what} lasts {right.permit_s} s; 1 s to 31 days can be asked for"


def _names(what: str, *names: str) -> Iterator[str]:
    for name in names:
        try:
            check_id(name, what)
        except Malformed as error:
            yield str(error)


def demandable(act: type[c.Command]) -> bool:
    """Whether a contract can ask for credentials at this act: what is done on a job, from its start to its report.

    Who plans, pays or hands over is not asked, nor who calls for help; `tokens.demanded` guards exactly these acts.
    """
    return {"order", "job"}.issubset(act.__struct_fields__) and act not in (c.AssignJob, c.ReleasePayout, c.CallHelp)


def _consequences(template: SmartClientPO) -> Iterator[str]:
    """What the template asks of who acts on its orders."""
    for demand in template.demands:
        act = c.ACTS.get(demand.act)
        if act is None or not demandable(act):
            yield f"a demand is about {demand.act!r}, which is no act on a job"
        if not demand.credentials:
            yield f"the demand about {demand.act!r} asks for nothing"
        yield from _names(f"the demand about {demand.act!r}", *demand.credentials)


def _money(template: SmartClientPO) -> Iterator[str]:
    names = Counter(item.id for item in template.billing)
    for when in MILESTONES:
        if sum(item.when == when for item in template.billing) > MILESTONES_MAX:
            yield f"more than {MILESTONES_MAX} milestones wait for {when}"
    if len(template.payouts) > PAYOUTS_MAX:
        yield f"there are more than {PAYOUTS_MAX} payout rules"
    for item in template.billing:
        if item.when not in MILESTONES:
            yield f"milestone {item.id} waits for {item.when!r}, which is nothing that happens"
        if item.amount_minor <= 0 or names[item.id] > 1:
            yield f"milestone {item.id} is there twice or has no amount"
    yield from _price_list(template)
    for rule in template.payouts:
        if rule.payee != "each_signer" or rule.amount_minor <= 0 or rule.currency != template.currency:
            yield f"payout {rule.id}: each signer is paid a positive amount in the order's currency"
        if not 0 < rule.within_s <= LONG_S:
            yield f"payout {rule.id} does not say within how many seconds the work is on time (1 s to 10 years)"


def _price_list(template: SmartClientPO) -> Iterator[str]:
    if len(template.surcharges) > SURCHARGES_MAX:
        yield f"there are more than {SURCHARGES_MAX} surcharges"
    names = Counter(one.id for one in template.surcharges)
    causes = Counter(one.cause for one in template.surcharges if one.when == "retest")
    for one in template.surcharges:
        if one.amount_minor <= 0 or names[one.id] > 1:
            yield f"surcharge {one.id} is there twice or has no amount"
        if one.when not in ("retest", "agreed") or (one.when == "retest") != bool(one.cause):
            yield f"surcharge {one.id} is for a retest with a cause, or agreed on"
        if one.when == "retest" and causes[one.cause] > 1:
            yield f"two surcharges are for a retest for {one.cause}"


def _triggers(template: SmartClientPO) -> Iterator[str]:
    if len(template.triggers) > TRIGGERS_MAX:
        yield f"there are more than {TRIGGERS_MAX} triggers"
    for item in template.triggers:
        if item.on not in ON:
            yield f"a trigger waits for {item.on!r}, which is nothing that happens"
        if not item.effect.strip() or len(item.effect) > TRIGGER_EFFECT_CHARS_MAX:
            yield f"the trigger on {item.on} says nothing, or more than {TRIGGER_EFFECT_CHARS_MAX} signs"

"""What a contract must say before anybody may approve it: structural checks, with a sentence for each that fails.

These are the checks that the certificate of this law version lists. They prove structure, not behaviour.
"""

from collections import Counter
from collections.abc import Container, Iterator

from holdgate.law.contract import PROFILE, Characteristic, PayoutRule, SmartClientPO, SmartSP, Step, Window
from holdgate.law.rules.normal import decode
from holdgate.law.triggers import ON
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.limits import MILESTONES_MAX, PAYOUTS_MAX, STEPS_MAX, TRIGGERS_MAX
from holdgate.terms.quantity import DECIMALS_MAX, EXACT, parse_decimal

DAY_S = 86_400
STEP_S = 31 * DAY_S
"""The longest step."""
LONG_S = 3653 * DAY_S
"""The longest window: ten years."""

ALLOWED_PAY = ("on_time_and_record_complete", "on_time", "record_complete")
"""What a bonus may depend on: time and completeness, never a result."""

EFFECT_CHARS_MAX = 200
"""What a trigger says."""

MILESTONES = ("arrival", "qa_accepted", "client_accepted")


def incomplete(template: SmartClientPO, technique: SmartSP) -> list[str]:
    """Everything that is missing or contradicts itself, as sentences; empty where the contract is complete."""
    tied = (f"payout {rule.id} depends on {rule.depends_on!r}" for rule in tied_to_results(template))
    return [*faults(template, technique), *tied]


def tied_to_results(template: SmartClientPO) -> Iterator[PayoutRule]:
    """The payout rules that depend on something else than time and completeness."""
    return (rule for rule in template.payouts if rule.depends_on not in ALLOWED_PAY)


def faults(template: SmartClientPO, technique: SmartSP) -> Iterator[str]:
    """What is missing or contradicts itself, as sentences, found one by one."""
    yield from _head(template, technique)
    yield from _technique(technique)
    yield from _money(template)
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
    if technique.pin != "job":
        yield f"this law version pins a contract by job, not by {technique.pin!r}"
    if technique.assignment not in ("open", "required"):
        yield f"an assignment is open or required, not {technique.assignment!r}"
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


def _money(template: SmartClientPO) -> Iterator[str]:
    if template.price_minor < 0 or sum(item.amount_minor for item in template.billing) != template.price_minor:
        yield "the milestones do not sum to the price"
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
    for rule in template.payouts:
        if rule.payee != "each_signer" or rule.amount_minor <= 0 or rule.currency != template.currency:
            yield f"payout {rule.id}: each signer is paid a positive amount in the order's currency"


def _triggers(template: SmartClientPO) -> Iterator[str]:
    if len(template.triggers) > TRIGGERS_MAX:
        yield f"there are more than {TRIGGERS_MAX} triggers"
    for item in template.triggers:
        if item.on not in ON:
            yield f"a trigger waits for {item.on!r}, which is nothing that happens"
        if not item.effect.strip() or len(item.effect) > EFFECT_CHARS_MAX:
            yield f"the trigger on {item.on} says nothing, or more than {EFFECT_CHARS_MAX} signs"

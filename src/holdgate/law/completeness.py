"""What a contract must say before anybody may approve it: structural checks, with a sentence for each that fails.

These are the checks that the certificate of this law version lists. They prove structure, not behaviour.
"""

from collections.abc import Iterator

from holdgate.law.contract import PROFILE, Characteristic, SmartClientPO, SmartSP, Step
from holdgate.law.rules.normal import decode
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.quantity import parse_decimal

ALLOWED_PAY = ("on_time_and_record_complete", "on_time", "record_complete")
"""What a bonus may depend on: time and completeness, never a result."""

MILESTONES = ("arrival", "qa_accepted", "client_accepted")


def incomplete(template: SmartClientPO, technique: SmartSP) -> list[str]:
    """Everything that is missing or contradicts itself, as sentences; empty where the contract is complete."""
    return [*_head(template, technique), *_technique(technique), *_money(template)]


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
    if technique.pin not in ("job", "test"):
        yield f"a contract is pinned by job or by test, not by {technique.pin!r}"


def _technique(technique: SmartSP) -> Iterator[str]:
    seen: list[str] = []
    if not technique.steps:
        yield "the technique has no steps"
    for step in technique.steps:
        if step.id in seen:
            yield f"step {step.id} is there twice"
        yield from _step(step, seen)
        seen.append(step.id)


def _step(step: Step, earlier: list[str]) -> Iterator[str]:
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
    if step.window is not None:
        if step.window.since not in earlier:
            yield f"the window of {step.id} counts from {step.window.since}, which is not an earlier step"
        if step.window.max_s is not None and step.window.max_s < step.window.min_s:
            yield f"the window of {step.id} closes before it opens"
    names = [item.id for item in step.characteristics]
    for item in step.characteristics:
        if names.count(item.id) > 1 or "/" in item.id:
            yield f"characteristic {item.id} of {step.id} is there twice, or its name is not an id"
        yield from _characteristic(step, item)
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
    low, high = parse_decimal(item.min or ""), parse_decimal(item.max or "")
    if low is not None and high is not None and low > high:
        yield f"{what} has its limits the wrong way round"


def _money(template: SmartClientPO) -> Iterator[str]:
    if template.price_minor < 0 or sum(item.amount_minor for item in template.billing) != template.price_minor:
        yield "the milestones do not sum to the price"
    names = [item.id for item in template.billing]
    for item in template.billing:
        if item.when not in MILESTONES:
            yield f"milestone {item.id} waits for {item.when!r}, which is nothing that happens"
        if item.amount_minor <= 0 or names.count(item.id) > 1:
            yield f"milestone {item.id} is there twice or has no amount"
    for rule in template.payouts:
        if rule.depends_on not in ALLOWED_PAY:
            yield f"payout {rule.id} depends on {rule.depends_on!r}"
        if rule.payee != "each_signer" or rule.amount_minor <= 0 or rule.currency != template.currency:
            yield f"payout {rule.id}: each signer is paid a positive amount in the order's currency"

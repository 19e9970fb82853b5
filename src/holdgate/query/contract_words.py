"""A contract in a person's words: what each step asks for, with every number, where it comes from and how sure that is.

For whoever approves, works by, or audits a contract (SMART-Admin's and SMART-Standards' reader). Nothing is added to what
the documents say; what they leave out is said to be left out.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.law.contract import (
    Adaptable,
    Billing,
    Characteristic,
    Environment,
    PayoutRule,
    SmartClientPO,
    SmartPay,
    SmartSP,
    Step,
    Surcharge,
    Window,
    document_digest,
)
from holdgate.law.families import Bundle
from holdgate.law.gates.nonconformances import MATRIX
from holdgate.query.words import listed
from holdgate.terms import instant, money
from holdgate.terms.instant import SECOND_US

CHECKED: Final = "checked against its source"
EXAMPLE: Final = "example, set by your Level III"
NO_SOURCE: Final = "no source named"


class Limit(Struct, frozen=True, kw_only=True):
    """One thing that a step measures. `takes`: how often and with what; `source`, `status`: of the numbers."""

    characteristic: str
    limits: str
    unit: str
    takes: str
    source: str
    status: str


class StepSheet(Struct, frozen=True, kw_only=True):
    """One operation. `letters`: P pre-check, H hold point, W witness point, 2 two signatures."""

    id: str
    name: str
    letters: str
    role: str
    credentials: tuple[str, ...]
    zones: tuple[str, ...]
    equipment: tuple[str, ...]
    materials: tuple[str, ...]
    window: str
    duration: str
    points: tuple[str, ...]
    limits: tuple[Limit, ...]
    rules: tuple[str, ...]


class ContractSheet(Struct, frozen=True, kw_only=True):
    """A contract, told. `documents`: family and SHA-256 of each; `numbers`: where other numbers come from."""

    contract: str
    version: str
    title: str
    author: str
    documents: dict[str, str]
    standards: tuple[str, ...]
    requires: tuple[str, ...]
    about: str
    steps: tuple[StepSheet, ...]
    work: tuple[str, ...]
    money: tuple[str, ...]
    client: tuple[str, ...]
    adaptable: tuple[str, ...]
    quality: tuple[str, ...]
    numbers: tuple[str, ...]


def sheet_of(bundle: Bundle) -> ContractSheet:
    """Everything that a contract says, in words."""
    template, technique = bundle.template, bundle.technique
    return ContractSheet(
        contract=template.id,
        version=template.version,
        title=template.title,
        author=template.author,
        documents={type(document).__name__: document_digest(document) for document in bundle.documents},
        standards=tuple(dict.fromkeys((*template.standards, *technique.standards))),
        requires=tuple(f"{needed.standard}, edition {needed.edition}" for needed in technique.requires),
        about=_about(technique),
        steps=tuple(_step(step) for step in technique.steps),
        work=tuple(_work(technique)),
        money=tuple(_money(template, bundle.pay)),
        client=tuple(_client(template)),
        adaptable=tuple(_adaptable(item) for item in technique.adaptable),
        quality=tuple(_quality(bundle)),
        numbers=tuple(_numbers(bundle)),
    )


def span(seconds: int) -> str:
    """A stretch of time in words."""
    return instant.show_duration(seconds * SECOND_US)


def _about(technique: SmartSP) -> str:
    yields = ", ".join(
        f"{item.fact}{f' {item.name}' if item.name else ''} for {span(item.valid_s)}" for item in technique.yields
    )
    return f"{type(technique).__name__}: work on a {technique.subject}" + (f"; yields {yields}" if yields else "")


# ---- steps ---------------------------------------------------------------------------------------------------------


def _step(step: Step) -> StepSheet:
    letters = ("P" if step.kind == "precheck" else "", "H" if step.hold else "", "W" if step.witness else "")
    points = []
    if step.hold is not None:
        points.append(f"does not start before {step.hold.party} released it")
    if step.witness is not None:
        points.append(f"{step.witness.party} is told at least {span(step.witness.notice_s)} before")
    if not step.performer_signs:
        points.append("signed by somebody else than who did it")
    return StepSheet(
        id=step.id,
        name=step.name,
        letters="".join((*letters, "2" if step.signatures == 2 else "")),
        role=step.role,
        credentials=step.credentials,
        zones=step.zones,
        equipment=step.equipment_classes,
        materials=step.material_kinds,
        window="" if step.window is None else _window(step.window),
        duration=span(step.duration_s) if step.duration_s else "",
        points=tuple(points),
        limits=tuple(_limit(item) for item in step.characteristics),
        rules=tuple(f"at {rule.when}: {rule.say} ({rule.cel})" for rule in step.rules),
    )


def _window(window: Window) -> str:
    if window.max_s is None:
        return f"at least {span(window.min_s)} after the signature of {window.since}"
    least = f"{span(window.min_s)} to " if window.min_s else "at most "
    return f"{least}{span(window.max_s)} after the signature of {window.since}"


def _limit(item: Characteristic) -> Limit:
    guard = f", moved inwards by U = {item.U}" if item.rule == "guard_band" and item.U is not None else ""
    takes = [f"instrument: {item.instrument_class}"] if item.instrument_class else ["by eye or count"]
    takes += ["for each part"] if item.per_serial else []
    takes += ["every reading counts"] if item.all_readings else []
    takes += [f"effect: {item.effect}"] if item.effect else []
    return Limit(
        characteristic=item.id,
        limits=f"{_between(item.min, item.max, item.equals)}{guard}",
        unit=item.unit,
        takes=", ".join(takes),
        source=item.basis or NO_SOURCE,
        status=CHECKED if item.verified else EXAMPLE,
    )


def _between(low: str | None, high: str | None, equals: str | None = None) -> str:
    if equals is not None:
        return f"exactly {equals}"
    if low is None:
        return "no limit" if high is None else f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


# ---- the rest of the technique -------------------------------------------------------------------------------------


def _work(technique: SmartSP) -> Iterator[str]:
    yield f"A node that is cut off starts nothing after {span(technique.offline_max_s)} without the business hub."
    pins = "Each test takes the revision in force when it starts." if technique.pin == "test" else ""
    yield pins or "A job keeps its version until it ends."
    if technique.assignment == "required":
        yield "Nobody starts before the job is assigned to a person."
    if technique.retest is None:
        yield "A failed test is not repeated."
    else:
        causes = listed(technique.retest.allowed_causes)
        yield f"A failed test is repeated at most {technique.retest.max} times, because of {causes}."
    for series in technique.environment:
        yield _environment(series)
    for right in technique.modules:
        tokens = f" with an operator who holds {listed(right.operator_tokens)}" if right.operator_tokens else ""
        yield f"{right.module} may {right.act} at {right.step} for {span(right.permit_s)}{tokens}."
    resume = ("level3",) if technique.on_failed is None else technique.on_failed.resume
    yield f"A failed execution is resumed by {listed(resume)}."


def _environment(series: Environment) -> str:
    limits = _between(series.min, series.max)
    return (
        f"{series.series} ({series.sensor}) stays {limits} {series.unit}, logged at least every "
        f"{span(series.max_gap_s)}, for {listed(series.steps)}."
    )


def _adaptable(item: Adaptable) -> str:
    place = " ".join(name for name in (item.step, item.characteristic) if name)
    alone = "; tightening applies at once" if item.auto_tighten else ""
    return (
        f"{item.id}: {item.kind}{f' of {place}' if place else ''} is {item.value}, may move from {item.min} to "
        f"{item.max}; {item.tighter} is tighter; {listed(item.approve)} agree{alone}."
    )


# ---- order, money, client, quality ---------------------------------------------------------------------------------

_WHEN: Final = {
    "arrival": "all parts have arrived",
    "qa_accepted": "QA accepted every part",
    "client_accepted": "the client accepted the report of every part",
}
_SILENCE: Final = {
    "escalate": "is escalated; it is never an acceptance",
    "deemed_accepted": "counts as acceptance, where this client signed so; it is never a signature",
}
_DEPENDS: Final = {
    "on_time_and_record_complete": "in time and with a complete record",
    "on_time": "in time",
    "record_complete": "with a complete record",
}


def _money(template: SmartClientPO, pay: SmartPay | None) -> Iterator[str]:
    yield f"The price is {money.show(template.price_minor, template.currency)}."
    for item in template.billing:
        yield _milestone(item, template.currency)
    for one in template.surcharges:
        yield _surcharge(one, template.currency)
    rules = template.payouts if pay is None else pay.payouts
    for rule in rules:
        yield _payout(rule)
    if pay is not None:
        yield f"A job pays out at most {money.show(pay.cap_minor, pay.currency)} in all."
    if pay is not None and pay.one_signer_minor:
        yield f"Two people sign a payment run of more than {money.show(pay.one_signer_minor, pay.currency)}."
    if not rules:
        yield "There is no bonus."


def _milestone(item: Billing, currency: str) -> str:
    when = _WHEN.get(item.when, item.when)
    return f"{money.show(item.amount_minor, currency)} ({item.id}) is invoiced by itself when {when}."


def _surcharge(one: Surcharge, currency: str) -> str:
    when = (
        f"for each retest because of {one.cause}"
        if one.when == "retest"
        else "when the client and the shop agree to it"
    )
    return f"{money.show(one.amount_minor, currency)} more ({one.id}) {when}."


def _payout(rule: PayoutRule) -> str:
    within = f", within {span(rule.within_s)}" if rule.within_s else ""
    how = _DEPENDS.get(rule.depends_on, f"depending on {rule.depends_on}")
    amount = money.show(rule.amount_minor, rule.currency)
    return f"{amount} ({rule.id}) to {rule.payee.replace('_', ' ')} {how}{within}; never by the result."


def _client(template: SmartClientPO) -> Iterator[str]:
    silence = _SILENCE.get(template.on_silence, template.on_silence)
    yield f"The client has {span(template.client_window_s)} to review a report; silence {silence}."
    yield f"Arrivals count by {listed(template.arrival_evidence)}; a buffered scan for {span(template.buffer_max_s)}."
    yield f"Documents that an order carries: {listed(template.documents)}."
    for demand in template.demands:
        yield f"{demand.act} asks its actor for {listed(demand.credentials)}."
    for trigger in template.triggers:
        yield f"On {trigger.on}: {trigger.effect}."


def _quality(bundle: Bundle) -> Iterator[str]:
    quality = bundle.quality
    if quality is None:
        yield "Nonconformances are decided by the usual matrix:"
    for authority in MATRIX if quality is None else quality.dispositions:
        more = [
            *(["the client co-signs"] if authority.client else []),
            *(["with evidence"] if authority.evidence else []),
        ]
        yield f"{authority.disposition}: {listed(authority.roles)}" + (f" ({', '.join(more)})" if more else "")
    for text in () if quality is None else quality.review:
        yield f"QA confirms: {text}"


def _numbers(bundle: Bundle) -> Iterator[str]:
    """Sources that documents give for other numbers (`sources`, where a document has them)."""
    for document in bundle.documents:
        for source in getattr(document, "sources", ()):
            yield f"{source.what}: {source.basis} ({CHECKED if source.verified else EXAMPLE})"

"""Proofs about money: the milestones are the price, payouts stay under their cap whoever signs, in one currency."""

from typing import Final

from holdgate.certifier.findings import Findings
from holdgate.certifier.life import Life
from holdgate.certifier.limit_proofs import timetable
from holdgate.certifier.rule_times import least_s
from holdgate.certifier.smt import Script, no, num, plus, same
from holdgate.law.completeness import ALLOWED_PAY
from holdgate.terms.instant import SECOND_US, show_duration

CONSERVED: Final = "milestones-are-the-price"
BOUNDED: Final = "payouts-stay-under-their-cap"
BLIND: Final = "payouts-depend-on-time-and-completeness-alone"
ONE_CURRENCY: Final = "one-currency"
EARNED: Final = "payouts-can-be-earned"


def prove_money(found: Findings, life: Life) -> None:
    """All proofs about a contract's amounts."""
    for proof in (CONSERVED, BOUNDED, BLIND, ONE_CURRENCY, EARNED):
        found.begin(proof)
    _conserved(found, life)
    _bounded(found, life)
    template, pay = life.template, life.contract.pay
    for rule in life.payouts:
        place = f"payout {rule.id}"
        if rule.depends_on not in ALLOWED_PAY:
            found.fail(
                BLIND,
                place,
                f"it depends on {rule.depends_on!r}; pay depends on time and completeness, never on a result",
            )
        if rule.currency != template.currency:
            found.fail(ONE_CURRENCY, place, f"it is in {rule.currency}, the order in {template.currency}")
    if pay is not None and pay.currency != template.currency:
        found.fail(ONE_CURRENCY, "SmartPay", f"it is in {pay.currency}, the order in {template.currency}")
    _earned(found, life)


def _conserved(found: Findings, life: Life) -> None:
    template, script = life.template, Script()
    billed = script.integer("billed")
    script.hold(same(billed, plus(*(num(item.amount_minor) for item in template.billing))))
    script.hold(no(same(billed, num(template.price_minor))))
    answer = found.ask(CONSERVED, script.query("whether the milestones are something else than the price"))
    if answer.verdict != "unsat":
        case = f"billed {answer.values.get('billed')}, price {template.price_minor} {template.currency}"
        found.fail(CONSERVED, "order", "the milestones do not add up to the price", case)
    for item in template.billing:
        if item.amount_minor < 0:
            found.fail(CONSERVED, f"milestone {item.id}", f"its amount is {item.amount_minor}")


def _bounded(found: Findings, life: Life) -> None:
    """A stated cap lies within the price; without one, the most that the contract's own attempts can pay out does."""
    if not life.payouts:
        return
    pay, price, script = life.contract.pay, life.template.price_minor, Script()
    signers = script.integer("signers", 1, _signers(life))
    total = script.named(plus(*(f"(* {num(rule.amount_minor)} {signers})" for rule in life.payouts)), "Int")
    paid = (
        total
        if pay is None
        else script.named(f"(ite (<= {total} {num(pay.cap_minor)}) {total} {num(pay.cap_minor)})", "Int")
    )
    script.hold(f"(or (> {paid} {num(price)}) (< {paid} 0))")
    answer = found.ask(
        BOUNDED, script.query("whether a job can pay out more than its cap and price, or less than nothing")
    )
    if answer.verdict != "unsat":
        rules = " + ".join(f"{rule.amount_minor} for {rule.id}" for rule in life.payouts)
        cap = "no cap is stated" if pay is None else f"the cap is {pay.cap_minor}"
        case = f"{answer.values.get('signers')} people sign, each is paid {rules}, {cap}, the price is {price}"
        found.fail(BOUNDED, "payouts", "one job can pay out more than the order brings in", case)
    most = sum(rule.amount_minor for rule in life.payouts) * _signers(life)
    if pay is not None and most > pay.cap_minor:
        found.note(
            f"if everybody signs who can, the bonuses of a job come to {most}; its cap of {pay.cap_minor} cuts them short"
        )


def _signers(life: Life) -> int:
    """Every signature in every attempt that the contract allows is another person's: there cannot be more."""
    return sum(step.signatures for step in life.steps) * (1 + life.retests)


def _earned(found: Findings, life: Life) -> None:
    """Every bonus can be paid: one amount lies within the cap, and some job is done in time, whatever the tuning."""
    technique, pay = life.technique, life.contract.pay
    planned = sum(step.duration_s for step in life.steps)
    for rule in life.payouts:
        place = f"payout {rule.id}"
        if pay is not None and rule.amount_minor > pay.cap_minor:
            what = f"it is {rule.amount_minor}, and a job pays out {pay.cap_minor} at most: nobody is ever paid"
            found.fail(EARNED, place, what)
        lasts = {step.id: least_s(found, EARNED, technique, step) for step in life.steps}
        script = timetable(technique, (), lasts)
        script.hold(f"(<= (- |{life.steps[-1].id}.end| |{life.steps[0].id}.start|) {rule.within_s})")
        within = show_duration(rule.within_s * SECOND_US)
        what = f"it is for jobs done within {within}, and what the steps have to wait takes longer: nobody is ever paid"
        answer = found.possible(
            EARNED, script.query(f"whether a job can be done within {rule.within_s} s"), place, what
        )
        if answer.verdict == "sat" and rule.within_s < planned:
            took = show_duration(planned * SECOND_US)
            found.note(f"payout {rule.id} is for jobs done within {within}; the steps are planned to take {took}")

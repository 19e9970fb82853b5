"""Every number that a contract states, and where it comes from: what a lab reads before it approves one.

A number stands at a place: `steps[S40].window.max_s`, `retest.max`, `billing[final].amount_minor`. A characteristic carries
the source of its limits itself (`basis`, `verified`); any other number is covered by a `Source` that names its place or one
above it. An own rule counts as a number where its text holds one. Left out is what counts nothing in the shop: how many
people sign, and with how many decimals a rule computes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from holdgate.law.contract import (
    Characteristic,
    Document,
    Head,
    PayoutRule,
    SmartClientPO,
    SmartPay,
    SmartSP,
    Step,
)

_DIGIT = re.compile(r"\d")


class Number(NamedTuple):
    """A number of a contract. `basis` "": the contract does not say where it comes from."""

    place: str
    value: str
    unit: str
    basis: str
    verified: bool


def numbers(document: Document) -> Iterator[Number]:
    """Every number that a document states, in its order."""
    if isinstance(document, SmartSP):
        yield from _technique(document)
    elif isinstance(document, SmartClientPO):
        yield from _order(document)
    elif isinstance(document, SmartPay):
        yield from _pay(document)


def source_faults(document: Document) -> Iterator[str]:
    """Sources that say nothing, or are about a number that is not there."""
    places = [number.place for number in numbers(document)]
    for source in document.sources:
        if not source.basis.strip():
            yield f"the source of {source.what} says nothing"
        if not any(_below(place, source.what) for place in places):
            yield f"a source is about {source.what}, where no number stands"


def _below(place: str, above: str) -> bool:
    return place == above or place.startswith((f"{above}.", f"{above}["))


def _number(document: Head, place: str, value: object, unit: str) -> Number:
    """The number with its source: the one that names the nearest place."""
    found = [source for source in document.sources if _below(place, source.what)]
    nearest = max(found, key=lambda source: len(source.what), default=None)
    basis, verified = ("", False) if nearest is None else (nearest.basis, nearest.verified)
    return Number(place, str(value), unit, basis, verified)


def _stated(document: Head, part: Struct, place: str, units: Mapping[str, str]) -> Iterator[Number]:
    """The fields of a part that hold a number; a whole number 0 (no price, no planned duration) is none."""
    for field, unit in units.items():
        value = getattr(part, field)
        if value is not None and value != 0:
            yield _number(document, f"{place}.{field}" if place else field, value, unit)


def _technique(document: SmartSP) -> Iterator[Number]:
    for step in document.steps:
        yield from _step(document, step, f"steps[{step.id}]")
    yield from _stated(document, document, "", {"offline_max_s": "s"})
    if document.retest is not None:
        yield _number(document, "retest.max", document.retest.max, "times")
    for adaptable in document.adaptable:
        unit = "s" if adaptable.kind.endswith("_s") else ""
        place = f"adaptable[{adaptable.id}]"
        yield from _stated(document, adaptable, place, dict.fromkeys(("value", "min", "max"), unit))
    for watch in document.environment:
        place = f"environment[{watch.series}]"
        yield from _stated(document, watch, place, {"min": watch.unit, "max": watch.unit, "max_gap_s": "s"})
    for right in document.modules:
        yield from _stated(document, right, f"modules[{right.step} {right.act}]", {"permit_s": "s"})
    for item in document.yields:
        yield from _stated(document, item, f"yields[{item.name or item.fact}]", {"valid_s": "s"})


def _step(document: SmartSP, step: Step, place: str) -> Iterator[Number]:
    if step.window is not None:
        yield from _stated(document, step.window, f"{place}.window", {"min_s": "s", "max_s": "s"})
    yield from _stated(document, step, place, {"duration_s": "s"})
    if step.witness is not None:
        yield from _stated(document, step.witness, f"{place}.witness", {"notice_s": "s"})
    for item in step.characteristics:
        yield from _characteristic(document, item, f"{place}.{item.id}")
    for rule in step.rules:
        if _DIGIT.search(rule.cel):
            yield _number(document, f"{place}.rules[{rule.id}]", rule.cel, "")


def _characteristic(document: SmartSP, item: Characteristic, place: str) -> Iterator[Number]:
    units = dict.fromkeys(("min", "max", "equals", "U"), item.unit)
    for number in _stated(document, item, place, units):
        yield number if item.basis is None else number._replace(basis=item.basis, verified=item.verified)


def _order(document: SmartClientPO) -> Iterator[Number]:
    money = f"minor units of {document.currency}"
    yield from _stated(document, document, "", {"price_minor": money})
    for item in document.billing:
        yield from _stated(document, item, f"billing[{item.id}]", {"amount_minor": money})
    for one in document.surcharges:
        yield from _stated(document, one, f"surcharges[{one.id}]", {"amount_minor": money})
    yield from _payouts(document, document.payouts)
    yield from _stated(document, document, "", {"client_window_s": "s", "buffer_max_s": "s"})


def _pay(document: SmartPay) -> Iterator[Number]:
    yield from _payouts(document, document.payouts)
    money = f"minor units of {document.currency}"
    yield from _stated(document, document, "", {"cap_minor": money, "one_signer_minor": money})


def _payouts(document: Head, payouts: tuple[PayoutRule, ...]) -> Iterator[Number]:
    for rule in payouts:
        units = {"amount_minor": f"minor units of {rule.currency}", "within_s": "s"}
        yield from _stated(document, rule, f"payouts[{rule.id}]", units)

"""What a contract may declare adaptable: each parameter is a number of this contract, with bounds and people who agree.

Every value inside the bounds has to leave a contract that makes sense: the certificate holds for all of them.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from holdgate.law.contract import Adaptable, SmartClientPO, SmartSP
from holdgate.law.technique import (
    CHARACTERISTIC_MAX,
    CHARACTERISTIC_MIN,
    CLIENT_WINDOW,
    IN_SECONDS,
    TIGHTER,
    WINDOW_MAX,
    WINDOW_MIN,
)
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.quantity import EXACT, parse_decimal

UNFIT: Final = (
    "technician",
    "ai",
    "module",
    "system",
    "scanner",
    "sensor",
    "node",
    "business_hub",
    "floor_hub",
    "vault",
)
"""Roles that agree to no change of a limit: whoever works to it, and whatever is no person."""


def adaptable_faults(template: SmartClientPO, technique: SmartSP, long_s: int) -> Iterator[str]:
    """What is wrong with the adaptable parameters, as sentences. `long_s`: the longest window (seconds)."""
    targets = Counter((item.kind, item.step, item.characteristic) for item in technique.adaptable)
    names = Counter(item.id for item in technique.adaptable)
    for item in technique.adaptable:
        yield from _item(template, technique, item, long_s)
        if names[item.id] > 1 or targets[item.kind, item.step, item.characteristic] > 1:
            yield f"adaptable {item.id} is there twice, or moves what another one moves"
        elif item.kind in TIGHTER and _crosses(template, technique, item):
            yield f"the bounds of adaptable {item.id} allow values that leave nothing between its limits"


def _item(template: SmartClientPO, technique: SmartSP, item: Adaptable, long_s: int) -> Iterator[str]:
    what = f"adaptable {item.id}"
    try:
        check_id(item.id, "adaptable")
    except Malformed as error:
        yield str(error)
    if item.kind not in TIGHTER:
        yield f"{what} is of the kind {item.kind!r}, which is nothing that moves"
        return
    yield from _people(template, item)
    if item.tighter != TIGHTER[item.kind]:
        yield f"{what} calls {item.tighter!r} tighter; for {item.kind} it is {TIGHTER[item.kind]!r}"
    value, low, high = (parse_decimal(text) for text in (item.value, item.min, item.max))
    if value is None or low is None or high is None:
        yield f"{what} has a value or bound that is not a decimal number"
        return
    if not low <= value <= high:
        yield f"{what} has the value {item.value}, which is not between {item.min} and {item.max}"
    if item.kind in IN_SECONDS and not _seconds((value, low, high), long_s):
        yield f"{what} is in whole seconds, from 0 s to 10 years"
    says = _said(template, technique, item)
    if says is None or says != value:
        yield f"{what} gives {item.value}; at its place the contract says {'nothing' if says is None else says}"


def _people(template: SmartClientPO, item: Adaptable) -> Iterator[str]:
    what = f"adaptable {item.id}"
    if not item.approve:
        yield f"{what} names nobody who agrees to a change"
    if len(set(item.approve)) != len(item.approve) or not all(role.strip() for role in item.approve):
        yield f"{what} names a role twice, or one without a name"
    for role in item.approve:
        if role in UNFIT:
            yield f"{what} has {role} agree to a change; that takes somebody who does not work to it"
    low = parse_decimal(item.min)
    shorter = low is not None and low < template.client_window_s
    if item.kind == CLIENT_WINDOW and shorter and "client" not in item.approve:
        yield f"{what} can make the review window shorter than the client signed, and the client does not agree to it"


def _seconds(values: tuple[Decimal, ...], long_s: int) -> bool:
    return all(value == EXACT.to_integral_value(value) and 0 <= value <= long_s for value in values)


def _said(template: SmartClientPO, technique: SmartSP, item: Adaptable) -> Decimal | None:
    """The number that the contract gives at a parameter's place."""
    if item.kind == CLIENT_WINDOW:
        return None if item.step or item.characteristic else Decimal(template.client_window_s)
    step = next((step for step in technique.steps if step.id == item.step), None)
    if step is None:
        return None
    if item.kind in (WINDOW_MIN, WINDOW_MAX):
        window = None if item.characteristic else step.window
        seconds = None if window is None else (window.min_s if item.kind == WINDOW_MIN else window.max_s)
        return None if seconds is None else Decimal(seconds)
    measured = next((known for known in step.characteristics if known.id == item.characteristic), None)
    text = None if measured is None else (measured.min if item.kind == CHARACTERISTIC_MIN else measured.max)
    return None if text is None else parse_decimal(text)


def _crosses(template: SmartClientPO, technique: SmartSP, item: Adaptable) -> bool:
    """Whether the bounds allow values that leave nothing between the lower and the upper limit."""
    if item.kind == CLIENT_WINDOW:
        return False
    window = item.kind in (WINDOW_MIN, WINDOW_MAX)
    low = _farthest(template, technique, item, WINDOW_MIN if window else CHARACTERISTIC_MIN)
    high = _farthest(template, technique, item, WINDOW_MAX if window else CHARACTERISTIC_MAX)
    if low is None or high is None:
        return False
    guard = Decimal(0) if window else _guard(technique, item)
    return EXACT.add(low, guard) > EXACT.subtract(high, guard)


def _farthest(template: SmartClientPO, technique: SmartSP, item: Adaptable, kind: str) -> Decimal | None:
    """How far one limit at this parameter's place can move towards the other one."""
    for other in technique.adaptable:
        if (other.kind, other.step, other.characteristic) == (kind, item.step, item.characteristic):
            return parse_decimal(other.max if TIGHTER[kind] == "higher" else other.min)
    return _said(template, technique, replace(item, kind=kind))


def _guard(technique: SmartSP, item: Adaptable) -> Decimal:
    for step in technique.steps:
        for measured in step.characteristics:
            if (step.id, measured.id) == (item.step, item.characteristic) and measured.rule == "guard_band":
                return parse_decimal(measured.U or "") or Decimal(0)
    return Decimal(0)

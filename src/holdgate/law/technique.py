"""A technique made ready for decisions: limits as decimals, windows in µs, steps by position. Rebuilt from its document."""

from decimal import Decimal

from msgspec import Struct

from holdgate.law.contract import Characteristic, SmartSP, Step, StepRule
from holdgate.law.rules.evaluate import Rule, compile_rule
from holdgate.law.rules.normal import decode
from holdgate.terms.instant import SECOND_US
from holdgate.terms.quantity import EXACT, require_decimal


class Measure(Struct, frozen=True):
    """A characteristic with its acceptance limits (guard band applied)."""

    id: str
    unit: str
    low: Decimal | None
    high: Decimal | None
    equals: Decimal | None
    instrument_class: str | None
    per_serial: bool
    all_readings: bool
    resolution: int

    def conforms(self, value: Decimal) -> bool:
        """Whether the value lies within the limits, ends included."""
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.equals is None or value == self.equals)
        )

    def show_limits(self) -> str:
        """The limits for a person: `1170..` or `..160` or `50..100`, with the unit."""
        if self.equals is not None:
            return f"{self.equals} {self.unit}"
        low = "" if self.low is None else str(self.low)
        high = "" if self.high is None else str(self.high)
        return f"{low}..{high} {self.unit}"


class Dwell(Struct, frozen=True):
    """A window from the completion of the step at `since` (position), in µs."""

    since: int
    low_us: int
    high_us: int | None


class OwnRule(Struct, frozen=True):
    """A rule of the contract's own, compiled."""

    id: str
    say: str
    rule: Rule


class Operation(Struct, frozen=True):
    """A step, ready for the gates."""

    id: str
    name: str
    position: int
    precheck: bool
    role: str
    credentials: tuple[str, ...]
    zones: frozenset[str]
    equipment_classes: tuple[str, ...]
    material_kinds: tuple[str, ...]
    dwell: Dwell | None
    measures: dict[str, Measure]
    duration_us: int
    signatures: int
    performer_signs: bool
    start_rules: tuple[OwnRule, ...]
    sign_rules: tuple[OwnRule, ...]


class Technique(Struct, frozen=True):
    """A SmartSP, ready for the gates."""

    sha256: str
    id: str
    version: str
    offline_max_us: int
    assignment: str
    operations: tuple[Operation, ...]
    position: dict[str, int]
    prechecks: tuple[int, ...]


def prepare(document: SmartSP, sha256: str) -> Technique:
    """Make a technique ready.

    Raises:
        Malformed: a limit that is no decimal, a window from an unknown step, or a rule that is no normal form.
    """
    position = {step.id: index for index, step in enumerate(document.steps)}
    operations = tuple(_operation(step, position) for step in document.steps)
    return Technique(
        sha256=sha256,
        id=document.id,
        version=document.version,
        offline_max_us=document.offline_max_s * SECOND_US,
        assignment=document.assignment,
        operations=operations,
        position=position,
        prechecks=tuple(op.position for op in operations if op.precheck),
    )


def _operation(step: Step, position: dict[str, int]) -> Operation:
    window = step.window
    dwell = None
    if window is not None:
        high = None if window.max_s is None else window.max_s * SECOND_US
        dwell = Dwell(since=position[window.since], low_us=window.min_s * SECOND_US, high_us=high)
    return Operation(
        id=step.id,
        name=step.name,
        position=position[step.id],
        precheck=step.kind == "precheck",
        role=step.role,
        credentials=step.credentials,
        zones=frozenset(step.zones),
        equipment_classes=step.equipment_classes,
        material_kinds=step.material_kinds,
        dwell=dwell,
        measures={c.id: _measure(c) for c in step.characteristics},
        duration_us=step.duration_s * SECOND_US,
        signatures=step.signatures,
        performer_signs=step.performer_signs,
        start_rules=tuple(_rule(rule) for rule in step.rules if rule.when == "start"),
        sign_rules=tuple(_rule(rule) for rule in step.rules if rule.when == "sign"),
    )


def _rule(rule: StepRule) -> OwnRule:
    return OwnRule(id=rule.id, say=rule.say, rule=compile_rule(decode(bytes(rule.normal))))


def _measure(characteristic: Characteristic) -> Measure:
    what = f"the limit of {characteristic.id}"
    low = None if characteristic.min is None else require_decimal(characteristic.min, what)
    high = None if characteristic.max is None else require_decimal(characteristic.max, what)
    if characteristic.rule == "guard_band" and characteristic.U is not None:
        guard = require_decimal(characteristic.U, f"the uncertainty of {characteristic.id}")
        low = None if low is None else EXACT.add(low, guard)
        high = None if high is None else EXACT.subtract(high, guard)
    return Measure(
        id=characteristic.id,
        unit=characteristic.unit,
        low=low,
        high=high,
        equals=None if characteristic.equals is None else require_decimal(characteristic.equals, what),
        instrument_class=characteristic.instrument_class,
        per_serial=characteristic.per_serial,
        all_readings=characteristic.all_readings,
        resolution=characteristic.resolution,
    )

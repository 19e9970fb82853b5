"""A technique made ready for decisions: limits as decimals, windows in µs, steps by position. Rebuilt from its document."""

from decimal import Decimal

from msgspec import Struct

from holdgate.law.contract import Characteristic, Environment, ModuleRight, SmartSP, Step, StepRule
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
    acceptance: bool = False

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
            return f"{self.equals:f} {self.unit}"
        return f"{_shown(self.low)}..{_shown(self.high)} {self.unit}"


def _shown(limit: Decimal | None) -> str:
    """As a contract writes it, never with an exponent."""
    return "" if limit is None else f"{limit:f}"


class Dwell(Struct, frozen=True):
    """A window from the completion of the step at `since` (position), in µs."""

    since: int
    low_us: int
    high_us: int | None


class Watch(Struct, frozen=True):
    """An environmental series as this technique needs it. `key`: two declarations that ask the same have the same."""

    key: str
    series: str
    sensor: str
    unit: str
    low: Decimal | None
    high: Decimal | None
    max_gap_us: int
    report: bool

    def holds(self, value: Decimal, unit: str) -> bool:
        """Whether the value lies within the limits, ends included; one in another unit is not compared and does not."""
        within = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        return within and unit == self.unit

    def show_limits(self) -> str:
        """The limits for a person."""
        return f"{_shown(self.low)}..{_shown(self.high)} {self.unit}"


class Permission(Struct, frozen=True):
    """What one module may do at a step, and for how long a permit holds (µs)."""

    module: str
    deed: str
    permit_us: int
    operator_tokens: tuple[str, ...]


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
    hold_party: str
    witness_party: str
    notice_us: int
    watches: tuple[Watch, ...]
    permissions: tuple[Permission, ...]
    start_rules: tuple[OwnRule, ...]
    sign_rules: tuple[OwnRule, ...]


class Technique(Struct, frozen=True):
    """A SmartSP, ready for the gates.

    `by_test`: every test is pinned by itself. `watches`: all environmental series, each once. `resume_roles`: who may resume a
    failed execution. `retest_max`, `retest_causes`: how often, and why, a failed test may be repeated.
    """

    sha256: str
    id: str
    version: str
    offline_max_us: int
    operations: tuple[Operation, ...]
    position: dict[str, int]
    prechecks: tuple[int, ...]
    by_test: bool
    assignment_required: bool
    watches: tuple[Watch, ...]
    resume_roles: tuple[str, ...]
    retest_max: int
    retest_causes: tuple[str, ...]


def prepare(document: SmartSP, sha256: str) -> Technique:
    """Make a technique ready.

    Raises:
        Malformed: a limit that is no decimal, a window from an unknown step, or a rule that is no normal form.
    """
    position = {step.id: index for index, step in enumerate(document.steps)}
    watches = {item: _watch(item) for item in document.environment}
    operations = tuple(
        _operation(step, position, _watched(step, watches), _permissions(step, document.modules))
        for step in document.steps
    )
    retest = document.retest
    return Technique(
        sha256=sha256,
        id=document.id,
        version=document.version,
        offline_max_us=document.offline_max_s * SECOND_US,
        operations=operations,
        position=position,
        prechecks=tuple(op.position for op in operations if op.precheck),
        by_test=document.pin == "test",
        assignment_required=document.assignment == "required",
        watches=tuple(watches.values()),
        resume_roles=document.on_failed.resume,
        retest_max=0 if retest is None else retest.max,
        retest_causes=() if retest is None else retest.allowed_causes,
    )


def _watched(step: Step, watches: dict[Environment, Watch]) -> tuple[Watch, ...]:
    return tuple(watch for item, watch in watches.items() if step.id in item.steps)


def _permissions(step: Step, rights: tuple[ModuleRight, ...]) -> tuple[Permission, ...]:
    return tuple(
        Permission(
            module=right.module,
            deed=right.act,
            permit_us=right.permit_s * SECOND_US,
            operator_tokens=right.operator_tokens,
        )
        for right in rights
        if right.step == step.id
    )


def _watch(item: Environment) -> Watch:
    what = f"the limit of {item.series}"
    return Watch(
        key=f"{item.sensor} {item.unit} {item.min or ''}..{item.max or ''} {item.max_gap_s}",
        series=item.series,
        sensor=item.sensor,
        unit=item.unit,
        low=None if item.min is None else require_decimal(item.min, what),
        high=None if item.max is None else require_decimal(item.max, what),
        max_gap_us=item.max_gap_s * SECOND_US,
        report="report" in item.steps,
    )


def _operation(
    step: Step, position: dict[str, int], watches: tuple[Watch, ...], permissions: tuple[Permission, ...]
) -> Operation:
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
        hold_party="" if step.hold is None else step.hold.party,
        witness_party="" if step.witness is None else step.witness.party,
        notice_us=0 if step.witness is None else step.witness.notice_s * SECOND_US,
        watches=watches,
        permissions=permissions,
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
        acceptance=characteristic.effect == "acceptance",
    )

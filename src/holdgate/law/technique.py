"""A technique made ready for decisions: limits as decimals, windows in µs, steps by position. Rebuilt from its document."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.law.contract import (
    Adaptable,
    Characteristic,
    Environment,
    ModuleRight,
    SmartSP,
    Standard,
    Step,
    StepRule,
    Yield,
)
from holdgate.law.rules.evaluate import Rule, compile_rule
from holdgate.law.rules.normal import decode
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US
from holdgate.terms.quantity import EXACT, parse_decimal, require_decimal

WINDOW_MIN: Final = "window_min_s"
WINDOW_MAX: Final = "window_max_s"
CHARACTERISTIC_MIN: Final = "characteristic_min"
CHARACTERISTIC_MAX: Final = "characteristic_max"
CLIENT_WINDOW: Final = "client_window_s"
TIGHTER: Final = {
    WINDOW_MIN: "higher",
    WINDOW_MAX: "lower",
    CHARACTERISTIC_MIN: "higher",
    CHARACTERISTIC_MAX: "lower",
    CLIENT_WINDOW: "higher",
}
"""Kind of adaptable parameter → which way is tighter. A longer review window binds the shop more, not the client."""
ACCEPTANCE: Final = "acceptance"
"""The effect of a characteristic that decides on the part."""
AS_FOUND: Final = "as_found"
"""The effect of a characteristic that says how an instrument was met."""
IN_SECONDS: Final = (WINDOW_MIN, WINDOW_MAX, CLIENT_WINDOW)
"""Kinds whose values are whole seconds."""


class Parameter(Struct, frozen=True):
    """An adaptable parameter, ready for the gates. `step`, `characteristic`: "" where its kind has none."""

    id: str
    kind: str
    step: str
    characteristic: str
    value: Decimal
    low: Decimal
    high: Decimal
    approve: tuple[str, ...]
    auto_tighten: bool

    def allows(self, value: Decimal) -> bool:
        """Whether the contract was certified for this value."""
        whole = self.kind not in IN_SECONDS or value == EXACT.to_integral_value(value)
        return whole and self.low <= value <= self.high

    def tightens(self, value: Decimal, present: Decimal) -> bool:
        """Whether this value is tighter than the present one."""
        return value > present if TIGHTER[self.kind] == "higher" else value < present

    def present(self, tuned: Mapping[str, str]) -> Decimal:
        """The value in force: the tuned one, else the contract's own."""
        text = tuned.get(self.id)
        return self.value if text is None else require_decimal(text, self.id)

    def holds_for(self, text: str, agreed: str, client: str) -> bool:
        """Whether a tuned value is in force for this client's orders (`agreed`: the client whose person agreed to it).

        Where the contract asks for the client, a value looser than the contract's is that client's alone.
        """
        loosens = self.tightens(self.value, require_decimal(text, self.id))
        return not loosens or "client" not in self.approve or agreed == client

    def show_limits(self) -> str:
        """The bounds for a person."""
        return f"{self.low}..{self.high}{' whole seconds' if self.kind in IN_SECONDS else ''}"


class Measure(Struct, frozen=True):
    """A characteristic with its acceptance limits (guard band applied; `guard`: how wide it is)."""

    id: str
    unit: str
    low: Decimal | None
    high: Decimal | None
    equals: Decimal | None
    instrument_class: str | None
    per_serial: bool
    all_readings: bool
    resolution: int
    guard: Decimal
    acceptance: bool = False
    as_found: bool = False

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
    start_rules: tuple[OwnRule, ...]
    sign_rules: tuple[OwnRule, ...]
    parameters: dict[str, Parameter]
    watches: tuple[Watch, ...] = ()
    permissions: tuple[Permission, ...] = ()


class Technique(Struct, frozen=True):
    """A SmartSP, ready for the gates.

    `by_test`: every test is pinned by itself. `watches`: all environmental series, each once. `resume_roles`: who may resume a
    failed execution. `retest_max`, `retest_causes`: how often, and why, a failed test may be repeated.
    """

    sha256: str
    id: str
    version: str
    offline_max_us: int
    assignment: str
    operations: tuple[Operation, ...]
    position: dict[str, int]
    prechecks: tuple[int, ...]
    by_test: bool
    assignment_required: bool
    watches: tuple[Watch, ...]
    resume_roles: tuple[str, ...]
    retest_max: int
    retest_causes: tuple[str, ...]
    subject: str
    yields: tuple[Yield, ...]
    requires: tuple[Standard, ...]
    parameters: dict[str, Parameter]


def prepare(document: SmartSP, sha256: str) -> Technique:
    """Make a technique ready.

    Raises:
        Malformed: a limit that is no decimal, a window from an unknown step, a rule that is no normal form, or an adaptable
            parameter of something that is not there. A draft can be as broken as that.
    """
    position = {step.id: index for index, step in enumerate(document.steps)}
    watches = {item: _watch(item) for item in document.environment}
    retest = document.retest
    steps = {step.id: step for step in document.steps}
    parameters = {item.id: _parameter(item, steps) for item in document.adaptable}
    operations = tuple(
        replace(
            _operation(step, position, parameters),
            watches=tuple(watch for item, watch in watches.items() if step.id in item.steps),
            permissions=_permissions(step, document.modules),
        )
        for step in document.steps
    )
    return Technique(
        sha256=sha256,
        id=document.id,
        version=document.version,
        offline_max_us=document.offline_max_s * SECOND_US,
        assignment=document.assignment,
        operations=operations,
        position=position,
        prechecks=tuple(op.position for op in operations if op.precheck),
        by_test=document.pin == "test",
        assignment_required=document.assignment == "required",
        watches=tuple(watches.values()),
        resume_roles=("level3",) if document.on_failed is None else document.on_failed.resume,
        retest_max=0 if retest is None else retest.max,
        retest_causes=() if retest is None else retest.allowed_causes,
        subject=document.subject,
        yields=document.yields,
        requires=document.requires,
        parameters=parameters,
    )


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


def _parameter(item: Adaptable, steps: Mapping[str, Step]) -> Parameter:
    if item.kind not in TIGHTER:
        raise Malformed(f"adaptable {item.id} is of the kind {item.kind[:40]!r}, which there is not")
    step = steps.get(item.step or "")
    if item.kind != CLIENT_WINDOW and step is None:
        raise Malformed(f"adaptable {item.id} is of the step {item.step}, which there is not")
    if (
        item.kind in (CHARACTERISTIC_MIN, CHARACTERISTIC_MAX)
        and step is not None
        and all(known.id != item.characteristic for known in step.characteristics)
    ):
        raise Malformed(f"adaptable {item.id} is of the characteristic {item.characteristic}, which there is not")
    value, low, high = (require_decimal(text, f"adaptable {item.id}") for text in (item.value, item.min, item.max))
    return Parameter(
        id=item.id,
        kind=item.kind,
        step=item.step or "",
        characteristic=item.characteristic or "",
        value=value,
        low=low,
        high=high,
        approve=item.approve,
        auto_tighten=item.auto_tighten,
    )


def _operation(step: Step, position: Mapping[str, int], parameters: Mapping[str, Parameter]) -> Operation:
    window = step.window
    dwell = None
    if window is not None:
        if window.since not in position:
            raise Malformed(f"the window of {step.id} counts from {window.since}, which is no step")
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
        start_rules=tuple(_rule(rule) for rule in step.rules if rule.when == "start"),
        sign_rules=tuple(_rule(rule) for rule in step.rules if rule.when == "sign"),
        parameters={name: own for name, own in parameters.items() if own.step == step.id},
    )


def _rule(rule: StepRule) -> OwnRule:
    return OwnRule(id=rule.id, say=rule.say, rule=compile_rule(decode(bytes(rule.normal))))


def _measure(characteristic: Characteristic) -> Measure:
    what = f"the limit of {characteristic.id}"
    low = None if characteristic.min is None else require_decimal(characteristic.min, what)
    high = None if characteristic.max is None else require_decimal(characteristic.max, what)
    guard = Decimal(0)
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
        acceptance=characteristic.effect == ACCEPTANCE,
        as_found=characteristic.effect == AS_FOUND,
        guard=guard,
    )


# ---- adaptation ----------------------------------------------------------------------------------------------------

Values = tuple[tuple[str, str], ...]
"""Adaptable parameters and the values (decimals) that they have instead of the contract's own."""


def moved(operation: Operation, tuned: Mapping[str, str], agreed: Mapping[str, str], client: str) -> Values:
    """The parameters of this step whose value for this client's orders is another than the contract's, in its order."""
    return tuple(
        (name, text)
        for name, own in operation.parameters.items()
        if (text := tuned.get(name)) is not None
        and parse_decimal(text) != own.value
        and own.holds_for(text, agreed.get(name, ""), client)
    )


def under(operation: Operation, values: Sequence[tuple[str, str]]) -> Operation:
    """The step as it is under these values of its adaptable parameters; a guard band keeps its width.

    Raises:
        Malformed: a value is no decimal. KeyError: it is no parameter of this step.
    """
    dwell, measures = operation.dwell, dict(operation.measures)
    for name, text in values:
        parameter, value = operation.parameters[name], require_decimal(text, name)
        if parameter.kind == WINDOW_MIN and dwell is not None:
            dwell = replace(dwell, low_us=int(value) * SECOND_US)
        elif parameter.kind == WINDOW_MAX and dwell is not None:
            dwell = replace(dwell, high_us=int(value) * SECOND_US)
        elif parameter.kind == CHARACTERISTIC_MIN:
            measure = measures[parameter.characteristic]
            measures[measure.id] = replace(measure, low=EXACT.add(value, measure.guard))
        elif parameter.kind == CHARACTERISTIC_MAX:
            measure = measures[parameter.characteristic]
            measures[measure.id] = replace(measure, high=EXACT.subtract(value, measure.guard))
    return replace(operation, dwell=dwell, measures=measures)

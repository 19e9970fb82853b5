"""The numbers of a contract as integers, and how far an adaptable parameter may move each of them.

A limit of a characteristic is an integer at `Scale` decimals, so that every limit, bound and reading at the declared
resolution is whole. A number that nothing may move is a range of one. What holds for a free integer in such a range
holds for every tuning.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from holdgate.certifier.smt import Script, Term, num
from holdgate.law.contract import Adaptable, Characteristic, SmartSP, Step
from holdgate.law.technique import CHARACTERISTIC_MAX, CHARACTERISTIC_MIN, WINDOW_MAX, WINDOW_MIN
from holdgate.terms.quantity import EXACT, parse_decimal

WINDOW_KINDS: Final = (WINDOW_MIN, WINDOW_MAX)
LIMIT_KINDS: Final = (CHARACTERISTIC_MIN, CHARACTERISTIC_MAX)


class Range(NamedTuple):
    """A whole number that may lie anywhere in [low, high].

    `own`: what the contract itself says. `knob`: the parameter that moves it, "" where none does.
    """

    low: int
    high: int
    own: int
    knob: str = ""

    @property
    def fixed(self) -> bool:
        """Whether nothing moves it."""
        return self.low == self.high


class Limits(NamedTuple):
    """The acceptance limits of a characteristic at `scale` decimals; `guard` is still to be taken off both ends."""

    scale: int
    low: Range | None
    high: Range | None
    equals: int | None
    guard: int


class Gap(NamedTuple):
    """A window in seconds: at least and at most (None: no end)."""

    low: Range
    high: Range | None


def scale_of(step: Step, technique: SmartSP) -> int:
    """Decimals at which all numbers of a step are whole, and one more: a reading between two of them can be told apart."""
    texts = [t for c in step.characteristics for t in (c.min, c.max, c.equals, c.U) if t is not None]
    texts += [t for a in technique.adaptable if a.step == step.id and a.kind in LIMIT_KINDS for t in (a.min, a.max)]
    places = [decimals(text) for text in texts]
    return max([0, *places, *(c.resolution for c in step.characteristics)]) + 1


def decimals(text: str) -> int:
    """Decimal places of a decimal as written."""
    value = parse_decimal(text)
    exponent = 0 if value is None else value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def whole(text: str, scale: int) -> int:
    """A decimal of a complete contract at a scale that holds it."""
    value = parse_decimal(text) or Decimal(0)
    return int(EXACT.scaleb(value, scale))


def shown(value: int, scale: int) -> str:
    """A whole number at a scale as people write it."""
    text = format(EXACT.scaleb(Decimal(value), -scale), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def knob_of(
    technique: SmartSP, kind: str, step: str | None = None, characteristic: str | None = None
) -> Adaptable | None:
    """The adaptable parameter that moves this number."""
    for item in technique.adaptable:
        if (item.kind, item.step, item.characteristic) == (kind, step, characteristic):
            return item
    return None


def _range(knob: Adaptable | None, own: str, scale: int) -> Range:
    value = whole(own, scale)
    if knob is None:
        return Range(value, value, value)
    return Range(whole(knob.min, scale), whole(knob.max, scale), value, knob.id)


def limits_of(technique: SmartSP, step: Step, item: Characteristic, scale: int) -> Limits:
    """The limits of a characteristic under every tuning."""
    low = (
        None if item.min is None else _range(knob_of(technique, CHARACTERISTIC_MIN, step.id, item.id), item.min, scale)
    )
    high = (
        None if item.max is None else _range(knob_of(technique, CHARACTERISTIC_MAX, step.id, item.id), item.max, scale)
    )
    guard = whole(item.U, scale) if item.rule == "guard_band" and item.U is not None else 0
    equals = None if item.equals is None else whole(item.equals, scale)
    return Limits(scale=scale, low=low, high=high, equals=equals, guard=guard)


def window_of(technique: SmartSP, step: Step) -> Gap | None:
    """The window of a step under every tuning."""
    window = step.window
    if window is None:
        return None
    low = _range(knob_of(technique, WINDOW_MIN, step.id), str(window.min_s), 0)
    if window.max_s is None:
        return Gap(low, None)
    return Gap(low, _range(knob_of(technique, WINDOW_MAX, step.id), str(window.max_s), 0))


class Tuning:
    """The adaptable numbers inside one script: free in their ranges, at their strictest, or as the contract says.

    Strictest: a passing reading and a kept window under that tuning pass under every other one, since each limit only
    narrows. So what is possible there is possible always, and what is not is impossible under that one tuning.
    """

    def __init__(self, script: Script, how: str = "free", prefix: str = "tune.") -> None:
        """Start without any parameter; `how`: free, strictest or own."""
        self._script = script
        self._prefix = prefix
        self._how = how
        self._knobs: dict[str, Term] = {}

    def least(self, number: Range) -> Term:
        """A lower end."""
        return num(number.high) if self._how == "strictest" else self._free(number)

    def most(self, number: Range) -> Term:
        """An upper end."""
        return num(number.low) if self._how == "strictest" else self._free(number)

    def _free(self, number: Range) -> Term:
        if self._how == "own" or number.fixed or not number.knob:
            return num(number.own)
        if number.knob not in self._knobs:
            self._knobs[number.knob] = self._script.integer(f"{self._prefix}{number.knob}", number.low, number.high)
        return self._knobs[number.knob]

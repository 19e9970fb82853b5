"""Advice under chance: it only ever tightens, stays inside the contract, and says the same again."""

from fractions import Fraction
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.advisor.advice import Suggestion, advise
from holdgate.advisor.record import ShopRecord
from holdgate.law.contract import Adaptable
from holdgate.terms import canon
from holdgate.terms.quantity import parse_decimal
from tests.unit.test_advisor import MAXIMUM, MINIMUM, PRESSURE, STREAM, readings, version

tenths = st.integers(1_300, 2_700).map(lambda n: f"{n // 10}.{n % 10}")
noise = st.lists(st.integers(-15, 15), min_size=20, max_size=60)
steps = st.tuples(st.integers(0, 60), st.integers(-60, 60), st.integers(-12, 12), st.booleans())
"""Where a level begins, by how much, a slope (all in tenths), and whether nothing wobbles before."""
TUNED: Final = ("sha", "pressure_max")


def values(wobble: list[int], step: tuple[int, int, int, bool]) -> list[str]:
    at, by, slope, still = step
    raw = [2_000 + w * (i >= at or not still) + by * (i >= at) + slope * i for i, w in enumerate(wobble)]
    return [f"{n // 10}.{n % 10}" for n in raw]


def parameter(kind: Adaptable, bounds: tuple[str, str, str]) -> Adaptable:
    low, now, high = sorted(bounds, key=Fraction)
    return replace(kind, min=low, value=now, max=high)


def check(suggestion: Suggestion, param: Adaptable, now: str) -> None:
    """A draft of `tune.suggest` is tighter than what holds, inside the bounds, and a decimal as the law reads it."""
    value = parse_decimal(suggestion.value)
    assert value is not None
    assert Fraction(param.min) <= Fraction(value) <= Fraction(param.max)
    if param.tighter == "lower":
        assert Fraction(value) < Fraction(now)
    else:
        assert Fraction(value) > Fraction(now)


@given(noise, steps, st.tuples(tenths, tenths, tenths), st.tuples(tenths, tenths, tenths), st.none() | tenths)
@settings(max_examples=150, deadline=None)
def test_a_suggestion_only_tightens_and_keeps_the_bounds(
    wobble: list[int],
    step: tuple[int, int, int, bool],
    upper: tuple[str, str, str],
    lower: tuple[str, str, str],
    tuned: str | None,
) -> None:
    maximum, minimum = parameter(MAXIMUM, upper), parameter(MINIMUM, lower)
    record = ShopRecord()
    if tuned is not None:
        record.tuned[TUNED] = tuned
    measured = replace(PRESSURE, rule="guard_band", U="0.3") if wobble[0] > 0 else PRESSURE
    found = readings(values(wobble, step))
    advice = advise(record, version(maximum, minimum, measured=measured), STREAM, found)
    assert canon.encode(advice) == canon.encode(
        advise(record, version(maximum, minimum, measured=measured), STREAM, found)
    )
    suggestion = advice.suggestion
    if suggestion is None or suggestion.act != "tune.suggest":
        return
    assert advice.verdict in ("shift", "drift")
    if suggestion.param == maximum.id:
        assert advice.direction == "up"
        check(suggestion, maximum, tuned or maximum.value)
    else:
        assert advice.direction == "down"
        check(suggestion, minimum, minimum.value)


@given(st.lists(tenths, max_size=19))
@settings(max_examples=50, deadline=None)
def test_too_few_readings_never_suggest(few: list[str]) -> None:
    if few:
        advice = advise(ShopRecord(), version(MAXIMUM, MINIMUM), STREAM, readings(few))
        assert (advice.verdict, advice.suggestion) == ("too few", None)

"""How single things of two revisions compare: what is asked for, what is allowed, numbers, choices and spans."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, TypeVar

from msgspec import Struct

from holdgate.terms.quantity import EXACT

Verdict = Literal["equal", "stronger", "WEAKER", "INCOMPARABLE"]

_T = TypeVar("_T")
_R = TypeVar("_R")


class Change(Struct, frozen=True, kw_only=True):
    """One difference.

    `place`: where, such as `S40` or `order`. `what`: in words, old and new. `counterexample`: what passes one revision and not
    the other, "" where there is nothing to name.
    """

    place: str
    what: str
    verdict: Verdict
    counterexample: str = ""


def verdict_of(*, more: bool, less: bool) -> Verdict:
    """Of what passes: does the new revision let more pass, does it let less pass?"""
    if more and less:
        return "INCOMPARABLE"
    return "WEAKER" if more else "stronger" if less else "equal"


def asked(place: str, what: str, old: Sequence[str], new: Sequence[str], case: str) -> Iterator[Change]:
    """Things that are asked for: asking for fewer is weaker. `case` names what passes without one of them."""
    gone = [name for name in old if name not in new]
    more = [name for name in new if name not in old]
    if gone or more:
        example = case.format((gone or more)[0])
        said = f"{what}: {listed(old)} → {listed(new)}"
        yield Change(
            place=place, what=said, verdict=verdict_of(more=bool(gone), less=bool(more)), counterexample=example
        )


def allowed(place: str, what: str, old: Sequence[str], new: Sequence[str], case: str) -> Iterator[Change]:
    """Things that are allowed: allowing more is weaker."""
    gone = [name for name in old if name not in new]
    more = [name for name in new if name not in old]
    if gone or more:
        example = case.format((more or gone)[0])
        said = f"{what}: {listed(old)} → {listed(new)}"
        yield Change(
            place=place, what=said, verdict=verdict_of(more=bool(more), less=bool(gone)), counterexample=example
        )


def number(place: str, what: str, old: int, new: int, case: str, *, more_is: Verdict) -> Iterator[Change]:
    """A number of which more is weaker, or stronger (`more_is`); `case` names what passes with the greater one."""
    if old != new:
        other: Verdict = "stronger" if more_is == "WEAKER" else "WEAKER"
        verdict: Verdict = more_is if new > old else other
        yield Change(
            place=place, what=f"{what}: {old} → {new}", verdict=verdict, counterexample=case.format(max(old, new))
        )


def choice(place: str, what: str, old: object, new: object, *, weak: object, case: str = "") -> Iterator[Change]:
    """A choice of two, one of which is the weaker."""
    if old != new:
        verdict: Verdict = "WEAKER" if new == weak else "stronger" if old == weak else "INCOMPARABLE"
        yield Change(place=place, what=f"{what}: {_word(old)} → {_word(new)}", verdict=verdict, counterexample=case)


def differs(place: str, what: str, old: object, new: object, case: str = "") -> Iterator[Change]:
    """Something that cannot be compared."""
    if old != new:
        said = f"{what}: {_word(old)} → {_word(new)}"
        yield Change(place=place, what=said, verdict="INCOMPARABLE", counterexample=case)


def two(read: Callable[[_T], _R], old: _T, new: _T) -> tuple[_R, _R]:
    """The same thing of both revisions."""
    return read(old), read(new)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def listed(names: Iterable[str]) -> str:
    """Names on one line."""
    return ", ".join(names) or "none"


class Span(NamedTuple):
    """What lies between two decimals, ends included; None: no end."""

    low: Decimal | None
    high: Decimal | None

    def holds(self, value: Decimal) -> bool:
        """Whether a value lies there."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def empty(self) -> bool:
        """Whether no value does."""
        return self.low is not None and self.high is not None and self.low > self.high


def _outside(inner: Span, outer: Span) -> Decimal | None:
    """A value that lies in `inner` and not in `outer`."""
    if inner.empty:
        return None
    step = Decimal(1).scaleb(-min(12, max(_places(end) for end in (*inner, *outer))))
    ends = [end for end in inner if end is not None]
    if outer.low is not None:
        ends.append(EXACT.subtract(outer.low, step))
    if outer.high is not None:
        ends.append(EXACT.add(outer.high, step))
    return next((end for end in ends if inner.holds(end) and not outer.holds(end)), None)


def _places(end: Decimal | None) -> int:
    exponent = 0 if end is None else end.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def span(place: str, what: str, old: Span, new: Span, case: str) -> Iterator[Change]:
    """What lies between two ends: letting more lie there is weaker; `case` names a value."""
    if old == new:
        return
    now, before = _outside(new, old), _outside(old, new)
    verdict = verdict_of(more=now is not None, less=before is not None)
    example = now if now is not None else before
    said = f"{what}: {_bounds(old)} → {_bounds(new)}"
    told = "" if example is None else case.format(format(example, "f"))
    yield Change(place=place, what=said, verdict=verdict, counterexample=told)


def _bounds(span: Span) -> str:
    return f"{'' if span.low is None else span.low}..{'' if span.high is None else span.high}"

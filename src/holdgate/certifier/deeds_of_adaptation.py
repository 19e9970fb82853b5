"""How adaptable parameters are moved in a witness run: suggested, agreed to by each named role, and taken back."""

from collections.abc import Iterator
from decimal import Decimal

from holdgate.certifier.cast import OFFICE
from holdgate.certifier.life import Law
from holdgate.certifier.witness import Writer
from holdgate.law.contract import Adaptable
from holdgate.terms.quantity import EXACT, parse_decimal


def adapt(w: Writer, law: Law) -> None:
    """Move every adaptable parameter once to each end of its range, try one value beyond, and return to the contract's own."""
    if not law.has("tune.suggest"):
        return
    for item in w.life.technique.adaptable:
        named = {"contract": w.life.template.id, "version": w.life.template.version, "param": item.id}
        beyond = {**named, "value": _shown(EXACT.add(_number(item.max), Decimal(1))), "evidence": "chart"}
        w.try_once(
            f"{item.id} is to leave its range", "TUNE_OUT_OF_RANGE", w.cast.who("ai"), "ai", "tune.suggest", beyond
        )
        for value in _ends(item):
            _move(w, item, named, value)
        taken = {**named, "reason": "back", **w.signed(OFFICE, "reverted")}
        role = item.approve[0]
        w.also(
            w.cast.who(role),
            role,
            "tune.revert",
            taken,
            f"{item.id} returns to {item.value}",
            f"TuneReverted {item.id}",
        )


def _move(w: Writer, item: Adaptable, named: dict[str, str], value: str) -> None:
    suggested = {**named, "value": value, "evidence": "chart"}
    at_once = item.auto_tighten and _tightens(item, value)
    says = f"ParameterTuned {item.id} {value}" if at_once else f"TuneSuggested {item.id} {value}"
    w.also(w.cast.who("ai"), "ai", "tune.suggest", suggested, f"{value} is suggested for {item.id}", says)
    for number, role in enumerate(() if at_once else item.approve, start=1):
        agreed = {**named, "value": value, **w.signed(OFFICE, "approved")}
        also = (f"ParameterTuned {item.id} {value}",) if number == len(item.approve) else ()
        words = f"{role} agrees to {value} for {item.id}"
        w.also(w.cast.who(role), role, "tune.approve", agreed, words, f"TuneApproved {item.id} {role}", *also)


def _ends(item: Adaptable) -> Iterator[str]:
    """Both ends of the range, the one that tightens first; the contract's own value is where it stands already."""
    ends = (item.max, item.min) if item.tighter == "higher" else (item.min, item.max)
    stands = _number(item.value)
    for end in ends:
        if _number(end) != stands:
            yield end
            stands = _number(end)


def _tightens(item: Adaptable, value: str) -> bool:
    """Whether the first move away from the contract's own value is a tightening; the second never is."""
    ends = [*_ends(item)]
    higher = _number(value) > _number(item.value)
    return value == ends[0] and higher == (item.tighter == "higher")


def _number(text: str) -> Decimal:
    return parse_decimal(text) or Decimal(0)


def _shown(value: Decimal) -> str:
    return format(value, "f")

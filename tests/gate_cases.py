"""The table of gate cases: pairs of acts, kept by every `tests/unit/test_gates*.py`, and what holds for each of them.

A case gives a pair: an act that is refused, and its neighbour that is not refused for that reason. A file of cases imports
`case` and `checked`, writes its pairs, and ends with

    @pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
    def test_refused_and_its_neighbour_not(row: Row) -> None:
        checked(row)

`tests/unit/test_gates_whole.py` asks over the rows of all files whether every gate, act and code has its case.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.denial import remedy, sentence
from tests.builders import Asked, World

Pair = tuple[Asked, Asked]
UNIT: Final = Path(__file__).parent / "unit"


class Row(NamedTuple):
    """One case.

    `by_hand`: the neighbour is refused too (for another reason). `facts`: what the denial carries all the same.
    """

    gate: str
    code: str
    name: str
    pair: Callable[[], Pair]
    by_hand: bool
    facts: tuple[type[ev.Event], ...]


_ROWS: dict[tuple[str, str], Row] = {}
"""By file and name, so that a file that is read twice has its cases once."""


def case(
    gate: str, code: str, *, by_hand: bool = False, facts: tuple[type[ev.Event], ...] = ()
) -> Callable[[Callable[[], Pair]], Callable[[], Pair]]:
    """Keep the pair that follows as a case of this gate and code."""

    def keep(pair: Callable[[], Pair]) -> Callable[[], Pair]:
        _ROWS[_file_of(pair), pair.__name__] = Row(gate, code, pair.__name__, pair, by_hand, facts)
        return pair

    return keep


def _file_of(pair: Callable[[], Pair]) -> str:
    return Path(pair.__code__.co_filename).name


def two(world: World, act: type[c.Command], **changes: Any) -> Pair:
    """An act with these changes, and without."""
    return world.ask(act, **changes), world.ask(act)


def rows_of(file: str) -> list[Row]:
    """The cases that this file kept."""
    return [row for (kept_in, _), row in _ROWS.items() if kept_in == Path(file).name]


def every_row() -> list[Row]:
    """The cases of all files."""
    for path in sorted(UNIT.glob("test_gates*.py")):
        import_module(f"tests.unit.{path.stem}")
    return list(_ROWS.values())


def names_twice() -> Iterator[str]:
    """Names that stand in more than one file: a denial's case has one home."""
    seen: dict[str, str] = {}
    for file, name in _ROWS:
        if name in seen:
            yield f"{name} in {seen[name]} and {file}"
        seen[name] = file


def checked(row: Row) -> None:
    """Refused by this gate with this code, said in whole sentences; the neighbour is not, and as a rule allowed."""
    refused, neighbour = row.pair()
    answer = refused.decide()
    assert answer.verdict == "deny"
    assert (row.gate, row.code) in [(denial.gate, denial.code) for denial in answer.denials], answer.denials
    assert tuple(type(event) for event in answer.events) == row.facts, "a denial grants nothing but its facts"
    if row.gate != "decide":
        codes = dict.fromkeys(denial.code for denial in answer.denials if denial.gate == row.gate)
        assert f"{row.gate} {' '.join(codes)}" in answer.trace
    for denial in answer.denials:
        for told in (sentence(denial), remedy(denial)):
            assert told
            assert "{" not in told
            assert "?" not in told, "a value that the sentence needs was not given"
    other = neighbour.decide()
    assert (row.gate, row.code) not in [(denial.gate, denial.code) for denial in other.denials]
    if not row.by_hand:
        assert other.allowed, other.codes

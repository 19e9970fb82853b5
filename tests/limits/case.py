"""What a row of the tables is. Each group of readers has a table beside this file; `tests/unit/test_limits.py` runs them."""

import base64
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

from holdgate.terms import limits
from holdgate.terms.errors import Malformed


class Case(NamedTuple):
    """What is beyond is refused. `give`: what is done with so many; `says`: the sentence of the limit."""

    limit: str
    give: Callable[[int], object]
    says: str

    @property
    def most(self) -> int:
        """The limit."""
        most: int = getattr(limits, self.limit)
        return most


class Cut(NamedTuple):
    """What is beyond is left out. `keep`: how much is kept of so many."""

    limit: str
    keep: Callable[[int], int]

    @property
    def most(self) -> int:
        """The limit."""
        most: int = getattr(limits, self.limit)
        return most


def first(found: Iterable[object]) -> None:
    """Refuse with the faults that a reader lists.

    Raises:
        Malformed: there are some.
    """
    if said := "; ".join(str(one) for one in found):
        raise Malformed(said[:400])


def denied(gate: Callable[[Any], None], command: object, **state: object) -> None:
    """Ask a gate about an act, in a state of its own."""
    told: list[str] = []
    case = SimpleNamespace(
        command=command,
        state=SimpleNamespace(**state),
        reads=[],
        deny=lambda code, **values: told.append(f"{code} {values.get('why', '')}"),
    )
    gate(case)
    first(told)


def b64(count: int) -> str:
    """So many bytes in base64."""
    return base64.b64encode(bytes(count)).decode()

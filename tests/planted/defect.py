"""A planted defect: one small change to the product, named after the bug that it is, and the check that finds it."""

from typing import Final

import msgspec
from typing_extensions import override

WORLDS: Final = 6
"""How many worlds of the simulator a defect has at most before it is found."""
KINDS: Final = {
    "tests/property/": "property",
    "tests/scenario/": "scenario file",
    "tests/faults/": "faults",
    "tests/conformance/": "conformance",
    "tests/golden/": "golden record",
    "tests/sim/": "simulator",
    "tests/web/": "web test",
    "tests/unit/": "unit test",
}
"""Kind of a check of the suite, by the folder that it lies in."""


class Worlds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Worlds of the simulator, with these faults: seeds from 1 on, at most `WORLDS` of them, until one of them shows something."""

    swarm: tuple[str, ...] = ()
    orders: int = 2

    @override
    def __str__(self) -> str:
        return f"worlds with {' and '.join(self.swarm) if self.swarm else 'no fault'}"


class Defect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One planted defect.

    `module`: in which it is. `old`: the text as it stands there, exactly once and inside of a function; `new`: what the defect
    makes of it. `check`: worlds of the simulator, or the node id of a test of the suite. `budget`: seconds of CPU that the check
    has at most. `after`: the bug of this product or of another one that it is modelled on. `soak`: its check is too long for CI,
    and `make planted` alone runs it.
    """

    name: str
    module: str
    old: str
    new: str
    check: Worlds | str
    budget: int = 20
    after: str = ""
    soak: bool = False

    @property
    def kind(self) -> str:
        """What kind of check finds it."""
        if isinstance(self.check, Worlds):
            return "simulator"
        return next(kind for folder, kind in KINDS.items() if self.check.startswith(folder))


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a check said of a changed product.

    `how`: "found"; "missed": the check passed; "broken": it never came to a judgement; "late": it was over its budget. `seed`:
    the world that showed it, 0 for a test. `what`: what was shown, in short. `by`: the test that showed it. `cpu_s`: seconds of
    CPU.
    """

    how: str
    what: str = ""
    seed: int = 0
    by: str = ""
    cpu_s: float = 0.0


def scenario(number: str) -> str:
    """The check that a scenario file comes out as it says."""
    return f"tests/scenario/test_files.py::test_it_comes_out_as_expected[{number}]"


def template(name: str) -> str:
    """The check that a shipped contract's scenario comes out as it says."""
    return f"tests/scenario/test_templates.py::test_it_comes_out_as_expected[{name}]"


def gate(name: str, file: str = "test_gates") -> str:
    """A case of the gates: an act that is refused, and its neighbour that is not."""
    return f"tests/unit/{file}.py::test_refused_and_its_neighbour_not[{name}]"

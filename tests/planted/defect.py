"""A planted defect: one small change to the product, named after the bug that it is, and the check that finds it."""

from typing import Final

import msgspec

WORLDS: Final = 6
"""How many worlds of the simulator a defect has at most before it is found."""

KINDS: Final = {
    "tests/property/": "property",
    "tests/scenario/": "scenario file",
    "tests/faults/": "faults",
    "tests/conformance/": "conformance",
    "tests/certifier/": "certifier",
    "tests/golden/": "golden record",
    "tests/web/": "web",
    "tests/unit/": "unit test",
}
"""Kind of a check of the suite, by the folder that it lies in."""


class Worlds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Worlds of the simulator: seeds from 1 on, at most `WORLDS` of them, until one of them shows something."""

    swarm: tuple[str, ...] = ()
    orders: int = 2


class Defect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One planted defect.

    `module`: whose text is changed, as it is imported. `old`: the text as it stands, there exactly once; `new`: what the
    defect makes of it. `check`: worlds of the simulator, or the node id of a test of the suite. `budget`: seconds of CPU that
    the check has at most, imports included. `after`: the bug of the product itself, or of a peer, that this one is modelled on.
    """

    name: str
    module: str
    old: str
    new: str
    check: Worlds | str
    budget: int = 20
    after: str = ""

    @property
    def kind(self) -> str:
        """What kind of check finds it."""
        if isinstance(self.check, Worlds):
            return "simulator"
        return next(kind for folder, kind in KINDS.items() if self.check.startswith(folder))


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a check said of a changed product.

    `how`: "found"; "missed": the check passed; "broken": it never came to a judgement, or ran without the change;
    "late": it was over its budget. `seed`: the world that showed it, 0 for a test. `what`: what was shown, in short.
    `by`: the test that showed it. `cpu_s`: seconds of CPU.
    """

    how: str
    what: str = ""
    seed: int = 0
    by: str = ""
    cpu_s: float = 0.0

"""Sentences of the record as a shop says them: people by name, ops by number, units and roles in words. Words only.

The record, the law and the queries name things by their ids, and so do the pages of auditors where the id is the point. Everywhere
else a sentence is read by somebody at work.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from holdgate.law import command as c
from holdgate.law.library import Library
from holdgate.law.state import State
from holdgate.web.words import wording

YES_NO: Final = "bool01"
"""The unit of what is so (1) or is not (0)."""
UNITS: Final = {
    "uW/cm2": "µW/cm²",
    "mW/cm2": "mW/cm²",
    "degF": "°F",
    "degC": "°C",
    "um": "µm",
    "pct": "%",
    "count": "",
    YES_NO: "",
}
"""Units of contracts as people write them; one that says nothing is left out."""
ROLES: Final = {
    "qa": "QA",
    "level3": "Level III",
    "project_manager": "project manager",
    "compliance": "Compliance",
}
"""Roles as people call them; any other goes by its own name."""
_SPOKEN: Final = {"uva": "UV-A"}
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:[-./][A-Za-z0-9_]+)*")
_JOINED: Final = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
OPS_APART: Final = 10
"""Ops are numbered in tens, as on a paper traveler."""


def role(name: str) -> str:
    """A role as people call it."""
    return ROLES.get(name, name.replace("_", " "))


def roles(names: Iterable[str]) -> str:
    """Several roles in one line."""
    return ", ".join(role(name) for name in names)


def unit(name: str) -> str:
    """A unit as people write it."""
    return UNITS.get(name, name)


def value(number: str, name: str) -> str:
    """A recorded value with its unit: `72 °F`, `5`, `yes`."""
    if name == YES_NO:
        return {"1": "yes", "0": "no"}.get(number, number)
    return f"{number} {unit(name)}".rstrip()


def thing(name: str) -> str:
    """A characteristic, a class of equipment, a kind of material: `panel_spots` is panel spots, `uva` UV-A."""
    return " ".join(_SPOKEN.get(part, part) for part in name.split("_"))


class Vocabulary(NamedTuple):
    """Ids that the shop's techniques bring along. `size`: how many of them were read; `ops`: the number of each step.

    A step that stands at different places in different techniques goes by its id.
    """

    size: int
    ops: dict[str, int]
    things: frozenset[str]


class Spoken:
    """Says sentences of one site's record. `state`, `library`: the site's, as they are now."""

    def __init__(self, state: Callable[[], State], library: Callable[[], Library]) -> None:
        self._state = state
        self._library = library
        self._known = Vocabulary(-1, {}, frozenset())

    def __call__(self, text: str) -> str:
        """The sentence with its ids in words."""
        names, known = self._state().identities, self._vocabulary()

        def said(found: re.Match[str]) -> str:
            word = found[0]
            if word in names:
                return names[word].name
            if known.ops.get(word):
                return f"op {known.ops[word]}"
            if word in known.things or word in _SPOKEN:
                return thing(word)
            if word in c.ACTS and "." in word:
                return wording(c.ACTS[word]).does
            return ROLES.get(word, word)

        text = text.replace("1 bool01", "yes").replace("0 bool01", "no")
        for name, shown in UNITS.items():
            text = re.sub(rf"(?<=\d) {re.escape(name)}\b", f" {shown}".rstrip(), text)
        text = _WORD.sub(said, text)
        return text[:1].upper() + text[1:] if text.endswith(".") else text

    def plainly(self, text: str) -> str:
        """A line of a contract: every id in it with blanks, whatever it is the id of."""
        return self(_JOINED.sub(lambda found: thing(found[0]), text))

    def _vocabulary(self) -> Vocabulary:
        """Step and characteristic ids of every technique on the record, read anew when there are more of them."""
        state, library = self._state(), self._library()
        if len(state.contracts) == self._known.size:
            return self._known
        ops: dict[str, int] = {}
        things: set[str] = set()
        for sha256 in self._techniques(state, library):
            technique = library.technique(sha256)
            for place, operation in enumerate(() if technique is None else technique.operations, start=1):
                number = place * OPS_APART
                ops[operation.id] = number if ops.get(operation.id, number) == number else 0
                things.update((*operation.measures, *operation.equipment_classes, *operation.material_kinds))
        self._known = Vocabulary(len(state.contracts), ops, frozenset(things))
        return self._known

    @staticmethod
    def _techniques(state: State, library: Library) -> Iterable[str]:
        for sha256 in state.contracts:
            template = library.template(sha256)
            yield sha256 if template is None else template.process

"""How a page spells what the record holds: units, ids as words, times in the shop's zone and in UTC."""

import re
from collections.abc import Callable
from typing import Final

from holdgate.terms import instant
from holdgate.terms.instant import SECOND_US

Local = Callable[[int], str]
"""A time (UTC µs) as the shop's clocks show it, with the zone: `2025-04-01 08:05:00 CDT`."""

UNITS: Final = {
    "bool01": "yes/no",
    "uW/cm2": "µW/cm²",
    "mW/cm2": "mW/cm²",
    "degF": "°F",
    "degC": "°C",
    "um": "µm",
    "pct": "%",
}
"""Units as contracts write them → as a page shows them; any other one is shown as it is written."""
_JOINED: Final = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_YES: Final = {"1": "yes", "0": "no"}


def unit(name: str) -> str:
    """A unit as a page shows it."""
    return UNITS.get(name, name)


def value(text: str, name: str) -> str:
    """A value, or limits, in a unit: `yes` for 1 where the unit is a yes or a no."""
    if name != "bool01":
        return text
    return " ".join(_YES.get(part, part) for part in text.split(" "))


def words(name: str) -> str:
    """An id as words."""
    return name.replace("_", " ").strip()


ACTS: Final = {
    "po.accept": "terms of the order",
    "po.review": "review of the order",
    "arrival.attest": "arrival, attested",
    "step.sign": "op",
    "entry.correct": "correction at op",
    "entry.late": "late entry at op",
    "deviation.authorise": "deviation at op",
    "retest.authorise": "retest of op",
    "holdpoint.release": "hold point before op",
    "ncr.open": "red tag",
    "ncr.disposition": "decision on a nonconformance",
    "qa.sign": "record of the job, for QA",
    "compliance.sign": "record of the job, for Compliance",
    "report.generate": "issue of the report",
    "report.amend": "amendment of the report",
}
"""What an act signs, in a few words; any other goes by its own name."""
ROLES: Final = {"qa": "QA", "level3": "Level III", "compliance": "Compliance"}


def act(name: str) -> str:
    """What a signature stands under: `op S40`."""
    kind, _, step = name.partition(" ")
    return f"{ACTS.get(kind, words(kind.replace('.', ' ')))} {step}".strip()


def role(name: str) -> str:
    """A role as people call it."""
    return ROLES.get(name, words(name))


def sentence(text: str) -> str:
    """A sentence of the record with its ids in small letters as words: `specimen defect`."""
    return _JOINED.sub(lambda found: words(found[0]), text)


def times(at: int, local: Local) -> dict[str, str]:
    """A time for a page: the shop's, and the same in UTC; empty for 0."""
    if not at:
        return {"local": "", "utc": ""}
    return {"local": local(at), "utc": instant.show(at - at % SECOND_US).replace("T", " ").replace("Z", " UTC")}

"""Every target, and how a number of executions is shared out among them."""

from collections.abc import Mapping
from typing import Final

from tests.fuzz import ledger_things, signed_things, texts
from tests.fuzz.target import TARGETS as _TARGETS
from tests.fuzz.target import Target

TARGETS: Final[Mapping[str, Target]] = _TARGETS
GROUPS: Final[Mapping[str, Mapping[str, Target]]] = {
    module.__name__.rpartition(".")[2].replace("_", "-"): {
        name: target for name, target in TARGETS.items() if target.read.__module__ == module.__name__
    }
    for module in (signed_things, ledger_things, texts)
}
"""By the module that registers them."""


def shares(targets: Mapping[str, Target], executions: int) -> dict[str, int]:
    """How many executions each target gets, by its share; all together at least as many as asked."""
    whole = sum(target.share for target in targets.values())
    return {name: -(-executions * target.share // whole) for name, target in targets.items()}

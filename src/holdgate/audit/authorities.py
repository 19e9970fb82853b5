"""Who decides at which kind of site (foundations: which site decides). Sites and auditors take it from here."""

from collections.abc import Sequence
from typing import Final

from holdgate.handoff.match import match
from holdgate.law.authority import Authority, nothing_follows
from holdgate.law.decide import decide
from holdgate.law.event import AnyEvent
from holdgate.law.library import Library
from holdgate.law.recalls import Said, recalled
from holdgate.law.revocations import signed_too_late
from holdgate.law.segments import Outdated
from holdgate.law.state import State
from holdgate.law.timers import open_windows
from holdgate.law.triggers import set_off
from holdgate.law.yields import yielded
from holdgate.pay.fire import fire


def _hub_follows(state: State, library: Library, events: Sequence[AnyEvent], at: int) -> tuple[AnyEvent, ...]:
    """Accepted executions yield their facts, windows open in witnessed time, money fires, contracts set off what they name."""
    return (
        *yielded(state, library, events, at),
        *open_windows(state, library, events),
        *fire(state, library, events, at),
        *set_off(state, library, events),
    )


def _hub_owes(state: State, library: Library, said: Said, outdated: Outdated) -> tuple[AnyEvent, ...]:
    """Jobs that are flagged, and instruments that nobody uses any more: nodes are told, each what concerns it."""
    return (*recalled(state, said), *signed_too_late(state, library, said, outdated))


def _node_follows(state: State, library: Library, events: Sequence[AnyEvent], at: int) -> tuple[AnyEvent, ...]:
    """Contracts set off what they name."""
    return set_off(state, library, events)


AUTHORITIES: Final[dict[str, Authority]] = {
    "business_hub": Authority(decide, _hub_follows, _hub_owes),
    "floor_hub": Authority(match, nothing_follows),
    "node": Authority(decide, _node_follows),
}
"""By kind of site. A Vault has none: it decides nothing."""

"""Who decides at which kind of site (foundations: which site decides). Sites and auditors take it from here."""

from collections.abc import Sequence
from typing import Final

from holdgate.handoff.match import match
from holdgate.law.authority import Authority, nothing_follows
from holdgate.law.decide import decide
from holdgate.law.event import AnyEvent
from holdgate.law.library import Library
from holdgate.law.state import State
from holdgate.law.timers import open_windows
from holdgate.law.yields import yielded
from holdgate.pay.fire import fire


def _hub_follows(state: State, library: Library, events: Sequence[AnyEvent], at: int) -> tuple[AnyEvent, ...]:
    """Accepted executions yield their facts; review windows open in witnessed time; money fires by itself."""
    return (
        *yielded(state, library, events, at),
        *open_windows(state, library, events),
        *fire(state, library, events, at),
    )


AUTHORITIES: Final[dict[str, Authority]] = {
    "business_hub": Authority(decide, _hub_follows),
    "floor_hub": Authority(match, nothing_follows),
    "node": Authority(decide, nothing_follows),
}
"""By kind of site. A Vault has none: it decides nothing."""

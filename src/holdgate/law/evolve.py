"""evolve: the fold. One function per event; state changes here and nowhere else.

`evolve(state, library, event, at, ref)` applies an event that entry `ref` of the own log made known at `at`. It decides
nothing: whatever is in the log has been decided. It is deterministic and touches only `state`. The functions stand in
`holdgate.law.folds`, by what they change.

An event of another site may speak of what is not known here. So each function looks up first and changes then: where it
raises, nothing is half changed.
"""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds import (
    contracts,
    dock,
    environment,
    facts,
    identities,
    jobs,
    money,
    nonconformances,
    orders,
    reports,
    site,
    steps,
)
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import State


def evolve(state: State, library: Library, event: ev.AnyEvent, at: int, ref: int) -> None:
    """Apply one event to the state.

    Args:
        state: changed in place.
        library: the pinned law documents.
        event: what became true.
        at: when this site put it on its record (UTC µs).
        ref: the own-log entry that holds it.

    Raises:
        Tampered: the event speaks of a law document that the store does not hold.
        LookupError: it speaks of something else that is not known here. Either way the state is as it was.
    """
    _STEPS[type(event)](state, library, event, at, ref)


_STEPS: Final[Steps] = {
    **identities.STEPS,
    **facts.STEPS,
    **contracts.STEPS,
    **orders.STEPS,
    **reports.STEPS,
    **money.STEPS,
    **dock.STEPS,
    **jobs.STEPS,
    **steps.STEPS,
    **nonconformances.STEPS,
    **environment.STEPS,
    **site.STEPS,
}

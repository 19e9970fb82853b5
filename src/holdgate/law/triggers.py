"""triggers: what a contract sets off by itself on what just became true, as part of the same entry.

Each site sets off what its own entries produce: a node the completion of the pre-checks, the business hub the rest. What
one site imports from another was set off there.
Source: the scenario vocabulary, convention 18; framework: trigger events.
"""

from collections.abc import Sequence
from typing import Any, Final

from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.state import State, job_key

_HUB: Final[dict[type[ev.Event], str]] = {
    ev.JobAssigned: "job_assigned",
    ev.QaAccepted: "qa_accepted",
    ev.ComplianceAccepted: "compliance_accepted",
    ev.ReportIssued: "report_issued",
    ev.DeliveryClosed: "delivery_window_closed",
    ev.ReviewWindowLapsed: "review_window_closed",
}
_NODE: Final[dict[type[ev.Event], str]] = {ev.PrechecksCompleted: "prechecks_complete"}
_WORDS: Final = {"business_hub": _HUB, "node": _NODE}
ON: Final = (*_HUB.values(), *_NODE.values())
"""What a contract may wait for."""


def set_off(state: State, library: Library, events: Sequence[ev.AnyEvent]) -> tuple[ev.Triggered, ...]:
    """What the contracts of these events' orders set off.

    Args:
        state: with the events folded in; not changed.
        library: the pinned law documents.
        events: of one entry.
    """
    words = _WORDS[state.kind]
    out: list[ev.Triggered] = []
    for event in events:
        word = words.get(type(event))
        if word is not None:
            out.extend(_of(state, library, event, word))
    return tuple(out)


def _of(state: State, library: Library, event: Any, word: str) -> list[ev.Triggered]:
    order = event.order if hasattr(event, "order") else state.reports[event.report].order
    job = state.jobs.get(job_key(order, event.job)) if hasattr(event, "job") else None
    known = state.orders.get(order)
    sha256 = job.sha256 if job is not None else "" if known is None else known.sha256
    template = library.template(sha256) if sha256 else None
    named = () if template is None else template.triggers
    return [ev.Triggered(order=order, on=word, effect=item.effect) for item in named if item.on == word]

"""A client's own order, told to that client: every decision on it in words, and nothing of anybody else's.

An entry can speak of several orders (a recall flags many jobs, a cosignature opens many windows), and anybody can try something on
an order that is not theirs. What is said here is of this order alone; who is neither of the lab nor of the client is not named.
What the lab pays its own people, and whom it gives a job to, is the lab's.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.query.record import Said
from holdgate.query.words import in_words

THE_LABS_OWN: Final = (ev.PayoutReleased, ev.JobAssigned)
"""Events of an order that are not told to its client."""


class Line(Struct, frozen=True, kw_only=True):
    """One line. `by`: SMART-IDs of the lab's and the client's own people; `act`: what was asked for; `at`: UTC µs."""

    entry: str
    at: int
    act: str
    by: tuple[str, ...]
    refused: bool
    says: tuple[str, ...]


def client_story(
    entries: Iterable[tuple[int, Said]], order: str, reports: Collection[str], org: str, own: Collection[str]
) -> Iterator[Line]:
    """The lines of an order's story.

    Args:
        entries: those that speak of the order, in order.
        order: its id.
        reports: the ids of its reports.
        org: the client's organisation.
        own: SMART-IDs of the lab's people and devices and of this client's.
    """
    for _, said in entries:
        events = [event for event in said.decision.events if _of_this(event, order, reports, org)]
        command = said.command
        by = () if command is None else tuple(signer.id for signer in command.signers)
        if any(name not in own for name in by):
            continue
        refused = bool(said.decision.denials)
        if not events and not (refused and _aimed_at(said, order, reports)):
            continue
        yield Line(
            entry=str(said.place),
            at=said.entry.at,
            act="" if command is None else str(type(command).__struct_config__.tag),
            by=by,
            refused=refused,
            says=tuple(in_words(event) for event in events),
        )


def _of_this(event: ev.AnyEvent, order: str, reports: Collection[str], org: str) -> bool:
    if isinstance(event, THE_LABS_OWN):
        return False
    if isinstance(event, ev.TermsAccepted) and event.org != org:
        return False
    named = getattr(event, "order", None)
    return named == order if named is not None else getattr(event, "report", "") in reports


def _aimed_at(said: Said, order: str, reports: Collection[str]) -> bool:
    """Whether the act itself is about this order: a refused one makes nothing true that would say so."""
    kind, colon, name = said.entry.subject.partition(":")
    if colon:
        return name == order if kind == "order" else kind == "report" and name in reports
    return said.entry.subject.partition("/")[0] == order

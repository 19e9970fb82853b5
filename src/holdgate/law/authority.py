"""An authority: who decides at a site. The spine and the audit take it as an argument and know no rule of their own."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from holdgate.law.case import Pin
from holdgate.law.command import AnyCommand
from holdgate.law.decision import Decision
from holdgate.law.event import AnyEvent
from holdgate.law.library import Library
from holdgate.law.state import State


class Decide(Protocol):
    """Decide one verified action; pure."""

    def __call__(
        self, state: State, library: Library, command: AnyCommand, now: int, pins: Sequence[Pin] = ()
    ) -> Decision:
        """Allow with events, or deny with reasons."""
        ...


class Follow(Protocol):
    """What follows by itself once events have been folded (money that fires, windows that open); pure."""

    def __call__(self, state: State, library: Library, events: Sequence[AnyEvent], at: int) -> tuple[AnyEvent, ...]:
        """The further events of the same entry."""
        ...


class Owe(Protocol):
    """What follows from events and gets entries of its own, since other sites are told it one by one; pure."""

    def __call__(
        self,
        state: State,
        library: Library,
        said: Sequence[tuple[int, AnyEvent]],
        outdated: Mapping[int, tuple[str, ...]],
    ) -> tuple[AnyEvent, ...]:
        """The events, each of which becomes an entry right after this one.

        `said`: with the times of their own site. `outdated`: by place in it, who signed under a key that was replaced before.
        """
        ...


class Authority:
    """The decider of one kind of site, and what follows from its entries: in the same one, or in entries after it."""

    __slots__ = ("decide", "follow", "owe")

    def __init__(self, decide: Decide, follow: Follow, owe: Owe | None = None) -> None:
        self.decide = decide
        self.follow = follow
        self.owe = owe


def nothing_follows(state: State, library: Library, events: Sequence[AnyEvent], at: int) -> tuple[AnyEvent, ...]:
    """No further events."""
    return ()

"""Broadcasts: what came of each arrival that was reported, and how each reader does."""

from typing import Final

from msgspec import Struct

from holdgate.handoff.figures import DECISION_BOUNDS_US, Buckets
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision

HOUR_US: Final = 3_600 * 1_000_000
NO_REASON: Final = "none"
UNVERIFIED: Final = "BROADCAST_UNVERIFIED"


class Reader(Struct):
    """One reader. `hours`: its authentic broadcasts by the gate's UTC hour. `seen_at`: the last of them (UTC µs).

    `gap`: broadcasts that its counter skipped. `late`: parts that it had buffered. `duplicate`: parts that were here already.
    """

    hours: list[int]
    seen_at: int = 0
    gap: int = 0
    late: int = 0
    duplicate: int = 0


class Broadcasts:
    """All reported arrivals, attested ones too. `events`: by outcome and first reason. `causes`: by every reason."""

    __slots__ = ("causes", "decision", "events", "readers")

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], int] = {}
        self.causes: dict[str, int] = {}
        self.readers: dict[str, Reader] = {}
        self.decision = Buckets(DECISION_BOUNDS_US)

    def observe(self, command: c.ReportArrival | c.AttestArrival, decision: Decision, at: int) -> None:
        """Take in the gate's answer to one reported arrival, given at an instant (UTC µs)."""
        self._count(outcome(decision), decision.codes, 1)
        if isinstance(command, c.ReportArrival):
            self._broadcast(command, decision, at)

    def unverified(self, times: int) -> None:
        """Take in broadcasts that could not be authenticated: they name no reader that could be believed."""
        self._count("refused", (UNVERIFIED,), times)

    def _count(self, came_to: str, codes: tuple[str, ...], times: int) -> None:
        key = (came_to, codes[0] if codes else NO_REASON)
        self.events[key] = self.events.get(key, 0) + times
        for code in dict.fromkeys(codes):
            self.causes[code] = self.causes.get(code, 0) + times

    def _broadcast(self, command: c.ReportArrival, decision: Decision, at: int) -> None:
        advanced = next((event for event in decision.events if isinstance(event, ev.ReaderAdvanced)), None)
        if advanced is None:
            return  # not authentic, or its counter repeats: it says nothing of the reader
        reader = self.readers.setdefault(advanced.reader, Reader(hours=[0] * 24))
        reader.hours[at // HOUR_US % 24] += 1
        reader.seen_at = at
        reader.gap += advanced.gap
        reader.late += any(
            event.late for event in decision.events if isinstance(event, ev.ArrivalRecorded | ev.ArrivalQuarantined)
        )
        reader.duplicate += "DUPLICATE_ARRIVAL" in decision.codes
        read_at = _read_at(command)
        if read_at is not None:
            self.decision.add(at - read_at)


def outcome(decision: Decision) -> str:
    """What came of a reported arrival, in a word: released, recorded, quarantined or refused."""
    for word, kind in _OUTCOMES:
        if any(isinstance(event, kind) for event in decision.events):
            return word
    return "refused"


_OUTCOMES: Final[tuple[tuple[str, type[ev.Event]], ...]] = (
    ("released", ev.OrderReleased),
    ("recorded", ev.ArrivalRecorded),
    ("quarantined", ev.ArrivalQuarantined),
)


def _read_at(command: c.ReportArrival) -> int | None:
    """When the reader says it saw the parts (UTC µs); None: a buffered scan that does not say."""
    if command.buffered:
        return command.captured_at
    return command.at if command.observed_at is None else command.observed_at

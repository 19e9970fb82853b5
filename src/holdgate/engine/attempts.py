"""Attempts: input that could not be authenticated goes on record without buying a flush each.

The first of a source in a second gets an entry of its own; more of the same source and second are counted and recorded
together when the second is over. A site writes at most ATTEMPTS_PER_S_MAX such entries a second; what is beyond is counted
under one source name.
"""

from typing import Final

from msgspec.structs import replace

from holdgate.law.chronicle import Attempt
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import ATTEMPTS_PER_S_MAX

EVERYBODY: Final = "others"


class Attempts:
    """Coalesces attempts; says what is to be recorded now."""

    def __init__(self) -> None:
        self._second = -1
        self._written = 0
        self._counted: dict[str, Attempt] = {}

    @property
    def waiting(self) -> bool:
        """Whether something was counted that is not on record."""
        return any(attempt.count for attempt in self._counted.values())

    def take(self, attempt: Attempt, now: int) -> list[Attempt]:
        """What to record now that this attempt came."""
        due = self.due(now)
        source = attempt.source if attempt.source in self._counted or self._written < ATTEMPTS_PER_S_MAX else EVERYBODY
        before = self._counted.get(source)
        if before is None and self._written < ATTEMPTS_PER_S_MAX:
            self._written += 1
            self._counted[source] = replace(attempt, count=0)
            return [*due, attempt]
        counted = before or replace(attempt, source=source, count=0)
        self._counted[source] = replace(counted, count=counted.count + 1)
        return due

    def due(self, now: int) -> list[Attempt]:
        """What was counted in a second that is over. It counts towards this second's quota."""
        second = now // SECOND_US
        if second == self._second:
            return []
        self._second = second
        return self.rest()

    def rest(self) -> list[Attempt]:
        """What was counted and is not on record, now that no more of it will be."""
        due = [attempt for attempt in self._counted.values() if attempt.count]
        self._written, self._counted = len(due), {}
        return due

"""Calls for Level III: which jobs somebody was called to, when, by whom and why. An index; it grows with a record.

A call stands on the record and has no end of its own: what came of it is what Level III then signs.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from holdgate.law import event as ev
from holdgate.query.record import Said

KEPT: Final = 20
"""Calls of one job that are kept ready; the newest."""


class Called(NamedTuple):
    """One call. `at`: when its site put it on record (UTC µs); `reason`: as signed; `entry`: `SITE:seq`; `seq`: the own entry."""

    order: str
    job: str
    step: str
    by: str
    at: int
    reason: str
    entry: str
    seq: int


class Calls:
    """The calls of every job, in the order of the record."""

    def __init__(self) -> None:
        self._jobs: dict[str, deque[Called]] = {}

    def take(self, said: Said, seq: int) -> None:
        """Take in what an entry says. `seq`: the own entry that holds it."""
        for event in said.decision.events:
            if isinstance(event, ev.HelpCalled):
                self._called(f"{event.order}/{event.job}", _call(event, said, seq))
            elif isinstance(event, ev.JobSplit):
                for call in self._jobs.get(f"{event.order}/{event.job}", ()):
                    for lot in event.jobs:
                        self._called(f"{event.order}/{lot}", call)

    def _called(self, key: str, call: Called) -> None:
        held = self._jobs.pop(key, None) or deque(maxlen=KEPT)
        held.append(call)
        self._jobs[key] = held  # the job that was called to last stands last

    def of(self, key: str) -> tuple[Called, ...]:
        """The calls to a job (`order/job`), the newest first."""
        return tuple(reversed(self._jobs.get(key, ())))

    def jobs(self) -> Iterator[str]:
        """Every job that Level III was called to, the one that was called to last first."""
        return reversed(self._jobs)


def _call(event: ev.HelpCalled, said: Said, seq: int) -> Called:
    reason = getattr(said.command, "reason", "")
    return Called(
        event.order,
        event.job,
        event.step,
        event.by,
        said.entry.at,
        reason if isinstance(reason, str) else "",
        str(said.place),
        seq,
    )

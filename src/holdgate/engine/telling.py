"""Ports of telling somebody outside: the channel that carries a notice, and the cursor of how far each target was told.

The ledger itself is the outbox: nothing is copied out of it. A target is told in the order of the log, at least once, with ids
that follow from the entries. What is pending is what lies behind the cursor.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from msgspec import Struct

from holdgate.query.notices import Fact, Known, Notice
from holdgate.terms.instant import SECOND_US

PAUSES_S: Final = (5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000)
"""Seconds before each new attempt at a notice; the last one is repeated until the target's patience is over."""
FRACTION: Final = 1 << 16
"""How finely chance is cut."""


def pause_us(tries: int, token: str, asked_s: int = 0) -> int:
    """How long to wait after so many attempts in a row that failed (µs): growing, and up to half as long again by chance.

    Args:
        tries: from 1.
        token: chance, in hex.
        asked_s: what the receiver asked for, in seconds; no more than the longest pause is granted.
    """
    base = PAUSES_S[min(tries, len(PAUSES_S)) - 1] * SECOND_US
    jitter = base * (int(token, 16) % FRACTION) // (2 * FRACTION)
    return max(base + jitter, min(asked_s, PAUSES_S[-1]) * SECOND_US)


LONGEST_US: Final = PAUSES_S[-1] * SECOND_US * 3 // 2
"""No pause is longer; one that is, was noted by a clock that went back since."""


class Reply(Struct, frozen=True, kw_only=True):
    """What became of an attempt.

    `told`: the receiver has it. `gone`: it wants nothing any more; no further attempt is made. `says`: what it said, or what
    failed, in words. `after_s`: how long it asks to be left alone.
    """

    told: bool
    says: str = ""
    gone: bool = False
    after_s: int = 0


class Channel(Protocol):
    """Carries notices to one target. It has its own deadlines: an attempt ends within a minute."""

    gathers: bool
    """Several notices of what runs out go in one message, once a day."""

    async def send(self, notices: Sequence[Notice]) -> Reply:
        """One attempt at one message. Failures are replies."""
        ...


class Target(Struct, frozen=True, kw_only=True):
    """Somebody to be told, as configured. `client`: an organisation that is told of its own orders only ("": the shop's own)."""

    name: str
    kinds: frozenset[str]
    client: str = ""


class Cursor(Struct, frozen=True, kw_only=True):
    """How far a target was told.

    `seq`, `n`: the next notice is that of turn `n` of entry `seq` of the own log, or later. `tries`: attempts at it that failed;
    `failing_since`: when the first of them did (UTC µs; 0: none). `next_at`: no attempt before (UTC µs). `fault`: why the last one
    failed. `failed`: it is not tried any more until somebody resumes it. `told`, `told_at`: how many messages it took, and when
    the last one.
    """

    seq: int
    n: int = 0
    tries: int = 0
    failing_since: int = 0
    next_at: int = 0
    fault: str = ""
    failed: bool = False
    told: int = 0
    told_at: int = 0


class Message(Struct, frozen=True, kw_only=True):
    """What one attempt carries: the notice of an event, or notices that no entry says.

    `seq`, `n`: the entry of the own log and the turn of the event there; where no entry says it, how far the target was told.
    `apart`: ids that are not told again.
    """

    notices: tuple[Notice, ...]
    seq: int
    n: int = 0
    apart: tuple[str, ...] = ()

    @property
    def behind(self) -> tuple[int, int]:
        """Where the target goes on once it has the message."""
        return (self.seq, self.n) if self.apart else (self.seq, self.n + 1)


class TargetStatus(Struct, frozen=True, kw_only=True):
    """A target at one moment. `behind`: entries of the log that it was not told of, or that are not looked through yet."""

    name: str
    behind: int
    tries: int
    next_at: int
    told: int
    told_at: int
    fault: str = ""
    failed: bool = False


class Outbox(Known, Protocol):
    """Keeps cursors, and what was learned of the log about whose order something is. What a call wrote is durable when it returns.

    Another process may resume a target meanwhile. Every method raises Unavailable where the storage fails.
    """

    def learned(self) -> int:
        """How many entries were learned from."""
        ...

    def learn(self, size: int, facts: Sequence[Fact]) -> None:
        """Keep what the entries before `size` made known."""
        ...

    def cursors(self) -> dict[str, Cursor]:
        """Every target that was ever told, by name."""
        ...

    def begin(self, target: str, seq: int) -> None:
        """A target that is new is told of what comes from this entry on; one that is known stays where it is."""
        ...

    def pass_over(self, target: str, seq: int) -> None:
        """There was nothing to tell before this entry."""
        ...

    def told(self, target: str, message: Message, at: int) -> None:
        """The target has it, at this time (UTC µs): go on behind it."""
        ...

    def told_apart(self, target: str, ids: Collection[str]) -> set[str]:
        """Which of these notices, that no entry says, the target has."""
        ...

    def failed(self, target: str, message: Message, at: int, next_at: int, fault: str, *, for_good: bool) -> None:
        """An attempt failed. `next_at`: no attempt before (UTC µs); `for_good`: none at all until somebody resumes the target."""
        ...

    def resume(self, target: str, *, skip: bool) -> bool:
        """Try again now. `skip`: leave out the notice that could not be told. False: there is no such target."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...

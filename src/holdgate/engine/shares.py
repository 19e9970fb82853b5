"""Shares: how much of what is under way one name may have, so that who sends much does not fill the way of all others.

A name that is alone has all of it, or as much as its gate lets one have. Once another one was about in the last `ABOUT_S` seconds,
each has `UNDER_WAY_EACH_MAX`; what is beyond waits for that, behind what the same name sent before. The way of an act has two such
gates (docs/decisions/0038): before the signatures are checked by source, which the transport knows and nobody can claim; after it
by whoever signed. What readers send over a broker has one more where it comes in.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, Generic, TypeVar

from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import IDENTITY_WAITING_MAX, UNDER_WAY_EACH_MAX

ABOUT_S: Final = 10.0
"""How long somebody who sent something counts as being about."""
T = TypeVar("T")


class Shares:
    """Who is about, and what each of them has under way. For one thread.

    Args:
        now: the time in seconds, from any start.
        alone: what a name that is alone may have under way.
    """

    def __init__(self, now: Callable[[], float], alone: float = math.inf) -> None:
        self._now = now
        self._alone = alone
        self._seen: dict[str, float] = {}
        self._under: Counter[str] = Counter()

    def notice(self, name: str) -> None:
        """It sent something."""
        seen, now = self._seen, self._now()
        seen.pop(name, None)
        seen[name] = now
        while now - seen[first := next(iter(seen))] > ABOUT_S:
            del seen[first]

    def fits(self, name: str) -> bool:
        """Whether one more of it may be under way."""
        return self._under[name] < (UNDER_WAY_EACH_MAX if len(self._seen) > 1 else self._alone)

    def begins(self, name: str) -> None:
        """One more is under way."""
        self._under[name] += 1

    def ends(self, name: str) -> None:
        """One of them is done with."""
        self._under[name] -= 1
        if not self._under[name]:
            del self._under[name]


class Gate(Shares, Generic[T]):
    """Shares, and what waits for them.

    `full`: names of which as much waits as may; other threads may ask.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(now)
        self._waiting: dict[str, deque[T]] = {}
        self.full: set[str] = set()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._waiting.values())

    def enter(self, name: str, item: T) -> bool:
        """Whether it begins now. If not, it waits, and `leave` gives it back.

        Raises:
            Unavailable: as much of this name waits as may.
        """
        self.notice(name)
        line = self._waiting.get(name)
        if line is None and self.fits(name):
            self.begins(name)
            return True
        if name in self.full:
            raise slow_down(name)
        if line is None:
            line = self._waiting[name] = deque()
        line.append(item)
        if len(line) >= IDENTITY_WAITING_MAX:
            self.full.add(name)
        return False

    def leave(self, name: str) -> list[T]:
        """One of that name is done with: those that begin now."""
        self.ends(name)
        line = self._waiting.get(name)
        begun: list[T] = []
        while line and self.fits(name):
            self.begins(name)
            begun.append(line.popleft())
        if begun:
            self.full.discard(name)
            if not line:
                del self._waiting[name]
        return begun

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting.clear()
        self.full.clear()


def slow_down(name: str) -> Unavailable:
    """What somebody is told of whom too much waits already."""
    return Unavailable(f"too much from {name[:64]} waits here already; send the next when one of those is answered")

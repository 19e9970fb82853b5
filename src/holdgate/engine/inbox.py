"""The inbox: what was submitted and waits. Sources take turns, so that who sends much waits behind themselves.

What one source sent stays in its order; of two sources neither knows whose act is decided first, as before. Who has its share
under way already is passed over until some of that is done.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from holdgate.engine import buggify
from holdgate.engine.shares import Shares, slow_down
from holdgate.terms.limits import SOURCE_WAITING_MAX


class FromSource(Protocol):
    """Something that says where it came from."""

    @property
    def source(self) -> str:
        """In the transport's words."""


T = TypeVar("T", bound=FromSource)


class Inbox(Generic[T]):
    """A line for each source that has something waiting; the first of each line in turn.

    Args:
        shares: what each source has under way.
        trusted: a source of this process itself, which is not bounded.
    """

    def __init__(self, shares: Shares, trusted: str = "") -> None:
        self._shares = shares
        self._trusted = trusted
        self._lines: dict[str, deque[T]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        for line in self._lines.values():
            yield from line

    def add(self, item: T) -> None:
        """Let it wait behind what its source sent before.

        Raises:
            Unavailable: as much of its source waits as may.
        """
        source = item.source
        line = self._lines.get(source)
        if line is None:
            line = self._lines[source] = deque()
        elif len(line) >= SOURCE_WAITING_MAX and source != self._trusted:
            raise slow_down(source)
        self._shares.notice(source)
        line.append(item)
        self._size += 1

    def take(self) -> T | None:
        """The first of the source whose turn it is; it is under way until its source `ends` one. None: nobody may send one on."""
        fits = self._shares.fits
        turns = (name for name in self._lines if name == self._trusted or fits(name))
        source = next(turns, None)
        if source is None:
            return None
        if buggify.on and buggify.unlucky("inbox: another source's turn"):
            source = next(turns, source)
        line = self._lines.pop(source)
        item = line.popleft()
        if line:
            self._lines[source] = line  # behind all others
        self._size -= 1
        self._shares.begins(source)
        return item

    def ends(self, source: str) -> None:
        """One of that source is no longer under way."""
        self._shares.ends(source)

    def clear(self) -> None:
        """Nothing waits any more."""
        self._lines.clear()
        self._size = 0

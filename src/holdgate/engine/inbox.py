"""The inbox: what was submitted and waits. Sources take turns, so that who sends much waits behind themselves.

What one source sent stays in its order; of two sources neither knows whose act is decided first, as before.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from holdgate.engine import buggify


class FromSource(Protocol):
    """Something that says where it came from."""

    @property
    def source(self) -> str:
        """In the transport's words."""


T = TypeVar("T", bound=FromSource)


class Inbox(Generic[T]):
    """A line for each source that has something waiting; the first of each line in turn."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[T]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        for line in self._lines.values():
            yield from line

    def add(self, item: T) -> None:
        """Let it wait behind what its source sent before."""
        self._lines.setdefault(item.source, deque()).append(item)
        self._size += 1

    def take(self) -> T:
        """The first of the source whose turn it is.

        Raises:
            StopIteration: nothing waits.
        """
        sources = iter(self._lines)
        source = next(sources)
        if buggify.on and buggify.unlucky("inbox: another source's turn"):
            source = next(sources, source)
        line = self._lines.pop(source)
        item = line.popleft()
        if line:
            self._lines[source] = line  # behind all others
        self._size -= 1
        return item

    def clear(self) -> None:
        """Nothing waits any more."""
        self._lines.clear()
        self._size = 0

"""Inclusion paths of entries that the tree no longer holds, without reading the whole log for each.

A row of nodes stands over every `_FAN` nodes of the row below, the lowest over the leaves in the store. Rows are made when they are
first asked for and only grow, as the log does: what is sent again and again costs a few reads each time (docs/decisions/0038).
"""

from typing import Final, Protocol

from holdgate.ledger.merkle import inclusion_path, root_of

_FAN: Final = 16
_BITS: Final = 4
_READ: Final = 4_096
"""Leaves that are read at a time while the lowest row is made."""


class Leaves(Protocol):
    """Where leaf hashes are read."""

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes [start, stop), in order."""
        ...


class Paths:
    """The paths of one log's leaves. For one thread.

    Args:
        store: holds every leaf below the sizes that are asked for.
    """

    def __init__(self, store: Leaves) -> None:
        self._store = store
        self._rows: list[list[bytes]] = [[]]

    def path(self, index: int, size: int) -> list[bytes]:
        """The path of one leaf in the tree of that size, from the leaf up.

        Raises:
            Malformed: no such leaf.
        """
        self._grow(size)
        path: list[bytes] = []
        edge: bytes | None = None
        level, whole = 0, size
        while True:
            start = index & -_FAN
            group = self._nodes(level, start, min(start + _FAN, whole))
            tail = self._nodes(level, whole & -_FAN, whole)
            if edge is not None:
                tail.append(edge)
                if start == whole & -_FAN:
                    group.append(edge)
            path += inclusion_path(group, index - start)
            edge = root_of(tail) if tail else None
            index, level, whole = index >> _BITS, level + 1, whole >> _BITS
            if whole == 0 or (whole == 1 and edge is None):
                return path

    def _nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Whole nodes of a level; of level 0, leaves."""
        if start >= stop:
            return []
        return self._store.leaves(start, stop) if level == 0 else self._rows[level - 1][start:stop]

    def _grow(self, size: int) -> None:
        """Make what is missing of every row below a size."""
        low = self._rows[0]
        while (len(low) + 1) * _FAN <= size:
            start = len(low) * _FAN
            read = self._store.leaves(start, min(start + _READ, size & -_FAN))
            low += [root_of(read[at : at + _FAN]) for at in range(0, len(read), _FAN)]
        level = 0
        while len(self._rows[level]) >= _FAN:
            if level + 1 == len(self._rows):
                self._rows.append([])
            below, row = self._rows[level], self._rows[level + 1]
            while (len(row) + 1) * _FAN <= len(below):
                row.append(root_of(below[len(row) * _FAN : (len(row) + 1) * _FAN]))
            level += 1

"""What a Vault has accepted of each log, for judging what strangers hand in; roots and proofs over its mirrors, at small cost."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from typing_extensions import override

from holdgate.engine.witnessing import OutsideStore
from holdgate.ledger.merkle import Tree, consistency_path, extend, root_from_frontier
from holdgate.ledger.note import parse_checkpoint
from holdgate.ledger.witness import Evidence, WitnessStore
from holdgate.terms.errors import Unavailable

_STRIDE: Final = 1_024
Leaves = Callable[[str, int, int], Sequence[bytes]]
"""The leaf hashes [start, stop) of a log's mirror."""


class Held(Protocol):
    """A Vault's mirrors, as far as they are read here."""

    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        """Size and frontier of the mirror."""
        ...

    def latest(self, origin: str) -> bytes | None:
        """The last cosigned checkpoint."""
        ...

    def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        """Leaf hashes [start, stop) of the mirror."""
        ...


class SeenStore(WitnessStore, OutsideStore, Protocol):
    """Keeps what comes from beyond the bus: pending checkpoints, contradictions, cosignatures of outside witnesses."""


class Mirrored:
    """Roots and consistency proofs of mirrors. Each leaf is read once; any thread may ask."""

    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._lock = threading.Lock()
        self._trees: dict[str, Tree] = {}
        self._frontiers: dict[str, list[tuple[bytes, ...]]] = {}

    def proof(self, origin: str, old: int, size: int) -> list[bytes]:
        """The proof that the mirror's first `size` entries continue its first `old`."""
        with self._lock:
            tree = self._trees.setdefault(origin, Tree())
            while tree.size < size:
                found = self._leaves(origin, tree.size, min(size, tree.size + _STRIDE))
                if not found:
                    raise Unavailable(f"the mirror of {origin} holds {tree.size} entries, not {size}")
                for leaf in found:
                    tree.append(leaf)
            try:
                return tree.consistency(old, size)
            except Unavailable:  # further back than the tree remembers
                return consistency_path(list(self._leaves(origin, 0, size)), old)

    def root(self, origin: str, size: int) -> bytes:
        """The root of the mirror's first `size` entries, of which it holds so many."""
        with self._lock:
            known = self._frontiers.setdefault(origin, [()])
            while len(known) <= size // _STRIDE:
                start = (len(known) - 1) * _STRIDE
                known.append(extend(start, known[-1], self._leaves(origin, start, start + _STRIDE)))
            start = size - size % _STRIDE
            return root_from_frontier(extend(start, known[size // _STRIDE], self._leaves(origin, start, size)), size)


class Accepted(WitnessStore):
    """What was accepted of each log: the mirror, and the pending checkpoint where that is ahead. Used by one at a time."""

    def __init__(self, mirror: Held, seen: SeenStore, mirrored: Mirrored) -> None:
        self._mirror = mirror
        self._seen = seen
        self._mirrored = mirrored

    @override
    def latest(self, origin: str) -> bytes | None:
        own, pending = self._mirror.latest(origin), self._seen.latest(origin)
        if own is None or pending is None:
            return own or pending
        return pending if parse_checkpoint(pending).size > parse_checkpoint(own).size else own

    @override
    def at(self, origin: str, size: int) -> bytes | None:
        own = self._mirror.latest(origin)
        if own is not None and parse_checkpoint(own).size == size:
            return own
        return self._seen.at(origin, size)

    @override
    def root_at(self, origin: str, size: int) -> bytes | None:
        return self._mirrored.root(origin, size) if 0 < size <= self._mirror.held(origin)[0] else None

    @override
    def advance(self, origin: str, before: bytes | None, note: bytes, size: int) -> bool:
        return before == self.latest(origin) and self._seen.advance(origin, self._seen.latest(origin), note, size)

    @override
    def keep_evidence(self, evidence: Evidence) -> None:
        self._seen.keep_evidence(evidence)

    @override
    def settle(self, origin: str, note: bytes) -> None:
        self._seen.settle(origin, note)

    @override
    def evidence(self) -> list[Evidence]:
        return self._seen.evidence()

    @override
    def close(self) -> None:
        self._seen.close()

"""Ways through the graph that together make every move once, and run once into every condition that stands against one.

A refusal is tried where nothing else stands in the way, so that exactly this condition is seen to be enforced; where there is no
such state, where as little as possible else does.
"""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from holdgate.certifier.graph import Graph
from holdgate.certifier.life import WAIT, Guard, Move, State

STATES_TRIED: Final = 600
"""States, nearest first, in which a refusal is looked for besides those of the move's own step."""


class Leg(NamedTuple):
    """One thing to do on the way: a move that is allowed, or one that a guard refuses (`after` is then `before`)."""

    before: State
    move: Move
    after: State
    refused_by: Guard | None = None


class _Refusals:
    """The conditions that are still to be run into, and where each can be."""

    def __init__(self, graph: Graph) -> None:
        self._at: dict[State, list[tuple[str, str]]] = {}
        self._left: dict[tuple[str, str], tuple[Move, Guard]] = {}
        turns: dict[int, list[State]] = {}
        for state in graph.edges:
            turns.setdefault(state.at, []).append(state)
        every = [*graph.edges]
        for move in graph.moves:
            for guard in move.guards:
                key = _key(move, guard)
                if move.act == WAIT or key in self._left:
                    continue
                near = [state for at in (move.at, move.at + 1) for state in turns.get(at, ())]
                states = every if move.at < 0 else [*near, *every[:STATES_TRIED]]
                where = _where(move, guard, states) or _where(move, guard, every)
                if where:
                    self._left[key] = (move, guard)
                for state in where:
                    self._at.setdefault(state, []).append(key)

    def __bool__(self) -> bool:
        return bool(self._left)

    def keep(self, keys: Collection[tuple[str, str]]) -> None:
        """Look for these alone."""
        self._left = {key: found for key, found in self._left.items() if key in keys}

    def any_at(self, state: State) -> bool:
        """Whether one can be run into here."""
        return any(key in self._left for key in self._at.get(state, ()))

    def take(self, state: State) -> Iterator[tuple[Move, Guard]]:
        """Those that can be run into here, each once."""
        for key in self._at.get(state, ()):
            if key in self._left:
                yield self._left.pop(key)


def tours(graph: Graph, again: Collection[Leg] = ()) -> Iterator[tuple[Leg, ...]]:
    """Ways from a new order on, each as long as something new lies ahead, until nothing is left.

    What no way reaches (a move that is never allowed) is left out; the proofs about the graph speak of it. `again`: legs that are
    looked for once more, and nothing else, each on an order of its own and by the shortest way.
    """
    moves = {move.label for edges in graph.edges.values() for move, _ in edges}
    refusals = _Refusals(graph)
    if again:
        moves &= {leg.move.label for leg in again if leg.refused_by is None}
        refusals.keep([_key(leg.move, leg.refused_by) for leg in again if leg.refused_by is not None])
    while moves or refusals:
        way: list[Leg] = []
        state = graph.start
        while True:
            way.extend(Leg(state, move, state, guard) for move, guard in refusals.take(state))
            ahead = _nearest(graph, state, moves, refusals)
            if ahead is None or (again and way):
                break
            for move, after in ahead:
                way.append(Leg(state, move, after))
                moves.discard(move.label)
                state = after
        if not way:
            return
        yield (*way, *_released(graph, state))


def _released(graph: Graph, state: State) -> tuple[Leg, ...]:
    """A way that ends under a stop-work ends it: the contract is every order's."""
    if not state.stopped:
        return ()
    return tuple(Leg(state, move, after) for move, after in graph.edges[state] if move.act == "contract.resume")


def _nearest(graph: Graph, start: State, moves: set[str], refusals: _Refusals) -> list[tuple[Move, State]] | None:
    """The shortest way to something new: a state with a refusal to be tried, or a move not made yet."""
    came: dict[State, tuple[State, Move] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if refusals.any_at(state):
            return _back(came, state)
        for move, after in graph.edges[state]:
            if move.label in moves:
                return [*_back(came, state), (move, after)]
            if after not in came:
                came[after] = (state, move)
                waiting.append(after)
    return None


def _back(came: dict[State, tuple[State, Move] | None], state: State) -> list[tuple[Move, State]]:
    way: list[tuple[Move, State]] = []
    step = came[state]
    while step is not None:
        way.append((step[1], state))
        state = step[0]
        step = came[state]
    way.reverse()
    return way


_OF_THE_JOB: Final = ("JOB_FAILED", "CONTRACT_SUSPENDED", "NCR_OPEN", "STEP_IN_PROGRESS")


def _key(move: Move, guard: Guard) -> tuple[str, str]:
    """Refusals that are alike: a condition of the whole job is run into once for each act, one of a step once for the step."""
    return (move.act if guard.code in _OF_THE_JOB else move.label), guard.name


def _where(move: Move, guard: Guard, states: list[State]) -> list[State]:
    """The states in which this guard refuses the move, and as little else as possible does."""
    least = len(move.guards)
    found: list[State] = []
    for state in states:
        if not move.offered(state) or guard.holds(state):
            continue
        others = sum(not other.holds(state) for other in move.guards if other is not guard)
        if others < least:
            least, found = others, []
        if others == least:
            found.append(state)
    return found

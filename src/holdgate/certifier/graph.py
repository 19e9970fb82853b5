"""The graph of a contract's orders: every state that can be reached, what must never happen, and that everything can end."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from holdgate.certifier.findings import Findings
from holdgate.certifier.life import Law, Life, Move, State, enforced
from holdgate.certifier.life_of_job import job_moves
from holdgate.certifier.life_of_order import order_moves
from holdgate.terms.errors import Malformed

STATES_MAX: Final = 200_000
"""States of one contract's graph; a contract that needs more is not certified."""
ENDS: Final = "every-state-can-end"

Edge = tuple[Move, State]


class Graph:
    """States in the order of their distance from the beginning, and the moves that lead on from each."""

    def __init__(self, life: Life, moves: Sequence[Move]) -> None:
        """Explore from a new order on.

        Raises:
            Malformed: more than STATES_MAX states.
        """
        self.life = life
        self.moves = tuple(moves)
        self._free = tuple(move for move in moves if move.at < 0 or _strays(move))
        self._at: dict[int, tuple[Move, ...]] = {}
        self.start = State()
        self.came: dict[State, tuple[State, Move] | None] = {self.start: None}
        self.edges: dict[State, list[Edge]] = {}
        waiting = deque([self.start])
        while waiting:
            state = waiting.popleft()
            self.edges[state] = [*self._from(state)]
            for move, after in self.edges[state]:
                if after not in self.came:
                    self.came[after] = (state, move)
                    waiting.append(after)
            if len(self.came) > STATES_MAX:
                raise Malformed(
                    f"its orders can be in more than {STATES_MAX} states; allow fewer retests, or make the technique smaller"
                )

    def _from(self, state: State) -> Iterator[Edge]:
        for move in self.near(state):
            if move.allowed(state):
                after = self.life.settled(move.then(state))
                if after != state:
                    yield move, after

    def near(self, state: State) -> tuple[Move, ...]:
        """The moves that can be made now: those of no step, of the step whose turn it is, and those no order holds back."""
        found = self._at.get(state.at)
        if found is None:
            turn = tuple(move for move in self.moves if move.at == state.at and move not in self._free)
            found = self._at[state.at] = (*self._free, *turn)
        return found

    def path(self, state: State) -> tuple[Move, ...]:
        """The shortest way to a state."""
        moves: list[Move] = []
        step = self.came[state]
        while step is not None:
            state, move = step
            moves.append(move)
            step = self.came[state]
        return tuple(reversed(moves))


def _strays(move: Move) -> bool:
    """Whether an act of a step could happen out of its turn: nothing in the engine keeps the order."""
    if move.act == "witness.notify":
        return True
    return move.act == "step.start" and all(guard.code != "STEP_OUT_OF_ORDER" for guard in move.guards)


def moves_of(life: Life, law: Law) -> tuple[Move, ...]:
    """Every move of an act that there is, with the guards that this law has."""
    return tuple(enforced(move, law) for move in (*order_moves(life), *job_moves(life)) if law.has(move.act))


# ---- what must never happen ------------------------------------------------------------------------------------------


class Never(NamedTuple):
    """A rule that no contract can drop: `broken` says whether a move breaks it. `words`: what then happens."""

    name: str
    words: Callable[[Life, Move], str]
    broken: Callable[[Life, State, Move, State], bool]


def _untested(life: Life, state: State, move: Move, after: State) -> bool:
    if move.act != "step.start":
        return False
    unchecked = life.steps[move.at].kind != "precheck" and any(check >= state.at for check in life.prechecks)
    return state.order != "here" or unchecked


def _unreviewed(life: Life, state: State, move: Move, after: State) -> bool:
    return move.act == "report.generate" and not state.qa


def _misrecorded(life: Life, state: State, move: Move, after: State) -> bool:
    passed = move.act == "step.sign" and move.variant == "pass" and state.step in ("bad", "half_bad")
    return passed or (move.act == "qa.sign" and move.variant == "accepted" and state.standing)


def _final(life: Life, state: State, after: State) -> bool:
    """The last invoice goes out: with it the whole price is billed."""
    every = {item.id for item in life.template.billing}
    return bool(every) and every <= set(after.fired) and not every <= set(state.fired)


def _unapproved(life: Life, state: State, move: Move, after: State) -> bool:
    silence = after.report == "deemed_accepted" and after.terms == "deemed_accepted" and after.lapsed
    return _final(life, state, after) and not (after.report == "approved" or silence)


def _unsigned_pay(life: Life, state: State, move: Move, after: State) -> bool:
    return bool(life.payouts) and after.paid and not state.paid and not (after.qa and after.compliance)


def _unguarded(life: Life, state: State, move: Move, after: State) -> bool:
    return any(not guard.holds(state) for guard in move.missing)


NEVER: Final[tuple[Never, ...]] = (
    Never(
        "no-test-before-arrival-and-prechecks",
        lambda life, move: f"{life.steps[move.at].id} is tested although the parts or a pre-check are missing",
        _untested,
    ),
    Never(
        "no-report-before-qa",
        lambda life, move: "the report goes out although QA did not review the record",
        _unreviewed,
    ),
    Never(
        "nothing-nonconforming-recorded-as-conforming",
        lambda life, move: "what does not conform is recorded as conforming",
        _misrecorded,
    ),
    Never(
        "no-final-invoice-without-the-client",
        lambda life, move: (
            "the last invoice goes out although the client has not approved, nor signed that silence is acceptance"
        ),
        _unapproved,
    ),
    Never(
        "no-payout-before-qa-and-compliance",
        lambda life, move: "a payout goes out although QA or compliance did not sign",
        _unsigned_pay,
    ),
    Never(
        "every-declared-condition-is-enforced",
        lambda life, move: f"nothing in the engine asks for this: {', '.join(guard.name for guard in move.missing)}",
        _unguarded,
    ),
)


def prove_graph(found: Findings, graph: Graph) -> None:
    """Search every reachable move for what must never happen, and every reachable state for a way to an end."""
    for rule in NEVER:
        found.begin(rule.name)
        broken = _first_break(graph, rule)
        if broken is not None:
            state, move = broken
            path = (*graph.path(state), move)
            place = graph.life.steps[move.at].id if move.at >= 0 else "order"
            found.fail(rule.name, place, rule.words(graph.life, move), path=tuple(step.words for step in path))
    _prove_pay(found, graph)
    _prove_ends(found, graph)


def _first_break(graph: Graph, rule: Never) -> tuple[State, Move] | None:
    for state, edges in graph.edges.items():
        for move, after in edges:
            if rule.broken(graph.life, state, move, after):
                return state, move
    return None


PAY_BLIND: Final = "pay-is-blind-to-results"


def _prove_pay(found: Findings, graph: Graph) -> None:
    """Of two orders that QA reviewed and that differ in results alone, compliance can release the pay of both or of none."""
    found.begin(PAY_BLIND)
    paid: dict[State, tuple[bool, State]] = {}
    for state, edges in graph.edges.items():
        if not state.qa or state.compliance:
            continue
        pays = any(move.act == "compliance.sign" and after.paid for move, after in edges)
        blind = state._replace(standing=False, qa="signed")
        before, other = paid.setdefault(blind, (pays, state))
        if before != pays:
            path = tuple(step.words for step in graph.path(other if pays else state))
            what = "here nobody is paid; with another result, and all else the same, they would be"
            found.fail(PAY_BLIND, "payouts", what, path=path)
            return


def _prove_ends(found: Findings, graph: Graph) -> None:
    """From every state but that of an ended job a state can be reached in which the client accepted, and all is billed."""
    found.begin(ENDS)
    every = {item.id for item in graph.life.template.billing}
    back: dict[State, list[State]] = {}
    for state, edges in graph.edges.items():
        for _, after in edges:
            back.setdefault(after, []).append(state)
    ended = [s for s in graph.edges if s.report in ("approved", "deemed_accepted") and every <= set(s.fired)]
    reaches = dict.fromkeys(ended)
    waiting = deque(ended)
    while waiting:
        for state in back.get(waiting.popleft(), ()):
            if state not in reaches:
                reaches[state] = None
                waiting.append(state)
    dead = [s for s in graph.edges if s not in reaches and s.job != "terminated"]
    if dead:
        stuck = max(dead, key=_far)  # of those that are as far, the first: it is nearest
        place = graph.life.steps[stuck.at].id if stuck.job and stuck.at < len(graph.life.steps) else "order"
        path = tuple(move.words for move in graph.path(stuck))
        found.fail(ENDS, place, _why_stuck(graph, stuck), path=path)


def _far(state: State) -> tuple[bool | int, ...]:
    """How far an order is: the last thing that it still reaches says most about what stands in its way."""
    return bool(state.report), bool(state.qa), state.at if state.job else -1, state.order == "here", bool(state.order)


def _ahead(graph: Graph, start: State) -> dict[State, None]:
    """Every state that can still come."""
    seen = {start: None}
    waiting = deque([start])
    while waiting:
        for _, after in graph.edges[waiting.popleft()]:
            if after not in seen:
                seen[after] = None
                waiting.append(after)
    return seen


def _why_stuck(graph: Graph, state: State) -> str:
    """What stands in the way of the next act."""
    life = graph.life
    ahead = [other for other in _ahead(graph, state) if other.at == state.at and other.job == "running"]
    waiting = [
        guard.name
        for move in graph.near(state)
        if move.at == state.at and move.act == "step.start"
        for guard in move.guards
        if not any(guard.holds(other) for other in ahead)
    ]
    if (
        state.job
        and state.at < len(life.steps)
        and not any(m.act == "step.start" and m.at == state.at for m in graph.moves)
    ):
        return f"nobody can do {life.steps[state.at].id}: {life.steps[state.at].role} is no role of people"
    if waiting:
        step = life.steps[state.at].id
        return f"from here the order can never end: {step} waits until {' and '.join(waiting)}, and nothing brings that about"
    return "from here the order can never end"

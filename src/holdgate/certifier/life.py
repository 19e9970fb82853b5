"""The life of an order and its job as a graph of acts: what the engine lets happen, for one contract.

Every act says when it makes sense at all (`offered`), which conditions the engine enforces (`guards`), and what becomes of the
order. A condition that a gate of the engine stands for names it: where the engine's table does not list that gate for that act,
the condition is not there, and the graph is that of an engine without it. So the graph speaks of the engine as it is, and the
witness runs (`holdgate.certifier.witness`) hold every act and every condition against it.

One order, one job over all its parts. Readings either conform or do not; time is early, right or too late for a window. Splits,
red tags, late entries, recalls and links between sites are not in the graph.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from holdgate.certifier.roles import are_people
from holdgate.law import command as c
from holdgate.law.contract import Authority, PayoutRule, SmartClientPO, SmartSP, Step
from holdgate.law.families import Bundle
from holdgate.law.gates.nonconformances import MATRIX
from holdgate.law.gates.table import GATES, Gate
from holdgate.law.outcomes import OUTCOMES


class State(NamedTuple):
    """How far an order is.

    `papers`: every required document is there. `delivery`: of the delivery date, due (it is over) or closed.
    `at`: the step whose turn it is. `step`: idle, open, good or bad (by its readings), half or half_bad (signed once of twice),
    red (failed), done (past the last). `tries`: retests of that step. `timing`: early, now or late, by its window. `air`: its
    environmental log: old, good or bad. `standing`: a failed result stands. `spent`: steps were reprocessed, so that retests may
    be used up.
    """

    terms: str = ""
    order: str = ""
    papers: bool = False
    assigned: bool = False
    stopped: bool = False
    job: str = ""
    at: int = 0
    step: str = ""
    tries: int = 0
    timing: str = "now"
    waived: bool = False
    held: tuple[int, ...] = ()
    told: tuple[int, ...] = ()
    air: str = "old"
    permits: int = 0
    standing: bool = False
    spent: bool = False
    qa: str = ""
    compliance: bool = False
    report: str = ""
    lapsed: bool = False
    delivery: str = ""
    fired: tuple[str, ...] = ()
    paid: bool = False


When = Callable[[State], bool]


class Guard(NamedTuple):
    """A condition that the engine enforces. `code`: of its denial. `gate`: its name in the engine's table, "" where it has none.

    `needs`: the act by which the condition can be met; where this law version has no such act it enforces nothing.
    """

    name: str
    code: str
    holds: When
    gate: str = ""
    needs: str = ""


class Move(NamedTuple):
    """An act, or the passing of time (`wait`).

    `words`: as a sentence. `at`: its step's position, -1 where it has none. `guards`: the conditions that the engine enforces;
    `missing`: those that it should and does not.
    """

    act: str
    variant: str
    at: int
    words: str
    offered: When
    then: Callable[[State], State]
    guards: tuple[Guard, ...] = ()
    missing: tuple[Guard, ...] = ()

    @property
    def label(self) -> str:
        """Tells moves apart."""
        return " ".join(part for part in (self.act, "" if self.at < 0 else str(self.at), self.variant) if part)

    def allowed(self, state: State) -> bool:
        """Whether it makes sense and nothing stands against it."""
        return self.offered(state) and all(guard.holds(state) for guard in self.guards)


WAIT: Final = "wait"
DECIDED_ELSEWHERE: Final = ("part.arrival", "arrival.attest", "po.release")
"""Acts that the floor hub decides; they stand in no table of the law."""


class Law(NamedTuple):
    """The engine as the graph knows it: the acts that there are, and its gates."""

    acts: tuple[str, ...]
    gates: tuple[Gate, ...]

    def has(self, act: str) -> bool:
        """Whether there is this act ("": nothing is asked for)."""
        return not act or act == WAIT or act in self.acts or act in DECIDED_ELSEWHERE

    def guards(self, act: str, gate: str) -> bool:
        """Whether a gate of this name stands before the act, as far as the law decides it."""
        command = c.ACTS.get(act)
        return command not in OUTCOMES or any(item.name == gate and command in item.acts for item in self.gates)


def vocabulary(gates: tuple[Gate, ...] = GATES) -> Law:
    """The law with every act of the vocabulary: what contracts are proved for."""
    return Law(tuple(c.ACTS), gates)


def present(gates: tuple[Gate, ...] = GATES) -> Law:
    """The law with the acts that this program decides: what witness runs can do."""
    return Law(tuple(name for name, act in c.ACTS.items() if act in OUTCOMES), gates)


class Life:
    """What a contract says, as far as the life of its orders depends on it."""

    def __init__(self, contract: Bundle, passable: tuple[bool, ...]) -> None:
        """Read a contract; `passable`: by step, whether readings exist that can be signed as pass."""
        self.contract = contract
        self.template: SmartClientPO = contract.template
        self.technique: SmartSP = contract.technique
        self.steps: tuple[Step, ...] = contract.technique.steps
        self.passable = passable
        self.position = {step.id: place for place, step in enumerate(self.steps)}
        self.prechecks = tuple(place for place, step in enumerate(self.steps) if step.kind == "precheck")
        self.matrix: tuple[Authority, ...] = MATRIX if contract.quality is None else contract.quality.dispositions

    @property
    def payouts(self) -> tuple[PayoutRule, ...]:
        """The bonus rules, wherever they stand."""
        return self.template.payouts if self.contract.pay is None else self.contract.pay.payouts

    @property
    def retests(self) -> int:
        """How often a step may be tested again."""
        retest = self.technique.retest
        return 0 if retest is None or not retest.allowed_causes else retest.max

    @property
    def resumers(self) -> tuple[str, ...]:
        """Who may resume a failed run."""
        named = ("level3",) if self.technique.on_failed is None else self.technique.on_failed.resume
        return tuple(role for role in named if are_people(role))

    def decides(self, disposition: str) -> Authority | None:
        """Who decides so on a nonconformance, if anybody may."""
        for authority in self.matrix:
            if authority.disposition == disposition and any(are_people(role) for role in authority.roles):
                return authority
        return None

    def assignable(self) -> bool:
        """Whether somebody can be named: a job is given to one who does a step; steps of other roles are anybody's in them."""
        return any(are_people(step.role) for step in self.steps)

    def watched(self, place: int) -> bool:
        """Whether a step rests on an environmental log."""
        return any(self.steps[place].id in item.steps for item in self.technique.environment)

    def reported(self) -> bool:
        """Whether the report rests on an environmental log."""
        return any("report" in item.steps for item in self.technique.environment)

    def enter(self, state: State, place: int) -> State:
        """The turn of a step comes; past the last one the work is done."""
        over = place >= len(self.steps)
        window = None if over else self.steps[place].window
        timing = "early" if window is not None and window.min_s > 0 else "now"
        step = "done" if over else "idle"
        return state._replace(at=place, step=step, tries=0, timing=timing, waived=False, permits=0)

    def settled(self, state: State) -> State:
        """What follows by itself: invoices of the milestones that are reached, payouts once QA and compliance signed."""
        reached = {
            "arrival": state.order == "here",
            "qa_accepted": bool(state.qa),
            "client_accepted": state.report in ("approved", "deemed_accepted"),
        }
        due = (item.id for item in self.template.billing if reached.get(item.when, False))
        fired = tuple(sorted({*state.fired, *due}))
        return state._replace(fired=fired, paid=state.paid or (bool(state.qa) and state.compliance))


OPEN: Final = ("open", "good", "bad", "half", "half_bad")
"""What a step is while somebody is at it."""
RUNNING: Final = Guard(
    "the run has not failed", "JOB_FAILED", lambda s: s.job != "failed", "sequence.not_failed", "job.resume"
)
NOT_STOPPED: Final = Guard(
    "no stop-work is in force", "CONTRACT_SUSPENDED", lambda s: not s.stopped, "contracts.suspended", "contract.suspend"
)
NO_RED_TAG: Final = Guard(
    "no nonconformance is open", "NCR_OPEN", lambda s: s.step != "red", "sequence.nonconformances"
)


def enforced(move: Move, law: Law) -> Move:
    """The move with those guards that this law has."""
    meant = tuple(guard for guard in move.guards if law.has(guard.needs))
    kept = tuple(guard for guard in meant if not guard.gate or law.guards(move.act, guard.gate))
    return move._replace(guards=kept, missing=tuple(guard for guard in meant if guard not in kept))

"""Witness runs: the graph's ways as acts of named people at named moments, each with the answer that the graph predicts.

A deed is written in the words of the scenario vocabulary, so that it can be signed and sent to real sites like any scenario.
What the engine says must be exactly what was predicted: the verdict, the code of a refusal, and what became true.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec import Struct

from holdgate.certifier import values
from holdgate.certifier.cast import PERFORMERS, SUBJECTS, Cast, cast_of
from holdgate.certifier.life import Life
from holdgate.certifier.rule_parts import constants, rules_of
from holdgate.certifier.tour import Leg
from holdgate.law.contract import Environment, Step
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US
from holdgate.terms.quantity import EXACT, parse_decimal

BEGIN: Final = 1_767_600_000 * SECOND_US
"""Monday, 5 January 2026, 08:00 UTC: when every witness run begins."""
TICK_US: Final = SECOND_US


class Deed(Struct, frozen=True, kw_only=True):
    """One act and the answer that is predicted.

    `at`: UTC µs. `inputs`: as a scenario file would write them. `says`: what becomes true, sorted; `code`: of the refusal, "" where
    it is allowed. `words`: the act as a sentence.
    """

    at: int
    actor: str
    role: str
    action: str
    inputs: dict[str, Any]
    words: str
    says: tuple[str, ...] = ()
    code: str = ""


class Slip(NamedTuple):
    """A deed gone wrong. `words`: what is wrong, as a sentence; `wrong`: inputs that replace those of the deed (None: left out)."""

    words: str
    code: str
    wrong: Mapping[str, Any]
    actor: str = ""


class Unrealised(Exception):
    """A way that cannot be walked in time: a window is over before the acts before it are done."""


class Missed(NamedTuple):
    """A leg that no run could show. `why`: as a sentence; "" where it only comes after one that could not be walked."""

    leg: Leg
    why: str = ""


class Track:
    """What a witness run keeps of its order and job."""

    def __init__(self, number: int, serials: tuple[str, ...]) -> None:
        self.id = f"W-ORDER-{number}"
        self.job = f"W-JOB-{number}"
        self.number = number
        self.serials = serials
        self.reports = 0
        self.started: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self.told: dict[int, int] = {}
        self.first = 0
        self.last = 0
        self.signers: list[str] = []
        self.open = -1
        self.begun = False
        self.over = False
        self.read: tuple[values.Read, ...] = ()
        self.lost: dict[str, str] = {}
        self.red: tuple[str, ...] = ()
        self.deviations = 0
        self.permits = 0
        self.paid: tuple[str, ...] = ()
        self.issued = 0
        self.first_report = 0
        self.due = 0

    @property
    def report(self) -> str:
        """The present report's number."""
        return f"W-REPORT-{self.number}-{self.reports}"

    @property
    def facts(self) -> values.JobFacts:
        """What a rule may read of the job."""
        return values.JobFacts(self.job, self.serials, self.deviations)


class Writer:
    """Writes deeds, one way after the other, for one contract in one shop."""

    def __init__(self, life: Life) -> None:
        """Begin with nobody's order."""
        self.life = life
        self.cast: Cast = cast_of(life.contract)
        self.deeds: list[Deed] = []
        self.clock = BEGIN
        self.parts = parts_for(life)
        self.performer = PERFORMERS[0]
        self._orders = 0
        self.reader = 0
        self._session = 0
        self.logged: dict[str, int] = {}
        self._slipped: dict[str, None] = {}
        self.order = self._new_order()

    # ---- ways ------------------------------------------------------------------------------------------------------

    def way(self, legs: Sequence[Leg], write: Mapping[str, Callable[["Writer", Leg], None]]) -> list[Missed]:
        """Write a way as deeds on an order of its own; the legs that cannot be walked in time, with all that come after."""
        self.order = self._new_order()
        left: list[Missed] = []
        for number, leg in enumerate(legs):
            try:
                write[leg.move.act](self, leg)
            except Unrealised as error:
                left.append(Missed(leg, str(error)))
                if leg.refused_by is None:
                    return [*left, *(Missed(after) for after in legs[number + 1 :])]
        return left

    def deed(
        self, leg: Leg, who: str, role: str, inputs: dict[str, Any], *says: str, slips: Sequence[Slip] = ()
    ) -> None:
        """Write one deed as the leg predicts it; refused, it takes no time and nothing becomes true.

        Args:
            leg: the move and its prediction.
            who: the actor; `role`: theirs.
            role: see `who`.
            inputs: as a scenario file would write them.
            says: what becomes true, besides invoices.
            slips: what is tried before with something wrong in it, once for each kind.
        """
        act, words = leg.move.act, leg.move.words
        if leg.refused_by is not None:
            self._write(who, role, act, inputs, words, (), leg.refused_by.code)
            return
        self.clock += TICK_US
        for slip in slips:
            if slip.words not in self._slipped:
                self._slipped[slip.words] = None
                wrong = {key: value for key, value in {**inputs, **slip.wrong}.items() if value is not None}
                self._write(slip.actor or who, role, act, wrong, slip.words, (), slip.code)
        self._write(who, role, act, inputs, words, (*says, *self._invoices(leg)))

    def also(self, who: str, role: str, action: str, inputs: dict[str, Any], words: str, *says: str) -> None:
        """Write one deed that belongs to no leg of its own, and is allowed."""
        self.clock += TICK_US
        self._write(who, role, action, inputs, words, says)

    def try_once(self, words: str, code: str, who: str, role: str, action: str, inputs: dict[str, Any]) -> None:
        """Write one deed that has to be refused, once for each kind."""
        if words not in self._slipped:
            self._slipped[words] = None
            self._write(who, role, action, inputs, words, (), code)

    def _write(
        self, who: str, role: str, action: str, inputs: dict[str, Any], words: str, says: Sequence[str], code: str = ""
    ) -> None:
        told = tuple(sorted(says))
        written = Deed(
            at=self.clock, actor=who, role=role, action=action, inputs=inputs, words=words, says=told, code=code
        )
        self.deeds.append(written)

    def _new_order(self) -> Track:
        """An order of parts, or of what else the technique is about."""
        self._orders += 1
        number, kind = self._orders, self.life.technique.subject
        if kind == "document":
            return Track(number, (f"W-ORDER-{number}",))
        if kind in SUBJECTS:
            return Track(number, tuple(f"{SUBJECTS[kind]}-{part + 1}" for part in range(self.parts)))
        return Track(number, tuple(f"W{number}-{part + 1}" for part in range(self.parts)))

    def _invoices(self, leg: Leg) -> Iterator[str]:
        for item in self.life.template.billing:
            if item.id in leg.after.fired and item.id not in leg.before.fired:
                yield f"InvoiceIssued {item.id} {item.amount_minor}"

    def signed(self, place: str, meaning: str) -> dict[str, Any]:
        """What a signature adds to the inputs: fresh components, a session of its own."""
        self._session += 1
        auth = {"components": ["badge", "pin"], "session": f"W-{self._session}"}
        return {"workstation": place, "meaning": meaning, "auth": auth}

    def step(self, leg: Leg) -> Step:
        """The step that a leg is about."""
        return self.life.steps[leg.move.at]

    def station(self, step: Step) -> str:
        """A workstation where the step may be done."""
        return self.cast.stations[step.zones[0]]

    # ---- time ------------------------------------------------------------------------------------------------------

    def wait_until(self, at: int) -> None:
        """Let time pass, keeping the logs alive that somebody relies on."""
        while self.clock < at:
            due = [self.logged[item.series] + item.max_gap_s * SECOND_US for item in self._relied_on()]
            pause = min([at, *(moment - SECOND_US for moment in due if moment - SECOND_US > self.clock)])
            self.clock = max(pause, self.clock)
            if self.clock < at:
                for item in self._relied_on():
                    self.log(item)

    def _relied_on(self) -> tuple[Environment, ...]:
        """The series that an open step rests on, and those of the report while the job runs."""
        order = self.order
        named = {self.life.steps[order.open].id} if order.open >= 0 else set()
        if order.begun and not order.over:
            named.add("report")
        every = self.life.technique.environment
        return tuple(item for item in every if item.series in self.logged and not named.isdisjoint(item.steps))

    def log(self, item: Environment, *says: str, good: bool = True) -> None:
        """One value of a series."""
        value = _air(self.life.technique.environment, item, good=good)
        inputs = {"series": item.series, "value": value, "unit": item.unit}
        words = f"{item.series} is logged as {value} {item.unit}"
        self.also(item.sensor, "sensor", "env.log", inputs, words, f"EnvironmentLogged {item.series}", *says)
        self.logged[item.series] = self.clock

    def watched(self, place: int) -> tuple[Environment, ...]:
        """The series that a step rests on."""
        step = self.life.steps[place].id
        return tuple(item for item in self.life.technique.environment if step in item.steps)


def parts_for(life: Life) -> int:
    """How many parts a run has: as many as let every step be started and passed.

    Raises:
        Malformed: no number that is tried does.
    """
    stuck: dict[str, None] = {}
    tried = _counts(life)
    for count in tried:
        facts = values.JobFacts("W-JOB-1", tuple(f"W1-{part + 1}" for part in range(count)), 0)
        hard = [step.id for place, step in enumerate(life.steps) if not _doable(life, place, step, facts)]
        if not hard:
            return count
        stuck |= dict.fromkeys(hard)
    job = f"no job of up to {max(tried)} parts that begins on {instant.show(BEGIN)}"
    raise Malformed(f"{job} passes every step; the rules of {', '.join(stuck)} ask for something else")


def _counts(life: Life) -> tuple[int, ...]:
    """How many parts are tried: a few, and as many as the rules name; of what has to be on a register only those there are."""
    if life.technique.subject in SUBJECTS:
        return values.PARTS_TRIED
    rules = [rule for step in life.steps for when in ("start", "sign") for rule in rules_of(step, when)]
    named = {const.v for rule in rules for const in constants(rule) if const.t == "int" and isinstance(const.v, int)}
    more = {near for number in named for near in (number - 1, number, number + 1)}
    return (*values.PARTS_TRIED, *sorted(near for near in more if max(values.PARTS_TRIED) < near <= values.PARTS_MAX))


def _doable(life: Life, place: int, step: Step, facts: values.JobFacts) -> bool:
    if values.moment(life.technique, step, "start", facts, BEGIN, BEGIN, (), "") is None:
        return False
    return not life.passable[place] or values.readings(life.technique, step, facts, BEGIN, good=True) is not None


def _air(every: Sequence[Environment], item: Environment, *, good: bool) -> str:
    """A value inside of all limits that the series has, or beyond the declared one."""
    same = [other for other in every if other.series == item.series]
    lows = [value for other in same if (value := parse_decimal(other.min or "")) is not None]
    highs = [value for other in same if (value := parse_decimal(other.max or "")) is not None]
    if good:
        return format(max(lows) if lows else min(highs) if highs else Decimal(0), "f")
    beyond = EXACT.add(min(highs), Decimal(1)) if highs else EXACT.subtract(max(lows), Decimal(1))
    return format(beyond, "f")

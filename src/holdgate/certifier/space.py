"""Every fact that a rule of a step can meet, as one script: time, result, job, and readings with their limits.

Two kinds of readings. `recorded`: whatever is on the record at any moment, complete or not, any number of places.
`signed`: what a signature needs: each characteristic once, part by part where it is taken so, at the declared decimals.
The facts are those of `holdgate.law.gates.own_rules.facts_of`; `conforms` and `value` hang on the same reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from holdgate.certifier.encode import Cell, Encoder, Place
from holdgate.certifier.facts import RULE_FACTS
from holdgate.certifier.smt import FALSE, TRUE, Script, Term, both, either, no, num, same
from holdgate.certifier.tuning import Limits, Tuning, limits_of, scale_of, shown
from holdgate.law.contract import Characteristic, SmartSP, Step
from holdgate.law.rules.nodes import Node, paths
from holdgate.law.rules.operators import INT_MAX, INT_MIN
from holdgate.law.technique import AS_FOUND
from holdgate.terms import instant, limits

TIME_MAX: Final = limits.INTEGER_ABS_MAX
"""The last instant that a record can hold (UTC µs)."""


_READING: Final = RULE_FACTS["readings"]
COUNTED: Final = isinstance(_READING, list) and "count" in _READING[0]
"""Whether this law version lays before a rule how often something was read."""


class Reading(NamedTuple):
    """A reading as terms: `at` is its value at the step's scale, `value` the same at the characteristic's resolution.

    `times`: how often it was taken. `counts`: a pass asks for it to conform (as found, how an instrument was met fails nothing).
    """

    filled: Term
    id: Term
    serial: Term
    at: Term
    conforms: Term
    value: Term
    readable: Term
    times: Term
    counts: bool = True


class StepFacts:
    """The facts of one step in one script."""

    def __init__(self, technique: SmartSP, step: Step, how: str = "free") -> None:
        self.technique = technique
        self.step = step
        self.script = Script()
        self.encoder = Encoder(self.script)
        self.tuning = Tuning(self.script, how)
        self.scale = scale_of(step, technique)
        self.readings: list[Reading] = []
        self._job: dict[str, Cell] = {}

    # ---- what there is ---------------------------------------------------------------------------------------------

    def job(self) -> None:
        """A job: some id, one part or more, any number of deviations."""
        s = self.script
        self._job = {
            "id": Cell(s.integer("job.id", 0)),
            "parts": Cell(s.integer("job.parts", 1, limits.LIST_ITEMS_MAX)),
            "deviations": Cell(s.integer("job.deviations", 0, limits.LIST_ITEMS_MAX)),
        }

    def result(self) -> Term:
        """What a step is signed as."""
        term = self.script.integer("result", 0)
        self.script.hold(either(*(same(term, self.script.text(result)) for result in RESULTS)))
        return term

    def start(self) -> Term:
        """When the step was started; as much time lies after it as before."""
        return self.script.integer("started", 0, TIME_MAX // 2)

    def moment(self, name: str, after: Term = "0") -> Term:
        """An instant, not before another."""
        term = self.script.integer(name, 0, TIME_MAX)
        self.script.hold(f"(<= {after} {term})")
        return term

    def record(self, places: int) -> None:
        """Readings as they may be at any moment: at most so many, each characteristic and part once."""
        before: Term = TRUE
        for place in range(places if self.step.characteristics else 0):
            filled = self.script.boolean(f"readings[{place}]")
            self.script.hold(either(before, no(filled)))
            before = filled
            self.readings.append(self._any_reading(f"readings[{place}]", filled))
        self._once()

    def complete(self, parts: int, *, scaled: bool) -> None:
        """Readings as a signature needs them, for that many parts at most.

        Parts beyond are like one of these: `holdgate.certifier.encode.places_for` says how many tell all cases apart. `scaled`:
        with the declared decimals at most, as a rule that reads values needs them.
        """
        empty = self.script.text("")
        serials: list[Term] = []
        if any(item.per_serial for item in self.step.characteristics):
            serials = [self.script.integer(f"serial[{place}]", 0) for place in range(parts)]
            for place, serial in enumerate(serials):
                self.script.hold(both(*(no(same(serial, other)) for other in (empty, *serials[:place]))))
        for item in self.step.characteristics:
            if item.per_serial:
                count = self._job["parts"].value
                for place, serial in enumerate(serials):
                    name = f"{item.id}/{place}"
                    self.readings.append(self._reading(item, name, serial, f"(< {place} {count})", scaled=scaled))
            else:
                self.readings.append(self._reading(item, item.id, empty, TRUE, scaled=scaled))

    def _reading(self, item: Characteristic, name: str, serial: Term, filled: Term, *, scaled: bool) -> Reading:
        s = self.script
        if scaled:
            value = s.integer(f"{name}.value", INT_MIN, INT_MAX)
            at = s.named(f"(* {10 ** (self.scale - item.resolution)} {value})", "Int")
        else:
            value, at = "0", s.integer(f"{name}.at")
        good = s.named(self.conforms(item, at))
        readable, count = TRUE if scaled else FALSE, self._count(name)
        return Reading(filled, s.text(item.id), serial, at, good, value, readable, count, item.effect != AS_FOUND)

    def _count(self, name: str) -> Term:
        """How often something was read, where rules may read that; once else."""
        return self.script.integer(f"{name}.count", 1, limits.LIST_ITEMS_MAX) if COUNTED else "1"

    def _any_reading(self, name: str, filled: Term) -> Reading:
        s, items = self.script, self.step.characteristics
        which, serial = s.integer(f"{name}.id"), s.integer(f"{name}.serial", 0)
        at, value = s.integer(f"{name}.at"), s.integer(f"{name}.value", INT_MIN, INT_MAX)
        rest, readable = s.integer(f"{name}.rest", 0), s.boolean(f"{name}.readable")
        empty, kinds, good = s.text(""), [], []
        s.hold(same(f"(= {rest} 0)", readable))
        for item in items:
            here, factor = same(which, s.text(item.id)), 10 ** (self.scale - item.resolution)
            plain = same(serial, empty)
            told = same(at, f"(+ (* {factor} {value}) {rest})")
            kinds.append(both(here, no(plain) if item.per_serial else plain, told, f"(< {rest} {factor})"))
            good.append(both(here, self.conforms(item, at)))
        s.hold(either(*kinds))
        return Reading(filled, which, serial, at, s.named(either(*good)), value, readable, self._count(name))

    def _once(self) -> None:
        for place, reading in enumerate(self.readings):
            for other in self.readings[:place]:
                alike = both(same(reading.id, other.id), same(reading.serial, other.serial))
                self.script.hold(either(no(reading.filled), no(other.filled), no(alike)))

    def conforms(self, item: Characteristic, at: Term) -> Term:
        """Whether a value lies inside the acceptance limits, ends included."""
        return inside(limits_of(self.technique, self.step, item, self.scale), self.tuning, at)

    # ---- what is asked ---------------------------------------------------------------------------------------------

    @property
    def all_conform(self) -> Term:
        """Every reading that counts for a pass conforms."""
        return self.script.named(both(*(either(no(r.filled), r.conforms) for r in self.readings if r.counts)))

    def facts(self, now: Term, started: Term, result: Term, *, readings: bool = True) -> Mapping[str, Cell]:
        """The facts of one evaluation."""
        return self.facts_of(now, started, result, self.readings if readings else [])

    def facts_of(self, now: Term, started: Term, result: Term, readings: Sequence[Reading]) -> Mapping[str, Cell]:
        """The facts of one evaluation over these readings."""
        s = self.script
        listed = tuple(
            Place(
                r.filled,
                {
                    "id": Cell(r.id),
                    "serial": Cell(r.serial),
                    "conforms": Cell(r.conforms),
                    "value": Cell(r.value, no(r.readable)),
                    **({"count": Cell(r.times)} if COUNTED else {}),
                },
            )
            for r in readings
        )
        return {
            "now": Cell(now),
            "result": Cell(result),
            "job": Cell(self._job),
            "step": Cell({"id": Cell(s.text(self.step.id)), "started": Cell(started)}),
            "readings": Cell(listed),
        }

    def hold_all(self, rules: tuple[Node, ...], facts: Mapping[str, Cell]) -> Term:
        """Every rule is exactly true."""
        return both(*(self.encoder.true(rule, facts) for rule in rules))

    # ---- what was found --------------------------------------------------------------------------------------------

    def tell(self, values: Mapping[str, int | bool], *rules: Node) -> str:
        """A case that a solver found, as people write it: tuned parameters, readings, and what the rules read besides."""
        read = {path for rule in rules for path in paths(rule)}
        told: list[str] = []
        for item in self.technique.adaptable:
            if f"tune.{item.id}" in values:
                places = 0 if item.characteristic is None else self.scale
                told.append(f"{item.id} tuned to {shown(int(values[f'tune.{item.id}']), places)}")
        told += _told_readings(self, values)
        for name, path in _ASIDE:
            if path in read and name in values:
                value = int(values[name])
                text = instant.show(value) if path in ("now", "step.started") else str(value)
                told.append(f"{path} {self.script.texts.get(value, '?') if name == 'result' else text}")
        return ", ".join(told)


_ASIDE: Final = (
    ("job.parts", "job.parts"),
    ("job.deviations", "job.deviations"),
    ("result", "result"),
    ("started", "step.started"),
    ("now", "now"),
)
"""Constants of a script and the facts that they stand for."""
RESULTS: Final = ("pass", "fail", "accepted_under_concession")
"""What a step can be signed as."""


def _told_readings(facts: StepFacts, values: Mapping[str, int | bool]) -> Iterator[str]:
    measured, texts = {item.id: item for item in facts.step.characteristics}, facts.script.texts
    for name, value in values.items():
        head, _, tail = name.rpartition(".")
        which, _, place = head.partition("/")
        if head.startswith("readings[") and tail == "at" and values.get(head, False):
            which = texts.get(int(values.get(f"{head}.id", -1)), "?")
            unit = measured[which].unit if which in measured else ""
            yield f"{which} reads {shown(int(value), facts.scale)} {unit}".strip()
        elif which in measured and tail in ("at", "value"):
            part = f" of part {int(place) + 1}" if place else ""
            places = facts.scale if tail == "at" else measured[which].resolution
            yield f"{which}{part} reads {shown(int(value), places)} {measured[which].unit}"


def inside(bounds: Limits, tuning: Tuning, at: Term) -> Term:
    """Whether a value lies inside limits under a tuning, ends included."""
    parts: list[Term] = []
    if bounds.low is not None:
        parts.append(f"(>= {at} {moved(tuning.least(bounds.low), bounds.guard)})")
    if bounds.high is not None:
        parts.append(f"(<= {at} {moved(tuning.most(bounds.high), -bounds.guard)})")
    if bounds.equals is not None:
        parts.append(same(at, num(bounds.equals)))
    return both(*parts)


def moved(term: Term, by: int) -> Term:
    """A term and a number."""
    return f"(+ {term} {num(by)})" if by else term

"""A case: one action before the law, with what the gates read laid out once."""

from decimal import Decimal
from typing import Final, NamedTuple

from holdgate.identity.charter import Settings
from holdgate.identity.roster import Identity
from holdgate.law.command import AnyCommand, Command, Signer
from holdgate.law.decision import Denial, Value
from holdgate.law.event import AnyEvent
from holdgate.law.library import Library
from holdgate.law.state import Attempt, ContractRecord, Deviation, Job, Order, Report, State
from holdgate.law.technique import Measure, Operation, Parameter, Technique, Values
from holdgate.terms.limits import DENIAL_VALUE_CHARS_MAX, DENIAL_VALUES_BYTES_MAX, DENIALS_MAX


class Pin(NamedTuple):
    """Something that came beside the action and is pinned with it: the SHA-256 of its content (hex) and its content."""

    sha256: str
    content: bytes


class Case:
    """What the gates read, and where they write what they find.

    Fields that an act does not have stay None. `waived`: denial codes that an unused deviation of this step waives.
    `contract`: the version that the act is about or is judged by. `tuned`: what the step starts
    under, where it is not the contract's own. `facts`: what a denial carries all the same.
    Gates never change anything but `found`, `facts`, `reads` and, through them, the answer.
    """

    __slots__ = (
        "actor",
        "attempt",
        "command",
        "contract",
        "deviation",
        "facts",
        "found",
        "gate",
        "job",
        "library",
        "measure",
        "now",
        "operation",
        "order",
        "parameter",
        "person",
        "pins",
        "reads",
        "report",
        "room",
        "settings",
        "state",
        "station",
        "technique",
        "tuned",
        "value",
        "waived",
    )

    actor: Signer
    attempt: Attempt | None
    command: AnyCommand
    contract: ContractRecord | None
    deviation: Deviation | None
    facts: list[AnyEvent]
    found: list[Denial]
    gate: str
    job: Job | None
    library: Library
    measure: Measure | None
    now: int
    operation: Operation | None
    order: Order | None
    parameter: Parameter | None
    person: Identity | None
    pins: tuple[Pin, ...]
    reads: list[int]
    report: Report | None
    room: int
    settings: Settings
    state: State
    station: Identity | None
    technique: Technique | None
    tuned: Values
    value: Decimal | None
    waived: tuple[str, ...]

    def __init__(self, state: State, library: Library, command: AnyCommand, now: int, pins: tuple[Pin, ...]) -> None:
        self.state = state
        self.library = library
        self.command = command
        self.now = now
        self.pins = pins
        self.settings = state.charter.settings
        self.actor = actor = command.signers[0]
        self.person = state.identities.get(actor.id)
        self.station = None if command.place is None else state.identities.get(command.place)
        self.order = self.job = self.technique = self.operation = self.attempt = None
        self.measure = self.value = self.contract = self.report = self.deviation = self.parameter = None
        self.waived = self.tuned = ()
        self.gate = ""
        self.begin()

    def begin(self) -> None:
        """Nothing is found yet."""
        self.facts = []
        self.found = []
        self.reads = []
        self.room = DENIAL_VALUES_BYTES_MAX

    def deny(self, code: str, **values: Value) -> None:
        """Note an unmet condition: the first DENIALS_MAX of them, as far as they fit an entry, long texts cut short."""
        if not self.gate:
            self.found.append(NOTED)  # the first round only asks whether anything is found
        elif len(self.found) < DENIALS_MAX and self.room > 0:
            cut = {name: short(value) for name, value in values.items()}
            self.room -= sum(len(str(value).encode()) for value in cut.values())
            self.found.append(Denial(code=code, gate=self.gate, values=cut))

    def fact(self, event: AnyEvent) -> None:
        """Note what is true all the same where the act is refused (foundations 3); an act that is allowed drops it."""
        if self.gate and event not in self.facts:  # the first round only asks whether anything is found
            self.facts.append(event)

    def pinned(self, sha256: str) -> bytes | None:
        """What came beside the action under this digest."""
        for pin in self.pins:
            if pin.sha256 == sha256:
                return pin.content
        return None


NOTED: Final = Denial(code="", gate="")
"""Stands for a denial in the first round over the gates, which does not say what it found."""


def short(value: Value) -> Value:
    """A value as a denial may name it: long texts and lists cut short."""
    if isinstance(value, str):
        return value if len(value) <= DENIAL_VALUE_CHARS_MAX else f"{value[: DENIAL_VALUE_CHARS_MAX - 1]}…"
    if isinstance(value, int):
        return value
    kept: list[str] = []
    room = DENIAL_VALUE_CHARS_MAX
    for text in value:
        room -= len(text)
        if room < 0:
            kept.append("…")
            break
        kept.append(text)
    return tuple(kept)


__all__ = ["Case", "Command", "Pin", "short"]

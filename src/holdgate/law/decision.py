"""Decisions and denials as values. A denial grants nothing; it may carry the few facts that the vocabulary lists."""

from typing import Final

from msgspec import Struct

from holdgate.law.event import AnyEvent

SEMANTICS: Final = 1
"""Version of the engine's semantics: part of every pin; old ones stay executable."""

Value = str | int | tuple[str, ...]


class Denial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One unmet condition: its code, the gate that found it, and the values that its sentence names."""

    code: str
    gate: str
    values: dict[str, Value] = {}


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What the law says to one action.

    `verdict`: allow or deny. `events`: what became true (on deny: fact events only). `denials`: every unmet condition in
    gate order. `trace`: every gate that was asked and what it said (`name ok` or `name CODE`), on a denial only: an
    allowed action passed all the gates of its act in this law version. `reads`: the own-log entries that the decision
    rests on.
    """

    verdict: str
    events: tuple[AnyEvent, ...] = ()
    denials: tuple[Denial, ...] = ()
    trace: tuple[str, ...] = ()
    reads: tuple[int, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the action took effect."""
        return self.verdict == "allow"

    @property
    def codes(self) -> tuple[str, ...]:
        """The denial codes, in gate order."""
        return tuple(denial.code for denial in self.denials)


def allow(*events: AnyEvent) -> Decision:
    """An allowed action and what it made true."""
    return Decision(verdict="allow", events=events)


def deny(code: str, gate: str, *events: AnyEvent, **values: Value) -> Decision:
    """A refusal for one reason."""
    return Decision(
        verdict="deny",
        events=events,
        denials=(Denial(code=code, gate=gate, values=values),),
        trace=(f"{gate} {code}",),
    )

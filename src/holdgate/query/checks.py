"""What each gate checks, in a plain sentence, and what it said to an action.

The sentence is the first line of the check's own documentation, so that it cannot say anything else than the code beside
it; the arrival gate, which knows no law, has its sentences here. Of an allowed action every gate of its act said ok; of a
refused one the record holds what each said.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.decision import Decision
from holdgate.law.gates.acts import HUB_ACTS, NODE_ACTS
from holdgate.law.gates.table import GATES, gates_of

OK: Final = "ok"


class Check(Struct, frozen=True, kw_only=True):
    """One gate: its name, what it checks, and `said`: ok, or the codes that it found."""

    gate: str
    checks: str
    said: str


AT_THE_DOCK: Final[dict[str, str]] = {
    "signers": "Every signer is enrolled, in force, and holds the role that they sign in; a workstation is in force.",
    "sender": "The sender is the charter's own site of that kind, with its own key.",
    "reader": "A device that is enrolled as a reader signed this in that role, and counted it.",
    "counter": "The reader's counter goes up; gaps are measured, not refused.",
    "read point": "The scan was made at an enrolled place of the receiving area: the one where this reader stands.",
    "time": "The time that is given is of this moment, give or take the skew; a buffered scan says when it was made.",
    "count": "There are as many parts as serials, at least one, each once.",
    "order": "There is one order that waits for these parts: the one that is named, else the only one.",
    "buffer age": "A buffered scan is not older than the order accepts.",
    "part": "Part number, revision and serials are those of the order; anything else is set aside.",
    "duplicate": "A part arrives once.",
    "evidence": "The order accepts this class of evidence.",
    "whole lot": "The order goes when all of its parts are here, unless its policy lets verified lots go.",
    "slip": "The slip names parts, each once.",
    "once": "An order is staged once; only an amendment changes it.",
    "receipt": "It is this node's order, this body, and parts that went there; once.",
    "release by hand": "By hand nothing is released, whoever asks: only an accepted arrival does that.",
    "witnesses": "Two people of different roles among those that know the dock say so.",
    "place": "It is said at a workstation of the receiving area.",
    "photo": "A photo shows the parts.",
    "reason": "A reason is given.",
    "unlocked": "Each signature was unlocked by its owner's own components.",
    "meaning": "Each signature says what it means.",
    "role": "The role is one that may take an arrival back.",
    "parts": "The parts are on the record as here, each named once, and none of them went to its node.",
}
"""The arrival gate's questions, by the names that its decisions carry. A test holds this against the gate's sources."""
_ELSEWHERE: Final[dict[str, str]] = {
    "decide": "The act is one that this kind of site decides.",
    "match": "The act is one that this kind of site decides.",
    "envelope": "What came can be read, and is signed by those whom it names.",
    "import": "A stretch of another record holds together, link by link, up to its signed root.",
}


def _sentence(check: Callable[..., Any]) -> str:
    return (check.__doc__ or "").strip().partition("\n")[0]


_SENTENCES: Final[dict[str, str]] = {
    **_ELSEWHERE,
    **AT_THE_DOCK,
    **{gate.name: _sentence(gate.check) for gate in GATES},
}


def sentence_of(gate: str) -> str:
    """What a gate checks; empty for one that this version does not know."""
    return _SENTENCES.get(gate, "")


_LAW: Final = frozenset((*HUB_ACTS, *NODE_ACTS))
_SCANNED: Final = ("count", "order", "part", "duplicate", "evidence")
_PASSED: Final[dict[type[c.Command], tuple[str, ...]]] = {
    c.StageSlip: ("signers", "sender", "slip", "once"),
    c.ReportArrival: (
        *("reader", "counter", "read point", "time", "count", "order", "buffer age"),
        *("part", "duplicate", "evidence"),
    ),
    c.AttestArrival: ("signers", "witnesses", "time", "place", "reason", "photo", "unlocked", "meaning", *_SCANNED),
    c.VoidArrival: ("signers", "role", "time", "reason", "parts"),
    c.AcknowledgeForward: ("signers", "sender", "receipt"),
}
"""What an allowed act passed at the arrival gate."""


def checks_of(act: type[c.Command], decision: Decision) -> tuple[Check, ...]:
    """Every gate of a decision, with what it said.

    Args:
        act: the kind of action.
        decision: as it is on the record. A refused one has its trace; an allowed one passed all gates of its act.
    """
    if decision.allowed:
        names = tuple(gate.name for gate in gates_of(act)) if act in _LAW else _PASSED.get(act, ())
        return tuple(Check(gate=name, checks=sentence_of(name), said=OK) for name in names)
    asked = dict(_split(line) for line in decision.trace)
    return tuple(Check(gate=name, checks=sentence_of(name), said=said) for name, said in asked.items())


def _split(line: str) -> tuple[str, str]:
    """`name ok` or `name CODE CODE`; a name may hold blanks, a code is in capitals."""
    words = line.split()
    first = next((n for n, word in enumerate(words) if n and (word == OK or word.isupper())), len(words))
    return " ".join(words[:first]), " ".join(words[first:])

"""Why: one decision in words (SMART-Audit's question, SC-17: every decision names contract, version, rule and facts).

Who asked what, when and where, under which contract version; what each gate checks and what it said; the facts that the
decision rests on, each by the entry that it came by; what became true, and what followed by itself; for a refusal every
unmet condition with its remedy. All of it is read from the record: nothing is decided again.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.consequences import ConsequenceRecord
from holdgate.law.contract import read_document
from holdgate.law.decision import Decision
from holdgate.law.denial import remedy, sentence
from holdgate.ledger.entry import Entry
from holdgate.query.checks import Check, checks_of
from holdgate.query.record import Record, Said, charter_of, command_of, entry_at, taken_in
from holdgate.query.words import BY_ITSELF, in_words, listed, moment, shown
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import FACTS_TOLD_MAX

_HEADER: Final = frozenset(c.Command.__struct_fields__)


class SignedBy(Struct, frozen=True, kw_only=True):
    """One who signed. `name`: as enrolled, where the decision rests on that. `unlocked`: what was presented."""

    id: str
    role: str
    name: str = ""
    meaning: str = ""
    unlocked: str = ""


class Under(Struct, frozen=True, kw_only=True):
    """The contract version that it was decided under."""

    contract: str
    version: str
    title: str
    sha256: str


class Refusal(Struct, frozen=True, kw_only=True):
    """An unmet condition."""

    code: str
    gate: str
    says: str
    helps: str


class Fact(Struct, frozen=True, kw_only=True):
    """Something that the decision rests on: the entry that it came by, and what that says of it.

    `by_way_of`: the own entry that took it in from another site.
    """

    entry: str
    at: str
    says: tuple[str, ...]
    by_way_of: str = ""


class Why(Struct, frozen=True, kw_only=True):
    """One entry, explained."""

    entry: str
    kind: str
    at: str
    subject: str
    verdict: str
    act: str = ""
    means: str = ""
    asked: dict[str, str] = {}
    signers: tuple[SignedBy, ...] = ()
    place: str = ""
    claimed_at: str = ""
    under: Under | None = None
    gates: tuple[Check, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    rests_on: tuple[Fact, ...] = ()
    became_true: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()
    previous: str = ""


_KINDS: Final = {
    "genesis": "The charter founds the shop: its sites, its founders and its settings.",
    "boot": "The site started.",
    "attempt": "Something came that could not be authenticated. It changed nothing.",
    "import": "A stretch of another site's record was checked and taken in.",
    "consequence": "Something that follows from an earlier entry, and that other sites are told by itself.",
    "contact": "The link to another site changed.",
    "cosigned": "A witness confirmed how far this record is.",
}


def why(record: Record, seq: int) -> Why:
    """Explain one entry of a record.

    Args:
        record: the site's record.
        seq: the entry's index in it.

    Raises:
        Malformed: there is no such entry, or it cannot be read. Tampered: something that it rests on is missing.
    """
    one = entry_at(record, seq)
    command = command_of(one.entry)
    return _explained(record, one, command, tuple(_facts(record, one, command)), dict(_names(record, one)))


def why_taken(record: Record, one: Said) -> Why:
    """Explain an entry of another site as this record holds it: the facts that it rests on stand in that site's own record.

    Raises:
        Malformed: it cannot be read.
    """
    return _explained(record, one, command_of(one.entry), (), {})


def _explained(
    record: Record, one: Said, command: c.AnyCommand | None, facts: tuple[Fact, ...], names: dict[str, str]
) -> Why:
    entry, decision = one.entry, one.decision
    own, followed = _apart(decision.events)
    told: dict[str, Any] = {} if command is None else _told(record, one, command, names)
    return Why(
        entry=str(one.place),
        kind=entry.kind,
        at=moment(entry.at),
        subject=entry.subject,
        verdict=decision.verdict,
        rests_on=facts,
        refusals=_refusals(decision),
        became_true=tuple(in_words(event) for event in own),
        followed=tuple(in_words(event) for event in followed),
        previous=entry.prev,
        **({"means": _KINDS.get(entry.kind, "")} | told),
    )


def _told(record: Record, one: Said, command: c.AnyCommand, names: dict[str, str]) -> dict[str, Any]:
    """What is there to say of a signed action alone. `names`: of people."""
    signers = tuple(
        SignedBy(
            id=signer.id,
            role=signer.role,
            name=names.get(signer.id, ""),
            meaning=signer.meaning or "",
            unlocked="" if signer.auth is None else ", ".join(signer.auth.components),
        )
        for signer in command.signers
    )
    asked = {name: shown(name, value) for name, value in _own_fields(command) if value not in (None, (), {})}
    return {
        "act": str(type(command).__struct_config__.tag),
        "means": first_line(type(command).__doc__),
        "asked": asked,
        "signers": signers,
        "place": command.place or "",
        "claimed_at": moment(command.at),
        "under": _under(record, one, command),
        "gates": checks_of(type(command), one.decision),
    }


def first_line(text: str | None) -> str:
    """The first line of a docstring: the plain sentence that says what something is."""
    return (text or "").strip().partition("\n")[0]


def _own_fields(command: c.AnyCommand) -> Iterator[tuple[str, object]]:
    for name in command.__struct_fields__:
        if name not in _HEADER:
            yield name, getattr(command, name)


def _under(record: Record, one: Said, command: c.AnyCommand) -> Under | None:
    """The contract version: the one that the entry is pinned to, else the one that the act names."""
    law = one.entry.law
    sha256 = law.contract
    named = getattr(command, "sha256", None) or getattr(command, "contract", None)
    if sha256 is None and isinstance(named, str) and len(named) == 64:
        sha256 = named
    if sha256 is None:
        version = getattr(command, "version", None)
        return None if not named or version is None else Under(contract=named, version=version, title="", sha256="")
    raw = record.blob(sha256)
    try:
        document = None if raw is None else read_document(raw)
    except Malformed:
        document = None
    if document is None:
        return Under(contract="", version=law.version or "", title="", sha256=sha256)
    return Under(contract=document.id, version=document.version, title=document.title, sha256=sha256)


def _apart(events: tuple[ev.AnyEvent, ...]) -> tuple[list[ev.AnyEvent], list[ev.AnyEvent]]:
    """What the act itself made true, and what followed from that by itself."""
    own = [event for index, event in enumerate(events) if not index or not isinstance(event, BY_ITSELF)]
    return own, [event for index, event in enumerate(events) if index and isinstance(event, BY_ITSELF)]


def _refusals(decision: Decision) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(code=denial.code, gate=denial.gate, says=sentence(denial), helps=remedy(denial))
        for denial in decision.denials
    )


# ---- what it rests on ----------------------------------------------------------------------------------------------


def _facts(record: Record, one: Said, command: c.AnyCommand | None) -> Iterator[Fact]:
    """The entries that the decision read, in words: of an import, what concerns this action."""
    named = frozenset(_subjects(one)) if command is None else frozenset(mentioned(command, one))
    for seq in (*_cause(one.entry), *one.decision.reads):
        read = entry_at(record, seq)
        if read.entry.kind == "genesis":
            yield _fact(read, tuple(_founded(read.entry, named)) or (_KINDS["genesis"],))
            continue
        if read.entry.kind != "import":
            yield _fact(read, tuple(in_words(event) for event in read.decision.events[-FACTS_TOLD_MAX:]))
            continue
        concerns = [
            (foreign, about)
            for foreign in taken_in(record, read.entry)
            if (about := [event for event in foreign.decision.events if concerned(event, named)])
        ]
        if not concerns:
            yield _fact(read, tuple(in_words(event) for event in read.decision.events[:1]))
        for foreign, about in concerns[-FACTS_TOLD_MAX:]:
            yield _fact(foreign, tuple(in_words(event) for event in about[-FACTS_TOLD_MAX:]), str(read.place))


def _cause(entry: Entry) -> tuple[int, ...]:
    """The entry that a consequence follows from."""
    if entry.kind != "consequence":
        return ()
    return (msgspec.json.decode(entry.record, type=ConsequenceRecord).of,)


def _subjects(one: Said) -> Iterator[str]:
    """What an entry without an action is about."""
    for event in one.decision.events:
        yield from (value for name in event.__struct_fields__ if isinstance(value := getattr(event, name), str))


def _founded(entry: Entry, named: frozenset[str]) -> Iterator[str]:
    """What the charter says of those who are named."""
    charter = charter_of(entry)
    for seat in charter.sites:
        if seat.id in named:
            yield f"{seat.id} is the charter's {seat.kind.replace('_', ' ')}."
    for founder in charter.founders:
        if founder.id in named:
            yield f"{founder.id} ({founder.name}, {founder.org}) is a founder, as {listed(founder.roles)}."


def _fact(read: Said, says: tuple[str, ...], by_way_of: str = "") -> Fact:
    return Fact(entry=str(read.place), at=moment(read.entry.at), says=says, by_way_of=by_way_of)


def mentioned(command: c.AnyCommand, one: Said) -> Iterator[str]:
    """Every id that an action names: signers, workstation, and its own fields."""
    for signer in command.signers:
        yield signer.id
    if command.place is not None:
        yield command.place
    if one.entry.law.contract is not None:
        yield one.entry.law.contract
    for name, value in _own_fields(command):
        if isinstance(value, str) and name not in ("unit", "value", "new_value", "reason", "capture", "result"):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, str))


_SUBJECTS: Final = ("id", "person", "equipment", "batch", "report", "series", "policy", "sha256", "site")
"""Fields that say what an event is about, where that is no job and no order."""


def concerned(event: ev.AnyEvent, named: frozenset[str]) -> bool:
    """Whether an event is about something that is named: its job, its order where it has no job, else its subject."""
    fields = event.__struct_fields__
    if "order" in fields:
        keys = ("order", "job") if "job" in fields else ("order",)
        return all(getattr(event, key) in named for key in keys)
    return any(getattr(event, key) in named for key in _SUBJECTS if key in fields)


def _names(record: Record, one: Said) -> Iterator[tuple[str, str]]:
    """Names of people, as far as the decision rests on their enrolment."""
    for seq in one.decision.reads:
        read = entry_at(record, seq)
        if read.entry.kind == "genesis":
            yield from ((founder.id, founder.name) for founder in charter_of(read.entry).founders)
        for source in (read, *taken_in(record, read.entry)):
            for event in source.decision.events:
                if isinstance(event, ev.IdentityEnrolled):
                    yield event.id, event.name

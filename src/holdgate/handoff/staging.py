"""Staging: what waits at the gate, and what may go.

An order reaches the gate as a slip that the business hub signed: order, node, part ids, arrival policy. It is held
until its parts are here. `due` is the only place that makes an `OrderReleased`, and it makes one of recorded arrivals
alone.
Source: foundations 6; the floor page, the gate table.
"""

from collections.abc import Callable, Collection
from typing import Final, ParamSpec

from holdgate.crypto.hashes import digest
from holdgate.identity.charter import Settings
from holdgate.identity.roster import holds_seat
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law import signing
from holdgate.law.case import short
from holdgate.law.decision import Decision, Denial, Value
from holdgate.law.state import StagedSlip, State
from holdgate.terms import canon
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import DENIAL_VALUES_BYTES_MAX, DENIALS_MAX

P = ParamSpec("P")

BROADCAST: Final = "broadcast"
"""The evidence class of a reader's own scan."""
ATTESTED: Final = "attested"
"""The evidence class of two people's word, where no reader can."""


class Inquiry:
    """One act before the gate: what it is asked of, and what was found.

    `facts`: events that hold whatever the answer is. `found`, `trace`, `reads`: as a decision carries them. `unmet`: the codes
    of everything that was found, also of what does not fit an entry any more.
    """

    __slots__ = ("command", "facts", "found", "gate", "now", "reads", "room", "settings", "state", "trace", "unmet")

    def __init__(self, state: State, now: int, command: c.AnyCommand) -> None:
        self.command: c.AnyCommand = command
        self.state = state
        self.now = now
        self.settings: Settings = state.charter.settings
        self.gate = ""
        self.facts: list[ev.AnyEvent] = []
        self.found: list[Denial] = []
        self.unmet: list[str] = []
        self.room = DENIAL_VALUES_BYTES_MAX
        self.trace: list[str] = []
        self.reads: list[int] = []

    def ask(self, name: str, check: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Ask one check by its name; whether it found nothing."""
        self.gate = name
        before = len(self.unmet)
        check(*args, **kwargs)
        codes = " ".join(dict.fromkeys(self.unmet[before:]))
        self.trace.append(f"{name} {codes or 'ok'}")
        return not codes

    def deny(self, code: str, **values: Value) -> None:
        """Note an unmet condition: it counts in any case, and is named as far as it fits the entry."""
        self.unmet.append(code)
        if len(self.found) < DENIALS_MAX and self.room > 0:
            named = {name: short(value) for name, value in values.items()}
            self.room -= sum(len(str(value).encode()) for value in named.values())
            self.found.append(Denial(code=code, gate=self.gate, values=named))

    def allow(self, *events: ev.AnyEvent) -> Decision:
        """The act took effect."""
        return Decision(verdict="allow", events=(*self.facts, *events), reads=tuple(dict.fromkeys(self.reads)))

    def refuse(self) -> Decision:
        """The act is refused for all that was found; facts stay facts."""
        return Decision(
            verdict="deny",
            events=tuple(self.facts),
            denials=tuple(self.found),
            trace=tuple(self.trace),
            reads=tuple(dict.fromkeys(self.reads)),
        )

    def site_key(self, role: str) -> None:
        """The actor is the charter's site of this kind with its own key, not somebody who holds a role of that name."""
        actor = self.command.actor
        identity = self.state.identities.get(actor.id)
        if actor.role != role or identity is None or not holds_seat(self.state.charter, identity, role):
            self.deny("ROLE_NOT_AUTHORISED", id=actor.id, role=actor.role, needed=f"the site's own key as {role}")


def stage(inquiry: Inquiry, command: c.StageSlip) -> Decision:
    """Put an order at the gate, or amend the one that is there.

    Args:
        inquiry: the gate's state and time.
        command: the business hub's slip, as signed.

    Returns:
        Allow with `SlipStaged`, then what is here for it already: an amendment of the same parts keeps what it
        consumed, a first staging takes fresh early arrivals that named it. Whatever that completes is released at once.
    """
    slip, sha256 = command.slip, digest(canon.encode(command.slip))
    if not (
        inquiry.ask("signers", signing.enrolled, inquiry)
        and inquiry.ask("sender", inquiry.site_key, "business_hub")
        and inquiry.ask("slip", _sound, inquiry, slip)
        and inquiry.ask("once", _once, inquiry, slip, sha256)
    ):
        return inquiry.refuse()
    staged = ev.SlipStaged(
        order=slip.order,
        node=slip.node,
        slip=sha256,
        body=slip.body,
        part_no=slip.part_no,
        rev=slip.rev,
        serials=slip.serials,
        policy=slip.policy,
        evidence=slip.evidence,
        buffer_max_us=slip.buffer_max_us,
        arrival_due=slip.arrival_due,
        amendment=slip.amendment,
    )
    before = inquiry.state.slips.get(slip.order)
    if before is None:
        here = _early(inquiry, slip)
        recorded = ev.ArrivalRecorded(order=slip.order, serials=here, evidence=BROADCAST)
        facts: tuple[ev.AnyEvent, ...] = (recorded,) if here else ()
    else:
        inquiry.reads.append(before.ref)
        same = (before.part_no, before.rev, before.serials) == (slip.part_no, slip.rev, slip.serials)
        here, facts = (before.arrived if same else ()), ()
    release = due(slip, here, ())
    return inquiry.allow(staged, *facts, *(() if release is None else (release,)))


def _sound(inquiry: Inquiry, slip: c.Slip) -> None:
    """A slip names parts, each once: an order without parts would be complete before anything arrived."""
    if not slip.serials:
        inquiry.deny("QTY_MISMATCH", why=f"the slip of {slip.order} names no parts")
    repeated = repeats(slip.serials)
    if repeated:
        inquiry.deny("QTY_MISMATCH", why=f"the slip of {slip.order} names {', '.join(repeated)} twice")


def _once(inquiry: Inquiry, slip: c.Slip, sha256: str) -> None:
    """An order is staged once; after that only another slip, marked as an amendment, changes it."""
    before = inquiry.state.slips.get(slip.order)
    if before is not None and (not slip.amendment or before.slip == sha256):
        inquiry.reads.append(before.ref)
        inquiry.deny("ALREADY_DONE", what=f"the staging of {slip.order}")


def _early(inquiry: Inquiry, slip: c.Slip) -> tuple[str, ...]:
    """Parts that came before their order: only those that named it, match exactly, and are fresh."""
    if BROADCAST not in slip.evidence:
        return ()
    fresh_us, expected = inquiry.settings.arrival_fresh_s * SECOND_US, frozenset(slip.serials)
    here: list[str] = []
    for early in inquiry.state.early:
        matches = (early.order, early.part_no, early.rev) == (slip.order, slip.part_no, slip.rev)
        if matches and expected.issuperset(early.serials) and inquiry.now - early.captured_at <= fresh_us:
            inquiry.reads.append(early.ref)
            here.extend(early.serials)
    return tuple(dict.fromkeys(here))


def due(slip: c.Slip | StagedSlip, arrived: Collection[str], gone: Collection[str]) -> ev.OrderReleased | None:
    """What of an order may go to its node now.

    Args:
        slip: the order at the gate.
        arrived: its serials whose arrival is recorded.
        gone: its serials that were released before, under this slip.

    Returns:
        The release, or None. Policy `partial` lets every verified lot go; every other word means that all parts wait
        for the last one.
    """
    here, left = frozenset(arrived), frozenset(gone)
    complete = here.issuperset(slip.serials)
    serials = tuple(serial for serial in slip.serials if serial in here and serial not in left)
    if not serials or not (complete or slip.policy == "partial"):
        return None
    return ev.OrderReleased(order=slip.order, node=slip.node, serials=serials, complete=complete)


def repeats(serials: tuple[str, ...]) -> tuple[str, ...]:
    """The serials that stand in the list more than once."""
    seen: dict[str, int] = {}
    for serial in serials:
        seen[serial] = seen.get(serial, 0) + 1
    return tuple(serial for serial, times in seen.items() if times > 1)

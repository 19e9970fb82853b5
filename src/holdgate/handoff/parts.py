"""Parts that somebody says are here, held against the orders that wait for them. The same for a scan and for an attestation.

1. The count agrees with the serials.
2. The order: the one that is named, else the only one that still waits for exactly these parts.
3. Part number, revision and serials are those of the order, to the letter; nothing is here twice.
4. The order accepts this class of evidence.

What passes is recorded. Release follows from what is recorded (`staging.due`), never from the word of whoever saw them.
Source: foundations 5 and 6; the scenario vocabulary, convention 11.
"""

from typing import Final

from holdgate.handoff.staging import Inquiry, due, repeats
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.state import StagedSlip, State
from holdgate.terms.errors import InvariantBroken

NAMED: Final = 8
"""Serials that a sentence names."""


class Arrival(Inquiry):
    """Parts before the gate. `made_at`: when they were seen (UTC µs); `slip`: the order they count for."""

    __slots__ = ("buffered", "claim", "evidence", "made_at", "slip")

    def __init__(self, state: State, now: int, claim: c.ReportArrival | c.AttestArrival, evidence: str) -> None:
        super().__init__(state, now, claim)
        self.claim = claim
        self.evidence = evidence
        self.buffered = isinstance(claim, c.ReportArrival) and claim.buffered
        self.made_at = now
        self.slip: StagedSlip | None = None if claim.order is None else state.slips.get(claim.order)

    def quarantine(self, order: str | None) -> None:
        """The parts are set aside, and that is a fact."""
        self.facts.append(ev.ArrivalQuarantined(serials=self.claim.serials, order=order, late=self.buffered))

    @property
    def bound(self) -> StagedSlip:
        """The order that they were matched to."""
        if self.slip is None:
            raise InvariantBroken("parts were matched to no order")
        return self.slip


def receiving(arrival: Arrival) -> None:
    """The parts were seen at an enrolled place of the receiving area."""
    place, zones = arrival.claim.place, arrival.settings.receiving_zones
    station = None if place is None else arrival.state.identities.get(place)
    zone = None if station is None or station.kind == "person" or station.disabled_at is not None else station.zone
    if station is not None:
        arrival.reads.append(station.ref)
    if zone not in zones:
        arrival.deny("LOCATION_NOT_PERMITTED", place=place or "-", zone=zone or "no area", needed=", ".join(zones))


def count(arrival: Arrival) -> None:
    """As many parts as serials, at least one, each once."""
    claim = arrival.claim
    repeated = repeats(claim.serials)
    if not claim.serials:
        arrival.deny("QTY_MISMATCH", why="no serial is named")
    elif repeated:
        arrival.deny("QTY_MISMATCH", why=f"{', '.join(repeated)} is named twice")
    elif claim.quantity != len(claim.serials):
        arrival.deny("QTY_MISMATCH", why=f"{claim.quantity} parts were counted and {len(claim.serials)} serials named")
    else:
        return
    arrival.quarantine(None if arrival.slip is None else arrival.slip.order)


def order(arrival: Arrival) -> None:
    """The order that is named; if none is, the only one that waits for exactly these parts."""
    claim = arrival.claim
    if claim.order is not None:
        if arrival.slip is None:
            _unstaged(arrival, claim.order)
        return
    slips = arrival.state.slips
    named = (slips[name] for name in arrival.state.awaited.get(claim.serials[0], ()))
    waiting = [slip for slip in named if _waits(arrival, slip)]
    if len(waiting) > 1:  # refused with all of them, in the order in which they came to the gate
        waiting = [slip for slip in slips.values() if _waits(arrival, slip)]
    if len(waiting) == 1:
        arrival.slip = waiting[0]
        return
    if waiting:
        arrival.deny("AMBIGUOUS_ARRIVAL", orders=tuple(slip.order for slip in waiting))
    else:
        arrival.deny("PO_NOT_STAGED", order="none is named")
    arrival.quarantine(None)


def _unstaged(arrival: Arrival, named: str) -> None:
    """The order is not staged yet: its parts are set aside, and a scan is kept, because it names the order that is to come.

    Until then the parts are unmatched (scenarios 137 and 139 want `unmatched_arrival_quarantined` and count them among
    the wrong arrivals that were stopped). An attestation is not kept: only the slip can say whether this order accepts one.
    """
    claim = arrival.claim
    arrival.deny("PO_NOT_STAGED", order=named)
    if isinstance(claim, c.ReportArrival):
        arrival.facts.append(
            ev.ArrivalKept(
                order=named,
                part_no=claim.part_no,
                rev=claim.rev,
                serials=claim.serials,
                captured_at=arrival.made_at,
                buffered=claim.buffered,
            )
        )
    arrival.quarantine(None)


def _waits(arrival: Arrival, slip: StagedSlip) -> bool:
    """Whether this order waits for all of these parts. A buffered scan counts for no order that was staged after it."""
    claim = arrival.claim
    return (
        slip.state in ("held", "partial")
        and (slip.part_no, slip.rev) == (claim.part_no, claim.rev)
        and not (arrival.buffered and slip.staged_at > arrival.made_at)
        and frozenset(_missing(slip)).issuperset(claim.serials)
    )


def _missing(slip: StagedSlip) -> tuple[str, ...]:
    here = frozenset(slip.arrived)
    return tuple(serial for serial in slip.serials if serial not in here)


def part(arrival: Arrival) -> None:
    """Part number, revision and serials are those of the order; anything else is set aside."""
    claim, slip = arrival.claim, arrival.bound
    arrival.reads.append(slip.ref)
    before = len(arrival.unmet)
    if claim.part_no != slip.part_no:
        arrival.deny("PART_MISMATCH", read=claim.part_no, order=slip.order, expected=slip.part_no)
    if claim.rev != slip.rev:
        arrival.deny("REV_MISMATCH", read=claim.rev, order=slip.order, expected=slip.rev)
    expected = frozenset(slip.serials)
    unknown = tuple(serial for serial in claim.serials if serial not in expected)
    if unknown:
        arrival.deny("SERIAL_UNKNOWN", serials=unknown, order=slip.order)
    if len(arrival.unmet) > before:
        arrival.quarantine(slip.order)


def duplicate(arrival: Arrival) -> None:
    """A part arrives once. A lot that holds one that is here already counts for none of its parts."""
    here = frozenset(arrival.bound.arrived)
    again = tuple(serial for serial in arrival.claim.serials if serial in here)
    if again:
        arrival.deny("DUPLICATE_ARRIVAL", serials=again)


def evidence(arrival: Arrival) -> None:
    """The order accepts this class of evidence of arrival."""
    slip = arrival.bound
    if arrival.evidence not in slip.evidence:
        arrival.deny("EVIDENCE_CLASS_NOT_ALLOWED", order=slip.order, evidence=arrival.evidence)


def record(arrival: Arrival) -> Decision:
    """Record the parts. If nothing may go yet, that is the denial, and the parts are here all the same."""
    claim, slip = arrival.claim, arrival.bound
    arrival.facts.append(
        ev.ArrivalRecorded(order=slip.order, serials=claim.serials, evidence=arrival.evidence, late=arrival.buffered)
    )
    here = (*slip.arrived, *claim.serials)
    release = due(slip, here, slip.released)
    if release is not None:
        return arrival.allow(release)
    arrived = frozenset(here)
    waiting = tuple(serial for serial in slip.serials if serial not in arrived)
    why = f"{len(slip.serials) - len(waiting)} of {len(slip.serials)} are here; waiting for {_few(waiting)}"
    arrival.ask("whole lot", arrival.deny, "QTY_MISMATCH", why=why)
    return arrival.refuse()


def _few(serials: tuple[str, ...]) -> str:
    """The first serials by name, the rest by number: a sentence, not a list of hundreds."""
    more = len(serials) - NAMED
    return ", ".join(serials[:NAMED]) + (f" and {more} more" if more > 0 else "")

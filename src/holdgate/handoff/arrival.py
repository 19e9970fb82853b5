"""Arrival: one reader's broadcast, verified in a fixed order and matched to the one order that waits for these parts.

1. An enrolled reader, in force, signed it and counted it. What cannot be authenticated moves nothing.
2. Its counter goes up. From here on every answer, a refusal too, carries `ReaderAdvanced`.
3. The read point is a receiving one, and the reader's own.
4. The time: a live scan is of this moment; a buffered one says when it was made and is marked late.
5. The count agrees with the serials.
6. The order: the one it names, else the only one that still waits for exactly these parts.
7. Buffered: not older than that order accepts.
8. Part number, revision and serials are those of the order, to the letter; nothing is here twice.
9. The order accepts a broadcast as evidence.

What passes is recorded. Release follows from what is recorded (`staging.due`), never from the scan itself.
Source: foundations 5 and 6; the scenario vocabulary, convention 11.
"""

from collections.abc import Callable
from typing import Final

from holdgate.handoff.staging import BROADCAST, Inquiry, due, repeats
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.state import StagedSlip, State
from holdgate.terms.errors import InvariantBroken
from holdgate.terms.instant import SECOND_US


class Scan(Inquiry):
    """A broadcast before the gate. `made_at`: when the parts were read (UTC µs); `slip`: the order it counts for."""

    __slots__ = ("made_at", "report", "slip")

    def __init__(self, state: State, now: int, report: c.ReportArrival) -> None:
        super().__init__(state, now)
        self.report = report
        self.made_at = now
        self.slip: StagedSlip | None = None if report.order is None else state.slips.get(report.order)

    def quarantine(self, order: str | None) -> None:
        """The parts are set aside, and that is a fact."""
        self.facts.append(ev.ArrivalQuarantined(serials=self.report.serials, order=order, late=self.report.buffered))


NAMED: Final = 8
"""Serials that a sentence names."""


def report_arrival(state: State, command: c.ReportArrival, now: int) -> Decision:
    """Decide a broadcast: record, quarantine or refuse it, and release what it completes."""
    scan = Scan(state, now, command)
    for name, check in _CHECKS:
        if not scan.ask(name, check, scan):
            return scan.refuse()
    return _record(scan)


def _reader(scan: Scan) -> None:
    """A device that is enrolled as a reader signed this in that role, and counted it."""
    command, identities = scan.report, scan.state.identities
    for signer in command.signers:
        identity = identities.get(signer.id)
        if identity is None:
            scan.deny("BROADCAST_UNVERIFIED", why=f"{signer.id} is not enrolled")
            return
        scan.reads.append(identity.ref)
        if identity.disabled_at is not None:
            scan.deny("BROADCAST_UNVERIFIED", why=f"{signer.id} is de-authorised")
        elif signer.role not in identity.roles:
            scan.deny("BROADCAST_UNVERIFIED", why=f"{signer.id} does not hold the role {signer.role}")
    if command.actor.role != "scanner":
        scan.deny("BROADCAST_UNVERIFIED", why=f"{command.actor.id} acts as {command.actor.role}, not as a scanner")
    if command.reader_seq is None:
        scan.deny("BROADCAST_UNVERIFIED", why="it carries no reader counter")


def _counter(scan: Scan) -> None:
    """The reader's counter goes up; gaps are measured, not refused."""
    reader, seq = scan.report.actor.id, scan.report.reader_seq or 0
    last = scan.state.readers.get(reader, 0)
    if seq <= last:
        scan.deny("REPLAYED_BROADCAST", reader=reader, seq=seq, last=last)
        return
    scan.facts.append(ev.ReaderAdvanced(reader=reader, seq=seq, gap=seq - last - 1))


def _read_point(scan: Scan) -> None:
    """The scan was made at an enrolled place of the receiving area: the one where this reader stands."""
    place, zones = scan.report.place, scan.settings.receiving_zones
    station = None if place is None else scan.state.identities.get(place)
    zone = None if station is None or station.kind == "person" or station.disabled_at is not None else station.zone
    if station is not None:
        scan.reads.append(station.ref)
    reader = scan.state.identities[scan.report.actor.id]
    if zone not in zones:
        scan.deny("LOCATION_NOT_PERMITTED", place=place or "-", zone=zone or "no area", needed=", ".join(zones))
    elif reader.zone is not None and reader.zone != zone:
        scan.deny("LOCATION_NOT_PERMITTED", place=place or "-", zone=zone or "-", needed=f"{reader.zone} ({reader.id})")


def _time(scan: Scan) -> None:
    """Live: of this moment, give or take the skew. Buffered: it says when it was made, and that is not ahead."""
    command, now = scan.report, scan.now
    if command.buffered:
        made_at, limit_us = command.captured_at, 0
        if made_at is None:
            scan.deny("BROADCAST_UNVERIFIED", why="a buffered scan says when it was made, and this one does not")
            return
    else:
        made_at = command.at if command.observed_at is None else command.observed_at
        limit_us = scan.settings.arrival_skew_s * SECOND_US
        if now - made_at > limit_us:
            scan.deny("STALE_BROADCAST", captured_at=made_at, by_us=now - made_at, limit_us=limit_us)
    if made_at - now > limit_us:
        scan.deny("FUTURE_DATED", claimed_at=made_at, by_us=made_at - now, limit_us=limit_us)
    # A reader's clock that runs ahead (within the skew) must not make its scan look fresher than it is.
    scan.made_at = min(made_at, now)


def _count(scan: Scan) -> None:
    """As many parts as serials, at least one, each once."""
    command = scan.report
    repeated = repeats(command.serials)
    if not command.serials:
        scan.deny("QTY_MISMATCH", why="no serial was read")
    elif repeated:
        scan.deny("QTY_MISMATCH", why=f"{', '.join(repeated)} was read twice in one scan")
    elif command.quantity != len(command.serials):
        scan.deny("QTY_MISMATCH", why=f"{command.quantity} parts were counted and {len(command.serials)} serials read")
    else:
        return
    scan.quarantine(None if scan.slip is None else scan.slip.order)


def _order(scan: Scan) -> None:
    """The order that the scan names; if it names none, the only one that waits for exactly these parts."""
    command = scan.report
    if command.order is not None:
        if scan.slip is None:
            _keep(scan, command.order)
        return
    waiting = [slip for slip in scan.state.slips.values() if _waits(scan, slip)]
    if len(waiting) == 1:
        scan.slip = waiting[0]
        return
    if waiting:
        scan.deny("AMBIGUOUS_ARRIVAL", orders=tuple(slip.order for slip in waiting))
    else:
        scan.deny("PO_NOT_STAGED", order="the scan names none")
    scan.quarantine(None)


def _keep(scan: Scan, order: str) -> None:
    """The order is not staged yet: the scan is kept, because it names the order that is to come.

    Until then its parts are unmatched and set aside (scenarios 137 and 139 want `unmatched_arrival_quarantined` and
    count it among the wrong arrivals that were stopped).
    """
    command = scan.report
    scan.deny("PO_NOT_STAGED", order=order)
    scan.facts.append(
        ev.ArrivalKept(
            order=order,
            part_no=command.part_no,
            rev=command.rev,
            serials=command.serials,
            captured_at=scan.made_at,
            buffered=command.buffered,
        )
    )
    scan.quarantine(None)


def _waits(scan: Scan, slip: StagedSlip) -> bool:
    """Whether this order waits for all of these parts. A buffered scan counts for no order that was staged after it."""
    command = scan.report
    return (
        slip.state in ("held", "partial")
        and (slip.part_no, slip.rev) == (command.part_no, command.rev)
        and not (command.buffered and slip.staged_at > scan.made_at)
        and frozenset(_missing(slip)).issuperset(command.serials)
    )


def _missing(slip: StagedSlip) -> tuple[str, ...]:
    here = frozenset(slip.arrived)
    return tuple(serial for serial in slip.serials if serial not in here)


def _age(scan: Scan) -> None:
    """A buffered scan is not older than the order accepts."""
    slip = _bound(scan)
    scan.reads.append(slip.ref)
    age_us = scan.now - scan.made_at
    if scan.report.buffered and age_us > slip.buffer_max_us:
        scan.deny("STALE_BROADCAST", captured_at=scan.made_at, by_us=age_us, limit_us=slip.buffer_max_us)


def _part(scan: Scan) -> None:
    """Part number, revision and serials are those of the order; anything else is set aside."""
    command, slip = scan.report, _bound(scan)
    before = len(scan.found)
    if command.part_no != slip.part_no:
        scan.deny("PART_MISMATCH", read=command.part_no, order=slip.order, expected=slip.part_no)
    if command.rev != slip.rev:
        scan.deny("REV_MISMATCH", read=command.rev, order=slip.order, expected=slip.rev)
    expected = frozenset(slip.serials)
    unknown = tuple(serial for serial in command.serials if serial not in expected)
    if unknown:
        scan.deny("SERIAL_UNKNOWN", serials=unknown, order=slip.order)
    if len(scan.found) > before:
        scan.quarantine(slip.order)


def _duplicate(scan: Scan) -> None:
    """A part arrives once. A scan that holds one that is here already counts for none of its parts."""
    here = frozenset(_bound(scan).arrived)
    again = tuple(serial for serial in scan.report.serials if serial in here)
    if again:
        scan.deny("DUPLICATE_ARRIVAL", serials=again)


def _evidence(scan: Scan) -> None:
    """The order accepts a broadcast as evidence of arrival."""
    slip = _bound(scan)
    if BROADCAST not in slip.evidence:
        scan.deny("EVIDENCE_CLASS_NOT_ALLOWED", order=slip.order, evidence=BROADCAST)


def _bound(scan: Scan) -> StagedSlip:
    if scan.slip is None:
        raise InvariantBroken("a scan was matched to no order")
    return scan.slip


def _record(scan: Scan) -> Decision:
    """Record the parts. If nothing may go yet, that is the denial, and the parts are here all the same."""
    command, slip = scan.report, _bound(scan)
    scan.facts.append(
        ev.ArrivalRecorded(order=slip.order, serials=command.serials, evidence=BROADCAST, late=command.buffered)
    )
    here = (*slip.arrived, *command.serials)
    release = due(slip, here, slip.released)
    if release is not None:
        return scan.allow(release)
    arrived = frozenset(here)
    waiting = tuple(serial for serial in slip.serials if serial not in arrived)
    why = f"{len(slip.serials) - len(waiting)} of {len(slip.serials)} are here; waiting for {_few(waiting)}"
    scan.ask("whole lot", scan.deny, "QTY_MISMATCH", why=why)
    return scan.refuse()


_CHECKS: Final[tuple[tuple[str, Callable[[Scan], None]], ...]] = (
    ("reader", _reader),
    ("counter", _counter),
    ("read point", _read_point),
    ("time", _time),
    ("count", _count),
    ("order", _order),
    ("buffer age", _age),
    ("part", _part),
    ("duplicate", _duplicate),
    ("evidence", _evidence),
)


def _few(serials: tuple[str, ...]) -> str:
    """The first serials by name, the rest by number: a sentence, not a list of hundreds."""
    more = len(serials) - NAMED
    return ", ".join(serials[:NAMED]) + (f" and {more} more" if more > 0 else "")

"""Arrival: one reader's broadcast, verified in a fixed order and matched to the one order that waits for these parts.

1. An enrolled reader, in force, signed it and counted it. What cannot be authenticated moves nothing.
2. Its counter goes up. From here on every answer, a refusal too, carries `ReaderAdvanced`.
3. The read point is a receiving one, and the reader's own.
4. The time: a live scan is of this moment; a buffered one says when it was made and is marked late.
5. The count and the order (`holdgate.handoff.parts`).
6. Buffered: not older than that order accepts.
7. The parts are that order's, and it accepts a broadcast as evidence (`holdgate.handoff.parts`).

Source: foundations 5 and 6; the scenario vocabulary, convention 11.
"""

from collections.abc import Callable
from typing import Final

from holdgate.crypto.signatures import kind_of
from holdgate.handoff import parts
from holdgate.handoff.staging import BROADCAST
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.state import State
from holdgate.terms.instant import SECOND_US


class Scan(parts.Arrival):
    """A broadcast before the gate."""

    __slots__ = ("report",)

    def __init__(self, state: State, now: int, report: c.ReportArrival) -> None:
        super().__init__(state, now, report, BROADCAST)
        self.report = report


def report_arrival(state: State, command: c.ReportArrival, now: int) -> Decision:
    """Decide a broadcast: record, quarantine or refuse it, and release what it completes."""
    scan = Scan(state, now, command)
    for name, check in _CHECKS:
        if not scan.ask(name, check, scan):
            return scan.refuse()
    return parts.record(scan)


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
        if signer.kind != kind_of(identity.key):
            scan.deny("BROADCAST_UNVERIFIED", why=f"the key of {signer.id} is of the kind {kind_of(identity.key)}")
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
    parts.receiving(scan)
    place, reader = scan.report.place, scan.state.identities[scan.report.actor.id]
    station = None if place is None else scan.state.identities.get(place)
    if scan.unmet or station is None or reader.zone is None or reader.zone == station.zone:
        return
    scan.deny(
        "LOCATION_NOT_PERMITTED", place=station.id, zone=station.zone or "-", needed=f"{reader.zone} ({reader.id})"
    )


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


def _age(scan: Scan) -> None:
    """A buffered scan is not older than the order accepts."""
    slip = scan.bound
    scan.reads.append(slip.ref)
    age_us = scan.now - scan.made_at
    if scan.report.buffered and age_us > slip.buffer_max_us:
        scan.deny("STALE_BROADCAST", captured_at=scan.made_at, by_us=age_us, limit_us=slip.buffer_max_us)


_CHECKS: Final[tuple[tuple[str, Callable[[Scan], None]], ...]] = (
    ("reader", _reader),
    ("counter", _counter),
    ("read point", _read_point),
    ("time", _time),
    ("count", parts.count),
    ("order", parts.order),
    ("buffer age", _age),
    ("part", parts.part),
    ("duplicate", parts.duplicate),
    ("evidence", parts.evidence),
)

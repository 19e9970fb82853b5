"""Attest: two people of different roles say that parts are here, where the reader is dead or the mark cannot be read.

1. Who says so: two people, of different roles among those that know the dock, each with a signature of their own, unlocked
   at a workstation of the receiving area, now, with a meaning, a reason and a photo. All of it is asked, so that the
   answer names everything that is missing.
2. The parts, as for a scan (`holdgate.handoff.parts`): count, order, part, duplicate; and the order accepts such evidence.

Unless all of (1) holds nobody vouches for anything, and the parts leave no trace on any order.
Source: foundations 6; the scenario vocabulary, convention 11.
"""

from collections.abc import Callable
from typing import Final

from holdgate.handoff import parts
from holdgate.handoff.parts import Arrival
from holdgate.handoff.staging import ATTESTED
from holdgate.law import command as c
from holdgate.law import signing
from holdgate.law.decision import Decision
from holdgate.law.state import State

ROLES: Final = ("receiving", "technician", "qa", "level3")
"""Who may attest that parts are here."""


def attest_arrival(state: State, command: c.AttestArrival, now: int) -> Decision:
    """Decide an attestation: record, quarantine or refuse it, and release what it completes."""
    arrival = Arrival(state, now, command, ATTESTED)
    vouched = [arrival.ask(name, check, arrival) for name, check in _VOUCHED]
    matched = all(arrival.ask(name, check, arrival) for name, check in _PARTS)
    if all(vouched) and matched:
        return parts.record(arrival)
    if not all(vouched):
        arrival.facts.clear()
    return arrival.refuse()


def _witnesses(arrival: Arrival) -> None:
    """People only, in roles that may attest, and two of them in different ones."""
    signers, people = arrival.command.signers, arrival.state.identities
    for signer in signers:
        known = people.get(signer.id)
        if signer.role not in ROLES or (known is not None and known.kind != "person"):
            arrival.deny("ROLE_NOT_AUTHORISED", id=signer.id, role=signer.role, needed=f"people: {', '.join(ROLES)}")
    if len({signer.role for signer in signers}) < 2:
        last = signers[-1]
        needed = f"two people of different roles: {', '.join(ROLES)}"
        arrival.deny("ROLE_NOT_AUTHORISED", id=last.id, role=last.role, needed=needed)


def _place(arrival: Arrival) -> None:
    """At a workstation of the receiving area."""
    before = len(arrival.unmet)
    signing.workstation(arrival)
    if len(arrival.unmet) == before:
        parts.receiving(arrival)


def _photo(arrival: Arrival) -> None:
    """A photo shows the parts."""
    claim = arrival.claim
    if isinstance(claim, c.AttestArrival) and not claim.photo_digest.strip():
        arrival.deny("EVIDENCE_REQUIRED")


_VOUCHED: Final[tuple[tuple[str, Callable[[Arrival], None]], ...]] = (
    ("signers", signing.enrolled),
    ("witnesses", _witnesses),
    ("time", signing.claimed_time),
    ("place", _place),
    ("reason", signing.reason),
    ("photo", _photo),
    ("unlocked", signing.unlocked),
    ("meaning", signing.meaning),
)
_PARTS: Final[tuple[tuple[str, Callable[[Arrival], None]], ...]] = (
    ("count", parts.count),
    ("order", parts.order),
    ("part", parts.part),
    ("duplicate", parts.duplicate),
    ("evidence", parts.evidence),
)

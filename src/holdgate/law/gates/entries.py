"""When: claimed times against the deciding site's receipt time. Signatures are never late and never back-dated."""

from holdgate.law import command as c
from holdgate.law import signing
from holdgate.law.case import Case


def claimed_time(case: Case) -> None:
    """The signer's own time lies within the skew that the shop allows."""
    signing.claimed_time(case)


def observed_time(case: Case) -> None:
    """A reading's time of observation, where it is given, lies within the skew; older ones go in as late entries."""
    command = case.command
    if not isinstance(command, (c.RecordReading, c.LogEnvironment)) or command.observed_at is None:
        return
    if isinstance(command, c.LogEnvironment) and command.buffered and command.observed_at <= case.now:
        return
    _check(case, command.observed_at)


def late(case: Case) -> None:
    """A late entry is an observation, made before now, that QA co-signs. A signature is never late."""
    command = case.command
    if type(command) is not c.RecordLate:
        return
    off = command.observed_at - case.now
    if command.kind != "reading":
        case.deny("BACKDATED", claimed_at=command.observed_at, by_us=max(-off, 0), limit_us=0)
    elif off > 0:
        case.deny("FUTURE_DATED", claimed_at=command.observed_at, by_us=off, limit_us=0)
    approvers = command.signers[1:]
    if all(signer.role != "qa" for signer in approvers):
        who = approvers[0] if approvers else case.actor
        case.deny("ROLE_NOT_AUTHORISED", id=who.id, role=who.role, needed="qa, as co-signer of a late entry")


def _check(case: Case, claimed: int) -> None:
    signing.within_skew(case, claimed)


def reason(case: Case) -> None:
    """A reason is given."""
    signing.reason(case)


def evidence(case: Case) -> None:
    """Evidence is given."""
    text = getattr(case.command, "evidence", None)
    if not text or not text.strip():
        case.deny("EVIDENCE_REQUIRED")

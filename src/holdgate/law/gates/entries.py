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
    if type(command) is c.RecordReading and command.observed_at is not None:
        _check(case, command.observed_at)


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

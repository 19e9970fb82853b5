"""When: claimed times against the deciding site's receipt time. Signatures are never late and never back-dated."""

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.terms.instant import SECOND_US


def claimed_time(case: Case) -> None:
    """The signer's own time lies within the skew that the shop allows."""
    _check(case, case.command.at)


def observed_time(case: Case) -> None:
    """A reading's time of observation, where it is given, lies within the skew; older ones go in as late entries."""
    command = case.command
    if type(command) is c.RecordReading and command.observed_at is not None:
        _check(case, command.observed_at)


def _check(case: Case, claimed: int) -> None:
    limit_us = case.settings.entry_skew_s * SECOND_US
    off = claimed - case.now
    if off < -limit_us:
        case.deny("BACKDATED", claimed_at=claimed, by_us=-off, limit_us=limit_us)
    elif off > limit_us:
        case.deny("FUTURE_DATED", claimed_at=claimed, by_us=off, limit_us=limit_us)


def reason(case: Case) -> None:
    """A reason is given."""
    text = getattr(case.command, "reason", None)
    if not text or not text.strip():
        case.deny("REASON_REQUIRED")


def evidence(case: Case) -> None:
    """Evidence is given."""
    text = getattr(case.command, "evidence", None)
    if not text or not text.strip():
        case.deny("EVIDENCE_REQUIRED")

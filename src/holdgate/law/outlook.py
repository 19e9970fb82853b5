"""Outlook: an option in one of four groups, as a dashboard shows it: allowed, waiting, locked, done.

Done: it took effect already. Waiting: nothing is wrong; it is somebody else's turn, or a matter of time, and `waits_for`
says whose or of what. Locked: a rule stands in the way that somebody has to do something about; the denial's remedy says
what unlocks it. Read from the law's own answer; no rule is known here.
"""

from collections.abc import Sequence
from typing import Final

from holdgate.law.decision import Denial
from holdgate.law.denial import filled, remedy

ALLOWED: Final = "allowed"
WAITING: Final = "waiting"
LOCKED: Final = "locked"
DONE: Final = "done"
GROUPS: Final = (ALLOWED, WAITING, LOCKED, DONE)

TOOK_EFFECT: Final = (
    "ALREADY_DONE",
    "ALREADY_SIGNED",
    "QA_ALREADY_SIGNED",
    "ALREADY_RELEASED",
    "DUPLICATE_ARRIVAL",
    "REPORT_ISSUED",
)
"""Codes that say that there is nothing left to do."""

WAITS_FOR: Final[dict[str, str]] = {
    # somebody else's turn
    "ROLE_NOT_AUTHORISED": "{needed}",
    "CLIENT_ROLE_REQUIRED": "the client",
    "NOT_YOUR_ORDER": "the order's own client",
    "NOT_PERFORMER": "{performer}",
    "NOT_ASSIGNED": "the project manager's assignment",
    "HOLD_POINT": "{party}, who releases {step}",
    "WITNESS_NOTICE": "the notice to the witness of {step}",
    "TESTS_NOT_PASSED_QA": "QA's acceptance of {job}",
    "JOB_FAILED": "{roles}, who may resume {job}",
    "CONTRACT_SUSPENDED": "the end of the stop-work on {contract}",
    "DOCUMENT_EXPIRED": "Compliance's verification of {document}",
    # another step's turn
    "PRECHECK_INCOMPLETE": "{missing}",
    "STEP_OUT_OF_ORDER": "{missing}",
    "STEP_IN_PROGRESS": "the signature of {step}",
    "STEP_INCOMPLETE": "{missing}",
    "DATA_INCOMPLETE": "the reading of {missing}",
    # the floor
    "NO_ARRIVAL": "the arrival of {order}'s parts",
    "QTY_MISMATCH": "{why}",
    "ENV_LOG_GAP": "a value of {series}",
    "ENV_OUT_OF_LIMIT": "{series} inside its limits",
    # links and time
    "WINDOW_NOT_REACHED": "{limit_us} since {since}",
    "OFFLINE_FRESHNESS_EXCEEDED": "{node} back on line",
    "SITE_UNREACHABLE": "{site} back in reach",
    "NODE_NOT_SYNCED": "the whole record of {node}",
    "LEGAL_HOLD": "the end of the legal hold on {subject}",
    "RETENTION_NOT_OVER": "the end of its retention: {why}",
    # money fires by itself
    "INVOICE_PRECONDITION": "its conditions: {why}",
    "PAYOUT_PRECONDITION": "its conditions: {why}",
}
"""Whose turn it is, or what has to come, by the code that says so."""


def group_of(denials: Sequence[Denial]) -> str:
    """The group of what the law said to an option; no denial: it is allowed."""
    if not denials:
        return ALLOWED
    if any(denial.code in TOOK_EFFECT for denial in denials):
        return DONE
    return WAITING if all(denial.code in WAITS_FOR for denial in denials) else LOCKED


def waits_for(denials: Sequence[Denial]) -> tuple[str, ...]:
    """For whom or what an option waits."""
    found = (filled(WAITS_FOR[denial.code], denial) for denial in denials if denial.code in WAITS_FOR)
    return tuple(dict.fromkeys(found))


def unlocks(denials: Sequence[Denial]) -> tuple[str, ...]:
    """What somebody has to do before an option opens."""
    return tuple(dict.fromkeys(remedy(denial) for denial in denials if denial.code not in WAITS_FOR))

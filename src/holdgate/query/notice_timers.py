"""Notices that time sets off, and no entry: review windows that are closing, what runs out, a Vault's alarms. Pure functions.

A window closes in the Vault's time as the hub knows it (`State.witnessed_at`), as the law has it; what runs out does so by the
time of the question.
"""

from collections.abc import Iterator, Sequence

from holdgate.crypto.hashes import digest
from holdgate.law.library import Library
from holdgate.law.state import Report, State
from holdgate.query.due import BATCH, CALIBRATION, CREDENTIAL, DAY_US, DOCUMENT, Due, due
from holdgate.query.notices import DUE, REVIEW_CLOSING, VAULT_ALARM, Known, Notice, Value
from holdgate.query.words import moment
from holdgate.terms import instant


def closing(state: State, known: Known, origin: str, ahead_us: int) -> Iterator[Notice]:
    """The review windows that end soon by the Vault's time, and are not over.

    Args:
        state: of the business hub.
        known: whose order it is.
        origin: of its log.
        ahead_us: how long before its end a window is told of (µs); a shorter window is told of as soon as it is open.
    """
    for report in state.reports.values():
        if _open(report) and _since(report, ahead_us) <= state.witnessed_at < (report.closes_at or 0):
            yield _closing(report, known, origin, ahead_us)


def unheard_us(state: State, now: int, ahead_us: int) -> int:
    """How much time the Vault has still to tell before the first window that ends soon by the hub's clock; 0: none."""
    since = [
        _since(report, ahead_us)
        for report in state.reports.values()
        if _open(report) and state.witnessed_at < _since(report, ahead_us) <= now
    ]
    return min(since) - state.witnessed_at if since else 0


def _open(report: Report) -> bool:
    return report.status == "issued" and report.closes_at is not None


def _since(report: Report, ahead_us: int) -> int:
    return max(report.opened_at or 0, (report.closes_at or 0) - ahead_us)


def _closing(report: Report, known: Known, origin: str, ahead_us: int) -> Notice:
    until = moment(report.closes_at or 0)
    return Notice(
        id=f"{origin}/{report.ref}/closing/{report.id}",
        kind=REVIEW_CLOSING,
        origin=origin,
        place=f"{origin.rpartition('/')[2]}:{report.ref}",
        subject=f"{report.order}/{report.job}",
        at=_since(report, ahead_us),
        says=f"The review of report {report.id} on order {report.order} ends on {until}",
        client=known.client_of(report.order, report.ref + 1),
        data={"order": report.order, "job": report.job, "report": report.id, "closes_at": until},
    )


def running_out(state: State, library: Library, origin: str, now: int, stages: Sequence[int]) -> list[Notice]:
    """What runs out, once at each stage that it has reached, the most urgent first.

    Args:
        state: of the business hub; not changed.
        library: its documents.
        origin: of its log.
        now: UTC µs.
        stages: how many days ahead, such as 30, 7 and 0 (over).
    """
    found = due(state, library, now, max(stages)) if stages else []
    told = [(row, _stage(row, now, stages)) for row in found]
    return [_runs_out(row, stage, origin) for row, stage in told if stage is not None]


def _stage(row: Due, now: int, stages: Sequence[int]) -> int | None:
    """The smallest stage that is reached."""
    left = instant.parse(row.until) - now
    reached = [stage for stage in stages if left <= stage * DAY_US]
    return min(reached) if reached else None


def _runs_out(row: Due, stage: int, origin: str) -> Notice:
    """Whose qualification it is, and which, is nothing to send around: a count of them is enough."""
    key = digest(f"{row.kind}\n{row.id}\n{row.whose}\n{row.until}".encode())[:32]
    words, inside = _WORDS[row.kind], _INSIDE.get(row.kind, ())
    what = "" if row.kind == CREDENTIAL else f" {row.id} ({row.whose})"
    when = "is over since" if stage == 0 else "ends on"
    values: dict[str, Value] = {field: getattr(row, name) for field, name in inside}
    until = instant.parse(row.until)
    return Notice(
        id=f"{origin}/due/{key}/{stage}",
        kind=DUE[row.kind],
        origin=origin,
        place="",
        subject="" if row.kind == CREDENTIAL else row.id,
        at=until - stage * DAY_US,
        says=f"{words}{what} {when} {row.until}",
        inside={**values, "until": row.until, "within_days": stage},
    )


_WORDS = {
    CREDENTIAL: "A qualification",
    CALIBRATION: "The calibration of",
    BATCH: "The shelf life of",
    DOCUMENT: "Document",
    "standard": "The edition of standard",
}
_INSIDE = {
    CALIBRATION: (("equipment", "id"), ("equipment_class", "whose")),
    BATCH: (("batch", "id"), ("material_kind", "whose")),
    DOCUMENT: (("document", "id"), ("order", "whose")),
    "standard": (("standard", "id"), ("edition", "whose")),
}


def alarm(origin: str, site: str, seq: int, at: int) -> Notice:
    """What a Vault's watch found: an entry that does not come out as it stands there when it is decided again.

    Args:
        origin: of the log.
        site: whose log it is.
        seq: of the entry.
        at: when it was noticed (UTC µs).
    """
    return Notice(
        id=f"{origin}/{seq}/alarm",
        kind=VAULT_ALARM,
        origin=origin,
        place=f"{site}:{seq}",
        subject=site,
        at=at,
        says=f"Vault alarm: entry {seq} of {site} is not what the law says",
        inside={"site": site, "seq": seq},
    )

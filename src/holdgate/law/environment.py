"""Environmental logs: whether a series, as a contract declares it, was good over a stretch of time.

A value is compared as a decimal, ends included. Exactly the longest gap is none; a silence that reaches into the stretch
counts whole. An excursion lasts until a value conforms again. What broke is noted when the value comes in (`heard`), by
every declaration that this site knows; so a check costs the same however long the log is.
Source: SC-18; ISO/IEC 17025 6.3.3; scenario vocabulary, convention 21.
"""

from decimal import Decimal

from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.state import OVER, Attempt, Job, Series, State
from holdgate.law.technique import Technique, Watch
from holdgate.terms.instant import show_duration
from holdgate.terms.limits import FAILED_AT_ONCE_MAX
from holdgate.terms.quantity import parse_decimal

Finding = tuple[bool, dict[str, str]]
"""Whether it is silence (else it is outside of its limits), and what the denial's sentence needs."""


def name_of(series: str, sensor: str) -> str:
    """Under which name a series is kept: two sensors may call theirs alike."""
    return f"{series}/{sensor}"


def fit(state: State, watch: Watch, now: int) -> Finding | None:
    """Whether the series is fresh and inside the limits at this moment."""
    series = state.series.get(name_of(watch.series, watch.sensor))
    if series is None:
        return True, {"series": watch.series, "why": f"{watch.sensor} has logged nothing"}
    if now - series.last_at > watch.max_gap_us:
        return _silent(watch, now - series.last_at)
    return None if _held(watch, series) else _outside(watch, f"{series.value} {series.unit}")


def _held(watch: Watch, series: Series) -> bool:
    """Whether the last value of a series was inside the limits."""
    value = parse_decimal(series.value)
    return value is not None and watch.holds(value, series.unit)


def good(state: State, watch: Watch, since: int, until: int, now: int) -> Finding | None:
    """Whether the series was good from `since` to `until` (UTC µs), as far as it is known at `now`."""
    series = state.series.get(name_of(watch.series, watch.sensor))
    if series is None:
        return True, {"series": watch.series, "why": f"{watch.sensor} has logged nothing"}
    for broken in series.breaks.get(watch.key, ()):
        if broken.since < until and (broken.until is None or broken.until > since):
            if broken.kind == "excursion":
                return _outside(watch, f"values outside of {watch.show_limits()}")
            return _silent(watch, (now if broken.until is None else broken.until) - broken.since)
    if series.last_at < until:  # what was logged last goes on
        if not _held(watch, series):
            return _outside(watch, f"{series.value} {series.unit}")
        if now - series.last_at > watch.max_gap_us:
            return _silent(watch, now - series.last_at)
    return None


def worked_until(attempt: Attempt, now: int) -> int:
    """Until when an open step rests on its series: now; where it was complete once and only corrected since, until then."""
    if not attempt.completed_at:
        return now
    return max(attempt.completed_at, *(last.at for last in attempt.last.values()), 0)


def _silent(watch: Watch, for_us: int) -> Finding:
    why = f"nothing for {show_duration(for_us)}, at most {show_duration(watch.max_gap_us)} is allowed"
    return True, {"series": watch.series, "why": why}


def _outside(watch: Watch, value: str) -> Finding:
    return False, {"series": watch.series, "value": value, "limits": watch.show_limits()}


def watches_of(state: State, library: Library, series: str) -> tuple[Watch, ...]:
    """Every declaration of a series in the contracts that this site works by, each once."""
    found: dict[str, Watch] = {}
    for record in state.contracts.values():
        template = None if record.status == "submitted" else library.template(record.sha256)
        technique = None if template is None else library.technique(template.process)
        for watch in () if technique is None else technique.watches:
            if watch.series == series:
                found[watch.key] = watch
    return tuple(found.values())


def heard(
    state: State, library: Library, series: str, sensor: str, unit: str, value: Decimal, at: int
) -> tuple[ev.AnyEvent, ...]:
    """What one more value of a series makes known: the value, what broke or is good again, and which executions failed."""
    before = state.series.get(name_of(series, sensor))
    events: list[ev.AnyEvent] = [
        ev.EnvironmentLogged(series=series, sensor=sensor, value=f"{value:f}", unit=unit, observed_at=at)
    ]
    broken: dict[str, int] = {}
    for watch in watches_of(state, library, series):
        if watch.sensor == sensor:
            events.extend(_noted(watch, before, value, unit, at, broken))
    events.extend(_failed(state, library, series, broken))
    return tuple(events)


def _noted(
    watch: Watch, before: Series | None, value: Decimal, unit: str, at: int, broken: dict[str, int]
) -> list[ev.AnyEvent]:
    """What broke or is good again, as one declaration sees it."""
    found: list[ev.AnyEvent] = []
    holds, out = watch.holds(value, unit), False
    if before is not None:
        if at - before.last_at > watch.max_gap_us:
            found.append(_break(watch, "gap", before.last_at, at))
            broken[watch.key] = at
        known = before.breaks.get(watch.key, ())
        out = any(item.kind == "excursion" and item.until is None for item in known)
        if not out and not _held(watch, before):  # it was logged before this declaration was known here
            found.append(_break(watch, "excursion", before.last_at, at if holds else None))
            out = not holds
    if holds:
        if out:
            found.append(ev.EnvironmentRestored(series=watch.series, sensor=watch.sensor, watch=watch.key, at=at))
        return found
    broken[watch.key] = at
    if not out:
        found.append(_break(watch, "excursion", at, None))
    return found


def _break(watch: Watch, kind: str, since: int, until: int | None) -> ev.EnvironmentBroken:
    return ev.EnvironmentBroken(
        series=watch.series, sensor=watch.sensor, watch=watch.key, kind=kind, since=since, until=until
    )


def _failed(state: State, library: Library, series: str, broken: dict[str, int]) -> list[ev.AnyEvent]:
    """The jobs whose open step rests on what broke."""
    found: list[ev.AnyEvent] = []
    for job in state.jobs.values() if broken else ():
        attempt = job.attempts[job.open_step] if job.open_step >= 0 else None
        if job.failed or attempt is None or attempt.completed_at or job.status in OVER:
            continue
        for watch in open_watches(library, job):
            if watch.key in broken and watch.series == series:
                why = f"the log of {series} broke while {attempt.step} was open"
                found.append(ev.JobFailed(order=job.order, job=job.id, why=why))
                break
        if len(found) == FAILED_AT_ONCE_MAX:
            break
    return found


def open_watches(library: Library, job: Job) -> tuple[Watch, ...]:
    """What the open step of a job rests on."""
    technique = technique_of(library, job)
    return () if technique is None or job.open_step < 0 else technique.operations[job.open_step].watches


def technique_of(library: Library, job: Job) -> Technique | None:
    """The technique of a job's open step: the job's, or, pinned by test, the step's own."""
    attempt = job.attempts[job.open_step] if job.open_step >= 0 else None
    if attempt is not None and attempt.contract:
        template = library.template(attempt.contract)
        return None if template is None else library.technique(template.process)
    return library.technique(job.technique)

"""Environmental series, and the stretches in which they were broken."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import OVER, Break, Series, State

BREAKS_KEPT: Final = 64
"""Stretches of a series after which those that nothing rests on any more are forgotten."""


def _environment_logged(state: State, _: Library, e: ev.EnvironmentLogged, at: int, ref: int) -> None:
    name = f"{e.series}/{e.sensor}"
    series = state.series.get(name)
    if series is None:
        state.series[name] = Series(last_at=e.observed_at, value=e.value, unit=e.unit, ref=ref, breaks={})
    else:
        series.last_at, series.value, series.unit, series.ref = e.observed_at, e.value, e.unit, ref


def _environment_broken(state: State, _: Library, e: ev.EnvironmentBroken, at: int, ref: int) -> None:
    series = state.series[f"{e.series}/{e.sensor}"]
    known = series.breaks.setdefault(e.watch, [])
    if known and len(known) % BREAKS_KEPT == 0:
        since = _rested_on_since(state, at)
        known[:] = [broken for broken in known if broken.until is None or broken.until > since]
    known.append(Break(kind=e.kind, since=e.since, until=e.until))


def _rested_on_since(state: State, at: int) -> int:
    """What ended before then is of no job that is not reported yet, and of none that starts from now on."""
    jobs = (job for job in state.jobs.values() if job.status not in OVER and not job.report)
    return min((job.started_at for job in jobs), default=at)


def _environment_restored(state: State, _: Library, e: ev.EnvironmentRestored, at: int, ref: int) -> None:
    for broken in state.series[f"{e.series}/{e.sensor}"].breaks.get(e.watch, ()):
        if broken.until is None:
            broken.until = e.at


STEPS: Final[Steps] = {
    ev.EnvironmentLogged: _environment_logged,
    ev.EnvironmentBroken: _environment_broken,
    ev.EnvironmentRestored: _environment_restored,
}

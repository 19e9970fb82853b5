"""Instants: UTC microseconds since 1970 as integers. Time is an argument everywhere in the core, never a clock.

Bare dates become instants when they are recorded (the site's zone, end of day); `holdgate.adapters.zones` does that, since
zone data is input and not law.
"""

import datetime as dt
from typing import Final, NewType

from holdgate.terms.errors import Malformed

Instant = NewType("Instant", int)
"""UTC microseconds since 1970-01-01."""

SECOND_US: Final = 1_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US: Final = dt.timedelta(microseconds=1)


def parse(text: str) -> Instant:
    """Read an RFC 3339 time with its offset (`Z` or `+hh:mm`).

    Raises:
        Malformed: not a time, or without an offset.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{text[:40]!r} is not a time such as 2026-04-01T13:00:00Z") from None
    if moment.tzinfo is None:
        raise Malformed(f"{text[:40]!r} has no time zone; write 2026-04-01T13:00:00Z")
    return Instant((moment - _EPOCH) // _US)


def show(instant: int) -> str:
    """The instant as RFC 3339 in UTC, with fractions only where there are any."""
    moment = _EPOCH + dt.timedelta(microseconds=instant)
    return moment.isoformat().replace("+00:00", "Z")


def add_years(instant: int, years: int) -> int:
    """The same moment this many calendar years later (UTC); 29 February becomes 1 March where there is none."""
    moment = _EPOCH + dt.timedelta(microseconds=instant)
    year = min(moment.year + years, dt.MAXYEAR)
    try:
        later = moment.replace(year=year)
    except ValueError:
        later = moment.replace(year=year, month=3, day=1)
    return (later - _EPOCH) // _US


def show_duration(us: int) -> str:
    """A duration in words a person reads at a glance: `40 min`, `4 h 05 min`, `90 s`."""
    seconds = abs(us) // SECOND_US
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min" + (f" {seconds % 60:02d} s" if seconds % 60 else "")
    if seconds < 2 * 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    return f"{seconds // 86400} days"

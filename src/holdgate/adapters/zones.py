"""Bare dates become instants when they are recorded: valid to the end of that day, in the site's own zone.

The last instant of a day is the microsecond before the next day begins there; a day of 23, 25 or no hours is counted as
the zone counts it. Zone data is input and not law: it comes from the installed `tzdata` package alone, never from the
machine, and whoever records an instant records TZDATA beside it. The core compares instants.

Source: foundations 4 (time); IANA time zone database; docs/spec/decision.md.
"""

import datetime as dt
import functools
import re
import zoneinfo
from importlib import metadata, resources
from typing import Final

from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import Instant
from holdgate.terms.limits import INTEGER_ABS_MAX

TZDATA: Final = f"tzdata {metadata.version('tzdata')}"
"""The edition of the zone data, for the record."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")


def end_of_day(date: str, tz: str) -> Instant:
    """The last microsecond of a calendar day in a zone.

    Args:
        date: untrusted, `2025-04-01`.
        tz: untrusted, a zone of the IANA database such as `America/Chicago`.

    Raises:
        Malformed: no such day or zone.
    """
    zone = zone_of(tz)
    try:
        if not _DATE.fullmatch(date):
            raise ValueError(date)
        following = dt.datetime.fromisoformat(date) + dt.timedelta(days=1)
        begin = instant.parse(following.replace(tzinfo=zone).astimezone(dt.UTC).isoformat())
    except (ValueError, OverflowError):
        raise Malformed(f"{date[:40]!r} is not a day such as 2025-04-01") from None
    if not abs(begin) <= INTEGER_ABS_MAX:
        raise Malformed(f"the day {date} is outside of what a record can hold")
    return Instant(begin - 1)


def start_of_day(date: str, tz: str) -> Instant:
    """The first microsecond of a calendar day in a zone.

    Raises:
        Malformed: no such day or zone.
    """
    last = end_of_day(date, tz)  # says what is wrong with the day that was written
    before = dt.date.fromisoformat(date) - dt.timedelta(days=1) if date > "0001-01-01" else None
    return Instant(last + 1 - 86_400 * instant.SECOND_US if before is None else end_of_day(before.isoformat(), tz) + 1)


def instant_or_start_of_day(text: str, tz: str) -> Instant:
    """An instant: as written with its offset, or for a bare date the beginning of that day in the zone.

    Raises:
        Malformed: neither a day nor a time with its offset, or no such zone.
    """
    return start_of_day(text, tz) if _DATE.fullmatch(text) else instant.parse(text)


def instant_or_end_of_day(text: str, tz: str) -> Instant:
    """An instant: as written with its offset, or for a bare date the end of that day in the zone.

    Raises:
        Malformed: neither a day nor a time with its offset, or no such zone.
    """
    return end_of_day(text, tz) if _DATE.fullmatch(text) else instant.parse(text)


def local_instant(text: str, tz: str) -> Instant:
    """A wall-clock time without an offset, in a zone; a time that this zone's clocks skipped or showed twice is none.

    Args:
        text: untrusted, `2025-04-01T13:00:00` or with a blank between day and time.
        tz: untrusted, a zone of the IANA database.

    Raises:
        Malformed: no such time or zone; or it is skipped or ambiguous there.
    """
    zone = zone_of(tz)
    try:
        wall = dt.datetime.fromisoformat(text)
        if wall.tzinfo is not None or not _TIME.match(text):
            raise ValueError(text)
        first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    except (ValueError, OverflowError):
        raise Malformed(f"{text[:40]!r} is not a time such as 2025-04-01T13:00:00") from None
    if first != second:
        what = "showed twice" if first.astimezone(zone).replace(tzinfo=None) == wall else "skipped"
        raise Malformed(f"{text[:40]!r} is a time that the clocks of {tz} {what}; write it with its offset")
    return instant.parse(first.isoformat())


@functools.cache
def zone_of(tz: str) -> zoneinfo.ZoneInfo:
    """The zone from the package; the name holds no dots, so that it cannot lead elsewhere."""
    place = resources.files("tzdata").joinpath("zoneinfo", *tz.split("/")) if _ZONE.fullmatch(tz) else None
    try:
        if place is None or not place.is_file():
            raise ValueError(tz)
        with place.open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, key=tz)
    except ValueError:
        raise Malformed(f"{tz[:40]!r} is not a time zone such as America/Chicago") from None


def wall_clock(at: int, tz: str) -> str:
    """A time as the clocks of a zone show it, to the second, with the zone's name then: `2025-04-01 08:05:00 CDT`.

    Args:
        at: UTC µs.
        tz: untrusted, a zone of the IANA database.

    Raises:
        Malformed: no such zone.
    """
    try:
        moment = dt.datetime.fromisoformat(instant.show(at - at % instant.SECOND_US)).astimezone(zone_of(tz))
    except OverflowError:
        return f"{at} µs"
    name = moment.tzname() or ""
    return f"{moment:%Y-%m-%d %H:%M:%S} {name if name.isalpha() else 'UTC' + moment.strftime('%z')}"

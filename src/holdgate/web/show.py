"""Values for a person: instants in the shop's own time zone, durations, ages."""

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo

from holdgate.terms.instant import SECOND_US, show_duration


class Zoned:
    """Shows instants (UTC µs) in one time zone. A missing one is a dash."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def moment(self, at: int | None) -> str:
        """Day, time to the second, and zone: 1 Apr 2025 09:41:00 CDT."""
        return self._shown(at, "%-d %b %Y %H:%M:%S %Z")

    def clock(self, at: int | None) -> str:
        """The time of day to the minute, with its zone: 09:41 CDT."""
        return self._shown(at, "%H:%M %Z")

    def day(self, at: int | None) -> str:
        """The day: 1 Apr 2025."""
        return self._shown(at, "%-d %b %Y")

    def ago(self, at: int | None, now: int) -> str:
        """How long before now: 12 min."""
        return "–" if not at else self.duration(max(now - at, 0))

    def duration(self, us: int | None) -> str:
        """A length of time in its two largest units."""
        if us is None:
            return "–"
        return show_duration(us - us % SECOND_US)

    def _shown(self, at: int | None, form: str) -> str:
        if not at:
            return "–"
        found = datetime.fromtimestamp(at // SECOND_US, UTC)
        return found.astimezone(self._zone).strftime(form)


def calendar_day(text: str) -> str:
    """An ISO date as a person reads it: 1 Apr 2025; what is no date, as it is."""
    try:
        return date.fromisoformat(text).strftime("%-d %b %Y")
    except ValueError:
        return text


def dates(zone: tzinfo) -> Callable[[int], str]:
    """How an instant (UTC µs) is an ISO date in a time zone."""
    return lambda at: datetime.fromtimestamp(at // SECOND_US, UTC).astimezone(zone).date().isoformat()

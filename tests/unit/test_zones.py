"""Bare dates: valid to the last microsecond of the day, as the site's zone counts it."""

import datetime as dt
import re

import pytest

from holdgate.adapters.zones import TZDATA, end_of_day, instant_or_end_of_day
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import parse, show

HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("date", "tz", "last"),
    [
        ("2025-04-01", "UTC", "2025-04-01T23:59:59.999999Z"),
        ("2025-04-01", "America/Chicago", "2025-04-02T04:59:59.999999Z"),
        ("2025-12-01", "America/Chicago", "2025-12-02T05:59:59.999999Z"),
        ("2025-04-01", "Asia/Kathmandu", "2025-04-01T18:14:59.999999Z"),
        ("2025-12-31", "America/New_York", "2026-01-01T04:59:59.999999Z"),
        ("2024-02-29", "Europe/Berlin", "2024-02-29T22:59:59.999999Z"),
    ],
)
def test_a_date_ends_with_its_last_microsecond_in_the_zone(date: str, tz: str, last: str) -> None:
    assert show(end_of_day(date, tz)) == last


@pytest.mark.parametrize(
    ("date", "tz", "hours"),
    [
        ("2025-03-09", "America/Chicago", 23),
        ("2025-11-02", "America/Chicago", 25),
        ("2025-04-01", "America/Chicago", 24),
        ("2018-11-04", "America/Sao_Paulo", 23),  # the day begins at 01:00
        ("2018-02-17", "America/Sao_Paulo", 25),  # its last hour comes twice
        ("2025-11-02", "America/Havana", 25),  # its first hour comes twice
        ("2011-12-30", "Pacific/Apia", 0),  # a day that was left out
    ],
)
def test_a_day_is_as_long_as_the_clocks_say(date: str, tz: str, hours: int) -> None:
    before = (dt.date.fromisoformat(date) - dt.timedelta(days=1)).isoformat()
    assert end_of_day(date, tz) - end_of_day(before, tz) == hours * HOUR_US


def test_a_written_time_is_taken_as_it_is_and_a_date_to_its_end() -> None:
    assert instant_or_end_of_day("2025-03-31T12:00:00Z", "America/Chicago") == parse("2025-03-31T12:00:00Z")
    assert instant_or_end_of_day("2025-03-31", "America/Chicago") == parse("2025-04-01T05:00:00Z") - 1


@pytest.mark.parametrize(
    "date",
    ["", "2025-02-29", "2025-13-01", "2025-4-1", "20250401", "2025-W14-2", "2025-04-01 ", "9999-12-31", "0001-01-01"],
)
def test_what_is_no_day_is_refused(date: str) -> None:
    with pytest.raises(Malformed):
        end_of_day(date, "America/Chicago")


@pytest.mark.parametrize("text", ["", "2025-04-01T13:00:00", "tomorrow", "２０２５-04-01"])
def test_what_is_neither_day_nor_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        instant_or_end_of_day(text, "America/Chicago")


@pytest.mark.parametrize(
    "tz", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "America", "__init__.py", "zone\0"]
)
def test_a_zone_name_that_leads_elsewhere_is_refused(tz: str) -> None:
    with pytest.raises(Malformed, match="time zone"):
        end_of_day("2025-04-01", tz)


def test_the_edition_of_the_zone_data_can_be_recorded() -> None:
    assert re.fullmatch(r"tzdata [0-9]{4}\.[0-9]+", TZDATA)

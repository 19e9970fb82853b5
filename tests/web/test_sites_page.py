"""The page of sites, where a clock had been ahead, or is."""

import pytest

from holdgate import process
from holdgate.demo.shop import ADMIN
from holdgate.sites.status import ClockQuality
from tests.worked_shop import Served


def test_a_site_whose_clock_was_ahead_says_for_how_long_it_refuses(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = served.shop.sites["HUB"]
    assert "was ahead" not in served.get("/HUB/sites", ADMIN).text
    back = site.chronicle.standing.last_at - 552_500_000
    monkeypatch.setattr(type(site.means.clock), "now", lambda _: back)
    page = served.get("/HUB/sites", ADMIN)
    assert page.status_code == 200
    assert "is refused as backdated for about 7 min" in page.text


def test_a_site_that_does_not_follow_its_machines_clock_says_how_far_that_is_ahead(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = served.shop.sites["HUB"]
    assert "not followed" not in served.get("/HUB/sites", ADMIN).text
    monkeypatch.setattr(type(site.means.clock), "ahead_us", 9_600_000_000)
    page = served.get("/HUB/sites", ADMIN)
    assert page.status_code == 200
    assert "ahead, not followed" in page.text
    assert "It is 2 h 40 min ahead of the time that this site goes by" in page.text


@pytest.mark.parametrize("synchronised", [True, False, None])
def test_how_far_a_clock_may_be_off_is_said_of_one_that_is_synchronised_alone(
    served: Served, monkeypatch: pytest.MonkeyPatch, *, synchronised: bool | None
) -> None:
    """Of one that is not the kernel says 16 s, whatever it shows."""
    monkeypatch.setattr(process, "clock_quality", lambda: ClockQuality(synchronised=synchronised, error_us=16_000_000))
    assert ("at most 16000.0 ms off" in served.get("/HUB/sites", ADMIN).text) is (synchronised is True)

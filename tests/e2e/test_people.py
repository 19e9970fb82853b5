"""People before screens: two at once, one who walks away, one who is not asked for."""

import re
from typing import Any

import pytest

from tests.e2e.desk import Seat, Served, needs_chromium, playwright

pytestmark = [needs_chromium, pytest.mark.enable_socket, pytest.mark.timeout(300)]

BOOTH, DOCK, OFFICE = "WS-BOOTH-1", "WS-REC", "WS-OFFICE"
TECHNICIAN, SECOND = "SID-TEC-11", "SID-TEC-12"


def test_two_technicians_sign_at_once(shop: Served, browser: Any) -> None:
    dock = Seat(browser, shop, DOCK, "/FLOOR/dock")
    for serial in ("S01", "S02", "S03", "S04"):
        dock.scan(f"4512-7/C/{serial}")
    dock.see("#came-word", "GO")
    seats = [Seat(browser, shop, BOOTH, "/NODE-FPI/traveler") for _ in range(2)]
    for seat, who, job, parts in zip(seats, (TECHNICIAN, SECOND), ("J-1", "J-2"), ("S01 S02", "S03 S04"), strict=True):
        seat.present(who)
        seat.see("#start-job-PO-1001")
        seat.act("#start-job-PO-1001", job=job, serials=parts)
        seat.see(f"a[href$='PO-1001/{job}']").click()
        seat.see("h1", f"PO-1001/{job}")
        _ready_to_sign(seat)
    for seat in seats:
        seat.act("#sign-S10-pass")
        seat.see("#ask[open] input")
        seat.page.locator("#ask input").fill("246810")
    for seat in seats:
        seat.page.keyboard.press("Enter")
    for seat in seats:
        seat.see("#line-S10", "signed off")
        assert seat.faults == []
        seat.close()
    dock.close()


def _ready_to_sign(seat: Seat) -> None:
    seat.see("#start-S10")
    seat.act("#start-S10")
    for index, value in enumerate(("2100", "9.8", "5"), start=1):
        seat.see(f"#record-S10-{index}")
        seat.act(f"#record-S10-{index}", value=value)
        seat.see(f"#cell-S10-{index} strong", value)


def test_who_walks_away_is_signed_out(shop: Served, browser: Any) -> None:
    seat = Seat(browser, shop, BOOTH, "/NODE-FPI/traveler", clock=True)
    seat.present(TECHNICIAN)
    seat.page.clock.fast_forward("10:05")
    seat.see("#hint", "present your badge")
    playwright.expect(seat.page.locator("#who")).to_have_text("")
    assert seat.page.locator("form.wish button:enabled").count() == 0
    assert all(cookie["name"] != "hg_who" for cookie in seat.context.cookies())
    seat.close()


def test_somebody_elses_page_says_so_and_shows_nothing(shop: Served, browser: Any) -> None:
    seat = Seat(browser, shop, OFFICE, "/NODE-FPI/traveler")
    seat.present("SID-CLI-01")
    for path in ("/NODE-FPI/traveler", "/HUB/qa", "/HUB/admin", "/HUB/finance", "/FLOOR/staging"):
        seat.open(path)
        seat.see("h1", "Sign in" if path.startswith("/FLOOR") else "This page is not yours")  # a dock enrols no clients
        assert seat.page.locator("table").count() == 0
    seat.faults[:] = [fault for fault in seat.faults if not re.search(r"status of 40[13]", fault)]
    assert seat.faults == []
    seat.close()


def answering(status: int) -> Any:
    """A site that gives this status and no more."""
    return lambda route: route.fulfill(status=status, body="{}")


def test_a_scan_outlives_a_site_that_has_forgotten_the_workstation(shop: Served, browser: Any) -> None:
    """Never lose a fact: an answer that decides nothing (401, 500) lets go of no scan."""
    seat = Seat(browser, shop, DOCK, "/FLOOR/dock")
    for status in (401, 500):
        seat.page.route("**/api/marks", answering(status))
        seat.scan(f"9999-9/A/X{status}")
        seat.see("#came-helps", "Nothing is lost")
        seat.see("#outbox-pill", "1 to deliver")
        seat.page.unroute("**/api/marks")
        seat.see("#came-word", "NO")
        playwright.expect(seat.page.locator("#outbox-pill")).to_be_hidden(timeout=20_000)
    seat.close()


def test_a_page_that_was_refused_its_newest_part_asks_for_it_again(shop: Served, browser: Any) -> None:
    """A server that is full answers 503; the page must not stay old until something else happens."""
    watching, other = (Seat(browser, shop, DOCK, "/FLOOR/dock") for _ in range(2))
    refused: list[str] = []
    full = True

    def answer(route: Any) -> None:
        if full:
            refused.append(route.request.url)
            route.fulfill(status=503, content_type="text/plain", body="full\n")
        else:
            route.continue_()

    watching.page.route(re.compile("part=live"), answer)
    watching.page.evaluate(
        "document.querySelectorAll('#live > *').forEach(node => node.remove())"
    )  # no form that waits for time
    other.scan("9999-9/A/X-AGAIN")
    other.see("#came-word", "NO")
    watching.page.wait_for_timeout(1_500)
    assert refused
    full = False
    watching.see("#waiting", "Waiting for parts")
    for seat in (watching, other):
        seat.close()


def test_who_ends_a_session_from_elsewhere_takes_the_key_out_of_that_page(shop: Served, browser: Any) -> None:
    """Somebody left a browser open in the booth, and ends it from the office."""
    left, here = (Seat(browser, shop, place, "/HUB/qa") for place in (BOOTH, OFFICE))
    for seat in (left, here):
        seat.present("SID-QA-01")
    here.see("#mine").click()
    here.see("#sessions tbody tr", "this one")
    here.page.locator("button[data-end='others']").click()
    here.see("#said", "Ended")
    left.see("h1", "Sign in")
    playwright.expect(left.page.locator("#who")).to_have_text("", timeout=20_000)
    here.see("#who", "QA")
    assert (left.faults, here.faults) == ([], [])
    for seat in (left, here):
        seat.close()


@pytest.mark.parametrize("focus", ["#mark", ""], ids=["in the field", "anywhere"])
def test_a_scanner_that_pauses_within_a_mark_is_not_taken_for_another_mark(
    shop: Served, browser: Any, focus: str
) -> None:
    """A busy machine hears some keys late: the end of a mark is not the mark of a part that is not there."""
    seat = Seat(browser, shop, DOCK, "/FLOOR/dock")
    if focus:
        seat.page.locator(focus).focus()
    asked: list[str] = []
    seat.page.on("request", lambda one: asked.append(one.post_data) if one.url.endswith("/api/marks") else None)
    seat.page.keyboard.type("9999")
    seat.page.wait_for_timeout(150)
    seat.page.keyboard.type("-9/A/H01")
    seat.page.keyboard.press("Enter")
    seat.see("#came-word", "NO")
    assert asked == ['{"text":"9999-9/A/H01"}']
    assert seat.page.locator("#mark").input_value() == ""
    seat.close()


def test_a_scan_into_a_field_that_is_half_filled_leaves_what_was_typed(shop: Served, browser: Any) -> None:
    seat = Seat(browser, shop, DOCK, "/FLOOR/dock")
    asked: list[str] = []
    seat.page.on("request", lambda one: asked.append(one.post_data) if one.url.endswith("/api/marks") else None)
    seat.page.locator("#scan-rev").fill("AB")
    seat.page.wait_for_timeout(700)
    seat.scan("9999-9/A/H02")
    seat.see("#came-word", "NO")
    assert asked == ['{"text":"9999-9/A/H02"}']
    assert seat.page.locator("#scan-rev").input_value() == "AB"
    seat.close()


def test_a_scan_right_after_one_with_a_pause_is_taken_wherever_the_focus_is(shop: Served, browser: Any) -> None:
    seat = Seat(browser, shop, DOCK, "/FLOOR/dock")
    asked: list[str] = []
    seat.page.on("request", lambda one: asked.append(one.post_data) if one.url.endswith("/api/marks") else None)
    seat.page.locator("#mark").focus()
    seat.page.keyboard.type("9999")
    seat.page.wait_for_timeout(150)
    seat.scan("-9/A/H03")
    seat.page.evaluate("document.activeElement.blur()")
    seat.scan("9999-9/A/H04")
    for _ in range(200):
        if len(asked) == 2:
            break
        seat.page.wait_for_timeout(50)
    assert asked == ['{"text":"9999-9/A/H03"}', '{"text":"9999-9/A/H04"}']
    seat.close()

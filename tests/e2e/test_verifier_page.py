"""The verifier page in a real browser, from a file: no network, no violation of its policy, and the right verdict."""

import contextlib
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from holdgate.cli.app import main
from holdgate.web.verifier.assemble import page as assembled
from tests.bundles import Taken, flipped
from tests.made_log import Passkey, made

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements/dev.txt)")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: chromium)"),
    pytest.mark.enable_socket,
    pytest.mark.timeout(400),
]
WAIT_MS = 120_000


class Told(NamedTuple):
    """The page, the demonstration's shop and its bundles."""

    page: Path
    shop: Path
    bundles: Path


class Watched(NamedTuple):
    """A page, and what it did: requests, messages on the console, violations of its policy."""

    page: Any
    requests: list[str]
    messages: list[str]

    def drop(self, *files: Path) -> None:
        self.page.set_input_files("#choose", [str(file) for file in files])

    def verdicts(self) -> list[str]:
        self.page.wait_for_selector("article", timeout=WAIT_MS)
        found: list[str] = self.page.locator("article .verdict").all_inner_texts()
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("page")
    found = Told(folder / "verify.html", folder / "shop", folder / "out")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(("demo", "--fast", "--json", "--data", str(found.shop))) == 0
        assert main(("ledger", "export", "--data", str(found.shop), "--bundles", str(found.bundles))) == 0
        assert main(("verifier", "--out", str(found.page))) == 0
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield chromium
        chromium.close()


@pytest.fixture
def watched(told: Told, browser: Any) -> Iterator[Watched]:
    """The page, opened from its file; afterwards: nothing was asked of any network, and nothing was complained of."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    found = Watched(page, [], [])
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("console", lambda message: found.messages.append(message.text))
    page.on("pageerror", lambda error: found.messages.append(str(error)))
    page.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))")
    page.goto(told.page.as_uri())
    yield found
    context.close()
    assert found.requests == [told.page.as_uri()]
    assert found.messages == []


def test_dropped_records_are_verified_without_any_request(told: Told, watched: Watched) -> None:
    sites = ("FLOOR", "HUB", "NODE-FPI")
    watched.drop(*(told.bundles / f"{site}.bundle" for site in sites))
    watched.page.wait_for_selector("#next:has-text('trust.json')", timeout=WAIT_MS)
    watched.drop(told.shop / "trust.json")
    assert watched.verdicts() == ["Record verified unaltered"] * 3
    assert "3 records" in watched.page.inner_text("#result")
    assert "holdgate audit" in watched.page.inner_text("#result")
    states = watched.page.locator("#rows .mark").all_inner_texts()
    assert set(states) == {"verified unaltered"}


def test_the_first_fault_is_named_with_its_entry(told: Told, watched: Watched, tmp_path: Path) -> None:
    taken = Taken.read(told.bundles / "NODE-FPI.bundle")
    seq = taken.all("action")[4]
    leaf, body = taken.entries[seq]
    taken.entries[seq] = (leaf, flipped(body, len(body) // 2))
    watched.drop(told.shop / "trust.json", taken.write(tmp_path / "x.bundle"))
    assert watched.verdicts() == ["This record does not hold"]
    assert f"Entry {seq}: its bytes do not give" in watched.page.inner_text("article .first")
    watched.page.select_option("#which", "unverified")
    assert watched.page.locator("tr.fault").count() == 1
    assert "DOES NOT HOLD" in watched.page.inner_text("tr.fault")


def test_the_table_is_searched_and_turned(told: Told, watched: Watched) -> None:
    watched.drop(told.shop / "trust.json", told.bundles / "NODE-FPI.bundle")
    watched.verdicts()
    page = watched.page
    page.fill("#words", "step.sign alvarez")
    rows = page.locator("#rows tr")
    assert rows.count() > 0
    assert all("step.sign" in text and "performed and accepted" in text for text in rows.all_inner_texts())
    page.fill("#words", "")
    page.select_option("#which", "denied")
    assert all("Refused: " in text for text in rows.all_inner_texts())
    page.select_option("#which", "all")
    assert "verified unaltered" in page.inner_text("#rows")
    if page.is_enabled("#after"):
        first = page.inner_text("#rows th")
        page.click("#after")
        assert page.inner_text("#rows th") != first


def test_times_are_told_in_utc_and_in_the_shop_s_zone(told: Told, watched: Watched) -> None:
    watched.drop(told.shop / "trust.json", told.bundles / "NODE-FPI.bundle")
    watched.verdicts()
    first = watched.page.inner_text("#rows tr >> nth=0")
    assert "2025-03-31 18:00:00 UTC" in first
    assert "31 Mar 2025, 13:00:00" in first


def test_a_receipt_and_a_passkey_hold_in_the_browser_too(watched: Watched, tmp_path: Path) -> None:
    path, trust, _ = made(tmp_path, 300, (Passkey(-7), Passkey(-8), Passkey(-257)))
    watched.drop(path, trust)
    assert watched.verdicts() == ["Record verified unaltered"]
    assert "300 of them by passkey" in watched.page.inner_text("article")
    assert "signed by 2 root keys of your trust file (2 needed)" in watched.page.inner_text("article")


def test_nothing_of_a_file_becomes_markup(watched: Watched, tmp_path: Path) -> None:
    path, trust, _ = made(tmp_path, 3, name="<img src=x onerror=alert(1)><b>E</b>")
    watched.drop(path, trust)
    assert watched.verdicts() == ["Record verified unaltered"]
    assert "<img src=x onerror=alert(1)>" in watched.page.inner_text("#rows")
    assert watched.page.locator("img, #rows b").count() == 0


def test_it_is_worked_by_keyboard_and_fits_a_small_screen(told: Told, watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 320, "height": 600})
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose"
    watched.drop(told.shop / "trust.json", told.bundles / "HUB.bundle")
    watched.verdicts()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320
    names = page.evaluate(
        "[...document.querySelectorAll('input, select, button')].filter((e) => !e.labels?.length && !e.innerText).length"
    )
    assert names == 0


def test_removing_a_file_takes_its_verdict_away(told: Told, watched: Watched) -> None:
    watched.drop(told.shop / "trust.json", told.bundles / "FLOOR.bundle")
    watched.verdicts()
    watched.page.click("text=Remove all files")
    assert watched.page.locator("article").count() == 0
    assert not watched.page.is_visible("#entries")


def test_its_policy_lets_no_request_and_no_markup_through(told: Told, browser: Any) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(told.page.as_uri())
    asked = "fetch('https://example.org/').then(() => 'asked', (e) => e.name)"
    assert page.evaluate(asked) == "TypeError"
    markup = "(() => { try { document.body.innerHTML = '<p>x'; return 'set' } catch (e) { return e.name } })()"
    assert page.evaluate(markup) == "TypeError"
    inline = "(() => { const s = document.createElement('style'); s.textContent = 'body { display: none }';"
    inline += " document.head.append(s); return getComputedStyle(document.body).display })()"
    assert page.evaluate(inline) == "block"
    context.close()


def test_the_page_is_the_same_bytes_each_time_and_names_no_other_place(told: Told) -> None:
    raw = told.page.read_bytes()
    assert raw == assembled()
    text = raw.decode()
    assert "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\s\"'`<>)]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:link|img|iframe|script src)", text)

"""Enrolment in real browsers: an admin invites, a newcomer makes a badge, two officers sign, and the newcomer signs in with it."""

import asyncio
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.cli.demo import certified, technique
from holdgate.cli.run import serve
from holdgate.demo.live import Kit, lay_out, shortened
from holdgate.demo.stand import stand_routes
from holdgate.process import RECEPTION, open_whole

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM: Final = shutil.which("chromium")
pytestmark = [
    pytest.mark.enable_socket,  # one server, on this machine's loopback
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian package chromium)"),
]
WITHIN_MS: Final = 40_000
PIN: Final = "805172"


class Demo:
    """The demonstration's shop, served in a thread. `address`: where."""

    def __init__(self, directory: Path) -> None:
        reception = SqliteReception(directory / RECEPTION)
        try:
            self.kit: Kit = lay_out(directory, certified(shortened(technique())), reception)
        finally:
            reception.close()
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sites", daemon=True)
        self._thread.start()
        self.address = self._run(self._open())

    async def _open(self) -> str:
        _, app = await self._stack.enter_async_context(open_whole(self._directory))
        app.routes[:0] = stand_routes(self.kit)
        port = await self._stack.enter_async_context(serve(app, "127.0.0.1", 0))
        return f"http://localhost:{port}"

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def close(self) -> None:
        """End it in good order."""
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    shop = Demo(tmp_path_factory.mktemp("enrolment"))
    yield shop
    shop.close()


def opened(browser: Any, faults: list[str]) -> Any:
    """A browser of its own; what its console complains of is kept."""
    page = browser.new_context().new_page()
    page.set_default_timeout(WITHIN_MS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    return page


def stand_at(page: Any, demo: Demo, place: str) -> None:
    page.goto(f"{demo.address}/HUB/admin")
    page.wait_for_selector("html[data-ready]")
    page.get_by_label("Stand at").select_option(place)
    page.locator("#place:not(:empty)").wait_for()


def be(page: Any, who: str, pin: str = "246810") -> None:
    page.locator("#stand-who").select_option(who)
    unlock(page, pin)
    page.locator("#who:not(:empty)").wait_for()


def unlock(page: Any, pin: str = "246810") -> None:
    page.locator("#ask[open] input").fill(pin)
    page.keyboard.press("Enter")


def sign(page: Any, smart_id: str) -> str:
    """Check and sign the newest paper about somebody; what the page says then."""
    page.locator("#papers .card", has_text=smart_id).get_by_role("button").click()
    assert "technician" in page.locator("#ask[open] dl").inner_text()
    unlock(page)
    said = page.locator("#said", has_text=re.compile("waits for|recorded|Refused|Nothing"))
    said.wait_for()
    return str(said.text_content())


def test_a_newcomer_is_enrolled_by_two_officers_and_signs_in_with_the_badge_they_made(demo: Demo, browser: Any) -> None:
    faults: list[str] = []
    admin, qa, newcomer = (opened(browser, faults) for _ in range(3))
    stand_at(admin, demo, "WS-OFFICE")
    be(admin, "SID-ADM-01")
    stand_at(qa, demo, "WS-OFFICE")
    be(qa, "SID-QA-01")

    admin.locator("#inviting summary").click()
    for name, value in (("id", "SID-NEW-01"), ("name", "N. Comer"), ("roles", "technician")):
        admin.fill(f"#invite [name={name}]", value)
    admin.select_option("#invite [name=second]", "SID-QA-01")
    admin.locator("#invite button").click()
    admin.locator("#invited-link:not(:empty)").wait_for()
    link = admin.locator("#invited-link").text_content()

    newcomer.goto(link)
    newcomer.wait_for_selector("html[data-ready]")
    newcomer.fill("#make-badge [name=pin]", PIN)
    newcomer.fill("#make-badge [name=again]", "135791")
    newcomer.locator("#make-badge button").click()
    newcomer.locator("#said", has_text="differ").wait_for()
    newcomer.fill("#make-badge [name=again]", PIN)
    newcomer.locator("#make-badge button").click()
    newcomer.locator("#join-wait:not([hidden])").wait_for()
    badge = newcomer.locator("#badge-text").text_content()
    assert re.fullmatch(r"hg1:SID-NEW-01:[A-Za-z0-9_-]{22}", badge)
    assert newcomer.locator("#badge-qr svg path").count() == 1
    assert newcomer.locator("#badge-bars svg rect").count() > 50

    assert "waits for SID-QA-01" in sign(admin, "SID-NEW-01")
    assert "recorded" in sign(qa, "SID-NEW-01")
    newcomer.locator("#join-finished:not([hidden])").wait_for()

    kiosk = opened(browser, faults)
    stand_at(kiosk, demo, "WS-BOOTH-1")
    kiosk.keyboard.type(badge, delay=0)
    kiosk.keyboard.press("Enter")
    unlock(kiosk, "000000")
    kiosk.locator("#ask[open] .says", has_text="not the PIN").wait_for()
    unlock(kiosk, PIN)
    kiosk.locator("#who", has_text="N. Comer").wait_for()
    assert faults == []

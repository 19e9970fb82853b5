"""A shop in a process of its own and browsers before it: people stand somewhere, present badges, click."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

CHROMIUM: Final = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
WAIT_MS: Final = 20_000
PROGRAM: Final = ("-c", "import sys; from holdgate.cli.app import main; sys.exit(main())")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


FOLLOW: Final = """path => {
  const link = Object.assign(document.createElement("a"), { href: path });
  document.body.append(link);
  link.click();
  link.remove();
}"""
THERE: Final = (
    """path => location.pathname + location.search === path && document.documentElement.dataset.ready === '1'"""
)


class Served:
    """`holdgate up --demo` in a directory that stays. `program`: what runs it, if it is not the command alone."""

    def __init__(self, directory: Path, program: tuple[str, ...] = PROGRAM) -> None:
        self.directory = directory
        command = [sys.executable, *program, "up"]
        self._log = directory.with_suffix(".log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*command, str(directory), "--demo", "--listen", "127.0.0.1:0"], stdout=self._log, stderr=subprocess.STDOUT
        )
        self.port = self._wait()
        self.url = f"http://localhost:{self.port}"
        with urllib.request.urlopen(f"{self.url}/demo/kit.json", timeout=20) as answer:
            self.kit: dict[str, Any] = json.load(answer)

    def _wait(self) -> int:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            text = Path(self._log.name).read_text(encoding="utf-8")
            if " is up: " in text:
                return int(text.partition("http://127.0.0.1:")[2].partition("/")[0])
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"the shop did not come up:\n{Path(self._log.name).read_text(encoding='utf-8')}")

    def stop(self) -> None:
        """End it in good order."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        self._log.close()

    def badge(self, smart_id: str) -> str:
        """What a scanner reads off somebody's badge."""
        return next(str(person["badge"]) for person in self.kit["people"] if person["id"] == smart_id)


class Seat:
    """A browser of its own at a workstation. Whatever its console complains of is kept in `faults`."""

    def __init__(
        self,
        browser: Any,
        shop: Served,
        place: str,
        path: str,
        *,
        clock: bool = False,
        script: str = "",
        **context: Any,
    ) -> None:
        self.shop = shop
        self.context = browser.new_context(**context)
        if script:
            self.context.add_init_script(script)
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        if clock:
            self.page.clock.install()
        self.faults: list[str] = []
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.open(path)
        self.page.locator("#stand-place").select_option(place)
        self.see("#place:not(:empty)")

    def open(self, path: str) -> None:
        """Go to a page as somebody who types its address."""
        self.page.goto(self.shop.url + path)
        self.page.locator("html[data-ready]").wait_for()

    def go(self, path: str) -> None:
        """Go to a page as somebody who follows a link: whoever is signed in by badge stays."""
        self.page.evaluate(FOLLOW, path)
        self.page.wait_for_function(THERE, arg=path)

    def see(self, selector: str, text: str = "") -> Any:
        """Wait until something is there (with this text)."""
        found = self.page.locator(selector)
        playwright.expect(found.first).to_be_visible(timeout=WAIT_MS)
        if text:
            playwright.expect(found.first).to_contain_text(text, timeout=WAIT_MS)
        return found

    def present(self, smart_id: str, pin: str = "246810") -> None:
        """Scan a badge, type the PIN."""
        self.scan(self.shop.badge(smart_id))
        self.pin(pin)
        self.see("#who", "(")

    def scan(self, text: str) -> None:
        """What a keyboard wedge does: type fast, then Enter."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def pin(self, pin: str = "246810") -> None:
        """Answer the dialog."""
        self.see("#ask[open] input")
        self.page.locator("#ask input").fill(pin)
        self.page.keyboard.press("Enter")

    def act(self, form: str, *, pin: bool = False, **fields: str) -> None:
        """Fill in a form and send it off, with the PIN where it signs."""
        box = self.page.locator(form)
        for name, value in fields.items():
            field = box.locator(f"[data-field='{name}']")
            if field.evaluate("field => field.nodeName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        box.locator("button").first.click()
        if pin:
            self.pin()

    def close(self) -> None:
        """Leave; nothing may have gone wrong unseen."""
        self.context.close()


@contextlib.contextmanager
def browsing() -> Iterator[Any]:
    """Debian's Chromium."""
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()

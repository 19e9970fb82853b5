"""Every screen, as its people see it: axe-core finds nothing, console and policy stay silent, hands and keys find everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.demo.shop import CLIENT, DOCK, LINE, OFFICE, PLANNER, QA, RECEIVING
from holdgate.web.pages import PAGES
from tests.e2e.desk import Seat, Served, browsing, needs_chromium
from tests.e2e.house import PROGRAM
from tests.e2e.looker import DESK, Looker
from tests.e2e.screens import SCREENS, Screen
from tests.hub_shop import AT_QA

axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
pytestmark = [needs_chromium, pytest.mark.enable_socket, pytest.mark.timeout(420)]

AXE: Final = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
POLICY: Final = """globalThis.blocked = [];
document.addEventListener("securitypolicyviolation", (e) => globalThis.blocked.push(`${e.violatedDirective} ${e.blockedURI}`));"""
RULES: Final = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OF_SIZE_AND_SCHEME: Final = {
    "type": "rule",
    "values": ["color-contrast", "target-size", "scrollable-region-focusable", "label", "button-name", "link-name"],
}
"""What can differ on a phone in the dark."""
AUDIT: Final = """async rules => {
  const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
}"""
WIDER: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL: Final = """least => [...document.querySelectorAll(
  "#top a, #top button, main button, main a.button, main nav a, .chips a, .tiles a, summary, main input, main select, #ask button")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < least)
  .map((one) => `${Math.round(one.getBoundingClientRect().height)} px: ${one.outerHTML.slice(0, 120)}`)"""
WALKED: Final = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  return { id: at.id, text: at.textContent.trim().slice(0, 40), seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
}"""
IN_DIALOG: Final = "document.activeElement === document.body || document.activeElement.closest('#ask') !== null"
"""The browser's own controls come after the dialog's; from there Tab leads back."""
PHONE: Final = {"width": 412, "height": 915}
GLOVES_PX, TARGET_PX = 72, 44
NOWHERE: Final = {("join", ""), ("why", "")}
"""Addresses that name nothing: they answer with the problem page, which has a test of its own."""
SHOWN_ELSEWHERE: Final = {("join", "/{secret}"), ("office", "/new/drafts/{draft}")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop in which things have happened."""
    served = Served(tmp_path_factory.mktemp("shop") / "shop", PROGRAM)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser."""
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def looker(browser: Any, shop: Served) -> Iterator[Looker]:
    """Looks at screens."""
    found = Looker(browser, shop, f"{AXE}\n{POLICY}")
    yield found
    found.close()


def faults_of(seat: Seat, gloves: bool = False) -> list[str]:
    """What is wrong with the screen before somebody: at a desk in a bright hall, then on a phone in the dark."""
    page, found = seat.page, []
    for size, scheme, rules in ((DESK, "light", RULES), (PHONE, "dark", OF_SIZE_AND_SCHEME)):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {fault}" for fault in page.evaluate(AUDIT, rules)]
        if page.evaluate(WIDER) > 0:
            found.append(f"{scheme}: the page scrolls sideways by {page.evaluate(WIDER)} px")
        found += [f"{scheme}: small: {one}" for one in page.evaluate(SMALL, GLOVES_PX if gloves else TARGET_PX)]
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    found += [f"policy: {one}" for one in page.evaluate("globalThis.blocked.splice(0)")]
    found += [f"console: {one}" for one in seat.faults]
    seat.faults.clear()
    return found


def test_every_page_has_a_case() -> None:
    wanted = {(page.name, below) for page in PAGES for below in ("", *(row[0] for row in page.below))}
    assert wanted == {(screen.page, screen.below) for screen in SCREENS} | NOWHERE | SHOWN_ELSEWHERE


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_without_fault(looker: Looker, screen: Screen) -> None:
    seat = looker.shown(screen)
    page = next(page for page in PAGES if page.name == screen.page)
    assert seat.page.locator("main h1").inner_text() not in ("Sign in", "This page is not yours")
    assert faults_of(seat, page.gloves) == []


def test_the_pages_of_nobody_are_without_fault(looker: Looker) -> None:
    seat = looker.seat("", OFFICE, "/HUB/qa")
    assert faults_of(seat) == [], "the door"
    for path in ("/", "/demo"):
        seat.page.goto(seat.shop.url + path)
        assert faults_of(seat) == [], path
    seat.open("/HUB/join/nobody-was-invited-here")
    seat.faults[:] = [fault for fault in seat.faults if "404" not in fault]
    assert faults_of(seat) == [], "the problem page"


def test_an_invitation_is_without_fault(looker: Looker) -> None:
    admin = looker.seat("SID-ADM-01", OFFICE, "/HUB/admin")
    admin.go("/HUB/admin")
    admin.page.locator("#inviting summary").click()
    for name, value in (("id", "SID-NEW-01"), ("name", "N. Comer"), ("roles", "technician")):
        admin.page.locator(f"#invite [name={name}]").fill(value)
    admin.page.locator("#invite [name=second]").select_option(QA)
    admin.page.locator("#invite button.primary").click()
    admin.see("#invited-link", "/join/")
    assert faults_of(admin) == [], "the invitation"
    path = "/" + admin.page.locator("#invited-link").inner_text().split("/", 3)[3]
    guest = looker.seat("", OFFICE, "/HUB/qa")
    guest.open(path)
    guest.see("h1", "Welcome, N. Comer")
    assert faults_of(guest) == []


def test_a_purchase_order_with_open_questions_and_one_without_are_without_fault(looker: Looker) -> None:
    seat = looker.seat(PLANNER, OFFICE, "/HUB/office/new/drafts")
    seat.go("/HUB/office/new/drafts")
    seat.page.locator("#typing > summary").click()
    form = seat.page.locator("#order-form")
    said = {"po": "PO-7002", "client": "AERODYNE", "part_no": "4512-7", "rev": "C", "contract": "SP-FPI-4512"}
    for name, value in {**said, "serials": "S81 S82", "quantity": "many"}.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button.primary").click()
    seat.see("#said", "'many' is no number of parts")
    assert faults_of(seat) == [], "a field that cannot be read"
    form.locator("[name=quantity]").fill("2")
    form.locator("button.primary").click()
    seat.see("h1", "Draft PO-7002")
    seat.see("#checklist [data-stops]", "Stops staging")
    assert faults_of(seat) == [], "open questions"
    for answer in seat.page.locator("#checklist [name^='answer.']").all():
        answer.fill("as their mail says")
    seat.page.locator("#checklist button").click()
    seat.see("#stage-order button", "Stage order")
    assert faults_of(seat) == [], "nothing stops it"
    seat.page.locator("[data-throws]").click()
    seat.page.locator("#ask button[value=yes]").click()
    seat.see("#said", "The draft is gone.")
    seat.see("h1", "Purchase orders")


SLOW_ANSWERS: Final = """() => {
  const ask = globalThis.fetch;
  globalThis.letGo = [];
  globalThis.fetch = async (address, said) => {
    const answer = await ask(address, said);
    if (!String(address).includes("part=live")) return answer;
    const text = await answer.text();
    const late = new Promise((done) => globalThis.letGo.push(() => done(text)));
    return { headers: answer.headers, text: () => late };
  };
  globalThis.dispatchEvent(new Event("online"));
}"""
"""What a page asks of its live part from now on arrives, but is read to its end only when the test says so."""


def test_what_a_page_asked_for_is_not_put_into_the_page_that_was_opened_meanwhile(looker: Looker) -> None:
    """Seen once on a slow machine: a draft's heading over the list of drafts, and no checklist."""
    seat = looker.fresh(OFFICE, "/HUB/office")  # its own: it stays slow
    seat.present(PLANNER)
    seat.go("/HUB/office")
    seat.page.evaluate(SLOW_ANSWERS)
    until_true(seat, "globalThis.letGo.length > 0")
    seat.page.locator("#top a[href='/HUB/qa'], #top a[href='/HUB/contracts']").first.click()
    until_true(seat, "location.pathname !== '/HUB/office' && document.documentElement.dataset.ready === '1'")
    shown = seat.page.locator("#main").inner_text()
    seat.page.evaluate("globalThis.letGo.splice(0).forEach((go) => go())")
    seat.page.wait_for_timeout(300)
    assert seat.page.locator("#main").inner_text() == shown
    seat.close()


def until_true(seat: Seat, words: str) -> None:
    """Until the page says so; its policy forbids the browser's own way of waiting."""
    for _ in range(400):
        if seat.page.evaluate(words):
            return
        seat.page.wait_for_timeout(50)
    pytest.fail(f"never: {words}")


def test_what_is_signed_is_shown_without_fault_and_by_keyboard_alone(looker: Looker) -> None:
    seat = looker.seat(QA, OFFICE, "/HUB/qa")
    seat.go(f"/HUB/qa/{AT_QA}/J-1")
    button = seat.page.locator("#accept-record button")
    button.focus()
    seat.page.keyboard.press("Enter")
    seat.see("#ask[open] input")
    assert faults_of(seat) == [], "the dialog"
    inside = [seat.page.evaluate(IN_DIALOG)]
    for _ in range(6):
        seat.page.keyboard.press("Tab")
        inside.append(seat.page.evaluate(IN_DIALOG))
    assert all(inside), "the dialog keeps the focus"
    seat.page.keyboard.press("Escape")
    seat.page.locator("#ask").wait_for(state="hidden")
    seat.page.wait_for_function("() => document.activeElement.closest('#accept-record') !== null")


def test_a_refusal_is_shown_without_fault(looker: Looker) -> None:
    seat = looker.seat(QA, OFFICE, "/HUB/qa")
    seat.go(f"/HUB/qa/{AT_QA}/J-1")
    box = seat.page.locator("#accept-record")
    box.locator("[data-field='quantities.accepted']").fill("3")
    box.locator("button").click()
    seat.pin()
    seat.see("#accept-record .refusal li")
    seat.faults[:] = [fault for fault in seat.faults if "status of 4" not in fault]
    assert faults_of(seat) == []


def test_every_control_is_reached_by_tab_in_the_order_of_the_page(looker: Looker) -> None:
    seat = looker.seat(CLIENT, OFFICE, "/HUB/client")
    seat.go("/HUB/client/PO-2001")
    seat.page.evaluate("document.querySelector('.skip').focus()")
    walked = []
    for _ in range(40):
        seat.page.keyboard.press("Tab")
        at = seat.page.evaluate(WALKED)
        if at is None or at in walked:
            break
        walked.append(at)
    texts = [one["text"] for one in walked]
    assert "Sign out" in texts
    assert texts.index("Sign out") < texts.index("My orders") < texts.index("All my orders")
    assert [one for one in walked if not one["seen"]] == [], "the focus is seen"


def test_the_secret_of_a_badge_that_is_scanned_at_the_dock_stays_there(looker: Looker, shop: Served) -> None:
    seat = looker.fresh(DOCK, "/FLOOR/dock")
    secret = shop.badge(RECEIVING).rpartition(":")[2]
    sent: list[str] = []
    seat.page.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    seat.present(RECEIVING)
    seat.see("#who", "R. Osei")
    assert sent
    assert not [one for one in sent if secret in one]
    assert secret not in seat.page.locator("main").inner_text()
    assert seat.faults == []
    seat.close()


def test_the_demonstrations_steps_lead_on(looker: Looker) -> None:
    seat = looker.fresh(LINE, "/FLOOR/dock")
    seat.page.goto(f"{seat.shop.url}/demo")
    seat.page.locator("#step-1 a[data-step]").click()
    seat.see("#place", "Dock")
    seat.see("#stand .step", "The parts arrive")
    seat.page.locator("#stand-next").click()
    seat.see("#place", "Penetrant line")
    seat.pin()
    seat.see("#who", "M. Alvarez (technician)")
    seat.see("h1", "Traveler")
    seat.page.locator("#stand a", has_text="All steps").click()
    seat.see("#step-1 [data-done]", "done")
    assert seat.faults == []
    seat.close()

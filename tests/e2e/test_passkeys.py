"""A person with a passkey: enrolled by two officers, signs in, and signs an act that an auditor verifies without any server."""

from typing import Any, Final

import pytest

from holdgate.cli.app import main
from tests.e2e.desk import Seat, Served, needs_chromium, playwright

pytestmark = [needs_chromium, pytest.mark.enable_socket, pytest.mark.timeout(300)]

NEWCOMER: Final = "SID-QA-02"
OFFICE: Final = "WS-OFFICE"
AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_authenticator(seat: Seat) -> Any:
    """The browser's own passkeys; the session that commands them, and their number."""
    session = seat.context.new_cdp_session(seat.page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session, made["authenticatorId"]


def test_a_passkey_is_enrolled_signs_in_and_signs_and_the_record_stands(
    shop: Served, browser: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = Seat(browser, shop, OFFICE, "/HUB/admin")
    qa = Seat(browser, shop, OFFICE, "/HUB/admin")
    newcomer = Seat(browser, shop, OFFICE, "/HUB/admin")
    session, number = with_authenticator(newcomer)
    admin.present("SID-ADM-01")
    qa.present("SID-QA-01")
    newcomer.open(_invited(admin).removeprefix(shop.url))
    newcomer.page.locator("#make-passkey button").click()
    newcomer.see("#join-wait")
    assert len(session.send("WebAuthn.getCredentials", {"authenticatorId": number})["credentials"]) == 1
    _signs(admin)
    _signs(qa)
    newcomer.see("#join-finished", "enrolled")
    _signs_in(newcomer)
    _stops_work(newcomer, session, number)
    for seat in (admin, qa, newcomer):
        assert seat.faults == [], (seat.page.url, seat.faults)
        seat.close()
    shop.stop()
    assert main(["audit", str(shop.directory)]) == 0, capsys.readouterr().out


def _invited(admin: Seat) -> str:
    admin.page.locator("#inviting summary").click()
    for name, value in (("id", NEWCOMER), ("name", "Q. Newman"), ("roles", "qa")):
        admin.page.fill(f"#invite [name={name}]", value)
    admin.page.select_option("#invite [name=second]", "SID-QA-01")
    admin.page.locator("#invite button").click()
    return str(admin.see("#invited-link:not(:empty)").text_content())


def _signs(officer: Seat) -> None:
    officer.page.locator("#papers .card", has_text=NEWCOMER).get_by_role("button").click()
    officer.pin()
    playwright.expect(officer.page.locator("#ask[open]")).to_have_count(0)


def _signs_in(person: Seat) -> None:
    person.open("/HUB/contracts")
    person.see("#passkey")
    person.page.fill("#passkey input", NEWCOMER)
    person.page.locator("#passkey button").click()
    person.see("#who", "Q. Newman")


def _stops_work(person: Seat, session: Any, number: str) -> None:
    """Each signature asks the person: theirs stops the work; a finger that is not theirs signs no resumption."""
    person.see("a[href*='/contracts/']").first.click()
    person.see("form[data-act='contract.suspend']")
    person.act("form[data-act='contract.suspend']", reason="penetrant lot under review")
    person.see("#said", "recorded")
    person.see("form[data-act='contract.resume']")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": number, "isUserVerified": False})
    person.act("form[data-act='contract.resume']", reason="released by nobody")
    person.see("#said", "Nothing was signed")
    person.see("form[data-act='contract.resume']")

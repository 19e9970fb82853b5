"""Planted defects: sessions, origins, who sees what."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = (
    Defect(
        name="a page of another site acts for the visitor",
        module="holdgate.web.operation",
        old='if row.method != "GET" and request.headers.get("sec-fetch-site") in _ANOTHER:',
        new="if False:",
        check="tests/web/test_browser_rules.py::test_a_page_of_another_site_changes_nothing[cross-site]",
        soak=True,
    ),
    Defect(
        name="a row of the API is open to everybody",
        module="holdgate.web.operation",
        old="            if not row.who(asker):",
        new="            if False:",
        check="tests/web/test_rows.py::test_a_row_answers_whoever_may_ask_it_and_nobody_else[HUB]",
        soak=True,
    ),
    Defect(
        name="another client's order is visible",
        module="holdgate.web.asker",
        old="                    order.client == self.clients\n",
        new='                    order.client != ""\n',
        check="tests/web/test_rows.py::test_no_row_shows_a_sign_of_an_order_that_is_not_theirs[HUB-SID-CLI-01]",
        soak=True,
    ),
    Defect(
        name="terms signed under a number open its order",
        module="holdgate.web.asker",
        old="            if order.client:\n",
        new="            if False:\n",
        check="tests/web/test_hub_isolation.py::test_signing_terms_under_somebody_elses_number_opens_nothing",
        soak=True,
    ),
    Defect(
        name="an auditor whose time is over reads on",
        module="holdgate.web.asker",
        old="and held.until >= self.now",
        new="",
        check="tests/web/test_reading_api.py::test_an_auditor_whose_time_is_over_sees_nothing",
        soak=True,
    ),
    Defect(
        name="a session opens without a signature",
        module="holdgate.web.sessions",
        old="        verify_all(envelope, [(login.id, who.key)])\n",
        new="",
        check="tests/web/test_browser_rules.py::test_nobody_signs_in_but_by_their_own_key_while_it_is_in_force",
        soak=True,
    ),
    Defect(
        name="a disabled person signs in",
        module="holdgate.web.sessions",
        old="        if who is None or who.disabled_at is not None:",
        new="        if who is None:",
        check="tests/web/test_browser_rules.py::test_nobody_signs_in_but_by_their_own_key_while_it_is_in_force",
        soak=True,
    ),
    Defect(
        name="a challenge is signed once and used for ever",
        module="holdgate.web.sessions",
        old="self._challenges.pop(login.challenge, 0)",
        new="self._challenges.get(login.challenge, 0)",
        check="tests/web/test_browser_rules.py::test_a_challenge_works_once_in_time_and_for_one_host",
        soak=True,
    ),
    Defect(
        name="a login for another address opens a session",
        module="holdgate.web.sessions",
        old="        if login.host != host:",
        new="        if False:",
        check="tests/web/test_browser_rules.py::test_a_challenge_works_once_in_time_and_for_one_host",
        soak=True,
    ),
    Defect(
        name="an idle session stays open",
        module="holdgate.web.sessions",
        old="return now - self.last > self.idle_us or now > self.until",
        new="return now > self.until",
        check="tests/web/test_browser_rules.py::test_an_idle_session_ends_and_every_sign_in_is_a_new_one",
        soak=True,
    ),
    Defect(
        name="what people wrote runs as a script",
        module="holdgate.web.page",
        old="        autoescape=True,",
        new="        autoescape=False,",
        check="tests/web/test_hub_isolation.py::test_what_people_wrote_is_shown_as_they_wrote_it",
        soak=True,
    ),
    Defect(
        name="a script reads the session's cookie",
        module="holdgate.web.api.session",
        old="secret, httponly=True, secure=secure",
        new="secret, secure=secure",
        check="tests/web/test_browser_rules.py::test_over_tls_a_session_is_of_this_host_alone",
        soak=True,
    ),
)

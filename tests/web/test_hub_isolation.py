"""Customer isolation: a client sees its own orders and nothing of anybody else's: in no page, no row of the API, no story.

What is another client's looks exactly like what is not there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.zones import zone_of
from holdgate.crypto.envelope import seal
from holdgate.demo.shop import ADMIN, CLIENT, COMPLIANCE, LEVEL3, PLANNER, QA, TECHNICIAN
from holdgate.law import event as ev
from holdgate.law.state import Acceptance
from holdgate.process import PORTAL_PATHS, open_whole
from holdgate.query.client_story import client_story
from holdgate.query.record import Said
from holdgate.terms import canon
from holdgate.web.page import Page, environment
from holdgate.web.pages import PAGES, client
from holdgate.web.problem import Problem
from holdgate.web.sessions import LOGIN_TYPE, Login
from tests import hub_shop as hub

MINE = {CLIENT: "AERODYNE", hub.OTHER_CLIENT: "BORA"}
THEIRS = {
    CLIENT: (hub.REPORTED, hub.RUNNING, hub.STAGED, hub.ACCEPTED_TERMS, hub.REJECTED, hub.AT_QA),
    hub.OTHER_CLIENT: (hub.INVOICED, hub.EXCEPTIONS, hub.AT_COMPLIANCE, hub.HELD),
}
"""By client, the orders of the other one."""
ALL = tuple(order for orders in THEIRS.values() for order in orders)


@pytest.fixture(scope="module", autouse=True)
def played() -> None:
    """The shop is played before any test opens an event loop of its own: no loop runs inside another."""
    hub.played()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hub.Office]:
    with hub.office(tmp_path_factory.mktemp("office")) as found:
        yield found


def rendered(office: hub.Office, page: Page, template: str, who: str, query: dict[str, str], **path: str) -> str:
    """A page's live part as somebody gets it; the problem's text where there is nothing to show."""
    view = office.view(who, query, **path)
    model = page.model if template == page.name else next(m for _, name, m in page.below if name == template)
    made = model(view)
    name = "problem" if isinstance(made, Problem) else template
    found = environment(zone_of(office.face.settings.tz)).get_template(f"{name}.html")
    context = {
        "page": page,
        "view": view,
        "m": made,
        "face": office.face,
        "asker": view.asker,
        "menu": [],
        "settings": office.face.settings,
    }
    return "".join(found.blocks["live"](found.new_context(context))) + found.render(context)


def everything(office: hub.Office, page: Page, who: str) -> Iterator[tuple[str, str]]:
    """Every address of a page, of every order: (address, text)."""
    state = office.face.state
    sha256 = next(iter(state.in_force.values()))
    for query in ({}, {"q": "po"}, {"show": "all"}, {"show": "held"}, {"order": "PO-9", "contract": sha256}):
        yield page.name, rendered(office, page, page.name, who, query)
        for path, template, _ in page.below:
            if "{" not in path:
                yield path, rendered(office, page, template, who, query)
    named = {"job": hub.JOB, "sha256": sha256, "draft": "none", "org": "AERODYNE", "run": "RUN-1"}
    for path, template, _ in page.below:
        if "{" not in path or template == "client_terms":
            continue
        for number in (*state.money.bills, *state.money.payables) if "{number}" in path else ("",):
            for order in state.orders if "{order}" in path else ("",):
                each = {**named, "order": order, "report": f"R-{order}", "number": number}
                yield path.format(**each), rendered(office, page, template, who, {}, **each)


# ---- pages ---------------------------------------------------------------------------------------------------------

HUB_PAGES = [page for page in PAGES if "business_hub" in page.kinds]
BY_ROLE = {
    "qa": (QA, LEVEL3),
    "compliance": (COMPLIANCE,),
    "office": (PLANNER, ADMIN, QA),
    "finance": (hub.FINANCE, PLANNER, ADMIN),
    "books": (hub.FINANCE, PLANNER),
    "client": (CLIENT, hub.OTHER_CLIENT),
    "invoices": (CLIENT, hub.OTHER_CLIENT),
    "account": (TECHNICIAN, hub.FINANCE, ADMIN),
    "papers": (QA, TECHNICIAN, CLIENT),
}


@pytest.mark.parametrize("name", sorted(BY_ROLE))
def test_every_page_is_drawn_for_everybody_who_has_it_and_escapes_what_people_wrote(
    office: hub.Office, name: str
) -> None:
    page = next(page for page in HUB_PAGES if page.name == name)
    for who in BY_ROLE[name]:
        assert page.open_to(office.view(who).asker)
        for address, text in everything(office, page, who):
            assert "<h1>" in text, address
            assert "<script>alert" not in text, address
            assert " style=" not in text, address


def test_what_people_wrote_is_shown_as_they_wrote_it(office: hub.Office) -> None:
    page = next(page for page in HUB_PAGES if page.name == "qa")
    text = rendered(office, page, "qa_job", QA, {}, order=hub.EXCEPTIONS, job=hub.JOB)
    assert "dent on the flange &lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_money_has_no_button(office: hub.Office) -> None:
    page = next(page for page in HUB_PAGES if page.name == "finance")
    for _, text in everything(office, page, hub.FINANCE):
        assert "data-wish" not in text


def test_every_page_that_is_for_clients_is_at_the_portals_address() -> None:
    theirs = [page.name for page in HUB_PAGES if page.roles == client.ROLES]
    assert len(theirs) >= 2
    assert [name for name in theirs if f"/HUB/{name}" not in PORTAL_PATHS] == []


@pytest.mark.parametrize("who", sorted(MINE))
def test_no_page_of_a_client_holds_anything_of_another_ones(office: hub.Office, who: str) -> None:
    other = next(name for name in MINE if name != who)
    portal = next(page for page in HUB_PAGES if page.name == "client")
    seen = ""
    for address, text in everything(office, portal, who):
        seen += text
        assert MINE[other] not in text, address
        assert other not in text, address
        for order in THEIRS[who]:
            assert order not in text.replace(f'client/{order}"', ""), address
    assert all(order in seen for order in ALL if order not in THEIRS[who])


@pytest.mark.parametrize("who", sorted(MINE))
def test_what_is_anothers_looks_like_what_is_not_there(office: hub.Office, who: str) -> None:
    for model in (client.sheet, client.contract, client.report):
        nothing = model(office.view(who, order="PO-0000", report="R-PO-0000"))
        assert isinstance(nothing, Problem)
        for order in THEIRS[who]:
            found = model(office.view(who, order=order, report=f"R-{order}"))
            assert found == nothing


def test_a_report_is_not_opened_under_an_order_that_it_is_not_of(office: hub.Office) -> None:
    own, theirs = hub.INVOICED, f"R-{hub.REPORTED}"
    assert isinstance(client.report(office.view(CLIENT, order=own, report=theirs)), Problem)


def test_terms_are_shown_to_whoever_was_given_their_digest_and_say_nothing_of_the_order(office: hub.Office) -> None:
    sha256 = next(iter(office.face.state.in_force.values()))
    fresh = client.terms(office.view(CLIENT, order="PO-0000", sha256=sha256))
    theirs = client.terms(office.view(CLIENT, order=hub.REPORTED, sha256=sha256))
    assert not isinstance(fresh, Problem)
    assert not isinstance(theirs, Problem)
    assert replace(theirs, order="", ways=()) == replace(fresh, order="", ways=())
    assert [silence for silence, _ in theirs.ways] == [silence for silence, _ in fresh.ways]
    assert isinstance(client.terms(office.view(CLIENT, order="PO-0000", sha256="0" * 64)), Problem)
    signed = client.terms(office.view(hub.OTHER_CLIENT, order=hub.ACCEPTED_TERMS, sha256=sha256))
    assert not isinstance(signed, Problem)
    assert signed.accepted
    assert signed.ways == ()


def test_terms_that_are_not_in_force_are_not_offered(office: hub.Office) -> None:
    state = office.face.state
    contract, sha256 = next(iter(state.in_force.items()))
    state.in_force[contract] = "f" * 64
    try:
        assert isinstance(client.terms(office.view(CLIENT, order="PO-0000", sha256=sha256)), Problem)
    finally:
        state.in_force[contract] = sha256


def test_signing_terms_under_somebody_elses_number_opens_nothing(office: hub.Office) -> None:
    order = office.face.state.orders[hub.INVOICED]
    order.acceptances.append(Acceptance(sha256=order.sha256, org="BORA", by=hub.OTHER_CLIENT, on_silence="", ref=1))
    try:
        assert isinstance(client.sheet(office.view(hub.OTHER_CLIENT, order=hub.INVOICED)), Problem)
    finally:
        order.acceptances.pop()


# ---- the client's own order ----------------------------------------------------------------------------------------


def _sheet(office: hub.Office, who: str, order: str) -> client.Sheet:
    found = client.sheet(office.view(who, order=order))
    assert not isinstance(found, Problem)
    return found


def test_a_client_sees_its_window_what_silence_means_and_can_answer(office: hub.Office) -> None:
    found = _sheet(office, hub.OTHER_CLIENT, hub.REPORTED)
    (window,) = found.windows
    assert window.report.closes_at is not None
    assert window.report.opened_at is not None
    assert "counts as accepted, as you signed" in window.silence
    assert [(wish.fields["decision"], wish.allowed) for wish in window.wishes] == [("approve", True), ("reject", True)]
    assert all(wish.seen == window.report.digest for wish in window.wishes)
    assert "nothing is accepted" in _sheet(office, hub.OTHER_CLIENT, hub.REJECTED).windows[0].silence


def test_every_decision_is_told_but_what_is_the_labs_own(office: hub.Office) -> None:
    told = [says for line in _sheet(office, CLIENT, hub.INVOICED).story for says in line.says]
    for words in ("accepted the terms", "was staged", "are here", "for QA", "was issued", "approved report", "Invoice"):
        assert any(words in says for says in told), words
    assert not any("Payout" in says for says in told)


def test_the_invoice_is_there_once_it_went_out(office: hub.Office) -> None:
    (invoice,) = _sheet(office, CLIENT, hub.INVOICED).invoices
    assert invoice.amount == "1200.00 USD"
    assert invoice.at > 0
    (waits,) = _sheet(office, hub.OTHER_CLIENT, hub.REPORTED).invoices
    assert (waits.at, waits.when) == (0, "when you accepted the report of every part")


def test_a_report_shows_its_content_and_that_its_digest_is_of_that_content(office: hub.Office) -> None:
    found = client.report(office.view(hub.OTHER_CLIENT, order=hub.REPORTED, report=f"R-{hub.REPORTED}"))
    assert not isinstance(found, Problem)
    assert found.same
    assert [result.result for result in found.results] == ["pass"] * 8
    assert {row.read.serial for row in found.results[6].rows if row.read.serial} == {"03S1", "03S2", "03S3", "03S4"}
    attempt = office.face.state.jobs[f"{hub.REPORTED}/J-1"].attempts[0]
    assert attempt is not None
    tally, attempt.tally = attempt.tally, "another"
    try:
        changed = client.report(office.view(hub.OTHER_CLIENT, order=hub.REPORTED, report=f"R-{hub.REPORTED}"))
        assert not isinstance(changed, Problem)
        assert not changed.same
    finally:
        attempt.tally = tally


class _Spoken(msgspec.Struct):
    """An entry as far as a story reads it."""

    entry: Any
    decision: Any
    command: Any = None
    place: str = "HUB:1"


class _Bare(msgspec.Struct):
    subject: str = "origin:x"
    at: int = 1
    events: tuple[Any, ...] = ()
    denials: tuple[Any, ...] = ()
    signers: tuple[Any, ...] = ()
    id: str = ""


def _said(*events: ev.AnyEvent, subject: str = "origin:x", by: str = "", denials: tuple[str, ...] = ()) -> Said:
    command = _Bare(signers=(_Bare(id=by),)) if by else None
    return cast("Said", _Spoken(_Bare(subject=subject), _Bare(events=events, denials=denials), command))


def _story(*entries: Said) -> list[tuple[str, ...]]:
    numbered = [(1, said) for said in entries]
    return [line.says for line in client_story(numbered, "PO-1", {"R-1"}, "A", {"SID-LAB", "SID-A"})]


def test_of_an_entry_that_speaks_of_several_orders_a_client_hears_of_its_own() -> None:
    flags = [ev.JobFlagged(order=order, job="J-1", ncr="recall-1", why="RAD-07 was bad") for order in ("PO-1", "PO-2")]
    windows = [ev.ReviewWindowOpened(report=report, opened_at=1, closes_at=2) for report in ("R-1", "R-2")]
    told = " ".join(says for line in _story(_said(*flags), _said(*windows)) for says in line)
    assert "PO-1/J-1" in told
    assert "R-1" in told
    assert "PO-2" not in told
    assert "R-2" not in told


def test_a_strangers_attempt_on_an_order_is_not_told_to_its_client() -> None:
    terms = ev.TermsAccepted(order="PO-1", sha256="00", org="B", by="SID-B", on_silence="escalate")
    assert _story(_said(terms, by="SID-B")) == []
    assert _story(_said(subject="report:R-1", by="SID-B", denials=("NOT_YOUR_ORDER",))) == []
    assert _story(_said(subject="report:R-1", by="SID-A", denials=("REASON_REQUIRED",))) == [()]
    assert _story(_said(subject="report:R-2", by="SID-A", denials=("REASON_REQUIRED",))) == []


# ---- over HTTP -----------------------------------------------------------------------------------------------------

SignIn = Callable[[str], Awaitable[httpx.AsyncClient]]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[SignIn]:
    """A copy of the shop behind its application; gives a browser in which somebody is signed in."""
    shop = hub.copied(folder)
    browsers: list[httpx.AsyncClient] = []
    async with open_whole(shop.directory) as (_, app):

        async def sign_in(who: str) -> httpx.AsyncClient:
            browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
            browsers.append(browser)
            asked = (await browser.post("/HUB/api/challenge")).json()
            login = Login(challenge=asked["challenge"], host=asked["host"], id=who)
            envelope = seal(canon.encode(login), [(who, shop.desk.key(who))], LOGIN_TYPE)
            assert (await browser.post("/HUB/api/session", content=envelope)).status_code == 200
            return browser

        yield sign_in
        for browser in browsers:
            await browser.aclose()


def test_over_http_a_client_gets_its_own_and_nothing_else(tmp_path: Path) -> None:
    async def look() -> None:
        async with served(tmp_path) as sign_in:
            browser = await sign_in(CLIENT)
            mine = await browser.get("/HUB/client")
            assert mine.status_code == 200
            assert hub.INVOICED in mine.text
            assert not any(order in mine.text for order in THEIRS[CLIENT])
            assert (await browser.get(f"/HUB/client/{hub.INVOICED}/report/R-{hub.INVOICED}")).status_code == 200
            for kind in ("report", "certificate-3.1", "conformity"):
                paper = await browser.get(f"/HUB/api/orders/{hub.INVOICED}/reports/R-{hub.INVOICED}?kind={kind}")
                assert paper.status_code == 200
                assert paper.headers["content-type"] == "application/pdf"
                assert paper.content.startswith(b"%PDF-")
            unknown = await browser.get("/HUB/api/orders/PO-0000/reports/R-PO-0000")
            assert unknown.status_code == 404
            elsewhere = await browser.get(f"/HUB/api/orders/{hub.INVOICED}/reports/R-{hub.REPORTED}")
            assert elsewhere.status_code == 404, "another client's report is on no order of one's own"
            nothing = await browser.get("/HUB/client/PO-0000")
            assert nothing.status_code == 404
            for order in THEIRS[CLIENT]:
                for path in ("", "/contract", f"/report/R-{order}"):
                    answer = await browser.get(f"/HUB/client/{order}{path}")
                    assert answer.status_code == 404
                    assert answer.text == nothing.text.replace("PO-0000", order)
                paper = await browser.get(f"/HUB/api/orders/{order}/reports/R-{order}")
                assert (paper.status_code, paper.content) == (404, unknown.content)
                options = await browser.get(f"/HUB/api/orders/{order}/options")
                assert options.json() == []
            for page in (
                "qa",
                "compliance",
                "office",
                "finance",
                f"qa/{hub.EXCEPTIONS}/J-1",
                f"finance/{hub.INVOICED}",
            ):
                refused = await browser.get(f"/HUB/{page}")
                assert refused.status_code == 403
                assert "BORA" not in refused.text

    asyncio.run(look())


def test_over_http_each_page_opens_to_its_roles_alone_and_a_stranger_is_asked_to_sign_in(tmp_path: Path) -> None:
    async def look() -> None:
        async with served(tmp_path) as sign_in:
            everybody = {who: await sign_in(who) for who in (QA, COMPLIANCE, PLANNER, hub.FINANCE, CLIENT, TECHNICIAN)}
            for name, whose in BY_ROLE.items():
                page = next(page for page in HUB_PAGES if page.name == name)
                for who, browser in everybody.items():
                    answer = await browser.get(f"/HUB/{name}?part=live")
                    allowed = who in whose or name in ("papers", "account" if who != CLIENT else "papers")
                    assert answer.status_code == (200 if allowed else 403), (name, who)
                    assert "<html" not in answer.text
                    assert page.title in (await browser.get("/HUB/papers")).text or not allowed
            stranger = await everybody[QA].post("/HUB/api/challenge")
            assert stranger.status_code == 200
            everybody[QA].cookies.clear()
            door = await everybody[QA].get(f"/HUB/qa/{hub.EXCEPTIONS}/J-1")
            assert "dent" not in door.text
            assert "Use passkey" in door.text

    asyncio.run(look())


def test_the_menu_names_the_papers_once_though_every_site_has_them(tmp_path: Path) -> None:
    async def look() -> None:
        async with served(tmp_path) as sign_in:
            browser = await sign_in(QA)
            text = (await browser.get("/HUB/qa")).text
            assert text.count("Waiting for signatures</a>") == 1
            assert (await browser.get("/NODE-FPI/papers")).status_code == 200

    asyncio.run(look())

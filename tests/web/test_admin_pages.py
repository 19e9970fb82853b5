"""Every page of admin and audit for every role: rendered, or refused; nobody sees another client's order."""

import pytest

from holdgate.demo.shop import ADMIN, CLIENT, COMPLIANCE, METROLOGY, OFFICE, QA, RECEIVING, TECHNICIAN
from tests.worked_shop import AUDITOR, EXPIRED, JOB, ORDER, OTHER_CLIENT, OTHER_ORDER, SCOPED, Served

ADMIN_PAGES = (
    "/HUB/admin",
    "/HUB/admin?kind=every&q=ws",
    f"/HUB/admin/people/{TECHNICIAN}",
    f"/HUB/admin/people/{SCOPED}",
    "/HUB/admin/equipment",
    "/HUB/admin/equipment/RAD-07",
    "/HUB/admin/materials",
    "/HUB/admin/materials/PEN-24117",
    "/HUB/admin/standards",
    "/HUB/admin/sites",
    "/HUB/admin/root",
    "/HUB/admin/recall/equipment/RAD-07",
    "/HUB/admin/recall/material/PEN-24117",
    f"/HUB/admin/recall/person/{TECHNICIAN}",
)
AUDIT_PAGES = (
    "/HUB/audit",
    "/HUB/audit?q=rad",
    "/HUB/audit?q=12",
    f"/HUB/audit?q={ORDER}",
    f"/HUB/audit/order/{ORDER}",
    f"/HUB/audit/job/{ORDER}/{JOB}",
    "/HUB/audit/record",
    "/HUB/audit/touched/equipment/RAD-07",
)
OFFICERS = (ADMIN, QA, COMPLIANCE)


@pytest.mark.parametrize("path", ADMIN_PAGES)
@pytest.mark.parametrize("who", [*OFFICERS, METROLOGY, RECEIVING])
def test_admin_pages_are_rendered_whole_and_in_part(served: Served, path: str, who: str) -> None:
    for asked in (path, f"{path}{'&' if '?' in path else '?'}part=live"):
        answer = served.get(asked, who, OFFICE)
        assert answer.status_code == 200, f"{asked}: {answer.text[:300]}"
        assert "style=" not in answer.text, "the policy of the pages allows no inline style"
        assert "<script>" not in answer.text


@pytest.mark.parametrize("path", [*ADMIN_PAGES, *AUDIT_PAGES])
@pytest.mark.parametrize("who", [CLIENT, TECHNICIAN])
def test_whoever_has_no_business_there_is_told_so(served: Served, path: str, who: str) -> None:
    assert served.get(path, who).status_code == 403


@pytest.mark.parametrize("path", [*ADMIN_PAGES, *AUDIT_PAGES, "/HUB/why/3"])
def test_nobody_is_shown_where_to_sign_in(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status_code == 200
    assert "With a passkey" in answer.text
    assert ORDER not in answer.text.replace(path, "")


@pytest.mark.parametrize("path", AUDIT_PAGES)
@pytest.mark.parametrize("who", [*OFFICERS, AUDITOR])
def test_audit_pages_are_rendered(served: Served, path: str, who: str) -> None:
    answer = served.get(path, who)
    assert answer.status_code == 200, answer.text[:400]
    assert "style=" not in answer.text


def test_every_entry_has_its_why(served: Served) -> None:
    for site in ("HUB", "FLOOR", "NODE-FPI"):
        size = served.shop.sites[site].spine.size
        for seq in range(0, size, 3):
            answer = served.get(f"/{site}/why/{seq}", QA)
            assert answer.status_code == 200, f"{site} {seq}: {answer.text[:300]}"
    assert served.get("/HUB/why/x", QA).status_code == 400
    assert served.get("/HUB/why/99999", QA).status_code == 404


def test_a_refusal_says_which_gate_and_what_helps(served: Served) -> None:
    lines = served.get(f"/NODE-FPI/api/orders/{ORDER}/timeline", QA).json()["lines"]
    refused = next(line for line in lines if line["verdict"] == "deny")
    page = served.get(f"/NODE-FPI/why/{refused['seq']}", QA).text
    assert "Why it was refused" in page
    assert 'data-code="PRECHECK_INCOMPLETE"' in page


def test_the_job_audit_view_shows_signatures_with_all_four_parts(served: Served) -> None:
    page = served.get(f"/HUB/audit/job/{ORDER}/{JOB}", AUDITOR).text
    assert "M. Alvarez (SID-TEC-11)" in page
    assert "performed and accepted" in page
    assert "reviewed and accepted" in page
    for name in ("signatures", "refused", "readings", "equipment", "people", "contract", "arrival", "outcome"):
        assert f'id="{name}"' in page
    assert "covers all of this use" in page
    assert "R-1" in page


def test_an_entry_of_another_site_is_explained_as_it_was_taken_in(served: Served) -> None:
    lines = served.get(f"/HUB/api/orders/{ORDER}/timeline", AUDITOR).json()["lines"]
    there = next(line for line in lines if line["entry"].startswith("NODE-FPI:") and line["act"] == "step.sign")
    for who in (AUDITOR, SCOPED, CLIENT):
        page = served.get(f"/HUB/why/{there['seq']}?entry={there['entry']}", who)
        assert page.status_code == 200, who
        assert "performed and accepted" in page.text
    assert served.get(f"/HUB/why/{there['seq']}?entry={there['entry']}", OTHER_CLIENT).status_code == 404
    assert served.get(f"/HUB/why/{there['seq']}", CLIENT).status_code == 404, "the import holds what is others' too"
    assert served.get(f"/HUB/why/{there['seq']}?entry=NODE-FPI:99999", AUDITOR).status_code == 404


def test_an_auditor_of_one_order_finds_that_order_alone(served: Served) -> None:
    page = served.get("/HUB/audit", SCOPED).text
    assert ORDER in page
    assert OTHER_ORDER not in page
    assert "BOREAL" not in page
    assert OTHER_ORDER not in served.get(f"/HUB/audit?q={OTHER_ORDER}", SCOPED).text.replace(
        f'value="{OTHER_ORDER}"', ""
    )
    assert "RAD-07" not in served.get("/HUB/audit?q=rad", SCOPED).text
    assert served.get(f"/HUB/audit/order/{OTHER_ORDER}", SCOPED).status_code == 404
    assert served.get(f"/HUB/audit/job/{ORDER}/{JOB}", SCOPED).status_code == 200
    assert served.get("/HUB/audit/record", SCOPED).status_code == 403
    assert served.get("/HUB/audit/touched/equipment/RAD-07", SCOPED).status_code == 403


def test_an_auditor_whose_time_is_over_is_told_so(served: Served) -> None:
    page = served.get("/HUB/audit", EXPIRED).text
    assert "Nothing is open to you" in page
    assert ORDER not in page
    assert served.get(f"/HUB/audit/job/{ORDER}/{JOB}", EXPIRED).status_code == 404


def test_the_record_is_done_again_and_verified(served: Served) -> None:
    assert served.ask("POST", "/HUB/api/ledger/audit", SCOPED).status_code == 403
    begun = served.ask("POST", "/HUB/api/ledger/audit", AUDITOR)
    assert begun.status_code == 200, begun.text
    found = served.until("/HUB/api/ledger/audit", AUDITOR, lambda now: now["stands"] != "running")
    assert found["stands"] == "verified", found
    assert found["done"] == found["total"] > 40
    assert found["signatures"] > 40

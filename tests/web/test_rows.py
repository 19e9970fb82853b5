"""Every row of the API's table: who gets in, what it shows to whom, and how much of anything it takes."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from holdgate.demo.shop import (
    ADMIN,
    CLIENT,
    COMPLIANCE,
    DOCK,
    FINANCE,
    LEVEL3,
    NODE,
    OFFICE,
    PLANNER,
    QA,
    SCANNER,
    TECHNICIAN,
)
from holdgate.terms.limits import BLOB_BYTES_MAX, CONTRACT_BYTES_MAX, PINS_MAX
from tests.worked_shop import AUDITOR, EXPIRED, JOB, ORDER, OTHER_CLIENT, OTHER_ORDER, SCOPED, Served

SITES: Final = ("HUB", "FLOOR", NODE)
STAFF: Final = frozenset({TECHNICIAN, QA, ADMIN, COMPLIANCE, LEVEL3, PLANNER, FINANCE})
OUTSIDE: Final = frozenset({CLIENT, OTHER_CLIENT, AUDITOR, SCOPED, EXPIRED})
PEOPLE: Final = STAFF | OUTSIDE
WORKSTATIONS: Final = frozenset({OFFICE, DOCK})
DEVICES: Final = WORKSTATIONS | {SCANNER}
ASKERS: Final = PEOPLE | DEVICES | {None}
FLOOR: Final = STAFF | DEVICES
RECORD: Final = frozenset({ADMIN, QA, COMPLIANCE, AUDITOR})
OFFICERS: Final = frozenset({ADMIN, QA, COMPLIANCE, PLANNER})
DESK: Final = frozenset({PLANNER, ADMIN, QA})
BILLS: Final = frozenset({PLANNER, ADMIN, FINANCE, CLIENT, OTHER_CLIENT})
Row = tuple[str, str]
WHO: Final[dict[Row, frozenset[str | None]]] = {
    ("post", "/api/challenge"): ASKERS,
    ("post", "/api/session"): ASKERS,
    ("get", "/api/session"): ASKERS,
    ("delete", "/api/session"): ASKERS,
    ("get", "/api/sessions"): PEOPLE,
    ("delete", "/api/sessions"): PEOPLE,
    ("delete", "/api/sessions/{name}"): PEOPLE,
    ("delete", "/api/people/{id}/sessions"): frozenset({ADMIN}),
    ("get", "/api/lockers/{id}"): WORKSTATIONS,
    ("put", "/api/lockers/{id}"): ASKERS,
    ("post", "/api/attempts"): DEVICES,
    ("get", "/api/acts"): ASKERS,
    ("post", "/api/actions"): ASKERS,
    ("get", "/api/options"): PEOPLE,
    ("get", "/api/orders/{order}/options"): PEOPLE,
    ("get", "/api/papers"): PEOPLE,
    ("post", "/api/papers"): ASKERS,
    ("get", "/api/orders"): PEOPLE,
    ("get", "/api/orders/{order}"): PEOPLE,
    ("get", "/api/orders/{order}/timeline"): PEOPLE,
    ("get", "/api/jobs"): PEOPLE,
    ("get", "/api/jobs/{order}/{job}"): PEOPLE,
    ("get", "/api/jobs/{order}/{job}/package"): PEOPLE,
    ("get", "/api/orders/{order}/reports/{report}"): PEOPLE,
    ("get", "/api/entries/{seq}"): PEOPLE,
    ("get", "/api/contracts"): PEOPLE,
    ("get", "/api/contracts/{contract}/{version}"): PEOPLE,
    ("get", "/api/certificates/{sha256}"): PEOPLE,
    ("get", "/api/documents/{sha256}"): PEOPLE,
    ("get", "/api/facts"): STAFF | {AUDITOR},
    ("get", "/api/staging"): FLOOR | {AUDITOR},
    ("get", "/api/ledger/checkpoint"): ASKERS,
    ("get", "/api/ledger/tile/{path}"): ASKERS,
    ("get", "/api/ledger/proof/{seq}"): PEOPLE,
    ("get", "/api/ledger/bundle"): RECORD,
    ("post", "/api/ledger/audit"): RECORD,
    ("get", "/api/ledger/audit"): RECORD,
    ("post", "/api/evidence"): FLOOR,
    ("get", "/api/evidence/{reference}"): PEOPLE | DEVICES,
    ("get", "/api/invoices/{number}"): BILLS,
    ("post", "/api/accounts"): STAFF,
    ("post", "/api/drafts"): frozenset({LEVEL3}),
    ("post", "/api/order-files"): DESK,
    ("get", "/api/order-template"): DESK,
    ("get", "/api/order-drafts"): DESK,
    ("post", "/api/order-drafts"): DESK,
    ("get", "/api/order-drafts/{draft}"): DESK,
    ("put", "/api/order-drafts/{draft}"): DESK,
    ("delete", "/api/order-drafts/{draft}"): DESK,
    ("post", "/api/invitations"): OFFICERS,
    ("get", "/api/invitations"): OFFICERS,
    ("delete", "/api/invitations/{token}"): OFFICERS,
    ("get", "/api/invited/{secret}"): ASKERS,
    ("post", "/api/marks"): FLOOR,
    ("get", "/api/readers/{id}"): FLOOR,
    ("post", "/api/scans"): ASKERS,
    ("get", "/api/events"): PEOPLE | DEVICES,
}
"""Who gets an answer of an operation; everybody else hears 401, or 403 once they are signed in."""
OPENED: Final = ("/api/facts", "/api/staging", "/api/ledger/bundle", "/api/ledger/audit")
"""What a credential opens to an auditor, at the sites that hear of credentials: the floor hub does not."""
HARD_TO_ASK: Final = {
    ("get", "/api/events"),
    ("delete", "/api/session"),
    ("delete", "/api/sessions"),
    ("delete", "/api/people/{id}/sessions"),
    ("post", "/api/ledger/audit"),
}
"""Rows that never end, or change what the other tests stand on; some other test asks them."""
ZEROS: Final = "0" * 64


def rows(served: Served, site: str) -> dict[Row, dict[str, Any]]:
    """The operations of a site's document."""
    paths = served.get(f"/{site}/api/openapi.json").json()["paths"]
    return {(method, path): row for path, methods in paths.items() for method, row in methods.items()}


def filled(address: str, **more: str) -> str:
    """An address with something in the place of each parameter."""
    values = {
        "order": ORDER,
        "job": JOB,
        "id": QA,
        "seq": "3",
        "contract": "SP-FPI-4512",
        "version": "3",
        "report": "R-1",
    }
    return address.format(
        **{
            **values,
            "sha256": ZEROS,
            "reference": ZEROS,
            "token": ZEROS,
            "secret": "0" * 32,
            "name": "0" * 16,
            "path": "0/000.p/1",
            "draft": "none",
            "number": "I-000001",
            **more,
        }
    )


def asked(served: Served, method: str, address: str, who: str | None) -> Any:
    """The answer to somebody; what is sent is a body that no operation can read, or one that has nothing in it."""
    body: dict[str, Any] = {} if method in ("get", "delete") else {"content": b'{"id":"SID-X","why":"test"}'}
    if who in DEVICES:
        return served.ask(method.upper(), address, None, who, **body)
    return served.ask(method.upper(), address, who, **body)


def test_every_row_says_here_who_gets_in(served: Served) -> None:
    found = {row for site in SITES for row in rows(served, site)}
    assert found == set(WHO)


@pytest.mark.parametrize("site", SITES)
def test_a_row_answers_whoever_may_ask_it_and_nobody_else(served: Served, site: str) -> None:
    known = served.shop.sites[site].chronicle.state.identities
    for method, path in rows(served, site):
        if (method, path) in HARD_TO_ASK:
            continue
        for who in ASKERS:
            answer = asked(served, method, f"/{site}{filled(path)}", who)
            stranger = who is None or who not in known
            shut = (
                who == AUDITOR and not stranger and "AUDIT" not in known[AUDITOR].credentials
            )  # no credentials at the dock
            told = f"{method} {path} as {who}: {answer.status_code} {answer.text[:200]}"
            if None in WHO[method, path] or (
                who in WHO[method, path] and not stranger and not (shut and path in OPENED)
            ):
                assert answer.status_code not in (401, 403), told
            else:
                assert answer.status_code == (401 if stranger else 403), told
                assert answer.headers["content-type"] == "application/problem+json", told


@pytest.mark.parametrize(("method", "path"), sorted(HARD_TO_ASK))
def test_what_is_hard_to_ask_is_refused_to_whoever_may_not(served: Served, method: str, path: str) -> None:
    for who in ASKERS - WHO[method, path]:
        answer = asked(served, method, f"/HUB{path}", who)
        assert answer.status_code == (401 if who is None else 403), (who, answer.text)


MARKS: Final = {ORDER: (ORDER, "AERODYNE", '"S01"'), OTHER_ORDER: (OTHER_ORDER, "BOREAL", '"B01"')}
"""What betrays an order: its id, whose it is, a serial."""
SEES: Final = {CLIENT: {ORDER}, OTHER_CLIENT: {OTHER_ORDER}, SCOPED: {ORDER}, EXPIRED: set(), None: set()}


def addresses(served: Served, site: str) -> Iterator[str]:
    """Every GET of a site, for both orders, for entries throughout the record, and for what both orders rest on."""
    contracts = served.get("/HUB/api/contracts", ADMIN).json()
    digests = {*(row["sha256"] for row in contracts), *(row["certificate"] for row in contracts)}
    size = int(served.get(f"/{site}/api/ledger/checkpoint").text.splitlines()[1])
    for method, path in rows(served, site):
        if method != "get" or (method, path) in HARD_TO_ASK:
            continue
        if "{seq}" in path:
            yield from (filled(path, seq=str(seq)) for seq in range(0, size, 4))
        elif "{sha256}" in path:
            yield from (filled(path, sha256=sha256) for sha256 in sorted(digests - {""}))
        elif "{reference}" in path:
            named = filled(path, reference=served.worked.photo)
            yield from (named, *(f"{named}?order={order}" for order in MARKS))
        elif "{path}" in path:
            yield from (filled(path, path=tile) for tile in ("entries/000", "entries/000.p/100", "0/000.p/100"))
        elif path in ("/api/options", "/api/jobs"):
            name = "about" if path == "/api/options" else "order"
            yield from (path, *(f"{path}?{name}={order}" for order in MARKS))
        else:
            yield from dict.fromkeys(filled(path, order=order) for order in MARKS)


@pytest.mark.parametrize("who", [CLIENT, OTHER_CLIENT, SCOPED, EXPIRED, None])
@pytest.mark.parametrize("site", SITES)
def test_no_row_shows_a_sign_of_an_order_that_is_not_theirs(served: Served, site: str, who: str | None) -> None:
    hidden = [mark for order, marks in MARKS.items() if order not in SEES[who] for mark in marks]
    for address in addresses(served, site):
        answer = served.get(f"/{site}{address}", who)
        assert answer.status_code < 500, f"{address}: {answer.text}"
        if answer.status_code >= 300:
            continue  # what it is refused with names only what was asked for
        shown = [mark for mark in hidden if mark.encode() in answer.content]
        assert not shown, f"{address} shows {who} {shown}"


@pytest.mark.parametrize("who", [CLIENT, SCOPED, EXPIRED])
def test_an_order_that_is_not_theirs_looks_like_one_that_is_not_there(served: Served, who: str) -> None:
    for method, path in rows(served, "HUB"):
        if method == "get" and "{order}" in path:
            theirs = served.get(f"/HUB{filled(path, order=OTHER_ORDER)}", who)
            nothing = served.get(f"/HUB{filled(path, order='PO-9999')}", who)
            assert (theirs.status_code, theirs.content) == (nothing.status_code, nothing.content), path


# ---- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
def test_every_parameter_has_its_bounds(served: Served, site: str) -> None:
    for row, operation in rows(served, site).items():
        for parameter in operation["parameters"]:
            for schema in parameter["schema"].get("anyOf", [parameter["schema"]]):
                bounds = {"null": set(), "integer": {"minimum", "maximum"}}.get(str(schema.get("type")))
                if bounds is None:
                    assert {"maxLength", "pattern", "enum"} & set(schema), (row, parameter)
                else:
                    assert bounds <= set(schema), (row, parameter)


LONG: Final = {
    "/api/actions": 98_304 + PINS_MAX * BLOB_BYTES_MAX * 4 // 3,
    "/api/evidence": BLOB_BYTES_MAX,
    "/api/order-files": BLOB_BYTES_MAX,
    "/api/drafts": 10 * CONTRACT_BYTES_MAX,
}


def test_every_body_has_an_end(served: Served) -> None:
    for site in SITES:
        for (method, path), operation in rows(served, site).items():
            if "requestBody" not in operation:
                assert "413" not in operation["responses"]
                continue
            who = next((one for one in (LEVEL3, ADMIN, None) if one in WHO[method, path]), None)
            place = OFFICE if WHO[method, path] == DEVICES else None
            content = bytes(LONG.get(path, 98_304) + 1)
            answer = served.ask(method.upper(), f"/{site}{filled(path)}", who, place, content=content)
            assert answer.status_code == 413, (method, path, answer.text)
            assert json.loads(answer.content)["type"] == "about:TooLong"


# ---- the document ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
def test_the_document_names_each_operation_once_and_says_where_the_site_is(served: Served, site: str) -> None:
    document = served.get(f"/{site}/api/openapi.json").json()
    names = [row["operationId"] for row in rows(served, site).values()]
    assert len(set(names)) == len(names)
    assert document["servers"] == [{"url": f"/{site}"}]
    references = {part.split('"')[0] for part in json.dumps(document).split('"#/components/schemas/')[1:]}
    assert references <= set(document["components"]["schemas"])


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/orders/PO-1/nothing", "/api/ledger/tile/a%0Ab"])
def test_an_address_that_is_not_there_is_a_problem_too(served: Served, path: str) -> None:
    answer = served.get(f"/HUB{path}", ADMIN)
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_method_that_is_not_taken_hears_which_ones_are(served: Served) -> None:
    answer = served.ask("PATCH", "/HUB/api/session", ADMIN)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, HEAD, POST"
    assert answer.json()["type"] == "about:Method"

"""Invoices as documents over the API, and accounts that go in and never come out."""

import json
from importlib.util import find_spec

import pytest

from holdgate.demo.shop import ADMIN, CLIENT, FINANCE, OFFICE, TECHNICIAN
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.money import book
from holdgate.pay.books import ACCOUNT
from tests.worked_shop import OTHER_CLIENT, OTHER_ORDER, Served

ENVELOPE = {"Content-Type": "application/vnd.dsse+json"}
FIRST = "/HUB/api/invoices/I-000001"
written = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("facturx", "saxonche", "stdnum", "typst")),
    reason="the extra `invoicing` is not installed",
)


@written
def test_the_office_and_its_client_read_the_same_document(served: Served) -> None:
    mine = served.get(FIRST, CLIENT)
    assert mine.status_code == 200, mine.text
    assert mine.content.startswith(b"%PDF-")
    assert mine.headers["content-type"] == "application/pdf"
    assert mine.headers["content-disposition"] == 'attachment; filename="I-000001.pdf"'
    assert served.get(FIRST, FINANCE).content == mine.content


def test_another_clients_invoice_looks_like_one_that_is_not_there(served: Served) -> None:
    theirs = served.get(FIRST, OTHER_CLIENT)
    nothing = served.get("/HUB/api/invoices/I-999999", OTHER_CLIENT)
    assert theirs.status_code == 404
    assert theirs.content == nothing.content


@written
def test_what_is_not_given_out_names_the_rules(served: Served) -> None:
    answer = served.get(f"{FIRST}?format=ubl", CLIENT)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["code"] for one in answer.json()["refusals"]] == ["HG-FORMAT"]
    assert served.get(f"{FIRST}?format=docx", CLIENT).status_code == 400


@written
def test_an_invoice_whose_client_is_not_registered_says_so(served: Served) -> None:
    money = served.shop.sites["HUB"].chronicle.state.money
    more = ev.InvoiceIssued(order=OTHER_ORDER, milestone="receipt", amount_minor=100, currency="USD")
    book(money, more, 1, 1)
    try:
        number = next(reversed(money.bills))
        answer = served.get(f"/HUB/api/invoices/{number}", OTHER_CLIENT)
        assert answer.status_code == 422
        assert [one["code"] for one in answer.json()["refusals"]] == ["PARTY_MISSING"]
        assert served.get(f"/HUB/api/invoices/{number}", CLIENT).status_code == 404
    finally:
        money.bills.popitem()
        money.invoices -= 1


def test_a_technician_brings_an_account_and_signs_its_commitment_with_finance(served: Served) -> None:
    account = {"name": "M. Alvarez", "iban": "DE89370400440532013000"}
    kept = served.ask("POST", "/HUB/api/accounts", TECHNICIAN, content=json.dumps(account).encode())
    assert kept.status_code == 200, kept.text
    assert "DE89" not in kept.text
    commitment = kept.json()["commitment"]
    auth = c.Auth(components=("badge", "pin"), session="S1")
    roles = {TECHNICIAN: "technician", FINANCE: "finance"}
    signers = tuple(c.Signer(id=name, role=role, meaning="account is right", auth=auth) for name, role in roles.items())
    made = c.RegisterAccount(
        site="HUB",
        at=served.now(),
        nonce="account-1",
        signers=signers,
        place=OFFICE,
        owner=TECHNICIAN,
        commitment=commitment,
    )
    raw = served.sign(made, TECHNICIAN, FINANCE, OFFICE)
    answer = served.ask("POST", "/HUB/api/actions", TECHNICIAN, content=raw, headers=ENVELOPE)
    assert answer.status_code == 200, answer.text
    assert served.shop.sites["HUB"].chronicle.state.money.accounts[TECHNICIAN] == commitment
    for who in (TECHNICIAN, FINANCE, ADMIN, CLIENT):
        assert served.get(f"/HUB/api/evidence/{commitment}", who).status_code == 404
    store = served.shop_payloads()
    try:
        found = store.get(commitment)
        assert found is not None
        assert (found.kind, found.owner, found.by) == (ACCOUNT, TECHNICIAN, TECHNICIAN)
        assert b"DE89370400440532013000" in found.content
    finally:
        store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A", "iban": "DE89370400440532013001"},
        {"name": "A", "routing": "021000021"},
        {"name": "A"},
        {"name": " ", "iban": "DE89370400440532013000"},
        {"name": "A", "iban": "DE89370400440532013000", "owner": "SID-FIN-01"},
    ],
)
def test_what_is_no_account_is_kept_nowhere(served: Served, wrong: dict[str, str]) -> None:
    store = served.shop_payloads()
    try:
        before = len([*store.held()])
        answer = served.ask("POST", "/HUB/api/accounts", TECHNICIAN, content=json.dumps(wrong).encode())
        assert answer.status_code == 400, answer.text
        assert len([*store.held()]) == before
    finally:
        store.close()

"""Contracts on screen: in words, with certificate and approvals; a draft is read, compared, and proposed with its documents."""

import base64
from typing import Any

import pytest

from holdgate.cli.demo import technique
from holdgate.crypto.hashes import digest
from holdgate.demo.live import shortened
from holdgate.demo.shop import ADMIN, CLIENT, COMPLIANCE, LEVEL3, PLANNER, QA, TECHNICIAN
from holdgate.law import command as c
from tests.worked_shop import AUDITOR, EXPIRED, SCOPED, Served, as_json

CONTRACT = "SP-FPI-4512"


def written(version: str, **changes: str) -> str:
    """The shop's technique as another version, with some of its text changed."""
    text = shortened(technique()).replace("version: '3'", f"version: '{version}'")
    assert f"version: '{version}'" in text
    for old, new in (pair.split(" => ") for pair in changes.values()):
        assert old in text
        text = text.replace(old, new)
    return text


def drafted(served: Served, text: str, who: str = LEVEL3) -> Any:
    answer = served.ask("POST", "/HUB/api/drafts", who, content=as_json({"text": text}))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("who", [ADMIN, QA, COMPLIANCE, PLANNER, LEVEL3, AUDITOR, CLIENT, SCOPED])
def test_a_contract_is_told_in_words_to_whoever_works_under_it(served: Served, who: str) -> None:
    page = served.get(f"/HUB/contracts/{CONTRACT}/3", who)
    assert page.status_code == 200, page.text[:300]
    assert "in force" in page.text
    assert "K. Stone (SID-ADM-01)" in page.text
    assert "properties were not proven" in page.text, "a certificate of structure says what it leaves open"
    assert "style=" not in page.text


def test_a_client_and_an_auditor_are_offered_no_act(served: Served) -> None:
    for who in (CLIENT, AUDITOR):
        assert "data-wish" not in served.get(f"/HUB/contracts/{CONTRACT}/3", who).text
    assert "data-wish" in served.get(f"/HUB/contracts/{CONTRACT}/3", QA).text


def test_an_auditor_whose_time_is_over_reads_no_contract(served: Served) -> None:
    assert CONTRACT not in served.get("/HUB/contracts", EXPIRED).text
    assert served.get(f"/HUB/contracts/{CONTRACT}/3", EXPIRED).status_code == 404


@pytest.mark.parametrize("who", [QA, CLIENT, AUDITOR, TECHNICIAN, None])
def test_drafts_are_for_authors(served: Served, who: str | None) -> None:
    answer = served.ask("POST", "/HUB/api/drafts", who, content=as_json({"text": "family: SmartClientPO"}))
    assert answer.status_code in (401, 403)


def test_faults_are_named_with_their_lines(served: Served) -> None:
    found = drafted(served, written("3-x", one="role: technician => rolle: technician"))
    assert found["faults"]
    assert any(fault["line"] > 0 for fault in found["faults"])
    assert found["sha256"] == ""


def test_a_draft_that_is_too_long_or_no_text_is_refused(served: Served) -> None:
    assert served.ask("POST", "/HUB/api/drafts", LEVEL3, content=as_json({"text": "x" * 1_048_577})).status_code == 400
    assert served.ask("POST", "/HUB/api/drafts", LEVEL3, content=b"{").status_code == 400
    many = {"text": "x", "beside": {f"{n}.yaml": "" for n in range(9)}}
    assert served.ask("POST", "/HUB/api/drafts", LEVEL3, content=as_json(many)).status_code == 400


def test_a_draft_is_compared_proposed_and_stands_with_what_is_missing(served: Served) -> None:
    found = drafted(served, written("4", one="min: '1000' => min: '900'"))
    assert found["faults"] == []
    assert found["against"] == "3"
    weaker = [change for change in found["changes"] if change["verdict"] == "WEAKER"]
    assert weaker
    assert weaker[0]["counterexample"]
    documents = {name: base64.b64decode(body) for name, body in found["documents"].items()}
    assert all(digest(body) == name for name, body in documents.items())
    command = c.SubmitContract(
        site="HUB",
        at=served.now(),
        nonce="draft-1",
        signers=(c.Signer(id=LEVEL3, role="author"),),
        contract=CONTRACT,
        version="4",
        sha256=found["sha256"],
    )
    raw = b'{"documents":%b,"envelope":%b}' % (as_json(documents), served.sign(command))
    answer = served.ask("POST", "/HUB/api/actions", LEVEL3, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    page = served.get(f"/HUB/contracts/{CONTRACT}/4", QA).text
    assert "missing" in page
    assert 'id="approve-qa"' in page
    assert "with rev 3" in page
    compared = served.get(f"/HUB/contracts/{CONTRACT}/4/diff?with=3", QA)
    assert compared.status_code == 200
    assert "WEAKER" in compared.text
    assert weaker[0]["counterexample"] == "uva reads 900 uW/cm2"
    assert "UV-A reads 900 µW/cm²" in compared.text, "the page says it in words"
    assert served.get(f"/HUB/contracts/{CONTRACT}/4/diff", QA).status_code == 400
    assert served.get(f"/HUB/contracts/{CONTRACT}/4/diff?with=9", QA).status_code == 404
    assert served.get(f"/HUB/contracts/{CONTRACT}/4", CLIENT).status_code == 404, "no order of theirs is under it"

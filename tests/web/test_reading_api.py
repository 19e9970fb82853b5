"""The read API: what it tells, and that nobody is told of what is not theirs."""

import base64
import json
from typing import Any

import pytest

from holdgate.audit.bundle import Bundle
from holdgate.audit.replay import PlainChecks, audit_log
from holdgate.audit.trust import Trust
from holdgate.crypto.commitments import opens
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.demo.shop import ADMIN, CLIENT, COMPLIANCE, DOCK, QA, TECHNICIAN
from holdgate.law import command as c
from holdgate.ledger.note import open_checkpoint, parse_vkey
from holdgate.ledger.proof import verify_proof
from holdgate.ledger.tiles import read_bundle
from tests.worked_shop import (
    AUDITOR,
    EXPIRED,
    JOB,
    ORDER,
    OTHER_CLIENT,
    OTHER_ORDER,
    PHOTO,
    SCOPED,
    Served,
)

ENVELOPE = {"Content-Type": "application/vnd.dsse+json"}
PATHS = (
    "/HUB/api/orders",
    f"/HUB/api/orders/{ORDER}",
    f"/HUB/api/orders/{ORDER}/timeline",
    "/HUB/api/jobs",
    f"/HUB/api/jobs/{ORDER}/{JOB}",
    "/HUB/api/entries/3",
    "/HUB/api/contracts",
    "/HUB/api/facts",
    "/FLOOR/api/staging",
    "/HUB/api/ledger/proof/0",
    "/HUB/api/ledger/bundle",
    "/HUB/api/ledger/tile/entries/000.p/1",
    f"/HUB/api/documents/{'0' * 64}",
    f"/HUB/api/evidence/{'0' * 64}",
)


def body(served: Served, path: str, who: str | None = None, place: str | None = None) -> Any:
    answer = served.get(path, who, place)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


# ---- what is told --------------------------------------------------------------------------------------------------


def test_orders_come_in_pages_and_by_status(served: Served) -> None:
    first = body(served, "/HUB/api/orders?limit=1", QA)
    assert [row["id"] for row in first["orders"]] == [ORDER]
    assert first["next"] == ORDER
    rest = body(served, f"/HUB/api/orders?limit=1&after={first['next']}", QA)
    assert [row["id"] for row in rest["orders"]] == [OTHER_ORDER]
    assert rest["next"] == ""
    staged = body(served, "/HUB/api/orders?status=staged", QA)
    assert [row["id"] for row in staged["orders"]] == [OTHER_ORDER]


@pytest.mark.parametrize(
    "path",
    [
        "/HUB/api/orders?limit=0",
        "/HUB/api/orders?limit=201",
        "/HUB/api/orders?limit=x",
        "/HUB/api/orders?other=1",
        "/HUB/api/orders/%E2%80%A8",
        "/HUB/api/orders/..%2fx",
        f"/HUB/api/orders/{'A' * 65}",
        f"/HUB/api/jobs/{ORDER}/{'J' * 65}",
        "/HUB/api/entries/one",
        "/HUB/api/contracts/-x/1",
        "/HUB/api/certificates/abc",
        f"/HUB/api/documents/{'G' * 64}",
        f"/HUB/api/evidence/{'A' * 64}",
        "/HUB/api/ledger/tile/0/0",
        "/HUB/api/ledger/tile/64/000",
    ],
)
def test_what_is_no_id_is_refused_with_a_sentence(served: Served, path: str) -> None:
    answer = served.get(path, QA)
    assert answer.status_code in (400, 404), answer.text
    assert answer.status_code == 400 or "%2f" in path
    if answer.status_code == 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


def test_a_job_tells_its_ops_and_readings(served: Served) -> None:
    job = body(served, f"/HUB/api/jobs/{ORDER}/{JOB}", QA)
    assert job["row"]["ops"] == job["row"]["done"] == 8
    inspect = next(op for op in job["ops"] if op["id"] == "S70")
    assert inspect["signers"] == [TECHNICIAN]
    assert {value["value"] for value in inspect["readings"] if value["name"].startswith("linear")} == {"0"}
    assert (job["qa_by"], job["compliance_by"], job["report"]) == (QA, COMPLIANCE, "R-1")
    at_node = body(served, f"/NODE-FPI/api/jobs/{ORDER}/{JOB}", TECHNICIAN)
    assert at_node["accepted_by"] == QA, "the node is done with it, and says so"


def test_a_timeline_has_refusals_and_every_place_has_its_why(served: Served) -> None:
    lines = body(served, f"/HUB/api/orders/{ORDER}/timeline", QA)["lines"]
    assert any(line["verdict"] == "deny" for line in lines)
    own = next(line for line in lines if line["site"] == "HUB" and line["act"] == "qa.sign")
    told = body(served, f"/HUB/api/entries/{own['seq']}", QA)
    assert told["act"] == "qa.sign"
    assert told["gates"]
    assert told["rests_on"]
    assert told["signers"][0]["meaning"] == "reviewed and accepted"


def test_a_timeline_comes_in_stretches(served: Served) -> None:
    whole = body(served, f"/HUB/api/orders/{ORDER}/timeline", QA)["lines"]
    found, after = [], -1
    for _ in range(len(whole) + 1):
        part = body(served, f"/HUB/api/orders/{ORDER}/timeline?limit=7&after={after}", QA)
        found += part["lines"]
        after = part["next"]
        if after < 0:
            break
    assert found == whole


def test_contracts_are_told_in_words_with_their_certificate(served: Served) -> None:
    row = next(row for row in body(served, "/HUB/api/contracts", QA) if row["version"] == "3")
    assert row["in_force"]
    assert set(row["approvals"]) == {"admin", "compliance", "qa", "project_manager"}
    told = body(served, f"/HUB/api/contracts/{row['contract']}/{row['version']}", QA)
    assert [step["id"] for step in told["sheet"]["steps"]][:2] == ["S10", "S20"]
    certificate = body(served, f"/HUB/api/certificates/{row['certificate']}", QA)
    assert certificate["contract"] == row["contract"]
    document = served.get(f"/HUB/api/documents/{row['sha256']}", QA)
    assert digest(document.content) == row["sha256"]
    assert document.headers["content-disposition"].startswith("attachment")


def test_facts_say_what_runs_out_when(served: Served) -> None:
    facts = body(served, "/HUB/api/facts", QA)
    assert {row["id"] for row in facts["equipment"]} >= {"RAD-07", "THM-09"}
    over = [row for row in facts["credentials"] if row["whose"] == EXPIRED]
    assert [row["stands"] for row in over] == ["over"]


def test_the_dock_shows_slips(served: Served) -> None:
    staging = body(served, "/FLOOR/api/staging", None, DOCK)
    assert {slip["order"]: slip["state"] for slip in staging["slips"]}[OTHER_ORDER] == "held"
    assert served.get("/HUB/api/staging", QA).status_code == 404, "the dock is the floor hub's"


# ---- the record ----------------------------------------------------------------------------------------------------


def test_the_checkpoint_and_a_proof_hold_with_the_site_s_key_alone(served: Served) -> None:
    site = served.shop.sites["HUB"]
    vkey = parse_vkey(site.notary.vkey)
    checkpoint = open_checkpoint(served.get("/HUB/api/ledger/checkpoint").content, vkey)
    assert checkpoint.size > 40
    receipt = served.get("/HUB/api/ledger/proof/7", QA).content
    assert verify_proof(receipt, leaf_hash(site.entry(7)), vkey).size >= checkpoint.size


def test_tiles_are_those_of_the_record(served: Served) -> None:
    hashes = served.get("/HUB/api/ledger/tile/0/000.p/5").content
    entries = read_bundle(served.get("/HUB/api/ledger/tile/entries/000.p/5", QA).content, 5)
    assert b"".join(leaf_hash(entry) for entry in entries) == hashes
    assert served.get("/HUB/api/ledger/tile/3/000").status_code == 404


def test_the_bundle_is_audited_elsewhere(served: Served) -> None:
    answer = served.get("/HUB/api/ledger/bundle", AUDITOR)
    assert answer.status_code == 200
    bundle = Bundle(answer.content.splitlines())
    trust = Trust(roots=served.shop.sites["HUB"].means.roots)
    report = audit_log(bundle, trust, PlainChecks())
    assert report.holds, report.findings
    assert report.beyond == 0, "the checkpoint covers all of it"


# ---- who is told what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_told_nothing(served: Served, path: str) -> None:
    assert served.get(path).status_code in (401, 403)


def test_a_client_sees_its_own_orders_and_no_sign_of_others(served: Served) -> None:
    assert [row["id"] for row in body(served, "/HUB/api/orders", OTHER_CLIENT)["orders"]] == [OTHER_ORDER]
    assert body(served, "/HUB/api/jobs", OTHER_CLIENT)["jobs"] == []
    there = served.get(f"/HUB/api/orders/{ORDER}", OTHER_CLIENT)
    nowhere = served.get("/HUB/api/orders/PO-9999", OTHER_CLIENT)
    assert (there.status_code, there.text) == (nowhere.status_code, nowhere.text) == (404, nowhere.text)
    for path in (f"/HUB/api/orders/{ORDER}/timeline", f"/HUB/api/jobs/{ORDER}/{JOB}"):
        assert served.get(path, OTHER_CLIENT).status_code == 404
    for path in ("/HUB/api/facts", "/FLOOR/api/staging", "/HUB/api/ledger/bundle"):
        assert served.get(path, OTHER_CLIENT).status_code in (401, 403)


def test_a_client_reads_no_entry_but_those_of_its_orders(served: Served) -> None:
    size = served.shop.sites["HUB"].spine.size
    shown = [seq for seq in range(size) if served.get(f"/HUB/api/entries/{seq}", OTHER_CLIENT).status_code == 200]
    assert shown
    for seq in shown:
        text = served.get(f"/HUB/api/entries/{seq}", OTHER_CLIENT).text
        assert ORDER not in text
        assert "AERODYNE" not in text
    lines = body(served, f"/HUB/api/orders/{OTHER_ORDER}/timeline", OTHER_CLIENT)
    assert ORDER not in json.dumps(lines)


def test_a_client_reads_the_contract_that_its_order_is_under(served: Served) -> None:
    (row,) = body(served, "/HUB/api/contracts", CLIENT)
    assert served.get(f"/HUB/api/documents/{row['sha256']}", CLIENT).status_code == 200
    assert served.get(f"/HUB/api/certificates/{row['certificate']}", CLIENT).status_code == 200


def test_an_auditor_of_one_order_sees_that_order(served: Served) -> None:
    assert [row["id"] for row in body(served, "/HUB/api/orders", SCOPED)["orders"]] == [ORDER]
    assert served.get(f"/HUB/api/orders/{OTHER_ORDER}", SCOPED).status_code == 404
    assert body(served, f"/HUB/api/orders/{ORDER}/timeline", SCOPED)["lines"]
    for path in ("/HUB/api/facts", "/HUB/api/ledger/bundle", "/FLOOR/api/staging"):
        assert served.get(path, SCOPED).status_code in (401, 403)
    assert served.get("/HUB/api/ledger/tile/entries/000.p/5", SCOPED).status_code == 403


def test_an_auditor_whose_time_is_over_sees_nothing(served: Served) -> None:
    assert body(served, "/HUB/api/orders", EXPIRED)["orders"] == []
    assert body(served, "/HUB/api/contracts", EXPIRED) == []
    assert served.get(f"/HUB/api/orders/{ORDER}", EXPIRED).status_code == 404
    assert served.get("/HUB/api/entries/1", EXPIRED).status_code == 404
    assert served.get("/HUB/api/ledger/bundle", EXPIRED).status_code == 403


def test_an_auditor_of_everything_reads_everything(served: Served) -> None:
    assert len(body(served, "/HUB/api/orders", AUDITOR)["orders"]) == 2
    assert body(served, "/HUB/api/facts", AUDITOR)["equipment"]
    assert body(served, "/HUB/api/entries/1", AUDITOR)["kind"]
    assert served.get("/HUB/api/ledger/tile/entries/000.p/5", AUDITOR).status_code == 200


def test_a_workstation_alone_sees_the_dock_and_no_order(served: Served) -> None:
    for path in ("/HUB/api/orders", f"/HUB/api/orders/{ORDER}", "/HUB/api/facts", "/HUB/api/ledger/bundle"):
        assert served.get(path, None, DOCK).status_code == 403, path


def test_staff_who_are_no_officers_do_not_carry_the_record_away(served: Served) -> None:
    assert served.get("/HUB/api/ledger/bundle", TECHNICIAN).status_code == 403
    assert served.get("/HUB/api/ledger/bundle", ADMIN).status_code == 200


# ---- evidence ------------------------------------------------------------------------------------------------------


def test_evidence_goes_in_by_staff_or_workstation_and_comes_back_as_it_was(served: Served) -> None:
    kept = served.ask("POST", "/FLOOR/api/evidence", None, DOCK, content=PHOTO)
    assert kept.status_code == 200, kept.text
    commitment = kept.json().pop("commitment")
    assert kept.json() == {"commitment": commitment, "media": "image/jpeg", "size": len(PHOTO)}
    back = served.get(f"/FLOOR/api/evidence/{commitment}", QA)
    assert (back.content, back.headers["content-type"]) == (PHOTO, "image/jpeg")
    assert "sandbox" in back.headers["content-security-policy"]
    assert opens(commitment, base64.b64decode(back.headers["holdgate-salt"]), back.content)


def test_the_same_bytes_twice_are_two_commitments(served: Served) -> None:
    """Or the record would show that two payloads are alike, and a guess could be brought to see whether it was right."""
    first, again = (served.ask("POST", "/HUB/api/evidence", QA, content=b"yes").json() for _ in range(2))
    assert first["commitment"] != again["commitment"]


@pytest.mark.parametrize("who", [CLIENT, AUDITOR, None])
def test_evidence_is_brought_by_nobody_else(served: Served, who: str | None) -> None:
    assert served.ask("POST", "/HUB/api/evidence", who, content=PHOTO).status_code in (401, 403)


def test_evidence_is_bytes_within_limits(served: Served) -> None:
    assert served.ask("POST", "/HUB/api/evidence", QA, content=b"").status_code == 400
    assert served.ask("POST", "/HUB/api/evidence", QA, content=bytes(2_097_153)).status_code == 413
    script = served.ask("POST", "/HUB/api/evidence", QA, content=b"<script>alert(1)</script>").json()
    back = served.get(f"/HUB/api/evidence/{script['commitment']}", QA)
    assert back.headers["content-type"] == "application/octet-stream", "nothing that is sent becomes a page"


def test_evidence_is_shown_to_whoever_sees_the_order_that_names_it(served: Served) -> None:
    address = f"/HUB/api/evidence/{served.worked.photo}"
    for who in (CLIENT, SCOPED, AUDITOR):
        assert served.get(f"{address}?order={ORDER}", who).content == PHOTO
        assert served.get(address, who).status_code == 404, "they say which order it is about"
        assert served.get(f"{address}?order={OTHER_ORDER}", who).status_code == 404, "that order names none"
    for who in (OTHER_CLIENT, EXPIRED):
        assert served.get(f"{address}?order={ORDER}", who).status_code == 404


def told(served: Served, command: c.Command) -> dict[str, Any]:
    """An act that the hub allows."""
    answer = served.ask("POST", "/HUB/api/actions", ADMIN, content=served.sign(command), headers=ENVELOPE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_evidence_that_was_erased_says_when_by_whom_and_why(served: Served) -> None:
    loose = served.ask("POST", "/HUB/api/evidence", QA, content=b"the wrong photo").json()["commitment"]
    signers = (c.Signer(id=ADMIN, role="admin"), c.Signer(id=QA, role="qa"))
    head: dict[str, Any] = {"site": "HUB", "at": served.now(), "signers": signers, "commitment": loose}
    told(served, c.KeepPayload(**head, nonce="erase-1", kind="evidence", subject=f"person:{TECHNICIAN}"))
    told(served, c.ErasePayload(**head, nonce="erase-2", reason="shows a face"))
    for site in ("HUB", "FLOOR"):
        served.until(f"/{site}/api/evidence/{loose}", QA, lambda found: found.get("title") == "It was erased")
        answer = served.get(f"/{site}/api/evidence/{loose}", QA)
        assert answer.status_code == 410
        assert f"by {ADMIN} and {QA}: shows a face" in answer.json()["detail"]


def test_what_the_record_names_and_nobody_has_is_not_told_as_erased(served: Served) -> None:
    store = served.shop_payloads()
    lost = store.put(b"lost", kind="evidence", by=QA, at=1)
    signers = (c.Signer(id=ADMIN, role="admin"),)
    head: dict[str, Any] = {"site": "HUB", "at": served.now(), "nonce": "lost", "signers": signers}
    told(served, c.KeepPayload(**head, commitment=lost, kind="evidence"))
    store.erase([lost])
    store.close()
    answer = served.get(f"/HUB/api/evidence/{lost}", QA)
    assert answer.status_code == 404
    assert "is not here" in answer.json()["detail"]


def test_personal_data_is_no_evidence_and_is_handed_out_to_nobody(served: Served) -> None:
    store = served.shop_payloads()
    account = store.put(b"DE89370400440532013000", kind="account", by=TECHNICIAN, at=1, owner=TECHNICIAN)
    store.close()
    for who in (QA, ADMIN, TECHNICIAN, AUDITOR):
        assert served.get(f"/HUB/api/evidence/{account}", who).status_code == 404


def test_evidence_that_no_act_names_is_shown_to_staff_alone(served: Served) -> None:
    loose = served.ask("POST", "/HUB/api/evidence", QA, content=b"%PDF-1.7 nobody names it").json()
    address = f"/HUB/api/evidence/{loose['commitment']}"
    assert served.get(address, QA).headers["content-type"] == "application/pdf"
    assert served.get(f"{address}?order={ORDER}", CLIENT).status_code == 404

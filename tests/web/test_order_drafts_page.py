"""Drafts of orders over the web: a file or a form becomes drafts, the office alone sees them, and nothing of them is recorded."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.demo.shop import CLIENT, NODE, PLANNER, QA, TECHNICIAN
from holdgate.query.order_fields import OrderLine
from holdgate.query.order_files import TEMPLATE
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ORDER_DRAFTS_MAX
from holdgate.web.drawer import KEPT_S, Drawer, KeptDraft
from tests.worked_shop import AUDITOR, ORDER, OTHER_CLIENT, Served

PAGE = "/HUB/office/new/drafts"
API = "/HUB/api/order-drafts"
WHOLE = {
    "client": "AERODYNE",
    "po": "PO-9001",
    "part_no": "77-1",
    "rev": "A",
    "quantity": "2",
    "serials": "X1 X2",
    "material": "Ti-6Al-4V",
    "heat": "H-1",
    "contract": "SP-FPI-4512",
    "version": "3",
    "documents": "material_certificate",
    "export_class": "EAR99",
}
TABLE = "po,client,quantity,serials,part_no,notes\r\nPO-9002,AERODYNE,2,Y1 Y2,77-1,call <script>alert(1)</script>\r\n"


@pytest.fixture
def shop(served: Served) -> Iterator[Served]:
    """The shop with an empty drawer."""
    yield served
    for row in served.get(API, PLANNER).json():
        served.ask("DELETE", f"{API}/{row['id']}", PLANNER)


def typed(shop: Served, who: str = PLANNER, **cells: str) -> dict[str, Any]:
    answer = shop.ask("POST", API, who, json={"cells": {**WHOLE, **cells}})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["lines"]
    assert isinstance(found, dict)
    return found


def filed(shop: Served, text: str, take: str = "") -> dict[str, Any]:
    answer = shop.ask("POST", f"/HUB/api/order-files{take and f'?take={take}'}", PLANNER, content=text.encode())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def test_a_form_becomes_a_draft_with_its_checklist_and_the_acts_that_stage_it(shop: Served) -> None:
    before = dict(shop.shop.sites["HUB"].chronicle.state.orders)
    draft = typed(shop)["draft"]
    found = shop.get(f"{API}/{draft}", QA).json()
    assert [act["act"] for act in found["acts"]] == ["po.accept", "po.stage"], "no file, no paper to review"
    assert found["acts"][-1]["fields"]["node"] == NODE
    text = shop.get(f"{PAGE}/{draft}", PLANNER).text
    assert 'id="stage-order"' in text
    assert "/HUB/client/PO-9001/terms/" in text
    assert "nothing stops staging" in text
    assert shop.shop.sites["HUB"].chronicle.state.orders == before, "a draft is no order"


def test_a_draft_with_an_open_question_offers_nothing_to_sign(shop: Served) -> None:
    draft = typed(shop, heat="")["draft"]
    text = shop.get(f"{PAGE}/{draft}", PLANNER).text
    assert "Stops staging." in text
    assert "Ask for the heat number" in text
    assert 'id="stage-order"' not in text
    assert 'id="review-order"' not in text


def test_an_answer_settles_what_was_asked_until_the_question_is_another(shop: Served) -> None:
    draft = typed(shop, price="5.00", currency="USD")["draft"]
    body = {"cells": {**WHOLE, "price": "5.00", "currency": "USD"}, "answers": {"price": "mail of today", "po": "x"}}
    assert shop.ask("PUT", f"{API}/{draft}", PLANNER, json=body).status_code == 200
    items = {item["name"]: item for item in shop.get(f"{API}/{draft}", PLANNER).json()["items"]}
    assert (items["price"]["stops"], items["price"]["answer"], items["po"]["answer"]) == (False, "mail of today", "")
    body["cells"]["price"] = "6.00"
    assert shop.ask("PUT", f"{API}/{draft}", PLANNER, json=body).status_code == 200
    assert [i["name"] for i in shop.get(f"{API}/{draft}", PLANNER).json()["items"] if i["stops"]] == ["price"]


def test_a_change_that_cannot_be_read_changes_nothing(shop: Served) -> None:
    draft = typed(shop)["draft"]
    answer = shop.ask("PUT", f"{API}/{draft}", PLANNER, json={"cells": {**WHOLE, "quantity": "two"}})
    (found,) = answer.json()["lines"]
    assert [fault["column"] for fault in found["faults"]] == ["quantity"]
    assert shop.get(f"{API}/{draft}", PLANNER).json()["cells"]["quantity"] == "2"


def test_a_file_becomes_drafts_whose_paper_is_the_file(shop: Served) -> None:
    found = filed(shop, TABLE)
    assert (found["sound"], found["kind"]) == (True, "csv")
    (made,) = found["lines"]
    draft = shop.get(f"{API}/{made['draft']}", PLANNER).json()
    assert draft["file"] == found["file"]
    text = shop.get(f"{PAGE}/{made['draft']}", PLANNER).text
    assert "call &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert " style=" not in text


def test_of_a_file_with_a_faulty_line_nothing_is_taken_but_the_lines_that_somebody_names(shop: Served) -> None:
    table = f"{TABLE}PO-9003,AERODYNE,two,Z1,77-1,\r\nPO-9004,AERODYNE,1,Z2,77-1,\r\n"
    found = filed(shop, table)
    assert [(row["line"], row["draft"], len(row["faults"])) for row in found["lines"]] == [
        (2, "", 0),
        (3, "", 1),
        (4, "", 0),
    ]
    assert shop.get(API, PLANNER).json() == []
    again = filed(shop, table, "4")
    assert [bool(row["draft"]) for row in again["lines"]] == [False, False, True]
    assert [row["order"] for row in shop.get(API, PLANNER).json()] == ["PO-9004"]
    refused = shop.ask("POST", "/HUB/api/order-files?take=3", PLANNER, content=table.encode())
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert "line 3 cannot be taken before it is mended" in refused.json()["detail"]


def test_the_same_file_twice_makes_no_second_draft(shop: Served) -> None:
    filed(shop, TABLE)
    (row,) = filed(shop, TABLE)["lines"]
    assert row["draft"] == ""
    assert "a draft of PO-9002 lies here already" in row["faults"][0]["what"]


def test_a_file_that_cannot_be_read_is_refused_with_its_reason(shop: Served) -> None:
    refused = shop.ask("POST", "/HUB/api/order-files", PLANNER, content=b"<!DOCTYPE o><Order/>")
    assert refused.status_code == 422
    assert "DTD" in refused.json()["detail"]
    assert shop.ask("POST", "/HUB/api/order-files", PLANNER, content=b"p" * 2_097_153).status_code == 413


def test_the_empty_table_is_a_file_to_save(shop: Served) -> None:
    found = shop.get("/HUB/api/order-template", PLANNER)
    assert found.text == TEMPLATE
    assert found.headers["content-type"].startswith("text/csv")
    assert "attachment" in found.headers["content-disposition"]


def test_an_order_that_is_staged_already_is_said_so(shop: Served) -> None:
    draft = typed(shop, po=ORDER)["draft"]
    text = shop.get(f"{PAGE}/{draft}", PLANNER).text
    assert 'id="staged"' in text
    assert f"{ORDER} is staged already" in text


@pytest.mark.parametrize("who", [CLIENT, OTHER_CLIENT, AUDITOR, TECHNICIAN, None])
def test_nobody_but_the_office_sees_a_draft_or_whether_there_is_one(shop: Served, who: str | None) -> None:
    draft = typed(shop, notes="only for the office")["draft"]
    for path in (PAGE, f"{PAGE}/{draft}", f"{PAGE}/none", API, f"{API}/{draft}", f"{API}/none"):
        found = shop.get(path, who)
        assert "only for the office" not in found.text
        assert draft not in found.text
        assert "api" not in path or found.status_code == (401 if who is None else 403)
    assert shop.get(f"{PAGE}/{draft}", who).status_code == shop.get(f"{PAGE}/none", who).status_code
    assert shop.ask("DELETE", f"{API}/{draft}", who).status_code in (401, 403)
    assert shop.get(f"{API}/{draft}", QA).status_code == 200, "QA reviews too"


def test_a_draft_that_was_thrown_away_is_gone(shop: Served) -> None:
    draft = typed(shop)["draft"]
    assert shop.ask("DELETE", f"{API}/{draft}", QA).status_code == 204
    assert shop.get(f"{API}/{draft}", PLANNER).status_code == 404
    assert shop.get(f"{PAGE}/{draft}", PLANNER).status_code == 404
    assert shop.ask("DELETE", f"{API}/{draft}", QA).status_code == 404


def test_nothing_of_a_draft_is_in_any_record(shop: Served) -> None:
    draft = typed(shop, notes="Eva Example, 555-0100")["draft"]
    shop.ask("PUT", f"{API}/{draft}", PLANNER, json={"cells": WHOLE, "answers": {"notes": "Eva Example"}})
    for folder in shop.worked.directory.rglob("*"):
        if folder.is_file() and folder.suffix in (".db", ".db-wal"):
            assert b"Eva Example" not in folder.read_bytes(), folder


# ---- the drawer ------------------------------------------------------------------------------------------------------


def kept(number: int, at: int = 0) -> KeptDraft:
    return KeptDraft(
        id=f"d{number}", order=f"PO-{number}", line=OrderLine(cells={"po": f"PO-{number}"}), file="", by=PLANNER, at=at
    )


def test_the_drawer_takes_all_or_nothing_and_no_more_than_its_most() -> None:
    drawer = Drawer()
    drawer.put([kept(n) for n in range(ORDER_DRAFTS_MAX - 1)], 0)
    with pytest.raises(Malformed, match="throw away what is done"):
        drawer.put([kept(900), kept(901)], 0)
    assert len(drawer.all(0)) == ORDER_DRAFTS_MAX - 1
    drawer.put([replace(kept(3), by=QA)], 0)
    assert drawer.get("d3", 0) == replace(kept(3), by=QA)


def test_a_draft_goes_by_itself_after_three_days() -> None:
    drawer = Drawer()
    drawer.put([kept(1)], 0)
    over = KEPT_S * 1_000_000 + 1
    assert drawer.get("d1", over - 1) is not None
    assert drawer.of_order("PO-1", over - 1) is not None
    assert drawer.get("d1", over) is None
    assert drawer.all(0) == []

"""The office's pages as models: what QA, Compliance, the office and finance are shown of a shop that was played."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.demo import live
from holdgate.demo.shop import CLIENT, COMPLIANCE, LEVEL3, NODE, PLANNER, QA, TECHNICIAN
from holdgate.law import command as c
from holdgate.law.state import Ncr, State
from holdgate.query import stages
from holdgate.terms.instant import SECOND_US
from holdgate.web.order_index import OrderIndex
from holdgate.web.pages import compliance, finance, papers, qa, traveler
from holdgate.web.pages import office as desk
from holdgate.web.paging import ROWS, paged
from holdgate.web.papers import lay_down
from holdgate.web.problem import Problem
from tests import hub_shop as hub


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hub.Office]:
    with hub.office(tmp_path_factory.mktemp("office")) as found:
        yield found


def sheet_of(office: hub.Office, who: str, order: str) -> qa.Sheet:
    found = qa.sheet(office.view(who, order=order, job=hub.JOB))
    assert not isinstance(found, Problem)
    return found


# ---- QA ------------------------------------------------------------------------------------------------------------


def test_the_queue_has_the_oldest_record_first_and_nothing_that_does_not_wait(office: hub.Office) -> None:
    queue = qa.queue(office.view(QA))
    assert [row.key for row in queue.waits] == [f"{hub.EXCEPTIONS}/J-1", f"{hub.AT_QA}/J-1"]
    assert all(row.why == "" for row in queue.waits)
    assert queue.waits[0].marks == ("1 red tag decided", "1 out of limits", "1 deviation")
    assert queue.waits[1].marks == ()
    assert [row.report for row in queue.rejected] == [f"R-{hub.REJECTED}"]


def test_a_call_for_level_iii_is_on_the_page_of_level_iii_while_the_job_is_under_way(office: hub.Office) -> None:
    queue = qa.queue(office.view(LEVEL3))
    assert [(row.key, row.node, row.times) for row in queue.calls] == [(f"{hub.RUNNING}/J-1", NODE, 1)]
    call = queue.calls[0].call
    assert (call.by, call.step) == (live.SECOND_TECHNICIAN, hub.OPS[3].step)
    assert call.reason.startswith("scratch or indication?")
    called = [item for item in sheet_of(office, QA, hub.RUNNING).exceptions if item.kind == "Level III called"]
    assert [(item.reason, item.step) for item in called] == [(call.reason, call.step)]
    job = office.face.state.jobs[f"{hub.RUNNING}/J-1"]
    job.qa_by = QA
    try:
        assert qa.queue(office.view(LEVEL3)).calls == ()
    finally:
        job.qa_by = ""


def test_the_traveler_says_that_level_iii_was_called_and_calls_again_in_one_tap(office: hub.Office) -> None:
    node = office.beside(NODE)
    lines = traveler.jobs(node.view(TECHNICIAN)).jobs
    assert [line.key for line in lines if line.called] == [f"{hub.RUNNING}/J-1"]
    card = traveler.job_card(node.view(TECHNICIAN, order=hub.RUNNING, job=hub.JOB))
    assert isinstance(card, traveler.JobCard)
    assert [call.by for call in card.calls] == [live.SECOND_TECHNICIAN]
    by_list, in_words = card.help
    assert by_list.allowed
    assert by_list.fields == {"order": hub.RUNNING, "job": hub.JOB, "step": hub.OPS[3].step}
    assert [(ask.name, ask.value) for ask in by_list.asks] == [("reason", traveler.WHY_CALLED[0])]
    assert [(ask.name, ask.value, ask.choices) for ask in in_words.asks] == [("reason", None, ())]
    assert "help.call" not in [wish.act for wish in card.beside]


def test_somebody_who_has_nothing_to_do_with_a_job_is_offered_no_call(office: hub.Office) -> None:
    card = traveler.job_card(office.beside(NODE).view(PLANNER, order=hub.RUNNING, job=hub.JOB))
    assert isinstance(card, traveler.JobCard)
    assert card.help == ()


def test_a_node_that_is_out_of_reach_is_said_in_the_queue_before_anybody_tries(office: hub.Office) -> None:
    contact = office.face.state.contacts[NODE]
    contact.up = False
    try:
        row = qa.queue(office.view(QA)).waits[0]
        assert NODE in row.why
        assert sheet_of(office, QA, hub.EXCEPTIONS).not_yet == row.why
        assert qa.queue(office.view(LEVEL3)).waits[0].why == row.why
    finally:
        contact.up = True


def test_that_somebody_is_not_qa_is_no_reason_why_qa_could_not_sign(office: hub.Office) -> None:
    found = sheet_of(office, LEVEL3, hub.EXCEPTIONS)
    assert found.not_yet == ""
    assert found.accept is not None
    assert not found.accept.allowed


def test_everything_out_of_the_ordinary_is_told_with_its_reason_and_who_signed(office: hub.Office) -> None:
    found = sheet_of(office, QA, hub.EXCEPTIONS).exceptions
    assert [item.kind for item in found] == [
        "out of limits",
        "correction",
        "late entry",
        "deviation",
        "deviation",
        "red tag",
        "red tag",
    ]
    late = next(item for item in found if item.kind == "late entry")
    assert late.by == (TECHNICIAN, QA)
    assert late.reason == "terminal was down; bench sheet 118"
    deviation = next(item for item in found if item.kind == "deviation")
    assert deviation.by == (LEVEL3, CLIENT)
    assert deviation.reason == "fire drill; drill log 7"


def test_a_red_tag_that_is_open_stands_first_however_old_other_exceptions_are(office: hub.Office) -> None:
    ncr = office.face.state.jobs[f"{hub.EXCEPTIONS}/J-1"].ncrs["N-1"]
    ncr.disposition = ""
    try:
        assert sheet_of(office, QA, hub.EXCEPTIONS).exceptions[0].id == "N-1"
    finally:
        ncr.disposition = "reject"


def test_the_count_is_filled_in_as_the_record_has_it_so_that_it_can_be_signed(office: hub.Office) -> None:
    found = sheet_of(office, QA, hub.EXCEPTIONS)
    assert (found.counts.received, found.counts.accepted, found.counts.rejected) == (4, 3, 1)
    assert found.accept is not None
    assert found.accept.allowed
    assert found.accept.seen
    assert found.accept.asks[0].value == {"received": 4, "accepted": 3, "rejected": 1, "scrapped": 0}


def test_every_op_is_there_with_values_limits_people_places_and_signatures(office: hub.Office) -> None:
    found = sheet_of(office, QA, hub.EXCEPTIONS)
    assert [op.id for op in found.ops] == ["S10", "S20", "S30", "S40", "S50", "S60", "S70", "S80"]
    checks = found.ops[0].rounds[0]
    uva = [row for row in checks.readings if row.read.characteristic == "uva"]
    assert [(row.read.value, row.read.conforms) for row in uva] == [("900", False), ("2100", True)]
    assert uva[0].limits == "at least 1000 uW/cm2"
    spots = next(row.read for row in checks.readings if row.read.characteristic == "panel_spots")
    assert (spots.value, spots.was) == ("5", ("6",))
    assert checks.signed[0][0].unlocked == "badge, pin"
    assert checks.attempt.place == "WS-BOOTH-1"
    assert found.ops[3].rounds[0].attempt.deviation == "D-1"


def test_an_instrument_that_was_not_calibrated_when_it_was_used_is_named(office: hub.Office) -> None:
    item = office.face.state.equipment["RAD-07"]
    before = item.cal_until
    assert all(used.good for op in sheet_of(office, QA, hub.EXCEPTIONS).ops for one in op.rounds for used in one.used)
    item.cal_until = item.cal_from + SECOND_US
    try:
        bad = [
            u.id for op in sheet_of(office, QA, hub.EXCEPTIONS).ops for one in op.rounds for u in one.used if not u.good
        ]
        assert set(bad) == {"RAD-07"}
    finally:
        item.cal_until = before


def test_a_red_tag_goes_to_the_area_where_the_job_is(office: hub.Office) -> None:
    wish = sheet_of(office, QA, hub.EXCEPTIONS).red_tag
    assert wish is not None
    assert wish.site == NODE
    assert next(ask.value for ask in wish.asks if ask.name == "ncr") == "N-2"


def test_what_turns_up_after_qa_accepted_is_decided_here_with_a_meaning_and_by_the_matrix(office: hub.Office) -> None:
    job = office.face.state.jobs[f"{hub.AT_COMPLIANCE}/J-1"]
    job.ncrs["recall-RAD-07-J-1"] = Ncr(id="recall-RAD-07-J-1", step="", serials=(), ref=job.ref, equipment="RAD-07")
    try:
        (tag,) = sheet_of(office, QA, hub.AT_COMPLIANCE).tags
        assert tag.elsewhere == ""
        allowed = {wish.fields["disposition"]: wish for wish in tag.decisions if wish.allowed}
        assert "no_impact" in allowed
        assert allowed["no_impact"].signs
        assert allowed["no_impact"].means == "disposition approved"
        assert allowed["use_as_is"].others == ((CLIENT, "client", "ed25519"),)
        assert len(tag.decisions) == len({wish.fields["disposition"] for wish in tag.decisions})
    finally:
        del job.ncrs["recall-RAD-07-J-1"]


def test_while_its_area_has_the_job_the_page_says_where_it_is_decided(office: hub.Office) -> None:
    (tag,) = sheet_of(office, QA, hub.RUNNING).tags
    assert (tag.elsewhere, tag.decisions) == (NODE, ())


def test_a_rejected_report_can_be_amended_and_the_answer_is_in_the_timeline(office: hub.Office) -> None:
    found = sheet_of(office, QA, hub.REJECTED)
    assert found.amend is not None
    assert found.amend.allowed
    assert found.amend.confirms
    assert any("wrong heat lot" in line for told in found.timeline for line in told.says)


def test_a_record_that_never_came_is_missing(office: hub.Office) -> None:
    assert isinstance(qa.sheet(office.view(QA, order=hub.STAGED, job="J-1")), Problem)


# ---- Compliance ----------------------------------------------------------------------------------------------------


def test_compliance_sees_what_waits_for_it_and_can_sign_it(office: hub.Office) -> None:
    found = compliance.desk(office.view(COMPLIANCE))
    assert [row.key for row in found.accept] == [f"{hub.AT_COMPLIANCE}/J-1"]
    assert found.accept[0].wish is not None
    assert found.accept[0].wish.allowed
    assert [(item.id, item.about) for item in found.open] == [("N-1", f"{hub.RUNNING}/J-1")]
    assert [version.suspended for version in found.versions] == [False]


def test_documents_are_told_by_how_urgent_they_are(office: hub.Office) -> None:
    state = office.face.state
    order, day = state.orders[hub.STAGED], 86_400 * SECOND_US
    before = dict(order.documents)
    order.documents = {"material_certificate": office.now - day}
    index = office.face.orders
    office.face.orders = OrderIndex(office.face.site)
    try:
        found = compliance.desk(office.view(COMPLIANCE)).papers
        assert [(row.order, row.document, row.stands) for row in found[:2]] == [
            (hub.STAGED, "purchase_order", "missing"),
            (hub.STAGED, "material_certificate", "run out"),
        ]
        assert {row.stands for row in found[2:]} == {"not verified"}
        assert all(ask.value is None for row in found if row.wish for ask in row.wish.asks if ask.name == "digest")
    finally:
        order.documents, office.face.orders = before, index


def test_stop_work_turns_into_its_end(office: hub.Office) -> None:
    record = next(iter(office.face.state.contracts.values()))
    record.suspended = True
    try:
        found = compliance.desk(office.view(COMPLIANCE))
        assert found.open[0].kind == "stop-work"
        assert found.versions[0].wish is not None
        assert found.versions[0].wish.act == "contract.resume"
        assert "stop-work" in finance.orders(office.view(PLANNER, {"show": "held"})).lines[0].holds[0]
    finally:
        record.suspended = False


# ---- Office --------------------------------------------------------------------------------------------------------

STANDS = {
    hub.INVOICED: stages.INVOICED,
    hub.EXCEPTIONS: stages.AT_QA,
    hub.REPORTED: stages.REPORTED,
    hub.RUNNING: stages.RUNNING,
    hub.AT_COMPLIANCE: stages.AT_COMPLIANCE,
    hub.STAGED: stages.STAGED,
    hub.HELD: stages.HELD,
    hub.ACCEPTED_TERMS: stages.PROPOSED,
    hub.REVIEWED: stages.PROPOSED,
    hub.REJECTED: stages.REJECTED,
    hub.AT_QA: stages.AT_QA,
}


def test_every_order_stands_where_it_is_and_since_when(office: hub.Office) -> None:
    found = desk.orders(office.view(PLANNER))
    assert {line.id: line.stands for line in found.lines} == STANDS
    assert [line.id for line in found.lines if not line.since] == [hub.REVIEWED]
    assert all(line.since <= office.now for line in found.lines)
    assert dict(found.stages)[stages.AT_QA] == 2


def test_the_list_is_narrowed_by_stage_and_search_together(office: hub.Office) -> None:
    assert {line.id for line in desk.orders(office.view(PLANNER, {"q": "bora"})).lines} == {
        hub.REPORTED,
        hub.RUNNING,
        hub.STAGED,
        hub.ACCEPTED_TERMS,
        hub.REJECTED,
        hub.AT_QA,
    }
    one = desk.orders(office.view(PLANNER, {"q": "07S1"}))
    assert [line.id for line in one.lines] == [hub.HELD]
    both = desk.orders(office.view(PLANNER, {"q": "bora", "stage": stages.AT_QA}))
    assert [line.id for line in both.lines] == [hub.AT_QA]
    assert desk.orders(office.view(PLANNER, {"stage": "nowhere"})).total == len(STANDS)


@pytest.mark.parametrize("page", ["", "0", "-1", "999999999999", "x", "٣"])
def test_any_page_number_gives_a_page(page: str) -> None:
    rows, pager = paged(range(ROWS + 3), {"page": page, "q": "a b"})
    assert len(rows) in (ROWS, 3)
    assert pager.total == ROWS + 3


def test_pages_cover_every_row_once() -> None:
    rows = range(ROWS * 2 + 1)
    seen = [row for page in ("1", "2", "3") for row in paged(rows, {"page": page})[0]]
    assert seen == [*rows]
    assert paged(rows, {"page": "2", "q": "a&b"})[1].on == "q=a%26b&page=3"


def test_what_an_order_lacks_is_named(office: hub.Office) -> None:
    found = desk.sheet(office.view(PLANNER, order=hub.REVIEWED))
    assert not isinstance(found, Problem)
    assert {check.name for check in found.checks if not check.has} == {"Terms", "Contract review (QA)", "Staging"}
    assert [name for name, _ in found.links] == ["SP-FPI-4512 rev 3"]
    review = next(wish for wish in found.wishes if wish.act == "po.review")
    assert review.asks[0].value == "ab" * 32
    held = desk.sheet(office.view(PLANNER, order=hub.HELD))
    assert not isinstance(held, Problem)
    parts = next(check for check in held.checks if check.name == "Parts")
    assert (parts.has, parts.says) == (False, "2 of 4 arrived; missing 07S3, 07S4")


def test_an_order_whose_terms_are_signed_can_be_staged_and_assigned(office: hub.Office) -> None:
    found = desk.sheet(office.view(PLANNER, order=hub.ACCEPTED_TERMS))
    assert not isinstance(found, Problem)
    stage = next(wish for wish in found.wishes if wish.act == "po.stage")
    assert stage.allowed
    asked = {ask.name: ask for ask in stage.asks}
    assert asked["node"].value == NODE
    assert asked["client"].value == "BORA"
    assert asked["part_no"].value is None
    staged = desk.sheet(office.view(PLANNER, order=hub.STAGED))
    assert not isinstance(staged, Problem)
    assert staged.jobs[0].assign is not None
    assert staged.jobs[0].assign.allowed
    assert TECHNICIAN in [value for value, _ in staged.jobs[0].assign.asks[0].choices]


def test_a_new_order_names_why_it_cannot_be_staged_yet_and_where_its_client_signs(office: hub.Office) -> None:
    sha256 = next(iter(office.face.state.in_force.values()))
    found = desk.entry(office.view(PLANNER, {"order": "PO-3001", "contract": sha256}))
    assert not isinstance(found, Problem)
    assert found.link == f"/HUB/client/PO-3001/terms/{sha256}"
    assert found.stage is not None
    assert "TERMS_NOT_ACCEPTED" in found.stage.codes
    assert "no signature of the client" in found.stage.says[0]
    again = desk.entry(office.view(PLANNER, {"order": hub.STAGED, "contract": sha256}))
    assert not isinstance(again, Problem)
    assert again.entered
    assert (again.stage, again.link) == (None, "")
    assert isinstance(desk.entry(office.view(PLANNER, {"order": "<b>", "contract": sha256})), Problem)


# ---- Finance -------------------------------------------------------------------------------------------------------


def test_finance_sees_what_went_out_and_why_and_what_waits_for_what(office: hub.Office) -> None:
    issued = finance.orders(office.view(hub.FINANCE, {"show": "issued"}))
    assert [line.id for line in issued.lines] == [hub.INVOICED]
    assert issued.totals == (("Invoiced in USD", "1200.00 USD"), ("Waits in USD", "9600.00 USD"))
    held = finance.orders(office.view(hub.FINANCE, {"show": "held"}))
    assert {line.id: line.holds for line in held.lines} == {
        hub.RUNNING: ("J-1: N-1 is open",),
        hub.REJECTED: (f"J-1: the client rejected R-{hub.REJECTED}",),
    }
    waiting = finance.orders(office.view(hub.FINANCE))
    staged = next(line for line in waiting.lines if line.id == hub.STAGED)
    assert "the client has not approved the report" in staged.amounts[0].why


def test_an_invoice_is_explained_by_the_entry_that_released_it(office: hub.Office) -> None:
    found = finance.sheet(office.view(hub.FINANCE, order=hub.INVOICED))
    assert not isinstance(found, Problem)
    by_kind = {row.amount.kind: row for row in found.released}
    assert by_kind["invoice"].why.act == "client.review"
    assert by_kind["payout"].why.act == "compliance.sign"
    assert by_kind["invoice"].why.rests_on
    assert found.waiting == ()


# ---- papers --------------------------------------------------------------------------------------------------------


def test_a_paper_is_shown_to_whom_it_waits_for_and_to_who_signed_and_to_nobody_else(office: hub.Office) -> None:
    desk_of = hub.played().desk
    auth = c.Auth(components=("badge", "pin"), session="S1")
    signers = tuple(
        c.Signer(id=who, role=role, meaning="approved", auth=auth)
        for who, role in ((LEVEL3, "level3"), (CLIENT, "client"))
    )
    command = c.DisposeNonconformance(
        site="HUB",
        at=office.now,
        nonce="paper",
        signers=signers,
        place="WS-OFFICE",
        order=hub.RUNNING,
        job="J-1",
        ncr="N-1",
        disposition="use_as_is",
        reason="cosmetic",
        concession="C-1",
    )
    lay_down(office.face, office.reception, desk_of.sign_only(command, (LEVEL3, "WS-OFFICE")))
    theirs = papers.desk(office.view(CLIENT)).mine
    assert [(sheet.does, sheet.means, sheet.mine) for sheet in theirs] == [("Decide", "approved", True)]
    assert ("Reason", "cosmetic") in theirs[0].fields
    assert theirs[0].digest == digest(hub.canon.encode(command))
    assert papers.desk(office.view(LEVEL3)).mine == ()
    assert len(papers.desk(office.view(LEVEL3)).others) == 1
    stranger = papers.desk(office.view(hub.OTHER_CLIENT))
    assert (stranger.mine, stranger.others) == ((), ())


# ---- the index of orders -------------------------------------------------------------------------------------------


def _afresh(index: OrderIndex, site: hub.Site) -> None:
    assert index.rows() == OrderIndex(site).rows()


def test_the_index_says_what_the_state_says_after_every_stretch_of_work(tmp_path: Path) -> None:
    async def play() -> None:
        s = await hub.found(tmp_path / "shop", hub.played().now)
        site = s.at.shop.sites["HUB"]
        index = OrderIndex(site)
        assert index.rows() == {}
        await s.exceptions("PO-1", CLIENT)
        _afresh(index, site)
        serials = await s.stage("PO-2", hub.OTHER_CLIENT)
        _afresh(index, site)
        await s.job("PO-2", serials)
        _afresh(index, site)
        await s.qa("PO-2")
        _afresh(index, site)
        report = await s.report("PO-2")
        _afresh(index, site)
        await s.answer(report, hub.OTHER_CLIENT, "approve")
        _afresh(index, site)
        assert index.rows()["PO-2"].stage == stages.INVOICED
        s.at.close()

    asyncio.run(play())


def test_an_order_of_two_jobs_stands_where_the_one_behind_stands(office: hub.Office) -> None:
    state: State = office.face.state
    done, behind = state.orders[hub.INVOICED], state.jobs[f"{hub.AT_QA}/J-1"]
    state.jobs["X/J-9"] = replace(behind, id="J-9", order=done.id)
    done.jobs.append("X/J-9")
    try:
        assert stages.stage(state, office.face.library, done) == stages.AT_QA
    finally:
        done.jobs.pop()
        del state.jobs["X/J-9"]

"""Purchase orders as drafts: what the checklist says of each, what stops staging, and that the acts are what the law takes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.law import command as c
from holdgate.law.command import parse_command
from holdgate.query.order_draft import Noted, OrderDraft, order_draft
from holdgate.query.order_fields import COLUMNS, FIELDS, OrderLine, RawLine, read_line
from holdgate.query.order_look import AMBIGUOUS, CONTRADICTS, MISSING, PRESENT, desk_of
from holdgate.terms import canon
from tests.builders import CLIENT, CONTRACT, NODE, OTHER_NODE, T0, VERSION, World, hub

STATUSES = (PRESENT, MISSING, AMBIGUOUS, CONTRADICTS)
WHOLE = {
    "client": CLIENT,
    "po": "PO-9",
    "line": "1",
    "po_revision": "0",
    "part_no": "4512-7",
    "rev": "C",
    "quantity": "2",
    "serials": "S1 S2",
    "material": "Ti-6Al-4V",
    "heat": "H-1",
    "contract": CONTRACT,
    "version": VERSION,
    "node": NODE,
    "documents": "drawing",
    "wants": "EN_10204_3.1",
    "delivery_due": "2025-05-01",
    "price": "1.00",
    "currency": "USD",
    "end_customer": "none",
    "export_class": "EAR99",
}
"""An order that says everything."""


@pytest.fixture(scope="module")
def shop() -> World:
    world = hub()
    world.release()
    return world


def end(text: str) -> int:
    return instant_or_end_of_day(text, "America/Chicago")


def line(**cells: str) -> OrderLine:
    found, faults = read_line(RawLine(number=2, cells={**WHOLE, **cells}), end)
    assert found is not None, faults
    return found


def draft(world: World, answers: dict[str, Noted] | None = None, **cells: str) -> OrderDraft:
    return order_draft(line(**cells), desk_of(world.state, world.library, world.now), "ab" * 32, answers)


def staged(world: World, **changes: Any) -> World:
    """A copy of the shop in which an order of the part is staged."""
    other = world.copy()
    fields = {"order": "PO-8-1", "client": CLIENT, "part_no": "4512-7", "rev": "C", "serials": ("S8", "S9"), **changes}
    return other.staged(**fields)


# ---- the checklist -------------------------------------------------------------------------------------------------


def test_an_order_that_says_everything_has_nothing_to_ask_and_three_acts(shop: World) -> None:
    found = draft(shop)
    assert {item.status for item in found.items} == {PRESENT}, [i for i in found.items if i.status != PRESENT]
    assert found.stops == ()
    assert [act.act for act in found.acts] == ["po.accept", "po.review", "po.stage"]
    assert found.order == "PO-9-1"
    assert found.contract is not None
    assert found.contract.sha256 == shop.state.in_force[CONTRACT]


CASES: list[tuple[dict[str, str], str, str, str, bool]] = [
    # what the order says, item, status, what the sentence or its question holds, whether it stops staging
    ({"client": ""}, "client", MISSING, "Ask which company", True),
    ({"client": "aero"}, "client", AMBIGUOUS, "taken as AERO", False),
    ({"client": "Aero Parts Inc."}, "client", AMBIGUOUS, "may be AERO", True),
    ({"client": "Nobody Ltd"}, "client", AMBIGUOUS, "enrol them", True),
    ({"addressed_to": "Some Other Lab"}, "addressed_to", AMBIGUOUS, "meant for this shop", True),
    ({"addressed_to": "lab"}, "addressed_to", PRESENT, "lab", False),
    ({"po": ""}, "po", MISSING, "Ask for the number", True),
    ({"po": "45/00 123"}, "po", AMBIGUOUS, "is called 45-00-123-1 here", False),
    ({"po_revision": ""}, "po_revision", MISSING, "ever changed", False),
    ({"part_no": ""}, "part_no", MISSING, "Ask for the part number", True),
    ({"rev": ""}, "rev", MISSING, "Ask for the drawing revision", True),
    ({"quantity": ""}, "quantity", MISSING, "2 serials are", False),
    ({"quantity": "3"}, "quantity", CONTRADICTS, "The quantity is 3, and 2 serials are named", True),
    ({"unit": "LTR"}, "unit", AMBIGUOUS, "does not count parts", True),
    ({"unit": "EA"}, "quantity", PRESENT, "2", False),
    ({"serials": ""}, "serials", MISSING, "Neither serials nor a lot", True),
    ({"serials": "", "lot": "L-7"}, "serials", AMBIGUOUS, "the 2 parts of lot L-7", True),
    ({"serials": "S1 S1"}, "serials", CONTRADICTS, "S1 stand there twice", True),
    ({"material": ""}, "material", MISSING, "material certificate", True),
    ({"heat": ""}, "heat", MISSING, "heat number", True),
    ({"contract": ""}, "contract", MISSING, "In force here: SP-1", True),
    ({"contract": "SP-77"}, "contract", CONTRADICTS, "no technique SP-77", True),
    ({"version": "9"}, "contract", CONTRADICTS, "rev 1 is in force", True),
    ({"version": ""}, "contract", AMBIGUOUS, "No revision is named; SP-1 rev 1", False),
    ({"node": ""}, "node", MISSING, "choose the area here", True),
    ({"node": "HUB"}, "node", CONTRADICTS, "no area that takes orders", True),
    ({"documents": ""}, "documents", MISSING, "Ask for drawing", True),
    ({"documents": "Drawing, timesheet"}, "documents", AMBIGUOUS, "timesheet come with the order", False),
    ({"wants": ""}, "wants", MISSING, "EN 10204", False),
    ({"delivery_due": ""}, "delivery_due", MISSING, "by when", False),
    ({"delivery_due": "2025-03-31"}, "delivery_due", CONTRADICTS, "is over", True),
    ({"delivery_due": "2025-04-01"}, "delivery_due", PRESENT, "2025-04-01", False),
    ({"delivery_due": "2205-04-01"}, "delivery_due", CONTRADICTS, "ten years", True),
    ({"valid_until": "2025-03-31"}, "valid_until", CONTRADICTS, "still stands", True),
    ({"price": "", "currency": ""}, "price", MISSING, "the contract's is 1.00 USD", False),
    ({"price": "1.01"}, "price", CONTRADICTS, "says 1.01 USD; the contract says 1.00 USD", True),
    ({"price": "1.001"}, "price", CONTRADICTS, "1.001 USD", True),
    ({"currency": "EUR"}, "price", CONTRADICTS, "1.00 EUR", True),
    ({"currency": ""}, "currency", MISSING, "Ask whether 1.00 USD", True),
    ({"unit_price": "0.60"}, "unit_price", CONTRADICTS, "2 parts at 0.60 are not 1.00", True),
    ({"price": "", "unit_price": "0.50"}, "price", PRESENT, "1.00 USD", False),
    ({"end_customer": ""}, "end_customer", MISSING, "flow down", False),
    ({"export_class": ""}, "export_class", MISSING, "EAR, ITAR", True),
    ({"export_class": "secret"}, "export_class", AMBIGUOUS, "secret", True),
    ({"export_class": "not controlled"}, "export_class", PRESENT, "not controlled", False),
    ({"notes": "polish the\nflange"}, "notes", AMBIGUOUS, "polish the flange", True),
    ({"acceptance": "class A"}, "acceptance", AMBIGUOUS, "class A", True),
    ({"inspection": "source inspection at S20"}, "inspection", AMBIGUOUS, "source inspection", True),
    ({"agreement": "FA-1"}, "agreement", AMBIGUOUS, "FA-1", False),
]


@pytest.mark.parametrize(("cells", "name", "status", "says", "stops"), CASES, ids=lambda v: str(v)[:40])
def test_an_item_of_the_checklist(
    shop: World, cells: dict[str, str], name: str, status: str, says: str, stops: bool
) -> None:
    found = draft(shop, None, **cells)
    (item,) = [one for one in found.items if one.name == name]
    assert (item.status, item.stops) == (status, stops), item
    assert says in f"{item.says} {item.asks}"
    assert bool(found.acts) != bool(found.stops), "acts are prepared where nothing stops, and nowhere else"
    if item.stops:
        assert item.asks.endswith("."), "what stops staging says what to ask"


def test_another_revision_than_the_last_order_of_the_part_is_named_with_that_order(shop: World) -> None:
    found = draft(staged(shop), rev="D")
    (item,) = [one for one in found.items if one.name == "rev"]
    assert (item.status, item.stops, item.answerable) == (CONTRADICTS, True, True)
    assert item.says == "PO-8-1 was the last order of this part, with revision C; this one says D."
    of_another = [one for one in draft(staged(shop, client="OTHER"), rev="D").items if one.name == "rev"]
    assert of_another[0].status == PRESENT, "another client's part of the same number is another part"


def test_a_part_that_stands_in_an_order_under_way_is_named(shop: World) -> None:
    (item,) = [one for one in draft(staged(shop), serials="S8 S2").items if one.name == "serials"]
    assert (item.status, item.stops) == (CONTRADICTS, True)
    assert "S8 of this part stand in PO-8-1 too" in item.says


def test_a_number_that_is_staged_already_stops(shop: World) -> None:
    (item,) = [one for one in draft(staged(shop), po="PO-8", serials="S1 S2").items if one.name == "po"]
    assert (item.status, item.stops, item.answerable) == (CONTRADICTS, True, False)
    assert "is staged already: 4512-7 rev C, 2 parts" in item.says


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"suspended": True}, "Work under SP-1 rev 1 is stopped."),
        ({"status": "superseded"}, "SP-1 rev 1 is superseded"),
        ({"status": "barred"}, "SP-1 rev 1 is withdrawn"),
        ({"status": "submitted"}, "SP-1 rev 1 is proposed and not released"),
    ],
)
def test_a_contract_that_takes_no_orders_stops(shop: World, change: dict[str, Any], says: str) -> None:
    other = shop.copy()
    sha256 = other.state.versions[f"{CONTRACT}/{VERSION}"]
    other.state.contracts[sha256] = replace(other.state.contracts[sha256], **change)
    (item,) = [one for one in draft(other).items if one.name == "contract"]
    assert (item.status, item.stops, item.answerable) == (CONTRADICTS, True, False)
    assert item.says.startswith(says)


# ---- answers -------------------------------------------------------------------------------------------------------


def test_an_answer_settles_its_question_and_no_other(shop: World) -> None:
    (asked,) = draft(shop, heat="").stops
    answers = {"heat": Noted(question=asked.says, answer="not heat treated: mail of 1 April")}
    settled = draft(shop, answers, heat="")
    assert settled.stops == ()
    assert settled.acts
    again = draft(shop, {"price": Noted(question="The order says 5.00 USD.", answer="agreed")}, price="1.01")
    assert [item.name for item in again.stops] == ["price"], "another price asks anew"


def test_what_no_act_could_be_made_of_is_settled_by_no_answer(shop: World) -> None:
    for cells in ({"part_no": ""}, {"serials": "S1 S1"}, {"contract": "SP-77"}, {"node": "X"}, {"quantity": "7"}):
        stops = draft(shop, None, **cells).stops
        answers = {item.name: Noted(question=item.says, answer="yes") for item in stops}
        assert [item.name for item in draft(shop, answers, **cells).stops] == [item.name for item in stops]


# ---- the acts ------------------------------------------------------------------------------------------------------


def test_the_acts_that_are_prepared_are_acts_that_the_law_takes(shop: World) -> None:
    world = shop.copy()
    accept, review, stage = draft(world, documents="drawing timesheet").acts
    accepted = world.ask(c.AcceptTerms, **_typed(accept.fields)).decide()
    assert accepted.verdict == "allow", accepted.denials
    assert review.fields == {"order": "PO-9-1", "document_digest": "ab" * 32}
    world.accepted("PO-9-1")
    decided = world.ask(c.StageOrder, **stage.fields).decide()
    assert decided.verdict == "allow", decided.denials
    assert stage.fields["documents"] == ("drawing", "timesheet")
    assert stage.fields["delivery_due"] == end("2025-05-01")


def test_the_largest_order_that_nothing_stops_still_fits_a_signed_act(shop: World) -> None:
    wide = "\u4e16" * 200
    most = [f"{n:04}" for n in range(1, 1001)]
    documents = " ".join(["drawing", *(f"{n:02x}" for n in range(256))])
    more = {"client": CLIENT, "part_no": wide, "rev": wide, "quantity": "1000", "documents": documents}
    found = draft(shop, None, serials=",".join(most), **more)
    assert found.stops == ()
    command = shop.ask(c.StageOrder, **found.acts[-1].fields).command
    parse_command(canon.encode(command))
    over = [f"{n:04}" for n in range(1, 1601)]
    (item,) = draft(shop, serials=",".join(over), quantity="1600").stops
    assert (item.name, item.answerable) == ("serials", False)


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    terms = fields["terms"]
    milestones = tuple(c.Milestone(**one) for one in terms["milestones"])
    return {**fields, "terms": c.Terms(**{**terms, "milestones": milestones})}


def test_the_only_area_is_taken_where_none_is_named(shop: World) -> None:
    other = shop.copy()
    other.state.retired[OTHER_NODE] = T0
    found = draft(other, node="")
    assert found.stops == ()
    assert found.acts[-1].fields["node"] == NODE


# ---- cells ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "column", "what"),
    [
        ({"quantity": "two"}, "quantity", "'two' is no number of parts"),
        ({"quantity": "0"}, "quantity", "no number of parts"),
        ({"quantity": "2.5"}, "quantity", "no number of parts"),
        ({"quantity": "2001"}, "quantity", "no number of parts"),
        ({"price": "1,200.00"}, "price", "no amount"),
        ({"price": "-1"}, "price", "no amount"),
        ({"unit_price": "1e3"}, "unit_price", "no amount"),
        ({"currency": "usd"}, "currency", "no currency"),
        ({"delivery_due": "01.05.2025"}, "delivery_due", "no day"),
        ({"valid_until": "2025-02-30"}, "valid_until", "no day"),
        ({"client": "AERO\u202eDYNE"}, "client", "U+202E"),
        ({"client": "AE\x07RO"}, "client", "U+0007"),
        ({"client": "two\nlines"}, "client", "U+000A"),
        ({"po": "P" * 201}, "po", "201 characters"),
        ({"notes": "n" * 4001}, "notes", "4001 characters"),
        ({"serials": "S" * 65}, "serials", "longer than 64"),
        ({"colour": "red"}, "colour", "no such field"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_with_what_to_write(cells: dict[str, str], column: str, what: str) -> None:
    found, faults = read_line(RawLine(number=2, cells={**WHOLE, **cells}), end)
    assert found is None
    (fault,) = faults
    assert fault.column == column
    assert what in fault.what
    assert fault.do


def test_every_fault_of_a_line_is_told_at_once() -> None:
    _, faults = read_line(RawLine(number=2, cells={"quantity": "x", "price": "y", "delivery_due": "z"}), end)
    assert [fault.column for fault in faults] == ["quantity", "price", "delivery_due"]


ODD = st.one_of(
    st.text(alphabet="aZ09 .-_/;,=<&\n\x00\u202e\u00e9", max_size=30),
    st.sampled_from([*WHOLE.values(), "OTHER", "SP-1", "9", "2", "S1 S1", "2025-05-01", "EUR", "0.5", "../x", "<b>"]),
)


@settings(max_examples=150, deadline=None)
@given(cells=st.dictionaries(st.sampled_from(COLUMNS), ODD, max_size=len(FIELDS)))
def test_whatever_is_typed_makes_a_draft_or_a_reasoned_refusal_and_never_an_act_that_cannot_be_signed(
    shop: World, cells: dict[str, str]
) -> None:
    before = len(shop.state.orders)
    found, faults = read_line(RawLine(number=1, cells={**WHOLE, **cells}), end)
    if found is None:
        assert faults
        assert all(fault.what and fault.do for fault in faults)
        return
    made = order_draft(found, desk_of(shop.state, shop.library, shop.now), "ab" * 32)
    assert {item.status for item in made.items} <= set(STATUSES)
    assert bool(made.stops) != bool(made.acts)
    for act in made.acts:
        if act.act == "po.stage":
            denials = shop.ask(c.StageOrder, **act.fields).decide().denials
            assert [denial.code for denial in denials] == ["TERMS_NOT_ACCEPTED"], denials
    assert len(shop.state.orders) == before

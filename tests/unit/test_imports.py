"""Imports: tables as spreadsheets save them, row by row, to acts that two people sign; read twice, they change nothing twice."""

import asyncio
import contextlib
import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.adapters.sheet import Sheet, SheetRow, read_sheet
from holdgate.adapters.zones import instant_or_end_of_day, instant_or_start_of_day, start_of_day
from holdgate.cli.app import main
from holdgate.cli.demo import certified
from holdgate.cli.standing import open_standing
from holdgate.crypto.hashes import digest
from holdgate.demo.shop import ADMIN, METROLOGY, PLANNER, QA, ZONE, DemoShop
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.query.imports import (
    CHANGED,
    FAULTY,
    KINDS,
    NEW,
    SAME,
    Dates,
    Desk,
    Draft,
    Import,
    command_of,
    read_table,
)
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ORDER_FILE_BYTES_MAX, SHEET_ROWS_MAX
from tests.builders import T0, World, hub

DATES = Dates(lambda text: instant_or_end_of_day(text, ZONE), lambda text: instant_or_start_of_day(text, ZONE))


def sheet(*lines: str) -> Sheet:
    return read_sheet("\r\n".join(lines).encode())


# ---- tables --------------------------------------------------------------------------------------------------------


def cells(raw: bytes) -> list[dict[str, str]]:
    return [row.cells for row in read_sheet(raw).rows]


def test_what_a_spreadsheet_does_by_itself_is_taken_as_it_is() -> None:
    expected = [{"id": "A-1", "name": "Lee; Ann", "roles": "technician"}]
    assert cells(b"id,name,roles\nA-1,Lee; Ann,technician\n") == expected
    assert cells(b'\xef\xbb\xbfid;name;roles\r\nA-1;"Lee; Ann";technician\r\n;;\r\n\r\n') == expected
    assert cells(b"Id\tNAME\t roles \nA-1\tLee; Ann\ttechnician") == expected
    assert cells(b'id,name,roles,\n"A-1","Lee; Ann",technician,\n') == expected, "an empty column at the end"


def test_a_row_is_found_by_the_line_that_it_begins_at() -> None:
    table = read_sheet(b'id,name\nA,"two\nlines"\n\nB,x\n')
    assert [(row.number, row.cells["name"]) for row in table.rows] == [(2, "two\nlines"), (5, "x")]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"id,name,id\n", "the column 'id' is there twice"),
        (b"Valid to,valid_to\n", "the column 'valid_to' is there twice"),
        (b"id,,name\n", "column 2 has no name"),
        ("id\n".encode("utf-16"), "UTF-16"),
        (b"id,name\nA,M\xfcller\n", "line 2 of the file is not UTF-8"),
        (b"id\nA\0B\n", "null characters"),
        (b"x" * (ORDER_FILE_BYTES_MAX + 1), "are the most"),
        (b"id\n" + b"a\n" * (SHEET_ROWS_MAX + 1), "rows; 10000 are the most"),
        (",".join(f"c{n}" for n in range(60)).encode(), "60 columns"),
        (b'id,name\nA,"open\n', "no row of a table"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_file_that_could_mean_two_things_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_sheet(raw)


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(0)", " =x"])
def test_a_formula_is_refused_in_its_cell(value: str) -> None:
    (row,) = sheet("id,name", f"A,{value}").rows
    ((column, what, do),) = row.faults
    assert (column, do) == ("name", "write the value itself")
    assert "is a formula" in what


def test_a_row_of_another_length_is_named() -> None:
    short, long, ragged = sheet("id,name", "A", "B,x,y", "C,x,").rows
    assert short.faults[0][1] == "the row has 1 cells, the head has 2"
    assert long.faults[0][1] == "the row has 3 cells, the head has 2"
    assert ragged.faults == (), "an empty cell too many says nothing"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_do_harm(raw: bytes) -> None:
    try:
        table = read_sheet(raw)
    except Malformed:
        return
    for row in table.rows:
        assert set(row.cells) == set(table.columns)


def test_days_begin_and_end_in_the_shops_zone() -> None:
    assert instant.show(start_of_day("2025-03-09", ZONE)) == "2025-03-09T06:00:00Z"
    assert instant.show(start_of_day("2025-03-10", ZONE)) == "2025-03-10T05:00:00Z", "the clock was put forward"
    assert instant_or_start_of_day("2025-03-10", ZONE) == instant_or_end_of_day("2025-03-09", ZONE) + 1
    assert instant_or_start_of_day("2025-03-10T00:00:00Z", ZONE) == instant.parse("2025-03-10T00:00:00Z")
    with pytest.raises(Malformed):
        start_of_day("2025-02-30", ZONE)


# ---- rows ----------------------------------------------------------------------------------------------------------


def desk(world: World, importer: str = "ADMIN", approver: str = "QA") -> Desk:
    return Desk(world.state, world.library, importer, approver, world.now, digest(b"file"), DATES)


def taken(world: World, kind: str, *lines: str, importer: str = "ADMIN", approver: str = "QA") -> Import:
    table = sheet(*lines)
    return read_table(kind, table.columns, table.rows, desk(world, importer, approver))


def acts(found: Import) -> list[str]:
    return [draft.act for draft in found.drafts]


PEOPLE = "id,name,roles,credential,valid_to,evidence"
EQUIPMENT = "id,class,calibrated,due"
MATERIALS = "batch,kind,expiry,approved"
STANDARDS = "standard,edition,valid_to,evidence"


def test_people_are_asked_for_and_somebody_still_has_to_make_a_key() -> None:
    found = taken(
        hub(), "people", PEOPLE, "T-9,Ann,technician,VT,2026-05-31,cert 9", "T-9,Ann,technician,UT,2026-05-31,cert 8"
    )
    assert (found.sound, [row.status for row in found.rows]) == (True, [NEW, NEW])
    assert acts(found) == ["identity.enrol", "credential.grant", "credential.grant"]
    enrol, grant, _ = found.drafts
    assert enrol.asks == ("key",)
    assert "T-9 makes a key on their own device" in enrol.remains
    assert enrol.signers == (("ADMIN", "admin"), ("QA", "qa"), ("T-9", "newcomer"))
    assert grant.remains == "the enrolment of T-9 comes first"
    assert grant.fields["until"] == instant_or_end_of_day("2026-05-31", ZONE)
    assert {draft.fields["from_file"] for draft in found.drafts} == {digest(b"file")}


def test_what_is_there_already_is_said_and_asks_for_nothing() -> None:
    world = hub()
    held = instant.show(world.state.identities["TECH"].credentials["VT"].until)
    found = taken(world, "people", PEOPLE, f"TECH,TECH,technician,VT,{held},cert", "NOVICE,NOVICE,technician,,,")
    assert ([row.status for row in found.rows], found.drafts) == ([SAME, SAME], ())


def test_a_renewed_qualification_is_one_act() -> None:
    found = taken(hub(), "people", PEOPLE, "TECH,TECH,technician,VT,2027-05-31,renewal 3")
    assert acts(found) == ["credential.grant"]
    assert "was" in found.rows[0].says


@pytest.mark.parametrize(
    ("line", "column", "what"),
    [
        ("T 9,Ann,technician,,,", "id", "'T 9' is no id"),
        (",Ann,technician,,,", "id", "the cell is empty"),
        ("T-9,,technician,,,", "name", "the cell is empty"),
        ("T-9,Ann,technician,VT,31.05.2026,c", "valid_to", "'31.05.2026' is no day"),
        ("T-9,Ann,technician,VT,,c", "valid_to", "the cell is empty"),
        ("T-9,Ann,technician,VT,2026-05-31,", "evidence", "the cell is empty"),
        ("TECH,Someone Else,technician,,,", "id", "name is TECH, the row says Someone Else"),
        ("TECH,TECH,qa,,,", "id", "roles is technician, the row says qa"),
    ],
)
def test_a_fault_names_its_column_and_what_to_do(line: str, column: str, what: str) -> None:
    found = taken(hub(), "people", PEOPLE, "NOVICE,NOVICE,technician,,,", line)
    assert (found.sound, found.drafts) == (False, ())
    good, bad = found.rows
    assert (good.status, bad.status, bad.row) == (SAME, FAULTY, 3)
    (fault,) = bad.faults
    assert (fault.column, bool(fault.do)) == (column, True)
    assert what in fault.what


def test_two_rows_of_one_newcomer_say_the_same() -> None:
    found = taken(hub(), "people", PEOPLE, "T-9,Ann,technician,,,", "T-9,Bob,technician,,,")
    assert [row.status for row in found.rows] == [NEW, FAULTY]
    assert "another row says something else of T-9" in found.rows[1].faults[0].what
    twice = taken(hub(), "people", PEOPLE, *["T-9,Ann,technician,VT,2026-05-31,c"] * 2)
    assert "row 2 names T-9 VT too" in twice.rows[1].faults[0].what


def test_what_the_law_would_refuse_is_a_fault_of_the_row() -> None:
    found = taken(hub(), "people", PEOPLE, "ADMIN,ADMIN,admin,VT,2026-05-31,mine")
    assert "nobody grants or revokes their own credentials" in found.rows[0].faults[0].what
    approver = taken(hub(), "people", PEOPLE, "QA,QA,qa,VT,2026-05-31,mine")
    assert "another person approves it" in approver.rows[0].faults[0].what


def test_equipment_is_registered_and_a_new_due_date_is_a_calibration() -> None:
    world = hub()
    found = taken(world, "equipment", EQUIPMENT, "UV-7,radiometer,2025-03-31,2026-03-31", importer="METRO")
    assert acts(found) == ["equipment.register"]
    fields = found.drafts[0].fields
    assert fields["cal_from"] == start_of_day("2025-03-31", ZONE)
    assert fields["cal_until"] == instant_or_end_of_day("2026-03-31", ZONE)
    assert fields["in_service"]
    head = f"{EQUIPMENT},as_found,certificate"
    lines = ("OVEN-1,oven,2025-03-31,2027-03-31,in_tolerance,C-9", "THERM-1,thermometer,2025-03-31,2027-03-31,,")
    changed = taken(world, "equipment", head, *lines, importer="METRO")
    assert [row.status for row in changed.rows] == [CHANGED, FAULTY]
    assert acts(changed) == ["equipment.calibrate"]
    assert changed.rows[1].faults[0].column == "as_found"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("OVEN-1,thermometer,2025-03-31,2026-03-31,yes", "class"),
        ("OVEN-1,oven,2025-03-31,2026-03-31,no", "in_service"),
        ("UV-7,radiometer,2025-03-31,2025-03-30,yes", "due"),
        ("UV-7,radiometer,2025-03-31,2026-03-31,perhaps", "in_service"),
    ],
)
def test_an_instrument_keeps_its_class_and_its_service(line: str, column: str) -> None:
    found = taken(hub(), "equipment", f"{EQUIPMENT},in_service", line, importer="METRO")
    assert [fault.column for fault in found.rows[0].faults] == [column]


def test_materials_are_registered_and_their_shelf_life_is_extended() -> None:
    world = hub()
    found = taken(world, "materials", MATERIALS, "WAX-7,wax,2026-01-31,yes", importer="QA", approver="PM")
    assert acts(found) == ["material.register"]
    longer = f"WAX-1,wax,{instant.show(world.state.materials['WAX-1'].until + 10**12)},yes,maker's letter"
    extended = taken(world, "materials", f"{MATERIALS},evidence", longer, importer="QA", approver="PM")
    assert (acts(extended), extended.rows[0].status) == (["material.extend"], CHANGED)
    kind = taken(world, "materials", MATERIALS, "WAX-1,oil,2030-01-31,yes", importer="QA", approver="PM")
    assert kind.rows[0].faults[0].column == "kind"
    undecided = taken(world, "materials", MATERIALS, "WAX-7,wax,2026-01-31,", importer="QA", approver="PM")
    assert undecided.rows[0].faults[0].column == "approved", "whether a batch is approved is never guessed"


def test_standards_are_adopted_and_take_the_place_of_another_edition() -> None:
    world = hub()
    line = "ASTM E1417,21,2026-12-31,copy 7"
    found = taken(world, "standards", STANDARDS, line, importer="CO")
    assert (acts(found), found.rows[0].status) == (["standard.adopt"], NEW)
    until = instant_or_end_of_day("2026-12-31", ZONE)
    world.fold(ev.StandardAdopted(standard="ASTM E1417", edition="21", until=until))
    assert taken(world, "standards", STANDARDS, line, importer="CO").rows[0].status == SAME
    other = taken(world, "standards", STANDARDS, "ASTM E1417,25,2026-12-31,copy 8", importer="CO")
    assert (other.rows[0].status, acts(other)) == (CHANGED, ["standard.adopt"])
    head = f"{STANDARDS},in_force_from"
    ahead = taken(world, "standards", head, "ASTM E1417,25,2027-12-31,copy 8,2026-06-01", importer="CO")
    assert ahead.rows[0].faults[0].column == "in_force_from"
    over = taken(world, "standards", STANDARDS, "ASTM E1417,25,2020-12-31,copy 8", importer="CO")
    assert "would be over already" in over.rows[0].faults[0].what


@pytest.mark.parametrize(
    ("importer", "approver", "why"),
    [
        ("ADMIN", "ADMIN", "two people"),
        ("NOBODY", "QA", "NOBODY is no person"),
        ("ADMIN", "SYS", "SYS is no person"),
        ("GONE", "QA", "GONE is no person"),
    ],
)
def test_importer_and_approver_are_two_people_in_force(importer: str, approver: str, why: str) -> None:
    world = hub()
    world.state.identities["GONE"] = replace(world.state.identities["PM"], id="GONE", disabled_at=T0)
    with pytest.raises(Malformed, match=why):
        taken(world, "people", PEOPLE, importer=importer, approver=approver)


def test_a_role_that_may_not_is_a_fault_of_each_row() -> None:
    found = taken(hub(), "equipment", EQUIPMENT, "UV-7,radiometer,2025-03-31,2026-03-31", importer="TECH")
    assert found.rows[0].faults[0].do == "let somebody do it who is metrology or admin"
    approver = taken(
        hub(), "equipment", EQUIPMENT, "UV-7,radiometer,2025-03-31,2026-03-31", importer="METRO", approver="TECH"
    )
    assert "TECH may not approve an import" in approver.rows[0].faults[0].what


@pytest.mark.parametrize(
    ("kind", "head", "why"),
    [
        ("robots", PEOPLE, "'robots' cannot be imported; there are people, equipment, materials, standards"),
        ("people", "id,name", "the column 'roles' is missing"),
        ("people", f"{PEOPLE},salary", "the column 'salary' is not known"),
    ],
)
def test_a_table_that_is_no_such_table(kind: str, head: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        taken(hub(), kind, head)


def test_what_was_wrong_as_text_is_not_compared() -> None:
    line = SheetRow(number=4, cells={}, faults=(("name", "'=1' is a formula", "write the value itself"),))
    found = read_table("people", ("id", "name", "roles"), [line], desk(hub()))
    assert [(row.row, row.status, row.faults[0].column) for row in found.rows] == [(4, FAULTY, "name")]


def test_every_draft_is_an_act_that_can_be_signed_and_read() -> None:
    world = hub()
    found = taken(world, "people", PEOPLE, "TECH,TECH,technician,VT,2027-05-31,renewal 3")
    (draft,) = found.drafts
    command = command_of(draft, world.state.site, world.now)
    assert isinstance(command, c.GrantCredential)
    assert [signer.id for signer in command.signers] == ["ADMIN", "QA"]
    assert set(KINDS) == {"people", "equipment", "materials", "standards"}


# ---- signed, on a shop's record ------------------------------------------------------------------------------------

TABLES = {
    "people": (ADMIN, QA, [PEOPLE, "SID-TEC-12,Ann Lee,technician,PT-L2,2026-05-31,cert 9"]),
    "equipment": (METROLOGY, ADMIN, [EQUIPMENT, "RAD-08,radiometer,2025-03-01,2026-02-28"]),
    "materials": (QA, ADMIN, [MATERIALS, "PEN-25001,penetrant,2027-04-30,yes"]),
    "standards": (QA, PLANNER, [STANDARDS, "ASTM E1417/E1417M,21,2027-04-30,copy 7"]),
}


def draft_of(line: dict[str, Any]) -> Draft:
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in line["fields"].items()}
    signers = tuple((who, role) for who, role in line["signers"])
    rest = {name: line[name] for name in ("act", "row", "nonce", "remains")}
    return Draft(fields=fields, signers=signers, asks=tuple(line["asks"]), **rest)


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def founded(tmp_path: Path) -> DemoShop:
    """A shop with people, registers and a contract; closed."""
    shop = DemoShop(tmp_path / "shop")

    async def found() -> None:
        shop.set("2025-03-31T13:00:00")
        await shop.found()
        await shop.enrol()
        await shop.register()
        await shop.propose(certified((files("holdgate.demo") / "fpi.yaml").read_text(encoding="utf-8")))
        shop.close()

    asyncio.run(found())
    return shop


def imported(shop: DemoShop, kind: str, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    importer, approver, lines = TABLES[kind]
    file = folder / f"{kind}.csv"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    options = ("--data", str(shop.directory), "--as", importer, "--approver", approver, "--at", "2025-03-31T19:00:00Z")
    code, out, _ = run("import", kind, str(file), *options, "--json", *more)
    return code, json.loads(out)


@pytest.mark.parametrize("kind", [*TABLES])
def test_signed_by_both_it_takes_effect_and_a_second_import_finds_it_there(
    founded: DemoShop, kind: str, tmp_path: Path
) -> None:
    out = tmp_path / "acts.jsonl"
    code, found = imported(founded, kind, tmp_path, "--out", str(out))
    assert (code, found["sound"], found["written"], found["tz"]) == (0, True, True, ZONE)
    drafts = [draft_of(json.loads(line)) for line in out.read_text().splitlines()]
    asyncio.run(signed(founded, drafts))
    code, again = imported(founded, kind, tmp_path)
    assert (code, [row["status"] for row in again["rows"]], again["drafts"]) == (0, [SAME], [])


async def signed(shop: DemoShop, drafts: list[Draft]) -> None:
    """Everybody signs, in the order of the file; the newcomer makes a key first."""
    from holdgate.adapters.host import HostEntropy
    from holdgate.bootstrap import Shop

    shop._shop = await Shop(shop.directory, shop.clock, HostEntropy()).open()
    hub_site = shop.shop.of_kind("business_hub")
    for draft in drafts:
        filled: dict[str, Any] = {}
        if "key" in draft.asks:
            filled["key"] = shop.desk.add(draft.fields["id"]).public
        command = command_of(draft, hub_site.id, shop.clock.now(), filled)
        alone = replace(command, signers=command.signers[:1], nonce="alone")
        refused = await hub_site.submit(shop.desk.sign(alone))
        assert "SELF_APPROVAL" in refused.decision.codes
        answer = await hub_site.submit(shop.desk.sign(command))
        assert answer.decision.allowed, answer.decision.denials
    await shop.shop.settle()
    shop.close()


def test_a_dry_run_writes_nothing_and_a_faulty_file_neither(founded: DemoShop, tmp_path: Path) -> None:
    before = sorted((path, path.stat().st_size) for path in founded.directory.rglob("ledger.db"))
    code, found = imported(founded, "people", tmp_path)
    assert (code, found["written"]) == (0, False)
    file = tmp_path / "bad.csv"
    file.write_text(f"{PEOPLE}\nSID X,Ann,technician,,,\n", encoding="utf-8")
    out = tmp_path / "acts.jsonl"
    options = ("--data", str(founded.directory), "--as", ADMIN, "--approver", QA, "--at", "2025-03-31T19:00:00Z")
    code, said, err = run("import", "people", str(file), *options, "--out", str(out))
    assert (code, err, out.exists()) == (1, "", False)
    assert "row 2" in said
    assert "column id: 'SID X' is no id" in said
    assert sorted((path, path.stat().st_size) for path in founded.directory.rglob("ledger.db")) == before


def test_on_the_command_line_a_file_is_never_written_over(founded: DemoShop, tmp_path: Path) -> None:
    out = tmp_path / "acts.jsonl"
    out.write_text("mine", encoding="utf-8")
    file = tmp_path / "materials.csv"
    file.write_text(f"{MATERIALS}\nPEN-25001,penetrant,2027-04-30,yes\n", encoding="utf-8")
    options = ("--data", str(founded.directory), "--as", QA, "--approver", ADMIN, "--at", "2025-03-31T19:00:00Z")
    code, _, err = run("import", "materials", str(file), *options, "--out", str(out))
    assert (code, out.read_text(encoding="utf-8")) == (2, "mine")
    assert "is there already" in err
    with open_standing(founded.directory) as standing:
        assert "PEN-25001" not in standing.state.materials

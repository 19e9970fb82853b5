"""What a report says of a played story: ISO/IEC 17025 7.8.2.1 a to p, conformity, amendments; and what is missing, by letter."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import leaf_hash
from holdgate.identity.charter import Charter
from holdgate.law import event as ev
from holdgate.ledger.merkle import root_of
from holdgate.query.record import Said
from holdgate.query.registers import Registers
from holdgate.query.report_content import CONFORMS, FAILS
from holdgate.query.report_facts import Organisation, ReportContent
from holdgate.query.report_letters import LETTERS, missing
from holdgate.terms.errors import Malformed
from tests.papers import LAB, content_of, shop_of
from tests.played import bodies


@pytest.fixture(scope="module")
def amended() -> Path:
    """A tension test whose report the client rejected, and its amendment."""
    return shop_of("117")


@pytest.fixture(scope="module")
def deviating() -> Path:
    """Four parts, inspected under an authorised deviation."""
    return shop_of("129")


@pytest.fixture(scope="module")
def failing() -> Path:
    """A tension test that failed, and is reported."""
    return shop_of("127")


def test_nothing_is_missing_where_everything_is_on_record(amended: Path) -> None:
    assert content_of(amended, "R-1").missing == ()


def test_what_no_register_holds_is_said_to_be_missing(amended: Path) -> None:
    found = content_of(amended, "R-1", {}).missing
    assert [(item.letter, item.what) for item in found] == [
        ("b", "the laboratory's address"),
        ("e", "the customer's address"),
        ("e", "how the customer is reached"),
    ]


def test_a_party_counts_as_it_was_registered_when_the_report_was_issued() -> None:
    registers = Registers()
    registers.charter = cast("Charter", SimpleNamespace(org="LAB"))
    said = cast("Said", SimpleNamespace(entry=SimpleNamespace(at=1)))
    moved = replace(LAB, street="2 Other Street")
    for seq, party in ((5, LAB), (9, moved)):
        registers._take(
            ev.PartyRegistered(party=replace(party, org="EXLAB"), by="SID-FIN-01", own=True), said, seq, b""
        )
    assert registers.parties(4) == {}
    assert registers.parties(8)["LAB"].street == LAB.street
    assert registers.parties(9)["EXLAB"].street == moved.street


def _nobody(item: Organisation) -> Organisation:
    return replace(item, name="", lines=(), contact=())


REMOVED: list[tuple[str, str, Callable[[ReportContent], dict[str, Any]]]] = [
    ("a", "a title", lambda _: {"title": ""}),
    ("b", "the laboratory's name", lambda c: {"lab": _nobody(c.lab)}),
    ("b", "the laboratory's address", lambda c: {"lab": replace(c.lab, lines=())}),
    ("c", "the site where it was done", lambda _: {"site": ""}),
    ("c", "the places within the site", lambda _: {"places": ()}),
    ("d", "the report's number", lambda _: {"report": ""}),
    ("e", "the customer's name", lambda c: {"client": _nobody(c.client)}),
    ("e", "how the customer is reached", lambda c: {"client": replace(c.client, contact=())}),
    ("f", "the method and its version", lambda c: {"method": replace(c.method, version="")}),
    ("f", "the standard that the method follows", lambda c: {"method": replace(c.method, standards=(), editions=())}),
    ("g", "what the items are", lambda _: {"part_no": ""}),
    ("g", "which items they are", lambda _: {"serials": ()}),
    ("h", "the arrival of T1", lambda _: {"received": ()}),
    ("i", "when it was done", lambda _: {"ended_at": 0}),
    ("j", "when it was issued", lambda _: {"issued_at": 0}),
    ("m", "results", lambda _: {"attempts": ()}),
    ("o", "who authorised the report", lambda _: {"authorised": ()}),
]


@pytest.mark.parametrize(("letter", "what", "removed"), REMOVED, ids=[f"{row[0]}: {row[1]}" for row in REMOVED])
def test_a_fact_that_is_removed_is_named_as_missing(amended: Path, letter: str, what: str, removed: Any) -> None:
    content = content_of(amended, "R-1")
    found = [*missing(replace(content, **removed(content)))]
    assert (letter, what) in [(item.letter, item.what) for item in found]


def test_a_reading_without_its_unit_is_missing_one(amended: Path) -> None:
    content = content_of(amended, "R-1")
    first = content.attempts[0]
    bare = replace(first, results=tuple(replace(read, unit="") for read in first.results))
    found = [*missing(replace(content, attempts=(bare, *content.attempts[1:])))]
    assert [item.letter for item in found] == ["m"] * len(first.results)


def test_every_letter_from_a_to_p_is_looked_at() -> None:
    assert "".join(LETTERS) == "abcdefghijklmnop"
    checked = {row[0] for row in REMOVED} | set(
        "klnp"
    )  # these four are sentences on every report: see the papers' tests
    assert checked == set(LETTERS)


def test_limits_are_moved_by_the_uncertainty_where_the_contract_says_so(amended: Path) -> None:
    rules = {rule.characteristic: rule for rule in content_of(amended, "R-1").rules}
    assert (rules["yield"].limits, rules["yield"].accepted, rules["yield"].uncertainty) == ("≥ 1170", "≥ 1178", "8")
    assert (rules["diameter"].limits, rules["diameter"].rule, rules["diameter"].uncertainty) == (
        "12.3 to 12.7",
        "simple acceptance",
        "",
    )


def test_signatures_have_name_role_meaning_time_and_stamp(amended: Path) -> None:
    content = content_of(amended, "R-1")
    assert [(one.name, one.role, one.meaning) for one in content.authorised] == [
        ("S. Iyer", "qa", "reviewed and accepted"),
        ("L. Marsh", "compliance", "compliance accepted"),
    ]
    for one in content.signatures:
        assert one.name
        assert one.at
        name, _, key = one.stamp.partition(" / ")
        assert name.startswith("SID-")
        assert len(key) == 8


def test_a_root_that_anybody_can_compute_is_what_one_checks_it_against(amended: Path) -> None:
    anchor = content_of(amended, "R-1").anchor
    leaves = [leaf_hash(body) for body in bodies(amended, "HUB")[: anchor.size]]
    assert anchor.leaf == leaves[-1].hex()
    assert anchor.root == root_of(leaves).hex()


def test_what_came_after_a_report_changes_nothing_of_it_but_the_mark(amended: Path) -> None:
    whole = content_of(amended, "R-1")
    assert whole.replaced_by == "R-1A"
    assert all(
        int(one.entry.partition(":")[2]) < whole.anchor.size for one in whole.signatures if one.entry.startswith("HUB")
    )
    assert "report.amend" not in [one.act for one in whole.signatures]


def test_an_amended_report_says_what_it_replaces_and_why(amended: Path) -> None:
    content = content_of(amended, "R-1A")
    assert (content.report, content.replaces, content.reason) == ("R-1A", "R-1", "heat number added; results unchanged")
    assert content.changes == ()
    assert content.replaced_by == ""


def test_a_deviation_is_told_with_who_signed_it_and_why(deviating: Path) -> None:
    content = content_of(deviating, "R-1")
    told = next(item for item in content.departures if item.kind == "deviation")
    assert told.id == "DEV-1"
    assert told.by == ("Dr. H. Weber (SID-L3-01)", "Client quality rep (SID-CLI-01)")
    assert "fire drill" in told.reason
    assert content.conforming
    assert [item.says for item in content.verdicts] == [CONFORMS] * 4


def test_a_result_that_fails_is_reported_so(failing: Path) -> None:
    content = content_of(failing, "R-1")
    assert not content.conforming
    assert [(item.serial, item.says) for item in content.verdicts] == [("T1", FAILS)]
    assert any(not read.conforms for item in content.attempts for read in item.results)


def test_a_report_that_nobody_issued_is_none(amended: Path) -> None:
    with pytest.raises(Malformed, match="R-1, R-1A"):
        content_of(amended, "R-7")


def test_an_arrival_names_its_evidence(deviating: Path) -> None:
    (arrival,) = content_of(deviating, "R-1").received
    assert arrival.evidence == "broadcast"
    assert arrival.serials == ("S01", "S02", "S03", "S04")
    assert not content_of(deviating, "R-1").attested

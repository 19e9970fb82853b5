"""Reports as paper: the same bytes, every page numbered, an end mark, and text of strangers that stays text."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
from msgspec.structs import replace

from holdgate.paper.report import CONFORMITY, INSPECTION, KINDS, paper
from holdgate.query.report_facts import Received, ReportContent
from holdgate.terms.errors import Malformed
from tests.papers import content_of, pdf_of, shop_of, text_of


@pytest.fixture(scope="module")
def shop() -> Path:
    """A tension test whose report was amended."""
    return shop_of("117")


@pytest.fixture(scope="module")
def content(shop: Path) -> ReportContent:
    return content_of(shop, "R-1A")


@pytest.mark.parametrize("kind", KINDS)
def test_made_again_from_the_record_it_has_the_same_bytes(shop: Path, content: ReportContent, kind: str) -> None:
    assert pdf_of(content, kind) == pdf_of(content_of(shop, "R-1A"), kind)


def test_every_page_has_the_number_and_the_last_one_the_end_mark(content: ReportContent) -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf_of(content))).pages]
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in text
        assert "R-1A" in text
    assert "End of amended test report R-1A" in pages[-1]
    assert all("End of" not in text for text in pages[:-1])


def test_what_every_report_has_to_say_is_on_it(content: ReportContent) -> None:
    text = text_of(pdf_of(content))
    for said in (
        "Example NDT & Materials Lab, Inc.",
        "1200 Foundry Row, 67202 Wichita KS, US",
        "Rotorworks GmbH",
        "qa@client.example",
        "NODE-MECH",
        "BAR-17-4",
        "2025-04-01 09:01:00 EDT 2025-04-01 13:01:00 UTC",
        "SP-TEN-H900 version 5",
        "relate only to the items tested",
        "Sampling None by the laboratory",
        "None: there was no deviation",
        "CONFORMS",
        "Guard band",
        "not stated",
        "replaces report R-1",
        "heat number added; results unchanged",
        "reviewed and accepted",
        content.anchor.root,
    ):
        assert said in text, said


def test_a_report_that_was_replaced_is_marked_on_every_page(shop: Path) -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf_of(content_of(shop, "R-1")))).pages]
    assert all("SUPERSEDED BY R-1A" in text for text in pages)
    assert "SUPERSEDED. Report R-1A took the place" in pages[0]


def test_what_is_missing_is_said_on_the_page(shop: Path) -> None:
    text = text_of(pdf_of(content_of(shop, "R-1A", {})))
    assert "Not on record (ISO/IEC 17025:2017, 7.8.2.1): b) the laboratory's address" in text
    assert "address not on record" in text


def test_results_of_an_external_provider_are_marked(content: ReportContent) -> None:
    first = content.attempts[0]
    outside = replace(first, results=tuple(replace(read, external="OTHERLAB") for read in first.results))
    text = text_of(pdf_of(replace(content, attempts=(outside, *content.attempts[1:]), externals=("OTHERLAB",))))
    assert "Results of external providers are in this report, marked where they stand: OTHERLAB" in text
    assert "result of an external provider: OTHERLAB" in text


def test_an_arrival_that_people_attested_is_marked(content: ReportContent) -> None:
    by = ("A. Doe (SID-A)", "B. Roe (SID-B)")
    seen = Received(serials=("T1",), at=content.issued_at, evidence="attested", by=by, place="WS-REC", entry="FLOOR:9")
    text = text_of(pdf_of(replace(content, received=(seen,), attested=True)))
    assert "Arrival attested by people." in text
    assert "Attested by people, not read by a reader: A. Doe (SID-A), B. Roe (SID-B)" in text


EVIL = '#import "@preview/x" $x$ *b* = h `r` <l> @ref #panic() \u202e\x00 שלום 中'


def test_names_and_notes_of_strangers_stay_text(content: ReportContent) -> None:
    signed = tuple(replace(one, name=EVIL, meaning=EVIL) for one in content.signatures)
    told = replace(content, title=EVIL, reason=EVIL, signatures=signed, client_people=(EVIL, "W" * 300))
    text = text_of(pdf_of(told))
    assert text.count('#import "@preview/x" $x$ *b* = h `r` <l> @ref #panic() <U+202E><U+0000>') >= 3
    assert "<U+4E2D>" in text


def test_long_ids_stay_on_the_page(content: ReportContent) -> None:
    wide = replace(content, serials=tuple(f"{'SERIAL' * 9}{number:03}" for number in range(30)))
    for page in pypdf.PdfReader(BytesIO(pdf_of(wide))).pages:
        found: list[float] = []
        page.extract_text(
            visitor_text=lambda text, _cm, tm, _font, _size, at=found: at.append(tm[4]) if text.strip() else None
        )
        assert max(found) < page.mediabox.width - 50


def test_forty_readings_go_over_pages_with_their_heads(content: ReportContent) -> None:
    last = content.attempts[-1]
    many = replace(last, results=tuple(replace(last.results[0], serial=f"T{n}") for n in range(40)))
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf_of(replace(content, attempts=(many,))))).pages]
    assert sum("Characteristic" in text and last.name in text for text in pages) >= 2
    assert all(any(f"T{n}" in text for text in pages) for n in range(40))


def test_certificates_say_what_they_are(content: ReportContent) -> None:
    inspection, conformity = text_of(pdf_of(content, INSPECTION)), text_of(pdf_of(content, CONFORMITY))
    assert "Inspection certificate 3.1, EN 10204:2004" in inspection
    assert "comply with the requirements of order PO-1001, on the basis of specific inspection" in inspection
    assert "did none of the work" in inspection
    assert "1215 MPa" in inspection
    assert "every result that counts conforms" in conformity
    assert "End of certificate of conformity R-1A-COC" in conformity


@pytest.mark.parametrize(
    ("kind", "changed", "why"),
    [
        (CONFORMITY, {"conforming": False}, "does not conform"),
        (INSPECTION, {"conforming": False}, "does not conform"),
        (CONFORMITY, {"concessions": ("CON-1",)}, "CON-1"),
        (INSPECTION, {"authorised": ()}, "validated"),
        (INSPECTION, {"replaced_by": "R-2"}, "R-2"),
        ("poem", {}, "no paper of kind"),
    ],
)
def test_no_certificate_is_made_of_what_does_not_bear_one(
    content: ReportContent, kind: str, changed: dict[str, Any], why: str
) -> None:
    with pytest.raises(Malformed, match=why):
        pdf_of(replace(content, **changed), kind)


def test_whoever_did_the_work_validates_no_certificate(content: ReportContent) -> None:
    worker = next(one for one in content.signatures if one.act.startswith("step.sign"))
    with pytest.raises(Malformed, match="none of the work"):
        pdf_of(replace(content, authorised=(replace(worker, act="qa.sign"),)), INSPECTION)


def test_a_template_reads_text_alone(content: ReportContent) -> None:
    def leaves(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]

    told = paper(content, lambda at: f"day {at}")
    counts = (told["conformity"].pop("good"), told["conformity"].pop("of"))
    assert counts == (1, 1)
    assert all(isinstance(leaf, (str, bool)) for leaf in leaves(told))

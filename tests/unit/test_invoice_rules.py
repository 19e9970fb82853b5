"""What an invoice has to hold before a document is made of it: one cent, one wrong rate, one wrong digit, each by its rule."""

import random
from typing import Any

import msgspec
import pytest

from holdgate.cli.open_books import day_in
from holdgate.invoicing.business_terms import terms_of
from holdgate.invoicing.countries import COUNTRIES, EU, own_currency, same_rate, standard_rate
from holdgate.invoicing.invariants import faults_of
from holdgate.invoicing.profiles import CURRENCIES, EN16931, US, profile_of
from holdgate.invoicing.reading import invoice_from
from holdgate.invoicing.sums import CREDIT_NOTE, tax_of
from holdgate.law.money import Bill, Money
from holdgate.pay import books
from holdgate.pay.invoice import Invoice, Line
from holdgate.terms.errors import Malformed
from holdgate.terms.party import Account, Tax
from tests.invoices import (
    AMERICAN,
    BUYER,
    CASCADE,
    CREDITED,
    EUROPEAN,
    FRENCH,
    JAPANESE,
    LINES,
    NONE_DUE,
    SALES_TAX,
    SELLER,
    an_invoice,
    party,
    untaxed,
)


def rules(invoice: Invoice) -> set[str]:
    return {fault.rule for fault in faults_of(invoice)}


@pytest.mark.parametrize("kind", EUROPEAN)
def test_a_right_invoice_holds_every_rule(kind):
    assert faults_of(EUROPEAN[kind]) == ()


def test_a_right_american_invoice_holds_every_rule():
    assert faults_of(SALES_TAX) == ()
    exempt = {"tax": Tax(category="E", reason="Resale certificate A12"), **NONE_DUE}
    assert faults_of(an_invoice(seller=CASCADE, buyer=AMERICAN, currency="USD", **exempt)) == ()
    assert faults_of(untaxed("O", FRENCH, seller=CASCADE, currency="USD")) == ()


# ---- sums ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [1, -1])
def test_one_cent_off_in_the_net_sum_is_refused(off):
    assert "HG-SUM-NET" in rules(an_invoice(net_minor=100_001 + off, gross_minor=119_001 + off))


@pytest.mark.parametrize("off", [1, -1])
def test_one_cent_off_in_the_tax_is_refused(off):
    assert rules(an_invoice(tax_minor=19_000 + off, gross_minor=119_001 + off)) == {"HG-SUM-TAX"}


@pytest.mark.parametrize("off", [1, -1])
def test_one_cent_off_in_the_gross_sum_is_refused(off):
    assert rules(an_invoice(gross_minor=119_001 + off)) == {"HG-SUM-GROSS"}


@pytest.mark.parametrize("off", [1, -1])
def test_one_cent_off_in_a_line_is_refused(off):
    line = msgspec.structs.replace(LINES[0], amount_minor=40_000 + off)
    assert rules(an_invoice(lines=(line, LINES[1]))) == {"HG-SUM-NET"}


def test_the_refusal_says_what_the_sum_is():
    (fault,) = faults_of(an_invoice(tax_minor=19_001, gross_minor=119_002))
    assert fault.sentence == "19 % of 1000.01 EUR are 190.00 EUR, not 190.01 EUR"


@pytest.mark.parametrize(
    ("net", "rate", "tax"),
    [
        (10, "5", 1),
        (9, "5", 0),
        (30, "5", 2),
        (100_001, "19", 19_000),
        (1, "50", 1),
        (200, "25.5", 51),
        (1, "0", 0),
        (3, "8.875", 0),
    ],
)
def test_tax_is_rounded_half_a_unit_up(net, rate, tax):
    assert tax_of(net, rate) == tax


@pytest.mark.parametrize("rate", ["", "19%", "-1", "1e2", "19,0", "0.00001", "NaN", "١٩"])
def test_what_is_no_rate_taxes_nothing(rate):
    assert tax_of(100, rate) is None
    assert "HG-RATE" in rules(an_invoice(tax=Tax(category="S", rate=rate)))


def test_no_sum_of_a_random_invoice_may_move_by_one():
    chance = random.Random(6)
    for _ in range(200):
        lines = tuple(
            Line(id=str(at), text="x", amount_minor=chance.randint(1, 10**9)) for at in range(chance.randint(1, 9))
        )
        net = sum(line.amount_minor for line in lines)
        tax = (net * 19 * 2 + 100) // 200
        right: dict[str, Any] = {"lines": lines, "net_minor": net, "tax_minor": tax, "gross_minor": net + tax}
        assert faults_of(an_invoice(**right)) == ()
        name = chance.choice(["net_minor", "tax_minor", "gross_minor"])
        assert faults_of(an_invoice(**{**right, name: right[name] + chance.choice([1, -1])}))


def test_a_credit_note_may_take_back_the_cent_that_the_invoice_was_rounded_by():
    rest = {"lines": (Line(id="1", text="x", amount_minor=3),), "net_minor": 3}
    note = msgspec.structs.replace(CREDITED, **rest, tax_minor=0, gross_minor=3)
    assert tax_of(3, "19") == 1
    assert faults_of(note) == ()
    assert rules(msgspec.structs.replace(note, tax_minor=3, gross_minor=6)) == {"HG-SUM-TAX"}
    invoice = an_invoice(**rest, tax_minor=0, gross_minor=3)
    assert rules(invoice) == {"HG-SUM-TAX"}


def test_a_credit_note_on_which_nothing_was_charged_takes_no_tax_back():
    note = untaxed(
        "AE", FRENCH, kind=CREDIT_NOTE, corrects="F-1", corrected_on="2026-02-02", tax_minor=1, gross_minor=100_002
    )
    assert rules(note) == {"HG-SUM-TAX"}


@pytest.mark.parametrize("amount", [0, -1, 2**53])
def test_an_amount_that_is_none_is_refused(amount):
    line = Line(id="1", text="x", amount_minor=amount)
    assert "HG-AMOUNT" in rules(an_invoice(lines=(line,), net_minor=amount))


def test_an_invoice_without_lines_or_with_one_id_twice_is_refused():
    assert "HG-LINES" in rules(an_invoice(lines=()))
    assert rules(an_invoice(lines=(LINES[0], msgspec.structs.replace(LINES[1], id="1")))) == {"HG-LINES"}
    assert rules(an_invoice(lines=(LINES[0], msgspec.structs.replace(LINES[1], text="")))) == {"HG-LINES"}


# ---- countries, tax ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["XX", "", "de", "DEU", "EL", "UK"])
def test_a_country_that_is_none_is_refused_by_name(country):
    for invoice in (
        an_invoice(buyer=party(BUYER, country=country, vat_id="")),
        an_invoice(seller=party(SELLER, country=country, vat_id="")),
    ):
        fault = faults_of(invoice)[0]
        assert fault.rule == "HG-COUNTRY"
        assert repr(country) in fault.sentence


def test_a_seller_in_a_country_without_a_profile_is_refused_by_name():
    fault = faults_of(an_invoice(seller=party(SELLER, country="GB", vat_id="")))[0]
    assert (fault.rule, "a seller in GB" in fault.sentence) == ("HG-COUNTRY", True)


def test_a_profile_goes_with_the_sellers_country():
    assert profile_of("DE", "US") is EN16931
    assert profile_of("US", "DE") is US
    assert len(EU) == 27
    assert len(COUNTRIES) == 249
    assert EU < COUNTRIES


def test_a_wrong_vat_rate_is_refused_and_the_right_one_named():
    fault = faults_of(an_invoice(tax=Tax(category="S", rate="7"), tax_minor=7_000, gross_minor=107_001))[0]
    assert fault.rule == "HG-RATE"
    assert "the standard rate in DE on 2026-03-03 is 19 %, not 7 %" in fault.sentence


def test_the_standard_rate_is_the_one_of_the_day_of_supply():
    assert [standard_rate("SK", day) for day in ("2023-12-31", "2024-12-31", "2025-01-01")] == [None, "20", "23"]
    assert standard_rate("FI", "2026-01-01") == "25.5"
    assert same_rate("19", "19.00")
    assert not same_rate("19", "19.0.0")
    assert [own_currency("BG", day) for day in ("2025-12-31", "2026-01-01")] == ["BGN", "EUR"]
    long_ago = {"issued_on": "2023-03-04", "due_on": "2023-04-03", "delivered_on": "2023-03-03"}
    assert rules(an_invoice(**long_ago)) == {"HG-RATE"}


@pytest.mark.parametrize(
    ("tax", "buyer"),
    [
        (Tax(category="S", rate="0"), BUYER),
        (Tax(category="AE", rate="19", reason="r"), FRENCH),
        (Tax(category="S", rate="101"), BUYER),
    ],
)
def test_a_rate_that_does_not_go_with_its_category_is_refused(tax, buyer):
    assert "HG-RATE" in rules(an_invoice(tax=tax, buyer=buyer))


@pytest.mark.parametrize("category", ["", "L", "M", "B", "X", "s"])
def test_a_category_that_is_not_known_is_refused(category):
    assert rules(an_invoice(tax=Tax(category=category), **NONE_DUE)) == {"HG-TAX"}


@pytest.mark.parametrize(
    ("category", "buyer"),
    [
        ("AE", BUYER),
        ("AE", AMERICAN),
        ("K", BUYER),
        ("K", JAPANESE),
        ("G", FRENCH),
        ("G", BUYER),
        ("O", FRENCH),
        ("O", BUYER),
        ("E", AMERICAN),
    ],
)
def test_a_category_for_another_country_is_refused(category, buyer):
    assert "HG-TAX" in rules(untaxed(category, buyer))


def test_zero_rate_is_for_buyers_at_home():
    assert rules(an_invoice(buyer=FRENCH, tax=Tax(category="Z"), **NONE_DUE)) == {"HG-TAX"}


def test_a_buyer_abroad_with_a_vat_id_is_not_charged_the_sellers_tax():
    assert rules(an_invoice(buyer=FRENCH)) == {"HG-TAX"}
    assert faults_of(an_invoice(buyer=party(FRENCH, vat_id=""))) == ()
    assert rules(an_invoice(buyer=AMERICAN)) == {"HG-TAX"}


@pytest.mark.parametrize("category", ["AE", "K"])
def test_reverse_charge_needs_both_vat_ids_and_a_reason(category):
    assert rules(untaxed(category, party(FRENCH, vat_id=""))) == {"HG-VAT-ID"}
    assert rules(untaxed(category, FRENCH, seller=party(SELLER, vat_id=""))) == {"HG-VAT-ID"}
    assert rules(untaxed(category, FRENCH, tax=Tax(category=category))) == {"HG-REASON"}


def test_a_reason_where_there_is_none_is_refused():
    assert rules(an_invoice(tax=Tax(category="S", rate="19", reason="x"))) == {"HG-REASON"}
    assert rules(an_invoice(tax=Tax(category="Z", reason="x"), **NONE_DUE)) == {"HG-REASON"}


def test_a_seller_without_any_tax_number_is_refused():
    assert rules(an_invoice(seller=party(SELLER, vat_id="", tax_id=""))) == {"HG-VAT-ID"}
    assert rules(untaxed("O", AMERICAN, seller=party(SELLER, register_id="", tax_id=""))) == {"HG-TAX-ID"}


@pytest.mark.parametrize(
    ("vat_id", "of"),
    [
        ("DE136695977", SELLER),  # a digit
        ("DE13669597", SELLER),  # too short
        ("136695976", SELLER),  # without its country
        ("FR40303265045", SELLER),  # another country's
        ("DE136 695 976", SELLER),
        ("FR41303265045", FRENCH),
    ],
)
def test_a_wrong_vat_id_is_refused(vat_id, of):
    wrong = party(of, vat_id=vat_id)
    assert "HG-VAT-ID" in rules(an_invoice(seller=wrong) if of is SELLER else untaxed("AE", wrong))


def test_vat_ids_outside_of_the_union_are_checked_where_their_digits_are_known():
    swiss = party(JAPANESE, country="CH", vat_id="CHE107787577IVA")
    assert faults_of(untaxed("O", swiss)) == ()
    assert rules(untaxed("O", party(swiss, vat_id="CHE107787578IVA"))) == {"HG-VAT-ID"}
    assert rules(untaxed("O", party(AMERICAN, vat_id="US123"))) == {"HG-VAT-ID"}


def test_a_greek_vat_id_begins_with_el():
    greek = party(FRENCH, country="GR", vat_id="EL094259216")
    assert faults_of(untaxed("AE", greek)) == ()
    assert rules(untaxed("AE", party(greek, vat_id="GR094259216"))) == {"HG-VAT-ID"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"seller": party(CASCADE, tax_id="")}, "HG-TAX-ID"),
        ({"seller": party(CASCADE, tax_id="00-1234567")}, "HG-TAX-ID"),
        ({"buyer": party(AMERICAN, tax_id="9")}, "HG-TAX-ID"),
        ({"buyer": party(AMERICAN, region="XX")}, "HG-PARTY"),
        ({"buyer": JAPANESE}, "HG-TAX"),
        ({"currency": "EUR"}, "HG-CURRENCY"),
        ({"tax": Tax(category="S", rate="16")}, "HG-RATE"),
        ({"tax": Tax(category="G", reason="r"), **NONE_DUE}, "HG-TAX"),
        ({"tax": Tax(category="AE", reason="r"), **NONE_DUE}, "HG-TAX"),
        ({"seller": party(CASCADE, account=Account(routing="125000025", number="123456789"))}, "HG-ACCOUNT"),
        ({"seller": party(CASCADE, account=Account(routing="125000024", number="12x"))}, "HG-ACCOUNT"),
        ({"seller": party(CASCADE, account=None)}, "HG-ACCOUNT"),
    ],
)
def test_what_is_wrong_with_an_american_invoice_is_refused(changes, rule):
    assert rule in rules(msgspec.structs.replace(SALES_TAX, **changes))


@pytest.mark.parametrize("currency", ["XXX", "", "eur", "BHD", "BTC"])
def test_a_currency_that_is_not_known_is_refused(currency):
    assert rules(an_invoice(currency=currency)) == {"HG-CURRENCY"}


def test_tax_in_another_currency_than_the_sellers_is_refused():
    assert "BHD" not in CURRENCIES  # three decimals, of which EN 16931 shows two
    fault = faults_of(an_invoice(currency="USD"))[0]
    assert (fault.rule, "invoice in EUR" in fault.sentence) == ("HG-CURRENCY", True)
    assert faults_of(untaxed("AE", FRENCH, currency="USD")) == ()


def test_a_credit_note_takes_back_the_rate_of_the_invoice_that_it_corrects():
    slovak = party(SELLER, country="SK", vat_id="SK2020317068")
    old: dict[str, Any] = {
        "tax": Tax(category="S", rate="20"),
        "tax_minor": 20_000,
        "gross_minor": 120_001,
        "seller": slovak,
    }
    old |= {"buyer": party(BUYER, country="SK", vat_id="")}
    note = msgspec.structs.replace(CREDITED, corrected_on="2024-12-30", **old)
    assert faults_of(note) == ()
    assert rules(msgspec.structs.replace(note, corrected_on="2025-01-02")) == {"HG-RATE"}


def test_what_the_books_make_of_their_invoices_holds_every_rule():
    tax = Tax(category="S", rate="19")
    common: dict[str, Any] = {
        "order": "PO-77",
        "client": "ACME",
        "currency": "EUR",
        "ref": 7,
        "contract": "fpi-order 1.2",
        "tax": tax,
    }
    common |= {"seller": "LAB/1", "buyer": "ACME/1"}
    bill = Bill(number="I-000001", item="final", net_minor=4, tax_minor=1, at=1_772_600_000_000_000, **common)
    note = Bill(
        number="C-000001",
        item="final",
        net_minor=3,
        tax_minor=0,
        at=1_772_700_000_000_000,
        corrects="I-000001",
        **common,
    )
    money = Money(bills={"I-000001": bill, "C-000001": note}, parties={"LAB/1": SELLER, "ACME/1": BUYER})
    for number in money.bills:
        invoice = books.invoice_of(books.Books(money=money, site="HUB"), number, day_in("Europe/Berlin"))
        assert faults_of(invoice) == (), number


# ---- fields --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "iban",
    ["DE89370400440532013001", "DE8937040044053201300", "XX89370400440532013000", "", "DE89 3704 0044 0532 0130 00"],
)
def test_a_bad_iban_is_refused(iban):
    assert rules(an_invoice(seller=party(SELLER, account=Account(iban=iban)))) == {"HG-ACCOUNT"}


def test_a_bad_bic_is_refused_and_none_is_needed():
    iban = "DE89370400440532013000"
    assert rules(an_invoice(seller=party(SELLER, account=Account(iban=iban, bic="COBADE")))) == {"HG-ACCOUNT"}
    assert faults_of(an_invoice(seller=party(SELLER, account=Account(iban=iban)))) == ()
    assert rules(an_invoice(seller=party(SELLER, account=None))) == {"HG-ACCOUNT"}
    assert faults_of(msgspec.structs.replace(CREDITED, seller=party(SELLER, account=None))) == ()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"number": ""}, "HG-NUMBER"),
        ({"number": "../../etc/passwd"}, "HG-NUMBER"),
        ({"number": "F" * 36}, "HG-NUMBER"),
        ({"number": "F 1"}, "HG-NUMBER"),
        ({"kind": "receipt"}, "HG-KIND"),
        ({"corrects": "F-1"}, "HG-CORRECTS"),
        ({"kind": CREDIT_NOTE}, "HG-CORRECTS"),
        ({"kind": CREDIT_NOTE, "corrects": "F-1"}, "HG-CORRECTS"),
        ({"kind": CREDIT_NOTE, "corrects": "F-2026-0001", "corrected_on": "2026-01-01"}, "HG-CORRECTS"),
        ({"kind": CREDIT_NOTE, "corrects": "F-1", "corrected_on": "2026-03-05"}, "HG-DATE"),
        ({"issued_on": "2026-02-30"}, "HG-DATE"),
        ({"issued_on": "04.03.2026"}, "HG-DATE"),
        ({"issued_on": "20260304"}, "HG-DATE"),
        ({"due_on": ""}, "HG-DATE"),
        ({"due_on": "2026-03-03"}, "HG-DATE"),
        ({"delivered_on": "2026-03-05"}, "HG-DATE"),
        ({"order": ""}, "HG-FIELD"),
        ({"contract": ""}, "HG-FIELD"),
        ({"entry": ""}, "HG-FIELD"),
        ({"reports": ("",)}, "HG-FIELD"),
        ({"buyer": party(BUYER, name="")}, "HG-PARTY"),
        ({"buyer": party(BUYER, street="")}, "HG-PARTY"),
        ({"buyer": party(BUYER, city="")}, "HG-PARTY"),
        ({"buyer": party(BUYER, postal_code="")}, "HG-PARTY"),
        ({"buyer": party(BUYER, endpoint="x@y.example")}, "HG-PARTY"),
        ({"buyer": party(BUYER, name="x" * 201)}, "HG-TEXT"),
        ({"buyer": party(BUYER, name=" Flugwerk")}, "HG-TEXT"),
        ({"buyer": party(BUYER, name="Flug\u202ewerk")}, "HG-TEXT"),
        ({"buyer": party(BUYER, name="Flug\u200bwerk")}, "HG-TEXT"),
        ({"buyer": party(BUYER, name="Flug\nwerk")}, "HG-TEXT"),
        ({"buyer": party(BUYER, name="Flug\x00werk")}, "HG-TEXT"),
        ({"lines": (LINES[0], Line(id="2", text="x\x1b[2J", amount_minor=60_001))}, "HG-TEXT"),
        ({"note": "#AAI#text"}, "HG-TEXT"),
        ({"note": "x\ty"}, "HG-TEXT"),
    ],
)
def test_what_is_wrong_with_a_field_is_refused(changes, rule):
    assert rule in rules(an_invoice(**changes))


def test_a_place_without_postal_codes_needs_none():
    assert faults_of(untaxed("O", party(JAPANESE, country="HK", postal_code=""))) == ()


def test_every_refusal_says_what_it_is_about():
    broken = an_invoice(number="", kind="x", currency="?", order="", seller=party(SELLER, vat_id="DE1", account=None))
    for fault in faults_of(broken):
        assert fault.rule.startswith("HG-")
        assert len(fault.sentence) > 20
        assert str(fault) == f"{fault.rule}: {fault.sentence}"


# ---- business terms, reading ---------------------------------------------------------------------------------------


def test_order_line_and_reports_are_on_the_invoice():
    terms = terms_of(an_invoice())
    assert terms["BT-13"] == "PO-77"
    assert {line["BT-132"] for line in terms["BG-25"]} == {"10"}
    assert [report["BT-122"] for report in terms["BG-24"]] == ["R-2026-0001", "R-2026-0002"]
    assert terms["BT-12"] == "fpi-order 1.2"


def test_a_credit_note_asks_for_no_payment_and_names_what_it_corrects():
    terms = terms_of(CREDITED)
    assert (terms["BT-3"], terms["BG-3"]) == ("381", [{"BT-25": "F-2026-0001", "BT-26": "2026-02-02"}])
    assert not {"BT-81", "BT-84", "BT-9"} & set(terms)


def test_no_vat_id_is_stated_where_nothing_is_subject_to_tax():
    terms = terms_of(EUROPEAN["service abroad"])
    assert "vat_identifier" not in terms["BG-4"]
    assert "BT-119" not in terms["BG-23"][0]


def test_an_invoice_is_read_from_json_as_it_was_written():
    for invoice in (*EUROPEAN.values(), SALES_TAX):
        assert invoice_from(msgspec.json.encode(invoice)) == invoice


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"number":"1"}',
        msgspec.json.encode(an_invoice())[:-1] + b',"discount":1}',
        msgspec.json.encode(an_invoice())[:-1] + b',"number":"2"}',
        msgspec.json.encode(an_invoice()).replace(b"100001", b"1000.01"),
        msgspec.json.encode(an_invoice()).replace(b"100001", b'"100001"'),
        msgspec.json.encode(an_invoice()).replace(b'"amount_minor"', b'"vat":1,"amount_minor"', 1),
        msgspec.json.encode(an_invoice()).replace(b'"city"', b'"county":"x","city"', 1),
        b"[" * 100_000,
        b" " * 1_048_577,
    ],
)
def test_what_is_no_invoice_is_not_read(raw):
    with pytest.raises(Malformed):
        invoice_from(raw)

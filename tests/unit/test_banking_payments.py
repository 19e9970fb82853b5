"""Files that pay: what is written, that it is what was ordered, and what is refused before anything leaves."""

import re
from collections.abc import Callable

import pytest

pytest.importorskip("sepaxml", reason="the extra `banking` is not installed")

from msgspec.structs import replace

from holdgate.banking import nacha, pain001
from holdgate.banking.ach_file import read_file
from holdgate.banking.latin import ACH, SEPA, latin
from holdgate.pay.payment import PaymentOrder
from holdgate.terms.errors import Malformed
from holdgate.terms.party import Account
from tests.bank_files import ORDERED_AT, SHOP, ach, sepa, with_payment

Write = Callable[[PaymentOrder], bytes]
BOTH = pytest.mark.parametrize(
    ("order", "write"), [(sepa(), pain001.write), (ach(), nacha.write)], ids=["pain.001", "nacha"]
)


def test_a_sepa_order_reads_back_as_it_was_ordered() -> None:
    said = pain001.read_back(pain001.write(sepa()))
    assert (said.message, said.batch) == ("HG-" + "ab12" * 8, "HG-" + "ab12" * 7 + "ab-1")
    assert (said.created, said.pay_on) == ("2026-04-01T12:00:00Z", "2026-04-02")
    assert (said.debtor, said.iban, said.bic) == ("Pruf + Rontgen GmbH", "DE89370400440532013000", "COBADEFFXXX")
    assert (said.counts, said.sums_minor) == ((2, 2), (12_057, 12_057))
    one, two = said.transfers
    assert (one.id, one.name, one.iban, one.bic) == ("PO-1/bonus/1", "Jose Nandu", "NL91ABNA0417164300", "ABNANL2A")
    assert (one.amount_minor, one.currency, one.text) == (12_050, "EUR", "Bonus FPI, order PO-1")
    assert (two.name, two.bic, two.amount_minor, two.text) == ("A. Weiss", "", 7, "Bonus 'FPI', order PO-1")


def test_an_ach_order_reads_back_as_it_was_ordered() -> None:
    order = ach()
    said = read_file(nacha.write(order, "CCD"))
    (batch,) = said.batches
    assert (said.destination, said.origin, said.created) == ("111000025", "1123456789", "2604011200")
    assert (batch.service, batch.entry_class, batch.effective, batch.odfi) == ("220", "CCD", "260402", "11100002")
    assert [(e.code, e.routing, e.account, e.amount_minor) for e in batch.entries] == [
        ("22", "121042882", "123456789", 12_050),
        ("22", "231380104", "744-5678-99", 7),
    ]
    assert [e.trace for e in batch.entries] == [*nacha.traces(order)]
    assert batch.entries[0].ident == "PO-1/bonus/1"
    assert re.fullmatch("[0-9A-F]{15}", batch.entries[1].ident), "an id of over 15 characters is carried by its digest"
    assert [e.addenda[0].payment_text for e in batch.entries] == ["Bonus FPI, order PO-1", "Bonus 'FPI', order PO-1"]


def test_an_ach_file_is_of_94_characters_in_blocks_of_ten() -> None:
    raw = nacha.write(ach())
    lines = raw.decode().splitlines()
    assert {len(line) for line in lines} == {94}
    assert len(lines) % 10 == 0
    assert lines[-1] == "9" * 94


@BOTH
def test_the_same_order_gives_the_same_bytes(order: PaymentOrder, write: Write) -> None:
    assert write(order) == write(order)
    assert write(order) != write(replace(order, digest="cd34" * 16))


# ---- refused before anything leaves -----------------------------------------------------------------------------------


def test_a_wrong_control_sum_is_refused_before_anything_leaves() -> None:
    raw = pain001.write(sepa())
    for wrong in (
        raw.replace(b"<CtrlSum>120.57<", b"<CtrlSum>120.58<"),
        raw.replace(b"<CtrlSum>120.57<", b"<CtrlSum>120.58<", 1),
        raw.replace(b"<NbOfTxs>2<", b"<NbOfTxs>3<"),
    ):
        assert wrong != raw
        with pytest.raises(Malformed, match=r"CtrlSum|NbOfTxs"):
            pain001.check(wrong, sepa())


@pytest.mark.parametrize("column", [(8, 5), (8, 15), (8, 40), (9, 3), (9, 10), (9, 18), (9, 28), (9, 50)])
def test_a_wrong_count_hash_or_total_of_an_ach_file_is_refused_before_anything_leaves(column: tuple[int, int]) -> None:
    lines = nacha.write(ach()).decode().splitlines()
    at = next(i for i, line in enumerate(lines) if line[0] == str(column[0]))
    line = lines[at]
    lines[at] = line[: column[1]] + str((int(line[column[1]]) + 1) % 10) + line[column[1] + 1 :]
    with pytest.raises(Malformed, match=f"line {at + 1}: the (batch|file) control"):
        nacha.check("\n".join(lines).encode(), ach())


@pytest.mark.parametrize(
    ("iban", "why"),
    [
        ("DE89370400440532013001", "does not hold"),
        ("DE8937040044053201300", "does not hold"),
        ("XX89370400440532013000", "does not hold"),
        ("de89370400440532013000", "capitals and digits without blanks"),
        ("DE89 3704 0044 0532 0130 00", "capitals and digits without blanks"),
        ("SA0380000000608010167519", "not in SEPA"),
        ("", "has no IBAN"),
    ],
)
def test_a_bad_iban_is_refused_before_anything_leaves(iban: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        pain001.write(with_payment(sepa(), account=Account(iban=iban)))
    with pytest.raises(Malformed, match=why):
        pain001.write(sepa(debtor=replace(SHOP, account=Account(iban=iban))))


def test_a_bad_bic_is_refused_before_anything_leaves() -> None:
    with pytest.raises(Malformed, match="BIC of payment PO-1/bonus/1"):
        pain001.write(with_payment(sepa(), account=Account(iban="NL91ABNA0417164300", bic="ABNANL2")))


@pytest.mark.parametrize("routing", ["121042883", "12104288", "1210428820", "12104288A", "000000000", "", "١٢١٠٤٢٨٨٢"])
def test_a_bad_routing_number_is_refused_before_anything_leaves(routing: str) -> None:
    with pytest.raises(Malformed, match="routing"):
        nacha.write(with_payment(ach(), account=Account(routing=routing, number="1")))
    with pytest.raises(Malformed, match="routing"):
        nacha.write(ach(debtor=replace(SHOP, account=Account(routing=routing, number="1"))))


@BOTH
@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_of_nothing_is_refused_before_anything_leaves(order: PaymentOrder, write: Write, amount: int) -> None:
    with pytest.raises(Malformed, match="an amount is above 0"):
        write(with_payment(order, amount_minor=amount))


def test_an_amount_that_is_off_by_one_cent_is_refused_before_anything_leaves() -> None:
    raw = pain001.write(sepa())
    one, both = b">120.50<", b"<CtrlSum>120.57<"
    with pytest.raises(Malformed, match="do not come to its NbOfTxs and CtrlSum"):
        pain001.check(raw.replace(one, b">120.51<"), sepa())
    with pytest.raises(Malformed, match="payment PO-1/bonus/1 reads back as"):  # a file that is right in itself
        pain001.check(raw.replace(one, b">120.51<").replace(both, b"<CtrlSum>120.58<"), sepa())
    with pytest.raises(Malformed, match="payment PO-1/bonus/1 stands as"):
        nacha.check(nacha.write(with_payment(ach(), amount_minor=12_051)), ach())


def test_an_amount_over_the_most_of_one_transfer_is_refused_before_anything_leaves() -> None:
    with pytest.raises(Malformed, match=r"999,999,999\.99 EUR"):
        pain001.write(with_payment(sepa(), amount_minor=10**11))
    with pytest.raises(Malformed, match=r"99,999,999\.99 USD"):
        nacha.write(with_payment(ach(), amount_minor=10**10))


@BOTH
def test_a_duplicate_end_to_end_id_is_refused_before_anything_leaves(order: PaymentOrder, write: Write) -> None:
    with pytest.raises(Malformed, match="stands 2 times"):
        write(with_payment(order, id=order.payments[1].id))


@BOTH
@pytest.mark.parametrize("id_", ["", "x" * 36, "/a", "a/", "a//b", "ä", "a\n", " a", "a  b", "a&b"])
def test_an_id_that_a_bank_may_change_is_refused_before_anything_leaves(
    order: PaymentOrder, write: Write, id_: str
) -> None:
    with pytest.raises(Malformed, match="is no end-to-end id"):
        write(with_payment(order, id=id_))


@BOTH
@pytest.mark.parametrize(
    "day", ["2026-02-29", "2026-4-2", "", "20260402", "2026-03-30", "2062-04-02", "2026-04-02Z", "２026-04-02"]
)
def test_a_day_that_cannot_be_meant_is_refused_before_anything_leaves(
    order: PaymentOrder, write: Write, day: str
) -> None:
    with pytest.raises(Malformed, match="pay_on"):
        write(replace(order, pay_on=day))


@BOTH
def test_a_name_of_another_script_is_refused_with_what_to_do(order: PaymentOrder, write: Write) -> None:
    with pytest.raises(Malformed, match="register it in Latin letters"):
        write(with_payment(order, name="Мария"))
    with pytest.raises(Malformed, match="is empty"):
        write(with_payment(order, name=" "))


@BOTH
def test_another_currency_an_empty_order_and_a_strange_digest_are_refused(order: PaymentOrder, write: Write) -> None:
    for changed, why in (
        (replace(order, currency="CHF"), "in 'CHF'"),
        (replace(order, payments=()), "it holds 0 payments"),
        (replace(order, digest="AB" * 32), "digest"),
        (replace(order, ordered_at=-1), "no time"),
        (replace(order, ordered_at=10**30), "no time"),
        (replace(order, debtor=replace(SHOP, account=None)), "the debtor has no"),
    ):
        with pytest.raises(Malformed, match=why):
            write(changed)


def test_every_fault_of_an_order_is_named_at_once() -> None:
    wrong = with_payment(sepa(currency="USD"), amount_minor=0, account=Account(iban="DE00"))
    with pytest.raises(Malformed, match=r"above 0.*in EUR.*IBAN"):
        pain001.write(wrong)


def test_a_company_without_ein_pays_by_the_id_that_its_bank_assigned() -> None:
    order = ach(debtor=replace(ach().debtor, tax_id=""))
    with pytest.raises(Malformed, match="no EIN"):
        nacha.write(order)
    agreed = nacha.Agreement(
        company_id="9876543210", origin="0123456789", destination="021000021", destination_name="Some Bank"
    )
    said = read_file(nacha.write(order, agreement=agreed))
    assert (said.destination, said.origin, said.batches[0].company_id) == ("021000021", "0123456789", "9876543210")
    with pytest.raises(Malformed, match="no routing number"):
        nacha.write(order, agreement=replace(agreed, destination="021000022"))


def test_the_file_of_another_order_is_not_this_ones() -> None:
    other = replace(sepa(), digest="cd34" * 16)
    with pytest.raises(Malformed, match="the message id"):
        pain001.check(pain001.write(other), sepa())
    with pytest.raises(Malformed, match="header"):
        nacha.check(nacha.write(replace(ach(), digest="cd34" * 16)), ach())


def test_a_payment_that_was_added_to_a_written_file_is_found() -> None:
    raw = pain001.write(sepa())
    extra = re.search(rb"<CdtTrfTxInf>.*?</CdtTrfTxInf>", raw, re.DOTALL)
    assert extra is not None
    with pytest.raises(Malformed, match="do not come to its NbOfTxs"):
        pain001.check(raw.replace(extra[0], extra[0] * 2), sepa())
    with pytest.raises(Malformed, match="NbOfTxs is"):
        pain001.check(pain001.write(sepa()), sepa(payments=sepa().payments[:1]))
    with pytest.raises(Malformed, match="it pays 2 times"):
        nacha.check(nacha.write(ach()), ach(payments=ach().payments[:1]))


def test_a_file_against_the_schema_is_refused() -> None:
    with pytest.raises(Malformed, match=r"against the schema of pain.001.001.09"):
        pain001.check(pain001.write(sepa()).replace(b"<PmtMtd>TRF<", b"<PmtMtd>XXX<"), sepa())


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Müller & Søn", "Muller + Son"),
        ("  Łódź\tTesting ", "Lodz Testing"),
        ("Straße „Æ“ – №1", "Strasse 'AE' - No1"),
        ("a_b@c;d", "a-b(at)c,d"),
        ("plain (text), 1:2?", "plain (text), 1:2?"),
        ("ﬁt", "fit"),
    ],
)
def test_names_are_written_in_a_banks_characters(said: str, written: str) -> None:
    assert latin(said, SEPA, "the name") == written
    assert latin(written, SEPA, "the name") == written, "what is plain stays as it is"


def test_an_ach_file_keeps_what_ascii_has() -> None:
    assert latin("Smith & Sons; #1", ACH, "the name") == "Smith & Sons; #1"


def test_the_time_of_the_order_is_that_of_the_entry() -> None:
    assert pain001.read_back(pain001.write(sepa(ordered_at=ORDERED_AT + 999_999))).created == "2026-04-01T12:00:00Z"

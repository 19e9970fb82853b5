"""Files to and from banks: what is written is read back as the same payments; no bytes raise anything but Malformed."""

import contextlib

import pytest

pytest.importorskip("sepaxml", reason="the extra `banking` is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.banking import nacha, pain001
from holdgate.banking.ach_file import read_file, routing_holds
from holdgate.banking.latin import SEPA, latin
from holdgate.banking.outcome import of_statement, settle
from holdgate.banking.reading import read
from holdgate.banking.results import Results, Statement
from holdgate.pay.payment import Payment
from holdgate.terms.errors import Malformed
from holdgate.terms.money import show
from holdgate.terms.party import Account
from tests.bank_files import ach, details, entry, report, returns, sepa, statement, transaction

IBANS = st.sampled_from(
    ["DE89370400440532013000", "NL91ABNA0417164300", "FR1420041010050500013M02606", "GB29NWBK60161331926819"]
)
ROUTINGS = st.integers(1, 99_999_999).map(
    lambda n: next(f"{n:08d}{digit}" for digit in range(10) if routing_holds(f"{n:08d}{digit}"))
)
NUMBERS = st.text("0123456789-", min_size=1, max_size=17)
WORDS = st.text("abcXYZ 09äßÉ&/-.,'\"", max_size=150).map("A{}".format)
IDS = st.text("ABCxyz019-.:", min_size=1, max_size=33).map("P/{}".format)
ROWS = st.tuples(IDS, WORDS, WORDS, IBANS, ROUTINGS, NUMBERS, st.integers(1, 10**9))
PAYMENTS = st.lists(ROWS, min_size=1, max_size=3, unique_by=lambda row: row[0]).map(
    lambda rows: tuple(
        Payment(
            id=id_,
            name=name,
            account=Account(iban=iban, routing=routing, number=number),
            amount_minor=amount,
            text=text,
        )
        for id_, name, text, iban, routing, number, amount in rows
    )
)
CASES = settings(max_examples=30, deadline=None)


@CASES
@given(PAYMENTS)
def test_a_sepa_file_reads_back_as_the_same_payments(payments) -> None:
    said = pain001.read_back(pain001.write(sepa(payments=payments)))
    paid = [(t.id, t.iban, t.amount_minor, t.currency) for t in said.transfers]
    assert paid == [(p.id, p.account.iban, p.amount_minor, "EUR") for p in payments]
    assert [t.name for t in said.transfers] == [latin(p.name, SEPA, "")[:70].rstrip() for p in payments]


@CASES
@given(PAYMENTS)
def test_an_ach_file_reads_back_as_the_same_payments(payments) -> None:
    order = ach(payments=payments)
    (batch,) = read_file(nacha.write(order)).batches
    paid = [(e.trace, e.ident, e.routing, e.account, e.amount_minor) for e in batch.entries]
    assert paid == [
        (trace, nacha.ident(p), p.account.routing, p.account.number, p.amount_minor)
        for trace, p in zip(nacha.traces(order), order.payments, strict=True)
    ]
    assert len({e.trace for e in batch.entries}) == len({e.ident for e in batch.entries}) == len(order.payments)


@CASES
@given(
    st.lists(
        st.tuples(st.integers(0, 10**12), st.booleans(), WORDS, st.lists(IDS, max_size=3, unique=True)), max_size=6
    ),
    st.sampled_from(["02", "08"]),
)
def test_a_statement_reads_as_what_was_booked(rows, version) -> None:
    entries = [
        entry(
            show(amount, "EUR").removesuffix(" EUR"),
            "CRDT" if credit else "DBIT",
            ref=f"B-{number}",
            reversal="" if credit else "true",
            details=details(text=text, documents=tuple(documents), version=version),
            version=version,
        )
        for number, (amount, credit, text, documents) in enumerate(rows)
    ]
    said = read(statement(*entries, version=version))
    assert isinstance(said, Statement)
    assert [(r.ref, r.amount_minor, r.text, r.invoices) for r in said.receipts] == [
        (
            f"B-{number}" if credit else f"B-{number}/back",
            amount if credit else -amount,
            " ".join(text.split()),
            tuple(documents),
        )
        for number, (amount, credit, text, documents) in enumerate(rows)
    ]


SAMPLES = (
    pain001.write(sepa()),
    nacha.write(ach()),
    returns(
        *(
            (t, nacha.ident(p), p.account.routing, p.amount_minor, "R01", "")
            for t, p in zip(nacha.traces(ach()), ach().payments, strict=True)
        )
    ),
    report(
        pain001.message_id(sepa()),
        group="<GrpSts>PART</GrpSts>",
        batch=pain001.batch_id(sepa()),
        transactions=transaction("PO-1/bonus/1", "ACSC", "AC01", "120.50"),
    ),
    statement(
        entry(
            "120.50",
            "DBIT",
            ref="A",
            details=details(id_="PO-1/bonus/1", amount="100.00") + details(amount="20.50", text="x"),
        )
    ),
    b"account,ref,booked_on,amount,currency,kind,id\nDE1,R1,2026-04-03,120.50,EUR,outgoing,PO-1/bonus/1\n",
)
PIECES = st.sampled_from(
    [
        b"",
        b"<",
        b">",
        b"&",
        b"\xff",
        b"\0",
        b"\n",
        b"9",
        b"-",
        b"\xc2\x85",
        b"RJCT",
        b"R99",
        b"true",
        b"  ",
        "\u0661".encode(),
        "\u00b2".encode(),
    ]
)
CHANGES = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 40), PIECES), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), CHANGES)
def test_no_bytes_of_a_bank_raise_anything_but_malformed(sample, changes) -> None:
    for at, length, piece in changes:
        begin = at % (len(sample) + 1)
        sample = sample[:begin] + piece + sample[begin + length :]
    for order, check in ((sepa(), pain001.check), (ach(), nacha.check)):
        with contextlib.suppress(Malformed):
            check(sample, order)
        with contextlib.suppress(Malformed):
            said = read(sample)
            outcome = settle(order, said if isinstance(said, Results) else of_statement(said))
            assert len({one.id for one in outcome.results}) == len(outcome.results) <= len(order.payments)


@CASES
@given(st.binary(max_size=300))
def test_no_other_bytes_raise_anything_but_malformed(raw) -> None:
    for start in (b"", b"<", b"101", b"account,ref,booked_on,amount,currency\n"):
        with contextlib.suppress(Malformed):
            read(start + raw)


@CASES
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_byte_of_a_payment_is_altered_unseen(at, byte) -> None:
    """Of an ACH file every column counts but the names of bank and company, the description and the reserved ones."""
    raw = nacha.write(ach())
    lines = raw.decode().splitlines()
    begin = sum(len(line) + 1 for line in lines[:2])
    end = begin + sum(len(line) + 1 for line in lines[2:6])
    at = begin + at % (end - begin)
    free = 1 + 75 if (at - begin) // 95 % 2 == 0 else None  # columns 77 and 78 of an entry are for the bank's own use
    altered = raw[:at] + bytes([byte]) + raw[at + 1 :]
    if altered == raw or (free is not None and (at - begin) % 95 in {free, free + 1}):
        return
    try:
        nacha.check(altered, ach())
    except Malformed:
        return
    raise AssertionError(f"byte {at} may be {byte:#x}")

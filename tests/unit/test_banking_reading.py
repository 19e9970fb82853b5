"""What banks send: statuses, returns and statements, read strictly; what does not fit an order is listed, never dropped."""

import time

import pytest

pytest.importorskip("sepaxml", reason="the extra `banking` is not installed")

from msgspec.structs import replace

from holdgate.banking import nacha, pain001
from holdgate.banking.outcome import of_statement, settle
from holdgate.banking.reading import read
from holdgate.banking.results import Outgoing, Results, Statement
from holdgate.pay.payment import PaymentResult, Receipt
from holdgate.terms import limits
from holdgate.terms.errors import Malformed
from tests.bank_files import ach, balance, details, document, entry, report, returns, sepa, statement, transaction

ORDER = sepa()
MESSAGE, BATCH = pain001.message_id(ORDER), pain001.batch_id(ORDER)
ONE, TWO = (payment.id for payment in ORDER.payments)


def results(raw: bytes) -> Results:
    said = read(raw)
    assert isinstance(said, Results)
    return said


def booked(raw: bytes) -> Statement:
    said = read(raw)
    assert isinstance(said, Statement)
    return said


# ---- pain.002 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["03", "10"])
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("ACSC", "paid", ""),
        ("ACCC", "paid", ""),
        ("RJCT", "failed", "AC04"),
        ("CANC", "failed", "AC04"),
        ("ACSP", "pending", "AC04"),
        ("PDNG", "pending", "AC04"),
        ("ZZZZ", "pending", "AC04"),
    ],
)
def test_a_transfers_status_is_read(version: str, code: str, status: str, reason: str) -> None:
    raw = report(MESSAGE, batch=BATCH, transactions=transaction(ONE, code, reason, "120.50"), version=version)
    outcome = settle(ORDER, results(raw))
    assert outcome.results == (PaymentResult(id=ONE, status=status, reason=reason),)
    assert not outcome.unmatched


def test_a_status_of_the_whole_message_or_batch_is_that_of_each_transfer() -> None:
    group = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>"
    failed = tuple(PaymentResult(id=name, status="failed", reason="FF01") for name in (ONE, TWO))
    assert settle(ORDER, results(report(MESSAGE, group=group))).results == failed
    raw = report(MESSAGE, batch=BATCH, batch_status="<PmtInfSts>ACSC</PmtInfSts>")
    assert [r.status for r in settle(ORDER, results(raw)).results] == ["paid", "paid"]


def test_what_a_partial_report_does_not_name_stays_pending() -> None:
    raw = report(MESSAGE, group="<GrpSts>PART</GrpSts>", batch=BATCH, transactions=transaction(ONE, "RJCT", "AM04"))
    assert settle(ORDER, results(raw)).results == (
        PaymentResult(id=ONE, status="failed", reason="AM04"),
        PaymentResult(id=TWO, status="pending"),
    )


def test_a_report_without_any_status_says_nothing_of_a_payment() -> None:
    raw = report(MESSAGE, batch=BATCH, transactions=transaction(ONE, "ACSC"))
    assert [r.id for r in settle(ORDER, results(raw)).results] == [ONE]


def test_an_unknown_end_to_end_id_is_listed_and_pays_nothing() -> None:
    raw = report(MESSAGE, batch=BATCH, transactions=transaction("PO-9", "ACSC") + transaction(ONE, "ACSC"))
    outcome = settle(ORDER, results(raw))
    assert [r.id for r in outcome.results] == [ONE]
    assert [(u.id, u.why) for u in outcome.unmatched] == [("PO-9", "no payment of this order has this id")]


def test_a_result_with_another_amount_is_listed_and_pays_nothing() -> None:
    raw = report(
        MESSAGE, group="<GrpSts>PART</GrpSts>", batch=BATCH, transactions=transaction(ONE, "ACSC", amount="120.51")
    )
    outcome = settle(ORDER, results(raw))
    assert [r.id for r in outcome.results] == [TWO], "the disputed one is not told by what is said of all"
    assert outcome.unmatched[0].why == "the bank says 120.51 EUR; ordered were 120.50 EUR"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (report("HG-other", batch=BATCH, transactions=transaction(ONE, "ACSC")), "it answers the message 'HG-other'"),
        (report(MESSAGE, batch="B", transactions=transaction(ONE, "ACSC")), "it names the batch 'B'"),
        (report(MESSAGE, group="<OrgnlNbOfTxs>3</OrgnlNbOfTxs><GrpSts>ACSC</GrpSts>"), "it counts 3 payments"),
        (report(MESSAGE, group="<OrgnlCtrlSum>120.58</OrgnlCtrlSum><GrpSts>ACSC</GrpSts>"), "it names the sum 120.58"),
    ],
)
def test_an_answer_to_another_message_is_listed_and_pays_nothing(raw: bytes, why: str) -> None:
    outcome = settle(ORDER, results(raw))
    assert not outcome.results
    assert outcome.unmatched
    assert all(one.why.startswith(why) for one in outcome.unmatched)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (
            report(MESSAGE, group="<GrpSts>RJCT</GrpSts>", batch=BATCH, transactions=transaction(ONE, "ACSC")),
            "it says ACSC of a",
        ),
        (
            report(MESSAGE, group="<GrpSts>RJCT</GrpSts>", batch=BATCH, batch_status="<PmtInfSts>ACSC</PmtInfSts>"),
            "it says ACSC of a batch and RJCT of all",
        ),
        (
            report(MESSAGE, batch=BATCH, transactions=transaction(ONE, "ACSC") + transaction(ONE, "RJCT")),
            "it says paid and failed",
        ),
        (report(MESSAGE, group="<OrgnlNbOfTxs>x</OrgnlNbOfTxs>"), "is no number"),
        (report(MESSAGE, batch=BATCH, transactions=transaction(ONE, "ACSC", amount="1,5")), "is no amount"),
        (report(MESSAGE).replace(b"pain.001.001.09</", b"pain.008.001.02</"), "and not a pain.001"),
        (document("pain.002.001.10", "<CstmrPmtStsRpt/>"), "which message it answers"),
        (document("pain.002.001.10", "<Other/>"), "no payment status report"),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(raw)


# ---- ACH returns ------------------------------------------------------------------------------------------------------


def returned(
    at: int, code: str, said: str = "", *, cents: int | None = None, ident: str | None = None
) -> tuple[str, str, str, int, str, str]:
    order = ach()
    payment = order.payments[at]
    own = nacha.ident(payment) if ident is None else ident
    amount = payment.amount_minor if cents is None else cents
    return (nacha.traces(order)[at], own, payment.account.routing, amount, code, said)


def test_a_return_marks_its_payment_failed_and_no_other() -> None:
    outcome = settle(ach(), results(returns(returned(1, "R03", "no such account"))))
    assert outcome.results == (PaymentResult(id="PO-1/bonus/2/of technician 7", status="failed", reason="R03"),)
    assert not outcome.unmatched


def test_a_notification_of_change_fails_nothing_and_says_what_to_correct() -> None:
    outcome = settle(ach(), results(returns(returned(0, "C01", "987654321", cents=0), entry_class="COR")))
    assert not outcome.results
    assert [(c.id, c.code, c.corrected) for c in outcome.changes] == [("PO-1/bonus/1", "C01", "987654321")]


def test_a_contested_return_stays_pending() -> None:
    assert settle(ach(), results(returns(returned(0, "R68")))).results[0].status == "pending"


@pytest.mark.parametrize(
    ("entry_", "why"),
    [
        (("121042880000001", "X", "121042882", 12_050, "R01", ""), "no payment of this order"),
        (returned(0, "R01", cents=12_051), "the bank says 120.51 USD"),
        (returned(0, "R01", ident="PO-2/bonus/1"), "it is of 'PO-2/bonus/1'"),
        (("121042880000001", "X", "121042882", 0, "C01", "1"), "a change of no payment"),
    ],
)
def test_a_return_of_something_else_is_listed_and_fails_nothing(
    entry_: tuple[str, str, str, int, str, str], why: str
) -> None:
    outcome = settle(ach(), results(returns(entry_)))
    assert not outcome.results
    assert [one.why.startswith(why) for one in outcome.unmatched] == [True]


def test_an_ach_file_of_payments_is_no_answer() -> None:
    with pytest.raises(Malformed, match="holds payments and no returns"):
        read(nacha.write(ach()))


def _changed(line: int, start: int, said: str) -> bytes:
    lines = returns(returned(0, "R01")).decode().splitlines()
    lines[line - 1] = lines[line - 1][:start] + said + lines[line - 1][start + len(said) :]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (_changed(1, 34, "095"), "line 1: no file header"),
        (_changed(2, 50, "IAT"), "line 2: batches of IAT"),
        (_changed(3, 11, "3"), "line 3: .* is no routing number"),
        (_changed(3, 29, "00000X"), "line 3: columns 30 to 39"),
        (_changed(3, 78, "0"), "line 3: the addenda indicator"),
        (_changed(4, 3, "X99"), "line 4: 'X99' is no code"),
        (_changed(5, 9, "3"), "line 5: the batch control says 3 for entries and addenda"),
        (_changed(5, 44, "9"), "line 5: the batch control is of another batch"),
        (_changed(6, 6, "9"), "line 6: the file control counts 000009 batches"),
        (_changed(6, 12, "9"), "line 6: the file control counts 000009 blocks"),
        (_changed(8, 4, "x"), "line 8: after the file control"),
        (_changed(3, 20, "\x07"), "line 3 holds control characters"),
        (returns(returned(0, "R01")).replace(b"JOSE", b"JOS\xc9"), "line 3: an ACH file is written in ASCII"),
        (b"\r\n".join(returns(returned(0, "R01")).split(b"\r\n")[:4]), "line 4: here an entry"),
        (returns(returned(0, "R01"))[:400], "line 5 has 16 characters"),
    ],
)
def test_a_damaged_file_of_returns_is_refused_with_its_line(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(raw)


def test_an_ach_file_without_line_ends_or_with_cut_blanks_is_read() -> None:
    raw = returns(returned(0, "R01"))
    lines = raw.decode().split("\r\n")
    assert read("".join(lines).encode()) == read(raw)
    assert read("\n".join(line.rstrip() if line[:1] in "19" else line for line in lines).encode()) == read(raw)


# ---- camt.053 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["02", "08"])
def test_receipts_are_read_with_their_references(version: str) -> None:
    told = details(
        payer="Turbine AG",
        text="Invoice 2026-17",
        documents=("2026-17",),
        creditor_ref="RF18539007547034",
        version=version,
    )
    raw = statement(entry("1190.00", ref="BANK-1", details=told, version=version), version=version)
    assert booked(raw).receipts == (
        Receipt(
            ref="BANK-1",
            amount_minor=119_000,
            currency="EUR",
            booked_on="2026-04-03",
            payer="Turbine AG",
            text="Invoice 2026-17",
            invoices=("2026-17", "RF18539007547034"),
        ),
    )


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_batch_entry_is_taken_apart(version: str) -> None:
    parts = "".join(details(amount=a, payer=p, version=version) for a, p in (("10.00", "A"), ("20.50", "B")))
    raw = statement(entry("30.50", ref="BANK-1", details=parts, version=version), version=version)
    assert [(r.ref, r.amount_minor, r.payer) for r in booked(raw).receipts] == [
        ("S-7#1.1", 1_000, "A"),
        ("S-7#1.2", 2_050, "B"),
    ]


def test_a_batch_entry_whose_parts_do_not_come_to_its_amount_is_one_movement_with_a_note() -> None:
    raw = statement(entry("30.49", ref="BANK-1", details=details(amount="10.00") + details(amount="20.50")))
    (account,) = booked(raw).accounts
    assert [(r.ref, r.amount_minor) for r in account.receipts] == [("BANK-1", 3_049)]
    assert "do not come to its 30.49 EUR" in account.notes[0]


def test_a_reversed_receipt_goes_back_out() -> None:
    raw = statement(entry("10.00", ref="A"), entry("10.00", "DBIT", ref="B", reversal="true"))
    assert [(r.ref, r.amount_minor) for r in booked(raw).receipts] == [("A", 1_000), ("B/back", -1_000)]


def test_money_out_is_no_receipt_and_a_transfer_that_came_back_is_none_either() -> None:
    raw = statement(
        entry("120.50", "DBIT", ref="A", details=details(id_=ONE, payee="Jose Nandu")),
        entry("120.50", ref="B", details=details(id_=ONE, returned="AC04")),
        entry("5.00", "DBIT", ref="C"),
    )
    said = booked(raw)
    assert not said.receipts
    out, back, fee = said.outgoing
    assert out == Outgoing(
        ref="A", amount_minor=12_050, currency="EUR", booked_on="2026-04-03", id=ONE, payee="Jose Nandu"
    )
    assert (back.returned, back.reason, back.id) == (True, "AC04", ONE)
    assert (fee.id, fee.returned) == ("", False)


def test_a_statement_says_which_payments_were_debited_and_which_came_back() -> None:
    raw = statement(
        entry("120.50", ref="B", details=details(id_=ONE, returned="AC04")),
        entry("120.50", "DBIT", ref="A", details=details(id_=ONE)),
        entry("0.07", "DBIT", ref="C", details=details(id_=TWO)),
        entry("5.00", "DBIT", ref="D", details=details(id_="RENT")),
        entry("0.07", "DBIT", ref="E", details=details(id_=TWO)),
    )
    outcome = settle(ORDER, of_statement(booked(raw)))
    assert outcome.results == (
        PaymentResult(id=ONE, status="failed", reason="AC04"),
        PaymentResult(id=TWO, status="paid"),
    )
    assert [(u.id, u.why[:16]) for u in outcome.unmatched] == [("RENT", "no payment of th"), (TWO, "it is booked twi")]


def test_a_payer_who_uses_our_end_to_end_id_fails_no_payment() -> None:
    raw = statement(entry("120.50", ref="A", details=details(id_=ONE, payer="M")))
    assert len(booked(raw).receipts) == 1
    assert not settle(ORDER, of_statement(booked(raw))).results


def test_a_bank_code_of_a_return_is_enough_to_know_one() -> None:
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"
    raw = statement(entry("120.50", ref="A", details=details(id_=ONE).replace("<Refs>", code + "<Refs>")))
    assert not booked(raw).receipts
    assert booked(raw).outgoing[0].returned


def test_what_takes_a_movement_back_has_another_reference_than_that_movement() -> None:
    first = booked(statement(entry("10.00", ref="A"))).receipts
    later = booked(statement(entry("10.00", "DBIT", ref="A", reversal="true"))).receipts
    assert [r.ref for r in (*first, *later)] == ["A", "A/back"]


def test_a_transaction_against_its_entry_is_told_with_its_own_sign() -> None:
    parts = details(amount="12.00") + details(amount="2.00").replace("<Amt", "<CdtDbtInd>DBIT</CdtDbtInd><Amt", 1)
    said = booked(statement(entry("10.00", ref="A", details=parts)))
    assert [r.amount_minor for r in said.receipts] == [1_200]
    assert [o.amount_minor for o in said.outgoing] == [200]


def test_pages_of_one_statement_have_references_of_their_own() -> None:
    raw = statement(entry("10.00"))
    second = raw.replace(
        b"<Id>S-7</Id>", b"<Id>S-7</Id><StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"
    )
    assert [booked(one).receipts[0].ref for one in (raw, second)] == ["S-7#1", "S-7/2#1"]


def test_an_id_that_only_begins_like_one_is_another() -> None:
    order = sepa(payments=(replace(ORDER.payments[0], id="x" * 35),))
    raw = report(pain001.message_id(order), batch=pain001.batch_id(order), transactions=transaction("x" * 36, "ACSC"))
    assert not settle(order, results(raw)).results
    raw = report(MESSAGE, batch=BATCH, transactions=transaction(ONE, "ACSCX"))
    assert settle(ORDER, results(raw)).results[0].status == "pending"


def test_an_entry_of_very_many_transactions_is_read_in_one_go() -> None:
    part = details(amount="0.01", text="x")
    raw = statement(entry("40.00", details="</NtryDtls><NtryDtls>".join([part] * 4_000)))
    begin = time.process_time()
    assert len(booked(raw).receipts) == 4_000
    assert time.process_time() - begin < 20, "time grows with the length, not with its square"


def test_what_is_not_booked_counts_for_nothing() -> None:
    raw = statement(entry("10.00", ref="A", status="PDNG"), entry("11.00", ref="B"))
    (account,) = booked(raw).accounts
    assert (account.unbooked, [r.ref for r in account.receipts]) == (1, ["B"])


def test_a_reference_that_stands_twice_or_says_nothing_gives_way_to_the_place_in_the_statement() -> None:
    raw = statement(entry("1.00", ref="A"), entry("2.00", ref="A"), entry("3.00", ref="NONREF"), entry("4.00"))
    assert [r.ref for r in booked(raw).receipts] == ["S-7#1", "S-7#2", "S-7#3", "S-7#4"]


def test_entries_that_do_not_lead_from_balance_to_balance_are_refused() -> None:
    both = balance("OPBD", "100.00") + balance("CLBD", "90.50")
    moves = (entry("0.50", ref="A"), entry("10.00", "DBIT", ref="B"))
    assert len(booked(statement(*moves, balances=both)).receipts) == 1
    with pytest.raises(Malformed, match=r"its balances differ by -9\.50 EUR; entries are missing"):
        read(statement(moves[0], balances=both))
    with pytest.raises(Malformed, match="its balances differ"):
        read(statement(moves[0], balances=balance("PRCD", "100.00") + both))
    (mixed,) = booked(statement(entry("1.00", currency="CHF"), balances=both)).accounts
    assert "were not compared" in mixed.notes[0]
    overdrawn = balance("PRCD", "1.00", "DBIT") + balance("CLBD", "10.50", "DBIT")
    assert len(booked(statement(*moves, balances=overdrawn)).receipts) == 1


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (statement(entry("1,00")), "'1,00' is no amount of EUR"),
        (statement(entry("-1.00")), "is no amount"),
        (statement(entry("1.005")), "is no amount"),
        (statement(entry("9" * 18)), "is no amount"),
        (statement(entry("1e3")), "is no amount"),
        (statement(entry("1.00", currency="eur")), "no currency code"),
        (statement(entry("1.00", "BOTH")), "neither CRDT nor DBIT"),
        (statement(entry("1.00", reversal="maybe")), "neither true nor false"),
        (statement(entry("1.00", day="2026-02-30")), "is no date"),
        (statement(account=""), "names no account"),
        (document("camt.053.001.08", "<BkToCstmrStmt/>"), "it holds no statement"),
        (document("camt.053.001.08", "<Other/>"), "this is no statement"),
    ],
)
def test_a_wrong_statement_is_refused_with_its_line(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(raw)


def test_the_line_of_what_is_wrong_is_named() -> None:
    raw = statement("\n\n", entry("1.00"), "\n", entry("x"))
    with pytest.raises(Malformed, match=r"^line 5, Amt: 'x' is no amount of EUR"):
        read(raw)


def test_text_from_a_payer_is_made_plain() -> None:
    told = details(payer="A\u202eB\u0085C", text="x " * 2_000)
    (receipt,) = booked(statement(entry("1.00", details=told))).receipts
    assert receipt.payer == "AB C"
    assert len(receipt.text) <= limits.BANK_TEXT_CHARS_MAX


# ---- CSV --------------------------------------------------------------------------------------------------------------

HEAD = "account,ref,booked_on,amount,currency,kind,payer,text,invoice,id,reason\n"


def test_a_csv_statement_is_read() -> None:
    rows = (
        'DE1,R1,2026-04-03,1190.00,EUR,,"Turbine, AG",Invoice,2026-17,,\n'
        "DE1,R2,2026-04-03,5.00,EUR,taken-back,T,,,,\n\n"
        "DE1,R3,2026-04-04,120.50,EUR,outgoing,Jose,,,PO-1/bonus/1,\n"
        "DE2,R3,2026-04-05,120.50,EUR,returned,Jose,,,PO-1/bonus/1,AC04\n"
    )
    for raw in ((HEAD + rows).encode(), b"\xef\xbb\xbf" + (HEAD + rows).replace("\n", "\r\n").encode()):
        said = booked(raw)
        assert [a.account for a in said.accounts] == ["DE1", "DE2"]
        assert [(r.ref, r.amount_minor, r.payer, r.invoices) for r in said.receipts] == [
            ("R1", 119_000, "Turbine, AG", ("2026-17",)),
            ("R2", -500, "T", ()),
        ]
        assert settle(ORDER, of_statement(said)).results == (PaymentResult(id=ONE, status="failed", reason="AC04"),)


def test_a_csv_with_semicolons_is_read() -> None:
    raw = b"account;ref;booked_on;amount;currency\nDE1;R1;2026-04-03;1.00;EUR\n"
    assert booked(raw).receipts[0].amount_minor == 100


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"ref,amount\n", "missing: account, booked_on, currency"),
        ((HEAD.strip() + ",colour\n").encode(), "not known: 'colour'"),
        (b"account,ref,ref,booked_on,amount,currency\n", "a column stands twice"),
        ((HEAD + "DE1,R1,2026-04-03,1.00\n").encode(), "line 2: 7 cells are missing"),
        (
            (HEAD + "DE1,R1,2026-04-31,1.005,EUR,gift,,,,,\n").encode(),
            "line 2: '1.005' is no amount.*line 2: the kind.*line 2: booked_on",
        ),
        ((HEAD + "DE1,R1,2026-04-03,1.00,EUR,,,,,,\n" * 2).encode(), "'R1' stands 2 times"),
        ((HEAD + "DE1,,2026-04-03,1.00,EUR,,,,,,\n").encode(), "line 2: ref is empty"),
        (HEAD.encode() + b"\n\xff", "line 3 is not UTF-8"),
        ((HEAD + 'DE1,"R1\n').encode(), "line 2 is no row"),
        ((HEAD + "\0").encode(), "null characters"),
    ],
)
def test_a_wrong_csv_is_refused_with_reason_and_line(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(raw)


# ---- what nobody sends by mistake -------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
BOMBS = {
    "a billion laughs": f"<?xml version='1.0'?><!DOCTYPE d [{LAUGHS}]><d>&l11;</d>".encode(),
    "an entity from a file": b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>',
    "a DTD from the network": b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><d/>',
    "a document type in UTF-16": "<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE d [<!ENTITY x 'y'>]><d>&x;</d>".encode(
        "utf-16"
    ),
    "a document type in UTF-7": b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE d+AD4-<d/>",
    "depth": b"<d>" * 100_000,
    "closed depth": b"<d>" * 200 + b"</d>" * 200,
    "breadth": b"<d>" + b"<e/>" * 1_000_000 + b"</d>",
    "attributes": b"<d " + b" ".join(b"a%d='1'" % n for n in range(700_000)) + b"/>",
    "size": b"<" + b" " * limits.BANK_FILE_BYTES_MAX,
    "an ACH file without end": b"101" + b" " * limits.BANK_FILE_BYTES_MAX,
    "a row without end": HEAD.encode() + b'"' + b"a" * 2_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str) -> None:
    begin = time.process_time()
    with pytest.raises(Malformed):
        read(BOMBS[name])
    assert time.process_time() - begin < 5, "a tenth of a second on a machine that does nothing else"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"<html/>", "no message of ISO 20022"),
        (document("camt.054.001.08", ""), r"this is a camt\.054\.001\.08"),
        (document("camt.053.001.13", ""), "what is read of XML is"),
        (pain001.write(ORDER), "a payment file"),
        (b"<a>\n<b></a>", "line 2: not well-formed"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "written in ISO-8859-1"),
        (b"<a>\n\xe4</a>", "line 2: this is not UTF-8"),
        (b"%PDF-1.7", "needed are account"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_is_read(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(raw)


def test_the_order_of_other_money_settles_nothing_from_returns() -> None:
    bare = replace(ORDER, debtor=replace(ORDER.debtor, account=None))
    assert not settle(bare, results(returns(returned(0, "R01")))).results

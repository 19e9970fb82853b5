"""holdgate pay: a payment order becomes a file once, and a bank's file is told in words or as one JSON document."""

import json
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("sepaxml", reason="the extra `banking` is not installed")

from holdgate.banking import nacha, pain001
from holdgate.cli.app import main
from tests.bank_files import ach, details, entry, report, returns, sepa, statement, transaction, with_payment

ONE, TWO = (payment.id for payment in sepa().payments)


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.json"
    path.write_bytes(msgspec.json.encode(sepa()))
    return path


def test_an_order_becomes_the_same_file_and_none_is_written_over(order: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out.xml"
    assert main(["pay", "file", str(order), "--format", "pain.001", "--out", str(out)]) == 0
    assert "2 payments, 120.57 EUR, on 2026-04-02; read back and compared." in capsys.readouterr().out
    assert out.read_bytes() == pain001.write(sepa())
    assert main(["pay", "file", str(order), "--format", "pain.001", "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_an_ach_file_is_written_with_what_the_bank_assigned(tmp_path: Path) -> None:
    path, out = tmp_path / "order.json", tmp_path / "out.ach"
    path.write_bytes(msgspec.json.encode(ach()))
    assert (
        main(
            [
                "pay",
                "file",
                str(path),
                "--format",
                "nacha",
                "--out",
                str(out),
                "--class",
                "CCD",
                "--company-id",
                "9876543210",
            ]
        )
        == 0
    )
    assert out.read_bytes() == nacha.write(ach(), "CCD", nacha.Agreement(company_id="9876543210"))


def test_a_wrong_order_leaves_no_file(tmp_path: Path, capsys) -> None:
    path, out = tmp_path / "order.json", tmp_path / "out.xml"
    path.write_bytes(msgspec.json.encode(with_payment(sepa(), amount_minor=0)))
    assert main(["pay", "file", str(path), "--format", "pain.001", "--out", str(out)]) == 2
    assert "an amount is above 0" in capsys.readouterr().err
    path.write_text('{"id": 1}')
    assert main(["pay", "file", str(path), "--format", "pain.001", "--out", str(out)]) == 2
    assert "is no payment order" in capsys.readouterr().err
    assert not out.exists()


def test_a_report_is_told_with_what_became_of_the_order(order: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "report.xml"
    told = transaction(ONE, "ACSC") + transaction("PO-9", "RJCT", "AC01")
    file.write_bytes(report(pain001.message_id(sepa()), batch=pain001.batch_id(sepa()), transactions=told))
    assert main(["pay", "read", str(file)]) == 0
    assert f"{ONE} paid" in capsys.readouterr().out
    assert main(["pay", "read", str(file), "--order", str(order)]) == 1, "something was found"
    out = capsys.readouterr().out
    assert f"{ONE}: paid" in out
    assert "not taken: PO-9 (failed): no payment of this order has this id" in out


def test_returns_and_statements_are_told(order: Path, tmp_path: Path, capsys) -> None:
    file, payment = tmp_path / "bank", ach().payments[0]
    told = (nacha.traces(ach())[0], nacha.ident(payment), payment.account.routing)
    file.write_bytes(returns((*told, 12_050, "R03", "no account"), (*told, 0, "C01", "987")))
    assert main(["pay", "read", str(file)]) == 0
    out = capsys.readouterr().out
    assert "failed R03 no account 120.50 USD" in out
    assert "correct before the next payment: C01 987" in out
    file.write_bytes(
        statement(
            entry("9.00", ref="A", details=details(payer="T", text="x", documents=("I-1",))),
            entry("120.50", ref="B", details=details(id_=ONE, returned="AC04")),
            entry("1.00", status="PDNG"),
        )
    )
    assert main(["pay", "read", str(file), "--order", str(order)]) == 0
    out = capsys.readouterr().out
    for line in (
        "2 movements; 1 entries are not booked yet",
        "9.00 EUR  A  T: x [I-1]",
        f"came back AC04 {ONE}",
        f"{ONE}: failed AC04",
    ):
        assert line in out


def test_one_json_document_holds_file_and_outcome(order: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "statement.xml"
    file.write_bytes(statement(entry("120.50", "DBIT", ref="A", details=details(id_=ONE))))
    assert main(["pay", "read", str(file), "--order", str(order), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["outcome"]["results"] == [{"id": ONE, "status": "paid", "reason": ""}]
    assert said["file"]["accounts"][0]["outgoing"][0]["amount_minor"] == 12_050


def test_a_file_that_is_none_of_a_bank_is_refused(tmp_path: Path, capsys) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"<html/>")
    assert main(["pay", "read", str(file)]) == 2
    assert "no message of ISO 20022" in capsys.readouterr().err

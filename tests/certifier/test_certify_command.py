"""holdgate certify: exit codes, what it prints, and the files that it writes."""

import json
from pathlib import Path

import pytest

pytest.importorskip("z3", reason="the certifier's extra (z3-solver) is not installed")
from holdgate.cli.app import main
from holdgate.crypto.hashes import digest
from holdgate.law.certificate import read_certificate
from holdgate.terms import canon

pytestmark = pytest.mark.timeout(300)

CONTRACT = """
notation: holdgate-contract/1
family: SmartClientPO
id: SP-SMALL
version: '1'
title: Weigh
author: SID-AUTHOR
process:
  steps:
    - id: W10
      name: Weigh
      role: technician
      zones: [LAB]
      characteristics:
        - {id: mass, unit: g, min: '10', max: '12'}
price_minor: '1000'
currency: EUR
billing:
  - {id: final, when: client_accepted, amount_minor: '1000'}
client_window_s: '86400'
on_silence: escalate
"""


def written(folder: Path, text: str = CONTRACT) -> str:
    path = folder / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_sound_contract_is_certified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, queries = tmp_path / "certificate.json", tmp_path / "queries"
    code = main(["certify", written(tmp_path), "--second-solver", "--out", str(out), "--queries", str(queries)])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "SP-SMALL version 1 is certified." in said
    assert "each came out as predicted" in said
    certificate = read_certificate(out.read_bytes())
    assert certificate.contract == "SP-SMALL"
    for proof in certificate.proofs:
        for name in proof.queries:
            text = (queries / f"{name}.smt2").read_text(encoding="utf-8")
            assert digest(text.partition("\n")[2].encode()) == name


def test_a_defect_is_told_with_the_acts_that_lead_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "certificate.json"
    early = CONTRACT.replace("when: client_accepted", "when: qa_accepted")
    code = main(["certify", written(tmp_path, early), "--out", str(out)])
    said = capsys.readouterr().out
    assert code == 1
    assert not out.exists()
    assert "SP-SMALL version 1 cannot be certified: 1 defect." in said
    assert "the last invoice goes out although the client has not approved" in said
    lines = said.splitlines()
    assert "    2. the order is staged" in lines
    assert "    3. the parts arrive" in lines
    assert lines[-1].endswith("QA accepts the record as conforming")


def test_a_defect_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = CONTRACT.replace("max: '12'", "max: '12', equals: '13'")
    code = main(["certify", written(tmp_path, empty), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert code == 1
    assert said["certified"] is False
    assert {"limits-leave-room", "every-step-can-pass"} <= {defect["proof"] for defect in said["defects"]}


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", written(tmp_path, CONTRACT.replace("steps:", "stairs:"))]) == 2
    assert main(["certify", str(tmp_path / "nothing.yaml")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_certificate_that_somebody_wrote_by_hand_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract, out = written(tmp_path), tmp_path / "certificate.json"
    assert main(["certify", contract, "--out", str(out)]) == 0
    assert main(["certify", contract, "--check", str(out)]) == 0
    said = json.loads(out.read_bytes())
    forged = tmp_path / "forged.json"
    forged.write_bytes(canon.encode({**said, "witness": {**said["witness"], "deeds": 9999}}))
    capsys.readouterr()
    assert main(["certify", contract, "--check", str(forged)]) == 1
    assert "is another certificate: it differs in witness." in capsys.readouterr().out
    assert main(["certify", contract, "--check", str(forged), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differs_in"] == ["witness"]
    assert main(["certify", contract, "--check", str(tmp_path / "none.json")]) == 2
    assert main(["certify", contract, "--check", contract]) == 2

"""Contracts on the command line: begun, checked with every fault and its line, shown in words, compared."""

import contextlib
import io
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from holdgate.certifier.facts import rule_parser
from holdgate.certifier.structure import certify
from holdgate.cli.app import main
from holdgate.law.contract import (
    Adaptable,
    Characteristic,
    Demand,
    Environment,
    Hold,
    ModuleRight,
    OnFailed,
    Retest,
    SmartMaintenance,
    Standard,
    Trigger,
    Window,
    Witness,
    Yield,
)
from holdgate.law.families import Bundle
from holdgate.law.notation import read_bundle
from holdgate.query.changes import written_changes
from holdgate.query.contract_words import CHECKED, EXAMPLE, NO_SOURCE, sheet_of
from holdgate.query.faults import check
from holdgate.terms.errors import Malformed
from tests.builders import documents

FPI = resources.files("holdgate.demo").joinpath("fpi.yaml").read_text(encoding="utf-8")


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


def line_of(text: str, words: str) -> int:
    """The line of a text that holds these words."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if words in line)


def faults(text: str, beside: dict[str, str] | None = None) -> list[tuple[int, str, str]]:
    def neighbour(name: str) -> str:
        if beside is None or name not in beside:
            raise Malformed(f"there is no {name}")
        return beside[name]

    found = check(text, rule_parser(), neighbour)
    return [(fault.line, fault.file, fault.what) for fault in found.faults]


# ---- new -----------------------------------------------------------------------------------------------------------


def test_the_starter_is_whole_and_can_be_certified(tmp_path: Path) -> None:
    file = tmp_path / "mine" / "vt.yaml"
    code, out, err = run("contract", "new", str(file), "--id", "SP-VT-1", "--author", "SID-L3-01", "--title", "Bob's")
    assert (code, err) == (0, "")
    assert f"holdgate contract check {file}" in out
    text = file.read_text(encoding="utf-8")
    assert faults(text) == []
    bundle = read_bundle(text, rule_parser())
    assert (bundle.template.id, bundle.template.author, bundle.template.title) == ("SP-VT-1", "SID-L3-01", "Bob's")
    assert text.count("#") > 10, "a starter says what each part is"
    assert certify(bundle.template, bundle.technique)
    assert all(not item.verified for step in bundle.technique.steps for item in step.characteristics)


def test_a_contract_of_ones_own_can_be_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(FPI, encoding="utf-8")
    assert (
        run("contract", "new", str(tmp_path / "new.yaml"), "--from", str(tmp_path / "old.yaml"), "--id", "SP-2")[0] == 0
    )
    copied = (tmp_path / "new.yaml").read_text(encoding="utf-8")
    assert [a for a, b in zip(FPI.splitlines(), copied.splitlines(), strict=True) if a != b] == [
        "id: SP-FPI-4512",
        "version: '3'",
    ]


def test_a_folder_is_copied_with_what_its_contract_names_and_without_its_stories(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "scenarios").mkdir(parents=True)
    (kept / "contract.yaml").write_text("id: A\nprocess: technique.yaml\n", encoding="utf-8")
    (kept / "technique.yaml").write_text("id: A\nversion: '7'\n", encoding="utf-8")
    (kept / "scenarios" / "10.yaml").write_text("x: 1\n", encoding="utf-8")
    assert run("contract", "new", str(tmp_path / "mine"), "--from", str(kept), "--id", "B")[0] == 0
    assert sorted(path.name for path in (tmp_path / "mine").rglob("*")) == ["contract.yaml", "technique.yaml"]
    assert (tmp_path / "mine" / "technique.yaml").read_text(encoding="utf-8") == "id: 'B'\nversion: '1'\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--template", "no-such"), "there is no template 'no-such'; there are minimal"),
        (("--template", "../cli"), "is not an id"),
        (("--from", "nowhere.yaml"), "there is no nowhere.yaml"),
        (("--id", "SP 1"), "is not an id"),
    ],
)
def test_what_cannot_be_begun_is_said_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    code, out, err = run("contract", "new", str(tmp_path / "x.yaml"), *arguments)
    assert (code, out, (tmp_path / "x.yaml").exists()) == (2, "", False)
    assert why in err


def test_nothing_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine", encoding="utf-8")
    code, _, err = run("contract", "new", str(file))
    assert (code, file.read_text(encoding="utf-8")) == (2, "mine")
    assert "is there already" in err


def test_the_templates_are_listed_and_each_can_be_begun(tmp_path: Path) -> None:
    code, out, _ = run("contract", "templates")
    assert (code, out.split()[0]) == (0, "minimal")
    for name in out.split():
        assert run("contract", "new", str(tmp_path / name), "--template", name)[0] == 0


# ---- check ---------------------------------------------------------------------------------------------------------


def test_a_whole_contract_has_no_fault() -> None:
    assert faults(FPI) == []


def test_every_fault_of_completeness_has_the_line_of_what_it_speaks_of() -> None:
    text = (
        FPI.replace("{from: S30, min_s: '1200', max_s: '7200'}", "{from: S90, min_s: '1200', max_s: '720'}")
        .replace("max: '40', instrument_class: pressure_gauge", "max: 'forty', instrument_class: pressure_gauge")
        .replace("amount_minor: '120000'}", "amount_minor: '12000'}")
    )
    assert faults(text) == [
        (line_of(text, "id: S40"), "", "the window of S40 counts from S90, which is not an earlier step"),
        (line_of(text, "id: S40"), "", "the window of S40 closes before it opens"),
        (
            line_of(text, "id: water_pressure"),
            "",
            "characteristic water_pressure of S40 has a limit that is not a decimal number",
        ),
        (0, "", "the milestones do not sum to the price"),
    ]


def test_one_misspelled_part_does_not_hide_the_next() -> None:
    text = (
        FPI.replace("name: Dry\n      role: technician", "name: Dry\n      rolle: technician")
        .replace(
            "      zones: [FPI-BOOTH]\n      equipment_classes: [radiometer]\n      window",
            "      zones: FPI-BOOTH\n      window",
        )
        .replace("readings.exists(r,", "readings.exist(r,")
        .replace("price_minor: '120000'", "price_minor: 1e5")
        .replace("payee: each_signer", "payee: [each_signer]")
    )
    found = faults(text)
    assert [line for line, _, _ in found] == sorted(line for line, _, _ in found)
    told = {line: what for line, _, what in found}
    assert "unknown field `rolle`" in told[line_of(text, "rolle")]
    assert "Expected `array`" in told[line_of(text, "zones: FPI-BOOTH")]
    assert "rule unhurried" in told[line_of(text, "- id: unhurried")]
    assert "'1e5' is not a whole number" in told[line_of(text, "1e5")]
    assert "Expected `str`" in told[line_of(text, "payouts:") + 1]
    assert not any("required field `price_minor`" in what for what in told.values()), "it is there, and wrong"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: [1\n", 2, "line 2"),
        ("a: 1\na: 2\n", 2, "the key 'a' is there twice"),
        ("a: 1\n", 0, "does not begin with `notation:"),
        (FPI.replace("family: SmartClientPO", "family: SmartSP"), 0, "the family 'SmartSP'"),
        (FPI.replace("process:", "proces:"), 0, "has no process"),
    ],
)
def test_what_cannot_be_read_is_one_fault(text: str, line: int, what: str) -> None:
    assert any(found[0] == line and what in found[2] for found in faults(text)), faults(text)


def two_files() -> tuple[str, str]:
    """The technique in a file of its own."""
    begin, end = FPI.index("process:\n"), FPI.index("price_minor:")
    body = "\n".join(line.removeprefix("  ") for line in FPI[begin:end].splitlines()[1:])
    head = (
        "notation: holdgate-contract/1\nfamily: SmartSP\nid: SP-FPI-4512\nversion: '3'\ntitle: FPI\nauthor: SID-L3-01\n"
    )
    return f"{FPI[:begin]}process: technique.yaml\n{FPI[end:]}", f"{head}{body}\n"


def test_a_fault_in_a_file_beside_names_that_file() -> None:
    template, technique = two_files()
    assert faults(template, {"technique.yaml": technique}) == []
    wrong = technique.replace("max_s: '7200'", "max_s: '72'")
    assert faults(template, {"technique.yaml": wrong}) == [
        (line_of(wrong, "id: S40"), "technique.yaml", "the window of S40 closes before it opens")
    ]
    misspelled = technique.replace("offline_max_s: '86400'", "offline_max_s: soon")
    ((line, file, what),) = faults(template, {"technique.yaml": misspelled})
    assert (line, file) == (line_of(misspelled, "offline_max_s"), "technique.yaml")
    assert "offline_max_s" in what
    assert "there is no technique.yaml" in faults(template)[0][2]


def test_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "fpi.yaml"
    file.write_text(FPI, encoding="utf-8")
    assert run("contract", "check", str(file))[:2] == (0, "Nothing is missing and nothing contradicts itself.\n")
    file.write_text(FPI.replace("max_s: '7200'", "max_s: '72'"), encoding="utf-8")
    code, out, _ = run("contract", "check", str(file))
    assert code == 1
    assert f"{file}:{line_of(FPI, 'id: S40')}: the window of S40 closes before it opens" in out
    code, out, _ = run("contract", "check", str(file), "--json")
    document = json.loads(out)
    assert (code, document["sound"], len(document["faults"])) == (1, False, 1)
    assert run("contract", "check", str(tmp_path / "no.yaml"))[0] == 2
    file.write_bytes(b"a: \xff\n")
    assert "line 1: it is not UTF-8" in run("contract", "check", str(file))[2]


# ---- show ----------------------------------------------------------------------------------------------------------


def test_numbers_come_with_unit_source_and_status() -> None:
    told = sheet_of(read_bundle(FPI, rule_parser()))
    steps = {step.id: step for step in told.steps}
    (uva, *_) = steps["S10"].limits
    assert (uva.characteristic, uva.limits, uva.unit, uva.status) == ("uva", "at least 1000", "uW/cm2", CHECKED)
    assert "T.O. 33B-1-1" in uva.source
    spots = steps["S10"].limits[2]
    assert (spots.status, spots.takes) == (EXAMPLE, "by eye or count")
    assert steps["S30"].limits[0].limits == "40 to 125"
    assert steps["S40"].window == "20 min to 2 h 00 min after the signature of S30"
    assert "for each part" in steps["S70"].limits[2].takes
    assert steps["S10"].letters == "P"
    assert "Reading {job.parts} parts" in steps["S70"].rules[0]
    assert told.money[:2] == (
        "The price is 1200.00 USD.",
        "1200.00 USD (final) is invoiced by itself when the client accepted the report of every part.",
    )
    assert any("never by the result" in text for text in told.money)
    assert "The client has 5 days to review a report; silence is escalated; it is never an acceptance." in told.client
    assert set(told.documents) == {"SmartClientPO", "SmartSP"}


def rich() -> Bundle:
    patch: dict[str, dict[str, Any]] = {
        "S20": {
            "hold": Hold(party="client"),
            "performer_signs": False,
            "duration_s": 600,
            "characteristics": (
                Characteristic(id="a", unit="mm", equals="1"),
                Characteristic(
                    id="b", unit="mm", max="2", U="0.1", rule="guard_band", all_readings=True, effect="as_found"
                ),
                Characteristic(id="c", unit="mm", min="1", instrument_class="caliper"),
            ),
        },
        "S30": {"witness": Witness(party="client", notice_s=86_400), "window": Window(since="S20", min_s=60)},
    }
    sheet: dict[str, Any] = {
        "pin": "test",
        "assignment": "required",
        "retest": Retest(max=1, allowed_causes=("test_setup_error",)),
        "environment": (
            Environment(series="ROOM", sensor="SYS", unit="degC", min="15", max="30", max_gap_s=600, steps=("S20",)),
        ),
        "modules": (ModuleRight(module="SYS", act="lamp_on", step="S20", permit_s=60, operator_tokens=("VT",)),),
        "on_failed": OnFailed(resume=("qa",)),
        "requires": (Standard(standard="ASTM E1417", edition="21"),),
        "adaptable": (
            Adaptable(
                id="dwell",
                kind="window_min_s",
                step="S30",
                value="60",
                min="60",
                max="90",
                tighter="higher",
                approve=("level3",),
                auto_tighten=True,
            ),
        ),
    }
    template, technique = documents(
        patch,
        sheet=sheet,
        on_silence="deemed_accepted",
        demands=(Demand(act="qa.sign", credentials=("QA-2",)),),
        triggers=(Trigger(on="qa_accepted", effect="tell the client"),),
    )
    return Bundle(template, technique)


def test_everything_that_a_contract_declares_is_told() -> None:
    told = sheet_of(rich())
    steps = {step.id: step for step in told.steps}
    assert [steps[name].letters for name in ("S10", "S20", "S30")] == ["P", "H", "W2"]
    assert steps["S20"].points == (
        "does not start before client released it",
        "signed by somebody else than who did it",
    )
    assert steps["S20"].duration == "10 min"
    assert steps["S30"].points == ("client is told at least 24 h 00 min before",)
    assert steps["S30"].window == "at least 60 s after the signature of S20"
    assert [limit.limits for limit in steps["S20"].limits] == [
        "exactly 1",
        "at most 2, moved inwards by U = 0.1",
        "at least 1",
    ]
    assert steps["S20"].limits[1].takes == "by eye or count, every reading counts, effect: as_found"
    assert steps["S20"].limits[2].takes == "instrument: caliper"
    assert steps["S20"].limits[0].source == NO_SOURCE
    work = "\n".join(told.work)
    for words in (
        "Each test takes the revision in force",
        "Nobody starts before the job is assigned",
        "repeated at most 1 times, because of test_setup_error",
        "ROOM (SYS) stays 15 to 30 degC, logged at least every 10 min, for S20",
        "SYS may lamp_on at S20 for 60 s with an operator who holds VT",
        "resumed by qa",
    ):
        assert words in work
    (dwell,) = told.adaptable
    assert dwell.startswith("dwell: window_min_s of S30 is 60, may move from 60 to 90; higher is tighter; level3 agree")
    assert dwell.endswith("tightening applies at once.")
    client = "\n".join(told.client)
    for words in ("counts as acceptance", "qa.sign asks its actor for QA-2", "On qa_accepted: tell the client"):
        assert words in client
    assert told.requires == ("ASTM E1417, edition 21",)
    assert told.quality[0] == "Nonconformances are decided by the usual matrix:"
    assert "use_as_is: qa, level3 (the client co-signs)" in told.quality


def test_what_a_contract_yields_is_told() -> None:
    template, technique = documents()
    fields = {
        name: getattr(technique, name) for name in technique.__struct_fields__ if name not in ("subject", "yields")
    }
    yields = (Yield(fact="calibration", valid_s=31_536_000), Yield(fact="credential", valid_s=60, name="UV"))
    told = sheet_of(Bundle(template, SmartMaintenance(**fields, yields=yields)))
    assert (
        told.about == "SmartMaintenance: work on a equipment; yields calibration for 365 days, credential UV for 60 s"
    )


def test_show_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "fpi.yaml"
    file.write_text(FPI, encoding="utf-8")
    code, out, err = run("contract", "show", str(file))
    assert (code, err) == (0, "")
    for words in ("SP-FPI-4512 version 3", "S40 Rinse off", EXAMPLE, "window: 20 min to 2 h 00 min", "The price is"):
        assert words in out
    document = json.loads(run("contract", "show", str(file), "--json")[1])
    assert [step["id"] for step in document["steps"]][:2] == ["S10", "S20"]
    code, _, err = run("contract", "show", str(file), "3")
    assert (code, err) == (2, "holdgate: a version is named with --data only; a file has its own\n")


# ---- diff ----------------------------------------------------------------------------------------------------------


def versions(folder: Path, new: str) -> tuple[str, str]:
    (folder / "old.yaml").write_text(FPI, encoding="utf-8")
    (folder / "new.yaml").write_text(new, encoding="utf-8")
    return str(folder / "old.yaml"), str(folder / "new.yaml")


def test_a_weaker_revision_is_found_with_its_counterexample(tmp_path: Path) -> None:
    sides = versions(
        tmp_path, FPI.replace("max_s: '7200'", "max_s: '9000'").replace("min: '1000', ins", "min: '1100', ins")
    )
    code, out, err = run("contract", "diff", *sides, "--json")
    document = json.loads(out)
    assert (code, err, document["kind"]) == (1, "", "proven")
    by_verdict = {change["verdict"]: change for change in document["changes"]}
    assert by_verdict["WEAKER"]["place"] in ("S40", "order")
    assert by_verdict["WEAKER"]["counterexample"]
    assert by_verdict["stronger"]["place"] in ("S10", "S70")
    code, out, _ = run("contract", "diff", *sides)
    assert code == 1
    assert "WEAKER" in out
    assert "such as" in out


def test_what_a_contract_names_is_compared_too(tmp_path: Path) -> None:
    quality = (
        "notation: holdgate-contract/1\nfamily: SmartQA\nid: SP-FPI-4512\nversion: '3'\ntitle: Q\nauthor: SID-L3-01\n"
    )
    matrix = "dispositions:\n  - {disposition: scrap, roles: [qa]}\n"
    for name, roles in (("a", matrix), ("b", matrix.replace("[qa]", "[qa, level3]"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "contract.yaml").write_text(f"{FPI}quality: quality.yaml\n", encoding="utf-8")
        (tmp_path / name / "quality.yaml").write_text(quality + roles, encoding="utf-8")
    sides = [str(tmp_path / name / "contract.yaml") for name in ("a", "b")]
    code, out, _ = run("contract", "diff", *sides, "--json")
    changes = json.loads(out)["changes"]
    assert (code, len(changes)) == (1, 1)
    assert "level3" in changes[0]["what"]


def test_a_stronger_revision_and_the_same_one_are_no_finding(tmp_path: Path) -> None:
    stronger = versions(tmp_path, FPI.replace("max_s: '14400'", "max_s: '14000'"))
    assert run("contract", "diff", *stronger)[0] == 0
    code, out, _ = run("contract", "diff", *versions(tmp_path, FPI))
    assert (code, out) == (0, "They say the same.\n")


def test_without_the_certifier_it_says_that_it_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = versions(tmp_path, FPI.replace("max_s: '7200'", "max_s: '9000'"))
    monkeypatch.setitem(sys.modules, "holdgate.certifier.diff", None)
    code, out, err = run("contract", "diff", *sides)
    assert (code, "proves nothing" in err) == (0, True)
    assert "Structural" in out
    assert "technique.steps[S40].window.max_s" in out


def test_a_structural_comparison_lists_what_is_written_differently() -> None:
    old = read_bundle(FPI, rule_parser())
    text = FPI.replace(
        "credentials: [SAFE-CHEM]\n      zones: [FPI-LINE]\n      characteristics:\n        - {id: water",
        "zones: [FPI-LINE]\n      characteristics:\n        - {id: water",
    )
    new = read_bundle(text.replace("id: panel_spots", "id: panel_stars"), rule_parser())
    found = {change.place: (change.old, change.new) for change in written_changes(old, new)}
    assert found["technique.steps[S20].credentials"] == ('["SAFE-CHEM"]', "")
    assert found["technique.steps[S10].characteristics[panel_spots]"][1] == ""
    assert found["technique.steps[S10].characteristics[panel_stars]"][0] == ""
    assert not any("process" in place for place in found), "a hash is no change of its own"
    assert written_changes(old, old) == []


def test_steps_in_another_order_are_a_change() -> None:
    template, technique = documents()
    fields = {name: getattr(technique, name) for name in technique.__struct_fields__ if name != "steps"}
    turned = type(technique)(**fields, steps=technique.steps[::-1])
    (change,) = written_changes(Bundle(template, technique), Bundle(template, turned))
    assert (change.place, change.new) == ("technique.steps (order)", "S30, S20, S10")

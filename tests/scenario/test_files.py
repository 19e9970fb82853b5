"""Scenario files on real sites: they pass, and a copy with one wrong expectation fails at exactly that step."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from holdgate.cli.app import main
from holdgate.scenario.run import FileResult, run_file
from tests.places import SCENARIOS

NUMBERS = tuple(path.name.split("-")[0] for path in sorted(SCENARIOS.glob("[0-9]*.yaml")))


def scenario(number: str) -> Path:
    return next((SCENARIOS).glob(f"{number}-*.yaml"))


def tree_of(path: Path) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    return tree


def run_tree(folder: Path, tree: dict[str, Any]) -> FileResult:
    path = folder / "copy.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return run_file(path, SCENARIOS / "worlds")


def test_the_files_that_were_agreed_on_are_here_word_for_word(shared: Path) -> None:
    agreed = sorted(path for path in (shared / "scenarios").rglob("*") if path.is_file())
    assert len(agreed) > 34
    for path in agreed:
        assert (SCENARIOS / path.relative_to(shared / "scenarios")).read_bytes() == path.read_bytes(), path


@pytest.mark.parametrize("number", NUMBERS)
def test_it_comes_out_as_expected(number: str) -> None:
    path = scenario(number)
    result = run_file(path)
    assert result.mismatch is None
    assert result.steps == len(tree_of(path)["steps"])
    assert result.repeated == result.entries > 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_wrong_decision_fails_at_its_step(number: str, tmp_path: Path) -> None:
    tree = tree_of(scenario(number))
    step = tree["steps"][len(tree["steps"]) // 2]
    allowed = step["expect"]["decision"] == "allow"
    step["expect"] = {"decision": "deny", "reason": "NO_ARRIVAL"} if allowed else {"decision": "allow"}
    mismatch = run_tree(tmp_path, tree).mismatch
    assert mismatch is not None
    assert (mismatch.step, mismatch.action) == (int(step["n"]), step["action"])
    assert mismatch.what.startswith("expected deny" if allowed else "expected allow")


def test_a_wrong_effect_fails_at_its_step(tmp_path: Path) -> None:
    tree = tree_of(scenario("101"))
    step = next(step for step in tree["steps"] if "po_released_to_NODE-FPI" in step["expect"].get("effects", ()))
    step["expect"]["effects"] = ["po_released_to_NODE-MT"]
    mismatch = run_tree(tmp_path, tree).mismatch
    assert mismatch is not None
    assert mismatch.step == int(step["n"])
    assert "po_released_to_NODE-MT" in mismatch.what


def test_a_wrong_reason_fails_at_its_step_with_its_trace(tmp_path: Path) -> None:
    tree = tree_of(scenario("101"))
    step = next(step for step in tree["steps"] if step["expect"].get("reason") == "PRECHECK_INCOMPLETE")
    step["expect"]["reason"] = "WINDOW_NOT_REACHED"
    mismatch = run_tree(tmp_path, tree).mismatch
    assert mismatch is not None
    assert mismatch.step == int(step["n"])
    assert mismatch.what.startswith("expected WINDOW_NOT_REACHED, came out PRECHECK_INCOMPLETE")
    assert any("PRECHECK_INCOMPLETE" in line for line in mismatch.trace)


@pytest.mark.parametrize("named", ["12", "13", "99"])
def test_nobody_can_have_been_shown_what_comes_later(named: str, tmp_path: Path) -> None:
    tree = tree_of(scenario("208"))
    step = next(step for step in tree["steps"] if "shown_at" in step["inputs"])
    step["inputs"]["shown_at"] = named
    mismatch = run_tree(tmp_path, tree).mismatch
    assert mismatch is not None
    assert mismatch.step == 12
    assert mismatch.what == f"Malformed: step 12: shown_at is {named}, which is no step before it"


def test_an_order_that_the_dock_does_not_hold_cannot_be_forwarded(tmp_path: Path) -> None:
    tree = tree_of(scenario("207"))
    step = next(step for step in tree["steps"] if step["action"] == "po.forward")
    step["inputs"]["po"] = "PO-9"
    mismatch = run_tree(tmp_path, tree).mismatch
    assert mismatch is not None
    assert mismatch.step == int(step["n"])
    assert mismatch.what == f"Malformed: step {step['n']}: the dock holds no slip of PO-9; stage the order first"


def test_with_a_forged_slip_only_the_slip_is_wrong(tmp_path: Path) -> None:
    """The forged slip says exactly what the genuine one says: it is refused for who signed it."""
    tree = tree_of(scenario("207"))
    forged = next(step for step in tree["steps"] if step["inputs"].get("slip") == "forged")
    forged["inputs"]["node"] = "NODE-FPI"
    forged["expect"] = {"decision": "deny", "reason": "WRONG_NODE"}
    mismatch = run_tree(tmp_path, tree).mismatch
    assert mismatch is not None
    assert mismatch.step == int(forged["n"])
    assert "the slip is not signed by the business hub" in mismatch.trace[0]


# ---- holdgate test


def test_a_folder_is_run_and_its_other_files_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "worlds").symlink_to(SCENARIOS / "worlds")
    (folder / "_notes.yaml").write_text("not a scenario")
    (folder / "contract.yaml").write_text("# of the lab\nnotation: holdgate-contract/1\nfamily: SmartClientPO\n")
    (folder / "111.yaml").symlink_to(scenario("111"))
    (folder / "999.yaml").write_text("id: broken\n")
    code = main(["test", str(folder), "--jobs", "1"])
    out = capsys.readouterr().out
    assert code == 1
    assert "✓ Wrong part" in out
    assert "✗ 999" in out
    assert "1 of 2 files failed" in out
    assert "_notes" not in out
    assert "contract.yaml" not in out


def test_several_processes_and_one_line_of_json_per_file(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(scenario(number)) for number in ("111", "103")]
    code = main(["test", *files, "--jobs", "2", "--json"])
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert len(lines) == 2
    assert all('"passed":true' in line for line in lines)

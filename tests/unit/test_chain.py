"""The second story in process: what one family yields another requires; and `holdgate templates`, where its contracts come from."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from holdgate.cli.app import main
from holdgate.demo.chain import TEMPLATES
from tests.templates import FOLDERS, HOME, bundle_of, every_number

NOT_ON_THE_FLOOR = ("blockchain", "token", "widget", "node", "hash", "smart contract", "merkle", "ledger")
REFUSED = [
    "STANDARD_NOT_IN_FORCE",
    "EQUIPMENT_CAL_EXPIRED",
    "CREDENTIAL_MISSING",
    "MATERIAL_NOT_APPROVED",
    "EQUIPMENT_CAL_EXPIRED",
]


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The story as JSON, and the shop that it leaves behind."""
    shop = tmp_path_factory.mktemp("chain") / "shop"
    code, out, _ = run("demo", "--chain", "--fast", "--json", "--data", str(shop))
    assert code == 0
    return shop, [json.loads(line) for line in out.splitlines()]


def lines_of(acts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for act in acts for line in act["lines"] if line["kind"] == kind]


def test_each_thing_is_refused_until_its_own_job_is_accepted(told: tuple[Path, list[dict[str, Any]]]) -> None:
    acts = told[1]
    assert [line["code"] for line in lines_of(acts, "refused")] == REFUSED
    followed = [line["text"] for line in lines_of(acts, "follows")]
    wanted = (
        "AMS 2750 edition F is in force",
        "FCE-01 may be used, for 30 days",
        "holds SAFE-CHEM",
        "PEN-25001 may be used",
    )
    for text, fact in zip(wanted, followed, strict=False):
        assert text in fact
    assert followed[-2:] == [
        "FCE-01 may be used again; it was met out of tolerance",
        "PO-4001 J-1 is held: it was soaked in it",
    ]


def test_between_the_refusal_and_the_work_stands_the_fact(told: tuple[Path, list[dict[str, Any]]]) -> None:
    for act in told[1][1:5]:
        kinds = [line["kind"] for line in act["lines"]]
        assert kinds[0] == "refused" or kinds[1] == "refused"
        assert kinds.index("refused") < kinds.index("follows") < len(kinds) - 1
        assert kinds[-1] == "done"


def test_every_record_of_it_holds(told: tuple[Path, list[dict[str, Any]]]) -> None:
    code, out, _ = run("audit", str(told[0]), "--json")
    assert code == 0
    records = [record for record in json.loads(out)["records"] if "/VAULT/" not in record["path"]]
    assert len(records) == 4
    assert all(not record["findings"] and record["repeated"] == record["size"] > 0 for record in records)


def test_it_is_told_in_the_words_of_the_shop(told: tuple[Path, list[dict[str, Any]]]) -> None:
    for act in told[1]:
        for line in act["lines"]:
            said = " ".join((line["text"], line.get("reason") or "", line.get("remedy") or "")).lower()
            assert not [word for word in NOT_ON_THE_FLOOR if word in said], said


def test_its_contracts_are_shipped() -> None:
    assert set(TEMPLATES) <= set(FOLDERS)


# ---- holdgate templates


def test_templates_are_listed() -> None:
    code, out, _ = run("templates", "--json")
    assert code == 0
    listed = json.loads(out)
    assert [item["name"] for item in listed] == list(FOLDERS)
    for item in listed:
        found = [*every_number(bundle_of(item["name"]))]
        assert (item["numbers"], item["to_set"]) == (len(found), sum(not number.verified for number in found))


def test_one_is_shown_with_every_number_and_its_source() -> None:
    code, out, _ = run("templates", "hydrostatic")
    assert code == 0
    assert "P30  HW Raise to test pressure and hold" in out
    assert "two signatures" in out
    for number in every_number(bundle_of("hydrostatic")):
        assert f"set it  {number.place}" in out
        assert number.basis in out
    code, out, _ = run("templates", "penetrant", "--json")
    assert len(json.loads(out)["numbers"]) == len([*every_number(bundle_of("penetrant"))])


def test_one_is_copied_whole_and_never_over_something(tmp_path: Path) -> None:
    to = tmp_path / "mine"
    assert run("templates", "client-order", "--copy", str(to))[0] == 0
    copied = sorted(path.relative_to(to) for path in to.rglob("*") if path.is_file())
    home = HOME / "client-order"
    assert copied == sorted(path.relative_to(home) for path in home.rglob("*") if path.is_file())
    code, _, err = run("templates", "client-order", "--copy", str(to))
    assert code == 2
    assert "not empty" in err


def test_a_copy_says_which_other_templates_its_scenarios_need(tmp_path: Path) -> None:
    code, out, _ = run("templates", "penetrant", "--copy", str(tmp_path / "penetrant"))
    assert code == 0
    assert "need chemical-handling, penetrant-batch, standard-adoption, copied" in out
    assert "also need" not in run("templates", "client-order", "--copy", str(tmp_path / "client-order"))[1]


def test_a_copy_is_of_one_template(tmp_path: Path) -> None:
    code, out, err = run("templates", "--copy", str(tmp_path / "all"))
    assert (code, out) == (2, "")
    assert "name the template" in err


@pytest.mark.parametrize("name", ["nonsense", "../templates", "."])
def test_a_template_that_is_not_there_is_one_sentence(name: str) -> None:
    code, out, err = run("templates", name)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1

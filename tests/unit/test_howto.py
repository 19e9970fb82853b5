"""How to add something: every file and name of the page is there, in the file that its line names."""

import re
from pathlib import Path
from typing import Final

import pytest

from holdgate.law.gates.table import GATES
from tests.tidy.test_docs import exists

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "howto.md").read_text(encoding="utf-8")
STEPS: Final = re.findall(r"^\d+\. .*?(?=^\d+\. |^\n|\Z|^#)", PAGE, re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"`((?:src|tests|examples)/[\w./-]+)`")
_TABLE: Final = re.compile(r"`(_?[A-Z][A-Z_]+|[a-z_]+|[A-Z][a-z]+[A-Za-z]*)`")
NO_NAMES: Final = {"basis", "modules", "module"}
"""Words of the contract language, which the page quotes too."""


def files_of(text: str) -> list[Path]:
    return [ROOT / name for name in _FILE.findall(text)]


def source(text: str) -> str:
    """What the files that a step names hold."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files_of(text) if file.is_file())


def test_the_steps_of_each_thing_are_counted_from_one() -> None:
    counts = [int(step.partition(".")[0]) for step in STEPS]
    parts = "".join("|" if count == 1 else "." for count in counts).split("|")[1:]
    assert [len(part) + 1 for part in parts] == [14, 5, 4, 3]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.partition("**")[2].partition("**")[0] or step[:20])
def test_what_a_step_names_is_where_it_says(step: str) -> None:
    for file in files_of(step):
        assert file.exists(), f"there is no {file.relative_to(ROOT)}"
    for name in set(_TABLE.findall(step)) - NO_NAMES:
        assert re.search(rf"\b{name}\b", source(step)), f"none of the files of this step holds {name}:\n{step}"


def test_every_file_of_the_page_is_there() -> None:
    assert len(files_of(PAGE)) > 30
    assert [file for file in files_of(PAGE) if not file.exists()] == []


def test_the_example_of_the_page_is_a_gate_with_its_act_and_its_event() -> None:
    (gate,) = (gate for gate in GATES if gate.name == "points.held")
    assert gate.check.__module__ == "holdgate.law.gates.points"
    for dotted in re.findall(r"`(holdgate\.[\w.]+)`", PAGE):
        assert exists(dotted), dotted


def test_a_name_that_is_elsewhere_is_found_out() -> None:
    step = "1. The row, in `GATES` of `src/holdgate/law/denial.py`."
    with pytest.raises(AssertionError, match="GATES"):
        test_what_a_step_names_is_where_it_says(step)
    with pytest.raises(AssertionError, match="nowhere"):
        test_what_a_step_names_is_where_it_says("1. In `src/holdgate/law/nowhere.py`.")

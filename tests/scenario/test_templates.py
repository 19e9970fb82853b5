"""Every scenario of every shipped template, on real sites."""

from pathlib import Path

import pytest

from holdgate.scenario.continued import read_whole
from holdgate.scenario.run import run_file
from tests.templates import HOME

FILES = sorted(HOME.glob("*/scenarios/*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_it_comes_out_as_expected(path: Path) -> None:
    result = run_file(path)
    assert result.mismatch is None
    assert result.steps == len(read_whole(path).steps)
    assert result.repeated == result.entries > 0


def test_every_awkward_case_holds_a_refusal_or_a_fact_that_is_none() -> None:
    """A scenario that only goes well is the happy path."""
    for path in FILES:
        scenario = read_whole(path)
        refused = [step for step in scenario.steps if step.expect.decision == "deny"]
        odd = [effect for step in scenario.steps for effect in step.expect.effects if effect == "nonconforming_reading"]
        assert refused or odd or path.stem in ("00-standard-adopted", "10-happy-path", "20-client-silent"), path

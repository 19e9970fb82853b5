"""Logged series at law level: what silence, excursions and late values do to steps, executions and reports."""

import pytest

from holdgate.law import command as c
from tests.builders import LAB_TEMP, S
from tests.labs import lab

# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0.0000000", "-0.0000001", "0.000000000001"])
def test_a_small_number_is_kept_as_it_was_written(value: str) -> None:
    """A number that Python would show with an exponent is read again by the next start."""
    world = lab("S10").later(S)
    world.do(c.LogEnvironment, value=value)
    assert world.state.series[f"{LAB_TEMP.series}/PROBE"].value == value
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)

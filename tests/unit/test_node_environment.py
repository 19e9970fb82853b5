"""Logged series at law level: what silence, excursions and late values do to steps, executions and reports."""

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law.environment import good
from tests.builders import LAB_TEMP, S, World, node
from tests.labs import lab

# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0.0000000", "-0.0000001", "0.000000000001"])
def test_a_small_number_is_kept_as_it_was_written(value: str) -> None:
    """A number that Python would show with an exponent is read again by the next start."""
    world = lab("S10").later(S)
    world.do(c.LogEnvironment, value=value)
    assert world.state.series[f"{LAB_TEMP.series}/PROBE"].value == value
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)


def test_a_value_in_another_unit_is_not_compared() -> None:
    """It was logged before a contract said which unit counts: 24 degF is no temperature of this room."""
    world = node()
    world.do(c.LogEnvironment, value="24", unit="degF")
    world.release(sheet={"environment": (LAB_TEMP,)})
    world.received().job().done("S10")
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)
    world.later(S).do(c.LogEnvironment, value="24")
    assert world.ask(c.StartStep).decide().allowed


def test_two_contracts_that_name_two_units_do_not_read_each_others_values() -> None:
    world = node()
    world.release(sheet={"environment": (replace(LAB_TEMP, unit="degF", min="68", max="79"),)}, version="0")
    world.release(sheet={"environment": (LAB_TEMP,)})
    world.received().job().done("S10")
    world.do(c.LogEnvironment, value="24", unit="degF")
    assert world.ask(c.StartStep).decide().codes == ("ENV_OUT_OF_LIMIT",)


def watched_late(value: str) -> World:
    """A series was logged, then the first contract that declares it was released, and a job started."""
    world = node()
    world.do(c.LogEnvironment, value=value)
    world.later(S).release(sheet={"environment": (LAB_TEMP,)})
    return world.received().later(S).job()


@pytest.mark.parametrize(("value", "bad"), [("26", False), ("26.1", True)])
@pytest.mark.parametrize("after", [None, "22", "27"])
def test_an_excursion_counts_that_began_before_the_contract_was_known(value: str, after: str | None, bad: bool) -> None:
    world = watched_late(value)
    start = world.now
    if after is not None:
        world.later(S).do(c.LogEnvironment, value=after)
    (watch,) = next(iter(world.library.techniques.values())).watches
    found = good(world.state, watch, start, start + 1, world.now)
    assert (found is not None) == bad
    assert found is None or found[0] == "ENV_OUT_OF_LIMIT"


def test_a_resumption_looks_at_every_series() -> None:
    """Two series of one sensor with the same limits are two."""
    bath = replace(LAB_TEMP, series="bath_temp")
    world = lab("S10", environment=(LAB_TEMP, bath))
    world.do(c.LogEnvironment, series="bath_temp")
    world.later(S).opened("S20").readings().later(S)
    world.do(c.LogEnvironment, value="30")
    assert world.ask(c.ResumeJob).decide().codes == ("ENV_OUT_OF_LIMIT",)
    world.later(S).do(c.LogEnvironment)
    world.do(c.ResumeJob)


def test_a_job_that_is_over_does_not_fail() -> None:
    world = lab("S10").later(S).opened("S20")
    world.do(c.TerminateJob)
    events = world.do(c.LogEnvironment, value="30").events
    assert [type(event).__name__ for event in events] == ["EnvironmentLogged", "EnvironmentBroken"]

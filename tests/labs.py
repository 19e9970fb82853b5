"""A node's job in the states that the node's own law is about, with what is usually asked for there."""

from typing import Any, Final

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Hold
from tests.builders import FULL_SHEET, JOB, PO, POINTS, RETEST, S, World, running

AUTO: Final = f"auto-{JOB}-S20"
BARE: Final[dict[str, Any]] = {"equipment": (), "materials": ()}


def lab(*done: str, patch: dict[str, dict[str, Any]] | None = None, **sheet: Any) -> World:
    """A running job with everything that a technique can declare, in a room that is logged and good."""
    world = running(patch, *done, sheet=FULL_SHEET | sheet)
    world.do(c.LogEnvironment)
    return world


def opened(**sheet: Any) -> World:
    """The watched step is open, and everything that it asks for is read."""
    return lab("S10", **sheet).later(S).opened("S20").readings()


def broken() -> World:
    """An execution that failed: it was too warm while the step was open."""
    world = opened().later(S)
    world.do(c.LogEnvironment, value="26.1")
    return world


def mended() -> World:
    """An execution that failed, in a room that is good again."""
    world = broken().later(S)
    world.do(c.LogEnvironment)
    return world


def watch_key(world: World) -> str:
    """How the declaration of the series is kept."""
    technique = world.library.technique(world.state.jobs[f"{PO}/{JOB}"].technique)
    assert technique is not None
    return technique.watches[0].key


def before_the_hold(party: str = "client") -> World:
    """The step with a hold point is next."""
    return running({"S30": {"hold": Hold(party=party)}}, "S10", "S20").later(700 * S)


def invited() -> World:
    """The witness of the next step has been told just now."""
    world = running(POINTS, "S10")
    world.do(c.NotifyWitness)
    return world


def permit(**changes: Any) -> World:
    """A permit for the pump was issued just now."""
    world = lab("S10")
    world.do(c.AskModule, **changes)
    return world


GRANTED: Final[dict[str, Any]] = {
    "disposition": "use_as_is",
    "concession": "CON-1",
    "others": (("BUYER", "client"),),
}
"""A disposition with the client and its concession."""


def recalled() -> World:
    """The oven's check failed after a step was done with it."""
    flag = ev.NonconformanceOpened(order=PO, job=JOB, ncr="recall-OVEN-1-J-1", step="", equipment="OVEN-1")
    return running(None, "S10", "S20").fold(flag)


def failed(**sheet: Any) -> World:
    """The test failed; one retest can be authorised."""
    return running(None, "S10", sheet={"retest": RETEST, **sheet}).failed()


def open_step() -> World:
    """The second step was just started."""
    return running(None, "S10").opened("S20")


def one_bad_part() -> World:
    """Everything is read; the gap of part A is too narrow."""
    return (
        open_step()
        .read("temp", "75")
        .read("gap", "0.5", "A", conforms=False)
        .read("gap", "1.5", "B")
        .read("press", "100")
    )

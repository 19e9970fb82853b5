"""Call Level III: nobody at a job is ever kept from it, and nothing of the job changes by it."""

from collections.abc import Callable

import msgspec
import pytest
from msgspec import Raw

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Demand
from holdgate.law.decision import allow
from holdgate.law.options import options
from holdgate.law.says import can_say
from holdgate.ledger.entry import Entry, LawRef, Source
from holdgate.query.calls import KEPT, Calls
from holdgate.query.record import Place, Said
from holdgate.terms import canon
from tests.builders import JOB, PO, T0, World, running
from tests.labs import broken, opened

KEY = f"{PO}/{JOB}"


def red_tagged() -> World:
    return opened().tagged("A")


def stopped() -> World:
    world = opened()
    record = world.state.contracts[world.state.jobs[KEY].sha256]
    record.suspended = True
    assert "CONTRACT_SUSPENDED" in world.ask(c.SignStep).decide().codes
    return world


@pytest.mark.parametrize("made", [opened, broken, red_tagged, stopped], ids=lambda one: one.__name__)
@pytest.mark.parametrize("by", ["TECH", "NOVICE", "QA", "L3"])
def test_help_is_called_whatever_stands_in_the_way_of_the_work(made: Callable[[], World], by: str) -> None:
    asked = made().ask(c.CallHelp, by=by)
    assert asked.decide().events == (ev.HelpCalled(order=PO, job=JOB, step="S20", by=by),)


def test_no_reason_has_to_be_given() -> None:
    assert opened().ask(c.CallHelp, reason="").decide().allowed


def test_nothing_of_the_job_changes() -> None:
    world = opened()
    before = msgspec.msgpack.encode(world.state.jobs[KEY])
    world.do(c.CallHelp)
    world.do(c.CallHelp)
    assert msgspec.msgpack.encode(world.state.jobs[KEY]) == before


def test_a_contract_cannot_ask_for_a_cert_of_whoever_calls() -> None:
    world = running(None, "S10", demands=(Demand(act="help.call", credentials=("OVEN",)),))
    assert world.ask(c.CallHelp, by="NOVICE").decide().allowed


def test_an_import_holds_a_call_against_what_was_signed() -> None:
    command = opened().ask(c.CallHelp).command
    called = ev.HelpCalled(order=PO, job=JOB, step="S20", by="TECH")
    assert can_say(command, called)
    for field, other in (("order", "PO-9"), ("job", "J-9"), ("step", "S30"), ("by", "QA")):
        assert not can_say(command, msgspec.structs.replace(called, **{field: other}))


def test_it_is_offered_at_the_op_where_the_job_is() -> None:
    def at(world: World) -> list[tuple[str, bool]]:
        offered = options(world.state, world.library, "TECH", "technician", world.now, None, KEY)
        return [(one.fields["step"], one.allowed) for one in offered if one.act == "help.call"]

    assert at(opened()) == [("S20", True)]
    assert at(running(None, "S10")) == [("S20", True)]
    assert at(broken()) == [("S20", True)]


def test_the_index_keeps_the_newest_calls_and_a_sub_lot_has_its_jobs() -> None:
    calls = Calls()
    for number in range(KEPT + 1):
        calls.take(said_of(ev.HelpCalled(order=PO, job="J-1", step="S20", by="TECH"), number), number)
    calls.take(said_of(ev.HelpCalled(order=PO, job="J-2", step="S10", by="QA"), 90), 90)
    assert [call.seq for call in calls.of(f"{PO}/J-1")] == [*range(KEPT, 0, -1)]
    assert list(calls.jobs()) == [f"{PO}/J-2", f"{PO}/J-1"]
    split = ev.JobSplit(order=PO, job="J-2", jobs=("J-2a", "J-2b"), serials=(("A",), ("B",)))
    calls.take(said_of(split, 91), 91)
    assert [call.by for call in calls.of(f"{PO}/J-2b")] == ["QA"]


def said_of(event: ev.AnyEvent, seq: int) -> Said:
    """An entry that says this, with nothing signed in it."""
    decision = allow(event)
    entry = Entry(
        site="N-1",
        seq=seq,
        epoch="e",
        at=T0 + seq,
        kind="boot",
        subject="s",
        source=Source(module="N-1", node="N-1"),
        law=LawRef(semantics=1),
        decision=Raw(canon.encode(decision)),
    )
    return Said(Place("N-1", seq), entry, decision)

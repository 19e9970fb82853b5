"""Questions to a state: who may do an operation, what runs out, what stands open, which contracts name a standard."""

from typing import Any

import pytest

from holdgate.law import event as ev
from holdgate.law.contract import Hold, OnFailed, Standard, Witness
from holdgate.law.state import State
from holdgate.query.due import DAY_US, Due, due
from holdgate.query.standards import Naming, namings
from holdgate.query.standing import Open, standing
from holdgate.query.who import Candidate, Who, who
from holdgate.query.words import moment
from holdgate.terms.errors import Malformed
from tests.builders import (
    BENCH,
    CLIENT,
    CONTRACT,
    JOB,
    PO,
    T0,
    VERSION,
    YEAR,
    S,
    World,
    accepted_job,
    encoded,
    hub,
    node,
    running,
)

# ---- who -----------------------------------------------------------------------------------------------------------


def asked(world: World, step: str = "S20", version: str | None = None, job: str = "") -> Who:
    return who(world.state, world.library, CONTRACT, version, step, world.now, job)


def named(found: Who) -> dict[str, Candidate]:
    return {person.id: person for person in found.people}


def released() -> World:
    """A node that knows a contract in force, and no order."""
    world = node()
    world.release()
    return world


def test_who_may_until_when_and_who_would_if_what() -> None:
    found = asked(released())
    assert (found.step, found.role, found.credentials, found.places) == ("S20", "technician", ("VT",), (BENCH,))
    people = named(found)
    assert (people["TECH"].may, people["TECH"].until, people["TECH"].because) == (True, moment(T0 + YEAR), "VT")
    assert [lack.code for lack in people["NOVICE"].lacks] == ["CREDENTIAL_MISSING"]
    assert [lack.code for lack in people["L3"].lacks] == ["ROLE_NOT_AUTHORISED"], "qualified, and in another role"
    assert "PM" not in people, "neither the role nor the qualification"
    assert [person.may for person in found.people] == [True, True, True, False, False]


def test_a_permission_ends_with_the_first_qualification_that_the_law_misses() -> None:
    world = released()
    world.fold(ev.CredentialGranted(person="TECH", credential="UNRELATED", until=world.now + 5))
    world.fold(ev.CredentialGranted(person="TECH", credential="VT", until=world.now + 9))
    tech = named(asked(world))["TECH"]
    assert (tech.until, tech.because) == (moment(world.now + 9), "VT")
    assert named(asked(world.later(9)))["TECH"].may
    assert [lack.code for lack in named(asked(world.later(1)))["TECH"].lacks] == ["CREDENTIAL_EXPIRED"]


def test_an_op_without_qualifications_has_no_known_end() -> None:
    tech = named(asked(released(), "S10"))["NOVICE"]
    assert (tech.may, tech.until) == (True, "")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (ev.IdentityDisabled(id="TECH"), "IDENTITY_DISABLED"),
        (ev.CredentialRevoked(person="TECH", credential="VT"), "CREDENTIAL_REVOKED"),
        (ev.PolicyUpdated(policy="P", zone="LAB", credential="UV", version=1), "CREDENTIAL_MISSING"),
    ],
    ids=["de-authorised", "revoked", "an access policy asks for more"],
)
def test_what_the_law_learns_changes_the_answer(event: ev.AnyEvent, code: str) -> None:
    world = released().fold(event)
    assert [lack.code for lack in named(asked(world))["TECH"].lacks] == [code]


def test_the_assignment_of_a_job_counts_for_that_job_only() -> None:
    world = running(None, "S10")
    world.fold(ev.JobAssigned(order=PO, job=JOB, technician="TECH2"))
    of_the_job = named(asked(world, job=f"{PO}/{JOB}"))
    assert of_the_job["TECH2"].may
    assert [lack.code for lack in of_the_job["TECH"].lacks] == ["NOT_ASSIGNED"]
    assert named(asked(world))["TECH"].may


def test_the_jobs_own_turn_is_told_apart_from_people() -> None:
    found = asked(running(), job=f"{PO}/{JOB}")
    assert named(found)["TECH"].may
    assert any("S10" in text for text in found.waits)
    assert asked(running(None, "S10"), job=f"{PO}/{JOB}").waits == ()


def test_without_a_workstation_in_the_area_nobody_has_a_place() -> None:
    world = node()
    world.release({"S20": {"zones": ("MOON",)}})
    found = asked(world)
    assert found.places == ()
    assert named(found)["TECH"].may, "the person may; the place is another question"


def test_asking_changes_nothing() -> None:
    world = running(None, "S10")
    before = encoded(world.state)
    asked(world)
    asked(world, job=f"{PO}/{JOB}")
    assert encoded(world.state) == before


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"step": "S99"}, "S99 is no operation of SP-1; there are S10, S20, S30"),
        ({"version": "9"}, "knows no contract SP-1 version 9"),
        ({"job": "PO-1/J-9"}, "no running job PO-1/J-9"),
    ],
)
def test_what_is_not_there_is_said(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        asked(running(), **fields)
    with pytest.raises(Malformed, match="knows no contract SP-2 in force"):
        who(running().state, running().library, "SP-2", None, "S20", T0)


# ---- due -----------------------------------------------------------------------------------------------------------


def runs_out(world: World, days: int) -> list[Due]:
    return due(world.state, world.library, world.now, days)


def shop() -> World:
    world = hub()
    world.release()
    return world


def test_what_runs_out_is_listed_by_its_day() -> None:
    world = shop()
    day = world.now + DAY_US
    world.fold(ev.CredentialGranted(person="TECH", credential="VT", until=day))
    world.equipment(cal_until=day + 1)
    world.material(until=day + 2)
    world.staged(document_until={"drawing": day + 3})
    found = runs_out(world, 30)
    assert [(row.kind, row.id, row.whose) for row in found] == [
        ("credential", "VT", "TECH"),
        ("calibration", "OVEN-1", "oven"),
        ("batch", "WAX-1", "wax"),
        ("document", "drawing", PO),
    ]
    assert {row.days for row in found} == {1}
    assert {row.named_by for row in found} == {(f"{CONTRACT} {VERSION}",)}


def test_the_horizon_is_inclusive_and_what_is_over_stays_on_the_list() -> None:
    world = shop()
    world.fold(ev.CredentialGranted(person="NOVICE", credential="UT", until=world.now + 7 * DAY_US))
    assert [row.id for row in runs_out(world, 7)] == ["UT"]
    assert runs_out(world, 6) == []
    (row,) = runs_out(world.later(8 * DAY_US), 0)
    assert (row.id, row.days, row.over, row.named_by) == ("UT", -1, True, ())


def test_what_is_out_of_use_runs_out_for_nobody() -> None:
    world = shop()
    soon: dict[str, Any] = {"until": world.now + 1}
    world.fold(ev.CredentialGranted(person="TECH", credential="VT", **soon), ev.IdentityDisabled(id="TECH"))
    world.fold(ev.CredentialGranted(person="TECH2", credential="VT", **soon))
    world.fold(ev.CredentialRevoked(person="TECH2", credential="VT"))
    world.equipment(cal_until=world.now + 1, in_service=False).material(approved=False, **soon)
    assert runs_out(world, 30) == []


def test_documents_count_while_something_may_still_be_done_under_the_order() -> None:
    world = accepted_job()
    world.state.orders[PO].documents = {"drawing": world.now + 1}
    assert [row.id for row in runs_out(world, 1)] == ["drawing"]
    world.state.verified[PO] = {"drawing": None}
    assert runs_out(world, 1) == [], "Compliance verified it for good"
    world.state.verified[PO] = {"drawing": world.now + 2}
    assert [row.until for row in runs_out(world, 1)] == [moment(world.now + 2)]
    world.qa_accepted().fold(ev.ComplianceAccepted(order=PO, job=JOB, by="CO"))
    assert runs_out(world, 1) == []


def test_an_adopted_standard_runs_out() -> None:
    world = hub()
    world.release(sheet={"requires": (Standard(standard="ASTM E1417", edition="21"),)})
    world.fold(ev.StandardAdopted(standard="ASTM E1417", edition="21", until=world.now + DAY_US))
    (row,) = runs_out(world, 2)
    assert (row.kind, row.id, row.whose, row.named_by) == ("standard", "ASTM E1417", "21", (f"{CONTRACT} {VERSION}",))


# ---- what stands open ----------------------------------------------------------------------------------------------


def stands(world: World) -> list[Open]:
    return standing(world.state, world.library)


def pointed() -> dict[str, dict[str, Any]]:
    return {
        "S20": {"hold": Hold(party="client")},
        "S30": {"hold": Hold(party="qa"), "witness": Witness(party="client", notice_s=60)},
    }


def test_points_ahead_and_the_one_that_work_waits_for() -> None:
    world = running(pointed())
    assert [(row.kind, row.step, row.next) for row in stands(world)] == [
        ("hold point", "S20", False),
        ("hold point", "S30", False),
        ("witness point", "S30", False),
    ]
    world.done("S10")
    (first, *_) = stands(world)
    assert (first.step, first.next, first.waits_for, first.client) == ("S20", True, ("client",), CLIENT)
    world.fold(ev.HoldReleased(order=PO, job=JOB, step="S20", by="BUYER"))
    assert [(row.kind, row.step, row.next) for row in stands(world)] == [
        ("hold point", "S30", False),
        ("witness point", "S30", False),
    ], "the step that is next is held no more"
    world.done("S20").fold(ev.WitnessNotified(order=PO, job=JOB, step="S30"))
    assert [(row.kind, row.step, row.next) for row in stands(world)] == [("hold point", "S30", True)]
    world.opened("S30")
    assert stands(world) == []


def test_an_open_nonconformance_waits_for_the_matrix_of_its_contract() -> None:
    world = running(None, "S10").tagged("A", ncr="N-1")
    (row,) = stands(world)
    assert (row.kind, row.id, row.about, row.next, row.why) == ("nonconformance", "N-1", f"{PO}/{JOB}", True, "A")
    assert row.waits_for == ("qa", "level3", f"the client ({CLIENT})")
    assert row.entry > 0
    world.disposed("rework", ncr="N-1")
    assert stands(world) == []


def test_a_recall_says_of_what() -> None:
    world = running(None, "S10").fold(
        ev.NonconformanceOpened(order=PO, job=JOB, ncr="recall-OVEN-1-J-1", step="", equipment="OVEN-1")
    )
    assert stands(world)[0].why == "recall of OVEN-1"


def test_a_failed_execution_waits_for_those_whom_the_contract_names() -> None:
    world = running(None, "S10", sheet={"on_failed": OnFailed(resume=("qa", "level3"))})
    world.fold(ev.JobFailed(order=PO, job=JOB, why="ROOM was silent"))
    (row,) = stands(world)
    assert (row.kind, row.waits_for, row.why) == ("failed execution", ("qa", "level3"), "ROOM was silent")


def test_stop_work_stands_open_at_the_hub() -> None:
    world = shop()
    world.fold(ev.ContractSuspended(sha256=world.sha, by="L3"))
    (row,) = stands(world)
    assert (row.kind, row.about, row.waits_for) == ("stop-work", f"{CONTRACT} version {VERSION}", ("level3", "qa"))
    world.fold(ev.ContractResumed(sha256=world.sha, by="L3"))
    assert stands(world) == []


def test_what_is_over_stands_open_no_more() -> None:
    world = running(pointed()).tagged("A")
    world.fold(ev.JobTerminated(order=PO, job=JOB, by="PM"))
    assert stands(world) == []


# ---- standards -----------------------------------------------------------------------------------------------------


def names(state: World, text: str = "", edition: str = "") -> list[Naming]:
    return namings(state.state, state.library, state.now, text, edition)


def test_which_versions_name_a_standard_and_whether_a_job_would_find_it() -> None:
    world = hub()
    world.release(standards=("ASTM E1417/E1417M", "NAS 410"))
    needs = (Standard(standard="ASTM E1417", edition="21"),)
    world.release(version="2", standards=("NAS 410",), sheet={"requires": needs})
    found = names(world, "e1417")
    assert [(row.standard, row.edition, row.version, row.status, row.holds) for row in found] == [
        ("ASTM E1417", "21", "2", "active", "no"),
        ("ASTM E1417/E1417M", "", "1", "superseded", ""),
    ]
    assert [row.version for row in names(world, "NAS")] == ["1", "2"]
    world.fold(ev.StandardAdopted(standard="ASTM E1417", edition="21", until=world.now))
    assert [row.holds for row in names(world, edition="21")] == ["yes"]
    assert [row.holds for row in names(world.later(1), edition="21")] == ["no"]
    world.fold(ev.StandardAdopted(standard="ASTM E1417", edition="25", until=world.now + S))
    (row,) = names(world, edition="21")
    assert (row.holds, row.adopted) == ("no", "25")
    assert names(world, "ISO 9712") == []


def test_a_stopped_version_is_said_to_be_stopped() -> None:
    world = hub()
    world.release(standards=("NAS 410",))
    world.fold(ev.ContractSuspended(sha256=world.sha, by="L3"))
    assert [row.status for row in names(world)] == ["stopped"]


def test_an_empty_shop_answers_too() -> None:
    world = hub()
    world.state.equipment, world.state.materials = {}, {}
    for identity in world.state.identities.values():
        identity.credentials = {}
    assert (runs_out(world, 10), stands(world), names(world)) == ([], [], [])
    assert isinstance(world.state, State)

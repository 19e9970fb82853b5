"""Gates of the seats: which node joins the shop, which one may leave it, and what is decided at one that has no seat."""

from typing import Any

import pytest

from holdgate.crypto.hashes import sha256
from holdgate.crypto.sealed import SealingKey
from holdgate.law import command as c
from holdgate.law import event as ev
from tests.builders import FLOOR, HUB, JOB, NODE, OTHER_NODE, PO, ROOT, World, accepted_job, hub, key_of, node
from tests.gate_cases import Pair, Row, case, checked, rows_of, two

NEW = "NODE-3"


def enrolled(name: str = NEW) -> ev.SiteEnrolled:
    sealing = SealingKey(sha256(f"seal {name}".encode())).public
    return ev.SiteEnrolled(id=name, kind="node", origin=f"test/{name}", key=key_of(name).public, sealing_key=sealing)


# ---- joining -------------------------------------------------------------------------------------------------------


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_site_with_a_key_of_small_order() -> Pair:
    return two(hub(), c.EnrolSite, key=bytes(32))


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_site_with_the_key_of_a_person() -> Pair:
    return two(hub(), c.EnrolSite, key=key_of("TECH").public)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_site_with_the_key_of_another_site() -> Pair:
    return two(hub(), c.EnrolSite, key=key_of(NODE).public)


@case("enrolment.key", "ALREADY_DONE")
def a_site_under_the_name_of_a_person() -> Pair:
    return two(hub(), c.EnrolSite, id="TECH", origin="test/TECH", others=(("QA", "qa"), ("TECH", "newcomer")))


@case("enrolment.key", "ALREADY_DONE")
def a_site_that_joined_already() -> Pair:
    return hub().fold(enrolled()).ask(c.EnrolSite), hub().ask(c.EnrolSite)


@case("enrolment.key", "ALREADY_DONE")
def a_site_under_the_name_of_one_that_was_retired() -> Pair:
    gone = hub().fold(ev.SiteRetired(id=OTHER_NODE))
    named: dict[str, Any] = {
        "id": OTHER_NODE,
        "origin": f"test/{OTHER_NODE}",
        "others": (("QA", "qa"), (OTHER_NODE, "newcomer")),
    }
    return gone.ask(c.EnrolSite, **named), gone.ask(c.EnrolSite)


@case("enrolment.sponsors", "SELF_APPROVAL")
def one_officer_alone_lets_a_site_in() -> Pair:
    return two(hub(), c.EnrolSite, others=(("TECH", "technician"), (NEW, "newcomer")))


@case("enrolment.sponsors", "KEY_NOT_ACCEPTED")
def the_new_site_does_not_sign() -> Pair:
    return two(hub(), c.EnrolSite, others=(("QA", "qa"),))


@case("enrolment.sponsors", "SELF_APPROVAL")
def one_officer_alone_retires_a_site() -> Pair:
    return two(hub(), c.RetireSite, others=())


@case("people.role", "ROLE_NOT_AUTHORISED")
def qa_lets_a_site_in() -> Pair:
    return two(hub(), c.EnrolSite, by="QA", others=(("ADMIN", "admin"), (NEW, "newcomer")))


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_second_business_hub() -> Pair:
    return two(hub(), c.EnrolSite, kind="business_hub")


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_second_vault() -> Pair:
    return two(hub(), c.EnrolSite, kind="vault")


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_site_with_the_log_of_another_one() -> Pair:
    return two(hub(), c.EnrolSite, origin=f"test/{NODE}")


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_site_with_a_log_of_another_shop() -> Pair:
    return two(hub(), c.EnrolSite, origin=f"elsewhere/{NEW}")


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_site_that_calls_itself_as_a_host_of_the_hub_is_called() -> Pair:
    name = f"{HUB}.b"
    named: dict[str, Any] = {"id": name, "origin": f"test/{name}", "others": (("QA", "qa"), (name, "newcomer"))}
    return hub().ask(c.EnrolSite, **named), hub().ask(c.EnrolSite)


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_site_with_the_root_key() -> Pair:
    return two(hub(), c.EnrolSite, key=ROOT.public)


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_sealing_key_that_another_node_opens() -> Pair:
    world = hub().fold(enrolled("NODE-4"))
    return two(world, c.EnrolSite, sealing_key=enrolled("NODE-4").sealing_key)


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_sealing_key_that_hides_nothing() -> Pair:
    return two(hub(), c.EnrolSite, sealing_key=bytes(32))


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_sealing_key_that_is_cut_short() -> Pair:
    return two(hub(), c.EnrolSite, sealing_key=b"short")


# ---- leaving -------------------------------------------------------------------------------------------------------


@case("seats.idle", "WRONG_NODE")
def retiring_the_dock() -> Pair:
    return two(hub(), c.RetireSite, id=FLOOR)


@case("seats.idle", "WRONG_NODE")
def retiring_a_site_that_nobody_knows() -> Pair:
    return two(hub(), c.RetireSite, id=NEW)


@case("seats.idle", "ALREADY_DONE")
def retiring_a_site_again() -> Pair:
    return hub().fold(ev.SiteRetired(id=OTHER_NODE)).ask(c.RetireSite), hub().ask(c.RetireSite)


@case("seats.idle", "NODE_BUSY")
def retiring_a_node_that_an_order_is_staged_for() -> Pair:
    world = hub()
    world.release()
    return two(world.accepted().staged(), c.RetireSite, id=NODE)


@case("entries.reason", "REASON_REQUIRED")
def retiring_without_a_reason() -> Pair:
    return two(hub(), c.RetireSite, reason=" ")


@case("orders.stageable", "SITE_RETIRED")
def an_order_for_a_node_that_left() -> Pair:
    world = hub()
    world.release()
    world.accepted()
    gone = world.copy().fold(ev.SiteRetired(id=OTHER_NODE))
    return gone.ask(c.StageOrder, node=OTHER_NODE), world.ask(c.StageOrder, node=OTHER_NODE)


# ---- at a node -----------------------------------------------------------------------------------------------------


@case("location.site", "SITE_RETIRED")
def an_act_at_a_node_that_was_retired() -> Pair:
    world = node()
    return world.copy().fold(ev.SiteRetired(id=NODE)).ask(c.CheckEquipment), world.ask(c.CheckEquipment)


def newcomer(*heard: ev.AnyEvent) -> World:
    """A node that the charter does not name, with what it has heard."""
    world = node()
    world.state.site = NEW
    return world.fold(*heard)


@case("location.site", "UNKNOWN_IDENTITY")
def an_act_at_a_node_before_it_heard_that_it_joined() -> Pair:
    return newcomer().ask(c.CheckEquipment), newcomer(enrolled()).ask(c.CheckEquipment)


@case("location.site", "UNKNOWN_IDENTITY")
def an_act_at_a_node_that_has_the_name_of_a_person() -> Pair:
    world = node()
    world.state.site = "TECH"
    return world.ask(c.CheckEquipment), node().ask(c.CheckEquipment)


# ---- what the cases do not show ------------------------------------------------------------------------------------


def test_what_a_busy_node_still_has_is_named() -> None:
    world = accepted_job()
    world.state.jobs[f"{PO}/{JOB}"].handed_over = False
    denial = world.ask(c.RetireSite, id=NODE).decide().denials[0]
    assert denial.code == "NODE_BUSY"
    assert denial.values["work"] == (f"job {JOB} of {PO}", f"order {PO}")


def test_a_node_whose_jobs_are_all_over_may_leave() -> None:
    world = accepted_job()
    world.state.jobs[f"{PO}/{JOB}"].handed_over = True
    assert world.ask(c.RetireSite, id=NODE).decide().allowed


def test_a_seat_is_never_given_twice() -> None:
    world = hub().fold(enrolled())
    for again in (enrolled(), enrolled(NODE)):
        with pytest.raises(LookupError):
            world.fold(again)


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)


def test_a_node_that_is_lost_leaves_with_work_on_it() -> None:
    """Its machine was stolen: nobody will finish there, and its key has to end now."""
    world = hub().accepted().staged()
    asked = world.ask(c.RetireSite, id=NODE, lost=True)
    assert asked.decide().allowed
    assert "NODE_BUSY" in world.ask(c.RetireSite, id=NODE).decide().codes
    assert not world.ask(c.RetireSite, id=NODE, lost=True, others=()).decide().allowed
    assert "WRONG_NODE" in world.ask(c.RetireSite, id=FLOOR, lost=True).decide().codes

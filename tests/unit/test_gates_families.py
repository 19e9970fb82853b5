"""Gates of the families: what an order is about, which standards hold, who may decide about whom, what a contract demands."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Authority, Demand, SmartQA, Standard, document_digest, encode_document
from tests.builders import T0, YEAR, World, accepted_job, hub, node, running
from tests.gate_cases import Pair, Row, case, checked, rows_of, two

E1417 = Standard(standard="ASTM E1417", edition="21")


# ---- standards -----------------------------------------------------------------------------------------------------


def written_to(*adopted: ev.StandardAdopted) -> World:
    """A node with an order under a technique that is written to E1417-21."""
    world = node()
    world.release(sheet={"requires": (E1417,)})
    world.fold(*adopted)
    return world.received()


def adoption(edition: str = "21", until: int = T0 + YEAR) -> ev.StandardAdopted:
    return ev.StandardAdopted(standard="ASTM E1417", edition=edition, until=until)


@case("standards.in_force", "STANDARD_NOT_IN_FORCE")
def a_job_to_a_standard_that_nobody_adopted() -> Pair:
    return written_to().ask(c.StartJob), written_to(adoption()).ask(c.StartJob)


@case("standards.in_force", "STANDARD_NOT_IN_FORCE")
def a_job_to_an_edition_that_was_replaced() -> Pair:
    return written_to(adoption(), adoption("24")).ask(c.StartJob), written_to(adoption()).ask(c.StartJob)


@case("standards.in_force", "STANDARD_NOT_IN_FORCE")
def a_job_one_microsecond_after_the_adoption_ran_out() -> Pair:
    over = written_to(adoption(until=written_to().now - 1))
    return over.ask(c.StartJob), written_to(adoption(until=written_to().now)).ask(c.StartJob)


# ---- what an order is about ----------------------------------------------------------------------------------------


def about(subject: str) -> World:
    """A business hub where an order about such a thing was accepted."""
    world = hub()
    world.release(sheet={"subject": subject})
    return world.accepted()


def ordering(subject: str, serials: tuple[str, ...], good: tuple[str, ...], part_no: str = "oven") -> Pair:
    world = about(subject)
    return (
        world.ask(c.StageOrder, serials=serials, part_no=part_no),
        world.ask(c.StageOrder, serials=good, part_no="oven"),
    )


@case("orders.subject", "EQUIPMENT_UNKNOWN")
def calibrating_what_is_not_in_the_register() -> Pair:
    return ordering("equipment", ("OVEN-9",), ("OVEN-1",))


@case("orders.subject", "EQUIPMENT_NOT_IN_CONTRACT")
def calibrating_a_thermometer_as_an_oven() -> Pair:
    return ordering("equipment", ("THERM-1",), ("OVEN-1",))


@case("orders.subject", "UNKNOWN_IDENTITY")
def training_somebody_who_is_not_enrolled() -> Pair:
    return ordering("person", ("NOBODY",), ("TECH",))


@case("orders.subject", "PO_NOT_STAGED")
def a_document_for_an_order_that_there_is_not() -> Pair:
    world = about("document")
    world.fold(replace(world.staged_event(), order="PO-7"))
    return world.ask(c.StageOrder, serials=("PO-8",)), world.ask(c.StageOrder, serials=("PO-7",))


# ---- nobody decides about himself ----------------------------------------------------------------------------------


def training(world: World, trainee: str) -> World:
    """The job is about this person."""
    for job in world.state.jobs.values():
        job.serials = (trainee,)
    return world


@case("signatures.not_subject", "SELF_APPROVAL")
def qa_accepts_the_training_of_qa() -> Pair:
    count: dict[str, Any] = {"quantities": c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)}

    def world(trainee: str) -> World:
        return training(accepted_job(sheet={"subject": "person"}), trainee)

    return world("QA").ask(c.SignQa, **count), world("TECH").ask(c.SignQa, **count)


# ---- what a contract demands ---------------------------------------------------------------------------------------


@case("tokens.demanded", "CREDENTIAL_MISSING")
def a_job_ended_without_the_course_that_the_contract_demands() -> Pair:
    def world(*held: ev.CredentialGranted) -> World:
        demand = Demand(act="job.terminate", credentials=("ENDING",))
        return running(None, demands=(demand,)).fold(*held)

    course = ev.CredentialGranted(person="PM", credential="ENDING", until=T0 + YEAR)
    return world().ask(c.TerminateJob), world(course).ask(c.TerminateJob)


@case("tokens.demanded", "CREDENTIAL_EXPIRED")
def the_course_ran_out() -> Pair:
    def world(until: int) -> World:
        demand = Demand(act="job.terminate", credentials=("ENDING",))
        held = ev.CredentialGranted(person="PM", credential="ENDING", until=until)
        return running(None, demands=(demand,)).fold(held)

    now = running().now
    return world(now - 1).ask(c.TerminateJob), world(now + YEAR).ask(c.TerminateJob)


# ---- the authority matrix ------------------------------------------------------------------------------------------


def only(*roles: str) -> World:
    """A running job with a red tag, under a SmartQA in which only these roles decide on rejects."""
    quality = SmartQA(
        id="QA-1", version="1", title="Who decides", author="AUTHOR",
        dispositions=(Authority(disposition="reject", roles=roles),),
    )  # fmt: skip
    world = running(None, quality=document_digest(quality)).tagged("A")
    world.blobs[document_digest(quality)] = encode_document(quality)
    return world


@case("nonconformances.authorised", "ROLE_NOT_AUTHORISED")
def qa_decides_where_the_contract_leaves_it_to_level_three() -> Pair:
    return only("level3").ask(c.DisposeNonconformance), only("level3", "qa").ask(c.DisposeNonconformance)


@case("nonconformances.known", "RULE_NOT_MET")
def scrapping_where_the_contract_knows_only_rejects() -> Pair:
    return two(only("qa"), c.DisposeNonconformance, disposition="scrap")


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)

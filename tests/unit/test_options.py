"""Options: every act that somebody could ask for is offered, in four groups, and the law alone says which."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law import offers, offers_money, offers_registers
from holdgate.law.candidate import Candidate, View, best_batch
from holdgate.law.contract import (
    Adaptable,
    Environment,
    Hold,
    ModuleRight,
    Retest,
    SmartClientPO,
    SmartSP,
    Surcharge,
    Witness,
    document_digest,
    encode_document,
    read_document,
)
from holdgate.law.decision import Denial
from holdgate.law.denial import BY_NAME
from holdgate.law.gates.acts import HUB_ACTS, NODE_ACTS
from holdgate.law.library import Library
from holdgate.law.options import NOT_OFFERED, Option, option, options
from holdgate.law.outlook import (
    ALLOWED,
    DONE,
    LOCKED,
    TOOK_EFFECT,
    WAITING,
    WAITS_FOR,
    group_of,
    unlocks,
    waits_for,
)
from holdgate.law.state import Ncr, Permit, Suggestion
from holdgate.terms import canon
from tests.builders import (
    BENCH,
    COMMITMENT,
    JOB,
    NODE,
    PO,
    T0,
    YEAR,
    World,
    accepted_job,
    at_most,
    hub,
    node,
    own_rule,
    running,
)
from tests.unit.test_gates_money import ordered, paid_out

FLOOR = (c.StageSlip, c.ReportArrival, c.AttestArrival, c.VoidArrival, c.ReleaseOrder, c.AcknowledgeForward)
"""Decided by the arrival gate, of which the law knows nothing."""


def rich() -> World:
    """A node with a job under a contract that declares everything a contract can declare."""
    world = node()
    world.release()
    technique = world.technique
    steps = (
        technique.steps[0],
        replace(technique.steps[1], hold=Hold(party="client"), witness=Witness(party="client")),
    )
    whole = replace(
        technique,
        steps=(*steps, *technique.steps[2:]),
        retest=Retest(max=1, allowed_causes=("test_setup_error",)),
        modules=(ModuleRight(module="SYS", act="lamp_on", step="S20", permit_s=60),),
        environment=(Environment(series="ROOM", sensor="SYS", unit="degC", max_gap_s=60, steps=("S20",), max="30"),),
        adaptable=(
            Adaptable(
                id="dwell",
                kind="window_min_s",
                value="600",
                min="600",
                max="900",
                tighter="higher",
                approve=("level3",),
                step="S30",
            ),
        ),
    )
    raw = encode_document(whole)
    world.blobs[document_digest(whole)] = raw
    world.received().job()
    world.state.jobs[f"{PO}/{JOB}"].technique = document_digest(whole)
    return world


def view_of(world: World, actor: str = "L3", role: str = "level3", about: str | None = None) -> View:
    return View(world.state, world.library, actor, role, world.now, about)


def offered_at_node(world: World) -> list[Candidate]:
    view = view_of(world)
    return [one for job in view.jobs() for offer in offers.NODE_JOB for one in offer(view, job)] + [
        *offers.at_node(view)
    ]


def built(world: World, candidates: list[Candidate]) -> list[c.AnyCommand]:
    """The candidates as commands that a site would read: canonical, with ids of our grammar."""
    head: dict[str, Any] = {
        "site": world.state.site,
        "at": world.now,
        "nonce": "1",
        "signers": (c.Signer(id="L3", role="x"),),
    }
    commands = [candidate.act(**head, **candidate.fields) for candidate in candidates]
    return [c.parse_command(canon.encode(command)) for command in commands]


# ---- every act -----------------------------------------------------------------------------------------------------


def everything() -> dict[type[c.Command], list[Candidate]]:
    """One candidate of each act that the tables can make, over worlds in which each of them could be asked for."""
    found: dict[type[c.Command], list[Candidate]] = {}
    world = rich()
    job = world.state.jobs[f"{PO}/{JOB}"]
    made = offered_at_node(world)
    world.done("S10").opened("S20")
    made += offered_at_node(world)
    world.signed("S20", result="fail")
    job.ncrs["N-1"] = Ncr(id="N-1", step="S20", serials=(), ref=1)
    job.failed = "the room was too warm"
    job.permits["P-1"] = Permit(id="P-1", module="SYS", deed="lamp_on", step="S20", until=world.now, ref=1)
    made += offered_at_node(world)
    world.opened("S30")
    made += offered_at_node(world)
    shop = accepted_job(qa=True).reported()
    order, record = shop.state.orders[PO], shop.state.contracts[shop.sha]
    view = view_of(shop, "AUTHOR", "author")
    made += [*offers.of_order(view, order)]
    record.tuned, record.suggested = {"dwell": "700"}, {"dwell": Suggestion(value="800", by="L3")}
    made += [*offers.of_contract(view, record), *offers_registers.next_version(view, record)]
    record.suspended = True
    made += [*offers_of_money()]
    shop.fold(ev.PayloadKept(commitment=COMMITMENT, kind="account", by="TECH"))
    made += [*offers_registers.at_hub(view)]
    shop.fold(ev.HoldPlaced(subject=f"order:{PO}", by="CO", reason="a claim"))
    made += [*offers.of_contract(view, record), *offers_registers.at_hub(view)]
    for candidate in made:
        found.setdefault(candidate.act, []).append(candidate)
    return found


def offers_of_money() -> list[Candidate]:
    """What is offered where an invoice is open, another is disputed, payouts are due, and one is with the bank."""
    world = hub()
    world.release(surcharges=(Surcharge(id="express", when="agreed", amount_minor=5),))
    world.accepted().staged()
    payout = ev.PayoutReleased(order=PO, job=JOB, rule="bonus", payee="TECH", amount_minor=5, currency="USD")
    invoice = ev.InvoiceIssued(order=PO, milestone="in", amount_minor=20, currency="USD")
    world.fold(invoice, invoice, ev.InvoiceDisputed(invoice="I-000002", by="BUYER", reason="r"), payout, payout)
    world.fold(ev.PaymentsOrdered(run="RUN-1", payouts=("P-000001",), currency="USD", pay_on="2026-04-30", by="FIN"))
    view = view_of(world, "FIN", "finance")
    return [*offers_money.at_hub(view), *offers.of_order(view, world.state.orders[PO])]


SPELLED_OUT = (
    *(c.StartJob, c.SplitJob, c.StartStep, c.RecordReading, c.SignStep, c.CorrectEntry, c.AuthoriseDeviation),
    *(
        c.AmendReport,
        c.CloseDelivery,
        c.SignQa,
        c.SignCompliance,
        c.GenerateReport,
        c.ReviewReport,
        c.CloseWindow,
        c.IssueInvoice,
        c.ReleasePayout,
    ),
    *(c.AcceptTerms, c.ReviewOrder, c.StageOrder, c.ApproveContract, c.CertifyContract, c.ActivateContract),
)
"""Offered by `options` itself."""


def test_every_act_of_hub_and_nodes_is_offered_or_left_out_for_a_reason() -> None:
    made = everything()
    adaptive = {c.SuggestTune}  # offered from a technique with adaptable parameters, in a test of its own
    for act in c.ACTS.values():
        homes = [act in made or act in adaptive, act in SPELLED_OUT, act in NOT_OFFERED, act in FLOOR]
        assert any(homes), f"{act.__name__} is offered nowhere"
        assert act not in NOT_OFFERED or not (act in made or act in SPELLED_OUT), f"{act.__name__} is both"
    assert all(NOT_OFFERED.values())
    assert set(NOT_OFFERED) <= set(c.ACTS.values())


def test_what_is_offered_can_be_signed_and_read() -> None:
    world = rich()
    for act, candidates in everything().items():
        for candidate in candidates:
            assert set(candidate.asks) <= set(candidate.fields), act
        assert [type(command) for command in built(world, candidates)] == [act] * len(candidates)


def test_an_adaptable_parameter_is_offered_for_another_value() -> None:
    world = rich()
    sha = world.sha
    process = SmartSP(**{name: getattr(world.technique, name) for name in SmartSP.__struct_fields__})
    adapted = replace(
        process,
        adaptable=(
            Adaptable(
                id="dwell",
                kind="window_min_s",
                value="600",
                min="600",
                max="900",
                tighter="higher",
                approve=("level3",),
                step="S30",
            ),
        ),
    )
    world.blobs[world.order_template.process] = encode_document(adapted)
    found = [*offers.of_contract(view_of(world), world.state.contracts[sha])]
    assert [(one.fields["param"], one.fields["value"]) for one in found if one.act is c.SuggestTune] == [
        ("dwell", "600")
    ]


@pytest.mark.parametrize("act", [*HUB_ACTS, *NODE_ACTS], ids=lambda act: act.__name__)
def test_an_act_that_is_decided_is_offered_to_somebody(act: type[c.Command]) -> None:
    """What the tables of gates decide is offered: whoever adds an act finds it here."""
    if act in NOT_OFFERED:
        return
    assert act in SPELLED_OUT or act in everything() or act is c.SuggestTune


# ---- by the law alone ----------------------------------------------------------------------------------------------


def found(world: World, who: str, role: str, about: str | None = None, place: str | None = BENCH) -> list[Option]:
    return options(world.state, world.library, who, role, world.now, place, about)


def test_an_act_that_this_kind_of_site_does_not_decide_is_not_offered() -> None:
    tags = {str(act.__struct_config__.tag) for act in NODE_ACTS}
    assert {option.act for option in found(rich(), "TECH", "technician")} <= tags
    tags = {str(act.__struct_config__.tag) for act in HUB_ACTS}
    assert {option.act for option in found(accepted_job(qa=True), "QA", "qa", place=None)} <= tags


def test_nothing_is_offered_twice() -> None:
    shop = accepted_job(qa=True).reported()
    shop.state.orders[PO].delivery_due = shop.now
    for world, role, place in ((shop, "project_manager", None), (rich(), "technician", BENCH)):
        said = [(option.act, str(sorted(option.fields.items()))) for option in found(world, "PM", role, place=place)]
        assert len(said) == len(set(said))


def test_of_one_subject_only_what_is_about_it() -> None:
    world = running(None, "S10").job("J-2", serials=("B",))
    for about in (f"{PO}/{JOB}", JOB):
        subjects = {option.subject for option in found(world, "TECH", "technician", about)}
        assert subjects == {f"{PO}/{JOB}"}
    assert {option.subject for option in found(world, "TECH", "technician", "J-9")} == set()
    shop = accepted_job(qa=True)
    assert {option.subject for option in found(shop, "TRAIN", "training", "NOVICE", None)} == {"identity:NOVICE"}
    of_order = {option.subject for option in found(shop, "PM", "project_manager", PO, None)}
    assert of_order == {f"order:{PO}", f"{PO}/J-1", f"{PO}/J-2"}, "an order, its jobs, and the next one"


def groups(options_: list[Option]) -> dict[tuple[str, str], str]:
    return {(option.act, str(option.fields.get("step", ""))): group_of(option.denials) for option in options_}


def test_a_job_in_four_groups() -> None:
    world = running(None, "S10")
    said = groups(found(world, "TECH", "technician", f"{PO}/{JOB}"))
    assert said["step.start", "S20"] == ALLOWED
    assert said["step.start", "S30"] == WAITING
    assert said["job.split", ""] == WAITING
    novice = groups(found(world, "NOVICE", "technician", f"{PO}/{JOB}"))
    assert novice["step.start", "S20"] == LOCKED
    done = groups(found(accepted_job(qa=True), "QA", "qa", f"{PO}/{JOB}", None))
    assert done["qa.sign", ""] == DONE


def test_waiting_says_for_whom_and_locked_what_unlocks() -> None:
    world = running(None, "S10")
    by_act = {(o.act, str(o.fields.get("step", ""))): o for o in found(world, "NOVICE", "technician", f"{PO}/{JOB}")}
    split = by_act["job.split", ""]
    assert waits_for(split.denials) == ("project_manager",)
    start = by_act["step.start", "S20"]
    assert waits_for(start.denials) == ()
    assert unlocks(start.denials) == ("Let a qualified person do it, or record the qualification.",)
    technician = {(o.act, str(o.fields.get("step", ""))): o for o in found(world, "TECH", "technician")}
    assert waits_for(technician["step.start", "S30"].denials) == ("S20 (step S20)",)
    assert unlocks(technician["step.start", "S30"].denials) == ()


def test_a_rule_of_the_contract_locks() -> None:
    world = running({"S20": {"rules": (own_rule("few", "start", at_most("parts", 1)),)}}, "S10")
    said = {(o.act, str(o.fields.get("step", ""))): o for o in found(world, "TECH", "technician")}
    assert group_of(said["step.start", "S20"].denials) == LOCKED


# ---- groups --------------------------------------------------------------------------------------------------------


def denial(code: str, **values: str) -> Denial:
    return Denial(code=code, gate="x", values=dict(values))


def test_a_group_by_the_codes() -> None:
    assert group_of(()) == ALLOWED
    assert group_of((denial("NO_ARRIVAL"),)) == WAITING
    assert group_of((denial("NO_ARRIVAL"), denial("CREDENTIAL_MISSING"))) == LOCKED
    assert group_of((denial("CREDENTIAL_MISSING"), denial("ALREADY_DONE"))) == DONE


def test_every_code_of_which_waiting_helps_says_what_it_waits_for() -> None:
    helped = {code.name for code in BY_NAME.values() if code.retry}
    assert helped <= set(WAITS_FOR), helped - set(WAITS_FOR)
    assert set(WAITS_FOR) <= set(BY_NAME)
    assert set(TOOK_EFFECT) <= set(BY_NAME)
    assert not set(WAITS_FOR) & set(TOOK_EFFECT)


def test_the_words_are_filled_from_the_case() -> None:
    assert waits_for((denial("HOLD_POINT", step="S70", party="client"),)) == ("client, who releases S70",)
    assert waits_for((denial("NOT_YOUR_ORDER"), denial("NOT_YOUR_ORDER"))) == ("the order's own client",), (
        "and not by its name"
    )


def test_options_of_a_shop_without_people_or_registers() -> None:
    world = hub()
    world.state.identities = {"L3": world.state.identities["L3"]}
    world.state.equipment, world.state.materials = {}, {}
    assert {option.act for option in found(world, "L3", "level3", place=None)} >= {
        "identity.enrol",
        "equipment.register",
    }
    world.fold(ev.IdentityDisabled(id="L3"))
    assert all(not option.allowed for option in found(world, "L3", "level3", place=None))


def test_options_of_a_shop_in_which_nobody_has_a_credential() -> None:
    world = hub()
    for person in world.state.identities.values():
        person.credentials = {}
    acts = {option.act for option in found(world, "ADM", "admin", place=None)}
    assert "credential.grant" in acts
    assert "credential.revoke" not in acts


def test_a_contract_whose_technique_is_not_there_is_offered_all_the_same() -> None:
    world = hub()
    world.proposed()
    assert "contract.certify" in {option.act for option in found(world, "L3", "level3", place=None)}
    world.blobs.pop(world.order_template.process)
    world.library = Library(world.blobs.get)
    assert "contract.certify" in {option.act for option in found(world, "L3", "level3", place=None)}


def test_an_order_is_offered_to_be_amended_as_it_stands() -> None:
    world = hub()
    world.release()
    world.accepted().staged()
    (amended,) = [one for one in offers.of_order(view_of(world), world.state.orders[PO]) if one.act is c.StageOrder]
    order = world.state.orders[PO]
    assert (amended.fields["amendment"], amended.fields["part_no"], amended.fields["serials"]) == (
        True,
        order.part_no,
        order.serials,
    )


def test_the_next_version_of_a_contract_comes_with_all_of_its_documents() -> None:
    world = hub()
    sha = world.release()
    (made,) = offers_registers.next_version(view_of(world), world.state.contracts[sha])
    assert made.asks == ("version", "sha256")
    documents = [pin.sha256 for pin in made.pins]
    assert documents[0] == made.fields["sha256"]
    template = read_document(made.pins[0].content)
    assert isinstance(template, SmartClientPO)
    assert (template.version, template.process) == (made.fields["version"], documents[1])


def test_an_option_says_what_the_act_is_about_and_nothing_of_who_asks() -> None:
    for one in found(rich(), "TECH", "technician"):
        assert not {"site", "at", "nonce", "signers", "place", "seen"} & set(one.fields), one.act


def test_what_was_read_is_offered_to_be_corrected() -> None:
    world = running(None, "S10").opened("S20").read("temp", "75")
    fields = [option.fields for option in found(world, "TECH", "technician") if option.act == "entry.correct"]
    assert [(one["step"], one["characteristic"], one["new_value"]) for one in fields] == [("S20", "temp", "75")]


def test_a_payout_is_offered_to_be_taken_back_unless_it_is_with_the_bank() -> None:
    for world, status in ((paid_out(), "due"), (ordered(), "ordered"), (ordered(), "failed"), (ordered(), "paid")):
        world.state.money.payables["P-000001"].status = status
        acts = [option.act for option in found(world, "FIN", "finance", place=None)]
        assert ("payout.reverse" in acts) == (status != "ordered"), status


def test_a_new_job_is_offered_for_the_parts_that_are_in_none() -> None:
    world = running()
    world.state.jobs[f"{PO}/{JOB}"].serials = ("A",)
    offered = [option for option in found(world, "TECH", "technician") if option.act == "job.start"]
    assert [option.fields["serials"] for option in offered] == [("B",)]


def test_the_approved_batch_is_proposed_before_one_that_lasts_longer() -> None:
    world = node().material("WAX-0", until=T0 + 3 * YEAR, approved=False)
    assert best_batch(world.state, "wax") == "WAX-1"
    assert best_batch(world.material("WAX-2", until=T0 + 2 * YEAR).state, "wax") == "WAX-2"


@pytest.mark.parametrize(("place", "refused"), [(BENCH, False), (None, True)])
def test_one_act_in_the_making_is_asked_for_at_its_place_and_else_at_the_office(
    place: str | None, refused: bool
) -> None:
    world = running(None, "S10")
    fields = {"order": PO, "job": JOB, "step": "S20", "contract": world.sha, "equipment": ("OVEN-1",)}
    start = Candidate(c.StartStep, {**fields, "materials": ("WAX-1",)}, ())
    made = option(world.state, world.library, "TECH", "technician", world.now, place, start)
    assert made.allowed is not refused, made.denials
    assert [denial.code for denial in made.denials] == (["LOCATION_NOT_PERMITTED"] if refused else [])


@pytest.mark.parametrize(
    ("about", "offered"),
    [(None, True), ("identity:NODE-NEW", True), (f"identity:{NODE}", True), ("identity:TECH", False)],
)
def test_a_site_is_offered_unless_somebody_asks_about_another_identity(about: str | None, offered: bool) -> None:
    acts = [one.act for one in offers_registers.at_hub(view_of(accepted_job(), about=about))]
    assert (c.EnrolSite in acts, c.RetireSite in acts) == (offered, offered)

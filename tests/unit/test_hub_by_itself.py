"""What a running hub does by itself: it closes what is over, once, and tells nodes what they must know, also after a crash."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.certifier.structure import certify
from holdgate.crypto.hashes import digest
from holdgate.engine.ports import Head
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.chronicle import Draft
from holdgate.law.contract import SmartClientPO, SmartSP, Step, document_digest, encode_document
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.sites.site import Site
from holdgate.sites.timers import TICK_S
from holdgate.terms.errors import Unavailable
from holdgate.terms.instant import SECOND_US
from tests.unit.test_sites import (
    BILLING,
    CLIENT,
    CLIENT_ORG,
    FLOOR,
    HUB,
    NODE,
    OTHER,
    PRICE,
    T0,
    VAULT,
    House,
    entries,
    events,
    governed,
    readable,
    settled,
    told,
)

DAY: Final = 86_400 * SECOND_US
WINDOW: Final = 432_000 * SECOND_US

TECHNIQUE: Final = SmartSP(
    id="SP-2",
    version="1",
    title="Bake",
    author="AUT",
    steps=(
        Step(
            id="S10", name="Bake", role="technician", zones=("bench",), credentials=("L2",), equipment_classes=("oven",)
        ),
    ),
)
TEMPLATE: Final = SmartClientPO(
    id="SP-2",
    version="1",
    title="Order",
    author="AUT",
    process=document_digest(TECHNIQUE),
    price_minor=PRICE,
    currency="USD",
    billing=BILLING,
    client_window_s=432_000,
    on_silence="escalate",
)


async def equipped(house: House) -> None:
    """An oven, somebody who may use it, a second bench, and a contract that asks for them."""
    house.desk.add("WS-2")
    documents = (encode_document(TEMPLATE), encode_document(TECHNIQUE))
    certificate = certify(TEMPLATE, TECHNIQUE)
    named: dict[str, Any] = {"contract": "SP-2", "version": "1"}
    office = {"place": "WS-OFFICE"}
    acts: list[tuple[c.AnyCommand, tuple[bytes, ...]]] = [
        (
            c.EnrolIdentity(
                **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), ("WS-2", "newcomer")),
                id="WS-2",
                name="WS-2",
                org="LAB",
                kind="device",
                key=house.desk.public("WS-2"),
                roles=("workstation",),
                zone="bench",
                node=OTHER,
            ),
            (),
        ),
        (
            c.RegisterEquipment(
                **house.head(HUB, ("ADM", "admin")),
                id="OVEN",
                equipment_class="oven",
                cal_from=0,
                cal_until=T0 + 400 * DAY,
                in_service=True,
            ),
            (),
        ),
        (
            c.GrantCredential(
                **house.head(HUB, ("ADM", "admin")), person="TEC", credential="L2", until=T0 + 400 * DAY, evidence="x"
            ),
            (),
        ),
        (c.SubmitContract(**house.head(HUB, ("AUT", "author")), **named, sha256=digest(documents[0])), documents),
        (
            c.CertifyContract(
                **house.head(HUB, house.unlocked("CRT", "certifier"), **office),
                **named,
                certificate=digest(certificate),
            ),
            (certificate,),
        ),
        (c.ApproveContract(**house.head(HUB, house.unlocked("QAM", "qa"), **office), **named, approval_role="qa"), ()),
        (c.ActivateContract(**house.head(HUB, ("ADM", "admin")), **named, effectivity="new_orders"), ()),
    ]
    for command, pins in acts:
        await allowed(house, HUB, command, *pins)
    await settled(house.shop)


async def allowed(house: House, site: str, command: c.AnyCommand, *pins: bytes) -> tuple[ev.AnyEvent, ...]:
    answer = await house.ask(site, command, *pins)
    assert answer.decision.allowed, (type(command).__name__, answer.decision.codes)
    return answer.decision.events


async def ordered(
    house: House, order: str, seq: int, *, node: str = NODE, on_silence: str = "escalate", **more: Any
) -> None:
    """An order whose part is at its node, with its job started."""
    terms = c.Terms(
        price_minor=PRICE,
        currency="USD",
        milestones=tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in BILLING),
        client_window_s=432_000,
        on_silence=on_silence,
    )
    signer = house.unlocked(CLIENT, "client", "terms accepted")
    named: dict[str, Any] = {"contract": "SP-2", "version": "1"}
    accepted = c.AcceptTerms(**house.head(HUB, signer, place="WS-OFFICE"), order=order, **named, terms=terms)
    await allowed(house, HUB, accepted)
    staged = c.StageOrder(
        **house.head(HUB, ("PM", "project_manager")),
        order=order,
        **named,
        node=node,
        client=CLIENT_ORG,
        part_no="BAR-17-4",
        rev="-",
        serials=(f"S-{order}",),
        documents=(),
        **more,
    )
    await allowed(house, HUB, staged)
    await settled(house.shop)
    await allowed(house, FLOOR, house.arrival(order, "SCN-1", seq, (f"S-{order}",)))
    await settled(house.shop)
    await allowed(house, node, house.start(order, f"J-{order}", node))


def step(order: str, **more: Any) -> dict[str, Any]:
    return {"order": order, "job": f"J-{order}", "step": "S10", "contract": document_digest(TEMPLATE), **more}


async def baked(house: House, order: str, node: str = NODE) -> None:
    """The one step of the job, done."""
    place = "WS-1" if node == NODE else "WS-2"
    head = house.head(node, ("TEC", "technician"), place=place)
    await allowed(house, node, c.StartStep(**head, **step(order), equipment=("OVEN",), materials=()))
    sign = c.SignStep(
        **house.head(node, house.unlocked("TEC", "technician"), place=place), **step(order), result="pass"
    )
    await allowed(house, node, shown(house, node, sign))
    await settled(house.shop)


def shown(house: House, site: str, command: c.AnyCommand) -> c.AnyCommand:
    return house.desk.shown(command, house.shop.sites[site].chronicle.state)


async def reported(house: House, order: str, report: str) -> None:
    """QA accepts the job, and its report is issued."""
    job: dict[str, Any] = {"order": order, "job": f"J-{order}"}
    counts = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
    head = house.head(HUB, house.unlocked("QAM", "qa"), place="WS-OFFICE")
    await allowed(house, HUB, shown(house, HUB, c.SignQa(**head, **job, quantities=counts)))
    await allowed(house, HUB, c.GenerateReport(**house.head(HUB, ("SYS", "system")), **job, report=report))
    await settled(house.shop)


def calibrated(house: House, as_found: str) -> c.CalibrateEquipment:
    until = house.clock.now() + 100 * DAY
    house.desk.add_from_seed("tests", ["MET"])
    head = house.head(HUB, ("MET", "metrology"))
    return c.CalibrateEquipment(**head, id="OVEN", as_found=as_found, until=until, certificate="certificate 9")


async def metrologist(house: House) -> None:
    house.desk.add_from_seed("tests", ["MET"])
    enrolled = c.EnrolIdentity(
        **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), ("MET", "newcomer")),
        id="MET",
        name="MET",
        org="LAB",
        kind="person",
        key=house.desk.public("MET"),
        roles=("metrology",),
    )
    await allowed(house, HUB, enrolled)


def hub_of(house: House) -> Site:
    return house.shop.sites[HUB]


async def look(house: House) -> None:
    """The hub looks at its clock."""
    keeper = hub_of(house).timekeeper
    assert keeper is not None
    keeper.wake()
    await settled(house.shop)


# ---- timers --------------------------------------------------------------------------------------------------------


def test_a_window_closes_by_itself_in_the_vaults_time_and_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1, on_silence="deemed_accepted")
        await baked(house, "PO-1")
        await reported(house, "PO-1", "R-1")
        house.clock.instant += WINDOW - SECOND_US
        await look(house)
        assert not events(hub_of(house), ev.ReviewWindowLapsed)
        house.clock.instant += 2 * SECOND_US
        size = hub_of(house).spine.size
        await look(house)
        lapsed = ev.ReviewWindowLapsed(report="R-1", outcome="deemed_accepted")
        assert events(hub_of(house), ev.ReviewWindowLapsed) == [lapsed]
        kinds = [entry.kind for entry in entries(hub_of(house))[size:]]
        assert kinds[:2] == ["cosigned", "action"], "nothing new was on record: it asked the Vault for its time"
        for _ in range(3):
            house.clock.instant += DAY
            await look(house)
        assert len(events(hub_of(house), ev.ReviewWindowLapsed)) == 1
        refused = [e for e in entries(hub_of(house)) if not decision_of(e).allowed]
        assert not refused, "what is not due is not asked for"

    told(story, governed(tmp_path))


def test_a_cosignature_is_enough(tmp_path: Path) -> None:
    """Nobody looks at the clock: the window closes with the first cosignature that comes after its end."""

    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1)
        await baked(house, "PO-1")
        await reported(house, "PO-1", "R-1")
        house.clock.instant += WINDOW + SECOND_US
        await allowed(house, HUB, house.material("B-1"))
        await settled(house.shop)
        assert len(events(hub_of(house), ev.ReviewWindowLapsed)) == 1

    told(story, governed(tmp_path))


def test_after_an_outage_everything_that_was_due_closes_once_and_late(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1, delivery_due=house.clock.now() + DAY)
        await baked(house, "PO-1")
        await reported(house, "PO-1", "R-1")
        house.shop.bus.cut(HUB)
        house.clock.instant += WINDOW + DAY
        house.shop.bus.mend(HUB)
        await settled(house.shop)
        await look(house)
        (closed,) = events(hub_of(house), ev.DeliveryClosed)
        assert closed == ev.DeliveryClosed(order="PO-1", in_time=True, late=True)
        (lapsed,) = events(hub_of(house), ev.ReviewWindowLapsed)
        assert lapsed.late

    told(story, governed(tmp_path))


def test_a_hub_that_was_off_closes_when_it_starts(tmp_path: Path) -> None:
    house = governed(tmp_path)

    async def before(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1, delivery_due=house.clock.now() + DAY)
        await baked(house, "PO-1")
        await reported(house, "PO-1", "R-1")

    told(before, house)
    later = House(house.directory, seed=1 << 30)
    later.clock.instant = house.clock.instant + WINDOW + DAY

    async def after(house: House) -> None:
        await look(house)
        assert [(e.in_time, e.late) for e in events(hub_of(house), ev.DeliveryClosed)] == [(True, True)]
        assert [e.late for e in events(hub_of(house), ev.ReviewWindowLapsed)] == [True]

    told(after, later)
    last = House(house.directory, seed=1 << 31)
    last.clock.instant = later.clock.instant + DAY

    async def again(house: House) -> None:
        await look(house)
        assert len(events(hub_of(house), ev.DeliveryClosed, ev.ReviewWindowLapsed)) == 2

    told(again, last)


def test_a_delivery_date_closes_by_the_hubs_clock_without_being_late(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1, delivery_due=house.clock.now() + DAY)
        house.clock.instant += DAY - 1
        await look(house)
        assert not events(hub_of(house), ev.DeliveryClosed)
        house.clock.instant += 1
        await look(house)
        assert events(hub_of(house), ev.DeliveryClosed) == [ev.DeliveryClosed(order="PO-1", in_time=False)]

    told(story, governed(tmp_path))


def test_a_vault_whose_clock_is_behind_is_not_pressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1)
        await baked(house, "PO-1")
        await reported(house, "PO-1", "R-1")
        vault = house.shop.vaults[VAULT]
        stopped = type(house.clock)(house.clock.instant)
        monkeypatch.setattr(vault, "clock", stopped)
        house.clock.instant += WINDOW + SECOND_US
        size = hub_of(house).spine.size
        for _ in range(20):
            house.clock.instant += TICK_S * SECOND_US
            await look(house)
        assert hub_of(house).spine.size <= size + 1
        assert not events(hub_of(house), ev.ReviewWindowLapsed)

    told(story, governed(tmp_path))


def test_a_hub_that_no_vault_has_confirmed_closes_nothing_by_itself(tmp_path: Path) -> None:
    house = governed(tmp_path)

    async def before(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1, delivery_due=house.clock.now() + DAY)

    told(before, house)
    alone = House(house.directory, seed=1 << 30)
    alone.clock.instant = house.clock.instant + 2 * DAY

    async def story() -> None:
        await alone.open(HUB)
        await look(alone)
        assert not events(hub_of(alone), ev.DeliveryClosed)
        alone.open_vault()
        hub_of(alone).link_changed(VAULT, up=True)
        await settled(alone.shop)
        assert len(events(hub_of(alone), ev.DeliveryClosed)) == 1
        await alone.close()

    asyncio.run(story())


def test_timers_can_be_switched_off(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.shop._timers = False
        await house.shop.open()
        assert hub_of(house).timekeeper is None
        assert house.shop.sites[NODE].timekeeper is None
        await house.close()

    asyncio.run(story(governed(tmp_path)))


def test_only_the_business_hub_keeps_time(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert hub_of(house).timekeeper is not None
        assert all(site.timekeeper is None for name, site in house.shop.sites.items() if name != HUB)

    told(story, governed(tmp_path))


# ---- what nodes are told -------------------------------------------------------------------------------------------


def test_a_failed_check_stops_the_oven_at_every_node_and_recalls_across_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        for seq, (order, node) in enumerate((("PO-1", NODE), ("PO-2", OTHER)), 1):
            await ordered(house, order, seq, node=node)
            await baked(house, order, node)
        check = c.CheckEquipment(**house.head(NODE, ("TEC", "technician")), id="OVEN", result="fail")
        await allowed(house, NODE, check)
        await settled(house.shop)
        states = {name: house.shop.sites[name].chronicle.state for name in (HUB, NODE, OTHER)}
        assert [state.equipment["OVEN"].in_service for state in states.values()] == [False] * 3
        recalled = {name: [*state.jobs["PO-2/J-PO-2"].ncrs] for name, state in states.items() if name != NODE}
        assert recalled == {HUB: ["recall-OVEN-J-PO-2"], OTHER: ["recall-OVEN-J-PO-2"]}
        assert [*states[NODE].jobs["PO-1/J-PO-1"].ncrs] == ["recall-OVEN-J-PO-1"]
        assert [*states[HUB].jobs["PO-1/J-PO-1"].ncrs] == ["recall-OVEN-J-PO-1"]

    told(story, governed(tmp_path))


def test_what_follows_is_written_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1)
        await baked(house, "PO-1")
        house.shop.bus.cut(NODE, (HUB,))
        check = c.CheckEquipment(**house.head(NODE, ("TEC", "technician")), id="OVEN", result="fail")
        await allowed(house, NODE, check)
        hub, node = hub_of(house), house.shop.sites[NODE]
        await hub.offer(node.links[HUB].next_segment(await hub.held(node.notary.origin, NODE)), NODE)
        assert not hub.chronicle.standing.owed

    told(story, governed(tmp_path))


def test_a_node_reads_of_no_other_nodes_jobs(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await metrologist(house)
        await ordered(house, "PO-77", 1, node=OTHER)
        await baked(house, "PO-77", OTHER)
        await allowed(house, HUB, calibrated(house, "out_of_tolerance"))
        await settled(house.shop)
        name = b"recall-OVEN-J-PO-77"
        assert name in readable(house.shop.sites[OTHER].means.store)  # type: ignore[arg-type]
        assert name not in readable(house.shop.sites[NODE].means.store)  # type: ignore[arg-type]

    told(story, governed(tmp_path))


def test_a_crash_between_an_act_and_what_follows_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The act is durable, what it owes is not: the hub writes it when it starts again, and the node hears of it."""
    house = governed(tmp_path)

    async def before(house: House) -> None:
        await equipped(house)
        await metrologist(house)
        await ordered(house, "PO-1", 1)
        await baked(house, "PO-1")
        store = hub_of(house).means.store
        commit = store.commit

        def power_cut(drafts: Sequence[Draft], head: Head) -> None:
            if any(read_entry(draft.body).kind == "consequence" for draft in drafts):
                raise Unavailable("the power is gone")
            commit(drafts, head)

        monkeypatch.setattr(store, "commit", power_cut)
        await allowed(house, HUB, calibrated(house, "out_of_tolerance"))
        assert [entry.kind for entry in entries(hub_of(house))][-1] == "action"

    told(before, house)
    later = House(house.directory, seed=1 << 30)
    later.clock.instant = house.clock.instant

    async def after(house: House) -> None:
        await settled(house.shop)
        kinds = [entry.kind for entry in entries(hub_of(house))]
        at = kinds.index("consequence")
        assert kinds[at - 2 : at + 1] == ["action", "boot", "consequence"]
        assert [*house.shop.sites[NODE].chronicle.state.jobs["PO-1/J-PO-1"].ncrs] == ["recall-OVEN-J-PO-1"]

    told(after, later)


def test_a_signature_after_a_revocation_is_flagged_when_the_node_is_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1)
        house.shop.bus.cut(NODE, (HUB,))
        revoked = c.RevokeCredential(
            **house.head(HUB, ("LV3", "level3")), person="TEC", credential="L2", reason="eyesight"
        )
        await allowed(house, HUB, revoked)
        house.clock.instant += SECOND_US
        await baked(house, "PO-1")
        house.shop.bus.mend(NODE, (HUB,))
        await settled(house.shop)
        for site in (HUB, NODE):
            state = house.shop.sites[site].chronicle.state
            assert [*state.jobs["PO-1/J-PO-1"].ncrs] == ["sync-J-PO-1-S10"]

    told(story, governed(tmp_path))


def test_the_node_knows_of_the_report_that_its_work_is_in(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        await ordered(house, "PO-1", 1)
        await baked(house, "PO-1")
        await reported(house, "PO-1", "R-1")
        closed = house.shop.sites[NODE].chronicle.state.closed["PO-1/J-PO-1"]
        assert closed.report == "R-1"
        amended = c.AmendReport(**house.head(HUB, ("QAM", "qa")), report="R-1", new_report="R-1A", reason="a name")
        await allowed(house, HUB, amended)
        await settled(house.shop)
        assert closed.report == "R-1A"

    told(story, governed(tmp_path))

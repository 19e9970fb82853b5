"""Nodes join and leave while the shop works: nobody else is disturbed, and what nobody let in decides nothing."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.audit.replay import LogReport
from holdgate.backup import back_up, rebuild_from_vault, restore
from holdgate.bootstrap import SEAT, read_premises, read_trust
from holdgate.cli.app import main
from holdgate.cli.records import audit_file, audit_sites
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.opening import open_log
from holdgate.engine.source import StoreHistory
from holdgate.identity.charter import SiteSeat, seat_of
from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law import event as ev
from holdgate.law.chronicle import blank_state
from holdgate.law.contract import document_digest
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.sites.site import Site
from holdgate.sites.vault import Vault
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from tests.unit.test_sites import (
    FLOOR,
    HUB,
    LIMITS,
    NODE,
    OTHER,
    TEMPLATE,
    VAULT,
    House,
    entries,
    events,
    governed,
    on_disk,
    running,
    settled,
    staged,
    standing,
    told,
    unsound,
)

NEW: Final = "N-3"
SITES: Final = (HUB, FLOOR, NODE, OTHER)


# ---- what is done --------------------------------------------------------------------------------------------------


def laid_out(house: House, name: str = NEW, area: str = "") -> SiteSeat:
    """The newcomer's folder, as `holdgate site node` makes it; the desk can sign for it."""
    premises = read_premises(house.directory)
    seat = premises.lay_out(name, area)
    house.desk.add(name, SigningKey.from_seed(premises.keys(name).signing))
    return seat


def enrolment(house: House, seat: SiteSeat, *others: tuple[str, str], **changes: Any) -> c.EnrolSite:
    """Two officers let a node in; or whoever is named."""
    signers = (("ADM", "admin"), *(others or (("QAM", "qa"),)), (seat.id, "newcomer"))
    fields = {name: getattr(seat, name) for name in ("id", "kind", "origin", "key", "sealing_key")}
    return c.EnrolSite(**house.head(HUB, *signers), **(fields | {"area": seat.area or None} | changes))


def retirement(house: House, name: str = NEW) -> c.RetireSite:
    return c.RetireSite(**house.head(HUB, ("ADM", "admin"), ("QAM", "qa")), id=name, reason="the cell is sold")


async def allowed(house: House, site: str, command: c.AnyCommand) -> Answer:
    answer = await house.ask(site, command)
    assert answer.decision.allowed, answer.decision
    return answer


async def joined(house: House) -> None:
    """The third node is let in and opened, with a bench of its own."""
    await allowed(house, HUB, enrolment(house, laid_out(house)))
    await house.shop.join(NEW)
    house.desk.add_from_seed("tests", ["WS-3"])
    bench = c.EnrolIdentity(
        **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), ("WS-3", "newcomer")),
        id="WS-3",
        name="Bench 3",
        org="LAB",
        kind="device",
        key=house.desk.public("WS-3"),
        roles=("workstation",),
        zone="bench",
        node=NEW,
    )
    await allowed(house, HUB, bench)
    await settled(house.shop)


async def arrived(house: House, order: str, seq: int, serials: tuple[str, ...]) -> None:
    await allowed(house, FLOOR, house.arrival(order, "SCN-1", seq, serials))
    await settled(house.shop)


def step(order: str, job: str) -> dict[str, Any]:
    return {"order": order, "job": job, "step": "S10", "contract": document_digest(TEMPLATE)}


async def begun(house: House, order: str, job: str, node: str = NEW, place: str = "WS-3") -> None:
    """The job and its step are started, and the reading is taken."""
    await allowed(house, node, house.start(order, job, node))
    head = house.head(node, ("TEC", "technician"), place=place)
    await allowed(house, node, c.StartStep(**head, **step(order, job), equipment=(), materials=()))
    reading: dict[str, Any] = {"characteristic": "forceatbreak", "value": LIMITS[0], "unit": "kN", "capture": "manual"}
    head = house.head(node, ("TEC", "technician"), place=place)
    await allowed(house, node, c.RecordReading(**head, **step(order, job), **reading))


async def signed(house: House, order: str, job: str, node: str = NEW, place: str = "WS-3") -> None:
    """The step is signed, and QA accepts the job."""
    head = house.head(node, house.unlocked("TEC", "technician"), place=place)
    sign = c.SignStep(**head, **step(order, job), result="pass")
    await allowed(house, node, house.desk.shown(sign, house.shop.sites[node].chronicle.state))
    await settled(house.shop)
    counts = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
    head = house.head(HUB, house.unlocked("QAM", "qa"), place="WS-OFFICE")
    accept = c.SignQa(**head, order=order, job=job, quantities=counts)
    await allowed(house, HUB, house.desk.shown(accept, house.shop.sites[HUB].chronicle.state))
    await settled(house.shop)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it; a slow machine has time."""
    for _ in range(12_000):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not come to that")


def report_of(house: House, name: str) -> LogReport:
    return next(report for report in house.audits() if report.site == name)


def mirrored(house: House) -> None:
    """The Vault holds every log whole, and the hub those of the others."""
    vault, hub = house.shop.vaults[VAULT], house.shop.sites[HUB]
    for name, site in house.shop.sites.items():
        assert vault.store.held(site.notary.origin)[0] == site.spine.size, name
        if name != HUB:
            assert hub.chronicle.state.origins[site.notary.origin].size == site.spine.size, name


def tasks_of(house: House) -> dict[tuple[str, str], object]:
    """Every link that there is."""
    return {(name, peer): link for name, site in house.shop.sites.items() for peer, link in site.links.items()}


# ---- joining -------------------------------------------------------------------------------------------------------


def test_a_third_node_joins_while_an_order_is_worked_and_works_one_of_its_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        shop = house.shop
        await staged(house)
        await arrived(house, "PO-1", 1, ("S1",))
        await begun(house, "PO-1", "J-1", NODE, "WS-1")
        before, boots = tasks_of(house), {name: len(events(site, ev.Booted)) for name, site in shop.sites.items()}
        await joined(house)
        assert {pair: link for pair, link in tasks_of(house).items() if pair in before} == before, "links go on"
        assert set(tasks_of(house)) - set(before) == {
            (HUB, NEW),
            (FLOOR, NEW),
            (NEW, HUB),
            (NEW, FLOOR),
            (NEW, VAULT),
        }
        assert {name: len(events(shop.sites[name], ev.Booted)) for name in boots} == boots
        await signed(house, "PO-1", "J-1", NODE, "WS-1")
        await staged(house, "PO-2", ("S2",), NEW)
        await arrived(house, "PO-2", 2, ("S2",))
        assert [e.order for e in events(shop.sites[NEW], ev.OrderReceived)] == ["PO-2"]
        assert [e.node for e in events(shop.sites[FLOOR], ev.ForwardAcknowledged)] == [NODE, NEW]
        await begun(house, "PO-2", "J-2")
        await signed(house, "PO-2", "J-2")
        mirrored(house)

    house = told(story, governed(tmp_path))
    report = report_of(house, NEW)
    assert (report.holds, report.origin, report.repeated) == (True, f"lab.test/{NEW}", report.size)
    assert report.signatures > 0
    assert report.signed_size == report.size
    assert report.cosigned, "the Vault cosigned it"


def test_a_newcomer_hears_nothing_of_orders_from_before_its_time(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await staged(house)
        await arrived(house, "PO-1", 1, ("S1",))
        await joined(house)
        await staged(house, "PO-2", ("S2",), OTHER)
        assert [e.order for e in events(house.shop.sites[NEW], ev.OrderNoticed)] == ["PO-2"]

    told(story, governed(tmp_path))


def test_a_newcomer_in_an_area_of_its_own_hears_of_no_other_area_s_orders(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        seat = laid_out(house, area="EAST")
        await allowed(house, HUB, enrolment(house, seat))
        await house.shop.join(NEW)
        for site in house.shop.sites.values():
            assert seat_of(site.chronicle.state.charter, NEW) == seat, site.id
        await staged(house, "PO-1", ("S1",), OTHER)
        assert events(house.shop.sites[NEW], ev.OrderNoticed) == []
        assert [e.order for e in events(house.shop.sites[NODE], ev.OrderNoticed)] == ["PO-1"]

    told(story, governed(tmp_path))


def test_after_a_restart_every_site_knows_the_newcomer_and_goes_on_with_it(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        await joined(house)
        await staged(house, "PO-1", ("S1",), NEW)

    async def second(house: House) -> None:
        assert house.shop.sites[NEW].reconciled
        assert {NEW} <= set(house.shop.sites[HUB].links) & set(house.shop.sites[FLOOR].links)
        assert f"lab.test/{NEW}" in house.shop.vaults[VAULT].origins
        await arrived(house, "PO-1", 1, ("S1",))
        await begun(house, "PO-1", "J-1")
        await signed(house, "PO-1", "J-1")
        mirrored(house)

    told(first, governed(tmp_path))
    again = House(tmp_path / "shop", seed=1 << 21)
    again.clock.instant += 60_000_000
    again.desk.add(NEW, SigningKey.from_seed(read_premises(again.directory).keys(NEW).signing))
    again.desk.add_from_seed("tests", ["WS-3"])
    again._nonce = 10_000
    told(second, again)


def test_a_site_that_does_everything_again_stands_where_it_stood(tmp_path: Path) -> None:
    """Live, and done again from the first entry: the newcomer's seat is part of the standing like anything else."""
    live: dict[str, object] = {}

    async def story(house: House) -> None:
        await joined(house)
        await staged(house, "PO-1", ("S1",), NEW)
        live.update({name: standing(site) for name, site in house.shop.sites.items()})

    house = told(story, governed(tmp_path))
    premises = read_premises(house.directory)
    for name, stood in live.items():
        on_disk(house, name, "DELETE FROM snapshot")
        seat = premises.seat(name)
        with closing(SqliteStore(house.directory / name / "ledger.db", read_only=True)) as store:
            blank = blank_state(premises.charter, name, seat.kind)
            again = open_log(store, blank, AUTHORITIES[seat.kind], StoreHistory(store), premises.roots).chronicle
        assert to_builtins(again.standing) == stood, name
        assert seat_of(again.state.charter, NEW) == premises.seat(NEW)


def test_the_newcomer_was_away_when_it_was_let_in_and_joins_when_it_comes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await allowed(house, HUB, enrolment(house, laid_out(house)))
        await settled(house.shop)
        await staged(house, "PO-1", ("S1",), NEW)
        await arrived(house, "PO-1", 1, ("S1",))
        assert house.shop.sites[HUB].links[NEW].backlog
        await house.shop.join(NEW)
        new = house.shop.sites[NEW]
        await until(lambda: [e.order for e in events(new, ev.OrderReceived)] == ["PO-1"])
        await settled(house.shop)
        mirrored(house)

    told(story, governed(tmp_path))


# ---- attacks -------------------------------------------------------------------------------------------------------


def denied(name: str, command: Callable[[House, SiteSeat], c.AnyCommand], tmp_path: Path) -> Answer:
    """The answer to an enrolment that is not to be; afterwards no site has one seat more, and nobody opened a link."""
    found: list[Answer] = []

    async def story(house: House) -> None:
        before = tasks_of(house).keys()
        found.append(await house.ask(HUB, command(house, laid_out(house, name))))
        await settled(house.shop)
        assert tasks_of(house).keys() == before
        for site in house.shop.sites.values():
            assert len(site.chronicle.state.charter.sites) == len(house.shop.charter.sites)
        assert len(house.shop.vaults[VAULT].origins) == len(SITES)

    told(story, governed(tmp_path))
    return found[0]


ATTACKS: Final[dict[str, tuple[Callable[[House, SiteSeat], c.AnyCommand], str]]] = {
    "one officer": (lambda h, s: enrolment(h, s, ("TEC", "technician")), "SELF_APPROVAL"),
    "a business hub": (lambda h, s: enrolment(h, s, kind="business_hub"), "SITE_NOT_ACCEPTED"),
    "a vault": (lambda h, s: enrolment(h, s, kind="vault"), "SITE_NOT_ACCEPTED"),
    "another node's log": (lambda h, s: enrolment(h, s, origin=f"lab.test/{NODE}"), "SITE_NOT_ACCEPTED"),
    "a technician's key": (lambda h, s: with_key_of(h, s, "TEC"), "KEY_NOT_ACCEPTED"),
    "another node's key": (lambda h, s: with_key_of(h, s, NODE), "KEY_NOT_ACCEPTED"),
    "without the newcomer": (
        lambda h, s: replace(enrolment(h, s), signers=enrolment(h, s).signers[:-1]),
        "KEY_NOT_ACCEPTED",
    ),
}


def with_key_of(house: House, seat: SiteSeat, whose: str) -> c.EnrolSite:
    """The newcomer shows a key that is somebody else's, and signs with it."""
    house.desk.add(seat.id, house.desk.key(whose))
    return enrolment(house, seat, key=house.desk.public(whose))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_site_that_is_not_to_join_does_not(tmp_path: Path, attack: str) -> None:
    command, code = ATTACKS[attack]
    answer = denied(NEW, command, tmp_path)
    assert code in answer.decision.codes


def test_an_enrolment_under_the_name_of_a_site_is_an_attempt(tmp_path: Path) -> None:
    """Whoever is enrolled already signs with the key that is known, and the new one is nobody's."""

    def command(house: House, seat: SiteSeat) -> c.AnyCommand:
        house.desk.add(NODE, SigningKey.from_seed(sha256(b"another key")))
        return enrolment(house, replace(seat, id=NODE, origin=f"lab.test/{NODE}", key=house.desk.public(NODE)))

    answer = denied(NEW, command, tmp_path)
    assert not answer.decision.allowed


def test_an_officer_who_signs_twice_is_one_officer(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with pytest.raises(Malformed, match="each signer signs once"):
            await house.ask(HUB, enrolment(house, laid_out(house), ("ADM", "qa")))

    told(story, governed(tmp_path))


def test_the_hub_s_key_alone_makes_nobody_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that asks no second officer is not believed, and its own record shows what it did."""
    gates = {act: tuple(g for g in of if g.name != "enrolment.sponsors") for act, of in law._GATES.items()}

    async def story(house: House) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(law, "_GATES", gates)
            await allowed(house, HUB, enrolment(house, laid_out(house), ("TEC", "technician")))
        for name in (FLOOR, NODE, OTHER):
            await until(partial(_refused, house.shop.sites[name]))
            assert seat_of(house.shop.sites[name].chronicle.state.charter, NEW) is None

    house = governed(tmp_path)

    async def run() -> None:
        async with running(house):
            await story(house)

    asyncio.run(run())
    findings = report_of(house, HUB).findings
    assert "deny SELF_APPROVAL" in findings[0].what


def _refused(site: Site) -> bool:
    attempts = [entry for entry in entries(site) if entry.kind == "attempt"]
    return any(b"too few have signed" in bytes(entry.record) for entry in attempts)


def test_a_node_that_speaks_before_it_is_let_in_is_heard_by_nobody_and_joins_later(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        shop = house.shop
        seat = laid_out(house)
        node = await shop.open_site(NEW)
        assert node.links == {}
        answer = await house.ask(NEW, c.CheckEquipment(**house.head(NEW, ("QAM", "qa")), id="E-1", result="pass"))
        assert "UNKNOWN_IDENTITY" in answer.decision.codes
        stretch = replace(shop.sites[NODE].links[HUB].next_segment(0), origin=seat.origin)
        with pytest.raises(Tampered):
            await shop.sites[HUB].offer(stretch, NEW)
        with pytest.raises(Unavailable):
            await shop.vaults[VAULT].offer(stretch, NEW)
        receipt = c.AcknowledgeForward(
            **house.head(FLOOR, (NEW, "node")), order="PO-1", body=digest(b"x"), serials=("S1",)
        )
        assert not (await house.ask(FLOOR, receipt)).decision.allowed
        await allowed(house, HUB, enrolment(house, seat))
        await settled(shop)
        assert set(node.links) == {HUB, FLOOR, VAULT}
        await until(lambda: all(link.backlog == 0 for link in node.links.values()))
        await settled(shop)
        mirrored(house)

    house = told(story, governed(tmp_path))
    assert report_of(house, NEW).denials == 1


def test_a_log_that_was_never_let_in_does_not_audit(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        laid_out(house)
        await house.shop.open_site(NEW)

    house = governed(tmp_path)

    async def run() -> None:
        async with running(house):
            await story(house)

    asyncio.run(run())
    report = report_of(house, NEW)
    assert not report.holds
    assert "no seat" in report.findings[0].what


def test_a_node_with_another_key_than_the_one_that_was_let_in_stops(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        seat = laid_out(house)
        node = await house.shop.open_site(NEW)
        other = SigningKey.from_seed(sha256(b"the thief's"))
        house.desk.add(NEW, other)
        await allowed(house, HUB, enrolment(house, replace(seat, key=other.public)))
        await until(lambda: node.spine.fault is not None)
        with pytest.raises(Tampered, match="another log or key"):
            await house.ask(NEW, house.start("PO-1", "J-1", NEW))

    house = governed(tmp_path)

    async def run() -> None:
        async with running(house):
            await story(house)

    asyncio.run(run())


# ---- leaving -------------------------------------------------------------------------------------------------------


def test_a_node_leaves_when_it_is_done_and_not_before(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        shop = house.shop
        await joined(house)
        await staged(house, "PO-1", ("S1",), NEW)
        busy = (await house.ask(HUB, retirement(house))).decision
        assert busy.codes == ("NODE_BUSY",)
        assert busy.denials[0].values["work"] == ("order PO-1",)
        await arrived(house, "PO-1", 1, ("S1",))
        await begun(house, "PO-1", "J-1")
        await settled(shop)
        busy = (await house.ask(HUB, retirement(house))).decision
        assert busy.denials[0].values["work"] == ("job J-1 of PO-1", "order PO-1")
        await signed(house, "PO-1", "J-1")
        before = {pair: link for pair, link in tasks_of(house).items() if NEW not in pair}
        await allowed(house, HUB, retirement(house))
        await settled(shop)
        assert {pair: link for pair, link in tasks_of(house).items() if NEW not in pair} == before
        assert NEW not in shop.sites[FLOOR].links
        assert NEW in shop.sites[NEW].chronicle.state.retired, "it was told"
        told_so_far = len(entries(shop.sites[NEW]))
        await allowed(house, HUB, house.material("B-9"))
        await settled(shop)
        assert len(entries(shop.sites[NEW])) == told_so_far, "and it is told nothing more"
        await house.accept("PO-2")
        refused = await house.ask(HUB, house.stage("PO-2", ("S2",), NEW))
        assert refused.decision.codes == ("SITE_RETIRED",)
        check = c.CheckEquipment(**house.head(NEW, ("QAM", "qa")), id="E-1", result="pass")
        assert "SITE_RETIRED" in (await house.ask(NEW, check)).decision.codes
        await settled(shop)
        mirrored(house)

    house = told(story, governed(tmp_path))
    again = House(tmp_path / "shop", seed=1 << 21)
    again._nonce = 10_000

    async def reopened() -> None:
        async with running(again):
            assert NEW not in again.shop.sites[HUB].links
            assert NEW not in again.shop.sites[FLOOR].links

    asyncio.run(reopened())
    assert unsound(again.audits()) == []
    assert report_of(house, NEW).holds


def test_a_retired_node_that_goes_on_working_is_on_record_and_counts_for_nothing(tmp_path: Path) -> None:
    """It was cut off when it was retired, so it does not know; or it does not care."""

    async def story(house: House) -> None:
        shop = house.shop
        await joined(house)
        equipment: dict[str, Any] = {
            "id": "E-1",
            "equipment_class": "gauge",
            "cal_from": 0,
            "cal_until": house.clock.now() * 2,
        }
        register = c.RegisterEquipment(**house.head(HUB, ("ADM", "admin")), **equipment, in_service=True)
        await allowed(house, HUB, register)
        await settled(shop)
        shop.bus.cut(NEW)
        late = c.CheckEquipment(**house.head(NEW, ("TEC", "technician")), id="E-1", result="fail")
        await allowed(house, NEW, late)
        house.clock.instant += 1_000_000
        await allowed(house, HUB, retirement(house))
        house.clock.instant += 1_000_000
        after = c.CheckEquipment(**house.head(NEW, ("TEC", "technician")), id="E-1", result="pass")
        await allowed(house, NEW, after)
        shop.bus.mend(NEW)
        await settled(shop)
        mirrored(house)
        (flag,) = events(shop.sites[HUB], ev.Disregarded)
        assert (flag.site, flag.said) == (NEW, 1)
        assert not shop.sites[HUB].chronicle.state.equipment["E-1"].in_service, "what it found before it left counts"
        kept = [e for body in shop.vaults[VAULT].store.entries(f"lab.test/{NEW}") for e in said(body)]
        assert [e.result for e in kept if isinstance(e, ev.EquipmentChecked)] == ["fail", "pass"], "nothing is lost"
        assert NEW in shop.sites[NEW].chronicle.state.retired, "it knows by now"
        receipt = c.AcknowledgeForward(
            **house.head(FLOOR, (NEW, "node")), order="PO-1", body=digest(b"x"), serials=("S1",)
        )
        assert "IDENTITY_DISABLED" in (await house.ask(FLOOR, receipt)).decision.codes

    told(story, governed(tmp_path))


def said(body: bytes) -> tuple[ev.AnyEvent, ...]:
    return decision_of(read_entry(body)).events


# ---- the Vault -----------------------------------------------------------------------------------------------------


def test_a_vault_finds_the_newcomer_again_in_its_mirror(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await joined(house)

    house = told(story, governed(tmp_path))
    vault: Vault = house.shop.open_vault(VAULT)
    met: list[str] = []
    vault.introduce(met.append)
    vault.close()
    assert NEW in met
    assert vault.origin(sha256(f"lab.test/{NEW}".encode()).hex()) == f"lab.test/{NEW}"


def test_a_vault_decides_the_newcomer_s_entries_again(worked: Path) -> None:
    premises = read_premises(worked)
    vault = premises.vault(premises.seat(VAULT), HostClock(), watch=True)
    watch, origin = vault.watch, f"lab.test/{NEW}"
    assert watch is not None

    async def story() -> None:
        vault.wake()
        watch.wake()
        await until(lambda: watch.watched(origin).size == vault.store.held(origin)[0])

    asyncio.run(story())
    assert watch.watched(origin).size > 0
    assert watch.alarms == ()
    vault.close()


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worked_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    async def story(house: House) -> None:
        await joined(house)
        await staged(house, "PO-1", ("S1",), NEW)
        await arrived(house, "PO-1", 1, ("S1",))
        await begun(house, "PO-1", "J-1")
        await signed(house, "PO-1", "J-1")

    return told(story, governed(tmp_path_factory.mktemp("joined"))).directory


@pytest.fixture
def worked(worked_once: Path, tmp_path: Path) -> Path:
    """A closed shop in which a third node works."""
    return Path(shutil.copytree(worked_once, tmp_path / "shop"))


def test_the_log_of_a_joined_node_is_backed_up_put_back_and_made_anew(worked: Path, tmp_path: Path) -> None:
    kept, elsewhere = tmp_path / "kept", tmp_path / "elsewhere"
    assert main(["backup", "make", str(worked), str(kept)]) == 0
    assert main(["backup", "check", str(kept)]) == 0
    manifest = back_up(worked, tmp_path / "again", 1)
    assert f"{NEW}/ledger.db" in [copied.path for copied in manifest.stores]
    assert f"{NEW}/{SEAT}" in [copied.path for copied in manifest.papers]
    for key in worked.glob("*/site.key"):
        (elsewhere / key.parent.name).mkdir(parents=True)
        shutil.copyfile(key, elsewhere / key.parent.name / key.name)
    restore(kept, elsewhere)
    assert unsound(audit_sites(elsewhere)) == []
    for path in (elsewhere / NEW).glob("ledger.*"):
        path.unlink()
    size = rebuild_from_vault(elsewhere, NEW, elsewhere / VAULT / "mirror.db")
    report = next(report for report in audit_sites(elsewhere) if report.site == NEW)
    assert (report.size, report.holds) == (size, True)


def test_a_bundle_and_a_mirror_of_a_joined_node_audit(worked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export = ["ledger", "export", "--data", str(worked), "--bundles", str(out), "--tiles", str(tmp_path / "tiles")]
    assert main(export) == 0
    assert (tmp_path / "tiles" / NEW / "checkpoint").is_file()
    assert main(["audit", str(out / f"{NEW}.bundle"), "--trust", str(worked / "trust.json")]) == 0
    assert main(["audit", str(worked)]) == 0
    trust = read_trust(worked / "trust.json")
    copies = [item.report for item in audit_file(worked / VAULT / "mirror.db", trust)]
    assert sorted(report.site for report in copies) == sorted((*SITES, NEW))
    assert unsound(copies) == []


def test_a_seat_that_is_another_one_s_is_refused(worked: Path) -> None:
    shutil.copyfile(worked / NEW / SEAT, worked / OTHER / SEAT)
    assert read_premises(worked).seat(OTHER).key != read_premises(worked).seat(NEW).key, "the charter says who it is"
    (worked / "N-4").mkdir()
    shutil.copyfile(worked / NEW / SEAT, worked / "N-4" / SEAT)
    with pytest.raises(Malformed, match="N-4 of this shop needs its own"):
        read_premises(worked).seat("N-4")


def test_nothing_is_laid_out_over_a_site_that_is_there(worked: Path) -> None:
    premises = read_premises(worked)
    before = (worked / NEW / "site.key").read_bytes()
    for name in (NEW, NODE, "TEC"):
        with pytest.raises(Malformed):
            premises.lay_out(name)
    assert (worked / NEW / "site.key").read_bytes() == before

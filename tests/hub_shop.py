"""A demonstration's shop whose orders stand everywhere between proposal and invoice; every step of it a signed act.

Two clients, so that a test can hold what one sees against what is the other's. `story` plays it in a directory; `opened` opens
what it left, with every site in one process and a clock that stands still.
"""

import asyncio
import functools
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdgate.adapters.host import HostClock, HostEntropy, SetClock
from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.adapters.zones import zone_of
from holdgate.bootstrap import BUSINESS_HUB, FLOOR_HUB, Shop
from holdgate.cli.demo import certified, technique
from holdgate.demo import live
from holdgate.demo import shop as demo_shop
from holdgate.demo.ops import CHECKS, CLEAN, DEVELOP, DRY, INSPECT, PENETRANT, POST_CLEAN, RINSE, Op, Reading
from holdgate.demo.shop import (
    CLIENT,
    COMPLIANCE,
    DOCK,
    LEVEL3,
    NODE,
    OFFICE,
    PLANNER,
    QA,
    REPORTS,
    SCANNER,
    SIGNERS,
    TECHNICIAN,
    Cast,
    Contract,
    DemoShop,
    Member,
)
from holdgate.law import command as c
from holdgate.law.contract import SmartClientPO, read_document
from holdgate.sites.desk import Desk
from holdgate.sites.figures import SiteFigures
from holdgate.sites.reception import Reception
from holdgate.sites.site import Site
from holdgate.sites.status import ClockQuality, site_status
from holdgate.terms import canon
from holdgate.terms.instant import SECOND_US
from holdgate.web.asker import Asker
from holdgate.web.drafting import Drafting
from holdgate.web.face import Face
from holdgate.web.page import View
from tests.kept import kept

FINANCE: Final = demo_shop.FINANCE
OTHER_CLIENT: Final = "SID-CLI-02"
SECOND: Final = live.SECOND_TECHNICIAN
OPS: Final = (CHECKS, CLEAN, PENETRANT, RINSE, DRY, DEVELOP, INSPECT, POST_CLEAN)
INVOICED, EXCEPTIONS, REPORTED, RUNNING, AT_COMPLIANCE = "PO-2001", "PO-2002", "PO-2003", "PO-2004", "PO-2005"
STAGED, HELD, ACCEPTED_TERMS, REVIEWED, REJECTED, AT_QA = (
    "PO-2006",
    "PO-2007",
    "PO-2008",
    "PO-2009",
    "PO-2010",
    "PO-2011",
)
ORG: Final = {CLIENT: "AERODYNE", OTHER_CLIENT: "BORA"}
PART: Final = "4512-7"
JOB: Final = "J-1"
HOUR_US: Final = 3_600 * SECOND_US


def contract() -> Contract:
    """The demonstration's technique, its waiting times cut to seconds."""
    return certified(live.shortened(technique()))


def cast(now: int) -> Cast:
    """The demonstration's people, and a second client."""
    there = live.cast(now)
    return there._replace(people=(*there.people, Member(OTHER_CLIENT, "Bora quality", ("client",), org="BORA")))


class Story:
    """Plays the shop's orders. `at`: the shop, founded and with its technique released."""

    def __init__(self, at: DemoShop, contract: Contract) -> None:
        self.at = at
        self.contract = contract
        self._scans = 0
        self.dent = "dent on the flange <script>alert(1)</script>"
        template = read_document(contract.template)
        assert isinstance(template, SmartClientPO)
        self.template = template

    def later(self, seconds: int) -> None:
        """Time goes by."""
        self.at.clock.instant += seconds * SECOND_US

    # ---- the order -------------------------------------------------------------------------------------------------

    def terms(self, on_silence: str = "") -> c.Terms:
        """What the client signs."""
        t = self.template
        milestones = tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in t.billing)
        return c.Terms(
            price_minor=t.price_minor,
            currency=t.currency,
            milestones=milestones,
            client_window_s=t.client_window_s,
            on_silence=on_silence or t.on_silence,
        )

    async def accept_terms(self, order: str, client: str, on_silence: str = "") -> None:
        """The client's signature under an order."""
        named = {"order": order, "contract": self.contract.id, "version": self.contract.version}
        signed = self.at.signers((client, "client"), meaning="terms accepted")
        await self.at.must(c.AcceptTerms, signed, OFFICE, **named, terms=self.terms(on_silence))

    async def stage(self, order: str, client: str, on_silence: str = "", **more: Any) -> tuple[str, ...]:
        """From the client's signature to the gate; gives the serials."""
        await self.accept_terms(order, client, on_silence)
        self.later(60)
        serials = tuple(f"{order[-2:]}S{n}" for n in range(1, 5))
        await self.at.must(
            c.StageOrder,
            self.at.signers((PLANNER, "project_manager")),
            order=order,
            contract=self.contract.id,
            version=self.contract.version,
            node=NODE,
            client=ORG[client],
            part_no=PART,
            rev="C",
            serials=serials,
            documents=("purchase_order", "material_certificate"),
            **more,
        )
        return serials

    async def scan(self, order: str, serials: tuple[str, ...], rev: str = "C") -> None:
        """A scan at the dock, whatever comes of it."""
        self._scans += 1
        self.later(30)
        await self.at.act(
            c.ReportArrival,
            self.at.signers((SCANNER, "scanner")),
            DOCK,
            at_site=FLOOR_HUB,
            order=order,
            part_no=PART,
            rev=rev,
            serials=serials,
            quantity=len(serials),
            reader_seq=self._scans,
            observed_at=self.at.clock.instant,
        )

    # ---- the job ---------------------------------------------------------------------------------------------------

    async def start(self, order: str, by: str = TECHNICIAN) -> None:
        """The job starts."""
        self.later(60)
        await self.at.must(
            c.StartJob, self.at.signers((by, "technician")), at_site=NODE, order=order, job=JOB, node=NODE
        )

    def pinned(self, order: str) -> str:
        """The technique of a job, as its node knows it."""
        return self.at.shop.sites[NODE].chronicle.state.jobs[f"{order}/{JOB}"].sha256

    async def begin(self, order: str, op: Op, by: str = TECHNICIAN, **more: Any) -> None:
        """An op is started."""
        self.later(12)
        await self.at.must(
            c.StartStep,
            self.at.signers((by, "technician")),
            op.place,
            at_site=NODE,
            **self._named(order, op),
            equipment=op.equipment,
            materials=op.materials,
            **more,
        )

    def _named(self, order: str, op: Op) -> dict[str, str]:
        return {"order": order, "job": JOB, "step": op.step, "contract": self.pinned(order)}

    async def read(self, order: str, op: Op, reading: Reading, by: str = TECHNICIAN) -> None:
        """One value."""
        self.later(5)
        serials = self.at.shop.sites[NODE].chronicle.state.jobs[f"{order}/{JOB}"].serials
        for serial in (None,) if reading.serial is None else serials:
            await self.at.must(
                c.RecordReading,
                self.at.signers((by, "technician")),
                at_site=NODE,
                **self._named(order, op),
                characteristic=reading.what,
                value=reading.value,
                unit=reading.unit,
                capture="manual",
                instrument=reading.by,
                serial=serial,
            )

    async def sign(self, order: str, op: Op, by: str = TECHNICIAN) -> None:
        """An op is signed off."""
        self.later(20)
        signed = self.at.signers((by, "technician"), meaning="performed and accepted")
        await self.at.must(c.SignStep, signed, op.place, at_site=NODE, **self._named(order, op), result="pass")

    async def op(self, order: str, op: Op, by: str = TECHNICIAN) -> None:
        """A whole op."""
        await self.begin(order, op, by)
        seen: set[str] = set()
        for reading in op.readings:
            if reading.what not in seen:
                await self.read(order, op, reading, by)
            seen.add(reading.what)
        await self.sign(order, op, by)

    async def job(self, order: str, serials: tuple[str, ...], ops: tuple[Op, ...] = OPS, by: str = TECHNICIAN) -> None:
        """From the dock through the ops."""
        await self.scan(order, serials)
        await self.start(order, by)
        for op in ops:
            await self.op(order, op, by)

    # ---- quality and client ----------------------------------------------------------------------------------------

    async def qa(self, order: str) -> None:
        """QA accepts the record."""
        self.later(300)
        count = c.Quantities(received=4, accepted=4, rejected=0, scrapped=0)
        signed = self.at.signers((QA, "qa"), meaning="reviewed and accepted")
        await self.at.must(c.SignQa, signed, OFFICE, order=order, job=JOB, quantities=count)

    async def report(self, order: str) -> str:
        """Compliance accepts, and the report goes out."""
        self.later(300)
        signed = self.at.signers((COMPLIANCE, "compliance"), meaning="compliance accepted")
        await self.at.must(c.SignCompliance, signed, OFFICE, order=order, job=JOB)
        report = f"R-{order}"
        service = self.at.signers((REPORTS, "system"))
        await self.at.must(c.GenerateReport, service, order=order, job=JOB, report=report)
        return report

    async def answer(self, report: str, client: str, decision: str, reason: str | None = None) -> None:
        """The client's word."""
        self.later(1800)
        signed = self.at.signers((client, "client"), meaning=f"report {decision}")
        await self.at.must(c.ReviewReport, signed, OFFICE, report=report, decision=decision, reason=reason)

    # ---- one job with everything that is an exception -----------------------------------------------------------------

    async def exceptions(self, order: str, client: str) -> None:
        """Out of limits, corrected, entered late, deviated from, red-tagged, parts attested by people."""
        serials = await self.stage(order, client)
        await self.scan(order, serials)
        await self.start(order)
        await self.begin(order, CHECKS)
        await self.read(order, CHECKS, CHECKS.readings[0]._replace(value="900"))
        await self.read(order, CHECKS, CHECKS.readings[0])
        await self.read(order, CHECKS, CHECKS.readings[1])
        await self.read(order, CHECKS, CHECKS.readings[2]._replace(value="6"))
        await self._correct(order)
        await self.sign(order, CHECKS)
        await self.op(order, CLEAN)
        await self._late(order)
        await self._deviate(order, client)
        for op in (DRY, DEVELOP):
            await self.op(order, op)
        await self._red_tag(order, serials)
        await self.op(order, INSPECT)
        await self.op(order, POST_CLEAN)

    async def _correct(self, order: str) -> None:
        technician = self.at.signers((TECHNICIAN, "technician"))
        fields = {"characteristic": "panel_spots", "new_value": "5", "reason": "keyed a 6 for a 5; panel sheet says 5"}
        await self.at.must(
            c.CorrectEntry, technician, CHECKS.place, at_site=NODE, order=order, job=JOB, step="S10", **fields
        )

    async def _late(self, order: str) -> None:
        await self.begin(order, PENETRANT)
        seen_at = self.at.clock.instant
        self.later(600)
        signers = self.at.signers((TECHNICIAN, "technician"), (QA, "qa"))
        reading = PENETRANT.readings[0]
        await self.at.must(
            c.RecordLate,
            signers,
            at_site=NODE,
            **self._named(order, PENETRANT),
            characteristic=reading.what,
            value=reading.value,
            unit=reading.unit,
            observed_at=seen_at,
            reason="terminal was down",
            evidence="bench sheet 118",
            instrument=reading.by,
        )
        await self.sign(order, PENETRANT)

    async def _deviate(self, order: str, client: str) -> None:
        self.later(7_300)
        both = self.at.signers((LEVEL3, "level3"), (client, "client"), meaning="deviation authorised")
        fields = {"deviation": "D-1", "waive": ("WINDOW_EXCEEDED",), "reason": "fire drill", "evidence": "drill log 7"}
        await self.at.must(
            c.AuthoriseDeviation, both, OFFICE, at_site=NODE, order=order, job=JOB, step=RINSE.step, **fields
        )
        await self.begin(order, RINSE, deviation="D-1")
        for reading in RINSE.readings:
            await self.read(order, RINSE, reading)
        await self.sign(order, RINSE)

    async def _red_tag(self, order: str, serials: tuple[str, ...]) -> None:
        technician = self.at.signers((TECHNICIAN, "technician"))
        named = {"order": order, "job": JOB, "ncr": "N-1"}
        told = {"serials": serials[3:], "description": self.dent}
        await self.at.must(c.OpenNonconformance, technician, at_site=NODE, **named, **told)
        self.later(900)
        level3 = self.at.signers((LEVEL3, "level3"), meaning="disposition approved")
        decided = {"disposition": "reject", "reason": "dent is outside of the drawing"}
        await self.at.must(c.DisposeNonconformance, level3, OFFICE, at_site=NODE, **named, **decided)


async def found(directory: Path, began: int) -> Story:
    """The shop with its technique released, and no order yet."""
    at = DemoShop(directory, cast(began))
    at.clock.instant = began
    made = contract()
    await at.found()
    await at.enrol()
    await at.register()
    await at.propose(made)
    for role in SIGNERS:
        await at.approve(made, role)
    await at.release(made)
    return Story(at, made)


async def story(directory: Path, now: int, dent: str = "") -> Story:
    """Everything: orders at every stage, the last act some minutes before `now` (UTC µs). The shop stays open.

    `dent`: what the red tag of the order with exceptions says; none: somebody tries to have it run as a script.
    """
    s = await found(directory, now - 30 * HOUR_US)
    s.dent = dent or s.dent
    await s.job(INVOICED, await s.stage(INVOICED, CLIENT))
    await s.qa(INVOICED)
    await s.answer(await s.report(INVOICED), CLIENT, "approve")
    await s.exceptions(EXCEPTIONS, CLIENT)
    await s.job(REJECTED, await s.stage(REJECTED, OTHER_CLIENT), by=SECOND)
    await s.qa(REJECTED)
    await s.answer(await s.report(REJECTED), OTHER_CLIENT, "reject", "the certificate names the wrong heat lot")
    await s.job(REPORTED, await s.stage(REPORTED, OTHER_CLIENT, "deemed_accepted"))
    await s.qa(REPORTED)
    await s.report(REPORTED)
    running = await s.stage(RUNNING, OTHER_CLIENT)
    await s.job(RUNNING, running, OPS[:3], by=SECOND)
    tag = {"ncr": "N-1", "serials": running[:1], "description": "scratch"}
    technician = s.at.signers((SECOND, "technician"))
    await s.at.must(c.OpenNonconformance, technician, at_site=NODE, order=RUNNING, job=JOB, **tag)
    help_wanted = {"step": OPS[3].step, "reason": "scratch or indication? Please look before I rinse"}
    await s.at.must(c.CallHelp, technician, at_site=NODE, order=RUNNING, job=JOB, **help_wanted)
    await s.job(AT_COMPLIANCE, await s.stage(AT_COMPLIANCE, CLIENT))
    await s.qa(AT_COMPLIANCE)
    await s.stage(STAGED, OTHER_CLIENT)
    held = await s.stage(HELD, CLIENT)
    await s.scan(HELD, held[:2])
    await s.accept_terms(ACCEPTED_TERMS, OTHER_CLIENT)
    reviewed = {"order": REVIEWED, "document_digest": "ab" * 32}
    planner = s.at.signers((PLANNER, "project_manager"), meaning="reviewed")
    await s.at.must(c.ReviewOrder, planner, OFFICE, **reviewed)
    await s.job(AT_QA, await s.stage(AT_QA, OTHER_CLIENT))
    await s.at.account_for_money()
    both = s.at.signers((FINANCE, "finance"), (PLANNER, "project_manager"), meaning="payments ordered")
    paid = {"run": "RUN-1", "payouts": ("P-000001",), "currency": "USD", "pay_on": "2026-11-30"}
    await s.at.must(c.RunPayments, both, OFFICE, **paid)
    return s


class Played(NamedTuple):
    """A shop that was played and is closed. `now`: some seconds after its last act (UTC µs)."""

    directory: Path
    desk: Desk
    now: int


def play(directory: Path, now: int) -> Desk:
    """Play the story and close the shop; gives everybody's keys."""

    async def told() -> Story:
        return await story(directory, now - 5 * SECOND_US)

    at = asyncio.run(told()).at
    at.close()
    return at.desk


@functools.cache
def played() -> Played:
    """The story's shop, played once in a run of tests and thrown away at its end. Nobody writes to it: see `copied`."""

    def make(folder: Path) -> None:
        now = HostClock().now()
        (folder / "kept").write_bytes(pickle.dumps((play(folder / "shop", now), now)))

    folder = kept("hub-story", make)
    desk, now = pickle.loads((folder / "kept").read_bytes())
    return Played(folder / "shop", desk, now)


def copied(folder: Path) -> Played:
    """A copy of the story's shop, to go on with."""
    shop = played()
    shutil.copytree(shop.directory, folder / "shop")
    return shop._replace(directory=folder / "shop")


@contextmanager
def opened(directory: Path, now: int) -> Iterator[Shop]:
    """The sites of a shop that is closed, on a clock that stands still."""
    clock = SetClock()
    clock.instant = now
    shop = asyncio.run(Shop(directory, clock, HostEntropy()).open())
    try:
        yield shop
    finally:
        shop.close()


class Office:
    """The business hub of a shop (or another site of it) as somebody sees it."""

    def __init__(self, shop: Shop, reception: Reception, now: int, site: str = BUSINESS_HUB) -> None:
        hub = shop.sites[site]
        self.shop = shop
        self.face = Face(hub, SiteFigures(hub), lambda: site_status(hub, ClockQuality()))
        self.face.zone = zone_of(self.face.settings.tz)
        self.face.formats = lambda seller, buyer: ("pdf",) if {seller, buyer} == {"US"} else ("facturx", "ubl", "cii")
        self.reception = reception
        self.now = now

    def beside(self, site: str) -> "Office":
        """Another site of the same shop."""
        return Office(self.shop, self.reception, self.now, site)

    def view(self, who: str, query: dict[str, str] | None = None, **path: str) -> View:
        """How it looks to somebody."""
        state = self.face.state
        asker = Asker(org=state.charter.org, now=self.now, person=state.identities[who])
        return View(self.face, asker, path, query or {}, self.reception, Drafting(None), self.face.shows)


@contextmanager
def office(folder: Path) -> Iterator[Office]:
    """The office of the story's shop, in a copy of its own."""
    shop = copied(folder)
    reception = SqliteReception(folder / "reception.db")
    with opened(shop.directory, shop.now) as sites:
        yield Office(sites, reception, shop.now)
    reception.close()


__all__ = [
    "Office",
    "Played",
    "Site",
    "Story",
    "canon",
    "copied",
    "found",
    "office",
    "opened",
    "play",
    "played",
    "story",
]

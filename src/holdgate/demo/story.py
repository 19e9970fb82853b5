"""Story A: four titanium brackets, from the client's signature to invoice and bonus; then the copy, the audit, a forgery.

Everything that is told has happened: each line is a signed act that a site decided and recorded, or a fact that followed
by itself. Nothing here decides. A refused act that the story counts on ends it (`InvariantBroken`).
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdgate.adapters.epcis import read_object_event, write_object_event
from holdgate.bootstrap import FLOOR_HUB
from holdgate.demo.narrator import Narrator
from holdgate.demo.ops import CHECKS, CLEAN, DEVELOP, DRY, INSPECT, PENETRANT, POST_CLEAN, RINSE, SERIALS, Op
from holdgate.demo.proof import Audit, tell_audit, tell_copies, tell_forgery
from holdgate.demo.shop import (
    CLIENT,
    COMPLIANCE,
    DOCK,
    FINANCE,
    NAMES,
    NODE,
    OFFICE,
    PEOPLE,
    PLANNER,
    QA,
    REPORTS,
    SCANNER,
    SIGNERS,
    TECHNICIAN,
    THINGS,
    Contract,
    DemoShop,
    terms_of,
)
from holdgate.demo.tell import Teller
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import SmartClientPO, read_document
from holdgate.terms.errors import InvariantBroken, Tampered

ORDER: Final = "PO-1001"
JOB: Final = "J-1"
REPORT: Final = "R-1"
PART: Final = "4512-7"
CAGE: Final = "7A4D1"
READ_POINT: Final = "urn:epc:id:sgln:0614141.00001."
"""Places of this dock as EPCIS names them; what follows is the workstation."""
MONDAY: Final = "2025-03-31T"
DAY: Final = "2025-04-01T"
NEXT: Final = "2025-04-02T"


RUN: Final = "RUN-1"
PAYOUT: Final = "P-000001"
Papers = Callable[[Path, int, Teller], None]


class Story(Narrator):
    """The story in a directory of its own.

    Args:
        directory: the shop's; it must not exist yet, or be empty.
        contract: the technique and its certificate.
        tell: who tells it.
        audit: audits a closed shop.
        papers: makes report, invoice and payment file of a closed shop, at a time (UTC µs), and tells of them.
    """

    def __init__(self, directory: Path, contract: Contract, tell: Teller, audit: Audit, papers: Papers) -> None:
        super().__init__(DemoShop(directory), tell)
        self._contract = contract
        self._audit = audit
        self._papers = papers
        self._pinned = ""
        self._event = ""

    async def run(self) -> bool:
        """Tell it. Whether the audit found every record sound and the forgery out."""
        try:
            await self._opens()
            await self._technique()
            await self._order()
            await self._dock()
            await self._checks()
            await self._ops()
            await self._accepted()
            await self._client()
            self._act("The read-only copy", f"{NEXT}09:15:00")
            whole = tell_copies(self._at.shop, self._tell)
        finally:
            self._at.close()
        self._act("The papers, made from the record alone", f"{NEXT}09:17:00")
        await asyncio.to_thread(self._papers, self._at.directory, self._at.clock.now(), self._tell)
        self._act("The audit: every signature checked, every decision made again", f"{NEXT}09:20:00")
        sound = tell_audit(self._audit(self._at.directory), self._tell)
        self._act("What if somebody changes one digit?", f"{NEXT}09:25:00")
        named = tell_forgery(self._at.directory, self._audit, self._tell)
        return whole and sound and named

    # ---- the acts --------------------------------------------------------------------------------------------------

    async def _opens(self) -> None:
        at = self._at
        self._act("The shop opens its books", f"{MONDAY}13:00:00")
        await at.found()
        self._done("K. Stone (admin) and S. Iyer (QA) found it: office, receiving, penetrant line")
        await at.enrol()
        self._done(
            f"{len(PEOPLE)} more people and {len(THINGS)} devices and services join, each with a key made on the spot"
        )
        await at.register()
        self._done("On file: certs (Alvarez: PT L2 exp 30 Nov 26), 4 instruments in cal, 2 batches")
        await at.account_for_money()
        self._done(
            "P. Novak (finance) registers lab and client for invoices; Alvarez's bank account stays off the record"
        )

    async def _technique(self) -> None:
        at, contract = self._at, self._contract
        self._act("Dr. Weber's technique is approved and released", f"{MONDAY}14:00:00")
        await at.propose(contract)
        self._done(f"Technique {contract.id} rev {contract.version} proposed by Dr. H. Weber (Level III) and certified")
        self._note("The certificate covers the structure (ops, limits, times, money), not the behaviour.")
        at.set(f"{MONDAY}14:20:00")
        for role in SIGNERS:
            await at.approve(contract, role)
        self._done(f"Approved by four people: {', '.join(NAMES[person] for person in SIGNERS.values())}")
        at.set(f"{MONDAY}14:30:00")
        self._done(f"Rev {contract.version} released for new orders", await at.release(contract))

    async def _order(self) -> None:
        at, contract = self._at, self._contract
        self._act("The order comes in, and nothing moves", f"{DAY}07:40:00")
        template = read_document(contract.template)
        if not isinstance(template, SmartClientPO):
            raise InvariantBroken("the template is no order template")
        terms = terms_of(template)
        named = {"order": ORDER, "contract": contract.id, "version": contract.version}
        client = at.signers((CLIENT, "client"), meaning="terms accepted")
        answer = await at.must(c.AcceptTerms, client, OFFICE, **named, terms=terms)
        self._done(f"AERODYNE signs {ORDER}: {_money(template.price_minor)}, 5 days to review the report", answer)
        at.set(f"{DAY}07:55:00")
        answer = await at.must(
            c.StageOrder,
            at.signers((PLANNER, "project_manager")),
            **named,
            node=NODE,
            client="AERODYNE",
            part_no=PART,
            rev="C",
            serials=SERIALS,
            documents=("purchase_order", "material_certificate"),
        )
        self._done(f"D. Reyes stages it for the penetrant line: {PART} rev C, S01 to S04. Waiting on parts", answer)
        at.set(f"{DAY}08:01:00")
        answer = await at.act(c.ReleaseOrder, at.signers((PLANNER, "project_manager")), at_site=FLOOR_HUB, order=ORDER)
        self._refused("D. Reyes tries to release the order by hand", answer, "NO_ARRIVAL", FLOOR_HUB)
        at.set(f"{DAY}08:02:00")
        self._refused("M. Alvarez tries to start the job", await self._start(), "NO_ARRIVAL", NODE)
        self._note("A refusal moves nothing, and it stays on the record.")

    async def _start(self) -> Answer:
        technician = self._at.signers((TECHNICIAN, "technician"))
        return await self._at.act(c.StartJob, technician, at_site=NODE, order=ORDER, job=JOB, node=NODE)

    async def _dock(self) -> None:
        at = self._at
        self._act("At the dock", f"{DAY}08:03:00")
        answer = await self._scan("B", 1)
        self._refused("First scan: four brackets, marked rev B", answer, "REV_MISMATCH", FLOOR_HUB, "held")
        self._follows(ev.ArrivalQuarantined, lambda _: "The parts are set aside; the order still waits")
        at.set(f"{DAY}08:04:00")
        answer = await self._scan("C", 2)
        if not answer.decision.allowed:
            raise InvariantBroken(f"the right parts were not let in: {answer.decision.codes}")
        self._done("Second scan: rev C, S01 to S04. Arrived \u2013 verified", answer, FLOOR_HUB, event=self._event)
        self._follows(ev.OrderReleased, lambda _: f"{ORDER} is released to the penetrant line, by itself")
        self._note("Each scan is an EPCIS 2.0 event; the reader signs what was read, and counts.")
        at.set(f"{DAY}08:05:00")
        answer = await self._start()
        if not answer.decision.allowed:
            raise InvariantBroken(f"the job did not start: {answer.decision.codes}")
        self._pinned = at.shop.sites[NODE].chronicle.state.jobs[f"{ORDER}/{JOB}"].sha256
        self._done(
            f"M. Alvarez starts the job. It keeps technique rev {self._contract.version} to its end", answer, NODE
        )

    async def _scan(self, rev: str, count: int) -> Answer:
        """One scan: the dock writes an event; what the reader signs is what is read back from it.

        Raises:
            Tampered: the event names another place than the one where the reader stands.
        """
        at, now = self._at, self._at.clock.now()
        raw = write_object_event(ORDER, PART, rev, SERIALS, READ_POINT + DOCK, now, CAGE)
        scans = at.directory / "scans"
        scans.mkdir(exist_ok=True)
        (scans / f"scan-{count}.json").write_bytes(raw)
        seen = read_object_event(raw)
        if seen.read_point != READ_POINT + DOCK:
            raise Tampered(f"the event was read at {seen.read_point}, not at {DOCK}")
        self._event = seen.event_hash
        return await at.act(
            c.ReportArrival,
            at.signers((SCANNER, "scanner")),
            DOCK,
            at_site=FLOOR_HUB,
            order=seen.order,
            part_no=seen.part_no,
            rev=seen.rev,
            serials=seen.serials,
            quantity=seen.quantity,
            reader_seq=count,
            observed_at=seen.observed_at,
            event=seen.event_hash,
        )

    async def _checks(self) -> None:
        self._act("First the daily checks", f"{DAY}08:06:00")
        answer = await self._begin(PENETRANT)
        self._refused("M. Alvarez reaches for the penetrant", answer, "PRECHECK_INCOMPLETE", NODE)
        await self._op(CHECKS)

    async def _ops(self) -> None:
        at = self._at
        self._act("The work, op by op", f"{DAY}08:10:00")
        await self._op(CLEAN)
        await self._op(PENETRANT)
        at.set(f"{DAY}08:29:40")
        answer = await self._begin(RINSE)
        self._refused("M. Alvarez wants to rinse after 12 minutes", answer, "WINDOW_NOT_REACHED", NODE)
        for op in (RINSE, DRY, DEVELOP):
            await self._op(op)
        await self._perform(INSPECT)
        at.set(f"{DAY}09:38:45")
        answer = await self._sign(INSPECT)
        self._refused(
            "M. Alvarez wants to sign Op 70 off the moment the last part is read", answer, "RULE_NOT_MET", NODE
        )
        self._note("That is a rule of this technique's own, as Dr. Weber wrote it.")
        await self._sign_off(INSPECT)
        await self._op(POST_CLEAN)

    def _header(self, op: Op) -> dict[str, str]:
        return {"order": ORDER, "job": JOB, "step": op.step, "contract": self._pinned}

    async def _begin(self, op: Op) -> Answer:
        technician = self._at.signers((TECHNICIAN, "technician"))
        used = {"equipment": op.equipment, "materials": op.materials}
        return await self._at.act(c.StartStep, technician, op.place, at_site=NODE, **self._header(op), **used)

    async def _perform(self, op: Op) -> None:
        """Start and readings, which are spread over the op's time."""
        at = self._at
        at.set(f"{DAY}{op.began}")
        answer = await self._begin(op)
        if not answer.decision.allowed:
            raise InvariantBroken(f"{op.step} did not start: {answer.decision.codes}")
        for reading in op.readings:
            at.clock.instant += 20_000_000
            await at.must(
                c.RecordReading,
                at.signers((TECHNICIAN, "technician")),
                at_site=NODE,
                **self._header(op),
                characteristic=reading.what,
                value=reading.value,
                unit=reading.unit,
                capture="manual",
                instrument=reading.by,
                serial=reading.serial,
            )

    async def _sign(self, op: Op) -> Answer:
        technician = self._at.signers((TECHNICIAN, "technician"), meaning="performed and accepted")
        return await self._at.act(c.SignStep, technician, op.place, at_site=NODE, **self._header(op), result="pass")

    async def _sign_off(self, op: Op) -> None:
        self._at.set(f"{DAY}{op.signed}")
        answer = await self._sign(op)
        if not answer.decision.allowed:
            raise InvariantBroken(f"{op.step} was not signed off: {answer.decision.codes}")
        self._done(op.told, answer, NODE)

    async def _op(self, op: Op) -> None:
        await self._perform(op)
        await self._sign_off(op)

    async def _accepted(self) -> None:
        at = self._at
        job = {"order": ORDER, "job": JOB}
        self._act("QA, compliance, report", f"{DAY}09:42:00")
        service = at.signers((REPORTS, "system"))
        answer = await at.act(c.GenerateReport, service, **job, report=REPORT)
        self._refused("The report is asked for before QA has reviewed", answer, "TESTS_NOT_PASSED_QA")
        at.set(f"{DAY}09:45:00")
        count = c.Quantities(received=4, accepted=4, rejected=0, scrapped=0)
        qa = at.signers((QA, "qa"), meaning="reviewed and accepted")
        answer = await at.must(c.SignQa, qa, OFFICE, **job, quantities=count)
        self._done("S. Iyer (QA) reviews the record: no exceptions, 4 received = 4 accepted", answer)
        at.set(f"{DAY}09:46:00")
        compliance = at.signers((COMPLIANCE, "compliance"), meaning="compliance accepted")
        self._done("L. Marsh signs for compliance", await at.must(c.SignCompliance, compliance, OFFICE, **job))
        self._follows(ev.PayoutReleased, _bonus)
        at.set(f"{DAY}09:47:00")
        answer = await at.must(c.GenerateReport, service, **job, report=REPORT)
        self._done(f"Report {REPORT} is issued to AERODYNE: four brackets conform", answer)
        self._follows(ev.ReviewWindowOpened, lambda _: "AERODYNE's 5 days to review begin")

    async def _client(self) -> None:
        at = self._at
        self._act("The client approves", f"{NEXT}09:10:00")
        client = at.signers((CLIENT, "client"), meaning="client approve")
        answer = await at.must(c.ReviewReport, client, OFFICE, report=REPORT, decision="approve")
        self._done(f"AERODYNE approves report {REPORT}", answer)
        self._follows(ev.InvoiceIssued, _invoice)
        at.set(f"{NEXT}09:12:00")
        run = {"run": RUN, "payouts": (PAYOUT,), "currency": "USD", "pay_on": "2025-04-03"}
        alone = at.signers((FINANCE, "finance"), meaning="payments ordered")
        answer = await at.act(c.RunPayments, alone, OFFICE, **run)
        self._refused("P. Novak orders the bonus from the bank alone", answer, "CONSENT_MISSING")
        two = at.signers((FINANCE, "finance"), (COMPLIANCE, "compliance"), meaning="payments ordered")
        self._done(
            "P. Novak and L. Marsh order it together, for 3 April", await at.must(c.RunPayments, two, OFFICE, **run)
        )


def _money(minor: int) -> str:
    return f"${minor // 100:,}.{minor % 100:02d}"


def _bonus(event: ev.Event) -> str:
    if not isinstance(event, ev.PayoutReleased):
        return ""
    return f"{_money(event.amount_minor)} bonus to {NAMES[event.payee]} for a complete record on time, by itself"


def _invoice(event: ev.Event) -> str:
    return f"Invoice over {_money(event.amount_minor)}, by itself" if isinstance(event, ev.InvoiceIssued) else ""

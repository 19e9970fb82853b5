"""Story A: four titanium brackets, from the client's signature to invoice and bonus; then the copy, the audit, a forgery.

Everything that is told has happened: each line is a signed act that a site decided and recorded, or a fact that followed
by itself. Nothing here decides. A refused act that the story counts on ends it (`InvariantBroken`).
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.adapters.epcis import read_object_event, write_object_event
from holdgate.audit.replay import LogReport
from holdgate.bootstrap import BUSINESS_HUB, FLOOR_HUB
from holdgate.demo.shop import (
    BOOTH,
    CLIENT,
    COMPLIANCE,
    DOCK,
    LINE,
    NAMES,
    NODE,
    OFFICE,
    PEOPLE,
    PLACES,
    PLANNER,
    QA,
    REPORTS,
    SCANNER,
    SIGNERS,
    TECHNICIAN,
    THINGS,
    Contract,
    DemoShop,
)
from holdgate.demo.tell import Line, Teller
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import SmartClientPO, read_document
from holdgate.law.denial import remedy, sentence
from holdgate.ledger.note import parse_checkpoint
from holdgate.terms.errors import InvariantBroken, Tampered

ORDER: Final = "PO-1001"
JOB: Final = "J-1"
REPORT: Final = "R-1"
PART: Final = "4512-7"
SERIALS: Final = ("S01", "S02", "S03", "S04")
CAGE: Final = "7A4D1"
READ_POINT: Final = "urn:epc:id:sgln:0614141.00001."
"""Places of this dock as EPCIS names them; what follows is the workstation."""
MONDAY: Final = "2025-03-31T"
DAY: Final = "2025-04-01T"
NEXT: Final = "2025-04-02T"

Audit = Callable[[Path], list[LogReport]]
"""Audits every deciding site of a closed shop."""


class Reading(NamedTuple):
    """One value as it was read. `by`: the instrument."""

    what: str
    value: str
    unit: str
    by: str | None = None
    serial: str | None = None


class Op(NamedTuple):
    """One operation of the technique as Alvarez performs it. `began`, `signed`: local times of the day."""

    step: str
    began: str
    signed: str
    place: str
    told: str
    readings: tuple[Reading, ...]
    equipment: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()


_INDICATIONS: Final = tuple(Reading("linear_indications", "0", "count", serial=serial) for serial in SERIALS)
CHECKS: Final = Op(
    "S10",
    "08:07:00",
    "08:09:00",
    BOOTH,
    "Daily checks: lamp 2100 µW/cm² and booth 9.8 lux with RAD-07, test panel 5 spots",
    (
        Reading("uva", "2100", "uW/cm2", "RAD-07"),
        Reading("ambient", "9.8", "lux", "RAD-07"),
        Reading("panel_spots", "5", "count"),
    ),
    ("RAD-07",),
)
CLEAN: Final = Op(
    "S20",
    "08:10:00",
    "08:11:20",
    LINE,
    "Op 20  Pre-clean and dry: water-break free",
    (Reading("water_break_free", "1", "bool01"),),
)
PENETRANT: Final = Op(
    "S30",
    "08:16:20",
    "08:17:40",
    LINE,
    "Op 30  Penetrant PEN-24117 on, parts at 72 °F with THM-09",
    (Reading("part_temp", "72", "degF", "THM-09"),),
    ("THM-09",),
    ("PEN-24117",),
)
RINSE: Final = Op(
    "S40",
    "08:57:40",
    "08:59:20",
    LINE,
    "Op 40  Rinse after 40 min dwell: water 68 °F, 28 psi",
    (Reading("water_temp", "68", "degF", "THM-09"), Reading("water_pressure", "28", "psi", "GAU-03")),
    ("THM-09", "GAU-03"),
)
DRY: Final = Op(
    "S50",
    "09:02:20",
    "09:04:00",
    LINE,
    "Op 50  Dry: oven at 135 °F",
    (Reading("oven_temp", "135", "degF", "OVN-02"),),
    ("OVN-02",),
)
DEVELOP: Final = Op(
    "S60",
    "09:09:00",
    "09:11:00",
    LINE,
    "Op 60  Developer DEV-2409 on: coverage even",
    (Reading("coverage", "1", "bool01"),),
    materials=("DEV-2409",),
)
INSPECT: Final = Op(
    "S70",
    "09:36:00",
    "09:39:00",
    BOOTH,
    "Op 70  Inspect after 25 min: S01 to S04 read one by one, no linear indications",
    (
        Reading("dark_adapt", "90", "s"),
        Reading("uva_at_part", "2400", "uW/cm2", "RAD-07"),
        *_INDICATIONS,
    ),
    ("RAD-07",),
)
POST_CLEAN: Final = Op(
    "S80",
    "09:40:00",
    "09:41:20",
    LINE,
    "Op 80  Post-clean: free of residue",
    (Reading("residue_free", "1", "bool01"),),
)


class Story:
    """The story in a directory of its own.

    Args:
        directory: the shop's; it must not exist yet, or be empty.
        contract: the technique and its certificate.
        tell: who tells it.
        audit: audits a closed shop.
    """

    def __init__(self, directory: Path, contract: Contract, tell: Teller, audit: Audit) -> None:
        self._contract = contract
        self._tell = tell
        self._audit = audit
        self._at = DemoShop(directory)
        self._pinned = ""

    async def run(self) -> bool:
        """Tell it. Whether the audit found every record sound and the forgery out."""
        await self._opens()
        await self._technique()
        await self._order()
        await self._dock()
        await self._checks()
        await self._ops()
        await self._accepted()
        await self._client()
        self._copies()
        self._at.shop.close()
        return self._audited() and self._forged()

    # ---- telling ---------------------------------------------------------------------------------------------------

    def _act(self, title: str, moment: str) -> None:
        self._at.set(moment)
        self._tell.act(title, self._at.clock.now())

    def _done(self, text: str, answer: Answer | None = None, site: str = BUSINESS_HUB, **data: object) -> None:
        now = self._at.clock.now()
        if answer is None:
            self._tell.say(Line(kind="done", text=text, at=now, data=data))
        else:
            self._tell.say(Line(kind="done", text=text, at=now, site=PLACES[site], entry=answer.seq, data=data))

    def _note(self, text: str) -> None:
        self._tell.say(Line(kind="note", text=text))

    def _refused(self, text: str, answer: Answer, code: str, site: str = BUSINESS_HUB, kind: str = "refused") -> None:
        """An act that had to be refused for this reason."""
        denial = next((denial for denial in answer.decision.denials if denial.code == code), None)
        if denial is None:
            raise InvariantBroken(f"{text!r} should have been refused for {code}; it was {answer.decision.verdict}")
        self._tell.say(
            Line(
                kind=kind,
                text=text,
                at=self._at.clock.now(),
                code=code,
                reason=sentence(denial),
                remedy=remedy(denial),
                site=PLACES[site],
                entry=answer.seq,
            )
        )

    def _follows(self, kind: type[ev.Event], text: Callable[[ev.Event], str]) -> None:
        """What came by itself out of the last act."""
        fact = self._at.fact(kind)
        if fact is None:
            raise InvariantBroken(f"no {kind.__name__} followed")
        self._tell.say(Line(kind="follows", text=text(fact.event), site=PLACES[fact.site], entry=fact.seq))

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

    async def _technique(self) -> None:
        at, contract = self._at, self._contract
        self._act("Dr. Weber's technique is approved and released", f"{MONDAY}14:00:00")
        await at.propose(contract)
        self._done(f"Technique {contract.id} rev {contract.version} proposed by Dr. H. Weber (Level III) and certified")
        self._note("The certificate covers its structure (ops, limits, times, money); no behaviour is proven.")
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
        terms = c.Terms(
            price_minor=template.price_minor,
            currency=template.currency,
            milestones=tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in template.billing),
            client_window_s=template.client_window_s,
            on_silence=template.on_silence,
        )
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
        self._done("Second scan: rev C, S01 to S04. Arrived \u2013 verified", answer, FLOOR_HUB)
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
            event=seen.event_digest,
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

    # ---- after the story -------------------------------------------------------------------------------------------

    def _copies(self) -> None:
        """What the Vault holds of each site."""
        self._act("The read-only copy", f"{NEXT}09:15:00")
        vault = next(iter(self._at.shop.vaults.values()))
        for site in self._at.shop.sites.values():
            held, _ = vault.store.held(site.notary.origin)
            note = vault.store.latest(site.notary.origin)
            cosigned = 0 if note is None else parse_checkpoint(note).size
            self._tell.say(
                Line(
                    kind="verified" if held == cosigned == site.spine.size else "altered",
                    text=f"{PLACES[site.id]:<15} {site.spine.size:>4} entries; {held} copied, {cosigned} cosigned",
                    data={"site": site.id, "entries": site.spine.size, "mirrored": held, "cosigned": cosigned},
                )
            )
        self._note("The copy only looks and cosigns. A record set back or replaced would not match it.")

    def _audited(self) -> bool:
        """Every ledger, from its bytes and the keys that an auditor brings."""
        self._act("The audit: every signature checked, every decision made again", f"{NEXT}09:20:00")
        reports = self._audit(self._at.directory)
        for report in reports:
            figures = f"{report.size:>4} entries, {report.signatures:>3} signatures, {report.repeated:>3} decided again"
            text = f"{PLACES.get(report.site, report.site):<15} {figures} (refusals: {report.denials})"
            self._say_report(report, text)
        if all(report.holds for report in reports):
            total = sum(report.size for report in reports)
            self._tell.say(
                Line(kind="verified", text=f"Record verified unaltered: {total} entries, the same result byte for byte")
            )
            return True
        return False

    def _forged(self) -> bool:
        """One digit of one reading, in a copy of one site's store."""
        self._act("What if somebody changes one digit?", f"{NEXT}09:25:00")
        with tempfile.TemporaryDirectory(prefix="holdgate-forged-") as folder:
            copy = Path(folder)
            shutil.copytree(self._at.directory / NODE, copy / NODE)
            shutil.copy(self._at.directory / "trust.json", copy)
            seq = forge(copy / NODE / "ledger.db", b'"value":"72"', b'"value":"92"')
            self._note(f"In a copy of the penetrant line's record, entry {seq}: 72 °F becomes 92 °F.")
            reports = self._audit(copy)
        for report in reports:
            self._say_report(report, "The audit names it: Penetrant line")
        return any(finding.seq == seq for report in reports for finding in report.findings)

    def _say_report(self, report: LogReport, text: str) -> None:
        data: dict[str, object] = {
            "site": report.site,
            "entries": report.size,
            "kinds": report.kinds,
            "signatures": report.signatures,
            "repeated": report.repeated,
            "refusals": report.denials,
            "cosigned": report.cosigned,
            "root": report.root,
            "findings": [{"seq": finding.seq, "what": finding.what} for finding in report.findings],
        }
        if report.holds:
            self._tell.say(Line(kind="verified", text=text, data=data))
            return
        first = report.findings[0]
        where = "" if first.seq is None else f", entry {first.seq}"
        self._tell.say(Line(kind="altered", text=f"{text}{where}", data=data))
        self._note(f"In the auditor's words: {first.what}.")


def forge(ledger: Path, old: bytes, new: bytes) -> int:
    """Change the first entry that holds these bytes, as somebody with the file in hands could; its index.

    Raises:
        InvariantBroken: no entry holds them.
    """
    with closing(sqlite3.connect(ledger)) as db, db:
        for seq, body in db.execute("SELECT seq, body FROM entry ORDER BY seq").fetchall():
            if old in body:
                db.execute("UPDATE entry SET body = ? WHERE seq = ?", (body.replace(old, new, 1), seq))
                return int(seq)
    raise InvariantBroken(f"no entry holds {old!r}")


def _money(minor: int) -> str:
    return f"${minor // 100:,}.{minor % 100:02d}"


def _bonus(event: ev.Event) -> str:
    if not isinstance(event, ev.PayoutReleased):
        return ""
    return f"{_money(event.amount_minor)} bonus to {NAMES[event.payee]} for a complete record on time, by itself"


def _invoice(event: ev.Event) -> str:
    return f"Invoice over {_money(event.amount_minor)}, by itself" if isinstance(event, ev.InvoiceIssued) else ""

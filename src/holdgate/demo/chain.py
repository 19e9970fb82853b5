"""Story B: what one family of contracts yields, another one requires. A standard, a furnace, a person and a batch.

Each is refused until the lab has done and accepted the job that makes it true; a month later the furnace's survey has run out,
and the next one finds out how it was met. The contracts are the shipped templates.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.bootstrap import FLOOR_HUB
from holdgate.crypto.hashes import digest
from holdgate.demo import chain_ops as ops
from holdgate.demo.chain_ops import Deed
from holdgate.demo.narrator import Narrator
from holdgate.demo.proof import Audit, tell_audit, tell_copies
from holdgate.demo.shop import DOCK, HEAT, NODE, OFFICE, PLANNER, QA, SCANNER, SIGNERS, Contract, DemoShop
from holdgate.demo.tell import Teller
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Characteristic, SmartClientPO, SmartSP, read_document
from holdgate.terms.errors import InvariantBroken
from holdgate.terms.instant import SECOND_US

TEMPLATES: Final = (
    "standard-adoption",
    "heat-treat",
    "furnace-calibration",
    "penetrant",
    "chemical-handling",
    "penetrant-batch",
)
DAY: Final = "2025-04-01T"
NEXT: Final = "2025-04-02T"
MONTH: Final = "2025-05-05T"


class Work(NamedTuple):
    """A job: its order, the template that it follows, what it is about, where, and who starts it."""

    order: str
    job: str
    template: str
    part_no: str
    rev: str
    serial: str
    node: str
    by: tuple[str, str]
    client: str = "LAB"


ADOPT_HT: Final = Work("STD-1", "N-1", "standard-adoption", "SAE AMS 2750", "F", "COPY-1", HEAT, ops.WEBER)
ADOPT_PT: Final = Work("STD-2", "N-2", "standard-adoption", "ASTM E1417/E1417M", "21e1", "COPY-2", NODE, ops.WEBER)
LUG: Final = Work("PO-4001", "J-1", "heat-treat", "7075-LUG", "A", "L1", HEAT, ops.ALVAREZ, "NORTHWIND")
LUG_2: Final = Work("PO-4002", "J-2", "heat-treat", "7075-LUG", "A", "L2", HEAT, ops.ALVAREZ, "NORTHWIND")
SURVEY: Final = Work("CAL-1", "M-1", "furnace-calibration", "furnace", "class 2", ops.FURNACE, HEAT, ops.ABE)
SURVEY_2: Final = Work("CAL-2", "M-2", "furnace-calibration", "furnace", "class 2", ops.FURNACE, HEAT, ops.ABE)
BRACKET: Final = Work("PO-1001", "J-1", "penetrant", "4512-7", "C", "S01", NODE, ops.NOVAK, "NORTHWIND")
COURSE: Final = Work("TRN-1", "C-1", "chemical-handling", "SAFE-CHEM", "2025", ops.NOVAK[0], NODE, ops.DUVAL)
BATCH: Final = Work("INV-1", "B-1", "penetrant-batch", "penetrant", "Type I level 3", ops.NEW_BATCH, NODE, ops.OSEI)


class Chain(Narrator):
    """The story in a directory of its own.

    Args:
        directory: the shop's; it must not exist yet, or be empty.
        contracts: by template (`TEMPLATES`), with their certificates.
        tell: who tells it.
        audit: audits a closed shop.
    """

    def __init__(self, directory: Path, contracts: Mapping[str, Contract], tell: Teller, audit: Audit) -> None:
        super().__init__(DemoShop(directory, ops.CAST), tell)
        self._contracts = contracts
        self._audit = audit
        self._scans = 0

    async def run(self) -> bool:
        """Tell it. Whether the audit found every record sound."""
        try:
            await self._opens()
            await self._standard()
            await self._furnace()
            await self._person()
            await self._batch()
            await self._month_later()
            self._act("The read-only copy", f"{MONTH}18:00:00")
            whole = tell_copies(self._at.shop, self._tell)
        finally:
            self._at.close()
        self._act("The audit: every signature checked, every decision made again", f"{MONTH}18:10:00")
        return tell_audit(self._audit(self._at.directory), self._tell) and whole

    # ---- the acts --------------------------------------------------------------------------------------------------

    async def _opens(self) -> None:
        at = self._at
        self._act("The shop opens, with six contracts", "2025-03-31T13:00:00")
        await at.found()
        await at.enrol()
        await at.register()
        self._done(
            "On file: certs, instruments, batches. FCE-01 has no survey that is current; PEN-25001 is in quarantine"
        )
        for contract in self._contracts.values():
            await at.propose(contract)
            for role in SIGNERS:
                await at.approve(contract, role)
            await at.release(contract)
        self._done(
            "Heat treat and penetrant; survey, training, batch and standard: each approved by four people, released"
        )

    async def _standard(self) -> None:
        self._act("No edition, no job", f"{DAY}07:00:00")
        self._refused(
            "M. Alvarez starts the job on NORTHWIND's lug", await self._take_up(LUG), "STANDARD_NOT_IN_FORCE", HEAT
        )
        await self._job(ADOPT_HT, ops.ADOPTION)
        self._done("Dr. Weber and E. Sato read AMS 2750 F clause by clause, close the gaps, try it; people are trained")
        await self._accept(ADOPT_HT, "S. Iyer (QA) accepts the adoption")
        self._follows(ev.StandardAdopted, lambda _: "SAE AMS 2750 edition F is in force, for a year")
        self._done("M. Alvarez starts the job", await self._start(LUG), HEAT)
        await self._job(ADOPT_PT, ops.ADOPTION)
        await self._accept(ADOPT_PT, "The same for ASTM E1417 edition 21e1")

    async def _furnace(self) -> None:
        self._act("No survey, no soak", f"{DAY}09:00:00")
        check = ops.LOAD[0]
        self._refused(
            "M. Alvarez wants to load furnace FCE-01", await self._begin(LUG, check), "EQUIPMENT_CAL_EXPIRED", HEAT
        )
        await self._job(SURVEY, ops.GOOD_SURVEY)
        self._done("T. Abe surveys FCE-01: met within 1.2 °F and 864 to 876 °F, nothing to adjust")
        await self._accept(SURVEY, "S. Iyer (QA) returns it to service")
        self._follows(ev.EquipmentCalibrated, lambda _: "FCE-01 may be used, for 30 days")
        for deed in ops.LOAD:
            await self._perform(LUG, deed)
        self._done("Load, soak at 870 °F for 50 min, quench after 7 s: Op H10 to H30 signed off")

    async def _person(self) -> None:
        self._act("No cert, no chemicals", f"{DAY}13:00:00")
        self._done(
            "J. Novak starts the job on a bracket, and checks lamp and panel", await self._take_up(BRACKET), NODE
        )
        await self._perform(BRACKET, ops.DAILY)
        self._refused("J. Novak wants to clean it", await self._begin(BRACKET, ops.CLEAN), "CREDENTIAL_MISSING", NODE)
        await self._job(COURSE, ops.COURSE)
        self._done("N. Duval and O. Kim train and examine him: 92 per cent, spill contained in 75 s")
        await self._accept(COURSE, "S. Iyer (QA) accepts the training")
        self._follows(ev.CredentialGranted, lambda _: "J. Novak holds SAFE-CHEM, for a year")
        self._note("Nobody signs anything in a job about themselves.")
        await self._perform(BRACKET, ops.CLEAN)
        self._done("J. Novak cleans the bracket: Op S20 signed off")

    async def _batch(self) -> None:
        self._act("No released batch, no penetrant", f"{NEXT}08:00:00")
        answer = await self._begin(BRACKET, ops.PENETRANT)
        self._refused(f"J. Novak takes {ops.NEW_BATCH} from the shelf", answer, "MATERIAL_NOT_APPROVED", NODE)
        await self._job(BATCH, ops.SAMPLE)
        self._done(
            "R. Osei identifies and stores it, M. Alvarez samples it: 98 per cent of the reference, 1.2 per cent water"
        )
        await self._accept(BATCH, "S. Iyer (QA) releases the batch")
        self._follows(ev.MaterialRegistered, lambda _: f"{ops.NEW_BATCH} may be used, up to its maker's expiry")
        await self._perform(BRACKET, ops.PENETRANT)
        self._at.clock.instant += 30 * 60 * SECOND_US
        await self._perform(BRACKET, ops.RINSE)
        self._done("J. Novak puts the penetrant on and rinses after half an hour: Op S30 and S40 signed off")

    async def _month_later(self) -> None:
        self._act("A month later: how was it met?", f"{MONTH}08:00:00")
        await self._take_up(LUG_2)
        answer = await self._begin(LUG_2, ops.LOAD[0])
        self._refused("M. Alvarez wants to load FCE-01 for the next lug", answer, "EQUIPMENT_CAL_EXPIRED", HEAT)
        await self._job(SURVEY_2, ops.BAD_SURVEY)
        self._done("T. Abe meets it 4.6 °F off and 852 °F at its coldest, adjusts it, and leaves it within 1 °F")
        self._note("As found fails nothing now, and the adjustment does not make it better.")
        await self._accept(SURVEY_2, "S. Iyer (QA) returns it to service")
        self._found_out()
        self._at.clock.instant += 60 * SECOND_US
        await self._perform(LUG_2, ops.LOAD[0])
        self._done("FCE-01 is loaded again: Op H10 signed off")

    def _found_out(self) -> None:
        """What the calibration says, and every job that is looked at again because of it."""
        news = [*self._at.news()]
        for fact in news:
            if isinstance(fact.event, ev.EquipmentCalibrated):
                how = fact.event.as_found.replace("_", " ")
                self._fact(fact.site, fact.seq, f"{fact.event.equipment} may be used again; it was met {how}")
            elif isinstance(fact.event, ev.JobFlagged):
                self._fact(fact.site, fact.seq, f"{fact.event.order} {fact.event.job} is held: it was soaked in it")
        self._note(
            "What was soaked in FCE-01 since its last good survey is looked at again, before anybody relies on it."
        )

    # ---- how a job goes --------------------------------------------------------------------------------------------

    async def _take_up(self, work: Work) -> Answer:
        """The order's terms or its paper, staging, the scan, and the start of the job: its answer."""
        at, contract = self._at, self._contracts[work.template]
        named = {"order": work.order, "contract": contract.id, "version": contract.version}
        template = self._template(work)
        if work.client == "LAB":
            paper = digest(f"request {work.order}".encode())
            for person, role in ((PLANNER, "project_manager"), (QA, "qa")):
                reviewer = at.signers((person, role), meaning="reviewed")
                await at.must(c.ReviewOrder, reviewer, OFFICE, order=work.order, document_digest=paper)
        else:
            terms = c.Terms(
                price_minor=template.price_minor,
                currency=template.currency,
                milestones=tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in template.billing),
                client_window_s=template.client_window_s,
                on_silence=template.on_silence,
            )
            client = at.signers((ops.BUYER, "client"), meaning="terms accepted")
            await at.must(c.AcceptTerms, client, OFFICE, **named, terms=terms)
        part = {"part_no": work.part_no, "rev": work.rev, "serials": (work.serial,)}
        planner = at.signers((PLANNER, "project_manager"))
        staged = {"node": work.node, "client": work.client, "documents": template.documents}
        await at.must(c.StageOrder, planner, **named, **part, **staged)
        self._scans += 1
        scan = {"order": work.order, "quantity": 1, "reader_seq": self._scans, "observed_at": at.clock.now()}
        await at.must(c.ReportArrival, at.signers((SCANNER, "scanner")), DOCK, at_site=FLOOR_HUB, **scan, **part)
        return await self._start(work)

    async def _start(self, work: Work) -> Answer:
        fields = {"order": work.order, "job": work.job, "node": work.node}
        return await self._at.act(c.StartJob, self._at.signers(work.by), at_site=work.node, **fields)

    async def _job(self, work: Work, deeds: tuple[Deed, ...]) -> None:
        """A job of the lab's own, from its paper to its last signature."""
        answer = await self._take_up(work)
        if not answer.decision.allowed:
            raise InvariantBroken(f"{work.job} did not start: {answer.decision.codes}")
        for deed in deeds:
            await self._perform(work, deed)

    async def _accept(self, work: Work, text: str) -> None:
        [*self._at.news()]  # what follows from here on follows from the acceptance
        quantities = c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)
        qa = self._at.signers((QA, "qa"), meaning="reviewed and accepted")
        fields = {"order": work.order, "job": work.job, "quantities": quantities}
        self._done(text, await self._at.act(c.SignQa, qa, OFFICE, **fields))

    def _header(self, work: Work, deed: Deed) -> dict[str, str]:
        job = self._at.shop.sites[work.node].chronicle.state.jobs[f"{work.order}/{work.job}"]
        return {"order": work.order, "job": work.job, "step": deed.step, "contract": job.sha256}

    async def _begin(self, work: Work, deed: Deed) -> Answer:
        return await self._at.act(*self._start_of(work, deed), at_site=work.node, **self._used(work, deed))

    def _start_of(self, work: Work, deed: Deed) -> tuple[type[c.StartStep], tuple[c.Signer, ...], str]:
        return c.StartStep, self._at.signers(deed.by), deed.place

    def _used(self, work: Work, deed: Deed) -> dict[str, object]:
        return {**self._header(work, deed), "equipment": deed.equipment, "materials": deed.materials}

    async def _perform(self, work: Work, deed: Deed) -> None:
        """An op from its start over its readings to its signatures."""
        await self._at.decided(*self._start_of(work, deed), at_site=work.node, **self._used(work, deed))
        for characteristic, value in self._values(work, deed):
            await self._read(work, deed, characteristic, value)
        self._at.clock.instant += deed.minutes * 60 * SECOND_US
        for person in (deed.by, *deed.seconds):
            signer = self._at.signers(person, meaning="performed and accepted")
            header = self._header(work, deed)
            await self._at.decided(c.SignStep, signer, deed.place, at_site=work.node, **header, result="pass")
        await self._at.shop.settle()

    def _values(self, work: Work, deed: Deed) -> list[tuple[Characteristic, str]]:
        step = next(step for step in self._technique(work).steps if step.id == deed.step)
        known = {item.id: item for item in step.characteristics}
        return [(known[name], value) for name, values in deed.read.items() for value in values.split()]

    async def _read(self, work: Work, deed: Deed, characteristic: Characteristic, value: str) -> None:
        self._at.clock.instant += 20 * SECOND_US
        instrument = next((i for i in deed.equipment if ops.CLASS_OF[i] == characteristic.instrument_class), None)
        await self._at.decided(
            c.RecordReading,
            self._at.signers(deed.by),
            at_site=work.node,
            **self._header(work, deed),
            characteristic=characteristic.id,
            value=value,
            unit=characteristic.unit,
            capture="manual",
            instrument=instrument,
            serial=work.serial if characteristic.per_serial else None,
        )

    def _template(self, work: Work) -> SmartClientPO:
        found = read_document(self._contracts[work.template].template)
        if not isinstance(found, SmartClientPO):
            raise InvariantBroken(f"{work.template} is no order template")
        return found

    def _technique(self, work: Work) -> SmartSP:
        found = read_document(self._contracts[work.template].technique)
        if not isinstance(found, SmartSP):
            raise InvariantBroken(f"{work.template} has no technique")
        return found

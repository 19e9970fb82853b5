"""Orders of a world, each from the client's word to the report's end; amended on the way, and staged by two at once."""

import asyncio
from typing import Any, Final

from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law.contract import document_digest
from holdgate.law.state import State, job_key
from tests.sim.contracts import CONTRACT, TEMPLATES, TERMS, in_force
from tests.sim.people import PATIENCE_S, Folk, GivenUp
from tests.unit.test_sites import CLIENT, CLIENT_ORG, FLOOR, HUB, NODE, OTHER, PEOPLE, READERS

_UNKNOWN: Final = document_digest(TEMPLATES["1"])
"""What a bench goes by where its node does not know the job (any more)."""
OFFICE: Final[dict[str, Any]] = {"place": "WS-OFFICE"}


class Plan:
    """What the shop means to do for an order now. `job`: its only one."""

    def __init__(self, number: int, node: str, serials: tuple[str, ...]) -> None:
        self.order = f"PO-{number}"
        self.job = f"J-{number}"
        self.node = node
        self.serials = serials


class Crew(Folk):
    """Everybody, at work on orders."""

    async def order(self, number: int) -> None:
        """From the client's word to the report's end."""
        rng = self.rng
        plan = Plan(number, rng.choice((NODE, OTHER)), tuple(f"S{number}-{part}" for part in range(rng.randint(1, 2))))
        self.truth.ordered[plan.order] = [plan.serials]
        silent = rng.random() < 0.5
        early, twice, hasty, amended = (rng.random() < chance for chance in (0.3, 0.3, 0.3, 0.4))
        if early:
            await self.scan(plan.order, plan.serials)  # before anybody staged it
        await asyncio.gather(self._staged(plan), *([self._staged_elsewhere(plan)] if twice else []))
        plan.node = await self._node_of(plan)
        if hasty:
            await self.ask(plan.node, self.start(plan.order, plan.job, plan.node))  # before anything arrived
        await self._wrong(plan.order, plan.serials)
        await asyncio.gather(self._arrive(plan), *([self._amended(plan)] if amended else []))
        await self._arrive(plan)
        await self._started(plan)
        await self._bench(plan)
        await self._office(plan, silent=silent)
        self.truth.finished.append(plan.order)

    # ---- staging -----------------------------------------------------------------------------------------------------

    async def _staged(self, plan: Plan, *, amendment: bool = False) -> bool:
        """Have the client agree to the version in force, and stage under it; anew where another is in force by then.

        Returns:
            False: a job of the order runs already, and it is amended no more.
        """
        waited = 0.0
        while waited < PATIENCE_S:
            state = self.shown(HUB)
            if state is not None:
                version = in_force(state)
                if not _agreed(state, plan.order, version):
                    await self.ask(HUB, self.desk.shown(self._terms(plan, version), state))
                answer = await self.ask(HUB, self._stage(plan, version, plan.node, amendment=amendment))
                if answer.decision.allowed or {"ALREADY_DONE", "CONTRACT_PINNED"} & set(answer.decision.codes):
                    return "CONTRACT_PINNED" not in answer.decision.codes
            pause = 10 + self.rng.random() * 50
            waited += pause
            await asyncio.sleep(pause)
        raise GivenUp(f"{plan.order} is never staged")

    def _terms(self, plan: Plan, version: str) -> c.AcceptTerms:
        head = self.head(HUB, self.unlocked(CLIENT, "client", "terms accepted"), **OFFICE)
        return c.AcceptTerms(**head, order=plan.order, contract=CONTRACT, version=version, terms=TERMS)

    def _stage(self, plan: Plan, version: str, node: str, *, amendment: bool = False) -> c.StageOrder:
        head = self.head(HUB, ("PM", "project_manager"))
        more: dict[str, Any] = {"client": CLIENT_ORG, "part_no": "BAR-17-4", "rev": "-", "documents": ()}
        named: dict[str, Any] = {"order": plan.order, "contract": CONTRACT, "version": version, **more}
        return c.StageOrder(**head, **named, node=node, serials=plan.serials, amendment=amendment)

    async def _staged_elsewhere(self, plan: Plan) -> None:
        """Somebody else stages the same order for the other node, at the same time."""
        state = self.shown(HUB)
        if state is not None:
            await asyncio.sleep(self.rng.random())
            other = OTHER if plan.node == NODE else NODE
            answer = await self.ask(HUB, self._stage(plan, in_force(state), other))
            self.hits["order staged twice at once"] += not answer.decision.allowed

    async def _node_of(self, plan: Plan) -> str:
        """The node that the order is staged for."""
        waited = 0.0
        while waited < PATIENCE_S:
            state = self.shown(HUB)
            known = None if state is None else state.orders.get(plan.order)
            if known is not None and known.node:
                return known.node
            waited += 10
            await asyncio.sleep(10)
        raise GivenUp(f"nobody knows {plan.order}")

    async def _amended(self, plan: Plan) -> None:
        """The client wants a part more, or the same once again, while parts are on their way."""
        await asyncio.sleep(self.rng.random() * 90)
        before = plan.serials
        if self.rng.random() < 0.6:
            plan.serials = (*plan.serials, f"{plan.serials[0]}-more")
            self.truth.ordered[plan.order].append(plan.serials)
        if await self._staged(plan, amendment=True):
            self.hits["amended"] += 1
        else:
            plan.serials = before

    async def _started(self, plan: Plan) -> None:
        """Start the job; where no version of the order may start any more, amend it to the one in force."""

        async def mend(codes: tuple[str, ...]) -> None:
            if "CONTRACT_SUPERSEDED" in codes:
                self.hits["amended to another version"] += 1
                await self._staged(plan, amendment=True)
                await self._arrive(plan)

        await self.must(plan.node, lambda _: self.start(plan.order, plan.job, plan.node), mend)

    # ---- the dock ----------------------------------------------------------------------------------------------------

    async def scan(self, order: str, serials: tuple[str, ...], *, true: bool = True) -> Answer:
        """Parts are scanned at the dock; `true`: they really are that order's."""
        reader = self.rng.choice(READERS)
        async with self._locks[reader]:
            self._seqs[reader] += 1
            if true:
                self.truth.scanned.setdefault(order, set()).update(serials)
            return await self.ask(FLOOR, self.arrival(order, reader, self._seqs[reader], serials))

    async def _arrive(self, plan: Plan) -> None:
        """Scan at the dock what the slip there waits for, until all of it is here."""
        waited = 0.0
        while waited < PATIENCE_S:
            state = self.shown(FLOOR)
            slip = None if state is None else state.slips.get(plan.order)
            if slip is not None and set(slip.serials) == set(plan.serials):
                if set(slip.arrived) >= set(plan.serials):
                    return
                await self.scan(plan.order, tuple(s for s in plan.serials if s not in slip.arrived) or plan.serials)
            pause = 10 + self.rng.random() * 40
            waited += pause
            await asyncio.sleep(pause)
        raise GivenUp(f"the parts of {plan.order} are never let through")

    async def _wrong(self, order: str, serials: tuple[str, ...]) -> None:
        """Now and then: something at the dock that is no arrival of this order."""
        if self.rng.random() < 0.3:
            return
        kind = self.rng.choice(("serial", "forged", "by hand", "replay"))
        self.hits[f"tried {kind}"] += 1
        if kind == "serial":
            await self.scan(order, ("S-OF-NOBODY",), true=False)
        elif kind == "forged":
            scan = self.arrival(order, READERS[0], 1 << 30, serials)
            thief = SigningKey.from_seed(sha256(b"a thief's own key"))
            named = [signer.id for signer in scan.signers]
            await self.hand_in(FLOOR, self.desk.sign_only(scan, [*named, "WS-REC"], {named[0]: thief}))
        elif kind == "by hand":
            await self.ask(FLOOR, self.release(order))
        elif self.sniffed:
            site, raw = self.rng.choice(self.sniffed)
            await self.hand_in(site, raw)

    # ---- the bench and the office ------------------------------------------------------------------------------------

    async def _bench(self, plan: Plan) -> None:
        node, place = plan.node, "WS-1" if plan.node == NODE else "WS-2"

        def head(state: State) -> dict[str, Any]:
            job = state.jobs.get(job_key(plan.order, plan.job))
            step = {
                "order": plan.order,
                "job": plan.job,
                "step": "S10",
                "contract": _UNKNOWN if job is None else job.sha256,
            }
            return {**self.head(node, self.unlocked("TEC", "technician"), place=place), **step}

        await self.must(node, lambda s: c.StartStep(**head(s), equipment=(), materials=()))
        await asyncio.sleep(self.rng.random() * 60)
        value: dict[str, Any] = {"characteristic": "forceatbreak", "value": "5.0000", "unit": "kN", "capture": "manual"}
        await self.must(node, lambda s: c.RecordReading(**head(s), **value))
        await self.must(node, lambda s: c.SignStep(**head(s), result="pass"))

    async def _office(self, plan: Plan, *, silent: bool) -> None:
        named: dict[str, Any] = {"order": plan.order, "job": plan.job}

        def by(name: str) -> c.Signer:
            return self.unlocked(name, PEOPLE.get(name, "client"))

        def counted(state: State) -> c.Quantities:
            job = state.jobs.get(job_key(plan.order, plan.job))
            parts = len(plan.serials if job is None else job.serials)
            return c.Quantities(received=parts, accepted=parts, rejected=0, scrapped=0)

        report = f"R-{plan.order}"
        await self.must(HUB, lambda s: c.SignQa(**self.head(HUB, by("QAM"), **OFFICE), **named, quantities=counted(s)))
        await self.must(HUB, lambda _: c.SignCompliance(**self.head(HUB, by("CMP"), **OFFICE), **named))
        system = ("SYS", "system")
        await self.must(HUB, lambda _: c.GenerateReport(**self.head(HUB, system), **named, report=report))
        if silent:
            await self._until_lapsed(report)
            return
        client = self.rng.choice(("approve", "approve", "reject"))
        why: dict[str, Any] = {"reason": "the wrong heat lot"} if client == "reject" else {}

        def word(_: State) -> c.ReviewReport:
            return c.ReviewReport(**self.head(HUB, by(CLIENT), **OFFICE), report=report, decision=client, **why)

        await self.must(HUB, word)

    async def _until_lapsed(self, report: str) -> None:
        waited = 0.0
        while waited < PATIENCE_S:
            state = self.shown(HUB)
            known = None if state is None else state.reports.get(report)
            if known is not None and known.status == "lapsed":
                return
            waited += 60
            await asyncio.sleep(60)
        raise GivenUp(f"the window of {report} never closes")


def _agreed(state: State, order: str, version: str) -> bool:
    """Whether the client signed the terms of this order under this version."""
    known = state.orders.get(order)
    sha = state.versions.get(f"{CONTRACT}/{version}")
    return known is not None and any(one.sha256 == sha for one in known.acceptances)

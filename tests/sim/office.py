"""What goes on beside the orders: money comes and goes, versions are released and stopped, keys are stolen and replaced."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law.state import State
from tests.sim.contracts import CONTRACT, in_force
from tests.sim.orders import OFFICE, Crew
from tests.sim.people import GivenUp
from tests.unit.test_sites import CLIENT, CLIENT_ORG, FLOOR, HUB, NODE, OTHER

PAID_ON: Final = "2025-04-02"
STEALABLE: Final = ("TE2", "AD2", "SCN-3")
_ADDRESS: Final[dict[str, Any]] = {"street": "Road 1", "city": "Town", "postal_code": "12345", "country": "DE"}


class Cashier:
    """Finance: registers parties and accounts, puts the bank's statements on record, orders payments, tells what came of them.

    Statements are handed in twice, runs are ordered by two people at once, and the bank sends money back: each of it is refused
    or counted once.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._numbers = 0
        self._tried: set[str] = set()

    async def work(self) -> None:
        """From the first registration on, until it is cancelled."""
        crew = self._crew
        named: dict[str, Any] = {"tax_category": "S", "tax_rate": "19", **_ADDRESS}
        two = (("FIN", "finance"), ("PM", "project_manager"))
        for org in ("LAB", CLIENT_ORG):

            def party(_: State, org: str = org) -> c.RegisterParty:
                return c.RegisterParty(**self._head(*two), org=org, name=org, **named)

            await crew.must(HUB, party)
        account: dict[str, Any] = {"owner": "TEC", "commitment": digest(b"an account")}
        owner = (("TEC", "technician"), ("FIN", "finance"))
        await crew.must(HUB, lambda _: c.RegisterAccount(**self._head(*owner), **account))
        while True:
            await asyncio.sleep(20 + crew.rng.random() * 120)
            state = crew.shown(HUB)
            if state is not None:
                await self._once(state)

    def _head(self, *names: tuple[str, str]) -> dict[str, Any]:
        signers = [self._crew.unlocked(name, role) for name, role in names]
        return self._crew.head(HUB, *signers, **OFFICE)

    def _number(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}-{self._numbers}"

    async def _once(self, state: State) -> None:
        rng = self._crew.rng
        await rng.choice((self._statement, self._run, self._run, self._results, self._dispute, self._settle))(state)

    async def _ask(self, what: str, command: c.AnyCommand) -> Answer:
        answer = await self._crew.ask(HUB, command)
        self._crew.hits[f"money {what}"] += answer.decision.allowed
        return answer

    async def _statement(self, state: State) -> None:
        """The bank's statement, handed in by two people or two programs now and then."""
        crew = self._crew
        owed = [bill for bill in state.money.bills.values() if bill.open_minor > 0 and not bill.corrects]
        if not owed:
            return
        bill = crew.rng.choice(owed)
        amount = bill.open_minor if crew.rng.random() < 0.7 else max(1, bill.open_minor // 2)
        line = c.PaymentIn(
            bank_ref=self._number("B"),
            invoice=bill.number,
            amount_minor=amount,
            currency=bill.currency,
            booked_on=PAID_ON,
        )
        for _ in range(crew.rng.choice((1, 2))):
            head = crew.head(HUB, ("FIN", "finance"))
            answer = await self._ask(
                "received", c.RecordPayments(**head, statement=digest(line.bank_ref.encode()), payments=(line,))
            )
            crew.hits["money received twice, refused"] += "ALREADY_DONE" in answer.decision.codes

    async def _run(self, state: State) -> None:
        """What is due is ordered; now and then by two people at once, in two runs."""
        crew = self._crew
        due = tuple(p.number for p in state.money.payables.values() if p.status in ("due", "failed"))
        if not due:
            return

        def ordered() -> c.RunPayments:
            head = self._head(("FIN", "finance"), ("QAM", "qa"))
            return c.RunPayments(**head, run=self._number("RUN"), payouts=due, currency="USD", pay_on=PAID_ON)

        runs = [self._ask("ordered", ordered()) for _ in range(crew.rng.choice((1, 2)))]
        answers = await asyncio.gather(*runs)
        crew.hits["money ordered twice, refused"] += any("PAYOUT_NOT_DUE" in a.decision.codes for a in answers)

    async def _results(self, state: State) -> None:
        """The bank's word on a run: paid, failed, or sent back after all."""
        crew = self._crew
        runs = state.money.runs
        if not runs:
            return
        run = crew.rng.choice(list(runs))
        status = crew.rng.choice(("paid", "paid", "failed"))
        why = "AC04" if status == "failed" else ""
        results = tuple(c.PayoutResult(payout=number, status=status, reason=why) for number in runs[run].payouts)
        head = crew.head(HUB, ("FIN", "finance"))
        await self._ask(status, c.RecordResults(**head, run=run, file=digest(run.encode()), results=results))
        if crew.rng.random() < 0.2:
            head = self._head(("FIN", "finance"), ("PM", "project_manager"))
            await self._ask("reversed", c.ReversePayout(**head, payout=results[0].payout, reason="a wrong job"))

    async def _dispute(self, state: State) -> None:
        """The client disputes an invoice, or the two of them settle a dispute."""
        crew = self._crew
        bills = [bill for bill in state.money.bills.values() if not bill.corrects]
        if not bills:
            return
        bill = crew.rng.choice(bills)
        if not bill.disputed:
            head = self._head((CLIENT, "client"))
            await self._ask("disputed", c.DisputeInvoice(**head, invoice=bill.number, reason="too much"))
            return
        credit = crew.rng.choice((0, 1000))
        head = self._head(("FIN", "finance"), (CLIENT, "client"))
        settled = c.ResolveDispute(**head, invoice=bill.number, credit_minor=credit, reason="agreed")
        await self._ask("dispute settled", settled)

    async def _settle(self, state: State) -> None:
        """A report was rejected: what was to be paid for it is settled for less."""
        lost = [report.order for report in state.reports.values() if report.status == "rejected"]
        order = next((order for order in lost if order not in self._tried), None)
        if order is None:
            return
        self._tried.add(order)
        head = self._head(("PM", "project_manager"), (CLIENT, "client"))
        settled = c.SettleOrder(**head, order=order, milestone="final", amount_minor=1_000, reason="rejected")
        await self._ask("settled", settled)


async def race(crew: Crew) -> None:
    """Versions change under the orders: the next one is released, for new orders or all that has not begun; some are stopped."""
    rng = crew.rng
    for version in ("2", "3"):
        await asyncio.sleep(rng.random() * 300)
        await _stopped_for_a_while(crew)
        named: dict[str, Any] = {"contract": CONTRACT, "version": version}
        effect = rng.choice(("new_orders", "unstarted_jobs"))

        def released(_: State, named: dict[str, Any] = named, effect: str = effect) -> c.AnyCommand:
            return c.ActivateContract(**crew.head(HUB, ("ADM", "admin")), **named, effectivity=effect)

        await crew.must(HUB, released)
        crew.hits[f"released for {effect}"] += 1


async def _stopped_for_a_while(crew: Crew) -> None:
    """Stop-work for the version in force, and its end."""
    state = crew.shown(HUB)
    if state is None:
        return
    named: dict[str, Any] = {"contract": CONTRACT, "version": in_force(state), "reason": "a doubt"}
    await crew.must(HUB, lambda _: c.SuspendContract(**crew.head(HUB, ("QAM", "qa")), **named))
    crew.hits["stop-work"] += 1
    await asyncio.sleep(30 + crew.rng.random() * 200)
    await crew.must(HUB, lambda _: c.ResumeContract(**crew.head(HUB, ("QAM", "qa")), **named))


class Thief:
    """Somebody has another one's key, acts with it, and goes on when it was replaced or its owner disabled."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self.victim = crew.rng.choice(STEALABLE)
        self._key = crew.desk.key(self.victim)
        self.revoked = False
        self._seq = 0

    async def work(self) -> None:
        """Some thefts, the revocation, and some more."""
        crew, rng = self._crew, self._crew.rng
        await asyncio.sleep(rng.random() * 200)
        for _ in range(rng.randint(1, 4)):
            await self.steal()
            await asyncio.sleep(rng.random() * 60)
        disabled = rng.random() < 0.5
        await crew.must(HUB, self._disabled if disabled else self._another_key())
        self.revoked = True
        crew.hits["key revoked"] += 1
        for _ in range(rng.randint(1, 4)):
            await self.steal()
            await asyncio.sleep(rng.random() * 30)

    def _disabled(self, _: State) -> c.DisableIdentity:
        return c.DisableIdentity(**self._crew.head(HUB, ("ADM", "admin")), id=self.victim, reason="a stolen key")

    def _another_key(self) -> Callable[[State], c.AnyCommand]:
        crew, victim = self._crew, self.victim
        crew.desk.replace(victim, SigningKey.from_seed(sha256(f"{victim} again".encode())))

        def made(_: State) -> c.RekeyIdentity:
            officers = (("ADM", "admin"), ("QAM", "qa"), (victim, "newcomer"))
            return c.RekeyIdentity(
                **crew.head(HUB, *officers), id=victim, key=crew.desk.public(victim), reason="a stolen key"
            )

        return made

    async def steal(self, site: str = "") -> Answer | None:
        """One act in the victim's name."""
        crew = self._crew
        site, command = self._act(site)
        raw = crew.desk.sign(command, {self.victim: self._key})
        crew.truth.stolen[sha256(open_envelope(raw).payload)] = self.victim
        try:
            answer = await crew.hand_in(site, raw)
        except GivenUp:
            return None
        revoked = "after its revocation" if self.revoked else "before"
        crew.hits[f"theft {'allowed' if answer.decision.allowed else 'refused'} {revoked}"] += 1
        return answer

    def _act(self, site: str) -> tuple[str, c.AnyCommand]:
        crew, rng = self._crew, self._crew.rng
        if self.victim == "AD2":
            head = crew.head(HUB, ("AD2", "admin"))
            batch = f"stolen-{len(crew.truth.stolen)}"
            return HUB, c.RegisterMaterial(
                **head, batch=batch, material_kind="p", until=crew.clock.now(), approved=True
            )
        if self.victim == "SCN-3":
            order = rng.choice(list(crew.truth.ordered) or ["PO-0"])
            serials = crew.truth.ordered.get(order, [("S",)])[-1]
            crew.truth.claimed.setdefault(order, set()).update(serials)
            self._seq += 1
            return FLOOR, crew.arrival(order, "SCN-3", 1_000 + self._seq, serials)
        site = site or rng.choice((NODE, OTHER))
        state = crew.shown(site)
        jobs = [] if state is None else list(state.jobs.values())
        about: dict[str, Any] = {"order": "PO-0", "job": "J-0"}
        if jobs:
            job = rng.choice(jobs)
            about = {"order": job.order, "job": job.id}
        head = crew.head(site, ("TE2", "technician"))
        return site, c.CallHelp(**head, **about, step="S10", reason="no reason")

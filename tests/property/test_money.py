"""Random histories of money at a business hub, with crashes, replays and duplicated triggers: each amount goes out once.

Every history is played by the law's own decisions and what follows from them; a crash loses the entry that was not durable yet, and
the state is folded again from the log. The books are read from the log alone and held against the law's state and against facts
that the test counts itself. `HOLDGATE_HISTORIES` plays more of them, `HOLDGATE_SEED` starts elsewhere.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import Billing, Surcharge
from holdgate.law.evolve import evolve
from holdgate.law.money import Money, tax_of
from holdgate.law.state import State
from holdgate.pay.books import Books
from holdgate.pay.export import accounting_csv, beancount
from holdgate.pay.fire import fire
from tests.builders import CLIENT, JOB, NODE, PO, REPORT, SERIALS, World, hub

HISTORIES: Final = int(os.environ.get("HOLDGATE_HISTORIES", "2000"))
SEED: Final = int(os.environ.get("HOLDGATE_SEED", "0"))
PARTS: Final = 8
ACTS: Final = 45
DEARER: Final = (
    Billing(id="in", when="arrival", amount_minor=35),
    Billing(id="mid", when="qa_accepted", amount_minor=30),
    Billing(id="final", when="client_accepted", amount_minor=50),
)
CHEAPER: Final = (
    Billing(id="in", when="arrival", amount_minor=7),
    Billing(id="final", when="client_accepted", amount_minor=50),
)
LIST: Final = (
    Surcharge(id="again", when="retest", cause="client_cause", amount_minor=9),
    Surcharge(id="express", when="agreed", amount_minor=11),
)


class Entry(NamedTuple):
    """What one entry made true, and when."""

    ref: int
    at: int
    events: tuple[ev.AnyEvent, ...]


@cache
def base() -> tuple[World, bytes, tuple[str, ...]]:
    """A hub with three versions of a contract; its state as bytes; the versions' digests."""
    world = hub()
    dearer = world.release(version="2", billing=DEARER, price_minor=115, surcharges=LIST)
    cheaper = world.release(version="3", billing=CHEAPER, price_minor=57, currency="EUR", payouts=())
    usual = world.release(version="1", surcharges=LIST)
    for sha in (dearer, cheaper):
        world.state.contracts[sha].status = "active"
    world.contact(NODE, up=True)
    return world, msgspec.msgpack.encode(world.state), (usual, dearer, cheaper)


class History:
    """One seeded life of an order's money. What it does is drawn; what becomes of it the law says."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        origin, self.first, self.versions = base()
        self.world = World.__new__(World)
        self.world.__dict__.update(origin.__dict__)
        self.log: list[Entry] = []
        self.refused: Counter[str] = Counter()
        self.again: list[tuple[type[c.Command], dict[str, Any]]] = []
        self.reopen()

    def reopen(self) -> None:
        """The state, folded from the log."""
        self.world.state = msgspec.msgpack.decode(self.first, type=State)
        self.world.ref = 1_000 + len(self.log)
        for entry in self.log:
            for event in entry.events:
                evolve(self.world.state, self.world.library, event, entry.at, entry.ref)

    def enter(self, *events: ev.AnyEvent) -> None:
        """An entry, with all that follows from it; now and then the power fails before it is durable."""
        state, library = self.world.state, self.world.library
        ref = 1_001 + len(self.log)
        said = list(events)
        for event in events:
            evolve(state, library, event, self.world.now, ref)
        due = fire(state, library, events, self.world.now)
        for event in due:
            evolve(state, library, event, self.world.now, ref)
        assert fire(state, library, events, self.world.now) == (), "what went out goes out once"
        if self.draw.random() < 0.05:
            self.reopen()
            return
        self.log.append(Entry(ref, self.world.now, (*said, *due)))
        self.world.now += self.draw.randrange(1, 3_600_000_000)
        if self.draw.random() < 0.05:
            before = msgspec.json.encode(state, order="sorted")
            self.reopen()
            assert msgspec.json.encode(self.world.state, order="sorted") == before, "the fold says the same again"

    def ask(self, act: type[c.Command], **changes: Any) -> None:
        decision = self.world.ask(act, **changes).decide()
        if decision.allowed:
            self.again.append((act, changes))
            self.enter(*decision.events)
        else:
            self.refused.update(decision.codes)

    # ---- what can happen -------------------------------------------------------------------------------------------

    def stage(self) -> None:
        sha = self.draw.choice(self.versions)
        record = self.world.state.contracts[sha]
        accepted = ev.TermsAccepted(
            order=PO, sha256=sha, org=CLIENT, by="BUYER", on_silence=self.draw.choice(("escalate", "deemed_accepted"))
        )
        self.enter(accepted)
        known = self.world.state.orders.get(PO)
        self.ask(c.StageOrder, version=record.version, amendment=known is not None and known.status != "proposed")

    def arrive(self) -> None:
        serials = self.draw.sample(SERIALS, self.draw.randrange(1, len(SERIALS) + 1))
        if PO in self.world.state.orders:
            self.enter(ev.ArrivalRecorded(order=PO, serials=tuple(serials), evidence="broadcast"))

    def start(self) -> None:
        order = self.world.state.orders.get(PO)
        if order is not None and order.sha256 and not order.jobs:
            version = self.world.state.contracts[order.sha256].version
            self.enter(
                ev.JobStarted(order=PO, job=JOB, sha256=order.sha256, version=version, serials=SERIALS, by="TECH")
            )

    def work(self) -> None:
        job = self.world.state.jobs.get(f"{PO}/{JOB}")
        if job is None or job.status != "running":
            return
        done: list[ev.AnyEvent] = []
        for step in ("S10", "S20", "S30"):
            by = self.draw.choice(("TECH", "TECH2"))
            done.append(ev.StepStarted(order=PO, job=JOB, step=step, by=by, equipment=(), materials=()))
            done.append(ev.StepSigned(order=PO, job=JOB, step=step, by=by, result="pass", complete=True))
        self.enter(*done)  # one import of what the node did

    def retest(self) -> None:
        job = self.world.state.jobs.get(f"{PO}/{JOB}")
        if job is not None and job.attempts[1] is not None and job.status == "complete" and not job.qa_by:
            cause = self.draw.choice(("client_cause", "specimen_defect"))
            again = ev.RetestAuthorised(order=PO, job=JOB, step="S20", cause=cause, by="L3")
            start = ev.StepStarted(order=PO, job=JOB, step="S20", by="TECH", equipment=(), materials=())
            done = ev.StepSigned(order=PO, job=JOB, step="S20", by="TECH", result="pass", complete=True)
            third: dict[str, Any] = {"order": PO, "job": JOB, "step": "S30", "by": "TECH2"}
            self.enter(again, start, done)  # comes with one import
            if job.attempts[2] is None:
                start = ev.StepStarted(**third, equipment=(), materials=())
                self.enter(start, ev.StepSigned(**third, result="pass", complete=True))

    def lapse(self) -> None:
        report = self.world.state.reports.get(REPORT)
        order = self.world.state.orders.get(PO)
        if report is not None and report.status == "issued" and order is not None:
            self.enter(ev.ReviewWindowLapsed(report=REPORT, outcome=order.silence))

    def register(self) -> None:
        category = self.draw.choice(
            ({"tax_category": "S", "tax_rate": "19"}, {"tax_category": "S", "tax_rate": "8.875"}, {})
        )
        self.ask(c.RegisterParty, org=self.draw.choice((CLIENT, "LAB")), **category)

    def dispute(self) -> None:
        for number, bill in [*self.world.state.money.bills.items()]:
            if bill.disputed:
                credit = self.draw.randrange(0, bill.net_minor + 2)
                self.ask(c.ResolveDispute, invoice=number, credit_minor=credit)
            elif self.draw.random() < 0.5:
                self.ask(c.DisputeInvoice, invoice=number)

    def receive(self) -> None:
        for number, bill in [*self.world.state.money.bills.items()]:
            amount = self.draw.choice((bill.open_minor, 1, -1, bill.paid_minor and -bill.paid_minor))
            ref = f"B-{self.draw.randrange(12)}"
            paid = c.PaymentIn(
                bank_ref=ref, invoice=number, amount_minor=amount, currency=bill.currency, booked_on="2026-04-02"
            )
            self.ask(c.RecordPayments, payments=(paid,))

    def run(self) -> None:
        payables = self.world.state.money.payables
        if payables:
            names = self.draw.sample(sorted(payables), self.draw.randrange(1, len(payables) + 1))
            self.ask(c.RunPayments, run=f"RUN-{self.draw.randrange(6)}", payouts=tuple(names))

    def answer(self) -> None:
        for name, run in [*self.world.state.money.runs.items()]:
            status = self.draw.choice(("paid", "failed"))
            results = tuple(c.PayoutResult(payout=one, status=status, reason="X") for one in run.payouts)
            self.ask(c.RecordResults, run=name, results=results[: self.draw.randrange(1, 3)])

    def repeat(self) -> None:
        """The same wish once more, whatever became of it meanwhile."""
        if self.again:
            act, changes = self.draw.choice(self.again)
            self.ask(act, **changes)

    def by_hand(self) -> None:
        self.ask(c.IssueInvoice, milestone=self.draw.choice(("in", "mid", "final")))
        self.ask(c.ReleasePayout, payee=self.draw.choice(("TECH", "TECH2")))

    def settle(self) -> None:
        self.ask(
            c.SettleOrder, milestone=self.draw.choice(("in", "mid", "final")), amount_minor=self.draw.randrange(60)
        )

    def play(self) -> "History":
        """The usual way of an order, with anything else in between."""
        way: list[Callable[[], None]] = [
            self.register, self.stage, self.stage, self.arrive, self.arrive, self.start, self.work, self.retest,
            lambda: self.ask(c.SignQa), lambda: self.ask(c.SignCompliance), lambda: self.ask(c.GenerateReport),
            lambda: self.ask(c.ReviewReport), lambda: self.ask(c.RegisterAccount),
            lambda: self.ask(c.RegisterAccount, by="TECH2", owner="TECH2"), self.run, self.answer, self.receive,
        ]  # fmt: skip
        aside: list[Callable[[], None]] = [
            *way, self.lapse, self.dispute, self.repeat, self.repeat, self.by_hand, self.run, self.answer, self.receive,
            lambda: self.ask(c.AgreeCharge, item=f"X-{self.draw.randrange(3)}"),
            self.settle,
            lambda: self.ask(c.ReversePayout, payout=f"P-{self.draw.randrange(1, 4):06d}"),
            lambda: self.ask(c.TerminateJob),
        ]  # fmt: skip
        taken = 0
        for _ in range(ACTS):
            if taken < len(way) and self.draw.random() < 0.45:
                way[taken]()
                taken += 1
            else:
                self.draw.choice(aside)()
        return self


# ---- what must hold ------------------------------------------------------------------------------------------------


def check(history: History) -> Books:
    books = Books(money=Money(), site="HUB")
    for entry in history.log:
        books.take(entry.at, entry.ref, entry.events)
    state = history.world.state
    assert books.money == state.money, "the books and the law read the same"
    _balanced(books)
    _what_accounts_say(books)
    _numbers(books)
    _invoices(history, books)
    _payouts(history, books)
    return books


def _balanced(books: Books) -> None:
    sums: Counter[str] = Counter()
    for (_, currency), size in books.balances().items():
        sums[currency] += size
    assert not any(sums.values())
    ids = [(one.id, one.about) for one in books.transactions]
    assert len(set(ids)) == len(ids), "an event is booked once"


def _what_accounts_say(books: Books) -> None:
    """The balances, counted once more from the documents."""
    expected: Counter[tuple[tuple[str, ...], str]] = Counter()
    for bill in books.money.bills.values():
        sign = -1 if bill.corrects else 1
        tax = 0 if bill.tax is None else bill.tax_minor
        expected[("Income", "Services"), bill.currency] -= sign * bill.net_minor
        expected[("Liabilities", "Tax"), bill.currency] -= sign * tax
        expected[("Assets", "Receivable", bill.client), bill.currency] += (
            sign * (bill.net_minor + tax) - bill.paid_minor
        )
        expected[("Assets", "Receivable", bill.client), bill.currency] -= bill.held_minor
        expected[("Assets", "Disputed", bill.client), bill.currency] += bill.held_minor
        expected[("Assets", "Bank"), bill.currency] += bill.paid_minor
    for payable in books.money.payables.values():
        owed = {"due": "Payouts", "failed": "Payouts", "ordered": "Ordered"}.get(payable.status)
        if owed:
            expected[("Liabilities", owed, payable.payee), payable.currency] -= payable.amount_minor
        if payable.status == "paid":
            expected[("Assets", "Bank"), payable.currency] -= payable.amount_minor
        if payable.status != "reversed":
            expected[("Expenses", "Bonuses"), payable.currency] += payable.amount_minor
    found = books.balances()
    claims = {key for key in found if key[0][:2] == ("Assets", "Claims")}
    for key in {*expected, *found} - claims - {(("Assets", "Bank"), "USD")}:
        assert found.get(key, 0) == expected[key], key
    claimed = sum(found[key] for key in claims)
    assert found.get((("Assets", "Bank"), "USD"), 0) == expected[("Assets", "Bank"), "USD"] - claimed


def _numbers(books: Books) -> None:
    for sign in "IC":
        numbers = [number for number in books.money.bills if number[0] == sign]
        assert numbers == [f"{sign}-{n:06d}" for n in range(1, len(numbers) + 1)], "no number is left out"


def _invoices(history: History, books: Books) -> None:
    kept: Counter[tuple[str, str]] = Counter()
    for bill in books.money.bills.values():
        kept[bill.item, bill.currency] += -bill.net_minor if bill.corrects else bill.net_minor
        assert bill.net_minor > 0
        if not bill.corrects:
            assert 0 <= bill.credited_minor <= bill.net_minor
            if bill.tax is not None:
                assert bill.tax_minor == tax_of(bill.net_minor, bill.tax.rate)
    order = history.world.state.orders.get(PO)
    template = None if order is None or not order.sha256 else history.world.library.template(order.sha256)
    worth = {} if template is None else {(item.id, template.currency): item.amount_minor for item in template.billing}
    milestones = {key: size for key, size in kept.items() if ":" not in key[0]}
    for key, size in milestones.items():
        assert 0 <= size <= worth.get(key, 0), f"{key} never exceeds what the terms say"
    if template is not None:
        assert sum(milestones.values()) <= template.price_minor
    retests = sum(
        isinstance(e, ev.RetestAuthorised) and e.cause == "client_cause" for entry in history.log for e in entry.events
    )
    again = [bill for bill in books.money.bills.values() if bill.item.startswith("again:") and not bill.corrects]
    if order is not None and order.sha256 in history.versions[:2]:
        assert len(again) == retests, "each retest at the client's cause is charged once"


def _payouts(history: History, books: Books) -> None:
    """Each at most once, none without QA and compliance before it; never two transfers of one under way or done."""
    seen: set[tuple[str, ...]] = set()
    facts: set[tuple[str, str]] = set()
    with_bank: Counter[str] = Counter()
    numbers = 0
    for entry in history.log:
        for event in entry.events:
            if isinstance(event, (ev.QaAccepted, ev.ComplianceAccepted)):
                facts.add((type(event).__name__, event.job))
            elif isinstance(event, (ev.ReportApproved, ev.ReviewWindowLapsed)) or (
                isinstance(event, ev.OrderSettled) and event.milestone == "final"
            ):
                facts.add(("client", ""))
            elif isinstance(event, ev.InvoiceIssued) and event.milestone == "final":
                assert ("client", "") in facts, "no final invoice before the client's word or silence"
            elif isinstance(event, ev.PayoutReleased):
                key = (event.order, event.job, event.rule, event.payee)
                assert key not in seen
                seen.add(key)
                numbers += 1
                assert {("QaAccepted", event.job), ("ComplianceAccepted", event.job)} <= facts
            elif isinstance(event, ev.PaymentsOrdered):
                with_bank.update(event.payouts)
                assert max(with_bank.values()) == 1, "nothing is with the bank twice"
            elif isinstance(event, ev.PayoutFailed):
                with_bank[event.payout] -= 1
    assert len(books.money.payables) == numbers


@pytest.mark.parametrize("part", range(PARTS))
def test_random_histories_release_every_amount_exactly_once_and_the_books_balance(part: int) -> None:
    totals: Counter[str] = Counter()
    for seed in range(SEED + part, SEED + HISTORIES, PARTS):
        try:
            history = History(seed).play()
            books = check(history)
        except Exception as error:
            raise AssertionError(f"HOLDGATE_SEED={seed} HOLDGATE_HISTORIES=1: {error}") from error
        totals.update(type(event).__name__ for entry in history.log for event in entry.events)
        totals.update(history.refused.keys())
        totals["books"] += bool(books.transactions)
    missed = [name for name in SOMETIMES if not totals[name]]
    assert HISTORIES < PARTS * 100 or not missed, f"never happened: {missed}"


SOMETIMES: Final = (
    "InvoiceIssued", "CreditNoteIssued", "PayoutReleased", "ChargeAgreed", "OrderSettled", "InvoiceDisputed", "DisputeResolved",
    "PaymentReceived", "PaymentsOrdered", "PayoutPaid", "PayoutFailed", "PayoutReversed", "RetestAuthorised", "ReviewWindowLapsed",
    "ALREADY_DONE", "INVOICE_PRECONDITION", "PAYOUT_NOT_DUE", "AMOUNT_REFUSED", "MILESTONE_OPEN", "ACCOUNT_MISSING",
)  # fmt: skip
"""What the histories must reach, or they show nothing."""


def test_exports_say_the_same_as_the_books() -> None:
    books = check(History(7).play())
    text = beancount(books, lambda at: "2026-04-01")
    assert text.count(" * ") == len(books.transactions)
    rows = accounting_csv(books, lambda at: "2026-04-01").split("\n")
    assert len(rows) - 2 == sum(len(one.postings) for one in books.transactions)
    assert digest(text.encode()) == digest(beancount(books, lambda at: "2026-04-01").encode())

"""Money that goes out by itself: when, how much, once, and everything that holds it back."""

from typing import Any

import pytest

from holdgate.identity.charter import Charter, Settings
from holdgate.law import event as ev
from holdgate.law.contract import Billing, PayoutRule, SmartClientPO, SmartPay
from holdgate.law.evolve import evolve
from holdgate.law.library import Library
from holdgate.law.state import Acceptance, Job, Order, Report, State
from holdgate.pay.fire import fire
from holdgate.terms.errors import Tampered

S = 1_000_000
T0 = 1_743_512_400 * S
PO, OTHER = "PO-1", "PO-2"
SHA = "a" * 64


def template(**changes: Any) -> SmartClientPO:
    fields: dict[str, Any] = {
        "id": "SP-VIS-01",
        "version": "1",
        "title": "Visual check",
        "author": "SID-L3",
        "process": "b" * 64,
        "price_minor": 90_000,
        "currency": "USD",
        "billing": (
            Billing(id="receipt", when="arrival", amount_minor=20_000),
            Billing(id="review", when="qa_accepted", amount_minor=30_000),
            Billing(id="final", when="client_accepted", amount_minor=40_000),
        ),
        "client_window_s": 259_200,
        "on_silence": "escalate",
        "payouts": (
            PayoutRule(
                id="record",
                depends_on="on_time_and_record_complete",
                payee="each_signer",
                amount_minor=1_500,
                currency="USD",
                within_s=14_400,
            ),
        ),
    }
    return SmartClientPO(**fields | changes)


class Office:
    """A business hub that folds one event and then fires."""

    def __init__(self, **changes: Any) -> None:
        settings = Settings(
            name="Lab",
            tz="UTC",
            receiving_zones=(),
            office="WS-OFFICE",
            session_idle_s=600,
            entry_skew_s=120,
            arrival_skew_s=300,
            arrival_fresh_s=14_400,
            approval_roles=(),
            report_fields=(),
        )
        charter = Charter(org="LAB", settings=settings, sites=(), founders=(), roots=(bytes(32),), threshold=1)
        self.library = Library(lambda sha256: None)
        self.library.templates[SHA] = template(**changes)
        self.state = State(
            charter=charter, site="HUB", kind="business_hub", orders={}, jobs={}, reports={}, slips={}, early=[]
        )
        self.ref = 0

    def order(self, name: str = PO, serials: tuple[str, ...] = ("A", "B"), **changes: Any) -> Order:
        fields: dict[str, Any] = {"sha256": SHA, "client": "AERO", "silence": "escalate"} | changes
        order = self.state.orders[name] = Order(
            id=name, status="staged", serials=serials, acceptances=[], reviews={}, jobs=[], fired={}, **fields
        )
        return order

    def job(self, name: str, serials: tuple[str, ...], order: str = PO, **changes: Any) -> Job:
        fields: dict[str, Any] = {
            "status": "complete",
            "signers": ("TEC-1",),
            "first_start_at": T0,
            "last_done_at": T0 + 60 * S,
        } | changes
        key = f"{order}/{name}"
        job = self.state.jobs[key] = Job(
            id=name, order=order, sha256=SHA, technique="", version="1", node="N", client="AERO", serials=serials,
            attempts=[], deviations={}, **fields,
        )  # fmt: skip
        self.state.orders[order].jobs.append(key)
        return job

    def report(self, job: str, order: str = PO) -> str:
        name = f"R-{order}-{job}"
        self.state.reports[name] = Report(id=name, order=order, job=job, digest="", deviations=(), issued_seq=0)
        self.state.jobs[f"{order}/{job}"].report = name
        return name

    def enter(self, *events: ev.AnyEvent) -> list[str]:
        self.ref += 1
        for event in events:
            evolve(self.state, self.library, event, T0, self.ref)
        due = fire(self.state, self.library, events, T0)
        assert due == fire(self.state, self.library, events, T0)
        for event in due:
            evolve(self.state, self.library, event, T0, self.ref)
        assert fire(self.state, self.library, events, T0) == (), "what went out goes out once"
        return [_name(event) for event in due]


def _name(event: ev.AnyEvent) -> str:
    if isinstance(event, ev.InvoiceIssued):
        return f"{event.order} {event.milestone} {event.amount_minor} {event.currency}"
    if isinstance(event, ev.CreditNoteIssued):
        return f"credit {event.invoice} {event.amount_minor}"
    assert isinstance(event, ev.PayoutReleased)
    return f"{event.order} {event.job} {event.rule} {event.payee} {event.amount_minor} {event.currency}"


def arrived(*serials: str, order: str = PO) -> ev.ArrivalRecorded:
    return ev.ArrivalRecorded(order=order, serials=serials, evidence="broadcast")


def qa(job: str, order: str = PO, rejected: int = 0) -> ev.QaAccepted:
    return ev.QaAccepted(order=order, job=job, by="QA", accepted=1, rejected=rejected, scrapped=0)


def compliance(job: str, order: str = PO) -> ev.ComplianceAccepted:
    return ev.ComplianceAccepted(order=order, job=job, by="CMP")


def approved(report: str) -> ev.ReportApproved:
    return ev.ReportApproved(report=report, by="CLI")


@pytest.fixture
def office() -> Office:
    made = Office()
    made.order()
    return made


# ---- milestones ----------------------------------------------------------------------------------------------------


def test_the_arrival_milestone_waits_for_the_last_part(office: Office) -> None:
    assert office.enter(arrived("A")) == []
    assert office.enter(arrived("B")) == ["PO-1 receipt 20000 USD"]
    assert office.enter(arrived("B")) == []


def test_an_import_of_many_entries_fires_once_for_every_order(office: Office) -> None:
    office.order(OTHER, ("C",))
    assert office.enter(arrived("A"), arrived("C", order=OTHER), arrived("B")) == [
        "PO-1 receipt 20000 USD",
        "PO-2 receipt 20000 USD",
    ]


def test_milestones_follow_the_whole_order_and_not_a_neighbours_part(office: Office) -> None:
    office.order(OTHER, ("A",))
    office.job("J-1", ("A",))
    assert office.enter(qa("J-1")) == [], "one lot of two"
    assert office.enter(approved(office.report("J-1"))) == []
    office.job("J-2", ("B",))
    assert office.enter(qa("J-2")) == ["PO-1 review 30000 USD"]
    assert office.enter(approved(office.report("J-2"))) == ["PO-1 final 40000 USD"]
    assert list(office.state.orders[OTHER].fired) == []


def test_a_job_that_was_closed_away_covers_no_part(office: Office) -> None:
    office.job("J-1", ("A",))
    office.job("J-2", ("A", "B"))
    del office.state.jobs["PO-1/J-1"]
    assert office.enter(qa("J-2")) == ["PO-1 review 30000 USD"]


def test_a_rejected_part_in_an_accepted_record_is_reported_and_billed(office: Office) -> None:
    office.job("J-1", ("A", "B"))
    assert office.enter(qa("J-1", rejected=1)) == ["PO-1 review 30000 USD"]


def test_a_split_job_counts_through_its_sub_lots(office: Office) -> None:
    office.job("J-1", ("A", "B"), status="split")
    office.job("J-1A", ("A",))
    office.job("J-1B", ("B",))
    assert office.enter(qa("J-1A")) == []
    assert office.enter(qa("J-1B")) == ["PO-1 review 30000 USD"]


def test_another_job_on_the_same_part_that_is_not_accepted_blocks(office: Office) -> None:
    office.job("J-1", ("A", "B"))
    office.job("J-2", ("B",), status="running")
    assert office.enter(qa("J-1")) == []
    assert office.enter(qa("J-2")) == ["PO-1 review 30000 USD"]


def test_a_job_on_parts_that_an_amendment_took_out_blocks_nothing(office: Office) -> None:
    office.job("J-0", ("Z",), status="running")
    office.job("J-1", ("A", "B"))
    assert office.enter(qa("J-1")) == ["PO-1 review 30000 USD"]


def test_a_rejected_report_blocks_the_final_invoice(office: Office) -> None:
    office.job("J-1", ("A",))
    office.job("J-2", ("B",))
    first, second = office.report("J-1"), office.report("J-2")
    assert office.enter(ev.ReportRejected(report=first, by="CLI", reason="wrong")) == []
    assert office.enter(approved(second)) == []


def test_no_final_invoice_while_a_part_has_no_report(office: Office) -> None:
    office.job("J-1", ("A",))
    office.job("J-2", ("B",))
    assert office.enter(approved(office.report("J-1"))) == []


def test_another_orders_approved_report_of_the_same_name_counts_for_nothing(office: Office) -> None:
    office.order(OTHER, ("A",))
    office.job("J-1", ("A", "B"))
    office.job("J-1", ("A",), order=OTHER)
    foreign = office.report("J-1", order=OTHER)
    office.state.jobs["PO-1/J-1"].report = foreign
    assert office.enter(approved(foreign), qa("J-1")) == ["PO-2 final 40000 USD", "PO-1 review 30000 USD"]


SIGNED = Acceptance(sha256=SHA, org="AERO", by="CLI", on_silence="deemed_accepted", ref=1)


@pytest.mark.parametrize(
    ("silence", "acceptances", "outcome", "fires"),
    [
        ("deemed_accepted", (SIGNED,), "deemed_accepted", True),
        ("deemed_accepted", (SIGNED,), "escalate", False),
        ("escalate", (SIGNED,), "deemed_accepted", False),
        ("deemed_accepted", (), "deemed_accepted", False),
        ("deemed_accepted", (("org", "ROTOR"),), "deemed_accepted", False),
        ("deemed_accepted", (("sha256", "c" * 64),), "deemed_accepted", False),
        ("deemed_accepted", (("on_silence", "escalate"),), "deemed_accepted", False),
    ],
    ids=["signed", "escalated", "order escalates", "nobody signed", "another client", "another version", "escalate"],
)
def test_silence_accepts_only_under_a_clause_that_this_client_signed(
    office: Office, silence: str, acceptances: tuple[Any, ...], outcome: str, fires: bool
) -> None:
    order = office.state.orders[PO]
    order.silence = silence
    fields: dict[str, Any] = {"sha256": SHA, "org": "AERO", "by": "CLI", "on_silence": "deemed_accepted", "ref": 1}
    order.acceptances = [a if isinstance(a, Acceptance) else Acceptance(**fields | dict([a])) for a in acceptances]
    office.job("J-1", ("A", "B"))
    lapsed = ev.ReviewWindowLapsed(report=office.report("J-1"), outcome=outcome)
    assert office.enter(lapsed) == (["PO-1 final 40000 USD"] if fires else [])


def test_an_amendment_to_terms_that_are_met_already_fires(office: Office) -> None:
    office.enter(arrived("A", "B"))
    order = office.state.orders[PO]
    billing = (*template().billing, Billing(id="handling", when="arrival", amount_minor=5))
    office.library.templates["d" * 64] = template(billing=billing)
    assert office.enter(amended(order)) == ["PO-1 handling 5 USD"]


@pytest.mark.parametrize(
    ("amount", "corrected"),
    [
        (20_000, []),
        (25_000, ["PO-1 receipt 5000 USD"]),
        (15_000, ["credit I-000001 5000"]),
        (500, ["credit I-000001 19500"]),
        (100, ["credit I-000001 19500"]),
    ],
    ids=["the same", "more", "less", "as much as was given up", "less than was given up"],
)
def test_what_was_given_up_in_a_dispute_is_not_billed_again_when_the_order_is_amended(
    office: Office, amount: int, corrected: list[str]
) -> None:
    """Found while disputes and amendments were added to the simulator: an amendment billed anew what a credit had taken off."""
    assert office.enter(arrived("A", "B")) == ["PO-1 receipt 20000 USD"]
    office.enter(ev.InvoiceDisputed(invoice="I-000001", by="BUYER", reason="late"))
    office.enter(
        ev.DisputeResolved(invoice="I-000001", credit_minor=500, by="FIN"),
        ev.CreditNoteIssued(invoice="I-000001", amount_minor=500, reason="late"),
    )
    billing = (Billing(id="receipt", when="arrival", amount_minor=amount), *template().billing[1:])
    office.library.templates["d" * 64] = template(billing=billing)
    again = amended(office.state.orders[PO])
    assert office.enter(again) == corrected
    assert office.enter(again) == []


def amended(order: Order) -> ev.OrderStaged:
    """The order under the amended template."""
    return ev.OrderStaged(
        order=PO,
        contract="SP",
        version="2",
        sha256="d" * 64,
        node="N",
        client="AERO",
        part_no=order.part_no,
        rev=order.rev,
        serials=("A", "B"),
        documents=(),
        policy="full",
        evidence=("broadcast",),
        buffer_max_us=0,
        body="",
        silence="escalate",
        amendment=True,
    )


@pytest.mark.parametrize("when", ["test_passed", "never"])
def test_a_milestone_of_an_unknown_kind_is_never_reached(when: str) -> None:
    office = Office(billing=(Billing(id="x", when=when, amount_minor=1),))
    office.order()
    assert office.enter(arrived("A", "B")) == []


def test_an_order_without_parts_reaches_nothing(office: Office) -> None:
    office.order(serials=())
    assert office.enter(arrived("A")) == []


# ---- payouts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(qa, compliance), (compliance, qa)])
def test_everybody_who_signed_is_paid_once_qa_and_compliance_have_signed(
    office: Office, order: tuple[Any, Any]
) -> None:
    office.job("J-1", ("A",), signers=("TEC-2", "TEC-1"))
    assert office.enter(order[0]("J-1")) == []
    assert office.enter(order[1]("J-1")) == [
        "PO-1 J-1 record TEC-2 1500 USD",
        "PO-1 J-1 record TEC-1 1500 USD",
    ]


@pytest.mark.parametrize(("seconds", "paid"), [(14_400, True), (14_401, False)])
def test_the_time_of_a_bonus_is_inclusive(office: Office, seconds: int, paid: bool) -> None:
    office.job("J-1", ("A",), last_done_at=T0 + seconds * S)
    assert bool(office.enter(qa("J-1"), compliance("J-1"))) is paid


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "running"},
        {"status": "split"},
        {"signers": ()},
        {"first_start_at": 0, "last_done_at": 0},
        {"last_done_at": 0},  # every part was scrapped after the first of two signatures
    ],
)
def test_work_that_is_not_done_is_not_paid(office: Office, changes: dict[str, Any]) -> None:
    office.job("J-1", ("A",), **changes)
    assert office.enter(qa("J-1"), compliance("J-1")) == []


def test_a_kind_of_payee_that_is_unknown_is_not_paid() -> None:
    rule = PayoutRule(id="x", depends_on="on_time", payee="manager", amount_minor=1, currency="USD", within_s=99)
    office = Office(payouts=(rule,))
    office.order()
    office.job("J-1", ("A",))
    assert office.enter(qa("J-1"), compliance("J-1")) == []


def test_each_job_and_each_rule_pays_for_itself() -> None:
    rules = tuple(
        PayoutRule(id=name, depends_on="on_time", payee="each_signer", amount_minor=n, currency="USD", within_s=60)
        for name, n in (("r1", 1), ("r2", 2))
    )
    office = Office(payouts=rules)
    office.order()
    office.job("J-1", ("A",))
    office.job("J-2", ("B",), last_done_at=T0 + 61 * S)
    assert office.enter(qa("J-1"), compliance("J-1"), compliance("J-2")) == [
        "PO-1 J-1 r1 TEC-1 1 USD",
        "PO-1 J-1 r2 TEC-1 2 USD",
    ]


@pytest.mark.parametrize(
    ("cap", "paid"),
    [
        (12, ["r1 TEC-1 3", "r1 TEC-2 3", "r2 TEC-1 2", "r2 TEC-2 2", "r3 TEC-1 1", "r3 TEC-2 1"]),
        (10, ["r1 TEC-1 3", "r1 TEC-2 3", "r2 TEC-1 2", "r2 TEC-2 2"]),
        (9, ["r1 TEC-1 3", "r1 TEC-2 3", "r2 TEC-1 2", "r3 TEC-1 1"]),
        (2, ["r2 TEC-1 2"]),
        (0, []),
    ],
)
def test_a_job_pays_out_no_more_than_its_cap(cap: int, paid: list[str]) -> None:
    office = Office(payouts=(), pay="c" * 64)
    office.library._documents["c" * 64] = capped(cap, r1=3, r2=2, r3=1)
    office.order()
    office.job("J-1", ("A",), signers=("TEC-1", "TEC-2"))
    office.job("J-2", ("B",))
    due = office.enter(qa("J-1"), compliance("J-1"))
    assert due == [f"PO-1 J-1 {text} USD" for text in paid]
    assert office.enter(compliance("J-1")) == [], "what was paid counts into the cap, and stays paid"
    assert sum(int(text.split()[-2]) for text in due) <= cap
    if cap:
        assert office.enter(qa("J-2"), compliance("J-2")), "the cap is of each job"


def capped(cap: int, **amounts: int) -> SmartPay:
    rules = tuple(
        PayoutRule(id=name, depends_on="on_time", payee="each_signer", amount_minor=n, currency="USD", within_s=60)
        for name, n in amounts.items()
    )
    return SmartPay(id="PAY", version="1", title="t", author="a", currency="USD", payouts=rules, cap_minor=cap)


# ---- when nothing is looked at -------------------------------------------------------------------------------------


def test_only_the_orders_that_an_entry_speaks_of_are_looked_at(office: Office) -> None:
    office.state.orders[PO].arrived = ("A", "B")
    office.order(OTHER, ("C",))
    assert office.enter(arrived("C", order=OTHER)) == ["PO-2 receipt 20000 USD"]


def test_an_event_that_completes_nothing_fires_nothing(office: Office) -> None:
    office.state.orders[PO].arrived = ("A", "B")
    assert office.enter(ev.ReaderAdvanced(reader="SCN-1", seq=1)) == []
    assert fire(office.state, office.library, (), T0) == ()


def test_orders_and_reports_that_are_not_known_fire_nothing(office: Office) -> None:
    assert fire(office.state, office.library, (arrived("A", order="PO-9"), approved("R-9")), T0) == ()
    office.state.orders["PO-9"] = Order(id="PO-9", serials=("A",), arrived=("A",))
    assert fire(office.state, office.library, (arrived("A", order="PO-9"),), T0) == ()


@pytest.mark.parametrize("kind", ["floor_hub", "node", "vault"])
def test_money_is_the_business_hubs_alone(office: Office, kind: str) -> None:
    office.state.orders[PO].arrived = ("A", "B")
    office.state.kind = kind
    assert fire(office.state, office.library, (arrived("A"),), T0) == ()


def test_an_order_whose_terms_are_lost_stops_the_site_instead_of_not_paying(office: Office) -> None:
    office.library.templates.clear()
    with pytest.raises(Tampered, match="template of order PO-1"):
        fire(office.state, office.library, (arrived("A"),), T0)

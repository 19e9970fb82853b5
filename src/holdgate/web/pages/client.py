"""Client portal: a client's own orders and nothing else. Terms, every decision in words, the report, its window, the invoices."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.candidate import STAND_IN
from holdgate.law.contract import SmartClientPO
from holdgate.law.families import bundled
from holdgate.law.reporting import content_of
from holdgate.law.state import ContractRecord, Job, Order, Report, State
from holdgate.query.client_story import Line, client_story
from holdgate.query.contract_words import ContractSheet, sheet_of, span
from holdgate.query.job_record import Read
from holdgate.query.record import entry_at, spoken
from holdgate.query.stages import stage
from holdgate.terms import canon, money
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.web.bills import BillRow, bill_row, of_client, owed_by_currency, settling
from holdgate.web.hub import limits_of, record_of
from holdgate.web.order_index import OrderRow
from holdgate.web.page import Page, View
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing
from holdgate.web.waiting import PaperLine, papers_of
from holdgate.web.wish import Wish, blank

ROLES: Final = ("client",)
NOT_THERE: Final = "no order of this number is yours to see"
LINES: Final = 200
"""Lines of the story on a page; the newest."""
SILENCE: Final = {
    "deemed_accepted": (
        "Without an answer by then the report counts as accepted, as you signed in the terms. "
        "It is never taken for your signature."
    ),
    "escalate": "Without an answer by then nothing is accepted: the lab is told, and asks you.",
}
STANDS: Final = {
    "proposed": "proposed",
    "staged": "waits for your parts",
    "held at dock": "some parts are here; it waits for the others",
    "released": "parts are here; work is about to start",
    "running": "in work",
    "at QA": "with QA",
    "at compliance": "with Compliance",
    "report to be issued": "the report is being issued",
    "reported": "waits for your answer",
    "report rejected": "rejected by you; the lab amends the report",
    "client silent": "your answer did not come in time",
    "accepted": "accepted",
    "invoiced": "accepted and invoiced",
    "ended": "ended",
}
"""Where an order stands, as its client is told."""


class OrderLine(Struct, frozen=True, kw_only=True):
    """An order in the list. `closes_at`: when the review window of a report that waits for an answer closes (UTC µs; 0: none)."""

    id: str
    part: str
    parts: int
    stands: str
    report: str
    closes_at: int


class Orders(Struct, frozen=True, kw_only=True):
    """A client's orders: those that wait for it first, then the newest."""

    lines: tuple[OrderLine, ...]
    pager: Pager
    asked: str


class Window(Struct, frozen=True, kw_only=True):
    """A report with its review window. `silence`: what happens on silence, in words, from the signed terms."""

    report: Report
    silence: str
    wishes: tuple[Wish, ...]


class Invoice(Struct, frozen=True, kw_only=True):
    """A milestone. `at`: when it was invoiced (UTC µs; 0: not yet), `entry`: the entry that released it; `when`: its condition."""

    milestone: str
    amount: str
    at: int
    entry: str
    when: str


class Billed(Struct, frozen=True, kw_only=True):
    """An invoice or credit note that went out, and what its client can do about it."""

    row: BillRow
    wishes: tuple[Wish, ...]


class Billing(Struct, frozen=True, kw_only=True):
    """A client's invoices and credit notes, the newest first. `totals`: what it owes, by currency."""

    rows: tuple[BillRow, ...]
    pager: Pager
    totals: tuple[tuple[str, str], ...]


class Sheet(Struct, frozen=True, kw_only=True):
    """One order of the client's. `invoices`: milestones; `bills`: what went out; `papers`: on this order, to be signed."""

    order: Order
    stands: str
    accepted: tuple[tuple[str, str], ...]
    windows: tuple[Window, ...]
    replaced: tuple[Report, ...]
    invoices: tuple[Invoice, ...]
    bills: tuple[Billed, ...]
    papers: tuple[PaperLine, ...]
    contract: str
    story: tuple[Line, ...]


class ContractPage(Struct, frozen=True, kw_only=True):
    """The pinned contract in words, and what the client signed with it: silence is theirs to choose."""

    words: ContractSheet
    accepted: tuple[tuple[str, str], ...]


class Result(Struct, frozen=True, kw_only=True):
    """One op in a report. `signed`: by whom; `rows`: its readings with their limits."""

    number: int
    name: str
    result: str
    signed: str
    signed_at: int
    used: tuple[str, ...]
    rows: tuple["Row", ...]


class Row(Struct, frozen=True, kw_only=True):
    """A reading with its limits."""

    read: Read
    limits: str
    by: str = ""


class ReportSheet(Struct, frozen=True, kw_only=True):
    """A report's content. `digest_now`: of the content that is shown; it has to be the report's own."""

    order: Order
    job: Job
    report: Report
    issued: ev.ReportIssued
    issued_at: int
    technique: str
    results: tuple[Result, ...]
    parts: tuple[tuple[str, str], ...]
    window: Window
    same: bool


class TermsSheet(Struct, frozen=True, kw_only=True):
    """Terms to accept: one way for each meaning of silence, which is the client's to choose."""

    order: str
    contract: ContractSheet
    price: str
    window: str
    ways: tuple[tuple[str, Wish], ...]
    accepted: bool


# ---- the list ------------------------------------------------------------------------------------------------------


def orders(view: View) -> Orders:
    """The client's orders."""
    state, client = view.face.state, view.asker.clients
    asked = view.query.get("q", "").strip().lower()[:64]
    close = [row for row in view.face.orders.rows().values() if row.client in ("", client)]
    mine = [row for row in close if row.client or view.asker.sees(state.orders[row.id])]
    found = [row for row in reversed(mine) if not asked or asked in row.text]
    found.sort(key=lambda row: not row.answer)
    rows, pager = paged(found, view.query)
    return Orders(
        lines=tuple(_line(view, row) for row in rows if view.asker.sees(state.orders[row.id])), pager=pager, asked=asked
    )


def _line(view: View, row: OrderRow) -> OrderLine:
    order, report = view.face.state.orders[row.id], view.face.state.reports.get(row.answer)
    return OrderLine(
        id=order.id,
        part=f"{order.part_no} rev {order.rev}" if order.part_no else "",
        parts=len(order.serials),
        stands=STANDS[row.stage],
        report="" if report is None else report.id,
        closes_at=0 if report is None else report.closes_at or 0,
    )


# ---- one order -----------------------------------------------------------------------------------------------------


def _own(view: View) -> Order | None:
    """The order that is asked for, if it is this client's."""
    order = view.face.state.orders.get(view.path["order"])
    return order if order is not None and view.asker.sees(order) else None


def sheet(view: View) -> Sheet | Problem:
    """One order: where it stands, its reports and invoices, and every decision on it."""
    order = _own(view)
    if order is None:
        return missing(NOT_THERE)
    state = view.face.state
    reports = _reports(state, order)
    bills = [
        bill for bill in state.money.bills.values() if bill.order == order.id and bill.client == view.asker.clients
    ]
    return Sheet(
        order=order,
        stands=STANDS[stage(state, view.face.library, order)],
        accepted=tuple(_accepted(view, order)),
        windows=tuple(_window(view, order, report) for report in reports if report.status != "superseded"),
        replaced=tuple(report for report in reports if report.status == "superseded"),
        invoices=tuple(_invoices(view, order)),
        bills=tuple(Billed(row=bill_row(view, bill), wishes=settling(view, bill)) for bill in bills),
        papers=papers_of(view, {f"order:{order.id}", *(f"invoice:{bill.number}" for bill in bills)}),
        contract=f"{order.contract} rev {order.version}" if order.contract else "",
        story=tuple(_story(view, order, {report.id for report in reports}))[::-1][:LINES],
    )


def _reports(state: State, order: Order) -> list[Report]:
    """The reports of an order, those that were replaced after the others."""
    jobs = [job for key in order.jobs if (job := state.jobs.get(key)) is not None]
    current = [report for job in jobs if (report := state.reports.get(job.report)) is not None]
    names = {report.id for report in current}
    replaced = [report for report in state.reports.values() if report.order == order.id and report.id not in names]
    return [*current, *replaced]


def _accepted(view: View, order: Order) -> Iterator[tuple[str, str]]:
    """Who of this client signed which terms, and what silence means under them."""
    for said in order.acceptances:
        if said.org == view.asker.clients:
            record = view.face.state.contracts.get(said.sha256)
            name = "" if record is None else f" of {record.contract} rev {record.version}"
            yield f"Terms{name}, signed by {view.who(said.by)}", SILENCE.get(said.on_silence, said.on_silence)


def _window(view: View, order: Order, report: Report) -> Window:
    wishes: list[Wish] = []
    for decision in ("approve", "reject"):
        reason = None if decision == "approve" else STAND_IN
        fields = {"report": report.id, "decision": decision, "reason": reason}
        wish = view.offer(c.ReviewReport, fields, () if reason is None else ("reason",))
        if wish is not None and wish.group != "done":
            wishes.append(wish)
    return Window(report=report, silence=SILENCE.get(order.silence, SILENCE["escalate"]), wishes=tuple(wishes))


def _invoices(view: View, order: Order) -> Iterator[Invoice]:
    template = view.face.library.template(order.sha256) if order.sha256 else None
    for item in () if template is None else template.billing:
        ref = order.fired.get(f"invoice:{item.id}", -1)
        yield Invoice(
            milestone=item.id,
            amount=money.show(item.amount_minor, "" if template is None else template.currency),
            at=0 if ref < 0 else view.face.at(ref),
            entry="" if ref < 0 else f"{view.face.id}:{ref}",
            when=_WHEN.get(item.when, item.when),
        )


def invoices(view: View) -> Billing:
    """Every invoice and credit note of the client's."""
    mine = of_client(view, view.asker.clients)
    rows, pager = paged(mine[::-1], view.query)
    return Billing(
        rows=tuple(bill_row(view, bill) for bill in rows),
        pager=pager,
        totals=owed_by_currency(view, view.asker.clients),
    )


_WHEN: Final = {
    "arrival": "when all parts have arrived",
    "qa_accepted": "when QA accepted every part",
    "client_accepted": "when you accepted the report of every part",
}


def _story(view: View, order: Order, reports: set[str]) -> list[Line]:
    face = view.face
    places = face.chronicle_of(order.id)

    def told() -> list[Line]:
        org, lab = view.asker.clients, face.state.charter.org
        own = {name for name, one in face.state.identities.items() if one.org in (org, lab)}
        return [*client_story(spoken(face.record(), places), order.id, reports, org, own)]

    return face.kept(("story", order.id, view.asker.clients), len(places), told)


# ---- the contract and the terms ------------------------------------------------------------------------------------


def contract(view: View) -> ContractPage | Problem:
    """The contract that an order is pinned to, in words."""
    order = _own(view)
    sha256 = "" if order is None else order.sha256 or next((said.sha256 for said in order.acceptances), "")
    if order is None or not sha256:
        return missing(NOT_THERE)
    return ContractPage(words=_in_words(view, sha256), accepted=tuple(_accepted(view, order)))


def _in_words(view: View, sha256: str) -> ContractSheet:
    return view.face.kept(("contract", sha256), 0, lambda: sheet_of(bundled(sha256, view.face.library.blob)))


def terms(view: View) -> TermsSheet | Problem:
    """The terms of a contract version for an order that is still to be signed for. Who has the version's digest was sent here."""
    state, name, sha256 = view.face.state, view.path["order"], view.path["sha256"]
    record, template = state.contracts.get(sha256), None
    if record is not None and state.in_force.get(record.contract) == sha256:
        template = view.face.library.template(sha256)
    try:
        check_id(name, "order")
    except Malformed as error:
        return Problem(kind="about:Malformed", title="This is no order number", status=400, detail=str(error))
    if record is None or template is None:
        return missing("no such terms are offered to you; ask the lab for their address")
    order = state.orders.get(name)
    signed = order is not None and any(
        (said.sha256, said.org) == (sha256, view.asker.clients) for said in order.acceptances
    )
    return TermsSheet(
        order=name,
        contract=_in_words(view, sha256),
        price=money.show(template.price_minor, template.currency),
        window=span(template.client_window_s),
        ways=() if signed else tuple(_ways(view, name, record, template)),
        accepted=signed,
    )


def _ways(view: View, order: str, record: ContractRecord, template: SmartClientPO) -> Iterator[tuple[str, Wish]]:
    """One form for each meaning of silence. Made without asking the law: its answer would tell whose a number is."""
    for on_silence in dict.fromkeys((template.on_silence, *SILENCE)):
        offered = c.Terms(
            price_minor=template.price_minor,
            currency=template.currency,
            milestones=tuple(c.Milestone(id=item.id, amount_minor=item.amount_minor) for item in template.billing),
            client_window_s=template.client_window_s,
            on_silence=on_silence,
        )
        fields = {"order": order, "contract": record.contract, "version": record.version, "terms": offered}
        yield SILENCE[on_silence], blank(view.face.state, c.AcceptTerms, "client", f"order:{order}", **fields)


# ---- a report ------------------------------------------------------------------------------------------------------


def report(view: View) -> ReportSheet | Problem:
    """What a report says, with the digest that the client signs."""
    order = _own(view)
    face = view.face
    found = None if order is None else face.state.reports.get(view.path["report"])
    if order is None or found is None or found.order != order.id:
        return missing(NOT_THERE)
    job = face.state.jobs.get(f"{order.id}/{found.job}")
    entry = entry_at(face.record(), found.issued_seq)
    issued = next((e for e in entry.decision.events if isinstance(e, ev.ReportIssued) and e.report == found.id), None)
    technique = None if job is None else face.library.technique(job.technique)
    if job is None or issued is None or technique is None:
        return missing(NOT_THERE)
    return ReportSheet(
        order=order,
        job=job,
        report=found,
        issued=issued,
        issued_at=entry.entry.at,
        technique=f"{technique.id} rev {job.version}",
        results=tuple(_results(view, job)),
        parts=tuple((serial, job.parts.get(serial, "accepted")) for serial in job.serials),
        window=_window(view, order, found),
        same=digest(canon.encode(content_of(issued, order.client, job))) == found.digest,
    )


def _results(view: View, job: Job) -> Iterator[Result]:
    """Every op as it counts, with the last value of each characteristic."""
    record, technique = record_of(view, job), view.face.library.technique(job.technique)
    if record is None or technique is None:
        return
    for op in technique.operations:
        attempt = next((one for one in reversed(record.attempts.get(op.id, [])) if not one.over), None)
        if attempt is None:
            continue
        last = {(read.characteristic, read.serial): read for read in attempt.reads if _of_job(read, job)}
        signed = attempt.signed[-1] if attempt.signed else None
        yield Result(
            number=(op.position + 1) * 10,
            name=op.name,
            result="" if signed is None else signed.result,
            signed="" if signed is None else view.who(signed.by),
            signed_at=0 if signed is None else signed.at,
            used=tuple(dict.fromkeys((*attempt.equipment, *attempt.materials))),
            rows=tuple(Row(read=read, limits=limits_of(op, read.characteristic)) for read in last.values()),
        )


def _of_job(read: Read, job: Job) -> bool:
    return not read.serial or read.serial in job.serials


CLIENT: Final = Page(
    name="client",
    title="My orders",
    kinds=("business_hub",),
    roles=ROLES,
    model=orders,
    below=(
        ("/{order}", "client_order", sheet),
        ("/{order}/contract", "client_contract", contract),
        ("/{order}/report/{report}", "client_report", report),
        ("/{order}/terms/{sha256}", "client_terms", terms),
    ),
)
INVOICES: Final = Page(name="invoices", title="My invoices", kinds=("business_hub",), roles=ROLES, model=invoices)

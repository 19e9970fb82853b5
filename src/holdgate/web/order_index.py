"""The office's index of orders: one row an order with what lists are made of, kept up entry by entry.

Lists of ten thousand orders are narrowed, counted and sorted by rows; the state is asked again only for orders of which the record
spoke since. The index proves nothing, and whatever it says is in the state: it is made anew with every start.
"""

from collections.abc import Iterator

from msgspec import Struct

from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.answer import Sealed
from holdgate.law.state import LOST, OVER, Job, Order, State, open_ncrs
from holdgate.query.due import is_open
from holdgate.query.record import Said, said
from holdgate.query.stages import stage
from holdgate.query.timeline import orders_of
from holdgate.sites.site import Site
from holdgate.terms.limits import ORDER_UNREAD_MAX


class OrderRow(Struct, frozen=True, kw_only=True, gc=False):
    """An order in lists.

    `text`: what is searched. `at_qa`, `at_compliance`, `to_report`: keys of jobs that wait there, `done_at` by the first of them
    (UTC µs). `answer`: the report that waits for the client; `rejected`: reports that it rejected. `held`: what holds the order up.
    `gone`: what was invoiced (minor units). `papers`: documents with their last instant (0: none), and whether they are here and
    verified. `standing`: how much of it stands open.
    """

    id: str
    client: str
    sha256: str
    stage: str
    text: str
    at_qa: tuple[str, ...]
    at_compliance: tuple[str, ...]
    to_report: tuple[str, ...]
    done_at: int
    answer: str
    rejected: tuple[str, ...]
    held: tuple[str, ...]
    standing: int
    price: int
    gone: int
    currency: str
    papers: tuple[tuple[str, int, bool, bool], ...]


class OrderIndex:
    """The rows of one business hub, the oldest order first. Lives on the event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rows: dict[str, OrderRow] = {}
        self._stale: set[str] | None = None
        self._unread: list[bytes] = []
        site.watchers.append(self._sealed)

    def rows(self) -> dict[str, OrderRow]:
        """Every order's row, as the state is now."""
        state = self._site.chronicle.state
        if self._stale is None:
            self._stale, self._unread = set(), []
            self._rows = {name: self._row(order) for name, order in state.orders.items()}
            return self._rows
        for body in self._unread:
            self._stale |= _spoken_of(state, said(body))
        self._unread = []
        for name in self._stale:
            order = state.orders.get(name)
            if order is not None:
                self._rows[name] = self._row(order)
        self._stale = set()
        if len(self._rows) != len(state.orders):
            self._rows = {name: self._rows.get(name) or self._row(order) for name, order in state.orders.items()}
        return self._rows

    def _sealed(self, sealed: Sealed) -> None:
        if self._stale is None:
            return
        for draft in sealed.drafts:
            self._unread.append(draft.body)
            if draft.subject.startswith("origin:"):
                self._unread += [body for key, body in draft.blobs.items() if _is_entry(key, body)]
        if len(self._unread) > ORDER_UNREAD_MAX:
            self._stale, self._unread = None, []

    # ---- a row -----------------------------------------------------------------------------------------------------

    def _row(self, order: Order) -> OrderRow:
        state, library = self._site.chronicle.state, self._site.chronicle.library
        jobs = [job for key in order.jobs if (job := state.jobs.get(key)) is not None and job.status not in OVER]
        template = library.template(order.sha256) if order.sha256 else None
        reports = [report for job in jobs if (report := state.reports.get(job.report)) is not None]
        at_qa = [job for job in jobs if job.status == "complete" and not job.qa_by]
        fired = [] if template is None else [b for b in template.billing if f"invoice:{b.id}" in order.fired]
        clients = [order.client] if order.client else [signed.org for signed in order.acceptances]
        return OrderRow(
            id=order.id,
            client=order.client,
            sha256=order.sha256,
            stage=stage(state, library, order),
            text="\n".join((order.id, *clients, order.part_no, order.contract, *order.serials)).lower(),
            at_qa=tuple(f"{order.id}/{job.id}" for job in at_qa),
            at_compliance=tuple(f"{order.id}/{job.id}" for job in jobs if job.qa_by and not job.compliance_by),
            to_report=tuple(f"{order.id}/{job.id}" for job in jobs if job.compliance_by and not job.report),
            done_at=min((job.last_done_at for job in jobs if not job.compliance_by), default=0),
            answer=next((report.id for report in reports if report.status == "issued"), ""),
            rejected=tuple(report.id for report in reports if report.status == "rejected"),
            held=tuple(held for job in jobs for held in holds(state, job)),
            standing=sum(bool(job.failed) + len(open_ncrs(job)) for job in jobs),
            price=0 if template is None else template.price_minor,
            gone=sum(item.amount_minor for item in fired),
            currency="" if template is None else template.currency,
            papers=tuple(_papers(state, order, () if template is None else template.documents)),
        )


def holds(state: State, job: Job) -> Iterator[str]:
    """What holds a job up, and its money with it, and does not end by itself."""
    for ncr in open_ncrs(job) if job.ncrs else ():
        yield f"{job.id}: {ncr.id} is open"
    if job.failed:
        yield f"{job.id} has failed: {job.failed}"
    lost = [serial for serial, what in job.parts.items() if what in LOST]
    if lost and len(lost) == len(job.serials):
        yield f"{job.id}: no part is left"
    report = state.reports.get(job.report)
    if report is not None and report.status == "rejected":
        yield f"{job.id}: the client rejected {report.id}"
    if report is not None and report.status == "lapsed" and report.outcome != "deemed_accepted":
        yield f"{job.id}: the client did not answer {report.id}"


def _papers(state: State, order: Order, needed: tuple[str, ...]) -> Iterator[tuple[str, int, bool, bool]]:
    """The documents of an order under which something may still be done."""
    if not is_open(state, order):
        return
    verified = state.verified.get(order.id, {})
    for name in dict.fromkeys((*needed, *order.documents)):
        yield name, order.documents.get(name) or 0, name in order.documents, name in verified


def _is_entry(key: str, body: bytes) -> bool:
    """Whether a blob beside an import is an entry of the other site (they go by their leaf hash), and no document."""
    return leaf_hash(body).hex() == key


def _spoken_of(state: State, one: Said) -> set[str]:
    """The orders that an entry is about, by their reports too."""
    named = orders_of(one)
    reports = [getattr(event, "report", "") for event in one.decision.events]
    if one.entry.subject.startswith("report:"):
        reports.append(one.entry.subject.removeprefix("report:"))
    return named | {state.reports[name].order for name in reports if name in state.reports}

"""Looking at work: orders, jobs, timelines, and why an entry says what it says. Everything is guarded by who asks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct

from holdgate.law.state import Job, Order, open_ncrs
from holdgate.law.technique import Technique
from holdgate.query.timeline import Told, tell
from holdgate.query.why import Why, why, why_taken
from holdgate.terms.limits import ROWS_ASKED_MAX
from holdgate.web.api.acting import ByOrder
from holdgate.web.face import Face
from holdgate.web.grammar import Id, IdOrNothing, Key, Place, Seq, Word
from holdgate.web.operation import Call, Operation, person
from holdgate.web.problem import Problem
from holdgate.web.sight import job_of, order_of, said_at

LIMIT: Final = 50
Limit = Annotated[int, Meta(ge=1, le=ROWS_ASKED_MAX)]
T = TypeVar("T")


class OrderRow(Struct, frozen=True, kw_only=True):
    """An order in a list. `parts`, `arrived`: how many serials; `staged_at`: UTC µs (0: not yet)."""

    id: str
    status: str
    client: str
    contract: str
    version: str
    node: str
    part_no: str
    rev: str
    parts: int
    arrived: int
    staged_at: int
    jobs: tuple[str, ...]


class OrderRows(Struct, frozen=True, kw_only=True):
    """Orders, the oldest first. `next`: what to give as `after` for the rows that follow ("": there are none)."""

    orders: tuple[OrderRow, ...]
    next: str = ""


class OrderTold(Struct, frozen=True, kw_only=True):
    """One order. `documents`: by name, when each runs out (None: no end is known). Instants: UTC µs, 0 or None: none."""

    row: OrderRow
    sha256: str
    serials: tuple[str, ...]
    arrived: tuple[str, ...]
    documents: dict[str, int | None]
    silence: str
    accepted_by: tuple[str, ...]
    delivery_due: int | None
    delivered_at: int


class JobRow(Struct, frozen=True, kw_only=True):
    """A job in a list. `status`: running, complete, split, terminated or accepted (this area is done with it)."""

    order: str
    job: str
    client: str
    node: str
    technique: str
    version: str
    status: str
    parts: int
    done: int
    ops: int
    failed: str = ""
    open_ncrs: tuple[str, ...] = ()


class JobRows(Struct, frozen=True, kw_only=True):
    """Jobs, the oldest first. `next`: what to give as `after` for the rows that follow ("": there are none)."""

    jobs: tuple[JobRow, ...]
    next: str = ""


class Value(Struct, frozen=True, kw_only=True):
    """The last reading of one characteristic (of one serial). `at`: UTC µs. `count`: how often it was read."""

    name: str
    value: str
    conforms: bool
    at: int
    count: int


class OpTold(Struct, frozen=True, kw_only=True):
    """One op. `stands`: done, open or later. Instants: UTC µs (0: not yet)."""

    id: str
    name: str
    stands: str
    result: str = ""
    performer: str = ""
    signers: tuple[str, ...] = ()
    started_at: int = 0
    signed_at: int = 0
    equipment: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    readings: tuple[Value, ...] = ()


class JobTold(Struct, frozen=True, kw_only=True):
    """One job. `accepted_by`: of a job that this area is done with. `reference`: the contract version's SHA-256."""

    row: JobRow
    reference: str = ""
    serials: tuple[str, ...] = ()
    ops: tuple[OpTold, ...] = ()
    qa_by: str = ""
    compliance_by: str = ""
    report: str = ""
    accepted_by: str = ""


class Line(Struct, frozen=True, kw_only=True):
    """One line of a timeline. `entry`: where it stands (`SITE:seq`); `seq`: the own entry that holds it; `at`: UTC µs."""

    entry: str
    seq: int
    at: int
    site: str
    act: str
    by: tuple[str, ...]
    verdict: str
    says: tuple[str, ...]


class Lines(Struct, frozen=True, kw_only=True):
    """A stretch of a timeline, in order. `next`: what to give as `after` for the rest (-1: there is none)."""

    lines: tuple[Line, ...]
    next: int = -1


class Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which orders: after that one, at most so many, of that status."""

    after: Key = ""
    limit: Limit = LIMIT
    status: Word = ""


class ListedJobs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which jobs: after that one (`order/job`), at most so many, of that order."""

    after: Key = ""
    limit: Limit = LIMIT
    order: IdOrNothing = ""


class ByJob(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job of an order."""

    order: Id
    job: Id


class ByTimeline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of an order's timeline: from place `after` + 1 on, of one job where it is named."""

    order: Id
    job: IdOrNothing = ""
    after: Place = -1
    limit: Limit = ROWS_ASKED_MAX


class BySeq(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry; `inside`: among those of another site that it took in (-1: itself)."""

    seq: Seq
    inside: Place = -1


def paged(keys: Iterable[str], after: str, limit: int, wanted: Callable[[str], T | None]) -> tuple[list[T], str]:
    """A page of rows in order.

    Args:
        keys: of everything there is, in order.
        after: the last key of the page before ("": from the first on).
        limit: rows at most.
        wanted: the row of a key; None where it is left out.

    Returns:
        The rows, and the last one's key where more may follow ("": the end).
    """
    found: list[T] = []
    last, begun = "", not after
    for key in keys:
        if not begun:
            begun = key == after
            continue
        row = wanted(key)
        if row is None:
            continue
        if len(found) == limit:
            return found, last
        found.append(row)
        last = key
    return found, ""


def order_row(order: Order) -> OrderRow:
    """An order as a row."""
    return OrderRow(
        id=order.id,
        status=order.status,
        client=order.client,
        contract=order.contract,
        version=order.version,
        node=order.node,
        part_no=order.part_no,
        rev=order.rev,
        parts=len(order.serials),
        arrived=len(order.arrived),
        staged_at=order.staged_at,
        jobs=tuple(key.partition("/")[2] for key in order.jobs),
    )


def job_row(face: Face, job: Job) -> JobRow:
    """A job as a row."""
    technique = face.library.technique(job.technique)
    return JobRow(
        order=job.order,
        job=job.id,
        client=job.client,
        node=job.node,
        technique="" if technique is None else technique.id,
        version=job.version,
        status=job.status,
        parts=len(job.serials),
        done=sum(attempt is not None and attempt.done for attempt in job.attempts),
        ops=len(job.attempts),
        failed=job.failed,
        open_ncrs=tuple(ncr.id for ncr in open_ncrs(job)),
    )


def op_rows(technique: Technique | None, job: Job) -> Iterator[OpTold]:
    """The ops of a job in order."""
    for operation, attempt in zip(() if technique is None else technique.operations, job.attempts, strict=False):
        if attempt is None:
            yield OpTold(id=operation.id, name=operation.name, stands="later")
            continue
        yield OpTold(
            id=operation.id,
            name=operation.name,
            stands="done" if attempt.done else "open",
            result=attempt.result,
            performer=attempt.performer,
            signers=attempt.signers,
            started_at=attempt.started_at,
            signed_at=attempt.signed_at,
            equipment=attempt.equipment,
            instruments=attempt.instruments,
            materials=attempt.materials,
            readings=tuple(
                Value(name=name, value=last.value, conforms=last.conforms, at=last.at, count=last.count)
                for name, last in attempt.last.items()
            ),
        )


class Looking:
    """Orders, jobs, timelines and entries of one site."""

    def orders(self, call: Call) -> OrderRows:
        """The orders that the asker sees."""
        every, asker, status = call.face.state.orders, call.asker, call.asks.status

        def row(key: str) -> OrderRow | None:
            order = every[key]
            return order_row(order) if (not status or order.status == status) and asker.sees(order) else None

        found, following = paged(every, call.asks.after, call.asks.limit, row)
        return OrderRows(orders=tuple(found), next=following)

    def order(self, call: Call) -> OrderTold | Problem:
        """One order."""
        found = order_of(call.face, call.asker, call.asks.order)
        if isinstance(found, Problem):
            return found
        return OrderTold(
            row=order_row(found),
            sha256=found.sha256,
            serials=found.serials,
            arrived=found.arrived,
            documents=found.documents,
            silence=found.silence,
            accepted_by=tuple(f"{said.by} ({said.org})" for said in found.acceptances),
            delivery_due=found.delivery_due,
            delivered_at=found.delivered_at,
        )

    def jobs(self, call: Call) -> JobRows:
        """The jobs on orders that the asker sees."""
        state, asker, only = call.face.state, call.asker, call.asks.order

        def row(key: str) -> JobRow | None:
            job = state.jobs[key]
            order = state.orders.get(job.order)
            shown = order is not None and asker.sees(order) and (not only or job.order == only)
            return job_row(call.face, job) if shown else None

        found, following = paged(state.jobs, call.asks.after, call.asks.limit, row)
        return JobRows(jobs=tuple(found), next=following)

    def job(self, call: Call) -> JobTold | Problem:
        """One job with its ops and last readings."""
        found = job_of(call.face, call.asker, call.asks.order, call.asks.job)
        if isinstance(found, Problem):
            return found
        order, job = found
        if job is None:
            return _closed(call.face, order, call.asks.job)
        return JobTold(
            row=job_row(call.face, job),
            reference=job.sha256,
            serials=job.serials,
            ops=tuple(op_rows(call.face.library.technique(job.technique), job)),
            qa_by=job.qa_by,
            compliance_by=job.compliance_by,
            report=job.report,
        )

    def timeline(self, call: Call) -> Lines | Problem:
        """What the record says of an order, in order, refusals too."""
        found = order_of(call.face, call.asker, call.asks.order)
        if isinstance(found, Problem):
            return found
        places = call.face.chronicle_of(found.id)
        first, limit = max(call.asks.after + 1, 0), call.asks.limit
        lines = tuple(_line(told) for told in tell(call.face.record(), places[first : first + limit], call.asks.job))
        return Lines(lines=lines, next=first + limit - 1 if first + limit < len(places) else -1)

    def entry(self, call: Call) -> Why | Problem:
        """Why an entry says what it says: who asked, what was checked, on which facts it rests."""
        found = said_at(call.face, call.asker, call.asks.seq, call.asks.inside)
        if isinstance(found, Problem):
            return found
        record = call.face.record()
        return why(record, call.asks.seq) if call.asks.inside < 0 else why_taken(record, found)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation("GET", "/api/orders", "Orders", self.orders, OrderRows, Listed, who=person),
            Operation("GET", "/api/orders/{order}", "An order", self.order, OrderTold, ByOrder, who=person),
            Operation(
                "GET",
                "/api/orders/{order}/timeline",
                "What happened to an order",
                self.timeline,
                Lines,
                ByTimeline,
                who=person,
            ),
            Operation("GET", "/api/jobs", "Jobs", self.jobs, JobRows, ListedJobs, who=person),
            Operation("GET", "/api/jobs/{order}/{job}", "A job", self.job, JobTold, ByJob, who=person),
            Operation("GET", "/api/entries/{seq}", "Why an entry says so", self.entry, Why, BySeq, who=person),
        )


def _closed(face: Face, order: Order, job: str) -> JobTold:
    """A job that this area is done with: QA accepted it; the rest is in the record."""
    closed = face.state.closed[f"{order.id}/{job}"]
    row = JobRow(
        order=order.id,
        job=job,
        client=order.client,
        node=order.node,
        technique="",
        version=order.version,
        status="accepted",
        parts=0,
        done=0,
        ops=0,
    )
    return JobTold(row=row, report=closed.report, accepted_by=closed.by)


def _line(told: Told) -> Line:
    return Line(
        entry=told.entry,
        seq=told.seq,
        at=told.at,
        site=told.site,
        act=told.act,
        by=told.by,
        verdict=told.verdict,
        says=told.says,
    )

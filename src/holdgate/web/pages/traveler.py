"""Traveler: the technician's screen. The job's ops in order, the next one with its data entry, every other one with its reason."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.law.state import OVER, Attempt, Job, Order, State, open_ncrs
from holdgate.law.technique import Measure, Operation, Technique
from holdgate.query.calls import Called
from holdgate.terms.instant import SECOND_US
from holdgate.web.page import Page, View
from holdgate.web.problem import Problem, missing
from holdgate.web.spoken import YES_NO, thing
from holdgate.web.wish import Choices, Wish, with_asks

ROLES: Final = ("technician", "operator", "level3", "qa", "project_manager", "workstation")
SHOWN: Final = 50
"""Rows of a list that are shown; of the rest the number."""
_OF_OP: Final = ("step.start", "reading.record", "step.sign", "help.call")
WHY_CALLED: Final = (
    "I am not sure about an indication",
    "I am not sure about a limit or an instruction",
    "Equipment or material is not right",
    "Something unexpected happened",
    "Please come and look",
)
"""What a technician mostly calls Level III for; anything else is written."""
CALLS_SHOWN: Final = 3


class Cell(Struct, frozen=True, kw_only=True):
    """One characteristic (of one part). `value`: as last recorded ("": not yet); `wish`: how to record it."""

    name: str
    serial: str
    unit: str
    limits: str
    value: str
    conforms: bool
    wish: Wish | None


class Op(Struct, frozen=True, kw_only=True):
    """One op. `stands`: done, open, next, later. `until`: when its window opens (UTC µs; 0: no matter of time)."""

    id: str
    name: str
    number: int
    stands: str
    result: str
    by: str
    signed_at: int
    started_at: int
    equipment: tuple[str, ...]
    materials: tuple[str, ...]
    cells: tuple[Cell, ...]
    start: Wish | None
    signs: tuple[Wish, ...]
    opens_at: int
    precheck: bool


class JobLine(Struct, frozen=True, kw_only=True):
    """A job in the list. `called`: the newest call for Level III."""

    key: str
    order: str
    job: str
    part: str
    client: str
    parts: int
    done: int
    ops: int
    next: str
    stands: str
    called: Called | None


class Jobs(Struct, frozen=True, kw_only=True):
    """The list: the jobs here, the newest first, and the orders with parts that are in no job; of more, the numbers."""

    jobs: tuple[JobLine, ...]
    more: int
    starts: tuple[Wish, ...]
    more_starts: int


class JobCard(Struct, frozen=True, kw_only=True):
    """One job: its ops, what else could be done, its red tags.

    `help`: how to call Level III, by a reason of the list and in own words; `calls`: who called before, the newest first.
    """

    key: str
    job: Job
    order: Order
    technique: str
    version: str
    ops: tuple[Op, ...]
    now: Op | None
    beside: tuple[Wish, ...]
    red_tags: tuple[str, ...]
    help: tuple[Wish, ...]
    calls: tuple[Called, ...]


def jobs(view: View) -> Jobs:
    """The list of this area's work."""
    state = view.face.state
    running = sorted(state.jobs.items(), key=lambda item: (-item[1].started_at, item[0]))
    waiting = [
        order for order in state.orders.values() if set(order.arrived) - set(order.settled) - _busy(state, order)
    ]
    starts = (wish for order in waiting[:SHOWN] for wish in view.wishes(order.id) if wish.act == "job.start")
    return Jobs(
        jobs=tuple(_line(view, key, job) for key, job in running[:SHOWN]),
        more=max(len(running) - SHOWN, 0),
        starts=tuple(starts),
        more_starts=max(len(waiting) - SHOWN, 0),
    )


def _busy(state: State, order: Order) -> set[str]:
    """The parts of an order that are in a job."""
    jobs = (state.jobs.get(key) for key in order.jobs)
    return {serial for job in jobs if job is not None and job.status not in OVER for serial in job.serials}


def _line(view: View, key: str, job: Job) -> JobLine:
    technique = view.face.library.technique(job.technique)
    order = view.face.state.orders.get(job.order)
    ops = () if technique is None else technique.operations
    ahead = next(
        (op for op, attempt in zip(ops, job.attempts, strict=False) if attempt is None or not attempt.done), None
    )
    red = bool(open_ncrs(job))
    return JobLine(
        key=key,
        order=job.order,
        job=job.id,
        part="" if order is None else f"{order.part_no} rev {order.rev}",
        client=job.client,
        parts=len(job.serials),
        done=sum(attempt is not None and attempt.done for attempt in job.attempts),
        ops=len(ops),
        next="" if ahead is None else ahead.name,
        called=next(iter(view.face.calls().of(key)), None),
        stands="red tag" if red else (job.failed and "failed") or ("complete" if ahead is None else job.status),
    )


def job_card(view: View) -> JobCard | Problem:
    """One job's traveler."""
    key = f"{view.path['order']}/{view.path['job']}"
    state = view.face.state
    job, order = state.jobs.get(key), state.orders.get(view.path["order"])
    technique = None if job is None else view.face.library.technique(job.technique)
    if job is None or order is None or technique is None:
        return missing(f"{key} is not on this area's list: QA may have accepted it, or it is another area's")
    wishes = view.wishes(key)
    ops = tuple(_ops(job, technique, wishes))
    ahead = next((op for op in ops if op.stands in ("open", "next")), None)
    return JobCard(
        key=key,
        job=job,
        order=order,
        technique=technique.id,
        version=job.version,
        ops=ops,
        now=ahead,
        beside=tuple(w for w in wishes if w.act not in _OF_OP and w.group == "allowed"),
        red_tags=tuple(ncr.id for ncr in open_ncrs(job)),
        help=tuple(_help(wishes)),
        calls=view.face.calls().of(key)[:CALLS_SHOWN],
    )


def _help(wishes: list[Wish]) -> Iterator[Wish]:
    """The call for Level III twice: with a reason of the list, and with one's own words."""
    for wish in [one for one in wishes if one.act == "help.call" and one.allowed][:1]:
        yield with_asks(wish, reason=Choices(tuple((why, why) for why in WHY_CALLED), WHY_CALLED[0]))
        yield wish


def _ops(job: Job, technique: Technique, wishes: list[Wish]) -> Iterator[Op]:
    reached = False
    for operation, attempt in zip(technique.operations, job.attempts, strict=True):
        mine = [wish for wish in wishes if wish.fields.get("step") == operation.id]
        stands = "done" if attempt is not None and attempt.done else "open" if attempt is not None else "later"
        if stands == "later" and not reached:
            stands = "next"
        reached = reached or stands in ("open", "next")
        yield _op(job, operation, attempt, mine, stands)


def _op(job: Job, operation: Operation, attempt: Attempt | None, wishes: list[Wish], stands: str) -> Op:
    measures = operation.measures.values()
    wanted = [(m, serial) for m in measures for serial in (job.serials if m.per_serial else ("",))]
    start = next((w for w in wishes if w.act == "step.start" and "deviation" not in w.fields), None)
    return Op(
        id=operation.id,
        name=operation.name,
        number=(operation.position + 1) * 10,
        stands=stands,
        result="" if attempt is None else attempt.result,
        by="" if attempt is None else ", ".join(attempt.signers) or attempt.performer,
        signed_at=0 if attempt is None else attempt.signed_at,
        started_at=0 if attempt is None else attempt.started_at,
        equipment=operation.equipment_classes if attempt is None else attempt.equipment,
        materials=operation.material_kinds if attempt is None else attempt.materials,
        cells=tuple(_cell(m, serial, attempt, wishes) for m, serial in wanted),
        start=start,
        signs=tuple(w for w in wishes if w.act == "step.sign"),
        opens_at=_opens_at(job, operation),
        precheck=operation.precheck,
    )


def _opens_at(job: Job, operation: Operation) -> int:
    """When the shortest time since an earlier op is over."""
    if operation.dwell is None:
        return 0
    since = job.attempts[operation.dwell.since]
    done = 0 if since is None else since.completed_at
    return done + operation.dwell.low_us + SECOND_US if done else 0


def _cell(measure: Measure, serial: str, attempt: Attempt | None, wishes: list[Wish]) -> Cell:
    key = f"{measure.id}/{serial}" if serial else measure.id
    last = None if attempt is None else attempt.last.get(key)
    wish = next(
        (
            w
            for w in wishes
            if w.act == "reading.record"
            and w.fields.get("characteristic") == measure.id
            and w.fields.get("serial", "") == serial
        ),
        None,
    )
    return Cell(
        name=thing(measure.id),
        serial=serial,
        unit=measure.unit,
        limits=measure.show_limits(),
        value="" if last is None else last.value,
        conforms=last is None or last.conforms,
        wish=_yes_or_no(wish) if measure.unit == YES_NO else wish,
    )


def _yes_or_no(wish: Wish | None) -> Wish | None:
    """The wish to record what is so or is not; nobody has to know how it is written."""
    return None if wish is None else with_asks(wish, value=Choices((("1", "yes"), ("0", "no"))))


TRAVELER: Final = Page(
    name="traveler",
    title="Traveler",
    kinds=("node",),
    roles=ROLES,
    model=jobs,
    below=(("/{order}/{job}", "traveler_job", job_card),),
    gloves=True,
)

"""Recall: what an instrument, a batch, a person or a contract version touched, and who has to be told.

The question of SMART-Gatekeeper (an instrument was found out of tolerance), SMART-Inventory (a batch is recalled),
SMART-TokenAccessLayer (a qualification should not have been held) and SMART-Maintenance: by interval, which jobs, steps and
readings, which of their reports went out, to which clients. Sub-lots inherit what touched the job that they were split from.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from holdgate.query.shelf import Shelf, Span, Touch
from holdgate.query.uses import ORDER, READING, RECORDED, REPORT, STEP, VERSION, Note, Use
from holdgate.query.words import moment
from holdgate.terms.errors import Malformed

ALWAYS: Final = (0, 2**53 - 1)
"""The longest interval."""


class Source(NamedTuple):
    """A shelf, and whose of its entries count (None: all of them). No entry may be counted by two sources."""

    shelf: Shelf
    site: str | None = None


class TouchedReport(Struct, frozen=True, kw_only=True):
    """A report on a job that was touched. `status`: issued, approved, rejected, lapsed or replaced."""

    report: str
    job: str
    status: str
    issued_at: str
    entry: str


class TouchedJob(Struct, frozen=True, kw_only=True):
    """A job that was touched.

    `first`, `last`: of the touches inside the interval; `going_on`: one of them has not ended. `steps`: by their ids.
    `readings`: how many were taken with the instrument, or by the person; `in_steps`: how many were
    recorded at the steps that were touched. `acts`: what else was signed
    on the job, with how often. `through`: the job that it was split from and inherits the touch of. `state`: running, in
    quality review, closed or terminated, as far as this record knows.
    """

    order: str
    job: str
    client: str
    node: str
    version: str
    serials: tuple[str, ...]
    first: str
    last: str
    going_on: bool
    steps: tuple[str, ...]
    readings: int
    in_steps: int
    acts: dict[str, int]
    state: str
    through: str = ""
    open_ncrs: tuple[str, ...] = ()
    reports: tuple[TouchedReport, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """A client who has to be told: orders, and the reports that went out to them."""

    client: str
    orders: tuple[str, ...]
    reports: tuple[str, ...]


class Recall(Struct, frozen=True, kw_only=True):
    """Everything that was touched. `besides`: acts that belong to no job, with how often. `uses`: each, where asked for."""

    kind: str
    key: str
    since: str
    until: str
    jobs: tuple[TouchedJob, ...]
    clients: tuple[Told, ...]
    orders: tuple[str, ...]
    besides: dict[str, int]
    uses: tuple[Use, ...] = ()


def contract_key(sources: Sequence[Source], contract: str, version: str) -> str:
    """The SHA-256 of a contract version.

    Raises:
        Malformed: the record knows no such version.
    """
    span = Span(VERSION, f"{contract}/{version}", *ALWAYS)
    for source in sources:
        for use in source.shelf.uses(span, source.site):
            return use.detail
    raise Malformed(f"the record knows no contract {contract[:80]} version {version[:80]}")


def recall(sources: Sequence[Source], span: Span, *, each: bool = False) -> Recall:
    """What was touched in a span.

    Args:
        sources: shelves that are up to date; no entry is counted by two of them.
        span: what, and when (UTC µs, both ends inclusive).
        each: also list every use.
    """
    touches = [touch for source in sources for touch in source.shelf.touches(span, source.site)]
    touches.sort(key=lambda touch: (touch.first, touch.order, touch.job, touch.what))
    orders = tuple(dict.fromkeys(touch.order for touch in touches if touch.order))
    history = _History(sources, orders)
    jobs = [*_jobs(touches, history)]
    return Recall(
        kind=span.kind,
        key=span.key,
        since=moment(span.since) if span.since > ALWAYS[0] else "",
        until=moment(span.until) if span.until < ALWAYS[1] else "",
        jobs=tuple(jobs),
        clients=tuple(_clients(jobs, orders, history)),
        orders=orders,
        besides=_counted(touch for touch in touches if not touch.job),
        uses=tuple(_every(sources, span)) if each else (),
    )


def _every(sources: Sequence[Source], span: Span) -> list[Use]:
    found = [use for source in sources for use in source.shelf.uses(span, source.site)]
    return sorted(found, key=lambda use: (use.since, use.site, use.seq))


class _History:
    """What became of the orders that were touched, of their jobs and reports."""

    def __init__(self, sources: Sequence[Source], orders: Sequence[str]) -> None:
        self.client: dict[str, str] = {}
        self.started: dict[tuple[str, str], Note] = {}
        self.lots: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
        self.parent: dict[tuple[str, str], str] = {}
        self.ncrs: dict[tuple[str, str], dict[str, None]] = {}
        self.words: dict[tuple[str, str], dict[str, None]] = {}
        self.issued: dict[tuple[str, str], list[Note]] = {}
        for source in sources:
            for note in source.shelf.notes(ORDER, orders, source.site):
                self._take(note, dict(note.detail))
        names = [dict(note.detail)["report"] for notes in self.issued.values() for note in notes]
        self.status: dict[str, str] = {}
        for source in sources:
            for note in source.shelf.notes(REPORT, names, source.site):
                self.status[note.key] = note.what

    def _take(self, note: Note, detail: dict[str, str]) -> None:
        job = (note.key, note.job)
        if note.what in ("staged", "received"):
            self.client.setdefault(note.key, detail.get("client", ""))
        elif note.what == "job":
            self.started.setdefault(job, note)
        elif note.what == "split":
            lots = [tuple(lot.split()) for lot in detail["serials"].split("|")]
            self.lots[job] = [*zip(detail["jobs"].split(), lots, strict=False)]
            self.parent.update({(note.key, lot): note.job for lot, _ in self.lots[job]})
            self.words.setdefault(job, {})["split"] = None
        elif note.what in ("ncr", "flagged"):
            self.ncrs.setdefault(job, {})[detail["ncr"]] = None
        elif note.what == "disposed":
            self.ncrs.get(job, {}).pop(detail["ncr"], None)
        elif note.what == "report":
            self.issued.setdefault(job, []).append(note)
        else:
            self.words.setdefault(job, {})[note.what] = None

    def first(self, order: str, job: str) -> tuple[Note | None, tuple[str, ...]]:
        """The start that a job goes back to, and its own serials."""
        serials: tuple[str, ...] | None = None
        while (order, job) not in self.started and (order, job) in self.parent:
            parent = self.parent[order, job]
            if serials is None:
                serials = next((lot for name, lot in self.lots[order, parent] if name == job), ())
            job = parent
        note = self.started.get((order, job))
        if serials is None:
            serials = () if note is None else tuple(dict(note.detail).get("serials", "").split())
        return note, serials

    def depth(self, key: tuple[str, str]) -> int:
        """How many splits lie above a job."""
        order, job = key
        above = 0
        while (order, job) in self.parent:
            job, above = self.parent[order, job], above + 1
        return above

    def state(self, order: str, job: str) -> str:
        """How far a job is."""
        words = self.words.get((order, job), {})
        for word, state in _STATES:
            if word in words:
                return state
        return "running"

    def reports(self, order: str, job: str) -> tuple[TouchedReport, ...]:
        """The reports on a job, each with its status."""
        notes = self.issued.get((order, job), [])
        replaced = [dict(note.detail).get("replaces") for note in notes]
        return tuple(
            TouchedReport(
                report=(name := dict(note.detail)["report"]),
                job=job,
                status="replaced" if name in replaced else self.status.get(name, "issued"),
                issued_at=moment(note.at),
                entry=f"{note.site}:{note.seq}",
            )
            for note in notes
        )


_STATES: Final = (
    ("terminated", "terminated"),
    ("split", "split into sub-lots"),
    ("compliance", "accepted by compliance"),
    ("qa", "accepted by QA"),
    ("failed", "failed"),
)
"""The last word on a job, the most final one first."""


def _jobs(touches: Iterable[Touch], history: _History) -> Iterator[TouchedJob]:
    by_job: dict[tuple[str, str], list[Touch]] = {}
    for touch in touches:
        if touch.job:
            by_job.setdefault((touch.order, touch.job), []).append(touch)
    done: dict[tuple[str, str], None] = {}
    for key in sorted(by_job, key=history.depth):
        yield from _with_lots(key, [], "", history, by_job, done)


def _with_lots(
    key: tuple[str, str],
    inherited: list[Touch],
    through: str,
    history: _History,
    by_job: dict[tuple[str, str], list[Touch]],
    done: dict[tuple[str, str], None],
) -> Iterator[TouchedJob]:
    """A job, then the sub-lots that inherit what touched it; each job once."""
    if key in done:
        return
    done[key] = None
    touches = [*inherited, *by_job.get(key, [])]
    yield _job(key, touches, through, history)
    for lot, _ in history.lots.get(key, []):
        yield from _with_lots((key[0], lot), touches, key[1], history, by_job, done)


def _job(key: tuple[str, str], touches: list[Touch], through: str, history: _History) -> TouchedJob:
    order, job = key
    note, serials = history.first(order, job)
    detail = {} if note is None else dict(note.detail)
    return TouchedJob(
        order=order,
        job=job,
        client=history.client.get(order, ""),
        node="" if note is None else note.site,
        version=detail.get("version", ""),
        serials=serials,
        first=moment(min(touch.first for touch in touches)),
        last=moment(max(touch.last for touch in touches)),
        going_on=any(touch.going_on for touch in touches),
        steps=tuple(sorted({step for touch in touches for step in touch.steps})),
        readings=sum(touch.times for touch in touches if touch.what in (READING, *RECORDED)),
        in_steps=sum(touch.readings for touch in touches),
        acts=_counted(touch for touch in touches if touch.what not in (READING, STEP)),
        state=history.state(order, job),
        through=through,
        open_ncrs=tuple(history.ncrs.get(key, ())),
        reports=history.reports(order, job),
    )


def _counted(touches: Iterable[Touch]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for touch in touches:
        counts[touch.what] = counts.get(touch.what, 0) + touch.times
    return counts


def _clients(jobs: list[TouchedJob], orders: Sequence[str], history: _History) -> Iterator[Told]:
    """Whom to tell: every client of an order that was touched, with the reports on touched jobs."""
    by_client: dict[str, list[str]] = {}
    for order in orders:
        by_client.setdefault(history.client.get(order, ""), []).append(order)
    for client in sorted(by_client):
        reports = [report.report for job in jobs if job.client == client for report in job.reports]
        yield Told(client=client, orders=tuple(by_client[client]), reports=tuple(reports))

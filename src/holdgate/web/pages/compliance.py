"""Compliance: records to accept, documents to verify and when they run out, what stands open, stop-work, and whether copies agree."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.state import OVER, ContractRecord, Job, Order, State
from holdgate.query.due import DAY_US, is_open
from holdgate.query.standing import FAILURE, NONCONFORMANCE, STOP_WORK, Open, standing
from holdgate.web.hub import not_yet
from holdgate.web.page import Page, View
from holdgate.web.paging import Pager, paged
from holdgate.web.pages.qa import sheet
from holdgate.web.wish import Wish, with_asks

ROLES: Final = ("compliance",)
AHEAD_DAYS: Final = 30
"""How far ahead documents that run out are named."""
SHORT: Final = 12
"""Rows of a short list."""


class ToAccept(Struct, frozen=True, kw_only=True):
    """A job that QA accepted. `why`: why Compliance cannot sign yet ("": it can)."""

    key: str
    client: str
    by: str
    at: int
    wish: Wish | None
    why: str


class Paper(Struct, frozen=True, kw_only=True):
    """A document of an open order. `stands`: missing, run out, runs out, not verified. `until`: its last instant (UTC µs; 0: none)."""

    order: str
    client: str
    document: str
    stands: str
    until: int
    wish: Wish | None


class Version(Struct, frozen=True, kw_only=True):
    """A contract version in force, or stopped. `wish`: stop work, or end the stop-work."""

    contract: str
    version: str
    suspended: bool
    wish: Wish | None


class Broken(Struct, frozen=True, kw_only=True):
    """A stretch of a series that does not count as good. `until` 0: it goes on."""

    series: str
    kind: str
    since: int
    until: int


class Copy(Struct, frozen=True, kw_only=True):
    """How the read-only copy stands to this record. `reconciled`: it confirmed the record since the start; `behind`: entries."""

    reconciled: bool
    confirmed_at: int
    behind: int
    vaults: tuple[tuple[str, bool, int], ...]


class Desk(Struct, frozen=True, kw_only=True):
    """Everything that Compliance looks after."""

    accept: tuple[ToAccept, ...]
    pager: Pager
    papers: tuple[Paper, ...]
    more_papers: int
    open: tuple[Open, ...]
    more_open: int
    versions: tuple[Version, ...]
    breaks: tuple[Broken, ...]
    copy: Copy


def desk(view: View) -> Desk:
    """What Compliance has to see now."""
    state = view.face.state
    jobs = [job for job in state.jobs.values() if job.qa_by and not job.compliance_by and job.status not in OVER]
    jobs.sort(key=lambda job: (job.last_done_at, job.order, job.id))
    rows, pager = paged(jobs, view.query)
    papers = [*_papers(view)]
    papers.sort(key=lambda row: (_URGENCY.index(row[2]), row[3] or 1 << 62, row[0].id, row[1]))
    found = [item for item in standing(state, view.face.library) if item.kind in (NONCONFORMANCE, FAILURE, STOP_WORK)]
    return Desk(
        accept=tuple(_to_accept(view, job) for job in rows),
        pager=pager,
        papers=tuple(_paper(view, *row) for row in papers[:SHORT]),
        more_papers=max(len(papers) - SHORT, 0),
        open=tuple(found[:SHORT]),
        more_open=max(len(found) - SHORT, 0),
        versions=tuple(_version(view, record) for record in state.contracts.values() if _works(record)),
        breaks=tuple(_breaks(state))[:SHORT],
        copy=_copy(view),
    )


def _to_accept(view: View, job: Job) -> ToAccept:
    wish = view.offer(c.SignCompliance, {"order": job.order, "job": job.id})
    return ToAccept(
        key=f"{job.order}/{job.id}",
        client=job.client,
        by=view.who(job.qa_by),
        at=view.face.kept(("at", str(job.ref)), 0, lambda: view.face.at(job.ref)),
        wish=wish,
        why=not_yet(wish),
    )


# ---- documents -----------------------------------------------------------------------------------------------------

MISSING: Final = "missing"
RUN_OUT: Final = "run out"
RUNS_OUT: Final = "runs out"
UNVERIFIED: Final = "not verified"
_URGENCY: Final = (MISSING, RUN_OUT, RUNS_OUT, UNVERIFIED)


def _papers(view: View) -> Iterator[tuple[Order, str, str, int]]:
    """Documents of open orders that somebody has to see to: (order, document, how it stands, its last instant)."""
    state, library, now = view.face.state, view.face.library, view.asker.now
    for order in state.orders.values():
        if not is_open(state, order):
            continue
        template = library.template(order.sha256)
        verified = state.verified.get(order.id, {})
        needed = () if template is None else template.documents
        for name in dict.fromkeys((*needed, *order.documents)):
            stands, until = _stands(order, verified, name, now)
            if stands:
                yield order, name, stands, until


def _stands(order: Order, verified: dict[str, int | None], name: str, now: int) -> tuple[str, int]:
    if name not in order.documents:
        return MISSING, 0
    until = order.documents[name] or 0
    if until and until < now:
        return RUN_OUT, until
    if until and until < now + AHEAD_DAYS * DAY_US:
        return RUNS_OUT, until
    return ("" if name in verified else UNVERIFIED), until


def _paper(view: View, order: Order, name: str, stands: str, until: int) -> Paper:
    fields = {"order": order.id, "document": name, "digest": digest(STAND_IN.encode()), "until": None}
    wish = view.offer(c.VerifyDocument, fields, ("digest", "until"))
    if wish is not None:
        wish = with_asks(wish, digest=None)  # what stood in for it
    return Paper(order=order.id, client=order.client, document=name, stands=stands, until=until, wish=wish)


# ---- contracts, environment, copies --------------------------------------------------------------------------------


def _works(record: ContractRecord) -> bool:
    return record.suspended or record.status == "active"


def _version(view: View, record: ContractRecord) -> Version:
    act = c.ResumeContract if record.suspended else c.SuspendContract
    fields = {"contract": record.contract, "version": record.version, "reason": STAND_IN}
    return Version(
        contract=record.contract,
        version=record.version,
        suspended=record.suspended,
        wish=view.offer(act, fields, ("reason",)),
    )


def _breaks(state: State) -> list[Broken]:
    """Breaks of the environment: those that go on first, then the newest."""
    found = [
        Broken(series=name, kind=stretch.kind, since=stretch.since, until=stretch.until or 0)
        for name, series in state.series.items()
        for breaks in series.breaks.values()
        for stretch in breaks
    ]
    return sorted(found, key=lambda item: (bool(item.until), -item.since, item.series))


def _copy(view: View) -> Copy:
    face = view.face
    state, (size, at) = face.state, face.site.cosigned
    vaults = [seat.id for seat in state.charter.sites if seat.kind == "vault"]
    links = (state.contacts.get(vault) for vault in vaults)
    return Copy(
        reconciled=face.site.reconciled,
        confirmed_at=at or state.witnessed_at,
        behind=max(face.size - max(size, state.witnessed_size), 0),
        vaults=tuple(
            (vault, link is not None and link.up, 0 if link is None else link.since)
            for vault, link in zip(vaults, links, strict=True)
        ),
    )


COMPLIANCE: Final = Page(
    name="compliance",
    title="Compliance",
    kinds=("business_hub",),
    roles=ROLES,
    model=desk,
    below=(("/{order}/{job}", "qa_job", sheet),),
)

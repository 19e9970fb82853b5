"""Compliance: records to accept, documents to verify, what stands open, stop-work, and whether the read-only copy agrees."""

from collections.abc import Iterable
from heapq import nsmallest
from itertools import chain, islice
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.state import ContractRecord, Job, State
from holdgate.query.due import DAY_US
from holdgate.query.standing import Open, stopped, troubles
from holdgate.web.hub import not_yet
from holdgate.web.order_index import OrderRow
from holdgate.web.page import Page, View
from holdgate.web.pages.qa import sheet
from holdgate.web.paging import Pager, paged
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
    """A document of an open order. `stands`: missing, run out, runs out, not verified. `until`: its last instant (0: none)."""

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
    state, index = view.face.state, view.face.orders.rows().values()
    jobs = sorted((row.done_at, key) for row in index if row.at_compliance for key in row.at_compliance)
    rows, pager = paged(jobs, view.query)
    papers, all_papers = _first_papers(view, index)
    troubled = [row for row in index if row.standing]
    every = chain(stopped(state), *(troubles(state, view.face.library, row.id) for row in troubled[:SHORT]))
    found = tuple(islice(every, SHORT))
    return Desk(
        accept=tuple(_to_accept(view, state.jobs[key]) for _, key in rows),
        pager=pager,
        papers=tuple(_paper(view, *paper) for paper in papers),
        more_papers=all_papers - len(papers),
        open=found,
        more_open=max(sum(row.standing for row in troubled) + len([*stopped(state)]) - len(found), 0),
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


def _first_papers(view: View, index: Iterable[OrderRow]) -> tuple[list[tuple[str, str, str, int]], int]:
    """The most urgent documents of open orders, and how many there are in all.

    A document: (order, name, how it stands, its last instant).
    """
    found = [
        (_URGENCY.index(stands), until or _NEVER, row.id, name)
        for row in index
        for name, until, here, verified in row.papers
        if (stands := _stands(until, view.asker.now, here=here, verified=verified))
    ]
    first = nsmallest(SHORT, found)
    return [(order, name, _URGENCY[rank], until if until < _NEVER else 0) for rank, until, order, name in first], len(
        found
    )


_NEVER: Final = 1 << 62


def _stands(until: int, now: int, *, here: bool, verified: bool) -> str:
    if not here:
        return MISSING
    if until and until < now:
        return RUN_OUT
    if until and until < now + AHEAD_DAYS * DAY_US:
        return RUNS_OUT
    return "" if verified else UNVERIFIED


def _paper(view: View, order_id: str, name: str, stands: str, until: int) -> Paper:
    order = view.face.state.orders[order_id]
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

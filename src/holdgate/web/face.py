"""Face: one deciding site as pages and API see it. Questions are answered from its state and record; acts go to its spine."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final, Protocol, TypeVar

from holdgate.engine.answer import Answer, Sealed
from holdgate.engine.ports import Store
from holdgate.engine.source import StoreRecord
from holdgate.handoff.figures import Figure
from holdgate.identity.charter import Settings
from holdgate.law.candidate import Candidate
from holdgate.law.case import Pin
from holdgate.law.library import Library
from holdgate.law.options import Option, option, options
from holdgate.law.state import State
from holdgate.ledger.entry import read_entry_once
from holdgate.query.calls import Calls
from holdgate.query.timeline import Timeline
from holdgate.sites.figures import SiteFigures
from holdgate.sites.site import Site
from holdgate.sites.status import SiteStatus
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import BEHIND_MAX
from holdgate.web.asker import Asker
from holdgate.web.drawer import Drawer
from holdgate.web.order_index import OrderIndex
from holdgate.web.sessions import Sessions

T = TypeVar("T")
KEPT: Final = 512
"""Records of jobs that are kept ready to be shown."""
STRETCH: Final = 100
"""Entries that are read between two turns of the event loop after a start."""
REST_S: Final = 0.002


Formats = Callable[[str, str], tuple[str, ...]]
"""The formats of an invoice from one country to another, the usual one first; none where it cannot be written."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """UTC µs."""
        ...


class Face:
    """A site's face. `site`: business hub, floor hub or node; `figures`: its running figures; `status`: how it stands now."""

    def __init__(self, site: Site, figures: SiteFigures, status: Callable[[], SiteStatus]) -> None:
        self.site = site
        self.status = status
        self._figures = figures
        self.id = site.id
        self.kind = site.kind
        self.timeline = Timeline()
        self._reads = False
        self.orders = OrderIndex(site)
        self._kept: OrderedDict[tuple[str, ...], tuple[int, Any]] = OrderedDict()
        self.desk = 0
        """How often something changed at the front desk: papers and invitations are no entries, and are looked at live too."""
        self.drawer = Drawer()
        """Drafts of orders, which are no record."""
        self.prints = False
        """Whether papers of its reports are made here."""
        self.zone: tzinfo = UTC
        """The shop's."""
        self.formats: Formats | None = None
        """In which formats an invoice is given out; None where none is written here."""
        self.sessions: Sessions | None = None
        """Who may look, at all sites of the process; None where nobody signs in."""
        self._told: list[Callable[[], None]] = []

    @property
    def state(self) -> State:
        """What the site knows now; read only."""
        return self.site.chronicle.state

    @property
    def library(self) -> Library:
        """The law documents."""
        return self.site.chronicle.library

    @property
    def settings(self) -> Settings:
        """What the shop settles for itself."""
        return self.state.charter.settings

    @property
    def store(self) -> Store:
        """The site's store; read only."""
        return self.site.means.store

    @property
    def size(self) -> int:
        """Durable entries."""
        return self.site.spine.size

    @property
    def shows(self) -> str:
        """What a page made now shows: how far the record and the front desk have come."""
        return f"{self.size}.{self.desk}"

    def now(self) -> int:
        """The site's time (UTC µs)."""
        return self.site.means.clock.now()

    def figures(self) -> tuple[Figure, ...]:
        """The site's figures, over everything that was taken in so far."""
        return self._figures.shown()

    async def catch_up(self) -> None:
        """Take in what is on record and was not counted yet: after a start, everything."""
        await self._figures.collect()

    def record(self) -> StoreRecord:
        """The site's record as far as it is durable."""
        return StoreRecord(self.store)

    def chronicle_of(self, order: str) -> list[tuple[int, int]]:
        """Where the record speaks of an order (`holdgate.query.timeline.Timeline.of`), brought up to its durable end.

        Raises:
            Unavailable: much of it is still being read since the start.
        """
        if self._reads and self.size - self.timeline.size > BEHIND_MAX:
            raise Unavailable("the record is still being read since the start; ask again in a moment")
        self.timeline.catch_up(self.record())
        return self.timeline.of(order)

    def calls(self) -> Calls:
        """The calls for Level III, as far as the record is read: a list is shown while the rest of it is being read."""
        if not self._reads:
            self.timeline.catch_up(self.record())
        return self.timeline.calls

    async def read_up(self) -> None:
        """Read what is on record since the last time, a stretch at a time, so that the site goes on meanwhile."""
        self._reads = True
        try:
            while self.timeline.size < self.size:
                self.timeline.catch_up(self.record(), self.timeline.size + STRETCH)
                await asyncio.sleep(REST_S)
        finally:
            self._reads = False

    def kept(self, key: tuple[str, ...], mark: int, make: Callable[[], T]) -> T:
        """What was made out of the record before, as long as its mark is the same (how much of the record it covers)."""
        held = self._kept.get(key)
        if held is not None and held[0] == mark:
            self._kept.move_to_end(key)
            found: T = held[1]
            return found
        made = make()
        self._kept[key] = (mark, made)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made

    def at(self, seq: int) -> int:
        """The time of an own entry (UTC µs); 0 where there is none."""
        body = self.record().body(seq)
        return 0 if body is None else read_entry_once(body).at

    def option(self, asker: Asker, candidate: Candidate) -> list[tuple[str, Option]]:
        """One act in the making, in each of the person's roles: (role, the law's answer)."""
        if asker.person is None:
            return []
        place = self.settings.office if asker.place is None else asker.place.id
        who, now = asker.person, self.now()
        return [(role, option(self.state, self.library, who.id, role, now, place, candidate)) for role in who.roles]

    def options(self, asker: Asker, about: str | None = None) -> list[tuple[str, Option]]:
        """What the person could do now, in each of their roles: (role, option); to others than staff, on orders that they see."""
        if asker.person is None:
            return []
        place = self.settings.office if asker.place is None else asker.place.id
        found: list[tuple[str, Option]] = []
        for role in asker.person.roles:
            offered = options(self.state, self.library, asker.person.id, role, self.now(), place, about)
            found.extend((role, option) for option in offered if self._shown(asker, option.subject))
        return found

    def _shown(self, asker: Asker, subject: str) -> bool:
        """Whether somebody may know of a subject: a client or an auditor of nothing but the orders that they see."""
        if asker.staff:
            return True
        kind, _, name = subject.rpartition(":")
        report = self.state.reports.get(name) if kind == "report" else None
        bill = self.state.money.bills.get(name) if kind == "invoice" else None
        named = report.order if report is not None else name.partition("/")[0] if bill is None else bill.order
        order = self.state.orders.get(named)
        return kind in ("", "order", "report", "invoice") and order is not None and asker.sees(order)

    async def act(self, raw: bytes, pins: Sequence[Pin], source: str) -> Answer:
        """Hand in a signed action; the answer comes once its entry is durable."""
        return await self.site.deliver(raw, tuple(pins), source)

    def watch(self, told: Callable[[], None]) -> None:
        """Be told of every group of entries once it is durable, and of every change at the front desk."""

        def sealed(_: Sealed) -> None:
            told()

        self.site.watchers.append(sealed)
        self._told.append(told)

    def desk_changed(self) -> None:
        """A paper or an invitation came, changed or went."""
        self.desk += 1
        for told in self._told:
            told()

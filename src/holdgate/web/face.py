"""Face: one deciding site as pages and API see it. Questions are answered from its state and record; acts go to its spine."""

from collections.abc import Callable, Sequence
from typing import Protocol

from holdgate.engine.answer import Answer, Sealed
from holdgate.engine.ports import Store
from holdgate.engine.source import StoreRecord
from holdgate.identity.charter import Settings
from holdgate.law.candidate import Candidate
from holdgate.law.case import Pin
from holdgate.law.library import Library
from holdgate.law.options import Option, option, options
from holdgate.law.state import State
from holdgate.query.timeline import Timeline
from holdgate.sites.site import Site
from holdgate.web.asker import Asker


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """UTC µs."""
        ...


class Face:
    """A site's face. `site`: business hub, floor hub or node."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.id = site.id
        self.kind = site.kind
        self.timeline = Timeline()
        self.desk = 0
        """How often something changed at the front desk: papers and invitations are no entries, and are looked at live too."""
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

    def now(self) -> int:
        """The site's time (UTC µs)."""
        return self.site.means.clock.now()

    def record(self) -> StoreRecord:
        """The site's record as far as it is durable."""
        return StoreRecord(self.store)

    def chronicle_of(self, order: str) -> list[tuple[int, int]]:
        """Where the record speaks of an order (`holdgate.query.timeline.Timeline.of`), brought up to its durable end."""
        self.timeline.catch_up(self.record())
        return self.timeline.of(order)

    def option(self, asker: Asker, candidate: Candidate) -> list[tuple[str, Option]]:
        """One act in the making, in each of the person's roles: (role, the law's answer)."""
        if asker.person is None:
            return []
        place = self.settings.office if asker.place is None else asker.place.id
        who, now = asker.person, self.now()
        return [(role, option(self.state, self.library, who.id, role, now, place, candidate)) for role in who.roles]

    def options(self, asker: Asker, about: str | None = None) -> list[tuple[str, Option]]:
        """What the person could do now, in each of their roles: (role, option)."""
        if asker.person is None:
            return []
        place = self.settings.office if asker.place is None else asker.place.id
        found: list[tuple[str, Option]] = []
        for role in asker.person.roles:
            offered = options(self.state, self.library, asker.person.id, role, self.now(), place, about)
            found.extend((role, option) for option in offered)
        return found

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

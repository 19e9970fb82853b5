"""The web of one process: for each of its sites the API and the pages, one menu, one set of sessions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from holdgate.sites.erasing import erasing
from holdgate.sites.figures import SiteFigures
from holdgate.sites.payloads import PayloadStore
from holdgate.sites.reception import Reception
from holdgate.sites.site import Site
from holdgate.sites.status import SiteStatus
from holdgate.terms.errors import HoldgateError
from holdgate.web.api.accounts import Accounts
from holdgate.web.api.acting import Acting
from holdgate.web.api.dock import Dock, ReadMark
from holdgate.web.api.drafts import Drafts
from holdgate.web.api.events import Events
from holdgate.web.api.evidence import EvidenceDesk, Scan
from holdgate.web.api.facts import Registers
from holdgate.web.api.inviting import Invitations
from holdgate.web.api.invoices import Invoices
from holdgate.web.api.ledger import LedgerDoor
from holdgate.web.api.looking import Looking
from holdgate.web.api.order_drafts import OrderDrafts, ReadsOrders
from holdgate.web.api.package import PackageDoor
from holdgate.web.api.papers import Papers
from holdgate.web.api.session import Visits
from holdgate.web.api.sessions import SessionDesk
from holdgate.web.asker import Asker
from holdgate.web.billing import Billing, InvoiceWriter
from holdgate.web.drafting import Drafting
from holdgate.web.face import Face
from holdgate.web.openapi import document
from holdgate.web.operation import Elsewhere, Operation, routes
from holdgate.web.page import Pages, home, static_routes
from holdgate.web.pages import PAGES
from holdgate.web.printing import Printer, Printing
from holdgate.web.sessions import Sessions
from holdgate.web.sign_ins import SignIns
from holdgate.web.verifier.assemble import page as verifier_page
from holdgate.web.workshop import Workshop

ONCE: Final = frozenset(page.title for page in PAGES if page.once)


class Web:
    """The web of a process.

    `token`: unpredictable texts; `reception`: the front desk of its sites; `payloads`: keeps photos, charts and personal data;
    `zone`: finds a time zone by its name; `version`: of the product; `read`: reads a part mark; `orders`: reads purchase
    orders; `told`: takes lines about who signs in; `workshop`: where the certifier is installed; `printer`: where the
    typesetter is; `writer`: where what writes invoices is; `scan`: what looks at files before they are kept.
    """

    def __init__(
        self,
        token: Callable[[], str],
        reception: Reception,
        payloads: PayloadStore,
        zone: Callable[[str], tzinfo],
        version: str,
        read: ReadMark,
        orders: ReadsOrders,
        told: Callable[[str], None],
        workshop: Workshop | None = None,
        printer: Printer | None = None,
        writer: InvoiceWriter | None = None,
        scan: Scan | None = None,
    ) -> None:
        self._writer = writer
        self._scan = scan
        self._printer = printer
        self._drafting = Drafting(workshop)
        self._token = token
        self._turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._sessions = Sessions(token)
        self._told = SignIns(told)
        self._reception = reception
        self._payloads = payloads
        self._zone = zone
        self._dock = Dock(read)
        self._order_drafts = OrderDrafts(orders, token)
        self._packages = PackageDoor()
        self._version = version
        self._pages: dict[str, Pages] = {}
        self._visits: dict[str, Visits] = {}

    def site(self, site: Site, figures: SiteFigures, status: Callable[[], SiteStatus]) -> list[BaseRoute]:
        """The routes of a site, below its name. `figures`: its running figures; `status`: how it stands now."""
        face = Face(site, figures, status)
        erasing(site, self._payloads)
        self._tasks.append(asyncio.get_running_loop().create_task(_read_up(face)))
        printing = None if self._printer is None else Printing(face, self._printer)
        face.prints = printing is not None
        face.zone = self._zone(face.settings.tz)
        billing = None if self._writer is None else Billing(face, self._writer)
        face.formats = None if self._writer is None else self._writer.formats
        visits = self._visits[site.id] = Visits(face, self._sessions, self._reception, self._told)
        face.sessions = self._sessions
        site.lockers = visits.given
        pages = self._pages[site.id] = Pages(
            face, PAGES, visits.asker, self._reception, self.menu, face.zone, self._drafting
        )
        operations = (
            *visits.operations(),
            *SessionDesk(face, self._sessions, self._told).operations(),
            *Acting(self._reception).operations(),
            *Looking().operations(),
            *Registers().operations(),
            *LedgerDoor(self._turn).operations(),
            *EvidenceDesk(self._payloads, self._scan).operations(),
            *self._packages.operations(),
            *Papers(printing).operations(),
            *Invoices(billing).operations(),
            *Accounts(self._payloads).operations(),
            *Drafts(self._drafting).operations(),
            *Invitations(self._reception, self._token).operations(),
            *self._order_drafts.operations(),
            *self._dock.operations(),
            *Events(face).operations(),
        )
        return [
            *routes(face, operations, visits.asker),
            self._described(face, operations),
            Elsewhere(),
            *pages.routes(),
        ]

    def close(self) -> None:
        """Nothing is read any more, and no invoice is written."""
        for task in self._tasks:
            task.cancel()
        if self._writer is not None:
            self._writer.close()

    def files(self) -> list[BaseRoute]:
        """The product's own files, and the page that verifies bundles without any site."""
        page = verifier_page()

        async def verify(_: Request) -> Response:
            return Response(page, media_type="text/html", headers={"Cache-Control": "no-cache"})  # its policy is in it

        return [*static_routes(), Route("/verify", verify, methods=["GET"])]

    def first(self) -> Callable[[Request], Awaitable[Response]] | None:
        """The first page; None where no site of this process has pages."""
        visits = next(iter(self._visits.values()), None)
        if visits is None:
            return None
        settings = visits.settings
        return home(self.menu, visits.asker, self._zone(settings.tz), settings.name)

    def menu(self, asker: Asker | None) -> list[tuple[str, str]]:
        """Every page of this process that somebody may open; all of them for None: (address, title)."""
        rows = [row for pages in self._pages.values() for row in pages.entries(asker)]
        first = {title: address for address, title in reversed(rows)}
        return [(address, title) for address, title in rows if title not in ONCE or first[title] == address]

    def _described(self, face: Face, operations: Sequence[Operation]) -> Route:
        text = msgspec.json.encode(
            document(operations, face.kind, face.id, f"{face.settings.name}: {face.id}", self._version)
        )

        async def show(_: Request) -> Response:
            return Response(text, media_type="application/json")

        return Route("/api/openapi.json", show, methods=["GET"])


async def _read_up(face: Face) -> None:
    with suppress(HoldgateError):  # whoever asks is told
        await face.read_up()

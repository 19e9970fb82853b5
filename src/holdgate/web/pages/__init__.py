"""The pages, in the order of the menu."""

from typing import Final

from holdgate.web.page import Page
from holdgate.web.pages.account import ACCOUNT
from holdgate.web.pages.admin import ADMIN
from holdgate.web.pages.audit import AUDIT
from holdgate.web.pages.books import BOOKS
from holdgate.web.pages.client import CLIENT, INVOICES
from holdgate.web.pages.compliance import COMPLIANCE
from holdgate.web.pages.contracts import CONTRACTS
from holdgate.web.pages.dock import DOCK
from holdgate.web.pages.finance import FINANCE
from holdgate.web.pages.join import JOIN
from holdgate.web.pages.office import OFFICE
from holdgate.web.pages.papers import PAPERS
from holdgate.web.pages.qa import QA
from holdgate.web.pages.sessions import SESSIONS
from holdgate.web.pages.sites import SITES
from holdgate.web.pages.staging import STAGING
from holdgate.web.pages.traveler import TRAVELER
from holdgate.web.pages.why import WHY

PAGES: Final[tuple[Page, ...]] = (
    TRAVELER,
    DOCK,
    QA,
    COMPLIANCE,
    OFFICE,
    FINANCE,
    BOOKS,
    CLIENT,
    INVOICES,
    AUDIT,
    CONTRACTS,
    ADMIN,
    PAPERS,
    ACCOUNT,
    SESSIONS,
    STAGING,
    SITES,
    JOIN,
    WHY,
)

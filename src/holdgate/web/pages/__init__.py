"""The pages, in the order of the menu."""

from typing import Final

from holdgate.web.page import Page
from holdgate.web.pages.admin import ADMIN
from holdgate.web.pages.audit import AUDIT
from holdgate.web.pages.contracts import CONTRACTS
from holdgate.web.pages.join import JOIN
from holdgate.web.pages.traveler import TRAVELER
from holdgate.web.pages.why import WHY

PAGES: Final[tuple[Page, ...]] = (TRAVELER, AUDIT, CONTRACTS, ADMIN, JOIN, WHY)

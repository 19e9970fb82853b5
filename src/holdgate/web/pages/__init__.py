"""The pages, in the order of the menu."""

from typing import Final

from holdgate.web.page import Page
from holdgate.web.pages.dock import DOCK
from holdgate.web.pages.sites import SITES
from holdgate.web.pages.staging import STAGING
from holdgate.web.pages.traveler import TRAVELER

PAGES: Final[tuple[Page, ...]] = (TRAVELER, DOCK, STAGING, SITES)

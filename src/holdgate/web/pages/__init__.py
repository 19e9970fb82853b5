"""The pages, in the order of the menu."""

from typing import Final

from holdgate.web.page import Page
from holdgate.web.pages.admin import ADMIN
from holdgate.web.pages.join import JOIN
from holdgate.web.pages.traveler import TRAVELER

PAGES: Final[tuple[Page, ...]] = (TRAVELER, ADMIN, JOIN)

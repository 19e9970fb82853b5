"""Who looks at a screen: people at their places, each in a browser of their own that stays open."""

from typing import Any, Final

from holdgate.crypto.hashes import digest
from tests.e2e.desk import Seat, Served
from tests.e2e.screens import Screen
from tests.hub_shop import contract

DESK: Final = {"width": 1280, "height": 900}


class Looker:
    """Seats of people, one for each person and place. `script`: runs first on every page."""

    def __init__(self, browser: Any, shop: Served, script: str = "") -> None:
        self._browser, self._shop, self._script = browser, shop, script
        self._seats: dict[tuple[str, str], Seat] = {}

    def seat(self, who: str, at: str, path: str) -> Seat:
        """Somebody's browser, signed in by badge; the same one each time."""
        if (who, at) not in self._seats:
            seat = self.fresh(at, path)
            if who:
                seat.present(who)
            self._seats[who, at] = seat
        return self._seats[who, at]

    def fresh(self, at: str, path: str) -> Seat:
        """A browser of its own at a workstation."""
        return Seat(self._browser, self._shop, at, path, script=self._script, viewport=DESK, reduced_motion="reduce")

    def shown(self, screen: Screen) -> Seat:
        """The screen, before whose it is."""
        path = screen.path.replace("{technique}", digest(contract().template))
        seat = self.seat(screen.who, screen.at, path)
        seat.go(path)
        if screen.link:
            link = seat.page.locator(f"main a[href*='{screen.link}']").first
            seat.go(str(link.get_attribute("href")))
        return seat

    def close(self) -> None:
        """Everybody leaves."""
        for seat in self._seats.values():
            seat.close()

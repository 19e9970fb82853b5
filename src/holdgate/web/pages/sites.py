"""Sites: how this site and its lines stand. Whoever looks after the shop sees here first what does not go on."""

from typing import Final

from msgspec import Struct

from holdgate.sites.status import LinkStatus, SiteStatus
from holdgate.web.page import Page, View


class Health(Struct, frozen=True, kw_only=True):
    """A site's health. `behind`: entries that no Vault has cosigned yet; `seats`: every site of the shop, with its contact."""

    status: SiteStatus
    links: tuple[LinkStatus, ...]
    behind: int
    seats: tuple["Seat", ...]


class Seat(Struct, frozen=True, kw_only=True):
    """A site of the shop as this one knows it. `up`: None where no contact is kept; `held`: entries of its log taken in here."""

    id: str
    kind: str
    area: str
    up: bool | None
    since: int
    held: int
    retired_at: int


def health(view: View) -> Health:
    """How things stand now."""
    status, state = view.face.status(), view.face.state
    origins = {origin.site: origin.size for origin in state.origins.values()}
    seats = []
    for seat in state.charter.sites:
        contact = state.contacts.get(seat.id)
        seats.append(
            Seat(
                id=seat.id,
                kind=seat.kind.replace("_", " "),
                area=seat.area,
                up=None if contact is None else contact.up,
                since=0 if contact is None else contact.since,
                held=origins.get(seat.id, 0),
                retired_at=state.retired.get(seat.id, 0),
            )
        )
    return Health(status=status, links=status.links, behind=status.size - status.witnessed_size, seats=tuple(seats))


SITES: Final = Page(
    name="sites",
    title="Sites",
    kinds=("business_hub", "floor_hub", "node"),
    roles=("admin", "qa", "compliance", "project_manager", "metrology"),
    model=health,
)

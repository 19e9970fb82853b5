"""My sessions: where somebody is signed in, since when, and how to end what should not be open."""

from typing import Final

from msgspec import Struct

from holdgate.web.page import Page, View
from holdgate.web.sessions import Seen


class Open(Struct, frozen=True, kw_only=True):
    """The open sessions of whoever looks, the newest first. `this`: the name of the one that looks."""

    rows: tuple[Seen, ...]
    this: str


def sessions(view: View) -> Open:
    """One's own sessions at this process."""
    return Open(rows=opened(view, "" if view.asker.person is None else view.asker.person.id), this=view.asker.session)


def opened(view: View, smart_id: str) -> tuple[Seen, ...]:
    """The open sessions of somebody; none where nobody signs in."""
    return () if view.face.sessions is None else view.face.sessions.of(smart_id, view.asker.now)


SESSIONS: Final = Page(
    name="sessions",
    title="My sessions",
    kinds=("business_hub", "floor_hub", "node"),
    roles=(),
    model=sessions,
    listed=False,
    signed=True,
)

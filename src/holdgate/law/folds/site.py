"""What a site notices about itself: imports, links, cosignatures, starts."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import Contact, State

OUTAGES_KEPT: Final = 100
"""Outages in memory; older ones are in the log alone."""


def _imported(state: State, _: Library, e: ev.Imported, at: int, ref: int) -> None:
    """The origin's frontier is kept by the chronicle, which verified it."""


def _disregarded(state: State, _: Library, e: ev.Disregarded, at: int, ref: int) -> None:
    """On the record; that it makes nothing true is the point."""


def _contact_changed(state: State, _: Library, e: ev.ContactChanged, at: int, ref: int) -> None:
    """Without the Vault nothing that runs in its time can come due: that is an outage."""
    before = state.contacts.get(e.site)
    if e.up and before is not None and not before.up and _is_vault(state, e.site):
        _outage(state, before.since, at)
    state.contacts[e.site] = Contact(up=e.up, since=at, ref=ref)


def _is_vault(state: State, site: str) -> bool:
    return any(seat.id == site and seat.kind == "vault" for seat in state.charter.sites)


def _outage(state: State, since: int, until: int) -> None:
    state.outages.append((since, until))
    if len(state.outages) > OUTAGES_KEPT:
        del state.outages[0]


def _triggered(state: State, _: Library, e: ev.Triggered, at: int, ref: int) -> None:
    """On the record; whoever it is meant for reads it there."""


def _cosigned(state: State, _: Library, e: ev.Cosigned, at: int, ref: int) -> None:
    state.witnessed_at = max(state.witnessed_at, e.witnessed_at)
    state.witnessed_size = max(state.witnessed_size, e.size)


def _booted(state: State, _: Library, e: ev.Booted, at: int, ref: int) -> None:
    """A restart ends every signing session; links are down until they are heard of again."""
    if e.again:
        return
    state.sessions.clear()
    if 0 < e.heard_until < at:
        _outage(state, e.heard_until, at)
    for site in state.contacts:
        contact = state.contacts[site]
        since = (e.heard_until or at) if contact.up else contact.since
        state.contacts[site] = Contact(up=False, since=since, ref=ref)


STEPS: Final[Steps] = {
    ev.Imported: _imported,
    ev.Disregarded: _disregarded,
    ev.ContactChanged: _contact_changed,
    ev.Cosigned: _cosigned,
    ev.Triggered: _triggered,
    ev.Booted: _booted,
}

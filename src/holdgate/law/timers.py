"""What time sets off at the business hub: a report's review window opens with the first cosignature that covers it.

And whether something came late: the hub was off, or could not reach the Vault, at the moment when it was due.
"""

from collections.abc import Sequence

from holdgate.law.event import AnyEvent, Cosigned, ReviewWindowOpened
from holdgate.law.library import Library
from holdgate.law.state import State
from holdgate.terms.instant import SECOND_US


def open_windows(state: State, library: Library, events: Sequence[AnyEvent]) -> tuple[ReviewWindowOpened, ...]:
    """The windows that open with a cosignature, in Vault time (foundations: time)."""
    opened: list[ReviewWindowOpened] = []
    for event in events:
        if type(event) is not Cosigned:
            continue
        for report in state.reports.values():
            if report.opened_at is not None or report.status != "issued" or report.issued_seq >= event.size:
                continue
            template = library.template(state.orders[report.order].sha256)
            window_us = 0 if template is None else template.client_window_s * SECOND_US
            opened.append(
                ReviewWindowOpened(
                    report=report.id, opened_at=event.witnessed_at, closes_at=event.witnessed_at + window_us
                )
            )
    return tuple(opened)


def came_late(state: State, due: int) -> bool:
    """Whether the hub was not running, or out of reach of every Vault that it knows, at this time (UTC µs)."""
    if any(since <= due <= until for since, until in state.outages):
        return True
    vaults = [seat.id for seat in state.charter.sites if seat.kind == "vault"]
    contacts = [contact for vault in vaults if (contact := state.contacts.get(vault)) is not None]
    return bool(contacts) and all(not contact.up and contact.since <= due for contact in contacts)

"""What time sets off at the business hub: a report's review window opens with the first cosignature that covers it.

And whether something came late: the hub was off, or could not reach the Vault, at the moment when it was due.
"""

from collections.abc import Sequence

from holdgate.law.event import AnyEvent, Cosigned, ReviewWindowOpened
from holdgate.law.library import Library
from holdgate.law.state import Order, State
from holdgate.law.technique import CLIENT_WINDOW
from holdgate.terms.instant import SECOND_US
from holdgate.terms.quantity import require_decimal


def open_windows(state: State, library: Library, events: Sequence[AnyEvent]) -> tuple[ReviewWindowOpened, ...]:
    """The windows that open with a cosignature, in Vault time (foundations: time)."""
    opened: list[ReviewWindowOpened] = []
    for event in events:
        if type(event) is not Cosigned:
            continue
        for report in state.reports.values():
            if report.opened_at is not None or report.status != "issued" or report.issued_seq >= event.size:
                continue
            window_us = review_window_us(state, library, state.orders[report.order])
            opened.append(
                ReviewWindowOpened(
                    report=report.id, opened_at=event.witnessed_at, closes_at=event.witnessed_at + window_us
                )
            )
    return tuple(opened)


def review_window_us(state: State, library: Library, order: Order) -> int:
    """How long this order's client may review a report: the contract's window, or the tuned one (µs).

    A window shorter than the signed one holds for the client who agreed to it, and for nobody else.
    """
    template = library.template(order.sha256)
    if template is None:
        return 0
    window_s = template.client_window_s
    record = state.contracts.get(order.sha256)
    if record is not None and record.tuned:
        technique = library.technique(template.process)
        for parameter in () if technique is None else technique.parameters.values():
            text = record.tuned.get(parameter.id)
            agreed = record.agreed.get(parameter.id, "")
            if parameter.kind == CLIENT_WINDOW and text is not None and parameter.holds_for(text, agreed, order.client):
                window_s = int(require_decimal(text, parameter.id))
    return window_s * SECOND_US


def came_late(state: State, due: int) -> bool:
    """Whether the hub was not running, or out of reach of every Vault that it knows, at this time (UTC µs)."""
    if any(since <= due <= until for since, until in state.outages):
        return True
    vaults = [seat.id for seat in state.charter.sites if seat.kind == "vault"]
    contacts = [contact for vault in vaults if (contact := state.contacts.get(vault)) is not None]
    return bool(contacts) and all(not contact.up and contact.since <= due for contact in contacts)

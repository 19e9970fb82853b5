"""What time sets off at the business hub: a report's review window opens with the first cosignature that covers it."""

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

"""What time sets off at the business hub: a report's review window opens with the first cosignature that covers it."""

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

"""How long: dwell windows between the completion of a step and the start of another, both ends inclusive.

They run from the first completion: a correction and its new signature do not start the clock again. And an order's
delivery date.
"""

from holdgate.law import command as c
from holdgate.law.case import Case


def dwell(case: Case) -> None:
    """The time since the step that opens the window lies inside it, unless a deviation waives that end."""
    operation, job = case.operation, case.job
    if operation is None or job is None or operation.dwell is None:
        return
    window = operation.dwell
    since = job.attempts[window.since]
    if since is None or not since.done:
        return  # the sequence gate speaks
    elapsed_us = case.now - since.completed_at
    name = case.technique.operations[window.since].name if case.technique is not None else "?"
    if elapsed_us < window.low_us:
        if "WINDOW_NOT_REACHED" not in case.waived:
            case.deny("WINDOW_NOT_REACHED", elapsed_us=elapsed_us, since=name, limit_us=window.low_us)
    elif window.high_us is not None and elapsed_us > window.high_us and "WINDOW_EXCEEDED" not in case.waived:
        case.deny("WINDOW_EXCEEDED", elapsed_us=elapsed_us, since=name, limit_us=window.high_us)


def delivery(case: Case) -> None:
    """An order's delivery date closes once, not before it has come."""
    command, order = case.command, case.order
    if type(command) is not c.CloseDelivery or order is None or order.status == "proposed":
        return  # the order's own gate speaks
    due = order.delivery_due
    if due is None:
        case.deny("RULE_NOT_MET", rule="delivery date", say=f"{order.id} names no delivery date.")
    elif order.delivery_closed:
        case.deny("ALREADY_DONE", what=f"the delivery date of {order.id}")
    elif case.now < due:
        case.deny(
            "WINDOW_NOT_REACHED",
            elapsed_us=case.now - order.staged_at,
            since=f"the staging of {order.id}",
            limit_us=due - order.staged_at,
        )

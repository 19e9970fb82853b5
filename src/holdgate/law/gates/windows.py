"""How long: dwell windows between the completion of a step and the start of another, both ends inclusive.

They run from the first completion: a correction and its new signature do not start the clock again.
"""

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

"""What was read: a characteristic of the step, in its unit, for a part of the job; and whether the signature may say pass.

Permission is refused, the truth never: an out-of-limit value is recorded. What is refused is signing it as a pass.
"""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import Attempt, Job, remaining
from holdgate.law.technique import Measure, Operation


def characteristic(case: Case) -> None:
    """The characteristic belongs to the step, the unit is the contract's, the value is a number, the part is known."""
    command, operation, job = case.command, case.operation, case.job
    if operation is None or job is None or not isinstance(command, (c.RecordReading, c.RecordLate, c.CorrectEntry)):
        return
    measure = case.measure
    if measure is None:
        case.deny("CHARACTERISTIC_UNKNOWN", characteristic=command.characteristic, step=operation.id)
        return
    if type(command) is not c.CorrectEntry and command.unit != measure.unit:  # type: ignore[union-attr]
        case.deny("UNIT_MISMATCH", characteristic=measure.id, needed=measure.unit, unit=command.unit)  # type: ignore[union-attr]
    if case.value is None:
        text = command.new_value if isinstance(command, c.CorrectEntry) else command.value
        case.deny("VALUE_INVALID", value=text[:40])
    if not measure.per_serial:
        if command.serial is not None:
            case.deny("PART_NOT_ASKED", characteristic=measure.id, serial=command.serial)
    elif not command.serial:
        case.deny("PART_NOT_NAMED", characteristic=measure.id)
    elif command.serial not in job.serials:
        foreign_part(case, job, command.serial)


def foreign_part(case: Case, job: Job, serial: str) -> None:
    """A part of the order that is in another job, or one that is not on the order at all."""
    order = case.state.orders.get(job.order)
    if order is not None and serial in order.serials:
        case.deny("PART_NOT_IN_JOB", serial=serial, job=job.id)
    else:
        case.deny("SERIAL_UNKNOWN", serials=serial, order=job.order)


def recorded(case: Case) -> None:
    """What is corrected was recorded."""
    command, attempt = case.command, case.attempt
    if type(command) is not c.CorrectEntry or case.operation is None:
        return
    key = command.characteristic if command.serial is None else f"{command.characteristic}/{command.serial}"
    if attempt is None or key not in attempt.last:
        case.deny("CHARACTERISTIC_UNKNOWN", characteristic=key, step=case.operation.id)


def complete(case: Case) -> None:
    """Every characteristic of the step is recorded, for every part where it is taken part by part."""
    operation, attempt, job = case.operation, case.attempt, case.job
    if operation is None or attempt is None or job is None:
        return
    last = attempt.last
    for name, measure in operation.measures.items():
        if measure.per_serial:
            for serial in remaining(job):
                if f"{name}/{serial}" not in last:
                    case.deny("DATA_INCOMPLETE", missing=f"{name} of {serial}")
        elif name not in last:
            case.deny("DATA_INCOMPLETE", missing=name)


def conforming(case: Case) -> None:
    """A pass is signed only on conforming readings (the last one, or all of them where the contract says so)."""
    command, operation, attempt, job = case.command, case.operation, case.attempt, case.job
    if type(command) is not c.SignStep or operation is None or attempt is None or job is None:
        return
    if command.result != "pass":
        return
    _deny_failing(case, operation, failing(operation, attempt, job))


def not_hidden(case: Case) -> None:
    """An attempt that fails is signed as a fail: a restart would begin without its bad readings."""
    operation, attempt, job = case.operation, case.attempt, case.job
    if operation is None or attempt is None or job is None or attempt.done:
        return
    _deny_failing(case, operation, failing(operation, attempt, job))


def _deny_failing(case: Case, operation: Operation, found: list[tuple[str, str]]) -> None:
    for key, value in found:
        name, _, serial = key.partition("/")
        limits = operation.measures[name].show_limits()
        case.deny("READING_OUT_OF_LIMITS", characteristic=name, serial=serial, value=value, limits=limits)


def failing(operation: Operation, attempt: Attempt, job: Job) -> list[tuple[str, str]]:
    """The readings (key, value) of an attempt that do not conform, under each characteristic's own rule."""
    if not attempt.missed:
        return []
    out: list[tuple[str, str]] = []
    for name, measure in operation.measures.items():
        if measure.as_found:
            continue  # how it was met, not what is accepted
        keys = [f"{name}/{serial}" for serial in remaining(job)] if measure.per_serial else [name]
        out.extend((key, value) for key in keys if (value := _failing_value(measure, attempt, key)) is not None)
    return out


def _failing_value(measure: Measure, attempt: Attempt, key: str) -> str | None:
    if measure.all_readings:
        return attempt.missed.get(key)
    last = attempt.last.get(key)
    return None if last is None or last.conforms else last.value


def result(case: Case) -> None:
    """The result is one that a step can have, and a second signature makes no pass of a fail."""
    command, attempt = case.command, case.attempt
    if type(command) is not c.SignStep:
        return
    if command.result not in RESULTS:
        say = f"A step is signed as pass, fail or accepted_under_concession, not as {command.result[:40]}."
        case.deny("RULE_NOT_MET", rule="result of a step", say=say)
    elif command.result != "fail" and attempt is not None and attempt.signers and attempt.result != command.result:
        say = f"The first signature of {command.step} says {attempt.result}; the second cannot say {command.result}."
        case.deny("RULE_NOT_MET", rule="result of a step", say=say)


RESULTS: Final = ("pass", "fail", "accepted_under_concession")


def conceded(case: Case) -> None:
    """What does not conform is accepted only as far as a concession of the client covers it: granted over these readings."""
    command, operation, attempt, job = case.command, case.operation, case.attempt, case.job
    if type(command) is not c.SignStep or operation is None or attempt is None or job is None:
        return
    if command.result != "accepted_under_concession":
        return
    missed = failing(operation, attempt, job)
    if not missed:
        case.deny("RULE_NOT_MET", rule="result of a step", say="Every reading conforms; sign the step as pass.")
    for key, _ in missed:
        serial = key.partition("/")[2]
        parts = (serial,) if serial else remaining(job)
        without = tuple(part for part in parts if part not in attempt.conceded)
        if without:
            case.deny("CONCESSION_MISSING", what=f"{key.partition('/')[0]} of {', '.join(without)}")

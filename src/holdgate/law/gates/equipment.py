"""With what: SMART-Gatekeeper's part. Registered, of the class the technique names, in service, calibrated all the time."""

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import Equipment


def declared(case: Case) -> None:
    """At start and at signature: what the step needs is there, in service and calibrated until the planned end."""
    operation, command = case.operation, case.command
    if operation is None:
        return
    if type(command) is c.StartStep:
        items, end_at = command.equipment, case.now + operation.duration_us
    elif case.attempt is not None:
        items, end_at = case.attempt.equipment, case.now
    else:
        return
    register, waived = case.state.equipment, "EQUIPMENT_NOT_IN_CONTRACT" in case.waived
    present: list[str] = []
    for item in items:
        equipment = register.get(item)
        if equipment is None:
            case.deny("EQUIPMENT_UNKNOWN", equipment=item)
            continue
        case.reads.append(equipment.ref)
        present.append(equipment.equipment_class)
        if equipment.equipment_class not in operation.equipment_classes and not waived:
            case.deny(
                "EQUIPMENT_NOT_IN_CONTRACT",
                why=f"{item} is a {equipment.equipment_class}, which {operation.id} does not name",
            )
        _fit(case, equipment, end_at)
    for needed in operation.equipment_classes:
        if needed not in present and not waived:
            case.deny("EQUIPMENT_NOT_IN_CONTRACT", why=f"{operation.id} needs a {needed}")


def instrument(case: Case) -> None:
    """A reading is taken with an instrument of the class that the characteristic names."""
    command, measure = case.command, case.measure
    if not isinstance(command, (c.RecordReading, c.RecordLate)) or measure is None or measure.instrument_class is None:
        return
    if not command.instrument:
        case.deny("INSTRUMENT_MISSING", characteristic=measure.id, needed=measure.instrument_class)
        return
    equipment = case.state.equipment.get(command.instrument)
    if equipment is None:
        case.deny("EQUIPMENT_UNKNOWN", equipment=command.instrument)
        return
    case.reads.append(equipment.ref)
    if equipment.equipment_class != measure.instrument_class:
        case.deny(
            "EQUIPMENT_NOT_IN_CONTRACT",
            why=f"{measure.id} is read with a {measure.instrument_class}; {equipment.id} is a {equipment.equipment_class}",
        )
    _fit(case, equipment, case.now)


def _fit(case: Case, equipment: Equipment, end_at: int) -> None:
    if not equipment.in_service:
        case.deny("EQUIPMENT_OUT_OF_SERVICE", equipment=equipment.id)
    if not equipment.cal_from <= case.now <= equipment.cal_until:
        case.deny("EQUIPMENT_CAL_EXPIRED", equipment=equipment.id, until=equipment.cal_until)
    elif end_at > equipment.cal_until:
        case.deny("EQUIPMENT_CAL_LAPSES_IN_STEP", equipment=equipment.id, until=equipment.cal_until, end_at=end_at)

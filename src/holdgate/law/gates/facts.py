"""Facts about instruments, batches and documents: who may say what is role and evidence; here is what may be said."""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case

AS_FOUND: Final = ("in_tolerance", "out_of_tolerance")
CHECKED: Final = ("pass", "fail")


def calibrated(case: Case) -> None:
    """A calibration is of registered equipment, by certificate, says how it was found, and holds beyond today."""
    command = case.command
    if type(command) is not c.CalibrateEquipment:
        return
    equipment = case.state.equipment.get(command.id)
    if equipment is None:
        case.deny("EQUIPMENT_UNKNOWN", equipment=command.id)
    else:
        case.reads.append(equipment.ref)
    if not (command.certificate or "").strip():
        case.deny("DOCUMENT_MISSING", document="the calibration certificate")
    if command.as_found not in AS_FOUND:
        say = f"Equipment is found {' or '.join(AS_FOUND)}, not {command.as_found[:40]!r}."
        case.deny("RULE_NOT_MET", rule="as found", say=say)
    if command.until < case.now:
        case.deny("EQUIPMENT_CAL_EXPIRED", equipment=command.id, until=command.until)


def extended(case: Case) -> None:
    """A batch is on the register, and gets more time, not less."""
    command = case.command
    if type(command) is not c.ExtendMaterial:
        return
    batch = case.state.materials.get(command.batch)
    if batch is None:
        case.deny("MATERIAL_NOT_APPROVED", why=f"batch {command.batch} is not registered")
        return
    case.reads.append(batch.ref)
    if command.until <= batch.until:
        say = f"The shelf life of {batch.batch} is extended to a later day than the one it has."
        case.deny("RULE_NOT_MET", rule="shelf life", say=say)
    if command.until < case.now:
        case.deny("MATERIAL_EXPIRED", batch=batch.batch, until=command.until)


def verified(case: Case) -> None:
    """A document is named, was read (its digest says so), and is valid now."""
    command = case.command
    if type(command) is not c.VerifyDocument:
        return
    if not command.document.strip():
        case.deny("DOCUMENT_MISSING", document="a document without a name")
    if not command.digest.strip():
        case.deny("EVIDENCE_REQUIRED")
    if command.until is not None and command.until < case.now:
        case.deny("DOCUMENT_EXPIRED", document=command.document, until=command.until)


def checked(case: Case) -> None:
    """A check is of registered equipment, and it passes or fails."""
    command = case.command
    if type(command) is not c.CheckEquipment:
        return
    equipment = case.state.equipment.get(command.id)
    if equipment is None:
        case.deny("EQUIPMENT_UNKNOWN", equipment=command.id)
    else:
        case.reads.append(equipment.ref)
    if command.result not in CHECKED:
        say = f"A check is a pass or a fail, not {command.result[:40]!r}."
        case.deny("RULE_NOT_MET", rule="result of a check", say=say)

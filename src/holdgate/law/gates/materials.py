"""With which batches: SmartInventory's part. Registered, approved, of the kind that the step names, in date."""

from holdgate.law import command as c
from holdgate.law.case import Case


def batches(case: Case) -> None:
    """At start and at signature: a good batch of every kind that the step needs, and no other kind."""
    operation, command = case.operation, case.command
    if operation is None:
        return
    if type(command) is c.StartStep:
        items = command.materials
    elif case.attempt is not None:
        items = case.attempt.materials
    else:
        return
    present: list[str] = []
    for item in items:
        batch = case.state.materials.get(item)
        if batch is None:
            case.deny("MATERIAL_NOT_APPROVED", why=f"batch {item} is not registered")
            continue
        case.reads.append(batch.ref)
        present.append(batch.material_kind)
        if not batch.approved or batch.material_kind not in operation.material_kinds:
            case.deny(
                "MATERIAL_NOT_APPROVED", why=f"batch {item} ({batch.material_kind}) is not approved for {operation.id}"
            )
        if case.now > batch.until:
            case.deny("MATERIAL_EXPIRED", batch=item, until=batch.until)
    for needed in operation.material_kinds:
        if needed not in present:
            case.deny("MATERIAL_NOT_APPROVED", why=f"{operation.id} needs a batch of {needed}")

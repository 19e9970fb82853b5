"""Equipment, materials, standards, access policies and documents: what others must be true of them."""

from typing import Final

from msgspec.structs import replace

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import Adopted, Doubt, Equipment, Material, Policy, State

DOUBTS_KEPT: Final = 8
"""Doubts about an instrument that are kept; the oldest two become one."""


def _equipment_registered(state: State, _: Library, e: ev.EquipmentRegistered, at: int, ref: int) -> None:
    """Registered anew, it keeps what is known of its past use."""
    known = state.equipment.get(e.id)
    state.equipment[e.id] = Equipment(
        id=e.id,
        equipment_class=e.equipment_class,
        cal_from=e.cal_from,
        cal_until=e.cal_until,
        in_service=e.in_service,
        ref=ref,
        good_at=0 if known is None else known.good_at,
        doubts=() if known is None else known.doubts,
        unheard=known is not None and known.unheard,
    )


def _equipment_calibrated(state: State, _: Library, e: ev.EquipmentCalibrated, at: int, ref: int) -> None:
    """In service again, unless it failed a check here since, of which the business hub does not know yet."""
    equipment = state.equipment[e.equipment]
    equipment.cal_from, equipment.cal_until, equipment.ref = e.cal_from, e.cal_until, ref
    equipment.in_service = not equipment.unheard
    if e.as_found == "in_tolerance":
        _found_good(state, equipment, at)
    else:
        _found_bad(equipment)
        _end_doubt(equipment, at)


def _equipment_withdrawn(state: State, _: Library, e: ev.EquipmentWithdrawn, at: int, ref: int) -> None:
    equipment = state.equipment[e.equipment]
    equipment.in_service, equipment.unheard, equipment.ref = False, False, ref
    if e.as_found == "out_of_tolerance":
        _found_bad(equipment)


def _equipment_checked(state: State, _: Library, e: ev.EquipmentChecked, at: int, ref: int) -> None:
    """A failed check withdraws it until it is calibrated; a pass says nothing for one that is withdrawn."""
    equipment = state.equipment[e.equipment]
    if e.result == "pass":
        if equipment.in_service:
            _found_good(state, equipment, at)
            equipment.ref = ref
        return
    equipment.in_service, equipment.unheard, equipment.ref = False, state.kind == "node", ref
    _found_bad(equipment)


def _found_good(state: State, equipment: Equipment, at: int) -> None:
    """What was done with it until then is not recalled any more by a later finding."""
    _end_doubt(equipment, at)
    uses = state.uses.get(equipment.id)
    if uses is None:
        return
    left = {job: last for job, last in uses.items() if last > at}
    if left:
        state.uses[equipment.id] = left
    else:
        del state.uses[equipment.id]


def _found_bad(equipment: Equipment) -> None:
    """Every use since the last good finding is in doubt, and each later one until the next."""
    if all(doubt.until is not None for doubt in equipment.doubts):
        equipment.doubts += (Doubt(since=equipment.good_at, until=None),)
    if len(equipment.doubts) > DOUBTS_KEPT:
        first, second, *later = equipment.doubts
        equipment.doubts = (Doubt(since=first.since, until=second.until), *later)


def _end_doubt(equipment: Equipment, at: int) -> None:
    equipment.doubts = tuple(replace(d, until=at) if d.until is None else d for d in equipment.doubts)
    equipment.good_at = max(equipment.good_at, at)


def mark_used(state: State, item: str, job: str, at: int) -> None:
    """An instrument or machine was used for a job: a later bad finding recalls it."""
    equipment = state.equipment.get(item)
    if equipment is None or at <= equipment.good_at:
        return
    uses = state.uses.get(item)
    if uses is None:
        state.uses[item] = {job: at}
    else:
        uses[job] = max(at, uses.get(job, 0))


def mark_unused(state: State, item: str, job: str) -> None:
    """A use that is recalled is dealt with; and so are the uses of a job that is closed."""
    uses = state.uses.get(item)
    if uses is not None and uses.pop(job, None) is not None and not uses:
        del state.uses[item]


def _material_registered(state: State, _: Library, e: ev.MaterialRegistered, at: int, ref: int) -> None:
    state.materials[e.batch] = Material(
        batch=e.batch, material_kind=e.material_kind, until=e.until, approved=e.approved, ref=ref
    )


def _standard_adopted(state: State, _: Library, e: ev.StandardAdopted, at: int, ref: int) -> None:
    state.standards[e.standard] = Adopted(edition=e.edition, until=e.until, ref=ref)


def _policy_updated(state: State, _: Library, e: ev.PolicyUpdated, at: int, ref: int) -> None:
    state.policies[e.policy] = Policy(
        id=e.policy,
        zone=e.zone,
        credential=e.credential,
        version=e.version,
        at=at,
        ref=ref,
        withdrawn=e.withdrawn,
    )


def _material_extended(state: State, _: Library, e: ev.MaterialExtended, at: int, ref: int) -> None:
    batch = state.materials[e.batch]
    batch.until, batch.ref = e.until, ref


def _document_verified(state: State, _: Library, e: ev.DocumentVerified, at: int, ref: int) -> None:
    """A node may hear of it before the order itself comes."""
    state.verified.setdefault(e.order, {})[e.document] = e.until
    order = state.orders.get(e.order)
    if order is not None:
        order.documents[e.document], order.ref = e.until, ref


STEPS: Final[Steps] = {
    ev.EquipmentRegistered: _equipment_registered,
    ev.MaterialRegistered: _material_registered,
    ev.StandardAdopted: _standard_adopted,
    ev.PolicyUpdated: _policy_updated,
    ev.EquipmentCalibrated: _equipment_calibrated,
    ev.EquipmentWithdrawn: _equipment_withdrawn,
    ev.EquipmentChecked: _equipment_checked,
    ev.MaterialExtended: _material_extended,
    ev.DocumentVerified: _document_verified,
}

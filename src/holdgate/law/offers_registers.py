"""Offers at the registers of the business hub: people, qualifications, instruments, batches, policies, new versions.

Any subject would do, so each act is offered once, with the first subject that fits; or for the one that is asked for.
"""

from typing import Any, Final

from msgspec.structs import replace

from holdgate.crypto.commitments import SALTED
from holdgate.crypto.hashes import digest
from holdgate.identity.charter import origin_for
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN, Candidate, Candidates, View
from holdgate.law.case import Pin
from holdgate.law.contract import Document, document_digest, encode_document
from holdgate.law.families import bundled
from holdgate.law.gates.seats import work_left
from holdgate.law.state import ContractRecord
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US

NEW_KEY: Final = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""Stands in for the key that a newcomer makes: a well-formed one that belongs to nobody (RFC 8032, test 1)."""
NEW_SEALING_KEY: Final = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
"""Stands in for the key that a new node reads orders with (RFC 7748, section 6.1, Alice's)."""
NEW_PAYLOAD: Final = SALTED + "0" * 64
"""Stands in for the commitment of a payload that was brought."""
YEAR_US: Final = 365 * 86_400 * SECOND_US


def at_hub(view: View) -> Candidates:
    """Every act on the registers."""
    yield from _people(view)
    yield from _sites(view)
    yield from _things(view)
    yield from _payloads(view)
    zones = [identity.zone for identity in view.state.identities.values() if identity.zone is not None]
    policy = {"policy": "POLICY-1", "zone": zones[0] if zones else STAND_IN, "credential": _credential(view)}
    yield Candidate(c.UpdatePolicy, {**policy, "reason": STAND_IN}, (*policy, "reason"))


def _asked(view: View, kind: str) -> str:
    """The id that is asked for, where it is one of this kind."""
    return view.about.removeprefix(f"{kind}:") if view.about is not None else ""


def _somebody(view: View) -> Identity | None:
    """The person who is asked for; else the first one who is not the actor."""
    people = view.state.identities
    asked = people.get(_asked(view, "identity"))
    others = (i for i in people.values() if i.kind == "person" and i.id != view.actor and i.disabled_at is None)
    return asked or next(others, None)


def _credential(view: View) -> str:
    held = (name for identity in view.state.identities.values() for name in identity.credentials)
    return next(held, "CREDENTIAL")


def _held(identity: Identity) -> list[str]:
    return [name for name, credential in identity.credentials.items() if credential.revoked_at is None]


def _people(view: View) -> Candidates:
    fields: dict[str, Any] = {"id": "SID-NEW", "name": STAND_IN, "org": view.state.charter.org, "kind": "person"}
    officers = view.somebody("qa", "compliance", "project_manager", "admin")
    enrolled = {**fields, "key": NEW_KEY, "roles": ("technician",)}
    yield Candidate(c.EnrolIdentity, enrolled, (*enrolled,), (*officers, ("SID-NEW", "newcomer")))
    person = _somebody(view)
    if person is None:
        return
    named = {"person": person.id, "credential": _credential(view)}
    granted = {**named, "until": view.now + YEAR_US, "evidence": STAND_IN}
    yield Candidate(c.GrantCredential, granted, tuple(granted))
    holder = person if _held(person) else next((i for i in view.state.identities.values() if _held(i)), None)
    if holder is not None:
        revoked = {"person": holder.id, "credential": _held(holder)[0], "reason": STAND_IN}
        yield Candidate(c.RevokeCredential, revoked, tuple(revoked))
    yield Candidate(c.DisableIdentity, {"id": person.id, "reason": STAND_IN}, ("id", "reason"))
    lost: dict[str, Any] = {"id": person.id, "key": NEW_KEY, "reason": STAND_IN}
    if person.sealing_key is not None:
        lost["sealing_key"] = NEW_SEALING_KEY
    second = view.somebody("qa", "compliance", "project_manager", "admin", but=person.id)
    yield Candidate(c.RekeyIdentity, lost, (*lost,), (*second, (person.id, "newcomer")))


def _sites(view: View) -> Candidates:
    charter, asked = view.state.charter, _asked(view, "identity")
    if asked and asked != "NODE-NEW" and all(seat.id != asked for seat in charter.sites):
        return  # whether a node is idle is asked of everything on it: not for somebody who asks about something else
    officers = view.somebody("qa", "compliance", "project_manager", "admin")
    fields = {"id": "NODE-NEW", "kind": "node", "origin": origin_for(charter, "NODE-NEW")}
    joins = {**fields, "key": NEW_KEY, "sealing_key": NEW_SEALING_KEY}
    yield Candidate(c.EnrolSite, joins, (*joins,), (*officers, ("NODE-NEW", "newcomer")))
    there = [seat.id for seat in charter.sites if seat.kind == "node" and seat.id not in view.state.retired]
    idle = next((node for node in there if not work_left(view.state, node)), next(iter(there), STAND_IN))
    yield Candidate(c.RetireSite, {"id": idle, "reason": STAND_IN}, ("id", "reason"), officers)


def _things(view: View) -> Candidates:
    state, now = view.state, view.now
    kinds = [item.equipment_class for item in state.equipment.values()] or [STAND_IN]
    interval = {"cal_from": now, "cal_until": now + YEAR_US}
    new = {"id": "EQUIPMENT-NEW", "equipment_class": kinds[0], **interval, "in_service": True}
    yield Candidate(c.RegisterEquipment, new, tuple(new))
    item = state.equipment.get(_asked(view, "equipment")) or next(iter(state.equipment.values()), None)
    if item is not None:
        calibrated = {"id": item.id, "until": now + YEAR_US, "certificate": STAND_IN}
        for as_found in ("in_tolerance", "out_of_tolerance"):
            yield Candidate(c.CalibrateEquipment, {**calibrated, "as_found": as_found}, tuple(calibrated))
    materials = [batch.material_kind for batch in state.materials.values()] or [STAND_IN]
    until = {"until": now + YEAR_US}
    fresh = {"batch": "BATCH-NEW", "material_kind": materials[0], **until, "approved": True}
    yield Candidate(c.RegisterMaterial, fresh, tuple(fresh))
    adopted = next(iter(state.standards.items()), None)
    standard, edition = (STAND_IN, STAND_IN) if adopted is None else (adopted[0], adopted[1].edition)
    named = {"standard": standard, "edition": edition, "until": now + YEAR_US, "evidence": STAND_IN}
    yield Candidate(c.AdoptStandard, named, tuple(named), view.somebody("compliance", "qa", "admin"))
    batch = state.materials.get(_asked(view, "material")) or next(iter(state.materials.values()), None)
    if batch is not None:
        extended = {"batch": batch.batch, "until": max(batch.until, now) + YEAR_US, "evidence": STAND_IN}
        yield Candidate(c.ExtendMaterial, extended, tuple(extended))


def _payloads(view: View) -> Candidates:
    """What can be put on the record and erased, and legal holds: of the order that is asked for, or the first one."""
    state = view.state
    fresh = {"commitment": NEW_PAYLOAD, "kind": "evidence"}
    yield Candidate(c.KeepPayload, fresh, tuple(fresh))
    asked, second = _asked(view, "payload"), view.somebody("qa", "compliance", "project_manager", "admin")
    kept = (name for name, payload in state.payloads.items() if payload.erased is None)
    reference = asked if asked in state.payloads else next(kept, "")
    if reference:
        yield Candidate(c.ErasePayload, {"commitment": reference, "reason": STAND_IN}, ("commitment", "reason"), second)
    orders = [f"order:{order.id}" for order in view.orders()]
    free = next((subject for subject in orders if subject not in state.holds), "")
    if free:
        yield Candidate(c.PlaceHold, {"subject": free, "reason": STAND_IN}, ("subject", "reason"))
    if state.holds:
        held = {"subject": next(iter(state.holds)), "reason": STAND_IN}
        yield Candidate(c.LiftHold, held, ("subject", "reason"), second)


def next_version(view: View, record: ContractRecord) -> Candidates:
    """A new version of a contract that is in force, by whoever asks: the same text to begin with."""
    if record.status != "active":
        return
    try:
        bundle = bundled(record.sha256, view.library.blob)
    except Malformed:
        return
    version = f"{record.version[:50]}-next"
    head: dict[str, Any] = {"version": version, "author": view.actor}
    process = replace(bundle.technique, **head)
    named: dict[str, Any] = {"process": document_digest(process)}
    beside: list[Document] = [process]
    if bundle.quality is not None:
        quality = replace(bundle.quality, **head)
        named["quality"] = document_digest(quality)
        beside.append(quality)
    if bundle.pay is not None:
        pay = replace(bundle.pay, **head)
        named["pay"] = document_digest(pay)
        beside.append(pay)
    raws = [encode_document(document) for document in (replace(bundle.template, **head, **named), *beside)]
    pins = tuple(Pin(sha256=digest(raw), content=raw) for raw in raws)
    fields = {"contract": record.contract, "version": version, "sha256": pins[0].sha256}
    yield Candidate(c.SubmitContract, fields, ("version", "sha256"), (), pins)

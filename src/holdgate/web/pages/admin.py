"""Admin: people and keys, devices, instruments, batches, standards, access policies, sites; every change is a signed act."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from holdgate.crypto.signatures import WEBAUTHN, kind_of
from holdgate.identity.charter import SiteSeat
from holdgate.identity.roster import Credential, Identity
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.state import Doubt, Policy, State
from holdgate.query.recall import ALWAYS, Recall, Source, recall
from holdgate.query.record import Record
from holdgate.query.shelf import OWN, TAKEN, MemoryShelf, Span, bring_up
from holdgate.query.uses import BATCH, EQUIPMENT, PERSON
from holdgate.terms.ids import check_id
from holdgate.terms.instant import SECOND_US
from holdgate.web.api.facts import Running, facts_of
from holdgate.web.api.inviting import Open, shown
from holdgate.web.api.looking import paged
from holdgate.web.hub import somebody
from holdgate.web.inviting import REKEY, officer_role, settle
from holdgate.web.page import Page, View
from holdgate.web.pages.root import root
from holdgate.web.pages.sessions import opened
from holdgate.web.problem import Problem, missing
from holdgate.web.sessions import Seen
from holdgate.web.waiting import PaperLine, papers_of
from holdgate.web.wish import Choices, Wish, with_asks

ROLES: Final = ("admin", "qa", "compliance", "project_manager", "metrology", "training", "receiving")
KNOWN_ROLES: Final = (
    *("technician", "operator", "level3", "author", "qa", "compliance", "project_manager", "admin", "metrology"),
    *("training", "receiving", "finance", "safety", "client", "auditor", "workstation"),
)
"""Roles that are offered to be typed; any other word is one too."""
ROWS: Final = 100
SOON_US: Final = 30 * 86_400 * SECOND_US
YEAR_US: Final = 365 * 86_400 * SECOND_US
RECALLED: Final = {"equipment": EQUIPMENT, "material": BATCH, "person": PERSON}
"""What a recall can begin with, as addresses have it."""


class Cert(Struct, frozen=True, kw_only=True):
    """A qualification. `stands`: valid, soon (within 30 days), over or revoked; `until`: UTC µs. `revoke`: how it is taken back."""

    name: str
    until: int
    stands: str
    revoke: Wish | None = None


class PersonRow(Struct, frozen=True, kw_only=True):
    """Somebody, or a device. `disabled_at`: UTC µs (0: in force)."""

    id: str
    name: str
    org: str
    kind: str
    roles: tuple[str, ...]
    zone: str
    disabled_at: int
    certs: tuple[Cert, ...]


class People(Struct, frozen=True, kw_only=True):
    """The roster. `next`: for the rows that follow; `officers`: who else could stand behind an enrolment."""

    rows: tuple[PersonRow, ...]
    next: str
    q: str
    kind: str
    org: str
    officers: tuple[tuple[str, str], ...]
    may_invite: bool
    open: tuple[Open, ...]
    papers: tuple[PaperLine, ...]
    known_roles: tuple[str, ...] = KNOWN_ROLES


class PersonCard(Struct, frozen=True, kw_only=True):
    """One of the roster. `key`: the first digits of the public key, and what kind it is; `rekey`: another key can be given."""

    row: PersonRow
    certs: tuple[Cert, ...]
    grant: Wish | None
    disable: Wish | None
    key: str
    passkey: bool
    rekey: bool
    officers: tuple[tuple[str, str], ...]
    may_invite: bool
    papers: tuple[PaperLine, ...]
    sessions: tuple[Seen, ...]


class Register(Struct, frozen=True, kw_only=True):
    """A register: what is on it, how something gets on it, and forms for each row by its id."""

    rows: tuple[Running, ...]
    add: Wish | None
    papers: tuple[PaperLine, ...] = ()
    policies: tuple[Policy, ...] = ()
    policy: Wish | None = None


class InstrumentCard(Struct, frozen=True, kw_only=True):
    """One instrument. `doubts`: uses that are recalled; `jobs`: that used it since its last good check, and when last (UTC µs)."""

    row: Running
    good_at: int
    unheard: bool
    doubts: tuple[Doubt, ...]
    jobs: tuple[tuple[str, int], ...]
    calibrate: tuple[Wish, ...]


class BatchCard(Struct, frozen=True, kw_only=True):
    """One batch, and how its shelf life is extended."""

    row: Running
    extend: Wish | None


class SiteRow(Struct, frozen=True, kw_only=True):
    """A site. `retired_at`: UTC µs (0: it takes part); `link`: up, down or "" (not watched from here)."""

    seat: SiteSeat
    retired_at: int
    joined: bool
    link: str
    since: int


class Sites(Struct, frozen=True, kw_only=True):
    """The sites of the shop, and how a node leaves."""

    rows: tuple[SiteRow, ...]
    retire: Wish | None
    papers: tuple[PaperLine, ...]


class Touched(Struct, frozen=True, kw_only=True):
    """What something touched, on all of the record that is here."""

    kind: str
    id: str
    found: Recall


# ---- people --------------------------------------------------------------------------------------------------------


def people(view: View) -> People:
    """The roster, with invitations and papers on top."""
    state, q = view.face.state, view.query.get("q", "").strip()[:64].lower()
    kind = view.query.get("kind", "person")

    def row(key: str) -> PersonRow | None:
        identity = state.identities[key]
        named = q in key.lower() or q in identity.name.lower() or q in " ".join(identity.roles)
        return _row(identity, view.asker.now) if named and kind in ("every", identity.kind) else None

    rows, following = paged(state.identities, view.query.get("after", ""), ROWS, row)
    return People(
        rows=tuple(rows),
        next=following,
        q=q,
        kind=kind,
        org=state.charter.org,
        officers=_officers(view),
        may_invite=_may_invite(view),
        open=tuple(shown(one) for one in settle(state, view.reception, view.asker.now)) if _may_invite(view) else (),
        papers=papers_of(view),
    )


def _row(identity: Identity, now: int) -> PersonRow:
    return PersonRow(
        id=identity.id,
        name=identity.name,
        org=identity.org,
        kind=identity.kind,
        roles=identity.roles,
        zone=identity.zone or "",
        disabled_at=identity.disabled_at or 0,
        certs=tuple(_cert(name, held, now) for name, held in identity.credentials.items()),
    )


def _cert(name: str, held: Credential, now: int, revoke: Wish | None = None) -> Cert:
    stands = "over" if held.until < now else "soon" if held.until < now + SOON_US else "valid"
    return Cert(name=name, until=held.until, stands="revoked" if held.revoked_at else stands, revoke=revoke)


def _may_invite(view: View) -> bool:
    return view.asker.staff and view.asker.person is not None and bool(officer_role(view.asker.person))


def _officers(view: View, about: str = "") -> tuple[tuple[str, str], ...]:
    """Officers beside the one who looks: SMART-ID, and name with role."""
    me = "" if view.asker.person is None else view.asker.person.id
    others = (i for i in view.face.state.identities.values() if i.id not in (me, about))
    return tuple((i.id, f"{i.name} ({officer_role(i).replace('_', ' ')})") for i in others if officer_role(i))


def person(view: View) -> PersonCard | Problem:
    """One of the roster."""
    name = check_id(view.path["id"], "SMART-ID")
    identity = view.face.state.identities.get(name)
    if identity is None:
        return missing(f"nobody is enrolled as {name}")
    now, in_force = view.asker.now, identity.disabled_at is None
    grant = {"person": name, "credential": STAND_IN, "until": now + YEAR_US, "evidence": STAND_IN}
    return PersonCard(
        row=_row(identity, now),
        certs=tuple(_with_revoke(view, name, key, held) for key, held in identity.credentials.items()),
        grant=_blanked(view.offer(c.GrantCredential, _plausible(grant), ("credential", "until", "evidence")))
        if in_force
        else None,
        disable=view.offer(c.DisableIdentity, {"id": name, "reason": STAND_IN}, ("reason",)) if in_force else None,
        key=f"{identity.key.hex()[:16]}…",
        passkey=kind_of(identity.key) == WEBAUTHN,
        rekey=REKEY in c.ACTS and in_force and identity.kind in ("person", "device"),
        officers=_officers(view, name),
        may_invite=_may_invite(view) and (view.asker.person is None or view.asker.person.id != name),
        papers=papers_of(view),
        sessions=opened(view, name) if view.asker.holds("admin") else (),
    )


def _with_revoke(view: View, person: str, name: str, held: Credential) -> Cert:
    if held.revoked_at is not None or held.until < view.asker.now:
        return _cert(name, held, view.asker.now)
    fields = {"person": person, "credential": name, "reason": STAND_IN}
    return _cert(name, held, view.asker.now, view.offer(c.RevokeCredential, fields, ("reason",)))


def _plausible(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields under which the law can say what it would say of any: an id stands for what is still to be typed."""
    return {name: "TO-BE-NAMED" if name in _IDS and value == STAND_IN else value for name, value in fields.items()}


_IDS: Final = ("credential", "id", "batch", "policy", "zone")


def _blanked(wish: Wish | None) -> Wish | None:
    """The form without what only stood for an answer."""
    if wish is None:
        return None
    return with_asks(wish, **{ask.name: None for ask in wish.asks if ask.value in ("TO-BE-NAMED", STAND_IN)})


# ---- instruments, batches, standards, policies ---------------------------------------------------------------------


def equipment(view: View) -> Register:
    """Instruments and machines, what runs out first."""
    now = view.asker.now
    new = {"id": STAND_IN, "equipment_class": STAND_IN, "cal_from": now, "cal_until": now + YEAR_US, "in_service": True}
    add = view.offer(c.RegisterEquipment, _plausible(new), tuple(new))
    return Register(rows=_soonest(facts_of(view.face.state, now).equipment), add=_blanked(add), papers=papers_of(view))


def instrument(view: View) -> InstrumentCard | Problem:
    """One instrument: its calibration, and what rests on it."""
    state, now = view.face.state, view.asker.now
    item = state.equipment.get(check_id(view.path["id"], "equipment"))
    if item is None:
        return missing("no equipment of this name is on the register")
    row = next(row for row in facts_of(state, now).equipment if row.id == item.id)
    calibrated = {"id": item.id, "until": now + YEAR_US, "certificate": STAND_IN}
    wishes = (
        view.offer(c.CalibrateEquipment, {**calibrated, "as_found": as_found}, ("until", "certificate"))
        for as_found in ("in_tolerance", "out_of_tolerance")
    )
    return InstrumentCard(
        row=row,
        good_at=item.good_at,
        unheard=item.unheard,
        doubts=item.doubts,
        jobs=tuple(state.uses.get(item.id, {}).items())[:ROWS],
        calibrate=tuple(blanked for wish in wishes if (blanked := _blanked(wish)) is not None),
    )


def materials(view: View) -> Register:
    """Batches, what runs out first."""
    now = view.asker.now
    new = {"batch": STAND_IN, "material_kind": STAND_IN, "until": now + YEAR_US, "approved": True}
    add = view.offer(c.RegisterMaterial, _plausible(new), tuple(new))
    return Register(rows=_soonest(facts_of(view.face.state, now).materials), add=_blanked(add), papers=papers_of(view))


def batch(view: View) -> BatchCard | Problem:
    """One batch."""
    now, name = view.asker.now, check_id(view.path["id"], "batch")
    row = next((row for row in facts_of(view.face.state, now).materials if row.id == name), None)
    if row is None:
        return missing("no batch of this name is on the register")
    extended = {"batch": name, "until": max(row.until, now) + YEAR_US, "evidence": STAND_IN}
    return BatchCard(row=row, extend=_blanked(view.offer(c.ExtendMaterial, extended, ("until", "evidence"))))


def standards(view: View) -> Register:
    """Editions in force, and access policies."""
    state, now = view.face.state, view.asker.now
    new = {"standard": STAND_IN, "edition": STAND_IN, "until": now + YEAR_US, "evidence": STAND_IN}
    others = somebody(view, "compliance", "qa", "admin")
    zones = sorted({i.zone for i in state.identities.values() if i.zone}) or [STAND_IN]
    policy = {"policy": STAND_IN, "zone": zones[0], "credential": STAND_IN, "reason": STAND_IN}
    asked = _blanked(view.offer(c.UpdatePolicy, _plausible(policy), tuple(policy)))
    return Register(
        rows=_soonest(facts_of(state, now).standards),
        add=_blanked(view.offer(c.AdoptStandard, new, tuple(new), others)),
        policies=tuple(state.policies.values()),
        policy=None if asked is None else with_asks(asked, zone=Choices(tuple((zone, zone) for zone in zones))),
        papers=papers_of(view),
    )


def _soonest(rows: Iterable[Running]) -> tuple[Running, ...]:
    return tuple(sorted(rows, key=lambda row: (row.stands == "withdrawn", row.until, row.id)))


# ---- sites ---------------------------------------------------------------------------------------------------------


def sites(view: View) -> Sites:
    """The sites of the shop."""
    state = view.face.state
    there = [seat.id for seat in state.charter.sites if seat.kind == "node" and seat.id not in state.retired]
    others = somebody(view, "qa", "compliance", "project_manager", "admin")
    wish = view.offer(c.RetireSite, {"id": there[-1], "reason": STAND_IN}, ("id", "reason"), others) if there else None
    choices = Choices(tuple((node, node) for node in there), there[-1] if there else None)
    return Sites(
        rows=tuple(_site(state, seat) for seat in state.charter.sites),
        retire=None if wish is None else with_asks(wish, id=choices),
        papers=papers_of(view),
    )


def _site(state: State, seat: SiteSeat) -> SiteRow:
    contact = state.contacts.get(seat.id)
    return SiteRow(
        seat=seat,
        retired_at=state.retired.get(seat.id, 0),
        joined=seat.id in state.joined,
        link="" if contact is None else "up" if contact.up else "down",
        since=0 if contact is None else contact.since,
    )


# ---- recall --------------------------------------------------------------------------------------------------------


async def touched(view: View) -> Touched | Problem:
    """Everything that an instrument, a batch or a person touched: read from the whole record, beside the event loop."""
    kind, name = view.path["kind"], check_id(view.path["id"])
    if kind not in RECALLED:
        return missing("a recall begins with equipment, a material or a person")
    span = Span(RECALLED[kind], name, *ALWAYS)
    found = await asyncio.to_thread(_recalled, view.face.record(), view.face.id, span)
    return Touched(kind=kind, id=name, found=found)


def _recalled(record: Record, site: str, span: Span) -> Recall:
    own, taken = MemoryShelf(), MemoryShelf()
    bring_up(own, record, OWN)
    bring_up(taken, record, TAKEN)
    others = (Source(taken, other) for other in sorted(taken.sites()) if other != site)
    return recall([Source(own, site), *others], span)


ADMIN: Final = Page(
    name="admin",
    title="Admin",
    kinds=("business_hub",),
    roles=ROLES,
    model=people,
    below=(
        ("/people/{id}", "admin_person", person),
        ("/equipment", "admin_equipment", equipment),
        ("/equipment/{id}", "admin_instrument", instrument),
        ("/materials", "admin_materials", materials),
        ("/materials/{id}", "admin_batch", batch),
        ("/standards", "admin_standards", standards),
        ("/sites", "admin_sites", sites),
        ("/root", "admin_root", root),
        ("/recall/{kind}/{id}", "admin_recall", touched),
    ),
)
